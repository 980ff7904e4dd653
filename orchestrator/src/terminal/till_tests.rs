use std::{
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use age::x25519::Identity;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::post,
    Json, Router,
};
use protocol::{
    prepaid::{DeclineCode, MerchantNumber},
    Timestamp,
};
use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::{
    identity::{tls, verify, Certificate, CertificateRequest, DevelopmentCa},
    prepaid::{messages::Decline, sealed::open},
    terminal::{
        card::{self, NewCard},
        disk::DiskError,
        settings::tests::settings,
        setup,
    },
};

const HASH: [u8; 32] = [9; 32];

/// A merchant's terminal, and an acquirer that answers as a test says.
struct Shop {
    place: tempfile::TempDir,
    issuer: Arc<Identity>,
    heard: Heard,
}

/// What the acquirer heard, in order.
type Heard = Arc<Mutex<Vec<(TerminalMessage, TerminalOrder)>>>;

impl Shop {
    /// `answer` gets the number of the attempt, from 0, and what is in the envelope.
    async fn answering(answer: impl Fn(usize, &TerminalOrder) -> Response + Clone + Send + Sync + 'static) -> Self {
        let shop = Self::closed();
        shop.settle_on(&shop.serve(answer).await);
        shop
    }

    /// Nobody listens at the acquirer's address.
    fn closed() -> Self {
        let place = tempfile::tempdir().unwrap();
        setup::make(&place.path().join("till"), None).unwrap();
        let shop = Self {
            place,
            issuer: Arc::new(Identity::generate()),
            heard: Heard::default(),
        };
        shop.settle_on("http://127.0.0.1:9");
        shop
    }

    async fn serve(
        &self,
        answer: impl Fn(usize, &TerminalOrder) -> Response + Clone + Send + Sync + 'static,
    ) -> String {
        let (heard, issuer) = (self.heard.clone(), self.issuer.clone());
        let handler = move |Json(message): Json<TerminalMessage>| {
            let order: TerminalOrder = open(&issuer, &message.sealed).unwrap();
            let mut heard = heard.lock().unwrap();
            let attempt = heard.len();
            let response = answer(attempt, &order);
            heard.push((message, order));
            async move { response }
        };
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/terminal/v1/orders", post(handler));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        format!("http://{address}")
    }

    fn settle_on(&self, url: &str) {
        self.settings(url).save(&self.till_directory()).unwrap();
    }

    fn settings(&self, url: &str) -> Settings {
        settings(url, &self.issuer.to_public().to_string())
    }

    fn till_directory(&self) -> std::path::PathBuf {
        self.place.path().join("till")
    }

    fn till(&self) -> Till {
        self.till_with(None)
    }

    fn till_with(&self, patience: Option<Duration>) -> Till {
        Till::open(&self.till_directory(), patience).unwrap()
    }

    fn card(&self) -> Card {
        self.card_of(settings("", "").genesis)
    }

    fn card_of(&self, genesis: [u8; 32]) -> Card {
        let card = NewCard {
            number: CardNumber(7),
            genesis,
            contract: settings("", "").contract,
            first_counter: 1,
        };
        let path = self.place.path().join("card.json");
        if !path.exists() {
            card::make(&path, card, None).unwrap();
        }
        Card::unlock(&path, || panic!("no password is needed")).unwrap()
    }

    fn heard(&self) -> Vec<(TerminalMessage, TerminalOrder)> {
        self.heard.lock().unwrap().clone()
    }

    fn next_counter(&self) -> u64 {
        card::facts(&self.place.path().join("card.json")).unwrap().next_counter
    }
}

const ONCE: Option<Duration> = Some(Duration::ZERO);

fn sale(amount: Amount) -> Sale {
    Sale {
        name: None,
        amount,
        least: None,
        is_offline: false,
    }
}

fn offline(amount: Amount) -> Sale {
    Sale {
        is_offline: true,
        ..sale(amount)
    }
}

fn named(amount: Amount) -> Sale {
    Sale {
        name: Some("basket".into()),
        ..sale(amount)
    }
}

fn answer(answer: &OrderAnswer) -> Response {
    Json(answer).into_response()
}

fn approved(taken: Amount) -> OrderAnswer {
    OrderAnswer::Approved {
        taken,
        balance: 900,
        cycle: 1,
        block: 12,
        block_hash: HASH,
    }
}

fn declined(code: DeclineCode) -> OrderAnswer {
    OrderAnswer::Declined {
        code: Decline::Payment(code),
        reason: "because".into(),
    }
}

/// The whole amount is taken or goes back.
fn agreeable(order: &TerminalOrder) -> Response {
    answer(&match order {
        TerminalOrder::Pay { payment } => approved(payment.payment.amount),
        TerminalOrder::Void { .. } => returned(100),
        TerminalOrder::Refund { order, .. } => returned(order.amount),
    })
}

fn returned(amount: Amount) -> OrderAnswer {
    OrderAnswer::Returned {
        amount,
        block: 13,
        block_hash: HASH,
    }
}

fn problem(status: StatusCode) -> Response {
    let body = json!({ "code": "not-our-terminal", "title": "no", "detail": "the issuer adds it" });
    (status, Json(body)).into_response()
}

#[tokio::test]
async fn a_payment_is_signed_by_card_and_terminal_sealed_to_the_issuer_and_sent() {
    let shop = Shop::answering(|_, order| agreeable(order)).await;
    let mut till = shop.till();
    let before = now();
    let sent = till.pay(&shop.card(), &sale(100)).await.unwrap();
    assert_eq!(sent.entry.answer(), Some(&approved(100)));
    assert!(till.queue().waiting().is_empty());

    let (message, order) = shop.heard().remove(0);
    let settings = shop.settings("");
    let terminal = setup::public_key(&shop.till_directory()).unwrap();
    assert!(verify(
        &terminal.0,
        &message.payload(&settings.domain()),
        &message.signature
    ));
    assert_eq!((message.issuer, message.terminal), (settings.issuer, terminal));
    assert_eq!(message.reference, order.reference());
    let TerminalOrder::Pay { payment: signed } = order else {
        panic!("{order:?}");
    };
    let payment = signed.payment;
    let card = card::facts(&shop.place.path().join("card.json")).unwrap().key;
    assert!(verify(&card.0, &payment.payload(&settings.domain()), &signed.card));
    assert!(verify(
        &terminal.0,
        &payment.payload(&settings.domain()),
        &signed.terminal
    ));
    assert_eq!(
        (payment.merchant, payment.amount, payment.least),
        (MerchantNumber(5), 100, 100)
    );
    assert!((before + 600_000..=now() + 600_000).contains(&payment.expires_at));
}

#[tokio::test]
async fn a_pending_payment_is_asked_about_with_the_same_order_until_it_is_final() {
    let shop = Shop::answering(|attempt, order| match attempt {
        0..3 => answer(&OrderAnswer::Pending),
        _ => agreeable(order),
    })
    .await;
    let sent = shop.till().pay(&shop.card(), &sale(100)).await.unwrap();
    assert_eq!(sent.entry.answer(), Some(&approved(100)));
    let heard = shop.heard();
    assert_eq!(heard.len(), 4);
    let same = |(message, _): &(TerminalMessage, TerminalOrder)| (message.reference, message.sealed.clone());
    assert!(heard.iter().all(|message| same(message) == same(&heard[0])));
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_does_not_is_kept_for_later() {
    for (status, attempts) in [
        (StatusCode::SERVICE_UNAVAILABLE, 2),
        (StatusCode::TOO_MANY_REQUESTS, 2),
        (StatusCode::BAD_GATEWAY, 2),
        (StatusCode::INTERNAL_SERVER_ERROR, 1),
        (StatusCode::FORBIDDEN, 1),
    ] {
        let shop = Shop::answering(move |attempt, order| match attempt {
            0 => problem(status),
            _ => agreeable(order),
        })
        .await;
        let sent = shop.till().pay(&shop.card(), &sale(100)).await.unwrap();
        assert_eq!(shop.heard().len(), attempts, "{status}");
        assert_eq!(sent.trouble.is_none(), attempts == 2, "{status}");
        let sent = shop.till().send(|_| {}).await.unwrap();
        assert_eq!(sent.len(), usize::from(attempts == 1), "{status}");
        assert!(shop.till().queue().waiting().is_empty(), "{status}");
    }
}

#[tokio::test]
async fn the_acquirers_refusal_is_told_in_its_words() {
    let shop = Shop::answering(|_, _| problem(StatusCode::FORBIDDEN)).await;
    let sent = shop.till().pay(&shop.card(), &sale(100)).await.unwrap();
    let refused = Failure::Rejected {
        code: "not-our-terminal".into(),
        detail: "the issuer adds it".into(),
    };
    assert_eq!(sent.trouble, Some(Trouble::Failed(refused)));
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_none() {
    let garbage: [fn() -> Response; 7] = [
        || "approved".into_response(),
        || Json(json!({ "kind": "approved" })).into_response(),
        || Json(json!({ "kind": "declined", "code": "mood", "reason": "no" })).into_response(),
        || answer(&approved(101)),
        || answer(&approved(59)),
        || answer(&returned(100)),
        || Redirect::temporary("http://127.0.0.1:9/").into_response(),
    ];
    for (number, garbage) in garbage.into_iter().enumerate() {
        let shop = Shop::answering(move |_, _| garbage()).await;
        let partial = Sale {
            least: Some(60),
            ..sale(100)
        };
        let sent = shop.till().pay(&shop.card(), &partial).await.unwrap();
        assert!(
            matches!(sent.trouble, Some(Trouble::Failed(Failure::Unclear(_)))),
            "{number}: {:?}",
            sent.trouble
        );
        assert_eq!(shop.till().queue().waiting().len(), 1, "{number}");
    }
}

#[tokio::test]
async fn a_line_that_is_cut_is_tried_again_until_patience_ends() {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let shop = Shop::closed();
    shop.settle_on(&format!("http://{}", listener.local_addr().unwrap()));
    let cut = Arc::new(Mutex::new(0));
    let counted = cut.clone();
    tokio::spawn(async move {
        while let Ok((line, _)) = listener.accept().await {
            drop(line);
            *counted.lock().unwrap() += 1;
        }
    });
    let mut till = shop.till_with(Some(Duration::from_secs(2)));
    let sent = till.pay(&shop.card(), &sale(100)).await.unwrap();
    assert!(
        matches!(sent.trouble, Some(Trouble::Failed(Failure::Passing(_)))),
        "{sent:?}"
    );
    assert!(*cut.lock().unwrap() > 1);
    assert_eq!(till.queue().waiting().len(), 1);
}

#[tokio::test]
async fn patience_ends_with_a_payment_that_is_still_pending() {
    let shop = Shop::answering(|_, _| answer(&OrderAnswer::Pending)).await;
    let mut till = shop.till_with(Some(Duration::from_secs(1)));
    let sent = till.pay(&shop.card(), &sale(100)).await.unwrap();
    assert_eq!(sent.trouble, Some(Trouble::Pending));
    assert!(shop.heard().len() > 1);
}

#[tokio::test]
async fn a_terminal_killed_before_it_sends_sends_the_same_order_with_the_next_command() {
    let shop = Shop::closed();
    let sent = shop.till_with(ONCE).pay(&shop.card(), &named(100)).await.unwrap();
    assert!(sent.trouble.is_some());

    shop.settle_on(&shop.serve(|_, order| agreeable(order)).await);
    let mut till = shop.till();
    let caught_up = till.catch_up().await.unwrap();
    assert_eq!(caught_up[0].entry.answer(), Some(&approved(100)));
    assert_eq!(shop.heard()[0].1, sent.entry.order);
    // The cashier repeats the command that was killed.
    let again = till.pay(&shop.card(), &named(100)).await.unwrap();
    assert_eq!(again.entry, caught_up[0].entry);
    assert_eq!((shop.heard().len(), shop.next_counter()), (1, 2));
}

#[tokio::test]
async fn a_terminal_killed_after_it_sent_asks_again_and_gets_the_same_answer() {
    let shop = Shop::answering(|attempt, order| match attempt {
        // It was carried out, and the terminal never heard.
        0 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        _ => agreeable(order),
    })
    .await;
    shop.till().pay(&shop.card(), &named(100)).await.unwrap();
    let again = shop.till().pay(&shop.card(), &named(100)).await.unwrap();
    assert_eq!(again.entry.answer(), Some(&approved(100)));
    let heard = shop.heard();
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0].1, heard[1].1);
}

#[tokio::test]
async fn a_declined_payment_stays_declined_and_the_next_sale_has_another_counter() {
    let shop = Shop::answering(|attempt, order| match attempt {
        0 => answer(&declined(DeclineCode::InsufficientFunds)),
        _ => agreeable(order),
    })
    .await;
    let mut till = shop.till();
    for _ in 0..2 {
        let sent = till.pay(&shop.card(), &named(100)).await.unwrap();
        assert_eq!(sent.entry.answer(), Some(&declined(DeclineCode::InsufficientFunds)));
    }
    assert_eq!(shop.heard().len(), 1);
    let next = till.pay(&shop.card(), &sale(100)).await.unwrap();
    assert_eq!((next.entry.payment().1, next.entry.answer()), (2, Some(&approved(100))));
}

#[tokio::test]
async fn a_name_belongs_to_one_order() {
    let shop = Shop::answering(|_, order| agreeable(order)).await;
    let mut till = shop.till();
    till.pay(&shop.card(), &named(100)).await.unwrap();
    let other = till.pay(&shop.card(), &named(99)).await;
    assert!(
        matches!(other, Err(TillError::OtherOrder { number: 1, .. })),
        "{other:?}"
    );
    let refund = till.refund(PaymentName::Key((CardNumber(7), 1)), None, None, Some("basket".into()));
    assert!(matches!(refund.await, Err(TillError::OtherOrder { .. })));
    assert_eq!(shop.next_counter(), 2);
}

#[tokio::test]
async fn offline_payments_are_taken_up_to_the_floor_and_the_bound_and_sent_later() {
    let shop = Shop::answering(|_, order| match order {
        TerminalOrder::Pay { payment } if payment.payment.counter == 2 => answer(&declined(DeclineCode::CardFrozen)),
        order => agreeable(order),
    })
    .await;
    let card = shop.card();
    let mut till = shop.till();
    let above = till.pay(&card, &offline(101)).await;
    assert!(
        matches!(above, Err(TillError::AboveFloor { floor: 100, .. })),
        "{above:?}"
    );
    for _ in 0..2 {
        let sent = till.pay(&card, &offline(100)).await.unwrap();
        assert_eq!((sent.entry.outcome, sent.trouble), (None, None));
    }
    let above = till.pay(&card, &offline(51)).await;
    assert!(
        matches!(
            above,
            Err(TillError::AboveBound {
                waiting: 200,
                bound: 250,
                ..
            })
        ),
        "{above:?}"
    );
    let last = till.pay(&card, &offline(50)).await.unwrap();
    let days = last.entry.expires_at().saturating_sub(last.entry.signed_at);
    assert!((7 * 86_400_000 - 60_000..=7 * 86_400_000).contains(&days), "{days}");
    assert!(shop.heard().is_empty(), "nobody is asked");
    assert_eq!(shop.next_counter(), 4, "what is refused uses no counter");

    drop(till);
    let mut till = shop.till();
    assert!(
        till.catch_up().await.unwrap().is_empty(),
        "they are sent when somebody says so"
    );
    let mut told = 0;
    let sent = till.send(|_| told += 1).await.unwrap();
    let answers: Vec<_> = sent.iter().map(|sent| sent.entry.answer().cloned().unwrap()).collect();
    assert_eq!(
        answers,
        [approved(100), declined(DeclineCode::CardFrozen), approved(50)]
    );
    assert_eq!((told, shop.heard().len()), (3, 3));
    assert!(till.send(|_| {}).await.unwrap().is_empty(), "each once");
    till.pay(&card, &offline(100)).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_a_payment_is_not_signed() {
    let shop = Shop::closed();
    let mut till = shop.till_with(ONCE);
    let least = |least| Sale {
        least: Some(least),
        ..sale(100)
    };
    for bad in [sale(0), least(0), least(101)] {
        assert!(matches!(till.pay(&shop.card(), &bad).await, Err(TillError::BadAmount)));
    }
    assert_eq!(shop.next_counter(), 1);

    let shop = Shop::closed();
    let foreign = shop.card_of([8; 32]);
    let refused = shop.till_with(ONCE).pay(&foreign, &sale(100)).await;
    assert!(matches!(refused, Err(TillError::OtherProgramme(7))), "{refused:?}");
    assert_eq!(shop.next_counter(), 1);
}

#[tokio::test]
async fn one_process_at_a_time_uses_a_terminal() {
    let shop = Shop::closed();
    let till = shop.till();
    let second = Till::open(&shop.till_directory(), None);
    assert!(matches!(second, Err(TillError::Disk(DiskError::Busy(_)))), "{second:?}");
    drop(till);
    shop.till();
}

#[tokio::test]
async fn a_refund_continues_where_the_last_one_ended() {
    let shop = Shop::answering(|_, order| agreeable(order)).await;
    let mut till = shop.till();
    let paid = till.pay(&shop.card(), &sale(100)).await.unwrap().entry;
    let by_reference = PaymentName::Reference(paid.order.reference());
    let by_key = PaymentName::Key(paid.payment());
    till.refund(by_reference, Some(30), None, None).await.unwrap();
    let rest = till.refund(by_key, None, None, None).await.unwrap().entry;
    assert_eq!(rest.answer(), Some(&returned(70)));
    let TerminalOrder::Refund { order, .. } = rest.order else {
        panic!("{rest:?}");
    };
    assert_eq!((order.amount, order.returned), (70, 30));
    let nothing = till.refund(by_key, None, None, None).await;
    assert!(matches!(nothing, Err(TillError::NothingLeft(_))), "{nothing:?}");
}

#[tokio::test]
async fn another_terminals_payment_is_given_back_when_the_amount_is_said() {
    let shop = Shop::answering(|_, order| agreeable(order)).await;
    let mut till = shop.till();
    let theirs = PaymentName::Key((CardNumber(8), 3));
    let unknown = till.refund(theirs, None, None, None).await;
    assert!(matches!(unknown, Err(TillError::AmountNeeded(_))), "{unknown:?}");
    let sent = till.refund(theirs, Some(10), Some(5), None).await.unwrap();
    let TerminalOrder::Refund { order, .. } = sent.entry.order else {
        panic!("{sent:?}");
    };
    assert_eq!((order.amount, order.returned), (10, 5));
    let unknown = till.void(PaymentName::Reference([3; 32]), None).await;
    assert!(matches!(unknown, Err(TillError::UnknownPayment(_))), "{unknown:?}");
}

#[tokio::test]
async fn what_was_declined_or_is_not_answered_is_not_given_back() {
    let shop = Shop::answering(|attempt, order| match (attempt, order) {
        (0, _) => answer(&declined(DeclineCode::CardFrozen)),
        (_, TerminalOrder::Void { .. }) => problem(StatusCode::FORBIDDEN),
        (_, order) => agreeable(order),
    })
    .await;
    let mut till = shop.till();
    let refused = till.pay(&shop.card(), &sale(100)).await.unwrap().entry.payment();
    let nothing = till.refund(PaymentName::Key(refused), None, None, None).await;
    assert!(matches!(nothing, Err(TillError::NotTaken(_))), "{nothing:?}");

    let paid = till.pay(&shop.card(), &sale(100)).await.unwrap().entry.payment();
    let void = till.void(PaymentName::Key(paid), None).await.unwrap();
    assert!(void.trouble.is_some());
    let unclear = till.refund(PaymentName::Key(paid), None, None, None).await;
    assert!(
        matches!(unclear, Err(TillError::StillWaits { number: 3, .. })),
        "{unclear:?}"
    );
}

#[tokio::test]
async fn an_order_is_given_up_only_after_it_has_expired() {
    let shop = Shop::closed();
    let mut till = shop.till_with(ONCE);
    let waiting = till.pay(&shop.card(), &sale(100)).await.unwrap().entry;
    let early = till.drop_order(waiting.number);
    assert!(matches!(early, Err(TillError::NotExpired { .. })), "{early:?}");
    assert!(matches!(till.drop_order(99), Err(TillError::UnknownOrder(99))));

    let expired = |expires_at: Timestamp| {
        let order = VoidOrder {
            card: CardNumber(7),
            counter: 9,
            terminal: till.terminal(),
            expires_at,
        };
        TerminalOrder::Void {
            order,
            signature: Signature([0; 64]),
        }
    };
    let order = expired(now() - GRACE - 1);
    let kept = till.keep(order, None, false).unwrap();
    let dropped = till.drop_order(kept.number).unwrap();
    assert!(matches!(dropped.outcome, Some(Outcome::Dropped { .. })));
    assert_eq!(till.queue().waiting().len(), 1);
}

#[tokio::test]
async fn a_payment_goes_over_tls_to_whom_the_ca_vouches_for_and_to_nobody_else() {
    let shop = Shop::closed();
    let files = tempfile::tempdir().unwrap();
    let ca = DevelopmentCa::create(&files.path().join("ca")).unwrap();
    let request = CertificateRequest {
        name: "Acquirer".to_owned(),
        lei: protocol::Lei(*b"5493001KJTIIGC8Y1R12"),
        dns: vec![],
        ip: vec![[127, 0, 0, 1].into()],
    };
    let issued = ca.issue(&request).unwrap();
    let certificate = Certificate::load(&issued.certificate, &issued.key).unwrap();
    let server = tls::server_config(&certificate, &ca.authorities().unwrap(), false).unwrap();
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/terminal/v1/orders", post(|| async { answer(&approved(100)) }));
    let config = axum_server::tls_rustls::RustlsConfig::from_config(Arc::new(server));
    let server = axum_server::from_tcp_rustls(listener, config).unwrap();
    tokio::spawn(server.serve(router.into_make_service()));

    let other = DevelopmentCa::create(&files.path().join("other")).unwrap();
    for (authority, is_trusted) in [(&other, false), (&ca, true)] {
        fs::copy(authority.certificate_path(), shop.till_directory().join("ca.pem")).unwrap();
        let settings = Settings {
            ca: Some("ca.pem".into()),
            ..shop.settings(&url)
        };
        settings.save(&shop.till_directory()).unwrap();
        let sent = shop.till_with(ONCE).pay(&shop.card(), &named(100)).await.unwrap();
        assert_eq!(sent.trouble.is_none(), is_trusted, "{:?}", sent.trouble);
    }
}

#[test]
fn a_payment_is_named_as_on_its_receipt() {
    assert_eq!("7/3".parse(), Ok(PaymentName::Key((CardNumber(7), 3))));
    let reference = protocol::text::to_hex(&[5; 32]);
    assert_eq!(reference.parse(), Ok(PaymentName::Reference([5; 32])));
    for bad in ["7", "7/", "/3", "0x12", "seven/3", "7/-3"] {
        assert!(bad.parse::<PaymentName>().is_err(), "{bad}");
    }
}
