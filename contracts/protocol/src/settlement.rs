//! Vouchers, relations, clearing vouchers: what institutions agree on and the clearing contract acts on.
use alloc::{vec, vec::Vec};
use scale::{Decode, Encode};

use crate::{
    fees::{self, FeeRule},
    ids::content_id,
    AccountId, Amount, ClearingVoucherId, Member, RelationId, Timestamp, UserId, VoucherId,
};

/// The most institutions one voucher may involve.
pub const MAX_PARTIES: usize = 8;
/// The most vouchers of one retention batch.
pub const MAX_BATCH: usize = 1_024;
/// The most refunds among them. Each brings its original along, and all has to fit into what a contract takes as its input.
pub const MAX_REFUNDS: usize = 256;
/// The most clearing vouchers of one clearing batch.
pub const MAX_CLEARING_BATCH: usize = 32;
/// The most sources one clearing voucher names.
pub const MAX_SOURCES: usize = 8;

/// What can be paid. Append only: the numbers are part of the protocol.
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
pub enum Asset {
    /// The chain's native token.
    Native,
    /// A PSP22 token, by its contract's account.
    Psp22(#[cfg_attr(feature = "std", serde(with = "crate::text::account"))] AccountId),
}

/// What the user asked for. It decides who owes whom.
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
pub enum TransactionKind {
    /// The originator hands out cash: the home institution owes it.
    CashWithdrawal,
    /// The originator takes in cash: it owes the home institution.
    CashDeposit,
    /// The originator delivers goods: the home institution owes it.
    Purchase,
    /// The originator delivers securities: the home institution owes it.
    SecuritiesTransfer,
    /// A user of the home institution pays one of this institution: the home institution owes it. The only kind in which
    /// the originator may be the home institution.
    CreditTransfer(Member),
    /// The originator gives back what it was paid under this earlier voucher, or a part: it owes the home institution.
    Refund(VoucherId),
}

/// How a voucher's obligations are paid.
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
pub enum Settlement {
    /// Each by itself: money is set aside at the retention and moved by the debtor's clearing voucher.
    Gross,
    /// Together with the others of the window that is open at the retention, when that is closed.
    Net,
}

/// The limit that a voucher's amount was judged by.
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
pub enum Limit {
    /// The most that one transaction may move, in the asset's smallest unit.
    PerTransaction(#[cfg_attr(feature = "std", serde(with = "crate::text::amount"))] Amount),
    /// The most that one day's transactions may move, in the asset's smallest unit; a single one can't exceed it
    /// either.
    PerDay(#[cfg_attr(feature = "std", serde(with = "crate::text::amount"))] Amount),
}

impl Limit {
    /// The most that one transaction may move.
    pub const fn ceiling(&self) -> Amount {
        match self {
            Limit::PerTransaction(amount) | Limit::PerDay(amount) => *amount,
        }
    }
}

/// A transaction voucher: what is to be paid, by whom, through whom (S0.2).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Voucher {
    /// The originator's own number for it, used once. Close numbers are stored together: counting up is cheapest.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub sequence: u64,
    /// The institution that took the user's request.
    pub originator: Member,
    /// The user's institution.
    pub home: Member,
    /// The other institutions involved, strictly ascending, without originator and home.
    pub others: Vec<Member>,
    /// The id of the paying user.
    pub user: UserId,
    /// The user's wallet: where its assets are.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub wallet: AccountId,
    /// What the user asked for.
    pub kind: TransactionKind,
    /// The asset that is paid.
    pub asset: Asset,
    /// How much is paid, in the asset's smallest unit; never 0.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub amount: Amount,
    /// The limit that the amount was judged by.
    pub limit: Limit,
    /// How the obligations that follow from it are paid.
    pub settlement: Settlement,
    /// The version of the published fee schedule that applies.
    pub fees: u32,
    /// When the originator wrote it, in milliseconds since 1970.
    pub issued_at: Timestamp,
    /// A retention is valid strictly before this time, in milliseconds since 1970.
    pub expires_at: Timestamp,
}

impl Voucher {
    /// Globally unique: originator and sequence are in it.
    pub fn id(&self) -> VoucherId {
        VoucherId(content_id(b"quittance/voucher", self))
    }

    /// Whether the institution is involved.
    pub fn involves(&self, member: Member) -> bool {
        self.originator == member || self.home == member || self.others.contains(&member)
    }

    /// Every institution involved, ascending: all of them sign.
    pub fn parties(&self) -> Vec<Member> {
        let mut parties = self.others.clone();
        parties.push(self.originator);
        parties.push(self.home);
        parties.sort_unstable();
        parties.dedup();
        parties
    }

    /// The institutions that the originator needs answers from, ascending (S0.3).
    pub fn destinations(&self) -> Vec<Member> {
        let mut parties = self.parties();
        parties.retain(|member| *member != self.originator);
        parties
    }

    /// Who owes whom what, before fees. The one place where the direction of a payment is decided.
    pub fn principal(&self) -> Obligation {
        let (debtor, creditor) = match self.kind {
            TransactionKind::CashDeposit | TransactionKind::Refund(_) => (self.originator, self.home),
            TransactionKind::CreditTransfer(payee) => (self.home, payee),
            TransactionKind::CashWithdrawal | TransactionKind::Purchase | TransactionKind::SecuritiesTransfer => {
                (self.home, self.originator)
            }
        };
        Obligation {
            debtor,
            creditor,
            asset: self.asset,
            amount: self.amount,
        }
    }

    /// What can be wrong with a voucher whoever looks at it: shape, amount, limit.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self) -> Result<(), VoucherFault> {
        if self.principal().debtor == self.principal().creditor {
            return Err(VoucherFault::OneInstitution);
        }
        if !self.involves(self.principal().creditor) {
            return Err(VoucherFault::PayeeIsNoParty);
        }
        let stray = |member: &Member| *member == self.originator || *member == self.home;
        let ascending = self
            .others
            .windows(2)
            .all(|pair| matches!(pair, [left, right] if left < right));
        if !ascending || self.others.iter().any(stray) {
            return Err(VoucherFault::PartiesNotAscending);
        }
        if self.parties().len() > MAX_PARTIES {
            return Err(VoucherFault::TooManyParties);
        }
        if self.amount == 0 {
            return Err(VoucherFault::ZeroAmount);
        }
        if self.amount > self.limit.ceiling() {
            return Err(VoucherFault::AboveLimit);
        }
        if self.expires_at <= self.issued_at {
            return Err(VoucherFault::ExpiresBeforeIssue);
        }
        Ok(())
    }
}

/// What is wrong with a voucher that nobody should sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub enum VoucherFault {
    /// The institution that pays is the one that is paid.
    OneInstitution,
    /// The institution that is paid is not among those involved.
    PayeeIsNoParty,
    /// The other destinations don't ascend strictly, or name originator or home.
    PartiesNotAscending,
    /// There are more institutions than the 8 that one voucher may involve.
    TooManyParties,
    /// The amount is 0.
    ZeroAmount,
    /// The amount is above the limit that the voucher carries.
    AboveLimit,
    /// It expires before it was issued.
    ExpiresBeforeIssue,
}

/// A debtor owes a creditor an amount of an asset.
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
pub struct Obligation {
    /// The member that must pay.
    pub debtor: Member,
    /// The member that is owed.
    pub creditor: Member,
    /// The asset that is owed.
    pub asset: Asset,
    /// How much is owed, in the asset's smallest unit; never 0.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub amount: Amount,
}

/// The obligations that a voucher creates (S0.8).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Relation {
    /// The id of the voucher that it follows from.
    pub voucher: VoucherId,
    /// The obligations: the principal, then the fees in the schedule's order.
    pub obligations: Vec<Obligation>,
    /// When the notary drew it up, in milliseconds since 1970.
    pub drawn_at: Timestamp,
}

impl Relation {
    /// The relation that follows from a voucher under the schedule that it names: every notary builds the same one but
    /// for the time. `None` where a fee is beyond what an amount can hold.
    pub fn of(voucher: &Voucher, schedule: &[FeeRule], drawn_at: Timestamp) -> Option<Self> {
        Some(Self {
            voucher: voucher.id(),
            obligations: Self::obligations_of(voucher, schedule)?,
            drawn_at,
        })
    }

    /// Who owes whom what: all of the relation that doesn't depend on who draws it up. `None` as above.
    pub fn obligations_of(voucher: &Voucher, schedule: &[FeeRule]) -> Option<Vec<Obligation>> {
        let mut obligations = vec![voucher.principal()];
        for rule in schedule {
            fees::charge(rule, voucher, &mut obligations)?;
        }
        Some(obligations)
    }

    /// The relation's id.
    pub fn id(&self) -> RelationId {
        RelationId(content_id(b"quittance/relation", self))
    }

    /// Who must pay, ascending.
    pub fn debtors(&self) -> Vec<Member> {
        let mut debtors: Vec<Member> = self.obligations.iter().map(|owed| owed.debtor).collect();
        debtors.sort_unstable();
        debtors.dedup();
        debtors
    }

    /// What one debtor owes, in the relation's order.
    pub fn owed_by(&self, debtor: Member) -> Vec<Obligation> {
        self.obligations
            .iter()
            .filter(|owed| owed.debtor == debtor)
            .copied()
            .collect()
    }
}

/// Co-signed vouchers, as a notary hands them to the chain (S0.7).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct RetentionBatch {
    /// The registry's epoch when the members signed.
    pub epoch: u32,
    /// When the relations of all of them were drawn up, in milliseconds since 1970.
    pub drawn_at: Timestamp,
    /// Valid strictly before this time, in milliseconds since 1970.
    pub expires_at: Timestamp,
    /// The vouchers: 1 to 1,024, of which at most 256 are refunds.
    pub vouchers: Vec<Voucher>,
    /// The vouchers that the refunds among them name, in the refunds' order.
    pub refunded: Vec<Voucher>,
}

/// The id under which a member signs for a retention: over the (voucher, relation) pairs of the vouchers that it is a
/// party to, in the batch's order; a notary signs all ([`crate::signing::Purpose::Retention`]).
pub fn retention_id(pairs: &[(VoucherId, RelationId)]) -> [u8; 32] {
    content_id(b"quittance/retention", pairs)
}

/// An earlier record that credited a clearing voucher's issuer (S0.11).
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
pub enum Source {
    /// A deposit, by its number.
    Deposit(u64),
    /// A payment that this debtor cleared in the issuer's favour.
    Clearing(VoucherId, Member),
    /// A window that was settled with a net credit for the issuer, by its number.
    Window(u32),
    /// A ruling that gave money back to the issuer: the voucher, and the place of the obligation in its relation.
    Ruling(VoucherId, u8),
}

/// A debtor's signed discharge of what it owes under one relation (S0.11).
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
pub struct ClearingVoucher {
    /// The id of the voucher that the relation follows from.
    pub voucher: VoucherId,
    /// The id of the relation that is discharged.
    pub relation: RelationId,
    /// The debtor, who signs it.
    pub issuer: Member,
    /// Exactly what the issuer owes under the relation.
    pub discharged: Vec<Obligation>,
    /// The records that the assets came from: 1 to 8.
    pub sources: Vec<Source>,
    /// When the issuer wrote it, in milliseconds since 1970.
    pub issued_at: Timestamp,
    /// Valid strictly before this time, in milliseconds since 1970.
    pub expires_at: Timestamp,
}

impl ClearingVoucher {
    /// The clearing voucher's id; the issuer signs it with [`crate::signing::Purpose::ClearingVoucher`].
    pub fn id(&self) -> ClearingVoucherId {
        ClearingVoucherId(content_id(b"quittance/clearing-voucher", self))
    }
}

/// A clearing voucher with its issuer's signature.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct SignedClearingVoucher {
    /// The voucher that the relation follows from: the chain keeps its digest only.
    pub voucher: Voucher,
    /// The clearing voucher that is signed.
    pub clearing_voucher: ClearingVoucher,
    /// The registry's epoch when it was signed.
    pub epoch: u32,
    /// The issuer's signature.
    pub signature: crate::Signature,
}
