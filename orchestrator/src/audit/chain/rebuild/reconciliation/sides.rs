//! Who acted: the client by sending, both sides by signing, by the registry as it was.
use protocol::{
    reconciliation,
    registry::{Roles, Signer, Status},
    signing::{Domain, PAYLOAD_LENGTH},
    Member, Signature,
};

use super::super::scene::Scene;
use crate::audit::chain::tables::TablesError;

/// What one side of a book signed; nothing, if it didn't.
pub(super) type Signed<'a> = (Member, Option<&'a Signature>);

/// Each of these signed this, and is an active participant, in the registry's epoch that they say: the current one.
pub(super) fn check(
    scene: &mut Scene<'_>,
    epoch: u32,
    payload: impl Fn(&Domain) -> [u8; PAYLOAD_LENGTH],
    sides: [Signed<'_>; 2],
    what: &str,
) -> Result<(), TablesError> {
    let current = scene.epoch()?;
    if current != epoch {
        let detail = format!("{what}: it was signed in epoch {epoch} of the registry, and done in {current}");
        scene.find("stale-epoch", detail);
    }
    let payload = payload(&reconciliation::domain(scene.place.genesis, scene.told.contract, epoch));
    for (member, signature) in sides {
        let Some(signature) = signature else {
            continue;
        };
        if let Some(signer) = active(scene, member, what)? {
            let key = &signer.signing_key;
            scene.signed(key, &payload, signature, || format!("{what}: member {}'s", member.0));
        }
    }
    Ok(())
}

/// This institution sent the call, and is an active participant.
pub(super) fn check_sender(scene: &mut Scene<'_>, member: Member, what: &str) -> Result<(), TablesError> {
    let Some(call) = scene.told.call else {
        return Ok(());
    };
    let signer = active(scene, member, what)?;
    if signer.is_some_and(|signer| signer.account != call.signer) {
        scene.find("wrong-sender", format!("{what}: member {} didn't send it", member.0));
    }
    Ok(())
}

/// That it isn't an active participant is a finding.
fn active(scene: &mut Scene<'_>, member: Member, what: &str) -> Result<Option<Signer>, TablesError> {
    let signer = scene.signer(member)?;
    let is_active = signer
        .as_ref()
        .is_some_and(|signer| signer.status == Status::Active && signer.roles.contains(Roles::PARTICIPANT));
    if !is_active {
        scene.find(
            "not-active",
            format!("{what}: member {} was no active participant", member.0),
        );
    }
    Ok(signer)
}
