//! Payments that are done: retained with the signatures of both parties and a notary, and cleared with the debtor's.
use protocol::{
    clearing::{Balance, Error},
    settlement::{Asset, Settlement},
    VoucherId,
};
use scale::{Decode, Encode};

use super::scene::Scene;

/// Two parties and a notary.
const SIGNATURES: usize = 3;

/// Makes so many, up to `together` of them in a call. Returns the first one's id.
pub async fn make(scene: &mut Scene, count: usize, together: usize) -> VoucherId {
    let debtor = (scene.home(), Asset::Native);
    let balance: Balance = scene.clearing.read("balance", &debtor).await.unwrap();
    let source = balance.last_credit.unwrap();
    let mut first = None;
    let mut left = count;
    while left > 0 {
        let size = left.min(together);
        left -= size;
        let signed = scene.signed_batch(SIGNATURES, Settlement::Gross, size);
        let discharges = scene.discharges(&signed.0, source);
        carry_out::<u32>(scene, "retain_batch", &signed).await;
        carry_out::<()>(scene, "clear_batch", &discharges).await;
        first.get_or_insert(discharges[0].clearing_voucher.voucher);
    }
    first.unwrap()
}

async fn carry_out<T: Decode>(scene: &mut Scene, message: &str, arguments: &impl Encode) {
    let call = scene.clearing.prepare::<T, Error>(message, arguments, 0).await;
    scene.payer.carry_out(&call.unwrap()).await;
}
