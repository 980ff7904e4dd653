//! Batches: a thousand vouchers in one call, all of them or none.
use protocol::{
    clearing::Error,
    fees::{FeePayee, FeeRule, Service},
    registry::Roles,
    settlement::{
        Asset, RetentionBatch, Settlement, TransactionKind, Voucher, MAX_BATCH, MAX_CLEARING_BATCH, MAX_PARTIES,
        MAX_REFUNDS,
    },
    Member,
};
use quittance_tests::institutions::{purchase, registration, Network, DEPOSIT, HOME, NOTARY, ORIGINATOR, STRANGER};

use super::{clearing_refused, refused, AMOUNT, FIRST_DEPOSIT, SIGNERS};

const MOST: u64 = MAX_BATCH as u64;

#[test]
fn batches_have_bounds() {
    let mut network = Network::funded();
    let empty = network.batch(&[]);
    let signatures = network.sign_batch(&empty, &[NOTARY]);
    refused(&mut network, empty, signatures, Error::EmptyBatch);
    clearing_refused(&mut network, Vec::new(), Error::EmptyBatch);

    let vouchers: Vec<Voucher> = (0..=MAX_BATCH as u64).map(|sequence| purchase(sequence, 1)).collect();
    let too_many = network.batch(&vouchers);
    let signatures = network.sign_batch(&too_many, &SIGNERS);
    refused(&mut network, too_many, signatures, Error::BatchTooLarge);

    network.retain(&vouchers[..MAX_BATCH]).unwrap();
    let discharge = |network: &Network, voucher: &Voucher| {
        network.sign_clearing(voucher, network.clearing_voucher(voucher, FIRST_DEPOSIT), HOME)
    };
    let mut discharges: Vec<_> = vouchers[..=MAX_CLEARING_BATCH]
        .iter()
        .map(|voucher| discharge(&network, voucher))
        .collect();
    clearing_refused(&mut network, discharges.clone(), Error::BatchTooLarge);
    discharges.truncate(MAX_CLEARING_BATCH);
    network.clear(discharges).unwrap();
    assert_eq!(network.balance(ORIGINATOR).available, MAX_CLEARING_BATCH as u128);
}

#[test]
fn in_a_batch_each_party_signs_only_what_it_is_a_party_to() {
    let mut network = Network::funded();
    network.deposit(STRANGER, AMOUNT).unwrap();
    let vouchers = [
        purchase(1, AMOUNT),
        Voucher {
            home: STRANGER,
            ..purchase(2, AMOUNT)
        },
    ];
    let batch = network.batch(&vouchers);
    let signatures = network.sign_batch(&batch, &[ORIGINATOR, HOME, NOTARY, STRANGER]);
    let only_first = network.batch(&vouchers[..1]);
    assert_eq!(
        network.retention_id(&batch, Some(HOME)),
        network.retention_id(&only_first, Some(HOME))
    );
    network.submit(batch, signatures).unwrap();
    assert_eq!(network.balance(STRANGER).reserved, AMOUNT);
}

/// Payments by users of the home institution, each with as many institutions as one can involve.
fn crowded(network: &mut Network) -> Vec<Voucher> {
    let others: Vec<Member> = (4..).map(Member).take(MAX_PARTIES - 2).collect();
    for member in &others {
        network.govern(registration(*member, Roles::PARTICIPANT)).unwrap();
    }
    let to_each = FeeRule {
        service: Service::Purchase,
        asset: Asset::Native,
        payee: FeePayee::Others,
        flat: 1,
        parts_per_million: 0,
        at_most: 1,
    };
    let to_originator = FeeRule {
        payee: FeePayee::Originator,
        ..to_each
    };
    let fees = network.set_fees(&[to_originator, to_each]).unwrap();
    let crowded = |sequence| Voucher {
        others: others.clone(),
        fees,
        ..purchase(sequence, 10)
    };
    (0..MOST).map(crowded).collect()
}

fn refund_of(original: &Voucher, sequence: u64) -> Voucher {
    Voucher {
        sequence,
        kind: TransactionKind::Refund(original.id()),
        ..original.clone()
    }
}

#[test]
fn a_full_batch_fits_with_all_parties_that_a_voucher_can_have_and_their_fees() {
    let mut network = Network::funded();
    let vouchers = crowded(&mut network);
    network.retain(&vouchers).unwrap();
    let fees = MAX_PARTIES as u128 - 1;
    assert_eq!(network.balance(HOME).reserved, u128::from(MOST) * (10 + fees));
}

#[test]
fn a_full_batch_fits_if_it_is_settled_net() {
    let mut network = Network::funded();
    network.set_cap(HOME, DEPOSIT).unwrap();
    let mut vouchers = crowded(&mut network);
    for voucher in &mut vouchers {
        voucher.settlement = Settlement::Net;
    }
    network.retain(&vouchers).unwrap();
    let fees = MAX_PARTIES as u128 - 1;
    assert_eq!(network.position(0, HOME).owes, u128::from(MOST) * (10 + fees));
    assert_eq!(network.position(0, Member(4)).owed, u128::from(MOST));
}

#[test]
fn a_full_batch_fits_with_as_many_refunds_as_it_may_have_and_no_more() {
    let mut network = Network::funded();
    network.deposit(ORIGINATOR, DEPOSIT).unwrap();
    let originals = crowded(&mut network);
    network.retain(&originals).unwrap();

    let mut vouchers: Vec<Voucher> = originals[..=MAX_REFUNDS]
        .iter()
        .map(|original| refund_of(original, original.sequence + MOST))
        .collect();
    let plain = originals.iter().map(|original| Voucher {
        sequence: original.sequence + 2 * MOST,
        ..original.clone()
    });
    vouchers.extend(plain.take(MAX_BATCH - vouchers.len()));
    let too_many = RetentionBatch {
        refunded: originals[..=MAX_REFUNDS].to_vec(),
        ..network.batch(&vouchers)
    };
    assert_eq!(network.retain_measured(too_many).output, Err(Error::BatchTooLarge));

    vouchers[MAX_REFUNDS].kind = TransactionKind::Purchase;
    let most = RetentionBatch {
        refunded: originals[..MAX_REFUNDS].to_vec(),
        ..network.batch(&vouchers)
    };
    assert_eq!(vouchers.len(), MAX_BATCH);
    network.retain_measured(most).output.unwrap();
    assert_eq!(network.balance(ORIGINATOR).reserved, 10 * MAX_REFUNDS as u128);
}
