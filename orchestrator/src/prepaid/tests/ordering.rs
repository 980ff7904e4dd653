//! Terminals' orders, from the terminal to the chain and back.
use protocol::prepaid::{DeclineCode, Verdict};

use super::{
    super::{
        fault::PrepaidError,
        messages::{Decline, OrderAnswer},
        ports::Act,
        sealed::MAX_SEALED,
    },
    world::World,
    *,
};
use crate::store::Page;

fn code(answer: &OrderAnswer) -> Decline {
    match answer {
        OrderAnswer::Declined { code, reason } => {
            assert!(!reason.is_empty());
            *code
        }
        other => panic!("{other:?} isn't declined"),
    }
}

#[tokio::test]
async fn a_payment_goes_from_the_terminal_to_the_chain_and_its_answer_back() {
    let world = World::open().await;
    let order = world.payment(1, 120);
    let message = world.message(&order);
    let at_first = world.acquirer.on_message(&message).await.unwrap();
    assert_eq!(at_first, OrderAnswer::Pending);
    world.rounds().await;
    let answer = world.acquirer.on_message(&message).await.unwrap();
    let OrderAnswer::Approved {
        taken, balance, cycle, ..
    } = answer
    else {
        panic!("{answer:?}");
    };
    assert_eq!((taken, balance, cycle), (120, 380, 0));
    assert_eq!(world.balance().await, 380);

    // The same order again, sealed anew, gets the same answer, and the chain hears nothing.
    let acts = world.books.acts();
    assert_eq!(world.answer(&order).await, answer);
    world.rounds().await;
    assert_eq!(world.books.acts(), acts);
}

#[tokio::test]
async fn payments_that_wait_go_together_and_each_is_decided_for_itself() {
    let world = World::open().await;
    let before = world.books.acts();
    let orders = [
        world.payment(1, 300),
        world.payment(2, 300),
        world.payment(3, 200),
        world.payment(3, 150),
    ];
    for order in &orders {
        world.issuer.on_order(ACQUIRER, &world.sealed(order)).await.unwrap();
    }
    world.rounds().await;
    assert_eq!(world.books.acts(), before + 1, "{:?}", world.books.keys());
    let mut answers = Vec::new();
    for order in &orders {
        answers.push(world.answer(order).await);
    }
    assert!(matches!(answers[0], OrderAnswer::Approved { taken: 300, .. }));
    assert_eq!(code(&answers[1]), Decline::Payment(DeclineCode::InsufficientFunds));
    assert!(matches!(answers[2], OrderAnswer::Approved { balance: 0, .. }));
    assert_eq!(code(&answers[3]), Decline::Payment(DeclineCode::CounterUsed));
}

#[tokio::test]
async fn what_is_in_no_order_is_declined_and_keeps_the_reference_from_nobody() {
    let world = World::open().await;
    let mut garbled = world.sealed(&world.payment(1, 10));
    garbled.sealed = garbled.sealed.replacen('A', "B", 1).replacen('a', "b", 3);
    let answer = world.issuer.on_order(ACQUIRER, &garbled).await.unwrap();
    assert_eq!(code(&answer), Decline::GarbageCiphertext);

    let mut renamed = world.sealed(&world.payment(2, 10));
    renamed.reference = [5; 32];
    let answer = world.issuer.on_order(ACQUIRER, &renamed).await.unwrap();
    assert_eq!(code(&answer), Decline::OtherOrder);

    world.rounds().await;
    assert_eq!(world.balance().await, 500);

    let kept = world.issuer.order(&garbled.reference).await.unwrap();
    assert_eq!(code(&kept.answer.unwrap()), Decline::GarbageCiphertext);
    let answer = world.answer(&world.payment(1, 10)).await;
    assert!(matches!(answer, OrderAnswer::Approved { taken: 10, .. }), "{answer:?}");
    let again = world.issuer.on_order(ACQUIRER, &garbled).await.unwrap();
    assert_eq!(again, answer, "once it is an order, it is answered as one");
}

#[tokio::test]
async fn another_terminal_neither_takes_a_reference_nor_learns_what_became_of_it() {
    let world = World::open().await;
    let order = world.payment(1, 10);
    let mut others = world.sealed(&order);
    others.terminal = protocol::AccountId([7; 32]);
    assert_eq!(
        code(&world.issuer.on_order(ACQUIRER, &others).await.unwrap()),
        Decline::OtherOrder
    );
    assert!(matches!(
        world.answer(&order).await,
        OrderAnswer::Approved { taken: 10, .. }
    ));
    assert_eq!(
        code(&world.issuer.on_order(ACQUIRER, &others).await.unwrap()),
        Decline::OtherOrder
    );
}

#[tokio::test]
async fn another_acquirer_neither_orders_for_a_terminal_nor_learns_of_its_orders() {
    let world = World::open().await;
    let stranger = protocol::Member(7);
    let order = world.sealed(&world.payment(1, 10));
    let answer = world.issuer.on_order(stranger, &order).await.unwrap();
    assert_eq!(code(&answer), Decline::OtherOrder);
    let rightful = world.answer(&world.payment(1, 10)).await;
    assert!(
        matches!(rightful, OrderAnswer::Approved { taken: 10, .. }),
        "{rightful:?}"
    );
    let other = world.sealed(&world.payment(2, 10));
    world.issuer.on_order(ACQUIRER, &other).await.unwrap();
    let error = world.issuer.on_order(stranger, &other).await.unwrap_err();
    assert_eq!(error.code(), "reference-taken");
}

#[tokio::test]
async fn a_batch_whose_answer_is_lost_is_not_decided_twice() {
    for forgets in [false, true] {
        let world = World::open().await;
        if forgets {
            world.books.forget_events();
        }
        let orders = [world.payment(1, 300), world.payment(2, 300)];
        for order in &orders {
            world.issuer.on_order(ACQUIRER, &world.sealed(order)).await.unwrap();
        }
        world.books.lose(1);
        assert!(world.issuer.round().await.is_err());
        let acts = world.books.acts();
        let world = world.restart();
        world.rounds().await;
        // Where the node doesn't tell verdicts any more, what wasn't taken is decided anew; and then never known for sure.
        assert_eq!(world.books.acts() == acts, !forgets);
        assert_eq!(world.balance().await, 200);
        let approved = world.answer(&orders[0]).await;
        assert!(
            matches!(
                approved,
                OrderAnswer::Approved {
                    taken: 300,
                    balance: 200,
                    ..
                }
            ),
            "{approved:?}"
        );
        if !forgets {
            let declined = world.answer(&orders[1]).await;
            assert_eq!(code(&declined), Decline::Payment(DeclineCode::InsufficientFunds));
        }
    }
}

#[tokio::test]
async fn a_payment_that_was_brought_to_the_chain_before_is_approved() {
    let world = World::open().await;
    let verdict = world.books.bring(&world.signed(1, 120));
    assert!(matches!(verdict, Verdict::Approved { .. }));
    let answer = world.answer(&world.payment(1, 120)).await;
    assert!(
        matches!(
            answer,
            OrderAnswer::Approved {
                taken: 120,
                balance: 380,
                ..
            }
        ),
        "{answer:?}"
    );
    let other = world.answer(&world.payment(1, 121)).await;
    assert_eq!(code(&other), Decline::Payment(DeclineCode::CounterUsed));
}

#[tokio::test]
async fn a_batch_that_is_too_much_for_a_block_is_tried_in_halves() {
    let world = World::open().await;
    world.books.take_at_most(2);
    let orders: Vec<_> = (1..=7).map(|counter| world.payment(counter, 10)).collect();
    for order in &orders {
        world.issuer.on_order(ACQUIRER, &world.sealed(order)).await.unwrap();
    }
    for _ in 0..4 {
        world.rounds().await;
    }
    assert_eq!(world.balance().await, 430);
    for order in &orders {
        assert!(world.answer(order).await.is_final());
    }
}

#[tokio::test]
async fn a_void_waits_for_its_payment_and_undoes_it_once() {
    let world = World::open().await;
    let (payment, void) = (world.payment(1, 120), world.void(1));
    for order in [&payment, &void] {
        world.issuer.on_order(ACQUIRER, &world.sealed(order)).await.unwrap();
    }
    world.rounds().await;
    assert!(matches!(world.answer(&payment).await, OrderAnswer::Approved { .. }));
    let answer = world.answer(&void).await;
    assert!(
        matches!(answer, OrderAnswer::Returned { amount: 120, .. }),
        "{answer:?}"
    );
    assert_eq!(world.balance().await, 500);
    assert_eq!(world.answer(&void).await, answer);
    let refund = world.answer(&world.refund(1, 1, 120)).await;
    assert_eq!(code(&refund), Decline::Refused);
}

#[tokio::test]
async fn a_refund_whose_answer_is_lost_is_carried_out_once() {
    let world = World::open().await;
    assert!(world.answer(&world.payment(1, 120)).await.is_final());
    let refund = world.refund(1, 50, 0);
    world.issuer.on_order(ACQUIRER, &world.sealed(&refund)).await.unwrap();
    world.books.lose(1);
    assert!(world.issuer.round().await.is_err());
    let world = world.restart();
    let answer = world.answer(&refund).await;
    assert!(matches!(answer, OrderAnswer::Returned { amount: 50, .. }), "{answer:?}");
    assert_eq!(world.balance().await, 430);
}

#[tokio::test]
async fn a_refusal_that_is_not_final_declines_nothing() {
    let world = World::open().await;
    let refund = world.refund(1, 50, 0);
    world.books.leave_unsettled(true);
    assert_eq!(world.answer(&refund).await, OrderAnswer::Pending);
    world.books.leave_unsettled(false);
    assert_eq!(code(&world.answer(&refund).await), Decline::Refused);
}

#[tokio::test]
async fn an_acquirer_takes_only_what_a_terminal_of_its_merchants_signed() {
    let world = World::open().await;
    let sound = world.message(&world.payment(1, 10));
    let mut altered = sound.clone();
    altered.sent_at += 1;
    let error = world.acquirer.on_message(&altered).await.unwrap_err();
    assert_eq!(error.code(), "bad-terminal-signature");

    let mut elsewhere = sound.clone();
    elsewhere.issuer = protocol::Member(8);
    let error = world.acquirer.on_message(&elsewhere).await.unwrap_err();
    assert_eq!(error.code(), "unknown-issuer");

    let mut long = sound.clone();
    long.sealed = "a".repeat(MAX_SEALED + 1);
    let error = world.acquirer.on_message(&signed(long)).await.unwrap_err();
    assert_eq!(error.code(), "order-too-long");

    let stranger = crate::identity::SigningKey::load("//Stranger").unwrap();
    let mut foreign = sound.clone();
    foreign.terminal = stranger.account();
    let payload = foreign.payload(&protocol::prepaid::domain(world::GENESIS, world::CONTRACT));
    foreign.signature = stranger.sign(&payload);
    let error = world.acquirer.on_message(&foreign).await.unwrap_err();
    assert!(matches!(error, PrepaidError::NotOurTerminal(_)), "{error}");
    assert!(world
        .acquirer
        .terminal_messages(&Page::first(10))
        .await
        .unwrap()
        .is_empty());

    world.acquirer.on_message(&sound).await.unwrap();
    let mut taken = foreign;
    taken.reference = sound.reference;
    let payload = taken.payload(&protocol::prepaid::domain(world::GENESIS, world::CONTRACT));
    taken.signature = stranger.sign(&payload);
    let error = world.acquirer.on_message(&taken).await.unwrap_err();
    assert_eq!(error.code(), "not-our-terminal");
}

#[tokio::test]
async fn an_order_is_passed_on_when_the_issuer_is_there_again_also_after_a_restart() {
    let world = World::open().await;
    let order = world.payment(1, 120);
    world.way.open(false);
    assert_eq!(world.answer(&order).await, OrderAnswer::Pending);
    let world = world.restart();
    let answer = world.answer(&order).await;
    assert!(matches!(answer, OrderAnswer::Approved { .. }), "{answer:?}");
    let kept = world.acquirer.terminal_messages(&Page::first(10)).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].answer, Some(answer));
}

#[tokio::test]
async fn a_revoked_terminals_order_is_declined_by_the_contract() {
    let world = World::open().await;
    let revoke = Act::RevokeTerminal(terminal_key().account());
    world.issuer.act(ISSUER, "revoke", &revoke).await.unwrap();
    let answer = world.answer(&world.payment(1, 10)).await;
    assert_eq!(code(&answer), Decline::Payment(DeclineCode::TerminalRevoked));
}

#[tokio::test]
async fn a_terminal_learns_what_it_has_to_know_of_an_issuer() {
    let world = World::open().await;
    let info = world.acquirer.issuer_facts(ISSUER).await.unwrap();
    assert_eq!(info.recipient, world.recipient);
    assert_eq!((info.genesis, info.contract), (world::GENESIS, world::CONTRACT));
    // What was told a moment ago counts while the issuer is away.
    world.way.open(false);
    assert_eq!(world.acquirer.issuer_facts(ISSUER).await.unwrap(), info);
    let world = world.restart();
    world.way.open(false);
    assert!(world.acquirer.issuer_facts(ISSUER).await.is_err());
}

#[tokio::test]
async fn the_runner_does_it_by_itself() {
    let world = World::open().await;
    let stop = tokio_util::sync::CancellationToken::new();
    let runs = [&world.issuer, &world.acquirer].map(|one| tokio::spawn(one.clone().run(stop.clone())));
    let message = world.message(&world.payment(1, 120));
    let answer = tokio::time::timeout(std::time::Duration::from_secs(20), async {
        loop {
            let answer = world.acquirer.on_message(&message).await.unwrap();
            if answer.is_final() {
                return answer;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    assert!(matches!(answer.await.unwrap(), OrderAnswer::Approved { .. }));
    stop.cancel();
    for run in runs {
        run.await.unwrap();
    }
}
