//! Whoever is told what happens, is told of every payment, signed, in order, with the block and the event that anybody
//! finds there; also one that fails, goes away and comes back.
use std::{
    collections::BTreeSet,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    process::Command,
    sync::{
        atomic::{AtomicBool, AtomicU32, Ordering},
        Arc, Mutex,
    },
    time::{Duration, Instant},
};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
    Router,
};
use protocol::{settlement::TransactionKind, VoucherId};
use quittance::{
    chain::subxt::{config::SubstrateConfig, OnlineClient},
    devnet::{Institution, Network},
    http::webhooks::DeliveryPage,
};
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::network::{configure, restart, TestNetwork, AMOUNT, PATIENCE};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

/// A program of the bank's that is told.
struct Receiver {
    fails: AtomicBool,
    attempts: AtomicU32,
    /// Ids and bodies that it took.
    took: Mutex<Vec<(String, Value)>>,
}

impl Receiver {
    /// Listens on this port; 0 is a free one.
    async fn listen(self: &Arc<Self>, port: u16) -> (u16, JoinHandle<()>) {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().route("/told", post(told)).with_state(self.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (port, serving)
    }

    fn took(&self) -> Vec<(String, Value)> {
        self.took.lock().unwrap().clone()
    }

    /// The kinds of events that it took of a payment, in order.
    fn of(&self, payment: VoucherId) -> Vec<String> {
        let its = |body: &Value| body["data"]["payment"] == payment.to_string();
        let took = self.took().into_iter().map(|(_, body)| body).filter(its);
        took.map(|body| body["type"].as_str().unwrap().to_owned()).collect()
    }
}

async fn told(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    receiver.attempts.fetch_add(1, Ordering::SeqCst);
    if Webhook::new(SECRET).unwrap().verify(&body, &headers).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    if receiver.fails.load(Ordering::SeqCst) {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    receiver
        .took
        .lock()
        .unwrap()
        .push((id, serde_json::from_slice(&body).unwrap()));
    StatusCode::NO_CONTENT
}

/// The bank tells this receiver from its next start on.
fn tell(bank: &Institution, port: u16) {
    let mut secret = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(bank.directory.join("books.secret"))
        .unwrap();
    secret.write_all(SECRET.as_bytes()).unwrap();
    let endpoints = format!(
        "\n[[webhooks.endpoints]]\nname = \"books\"\nurl = \"http://127.0.0.1:{port}/told\"\nsecret_file = \"books.secret\"\n\n\
         [[webhooks.endpoints]]\nname = \"dead\"\nurl = \"http://127.0.0.1:9/\"\nsecret_file = \"books.secret\"\n"
    );
    configure(bank, |text| text + &endpoints);
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(PATIENCE), "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn settle(test: &TestNetwork) -> VoucherId {
    let request = test.network.request(TransactionKind::Purchase, AMOUNT).unwrap();
    let payment = test.network.pay(&request).await.unwrap();
    assert_eq!(test.finished(&test.network.originator, &payment).await.state, "cleared");
    payment.id
}

/// `quittance webhooks deliveries`, as an operator runs it.
fn log(network: &Network, arguments: &[&str]) -> DeliveryPage {
    let bank = &network.originator;
    let output = Command::new(network.options.programs.join("quittance"))
        .args(["webhooks", "deliveries", "--json", "--url", &bank.url])
        .args(arguments)
        .arg("--token-file")
        .arg(bank.directory.join("operator.token"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The block has this hash, and the event at this place is one of a contract that names the payment.
async fn assert_stands_there(node: &OnlineClient<SubstrateConfig>, told: &Value, payment: VoucherId) {
    let chain = &told["data"]["chain"];
    let block = node.at_block(chain["block"].as_u64().unwrap()).await.unwrap();
    assert_eq!(
        format!("{:?}", block.block_hash()),
        chain["block_hash"].as_str().unwrap()
    );
    let events = block.events().fetch().await.unwrap();
    let place = chain["event_index"].as_u64().unwrap();
    let mut found = events.iter().map(Result::unwrap);
    let event = found.find(|event| u64::from(event.index()) == place).unwrap();
    assert_eq!(
        (event.pallet_name(), event.event_name()),
        ("Contracts", "ContractEmitted")
    );
    let names_it = |bytes: &[u8]| bytes.windows(32).any(|part| part == payment.0);
    assert!(names_it(event.field_bytes()), "the event doesn't tell of {payment}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_fails_and_goes_away_and_comes_back_knows_every_payment_in_the_end() {
    let mut test = TestNetwork::start().await;
    let receiver = Arc::new(Receiver {
        fails: AtomicBool::new(false),
        attempts: AtomicU32::new(0),
        took: Mutex::default(),
    });
    let (port, serving) = receiver.listen(0).await;
    let bank = &mut test.network.originator;
    tell(bank, port);
    restart(bank, &[]).await;

    let first = settle(&test).await;
    eventually("the first payment", || receiver.of(first).len() == 2).await;

    receiver.fails.store(true, Ordering::SeqCst);
    let before = receiver.attempts.load(Ordering::SeqCst);
    let second = settle(&test).await;
    eventually("an attempt that fails", || {
        receiver.attempts.load(Ordering::SeqCst) > before
    })
    .await;
    assert_eq!(receiver.of(second).len(), 0);

    // It goes away with what it has, and so does the bank; neither knows what became of the other.
    serving.abort();
    let _ = serving.await;
    let third = settle(&test).await;
    let bank = &mut test.network.originator;
    restart(bank, &[]).await;
    let request = test.network.request(TransactionKind::Purchase, AMOUNT * 1_000).unwrap();
    let refused = test.network.pay(&request).await.unwrap();
    test.finished(&test.network.originator, &refused).await;

    receiver.fails.store(false, Ordering::SeqCst);
    let (_, serving) = receiver.listen(port).await;
    for payment in [second, third] {
        eventually("a payment that was held up", || receiver.of(payment).len() == 2).await;
    }
    eventually("the refusal", || receiver.of(refused.id).len() == 1).await;

    let node = OnlineClient::<SubstrateConfig>::from_url(&test.network.url)
        .await
        .unwrap();
    for payment in [first, second, third] {
        assert_eq!(receiver.of(payment), ["payment.retained", "payment.cleared"]);
        for (_, told) in receiver.took() {
            if told["data"]["payment"] == payment.to_string() {
                assert_stands_there(&node, &told, payment).await;
            }
        }
    }
    let took = receiver.took();
    let refusal = took
        .iter()
        .find(|(_, told)| told["data"]["payment"] == refused.id.to_string());
    let refusal = &refusal.unwrap().1;
    assert_eq!(refusal["type"], "payment.refused");
    assert_eq!(refusal["data"]["refusal"]["code"], "above-user-limit");
    assert!(refusal["data"]["chain"].is_null());
    let ids: BTreeSet<&String> = took.iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), took.len(), "no event was taken twice");
    assert_eq!(took.len(), 7);

    // The log says the same, and that the dead one got nothing.
    let delivered = log(&test.network, &["--endpoint", "books", "--state", "delivered"]);
    let logged: BTreeSet<&String> = delivered.deliveries.iter().map(|delivery| &delivery.event).collect();
    assert_eq!(logged, ids);
    let held_up = delivered
        .deliveries
        .iter()
        .filter(|delivery| delivery.subject == second.to_string());
    assert!(held_up.map(|delivery| delivery.attempts).max().unwrap() > 1);
    let dead = log(&test.network, &["--endpoint", "dead"]);
    assert_eq!(dead.deliveries.len(), 7);
    assert!(dead
        .deliveries
        .iter()
        .all(|delivery| delivery.state == "pending" && delivery.status.is_none()));
    let text = std::fs::read_to_string(test.network.originator.log()).unwrap();
    assert!(
        !text.contains(SECRET) && !text.contains("/told"),
        "neither secret nor address is in the log"
    );
    serving.abort();
}
