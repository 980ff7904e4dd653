//! Each rule, broken.
use super::*;

type Breach = fn(&mut Stage);

fn after_lock(breach: Breach) -> Vec<String> {
    let mut stage = escrow();
    lock(&mut stage, &terms(), 110);
    codes(stage, breach)
}

fn after_accept(later: u64, breach: Breach) -> Vec<String> {
    codes(accepted_deal(later), breach)
}

fn codes(mut stage: Stage, breach: Breach) -> Vec<String> {
    breach(&mut stage);
    stage.codes().into_iter().map(str::to_owned).collect()
}

#[test]
fn a_lock_against_the_rules_is_found() {
    let breaches: [(&str, Breach); 8] = [
        ("wrong-sum", |stage| lock(stage, &terms(), 109)),
        ("bad-terms", |stage| lock(stage, &Terms { bond: 0, ..terms() }, 100)),
        ("bad-terms", |stage| {
            let mut terms = terms();
            terms.deadlines.reveal_by = ACCEPT_BY + 999;
            lock(stage, &terms, 110);
        }),
        ("bad-terms", |stage| {
            stage.later(ACCEPT_BY - START);
            lock(stage, &terms(), 110);
        }),
        ("wrong-digest", |stage| {
            let call = asked(buyer(), "lock", &terms());
            tell(stage, "Locked", &(DealId([9; 32]), buyer(), terms()), call, 110);
        }),
        ("wrong-sender", |stage| {
            let call = asked(seller(), "lock", &terms());
            tell(stage, "Locked", &(id(), buyer(), terms()), call, 110);
        }),
        ("other-arguments", |stage| {
            let call = asked(buyer(), "lock", &Terms { price: 99, ..terms() });
            tell(stage, "Locked", &(id(), buyer(), terms()), call, 110);
        }),
        ("other-message", |stage| {
            let call = asked(buyer(), "accept", &id());
            tell(stage, "Locked", &(id(), buyer(), terms()), call, 110);
        }),
    ];
    for (code, breach) in breaches {
        assert_eq!(codes(escrow(), breach), [code]);
    }
    let twice = after_lock(|stage| lock(stage, &terms(), 110));
    assert_eq!(twice, ["twice", "twice"]);
}

#[test]
fn a_step_against_the_rules_is_found() {
    let early: [(&str, Breach); 9] = [
        ("wrong-digest", |stage| reveal(stage, Secret([9; 32]))),
        ("wrong-state", accept),
        ("too-early", refund),
        ("too-early", |stage| dispute(stage, buyer())),
        ("expired", |stage| cancel(stage, START, Member(2))),
        ("unknown", |stage| {
            let other = DealId([9; 32]);
            tell(stage, "Accepted", &other, asked(seller(), "accept", &other), 5);
        }),
        ("unreadable-event", |stage| {
            tell(stage, "Refunded", &(id(), 1u8), asked(buyer(), "refund", &id()), 0);
        }),
        ("unknown-event", |stage| {
            tell(stage, "Vanished", &id(), asked(buyer(), "vanish", &id()), 0);
        }),
        ("not-due", |stage| {
            let fields = (id(), buyer(), Asset::Native, 10u128);
            stage.tell(take, ESCROW, "Deferred", &fields, None);
        }),
    ];
    for (code, breach) in early {
        assert_eq!(after_accept(0, breach), [code]);
    }
    let late: [(&str, Breach); 3] = [
        ("too-late", |stage| reveal(stage, SECRET)),
        ("too-late", claim),
        ("not-entitled", |stage| dispute(stage, arbiter())),
    ];
    for (code, breach) in late {
        assert_eq!(after_accept(REVEAL_BY - START, breach), [code]);
    }
    assert_eq!(
        after_accept(DISPUTE_BY - START, |stage| dispute(stage, buyer())),
        ["too-late"]
    );
}

#[test]
fn a_ruling_against_the_rules_is_found() {
    let breaches: [(&str, Breach); 5] = [
        ("wrong-sender", |stage| rule(stage, buyer(), 0, 115)),
        ("wrong-value", |stage| rule(stage, arbiter(), 60, 56)),
        ("too-early", |stage| rule_by_default(stage, 60, 55)),
        ("twice", |stage| dispute(stage, buyer())),
        ("too-late", |stage| {
            stage.later(RULING_BY - REVEAL_BY);
            rule(stage, arbiter(), 60, 55);
        }),
    ];
    for (code, breach) in breaches {
        let mut stage = accepted_deal(REVEAL_BY - START);
        dispute(&mut stage, buyer());
        assert_eq!(codes(stage, breach), [code]);
    }
    let mut stage = accepted_deal(REVEAL_BY - START);
    dispute(&mut stage, buyer());
    stage.later(RULING_BY - REVEAL_BY);
    rule_by_default(&mut stage, 61, 54);
    assert_eq!(stage.codes(), ["wrong-value"]);
}

#[test]
fn money_that_comes_out_of_nothing_is_not_conserved() {
    let mut stage = accepted_deal(REVEAL_BY - START);
    dispute(&mut stage, buyer());
    rule(&mut stage, arbiter(), 60, 56);
    sums_of(&mut stage);
    assert_eq!(stage.codes(), ["wrong-value", "not-conserved"]);
}
