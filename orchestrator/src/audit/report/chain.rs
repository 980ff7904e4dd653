//! What the report says that the chain has: the block that it is as of, the book, the day, each entry.
use protocol::{
    ids::TradeId,
    reconciliation::{
        storage::{book_key, day_key, entry_key},
        Book, DayRecord, EntryRecord,
    },
    text::to_hex,
};

use super::{Outcome, Witness};
use crate::{
    audit::state::{Header, ProofError, State},
    chain::ChainError,
    reconciliation::report::{record, EntryPage, Report},
};

/// The state root of the report's block, if that is a finalized one of the chain; else nothing else can be checked.
pub(super) async fn anchor(
    report: &Report,
    witness: &dyn Witness,
    outcome: &mut Outcome,
) -> Result<Option<[u8; 32]>, ChainError> {
    let head = &report.head;
    if witness.genesis() != head.genesis {
        outcome.flaw(
            "other-chain",
            format!(
                "the report is of the chain with genesis {}, the node's has {}",
                to_hex(&head.genesis),
                to_hex(&witness.genesis())
            ),
        );
        return Ok(None);
    }
    let header = match Header::read(&head.at.header) {
        Ok(header) => header,
        Err(error) => {
            outcome.flaw("bad-header", error.to_string());
            return Ok(None);
        }
    };
    if (header.number, header.hash) != (head.at.block, head.at.hash) {
        outcome.flaw(
            "bad-header",
            format!(
                "the header is of block {}, {}, not of block {}, {}",
                header.number,
                to_hex(&header.hash),
                head.at.block,
                to_hex(&head.at.hash)
            ),
        );
        return Ok(None);
    }
    let finalized = witness.finalized().await?;
    let is_final = header.number <= finalized && witness.block_hash(header.number).await? == header.hash;
    outcome.ensure(is_final, "block-not-final", || {
        let hash = to_hex(&header.hash);
        format!(
            "{hash} isn't block {} of the finalized chain, which is at block {finalized}",
            header.number
        )
    });
    Ok(is_final.then_some(header.state_root))
}

/// The contract, the book, the day and each entry, by their proofs.
pub(super) fn state(report: &Report, root: [u8; 32], outcome: &mut Outcome) {
    let head = &report.head;
    let state = State::new(root, &head.at.proof);
    let info = match state.contract(&head.contract) {
        Ok(info) => info,
        Err(error) => return outcome.flaw("unproven", error.to_string()),
    };
    outcome.code_hash = Some(info.code_hash);
    if let Err(error) = book_and_day(report, &state, &info.trie, outcome) {
        outcome.flaw("unproven", error.to_string());
    }
    for (name, pages) in [("earlier", &report.earlier), ("entries", &report.entries)] {
        ascending(name, pages, outcome);
        for (place, page) in pages.iter().enumerate() {
            if let Err(error) = entries(report, root, &info.trie, page, outcome) {
                outcome.flaw("unproven", format!("page {place} of {name}: {error}"));
            }
        }
    }
}

fn book_and_day(report: &Report, state: &State, trie: &[u8], outcome: &mut Outcome) -> Result<(), ProofError> {
    let head = &report.head;
    let storage = state.storage(trie)?;
    let book: Option<Book> = storage.get(&book_key(head.book), "the book")?;
    outcome.ensure(book.is_some_and(|book| book.terms == head.terms), "other-terms", || {
        format!("the chain has no book {} of these terms", head.book.0)
    });
    let record: Option<DayRecord> = storage.get(&day_key(head.book, head.day), "the day")?;
    outcome.ensure(record == Some(head.record), "other-day-record", || {
        format!("the chain has of the day: {record:?}")
    });
    Ok(())
}

/// Each trade once.
fn ascending(name: &str, pages: &[EntryPage], outcome: &mut Outcome) {
    let mut last: Option<TradeId> = None;
    for line in pages.iter().flat_map(|page| &page.entries) {
        let trade = line.entry.entry.trade;
        outcome.ensure(last.is_none_or(|last| last < trade), "out-of-order", || {
            format!("entry {trade} stands in {name} twice, or not in order")
        });
        last = Some(trade);
    }
}

fn entries(
    report: &Report,
    root: [u8; 32],
    trie: &[u8],
    page: &EntryPage,
    outcome: &mut Outcome,
) -> Result<(), ProofError> {
    let state = State::new(root, &page.proof);
    let storage = state.storage(trie)?;
    for line in &page.entries {
        let trade = line.entry.entry.trade;
        match storage.get::<EntryRecord>(&entry_key(report.head.book, trade), "an entry") {
            Ok(kept) if kept == Some(record(&line.entry)) => outcome.proven = outcome.proven.saturating_add(1),
            Ok(Some(kept)) => outcome.flaw("other-entry", format!("entry {trade}: the chain has {kept:?}")),
            Ok(None) => outcome.flaw("no-such-entry", format!("entry {trade}: the chain has none")),
            Err(error) => outcome.flaw("unproven", format!("entry {trade}: {error}")),
        }
    }
    Ok(())
}
