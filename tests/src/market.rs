//! A buyer, a seller, an arbiter, and an escrow contract between them; money in three assets.
use std::collections::BTreeMap;

use protocol::{
    escrow::{cancellation, Deadlines, Deal, Error, Secret, Terms},
    settlement::Asset,
    signing::Domain,
    AccountId, AgreementId, DealId, Member, Signature,
};
use quittance_runtime::UNIT;
use scale::{Decode, Encode};
use sp_core::Pair as _;

use crate::{
    contract_chain::{Called, Chain, Fault, RootKey, DEPLOYER, GENESIS, START},
    institutions::{account, key, sign},
};

pub const BUYER: Member = Member(0);
pub const SELLER: Member = Member(1);
pub const ARBITER: Member = Member(2);
pub const STRANGER: Member = Member(3);
/// Has no account on the chain until somebody pays it enough for one.
pub const POOR: Member = Member(4);
pub const MEMBERS: [Member; 5] = [BUYER, SELLER, ARBITER, STRANGER, POOR];

/// The shortest phase of a deal.
pub const GAP: u64 = 1_000;
pub const DEADLINES: Deadlines = Deadlines {
    accept_by: START + 10_000,
    reveal_by: START + 20_000,
    dispute_by: START + 30_000,
    ruling_by: START + 40_000,
};
pub const PRICE: u128 = 100 * UNIT;
pub const BOND: u128 = 20 * UNIT;
pub const SELLER_BOND: u128 = 10 * UNIT;
pub const POT: u128 = PRICE + BOND + SELLER_BOND;

/// What each member but the poor one has of each token.
const TOKENS: u128 = 1_000_000 * UNIT;

pub struct Market {
    pub chain: Chain,
    pub escrow: AccountId,
    /// An honest token.
    pub token: AccountId,
    /// One that does what its messages tell it to.
    pub hostile: AccountId,
    /// What each member paid for storage.
    deposits: BTreeMap<Member, i128>,
    committed_deposits: BTreeMap<Member, i128>,
    /// What the escrow contract needs to exist.
    endowment: u128,
    deals: RootKey,
    due: RootKey,
    token_balances: RootKey,
    hostile_balances: RootKey,
}

/// The secret of the deal with this number.
pub fn secret(number: u8) -> Secret {
    Secret([number; 32])
}

/// Terms that the contract accepts at the start; each number is another agreement under another hashlock.
pub fn terms(asset: Asset, number: u8) -> Terms {
    Terms {
        agreement: AgreementId([number; 32]),
        seller: account(SELLER),
        buyer_key: key(BUYER).public().0,
        seller_key: key(SELLER).public().0,
        arbiter: account(ARBITER),
        asset,
        price: PRICE,
        bond: BOND,
        seller_bond: SELLER_BOND,
        default_award: PRICE,
        deadlines: DEADLINES,
        hashlock: secret(number).hashlock(),
    }
}

impl Default for Market {
    fn default() -> Self {
        Self::new(GAP)
    }
}

impl Market {
    pub fn new(gap: u64) -> Self {
        let rich = MEMBERS.into_iter().filter(|member| *member != POOR);
        let mut chain = Chain::new(&rich.clone().map(account).collect::<Vec<_>>());
        let escrow = chain.instantiate::<()>("escrow", (GENESIS, gap)).unwrap();
        let supply = TOKENS * 10;
        let token = chain.instantiate::<()>("token", supply).unwrap();
        let hostile = chain.instantiate::<()>("hostile-token", supply).unwrap();
        for member in rich {
            for token in [token, hostile] {
                let args = (account(member), TOKENS, Vec::<u8>::new());
                // What a PSP22Error is like doesn't matter here.
                let paid: Called<Result<(), u8>> = chain.call(DEPLOYER, token, "PSP22::transfer", args, 0);
                paid.output.unwrap();
            }
        }
        let endowment = chain.native_balance(escrow);
        Self {
            chain,
            escrow,
            token,
            hostile,
            deposits: BTreeMap::new(),
            committed_deposits: BTreeMap::new(),
            endowment,
            deals: RootKey::of("escrow", "deals"),
            due: RootKey::of("escrow", "due"),
            token_balances: RootKey::of("token", "balances"),
            hostile_balances: RootKey::of("hostile-token", "balances"),
        }
    }

    pub fn assets(&self) -> [Asset; 3] {
        [Asset::Native, Asset::Psp22(self.token), Asset::Psp22(self.hostile)]
    }

    /// Makes the present state the one that [`Self::roll_back`] goes back to.
    pub fn commit(&mut self) {
        self.chain.commit();
        self.committed_deposits.clone_from(&self.deposits);
    }

    pub fn roll_back(&mut self) {
        self.chain.roll_back();
        self.deposits.clone_from(&self.committed_deposits);
    }

    /// Sends the escrow contract a message that must come to an answer.
    pub fn send<T: Decode>(&mut self, by: Member, message: &str, args: impl Encode, value: u128) -> T {
        self.try_send(by, message, args, value).unwrap().output
    }

    pub fn try_send<T: Decode>(
        &mut self,
        by: Member,
        message: &str,
        args: impl Encode,
        value: u128,
    ) -> Result<Called<T>, Fault> {
        let called = self.chain.try_call(account(by), self.escrow, message, args, value)?;
        *self.deposits.entry(by).or_default() += called.deposit;
        Ok(called)
    }

    /// Tells a token contract something.
    pub fn tell(&mut self, token: AccountId, message: &str, args: impl Encode) {
        self.chain.call::<()>(account(STRANGER), token, message, args, 0);
    }

    /// Allows the escrow contract to take tokens; nothing for native ones.
    pub fn approve(&mut self, by: Member, asset: Asset, amount: u128) {
        if let Asset::Psp22(token) = asset {
            let args = (self.escrow, amount);
            let called: Called<Result<(), u8>> = self.chain.call(account(by), token, "PSP22::approve", args, 0);
            *self.deposits.entry(by).or_default() += called.deposit;
            called.output.unwrap();
        }
    }

    /// E1, by the buyer, with what is due.
    pub fn lock(&mut self, terms: &Terms) -> Result<DealId, Error> {
        let stake = terms.buyer_stake().unwrap();
        self.approve(BUYER, terms.asset, stake);
        self.send(BUYER, "lock", terms, native_part(terms.asset, stake))
    }

    /// E2, by the seller, with what is due.
    pub fn accept(&mut self, id: DealId) -> Result<(), Error> {
        let terms = self.deal(id).terms;
        self.approve(SELLER, terms.asset, terms.seller_bond);
        self.send(SELLER, "accept", id, native_part(terms.asset, terms.seller_bond))
    }

    /// A deal that is locked and accepted.
    pub fn accepted(&mut self, terms: &Terms) -> DealId {
        let id = self.lock(terms).unwrap();
        self.accept(id).unwrap();
        id
    }

    pub fn deal(&mut self, id: DealId) -> Deal {
        self.try_deal(id).unwrap()
    }

    /// As it is stored, whatever the contract's messages say.
    pub fn try_deal(&mut self, id: DealId) -> Option<Deal> {
        self.chain.stored(self.escrow, self.deals, id)
    }

    /// What waits for a member.
    pub fn due(&mut self, member: Member, asset: Asset) -> u128 {
        let due = self.chain.stored(self.escrow, self.due, (account(member), asset));
        due.unwrap_or_default()
    }

    /// What a member has, not counting what it paid for storage.
    pub fn balance(&mut self, member: Member, asset: Asset) -> u128 {
        let balance = self.balance_of(account(member), asset);
        match asset {
            Asset::Native => {
                let deposits = self.deposits.get(&member).copied().unwrap_or_default();
                balance.checked_add_signed(deposits).unwrap()
            }
            Asset::Psp22(_) => balance,
        }
    }

    /// What the escrow contract holds, not counting what it needs to exist.
    pub fn held(&mut self, asset: Asset) -> u128 {
        let balance = self.balance_of(self.escrow, asset);
        match asset {
            Asset::Native => balance - self.endowment,
            Asset::Psp22(_) => balance,
        }
    }

    /// A party's signature under calling a deal off.
    pub fn consent(&self, member: Member, id: DealId, expires_at: u64) -> Signature {
        sign(&key(member), &cancellation(&self.domain(), &id, expires_at))
    }

    pub fn domain(&self) -> Domain {
        Domain {
            genesis: GENESIS,
            contract: self.escrow,
            epoch: 0,
        }
    }

    fn balance_of(&mut self, account: AccountId, asset: Asset) -> u128 {
        let Asset::Psp22(token) = asset else {
            return self.chain.native_balance(account);
        };
        let balances = if token == self.token {
            self.token_balances
        } else {
            self.hostile_balances
        };
        self.chain.stored(token, balances, account).unwrap_or_default()
    }
}

/// What must be sent along to pay this amount.
pub fn native_part(asset: Asset, amount: u128) -> u128 {
    match asset {
        Asset::Native => amount,
        Asset::Psp22(_) => 0,
    }
}
