//! How far a payment is at this institution. Past tense: a state says what is done and stored.
use std::{fmt, str::FromStr};

macro_rules! states {
    ($($(#[$doc:meta])* $role:ident($name:ident, $text:literal) { $($(#[$state_doc:meta])* $state:ident = $state_text:literal,)* })*) => {
        /// What this institution is in a payment.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Role {
            $($(#[$doc])* $role,)*
        }

        impl Role {
            /// Its stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Role::$role => $text,)* }
            }
        }

        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
            pub enum $name { $($(#[$state_doc])* $state,)* }
        )*

        /// A role and how far it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum State {
            $($(#[$doc])* $role($name),)*
        }

        impl State {
            /// Every state of every role.
            pub const ALL: &'static [State] = &[$($(State::$role($name::$state),)*)*];

            /// Whose state it is.
            pub const fn role(self) -> Role {
                match self { $(State::$role(_) => Role::$role,)* }
            }

            /// Its stable name within the role.
            pub const fn as_str(self) -> &'static str {
                match self { $($(State::$role($name::$state) => $state_text,)*)* }
            }

            /// Whether nothing more happens.
            pub fn is_final(self) -> bool {
                matches!(self.as_str(), "cleared" | "refused" | "expired")
            }
        }
    };
}

states! {
    /// It took the user's request.
    Originator(OriginatorState, "originator") {
        /// The request passed the audit; the voucher is written and signed (S0.1, S0.2).
        Audited = "audited",
        /// Every destination co-signed (S0.4).
        Confirmed = "confirmed",
        /// The chain holds the voucher and its relation (S0.9).
        Retained = "retained",
        /// Delivered to the user, once (S0.10).
        Executed = "executed",
        /// Its clearing voucher is written, signed and stored (S0.11).
        DischargeSigned = "discharge-signed",
        /// Every debtor paid, on the finalized chain (S0.12).
        Cleared = "cleared",
        /// Somebody refused; the signed refusal is kept (S0.5).
        Refused = "refused",
        /// Not retained in time.
        Expired = "expired",
    }
    /// Its user pays or is paid.
    Home(HomeState, "home") {
        /// It co-signed; the user's money is on hold (S0.4).
        Confirmed = "confirmed",
        /// The chain holds the voucher and its relation (S0.9).
        Retained = "retained",
        /// Its clearing voucher is written, signed and stored (S0.11).
        DischargeSigned = "discharge-signed",
        /// Every debtor paid and the user's account is booked (S0.12).
        Cleared = "cleared",
        /// It refused; the signed refusal is kept (S0.5).
        Refused = "refused",
        /// Not retained in time; the hold is released.
        Expired = "expired",
    }
    /// It is asked to agree, and its user may be the one who is paid.
    Destination(DestinationState, "destination") {
        /// It co-signed (S0.4).
        Confirmed = "confirmed",
        /// The chain holds the voucher and its relation (S0.9).
        Retained = "retained",
        /// Every debtor paid; the beneficiary's account is booked (S0.12).
        Cleared = "cleared",
        /// It refused; the signed refusal is kept (S0.5).
        Refused = "refused",
        /// Not retained in time.
        Expired = "expired",
    }
    /// It keeps the voucher.
    Notary(NotaryState, "notary") {
        /// Another notary leads, and asked for this one's signature (S0.7).
        Consulted = "consulted",
        /// The co-signed voucher passed every check (S0.6).
        Accepted = "accepted",
        /// Every destination stands by it (S0.7).
        Attested = "attested",
        /// The relation is drawn up and stored (S0.8).
        Related = "related",
        /// Every party co-signed the relation (S0.9).
        Consented = "consented",
        /// The chain holds both; the retention voucher is stored (S0.7).
        Retained = "retained",
        /// Every party acknowledged the retention voucher (S0.9).
        Delivered = "delivered",
        /// Every debtor paid, on the finalized chain (S0.12).
        Cleared = "cleared",
        /// It or a party refused; the signed refusal is kept (S0.5).
        Refused = "refused",
        /// Not retained in time.
        Expired = "expired",
    }
}

impl State {
    /// Whether its step is done together with that of other payments, in one call to the chain.
    pub(super) const fn goes_together(self) -> bool {
        matches!(
            self,
            State::Notary(NotaryState::Consented)
                | State::Originator(OriginatorState::DischargeSigned)
                | State::Home(HomeState::DischargeSigned)
        )
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for State {
    /// `role.state`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.role(), self.as_str())
    }
}

/// No role has this state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no role has the state {0:?}")]
pub struct UnknownState(String);

impl FromStr for State {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        let found = State::ALL.iter().find(|state| state.to_string() == text);
        found.copied().ok_or_else(|| UnknownState(text.to_owned()))
    }
}

impl serde::Serialize for Role {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl serde::Serialize for State {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
