//! The programmes of the card issuers that this institution has to do with.
use axum::extract::State;
use protocol::{
    prepaid::{Float, Programme},
    settlement::Asset,
    text::to_hex,
    Member,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    auth::{Caller, Permission},
    credit::Acted,
    error::ApiError,
    extractor::{Json, OperationKey, Path},
    schema, Api,
};
use crate::{
    chain::deployment::to_ss58,
    prepaid::{ports::Act, Site},
};

/// The programmes resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read, set))
}

/// A card issuer's programme.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CardProgrammeView {
    /// The card issuer, by its index in the registry: the programme's name here.
    #[schema(value_type = schema::Member)]
    pub issuer: Member,
    /// Whether that is this institution.
    pub is_own: bool,
    /// The chain's genesis hash: part of what cards, terminals and holders sign.
    #[schema(value_type = schema::Bytes32)]
    pub genesis: String,
    /// The account of the issuer's contract: part of what they sign, too.
    #[schema(value_type = schema::Bytes32)]
    pub contract: String,
    /// The same in SS58.
    pub address: String,
    /// What the cards hold; absent while the chain can't be read.
    #[schema(value_type = Option<schema::Asset>)]
    pub asset: Option<Asset>,
    /// What holds for all cards and merchants; absent while the chain can't be read.
    #[schema(value_type = Option<schema::prepaid::CardProgramme>)]
    pub programme: Option<Programme>,
    /// What the contract holds for cards and merchants; absent while the chain can't be read.
    #[schema(value_type = Option<schema::prepaid::CardFloat>)]
    pub float: Option<Float>,
    /// Why the chain can't be read.
    pub problem: Option<String>,
}

/// The programmes of the card issuers that this institution has to do with: its own, and those whose cards its merchants take.
#[utoipa::path(get, path = "/v1/prepaid/programmes", tag = "prepaid", security(("bearer" = [])),
    responses(
        (status = 200, description = "In the order of the configuration, its own first", body = Vec<CardProgrammeView>),
        schema::ReadProblems
    ))]
async fn list(State(api): State<Api>) -> Json<Vec<CardProgrammeView>> {
    let own = api.prepaid.member();
    Json(
        api.prepaid
            .sites()
            .await
            .into_iter()
            .map(|site| view(site, own))
            .collect(),
    )
}

/// A card issuer's programme, at the latest finalized block.
#[utoipa::path(get, path = "/v1/prepaid/programmes/{issuer}", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry")),
    responses(
        (status = 200, description = "As it stands", body = CardProgrammeView),
        schema::ReadProblems
    ))]
async fn read(State(api): State<Api>, Path(issuer): Path<Member>) -> Result<Json<CardProgrammeView>, ApiError> {
    Ok(Json(view(api.prepaid.site(issuer).await?, api.prepaid.member())))
}

/// Says what holds for all cards and merchants from now on, and waits for finality.
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = schema::prepaid::CardProgramme,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn set(
    api: State<Api>,
    caller: Caller,
    Path(issuer): Path<Member>,
    key: OperationKey,
    Json(programme): Json<Programme>,
) -> Result<Json<Acted>, ApiError> {
    super::act(
        api,
        &caller,
        Permission::RunCards,
        issuer,
        key,
        Act::SetProgramme(programme),
    )
    .await
}

fn view(site: Site, own: Member) -> CardProgrammeView {
    let (standing, problem) = match site.standing {
        Ok(standing) => (Some(standing), None),
        Err(error) => (None, Some(error.to_string())),
    };
    CardProgrammeView {
        issuer: site.issuer,
        is_own: site.issuer == own,
        genesis: to_hex(&site.genesis),
        contract: to_hex(&site.contract.0),
        address: to_ss58(&site.contract),
        asset: standing.map(|standing| standing.asset),
        programme: standing.map(|standing| standing.programme),
        float: standing.map(|standing| standing.float),
        problem,
    }
}
