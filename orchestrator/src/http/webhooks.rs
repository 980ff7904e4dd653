//! The log of telling others what happened, and sending again what was given up.
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use protocol::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::{Caller, Permission},
    error::ApiError,
    extractor::{Json, Path, Query},
    paging::{self, cell, Line, Shown},
    schema, Api,
};
use crate::store::webhooks::{DeliveryFilter, DeliveryRow};

/// The webhooks resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(send))
}

/// An event on its way to an endpoint.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeliveryView {
    /// Its number in the log.
    pub number: i64,
    /// The event's id: what the endpoint reads as `webhook-id`, the same each time.
    pub event: String,
    /// `payment.retained`, `payment.cleared`, `payment.refused`, `payment.expired`, `window.settled`, `window.short`,
    /// `cap.alarm`, `dispute.opened`, `dispute.answered`, `dispute.ruled`, `dispute.paid`.
    pub kind: String,
    /// The payment's voucher, `window/` and its number, `cap/`, the member and the asset, or `dispute/`, the voucher and the
    /// obligation's place.
    pub subject: String,
    /// Who is told, by the name in the configuration.
    pub endpoint: String,
    /// `pending`, `delivered` or `failed`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The status of the latest answer.
    pub status: Option<u16>,
    /// Why the latest attempt failed.
    pub problem: Option<String>,
    /// When it is tried next, while it is pending.
    #[schema(value_type = Option<schema::Timestamp>)]
    pub due_at: Option<Timestamp>,
    /// When it was delivered or given up.
    #[schema(value_type = Option<schema::Timestamp>)]
    pub finished_at: Option<Timestamp>,
    /// When it was entered.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
}

/// A page of the delivery log.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeliveryPage {
    /// The newest first.
    pub deliveries: Vec<DeliveryView>,
    /// Send this as `cursor` for the next page; absent on the last one.
    pub next: Option<String>,
}

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveryQuery {
    /// To the endpoint of this name.
    endpoint: Option<String>,
    /// `pending`, `delivered` or `failed`.
    state: Option<String>,
    /// Of this kind of event.
    kind: Option<String>,
    /// About this payment (its voucher), window (`window/7`) or cap.
    subject: Option<String>,
    /// Entered at or after this time, in milliseconds since 1970.
    #[param(value_type = Option<u64>)]
    from: Option<Timestamp>,
    /// Entered before this time, in milliseconds since 1970.
    #[param(value_type = Option<u64>)]
    to: Option<Timestamp>,
    /// At most how many, 1 to 100; 50 if it isn't said.
    limit: Option<u32>,
    /// Where the page before said that this one begins; the start of the list if it isn't said.
    cursor: Option<String>,
}

impl Line for DeliveryView {
    const COLUMNS: &'static [&'static str] = &[
        "delivery",
        "event",
        "kind",
        "subject",
        "endpoint",
        "state",
        "attempts",
        "status",
        "problem",
        "due_at",
        "finished_at",
        "created_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.number.to_string(),
            self.event.clone(),
            self.kind.clone(),
            self.subject.clone(),
            self.endpoint.clone(),
            self.state.clone(),
            self.attempts.to_string(),
            cell(self.status),
            cell(self.problem.as_ref()),
            cell(self.due_at),
            cell(self.finished_at),
            self.created_at.to_string(),
        ]
    }
}

/// Who was told what, and how that went, the newest first.
#[utoipa::path(get, path = "/v1/webhooks/deliveries", tag = "webhooks", security(("bearer" = [])),
    params(DeliveryQuery),
    responses(
        (status = 200, description = "A page; as CSV where that is accepted", content((DeliveryPage = "application/json"), (String = "text/csv")),
            headers(("Link" = String, description = "The next page, if there is one"))),
        schema::ReadProblems
    ))]
async fn list(State(api): State<Api>, shown: Shown, Query(query): Query<DeliveryQuery>) -> Result<Response, ApiError> {
    if let Some(state) = &query.state {
        if !["pending", "delivered", "failed"].contains(&state.as_str()) {
            return Err(ApiError::Malformed(format!(
                "no delivery is ever {state:?}: it is `pending`, `delivered` or `failed`"
            )));
        }
    }
    let limit = paging::limit(query.limit);
    let before: Option<i64> = paging::after(query.cursor.as_deref())?;
    let filter = DeliveryFilter {
        endpoint: query.endpoint,
        state: query.state,
        kind: query.kind,
        subject: query.subject,
        from: query.from,
        to: query.to,
    };
    let found = api.webhooks.deliveries(&filter, before, limit).await?;
    let is_full = found.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let last = found.last().filter(|_| is_full);
    let next = last.map(|last| paging::cursor(&last.number)).transpose()?;
    let page = DeliveryPage {
        deliveries: found.into_iter().map(view).collect(),
        next: next.clone(),
    };
    shown.answer(page, next.as_deref(), |page| page.deliveries.clone())
}

/// One delivery.
#[utoipa::path(get, path = "/v1/webhooks/deliveries/{delivery}", tag = "webhooks", security(("bearer" = [])),
    params(("delivery" = i64, Path, description = "Its number in the log")),
    responses(
        (status = 200, description = "How far it is", body = DeliveryView),
        schema::ReadProblems
    ))]
async fn read(State(api): State<Api>, Path(number): Path<i64>) -> Result<Json<DeliveryView>, ApiError> {
    Ok(Json(view(find(&api, number).await?)))
}

/// Sends a delivery again, also one that was given up or delivered. It goes on by itself, as if it were new.
#[utoipa::path(post, path = "/v1/webhooks/deliveries/{delivery}/send", tag = "webhooks", security(("bearer" = [])),
    params(
        ("delivery" = i64, Path, description = "Its number in the log"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions"),
    ),
    responses(
        (status = 202, description = "It is sent", body = DeliveryView),
        schema::WriteProblems
    ))]
async fn send(State(api): State<Api>, caller: Caller, Path(number): Path<i64>) -> Result<Response, ApiError> {
    caller.require(Permission::SendWebhooks)?;
    let found = find(&api, number).await?;
    if !api.webhooks.send_again(number).await? {
        return Err(ApiError::Refused {
            code: "endpoint-not-configured".into(),
            detail: format!(
                "{:?} is not among the endpoints of this institution any more",
                found.endpoint
            ),
        });
    }
    Ok((StatusCode::ACCEPTED, Json(view(find(&api, number).await?))).into_response())
}

async fn find(api: &Api, number: i64) -> Result<DeliveryRow, ApiError> {
    let found = api.webhooks.delivery(number).await?;
    found.ok_or_else(|| ApiError::NotFound {
        what: "delivery",
        id: number.to_string(),
    })
}

fn view(row: DeliveryRow) -> DeliveryView {
    DeliveryView {
        number: row.number,
        event: row.event,
        kind: row.kind,
        subject: row.subject,
        endpoint: row.endpoint,
        state: row.state,
        attempts: row.attempts,
        status: row.status,
        problem: row.problem,
        due_at: row.due_at,
        finished_at: row.finished_at,
        created_at: row.created_at,
    }
}
