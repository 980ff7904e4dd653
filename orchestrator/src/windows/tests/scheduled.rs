//! Cut-offs, windows that could not be paid, alarms.
use protocol::windows::{Window, WindowState};

use super::world::{World, BANK, HOUR, NOON};

/// 16:00 on the first day.
const CUT_OFF: u64 = NOON + 4 * HOUR;
const DAY: u64 = 24 * HOUR;

#[tokio::test]
async fn a_window_is_closed_at_its_cut_off_and_not_before() {
    let world = World::new().await;
    world.round().await;
    world.clock.set(CUT_OFF - 1);
    world.round().await;
    assert_eq!(world.closed(), [0; 0]);
    world.clock.set(CUT_OFF);
    world.round().await;
    assert_eq!(world.closed(), [0]);
    assert_eq!(world.settled(), [0], "everybody can pay");
    world.clock.set(CUT_OFF + HOUR);
    world.round().await;
    assert_eq!(world.closed(), [0], "once a cut-off");
}

#[tokio::test]
async fn a_window_without_payments_stays_open() {
    let world = World::new().await;
    world.change(|chain| chain.windows[0].vouchers = 0);
    world.round().await;
    world.clock.set(CUT_OFF);
    world.round().await;
    // Payments that come now belong to the next cut-off.
    world.change(|chain| chain.windows[0].vouchers = 5);
    world.round().await;
    assert_eq!(world.closed(), [0; 0]);
    world.clock.set(CUT_OFF + DAY);
    world.round().await;
    assert_eq!(world.closed(), [0]);
}

#[tokio::test]
async fn cut_offs_missed_while_down_are_caught_up_once() {
    let world = World::new().await;
    world.round().await;
    world.clock.set(CUT_OFF + DAY + HOUR);
    let world = world.restart();
    world.round().await;
    assert_eq!(world.closed(), [0]);
    world.change(|chain| chain.windows[1].vouchers = 4);
    world.round().await;
    assert_eq!(world.closed(), [0], "two were missed, the window was closed once");
}

#[tokio::test]
async fn a_first_start_has_missed_nothing() {
    let world = World::new().await;
    world.clock.set(CUT_OFF + HOUR);
    world.round().await;
    assert_eq!(world.closed(), [0; 0]);
}

#[tokio::test]
async fn a_cut_off_that_the_other_notaries_served_is_not_served_again() {
    let world = World::new().await;
    world.round().await;
    // They closed the window without this one, which was down; the next one has payments already.
    world.change(|chain| {
        chain.windows[0].state = WindowState::Settled;
        chain.windows.push(Window {
            vouchers: 2,
            opened_in: 50,
            ..Window::default()
        });
        chain.times.insert(50, CUT_OFF + 1);
    });
    world.clock.set(CUT_OFF + HOUR);
    world.round().await;
    assert_eq!(world.closed(), [0; 0]);
    world.clock.set(CUT_OFF + DAY);
    world.round().await;
    assert_eq!(world.closed(), [1]);
}

#[tokio::test]
async fn a_window_that_could_not_be_paid_is_paid_as_soon_as_it_can() {
    let world = World::new().await;
    world.round().await;
    world.change(|chain| chain.short = true);
    world.clock.set(CUT_OFF);
    world.round().await;
    assert_eq!((world.closed(), world.settled()), (vec![0], vec![]));
    let window = world.windows.window(0).await.unwrap().unwrap();
    let short = world.windows.shortfalls(0, &window).await.unwrap();
    assert_eq!(short.first().map(|short| short.member), Some(BANK));

    let world = world.restart();
    world.change(|chain| chain.short = false);
    world.round().await;
    assert_eq!(world.settled(), [0]);
    world.round().await;
    assert_eq!(world.settled(), [0], "once");
    assert_eq!(world.store.window_schedule().await.unwrap().first_unsettled, 1);
}

#[tokio::test]
async fn a_member_near_its_cap_is_named() {
    let world = World::new().await;
    let standing = async |owes, unsettled, cap| {
        world.change(|chain| (chain.owes, chain.unsettled, chain.cap) = (owes, unsettled, cap));
        world.round().await;
        let standings = world.windows.standings().await.unwrap();
        let standing = standings.into_iter().find(|standing| standing.member == BANK).unwrap();
        (standing.used_percent, standing.alarm)
    };
    assert_eq!(standing(0, 0, 1_000).await, (0, false));
    assert_eq!(
        standing(500, 299, 1_000).await,
        (79, false),
        "windows that are not paid count"
    );
    assert_eq!(standing(500, 300, 1_000).await, (80, true));
    assert_eq!(standing(1, 0, 0).await, (100, true), "owing without a cap");
    assert_eq!(standing(u128::MAX / 2, 0, u128::MAX).await, (50, false), "no overflow");
}
