//! Random calls to a credit node's contracts on two chains: in either direction, by everyone, with clocks that differ.
mod calls;
mod rules;
mod scene;
mod steps;
mod world;

pub use self::{steps::step, world::World};

/// How many messages change the state.
pub const MESSAGES: usize = 18;
/// What must happen in a run that tells anything.
pub const HAPPENINGS: [&str; 10] = [
    PAID, COMMITTED, RELEASED, EXPIRED, SETTLED, OVERDUE, CUT, SHORT, GRANTED, OWN_FAULT,
];

const PAID: &str = "payees paid";
const COMMITTED: &str = "payments owed";
const RELEASED: &str = "reservations released";
const EXPIRED: &str = "reservations expired";
const SETTLED: &str = "debts settled";
const OVERDUE: &str = "debts overdue";
const CUT: &str = "limits below what is used";
const SHORT: &str = "requests above a limit";
const GRANTED: &str = "raises granted";
const OWN_FAULT: &str = "payments that a careless node lost or made up";
