//! How a terminal asks what becomes of an order, until it knows.
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use protocol::Signature;

use super::{client::Acquirer, queue::Entry, settings::Settings};
use crate::{
    http::now,
    identity::SigningKey,
    peers::client::Failure,
    prepaid::{
        messages::{OrderAnswer, TerminalMessage, TerminalOrder},
        sealed::seal,
    },
};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Why an order has no final answer yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The issuer has it.
    #[error("the issuer has it and didn't answer yet")]
    Pending,
    /// The acquirer didn't answer as it should.
    #[error("the acquirer: {0}")]
    Failed(#[from] Failure),
}

/// The part that asks.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) settings: Settings,
    pub(super) key: SigningKey,
    pub(super) acquirer: Acquirer,
    pub(super) patience: Duration,
}

impl Desk {
    /// Asks until there is a final answer, or patience ends; without patience, once.
    pub(super) async fn answer(&self, entry: &Entry, patience: Duration) -> Result<OrderAnswer, Trouble> {
        if patience.is_zero() {
            return self.ask(entry).await;
        }
        let pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .without_max_times()
            .with_jitter();
        let mut last = Trouble::Failed(Failure::Passing(format!("no answer in {} s", patience.as_secs())));
        let asking = (|| self.ask(entry))
            .retry(pauses)
            .when(Trouble::passes)
            .notify(|trouble, pause| {
                tracing::debug!(number = entry.number, ?pause, "asking again: {trouble}");
                last = trouble.clone();
            });
        let answer = tokio::time::timeout(patience, asking).await;
        answer.unwrap_or(Err(last))
    }

    async fn ask(&self, entry: &Entry) -> Result<OrderAnswer, Trouble> {
        let mut message = TerminalMessage {
            issuer: self.settings.issuer,
            reference: entry.order.reference(),
            terminal: self.key.account(),
            sent_at: now(),
            // Sealed anew each time: to whom it is sealed may have changed since it was signed.
            sealed: seal(&self.settings.recipient, &entry.order)
                .map_err(|error| Failure::Unclear(error.to_string()))?,
            signature: Signature([0; 64]),
        };
        message.signature = self.key.sign(&message.payload(&self.settings.domain()));
        match self.acquirer.send(&message).await? {
            OrderAnswer::Pending => Err(Trouble::Pending),
            answer if fits(&entry.order, &answer) => Ok(answer),
            _ => Err(Failure::Unclear("its answer isn't one to what was asked".to_owned()).into()),
        }
    }
}

impl Trouble {
    /// Whether it may be over in a moment.
    const fn passes(&self) -> bool {
        matches!(self, Self::Pending | Self::Failed(Failure::Passing(_)))
    }
}

/// Whether an order can have come to this.
fn fits(order: &TerminalOrder, answer: &OrderAnswer) -> bool {
    match (order, answer) {
        (TerminalOrder::Pay { payment }, OrderAnswer::Approved { taken, .. }) => {
            (payment.payment.least..=payment.payment.amount).contains(taken)
        }
        (TerminalOrder::Refund { order, .. }, OrderAnswer::Returned { amount, .. }) => *amount == order.amount,
        (TerminalOrder::Void { .. }, OrderAnswer::Returned { .. }) | (_, OrderAnswer::Declined { .. }) => true,
        _ => false,
    }
}
