//! RPC methods on top of those that every Substrate node has.
use std::sync::Arc;

use jsonrpsee_server::RpcModule;
use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
use quittance_runtime::{AccountId, Balance, Nonce};
use substrate_frame_rpc_system::{System, SystemApiServer};

use crate::service::{FullClient, FullPool};

/// `system_*` for accounts and `payment_*` for fees.
pub fn create(
    client: Arc<FullClient>,
    pool: Arc<FullPool>,
) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>> {
    let mut module = RpcModule::new(());
    module.merge(System::<_, _, _, Nonce, AccountId>::new(client.clone(), pool).into_rpc())?;
    module.merge(TransactionPayment::<_, _, Balance>::new(client).into_rpc())?;
    Ok(module)
}
