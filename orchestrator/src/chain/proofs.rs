//! Storage proofs of a node, and what an auditor asks it: blocks by number, and the events of contracts in them.
use async_trait::async_trait;
use protocol::{clearing::Discharge, text::to_hex, AccountId, Member, VoucherId};
use scale::Encode;
use subxt::utils::H256;
use subxt_rpcs::{client::rpc_params, methods::legacy::ReadProof};

use super::{
    contracts::{CallError, Contract},
    events::decode,
    Chain, ChainError, Follower,
};
use crate::{
    audit::{
        report::{Emitted, Witness},
        state::Nodes,
    },
    reconciliation::{ports::LedgerError, report::ports::Prover},
};

const CHILD_PROOF: &str = "state_getChildReadProof";

/// Reads come from an account that nobody has.
const NOBODY: AccountId = AccountId([0; 32]);

/// As far as pallet-contracts has always laid `ContractEmitted` out.
type ContractEmitted = (AccountId, Vec<u8>);

/// A node, asked for proofs.
#[derive(Clone, Debug)]
pub struct ChainProofs {
    chain: Chain,
}

impl ChainProofs {
    /// The node of this connection.
    pub const fn new(chain: Chain) -> Self {
        Self { chain }
    }

    /// What shows what the main trie has under these keys after a block.
    pub(super) async fn of_state(&self, block: [u8; 32], keys: &[Vec<u8>]) -> Result<Nodes, ChainError> {
        let rpc = self.chain.session()?.rpc;
        let proof = rpc
            .state_get_read_proof(keys.iter().map(Vec::as_slice), Some(H256(block)))
            .await
            .map_err(|error| ChainError::rpc("state_getReadProof", error))?;
        Ok(nodes(proof))
    }

    /// The same of a child trie, by the key of its root in the main trie.
    pub(super) async fn of_child(&self, block: [u8; 32], child: &[u8], keys: &[Vec<u8>]) -> Result<Nodes, ChainError> {
        let client = self.chain.session()?.client;
        let keys: Vec<String> = keys.iter().map(|key| to_hex(key)).collect();
        let asked = rpc_params![to_hex(child), keys, H256(block)];
        let proof: ReadProof<H256> = client
            .request(CHILD_PROOF, asked)
            .await
            .map_err(|error| ChainError::rpc(CHILD_PROOF, error))?;
        Ok(nodes(proof))
    }
}

#[async_trait]
impl Prover for ChainProofs {
    async fn header(&self, number: u32) -> Result<Vec<u8>, LedgerError> {
        let hash = self.chain.block_hash(number).await?;
        let rpc = self.chain.session()?.rpc;
        let header = rpc.chain_get_header(Some(H256(hash))).await;
        let header = header.map_err(|error| ChainError::rpc("chain_getHeader", error))?;
        let header = header.ok_or_else(|| ChainError::NoBlock(number.to_string()))?;
        Ok(header.encode())
    }

    async fn prove(&self, block: [u8; 32], keys: &[Vec<u8>]) -> Result<Nodes, LedgerError> {
        Ok(self.of_state(block, keys).await?)
    }

    async fn prove_child(&self, block: [u8; 32], child: &[u8], keys: &[Vec<u8>]) -> Result<Nodes, LedgerError> {
        Ok(self.of_child(block, child, keys).await?)
    }
}

fn nodes(proof: ReadProof<H256>) -> Nodes {
    proof.proof.into_iter().map(|node| node.0).collect()
}

#[async_trait]
impl Witness for ChainProofs {
    fn genesis(&self) -> [u8; 32] {
        self.chain.genesis()
    }

    async fn finalized(&self) -> Result<u32, ChainError> {
        let rpc = self.chain.session()?.rpc;
        let head = rpc.chain_get_finalized_head().await;
        let head = head.map_err(|error| ChainError::rpc("chain_getFinalizedHead", error))?;
        let header = rpc.chain_get_header(Some(head)).await;
        let header = header.map_err(|error| ChainError::rpc("chain_getHeader", error))?;
        let number = header.and_then(|header| u32::try_from(header.number).ok());
        number.ok_or_else(|| ChainError::NoBlock(to_hex(&head.0)))
    }

    async fn block_hash(&self, number: u32) -> Result<[u8; 32], ChainError> {
        self.chain.block_hash(number).await
    }

    async fn discharge(
        &self,
        clearing: AccountId,
        voucher: VoucherId,
        debtor: Member,
    ) -> Result<Option<Discharge>, ChainError> {
        let follower = Follower::start(self.chain.clone()).await?;
        let clearing = Contract::new(self.chain.clone(), follower, clearing, NOBODY);
        let read = clearing.read("clearing_voucher", &(voucher, debtor)).await;
        read.map_err(|error: CallError| match error {
            CallError::Chain(error) => error,
            other => ChainError::Runtime(other.to_string()),
        })
    }

    async fn emitted(&self, block: [u8; 32]) -> Result<Option<Vec<Emitted>>, ChainError> {
        let events = match self.chain.storage("System", "Events", (), block).await {
            Ok(events) => events.unwrap_or_default(),
            // The node has thrown the block's state away.
            Err(ChainError::Refused { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut emitted = Vec::new();
        let runtime = self.chain.runtime()?;
        for event in runtime.client().events().from_bytes(events).iter() {
            let event = event.map_err(|error| ChainError::Runtime(error.to_string()))?;
            if event.pallet_name() == "Contracts" && event.event_name() == "ContractEmitted" {
                let (contract, data) = decode::<ContractEmitted>(event.field_bytes())?;
                emitted.push(Emitted {
                    event: event.index(),
                    contract,
                    data,
                });
            }
        }
        Ok(Some(emitted))
    }
}
