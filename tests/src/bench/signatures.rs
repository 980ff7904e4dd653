//! N co-signatures in one call, against N approvals in transactions of their own.
use std::time::{Duration, Instant};

use futures::future::join_all;
use protocol::{settlement::Settlement, AccountId};
use quittance::chain::{
    bundle::Bundle,
    calls::{Call, Weight},
    contracts::{dry_run_instantiate, input, selector, Contract},
    subxt::utils::H256,
};
use scale::Encode;

use super::{
    mean, micros, ratio,
    scene::{gas_needed, Scene},
    times::Times,
    wire::Transaction,
    AMOUNT,
};

const SIGNATURES: [usize; 4] = [3, 5, 10, 20];
/// How many times as much gas as the first approval needs the others may use: the last one pays.
const GAS_FACTOR: u64 = 3;

/// One number of signatures, in every way.
struct Row {
    signatures: usize,
    multisig: Multisig,
    /// `ref_time` of the one call, and of all approvals together, one for each round.
    weights: [Vec<u64>; 2],
    /// Of the one call, of approvals at once, of approvals in turn.
    times: [Vec<Duration>; 3],
}

/// A multisig contract of the first so many senders.
struct Multisig {
    /// Called by the first of them.
    contract: Contract,
    signers: usize,
    /// How many payments were proposed.
    proposed: u32,
}

/// What so many approvals weigh together.
pub struct Approvals {
    pub signatures: usize,
    pub ref_time: u64,
}

/// Prints the table.
pub async fn measure(scene: &mut Scene, rounds: usize) -> Vec<Approvals> {
    let bundle = Bundle::find(&scene.bundles, "multisig").unwrap();
    let runtime = scene.payer.chain().runtime().unwrap();
    let upload = Call::upload_code(&runtime, bundle.code().unwrap().to_vec()).unwrap();
    scene.payer.carry_out(&upload).await;
    let mut rows = Vec::new();
    for signatures in SIGNATURES {
        rows.push(Row {
            signatures,
            multisig: Multisig::deploy(scene, bundle.code_hash(), signatures).await,
            weights: Default::default(),
            times: Default::default(),
        });
    }
    // One of each that doesn't count: caches, connections.
    for row in &mut rows {
        row.round(scene).await;
        row.weights = Default::default();
        row.times = Default::default();
    }
    for _ in 0..rounds {
        for row in &mut rows {
            row.round(scene).await;
        }
    }
    print(rows)
}

fn print(rows: Vec<Row>) -> Vec<Approvals> {
    println!(
        "| signatures | one call (µs) | approvals (µs) | weight ÷ | one call, p50 (ms) | approvals at once, p50 (ms) | \
         time ÷ | approvals in turn, p50 (ms) | time ÷ |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let mut all = Vec::new();
    for row in rows {
        let [ours, approvals] = row.weights.map(|weights| mean(&weights));
        let [call, at_once, in_turn] = row.times.map(|times| Times::of(times).p50());
        println!(
            "| {} | {} | {} | {:.1} | {call:.1} | {at_once:.1} | {:.1} | {in_turn:.1} | {:.1} |",
            row.signatures,
            micros(ours),
            micros(approvals),
            ratio(approvals, ours),
            at_once / call,
            in_turn / call,
        );
        all.push(Approvals {
            signatures: row.signatures,
            ref_time: approvals,
        });
    }
    all
}

impl Row {
    /// Each way once. What is signed is signed before the clock starts.
    async fn round(&mut self, scene: &mut Scene) {
        let retention = scene.retention(self.signatures, Settlement::Gross, 1).await;
        let start = Instant::now();
        let block = scene.payer.finalize(&retention).await;
        self.times[0].push(start.elapsed());
        self.weights[0].push(scene.payer.weight(&retention, block).await.ref_time);

        // The fairest to the multisig: all signers are there, and none waits for another.
        let approvals = self.multisig.approvals(scene).await;
        let both = || scene.senders.iter().zip(&approvals);
        let start = Instant::now();
        let blocks = join_all(both().map(|(sender, approval)| sender.finalize(approval))).await;
        self.times[1].push(start.elapsed());
        let mut sum = 0;
        for ((sender, approval), block) in both().zip(&blocks) {
            sum += sender.weight(approval, *block).await.ref_time;
        }
        self.weights[1].push(sum);
        self.multisig.ensure_paid(&blocks).await;

        let approvals = self.multisig.approvals(scene).await;
        let mut blocks = Vec::new();
        let start = Instant::now();
        for (sender, approval) in scene.senders.iter().zip(&approvals) {
            blocks.push(sender.finalize(approval).await);
        }
        self.times[2].push(start.elapsed());
        self.multisig.ensure_paid(&blocks).await;
    }
}

impl Multisig {
    /// Puts one on the chain, with money.
    async fn deploy(scene: &mut Scene, code: [u8; 32], signers: usize) -> Self {
        let accounts: Vec<AccountId> = scene.senders[..signers].iter().map(|sender| sender.account()).collect();
        let input = (selector("new"), &accounts).encode();
        let payer = &mut scene.payer;
        let runtime = payer.chain().runtime().unwrap();
        let dry_run = dry_run_instantiate(payer.chain(), &payer.account(), code, &input, &[]).await;
        let (gas, made) = dry_run.unwrap();
        let (_, address) = made.unwrap();
        let instantiate = Call::instantiate(&runtime, gas.with_margin(), code, input, Vec::new()).unwrap();
        payer.carry_out(&instantiate).await;
        let funds = Call::transfer(&runtime, &address, quittance_runtime::UNIT).unwrap();
        payer.carry_out(&funds).await;
        Self {
            contract: scene.contract(address, accounts[0]),
            signers,
            proposed: 0,
        }
    }

    /// Has a payment proposed. Returns everybody's approval, ready to be sent.
    async fn approvals(&mut self, scene: &mut Scene) -> Vec<Transaction> {
        let to = scene.payer.account();
        let proposal = self.contract.prepare::<u32, u8>("propose", &(to, AMOUNT), 0).await;
        scene.senders[0].carry_out(&proposal.unwrap()).await;

        let input = input("approve", &self.proposed);
        self.proposed += 1;
        let needed = gas_needed(&self.contract, &input).await;
        let gas = Weight {
            ref_time: needed.ref_time * GAS_FACTOR,
            proof_size: needed.proof_size * GAS_FACTOR,
        };
        let runtime = scene.payer.chain().runtime().unwrap();
        let approve = self.contract.call(&runtime, 0, gas, input).unwrap();
        let signers = scene.senders[..self.signers].iter_mut();
        signers.map(|sender| sender.sign(&approve)).collect()
    }

    /// The latest payment was carried out in one of these blocks.
    async fn ensure_paid(&self, blocks: &[H256]) {
        let number = self.proposed - 1;
        for block in blocks.iter().rev() {
            if self.contract.read_at("is_paid", &number, block.0).await.unwrap() {
                return;
            }
        }
        panic!("payment {number} was not carried out");
    }
}
