//! How far a day is at this side. Past tense where something is done and stored.
use std::{fmt, str::FromStr};

use protocol::{reconciliation::Closing, Signature};
use serde::{Deserialize, Serialize};

/// How far a day is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayState {
    /// Not over, or its cut-off hasn't come.
    Open,
    /// To be matched.
    Due,
    /// A run was kept; something may still come.
    Matched,
    /// There are breaks that aren't all booked.
    Correcting,
    /// The last run found nothing.
    Clean,
    /// The closing is signed, by this side at least.
    Closing,
    /// Final, on the finalized chain.
    Closed,
    /// The total is being paid.
    Paying,
    /// The total is paid, or there was none to pay.
    Paid,
}

impl DayState {
    const ALL: [Self; 9] = [
        Self::Open,
        Self::Due,
        Self::Matched,
        Self::Correcting,
        Self::Clean,
        Self::Closing,
        Self::Closed,
        Self::Paying,
        Self::Paid,
    ];

    /// Its stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Due => "due",
            Self::Matched => "matched",
            Self::Correcting => "correcting",
            Self::Clean => "clean",
            Self::Closing => "closing",
            Self::Closed => "closed",
            Self::Paying => "paying",
            Self::Paid => "paid",
        }
    }

    /// Whether the chain has the day as final.
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Closed | Self::Paying | Self::Paid)
    }
}

impl fmt::Display for DayState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No day has this state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no day has the state {0:?}")]
pub struct UnknownDayState(String);

impl FromStr for DayState {
    type Err = UnknownDayState;
    fn from_str(text: &str) -> Result<Self, UnknownDayState> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| UnknownDayState(text.to_owned()))
    }
}

/// What is signed of a closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedClosing {
    /// What is closed.
    pub closing: Closing,
    /// The registry's epoch at signing.
    pub epoch: u32,
    /// The debit side's.
    pub debit: Option<Signature>,
    /// The credit side's.
    pub credit: Option<Signature>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_read_back_as_it_is_written() {
        for state in DayState::ALL {
            assert_eq!(state.to_string().parse(), Ok(state));
        }
        assert!("done".parse::<DayState>().is_err());
    }
}
