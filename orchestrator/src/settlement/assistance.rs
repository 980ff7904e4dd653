//! Assisting institutions: a destination asks them before it co-signs, as its policy says, and keeps their signed answers
//! (S0.4, S0.5). Whoever is asked answers by its own policy.
use futures::future::join_all;
use protocol::{registry::Roles, signing::MemberSignature, Member};

use super::{
    fault::Fault,
    members::Members,
    messages::{voucher_payload, Answer, Assistance, AssistanceRequest, Proposal, RefusalCode, SignedPaymentRequest},
    ports::PeerError,
    runner::rejection,
    Settlement, Verdict,
};
use crate::store::payments::Document;

/// The paper that an assisting institution signed.
const KIND: &str = "assistance";

/// What assisting institutions came to: their papers, and what this institution makes of them.
pub(super) struct Assisted {
    pub(super) papers: Vec<Document>,
    pub(super) verdict: Verdict,
}

impl Settlement {
    /// Asks everybody whom the policy says to ask, at once. As long as one doesn't answer, nothing is decided.
    ///
    /// # Errors
    /// [`Fault::NotNow`]: the originator asks again.
    pub(super) async fn be_assisted(&self, proposal: &Proposal) -> Result<Assisted, Fault> {
        let (voucher, request) = (&proposal.voucher, &proposal.request.request);
        let assistants = self.policy.assistants_for(self.member, voucher, request);
        let mut assisted = Assisted {
            papers: vec![],
            verdict: Ok(()),
        };
        if assistants.is_empty() {
            return Ok(assisted);
        }
        let members = Members::read(&*self.ledger, &assistants).await?;
        let sent = AssistanceRequest {
            proposal: proposal.clone(),
        };
        let answers = assistants.iter().map(|assistant| self.peers.assist(*assistant, &sent));
        for (assistant, answer) in assistants.iter().zip(join_all(answers).await) {
            let refused = self.take_answer(&members, *assistant, proposal, answer, &mut assisted.papers)?;
            if let (Ok(()), Some(detail)) = (&assisted.verdict, refused) {
                assisted.verdict = Err((RefusalCode::AssistantRefused, detail));
            }
        }
        Ok(assisted)
    }

    /// Keeps an answer if it is what the assistant signed. Returns why it refuses, if it does.
    fn take_answer(
        &self,
        members: &Members,
        assistant: Member,
        proposal: &Proposal,
        answer: Result<Answer<Assistance>, PeerError>,
        papers: &mut Vec<Document>,
    ) -> Result<Option<String>, Fault> {
        let voucher = &proposal.voucher;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(voucher = %voucher.id(), %assistant, %error, "no assistance");
                // Asking the same again changes nothing: who has to be asked and won't answer doesn't agree.
                return rejection(&error).map(Some).ok_or(Fault::NotNow(voucher.id()));
            }
        };
        let (epoch, refused) = match &answer {
            Answer::Agreed(given) => {
                if given.voucher != voucher.id() || given.asked_by != self.member {
                    return Err(Fault::NotNow(voucher.id()));
                }
                let payload = Assistance::payload(&self.domain(given.epoch), voucher, self.member);
                let checked = members
                    .active(assistant, Roles::PARTICIPANT)
                    .and_then(|_| members.ensure_signed(assistant, &given.signed, &payload, "assistance"));
                if let Err(fault) = checked {
                    tracing::warn!(voucher = %voucher.id(), %assistant, %fault, "its assistance can't be used");
                    return Err(Fault::NotNow(voucher.id()));
                }
                (given.epoch, None)
            }
            Answer::Refused(refusal) => {
                if let Err(fault) = self.check_refusal(members, voucher, &[assistant], refusal) {
                    tracing::warn!(voucher = %voucher.id(), %assistant, %fault, "its refusal can't be used");
                    return Err(Fault::NotNow(voucher.id()));
                }
                let detail = format!("member {assistant}, who was asked before, refuses: {}", refusal.detail);
                (refusal.epoch, Some(detail))
            }
        };
        papers.push(Document::new(KIND, assistant, epoch, &answer)?);
        Ok(refused)
    }

    /// A destination asks whether this institution has anything against a payment (S0.4). The same question is answered
    /// the same.
    ///
    /// # Errors
    /// The request is wrong; nothing is stored.
    pub async fn on_assistance_request(
        &self,
        from: Member,
        request: AssistanceRequest,
    ) -> Result<Answer<Assistance>, Fault> {
        let proposal = &request.proposal;
        let voucher = &proposal.voucher;
        let id = voucher.id();
        let members = self.check_assistance_request(from, proposal).await?;
        if let Some(answer) = self.store.assistance(id, from).await? {
            return Ok(answer);
        }
        let now = self.clock.now();
        if voucher.expires_at <= now {
            return Err(Fault::Expired {
                expired_at: voucher.expires_at,
            });
        }
        let epoch = members.epoch;
        let refuse = |code, detail: &str| Answer::Refused(self.refuse(voucher, code, detail, epoch));
        let payload = Assistance::payload(&self.domain(epoch), voucher, from);
        let agreed = Answer::Agreed(Assistance {
            voucher: id,
            asked_by: from,
            epoch,
            signed: self.signed(&payload),
        });
        let SignedPaymentRequest { request: wish, .. } = &proposal.request;
        let (answer, limits) = match self.policy.judge(self.member, voucher, wish, now) {
            Ok(()) => (agreed, self.policy.day_limits(self.member, voucher, wish)),
            Err((code, detail)) => (refuse(code, &detail), vec![]),
        };
        let key = (id, from);
        if !self
            .store
            .keep_assistance(key, &answer, voucher.amount, &limits, now)
            .await?
        {
            let answer: Answer<Assistance> = refuse(RefusalCode::AbovePolicyLimit, ABOVE_TODAY);
            self.store
                .keep_assistance(key, &answer, voucher.amount, &[], now)
                .await?;
        }
        // The first answer counts: another one may have been faster.
        let kept = self.store.assistance(id, from).await?;
        kept.ok_or(Fault::NotNow(id))
    }

    async fn check_assistance_request(&self, from: Member, proposal: &Proposal) -> Result<Members, Fault> {
        let voucher = &proposal.voucher;
        voucher.check().map_err(Fault::BadVoucher)?;
        if voucher.involves(self.member) || !voucher.destinations().contains(&from) {
            return Err(Fault::NotAddressee(self.member));
        }
        if !proposal.request.request.is_asked_by(voucher) {
            return Err(Fault::Altered("payment request"));
        }
        let members = Members::read(&*self.ledger, &self.involved(voucher)).await?;
        members.active(self.member, Roles::PARTICIPANT)?;
        for party in voucher.parties() {
            members.active(party, Roles::PARTICIPANT)?;
        }
        members.ensure_epoch(proposal.epoch)?;
        let signed = MemberSignature {
            member: voucher.originator,
            signature: proposal.signature,
        };
        let payload = voucher_payload(&self.domain(proposal.epoch), voucher);
        members.ensure_signed(voucher.originator, &signed, &payload, "voucher")?;
        Ok(members)
    }
}

/// What is recorded where a limit for a day is reached.
pub(crate) const ABOVE_TODAY: &str =
    "with what was co-signed today, the amount is above what this institution co-signs in a day";
