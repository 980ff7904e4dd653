//! An event under audit, what is kept so far, and where findings go: what the rebuilding of a contract works with.
use std::fmt::Display;

use protocol::{registry::Signer, AccountId, Amount, Member, Signature, Timestamp};
use scale::Decode;

use super::registry;
use crate::{
    audit::chain::{
        findings::Findings,
        tables::{Kept, Tables, TablesError},
        Call, Place, Told,
    },
    chain::deployment::to_ss58,
    identity::verify,
};

/// An event under audit.
pub(super) struct Case<'a> {
    /// What the contract is called.
    pub(super) name: &'a str,
    /// The event.
    pub(super) told: &'a Told<'a>,
    /// What all events of the chain have in common.
    pub(super) place: &'a Place,
    /// What is kept so far.
    pub(super) tables: &'a mut Tables,
    /// Where findings go.
    pub(super) findings: &'a mut Findings,
}

impl<'a> Case<'a> {
    /// What the contract keeps.
    pub(super) fn kept(&mut self) -> Kept<'_> {
        self.tables.of(self.told.contract)
    }

    /// The block's time.
    pub(super) const fn now(&self) -> Timestamp {
        self.told.block.time
    }

    /// Something isn't as it should be.
    pub(super) fn found(&mut self, code: &str, detail: impl Into<String>) {
        self.findings.event(code, self.name, self.told, detail);
    }

    /// Something that a rule forbids was done all the same.
    pub(super) fn forbid(&mut self, is_forbidden: bool, what: impl Display, rule: impl Display) {
        if is_forbidden {
            self.found("broken-rule", format!("{what}: it was done, and {rule}"));
        }
    }

    /// A value that the event tells, and what it should be.
    pub(super) fn expect<T: PartialEq + Display>(&mut self, what: impl Display, told: T, expected: T) {
        if told != expected {
            self.found("wrong-value", format!("{what}: {told} is told, {expected} follows"));
        }
    }

    /// The event names something that nothing before made.
    pub(super) fn unknown(&mut self, what: impl Display) {
        self.found("unknown", format!("{} names {what}, which never came to be", self.told.event));
    }

    /// Something was signed.
    pub(super) fn signed(&mut self, key: &[u8; 32], payload: &[u8], signature: &Signature, what: impl Display) {
        let is_good = verify(key, payload, signature);
        self.findings.signature(self.name, self.told, is_good, || {
            format!("{what}: the signature isn't one by that key over what was to be signed")
        });
    }

    /// An id or digest was made anew.
    pub(super) fn digest(&mut self, is_same: bool, what: impl Display) {
        self.findings.digest(self.name, self.told, is_same, || {
            format!("{what}: it isn't the digest of what it is the id of")
        });
    }

    /// What this message was called with, if that can be seen. Arguments that can't be read are a finding.
    pub(super) fn arguments<T: Decode>(&mut self, message: &str) -> Option<T> {
        let call = self.told.call.filter(|call| call.message == message)?;
        let arguments = T::decode(&mut call.arguments.as_slice());
        arguments
            .map_err(|error| self.found("unreadable-call", format!("the arguments of {message}: {error}")))
            .ok()
    }

    /// What the transaction asked of the contract; counted as unseen, where another contract called.
    pub(super) fn call(&mut self) -> Option<&'a Call> {
        if self.told.call.is_none() {
            self.findings.unseen();
        }
        self.told.call
    }

    /// Whether the transaction asked for what was told, with arguments that begin like this; `None`: no such message leads
    /// to it.
    pub(super) fn follows(&mut self, call: &Call, arguments: Option<&[u8]>) {
        if !arguments.is_some_and(|arguments| call.arguments.starts_with(arguments)) {
            let detail = format!("{} doesn't follow from what was asked: {}", self.told.event, call.message);
            self.found("other-call", detail);
        }
    }

    /// What the contract was made with is this chain, and the registry that signatures are verified by.
    pub(super) fn at_home(&mut self, genesis: [u8; 32], registry: AccountId) {
        if genesis != self.place.genesis {
            self.found("other-chain", "it was made for another chain: nothing that is signed here is valid there");
        }
        if registry != self.place.registry {
            self.found("other-registry", format!("it asks another registry: {}", to_ss58(&registry)));
        }
    }

    /// What was sent along, and what was due.
    pub(super) fn sent(&mut self, call: &Call, due: Amount) {
        if call.value != due {
            let detail = format!("{}: {} was sent along, and {due} due", call.message, call.value);
            self.found("wrong-sum", detail);
        }
    }

    /// The registry's epoch when the contract acted.
    pub(super) fn epoch(&mut self) -> Result<u32, TablesError> {
        let Told { block, index, .. } = *self.told;
        registry::epoch_at(self.place, self.tables, block.number, index)
    }

    /// An institution, as the registry had it when the contract acted.
    pub(super) fn signer(&mut self, member: Member) -> Result<Option<Signer>, TablesError> {
        let epoch = self.epoch()?;
        let set = registry::signers(self.place, self.tables, epoch, &[member])?;
        Ok(set.and_then(|set| set.signers.into_iter().next().flatten()))
    }
}
