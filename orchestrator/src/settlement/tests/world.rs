//! Two banks, a notary and a bystander, on one simulated chain.
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        atomic::{AtomicU64, AtomicU8, Ordering},
        Arc,
    },
};

use protocol::{
    registry::Roles,
    settlement::{Asset, Settlement as Settled, TransactionKind},
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
        policy::Policy,
        ports::Clock,
        runner::Turn,
        state::NotaryState,
        Settlement, SettlementConfig, State,
    },
    store::{users::User, Store},
};

pub const ORIGINATOR: Member = Member(0);
pub const HOME: Member = Member(1);
pub const NOTARY: Member = Member(2);
pub const BYSTANDER: Member = Member(3);
/// Keeps what the first notary doesn't, where there are several.
pub const SECOND: Member = Member(4);
/// The third one.
pub const THIRD: Member = Member(5);
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
/// Who is paid by credit transfers.
pub const BENEFICIARY: &str = "0815";
pub const START: Timestamp = 1_700_000_000_000;
pub const LIFETIME: Timestamp = 60_000;
/// How long a notary may take before the next one leads: a tenth of the lifetime.
pub const TURN: Timestamp = 6_000;

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
    notaries: Vec<Member>,
    policies: BTreeMap<Member, Policy>,
    requests: AtomicU8,
    /// How what the institutions originate is settled; they are told when they start.
    pub mode: Settled,
}

/// Everything that a refused message must leave as it is.
#[derive(Debug, PartialEq)]
pub struct Snapshot {
    chain: Chain,
    users: BTreeMap<Member, Vec<User>>,
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
    /// One notary keeps everything.
    pub async fn new() -> Self {
        Self::with(vec![NOTARY], 1).await
    }

    /// Three notaries, two of which must sign.
    pub async fn with_three_notaries() -> Self {
        Self::with(vec![NOTARY, SECOND, THIRD], 2).await
    }

    async fn with(notaries: Vec<Member>, threshold: u16) -> Self {
        let clock = Arc::new(ManualClock(AtomicU64::new(START)));
        let ledger = Arc::new(SimLedger::new(clock.clone()));
        let mut world = Self {
            ledger,
            clock,
            network: Arc::default(),
            user_key: SigningKey::load("//User").unwrap(),
            houses: BTreeMap::new(),
            notaries,
            policies: BTreeMap::new(),
            requests: AtomicU8::new(0),
            mode: Settled::Gross,
        };
        let mut roles = vec![
            (ORIGINATOR, Roles::PARTICIPANT),
            (HOME, Roles::PARTICIPANT),
            (NOTARY, Roles::NOTARY),
            (BYSTANDER, Roles::PARTICIPANT),
        ];
        let others = world.notaries.iter().filter(|notary| **notary != NOTARY);
        roles.extend(others.map(|notary| (*notary, Roles::NOTARY)));
        world.ledger.set_notary_threshold(threshold);
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
        for member in [ORIGINATOR, BYSTANDER] {
            world.put_beneficiary(member, |_| {}).await;
        }
        world
    }

    /// The originator's payments are settled net; both banks may owe up to `cap`.
    pub async fn netting(cap: Amount) -> Self {
        let mut world = Self::new().await;
        world.mode = Settled::Net;
        world.restart(ORIGINATOR);
        for bank in [ORIGINATOR, HOME] {
            world.ledger.set_cap(bank, cap);
        }
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
            notaries: self.notaries.clone(),
            notary_patience_percent: 10,
            voucher_lifetime: LIFETIME,
            mode: self.mode,
            policy: self.policies.get(&member).cloned().unwrap_or_default(),
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

    /// The institution co-signs by this policy from now on.
    pub fn set_policy(&mut self, member: Member, text: &str) {
        let policy = Policy::parse(text, Path::new("policy.toml")).unwrap();
        self.policies.insert(member, policy);
        self.restart(member);
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
            daily_limit: None,
            services: None,
            blocked: false,
        };
        change(&mut user);
        self.house(HOME).put_user(&user).await.unwrap();
    }

    /// A user of another institution than the home institution, whom credit transfers pay.
    pub async fn put_beneficiary(&self, member: Member, change: impl FnOnce(&mut User)) {
        let mut user = User {
            number: BENEFICIARY.into(),
            public_key: [0x44; 32],
            wallet: AccountId([0x55; 32]),
            balance: 0,
            limit: 0,
            daily_limit: None,
            services: None,
            blocked: false,
        };
        change(&mut user);
        self.house(member).put_user(&user).await.unwrap();
    }

    /// The user moves its account to the originator: home institution and originator in one.
    pub async fn move_user(&self, change: impl FnOnce(&mut User)) {
        let mut user = self.store(HOME).user(USER).await.unwrap().unwrap();
        change(&mut user);
        self.house(ORIGINATOR).put_user(&user).await.unwrap();
    }

    /// What is on the user's account, and what of it is on hold.
    pub async fn account(&self) -> (Amount, Amount) {
        self.account_of(HOME, USER).await
    }

    pub async fn account_of(&self, member: Member, number: &str) -> (Amount, Amount) {
        let store = self.store(member);
        let user = store.user(number).await.unwrap().unwrap();
        (user.balance, store.held(number).await.unwrap())
    }

    pub fn request(&self, kind: TransactionKind) -> PaymentRequest {
        PaymentRequest {
            nonce: [self.requests.fetch_add(1, Ordering::SeqCst); 16],
            originator: ORIGINATOR,
            home: HOME,
            user: USER.into(),
            wallet: AccountId([0x33; 32]),
            kind,
            beneficiary: matches!(kind, TransactionKind::CreditTransfer(_)).then(|| BENEFICIARY.into()),
            others: vec![],
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
        let (mut rows, mut users) = (BTreeMap::new(), BTreeMap::new());
        for (member, house) in &self.houses {
            users.insert(*member, house.store.users().await.unwrap());
            for table in TABLES {
                rows.insert((*member, table), house.store.count(table).await);
            }
        }
        Snapshot {
            chain: self.ledger.chain(),
            users,
            rows,
        }
    }

    /// The payment is settled everywhere, and nothing happened twice.
    pub async fn assert_settled_once(&self, id: VoucherId, kind: TransactionKind) {
        let voucher = self.store(ORIGINATOR).payment(id).await.unwrap().unwrap().voucher;
        let parties = voucher.parties();
        for member in parties.iter().chain(&[NOTARY]) {
            assert_eq!(self.state(*member, id).await, "cleared", "member {}", member.0);
        }
        let owed = voucher.principal();
        for member in [ORIGINATOR, HOME, BYSTANDER] {
            let funds = if member == BYSTANDER { 0 } else { FUNDS };
            let expected = match member {
                _ if member == owed.debtor => funds - AMOUNT,
                _ if member == owed.creditor => funds + AMOUNT,
                _ => funds,
            };
            assert_eq!(self.ledger.available(member), expected, "member {}", member.0);
            assert_eq!(self.ledger.reserved(member), 0);
        }
        assert_eq!(
            self.ledger.chain().calls,
            [format!("retain/{id}"), format!("clear/{id}")]
        );
        let is_paid = owed.creditor == voucher.home;
        let savings = if is_paid { SAVINGS + AMOUNT } else { SAVINGS - AMOUNT };
        assert_eq!(self.account_of(voucher.home, USER).await, (savings, 0));
        assert_eq!(self.store(voucher.home).count("holds").await, i64::from(!is_paid));
        assert_eq!(self.store(voucher.home).count("account_entries").await, 1);
        let is_transfer = matches!(kind, TransactionKind::CreditTransfer(_));
        if is_transfer {
            assert_eq!(self.account_of(owed.creditor, BENEFICIARY).await, (AMOUNT, 0));
            assert_eq!(self.store(owed.creditor).count("account_entries").await, 1);
        }
        assert_eq!(self.store(ORIGINATOR).count("payouts").await, i64::from(!is_transfer));
    }

    /// Nothing moved: not on chain, not on the user's account.
    pub async fn assert_untouched(&self) {
        for member in [ORIGINATOR, HOME] {
            assert_eq!(self.ledger.available(member), FUNDS);
            assert_eq!(self.ledger.reserved(member), 0);
        }
        for member in [ORIGINATOR, BYSTANDER] {
            assert_eq!(self.account_of(member, BENEFICIARY).await, (0, 0));
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
        State::Destination(_) => BYSTANDER,
        State::Notary(_) => NOTARY,
    }
}

/// Whether payments with one notary go on from this state.
pub fn is_passed(state: State) -> bool {
    !state.is_final() && state != State::Notary(NotaryState::Consulted)
}
