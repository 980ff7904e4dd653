//! Proposes corrections to the other side and collects its signatures; judges those that it proposes.
use futures::{stream::FuturesUnordered, StreamExt};
use protocol::{
    reconciliation::{Correction, Side},
    Amount, Signature, Timestamp,
};

use super::{
    super::{
        days::{closing::name, pause},
        fault::ReconciliationError,
        findings::{self, Finding},
        messages::{CoSigned, CorrectionProposal, RefusalCode},
        ports::PeerError,
        seat::{Seat, Signers},
        settings::Accept,
        Reconciliation,
    },
    state::{BreakState, Proposed, Refused},
    LIFETIME,
};
use crate::{
    settlement::failpoints,
    store::days::{BreakRow, Took},
};

/// How many corrections are asked about at once: they go together to the other side.
const AT_ONCE: usize = 32;
/// When a correction is proposed again by itself that a person at the other side rejected: in 2106.
const NEVER: Timestamp = 4_294_967_295_000;

impl Reconciliation {
    /// Proposes what follows from the chain's entries, where no person is needed for it. The credit side leads.
    pub(super) async fn propose_due(&self, seat: &Seat) -> Result<(), ReconciliationError> {
        if !seat.leads() || seat.settings.accept != Accept::Chain {
            return Ok(());
        }
        let now = self.now();
        let mut after = None;
        while let Some(rows) = self.portion(seat, BreakState::Open, &mut after).await? {
            for row in rows.iter().filter(|row| row.retry_at <= now) {
                match self.propose_correction(seat, row, None, None, None).await {
                    // It is booked, and looked at again, first.
                    Ok(_) | Err(ReconciliationError::NotYet(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Signs a correction of a break and stores it: from then on the other side is asked.
    pub(in super::super) async fn propose_correction(
        &self,
        seat: &Seat,
        row: &BreakRow,
        amount: Option<Amount>,
        comment: Option<String>,
        who: Option<&str>,
    ) -> Result<bool, ReconciliationError> {
        let entry = self.store.chain_entry(seat.book, row.corrects).await?;
        if entry.map_or(0, |entry| entry.corrections) != row.number {
            return Err(ReconciliationError::NotYet("the chain has corrected it meanwhile"));
        }
        let epoch = self.signers(seat).await?.epoch;
        let day = self.day_of_correction(seat, row).await?;
        let expires_at = self.ledger.head().1.max(self.now()).saturating_add(LIFETIME);
        let mut correction = findings::proposal(&row.finding).correction(seat.book, row.number, day, expires_at);
        if let Some(amount) = amount {
            correction.amount = amount;
        }
        let proposed = BreakRow {
            state: BreakState::Proposed,
            proposed: Some(self.signed(seat, correction, epoch, comment)),
            refusal: None,
            retry_at: 0,
            ..row.clone()
        };
        failpoints::reach("reconciliation.propose.acting".to_owned()).await;
        let saved = self
            .save_break(
                &proposed,
                who,
                &format!("this side signed a correction to {}", amount_of(&proposed)),
            )
            .await?;
        failpoints::reach("reconciliation.propose.acted".to_owned()).await;
        if saved {
            self.changed();
        }
        Ok(saved)
    }

    /// Asks the other side to sign what this side proposed.
    pub(super) async fn collect_due(&self, seat: &Seat) -> Result<(), ReconciliationError> {
        let signers = self.signers(seat).await?;
        let now = self.now();
        let mut after = None;
        while let Some(mut rows) = self.portion(seat, BreakState::Proposed, &mut after).await? {
            rows.retain(|row| row.retry_at <= now);
            let mut asked = FuturesUnordered::new();
            let mut first = Ok(());
            for row in rows {
                if asked.len() >= AT_ONCE {
                    first = first.and(asked.next().await.unwrap_or(Ok(())));
                }
                asked.push(self.collect(seat, &signers, row));
            }
            while let Some(done) = asked.next().await {
                first = first.and(done);
            }
            first?;
        }
        Ok(())
    }

    async fn collect(&self, seat: &Seat, signers: &Signers, row: BreakRow) -> Result<(), ReconciliationError> {
        let Some(proposed) = row.proposed.clone() else {
            return Ok(());
        };
        if self.has_expired(&proposed.correction) {
            return self.take_back(row, "the correction has expired").await;
        }
        if proposed.epoch != signers.epoch {
            return self.take_back(row, "keys have changed since it was signed").await;
        }
        let own = own_signature(seat, &proposed);
        let Some(signature) = own.filter(|_| proposed.is_ours) else {
            return Ok(());
        };
        let proposal = CorrectionProposal {
            correction: proposed.correction.clone(),
            epoch: proposed.epoch,
            signature,
            comment: proposed.comment.clone(),
        };
        match self.partners.correct(seat.other, &proposal).await {
            Ok(CoSigned::Signed { signature }) => {
                let payload = proposed.correction.payload(&self.domain(proposed.epoch));
                signers.ensure(seat.other, &payload, &signature, "correction")?;
                let signed = BreakRow {
                    state: BreakState::Signed,
                    proposed: Some(with_other(seat, proposed, signature)),
                    failures: 0,
                    ..row
                };
                self.save_break(&signed, None, "the other side signed it, too").await?;
            }
            Ok(CoSigned::Pending) => self.ask_again(row).await?,
            Ok(CoSigned::Refused { code, reason }) => self.refused(row, &proposed.correction, code, reason).await?,
            Err(PeerError::Rejected { code, detail, .. }) => {
                let reason = format!("{code}: {detail}");
                self.refused(row, &proposed.correction, RefusalCode::Differs, reason)
                    .await?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Somebody there has to look at it.
    async fn ask_again(&self, mut row: BreakRow) -> Result<(), ReconciliationError> {
        let took = (row.failures == 0).then_some(Took {
            who: None,
            detail: "the other side looks at it",
        });
        row.retry_at = self.now().saturating_add(pause(row.failures));
        row.failures = row.failures.saturating_add(1);
        self.store.save_break(&row, took, self.now()).await?;
        Ok(())
    }

    async fn refused(
        &self,
        mut row: BreakRow,
        correction: &Correction,
        code: RefusalCode,
        reason: String,
    ) -> Result<(), ReconciliationError> {
        let detail = format!("the other side doesn't sign ({}): {reason}", name(code));
        row.reopen();
        row.failures = row.failures.saturating_add(1);
        row.retry_at = match code {
            // A person there said no: a person here says how it goes on.
            RefusalCode::Rejected => NEVER,
            _ => self.now().saturating_add(pause(row.failures)),
        };
        row.refusal = Some(Refused {
            code,
            reason,
            correction: correction.id(),
            is_ours: false,
        });
        let (book, day) = (row.book, row.day);
        self.save_break(&row, None, &detail).await?;
        match code {
            RefusalCode::Rejected | RefusalCode::StaleEpoch => Ok(()),
            // It sees something else: look again, too.
            _ => self.want_run(book, day, "the other side finds something else").await,
        }
    }

    pub(super) async fn take_back(&self, mut row: BreakRow, why: &str) -> Result<(), ReconciliationError> {
        row.reopen();
        row.failures = 0;
        self.save_break(&row, None, why).await?;
        self.changed();
        Ok(())
    }

    /// What this side answers to a correction that the other side proposes. What follows from the chain's entry, by this side's
    /// own finding, is signed at once where the book's settings say so; anything else waits for a person.
    pub(in super::super) async fn judge_correction(
        &self,
        seat: &Seat,
        proposal: &CorrectionProposal,
    ) -> Result<CoSigned, ReconciliationError> {
        let correction = &proposal.correction;
        let signers = self.signers(seat).await?;
        if signers.epoch != proposal.epoch {
            let reason = format!("the registry's epoch is {}: sign again", signers.epoch);
            return Ok(no(RefusalCode::StaleEpoch, reason));
        }
        let payload = correction.payload(&self.domain(proposal.epoch));
        signers.ensure(seat.other, &payload, &proposal.signature, "correction")?;

        let found = self.store.breaks_corrected_by(seat.book, correction.trade).await?;
        let row = found.into_iter().find(|row| !row.state.is_final());
        if let Some(answer) = row.as_ref().and_then(|row| answered(seat, row, proposal)) {
            return Ok(answer);
        }
        if let Some(why) = self.is_stale(seat, row.as_ref(), correction).await? {
            return Ok(no(RefusalCode::Stale, why));
        }
        let day = row.as_ref().map_or(correction.day, |row| row.day);
        let Some(row) = row.filter(|row| row.state != BreakState::Expected) else {
            let reason = "this side finds nothing wrong with it".to_owned();
            return self.no_or_later(seat, day, RefusalCode::NoSuchBreak, reason).await;
        };
        if !is_about(correction, &row.finding) {
            let reason = "this side finds something else wrong with it".to_owned();
            return self.no_or_later(seat, day, RefusalCode::Differs, reason).await;
        }
        let theirs = self.theirs(seat, proposal);
        if seat.settings.accept == Accept::Chain && is_as_proposed(correction, &row.finding) {
            return self.co_sign(seat, &row, theirs, None).await;
        }
        let waits = BreakRow {
            state: BreakState::Proposed,
            proposed: Some(theirs),
            ..row
        };
        let detail = format!("the other side proposes {}", amount_of(&waits));
        self.save_break(&waits, None, &detail).await?;
        Ok(CoSigned::Pending)
    }

    /// No, if a run since it was asked for says the same; else later.
    async fn no_or_later(
        &self,
        seat: &Seat,
        day: protocol::reconciliation::Day,
        code: RefusalCode,
        reason: String,
    ) -> Result<CoSigned, ReconciliationError> {
        if self.has_run_since_asked(seat.book, day).await? {
            return Ok(no(code, reason));
        }
        Ok(CoSigned::Pending)
    }

    /// Why the chain wouldn't take a correction any more, or not for its day.
    async fn is_stale(
        &self,
        seat: &Seat,
        row: Option<&BreakRow>,
        correction: &Correction,
    ) -> Result<Option<String>, ReconciliationError> {
        let entry = self.store.chain_entry(seat.book, correction.trade).await?;
        let corrections = entry.map_or(0, |entry| entry.corrections);
        if correction.book != seat.book || correction.check().is_err() {
            return Ok(Some("it isn't a correction of this book".to_owned()));
        }
        if correction.number != corrections {
            return Ok(Some(format!("the chain has corrected it {corrections} times")));
        }
        if self.has_expired(correction) {
            return Ok(Some("it has expired".to_owned()));
        }
        let own = entry.map(|entry| entry.day).or(row.map(|row| row.day));
        let counts = match own.filter(|own| !seat.is_closed(*own)) {
            Some(own) => correction.day == own,
            None => !seat.is_closed(correction.day),
        };
        Ok((!counts).then(|| "it can't count on that day".to_owned()))
    }

    /// Signs what the other side proposed. Stored before it is sent: asked again, it is the same signature.
    pub(in super::super) async fn co_sign(
        &self,
        seat: &Seat,
        row: &BreakRow,
        theirs: Proposed,
        who: Option<&str>,
    ) -> Result<CoSigned, ReconciliationError> {
        let signature = self.key.sign(&theirs.correction.payload(&self.domain(theirs.epoch)));
        let signed = BreakRow {
            state: BreakState::Signed,
            proposed: Some(with_own(seat, theirs, signature)),
            refusal: None,
            failures: 0,
            ..row.clone()
        };
        let detail = format!("this side signed the other's correction to {}", amount_of(&signed));
        if !self.save_break(&signed, who, &detail).await? {
            return Ok(CoSigned::Pending);
        }
        failpoints::reach("reconciliation.correction.signed".to_owned()).await;
        Ok(CoSigned::Signed { signature })
    }

    fn theirs(&self, seat: &Seat, proposal: &CorrectionProposal) -> Proposed {
        let (debit, credit) = seat.in_order(None, Some(proposal.signature));
        Proposed {
            correction: proposal.correction.clone(),
            epoch: proposal.epoch,
            debit,
            credit,
            is_ours: false,
            comment: proposal.comment.clone(),
        }
    }
}

/// What was answered before to the same correction.
fn answered(seat: &Seat, row: &BreakRow, proposal: &CorrectionProposal) -> Option<CoSigned> {
    let id = proposal.correction.id();
    let refusal = row.refusal.as_ref();
    if let Some(refusal) = refusal.filter(|refusal| refusal.is_ours && refusal.correction == id) {
        return Some(no(refusal.code, refusal.reason.clone()));
    }
    let known = row.proposed.as_ref();
    let known = known.filter(|known| (&known.correction, known.epoch) == (&proposal.correction, proposal.epoch))?;
    match own_signature(seat, known) {
        Some(signature) => Some(CoSigned::Signed { signature }),
        None => Some(CoSigned::Pending),
    }
}

/// Whether a correction is of what was found here: whatever its amount.
fn is_about(correction: &Correction, finding: &Finding) -> bool {
    let own = findings::proposal(finding);
    (
        &correction.causes,
        correction.debit,
        correction.credit,
        correction.evidence,
    ) == (&own.causes, own.debit, own.credit, own.evidence)
}

/// Whether it is what this side would propose itself.
fn is_as_proposed(correction: &Correction, finding: &Finding) -> bool {
    let own = findings::proposal(finding);
    (correction.amount, correction.payer, correction.time) == (own.amount, own.payer, own.time)
}

pub(super) const fn own_signature(seat: &Seat, proposed: &Proposed) -> Option<Signature> {
    match seat.side {
        Side::Debit => proposed.debit,
        Side::Credit | Side::Chain => proposed.credit,
    }
}

fn with_own(seat: &Seat, mut proposed: Proposed, signature: Signature) -> Proposed {
    match seat.side {
        Side::Debit => proposed.debit = Some(signature),
        Side::Credit | Side::Chain => proposed.credit = Some(signature),
    }
    proposed
}

fn with_other(seat: &Seat, mut proposed: Proposed, signature: Signature) -> Proposed {
    match seat.side {
        Side::Debit => proposed.credit = Some(signature),
        Side::Credit | Side::Chain => proposed.debit = Some(signature),
    }
    proposed
}

fn amount_of(row: &BreakRow) -> Amount {
    row.proposed.as_ref().map_or(0, |proposed| proposed.correction.amount)
}

fn no(code: RefusalCode, reason: String) -> CoSigned {
    CoSigned::Refused { code, reason }
}
