//! Files of the institution's own books.
use std::{collections::BTreeMap, io::Write, sync::Arc};

use axum::{
    body::Body,
    extract::{MatchedPath, State},
    http::{request::Parts, Extensions, Method},
    response::Response,
    Extension,
};
use futures::StreamExt;
use protocol::{text::to_hex, Amount, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        auth::{Caller, Permission},
        error::ApiError,
        extractor::{Json, Path, Query},
        paging::{self, cell, Line, Shown},
        schema, Api,
    },
    lines::{line_view, BookLineView},
    BookNumber,
};
use crate::{
    reconciliation::{
        books::{BooksError, Upload},
        import::{BadLine, Format, Report},
        schedule,
    },
    store::books::ImportRow,
};

const PATH: &str = "/v1/reconciliation/books/{book}/imports";
/// The largest file taken, in bytes.
pub const MAX_FILE: usize = 1 << 30;
/// The longest name of a file.
const MAX_NAME: usize = 200;

/// The resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list, import)).routes(routes!(read))
}

/// A file that was imported.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportView {
    /// Its number.
    pub import: i64,
    /// What it was called.
    pub name: String,
    /// `csv`, `json_lines` or `camt053`.
    #[schema(value_type = String)]
    pub format: Format,
    /// sha256 of it.
    #[schema(value_type = schema::Bytes32)]
    pub digest: String,
    /// How many lines it has.
    pub lines: u64,
    /// What they come to, in the asset's smallest unit.
    #[schema(value_type = schema::Amount)]
    #[serde(with = "protocol::text::amount")]
    pub total: Amount,
    /// Its oldest day.
    pub first_day: Option<String>,
    /// Its newest day.
    pub last_day: Option<String>,
    /// Who imported it.
    pub imported_by: String,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    pub imported_at: Timestamp,
    /// The import in whose place it came.
    pub replaces: Option<i64>,
    /// The import that came in its place.
    pub replaced_by: Option<i64>,
}

/// A page of imports.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportPage {
    /// The newest first.
    pub imports: Vec<ImportView>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
}

/// What an import brought, or what it would bring.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// The import; absent in a dry run of a file that wasn't imported.
    pub import: Option<ImportView>,
    /// Whether the same file was imported before: then nothing changed.
    pub is_known: bool,
    /// Whether it was only looked at.
    pub is_dry_run: bool,
    /// How many lines are in order.
    pub lines: u64,
    /// What they come to, in the asset's smallest unit.
    #[schema(value_type = schema::Amount)]
    #[serde(with = "protocol::text::amount")]
    pub total: Amount,
    /// How many are of each day.
    pub days: BTreeMap<String, u64>,
    /// How many entries of the file are none of this book's, and why.
    pub skipped: BTreeMap<String, u64>,
    /// The first lines.
    pub preview: Vec<BookLineView>,
    /// What is wrong, in the order of the file: the first 1,000. Of a dry run: otherwise the file is refused.
    pub problems: Vec<BadLine>,
    /// How many more are wrong.
    pub more_problems: u64,
}

/// What a file is, and what becomes of it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// How it is written: `csv`, `json_lines`, `camt053`.
    #[param(value_type = String)]
    format: Format,
    /// What people call it.
    name: Option<String>,
    /// Only reports what it would bring; needs no `Idempotency-Key`.
    #[serde(default)]
    dry_run: bool,
    /// The import in whose place it comes.
    replaces: Option<i64>,
}

/// Which page of imports.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportsQuery {
    /// At most how many, 1 to 100; 50 if it isn't said.
    limit: Option<u32>,
    /// Where the page before said that this one begins; the start of the list if it isn't said.
    cursor: Option<String>,
}

/// A file that came as a body: on disk, because it may be larger than memory.
#[derive(Clone, Debug)]
pub struct Spooled(Arc<TempPath>);

/// Whether a request's body is a file.
pub fn is_file(method: &Method, extensions: &Extensions) -> bool {
    let path = extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    *method == Method::POST && path == Some(PATH)
}

/// Whether a file is only looked at.
pub fn is_dry_run(parts: &Parts) -> bool {
    let query = parts.uri.query().unwrap_or_default();
    query.split('&').any(|part| part == "dry_run=true")
}

/// Writes a body to disk; `hash` takes in all of it.
///
/// # Errors
/// It is too large, breaks off, or the disk is full.
pub async fn spool(body: Body, hash: &mut Sha256) -> Result<Spooled, ApiError> {
    let full = |error: std::io::Error| ApiError::Internal(format!("a file can't be kept: {error}"));
    let mut file = NamedTempFile::new().map_err(full)?;
    let mut stream = body.into_data_stream();
    let mut length = 0usize;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| ApiError::Malformed("the body broke off".into()))?;
        length = length.saturating_add(chunk.len());
        if length > MAX_FILE {
            return Err(ApiError::BodyTooLarge { limit: MAX_FILE });
        }
        hash.update(&chunk);
        // What the network brings at once is written at once.
        file.write_all(&chunk).map_err(full)?;
    }
    file.flush().map_err(full)?;
    Ok(Spooled(Arc::new(file.into_temp_path())))
}

/// Imports a file into the institution's own book; the body is the file. All of it is booked, or nothing: what is wrong is told
/// line by line. The same file twice is the same import.
#[utoipa::path(post, path = "/v1/reconciliation/books/{book}/imports", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"), ImportQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "Names the wish: the same for repetitions; not needed in a dry run")),
    request_body(content = String, description = "The file", content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "It is imported, or was before; or it was looked at", body = ImportReport),
        schema::WriteProblems
    ))]
async fn import(
    State(api): State<Api>,
    caller: Caller,
    Path(book): Path<BookNumber>,
    Query(query): Query<ImportQuery>,
    Extension(Spooled(path)): Extension<Spooled>,
) -> Result<Json<ImportReport>, ApiError> {
    caller.require(Permission::Reconcile)?;
    let name = query.name.unwrap_or_else(|| query.format.to_string());
    if name.chars().count() > MAX_NAME {
        return Err(ApiError::Malformed(format!(
            "a file's name has at most {MAX_NAME} letters"
        )));
    }
    let upload = Upload {
        path: path.to_path_buf(),
        name,
        format: query.format,
        by: caller.name().to_owned(),
        is_dry_run: query.dry_run,
        replaces: query.replaces,
    };
    let reconciliation = api.reconciliation.clone();
    // It goes on when the client hangs up: its next request finds the file imported.
    let work = tokio::spawn(async move {
        let report = reconciliation.import(book.into(), upload).await;
        drop(path);
        report
    });
    let report = work.await.map_err(|error| ApiError::Internal(error.to_string()))??;
    Ok(Json(report_view(&report)))
}

/// The files that were imported into the institution's own book, page by page.
#[utoipa::path(get, path = "/v1/reconciliation/books/{book}/imports", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"), ImportsQuery),
    responses(
        (status = 200, description = "The newest first; as CSV with `Accept: text/csv`",
            content((ImportPage = "application/json"), (String = "text/csv"))),
        schema::ReadProblems
    ))]
async fn list(
    State(api): State<Api>,
    Path(book): Path<BookNumber>,
    Query(query): Query<ImportsQuery>,
    shown: Shown,
) -> Result<Response, ApiError> {
    api.reconciliation.books().own(book.into()).await?;
    let limit = paging::limit(query.limit);
    let before: Option<i64> = paging::after(query.cursor.as_deref())?;
    let rows = api.store.book_imports(book.into(), before, limit).await?;
    let is_full = u32::try_from(rows.len()).is_ok_and(|found| found >= limit);
    let last = rows.last().filter(|_| is_full);
    let next_cursor = last.map(|row| paging::cursor(&row.id)).transpose()?;
    let page = ImportPage {
        imports: rows.iter().map(import_view).collect(),
        next_cursor: next_cursor.clone(),
    };
    shown.answer(page, next_cursor.as_deref(), |page| page.imports.clone())
}

/// A file that was imported.
#[utoipa::path(get, path = "/v1/reconciliation/books/{book}/imports/{import}", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"), ("import" = i64, Path, description = "Its number")),
    responses(
        (status = 200, description = "As it stands", body = ImportView),
        schema::ReadProblems
    ))]
async fn read(
    State(api): State<Api>,
    Path((book, import)): Path<(BookNumber, i64)>,
) -> Result<Json<ImportView>, ApiError> {
    let row = api.store.book_import(book.into(), import).await?;
    let row = row.ok_or(BooksError::UnknownImport {
        book: book.into(),
        import,
    })?;
    Ok(Json(import_view(&row)))
}

impl Line for ImportView {
    const COLUMNS: &'static [&'static str] = &[
        "import",
        "name",
        "format",
        "digest",
        "lines",
        "total",
        "first_day",
        "last_day",
        "imported_by",
        "imported_at",
        "replaces",
        "replaced_by",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.import.to_string(),
            self.name.clone(),
            self.format.to_string(),
            self.digest.clone(),
            self.lines.to_string(),
            self.total.to_string(),
            cell(self.first_day.as_ref()),
            cell(self.last_day.as_ref()),
            self.imported_by.clone(),
            self.imported_at.to_string(),
            cell(self.replaces),
            cell(self.replaced_by),
        ]
    }
}

fn import_view(row: &ImportRow) -> ImportView {
    ImportView {
        import: row.id,
        name: row.name.clone(),
        format: row.format,
        digest: to_hex(&row.digest),
        lines: row.lines,
        total: row.total,
        first_day: row.first_day.map(schedule::write),
        last_day: row.last_day.map(schedule::write),
        imported_by: row.by.clone(),
        imported_at: row.at,
        replaces: row.replaces,
        replaced_by: row.replaced_by,
    }
}

fn report_view(report: &Report) -> ImportReport {
    ImportReport {
        import: report.import.as_ref().map(import_view),
        is_known: report.is_known,
        is_dry_run: report.is_dry_run,
        lines: report.lines,
        total: report.total,
        days: report
            .days
            .iter()
            .map(|(day, lines)| (schedule::write(*day), *lines))
            .collect(),
        skipped: report
            .skipped
            .iter()
            .map(|(why, entries)| ((*why).to_owned(), *entries))
            .collect(),
        preview: report.preview.iter().map(line_view).collect(),
        problems: report.problems.clone(),
        more_problems: report.more_problems,
    }
}
