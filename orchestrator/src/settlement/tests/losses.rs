//! A network that loses requests and answers.
use protocol::settlement::TransactionKind;

use super::{
    network::{Loss, Message},
    world::{World, BYSTANDER},
};

#[tokio::test]
async fn any_lost_request_or_answer_is_made_up_for_and_nothing_happens_twice() {
    for kind in [
        TransactionKind::Purchase,
        TransactionKind::CashDeposit,
        TransactionKind::CreditTransfer(BYSTANDER),
    ] {
        for message in Message::ALL {
            for loss in [Loss::Request, Loss::Answer] {
                let world = World::new().await;
                world.network.lose(message, loss);
                world.network.lose(message, loss);
                let id = world.order(kind).await;
                world.settle().await;
                assert!(
                    world.network.is_calm(),
                    "{message:?} was sent too rarely to be lost twice"
                );
                world.assert_settled_once(id, kind).await;
            }
        }
    }
}

#[tokio::test]
async fn a_network_that_loses_each_message_once_in_each_direction_only_delays() {
    for kind in [TransactionKind::Purchase, TransactionKind::CreditTransfer(BYSTANDER)] {
        let world = World::new().await;
        for message in Message::ALL {
            world.network.lose(message, Loss::Request);
            world.network.lose(message, Loss::Answer);
        }
        let id = world.order(kind).await;
        world.settle().await;
        world.assert_settled_once(id, kind).await;
    }
}
