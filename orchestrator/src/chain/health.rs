//! Whether work may be taken on: the right chain, in sync, finalizing, with the code that was deployed.
use std::{
    future::Future,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::Duration,
};

use protocol::{text::to_hex, AccountId};
use serde::Serialize;
use subxt::{ext::scale_decode::DecodeAsType, utils::H256};
use subxt_rpcs::methods::legacy::SystemHealth;

use super::{Chain, ChainError, Deployment, Follower};

/// How long finality may stand still while there is something to finalize.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the node may take for an answer: one that was stopped keeps its connections, and says nothing.
const ANSWER: Duration = Duration::from_secs(10);

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Stable name.
    pub name: &'static str,
    /// Whether it passed.
    pub ok: bool,
    /// What was found, for people.
    pub detail: String,
}

impl Check {
    pub(super) fn new(name: &'static str, found: Result<String, String>) -> Self {
        Self {
            name,
            ok: found.is_ok(),
            detail: found.unwrap_or_else(|why| why),
        }
    }
}

/// Does every check; that of the node's log only where it is known here.
pub async fn check(chain: &Chain, follower: &Follower, deployment: &Deployment, log: Option<&Path>) -> Vec<Check> {
    let (health, finality, code) = futures::join!(
        in_time(health(chain)),
        in_time(finality(follower)),
        in_time(code(chain, follower, deployment))
    );
    let mut checks = vec![
        Check::new("genesis", genesis(chain, deployment)),
        Check::new("syncing", health.as_ref().map_err(String::clone).and_then(syncing)),
        Check::new("peers", health.as_ref().map_err(String::clone).and_then(peers)),
        Check::new("finality", finality),
        Check::new("runtime", runtime(chain)),
        Check::new("contract-code", code),
    ];
    if let Some(log) = log {
        checks.push(Check::new("node-log", node_log(log.to_owned()).await));
    }
    checks
}

/// What a Substrate node writes at each start.
const START: &str = "Chain specification:";
/// What it writes when something failed for good; what peers and clients send can't be among it.
const FAULTS: [&str; 2] = ["' panicked at ", "Essential task `"];
/// How it says at last why it ends.
const END: &str = "Error: ";
/// How much of a log is looked at, from its end, in bytes.
const LOOKED_AT: u64 = 1024 * 1024;

/// Whether the node's log tells of a fault since its latest start (S1.2).
async fn node_log(path: PathBuf) -> Result<String, String> {
    let named = path.display().to_string();
    let read = tokio::task::spawn_blocking(move || tail(&path)).await;
    let text = read.map_err(|error| error.to_string())?;
    let text = text.map_err(|error| format!("{named} can't be read: {error}"))?;
    match fault_since_start(&text) {
        Some(line) => Err(format!("{named} says: {line}")),
        None => Ok(format!("{named} tells of no fault since the node's latest start")),
    }
}

fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOOKED_AT)))?;
    let mut bytes = Vec::new();
    file.take(LOOKED_AT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn fault_since_start(log: &str) -> Option<&str> {
    let since = log.rfind(START).and_then(|start| log.get(start..)).unwrap_or(log);
    let is_fault = |line: &&str| line.starts_with(END) || FAULTS.iter().any(|fault| line.contains(fault));
    since.lines().find(is_fault)
}

/// What a check finds, unless the node says nothing.
pub(super) async fn in_time<T>(check: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    within(ANSWER, check).await
}

async fn within<T>(time: Duration, check: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let answer = tokio::time::timeout(time, check).await;
    answer.unwrap_or_else(|_| Err(format!("the node doesn't answer within {} s", time.as_secs_f32())))
}

fn genesis(chain: &Chain, deployment: &Deployment) -> Result<String, String> {
    deployment
        .ensure_on(chain.genesis())
        .map_err(|error| error.to_string())?;
    Ok(to_hex(&chain.genesis()))
}

async fn health(chain: &Chain) -> Result<SystemHealth, String> {
    let session = chain.session().map_err(|error| error.to_string())?;
    session
        .rpc
        .system_health()
        .await
        .map_err(|error| ChainError::rpc("system_health", error).to_string())
}

fn syncing(health: &SystemHealth) -> Result<String, String> {
    if health.is_syncing {
        return Err(format!("the node is still syncing, with {} peers", health.peers));
    }
    Ok(format!("in sync, {} peers", health.peers))
}

/// A node that seals alone needs none, and says so.
fn peers(health: &SystemHealth) -> Result<String, String> {
    match (health.should_have_peers, health.peers) {
        (true, 0) => Err("the node has no peers, and this chain needs them".into()),
        (true, peers) => Ok(format!("{peers} peers")),
        (false, peers) => Ok(format!("{peers} peers, and this chain needs none")),
    }
}

fn runtime(chain: &Chain) -> Result<String, String> {
    let runtime = chain.runtime().map_err(|error| error.to_string())?;
    let version = runtime.spec_version();
    if runtime.has_pallet("Contracts") {
        Ok(format!("version {version} has the pallet Contracts"))
    } else {
        Err(format!("version {version} of the runtime has no pallet Contracts"))
    }
}

async fn finality(follower: &Follower) -> Result<String, String> {
    let head = follower.head().number;
    match follower.stalled(PATIENCE).await {
        Ok(None) => Ok(format!("block {head} is finalized")),
        Ok(Some(still)) => Err(format!(
            "nothing was finalized after block {head} for {} s although blocks or transactions wait",
            still.as_secs()
        )),
        Err(error) => Err(error.to_string()),
    }
}

async fn code(chain: &Chain, follower: &Follower, deployment: &Deployment) -> Result<String, String> {
    let at = follower.head().hash;
    let found = deployment
        .contracts
        .iter()
        .map(|contract| code_hash(chain, &contract.address, at));
    for (contract, found) in deployment.contracts.iter().zip(futures::future::join_all(found).await) {
        match found.map_err(|error| error.to_string())? {
            Some(hash) if hash == contract.code_hash => {}
            Some(hash) => {
                let (name, expected) = (&contract.name, to_hex(&contract.code_hash));
                return Err(format!("{name} runs code {}, {expected} was deployed", to_hex(&hash)));
            }
            None => return Err(format!("{} isn't on the chain", contract.name)),
        }
    }
    Ok(format!(
        "{} contracts run the code deployed",
        deployment.contracts.len()
    ))
}

/// `pallet_contracts::ContractInfo`, as far as it is of use: other fields come and go with versions.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct ContractInfo {
    code_hash: H256,
}

/// The code hash of the contract at an account; `None` where there is no contract.
///
/// # Errors
/// The chain couldn't be asked.
pub async fn code_hash(chain: &Chain, contract: &AccountId, at: [u8; 32]) -> Result<Option<[u8; 32]>, ChainError> {
    let Some(bytes) = chain.storage("Contracts", "ContractInfoOf", (contract.0,), at).await? else {
        return Ok(None);
    };
    let runtime = chain.runtime()?;
    let metadata = runtime.client().metadata_ref();
    let unfit = |why: String| ChainError::Runtime(format!("Contracts.ContractInfoOf: {why}"));
    let entry = metadata
        .pallet_by_name("Contracts")
        .and_then(|pallet| pallet.storage()?.entry_by_name("ContractInfoOf"))
        .ok_or_else(|| unfit("missing".into()))?;
    ContractInfo::decode_as_type(&mut &bytes[..], entry.value_ty(), metadata.types())
        .map(|info| Some(info.code_hash.0))
        .map_err(|error| unfit(error.to_string()))
}

/// Whether code of this hash is on the chain.
///
/// # Errors
/// The chain couldn't be asked.
pub async fn has_code(chain: &Chain, code_hash: [u8; 32], at: [u8; 32]) -> Result<bool, ChainError> {
    let info = chain.storage("Contracts", "CodeInfoOf", (code_hash,), at).await?;
    Ok(info.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(peers: usize, is_syncing: bool, should_have_peers: bool) -> SystemHealth {
        SystemHealth {
            peers,
            is_syncing,
            should_have_peers,
        }
    }

    #[test]
    fn a_node_needs_peers_where_its_chain_does() {
        assert!(peers(&health(0, false, true)).is_err());
        assert!(peers(&health(1, false, true)).is_ok());
        assert!(peers(&health(0, false, false)).is_ok());
    }

    #[test]
    fn a_fault_in_the_log_counts_until_the_node_starts_again() {
        let start = "2026-01-01 12:00:00 📋 Chain specification: Consortium\n";
        let fault = "2026-01-01 12:00:01 Essential task `txpool-background` failed. Shutting down service.\n";
        assert_eq!(fault_since_start(&format!("{start}Imported #1\n")), None);
        assert_eq!(fault_since_start(&format!("{start}{fault}")), Some(fault.trim_end()));
        assert_eq!(fault_since_start(&format!("{start}{fault}{start}")), None);
        assert_eq!(
            fault_since_start("Error: Service(Other(\"no database\"))"),
            Some("Error: Service(Other(\"no database\"))")
        );
    }

    #[tokio::test]
    async fn a_log_that_is_not_there_is_no_good_sign() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("node.log");
        assert!(node_log(log.clone()).await.is_err());
        std::fs::write(&log, "Imported #1").unwrap();
        assert!(node_log(log.clone()).await.is_ok());
        std::fs::write(&log, "thread 'main' panicked at src/main.rs:1").unwrap();
        assert!(node_log(log).await.unwrap_err().contains("panicked at src/main.rs:1"));
    }

    #[test]
    fn a_node_that_is_syncing_is_not_ready() {
        assert!(syncing(&health(3, true, true)).is_err());
        assert!(syncing(&health(3, false, true)).is_ok());
    }

    #[tokio::test]
    async fn a_node_that_says_nothing_fails_its_checks_in_time() {
        let silent = within(Duration::from_millis(1), std::future::pending::<Result<(), String>>()).await;
        assert!(silent.unwrap_err().contains("doesn't answer"));
        assert_eq!(within(ANSWER, async { Ok(7) }).await, Ok(7));
    }
}
