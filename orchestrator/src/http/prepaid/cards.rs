//! Cards: issued, topped up, limited, stopped, replaced, closed (S4.1, S4.2).
use axum::{extract::State, response::Response};
use protocol::{
    prepaid::{Card, CardLimits, CardNumber},
    AccountId, Amount, Member, Timestamp,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        auth::{Caller, Permission},
        credit::Acted,
        error::ApiError,
        extractor::{Json, OperationKey, Path, Query},
        paging::{self, cell, Line, PageQuery, Shown},
        schema, Api,
    },
    CardId,
};
use crate::{
    prepaid::{ports::Act, Given},
    store::Place,
};

/// The cards resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(issue, list))
        .routes(routes!(read))
        .routes(routes!(top_up))
        .routes(routes!(set_limits))
        .routes(routes!(freeze))
        .routes(routes!(unfreeze))
        .routes(routes!(replace))
        .routes(routes!(close))
}

/// A card to be issued.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueRequest {
    /// Its number in the programme; never given out before.
    #[schema(value_type = u64)]
    pub card: CardNumber,
    /// The sr25519 public key that the card signs with.
    #[serde(with = "protocol::text::account")]
    #[schema(value_type = schema::Bytes32)]
    pub key: AccountId,
    /// Whose it is: who is paid when it is closed, and who disputes.
    #[serde(with = "protocol::text::account")]
    #[schema(value_type = schema::Bytes32)]
    pub holder: AccountId,
    /// Its own limits; the programme's hold too.
    #[schema(value_type = schema::prepaid::CardLimits)]
    pub limits: CardLimits,
    /// Pays and is topped up strictly before.
    #[schema(value_type = schema::Timestamp)]
    pub expires_at: Timestamp,
}

/// How much a card is topped up by.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopUpRequest {
    /// In the asset's smallest unit. It is paid by the institution's account.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub amount: Amount,
    /// What it is known by on the chain, where each is taken once. Left out, it follows from client and `Idempotency-Key`.
    #[serde(
        default,
        with = "protocol::text::optional_bytes",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<schema::Bytes32>)]
    pub reference: Option<[u8; 32]>,
}

/// The key of a card that replaces a lost one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceRequest {
    /// The sr25519 public key that the new card signs with.
    #[serde(with = "protocol::text::account")]
    #[schema(value_type = schema::Bytes32)]
    pub key: AccountId,
}

/// A card that this institution issued.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CardView {
    /// Its number in the programme.
    #[schema(value_type = u64)]
    pub card: CardNumber,
    /// As the finalized chain shows it; absent as long as it shows none.
    #[schema(value_type = Option<schema::prepaid::Card>)]
    pub standing: Option<Card>,
    /// When this institution issued it.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
}

/// A page of cards.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CardPage {
    /// The newest first.
    pub cards: Vec<CardView>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
}

impl Line for CardView {
    const COLUMNS: &'static [&'static str] = &[
        "card",
        "state",
        "balance",
        "holder",
        "key",
        "limit_balance",
        "limit_per_payment",
        "limit_per_day",
        "expires_at",
        "counter",
        "created_at",
    ];

    fn cells(&self) -> Vec<String> {
        let shown = self.standing.as_ref();
        vec![
            self.card.0.to_string(),
            cell(shown.map(|card| format!("{:?}", card.state).to_lowercase())),
            cell(shown.map(|card| card.balance)),
            cell(shown.map(|card| protocol::text::to_hex(&card.holder.0))),
            cell(shown.map(|card| protocol::text::to_hex(&card.key.0))),
            cell(shown.map(|card| card.limits.balance)),
            cell(shown.map(|card| card.limits.per_payment)),
            cell(shown.map(|card| card.limits.per_day)),
            cell(shown.map(|card| card.expires_at)),
            cell(shown.map(|card| card.counter)),
            self.created_at.to_string(),
        ]
    }
}

/// Issues a card, and waits for finality.
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}/cards", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = IssueRequest,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn issue(
    api: State<Api>,
    caller: Caller,
    Path(issuer): Path<Member>,
    key: OperationKey,
    Json(request): Json<IssueRequest>,
) -> Result<Json<Acted>, ApiError> {
    let act = Act::IssueCard {
        card: request.card,
        key: request.key,
        holder: request.holder,
        limits: request.limits,
        expires_at: request.expires_at,
    };
    super::act(api, &caller, Permission::ServeCards, issuer, key, act).await
}

/// The cards that this institution issued, the newest first, as the finalized chain shows them.
#[utoipa::path(get, path = "/v1/prepaid/programmes/{issuer}/cards", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), PageQuery),
    responses(
        (status = 200, description = "A page; as CSV where that is accepted", content((CardPage = "application/json"), (String = "text/csv")),
            headers(("Link" = String, description = "The next page, if there is one"))),
        schema::ReadProblems
    ))]
async fn list(
    State(api): State<Api>,
    Path(issuer): Path<Member>,
    Query(query): Query<PageQuery>,
    shown: Shown,
) -> Result<Response, ApiError> {
    let page = query.page()?;
    let found = api.prepaid.cards(issuer, &page).await?;
    let next_cursor = paging::next(&page, &found, |last| Place {
        at: last.created_at,
        id: last.id.0.to_string(),
    })?;
    let next = next_cursor.clone();
    let cards = found.into_iter().map(CardView::from).collect();
    shown.answer(CardPage { cards, next_cursor }, next.as_deref(), |page| {
        page.cards.clone()
    })
}

/// A card, at the latest finalized block.
#[utoipa::path(get, path = "/v1/prepaid/programmes/{issuer}/cards/{card}", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"),
        ("card" = u64, Path, description = "The card's number")),
    responses(
        (status = 200, description = "As it stands", body = schema::prepaid::Card),
        schema::ReadProblems
    ))]
async fn read(State(api): State<Api>, Path((issuer, card)): Path<(Member, CardId)>) -> Result<Json<Card>, ApiError> {
    Ok(Json(api.prepaid.card(issuer, card.into()).await?))
}

/// Tops a card up with the institution's money, and waits for finality (S4.2).
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}/cards/{card}/top-up", tag = "prepaid",
    security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"),
        ("card" = u64, Path, description = "The card's number"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = TopUpRequest,
    responses(
        (status = 200, description = "Finalized", body = Acted),
        schema::WriteProblems
    ))]
async fn top_up(
    api: State<Api>,
    caller: Caller,
    Path((issuer, card)): Path<(Member, CardId)>,
    key: OperationKey,
    Json(request): Json<TopUpRequest>,
) -> Result<Json<Acted>, ApiError> {
    let act = Act::TopUp {
        card: card.into(),
        amount: request.amount,
        reference: request.reference.unwrap_or_else(|| reference(&key)),
    };
    super::act(api, &caller, Permission::ServeCards, issuer, key, act).await
}

/// Gives a card other limits of its own, and waits for finality.
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}/cards/{card}/limits", tag = "prepaid",
    security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"),
        ("card" = u64, Path, description = "The card's number"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = schema::prepaid::CardLimits,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn set_limits(
    api: State<Api>,
    caller: Caller,
    Path((issuer, card)): Path<(Member, CardId)>,
    key: OperationKey,
    Json(limits): Json<CardLimits>,
) -> Result<Json<Acted>, ApiError> {
    let act = Act::SetLimits {
        card: card.into(),
        limits,
    };
    super::act(api, &caller, Permission::RunCards, issuer, key, act).await
}

/// Stops a card, and waits for finality: it neither pays nor is topped up.
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}/cards/{card}/freeze", tag = "prepaid",
    security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"),
        ("card" = u64, Path, description = "The card's number"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn freeze(
    api: State<Api>,
    caller: Caller,
    Path((issuer, card)): Path<(Member, CardId)>,
    key: OperationKey,
) -> Result<Json<Acted>, ApiError> {
    super::act(
        api,
        &caller,
        Permission::ServeCards,
        issuer,
        key,
        Act::Freeze(card.into()),
    )
    .await
}

/// Lets a card be used again, and waits for finality.
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}/cards/{card}/unfreeze", tag = "prepaid",
    security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"),
        ("card" = u64, Path, description = "The card's number"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn unfreeze(
    api: State<Api>,
    caller: Caller,
    Path((issuer, card)): Path<(Member, CardId)>,
    key: OperationKey,
) -> Result<Json<Acted>, ApiError> {
    super::act(
        api,
        &caller,
        Permission::RunCards,
        issuer,
        key,
        Act::Unfreeze(card.into()),
    )
    .await
}

/// Replaces a lost card by one with another key, and waits for finality. Number, holder, balance, limits and expiry stay; nothing
/// that the lost one signed is taken any more.
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}/cards/{card}/replace", tag = "prepaid",
    security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"),
        ("card" = u64, Path, description = "The card's number"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = ReplaceRequest,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn replace(
    api: State<Api>,
    caller: Caller,
    Path((issuer, card)): Path<(Member, CardId)>,
    key: OperationKey,
    Json(request): Json<ReplaceRequest>,
) -> Result<Json<Acted>, ApiError> {
    let act = Act::ReplaceCard {
        card: card.into(),
        key: request.key,
    };
    super::act(api, &caller, Permission::RunCards, issuer, key, act).await
}

/// Closes a card for good, pays what it holds to its holder, and waits for finality.
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}/cards/{card}/close", tag = "prepaid",
    security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"),
        ("card" = u64, Path, description = "The card's number"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn close(
    api: State<Api>,
    caller: Caller,
    Path((issuer, card)): Path<(Member, CardId)>,
    key: OperationKey,
) -> Result<Json<Acted>, ApiError> {
    super::act(
        api,
        &caller,
        Permission::RunCards,
        issuer,
        key,
        Act::CloseCard(card.into()),
    )
    .await
}

/// What money is put in under, where the client doesn't say: the same for the same wish.
pub(super) fn reference(OperationKey(key): &OperationKey) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"quittance/put-in");
    hash.update(key);
    hash.finalize().into()
}

impl From<Given<CardNumber, Card>> for CardView {
    fn from(given: Given<CardNumber, Card>) -> Self {
        Self {
            card: given.id,
            standing: given.standing,
            created_at: given.created_at,
        }
    }
}
