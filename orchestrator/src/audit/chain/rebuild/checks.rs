//! What an event says, held against the call that led to it (who sent what, with how much money), the clock and keys.
use protocol::{
    settlement::Asset, signing::PAYLOAD_LENGTH, text::to_hex, AccountId, Amount, Signature, Timestamp,
};
use scale::{Decode, DecodeAll as _, Encode};

use crate::{
    audit::chain::{findings::Findings, Call, Told},
    identity::verify,
};

/// One event of one contract, and where to say what is wrong with it.
pub struct Checks<'a> {
    name: &'a str,
    /// The event.
    pub told: &'a Told<'a>,
    findings: &'a mut Findings,
}

impl<'a> Checks<'a> {
    /// For an event of the contract that is called `name`.
    pub fn new(name: &'a str, told: &'a Told<'a>, findings: &'a mut Findings) -> Self {
        Self { name, told, findings }
    }

    /// The block's time.
    pub const fn now(&self) -> Timestamp {
        self.told.block.time
    }

    /// Says what contradicts the rules.
    pub fn wrong(&mut self, code: &str, detail: impl Into<String>) {
        self.findings.event(code, self.name, self.told, detail);
    }

    /// Says it, unless `is_so`.
    pub fn ensure(&mut self, is_so: bool, code: &str, detail: impl FnOnce() -> String) {
        if !is_so {
            self.wrong(code, detail());
        }
    }

    /// The event's fields, or a finding.
    pub fn fields<V: Decode>(&mut self) -> Option<V> {
        let fields = V::decode_all(&mut &*self.told.fields);
        fields
            .map_err(|why| self.wrong("bad-event", format!("the fields of {} can't be read: {why}", self.told.event)))
            .ok()
    }

    /// An event that this contract has not.
    pub fn unknown_event(&mut self) {
        self.wrong("bad-event", format!("no event is called {}", self.told.event));
    }

    /// The call that the event tells of, if it can be seen: this message, with so much of the native token. Another one
    /// is a finding.
    pub fn call(&mut self, message: &str, value: Amount) -> Option<&'a Call> {
        let Some(call) = self.told.call else {
            self.findings.unseen();
            return None;
        };
        if call.message != message {
            let (event, sent) = (self.told.event, &call.message);
            self.wrong("wrong-call", format!("{event} comes of the message {message}, not of {sent}"));
            return None;
        }
        self.ensure(call.value == value, "wrong-value", || {
            format!("{message} takes {value} of the native token, {} came with it", call.value)
        });
        Some(call)
    }

    /// The same, with exactly these arguments: what the event says names them all.
    pub fn exact_call(&mut self, message: &str, arguments: &impl Encode, value: Amount) -> Option<&'a Call> {
        let call = self.call(message, value)?;
        let event = self.told.event;
        self.ensure(call.arguments == arguments.encode(), "wrong-call", || {
            format!("{event} tells something else than {message} was asked for")
        });
        Some(call)
    }

    /// The same, with its arguments, where the event doesn't name them.
    pub fn arguments<V: Decode>(&mut self, message: &str, value: Amount) -> Option<(&'a Call, V)> {
        let call = self.call(message, value)?;
        let arguments = V::decode_all(&mut call.arguments.as_slice());
        arguments
            .map_err(|why| self.wrong("wrong-call", format!("the arguments of {message} can't be read: {why}")))
            .ok()
            .map(|arguments| (call, arguments))
    }

    /// Who sent the call. Nothing is said where that can't be seen.
    pub fn sent_by(&mut self, call: Option<&Call>, account: AccountId, part: &str) {
        let Some(call) = call else { return };
        self.ensure(call.signer == account, "wrong-caller", || {
            let (signer, account) = (to_hex(&call.signer.0), to_hex(&account.0));
            format!("{} was sent by {signer}; {part} is {account}", call.message)
        });
    }

    /// An id or digest that was made anew.
    pub fn digest(&mut self, is_same: bool, what: impl FnOnce() -> String) {
        self.findings.digest(self.name, self.told, is_same, what);
    }

    /// A signature by a key that isn't in the registry.
    pub fn signed(
        &mut self,
        key: &[u8; 32],
        payload: &[u8; PAYLOAD_LENGTH],
        signature: &Signature,
        what: impl FnOnce() -> String,
    ) {
        let is_good = verify(key, payload, signature);
        self.findings.signature(self.name, self.told, is_good, what);
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
