//! What the benchmarks share: a node without much in between, members who sign for themselves, figures.
pub mod batches;
pub mod members;
pub mod payments;
pub mod reconciliation;
pub mod relay;
pub mod rounds;
pub mod scene;
pub mod signatures;
pub mod throughput;
pub mod times;
pub mod transfers;
pub mod wire;

/// What each payment of a benchmark moves.
pub const AMOUNT: u128 = 1_000_000;
/// What the home institution puts in: more than all of them move.
pub const DEPOSIT: u128 = 5_000_000_000_000;

/// The machine's load average over the last minute.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// The number behind an option, or what it is without the option.
pub fn number(arguments: &[String], option: &str, default: usize) -> usize {
    let place = arguments.iter().position(|argument| argument == option);
    place.map_or(default, |place| arguments[place + 1].parse().unwrap())
}

/// How many times as much the first is as the second.
#[allow(clippy::cast_precision_loss)] // figures for people
pub fn ratio(first: u64, second: u64) -> f64 {
    first as f64 / second as f64
}

/// What they are on average; there is at least one.
pub fn mean(weights: &[u64]) -> u64 {
    weights.iter().sum::<u64>() / weights.len() as u64
}

/// How many there are in a second.
#[allow(clippy::cast_precision_loss)] // figures for people
pub fn rate(count: usize, took: std::time::Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// Picoseconds of `ref_time` as microseconds.
pub const fn micros(ref_time: u64) -> u64 {
    ref_time / 1_000_000
}
