//! A terminal against an acquirer that a test writes.
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
    Signature, Timestamp,
};
use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::{
    identity::{tls, verify, Certificate, CertificateRequest, DevelopmentCa},
    peers::client::Failure,
    prepaid::{
        messages::{Decline, TerminalMessage},
        sealed::open,
    },
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

mod returning;
mod taking;
mod trouble;
