//! Merchants, their terminals, and their cycles (S4.3, S4.4).
use axum::{extract::State, response::Response};
use protocol::{
    prepaid::{Merchant, MerchantNumber, Rules, Statement, Terminal},
    text::to_hex,
    AccountId, Member, Timestamp,
};
use serde::{Deserialize, Serialize};
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
    cards::{reference, TopUpRequest},
    MerchantId, TerminalId,
};
use crate::{
    prepaid::{ports::Act, Given},
    store::Place,
};

/// The merchants resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(register, list))
        .routes(routes!(read))
        .routes(routes!(switch))
        .routes(routes!(set_rules))
        .routes(routes!(fund))
        .routes(routes!(close_cycle))
        .routes(routes!(statement))
        .routes(routes!(add_terminal))
        .routes(routes!(list_terminals))
        .routes(routes!(read_terminal))
        .routes(routes!(revoke_terminal))
}

/// A merchant to be registered.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MerchantRequest {
    /// Its number in the programme; never given out before.
    #[schema(value_type = u32)]
    pub merchant: MerchantNumber,
    /// The institution that speaks for it.
    #[schema(value_type = schema::Member)]
    pub acquirer: Member,
    /// Where it is paid.
    #[serde(with = "protocol::text::account")]
    #[schema(value_type = schema::Bytes32)]
    pub account: AccountId,
    /// How it is paid.
    #[schema(value_type = schema::prepaid::MerchantRules)]
    pub rules: Rules,
}

/// Whether a merchant takes payments.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchRequest {
    /// Whether it does.
    pub is_active: bool,
}

/// Which cycle is to be closed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseCycleRequest {
    /// Its number: the open one's.
    pub cycle: u32,
}

/// A terminal to be added.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TerminalRequest {
    /// The sr25519 public key that it signs with; a key is a terminal's once.
    #[serde(with = "protocol::text::account")]
    #[schema(value_type = schema::Bytes32)]
    pub terminal: AccountId,
}

/// A merchant that this institution registered.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MerchantView {
    /// Its number in the programme.
    #[schema(value_type = u32)]
    pub merchant: MerchantNumber,
    /// As the finalized chain shows it; absent as long as it shows none.
    #[schema(value_type = Option<schema::prepaid::Merchant>)]
    pub standing: Option<Merchant>,
    /// When this institution registered it.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
}

/// A page of merchants.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MerchantPage {
    /// The newest first.
    pub merchants: Vec<MerchantView>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
}

/// A terminal that this institution added.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TerminalView {
    /// Its public key.
    #[serde(with = "protocol::text::account")]
    #[schema(value_type = schema::Bytes32)]
    pub terminal: AccountId,
    /// As the finalized chain shows it; absent as long as it shows none.
    #[schema(value_type = Option<schema::prepaid::CardTerminal>)]
    pub standing: Option<Terminal>,
    /// When this institution added it.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
}

/// A page of terminals.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TerminalPage {
    /// The newest first.
    pub terminals: Vec<TerminalView>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
}

impl Line for MerchantView {
    const COLUMNS: &'static [&'static str] = &[
        "merchant",
        "acquirer",
        "account",
        "is_active",
        "unpaid",
        "held",
        "cycle",
        "count",
        "gross",
        "voided",
        "refunded",
        "awarded",
        "created_at",
    ];

    fn cells(&self) -> Vec<String> {
        let shown = self.standing.as_ref();
        let cycle = shown.map(|merchant| &merchant.cycle);
        vec![
            self.merchant.0.to_string(),
            cell(shown.map(|merchant| merchant.acquirer)),
            cell(shown.map(|merchant| to_hex(&merchant.account.0))),
            cell(shown.map(|merchant| merchant.is_active)),
            cell(shown.map(|merchant| merchant.unpaid)),
            cell(shown.map(|merchant| merchant.held)),
            cell(cycle.map(|cycle| cycle.number)),
            cell(cycle.map(|cycle| cycle.count)),
            cell(cycle.map(|cycle| cycle.gross)),
            cell(cycle.map(|cycle| cycle.voided)),
            cell(cycle.map(|cycle| cycle.refunded)),
            cell(cycle.map(|cycle| cycle.awarded)),
            self.created_at.to_string(),
        ]
    }
}

impl Line for TerminalView {
    const COLUMNS: &'static [&'static str] = &["terminal", "merchant", "is_revoked", "created_at"];

    fn cells(&self) -> Vec<String> {
        vec![
            to_hex(&self.terminal.0),
            cell(self.standing.map(|terminal| terminal.merchant.0)),
            cell(self.standing.map(|terminal| terminal.is_revoked)),
            self.created_at.to_string(),
        ]
    }
}

/// Registers a merchant, with the institution that speaks for it and the account that it is paid on, and waits for finality.
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}/merchants", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = MerchantRequest,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn register(
    api: State<Api>,
    caller: Caller,
    Path(issuer): Path<Member>,
    key: OperationKey,
    Json(request): Json<MerchantRequest>,
) -> Result<Json<Acted>, ApiError> {
    let act = Act::RegisterMerchant {
        merchant: request.merchant,
        acquirer: request.acquirer,
        account: request.account,
        rules: request.rules,
    };
    super::act(api, &caller, Permission::RunCards, issuer, key, act).await
}

/// The merchants that this institution registered, the newest first, as the finalized chain shows them.
#[utoipa::path(get, path = "/v1/prepaid/programmes/{issuer}/merchants", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), PageQuery),
    responses(
        (status = 200, description = "A page; as CSV where that is accepted", content((MerchantPage = "application/json"), (String = "text/csv")),
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
    let found = api.prepaid.merchants(issuer, &page).await?;
    let next_cursor = paging::next(&page, &found, |last| Place {
        at: last.created_at,
        id: last.id.0.to_string(),
    })?;
    let next = next_cursor.clone();
    let merchants = found.into_iter().map(MerchantView::from).collect();
    let page = MerchantPage { merchants, next_cursor };
    shown.answer(page, next.as_deref(), |page| page.merchants.clone())
}

/// A merchant, at the latest finalized block.
#[utoipa::path(get, path = "/v1/prepaid/programmes/{issuer}/merchants/{merchant}", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), ("merchant" = u32, Path, description = "The merchant's number")),
    responses(
        (status = 200, description = "As it stands, with its open cycle", body = schema::prepaid::Merchant),
        schema::ReadProblems
    ))]
async fn read(
    State(api): State<Api>,
    Path((issuer, merchant)): Path<(Member, MerchantId)>,
) -> Result<Json<Merchant>, ApiError> {
    Ok(Json(api.prepaid.merchant(issuer, merchant.into()).await?))
}

/// Takes no more payments for a merchant, or does again, and waits for finality. What was paid can be refunded, and is paid out.
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}/merchants/{merchant}/switch", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), ("merchant" = u32, Path, description = "The merchant's number"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = SwitchRequest,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn switch(
    api: State<Api>,
    caller: Caller,
    Path((issuer, merchant)): Path<(Member, MerchantId)>,
    key: OperationKey,
    Json(SwitchRequest { is_active }): Json<SwitchRequest>,
) -> Result<Json<Acted>, ApiError> {
    let merchant = merchant.into();
    let act = Act::SwitchMerchant { merchant, is_active };
    super::act(api, &caller, Permission::RunCards, issuer, key, act).await
}

/// Says how a merchant is paid from its next cycle on, and waits for finality.
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}/merchants/{merchant}/rules", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), ("merchant" = u32, Path, description = "The merchant's number"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = schema::prepaid::MerchantRules,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn set_rules(
    api: State<Api>,
    caller: Caller,
    Path((issuer, merchant)): Path<(Member, MerchantId)>,
    key: OperationKey,
    Json(rules): Json<Rules>,
) -> Result<Json<Acted>, ApiError> {
    let merchant = merchant.into();
    let act = Act::SetRules { merchant, rules };
    super::act(api, &caller, Permission::RunCards, issuer, key, act).await
}

/// Puts the institution's money in for a merchant's refunds, and waits for finality. What isn't needed is paid out to the merchant.
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}/merchants/{merchant}/fund", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), ("merchant" = u32, Path, description = "The merchant's number"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = TopUpRequest,
    responses(
        (status = 200, description = "Finalized", body = Acted),
        schema::WriteProblems
    ))]
async fn fund(
    api: State<Api>,
    caller: Caller,
    Path((issuer, merchant)): Path<(Member, MerchantId)>,
    key: OperationKey,
    Json(request): Json<TopUpRequest>,
) -> Result<Json<Acted>, ApiError> {
    let act = Act::FundMerchant {
        merchant: merchant.into(),
        amount: request.amount,
        reference: request.reference.unwrap_or_else(|| reference(&key)),
    };
    super::act(api, &caller, Permission::MoveFunds, issuer, key, act).await
}

/// Closes a merchant's open cycle, pays the merchant and the fee, and waits for finality (S4.4).
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}/merchants/{merchant}/close-cycle", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), ("merchant" = u32, Path, description = "The merchant's number"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = CloseCycleRequest,
    responses(
        (status = 200, description = "The cycle is closed on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn close_cycle(
    api: State<Api>,
    caller: Caller,
    Path((issuer, merchant)): Path<(Member, MerchantId)>,
    key: OperationKey,
    Json(CloseCycleRequest { cycle }): Json<CloseCycleRequest>,
) -> Result<Json<Acted>, ApiError> {
    let merchant = merchant.into();
    let act = Act::CloseCycle { merchant, cycle };
    super::act(api, &caller, Permission::RunCards, issuer, key, act).await
}

/// What a merchant was told of a cycle when it was closed, as the contract keeps it.
#[utoipa::path(get, path = "/v1/prepaid/programmes/{issuer}/merchants/{merchant}/cycles/{cycle}", tag = "prepaid",
    security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), ("merchant" = u32, Path, description = "The merchant's number"), ("cycle" = u32, Path, description = "The cycle's number")),
    responses(
        (status = 200, description = "Sums, fee and payout", body = schema::prepaid::MerchantStatement),
        schema::ReadProblems
    ))]
async fn statement(
    State(api): State<Api>,
    Path((issuer, merchant, cycle)): Path<(Member, MerchantId, u32)>,
) -> Result<Json<Statement>, ApiError> {
    Ok(Json(api.prepaid.statement(issuer, merchant.into(), cycle).await?))
}

/// Gives a merchant another terminal, by its public key, and waits for finality.
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}/merchants/{merchant}/terminals", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), ("merchant" = u32, Path, description = "The merchant's number"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = TerminalRequest,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn add_terminal(
    api: State<Api>,
    caller: Caller,
    Path((issuer, merchant)): Path<(Member, MerchantId)>,
    key: OperationKey,
    Json(TerminalRequest { terminal }): Json<TerminalRequest>,
) -> Result<Json<Acted>, ApiError> {
    let merchant = merchant.into();
    let act = Act::AddTerminal { merchant, terminal };
    super::act(api, &caller, Permission::RunCards, issuer, key, act).await
}

/// The terminals that this institution added, the newest first, as the finalized chain shows them.
#[utoipa::path(get, path = "/v1/prepaid/programmes/{issuer}/terminals", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), PageQuery),
    responses(
        (status = 200, description = "A page; as CSV where that is accepted", content((TerminalPage = "application/json"), (String = "text/csv")),
            headers(("Link" = String, description = "The next page, if there is one"))),
        schema::ReadProblems
    ))]
async fn list_terminals(
    State(api): State<Api>,
    Path(issuer): Path<Member>,
    Query(query): Query<PageQuery>,
    shown: Shown,
) -> Result<Response, ApiError> {
    let page = query.page()?;
    let found = api.prepaid.terminals(issuer, &page).await?;
    let next_cursor = paging::next(&page, &found, |last| Place {
        at: last.created_at,
        id: to_hex(&last.id.0),
    })?;
    let next = next_cursor.clone();
    let terminals = found.into_iter().map(TerminalView::from).collect();
    let page = TerminalPage { terminals, next_cursor };
    shown.answer(page, next.as_deref(), |page| page.terminals.clone())
}

/// A terminal, at the latest finalized block.
#[utoipa::path(get, path = "/v1/prepaid/programmes/{issuer}/terminals/{terminal}", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), ("terminal" = schema::Bytes32, Path, description = "The terminal's public key")),
    responses(
        (status = 200, description = "As it stands", body = schema::prepaid::CardTerminal),
        schema::ReadProblems
    ))]
async fn read_terminal(
    State(api): State<Api>,
    Path((issuer, terminal)): Path<(Member, TerminalId)>,
) -> Result<Json<Terminal>, ApiError> {
    Ok(Json(api.prepaid.terminal(issuer, terminal.0).await?))
}

/// Takes nothing more that a terminal signed, for good, and waits for finality.
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}/terminals/{terminal}/revoke", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), ("terminal" = schema::Bytes32, Path, description = "The terminal's public key"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn revoke_terminal(
    api: State<Api>,
    caller: Caller,
    Path((issuer, terminal)): Path<(Member, TerminalId)>,
    key: OperationKey,
) -> Result<Json<Acted>, ApiError> {
    let act = Act::RevokeTerminal(terminal.0);
    super::act(api, &caller, Permission::ServeCards, issuer, key, act).await
}

impl From<Given<MerchantNumber, Merchant>> for MerchantView {
    fn from(given: Given<MerchantNumber, Merchant>) -> Self {
        Self {
            merchant: given.id,
            standing: given.standing,
            created_at: given.created_at,
        }
    }
}

impl From<Given<AccountId, Terminal>> for TerminalView {
    fn from(given: Given<AccountId, Terminal>) -> Self {
        Self {
            terminal: given.id,
            standing: given.standing,
            created_at: given.created_at,
        }
    }
}
