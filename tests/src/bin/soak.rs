//! Random calls to a contract until a rule breaks or the number is reached.
#![allow(clippy::unwrap_used)] // a tool for developers: a fault is a panic

use std::{
    io::Write as _,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use quittance_tests::soak::{self, Plan, System, Tally};

const HELP: &str = "\
Usage: soak escrow|clearing|credit|prepaid|reconciliation [--calls N] [--seed N] [--shrinks N]

Sends a contract random calls, the real wasm on the real runtime, and checks everything after each. Ends with 1, and tells
the steps, if a rule breaks.

  --calls N    how many, at least (default 2000000)
  --seed N     the same seed makes the same calls (default: QUITTANCE_SEED, else 1)
  --shrinks N  how often to run what breaks a rule again, shorter, to tell what it takes (default 0)

QUITTANCE_CONTRACTS=DIR   test the contracts in DIR instead of those that xtask built last";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: u64| {
        let place = arguments.iter().position(|argument| argument == name);
        place.map_or(default, |place| arguments[place + 1].parse().unwrap())
    };
    let name = arguments.first().map_or("", String::as_str);
    let Some(system) = System::named(name) else {
        println!("{HELP}");
        return ExitCode::from(2);
    };
    let plan = Plan {
        calls: number("--calls", 2_000_000),
        seed: number("--seed", soak::seed(1)),
        shrinks: u32::try_from(number("--shrinks", 0)).unwrap(),
    };
    match run(system, plan) {
        Ok(report) => {
            println!("soak {name}: {report}");
            ExitCode::SUCCESS
        }
        Err(broken) => {
            eprintln!("\nsoak: {broken}");
            ExitCode::FAILURE
        }
    }
}

/// Shares the calls among the processors. Each begins at a seed of its own.
fn run(system: System, plan: Plan) -> Result<String, String> {
    let Plan { calls, seed, .. } = plan;
    let started = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let done = AtomicU64::new(0);
    let runs = std::thread::scope(|scope| {
        let start = |thread| {
            let done = &done;
            scope.spawn(move || {
                let mut before = 0;
                let share = Plan {
                    calls: calls.div_ceil(threads),
                    seed: seed + thread,
                    ..plan
                };
                system.soak(share, |tally| {
                    let sum = done.fetch_add(tally.calls() - before, Ordering::Relaxed);
                    before = tally.calls();
                    eprint!(
                        "\rsoak: {sum} of {calls} calls, {:.0} s",
                        started.elapsed().as_secs_f64()
                    );
                    std::io::stderr().flush().unwrap();
                })
            })
        };
        let running: Vec<_> = (0..threads).map(start).collect();
        running.into_iter().map(|run| run.join().unwrap()).collect::<Vec<_>>()
    });
    eprintln!();
    let mut sum = Tally::default();
    for tally in runs {
        sum.add(&tally?);
    }
    let seconds = started.elapsed().as_secs_f64();
    let rate = sum.calls() as f64 / seconds;
    Ok(format!(
        "{sum}; no rule broken; {seconds:.0} s, {rate:.0} calls/s on {threads} threads; seed {seed}"
    ))
}
