//! Breaks, and what came of them.
use protocol::{
    ids::TradeId,
    reconciliation::{BookId, Cause, Day, Kind, Side},
    Timestamp,
};
use serde::Serialize;
use sqlx::{sqlite::SqliteRow, Row, SqliteConnection};

use super::{
    super::{
        escrow::{integer, json, natural, read, read_optional, word},
        users::corrupt,
        Page, Store, StoreError,
    },
    DayRow,
};
use crate::reconciliation::{
    breaks::state::{BreakState, Proposed, Refused},
    findings::Finding,
};

/// A break as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakRow {
    /// Of which book.
    pub book: BookId,
    /// On which day it was found.
    pub day: Day,
    /// What it is known by: the finding's trade.
    pub trade: TradeId,
    /// The entry that its correction is of.
    pub corrects: TradeId,
    /// How often the chain had corrected that when the break was found.
    pub number: u32,
    /// How far it is.
    pub state: BreakState,
    /// What is wrong.
    pub finding: Finding,
    /// The run of the day that found it last.
    pub run: u32,
    /// The run during or before which its correction was booked; 0: none was.
    pub booked_run: u32,
    /// Who sees to it.
    pub assigned: Option<String>,
    /// The correction that is proposed.
    pub proposed: Option<Proposed>,
    /// Why the other side doesn't sign.
    pub refusal: Option<Refused>,
    /// How often in a row it didn't.
    pub failures: u32,
    /// When it is asked again without a person.
    pub retry_at: Timestamp,
    /// Counts changes: a change is stored only in the place of what it was made from.
    pub version: u32,
    /// When it was found first.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// What a run found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What is wrong.
    pub finding: Finding,
    /// The entry that its correction is of.
    pub corrects: TradeId,
    /// How often the chain has corrected that.
    pub number: u32,
}

/// Which breaks: those for which all of it holds that is said.
#[derive(Clone, Debug, Default)]
pub struct BreakFilter {
    /// Found on this day.
    pub day: Option<Day>,
    /// How far they are.
    pub state: Option<BreakState>,
    /// With this among what is wrong.
    pub kind: Option<Kind>,
    /// With something wrong there.
    pub side: Option<Side>,
    /// Whom somebody sees to: a client's name.
    pub assigned: Option<String>,
    /// Whether only those count with which something is left to do.
    pub unfinished: bool,
}

/// One line of a break's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BreakLine {
    /// The state that it had, or came to.
    pub state: BreakState,
    /// When, in milliseconds since 1970.
    pub at: Timestamp,
    /// Who did it: a client's name; nothing, where nobody had to.
    pub who: Option<String>,
    /// What happened.
    pub detail: String,
}

/// A line of history to be written.
#[derive(Clone, Copy, Debug)]
pub struct Took<'a> {
    /// Who did it, if anybody had to.
    pub who: Option<&'a str>,
    /// What happened.
    pub detail: &'a str,
}

impl Store {
    /// Keeps what a run found, all of it or nothing. What is being corrected goes on, unless it is something else that was
    /// found; what was booked since the run began isn't found by it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_findings(
        &self,
        book: BookId,
        run: u32,
        found: &[Found],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for found in found {
            let (day, trade) = (found.finding.day, found.finding.trade);
            let known = sqlx::query("SELECT * FROM book_breaks WHERE book = ? AND day = ? AND trade = ?")
                .bind(book.0)
                .bind(day.0)
                .bind(trade.0.as_slice())
                .fetch_optional(&mut *transaction)
                .await?;
            let known = known.as_ref().map(break_from).transpose()?;
            if let Some((row, detail)) = meet(known, book, run, found, at) {
                let took = detail.map(|detail| Took { who: None, detail });
                save(&mut transaction, &row, took, at).await?;
            }
        }
        transaction.commit().await?;
        Ok(())
    }

    /// A break.
    ///
    /// # Errors
    /// The database failed.
    pub async fn book_break(&self, book: BookId, day: Day, trade: TradeId) -> Result<Option<BreakRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM book_breaks WHERE book = ? AND day = ? AND trade = ?")
            .bind(book.0)
            .bind(day.0)
            .bind(trade.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(break_from).transpose()
    }

    /// The breaks of a trade, those with which something is left to do first, then the latest day first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn breaks_of(&self, book: BookId, trade: TradeId) -> Result<Vec<BreakRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM book_breaks WHERE book = ? AND trade = ? \
             ORDER BY state IN ('booked', 'resolved'), day DESC",
        )
        .bind(book.0)
        .bind(trade.0.as_slice())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(break_from).collect()
    }

    /// The breaks whose correction is of an entry, those with which something is left to do first, then the latest day first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn breaks_corrected_by(&self, book: BookId, trade: TradeId) -> Result<Vec<BreakRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM book_breaks WHERE book = ? AND corrects = ? \
             ORDER BY state IN ('booked', 'resolved'), day DESC",
        )
        .bind(book.0)
        .bind(trade.0.as_slice())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(break_from).collect()
    }

    /// Breaks of a book in one of these states, by day and trade.
    ///
    /// # Errors
    /// The database failed.
    pub async fn breaks_in(
        &self,
        book: BookId,
        state: BreakState,
        after: Option<(Day, TradeId)>,
        limit: u32,
    ) -> Result<Vec<BreakRow>, StoreError> {
        let (day, trade) = after.map_or((-1, Vec::new()), |(day, trade)| (i64::from(day.0), trade.0.to_vec()));
        let rows = sqlx::query(
            "SELECT * FROM book_breaks WHERE book = ?1 AND state NOT IN ('booked', 'resolved') AND state = ?2 \
             AND (day, trade) > (?3, ?4) ORDER BY day, trade LIMIT ?5",
        )
        .bind(book.0)
        .bind(state.as_str())
        .bind(day)
        .bind(trade)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(break_from).collect()
    }

    /// Whether there is a break of a book that a correction is to be found, signed or recorded for.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_breaks_to_correct(&self, book: BookId) -> Result<bool, StoreError> {
        let has = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM book_breaks WHERE book = ? AND state NOT IN ('booked', 'resolved') \
             AND state IN ('open', 'proposed', 'signed'))",
        );
        Ok(has.bind(book.0).fetch_one(&self.pool).await?)
    }

    /// Breaks that aren't booked here, and whose entry the finalized chain shows corrected since they were found.
    ///
    /// # Errors
    /// The database failed.
    pub async fn breaks_to_book(&self, book: BookId, limit: u32) -> Result<Vec<BreakRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT b.* FROM book_breaks AS b JOIN chain_entries AS entry \
             ON entry.book = b.book AND entry.trade = b.corrects AND entry.corrections > b.number \
             WHERE b.book = ? AND b.state NOT IN ('booked', 'resolved') ORDER BY b.day, b.trade LIMIT ?",
        )
        .bind(book.0)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(break_from).collect()
    }

    /// How many breaks of a day aren't done, and how many trades are only expected.
    ///
    /// # Errors
    /// The database failed.
    pub async fn unfinished_breaks(&self, book: BookId, day: Day) -> Result<(u64, u64), StoreError> {
        let row = sqlx::query(
            "SELECT count(*) FILTER (WHERE state <> 'expected') AS breaks, \
             count(*) FILTER (WHERE state = 'expected') AS expected \
             FROM book_breaks WHERE book = ? AND day = ? AND state NOT IN ('booked', 'resolved')",
        )
        .bind(book.0)
        .bind(day.0)
        .fetch_one(&self.pool)
        .await?;
        Ok((natural(row.try_get("breaks")?)?, natural(row.try_get("expected")?)?))
    }

    /// The breaks that a filter lets through, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn breaks(&self, book: BookId, filter: &BreakFilter, page: &Page) -> Result<Vec<BreakRow>, StoreError> {
        let (at, id) = page.bound()?;
        let part = |what: Option<String>| what.unwrap_or_default();
        let (kind, side) = (filter.kind.map(kind_name), filter.side.map(side_name));
        let rows = sqlx::query(
            "SELECT * FROM book_breaks WHERE book = ?1 \
             AND (created_at, printf('%010d/%s', day, lower(hex(trade)))) < (?2, ?3) \
             AND (?4 IS NULL OR day = ?4) AND (?5 IS NULL OR state = ?5) \
             AND causes LIKE ?6 AND causes LIKE ?7 AND (?8 IS NULL OR assigned = ?8) \
             AND (NOT ?9 OR state NOT IN ('booked', 'resolved')) \
             ORDER BY created_at DESC, printf('%010d/%s', day, lower(hex(trade))) DESC LIMIT ?10",
        )
        .bind(book.0)
        .bind(at)
        .bind(id)
        .bind(filter.day.map(|day| day.0))
        .bind(filter.state.map(BreakState::as_str))
        .bind(format!("%{}%", part(kind.map(|kind| format!(" {kind}:")))))
        .bind(format!("%{}%", part(side.map(|side| format!(":{side} ")))))
        .bind(&filter.assigned)
        .bind(filter.unfinished)
        .bind(page.limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(break_from).collect()
    }

    /// Stores a break in the place of what it was made from, with a line of its history if it says anything; false where that
    /// changed meanwhile: then nothing is stored.
    ///
    /// # Errors
    /// The database failed.
    pub async fn save_break(&self, row: &BreakRow, took: Option<Took<'_>>, at: Timestamp) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let saved = save(&mut transaction, row, took, at).await?;
        transaction.commit().await?;
        Ok(saved)
    }

    /// What happened to a break, in order.
    ///
    /// # Errors
    /// The database failed.
    pub async fn break_history(&self, book: BookId, day: Day, trade: TradeId) -> Result<Vec<BreakLine>, StoreError> {
        let rows = sqlx::query(
            "SELECT state, at, who, detail FROM book_break_history WHERE book = ? AND day = ? AND trade = ? \
             ORDER BY number",
        )
        .bind(book.0)
        .bind(day.0)
        .bind(trade.0.as_slice())
        .fetch_all(&self.pool)
        .await?;
        let line = |row: &SqliteRow| {
            Ok(BreakLine {
                state: word(row, "state")?,
                at: natural(row.try_get("at")?)?,
                who: row.try_get("who")?,
                detail: row.try_get("detail")?,
            })
        };
        rows.iter().map(line).collect()
    }
}

impl BreakRow {
    /// Its place in lists.
    pub fn place(&self) -> super::super::Place {
        super::super::Place {
            at: self.created_at,
            id: format!("{:010}/{}", self.day.0, hex::encode(self.trade.0)),
        }
    }

    /// Back to where nobody signed anything.
    pub fn reopen(&mut self) {
        self.state = BreakState::Open;
        self.proposed = None;
    }
}

/// What becomes of a break that a run found, and what its history says of it; nothing where it stays as it is.
fn meet(
    known: Option<BreakRow>,
    book: BookId,
    run: u32,
    found: &Found,
    at: Timestamp,
) -> Option<(BreakRow, Option<&'static str>)> {
    let finding = &found.finding;
    let fresh = if finding.is_expected {
        BreakState::Expected
    } else {
        BreakState::Open
    };
    let Some(mut row) = known else {
        let row = BreakRow {
            book,
            day: finding.day,
            trade: finding.trade,
            corrects: found.corrects,
            number: found.number,
            state: fresh,
            finding: finding.clone(),
            run,
            booked_run: 0,
            assigned: None,
            proposed: None,
            refusal: None,
            failures: 0,
            retry_at: 0,
            version: 0,
            created_at: at,
            updated_at: at,
        };
        let detail = if finding.is_expected {
            "it may still come"
        } else {
            "found"
        };
        return Some((row, Some(detail)));
    };
    if row.booked_run >= run {
        return None;
    }
    row.run = run;
    let is_same =
        crate::reconciliation::findings::evidence(&row.finding) == crate::reconciliation::findings::evidence(finding);
    let detail = match row.state {
        // Both signed, or the chain has it: what follows is by what was found then.
        BreakState::Signed | BreakState::Recorded => return Some((row, None)),
        BreakState::Open | BreakState::Proposed if is_same && fresh == BreakState::Open => return Some((row, None)),
        BreakState::Expected if is_same && fresh == BreakState::Expected => return Some((row, None)),
        BreakState::Expected if fresh == BreakState::Open => "it didn't come in time",
        BreakState::Booked | BreakState::Resolved => "found again",
        BreakState::Expected | BreakState::Open | BreakState::Proposed => "found otherwise than before",
    };
    row.reopen();
    row.state = fresh;
    row.finding = finding.clone();
    (row.corrects, row.number) = (found.corrects, found.number);
    (row.refusal, row.failures, row.retry_at) = (None, 0, 0);
    Some((row, Some(detail)))
}

/// What the day's last run didn't find any more, and nobody signed for, is resolved.
pub(super) async fn resolve(connection: &mut SqliteConnection, day: &DayRow, at: Timestamp) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM book_breaks WHERE book = ? AND day = ? AND run < ? AND state IN ('expected', 'open', 'proposed')",
    )
    .bind(day.book.0)
    .bind(day.day.0)
    .bind(day.kept_run)
    .fetch_all(&mut *connection)
    .await?;
    for row in &rows {
        let mut row = break_from(row)?;
        row.state = BreakState::Resolved;
        let took = Took {
            who: None,
            detail: "not found any more",
        };
        save(connection, &row, Some(took), at).await?;
    }
    Ok(())
}

async fn save(
    connection: &mut SqliteConnection,
    row: &BreakRow,
    took: Option<Took<'_>>,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let saved = sqlx::query(
        "INSERT INTO book_breaks (book, day, trade, corrects, number, state, causes, finding, run, booked_run, assigned, \
         proposal, refusal, failures, retry_at, version, created_at, updated_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16 + 1, ?17, ?18) \
         ON CONFLICT DO UPDATE SET corrects = ?4, number = ?5, state = ?6, causes = ?7, finding = ?8, run = ?9, \
         booked_run = ?10, assigned = ?11, proposal = ?12, refusal = ?13, failures = ?14, retry_at = ?15, \
         version = version + 1, updated_at = ?18 WHERE version = ?16",
    )
    .bind(row.book.0)
    .bind(row.day.0)
    .bind(row.trade.0.as_slice())
    .bind(row.corrects.0.as_slice())
    .bind(row.number)
    .bind(row.state.as_str())
    .bind(causes(&row.finding.causes))
    .bind(json(&row.finding)?)
    .bind(row.run)
    .bind(row.booked_run)
    .bind(&row.assigned)
    .bind(row.proposed.as_ref().map(json).transpose()?)
    .bind(row.refusal.as_ref().map(json).transpose()?)
    .bind(row.failures)
    .bind(integer(row.retry_at)?)
    .bind(row.version)
    .bind(integer(row.created_at)?)
    .bind(integer(at)?)
    .execute(&mut *connection)
    .await?;
    if saved.rows_affected() == 0 {
        return Ok(false);
    }
    if let Some(took) = took {
        sqlx::query(
            "INSERT INTO book_break_history (book, day, trade, state, at, who, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(row.book.0)
        .bind(row.day.0)
        .bind(row.trade.0.as_slice())
        .bind(row.state.as_str())
        .bind(integer(at)?)
        .bind(took.who)
        .bind(took.detail)
        .execute(connection)
        .await?;
    }
    Ok(true)
}

fn break_from(row: &SqliteRow) -> Result<BreakRow, StoreError> {
    Ok(BreakRow {
        book: BookId(row.try_get("book")?),
        day: Day(row.try_get("day")?),
        trade: trade(row, "trade")?,
        corrects: trade(row, "corrects")?,
        number: row.try_get("number")?,
        state: word(row, "state")?,
        finding: read(row, "finding")?,
        run: row.try_get("run")?,
        booked_run: row.try_get("booked_run")?,
        assigned: row.try_get("assigned")?,
        proposed: read_optional(row, "proposal")?,
        refusal: read_optional(row, "refusal")?,
        failures: row.try_get("failures")?,
        retry_at: natural(row.try_get("retry_at")?)?,
        version: row.try_get("version")?,
        created_at: natural(row.try_get("created_at")?)?,
        updated_at: natural(row.try_get("updated_at")?)?,
    })
}

fn trade(row: &SqliteRow, column: &'static str) -> Result<TradeId, StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes.try_into().map(TradeId).map_err(|error| corrupt(column, error))
}

/// As they are looked for: each between blanks.
fn causes(causes: &[Cause]) -> String {
    let mut text = String::from(" ");
    for cause in causes {
        text.push_str(kind_name(cause.kind));
        text.push(':');
        text.push_str(side_name(cause.side));
        text.push(' ');
    }
    text
}

/// What is wrong, as people and the database write it.
pub const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Missing => "missing",
        Kind::Amount => "amount",
        Kind::Asset => "asset",
        Kind::Payer => "payer",
        Kind::Duplicate => "duplicate",
        Kind::WrongDay => "wrong_day",
        Kind::AlteredId => "altered_id",
    }
}

/// Where, as people and the database write it.
pub const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Debit => "debit",
        Side::Credit => "credit",
        Side::Chain => "chain",
    }
}
