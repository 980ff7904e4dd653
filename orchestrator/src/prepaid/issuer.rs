//! The issuer's side of a terminal's order (S4.3): opened, kept, decided, answered.
use std::time::Duration;

use protocol::{
    prepaid::{DeclineCode, Error, PaymentRecord, SignedPayment, Verdict},
    text::to_hex,
    Member,
};
use serde_json::json;

use super::{
    desk::{card_of, merchant_of},
    messages::{Decline, OrderAnswer, SealedOrder, TerminalOrder},
    ports::{Act, Block, LedgerError, PrepaidLedger},
    sealed::{open, MAX_SEALED},
    Prepaid, PrepaidError,
};
use crate::{
    settlement::failpoints,
    store::{
        prepaid::{Answered, NewOrder, OrderRow},
        webhooks::NewEvent,
    },
};

impl Prepaid {
    /// To whom terminals seal orders for this institution as the card issuer.
    ///
    /// # Errors
    /// It issues no cards.
    pub fn recipient(&self) -> Result<String, PrepaidError> {
        Ok(self.issuing()?.identity.to_public().to_string())
    }

    /// Takes an order that an acquirer hands in, and waits a moment for what becomes of it. The same order again gets the same
    /// answer, or the final one where it was pending.
    ///
    /// # Errors
    /// The institution issues no cards, another acquirer handed in an order under this reference, or the database or the
    /// chain failed. What is wrong with the order itself is in the answer.
    pub async fn on_order(&self, from: Member, sealed: &SealedOrder) -> Result<OrderAnswer, PrepaidError> {
        let reference = sealed.reference;
        let known = self.store.card_order(&reference).await?;
        match known.as_ref().and_then(|row| Some((row.acquirer, row.order.as_ref()?))) {
            Some((acquirer, _)) if acquirer != from => return Err(PrepaidError::ReferenceTaken(reference)),
            Some((_, order)) if order.terminal() != sealed.terminal => return Ok(other_order()),
            Some(_) => {}
            // What was no such order keeps the reference from nobody.
            None => {
                if let Some(declined) = self.take(from, sealed).await? {
                    return Ok(declined);
                }
            }
        }
        let look = || async move {
            let row = self.store.card_order(&reference).await?;
            Ok::<_, PrepaidError>(row.and_then(|row| row.answer))
        };
        self.wait_for(self.issuing()?.answer_wait, look).await
    }

    /// A crash before it is kept is a message that was lost; after it, an order that goes on by itself. The answer, where it
    /// is no such order.
    async fn take(&self, from: Member, sealed: &SealedOrder) -> Result<Option<OrderAnswer>, PrepaidError> {
        failpoints::reach("prepaid.issuer.order.acting".to_owned()).await;
        let (order, answer) = match self.read(sealed)? {
            Err(declined) => (None, Some(declined)),
            Ok(order) if self.is_anothers(from, &order).await? => (None, Some(other_order())),
            Ok(order) => (Some(order), None),
        };
        let new = NewOrder {
            reference: sealed.reference,
            acquirer: from,
            order,
            answer: answer.clone(),
            at: self.now(),
        };
        self.keeping.order(new).await?;
        failpoints::reach("prepaid.issuer.order.acted".to_owned()).await;
        self.changed();
        Ok(answer)
    }

    /// What is in an envelope; the inner error is the answer where that is no such order.
    fn read(&self, sealed: &SealedOrder) -> Result<Result<TerminalOrder, OrderAnswer>, PrepaidError> {
        let issuing = self.issuing()?;
        Ok(match open::<TerminalOrder>(&issuing.identity, &sealed.sealed) {
            Ok(order) if (order.reference(), order.terminal()) == (sealed.reference, sealed.terminal) => Ok(order),
            Ok(_) => Err(other_order()),
            Err(error) => Err(OrderAnswer::Declined {
                code: Decline::GarbageCiphertext,
                reason: format!(
                    "{error} (at most {MAX_SEALED} bytes): seal it to the issuer's present key and order anew"
                ),
            }),
        })
    }

    /// Whether the order's terminal is one of a merchant that another institution speaks for. An unknown terminal's order is
    /// declined by the contract, like whatever else is wrong with it.
    async fn is_anothers(&self, from: Member, order: &TerminalOrder) -> Result<bool, PrepaidError> {
        let ledger = self.own()?;
        let terminal = ledger
            .terminals(&[order.terminal()])
            .await?
            .into_iter()
            .flatten()
            .next();
        match terminal {
            None => Ok(false),
            Some(terminal) => Ok(merchant_of(ledger, terminal.merchant).await?.acquirer != from),
        }
    }

    /// Has a batch of payments decided. A crash at any point is harmless: the batch keeps its number, under which the
    /// submitter finds what was submitted, and the block tells the verdicts again.
    pub(super) async fn decide(&self, batch: i64) -> Result<(), PrepaidError> {
        let ledger = self.own()?;
        let rows = self.store.card_batch(batch).await?;
        let payments: Vec<SignedPayment> = rows.iter().filter_map(payment_of).collect();
        if payments.is_empty() {
            return Ok(());
        }
        failpoints::reach("prepaid.issuer.batch.acting".to_owned()).await;
        let key = format!("prepaid/{}/batch/{batch}", ledger.issuer());
        let decided = match ledger.pay(&key, &payments).await {
            Ok(decided) => decided,
            // Too much for a block, or for the account's funds: less may pass.
            Err(LedgerError::Rejected(why)) if payments.len() > 1 => {
                tracing::warn!(
                    batch,
                    payments = payments.len(),
                    why,
                    "the batch isn't taken: tried in halves"
                );
                return Ok(self.store.split_card_batch(batch, false).await?);
            }
            Err(error) => return Err(error.into()),
        };
        failpoints::reach("prepaid.issuer.batch.submitted".to_owned()).await;
        let answers = answers(ledger, &payments, decided.block, decided.verdicts).await?;
        let is_whole = answers.len() == payments.len();
        self.keep(answers).await?;
        if !is_whole {
            // The node doesn't keep what would tell, and these weren't taken: they are decided anew.
            self.store.split_card_batch(batch, true).await?;
        }
        failpoints::reach("prepaid.issuer.batch.acted".to_owned()).await;
        tracing::info!(
            batch,
            payments = payments.len(),
            block = decided.block.number,
            "decided"
        );
        self.moved();
        Ok(())
    }

    /// Has a void or a refund carried out, once.
    pub(super) async fn give_back(&self, reference: [u8; 32]) -> Result<(), PrepaidError> {
        let ledger = self.own()?;
        let Some(row) = self
            .store
            .card_order(&reference)
            .await?
            .filter(|row| row.answer.is_none())
        else {
            return Ok(());
        };
        let act = match row.order {
            Some(TerminalOrder::Void { order, signature }) => Act::Void { order, signature },
            Some(TerminalOrder::Refund { order, signature }) => Act::Refund { order, signature },
            Some(TerminalOrder::Pay { .. }) | None => return Ok(()),
        };
        failpoints::reach("prepaid.issuer.return.acting".to_owned()).await;
        let key = format!("prepaid/{}/order/{}", ledger.issuer(), to_hex(&reference));
        let answer = match ledger.carry_out(&key, &act).await {
            Ok(block) => {
                failpoints::reach("prepaid.issuer.return.submitted".to_owned()).await;
                OrderAnswer::Returned {
                    amount: returned(ledger, &act).await?,
                    block: block.number,
                    block_hash: block.hash,
                }
            }
            // The refusal is the latest block's, which may not become final.
            Err(LedgerError::Refused(_)) => match ledger.tried(&act).await? {
                Err(error) => OrderAnswer::Declined {
                    code: Decline::Refused,
                    reason: refusal(&error),
                },
                Ok(()) => return Err(PrepaidError::NotYet("what stands in the way isn't final")),
            },
            Err(error) => return Err(error.into()),
        };
        self.keep(vec![(reference, answer)]).await?;
        failpoints::reach("prepaid.issuer.return.acted".to_owned()).await;
        self.moved();
        Ok(())
    }

    async fn keep(&self, answers: Vec<([u8; 32], OrderAnswer)>) -> Result<(), PrepaidError> {
        let answers: Vec<Answered> = answers
            .into_iter()
            .map(|(reference, answer)| Answered {
                event: told(&reference, &answer),
                reference,
                answer,
            })
            .collect();
        Ok(self.store.answer_card_orders(&answers, self.now()).await?)
    }

    /// The final answer, if `look` finds one in time.
    pub(super) async fn wait_for<F>(
        &self,
        patience: Duration,
        look: impl Fn() -> F,
    ) -> Result<OrderAnswer, PrepaidError>
    where
        F: std::future::Future<Output = Result<Option<OrderAnswer>, PrepaidError>>,
    {
        let mut moves = self.moves.subscribe();
        let last = async {
            loop {
                moves.mark_unchanged();
                if let Some(answer) = look().await? {
                    return Ok(answer);
                }
                // Without a sender nothing moves any more.
                if moves.changed().await.is_err() {
                    return Ok(OrderAnswer::Pending);
                }
            }
        };
        match tokio::time::timeout(patience, last).await {
            Ok(found) => found,
            // However short the patience: what is there already is told.
            Err(_) => Ok(look().await?.unwrap_or(OrderAnswer::Pending)),
        }
    }
}

fn payment_of(row: &OrderRow) -> Option<SignedPayment> {
    match &row.order {
        Some(TerminalOrder::Pay { payment }) => Some(*payment),
        _ => None,
    }
}

/// What the finalized chain says of payments, as far as it says anything.
async fn answers(
    ledger: &dyn PrepaidLedger,
    payments: &[SignedPayment],
    block: Block,
    verdicts: Option<Vec<Verdict>>,
) -> Result<Vec<([u8; 32], OrderAnswer)>, PrepaidError> {
    let verdicts: Vec<Option<Verdict>> = match verdicts {
        Some(verdicts) => verdicts.into_iter().map(Some).collect(),
        None => vec![None; payments.len()],
    };
    let keys: Vec<_> = payments.iter().map(|signed| signed.payment.key()).collect();
    // A counter that was used may have been used by this very payment, in a call that nobody here knows of any more.
    let is_unclear =
        |verdict: &Option<Verdict>| matches!(verdict, None | Some(Verdict::Declined(DeclineCode::CounterUsed)));
    let records = match verdicts.iter().any(is_unclear) {
        true => ledger.payments(&keys).await?,
        false => vec![None; payments.len()],
    };
    let mut answers = Vec::with_capacity(payments.len());
    for ((signed, verdict), record) in payments.iter().zip(verdicts).zip(records) {
        let reference = signed.payment.reference();
        let record = record.filter(|record| record.reference == reference);
        let answer = match (verdict, record) {
            (Some(Verdict::Approved { taken, balance, cycle }), _) => OrderAnswer::Approved {
                taken,
                balance,
                cycle,
                block: block.number,
                block_hash: block.hash,
            },
            (_, Some(record)) => approved(ledger, signed, &record, block).await?,
            (Some(Verdict::Declined(code)), None) => OrderAnswer::Declined {
                code: Decline::Payment(code),
                reason: why(code).to_owned(),
            },
            (None, None) => continue,
        };
        answers.push((reference, answer));
    }
    Ok(answers)
}

/// What a payment that was taken before is answered with: what the card holds now.
async fn approved(
    ledger: &dyn PrepaidLedger,
    signed: &SignedPayment,
    record: &PaymentRecord,
    block: Block,
) -> Result<OrderAnswer, PrepaidError> {
    Ok(OrderAnswer::Approved {
        taken: record.taken,
        balance: card_of(ledger, signed.payment.card).await?.balance,
        cycle: record.cycle,
        block: block.number,
        block_hash: block.hash,
    })
}

/// What went back by an act that was carried out.
async fn returned(ledger: &dyn PrepaidLedger, act: &Act) -> Result<protocol::Amount, PrepaidError> {
    match act {
        Act::Refund { order, .. } => Ok(order.amount),
        Act::Void { order, .. } => {
            let key = (order.card, order.counter);
            let record = ledger.payments(&[key]).await?.into_iter().flatten().next();
            Ok(record.ok_or(PrepaidError::UnknownPayment(key))?.taken)
        }
        _ => Ok(0),
    }
}

fn other_order() -> OrderAnswer {
    OrderAnswer::Declined {
        code: Decline::OtherOrder,
        reason: "what is in the envelope is known by another reference, or is another terminal's: a terminal sends each of its \
                 orders under the order's own reference, by the acquirer of its merchant"
            .to_owned(),
    }
}

/// What those who keep books are told by webhook.
fn told(reference: &[u8; 32], answer: &OrderAnswer) -> NewEvent {
    let kind = match answer {
        OrderAnswer::Approved { .. } => "card.approved",
        OrderAnswer::Returned { .. } => "card.returned",
        OrderAnswer::Declined { .. } | OrderAnswer::Pending => "card.declined",
    };
    let reference = to_hex(reference);
    NewEvent {
        kind,
        subject: reference.clone(),
        data: json!({ "reference": reference, "answer": answer }),
        origin: None,
    }
}

/// Why the contract declined a payment, and what can be done.
pub(super) const fn why(code: DeclineCode) -> &'static str {
    match code {
        DeclineCode::BadAmount => "the amount is 0, or the least is 0 or above the amount",
        DeclineCode::PartialNotAllowed => "the programme takes no payments in part: order all or nothing",
        DeclineCode::PaymentExpired => "it came too late: have the card sign a new one",
        DeclineCode::UnknownTerminal => "the card issuer doesn't know this terminal: have it added",
        DeclineCode::ForeignMerchant => "the terminal is another merchant's",
        DeclineCode::TerminalRevoked => "the terminal's key was revoked: the terminal needs a new one",
        DeclineCode::MerchantSuspended => "the card issuer takes no payments for this merchant: ask it why",
        DeclineCode::BadTerminalSignature => {
            "the terminal's signature doesn't verify: it was altered, or signed by another key"
        }
        DeclineCode::UnknownCard => "there is no such card",
        DeclineCode::BadCardSignature => {
            "the card's signature doesn't verify: it was altered, or the card was replaced by another one"
        }
        DeclineCode::CounterUsed => "the card made another payment under the same counter before",
        DeclineCode::CardClosed => "the card is closed",
        DeclineCode::CardFrozen => "the card is frozen: its holder asks the card issuer",
        DeclineCode::CardExpired => "the card has expired",
        DeclineCode::AbovePaymentLimit => "more than the card may pay at once",
        DeclineCode::AboveDayLimit => "more than the card may pay in one day",
        DeclineCode::InsufficientFunds => "more than the card holds",
        DeclineCode::Overflow => "a sum is beyond what an amount can hold",
    }
}

/// Why the contract refused a void or refund, and what can be done.
fn refusal(error: &Error) -> String {
    match error {
        Error::CycleClosed => "the payment's cycle is closed: refund it instead".to_owned(),
        Error::NotWhole => "a part of it went back already, or it is disputed: refund the rest instead".to_owned(),
        Error::AlreadyVoided => "it was voided before".to_owned(),
        Error::Disputed => "it is disputed: what goes back is decided there".to_owned(),
        Error::UnknownPayment => "no such payment was taken".to_owned(),
        Error::StaleOrder { returned } => {
            format!("{returned} went back before, other than the order says: look at the payment and order anew")
        }
        Error::AboveReturnable { left } => format!("only {left} of the payment is left to go back"),
        Error::MerchantShort { available, needed } => format!(
            "{needed} is needed, and the merchant has {available} that isn't paid out or held for disputes: put money in \
             (`quittance prepaid fund-merchant`), and order anew"
        ),
        Error::DeadlinePassed { deadline } => {
            format!("the order expired at {deadline} (milliseconds since 1970): sign a new one")
        }
        Error::UnknownTerminal => why(DeclineCode::UnknownTerminal).to_owned(),
        Error::ForeignMerchant => why(DeclineCode::ForeignMerchant).to_owned(),
        Error::TerminalRevoked => why(DeclineCode::TerminalRevoked).to_owned(),
        Error::BadTerminalSignature => why(DeclineCode::BadTerminalSignature).to_owned(),
        other => format!("the contract refuses: {other:?}"),
    }
}
