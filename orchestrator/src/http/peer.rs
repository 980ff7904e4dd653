//! What other institutions ask of this one. The layer in front has authenticated the sender.
use axum::{extract::State, Extension};
use protocol::signing::MemberSignature;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{error::ApiError, extractor::Json, schema, Api};
use crate::{
    peers::Peer,
    settlement::{
        messages::{
            Answer, Assistance, AssistanceRequest, Attestation, AttestationRequest, BatchDraft, Confirmation, Consent,
            Proposal, RelationDraft, RetentionDraft, RetentionProgress, RetentionRequest, RetentionVoucher,
        },
        Fault,
    },
};

/// The peer resources.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(propose))
        .routes(routes!(assist))
        .routes(routes!(retain))
        .routes(routes!(attest))
        .routes(routes!(co_sign))
        .routes(routes!(relate))
        .routes(routes!(sign_batch))
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

/// A destination asks an assisting institution whether it has anything against a payment (S0.4).
#[utoipa::path(post, path = "/peer/v1/assistances", tag = "peers", security(("signature" = [])),
    request_body = schema::AssistanceRequest,
    responses(
        (status = 200, description = "Nothing, or a refusal; the same question gets the same answer", body = schema::AssistanceAnswer),
        schema::PeerProblems
    ))]
async fn assist(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(request): Json<AssistanceRequest>,
) -> Result<Json<Answer<Assistance>>, ApiError> {
    tracing::Span::current().record("voucher", tracing::field::display(request.proposal.voucher.id()));
    Ok(Json(api.settlement.on_assistance_request(from, request).await?))
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

/// A leading notary asks another one to verify a retention itself and to sign it too (S0.7 to S0.9).
#[utoipa::path(post, path = "/peer/v1/retention-drafts", tag = "peers", security(("signature" = [])),
    request_body = schema::RetentionDraft,
    responses(
        (status = 200, description = "Both signatures, or a refusal", body = schema::ConsentAnswer),
        schema::PeerProblems
    ))]
async fn co_sign(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(draft): Json<RetentionDraft>,
) -> Result<Json<Answer<Consent>>, ApiError> {
    tracing::Span::current().record("voucher", tracing::field::display(draft.request.voucher.id()));
    Ok(Json(api.settlement.on_retention_draft(from, draft).await?))
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

/// A notary asks for one signature under several retentions that this institution signed for by themselves (S0.9).
#[utoipa::path(post, path = "/peer/v1/batches", tag = "peers", security(("signature" = [])),
    request_body = schema::BatchDraft,
    responses(
        (status = 200, description = "The signature; the same batch gets the same one", body = schema::MemberSignature),
        schema::PeerProblems
    ))]
async fn sign_batch(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(draft): Json<BatchDraft>,
) -> Result<Json<MemberSignature>, ApiError> {
    Ok(Json(api.settlement.on_batch_draft(from, draft).await?))
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
