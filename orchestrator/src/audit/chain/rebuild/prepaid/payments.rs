//! Payments: each judged once more, with the signatures of card and terminal.
use protocol::{
    prepaid::{day, Card, DeclineCode, Merchant, PaymentLine, PaymentRecord, SignedPayment, Verdict, MAX_PAYMENTS},
    AccountId, Amount,
};

use super::{super::scene::Scene, named, Head, CARDS, MERCHANTS, PAYMENTS, TERMINALS};
use crate::{
    audit::chain::tables::TablesError,
    identity::verify,
    prepaid::book::{
        add,
        judge::{is_possible, reaches, said, text, Seen, Till},
        take_away,
    },
};

/// How much should be taken, or why nothing.
type Judged = Result<Amount, DeclineCode>;

pub(super) fn decide(scene: &mut Scene<'_>, head: &mut Head, lines: &[PaymentLine]) -> Result<(), TablesError> {
    let is_many = !(1..=MAX_PAYMENTS).contains(&lines.len());
    scene.forbid(
        is_many,
        "too-many",
        "payments are decided",
        "there were none, or too many",
    );
    let signed: Option<Vec<SignedPayment>> = scene.asked("pay_batch");
    let asked = signed.iter().flatten().map(|signed| &signed.payment);
    let is_same = asked.eq(lines.iter().map(|line| &line.payment));
    if signed.is_some() && !is_same {
        scene.find(
            "other-arguments",
            "other payments are told than those that were asked for",
        );
    }
    let signed = signed.filter(|_| is_same).unwrap_or_default();
    for (place, line) in lines.iter().enumerate() {
        decide_one(scene, head, line, signed.get(place))?;
    }
    Ok(())
}

fn decide_one(
    scene: &mut Scene<'_>,
    head: &mut Head,
    line: &PaymentLine,
    signed: Option<&SignedPayment>,
) -> Result<(), TablesError> {
    let (payment, now) = (line.payment, scene.now());
    let card = CARDS.get(scene, &payment.card)?;
    let merchant = MERCHANTS.get(scene, &payment.merchant)?;
    let seen = Seen {
        programme: head.programme,
        terminal: TERMINALS.get(scene, &payment.terminal)?,
        merchant: merchant.map(|merchant| Till {
            is_active: merchant.is_active,
            largest_sum: merchant.unpaid.max(merchant.cycle.gross),
        }),
        card,
        is_used: PAYMENTS.get(scene, &payment.key())?.is_some(),
        unpaid: head.float.merchants,
    };
    let judged = seen.judge(&payment, now);
    match signed {
        Some(signed) => check_signed(scene, line, signed, card.map(|card| card.key), judged),
        None if is_possible(&line.verdict, judged) => {}
        None => wrong(scene, line, "wrong-value", judged),
    }
    match (line.verdict, card, merchant) {
        (Verdict::Declined(_), ..) => Ok(()),
        (Verdict::Approved { taken, balance, cycle }, Some(card), Some(merchant)) => {
            let approved = Approved { taken, balance, cycle };
            book(scene, head, line, approved, (card, merchant))
        }
        // The verdict is a finding already.
        (Verdict::Approved { .. }, ..) => Ok(()),
    }
}

/// With the signatures, a verdict is exactly one: what is wrong with them comes in the order of the codes.
fn check_signed(
    scene: &mut Scene<'_>,
    line: &PaymentLine,
    signed: &SignedPayment,
    card: Option<AccountId>,
    judged: Judged,
) {
    let payload = line.payment.payload(&scene.domain());
    let signatures = [
        (
            Some(line.payment.terminal),
            &signed.terminal,
            DeclineCode::BadTerminalSignature,
        ),
        (card, &signed.card, DeclineCode::BadCardSignature),
    ];
    let mut judged = judged;
    for (key, signature, code) in signatures {
        let Some(key) = key.filter(|_| reaches(judged, code)) else {
            continue;
        };
        scene.findings.signatures = scene.findings.signatures.saturating_add(1);
        if !verify(&key.0, &payload, signature) {
            judged = Err(code);
        }
    }
    if said(&line.verdict) == judged {
        return;
    }
    let is_signature = matches!(
        judged,
        Err(DeclineCode::BadTerminalSignature | DeclineCode::BadCardSignature)
    );
    let code = if is_signature { "bad-signature" } else { "wrong-value" };
    wrong(scene, line, code, judged);
}

fn wrong(scene: &mut Scene<'_>, line: &PaymentLine, code: &str, judged: Judged) {
    let what = named(line.payment.key());
    let detail = format!(
        "{what}: {} is told, {} follows",
        text(said(&line.verdict)),
        text(judged)
    );
    scene.find(code, detail);
}

/// What the contract said of a payment that it took.
struct Approved {
    taken: Amount,
    balance: Amount,
    cycle: u32,
}

fn book(
    scene: &mut Scene<'_>,
    head: &mut Head,
    line: &PaymentLine,
    approved: Approved,
    (mut card, mut merchant): (Card, Merchant),
) -> Result<(), TablesError> {
    let Approved { taken, balance, cycle } = approved;
    let (payment, now) = (line.payment, scene.now());
    let what = named(payment.key());
    scene.expect(format_args!("{what}: its cycle"), cycle, merchant.cycle.number);
    card.paid_that_day = card.paid_on_day_of(now).saturating_add(taken);
    card.day = day(now);
    card.counter = card.counter.max(payment.counter);
    take_away(&mut card.balance, taken);
    scene.expect(format_args!("{what}: what the card holds"), balance, card.balance);
    card.balance = balance;
    scene.forbid(
        merchant.take(taken).is_err(),
        "overflow",
        &what,
        "a sum is beyond what an amount can hold",
    );
    take_away(&mut head.float.cards, taken);
    add(&mut head.float.merchants, taken);
    // Events don't tell it: whether the contract came to the same, its storage shows.
    scene.digest(true, String::new);
    let record = PaymentRecord {
        reference: payment.reference(),
        merchant: payment.merchant,
        cycle,
        taken,
        returned: 0,
        is_voided: false,
        paid_at: now,
    };
    CARDS.put(scene, &payment.card, &card)?;
    MERCHANTS.put(scene, &payment.merchant, &merchant)?;
    PAYMENTS.put(scene, &payment.key(), &record)
}
