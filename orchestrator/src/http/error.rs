//! What a client is told when a request fails: RFC 9457 problem+json with a stable `code`.
use std::borrow::Cow;

use axum::{
    http::{header, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{health::Check, request_id};
use crate::{
    reconciliation::import::BadLine,
    settlement::ports::{refusal_code, LedgerError},
    store::StoreError,
};

/// The media type of every error body.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An error body (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:quittance:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:quittance:problem:not-ready")]
    pub kind: String,
    /// What kind of problem it is, for people.
    pub title: String,
    /// The HTTP status code.
    pub status: u16,
    /// Stable: clients act on it.
    #[schema(example = "not-ready")]
    pub code: String,
    /// What is wrong this time, and what to do about it.
    pub detail: String,
    /// `urn:uuid:` and the request's id, which stands in the log too.
    pub instance: String,
    /// What is wrong in a file, line by line: the first 1,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<BadLine>,
}

/// Everything that a request can fail of.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// 401: no token, or an unknown one.
    #[error("send a token that this institution knows, as `Authorization: Bearer <token>`")]
    Unauthenticated,
    /// 401: a webhook that nobody with the secret signed, or too long ago.
    #[error(
        "the webhook's signature doesn't verify: sign `id.timestamp.body` as Standard Webhooks says, with the secret \
         that this institution has, within five minutes"
    )]
    BadWebhook,
    /// 403: the token's role doesn't permit it.
    #[error("the role {role} of this token may not {action}: use a token of another role")]
    Forbidden {
        /// The token's role.
        role: &'static str,
        /// What was tried.
        action: &'static str,
    },
    /// 403: the contract message is not in the token's list.
    #[error("this token may not use {message}: an operator adds it to the token's `contract_messages`")]
    MessageNotAllowed {
        /// `contract.message`.
        message: String,
    },
    /// 404: no such thing.
    #[error("there is no {what} {id:?} here")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// Under which name.
        id: String,
    },
    /// 404: no such path.
    #[error("there is nothing at this path: see /docs for what there is")]
    NoSuchRoute,
    /// 405: the path exists, the method doesn't.
    #[error("this path doesn't take this method: see /docs for those it takes")]
    MethodNotAllowed,
    /// 400: path, query, header or body can't be read.
    #[error("{0}")]
    Malformed(String),
    /// 413: the body is too large.
    #[error("the body may have at most {limit} bytes")]
    BodyTooLarge {
        /// In bytes.
        limit: usize,
    },
    /// 415: the body isn't JSON.
    #[error("send the body as JSON, with `Content-Type: application/json`")]
    UnsupportedMediaType,
    /// 400: a write without `Idempotency-Key`.
    #[error(
        "send an `Idempotency-Key` header of 1 to 255 visible ASCII characters: a new one for each new wish, the same \
         one when you repeat a request"
    )]
    IdempotencyKeyMissing,
    /// 409: the key belongs to another request.
    #[error("this Idempotency-Key was used for another request: use a new key for a new wish")]
    IdempotencyKeyReused,
    /// 409: the same request is being carried out.
    #[error("the first request with this Idempotency-Key is still being carried out: repeat it a little later")]
    IdempotencyInProgress,
    /// 503: a readiness check fails.
    #[error("the check {} fails: {}; repeat the request later", .0.title(), .0.detail)]
    NotReady(Check),
    /// 503: the chain doesn't answer.
    #[error("{0}; repeat the request later with the same Idempotency-Key")]
    ChainUnavailable(String),
    /// 503: something that it depends on can't be told now.
    #[error("{detail}; repeat the request later with the same Idempotency-Key")]
    TryLater {
        /// Stable.
        code: &'static str,
        /// What.
        detail: String,
    },
    /// 504: it takes longer than a request may.
    #[error("no answer in time; what was begun goes on: repeat the request with the same Idempotency-Key")]
    TimedOut,
    /// 422: understood, and refused by a rule.
    #[error("{detail}")]
    Refused {
        /// The rule's stable code.
        code: Cow<'static, str>,
        /// What is wrong, and what to do.
        detail: String,
    },
    /// 422: something is wrong with the file that is the body.
    #[error("{detail}")]
    BadFile {
        /// What, in a sentence.
        detail: String,
        /// What, line by line.
        problems: Vec<BadLine>,
    },
    /// 500: ours. Logged; the client learns no more than the request's id.
    #[error("{0}")]
    Internal(String),
}

impl ApiError {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            ApiError::Unauthenticated | ApiError::BadWebhook => StatusCode::UNAUTHORIZED,
            ApiError::Forbidden { .. } | ApiError::MessageNotAllowed { .. } => StatusCode::FORBIDDEN,
            ApiError::NotFound { .. } | ApiError::NoSuchRoute => StatusCode::NOT_FOUND,
            ApiError::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            ApiError::Malformed(_) | ApiError::IdempotencyKeyMissing => StatusCode::BAD_REQUEST,
            ApiError::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            ApiError::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ApiError::IdempotencyKeyReused | ApiError::IdempotencyInProgress => StatusCode::CONFLICT,
            ApiError::NotReady(_) | ApiError::ChainUnavailable(_) | ApiError::TryLater { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            ApiError::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            ApiError::Refused { .. } | ApiError::BadFile { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            ApiError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Stable, for machines.
    pub fn code(&self) -> &str {
        match self {
            ApiError::Unauthenticated => "unauthenticated",
            ApiError::BadWebhook => "bad-webhook-signature",
            ApiError::Forbidden { .. } => "forbidden",
            ApiError::MessageNotAllowed { .. } => "contract-message-not-allowed",
            ApiError::NotFound { .. } => "not-found",
            ApiError::NoSuchRoute => "no-such-route",
            ApiError::MethodNotAllowed => "method-not-allowed",
            ApiError::Malformed(_) => "malformed-request",
            ApiError::BodyTooLarge { .. } => "body-too-large",
            ApiError::UnsupportedMediaType => "unsupported-media-type",
            ApiError::IdempotencyKeyMissing => "idempotency-key-missing",
            ApiError::IdempotencyKeyReused => "idempotency-key-reused",
            ApiError::IdempotencyInProgress => "idempotency-in-progress",
            ApiError::NotReady(_) => "not-ready",
            ApiError::ChainUnavailable(_) => "chain-unavailable",
            ApiError::TryLater { code, .. } => code,
            ApiError::TimedOut => "timed-out",
            ApiError::Refused { code, .. } => code,
            ApiError::BadFile { .. } => "bad-file",
            ApiError::Internal(_) => "internal",
        }
    }

    fn title(&self) -> &'static str {
        match self {
            ApiError::Unauthenticated | ApiError::BadWebhook => "Not authenticated",
            ApiError::Forbidden { .. } | ApiError::MessageNotAllowed { .. } => "Not permitted",
            ApiError::NotFound { .. } | ApiError::NoSuchRoute => "Not found",
            ApiError::MethodNotAllowed => "Method not allowed",
            ApiError::Malformed(_) => "Malformed request",
            ApiError::BodyTooLarge { .. } => "Body too large",
            ApiError::UnsupportedMediaType => "Unsupported media type",
            ApiError::IdempotencyKeyMissing => "Idempotency-Key missing",
            ApiError::IdempotencyKeyReused => "Idempotency-Key used before",
            ApiError::IdempotencyInProgress => "Request in progress",
            ApiError::NotReady(_) => "Not ready",
            ApiError::ChainUnavailable(_) => "Chain not available",
            ApiError::TryLater { .. } => "Not now",
            ApiError::TimedOut => "No answer in time",
            ApiError::Refused { .. } => "Refused",
            ApiError::BadFile { .. } => "Bad file",
            ApiError::Internal(_) => "Internal error",
        }
    }

    /// The body. What went wrong inside is for the log only.
    pub fn problem(&self) -> Problem {
        let detail = match self {
            ApiError::Internal(_) => {
                "this institution's service failed; its operator finds the reason in the log under this instance".into()
            }
            other => other.to_string(),
        };
        let problems = match self {
            ApiError::BadFile { problems, .. } => problems.clone(),
            _ => Vec::new(),
        };
        Problem {
            kind: format!("urn:quittance:problem:{}", self.code()),
            title: self.title().into(),
            status: self.status().as_u16(),
            code: self.code().into(),
            detail,
            instance: format!("urn:uuid:{}", request_id::current()),
            problems,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let ApiError::Internal(reason) = &self {
            tracing::error!(reason, "a request failed inside");
        }
        let status = self.status();
        let mut response = (status, axum::Json(self.problem())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        match status {
            StatusCode::UNAUTHORIZED if matches!(self, ApiError::Unauthenticated) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        ApiError::Internal(error.to_string())
    }
}

impl<E: std::fmt::Debug> From<LedgerError<E>> for ApiError {
    fn from(error: LedgerError<E>) -> Self {
        let detail = error.to_string();
        match error {
            LedgerError::Refused(reason) => ApiError::Refused {
                code: refusal_code(&reason).into(),
                detail,
            },
            LedgerError::Rejected(_) => ApiError::Refused {
                code: "chain-rejected".into(),
                detail,
            },
            LedgerError::Unavailable(_) => ApiError::ChainUnavailable(detail),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http_body_util::BodyExt;

    async fn read(error: ApiError) -> (StatusCode, String, Problem) {
        let response = error.into_response();
        let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, kind, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn an_error_is_a_problem_with_a_code() {
        let (status, kind, problem) = read(ApiError::IdempotencyKeyReused).await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert_eq!(kind, PROBLEM_JSON);
        assert_eq!(problem.status, 409);
        assert_eq!(problem.code, "idempotency-key-reused");
        assert_eq!(problem.kind, "urn:quittance:problem:idempotency-key-reused");
        assert!(problem.detail.contains("new key"));
        assert!(problem.instance.starts_with("urn:uuid:"));
    }

    #[tokio::test]
    async fn a_fault_inside_is_not_told() {
        let (status, _, problem) = read(ApiError::Internal("the database at /var/lib is on fire".into())).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!problem.detail.contains("fire"));
    }

    #[tokio::test]
    async fn a_contract_error_gives_its_own_code() {
        let refused = LedgerError::Refused(protocol::clearing::Error::InsufficientBalance {
            member: protocol::Member(1),
            available: 1,
            needed: 2,
        });
        let (status, _, problem) = read(refused.into()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.code, "insufficient-balance");
    }
}
