//! What both sides of a book signed, by the registry as it was.
use protocol::{
    reconciliation,
    registry::Roles,
    signing::{Domain, PAYLOAD_LENGTH},
    Member, Signature,
};

use super::super::{
    registry::{active, ensure_epoch, present},
    scene::Scene,
};
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
    let set = present(scene, &[])?;
    ensure_epoch(scene, epoch, &set);
    let payload = payload(&reconciliation::domain(scene.place.genesis, scene.told.contract, epoch));
    for (member, signature) in sides {
        let Some(signature) = signature else {
            continue;
        };
        if let Some(signer) = active(scene, member, Roles::PARTICIPANT)? {
            let key = &signer.signing_key;
            scene.signed(key, &payload, signature, || format!("{what}: member {}'s", member.0));
        }
    }
    Ok(())
}
