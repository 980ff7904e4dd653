//! What every party alike, originator and destinations, answers to a notary (S0.9).
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
    state::{DestinationState, HomeState, OriginatorState, Role, State},
    Settlement,
};
use crate::store::payments::{Document, PaymentRow};

/// What this institution co-signs for a notary, whatever the epoch: the first one counts.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Draft {
    pub(crate) relation: Relation,
    pub(crate) expires_at: u64,
}

/// The most notaries whose signatures are looked at: the registry answers for that many and the parties at once.
const MAX_NOTARIES: usize = 32;

const OPEN: [State; 3] = [
    State::Originator(OriginatorState::Confirmed),
    State::Home(HomeState::Confirmed),
    State::Destination(DestinationState::Confirmed),
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
        let follows = self.relation_of(voucher, draft.relation.drawn_at).await?;
        if follows.as_ref() != Some(&draft.relation) || draft.expires_at > voucher.expires_at {
            return Err(Fault::Altered("relation"));
        }
        if let Some(refusal) = self.refusal(id).await? {
            return Ok(Answer::Refused(refusal));
        }
        self.ensure_open(&payment, draft.expires_at)?;
        self.ensure_first_of(from, &draft).await?;
        let consent = self.keep_consent(&draft).await?;
        failpoints::reach(format!("{}.consent.signed", payment.state.role())).await;
        Ok(Answer::Agreed(consent))
    }

    fn ensure_open(&self, payment: &PaymentRow, expires_at: u64) -> Result<(), Fault> {
        match payment.state {
            State::Originator(OriginatorState::Expired)
            | State::Home(HomeState::Expired)
            | State::Destination(DestinationState::Expired) => {
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

    /// A notary gets one relation of a voucher signed, the first one it sends. Two notaries may lead for the same voucher,
    /// when the originator took the first one for dead, and each may get its own signed. That is harmless: both follow
    /// from the voucher, so that they hold the same obligations and differ in the time of drawing up only, and the
    /// contract retains a voucher once, so that whichever comes first is the only one that is ever owed.
    async fn ensure_first_of(&self, notary: Member, draft: &RelationDraft) -> Result<(), Fault> {
        let drafted = Draft {
            relation: draft.relation.clone(),
            expires_at: draft.expires_at,
        };
        let id = draft.voucher.id();
        let paper = Document::new("relation-draft", notary, 0, &drafted)?;
        let kept = self.store.keep_document(id, &OPEN, &paper).await?;
        if kept.ok_or(Fault::NotNow(id))?.read::<Draft>()? == drafted {
            return Ok(());
        }
        Err(Fault::Altered("relation"))
    }

    /// The signatures under this relation in this epoch that were made first, kept before they are sent.
    async fn keep_consent(&self, draft: &RelationDraft) -> Result<Consent, Fault> {
        let id = draft.voucher.id();
        let consent = self.consent(&draft.voucher, &draft.relation, draft.epoch, draft.expires_at);
        let keep = async |kind: &str| -> Result<Consent, Fault> {
            let paper = Document::new(kind, self.member, draft.epoch, &consent)?;
            let kept = self.store.keep_document(id, &OPEN, &paper).await?;
            Ok(kept.ok_or(Fault::NotNow(id))?.read()?)
        };
        let first = keep("consent").await?;
        if first.relation == consent.relation {
            return Ok(first);
        }
        // Of another notary that leads too: a paper of its own, beside the first.
        keep(&format!("consent/{}", consent.relation)).await
    }

    /// A notary hands over what was retained (S0.9). It is verified against the chain and kept as evidence.
    ///
    /// # Errors
    /// It isn't what the chain holds, or the chain doesn't show it here yet; nothing is stored.
    pub async fn on_retention_voucher(&self, from: Member, retention_voucher: RetentionVoucher) -> Result<(), Fault> {
        let voucher = &retention_voucher.voucher;
        let id = voucher.id();
        let parties = voucher.parties();
        if parties.contains(&from) {
            return Err(Fault::NotaryIsParty(from));
        }
        let signers = signers_of(&retention_voucher.relation_signatures);
        let notaries: Vec<Member> = signers
            .iter()
            .copied()
            .filter(|signer| !parties.contains(signer))
            .collect();
        let mut asked = parties.clone();
        asked.push(from);
        asked.extend(notaries.iter().take(MAX_NOTARIES));
        asked.sort_unstable();
        asked.dedup();
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
        let is_complete = signers == asked && notaries.contains(&from);
        if !ascending(&retention_voucher.relation_signatures) || !is_complete {
            return Err(Fault::WrongSigners);
        }
        // Keys of an earlier epoch are gone from the registry; the contract verified the retention while they were there.
        if retention_voucher.epoch == members.epoch {
            if notaries.len() < usize::from(members.notary_threshold) {
                return Err(Fault::WrongSigners);
            }
            for notary in &notaries {
                members.active(*notary, Roles::NOTARY)?;
            }
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
