//! Who signed, and whether they might.
use std::collections::BTreeSet;

use protocol::{
    decisions::{Approval, Decision},
    registry::{Roles, SignerSet},
    settlement::{retention_id, Relation, RetentionBatch},
    signing::{self, MemberSignature, Purpose},
    Member, RelationId, VoucherId,
};

use super::state;
use crate::audit::chain::{
    rebuild::{
        registry::{ensure_active, ensure_epoch, present, Signed},
        scene::Scene,
    },
    tables::TablesError,
};

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
    let number = approval.number;
    scene.ensure(number == next, "stale-number", || {
        format!("decision {next} was approved as decision {number}")
    });
    scene.in_time(approval.expires_at, "the approval");
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

fn ensure_ascending(scene: &mut Scene<'_>, signatures: &[MemberSignature]) {
    scene.ensure(signing::ascending(signatures), "signers-not-ascending", || {
        "the signers don't ascend".to_owned()
    });
}

fn ensure_threshold(scene: &mut Scene<'_>, given: usize, set: &SignerSet) {
    let needed = set.notary_threshold;
    scene.ensure(given >= usize::from(needed), "below-threshold", || {
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
