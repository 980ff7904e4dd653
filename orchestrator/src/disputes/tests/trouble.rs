//! Crashes, lost calls and letters, nodes that are behind.
use protocol::{clearing::Error, disputes::Ruling};

use super::{
    contract::RULING_PERIOD,
    node::Loss,
    world::{document, over, World, BANK, FUNDS, NOTARY, OTHER_NOTARY, SHOP, WITNESS},
};

/// More calls and letters than a dispute takes.
const MANY: u32 = 12;

/// A dispute from its opening to its award, of which one call or letter is lost.
async fn with(loss: Loss) -> World {
    let world = World::new().await;
    *world.net.loss.lock().unwrap() = Some(loss);
    world.open(BANK, Some(60)).await.unwrap();
    world.settle().await;
    world.answer(SHOP).await.unwrap();
    world.settle().await;
    world.chain.lock().unwrap().held.insert(SHOP, 10);
    world.rule(Ruling::Partial(40)).unwrap();
    world.settle().await;
    *world.chain.lock().unwrap().held.get_mut(&SHOP).unwrap() += FUNDS;
    world.settle().await;
    world
}

#[tokio::test]
async fn whatever_is_lost_everything_happens_once() {
    for left in 0..MANY {
        for answer_only in [false, true] {
            let world = with(Loss { left, answer_only }).await;
            let when = format!("{left}, answer only: {answer_only}");
            assert_eq!(world.held(), [FUNDS + 40, FUNDS - 30], "{when}");
            let dispute = world.dispute().unwrap();
            assert_eq!((dispute.claimant, dispute.paid), (BANK, 40), "{when}");
            for member in [BANK, SHOP, WITNESS, NOTARY, OTHER_NOTARY] {
                let seen = world.seen(member).await.unwrap();
                assert_eq!(seen.dispute.state.as_str(), "paid", "{when}, at {member}");
                assert_eq!(seen.claim, Some(document("it never came")), "{when}, at {member}");
                assert_eq!(
                    seen.answer,
                    Some(document("here is the receipt")),
                    "{when}, at {member}"
                );
                assert!(
                    world.store(member).evidence_letters().await.unwrap().is_empty(),
                    "{when}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_document_is_sent_until_its_receivers_node_shows_its_digest() {
    let world = World::new().await;
    world.net.behind.lock().unwrap().push(SHOP);
    world.open(BANK, None).await.unwrap();
    world.settle().await;
    assert_eq!(world.state(SHOP).await, "unknown");
    assert_eq!(world.store(BANK).evidence_letters().await.unwrap().len(), 1);
    world.net.behind.lock().unwrap().clear();
    world.settle().await;
    assert_eq!(world.seen(SHOP).await.unwrap().claim, Some(document("it never came")));
    assert!(world.store(BANK).evidence_letters().await.unwrap().is_empty());
}

#[tokio::test]
async fn who_was_away_has_the_evidence_also_when_all_is_over() {
    let world = World::new().await;
    world.net.down.lock().unwrap().push(WITNESS);
    world.open(BANK, None).await.unwrap();
    world.settle().await;
    world.rule(Ruling::Reverse).unwrap();
    world.settle().await;
    world.net.down.lock().unwrap().clear();
    world.settle().await;
    let seen = world.seen(WITNESS).await.unwrap();
    assert_eq!(seen.dispute.state.as_str(), "paid");
    assert_eq!(seen.claim, Some(document("it never came")));
}

#[tokio::test]
async fn a_claimant_that_was_down_while_all_was_decided_still_sends_its_evidence() {
    let world = World::new().await;
    world.open(BANK, None).await.unwrap();
    // Its call goes through, its answer is lost, and it stays away.
    *world.net.loss.lock().unwrap() = Some(Loss {
        left: 0,
        answer_only: true,
    });
    world.at(BANK).round().await.unwrap_err();
    world.net.down.lock().unwrap().push(BANK);
    world.rule(Ruling::Reverse).unwrap();
    world.settle().await;
    assert_eq!(world.seen(SHOP).await.unwrap().claim, None);
    world.net.down.lock().unwrap().clear();
    world.restart(BANK);
    world.settle().await;
    assert_eq!(world.state(BANK).await, "paid");
    assert_eq!(world.seen(SHOP).await.unwrap().claim, Some(document("it never came")));
}

#[tokio::test]
async fn what_the_contract_refuses_has_ended_and_may_be_wanted_again() {
    let world = World::new().await;
    world.chain.lock().unwrap().refusal = Some(Error::BadClaim);
    world.open(BANK, Some(60)).await.unwrap();
    world.settle().await;
    assert_eq!(world.state(BANK).await, "refused");
    let history = world.seen(BANK).await.unwrap().history;
    assert!(history.last().unwrap().detail.contains("BadClaim"));
    let claim = crate::disputes::NewClaim {
        voucher: over().voucher,
        obligation: 0,
        amount: Some(50),
        evidence: document("better"),
    };
    world.at(BANK).open(claim, "again", "a teller").await.unwrap();
    world.settle().await;
    assert_eq!(world.state(BANK).await, "opened");
    assert_eq!(world.seen(SHOP).await.unwrap().claim, Some(document("better")));
}

#[tokio::test]
async fn a_suspended_institutions_claim_waits() {
    let world = World::new().await;
    world.chain.lock().unwrap().refusal = Some(Error::NotActive(BANK));
    world.open(BANK, None).await.unwrap();
    world.at(BANK).round().await.unwrap_err();
    assert_eq!(world.state(BANK).await, "wanted");
    world.settle().await;
    assert_eq!(world.state(BANK).await, "opened");
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_dropped() {
    let world = World::new().await;
    world.open(BANK, None).await.unwrap();
    world.settle().await;
    world.answer(SHOP).await.unwrap();
    world.rule(Ruling::Uphold).unwrap();
    world.settle().await;
    assert_eq!(world.state(SHOP).await, "upheld");
    assert!(world.store(SHOP).open_disputes().await.unwrap().is_empty());
    assert_eq!(world.seen(SHOP).await.unwrap().answer, None);
}

#[tokio::test]
async fn both_parties_may_end_it_at_once() {
    let world = World::new().await;
    world.open(BANK, None).await.unwrap();
    world.settle().await;
    world.clock.pass(RULING_PERIOD);
    let now = world.chain.lock().unwrap().time + RULING_PERIOD;
    world.chain.lock().unwrap().seal(now, vec![]);
    let (bank, shop) = (world.at(BANK), world.at(SHOP));
    let (bank, shop) = tokio::join!(bank.round(), shop.round());
    bank.and(shop).unwrap();
    world.settle().await;
    assert_eq!(world.state(BANK).await, "upheld");
}

#[tokio::test]
async fn what_happened_is_told_once_with_its_place_on_the_chain() {
    let world = World::new().await;
    let store = world.store(SHOP);
    store.set_webhook_endpoints(&["books".into()], 1).await.unwrap();
    world.open(BANK, Some(60)).await.unwrap();
    world.settle().await;
    world.answer(SHOP).await.unwrap();
    world.settle().await;
    world.restart(SHOP);
    world.rule(Ruling::Partial(40)).unwrap();
    world.settle().await;
    store.enter_deliveries("books", 5, 100).await.unwrap();
    let told = store.deliveries(&Default::default(), None, 10).await.unwrap();
    let kinds: Vec<&str> = told.iter().rev().map(|delivery| delivery.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["dispute.opened", "dispute.answered", "dispute.ruled", "dispute.paid"]
    );
    assert!(told
        .iter()
        .all(|delivery| delivery.subject == format!("dispute/{}", over())));
}
