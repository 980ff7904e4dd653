//! What the clearing contract keeps and why it refuses.
use alloc::vec::Vec;
use scale::{Decode, Encode};

use crate::{
    settlement::{Asset, ClearingVoucher, Relation, Source, VoucherFault},
    Amount, Member, RelationId, VoucherId,
};

/// What a member holds of one asset in the clearing contract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
pub struct Balance {
    /// Can be withdrawn, or reserved for a new payment.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub available: Amount,
    /// Set aside at retention for obligations that are not cleared yet.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub reserved: Amount,
    /// The latest record that credited the member: a source that a clearing voucher can name.
    pub last_credit: Option<Source>,
}

/// A retained voucher, under its voucher id.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
pub struct Retention {
    /// The relation's id.
    pub relation_id: RelationId,
    /// The obligations.
    pub relation: Relation,
    /// The block that retained it.
    pub retained_in: u32,
    /// The clearing vouchers so far, one for each debtor that has paid.
    pub discharges: Vec<Discharge>,
}

impl Retention {
    /// Whether every debtor has paid.
    pub fn is_cleared(&self) -> bool {
        let paid = |debtor: &Member| {
            self.discharges
                .iter()
                .any(|done| done.clearing_voucher.issuer == *debtor)
        };
        self.relation.debtors().iter().all(paid)
    }
}

/// A clearing voucher that was executed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
pub struct Discharge {
    /// What the debtor signed.
    pub clearing_voucher: ClearingVoucher,
    /// The block that executed it.
    pub cleared_in: u32,
}

/// Why the clearing contract refuses. Nothing is changed when it does.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
pub enum Error {
    /// The batch has no items.
    EmptyBatch,
    /// The batch has more items than one call takes.
    BatchTooLarge,
    /// The batch expired.
    BatchExpired,
    /// The members signed under another epoch of the registry: read the registry and sign again.
    StaleEpoch {
        /// The registry's epoch now.
        current: u32,
    },
    /// Signatures do not ascend strictly by member.
    SignersNotAscending,
    /// No institution has this index.
    UnknownMember(Member),
    /// The institution is suspended or revoked.
    NotActive(Member),
    /// The institution lacks the role that this needs.
    MissingRole(Member),
    /// A party to the batch has not signed.
    MissingSignature(Member),
    /// The signer is neither a party to the batch nor a notary.
    UnexpectedSigner(Member),
    /// The signature doesn't verify: another key, content, chain, contract, epoch or expiry was signed.
    BadSignature(Member),
    /// Fewer notaries signed than the registry asks for.
    NotaryThreshold {
        /// Notaries that signed.
        given: u16,
        /// Notaries needed.
        needed: u16,
    },
    /// The voucher breaks a rule of its own.
    BadVoucher(VoucherId, VoucherFault),
    /// The voucher was retained before, or stands twice in the batch.
    VoucherUsed(VoucherId),
    /// The voucher expired.
    VoucherExpired(VoucherId),
    /// The relation isn't the one that follows from the voucher.
    RelationMismatch(VoucherId),
    /// The member's available balance doesn't cover what it would owe.
    InsufficientBalance {
        /// Whose.
        member: Member,
        /// What it has.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        available: Amount,
        /// What it needs.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        needed: Amount,
    },
    /// The sum is beyond what a balance can hold.
    Overflow,
    /// No such voucher was retained.
    UnknownVoucher(VoucherId),
    /// The clearing voucher names another relation than the one retained.
    WrongRelation(VoucherId),
    /// The issuer discharged this relation before.
    AlreadyCleared(VoucherId, Member),
    /// What is discharged isn't what the issuer owes.
    DischargeMismatch(VoucherId),
    /// The clearing voucher expired.
    ClearingVoucherExpired(VoucherId),
    /// The clearing voucher names no source, or too many.
    SourceCount,
    /// The source doesn't exist, or didn't credit the issuer in an asset that is discharged.
    BadSource(Source),
    /// The caller isn't this member's account.
    NotYourAccount(Member),
    /// The amount is 0.
    ZeroAmount,
    /// The chain refused to pay out.
    TransferFailed,
    /// The registry didn't answer.
    RegistryFailed,
}

/// A member's balance of one asset, as the key of storage.
pub type BalanceKey = (Member, Asset);
