//! Several requests of an institution in one. Each is answered as if it came by itself.
use std::time::Duration;

use axum::{
    body::{to_bytes, Body},
    extract::DefaultBodyLimit,
    http::{header::CONTENT_TYPE, Request},
    response::{IntoResponse, Response},
    Extension, Router,
};
use futures::future::join_all;
use serde_json::value::RawValue;
use tower::ServiceExt;
use tracing::{field::Empty, Instrument};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{error::ApiError, extractor::Json, request_id, schema, Api};
use crate::peers::{
    bulk::{Item, ItemAnswer, MAX_ITEMS},
    Peer, MAX_REQUEST,
};

/// How long one request may hold up the answer to the others. What it began goes on by itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where a single request would go.
#[derive(Clone)]
struct Routes(Router);

/// The resource. `routes` answers each request, without the layers that the whole went through already.
pub fn router(routes: Router) -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(bulk))
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .layer(Extension(Routes(routes)))
}

/// An institution sends several requests in one: 1 to 128, for any of the other resources. One that takes more than two
/// seconds is answered 504, and goes on: ask again.
#[utoipa::path(post, path = "/peer/v1/bulk", tag = "peers", security(("signature" = [])),
    request_body = Vec<schema::BulkItem>,
    responses(
        (status = 200, description = "The answers, in the requests' order", body = Vec<schema::BulkAnswer>),
        schema::PeerProblems
    ))]
async fn bulk(
    Extension(from): Extension<Peer>,
    Extension(Routes(routes)): Extension<Routes>,
    Json(items): Json<Vec<Item>>,
) -> Result<Json<Vec<ItemAnswer>>, ApiError> {
    if items.is_empty() || items.len() > MAX_ITEMS {
        return Err(ApiError::Malformed(format!("send 1 to {MAX_ITEMS} requests in one")));
    }
    let answers = items.into_iter().map(|item| answer(&routes, from, item));
    join_all(answers)
        .await
        .into_iter()
        .collect::<Result<Vec<_>, _>>()
        .map(Json)
}

async fn answer(routes: &Router, from: Peer, item: Item) -> Result<ItemAnswer, ApiError> {
    let span = tracing::info_span!(
        "item",
        resource = item.resource,
        voucher = Empty,
        offer = Empty,
        trade = Empty
    );
    let id = request_id::current();
    let (routes, asked) = (routes.clone(), request(from, item));
    // A task of its own: it isn't broken off when the others don't wait for it any more.
    let mut work = tokio::spawn(request_id::within(id, carry_out(routes, asked)).instrument(span));
    let response = match tokio::time::timeout(PATIENCE, &mut work).await {
        Ok(Ok(response)) => response,
        Ok(Err(broken)) => ApiError::Internal(broken.to_string()).into_response(),
        Err(_) => ApiError::TimedOut.into_response(),
    };
    read(response).await
}

fn request(from: Peer, item: Item) -> Result<Request<Body>, ApiError> {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    if !item.resource.bytes().all(is_name) {
        return Err(ApiError::NoSuchRoute);
    }
    Request::post(format!("/peer/v1/{}", item.resource))
        .header(CONTENT_TYPE, "application/json")
        .extension(from)
        .body(Body::from(String::from(Box::<str>::from(item.message))))
        .map_err(|_| ApiError::NoSuchRoute)
}

async fn carry_out(routes: Router, request: Result<Request<Body>, ApiError>) -> Response {
    match request {
        Ok(request) => match routes.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        },
        Err(error) => error.into_response(),
    }
}

async fn read(response: Response) -> Result<ItemAnswer, ApiError> {
    let status = response.status().as_u16();
    let unreadable = |why: String| ApiError::Internal(format!("an answer can't be sent on: {why}"));
    let body = to_bytes(response.into_body(), MAX_REQUEST).await;
    let body = body.map_err(|error| unreadable(error.to_string()))?;
    let body = match body.is_empty() {
        true => "null".to_owned(),
        false => String::from_utf8(body.into()).map_err(|error| unreadable(error.to_string()))?,
    };
    let body = RawValue::from_string(body).map_err(|error| unreadable(error.to_string()))?;
    Ok(ItemAnswer { status, body })
}
