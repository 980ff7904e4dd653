//! The contracts under random calls: money is neither made nor lost, and every call does what the rules say or nothing.
use quittance_tests::soak::{self, Plan, System};

/// What follows from one seed. QUITTANCE_SEED sets another for the first run; it is told if a rule breaks.
fn no_rule_breaks(system: System, calls: u64, run: u64) {
    let seed = soak::seed(1) + run;
    let plan = Plan {
        calls,
        seed,
        shrinks: 256,
    };
    let tally = system.soak(plan, |_| {}).unwrap_or_else(|broken| panic!("{broken}"));
    println!("seed {seed}: {tally}");
    assert!(system.is_complete(&tally), "something never happened: {tally}");
}

// Two of each, because there are at least two processors to run them on.

#[test]
fn escrow_breaks_no_rule_in_26_000_random_calls() {
    no_rule_breaks(System::Escrow, 26_000, 0);
}

#[test]
fn escrow_breaks_no_rule_in_another_26_000_random_calls() {
    no_rule_breaks(System::Escrow, 26_000, 1);
}

#[test]
fn clearing_breaks_no_rule_in_26_000_random_calls() {
    no_rule_breaks(System::Clearing, 26_000, 0);
}

#[test]
fn clearing_breaks_no_rule_in_another_26_000_random_calls() {
    no_rule_breaks(System::Clearing, 26_000, 1);
}

#[test]
fn credit_breaks_no_rule_in_25_000_random_calls() {
    no_rule_breaks(System::Credit, 25_000, 0);
}

#[test]
fn credit_breaks_no_rule_in_another_25_000_random_calls() {
    no_rule_breaks(System::Credit, 25_000, 1);
}

#[test]
fn prepaid_breaks_no_rule_in_25_000_random_calls() {
    no_rule_breaks(System::Prepaid, 25_000, 0);
}

#[test]
fn prepaid_breaks_no_rule_in_another_25_000_random_calls() {
    no_rule_breaks(System::Prepaid, 25_000, 1);
}

#[test]
fn reconciliation_breaks_no_rule_in_10_000_random_calls() {
    no_rule_breaks(System::Reconciliation, 10_000, 0);
}

#[test]
fn reconciliation_breaks_no_rule_in_another_10_000_random_calls() {
    no_rule_breaks(System::Reconciliation, 10_000, 1);
}
