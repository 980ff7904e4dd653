//! The vouchers of this institution's payments: what everybody involved signed.
use axum::{extract::State, response::Response};
use protocol::{settlement::Voucher, Timestamp, VoucherId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::ApiError,
    extractor::{Json, Path, Query},
    filters::PaymentQuery,
    paging::{self, Line, Shown},
    schema, Api,
};
use crate::{assets::AssetName, settlement::Payment, store::Place};

/// The vouchers resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read))
}

/// A voucher and what became of it here.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VoucherView {
    /// Its id: sha256 of what was signed.
    #[schema(value_type = schema::Bytes32)]
    pub id: VoucherId,
    /// What was signed.
    #[schema(value_type = schema::Voucher)]
    pub voucher: Voucher,
    /// What this institution is in it.
    pub role: String,
    /// How far its payment is.
    pub state: String,
    /// When this institution first saw it.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
}

/// A page of vouchers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VoucherPage {
    /// The newest first.
    pub vouchers: Vec<VoucherView>,
    /// Send this as `cursor` for the next page; absent on the last one.
    pub next: Option<String>,
}

impl Line for VoucherView {
    const COLUMNS: &'static [&'static str] = &[
        "voucher",
        "sequence",
        "originator",
        "home",
        "others",
        "user",
        "wallet",
        "kind",
        "asset",
        "amount",
        "settlement",
        "fees",
        "issued_at",
        "expires_at",
        "role",
        "state",
    ];

    fn cells(&self) -> Vec<String> {
        let voucher = &self.voucher;
        let others: Vec<String> = voucher.others.iter().map(ToString::to_string).collect();
        vec![
            self.id.to_string(),
            voucher.sequence.to_string(),
            voucher.originator.to_string(),
            voucher.home.to_string(),
            others.join(" "),
            voucher.user.to_string(),
            protocol::text::to_hex(&voucher.wallet.0),
            format!("{:?}", protocol::fees::Service::from(voucher.kind)),
            AssetName(voucher.asset).to_string(),
            voucher.amount.to_string(),
            format!("{:?}", voucher.settlement),
            voucher.fees.to_string(),
            voucher.issued_at.to_string(),
            voucher.expires_at.to_string(),
            self.role.clone(),
            self.state.clone(),
        ]
    }
}

/// The vouchers of this institution's payments, the newest first.
#[utoipa::path(get, path = "/v1/vouchers", tag = "payments", security(("bearer" = [])),
    params(PaymentQuery),
    responses(
        (status = 200, description = "A page; as CSV where that is accepted", content((VoucherPage = "application/json"), (String = "text/csv")),
            headers(("Link" = String, description = "The next page, if there is one"))),
        schema::ReadProblems
    ))]
async fn list(State(api): State<Api>, shown: Shown, Query(query): Query<PaymentQuery>) -> Result<Response, ApiError> {
    let (filter, page) = query.read(api.chain.member())?;
    let payments = api.settlement.payments(&filter, &page).await?;
    let next = paging::next(&page, &payments, |payment| Place {
        at: payment.created_at,
        id: payment.id.to_string(),
    })?;
    let page = VoucherPage {
        vouchers: payments.into_iter().map(view).collect(),
        next: next.clone(),
    };
    shown.answer(page, next.as_deref(), |page| page.vouchers.clone())
}

/// One voucher.
#[utoipa::path(get, path = "/v1/vouchers/{voucher}", tag = "payments", security(("bearer" = [])),
    params(("voucher" = schema::Bytes32, Path, description = "The voucher's id")),
    responses(
        (status = 200, description = "What was signed", body = VoucherView),
        schema::ReadProblems
    ))]
async fn read(State(api): State<Api>, Path(id): Path<VoucherId>) -> Result<Json<VoucherView>, ApiError> {
    let payment = api.settlement.payment(id).await?.ok_or_else(|| ApiError::NotFound {
        what: "voucher",
        id: id.to_string(),
    })?;
    Ok(Json(view(payment)))
}

fn view(payment: Payment) -> VoucherView {
    VoucherView {
        id: payment.id,
        voucher: payment.voucher,
        role: payment.role.to_string(),
        state: payment.state.as_str().to_owned(),
        created_at: payment.created_at,
    }
}
