//! Terminals' orders at the card issuer and on their way to it, and the numbers that a card issuer gave out.
use std::{fmt, str::FromStr};

use protocol::{
    prepaid::{MerchantNumber, PaymentKey},
    text::{from_hex, to_hex},
    AccountId, Member, Timestamp,
};
use sqlx::{sqlite::SqliteRow, Row};

use super::{
    escrow::{integer, json, natural, read_optional, word},
    users::corrupt,
    webhooks::{insert as insert_event, NewEvent},
    Page, Store, StoreError,
};
use crate::prepaid::messages::{OrderAnswer, TerminalOrder};

/// What a terminal ordered, as it is stored at the card issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// Its place in the order of arrival.
    pub number: i64,
    /// What it is known by.
    pub reference: [u8; 32],
    /// Who handed it in.
    pub acquirer: Member,
    /// What was in the envelope; nothing, where that was no such order.
    pub order: Option<TerminalOrder>,
    /// The call that it is decided in, with others.
    pub batch: Option<i64>,
    /// The final one.
    pub answer: Option<OrderAnswer>,
    /// When it was handed in.
    pub created_at: Timestamp,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
}

/// An order to be written down for the first time.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// What it is known by.
    pub reference: [u8; 32],
    /// Who handed it in.
    pub acquirer: Member,
    /// What was in the envelope; nothing, where that was no such order.
    pub order: Option<TerminalOrder>,
    /// Where it is declined at once.
    pub answer: Option<OrderAnswer>,
    /// When.
    pub at: Timestamp,
}

/// An order's final answer.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Of which order.
    pub reference: [u8; 32],
    /// What became of it.
    pub answer: OrderAnswer,
    /// What others are told.
    pub event: NewEvent,
}

/// What a terminal sent to its merchant's acquirer, as it is stored there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// The card issuer that it is for.
    pub issuer: Member,
    /// The order's reference.
    pub reference: [u8; 32],
    /// Who sent it.
    pub terminal: AccountId,
    /// Whose terminal that is.
    pub merchant: MerchantNumber,
    /// The order, encrypted to the issuer.
    pub sealed: String,
    /// The issuer's final answer.
    pub answer: Option<OrderAnswer>,
    /// When it came.
    pub created_at: Timestamp,
    /// When the answer came.
    pub answered_at: Option<Timestamp>,
}

/// An issuer's final answer to what a terminal sent.
#[derive(Clone, Debug)]
pub struct MessageAnswer {
    /// The issuer.
    pub issuer: Member,
    /// Of which order.
    pub reference: [u8; 32],
    /// Whose.
    pub terminal: AccountId,
    /// What became of it.
    pub answer: OrderAnswer,
    /// When.
    pub at: Timestamp,
}

/// What a card issuer gives out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// Cards, by their numbers.
    Card,
    /// Merchants, by their numbers.
    Merchant,
    /// Terminals, by their keys.
    Terminal,
}

impl Given {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Merchant => "merchant",
            Self::Terminal => "terminal",
        }
    }
}

/// A number or key that was given out, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRow<T> {
    /// The number or key.
    pub id: T,
    /// When it was given out.
    pub created_at: Timestamp,
}

impl Store {
    /// Writes orders down, all or none of them; those that are there stay as they are, and take the place of what was no
    /// such order.
    ///
    /// # Errors
    /// The database failed.
    pub async fn begin_card_orders(&self, orders: &[NewOrder]) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for new in orders {
            let order = new.order.as_ref();
            let of = order.map(TerminalOrder::payment);
            sqlx::query(
                "INSERT INTO card_orders (reference, acquirer, kind, card, counter, terminal, content, answer, \
                 created_at, answered_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (reference) DO UPDATE SET \
                 acquirer = excluded.acquirer, kind = excluded.kind, card = excluded.card, counter = excluded.counter, \
                 terminal = excluded.terminal, content = excluded.content, answer = excluded.answer, \
                 created_at = excluded.created_at, answered_at = excluded.answered_at \
                 WHERE card_orders.kind IS NULL AND excluded.kind IS NOT NULL",
            )
            .bind(to_hex(&new.reference))
            .bind(new.acquirer.0)
            .bind(order.map(kind))
            .bind(of.map(|(card, _)| card.0.to_string()))
            .bind(of.map(|(_, counter)| counter.to_string()))
            .bind(order.map(|order| to_hex(&order.terminal().0)))
            .bind(order.map(json).transpose()?)
            .bind(new.answer.as_ref().map(json).transpose()?)
            .bind(integer(new.at)?)
            .bind(new.answer.as_ref().map(|_| integer(new.at)).transpose()?)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// An order.
    ///
    /// # Errors
    /// The database failed.
    pub async fn card_order(&self, reference: &[u8; 32]) -> Result<Option<OrderRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM card_orders WHERE reference = ?")
            .bind(to_hex(reference))
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(order_from).transpose()
    }

    /// Orders, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn card_orders(&self, page: &Page) -> Result<Vec<OrderRow>, StoreError> {
        let (at, id) = page.bound()?;
        let rows = sqlx::query(
            "SELECT * FROM card_orders WHERE (created_at, reference) < (?, ?) \
             ORDER BY created_at DESC, reference DESC LIMIT ?",
        )
        .bind(at)
        .bind(id)
        .bind(page.limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(order_from).collect()
    }

    /// The batches of payments that aren't all answered, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn open_card_batches(&self) -> Result<Vec<i64>, StoreError> {
        let batches = sqlx::query_scalar(
            "SELECT DISTINCT batch FROM card_orders WHERE answer IS NULL AND batch IS NOT NULL ORDER BY batch",
        );
        Ok(batches.fetch_all(&self.pool).await?)
    }

    /// The orders of a batch that aren't answered, in the order of arrival.
    ///
    /// # Errors
    /// The database failed.
    pub async fn card_batch(&self, batch: i64) -> Result<Vec<OrderRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM card_orders WHERE batch = ? AND answer IS NULL ORDER BY number")
            .bind(batch)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(order_from).collect()
    }

    /// How many payments wait for a batch, and since when.
    ///
    /// # Errors
    /// The database failed.
    pub async fn waiting_card_payments(&self) -> Result<(u64, Option<Timestamp>), StoreError> {
        let row = sqlx::query(
            "SELECT count(*) AS count, min(created_at) AS since FROM card_orders \
             WHERE answer IS NULL AND batch IS NULL AND kind = 'pay'",
        )
        .fetch_one(&self.pool)
        .await?;
        let since: Option<i64> = row.try_get("since")?;
        Ok((natural(row.try_get("count")?)?, since.map(natural).transpose()?))
    }

    /// Puts payments that wait into a new batch, in the order of arrival; its number, if there were any.
    ///
    /// # Errors
    /// The database failed.
    pub async fn form_card_batch(&self, most: usize) -> Result<Option<i64>, StoreError> {
        let most = i64::try_from(most).map_err(|error| corrupt("number", error))?;
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let batch: i64 = sqlx::query_scalar("SELECT coalesce(max(batch), 0) + 1 FROM card_orders")
            .fetch_one(&mut *transaction)
            .await?;
        let taken = sqlx::query(
            "UPDATE card_orders SET batch = ? WHERE number IN (SELECT number FROM card_orders \
             WHERE answer IS NULL AND batch IS NULL AND kind = 'pay' ORDER BY number LIMIT ?)",
        )
        .bind(batch)
        .bind(most)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok((taken.rows_affected() > 0).then_some(batch))
    }

    /// Takes the later half of what a batch has left out of it: it waits for another one. With `all`, all of it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn split_card_batch(&self, batch: i64, all: bool) -> Result<(), StoreError> {
        let left = self.card_batch(batch).await?;
        let from = if all { 0 } else { left.len().div_ceil(2) };
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for row in left.get(from..).unwrap_or_default() {
            sqlx::query("UPDATE card_orders SET batch = NULL WHERE number = ? AND answer IS NULL")
                .bind(row.number)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Voids and refunds that aren't answered, in the order of arrival; without those of payments that aren't decided
    /// themselves, or that an earlier void or refund of which isn't.
    ///
    /// # Errors
    /// The database failed.
    pub async fn due_card_returns(&self) -> Result<Vec<OrderRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM card_orders AS due WHERE answer IS NULL AND kind IN ('void', 'refund') AND NOT EXISTS ( \
             SELECT 1 FROM card_orders AS earlier WHERE earlier.answer IS NULL AND earlier.number < due.number \
             AND earlier.card = due.card AND earlier.counter = due.counter) ORDER BY number",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(order_from).collect()
    }

    /// Keeps orders' final answers, all or none of them; one that has an answer keeps that.
    ///
    /// # Errors
    /// The database failed.
    pub async fn answer_card_orders(&self, answers: &[Answered], at: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for Answered {
            reference,
            answer,
            event,
        } in answers
        {
            let answered = sqlx::query(
                "UPDATE card_orders SET answer = ?, answered_at = ? WHERE reference = ? AND answer IS NULL",
            )
            .bind(json(answer)?)
            .bind(integer(at)?)
            .bind(to_hex(reference))
            .execute(&mut *transaction)
            .await?;
            if answered.rows_affected() == 1 {
                insert_event(&mut transaction, at, event).await?;
            }
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Writes down what terminals sent, all or nothing of it; what is there stays as it is.
    ///
    /// # Errors
    /// The database failed.
    pub async fn begin_terminal_messages(&self, messages: &[MessageRow]) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for new in messages {
            sqlx::query(
                "INSERT INTO terminal_messages (issuer, reference, terminal, merchant, sealed, created_at) \
                 VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(new.issuer.0)
            .bind(to_hex(&new.reference))
            .bind(to_hex(&new.terminal.0))
            .bind(new.merchant.0)
            .bind(&new.sealed)
            .bind(integer(new.created_at)?)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// What a terminal sent.
    ///
    /// # Errors
    /// The database failed.
    pub async fn terminal_message(
        &self,
        issuer: Member,
        reference: &[u8; 32],
        terminal: AccountId,
    ) -> Result<Option<MessageRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM terminal_messages WHERE issuer = ? AND reference = ? AND terminal = ?")
            .bind(issuer.0)
            .bind(to_hex(reference))
            .bind(to_hex(&terminal.0))
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(message_from).transpose()
    }

    /// What terminals sent that the issuer hasn't answered for good, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn open_terminal_messages(&self) -> Result<Vec<MessageRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM terminal_messages WHERE answer IS NULL ORDER BY created_at, reference")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(message_from).collect()
    }

    /// What terminals sent, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn terminal_messages(&self, page: &Page) -> Result<Vec<MessageRow>, StoreError> {
        let (at, id) = page.bound()?;
        let rows = sqlx::query(
            "SELECT * FROM terminal_messages WHERE (created_at, reference) < (?, ?) \
             ORDER BY created_at DESC, reference DESC LIMIT ?",
        )
        .bind(at)
        .bind(id)
        .bind(page.limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(message_from).collect()
    }

    /// Keeps issuers' final answers, all or none of them; what was answered stays so.
    ///
    /// # Errors
    /// The database failed.
    pub async fn answer_terminal_messages(&self, answers: &[MessageAnswer]) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for answered in answers {
            sqlx::query(
                "UPDATE terminal_messages SET answer = ?, answered_at = ? \
                 WHERE issuer = ? AND reference = ? AND terminal = ? AND answer IS NULL",
            )
            .bind(json(&answered.answer)?)
            .bind(integer(answered.at)?)
            .bind(answered.issuer.0)
            .bind(to_hex(&answered.reference))
            .bind(to_hex(&answered.terminal.0))
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Writes down that a number or key is given out, unless it was.
    ///
    /// # Errors
    /// The database failed.
    pub async fn give_out(
        &self,
        issuer: Member,
        what: Given,
        id: &impl fmt::Display,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO prepaid_numbers (issuer, kind, id, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(issuer.0)
        .bind(what.as_str())
        .bind(id.to_string())
        .bind(integer(at)?)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// What was given out, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn given_out<T>(&self, issuer: Member, what: Given, page: &Page) -> Result<Vec<GivenRow<T>>, StoreError>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let (at, id) = page.bound()?;
        let rows = sqlx::query(
            "SELECT id, created_at FROM prepaid_numbers WHERE issuer = ? AND kind = ? AND (created_at, id) < (?, ?) \
             ORDER BY created_at DESC, id DESC LIMIT ?",
        )
        .bind(issuer.0)
        .bind(what.as_str())
        .bind(at)
        .bind(id)
        .bind(page.limit)
        .fetch_all(&self.pool)
        .await?;
        let given = |row: &SqliteRow| {
            Ok(GivenRow {
                id: word(row, "id")?,
                created_at: natural(row.try_get("created_at")?)?,
            })
        };
        rows.iter().map(given).collect()
    }
}

/// A key as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(pub AccountId);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0 .0))
    }
}

impl FromStr for Key {
    type Err = protocol::text::ParseError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_hex(text).map(|key| Self(AccountId(key)))
    }
}

impl TerminalOrder {
    /// The payment that it is, or is about.
    pub const fn payment(&self) -> PaymentKey {
        match self {
            Self::Pay { payment } => payment.payment.key(),
            Self::Void { order, .. } => (order.card, order.counter),
            Self::Refund { order, .. } => (order.card, order.counter),
        }
    }
}

/// An order's kind as people and the database write it.
pub const fn kind(order: &TerminalOrder) -> &'static str {
    match order {
        TerminalOrder::Pay { .. } => "pay",
        TerminalOrder::Void { .. } => "void",
        TerminalOrder::Refund { .. } => "refund",
    }
}

fn order_from(row: &SqliteRow) -> Result<OrderRow, StoreError> {
    Ok(OrderRow {
        number: row.try_get("number")?,
        reference: bytes(row, "reference")?,
        acquirer: Member(row.try_get("acquirer")?),
        order: read_optional(row, "content")?,
        batch: row.try_get("batch")?,
        answer: read_optional(row, "answer")?,
        created_at: natural(row.try_get("created_at")?)?,
        answered_at: row.try_get::<Option<i64>, _>("answered_at")?.map(natural).transpose()?,
    })
}

fn message_from(row: &SqliteRow) -> Result<MessageRow, StoreError> {
    Ok(MessageRow {
        issuer: Member(row.try_get("issuer")?),
        reference: bytes(row, "reference")?,
        terminal: AccountId(bytes(row, "terminal")?),
        merchant: MerchantNumber(row.try_get("merchant")?),
        sealed: row.try_get("sealed")?,
        answer: read_optional(row, "answer")?,
        created_at: natural(row.try_get("created_at")?)?,
        answered_at: row.try_get::<Option<i64>, _>("answered_at")?.map(natural).transpose()?,
    })
}

fn bytes(row: &SqliteRow, column: &'static str) -> Result<[u8; 32], StoreError> {
    from_hex(&row.try_get::<String, _>(column)?).map_err(|error| corrupt(column, error))
}
