//! Telling a receiver that fails, is slow to come back, or never does.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
        Arc, Mutex,
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::{body::Bytes, extract::State, http::HeaderMap, http::StatusCode, routing::post, Router};
use protocol::{
    clearing::Balance,
    fees::FeeRule,
    settlement::{Asset, ClearingVoucher, Limit, Obligation, Settlement, TransactionKind, Voucher},
    windows::{Certificate, Shortfall},
    AccountId, Amount, Member, RelationId, Timestamp, UserId, VoucherId,
};
use serde_json::{json, Value};
use standardwebhooks::Webhook;

use super::{Endpoint, Webhooks, WebhooksConfig};
use crate::{
    journal::{Event, Journal, Told},
    settlement::{
        ports::{Block, Clock, LedgerError},
        state::{OriginatorState, State as PaymentState},
    },
    store::{
        payments::{Advance, Effect},
        webhooks::{DeliveryFilter, DeliveryRow, NewEvent},
        Store,
    },
};

const SECRET: [u8; 32] = [5; 32];
const GIVE_UP: Duration = Duration::from_secs(60);
/// A block that the node doesn't keep.
const FORGOTTEN: u32 = 200;
const RETAINED: PaymentState = PaymentState::Originator(OriginatorState::Retained);
const AUDITED: PaymentState = PaymentState::Originator(OriginatorState::Audited);
const CLEARED: PaymentState = PaymentState::Originator(OriginatorState::Cleared);

struct HandClock(AtomicU64);

impl HandClock {
    fn pass(&self, time: Duration) {
        self.0
            .fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        self.0.load(Ordering::SeqCst)
    }
}

/// A chain with some events, by block.
#[derive(Default)]
struct Chain {
    head: AtomicU32,
    told: Mutex<BTreeMap<u32, Vec<Told>>>,
}

impl Chain {
    fn tells(&self, number: u32, index: u32, event: Event) {
        let told = Told {
            block: block(number),
            index,
            event,
        };
        self.told.lock().unwrap().entry(number).or_default().push(told);
        self.head.fetch_max(number, Ordering::SeqCst);
    }
}

fn block(number: u32) -> Block {
    Block {
        number,
        hash: [u8::try_from(number).unwrap(); 32],
    }
}

#[async_trait]
impl Journal for Chain {
    fn head(&self) -> u32 {
        self.head.load(Ordering::SeqCst)
    }
    async fn next_block(&self) {}
    async fn block(&self, number: u32) -> Result<Block, LedgerError> {
        if number == FORGOTTEN {
            return Err(LedgerError::Unavailable("the node doesn't have the block".into()));
        }
        Ok(block(number))
    }
    async fn block_time(&self, _: u32) -> Result<Timestamp, LedgerError> {
        Ok(0)
    }
    async fn told(&self, from: u32, to: u32) -> Result<Vec<Told>, LedgerError> {
        Ok(self
            .told
            .lock()
            .unwrap()
            .range(from..=to)
            .flat_map(|(_, told)| told.clone())
            .collect())
    }
    async fn balance_after(&self, _: Member, _: Asset, _: u32) -> Result<Balance, LedgerError> {
        Ok(Balance::default())
    }
    async fn fee_schedule(&self, _: u32) -> Result<Option<Vec<FeeRule>>, LedgerError> {
        Ok(None)
    }
    async fn contested(&self, _: VoucherId, _: u8) -> Result<Option<Obligation>, LedgerError> {
        Ok(None)
    }
}

/// What an endpoint got, and how it answers.
#[derive(Default)]
struct Receiver {
    fails: AtomicBool,
    got: Mutex<Vec<(String, Value)>>,
    attempts: AtomicU32,
}

impl Receiver {
    /// Listens on a free port.
    async fn listen(self: &Arc<Self>) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().route("/hook", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn kinds(&self) -> Vec<String> {
        let got = self.got.lock().unwrap();
        got.iter()
            .map(|(_, body)| body["type"].as_str().unwrap().to_owned())
            .collect()
    }
}

async fn take(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    receiver.attempts.fetch_add(1, Ordering::SeqCst);
    Webhook::from_bytes(SECRET.to_vec())
        .unwrap()
        .verify(&body, &headers)
        .unwrap();
    if receiver.fails.load(Ordering::SeqCst) {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let body = serde_json::from_slice(&body).unwrap();
    receiver.got.lock().unwrap().push((id, body));
    StatusCode::NO_CONTENT
}

struct World {
    store: Store,
    chain: Arc<Chain>,
    clock: Arc<HandClock>,
    webhooks: Arc<Webhooks>,
}

impl World {
    /// Endpoints by name and URL. The clock begins with the machine's, because signatures hold for some minutes only.
    async fn with(endpoints: &[(&str, &str)]) -> Self {
        let (chain, store) = (Arc::new(Chain::default()), Store::in_memory().await.unwrap());
        let clock = Arc::new(HandClock(AtomicU64::new(crate::http::now())));
        let endpoint = |(name, url): &(&str, &str)| Endpoint {
            name: (*name).to_owned(),
            url: url.parse().unwrap(),
            signer: Webhook::from_bytes(SECRET.to_vec()).unwrap(),
        };
        let config = WebhooksConfig {
            endpoints: endpoints.iter().map(endpoint).collect(),
            timeout: Duration::from_secs(5),
            give_up_after: GIVE_UP,
            ca: None,
        };
        let webhooks = Webhooks::new(config, store.clone(), chain.clone(), clock.clone()).unwrap();
        webhooks.listen().await.unwrap();
        webhooks.look_at_chain().await.unwrap();
        Self {
            store,
            chain,
            clock,
            webhooks,
        }
    }

    /// Everything that is due is told.
    async fn round(&self) {
        self.webhooks.look_at_chain().await.unwrap();
        for endpoint in &self.webhooks.endpoints {
            while self.webhooks.round(endpoint).await.unwrap() > 0 {}
        }
    }

    async fn log(&self) -> Vec<DeliveryRow> {
        let mut log = self
            .webhooks
            .deliveries(&DeliveryFilter::default(), None, 100)
            .await
            .unwrap();
        log.reverse();
        log
    }

    async fn advance(&self, voucher: &Voucher, from: PaymentState, to: PaymentState, effect: Effect) {
        let advance = Advance {
            from,
            to,
            detail: "as the test wants it",
            at: self.clock.now(),
            effects: &[effect],
            unless_kept: None,
        };
        assert!(self.store.advance_payment(voucher, &advance).await.unwrap());
    }

    /// A payment that is audited, retained in block 3 and cleared in block 4 with window 2.
    async fn settled(&self) -> Voucher {
        let voucher = voucher(1, Settlement::Net);
        self.store
            .open_payment(&voucher, None, AUDITED, "new", 1, &[])
            .await
            .unwrap();
        let retained = Event::Retained {
            batch: 0,
            drawn_at: 1,
            window: 2,
            vouchers: vec![voucher.clone()],
        };
        self.chain.tells(3, 6, retained);
        let effect = Effect::Retained {
            relation: RelationId([1; 32]),
            block: 3,
            window: Some(2),
        };
        self.advance(&voucher, AUDITED, RETAINED, effect).await;
        let certificate = Certificate {
            window: 2,
            vouchers: 1,
            lines: vec![],
        };
        self.chain.tells(4, 9, Event::WindowSettled(certificate));
        self.advance(&voucher, RETAINED, CLEARED, Effect::Cleared { block: 4 })
            .await;
        voucher
    }
}

fn voucher(sequence: u64, settlement: Settlement) -> Voucher {
    let amount: Amount = 250;
    Voucher {
        sequence,
        originator: Member(0),
        home: Member(1),
        others: vec![],
        user: UserId::of(Member(1), "4711"),
        wallet: AccountId([1; 32]),
        kind: TransactionKind::Purchase,
        asset: Asset::Native,
        amount,
        limit: Limit::PerTransaction(amount),
        settlement,
        fees: 0,
        issued_at: 1,
        expires_at: 2,
    }
}

fn note(subject: &str) -> NewEvent {
    NewEvent {
        kind: "cap.alarm",
        subject: subject.into(),
        data: json!({}),
        origin: None,
    }
}

#[tokio::test]
async fn a_payment_is_told_of_once_in_order_with_block_hash_and_event_index() {
    let receiver = Arc::new(Receiver::default());
    let world = World::with(&[("books", &receiver.listen().await)]).await;
    let voucher = world.settled().await;
    world.round().await;
    world.round().await;
    let mut kinds = receiver.kinds();
    kinds.sort();
    assert_eq!(kinds, ["payment.cleared", "payment.retained", "window.settled"]);
    let got = receiver.got.lock().unwrap().clone();
    let of = |kind: &str| got.iter().position(|(_, body)| body["type"] == kind).unwrap();
    assert!(of("payment.retained") < of("payment.cleared"));
    let retained = &got[of("payment.retained")].1["data"];
    assert_eq!(retained["payment"], voucher.id().to_string());
    assert_eq!(
        retained["chain"],
        json!({ "block": 3, "block_hash": protocol::text::to_hex(&[3; 32]), "event_index": 6 })
    );
    let cleared = &got[of("payment.cleared")].1["data"];
    assert_eq!(
        (&cleared["state"], &cleared["amount"]),
        (&"cleared".into(), &"250".into())
    );
    assert_eq!(
        cleared["chain"],
        json!({ "block": 4, "block_hash": protocol::text::to_hex(&[4; 32]), "event_index": 9 })
    );
    assert_eq!(got[of("window.settled")].1["data"]["chain"]["event_index"], 9);
    assert!(world
        .log()
        .await
        .iter()
        .all(|line| line.state == "delivered" && line.attempts == 1));
}

#[tokio::test]
async fn a_receiver_that_fails_gets_the_same_event_later_and_the_next_one_only_then() {
    let receiver = Arc::new(Receiver::default());
    let world = World::with(&[("books", &receiver.listen().await)]).await;
    receiver.fails.store(true, Ordering::SeqCst);
    world.settled().await;
    world.round().await;
    let log = world.log().await;
    let attempts: Vec<(&str, u32)> = log.iter().map(|line| (line.kind.as_str(), line.attempts)).collect();
    assert!(
        attempts.contains(&("payment.retained", 1)) && attempts.contains(&("payment.cleared", 0)),
        "{attempts:?}"
    );
    let first = log.iter().find(|line| line.kind == "payment.retained").unwrap();
    assert_eq!((first.status, first.state.as_str()), (Some(500), "pending"));
    assert!(first.due_at.unwrap() > world.clock.now());
    let tried = receiver.attempts.load(Ordering::SeqCst);
    world.round().await;
    assert_eq!(receiver.attempts.load(Ordering::SeqCst), tried, "it isn't due yet");

    receiver.fails.store(false, Ordering::SeqCst);
    world.clock.pass(Duration::from_secs(5));
    world.round().await;
    world.round().await;
    let kinds: Vec<String> = receiver
        .kinds()
        .into_iter()
        .filter(|kind| kind.starts_with("payment"))
        .collect();
    assert_eq!(kinds, ["payment.retained", "payment.cleared"]);
    let ids: BTreeSet<String> = receiver.got.lock().unwrap().iter().map(|(id, _)| id.clone()).collect();
    let logged: BTreeSet<String> = world.log().await.iter().map(|line| line.event.clone()).collect();
    assert_eq!(ids, logged, "each under the id that it had from the start");
}

#[tokio::test]
async fn a_dead_endpoint_holds_up_nobody_and_is_given_up_in_the_end() {
    let receiver = Arc::new(Receiver::default());
    // Nobody listens on the discard port.
    let endpoints = [("dead", "http://127.0.0.1:9/"), ("books", &receiver.listen().await)];
    let world = World::with(&endpoints).await;
    world.store.tell(world.clock.now(), &note("cap/1")).await.unwrap();
    world.store.tell(world.clock.now(), &note("cap/1")).await.unwrap();
    world.round().await;
    assert_eq!(receiver.kinds().len(), 2);
    for _ in 0..12 {
        world.clock.pass(Duration::from_secs(20));
        world.round().await;
    }
    let log = world.log().await;
    let dead: Vec<&DeliveryRow> = log.iter().filter(|line| line.endpoint == "dead").collect();
    assert!(dead.iter().all(|line| line.state == "failed"), "{dead:?}");
    assert!(dead[0].attempts > 2 && dead[0].problem.is_some() && dead[0].status.is_none());
    assert!(
        !dead[0].problem.as_ref().unwrap().contains("127.0.0.1:9/"),
        "no URL stands in the log"
    );

    assert!(world.webhooks.send_again(dead[0].number).await.unwrap());
    let again = world.webhooks.delivery(dead[0].number).await.unwrap().unwrap();
    assert_eq!((again.state.as_str(), again.finished_at), ("pending", None));
}

#[tokio::test]
async fn a_window_that_cannot_be_paid_is_told_of_and_nothing_from_before_the_endpoint_was_there() {
    let receiver = Arc::new(Receiver::default());
    let world = World::with(&[]).await;
    world.store.tell(1, &note("cap/1")).await.unwrap();
    assert_eq!(world.log().await.len(), 0);

    let world = World::with(&[("books", &receiver.listen().await)]).await;
    let short = Shortfall {
        member: Member(1),
        asset: Asset::Native,
        available: 1,
        needed: 2,
    };
    let event = Event::WindowShort {
        window: 3,
        shortfalls: vec![short],
    };
    world.chain.tells(8, 2, event);
    world.round().await;
    let got = receiver.got.lock().unwrap().clone();
    let [(_, body)] = got.as_slice() else {
        panic!("one event: {got:?}");
    };
    assert_eq!(body["type"], "window.short");
    assert_eq!(body["data"]["shortfalls"][0]["needed"], "2");
    assert_eq!(body["data"]["chain"]["block"], 8);
}

#[tokio::test]
async fn a_gross_payment_stands_where_its_last_debtor_paid() {
    let receiver = Arc::new(Receiver::default());
    let world = World::with(&[("books", &receiver.listen().await)]).await;
    let voucher = voucher(7, Settlement::Gross);
    world
        .store
        .open_payment(&voucher, None, RETAINED, "new", 1, &[])
        .await
        .unwrap();
    let paid = |voucher: VoucherId| {
        Event::Cleared(ClearingVoucher {
            voucher,
            relation: RelationId([1; 32]),
            issuer: Member(1),
            discharged: vec![],
            sources: vec![],
            issued_at: 1,
            expires_at: 2,
        })
    };
    world.chain.tells(5, 3, paid(VoucherId([2; 32])));
    world.chain.tells(5, 4, paid(voucher.id()));
    world.chain.tells(5, 8, paid(voucher.id()));
    world.chain.tells(5, 9, paid(VoucherId([3; 32])));
    world
        .advance(&voucher, RETAINED, CLEARED, Effect::Cleared { block: 5 })
        .await;
    world.round().await;
    let got = receiver.got.lock().unwrap().clone();
    assert_eq!(got.last().unwrap().1["data"]["chain"]["event_index"], 8);
}

#[tokio::test]
async fn what_the_node_forgot_is_told_without_its_place_in_the_end_and_holds_up_nothing_more() {
    let receiver = Arc::new(Receiver::default());
    let world = World::with(&[("books", &receiver.listen().await)]).await;
    let voucher = voucher(7, Settlement::Gross);
    world
        .store
        .open_payment(&voucher, None, RETAINED, "new", 1, &[])
        .await
        .unwrap();
    world.round().await;
    world
        .advance(&voucher, RETAINED, CLEARED, Effect::Cleared { block: FORGOTTEN })
        .await;
    assert!(world.webhooks.look_at_chain().await.is_err(), "it may come back");
    world.store.tell(world.clock.now(), &note("cap/1")).await.unwrap();
    for endpoint in &world.webhooks.endpoints {
        world.webhooks.round(endpoint).await.unwrap();
    }
    assert_eq!(receiver.kinds(), ["payment.retained"]);
    world.clock.pass(GIVE_UP);
    world.round().await;
    let mut kinds = receiver.kinds();
    kinds.sort();
    assert_eq!(kinds, ["cap.alarm", "payment.cleared", "payment.retained"]);
    let got = receiver.got.lock().unwrap().clone();
    let cleared = got.iter().find(|(_, body)| body["type"] == "payment.cleared").unwrap();
    assert_eq!(
        cleared.1["data"]["chain"],
        json!({ "block": FORGOTTEN, "block_hash": null, "event_index": null })
    );
}
