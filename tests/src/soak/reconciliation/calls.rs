//! Calls, as they are sent.
use protocol::{
    reconciliation::{BatchId, BookId, Closing, Correction, Day, Entry, Error, SignedCorrection, Terms},
    Member, Signature, TradeId,
};

use crate::{
    contract_chain::{Called, Emitted, Fault},
    reconciliation::Office,
};

/// A message with all that it needs.
#[derive(Clone, Debug)]
pub enum Call {
    OpenBook {
        terms: Terms,
        epoch: u32,
        expires_at: u64,
        debit: Signed,
        credit: Signed,
    },
    Record(BookId, Day, Option<BatchId>, Vec<Entry>),
    Correct(BookId, Vec<Brought>),
    CloseDay {
        closing: Closing,
        epoch: u32,
        debit: Option<Signed>,
        credit: Option<Signed>,
    },
}

/// A signature, and whether it is the right side's under exactly this, here and now.
#[derive(Clone, Copy, Debug)]
pub struct Signed {
    pub signature: Signature,
    pub is_genuine: bool,
}

#[derive(Clone, Debug)]
pub struct Brought {
    pub correction: Correction,
    pub epoch: u32,
    pub debit: Signed,
    pub credit: Signed,
}

#[derive(Clone, Debug)]
pub struct Sent {
    pub call: Call,
    pub by: Member,
    /// Native tokens sent along.
    pub value: u128,
    pub now: u64,
}

/// What a call came to. What refused it, contract or chain, doesn't matter.
#[derive(Default)]
pub struct Answer {
    pub is_done: bool,
    pub events: Vec<Emitted>,
}

impl Sent {
    pub fn answer(&self, office: &mut Office) -> Answer {
        let (by, message, value) = (self.by, self.call.message(), self.value);
        // What is answered beside that it is done is read elsewhere.
        let answer: Result<Called<Result<(), Error>>, Fault> = match &self.call {
            Call::OpenBook {
                terms,
                epoch,
                expires_at,
                debit,
                credit,
            } => {
                let args = (terms, epoch, expires_at, debit.signature, credit.signature);
                office.try_send(by, message, args, value)
            }
            Call::Record(book, day, batch, entries) => office.try_send(by, message, (book, day, batch, entries), value),
            Call::Correct(book, brought) => {
                let signed: Vec<SignedCorrection> = brought.iter().map(Brought::signed).collect();
                office.try_send(by, message, (book, signed), value)
            }
            Call::CloseDay {
                closing,
                epoch,
                debit,
                credit,
            } => {
                let [debit, credit] = [debit, credit].map(|side| side.map(|side| side.signature));
                office.try_send(by, message, (closing, epoch, debit, credit), value)
            }
        };
        match answer {
            Ok(called) if called.output.is_ok() => Answer {
                is_done: true,
                events: called.events,
            },
            _ => Answer::default(),
        }
    }
}

impl Brought {
    fn signed(&self) -> SignedCorrection {
        SignedCorrection {
            correction: self.correction.clone(),
            epoch: self.epoch,
            debit: self.debit.signature,
            credit: self.credit.signature,
        }
    }
}

impl Call {
    pub const fn message(&self) -> &'static str {
        match self {
            Self::OpenBook { .. } => "open_book",
            Self::Record(..) => "record",
            Self::Correct(..) => "correct",
            Self::CloseDay { .. } => "close_day",
        }
    }

    /// The book that it is about, if there is one yet.
    pub const fn book(&self) -> Option<BookId> {
        match self {
            Self::OpenBook { .. } => None,
            Self::Record(book, ..) | Self::Correct(book, _) => Some(*book),
            Self::CloseDay { closing, .. } => Some(closing.book),
        }
    }

    /// The entries that it is about.
    pub fn trades(&self) -> Vec<TradeId> {
        match self {
            Self::Record(.., entries) => entries.iter().map(|entry| entry.trade).collect(),
            Self::Correct(_, brought) => brought.iter().map(|brought| brought.correction.trade).collect(),
            Self::OpenBook { .. } | Self::CloseDay { .. } => Vec::new(),
        }
    }

    /// The days that it is about.
    pub fn days(&self) -> Vec<Day> {
        match self {
            Self::Record(_, day, ..) => vec![*day],
            Self::Correct(_, brought) => brought.iter().map(|brought| brought.correction.day).collect(),
            Self::CloseDay { closing, .. } => vec![closing.day],
            Self::OpenBook { .. } => Vec::new(),
        }
    }
}
