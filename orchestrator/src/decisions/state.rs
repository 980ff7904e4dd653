//! How far a decision is at this notary.
use std::{fmt, str::FromStr};

/// Past tense: what is done and stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Another notary agreed; nobody here did.
    Proposed,
    /// This notary agreed; its signature goes to whoever agreed too.
    Agreed,
    /// The finalized chain shows it.
    CarriedOut,
    /// The finalized chain shows another decision of this number.
    Overtaken,
    /// The contract refuses it, although enough notaries approved.
    Refused,
    /// Too few notaries agreed in time.
    Expired,
}

impl State {
    /// Every state.
    pub const ALL: [State; 6] = [
        State::Proposed,
        State::Agreed,
        State::CarriedOut,
        State::Overtaken,
        State::Refused,
        State::Expired,
    ];

    /// Its stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Proposed => "proposed",
            State::Agreed => "agreed",
            State::CarriedOut => "carried-out",
            State::Overtaken => "overtaken",
            State::Refused => "refused",
            State::Expired => "expired",
        }
    }

    /// Whether nothing more happens.
    pub const fn is_final(self) -> bool {
        !matches!(self, State::Proposed | State::Agreed)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No decision has this state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no decision has the state {0:?}")]
pub struct UnknownState(String);

impl FromStr for State {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        let found = State::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| UnknownState(text.to_owned()))
    }
}
