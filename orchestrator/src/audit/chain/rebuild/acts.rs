//! What an event tells, held against what was asked of the contract, against the rules, and against what its signers signed.
use std::fmt::Display;

use protocol::{registry::Signer, AccountId, Amount, Member, Timestamp};
use scale::Decode;

use super::{registry, scene::Scene};
use crate::{
    audit::chain::{tables::TablesError, Call},
    chain::deployment::to_ss58,
};

/// The note that it was told.
const NEVER_MADE: &str = "never-made";

impl Scene<'_> {
    /// The block's time.
    pub(super) const fn now(&self) -> Timestamp {
        self.told.block.time
    }

    /// Something that a rule forbids was done all the same.
    pub(super) fn forbid(&mut self, is_forbidden: bool, what: impl Display, rule: impl Display) {
        if is_forbidden {
            self.find("broken-rule", format!("{what}: it was done, and {rule}"));
        }
    }

    /// A value that the event tells, and what it should be.
    pub(super) fn expect<T: PartialEq + Display>(&mut self, what: impl Display, told: T, expected: T) {
        if told != expected {
            self.find("wrong-value", format!("{what}: {told} is told, {expected} follows"));
        }
    }

    /// The event names something that nothing before made.
    pub(super) fn unknown(&mut self, what: impl Display) {
        self.find(
            "unknown",
            format!("{} names {what}, which never came to be", self.told.event),
        );
    }

    /// What this message was called with, if that was it. Arguments that can't be read are a finding.
    pub(super) fn ordered<T: Decode>(&mut self, message: &str) -> Option<T> {
        let call = self.told.call.filter(|call| call.message == message)?;
        let arguments = T::decode(&mut call.arguments.as_slice());
        arguments
            .map_err(|error| self.find("unreadable-call", format!("the arguments of {message}: {error}")))
            .ok()
    }

    /// Whether the transaction asked for what was told, with arguments that begin like this (`None`: no such message leads
    /// to it), and with so much of the native token sent along.
    pub(super) fn follows(&mut self, call: &Call, arguments: Option<&[u8]>, due: Amount) {
        let message = &call.message;
        if !arguments.is_some_and(|arguments| call.arguments.starts_with(arguments)) {
            let detail = format!("{} doesn't follow from what was asked: {message}", self.told.event);
            self.find("other-call", detail);
        }
        if call.value != due {
            self.find(
                "wrong-sum",
                format!("{message}: {} was sent along, and {due} due", call.value),
            );
        }
    }

    /// What the contract was made with is this chain, and the registry that signatures are verified by.
    pub(super) fn at_home(&mut self, genesis: [u8; 32], registry: AccountId) {
        if genesis != self.place.genesis {
            self.find(
                "other-chain",
                "it was made for another chain: nothing that is signed here is valid there",
            );
        }
        if registry != self.place.registry {
            self.find(
                "other-registry",
                format!("it asks another registry: {}", to_ss58(&registry)),
            );
        }
    }

    /// What the contract was made with can't be seen, or it never was made: nothing of it is rebuilt. Told once.
    pub(super) fn never_made(&mut self) -> Result<(), TablesError> {
        if self.kept().note::<()>(NEVER_MADE, &())?.is_none() {
            self.kept().put_note(NEVER_MADE, &(), &())?;
            self.find(
                "never-made",
                "what it was made with can't be seen: nothing of it is rebuilt",
            );
        }
        Ok(())
    }

    /// The registry's epoch when the contract acted.
    pub(super) fn epoch(&mut self) -> Result<u32, TablesError> {
        registry::epoch_at(self.place, self.tables, self.told.block.number, self.told.index)
    }

    /// An institution, as the registry had it when the contract acted.
    pub(super) fn signer(&mut self, member: Member) -> Result<Option<Signer>, TablesError> {
        let epoch = self.epoch()?;
        let set = registry::signers(self.place, self.tables, epoch, &[member])?;
        Ok(set.and_then(|set| set.signers.into_iter().next().flatten()))
    }
}
