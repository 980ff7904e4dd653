//! How far a payment on credit is.
use std::{fmt, str::FromStr};

use protocol::Signature;
use serde::{Deserialize, Serialize};

/// How far a payment is. From `Reserved` on, what the finalized chains say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The payer's request is in order; the payee is asked (S1.6).
    Asked,
    /// The payee takes it; both limits are looked at on the payer's chain (S1.7, S1.8).
    Accepted,
    /// Only the credit node's limit is short: the payer may ask for a higher one, and it goes on by itself (S1.12).
    Short,
    /// The amount counts against both limits; the payout is on its way.
    Reserved,
    /// The payee has the money, in a finalized block of its chain (S1.9).
    Paid,
    /// The payer owes; the payee is asked for its receipt.
    Owed,
    /// Final: the payee's receipt stands on the payer's chain (S1.10).
    Confirmed,
    /// Final: the payee doesn't want it, or the credit doesn't cover it (S1.11).
    Refused,
    /// Final: the time was over before the payee was paid. Nobody owes anything.
    Lapsed,
    /// Final: the payee was paid, and the reservation was ended before that was known on the payer's chain. The loss is the
    /// credit node's.
    Lost,
}

impl Stage {
    /// Each of them.
    pub const ALL: [Self; 10] = [
        Self::Asked,
        Self::Accepted,
        Self::Short,
        Self::Reserved,
        Self::Paid,
        Self::Owed,
        Self::Confirmed,
        Self::Refused,
        Self::Lapsed,
        Self::Lost,
    ];

    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Accepted => "accepted",
            Self::Short => "short",
            Self::Reserved => "reserved",
            Self::Paid => "paid",
            Self::Owed => "owed",
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
            Self::Lapsed => "lapsed",
            Self::Lost => "lost",
        }
    }

    /// Whether nothing more happens.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Confirmed | Self::Refused | Self::Lapsed | Self::Lost)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Stage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|stage| stage.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is no stage of a payment on credit"))
    }
}

/// Why a payment doesn't come about, or must wait for a higher limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Stable: clients act on it.
    pub code: String,
    /// What is short and by how much, and what can be done.
    pub detail: String,
    /// The payee's, under the request and `detail`; where the payee refuses.
    pub signature: Option<Signature>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_read_as_it_was_written() {
        for stage in Stage::ALL {
            assert_eq!(stage.to_string().parse(), Ok(stage));
        }
        assert!("paid out".parse::<Stage>().is_err());
    }
}
