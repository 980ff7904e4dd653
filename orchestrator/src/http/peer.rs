//! What other institutions ask of this one. The layer in front has authenticated the sender.
use axum::{extract::State, Extension};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{error::ApiError, extractor::Json, schema, Api};
use crate::{
    peers::Peer,
    settlement::{
        messages::{
            Answer, Attestation, AttestationRequest, Confirmation, Consent, Proposal, RelationDraft, RetentionProgress,
            RetentionRequest, RetentionVoucher,
        },
        Fault,
    },
};

/// The peer resources.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(propose))
        .routes(routes!(retain))
        .routes(routes!(attest))
        .routes(routes!(relate))
        .routes(routes!(deliver))
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        let code = fault.code();
        match fault {
            // Ours, not the sender's: it asks again.
            Fault::Store(error) => error.into(),
            Fault::Unavailable(_) => ApiError::ChainUnavailable(fault.to_string()),
            wrong => ApiError::Refused {
                code: code.into(),
                detail: wrong.to_string(),
            },
        }
    }
}

/// An originator asks to co-sign a voucher (S0.3).
#[utoipa::path(post, path = "/peer/v1/proposals", tag = "peers", security(("signature" = [])),
    request_body = schema::Proposal,
    responses(
        (status = 200, description = "Co-signed or refused; the same question gets the same answer", body = schema::ConfirmationAnswer),
        schema::PeerProblems
    ))]
async fn propose(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(proposal): Json<Proposal>,
) -> Result<Json<Answer<Confirmation>>, ApiError> {
    tracing::Span::current().record("voucher", tracing::field::display(proposal.voucher.id()));
    Ok(Json(api.settlement.on_proposal(from, proposal).await?))
}

/// An originator asks the notary to retain a co-signed voucher, until the answer is final (S0.6).
#[utoipa::path(post, path = "/peer/v1/retentions", tag = "peers", security(("signature" = [])),
    request_body = schema::RetentionRequest,
    responses(
        (status = 200, description = "How far the notary is", body = schema::RetentionProgress),
        schema::PeerProblems
    ))]
async fn retain(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(request): Json<RetentionRequest>,
) -> Result<Json<RetentionProgress>, ApiError> {
    tracing::Span::current().record("voucher", tracing::field::display(request.voucher.id()));
    Ok(Json(api.settlement.on_retention_request(from, request).await?))
}

/// A notary asks a destination whether it stands by a voucher (S0.7).
#[utoipa::path(post, path = "/peer/v1/attestations", tag = "peers", security(("signature" = [])),
    request_body = schema::AttestationRequest,
    responses(
        (status = 200, description = "Its word, or a refusal", body = schema::AttestationAnswer),
        schema::PeerProblems
    ))]
async fn attest(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(request): Json<AttestationRequest>,
) -> Result<Json<Answer<Attestation>>, ApiError> {
    tracing::Span::current().record("voucher", tracing::field::display(request.voucher.id()));
    Ok(Json(api.settlement.on_attestation_request(from, request).await?))
}

/// A notary asks a party to co-sign a relation (S0.9).
#[utoipa::path(post, path = "/peer/v1/relations", tag = "peers", security(("signature" = [])),
    request_body = schema::RelationDraft,
    responses(
        (status = 200, description = "Both signatures, or a refusal", body = schema::ConsentAnswer),
        schema::PeerProblems
    ))]
async fn relate(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(draft): Json<RelationDraft>,
) -> Result<Json<Answer<Consent>>, ApiError> {
    tracing::Span::current().record("voucher", tracing::field::display(draft.voucher.id()));
    Ok(Json(api.settlement.on_relation_draft(from, draft).await?))
}

/// A notary hands over what it retained (S0.9).
#[utoipa::path(post, path = "/peer/v1/retention-vouchers", tag = "peers", security(("signature" = [])),
    request_body = schema::RetentionVoucher,
    responses(
        (status = 200, description = "Received and kept: the body is `null`", body = ()),
        schema::PeerProblems
    ))]
async fn deliver(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(voucher): Json<RetentionVoucher>,
) -> Result<Json<()>, ApiError> {
    tracing::Span::current().record("voucher", tracing::field::display(voucher.voucher.id()));
    api.settlement.on_retention_voucher(from, voucher).await?;
    Ok(Json(()))
}
