//! What members signed, by the keys, roles and status that they had in the epoch.
use protocol::{
    registry::{Roles, Signer, SignerSet, Status},
    signing::{self, Domain, MemberSignature, Purpose},
    Member, Timestamp,
};
use scale::Encode;

use super::{epochs::is_known, institution};
use crate::{
    audit::chain::{
        findings::Findings,
        rebuild::scene::Scene,
        tables::{Tables, TablesError},
        Place, Told,
    },
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

/// Counts and checks one member's signature for the contract that tells: by its key of the registry in that epoch.
///
/// # Errors
/// The work file is broken.
#[allow(clippy::too_many_arguments)]
pub fn member_signature(
    name: &str,
    told: &Told<'_>,
    place: &Place,
    tables: &mut Tables,
    findings: &mut Findings,
    epoch: u32,
    purpose: Purpose,
    id: &[u8; 32],
    expires_at: Timestamp,
    body: &impl Encode,
    signed: &MemberSignature,
) -> Result<(), TablesError> {
    let scene = &mut Scene {
        name,
        told,
        place,
        tables,
        findings,
    };
    let what = Signed {
        epoch,
        purpose,
        id,
        expires_at,
        body,
    };
    what.ensure_by(scene, signed)
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
        scene.find(
            "unknown-member",
            format!("nobody was member {} in epoch {epoch}", member.0),
        );
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
