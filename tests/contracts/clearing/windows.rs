//! Windows: positions add up, nets are paid all or none, caps bound what anyone can owe.
use protocol::{
    clearing::Error,
    settlement::{Asset, Settlement, Source, TransactionKind, Voucher},
    windows::{Certificate, CertificateLine, Closing, Position, Shortfall},
    Member,
};
use quittance_tests::institutions::{purchase, Network, DEPOSIT, HOME, ORIGINATOR, STRANGER};

use super::{clearing_refused, voucher_refused, AMOUNT};

const CAP: u128 = 2 * AMOUNT;

/// Where the home institution may owe twice the amount.
fn network() -> Network {
    let mut network = Network::funded();
    network.set_cap(HOME, CAP).unwrap();
    network
}

fn net(sequence: u64, amount: u128) -> Voucher {
    Voucher {
        settlement: Settlement::Net,
        ..purchase(sequence, amount)
    }
}

/// The other way round.
fn back(sequence: u64, amount: u128) -> Voucher {
    Voucher {
        kind: TransactionKind::CashDeposit,
        ..net(sequence, amount)
    }
}

fn line(member: Member, owed: u128, owes: u128, cap: u128) -> CertificateLine {
    CertificateLine {
        member,
        asset: Asset::Native,
        position: Position { owed, owes },
        cap,
    }
}

#[test]
fn a_window_pays_the_nets_and_certifies_them() {
    let mut network = network();
    network.retain(&[net(1, AMOUNT), back(2, AMOUNT - 3)]).unwrap();
    assert_eq!(
        network.balance(HOME).available,
        DEPOSIT,
        "nothing moves before it closes"
    );
    let certificate = Certificate {
        window: 0,
        vouchers: 2,
        lines: vec![
            line(ORIGINATOR, AMOUNT, AMOUNT - 3, 0),
            line(HOME, AMOUNT - 3, AMOUNT, CAP),
        ],
    };
    assert_eq!(network.close_window(0), Ok(Closing::Settled(certificate)));
    assert_eq!(network.balance(HOME).available, DEPOSIT - 3);
    let credited = network.balance(ORIGINATOR);
    assert_eq!(credited.available, 3);
    assert_eq!(credited.last_credit, Some(Source::Window(0)));
    assert_eq!(network.current().window, 1);
    let kept = network.relation(&net(1, AMOUNT)).unwrap();
    assert!(kept.is_cleared());
}

#[test]
fn a_window_closes_once_and_in_turn() {
    let mut network = network();
    let wrong = |open| Err(Error::WrongWindow { open });
    assert_eq!(network.close_window(1), wrong(0));
    assert_eq!(network.settle_window(0), wrong(0), "it is open");
    network.close_window(0).unwrap();
    assert_eq!(network.close_window(0), wrong(1));
    assert_eq!(network.settle_window(0), wrong(1), "it is paid");
}

#[test]
fn nobody_owes_more_than_its_cap_over_all_windows_that_are_not_paid() {
    let mut network = network();
    let beyond = |needed| Error::CapExceeded {
        member: HOME,
        cap: CAP,
        needed,
    };
    voucher_refused(&mut network, net(1, CAP + 1), beyond(CAP + 1));
    network.retain(&[net(1, AMOUNT)]).unwrap();
    network.withdraw(HOME, DEPOSIT).unwrap();
    assert!(matches!(network.close_window(0), Ok(Closing::Short(_))));
    voucher_refused(&mut network, net(2, AMOUNT + 1), beyond(CAP + 1));
    network.retain(&[net(2, AMOUNT)]).unwrap();
    voucher_refused(&mut network, net(3, 1), beyond(CAP + 1));

    network.deposit(HOME, AMOUNT).unwrap();
    network.settle_window(0).unwrap();
    network.retain(&[net(3, AMOUNT)]).unwrap();
    network.set_cap(HOME, 0).unwrap();
    network.retain(&[back(4, AMOUNT)]).unwrap();
}

#[test]
fn who_is_short_is_named_and_nothing_moves_until_it_can_pay() {
    let mut network = network();
    network.set_cap(ORIGINATOR, CAP).unwrap();
    network.deposit(STRANGER, AMOUNT).unwrap();
    let to_home = Voucher {
        home: STRANGER,
        ..back(2, 5)
    };
    network.retain(&[net(1, AMOUNT), to_home]).unwrap();
    network.withdraw(HOME, DEPOSIT - 7).unwrap();
    let short = Shortfall {
        member: HOME,
        asset: Asset::Native,
        available: 7,
        needed: AMOUNT,
    };
    assert_eq!(network.close_window(0), Ok(Closing::Short(vec![short])));
    assert_eq!(network.settle_window(0), Ok(Closing::Short(vec![short])));
    assert_eq!(
        network.balance(ORIGINATOR).available,
        0,
        "what it is owed can't be spent"
    );
    assert_eq!(network.balance(STRANGER).available, AMOUNT);
    assert_eq!(network.balance(HOME).unsettled, AMOUNT);

    network.deposit(HOME, AMOUNT - 7).unwrap();
    assert!(matches!(network.settle_window(0), Ok(Closing::Settled(_))));
    assert_eq!(network.balance(HOME).available, 0);
    assert_eq!(network.balance(HOME).unsettled, 0);
    assert_eq!(network.balance(ORIGINATOR).available, AMOUNT - 5);
    assert_eq!(network.balance(STRANGER).available, AMOUNT + 5);
}

#[test]
fn what_is_taken_out_is_owed_by_itself_and_the_others_are_paid() {
    let mut network = network();
    let [large, small] = [net(1, AMOUNT), net(2, 7)];
    network.retain(&[large.clone(), small.clone()]).unwrap();
    network.withdraw(HOME, DEPOSIT - 7).unwrap();
    assert_eq!(
        network.take_out(0, &[large.clone()]),
        Err(Error::WrongWindow { open: 0 }),
        "it is open"
    );
    network.close_window(0).unwrap();
    let source = Source::Deposit(0);
    let netted = network.sign_clearing(&large, network.clearing_voucher(&large, source), HOME);
    clearing_refused(&mut network, vec![netted.clone()], Error::SettledNet(large.id()));

    network.take_out(0, &[large.clone()]).unwrap();
    assert_eq!(
        network.take_out(0, &[large.clone()]),
        Err(Error::NotInWindow(large.id()))
    );
    assert!(matches!(network.settle_window(0), Ok(Closing::Settled(_))));
    assert_eq!(network.balance(ORIGINATOR).available, 7);
    let short = Error::InsufficientBalance {
        member: HOME,
        available: 0,
        needed: AMOUNT,
    };
    clearing_refused(&mut network, vec![netted.clone()], short);
    network.deposit(HOME, AMOUNT).unwrap();
    network.clear(vec![netted.clone()]).unwrap();
    assert_eq!(network.balance(ORIGINATOR).available, AMOUNT + 7);
    clearing_refused(&mut network, vec![netted], Error::AlreadyCleared(large.id(), HOME));
    let small = network.sign_clearing(&small, network.clearing_voucher(&small, source), HOME);
    let id = small.clearing_voucher.voucher;
    clearing_refused(&mut network, vec![small], Error::SettledNet(id));
}
