//! Random calls to the clearing contract.
mod book;
mod steps;
mod world;
mod writing;

pub use self::{steps::step, world::World};

/// How many messages change the state.
pub const MESSAGES: usize = 14;
/// What must happen in a run that tells anything.
pub const HAPPENINGS: [&str; 7] = [
    SETTLED,
    SHORT,
    AWARDED,
    FELL_DUE,
    REFUNDED,
    CLEARED_AFTER_WINDOW,
    FORGED,
];

const SETTLED: &str = "certificates recomputed";
const SHORT: &str = "windows short";
const AWARDED: &str = "awards";
const FELL_DUE: &str = "awards that waited";
const REFUNDED: &str = "refunds";
const CLEARED_AFTER_WINDOW: &str = "taken out and cleared";
const FORGED: &str = "signatures that must not count";
