//! Telling others what happened: payments that were retained or ended, windows that were paid or could not be, members
//! near their caps, disputes. Signed as Standard Webhooks says (<https://www.standardwebhooks.com>).
//!
//! What happened is written down in the transaction of the change itself (`store/webhooks.rs`). From there each endpoint
//! is told by a task of its own: at least once, under an id that stays the same, in order for each payment. One that
//! doesn't answer holds up nobody else, and is told again, ever more slowly, until it is given up.
mod chain;
mod sender;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc, time::Duration};

use protocol::Timestamp;
use reqwest::{redirect::Policy, Client, Url};
use standardwebhooks::Webhook;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    identity::{
        tls::{self, TlsError},
        webhook_secret::WebhookSecretError,
        Authorities, CertificateError,
    },
    journal::Journal,
    settlement::ports::Clock,
    store::{
        webhooks::{DeliveryFilter, DeliveryRow},
        Store, StoreError,
    },
};

/// How often tasks look whether there is something new.
const LOOK: Duration = Duration::from_millis(250);

/// Who is told.
pub struct Endpoint {
    /// Its name, in the log.
    pub name: String,
    /// Where.
    pub url: Url,
    /// Signs with the secret that it shares with this institution.
    pub signer: Webhook,
}

/// How others are told.
pub struct WebhooksConfig {
    /// Who.
    pub endpoints: Vec<Endpoint>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long an endpoint may stay without an event before that is given up.
    pub give_up_after: Duration,
    /// The CAs of endpoints' certificates, PEM; the machine's if it isn't said.
    pub ca: Option<PathBuf>,
}

/// Nobody can be told.
#[derive(Debug, thiserror::Error)]
pub enum WebhooksError {
    /// An endpoint's secret can't be used.
    #[error("webhooks endpoint {name:?}: {error}")]
    Secret {
        /// Whose.
        name: String,
        /// Why.
        error: WebhookSecretError,
    },
    /// Without https others can read and change what is told.
    #[error(
        "webhooks endpoint {0:?} has no https and is not on this machine: that is for development chains only; write an \
         https URL"
    )]
    NoTls(String),
    /// The CAs can't be used.
    #[error("webhooks.ca can't be used: {0}")]
    Authorities(#[from] CertificateError),
    /// TLS can't be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The client can't be built.
    #[error("the HTTP client of webhooks can't be set up: {0}")]
    Client(#[from] reqwest::Error),
}

/// Tells others.
pub struct Webhooks {
    endpoints: Vec<Endpoint>,
    give_up_after: Timestamp,
    client: Client,
    store: Store,
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
}

impl Webhooks {
    /// Puts it together. Nothing is written down before [`Webhooks::listen`], and nobody is told before [`Webhooks::run`].
    ///
    /// # Errors
    /// TLS can't be set up.
    pub fn new(
        config: WebhooksConfig,
        store: Store,
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, WebhooksError> {
        let needs_tls = config.endpoints.iter().any(|endpoint| endpoint.url.scheme() == "https");
        let roots = match &config.ca {
            Some(path) => Authorities::load(path)?.roots(),
            None if needs_tls => tls::machine_roots(),
            None => rustls::RootCertStore::empty(),
        };
        let client = Client::builder()
            .use_preconfigured_tls(tls::public_client_config(roots)?)
            .timeout(config.timeout)
            // A redirect would lead what was signed for one place to another.
            .redirect(Policy::none())
            .build()?;
        Ok(Arc::new(Self {
            endpoints: config.endpoints,
            give_up_after: Timestamp::try_from(config.give_up_after.as_millis()).unwrap_or(Timestamp::MAX),
            client,
            store,
            journal,
            clock,
        }))
    }

    /// Has written down from now on what the endpoints are to be told.
    ///
    /// # Errors
    /// The database failed.
    pub async fn listen(&self) -> Result<(), StoreError> {
        let names: Vec<String> = self.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
        self.store.set_webhook_endpoints(&names, self.clock.now()).await
    }

    /// Tells every endpoint until `shutdown`. Aborting at any point is harmless: what isn't noted as delivered is told
    /// again, under the same id.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let mut tasks = JoinSet::new();
        if !self.endpoints.is_empty() {
            let chain = self.clone();
            tasks.spawn(async move { chain.follow_chain().await });
        }
        for place in 0..self.endpoints.len() {
            let sender = self.clone();
            tasks.spawn(async move {
                if let Some(endpoint) = sender.endpoints.get(place) {
                    sender.serve(endpoint).await;
                }
            });
        }
        let ended = async {
            if let Some(ended) = tasks.join_next().await {
                tracing::error!(
                    ?ended,
                    "a task of the webhooks ended by itself; a restart takes it up again"
                );
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = ended => {}
        }
        tasks.shutdown().await;
    }

    /// The delivery log: the newest first, those below `before`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        self.store.deliveries(filter, before, limit).await
    }

    /// A line of the delivery log.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delivery(&self, number: i64) -> Result<Option<DeliveryRow>, StoreError> {
        self.store.delivery(number).await
    }

    /// Has a delivery sent again. Returns whether its endpoint is still configured.
    ///
    /// # Errors
    /// The database failed.
    pub async fn send_again(&self, number: i64) -> Result<bool, StoreError> {
        let now = self.clock.now();
        self.store.deliver_again(number, now, self.give_up_at(now)).await
    }

    const fn give_up_at(&self, now: Timestamp) -> Timestamp {
        // SQLite's integers end there.
        let latest = i64::MAX.unsigned_abs();
        let at = now.saturating_add(self.give_up_after);
        if at > latest {
            latest
        } else {
            at
        }
    }
}
