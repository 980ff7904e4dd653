//! Who acted: the client by sending, both sides by signing, by the registry as it was.
use protocol::{
    reconciliation,
    registry::{Roles, Signer, Status},
    signing::{Domain, PAYLOAD_LENGTH},
    Member, Signature,
};

use super::super::case::Case;
use crate::audit::chain::tables::TablesError;

/// What one side of a book signed; nothing, if it didn't.
pub(super) type Signed<'a> = (Member, Option<&'a Signature>);

/// Each of these signed this, and is an active participant, in the registry's epoch that they say: the current one.
pub(super) fn check(
    case: &mut Case<'_>,
    epoch: u32,
    payload: impl Fn(&Domain) -> [u8; PAYLOAD_LENGTH],
    sides: [Signed<'_>; 2],
    what: &str,
) -> Result<(), TablesError> {
    let current = case.epoch()?;
    if current != epoch {
        let detail = format!("{what}: it was signed in epoch {epoch} of the registry, and done in {current}");
        case.found("stale-epoch", detail);
    }
    let payload = payload(&reconciliation::domain(case.place.genesis, case.told.contract, epoch));
    for (member, signature) in sides {
        let Some(signature) = signature else {
            continue;
        };
        if let Some(signer) = active(case, member, what)? {
            let who = format_args!("{what}: member {}", member.0).to_string();
            case.signed(&signer.signing_key, &payload, signature, who);
        }
    }
    Ok(())
}

/// This institution sent the call, and is an active participant.
pub(super) fn check_sender(case: &mut Case<'_>, member: Member, what: &str) -> Result<(), TablesError> {
    let Some(call) = case.told.call else {
        return Ok(());
    };
    let signer = active(case, member, what)?;
    if signer.is_some_and(|signer| signer.account != call.signer) {
        case.found("wrong-sender", format!("{what}: member {} didn't send it", member.0));
    }
    Ok(())
}

/// That it isn't an active participant is a finding.
fn active(case: &mut Case<'_>, member: Member, what: &str) -> Result<Option<Signer>, TablesError> {
    let signer = case.signer(member)?;
    let is_active = signer
        .as_ref()
        .is_some_and(|signer| signer.status == Status::Active && signer.roles.contains(Roles::PARTICIPANT));
    if !is_active {
        case.found("not-active", format!("{what}: member {} was no active participant", member.0));
    }
    Ok(signer)
}
