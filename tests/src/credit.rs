//! A credit node with its contract on two chains, a payer on one, a payee on the other.
//!
//! The two chains are two states of the same native runtime in this process: each with its own clock, registry, tokens
//! and balances, and each contract made with another genesis hash.
use protocol::{
    credit::{
        domain, receipt, CreditRequest, Debt, Error, Leg, LimitOrder, Limits, NodeLimit, PayeeLimit, Payout,
        PayoutBlock, Raise, RaiseRequest,
    },
    registry::{Change, Error as RegistryError, Roles},
    settlement::Asset,
    signing::Domain,
    AccountId, Member, RequestId, Signature,
};
use quittance_runtime::UNIT;
use scale::{Decode, Encode};
use sp_core::Pair as _;

use crate::{
    contract_chain::{Called, Chain, Emitted, Fault, RootKey, GENESIS, START},
    institutions::{account, governor, governors_sign, key, registration, sign},
    money::{native_part, Money},
};

pub const NODE: Member = Member(0);
pub const PAYER: Member = Member(1);
pub const PAYEE: Member = Member(2);
pub const OTHER_PAYER: Member = Member(3);
pub const OTHER_PAYEE: Member = Member(4);
pub const STRANGER: Member = Member(5);
/// Has no account on either chain until somebody pays it enough for one.
pub const POOR: Member = Member(6);
pub const MEMBERS: [Member; 7] = [NODE, PAYER, PAYEE, OTHER_PAYER, OTHER_PAYEE, STRANGER, POOR];

/// The payee's chain.
pub const OTHER_GENESIS: [u8; 32] = [8; 32];

pub const GRACE: u64 = 1_000;
pub const PAY_BY: u64 = START + 10_000;
pub const EXPIRES_AT: u64 = START + 20_000;
pub const DUE_AT: u64 = START + 30_000;
pub const AMOUNT: u128 = 100 * UNIT;
pub const LATE_FEE: u128 = 5 * UNIT;
/// The payee's.
pub const LIMIT: u128 = 700 * UNIT;
pub const NODE_LIMIT: u128 = 900 * UNIT;
/// What the credit node has on the payee's chain, in each asset.
pub const POOL: u128 = 10_000 * UNIT;
pub const EVIDENCE: [u8; 32] = [3; 32];
/// What the tests say of the block of a payout.
pub const BLOCK: PayoutBlock = PayoutBlock {
    number: 7,
    hash: [4; 32],
};

/// One chain, with the credit node's contract on it.
pub struct Side {
    pub chain: Chain,
    pub genesis: [u8; 32],
    pub registry: AccountId,
    pub credit: AccountId,
    pub money: Money,
    /// The registry's.
    epoch: u32,
    committed_epoch: u32,
    keys: Keys,
}

/// Where the contract keeps what.
#[derive(Clone, Copy)]
struct Keys {
    payee_limits: RootKey,
    node_limits: RootKey,
    frozen: RootKey,
    raises: RootKey,
    debts: RootKey,
    payouts: RootKey,
    pools: RootKey,
}

impl Side {
    fn new(genesis: [u8; 32], grace: u64) -> Self {
        let rich: Vec<Member> = MEMBERS.into_iter().filter(|member| *member != POOR).collect();
        let mut chain = Chain::new(&rich.iter().copied().map(account).collect::<Vec<_>>());
        let governors: Vec<[u8; 32]> = (0..2).map(|place| governor(place).public().0).collect();
        let registry = chain
            .instantiate::<RegistryError>("registry", (genesis, governors, 2u16, 1u16))
            .unwrap();
        let credit = chain
            .instantiate::<()>("credit", (genesis, registry, NODE, grace))
            .unwrap();
        let money = Money::new(&mut chain, credit, &rich);
        let key = |mapping| RootKey::of("credit", mapping);
        let mut side = Self {
            chain,
            genesis,
            registry,
            credit,
            money,
            epoch: 0,
            committed_epoch: 0,
            keys: Keys {
                payee_limits: key("payee_limits"),
                node_limits: key("node_limits"),
                frozen: key("frozen"),
                raises: key("raises"),
                debts: key("debts"),
                payouts: key("payouts"),
                pools: key("pools"),
            },
        };
        side.govern(registration(NODE, Roles::CREDIT_NODE));
        side
    }

    /// Changes the registry.
    pub fn govern(&mut self, change: Change) {
        let domain = Domain {
            genesis: self.genesis,
            contract: self.registry,
            epoch: self.epoch,
        };
        let never = u64::MAX;
        let signatures = governors_sign(&domain, &change, never);
        let args = (change, never, signatures);
        let applied: Called<Result<(), RegistryError>> =
            self.chain.call(account(STRANGER), self.registry, "apply", args, 0);
        applied.output.unwrap();
        self.money.note(STRANGER, applied.deposit);
        self.epoch += 1;
    }

    /// Makes the present state the one that [`Self::roll_back`] goes back to.
    pub fn commit(&mut self) {
        self.chain.commit();
        self.money.commit();
        self.committed_epoch = self.epoch;
    }

    pub fn roll_back(&mut self) {
        self.chain.roll_back();
        self.money.roll_back();
        self.epoch = self.committed_epoch;
    }

    /// Sends the credit contract a message that must come to an answer.
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
        let called = self.chain.try_call(account(by), self.credit, message, args, value)?;
        self.money.note(by, called.deposit);
        Ok(called)
    }

    /// Tells the hostile token what to do from now on.
    pub fn turn(&mut self, message: &str, args: impl Encode) {
        self.money.tell(&mut self.chain, self.money.hostile, message, args);
    }

    pub fn approve(&mut self, by: Member, asset: Asset, amount: u128) {
        self.money.approve(&mut self.chain, by, asset, amount);
    }

    /// Where what payers and payees sign for this contract is valid.
    pub fn domain(&self) -> Domain {
        domain(self.genesis, self.credit)
    }

    pub fn leg(&self, asset: usize) -> Leg {
        Leg {
            genesis: self.genesis,
            contract: self.credit,
            asset: self.money.assets()[asset],
        }
    }

    /// The credit node puts that much into its pool.
    pub fn fund(&mut self, asset: Asset, amount: u128) -> Result<(), Error> {
        self.approve(NODE, asset, amount);
        match asset {
            Asset::Native => self.send(NODE, "fund", (), amount),
            Asset::Psp22(token) => self.send(NODE, "fund_token", (token, amount), 0),
        }
    }

    /// The payee lets the payer owe that much.
    pub fn set_limit(&mut self, order: &LimitOrder) -> Result<(), Error> {
        let signature = signed(order.payee, &order.payload(&self.domain()));
        self.send(STRANGER, "set_limit", (order, signature), 0)
    }

    pub fn set_node_limit(&mut self, payer: Member, asset: Asset, limit: u128) -> Result<(), Error> {
        let args = (account(payer), asset, limit, EVIDENCE);
        self.send(NODE, "set_node_limit", args, 0)
    }

    pub fn request_raise(&mut self, wish: &RaiseRequest) -> Result<(), Error> {
        let signature = signed(wish.payer, &wish.payload(&self.domain()));
        self.send(STRANGER, "request_raise", (wish, signature), 0)
    }

    pub fn reserve(&mut self, request: &CreditRequest) -> Result<RequestId, Error> {
        self.send(NODE, "reserve", with_signatures(request), 0)
    }

    pub fn pay(&mut self, request: &CreditRequest) -> Result<(), Error> {
        self.send(NODE, "pay", request, 0)
    }

    pub fn repay(&mut self, by: Member, id: RequestId, amount: u128) -> Result<(), Error> {
        let asset = self.debt(id).asset;
        self.approve(by, asset, amount);
        self.send(by, "repay", (id, amount), native_part(asset, amount))
    }

    /// The payee's signature under having been paid.
    pub fn receipt(&self, by: Member, id: RequestId) -> Signature {
        sign(&key(by), &receipt(&self.domain(), &id))
    }

    /// What the contract answers.
    pub fn limits(&mut self, payer: Member, payee: Member, asset: Asset) -> Limits {
        self.send(STRANGER, "limits", (account(payer), account(payee), asset), 0)
    }

    pub fn debt(&mut self, id: RequestId) -> Debt {
        self.try_debt(id).unwrap()
    }

    /// As it is stored, whatever the contract's messages say. So is all that follows.
    pub fn try_debt(&mut self, id: RequestId) -> Option<Debt> {
        self.chain.stored(self.credit, self.keys.debts, id)
    }

    pub fn payout(&mut self, id: RequestId) -> Option<Payout> {
        self.chain.stored(self.credit, self.keys.payouts, id)
    }

    pub fn payee_limit(&mut self, payer: Member, payee: Member, asset: Asset) -> PayeeLimit {
        let key = (account(payee), account(payer), asset);
        let stored = self.chain.stored(self.credit, self.keys.payee_limits, key);
        stored.unwrap_or_default()
    }

    pub fn node_limit(&mut self, payer: Member, asset: Asset) -> NodeLimit {
        let key = (account(payer), asset);
        let stored = self.chain.stored(self.credit, self.keys.node_limits, key);
        stored.unwrap_or_default()
    }

    pub fn is_frozen(&mut self, payer: Member) -> bool {
        let stored = self.chain.stored(self.credit, self.keys.frozen, account(payer));
        stored.unwrap_or_default()
    }

    pub fn raise(&mut self, payer: Member, asset: Asset) -> Option<Raise> {
        self.chain
            .stored(self.credit, self.keys.raises, (account(payer), asset))
    }

    pub fn pool(&mut self, asset: Asset) -> u128 {
        let stored = self.chain.stored(self.credit, self.keys.pools, asset);
        stored.unwrap_or_default()
    }

    /// What a member has, not counting what it paid for storage.
    pub fn balance(&mut self, member: Member, asset: Asset) -> u128 {
        self.money.balance(&mut self.chain, member, asset)
    }

    /// What the credit contract holds, not counting what it needs to exist.
    pub fn held(&mut self, asset: Asset) -> u128 {
        self.money.held(&mut self.chain, asset)
    }
}

/// The payer's chain and the payee's.
pub struct TwoChains {
    pub debt: Side,
    pub payout: Side,
}

impl Default for TwoChains {
    /// Both limits are set for every payer and payee, in every asset; the pool on the payee's chain is filled.
    fn default() -> Self {
        let mut chains = Self::new(GRACE);
        for asset in chains.debt.money.assets() {
            for payer in [PAYER, OTHER_PAYER] {
                chains.debt.set_node_limit(payer, asset, NODE_LIMIT).unwrap();
                for payee in [PAYEE, OTHER_PAYEE, POOR] {
                    chains.debt.set_limit(&order(payer, payee, asset, LIMIT, 1)).unwrap();
                }
            }
        }
        for asset in chains.payout.money.assets() {
            chains.payout.fund(asset, POOL).unwrap();
        }
        chains
    }
}

impl TwoChains {
    /// Nothing but the contracts, and the credit node in both registries.
    pub fn new(grace: u64) -> Self {
        Self {
            debt: Side::new(GENESIS, grace),
            payout: Side::new(OTHER_GENESIS, grace),
        }
    }

    pub fn set_time(&mut self, now: u64) {
        self.debt.chain.set_time(now);
        self.payout.chain.set_time(now);
    }

    /// What the payer asks for and the payee accepts; each number makes another one.
    pub fn request(&self, asset: usize, number: u8) -> CreditRequest {
        CreditRequest {
            nonce: [number; 16],
            payer: account(PAYER),
            payee: account(PAYEE),
            debt: self.debt.leg(asset),
            payout: self.payout.leg(asset),
            amount: AMOUNT,
            goods: "a lathe".into(),
            pay_by: PAY_BY,
            expires_at: EXPIRES_AT,
            due_at: DUE_AT,
            late_fee: LATE_FEE,
        }
    }

    /// A debt: reserved, paid out, committed.
    pub fn owed(&mut self, request: &CreditRequest) -> RequestId {
        let id = self.debt.reserve(request).unwrap();
        self.payout.pay(request).unwrap();
        let committed: Result<(), Error> = self.debt.send(NODE, "commit", (id, BLOCK), 0);
        committed.unwrap();
        id
    }
}

pub fn order(payer: Member, payee: Member, asset: Asset, limit: u128, sequence: u64) -> LimitOrder {
    LimitOrder {
        payee: account(payee),
        payer: account(payer),
        asset,
        limit,
        sequence,
    }
}

pub fn wish(payer: Member, asset: Asset, wanted: u128, sequence: u64) -> RaiseRequest {
    RaiseRequest {
        payer: account(payer),
        asset,
        wanted,
        evidence: EVIDENCE,
        sequence,
    }
}

/// The request with what its payer and its payee sign.
pub fn with_signatures(request: &CreditRequest) -> (CreditRequest, Signature, Signature) {
    let payload = request.payload();
    let [payer, payee] = [request.payer, request.payee].map(|party| signed(party, &payload));
    (request.clone(), payer, payee)
}

/// Whose account it is.
pub fn member(of: AccountId) -> Member {
    MEMBERS.into_iter().find(|member| account(*member) == of).unwrap()
}

fn signed(by: AccountId, payload: &[u8]) -> Signature {
    sign(&key(member(by)), payload)
}

/// An event of the credit contract, decoded as if it were this one.
pub fn decoded<T: Decode>(event: &Emitted) -> T {
    T::decode(&mut &event.data[..]).unwrap()
}
