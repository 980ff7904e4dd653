//! Programmes whose calls can be seen: every signature and every sender counts.
#![allow(clippy::unwrap_used)]
use protocol::{
    prepaid::{
        Card, CardLimits, CardPayment, DeclineCode, DisputeOrder, PaymentLine, RefundOrder, Rules, SignedPayment,
        Verdict, VoidOrder, DAY,
    },
    registry::{Change, Roles, Status},
    Amount, Signature,
};
use sp_core::{sr25519, Pair as _};

use super::*;
use crate::audit::chain::{
    rebuild::stage::{account, call, Stage, GENESIS, REGISTRY, START},
    Call,
};

const PREPAID: AccountId = AccountId([40; 32]);
const CARD: CardNumber = CardNumber(7);
const MERCHANT: MerchantNumber = MerchantNumber(3);
const LATER: u64 = START + 100 * DAY;

fn key(name: &str) -> sr25519::Pair {
    sr25519::Pair::from_string(&format!("//{name}"), None).unwrap()
}

fn whose(name: &str) -> AccountId {
    AccountId(key(name).public().0)
}

fn sign(name: &str, payload: &[u8]) -> Signature {
    Signature(key(name).sign(payload).0)
}

fn here() -> Domain {
    prepaid::domain(GENESIS, PREPAID)
}

fn limits() -> CardLimits {
    CardLimits {
        balance: 1_000,
        per_payment: 500,
        per_day: 800,
    }
}

fn programme() -> Programme {
    Programme {
        limits: limits(),
        allows_partial: false,
        cycle: DAY,
        dispute_period: 5 * DAY,
        ruling_period: 2 * DAY,
    }
}

/// A programme with its issuer, member 0, and an acquirer, member 1.
struct Shop(Stage);

impl Shop {
    /// With a card of 800, a merchant, its terminal.
    fn open() -> Self {
        let mut stage = Stage::new();
        let issuer = stage.register(Roles::CARD_ISSUER);
        let acquirer = stage.register(Roles::PARTICIPANT);
        let mut shop = Self(stage);
        let made = (GENESIS, REGISTRY, issuer, Asset::Native, programme());
        let new = shop.asked("new", &made);
        shop.0.next().tell(take, PREPAID, MADE, &(), Some(&new));
        shop.0.tell(take, PREPAID, "ProgrammeSet", &programme(), Some(&new));
        let rules = Rules {
            flat: 2,
            parts_per_million: 10_000,
            least_payout: 50,
            reserve_parts_per_million: 0,
        };
        let merchant = (MERCHANT, acquirer, account(30), rules);
        shop.same("MerchantRegistered", "register_merchant", &merchant);
        shop.same("TerminalAdded", "add_terminal", &(MERCHANT, whose("Terminal")));
        let card = (CARD, whose("Card"), whose("Holder"), limits(), LATER);
        shop.same("CardIssued", "issue_card", &card);
        shop.top_up(800, 800);
        shop.0.later(1_000);
        shop
    }

    /// What the issuer asks.
    fn asked(&self, message: &str, arguments: &impl Encode) -> Call {
        call(PREPAID, account(0), message, arguments)
    }

    fn tell(&mut self, event: &str, fields: &impl Encode, call: &Call) {
        self.0.next().tell(take, PREPAID, event, fields, Some(call));
    }

    /// Something whose fields are its arguments.
    fn same(&mut self, event: &str, message: &str, fields: &impl Encode) {
        let call = self.asked(message, fields);
        self.tell(event, fields, &call);
    }

    fn top_up(&mut self, amount: Amount, value: Amount) {
        let (payer, reference) = (account(60), [1u8; 32]);
        let call = Call {
            value,
            ..call(PREPAID, payer, "top_up", &(CARD, amount, reference))
        };
        self.tell("ToppedUp", &(CARD, amount, reference, payer), &call);
    }

    /// A payment, signed by these, and what is told of it.
    fn pay(&mut self, counter: u64, terminal: &str, card: &str, verdict: Verdict) {
        let payment = CardPayment {
            card: CARD,
            counter,
            merchant: MERCHANT,
            terminal: whose("Terminal"),
            amount: 100,
            least: 100,
            expires_at: LATER,
        };
        let payload = payment.payload(&here());
        let signed = SignedPayment {
            payment,
            card: sign(card, &payload),
            terminal: sign(terminal, &payload),
        };
        let call = self.asked("pay_batch", &vec![signed]);
        self.tell("PaymentsDecided", &vec![PaymentLine { payment, verdict }], &call);
    }

    /// One that is well.
    fn take(&mut self, counter: u64, balance: Amount) {
        self.pay(counter, "Terminal", "Card", approved(balance));
    }

    fn refund(&mut self, signer: &str, returned: Amount, amount: Amount) {
        let order = RefundOrder {
            card: CARD,
            counter: 1,
            terminal: whose("Terminal"),
            amount: 40,
            returned,
            expires_at: LATER,
        };
        let call = self.asked("refund", &(order, sign(signer, &order.payload(&here()))));
        self.tell("Refunded", &(CARD, 1u64, amount), &call);
    }

    fn void(&mut self, counter: u64, signer: &str) {
        let order = VoidOrder {
            card: CARD,
            counter,
            terminal: whose("Terminal"),
            expires_at: LATER,
        };
        let call = self.asked("void", &(order, sign(signer, &order.payload(&here()))));
        self.tell("Voided", &(CARD, counter, 100u128), &call);
    }

    fn dispute(&mut self, signer: &str) {
        let order = DisputeOrder {
            card: CARD,
            counter: 1,
            amount: 50,
            evidence: [5; 32],
            expires_at: LATER,
        };
        let asked = (order, sign(signer, &order.payload(&here())));
        let call = call(PREPAID, account(77), "open_dispute", &asked);
        let rule_by = self.0.block.time + 2 * DAY;
        self.tell("DisputeOpened", &(CARD, 1u64, 50u128, [5u8; 32], rule_by), &call);
    }

    fn answer(&mut self, sender: u16) {
        let call = call(PREPAID, account(sender), "answer_dispute", &(CARD, 1u64, [6u8; 32]));
        let rule_by = self.0.block.time + 2 * DAY;
        self.tell("DisputeAnswered", &(CARD, 1u64, [6u8; 32], rule_by), &call);
    }

    /// The cycle is closed by this one as it should be.
    fn close_cycle(&mut self, sender: u16) {
        let kept = self.0.tables.of(PREPAID);
        let mut merchant: Merchant = kept
            .get(protocol::KeyComposer::from_str("Prepaid::merchants"), &MERCHANT)
            .unwrap()
            .unwrap();
        let statement = merchant.close_cycle(MERCHANT, self.0.block.time).unwrap();
        let call = call(PREPAID, account(sender), "close_cycle", &MERCHANT);
        self.tell("CycleClosed", &(MERCHANT, statement), &call);
    }

    fn codes(&mut self) -> Vec<&str> {
        let Stage {
            block,
            tables,
            findings,
            ..
        } = &mut self.0;
        sums("contract", PREPAID, *block, tables, findings).unwrap();
        self.0.codes()
    }
}

const fn approved(balance: Amount) -> Verdict {
    Verdict::Approved {
        taken: 100,
        balance,
        cycle: 0,
    }
}

#[test]
fn a_programme_that_everybody_signed_for_is_rebuilt() {
    let mut shop = Shop::open();
    let before = shop.0.findings.signatures;
    shop.take(1, 700);
    shop.take(2, 600);
    shop.pay(
        3,
        "Terminal",
        "Holder",
        Verdict::Declined(DeclineCode::BadCardSignature),
    );
    shop.pay(3, "Card", "Card", Verdict::Declined(DeclineCode::BadTerminalSignature));
    shop.void(2, "Terminal");
    shop.refund("Terminal", 0, 40);
    shop.dispute("Holder");
    shop.answer(1);
    let decided = shop.asked("decide_dispute", &(CARD, 1u64, 10u128));
    shop.tell("DisputeDecided", &(CARD, 1u64, 10u128, false), &decided);
    shop.close_cycle(0);
    shop.0.later(DAY);
    shop.close_cycle(77);
    assert_eq!(shop.codes(), Vec::<&str>::new());
    // Two for each payment, one where the terminal's was bad, one for each order.
    assert_eq!(shop.0.findings.signatures - before, 4 + 2 + 1 + 3);
    assert_eq!(shop.0.findings.unseen, 0);
    let cards = protocol::KeyComposer::from_str("Prepaid::cards");
    let card: Card = shop.0.tables.of(PREPAID).get(cards, &CARD).unwrap().unwrap();
    assert_eq!((card.balance, card.counter), (750, 2));
}

#[test]
fn a_payment_that_card_or_terminal_didnt_sign_is_found_if_it_was_taken() {
    for (terminal, card) in [("Card", "Card"), ("Terminal", "Terminal")] {
        let mut shop = Shop::open();
        shop.pay(1, terminal, card, approved(700));
        assert_eq!(shop.codes(), ["bad-signature"], "{terminal}, {card}");
    }
}

#[test]
fn a_payment_that_both_signed_is_found_if_it_was_declined_for_a_signature() {
    for code in [DeclineCode::BadTerminalSignature, DeclineCode::BadCardSignature] {
        let mut shop = Shop::open();
        shop.pay(1, "Terminal", "Card", Verdict::Declined(code));
        assert_eq!(shop.codes(), ["wrong-value"]);
    }
}

#[test]
fn orders_that_nobody_or_another_one_signed_are_found() {
    let mut shop = Shop::open();
    shop.take(1, 700);
    shop.refund("Card", 0, 40);
    assert_eq!(shop.codes(), ["bad-signature"]);
    shop.dispute("Card");
    assert_eq!(shop.codes(), ["bad-signature"; 2]);
    shop.take(2, 640);
    shop.void(2, "Card");
    assert_eq!(shop.codes(), ["bad-signature"; 3]);
}

#[test]
fn an_order_to_refund_is_good_once_and_for_its_amount() {
    let mut shop = Shop::open();
    shop.take(1, 700);
    shop.refund("Terminal", 0, 40);
    shop.refund("Terminal", 0, 40);
    assert_eq!(shop.codes(), ["stale-number"]);
    let mut shop = Shop::open();
    shop.take(1, 700);
    shop.refund("Terminal", 0, 41);
    assert_eq!(shop.codes(), ["wrong-value"]);
}

#[test]
fn what_only_one_institution_may_do_is_found_if_another_one_did_it() {
    let mut shop = Shop::open();
    shop.close_cycle(77);
    assert_eq!(
        shop.codes(),
        ["wrong-sender"],
        "before the cycle is over, only the issuer closes it"
    );
    shop.take(1, 700);
    shop.0.findings.first.clear();
    shop.dispute("Holder");
    shop.answer(0);
    assert!(shop.0.codes().contains(&"wrong-sender"), "only the acquirer answers");
    shop.0.findings.first.clear();
    let frozen = call(PREPAID, account(1), "freeze", &CARD);
    shop.tell("Frozen", &CARD, &frozen);
    assert_eq!(shop.0.codes(), ["wrong-sender"]);
}

#[test]
fn what_an_issuer_does_while_it_is_suspended_is_found() {
    let mut shop = Shop::open();
    let (member, status) = (Member(0), Status::Suspended);
    shop.0.change(Some(member), &Change::SetStatus { member, status });
    shop.same("Frozen", "freeze", &CARD);
    assert_eq!(shop.codes(), ["not-active"]);
}

#[test]
fn an_order_that_comes_too_late_is_found() {
    let mut shop = Shop::open();
    shop.take(1, 700);
    shop.0.later(LATER - START);
    shop.refund("Terminal", 0, 40);
    assert_eq!(shop.codes(), ["expired"]);
}

#[test]
fn what_cant_be_read_is_found() {
    let mut shop = Shop::open();
    shop.same("DisputeDecided", "decide_dispute", &(CARD, 1u64, 10u128));
    assert_eq!(shop.codes(), ["unreadable-event"], "a flag is missing");
    shop.same("Melted", "melt", &CARD);
    assert_eq!(shop.codes(), ["unreadable-event", "unknown-event"]);
}

#[test]
fn what_wasnt_asked_for_and_what_wasnt_paid_is_found() {
    let mut shop = Shop::open();
    let asked = shop.asked("freeze", &CardNumber(8));
    shop.tell("Frozen", &CARD, &asked);
    let asked = shop.asked("freeze", &CARD);
    shop.tell("Unfrozen", &CARD, &asked);
    assert_eq!(shop.codes(), ["other-arguments", "other-message"]);
    let mut shop = Shop::open();
    shop.top_up(10, 9);
    assert_eq!(shop.codes(), ["wrong-sum", "twice"], "nor is a reference used twice");
}
