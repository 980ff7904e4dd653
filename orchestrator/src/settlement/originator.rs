//! The originator: audits the user's request, collects co-signatures, has the voucher retained, delivers (S0.1 to S0.12).
use protocol::{
    settlement::{Limit, Voucher},
    Member, UserId,
};

use super::{
    discharge::{self, Discharging},
    fault::{Fault, SettlementError, MAX_USER_NUMBER, WRONG_EPOCH},
    members::Members,
    messages::{
        voucher_payload, Answer, Confirmation, Proposal, Refusal, RefusalCode, RetentionProgress, RetentionRequest,
        SignedPaymentRequest,
    },
    ports::PeerError,
    runner::{rejection, Next, StepError},
    state::{OriginatorState, State},
    Payment, Settlement,
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
        let voucher = self.write_voucher(&request)?;
        let members = Members::read(&*self.ledger, &self.involved(&voucher)).await?;
        let taken = Document::new("payment-request", self.member, 0, &request)?;
        let opened = match self.audit(&request, &voucher, &members).await? {
            Ok(()) => {
                let signature = Document::new(
                    "confirmation",
                    self.member,
                    members.epoch,
                    &self.co_sign(&voucher, members.epoch),
                )?;
                let effects = [Effect::Keep(taken), Effect::Keep(signature)];
                self.open(&voucher, Some(digest), AUDITED, "the audit passed", &effects)
                    .await?
            }
            Err((code, detail)) => {
                let refusal = self.refuse(&voucher, code, &detail, members.epoch);
                let effects = [Effect::Keep(taken), self.keep_refusal(&refusal)?];
                self.open(&voucher, Some(digest), REFUSED, &detail, &effects).await?
            }
        };
        match opened {
            Opened::Existing(id) => self.existing(id).await,
            Opened::New | Opened::NotCovered => self.existing(voucher.id()).await,
        }
    }

    fn ensure_possible(&self, signed: &SignedPaymentRequest) -> Result<(), SettlementError> {
        let request = &signed.request;
        if request.originator != self.member {
            return Err(SettlementError::NotOriginator {
                named: request.originator,
                me: self.member,
            });
        }
        if request.home == self.member {
            return Err(SettlementError::OwnUser);
        }
        if request.amount == 0 {
            return Err(SettlementError::ZeroAmount);
        }
        if request.user.is_empty() || request.user.len() > MAX_USER_NUMBER {
            return Err(SettlementError::BadUserNumber);
        }
        Ok(())
    }

    pub(super) fn write_voucher(&self, signed: &SignedPaymentRequest) -> Result<Voucher, SettlementError> {
        let request = &signed.request;
        let mut nonce = [0u8; 16];
        rand::RngCore::try_fill_bytes(&mut rand::rngs::OsRng, &mut nonce)
            .map_err(|error| SettlementError::Randomness(error.to_string()))?;
        let now = self.clock.now();
        Ok(Voucher {
            nonce,
            originator: self.member,
            home: request.home,
            others: vec![],
            user: UserId::of(request.home, &request.user),
            wallet: request.wallet,
            kind: request.kind,
            asset: request.asset,
            amount: request.amount,
            limit: Limit::PerTransaction(request.amount),
            issued_at: now,
            expires_at: request.expires_at.min(now.saturating_add(self.voucher_lifetime)),
        })
    }

    /// S0.1. The inner error is what is recorded.
    async fn audit(
        &self,
        signed: &SignedPaymentRequest,
        voucher: &Voucher,
        members: &Members,
    ) -> Result<Result<(), (RefusalCode, String)>, SettlementError> {
        if signed.request.expires_at <= voucher.issued_at {
            return Ok(Err((RefusalCode::Expired, "the user's request has expired".into())));
        }
        if let Err(fault) = self.ensure_active(voucher, members) {
            return Ok(Err((RefusalCode::InstitutionNotActive, fault.to_string())));
        }
        if voucher.parties().contains(&self.notary) {
            let fault = Fault::NotaryIsParty(self.notary);
            return Ok(Err((RefusalCode::BadVoucher, fault.to_string())));
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
        OriginatorState::Retained => Ok(Next::to(EXECUTED, "delivered to the user", vec![Effect::PayOut])),
        OriginatorState::Executed => discharge::sign(saga, payment, way()).await,
        OriginatorState::DischargeSigned => discharge::submit(saga, payment, way()).await,
        OriginatorState::Cleared | OriginatorState::Refused | OriginatorState::Expired => Ok(Next::Wait),
    }
}

fn way() -> Discharging {
    Discharging {
        owing: EXECUTED,
        signed: State::Originator(OriginatorState::DischargeSigned),
        cleared: State::Originator(OriginatorState::Cleared),
        bookings: vec![],
    }
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
    let request = papers.iter().find(|paper| paper.kind == "payment-request");
    let proposal = Proposal {
        request: request.ok_or(StepError::Missing("payment request"))?.read()?,
        voucher: voucher.clone(),
        epoch: members.epoch,
        signature: own.signed.signature,
    };
    for destination in voucher.destinations() {
        let has_answered = |paper: &Document| {
            paper.kind == "confirmation" && paper.member == destination && paper.epoch == members.epoch
        };
        if papers.iter().any(has_answered) {
            continue;
        }
        match saga.peers.propose(destination, &proposal).await {
            Ok(Answer::Agreed(confirmation)) => {
                check_confirmation(saga, &members, voucher, destination, &confirmation)?;
                let paper = Document::new("confirmation", destination, members.epoch, &confirmation)?;
                saga.store.keep_document(voucher.id(), &[AUDITED], &paper).await?;
            }
            Ok(Answer::Refused(refusal)) => {
                saga.check_refusal(&members, voucher, &[destination], &refusal)?;
                return refused(saga, payment, &refusal).await;
            }
            Err(error) => return rejected(saga, payment, &members, error).await,
        }
    }
    Ok(Next::to(CONFIRMED, "every destination co-signed", vec![]))
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

/// Asks the notary until its answer is final (S0.6). The chain is looked at first: it also speaks when the notary is gone.
///
/// A crash here is harmless: the notary answers the same voucher from what it stored.
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
    let progress = saga.peers.request_retention(saga.notary, &request).await;
    let members = Members::read(&*saga.ledger, &saga.involved(voucher)).await?;
    match progress {
        // Retained, but not in a block that is finalized here: it will be.
        Ok(RetentionProgress::Pending | RetentionProgress::Retained(_)) => Ok(Next::Wait),
        Ok(RetentionProgress::Refused(refusal)) => {
            saga.check_refusal(&members, voucher, &saga.involved(voucher), &refusal)?;
            refused(saga, payment, &refusal).await
        }
        Err(PeerError::Rejected { code, .. }) if code == WRONG_EPOCH && members.epoch != epoch => Ok(Next::to(
            AUDITED,
            format!("the registry moved to epoch {}: signing again", members.epoch),
            vec![],
        )),
        Err(error) => rejected(saga, payment, &members, error).await,
    }
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
    if let Next::To { unless_kept, .. } = &mut next {
        *unless_kept = Some("consent");
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
        effects: vec![],
        unless_kept: (!consented).then_some("consent"),
    }))
}
