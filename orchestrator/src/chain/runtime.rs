//! What must be known of a chain's runtime to write its transactions and read its events: fetched once, kept until
//! the runtime is upgraded.
use std::sync::Arc;

use protocol::AccountId;
use subxt::{
    client::OfflineClientAtBlock,
    config::{substrate::SpecVersionForRange, DefaultExtrinsicParamsBuilder, RpcConfigFor, SubstrateConfig},
    error::DispatchError,
    transactions::Signer,
    utils::{AccountId32, MultiSignature, H256},
    Metadata, OfflineClient,
};
use subxt_rpcs::LegacyRpcMethods;

use super::{calls::Call, ChainError};
use crate::identity::SigningKey;

pub(super) type Rpc = LegacyRpcMethods<RpcConfigFor<SubstrateConfig>>;

/// How many blocks a signed transaction lives.
pub const ERA: u64 = 64;

/// A runtime's version and metadata.
pub struct Runtime {
    spec_version: u32,
    client: OfflineClientAtBlock<SubstrateConfig>,
}

/// A signed transaction, ready to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What goes over the wire.
    pub bytes: Vec<u8>,
    /// blake2-256 of it.
    pub hash: [u8; 32],
}

impl Runtime {
    /// The runtime at a block; `None` is the best one.
    pub(super) async fn load(rpc: &Rpc, genesis: [u8; 32], at: Option<[u8; 32]>) -> Result<Self, ChainError> {
        let at = match at {
            Some(hash) => H256(hash),
            None => rpc
                .chain_get_block_hash(None)
                .await
                .map_err(|error| ChainError::rpc("chain_getBlockHash", error))?
                .ok_or_else(|| ChainError::NoBlock("best".into()))?,
        };
        let (version, metadata) = futures::future::join(
            rpc.state_get_runtime_version(Some(at)),
            rpc.state_get_metadata(Some(at)),
        )
        .await;
        let version = version.map_err(|error| ChainError::rpc("state_getRuntimeVersion", error))?;
        let metadata = metadata.map_err(|error| ChainError::rpc("state_getMetadata", error))?;
        let metadata = Metadata::decode_from(&metadata.into_raw()).map_err(|error| ChainError::Unreadable {
            method: "state_getMetadata",
            why: error.to_string(),
        })?;
        let config = SubstrateConfig::builder()
            .set_genesis_hash(H256(genesis))
            .set_spec_version_for_block_ranges([SpecVersionForRange {
                block_range: 0..u64::MAX,
                spec_version: version.spec_version,
                transaction_version: version.transaction_version,
            }])
            .set_metadata_for_spec_versions([(version.spec_version, metadata.arc())])
            .build();
        let client = OfflineClient::new_with_config(config)
            .at_block(0u64)
            .map_err(|error| ChainError::Runtime(error.to_string()))?;
        Ok(Self {
            spec_version: version.spec_version,
            client,
        })
    }

    /// Rises with every upgrade.
    pub fn spec_version(&self) -> u32 {
        self.spec_version
    }

    /// Calls, storage and events by this runtime's metadata.
    pub fn client(&self) -> &OfflineClientAtBlock<SubstrateConfig> {
        &self.client
    }

    /// Whether the runtime has this pallet.
    pub fn has_pallet(&self, name: &str) -> bool {
        self.client.metadata_ref().pallet_by_name(name).is_some()
    }

    /// A dispatch error in words: `Contracts::ContractReverted` and the like.
    pub fn dispatch_error(&self, bytes: &[u8]) -> String {
        match DispatchError::decode_from(bytes, self.client.metadata()) {
            Ok(DispatchError::Module(module)) => module.details_string(),
            Ok(other) => other.to_string(),
            Err(error) => format!("an unknown dispatch error ({error})"),
        }
    }

    /// Signs a call. It lives from `birth` until [`ERA`] blocks later.
    pub(super) fn sign(
        &self,
        key: &SigningKey,
        call: &Call,
        nonce: u64,
        birth: (u32, [u8; 32]),
    ) -> Result<Signed, ChainError> {
        let (number, hash) = birth;
        let params = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new()
            .mortal_from_unchecked(ERA, u64::from(number), H256(hash))
            .nonce(nonce)
            .build();
        let signed = self
            .client
            .transactions()
            .create_signable_offline(call, params)
            .and_then(|mut signable| signable.sign(&Account(key)))
            .map_err(|error| ChainError::Runtime(error.to_string()))?;
        Ok(Signed {
            hash: signed.hash().0,
            bytes: signed.into_encoded(),
        })
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Runtime(spec version {})", self.spec_version)
    }
}

/// Signs transactions with an institution's account key.
struct Account<'a>(&'a SigningKey);

impl Signer<SubstrateConfig> for Account<'_> {
    fn account_id(&self) -> AccountId32 {
        account_id(&self.0.account())
    }

    fn sign(&self, payload: &[u8]) -> MultiSignature {
        MultiSignature::Sr25519(self.0.sign(payload).0)
    }
}

/// An account as subxt knows it.
pub(super) fn account_id(account: &AccountId) -> AccountId32 {
    AccountId32(account.0)
}

/// Shared by everything that holds a session.
pub(super) type SharedRuntime = Arc<Runtime>;
