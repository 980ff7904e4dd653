//! Who may send what, and what anyone can ask.
use protocol::{
    prepaid::{
        Card, CardNumber, CardState, Constants, Dispute, Error, Float, Merchant, MerchantNumber, PaymentRecord,
        Programme, Terminal, MAX_LISTED, MAX_PERIOD,
    },
    registry::{Change, Roles, Status},
    Member,
};
use quittance_tests::{
    contract_chain::{Fault, GENESIS},
    institutions::{account, key},
    prepaid::{
        Cards, ACQUIRER, AMOUNT, ANSWER, BALANCE, CARD, CARD_EXPIRY, HOLDER, ISSUER, LIMITS, NEW_CHIP, OTHER_CARD,
        OTHER_SHOP, PROGRAMME, RULES, SHOP, SPARE_TERMINAL, STRANGER, TERMINAL, TILL,
    },
};
use scale::{Decode, Encode};
use sp_core::Pair as _;

use super::{done, refused, unanswered};

struct Message {
    name: &'static str,
    args: Vec<u8>,
}

/// Bytes as they are, without their length.
struct Raw<'a>(&'a [u8]);

impl Encode for Raw<'_> {
    fn encode_to<O: scale::Output + ?Sized>(&self, to: &mut O) {
        to.write(self.0);
    }
}

/// Every message that only the issuer may send, as it would be done.
fn issuers_own(cards: &mut Cards) -> Vec<Message> {
    let message = |name, args: Vec<u8>| Message { name, args };
    let [voided, refunded, disputed] = [1, 2, 3].map(|counter| cards.paid(counter, AMOUNT));
    cards.dispute(disputed, AMOUNT).unwrap();
    let refund = cards.refund_order(refunded, AMOUNT);
    let number = CardNumber(3);
    let card = (number, account(NEW_CHIP), account(HOLDER), LIMITS, CARD_EXPIRY);
    vec![
        message("set_programme", PROGRAMME.encode()),
        message(
            "register_merchant",
            (MerchantNumber(3), ACQUIRER, account(TILL), RULES).encode(),
        ),
        message("switch_merchant", (SHOP, false).encode()),
        message("set_rules", (SHOP, RULES).encode()),
        message("add_terminal", (SHOP, account(SPARE_TERMINAL)).encode()),
        message("revoke_terminal", account(TERMINAL).encode()),
        message("issue_card", card.encode()),
        message("set_limits", (CARD, LIMITS).encode()),
        message("freeze", CARD.encode()),
        message("unfreeze", CARD.encode()),
        message("replace_card", (CARD, account(NEW_CHIP)).encode()),
        message("close_card", CARD.encode()),
        message("pay_batch", vec![cards.signed(cards.payment(4))].encode()),
        message("void", cards.signed_void(cards.void_order(voided)).encode()),
        message("refund", cards.signed_refund(refund).encode()),
        message("decide_dispute", (disputed, AMOUNT).encode()),
        message("close_cycle", SHOP.encode()),
    ]
}

#[track_caller]
fn all_refused(cards: &mut Cards, messages: &[Message], by: Member, expected: Error) {
    for Message { name, args } in messages {
        refused(cards, by, name, Raw(args), 0, expected);
    }
}

#[test]
fn only_the_issuers_account_sends_what_is_the_issuers() {
    let mut cards = Cards::default();
    let messages = issuers_own(&mut cards);
    for other in [ACQUIRER, HOLDER, TILL, STRANGER] {
        all_refused(&mut cards, &messages, other, Error::NotTheIssuer);
    }
}

#[test]
fn a_suspended_or_revoked_issuer_or_one_without_the_role_does_nothing() {
    let changes = [
        Change::SetStatus {
            member: ISSUER,
            status: Status::Suspended,
        },
        Change::SetStatus {
            member: ISSUER,
            status: Status::Revoked,
        },
        Change::SetRoles {
            member: ISSUER,
            roles: Roles::PARTICIPANT.with(Roles::CREDIT_NODE),
        },
    ];
    for change in changes {
        let mut cards = Cards::default();
        let messages = issuers_own(&mut cards);
        cards.govern(change);
        all_refused(&mut cards, &messages, ISSUER, Error::IssuerNotActive);
    }
}

#[test]
fn without_the_issuer_holders_and_merchants_are_not_stuck() {
    let mut cards = Cards::default();
    let [first, second] = [1, 2].map(|counter| cards.paid(counter, AMOUNT));
    cards.govern(Change::SetStatus {
        member: ISSUER,
        status: Status::Revoked,
    });
    for key in [first, second] {
        cards.dispute(key, AMOUNT).unwrap();
    }
    done(&mut cards, ACQUIRER, "answer_dispute", (first, ANSWER));
    cards.chain.set_time(CARD_EXPIRY);
    done(&mut cards, STRANGER, "default_dispute", second);
    done(&mut cards, STRANGER, "default_dispute", first);
    done(&mut cards, STRANGER, "close_cycle", SHOP);
    done(&mut cards, STRANGER, "close_cycle", SHOP);
    done(&mut cards, STRANGER, "close_card", CARD);
    done(&mut cards, STRANGER, "close_card", OTHER_CARD);
    assert_eq!((cards.held(), cards.float()), (0, Float::default()));
}

#[test]
fn an_issuer_with_a_new_account_acts_from_that_one() {
    let mut cards = Cards::default();
    cards.govern(Change::SetKeys {
        member: ISSUER,
        account: account(STRANGER),
        signing_key: key(ISSUER).public().0,
        certificate: [9; 32],
    });
    refused(&mut cards, ISSUER, "freeze", CARD, 0, Error::NotTheIssuer);
    done(&mut cards, STRANGER, "freeze", CARD);
}

#[test]
fn an_issuer_that_the_registry_does_not_have_or_a_registry_that_is_none_issues_nothing() {
    let mut cards = Cards::new(quittance_tests::prepaid::NATIVE);
    let nobody = Member(99);
    for (registry, issuer, expected) in [
        (cards.registry, nobody, Error::IssuerNotActive),
        (cards.money.token, ISSUER, Error::RegistryFailed),
        (account(STRANGER), ISSUER, Error::RegistryFailed),
    ] {
        let args = (GENESIS, registry, issuer, cards.asset, PROGRAMME);
        cards.prepaid = cards.chain.instantiate::<Error>("prepaid", args).unwrap();
        refused(&mut cards, ISSUER, "set_programme", PROGRAMME, 0, expected);
    }
}

#[test]
fn an_acquirer_that_the_registry_does_not_have_answers_nothing() {
    let mut cards = Cards::default();
    let number = MerchantNumber(3);
    let args = (number, Member(99), account(TILL), RULES);
    cards.order("register_merchant", args).unwrap();
    cards.order("add_terminal", (number, account(SPARE_TERMINAL))).unwrap();
    let payment = protocol::prepaid::CardPayment {
        merchant: number,
        terminal: account(SPARE_TERMINAL),
        ..cards.payment(1)
    };
    cards.pay(payment);
    cards.dispute(payment.key(), 1).unwrap();
    let args = (payment.key(), ANSWER);
    refused(&mut cards, ACQUIRER, "answer_dispute", args, 0, Error::NotTheAcquirer);
}

#[test]
fn a_programme_whose_periods_are_empty_or_endless_is_neither_made_nor_set() {
    let mut cards = Cards::default();
    let faulty = [
        Programme { cycle: 0, ..PROGRAMME },
        Programme {
            dispute_period: 0,
            ..PROGRAMME
        },
        Programme {
            ruling_period: MAX_PERIOD + 1,
            ..PROGRAMME
        },
    ];
    for programme in faulty {
        refused(&mut cards, ISSUER, "set_programme", programme, 0, Error::BadProgramme);
        let args = (GENESIS, cards.registry, ISSUER, cards.asset, programme);
        let made = cards.chain.instantiate::<Error>("prepaid", args);
        assert_eq!(made, Err(Error::BadProgramme));
    }
}

#[test]
fn a_contract_tells_what_it_was_made_with_and_what_it_holds() {
    let mut cards = Cards::default();
    cards.paid(1, AMOUNT);
    let constants: Constants = cards.send(STRANGER, "constants", (), 0);
    let expected = Constants {
        genesis: GENESIS,
        registry: cards.registry,
        issuer: ISSUER,
        asset: cards.asset,
    };
    assert_eq!(constants, expected);
    let programme: Programme = cards.send(STRANGER, "programme", (), 0);
    assert_eq!(programme, PROGRAMME);
    let float: Float = cards.send(STRANGER, "float", (), 0);
    let expected = Float {
        cards: 2 * BALANCE - AMOUNT,
        merchants: AMOUNT,
    };
    assert_eq!((float, cards.float()), (expected, expected));
}

#[track_caller]
fn asked<T: Decode>(cards: &mut Cards, message: &str, keys: impl Encode) -> Vec<Option<T>> {
    let answer: Result<Vec<Option<T>>, Error> = cards.send(STRANGER, message, keys, 0);
    answer.unwrap()
}

#[test]
fn queries_answer_in_the_order_asked_for() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    cards.dispute(key, AMOUNT).unwrap();
    let unknown = (CARD, 9u64);
    let numbers = vec![OTHER_CARD, CardNumber(9), CARD];
    let expected: Vec<_> = numbers.iter().map(|number| cards.try_card(*number)).collect();
    assert_eq!(asked::<Card>(&mut cards, "cards", &numbers), expected);
    let numbers = vec![OTHER_SHOP, MerchantNumber(9), SHOP];
    let expected: Vec<_> = numbers.iter().map(|number| cards.try_merchant(*number)).collect();
    assert_eq!(asked::<Merchant>(&mut cards, "merchants", &numbers), expected);
    let keys = vec![account(SPARE_TERMINAL), account(TERMINAL)];
    let expected: Vec<_> = keys.iter().map(|key| cards.try_terminal(*key)).collect();
    assert_eq!(asked::<Terminal>(&mut cards, "terminals", &keys), expected);
    let keys = vec![unknown, key];
    let expected: Vec<_> = keys.iter().map(|key| cards.try_record(*key)).collect();
    assert_eq!(asked::<PaymentRecord>(&mut cards, "payments", &keys), expected);
    let expected: Vec<_> = keys.iter().map(|key| cards.try_dispute(*key)).collect();
    assert_eq!(asked::<Dispute>(&mut cards, "disputes", &keys), expected);
    assert!(expected[0].is_none() && expected[1].is_some());
}

#[test]
fn no_more_than_64_are_asked_for_at_once() {
    let mut cards = Cards::default();
    let message = |name, one: Vec<u8>, count: usize| {
        let mut args = scale::Compact(u32::try_from(count).unwrap()).encode();
        args.extend(one.repeat(count));
        Message { name, args }
    };
    let asked = |count| {
        [
            message("cards", CARD.encode(), count),
            message("merchants", SHOP.encode(), count),
            message("terminals", account(TERMINAL).encode(), count),
            message("payments", (CARD, 1u64).encode(), count),
            message("disputes", (CARD, 1u64).encode(), count),
        ]
    };
    for Message { name, args } in asked(MAX_LISTED) {
        done(&mut cards, STRANGER, name, Raw(&args));
    }
    let too_many = asked(MAX_LISTED + 1);
    all_refused(&mut cards, &too_many, STRANGER, Error::TooManyAsked);
}

#[test]
fn native_tokens_are_not_taken_where_none_are_due() {
    let mut cards = Cards::default();
    for Message { name, args } in issuers_own(&mut cards) {
        let fault = unanswered(&mut cards, ISSUER, name, Raw(&args), 1);
        assert!(matches!(fault, Fault::Chain(_)), "{name}");
    }
}

#[test]
fn what_cannot_be_read_is_not_answered() {
    let mut cards = Cards::default();
    let fault = unanswered(&mut cards, ISSUER, "pay_batch", Raw(&[4]), 0);
    assert_eq!(fault, Fault::Input);
    let fault = unanswered(&mut cards, ISSUER, "freeze", (), 0);
    assert_eq!(fault, Fault::Input);
    assert_eq!(cards.card(CARD).state, CardState::Active);
}
