//! The receiving side in axum: nothing behind this layer sees a request that isn't a member's.
use std::sync::Arc;

use axum::{
    body::{to_bytes, Body},
    extract::{OriginalUri, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use problem_details::ProblemDetails;
use protocol::Member;
use serde::Serialize;

use super::envelope::{EnvelopeError, Verifier};

/// The largest request body that is read from another institution, in bytes.
pub const MAX_REQUEST: usize = 1024 * 1024;

/// Who sent a request, in its extensions: handlers take it as `Extension<Peer>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub Member);

#[derive(Serialize)]
struct Code {
    code: &'static str,
}

/// Middleware for everything under `/peer`: mount it with `axum::middleware::from_fn_with_state(verifier, authenticate)`.
pub async fn authenticate(State(verifier): State<Arc<Verifier>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_REQUEST).await else {
        return problem(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            format!("the body didn't arrive whole, or is longer than {MAX_REQUEST} bytes"),
        );
    };

    // A nested router sees a shortened path; the sender signed the whole one.
    let routed = parts.uri.clone();
    if let Some(OriginalUri(original)) = parts.extensions.get() {
        parts.uri = original.clone();
    }
    let verified = verifier.verify(&parts, &body).await;
    parts.uri = routed;

    match verified {
        Ok(member) => {
            parts.extensions.insert(Peer(member));
            next.run(Request::from_parts(parts, Body::from(body))).await
        }
        Err(error) => {
            report(&error);
            error.into_response()
        }
    }
}

impl IntoResponse for EnvelopeError {
    fn into_response(self) -> Response {
        problem(self.status(), self.code(), self.to_string())
    }
}

fn problem(status: StatusCode, code: &'static str, detail: String) -> Response {
    ProblemDetails::from_status_code(status)
        .with_detail(detail)
        .with_extensions(Code { code })
        .into_response()
}

/// The log gets the cause that the sender is not told.
fn report(error: &EnvelopeError) {
    match error {
        EnvelopeError::RegistryUnavailable(cause) => tracing::error!(code = error.code(), %cause, "{error}"),
        EnvelopeError::StoreUnavailable(cause) => tracing::error!(code = error.code(), %cause, "{error}"),
        _ => tracing::warn!(code = error.code(), "a peer's request is refused: {error}"),
    }
}
