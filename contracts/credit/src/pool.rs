//! The credit node's own money here: what payees are paid from, and where repayments go (S1.9).
use calls::token;
use ink::{env::DefaultEnvironment, primitives::AccountId};
use protocol::{
    credit::{CreditRequest, Error, Payout},
    settlement::Asset,
    Amount,
};

use crate::{
    clock::{self, ensure_before},
    credit::{Credit, Funded, PaidOut, Withdrawn},
    Result,
};

impl Credit {
    /// Takes the caller's money for the pool.
    pub(crate) fn add_funds(&mut self, asset: Asset, amount: Amount) -> Result<()> {
        if amount == 0 {
            return Err(Error::ZeroAmount);
        }
        ink::env::emit_event::<DefaultEnvironment, _>(Funded { asset, amount });
        self.put_in(asset, amount)
    }

    /// Pays from the pool to the credit node.
    pub(crate) fn take_out(&mut self, asset: Asset, amount: Amount, to: AccountId) -> Result<()> {
        if amount == 0 {
            return Err(Error::ZeroAmount);
        }
        self.draw(asset, amount)?;
        ink::env::emit_event::<DefaultEnvironment, _>(Withdrawn { asset, amount, to });
        transfer(to, asset, amount)
    }

    /// Pays a request's payee.
    pub(crate) fn pay_out(&mut self, request: &CreditRequest) -> Result<()> {
        request.check(self.grace)?;
        self.ensure_here(&request.payout)?;
        let id = request.id();
        if self.payouts.contains(id) {
            return Err(Error::RequestUsed);
        }
        ensure_before(request.pay_by)?;

        let payout = Payout {
            payee: request.payee,
            asset: request.payout.asset,
            amount: request.amount,
            block: ink::env::block_number::<DefaultEnvironment>(),
            paid_at: clock::now(),
        };
        self.payouts.insert(id, &payout);
        self.draw(payout.asset, payout.amount)?;
        ink::env::emit_event::<DefaultEnvironment, _>(PaidOut { id, payout });
        transfer(payout.payee, payout.asset, payout.amount)
    }

    /// Takes from the caller exactly that much, for the pool. Called last: what it fails undoes everything.
    pub(crate) fn put_in(&mut self, asset: Asset, amount: Amount) -> Result<()> {
        let due = match asset {
            Asset::Native => amount,
            Asset::Psp22(_) => 0,
        };
        if ink::env::transferred_value::<DefaultEnvironment>() != due {
            return Err(Error::WrongValue { due });
        }
        let sum = self.pool(asset).checked_add(amount).ok_or(Error::Overflow)?;
        self.pools.insert(asset, &sum);
        match asset {
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

    fn draw(&mut self, asset: Asset, needed: Amount) -> Result<()> {
        let available = self.pool(asset);
        let left = available
            .checked_sub(needed)
            .ok_or(Error::PoolShort { available, needed })?;
        self.pools.insert(asset, &left);
        Ok(())
    }
}

/// Called last: if it fails, nothing happened.
fn transfer(to: AccountId, asset: Asset, amount: Amount) -> Result<()> {
    let is_done = match asset {
        Asset::Native => ink::env::transfer::<DefaultEnvironment>(to, amount).is_ok(),
        Asset::Psp22(account) => token::give(account, to, amount),
    };
    if is_done {
        Ok(())
    } else {
        Err(Error::TransferFailed)
    }
}
