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
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Position {
    /// The sum of what it is owed, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub owed: Amount,
    /// The sum of what it owes, in the asset's smallest unit.
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
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub enum WindowState {
    /// It takes obligations.
    #[default]
    Open,
    /// It takes no more obligations, and is not paid yet.
    CutOff,
    /// It is paid.
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
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Window {
    /// How far it is.
    pub state: WindowState,
    /// The number of the block that opened it; 0 for the first.
    pub opened_in: u32,
    /// The number of the block after which it took no more obligations; nothing while it is open.
    pub cut_off_in: Option<u32>,
    /// The number of the block that paid it; nothing until then.
    pub settled_in: Option<u32>,
    /// How many vouchers are in it.
    pub vouchers: u32,
    /// Which members have a position in which asset, in the order of their first obligation.
    pub positions: Vec<(Member, Asset)>,
}

/// One position of a certificate: of a member, in an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct CertificateLine {
    /// The member.
    pub member: Member,
    /// The asset.
    pub asset: Asset,
    /// What the member was owed, and what it owed.
    pub position: Position,
    /// How far the member might go negative when the window was paid, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub cap: Amount,
}

/// What was netted and paid: per asset, what members were owed is what members owed, so the nets sum to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Certificate {
    /// The window's number.
    pub window: u32,
    /// How many vouchers were in it.
    pub vouchers: u32,
    /// Every position, in the order of the window.
    pub lines: Vec<CertificateLine>,
}

/// A member that can't pay its net debit in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Shortfall {
    /// The member.
    pub member: Member,
    /// The asset.
    pub asset: Asset,
    /// What the member can spend, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub available: Amount,
    /// What the member has to pay, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub needed: Amount,
}

/// What closing a window came to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub enum Closing {
    /// Everybody paid, as this certificate says.
    Settled(Certificate),
    /// These could not pay, so nobody did. It can be closed again.
    Short(Vec<Shortfall>),
}
