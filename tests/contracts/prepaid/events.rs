//! An auditor rebuilds what a contract keeps from its events alone.
use protocol::prepaid::{CardNumber, CardPayment, CardState, Error, Programme, Rules};
use quittance_tests::{
    contract_chain::START,
    institutions::account,
    prepaid::{
        books::Books, Cards, ACQUIRER, AMOUNT, ANSWER, BALANCE, CARD, CARD_EXPIRY, CHIP, HOLDER, ISSUER, LIMITS,
        NATIVE, NEW_CHIP, OTHER_CARD, OTHER_CHIP, OTHER_HOLDER, PROGRAMME, RULES, SHOP, SPARE_TERMINAL, STRANGER,
        TERMINAL, TILL,
    },
};
use scale::Encode;

/// A contract, and what its events told so far.
struct Audit {
    cards: Cards,
    books: Books,
    now: u64,
}

impl Audit {
    /// Sends what must be done, and reads its events.
    #[track_caller]
    fn told(&mut self, by: protocol::Member, message: &str, args: impl Encode, value: u128) {
        // Whatever it answers beside that it is done.
        let called = self.cards.try_send::<Result<(), Error>>(by, message, args, value);
        let called = called.unwrap();
        assert_eq!(called.output, Ok(()));
        assert_eq!(called.events.len(), 1, "{message} must tell once");
        for event in &called.events {
            self.books.read(event, self.now).unwrap();
        }
        self.books_are_right();
    }

    #[track_caller]
    fn books_are_right(&mut self) {
        let Self { cards, books, .. } = self;
        assert_eq!((books.programme, books.float), cards.programme_and_float());
        for (number, card) in &books.cards {
            assert_eq!(Some(*card), cards.try_card(*number));
        }
        for (number, merchant) in &books.merchants {
            assert_eq!(Some(*merchant), cards.try_merchant(*number));
        }
        for (key, terminal) in &books.terminals {
            assert_eq!(Some(*terminal), cards.try_terminal(*key));
        }
        for (key, record) in &books.payments {
            assert_eq!(Some(*record), cards.try_record(*key));
        }
        for (key, dispute) in &books.disputes {
            assert_eq!(Some(*dispute), cards.try_dispute(*key));
        }
        for ((merchant, cycle), statement) in &books.statements {
            assert_eq!(Some(*statement), cards.statement(*merchant, *cycle));
        }
        assert_eq!(cards.held(), books.float.cards + books.float.merchants);
    }

    fn pass(&mut self, by: u64) {
        self.now += by;
        self.cards.chain.set_time(self.now);
    }
}

#[test]
fn the_whole_state_follows_from_the_events() {
    let mut audit = Audit {
        cards: Cards::new(NATIVE),
        books: Books::default(),
        now: START,
    };
    let programme = Programme {
        allows_partial: false,
        ..PROGRAMME
    };
    audit.told(ISSUER, "set_programme", programme, 0);
    audit.told(ISSUER, "set_programme", PROGRAMME, 0);
    let merchant = (SHOP, ACQUIRER, account(TILL), RULES);
    audit.told(ISSUER, "register_merchant", merchant, 0);
    for terminal in [TERMINAL, SPARE_TERMINAL] {
        audit.told(ISSUER, "add_terminal", (SHOP, account(terminal)), 0);
    }
    audit.told(ISSUER, "revoke_terminal", account(SPARE_TERMINAL), 0);
    for is_active in [false, true] {
        audit.told(ISSUER, "switch_merchant", (SHOP, is_active), 0);
    }
    for (place, (card, chip, holder)) in (0u8..).zip([(CARD, CHIP, HOLDER), (OTHER_CARD, OTHER_CHIP, OTHER_HOLDER)]) {
        let args = (card, account(chip), account(holder), PROGRAMME.limits, CARD_EXPIRY);
        audit.told(ISSUER, "issue_card", args, 0);
        audit.told(STRANGER, "top_up", (card, BALANCE, [place; 32]), BALANCE);
    }
    audit.told(ISSUER, "set_limits", (CARD, LIMITS), 0);
    audit.told(ISSUER, "freeze", CARD, 0);
    audit.told(ISSUER, "unfreeze", CARD, 0);
    audit.told(ISSUER, "replace_card", (CARD, account(NEW_CHIP)), 0);

    // Approved, in part, declined.
    audit.pass(5);
    let payments = [
        (1, AMOUNT, AMOUNT),
        (2, 150 * AMOUNT, 1),
        (2, AMOUNT, AMOUNT),
        (3, 2 * AMOUNT, 2 * AMOUNT),
        (4, AMOUNT, AMOUNT),
    ];
    let mut batch: Vec<_> = payments
        .map(|(counter, amount, least)| CardPayment {
            amount,
            least,
            ..audit.cards.payment(counter)
        })
        .map(|payment| audit.cards.signed_by(payment, NEW_CHIP, TERMINAL))
        .into();
    let others = CardPayment {
        card: OTHER_CARD,
        ..audit.cards.payment(1)
    };
    batch.push(audit.cards.signed(others));
    audit.told(ISSUER, "pay_batch", &batch, 0);
    assert_eq!(audit.books.payments.len(), 4);

    audit.pass(5);
    let void = audit.cards.signed_void(audit.cards.void_order((CARD, 1)));
    audit.told(ISSUER, "void", void, 0);
    let order = audit.cards.refund_order((CARD, 2), 3);
    let refund = audit.cards.signed_refund(order);
    audit.told(ISSUER, "refund", refund, 0);
    audit.told(ACQUIRER, "fund_merchant", (SHOP, 7u128, [0u8; 32]), 7);
    for (key, amount) in [((CARD, 2), 10), ((CARD, 3), 20), ((OTHER_CARD, 1), 30)] {
        let dispute = audit.cards.signed_dispute(audit.cards.dispute_order(key, amount));
        audit.told(STRANGER, "open_dispute", dispute, 0);
    }
    audit.pass(5);
    audit.told(ACQUIRER, "answer_dispute", ((CARD, 3u64), ANSWER), 0);
    audit.told(ISSUER, "decide_dispute", ((CARD, 2u64), 9u128), 0);
    audit.told(ISSUER, "decide_dispute", ((CARD, 3u64), 0u128), 0);
    let rules = Rules { flat: 1, ..RULES };
    audit.told(ISSUER, "set_rules", (SHOP, rules), 0);
    audit.told(ISSUER, "close_cycle", SHOP, 0);

    // What comes back to a closed card goes to its holder.
    audit.told(ISSUER, "close_card", OTHER_CARD, 0);
    audit.pass(PROGRAMME.ruling_period);
    audit.told(STRANGER, "default_dispute", (OTHER_CARD, 1u64), 0);
    let order = audit.cards.refund_order((OTHER_CARD, 1), 3);
    let refund = audit.cards.signed_refund(order);
    audit.told(ISSUER, "refund", refund, 0);
    audit.pass(PROGRAMME.cycle);
    audit.told(STRANGER, "close_cycle", SHOP, 0);
    assert_eq!(audit.books.statements.len(), 2);
    assert_eq!(audit.books.cards[&OTHER_CARD].state, CardState::Closed);
    assert_eq!(audit.books.references.len(), 3);
    assert!(!audit.books.cards.contains_key(&CardNumber(3)));
}

#[test]
fn declined_payments_are_told_with_their_codes() {
    let mut cards = Cards::default();
    cards.order("freeze", CARD).unwrap();
    let signed = cards.signed(cards.payment(1));
    let called = cards
        .try_send::<Result<Vec<protocol::prepaid::Verdict>, Error>>(ISSUER, "pay_batch", vec![signed], 0)
        .unwrap();
    let told: Vec<protocol::prepaid::PaymentLine> = scale::Decode::decode(&mut &called.events[0].data[..]).unwrap();
    let expected = protocol::prepaid::PaymentLine {
        payment: signed.payment,
        verdict: protocol::prepaid::Verdict::Declined(protocol::prepaid::DeclineCode::CardFrozen),
    };
    assert_eq!(told, [expected]);
}
