//! Runs: a day is matched from what both sides say of it and what the chain has (S3.2).
use async_trait::async_trait;
use protocol::reconciliation::{BookId, Day};

use super::{
    super::{
        fault::ReconciliationError,
        findings::{self, Finding, Summary},
        matching::{match_day, Inputs, Rules, Sink},
        messages::{SignedStatement, StatementRequest},
        seat::Seat,
        statements::{self, Other, Signer},
        Reconciliation,
    },
    state::DayState,
    Step,
};
use crate::{
    settlement::failpoints,
    store::{
        days::{DayRow, Found},
        statements::StatementRow,
        Store, StoreError,
    },
};

/// The most findings that a dry run shows.
const MOST_SHOWN: usize = 1_000;
/// How many late corrections are looked at in one go.
const PORTION: u32 = 512;

/// What a run came to that isn't kept.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// The finalized block up to which it saw the chain.
    pub block: u32,
    /// What it counted.
    pub summary: Summary,
    /// What the debit side's book says.
    pub debit: SignedStatement,
    /// What the credit side's book says.
    pub credit: SignedStatement,
    /// What is wrong: the first 1,000 of it.
    pub findings: Vec<Finding>,
}

/// What a run came to.
struct Ran {
    block: u32,
    summary: Summary,
    debit: SignedStatement,
    credit: SignedStatement,
}

/// Keeps what a run finds.
struct Keep<'a> {
    system: &'a Reconciliation,
    book: BookId,
    run: u32,
}

#[async_trait]
impl Sink for Keep<'_> {
    async fn take(&mut self, findings: Vec<Finding>) -> Result<(), StoreError> {
        let store = &self.system.store;
        let mut found = Vec::with_capacity(findings.len());
        for finding in findings {
            found.push(traced(store, self.book, finding).await?);
        }
        store
            .keep_findings(self.book, self.run, &found, self.system.now())
            .await
    }
}

/// With the entry that its correction is of, and how often the chain has corrected that.
async fn traced(store: &Store, book: BookId, finding: Finding) -> Result<Found, StoreError> {
    let corrects = findings::proposal(&finding).trade;
    let number = match finding.entry {
        Some(entry) => entry.corrections,
        // There may be one of a payment that both agreed never was.
        None => store
            .chain_entry(book, corrects)
            .await?
            .map_or(0, |entry| entry.corrections),
    };
    Ok(Found {
        finding,
        corrects,
        number,
    })
}

/// Shows what a run finds.
struct Show(Vec<Finding>);

#[async_trait]
impl Sink for Show {
    async fn take(&mut self, findings: Vec<Finding>) -> Result<(), StoreError> {
        let room = MOST_SHOWN.saturating_sub(self.0.len());
        self.0.extend(findings.into_iter().take(room));
        Ok(())
    }
}

impl Reconciliation {
    /// Matches a day and keeps what comes of it.
    ///
    /// A crash here is harmless: a run that wasn't kept is run again.
    pub(super) async fn run_and_keep(&self, seat: &Seat, row: &DayRow) -> Result<Step, ReconciliationError> {
        let running = self.running(seat.book);
        let _one = running.lock().await;
        let now = self.now();
        // What is booked from here on isn't found wrong by this run.
        let begun = DayRow {
            runs: row.runs.saturating_add(1),
            ..row.clone()
        };
        if !self.store.save_book_day(&begun, None, now).await? {
            return Ok(Step::Moved);
        }
        failpoints::reach("reconciliation.run.acting".to_owned()).await;
        let mut keep = Keep {
            system: self,
            book: seat.book,
            run: begun.runs,
        };
        let ran = self.match_once(seat, row.day, &mut keep).await?;
        failpoints::reach("reconciliation.run.acted".to_owned()).await;
        let Some(after) = self.store.book_day(row.book, row.day).await? else {
            return Ok(Step::Moved);
        };
        let state = match (after.state, ran.summary.breaks, ran.summary.expected) {
            (closed, ..) if closed.is_closed() => closed,
            (_, 1.., _) => DayState::Correcting,
            (_, 0, 1..) => DayState::Matched,
            (_, 0, 0) => DayState::Clean,
        };
        let is_clean = state == DayState::Clean;
        let retry_at = match state {
            DayState::Matched => self.now().saturating_add(self.settings.grace.max(super::LONGEST_PAUSE)),
            _ => 0,
        };
        let kept = DayRow {
            state,
            kept_run: begun.runs,
            ran_at: Some(now),
            block: Some(ran.block),
            summary: Some(ran.summary),
            debit_statement: Some(ran.debit),
            credit_statement: Some(ran.credit),
            // Whoever wanted one since it began wants another.
            is_wanted: after.is_wanted && after.version != begun.version.saturating_add(1),
            closing: after.closing.filter(|_| state.is_closed()),
            failure: None,
            failures: if is_clean { after.failures } else { 0 },
            retry_at,
            ..after
        };
        let Summary {
            entries,
            matched,
            breaks,
            expected,
            ..
        } = ran.summary;
        let line = format!("matched {matched} of {entries} entries: {breaks} breaks, {expected} may still come");
        if self.store.keep_book_run(&kept, &line, self.now()).await? {
            tracing::info!(
                book = row.book.0,
                day = row.day.0,
                entries,
                matched,
                breaks,
                expected,
                "matched"
            );
        }
        Ok(Step::Moved)
    }

    /// Matches a day and keeps nothing of what it finds.
    ///
    /// # Errors
    /// The book isn't this side's, the other side or the chain can't be reached, or the database failed.
    pub(in super::super) async fn run_dry(&self, seat: &Seat, day: Day) -> Result<DryRun, ReconciliationError> {
        let running = self.running(seat.book);
        let _one = running.lock().await;
        let mut show = Show(Vec::new());
        let ran = self.match_once(seat, day, &mut show).await?;
        Ok(DryRun {
            block: ran.block,
            summary: ran.summary,
            debit: ran.debit,
            credit: ran.credit,
            findings: show.0,
        })
    }

    async fn match_once(&self, seat: &Seat, day: Day, sink: &mut impl Sink) -> Result<Ran, ReconciliationError> {
        let block = self.catch_up().await?;
        let seat = &self.seat(seat.book).await?;
        let now = self.now();
        let chain = statements::snapshot(&self.store, seat.book, day, now).await?;
        let own = self.draw_up(seat, day).await?;
        let signers = self.signers(seat).await?;
        let other = Other {
            partners: &*self.partners,
            member: seat.other,
            side: seat.other_side(),
            key: &signers.key(seat.other)?,
            domain: self.domain(signers.epoch),
        };
        let request = StatementRequest {
            book: seat.book,
            day,
            block,
        };
        let other = statements::fetch(&self.store, other, &request).await?;
        let (debit, credit) = seat.in_order(own, other);
        let inputs = Inputs {
            store: &self.store,
            book: seat.book,
            debit: debit.id,
            credit: credit.id,
            chain: chain.id,
        };
        let rules = Rules {
            day,
            asset: seat.terms.asset,
            tolerance: seat.settings.tolerance,
            expected_since: now.saturating_sub(self.settings.grace),
            closed_through: seat.closed_through,
        };
        let summary = match_day(inputs, &rules, sink).await?;
        Ok(Ran {
            block,
            summary,
            debit: signed(&debit)?,
            credit: signed(&credit)?,
        })
    }

    async fn draw_up(&self, seat: &Seat, day: Day) -> Result<StatementRow, ReconciliationError> {
        let epoch = self.signers(seat).await?.epoch;
        let signer = Signer {
            key: &self.key,
            domain: self.domain(epoch),
        };
        Ok(statements::draw_up(&self.store, seat.book, seat.side, day, signer, self.now()).await?)
    }

    /// What this side's book says of a day now.
    pub(in super::super) async fn own_statement(
        &self,
        seat: &Seat,
        day: Day,
    ) -> Result<SignedStatement, ReconciliationError> {
        signed(&self.draw_up(seat, day).await?)
    }

    /// What the other side's book says of a day now, without its pages.
    pub(super) async fn other_statement(&self, seat: &Seat, day: Day) -> Result<SignedStatement, ReconciliationError> {
        let signers = self.signers(seat).await?;
        let other = Other {
            partners: &*self.partners,
            member: seat.other,
            side: seat.other_side(),
            key: &signers.key(seat.other)?,
            domain: self.domain(signers.epoch),
        };
        let request = StatementRequest {
            book: seat.book,
            day,
            block: self.ledger.head().0,
        };
        let signed = self.partners.statement(seat.other, &request).await?;
        statements::check(&signed, &other, &request)?;
        Ok(signed)
    }

    /// What corrections that count on a day changed of entries of earlier, closed days, in the asset's smallest unit.
    pub(super) async fn late_changes(&self, book: BookId, day: Day) -> Result<i128, ReconciliationError> {
        let mut sum = 0i128;
        let mut after = None;
        loop {
            let corrections = self.store.chain_corrections(book, day, after, PORTION).await?;
            let Some(last) = corrections.last() else { return Ok(sum) };
            after = Some((last.correction.trade, last.correction.number));
            for known in &corrections {
                let entry = self.store.chain_entry(book, known.correction.trade).await?;
                if entry.is_none_or(|entry| entry.day == day) {
                    continue;
                }
                let signed = |amount| i128::try_from(amount).unwrap_or(i128::MAX);
                let change = signed(known.correction.amount).saturating_sub(signed(known.before.unwrap_or(0)));
                sum = sum.saturating_add(change);
            }
        }
    }
}

fn signed(row: &StatementRow) -> Result<SignedStatement, ReconciliationError> {
    let missing = || StoreError::Corrupt {
        what: "statement",
        why: "it isn't signed".to_owned(),
    };
    Ok(row.signed().ok_or_else(missing)?)
}
