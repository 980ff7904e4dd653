//! Cards that hold, or paid today, more than they may by now. No payment or top-up brings them there: a limit was cut, or a
//! payment came back.
use protocol::{
    prepaid::{CardNumber, CardState},
    AccountId, Amount, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::prepaid::book::{Book, OverCause};

/// A card that is over a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverLimit {
    /// Which.
    pub card: CardNumber,
    /// Whose it is.
    #[serde(with = "protocol::text::account")]
    pub holder: AccountId,
    /// Which limit: `balance` or `per-day`.
    pub limit_of: String,
    /// How much it may, in the asset's smallest unit: the lower of its own limit and the programme's.
    #[serde(with = "protocol::text::amount")]
    pub limit: Amount,
    /// How much it does.
    #[serde(with = "protocol::text::amount")]
    pub amount: Amount,
    /// Why it holds more than it may. A day's limit is exceeded only by a cut.
    pub cause: Option<OverCause>,
    /// The block after which it held more.
    pub since_block: Option<u32>,
}

/// Those at a time.
pub fn of(book: &Book, now: Timestamp) -> Vec<OverLimit> {
    let Some(programme) = book.programme() else {
        return vec![];
    };
    let mut found = Vec::new();
    for (number, card) in book.cards() {
        let limits = card.limits(&programme.limits);
        if let Some(over) = card.over {
            found.push(OverLimit {
                card: number,
                holder: card.card.holder,
                limit_of: "balance".into(),
                limit: limits.balance,
                amount: card.card.balance,
                cause: Some(over.cause),
                since_block: Some(over.since.block),
            });
        }
        let paid = card.card.paid_on_day_of(now);
        if paid > limits.per_day && card.card.state != CardState::Closed {
            found.push(OverLimit {
                card: number,
                holder: card.card.holder,
                limit_of: "per-day".into(),
                limit: limits.per_day,
                amount: paid,
                cause: None,
                since_block: None,
            });
        }
    }
    found
}
