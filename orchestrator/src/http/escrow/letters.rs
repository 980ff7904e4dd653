//! Letters of other institutions about trades.
use axum::{extract::State, Extension};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{error::ApiError, extractor::Json, schema, Api};
use crate::{
    escrow::{
        messages::{Letter, Reply},
        EscrowError,
    },
    peers::Peer,
};

/// The letters resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(receive))
}

/// Another institution writes about a trade (S2.0). The same letter again gets the same reply.
#[utoipa::path(post, path = "/peer/v1/escrow-letters", tag = "peers", security(("signature" = [])),
    request_body = schema::escrow::Letter,
    responses(
        (status = 200, description = "Received, accepted or declined", body = schema::escrow::Reply),
        schema::PeerProblems
    ))]
async fn receive(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(letter): Json<Letter>,
) -> Result<Json<Reply>, ApiError> {
    record(&letter);
    let reply = api.escrow.on_letter(from, letter).await;
    Ok(Json(reply.map_err(rejection)?))
}

fn record(letter: &Letter) {
    let span = tracing::Span::current();
    match letter {
        Letter::Offer { offer, .. } => span.record("offer", tracing::field::display(offer.id())),
        Letter::Proposal { agreement, .. } | Letter::Evidence { agreement, .. } => {
            span.record("trade", tracing::field::display(agreement.id()))
        }
        Letter::Acceptance { agreement, .. }
        | Letter::Decline { agreement, .. }
        | Letter::Cancellation { agreement, .. } => span.record("trade", tracing::field::display(agreement)),
    };
}

/// A peer acts on the code, and an unknown trade is one that a letter on its way may tell of: it keeps its own code.
fn rejection(error: EscrowError) -> ApiError {
    match error {
        EscrowError::UnknownOffer(_) | EscrowError::UnknownTrade(_) => super::refused(&error),
        other => other.into(),
    }
}
