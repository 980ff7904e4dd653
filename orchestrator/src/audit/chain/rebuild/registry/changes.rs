//! What a governed change does to the registry.
use protocol::{
    registry::{Change, Institution, Roles, Status},
    AccountId, InstitutionId, Member,
};

use super::{ensure_governors, epochs, Changed, Head, BY_ACCOUNT, BY_ID, BY_SIGNING_KEY, INSTITUTIONS};
use crate::audit::chain::{rebuild::scene::Scene, tables::TablesError};

/// Carries it out. What the registry should have refused is a finding, and carried out nevertheless.
pub(super) fn carry_out(scene: &mut Scene<'_>, head: &mut Head, told: &Changed) -> Result<(), TablesError> {
    let concerned = match &told.change {
        Change::Register { .. } => Some(Member(head.count)),
        Change::SetKeys { member, .. } | Change::SetRoles { member, .. } | Change::SetStatus { member, .. } => {
            Some(*member)
        }
        Change::SetNotaryThreshold(_) | Change::SetGovernors { .. } => None,
    };
    scene.ensure(told.member == concerned, "wrong-value", || {
        format!("epoch {} concerns {concerned:?}, not {:?}", told.epoch, told.member)
    });
    match &told.change {
        Change::Register { .. } => register(scene, head, told),
        Change::SetKeys {
            member,
            account,
            signing_key,
            certificate,
        } => {
            let Some(institution) = known(scene, *member)? else {
                return Ok(());
            };
            BY_ACCOUNT.remove(scene, &institution.account)?;
            BY_SIGNING_KEY.remove(scene, &institution.signing_key)?;
            take_keys(scene, *member, account, signing_key)?;
            let changed = Institution {
                account: *account,
                signing_key: *signing_key,
                certificate: *certificate,
                ..institution
            };
            keep(scene, told.epoch, &changed)
        }
        Change::SetRoles { member, roles } => {
            ensure_roles(scene, *roles);
            let Some(institution) = known(scene, *member)? else {
                return Ok(());
            };
            let roles = *roles;
            keep(scene, told.epoch, &Institution { roles, ..institution })
        }
        Change::SetStatus { member, status } => {
            let Some(institution) = known(scene, *member)? else {
                return Ok(());
            };
            let status = *status;
            keep(scene, told.epoch, &Institution { status, ..institution })
        }
        Change::SetNotaryThreshold(threshold) => {
            scene.ensure(*threshold > 0, "bad-terms", || "no notary has to sign".to_owned());
            head.notary_threshold = *threshold;
            Ok(())
        }
        Change::SetGovernors { keys, threshold } => {
            ensure_governors(scene, keys, *threshold);
            head.governors.clone_from(keys);
            head.governor_threshold = *threshold;
            Ok(())
        }
    }
}

fn register(scene: &mut Scene<'_>, head: &mut Head, told: &Changed) -> Result<(), TablesError> {
    let Change::Register {
        lei,
        account,
        signing_key,
        certificate,
        roles,
    } = &told.change
    else {
        return Ok(());
    };
    scene.ensure(lei.is_valid(), "bad-terms", || {
        format!("{} is no LEI", String::from_utf8_lossy(&lei.0))
    });
    ensure_roles(scene, *roles);
    let id = InstitutionId::of(lei);
    if let Some(Member(holder)) = BY_ID.get(scene, &id)? {
        scene.find("twice", format!("its LEI is member {holder}'s"));
    }
    let member = told.member.unwrap_or(Member(head.count));
    head.count = head.count.saturating_add(1);
    BY_ID.put(scene, &id, &member)?;
    take_keys(scene, member, account, signing_key)?;
    let institution = Institution {
        member,
        id,
        lei: *lei,
        account: *account,
        signing_key: *signing_key,
        certificate: *certificate,
        roles: *roles,
        status: Status::Active,
    };
    keep(scene, told.epoch, &institution)
}

/// Makes account and signing key the member's: nobody else may have them.
fn take_keys(
    scene: &mut Scene<'_>,
    member: Member,
    account: &AccountId,
    signing_key: &[u8; 32],
) -> Result<(), TablesError> {
    if let Some(Member(holder)) = BY_ACCOUNT.get(scene, account)? {
        scene.find("twice", format!("member {}'s account is member {holder}'s", member.0));
    }
    if let Some(Member(holder)) = BY_SIGNING_KEY.get(scene, signing_key)? {
        scene.find(
            "twice",
            format!("member {}'s signing key is member {holder}'s", member.0),
        );
    }
    BY_ACCOUNT.put(scene, account, &member)?;
    BY_SIGNING_KEY.put(scene, signing_key, &member)
}

/// The institution; it isn't revoked for good.
fn known(scene: &mut Scene<'_>, member: Member) -> Result<Option<Institution>, TablesError> {
    let found = INSTITUTIONS.get(scene, &member)?;
    scene.ensure(found.is_some(), "unknown", || format!("nobody is member {}", member.0));
    let is_revoked = found.as_ref().is_some_and(|found| found.status == Status::Revoked);
    scene.ensure(!is_revoked, "wrong-state", || {
        format!("member {} was revoked for good, and is changed", member.0)
    });
    Ok(found)
}

fn keep(scene: &mut Scene<'_>, epoch: u32, institution: &Institution) -> Result<(), TablesError> {
    INSTITUTIONS.put(scene, &institution.member, institution)?;
    epochs::note(scene, epoch, institution)
}

fn ensure_roles(scene: &mut Scene<'_>, roles: Roles) {
    scene.ensure(roles.is_valid(), "bad-terms", || format!("{:#b} are no roles", roles.0));
}
