//! Limits: what users may move, and how far members may go negative.
use axum::{extract::State, response::Response};
use protocol::{fees::Service, settlement::Asset, Amount, Member};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::ApiError,
    extractor::Query,
    paging::{self, cell, Line, Shown},
    schema, Api,
};
use crate::{
    assets::AssetName,
    store::listing::{UserFilter, UserLimit},
    windows::Standing,
};

/// The limits resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(users)).routes(routes!(caps))
}

/// What a user may move.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UserLimitView {
    /// The number that the institution knows the user by.
    pub user: String,
    /// The most that one transaction may move.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub per_transaction: Amount,
    /// The most that payments may take in one day of UTC; no limit if it is absent.
    #[serde(with = "protocol::text::optional_amount")]
    #[schema(value_type = Option<schema::Amount>)]
    pub per_day: Option<Amount>,
    /// What payments took today, or will.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub spent_today: Amount,
    /// The kinds of payments that the user may use; all if it is absent.
    #[schema(value_type = Option<Vec<schema::Service>>)]
    pub services: Option<Vec<Service>>,
    /// Whether all its requests are refused.
    pub blocked: bool,
}

/// A page of users' limits.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UserLimitPage {
    /// By the users' numbers.
    pub limits: Vec<UserLimitView>,
    /// Send this as `cursor` for the next page; absent on the last one.
    pub next: Option<String>,
}

/// How far a member may go negative, over all windows that are not paid.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CapView {
    /// Whose.
    #[schema(value_type = schema::Member)]
    pub member: Member,
    /// In what.
    #[schema(value_type = schema::Asset)]
    pub asset: Asset,
    /// How far it may go negative.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub cap: Amount,
    /// How far it is: in windows that are not paid, and in the open one.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub used: Amount,
    /// How much further it may go.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub headroom: Amount,
    /// How far it is, in percent of the cap, rounded down.
    pub used_percent: u8,
    /// Whether that is at or above the percentage that is configured here.
    pub alarm: bool,
}

/// A page of net debit caps.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CapPage {
    /// Ascending by member.
    pub caps: Vec<CapView>,
    /// Send this as `cursor` for the next page; absent on the last one.
    pub next: Option<String>,
}

/// Which users.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserLimitQuery {
    /// Whether they are blocked.
    blocked: Option<bool>,
    /// At most how many, 1 to 100; 50 if it isn't said.
    limit: Option<u32>,
    /// Where the page before said that this one begins; the start of the list if it isn't said.
    cursor: Option<String>,
}

/// Whose caps.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CapQuery {
    /// Of this member only.
    #[param(value_type = Option<schema::Member>, inline)]
    member: Option<Member>,
    /// `native`, or the contract's account of a PSP22 token.
    #[param(value_type = Option<String>)]
    asset: Option<AssetName>,
    /// Only those that are near their caps, or only the others.
    alarm: Option<bool>,
    /// At most how many, 1 to 100; 50 if it isn't said.
    limit: Option<u32>,
    /// Where the page before said that this one begins; the start of the list if it isn't said.
    cursor: Option<String>,
}

impl Line for UserLimitView {
    const COLUMNS: &'static [&'static str] = &[
        "user",
        "per_transaction",
        "per_day",
        "spent_today",
        "services",
        "blocked",
    ];

    fn cells(&self) -> Vec<String> {
        let services = self.services.iter().flatten().map(|service| format!("{service:?}"));
        vec![
            self.user.clone(),
            self.per_transaction.to_string(),
            cell(self.per_day),
            self.spent_today.to_string(),
            services.collect::<Vec<_>>().join(" "),
            self.blocked.to_string(),
        ]
    }
}

impl Line for CapView {
    const COLUMNS: &'static [&'static str] = &["member", "asset", "cap", "used", "headroom", "used_percent", "alarm"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.member.to_string(),
            AssetName(self.asset).to_string(),
            self.cap.to_string(),
            self.used.to_string(),
            self.headroom.to_string(),
            self.used_percent.to_string(),
            self.alarm.to_string(),
        ]
    }
}

/// What the institution's users may move, and what they moved today.
#[utoipa::path(get, path = "/v1/limits/users", tag = "limits", security(("bearer" = [])),
    params(UserLimitQuery),
    responses(
        (status = 200, description = "A page; as CSV where that is accepted", content((UserLimitPage = "application/json"), (String = "text/csv")),
            headers(("Link" = String, description = "The next page, if there is one"))),
        schema::ReadProblems
    ))]
async fn users(
    State(api): State<Api>,
    shown: Shown,
    Query(query): Query<UserLimitQuery>,
) -> Result<Response, ApiError> {
    let after: Option<String> = paging::after(query.cursor.as_deref())?;
    let limit = paging::limit(query.limit);
    let filter = UserFilter { blocked: query.blocked };
    let found = api
        .settlement
        .user_limits(&filter, after.as_deref().unwrap_or_default(), limit)
        .await?;
    let is_full = found.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let last = found.last().filter(|_| is_full);
    let next = last.map(|last| paging::cursor(&last.user.number)).transpose()?;
    let page = UserLimitPage {
        limits: found.into_iter().map(user_view).collect(),
        next: next.clone(),
    };
    shown.answer(page, next.as_deref(), |page| page.limits.clone())
}

/// Every member's net debit cap and how much of it is used, at the latest finalized block.
#[utoipa::path(get, path = "/v1/limits/caps", tag = "limits", security(("bearer" = [])),
    params(CapQuery),
    responses(
        (status = 200, description = "A page; as CSV where that is accepted", content((CapPage = "application/json"), (String = "text/csv")),
            headers(("Link" = String, description = "The next page, if there is one"))),
        schema::ReadProblems
    ))]
async fn caps(State(api): State<Api>, shown: Shown, Query(query): Query<CapQuery>) -> Result<Response, ApiError> {
    let after: Option<(Member, Asset)> = paging::after(query.cursor.as_deref())?;
    let mut standings = api.windows.standings().await?;
    standings.retain(|standing| {
        query.member.is_none_or(|member| member == standing.member)
            && query.asset.is_none_or(|asset| asset.0 == standing.asset)
            && query.alarm.is_none_or(|alarm| alarm == standing.alarm)
    });
    let key = |standing: &Standing| (standing.member, standing.asset);
    let (standings, next) = paging::cut(standings, key, after.as_ref(), paging::limit(query.limit))?;
    let page = CapPage {
        caps: standings.into_iter().map(cap_view).collect(),
        next: next.clone(),
    };
    shown.answer(page, next.as_deref(), |page| page.caps.clone())
}

fn user_view(limit: UserLimit) -> UserLimitView {
    UserLimitView {
        user: limit.user.number,
        per_transaction: limit.user.limit,
        per_day: limit.user.daily_limit,
        spent_today: limit.spent_today,
        services: limit.user.services,
        blocked: limit.user.blocked,
    }
}

fn cap_view(standing: Standing) -> CapView {
    let used = standing.used();
    CapView {
        member: standing.member,
        asset: standing.asset,
        cap: standing.cap,
        used,
        headroom: standing.cap.saturating_sub(used),
        used_percent: standing.used_percent,
        alarm: standing.alarm,
    }
}
