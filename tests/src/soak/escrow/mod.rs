//! Random calls to the escrow contract.
mod calls;
mod rules;
mod scene;
mod steps;
mod view;
mod world;

pub use self::{steps::step, world::World};

/// How many messages change the state.
pub const MESSAGES: usize = 10;
/// What must happen in a run that tells anything.
pub const HAPPENINGS: [&str; 5] = [CANCELLED, REFUNDED, RULED, SETTLED, DEFERRED];

const CANCELLED: &str = "deals cancelled";
const REFUNDED: &str = "deals refunded";
const RULED: &str = "deals ruled";
const SETTLED: &str = "deals settled";
const DEFERRED: &str = "payouts deferred";
