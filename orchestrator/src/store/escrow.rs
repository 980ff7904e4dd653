//! Offers, trades, and letters about them.
use protocol::{
    escrow::{Agreement, Offer},
    AgreementId, Amount, DealId, Hashlock, Member, OfferId, Signature, Timestamp,
};
use serde::{de::DeserializeOwned, Deserialize, Serialize};
use sqlx::{sqlite::SqliteRow, Row, Sqlite, SqliteConnection, Transaction};

use super::{users::corrupt, Page, Store, StoreError};
use crate::escrow::{
    messages::{Letter, Signed},
    state::{Role, Stage},
};

/// An offer as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfferRow {
    /// Its id.
    pub id: OfferId,
    /// What is offered.
    pub offer: Offer,
    /// The maker's signature.
    pub signed: Signed,
    /// Units that are promised to nobody; known of this institution's own offers only.
    pub remaining: u64,
    /// Whether the maker took it back.
    pub withdrawn: bool,
    /// When it was first seen here.
    pub created_at: Timestamp,
}

/// A signature under a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancellation {
    /// It is valid strictly before.
    pub expires_at: Timestamp,
    /// By the key in the agreement.
    pub signature: Signature,
}

/// A trade as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeRow {
    /// Its name everywhere.
    pub id: AgreementId,
    /// Its name on chain.
    pub deal: DealId,
    /// What this institution is in it.
    pub role: Role,
    /// How far it is.
    pub stage: Stage,
    /// What is agreed on, or proposed.
    pub agreement: Agreement,
    /// The buyer's signature under it.
    pub buyer_signed: Option<Signed>,
    /// The seller's signature under it.
    pub seller_signed: Option<Signed>,
    /// When this party confirmed the delivery.
    pub confirmed_at: Option<Timestamp>,
    /// This party's evidence.
    pub evidence: Option<String>,
    /// The other party's evidence; the arbiter has the buyer's under `evidence` and the seller's here.
    pub other_evidence: Option<String>,
    /// Whether a person here wants the arbiter to rule.
    pub wants_dispute: bool,
    /// This party's.
    pub own_cancellation: Option<Cancellation>,
    /// The other party's.
    pub other_cancellation: Option<Cancellation>,
    /// What the seller gets of the pot by a ruling.
    pub award: Option<Amount>,
    /// When it was first seen here.
    pub created_at: Timestamp,
}

/// One line of a trade's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TradeLine {
    /// The stage reached.
    pub stage: Stage,
    /// When, in milliseconds since 1970.
    pub at: Timestamp,
    /// Why, for people.
    pub detail: String,
}

/// A trade to be written down for the first time.
#[derive(Clone, Debug)]
pub struct NewTrade<'a> {
    /// Names the client's wish that led to it.
    pub request: Option<[u8; 32]>,
    /// What this institution is in it.
    pub role: Role,
    /// Where it begins.
    pub stage: Stage,
    /// What is proposed.
    pub agreement: &'a Agreement,
    /// The buyer's signature, if it is there.
    pub buyer_signed: Option<Signed>,
    /// The seller's signature, if it is there.
    pub seller_signed: Option<Signed>,
    /// Set these units of this institution's own offer aside: its signature promises them.
    pub reserve: Option<(OfferId, u64)>,
    /// A proposal that this one replaces.
    pub instead_of: Option<AgreementId>,
    /// What is told to others with it.
    pub letters: Vec<(Member, Letter)>,
    /// Why, for people.
    pub detail: &'a str,
    /// When.
    pub at: Timestamp,
}

/// What became of writing a trade down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is written down.
    New,
    /// It was there before; nothing was changed.
    Existing,
    /// The offer has fewer units left; nothing was changed.
    NotEnough {
        /// How many.
        remaining: u64,
    },
}

/// A change of what is known of a trade, whatever its stage.
#[derive(Clone, Debug)]
pub enum Note {
    /// Delivery is confirmed, with what proves it. The first time counts.
    Confirmed(Option<String>),
    /// A person wants the arbiter to rule.
    WantsDispute(Option<String>),
    /// The other party's evidence; the seller's for an arbiter.
    OtherEvidence(String),
    /// The buyer's evidence, for an arbiter.
    Evidence(String),
    /// This party would cancel.
    OwnCancellation(Cancellation),
    /// The other party would.
    OtherCancellation(Cancellation),
    /// The arbiter's decision. The first one counts.
    Award(Amount),
    /// This party's evidence goes to the others: once.
    EvidenceSent,
}

impl Store {
    /// Keeps an offer and what is told of it, unless it is there.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_offer(
        &self,
        offer: &Offer,
        signed: &Signed,
        request: Option<[u8; 32]>,
        at: Timestamp,
        letters: &[(Member, Letter)],
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let kept = sqlx::query(
            "INSERT INTO escrow_offers (id, maker, request, body, signed, remaining, created_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(offer.id().to_string())
        .bind(offer.maker.0)
        .bind(request.as_ref().map(<[u8; 32]>::as_slice))
        .bind(json(offer)?)
        .bind(json(signed)?)
        .bind(integer(offer.quantity)?)
        .bind(integer(at)?)
        .execute(&mut *transaction)
        .await?;
        let new = kept.rows_affected() == 1;
        if new {
            post(&mut transaction, letters).await?;
        }
        transaction.commit().await?;
        Ok(new)
    }

    /// An offer.
    ///
    /// # Errors
    /// The database failed.
    pub async fn offer(&self, id: OfferId) -> Result<Option<OfferRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM escrow_offers WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(offer_from).transpose()
    }

    /// The offer that a client's wish led to.
    ///
    /// # Errors
    /// The database failed.
    pub async fn offer_for(&self, request: [u8; 32]) -> Result<Option<OfferRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM escrow_offers WHERE request = ?")
            .bind(request.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(offer_from).transpose()
    }

    /// Offers, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn offers(&self, page: &Page) -> Result<Vec<OfferRow>, StoreError> {
        let (at, id) = page.bound()?;
        let rows = sqlx::query(
            "SELECT * FROM escrow_offers WHERE (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?",
        )
        .bind(at)
        .bind(id)
        .bind(page.limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(offer_from).collect()
    }

    /// Takes an own offer back: what was signed stands, nothing more is.
    ///
    /// # Errors
    /// The database failed.
    pub async fn withdraw_offer(&self, id: OfferId) -> Result<(), StoreError> {
        sqlx::query("UPDATE escrow_offers SET withdrawn = 1 WHERE id = ?")
            .bind(id.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Writes a trade down: with the units that it promises, the proposal that it replaces, and its letters, or not at
    /// all.
    ///
    /// # Errors
    /// The database failed.
    pub async fn begin_trade(&self, trade: &NewTrade<'_>) -> Result<Begun, StoreError> {
        let id = trade.agreement.id();
        let mut transaction = self.pool.begin().await?;
        let (of, units) = trade.reserve.map_or((None, 0), |(of, units)| (Some(of), units));
        let begun = sqlx::query(
            "INSERT INTO escrow_trades (agreement, deal, request, role, stage, finished, body, buyer_signed, \
             seller_signed, reserved_of, reserved, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT DO NOTHING",
        )
        .bind(id.to_string())
        .bind(trade.agreement.deal().to_string())
        .bind(trade.request.as_ref().map(<[u8; 32]>::as_slice))
        .bind(trade.role.as_str())
        .bind(trade.stage.as_str())
        .bind(trade.stage.is_final())
        .bind(json(trade.agreement)?)
        .bind(trade.buyer_signed.as_ref().map(json).transpose()?)
        .bind(trade.seller_signed.as_ref().map(json).transpose()?)
        .bind(of.map(|of| of.to_string()))
        .bind(integer(units)?)
        .bind(integer(trade.at)?)
        .execute(&mut *transaction)
        .await?;
        if begun.rows_affected() == 0 {
            return Ok(Begun::Existing);
        }
        // The proposal that this one replaces gives its units back first: they may be the same.
        if let Some(old) = trade.instead_of {
            for stage in [Stage::Proposed, Stage::Received] {
                let step = Move {
                    from: stage,
                    to: Stage::Declined,
                    detail: "other terms were proposed instead",
                    at: trade.at,
                };
                move_stage(&mut transaction, old, &step).await?;
            }
        }
        if let Some((of, units)) = trade.reserve {
            if let Some(remaining) = reserve(&mut transaction, of, units).await? {
                return Ok(Begun::NotEnough { remaining });
            }
        }
        note(&mut transaction, id, trade.stage, trade.at, trade.detail).await?;
        post(&mut transaction, &trade.letters).await?;
        transaction.commit().await?;
        Ok(Begun::New)
    }

    /// Adds a signature to a proposal and makes it an agreement, with the units that it promises and its letters.
    ///
    /// # Errors
    /// The database failed.
    pub async fn agree(
        &self,
        trade: &TradeRow,
        buyer: Signed,
        seller: Signed,
        reserve_of: Option<(OfferId, u64)>,
        letters: &[(Member, Letter)],
        at: Timestamp,
    ) -> Result<Begun, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let step = Move {
            from: trade.stage,
            to: Stage::Agreed,
            detail: "both signed",
            at,
        };
        if !move_stage(&mut transaction, trade.id, &step).await? {
            return Ok(Begun::Existing);
        }
        if let Some((of, units)) = reserve_of {
            if let Some(remaining) = reserve(&mut transaction, of, units).await? {
                return Ok(Begun::NotEnough { remaining });
            }
            sqlx::query("UPDATE escrow_trades SET reserved_of = ?, reserved = ? WHERE agreement = ?")
                .bind(of.to_string())
                .bind(integer(units)?)
                .bind(trade.id.to_string())
                .execute(&mut *transaction)
                .await?;
        }
        sqlx::query("UPDATE escrow_trades SET buyer_signed = ?, seller_signed = ? WHERE agreement = ?")
            .bind(json(&buyer)?)
            .bind(json(&seller)?)
            .bind(trade.id.to_string())
            .execute(&mut *transaction)
            .await?;
        post(&mut transaction, letters).await?;
        transaction.commit().await?;
        Ok(Begun::New)
    }

    /// Moves a trade to its next stage, if it is still where it was, with its letters. Units of an offer go back to it
    /// where nothing was delivered against them.
    ///
    /// # Errors
    /// The database failed.
    pub async fn move_trade(
        &self,
        id: AgreementId,
        step: &Move<'_>,
        letters: &[(Member, Letter)],
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let moved = move_stage(&mut transaction, id, step).await?;
        if moved {
            post(&mut transaction, letters).await?;
            transaction.commit().await?;
        }
        Ok(moved)
    }

    /// Notes something of a trade that isn't final, with what is told of it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn note_trade(
        &self,
        id: AgreementId,
        what: &Note,
        letters: &[(Member, Letter)],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let key = id.to_string();
        let mut transaction = self.pool.begin().await?;
        let query = match what {
            Note::Confirmed(evidence) => sqlx::query(
                "UPDATE escrow_trades SET confirmed_at = coalesce(confirmed_at, ?), \
                 evidence = coalesce(evidence, ?) WHERE agreement = ?",
            )
            .bind(integer(at)?)
            .bind(evidence),
            Note::WantsDispute(evidence) => sqlx::query(
                "UPDATE escrow_trades SET wants_dispute = 1, evidence = coalesce(evidence, ?) WHERE agreement = ?",
            )
            .bind(evidence),
            Note::Evidence(document) => {
                sqlx::query("UPDATE escrow_trades SET evidence = coalesce(evidence, ?) WHERE agreement = ?")
                    .bind(document)
            }
            Note::OtherEvidence(document) => {
                sqlx::query("UPDATE escrow_trades SET other_evidence = coalesce(other_evidence, ?) WHERE agreement = ?")
                    .bind(document)
            }
            Note::OwnCancellation(cancellation) => {
                sqlx::query("UPDATE escrow_trades SET own_cancellation = ? WHERE agreement = ?")
                    .bind(json(cancellation)?)
            }
            Note::OtherCancellation(cancellation) => {
                sqlx::query("UPDATE escrow_trades SET other_cancellation = ? WHERE agreement = ?")
                    .bind(json(cancellation)?)
            }
            Note::Award(award) => {
                sqlx::query("UPDATE escrow_trades SET award = coalesce(award, ?) WHERE agreement = ?")
                    .bind(award.to_string())
            }
            Note::EvidenceSent => {
                sqlx::query("UPDATE escrow_trades SET evidence_sent = 1 WHERE evidence_sent = 0 AND agreement = ?")
            }
        };
        let noted = query.bind(&key).execute(&mut *transaction).await?;
        if noted.rows_affected() == 1 {
            post(&mut transaction, letters).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Keeps a sealed secret, next to earlier ones.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_secret(&self, id: AgreementId, hashlock: Hashlock, sealed: &[u8]) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO escrow_secrets (agreement, hashlock, sealed) VALUES (?, ?, ?)")
            .bind(id.to_string())
            .bind(hashlock.to_string())
            .bind(sealed)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// A trade's sealed secrets, the latest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn secrets(&self, id: AgreementId) -> Result<Vec<(Hashlock, Vec<u8>)>, StoreError> {
        let rows = sqlx::query("SELECT hashlock, sealed FROM escrow_secrets WHERE agreement = ? ORDER BY number DESC")
            .bind(id.to_string())
            .fetch_all(&self.pool)
            .await?;
        let secret = |row: &SqliteRow| Ok((word(row, "hashlock")?, row.try_get("sealed")?));
        rows.iter().map(secret).collect()
    }

    /// A trade.
    ///
    /// # Errors
    /// The database failed.
    pub async fn trade(&self, id: AgreementId) -> Result<Option<TradeRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM escrow_trades WHERE agreement = ?")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(trade_from).transpose()
    }

    /// The trade that a client's wish led to.
    ///
    /// # Errors
    /// The database failed.
    pub async fn trade_for(&self, request: [u8; 32]) -> Result<Option<TradeRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM escrow_trades WHERE request = ?")
            .bind(request.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(trade_from).transpose()
    }

    /// Trades that are not final.
    ///
    /// # Errors
    /// The database failed.
    pub async fn unfinished_trades(&self) -> Result<Vec<TradeRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM escrow_trades WHERE finished = 0 ORDER BY agreement")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(trade_from).collect()
    }

    /// Trades, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn trades(&self, page: &Page) -> Result<Vec<TradeRow>, StoreError> {
        let (at, id) = page.bound()?;
        let rows = sqlx::query(
            "SELECT * FROM escrow_trades WHERE (created_at, agreement) < (?, ?) ORDER BY created_at DESC, agreement DESC LIMIT ?",
        )
        .bind(at)
        .bind(id)
        .bind(page.limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(trade_from).collect()
    }

    /// Every stage of a trade so far, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn trade_history(&self, id: AgreementId) -> Result<Vec<TradeLine>, StoreError> {
        let rows = sqlx::query("SELECT stage, at, detail FROM escrow_history WHERE agreement = ? ORDER BY number")
            .bind(id.to_string())
            .fetch_all(&self.pool)
            .await?;
        let line = |row: &SqliteRow| {
            Ok(TradeLine {
                stage: word(row, "stage")?,
                at: natural(row.try_get("at")?)?,
                detail: row.try_get("detail")?,
            })
        };
        rows.iter().map(line).collect()
    }

    /// Letters that are not answered, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn letters(&self) -> Result<Vec<(i64, Member, Letter)>, StoreError> {
        let rows = sqlx::query("SELECT number, recipient, body FROM escrow_letters ORDER BY number")
            .fetch_all(&self.pool)
            .await?;
        let letter = |row: &SqliteRow| {
            let body: String = row.try_get("body")?;
            Ok((
                row.try_get("number")?,
                Member(row.try_get("recipient")?),
                parse(&body, "letter")?,
            ))
        };
        rows.iter().map(letter).collect()
    }

    /// A letter was answered.
    ///
    /// # Errors
    /// The database failed.
    pub async fn letter_answered(&self, number: i64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM escrow_letters WHERE number = ?")
            .bind(number)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// A step of a trade.
#[derive(Clone, Copy, Debug)]
pub struct Move<'a> {
    /// Only if it is there still.
    pub from: Stage,
    /// The next one.
    pub to: Stage,
    /// Why, for people.
    pub detail: &'a str,
    /// When.
    pub at: Timestamp,
}

async fn move_stage(connection: &mut SqliteConnection, id: AgreementId, step: &Move<'_>) -> Result<bool, StoreError> {
    let key = id.to_string();
    let moved = sqlx::query("UPDATE escrow_trades SET stage = ?, finished = ? WHERE agreement = ? AND stage = ?")
        .bind(step.to.as_str())
        .bind(step.to.is_final())
        .bind(&key)
        .bind(step.from.as_str())
        .execute(&mut *connection)
        .await?;
    if moved.rows_affected() == 0 {
        return Ok(false);
    }
    if step.to.frees_quantity() {
        sqlx::query(
            "UPDATE escrow_offers SET remaining = remaining + t.reserved FROM escrow_trades AS t \
             WHERE t.agreement = ? AND t.reserved_of = escrow_offers.id",
        )
        .bind(&key)
        .execute(&mut *connection)
        .await?;
        sqlx::query("UPDATE escrow_trades SET reserved = 0 WHERE agreement = ?")
            .bind(&key)
            .execute(&mut *connection)
            .await?;
    }
    note(connection, id, step.to, step.at, step.detail).await?;
    Ok(true)
}

/// `Some(what is left)` where that is less than `units`.
async fn reserve(connection: &mut SqliteConnection, of: OfferId, units: u64) -> Result<Option<u64>, StoreError> {
    let query = "UPDATE escrow_offers SET remaining = remaining - ? WHERE id = ? AND remaining >= ?";
    let (id, units) = (of.to_string(), integer(units)?);
    let taken = sqlx::query(query).bind(units).bind(&id).bind(units);
    if taken.execute(&mut *connection).await?.rows_affected() == 1 {
        return Ok(None);
    }
    let left: Option<i64> = sqlx::query_scalar("SELECT remaining FROM escrow_offers WHERE id = ?")
        .bind(&id)
        .fetch_optional(connection)
        .await?;
    natural(left.unwrap_or_default()).map(Some)
}

async fn note(
    connection: &mut SqliteConnection,
    id: AgreementId,
    stage: Stage,
    at: Timestamp,
    detail: &str,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO escrow_history (agreement, stage, at, detail) VALUES (?, ?, ?, ?)")
        .bind(id.to_string())
        .bind(stage.as_str())
        .bind(integer(at)?)
        .bind(detail)
        .execute(connection)
        .await?;
    Ok(())
}

async fn post(transaction: &mut Transaction<'_, Sqlite>, letters: &[(Member, Letter)]) -> Result<(), StoreError> {
    for (recipient, letter) in letters {
        sqlx::query("INSERT INTO escrow_letters (recipient, body) VALUES (?, ?)")
            .bind(recipient.0)
            .bind(json(letter)?)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

fn offer_from(row: &SqliteRow) -> Result<OfferRow, StoreError> {
    Ok(OfferRow {
        id: word(row, "id")?,
        offer: read(row, "body")?,
        signed: read(row, "signed")?,
        remaining: natural(row.try_get("remaining")?)?,
        withdrawn: row.try_get("withdrawn")?,
        created_at: natural(row.try_get("created_at")?)?,
    })
}

fn trade_from(row: &SqliteRow) -> Result<TradeRow, StoreError> {
    let award: Option<String> = row.try_get("award")?;
    let amount = |text: String| text.parse().map_err(|error| corrupt("award", error));
    Ok(TradeRow {
        id: word(row, "agreement")?,
        deal: word(row, "deal")?,
        role: word(row, "role")?,
        stage: word(row, "stage")?,
        agreement: read(row, "body")?,
        buyer_signed: read_optional(row, "buyer_signed")?,
        seller_signed: read_optional(row, "seller_signed")?,
        confirmed_at: row
            .try_get::<Option<i64>, _>("confirmed_at")?
            .map(natural)
            .transpose()?,
        evidence: row.try_get("evidence")?,
        other_evidence: row.try_get("other_evidence")?,
        wants_dispute: row.try_get("wants_dispute")?,
        own_cancellation: read_optional(row, "own_cancellation")?,
        other_cancellation: read_optional(row, "other_cancellation")?,
        award: award.map(amount).transpose()?,
        created_at: natural(row.try_get("created_at")?)?,
    })
}

pub(super) fn word<T>(row: &SqliteRow, column: &'static str) -> Result<T, StoreError>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    let text: String = row.try_get(column)?;
    text.parse().map_err(|error: T::Err| corrupt(column, error))
}

pub(super) fn read<T: DeserializeOwned>(row: &SqliteRow, column: &'static str) -> Result<T, StoreError> {
    parse(&row.try_get::<String, _>(column)?, column)
}

pub(super) fn read_optional<T: DeserializeOwned>(
    row: &SqliteRow,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    let text: Option<String> = row.try_get(column)?;
    text.map(|text| parse(&text, column)).transpose()
}

fn parse<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| corrupt(what, error))
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| corrupt("value", error))
}

pub(super) fn integer(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|error| corrupt("number", error))
}

pub(super) fn natural(stored: i64) -> Result<u64, StoreError> {
    u64::try_from(stored).map_err(|error| corrupt("number", error))
}
