//! A buyer, a seller, an arbiter, and an escrow contract between them; money in three assets.
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
    contract_chain::{Called, Chain, Fault, RootKey, GENESIS, START},
    institutions::{account, key, sign},
    money::Money,
};

pub use crate::money::native_part;

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

pub struct Market {
    pub chain: Chain,
    pub escrow: AccountId,
    /// An honest token.
    pub token: AccountId,
    /// One that does what its messages tell it to.
    pub hostile: AccountId,
    money: Money,
    deals: RootKey,
    due: RootKey,
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
        let rich: Vec<Member> = MEMBERS.into_iter().filter(|member| *member != POOR).collect();
        let mut chain = Chain::new(&rich.iter().copied().map(account).collect::<Vec<_>>());
        let escrow = chain.instantiate::<()>("escrow", (GENESIS, gap)).unwrap();
        let money = Money::new(&mut chain, escrow, &rich);
        Self {
            chain,
            escrow,
            token: money.token,
            hostile: money.hostile,
            money,
            deals: RootKey::of("escrow", "deals"),
            due: RootKey::of("escrow", "due"),
        }
    }

    pub fn assets(&self) -> [Asset; 3] {
        self.money.assets()
    }

    /// Makes the present state the one that [`Self::roll_back`] goes back to.
    pub fn commit(&mut self) {
        self.chain.commit();
        self.money.commit();
    }

    pub fn roll_back(&mut self) {
        self.chain.roll_back();
        self.money.roll_back();
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
        self.money.note(by, called.deposit);
        Ok(called)
    }

    /// Tells a token contract something.
    pub fn tell(&mut self, token: AccountId, message: &str, args: impl Encode) {
        self.money.tell(&mut self.chain, token, message, args);
    }

    /// Allows the escrow contract to take tokens; nothing for native ones.
    pub fn approve(&mut self, by: Member, asset: Asset, amount: u128) {
        self.money.approve(&mut self.chain, by, asset, amount);
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
        self.money.balance(&mut self.chain, member, asset)
    }

    /// What the escrow contract holds, not counting what it needs to exist.
    pub fn held(&mut self, asset: Asset) -> u128 {
        self.money.held(&mut self.chain, asset)
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
}
