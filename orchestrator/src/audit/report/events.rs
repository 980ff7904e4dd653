//! The events that the report names: that they stand where it says, and say what it says.
use std::collections::{BTreeMap, HashMap};

use futures::{StreamExt, TryStreamExt};
use protocol::{
    ids::TradeId,
    reconciliation::{BatchId, BookId, Closed, Closing, Correction, Day, Entry},
    text::to_hex,
    Amount,
};
use scale::Decode;

use super::{Emitted, Outcome, Witness};
use crate::{
    chain::ChainError,
    reconciliation::report::{Corrected, EntryLine, Place, Report},
};

/// The blocks that are asked for at once.
const AT_ONCE: usize = 16;

type Recorded = (BookId, Day, Option<BatchId>, Vec<Entry>);
type CorrectedEvent = (BookId, Option<Amount>, Correction);
type DayClosed = (BookId, Closing, Closed);

/// What an event should say.
enum Claim<'a> {
    Entry(&'a EntryLine),
    Correction(&'a Corrected),
    Closing,
}

/// What happened in a block, as the auditor's node has it.
struct Found {
    number: u32,
    hash: [u8; 32],
    emitted: Option<Vec<Emitted>>,
    /// What events recorded, by their place: many entries stand in one.
    recorded: HashMap<u32, Option<Batch>>,
}

/// What one event recorded.
struct Batch {
    of: (BookId, Day, Option<BatchId>),
    entries: HashMap<TradeId, Entry>,
}

pub(super) async fn check(report: &Report, witness: &dyn Witness, outcome: &mut Outcome) -> Result<(), ChainError> {
    let claims = claims(report);
    let blocks: Vec<u32> = claims
        .keys()
        .copied()
        .filter(|number| *number <= report.head.at.block)
        .collect();
    let look = |number| async move {
        let hash = witness.block_hash(number).await?;
        let emitted = witness.emitted(hash).await?;
        Ok::<_, ChainError>(Found {
            number,
            hash,
            emitted,
            recorded: HashMap::new(),
        })
    };
    let mut found = futures::stream::iter(blocks).map(look).buffered(AT_ONCE);
    let mut forgotten = 0u64;
    while let Some(mut block) = found.try_next().await? {
        let of_block = claims.get(&block.number).map(Vec::as_slice).unwrap_or_default();
        forgotten = forgotten.saturating_add(u64::from(block.emitted.is_none()));
        for (place, claim) in of_block {
            look_at(report, &mut block, place, claim, outcome);
        }
    }
    drop(found);
    if forgotten > 0 {
        outcome.unverified.push(format!(
            "the events of {forgotten} block(s): the node has thrown their states away; one with --state-pruning archive \
             keeps them"
        ));
    }
    for (number, _) in claims.range(report.head.at.block.saturating_add(1)..) {
        outcome.flaw("no-such-event", format!("block {number} is later than the report"));
    }
    Ok(())
}

/// By block.
fn claims(report: &Report) -> BTreeMap<u32, Vec<(Place, Claim<'_>)>> {
    let mut claims: BTreeMap<u32, Vec<(Place, Claim<'_>)>> = BTreeMap::new();
    let mut claim = |place: Place, claim| claims.entry(place.block).or_default().push((place, claim));
    claim(report.head.closed_in, Claim::Closing);
    let pages = report.earlier.iter().chain(&report.entries);
    for line in pages.flat_map(|page| &page.entries) {
        // Of a corrected one, the last correction tells.
        if line.corrections.is_empty() {
            let entry = &line.entry;
            let place = Place {
                block: entry.block,
                block_hash: entry.block_hash,
                event: entry.event,
            };
            claim(place, Claim::Entry(line));
        }
        for corrected in &line.corrections {
            claim(corrected.at, Claim::Correction(corrected));
        }
    }
    claims
}

fn look_at(report: &Report, block: &mut Found, place: &Place, claim: &Claim<'_>, outcome: &mut Outcome) {
    let head = &report.head;
    if place.block_hash != block.hash {
        let (said, number) = (to_hex(&place.block_hash), block.number);
        return outcome.flaw(
            "no-such-event",
            format!("{said} isn't block {number} of the finalized chain"),
        );
    }
    let Found { emitted, recorded, .. } = block;
    let Some(emitted) = emitted else { return };
    let its = emitted
        .iter()
        .find(|one| one.event == place.event && one.contract == head.contract);
    let says = its.is_some_and(|one| match claim {
        Claim::Entry(line) => {
            let batch = recorded.entry(one.event).or_insert_with(|| Batch::read(&one.data));
            batch.as_ref().is_some_and(|batch| batch.has(head.book, line))
        }
        Claim::Correction(corrected) => {
            read::<CorrectedEvent>(&one.data) == Some((head.book, corrected.before, corrected.correction.clone()))
        }
        Claim::Closing => read::<DayClosed>(&one.data) == Some((head.book, head.closing, head.closed)),
    });
    if says {
        outcome.events = outcome.events.saturating_add(1);
        return;
    }
    let what = match claim {
        Claim::Entry(line) => format!("entry {}", line.entry.entry.trade),
        Claim::Correction(corrected) => format!("a correction of {}", corrected.correction.trade),
        Claim::Closing => "the closing".to_owned(),
    };
    let (number, event) = (place.block, place.event);
    outcome.flaw(
        "no-such-event",
        format!("event {event} of block {number} doesn't tell of {what} as the report has it"),
    );
}

impl Batch {
    fn read(data: &[u8]) -> Option<Self> {
        let (book, day, batch, entries) = read::<Recorded>(data)?;
        Some(Self {
            of: (book, day, batch),
            entries: entries.into_iter().map(|entry| (entry.trade, entry)).collect(),
        })
    }

    fn has(&self, book: BookId, line: &EntryLine) -> bool {
        let entry = &line.entry;
        self.of == (book, entry.day, entry.batch) && self.entries.get(&entry.entry.trade) == Some(&entry.entry)
    }
}

fn read<T: Decode>(mut data: &[u8]) -> Option<T> {
    T::decode(&mut data).ok().filter(|_| data.is_empty())
}
