//! The events of the reconciliation contract, as it lays them out.
use super::{events::decode, ChainError};
use crate::reconciliation::ports::Event;

/// The events, as the contract names them. All of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    BookOpened,
    Recorded,
    Corrected,
    DayClosed,
}

pub(crate) const KINDS: [(&str, Kind); 4] = [
    ("BookOpened", Kind::BookOpened),
    ("Recorded", Kind::Recorded),
    ("Corrected", Kind::Corrected),
    ("DayClosed", Kind::DayClosed),
];

/// Reads an event's fields, in the contract's order.
pub(crate) fn event(kind: Kind, data: &[u8]) -> Result<Event, ChainError> {
    Ok(match kind {
        Kind::BookOpened => {
            let (book, terms) = decode(data)?;
            Event::BookOpened { book, terms }
        }
        Kind::Recorded => {
            let (book, day, batch, entries) = decode(data)?;
            Event::Recorded {
                book,
                day,
                batch,
                entries,
            }
        }
        Kind::Corrected => {
            let (book, before, correction) = decode(data)?;
            Event::Corrected {
                book,
                before,
                correction,
            }
        }
        Kind::DayClosed => {
            let (book, closing, closed) = decode(data)?;
            Event::DayClosed { book, closing, closed }
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use protocol::{
        ids::{PayerId, TradeId},
        reconciliation::{BatchId, BookId, Cause, Closed, Closing, Correction, Day, Entry, Kind as Break, Side, Terms},
        settlement::Asset,
        Member,
    };
    use scale::Encode;

    use super::*;

    const BOOK: BookId = BookId(3);
    const DAY: Day = Day(20_783);

    fn ensure_read(kind: Kind, data: &[u8], expected: &Event) {
        assert_eq!(event(kind, data).unwrap(), *expected);
        assert!(
            event(kind, &data[..data.len() - 1]).is_err(),
            "{kind:?} without its last byte"
        );
    }

    #[test]
    fn books_and_entries_are_read_as_the_contract_lays_them_out() {
        let terms = Terms {
            client: Member(3),
            debit: Member(1),
            credit: Member(2),
            asset: Asset::Native,
            zone: b"Europe/Berlin".to_vec(),
            patience: 4,
            number: 5,
        };
        let opened = Event::BookOpened {
            book: BOOK,
            terms: terms.clone(),
        };
        ensure_read(Kind::BookOpened, &(BOOK, terms).encode(), &opened);

        let entry = Entry {
            trade: TradeId([1; 32]),
            payer: PayerId([2; 32]),
            amount: 3,
            time: 4,
        };
        let batch = Some(BatchId([5; 32]));
        let entries = vec![entry, Entry { amount: 9, ..entry }];
        let recorded = Event::Recorded {
            book: BOOK,
            day: DAY,
            batch,
            entries: entries.clone(),
        };
        ensure_read(Kind::Recorded, &(BOOK, DAY, batch, entries).encode(), &recorded);
    }

    #[test]
    fn corrections_and_closings_are_read_as_the_contract_lays_them_out() {
        let correction = Correction {
            book: BOOK,
            trade: TradeId([1; 32]),
            number: 2,
            day: DAY,
            causes: vec![Cause {
                kind: Break::Amount,
                side: Side::Credit,
            }],
            debit: Some(3),
            credit: None,
            amount: 4,
            payer: PayerId([5; 32]),
            time: 6,
            evidence: [7; 32],
            expires_at: 8,
        };
        for before in [None, Some(9)] {
            let corrected = Event::Corrected {
                book: BOOK,
                before,
                correction: correction.clone(),
            };
            ensure_read(Kind::Corrected, &(BOOK, before, &correction).encode(), &corrected);
        }

        let closing = Closing {
            book: BOOK,
            day: DAY,
            matched: 1,
            breaks: 2,
            total: -3,
            debit_book: [4; 32],
            credit_book: [5; 32],
            expires_at: 6,
        };
        let closed = Closed {
            id: closing.id(),
            payable: 0,
            carried: -3,
            at: 7,
            is_default: true,
        };
        let told = Event::DayClosed {
            book: BOOK,
            closing,
            closed,
        };
        ensure_read(Kind::DayClosed, &(BOOK, closing, closed).encode(), &told);
    }
}
