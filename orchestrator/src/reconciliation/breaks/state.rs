//! How far a break is at this side.
use std::{fmt, str::FromStr};

use protocol::{reconciliation::Correction, Signature};
use serde::{Deserialize, Serialize};

use crate::reconciliation::messages::RefusalCode;

/// How far a break is. Past tense: a state says what is done and stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakState {
    /// It may still come: no break yet.
    Expected,
    /// Found, and nobody signed anything.
    Open,
    /// One side signed a correction; the other hasn't answered for good.
    Proposed,
    /// Both sides signed it.
    Signed,
    /// The finalized chain has it.
    Recorded,
    /// This side's book is as the chain says.
    Booked,
    /// A later run didn't find it any more, without a correction.
    Resolved,
}

impl BreakState {
    const ALL: [Self; 7] = [
        Self::Expected,
        Self::Open,
        Self::Proposed,
        Self::Signed,
        Self::Recorded,
        Self::Booked,
        Self::Resolved,
    ];

    /// Its stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::Open => "open",
            Self::Proposed => "proposed",
            Self::Signed => "signed",
            Self::Recorded => "recorded",
            Self::Booked => "booked",
            Self::Resolved => "resolved",
        }
    }

    /// Whether nothing is left to do.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Booked | Self::Resolved)
    }
}

impl fmt::Display for BreakState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No break has this state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no break has the state {0:?}: it is expected, open, proposed, signed, recorded, booked or resolved")]
pub struct UnknownBreakState(String);

impl FromStr for BreakState {
    type Err = UnknownBreakState;
    fn from_str(text: &str) -> Result<Self, UnknownBreakState> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| UnknownBreakState(text.to_owned()))
    }
}

/// A correction on its way to both signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    /// What is right.
    pub correction: Correction,
    /// The registry's epoch at signing.
    pub epoch: u32,
    /// The debit side's.
    pub debit: Option<Signature>,
    /// The credit side's.
    pub credit: Option<Signature>,
    /// Whether this side proposed it: then it sends it to the chain.
    pub is_ours: bool,
    /// What the proposer's people say about it.
    pub comment: Option<String>,
}

/// A side's no to a correction that the other one proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Why.
    pub code: RefusalCode,
    /// In words.
    pub reason: String,
    /// To which correction, by its id.
    #[serde(with = "protocol::text::bytes")]
    pub correction: [u8; 32],
    /// Whether this side said it.
    pub is_ours: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_read_back_as_it_is_written() {
        for state in BreakState::ALL {
            assert_eq!(state.to_string().parse(), Ok(state));
        }
        assert!("done".parse::<BreakState>().is_err());
    }
}
