//! The HTTP surface: `/v1` for the institution's own clients, `/peer/v1` for other institutions, `/terminal/v1` for
//! merchants' terminals, `/holder/v1` for card holders, `/webhooks` for machines that tell of deliveries, health and metrics for its operators, `/audit/` for auditors'
//! browsers, and the description of all of it.
//!
//! One file per resource, each with a `router()`. What holds for every request is laid around them here, once, so that
//! no route can forget it.
use std::{sync::Arc, time::Duration};

use axum::{
    extract::{DefaultBodyLimit, MatchedPath, Request},
    middleware::{from_fn, from_fn_with_state, Next},
    response::Response,
    Router,
};
use metrics_exporter_prometheus::PrometheusHandle;
use protocol::Timestamp;
use tower_http::trace::TraceLayer;
use utoipa::openapi::{
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use crate::{
    config::Token,
    credit::{scores::Scores, Consents, Credit, Payments},
    decisions::Decisions,
    disputes::Disputes,
    escrow::Escrow,
    prepaid::{queries::CardBooks, Prepaid},
    reconciliation::{report::Reports, Reconciliation},
    settlement::Settlement,
    statement::Statements,
    store::Store,
    webhooks::Webhooks,
    windows::Windows,
};

pub mod audit;
pub mod auth;
pub mod bulk;
pub mod chain;
pub mod contracts;
pub mod credit;
pub mod current;
pub mod decisions;
pub mod disputes;
pub mod error;
pub mod escrow;
pub mod extractor;
pub mod fees;
pub mod filters;
pub mod health;
pub mod idempotency;
pub mod institutions;
pub mod limits;
pub mod metrics;
pub mod paging;
pub mod payments;
pub mod peer;
pub mod ports;
pub mod prepaid;
pub mod reconciliation;
pub mod relations;
pub mod request_id;
pub mod schema;
pub mod settlement_account;
pub mod statement;
pub mod users;
pub mod vouchers;
pub mod webhooks;
pub mod windows;

#[cfg(test)]
mod tests;

/// The largest body taken, in bytes: every message here is a fraction of it.
pub const MAX_BODY: usize = 256 * 1024;
/// The largest body taken from a terminal, in bytes: a sealed order with what is around it.
pub const MAX_TERMINAL_BODY: usize = 32 * 1024;
/// The longest that a request may take. Waiting for finality takes seconds on a consortium chain.
pub const TIMEOUT: Duration = Duration::from_secs(90);

/// What every handler can reach.
#[derive(Clone)]
pub struct Api {
    /// The settlement system.
    pub settlement: Arc<Settlement>,
    /// The escrow system.
    pub escrow: Arc<Escrow>,
    /// Credit, on each of a credit node's chains.
    pub credit: Arc<Credit>,
    /// Payments on credit across two of them.
    pub credit_payments: Arc<Payments>,
    /// What payees of this institution are asked by credit nodes.
    pub consents: Arc<Consents>,
    /// Limits by payers' records there.
    pub scores: Arc<Scores>,
    /// Prepaid cards, of this issuer and of those whose cards its merchants take.
    pub prepaid: Arc<Prepaid>,
    /// What follows from the events of their contracts.
    pub card_books: CardBooks,
    /// Books with other institutions.
    pub reconciliation: Arc<Reconciliation>,
    /// Draws up reports of their closed days.
    pub book_reports: Arc<Reports>,
    /// What the notaries decide.
    pub decisions: Arc<Decisions>,
    /// Disputes over this institution's payments.
    pub disputes: Arc<Disputes>,
    /// Windows of deferred net settlement.
    pub windows: Arc<Windows>,
    /// Draws up statements.
    pub statements: Arc<Statements>,
    /// Tells others what happened.
    pub webhooks: Arc<Webhooks>,
    /// The chain.
    pub chain: Arc<dyn ports::ChainApi>,
    /// The database, for what the API itself keeps.
    pub store: Store,
    /// The clients' tokens.
    pub tokens: Arc<[Token]>,
    /// Where metrics are rendered.
    pub metrics: PrometheusHandle,
    /// Who may confirm deliveries without a token.
    pub delivery_webhook: Option<Arc<escrow::webhook::DeliveryWebhook>>,
    /// What auditors' browsers are served, if they are.
    pub audit_page: Option<Arc<audit::AuditPage>>,
    readiness: Arc<health::Readiness>,
    in_flight: idempotency::InFlight,
}

/// The systems that the API is for.
#[derive(Clone)]
pub struct Systems {
    /// The settlement system.
    pub settlement: Arc<Settlement>,
    /// The escrow system.
    pub escrow: Arc<Escrow>,
    /// Credit, on each of a credit node's chains.
    pub credit: Arc<Credit>,
    /// Payments on credit across two of them.
    pub credit_payments: Arc<Payments>,
    /// What payees of this institution are asked by credit nodes.
    pub consents: Arc<Consents>,
    /// Limits by payers' records there.
    pub scores: Arc<Scores>,
    /// Prepaid cards, of this issuer and of those whose cards its merchants take.
    pub prepaid: Arc<Prepaid>,
    /// What follows from the events of their contracts.
    pub card_books: CardBooks,
    /// Books with other institutions.
    pub reconciliation: Arc<Reconciliation>,
    /// Draws up reports of their closed days.
    pub book_reports: Arc<Reports>,
    /// What the notaries decide.
    pub decisions: Arc<Decisions>,
    /// Disputes over this institution's payments.
    pub disputes: Arc<Disputes>,
    /// Windows of deferred net settlement.
    pub windows: Arc<Windows>,
    /// Draws up statements.
    pub statements: Arc<Statements>,
    /// Tells others what happened.
    pub webhooks: Arc<Webhooks>,
}

impl Api {
    /// Everything that the API works with.
    pub fn new(
        systems: Systems,
        chain: Arc<dyn ports::ChainApi>,
        store: Store,
        tokens: Vec<Token>,
        metrics: PrometheusHandle,
    ) -> Self {
        let Systems {
            settlement,
            escrow,
            credit,
            credit_payments,
            consents,
            scores,
            prepaid,
            card_books,
            reconciliation,
            book_reports,
            decisions,
            disputes,
            windows,
            statements,
            webhooks,
        } = systems;
        Self {
            settlement,
            escrow,
            credit,
            credit_payments,
            consents,
            scores,
            prepaid,
            card_books,
            reconciliation,
            book_reports,
            decisions,
            disputes,
            windows,
            statements,
            webhooks,
            chain,
            store,
            tokens: tokens.into(),
            metrics,
            delivery_webhook: None,
            audit_page: None,
            readiness: Arc::default(),
            in_flight: idempotency::InFlight::default(),
        }
    }

    /// Takes deliveries at `/webhooks/delivery` too.
    #[must_use]
    pub fn with_delivery_webhook(mut self, webhook: escrow::webhook::DeliveryWebhook) -> Self {
        self.delivery_webhook = Some(Arc::new(webhook));
        self
    }

    /// Serves the audit page at `/audit/` too.
    #[must_use]
    pub fn with_audit_page(mut self, page: audit::AuditPage) -> Self {
        self.audit_page = Some(Arc::new(page));
        self
    }
}

/// The whole service. `authenticate_peers` lays the layer around the peers' routes that puts a
/// [`crate::peers::Peer`] into each request.
pub fn router(api: Api, authenticate_peers: impl FnOnce(Router<Api>) -> Router<Api>) -> Router {
    let (clients, clients_document) = client_routes().split_for_parts();
    let (peers, peers_document) = peer_routes().split_for_parts();
    let each_alone = peers
        .clone()
        .fallback(|| async { error::ApiError::NoSuchRoute })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(api.clone());
    let (bulk, bulk_document) = bulk::router(each_alone).split_for_parts();
    let (hooks, hooks_document) = escrow::webhook::router().split_for_parts();
    let (tills, tills_document) = prepaid::terminals::router().split_for_parts();
    let (holders, holders_document) = prepaid::queries::holder_router().split_for_parts();
    let (open, open_document) = open_routes().split_for_parts();

    // The last layer runs first: who is it, can it be done now, was it done before.
    let clients = clients
        .layer(from_fn_with_state(api.clone(), idempotency::once))
        .layer(from_fn_with_state(api.clone(), health::refuse_until_ready))
        .layer(from_fn_with_state(api.clone(), auth::authenticate));
    let peers = peers.merge(bulk);
    let peers = authenticate_peers(peers.layer(from_fn_with_state(api.clone(), health::refuse_until_ready)));
    let hooks = hooks.layer(from_fn_with_state(api.clone(), health::refuse_until_ready));
    let tills = tills.merge(holders);
    let tills = tills.layer(from_fn_with_state(api.clone(), health::refuse_until_ready));

    let mut document = describe();
    for part in [
        clients_document,
        peers_document,
        bulk_document,
        hooks_document,
        tills_document,
        holders_document,
        open_document,
    ] {
        document.merge(part);
    }
    let pages: Router<Api> = SwaggerUi::new("/docs").url("/openapi.json", document).into();

    let pages = pages.merge(audit::router());

    let all = clients.merge(peers).merge(hooks).merge(tills).merge(open).merge(pages);
    around(all, MAX_BODY).with_state(api)
}

/// What terminals do, and nothing else: for a listener of their own, which anybody can reach.
pub fn terminal_router(api: Api) -> Router {
    let (tills, _) = prepaid::terminals::router().split_for_parts();
    let tills = tills.layer(from_fn_with_state(api.clone(), health::refuse_until_ready));
    around(tills, MAX_TERMINAL_BODY).with_state(api)
}

/// What holds for every request.
fn around(routes: Router<Api>, most: usize) -> Router<Api> {
    routes
        .fallback(|| async { error::ApiError::NoSuchRoute })
        .method_not_allowed_fallback(|| async { error::ApiError::MethodNotAllowed })
        .layer(DefaultBodyLimit::max(most))
        .layer(from_fn(limit_time))
        .layer(from_fn(metrics::measure))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(from_fn(request_id::assign))
}

fn client_routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(payments::router())
        .merge(vouchers::router())
        .merge(relations::router())
        .merge(limits::router())
        .merge(users::router())
        .merge(settlement_account::router())
        .merge(statement::router())
        .merge(institutions::router())
        .merge(contracts::router())
        .merge(decisions::router())
        .merge(disputes::router())
        .merge(fees::router())
        .merge(current::router())
        .merge(windows::router())
        .merge(webhooks::router())
        .merge(escrow::router())
        .merge(credit::router())
        .merge(prepaid::router())
        .merge(reconciliation::router())
}

fn peer_routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(peer::router())
        .merge(decisions::peer_router())
        .merge(disputes::peer_router())
        .merge(escrow::letters::router())
        .merge(credit::consents::peer_router())
        .merge(prepaid::orders::peer_router())
        .merge(reconciliation::peer::router())
}

fn open_routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().merge(health::router()).merge(metrics::router())
}

/// What the document says beyond the routes.
fn describe() -> OpenApi {
    use utoipa::PartialSchema;

    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of one of the institution's own clients"))
        .build();
    let signature = ApiKeyValue::with_description(
        "Signature",
        "An RFC 9421 message signature with the institution's certificate key, over an RFC 9530 content digest",
    );
    let webhook = ApiKeyValue::with_description(
        "webhook-signature",
        "A Standard Webhooks signature over `id.timestamp.body`, with the secret that sender and institution share",
    );
    let components = ComponentsBuilder::new()
        .schema("Problem", error::Problem::schema())
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme("signature", SecurityScheme::ApiKey(ApiKey::Header(signature)))
        .security_scheme("webhook", SecurityScheme::ApiKey(ApiKey::Header(webhook)))
        .build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Quittance")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some("Clearing and settlement between institutions."))
                .build(),
        )
        .components(Some(components))
        .build()
}

/// Middleware: a request that takes too long is answered; what it began goes on by itself.
async fn limit_time(request: Request, next: Next) -> Result<Response, error::ApiError> {
    tokio::time::timeout(TIMEOUT, next.run(request))
        .await
        .map_err(|_| error::ApiError::TimedOut)
}

/// The span of a request. Handlers add the business id.
fn span<B>(request: &axum::http::Request<B>) -> tracing::Span {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str);
    tracing::info_span!(
        "request",
        id = %request_id::current(),
        method = %request.method(),
        route,
        client = tracing::field::Empty,
        voucher = tracing::field::Empty,
        user = tracing::field::Empty,
        offer = tracing::field::Empty,
        trade = tracing::field::Empty,
    )
}

/// Milliseconds since the Unix epoch, by this machine's clock.
pub fn now() -> Timestamp {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|elapsed| Timestamp::try_from(elapsed.as_millis()).ok())
        .unwrap_or_default()
}
