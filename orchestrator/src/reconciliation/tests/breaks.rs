//! Breaks: explained, corrected on the chain and in the books.
use std::time::Duration;

use protocol::{
    ids::PayerId,
    reconciliation::{Entry, Kind, Side},
    settlement::Asset,
    AccountId,
};

use super::world::{at, entry, line, trade, Rules, World, BOOK, BY_CHAIN, CREDIT, DEBIT, THURSDAY, TUESDAY, WEDNESDAY};
use crate::{
    reconciliation::{breaks::state::BreakState, days::state::DayState, messages::RefusalCode, Accept},
    store::{days::BreakFilter, Page},
};

const BY_HAND: Rules = Rules {
    debit: Accept::ByHand,
    credit: Accept::Chain,
};

/// Another of each kind at each side, and payments that are in order.
async fn with_every_kind_of_break(rules: Rules) -> World {
    let world = World::open(rules).await;
    let entries: Vec<Entry> = (1..=10).map(|n| entry(n, TUESDAY, 100 * u128::from(n))).collect();
    world.record(TUESDAY, &entries, None);
    for one in &entries {
        let right = line(one, TUESDAY);
        let (mut debit, mut credit) = (right.clone(), right.clone());
        match one.trade.0[0] {
            // Missing at one side each.
            1 => {
                world.book(CREDIT, right).await;
                continue;
            }
            2 => {
                world.book(DEBIT, right).await;
                continue;
            }
            // Other amounts, an other asset, an other payer.
            3 => debit.amount = 1,
            4 => credit.amount = 5_000,
            5 => credit.asset = Asset::Psp22(AccountId([8; 32])),
            6 => debit.payer = Some(PayerId([99; 32])),
            // Twice.
            7 => {
                let mut again = right.clone();
                again.number = 2;
                world.book(CREDIT, again).await;
            }
            // Under another id.
            8 => debit.trade = trade(108),
            _ => {}
        }
        world.book(DEBIT, debit).await;
        world.book(CREDIT, credit).await;
    }
    // Nobody recorded these: one that both booked, and one that only one did.
    let unrecorded = entry(21, TUESDAY, 7);
    world.book_both(TUESDAY, &[unrecorded]).await;
    world.book(DEBIT, line(&entry(22, TUESDAY, 9), TUESDAY)).await;
    // On the wrong day.
    world.alter(CREDIT, trade(9), |line| line.day = WEDNESDAY).await;
    world.set(at(WEDNESDAY, 6));
    world
}

#[tokio::test]
async fn every_kind_of_break_is_found_by_both_corrected_on_the_chain_and_in_the_books() {
    let world = with_every_kind_of_break(BY_CHAIN).await;
    world.rounds(1).await;
    for member in [DEBIT, CREDIT] {
        let mut found: Vec<u8> = world.breaks(member).await.iter().map(|row| row.trade.0[0]).collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 21, 22],
            "nothing else, by member {member}"
        );
    }
    world.rounds(16).await;
    world.is_done(TUESDAY).await;
    assert_eq!(world.chain.corrections(), 11);
    for member in [DEBIT, CREDIT] {
        let breaks = world.breaks(member).await;
        assert!(breaks.iter().all(|row| row.state == BreakState::Booked), "{breaks:?}");
    }
    // 100 + 200 + … + 1,000, and the one that both had booked.
    assert_eq!(world.purse.sum(), 5_507);
    assert_eq!(world.chain.entry(trade(22)).unwrap().amount, 0);
    let dry = world.credit.dry_run(BOOK, TUESDAY).await.unwrap();
    assert_eq!((dry.summary.breaks, dry.summary.matched), (0, 11));
}

#[tokio::test]
async fn breaks_are_looked_for_by_what_is_wrong_where() {
    let world = with_every_kind_of_break(BY_HAND).await;
    world.rounds(1).await;
    let found = |filter: BreakFilter| {
        let world = &world;
        async move {
            let rows = world.credit.breaks(BOOK, &filter, &Page::first(50)).await.unwrap();
            let mut trades: Vec<u8> = rows.iter().map(|row| row.trade.0[0]).collect();
            trades.sort_unstable();
            trades
        }
    };
    let by_kind = |kind| BreakFilter {
        kind: Some(kind),
        ..BreakFilter::default()
    };
    assert_eq!(found(by_kind(Kind::Missing)).await, [1, 2, 21, 22]);
    assert_eq!(found(by_kind(Kind::WrongDay)).await, [9]);
    let at_chain = BreakFilter {
        side: Some(Side::Chain),
        ..BreakFilter::default()
    };
    assert_eq!(found(at_chain).await, [21, 22]);
    let nobodys = BreakFilter {
        assigned: Some("ann".into()),
        ..BreakFilter::default()
    };
    assert!(found(nobodys.clone()).await.is_empty());
    world.credit.assign(BOOK, trade(3), Some("ann"), "chief").await.unwrap();
    assert_eq!(found(nobodys).await, [3]);
}

#[tokio::test]
async fn where_a_side_accepts_by_hand_nothing_is_signed_there_before_a_person_does() {
    let world = with_every_kind_of_break(BY_HAND).await;
    world.rounds(6).await;
    assert_eq!(world.chain.corrections(), 0);
    assert_eq!(world.break_state(DEBIT, trade(3)).await, BreakState::Proposed);
    for row in world.breaks(DEBIT).await {
        world.debit.accept(BOOK, row.trade, "ann").await.unwrap();
    }
    world.rounds(70).await;
    world.is_done(TUESDAY).await;
    let standing = world.debit.break_of(BOOK, trade(3)).await.unwrap();
    let signed = standing.history.iter().find(|line| line.who.is_some()).unwrap();
    assert_eq!((signed.who.as_deref(), signed.state), (Some("ann"), BreakState::Signed));
}

#[tokio::test]
async fn a_rejected_correction_isnt_proposed_again_and_people_agree_on_another_amount() {
    let world = World::open(BY_HAND).await;
    let entries = [entry(1, TUESDAY, 100)];
    world.record(TUESDAY, &entries, None);
    world.book_both(TUESDAY, &entries).await;
    world.alter(DEBIT, trade(1), |line| line.amount = 90).await;
    world.set(at(WEDNESDAY, 6));
    world.rounds(3).await;
    world
        .debit
        .reject(BOOK, trade(1), "the customer paid 90", "ann")
        .await
        .unwrap();
    world.rounds(20).await;
    let at_bank = world.credit.break_of(BOOK, trade(1)).await.unwrap().row;
    assert_eq!(at_bank.state, BreakState::Open);
    let refusal = at_bank.refusal.unwrap();
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (RefusalCode::Rejected, "the customer paid 90")
    );
    assert_eq!(world.chain.corrections(), 0);

    // The finance company's person proposes; the bank's settings don't accept another amount without a person.
    world
        .debit
        .propose(BOOK, trade(1), Some(90), Some("see the receipt"), "ann")
        .await
        .unwrap();
    world.rounds(4).await;
    let at_bank = world.credit.break_of(BOOK, trade(1)).await.unwrap().row;
    assert_eq!(at_bank.state, BreakState::Proposed);
    assert_eq!(at_bank.proposed.unwrap().comment.as_deref(), Some("see the receipt"));
    world.credit.accept(BOOK, trade(1), "bob").await.unwrap();
    world.rounds(70).await;
    world.is_done(TUESDAY).await;
    assert_eq!((world.chain.total(TUESDAY), world.purse.sum()), (90, 90));
}

#[tokio::test]
async fn comments_and_names_are_kept_and_nonsense_is_refused() {
    let world = with_every_kind_of_break(BY_HAND).await;
    world.rounds(1).await;
    let standing = world
        .credit
        .comment(BOOK, trade(4), " asked the branch ", "bob")
        .await
        .unwrap();
    let last = standing.history.last().unwrap();
    assert_eq!(
        (last.who.as_deref(), last.detail.as_str()),
        (Some("bob"), "asked the branch")
    );
    assert!(world.credit.comment(BOOK, trade(4), "  ", "bob").await.is_err());
    assert!(
        world.credit.reject(BOOK, trade(4), "no", "bob").await.is_err(),
        "nobody proposed anything here"
    );
    assert!(world.credit.comment(BOOK, trade(10), "in order", "bob").await.is_err());
}

#[tokio::test]
async fn keys_that_change_while_a_correction_waits_are_no_reason_to_lose_it() {
    let world = with_every_kind_of_break(BY_HAND).await;
    world.rounds(3).await;
    world.chain.next_epoch();
    world.rounds(3).await;
    for row in world.breaks(DEBIT).await {
        world.debit.accept(BOOK, row.trade, "ann").await.unwrap();
    }
    world.rounds(80).await;
    world.is_done(TUESDAY).await;
    assert_eq!(world.chain.corrections(), 11);
}

#[tokio::test]
async fn what_is_corrected_of_a_closed_day_counts_on_the_next_one() {
    let people = Rules {
        debit: Accept::ByHand,
        credit: Accept::ByHand,
    };
    let world = World::open(people).await;
    let entries = [entry(1, TUESDAY, 100)];
    world.record(TUESDAY, &entries, None);
    world.book_both(TUESDAY, &entries).await;
    world.set(at(WEDNESDAY, 6));
    world.rounds(6).await;
    world.is_done(TUESDAY).await;
    let later = [entry(2, WEDNESDAY, 70)];
    world.record(WEDNESDAY, &later, None);
    world.book_both(WEDNESDAY, &later).await;

    // It turns out that it was 80.
    world.alter(DEBIT, trade(1), |line| line.amount = 80).await;
    world.debit.want(BOOK, TUESDAY, "ann", Duration::ZERO).await.unwrap();
    world.credit.want(BOOK, TUESDAY, "bob", Duration::ZERO).await.unwrap();
    world.rounds(2).await;
    world
        .debit
        .propose(BOOK, trade(1), Some(80), None, "ann")
        .await
        .unwrap();
    world.rounds(2).await;
    world.credit.accept(BOOK, trade(1), "bob").await.unwrap();
    world.rounds(6).await;
    assert_eq!(world.chain.entry(trade(1)).unwrap().amount, 80);
    assert_eq!(world.chain.day(WEDNESDAY).total, 50);
    for member in [DEBIT, CREDIT] {
        assert_eq!(world.lines(member, TUESDAY).await[0].amount, 80);
    }

    world.set(at(THURSDAY, 6));
    world.rounds(6).await;
    assert_eq!(world.states(WEDNESDAY).await, (DayState::Paid, DayState::Closed));
    assert_eq!(world.purse.sum(), 150, "100 for Tuesday, 70 less 20 for Wednesday");
}
