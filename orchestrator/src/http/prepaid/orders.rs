//! What terminals ordered: at the card issuer, and on its way there at their merchants' acquirer (S4.3).
use axum::{extract::State, response::Response, Extension};
use protocol::{text::to_hex, Member, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        error::ApiError,
        extractor::{Json, Path, Query},
        paging::{self, cell, Line, PageQuery, Shown},
        schema, Api,
    },
    rejection, Reference,
};
use crate::{
    peers::Peer,
    prepaid::messages::{OrderAnswer, SealedOrder},
    store::{
        prepaid::{kind, MessageRow, OrderRow},
        Place,
    },
};

/// What clients do.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(list_messages))
}

/// What acquirers hand in.
pub fn peer_router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(hand_in)).routes(routes!(recipient))
}

/// A terminal's order, as the card issuer has it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CardOrderView {
    /// What it is known by.
    #[schema(value_type = schema::Bytes32)]
    pub reference: String,
    /// `pay`, `void`, `refund`; absent where the envelope held no such order.
    pub kind: Option<String>,
    /// Who handed it in.
    #[schema(value_type = schema::Member)]
    pub acquirer: Member,
    /// The card that it is about.
    pub card: Option<u64>,
    /// The number that the card gave the payment.
    pub counter: Option<u64>,
    /// The terminal that signed it.
    #[schema(value_type = Option<schema::Bytes32>)]
    pub terminal: Option<String>,
    /// What became of it.
    #[schema(value_type = schema::prepaid::OrderAnswer)]
    pub answer: OrderAnswer,
    /// When it was handed in.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// When it was answered for good.
    #[schema(value_type = Option<schema::Timestamp>)]
    pub answered_at: Option<Timestamp>,
}

/// A page of orders.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CardOrderPage {
    /// The newest first.
    pub orders: Vec<CardOrderView>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
}

/// What a terminal sent for a card issuer, as its merchant's acquirer has it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TerminalMessageView {
    /// The card issuer.
    #[schema(value_type = schema::Member)]
    pub issuer: Member,
    /// The order's reference.
    #[schema(value_type = schema::Bytes32)]
    pub reference: String,
    /// Who sent it.
    #[schema(value_type = schema::Bytes32)]
    pub terminal: String,
    /// Whose terminal that is.
    pub merchant: u32,
    /// What became of the order, as the issuer says.
    #[schema(value_type = schema::prepaid::OrderAnswer)]
    pub answer: OrderAnswer,
    /// When it came.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// When the final answer came.
    #[schema(value_type = Option<schema::Timestamp>)]
    pub answered_at: Option<Timestamp>,
}

/// A page of what terminals sent.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TerminalMessagePage {
    /// The newest first.
    pub messages: Vec<TerminalMessageView>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
}

/// What became of an order, in four columns.
const ANSWER: [&str; 4] = ["outcome", "amount", "block", "reason"];

impl Line for CardOrderView {
    const COLUMNS: &'static [&'static str] = &[
        "reference",
        "kind",
        "acquirer",
        "card",
        "counter",
        "terminal",
        ANSWER[0],
        ANSWER[1],
        ANSWER[2],
        ANSWER[3],
        "created_at",
        "answered_at",
    ];

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![
            self.reference.clone(),
            cell(self.kind.as_ref()),
            self.acquirer.to_string(),
            cell(self.card),
            cell(self.counter),
            cell(self.terminal.as_ref()),
        ];
        cells.extend(outcome(&self.answer));
        cells.extend([self.created_at.to_string(), cell(self.answered_at)]);
        cells
    }
}

impl Line for TerminalMessageView {
    const COLUMNS: &'static [&'static str] = &[
        "issuer",
        "reference",
        "terminal",
        "merchant",
        ANSWER[0],
        ANSWER[1],
        ANSWER[2],
        ANSWER[3],
        "created_at",
        "answered_at",
    ];

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![
            self.issuer.to_string(),
            self.reference.clone(),
            self.terminal.clone(),
            self.merchant.to_string(),
        ];
        cells.extend(outcome(&self.answer));
        cells.extend([self.created_at.to_string(), cell(self.answered_at)]);
        cells
    }
}

/// What became of an order: a word or a code, the amount, the block, the reason.
pub fn outcome(answer: &OrderAnswer) -> [String; 4] {
    let none = String::new;
    match answer {
        OrderAnswer::Pending => ["pending".to_owned(), none(), none(), none()],
        OrderAnswer::Approved { taken, block, .. } => {
            ["approved".to_owned(), taken.to_string(), block.to_string(), none()]
        }
        OrderAnswer::Returned { amount, block, .. } => {
            ["returned".to_owned(), amount.to_string(), block.to_string(), none()]
        }
        OrderAnswer::Declined { code, reason } => {
            let code = serde_json::to_value(code).ok();
            let code = code.as_ref().and_then(|code| code.as_str()).unwrap_or("declined");
            [code.to_owned(), none(), none(), reason.clone()]
        }
    }
}

/// What terminals ordered of this institution as the card issuer, the newest first.
#[utoipa::path(get, path = "/v1/prepaid/orders", tag = "prepaid", security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page; as CSV where that is accepted", content((CardOrderPage = "application/json"), (String = "text/csv")),
            headers(("Link" = String, description = "The next page, if there is one"))),
        schema::ReadProblems
    ))]
async fn list(State(api): State<Api>, Query(query): Query<PageQuery>, shown: Shown) -> Result<Response, ApiError> {
    let page = query.page()?;
    let found = api.prepaid.orders(&page).await?;
    let next_cursor = paging::next(&page, &found, |last| Place {
        at: last.created_at,
        id: to_hex(&last.reference),
    })?;
    let next = next_cursor.clone();
    let orders = found.into_iter().map(CardOrderView::from).collect();
    shown.answer(CardOrderPage { orders, next_cursor }, next.as_deref(), |page| {
        page.orders.clone()
    })
}

/// What a terminal ordered of this institution as the card issuer.
#[utoipa::path(get, path = "/v1/prepaid/orders/{reference}", tag = "prepaid", security(("bearer" = [])),
    params(("reference" = schema::Bytes32, Path, description = "The order's reference")),
    responses(
        (status = 200, description = "How far it is", body = CardOrderView),
        schema::ReadProblems
    ))]
async fn read(
    State(api): State<Api>,
    Path(Reference(reference)): Path<Reference>,
) -> Result<Json<CardOrderView>, ApiError> {
    Ok(Json(api.prepaid.order(&reference).await?.into()))
}

/// What terminals sent to this institution as their merchants' acquirer, the newest first.
#[utoipa::path(get, path = "/v1/prepaid/messages", tag = "prepaid", security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page; as CSV where that is accepted", content((TerminalMessagePage = "application/json"), (String = "text/csv")),
            headers(("Link" = String, description = "The next page, if there is one"))),
        schema::ReadProblems
    ))]
async fn list_messages(
    State(api): State<Api>,
    Query(query): Query<PageQuery>,
    shown: Shown,
) -> Result<Response, ApiError> {
    let page = query.page()?;
    let found = api.prepaid.terminal_messages(&page).await?;
    let next_cursor = paging::next(&page, &found, |last| Place {
        at: last.created_at,
        id: to_hex(&last.reference),
    })?;
    let next = next_cursor.clone();
    let messages = found.into_iter().map(TerminalMessageView::from).collect();
    let page = TerminalMessagePage { messages, next_cursor };
    shown.answer(page, next.as_deref(), |page| page.messages.clone())
}

/// An acquirer hands in a terminal's order (S4.3). The same order again gets the same answer, or the final one where it was
/// pending.
#[utoipa::path(post, path = "/peer/v1/card-orders", tag = "peers", security(("signature" = [])),
    request_body = schema::prepaid::SealedOrder,
    responses(
        (status = 200, description = "Pending, approved, returned or declined", body = schema::prepaid::OrderAnswer),
        schema::PeerProblems
    ))]
async fn hand_in(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(order): Json<SealedOrder>,
) -> Result<Json<OrderAnswer>, ApiError> {
    Ok(Json(api.prepaid.on_order(from, &order).await.map_err(rejection)?))
}

/// An acquirer asks to whom terminals seal their orders: an age recipient.
#[utoipa::path(post, path = "/peer/v1/card-recipients", tag = "peers", security(("signature" = [])),
    responses(
        (status = 200, description = "This card issuer's", body = String),
        schema::PeerProblems
    ))]
async fn recipient(State(api): State<Api>) -> Result<Json<String>, ApiError> {
    Ok(Json(api.prepaid.recipient().map_err(rejection)?))
}

impl From<OrderRow> for CardOrderView {
    fn from(row: OrderRow) -> Self {
        let payment = row.order.as_ref().map(|order| order.payment());
        Self {
            reference: to_hex(&row.reference),
            kind: row.order.as_ref().map(|order| kind(order).to_owned()),
            acquirer: row.acquirer,
            card: payment.map(|(card, _)| card.0),
            counter: payment.map(|(_, counter)| counter),
            terminal: row.order.as_ref().map(|order| to_hex(&order.terminal().0)),
            answer: row.answer.unwrap_or(OrderAnswer::Pending),
            created_at: row.created_at,
            answered_at: row.answered_at,
        }
    }
}

impl From<MessageRow> for TerminalMessageView {
    fn from(row: MessageRow) -> Self {
        Self {
            issuer: row.issuer,
            reference: to_hex(&row.reference),
            terminal: to_hex(&row.terminal.0),
            merchant: row.merchant.0,
            answer: row.answer.unwrap_or(OrderAnswer::Pending),
            created_at: row.created_at,
            answered_at: row.answered_at,
        }
    }
}
