//! Requests to other institutions over HTTP.
use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable as _};
use bytes::{Bytes, BytesMut};
use http::{header::CONTENT_TYPE, HeaderValue, Method, Request, StatusCode};
use protocol::{signing::MemberSignature, Member};
use reqwest::{redirect::Policy, Client, Response};
use serde::{de::DeserializeOwned, Deserialize, Serialize};
use serde_json::value::to_raw_value;
use tokio::sync::oneshot;

use super::{
    bulk::{Answered, Item, ItemAnswer, Lanes, Waiting},
    envelope::Sealer,
};
use crate::{
    config,
    escrow::{
        messages::{Letter, Reply},
        ports::EscrowPeers,
    },
    identity::{
        tls::{self, TlsError},
        Authorities, Certificate,
    },
    settlement::{
        messages::{
            Answer, Assistance, AssistanceRequest, Attestation, AttestationRequest, BatchDraft, Confirmation, Consent,
            Proposal, RelationDraft, RetentionDraft, RetentionProgress, RetentionRequest, RetentionVoucher,
        },
        ports::{PeerError, Peers},
    },
};

/// The largest answer that is read from another institution, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The client can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum HttpPeersError {
    /// TLS can't be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The HTTP client can't be built.
    #[error("the HTTP client can't be set up: {0}")]
    Client(#[from] reqwest::Error),
}

/// The other institutions, reached over HTTP. Cheap to clone.
#[derive(Clone)]
pub struct HttpPeers {
    http: Client,
    urls: BTreeMap<Member, String>,
    sealer: Sealer,
    retry: ExponentialBuilder,
    lanes: Lanes,
}

impl HttpPeers {
    /// A client for the configured peers. Where a URL says https, the CAs are the only roots, and the certificate is
    /// shown to a server that asks for one.
    ///
    /// # Errors
    /// The certificate or the CAs are unusable for TLS.
    pub fn new(
        peers: &[config::Peer],
        settings: &config::PeerClient,
        certificate: &Certificate,
        authorities: &Authorities,
        sealer: Sealer,
    ) -> Result<Self, HttpPeersError> {
        let http = Client::builder()
            .use_preconfigured_tls(tls::client_config(certificate, authorities)?)
            .connect_timeout(settings.connect_timeout())
            .timeout(settings.timeout())
            .redirect(Policy::none())
            .build()?;
        let retry = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_max_times(settings.retries)
            .with_jitter();
        let urls = peers
            .iter()
            .map(|peer| (peer.member, peer.url.trim_end_matches('/').to_owned()))
            .collect();
        Ok(Self {
            http,
            urls,
            sealer,
            retry,
            lanes: Lanes::default(),
        })
    }

    /// Whether the configuration has a URL for this institution.
    pub fn reaches(&self, member: Member) -> bool {
        self.urls.contains_key(&member)
    }

    /// Posts `message` as JSON to a peer's `/peer/v1/{resource}` and reads its answer. What waits for the same peer goes
    /// together. Passing faults are retried a few times; each attempt is signed anew. An answer without a body reads as
    /// `()`. What was begun goes on when the caller stops waiting.
    ///
    /// # Errors
    /// [`PeerError::Rejected`] when the peer says that the request is wrong, else [`PeerError::Unreachable`].
    pub async fn post<M, A>(&self, to: Member, resource: &str, message: &M) -> Result<A, PeerError>
    where
        M: Serialize + Sync + ?Sized,
        A: DeserializeOwned,
    {
        let unreachable = |why: String| PeerError::Unreachable { member: to, why };
        let item = Item {
            resource: resource.to_owned(),
            message: to_raw_value(message).map_err(|error| unreachable(error.to_string()))?,
        };
        let (reply, answer) = oneshot::channel();
        if self.lanes.add(to, Waiting { item, reply }) {
            tokio::spawn(self.clone().work_off(to));
        }
        let answer = answer
            .await
            .unwrap_or_else(|_| Err(unreachable("the process is going down".into())))?;
        read_json(&answer).map_err(|why| unreachable(format!("its answer can't be read: {why}")))
    }

    /// Sends what waits for a peer, until nothing does.
    async fn work_off(self, to: Member) {
        loop {
            let (items, replies): (Vec<Item>, Vec<_>) = self
                .lanes
                .take(to)
                .into_iter()
                .map(|waiting| (waiting.item, waiting.reply))
                .unzip();
            let answers = match items.as_slice() {
                [] => return,
                [alone] => vec![self.send(to, &alone.resource, alone.message.get()).await],
                together => self.send_together(to, together).await,
            };
            for (reply, answer) in replies.into_iter().zip(answers) {
                // Who asked doesn't wait any more: it asks again.
                let _ = reply.send(answer);
            }
        }
    }

    async fn send_together(&self, to: Member, items: &[Item]) -> Vec<Answered> {
        let sent = async {
            let unreachable = |why: String| PeerError::Unreachable { member: to, why };
            let body = serde_json::to_string(items).map_err(|error| unreachable(error.to_string()))?;
            let answer = self.send(to, "bulk", &body).await?;
            let answers: Vec<ItemAnswer> =
                read_json(&answer).map_err(|why| unreachable(format!("its answer can't be read: {why}")))?;
            if answers.len() != items.len() {
                return Err(unreachable("it answers another number of requests".into()));
            }
            Ok(answers)
        };
        match sent.await {
            Ok(answers) => answers.into_iter().map(|answer| one_of_several(to, answer)).collect(),
            Err(error) => items.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    async fn send(&self, to: Member, resource: &str, body: &str) -> Answered {
        let url = self.urls.get(&to).ok_or_else(|| PeerError::Unreachable {
            member: to,
            why: format!("the configuration has no URL for it: add a [[peers]] entry with member = {to}"),
        })?;
        let url = format!("{url}/peer/v1/{resource}");
        let body = Bytes::copy_from_slice(body.as_bytes());
        let answer = (|| self.attempt(to, &url, body.clone()))
            .retry(self.retry)
            .when(|failure| matches!(failure, Failure::Passing(_)))
            .notify(|failure, pause| tracing::debug!(member = %to, resource, ?pause, "trying again: {failure}"))
            .await;
        answer.map_err(|failure| failure.of_peer(to))
    }

    async fn attempt(&self, to: Member, url: &str, body: Bytes) -> Result<Bytes, Failure> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(url)
            .header(CONTENT_TYPE, JSON)
            .body(body)
            .map_err(|error| Failure::Unclear(error.to_string()))?;
        let request = self
            .sealer
            .sign(to, request)
            .await
            .map_err(|error| Failure::Unclear(error.to_string()))?;
        let request = reqwest::Request::try_from(request).map_err(|error| Failure::of(&error))?;
        let response = self.http.execute(request).await.map_err(|error| Failure::of(&error))?;
        let status = response.status();
        let body = read_bounded(response).await?;
        if status.is_success() {
            Ok(body)
        } else {
            Err(Failure::of_status(status, &body))
        }
    }
}

#[async_trait]
impl Peers for HttpPeers {
    async fn propose(&self, to: Member, proposal: &Proposal) -> Result<Answer<Confirmation>, PeerError> {
        self.post(to, "proposals", proposal).await
    }

    async fn assist(&self, to: Member, request: &AssistanceRequest) -> Result<Answer<Assistance>, PeerError> {
        self.post(to, "assistances", request).await
    }

    async fn request_retention(&self, to: Member, request: &RetentionRequest) -> Result<RetentionProgress, PeerError> {
        self.post(to, "retentions", request).await
    }

    async fn attest(&self, to: Member, request: &AttestationRequest) -> Result<Answer<Attestation>, PeerError> {
        self.post(to, "attestations", request).await
    }

    async fn co_sign(&self, to: Member, draft: &RetentionDraft) -> Result<Answer<Consent>, PeerError> {
        self.post(to, "retention-drafts", draft).await
    }

    async fn consent(&self, to: Member, draft: &RelationDraft) -> Result<Answer<Consent>, PeerError> {
        self.post(to, "relations", draft).await
    }

    async fn sign_batch(&self, to: Member, draft: &BatchDraft) -> Result<MemberSignature, PeerError> {
        self.post(to, "batches", draft).await
    }

    async fn deliver(&self, to: Member, voucher: &RetentionVoucher) -> Result<(), PeerError> {
        self.post(to, "retention-vouchers", voucher).await
    }
}

#[async_trait]
impl EscrowPeers for HttpPeers {
    async fn deliver(&self, to: Member, letter: &Letter) -> Result<Reply, PeerError> {
        self.post(to, "escrow-letters", letter).await
    }
}

/// Why an attempt failed, and so whether another one makes sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Will likely be over in a moment: no connection, a timeout, a busy peer or proxy.
    #[error("{0}")]
    Passing(String),
    /// Not the request's fault, but not over in a moment either: a peer that fails, an answer that makes no sense.
    #[error("{0}")]
    Unclear(String),
    /// The peer says that the request is wrong.
    #[error("{code}: {detail}")]
    Rejected {
        /// Why, for programs.
        code: String,
        /// Why, for people.
        detail: String,
    },
}

fn one_of_several(from: Member, answer: ItemAnswer) -> Answered {
    let body = answer.body.get();
    match StatusCode::from_u16(answer.status) {
        Ok(status) if status.is_success() => Ok(Bytes::copy_from_slice(body.as_bytes())),
        Ok(status) => Err(Failure::of_status(status, body.as_bytes()).of_peer(from)),
        Err(_) => Err(PeerError::Unreachable {
            member: from,
            why: format!("{} is no HTTP status", answer.status),
        }),
    }
}

/// The part of an RFC 9457 problem that is used.
#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: Option<String>,
    title: Option<String>,
}

impl Failure {
    fn of_peer(self, member: Member) -> PeerError {
        match self {
            Failure::Passing(why) | Failure::Unclear(why) => PeerError::Unreachable { member, why },
            Failure::Rejected { code, detail } => PeerError::Rejected { member, code, detail },
        }
    }

    pub(crate) fn of(error: &reqwest::Error) -> Self {
        // reqwest's own text stops where it gets interesting ("error sending request"): tell the causes too.
        let mut why = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(deeper) = cause {
            why = format!("{why}: {deeper}");
            cause = deeper.source();
        }
        if error.is_builder() {
            Self::Unclear(why)
        } else {
            Self::Passing(why)
        }
    }

    pub(crate) fn of_status(status: StatusCode, body: &[u8]) -> Self {
        let problem = serde_json::from_slice::<Problem>(body).ok();
        let code = problem
            .as_ref()
            .map_or_else(|| format!("http-{}", status.as_u16()), |problem| problem.code.clone());
        let detail = problem
            .and_then(|problem| problem.detail.or(problem.title))
            .unwrap_or_else(|| format!("it answered {status} without saying why"));
        match status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Self::Passing(format!("{code}: {detail}")),
            status if status.is_client_error() => Self::Rejected { code, detail },
            _ => Self::Unclear(format!("{code}: {detail}")),
        }
    }
}

pub(crate) async fn read_bounded(mut response: Response) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Failure::of(&error))? {
        if body.len().saturating_add(chunk.len()) > MAX_ANSWER {
            return Err(Failure::Unclear(format!(
                "its answer is longer than {MAX_ANSWER} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn read_json<A: DeserializeOwned>(body: &[u8]) -> Result<A, serde_json::Error> {
    serde_json::from_slice(if body.is_empty() { b"null" } else { body })
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
