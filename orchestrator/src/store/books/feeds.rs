//! The institution's own payments, in the order in which they were settled: what may be recorded in books.
use protocol::{
    credit::CreditRequest,
    ids::{PayerId, TradeId},
    settlement::Voucher,
    Amount, Timestamp,
};
use sqlx::{sqlite::SqliteRow, Row};

use super::{integer, time};
use crate::{
    prepaid::messages::{OrderAnswer, TerminalOrder},
    reconciliation::settings::Feed,
    store::{
        escrow::{read, read_optional},
        Store, StoreError,
    },
};

/// How many lines of a history are looked through at a time.
const SPAN: i64 = 512;

/// Payments from a place in a history on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fed<T> {
    /// What was settled, and when.
    pub payments: Vec<(T, Timestamp)>,
    /// Where to go on.
    pub place: i64,
    /// Whether there is more there now.
    pub has_more: bool,
}

/// An approved card payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardPayment {
    /// Its reference.
    pub trade: TradeId,
    /// The card, as books tell payers apart.
    pub payer: PayerId,
    /// What was taken.
    pub amount: Amount,
}

/// A terminal's order with its final answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// When it was answered.
    pub at: Timestamp,
    /// What it is known by.
    pub reference: String,
    /// What it is, where it is an approved payment.
    pub payment: Option<CardPayment>,
}

impl Store {
    /// Where a feed ends now.
    ///
    /// # Errors
    /// The database failed.
    pub async fn feed_end(&self, feed: Feed, now: Timestamp) -> Result<i64, StoreError> {
        let history = match feed {
            Feed::Settlement => "SELECT coalesce(max(number), 0) FROM payment_history",
            Feed::Credit => "SELECT coalesce(max(number), 0) FROM credit_history",
            Feed::Prepaid => return integer(now),
        };
        Ok(sqlx::query_scalar(history).fetch_one(&self.pool).await?)
    }

    /// Payments that this institution's users made or asked it for, as they were cleared.
    ///
    /// # Errors
    /// The database failed.
    pub async fn cleared_since(&self, place: i64) -> Result<Fed<Voucher>, StoreError> {
        let rows = sqlx::query(
            "SELECT line.number, line.at, line.state, payment.body FROM payment_history AS line \
             JOIN payments AS payment ON payment.voucher = line.voucher WHERE line.number > ? ORDER BY line.number LIMIT ?",
        )
        .bind(place)
        .bind(SPAN)
        .fetch_all(&self.pool)
        .await?;
        let is_cleared = |row: &SqliteRow| {
            let state: &str = row.try_get("state")?;
            Ok(matches!(state, "originator.cleared" | "home.cleared"))
        };
        fed(place, &rows, is_cleared, |row| read(row, "body"))
    }

    /// Payments on credit, as it stood on the payer's chain that the payer owes.
    ///
    /// # Errors
    /// The database failed.
    pub async fn committed_since(&self, place: i64) -> Result<Fed<CreditRequest>, StoreError> {
        let rows = sqlx::query(
            "SELECT line.number, line.at, line.stage, payment.request FROM credit_history AS line \
             JOIN credit_payments AS payment ON payment.id = line.payment WHERE line.number > ? ORDER BY line.number LIMIT ?",
        )
        .bind(place)
        .bind(SPAN)
        .fetch_all(&self.pool)
        .await?;
        let is_owed = |row: &SqliteRow| {
            let stage: &str = row.try_get("stage")?;
            Ok(matches!(stage, "owed" | "confirmed"))
        };
        fed(place, &rows, is_owed, |row| read(row, "request"))
    }

    /// Terminals' orders that this institution answered as a card issuer, by time and reference: those after a place.
    ///
    /// # Errors
    /// The database failed.
    pub async fn answered_since(&self, (at, reference): (Timestamp, &str)) -> Result<Vec<Answered>, StoreError> {
        let rows = sqlx::query(
            "SELECT reference, content, answer, answered_at FROM card_orders WHERE answered_at IS NOT NULL \
             AND (answered_at, reference) > (?, ?) ORDER BY answered_at, reference LIMIT ?",
        )
        .bind(integer(at)?)
        .bind(reference)
        .bind(SPAN)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(answered).collect()
    }
}

fn answered(row: &SqliteRow) -> Result<Answered, StoreError> {
    let order: Option<TerminalOrder> = read_optional(row, "content")?;
    let answer: Option<OrderAnswer> = read_optional(row, "answer")?;
    let payment = match (order, answer) {
        (Some(TerminalOrder::Pay { payment }), Some(OrderAnswer::Approved { taken, .. })) => Some(CardPayment {
            trade: TradeId(payment.payment.reference()),
            payer: PayerId::of(&payment.payment.card.0.to_string()),
            amount: taken,
        }),
        _ => None,
    };
    Ok(Answered {
        at: time(row, "answered_at")?,
        reference: row.try_get("reference")?,
        payment,
    })
}

fn fed<T>(
    place: i64,
    rows: &[SqliteRow],
    is_settled: impl Fn(&SqliteRow) -> Result<bool, StoreError>,
    read: impl Fn(&SqliteRow) -> Result<T, StoreError>,
) -> Result<Fed<T>, StoreError> {
    let mut fed = Fed {
        payments: Vec::new(),
        place,
        has_more: i64::try_from(rows.len()).is_ok_and(|read| read >= SPAN),
    };
    for row in rows {
        fed.place = row.try_get("number")?;
        if is_settled(row)? {
            fed.payments.push((read(row)?, time(row, "at")?));
        }
    }
    Ok(fed)
}
