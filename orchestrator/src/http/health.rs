//! `/health/live`: the process answers. `/health/ready`: it can do its work.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{Request, State},
    http::{Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use protocol::{text::to_hex, Member};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{error::ApiError, extractor::Json, schema, Api};
use crate::{
    chain::health,
    credit::{ports::CreditLedger, Credit},
    prepaid::Prepaid,
};

/// How long a look at the chain serves. Every write asks, and each look costs round trips to the node.
const FRESH: Duration = Duration::from_secs(1);
/// The check of the contract that books are in.
const BOOKS: &str = "reconciliation-contract";

/// One thing that must hold before work is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// Its stable name.
    pub name: String,
    /// The genesis hash of the chain that it is about, where that is one that credit is given on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// The card issuer whose contract it is about, by its index in the registry, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Member>)]
    pub issuer: Option<Member>,
    /// Whether it holds.
    pub ok: bool,
    /// What was seen.
    pub detail: String,
}

impl Check {
    /// Its name and, where that is one of several, its chain.
    pub fn title(&self) -> String {
        match (&self.chain, self.issuer) {
            (Some(chain), _) => format!("{:?} of the chain {chain}", self.name),
            (None, Some(issuer)) => format!("{:?} of the card issuer {issuer}", self.name),
            (None, None) => format!("{:?}", self.name),
        }
    }
}

impl From<health::Check> for Check {
    fn from(check: health::Check) -> Self {
        Self {
            name: check.name.to_owned(),
            chain: None,
            issuer: None,
            ok: check.ok,
            detail: check.detail,
        }
    }
}

/// All checks.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Ready {
    /// Whether all of them hold.
    pub ready: bool,
    /// Each by name.
    pub checks: Vec<Check>,
}

/// The last look.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Option<(Instant, Ready)>>);

impl Readiness {
    async fn look(&self, api: &Api) -> Ready {
        let mut last = self.0.lock().await;
        if let Some((when, ready)) = last.as_ref() {
            if when.elapsed() < FRESH {
                return ready.clone();
            }
        }
        let (mut checks, credit, prepaid, books) = futures::join!(
            api.chain.checks(),
            credit_checks(&api.credit),
            prepaid_checks(&api.prepaid),
            api.reconciliation.check()
        );
        checks.push(store_check(api).await);
        checks.push(books.into());
        checks.extend(credit);
        checks.extend(prepaid);
        let ready = Ready {
            ready: checks.iter().all(|check| check.ok),
            checks,
        };
        *last = Some((Instant::now(), ready.clone()));
        ready
    }
}

/// Every chain that credit is given on (S1.2).
async fn credit_checks(credit: &Credit) -> Vec<Check> {
    let look = |ledger: &Arc<dyn CreditLedger>| {
        let ledger = ledger.clone();
        async move {
            let of_chain = |check| Check {
                chain: Some(to_hex(&ledger.genesis())),
                ..Check::from(check)
            };
            ledger.checks().await.into_iter().map(of_chain).collect::<Vec<_>>()
        }
    };
    let chains = futures::future::join_all(credit.ledgers().iter().map(look)).await;
    chains.into_iter().flatten().collect()
}

/// Each card issuer's contract; that the chain runs the code that was deployed is among the chain's own checks.
async fn prepaid_checks(prepaid: &Prepaid) -> Vec<Check> {
    let of_issuer = |(issuer, check)| Check {
        issuer: Some(issuer),
        ..Check::from(check)
    };
    prepaid.checks().await.into_iter().map(of_issuer).collect()
}

async fn store_check(api: &Api) -> Check {
    let answer = sqlx::query("SELECT 1").execute(&api.store.pool).await;
    let detail = match &answer {
        Ok(_) => "answers".into(),
        Err(error) => error.to_string(),
    };
    Check {
        name: "store".into(),
        chain: None,
        issuer: None,
        ok: answer.is_ok(),
        detail,
    }
}

/// Middleware: writes are refused while a check fails. What a chain that only credit is given on lacks stops no payment or
/// trade on the home chain; what any chain lacks stops credit, which takes place on two. A card issuer's contract that isn't what
/// it should be stops cards only, and the contract that books are in, if it isn't, stops books only.
pub async fn refuse_until_ready(State(api): State<Api>, request: Request, next: Next) -> Result<Response, ApiError> {
    if request.method() != Method::GET {
        let ready = api.readiness.look(&api).await;
        let path = request.uri().path();
        let is_about_credit = path.starts_with(super::credit::PATHS);
        let is_about_cards = super::prepaid::PATHS.iter().any(|start| path.starts_with(start));
        let is_about_books = super::reconciliation::PATHS.iter().any(|start| path.starts_with(start));
        let concerns = |check: &Check| match (&check.chain, check.issuer) {
            (Some(_), _) => is_about_credit,
            (None, Some(_)) => is_about_cards,
            (None, None) => check.name != BOOKS || is_about_books,
        };
        let mut checks = ready.checks.into_iter();
        if let Some(failing) = checks.find(|check| !check.ok && concerns(check)) {
            return Err(ApiError::NotReady(failing));
        }
    }
    Ok(next.run(request).await)
}

/// The health resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready))
}

/// Whether the process answers.
#[utoipa::path(get, path = "/health/live", tag = "health", responses(
    (status = 200, description = "It does", body = String, content_type = "text/plain")
))]
async fn live() -> &'static str {
    "live\n"
}

/// Whether the institution can do its work: each check by name.
#[utoipa::path(get, path = "/health/ready", tag = "health", responses(
    (status = 200, description = "All checks hold", body = Ready),
    (status = 503, description = "A check fails: writes are refused with `not-ready` until it holds", body = Ready)
))]
async fn ready(State(api): State<Api>) -> Response {
    let ready = api.readiness.look(&api).await;
    let status = if ready.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(ready)).into_response()
}
