//! Random days: against what is known to be wrong with them, and against the rules as one would write them without a thought
//! of memory or time. `PROPTEST_CASES` says how many, 600 by default.
#![allow(clippy::unwrap_used)]

mod plain;
mod planted;
mod wild;
mod world;

use proptest::test_runner::Config;

fn config() -> Config {
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    Config {
        cases: cases.unwrap_or(600),
        failure_persistence: None,
        ..Config::default()
    }
}
