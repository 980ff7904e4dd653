//! Windows of deferred net settlement, positions and caps.
use axum::{extract::State, response::Response};
use protocol::{
    settlement::Asset,
    windows::{Certificate, Shortfall, Window, WindowState},
    Amount, Member,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::ApiError,
    extractor::{Json, Path, Query},
    paging::{self, cell, Line, Shown},
    schema, Api,
};
use crate::{
    assets::AssetName,
    windows::{Standing, Verified, WindowError},
};

/// The most windows that are looked at for one page: each takes a question to the node.
const MAX_LOOKS: u32 = 200;

/// The windows resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(positions))
}

/// A window without its positions.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WindowSummary {
    /// Its number.
    pub number: u32,
    /// `open`, `cut-off` or `settled`.
    pub state: String,
    /// The block that opened it; 0 for the first.
    pub opened_in: u32,
    /// The block after which it took no more obligations.
    pub cut_off_in: Option<u32>,
    /// The block that paid it.
    pub settled_in: Option<u32>,
    /// The vouchers in it.
    pub vouchers: u32,
}

/// A page of windows.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WindowPage {
    /// The newest first: the open one, then those before.
    pub windows: Vec<WindowSummary>,
    /// Send this as `cursor` for the next page; absent on the last one. A page may have fewer windows than asked for.
    pub next: Option<String>,
}

/// What a member is owed and owes in a window.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PositionView {
    /// Whose.
    #[schema(value_type = schema::Member)]
    pub member: Member,
    /// In what.
    #[schema(value_type = schema::Asset)]
    pub asset: Asset,
    /// The sum of what it is owed.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub owed: Amount,
    /// The sum of what it owes.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub owes: Amount,
    /// What it pays when the window is paid.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub net_debit: Amount,
    /// What it gets when the window is paid.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub net_credit: Amount,
}

/// A window with its positions.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WindowView {
    /// How far it is.
    #[serde(flatten)]
    pub summary: WindowSummary,
    /// In the order of their first obligation.
    pub positions: Vec<PositionView>,
    /// Who lacks how much, where it is cut off and can't be paid.
    #[schema(value_type = Vec<schema::windows::Shortfall>)]
    pub shortfalls: Vec<Shortfall>,
    /// Its certificate, where that was asked for and the window is paid.
    pub certificate: Option<CertificateView>,
}

/// A certificate beside what follows from the chain's events.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CertificateView {
    /// Whether the two are equal.
    pub agrees: bool,
    /// As the contract emitted it.
    #[schema(value_type = Option<schema::windows::Certificate>)]
    pub emitted: Option<Certificate>,
    /// As the retentions in its events lead to it.
    #[schema(value_type = schema::windows::Certificate)]
    pub recomputed: Certificate,
}

/// How far a member is from its net debit cap.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StandingView {
    /// In the window.
    #[serde(flatten)]
    pub position: PositionView,
    /// Its net debits in windows that are cut off and not paid.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub unsettled: Amount,
    /// How far it may go negative, over all of them.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub cap: Amount,
    /// How far it is, in percent of the cap, rounded down.
    pub used_percent: u8,
    /// Whether that is at or above the percentage that is configured here.
    pub alarm: bool,
}

/// Positions and caps.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Standings {
    /// The window's number.
    pub window: u32,
    /// Ascending by member; in the open window, every member that has a cap or owes something.
    pub positions: Vec<StandingView>,
    /// Send this as `cursor` for the next page; absent on the last one.
    pub next: Option<String>,
}

/// Which windows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WindowsQuery {
    /// `open`, `cut-off` or `settled`.
    state: Option<String>,
    /// Those in which this member has a position.
    #[param(value_type = Option<schema::Member>, inline)]
    member: Option<Member>,
    /// Those with positions in this asset: `native`, or the contract's account of a PSP22 token.
    #[param(value_type = Option<String>)]
    asset: Option<AssetName>,
    /// At most how many, 1 to 100; 50 if it isn't said.
    limit: Option<u32>,
    /// Where the page before said that this one begins; the start of the list if it isn't said.
    cursor: Option<String>,
}

impl WindowsQuery {
    fn permits(&self, summary: &WindowSummary, window: &Window) -> bool {
        let wanted = |(member, asset): &(Member, Asset)| {
            self.member.is_none_or(|wanted| wanted == *member) && self.asset.is_none_or(|wanted| wanted.0 == *asset)
        };
        let anybody = self.member.is_none() && self.asset.is_none();
        self.state.as_ref().is_none_or(|state| *state == summary.state)
            && (anybody || window.positions.iter().any(wanted))
    }
}

/// Whose positions, and in which window.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PositionsQuery {
    /// The window's number; the open one's if it isn't said.
    window: Option<u32>,
    /// Of this member only.
    #[param(value_type = Option<schema::Member>, inline)]
    member: Option<Member>,
    /// `native`, or the contract's account of a PSP22 token.
    #[param(value_type = Option<String>)]
    asset: Option<AssetName>,
    /// At most how many, 1 to 100; 50 if it isn't said.
    limit: Option<u32>,
    /// Where the page before said that this one begins; the start of the list if it isn't said.
    cursor: Option<String>,
}

impl Line for WindowSummary {
    const COLUMNS: &'static [&'static str] = &["window", "state", "vouchers", "opened_in", "cut_off_in", "settled_in"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.number.to_string(),
            self.state.clone(),
            self.vouchers.to_string(),
            self.opened_in.to_string(),
            cell(self.cut_off_in),
            cell(self.settled_in),
        ]
    }
}

/// A position with its window, for CSV.
struct StandingLine(u32, StandingView);

impl Line for StandingLine {
    const COLUMNS: &'static [&'static str] = &[
        "window",
        "member",
        "asset",
        "owed",
        "owes",
        "net_debit",
        "net_credit",
        "unsettled",
        "cap",
        "used_percent",
        "alarm",
    ];

    fn cells(&self) -> Vec<String> {
        let Self(window, standing) = self;
        let position = &standing.position;
        vec![
            window.to_string(),
            position.member.to_string(),
            AssetName(position.asset).to_string(),
            position.owed.to_string(),
            position.owes.to_string(),
            position.net_debit.to_string(),
            position.net_credit.to_string(),
            standing.unsettled.to_string(),
            standing.cap.to_string(),
            standing.used_percent.to_string(),
            standing.alarm.to_string(),
        ]
    }
}

/// How much of a window is shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WindowQuery {
    /// Work the certificate out again from the chain's events. The node has to keep the blocks of the window.
    #[serde(default)]
    verify: bool,
}

impl From<WindowError> for ApiError {
    fn from(error: WindowError) -> Self {
        match error {
            WindowError::Ledger(error) => error.into(),
            WindowError::Store(error) => error.into(),
            WindowError::Recompute(_) => ApiError::Internal(error.to_string()),
        }
    }
}

/// All windows, the newest first, at the latest finalized block.
#[utoipa::path(get, path = "/v1/windows", tag = "windows", security(("bearer" = [])),
    params(WindowsQuery),
    responses(
        (status = 200, description = "A page; as CSV where that is accepted", content((WindowPage = "application/json"), (String = "text/csv")),
            headers(("Link" = String, description = "The next page, if there is one"))),
        schema::ReadProblems
    ))]
async fn list(State(api): State<Api>, shown: Shown, Query(query): Query<WindowsQuery>) -> Result<Response, ApiError> {
    if let Some(state) = &query.state {
        if !["open", "cut-off", "settled"].contains(&state.as_str()) {
            return Err(ApiError::Malformed(format!(
                "no window is ever {state:?}: it is `open`, `cut-off` or `settled`"
            )));
        }
    }
    let limit = usize::try_from(paging::limit(query.limit)).unwrap_or(usize::MAX);
    let after: Option<u32> = paging::after(query.cursor.as_deref())?;
    let mut at = match after {
        Some(after) => after.checked_sub(1),
        None => Some(api.windows.open().await?),
    };
    let (mut windows, mut looks) = (Vec::new(), 0u32);
    while let Some(number) = at.filter(|_| windows.len() < limit && looks < MAX_LOOKS) {
        if let Some(window) = api.windows.window(number).await? {
            let summary = summary(number, &window);
            if query.permits(&summary, &window) {
                windows.push(summary);
            }
        }
        looks = looks.saturating_add(1);
        at = number.checked_sub(1);
    }
    let next = at.and_then(|next| next.checked_add(1));
    let next = next.map(|last| paging::cursor(&last)).transpose()?;
    let page = WindowPage {
        windows,
        next: next.clone(),
    };
    shown.answer(page, next.as_deref(), |page| page.windows.clone())
}

/// A window with its positions, at the latest finalized block.
#[utoipa::path(get, path = "/v1/windows/{window}", tag = "windows", security(("bearer" = [])),
    params(("window" = u32, Path, description = "The window's number"), WindowQuery),
    responses(
        (status = 200, description = "The window", body = WindowView),
        schema::ReadProblems
    ))]
async fn read(
    State(api): State<Api>,
    Path(number): Path<u32>,
    Query(query): Query<WindowQuery>,
) -> Result<Json<WindowView>, ApiError> {
    let window = api.windows.window(number).await?.ok_or_else(|| ApiError::NotFound {
        what: "window",
        id: number.to_string(),
    })?;
    let mut positions = Vec::with_capacity(window.positions.len());
    for (member, asset) in &window.positions {
        let position = api.windows.position(number, *member, *asset).await?;
        positions.push(position_view(*member, *asset, position));
    }
    let shortfalls = api.windows.shortfalls(number, &window).await?;
    let verified = if query.verify {
        api.windows.verify(number, &window).await?
    } else {
        None
    };
    Ok(Json(WindowView {
        summary: summary(number, &window),
        positions,
        shortfalls,
        certificate: verified.map(certificate_view),
    }))
}

/// Positions in a window, and how far their members are from their net debit caps, at the latest finalized block.
#[utoipa::path(get, path = "/v1/positions", tag = "windows", security(("bearer" = [])),
    params(PositionsQuery),
    responses(
        (status = 200, description = "A page; as CSV where that is accepted", content((Standings = "application/json"), (String = "text/csv")),
            headers(("Link" = String, description = "The next page, if there is one"))),
        schema::ReadProblems
    ))]
async fn positions(
    State(api): State<Api>,
    shown: Shown,
    Query(query): Query<PositionsQuery>,
) -> Result<Response, ApiError> {
    let after: Option<(Member, Asset)> = paging::after(query.cursor.as_deref())?;
    let (window, mut standings) = match query.window {
        None => (api.windows.open().await?, api.windows.standings().await?),
        Some(number) => {
            let found = api.windows.standings_in(number).await?;
            let standings = found.ok_or_else(|| ApiError::NotFound {
                what: "window",
                id: number.to_string(),
            })?;
            (number, standings)
        }
    };
    standings.sort_by_key(|standing| (standing.member, standing.asset));
    standings.retain(|standing| {
        query.member.is_none_or(|member| member == standing.member)
            && query.asset.is_none_or(|asset| asset.0 == standing.asset)
    });
    let key = |standing: &Standing| (standing.member, standing.asset);
    let (standings, next) = paging::cut(standings, key, after.as_ref(), paging::limit(query.limit))?;
    let page = Standings {
        window,
        positions: standings.into_iter().map(standing_view).collect(),
        next: next.clone(),
    };
    let line = |page: &Standings| {
        let positions = page.positions.iter().cloned();
        positions.map(|standing| StandingLine(page.window, standing)).collect()
    };
    shown.answer(page, next.as_deref(), line)
}

fn summary(number: u32, window: &Window) -> WindowSummary {
    let state = match window.state {
        WindowState::Open => "open",
        WindowState::CutOff => "cut-off",
        WindowState::Settled => "settled",
    };
    WindowSummary {
        number,
        state: state.to_owned(),
        opened_in: window.opened_in,
        cut_off_in: window.cut_off_in,
        settled_in: window.settled_in,
        vouchers: window.vouchers,
    }
}

fn position_view(member: Member, asset: Asset, position: protocol::windows::Position) -> PositionView {
    PositionView {
        member,
        asset,
        owed: position.owed,
        owes: position.owes,
        net_debit: position.net_debit(),
        net_credit: position.net_credit(),
    }
}

fn standing_view(standing: Standing) -> StandingView {
    StandingView {
        position: position_view(standing.member, standing.asset, standing.position),
        unsettled: standing.unsettled,
        cap: standing.cap,
        used_percent: standing.used_percent,
        alarm: standing.alarm,
    }
}

fn certificate_view(verified: Verified) -> CertificateView {
    CertificateView {
        agrees: verified.agrees(),
        emitted: verified.emitted,
        recomputed: verified.recomputed,
    }
}
