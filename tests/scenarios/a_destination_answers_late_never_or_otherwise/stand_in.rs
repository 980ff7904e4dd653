//! A destination made by hand. It stands in for an institution's orchestrator, at the same address and with the same keys,
//! and answers about each voucher as it is told to.
use std::{
    collections::BTreeMap,
    future::pending,
    sync::{Arc, Mutex},
};

use axum::{
    extract::{Path, State},
    http::StatusCode,
    routing::post,
    Json, Router,
};
use protocol::{
    settlement::{Relation, Voucher},
    signing::Domain,
    VoucherId,
};
use quittance::{
    devnet::Institution,
    settlement::messages::{
        relation_payload, retention_payload, voucher_payload, Answer, Attestation, Confirmation, Consent, Refusal,
        RefusalCode, RelationDraft,
    },
};
use quittance_tests::impostor::Impostor;
use serde_json::{from_value, json, Value};
use tokio::net::TcpListener;

/// What a destination is asked about a voucher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// The originator: to co-sign it (S0.3).
    Proposal,
    /// The notary: whether it stands by it (S0.7).
    Attestation,
    /// The notary: to co-sign the relation (S0.9).
    Relation,
}

/// What it does instead of saying yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    Silence,
    Refusal,
    /// It says yes to another amount.
    AnotherAmount,
}

/// How it answers about a voucher.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// Yes to each question, but not before it is asked again: whoever asked has given up by then.
    Late,
    /// Yes to every question but one.
    But(Question, Instead),
}

impl Question {
    pub const ALL: [Self; 3] = [Self::Proposal, Self::Attestation, Self::Relation];

    const fn resource(self) -> &'static str {
        match self {
            Self::Proposal => "proposals",
            Self::Attestation => "attestations",
            Self::Relation => "relations",
        }
    }
}

impl Instead {
    pub const ALL: [Self; 3] = [Self::Silence, Self::Refusal, Self::AnotherAmount];
}

/// It works until the program ends.
#[derive(Clone)]
pub struct StandIn(Arc<Inner>);

struct Inner {
    keys: Impostor,
    domain: Domain,
    manners: Mutex<BTreeMap<VoucherId, Manner>>,
    /// How often each question was asked since it was told how to answer.
    asked: Mutex<BTreeMap<(VoucherId, String), usize>>,
}

impl StandIn {
    /// Takes the place of an institution whose own process is dead.
    pub async fn of(institution: &Institution, domain: Domain) -> Self {
        let address = institution.url.trim_start_matches("http://");
        let listener = TcpListener::bind(address).await.unwrap();
        let stand_in = Self(Arc::new(Inner {
            keys: Impostor::of(institution),
            domain,
            manners: Mutex::default(),
            asked: Mutex::default(),
        }));
        let router = Router::new()
            .route("/peer/v1/{resource}", post(take))
            .with_state(stand_in.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        stand_in
    }

    /// Tells it how to answer about a voucher. Until then it has others ask again.
    pub fn answer_about(&self, voucher: VoucherId, manner: Manner) {
        self.0.manners.lock().unwrap().insert(voucher, manner);
    }

    pub fn times_asked(&self, voucher: VoucherId, question: Question) -> usize {
        let asked = self.0.asked.lock().unwrap();
        let times = asked.get(&(voucher, question.resource().to_owned()));
        times.copied().unwrap_or_default()
    }

    /// What it says. `Err` is the status that an orchestrator has for it: 503 where it isn't told yet how to answer, 504
    /// where it says nothing.
    fn answer(&self, resource: &str, message: &Value) -> Result<Value, StatusCode> {
        let voucher: Voucher = from_value(message["voucher"].clone()).unwrap();
        let id = voucher.id();
        let manner = self.0.manners.lock().unwrap().get(&id).copied();
        let manner = manner.ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
        let times = {
            let mut asked = self.0.asked.lock().unwrap();
            let times = asked.entry((id, resource.to_owned())).or_default();
            *times += 1;
            *times
        };
        match manner {
            Manner::Late if times == 1 => Err(StatusCode::GATEWAY_TIMEOUT),
            Manner::But(question, instead) if question.resource() == resource => match instead {
                Instead::Silence => Err(StatusCode::GATEWAY_TIMEOUT),
                Instead::Refusal => Ok(json!(Answer::<()>::Refused(self.refusal(id)))),
                Instead::AnotherAmount => {
                    let amount = voucher.amount + 1;
                    Ok(self.yes(resource, &Voucher { amount, ..voucher }, message))
                }
            },
            _ => Ok(self.yes(resource, &voucher, message)),
        }
    }

    /// What an honest destination signs.
    fn yes(&self, resource: &str, voucher: &Voucher, message: &Value) -> Value {
        let Inner { keys, domain, .. } = &*self.0;
        let (id, epoch) = (voucher.id(), domain.epoch);
        match resource {
            "proposals" => json!(Answer::Agreed(Confirmation {
                voucher: id,
                epoch,
                signed: keys.sign(&voucher_payload(domain, voucher)),
            })),
            "attestations" => json!(Answer::Agreed(Attestation {
                voucher: id,
                epoch,
                signed: keys.sign(&Attestation::payload(domain, voucher)),
            })),
            "relations" => {
                let draft: RelationDraft = from_value(message.clone()).unwrap();
                let relation = Relation::of(voucher, &[], draft.relation.drawn_at).unwrap();
                let retention = retention_payload(domain, voucher, &relation, draft.expires_at);
                json!(Answer::Agreed(Consent {
                    relation: relation.id(),
                    relation_signature: keys.sign(&relation_payload(domain, &relation, draft.expires_at)),
                    retention_signature: keys.sign(&retention),
                }))
            }
            // A retention voucher is taken without a word.
            _ => Value::Null,
        }
    }

    fn refusal(&self, voucher: VoucherId) -> Refusal {
        let Inner { keys, domain, .. } = &*self.0;
        let (code, detail) = (RefusalCode::BlockedByPolicy, "it changed its mind");
        let refused_at = quittance::http::now();
        let payload = Refusal::payload(domain, &voucher, code, detail, refused_at);
        Refusal {
            voucher,
            code,
            detail: detail.into(),
            refused_at,
            epoch: domain.epoch,
            signed: keys.sign(&payload),
        }
    }
}

async fn take(
    State(stand_in): State<StandIn>,
    Path(resource): Path<String>,
    Json(message): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    if resource == "bulk" {
        let items = message.as_array().unwrap();
        let answers = items.iter().map(|item| {
            let resource = item["resource"].as_str().unwrap();
            match stand_in.answer(resource, &item["message"]) {
                Ok(body) => json!({ "status": 200, "body": body }),
                Err(status) => json!({ "status": status.as_u16(), "body": null }),
            }
        });
        return Ok(Json(answers.collect()));
    }
    match stand_in.answer(&resource, &message) {
        Err(StatusCode::GATEWAY_TIMEOUT) => pending().await,
        answer => answer.map(Json),
    }
}
