//! Payments on credit across two chains: what is requested and signed, what the contract keeps, why it refuses (S1.1 to
//! S1.12).
//!
//! A payer's or payee's account *is* its sr25519 public key: a certificate binds the two off-chain. So a signature tells
//! who speaks, and whoever has it can hand it to the chain.
use alloc::string::String;
use scale::{Decode, Encode};

use crate::{
    ids::content_id,
    settlement::Asset,
    signing::{self, Domain, Purpose, PAYLOAD_LENGTH},
    AccountId, Amount, Member, RequestId, Timestamp,
};

/// The longest description of the goods, in bytes.
pub const MAX_GOODS: usize = 256;
/// The most debts or payouts that one query answers.
pub const MAX_ASKED: usize = 64;
/// What is signed without an expiry: a later sequence makes it void, or it can be used only once.
const NEVER: Timestamp = Timestamp::MAX;

/// Where one side of a payment on credit takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Leg {
    /// Hash of the chain's genesis block.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub genesis: [u8; 32],
    /// The credit node's contract there.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub contract: AccountId,
    /// The asset that is owed or paid there.
    pub asset: Asset,
}

/// What a payer asks for and the payee accepts (S1.5, S1.6): the credit node pays the payee now on one chain, the payer
/// owes the credit node the same amount on another. Interest-free.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct CreditRequest {
    /// Makes the id unique.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub nonce: [u8; 16],
    /// The account of who will owe.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub payer: AccountId,
    /// The account of who is paid.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub payee: AccountId,
    /// Where the payer owes, and in what.
    pub debt: Leg,
    /// Where the payee is paid, and in what.
    pub payout: Leg,
    /// How much is owed and paid, in the smallest unit of either asset, one for one; never 0.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub amount: Amount,
    /// What is paid for, in words. At most 256 bytes.
    pub goods: String,
    /// Reserved and paid out strictly before this time, each in its own chain's block time; in milliseconds since 1970.
    pub pay_by: Timestamp,
    /// At or after this time, a reservation that was not extended can be ended by anyone; in milliseconds since 1970.
    pub expires_at: Timestamp,
    /// At or after this time, what is still owed is overdue; in milliseconds since 1970.
    pub due_at: Timestamp,
    /// What is charged once if the debt falls overdue, in the smallest unit of the debt's asset; from 0 to the amount.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub late_fee: Amount,
}

impl CreditRequest {
    /// Globally unique: the nonce is in it.
    pub fn id(&self) -> RequestId {
        RequestId(content_id(b"quittance/credit-request", self))
    }

    /// What can be wrong with a request whoever looks at it. `grace`: the contract's, in milliseconds.
    ///
    /// # Errors
    /// `SameParty`, `SameLeg`, `ZeroAmount`, `GoodsTooLong`, `DeadlinesUnordered`, `DeadlinesTooClose`,
    /// `LateFeeAboveAmount`, `Overflow`.
    pub fn check(&self, grace: Timestamp) -> Result<(), Error> {
        if self.payer == self.payee {
            return Err(Error::SameParty);
        }
        if self.debt == self.payout {
            return Err(Error::SameLeg);
        }
        if self.amount == 0 {
            return Err(Error::ZeroAmount);
        }
        if self.goods.len() > MAX_GOODS {
            return Err(Error::GoodsTooLong);
        }
        if self.pay_by >= self.expires_at || self.expires_at >= self.due_at {
            return Err(Error::DeadlinesUnordered);
        }
        let left = self.expires_at.checked_sub(self.pay_by);
        if left.is_none_or(|left| left < grace) {
            return Err(Error::DeadlinesTooClose { grace });
        }
        if self.late_fee > self.amount {
            return Err(Error::LateFeeAboveAmount);
        }
        // All that the payer can ever owe must fit into one repayment.
        self.amount.checked_add(self.late_fee).ok_or(Error::Overflow)?;
        Ok(())
    }

    /// What payer and payee sign: good on the debt's chain, where both signatures are checked.
    pub fn payload(&self) -> [u8; PAYLOAD_LENGTH] {
        let domain = domain(self.debt.genesis, self.debt.contract);
        signing::payload(&domain, Purpose::CreditRequest, &self.id().0, self.pay_by, &())
    }

    /// What the payee signs instead, if it doesn't take the payment (S1.6). `why` is for the payer.
    pub fn refusal(&self, why: &str) -> [u8; PAYLOAD_LENGTH] {
        let domain = domain(self.debt.genesis, self.debt.contract);
        signing::payload(&domain, Purpose::Refusal, &self.id().0, NEVER, &why)
    }
}

/// How much a payee lets a payer owe on payments to it (S1.7). Given on the debt's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct LimitOrder {
    /// The account of who lets the payer owe.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub payee: AccountId,
    /// The account of who may owe.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub payer: AccountId,
    /// The asset that the debt is in.
    pub asset: Asset,
    /// How much may be owed, in the asset's smallest unit. Below what is owed already, nothing new fits.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub limit: Amount,
    /// The order's number: above that of every earlier order of this payee for this payer and asset, which it makes
    /// void.
    pub sequence: u64,
}

impl LimitOrder {
    /// What the payee signs.
    pub fn payload(&self, domain: &Domain) -> [u8; PAYLOAD_LENGTH] {
        let id = content_id(b"quittance/credit-limit", self);
        signing::payload(domain, Purpose::CreditLimit, &id, NEVER, &())
    }
}

/// A payer's wish for a higher limit of the credit node's (S1.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct RaiseRequest {
    /// The account of the payer whose limit it is.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub payer: AccountId,
    /// The asset that the limit is for.
    pub asset: Asset,
    /// The limit wished for, in the asset's smallest unit; above the present one.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub wanted: Amount,
    /// Digest of what shows the payer's ability to repay.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub evidence: [u8; 32],
    /// The wish's number: above that of every earlier wish of this payer for this asset.
    pub sequence: u64,
}

impl RaiseRequest {
    /// What the payer signs.
    pub fn payload(&self, domain: &Domain) -> [u8; PAYLOAD_LENGTH] {
        let id = content_id(b"quittance/credit-raise", self);
        signing::payload(domain, Purpose::CreditRaise, &id, NEVER, &())
    }
}

/// What a payee signs to say that the payout arrived (S1.10). Given on the debt's chain.
pub fn receipt(domain: &Domain, id: &RequestId) -> [u8; PAYLOAD_LENGTH] {
    signing::payload(domain, Purpose::CreditReceipt, &id.0, NEVER, &())
}

/// Where a payer's or payee's signature is valid. They are no members: the registry's epoch doesn't concern them.
pub const fn domain(genesis: [u8; 32], contract: AccountId) -> Domain {
    Domain {
        genesis,
        contract,
        epoch: 0,
    }
}

/// A payee's limit for a payer, and how much of it is taken (S1.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct PayeeLimit {
    /// How much may be reserved and owed together, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub limit: Amount,
    /// The latest order's number.
    pub sequence: u64,
    /// How much is reserved and owed.
    pub used: Used,
}

/// The credit node's limit for a payer, and how much of it is taken (S1.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct NodeLimit {
    /// How much may be reserved and owed together, over all payees, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub limit: Amount,
    /// Digest of what the limit was computed or decided from.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub evidence: [u8; 32],
    /// How much is reserved and owed.
    pub used: Used,
    /// How much of what is owed is overdue, in the asset's smallest unit. Late fees are not in it.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub overdue: Amount,
}

/// How much of a limit is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Used {
    /// What is reserved for payments that are on their way, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub reserved: Amount,
    /// What is owed for payments that were made, in the asset's smallest unit. Late fees are not in it.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub outstanding: Amount,
}

impl Used {
    /// All that is taken.
    ///
    /// # Errors
    /// `Overflow`, which a limit rules out.
    pub fn sum(&self) -> Result<Amount, Error> {
        self.reserved.checked_add(self.outstanding).ok_or(Error::Overflow)
    }
}

/// Both limits that a payment on credit must keep to, and what else stands in its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Limits {
    /// The payee's limit for the payer.
    pub payee: PayeeLimit,
    /// The credit node's limit for the payer.
    pub node: NodeLimit,
    /// Whether the credit node takes nothing new of this payer.
    pub is_frozen: bool,
}

/// How far a debt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub enum DebtState {
    /// The amount is set aside in both limits while the payout is on its way.
    Reserved,
    /// Final: the credit node said that it won't pay.
    Released,
    /// Final: nobody said in time that it paid.
    Expired,
    /// The payee was paid, and the payer owes.
    Owed,
    /// Final: all was repaid.
    Settled,
}

/// The finalized block of the payout's chain that the payee was paid in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct PayoutBlock {
    /// The block's number.
    pub number: u32,
    /// The block's hash.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub hash: [u8; 32],
}

/// A debt as the contract on the payer's chain keeps it, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Debt {
    /// The account of who owes.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub payer: AccountId,
    /// The account of who is paid.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub payee: AccountId,
    /// The asset that is owed.
    pub asset: Asset,
    /// The principal, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub amount: Amount,
    /// What is charged once if the debt falls overdue, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub late_fee: Amount,
    /// How far the debt is.
    pub state: DebtState,
    /// When the reservation was to end, as it was signed; in milliseconds since 1970.
    pub expires_at: Timestamp,
    /// When the reservation ends, as it was extended: at or after this time, anyone can end it; in milliseconds since
    /// 1970.
    pub until: Timestamp,
    /// At or after this time, what is still owed is overdue; in milliseconds since 1970. As it was signed, until the
    /// payment is committed: then as much later as that was later than `expires_at`.
    pub due_at: Timestamp,
    /// The block that the payee was paid in, once that is known.
    pub payout: Option<PayoutBlock>,
    /// How much of the principal was repaid, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub repaid: Amount,
    /// How much of the late fee was paid, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub fee_paid: Amount,
    /// Whether it fell overdue, and the late fee is charged.
    pub is_overdue: bool,
    /// Whether the payee said that the payout arrived.
    pub is_received: bool,
}

impl Debt {
    /// A reservation for a request.
    pub fn reserved(request: &CreditRequest) -> Self {
        Self {
            payer: request.payer,
            payee: request.payee,
            asset: request.debt.asset,
            amount: request.amount,
            late_fee: request.late_fee,
            state: DebtState::Reserved,
            expires_at: request.expires_at,
            until: request.expires_at,
            due_at: request.due_at,
            payout: None,
            repaid: 0,
            fee_paid: 0,
            is_overdue: false,
            is_received: false,
        }
    }

    /// How much principal is owed, in the asset's smallest unit.
    pub const fn principal_owed(&self) -> Amount {
        match self.state {
            // No more is repaid than is owed.
            DebtState::Owed => self.amount.saturating_sub(self.repaid),
            DebtState::Reserved | DebtState::Released | DebtState::Expired | DebtState::Settled => 0,
        }
    }

    /// How much late fee is owed, in the asset's smallest unit.
    pub const fn fee_owed(&self) -> Amount {
        match self.state {
            DebtState::Owed if self.is_overdue => self.late_fee.saturating_sub(self.fee_paid),
            _ => 0,
        }
    }

    /// How much principal is overdue, in the asset's smallest unit.
    pub const fn principal_overdue(&self) -> Amount {
        if self.is_overdue {
            self.principal_owed()
        } else {
            0
        }
    }
}

/// A payout as the contract on the payee's chain keeps it, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Payout {
    /// The account of who was paid.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub payee: AccountId,
    /// The asset that was paid.
    pub asset: Asset,
    /// How much was paid, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub amount: Amount,
    /// The number of the block it was paid in.
    pub block: u32,
    /// That block's time, in milliseconds since 1970.
    pub paid_at: Timestamp,
}

/// A payer's latest wish for a higher limit, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Raise {
    /// The limit wished for, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub wanted: Amount,
    /// Digest of what shows the payer's ability to repay.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub evidence: [u8; 32],
    /// The wish's number.
    pub sequence: u64,
    /// What the credit node decided; nothing while it is open.
    pub decision: Option<RaiseDecision>,
}

/// What the credit node decided on a wish for a higher limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct RaiseDecision {
    /// The limit from now on, in the asset's smallest unit; nothing if the wish was denied.
    #[cfg_attr(feature = "std", serde(with = "crate::text::optional_amount"))]
    pub granted: Option<Amount>,
    /// Digest of what it was decided from.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub digest: [u8; 32],
}

/// What a credit contract was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Constants {
    /// The chain's genesis hash: part of what payers and payees sign.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub genesis: [u8; 32],
    /// The registry that knows the credit node.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub registry: AccountId,
    /// The credit node's index in the registry.
    pub node: Member,
    /// The least time from the end of paying out to the end of a reservation, in milliseconds.
    pub grace: Timestamp,
}

/// Why the credit contract refuses. Nothing is changed when it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub enum Error {
    /// Payer and payee are the same account.
    SameParty,
    /// Debt and payout are in the same asset of the same contract on the same chain.
    SameLeg,
    /// The amount is 0.
    ZeroAmount,
    /// The description of the goods is longer than 256 bytes.
    GoodsTooLong,
    /// Paying out, the reservation and the credit must end in this order.
    DeadlinesUnordered,
    /// The reservation may end sooner after the end of paying out than the contract permits.
    DeadlinesTooClose {
        /// The least time between the two, in milliseconds.
        grace: Timestamp,
    },
    /// The late fee is above the amount.
    LateFeeAboveAmount,
    /// The sum is beyond what an amount can hold.
    Overflow,
    /// The caller isn't the credit node's account.
    NotTheNode,
    /// The registry has the credit node as suspended or revoked, without that role, or not at all.
    NodeNotActive,
    /// The registry did not answer.
    RegistryFailed,
    /// This side of the payment takes place on another chain or in another contract.
    NotHere,
    /// This request was reserved, or paid, before.
    RequestUsed,
    /// The time for this is over.
    DeadlinePassed {
        /// When it ended, in milliseconds since 1970.
        deadline: Timestamp,
    },
    /// The time for this has not come.
    TooEarly {
        /// When it begins, in milliseconds since 1970.
        not_before: Timestamp,
    },
    /// The payer's signature doesn't verify.
    BadPayerSignature,
    /// The payee's signature doesn't verify.
    BadPayeeSignature,
    /// The credit node takes nothing new of this payer.
    Frozen,
    /// The payer isn't frozen.
    NotFrozen,
    /// The payer must first repay what is overdue.
    Overdue {
        /// How much principal is overdue, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        principal: Amount,
    },
    /// The payee doesn't let the payer owe that much on payments to it. Looked at first (S1.11).
    AbovePayeeLimit {
        /// How much the payee lets it owe, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        limit: Amount,
        /// How much of that is reserved or owed, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        used: Amount,
        /// How much more was wanted, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        amount: Amount,
    },
    /// The credit node doesn't let the payer owe that much; the payee would. A raise can be asked for (S1.12).
    AboveNodeLimit {
        /// How much the credit node lets it owe, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        limit: Amount,
        /// How much of that is reserved or owed, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        used: Amount,
        /// How much more was wanted, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        amount: Amount,
    },
    /// An order or wish as late as this one, or later, was taken before.
    StaleSequence {
        /// The latest one's number: the next must be above it.
        latest: u64,
    },
    /// No request of this id was reserved here.
    UnknownDebt,
    /// The debt isn't in a state in which this can be done.
    WrongState(DebtState),
    /// An extension must be to a later time.
    NotLater {
        /// When the reservation ends as it is, in milliseconds since 1970.
        until: Timestamp,
    },
    /// A reservation can't be extended beyond the day that the debt would be due.
    BeyondDue {
        /// When the debt would be due, in milliseconds since 1970.
        due_at: Timestamp,
    },
    /// The payee said before that the payout arrived.
    AlreadyReceived,
    /// The debt fell overdue before.
    AlreadyOverdue,
    /// More is to be repaid than is owed.
    AboveOwed {
        /// How much is owed, principal and late fee, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        owed: Amount,
    },
    /// The payer's earlier wish for a higher limit is still open.
    RaiseOpen,
    /// No wish for a higher limit is open.
    NoRaiseOpen,
    /// The limit wished for, or granted, isn't above the present one.
    NotARaise {
        /// The present limit, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        limit: Amount,
    },
    /// The credit node's pool here doesn't suffice.
    PoolShort {
        /// How much is in it, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        available: Amount,
        /// How much is needed, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        needed: Amount,
    },
    /// Another amount of native tokens was sent along than is due.
    WrongValue {
        /// How much is due, in the native token's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        due: Amount,
    },
    /// The token contract refused to move the tokens: are there enough, and is this contract approved for them?
    TokenRefused,
    /// The token contract moved another amount than it was asked for.
    TokenShort,
    /// The payout failed.
    TransferFailed,
    /// More debts or payouts are asked for than the 64 that one query answers.
    TooManyAsked,
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Timestamp = 10;

    fn leg(number: u8) -> Leg {
        Leg {
            genesis: [number; 32],
            contract: AccountId([number; 32]),
            asset: Asset::Native,
        }
    }

    fn request() -> CreditRequest {
        CreditRequest {
            nonce: [1; 16],
            payer: AccountId([1; 32]),
            payee: AccountId([2; 32]),
            debt: leg(3),
            payout: leg(4),
            amount: 100,
            goods: "a lathe".into(),
            pay_by: 1_000,
            expires_at: 1_010,
            due_at: 1_011,
            late_fee: 100,
        }
    }

    #[test]
    fn a_request_at_the_edge_of_every_rule_is_good() {
        assert_eq!(request().check(GRACE), Ok(()));
        let free = CreditRequest {
            goods: "x".repeat(MAX_GOODS),
            late_fee: 0,
            ..request()
        };
        assert_eq!(free.check(GRACE), Ok(()));
    }

    #[test]
    fn a_request_that_breaks_a_rule_is_told_which() {
        type Fault = (fn(&mut CreditRequest), Error);
        let faults: [Fault; 12] = [
            (|request| request.payee = request.payer, Error::SameParty),
            (|request| request.payout = request.debt, Error::SameLeg),
            (|request| request.amount = 0, Error::ZeroAmount),
            (|request| request.goods = "x".repeat(MAX_GOODS + 1), Error::GoodsTooLong),
            (|request| request.pay_by = request.expires_at, Error::DeadlinesUnordered),
            (|request| request.pay_by = u64::MAX, Error::DeadlinesUnordered),
            (|request| request.due_at = request.expires_at, Error::DeadlinesUnordered),
            (|request| request.due_at = 0, Error::DeadlinesUnordered),
            (
                |request| request.expires_at = 1_009,
                Error::DeadlinesTooClose { grace: GRACE },
            ),
            (
                |request| request.pay_by = 1_001,
                Error::DeadlinesTooClose { grace: GRACE },
            ),
            (|request| request.late_fee = 101, Error::LateFeeAboveAmount),
            (
                |request| {
                    request.amount = u128::MAX;
                    request.late_fee = 1;
                },
                Error::Overflow,
            ),
        ];
        for (fault, expected) in faults {
            let mut faulty = request();
            fault(&mut faulty);
            assert_eq!(faulty.check(GRACE), Err(expected));
        }
    }

    #[test]
    fn legs_that_differ_in_one_thing_are_two() {
        let changes: [fn(&mut Leg); 3] = [
            |leg| leg.genesis = [9; 32],
            |leg| leg.contract = AccountId([9; 32]),
            |leg| leg.asset = Asset::Psp22(AccountId([9; 32])),
        ];
        for change in changes {
            let mut other = request();
            other.payout = other.debt;
            change(&mut other.payout);
            assert_eq!(other.check(GRACE), Ok(()));
        }
    }

    #[test]
    fn every_field_of_a_request_makes_another_id_and_payload() {
        let changes: [fn(&mut CreditRequest); 15] = [
            |request| request.nonce = [9; 16],
            |request| request.payer = AccountId([9; 32]),
            |request| request.payee = AccountId([9; 32]),
            |request| request.debt.genesis = [9; 32],
            |request| request.debt.contract = AccountId([9; 32]),
            |request| request.debt.asset = Asset::Psp22(AccountId([9; 32])),
            |request| request.payout.genesis = [9; 32],
            |request| request.payout.contract = AccountId([9; 32]),
            |request| request.payout.asset = Asset::Psp22(AccountId([9; 32])),
            |request| request.amount += 1,
            |request| request.goods.push('!'),
            |request| request.pay_by += 1,
            |request| request.expires_at += 1,
            |request| request.due_at += 1,
            |request| request.late_fee += 1,
        ];
        for change in changes {
            let mut changed = request();
            change(&mut changed);
            assert_ne!(changed.id(), request().id());
            assert_ne!(changed.payload(), request().payload());
        }
    }

    #[test]
    fn a_requests_id_never_changes() {
        // What sha256sum makes of "quittance/credit-request" and the encoding.
        let mut bytes = b"quittance/credit-request".to_vec();
        bytes.extend([1; 16]); // nonce
        bytes.extend([1; 32]); // payer
        bytes.extend([2; 32]); // payee
        bytes.extend([[3; 32], [3; 32]].concat()); // debt: genesis, contract
        bytes.push(0); // native
        bytes.extend([[4; 32], [4; 32]].concat()); // payout
        bytes.push(0);
        bytes.extend(100u128.to_le_bytes());
        bytes.push(7 << 2); // the length of the goods' text
        bytes.extend(b"a lathe");
        bytes.extend(1_000u64.to_le_bytes());
        bytes.extend(1_010u64.to_le_bytes());
        bytes.extend(1_011u64.to_le_bytes());
        bytes.extend(100u128.to_le_bytes());
        assert_eq!(request().id().0, crate::disputes::evidence_digest(&bytes));
    }

    #[test]
    fn what_is_signed_for_one_purpose_or_place_is_void_for_another() {
        let here = domain([1; 32], AccountId([2; 32]));
        let elsewhere = [domain([9; 32], AccountId([2; 32])), domain([1; 32], AccountId([9; 32]))];
        let order = LimitOrder {
            payee: AccountId([1; 32]),
            payer: AccountId([2; 32]),
            asset: Asset::Native,
            limit: 100,
            sequence: 1,
        };
        let wish = RaiseRequest {
            payer: AccountId([2; 32]),
            asset: Asset::Native,
            wanted: 100,
            evidence: [3; 32],
            sequence: 1,
        };
        let id = request().id();
        for other in &elsewhere {
            assert_ne!(order.payload(&here), order.payload(other));
            assert_ne!(wish.payload(&here), wish.payload(other));
            assert_ne!(receipt(&here, &id), receipt(other, &id));
        }
        assert_ne!(receipt(&here, &id), request().payload());
        assert_ne!(request().refusal("no"), request().payload());
        assert_ne!(request().refusal("no"), request().refusal("not now"));
        let later = LimitOrder { sequence: 2, ..order };
        let higher = LimitOrder { limit: 101, ..order };
        assert_ne!(later.payload(&here), order.payload(&here));
        assert_ne!(higher.payload(&here), order.payload(&here));
    }

    #[test]
    fn only_what_was_paid_out_is_owed_and_only_what_is_overdue_costs_a_fee() {
        let reserved = Debt::reserved(&request());
        assert_eq!((reserved.principal_owed(), reserved.fee_owed()), (0, 0));
        let owed = Debt {
            state: DebtState::Owed,
            repaid: 40,
            ..reserved
        };
        let figures = |debt: &Debt| (debt.principal_owed(), debt.fee_owed(), debt.principal_overdue());
        assert_eq!(figures(&owed), (60, 0, 0));
        let overdue = Debt {
            is_overdue: true,
            fee_paid: 1,
            ..owed
        };
        assert_eq!(figures(&overdue), (60, 99, 60));
        let settled = Debt {
            state: DebtState::Settled,
            ..overdue
        };
        assert_eq!(figures(&settled), (0, 0, 0));
    }
}
