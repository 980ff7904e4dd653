//! Retentions in batches, and clearing vouchers in batches: what is ready while an earlier call is on its way goes to
//! the chain in one call ([`Together`]).
//!
//! Everybody signed each retention by itself before ([`Consent`](super::messages::Consent)). For a batch each signs once
//! more, over all that it signed for in it, because the contract verifies one signature for each member however many
//! vouchers there are. That binds nobody to anything new: whoever has the batch's signatures could have had the same
//! vouchers retained one by one, for as long. So a batch has no state of its own, a crash at any point of it is harmless,
//! and whatever stands in the way of the others goes by itself.
//!
//! All relations of a batch have the same time of drawing up. That is why a notary draws up to whole seconds.
use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use protocol::{
    clearing::Error as Refused,
    ids::content_id,
    registry::{Roles, MAX_QUERY},
    settlement::{RetentionBatch, SignedClearingVoucher, Voucher, MAX_BATCH, MAX_REFUNDS},
    signing::MemberSignature,
    ClearingVoucherId, Member, RelationId, Timestamp, VoucherId,
};

use super::{
    fault::Fault,
    members::Members,
    messages::{BatchDraft, BatchItem},
    ports::{Block, LedgerError},
    Settlement,
};
use crate::together::Together;

/// How long a signature under a batch is waited for. Who takes longer has what it is a party to retained one by one.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a batch came to for one of its items; `None`: it has to go by itself.
pub(super) type Outcome = Option<Result<Block, LedgerError>>;

/// Retentions that wait for a call.
pub(super) type Retentions = Together<Common, Ready, Outcome>;

/// Clearing vouchers that wait for a call, by the epoch that they were signed in.
pub(super) type Discharges = Together<u32, SignedClearingVoucher, Outcome>;

/// What the retentions of a batch have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Common {
    /// The registry's epoch that everybody signed in.
    pub(super) epoch: u32,
    /// When the relations were drawn up.
    pub(super) drawn_at: Timestamp,
    /// The notaries that signed.
    pub(super) notaries: Vec<Member>,
}

/// A voucher that everybody signed the retention of.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    pub(super) voucher: Voucher,
    pub(super) relation: RelationId,
    /// What a refund gives back.
    pub(super) refunded: Vec<Voucher>,
}

/// Why not all of a batch went together.
enum Apart {
    /// What these members are a party to stands in the way of the rest.
    Members(Vec<Member>),
    /// This one does.
    Voucher(VoucherId),
    /// Nobody can tell which.
    All,
    /// Nothing is known to have happened: all of it is tried again.
    Later(LedgerError),
}

impl From<LedgerError> for Apart {
    fn from(error: LedgerError) -> Self {
        let why = match error {
            LedgerError::Unavailable(_) => return Apart::Later(error),
            LedgerError::Rejected(_) => return Apart::All,
            LedgerError::Refused(why) => why,
        };
        match why {
            Refused::UnknownMember(member)
            | Refused::NotActive(member)
            | Refused::MissingRole(member)
            | Refused::BadSignature(member)
            | Refused::InsufficientBalance { member, .. }
            | Refused::CapExceeded { member, .. } => Apart::Members(vec![member]),
            Refused::BadVoucher(id, _)
            | Refused::VoucherUsed(id)
            | Refused::VoucherExpired(id)
            | Refused::RefundMismatch(id)
            | Refused::UnknownVoucher(id)
            | Refused::WrongRelation(id)
            | Refused::SettledNet(id)
            | Refused::AlreadyCleared(id, _)
            | Refused::DischargeMismatch(id)
            | Refused::ClearingVoucherExpired(id) => Apart::Voucher(id),
            _ => Apart::All,
        }
    }
}

/// Has retentions carried out together, as far as they can be.
pub(super) async fn retain(saga: &Settlement, common: &Common, ready: Vec<Ready>) -> Vec<Outcome> {
    narrow(ready, |ready| &ready.voucher, |ready| retain_all(saga, common, ready)).await
}

/// Has clearing vouchers carried out together, as far as they can be. Their signatures are good in any company.
pub(super) async fn clear(saga: &Settlement, signed: Vec<SignedClearingVoucher>) -> Vec<Outcome> {
    let clear_all = |signed: Vec<SignedClearingVoucher>| async move {
        let ids: Vec<ClearingVoucherId> = signed.iter().map(|signed| signed.clearing_voucher.id()).collect();
        let key = protocol::text::to_hex(&content_id(b"quittance/clearing-batch", &ids));
        Ok::<_, Apart>(saga.ledger.clear(&format!("clear/{key}"), &signed).await?)
    };
    narrow(signed, |signed| &signed.voucher, clear_all).await
}

/// Tries all of them, then without those that stood in the way, until the rest went together. One that is alone is left
/// to go by itself.
async fn narrow<T, F, C>(items: Vec<T>, voucher: impl Fn(&T) -> &Voucher, attempt: F) -> Vec<Outcome>
where
    T: Clone,
    F: Fn(Vec<T>) -> C,
    C: std::future::Future<Output = Result<Block, Apart>>,
{
    let mut outcomes: Vec<Outcome> = items.iter().map(|_| None).collect();
    let mut left: Vec<(T, &mut Outcome)> = items.into_iter().zip(&mut outcomes).collect();
    while left.len() > 1 {
        let before = left.len();
        let outcome = match attempt(left.iter().map(|(item, _)| item.clone()).collect()).await {
            Ok(block) => Ok(block),
            Err(Apart::Later(error)) => Err(error),
            Err(Apart::All) => break,
            Err(Apart::Voucher(id)) => {
                left.retain(|(item, _)| voucher(item).id() != id);
                if left.len() == before {
                    break;
                }
                continue;
            }
            Err(Apart::Members(members)) => {
                left.retain(|(item, _)| !members.iter().any(|member| voucher(item).involves(*member)));
                if left.len() == before {
                    break;
                }
                continue;
            }
        };
        for (_, place) in left {
            *place = Some(outcome.clone());
        }
        break;
    }
    outcomes
}

/// Collects everybody's signatures under a batch and submits it.
///
/// A crash here is harmless: nobody is bound to more than before, what was submitted is taken up by the submitter, and
/// each payment looks at the chain before anything else.
async fn retain_all(saga: &Settlement, common: &Common, ready: Vec<Ready>) -> Result<Block, Apart> {
    let mut signers: BTreeSet<Member> = common.notaries.iter().copied().collect();
    signers.extend(ready.iter().flat_map(|ready| ready.voucher.parties()));
    let signers: Vec<Member> = signers.into_iter().collect();
    let refunded: Vec<Voucher> = ready.iter().flat_map(|ready| ready.refunded.iter().cloned()).collect();
    // More than one call takes: the last one goes by itself.
    if signers.len() > MAX_QUERY || refunded.len() > MAX_REFUNDS {
        return Err(ready
            .last()
            .map_or(Apart::All, |last| Apart::Voucher(last.voucher.id())));
    }
    let members = Members::read(&*saga.ledger, &signers).await?;
    if members.epoch != common.epoch {
        return Err(Apart::All);
    }
    let expiries = ready.iter().map(|ready| ready.voucher.expires_at);
    let expires_at = expiries.min().unwrap_or_default();
    let (members, ready) = (&members, &ready);
    let answers = signers.iter().map(|signer| async move {
        let draft = draft_for(*signer, common, ready, expires_at);
        let signed = signature(saga, members, *signer, &draft).await;
        signed.inspect_err(|why| tracing::warn!(member = %signer, %why, "doesn't sign for a batch"))
    });
    let mut signatures: Vec<MemberSignature> = Vec::with_capacity(signers.len());
    let mut silent = Vec::new();
    for (signer, answer) in signers.iter().zip(join_all(answers).await) {
        match answer {
            Ok(signed) => signatures.push(signed),
            Err(_) => silent.push(*signer),
        }
    }
    if !silent.is_empty() {
        return Err(Apart::Members(silent));
    }
    let all = draft_for(saga.member, common, ready, expires_at);
    let batch = RetentionBatch {
        epoch: common.epoch,
        drawn_at: common.drawn_at,
        expires_at,
        vouchers: ready.iter().map(|ready| ready.voucher.clone()).collect(),
        refunded,
    };
    let key = format!("retain/{}", protocol::text::to_hex(&all.id()));
    tracing::info!(vouchers = batch.vouchers.len(), key, "retaining a batch");
    Ok(saga.ledger.retain(&key, &batch, &signatures).await?)
}

/// What a member signs for in a batch: a notary for all of it, a party for what it is a party to.
fn draft_for(member: Member, common: &Common, ready: &[Ready], expires_at: Timestamp) -> BatchDraft {
    let signs_all = common.notaries.contains(&member);
    let theirs = ready.iter().filter(|ready| signs_all || ready.voucher.involves(member));
    let item = |ready: &Ready| BatchItem {
        voucher: ready.voucher.id(),
        relation: ready.relation,
    };
    BatchDraft {
        items: theirs.map(item).collect(),
        epoch: common.epoch,
        expires_at,
    }
}

async fn signature(
    saga: &Settlement,
    members: &Members,
    signer: Member,
    draft: &BatchDraft,
) -> Result<MemberSignature, String> {
    let payload = draft.payload(&saga.domain(draft.epoch));
    if signer == saga.member {
        return Ok(saga.signed(&payload));
    }
    let answer = tokio::time::timeout(PATIENCE, saga.peers.sign_batch(signer, draft)).await;
    let signed = answer
        .map_err(|_| "no answer in time".to_owned())?
        .map_err(|error| error.to_string())?;
    let checked = members.ensure_signed(signer, &signed, &payload, "batch");
    checked.map(|()| signed).map_err(|fault| fault.to_string())
}

impl Settlement {
    /// A notary asks for one signature for several retentions that this institution signed for before (S0.9). The same
    /// batch is answered the same.
    ///
    /// # Errors
    /// It holds what this institution did not sign for in this epoch, or for that long; nothing is stored.
    pub async fn on_batch_draft(&self, from: Member, draft: BatchDraft) -> Result<MemberSignature, Fault> {
        if draft.items.is_empty() || draft.items.len() > MAX_BATCH {
            return Err(Fault::BatchSize { most: MAX_BATCH });
        }
        let members = Members::read(&*self.ledger, &[from]).await?;
        members.active(from, Roles::NOTARY)?;
        members.ensure_epoch(draft.epoch)?;
        for BatchItem { voucher: id, relation } in draft.items.iter().copied() {
            let payment = self.store.payment(id).await?.ok_or(Fault::UnknownVoucher(id))?;
            let who = (self.member, from);
            let signed = self.store.has_signed_retention(id, relation, draft.epoch, who).await?;
            if !signed || draft.expires_at > payment.voucher.expires_at {
                return Err(Fault::Altered("batch"));
            }
        }
        let signed = self.signed(&draft.payload(&self.domain(draft.epoch)));
        let kept = self
            .store
            .keep_batch_signature(draft.id(), draft.epoch, draft.expires_at, &signed);
        Ok(kept.await?)
    }
}
