//! `/audit/`: the page on which an auditor's browser reads the chain by itself, from a node and not from this orchestrator.
//! What is served is public: the page, where the contracts are, and their bundles. So it asks for no token.
//!
//! All of it is read once, at the start: a path in a request names an entry of a table, never a file.
use std::{collections::BTreeMap, path::Path, sync::Arc};

use axum::{
    extract::{Path as UrlPath, State},
    http::{header, HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing::get,
    Router,
};
use bytes::Bytes;
use protocol::text::to_hex;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{error::ApiError, Api};
use crate::chain::{
    deployment::{to_ss58, Deployed},
    Deployment,
};

/// What the page may do: run and show what it brought along, and read from this origin and from nodes. polkadot.js hashes
/// in WebAssembly, which needs `wasm-unsafe-eval`; without it the page works too, more slowly.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; \
                      connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Files whose names change with their content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Others may be kept, and are asked for again.
const ASK_AGAIN: &str = "no-cache";
/// Beside a file: the same, compressed.
const COMPRESSED: &str = ".gz";
/// The largest file that is served, in bytes.
const MOST: u64 = 16 * 1024 * 1024;

/// The page can't be served.
#[derive(Debug, thiserror::Error)]
pub enum AuditPageError {
    /// A file can't be read.
    #[error("{path} can't be read: {error}")]
    File {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The folder holds something else.
    #[error("{0} has no index.html: build the page with `npm ci && npm run build` in orchestrator/audit-page")]
    NotBuilt(String),
    /// A file is larger than a page's file can be.
    #[error("{0} is too large for a file of the page")]
    TooLarge(String),
    /// A bundle isn't JSON.
    #[error("the bundle of {name:?} can't be used: {error}")]
    Bundle {
        /// Whose.
        name: String,
        /// What is wrong.
        error: serde_json::Error,
    },
}

/// Everything under `/audit/`.
pub struct AuditPage(BTreeMap<String, Entry>);

struct Entry {
    content: Bytes,
    compressed: Option<Bytes>,
    kind: &'static str,
    tag: HeaderValue,
}

/// What the page is told: `config.json`.
#[derive(Debug, Serialize)]
struct PageConfig<'a> {
    /// Where browsers reach a node.
    node_url: Option<&'a str>,
    genesis_hash: String,
    contracts: Vec<PageContract>,
}

#[derive(Debug, Serialize)]
struct PageContract {
    name: String,
    address: String,
    code_hash: String,
    /// The file in `bundles/`.
    bundle: String,
}

impl AuditPage {
    /// Reads the built page, and the bundles of the contracts that are deployed. `node_url` is where browsers reach a node;
    /// without it, they are asked for one.
    ///
    /// # Errors
    /// A file can't be read, or isn't what it should be.
    pub fn load(
        directory: &Path,
        node_url: Option<&str>,
        deployment: &Deployment,
        bundles: &Path,
    ) -> Result<Self, AuditPageError> {
        let mut entries = BTreeMap::new();
        collect(directory, "", &mut entries)?;
        if !entries.contains_key("index.html") {
            return Err(AuditPageError::NotBuilt(directory.display().to_string()));
        }
        for name in deployment.contracts.iter().map(Deployed::bundle) {
            let path = format!("bundles/{name}.json");
            if !entries.contains_key(&path) {
                entries.insert(path, Entry::new(metadata(bundles, name)?.into(), "application/json"));
            }
        }
        let contract = |deployed: &Deployed| PageContract {
            name: deployed.name.clone(),
            address: to_ss58(&deployed.address),
            code_hash: to_hex(&deployed.code_hash),
            bundle: deployed.bundle().to_owned(),
        };
        let config = PageConfig {
            node_url,
            genesis_hash: to_hex(&deployment.genesis_hash),
            contracts: deployment.contracts.iter().map(contract).collect(),
        };
        let config = serde_json::to_vec(&config).map_err(|error| AuditPageError::Bundle {
            name: "deployment".to_owned(),
            error,
        })?;
        entries.insert("config.json".to_owned(), Entry::new(config.into(), "application/json"));
        Ok(Self(entries))
    }
}

impl Entry {
    fn new(content: Bytes, kind: &'static str) -> Self {
        let digest = hex::encode(Sha256::digest(&content));
        // Hex digits in quotes are a header's value.
        let tag = HeaderValue::try_from(format!("\"{digest}\"")).unwrap_or(HeaderValue::from_static("\"\""));
        Self {
            content,
            compressed: None,
            kind,
            tag,
        }
    }
}

/// The page's routes.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/audit", get(|| async { Redirect::permanent("/audit/") }))
        .route("/audit/", get(index))
        .route("/audit/{*path}", get(file))
}

async fn index(State(api): State<Api>, headers: HeaderMap) -> Result<Response, ApiError> {
    answer(api.audit_page.as_ref(), "index.html", &headers)
}

async fn file(
    State(api): State<Api>,
    UrlPath(path): UrlPath<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    answer(api.audit_page.as_ref(), &path, &headers)
}

fn answer(page: Option<&Arc<AuditPage>>, path: &str, asked: &HeaderMap) -> Result<Response, ApiError> {
    let entry = page.and_then(|page| page.0.get(path)).ok_or(ApiError::NoSuchRoute)?;
    let lasts = if path.starts_with("assets/") {
        FOR_EVER
    } else {
        ASK_AGAIN
    };
    let fixed = |name: HeaderName, value: &'static str| (name, HeaderValue::from_static(value));
    let mut headers: HeaderMap = [
        fixed(header::CONTENT_TYPE, entry.kind),
        fixed(header::CACHE_CONTROL, lasts),
        fixed(header::CONTENT_SECURITY_POLICY, POLICY),
        fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        fixed(header::REFERRER_POLICY, "no-referrer"),
        fixed(header::VARY, "accept-encoding"),
        (header::ETAG, entry.tag.clone()),
    ]
    .into_iter()
    .collect();
    if asked.get(header::IF_NONE_MATCH) == Some(&entry.tag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let takes_gzip = asked
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(',').any(|coding| coding.trim() == "gzip"));
    let content = match &entry.compressed {
        Some(compressed) if takes_gzip => {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            compressed
        }
        _ => &entry.content,
    };
    Ok((headers, content.clone()).into_response())
}

/// Every file of the folder, by its path below it; what doesn't belong to a page is left out.
fn collect(directory: &Path, below: &str, entries: &mut BTreeMap<String, Entry>) -> Result<(), AuditPageError> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |error| AuditPageError::File { path, error }
    };
    for found in std::fs::read_dir(directory).map_err(failed(directory))? {
        let found = found.map_err(failed(directory))?;
        let path = found.path();
        let name = format!("{below}{}", found.file_name().to_string_lossy());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), entries)?;
        } else if let Some(kind) = kind(&name) {
            let mut entry = Entry::new(read(&path)?, kind);
            let beside = directory.join(format!("{}{COMPRESSED}", found.file_name().to_string_lossy()));
            if beside.is_file() {
                entry.compressed = Some(read(&beside)?);
            }
            entries.insert(name, entry);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Bytes, AuditPageError> {
    let failed = |error| AuditPageError::File {
        path: path.display().to_string(),
        error,
    };
    if std::fs::metadata(path).map_err(failed)?.len() > MOST {
        return Err(AuditPageError::TooLarge(path.display().to_string()));
    }
    std::fs::read(path).map(Bytes::from).map_err(failed)
}

fn kind(name: &str) -> Option<&'static str> {
    match Path::new(name).extension()?.to_str()? {
        "html" => Some("text/html; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "wasm" => Some("application/wasm"),
        _ => None,
    }
}

/// A bundle without its code: browsers need to know how to read, not how to deploy.
fn metadata(bundles: &Path, name: &str) -> Result<Vec<u8>, AuditPageError> {
    let path = ["json", "contract"].map(|extension| bundles.join(format!("{name}.{extension}")));
    let [json, contract] = &path;
    let bytes = read(if json.is_file() { json } else { contract })?;
    let unusable = |error| AuditPageError::Bundle {
        name: name.to_owned(),
        error,
    };
    let mut bundle: Value = serde_json::from_slice(&bytes).map_err(unusable)?;
    if let Some(source) = bundle.get_mut("source").and_then(Value::as_object_mut) {
        source.remove("wasm");
    }
    serde_json::to_vec(&bundle).map_err(unusable)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use http_body_util::BodyExt;
    use protocol::{AccountId, Member};

    use super::*;

    const SCRIPT: &str = "assets/index-1.js";

    /// A page with two files, and a deployment with two contracts of one bundle.
    fn page() -> Arc<AuditPage> {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        };
        write("page/index.html", b"<!doctype html>");
        write("page/assets/index-1.js", b"long");
        write("page/assets/index-1.js.gz", b"short");
        write("page/notes.txt", b"of whoever built it");
        let bundle = br#"{"source":{"hash":"0x00","wasm":"0x00"},"spec":{}}"#;
        write("bundles/prepaid.contract", bundle);
        let deployment = Deployment {
            genesis_hash: [7; 32],
            contracts: [3, 4]
                .map(|issuer| Deployed::prepaid(Member(issuer), AccountId([5; 32]), [6; 32]))
                .into(),
        };
        let [files, bundles] = ["page", "bundles"].map(|name| folder.path().join(name));
        Arc::new(AuditPage::load(&files, Some("wss://node.example"), &deployment, &bundles).unwrap())
    }

    fn get_with(path: &str, headers: &[(HeaderName, &str)]) -> Result<Response, ApiError> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()));
        answer(Some(&page()), path, &headers.collect())
    }

    async fn body(response: Response) -> Bytes {
        response.into_body().collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn the_page_is_told_the_contracts_the_node_and_bundles_without_code() {
        let config: Value = serde_json::from_slice(&body(get_with("config.json", &[]).unwrap()).await).unwrap();
        assert_eq!(config["node_url"], "wss://node.example");
        assert_eq!(config["genesis_hash"], to_hex(&[7; 32]));
        assert_eq!(config["contracts"][1]["name"], "prepaid_4");
        assert_eq!(config["contracts"][1]["bundle"], "prepaid");
        let bundle: Value =
            serde_json::from_slice(&body(get_with("bundles/prepaid.json", &[]).unwrap()).await).unwrap();
        assert_eq!(bundle["source"], serde_json::json!({ "hash": "0x00" }));
    }

    #[tokio::test]
    async fn everything_is_sent_with_a_strict_policy_and_only_named_files_are_kept_for_ever() {
        for (path, lasts) in [
            ("index.html", ASK_AGAIN),
            ("config.json", ASK_AGAIN),
            (SCRIPT, FOR_EVER),
        ] {
            let response = get_with(path, &[]).unwrap();
            assert_eq!(response.headers()[header::CACHE_CONTROL], lasts, "{path}");
            assert_eq!(response.headers()[header::CONTENT_SECURITY_POLICY], POLICY, "{path}");
            let tag = response.headers()[header::ETAG].to_str().unwrap().to_owned();
            let again = get_with(path, &[(header::IF_NONE_MATCH, &tag)]).unwrap();
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
        }
        assert!(!POLICY.contains("unsafe-inline") && !POLICY.contains("'unsafe-eval'"));
    }

    #[tokio::test]
    async fn who_takes_gzip_gets_what_the_build_compressed() {
        assert_eq!(body(get_with(SCRIPT, &[]).unwrap()).await, "long");
        let response = get_with(SCRIPT, &[(header::ACCEPT_ENCODING, "br, gzip")]).unwrap();
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
        assert_eq!(body(response).await, "short");
    }

    #[test]
    fn nothing_but_the_page_is_there() {
        for path in [
            "notes.txt",
            "../bundles/prepaid.contract",
            "assets/index-1.js.gz",
            "bundles/registry.json",
        ] {
            assert!(matches!(get_with(path, &[]), Err(ApiError::NoSuchRoute)), "{path}");
        }
        assert!(matches!(
            answer(None, "index.html", &HeaderMap::new()),
            Err(ApiError::NoSuchRoute)
        ));
    }

    #[test]
    fn a_folder_without_a_page_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let deployment = Deployment {
            genesis_hash: [7; 32],
            contracts: Vec::new(),
        };
        let failed = AuditPage::load(folder.path(), None, &deployment, folder.path());
        assert!(matches!(failed, Err(AuditPageError::NotBuilt(_))));
    }
}
