//! How long a payment on credit across two chains takes, from the payer's request to a payee that is paid, against the two
//! single-chain calls that it can't do without, in the same run on the same nodes, one at a time.
#![allow(clippy::unwrap_used)] // a tool for developers: a fault is a panic

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use quittance::{
    chain::{Chain, ChainCredit, Follower, Submitter},
    credit::ports::{Act, CreditLedger},
    devnet::{CreditNode, CreditSite, Network, Options, Wanted, PAYEE},
    identity::SigningKey,
    store::Store,
};
use quittance_tests::bench::{load, number, times::Times};

const HELP: &str = "\
Usage: scripts/bench credit [--rounds N]

Starts two development nodes, a credit node and a payee's bank, and times payments on credit, one at a time:

  payment            POST /v1/credit/payments until the payout on the other chain is final: certificate and signature
                     checked, the payee's bank asked, reserve and pay, each final
  payment, confirmed the same until the payee's receipt stands on the payer's chain: commit and confirm_receipt too
  reserve, pay       the two calls alone, by the same program that the orchestrator uses, one after the other
  all four           reserve, pay, commit and confirm_receipt alone

  --rounds N  how many of each (default 50)";

const AMOUNT: u128 = 10_000_000_000;

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
    let rounds = number(&arguments, "--rounds", 50);
    let directory = tempfile::tempdir().unwrap();
    let options = Options::built(directory.path().to_owned()).unwrap();
    let before = load();
    let mut network = Network::start(options, &|step| eprintln!("• {step}")).await.unwrap();
    let mut node = network.add_credit_node(&|step| eprintln!("• {step}")).await.unwrap();
    let room = 4 * u128::try_from(rounds).unwrap() * AMOUNT;
    node.fund(1, room).await.unwrap();
    node.payee_lets_owe(room).await.unwrap();
    node.node_lets_owe(room).await.unwrap();

    eprintln!("• {rounds} payments, then {rounds} times the calls alone");
    let (mut paid, mut confirmed) = (Vec::new(), Vec::new());
    payment(&node).await;
    for _ in 0..rounds {
        let (until_paid, until_confirmed) = payment(&node).await;
        paid.push(until_paid);
        confirmed.push(until_confirmed);
    }
    // The account's transactions go through one process at a time.
    node.institution.kill().await.unwrap();
    let key = SigningKey::load(&node.institution.account_key).unwrap();
    let [debt, payout] = [ledger(&node.sites[0], &key).await, ledger(&node.sites[1], &key).await];
    let (mut two, mut four) = (Vec::new(), Vec::new());
    calls(&node, &*debt, &*payout).await;
    for _ in 0..rounds {
        let (first_two, all) = calls(&node, &*debt, &*payout).await;
        two.push(first_two);
        four.push(all);
    }

    let [paid, confirmed, two, four] = [paid, confirmed, two, four].map(Times::of);
    println!(
        "one at a time, {rounds} of each, load average {before} before and {} after\n",
        load()
    );
    println!("| | p50 (ms) | p95 (ms) | ÷ the calls alone, p50 |");
    println!("|---|--:|--:|--:|");
    for (name, times, against) in [
        ("payment", &paid, Some(&two)),
        ("payment, confirmed", &confirmed, Some(&four)),
        ("reserve, pay", &two, None),
        ("all four", &four, None),
    ] {
        let ratio = against.map_or_else(String::new, |against| format!("{:.2}", times.p50() / against.p50()));
        println!("| {name} | {:.1} | {:.1} | {ratio} |", times.p50(), times.p95());
    }
}

/// Until the payee is paid, and until its receipt is there.
async fn payment(node: &CreditNode) -> (Duration, Duration) {
    let request = node.request(Wanted::of(AMOUNT)).unwrap();
    let start = Instant::now();
    let id = node.pay(&request).await.unwrap().id;
    // `paid` may be over before anybody looks.
    let mut until_paid = None;
    loop {
        let payment = node
            .payment(id, if until_paid.is_none() { "paid" } else { "confirmed" })
            .await
            .unwrap();
        if until_paid.is_none() && matches!(payment.stage.as_str(), "paid" | "owed" | "confirmed") {
            until_paid = Some(start.elapsed());
        }
        if payment.is_final {
            assert_eq!(payment.stage, "confirmed");
            return (until_paid.unwrap(), start.elapsed());
        }
    }
}

/// The first two of its calls, and all four.
async fn calls(node: &CreditNode, debt: &dyn CreditLedger, payout: &dyn CreditLedger) -> (Duration, Duration) {
    let request = node.request(Wanted::of(AMOUNT)).unwrap();
    let payee = SigningKey::load(PAYEE).unwrap();
    let (id, consent) = (request.request.id(), payee.sign(&request.request.payload()));
    let domain = protocol::credit::domain(request.request.debt.genesis, request.request.debt.contract);
    let receipt = payee.sign(&protocol::credit::receipt(&domain, &id));
    let key = |act: &Act| format!("bench/{id}/{}", act.message());
    let start = Instant::now();
    let reserve = Act::Reserve {
        request: Box::new(request.request.clone()),
        payer: request.signature,
        payee: consent,
    };
    debt.carry_out(&key(&reserve), &reserve).await.unwrap();
    let pay = Act::Pay(Box::new(request.request.clone()));
    let block = payout.carry_out(&key(&pay), &pay).await.unwrap();
    let first_two = start.elapsed();
    let commit = Act::Commit {
        id,
        payout: protocol::credit::PayoutBlock {
            number: block.number,
            hash: block.hash,
        },
    };
    debt.carry_out(&key(&commit), &commit).await.unwrap();
    let confirm = Act::ConfirmReceipt { id, signature: receipt };
    debt.carry_out(&key(&confirm), &confirm).await.unwrap();
    (first_two, start.elapsed())
}

async fn ledger(site: &CreditSite, key: &SigningKey) -> Arc<dyn CreditLedger> {
    let chain = Chain::connect(&site.url).await.unwrap();
    let follower = Follower::start(chain.clone()).await.unwrap();
    let store = Store::open(&site.file.with_file_name("bench.sqlite")).await.unwrap();
    let submitter = Submitter::start(chain.clone(), follower.clone(), store, key.clone())
        .await
        .unwrap();
    Arc::new(ChainCredit::new(chain, follower, submitter, site.deployment.clone(), site.member).unwrap())
}
