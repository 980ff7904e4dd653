//! What has to come next: some things are told by more than one event.
// what derive(Encode) makes of a variant's number
#![allow(clippy::cast_possible_truncation)]
use protocol::VoucherId;
use scale::{Decode, Encode};

use super::netting::Retaining;
use crate::audit::chain::{
    rebuild::scene::{Notes, Scene},
    tables::{Kept, TablesError},
};

/// What an event has to be followed by, in its transaction.
#[derive(Encode, Decode)]
pub(super) enum Awaited {
    /// More of a batch's vouchers.
    Vouchers(Retaining),
    /// A window that was cut off is paid, or is short.
    Payment { window: u32 },
    /// What a ruling gave back is paid as far as that can be.
    Award { voucher: VoucherId, obligation: u8 },
}

/// Together with the block and the transaction in it.
const AWAITED: Notes<(), (u32, u32, Awaited)> = Notes::named("awaited");

impl Awaited {
    /// It has to be followed by that.
    pub(super) fn put(self, scene: &mut Scene<'_>) -> Result<(), TablesError> {
        let told = scene.told;
        AWAITED.put(&mut scene.kept(), &(), &(told.block.number, told.transaction, self))
    }

    /// What has to come next, if it can come with this event.
    pub(super) fn take(scene: &mut Scene<'_>) -> Result<Option<Self>, TablesError> {
        let told = scene.told;
        let mut kept = scene.kept();
        let Some((block, transaction, awaited)) = AWAITED.get(&kept, &())? else {
            return Ok(None);
        };
        AWAITED.remove(&mut kept, &())?;
        if (block, transaction) == (told.block.number, told.transaction) {
            return Ok(Some(awaited));
        }
        Self::missed(scene, Some(awaited))?;
        Ok(None)
    }

    /// It didn't come.
    pub(super) fn missed(scene: &mut Scene<'_>, awaited: Option<Self>) -> Result<(), TablesError> {
        let Some(awaited) = awaited else { return Ok(()) };
        let faults = awaited.faults(&scene.kept())?;
        for (code, detail) in faults {
            scene.find(code, detail);
        }
        Ok(())
    }

    /// What is wrong at the end, if nothing comes any more.
    pub(super) fn at_end(kept: &Kept<'_>) -> Result<Vec<(&'static str, String)>, TablesError> {
        match AWAITED.get(kept, &())? {
            Some((_, _, awaited)) => awaited.faults(kept),
            None => Ok(Vec::new()),
        }
    }

    /// What is wrong if it doesn't come.
    fn faults(self, kept: &Kept<'_>) -> Result<Vec<(&'static str, String)>, TablesError> {
        Ok(match self {
            Self::Vouchers(retaining) => retaining.end(kept)?,
            Self::Payment { window } => {
                let detail = format!("window {window} was cut off, and neither paid nor short");
                vec![("not-told", detail)]
            }
            Self::Award { voucher, obligation } => {
                let detail = format!("what goes back of obligation {obligation} of {voucher} was not paid at once");
                vec![("not-told", detail)]
            }
        })
    }
}
