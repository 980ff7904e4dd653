//! What an institution is in a trade, and how far the trade is.
use std::{fmt, str::FromStr};

use protocol::escrow::DealState;
use serde::{Deserialize, Serialize};

/// What an institution is in a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Pays.
    Buyer,
    /// Delivers.
    Seller,
    /// Rules in a dispute.
    Arbiter,
}

/// How far a trade is. Off-chain until `Agreed`; from `Locked` on, what the finalized chain says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// This institution signed, the other one hasn't.
    Proposed,
    /// The other one signed, a person here decides.
    Received,
    /// Final: one of them doesn't want it, or something else was proposed in its place.
    Declined,
    /// Both signed (S2.0).
    Agreed,
    /// Final: not locked, not accepted, or not locked as agreed, by the deadline.
    Lapsed,
    /// E1.
    Locked,
    /// E2.
    Accepted,
    /// E3.
    Revealed,
    /// The arbiter was called.
    Disputed,
    /// Final, E4.
    Settled,
    /// Final: each has what it paid in.
    Refunded,
    /// Final: both wanted out.
    Cancelled,
    /// Final: the arbiter, or the default for its silence, split the pot.
    Ruled,
}

impl Role {
    const ALL: [Self; 3] = [Self::Buyer, Self::Seller, Self::Arbiter];

    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Seller => "seller",
            Self::Arbiter => "arbiter",
        }
    }
}

impl Stage {
    const ALL: [Self; 13] = [
        Self::Proposed,
        Self::Received,
        Self::Declined,
        Self::Agreed,
        Self::Lapsed,
        Self::Locked,
        Self::Accepted,
        Self::Revealed,
        Self::Disputed,
        Self::Settled,
        Self::Refunded,
        Self::Cancelled,
        Self::Ruled,
    ];

    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Received => "received",
            Self::Declined => "declined",
            Self::Agreed => "agreed",
            Self::Lapsed => "lapsed",
            Self::Locked => "locked",
            Self::Accepted => "accepted",
            Self::Revealed => "revealed",
            Self::Disputed => "disputed",
            Self::Settled => "settled",
            Self::Refunded => "refunded",
            Self::Cancelled => "cancelled",
            Self::Ruled => "ruled",
        }
    }

    /// Whether nothing more happens.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Declined | Self::Lapsed | Self::Settled | Self::Refunded | Self::Cancelled | Self::Ruled
        )
    }

    /// Whether the goods go back to the offer that they came from: nothing was delivered against them.
    pub const fn frees_quantity(self) -> bool {
        matches!(self, Self::Declined | Self::Lapsed | Self::Cancelled | Self::Refunded)
    }
}

impl From<DealState> for Stage {
    fn from(state: DealState) -> Self {
        match state {
            DealState::Locked => Self::Locked,
            DealState::Accepted => Self::Accepted,
            DealState::Revealed => Self::Revealed,
            DealState::Disputed => Self::Disputed,
            DealState::Settled => Self::Settled,
            DealState::Refunded => Self::Refunded,
            DealState::Cancelled => Self::Cancelled,
            DealState::Ruled => Self::Ruled,
        }
    }
}

/// A word that names no role or stage.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is none")]
pub struct Unknown(String);

impl FromStr for Role {
    type Err = Unknown;
    fn from_str(text: &str) -> Result<Self, Unknown> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| Unknown(text.to_owned()))
    }
}

impl FromStr for Stage {
    type Err = Unknown;
    fn from_str(text: &str) -> Result<Self, Unknown> {
        let found = Self::ALL.into_iter().find(|stage| stage.as_str() == text);
        found.ok_or_else(|| Unknown(text.to_owned()))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
