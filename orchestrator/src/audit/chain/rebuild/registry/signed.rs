//! Who acted and what members signed, by the accounts, keys, roles and status that they had in the epoch.
use protocol::{
    registry::{Roles, Signer, SignerSet, Status},
    signing::{self, Domain, MemberSignature, Purpose},
    AccountId, Member, Timestamp,
};
use scale::Encode;

use super::epochs::{epoch_at, institution, is_known, signers};
use crate::{
    audit::chain::{rebuild::scene::Scene, tables::TablesError},
    identity::keys,
};

/// What a member signed: the same for all that sign the same.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a, B> {
    /// The registry's epoch at signing.
    pub epoch: u32,
    /// What for.
    pub purpose: Purpose,
    /// The id or digest signed.
    pub id: &'a [u8; 32],
    /// Valid strictly before.
    pub expires_at: Timestamp,
    /// What the id doesn't cover.
    pub body: &'a B,
}

impl<B: Encode> Signed<'_, B> {
    /// Counts and checks one member's signature, by its key of the registry in that epoch.
    ///
    /// # Errors
    /// The work file is broken.
    pub fn ensure_by(&self, scene: &mut Scene<'_>, signed: &MemberSignature) -> Result<(), TablesError> {
        if !is_known(scene.place, scene.tables, self.epoch)? {
            scene.findings.unseen();
            return Ok(());
        }
        let domain = Domain {
            genesis: scene.place.genesis,
            contract: scene.told.contract,
            epoch: self.epoch,
        };
        let payload = signing::payload(&domain, self.purpose, self.id, self.expires_at, self.body);
        let found = institution(scene.place, scene.tables, self.epoch, signed.member)?;
        let is_good = found.is_some_and(|found| keys::verify(&found.signing_key, &payload, &signed.signature));
        scene.findings.signature(scene.name, scene.told, is_good, || {
            let Self { epoch, purpose, id, .. } = self;
            format!(
                "member {}'s ({purpose:?}) over 0x{} in epoch {epoch}",
                signed.member.0,
                hex::encode(id)
            )
        });
        Ok(())
    }
}

/// What the registry said of these members when the event came to be.
///
/// # Errors
/// The work file is broken.
pub fn present(scene: &mut Scene<'_>, members: &[Member]) -> Result<SignerSet, TablesError> {
    let (place, told) = (scene.place, scene.told);
    let epoch = epoch_at(place, scene.tables, told.block.number, told.index)?;
    let set = signers(place, scene.tables, epoch, members)?;
    Ok(set.unwrap_or_else(|| SignerSet {
        epoch,
        notary_threshold: 1,
        signers: Vec::new(),
    }))
}

/// A member's account when the event came to be.
///
/// # Errors
/// The work file is broken.
pub fn account(scene: &mut Scene<'_>, member: Member) -> Result<Option<AccountId>, TablesError> {
    let set = present(scene, &[member])?;
    let signer = set.signers.into_iter().next().flatten();
    Ok(signer.map(|signer| signer.account))
}

/// A member that could do this when the event came to be: it had to be active and have the role.
///
/// # Errors
/// The work file is broken.
pub fn active(scene: &mut Scene<'_>, member: Member, role: Roles) -> Result<Option<Signer>, TablesError> {
    let set = present(scene, &[member])?;
    Ok(ensure_active(scene, member, &[member], &set, role).cloned())
}

/// A member that could do this did it: its account sent the call, where that is seen. Gives its account.
///
/// # Errors
/// The work file is broken.
pub fn acts(scene: &mut Scene<'_>, member: Member, role: Roles) -> Result<Option<AccountId>, TablesError> {
    let account = active(scene, member, role)?.map(|signer| signer.account);
    if let Some(account) = account {
        scene.sent_by(account, format_args!("member {}", member.0));
    }
    Ok(account)
}

/// The member's entry, which has to be active and have the role. `members` is what `set` was asked for.
pub fn ensure_active<'a>(
    scene: &mut Scene<'_>,
    member: Member,
    members: &[Member],
    set: &'a SignerSet,
    role: Roles,
) -> Option<&'a Signer> {
    let position = members.iter().position(|asked| *asked == member);
    let found = position
        .and_then(|position| set.signers.get(position))
        .and_then(Option::as_ref);
    let epoch = set.epoch;
    let Some(signer) = found else {
        scene.find("unknown", format!("nobody was member {} in epoch {epoch}", member.0));
        return None;
    };
    scene.ensure(signer.status == Status::Active, "not-active", || {
        format!("member {} was {:?} in epoch {epoch}", member.0, signer.status)
    });
    scene.ensure(signer.roles.contains(role), "missing-role", || {
        format!("member {} lacked the role {:#b} in epoch {epoch}", member.0, role.0)
    });
    Some(signer)
}

/// It was signed in the epoch that it was used in.
pub fn ensure_epoch(scene: &mut Scene<'_>, epoch: u32, set: &SignerSet) {
    let current = set.epoch;
    scene.ensure(epoch == current, "stale-epoch", || {
        format!("signed in epoch {epoch}, used in epoch {current}")
    });
}
