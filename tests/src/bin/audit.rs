//! How fast a chain is audited, against executing its blocks again and against reading them with polkadot.js; and how long the
//! audit page takes on the same chain.
#![allow(clippy::unwrap_used)] // a tool for developers: a fault is a panic

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use protocol::{settlement::MAX_CLEARING_BATCH, VoucherId};
use quittance::devnet::Network;
use quittance_tests::bench::{
    load, number, payments, rate,
    scene::{self, Scene},
    times::Times,
};
use serde_json::Value;

const HELP: &str = "\
Usage: scripts/bench audit [--payments N] [--together N] [--rounds N]

Makes a chain of payments on a development node, in the real contracts: each is retained with the signatures of two parties and
a notary, and cleared with the debtor's. Then nothing is sent any more, and these are timed, one at a time, in turns:

  audit        `quittance audit` of all blocks over the node, which must find nothing
  polkadot.js  tests/audit/audit.mjs: every event read and decoded, and nothing verified
  page         the audit page in headless Chromium, from the navigation on: until all blocks are read and payments listed, until
               the first payment is found by its id, and until that one's signatures are verified
  export       the node is stopped: `quittance-node export-blocks`
  import       `quittance-node import-blocks` into an empty folder: each block is executed again, and the last one's hash must
               come out

Times are those of whole processes, from their start to their end; only the browser's own start isn't in the page's. Events are
what the audit counts: all that the contracts told, and each contract's making.

  --payments N  how many there are (default 10000)
  --together N  how many of them are in a call (default 32, the most that can be cleared at once)
  --rounds N    how often each is timed (default 3)

CHROMIUM=PATH   the browser, if it isn't Debian's";

const AUDIT: &str = "audit";
const POLKADOT: &str = "polkadot.js: events decoded";
const IMPORT: &str = "import: blocks executed again";
/// What is timed, in the order of the table.
const WAYS: [&str; 7] = [
    AUDIT,
    POLKADOT,
    "page: payments listed",
    "page: a payment found by its id",
    "page: its signatures verified",
    "export of the blocks",
    IMPORT,
];

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
    let count = number(&arguments, "--payments", 10_000);
    let together = number(&arguments, "--together", MAX_CLEARING_BATCH);
    let rounds = number(&arguments, "--rounds", 3);
    let before = load();
    let directory = tempfile::tempdir().unwrap();
    let mut network = scene::start(directory.path()).await;
    let first = make(&mut network, count, together).await;

    let mut audited = Value::Null;
    let mut times: [Vec<Duration>; WAYS.len()] = Default::default();
    for round in 1..=rounds {
        eprintln!("• round {round} of {rounds}: the audit");
        let (audit, outcome) = audit(&network);
        eprintln!("• polkadot.js");
        let polkadot = polkadot(&network, &first);
        eprintln!("• the page");
        let [listed, found, verified] = page(&network, &first);
        eprintln!("• the blocks, exported and imported");
        let [exported, imported] = replay(&mut network, &outcome).await;
        let took = [audit, polkadot, listed, found, verified, exported, imported];
        for (times, took) in times.iter_mut().zip(took) {
            times.push(took);
        }
        audited = outcome;
    }
    println!(
        "{count} payments, {together} in a call: {} blocks, {} events; the audit verified {} signatures\n",
        audited["until"],
        sum(&audited, "events"),
        sum(&audited, "signatures")
    );
    print(times, sum(&audited, "events"));
    println!("\nload average {before} before and {} after", load());
}

/// Makes the chain, on which nobody works afterwards. Returns the first payment's id.
async fn make(network: &mut Network, count: usize, together: usize) -> VoucherId {
    let mut scene = Scene::set_up(network).await;
    eprintln!("• {count} payments");
    let start = Instant::now();
    let first = payments::make(&mut scene, count, together).await;
    eprintln!("• made in {:.0} s", start.elapsed().as_secs_f64());
    first
}

/// The audit of the whole chain, and what it printed.
fn audit(network: &Network) -> (Duration, Value) {
    let mut command = Command::new(network.options.programs.join("quittance"));
    command.args(["audit", "--json", "--url", &network.url]);
    let (took, outcome) = timed(contracts(&mut command, network));
    assert_eq!(outcome["count"], 0, "{outcome}");
    (took, outcome)
}

fn polkadot(network: &Network, voucher: &VoucherId) -> Duration {
    let mut command = script("audit.mjs");
    command.args(["--url", &network.url, "--voucher", &voucher.to_string()]);
    let (took, report) = timed(contracts(&mut command, network));
    let events = report["events"].as_array().unwrap();
    let is_first = |event: &&Value| event["fields"]["voucher"] == voucher.to_string();
    assert_eq!(events.iter().filter(is_first).count(), 1, "it was cleared");
    took
}

/// Until the payments are listed, until the voucher is found, until it is verified.
fn page(network: &Network, voucher: &VoucherId) -> [Duration; 3] {
    let mut command = script("page/times.mjs");
    command.args(["--node", &network.url, "--voucher", &voucher.to_string()]);
    command.arg("--dist").arg(network.options.audit_page.as_ref().unwrap());
    let (_, told) = timed(contracts(&mut command, network));
    ["listed", "found", "verified"].map(|name| Duration::from_secs_f64(told[name].as_f64().unwrap() / 1_000.0))
}

/// Export and import, while the node is stopped.
async fn replay(network: &mut Network, audited: &Value) -> [Duration; 2] {
    let node = network.node.as_mut().unwrap();
    node.stop().await.unwrap();
    let program = network.options.programs.join("quittance-node");
    let command = |what: &str, base_path: &Path| {
        let mut command = Command::new(&program);
        command.args([what, "--chain", "dev", "--base-path"]).arg(base_path);
        // As the node has it: a database remembers what it keeps.
        command.args(["--state-pruning", "archive", "--blocks-pruning", "archive"]);
        command
    };
    let scratch = tempfile::tempdir_in(&network.options.directory).unwrap();
    let (blocks, copy) = (scratch.path().join("blocks"), scratch.path().join("chain"));
    let (exported, _) = timed(command("export-blocks", &node.base_path()).arg("--binary").arg(&blocks));
    let (imported, _) = timed(command("import-blocks", &copy).arg("--binary").arg(&blocks));
    let (_, head) = timed(&mut command("chain-info", &copy));
    assert_eq!(
        (&head["best_number"], &head["best_hash"]),
        (&audited["until"], &audited["until_hash"])
    );
    node.restart().await.unwrap();
    [exported, imported]
}

/// One of the auditor's programs.
fn script(name: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("audit").join(name));
    command
}

/// Tells a command which contracts there are, and what they are.
fn contracts<'a>(command: &'a mut Command, network: &Network) -> &'a mut Command {
    let deployment = network.options.directory.join("deployment.json");
    command.arg("--deployment").arg(deployment);
    command.arg("--bundles").arg(&network.options.bundles)
}

/// How long a command takes, and the JSON that it prints, if it does.
fn timed(command: &mut Command) -> (Duration, Value) {
    let start = Instant::now();
    let output = command.output().unwrap();
    let took = start.elapsed();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    (took, serde_json::from_slice(&output.stdout).unwrap_or_default())
}

/// What the audit counted, of all contracts.
fn sum(audited: &Value, what: &str) -> u64 {
    let contracts = audited["contracts"].as_object().unwrap();
    contracts.values().map(|tally| tally[what].as_u64().unwrap()).sum()
}

fn print(times: [Vec<Duration>; WAYS.len()], events: u64) {
    let times = times.map(Times::of);
    let of = |wanted: &str| {
        WAYS.iter()
            .position(|way| *way == wanted)
            .map(|place| times[place].p50())
    };
    let [audit, polkadot] = [AUDIT, POLKADOT].map(|way| of(way).unwrap());
    let events = usize::try_from(events).unwrap();
    println!("| | least (s) | median (s) | most (s) | events in a second | ÷ audit | ÷ polkadot.js |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for (way, times) in WAYS.iter().zip(&times) {
        let [least, median, most] = [0, 50, 100].map(|percent| times.percentile(percent) / 1_000.0);
        let speed = rate(events, Duration::from_secs_f64(median));
        println!(
            "| {way} | {least:.2} | {median:.2} | {most:.2} | {speed:.0} | {:.2} | {:.2} |",
            times.p50() / audit,
            times.p50() / polkadot
        );
    }
}
