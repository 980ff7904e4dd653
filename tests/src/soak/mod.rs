//! Random calls to a contract: the real wasm on the real runtime, by everyone, at every moment that matters. After each
//! call everything observable is what the contract's rules, said a second time and differently, lead to.
mod clearing;
mod credit;
mod draws;
mod escrow;
mod prepaid;
mod reconciliation;
mod tally;

use std::{cell::RefCell, fmt::Debug};

use proptest::{
    collection::vec,
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};

pub use self::tally::Tally;

/// The most calls to one set of contracts; then all is as it was at first.
const MOST_STEPS: usize = 500;
/// Every so many refused calls, the whole state is compared.
const ROOT_EVERY: u64 = 64;

/// Which contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    Escrow,
    Clearing,
    Credit,
    Prepaid,
    Reconciliation,
}

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

/// What rule is broken, if it is.
type Check = Result<(), String>;

/// Contracts under test, and what must hold of them.
trait World {
    type Step: Debug;
    /// Takes steps with contracts that nobody has used.
    fn run(&mut self, steps: &[Self::Step]) -> Check;
    fn tally(&self) -> &Tally;
}

impl System {
    /// By the name that `scripts/soak` knows it by.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "escrow" => Some(Self::Escrow),
            "clearing" => Some(Self::Clearing),
            "credit" => Some(Self::Credit),
            "prepaid" => Some(Self::Prepaid),
            "reconciliation" => Some(Self::Reconciliation),
            _ => None,
        }
    }

    /// Calls the contract.
    ///
    /// # Errors
    /// What rule was broken, and by which steps.
    pub fn soak(self, plan: Plan, progress: impl FnMut(&Tally)) -> Result<Tally, String> {
        match self {
            Self::Escrow => soak(escrow::World::new(), escrow::step(), plan, progress),
            Self::Clearing => soak(clearing::World::new(), clearing::step(), plan, progress),
            Self::Credit => soak(credit::World::new(), credit::step(), plan, progress),
            Self::Prepaid => soak(prepaid::World::new(), prepaid::step(), plan, progress),
            Self::Reconciliation => soak(reconciliation::World::new(), reconciliation::step(), plan, progress),
        }
    }

    /// Whether everything that can happen did.
    pub fn is_complete(self, tally: &Tally) -> bool {
        match self {
            Self::Escrow => tally.is_complete(escrow::MESSAGES, &escrow::HAPPENINGS),
            Self::Clearing => tally.is_complete(clearing::MESSAGES, &clearing::HAPPENINGS),
            Self::Credit => tally.is_complete(credit::MESSAGES, &credit::HAPPENINGS),
            Self::Prepaid => tally.is_complete(prepaid::MESSAGES, &prepaid::HAPPENINGS),
            Self::Reconciliation => tally.is_complete(reconciliation::MESSAGES, &reconciliation::HAPPENINGS),
        }
    }
}

fn soak<W: World>(
    world: W,
    step: impl Strategy<Value = W::Step>,
    plan: Plan,
    mut progress: impl FnMut(&Tally),
) -> Result<Tally, String> {
    let Plan { calls, seed, shrinks } = plan;
    let world = RefCell::new(world);
    let config = Config {
        failure_persistence: None,
        max_shrink_iters: shrinks,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &chacha_seed(seed));
    let mut runner = TestRunner::new_with_rng(config, rng);
    let sequences = vec(step, 1..=MOST_STEPS);
    while world.borrow().tally().calls() < calls {
        let tree = sequences.new_tree(&mut runner).map_err(|reason| reason.to_string())?;
        let run = |steps: Vec<_>| world.borrow_mut().run(&steps).map_err(TestCaseError::fail);
        runner
            .run_one(tree, run)
            .map_err(|broken| format!("seed {seed}: {broken}"))?;
        progress(world.borrow().tally());
    }
    let tally = world.borrow().tally().clone();
    Ok(tally)
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

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Check {
    if holds {
        Ok(())
    } else {
        Err(otherwise())
    }
}
