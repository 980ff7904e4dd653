//! Trades: from a proposal to the last state of the deal on chain.
use std::time::{Duration, Instant};

use axum::{
    extract::State,
    http::{header, StatusCode},
    response::{IntoResponse, Response},
};
use protocol::{
    escrow::{Agreement, Phases},
    settlement::Asset,
    AgreementId, Amount, DealId, Member, OfferId, Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        auth::{Caller, Permission},
        error::ApiError,
        extractor::{Json, OperationKey, Path, Query},
        paging::{self, PageQuery},
        schema, Api,
    },
    optional_amount,
};
use crate::{
    escrow::{messages::Signed, Changes, Trade},
    store::{escrow::Cancellation, Place},
};

/// The longest that a reader may wait for a change; shorter than [`crate::http::TIMEOUT`].
const MAX_WAIT_SECONDS: u64 = 60;
/// How often a waiting reader looks into the database: a look costs microseconds.
const LOOK: Duration = Duration::from_millis(50);

/// The trades resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(propose, list))
        .routes(routes!(read))
}

/// Which units of which offer, and what should differ from it. Amounts are for all units.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposalRequest {
    /// The offer's id.
    #[schema(value_type = schema::Bytes32)]
    pub offer: OfferId,
    /// How many units.
    pub quantity: u64,
    /// Another price.
    #[serde(default, with = "optional_amount")]
    #[schema(value_type = Option<schema::Amount>)]
    pub price: Option<Amount>,
    /// Another bond of the buyer.
    #[serde(default, with = "optional_amount")]
    #[schema(value_type = Option<schema::Amount>)]
    pub bond: Option<Amount>,
    /// Another bond of the seller.
    #[serde(default, with = "optional_amount")]
    #[schema(value_type = Option<schema::Amount>)]
    pub seller_bond: Option<Amount>,
    /// Another award for the seller when the arbiter is silent.
    #[serde(default, with = "optional_amount")]
    #[schema(value_type = Option<schema::Amount>)]
    pub default_award: Option<Amount>,
    /// Other terms of delivery.
    pub delivery: Option<String>,
    /// Other phases, in milliseconds.
    #[schema(value_type = Option<schema::escrow::Phases>)]
    pub phases: Option<Phases>,
    /// The received proposal that this one answers.
    #[schema(value_type = Option<schema::Bytes32>)]
    pub instead_of: Option<AgreementId>,
}

/// A trade as this institution knows it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TradeView {
    /// The agreement's id: the trade's name everywhere.
    #[schema(value_type = schema::Bytes32)]
    pub id: AgreementId,
    /// The deal's id: the trade's name on chain.
    #[schema(value_type = schema::Bytes32)]
    pub deal: DealId,
    /// What this institution is in it: `buyer`, `seller`, `arbiter`.
    pub role: String,
    /// How far it is: `proposed`, `received`, `declined`, `agreed`, `lapsed`, `locked`, `accepted`, `revealed`,
    /// `disputed`, `settled`, `refunded`, `cancelled`, `ruled`.
    pub stage: String,
    /// Whether the stage is the last one.
    pub is_final: bool,
    /// What is agreed on, or proposed.
    #[schema(value_type = schema::escrow::Agreement)]
    pub agreement: Agreement,
    /// The buyer's signature under it.
    #[schema(value_type = Option<schema::escrow::Signed>)]
    pub buyer_signed: Option<Signed>,
    /// The seller's signature under it.
    #[schema(value_type = Option<schema::escrow::Signed>)]
    pub seller_signed: Option<Signed>,
    /// When this party confirmed the delivery.
    #[schema(value_type = Option<schema::Timestamp>)]
    pub confirmed_at: Option<Timestamp>,
    /// This party's evidence; the buyer's for an arbiter.
    pub evidence: Option<String>,
    /// The other party's evidence; the seller's for an arbiter.
    pub other_evidence: Option<String>,
    /// Whether this party would cancel.
    #[schema(value_type = Option<schema::escrow::Cancellation>)]
    pub own_cancellation: Option<Cancellation>,
    /// Whether the other party would.
    #[schema(value_type = Option<schema::escrow::Cancellation>)]
    pub other_cancellation: Option<Cancellation>,
    /// What the seller gets of the pot by the arbiter's ruling.
    #[serde(with = "optional_amount")]
    #[schema(value_type = Option<schema::Amount>)]
    pub award: Option<Amount>,
    /// When this institution first saw it.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// Every stage so far.
    pub history: Vec<TradeStep>,
}

/// A step of a trade.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TradeStep {
    /// The stage reached.
    pub stage: String,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    /// What happened.
    pub detail: String,
}

/// A trade in a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TradeSummary {
    /// The agreement's id.
    #[schema(value_type = schema::Bytes32)]
    pub id: AgreementId,
    /// What this institution is in it.
    pub role: String,
    /// How far it is.
    pub stage: String,
    /// Whether the stage is the last one.
    pub is_final: bool,
    /// The offer that it fills in part.
    #[schema(value_type = schema::Bytes32)]
    pub offer: OfferId,
    /// Who pays.
    #[schema(value_type = schema::Member)]
    pub buyer: Member,
    /// Who delivers.
    #[schema(value_type = schema::Member)]
    pub seller: Member,
    /// What is traded.
    pub goods: String,
    /// How many units of it.
    pub quantity: u64,
    /// What is paid with.
    #[schema(value_type = schema::Asset)]
    pub asset: Asset,
    /// For all units.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub price: Amount,
    /// When this institution first saw it.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
}

/// A page of trades.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TradePage {
    /// The newest first.
    pub trades: Vec<TradeSummary>,
    /// Send this as `cursor` for the next page; absent on the last one.
    pub next: Option<String>,
}

/// Whether to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TradeQuery {
    /// Wait this long for the trade to become final, 0 to 60; the answer says how far it is either way.
    #[serde(default)]
    wait_seconds: u64,
    /// Answer as soon as the stage isn't this one any more, too.
    unless_stage: Option<String>,
}

/// Takes units of another's offer as it stands, or proposes other terms for them. The maker signs the former by itself;
/// of the latter a person there decides. Everything that follows goes on by itself.
#[utoipa::path(post, path = "/v1/escrow/trades", tag = "escrow", security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header, description = "Names the proposal: the same for repetitions")),
    request_body = ProposalRequest,
    responses(
        (status = 202, description = "Signed here, and on its way to the other party", body = TradeView,
            headers(("Location" = String, description = "Where the trade is read"))),
        schema::WriteProblems
    ))]
async fn propose(
    State(api): State<Api>,
    caller: Caller,
    key: OperationKey,
    Json(request): Json<ProposalRequest>,
) -> Result<Response, ApiError> {
    caller.require(Permission::Trade)?;
    tracing::Span::current().record("offer", tracing::field::display(request.offer));
    let changes = Changes {
        price: request.price,
        bond: request.bond,
        seller_bond: request.seller_bond,
        default_award: request.default_award,
        delivery: request.delivery,
        phases: request.phases,
    };
    let trade = api
        .escrow
        .propose(
            request.offer,
            request.quantity,
            changes,
            request.instead_of,
            super::wish(&key),
        )
        .await?;
    record(trade.id);
    let location = [(header::LOCATION, format!("/v1/escrow/trades/{}", trade.id))];
    Ok((StatusCode::ACCEPTED, location, Json(view(trade))).into_response())
}

/// One trade with its history.
#[utoipa::path(get, path = "/v1/escrow/trades/{trade}", tag = "escrow", security(("bearer" = [])),
    params(("trade" = schema::Bytes32, Path, description = "The trade's id"), TradeQuery),
    responses(
        (status = 200, description = "How far it is", body = TradeView),
        schema::ReadProblems
    ))]
async fn read(
    State(api): State<Api>,
    Path(id): Path<AgreementId>,
    Query(query): Query<TradeQuery>,
) -> Result<Json<TradeView>, ApiError> {
    record(id);
    let wait = Duration::from_secs(query.wait_seconds.min(MAX_WAIT_SECONDS));
    let start = Instant::now();
    loop {
        let trade = api.escrow.trade(id).await?.ok_or_else(|| ApiError::NotFound {
            what: "trade",
            id: id.to_string(),
        })?;
        let stage = trade.stage.as_str();
        let changed = query.unless_stage.as_ref().is_some_and(|unless| unless != stage);
        if trade.is_final || changed || start.elapsed() >= wait {
            return Ok(Json(view(trade)));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// All trades of this institution, the newest first.
#[utoipa::path(get, path = "/v1/escrow/trades", tag = "escrow", security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page", body = TradePage),
        schema::ReadProblems
    ))]
async fn list(State(api): State<Api>, Query(query): Query<PageQuery>) -> Result<Json<TradePage>, ApiError> {
    let page = query.page()?;
    let trades = api.escrow.trades(&page).await?;
    let next = paging::next(&page, &trades, |trade| Place {
        at: trade.created_at,
        id: trade.id.to_string(),
    })?;
    Ok(Json(TradePage {
        next,
        trades: trades.into_iter().map(summary).collect(),
    }))
}

pub(super) fn record(trade: AgreementId) {
    tracing::Span::current().record("trade", tracing::field::display(trade));
}

/// A trade for clients.
pub(super) fn view(trade: Trade) -> TradeView {
    TradeView {
        id: trade.id,
        deal: trade.deal,
        role: trade.role.as_str().to_owned(),
        stage: trade.stage.as_str().to_owned(),
        is_final: trade.is_final,
        agreement: trade.agreement,
        buyer_signed: trade.buyer_signed,
        seller_signed: trade.seller_signed,
        confirmed_at: trade.confirmed_at,
        evidence: trade.evidence,
        other_evidence: trade.other_evidence,
        own_cancellation: trade.own_cancellation,
        other_cancellation: trade.other_cancellation,
        award: trade.award,
        created_at: trade.created_at,
        history: trade
            .history
            .into_iter()
            .map(|line| TradeStep {
                stage: line.stage.as_str().to_owned(),
                at: line.at,
                detail: line.detail,
            })
            .collect(),
    }
}

fn summary(trade: Trade) -> TradeSummary {
    let agreement = trade.agreement;
    TradeSummary {
        id: trade.id,
        role: trade.role.as_str().to_owned(),
        stage: trade.stage.as_str().to_owned(),
        is_final: trade.is_final,
        offer: agreement.offer,
        buyer: agreement.buyer.member,
        seller: agreement.seller.member,
        goods: agreement.goods,
        quantity: agreement.quantity,
        asset: agreement.asset,
        price: agreement.price,
        created_at: trade.created_at,
    }
}
