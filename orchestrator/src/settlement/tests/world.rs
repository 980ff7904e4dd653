//! Two banks, a notary and a bystander, on one simulated chain.
use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicU64, AtomicU8, Ordering},
        Arc,
    },
};

use protocol::{
    registry::Roles,
    settlement::{Asset, TransactionKind},
    signing::Domain,
    AccountId, Amount, Member, Timestamp, VoucherId,
};

use super::{
    ledger::{Chain, SimLedger, CLEARING, GENESIS},
    network::{Line, Network},
};
use crate::{
    identity::SigningKey,
    settlement::{
        messages::{PaymentRequest, SignedPaymentRequest},
        ports::Clock,
        runner::Turn,
        Settlement, SettlementConfig, State,
    },
    store::{users::User, Store},
};

pub const ORIGINATOR: Member = Member(0);
pub const HOME: Member = Member(1);
pub const NOTARY: Member = Member(2);
pub const BYSTANDER: Member = Member(3);
pub const NOBODY: Member = Member(99);

/// What both banks put into the clearing contract.
pub const FUNDS: Amount = 1_000;
/// What is on the user's account.
pub const SAVINGS: Amount = 500;
/// The most that the user may move at once.
pub const LIMIT: Amount = 300;
/// What a payment is about.
pub const AMOUNT: Amount = 120;
pub const USER: &str = "4711";
pub const START: Timestamp = 1_700_000_000_000;
pub const LIFETIME: Timestamp = 60_000;

/// More rounds without a move than there are messages to lose in any test.
const PATIENCE: usize = 4;

#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    pub fn pass(&self, milliseconds: u64) {
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }

    pub fn set_back(&self, milliseconds: u64) {
        self.0.fetch_sub(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.0.load(Ordering::SeqCst)
    }
}

struct House {
    store: Store,
    key: SigningKey,
    settlement: Option<Arc<Settlement>>,
}

pub struct World {
    pub clock: Arc<ManualClock>,
    pub ledger: Arc<SimLedger>,
    pub network: Arc<Network>,
    pub user_key: SigningKey,
    houses: BTreeMap<Member, House>,
    requests: AtomicU8,
}

/// Everything that a refused message must leave as it is.
#[derive(Debug, PartialEq)]
pub struct Snapshot {
    chain: Chain,
    users: Vec<User>,
    rows: BTreeMap<(Member, &'static str), i64>,
}

const TABLES: [&str; 6] = [
    "payments",
    "payment_documents",
    "payment_history",
    "payouts",
    "holds",
    "account_entries",
];

impl World {
    pub async fn new() -> Self {
        let clock = Arc::new(ManualClock(AtomicU64::new(START)));
        let ledger = Arc::new(SimLedger::new(clock.clone()));
        let mut world = Self {
            ledger,
            clock,
            network: Arc::default(),
            user_key: SigningKey::load("//User").unwrap(),
            houses: BTreeMap::new(),
            requests: AtomicU8::new(0),
        };
        let roles = [
            (ORIGINATOR, Roles::PARTICIPANT),
            (HOME, Roles::PARTICIPANT),
            (NOTARY, Roles::NOTARY),
            (BYSTANDER, Roles::PARTICIPANT),
        ];
        for (member, role) in roles {
            let key = SigningKey::load(&format!("//Member{}", member.0)).unwrap();
            assert_eq!(world.ledger.register(key.public(), role), member);
            let house = House {
                store: Store::in_memory().await.unwrap(),
                key,
                settlement: None,
            };
            world.houses.insert(member, house);
            world.start(member);
        }
        world.ledger.deposit(ORIGINATOR, FUNDS);
        world.ledger.deposit(HOME, FUNDS);
        world.change_user(|_| {}).await;
        world
    }

    /// A process of this institution on its database.
    pub fn start(&mut self, member: Member) {
        let settlement = self.assemble(member, self.houses[&member].store.clone());
        self.network.connect(member, settlement.clone());
        self.houses.get_mut(&member).unwrap().settlement = Some(settlement);
    }

    /// An institution with another database than its own.
    pub fn assemble(&self, member: Member, store: Store) -> Arc<Settlement> {
        let config = SettlementConfig {
            member,
            notary: NOTARY,
            voucher_lifetime: LIFETIME,
        };
        let line = Line {
            from: member,
            network: self.network.clone(),
        };
        Settlement::new(
            config,
            store,
            self.key(member),
            self.ledger.clone(),
            Arc::new(line),
            self.clock.clone(),
        )
    }

    /// The process is gone, with everything that was only in its memory.
    pub fn stop(&mut self, member: Member) {
        self.network.disconnect(member);
        self.houses.get_mut(&member).unwrap().settlement = None;
    }

    pub fn restart(&mut self, member: Member) {
        self.stop(member);
        // What is made anew instead of read from the database shows: its time differs.
        self.clock.pass(1);
        self.start(member);
    }

    /// The institution signs with a new key from its next start on, and the registry knows it.
    pub fn rotate_key(&mut self, member: Member) {
        let key = SigningKey::load(&format!("//Member{}//new", member.0)).unwrap();
        self.ledger.set_key(member, key.public());
        self.houses.get_mut(&member).unwrap().key = key;
        self.restart(member);
    }

    pub fn house(&self, member: Member) -> Arc<Settlement> {
        self.houses[&member].settlement.clone().expect("is up")
    }

    pub fn store(&self, member: Member) -> &Store {
        &self.houses[&member].store
    }

    pub fn key(&self, member: Member) -> SigningKey {
        self.houses[&member].key.clone()
    }

    pub fn domain(&self) -> Domain {
        Domain {
            genesis: GENESIS,
            contract: CLEARING,
            epoch: self.ledger.chain().epoch,
        }
    }

    pub async fn change_user(&self, change: impl FnOnce(&mut User)) {
        let mut user = User {
            number: USER.into(),
            public_key: self.user_key.public(),
            wallet: AccountId([0x33; 32]),
            balance: SAVINGS,
            limit: LIMIT,
            blocked: false,
        };
        change(&mut user);
        self.house(HOME).put_user(&user).await.unwrap();
    }

    /// What is on the user's account, and what of it is on hold.
    pub async fn account(&self) -> (Amount, Amount) {
        let store = self.store(HOME);
        let user = store.user(USER).await.unwrap().unwrap();
        (user.balance, store.held(USER).await.unwrap())
    }

    pub fn request(&self, kind: TransactionKind) -> PaymentRequest {
        PaymentRequest {
            nonce: [self.requests.fetch_add(1, Ordering::SeqCst); 16],
            originator: ORIGINATOR,
            home: HOME,
            user: USER.into(),
            wallet: AccountId([0x33; 32]),
            kind,
            asset: Asset::Native,
            amount: AMOUNT,
            expires_at: self.clock.now() + LIFETIME,
        }
    }

    pub fn signed(&self, request: PaymentRequest) -> SignedPaymentRequest {
        let signature = self.user_key.sign(&request.payload(GENESIS, CLEARING));
        SignedPaymentRequest { request, signature }
    }

    /// The originator takes a user's request.
    pub async fn order(&self, kind: TransactionKind) -> VoucherId {
        let request = self.signed(self.request(kind));
        self.house(ORIGINATOR).request_payment(request).await.unwrap().id
    }

    /// Every institution that is up looks once at each of its payments. Returns whether one moved.
    pub async fn round(&self) -> bool {
        let mut moved = false;
        for house in self.houses.values().filter_map(|house| house.settlement.as_ref()) {
            for id in house.store.unfinished_payments().await.unwrap() {
                moved |= matches!(house.turn(id).await, Ok(Turn::Moved));
            }
        }
        moved
    }

    /// Until nothing moves any more.
    pub async fn settle(&self) {
        let (mut rounds, mut idle) = (0, 0);
        while idle < PATIENCE {
            idle = if self.round().await { 0 } else { idle + 1 };
            rounds += 1;
            assert!(rounds < 100, "it goes round in circles");
        }
    }

    /// Until this institution is in this state.
    pub async fn settle_until(&self, member: Member, id: VoucherId, state: &str) {
        let mut rounds = 0;
        while self.state(member, id).await != state {
            self.round().await;
            rounds += 1;
            assert!(rounds < 100, "member {} is never in {state}", member.0);
        }
    }

    /// Runs until a step of this institution reaches the point and breaks off there. Returns whether one did.
    pub async fn run_to(&self, member: Member, point: &str) -> bool {
        let house = self.house(member);
        *house.stop.lock().unwrap() = Some(point.to_owned());
        let reached = tokio::select! {
            biased;
            () = self.settle() => false,
            () = house.stopped.notified() => true,
        };
        *house.stop.lock().unwrap() = None;
        reached
    }

    /// `cleared`, `refused`…
    pub async fn state(&self, member: Member, id: VoucherId) -> &'static str {
        let payment = self.store(member).payment(id).await.unwrap();
        payment.map_or("unknown", |payment| payment.state.as_str())
    }

    pub async fn snapshot(&self) -> Snapshot {
        let mut rows = BTreeMap::new();
        for (member, house) in &self.houses {
            for table in TABLES {
                rows.insert((*member, table), house.store.count(table).await);
            }
        }
        Snapshot {
            chain: self.ledger.chain(),
            users: self.store(HOME).users().await.unwrap(),
            rows,
        }
    }

    /// The payment is settled everywhere, and nothing happened twice.
    pub async fn assert_settled_once(&self, id: VoucherId, kind: TransactionKind) {
        for member in [ORIGINATOR, HOME, NOTARY] {
            assert_eq!(self.state(member, id).await, "cleared", "member {}", member.0);
        }
        let (debtor, creditor, savings, holds) = match kind {
            TransactionKind::CashDeposit => (ORIGINATOR, HOME, SAVINGS + AMOUNT, 0),
            _ => (HOME, ORIGINATOR, SAVINGS - AMOUNT, 1),
        };
        assert_eq!(self.ledger.available(debtor), FUNDS - AMOUNT);
        assert_eq!(self.ledger.available(creditor), FUNDS + AMOUNT);
        assert_eq!(self.ledger.reserved(debtor) + self.ledger.reserved(creditor), 0);
        assert_eq!(
            self.ledger.chain().calls,
            [format!("retain/{id}"), format!("clear/{id}")]
        );
        assert_eq!(self.account().await, (savings, 0));
        assert_eq!(self.store(ORIGINATOR).count("payouts").await, 1);
        assert_eq!(self.store(HOME).count("holds").await, holds);
        assert_eq!(self.store(HOME).count("account_entries").await, 1);
    }

    /// Nothing moved: not on chain, not on the user's account.
    pub async fn assert_untouched(&self) {
        for member in [ORIGINATOR, HOME] {
            assert_eq!(self.ledger.available(member), FUNDS);
            assert_eq!(self.ledger.reserved(member), 0);
        }
        assert_eq!(self.ledger.chain().calls, [""; 0]);
        assert_eq!(self.account().await, (SAVINGS, 0));
        assert_eq!(self.store(ORIGINATOR).count("payouts").await, 0);
        assert_eq!(self.store(HOME).count("account_entries").await, 0);
    }
}

/// Whose step it is in the tests' world.
pub fn house_of(state: State) -> Member {
    match state {
        State::Originator(_) => ORIGINATOR,
        State::Home(_) => HOME,
        State::Notary(_) => NOTARY,
    }
}
