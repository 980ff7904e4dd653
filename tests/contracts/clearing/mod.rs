//! The clearing contract: what moves, what is refused, and that a refusal changes nothing.
mod approvals;
mod batches;
mod discharging;
mod disputes;
mod payments;
mod retaining;
mod signatures;
mod signers;
mod windows;

use protocol::{
    clearing::{Balance, Error},
    registry::{Change, Status},
    settlement::{RetentionBatch, SignedClearingVoucher, Source, Voucher},
    signing::MemberSignature,
    Member,
};
use quittance_tests::institutions::{Network, HOME, NOTARY, ORIGINATOR};

const AMOUNT: u128 = 250_000_000_000;
const SIGNERS: [Member; 3] = [ORIGINATOR, HOME, NOTARY];
const FIRST_DEPOSIT: Source = Source::Deposit(0);

/// Submits a batch and demands that it is refused and leaves the chain's state as it was.
#[track_caller]
fn refused(network: &mut Network, batch: RetentionBatch, signatures: Vec<MemberSignature>, expected: Error) {
    let before = network.chain.state_root();
    assert_eq!(network.submit(batch, signatures), Err(expected));
    assert_eq!(network.chain.state_root(), before, "a refusal must change nothing");
}

#[track_caller]
fn voucher_refused(network: &mut Network, voucher: Voucher, expected: Error) {
    let batch = network.batch(&[voucher]);
    let signatures = network.sign_batch(&batch, &SIGNERS);
    refused(network, batch, signatures, expected);
}

#[track_caller]
fn clearing_refused(network: &mut Network, vouchers: Vec<SignedClearingVoucher>, expected: Error) {
    let before = network.chain.state_root();
    assert_eq!(network.clear(vouchers), Err(expected));
    assert_eq!(network.chain.state_root(), before, "a refusal must change nothing");
}

fn free(balance: &Balance) -> (u128, u128) {
    (balance.available, balance.reserved)
}

fn set_status(member: Member, status: Status) -> Change {
    Change::SetStatus { member, status }
}
