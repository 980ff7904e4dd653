//! What co-signing, batches and windows are worth: weights and times on one development node, in one run.
#![allow(clippy::unwrap_used)] // a tool for developers: a fault is a panic

use quittance_tests::bench::{
    batches, load, number, rounds,
    scene::{self, Scene},
    signatures, throughput,
};

const HELP: &str = "\
Usage: scripts/bench settlement [--rounds N]

Starts a development node and ten institutions, each a process of its own, and prints four tables:

  rounds      how long ten institutions take to co-sign a payment, beyond the slowest of them
  signatures  N co-signatures of a voucher in one call, against N approvals of a multisig contract
  batches     what a voucher weighs alone, and with up to 1,024 in one extrinsic
  throughput  vouchers finalized in a second, against balance transfers

The institutions' processes run during the first one only. Weights are ref_time as the chain counted it for each extrinsic:
its base weight, that of the call, and what the contract used.

  --rounds N  how many payments in each setting of the first, times each way is gone in the second, bursts of each kind in
              the last (default 20)";

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
    let count = number(&arguments, "--rounds", 20);
    let load_before = load();
    let directory = tempfile::tempdir().unwrap();
    let mut network = scene::start(directory.path()).await;

    heading("rounds", "ten institutions co-sign a payment");
    rounds::measure(&mut network, count).await;
    eprintln!("• stopping the orchestrators, registering further notaries");
    let mut scene = Scene::set_up(&mut network).await;
    heading("signatures", "N co-signatures in one call, N approvals");
    let approvals = signatures::measure(&mut scene, count).await;
    heading("batches", "vouchers in one extrinsic");
    batches::measure(&mut scene, &approvals).await;
    heading("throughput", "vouchers and transfers in a second");
    throughput::measure(&mut scene, count).await;
    println!("\nload average {load_before} before and {} after", load());
}

fn heading(name: &str, what: &str) {
    eprintln!("• {name}");
    println!("\n{name}: {what}\n");
}
