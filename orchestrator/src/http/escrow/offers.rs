//! What this institution would trade, and what others told it that they would.
use axum::{
    extract::State,
    http::{header, StatusCode},
    response::{IntoResponse, Response},
};
use protocol::{
    escrow::{Offer, Phases, Side},
    settlement::Asset,
    Amount, Member, OfferId, Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    auth::{Caller, Permission},
    error::ApiError,
    extractor::{Json, OperationKey, Path, Query},
    paging::{self, PageQuery},
    schema, Api,
};
use crate::{
    escrow::{messages::Signed, NewOffer},
    store::{escrow::OfferRow, Place},
};

/// The offers resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(make, list))
        .routes(routes!(read))
        .routes(routes!(withdraw))
}

/// What an institution would trade. Amounts are for one unit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferRequest {
    /// What the institution would be.
    #[schema(value_type = schema::escrow::Side)]
    pub side: Side,
    /// What is traded, 1 to 2000 bytes.
    pub goods: String,
    /// How many units of it, over all fills.
    pub quantity: u64,
    /// The fewest units of one fill.
    pub least: u64,
    /// What is paid with.
    #[schema(value_type = schema::Asset)]
    pub asset: Asset,
    /// For one unit.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub unit_price: Amount,
    /// The buyer's bond for one unit: it comes back when the buyer reveals. At most the price.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub unit_bond: Amount,
    /// The seller's bond for one unit; 0 if it isn't said.
    #[serde(default, with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub unit_seller_bond: Amount,
    /// What the seller gets for one unit when the arbiter is silent; 0 if it isn't said.
    #[serde(default, with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub unit_default_award: Amount,
    /// How, where and when is delivered, and what proves it; at most 2000 bytes.
    pub delivery: String,
    /// Who rules in a dispute: a notary.
    #[schema(value_type = schema::Member)]
    pub arbiter: Member,
    /// How long each phase of a deal lasts, in milliseconds.
    #[schema(value_type = schema::escrow::Phases)]
    pub phases: Phases,
    /// Can be taken strictly before.
    #[schema(value_type = schema::Timestamp)]
    pub expires_at: Timestamp,
    /// Who is told of it.
    #[serde(default)]
    #[schema(value_type = Vec<schema::Member>)]
    pub tell: Vec<Member>,
}

/// An offer as this institution knows it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OfferView {
    /// Its id: what a trade names.
    #[schema(value_type = schema::Bytes32)]
    pub id: OfferId,
    /// What is offered.
    #[schema(value_type = schema::escrow::Offer)]
    pub offer: Offer,
    /// The maker's signature.
    #[schema(value_type = schema::escrow::Signed)]
    pub signed: Signed,
    /// Units that are promised to nobody; only its maker knows.
    pub remaining: Option<u64>,
    /// Whether this institution took it back.
    pub withdrawn: bool,
    /// When this institution first saw it.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
}

/// A page of offers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OfferPage {
    /// The newest first.
    pub offers: Vec<OfferView>,
    /// Send this as `cursor` for the next page; absent on the last one.
    pub next: Option<String>,
}

/// Makes an offer, signs it, and has it told to others.
#[utoipa::path(post, path = "/v1/escrow/offers", tag = "escrow", security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header, description = "Names the offer: the same for repetitions")),
    request_body = OfferRequest,
    responses(
        (status = 201, description = "Made", body = OfferView,
            headers(("Location" = String, description = "Where the offer is read"))),
        schema::WriteProblems
    ))]
async fn make(
    State(api): State<Api>,
    caller: Caller,
    key: OperationKey,
    Json(request): Json<OfferRequest>,
) -> Result<Response, ApiError> {
    caller.require(Permission::Trade)?;
    let new = NewOffer {
        side: request.side,
        goods: request.goods,
        quantity: request.quantity,
        least: request.least,
        asset: request.asset,
        unit_price: request.unit_price,
        unit_bond: request.unit_bond,
        unit_seller_bond: request.unit_seller_bond,
        unit_default_award: request.unit_default_award,
        delivery: request.delivery,
        arbiter: request.arbiter,
        phases: request.phases,
        expires_at: request.expires_at,
    };
    let made = api.escrow.make_offer(new, &request.tell, super::wish(&key)).await?;
    let made = view(made, api.chain.member());
    record(made.id);
    let location = [(header::LOCATION, format!("/v1/escrow/offers/{}", made.id))];
    Ok((StatusCode::CREATED, location, Json(made)).into_response())
}

/// All offers that this institution knows, its own and others', the newest first.
#[utoipa::path(get, path = "/v1/escrow/offers", tag = "escrow", security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page", body = OfferPage),
        schema::ReadProblems
    ))]
async fn list(State(api): State<Api>, Query(query): Query<PageQuery>) -> Result<Json<OfferPage>, ApiError> {
    let page = query.page()?;
    let offers = api.escrow.offers(&page).await?;
    let next = paging::next(&page, &offers, |row| Place {
        at: row.created_at,
        id: row.id.to_string(),
    })?;
    let member = api.chain.member();
    Ok(Json(OfferPage {
        next,
        offers: offers.into_iter().map(|row| view(row, member)).collect(),
    }))
}

/// One offer.
#[utoipa::path(get, path = "/v1/escrow/offers/{offer}", tag = "escrow", security(("bearer" = [])),
    params(("offer" = schema::Bytes32, Path, description = "The offer's id")),
    responses(
        (status = 200, description = "What is known of it", body = OfferView),
        schema::ReadProblems
    ))]
async fn read(State(api): State<Api>, Path(offer): Path<OfferId>) -> Result<Json<OfferView>, ApiError> {
    record(offer);
    match api.escrow.offer(offer).await? {
        Some(row) => Ok(Json(view(row, api.chain.member()))),
        None => Err(ApiError::NotFound {
            what: "offer",
            id: offer.to_string(),
        }),
    }
}

/// Takes this institution's own offer back. What was signed stands.
#[utoipa::path(post, path = "/v1/escrow/offers/{offer}/withdraw", tag = "escrow", security(("bearer" = [])),
    params(
        ("offer" = schema::Bytes32, Path, description = "The offer's id"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions"),
    ),
    responses(
        (status = 200, description = "Withdrawn", body = OfferView),
        schema::WriteProblems
    ))]
async fn withdraw(
    State(api): State<Api>,
    caller: Caller,
    Path(offer): Path<OfferId>,
) -> Result<Json<OfferView>, ApiError> {
    caller.require(Permission::Trade)?;
    record(offer);
    let row = api.escrow.withdraw_offer(offer).await?;
    Ok(Json(view(row, api.chain.member())))
}

fn record(offer: OfferId) {
    tracing::Span::current().record("offer", tracing::field::display(offer));
}

/// An offer for clients of this member.
fn view(row: OfferRow, member: Member) -> OfferView {
    OfferView {
        id: row.id,
        remaining: (row.offer.maker == member).then_some(row.remaining),
        offer: row.offer,
        signed: row.signed,
        withdrawn: row.withdrawn,
        created_at: row.created_at,
    }
}
