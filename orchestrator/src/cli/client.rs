//! An institution's service, as its own clients reach it.
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use bytes::Bytes;
use reqwest::{header, Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::{de::DeserializeOwned, Serialize};

use super::Unavailable;
use crate::http::error::Problem;

/// The environment variable with the bearer token.
const TOKEN: &str = "QUITTANCE_TOKEN";
/// Longer than the service takes to give up.
const TIMEOUT: Duration = Duration::from_secs(120);
/// How often a write is repeated, under the same key, when there was no answer.
const ATTEMPTS: u32 = 4;

/// Which service, and who asks.
#[derive(Clone, Debug, clap::Args)]
pub struct Service {
    /// The service's address, such as http://127.0.0.1:8080.
    #[arg(long, env = "QUITTANCE_URL", value_name = "URL")]
    url: Url,
    /// The file with the bearer token. Without it, the token is taken from QUITTANCE_TOKEN.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The CA that an https service's certificate chains to, PEM.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// A refusal by the service: exit code 1.
#[derive(Debug, thiserror::Error)]
#[error("{} ({}): {}", .0.title, .0.code, .0.detail)]
pub struct Refused(pub Problem);

/// A connection to a service.
pub struct Api {
    client: Client,
    base: Url,
}

impl Service {
    /// Reads the token and makes a client.
    ///
    /// # Errors
    /// There is no token, or a file can't be read.
    pub fn client(&self) -> anyhow::Result<Api> {
        let token = match &self.token_file {
            Some(path) => std::fs::read_to_string(path)
                .with_context(|| format!("the token file {} can't be read", path.display()))?,
            None => {
                std::env::var(TOKEN).with_context(|| format!("there is no token: give --token-file, or set {TOKEN}"))?
            }
        };
        let ca = self
            .ca
            .as_ref()
            .map(|path| std::fs::read(path).with_context(|| format!("the CA file {} can't be read", path.display())));
        Api::new(self.url.clone(), token.trim(), ca.transpose()?.as_deref())
    }
}

impl Api {
    /// A client with a bearer token. `ca`: PEM of the CA that an https service's certificate chains to.
    ///
    /// # Errors
    /// The token or the CA is malformed.
    pub fn new(base: Url, token: &str, ca: Option<&[u8]>) -> anyhow::Result<Self> {
        let mut bearer = header::HeaderValue::from_str(&format!("Bearer {token}"))
            .context("the token holds characters that no token has")?;
        bearer.set_sensitive(true);
        let mut builder = Client::builder()
            .default_headers([(header::AUTHORIZATION, bearer)].into_iter().collect())
            .timeout(TIMEOUT);
        if let Some(pem) = ca {
            for certificate in reqwest::Certificate::from_pem_bundle(pem).context("the CA file isn't PEM")? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        Ok(Self {
            client: builder.build()?,
            base,
        })
    }

    /// Reads a resource; `path` begins with `/`, its parts are encoded already.
    ///
    /// # Errors
    /// The service can't be reached, or refuses.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        Ok(self.send(self.request(Method::GET, path)?).await?.json().await?)
    }

    /// A whole list as CSV, over all its pages; the row of column names stands there once.
    ///
    /// # Errors
    /// The service can't be reached, or refuses.
    pub async fn export(&self, path: &str) -> anyhow::Result<String> {
        let mut text = String::new();
        let mut page = Some(path.to_owned());
        while let Some(path) = page {
            let request = self.request(Method::GET, &path)?.header(header::ACCEPT, "text/csv");
            let answer = self.send(request).await?;
            page = answer.headers().get(header::LINK).and_then(next_page);
            let rows = answer.text().await?;
            if text.is_empty() {
                text = rows;
            } else if let Some((_, rows)) = rows.split_once('\n') {
                text.push_str(rows);
            }
        }
        Ok(text)
    }

    /// Reads a document of this media type, and writes it as it comes.
    ///
    /// # Errors
    /// The service can't be reached, or refuses; or it can't be written.
    pub async fn download(&self, path: &str, accept: &str, to: &mut impl std::io::Write) -> anyhow::Result<()> {
        let request = self.request(Method::GET, path)?.header(header::ACCEPT, accept);
        let mut answer = self.send(request).await?;
        while let Some(bytes) = answer.chunk().await? {
            to.write_all(&bytes)?;
        }
        to.flush()?;
        Ok(())
    }

    /// Sends a write and gives the raw answer. Repeated under the same key while there is no answer: it is carried out
    /// once.
    ///
    /// # Errors
    /// The service can't be reached, or refuses.
    pub async fn write(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<Response> {
        let write = || {
            let request = self.request(method.clone(), path)?;
            Ok(request.header("Idempotency-Key", key).json(body))
        };
        self.persist(write).await
    }

    /// Sends a file as the body of a write and gives the raw answer. Repeated under the same key while there is no answer.
    ///
    /// # Errors
    /// The file can't be read, the service can't be reached, or it refuses.
    pub async fn upload(&self, path: &str, key: &str, file: &Path) -> anyhow::Result<Response> {
        let content = tokio::fs::read(file).await;
        let content = Bytes::from(content.with_context(|| format!("{} can't be read", file.display()))?);
        let post = || {
            let request = self.request(Method::POST, path)?;
            Ok(request
                .header("Idempotency-Key", key)
                .header(header::CONTENT_TYPE, "application/octet-stream")
                .body(content.clone()))
        };
        self.persist(post).await
    }

    async fn persist(&self, request: impl Fn() -> anyhow::Result<RequestBuilder>) -> anyhow::Result<Response> {
        let mut pause = Duration::from_millis(200);
        let mut attempt = 1;
        loop {
            match self.send(request()?).await {
                Err(error) if super::exit_code(&error) == 3 && attempt < ATTEMPTS => {
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2);
                    attempt = attempt.saturating_add(1);
                }
                answer => return answer,
            }
        }
    }

    fn request(&self, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
        let url = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        Ok(self.client.request(method, Url::parse(&url)?))
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let response = request
            .send()
            .await
            .with_context(|| format!("the service at {} doesn't answer", self.base))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let text = response.text().await.unwrap_or_default();
        let Ok(problem) = serde_json::from_str::<Problem>(&text) else {
            anyhow::bail!(
                "{} answers {status} without saying why: is it a Quittance service?",
                self.base
            );
        };
        let refused = Refused(problem);
        match status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                Err(Unavailable(refused.to_string()).into())
            }
            _ => Err(refused.into()),
        }
    }
}

/// The path in a `Link` header to the next page.
fn next_page(link: &header::HeaderValue) -> Option<String> {
    let (path, relation) = link.to_str().ok()?.strip_prefix('<')?.split_once('>')?;
    relation.contains("rel=\"next\"").then(|| path.to_owned())
}

/// A part of a path that may hold any character.
pub fn encode(part: &str) -> String {
    let mut encoded = String::with_capacity(part.len());
    for byte in part.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_next_page_is_where_the_link_leads() {
        let link = |text: &'static str| super::next_page(&reqwest::header::HeaderValue::from_static(text));
        assert_eq!(
            link("</v1/payments?cursor=a>; rel=\"next\"").unwrap(),
            "/v1/payments?cursor=a"
        );
        assert_eq!(link("</v1/payments>; rel=\"self\""), None);
    }

    #[test]
    fn path_parts_are_percent_encoded() {
        assert_eq!(super::encode("47/11 ü"), "47%2F11%20%C3%BC");
        assert_eq!(super::encode("a-b.c_d~9"), "a-b.c_d~9");
    }
}
