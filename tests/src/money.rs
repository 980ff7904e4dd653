//! Members' money in three assets: native tokens, an honest token, and one that does what its messages tell it to.
use std::collections::BTreeMap;

use protocol::{settlement::Asset, AccountId, Member};
use quittance_runtime::UNIT;
use scale::Encode;

use crate::{
    contract_chain::{Called, Chain, RootKey, DEPLOYER},
    institutions::account,
};

/// What each rich member has of each token.
const TOKENS: u128 = 1_000_000 * UNIT;

pub struct Money {
    /// The contract under test.
    holder: AccountId,
    /// An honest token.
    pub token: AccountId,
    /// One that does what its messages tell it to.
    pub hostile: AccountId,
    /// What each member paid for storage.
    deposits: BTreeMap<Member, i128>,
    committed_deposits: BTreeMap<Member, i128>,
    /// What the contract under test needs to exist.
    endowment: u128,
    token_balances: RootKey,
    hostile_balances: RootKey,
}

impl Money {
    /// Makes the tokens and gives each of the rich its part. `holder`: the contract under test.
    pub fn new(chain: &mut Chain, holder: AccountId, rich: &[Member]) -> Self {
        let tokens = make_tokens(chain);
        Self::of(chain, holder, rich, tokens)
    }

    /// As [`Self::new`], where the contract under test was made for one of the tokens.
    pub fn of(chain: &mut Chain, holder: AccountId, rich: &[Member], [token, hostile]: [AccountId; 2]) -> Self {
        for member in rich {
            for token in [token, hostile] {
                let args = (account(*member), TOKENS, Vec::<u8>::new());
                // What a PSP22Error is like doesn't matter here.
                let paid: Called<Result<(), u8>> = chain.call(DEPLOYER, token, "PSP22::transfer", args, 0);
                paid.output.unwrap();
            }
        }
        Self {
            holder,
            token,
            hostile,
            deposits: BTreeMap::new(),
            committed_deposits: BTreeMap::new(),
            endowment: chain.native_balance(holder),
            token_balances: RootKey::of("token", "balances"),
            hostile_balances: RootKey::of("hostile-token", "balances"),
        }
    }

    pub fn assets(&self) -> [Asset; 3] {
        [Asset::Native, Asset::Psp22(self.token), Asset::Psp22(self.hostile)]
    }

    /// A member paid for storage, or got something back.
    pub fn note(&mut self, by: Member, deposit: i128) {
        *self.deposits.entry(by).or_default() += deposit;
    }

    /// The chain's present state is the one that it goes back to.
    pub fn commit(&mut self) {
        self.committed_deposits.clone_from(&self.deposits);
    }

    pub fn roll_back(&mut self) {
        self.deposits.clone_from(&self.committed_deposits);
    }

    /// Tells a token contract something.
    pub fn tell(&self, chain: &mut Chain, token: AccountId, message: &str, args: impl Encode) {
        chain.call::<()>(DEPLOYER, token, message, args, 0);
    }

    /// Allows the contract under test to take tokens; nothing for native ones.
    pub fn approve(&mut self, chain: &mut Chain, by: Member, asset: Asset, amount: u128) {
        if let Asset::Psp22(token) = asset {
            let args = (self.holder, amount);
            let called: Called<Result<(), u8>> = chain.call(account(by), token, "PSP22::approve", args, 0);
            self.note(by, called.deposit);
            called.output.unwrap();
        }
    }

    /// What a member has, not counting what it paid for storage.
    pub fn balance(&self, chain: &mut Chain, member: Member, asset: Asset) -> u128 {
        let balance = self.balance_of(chain, account(member), asset);
        match asset {
            Asset::Native => {
                let deposits = self.deposits.get(&member).copied().unwrap_or_default();
                balance.checked_add_signed(deposits).unwrap()
            }
            Asset::Psp22(_) => balance,
        }
    }

    /// What the contract under test holds, not counting what it needs to exist.
    pub fn held(&self, chain: &mut Chain, asset: Asset) -> u128 {
        let balance = self.balance_of(chain, self.holder, asset);
        match asset {
            Asset::Native => balance - self.endowment,
            Asset::Psp22(_) => balance,
        }
    }

    fn balance_of(&self, chain: &mut Chain, account: AccountId, asset: Asset) -> u128 {
        let Asset::Psp22(token) = asset else {
            return chain.native_balance(account);
        };
        let balances = if token == self.token {
            self.token_balances
        } else {
            self.hostile_balances
        };
        chain.stored(token, balances, account).unwrap_or_default()
    }
}

/// An honest token, and one that does what its messages tell it to. All is the deployer's.
pub fn make_tokens(chain: &mut Chain) -> [AccountId; 2] {
    ["token", "hostile-token"].map(|contract| chain.instantiate::<()>(contract, TOKENS * 10).unwrap())
}

/// What must be sent along to pay this amount.
pub fn native_part(asset: Asset, amount: u128) -> u128 {
    match asset {
        Asset::Native => amount,
        Asset::Psp22(_) => 0,
    }
}
