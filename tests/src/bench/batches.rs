//! What a voucher weighs alone, and with others in one transaction.
use std::time::{Duration, Instant};

use protocol::settlement::{Settlement, MAX_BATCH};

use super::{mean, micros, ratio, scene::Scene, signatures::Approvals, times::Times};

const SIGNATURES: [usize; 2] = [3, 10];
/// How many vouchers in one transaction, and how many such transactions. 64 alone, as many as are stored together: a later
/// one weighs more, because it finds the earlier ones there.
const SIZES: [(usize, usize); 4] = [(1, 64), (4, 16), (32, 8), (MAX_BATCH, 4)];

/// Prints the table.
pub async fn measure(scene: &mut Scene, approvals: &[Approvals]) {
    println!(
        "| signatures | vouchers in one extrinsic | extrinsics | its size (bytes) | its weight (µs) | finalized, p50 (ms) | \
         weight per voucher (µs) | alone ÷ this | approvals ÷ this |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for signatures in SIGNATURES {
        let approved = approvals.iter().find(|known| known.signatures == signatures).unwrap();
        let mut alone = None;
        for (vouchers, count) in SIZES {
            let measured = Measured::of(scene, signatures, vouchers, count).await;
            let per_voucher = measured.ref_time / vouchers as u64;
            let alone = *alone.get_or_insert(per_voucher);
            println!(
                "| {signatures} | {vouchers} | {count} | {} | {} | {:.1} | {} | {:.1} | {:.1} |",
                measured.size,
                micros(measured.ref_time),
                measured.times.p50(),
                micros(per_voucher),
                ratio(alone, per_voucher),
                ratio(approved.ref_time, per_voucher)
            );
        }
    }
}

/// Extrinsics with the same number of vouchers.
struct Measured {
    size: usize,
    /// On average.
    ref_time: u64,
    times: Times,
}

impl Measured {
    async fn of(scene: &mut Scene, signatures: usize, vouchers: usize, count: usize) -> Self {
        let mut size = 0;
        let mut weights = Vec::new();
        let mut times: Vec<Duration> = Vec::new();
        for _ in 0..count {
            let retention = scene.retention(signatures, Settlement::Gross, vouchers).await;
            size = retention.len();
            let start = Instant::now();
            let block = scene.payer.finalize(&retention).await;
            times.push(start.elapsed());
            weights.push(scene.payer.weight(&retention, block).await.ref_time);
        }
        Self {
            size,
            ref_time: mean(&weights),
            times: Times::of(times),
        }
    }
}
