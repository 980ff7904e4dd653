//! The saga under a simulation: a ledger that follows the clearing contract's rules, a network that loses what it is
//! told to lose, a clock that stands still, and a database in memory. Nothing here depends on real time or on luck.
mod audit;
mod batches;
mod charges;
mod crashes;
mod destinations;
mod epochs;
mod expiry;
mod hostile_notaries;
mod hostile_originators;
pub(crate) mod ledger;
mod losses;
mod nets;
mod network;
mod policies;
mod refusals;
mod runs;
mod settles;
mod several_notaries;
pub(crate) mod world;
