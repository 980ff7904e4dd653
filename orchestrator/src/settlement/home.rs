//! The home institution: judges what its user is said to want, co-signs or refuses, and books (S0.4, S0.5, S0.12).
use protocol::{registry::Roles, settlement::TransactionKind, signing::MemberSignature, Member, UserId};

use super::{
    discharge::{self, Discharging},
    failpoints,
    fault::Fault,
    members::Members,
    messages::{
        voucher_payload, Answer, Attestation, AttestationRequest, Confirmation, Proposal, RefusalCode,
        SignedPaymentRequest,
    },
    runner::{Next, StepError},
    state::{HomeState, Role, State},
    Settlement,
};
use crate::{
    identity::verify,
    store::payments::{Document, Effect, Opened, PaymentRow},
};

const CONFIRMED: State = State::Home(HomeState::Confirmed);
const RETAINED: State = State::Home(HomeState::Retained);
const SIGNED: State = State::Home(HomeState::DischargeSigned);
const CLEARED: State = State::Home(HomeState::Cleared);
const REFUSED: State = State::Home(HomeState::Refused);
const EXPIRED: State = State::Home(HomeState::Expired);

impl Settlement {
    /// An originator asks for a co-signature (S0.3). The same voucher is answered the same.
    ///
    /// # Errors
    /// The proposal is wrong; nothing is stored.
    pub async fn on_proposal(&self, from: Member, proposal: Proposal) -> Result<Answer<Confirmation>, Fault> {
        let members = self.check_proposal(from, &proposal).await?;
        let voucher = &proposal.voucher;
        let id = voucher.id();
        if self.store.payment(id).await?.is_none() {
            if voucher.expires_at <= self.clock.now() {
                return Err(Fault::Expired {
                    expired_at: voucher.expires_at,
                });
            }
            let opened = match self.judge(&proposal).await? {
                Ok(()) => self.confirm(&proposal, members.epoch).await?,
                Err((code, detail)) => self.record_refusal(&proposal, code, &detail, members.epoch).await?,
            };
            if let Opened::Existing(other) = opened {
                if other != id {
                    return Err(Fault::RequestUsed(other));
                }
            }
        }
        let answer = self.stored_answer(&proposal, members.epoch).await?;
        failpoints::reach("home.proposal.signed".into()).await;
        Ok(answer)
    }

    async fn check_proposal(&self, from: Member, proposal: &Proposal) -> Result<Members, Fault> {
        let voucher = &proposal.voucher;
        if from != voucher.originator {
            return Err(Fault::NotOriginator {
                sender: from,
                originator: voucher.originator,
            });
        }
        voucher.check().map_err(Fault::BadVoucher)?;
        if voucher.home != self.member {
            return Err(Fault::NotAddressee(self.member));
        }
        // Another originator's request isn't the sender's to use up.
        let request = &proposal.request.request;
        if request.originator != from || request.home != self.member {
            return Err(Fault::Altered("payment request"));
        }
        let members = Members::read(&*self.ledger, &self.involved(voucher)).await?;
        for party in voucher.parties() {
            members.active(party, Roles::PARTICIPANT)?;
        }
        members.ensure_epoch(proposal.epoch)?;
        let signed = MemberSignature {
            member: from,
            signature: proposal.signature,
        };
        let payload = voucher_payload(&self.domain(proposal.epoch), voucher);
        members.ensure_signed(from, &signed, &payload, "voucher")?;
        Ok(members)
    }

    /// The policy of S0.4, but for the funds, which are judged where they are set aside.
    async fn judge(&self, proposal: &Proposal) -> Result<Result<(), (RefusalCode, String)>, Fault> {
        let SignedPaymentRequest { request, signature } = &proposal.request;
        let voucher = &proposal.voucher;
        let refuse = |code, detail: &str| Ok(Err((code, detail.to_owned())));
        let is_what_was_asked = voucher.user == UserId::of(request.home, &request.user)
            && voucher.wallet == request.wallet
            && voucher.kind == request.kind
            && voucher.asset == request.asset
            && voucher.amount == request.amount
            && voucher.expires_at <= request.expires_at;
        if !is_what_was_asked {
            return refuse(RefusalCode::BadVoucher, "the voucher is not what the user asked for");
        }
        let Some(user) = self.store.user(&request.user).await? else {
            return refuse(RefusalCode::UnknownUser, "no user has this number");
        };
        if user.wallet != request.wallet {
            return refuse(RefusalCode::UnknownUser, "the user has another wallet");
        }
        let payload = request.payload(self.ledger.genesis(), self.ledger.clearing());
        if !verify(&user.public_key, &payload, signature) {
            return refuse(
                RefusalCode::BadUserSignature,
                "the user's signature under the request does not verify",
            );
        }
        if user.blocked {
            return refuse(RefusalCode::UserBlocked, "the user is blocked");
        }
        if voucher.amount > user.limit {
            return refuse(
                RefusalCode::AboveUserLimit,
                "the amount is above the user's limit for one transaction",
            );
        }
        Ok(Ok(()))
    }

    /// Co-signs and sets the money aside, together.
    async fn confirm(&self, proposal: &Proposal, epoch: u32) -> Result<Opened, Fault> {
        let voucher = &proposal.voucher;
        let own = Document::new("confirmation", self.member, epoch, &self.co_sign(voucher, epoch))?;
        let mut effects = evidence(proposal)?;
        effects.push(Effect::Keep(own));
        if voucher.kind != TransactionKind::CashDeposit {
            let user = proposal.request.request.user.clone();
            effects.push(Effect::PlaceHold { user });
        }
        let digest = proposal.request.request.digest();
        let opened = self
            .open(voucher, Some(digest), CONFIRMED, "co-signed", &effects)
            .await?;
        if opened != Opened::NotCovered {
            return Ok(opened);
        }
        let detail = "the user's account does not cover the amount";
        self.record_refusal(proposal, RefusalCode::InsufficientFunds, detail, epoch)
            .await
    }

    async fn record_refusal(
        &self,
        proposal: &Proposal,
        code: RefusalCode,
        detail: &str,
        epoch: u32,
    ) -> Result<Opened, Fault> {
        let refusal = self.refuse(&proposal.voucher, code, detail, epoch);
        let mut effects = evidence(proposal)?;
        effects.push(Effect::Keep(Document::new("refusal", self.member, epoch, &refusal)?));
        let digest = proposal.request.request.digest();
        Ok(self
            .open(&proposal.voucher, Some(digest), REFUSED, detail, &effects)
            .await?)
    }

    async fn stored_answer(&self, proposal: &Proposal, epoch: u32) -> Result<Answer<Confirmation>, Fault> {
        let voucher = &proposal.voucher;
        if let Some(refusal) = self.refusal(voucher.id()).await? {
            return Ok(Answer::Refused(refusal));
        }
        let standing = [CONFIRMED, RETAINED, SIGNED, CLEARED];
        let kept = self.keep_co_signature(voucher, epoch, &standing).await?;
        kept.map(Answer::Agreed).ok_or(Fault::Expired {
            expired_at: voucher.expires_at,
        })
    }

    /// A notary asks whether this institution stands by a voucher (S0.7).
    ///
    /// # Errors
    /// The request is wrong, or the voucher was never confirmed here; nothing is stored.
    pub async fn on_attestation_request(
        &self,
        from: Member,
        request: AttestationRequest,
    ) -> Result<Answer<Attestation>, Fault> {
        let voucher = &request.voucher;
        let id = voucher.id();
        let members = Members::read(&*self.ledger, &[from]).await?;
        members.active(from, Roles::NOTARY)?;
        if voucher.parties().contains(&from) {
            return Err(Fault::NotaryIsParty(from));
        }
        let payment = self.store.payment(id).await?.ok_or(Fault::UnknownVoucher(id))?;
        if payment.state.role() != Role::Home {
            return Err(Fault::NotAddressee(self.member));
        }
        if let Some(refusal) = self.refusal(id).await? {
            return Ok(Answer::Refused(refusal));
        }
        if payment.state == CONFIRMED && voucher.expires_at <= self.clock.now() {
            return Err(Fault::Expired {
                expired_at: voucher.expires_at,
            });
        }
        let payload = Attestation::payload(&self.domain(members.epoch), voucher);
        let attestation = Attestation {
            voucher: id,
            epoch: members.epoch,
            signed: self.signed(&payload),
        };
        let paper = Document::new("attestation", self.member, members.epoch, &attestation)?;
        let kept = self.store.keep_document(id, &[CONFIRMED], &paper).await?;
        let answer = match kept {
            Some(paper) => Answer::Agreed(paper.read()?),
            None if payment.state == EXPIRED => {
                return Err(Fault::Expired {
                    expired_at: voucher.expires_at,
                })
            }
            None => return Err(Fault::AlreadyRetained(id)),
        };
        failpoints::reach("home.attestation.signed".into()).await;
        Ok(answer)
    }
}

fn evidence(proposal: &Proposal) -> Result<Vec<Effect>, Fault> {
    let originator = proposal.voucher.originator;
    let confirmation = Confirmation {
        voucher: proposal.voucher.id(),
        epoch: proposal.epoch,
        signed: MemberSignature {
            member: originator,
            signature: proposal.signature,
        },
    };
    Ok(vec![
        Effect::Keep(Document::new("payment-request", originator, 0, &proposal.request)?),
        Effect::Keep(Document::new(
            "confirmation",
            originator,
            proposal.epoch,
            &confirmation,
        )?),
    ])
}

pub(super) async fn step(saga: &Settlement, payment: &PaymentRow, state: HomeState) -> Result<Next, StepError> {
    match state {
        HomeState::Confirmed => see_retained(saga, payment).await,
        HomeState::Retained => discharge::sign(saga, payment, way(saga, payment).await?).await,
        HomeState::DischargeSigned => discharge::submit(saga, payment, way(saga, payment).await?).await,
        HomeState::Cleared | HomeState::Refused | HomeState::Expired => Ok(Next::Wait),
    }
}

/// Waits for the chain to show the retention, or to be past it.
///
/// A crash here is harmless: it only looks. The hold is released in the same transaction as the state.
async fn see_retained(saga: &Settlement, payment: &PaymentRow) -> Result<Next, StepError> {
    if let Some(retention) = saga.retention(payment).await? {
        let detail = format!("retained in block {}", retention.retained_in);
        return Ok(Next::to(RETAINED, detail, saga.retained(&retention)?));
    }
    let consented = saga.has_consented(payment).await?;
    if !saga.has_expired(payment, consented).await? {
        return Ok(Next::Wait);
    }
    Ok(Next::To {
        state: EXPIRED,
        detail: "the voucher expired before it was retained; the hold is released".into(),
        effects: vec![Effect::ReleaseHold],
        unless_kept: (!consented).then_some("consent"),
    })
}

/// The user's account is booked in the same transaction as the last state.
async fn way(saga: &Settlement, payment: &PaymentRow) -> Result<Discharging, StepError> {
    let booking = if payment.voucher.kind == TransactionKind::CashDeposit {
        let papers = saga.store.documents(payment.voucher.id()).await?;
        let request = papers.iter().find(|paper| paper.kind == "payment-request");
        let request: SignedPaymentRequest = request.ok_or(StepError::Missing("payment request"))?.read()?;
        Effect::Credit {
            user: request.request.user,
        }
    } else {
        Effect::Debit
    };
    Ok(Discharging {
        owing: RETAINED,
        signed: SIGNED,
        cleared: CLEARED,
        bookings: vec![booking],
    })
}
