//! What the institution's own people do.
use protocol::{
    prepaid::{CardState, DisputeOrder, Programme},
    Signature,
};

use super::{
    super::{messages::OrderAnswer, ports::Act, PrepaidError},
    world::World,
    *,
};
use crate::store::Page;

#[tokio::test]
async fn an_act_is_carried_out_once_and_not_at_all_where_the_chain_shows_it() {
    let world = World::open().await;
    let acts = world.books.acts();
    for key in ["one", "one", "two"] {
        world.issuer.act(ISSUER, key, &Act::Freeze(CARD)).await.unwrap();
    }
    assert_eq!(world.books.acts(), acts + 1);
    assert_eq!(world.issuer.card(ISSUER, CARD).await.unwrap().state, CardState::Frozen);
    let unfrozen = world.issuer.act(ISSUER, "three", &Act::Unfreeze(CARD)).await.unwrap();
    assert!(unfrozen.is_some());

    // Money shows no wish: there the key tells, and the contract by the reference.
    let top_up = |reference| Act::TopUp {
        card: CARD,
        amount: 10,
        reference,
    };
    for key in ["top-up", "top-up"] {
        world.issuer.act(ISSUER, key, &top_up([2; 32])).await.unwrap();
    }
    assert_eq!(world.balance().await, 510);
    let error = world.issuer.act(ISSUER, "other", &top_up([2; 32])).await.unwrap_err();
    assert_eq!(error.code(), "reference-used");
}

#[tokio::test]
async fn what_was_given_out_is_listed_as_the_chain_shows_it() {
    let world = World::open().await;
    let page = Page::first(10);
    let cards = world.issuer.cards(ISSUER, &page).await.unwrap();
    assert_eq!(cards.len(), 1);
    assert_eq!((cards[0].id, cards[0].standing.unwrap().balance), (CARD, 500));
    let merchants = world.issuer.merchants(ISSUER, &page).await.unwrap();
    assert_eq!((merchants.len(), merchants[0].id), (1, MERCHANT));
    let terminals = world.issuer.terminals(ISSUER, &page).await.unwrap();
    assert_eq!(terminals[0].id, terminal_key().account());
    assert!(!terminals[0].standing.unwrap().is_revoked);
    assert!(world.acquirer.cards(ISSUER, &page).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let world = World::open().await;
    let nobody = protocol::Member(9);
    let known = world.issuer.card(nobody, CARD).await.unwrap_err();
    assert!(matches!(known, PrepaidError::UnknownIssuer(_)));
    for (error, code) in [
        (
            world.issuer.card(ISSUER, protocol::prepaid::CardNumber(1)).await.err(),
            "unknown-card",
        ),
        (world.issuer.payment(ISSUER, (CARD, 1)).await.err(), "unknown-payment"),
        (world.issuer.dispute(ISSUER, (CARD, 1)).await.err(), "not-disputed"),
        (world.issuer.statement(ISSUER, MERCHANT, 0).await.err(), "no-statement"),
        (world.issuer.order(&[1; 32]).await.err(), "unknown-order"),
        (world.acquirer.recipient().err(), "no-issuer"),
    ] {
        assert_eq!(error.unwrap().code(), code);
    }
}

#[tokio::test]
async fn a_dispute_is_opened_answered_and_decided() {
    let world = World::open().await;
    let paid = world.answer(&world.payment(1, 120)).await;
    assert!(matches!(paid, OrderAnswer::Approved { .. }));
    let order = DisputeOrder {
        card: CARD,
        counter: 1,
        amount: 100,
        evidence: [4; 32],
        expires_at: START + 1_000,
    };
    let signature = Signature([0; 64]);
    let open = Act::OpenDispute { order, signature };
    let payment = (CARD, 1);
    let answer = [6; 32];
    for act in [
        open.clone(),
        Act::AnswerDispute { payment, answer },
        Act::DecideDispute { payment, awarded: 40 },
    ] {
        let key = act.message();
        assert!(world.issuer.act(ISSUER, key, &act).await.unwrap().is_some(), "{key}");
        let again = format!("{key} again");
        assert!(world.issuer.act(ISSUER, &again, &act).await.unwrap().is_none(), "{key}");
    }
    let found = world.issuer.payment(ISSUER, payment).await.unwrap();
    assert_eq!(found.dispute.unwrap().awarded, Some(40));
    assert_eq!(found.record.returned, 40);
    assert_eq!(world.balance().await, 420);
}

#[tokio::test]
async fn a_programme_shows_what_its_contract_holds() {
    let world = World::open().await;
    world.answer(&world.payment(1, 120)).await;
    let standing = world.acquirer.site(ISSUER).await.unwrap().standing.unwrap();
    assert_eq!((standing.float.cards, standing.float.merchants), (380, 120));
    let programme = Programme {
        allows_partial: false,
        ..standing.programme
    };
    let set = Act::SetProgramme(programme);
    world.issuer.act(ISSUER, "set", &set).await.unwrap();
    let sites = world.issuer.sites().await;
    assert_eq!(sites[0].standing.as_ref().unwrap().programme, programme);
}
