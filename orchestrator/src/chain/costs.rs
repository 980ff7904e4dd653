//! What an account paid for its transactions, apart from what it moved: read from the events of finalized blocks.
use protocol::AccountId;
use scale::Decode;

use super::{Chain, ChainError};

/// Fees and storage deposits of one account, in the native token's smallest unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// Gone.
    pub fees: u128,
    /// Held for what its transactions stored.
    pub deposits: u128,
    /// Given back for what its transactions removed.
    pub returned: u128,
}

impl Costs {
    /// What each of these accounts paid after `from`, up to and with `to`, both finalized. The node must have kept those
    /// blocks.
    ///
    /// # Errors
    /// The node doesn't answer or has thrown the blocks away.
    pub async fn of(chain: &Chain, accounts: &[AccountId], from: u32, to: u32) -> Result<Vec<Self>, ChainError> {
        let mut costs = vec![Self::default(); accounts.len()];
        for number in from.saturating_add(1)..=to {
            let hash = chain.block_hash(number).await?;
            let events = chain.storage("System", "Events", (), hash).await?.unwrap_or_default();
            add(chain, accounts, &mut costs, events)?;
        }
        Ok(costs)
    }

    /// What is left of a balance.
    pub fn taken_from(&self, balance: u128) -> Option<u128> {
        balance
            .checked_add(self.returned)?
            .checked_sub(self.fees)?
            .checked_sub(self.deposits)
    }
}

fn add(chain: &Chain, accounts: &[AccountId], costs: &mut [Costs], events: Vec<u8>) -> Result<(), ChainError> {
    let runtime = chain.runtime()?;
    for event in runtime.client().events().from_bytes(events).iter() {
        let event = event.map_err(|error| ChainError::Runtime(error.to_string()))?;
        let (who, kind, amount) = match (event.pallet_name(), event.event_name()) {
            ("TransactionPayment", kind @ "TransactionFeePaid") => {
                let (who, fee, _tip) = read::<([u8; 32], u128, u128)>(event.field_bytes())?;
                (who, kind, fee)
            }
            ("Contracts", kind @ "StorageDepositTransferredAndHeld") => {
                let (who, _contract, deposit) = read::<([u8; 32], [u8; 32], u128)>(event.field_bytes())?;
                (who, kind, deposit)
            }
            ("Contracts", kind @ "StorageDepositTransferredAndReleased") => {
                let (_contract, who, deposit) = read::<([u8; 32], [u8; 32], u128)>(event.field_bytes())?;
                (who, kind, deposit)
            }
            _ => continue,
        };
        let place = accounts.iter().position(|account| account.0 == who);
        let Some(costs) = place.and_then(|place| costs.get_mut(place)) else {
            continue;
        };
        let sum = match kind {
            "TransactionFeePaid" => &mut costs.fees,
            "StorageDepositTransferredAndHeld" => &mut costs.deposits,
            _ => &mut costs.returned,
        };
        *sum = sum.saturating_add(amount);
    }
    Ok(())
}

fn read<T: Decode>(fields: &[u8]) -> Result<T, ChainError> {
    T::decode(&mut &fields[..]).map_err(|error| ChainError::Unreadable {
        method: "System.Events",
        why: error.to_string(),
    })
}
