//! Buyer's and seller's orchestrators against the contract itself, without a node: every call to the chain and every
//! letter is lost in turn, on its way there or on its way back, and the process with it. Time runs only when told to.
use std::{
    collections::HashSet,
    future::Future,
    sync::{
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc, Arc, Mutex, Weak,
    },
};

use async_trait::async_trait;
use protocol::{
    escrow::{Deal, Error, Phases, Side},
    registry::{Error as RegistryError, SignerSet},
    settlement::Asset,
    AccountId, AgreementId, DealId, Member, OfferId, Timestamp,
};
use quittance::{
    escrow::{
        messages::{Letter, Reply},
        ports::{Act, Block, Clock, EscrowLedger, EscrowPeers, LedgerError, PeerError},
        state::Stage,
        Changes, Escrow, EscrowError, NewOffer, Trade,
    },
    identity::SigningKey,
    store::Store,
};
use quittance_tests::{
    contract_chain::{Chain, GENESIS, START},
    institutions::{account, Network, HOME, NOTARY, ORIGINATOR},
};
use tempfile::TempDir;

const SELLER: Member = ORIGINATOR;
const BUYER: Member = HOME;
const GAP: Timestamp = 1_000;
const PRICE: u128 = 1_000_000_000_000;
const BOND: u128 = 100_000_000_000;
const PHASES: Phases = Phases {
    accept: 100_000,
    reveal: 100_000,
    dispute: 100_000,
    ruling: 100_000,
};
/// More rounds than any trade needs, with one failure.
const ROUNDS: usize = 40;

type Job = Box<dyn FnOnce(&mut Network) + Send>;

/// The chain's state is bound to its thread.
#[derive(Clone)]
struct ChainThread(mpsc::Sender<Job>);

impl ChainThread {
    fn start() -> (Self, AccountId) {
        let (sender, jobs) = mpsc::channel::<Job>();
        let (ready, deployed) = mpsc::channel();
        std::thread::spawn(move || {
            let mut network = Network::funded();
            let escrow = network.chain.instantiate::<Error>("escrow", (GENESIS, GAP)).unwrap();
            ready.send(escrow).unwrap();
            for job in jobs {
                job(&mut network);
            }
        });
        (Self(sender), deployed.recv().unwrap())
    }

    fn run<T: Send + 'static>(&self, job: impl FnOnce(&mut Network) -> T + Send + 'static) -> T {
        let (answer, answered) = mpsc::channel();
        let job = move |network: &mut Network| answer.send(job(network)).unwrap();
        self.0.send(Box::new(job)).unwrap();
        answered.recv().unwrap()
    }
}

/// Which call of the world fails, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// Nothing was done.
    Request,
    /// It was done, and nobody learned of it.
    Answer,
}

/// Counts every call that can be lost, and loses one.
struct Faults {
    calls: AtomicUsize,
    lost: Option<(usize, Loss)>,
}

impl Faults {
    fn next(&self) -> Option<Loss> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        self.lost.filter(|(lost, _)| *lost == call).map(|(_, loss)| loss)
    }
}

struct World {
    chain: ChainThread,
    escrow: AccountId,
    now: AtomicU64,
    /// The time of the latest block.
    block_time: AtomicU64,
    faults: Faults,
    banks: Mutex<Vec<(Member, Arc<Escrow>)>>,
    stores: TempDir,
}

impl World {
    async fn start(lost: Option<(usize, Loss)>) -> Arc<Self> {
        let (chain, escrow) = ChainThread::start();
        let world = Arc::new(Self {
            chain,
            escrow,
            now: AtomicU64::new(START),
            block_time: AtomicU64::new(START),
            faults: Faults {
                calls: AtomicUsize::new(0),
                lost,
            },
            banks: Mutex::default(),
            stores: tempfile::tempdir().unwrap(),
        });
        for member in [SELLER, BUYER, NOTARY] {
            world.boot(member).await;
        }
        world
    }

    /// Starts an institution from what its database holds: for the first time, or after a crash.
    async fn boot(self: &Arc<Self>, member: Member) {
        let store = Store::open(&self.stores.path().join(member.to_string())).await.unwrap();
        let port = Port {
            world: Arc::downgrade(self),
            member,
        };
        let port = Arc::new(port);
        let key = SigningKey::load(&format!("//institution{member}")).unwrap();
        let escrow = Escrow::new(member, store, key, port.clone(), port.clone(), port);
        let mut banks = self.banks.lock().unwrap();
        banks.retain(|(other, _)| *other != member);
        banks.push((member, escrow));
    }

    fn bank(&self, member: Member) -> Arc<Escrow> {
        let banks = self.banks.lock().unwrap();
        banks.iter().find(|(other, _)| *other == member).unwrap().1.clone()
    }

    /// A round of each institution. One whose call was lost crashes and comes back.
    async fn round(self: &Arc<Self>) {
        for member in [BUYER, SELLER, NOTARY] {
            if let Err(error) = self.bank(member).round().await {
                let passing = matches!(
                    error,
                    EscrowError::Ledger(LedgerError::Unavailable(_)) | EscrowError::Peer(PeerError::Unreachable { .. })
                );
                assert!(passing, "member {member}: {error}");
                self.boot(member).await;
            }
        }
    }

    async fn rounds(self: &Arc<Self>) {
        for _ in 0..ROUNDS {
            self.round().await;
        }
    }

    fn pass_time(&self, by: Timestamp) {
        self.now.fetch_add(by, Ordering::Relaxed);
    }

    async fn trade(&self, member: Member, id: AgreementId) -> Trade {
        self.bank(member).trade(id).await.unwrap().unwrap()
    }

    async fn ended(&self, id: AgreementId, stage: Stage) {
        for member in [BUYER, SELLER] {
            assert_eq!(self.trade(member, id).await.stage, stage, "at member {member}");
        }
    }

    /// What the contract holds of the native token, apart from storage deposits.
    fn held(&self) -> u128 {
        let escrow = self.escrow;
        self.chain.run(move |network| network.chain.native_balance(escrow))
    }

    /// The seller's offer and the buyer's take of one unit of it.
    async fn agree(self: &Arc<Self>) -> AgreementId {
        let offer = self
            .bank(SELLER)
            .make_offer(offer(), &[BUYER], [1; 32])
            .await
            .unwrap()
            .id;
        self.known(offer).await;
        self.bank(BUYER)
            .propose(offer, 1, Changes::default(), None, [2; 32])
            .await
            .unwrap()
            .id
    }

    async fn known(self: &Arc<Self>, offer: OfferId) {
        for _ in 0..ROUNDS {
            if self.bank(BUYER).offer(offer).await.unwrap().is_some() {
                return;
            }
            self.round().await;
        }
        panic!("the offer never arrived");
    }
}

fn offer() -> NewOffer {
    NewOffer {
        side: Side::Sell,
        goods: "kWh".into(),
        quantity: 10,
        least: 1,
        asset: Asset::Native,
        unit_price: PRICE,
        unit_bond: BOND,
        unit_seller_bond: BOND,
        unit_default_award: PRICE / 2,
        delivery: "into the grid".into(),
        arbiter: NOTARY,
        phases: PHASES,
        expires_at: START + 1_000_000,
    }
}

/// The world as one institution reaches it.
struct Port {
    world: Weak<World>,
    member: Member,
}

impl Port {
    fn world(&self) -> Arc<World> {
        self.world.upgrade().expect("the world is there")
    }
}

impl Clock for Port {
    fn now(&self) -> Timestamp {
        self.world().now.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl EscrowPeers for Port {
    async fn deliver(&self, to: Member, letter: &Letter) -> Result<Reply, PeerError> {
        let world = self.world();
        let lost = || PeerError::Unreachable {
            member: to,
            why: "lost".into(),
        };
        let loss = world.faults.next();
        if loss == Some(Loss::Request) {
            return Err(lost());
        }
        let answer = world.bank(to).on_letter(self.member, letter.clone()).await;
        if loss == Some(Loss::Answer) {
            return Err(lost());
        }
        answer.map_err(|error| match error {
            EscrowError::Ledger(LedgerError::Unavailable(_)) => lost(),
            wrong => PeerError::Rejected {
                member: to,
                code: wrong.code().into(),
                detail: wrong.to_string(),
            },
        })
    }
}

#[async_trait]
impl EscrowLedger for Port {
    fn genesis(&self) -> [u8; 32] {
        GENESIS
    }

    fn escrow(&self) -> AccountId {
        self.world().escrow
    }

    async fn gap(&self) -> Result<Timestamp, LedgerError> {
        Ok(GAP)
    }

    async fn signers(&self, members: &[Member]) -> Result<SignerSet, LedgerError> {
        let (caller, members) = (account(self.member), members.to_vec());
        let set = self.world().chain.run(move |network| {
            let registry = network.registry;
            let asked = network
                .chain
                .call::<Result<SignerSet, RegistryError>>(caller, registry, "members", members, 0);
            asked.output
        });
        Ok(set.unwrap())
    }

    fn time(&self) -> Timestamp {
        self.world().block_time.load(Ordering::Relaxed)
    }

    async fn deals(&self, ids: &[DealId]) -> Result<Vec<Option<Deal>>, LedgerError> {
        let (world, caller, ids) = (self.world(), account(self.member), ids.to_vec());
        let escrow = world.escrow;
        let deals = world.chain.run(move |network| {
            let asked = network
                .chain
                .call::<Result<Vec<Option<Deal>>, Error>>(caller, escrow, "deals", ids, 0);
            asked.output
        });
        deals.map_err(LedgerError::Refused)
    }

    /// Done or not is what the chain's state says: nothing here remembers keys, as if the submitter's table were lost too.
    async fn carry_out(&self, _key: &str, deal: DealId, act: &Act) -> Result<Block, LedgerError> {
        let world = self.world();
        let lost = || LedgerError::Unavailable("lost".into());
        let loss = world.faults.next();
        if loss == Some(Loss::Request) {
            return Err(lost());
        }
        let now = world.now.load(Ordering::Relaxed);
        world.block_time.store(now, Ordering::Relaxed);
        let (caller, escrow, act) = (account(self.member), world.escrow, act.clone());
        let done = world.chain.run(move |network| {
            network.chain.set_time(now);
            call(&mut network.chain, caller, escrow, deal, &act)
        });
        if loss == Some(Loss::Answer) {
            return Err(lost());
        }
        done.map_err(LedgerError::Refused)?;
        Ok(Block {
            number: 1,
            hash: [1; 32],
        })
    }

    async fn make_block(&self, _key: &str) -> Result<(), LedgerError> {
        let world = self.world();
        world
            .block_time
            .store(world.now.load(Ordering::Relaxed), Ordering::Relaxed);
        Ok(())
    }

    async fn next_block(&self) {}
}

fn call(chain: &mut Chain, caller: AccountId, escrow: AccountId, deal: DealId, act: &Act) -> Result<(), Error> {
    let message = act.message();
    match act {
        Act::Lock(terms) => {
            let value = terms.buyer_stake().unwrap();
            let locked = chain.call::<Result<DealId, Error>>(caller, escrow, message, (**terms).clone(), value);
            locked.output.map(|_| ())
        }
        Act::Accept { bond, .. } => chain.call(caller, escrow, message, deal, *bond).output,
        Act::Reveal(secret) | Act::Claim(secret) => chain.call(caller, escrow, message, (deal, *secret), 0).output,
        Act::Refund | Act::RuleByDefault => chain.call(caller, escrow, message, deal, 0).output,
        Act::Cancel {
            expires_at,
            buyer,
            seller,
        } => {
            let arguments = (deal, *expires_at, *buyer, *seller);
            chain.call(caller, escrow, message, arguments, 0).output
        }
        Act::Dispute(evidence) => chain.call(caller, escrow, message, (deal, *evidence), 0).output,
        Act::Rule(to_seller) => chain.call(caller, escrow, message, (deal, *to_seller), 0).output,
    }
}

/// Plays a story with each of its calls lost in turn, both ways; returns how many calls it has.
async fn with_every_call_lost<F: Future<Output = ()>>(story: impl Fn(Arc<World>) -> F) -> usize {
    let world = World::start(None).await;
    story(world.clone()).await;
    let calls = world.faults.calls.load(Ordering::Relaxed);
    let mut seen = HashSet::new();
    for call in 0..calls {
        for loss in [Loss::Request, Loss::Answer] {
            let world = World::start(Some((call, loss))).await;
            story(world.clone()).await;
            seen.insert((call, loss == Loss::Request));
        }
    }
    assert_eq!(seen.len(), 2 * calls);
    calls
}

#[tokio::test]
async fn a_trade_settles_once_whatever_call_is_lost() {
    let calls = with_every_call_lost(|world| async move {
        let before = world.held();
        let id = world.agree().await;
        world.rounds().await;
        world.ended(id, Stage::Accepted).await;
        assert_eq!(world.held() - before, PRICE + 2 * BOND);
        world.bank(BUYER).confirm(id, None).await.unwrap();
        world.rounds().await;
        world.ended(id, Stage::Settled).await;
        assert_eq!(world.held(), before);
    })
    .await;
    assert!(calls >= 6, "offer, proposal, lock, accept, reveal, claim: {calls}");
}

#[tokio::test]
async fn a_trade_that_nobody_confirms_is_refunded_whatever_call_is_lost() {
    with_every_call_lost(|world| async move {
        let before = world.held();
        let id = world.agree().await;
        world.rounds().await;
        world.ended(id, Stage::Accepted).await;
        world.pass_time(PHASES.accept + PHASES.reveal + PHASES.dispute + GAP * 10);
        world.rounds().await;
        world.ended(id, Stage::Refunded).await;
        assert_eq!(world.held(), before);
    })
    .await;
}

#[tokio::test]
async fn a_delivery_that_the_buyer_denies_is_ruled_on_whatever_call_is_lost() {
    with_every_call_lost(|world| async move {
        let before = world.held();
        let id = world.agree().await;
        world.rounds().await;
        let evidence = Some("a signed delivery note".to_owned());
        world.bank(SELLER).confirm(id, evidence).await.unwrap();
        world.rounds().await;
        world.ended(id, Stage::Accepted).await;
        world.pass_time(PHASES.accept + PHASES.reveal + GAP * 10);
        world.rounds().await;
        world.ended(id, Stage::Disputed).await;
        let arbiter = world.trade(NOTARY, id).await;
        assert_eq!(arbiter.other_evidence.as_deref(), Some("a signed delivery note"));
        world.bank(NOTARY).rule(id, PRICE / 3).await.unwrap();
        world.rounds().await;
        world.ended(id, Stage::Ruled).await;
        assert_eq!(world.held(), before);
    })
    .await;
}

#[tokio::test]
async fn a_silent_arbiter_leaves_the_default_whatever_call_is_lost() {
    with_every_call_lost(|world| async move {
        let before = world.held();
        let id = world.agree().await;
        world.rounds().await;
        let evidence = Some("a signed delivery note".to_owned());
        world.bank(SELLER).confirm(id, evidence).await.unwrap();
        world.pass_time(PHASES.accept + PHASES.reveal + GAP * 10);
        world.rounds().await;
        world.ended(id, Stage::Disputed).await;
        world.pass_time(PHASES.dispute + PHASES.ruling);
        world.rounds().await;
        world.ended(id, Stage::Ruled).await;
        assert_eq!(world.held(), before);
    })
    .await;
}

#[tokio::test]
async fn a_trade_that_both_call_off_is_cancelled_whatever_call_is_lost() {
    with_every_call_lost(|world| async move {
        let before = world.held();
        let id = world.agree().await;
        world.rounds().await;
        // At the same moment, each with an expiry of its own.
        world.bank(BUYER).cancel(id).await.unwrap();
        world.pass_time(1);
        world.bank(SELLER).cancel(id).await.unwrap();
        world.rounds().await;
        world.ended(id, Stage::Cancelled).await;
        assert_eq!(world.held(), before);
    })
    .await;
}

#[tokio::test]
async fn a_counter_offer_is_settled_on_its_own_terms_whatever_call_is_lost() {
    with_every_call_lost(|world| async move {
        let offer = world
            .bank(SELLER)
            .make_offer(offer(), &[BUYER], [1; 32])
            .await
            .unwrap()
            .id;
        world.known(offer).await;
        let cheaper = Changes {
            price: Some(PRICE / 2),
            ..Changes::default()
        };
        let asked = world
            .bank(BUYER)
            .propose(offer, 1, cheaper, None, [2; 32])
            .await
            .unwrap()
            .id;
        world.rounds().await;
        assert_eq!(world.trade(SELLER, asked).await.stage, Stage::Received);
        let between = Changes {
            price: Some(PRICE / 4 * 3),
            ..Changes::default()
        };
        let answered = world
            .bank(SELLER)
            .propose(offer, 1, between, Some(asked), [3; 32])
            .await
            .unwrap()
            .id;
        world.rounds().await;
        world.ended(asked, Stage::Declined).await;
        world.bank(BUYER).accept(answered).await.unwrap();
        world.rounds().await;
        world.ended(answered, Stage::Accepted).await;
        world.bank(BUYER).confirm(answered, None).await.unwrap();
        world.rounds().await;
        world.ended(answered, Stage::Settled).await;
        assert_eq!(world.trade(BUYER, answered).await.agreement.price, PRICE / 4 * 3);
    })
    .await;
}

#[tokio::test]
async fn an_offer_is_never_over_filled() {
    let world = World::start(None).await;
    let offer = world
        .bank(SELLER)
        .make_offer(offer(), &[BUYER], [1; 32])
        .await
        .unwrap()
        .id;
    world.known(offer).await;
    let take = async |quantity, request| {
        let taken = world
            .bank(BUYER)
            .propose(offer, quantity, Changes::default(), None, [request; 32])
            .await;
        taken.unwrap().id
    };
    let (six, five, four) = (take(6, 2).await, take(5, 3).await, take(4, 4).await);
    world.rounds().await;
    world.ended(six, Stage::Accepted).await;
    world.ended(five, Stage::Declined).await;
    world.ended(four, Stage::Accepted).await;
    let left = world.bank(SELLER).offer(offer).await.unwrap().unwrap().remaining;
    assert_eq!(left, 0);

    // What was never delivered can be sold again.
    world.pass_time(PHASES.accept + PHASES.reveal + PHASES.dispute + GAP * 10);
    world.rounds().await;
    world.ended(four, Stage::Refunded).await;
    let left = world.bank(SELLER).offer(offer).await.unwrap().unwrap().remaining;
    assert_eq!(left, 10);
}

#[tokio::test]
async fn a_seller_that_is_away_leaves_the_buyer_whole() {
    let world = World::start(None).await;
    let before = world.held();
    let id = world.agree().await;
    for _ in 0..ROUNDS {
        world.bank(BUYER).round().await.unwrap();
        world.bank(NOTARY).round().await.unwrap();
    }
    assert_eq!(world.trade(BUYER, id).await.stage, Stage::Locked);
    world.pass_time(PHASES.accept + GAP * 10);
    for _ in 0..ROUNDS {
        world.bank(BUYER).round().await.unwrap();
    }
    assert_eq!(world.trade(BUYER, id).await.stage, Stage::Refunded);
    assert_eq!(world.held(), before);
}
