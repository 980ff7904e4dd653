//! RPC methods on top of those that every Substrate node has.
use std::sync::Arc;

use jsonrpsee_server::RpcModule;
use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
use pallet_transaction_payment_rpc_runtime_api::RuntimeDispatchInfo;
use quittance_runtime::{AccountId, Balance, Hash, Nonce};
use substrate_frame_rpc_system::{System, SystemApiServer};

use crate::service::{FullClient, FullPool};

/// `system_*` for accounts and `payment_*` for fees.
pub fn create(
    client: Arc<FullClient>,
    pool: Arc<FullPool>,
) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>> {
    let mut module = RpcModule::new(());
    let system = System::new(client.clone(), pool);
    module.merge(SystemApiServer::<Hash, AccountId, Nonce>::into_rpc(system))?;
    module.merge(
        TransactionPaymentApiServer::<Hash, RuntimeDispatchInfo<Balance>>::into_rpc(TransactionPayment::new(client)),
    )?;
    Ok(module)
}
