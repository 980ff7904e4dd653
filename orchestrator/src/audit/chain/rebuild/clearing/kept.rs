//! What the clearing house keeps, for those who hold something else against it.
use protocol::{
    disputes::Dispute,
    settlement::{Relation, Voucher},
    AccountId, Timestamp, VoucherId,
};

use super::state::{schedule_within, Known, DISPUTES};
use crate::audit::chain::tables::{Tables, TablesError};

/// What was retained with a voucher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Who owes whom.
    pub relation: Relation,
    /// In which block.
    pub retained_in: u32,
}

/// What a clearing house retained with a voucher; `None` if it never did.
///
/// # Errors
/// The work file is broken.
pub fn retention(
    contract: AccountId,
    tables: &mut Tables,
    voucher: &Voucher,
) -> Result<Option<Retention>, TablesError> {
    let known = Known::within(&tables.of(contract), voucher.id(), voucher.clone())?;
    Ok(known.map(|known| Retention {
        relation: known.relation,
        retained_in: known.batch.retained_in,
    }))
}

/// What follows from a voucher by the fee schedule that it names; `None` if that was never published.
///
/// # Errors
/// The work file is broken.
pub fn relation(
    contract: AccountId,
    tables: &mut Tables,
    voucher: &Voucher,
    drawn_at: Timestamp,
) -> Result<Option<Relation>, TablesError> {
    let schedule = schedule_within(&tables.of(contract), voucher.fees)?;
    Ok(schedule.and_then(|schedule| Relation::of(voucher, &schedule, drawn_at)))
}

/// The dispute over an obligation, if there is one.
///
/// # Errors
/// The work file is broken.
pub fn dispute(
    contract: AccountId,
    tables: &mut Tables,
    voucher: VoucherId,
    obligation: u8,
) -> Result<Option<Dispute>, TablesError> {
    DISPUTES.within(&tables.of(contract), &(voucher, obligation))
}

/// Keeps what a clearing house would after a voucher's retention.
#[cfg(test)]
pub fn keep(contract: AccountId, tables: &mut Tables, voucher: &Voucher, drawn_at: Timestamp, retained_in: u32) {
    #![allow(clippy::unwrap_used)]
    use protocol::clearing::{Batch, Kept, Page};
    let (number, slot) = Page::place(voucher.sequence);
    let pages = protocol::KeyComposer::from_str("Clearing::pages");
    let batches = protocol::KeyComposer::from_str("Clearing::batch");
    let mut kept = tables.of(contract);
    let key = (voucher.originator, number);
    let number = u32::try_from(voucher.sequence & u64::from(u32::MAX)).unwrap();
    let mut page: Page = kept.get(pages, &key).unwrap().unwrap_or_default();
    assert!(page.take(slot));
    page.kept.push(Kept {
        slot,
        voucher: voucher.id(),
        batch: number,
        settlement: voucher.settlement,
        taken_out: false,
    });
    kept.put(pages, &key, &page).unwrap();
    let batch = Batch {
        drawn_at,
        retained_at: drawn_at,
        retained_in,
        window: 0,
    };
    kept.put(batches, &number, &batch).unwrap();
}

/// Keeps what a clearing house would after a dispute was opened.
#[cfg(test)]
pub fn keep_dispute(contract: AccountId, tables: &mut Tables, voucher: VoucherId, dispute: &Dispute) {
    #![allow(clippy::unwrap_used)]
    let disputes = protocol::KeyComposer::from_str("Clearing::disputes");
    let key = (voucher, dispute.claim.obligation);
    tables.of(contract).put(disputes, &key, dispute).unwrap();
}
