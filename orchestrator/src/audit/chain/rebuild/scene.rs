//! One event with everything that an audit of it needs, how it is read, and the places where a contract keeps things.
use std::marker::PhantomData;

use protocol::{Key, KeyComposer};
use scale::{Decode, Encode};

use crate::{
    audit::chain::{
        findings::Findings,
        tables::{Kept, Tables, TablesError},
        Call, Place, Told,
    },
    chain::ChainError,
};

/// The note that it was told.
const NEVER_MADE: Notes<(), ()> = Notes::named("never-made");

/// An event, where it happened, and what is known by then.
pub struct Scene<'a> {
    /// The contract's: `clearing`, `prepaid_4`…
    pub name: &'a str,
    /// The event.
    pub told: &'a Told<'a>,
    /// The chain.
    pub place: &'a Place,
    /// What contracts should keep.
    pub tables: &'a mut Tables,
    /// What is wrong.
    pub findings: &'a mut Findings,
}

impl Scene<'_> {
    /// What the contract that tells should keep.
    pub fn kept(&mut self) -> Kept<'_> {
        self.tables.of(self.told.contract)
    }

    /// Something is wrong with the event.
    pub fn find(&mut self, code: &str, detail: impl Into<String>) {
        self.findings.event(code, self.name, self.told, detail);
    }

    /// Something is wrong with the event unless `is_so`; whether it is.
    pub fn ensure(&mut self, is_so: bool, code: &str, detail: impl FnOnce() -> String) -> bool {
        if !is_so {
            self.find(code, detail());
        }
        is_so
    }

    /// An id or digest was made anew: `is_same` whether it came to what the event says.
    pub fn digest(&mut self, is_same: bool, what: impl FnOnce() -> String) {
        self.findings.digest(self.name, self.told, is_same, what);
    }

    /// What the contract was made with, where nothing of it can be rebuilt otherwise. That it can't be seen is told once.
    ///
    /// # Errors
    /// The work file is broken.
    pub fn made_with<T: Decode>(&mut self) -> Result<Option<T>, TablesError> {
        let asked = self.arguments("new");
        if asked.is_none() {
            self.never_made()?;
        }
        Ok(asked)
    }

    /// The contract's own struct so far. That there is none is told once: nothing of the contract is rebuilt then.
    ///
    /// # Errors
    /// The work file is broken.
    pub fn head<T: Decode>(&mut self) -> Result<Option<T>, TablesError> {
        let head = self.kept().head()?;
        if head.is_none() {
            self.never_made()?;
        }
        Ok(head)
    }

    fn never_made(&mut self) -> Result<(), TablesError> {
        if NEVER_MADE.get(&self.kept(), &())?.is_none() {
            NEVER_MADE.put(&mut self.kept(), &(), &())?;
            self.find(
                "never-made",
                "what it was made with can't be seen: nothing of it is rebuilt",
            );
        }
        Ok(())
    }

    /// The contract's rules don't have this event.
    pub fn unknown_event(&mut self) {
        self.find("unknown-event", format!("the contract tells no {}", self.told.event));
    }

    /// The event as one of these kinds, by who reads them elsewhere, too. What it isn't, or doesn't decode, is a finding.
    pub fn event<K: Copy, E>(
        &mut self,
        kinds: &[(&str, K)],
        read: impl FnOnce(K, &[u8]) -> Result<E, ChainError>,
    ) -> Option<E> {
        let told = self.told;
        let Some((_, kind)) = kinds.iter().find(|(name, _)| *name == told.event) else {
            self.unknown_event();
            return None;
        };
        match read(*kind, told.fields) {
            Ok(event) => Some(event),
            Err(error) => {
                self.find("unreadable-event", format!("{}: {error}", told.event));
                None
            }
        }
    }

    /// The event's fields. What doesn't decode is a finding.
    pub fn fields<T: Decode>(&mut self) -> Option<T> {
        let told = self.told;
        let fields = all::<T>(told.fields);
        self.ensure(fields.is_some(), "unreadable-event", || {
            format!("the fields of {} aren't what the contract tells", told.event)
        });
        fields
    }

    /// Goes on with the event's fields. Nothing follows from what doesn't decode.
    ///
    /// # Errors
    /// What `act` gives.
    pub fn on<T: Decode>(
        &mut self,
        act: impl FnOnce(&mut Self, T) -> Result<(), TablesError>,
    ) -> Result<(), TablesError> {
        match self.fields() {
            Some(fields) => act(self, fields),
            None => Ok(()),
        }
    }

    /// The arguments of the message that led to the event. A message that can't have is a finding; where the call isn't
    /// seen, that is counted.
    pub fn arguments<T: Decode>(&mut self, message: &str) -> Option<T> {
        let told = self.told;
        let Some(call) = told.call else {
            self.findings.unseen();
            return None;
        };
        self.ensure(call.message == message, "other-message", || {
            format!("{} doesn't come of {}", told.event, call.message)
        });
        self.asked(message)
    }

    /// What this message was asked with, if it led to the event: whether it may have, is looked at elsewhere.
    pub fn asked<T: Decode>(&mut self, message: &str) -> Option<T> {
        let arguments = self.call_of(message)?.read();
        self.ensure(arguments.is_some(), "unreadable-call", || {
            format!("the arguments of {message} aren't what the contract takes")
        });
        arguments
    }

    /// The call, if it is of this message.
    pub fn call_of(&self, message: &str) -> Option<&Call> {
        self.told.call.filter(|call| call.message == message)
    }
}

/// A value and nothing more.
pub fn all<T: Decode>(mut bytes: &[u8]) -> Option<T> {
    T::decode(&mut bytes).ok().filter(|_| bytes.is_empty())
}

/// A mapping of the contract's storage.
pub struct Mapping<K, V> {
    root: Key,
    types: PhantomData<fn(K) -> V>,
}

impl<K: Encode, V: Encode + Decode> Mapping<K, V> {
    /// The one that the contract's source calls so: `Clearing::balances`.
    pub const fn named(name: &str) -> Self {
        Self {
            root: KeyComposer::from_str(name),
            types: PhantomData,
        }
    }

    /// The value under a key.
    ///
    /// # Errors
    /// The work file is broken.
    pub fn get(&self, scene: &mut Scene<'_>, key: &K) -> Result<Option<V>, TablesError> {
        self.within(&scene.kept(), key)
    }

    /// The value under a key of a contract's tables, where nothing is told.
    ///
    /// # Errors
    /// The work file is broken.
    pub fn within(&self, kept: &Kept<'_>, key: &K) -> Result<Option<V>, TablesError> {
        kept.get(self.root, key)
    }

    /// The value under a key, or what the contract takes where there is none.
    ///
    /// # Errors
    /// The work file is broken.
    pub fn or_default(&self, scene: &mut Scene<'_>, key: &K) -> Result<V, TablesError>
    where
        V: Default,
    {
        Ok(self.get(scene, key)?.unwrap_or_default())
    }

    /// Keeps a value.
    ///
    /// # Errors
    /// The work file can't be written.
    pub fn put(&self, scene: &mut Scene<'_>, key: &K, value: &V) -> Result<(), TablesError> {
        scene.kept().put(self.root, key, value)
    }

    /// Keeps a value no more.
    ///
    /// # Errors
    /// The work file can't be written.
    pub fn remove(&self, scene: &mut Scene<'_>, key: &K) -> Result<(), TablesError> {
        scene.kept().remove(self.root, key)
    }

    /// Every value, one after the other.
    ///
    /// # Errors
    /// The work file is broken.
    pub fn each(&self, kept: &Kept<'_>, mut look: impl FnMut(K, V)) -> Result<(), TablesError>
    where
        K: Decode,
    {
        kept.each(self.root, &mut look)
    }
}

/// Notes of the audit's own: never compared with storage.
pub struct Notes<K, V> {
    name: &'static str,
    types: PhantomData<fn(K) -> V>,
}

impl<K: Encode, V: Encode + Decode> Notes<K, V> {
    /// Those of this name.
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            types: PhantomData,
        }
    }

    /// The note under a key.
    ///
    /// # Errors
    /// The work file is broken.
    pub fn get(&self, kept: &Kept<'_>, key: &K) -> Result<Option<V>, TablesError> {
        kept.note(self.name, key)
    }

    /// Keeps a note.
    ///
    /// # Errors
    /// The work file can't be written.
    pub fn put(&self, kept: &mut Kept<'_>, key: &K, value: &V) -> Result<(), TablesError> {
        kept.put_note(self.name, key, value)
    }

    /// Keeps a note no more.
    ///
    /// # Errors
    /// The work file can't be written.
    pub fn remove(&self, kept: &mut Kept<'_>, key: &K) -> Result<(), TablesError> {
        kept.remove_note(self.name, key)
    }

    /// Every note, one after the other.
    ///
    /// # Errors
    /// The work file is broken.
    pub fn each(&self, kept: &Kept<'_>, mut look: impl FnMut(K, V)) -> Result<(), TablesError>
    where
        K: Decode,
    {
        kept.each_note(self.name, &mut look)
    }
}
