//! The originator: audits the user's request, collects co-signatures, has the voucher retained, delivers (S0.1 to S0.12).
use futures::{stream, StreamExt};
use protocol::{
    registry::Roles,
    settlement::{Limit, TransactionKind, Voucher, VoucherFault, MAX_PARTIES},
    Member, Timestamp, UserId,
};

use super::{
    discharge::{self, Discharging},
    fault::{is_user_number, Fault, SettlementError, WRONG_EPOCH},
    members::Members,
    messages::{
        voucher_payload, Answer, Confirmation, Proposal, Refusal, RefusalCode, RetentionProgress, RetentionRequest,
        SignedPaymentRequest,
    },
    patience::within,
    ports::PeerError,
    runner::{rejection, Next, StepError},
    state::{OriginatorState, State},
    Payment, Settlement, Verdict,
};
use crate::store::{
    payments::{Document, Effect, Opened, PaymentRow},
    StoreError,
};

const AUDITED: State = State::Originator(OriginatorState::Audited);
const CONFIRMED: State = State::Originator(OriginatorState::Confirmed);
const RETAINED: State = State::Originator(OriginatorState::Retained);
const EXECUTED: State = State::Originator(OriginatorState::Executed);
const REFUSED: State = State::Originator(OriginatorState::Refused);
const EXPIRED: State = State::Originator(OriginatorState::Expired);
const WAY: Discharging = Discharging {
    owing: EXECUTED,
    signed: State::Originator(OriginatorState::DischargeSigned),
    cleared: State::Originator(OriginatorState::Cleared),
};

/// The paper that says why a notary won't lead.
const NOTARY_REJECTED: &str = "notary-rejected";

impl Settlement {
    /// Takes a user's request: audits it, writes and signs the voucher, and starts the settlement (S0.1, S0.2). What the
    /// audit refuses is recorded with this institution's signed refusal. The same request again returns the same payment.
    ///
    /// The voucher's limit is its own amount, per transaction: nobody may widen what the user signed. The user's own
    /// limit is its home institution's business.
    ///
    /// # Errors
    /// The request can't lead to a payment between institutions, or chain or database can't be read; nothing is stored.
    pub async fn request_payment(&self, request: SignedPaymentRequest) -> Result<Payment, SettlementError> {
        let digest = request.request.digest();
        self.ensure_possible(&request)?;
        if let Some(id) = self.store.payment_for(digest).await? {
            return self.existing(id).await;
        }
        let voucher = self.write_voucher(&request).await?;
        match voucher.check() {
            // The audit refuses an expired request, on record.
            Ok(()) | Err(VoucherFault::ExpiresBeforeIssue) => {}
            Err(fault) => return Err(SettlementError::BadVoucher(fault)),
        }
        let members = Members::read(&*self.ledger, &self.involved(&voucher)).await?;
        let (code, detail) = match self.audit(&request, &voucher, &members).await? {
            Err(why) => why,
            Ok(()) => {
                let opened = self.open_audited(&request, &voucher, members.epoch).await?;
                match opened.shortfall() {
                    Some((code, detail)) => (code, detail.to_owned()),
                    None => return self.opened(&voucher, opened).await,
                }
            }
        };
        let refusal = self.refuse(&voucher, code, &detail, members.epoch);
        let taken = Document::new("payment-request", self.member, 0, &request)?;
        let effects = [Effect::Keep(taken), self.keep_refusal(&refusal)?];
        let opened = self.open(&voucher, Some(digest), REFUSED, &detail, &effects).await?;
        self.opened(&voucher, opened).await
    }

    async fn opened(&self, voucher: &Voucher, opened: Opened) -> Result<Payment, SettlementError> {
        match opened {
            Opened::Existing(id) => self.existing(id).await,
            _ => self.existing(voucher.id()).await,
        }
    }

    /// Signs the voucher and, if the user is this institution's own, sets its money aside, together.
    async fn open_audited(
        &self,
        request: &SignedPaymentRequest,
        voucher: &Voucher,
        epoch: u32,
    ) -> Result<Opened, StoreError> {
        let signature = self.co_sign(voucher, epoch);
        let mut effects = vec![
            Effect::Keep(Document::new("payment-request", self.member, 0, request)?),
            Effect::Keep(Document::new("confirmation", self.member, epoch, &signature)?),
        ];
        effects.extend(self.hold(voucher, &request.request));
        let digest = request.request.digest();
        self.open(voucher, Some(digest), AUDITED, "the audit passed", &effects)
            .await
    }

    fn ensure_possible(&self, signed: &SignedPaymentRequest) -> Result<(), SettlementError> {
        let request = &signed.request;
        if request.originator != self.member {
            return Err(SettlementError::NotOriginator {
                named: request.originator,
                me: self.member,
            });
        }
        let is_transfer = matches!(request.kind, TransactionKind::CreditTransfer(payee) if payee != self.member);
        if request.home == self.member && !is_transfer {
            return Err(SettlementError::OwnUser);
        }
        if request.amount == 0 {
            return Err(SettlementError::ZeroAmount);
        }
        if !is_user_number(&request.user) {
            return Err(SettlementError::BadUserNumber);
        }
        if !request.names_beneficiary_rightly() {
            return Err(SettlementError::BadBeneficiary);
        }
        Ok(())
    }

    pub(super) async fn write_voucher(&self, signed: &SignedPaymentRequest) -> Result<Voucher, SettlementError> {
        let request = &signed.request;
        let fees = self.ledger.current().await?.fees;
        let now = self.clock.now();
        Ok(Voucher {
            sequence: self.store.next_sequence().await?,
            originator: self.member,
            home: request.home,
            others: request.other_destinations(),
            user: UserId::of(request.home, &request.user),
            wallet: request.wallet,
            kind: request.kind,
            asset: request.asset,
            amount: request.amount,
            limit: Limit::PerTransaction(request.amount),
            settlement: self.mode,
            fees,
            issued_at: now,
            expires_at: request.expires_at.min(now.saturating_add(self.voucher_lifetime)),
        })
    }

    /// S0.1, but for the funds of an own user, which are judged where they are set aside.
    async fn audit(
        &self,
        signed: &SignedPaymentRequest,
        voucher: &Voucher,
        members: &Members,
    ) -> Result<Verdict, SettlementError> {
        if signed.request.expires_at <= voucher.issued_at {
            return Ok(Err((RefusalCode::Expired, "the user's request has expired".into())));
        }
        if let Err(fault) = self.ensure_active(voucher, members) {
            return Ok(Err((RefusalCode::InstitutionNotActive, fault.to_string())));
        }
        let active = |notary: &&Member| members.active(**notary, Roles::NOTARY).is_ok();
        if let Err(fault) = self.ensure_enough_notaries(self.notaries.iter().filter(active).count(), members) {
            return Ok(Err((RefusalCode::InstitutionNotActive, fault.to_string())));
        }
        if let Err(fault) = self.ensure_enough_notaries(self.able_notaries(voucher, members).len(), members) {
            return Ok(Err((
                RefusalCode::BadVoucher,
                format!("a notary is a party to the voucher: {fault}"),
            )));
        }
        let verdict = self.judge_users(voucher, signed).await?;
        if verdict.is_err() {
            return Ok(verdict);
        }
        Ok(self.ensure_covered(voucher).await?)
    }

    fn keep_refusal(&self, refusal: &Refusal) -> Result<Effect, StoreError> {
        let paper = Document::new("refusal", refusal.signed.member, refusal.epoch, refusal)?;
        Ok(Effect::Keep(paper))
    }

    /// Moves to `state` with the refusal kept.
    pub(super) fn refused(&self, state: State, refusal: &Refusal) -> Result<Next, StepError> {
        let detail = format!("member {} refused: {}", refusal.signed.member, refusal.detail);
        Ok(Next::to(state, detail, vec![self.keep_refusal(refusal)?]))
    }
}

pub(super) async fn step(saga: &Settlement, payment: &PaymentRow, state: OriginatorState) -> Result<Next, StepError> {
    match state {
        OriginatorState::Audited => propose(saga, payment).await,
        OriginatorState::Confirmed => have_retained(saga, payment).await,
        // A crash here is harmless: the payout is stored in the same transaction as the state, at most once a voucher.
        OriginatorState::Retained => Ok(deliver(payment)),
        OriginatorState::Executed => discharge::sign(saga, payment, WAY).await,
        OriginatorState::DischargeSigned => discharge::submit(saga, payment, WAY).await,
        OriginatorState::Cleared | OriginatorState::Refused | OriginatorState::Expired => Ok(Next::Wait),
    }
}

fn deliver(payment: &PaymentRow) -> Next {
    if matches!(payment.voucher.kind, TransactionKind::CreditTransfer(_)) {
        return Next::to(
            EXECUTED,
            "nothing to hand out: the payee institution credits its user",
            vec![],
        );
    }
    Next::to(EXECUTED, "delivered to the user", vec![Effect::PayOut])
}

/// Asks every destination to co-sign (S0.3 to S0.5).
///
/// A crash here is harmless: answers are stored as they come, and a destination answers the same voucher the same.
async fn propose(saga: &Settlement, payment: &PaymentRow) -> Result<Next, StepError> {
    let voucher = &payment.voucher;
    if let Some(next) = look_at_chain(saga, payment).await? {
        return Ok(next);
    }
    let members = Members::read(&*saga.ledger, &saga.involved(voucher)).await?;
    if let Err(fault) = saga.ensure_active(voucher, &members) {
        let refusal = saga.refuse(
            voucher,
            RefusalCode::InstitutionNotActive,
            &fault.to_string(),
            members.epoch,
        );
        return refused(saga, payment, &refusal).await;
    }
    let Some(own) = saga.keep_co_signature(voucher, members.epoch, &[AUDITED]).await? else {
        return Ok(Next::Wait);
    };
    let papers = saga.store.documents(voucher.id()).await?;
    let proposal = Proposal {
        request: saga.stored_request(voucher.id()).await?,
        voucher: voucher.clone(),
        epoch: members.epoch,
        signature: own.signed.signature,
    };
    match ask_destinations(saga, &members, &papers, &proposal).await {
        Ok(None) => Ok(Next::to(CONFIRMED, "every destination co-signed", vec![])),
        Ok(Some(refusal)) => refused(saga, payment, &refusal).await,
        Err(StepError::Peer(error)) => rejected(saga, payment, &members, error).await,
        Err(error) => Err(error),
    }
}

/// Asks every destination at once that hasn't co-signed in this epoch, and stores what each says as it comes. Returns the
/// first refusal, without waiting for the others: a signed no is for good, whatever they say.
async fn ask_destinations(
    saga: &Settlement,
    members: &Members,
    papers: &[Document],
    proposal: &Proposal,
) -> Result<Option<Refusal>, StepError> {
    let voucher = &proposal.voucher;
    let has_answered = |destination: &Member| {
        let is_it = |paper: &Document| {
            paper.kind == "confirmation" && paper.member == *destination && paper.epoch == members.epoch
        };
        papers.iter().any(is_it)
    };
    let mut open = voucher.destinations();
    open.retain(|destination| !has_answered(destination));
    let ask = |destination| async move {
        match saga.peers.propose(destination, proposal).await? {
            Answer::Agreed(confirmation) => {
                check_confirmation(saga, members, voucher, destination, &confirmation)?;
                let paper = Document::new("confirmation", destination, members.epoch, &confirmation)?;
                saga.store.keep_document(voucher.id(), &[AUDITED], &paper).await?;
                Ok(None)
            }
            Answer::Refused(refusal) => {
                saga.check_refusal(members, voucher, &[destination], &refusal)?;
                Ok(Some(refusal))
            }
        }
    };
    let mut answers = stream::iter(open).map(ask).buffer_unordered(MAX_PARTIES);
    let mut error: Option<StepError> = None;
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(None) => {}
            Ok(Some(refusal)) => return Ok(Some(refusal)),
            Err(wrong) => error = error.or(Some(wrong)),
        }
    }
    error.map_or(Ok(None), Err)
}

fn check_confirmation(
    saga: &Settlement,
    members: &Members,
    voucher: &Voucher,
    from: Member,
    confirmation: &Confirmation,
) -> Result<(), Fault> {
    if confirmation.voucher != voucher.id() {
        return Err(Fault::Altered("voucher id"));
    }
    members.ensure_epoch(confirmation.epoch)?;
    let payload = voucher_payload(&saga.domain(confirmation.epoch), voucher);
    members.ensure_signed(from, &confirmation.signed, &payload, "voucher")
}

/// Asks the leading notary until its answer is final (S0.6). The chain is looked at first: it also speaks when the notary
/// is gone.
///
/// A crash here is harmless: the time of the first question is stored, so that the same notary leads after it, and a
/// notary answers the same voucher from what it stored.
async fn have_retained(saga: &Settlement, payment: &PaymentRow) -> Result<Next, StepError> {
    let voucher = &payment.voucher;
    if let Some(next) = look_at_chain(saga, payment).await? {
        return Ok(next);
    }
    let papers = saga.store.documents(voucher.id()).await?;
    let own = papers
        .iter()
        .filter(|paper| paper.kind == "confirmation" && paper.member == saga.member);
    let epochs = own.map(|paper| paper.epoch);
    let epoch = epochs.max().ok_or(StepError::Missing("co-signature"))?;
    let mut signatures = Vec::new();
    for paper in papers
        .iter()
        .filter(|paper| paper.kind == "confirmation" && paper.epoch == epoch)
    {
        signatures.push(paper.read::<Confirmation>()?.signed);
    }
    signatures.sort_by_key(|signed| signed.member);
    let request = RetentionRequest {
        voucher: voucher.clone(),
        epoch,
        signatures,
    };
    let asked_at = first_asked(saga, payment).await?;
    let members = Members::read(&*saga.ledger, &saga.involved(voucher)).await?;
    let mut able = saga.able_notaries(voucher, &members);
    if saga.ensure_enough_notaries(able.len(), &members).is_err() {
        return Err(StepError::NoNotary);
    }
    let rejects = |notary: &Member| has_rejected(&papers, *notary, members.epoch);
    able.retain(|notary| !rejects(notary));
    loop {
        let (notary, left) = leading(saga, voucher, &able, asked_at).ok_or(StepError::NoNotary)?;
        let progress = within(left, notary, saga.peers.request_retention(notary, &request)).await;
        let members = Members::read(&*saga.ledger, &saga.involved(voucher)).await?;
        let error = match progress {
            // Retained, but not in a block that is finalized here: it will be.
            Ok(RetentionProgress::Pending | RetentionProgress::Retained(_)) => return Ok(Next::Wait),
            Ok(RetentionProgress::Refused(refusal)) => {
                saga.check_refusal(&members, voucher, &saga.involved(voucher), &refusal)?;
                return refused(saga, payment, &refusal).await;
            }
            Err(PeerError::Rejected { code, .. }) if code == WRONG_EPOCH && members.epoch != epoch => {
                let detail = format!("the registry moved to epoch {}: signing again", members.epoch);
                return Ok(Next::to(AUDITED, detail, vec![]));
            }
            Err(error) => error,
        };
        able.retain(|other| *other != notary);
        let Some(why) = rejection(&error).filter(|_| !able.is_empty()) else {
            return rejected(saga, payment, &members, error).await;
        };
        // What one notary won't do, another may.
        tracing::warn!(%notary, why, "the next notary is asked");
        let paper = Document::new(NOTARY_REJECTED, notary, members.epoch, &why)?;
        saga.store.keep_document(voucher.id(), &[CONFIRMED], &paper).await?;
    }
}

/// When the first notary was asked for the first time, by this institution's clock.
async fn first_asked(saga: &Settlement, payment: &PaymentRow) -> Result<Timestamp, StepError> {
    let paper = Document::new("retention-asked", saga.member, 0, &saga.clock.now())?;
    let kept = saga
        .store
        .keep_document(payment.voucher.id(), &[CONFIRMED], &paper)
        .await?;
    Ok(kept.ok_or(StepError::Missing("time of the first question"))?.read()?)
}

fn has_rejected(papers: &[Document], notary: Member, epoch: u32) -> bool {
    let is_it = |paper: &Document| paper.kind == NOTARY_REJECTED && paper.member == notary && paper.epoch == epoch;
    papers.iter().any(is_it)
}

/// Whose turn it is to lead: each notary has its share of the voucher's lifetime, then the next one has, and after the
/// last one the first one again. Nothing but this institution's clock decides, and nobody is told: a notary that was too
/// slow may go on. Two that lead for the same voucher do no harm (see `party.rs`). Also how many milliseconds it has left.
fn leading(saga: &Settlement, voucher: &Voucher, able: &[Member], asked_at: Timestamp) -> Option<(Member, Timestamp)> {
    let share = saga.share(voucher);
    let gone = saga.clock.now().saturating_sub(asked_at);
    let turns = gone.checked_div(share)?;
    let count = u64::try_from(able.len()).ok()?;
    let place = usize::try_from(turns.checked_rem(count)?).ok()?;
    let left = share.checked_sub(gone.checked_rem(share)?)?;
    Some((able.get(place).copied()?, left))
}

/// A peer says that a message is wrong: recorded with this institution's own signature.
async fn rejected(
    saga: &Settlement,
    payment: &PaymentRow,
    members: &Members,
    error: PeerError,
) -> Result<Next, StepError> {
    let why = match rejection(&error) {
        Some(why) if !saga.has_consented(payment).await? => why,
        _ => return Err(error.into()),
    };
    let refusal = saga.refuse(&payment.voucher, RefusalCode::RejectedByPeer, &why, members.epoch);
    refused(saga, payment, &refusal).await
}

/// Ends the payment, unless this institution signed for the retention: then a notary may still hand it to the chain,
/// whoever refused, and the user must get what is paid for. The refusal is kept, and the chain decides.
async fn refused(saga: &Settlement, payment: &PaymentRow, refusal: &Refusal) -> Result<Next, StepError> {
    if saga.has_consented(payment).await? {
        let paper = Document::new("refusal", refusal.signed.member, refusal.epoch, refusal)?;
        saga.store
            .keep_document(payment.voucher.id(), &[payment.state], &paper)
            .await?;
        return Ok(Next::Wait);
    }
    let mut next = saga.refused(REFUSED, refusal)?;
    if let Next::To {
        unless_kept, effects, ..
    } = &mut next
    {
        *unless_kept = Some("consent");
        effects.push(Effect::ReleaseHold);
    }
    Ok(next)
}

/// What the chain says of a voucher that this institution may have signed for: retained, not any more, or not yet
/// (`None`).
async fn look_at_chain(saga: &Settlement, payment: &PaymentRow) -> Result<Option<Next>, StepError> {
    if let Some(retention) = saga.retention(payment).await? {
        let detail = format!("retained in block {}", retention.retained_in);
        return Ok(Some(Next::to(RETAINED, detail, saga.retained(&retention)?)));
    }
    let consented = saga.has_consented(payment).await?;
    let refusal = saga.refusal(payment.voucher.id()).await?;
    if !saga.has_expired(payment, consented).await? {
        return Ok(refusal.map(|_| Next::Wait));
    }
    let (state, detail) = match refusal {
        Some(_) => (REFUSED, "refused, and it can't be retained any more"),
        None => (EXPIRED, "the voucher expired before it was retained"),
    };
    Ok(Some(Next::To {
        state,
        detail: detail.into(),
        effects: vec![Effect::ReleaseHold],
        unless_kept: (!consented).then_some("consent"),
    }))
}
