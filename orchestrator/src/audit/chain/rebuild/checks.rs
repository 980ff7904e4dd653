//! What an event says, held against the call that led to it (who sent what, with how much money), and against the clock.
use protocol::{settlement::Asset, text::to_hex, AccountId, Amount, Signature, Timestamp};
use scale::{Decode, Encode};

use super::scene::Scene;
use crate::{audit::chain::tables::TablesError, identity::verify};

impl Scene<'_> {
    /// Goes on with the event's fields. What doesn't decode is a finding, and nothing more follows from it.
    ///
    /// # Errors
    /// What `act` gives.
    pub fn on<V: Decode>(
        &mut self,
        act: impl FnOnce(&mut Self, V) -> Result<(), TablesError>,
    ) -> Result<(), TablesError> {
        match self.fields() {
            Some(fields) => act(self, fields),
            None => Ok(()),
        }
    }

    /// The event comes of this message with exactly these arguments (what the event says names them all) and so much of
    /// the native token.
    pub fn exact_call(&mut self, message: &str, arguments: &impl Encode, value: Amount) {
        let told = self.told;
        let Some(call) = told.call else {
            self.findings.unseen();
            return;
        };
        let event = told.event;
        let is_of = self.ensure(call.message == message, "other-message", || {
            format!("{event} comes of {message}, not of {}", call.message)
        });
        if is_of {
            self.ensure(call.arguments == arguments.encode(), "other-arguments", || {
                format!("{event} tells something else than {message} was asked for")
            });
            self.ensure(call.value == value, "wrong-value", || {
                format!(
                    "{message} takes {value} of the native token, {} came with it",
                    call.value
                )
            });
        }
    }

    /// Who sent the call. Nothing is said where that isn't seen.
    pub fn sent_by(&mut self, account: AccountId, part: &str) {
        let told = self.told;
        if let Some(call) = told.call {
            self.ensure(call.signer == account, "wrong-caller", || {
                let (signer, account) = (to_hex(&call.signer.0), to_hex(&account.0));
                format!("{} was sent by {signer}; {part} is {account}", call.message)
            });
        }
    }

    /// A signature by a key that isn't in the registry.
    pub fn signed(&mut self, key: &[u8; 32], payload: &[u8], signature: &Signature, what: impl FnOnce() -> String) {
        let is_good = verify(key, payload, signature);
        self.findings.signature(self.name, self.told, is_good, || {
            format!(
                "{}: the signature isn't one by that key over what was to be signed",
                what()
            )
        });
    }

    /// Something that is permitted strictly before its deadline.
    pub fn before(&mut self, deadline: Timestamp, what: impl FnOnce() -> String) {
        let now = self.now();
        self.ensure(now < deadline, "too-late", || {
            format!("{} at {now}, but the time for it was over at {deadline}", what())
        });
    }

    /// Something that is permitted at or after a time.
    pub fn not_before(&mut self, start: Timestamp, what: impl FnOnce() -> String) {
        let now = self.now();
        self.ensure(now >= start, "too-early", || {
            format!("{} at {now}, but the time for it comes at {start}", what())
        });
    }
}

/// How much of the native token comes with a payment.
pub const fn value_of(asset: Asset, amount: Amount) -> Amount {
    match asset {
        Asset::Native => amount,
        Asset::Psp22(_) => 0,
    }
}
