//! `/health/live`: the process answers. `/health/ready`: it can do its work.
use std::time::{Duration, Instant};

use axum::{
    extract::{Request, State},
    http::{Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{error::ApiError, extractor::Json, Api};

/// How long a look at the chain serves. Every write asks, and each look costs round trips to the node.
const FRESH: Duration = Duration::from_secs(1);

/// One thing that must hold before work is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// Its stable name.
    pub name: String,
    /// Whether it holds.
    pub ok: bool,
    /// What was seen.
    pub detail: String,
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
        let mut checks = api.chain.checks().await;
        checks.push(store_check(api).await);
        let ready = Ready {
            ready: checks.iter().all(|check| check.ok),
            checks,
        };
        *last = Some((Instant::now(), ready.clone()));
        ready
    }
}

async fn store_check(api: &Api) -> Check {
    let answer = sqlx::query("SELECT 1").execute(&api.store.pool).await;
    let detail = match &answer {
        Ok(_) => "answers".into(),
        Err(error) => error.to_string(),
    };
    Check {
        name: "store".into(),
        ok: answer.is_ok(),
        detail,
    }
}

/// Middleware: writes are refused while a check fails.
pub async fn refuse_until_ready(State(api): State<Api>, request: Request, next: Next) -> Result<Response, ApiError> {
    if request.method() != Method::GET {
        let ready = api.readiness.look(&api).await;
        if let Some(failing) = ready.checks.into_iter().find(|check| !check.ok) {
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
