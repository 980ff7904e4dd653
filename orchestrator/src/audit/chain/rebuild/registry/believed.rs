//! A registry whose past the node has forgotten: what it kept before the audit's first block is believed.
use super::{epochs, Head, INSTITUTIONS};
use crate::audit::chain::{
    tables::{Tables, TablesError},
    Place,
};

/// Notes who the members are after a block, by what the registry keeps then. They are taken to have been the same before;
/// signatures of earlier epochs are not verified.
///
/// # Errors
/// The work file is broken.
pub fn believe(place: &Place, tables: &mut Tables, block: u32) -> Result<(), TablesError> {
    let mut kept = tables.of(place.registry);
    let Some(head) = kept.head::<Head>()? else {
        return Ok(());
    };
    let mut institutions = Vec::new();
    INSTITUTIONS.each(&kept, |_, institution| institutions.push(institution))?;
    epochs::believe(&mut kept, block, (head.epoch, head.notary_threshold), &institutions)
}
