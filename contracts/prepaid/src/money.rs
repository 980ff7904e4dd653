//! Money that comes in and goes out, each counted in the float before it moves.
use calls::token;
use ink::{env::DefaultEnvironment, primitives::AccountId};
use protocol::{prepaid::Error, settlement::Asset, Amount};

use crate::{prepaid::Prepaid, Result};

impl Prepaid {
    /// Makes sure that the caller put nothing in under this reference, and that it won't again. Others may use the same:
    /// nobody can use up a reference that somebody else's money is under way with.
    pub(crate) fn use_reference(&mut self, reference: [u8; 32]) -> Result<()> {
        let key = (ink::env::caller::<DefaultEnvironment>(), reference);
        if self.references.contains(key) {
            return Err(Error::ReferenceUsed);
        }
        self.references.insert(key, &());
        Ok(())
    }

    /// Takes from the caller exactly that much. Called last: what it fails undoes everything.
    pub(crate) fn put_in(&self, amount: Amount) -> Result<()> {
        let due = match self.asset {
            Asset::Native => amount,
            Asset::Psp22(_) => 0,
        };
        if ink::env::transferred_value::<DefaultEnvironment>() != due {
            return Err(Error::WrongValue { due });
        }
        match self.asset {
            Asset::Native => Ok(()),
            Asset::Psp22(account) => {
                let (from, to) = (
                    ink::env::caller::<DefaultEnvironment>(),
                    ink::env::account_id::<DefaultEnvironment>(),
                );
                token::take(account, from, to, amount).map_err(Error::from)
            }
        }
    }

    /// Pays somebody, if there is anything to pay. Called last: if it fails, nothing happened.
    pub(crate) fn pay(&self, to: AccountId, amount: Amount) -> Result<()> {
        if amount == 0 {
            return Ok(());
        }
        let is_done = match self.asset {
            Asset::Native => ink::env::transfer::<DefaultEnvironment>(to, amount).is_ok(),
            Asset::Psp22(account) => token::give(account, to, amount),
        };
        if is_done {
            Ok(())
        } else {
            Err(Error::TransferFailed)
        }
    }
}

pub fn add(to: &mut Amount, amount: Amount) -> Result<()> {
    *to = to.checked_add(amount).ok_or(Error::Overflow)?;
    Ok(())
}

pub fn subtract(from: &mut Amount, amount: Amount) -> Result<()> {
    *from = from.checked_sub(amount).ok_or(Error::Overflow)?;
    Ok(())
}
