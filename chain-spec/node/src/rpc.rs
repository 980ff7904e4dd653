//! RPC methods on top of those that every Substrate node has.
use std::sync::Arc;

use jsonrpsee_server::RpcModule;
use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
use pallet_transaction_payment_rpc_runtime_api::RuntimeDispatchInfo;
use quittance_runtime::{opaque::Block, AccountId, Balance, BlockNumber, Hash, Nonce};
use sc_consensus_grandpa::{FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState};
use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
use sc_rpc::SubscriptionTaskExecutor;
use substrate_frame_rpc_system::{System, SystemApiServer};

use crate::service::{FullBackend, FullClient, FullPool};

/// What there is to tell of finality where validators vote.
#[derive(Clone)]
pub struct Finality {
    /// Who votes.
    pub authorities: SharedAuthoritySet<Hash, BlockNumber>,
    /// How far they are.
    pub voters: SharedVoterState,
    /// What they agreed on, as it comes.
    pub justifications: GrandpaJustificationStream<Block>,
    /// What they agreed on, later.
    pub proofs: Arc<FinalityProofProvider<FullBackend, Block>>,
}

/// `system_*` for accounts, `payment_*` for fees, and `grandpa_*` where validators vote.
pub fn create(
    client: Arc<FullClient>,
    pool: Arc<FullPool>,
    finality: Option<Finality>,
    executor: SubscriptionTaskExecutor,
) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>> {
    let mut module = RpcModule::new(());
    let system = System::new(client.clone(), pool);
    module.merge(SystemApiServer::<Hash, AccountId, Nonce>::into_rpc(system))?;
    module.merge(
        TransactionPaymentApiServer::<Hash, RuntimeDispatchInfo<Balance>>::into_rpc(TransactionPayment::new(client)),
    )?;
    if let Some(finality) = finality {
        let grandpa = Grandpa::new(
            executor,
            finality.authorities,
            finality.voters,
            finality.justifications,
            finality.proofs,
        );
        module.merge(grandpa.into_rpc())?;
    }
    Ok(module)
}
