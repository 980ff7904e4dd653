//! An auditor rebuilds what the contract keeps from its events alone.
use protocol::{
    reconciliation::{BatchId, Closed, Correction, Error},
    Member,
};
use quittance_tests::reconciliation::{
    entries, entry, terms, told::Told, trade, Office, BOOK, CLIENT, CREDIT, DEBIT, PATIENCE, STRANGER, TODAY, YESTERDAY,
};
use scale::{Decode, Encode};

/// The contract, and what its events told so far.
struct Audit {
    office: Office,
    told: Told,
}

impl Audit {
    /// Sends what must be done, and reads its events.
    #[track_caller]
    fn done<T: Decode + std::fmt::Debug>(&mut self, by: Member, message: &str, args: impl Encode, count: usize) -> T {
        let called = self.office.try_send::<Result<T, Error>>(by, message, args, 0).unwrap();
        let output = called.output.unwrap();
        assert_eq!(called.events.len(), count, "{message} must tell so often");
        for event in &called.events {
            self.told.read(event).unwrap();
        }
        self.told.agree(&mut self.office).unwrap();
        output
    }
}

#[test]
fn the_whole_state_follows_from_the_events() {
    let mut audit = Audit {
        office: Office::new(),
        told: Told::default(),
    };
    for number in 0..2 {
        let args = audit.office.signed_terms(&terms(number));
        let _book: protocol::reconciliation::BookId = audit.done(STRANGER, "open_book", args, 1);
    }
    let batch = Some(BatchId::of("evening"));
    audit.done::<()>(CLIENT, "record", (BOOK, YESTERDAY, batch, entries(5)), 1);
    let more = vec![entry(8, 7), entry(9, 8)];
    audit.done::<()>(CLIENT, "record", (BOOK, TODAY, None::<BatchId>, more), 1);

    // One becomes less, one nothing, one never was, one is new, one only in the books.
    let corrections: Vec<_> = [(0, 900), (1, 0), (20, 0), (21, 70), (2, 1_000)]
        .map(|(number, amount)| Correction {
            day: YESTERDAY,
            ..audit.office.correction(trade(number), amount)
        })
        .map(|correction| audit.office.signed(correction))
        .into();
    audit.done::<()>(STRANGER, "correct", (BOOK, corrections), 5);
    let closing = audit.office.closing(YESTERDAY);
    let args = audit.office.signed_closing(closing, &[DEBIT, CREDIT]);
    let closed: Closed = audit.done(STRANGER, "close_day", args, 1);
    assert_eq!(closed.payable, 900 + 1_000 * 3 + 70);

    // Late: more is taken back than today brings.
    let late: Vec<_> = [3, 4]
        .map(|number| audit.office.correction(trade(number), 0))
        .map(|correction| audit.office.signed(correction))
        .into();
    audit.done::<()>(STRANGER, "correct", (BOOK, late), 2);
    audit.office.chain.set_time(TODAY.ends_everywhere() + PATIENCE);
    let closing = audit.office.closing(TODAY);
    let args = audit.office.signed_closing(closing, &[CREDIT]);
    let closed: Closed = audit.done(CREDIT, "close_day", args, 1);
    assert_eq!(
        (closed.payable, closed.carried, closed.is_default),
        (0, 15 - 2_000, true)
    );
    assert_eq!(audit.told.entries.len(), 9);
}

#[test]
fn a_refusal_tells_nothing() {
    let mut office = Office::default();
    let args = (BOOK, YESTERDAY, None::<BatchId>, vec![entry(1, 1), entry(1, 1)]);
    let called = office.try_send::<Result<(), Error>>(CLIENT, "record", args, 0).unwrap();
    assert_eq!(called.output, Err(Error::TradeExists(trade(1))));
    assert!(called.events.is_empty());
}

#[test]
fn what_is_told_of_a_correction_says_what_there_was_before() {
    let mut office = Office::default();
    office.record(YESTERDAY, &entries(1)).unwrap();
    let told = Told::default();
    for (number, before) in [(0, Some(1_000)), (7, None)] {
        let correction = Correction {
            day: YESTERDAY,
            ..office.correction(trade(number), 5)
        };
        let args = (BOOK, vec![office.signed(correction.clone())]);
        let called = office
            .try_send::<Result<(), Error>>(STRANGER, "correct", args, 0)
            .unwrap();
        let expected = quittance::reconciliation::ports::Event::Corrected {
            book: BOOK,
            before,
            correction,
        };
        assert_eq!(told.event(&called.events[0]), Ok(expected));
    }
}
