//! `/metrics`: numbers for Prometheus. Nothing in them names a user or a payment.
use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram, Unit};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{error::ApiError, schema, Api};

const REQUESTS: &str = "quittance_http_requests_total";
const DURATION: &str = "quittance_http_request_duration_seconds";
const PAYMENTS: &str = "quittance_payments";
const FINALIZED: &str = "quittance_chain_finalized_height";
const IN_FLIGHT: &str = "quittance_submissions_in_flight";

/// From a fast read to a wait for finality.
const BUCKETS: [f64; 11] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0];

/// Makes this process's recorder, once.
///
/// # Errors
/// There is one already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new().set_buckets(&BUCKETS)?.install_recorder()?;
    describe_counter!(REQUESTS, "HTTP requests by method, route and status");
    describe_histogram!(DURATION, Unit::Seconds, "Time to answer by method and route");
    describe_gauge!(PAYMENTS, "Payments by state");
    describe_gauge!(FINALIZED, "Number of the latest finalized block");
    describe_gauge!(
        crate::windows::CAP_USED,
        Unit::Percent,
        "Part of its net debit cap that a member uses, by member and asset; at notaries"
    );
    describe_gauge!(IN_FLIGHT, "Submissions that are neither finalized nor given up");
    Ok(handle)
}

/// Middleware: counts requests by route, not by path, so that ids make no labels.
pub async fn measure(request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let method = request.method().as_str().to_owned();
    let start = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    histogram!(DURATION, "method" => method.clone(), "route" => route.clone()).record(start.elapsed().as_secs_f64());
    counter!(REQUESTS, "method" => method, "route" => route, "status" => status).increment(1);
    response
}

/// The metrics resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(render))
}

/// Counters and gauges in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, description = "Prometheus text format", body = String, content_type = "text/plain"),
    schema::ScrapeProblems
))]
async fn render(State(api): State<Api>) -> Result<String, ApiError> {
    for (state, payments) in api.store.payments_by_state().await? {
        gauge!(PAYMENTS, "state" => state).set(f64::from(payments));
    }
    gauge!(FINALIZED).set(f64::from(api.chain.finalized()));
    gauge!(IN_FLIGHT).set(f64::from(api.chain.submissions_in_flight().await?));
    api.metrics.run_upkeep();
    Ok(api.metrics.render())
}
