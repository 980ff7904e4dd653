use protocol::{
    fees::{FeePayee, FeeRule, Service},
    Signature,
};

use super::*;

#[test]
fn money_goes_in_moves_and_goes_out() {
    let mut house = House::new();
    let (shop, home) = (house.shop, house.home);
    house.deposit(home, 1_000);
    let voucher = house.purchase(3, Settlement::Gross, 300);
    house.retain(&house.batch(vec![voucher.clone()]));
    assert_eq!(
        (house.balance(home).available, house.balance(home).reserved),
        (700, 300)
    );
    let paid = house.clearing_voucher(&voucher, home, Source::Deposit(0));
    house.clear(&voucher, paid, home);
    assert_eq!((house.balance(home).reserved, house.balance(shop).available), (0, 300));
    let source = Source::Clearing(voucher.id(), home);
    assert_eq!(house.balance(shop).last_credit, Some(source));

    let asked = call(CLEARING, account(0), "withdraw", &(shop, Asset::Native, 100u128));
    let fields = (shop, Asset::Native, 100u128, account(0));
    house.stage.next();
    house.tell("Withdrawn", &fields, Some(&asked));
    assert_eq!(house.sums(), 900);
    house.ensure_found(&[]);
    assert_eq!(house.stage.findings.unseen, 0);
}

#[test]
fn a_deposit_is_what_was_sent_by_the_members_account() {
    let mut house = House::new();
    let mut asked = call(CLEARING, account(1), "deposit", &house.shop);
    asked.value = 5;
    let fields = (house.shop, Asset::Native, 50u128, 0u64);
    house.tell("Deposited", &fields, Some(&asked));
    house.ensure_found(&["wrong-sum", "wrong-sender"]);
}

#[test]
fn a_house_that_was_never_made_is_told_once() {
    let mut stage = Stage::new();
    for deposit in 0u64..2 {
        let fields = (Member(0), Asset::Native, 5u128, deposit);
        stage.tell(take, CLEARING, "Deposited", &fields, None);
    }
    assert_eq!(stage.codes(), ["never-made"]);
}

#[test]
fn a_withdrawal_beyond_the_balance_or_to_a_stranger_is_found() {
    let mut house = House::new();
    let shop = house.shop;
    house.deposit(shop, 10);
    house.tell("Withdrawn", &(shop, Asset::Native, 11u128, account(5)), None);
    assert_eq!(house.stage.findings.unseen, 1);
    house.ensure_found(&["wrong-value", "overspent", "not-conserved"]);
}

#[test]
fn a_forged_signature_is_found() {
    let mut house = House::new();
    house.deposit(house.home, 1_000);
    let batch = house.batch(vec![house.purchase(1, Settlement::Gross, 10)]);
    let mut signatures = house.co_signed(&batch);
    signatures[1].signature = Signature([1; 64]);
    let asked = call(CLEARING, account(1), "retain_batch", &(&batch, &signatures));
    house.retained(&batch, &signatures, Some(&asked));
    house.ensure_found(&["bad-signature"]);
}

#[test]
fn signatures_that_are_missing_are_found() {
    let mut house = House::new();
    house.deposit(house.home, 1_000);
    let batch = house.batch(vec![house.purchase(1, Settlement::Gross, 10)]);
    let mut signatures = house.co_signed(&batch);
    signatures.remove(3);
    signatures.remove(0);
    let asked = call(CLEARING, account(1), "retain_batch", &(&batch, &signatures));
    house.retained(&batch, &signatures, Some(&asked));
    house.ensure_found(&["missing-signature", "below-threshold", "missing-signature"]);
}

#[test]
fn signatures_of_an_epoch_that_has_ended_are_found() {
    let mut house = House::new();
    house.deposit(house.home, 1_000);
    let batch = house.batch(vec![house.purchase(1, Settlement::Gross, 10)]);
    let signatures = house.co_signed(&batch);
    let change = protocol::registry::Change::SetNotaryThreshold(1);
    house.stage.change(None, &change);
    let asked = call(CLEARING, account(1), "retain_batch", &(&batch, &signatures));
    house.retained(&batch, &signatures, Some(&asked));
    let bad = ["bad-signature"; 4];
    house.ensure_found(&[&["stale-epoch"; 2][..], &bad[..]].concat());
}

#[test]
fn ids_and_relations_are_made_anew() {
    let mut house = House::new();
    house.deposit(house.home, 1_000);
    let voucher = house.purchase(1, Settlement::Gross, 10);
    let told = Retained {
        id: VoucherId([8; 32]),
        relation: RelationId([8; 32]),
        voucher,
    };
    let [one, two, _] = house.notaries;
    let signers = vec![house.shop, house.home, one, two];
    let fields = (
        0u32,
        house.stage.block.time,
        0u32,
        house.stage.epoch,
        signers,
        vec![told],
    );
    house.tell("Retained", &fields, None);
    house.ensure_found(&["wrong-digest", "wrong-digest"]);
}

#[test]
fn a_voucher_is_used_once_and_paid_from_what_is_there() {
    let mut house = House::new();
    house.deposit(house.home, 15);
    let voucher = house.purchase(1, Settlement::Gross, 10);
    house.retain(&house.batch(vec![voucher.clone()]));
    house.ensure_found(&[]);
    let again = Voucher { amount: 5, ..voucher };
    house.retain(&house.batch(vec![again]));
    house.retain(&house.batch(vec![house.purchase(2, Settlement::Gross, 1)]));
    house.ensure_found(&["twice", "overspent", "not-conserved", "contradiction"]);
}

#[test]
fn a_voucher_that_breaks_its_own_rules_is_found() {
    let mut house = House::new();
    house.deposit(house.home, 15_000_000);
    let above = house.purchase(1, Settlement::Gross, 2_000_000);
    let expired = Voucher {
        expires_at: 5,
        ..house.purchase(2, Settlement::Gross, 1)
    };
    house.retain(&house.batch(vec![above, expired]));
    house.ensure_found(&["bad-terms", "expired"]);
}

#[test]
fn a_discharge_is_signed_by_the_debtor_and_made_once() {
    let mut house = House::new();
    let (shop, home) = (house.shop, house.home);
    house.deposit(home, 1_000);
    let voucher = house.purchase(1, Settlement::Gross, 10);
    house.retain(&house.batch(vec![voucher.clone()]));
    let paid = house.clearing_voucher(&voucher, home, Source::Deposit(0));
    house.clear(&voucher, paid.clone(), shop);
    house.ensure_found(&["bad-signature"]);
    house.clear(&voucher, paid, home);
    house.ensure_found(&["bad-signature", "twice", "overspent", "not-conserved"]);
}

#[test]
fn a_discharge_is_of_what_is_owed_from_what_was_credited() {
    let mut house = House::new();
    let home = house.home;
    house.deposit(house.shop, 1_000);
    house.deposit(home, 1_000);
    let voucher = house.purchase(1, Settlement::Gross, 10);
    house.retain(&house.batch(vec![voucher.clone()]));
    let paid = house.clearing_voucher(&voucher, home, Source::Deposit(0));
    let paid = ClearingVoucher {
        relation: RelationId([8; 32]),
        discharged: vec![owed(home, house.shop, 9)],
        ..paid
    };
    house.clear(&voucher, paid, home);
    house.ensure_found(&["wrong-digest", "wrong-value", "bad-source", "contradiction"]);
}

#[test]
fn a_refund_gives_back_no_more_than_was_paid_to_who_paid_it() {
    let mut house = House::new();
    let (shop, home) = (house.shop, house.home);
    house.deposit(home, 1_000);
    house.deposit(shop, 1_000);
    let original = house.purchase(1, Settlement::Gross, 10);
    house.retain(&house.batch(vec![original.clone()]));
    let refund = |sequence, amount| Voucher {
        kind: TransactionKind::Refund(original.id()),
        sequence,
        amount,
        ..original.clone()
    };
    let refunds = |house: &House, refund: Voucher| RetentionBatch {
        refunded: vec![original.clone()],
        ..house.batch(vec![refund])
    };
    house.retain(&refunds(&house, refund(2, 8)));
    house.ensure_found(&[]);
    house.retain(&refunds(&house, refund(3, 3)));
    let other_user = Voucher {
        user: UserId([6; 32]),
        ..refund(4, 1)
    };
    let alone = house.batch(vec![other_user]);
    house.retain(&alone);
    house.ensure_found(&["above-paid", "bad-terms", "bad-terms", "above-paid"]);
}

#[test]
fn fees_are_published_by_the_notaries_and_owed_on_top() {
    let mut house = House::new();
    let (shop, home) = (house.shop, house.home);
    house.deposit(home, 1_000);
    let rule = FeeRule {
        service: Service::Purchase,
        asset: Asset::Native,
        payee: FeePayee::Originator,
        flat: 7,
        parts_per_million: 0,
        at_most: 100,
    };
    let rules = vec![rule];
    let approval = house.approve(&Decision::SetFees(rules.clone()));
    let asked = call(CLEARING, account(1), "set_fees", &(&rules, &approval));
    house.tell("FeesPublished", &(1u32, &rules), Some(&asked));

    let voucher = Voucher {
        fees: 1,
        ..house.purchase(1, Settlement::Gross, 100)
    };
    let relation = Relation::of(&voucher, &rules, house.stage.block.time).unwrap();
    let told = Retained {
        id: voucher.id(),
        relation: relation.id(),
        voucher,
    };
    let [one, two, _] = house.notaries;
    let signers = vec![shop, home, one, two];
    let fields = (
        0u32,
        house.stage.block.time,
        0u32,
        house.stage.epoch,
        signers,
        vec![told],
    );
    house.tell("Retained", &fields, None);
    assert_eq!(house.balance(home).reserved, 107);

    let approval = house.approve(&Decision::SetFees(Vec::new()));
    let asked = call(CLEARING, account(1), "set_fees", &(&rules, &approval));
    house.tell("FeesPublished", &(2u32, &rules), Some(&asked));
    house.ensure_found(&["bad-signature", "bad-signature"]);
}

#[test]
fn what_was_kept_before_the_audit_is_believed() {
    let mut house = House::new();
    let home = house.home;
    house.deposit(home, 1_000);
    let voucher = house.purchase(1, Settlement::Gross, 300);
    house.retain(&house.batch(vec![voucher.clone()]));
    let mut kept = house.stage.tables.of(CLEARING);
    kept.remove_note("begun", &()).unwrap();
    kept.remove_note("deposited", &Asset::Native).unwrap();
    kept.remove_note("vouchers", &voucher.id()).unwrap();
    kept.remove_note("undischarged", &(voucher.id(), home)).unwrap();
    assert_eq!(house.sums(), 1_000);
    house.ensure_found(&[]);

    let paid = house.clearing_voucher(&voucher, home, Source::Deposit(0));
    house.clear(&voucher, paid, home);
    assert_eq!(house.balance(home).reserved, 0);
    house.ensure_found(&[]);
}
