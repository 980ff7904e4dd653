//! Clearing relations: who owes whom because of the retained payments of this institution.
use axum::{extract::State, response::Response};
use protocol::{settlement::Obligation, RelationId, VoucherId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::ApiError,
    extractor::{Json, Path, Query},
    filters::PaymentQuery,
    paging::{self, cell, Line, Shown},
    schema, Api,
};
use crate::{
    assets::AssetName,
    settlement::Payment,
    store::{listing::PaymentFilter, Place},
};

/// The relations resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read))
}

/// A clearing relation as this institution knows it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RelationView {
    /// Its id.
    #[schema(value_type = schema::Bytes32)]
    pub id: RelationId,
    /// The voucher that it follows from.
    #[schema(value_type = schema::Bytes32)]
    pub voucher: VoucherId,
    /// Who owes whom what: the principal, then the fees.
    #[schema(value_type = Vec<schema::Obligation>)]
    pub obligations: Vec<Obligation>,
    /// The window that it is settled in; absent: by itself.
    pub window: Option<u32>,
    /// The finalized block that retained it.
    pub retained_in: Option<u32>,
    /// The finalized block in which the last debtor paid.
    pub cleared_in: Option<u32>,
}

/// A page of relations.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RelationPage {
    /// The newest first.
    pub relations: Vec<RelationView>,
    /// Send this as `cursor` for the next page; absent on the last one.
    pub next: Option<String>,
}

/// An obligation of a relation, for CSV.
struct ObligationLine {
    relation: RelationView,
    place: usize,
    owed: Obligation,
}

impl Line for ObligationLine {
    const COLUMNS: &'static [&'static str] = &[
        "relation",
        "voucher",
        "obligation",
        "what",
        "debtor",
        "creditor",
        "asset",
        "amount",
        "window",
        "retained_in",
        "cleared_in",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.relation.id.to_string(),
            self.relation.voucher.to_string(),
            self.place.to_string(),
            if self.place == 0 { "principal" } else { "fee" }.to_owned(),
            self.owed.debtor.to_string(),
            self.owed.creditor.to_string(),
            AssetName(self.owed.asset).to_string(),
            self.owed.amount.to_string(),
            cell(self.relation.window),
            cell(self.relation.retained_in),
            cell(self.relation.cleared_in),
        ]
    }
}

/// The clearing relations of this institution's retained payments, the newest payment first; as CSV, a row for each
/// obligation.
#[utoipa::path(get, path = "/v1/relations", tag = "payments", security(("bearer" = [])),
    params(PaymentQuery),
    responses(
        (status = 200, description = "A page; as CSV where that is accepted", content((RelationPage = "application/json"), (String = "text/csv")),
            headers(("Link" = String, description = "The next page, if there is one"))),
        schema::ReadProblems
    ))]
async fn list(State(api): State<Api>, shown: Shown, Query(query): Query<PaymentQuery>) -> Result<Response, ApiError> {
    let (filter, page) = query.read(api.chain.member())?;
    let filter = PaymentFilter {
        retained: true,
        ..filter
    };
    let payments = api.settlement.payments(&filter, &page).await?;
    let next = paging::next(&page, &payments, |payment| Place {
        at: payment.created_at,
        id: payment.id.to_string(),
    })?;
    let page = RelationPage {
        relations: payments.into_iter().filter_map(view).collect(),
        next: next.clone(),
    };
    shown.answer(page, next.as_deref(), |page| {
        page.relations.iter().flat_map(lines).collect()
    })
}

/// One clearing relation.
#[utoipa::path(get, path = "/v1/relations/{relation}", tag = "payments", security(("bearer" = [])),
    params(("relation" = schema::Bytes32, Path, description = "The relation's id")),
    responses(
        (status = 200, description = "Who owes whom what", body = RelationView),
        schema::ReadProblems
    ))]
async fn read(State(api): State<Api>, Path(id): Path<RelationId>) -> Result<Json<RelationView>, ApiError> {
    let found = api.settlement.payment_of(id).await?.and_then(view);
    found.map(Json).ok_or_else(|| ApiError::NotFound {
        what: "relation",
        id: id.to_string(),
    })
}

fn view(payment: Payment) -> Option<RelationView> {
    Some(RelationView {
        id: payment.relation?,
        voucher: payment.id,
        obligations: payment.obligations,
        window: payment.window,
        retained_in: payment.retained_in,
        cleared_in: payment.cleared_in,
    })
}

fn lines(relation: &RelationView) -> Vec<ObligationLine> {
    let line = |(place, owed): (usize, &Obligation)| ObligationLine {
        relation: relation.clone(),
        place,
        owed: *owed,
    };
    relation.obligations.iter().enumerate().map(line).collect()
}
