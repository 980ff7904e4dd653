//! Who acts here: the issuer and acquirers by sending, cards, terminals and holders by signing.
use ink::{env::DefaultEnvironment, primitives::AccountId};
use protocol::{
    prepaid::{self, Error},
    registry::{Roles, Signer, Status},
    signing::{Domain, PAYLOAD_LENGTH},
    Member, Signature,
};

use crate::{prepaid::Prepaid, Result};

impl Prepaid {
    /// The caller is the issuer, and the issuer is active.
    pub(crate) fn ensure_issuer(&self) -> Result<()> {
        ensure_acts(&self.issuer()?)
    }

    /// The issuer as the registry has it now, whatever its status.
    pub(crate) fn issuer(&self) -> Result<Signer> {
        self.look_up(self.issuer)?.ok_or(Error::IssuerNotActive)
    }

    /// The caller is this institution, whatever its status: an answer to a dispute is for its merchant.
    pub(crate) fn ensure_acquirer(&self, acquirer: Member) -> Result<()> {
        let acquirer = self.look_up(acquirer)?.ok_or(Error::NotTheAcquirer)?;
        if acquirer.account == ink::env::caller::<DefaultEnvironment>() {
            Ok(())
        } else {
            Err(Error::NotTheAcquirer)
        }
    }

    fn look_up(&self, member: Member) -> Result<Option<Signer>> {
        let set = calls::registry::look_up(self.registry, &[member]).ok_or(Error::RegistryFailed)?;
        Ok(set.signers.into_iter().next().flatten())
    }

    /// Where what cards, terminals and holders sign is valid.
    pub(crate) fn domain(&self) -> Domain {
        prepaid::domain(self.genesis, ink::env::account_id::<DefaultEnvironment>())
    }
}

/// The caller is this issuer, and it is active.
pub fn ensure_acts(issuer: &Signer) -> Result<()> {
    if issuer.account != ink::env::caller::<DefaultEnvironment>() {
        return Err(Error::NotTheIssuer);
    }
    if issuer.status != Status::Active || !issuer.roles.contains(Roles::CARD_ISSUER) {
        return Err(Error::IssuerNotActive);
    }
    Ok(())
}

/// Whether the account, which is an sr25519 public key, signed. Anything is an account: bytes that are no key at all sign
/// nothing.
pub fn has_signed(account: &AccountId, signature: &Signature, payload: &[u8; PAYLOAD_LENGTH]) -> bool {
    let key: &[u8; 32] = account.as_ref();
    ink::env::sr25519_verify(&signature.0, payload, key).is_ok()
}
