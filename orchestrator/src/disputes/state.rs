//! Which obligation is contested, and how far that is.
use std::{fmt, str::FromStr};

use protocol::{
    disputes::{Dispute, Ruling},
    Amount, VoucherId,
};
use serde::{Deserialize, Serialize};

/// The obligation that a dispute is over. There is one dispute over each at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Over {
    /// The voucher that it follows from.
    pub voucher: VoucherId,
    /// Its place in the relation: 0 is the principal, then the fees.
    pub obligation: u8,
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.voucher, self.obligation)
    }
}

impl FromStr for Over {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let wrong = || UnknownWord(text.to_owned());
        let (voucher, obligation) = text.rsplit_once('/').ok_or_else(wrong)?;
        Ok(Self {
            voucher: voucher.parse().map_err(|_| wrong())?,
            obligation: obligation.parse().map_err(|_| wrong())?,
        })
    }
}

/// Past tense: what is done and stored. From `Opened` on, what the finalized chain shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Somebody here wants to contest the obligation; the chain doesn't show it yet.
    Wanted,
    /// The contract refuses to open it.
    Refused,
    /// The obligation is contested.
    Opened,
    /// The other side has answered.
    Answered,
    /// The obligation stands.
    Upheld,
    /// Something goes back, and not all of it is paid.
    Awarded,
    /// All that was awarded went back.
    Paid,
}

impl State {
    /// Every state.
    pub const ALL: [State; 7] = [
        State::Wanted,
        State::Refused,
        State::Opened,
        State::Answered,
        State::Upheld,
        State::Awarded,
        State::Paid,
    ];

    /// The state that the chain shows.
    pub const fn of(dispute: &Dispute) -> Self {
        match (dispute.ruling, dispute.response) {
            (None, None) => State::Opened,
            (None, Some(_)) => State::Answered,
            (Some(_), _) if dispute.awarded == 0 => State::Upheld,
            (Some(_), _) if dispute.paid < dispute.awarded => State::Awarded,
            (Some(_), _) => State::Paid,
        }
    }

    /// Its stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Wanted => "wanted",
            State::Refused => "refused",
            State::Opened => "opened",
            State::Answered => "answered",
            State::Upheld => "upheld",
            State::Awarded => "awarded",
            State::Paid => "paid",
        }
    }

    /// Whether nothing more happens.
    pub const fn is_final(self) -> bool {
        matches!(self, State::Refused | State::Upheld | State::Paid)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Nothing is called so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing about disputes is called {0:?}")]
pub struct UnknownWord(String);

impl FromStr for State {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let found = State::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// Which document of a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Paper {
    /// It shows why something should go back.
    Claim,
    /// The other side answers with it.
    Answer,
}

impl Paper {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Paper::Claim => "claim",
            Paper::Answer => "answer",
        }
    }
}

impl FromStr for Paper {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let found = [Paper::Claim, Paper::Answer]
            .into_iter()
            .find(|paper| paper.as_str() == text);
        found.ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// How far a dispute is, so that what was read later is told from what was read earlier: it only grows.
pub fn progress(dispute: &Dispute) -> (bool, bool, bool, Amount) {
    (
        dispute.ruling.is_some(),
        dispute.response.is_some(),
        dispute.is_due,
        dispute.paid,
    )
}

/// What the chain shows, for people.
pub fn describe(dispute: &Dispute) -> String {
    let Dispute {
        claimant,
        claim,
        contested,
        awarded,
        paid,
        ..
    } = dispute;
    match State::of(dispute) {
        State::Answered => match dispute.response {
            Some(response) => format!("member {} answered", response.member),
            None => String::new(),
        },
        State::Upheld => "the obligation stands".to_owned(),
        State::Awarded if dispute.is_due => format!(
            "{awarded} go back from member {} to member {}; {paid} so far",
            contested.creditor, contested.debtor
        ),
        State::Awarded => format!("{awarded} go back once the obligation is paid"),
        State::Paid => format!(
            "{paid} went back from member {} to member {}",
            contested.creditor, contested.debtor
        ),
        State::Wanted | State::Refused | State::Opened => format!(
            "member {claimant} claims {} of the {} that member {} owes member {}",
            claim.amount, contested.amount, contested.debtor, contested.creditor
        ),
    }
}

/// A ruling's stable name.
pub const fn ruling_name(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Uphold => "uphold",
        Ruling::Reverse => "reverse",
        Ruling::Partial(_) => "partial",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_lead_back_to_what_they_name() {
        let over = Over {
            voucher: VoucherId([7; 32]),
            obligation: 255,
        };
        assert_eq!(over.to_string().parse::<Over>().unwrap(), over);
        for wrong in [
            "",
            "0x12/0",
            &over.voucher.to_string(),
            &format!("{}/256", over.voucher),
        ] {
            assert!(wrong.parse::<Over>().is_err(), "{wrong}");
        }
        for state in State::ALL {
            assert_eq!(state.as_str().parse::<State>().unwrap(), state);
        }
    }
}
