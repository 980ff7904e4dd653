//! Which of the institution's own payments are recorded in books, each once, under the id that they are known by everywhere.
use protocol::{
    ids::{PayerId, TradeId},
    reconciliation::Entry,
    settlement::{TransactionKind, Voucher},
    Timestamp,
};

use super::{Books, BooksError};
use crate::{
    reconciliation::{schedule::Clocks, settings::Feed},
    store::books::{KnownBook, NewEntry},
};

/// Answers to card payments are written down in another order than that of their times: so much is looked through again, in
/// milliseconds.
const OVERLAP: Timestamp = 60_000;

impl Books {
    /// Looks what was settled since the last look, and writes down what is to be recorded; whether there is more.
    pub(super) async fn feed(&self, known: &KnownBook, feed: Feed) -> Result<bool, BooksError> {
        self.ensure_client(known)?;
        let clocks = Self::clocks(known)?;
        let Some(begun) = self.store.feed_place(known.book, feed).await? else {
            // What was settled before the institution said that it records it, it doesn't.
            let now = self.now();
            let end = self.store.feed_end(feed, now).await?;
            self.store.queue_fed(known.book, feed, &[], end, now).await?;
            return Ok(false);
        };
        let (entries, place, has_more) = match feed {
            Feed::Settlement => {
                let fed = self.store.cleared_since(begun).await?;
                let entries = fed
                    .payments
                    .iter()
                    .filter_map(|(voucher, at)| of_voucher(known, voucher, *at));
                (entries.collect::<Vec<_>>(), fed.place, fed.has_more)
            }
            Feed::Credit => {
                let fed = self.store.committed_since(begun).await?;
                let here = |request: &protocol::credit::CreditRequest| {
                    [request.debt, request.payout]
                        .iter()
                        .any(|leg| leg.genesis == self.ledger.genesis() && leg.asset == known.terms.asset)
                };
                let of = fed.payments.iter().filter(|(request, _)| here(request));
                let entries = of.map(|(request, at)| Entry {
                    trade: TradeId(request.id().0),
                    payer: PayerId(request.payer.0),
                    amount: request.amount,
                    time: *at,
                });
                (entries.collect(), fed.place, fed.has_more)
            }
            Feed::Prepaid => self.approved(begun).await?,
        };
        if place != begun || !entries.is_empty() {
            let new = dated(&clocks, feed, &entries);
            self.store.queue_fed(known.book, feed, &new, place, self.now()).await?;
        }
        Ok(has_more)
    }

    /// Card payments that were answered since a time, and a little before.
    async fn approved(&self, begun: i64) -> Result<(Vec<Entry>, i64, bool), BooksError> {
        let since = Timestamp::try_from(begun).unwrap_or_default();
        let (mut at, mut reference) = (since.saturating_sub(OVERLAP), String::new());
        let mut entries = Vec::new();
        loop {
            let answered = self.store.answered_since((at, &reference)).await?;
            let Some(last) = answered.last() else { break };
            (at, reference) = (last.at, last.reference.clone());
            entries.extend(answered.iter().filter_map(|answered| {
                answered.payment.map(|payment| Entry {
                    trade: payment.trade,
                    payer: payment.payer,
                    amount: payment.amount,
                    time: answered.at,
                })
            }));
        }
        let place = i64::try_from(at.max(since)).unwrap_or(begun);
        Ok((entries, place, false))
    }
}

/// A cleared payment, if it is of the book: what one side pays the other is how the book is settled, and what is given back was
/// none.
fn of_voucher(known: &KnownBook, voucher: &Voucher, at: Timestamp) -> Option<Entry> {
    let terms = &known.terms;
    let is_between_sides = match voucher.kind {
        TransactionKind::Refund(_) => return None,
        TransactionKind::CreditTransfer(payee) => (voucher.home, payee) == (terms.debit, terms.credit),
        _ => false,
    };
    (voucher.asset == terms.asset && !is_between_sides).then(|| Entry {
        trade: TradeId(voucher.id().0),
        payer: PayerId(voucher.user.0),
        amount: voucher.amount,
        time: at,
    })
}

fn dated(clocks: &Clocks, feed: Feed, entries: &[Entry]) -> Vec<NewEntry> {
    let dated = entries.iter().filter(|entry| entry.amount != 0).filter_map(|entry| {
        Some(NewEntry {
            entry: *entry,
            day: clocks.day(entry.time)?,
            batch: None,
            feed: Some(feed),
        })
    });
    dated.collect()
}
