//! Deferred net settlement: windows, positions, caps and the certificate that anyone can recompute (S0.12, S0.14).
use alloc::vec::Vec;
use scale::{Decode, Encode};

use crate::{settlement::Asset, Amount, Member};

/// The most positions, of a member in an asset, that one window has.
pub const MAX_POSITIONS: usize = 128;
/// The most vouchers that one call takes out of a window.
pub const MAX_TAKEN_OUT: usize = 64;

/// What a member is owed and owes in a window, in one asset.
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
pub struct Position {
    /// The sum of what it is owed.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub owed: Amount,
    /// The sum of what it owes.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub owes: Amount,
}

impl Position {
    /// What it has to pay when the window closes.
    pub const fn net_debit(&self) -> Amount {
        self.owes.saturating_sub(self.owed)
    }

    /// What it gets when the window closes.
    pub const fn net_credit(&self) -> Amount {
        self.owed.saturating_sub(self.owes)
    }
}

/// How far a window is.
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
pub enum WindowState {
    /// Takes obligations.
    #[default]
    Open,
    /// Takes no more; not paid yet.
    CutOff,
    /// Paid.
    Settled,
}

/// A period over which obligations are netted.
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
pub struct Window {
    /// How far it is.
    pub state: WindowState,
    /// The block that opened it; 0 for the first.
    pub opened_in: u32,
    /// The block after which it took no more obligations.
    pub cut_off_in: Option<u32>,
    /// The block that paid it.
    pub settled_in: Option<u32>,
    /// The vouchers in it.
    pub vouchers: u32,
    /// Who has a position in what, in the order of their first obligation.
    pub positions: Vec<(Member, Asset)>,
}

/// One position of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
pub struct CertificateLine {
    /// Whose.
    pub member: Member,
    /// In what.
    pub asset: Asset,
    /// What it was owed and owed.
    pub position: Position,
    /// How far it might go negative when the window was paid.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub cap: Amount,
}

/// What was netted and paid: per asset, what members were owed is what members owed, so the nets sum to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
pub struct Certificate {
    /// The window's number.
    pub window: u32,
    /// The vouchers in it.
    pub vouchers: u32,
    /// Every position, in the order of the window.
    pub lines: Vec<CertificateLine>,
}

/// A member that can't pay its net debit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
pub struct Shortfall {
    /// Who.
    pub member: Member,
    /// In what.
    pub asset: Asset,
    /// What it can spend.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub available: Amount,
    /// What it has to pay.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub needed: Amount,
}

/// What closing a window came to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
pub enum Closing {
    /// Everybody paid.
    Settled(Certificate),
    /// These could not pay, so nobody did. It can be closed again.
    Short(Vec<Shortfall>),
}
