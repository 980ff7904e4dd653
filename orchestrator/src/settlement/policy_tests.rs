#![allow(clippy::unwrap_used)]
use std::path::Path;

use protocol::{
    settlement::{Limit as VoucherLimit, Settlement, TransactionKind},
    UserId,
};
use time::{format_description::well_known::Rfc3339, OffsetDateTime};

use super::*;

const ME: Member = Member(1);
const ORIGINATOR: Member = Member(0);
const PAYEE: Member = Member(3);
const WALLET: AccountId = AccountId([0x33; 32]);

fn at(text: &str) -> Timestamp {
    let moment = OffsetDateTime::parse(text, &Rfc3339).unwrap();
    Timestamp::try_from(moment.unix_timestamp()).unwrap() * 1_000
}

/// A Wednesday.
fn noon() -> Timestamp {
    at("2026-12-23T12:00:00Z")
}

fn policy(text: &str) -> Policy {
    Policy::parse(text, Path::new("policy.toml")).unwrap()
}

fn advice(text: &str) -> String {
    Policy::parse(text, Path::new("policy.toml")).unwrap_err().to_string()
}

fn payment(kind: TransactionKind, amount: Amount) -> (Voucher, PaymentRequest) {
    let request = PaymentRequest {
        nonce: [0; 16],
        originator: ORIGINATOR,
        home: ME,
        user: "4711".into(),
        wallet: WALLET,
        kind,
        beneficiary: None,
        others: vec![],
        asset: Asset::Native,
        amount,
        expires_at: noon(),
    };
    let voucher = Voucher {
        sequence: 0,
        originator: ORIGINATOR,
        home: ME,
        others: request.other_destinations(),
        user: UserId::of(ME, "4711"),
        wallet: WALLET,
        kind,
        asset: Asset::Native,
        amount,
        limit: VoucherLimit::PerTransaction(amount),
        settlement: Settlement::Gross,
        fees: 0,
        issued_at: 0,
        expires_at: noon(),
    };
    (voucher, request)
}

fn verdict(policy: &Policy, now: Timestamp) -> Option<RefusalCode> {
    let (voucher, request) = payment(TransactionKind::Purchase, 100);
    policy.judge(ME, &voucher, &request, now).err().map(|(code, _)| code)
}

#[test]
fn without_a_policy_everything_is_co_signed_and_nobody_asked() {
    let (voucher, request) = payment(TransactionKind::CreditTransfer(PAYEE), Amount::MAX);
    let policy = Policy::default();
    assert_eq!(policy.judge(ME, &voucher, &request, 0), Ok(()));
    assert!(policy.assistants_for(ME, &voucher, &request).is_empty());
    assert!(policy.day_limits(ME, &voucher, &request).is_empty());
}

#[test]
fn the_sample_is_a_policy() {
    let policy = policy(Policy::sample());
    assert_eq!(policy.assistants(), BTreeSet::from([Member(6)]));
    assert_eq!(verdict(&policy, noon()), None);
}

#[test]
fn hours_begin_on_their_first_minute_and_end_before_their_last() {
    let policy = policy("[hours]\nfrom = \"06:00\"\nuntil = \"20:00\"");
    for (time, open) in [
        ("05:59:59", false),
        ("06:00:00", true),
        ("19:59:59", true),
        ("20:00:00", false),
    ] {
        let verdict = verdict(&policy, at(&format!("2026-12-26T{time}Z")));
        assert_eq!(verdict, (!open).then_some(RefusalCode::OutsideHours), "{time}");
    }
}

#[test]
fn hours_may_go_past_midnight() {
    let policy = policy("[hours]\nfrom = \"20:00\"\nuntil = \"06:00\"");
    for (time, open) in [("19:59", false), ("20:00", true), ("05:59", true), ("06:00", false)] {
        let verdict = verdict(&policy, at(&format!("2026-12-23T{time}:00Z")));
        assert_eq!(verdict.is_none(), open, "{time}");
    }
}

#[test]
fn hours_may_be_those_of_banking_days_only() {
    let text = "[hours]\nfrom = \"06:00\"\nuntil = \"20:00\"\nbanking_days_only = true\nholidays = [\"2026-12-25\"]";
    let policy = policy(text);
    for (day, open) in [("24", true), ("25", false), ("26", false), ("27", false), ("28", true)] {
        assert_eq!(
            verdict(&policy, at(&format!("2026-12-{day}T12:00:00Z"))).is_none(),
            open,
            "{day}"
        );
    }
}

#[test]
fn whoever_is_blocked_is_refused_whatever_its_part() {
    let wallet = protocol::text::to_hex(&WALLET.0);
    for text in [
        "institutions = [0]".to_owned(),
        "users = [{ home = 1, number = \"4711\" }]".to_owned(),
        format!("wallets = [\"{wallet}\"]"),
    ] {
        let policy = policy(&format!("[blocked]\n{text}"));
        assert_eq!(verdict(&policy, noon()), Some(RefusalCode::BlockedByPolicy), "{text}");
    }
    let others =
        "[blocked]\ninstitutions = [1, 3]\nusers = [{ home = 0, number = \"4711\" }, { home = 1, number = \"1\" }]";
    assert_eq!(verdict(&policy(others), noon()), None);
    let (voucher, request) = payment(TransactionKind::CreditTransfer(PAYEE), 1);
    assert!(policy(others).judge(ME, &voucher, &request, noon()).is_err());
}

#[test]
fn a_limit_counts_for_the_payments_that_it_is_about_and_reaches_to_its_last_unit() {
    for (of, is_about) in [
        ("{}", true),
        ("{ user = { home = 1, number = \"4711\" } }", true),
        ("{ user = { home = 0, number = \"4711\" } }", false),
        ("{ asset = \"Native\" }", true),
        ("{ kind = \"Purchase\" }", true),
        ("{ kind = \"CashWithdrawal\" }", false),
        ("{ counterparty = 0 }", true),
        ("{ counterparty = 1 }", false),
        ("{ kind = \"Purchase\", counterparty = 3 }", false),
    ] {
        let limit = |most: Amount| policy(&format!("[[limits]]\nof = {of}\nper_payment = \"{most}\""));
        let code = is_about.then_some(RefusalCode::AbovePolicyLimit);
        assert_eq!(verdict(&limit(99), noon()), code, "{of}");
        assert_eq!(verdict(&limit(100), noon()), None, "{of}");
    }
}

#[test]
fn limits_for_a_day_are_told_apart_by_what_they_are_about() {
    let text = "[[limits]]\nof = { asset = \"Native\" }\nper_day = \"500\"\n\
                [[limits]]\nof = { asset = \"Native\", kind = \"CashWithdrawal\" }\nper_day = \"10\"\n\
                [[limits]]\nof = { asset = \"Native\", kind = \"Purchase\" }\nper_day = \"200\"\nper_payment = \"150\"";
    let (voucher, request) = payment(TransactionKind::Purchase, 100);
    let limits = policy(text).day_limits(ME, &voucher, &request);
    assert_eq!(limits.iter().map(|limit| limit.most).collect::<Vec<_>>(), [500, 200]);
    assert_ne!(limits[0].scope, limits[1].scope);
}

#[test]
fn assistants_are_asked_once_and_only_about_what_concerns_them() {
    let text = "[[assistants]]\nmember = 6\n[[assistants]]\nmember = 6\nfrom_amount = \"50\"\n\
                [[assistants]]\nmember = 5\nfrom_amount = \"100\"\n[[assistants]]\nmember = 7\nfrom_amount = \"101\"\n\
                [[assistants]]\nmember = 8\nabout = { kind = \"CashDeposit\" }\n[[assistants]]\nmember = 0";
    let (voucher, request) = payment(TransactionKind::Purchase, 100);
    let policy = policy(text);
    // Member 0 is a party: its co-signature is its answer.
    assert_eq!(policy.assistants_for(ME, &voucher, &request), [Member(5), Member(6)]);
}

#[test]
fn what_makes_no_sense_is_refused_with_advice() {
    for (text, part) in [
        ("[hours]\nfrom = \"06:00\"\nuntil = \"06:00\"", "are the same"),
        ("[hours]\nfrom = \"6\"\nuntil = \"06:00\"", "no time of day"),
        ("[[limits]]\nof = {}", "limits nothing"),
        ("[[limits]]\nper_day = \"1\"", "write of.asset"),
        (
            "[[limits]]\nper_payment = \"1\"\n[[limits]]\nper_payment = \"2\"",
            "the same payments",
        ),
        ("[[limits]]\nper_payment = 1", "per_payment"),
        ("[blocked]\nusers = [\"4711\"]", "users"),
        ("[quota]", "unknown field `quota`"),
    ] {
        let advice = advice(text);
        assert!(advice.contains(part) && advice.contains("policy.toml"), "{advice}");
    }
}
