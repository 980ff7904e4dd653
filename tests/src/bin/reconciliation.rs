//! How long the three-way match of a day takes, and how much memory, against the same match in SQLite and in Python.
#![allow(clippy::unwrap_used)] // a tool for developers: a fault is a panic

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use protocol::{reconciliation::BookId, settlement::Asset, text::to_hex};
use quittance::{
    reconciliation::{
        findings::{Finding, Tolerance},
        matching::{match_day, Inputs, Rules},
    },
    store::Store,
};
use quittance_tests::bench::{
    load, number,
    reconciliation::{Books, DAY},
};
use serde_json::{json, Value};

const HELP: &str = "\
Usage: scripts/bench reconciliation [--entries N] [--breaks N] [--rounds N]

Makes a day's books of two institutions and the chain's entries, with breaks of every type in them, and matches the three:

  quittance  from the pages in which statements are kept in the institution's database, as a run does
  SQLite     by joins of three tables, each in the order of its ids (WITHOUT ROWID): through Python's sqlite3
  Python     by dictionaries; by pandas and polars, too, where `python3` can import them

Each has a process of its own, reads what it needs first (\"loads\"), and then matches N times; whoever keeps the day on disk
loads nothing. All must find the same.

  --entries N  entries of the chain (default 1000000)
  --breaks N   of these, or beside these (default 1000)
  --rounds N   how often each matches (default 5)

QUITTANCE_PYTHON=python3  the Python that is run";

/// What a contestant tells.
struct Result {
    name: String,
    prepared: f64,
    loaded: f64,
    matched: Vec<f64>,
    /// In MiB.
    peak: f64,
    found: Value,
}

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
    let rounds = number(&arguments, "--rounds", 5);
    if let Some(place) = arguments.iter().position(|argument| argument == "--match") {
        println!("{}", matched(Path::new(&arguments[place + 1]), rounds).await);
        return;
    }
    let entries = number(&arguments, "--entries", 1_000_000);
    let breaks = number(&arguments, "--breaks", 1_000);
    let before = load();
    let directory = tempfile::tempdir().unwrap();
    eprintln!("• {entries} entries, {breaks} breaks");
    let books = Books::with(entries, breaks);
    let started = Instant::now();
    books.keep(&directory.path().join("quittance.sqlite")).await;
    let prepared = started.elapsed().as_secs_f64();
    books.write(directory.path());
    drop(books);

    let itself = std::env::current_exe().unwrap();
    let mut ours = Command::new(itself);
    ours.args([
        "--match",
        directory.path().to_str().unwrap(),
        "--rounds",
        &rounds.to_string(),
    ]);
    let mut results = vec![run("quittance", ours)];
    results[0].prepared = prepared;
    let script = directory.path().join("contestants.py");
    std::fs::write(&script, include_str!("../bench/reconciliation.py")).unwrap();
    for contestant in ["sqlite", "dictionaries", "pandas", "polars"] {
        let python = std::env::var("QUITTANCE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let mut theirs = Command::new(python);
        theirs
            .arg(&script)
            .args([contestant, directory.path().to_str().unwrap(), &rounds.to_string()]);
        let result = run(contestant, theirs);
        if result.matched.is_empty() {
            eprintln!("• {contestant}: isn't there");
        } else {
            results.push(result);
        }
    }
    report(&results, &before);
}

fn run(name: &str, mut command: Command) -> Result {
    eprintln!("• {name}");
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{name} failed");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let figure = |name: &str| told[name].as_f64().unwrap_or(0.0);
    let matched = told["matched"].as_array();
    Result {
        name: name.to_owned(),
        prepared: figure("prepared"),
        loaded: figure("loaded"),
        matched: matched.into_iter().flatten().filter_map(Value::as_f64).collect(),
        peak: figure("peak_kib") / 1024.0,
        found: told["found"].clone(),
    }
}

/// What is run in a process of its own: nothing but a run's matching.
async fn matched(directory: &Path, rounds: usize) -> Value {
    let store = Store::open(&directory.join("quittance.sqlite")).await.unwrap();
    let inputs = Inputs {
        store: &store,
        book: BookId(0),
        debit: 1,
        credit: 2,
        chain: 3,
    };
    let rules = Rules {
        day: DAY,
        asset: Asset::Native,
        tolerance: Tolerance::default(),
        expected_since: u64::MAX,
        closed_through: None,
    };
    let (mut times, mut found) = (Vec::new(), BTreeMap::new());
    for _ in 0..rounds {
        found.clear();
        let started = Instant::now();
        let mut sink = |finding: Finding| {
            let causes = finding.causes.iter().map(|cause| json!(cause)).collect::<Vec<_>>();
            found.insert(to_hex(&finding.trade.0), causes);
            Ok(())
        };
        match_day(inputs, &rules, &mut sink).await.unwrap();
        times.push(started.elapsed().as_secs_f64());
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    json!({ "loaded": 0.0, "matched": times, "peak_kib": peak, "found": found })
}

fn report(results: &[Result], before: &str) {
    let ours = median(&results[0].matched);
    println!("| | written | loaded | matched: least | median | most | ÷ quittance | with loading | peak memory |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    for result in results {
        let middle = median(&result.matched);
        let least = result.matched.iter().copied().fold(f64::INFINITY, f64::min);
        let most = result.matched.iter().copied().fold(0.0, f64::max);
        println!(
            "| {} | {:.1} s | {:.2} s | {least:.2} s | {middle:.2} s | {most:.2} s | {:.1} | {:.1} | {:.0} MiB |",
            result.name,
            result.prepared,
            result.loaded,
            middle / ours,
            (result.loaded + middle) / (results[0].loaded + ours),
            result.peak,
        );
    }
    let breaks = results[0].found.as_object().map_or(0, serde_json::Map::len);
    println!(
        "\n{breaks} trades with something wrong; load average {before} before and {} after",
        load()
    );
    for result in results {
        assert_eq!(result.found, results[0].found, "{} finds something else", result.name);
    }
}

fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}
