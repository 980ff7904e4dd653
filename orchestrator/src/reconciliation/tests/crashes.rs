//! Whatever is lost in between, it ends the same.
use protocol::reconciliation::Entry;

use super::world::{at, entry, line, trade, World, BY_CHAIN, CREDIT, DEBIT, TUESDAY, WEDNESDAY};

async fn with_breaks() -> World {
    let world = World::open(BY_CHAIN).await;
    let entries: Vec<Entry> = (1..=6).map(|n| entry(n, TUESDAY, 10 * u128::from(n))).collect();
    world.record(TUESDAY, &entries, None);
    world.book_both(TUESDAY, &entries[2..]).await;
    world.book(DEBIT, line(&entries[0], TUESDAY)).await;
    world.book(CREDIT, line(&entries[1], TUESDAY)).await;
    world.alter(CREDIT, trade(4), |line| line.amount = 1).await;
    world.set(at(WEDNESDAY, 6));
    world
}

async fn is_right(world: &World) {
    world.is_done(TUESDAY).await;
    assert_eq!(world.chain.corrections(), 3, "each once");
    assert_eq!(world.purse.sum(), 210);
    assert_eq!(world.purse.paid.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn both_start_anew_after_every_round() {
    let mut world = with_breaks().await;
    for _ in 0..20 {
        world.rounds(1).await;
        world = world.restart();
    }
    is_right(&world).await;
}

#[tokio::test]
async fn answers_of_the_chain_get_lost() {
    for lost in 1..6 {
        let world = with_breaks().await;
        world.rounds(2).await;
        world.chain.lose(lost);
        world.rounds(20).await;
        is_right(&world).await;
    }
}

#[tokio::test]
async fn a_step_is_broken_off_wherever_it_waits() {
    for looks in 0..30 {
        let world = with_breaks().await;
        for _ in 0..3 {
            for side in [&world.credit, &world.debit] {
                // What is dropped in the middle is as lost as in a crash.
                let mut round = Box::pin(side.round());
                for _ in 0..looks * 14 {
                    if futures::poll!(&mut round).is_ready() {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
            }
        }
        let world = world.restart();
        world.rounds(24).await;
        is_right(&world).await;
    }
}
