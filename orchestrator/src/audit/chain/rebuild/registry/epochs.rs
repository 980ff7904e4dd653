//! Who the members were in each epoch: notes of every change.
use protocol::{
    registry::{Institution, Signer, SignerSet},
    Member,
};
use scale::{Decode, Encode};

use super::Head;
use crate::audit::chain::{
    rebuild::scene::{Notes, Scene},
    tables::{Kept, Tables, TablesError},
    Place,
};

/// An epoch's beginning.
#[derive(Encode, Decode)]
struct Epoch {
    block: u32,
    /// The event's place among all events of the block.
    index: u32,
    notary_threshold: u16,
}

const EPOCHS: Notes<u32, Epoch> = Notes::named("epochs");
/// How often an institution has changed.
const VERSIONS: Notes<Member, u32> = Notes::named("versions");
/// Each version, counted from 1, and the epoch that began with it.
const INSTITUTIONS: Notes<(Member, u32), (u32, Institution)> = Notes::named("institutions");

/// The first epoch whose members are known, where the node has forgotten the registry's past.
const BELIEVED: Notes<(), u32> = Notes::named("believed");

/// What the registry said of these members in an epoch; `None` for an epoch that hasn't begun.
///
/// # Errors
/// The work file is broken.
pub fn signers(
    place: &Place,
    tables: &mut Tables,
    epoch: u32,
    members: &[Member],
) -> Result<Option<SignerSet>, TablesError> {
    let kept = tables.of(place.registry);
    let Some(begun) = EPOCHS.get(&kept, &epoch)? else {
        return Ok(None);
    };
    let signer = |member: &Member| {
        let found = version(&kept, epoch, *member)?;
        Ok(found.map(|found| Signer {
            account: found.account,
            signing_key: found.signing_key,
            roles: found.roles,
            status: found.status,
        }))
    };
    Ok(Some(SignerSet {
        epoch,
        notary_threshold: begun.notary_threshold,
        signers: members.iter().map(signer).collect::<Result<_, TablesError>>()?,
    }))
}

/// The institution as it was in an epoch; `None` if it wasn't registered then.
///
/// # Errors
/// The work file is broken.
pub fn institution(
    place: &Place,
    tables: &mut Tables,
    epoch: u32,
    member: Member,
) -> Result<Option<Institution>, TablesError> {
    version(&tables.of(place.registry), epoch, member)
}

/// The epoch that a block's event saw: the latest that began before it.
///
/// # Errors
/// The work file is broken.
pub fn epoch_at(place: &Place, tables: &mut Tables, block: u32, index: u32) -> Result<u32, TablesError> {
    let kept = tables.of(place.registry);
    let mut epoch = kept.head::<Head>()?.map_or(0, |head| head.epoch);
    // Events come in the chain's order: it is nearly always the latest.
    while epoch > 0 {
        let begun = EPOCHS.get(&kept, &epoch)?;
        if begun.is_some_and(|begun| (begun.block, begun.index) < (block, index)) {
            break;
        }
        epoch = epoch.saturating_sub(1);
    }
    Ok(epoch)
}

/// An epoch begins with this event.
pub(super) fn begin(scene: &mut Scene<'_>, epoch: u32, notary_threshold: u16) -> Result<(), TablesError> {
    let begun = Epoch {
        block: scene.told.block.number,
        index: scene.told.index,
        notary_threshold,
    };
    EPOCHS.put(&mut scene.kept(), &epoch, &begun)
}

/// The institution is like that from an epoch on.
pub(super) fn note(scene: &mut Scene<'_>, epoch: u32, institution: &Institution) -> Result<(), TablesError> {
    let member = institution.member;
    let mut kept = scene.kept();
    let next = VERSIONS.get(&kept, &member)?.unwrap_or(0).saturating_add(1);
    VERSIONS.put(&mut kept, &member, &next)?;
    INSTITUTIONS.put(&mut kept, &(member, next), &(epoch, institution.clone()))
}

/// Whether it is known who the members were in an epoch: of those before the audit's first block, the node may have forgotten it.
///
/// # Errors
/// The work file is broken.
pub fn is_known(place: &Place, tables: &mut Tables, epoch: u32) -> Result<bool, TablesError> {
    let first = BELIEVED.get(&tables.of(place.registry), &())?;
    Ok(first.is_none_or(|first| first <= epoch))
}

/// These are the members in an epoch, and are taken to have been in all before; the epoch is that of a block's end.
pub(super) fn believe(
    kept: &mut Kept<'_>,
    block: u32,
    (epoch, notary_threshold): (u32, u16),
    institutions: &[Institution],
) -> Result<(), TablesError> {
    BELIEVED.put(kept, &(), &epoch)?;
    for begun in 0..=epoch {
        let index = u32::MAX;
        let begin = Epoch {
            block,
            index,
            notary_threshold,
        };
        EPOCHS.put(kept, &begun, &begin)?;
    }
    for institution in institutions {
        VERSIONS.put(kept, &institution.member, &1)?;
        INSTITUTIONS.put(kept, &(institution.member, 1), &(0, institution.clone()))?;
    }
    Ok(())
}

/// The latest version that is not later than the epoch.
fn version(kept: &Kept<'_>, epoch: u32, member: Member) -> Result<Option<Institution>, TablesError> {
    let mut number = VERSIONS.get(kept, &member)?.unwrap_or(0);
    while number > 0 {
        match INSTITUTIONS.get(kept, &(member, number))? {
            Some((since, found)) if since <= epoch => return Ok(Some(found)),
            _ => number = number.saturating_sub(1),
        }
    }
    Ok(None)
}
