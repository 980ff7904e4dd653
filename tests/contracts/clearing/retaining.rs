//! What makes a voucher unacceptable, whoever signed it.
use protocol::{
    clearing::Error,
    registry::Status,
    settlement::{Limit, Voucher, VoucherFault},
};
use quittance_tests::{
    contract_chain::START,
    institutions::{purchase, Network, DEPOSIT, EXPIRY, HOME, NOBODY, NOTARY, ORIGINATOR},
};

use super::{clearing_refused, refused, set_status, voucher_refused, AMOUNT, FIRST_DEPOSIT, SIGNERS};

#[test]
fn a_voucher_is_retained_once() {
    let mut network = Network::funded();
    let voucher = purchase(1, AMOUNT);
    let id = voucher.id();
    network.retain(&[voucher.clone()]).unwrap();
    voucher_refused(&mut network, voucher.clone(), Error::VoucherUsed(id));

    let fresh = purchase(2, AMOUNT);
    let twice = network.batch(&[fresh.clone(), fresh.clone()]);
    let signatures = network.sign_batch(&twice, &SIGNERS);
    refused(&mut network, twice, signatures, Error::VoucherUsed(fresh.id()));
}

#[test]
fn suspended_revoked_and_unknown_members_are_refused() {
    for status in [Status::Suspended, Status::Revoked] {
        let mut network = Network::funded();
        network.govern(set_status(HOME, status)).unwrap();
        voucher_refused(&mut network, purchase(1, AMOUNT), Error::NotActive(HOME));
    }
    let mut network = Network::funded();
    network.govern(set_status(NOTARY, Status::Suspended)).unwrap();
    voucher_refused(&mut network, purchase(1, AMOUNT), Error::NotActive(NOTARY));

    let mut network = Network::funded();
    let batch = network.batch(&[Voucher {
        home: NOBODY,
        ..purchase(1, AMOUNT)
    }]);
    let signatures = network.sign_batch(&batch, &[ORIGINATOR, NOTARY, NOBODY]);
    refused(&mut network, batch, signatures, Error::UnknownMember(NOBODY));
}

#[test]
fn deadlines_hold_to_the_millisecond() {
    let mut network = Network::funded();
    let late = Voucher {
        expires_at: START + 10,
        ..purchase(1, AMOUNT)
    };
    let last = Voucher {
        expires_at: START + 11,
        ..purchase(2, AMOUNT)
    };
    network.chain.set_time(START + 10);
    voucher_refused(&mut network, late.clone(), Error::VoucherExpired(late.id()));
    network.retain(&[last.clone()]).unwrap();

    let mut clearing_voucher = network.clearing_voucher(&last, FIRST_DEPOSIT);
    clearing_voucher.expires_at = START + 10;
    let expired = network.sign_clearing(&last, clearing_voucher.clone(), HOME);
    clearing_refused(&mut network, vec![expired], Error::ClearingVoucherExpired(last.id()));
    clearing_voucher.expires_at = START + 11;
    network
        .clear(vec![network.sign_clearing(&last, clearing_voucher, HOME)])
        .unwrap();

    network.chain.set_time(EXPIRY);
    voucher_refused(&mut network, purchase(3, AMOUNT), Error::BatchExpired);
}

#[test]
fn a_voucher_that_breaks_its_own_rules_is_refused() {
    let mut network = Network::funded();
    for (voucher, fault) in [
        (purchase(1, 0), VoucherFault::ZeroAmount),
        (purchase(1, u128::MAX), VoucherFault::AboveLimit),
        (
            Voucher {
                limit: Limit::PerTransaction(AMOUNT - 1),
                ..purchase(1, AMOUNT)
            },
            VoucherFault::AboveLimit,
        ),
        (
            Voucher {
                limit: Limit::PerDay(AMOUNT - 1),
                ..purchase(1, AMOUNT)
            },
            VoucherFault::AboveLimit,
        ),
        (
            Voucher {
                issued_at: EXPIRY,
                ..purchase(1, AMOUNT)
            },
            VoucherFault::ExpiresBeforeIssue,
        ),
        (
            Voucher {
                others: vec![HOME],
                ..purchase(1, AMOUNT)
            },
            VoucherFault::PartiesNotAscending,
        ),
    ] {
        let id = voucher.id();
        voucher_refused(&mut network, voucher, Error::BadVoucher(id, fault));
    }
    let alone = Voucher {
        home: ORIGINATOR,
        ..purchase(1, AMOUNT)
    };
    let batch = network.batch(&[alone.clone()]);
    let signatures = network.sign_batch(&batch, &[ORIGINATOR, NOTARY]);
    refused(
        &mut network,
        batch,
        signatures,
        Error::BadVoucher(alone.id(), VoucherFault::OneInstitution),
    );
}

#[test]
fn the_largest_amount_overflows_nothing() {
    let mut network = Network::funded();
    let voucher = Voucher {
        limit: Limit::PerTransaction(u128::MAX),
        ..purchase(1, u128::MAX)
    };
    let short = Error::InsufficientBalance {
        member: HOME,
        available: DEPOSIT,
        needed: u128::MAX,
    };
    voucher_refused(&mut network, voucher, short);
}

#[test]
fn a_debtor_without_funds_is_named_with_what_it_lacks() {
    let mut network = Network::funded();
    let short = Error::InsufficientBalance {
        member: HOME,
        available: DEPOSIT,
        needed: DEPOSIT + 1,
    };
    voucher_refused(&mut network, purchase(1, DEPOSIT + 1), short);

    let vouchers = [purchase(1, DEPOSIT), purchase(2, 1)];
    let batch = network.batch(&vouchers);
    let signatures = network.sign_batch(&batch, &SIGNERS);
    let second = Error::InsufficientBalance {
        member: HOME,
        available: 0,
        needed: 1,
    };
    refused(&mut network, batch, signatures, second);
}
