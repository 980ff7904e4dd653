//! Institutions with databases of their own, on one chain.
use std::sync::{atomic::AtomicU64, Arc, Mutex};

use protocol::{
    clearing::Error,
    disputes::{Dispute, Ruling},
    settlement::{Asset, Limit, Settlement, TransactionKind, Voucher},
    AccountId, Amount, Member, Timestamp, UserId,
};

use super::{
    contract::Chain,
    node::{HandClock, Net, Node},
};
use crate::{
    disputes::{messages::Document, Details, DisputeError, Disputes, NewClaim, Over},
    settlement::{
        ports::Clock,
        state::{DestinationState, HomeState, NotaryState, OriginatorState, State},
    },
    store::{disputes::DisputeRow, Store},
};

/// Was paid.
pub const SHOP: Member = Member(0);
/// Its user paid.
pub const BANK: Member = Member(1);
/// Keeps the voucher.
pub const NOTARY: Member = Member(2);
/// Co-signed.
pub const WITNESS: Member = Member(3);
/// Knows nothing of the payment.
pub const OTHER_NOTARY: Member = Member(4);
/// Is no part of it at all.
pub const STRANGER: Member = Member(5);
const ALL: [Member; 6] = [SHOP, BANK, NOTARY, WITNESS, OTHER_NOTARY, STRANGER];
pub const START: Timestamp = 1_700_000_000_000;
pub const AMOUNT: Amount = 100;
/// What everybody holds at first.
pub const FUNDS: Amount = 1_000;

pub fn document(text: &str) -> Document {
    Document::new(text.as_bytes().to_vec()).unwrap()
}

/// A user of the bank paid at the shop.
pub fn payment() -> Voucher {
    Voucher {
        sequence: 1,
        originator: SHOP,
        home: BANK,
        others: vec![WITNESS],
        user: UserId::of(BANK, "4711"),
        wallet: AccountId([9; 32]),
        kind: TransactionKind::Purchase,
        asset: Asset::Native,
        amount: AMOUNT,
        limit: Limit::PerTransaction(AMOUNT),
        settlement: Settlement::Gross,
        fees: 0,
        issued_at: START,
        expires_at: START + 1,
    }
}

pub fn over() -> Over {
    Over {
        voucher: payment().id(),
        obligation: 0,
    }
}

pub struct World {
    pub chain: Arc<Mutex<Chain>>,
    pub clock: Arc<HandClock>,
    pub net: Arc<Net>,
    pub stores: Vec<Store>,
}

impl World {
    /// The payment is retained and paid, and nobody's money was touched since.
    pub async fn new() -> Self {
        let mut chain = Chain::default();
        chain.retained.insert(over().voucher, (payment(), START));
        chain.cleared.insert(over().voucher);
        chain.held.extend(ALL.map(|member| (member, FUNDS)));
        chain.seal(START, vec![]);
        let mut world = Self {
            chain: Arc::new(Mutex::new(chain)),
            clock: Arc::new(HandClock(AtomicU64::new(START))),
            net: Arc::default(),
            stores: vec![],
        };
        for member in ALL {
            let store = Store::in_memory().await.unwrap();
            let state = match member {
                SHOP => Some(State::Originator(OriginatorState::Cleared)),
                BANK => Some(State::Home(HomeState::Cleared)),
                NOTARY => Some(State::Notary(NotaryState::Cleared)),
                WITNESS => Some(State::Destination(DestinationState::Cleared)),
                _ => None,
            };
            if let Some(state) = state {
                let voucher = payment();
                store
                    .open_payment(&voucher, None, state, "paid", START, &[])
                    .await
                    .unwrap();
            }
            world.stores.push(store);
            world.restart(member);
        }
        world.settle().await;
        world
    }

    /// A new process on the institution's database.
    pub fn restart(&self, member: Member) {
        let node = || {
            Arc::new(Node {
                member,
                chain: self.chain.clone(),
                net: self.net.clone(),
                clock: self.clock.clone(),
            })
        };
        let store = self.store(member).clone();
        let house = Disputes::new(member, store, node(), node(), node(), self.clock.clone());
        self.net.houses.lock().unwrap().insert(member, house);
    }

    pub fn store(&self, member: Member) -> &Store {
        &self.stores[usize::from(member.0)]
    }

    pub fn at(&self, member: Member) -> Arc<Disputes> {
        self.net.houses.lock().unwrap()[&member].clone()
    }

    /// Everybody who is up looks a few times; whose look fails is killed and started again.
    pub async fn settle(&self) {
        for _ in 0..6 {
            for member in ALL {
                let is_down = self.net.down.lock().unwrap().contains(&member);
                if !is_down && self.at(member).round().await.is_err() {
                    self.restart(member);
                }
            }
        }
    }

    pub async fn open(&self, member: Member, amount: Option<Amount>) -> Result<DisputeRow, DisputeError> {
        let claim = NewClaim {
            voucher: over().voucher,
            obligation: 0,
            amount,
            evidence: document("it never came"),
        };
        self.at(member).open(claim, &format!("open/{member}"), "a teller").await
    }

    pub async fn answer(&self, member: Member) -> Result<DisputeRow, DisputeError> {
        let key = format!("answer/{member}");
        let evidence = document("here is the receipt");
        self.at(member).answer(over(), &evidence, &key, "a teller").await
    }

    /// The notaries decide.
    pub fn rule(&self, ruling: Ruling) -> Result<(), Error> {
        let mut chain = self.chain.lock().unwrap();
        let events = chain.rule(over(), ruling)?;
        let now = self.clock.now();
        chain.seal(now, events);
        Ok(())
    }

    /// How somebody sees the dispute.
    pub async fn seen(&self, member: Member) -> Option<Details> {
        let house = self.at(member);
        match house.dispute(over()).await.unwrap() {
            Some(row) => Some(house.details(row).await.unwrap()),
            None => None,
        }
    }

    pub async fn state(&self, member: Member) -> &'static str {
        self.seen(member)
            .await
            .map_or("unknown", |seen| seen.dispute.state.as_str())
    }

    pub fn dispute(&self) -> Option<Dispute> {
        self.chain.lock().unwrap().disputes.get(&over()).copied()
    }

    /// What bank and shop hold.
    pub fn held(&self) -> [Amount; 2] {
        let chain = self.chain.lock().unwrap();
        [BANK, SHOP].map(|member| chain.held[&member])
    }
}
