//! `/audit/`: the page on which an auditor's browser reads the chain by itself, from a node and not from this orchestrator.
//! What is served is public: the page, where the contracts are, and their bundles. So it asks for no token.
//!
//! The page's files are read once, at the start: a path in a request names an entry of a table, never a file. Deployment and
//! bundles are read anew, because contracts are added to a deployment.
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

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
    deployment::{to_ss58, Deployed, DeploymentError},
    Deployment,
};

/// What the page may do: run and show what it brought along, and read from this origin and from nodes. polkadot.js hashes
/// in WebAssembly, which needs `wasm-unsafe-eval`.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; \
                      connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// What the page is told of the deployment.
const CONFIG: &str = "config.json";
/// Where it begins.
const INDEX: &str = "index.html";
/// Files whose names change with their content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Others may be kept, and are asked for again.
const ASK_AGAIN: &str = "no-cache";
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
    /// A file is larger than any of a page.
    #[error("{0} is too large for a file of the page")]
    TooLarge(String),
    /// The deployment can't be read.
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    /// A bundle isn't JSON, or what the page is told can't be written as JSON.
    #[error("{name} can't be used: {error}")]
    Json {
        /// Which.
        name: String,
        /// What is wrong.
        error: serde_json::Error,
    },
}

/// Everything under `/audit/`.
pub struct AuditPage {
    files: BTreeMap<String, Entry>,
    node_url: Option<String>,
    deployment: PathBuf,
    bundles: PathBuf,
}

#[derive(Clone)]
struct Entry {
    content: Bytes,
    compressed: Option<Bytes>,
    kind: &'static str,
    tag: HeaderValue,
}

/// What the page is told.
#[derive(Debug, Serialize)]
struct PageConfig<'a> {
    /// Where browsers reach a node.
    node_url: Option<&'a str>,
    genesis_hash: String,
    contracts: Vec<PageContract<'a>>,
}

#[derive(Debug, Serialize)]
struct PageContract<'a> {
    name: &'a str,
    address: String,
    code_hash: String,
    /// The file in `bundles/`.
    bundle: &'a str,
}

impl AuditPage {
    /// Reads the built page. `node_url` is where browsers reach a node; without it, they are asked for one.
    ///
    /// # Errors
    /// A file can't be read, or there is no page.
    pub fn load(
        directory: &Path,
        node_url: Option<String>,
        deployment: &Path,
        bundles: &Path,
    ) -> Result<Self, AuditPageError> {
        let mut files = BTreeMap::new();
        collect(directory, "", &mut files)?;
        if !files.contains_key(INDEX) {
            return Err(AuditPageError::NotBuilt(directory.display().to_string()));
        }
        Ok(Self {
            files,
            node_url,
            deployment: deployment.to_owned(),
            bundles: bundles.to_owned(),
        })
    }

    /// What is at a path; nothing else is there. Reads files: not for a task that others wait for.
    fn find(&self, path: &str) -> Result<Option<Entry>, AuditPageError> {
        if path == CONFIG {
            return self.config().map(Some);
        }
        let bundle = path.strip_prefix("bundles/");
        let Some(name) = bundle.and_then(|file| file.strip_suffix(".json")) else {
            return Ok(self.files.get(path).cloned());
        };
        let deployment = Deployment::load(&self.deployment)?;
        let is_deployed = deployment.contracts.iter().any(|deployed| deployed.bundle() == name);
        is_deployed.then(|| metadata(&self.bundles, name)).transpose()
    }

    fn config(&self) -> Result<Entry, AuditPageError> {
        let deployment = Deployment::load(&self.deployment)?;
        let contracts = deployment.contracts.iter().map(told).collect();
        let config = PageConfig {
            node_url: self.node_url.as_deref(),
            genesis_hash: to_hex(&deployment.genesis_hash),
            contracts,
        };
        json(CONFIG, &config)
    }
}

fn told(deployed: &Deployed) -> PageContract<'_> {
    PageContract {
        name: &deployed.name,
        address: to_ss58(&deployed.address),
        code_hash: to_hex(&deployed.code_hash),
        bundle: deployed.bundle(),
    }
}

impl Entry {
    fn new(content: Bytes, kind: &'static str) -> Self {
        let digest = hex::encode(Sha256::digest(&content));
        // Hex digits in quotes always are a header's value.
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

async fn index(State(api): State<Api>, asked: HeaderMap) -> Result<Response, ApiError> {
    answer(api.audit_page, INDEX.to_owned(), &asked).await
}

async fn file(State(api): State<Api>, UrlPath(path): UrlPath<String>, asked: HeaderMap) -> Result<Response, ApiError> {
    answer(api.audit_page, path, &asked).await
}

async fn answer(page: Option<Arc<AuditPage>>, path: String, asked: &HeaderMap) -> Result<Response, ApiError> {
    let page = page.ok_or(ApiError::NoSuchRoute)?;
    let is_named_by_content = path.starts_with("assets/");
    let found = tokio::task::spawn_blocking(move || page.find(&path)).await;
    let found = found.map_err(|error| ApiError::Internal(error.to_string()))?;
    let found = found.map_err(|error| ApiError::Internal(error.to_string()))?;
    let entry = found.ok_or(ApiError::NoSuchRoute)?;

    let fixed = |name: HeaderName, value: &'static str| (name, HeaderValue::from_static(value));
    let mut headers: HeaderMap = [
        fixed(header::CONTENT_TYPE, entry.kind),
        fixed(
            header::CACHE_CONTROL,
            if is_named_by_content { FOR_EVER } else { ASK_AGAIN },
        ),
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
    let content = match entry.compressed {
        Some(compressed) if takes_gzip(asked) => {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            compressed
        }
        _ => entry.content,
    };
    Ok((headers, content).into_response())
}

fn takes_gzip(asked: &HeaderMap) -> bool {
    let codings = asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    codings.is_some_and(|codings| codings.split(',').any(|coding| coding.trim() == "gzip"))
}

/// Every file of the folder, by its path below it; what doesn't belong to a page is left out.
fn collect(directory: &Path, below: &str, files: &mut BTreeMap<String, Entry>) -> Result<(), AuditPageError> {
    let failed = |error| AuditPageError::File {
        path: directory.display().to_string(),
        error,
    };
    for found in std::fs::read_dir(directory).map_err(failed)? {
        let found = found.map_err(failed)?;
        let (path, name) = (found.path(), found.file_name().to_string_lossy().into_owned());
        if path.is_dir() {
            collect(&path, &format!("{below}{name}/"), files)?;
        } else if let Some(kind) = kind(&name) {
            let mut entry = Entry::new(read(&path)?, kind);
            // The build puts a compressed copy beside it.
            let compressed = directory.join(format!("{name}.gz"));
            if compressed.is_file() {
                entry.compressed = Some(read(&compressed)?);
            }
            files.insert(format!("{below}{name}"), entry);
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
        _ => None,
    }
}

/// A bundle without its code: browsers need to know how to read, not how to deploy.
fn metadata(bundles: &Path, name: &str) -> Result<Entry, AuditPageError> {
    let [metadata, bundle] = ["json", "contract"].map(|extension| bundles.join(format!("{name}.{extension}")));
    let bytes = read(if metadata.is_file() { &metadata } else { &bundle })?;
    let mut bundle: Value = serde_json::from_slice(&bytes).map_err(|error| AuditPageError::Json {
        name: format!("the bundle of {name:?}"),
        error,
    })?;
    if let Some(source) = bundle.get_mut("source").and_then(Value::as_object_mut) {
        source.remove("wasm");
    }
    json(name, &bundle)
}

fn json<T: Serialize>(name: &str, value: &T) -> Result<Entry, AuditPageError> {
    let content = serde_json::to_vec(value).map_err(|error| AuditPageError::Json {
        name: name.to_owned(),
        error,
    })?;
    Ok(Entry::new(content.into(), "application/json"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use http_body_util::BodyExt;
    use protocol::{AccountId, Member};
    use serde_json::json;
    use tempfile::TempDir;

    use super::*;

    const SCRIPT: &str = "assets/index-1.js";

    /// A page with two files, and a deployment with two contracts of one bundle.
    fn page() -> (TempDir, Arc<AuditPage>) {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let write = |name: &str, content: &str| {
            std::fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            std::fs::write(at(name), content).unwrap();
        };
        write("page/index.html", "<!doctype html>");
        write("page/assets/index-1.js", "long");
        write("page/assets/index-1.js.gz", "short");
        write("page/notes.txt", "of whoever built it");
        write(
            "bundles/prepaid.contract",
            r#"{"source":{"hash":"0x00","wasm":"0x00"}}"#,
        );
        let prepaid = |issuer| Deployed::prepaid(Member(issuer), AccountId([5; 32]), [6; 32]);
        let deployment = Deployment {
            genesis_hash: [7; 32],
            contracts: vec![prepaid(3), prepaid(4)],
        };
        deployment.save(&at("deployment.json")).unwrap();
        let node = Some("wss://node.example".to_owned());
        let page = AuditPage::load(&at("page"), node, &at("deployment.json"), &at("bundles")).unwrap();
        (folder, Arc::new(page))
    }

    async fn ask(path: &str, headers: &[(HeaderName, &str)]) -> Result<Response, ApiError> {
        let (_folder, page) = page();
        let headers = headers.iter().cloned();
        let headers = headers.map(|(name, value)| (name, value.parse().unwrap())).collect();
        answer(Some(page), path.to_owned(), &headers).await
    }

    async fn body(response: Response) -> Bytes {
        response.into_body().collect().await.unwrap().to_bytes()
    }

    async fn json_at(path: &str) -> Value {
        serde_json::from_slice(&body(ask(path, &[]).await.unwrap()).await).unwrap()
    }

    #[tokio::test]
    async fn the_page_is_told_the_contracts_the_node_and_bundles_without_code() {
        let config = json_at(CONFIG).await;
        assert_eq!(config["node_url"], "wss://node.example");
        assert_eq!(config["genesis_hash"], to_hex(&[7; 32]));
        assert_eq!(config["contracts"][1]["name"], "prepaid_4");
        assert_eq!(config["contracts"][1]["bundle"], "prepaid");
        assert_eq!(
            json_at("bundles/prepaid.json").await,
            json!({ "source": { "hash": "0x00" } })
        );
    }

    #[tokio::test]
    async fn a_contract_that_is_added_to_the_deployment_is_told_at_once() {
        let (folder, page) = page();
        let file = folder.path().join("deployment.json");
        let mut deployment = Deployment::load(&file).unwrap();
        let credit = Deployed::credit(Member(9), AccountId([8; 32]), [6; 32]);
        deployment.contracts.push(credit);
        deployment.save(&file).unwrap();
        let config = answer(Some(page), CONFIG.to_owned(), &HeaderMap::new()).await;
        let config: Value = serde_json::from_slice(&body(config.unwrap()).await).unwrap();
        assert_eq!(config["contracts"][2]["name"], "credit_9");
    }

    #[tokio::test]
    async fn everything_is_sent_with_a_strict_policy_and_only_files_named_by_content_are_kept_for_ever() {
        for (path, lasts) in [(INDEX, ASK_AGAIN), (CONFIG, ASK_AGAIN), (SCRIPT, FOR_EVER)] {
            let response = ask(path, &[]).await.unwrap();
            assert_eq!(response.headers()[header::CACHE_CONTROL], lasts, "{path}");
            assert_eq!(response.headers()[header::CONTENT_SECURITY_POLICY], POLICY, "{path}");
            let tag = response.headers()[header::ETAG].to_str().unwrap();
            let again = ask(path, &[(header::IF_NONE_MATCH, tag)]).await.unwrap();
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
        }
        assert!(!POLICY.contains("unsafe-inline") && !POLICY.contains("'unsafe-eval'"));
    }

    #[tokio::test]
    async fn who_takes_gzip_gets_what_the_build_compressed() {
        assert_eq!(body(ask(SCRIPT, &[]).await.unwrap()).await, "long");
        let response = ask(SCRIPT, &[(header::ACCEPT_ENCODING, "br, gzip")]).await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
        assert_eq!(body(response).await, "short");
    }

    #[tokio::test]
    async fn nothing_but_the_page_is_there() {
        for path in [
            "notes.txt",
            "../bundles/prepaid.contract",
            "assets/index-1.js.gz",
            "bundles/registry.json",
            "bundles/../deployment.json",
        ] {
            let found = ask(path, &[]).await;
            assert!(matches!(found, Err(ApiError::NoSuchRoute)), "{path}");
        }
        let without = answer(None, INDEX.to_owned(), &HeaderMap::new()).await;
        assert!(matches!(without, Err(ApiError::NoSuchRoute)));
    }

    #[test]
    fn a_folder_without_a_page_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let failed = AuditPage::load(folder.path(), None, folder.path(), folder.path());
        assert!(matches!(failed, Err(AuditPageError::NotBuilt(_))));
    }
}
