//! A node that keeps all states, as an auditor asks it: whole blocks, what they mean by the runtime that made them, and all
//! that a contract keeps.
use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable};
use protocol::{text::to_hex, AccountId, Amount};
use scale::{Compact, Decode, Encode};
use subxt::{
    events::Phase,
    utils::{AccountId32, MultiAddress, H256},
};
use subxt_rpcs::{client::rpc_params, methods::legacy::Bytes};

use super::{calls::Weight, contracts::Contract, runtime::Runtime, Chain, ChainError, ChainProofs, Follower};
use crate::audit::{
    chain::ports::{Archive, Content, Happened, RawBlock, Reader, Transaction, What},
    report::Witness,
    state::{item_key, Nodes},
};

const CHILD_KEYS: &str = "childstate_getKeysPaged";
const CONTRACTS: &str = "Contracts";

/// A lost connection is waited for, about a minute long.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const SLOWEST_RETRY: Duration = Duration::from_secs(10);
const RETRIES: usize = 10;

/// Reads come from an account that nobody has.
const NOBODY: AccountId = AccountId([0; 32]);

/// How a transaction names an account.
type Address = MultiAddress<AccountId32, ()>;
type Limit = Option<Compact<u128>>;

// As far as pallet-contracts has always laid them out.
type CallFields = (Address, Compact<u128>, Weight, Limit, Vec<u8>);
type InstantiateFields = (Compact<u128>, Weight, Limit, [u8; 32], Vec<u8>);
type InstantiateWithCodeFields = (Compact<u128>, Weight, Limit, Vec<u8>, Vec<u8>);

/// A node, asked for the past.
#[derive(Clone, Debug)]
pub struct ChainArchive {
    chain: Chain,
    proofs: ChainProofs,
}

impl ChainArchive {
    /// The node of this connection.
    pub fn new(chain: Chain) -> Self {
        Self {
            proofs: ChainProofs::new(chain.clone()),
            chain,
        }
    }

    async fn raw(&self, number: u32) -> Result<RawBlock, ChainError> {
        let hash = self.chain.block_hash(number).await?;
        let rpc = self.chain.session()?.rpc;
        let keys = [item_key("System", "Events"), item_key("Timestamp", "Now")];
        let (found, proof) =
            futures::future::join(rpc.chain_get_block(Some(H256(hash))), self.proofs.of_state(hash, &keys)).await;
        let found = found.map_err(|error| ChainError::rpc("chain_getBlock", error))?;
        let block = found.ok_or_else(|| ChainError::NoBlock(number.to_string()))?.block;
        Ok(RawBlock {
            number,
            hash,
            header: block.header.encode(),
            extrinsics: block.extrinsics.into_iter().map(|bytes| bytes.0).collect(),
            proof: proof?,
        })
    }

    async fn child_keys(
        &self,
        block: [u8; 32],
        child: &[u8],
        after: Option<&[u8]>,
        count: u32,
    ) -> Result<Vec<Vec<u8>>, ChainError> {
        let client = self.chain.session()?.client;
        let asked = rpc_params![to_hex(child), "0x", count, after.map(to_hex), H256(block)];
        let keys: Result<Vec<Bytes>, _> = client.request(CHILD_KEYS, asked).await;
        let keys = keys.map_err(|error| ChainError::rpc(CHILD_KEYS, error))?;
        Ok(keys.into_iter().map(|key| key.0).collect())
    }

    async fn balance(&self, token: AccountId, account: &AccountId, block: [u8; 32]) -> Result<Amount, ChainError> {
        let follower = Follower::start(self.chain.clone()).await?;
        let token = Contract::new(self.chain.clone(), follower, token, NOBODY);
        let read = token.read_at("PSP22::balance_of", account, block).await;
        read.map_err(|error| match error {
            super::contracts::CallError::Chain(error) => error,
            other => ChainError::Runtime(other.to_string()),
        })
    }
}

/// Asks until the node answers, or is away for too long.
async fn patiently<T, F>(ask: impl FnMut() -> F) -> Result<T, ChainError>
where
    F: Future<Output = Result<T, ChainError>>,
{
    let pace = ExponentialBuilder::default()
        .with_min_delay(FIRST_RETRY)
        .with_max_delay(SLOWEST_RETRY)
        .with_max_times(RETRIES);
    ask.retry(pace).when(ChainError::is_retryable).await
}

#[async_trait]
impl Archive for ChainArchive {
    fn genesis(&self) -> [u8; 32] {
        self.chain.genesis()
    }

    async fn finalized(&self) -> Result<u32, ChainError> {
        patiently(|| self.proofs.finalized()).await
    }

    async fn block(&self, number: u32) -> Result<RawBlock, ChainError> {
        patiently(|| self.raw(number)).await
    }

    async fn reader(&self, after: [u8; 32]) -> Result<Box<dyn Reader>, ChainError> {
        let load = || async {
            let rpc = self.chain.session()?.rpc;
            Runtime::load(&rpc, self.chain.genesis(), Some(after)).await
        };
        let runtime = patiently(load).await?;
        Ok(Box::new(RuntimeReader(Arc::new(runtime))))
    }

    async fn prove(&self, block: [u8; 32], keys: &[Vec<u8>]) -> Result<Nodes, ChainError> {
        patiently(|| self.proofs.of_state(block, keys)).await
    }

    async fn keys(
        &self,
        block: [u8; 32],
        child: &[u8],
        after: Option<&[u8]>,
        count: u32,
    ) -> Result<Vec<Vec<u8>>, ChainError> {
        patiently(|| self.child_keys(block, child, after, count)).await
    }

    async fn prove_child(&self, block: [u8; 32], child: &[u8], keys: &[Vec<u8>]) -> Result<Nodes, ChainError> {
        patiently(|| self.proofs.of_child(block, child, keys)).await
    }

    async fn native(&self, account: &AccountId, block: [u8; 32]) -> Result<Amount, ChainError> {
        patiently(|| self.chain.native_balance(account, block)).await
    }

    async fn token(&self, token: AccountId, account: &AccountId, block: [u8; 32]) -> Result<Amount, ChainError> {
        patiently(|| self.balance(token, account, block)).await
    }
}

/// Blocks of one runtime, read by its metadata.
struct RuntimeReader(Arc<Runtime>);

#[async_trait]
impl Reader for RuntimeReader {
    async fn read(&self, extrinsics: &[Vec<u8>], events: Vec<u8>) -> Result<Content, ChainError> {
        let mut content = self.happened(events)?;
        // Most blocks say nothing of contracts: their transactions needn't be understood.
        if !content.events.is_empty() {
            content.transactions = self.transactions(extrinsics).await;
        }
        Ok(content)
    }
}

impl RuntimeReader {
    fn happened(&self, events: Vec<u8>) -> Result<Content, ChainError> {
        let mut content = Content::default();
        for event in self.0.client().events().from_bytes(events).iter() {
            let event = event.map_err(|error| ChainError::Runtime(error.to_string()))?;
            let fields = event.field_bytes();
            let (contract, what) = match (event.pallet_name(), event.event_name()) {
                ("System", "CodeUpdated") => {
                    content.is_upgrade = true;
                    continue;
                }
                (CONTRACTS, "Instantiated") => {
                    let (_deployer, contract) = decode::<(AccountId, AccountId)>(fields)?;
                    (contract, What::Made)
                }
                (CONTRACTS, "ContractEmitted") => {
                    let (contract, data) = decode(fields)?;
                    let topic = event.topics().first().map(|topic| topic.0);
                    (contract, What::Emitted { topic, data })
                }
                (CONTRACTS, "ContractCodeUpdated") => (decode(fields)?, What::CodeChanged),
                (CONTRACTS, "Terminated") => (decode(fields)?, What::Terminated),
                _ => continue,
            };
            content.events.push(Happened {
                index: event.index(),
                transaction: match event.phase() {
                    Phase::ApplyExtrinsic(place) => Some(place),
                    Phase::Initialization | Phase::Finalization => None,
                },
                contract,
                what,
            });
        }
        Ok(content)
    }

    /// Those that are understood: what others ask for is not seen, and counted as such with their events.
    async fn transactions(&self, extrinsics: &[Vec<u8>]) -> BTreeMap<u32, Transaction> {
        let extrinsics = self.0.client().extrinsics().from_bytes(extrinsics.to_vec()).await;
        let mut found = BTreeMap::new();
        for (place, extrinsic) in (0u32..).zip(extrinsics.iter()) {
            let Ok(extrinsic) = extrinsic else { continue };
            if extrinsic.pallet_name() != CONTRACTS {
                continue;
            }
            let signer = extrinsic.address_bytes().and_then(account);
            let asked = asked(extrinsic.call_name(), extrinsic.call_data_field_bytes());
            if let (Some(signer), Some((to, value, input))) = (signer, asked) {
                found.insert(
                    place,
                    Transaction {
                        signer,
                        to,
                        value,
                        input,
                    },
                );
            }
        }
        found
    }
}

/// What a call of pallet-contracts asks for: of which contract (`None`: of one that it makes), with what value, in what words.
fn asked(call: &str, fields: &[u8]) -> Option<(Option<AccountId>, Amount, Vec<u8>)> {
    match call {
        "call" => {
            let (to, Compact(value), _, _, input) = decode::<CallFields>(fields).ok()?;
            Some((Some(named(&to)?), value, input))
        }
        "instantiate" => {
            let (Compact(value), _, _, _, input) = decode::<InstantiateFields>(fields).ok()?;
            Some((None, value, input))
        }
        "instantiate_with_code" => {
            let (Compact(value), _, _, _, input) = decode::<InstantiateWithCodeFields>(fields).ok()?;
            Some((None, value, input))
        }
        _ => None,
    }
}

fn account(address: &[u8]) -> Option<AccountId> {
    named(&decode(address).ok()?)
}

fn named(address: &Address) -> Option<AccountId> {
    match address {
        MultiAddress::Id(account) => Some(AccountId(account.0)),
        _ => None,
    }
}

fn decode<T: Decode>(mut bytes: &[u8]) -> Result<T, ChainError> {
    T::decode(&mut bytes).map_err(|error| ChainError::Unreadable {
        method: "System.Events",
        why: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const WEIGHT: Weight = Weight {
        ref_time: 1_000_000,
        proof_size: 3,
    };

    #[test]
    fn a_call_names_its_contract_and_a_birth_none() {
        let to: Address = MultiAddress::Id(AccountId32([7; 32]));
        let call = (to, Compact(5u128), WEIGHT, None::<Compact<u128>>, vec![1u8, 2]).encode();
        let expected = (Some(AccountId([7; 32])), 5, vec![1, 2]);
        assert_eq!(asked("call", &call).unwrap(), expected);

        let birth = (Compact(5u128), WEIGHT, None::<Compact<u128>>, [9u8; 32]).encode();
        let birth = [birth, (vec![1u8, 2], vec![3u8]).encode()].concat();
        assert_eq!(asked("instantiate", &birth).unwrap(), (None, 5, vec![1, 2]));

        let code = (Compact(5u128), WEIGHT, Some(Compact(8u128)), vec![0u8; 80]).encode();
        let code = [code, (vec![1u8, 2], vec![3u8]).encode()].concat();
        assert_eq!(asked("instantiate_with_code", &code).unwrap(), (None, 5, vec![1, 2]));

        assert_eq!(asked("upload_code", &code), None);
        assert_eq!(asked("call", &call[..40]), None);
    }
}
