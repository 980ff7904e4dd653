//! How long a transaction takes to be final on a chain of 1 to 4 validators, all on this machine, one at a time.
#![allow(clippy::unwrap_used)] // a tool for developers: a fault is a panic

use std::time::{Duration, Instant};

use quittance::{
    chain::{calls::Call, Chain, Follower, Submitter},
    devnet::{Network, Options},
    identity::SigningKey,
    store::Store,
};
use quittance_tests::bench::{load, number, times::Times};

const HELP: &str = "\
Usage: scripts/bench finality [--rounds N]

Starts chains of 1, 2, 3 and 4 validators, one after the other, and times balance transfers, each from being handed in to
being final.

  --rounds N  how many on each chain (default 40)";

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .iter()
        .any(|argument| argument == "--help" || argument == "-h")
    {
        println!("{HELP}");
        return;
    }
    let rounds = number(&arguments, "--rounds", 40);
    println!("| validators | median (ms) | 95 of 100 within (ms) | slowest (ms) |");
    println!("|--:|--:|--:|--:|");
    for validators in 1..=4 {
        let times = Times::of(measure(validators, rounds).await);
        println!(
            "| {validators} | {:.0} | {:.0} | {:.0} |",
            times.p50(),
            times.p95(),
            times.percentile(100)
        );
    }
    eprintln!("{rounds} on each chain; load of the machine at the end: {}", load());
}

async fn measure(validators: u16, rounds: usize) -> Vec<Duration> {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        validators,
        ..Options::built(directory.path().to_owned()).unwrap()
    };
    let nodes = Network::start_validators(&options).await.unwrap();
    let chain = Chain::connect(&nodes[0].url).await.unwrap();
    let follower = Follower::start(chain.clone()).await.unwrap();
    // Once they vote.
    follower.reached(2).await;
    let store = Store::open(&directory.path().join("bench.sqlite")).await.unwrap();
    let key = SigningKey::load("//Alice").unwrap();
    let submitter = Submitter::start(chain.clone(), follower, store, key).await.unwrap();
    let to = SigningKey::load("//Bob").unwrap().account();
    let mut times = Vec::with_capacity(rounds);
    for round in 0..rounds {
        let call = Call::transfer(&chain.runtime().unwrap(), &to, 1_000_000).unwrap();
        let start = Instant::now();
        submitter.submit(&format!("finality/{round}"), call).await.unwrap();
        times.push(start.elapsed());
        // Somewhere in a slot, not always right after a block.
        tokio::time::sleep(Duration::from_millis(u64::try_from(round).unwrap() * 337 % 2_000)).await;
    }
    times
}
