//! Random calls to the reconciliation contract, by everyone, in several books.
mod calls;
mod rules;
mod scene;
mod steps;
mod world;

pub use self::{steps::step, world::World};

/// How many messages change the state.
pub const MESSAGES: usize = 4;
/// What must happen in a run that tells anything.
pub const HAPPENINGS: [&str; 12] = [
    BATCHED,
    LOWERED,
    RAISED,
    NEVER_WAS,
    WAS_MISSING,
    LATE,
    UNCHANGED,
    PAID,
    CARRIED,
    MADE_UP_FOR,
    ALONE,
    CROWDED,
];

const BATCHED: &str = "batches recorded";
const LOWERED: &str = "entries lowered";
const RAISED: &str = "entries raised";
const NEVER_WAS: &str = "payments that never were";
const WAS_MISSING: &str = "entries that were missing";
const LATE: &str = "corrections of closed days";
const UNCHANGED: &str = "corrections of books only";
const PAID: &str = "days paid";
const CARRIED: &str = "days that left something to make up for";
const MADE_UP_FOR: &str = "days that made up for something";
const ALONE: &str = "days closed by one side alone";
const CROWDED: &str = "calls that found too many days open";
