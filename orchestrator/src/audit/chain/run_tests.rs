#![allow(clippy::unwrap_used)]
use super::*;
use crate::audit::chain::{
    ports::{Content, Happened, What},
    world::{World, CONTRACT, PAID},
};

fn emitted(topic: [u8; 32]) -> Content {
    Content {
        events: vec![Happened {
            index: 3,
            transaction: Some(1),
            contract: CONTRACT,
            what: What::Emitted {
                topic: Some(topic),
                data: vec![1],
            },
        }],
        ..Content::default()
    }
}

fn world(blocks: u32) -> World {
    let mut world = World::default();
    for _ in 0..blocks {
        world.add(emitted(PAID));
    }
    world
}

/// Which isn't on the chain.
const REGISTRY: AccountId = AccountId([1; 32]);

fn audit(world: &World) -> Audit {
    Audit::new(Arc::new(world.clone()), World::contracts(), REGISTRY, |_| {})
}

#[tokio::test]
async fn every_event_is_taken_once() {
    let world = world(40);
    let mut tables = Tables::in_memory().unwrap();
    let outcome = audit(&world).run(Scope::default(), &mut tables).await.unwrap();
    assert_eq!(outcome.until.number, 40);
    assert_eq!(outcome.tallies["bank"].events, 40);
    assert_eq!(outcome.findings.first, []);
}

#[tokio::test]
async fn an_audit_goes_on_where_it_stopped() {
    let world = world(30);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("work");
    let scope = |to| Scope {
        from: None,
        to: Some(to),
    };
    let run = |to| {
        let (audit, path) = (audit(&world), path.clone());
        async move {
            let mut tables = Tables::open(Some(&path), &audit.whose(scope(to))).unwrap();
            audit.run(scope(to), &mut tables).await
        }
    };
    assert_eq!(run(20).await.unwrap().tallies["bank"].events, 20);
    world.asked.lock().unwrap().clear();
    assert_eq!(run(30).await.unwrap().tallies["bank"].events, 30);
    let asked = world.asked.lock().unwrap().clone();
    assert_eq!(asked.iter().min(), Some(&21));
    let error = run(10).await.unwrap_err();
    assert!(matches!(error, AuditError::Beyond { at: 30, to: 10 }), "{error}");
    let error = run(31).await.unwrap_err();
    assert!(matches!(error, AuditError::NotFinal { .. }), "{error}");
}

#[tokio::test]
async fn a_block_that_does_not_follow_the_one_before_it_is_found() {
    let mut world = world(5);
    let [first, second] = [&world.blocks[0], &world.blocks[2]];
    world.blocks[1] = world.seal(2, second.hash, first.extrinsics.clone(), vec![2, 0, 0, 0]);
    let mut tables = Tables::in_memory().unwrap();
    let outcome = audit(&world).run(Scope::default(), &mut tables).await.unwrap();
    // It doesn't follow the first one, and the third one doesn't follow it.
    assert_eq!(outcome.findings.count, 2);
    assert!(outcome.findings.first.iter().all(|one| one.code == "altered-block"));
    assert_eq!(outcome.tallies[CHAIN].findings, 2);
    assert_eq!(outcome.tallies["bank"].events, 5);
}

#[tokio::test]
async fn an_event_that_the_contract_does_not_have_is_found() {
    let mut world = world(1);
    world.add(emitted([1; 32]));
    let mut tables = Tables::in_memory().unwrap();
    let outcome = audit(&world).run(Scope::default(), &mut tables).await.unwrap();
    let found = &outcome.findings.first[..];
    assert!(matches!(found, [one] if one.code == "unknown-event" && one.block == 2 && one.event == Some(3)));
}

#[tokio::test]
async fn what_was_kept_before_the_first_block_is_believed() {
    let mut world = World::default();
    world.storage.insert(vec![5, 0, 0, 0, 1], vec![9]);
    for _ in 0..5 {
        world.add(emitted(PAID));
    }
    let run = |from| {
        let audit = audit(&world);
        async move {
            let mut tables = Tables::in_memory().unwrap();
            let scope = Scope { from, to: None };
            audit.run(scope, &mut tables).await.unwrap()
        }
    };
    let partial = run(Some(3)).await;
    assert!(partial.is_partial);
    assert_eq!((partial.tallies["bank"].events, partial.findings.count), (3, 0));
    // From the beginning, no event leads to it.
    let whole = run(None).await;
    assert_eq!(whole.findings.first[0].code, "stray-state");
}

async fn until_block_one(world: &World) -> Outcome {
    let mut tables = Tables::in_memory().unwrap();
    let scope = Scope {
        from: None,
        to: Some(1),
    };
    audit(world).run(scope, &mut tables).await.unwrap()
}

#[tokio::test]
async fn a_contract_that_is_not_made_yet_is_no_finding_while_more_blocks_come() {
    let mut world = World::unmade();
    world.add(Content::default());
    world.add(Content::default());
    let outcome = until_block_one(&world).await;
    assert_eq!(outcome.findings.first, []);
    assert_eq!(outcome.unmade, ["bank".to_owned()].into());
    assert_eq!(outcome.tallies["bank"], Tally::default());

    let mut tables = Tables::in_memory().unwrap();
    let outcome = audit(&world).run(Scope::default(), &mut tables).await.unwrap();
    assert!(matches!(&outcome.findings.first[..], [one] if one.code == "no-contract"));
    assert_eq!(outcome.unmade, BTreeSet::new());
}

#[tokio::test]
async fn a_contract_that_told_something_and_is_not_there_is_found() {
    let mut world = World::unmade();
    world.add(emitted(PAID));
    world.add(Content::default());
    let outcome = until_block_one(&world).await;
    assert!(matches!(&outcome.findings.first[..], [one] if one.code == "no-contract"));
    assert_eq!(outcome.unmade, BTreeSet::new());
}

#[tokio::test]
async fn a_contract_that_was_believed_to_be_there_and_is_gone_is_found() {
    let mut world = World::default();
    world.storage.insert(vec![5, 0, 0, 0, 1], vec![9]);
    world.add(Content::default());
    world.is_unmade = true;
    world.add(Content::default());
    let mut tables = Tables::in_memory().unwrap();
    let scope = Scope {
        from: Some(2),
        to: None,
    };
    let outcome = audit(&world).run(scope, &mut tables).await.unwrap();
    assert!(matches!(&outcome.findings.first[..], [one] if one.code == "no-contract"));
}
