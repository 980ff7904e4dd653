//! Merchants and their terminals.
use protocol::prepaid::{Error, Merchant, MerchantNumber, Rules, Terminal};
use quittance_tests::{
    contract_chain::START,
    institutions::account,
    prepaid::{Cards, ACQUIRER, AMOUNT, ISSUER, OTHER_SHOP, RULES, SHOP, SPARE_TERMINAL, TERMINAL, TILL},
};

use super::{done, refused};

const NEW_SHOP: MerchantNumber = MerchantNumber(3);
const UNKNOWN: MerchantNumber = MerchantNumber(99);

#[test]
fn a_merchant_is_registered_once_with_who_speaks_for_it_and_where_it_is_paid() {
    let mut cards = Cards::default();
    let args = (NEW_SHOP, ACQUIRER, account(TILL), RULES);
    done(&mut cards, ISSUER, "register_merchant", args);
    let expected = Merchant::new(ACQUIRER, account(TILL), RULES, START);
    assert_eq!(cards.merchant(NEW_SHOP), expected);
    refused(&mut cards, ISSUER, "register_merchant", args, 0, Error::MerchantExists);
}

#[test]
fn rules_that_take_more_than_a_whole_are_refused() {
    let mut cards = Cards::default();
    let faulty = [
        Rules {
            parts_per_million: 1_000_001,
            ..RULES
        },
        Rules {
            reserve_parts_per_million: 1_000_001,
            ..RULES
        },
    ];
    for rules in faulty {
        let args = (NEW_SHOP, ACQUIRER, account(TILL), rules);
        refused(&mut cards, ISSUER, "register_merchant", args, 0, Error::BadRules);
        refused(&mut cards, ISSUER, "set_rules", (SHOP, rules), 0, Error::BadRules);
    }
}

#[test]
fn what_concerns_a_merchant_that_there_is_not_is_refused() {
    let mut cards = Cards::default();
    let unknown = Error::UnknownMerchant;
    refused(&mut cards, ISSUER, "switch_merchant", (UNKNOWN, false), 0, unknown);
    refused(&mut cards, ISSUER, "set_rules", (UNKNOWN, RULES), 0, unknown);
    let args = (UNKNOWN, account(SPARE_TERMINAL));
    refused(&mut cards, ISSUER, "add_terminal", args, 0, unknown);
    refused(&mut cards, ISSUER, "close_cycle", UNKNOWN, 0, unknown);
}

#[test]
fn a_key_is_one_terminals_for_good() {
    let mut cards = Cards::default();
    done(
        &mut cards,
        ISSUER,
        "add_terminal",
        (OTHER_SHOP, account(SPARE_TERMINAL)),
    );
    let added = Terminal {
        merchant: OTHER_SHOP,
        is_revoked: false,
    };
    assert_eq!(cards.try_terminal(account(SPARE_TERMINAL)), Some(added));
    for merchant in [SHOP, OTHER_SHOP] {
        let args = (merchant, account(TERMINAL));
        refused(&mut cards, ISSUER, "add_terminal", args, 0, Error::TerminalExists);
    }
    done(&mut cards, ISSUER, "revoke_terminal", account(TERMINAL));
    let args = (SHOP, account(TERMINAL));
    refused(&mut cards, ISSUER, "add_terminal", args, 0, Error::TerminalExists);
}

#[test]
fn a_terminal_is_revoked_once() {
    let mut cards = Cards::default();
    let key = account(SPARE_TERMINAL);
    refused(&mut cards, ISSUER, "revoke_terminal", key, 0, Error::UnknownTerminal);
    done(&mut cards, ISSUER, "revoke_terminal", account(TERMINAL));
    let revoked = Error::TerminalRevoked;
    refused(&mut cards, ISSUER, "revoke_terminal", account(TERMINAL), 0, revoked);
}

#[test]
fn a_suspended_merchant_is_paid_what_it_took() {
    let mut cards = Cards::default();
    cards.paid(1, AMOUNT);
    done(&mut cards, ISSUER, "switch_merchant", (SHOP, false));
    assert!(!cards.merchant(SHOP).is_active);
    assert!(cards.close(SHOP).paid > 0);
}
