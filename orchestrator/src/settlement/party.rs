//! What originator and home institution alike answer to a notary (S0.9).
use protocol::{
    registry::Roles,
    settlement::Relation,
    signing::{ascending, members as signers_of},
    Member,
};
use serde::{Deserialize, Serialize};

use super::{
    failpoints,
    fault::Fault,
    members::Members,
    messages::{relation_payload, Answer, Attestation, Consent, RelationDraft, RetentionVoucher},
    runner::StepError,
    state::{HomeState, OriginatorState, Role, State},
    Settlement,
};
use crate::store::payments::{Document, PaymentRow};

/// What this institution co-signs, whatever the epoch: the first one counts.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Draft {
    relation: Relation,
    expires_at: u64,
}

const OPEN: [State; 2] = [
    State::Originator(OriginatorState::Confirmed),
    State::Home(HomeState::Confirmed),
];

impl Settlement {
    /// A notary asks for the co-signature of a relation (S0.9). The same relation is answered the same.
    ///
    /// # Errors
    /// The draft is wrong, or this institution isn't that far; nothing is stored.
    pub async fn on_relation_draft(&self, from: Member, draft: RelationDraft) -> Result<Answer<Consent>, Fault> {
        let voucher = &draft.voucher;
        let id = voucher.id();
        if draft.notary.member != from {
            return Err(Fault::NotSender {
                sender: from,
                named: draft.notary.member,
            });
        }
        let members = Members::read(&*self.ledger, &[from]).await?;
        members.active(from, Roles::NOTARY)?;
        let payment = self.store.payment(id).await?.ok_or(Fault::UnknownVoucher(id))?;
        if voucher.parties().contains(&from) {
            return Err(Fault::NotaryIsParty(from));
        }
        members.ensure_epoch(draft.epoch)?;
        let payload = relation_payload(&self.domain(draft.epoch), &draft.relation, draft.expires_at);
        members.ensure_signed(from, &draft.notary, &payload, "relation")?;
        if draft.relation != Relation::of(voucher, draft.relation.drawn_at) || draft.expires_at > voucher.expires_at {
            return Err(Fault::Altered("relation"));
        }
        if let Some(refusal) = self.refusal(id).await? {
            return Ok(Answer::Refused(refusal));
        }
        self.ensure_open(&payment, draft.expires_at)?;
        self.ensure_first(&draft).await?;
        let consent = self.consent(voucher, &draft.relation, draft.epoch, draft.expires_at);
        let paper = Document::new("consent", self.member, draft.epoch, &consent)?;
        let kept = self.store.keep_document(id, &OPEN, &paper).await?;
        let consent = kept.ok_or(Fault::NotNow(id))?.read()?;
        failpoints::reach(format!("{}.consent.signed", payment.state.role())).await;
        Ok(Answer::Agreed(consent))
    }

    fn ensure_open(&self, payment: &PaymentRow, expires_at: u64) -> Result<(), Fault> {
        match payment.state {
            State::Originator(OriginatorState::Expired) | State::Home(HomeState::Expired) => {
                return Err(Fault::Expired {
                    expired_at: payment.voucher.expires_at,
                })
            }
            state if OPEN.contains(&state) => {}
            // After a change of the registry it collects co-signatures again.
            State::Originator(OriginatorState::Audited) => return Err(Fault::NotNow(payment.voucher.id())),
            State::Notary(_) => return Err(Fault::NotAddressee(self.member)),
            _ => return Err(Fault::AlreadyRetained(payment.voucher.id())),
        }
        if expires_at <= self.clock.now() {
            return Err(Fault::Expired { expired_at: expires_at });
        }
        Ok(())
    }

    async fn ensure_first(&self, draft: &RelationDraft) -> Result<(), Fault> {
        let drafted = Draft {
            relation: draft.relation.clone(),
            expires_at: draft.expires_at,
        };
        let id = draft.voucher.id();
        let paper = Document::new("relation-draft", self.member, 0, &drafted)?;
        let kept = self.store.keep_document(id, &OPEN, &paper).await?;
        if kept.ok_or(Fault::NotNow(id))?.read::<Draft>()? == drafted {
            return Ok(());
        }
        Err(Fault::Altered("relation"))
    }

    /// A notary hands over what was retained (S0.9). It is verified against the chain and kept as evidence.
    ///
    /// # Errors
    /// It isn't what the chain holds, or the chain doesn't show it here yet; nothing is stored.
    pub async fn on_retention_voucher(&self, from: Member, retention_voucher: RetentionVoucher) -> Result<(), Fault> {
        let voucher = &retention_voucher.voucher;
        let id = voucher.id();
        let mut asked = voucher.parties();
        if asked.contains(&from) {
            return Err(Fault::NotaryIsParty(from));
        }
        asked.push(from);
        asked.sort_unstable();
        let members = Members::read(&*self.ledger, &asked).await?;
        members.active(from, Roles::NOTARY)?;
        let payment = self.store.payment(id).await?.ok_or(Fault::UnknownVoucher(id))?;
        if payment.state.role() == Role::Notary {
            return Err(Fault::NotAddressee(self.member));
        }
        let retention = match self.retention(&payment).await {
            Ok(retention) => retention.ok_or(Fault::NotRetained(id))?,
            Err(StepError::Ledger(error)) => return Err(error.into()),
            Err(_) => return Err(Fault::Altered("retained relation")),
        };
        if retention.relation != retention_voucher.relation || retention.retained_in != retention_voucher.retained_in {
            return Err(Fault::Altered("retained relation"));
        }
        if !ascending(&retention_voucher.relation_signatures)
            || signers_of(&retention_voucher.relation_signatures) != asked
        {
            return Err(Fault::WrongSigners);
        }
        // Keys of an earlier epoch are gone from the registry; the contract verified the retention while they were there.
        if retention_voucher.epoch == members.epoch {
            self.check_evidence(&members, &retention_voucher)?;
        }
        let paper = Document::new("retention-voucher", from, retention_voucher.epoch, &retention_voucher)?;
        let of_any_state: Vec<State> = State::ALL
            .iter()
            .copied()
            .filter(|state| state.role() == payment.state.role())
            .collect();
        self.store.keep_document(id, &of_any_state, &paper).await?;
        failpoints::reach(format!("{}.retention.received", payment.state.role())).await;
        self.wake(id);
        Ok(())
    }

    fn check_evidence(&self, members: &Members, retention_voucher: &RetentionVoucher) -> Result<(), Fault> {
        let domain = self.domain(retention_voucher.epoch);
        let voucher = &retention_voucher.voucher;
        // The retention's expiry is the voucher's.
        let payload = relation_payload(&domain, &retention_voucher.relation, voucher.expires_at);
        for signed in &retention_voucher.relation_signatures {
            members.ensure_signed(signed.member, signed, &payload, "relation")?;
        }
        let attested: Vec<Member> = retention_voucher
            .attestations
            .iter()
            .map(|word| word.signed.member)
            .collect();
        if attested != voucher.destinations() {
            return Err(Fault::WrongSigners);
        }
        let payload = Attestation::payload(&domain, voucher);
        for attestation in &retention_voucher.attestations {
            if attestation.voucher != voucher.id() || attestation.epoch != retention_voucher.epoch {
                return Err(Fault::Altered("attestation"));
            }
            members.ensure_signed(attestation.signed.member, &attestation.signed, &payload, "attestation")?;
        }
        Ok(())
    }
}
