//! A registry whose changes an audit doesn't read in their turn.
#![allow(clippy::unwrap_used)]
use std::sync::Arc;

use protocol::{
    registry::{Change, Institution, Roles},
    Member,
};
use sp_core::Pair as _;

use super::*;
use crate::audit::chain::{
    contracts::{Contracts, Kind},
    ports::{Happened, What},
    rebuild::stage::{account, key, registration},
    run::{Audit, Outcome, Progress, Scope},
    tables::Tables,
    take::Taker,
    world::{World, CONTRACT, GENESIS},
    Place,
};

const CREATED: [u8; 32] = [21; 32];
const CHANGED: [u8; 32] = [22; 32];
const MEMBER: Member = Member(0);
const PLACE: Place = Place {
    genesis: GENESIS,
    registry: CONTRACT,
};

/// A chain whose contract is a registry; what it keeps is what follows from what it told.
struct Chain {
    world: World,
    tables: Tables,
    epoch: u32,
}

impl Chain {
    /// Nothing for 20 blocks, a member at block 30, two new keys of it at block 50, and nothing up to block 200.
    fn new() -> Self {
        let mut chain = Self {
            world: World::unmade(),
            tables: Tables::in_memory().unwrap(),
            epoch: 0,
        };
        chain.reach(20);
        chain.world.is_unmade = false;
        let created = (vec![[7u8; 32]], 1u16, 1u16).encode();
        chain.add(vec![What::Made, emitted(CREATED, created)]);
        chain.reach(29);
        let registered = chain.changed(&registration(MEMBER, Roles::PARTICIPANT));
        chain.add(vec![registered]);
        chain.reach(49);
        let both = [40, 41].map(|number| chain.changed(&keys(number)));
        chain.add(both.into());
        chain.reach(200);
        chain
    }

    fn changed(&mut self, change: &Change) -> What {
        self.epoch += 1;
        emitted(CHANGED, (self.epoch, Some(MEMBER), change).encode())
    }

    /// Blocks in which nothing happens, up to this one.
    fn reach(&mut self, number: usize) {
        while self.world.blocks.len() < number {
            self.world.add(Content::default());
        }
    }

    /// A block in which the registry tells this.
    fn add(&mut self, told: Vec<What>) {
        let events = (0..).zip(told).map(|(index, what)| Happened {
            index,
            transaction: Some(1),
            contract: CONTRACT,
            what,
        });
        let content = Content {
            events: events.collect(),
            ..Content::default()
        };
        let number = u32::try_from(self.world.blocks.len()).unwrap() + 1;
        let block = Block {
            number,
            hash: [0; 32],
            time: 0,
        };
        let contracts = contracts();
        let taker = Taker::new(&contracts, PLACE);
        taker
            .take(block, &content, &mut self.tables, &mut Progress::default())
            .unwrap();
        let kept = self.tables.of(CONTRACT);
        let keys = kept.keys_after(None, 100).unwrap();
        let values = keys.iter().map(|key| kept.bytes(key).unwrap().unwrap());
        self.world.storage = keys.iter().cloned().zip(values).collect();
        self.world.add(content);
    }

    /// Audits the blocks from this one on.
    async fn audit(&self, from: u32) -> (Outcome, Tables) {
        let mut tables = Tables::in_memory().unwrap();
        let audit = Audit::new(Arc::new(self.world.clone()), contracts(), CONTRACT, |_| {});
        let scope = Scope {
            from: Some(from),
            to: None,
        };
        let outcome = audit.run(scope, &mut tables).await.unwrap();
        (outcome, tables)
    }
}

fn emitted(topic: [u8; 32], data: Vec<u8>) -> What {
    let topic = Some(topic);
    What::Emitted { topic, data }
}

fn keys(number: u16) -> Change {
    Change::SetKeys {
        member: MEMBER,
        account: account(number),
        signing_key: signing_key(number),
        certificate: [4; 32],
    }
}

fn signing_key(number: u16) -> [u8; 32] {
    key(Member(number)).public().0
}

fn contracts() -> Contracts {
    let mut contracts = World::contracts();
    let registry = contracts.0.get_mut(&CONTRACT).unwrap();
    registry.name = "registry".into();
    registry.kind = Kind::Registry;
    registry.events = [(CREATED, "Created".into()), (CHANGED, "Changed".into())].into();
    contracts
}

fn key_in(tables: &mut Tables, epoch: u32) -> Option<[u8; 32]> {
    let found: Option<Institution> = registry::institution(&PLACE, tables, epoch, MEMBER).unwrap();
    found.map(|found| found.signing_key)
}

#[tokio::test]
async fn members_of_every_epoch_are_known_wherever_the_audit_begins() {
    let chain = Chain::new();
    for from in [22, 31, 51, 200] {
        let (outcome, mut tables) = chain.audit(from).await;
        assert_eq!(outcome.findings.first, [], "from {from}");
        assert!(!outcome.is_registry_believed);
        assert_eq!(outcome.tallies["registry"].events, 5, "from {from}");
        let keys = [0, 1, 2, 3].map(|epoch| key_in(&mut tables, epoch));
        let expected = [None, Some(0), Some(40), Some(41)].map(|number| number.map(signing_key));
        assert_eq!(keys, expected, "from {from}");
        assert!(registry::is_known(&PLACE, &mut tables, 1).unwrap());
    }
}

#[tokio::test]
async fn few_of_the_blocks_before_the_first_one_are_looked_at() {
    let chain = Chain::new();
    chain.audit(200).await;
    let asked = chain.world.asked.lock().unwrap().clone();
    // Three changes among 200 blocks.
    assert!(asked.len() < 40, "{asked:?}");
}

#[tokio::test]
async fn a_past_that_the_node_has_forgotten_is_believed() {
    let mut chain = Chain::new();
    chain.world.oldest = 150;
    let (outcome, mut tables) = chain.audit(190).await;
    assert_eq!(outcome.findings.first, []);
    assert!(outcome.is_registry_believed);
    assert_eq!(key_in(&mut tables, 3), Some(signing_key(41)));
    let known = [2, 3].map(|epoch| registry::is_known(&PLACE, &mut tables, epoch).unwrap());
    assert_eq!(known, [false, true]);
}

#[tokio::test]
async fn a_block_of_the_past_that_contradicts_its_hash_ends_the_audit() {
    let mut chain = Chain::new();
    // The first one that is looked at, between the beginning and the block before the audit's first one.
    chain.world.blocks[98].extrinsics.clear();
    let audit = Audit::new(Arc::new(chain.world), contracts(), CONTRACT, |_| {});
    let scope = Scope {
        from: Some(200),
        to: None,
    };
    let refused = audit.run(scope, &mut Tables::in_memory().unwrap()).await.unwrap_err();
    assert!(matches!(refused, AuditError::Altered { number: 99, .. }), "{refused}");
}
