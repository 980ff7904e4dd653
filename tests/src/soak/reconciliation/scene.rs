//! From a step to a call: what it means for the books and entries there are.
use protocol::{
    reconciliation::{domain, BatchId, BookId, Cause, Closing, Correction, Day, Entry, Side, Terms, DAY, MAX_PATIENCE},
    signing::{Domain, PAYLOAD_LENGTH},
    Member, PayerId, TradeId,
};

use super::{
    calls::{Brought, Call, Sent, Signed},
    rules::{Ledger, Shelf},
    steps::{Act, Becomes, By, Consent, Draft, Fault, Lie, Payment, Seals, Size, Step, Which},
};
use crate::{
    contract_chain::GENESIS,
    institutions::{key, sign},
    reconciliation::{terms, trade, Office, STRANGER},
};

/// When, and concerning what, a step is taken.
pub struct Scene<'a> {
    pub office: &'a Office,
    pub ledger: &'a Ledger,
    pub now: u64,
    /// All that stands in some book, in the order of its coming.
    pub trades: &'a [(BookId, TradeId)],
    /// How many ids were given out.
    pub count: &'a mut u32,
}

impl Scene<'_> {
    pub fn sent(&mut self, step: &Step) -> Sent {
        let book = BookId(u32::try_from(step.book).unwrap());
        let call = match &step.act {
            Act::Open {
                client,
                sides,
                fault,
                is_again,
                seals,
            } => self.open(*client, *sides, *fault, *is_again, *seals),
            Act::Record {
                day,
                batch,
                payments,
                size,
            } => {
                let entries = self.entries(payments, *size);
                let batch = batch.map(|batch| BatchId([batch; 32]));
                Call::Record(book, self.day(*day, book, None), batch, entries)
            }
            Act::Correct { drafts, size } => self.correct(book, drafts, *size),
            Act::Close { day, lie, signs, seals } => self.close(book, *day, *lie, *signs, *seals),
        };
        Sent {
            by: match step.by {
                By::Expected => self.expected_caller(&call),
                By::Anyone(member) => member,
            },
            call,
            value: u128::from(step.pays),
            now: self.now,
        }
    }

    fn open(&mut self, client: Member, sides: [Member; 2], fault: Option<Fault>, is_again: bool, seals: Seals) -> Call {
        let shelves = &self.ledger.shelves;
        let known = shelves.last().filter(|_| is_again);
        let number = u32::try_from(shelves.len()).unwrap();
        let mut terms = known.map_or_else(
            || Terms {
                client,
                debit: sides[0],
                credit: sides[1],
                ..terms(number)
            },
            |shelf| shelf.terms.clone(),
        );
        match fault {
            Some(Fault::NoPatience) => terms.patience = 0,
            Some(Fault::TooPatient) => terms.patience = MAX_PATIENCE + 1,
            Some(Fault::NoZone) => terms.zone.clear(),
            Some(Fault::LongZone) => terms.zone = vec![b'Z'; 49],
            Some(Fault::OddZone) => terms.zone = vec![b'Z', b'\n'],
            None => {}
        }
        let expires_at = self.now.saturating_add_signed(seals.expires_in);
        let other = Terms {
            client: Member(client.0 ^ 1),
            ..terms.clone()
        };
        let payloads = |domain: &Domain| [&terms, &other].map(|terms| terms.payload(domain, expires_at));
        let (epoch, [debit, credit]) = self.seal([terms.debit, terms.credit], seals, payloads);
        Call::OpenBook {
            terms,
            epoch,
            expires_at,
            debit,
            credit,
        }
    }

    fn entries(&mut self, payments: &[Payment], size: Size) -> Vec<Entry> {
        let count = match size {
            Size::AsDrawn => payments.len(),
            Size::None => 0,
            Size::Most => 128,
            Size::TooMany => 129,
        };
        let entry = |(place, payment): (usize, &Payment)| {
            // Those that only make the number full are new ones.
            let again = payment.again.filter(|_| place < payments.len());
            let trade = again.and_then(|back| self.known(back)).map_or_else(
                || {
                    *self.count += 1;
                    trade(*self.count)
                },
                |(_, trade)| trade,
            );
            Entry {
                trade,
                payer: PayerId([u8::try_from(*self.count % 7).unwrap(); 32]),
                amount: payment.amount,
                time: self.now.saturating_add_signed(payment.time),
            }
        };
        payments.iter().cycle().take(count).enumerate().map(entry).collect()
    }

    fn correct(&mut self, book: BookId, drafts: &[Draft], size: Size) -> Call {
        let count = match size {
            Size::AsDrawn => drafts.len(),
            Size::None => 0,
            Size::Most => 16,
            Size::TooMany => 17,
        };
        let mut brought: Vec<Brought> = Vec::new();
        for draft in drafts.iter().cycle().take(count) {
            let earlier = brought.iter().map(|earlier| earlier.correction.clone()).collect();
            brought.push(self.brought(book, draft, earlier));
        }
        Call::Correct(book, brought)
    }

    /// A correction that comes after others in the same call.
    fn brought(&mut self, book: BookId, draft: &Draft, earlier: Vec<Correction>) -> Brought {
        let stories = self.ledger.shelf(book).map(|shelf| &shelf.stories);
        let its: Vec<TradeId> = self
            .trades
            .iter()
            .filter(|(of, _)| *of == book)
            .map(|(_, trade)| *trade)
            .collect();
        let place = draft
            .trade
            .filter(|_| !its.is_empty())
            .map(|back| its.len() - 1 - back % its.len());
        let trade = place.map_or_else(
            || {
                *self.count += 1;
                trade(*self.count)
            },
            |place| its[place],
        );
        let story = stories.and_then(|stories| stories.get(&trade));
        let before = earlier.iter().rev().find(|earlier| earlier.trade == trade);
        let stood = story.map_or(0, |story| story.last().amount);
        let amount = before.map_or(stood, |before| before.amount);
        let again = earlier.iter().filter(|earlier| earlier.trade == trade).count();
        let corrections = story.map_or(0, super::rules::Story::corrections) + u32::try_from(again).unwrap();
        let own = story.map(|story| story.own).or(before.map(|before| before.day));
        let mut causes: Vec<Cause> = draft
            .causes
            .iter()
            .map(|(kind, side)| Cause {
                kind: *kind,
                side: [Side::Debit, Side::Credit, Side::Chain][*side],
            })
            .collect();
        if draft.are_sorted {
            causes.sort_unstable();
            causes.dedup();
        }
        let last = story.map(super::rules::Story::last);
        let correction = Correction {
            book: if draft.is_foreign { BookId(book.0 ^ 1) } else { book },
            trade,
            number: corrections.wrapping_add(draft.number),
            day: self.day(draft.day, book, own),
            causes,
            debit: Some(amount),
            credit: None,
            amount: match draft.amount {
                Becomes::Part(part) => part.of(amount),
                Becomes::This(amount) => amount,
            },
            payer: last
                .filter(|_| !draft.is_thorough)
                .map_or(PayerId([9; 32]), |last| last.payer),
            time: last.filter(|_| !draft.is_thorough).map_or(self.now, |last| last.time),
            evidence: [u8::try_from(corrections % 256).unwrap(); 32],
            expires_at: self.now.saturating_add_signed(draft.seals.expires_in),
        };
        let other = Correction {
            amount: correction.amount ^ 1,
            ..correction.clone()
        };
        let payloads = |domain: &Domain| [&correction, &other].map(|correction| correction.payload(domain));
        let (epoch, [debit, credit]) = self.seal(self.sides(book), draft.seals, payloads);
        Brought {
            correction,
            epoch,
            debit,
            credit,
        }
    }

    fn close(&mut self, book: BookId, day: Which, lie: Option<Lie>, signs: [bool; 2], seals: Seals) -> Call {
        let day = self.day(day, book, None);
        let record = self.ledger.shelf(book).and_then(|shelf| shelf.day(day));
        let record = record.unwrap_or_default();
        let mut closing = Closing {
            book,
            day,
            matched: record.entries,
            breaks: record.corrections,
            total: record.total,
            debit_book: [1; 32],
            credit_book: [2; 32],
            expires_at: self.now.saturating_add_signed(seals.expires_in),
        };
        match lie {
            Some(Lie::Matched) => closing.matched = closing.matched.wrapping_sub(1),
            Some(Lie::Breaks) => closing.breaks = closing.breaks.wrapping_add(1),
            Some(Lie::Total) => closing.total = closing.total.wrapping_add(1),
            Some(Lie::Book) => closing.book = BookId(book.0 ^ 1),
            None => {}
        }
        let other = Closing {
            debit_book: [3; 32],
            ..closing
        };
        let payloads = |domain: &Domain| [&closing, &other].map(|closing| closing.payload(domain));
        let (epoch, [debit, credit]) = self.seal(self.sides(closing.book), seals, payloads);
        Call::CloseDay {
            closing,
            epoch,
            debit: signs[0].then_some(debit),
            credit: signs[1].then_some(credit),
        }
    }

    /// The epoch that is said, and both sides' signatures under the first of two payloads, or otherwise.
    fn seal(
        &self,
        sides: [Member; 2],
        seals: Seals,
        payloads: impl Fn(&Domain) -> [[u8; PAYLOAD_LENGTH]; 2],
    ) -> (u32, [Signed; 2]) {
        let epoch = self.ledger.epoch - u32::from(seals.is_stale);
        let here = domain(GENESIS, self.office.reconciliation, epoch);
        let signed = |place: usize| {
            let consent = seals.consents[place];
            let own = sides[place];
            let signer = match consent {
                Consent::Forged(member) => member,
                _ => own,
            };
            let domain = match consent {
                Consent::InAnotherContract => domain(GENESIS, self.office.registry, epoch),
                Consent::OnAnotherChain => domain([8; 32], self.office.reconciliation, epoch),
                _ => here,
            };
            let [this, other] = payloads(&domain);
            let payload = if consent == Consent::ForAnother { other } else { this };
            Signed {
                signature: sign(&key(signer), &payload),
                is_genuine: match consent {
                    Consent::Given => true,
                    Consent::Forged(member) => member == own,
                    _ => false,
                },
            }
        };
        (epoch, [signed(0), signed(1)])
    }

    fn sides(&self, book: BookId) -> [Member; 2] {
        let shelf = self.ledger.shelf(book);
        shelf.map_or([STRANGER; 2], |shelf| [shelf.terms.debit, shelf.terms.credit])
    }

    /// Counted back from the last.
    fn known(&self, back: usize) -> Option<(BookId, TradeId)> {
        self.trades.iter().nth_back(back).copied()
    }

    fn day(&self, which: Which, book: BookId, own: Option<Day>) -> Day {
        let today = u32::try_from(self.now / DAY).unwrap();
        let shelf = self.ledger.shelf(book);
        let open = shelf.map(Shelf::open).unwrap_or_default();
        match which {
            Which::Today => Day(today),
            Which::Tomorrow => Day(today + 1),
            Which::Ago(days) => Day(today - days),
            Which::Oldest => open.first().copied().unwrap_or(Day(today)),
            Which::Second => open.iter().nth(1).copied().unwrap_or(Day(today)),
            Which::Closed => shelf.and_then(Shelf::closed_through).unwrap_or(Day(today - 1)),
            Which::Right => {
                let own = own.filter(|own| shelf.is_some_and(|shelf| !shelf.is_closed(*own)));
                own.or(open.last().copied()).unwrap_or(Day(today))
            }
            Which::Last => Day(u32::MAX),
        }
    }

    fn expected_caller(&self, call: &Call) -> Member {
        let terms = |book: BookId| self.ledger.shelf(book).map(|shelf| &shelf.terms);
        match call {
            Call::Record(book, ..) => terms(*book).map_or(STRANGER, |terms| terms.client),
            Call::CloseDay {
                closing, debit, credit, ..
            } => {
                let sides = terms(closing.book).map_or([STRANGER; 2], |terms| [terms.debit, terms.credit]);
                match (debit, credit) {
                    (Some(_), None) => sides[0],
                    (None, Some(_)) => sides[1],
                    _ => STRANGER,
                }
            }
            Call::OpenBook { .. } | Call::Correct(..) => STRANGER,
        }
    }
}
