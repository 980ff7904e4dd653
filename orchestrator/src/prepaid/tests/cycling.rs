//! Merchants' cycles, closed at the cut-offs: 22:00 on banking days, by UTC.
use protocol::Timestamp;

use super::{
    super::{ports::Act, PrepaidError},
    world::World,
    *,
};

const HOUR: Timestamp = 3_600_000;
const DAY: Timestamp = 24 * HOUR;
/// The same Wednesday.
const CUT_OFF: Timestamp = START + 10 * HOUR;

impl World {
    /// Clock and chain show this time.
    fn at(&self, time: Timestamp) {
        self.clock.set(time);
        self.books.pass_time(time);
    }

    async fn cycle(&self) -> u32 {
        let merchant = self.issuer.merchant(ISSUER, MERCHANT).await.unwrap();
        merchant.cycle.number
    }

    async fn close(&self) {
        self.issuer.close_due_cycles().await.unwrap();
    }
}

#[tokio::test]
async fn a_cycle_is_closed_at_the_cut_off_once_and_not_before() {
    let world = World::open().await;
    world.answer(&world.payment(1, 120)).await;
    world.at(CUT_OFF - 1);
    world.close().await;
    assert_eq!(world.cycle().await, 0);
    world.at(CUT_OFF);
    for _ in 0..3 {
        world.close().await;
    }
    assert_eq!(world.cycle().await, 1);
    let statement = world.issuer.statement(ISSUER, MERCHANT, 0).await.unwrap();
    assert_eq!((statement.cycle.gross, statement.fee, statement.paid), (120, 1, 119));
}

#[tokio::test]
async fn a_cycle_in_which_nothing_happened_stays_open() {
    let world = World::open().await;
    world.at(CUT_OFF);
    world.close().await;
    assert_eq!(world.cycle().await, 0);
}

#[tokio::test]
async fn missed_cut_offs_are_caught_up_once() {
    let world = World::open().await;
    world.answer(&world.payment(1, 120)).await;
    // Thursday and the weekend passed; Friday is Christmas, which this calendar doesn't know.
    world.at(CUT_OFF + 5 * DAY);
    world.close().await;
    world.close().await;
    assert_eq!(world.cycle().await, 1);
}

#[tokio::test]
async fn a_chain_that_makes_no_blocks_is_asked_for_one() {
    let world = World::open().await;
    world.answer(&world.payment(1, 120)).await;
    world.clock.set(CUT_OFF + 2_000);
    world.close().await;
    assert_eq!(world.cycle().await, 1);
    let statement = world.issuer.statement(ISSUER, MERCHANT, 0).await.unwrap();
    assert!(statement.closed_at >= CUT_OFF, "or it would be closed again");
    world.close().await;
    assert_eq!(world.cycle().await, 1);
}

#[tokio::test]
async fn a_closing_whose_answer_is_lost_closes_no_other_cycle() {
    let world = World::open().await;
    world.answer(&world.payment(1, 120)).await;
    world.at(CUT_OFF);
    world.books.lose(1);
    world.close().await;
    let world = world.restart();
    world.close().await;
    assert_eq!(world.cycle().await, 1);
}

#[tokio::test]
async fn a_cycle_is_closed_by_hand_by_its_number() {
    let world = World::open().await;
    world.answer(&world.payment(1, 120)).await;
    let close = |cycle| Act::CloseCycle {
        merchant: MERCHANT,
        cycle,
    };
    let early = world.issuer.act(ISSUER, "early", &close(1)).await.unwrap_err();
    assert!(
        matches!(early, PrepaidError::OtherCycle { open: 0, asked: 1, .. }),
        "{early}"
    );
    // Whoever wants it closed, it is closed once.
    for (key, is_new) in [("one", true), ("two", false)] {
        let closed = world.issuer.act(ISSUER, key, &close(0)).await.unwrap();
        assert_eq!(closed.is_some(), is_new);
    }
    assert_eq!(world.cycle().await, 1);
}
