//! Who signed, and whether they might.
use std::{collections::BTreeSet, fmt::Display};

use protocol::{
    decisions::{Approval, Decision},
    registry::{Roles, SignerSet},
    settlement::{retention_id, Relation, RetentionBatch},
    signing::{self, MemberSignature, Purpose},
    AccountId, Member, RelationId, VoucherId,
};

use super::state;
use crate::audit::chain::{
    rebuild::{
        registry::{self, ensure_active, Signed},
        scene::Scene,
    },
    tables::TablesError,
};

/// What the registry said of these members when the event came to be.
pub(super) fn present(scene: &mut Scene<'_>, members: &[Member]) -> Result<SignerSet, TablesError> {
    let (place, told) = (scene.place, scene.told);
    let epoch = registry::epoch_at(place, scene.tables, told.block.number, told.index)?;
    let set = registry::signers(place, scene.tables, epoch, members)?;
    Ok(set.unwrap_or_else(|| SignerSet {
        epoch,
        notary_threshold: 1,
        signers: Vec::new(),
    }))
}

/// A member's account.
pub(super) fn account(scene: &mut Scene<'_>, member: Member) -> Result<Option<AccountId>, TablesError> {
    let set = present(scene, &[member])?;
    Ok(set
        .signers
        .first()
        .and_then(Option::as_ref)
        .map(|signer| signer.account))
}

/// The member might act, and its account sent the transaction, where that is seen.
pub(super) fn ensure_acts(scene: &mut Scene<'_>, member: Member) -> Result<(), TablesError> {
    let set = present(scene, &[member])?;
    let signer = ensure_active(scene, member, &[member], &set, Roles::PARTICIPANT);
    let sent = scene.told.call.map(|call| call.signer);
    let is_it = signer.zip(sent).is_none_or(|(signer, sent)| signer.account == sent);
    scene.ensure(is_it, "other-account", || {
        format!("another account acts as member {}", member.0)
    });
    Ok(())
}

/// Every party signed what it is a party to, enough notaries signed everything, nobody else did.
pub(super) fn ensure_retention(
    scene: &mut Scene<'_>,
    batch: &RetentionBatch,
    signatures: &[MemberSignature],
) -> Result<(), TablesError> {
    let signers = signing::members(signatures);
    let set = present(scene, &signers)?;
    ensure_epoch(scene, batch.epoch, &set);
    ensure_ascending(scene, signatures);
    let parties: BTreeSet<Member> = batch.vouchers.iter().flat_map(|voucher| voucher.parties()).collect();
    for party in &parties {
        scene.ensure(signers.contains(party), "missing-signature", || {
            format!("member {} is a party, and didn't sign", party.0)
        });
    }
    let pairs = pairs(scene, batch)?;
    let mut notaries = 0usize;
    let by_notaries = retention_id(&pairs);
    for signed in signatures {
        let member = signed.member;
        let id = if parties.contains(&member) {
            ensure_active(scene, member, &signers, &set, Roles::PARTICIPANT);
            let both = batch.vouchers.iter().zip(&pairs);
            let theirs: Vec<_> = both
                .filter(|(voucher, _)| voucher.involves(member))
                .map(|(_, pair)| *pair)
                .collect();
            retention_id(&theirs)
        } else {
            notaries = notaries.saturating_add(1);
            ensure_active(scene, member, &signers, &set, Roles::NOTARY);
            by_notaries
        };
        let what = Signed {
            epoch: set.epoch,
            purpose: Purpose::Retention,
            id: &id,
            expires_at: batch.expires_at,
            body: &(),
        };
        what.ensure_by(scene, signed)?;
    }
    ensure_threshold(scene, notaries, &set);
    Ok(())
}

/// What can be said of who signed a retention where the signatures aren't seen.
pub(super) fn ensure_signers(scene: &mut Scene<'_>, signers: &[Member]) -> Result<(), TablesError> {
    let set = present(scene, signers)?;
    let mut notaries = 0usize;
    for member in signers {
        let signer = ensure_active(scene, *member, signers, &set, Roles(0));
        let is_notary = signer.is_some_and(|signer| signer.roles.contains(Roles::NOTARY));
        notaries = notaries.saturating_add(usize::from(is_notary));
    }
    ensure_threshold(scene, notaries, &set);
    Ok(())
}

/// Enough notaries signed a decision as the next one, in time, and nobody else did.
pub(super) fn ensure_approved(
    scene: &mut Scene<'_>,
    next: u32,
    decision: &Decision,
    approval: &Approval,
) -> Result<(), TablesError> {
    let (number, now) = (approval.number, scene.told.block.time);
    scene.ensure(number == next, "stale-approval", || {
        format!("decision {next} was approved as decision {number}")
    });
    ensure_in_time(scene, approval.expires_at, now, "the approval");
    let signers = signing::members(&approval.signatures);
    let set = present(scene, &signers)?;
    ensure_epoch(scene, approval.epoch, &set);
    ensure_ascending(scene, &approval.signatures);
    let id = decision.digest();
    let what = Signed {
        epoch: set.epoch,
        purpose: Purpose::Decision,
        id: &id,
        expires_at: approval.expires_at,
        body: &number,
    };
    for signed in &approval.signatures {
        ensure_active(scene, signed.member, &signers, &set, Roles::NOTARY);
        what.ensure_by(scene, signed)?;
    }
    ensure_threshold(scene, approval.signatures.len(), &set);
    Ok(())
}

/// It was valid strictly before that time.
pub(super) fn ensure_in_time(scene: &mut Scene<'_>, until: u64, now: u64, what: impl Display) {
    scene.ensure(now < until, "expired", || {
        format!("{what} was valid until {until}, used at {now}")
    });
}

/// It was signed in the epoch that it was used in.
pub(super) fn ensure_epoch(scene: &mut Scene<'_>, epoch: u32, set: &SignerSet) {
    let current = set.epoch;
    scene.ensure(epoch == current, "stale-epoch", || {
        format!("signed in epoch {epoch}, used in epoch {current}")
    });
}

fn ensure_ascending(scene: &mut Scene<'_>, signatures: &[MemberSignature]) {
    scene.ensure(signing::ascending(signatures), "signers-not-ascending", || {
        "the signers don't ascend".to_owned()
    });
}

fn ensure_threshold(scene: &mut Scene<'_>, given: usize, set: &SignerSet) {
    let needed = set.notary_threshold;
    scene.ensure(given >= usize::from(needed), "notary-threshold", || {
        format!("{given} notaries signed, it takes {needed}")
    });
}

/// What the members signed of a batch, in its order. One without a relation is found where it is told.
fn pairs(scene: &mut Scene<'_>, batch: &RetentionBatch) -> Result<Vec<(VoucherId, RelationId)>, TablesError> {
    let mut pairs = Vec::with_capacity(batch.vouchers.len());
    for voucher in &batch.vouchers {
        let schedule = state::schedule(scene, voucher.fees)?.unwrap_or_default();
        let relation = Relation::of(voucher, &schedule, batch.drawn_at);
        let none = RelationId([0; 32]);
        pairs.push((voucher.id(), relation.map_or(none, |relation| relation.id())));
    }
    Ok(pairs)
}
