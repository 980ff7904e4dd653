//! `quittance serve`: runs an institution.
pub(super) mod credit;
pub(super) mod prepaid;
mod reconciliation;

use std::{
    collections::BTreeSet,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{bail, Context};
use async_trait::async_trait;
use axum::{middleware::from_fn_with_state, Router};
use axum_server::{tls_rustls::RustlsConfig, Handle};
use clap::Parser;
use protocol::{registry::Institution, Member, Timestamp};
use tokio::signal::unix::{signal, SignalKind};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::{fmt, layer::SubscriberExt, util::SubscriberInitExt, EnvFilter};

use crate::{
    chain::{
        bundle::Bundle, contracts::Contract, deployment::Deployed, Chain, ChainCreditNodes, ChainEscrow, ChainLedger,
        ChainProofs, ChainRecords, Deployment, Follower, Submitter,
    },
    config::{self, Config},
    credit::{scores::Scores, Consents, Credit, Payments},
    decisions::Decisions,
    disputes::Disputes,
    escrow::Escrow,
    http::{self, audit::AuditPage, chain::HomeChain, escrow::webhook::DeliveryWebhook, Api, Systems},
    identity::{tls, webhook_secret, Authorities, Certificate, SigningKey},
    peers::{self, Directory, DirectoryError, HttpPeers, Sealer, Verifier},
    prepaid::Prepaid,
    reconciliation::{report::Reports, Reconciliation},
    settlement::{policy::Policy, ports::Clock, Settlement, SettlementConfig},
    statement::Statements,
    store::Store,
    webhooks::{Endpoint, Webhooks, WebhooksConfig, WebhooksError},
    windows::{Calendar, Windows, WindowsConfig},
};

const EXAMPLES: &str = "\
Examples:
  quittance serve --config bank.toml
  RUST_LOG=quittance=debug quittance serve --config bank.toml --log-json 2> bank.log

The service prints one line to standard output once it listens; its log goes to standard error. SIGTERM or SIGINT stop
it: it takes no more requests, finishes those it has, and goes. Whatever is unfinished then is taken up at the next
start.";

/// How long requests may take to finish once the service stops.
const GRACE: Duration = Duration::from_secs(10);

/// Runs an institution: its service, its payments, its books.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The institution's configuration; `quittance config sample` prints one.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Log lines as JSON, and the line at the start too.
    #[arg(long)]
    log_json: bool,
}

/// Runs until it is told to stop.
///
/// # Errors
/// The configuration can't be used, the chain can't be reached, or a part fails.
pub async fn run(args: Args) -> anyhow::Result<()> {
    start_log(args.log_json)?;
    let config = Config::load(&args.config)?;
    let parts = Parts::open(&config).await?;
    let store = parts.store.clone();
    let served = parts.serve(&config, args.log_json).await;
    store.pool.close().await;
    served
}

fn start_log(json: bool) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().or_else(|_| EnvFilter::try_new("info"))?;
    let lines = fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    if json {
        registry.with(lines.json()).try_init()?;
    } else {
        registry.with(lines).try_init()?;
    }
    Ok(())
}

/// An institution, put together.
struct Parts {
    certificate: Certificate,
    authorities: Authorities,
    router: Router,
    terminal_router: Router,
    settlement: Arc<Settlement>,
    escrow: Arc<Escrow>,
    credit_payments: Arc<Payments>,
    prepaid: Arc<Prepaid>,
    reconciliation: Arc<Reconciliation>,
    decisions: Arc<Decisions>,
    disputes: Arc<Disputes>,
    windows: Arc<Windows>,
    webhooks: Arc<Webhooks>,
    store: Store,
}

impl Parts {
    async fn open(config: &Config) -> anyhow::Result<Self> {
        let member = config.institution.member;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (account, signing) = load_keys(&config.keys).await?;
        let certificate = Certificate::load(&config.keys.certificate, &config.keys.certificate_key)?;
        let authorities = Authorities::load(&config.keys.ca)?;
        let persons = credit::load_persons(config)?;
        std::fs::create_dir_all(&config.data_dir)
            .with_context(|| format!("data_dir {} can't be made", config.data_dir.display()))?;
        let store = Store::open(&config.data_dir.join("quittance.sqlite")).await?;

        let chain = Chain::connect(&config.chain.url).await?;
        refuse_development_keys(&chain, &[&account, &signing]).await?;
        let cas = [
            ("keys.ca", authorities.is_development()),
            (
                "credit.persons.ca",
                persons.as_ref().is_some_and(|persons| persons.is_development()),
            ),
        ];
        refuse_development_cas(&chain, &cas).await?;
        let webhooks_config = load_endpoints(&config.webhooks, &chain).await?;
        let deployment = Deployment::load(&config.chain.deployment)?;
        let credit_sites = credit::sites(config)?;
        let payees = credit::load_payees(&config.credit.payees).await?;
        refuse_development_keys(&chain, &payees.iter().map(|payee| &payee.key).collect::<Vec<_>>()).await?;
        let treasurer = reconciliation::load_treasurer(&config.reconciliation).await?;
        refuse_development_keys(&chain, &treasurer.iter().collect::<Vec<_>>()).await?;
        let bundles = find_bundles(&config.chain.bundles, &deployment)?;
        let audit_page = load_audit_page(config)?;
        let follower = Follower::start(chain.clone()).await?;
        let submitter = Submitter::start(chain.clone(), follower.clone(), store.clone(), account.clone()).await?;
        let on_home_chain = credit::Home {
            chain: &chain,
            follower: &follower,
            submitter: &submitter,
        };
        let credit_peers = credit::peers(config, &credit_sites, &certificate, &authorities, &clock)?;
        let on_chains = credit::connect(
            credit_sites,
            on_home_chain,
            &account,
            &cas,
            &store,
            &config.chain.bundles,
        )
        .await?;
        let credit = Credit::new(on_chains.ledgers);
        let scores = Scores::new(
            credit.clone(),
            on_chains.pasts,
            config.credit.score.rules(),
            store.clone(),
        );
        let credit_payments = Payments::new(
            credit.clone(),
            store.clone(),
            Arc::new(credit_peers),
            persons,
            (&config.credit.terms).into(),
            clock.clone(),
        );
        let credit_nodes =
            ChainCreditNodes::new(chain.clone(), follower.clone(), deployment.clone(), submitter.account());
        let consents = Consents::new(payees, store.clone(), Arc::new(credit_nodes), clock.clone());
        // A client of its own: a card issuer takes a moment to answer.
        let card_peers = HttpPeers::new(
            &config.peers,
            &config.peer_client,
            &certificate,
            &authorities,
            Sealer::new(member, certificate.clone(), clock.clone()),
        )?;
        let on_home_chain = credit::Home {
            chain: &chain,
            follower: &follower,
            submitter: &submitter,
        };
        let prepaid = prepaid::open(
            config,
            &on_home_chain,
            &deployment,
            &config.chain.bundles,
            card_peers,
            &store,
            &clock,
        )?;
        // A client of its own: the other side of a book draws its statement up first.
        let book_peers = HttpPeers::new(
            &config.peers,
            &config.peer_client,
            &certificate,
            &authorities,
            Sealer::new(member, certificate.clone(), clock.clone()),
        )?;
        let card_books = prepaid::books(config, &on_home_chain, &deployment, &config.chain.bundles)?;
        let clearing = bundles.iter().find(|bundle| bundle.name() == "clearing");
        let clearing = clearing.context("chain.bundles has no clearing contract")?;
        let address = deployment.contract("clearing")?.address;
        let contract = Contract::new(chain.clone(), follower.clone(), address, submitter.account());
        let records = ChainRecords::new(chain.clone(), follower.clone(), contract, clearing);
        let records = Arc::new(records.context("chain.bundles can't be used")?);
        let ledger = ChainLedger::new(chain.clone(), follower.clone(), submitter.clone(), &deployment)?;
        let ledger = Arc::new(ledger.with_journal(records.clone()));
        let escrow_ledger = ChainEscrow::new(chain.clone(), follower.clone(), submitter.clone(), &deployment)?;

        let sealer = Sealer::new(member, certificate.clone(), clock.clone());
        let http_peers = HttpPeers::new(&config.peers, &config.peer_client, &certificate, &authorities, sealer)?;
        let http_peers = Arc::new(http_peers);
        let verifier = Verifier::new(
            member,
            authorities.clone(),
            ledger.clone(),
            store.clone(),
            clock.clone(),
        );
        let verifier = Arc::new(verifier);

        let settlement_config = SettlementConfig {
            member,
            notaries: config.settlement.notaries.clone(),
            notary_patience_percent: config.settlement.notary_patience_percent,
            voucher_lifetime: config
                .settlement
                .voucher_lifetime_seconds
                .checked_mul(1_000)
                .context("settlement.voucher_lifetime_seconds is beyond reason")?,
            mode: config.settlement.mode.into(),
            policy: load_policy(config)?,
        };
        let settlement = Settlement::new(
            settlement_config,
            store.clone(),
            signing.clone(),
            ledger.clone(),
            http_peers.clone(),
            clock.clone(),
        );
        let treasury = reconciliation::Treasurer {
            config,
            key: treasurer,
            genesis: chain.genesis(),
            clearing: address,
            settlement: &settlement,
        };
        let reconciliation = reconciliation::open(
            treasury,
            &on_home_chain,
            &deployment,
            book_peers,
            &signing,
            &store,
            &clock,
        )?;
        let proofs = Arc::new(ChainProofs::new(chain.clone()));
        let book_reports = Arc::new(Reports::new(store.clone(), &**reconciliation.ledger(), proofs));
        let decisions = Decisions::new(
            member,
            store.clone(),
            signing.clone(),
            ledger.clone(),
            http_peers.clone(),
            clock.clone(),
        );
        let windows_config = WindowsConfig {
            member,
            calendar: Calendar::new(config.windows.cut_offs.clone(), config.windows.holidays.clone()),
            alarm_percent: config.windows.alarm_percent,
        };
        let windows = Windows::new(
            windows_config,
            store.clone(),
            ledger.clone(),
            records.clone(),
            decisions.clone(),
            clock.clone(),
        );
        let disputes = Disputes::new(
            member,
            store.clone(),
            ledger.clone(),
            records.clone(),
            http_peers.clone(),
            clock.clone(),
        );
        let escrow = Escrow::new(
            member,
            store.clone(),
            signing,
            Arc::new(escrow_ledger),
            http_peers,
            clock.clone(),
        );

        let home = HomeChain {
            member,
            chain,
            follower,
            submitter,
            ledger,
            deployment,
            bundles,
            store: store.clone(),
            log: config.chain.log.clone(),
        };
        let webhooks = Webhooks::new(webhooks_config, store.clone(), records.clone(), clock)?;
        webhooks.listen().await?;
        let systems = Systems {
            settlement: settlement.clone(),
            escrow: escrow.clone(),
            credit,
            credit_payments: credit_payments.clone(),
            consents,
            scores,
            prepaid: prepaid.clone(),
            card_books,
            reconciliation: reconciliation.clone(),
            book_reports,
            decisions: decisions.clone(),
            disputes: disputes.clone(),
            windows: windows.clone(),
            statements: Statements::new(member, records, store.clone()),
            webhooks: webhooks.clone(),
        };
        let mut api = Api::new(
            systems,
            Arc::new(home),
            store.clone(),
            config.http.tokens.clone(),
            http::metrics::install()?,
        );
        if let Some(secret) = &config.escrow.delivery_webhook_secret {
            let webhook = DeliveryWebhook::load(secret).context("escrow.delivery_webhook_secret can't be used")?;
            api = api.with_delivery_webhook(webhook);
        }
        if let Some(page) = audit_page {
            api = api.with_audit_page(page);
        }
        let terminal_router = http::terminal_router(api.clone());
        let router = http::router(api, |routes| {
            routes.layer(from_fn_with_state(verifier, peers::authenticate))
        });
        Ok(Self {
            certificate,
            authorities,
            router,
            terminal_router,
            settlement,
            escrow,
            credit_payments,
            prepaid,
            reconciliation,
            decisions,
            disputes,
            windows,
            webhooks,
            store,
        })
    }

    /// Listens, works, and stops when told to or when a part ends by itself.
    async fn serve(self, config: &Config, json: bool) -> anyhow::Result<()> {
        let listen = config.http.listen;
        let listener = TcpListener::bind(listen).with_context(|| format!("http.listen {listen} can't be used"))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let tills = config.prepaid.terminals.as_ref().map(|tills| tills.listen);
        let tills = tills.map(|listen| {
            let listener = TcpListener::bind(listen)
                .with_context(|| format!("prepaid.terminals.listen {listen} can't be used"))?;
            listener.set_nonblocking(true)?;
            anyhow::Ok(listener)
        });
        let tills = tills.transpose()?;

        let stop = CancellationToken::new();
        let settling = tokio::spawn(self.settlement.run(stop.clone()));
        let trading = tokio::spawn(self.escrow.run(stop.clone()));
        let lending = tokio::spawn(self.credit_payments.run(stop.clone()));
        let serving_cards = tokio::spawn(self.prepaid.run(stop.clone()));
        let reconciling = tokio::spawn(self.reconciliation.run(stop.clone()));
        let deciding = tokio::spawn(self.decisions.run(stop.clone()));
        let contesting = tokio::spawn(self.disputes.run(stop.clone()));
        let watching = tokio::spawn(self.windows.run(stop.clone()));
        let telling = tokio::spawn(self.webhooks.run(stop.clone()));

        let handle = Handle::new();
        let service = self.router.into_make_service();
        let scheme = if config.http.tls { "https" } else { "http" };
        let server = if config.http.tls {
            let tls = tls::server_config(&self.certificate, &self.authorities, config.http.client_certificates)?;
            let tls = RustlsConfig::from_config(Arc::new(tls));
            let server = axum_server::from_tcp_rustls(listener, tls)?.handle(handle.clone());
            tokio::spawn(server.serve(service))
        } else {
            let server = axum_server::from_tcp(listener)?.handle(handle.clone());
            tokio::spawn(server.serve(service))
        };
        let terminals = match tills {
            Some(listener) => {
                let tills = listener.local_addr()?;
                tracing::info!("terminals are served at https://{tills}");
                let tls = tls::server_config(&self.certificate, &self.authorities, false)?;
                let tls = RustlsConfig::from_config(Arc::new(tls));
                let server = axum_server::from_tcp_rustls(listener, tls)?.handle(handle.clone());
                tokio::spawn(server.serve(self.terminal_router.into_make_service()))
            }
            None => tokio::spawn(std::future::pending()),
        };
        announce(config, &format!("{scheme}://{address}"), json);

        let (mut settling, mut trading, mut server) = (settling, trading, server);
        let (mut serving_cards, mut terminals) = (serving_cards, terminals);
        let mut reconciling = reconciling;
        let (mut lending, mut deciding, mut contesting) = (lending, deciding, contesting);
        let (mut watching, mut telling) = (watching, telling);
        let ended = tokio::select! {
            asked = asked_to_stop() => asked.map(|()| None),
            result = &mut settling => Ok(Some(format!("settlement ended by itself: {result:?}"))),
            result = &mut trading => Ok(Some(format!("escrow ended by itself: {result:?}"))),
            result = &mut lending => Ok(Some(format!("the payments on credit ended by themselves: {result:?}"))),
            result = &mut serving_cards => Ok(Some(format!("serving cards ended by itself: {result:?}"))),
            result = &mut terminals => Ok(Some(format!("the terminals' listener ended by itself: {result:?}"))),
            result = &mut reconciling => Ok(Some(format!("reconciling ended by itself: {result:?}"))),
            result = &mut deciding => Ok(Some(format!("deciding ended by itself: {result:?}"))),
            result = &mut contesting => Ok(Some(format!("the disputes ended by themselves: {result:?}"))),
            result = &mut watching => Ok(Some(format!("watching windows ended by itself: {result:?}"))),
            result = &mut telling => Ok(Some(format!("the webhooks ended by themselves: {result:?}"))),
            result = &mut server => Ok(Some(format!("the listener ended by itself: {result:?}"))),
        };
        tracing::info!("stopping: no more requests, those begun are finished");
        handle.graceful_shutdown(Some(GRACE));
        if !server.is_finished() {
            server.await??;
        }
        if config.prepaid.terminals.is_some() && !terminals.is_finished() {
            terminals.await??;
        }
        stop.cancel();
        if !settling.is_finished() {
            settling.await??;
        }
        if !trading.is_finished() {
            trading.await??;
        }
        if !lending.is_finished() {
            lending.await?;
        }
        if !serving_cards.is_finished() {
            serving_cards.await?;
        }
        if !reconciling.is_finished() {
            reconciling.await?;
        }
        if !deciding.is_finished() {
            deciding.await?;
        }
        if !contesting.is_finished() {
            contesting.await?;
        }
        if !watching.is_finished() {
            watching.await?;
        }
        if !telling.is_finished() {
            telling.await?;
        }
        match ended? {
            None => Ok(()),
            Some(why) => bail!(why),
        }
    }
}

async fn load_keys(keys: &config::Keys) -> anyhow::Result<(SigningKey, SigningKey)> {
    let (account, signing) = (keys.account.clone(), keys.signing.clone());
    // An encrypted key's password may be asked for at the terminal.
    tokio::task::spawn_blocking(move || {
        let account = SigningKey::load(&account).context("keys.account can't be used")?;
        let signing = SigningKey::load(&signing).context("keys.signing can't be used")?;
        Ok((account, signing))
    })
    .await?
}

/// What the institution co-signs, and whom it asks before.
pub(super) fn load_policy(config: &Config) -> anyhow::Result<Policy> {
    let Some(path) = &config.settlement.policy else {
        return Ok(Policy::default());
    };
    let policy = Policy::load(path).context("settlement.policy can't be used")?;
    for assistant in policy.assistants() {
        if !config.peers.iter().any(|peer| peer.member == assistant) {
            bail!(
                "{} asks member {assistant}, who can't be reached: add a [[peers]] entry with member = {assistant} to \
                 the configuration",
                path.display()
            );
        }
    }
    Ok(policy)
}

/// The metadata of each deployed contract.
fn find_bundles(directory: &Path, deployment: &Deployment) -> anyhow::Result<Vec<Bundle>> {
    // Each once, however many contracts were made from it.
    let names: BTreeSet<&str> = deployment.contracts.iter().map(Deployed::bundle).collect();
    let find = |name| Bundle::find(directory, name).context("chain.bundles can't be used");
    names.into_iter().map(find).collect()
}

/// What auditors' browsers are served, if they are.
fn load_audit_page(config: &Config) -> anyhow::Result<Option<AuditPage>> {
    let Some(directory) = &config.http.audit_page else {
        return Ok(None);
    };
    let (node, chain) = (config.http.audit_node_url.clone(), &config.chain);
    let page = AuditPage::load(directory, node, &chain.deployment, &chain.bundles);
    page.map(Some).context("http.audit_page can't be used")
}

/// Who is told what happens, with their secrets.
async fn load_endpoints(webhooks: &config::Webhooks, chain: &Chain) -> anyhow::Result<WebhooksConfig> {
    let mut endpoints = Vec::with_capacity(webhooks.endpoints.len());
    for endpoint in &webhooks.endpoints {
        let name = endpoint.name.clone();
        if !endpoint.is_private() && !is_for_development(&chain.kind().await?) {
            bail!(WebhooksError::NoTls(name));
        }
        let secret = match (&endpoint.secret_file, &endpoint.secret_env) {
            (Some(path), _) => webhook_secret::load(path),
            (None, Some(variable)) => webhook_secret::from_env(variable),
            (None, None) => bail!("webhooks endpoint {name:?} has no secret"),
        };
        let signer = secret.map_err(|error| WebhooksError::Secret {
            name: name.clone(),
            error,
        })?;
        endpoints.push(Endpoint {
            name,
            url: endpoint.url.parse()?,
            signer,
        });
    }
    Ok(WebhooksConfig {
        endpoints,
        timeout: Duration::from_secs(webhooks.timeout_seconds),
        give_up_after: Duration::from_secs(webhooks.give_up_after_seconds),
        ca: webhooks.ca.clone(),
    })
}

/// Whether a chain of this type holds nothing of worth.
fn is_for_development(kind: &str) -> bool {
    matches!(kind, "Development" | "Local")
}

/// Everybody knows the development keys.
async fn refuse_development_keys(chain: &Chain, keys: &[&SigningKey]) -> anyhow::Result<()> {
    if !keys.iter().any(|key| key.is_development()) {
        return Ok(());
    }
    let kind = chain.kind().await?;
    if !is_for_development(&kind) {
        bail!(
            "a development key is configured, which everybody knows, and this chain is of type {kind}: make keys with \
             `quittance key new`"
        );
    }
    tracing::warn!("development keys are in use: everybody knows them");
    Ok(())
}

/// Whoever has a development CA's directory can pass for anybody. `cas`: their keys in the configuration, and whether
/// one for development is among them.
async fn refuse_development_cas(chain: &Chain, cas: &[(&str, bool)]) -> anyhow::Result<()> {
    ensure_cas_fit(&chain.kind().await?, cas)
}

fn ensure_cas_fit(kind: &str, cas: &[(&str, bool)]) -> anyhow::Result<()> {
    for (key, _) in cas.iter().filter(|(_, is_development)| *is_development) {
        if !is_for_development(kind) {
            bail!(
                "{key} holds a development CA, with which anybody can pass for anybody, and this chain is of type \
                 {kind}: configure the CA of those who use this chain"
            );
        }
        tracing::warn!("{key} holds a development CA: whoever has its directory can pass for anybody");
    }
    Ok(())
}

fn announce(config: &Config, url: &str, json: bool) {
    let (name, member) = (&config.institution.name, config.institution.member);
    if json {
        let line = serde_json::json!({ "status": "ready", "name": name, "member": member, "url": url });
        println!("{line}");
    } else {
        println!("{name} (member {member}) is ready at {url}; its API is described at {url}/docs");
    }
}

async fn asked_to_stop() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}

/// This machine's clock.
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        http::now()
    }
}

#[async_trait]
impl Directory for ChainLedger {
    async fn institution(&self, member: Member) -> Result<Option<Institution>, DirectoryError> {
        ChainLedger::institution(self, member)
            .await
            .map_err(|error| DirectoryError(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn development_cas_are_for_development_chains() {
        let (neither, members, persons) = (
            [("keys.ca", false), ("credit.persons.ca", false)],
            [("keys.ca", true), ("credit.persons.ca", false)],
            [("keys.ca", false), ("credit.persons.ca", true)],
        );
        for kind in ["Development", "Local"] {
            assert!(ensure_cas_fit(kind, &members).is_ok() && ensure_cas_fit(kind, &persons).is_ok());
        }
        for kind in ["Live", "Consortium"] {
            assert!(ensure_cas_fit(kind, &neither).is_ok());
            let error = ensure_cas_fit(kind, &members).unwrap_err().to_string();
            assert!(error.starts_with("keys.ca ") && error.contains(kind), "{error}");
            let error = ensure_cas_fit(kind, &persons).unwrap_err().to_string();
            assert!(
                error.starts_with("credit.persons.ca ") && error.contains(kind),
                "{error}"
            );
        }
    }
}
