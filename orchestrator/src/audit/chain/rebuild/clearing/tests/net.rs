use protocol::windows::{Certificate, CertificateLine, Position, Shortfall};

use super::*;

impl House {
    fn set_cap(&mut self, member: Member, cap: Amount) {
        let asset = Asset::Native;
        let approval = self.approve(&Decision::SetCap { member, asset, cap });
        let asked = call(CLEARING, account(1), "set_cap", &(member, asset, cap, approval));
        self.stage.next();
        self.tell("CapSet", &(member, asset, cap), Some(&asked));
    }

    /// The call that closes the open window; the window is cut off.
    fn close(&mut self) -> (u32, Call) {
        let number = self.window;
        self.window += 1;
        let approval = self.approve(&Decision::CloseWindow(number));
        let asked = call(CLEARING, account(1), "close_window", &(number, approval));
        self.stage.next();
        self.tell("WindowCutOff", &number, Some(&asked));
        (number, asked)
    }

    fn line(member: Member, owed: Amount, owes: Amount, cap: Amount) -> CertificateLine {
        CertificateLine {
            member,
            asset: Asset::Native,
            position: Position { owed, owes },
            cap,
        }
    }

    /// A purchase for 40 and a cash deposit of 10: the home institution owes 30.
    fn net(&mut self) -> [Voucher; 2] {
        let vouchers = [
            self.purchase(1, Settlement::Net, 40),
            Voucher {
                kind: TransactionKind::CashDeposit,
                ..self.purchase(2, Settlement::Net, 10)
            },
        ];
        self.retain(&self.batch(vouchers.to_vec()));
        vouchers
    }

    fn certificate(&self, number: u32) -> Certificate {
        Certificate {
            window: number,
            vouchers: 2,
            lines: vec![House::line(self.shop, 40, 10, 0), House::line(self.home, 10, 40, 30)],
        }
    }
}

#[test]
fn a_window_is_cut_off_short_and_paid_in_the_end() {
    let mut house = House::new();
    let (shop, home) = (house.shop, house.home);
    house.set_cap(home, 30);
    house.net();
    let (number, asked) = house.close();
    let short = Shortfall {
        member: home,
        asset: Asset::Native,
        available: 0,
        needed: 30,
    };
    house.tell("WindowShort", &(number, vec![short]), Some(&asked));
    assert_eq!(house.balance(home).unsettled, 30);

    house.deposit(home, 100);
    let asked = call(CLEARING, account(9), "settle_window", &number);
    house.stage.later(1_000);
    let certificate = house.certificate(number);
    house.tell("WindowSettled", &(number, &certificate), Some(&asked));
    assert_eq!((house.balance(home).available, house.balance(shop).available), (70, 30));
    assert_eq!(house.balance(home).unsettled, 0);
    assert_eq!(house.sums(), 100);
    house.ensure_found(&[]);
}

#[test]
fn whoever_owes_more_than_its_cap_is_found() {
    let mut house = House::new();
    house.set_cap(house.home, 29);
    house.net();
    house.ensure_found(&["above-limit"]);
}

#[test]
fn a_cap_counts_at_the_end_of_a_batch_however_many_events_tell_it() {
    let mut house = House::new();
    house.set_cap(house.home, 30);
    let shops = (0..96).map(|sequence| house.purchase(sequence, Settlement::Net, 1));
    let mut vouchers: Vec<Voucher> = shops.collect();
    for voucher in vouchers.iter_mut().skip(48) {
        voucher.kind = TransactionKind::CashDeposit;
    }
    let batch = house.batch(vouchers);
    let signatures = house.co_signed(&batch);
    house.retained(&batch, &signatures, None);
    assert_eq!(house.stage.findings.unseen, 1);
    house.ensure_found(&[]);

    let more = house.batch(
        (200..248)
            .map(|sequence| house.purchase(sequence, Settlement::Net, 1))
            .collect(),
    );
    house.retained(&more, &signatures, None);
    house.ensure_found(&["above-limit"]);
}

#[test]
fn a_batch_of_which_vouchers_are_not_told_is_found() {
    let mut house = House::new();
    house.set_cap(house.home, 1_000);
    let batch = house.batch(
        (0..50)
            .map(|sequence| house.purchase(sequence, Settlement::Net, 1))
            .collect(),
    );
    let signatures = house.co_signed(&batch);
    let asked = call(CLEARING, account(1), "retain_batch", &(&batch, &signatures));
    let told = RetentionBatch {
        vouchers: batch.vouchers[..48].to_vec(),
        ..batch
    };
    house.retained(&told, &signatures, Some(&asked));
    house.deposit(house.home, 1);
    house.ensure_found(&["not-told"]);
}

#[test]
fn a_certificate_that_does_not_follow_is_found() {
    let mut house = House::new();
    house.deposit(house.home, 100);
    house.set_cap(house.home, 30);
    house.net();
    let (number, asked) = house.close();
    let mut certificate = house.certificate(number);
    certificate.vouchers = 3;
    house.tell("WindowSettled", &(number, certificate), Some(&asked));
    house.ensure_found(&["wrong-digest"]);
}

#[test]
fn a_window_that_is_paid_though_somebody_is_short_is_found() {
    let mut house = House::new();
    house.set_cap(house.home, 30);
    house.net();
    let (number, asked) = house.close();
    let certificate = house.certificate(number);
    house.tell("WindowSettled", &(number, certificate), Some(&asked));
    house.ensure_found(&["overspent", "not-conserved"]);
}

#[test]
fn a_window_that_is_cut_off_and_forgotten_is_found() {
    let mut house = House::new();
    house.close();
    house.deposit(house.home, 1);
    house.ensure_found(&["not-told"]);
}

#[test]
fn a_window_closed_without_enough_notaries_is_found() {
    let mut house = House::new();
    let decision = Decision::CloseWindow(0);
    let [one, _, _] = house.notaries;
    let approval = house.approve_by(&decision, &[house.shop, one]);
    let approval = Approval { number: 4, ..approval };
    let asked = call(CLEARING, account(1), "close_window", &(0u32, approval));
    house.tell("WindowCutOff", &0u32, Some(&asked));
    let empty = Certificate {
        window: 0,
        vouchers: 0,
        lines: Vec::new(),
    };
    house.tell("WindowSettled", &(0u32, empty), Some(&asked));
    house.ensure_found(&["stale-number", "missing-role", "bad-signature", "bad-signature"]);
}

#[test]
fn vouchers_are_taken_out_and_paid_one_by_one() {
    let mut house = House::new();
    let home = house.home;
    house.set_cap(home, 30);
    let [purchase, _] = house.net();
    let (number, asked) = house.close();
    let short = Shortfall {
        member: home,
        asset: Asset::Native,
        available: 0,
        needed: 30,
    };
    house.tell("WindowShort", &(number, vec![short]), Some(&asked));
    let vouchers = vec![purchase.id()];
    let decision = Decision::TakeOut {
        window: number,
        vouchers: vouchers.clone(),
    };
    let approval = house.approve(&decision);
    let asked = call(CLEARING, account(1), "take_out", &(number, vec![&purchase], &approval));
    house.stage.next();
    house.tell("TakenOut", &(number, &vouchers), Some(&asked));
    assert_eq!(
        (house.balance(home).unsettled, house.balance(house.shop).unsettled),
        (0, 10)
    );
    house.ensure_found(&[]);

    house.deposit(home, 40);
    let paid = house.clearing_voucher(&purchase, home, Source::Deposit(0));
    house.clear(&purchase, paid, home);
    assert_eq!(
        (house.balance(home).available, house.balance(house.shop).available),
        (0, 40)
    );
    house.ensure_found(&[]);

    let approval = house.approve(&decision);
    let asked = call(CLEARING, account(1), "take_out", &(number, vec![&purchase], &approval));
    house.tell("TakenOut", &(number, &vouchers), Some(&asked));
    house.ensure_found(&["unknown"]);
}
