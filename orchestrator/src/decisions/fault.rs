//! What can be wrong with a wish to decide, or with another notary's message. Nothing was changed.
use protocol::{Member, Timestamp, VoucherId};

use super::messages::DecisionId;
use crate::{
    settlement::{ports::LedgerError, Fault},
    store::StoreError,
};

/// Why this notary doesn't agree, or doesn't take a message.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// This institution is no active notary.
    #[error("member {0} is no active notary: decisions are the notaries'")]
    NotNotary(Member),
    /// The chain is at another number.
    #[error("the next decision's number is {next}: decide for that one, or leave the number out")]
    WrongNumber {
        /// The number of decisions so far.
        next: u32,
    },
    /// This notary agreed to something else under this number.
    #[error(
        "this notary agreed to decision {id} under the same number, and its approval is valid until {expires_at} \
         (milliseconds since 1970): wait until it is carried out or expires"
    )]
    Busy {
        /// To what.
        id: DecisionId,
        /// Until when.
        expires_at: Timestamp,
    },
    /// The approval would be void at once.
    #[error("expires at {expires_at} (milliseconds since 1970), and that has passed")]
    Expired {
        /// When.
        expires_at: Timestamp,
    },
    /// More fee rules than a schedule has.
    #[error("a fee schedule has at most {most} rules")]
    TooManyRules {
        /// As many.
        most: usize,
    },
    /// The registry doesn't know whose cap it is.
    #[error("the registry has no member {0}")]
    UnknownMember(Member),
    /// Another window is open.
    #[error("window {open} is open: that is the one to close")]
    WrongWindow {
        /// Which.
        open: u32,
    },
    /// The window is open, or paid, or not there.
    #[error("window {0} is not waiting to be paid: vouchers are taken out of a window that is cut off")]
    NotCutOff(u32),
    /// No voucher, or too many.
    #[error("name 1 to {most} vouchers at a time")]
    VoucherCount {
        /// As many.
        most: usize,
    },
    /// This notary doesn't keep the voucher.
    #[error("this notary doesn't keep voucher {0}")]
    UnknownVoucher(VoucherId),
    /// The voucher is paid in another way.
    #[error("voucher {0} is not in that window")]
    NotInWindow(VoucherId),
    /// Nobody contests the obligation, or it is ruled.
    #[error("there is no open dispute over obligation {obligation} of voucher {voucher}")]
    NoDispute {
        /// The voucher.
        voucher: VoucherId,
        /// The obligation's place.
        obligation: u8,
    },
    /// Another notary's message is wrong, or comes too early.
    #[error(transparent)]
    Message(#[from] Fault),
    /// Another notary proposes more at a time than this one keeps.
    #[error("member {from} has {most} open proposals here: it may propose more once they ended")]
    TooManyProposals {
        /// Whose.
        from: Member,
        /// As many.
        most: u32,
    },
    /// The chain can't be read now.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DecisionError {
    /// Stable: clients and notaries act on it.
    pub const fn code(&self) -> &'static str {
        match self {
            DecisionError::NotNotary(_) => "not-a-notary",
            DecisionError::WrongNumber { .. } => "wrong-decision-number",
            DecisionError::Busy { .. } => "decision-pending",
            DecisionError::Expired { .. } => "expired",
            DecisionError::TooManyRules { .. } => "too-many-fee-rules",
            DecisionError::UnknownMember(_) => "unknown-member",
            DecisionError::WrongWindow { .. } => "wrong-window",
            DecisionError::NotCutOff(_) => "window-not-cut-off",
            DecisionError::VoucherCount { .. } => "voucher-count",
            DecisionError::UnknownVoucher(_) => "unknown-voucher",
            DecisionError::NotInWindow(_) => "not-in-window",
            DecisionError::NoDispute { .. } => "no-open-dispute",
            DecisionError::TooManyProposals { .. } => "too-many-proposals",
            DecisionError::Message(fault) => fault.code(),
            DecisionError::Ledger(_) => "chain-unavailable",
            DecisionError::Store(_) => "internal",
        }
    }
}
