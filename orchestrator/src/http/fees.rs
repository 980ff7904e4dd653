//! Published fee schedules.
use axum::{extract::State, response::Response};
use protocol::fees::{FeeRule, Service};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::ApiError,
    extractor::Query,
    paging::{Line, Shown},
    schema, Api,
};
use crate::assets::AssetName;

/// The fees resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(read))
}

/// Which schedule.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FeesQuery {
    /// Its version; the latest one's if it isn't said.
    version: Option<u32>,
    /// Only its rules for this kind of payment.
    #[param(value_type = Option<schema::Service>, inline)]
    service: Option<Service>,
    /// Only its rules for this asset: `native`, or the contract's account of a PSP22 token.
    #[param(value_type = Option<String>)]
    asset: Option<AssetName>,
}

/// A fee schedule.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FeeSchedule {
    /// Its version. 0 is the empty one, from before the notaries published any.
    pub version: u32,
    /// Its rules: for each payment, every rule of its kind and asset applies.
    #[schema(value_type = Vec<schema::decisions::FeeRule>)]
    pub rules: Vec<FeeRule>,
}

/// A rule with its schedule's version, for CSV.
struct RuleLine(u32, FeeRule);

impl Line for RuleLine {
    const COLUMNS: &'static [&'static str] = &[
        "version",
        "service",
        "asset",
        "payee",
        "flat",
        "parts_per_million",
        "at_most",
    ];

    fn cells(&self) -> Vec<String> {
        let Self(version, rule) = self;
        vec![
            version.to_string(),
            format!("{:?}", rule.service),
            AssetName(rule.asset).to_string(),
            format!("{:?}", rule.payee),
            rule.flat.to_string(),
            rule.parts_per_million.to_string(),
            rule.at_most.to_string(),
        ]
    }
}

/// A fee schedule, at the latest finalized block. A payment's voucher says which version it falls under.
#[utoipa::path(get, path = "/v1/fees", tag = "fees", security(("bearer" = [])),
    params(FeesQuery),
    responses(
        (status = 200, description = "The schedule; as CSV where that is accepted", content((FeeSchedule = "application/json"), (String = "text/csv"))),
        schema::ReadProblems
    ))]
async fn read(State(api): State<Api>, shown: Shown, Query(query): Query<FeesQuery>) -> Result<Response, ApiError> {
    let ledger = api.decisions.ledger();
    let version = match query.version {
        Some(version) => version,
        None => ledger.current().await?.fees,
    };
    let mut rules = ledger.schedule(version).await?.ok_or_else(|| ApiError::NotFound {
        what: "fee schedule",
        id: version.to_string(),
    })?;
    rules.retain(|rule| {
        query.service.is_none_or(|service| service == rule.service)
            && query.asset.is_none_or(|asset| asset.0 == rule.asset)
    });
    let lines = |schedule: &FeeSchedule| {
        let rules = schedule.rules.iter();
        rules.map(|rule| RuleLine(schedule.version, *rule)).collect()
    };
    shown.answer(FeeSchedule { version, rules }, None, lines)
}
