//! Closes days, with both sides' signatures (S3.5). The credit side leads: it proposes, the debit side looks at its own last run
//! and signs too. Both books as they are when they sign are what was matched, or nobody signs.
use protocol::{
    reconciliation::{Closing, Day, DayRecord, Side},
    text::to_hex,
    Timestamp,
};

use super::{
    super::{
        fault::ReconciliationError,
        messages::{ClosingProposal, CoSigned, RefusalCode, SignedStatement},
        ports::Act,
        schedule,
        seat::Seat,
        Reconciliation,
    },
    state::{DayState, SignedClosing},
    Step,
};
use crate::{
    settlement::failpoints,
    steps::needs_block,
    store::{books::KnownClosing, days::DayRow},
};

/// How long a closing may take to both signatures and to the chain, in milliseconds.
const LIFETIME: Timestamp = 3_600_000;

impl Reconciliation {
    /// The finalized chain has it: whatever was meant here.
    pub(super) async fn note_closed(&self, row: &DayRow, known: KnownClosing) -> Result<Step, ReconciliationError> {
        let closed = DayRow {
            state: DayState::Closed,
            closed: Some(known.closed),
            asked_at: None,
            failure: None,
            failures: 0,
            retry_at: 0,
            ..row.clone()
        };
        let alone = if known.closed.is_default {
            " by one side alone"
        } else {
            ""
        };
        let line = format!(
            "closed{alone} in block {}, with {} to be paid",
            known.block, known.closed.payable
        );
        self.save(&closed, Some(&line)).await
    }

    /// What is done with a day on which the last run found nothing.
    ///
    /// A crash here is harmless: the closing is stored before it is sent, the other side answers the same one the same, and the
    /// chain takes it once.
    pub(super) async fn close_step(&self, seat: &Seat, row: &DayRow) -> Result<Step, ReconciliationError> {
        if !seat.leads() {
            return self.wait_for_closing(seat, row).await;
        }
        let Some(record) = self.closable(row).await? else {
            return Ok(Step::Rests);
        };
        if let Some(why) = self.was_overtaken(row, &record).await? {
            return self.make_due(row, &why).await;
        }
        let signers = self.signers(seat).await?;
        let Some(signed) = row.closing.filter(|signed| {
            signed.epoch == signers.epoch && is_current(&signed.closing, row, &record) && !self.is_over(&signed.closing)
        }) else {
            return self.sign_closing(seat, row, &record, signers.epoch).await;
        };
        if signed.debit.is_none() {
            return self.ask_to_close(seat, row, signed, &signers).await;
        }
        self.submit_closing(row, signed).await
    }

    /// The debit side's part is to answer; what both signed is on its way by the other.
    async fn wait_for_closing(&self, seat: &Seat, row: &DayRow) -> Result<Step, ReconciliationError> {
        let Some(signed) = row.closing.filter(|_| row.state == DayState::Closing) else {
            return Ok(Step::Rests);
        };
        if self.is_over(&signed.closing) {
            return self.make_due(row, "the closing didn't come to the chain in time").await;
        }
        // It has both signatures, too: whoever proposed it may be gone for long.
        if self.now() < row.updated_at.saturating_add(LIFETIME / 4) || seat.is_closed(row.day) {
            return Ok(Step::Rests);
        }
        self.submit_closing(row, signed).await
    }

    /// The chain's record of a day that can be closed now: the oldest open one, once it is over on the chain, too.
    async fn closable(&self, row: &DayRow) -> Result<Option<DayRecord>, ReconciliationError> {
        let book = self.ledger.books(&[row.book]).await?.into_iter().flatten().next();
        let is_oldest = book.is_some_and(|book| book.open.first() == Some(&row.day));
        if !is_oldest || !self.is_over_on_chain(row.day).await? {
            return Ok(None);
        }
        self.record(row).await
    }

    async fn record(&self, row: &DayRow) -> Result<Option<DayRecord>, ReconciliationError> {
        let records = self.ledger.days(row.book, &[row.day]).await?;
        Ok(records.into_iter().flatten().next())
    }

    /// Whether the chain's own time has come to where the day can be closed.
    async fn is_over_on_chain(&self, day: Day) -> Result<bool, ReconciliationError> {
        let end = day.ends_somewhere();
        let time = || self.ledger.head().1;
        if time() < end && self.now() >= end && needs_block(&*self.clock, end, time).await {
            // A block that came too early doesn't count: another head, another wish.
            let key = format!("reconciliation/end/{}/{end}", self.ledger.head().0);
            self.ledger.make_block(&key).await?;
        }
        Ok(time() >= end)
    }

    fn is_over(&self, closing: &Closing) -> bool {
        self.ledger.head().1.max(self.now()) >= closing.expires_at
    }

    /// Why the last run isn't what would be closed any more: something was recorded since, or a side altered its book after it
    /// signed what it said.
    async fn was_overtaken(&self, row: &DayRow, record: &DayRecord) -> Result<Option<String>, ReconciliationError> {
        if let Some(why) = self.is_other_than_recorded(row, record).await? {
            return Ok(Some(why));
        }
        let seat = self.seat(row.book).await?;
        let (own, other) = match_statements(&seat, row);
        let now_own = self.own_statement(&seat, row.day).await?;
        if let Some(why) = altered(own.as_ref(), &now_own, self.settings.member) {
            return Ok(Some(why));
        }
        let now_other = self.other_statement(&seat, row.day).await?;
        Ok(altered(other.as_ref(), &now_other, seat.other))
    }

    /// Whether the last run saw other entries than the chain's record of the day has.
    async fn is_other_than_recorded(
        &self,
        row: &DayRow,
        record: &DayRecord,
    ) -> Result<Option<String>, ReconciliationError> {
        let Some(summary) = &row.summary else {
            return Ok(Some("it wasn't matched".to_owned()));
        };
        if summary.entries != u64::from(record.entries) {
            return Ok(Some(format!(
                "{} entries were matched, the chain has {}",
                summary.entries, record.entries
            )));
        }
        // What late corrections of closed days changed counts on the day, and isn't among its entries.
        let late = self.late_changes(row.book, row.day).await?;
        let due = i128::try_from(summary.total)
            .ok()
            .and_then(|total| total.checked_add(late));
        if due != Some(record.total) {
            return Ok(Some(format!(
                "{} was matched and late corrections changed {late}, the chain has {}",
                summary.total, record.total
            )));
        }
        Ok(None)
    }

    async fn sign_closing(
        &self,
        seat: &Seat,
        row: &DayRow,
        record: &DayRecord,
        epoch: u32,
    ) -> Result<Step, ReconciliationError> {
        let (Some(debit), Some(credit)) = (&row.debit_statement, &row.credit_statement) else {
            return self.make_due(row, "it wasn't matched").await;
        };
        let now = self.ledger.head().1.max(self.now());
        let closing = Closing {
            book: row.book,
            day: row.day,
            matched: record.entries,
            breaks: record.corrections,
            total: record.total,
            debit_book: debit.statement.digest,
            credit_book: credit.statement.digest,
            expires_at: now.saturating_add(LIFETIME),
        };
        failpoints::reach("reconciliation.closing.acting".to_owned()).await;
        let signature = self.key.sign(&closing.payload(&self.domain(epoch)));
        let (debit, credit) = seat.in_order(Some(signature), None);
        let signed = DayRow {
            state: DayState::Closing,
            closing: Some(SignedClosing {
                closing,
                epoch,
                debit,
                credit,
            }),
            ..row.clone()
        };
        let line = format!(
            "signed: {} entries, {} corrections, {}",
            record.entries, record.corrections, record.total
        );
        self.save(&signed, Some(&line)).await
    }

    async fn ask_to_close(
        &self,
        seat: &Seat,
        row: &DayRow,
        signed: SignedClosing,
        signers: &super::super::seat::Signers,
    ) -> Result<Step, ReconciliationError> {
        let Some(signature) = signed.credit else {
            return self.make_due(row, "the signature is gone").await;
        };
        let proposal = ClosingProposal {
            closing: signed.closing,
            epoch: signed.epoch,
            signature,
        };
        match self.partners.close(seat.other, &proposal).await? {
            CoSigned::Signed { signature } => {
                let payload = signed.closing.payload(&self.domain(signed.epoch));
                signers.ensure(seat.other, &payload, &signature, "closing")?;
                failpoints::reach("reconciliation.closing.acted".to_owned()).await;
                let both = DayRow {
                    closing: Some(SignedClosing {
                        debit: Some(signature),
                        ..signed
                    }),
                    ..row.clone()
                };
                self.save(&both, Some("the debit side signed, too")).await
            }
            CoSigned::Pending => Ok(Step::Held("the debit side hasn't signed the closing yet".to_owned())),
            CoSigned::Refused { code, reason } => {
                let why = format!("the debit side doesn't sign the closing ({}): {reason}", name(code));
                // It sees something else: look again, too.
                self.make_due(row, &why).await?;
                Ok(Step::Held(why))
            }
        }
    }

    async fn submit_closing(&self, row: &DayRow, signed: SignedClosing) -> Result<Step, ReconciliationError> {
        let SignedClosing {
            closing,
            epoch,
            debit,
            credit,
        } = signed;
        failpoints::reach("reconciliation.close.acting".to_owned()).await;
        let act = Act::CloseDay {
            closing,
            epoch,
            debit,
            credit,
        };
        let key = format!("reconciliation/close/{}", to_hex(&closing.id()));
        if let Err(error) = self.ledger.carry_out(&key, &act).await {
            // The other may have been faster, or something was recorded meanwhile: the next look tells.
            self.catch_up().await?;
            if self.store.chain_closing(row.book, row.day).await?.is_some() {
                return Ok(Step::Moved);
            }
            if matches!(error, super::super::ports::LedgerError::Refused(_)) {
                self.make_due(row, &format!("the closing isn't taken: {error}")).await?;
            }
            return Err(error.into());
        }
        failpoints::reach("reconciliation.close.acted".to_owned()).await;
        self.catch_up().await?;
        Ok(Step::Moved)
    }

    /// What the debit side answers to a closing that the credit side proposes.
    pub(in super::super) async fn judge_closing(
        &self,
        seat: &Seat,
        proposal: &ClosingProposal,
    ) -> Result<CoSigned, ReconciliationError> {
        let closing = &proposal.closing;
        let signers = self.signers(seat).await?;
        if signers.epoch != proposal.epoch {
            let reason = format!("the registry's epoch is {}: sign again", signers.epoch);
            return Ok(no(RefusalCode::StaleEpoch, reason));
        }
        let payload = closing.payload(&self.domain(proposal.epoch));
        signers.ensure(seat.other, &payload, &proposal.signature, "closing")?;

        let row = self.store.book_day(closing.book, closing.day).await?;
        let row = row.unwrap_or_else(|| DayRow::new(closing.book, closing.day));
        let own_signature = |signed: &SignedClosing| {
            (signed.closing, signed.epoch) == (*closing, proposal.epoch) && row.state == DayState::Closing
        };
        if let Some(signature) = row.closing.filter(own_signature).and_then(|signed| signed.debit) {
            return Ok(CoSigned::Signed { signature });
        }
        if row.state.is_closed() || self.store.chain_closing(closing.book, closing.day).await?.is_some() {
            return Ok(no(RefusalCode::Stale, "the day is closed".to_owned()));
        }
        let time = self.ledger.head().1;
        let end = seat.clocks.end(closing.day).unwrap_or(Timestamp::MAX);
        if self.now().max(time) < end {
            return Ok(no(RefusalCode::TooEarly, "the day isn't over".to_owned()));
        }
        if closing.expires_at <= time {
            return Ok(no(RefusalCode::Stale, "it has expired".to_owned()));
        }
        if let Some((code, reason)) = self.against_closing(seat, &row, closing).await? {
            if self.has_run_since_asked(closing.book, closing.day).await? {
                return Ok(no(code, reason));
            }
            return Ok(CoSigned::Pending);
        }
        self.co_sign_closing(&row, proposal).await
    }

    /// What this side's own last run, and its book as it is now, say against a closing.
    async fn against_closing(
        &self,
        seat: &Seat,
        row: &DayRow,
        closing: &Closing,
    ) -> Result<Option<(RefusalCode, String)>, ReconciliationError> {
        let (breaks, expected) = self.store.unfinished_breaks(closing.book, closing.day).await?;
        if breaks > 0 || expected > 0 {
            let reason = format!("{breaks} breaks are open here, and {expected} trades may still come");
            return Ok(Some((RefusalCode::BreaksOpen, reason)));
        }
        if !matches!(row.state, DayState::Clean | DayState::Closing) {
            let reason = format!("the day is {} here", row.state);
            return Ok(Some((RefusalCode::BreaksOpen, reason)));
        }
        let Some(record) = self.record(row).await? else {
            return Ok(Some((
                RefusalCode::Stale,
                "the chain has nothing of the day".to_owned(),
            )));
        };
        if let Some(why) = self.is_other_than_recorded(row, &record).await? {
            return Ok(Some((RefusalCode::Differs, why)));
        }
        if !is_current(closing, row, &record) {
            let reason = "its counts, its total or the digests of the books are others here".to_owned();
            return Ok(Some((RefusalCode::Differs, reason)));
        }
        let (own, _) = match_statements(seat, row);
        let now_own = self.own_statement(seat, closing.day).await?;
        let why = altered(own.as_ref(), &now_own, self.settings.member);
        Ok(why.map(|why| (RefusalCode::Differs, why)))
    }

    /// The signature is stored before it is sent: asked again, it is the same one.
    async fn co_sign_closing(&self, row: &DayRow, proposal: &ClosingProposal) -> Result<CoSigned, ReconciliationError> {
        let closing = proposal.closing;
        let signature = self.key.sign(&closing.payload(&self.domain(proposal.epoch)));
        let signed = DayRow {
            state: DayState::Closing,
            closing: Some(SignedClosing {
                closing,
                epoch: proposal.epoch,
                debit: Some(signature),
                credit: Some(proposal.signature),
            }),
            asked_at: None,
            ..row.clone()
        };
        let line = format!("signed with the credit side: {}", to_hex(&closing.id()));
        if !self.store.save_book_day(&signed, Some(&line), self.now()).await? {
            return Ok(CoSigned::Pending);
        }
        failpoints::reach("reconciliation.closing.signed".to_owned()).await;
        Ok(CoSigned::Signed { signature })
    }

    /// Closes a day with this side's signature alone, once the book's patience with the other side is over. A person decides
    /// that: what is open then stays as the chain has it.
    pub(in super::super) async fn close_alone(&self, seat: &Seat, row: &DayRow) -> Result<(), ReconciliationError> {
        let until = row.day.ends_everywhere().saturating_add(seat.terms.patience);
        if self.ledger.head().1.max(self.now()) < until {
            return Err(ReconciliationError::Patience { until });
        }
        let not_oldest = ReconciliationError::WrongDayState {
            state: row.state,
            needed: "the oldest open day is closed first",
        };
        let record = self.closable(row).await?.ok_or(not_oldest)?;
        let signers = self.signers(seat).await?;
        let own = self.own_statement(seat, row.day).await?.statement.digest;
        let (_, other) = match_statements(seat, row);
        // Nothing, where the other side never said what is in its book.
        let other = other.map_or([0; 32], |other| other.statement.digest);
        let (debit_book, credit_book) = seat.in_order(own, other);
        let closing = Closing {
            book: row.book,
            day: row.day,
            matched: record.entries,
            breaks: record.corrections,
            total: record.total,
            debit_book,
            credit_book,
            expires_at: self.ledger.head().1.max(self.now()).saturating_add(LIFETIME),
        };
        let signature = self.key.sign(&closing.payload(&self.domain(signers.epoch)));
        let (debit, credit) = seat.in_order(Some(signature), None);
        let act = Act::CloseDay {
            closing,
            epoch: signers.epoch,
            debit,
            credit,
        };
        let key = format!("reconciliation/close-alone/{}/{}", row.book.0, schedule::write(row.day));
        self.ledger.carry_out(&key, &act).await?;
        self.catch_up().await?;
        self.changed();
        Ok(())
    }
}

/// Whether a closing says what the chain has of the day, and what both books said in the last run.
fn is_current(closing: &Closing, row: &DayRow, record: &DayRecord) -> bool {
    let digest = |signed: &Option<SignedStatement>| signed.as_ref().map(|signed| signed.statement.digest);
    (closing.matched, closing.breaks, closing.total) == (record.entries, record.corrections, record.total)
        && Some(closing.debit_book) == digest(&row.debit_statement)
        && Some(closing.credit_book) == digest(&row.credit_statement)
}

/// What both books said in the last run: this side's and the other's.
fn match_statements(seat: &Seat, row: &DayRow) -> (Option<SignedStatement>, Option<SignedStatement>) {
    match seat.side {
        Side::Debit => (row.debit_statement, row.credit_statement),
        Side::Credit | Side::Chain => (row.credit_statement, row.debit_statement),
    }
}

/// Why a book isn't what was matched: both signed statements are kept.
fn altered(matched: Option<&SignedStatement>, now: &SignedStatement, whose: protocol::Member) -> Option<String> {
    let matched = matched?.statement.digest;
    let now = now.statement.digest;
    (matched != now).then(|| {
        format!(
            "member {whose} altered its book after it signed what it said: {} was matched, now it is {}",
            to_hex(&matched),
            to_hex(&now)
        )
    })
}

fn no(code: RefusalCode, reason: String) -> CoSigned {
    CoSigned::Refused { code, reason }
}

/// A refusal's code, as it is written to the other side.
pub(in super::super) fn name(code: RefusalCode) -> String {
    let text = serde_json::to_value(code).ok();
    text.as_ref()
        .and_then(|text| text.as_str())
        .unwrap_or("refused")
        .to_owned()
}
