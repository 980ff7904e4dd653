//! Whether work may be taken on: the right chain, in sync, finalizing, with the code that was deployed.
use std::time::Duration;

use protocol::{text::to_hex, AccountId};
use serde::Serialize;
use subxt::{ext::scale_decode::DecodeAsType, utils::H256};

use super::{Chain, ChainError, Deployment, Follower};

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
    fn new(name: &'static str, found: Result<String, String>) -> Self {
        Self {
            name,
            ok: found.is_ok(),
            detail: found.unwrap_or_else(|why| why),
        }
    }
}

/// Does every check. `patience` is how long finality may stand still while there is something to finalize.
pub async fn check(chain: &Chain, follower: &Follower, deployment: &Deployment, patience: Duration) -> Vec<Check> {
    let (syncing, finality, code) = futures::join!(
        syncing(chain),
        finality(follower, patience),
        code(chain, follower, deployment)
    );
    vec![
        Check::new("genesis", genesis(chain, deployment)),
        Check::new("syncing", syncing),
        Check::new("finality", finality),
        Check::new("contract-code", code),
    ]
}

fn genesis(chain: &Chain, deployment: &Deployment) -> Result<String, String> {
    deployment
        .ensure_on(chain.genesis())
        .map_err(|error| error.to_string())?;
    Ok(to_hex(&chain.genesis()))
}

async fn syncing(chain: &Chain) -> Result<String, String> {
    let session = chain.session().map_err(|error| error.to_string())?;
    let health = session
        .rpc
        .system_health()
        .await
        .map_err(|error| ChainError::rpc("system_health", error).to_string())?;
    if health.is_syncing {
        return Err(format!("the node is still syncing, with {} peers", health.peers));
    }
    Ok(format!("in sync, {} peers", health.peers))
}

async fn finality(follower: &Follower, patience: Duration) -> Result<String, String> {
    let head = follower.head().number;
    match follower.stalled(patience).await {
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
