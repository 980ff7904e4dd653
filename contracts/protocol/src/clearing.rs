//! What the clearing contract keeps and why it refuses.
use alloc::vec::Vec;
use scale::{Decode, Encode};

use crate::{
    settlement::{Asset, ClearingVoucher, Relation, Settlement, Source, Voucher, VoucherFault},
    Amount, Member, RelationId, Timestamp, VoucherId,
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
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Balance {
    /// What is neither reserved nor paid out, in the asset's smallest unit. What is owed by rulings has to stay in it.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub available: Amount,
    /// What was set aside at retentions for obligations that are not cleared yet, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub reserved: Amount,
    /// What rulings in disputes say that it has to give back, as far as it is not paid, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub owed: Amount,
    /// How far it may go negative, over all windows that are not paid, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub cap: Amount,
    /// The sum of its net debits in windows that are cut off and not paid, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub unsettled: Amount,
    /// The latest record that credited the member: a source that a clearing voucher can name.
    pub last_credit: Option<Source>,
}

impl Balance {
    /// What can be withdrawn, reserved for a new payment, or used to pay a window.
    pub const fn spendable(&self) -> Amount {
        self.available.saturating_sub(self.owed)
    }
}

/// What is stored of a retained voucher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, ink::storage::traits::StorageLayout))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Kept {
    /// The voucher's sequence number within its page.
    pub slot: u8,
    /// The voucher's id.
    pub voucher: VoucherId,
    /// The number of the batch that it came in.
    pub batch: u32,
    /// Whether its obligations are paid gross or net.
    pub settlement: Settlement,
    /// Whether it was taken out of its window.
    pub taken_out: bool,
}

impl Kept {
    /// How its obligations are paid. `window` is the one that was open when it was retained.
    pub const fn course(&self, window: u32) -> Course {
        match self.settlement {
            Settlement::Gross => Course::Reserved,
            Settlement::Net if self.taken_out => Course::TakenOut,
            Settlement::Net => Course::InWindow(window),
        }
    }
}

/// Vouchers of one originator with close sequence numbers, stored together: a write costs about as much for one of them
/// as for all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, ink::storage::traits::StorageLayout))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Page {
    /// The slots in use, one bit for each.
    pub used: u64,
    /// The vouchers of this page, in the order they came.
    pub kept: Vec<Kept>,
}

/// The slots of a page.
pub const PAGE: u64 = 64;

impl Page {
    /// Where a sequence number's voucher is kept: the page's number and the slot.
    #[allow(clippy::cast_possible_truncation)] // below 64
    pub const fn place(sequence: u64) -> (u64, u8) {
        (sequence / PAGE, (sequence % PAGE) as u8)
    }

    /// Whether the slot is free; it isn't from now on.
    pub fn take(&mut self, slot: u8) -> bool {
        let bit = 1u64.checked_shl(u32::from(slot)).unwrap_or(0);
        let is_free = bit != 0 && self.used & bit == 0;
        self.used |= bit;
        is_free
    }

    /// What is kept in a slot, for this voucher.
    pub fn get(&self, slot: u8, voucher: VoucherId) -> Option<&Kept> {
        self.kept
            .iter()
            .find(|kept| kept.slot == slot && kept.voucher == voucher)
    }
}

/// A voucher as it was retained.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Retained {
    /// The voucher's id.
    pub id: VoucherId,
    /// The id of the relation that follows from it.
    pub relation: RelationId,
    /// The voucher, as it was co-signed.
    pub voucher: Voucher,
}

/// What the vouchers of one retention have in common.
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
pub struct Batch {
    /// When their relations were drawn up, in milliseconds since 1970.
    pub drawn_at: Timestamp,
    /// The time of the block that retained them, in milliseconds since 1970.
    pub retained_at: Timestamp,
    /// The number of the block that retained them.
    pub retained_in: u32,
    /// The number of the window that those settled net are in.
    pub window: u32,
}

/// What counts up in the clearing contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Current {
    /// The number of the open window.
    pub window: u32,
    /// The version of the latest fee schedule; 0 is the empty one.
    pub fees: u32,
    /// The number of decisions so far: what the next approval has to name.
    pub decisions: u32,
}

/// How a retained voucher's obligations are paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub enum Course {
    /// Gross: the money is set aside, each debtor's clearing voucher moves it.
    Reserved,
    /// Net: it is paid with the window of this number.
    InWindow(u32),
    /// Taken out of a window: each debtor's clearing voucher moves it from what is available.
    TakenOut,
}

/// What the contract tells of a retained voucher, to anyone who knows the voucher.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Retention {
    /// The id of the relation that follows from the voucher.
    pub relation_id: RelationId,
    /// Who owes whom what.
    pub relation: Relation,
    /// The number of the batch that it came in.
    pub batch: u32,
    /// The number of the block that retained it.
    pub retained_in: u32,
    /// The time of that block, in milliseconds since 1970.
    pub retained_at: Timestamp,
    /// How its obligations are paid.
    pub course: Course,
    /// The clearing vouchers so far, one for each debtor that has paid.
    pub discharges: Vec<Discharge>,
    /// The number of the block in which the last obligation was paid; nothing until then.
    pub cleared_in: Option<u32>,
}

impl Retention {
    /// Whether every debtor has paid.
    pub fn is_cleared(&self) -> bool {
        self.cleared_in.is_some()
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
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Discharge {
    /// The clearing voucher, as the debtor signed it.
    pub clearing_voucher: ClearingVoucher,
    /// The number of the block that executed it.
    pub cleared_in: u32,
}

/// Why the clearing contract refuses. Nothing is changed when it does.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub enum Error {
    /// The batch has no items.
    EmptyBatch,
    /// The batch has more vouchers, or more refunds, than one call takes.
    BatchTooLarge,
    /// The batch has expired.
    BatchExpired,
    /// The members signed under another epoch of the registry: read the registry and sign again.
    StaleEpoch {
        /// The registry's epoch now.
        current: u32,
    },
    /// The signatures do not ascend strictly by member.
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
        /// How many notaries signed.
        given: u16,
        /// How many notaries have to sign.
        needed: u16,
    },
    /// The voucher by itself breaks a rule for its parties, amount, limit or times.
    BadVoucher(VoucherId, VoucherFault),
    /// The voucher was retained before, or stands twice in the batch.
    VoucherUsed(VoucherId),
    /// The voucher has expired.
    VoucherExpired(VoucherId),
    /// No fee schedule of this version was published.
    UnknownFees(u32),
    /// The refund's original isn't handed along, isn't what it names, was not retained, or involves others.
    RefundMismatch(VoucherId),
    /// More would go back than was paid, by refunds and rulings together.
    AbovePaid {
        /// The id of the voucher that it was paid under.
        voucher: VoucherId,
        /// What may still go back, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        left: Amount,
    },
    /// The member's balance doesn't cover what it would owe.
    InsufficientBalance {
        /// The member whose balance it is.
        member: Member,
        /// What it can spend, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        available: Amount,
        /// What it needs, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        needed: Amount,
    },
    /// The member would go further negative than it may, over all windows that are not paid.
    CapExceeded {
        /// The member that would.
        member: Member,
        /// How far it may go negative, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        cap: Amount,
        /// How far it would go negative, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        needed: Amount,
    },
    /// The window has as many positions of members in assets as it takes.
    WindowFull,
    /// No window has this number, or it isn't in the state that this needs.
    WrongWindow {
        /// The number of the window that is open.
        open: u32,
    },
    /// The voucher is not in this window.
    NotInWindow(VoucherId),
    /// The sum is beyond what a balance can hold.
    Overflow,
    /// No such voucher was retained.
    UnknownVoucher(VoucherId),
    /// The clearing voucher names another relation than the one retained.
    WrongRelation(VoucherId),
    /// The voucher is paid with its window, not by clearing vouchers.
    SettledNet(VoucherId),
    /// The debtor discharged this relation before.
    AlreadyCleared(VoucherId, Member),
    /// What the clearing voucher discharges isn't what its issuer owes.
    DischargeMismatch(VoucherId),
    /// The clearing voucher has expired.
    ClearingVoucherExpired(VoucherId),
    /// The clearing voucher names no source, or more than 8.
    SourceCount,
    /// The source doesn't exist, or didn't credit the issuer in an asset that is discharged.
    BadSource(Source),
    /// The approval isn't for the next decision: sign one that names this number.
    StaleApproval {
        /// The number of decisions so far, which the next approval has to name.
        next: u32,
    },
    /// The approval has expired.
    ApprovalExpired,
    /// The fee schedule has more than 32 rules.
    TooManyRules,
    /// The member is no party to the voucher.
    NotInvolved(Member),
    /// There is no such obligation, its creditor claims, or the claim is 0 or above the obligation. Who isn't the
    /// debtor can only claim all of it.
    BadClaim,
    /// The time for a dispute over this voucher has passed.
    DisputeTooLate {
        /// A dispute could be opened strictly before this time, in milliseconds since 1970.
        until: Timestamp,
    },
    /// There is, or was, a dispute over this obligation.
    AlreadyDisputed,
    /// There is no dispute over this obligation.
    UnknownDispute,
    /// The member can't answer this dispute: it opened it, it neither owes nor is owed what is contested, or there is
    /// an answer already.
    NotYoursToAnswer(Member),
    /// The dispute has ended already.
    AlreadyRuled,
    /// The time for a ruling has passed.
    RulingTooLate {
        /// A ruling was valid strictly before this time, in milliseconds since 1970.
        until: Timestamp,
    },
    /// The notaries may still rule: the obligation doesn't stand by default yet.
    RulingTooEarly {
        /// The obligation stands from this time on if there is no ruling, in milliseconds since 1970.
        until: Timestamp,
    },
    /// A partial ruling has to give back something, and less than is claimed.
    BadRuling,
    /// This notary made the claim, or owes or is owed what is contested: the others have to rule.
    NotImpartial(Member),
    /// What was awarded goes back once the contested obligation is paid, and it is not paid yet.
    ObligationUnpaid,
    /// The caller isn't this member's account.
    NotYourAccount(Member),
    /// The amount is 0, or there is nothing to pay.
    ZeroAmount,
    /// The chain refused to pay out.
    TransferFailed,
    /// The registry didn't answer.
    RegistryFailed,
}

/// A member's balance of one asset, as the key of storage.
pub type BalanceKey = (Member, Asset);
