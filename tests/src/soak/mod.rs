//! Random calls to the escrow contract: the real wasm on the real runtime, by everyone, at every moment that matters.
//! After each call everything observable is what `rules` says, to the unit.
mod calls;
mod rules;
mod scene;
mod steps;
mod tally;
mod view;
mod world;

use std::cell::RefCell;

use proptest::{
    collection::vec,
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};

pub use self::tally::Tally;
use self::{steps::step, world::World};

/// The most calls to one set of contracts; then all is as it was at first.
const MOST_STEPS: usize = 500;

/// What to run.
#[derive(Clone, Copy)]
pub struct Plan {
    /// At least so many.
    pub calls: u64,
    /// The same seed makes the same calls.
    pub seed: u64,
    /// How often a sequence that breaks a rule is run again, shorter, to tell what it takes.
    pub shrinks: u32,
}

/// Calls the escrow contract.
///
/// # Errors
/// What rule was broken, and by which steps.
pub fn escrow(plan: Plan, mut progress: impl FnMut(&Tally)) -> Result<Tally, String> {
    let Plan { calls, seed, shrinks } = plan;
    let world = RefCell::new(World::new());
    let config = Config {
        failure_persistence: None,
        max_shrink_iters: shrinks,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &chacha_seed(seed));
    let mut runner = TestRunner::new_with_rng(config, rng);
    let sequences = vec(step(), 1..=MOST_STEPS);
    while world.borrow().tally.calls() < calls {
        let tree = sequences.new_tree(&mut runner).map_err(|reason| reason.to_string())?;
        let run = |steps: Vec<_>| world.borrow_mut().run(&steps).map_err(TestCaseError::fail);
        runner
            .run_one(tree, run)
            .map_err(|broken| format!("seed {seed}: {broken}"))?;
        progress(&world.borrow().tally);
    }
    Ok(world.into_inner().tally)
}

/// Where a run begins: at QUITTANCE_SEED, if that is set.
pub fn seed(default: u64) -> u64 {
    match std::env::var("QUITTANCE_SEED") {
        Ok(text) => text.parse().expect("QUITTANCE_SEED must be a number"),
        Err(_) => default,
    }
}

fn chacha_seed(seed: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes
}
