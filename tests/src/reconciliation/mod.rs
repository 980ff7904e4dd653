//! The books of two institutions: the contract, a client who records in them, and both sides, who sign.
pub mod ledger;
pub mod told;
mod views;

use protocol::{
    reconciliation::{
        domain, BatchId, BookId, Cause, Closed, Closing, Correction, Day, Entry, Error, Kind, Side, SignedCorrection,
        Terms, DAY,
    },
    registry::{Change, Error as RegistryError, Roles, Status},
    settlement::Asset,
    signing::Domain,
    AccountId, Amount, Member, PayerId, Signature, TradeId,
};
use scale::{Decode, Encode};
use sp_core::Pair as _;

use crate::{
    contract_chain::{Called, Chain, Fault, RootKey, GENESIS, START},
    institutions::{account, governor, governors_sign, key, registration, sign},
};

pub const CLIENT: Member = Member(0);
/// Owes: the finance company.
pub const DEBIT: Member = Member(1);
/// Is owed: the bank.
pub const CREDIT: Member = Member(2);
/// In the registry, and of no book.
pub const STRANGER: Member = Member(3);
pub const MEMBERS: [Member; 4] = [CLIENT, DEBIT, CREDIT, STRANGER];

/// The book that every office has.
pub const BOOK: BookId = BookId(0);
/// The day on which the chain starts, at 08:00 UTC.
pub const TODAY: Day = Day(20_833);
const _: () = assert!(TODAY.0 as u64 == START / DAY);
pub const YESTERDAY: Day = Day(TODAY.0 - 1);
pub const DAY_BEFORE: Day = Day(TODAY.0 - 2);
pub const TOMORROW: Day = Day(TODAY.0 + 1);
/// How long one side waits for the other.
pub const PATIENCE: u64 = 2 * DAY;
/// When everything that the tests sign expires.
pub const EXPIRY: u64 = START + 100 * DAY;
pub const AMOUNT: Amount = 1_000;
pub const EVIDENCE: [u8; 32] = [5; 32];
pub const DEBIT_BOOK: [u8; 32] = [6; 32];
pub const CREDIT_BOOK: [u8; 32] = [7; 32];

/// One chain with the contract.
pub struct Office {
    pub chain: Chain,
    pub registry: AccountId,
    pub reconciliation: AccountId,
    /// The registry's.
    pub epoch: u32,
    committed_epoch: u32,
    keys: Keys,
}

/// Where the contract keeps what.
#[derive(Clone, Copy)]
struct Keys {
    books: RootKey,
    terms: RootKey,
    entries: RootKey,
    days: RootKey,
}

impl Default for Office {
    /// With one book in which nothing stands.
    fn default() -> Self {
        let mut office = Self::new();
        assert_eq!(office.open(&terms(0)), Ok(BOOK));
        office
    }
}

impl Office {
    /// Nothing but the contract, and four institutions.
    pub fn new() -> Self {
        let mut chain = Chain::new(&MEMBERS.map(account));
        let governors: Vec<[u8; 32]> = (0..2).map(|place| governor(place).public().0).collect();
        let registry = chain
            .instantiate::<RegistryError>("registry", (GENESIS, governors, 2u16, 1u16))
            .unwrap();
        let reconciliation = chain
            .instantiate::<Error>("reconciliation", (GENESIS, registry))
            .unwrap();
        let key = |mapping| RootKey::of("reconciliation", mapping);
        let mut office = Self {
            chain,
            registry,
            reconciliation,
            epoch: 0,
            committed_epoch: 0,
            keys: Keys {
                books: key("books"),
                terms: key("terms"),
                entries: key("entries"),
                days: key("days"),
            },
        };
        for member in MEMBERS {
            office.govern(registration(member, Roles::PARTICIPANT));
        }
        office
    }

    /// Changes the registry.
    pub fn govern(&mut self, change: Change) {
        let domain = Domain {
            genesis: GENESIS,
            contract: self.registry,
            epoch: self.epoch,
        };
        let never = u64::MAX;
        let signatures = governors_sign(&domain, &change, never);
        let args = (change, never, signatures);
        let applied: Called<Result<(), RegistryError>> =
            self.chain.call(account(STRANGER), self.registry, "apply", args, 0);
        applied.output.unwrap();
        self.epoch += 1;
    }

    pub fn set_status(&mut self, member: Member, status: Status) {
        self.govern(Change::SetStatus { member, status });
    }

    /// Makes the present state the one that [`Self::roll_back`] goes back to.
    pub fn commit(&mut self) {
        self.chain.commit();
        self.committed_epoch = self.epoch;
    }

    pub fn roll_back(&mut self) {
        self.chain.roll_back();
        self.epoch = self.committed_epoch;
    }

    /// Sends the contract a message that must come to an answer.
    pub fn send<T: Decode>(&mut self, by: Member, message: &str, args: impl Encode) -> T {
        self.try_send(by, message, args, 0).unwrap().output
    }

    pub fn try_send<T: Decode>(
        &mut self,
        by: Member,
        message: &str,
        args: impl Encode,
        value: u128,
    ) -> Result<Called<T>, Fault> {
        self.chain
            .try_call(account(by), self.reconciliation, message, args, value)
    }

    /// Where what both sides sign is valid.
    pub fn domain(&self) -> Domain {
        domain(GENESIS, self.reconciliation, self.epoch)
    }

    /// What opens a book with both sides' signatures: the message's arguments.
    pub fn signed_terms(&self, terms: &Terms) -> (Terms, u32, u64, Signature, Signature) {
        let payload = terms.payload(&self.domain(), EXPIRY);
        let [debit, credit] = [terms.debit, terms.credit].map(|side| sign(&key(side), &payload));
        (terms.clone(), self.epoch, EXPIRY, debit, credit)
    }

    pub fn open(&mut self, terms: &Terms) -> Result<BookId, Error> {
        let args = self.signed_terms(terms);
        self.send(STRANGER, "open_book", args)
    }

    /// The client records in the book.
    pub fn record(&mut self, day: Day, entries: &[Entry]) -> Result<(), Error> {
        self.record_batch(day, None, entries)
    }

    pub fn record_batch(&mut self, day: Day, batch: Option<BatchId>, entries: &[Entry]) -> Result<(), Error> {
        self.send(CLIENT, "record", (BOOK, day, batch, entries))
    }

    /// What makes an entry of the book come to this amount; on its own day, while that is open, else today.
    pub fn correction(&mut self, trade: TradeId, amount: Amount) -> Correction {
        let known = self.try_entry(BOOK, trade);
        let closed_through = self.book(BOOK).closed_through;
        let own = known
            .map(|known| known.day)
            .filter(|day| closed_through.is_none_or(|through| *day > through));
        Correction {
            book: BOOK,
            trade,
            number: known.map_or(0, |known| known.corrections),
            day: own.unwrap_or(TODAY),
            causes: vec![cause(Kind::Amount, Side::Credit)],
            debit: Some(AMOUNT),
            credit: Some(AMOUNT + 1),
            amount,
            payer: known.map_or(PayerId([9; 32]), |known| known.payer),
            time: known.map_or(START, |known| known.time),
            evidence: EVIDENCE,
            expires_at: EXPIRY,
        }
    }

    /// As both sides sign it.
    pub fn signed(&self, correction: Correction) -> SignedCorrection {
        self.signed_by(correction, DEBIT, CREDIT)
    }

    pub fn signed_by(&self, correction: Correction, debit: Member, credit: Member) -> SignedCorrection {
        let payload = correction.payload(&self.domain());
        SignedCorrection {
            correction,
            epoch: self.epoch,
            debit: sign(&key(debit), &payload),
            credit: sign(&key(credit), &payload),
        }
    }

    /// An entry comes to this amount.
    pub fn correct(&mut self, trade: TradeId, amount: Amount) -> Result<(), Error> {
        let correction = self.correction(trade, amount);
        let signed = self.signed(correction);
        self.send(STRANGER, "correct", (BOOK, vec![signed]))
    }

    /// What closes a day of the book as it stands.
    pub fn closing(&mut self, day: Day) -> Closing {
        let record = self.day(BOOK, day);
        Closing {
            book: BOOK,
            day,
            matched: record.entries,
            breaks: record.corrections,
            total: record.total,
            debit_book: DEBIT_BOOK,
            credit_book: CREDIT_BOOK,
            expires_at: EXPIRY,
        }
    }

    /// With these sides' signatures: the message's arguments.
    pub fn signed_closing(
        &self,
        closing: Closing,
        by: &[Member],
    ) -> (Closing, u32, Option<Signature>, Option<Signature>) {
        let payload = closing.payload(&self.domain());
        let [debit, credit] = [DEBIT, CREDIT].map(|side| by.contains(&side).then(|| sign(&key(side), &payload)));
        (closing, self.epoch, debit, credit)
    }

    /// Both sides close a day of the book as it stands.
    pub fn close(&mut self, day: Day) -> Result<Closed, Error> {
        let closing = self.closing(day);
        let args = self.signed_closing(closing, &[DEBIT, CREDIT]);
        self.send(STRANGER, "close_day", args)
    }
}

/// Of books that differ in their number.
pub fn terms(number: u32) -> Terms {
    Terms {
        client: CLIENT,
        debit: DEBIT,
        credit: CREDIT,
        asset: Asset::Native,
        zone: b"Europe/Berlin".to_vec(),
        patience: PATIENCE,
        number,
    }
}

/// What a customer paid.
pub fn entry(number: u32, amount: Amount) -> Entry {
    Entry {
        trade: trade(number),
        payer: PayerId::of(&format!("customer {number}")),
        amount,
        time: START - u64::from(number),
    }
}

/// So many of them.
pub fn entries(count: usize) -> Vec<Entry> {
    (0..).take(count).map(|number| entry(number, AMOUNT)).collect()
}

pub fn trade(number: u32) -> TradeId {
    TradeId::of(&format!("payment {number}"))
}

pub const fn cause(kind: Kind, side: Side) -> Cause {
    Cause { kind, side }
}
