//! A terminal's way to its merchant's acquirer, over HTTPS.
use std::{path::Path, time::Duration};

use protocol::Member;
use reqwest::{redirect::Policy, Client, RequestBuilder, Url};
use serde::de::DeserializeOwned;

use super::settings::{acquirer_url, SettingsError};
use crate::{
    identity::{
        tls::{self, TlsError},
        Authorities, CertificateError,
    },
    peers::client::{read_bounded, Failure},
    prepaid::messages::{IssuerFacts, OrderAnswer, TerminalMessage},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than the acquirer waits for the issuer's answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The way to the acquirer can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address can't be used.
    #[error(transparent)]
    Address(#[from] SettingsError),
    /// The CA can't be used.
    #[error(transparent)]
    Authorities(#[from] CertificateError),
    /// TLS can't be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The HTTP client can't be built.
    #[error("the HTTP client can't be set up: {0}")]
    Client(#[from] reqwest::Error),
}

/// The merchant's acquirer.
#[derive(Clone, Debug)]
pub struct Acquirer {
    http: Client,
    base: Url,
}

impl Acquirer {
    /// `ca`: a PEM file with the only roots; those of the machine without it.
    ///
    /// # Errors
    /// The address is neither https nor on this machine, or the CA is unusable.
    pub fn new(url: &str, ca: Option<&Path>) -> Result<Self, ClientError> {
        let base = acquirer_url(url)?;
        let roots = match ca {
            Some(path) => Authorities::load(path)?.roots(),
            None => tls::machine_roots(),
        };
        let http = Client::builder()
            .use_preconfigured_tls(tls::public_client_config(roots)?)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // A redirect could lead away from TLS.
            .redirect(Policy::none())
            .build()?;
        Ok(Self { http, base })
    }

    /// What it knows of a card issuer.
    ///
    /// # Errors
    /// It can't be reached, doesn't know that issuer, or says something else.
    pub async fn issuer(&self, issuer: Member) -> Result<IssuerFacts, Failure> {
        let url = self.url(&format!("issuers/{issuer}"));
        let facts: IssuerFacts = self.ask(self.http.get(url)).await?;
        if facts.issuer == issuer {
            Ok(facts)
        } else {
            Err(Failure::Unclear(format!(
                "it was asked about issuer {issuer} and tells of {}",
                facts.issuer
            )))
        }
    }

    /// Sends an order once. The answer may be pending.
    ///
    /// # Errors
    /// It can't be reached, doesn't take the message, or says something else.
    pub async fn send(&self, message: &TerminalMessage) -> Result<OrderAnswer, Failure> {
        self.ask(self.http.post(self.url("orders")).json(message)).await
    }

    fn url(&self, resource: &str) -> String {
        format!("{}/terminal/v1/{resource}", self.base.as_str().trim_end_matches('/'))
    }

    async fn ask<A: DeserializeOwned>(&self, request: RequestBuilder) -> Result<A, Failure> {
        let response = request.send().await.map_err(|error| Failure::of(&error))?;
        let status = response.status();
        let body = read_bounded(response).await?;
        if !status.is_success() {
            return Err(Failure::of_status(status, &body));
        }
        serde_json::from_slice(&body).map_err(|error| {
            Failure::Unclear(format!(
                "its answer can't be read (line {}, column {})",
                error.line(),
                error.column()
            ))
        })
    }
}
