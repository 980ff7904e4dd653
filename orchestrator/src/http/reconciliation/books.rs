//! The books that the institution takes part in, and how one is opened.
use axum::extract::State;
use protocol::{
    reconciliation::{Side, Terms},
    Member, Signature, Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        auth::{Caller, Permission},
        error::ApiError,
        extractor::{Json, OperationKey, Path},
        ports::BlockInfo,
        schema, Api,
    },
    BookNumber,
};
use crate::{
    reconciliation::{books::AgreedTerms, schedule, settings::OwnBook},
    store::books::KnownBook,
};

/// The resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, open))
        .routes(routes!(sign))
        .routes(routes!(read))
}

/// A book, as the institution keeps it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BookView {
    /// Its number.
    pub book: u32,
    /// What both sides signed.
    #[schema(value_type = schema::reconciliation::BookTerms)]
    pub terms: Terms,
    /// Which side of it the institution is: `debit` owes, `credit` is owed; absent where it is neither.
    #[schema(value_type = Option<String>)]
    pub side: Option<Side>,
    /// Whether the institution records what customers paid.
    pub is_client: bool,
    /// Where its own lines come from: `delivered` or `imported`.
    #[schema(value_type = String)]
    pub own: OwnBook,
    /// This day and all before it are final, such as `2026-11-25`.
    pub closed_through: Option<String>,
    /// The days after it on which something counts.
    pub open_days: Vec<String>,
    /// The finalized block in which it was opened.
    pub opened_in: u32,
    /// What isn't done yet with what the institution recorded as its client.
    pub backlog: Option<BacklogView>,
}

/// What isn't done yet with what a client recorded.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct BacklogView {
    /// Entries that aren't on the finalized chain yet.
    pub waiting: u64,
    /// Entries that a side wasn't told of yet.
    pub undelivered: u64,
    /// Entries that the chain will never take.
    pub refused: u64,
}

/// What a side is to sign.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TermsRequest {
    /// Of the book.
    #[schema(value_type = schema::reconciliation::BookTerms)]
    pub terms: Terms,
    /// The signature is good strictly before.
    #[schema(value_type = schema::Timestamp)]
    pub expires_at: Timestamp,
}

/// Terms with the institution's signature: hand it to the other side, which signs the same.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SignedTermsView {
    /// What is signed.
    #[schema(value_type = schema::reconciliation::BookTerms)]
    pub terms: Terms,
    /// The registry's epoch at signing: both sides sign in the same.
    pub epoch: u32,
    /// Good strictly before.
    #[schema(value_type = schema::Timestamp)]
    pub expires_at: Timestamp,
    /// Whose signature it is.
    #[schema(value_type = schema::Member)]
    pub member: Member,
    /// It.
    #[schema(value_type = schema::Signature)]
    pub signature: Signature,
    /// The book of these terms, if it is open already.
    pub book: Option<u32>,
}

/// Terms with both sides' signatures.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenBookRequest {
    /// What both signed.
    #[schema(value_type = schema::reconciliation::BookTerms)]
    pub terms: Terms,
    /// The registry's epoch at signing.
    pub epoch: u32,
    /// Good strictly before.
    #[schema(value_type = schema::Timestamp)]
    pub expires_at: Timestamp,
    /// The debit side's.
    #[schema(value_type = schema::Signature)]
    pub debit: Signature,
    /// The credit side's.
    #[schema(value_type = schema::Signature)]
    pub credit: Signature,
}

/// A book that is open.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenedBookView {
    /// Its number.
    pub book: u32,
    /// The finalized block that opened it; absent where it was open before.
    pub block: Option<BlockInfo>,
}

/// The books that the institution takes part in, as a side or as their client.
#[utoipa::path(get, path = "/v1/reconciliation/books", tag = "reconciliation", security(("bearer" = [])),
    responses(
        (status = 200, description = "By number", body = Vec<BookView>),
        schema::ReadProblems
    ))]
async fn list(State(api): State<Api>) -> Result<Json<Vec<BookView>>, ApiError> {
    let mut views = Vec::new();
    for known in api.reconciliation.books().all().await? {
        views.push(view(&api, known).await?);
    }
    Ok(Json(views))
}

/// A book that the institution takes part in.
#[utoipa::path(get, path = "/v1/reconciliation/books/{book}", tag = "reconciliation", security(("bearer" = [])),
    params(("book" = u32, Path, description = "Its number")),
    responses(
        (status = 200, description = "As it stands", body = BookView),
        schema::ReadProblems
    ))]
async fn read(State(api): State<Api>, Path(book): Path<BookNumber>) -> Result<Json<BookView>, ApiError> {
    let known = api.reconciliation.books().book(book.into()).await?;
    Ok(Json(view(&api, known).await?))
}

/// Signs a book's terms as one of its sides. Nothing is sent: both sides' signatures open the book.
#[utoipa::path(post, path = "/v1/reconciliation/books/terms", tag = "reconciliation", security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = TermsRequest,
    responses(
        (status = 200, description = "Signed", body = SignedTermsView),
        schema::WriteProblems
    ))]
async fn sign(
    State(api): State<Api>,
    caller: Caller,
    Json(request): Json<TermsRequest>,
) -> Result<Json<SignedTermsView>, ApiError> {
    caller.require(Permission::Reconcile)?;
    let signed = api.reconciliation.sign_terms(request.terms, request.expires_at).await?;
    Ok(Json(SignedTermsView {
        terms: signed.terms,
        epoch: signed.epoch,
        expires_at: signed.expires_at,
        member: signed.member,
        signature: signed.signature,
        book: signed.book.map(|book| book.0),
    }))
}

/// Opens a book with both sides' signatures, and waits for finality.
#[utoipa::path(post, path = "/v1/reconciliation/books", tag = "reconciliation", security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = OpenBookRequest,
    responses(
        (status = 200, description = "It is open", body = OpenedBookView),
        schema::WriteProblems
    ))]
async fn open(
    State(api): State<Api>,
    caller: Caller,
    OperationKey(key): OperationKey,
    Json(request): Json<OpenBookRequest>,
) -> Result<Json<OpenedBookView>, ApiError> {
    caller.require(Permission::Reconcile)?;
    let agreed = AgreedTerms {
        terms: request.terms,
        epoch: request.epoch,
        expires_at: request.expires_at,
        debit: request.debit,
        credit: request.credit,
    };
    let (book, block) = api.reconciliation.open_book(&key, agreed).await?;
    Ok(Json(OpenedBookView {
        book: book.0,
        block: block.map(BlockInfo::from),
    }))
}

async fn view(api: &Api, known: KnownBook) -> Result<BookView, ApiError> {
    let books = api.reconciliation.books();
    let member = api.reconciliation.member();
    let is_client = known.terms.client == member;
    let backlog = match is_client {
        true => {
            let (waiting, undelivered, refused) = api.store.client_backlog(known.book).await?;
            Some(BacklogView {
                waiting,
                undelivered,
                refused,
            })
        }
        false => None,
    };
    let mut days = api.store.chain_days(known.book).await?;
    days.retain(|day| !known.is_closed(*day));
    Ok(BookView {
        book: known.book.0,
        side: known.side_of(member),
        is_client,
        own: books.settings(known.book).own,
        closed_through: known.closed_through.map(schedule::write),
        open_days: days.into_iter().map(schedule::write).collect(),
        opened_in: known.block,
        backlog,
        terms: known.terms,
    })
}
