//! Who acts here: the credit node by sending, payers and payees by signing.
use ink::{env::DefaultEnvironment, primitives::AccountId};
use protocol::{
    credit::{self, Error, Leg},
    registry::{Roles, Status},
    signing::{Domain, PAYLOAD_LENGTH},
    Signature,
};

use crate::{credit::Credit, Result};

impl Credit {
    /// The credit node's account as the registry has it now, if the caller is it and the credit node is active.
    pub(crate) fn ensure_node(&self) -> Result<AccountId> {
        let set = calls::registry::look_up(self.registry, &[self.node]).ok_or(Error::RegistryFailed)?;
        let node = set.signers.into_iter().next().flatten().ok_or(Error::NodeNotActive)?;
        if node.account != ink::env::caller::<DefaultEnvironment>() {
            return Err(Error::NotTheNode);
        }
        if node.status != Status::Active || !node.roles.contains(Roles::CREDIT_NODE) {
            return Err(Error::NodeNotActive);
        }
        Ok(node.account)
    }

    /// This side of the payment takes place here.
    pub(crate) fn ensure_here(&self, leg: &Leg) -> Result<()> {
        if leg.genesis == self.genesis && leg.contract == ink::env::account_id::<DefaultEnvironment>() {
            Ok(())
        } else {
            Err(Error::NotHere)
        }
    }

    /// Where what payers and payees sign is valid.
    pub(crate) fn domain(&self) -> Domain {
        credit::domain(self.genesis, ink::env::account_id::<DefaultEnvironment>())
    }
}

/// Whether the account, which is an sr25519 public key, signed. Anything is an account: bytes that are no key at all sign
/// nothing.
pub fn has_signed(account: &AccountId, signature: &Signature, payload: &[u8; PAYLOAD_LENGTH]) -> bool {
    let key: &[u8; 32] = account.as_ref();
    ink::env::sr25519_verify(&signature.0, payload, key).is_ok()
}
