//! Many payments at once: what is ready together goes to the chain together, and what can't goes by itself.
use std::pin::pin;

use futures::future::join_all;
use protocol::{
    settlement::{Relation, TransactionKind, MAX_BATCH},
    Amount, Member, RelationId, VoucherId,
};

use super::{
    ledger::Trouble,
    network::{Loss, Message},
    world::{World, BYSTANDER, FUNDS, HOME, NOTARY, ORIGINATOR, SAVINGS},
};
use crate::settlement::{
    messages::{BatchDraft, BatchItem},
    runner::Turn,
    Fault,
};

const EACH: Amount = 10;

impl World {
    async fn order_some(&self, count: usize) -> Vec<VoucherId> {
        let mut ids = Vec::new();
        for _ in 0..count {
            let mut request = self.request(TransactionKind::Purchase);
            request.amount = EACH;
            let request = self.signed(request);
            ids.push(self.house(ORIGINATOR).request_payment(request).await.unwrap().id);
        }
        ids
    }

    /// Until the notary holds everybody's signatures under each of them.
    async fn settle_until_ready(&self, ids: &[VoucherId]) {
        let notary = self.house(NOTARY);
        for id in ids {
            let mut rounds = 0;
            while self.state(NOTARY, *id).await == "unknown" {
                self.round().await;
                rounds += 1;
                assert!(rounds < 100, "the notary is never asked");
            }
        }
        for id in ids {
            while self.state(NOTARY, *id).await != "consented" {
                assert_eq!(notary.turn(*id).await.unwrap(), Turn::Moved);
            }
        }
    }

    /// The payments take their steps while another call of the institution is on its way, until `waiting` of them wait
    /// for it to come back.
    async fn all_at_once(&self, member: Member, ids: &[VoucherId], waiting: usize) {
        let house = self.house(member);
        let held = (house.retentions.hold(), house.discharges.hold());
        let mut all = pin!(join_all(ids.iter().map(|id| house.turn(*id))));
        while house.retentions.count() + house.discharges.count() < waiting {
            assert!(futures::poll!(&mut all).is_pending(), "they don't wait for each other");
            tokio::task::yield_now().await;
        }
        drop(held);
        all.await;
    }

    /// Everything is settled once, whatever the calls were.
    async fn assert_all_settled_once(&self, ids: &[VoucherId]) {
        for id in ids {
            for member in [ORIGINATOR, HOME, NOTARY] {
                assert_eq!(self.state(member, *id).await, "cleared", "member {member}");
            }
        }
        let moved = EACH * ids.len() as Amount;
        assert_eq!(self.ledger.available(HOME), FUNDS - moved);
        assert_eq!(self.ledger.available(ORIGINATOR), FUNDS + moved);
        assert_eq!(self.ledger.reserved(HOME), 0);
        assert_eq!(self.account().await, (SAVINGS - moved, 0));
        let count = i64::try_from(ids.len()).unwrap();
        assert_eq!(self.store(ORIGINATOR).count("payouts").await, count);
        assert_eq!(self.store(HOME).count("account_entries").await, count);
    }

    fn calls(&self, what: &str) -> usize {
        let chain = self.ledger.chain();
        chain.calls.iter().filter(|call| call.starts_with(what)).count()
    }
}

#[tokio::test]
async fn retentions_that_are_ready_together_take_one_call_and_so_do_their_discharges() {
    let world = World::new().await;
    let ids = world.order_some(6).await;
    world.settle_until_ready(&ids).await;
    world.all_at_once(NOTARY, &ids, ids.len()).await;
    assert_eq!(world.calls("retain/"), 1);
    for id in &ids {
        world.settle_until(HOME, *id, "discharge-signed").await;
    }
    world.all_at_once(HOME, &ids, ids.len()).await;
    world.settle().await;
    assert_eq!(world.calls("clear/"), 1);
    world.assert_all_settled_once(&ids).await;
}

#[tokio::test]
async fn what_was_drawn_up_in_another_second_takes_another_call() {
    let world = World::new().await;
    let ids = world.order_some(4).await;
    for id in &ids {
        world.settle_until(NOTARY, *id, "attested").await;
    }
    for id in &ids[..2] {
        world.house(NOTARY).turn(*id).await.unwrap();
    }
    world.clock.pass(1_000);
    world.settle_until_ready(&ids).await;
    world.all_at_once(NOTARY, &ids, ids.len()).await;
    assert_eq!(world.calls("retain/"), 2);
    world.settle().await;
    world.assert_all_settled_once(&ids).await;
}

#[tokio::test]
async fn a_party_that_does_not_sign_for_a_batch_has_its_payments_retained_one_by_one() {
    for loss in [Loss::Request, Loss::Answer] {
        let world = World::new().await;
        let ids = world.order_some(3).await;
        world.settle_until_ready(&ids).await;
        world.network.lose(Message::BatchDraft, loss);
        world.all_at_once(NOTARY, &ids, ids.len()).await;
        assert_eq!(world.calls("retain/"), 3);
        world.settle().await;
        world.assert_all_settled_once(&ids).await;
    }
}

#[tokio::test]
async fn a_party_that_is_down_by_then_does_not_stop_what_everybody_signed_for() {
    let mut world = World::new().await;
    let ids = world.order_some(3).await;
    world.settle_until_ready(&ids).await;
    world.stop(HOME);
    world.all_at_once(NOTARY, &ids, ids.len()).await;
    assert_eq!(world.calls("retain/"), 3);
    world.start(HOME);
    world.settle().await;
    world.assert_all_settled_once(&ids).await;
}

#[tokio::test]
async fn a_forged_signature_under_a_batch_is_not_submitted() {
    let world = World::new().await;
    let ids = world.order_some(2).await;
    world.settle_until_ready(&ids).await;
    world.network.forge_answers(Message::BatchDraft, |answer| {
        answer["signature"] = format!("0x{}", "01".repeat(64)).into();
    });
    world.all_at_once(NOTARY, &ids, ids.len()).await;
    world.network.be_honest();
    assert_eq!(world.calls("retain/"), 2);
    world.settle().await;
    world.assert_all_settled_once(&ids).await;
}

#[tokio::test]
async fn one_that_cannot_be_retained_does_not_stop_the_others() {
    let world = World::new().await;
    let ids = world.order_some(4).await;
    world.settle_until_ready(&ids).await;
    // One of them is on chain already, but in no finalized block.
    world.ledger.hold_finality();
    world.house(NOTARY).turn(ids[1]).await.unwrap_err();
    world.all_at_once(NOTARY, &ids, ids.len()).await;
    world.ledger.finalize();
    assert_eq!(world.calls("retain/"), 2, "the one before, and the others in one");
    world.settle().await;
    world.assert_all_settled_once(&ids).await;
}

#[tokio::test]
async fn a_debtor_without_funds_is_found_out_by_itself() {
    let world = World::new().await;
    let ids = world.order_some(3).await;
    world.settle_until_ready(&ids).await;
    world.ledger.withdraw(HOME, FUNDS - 2 * EACH);
    world.all_at_once(NOTARY, &ids, ids.len()).await;
    world.settle().await;
    let mut states = Vec::new();
    for id in &ids {
        states.push(world.state(NOTARY, *id).await);
    }
    states.sort_unstable();
    assert_eq!(states, ["cleared", "cleared", "refused"]);
    assert_eq!(world.ledger.available(ORIGINATOR), FUNDS + 2 * EACH);
}

#[tokio::test]
async fn a_batch_whose_fate_is_unknown_is_retained_once() {
    for trouble in [Trouble::CallLost, Trouble::AnswerLost] {
        let mut world = World::new().await;
        let ids = world.order_some(4).await;
        world.settle_until_ready(&ids).await;
        world.ledger.trouble(trouble);
        world.all_at_once(NOTARY, &ids, ids.len()).await;
        world.restart(NOTARY);
        world.settle().await;
        world.assert_all_settled_once(&ids).await;
    }
}

#[tokio::test]
async fn a_notary_that_dies_while_payments_wait_for_each_other_loses_nothing() {
    let mut world = World::new().await;
    let ids = world.order_some(3).await;
    world.settle_until_ready(&ids).await;
    {
        let house = world.house(NOTARY);
        let _held = house.retentions.hold();
        let mut all = pin!(join_all(ids.iter().map(|id| house.turn(*id))));
        while house.retentions.count() < ids.len() {
            assert!(futures::poll!(&mut all).is_pending(), "they don't wait for each other");
            tokio::task::yield_now().await;
        }
    }
    world.restart(NOTARY);
    world.settle().await;
    world.assert_all_settled_once(&ids).await;
}

#[tokio::test]
async fn nobody_signs_a_batch_that_holds_what_it_did_not_sign_for() {
    let world = World::new().await;
    let ids = world.order_some(2).await;
    world.settle_until_ready(&ids[..1]).await;
    let signed = world.store(NOTARY).payment(ids[0]).await.unwrap().unwrap();
    let papers = world.store(NOTARY).documents(ids[0]).await.unwrap();
    let relation = papers.iter().find(|paper| paper.kind == "relation").unwrap();
    let relation: Relation = relation.read().unwrap();
    let item = BatchItem {
        voucher: ids[0],
        relation: relation.id(),
    };
    let good = BatchDraft {
        items: vec![item],
        epoch: world.domain().epoch,
        expires_at: signed.voucher.expires_at,
    };
    let home = world.house(HOME);
    let before = world.store(HOME).count("batch_signatures").await;

    let unsigned = BatchItem {
        voucher: ids[1],
        ..item
    };
    let other = BatchItem {
        relation: RelationId([9; 32]),
        ..item
    };
    for items in [vec![item, unsigned], vec![other]] {
        let bad = BatchDraft { items, ..good.clone() };
        let fault = home.on_batch_draft(NOTARY, bad).await.unwrap_err();
        assert_eq!(fault.code(), "altered-content");
    }
    let longer = BatchDraft {
        expires_at: good.expires_at + 1,
        ..good.clone()
    };
    assert!(matches!(
        home.on_batch_draft(NOTARY, longer).await,
        Err(Fault::Altered(_))
    ));
    let unknown = BatchDraft {
        items: vec![BatchItem {
            voucher: VoucherId([9; 32]),
            ..item
        }],
        ..good.clone()
    };
    let fault = home.on_batch_draft(NOTARY, unknown).await.unwrap_err();
    assert_eq!(fault.code(), "unknown-voucher");
    for items in [vec![], vec![item; MAX_BATCH + 1]] {
        let size = BatchDraft { items, ..good.clone() };
        let fault = home.on_batch_draft(NOTARY, size).await.unwrap_err();
        assert_eq!(fault.code(), "batch-size");
    }
    let stranger = home.on_batch_draft(BYSTANDER, good.clone()).await.unwrap_err();
    assert_eq!(stranger.code(), "not-a-notary");
    let old = BatchDraft {
        epoch: good.epoch - 1,
        ..good.clone()
    };
    assert_eq!(
        home.on_batch_draft(NOTARY, old).await.unwrap_err().code(),
        "wrong-epoch"
    );
    assert_eq!(world.store(HOME).count("batch_signatures").await, before);

    let first = home.on_batch_draft(NOTARY, good.clone()).await.unwrap();
    let again = home.on_batch_draft(NOTARY, good).await.unwrap();
    assert_eq!(first, again, "the same batch gets the same signature");
}

#[tokio::test]
async fn a_batch_is_signed_by_as_many_notaries_as_it_takes() {
    let world = World::with_three_notaries().await;
    let ids = world.order_some(3).await;
    world.settle_until_ready(&ids).await;
    world.all_at_once(NOTARY, &ids, ids.len()).await;
    assert_eq!(world.calls("retain/"), 1);
    world.settle().await;
    for id in &ids {
        assert_eq!(world.state(NOTARY, *id).await, "cleared");
    }
    assert_eq!(world.ledger.available(ORIGINATOR), FUNDS + 3 * EACH);
}
