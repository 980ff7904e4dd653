//! Every write carries an `Idempotency-Key`: the same request under the same key is carried out once and answered
//! alike each time.
//!
//! The key is claimed in the store before the request is carried out, and the answer is kept after. A crash between the
//! two doubles nothing: when the request is repeated it runs again under the same [`OperationKey`], and what it does is
//! known by that key, or by an id of its own (a payment request, a user's number). Successes and refusals by a rule are
//! kept; any other answer says nothing about the wish, which may be repeated.
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::{to_bytes, Body, Bytes},
    extract::{MatchedPath, Request, State},
    http::{header, HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use super::{
    auth::Caller, contracts, error::ApiError, extractor::OperationKey, reconciliation::imports, Api, MAX_BODY,
};
use crate::store::idempotency::{Claim, Fingerprint, StoredAnswer};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const MAX_KEY: usize = 255;

type ClientKey = (String, String);

/// The writes that this process is carrying out. A claimed key that is not among them was interrupted.
#[derive(Clone, Debug, Default)]
pub struct InFlight(Arc<Mutex<HashSet<ClientKey>>>);

impl InFlight {
    fn enter(&self, key: ClientKey) -> Option<Working> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(key.clone()).then(|| Working { all: self.clone(), key })
    }
}

/// Leaves the set when dropped, also when the client hangs up.
struct Working {
    all: InFlight,
    key: ClientKey,
}

impl Drop for Working {
    fn drop(&mut self) {
        let mut keys = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(&self.key);
    }
}

/// Middleware behind [`super::auth::authenticate`].
pub async fn once(State(api): State<Api>, caller: Caller, request: Request, next: Next) -> Result<Response, ApiError> {
    if request.method() == Method::GET {
        return Ok(next.run(request).await);
    }
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let mut hash = begin_fingerprint(&parts.method, path);
    let (body, is_dry_run) = if imports::is_file(&parts.method, &parts.extensions) {
        // Without a key, nobody's disk is filled.
        let is_dry_run = imports::is_dry_run(&parts);
        if !is_dry_run {
            key_of(&parts.headers)?;
        }
        let file = imports::spool(body, &mut hash).await?;
        parts.extensions.insert(file);
        (Bytes::new(), is_dry_run)
    } else {
        let body = read(body).await?;
        hash.update(&body);
        let is_dry_run = is_dry_run(&parts.extensions, &body);
        (body, is_dry_run)
    };
    if is_dry_run {
        return Ok(next.run(Request::from_parts(parts, Body::from(body))).await);
    }

    let key = key_of(&parts.headers)?;
    let fingerprint: Fingerprint = hash.finalize().into();
    let _working = api
        .in_flight
        .enter((caller.name().to_owned(), key.clone()))
        .ok_or(ApiError::IdempotencyInProgress)?;
    match api
        .store
        .claim_key(caller.name(), &key, &fingerprint, super::now())
        .await?
    {
        Claim::Reused => Err(ApiError::IdempotencyKeyReused),
        Claim::Replay(answer) => replay(answer),
        Claim::Perform => {
            parts.extensions.insert(operation_key(caller.name(), &key));
            let response = next.run(Request::from_parts(parts, Body::from(body))).await;
            keep(&api, caller.name(), &key, response).await
        }
    }
}

async fn read(body: Body) -> Result<Bytes, ApiError> {
    to_bytes(body, MAX_BODY).await.map_err(|error| {
        let too_large =
            std::error::Error::source(&error).is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        if too_large {
            ApiError::BodyTooLarge { limit: MAX_BODY }
        } else {
            ApiError::Malformed("the body broke off".into())
        }
    })
}

/// A contract message that is only tried changes nothing, and its answer may differ each time.
fn is_dry_run(extensions: &axum::http::Extensions, body: &Bytes) -> bool {
    extensions
        .get::<MatchedPath>()
        .is_some_and(|path| path.as_str() == contracts::CALL_PATH)
        && !contracts::executes(body)
}

fn key_of(headers: &HeaderMap) -> Result<String, ApiError> {
    headers
        .get(KEY)
        .and_then(|value| value.to_str().ok())
        .filter(|key| (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()))
        .map(ToOwned::to_owned)
        .ok_or(ApiError::IdempotencyKeyMissing)
}

/// Of method and path; the body follows.
fn begin_fingerprint(method: &Method, path: &str) -> Sha256 {
    let mut hash = Sha256::new();
    for part in [method.as_str(), path] {
        hash.update(part);
        // Neither a method nor a path holds a line feed.
        hash.update(b"\n");
    }
    hash
}

/// The key is hashed: a client's name and key could hold any character, the parts must stay apart.
fn operation_key(client: &str, key: &str) -> OperationKey {
    OperationKey(format!("api/{client}/{}", hex::encode(Sha256::digest(key))))
}

async fn keep(api: &Api, client: &str, key: &str, response: Response) -> Result<Response, ApiError> {
    let status = response.status();
    if !status.is_success() && status != StatusCode::UNPROCESSABLE_ENTITY {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    // Our own answer, which is in memory already.
    let body = to_bytes(body, usize::MAX)
        .await
        .map_err(|error| ApiError::Internal(format!("an answer couldn't be read: {error}")))?;
    let text = |name| {
        parts
            .headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let answer = StoredAnswer {
        status: status.as_u16(),
        content_type: text(header::CONTENT_TYPE).map(ToOwned::to_owned),
        location: text(header::LOCATION).map(ToOwned::to_owned),
        body: body.to_vec(),
    };
    api.store.keep_answer(client, key, &answer).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn replay(answer: StoredAnswer) -> Result<Response, ApiError> {
    let corrupt = |error: String| ApiError::Internal(format!("a stored answer can't be given again: {error}"));
    let status = StatusCode::from_u16(answer.status).map_err(|error| corrupt(error.to_string()))?;
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in [
        (header::CONTENT_TYPE, answer.content_type),
        (header::LOCATION, answer.location),
    ] {
        if let Some(value) = value {
            headers.insert(
                name,
                HeaderValue::from_str(&value).map_err(|error| corrupt(error.to_string()))?,
            );
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}
