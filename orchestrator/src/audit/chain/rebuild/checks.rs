//! What an event tells, held against the call that led to it (who sent what, with how much money), against the rules, and
//! against the clock.
use std::fmt::Display;

use protocol::{settlement::Asset, text::to_hex, AccountId, Amount, Signature, Timestamp};
use scale::Encode;

use super::scene::Scene;
use crate::{chain::deployment::to_ss58, identity::verify};

impl Scene<'_> {
    /// The block's time.
    pub const fn now(&self) -> Timestamp {
        self.told.block.time
    }

    /// The event comes of this message with exactly these arguments (what the event says names them all), and so much of
    /// the native token came along.
    pub fn exact_call(&mut self, message: &str, arguments: &impl Encode, due: Amount) {
        self.follows(due, |asked| (asked == message).then(|| arguments.encode()));
    }

    /// The event follows from what was asked, and so much of the native token came along. `arguments` says what a message's
    /// begin with; `None` for one that can't lead to the event.
    pub fn follows(&mut self, due: Amount, arguments: impl FnOnce(&str) -> Option<Vec<u8>>) {
        let told = self.told;
        let Some(call) = told.call else {
            self.findings.unseen();
            return;
        };
        let (event, message) = (told.event, &call.message);
        let Some(arguments) = arguments(message) else {
            self.find("other-message", format!("{event} doesn't come of {message}"));
            return;
        };
        self.ensure(call.arguments.starts_with(&arguments), "other-arguments", || {
            format!("{event} tells something else than {message} was asked for")
        });
        let sent = call.value;
        self.ensure(sent == due, "wrong-sum", || {
            format!("{message} takes {due} of the native token, {sent} came with it")
        });
    }

    /// Who sent the call. Nothing is said where that isn't seen.
    pub fn sent_by(&mut self, account: AccountId, part: impl Display) {
        let told = self.told;
        if let Some(call) = told.call {
            self.ensure(call.signer == account, "wrong-sender", || {
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

    /// What was signed was valid strictly before that time.
    pub fn in_time(&mut self, until: Timestamp, what: impl Display) {
        let now = self.now();
        self.ensure(now < until, "expired", || {
            format!("{what} was valid until {until}, used at {now}")
        });
    }

    /// Something that is permitted strictly before its deadline.
    pub fn before(&mut self, deadline: Timestamp, what: impl Display) {
        let now = self.now();
        self.ensure(now < deadline, "too-late", || {
            format!("{what} at {now}, but the time for it was over at {deadline}")
        });
    }

    /// Something that is permitted at or after a time.
    pub fn not_before(&mut self, start: Timestamp, what: impl Display) {
        let now = self.now();
        self.ensure(now >= start, "too-early", || {
            format!("{what} at {now}, but the time for it comes at {start}")
        });
    }

    /// Something that a rule forbids was done all the same.
    pub fn forbid(&mut self, is_forbidden: bool, code: &str, what: impl Display, rule: impl Display) {
        self.ensure(!is_forbidden, code, || format!("{what}: it was done, and {rule}"));
    }

    /// A value that the event tells, and what it should be.
    pub fn expect<T: PartialEq + Display>(&mut self, what: impl Display, told: T, expected: T) {
        self.ensure(told == expected, "wrong-value", || {
            format!("{what}: {told} is told, {expected} follows")
        });
    }

    /// An amount that is more than nothing.
    pub fn not_zero(&mut self, amount: Amount, what: impl Display) {
        self.ensure(amount > 0, "zero-amount", || format!("{what} is 0"));
    }

    /// The event names something that nothing before made.
    pub fn unknown(&mut self, what: impl Display) {
        self.find(
            "unknown",
            format!("{} names {what}, which never came to be", self.told.event),
        );
    }

    /// What the contract was made with is this chain, and the registry that signatures are verified by.
    pub fn at_home(&mut self, genesis: [u8; 32], registry: AccountId) {
        self.ensure(genesis == self.place.genesis, "other-chain", || {
            "it was made for another chain: nothing that is signed here is valid there".to_owned()
        });
        self.ensure(registry == self.place.registry, "other-registry", || {
            format!("it asks another registry: {}", to_ss58(&registry))
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
