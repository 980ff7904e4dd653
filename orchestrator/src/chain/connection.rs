//! One WebSocket connection to a node, repaired by itself.
use std::{sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use jsonrpsee::{
    client_transport::ws::{Url, WsTransportClientBuilder},
    core::client::{Client, ClientBuilder},
    ws_client::PingConfig,
};
use scale::{Decode, Encode};
use subxt::{
    dynamic::Value,
    ext::frame_decode::storage::{IntoDecodableValues, IntoEncodableValues},
    utils::H256,
};
use subxt_rpcs::{
    client::{rpc_params, RpcSubscription},
    methods::legacy::RuntimeVersion,
    RpcClient,
};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::{
    quickack::QuickAckStream,
    runtime::{Rpc, Runtime, SharedRuntime},
    ChainError,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const FIRST_RETRY: Duration = Duration::from_millis(100);
const SLOWEST_RETRY: Duration = Duration::from_secs(5);
/// Runtime metadata and contract code are the largest messages.
const LARGEST_MESSAGE: u32 = 32 * 1024 * 1024;
/// A stream that is not read this long behind is dropped by the client, and found again by its reader.
const SUBSCRIPTION_BUFFER: usize = 4096;
const CONCURRENT_REQUESTS: usize = 1024;

/// A chain, through one node. Cheap to clone; the connection lasts as long as its last clone.
#[derive(Clone)]
pub struct Chain {
    inner: Arc<Inner>,
}

struct Inner {
    url: String,
    genesis: [u8; 32],
    session: watch::Receiver<Option<Session>>,
    _keeper: AbortOnDropHandle<()>,
}

/// One connection, with the runtime that it was last seen to run.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) rpc: Rpc,
    pub(super) client: RpcClient,
    pub(super) runtime: SharedRuntime,
}

impl Chain {
    /// Connects to a node (`ws://` or `wss://`) and reads its runtime. Later losses are repaired in the background.
    ///
    /// # Errors
    /// The address is none, or nobody answers there.
    pub async fn connect(url: &str) -> Result<Self, ChainError> {
        let address = parse(url)?;
        let client = dial(&address).await?;
        let rpc = Rpc::new(client.clone());
        let genesis = genesis(&rpc).await?;
        let session = open(client, genesis).await?;
        let (sender, receiver) = watch::channel(Some(session.clone()));
        let keeper = tokio::spawn(keep(address, genesis, session, sender));
        Ok(Self {
            inner: Arc::new(Inner {
                url: url.to_owned(),
                genesis,
                session: receiver,
                _keeper: AbortOnDropHandle::new(keeper),
            }),
        })
    }

    /// Where the node is.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// The genesis hash: tells chains apart.
    pub fn genesis(&self) -> [u8; 32] {
        self.inner.genesis
    }

    /// The runtime of the best block.
    ///
    /// # Errors
    /// The connection is lost for now.
    pub fn runtime(&self) -> Result<Arc<Runtime>, ChainError> {
        Ok(self.session()?.runtime)
    }

    /// The present connection, for programs that speak to the node by means of their own.
    ///
    /// # Errors
    /// The connection is lost for now.
    pub fn rpc_client(&self) -> Result<RpcClient, ChainError> {
        Ok(self.session()?.client)
    }

    /// Returns when there is a connection, at once if it is there.
    pub async fn connected(&self) {
        let mut session = self.inner.session.clone();
        // The sender lives in the keeper, which lives as long as `self`.
        let _ = session.wait_for(Option::is_some).await;
    }

    /// Changes when the connection is lost, found again, or the runtime upgraded.
    pub(super) fn sessions(&self) -> watch::Receiver<Option<Session>> {
        self.inner.session.clone()
    }

    pub(super) fn session(&self) -> Result<Session, ChainError> {
        self.inner.session.borrow().clone().ok_or(ChainError::Disconnected)
    }

    /// The chain's kind as the node names it: `Development`, `Local`, `Live` or a name of its own.
    ///
    /// # Errors
    /// The node doesn't answer.
    pub async fn kind(&self) -> Result<String, ChainError> {
        let kind: serde_json::Value = self
            .session()?
            .client
            .request("system_chainType", rpc_params![])
            .await
            .map_err(|error| ChainError::rpc("system_chainType", error))?;
        Ok(match kind {
            serde_json::Value::String(name) => name,
            other => other.to_string(),
        })
    }

    /// A runtime API call with SCALE arguments, at a block; `None` is the best one.
    pub(super) async fn runtime_call(
        &self,
        method: &'static str,
        arguments: &impl Encode,
        at: Option<[u8; 32]>,
    ) -> Result<Vec<u8>, ChainError> {
        self.session()?
            .rpc
            .state_call(method, Some(&arguments.encode()), at.map(H256))
            .await
            .map_err(|error| ChainError::rpc(method, error))
    }

    /// A storage item as raw bytes, under the key parts that its map takes; `None` where nothing is stored.
    pub(super) async fn storage<K: IntoEncodableValues + IntoDecodableValues>(
        &self,
        pallet: &'static str,
        item: &'static str,
        key: K,
        at: [u8; 32],
    ) -> Result<Option<Vec<u8>>, ChainError> {
        let session = self.session()?;
        let address = subxt::storage::dynamic::<K, Value>(pallet, item);
        let hashed = session
            .runtime
            .client()
            .storage()
            .entry(address)
            .and_then(|entry| entry.fetch_key(key))
            .map_err(|error| ChainError::Runtime(format!("{pallet}.{item}: {error}")))?;
        session
            .rpc
            .state_get_storage(&hashed, Some(H256(at)))
            .await
            .map_err(|error| ChainError::rpc("state_getStorage", error))
    }

    /// What an account holds of the native token and can move, at a block.
    ///
    /// # Errors
    /// The node doesn't answer, or keeps accounts otherwise than frame-system does.
    pub async fn native_balance(&self, account: &protocol::AccountId, at: [u8; 32]) -> Result<u128, ChainError> {
        /// As far as frame-system and pallet-balances have always laid it out.
        type Account = (u32, u32, u32, u32, u128);
        let key = (account.0,);
        let Some(bytes) = self.storage("System", "Account", key, at).await? else {
            return Ok(0);
        };
        let account = Account::decode(&mut &bytes[..]).map_err(|error| ChainError::Unreadable {
            method: "System.Account",
            why: error.to_string(),
        })?;
        Ok(account.4)
    }

    /// A block's own time in milliseconds since 1970; `None` where it has none.
    pub(super) async fn block_time(&self, at: [u8; 32]) -> Result<Option<u64>, ChainError> {
        let bytes = self.storage("Timestamp", "Now", (), at).await?;
        Ok(bytes.and_then(|bytes| u64::decode(&mut &bytes[..]).ok()))
    }

    /// The nonce that the next transaction of an account needs, transactions in the node's pool counted.
    pub(super) async fn next_nonce(&self, account: &protocol::AccountId) -> Result<u64, ChainError> {
        self.session()?
            .rpc
            .system_account_next_index(&super::runtime::account_id(account))
            .await
            .map_err(|error| ChainError::rpc("system_accountNextIndex", error))
    }

    /// The nonce of an account at a block.
    pub(super) async fn nonce_at(&self, account: &protocol::AccountId, at: [u8; 32]) -> Result<u64, ChainError> {
        const METHOD: &str = "AccountNonceApi_account_nonce";
        let bytes = self.runtime_call(METHOD, &account.0, Some(at)).await?;
        u32::decode(&mut &bytes[..])
            .map(u64::from)
            .map_err(|error| ChainError::Unreadable {
                method: METHOD,
                why: error.to_string(),
            })
    }

    /// The hash of a block of the best chain, or of the finalized one up to its head.
    pub(super) async fn block_hash(&self, number: u32) -> Result<[u8; 32], ChainError> {
        self.session()?
            .rpc
            .chain_get_block_hash(Some(u64::from(number).into()))
            .await
            .map_err(|error| ChainError::rpc("chain_getBlockHash", error))?
            .map(|hash| hash.0)
            .ok_or_else(|| ChainError::NoBlock(number.to_string()))
    }
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chain({})", self.inner.url)
    }
}

fn parse(url: &str) -> Result<Url, ChainError> {
    let bad = |why: String| ChainError::BadUrl {
        url: url.to_owned(),
        why,
    };
    let parsed = Url::parse(url).map_err(|error| bad(error.to_string()))?;
    match (parsed.scheme(), parsed.host_str()) {
        ("ws" | "wss", Some(_)) => Ok(parsed),
        (_, None) => Err(bad("the host is missing".into())),
        (scheme, _) => Err(bad(format!("the scheme is {scheme}"))),
    }
}

/// Makes a connection. Only the transport under `ws://` is ours; TLS hides the socket.
async fn dial(url: &Url) -> Result<RpcClient, ChainError> {
    let unreachable = |why: String| ChainError::Unreachable {
        url: url.to_string(),
        why,
    };
    let transport = WsTransportClientBuilder::default()
        .connection_timeout(CONNECT_TIMEOUT)
        .max_request_size(LARGEST_MESSAGE)
        .max_response_size(LARGEST_MESSAGE);
    let client = ClientBuilder::new()
        .request_timeout(REQUEST_TIMEOUT)
        .max_concurrent_requests(CONCURRENT_REQUESTS)
        .max_buffer_capacity_per_subscription(SUBSCRIPTION_BUFFER)
        .enable_ws_ping(PingConfig::new());
    let client: Client = if url.scheme() == "wss" {
        let (sender, receiver) = transport
            .build(url.clone())
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        client.build_with_tokio(sender, receiver)
    } else {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let connect = async {
            let stream = QuickAckStream::connect(host, url.port_or_known_default().unwrap_or(80))
                .await
                .map_err(|error| unreachable(error.to_string()))?;
            transport
                .build_with_stream(url.clone(), stream)
                .await
                .map_err(|error| unreachable(error.to_string()))
        };
        let (sender, receiver) = tokio::time::timeout(CONNECT_TIMEOUT, connect)
            .await
            .map_err(|_| unreachable(format!("no answer in {} s", CONNECT_TIMEOUT.as_secs())))??;
        client.build_with_tokio(sender, receiver)
    };
    Ok(RpcClient::new(client))
}

async fn genesis(rpc: &Rpc) -> Result<[u8; 32], ChainError> {
    rpc.genesis_hash()
        .await
        .map(|hash| hash.0)
        .map_err(|error| ChainError::rpc("chain_getBlockHash", error))
}

async fn open(client: RpcClient, expected: [u8; 32]) -> Result<Session, ChainError> {
    let rpc = Rpc::new(client.clone());
    let found = genesis(&rpc).await?;
    if found != expected {
        return Err(ChainError::OtherChain { expected, found });
    }
    let runtime = Arc::new(Runtime::load(&rpc, expected, None).await?);
    Ok(Session { rpc, client, runtime })
}

/// Keeps a session in `sender` for as long as anybody wants one.
async fn keep(url: Url, genesis: [u8; 32], mut session: Session, sender: watch::Sender<Option<Session>>) {
    loop {
        let why = follow_runtime(&session, genesis, &sender).await;
        tracing::warn!(%url, %why, "the connection to the node is lost");
        sender.send_replace(None);

        let reopen = || async { open(dial(&url).await?, genesis).await };
        let pace = ExponentialBuilder::default()
            .with_min_delay(FIRST_RETRY)
            .with_max_delay(SLOWEST_RETRY)
            .without_max_times()
            .with_jitter();
        let reopened = reopen
            .retry(pace)
            .notify(|error, delay| tracing::warn!(%url, %error, ?delay, "still no connection to the node"))
            .await;
        match reopened {
            Ok(found) => session = found,
            Err(error) => {
                tracing::error!(%url, %error, "gave up connecting");
                return;
            }
        }
        tracing::info!(%url, "connected to the node again");
        sender.send_replace(Some(session.clone()));
    }
}

/// Follows runtime upgrades until the connection is lost: every connection has this one stream.
async fn follow_runtime(session: &Session, genesis: [u8; 32], sender: &watch::Sender<Option<Session>>) -> String {
    let mut versions: RpcSubscription<RuntimeVersion> = match session.rpc.state_subscribe_runtime_version().await {
        Ok(versions) => versions,
        Err(error) => return error.to_string(),
    };
    let mut known = session.runtime.spec_version();
    loop {
        match versions.next().await {
            Some(Ok(version)) if version.spec_version == known => {}
            Some(Ok(version)) => match Runtime::load(&session.rpc, genesis, None).await {
                Ok(runtime) => {
                    tracing::info!(spec_version = version.spec_version, "the chain's runtime was upgraded");
                    known = runtime.spec_version();
                    sender.send_replace(Some(Session {
                        runtime: Arc::new(runtime),
                        ..session.clone()
                    }));
                }
                Err(error) => return error.to_string(),
            },
            Some(Err(error)) => return error.to_string(),
            None => return "the node closed the connection".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_websocket_addresses_pass() {
        assert!(parse("ws://127.0.0.1:9944").is_ok());
        assert!(parse("wss://node.example").is_ok());
        assert!(parse("ws://[::1]:9944").is_ok());
        assert!(matches!(parse("http://127.0.0.1:9944"), Err(ChainError::BadUrl { .. })));
        assert!(matches!(parse("127.0.0.1:9944"), Err(ChainError::BadUrl { .. })));
    }

    #[tokio::test]
    async fn a_node_that_is_not_there_is_named() {
        let error = Chain::connect("ws://127.0.0.1:1").await.unwrap_err();
        assert!(error.is_retryable());
        assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    }
}
