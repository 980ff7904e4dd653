use protocol::disputes::{Claim, Dispute, Response, Ruling};

use super::*;

const CLAIM: Claim = Claim {
    obligation: 0,
    amount: 100,
    evidence: [4; 32],
};

/// A purchase for 100 that the home institution paid, and contests.
struct Contested {
    house: House,
    voucher: Voucher,
}

impl Contested {
    fn new(is_paid: bool) -> Self {
        let mut house = House::new();
        house.deposit(house.home, 100);
        let voucher = house.purchase(1, Settlement::Gross, 100);
        house.retain(&house.batch(vec![voucher.clone()]));
        if is_paid {
            let paid = house.clearing_voucher(&voucher, house.home, Source::Deposit(0));
            house.clear(&voucher, paid, house.home);
        }
        Self { house, voucher }
    }

    fn dispute(&self) -> Dispute {
        let now = self.house.stage.block.time;
        Dispute {
            claimant: self.house.home,
            originator: self.house.shop,
            sequence: 1,
            claim: CLAIM,
            contested: owed(self.house.home, self.house.shop, 100),
            opened_at: now,
            rule_by: now + RULING_PERIOD,
            response: None,
            ruling: None,
            awarded: 0,
            is_due: false,
            paid: 0,
        }
    }

    fn open(&mut self, dispute: Dispute) {
        let home = self.house.home;
        let asked = call(CLEARING, account(home.0), "open_dispute", &(home, &self.voucher, CLAIM));
        self.house.stage.next();
        self.house
            .tell("DisputeOpened", &(self.voucher.id(), dispute), Some(&asked));
    }

    fn answer(&mut self, member: Member) {
        let (voucher, evidence) = (self.voucher.id(), [6; 32]);
        let arguments = (member, voucher, 0u8, evidence);
        let asked = call(CLEARING, account(member.0), "answer_dispute", &arguments);
        let response = Response { member, evidence };
        self.house.stage.next();
        self.house
            .tell("DisputeAnswered", &(voucher, 0u8, response), Some(&asked));
    }

    /// The call that ends the dispute; that it ended is told.
    fn rule(&mut self, ruling: Ruling, awarded: Amount, notaries: &[Member]) -> Call {
        let voucher = self.voucher.id();
        let decision = Decision::Rule {
            voucher,
            obligation: 0,
            ruling,
        };
        let approval = self.house.approve_by(&decision, notaries);
        let asked = call(CLEARING, account(9), "rule", &(voucher, 0u8, ruling, approval));
        self.house.stage.next();
        self.house
            .tell("DisputeRuled", &(voucher, 0u8, ruling, awarded), Some(&asked));
        asked
    }

    fn pay(&mut self, amount: Amount, asked: &Call) {
        self.house
            .tell("AwardPaid", &(self.voucher.id(), 0u8, amount), Some(asked));
    }

    fn impartial(&self) -> [Member; 2] {
        let [one, two, _] = self.house.notaries;
        [one, two]
    }
}

#[test]
fn what_a_ruling_gives_back_is_paid_at_once() {
    let mut contested = Contested::new(true);
    contested.open(contested.dispute());
    contested.answer(contested.house.shop);
    let asked = contested.rule(Ruling::Partial(60), 60, &contested.impartial());
    contested.pay(60, &asked);
    let house = &mut contested.house;
    assert_eq!(
        (house.balance(house.home).available, house.balance(house.shop).available),
        (60, 40)
    );
    assert_eq!(house.sums(), 100);
    house.ensure_found(&[]);
}

#[test]
fn what_was_not_paid_yet_goes_back_later() {
    let mut contested = Contested::new(false);
    contested.open(contested.dispute());
    contested.rule(Ruling::Reverse, 100, &contested.impartial());
    let voucher = contested.voucher.clone();
    let house = &mut contested.house;
    let paid = house.clearing_voucher(&voucher, house.home, Source::Deposit(0));
    house.clear(&voucher, paid, house.home);
    house.ensure_found(&[]);
    let asked = call(CLEARING, account(9), "pay_award", &(voucher.id(), 0u8));
    contested.house.stage.next();
    contested.pay(100, &asked);
    contested.house.ensure_found(&[]);
    let source = Source::Ruling(voucher.id(), 0);
    let home = contested.house.home;
    assert_eq!(contested.house.balance(home).last_credit, Some(source));
    contested.pay(0, &asked);
    contested.house.ensure_found(&["wrong-value"]);
}

#[test]
fn a_dispute_that_does_not_follow_from_its_claim_is_found() {
    let mut contested = Contested::new(true);
    let mut dispute = contested.dispute();
    dispute.rule_by += 1;
    contested.open(dispute);
    contested.open(contested.dispute());
    contested.answer(contested.house.home);
    contested.house.ensure_found(&["wrong-value", "twice", "not-entitled"]);
}

#[test]
fn a_dispute_is_answered_once() {
    let mut contested = Contested::new(true);
    contested.open(contested.dispute());
    contested.answer(contested.house.shop);
    contested.answer(contested.house.shop);
    contested.house.ensure_found(&["twice"]);
}

#[test]
fn a_dispute_after_its_time_is_found() {
    let mut contested = Contested::new(true);
    contested.house.stage.later(DISPUTE_PERIOD);
    contested.open(contested.dispute());
    contested.house.ensure_found(&["too-late"]);
}

#[test]
fn a_ruling_that_gives_back_something_else_is_found() {
    let mut contested = Contested::new(true);
    contested.open(contested.dispute());
    let asked = contested.rule(Ruling::Partial(60), 61, &contested.impartial());
    contested.pay(60, &asked);
    contested.house.ensure_found(&["wrong-value", "wrong-value"]);
}

#[test]
fn an_award_that_is_not_paid_at_once_is_found() {
    let mut contested = Contested::new(true);
    contested.open(contested.dispute());
    contested.rule(Ruling::Reverse, 100, &contested.impartial());
    contested.house.deposit(contested.house.home, 1);
    contested.house.ensure_found(&["not-told"]);
}

#[test]
fn a_ruling_after_its_time_and_a_default_before_it_are_found() {
    let mut contested = Contested::new(true);
    contested.open(contested.dispute());
    contested.house.stage.later(RULING_PERIOD);
    contested.rule(Ruling::Uphold, 0, &contested.impartial());
    contested.house.ensure_found(&["too-late"]);

    let mut contested = Contested::new(true);
    contested.open(contested.dispute());
    let voucher = contested.voucher.id();
    let asked = call(CLEARING, account(9), "rule_by_default", &(voucher, 0u8));
    contested
        .house
        .tell("DisputeRuled", &(voucher, 0u8, Ruling::Uphold, 0u128), Some(&asked));
    contested.rule(Ruling::Uphold, 0, &contested.impartial());
    contested.house.ensure_found(&["too-early", "twice"]);
}

#[test]
fn a_dispute_ends_by_default_without_a_decision() {
    let mut contested = Contested::new(true);
    contested.open(contested.dispute());
    let voucher = contested.voucher.id();
    contested.house.stage.later(RULING_PERIOD);
    contested
        .house
        .tell("DisputeRuled", &(voucher, 0u8, Ruling::Uphold, 0u128), None);
    let decision = Decision::SetFees(Vec::new());
    let approval = contested.house.approve(&decision);
    let asked = call(CLEARING, account(1), "set_fees", &(Vec::<u8>::new(), &approval));
    contested
        .house
        .tell("FeesPublished", &(1u32, Vec::<u8>::new()), Some(&asked));
    contested.house.ensure_found(&[]);
}

#[test]
fn a_notary_that_claims_cannot_rule() {
    let mut contested = Contested::new(true);
    let [one, _, partial] = contested.house.notaries;
    let voucher = Voucher {
        others: vec![partial],
        ..contested.house.purchase(2, Settlement::Gross, 100)
    };
    contested.house.deposit(contested.house.home, 100);
    let batch = contested.house.batch(vec![voucher.clone()]);
    let id = retention_id(&pairs(&batch));
    let signers = [
        contested.house.shop,
        contested.house.home,
        one,
        contested.impartial()[1],
        partial,
    ];
    let signatures = contested
        .house
        .stage
        .sign(CLEARING, Purpose::Retention, &id, &(), &signers);
    let asked = call(CLEARING, account(1), "retain_batch", &(&batch, &signatures));
    contested.house.retained(&batch, &signatures, Some(&asked));
    let dispute = Dispute {
        claimant: partial,
        sequence: 2,
        ..contested.dispute()
    };
    let asked = call(
        CLEARING,
        account(partial.0),
        "open_dispute",
        &(partial, &voucher, CLAIM),
    );
    contested
        .house
        .tell("DisputeOpened", &(voucher.id(), dispute), Some(&asked));
    contested.house.ensure_found(&[]);
    contested.voucher = voucher;
    contested.rule(Ruling::Uphold, 0, &[one, partial]);
    contested.house.ensure_found(&["not-entitled"]);
}
