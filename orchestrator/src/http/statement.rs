//! Statements: a day of this institution's account in the clearing contract.
use axum::{extract::State, response::Response};
use protocol::{settlement::Asset, Member, VoucherId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::ApiError,
    extractor::Query,
    paging::{cell, Line, Shown},
    ports::{signed_amount, BlockInfo},
    schema, Api,
};
use crate::{
    assets::AssetName,
    statement::{Account, Holding, Movement, Statement, StatementError},
};

/// The statements resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(read))
}

/// Which day.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatementQuery {
    /// A day of UTC, such as `2026-12-24`.
    date: String,
}

/// What the account holds.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HoldingView {
    /// Neither set aside nor paid out.
    #[serde(with = "signed_amount")]
    #[schema(value_type = String, example = "250000")]
    pub available: i128,
    /// Set aside for payments.
    #[serde(with = "signed_amount")]
    #[schema(value_type = String, example = "0")]
    pub reserved: i128,
}

/// One entry.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MovementView {
    /// `deposited`, `withdrawn`, `reserved`, `fee-reserved`, `paid`, `fee-paid`, `received`, `fee-received`,
    /// `window-net`, `award-paid`, `award-received`.
    pub kind: String,
    /// What it changes of what is available.
    #[serde(with = "signed_amount")]
    #[schema(value_type = String, example = "-125")]
    pub available: i128,
    /// What it changes of what is set aside.
    #[serde(with = "signed_amount")]
    #[schema(value_type = String, example = "125")]
    pub reserved: i128,
    /// The payment's voucher.
    #[schema(value_type = Option<schema::Bytes32>)]
    pub voucher: Option<VoucherId>,
    /// The institution on the other side.
    #[schema(value_type = Option<schema::Member>)]
    pub counterparty: Option<Member>,
    /// The window whose net it is; its fees are in it.
    pub window: Option<u32>,
    /// The deposit's number.
    pub deposit: Option<u64>,
    /// The finalized block.
    pub block: BlockInfo,
    /// The event's place among all events of the block.
    pub event: u32,
}

/// What moved in one asset.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AccountView {
    /// In what.
    #[schema(value_type = schema::Asset)]
    pub asset: Asset,
    /// As the chain shows it before the day.
    pub opening: HoldingView,
    /// In the order of the chain.
    pub movements: Vec<MovementView>,
    /// As the chain shows it after the day, or now.
    pub closing: HoldingView,
    /// Whether opening and movements come to the closing balance.
    pub adds_up: bool,
}

/// A day of this institution's account in the clearing contract.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StatementView {
    /// Whose.
    #[schema(value_type = schema::Member)]
    pub member: Member,
    /// The day of UTC, by the time of blocks.
    pub date: String,
    /// Whether the day is over on the chain.
    pub complete: bool,
    /// The day's first finalized block, if it had any.
    pub first_block: Option<BlockInfo>,
    /// Its last one so far.
    pub last_block: Option<BlockInfo>,
    /// By asset.
    pub accounts: Vec<AccountView>,
}

/// A row: the opening balance, an entry, or the closing balance.
struct StatementLine {
    date: String,
    asset: Asset,
    entry: Entry,
}

enum Entry {
    Balance(&'static str, HoldingView),
    Movement(MovementView),
}

impl Line for StatementLine {
    const COLUMNS: &'static [&'static str] = &[
        "date",
        "asset",
        "kind",
        "available",
        "reserved",
        "voucher",
        "counterparty",
        "window",
        "deposit",
        "block",
        "block_hash",
        "event",
    ];

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.date.clone(), AssetName(self.asset).to_string()];
        match &self.entry {
            Entry::Balance(name, holding) => {
                cells.extend([
                    (*name).to_owned(),
                    holding.available.to_string(),
                    holding.reserved.to_string(),
                ]);
                cells.resize(Self::COLUMNS.len(), String::new());
            }
            Entry::Movement(entry) => cells.extend([
                entry.kind.clone(),
                entry.available.to_string(),
                entry.reserved.to_string(),
                cell(entry.voucher),
                cell(entry.counterparty),
                cell(entry.window),
                cell(entry.deposit),
                entry.block.number.to_string(),
                entry.block.hash.clone(),
                entry.event.to_string(),
            ]),
        }
        cells
    }
}

impl From<StatementError> for ApiError {
    fn from(error: StatementError) -> Self {
        let code = match error {
            StatementError::Ledger(error) => return error.into(),
            StatementError::Store(error) => return error.into(),
            StatementError::NotBegun => "day-not-begun",
            StatementError::NoSuchDay => "no-such-day",
            StatementError::UnknownVoucher(_) | StatementError::UnknownFees(_) | StatementError::Overflow => {
                return ApiError::Internal(error.to_string())
            }
        };
        ApiError::Refused {
            code: code.into(),
            detail: error.to_string(),
        }
    }
}

/// A day of this institution's account in the clearing contract: what it held before, each movement with the block and
/// the event that tell of it, what it held after. As CSV, the first row of an asset is its opening and the last one its
/// closing balance. The node has to keep the day's blocks.
#[utoipa::path(get, path = "/v1/statement", tag = "settlement account", security(("bearer" = [])),
    params(StatementQuery),
    responses(
        (status = 200, description = "The statement; as CSV where that is accepted", content((StatementView = "application/json"), (String = "text/csv"))),
        schema::ReadProblems
    ))]
async fn read(State(api): State<Api>, shown: Shown, Query(query): Query<StatementQuery>) -> Result<Response, ApiError> {
    let day = query.date.parse();
    let day = day.map_err(|error: crate::windows::calendar::CalendarError| ApiError::Malformed(error.to_string()))?;
    let statement = view(query.date, api.statements.of(day).await?);
    shown.answer(statement, None, lines)
}

fn view(date: String, statement: Statement) -> StatementView {
    let (first, last) = statement.blocks.unzip();
    StatementView {
        member: statement.member,
        date,
        complete: statement.complete,
        first_block: first.map(BlockInfo::from),
        last_block: last.map(BlockInfo::from),
        accounts: statement.accounts.into_iter().map(account).collect(),
    }
}

fn account(account: Account) -> AccountView {
    AccountView {
        asset: account.asset,
        opening: holding(account.opening),
        movements: account.movements.into_iter().map(movement).collect(),
        closing: holding(account.closing),
        adds_up: account.adds_up,
    }
}

fn holding(holding: Holding) -> HoldingView {
    HoldingView {
        available: holding.available,
        reserved: holding.reserved,
    }
}

fn movement(movement: Movement) -> MovementView {
    MovementView {
        kind: movement.kind.as_str().to_owned(),
        available: movement.available,
        reserved: movement.reserved,
        voucher: movement.voucher,
        counterparty: movement.counterparty,
        window: movement.window,
        deposit: movement.deposit,
        block: movement.block.into(),
        event: movement.event,
    }
}

fn lines(statement: &StatementView) -> Vec<StatementLine> {
    let of_account = |account: &AccountView| {
        let opening = Entry::Balance("opening", account.opening.clone());
        let closing = Entry::Balance("closing", account.closing.clone());
        let movements = account.movements.iter().cloned().map(Entry::Movement);
        let entries: Vec<Entry> = [opening].into_iter().chain(movements).chain([closing]).collect();
        let (date, asset) = (statement.date.clone(), account.asset);
        entries.into_iter().map(move |entry| StatementLine {
            date: date.clone(),
            asset,
            entry,
        })
    };
    statement.accounts.iter().flat_map(of_account).collect()
}
