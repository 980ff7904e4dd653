//! How many vouchers a node finalizes in a second, against balance transfers.
use std::time::{Duration, Instant};

use protocol::{
    clearing::{Error, Retention},
    decisions::Decision,
    settlement::{Asset, Settlement, MAX_BATCH},
};
use quittance::chain::contracts::input;

use super::{
    rate,
    scene::{gas_needed, Scene},
    transfers::{Payers, TRANSFERS},
    DEPOSIT,
};

/// Parties and a notary of each voucher.
const SIGNATURES: usize = 3;
/// How many full batches one burst has.
const BATCHES: usize = 4;

/// What bursts are made of. They take turns, so that a passing load on the machine falls on all.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Vouchers that are settled net, and the closing of their window: everything is paid then.
    Net,
    /// Vouchers that are settled gross: what they move is set aside.
    Gross,
    Transfers,
}

impl Way {
    const ALL: [Way; 3] = [Way::Net, Way::Gross, Way::Transfers];

    fn name(self) -> String {
        match self {
            Way::Net => format!("vouchers, net: {BATCHES} × {MAX_BATCH}, then their window is closed and paid"),
            Way::Gross => format!("vouchers, gross: {BATCHES} × {MAX_BATCH}, what they move is set aside"),
            Way::Transfers => format!("balance transfers: {TRANSFERS} from as many accounts"),
        }
    }

    const fn count(self) -> usize {
        match self {
            Way::Net | Way::Gross => BATCHES * MAX_BATCH,
            Way::Transfers => TRANSFERS,
        }
    }
}

/// Prints the table.
pub async fn measure(scene: &mut Scene, rounds: usize) {
    set_cap(scene).await;
    let mut payers = Payers::open(&scene.payer, &mut scene.senders).await;
    let mut rates: [Vec<f64>; 3] = Default::default();
    // One of each that doesn't count.
    for round in 0..=rounds {
        for (way, rates) in Way::ALL.into_iter().zip(&mut rates) {
            let took = match way {
                Way::Net => vouchers(scene, Settlement::Net).await,
                Way::Gross => vouchers(scene, Settlement::Gross).await,
                Way::Transfers => payers.transfer(&scene.payer, &scene.senders).await,
            };
            if round > 0 {
                rates.push(rate(way.count(), took));
            }
        }
    }

    let medians = rates.each_mut().map(|rates| {
        rates.sort_unstable_by(f64::total_cmp);
        rates[rates.len() / 2]
    });
    println!("| finalized, {rounds} bursts each | per second: least | median | most | median ÷ transfers |");
    println!("|---|--:|--:|--:|--:|");
    for ((way, rates), median) in Way::ALL.into_iter().zip(&rates).zip(medians) {
        let (least, most) = (rates[0], rates[rates.len() - 1]);
        let [.., transfers] = medians;
        println!(
            "| {} | {least:.0} | {median:.0} | {most:.0} | {:.2} |",
            way.name(),
            median / transfers
        );
    }
}

/// Lets the home institution owe as much as it has.
async fn set_cap(scene: &mut Scene) {
    let (member, asset, cap) = (scene.home(), Asset::Native, DEPOSIT);
    let approval = scene.approve(&Decision::SetCap { member, asset, cap });
    let arguments = (member, asset, cap, approval);
    let call = scene.clearing.prepare::<(), Error>("set_cap", &arguments, 0).await;
    scene.payer.carry_out(&call.unwrap()).await;
}

/// A burst of full batches.
async fn vouchers(scene: &mut Scene, settlement: Settlement) -> Duration {
    let runtime = scene.payer.chain().runtime().unwrap();
    let mut gas = None;
    let (mut burst, mut firsts) = (Vec::new(), Vec::new());
    for _ in 0..BATCHES {
        let signed = scene.signed_batch(SIGNATURES, settlement, MAX_BATCH);
        firsts.push(signed.0.vouchers[0].clone());
        let input = input("retain_batch", &signed);
        let gas = match gas {
            Some(gas) => gas,
            None => *gas.insert(gas_needed(&scene.clearing, &input).await),
        };
        let call = scene.clearing.call(&runtime, 0, gas, input).unwrap();
        burst.push(scene.payer.sign(&call));
    }
    if let (Settlement::Net, Some(gas)) = (settlement, gas) {
        // No dry run can tell what the closing needs before the window has payments: less than a batch.
        let input = input("close_window", &scene.close_window());
        let call = scene.clearing.call(&runtime, 0, gas, input).unwrap();
        burst.push(scene.payer.sign(&call));
    }

    let start = Instant::now();
    let block = scene.payer.finalize_all(&burst).await;
    let took = start.elapsed();
    for first in &firsts {
        let retention: Option<Retention> = scene.clearing.read_at("retention", first, block.0).await.unwrap();
        let is_paid = retention.unwrap().is_cleared();
        assert_eq!(is_paid, settlement == Settlement::Net);
    }
    took
}
