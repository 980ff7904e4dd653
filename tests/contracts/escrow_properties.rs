//! Escrow under random calls: money is neither made nor lost, and every call does what the rules say or nothing.
use quittance_tests::soak::{self, Plan};

/// What follows from one seed. QUITTANCE_SEED sets another for the first run; it is told if a rule breaks.
fn no_rule_breaks(calls: u64, run: u64) {
    let seed = soak::seed(1) + run;
    let plan = Plan {
        calls,
        seed,
        shrinks: 256,
    };
    let tally = soak::escrow(plan, |_| {}).unwrap_or_else(|broken| panic!("{broken}"));
    println!("seed {seed}: {tally}");
    assert!(tally.is_complete(), "something never happened: {tally}");
}

// Two, because there are at least two processors to run them on.

#[test]
fn no_rule_breaks_in_26_000_random_calls() {
    no_rule_breaks(26_000, 0);
}

#[test]
fn no_rule_breaks_in_another_26_000_random_calls() {
    no_rule_breaks(26_000, 1);
}
