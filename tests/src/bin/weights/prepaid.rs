//! Prepaid: each message, and a payment against a plain transfer of tokens.
use protocol::{
    prepaid::{
        Card, CardNumber, CardPayment, Constants, Dispute, Error, Float, Merchant, MerchantNumber, PaymentKey,
        PaymentRecord, Programme, Statement, Terminal, Verdict, MAX_LISTED, MAX_PAYMENTS,
    },
    Member,
};
use quittance_runtime::UNIT;
use quittance_tests::{
    contract_chain::{Called, START},
    institutions::account,
    prepaid::{
        Cards, ACQUIRER, CARD, CARD_EXPIRY, HOLDER, ISSUER, LIMITS, NATIVE, NEW_CHIP, PROGRAMME, RULES, SHOP,
        SPARE_TERMINAL, STRANGER, TERMINAL, TILL, TOKEN,
    },
};
use scale::{Decode, Encode};

use super::row;

/// Of few enough that 64 of them are within a day's limit.
const AMOUNT: u128 = UNIT;

/// The rows of all messages.
pub fn messages() {
    for (asset, name) in [(NATIVE, "native"), (TOKEN, "PSP22")] {
        money(asset, name);
    }
    let mut cards = Cards::default();
    let number = MerchantNumber(3);
    let merchant = (number, ACQUIRER, account(TILL), RULES);
    told(&mut cards, "`set_programme`", ISSUER, "set_programme", PROGRAMME);
    told(&mut cards, "`register_merchant`", ISSUER, "register_merchant", merchant);
    told(
        &mut cards,
        "`switch_merchant`",
        ISSUER,
        "switch_merchant",
        (number, true),
    );
    told(&mut cards, "`set_rules`", ISSUER, "set_rules", (number, RULES));
    let terminal = account(SPARE_TERMINAL);
    told(&mut cards, "`add_terminal`", ISSUER, "add_terminal", (number, terminal));
    told(&mut cards, "`revoke_terminal`", ISSUER, "revoke_terminal", terminal);
    let card = CardNumber(3);
    let key = account(NEW_CHIP);
    let issued = (card, key, account(HOLDER), LIMITS, CARD_EXPIRY);
    told(&mut cards, "`issue_card`", ISSUER, "issue_card", issued);
    told(&mut cards, "`set_limits`", ISSUER, "set_limits", (card, LIMITS));
    told(&mut cards, "`freeze`", ISSUER, "freeze", card);
    told(&mut cards, "`unfreeze`", ISSUER, "unfreeze", card);
    told(
        &mut cards,
        "`replace_card`",
        ISSUER,
        "replace_card",
        (card, account(STRANGER)),
    );
    paying();
    queries();
}

/// What moves money, in one asset.
fn money(asset: usize, name: &str) {
    let mut cards = Cards::with(asset);
    for (message, args) in [
        ("top_up", (CARD, AMOUNT, [9u8; 32]).encode()),
        ("fund_merchant", (SHOP, AMOUNT, [10u8; 32]).encode()),
    ] {
        cards.approve(ISSUER, AMOUNT);
        let value = cards.value(AMOUNT);
        let called = cards.try_send::<Result<(), Error>>(ISSUER, message, Raw(&args), value);
        row("prepaid", &format!("`{message}`, {name}"), &called.unwrap());
    }
    cards.paid(1, AMOUNT);
    told(
        &mut cards,
        &format!("`close_cycle`, {name}"),
        ISSUER,
        "close_cycle",
        SHOP,
    );
    told(&mut cards, &format!("`close_card`, {name}"), ISSUER, "close_card", CARD);
}

/// Bytes as they are, without their length.
struct Raw<'a>(&'a [u8]);

impl Encode for Raw<'_> {
    fn encode_to<O: scale::Output + ?Sized>(&self, to: &mut O) {
        to.write(self.0);
    }
}

fn paying() {
    let mut cards = Cards::default();
    for count in [1, MAX_PAYMENTS as u64] {
        row(
            "prepaid",
            &format!("`pay_batch` of {count}"),
            &batch(&mut cards, count, 1_000 * count),
        );
    }
    cards.order("freeze", CARD).unwrap();
    let called = batch(&mut cards, 1, 5_000);
    assert!(matches!(called.output, Ok(ref verdicts) if matches!(verdicts[0], Verdict::Declined(_))));
    row("prepaid", "`pay_batch` of 1, declined", &called);
    cards.order("unfreeze", CARD).unwrap();

    let [voided, refunded, ruled, late]: [PaymentKey; 4] = [1, 2, 3, 4].map(|counter| cards.paid(counter, AMOUNT));
    let void = cards.signed_void(cards.void_order(voided));
    told(&mut cards, "`void`", ISSUER, "void", void);
    let order = cards.refund_order(refunded, 1);
    let refund = cards.signed_refund(order);
    told(&mut cards, "`refund`", ISSUER, "refund", refund);
    let dispute = cards.signed_dispute(cards.dispute_order(ruled, AMOUNT));
    told(&mut cards, "`open_dispute`", STRANGER, "open_dispute", dispute);
    let answer = (ruled, [1u8; 32]);
    told(&mut cards, "`answer_dispute`", ACQUIRER, "answer_dispute", answer);
    told(
        &mut cards,
        "`decide_dispute`",
        ISSUER,
        "decide_dispute",
        (ruled, AMOUNT),
    );
    cards.dispute(late, AMOUNT).unwrap();
    cards.chain.set_time(START + PROGRAMME.ruling_period);
    told(&mut cards, "`default_dispute`", STRANGER, "default_dispute", late);
}

/// So many payments of one card, counted from here.
fn batch(cards: &mut Cards, count: u64, first: u64) -> Called<Result<Vec<Verdict>, Error>> {
    let payment = |counter| CardPayment {
        amount: AMOUNT,
        least: AMOUNT,
        ..cards.payment(counter)
    };
    let signed: Vec<_> = (first..first + count)
        .map(|counter| cards.signed(payment(counter)))
        .collect();
    cards.try_send(ISSUER, "pay_batch", signed, 0).unwrap()
}

fn queries() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    cards.dispute(key, 1).unwrap();
    cards.close(SHOP);
    let most = MAX_LISTED;
    asked::<Answers<Card>>(&mut cards, &format!("`cards` of {most}"), "cards", vec![CARD; most]);
    let keys = vec![SHOP; most];
    asked::<Answers<Merchant>>(&mut cards, &format!("`merchants` of {most}"), "merchants", keys);
    let keys = vec![account(TERMINAL); most];
    asked::<Answers<Terminal>>(&mut cards, &format!("`terminals` of {most}"), "terminals", keys);
    let keys = vec![key; most];
    asked::<Answers<PaymentRecord>>(&mut cards, "`payments` of 1", "payments", vec![key]);
    asked::<Answers<PaymentRecord>>(&mut cards, &format!("`payments` of {most}"), "payments", &keys);
    asked::<Answers<Dispute>>(&mut cards, &format!("`disputes` of {most}"), "disputes", &keys);
    asked::<Option<Statement>>(&mut cards, "`statement`", "statement", (SHOP, 0u32));
    asked::<bool>(&mut cards, "`is_used`", "is_used", (account(ISSUER), [0u8; 32]));
    asked::<Float>(&mut cards, "`float`", "float", ());
    asked::<Programme>(&mut cards, "`programme`", "programme", ());
    asked::<Constants>(&mut cards, "`constants`", "constants", ());
}

type Answers<T> = Result<Vec<Option<T>>, Error>;

fn told(cards: &mut Cards, what: &str, by: Member, message: &str, args: impl Encode) {
    // Whatever it answers beside that it is done.
    let called = cards.try_send::<Result<(), Error>>(by, message, args, 0).unwrap();
    assert_eq!(called.output, Ok(()));
    row("prepaid", what, &called);
}

fn asked<T: Decode>(cards: &mut Cards, what: &str, message: &str, args: impl Encode) {
    let called: Called<T> = cards.try_send(STRANGER, message, args, 0).unwrap();
    row("prepaid", what, &called);
}

/// What a payment costs of many that come together, two signatures and all, against a plain transfer of tokens.
pub fn payments() {
    let mut cards = Cards::with(TOKEN);
    let called = batch(&mut cards, MAX_PAYMENTS as u64, 1);
    let is_approved = |verdict: &Verdict| matches!(verdict, Verdict::Approved { .. });
    assert!(called.output.as_ref().unwrap().iter().all(is_approved));
    let payment = called.weight / MAX_PAYMENTS as u64;
    let args = (account(TILL), AMOUNT, Vec::<u8>::new());
    let token = cards.money.token;
    let moved: Called<Result<(), u8>> = cards.chain.call(account(ISSUER), token, "PSP22::transfer", args, 0);
    moved.output.unwrap();
    println!("| moving money once | ref_time (µs) | proof size (bytes) |");
    println!("|---|--:|--:|");
    for (what, weight) in [
        (format!("prepaid, a payment of {MAX_PAYMENTS} in `pay_batch`"), payment),
        ("tests/fixtures/token, `PSP22::transfer`".to_owned(), moved.weight),
    ] {
        println!(
            "| {what} | {} | {} |",
            weight.ref_time() / 1_000_000,
            weight.proof_size()
        );
    }
    let times = |ours: u64, plain: u64| ours as f64 / plain as f64;
    println!(
        "| ratio | {:.2} | {:.2} |",
        times(payment.ref_time(), moved.weight.ref_time()),
        times(payment.proof_size(), moved.weight.proof_size())
    );
}
