//! Every request has an id: in the log, in the answer's `X-Request-Id` header and in every problem.
use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use uuid::Uuid;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: Uuid;
}

/// The id of the request being answered; a new one outside of requests.
pub fn current() -> Uuid {
    CURRENT.try_with(|id| *id).unwrap_or_else(|_| Uuid::now_v7())
}

/// Does a part of a request's work elsewhere, under the request's id.
pub async fn within<F: std::future::Future>(id: Uuid, work: F) -> F::Output {
    CURRENT.scope(id, work).await
}

/// Middleware: the caller's own id where it sends a UUID, else a new one.
pub async fn assign(request: Request, next: Next) -> Response {
    let given = request.headers().get(HEADER).and_then(|value| value.to_str().ok());
    let id = given.and_then(|text| text.parse().ok()).unwrap_or_else(Uuid::now_v7);
    let mut response = CURRENT.scope(id, next.run(request)).await;
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
