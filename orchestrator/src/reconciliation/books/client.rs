//! What the institution records as the client of books (S3.1): written down, recorded on chain, told to both sides. Each step
//! looks first what is there: repeated after a crash, it does nothing twice.
use protocol::{
    ids::{PayerId, TradeId},
    reconciliation::{BatchId, BookId, Day, Entry, EntryRecord, Error, Side, MAX_ENTRIES},
    Amount, Timestamp,
};

use super::{Books, BooksError};
use crate::{
    reconciliation::{
        messages::{Delivery, MAX_DELIVERED},
        ports::{Act, LedgerError},
    },
    settlement::failpoints,
    store::books::{EntryRow, KnownBook, NewEntry, Queued, Settled},
};

/// What a customer paid, as the institution's own programs tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// What it is known by.
    pub trade: TradeId,
    /// Who paid.
    pub payer: PayerId,
    /// In the asset's smallest unit.
    pub amount: Amount,
    /// When the customer paid, in milliseconds since 1970; now, where nothing is said.
    pub time: Option<Timestamp>,
    /// For which day; that of the time by the book's clocks, where nothing is said.
    pub day: Option<Day>,
    /// What it may be booked under as one line.
    pub batch: Option<BatchId>,
}

/// What is recorded, as it stands.
pub type Recorded = EntryRow;

impl Books {
    /// Writes down what customers paid, all of it or nothing. It is recorded on chain, and told to both sides, after that. What
    /// was written down before under an id, alike, is answered as it stands.
    ///
    /// # Errors
    /// This institution isn't the book's client, an entry isn't one, or its id is another's.
    pub async fn record(&self, book: BookId, payments: &[Payment]) -> Result<Vec<Recorded>, BooksError> {
        if !(1..=MAX_ENTRIES).contains(&payments.len()) {
            return Err(BooksError::EntryCount {
                limit: MAX_ENTRIES,
                found: payments.len(),
            });
        }
        let known = self.book(book).await?;
        self.ensure_client(&known)?;
        let clocks = Self::clocks(&known)?;
        let now = self.now();
        let today = clocks.day(now);
        let mut entries = Vec::with_capacity(payments.len());
        for payment in payments {
            let trade = payment.trade;
            if payment.amount == 0 {
                return Err(BooksError::ZeroAmount(trade));
            }
            // Asked again without a time, it is the one that was written down.
            let written = match payment.time {
                Some(_) => None,
                None => self.store.client_entry(book, trade).await?,
            };
            let time = payment.time.or(written.map(|row| row.entry.time)).unwrap_or(now);
            let day = payment
                .day
                .or_else(|| clocks.day(time))
                .ok_or(BooksError::BadTime(trade))?;
            if today.is_some_and(|today| day > today) {
                return Err(BooksError::DayInFuture(day));
            }
            entries.push(NewEntry {
                entry: Entry {
                    trade,
                    payer: payment.payer,
                    amount: payment.amount,
                    time,
                },
                day,
                batch: payment.batch,
                feed: None,
            });
        }
        match self.store.queue_entries(book, &entries, now).await? {
            Queued::Kept(rows) => {
                self.changed();
                Ok(rows)
            }
            Queued::Differs(row) => Err(BooksError::EntryDiffers(row.entry.trade)),
        }
    }

    pub(super) fn ensure_client(&self, known: &KnownBook) -> Result<(), BooksError> {
        if known.terms.client == self.member {
            Ok(())
        } else {
            Err(BooksError::NotTheClient {
                book: known.book,
                client: known.terms.client,
            })
        }
    }

    /// Records the entries of a call on chain, those that aren't there. One whose day was closed meanwhile is recorded for the
    /// day after, by another call.
    pub(super) async fn record_call(&self, call: i64) -> Result<(), BooksError> {
        let rows = self.store.entry_call(call).await?;
        let Some(EntryRow { book, day, batch, .. }) = rows.first().cloned() else {
            return Ok(());
        };
        failpoints::reach("reconciliation.record.acting".to_owned()).await;
        let left = self.without_those_on_chain(book, rows).await?;
        if left.is_empty() {
            return Ok(());
        }
        let known = self.book(book).await?;
        if let Some(through) = known.closed_through.filter(|through| day <= *through) {
            return self.redate(call, through).await;
        }
        let act = Act::Record {
            book,
            day,
            batch,
            entries: left.iter().map(|row| row.entry).collect(),
        };
        let carried = self
            .ledger
            .carry_out(&format!("reconciliation/record/{call}"), &act)
            .await;
        match carried {
            Ok(_) => {}
            Err(LedgerError::Refused(Error::DayClosed { through })) => return self.redate(call, through).await,
            // A correction was faster: the next look finds it.
            Err(LedgerError::Refused(Error::TradeExists(_))) => return Err(BooksError::NotYet("an id was taken")),
            Err(error) => return Err(error.into()),
        }
        failpoints::reach("reconciliation.record.acted".to_owned()).await;
        let settled: Vec<_> = left.iter().map(|row| (row.number, Settled::Recorded(day))).collect();
        self.store.settle_entries(&settled, self.now()).await?;
        self.changed();
        Ok(())
    }

    async fn without_those_on_chain(&self, book: BookId, rows: Vec<EntryRow>) -> Result<Vec<EntryRow>, BooksError> {
        let trades: Vec<TradeId> = rows.iter().map(|row| row.entry.trade).collect();
        let there = self.ledger.entries(book, &trades).await?;
        let (mut settled, mut left) = (Vec::new(), Vec::new());
        for (row, record) in rows.into_iter().zip(there) {
            match record {
                Some(record) => settled.push((row.number, as_on_chain(&row, &record))),
                None => left.push(row),
            }
        }
        if !settled.is_empty() {
            self.store.settle_entries(&settled, self.now()).await?;
            self.changed();
        }
        Ok(left)
    }

    async fn redate(&self, call: i64, through: Day) -> Result<(), BooksError> {
        self.store
            .redate_entries(call, Day(through.0.saturating_add(1)))
            .await?;
        self.changed();
        Ok(())
    }

    /// Tells a side of entries that are on the finalized chain; whether there are more.
    pub(super) async fn deliver(&self, book: BookId, side: Side) -> Result<bool, BooksError> {
        let most = u32::try_from(MAX_DELIVERED).unwrap_or(u32::MAX);
        let rows = self.store.undelivered_entries(book, side, most).await?;
        let Some(EntryRow { day, batch, .. }) = rows.first().cloned() else {
            return Ok(false);
        };
        let alike = |row: &&EntryRow| row.day == day && row.batch == batch;
        let (numbers, entries): (Vec<i64>, Vec<Entry>) =
            rows.iter().filter(alike).map(|row| (row.number, row.entry)).unzip();
        let delivery = Delivery {
            book,
            side,
            day,
            batch,
            entries,
        };
        let known = self.book(book).await?;
        let to = match side {
            Side::Debit => known.terms.debit,
            Side::Credit => known.terms.credit,
            Side::Chain => return Ok(false),
        };
        failpoints::reach("reconciliation.deliver.acting".to_owned()).await;
        if to == self.member {
            self.on_delivery(to, &delivery).await?;
        } else {
            self.partners.deliver(to, &delivery).await?;
        }
        failpoints::reach("reconciliation.deliver.acted".to_owned()).await;
        self.store.entries_delivered(side, &numbers, self.now()).await?;
        Ok(true)
    }
}

/// What an entry is, that the chain has something under the id of.
fn as_on_chain(row: &EntryRow, record: &EntryRecord) -> Settled {
    let is_same = record.entry(row.entry.trade) == row.entry && record.batch == row.batch;
    // What both sides agreed on since is nobody's mistake.
    if is_same || record.corrections > 0 {
        Settled::Recorded(record.day)
    } else {
        Settled::Refused("the chain has another entry under this id".into())
    }
}
