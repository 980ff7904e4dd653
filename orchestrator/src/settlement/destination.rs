//! What every destination does, home institution or other: judges a voucher, co-signs or refuses, stands by its word to
//! notaries (S0.4, S0.5, S0.7). And the payment of one that is not the home institution: its user may be the one who is
//! paid by a credit transfer.
use protocol::{
    registry::Roles,
    settlement::{TransactionKind, Voucher},
    signing::MemberSignature,
    Member, VoucherId,
};

use super::{
    assistance::Assisted,
    discharge::remember_window,
    failpoints,
    fault::Fault,
    members::Members,
    messages::{
        voucher_payload, Answer, Attestation, AttestationRequest, Confirmation, PaymentRequest, Proposal, RefusalCode,
        SignedPaymentRequest,
    },
    runner::{cleared_in, Next, StepError},
    state::{DestinationState, HomeState, Role, State},
    Settlement, Verdict,
};
use crate::store::{
    payments::{Document, Effect, Opened, PaymentRow},
    StoreError,
};

/// The states of a destination that its answers depend on.
struct Places {
    confirmed: State,
    refused: State,
    expired: State,
    /// Where its co-signature stands.
    standing: &'static [State],
}

const HOME: Places = Places {
    confirmed: State::Home(HomeState::Confirmed),
    refused: State::Home(HomeState::Refused),
    expired: State::Home(HomeState::Expired),
    standing: &[
        State::Home(HomeState::Confirmed),
        State::Home(HomeState::Retained),
        State::Home(HomeState::DischargeSigned),
        State::Home(HomeState::Cleared),
    ],
};
const OTHER: Places = Places {
    confirmed: State::Destination(DestinationState::Confirmed),
    refused: State::Destination(DestinationState::Refused),
    expired: State::Destination(DestinationState::Expired),
    standing: &[
        State::Destination(DestinationState::Confirmed),
        State::Destination(DestinationState::Retained),
        State::Destination(DestinationState::Cleared),
    ],
};

const RETAINED: State = State::Destination(DestinationState::Retained);
const CLEARED: State = State::Destination(DestinationState::Cleared);

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
            let assisted = match self.judge(&proposal).await? {
                Ok(()) => self.be_assisted(&proposal).await?,
                verdict => Assisted {
                    papers: vec![],
                    verdict,
                },
            };
            let opened = self.answer(&proposal, assisted, members.epoch).await?;
            if let Opened::Existing(other) = opened {
                if other != id {
                    return Err(Fault::RequestUsed(other));
                }
            }
        }
        let answer = self.stored_answer(&proposal, members.epoch).await?;
        failpoints::reach(format!("{}.proposal.signed", self.part_in(voucher))).await;
        Ok(answer)
    }

    /// What a destination is in a voucher that involves it.
    fn part_in(&self, voucher: &Voucher) -> Role {
        if voucher.home == self.member {
            Role::Home
        } else {
            Role::Destination
        }
    }

    fn places_in(&self, voucher: &Voucher) -> Places {
        if voucher.home == self.member {
            HOME
        } else {
            OTHER
        }
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
        if !voucher.destinations().contains(&self.member) {
            return Err(Fault::NotAddressee(self.member));
        }
        // Another originator's request isn't the sender's to use up.
        let request = &proposal.request.request;
        if request.originator != from || request.home != voucher.home {
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
    async fn judge(&self, proposal: &Proposal) -> Result<Verdict, Fault> {
        let (request, voucher) = (&proposal.request.request, &proposal.voucher);
        let refuse = |code, detail: &str| Ok(Err((code, detail.to_owned())));
        if !request.is_asked_by(voucher) || !request.names_beneficiary_rightly() {
            return refuse(RefusalCode::BadVoucher, "the voucher is not what the user asked for");
        }
        if voucher.fees != self.ledger.current().await?.fees {
            return refuse(
                RefusalCode::BadVoucher,
                "the voucher names another fee schedule than the latest one",
            );
        }
        let verdict = self.policy.judge(self.member, voucher, request, self.clock.now());
        if verdict.is_err() {
            return Ok(verdict);
        }
        Ok(self.judge_users(voucher, &proposal.request).await?)
    }

    /// Whether this institution's users may pay and be paid, as far as the payment concerns them.
    pub(super) async fn judge_users(
        &self,
        voucher: &Voucher,
        signed: &SignedPaymentRequest,
    ) -> Result<Verdict, StoreError> {
        if voucher.home == self.member {
            let verdict = self.judge_own_user(voucher, signed).await?;
            if verdict.is_err() {
                return Ok(verdict);
            }
        }
        match &signed.request.beneficiary {
            Some(number) if voucher.kind == TransactionKind::CreditTransfer(self.member) => {
                self.judge_beneficiary(number).await
            }
            _ => Ok(Ok(())),
        }
    }

    async fn judge_beneficiary(&self, number: &str) -> Result<Verdict, StoreError> {
        let refuse = |code, detail: &str| Ok(Err((code, detail.to_owned())));
        match self.store.user(number).await? {
            None => refuse(
                RefusalCode::UnknownBeneficiary,
                "no user here has the beneficiary's number",
            ),
            Some(user) if user.blocked => refuse(RefusalCode::BeneficiaryBlocked, "the beneficiary is blocked"),
            Some(_) => Ok(Ok(())),
        }
    }

    /// What is set aside for a payment while it is under way, if it takes money from a user of this institution.
    pub(super) fn hold(&self, voucher: &Voucher, request: &PaymentRequest) -> Option<Effect> {
        let owed = voucher.principal();
        (voucher.home == self.member && owed.debtor == self.member).then(|| Effect::PlaceHold {
            user: request.user.clone(),
        })
    }

    /// What is booked on the accounts of this institution's users once every debtor has paid: at most one entry, because
    /// nobody pays itself.
    pub(super) async fn bookings(&self, voucher: &Voucher) -> Result<Vec<Effect>, StepError> {
        let request = self.stored_request(voucher.id()).await?.request;
        let owed = voucher.principal();
        if voucher.home == self.member {
            return Ok(vec![if owed.debtor == self.member {
                Effect::Debit
            } else {
                Effect::Credit { user: request.user }
            }]);
        }
        if voucher.kind != TransactionKind::CreditTransfer(self.member) {
            return Ok(vec![]);
        }
        let user = request.beneficiary.ok_or(StepError::Missing("beneficiary"))?;
        Ok(vec![Effect::Credit { user }])
    }

    pub(super) async fn stored_request(&self, id: VoucherId) -> Result<SignedPaymentRequest, StepError> {
        let papers = self.store.documents(id).await?;
        let paper = papers.iter().find(|paper| paper.kind == "payment-request");
        Ok(paper.ok_or(StepError::Missing("payment request"))?.read()?)
    }

    async fn answer(&self, proposal: &Proposal, assisted: Assisted, epoch: u32) -> Result<Opened, Fault> {
        let mut papers = evidence(proposal)?;
        papers.extend(assisted.papers);
        match assisted.verdict {
            Ok(()) => self.confirm(proposal, papers, epoch).await,
            Err((code, detail)) => self.record_refusal(proposal, papers, code, &detail, epoch).await,
        }
    }

    /// Co-signs, sets the money aside and counts the payment for the day, together.
    async fn confirm(&self, proposal: &Proposal, papers: Vec<Document>, epoch: u32) -> Result<Opened, Fault> {
        let voucher = &proposal.voucher;
        let request = &proposal.request.request;
        let own = Document::new("confirmation", self.member, epoch, &self.co_sign(voucher, epoch))?;
        let mut effects: Vec<Effect> = papers.iter().cloned().map(Effect::Keep).collect();
        effects.push(Effect::Keep(own));
        effects.extend(self.hold(voucher, request));
        let limits = self.policy.day_limits(self.member, voucher, request);
        effects.extend(limits.into_iter().map(Effect::CountToday));
        let confirmed = self.places_in(voucher).confirmed;
        let opened = self
            .open(voucher, Some(request.digest()), confirmed, "co-signed", &effects)
            .await?;
        match opened.shortfall() {
            None => Ok(opened),
            Some((code, detail)) => self.record_refusal(proposal, papers, code, detail, epoch).await,
        }
    }

    async fn record_refusal(
        &self,
        proposal: &Proposal,
        papers: Vec<Document>,
        code: RefusalCode,
        detail: &str,
        epoch: u32,
    ) -> Result<Opened, Fault> {
        let voucher = &proposal.voucher;
        let refusal = self.refuse(voucher, code, detail, epoch);
        let mut effects: Vec<Effect> = papers.into_iter().map(Effect::Keep).collect();
        effects.push(Effect::Keep(Document::new("refusal", self.member, epoch, &refusal)?));
        let digest = proposal.request.request.digest();
        let refused = self.places_in(voucher).refused;
        Ok(self.open(voucher, Some(digest), refused, detail, &effects).await?)
    }

    async fn stored_answer(&self, proposal: &Proposal, epoch: u32) -> Result<Answer<Confirmation>, Fault> {
        let voucher = &proposal.voucher;
        if let Some(refusal) = self.refusal(voucher.id()).await? {
            return Ok(Answer::Refused(refusal));
        }
        let standing = self.places_in(voucher).standing;
        let kept = self.keep_co_signature(voucher, epoch, standing).await?;
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
        let places = self.places_in(voucher);
        if payment.state.role() != places.confirmed.role() {
            return Err(Fault::NotAddressee(self.member));
        }
        if let Some(refusal) = self.refusal(id).await? {
            return Ok(Answer::Refused(refusal));
        }
        if payment.state == places.confirmed && voucher.expires_at <= self.clock.now() {
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
        let kept = self.store.keep_document(id, &[places.confirmed], &paper).await?;
        let answer = match kept {
            Some(paper) => Answer::Agreed(paper.read()?),
            None if payment.state == places.expired => {
                return Err(Fault::Expired {
                    expired_at: voucher.expires_at,
                })
            }
            None => return Err(Fault::AlreadyRetained(id)),
        };
        failpoints::reach(format!("{}.attestation.signed", self.part_in(voucher))).await;
        Ok(answer)
    }
}

fn evidence(proposal: &Proposal) -> Result<Vec<Document>, Fault> {
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
        Document::new("payment-request", originator, 0, &proposal.request)?,
        Document::new("confirmation", originator, proposal.epoch, &confirmation)?,
    ])
}

pub(super) async fn step(saga: &Settlement, payment: &PaymentRow, state: DestinationState) -> Result<Next, StepError> {
    match state {
        DestinationState::Confirmed => see_retained(saga, payment, RETAINED, OTHER.expired).await,
        DestinationState::Retained => see_cleared(saga, payment).await,
        DestinationState::Cleared | DestinationState::Refused | DestinationState::Expired => Ok(Next::Wait),
    }
}

/// Waits for the chain to show the retention, or to be past it.
///
/// A crash here is harmless: it only looks. What is on hold is released in the same transaction as the state.
pub(super) async fn see_retained(
    saga: &Settlement,
    payment: &PaymentRow,
    retained: State,
    expired: State,
) -> Result<Next, StepError> {
    if let Some(retention) = saga.retention(payment).await? {
        let detail = format!("retained in block {}", retention.retained_in);
        return Ok(Next::to(retained, detail, saga.retained(&retention)?));
    }
    let consented = saga.has_consented(payment).await?;
    if !saga.has_expired(payment, consented).await? {
        return Ok(Next::Wait);
    }
    Ok(Next::To {
        state: expired,
        detail: "the voucher expired before it was retained; what was on hold is released".into(),
        effects: vec![Effect::ReleaseHold],
        unless_kept: (!consented).then_some("consent"),
    })
}

/// Waits for the debtors, of whom this institution is none: the home institution and the originator owe.
///
/// A crash here is harmless: it only looks, and the beneficiary is credited in the same transaction as the state.
async fn see_cleared(saga: &Settlement, payment: &PaymentRow) -> Result<Next, StepError> {
    let retention = saga.retention(payment).await?;
    if let Some(retention) = &retention {
        remember_window(saga, payment.voucher.id(), retention);
    }
    let Some(block) = retention.as_ref().and_then(cleared_in) else {
        return Ok(Next::Wait);
    };
    let mut effects = saga.bookings(&payment.voucher).await?;
    effects.push(Effect::Cleared { block });
    Ok(Next::to(
        CLEARED,
        format!("every debtor paid by block {block}"),
        effects,
    ))
}
