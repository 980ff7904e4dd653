//! Deadlines, in block time: an act is valid strictly before its deadline, what follows on a missed one at or after it.
use ink::env::DefaultEnvironment;
use protocol::reconciliation::Error;

use crate::Result;

/// The block's time, in milliseconds since 1970.
pub fn now() -> u64 {
    ink::env::block_timestamp::<DefaultEnvironment>()
}

pub fn ensure_before(deadline: u64) -> Result<()> {
    if now() < deadline {
        Ok(())
    } else {
        Err(Error::DeadlinePassed { deadline })
    }
}

pub fn ensure_from(not_before: u64) -> Result<()> {
    if now() >= not_before {
        Ok(())
    } else {
        Err(Error::TooEarly { not_before })
    }
}
