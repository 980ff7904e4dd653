//! What each contract should keep, event by event. One file for each contract; which one an event is of, [`take`] tells.
use std::collections::BTreeMap;

use protocol::{settlement::Asset, AccountId, Amount};

use super::{
    contracts::Audited,
    findings::Findings,
    tables::{Tables, TablesError},
    Block, Place, Told,
};

mod acts;
mod checks;
pub mod clearing;
pub mod credit;
pub mod escrow;
pub mod prepaid;
pub mod reconciliation;
pub mod registry;
pub mod scene;
#[cfg(test)]
pub mod stage;

/// Whether there are rules for contracts made from this bundle.
pub fn knows(bundle: &str) -> bool {
    matches!(
        bundle,
        "clearing" | "credit" | "escrow" | "prepaid" | "reconciliation" | "registry"
    )
}

/// Takes one event, or that the contract was made, in the order of the chain. What contradicts the rules is a finding.
///
/// # Errors
/// The work file is broken.
pub fn take(
    contract: &Audited,
    told: &Told<'_>,
    place: &Place,
    tables: &mut Tables,
    findings: &mut Findings,
) -> Result<(), TablesError> {
    let name = contract.name.as_str();
    match contract.bundle.as_str() {
        "clearing" => clearing::take(name, told, place, tables, findings),
        "credit" => credit::take(name, told, place, tables, findings),
        "escrow" => escrow::take(name, told, place, tables, findings),
        "prepaid" => prepaid::take(name, told, place, tables, findings),
        "reconciliation" => reconciliation::take(name, told, place, tables, findings),
        "registry" => registry::take(name, told, place, tables, findings),
        _ => {
            let _ = (name, told, place, tables, findings);
            Ok(())
        }
    }
}

/// Looks at all that a contract should keep after block `until`: what it must have of each asset at least, by its own books.
///
/// # Errors
/// The work file is broken.
pub fn sums(
    contract: &Audited,
    account: AccountId,
    until: Block,
    tables: &mut Tables,
    findings: &mut Findings,
) -> Result<BTreeMap<Asset, Amount>, TablesError> {
    let name = contract.name.as_str();
    match contract.bundle.as_str() {
        "clearing" => clearing::sums(name, account, until, tables, findings),
        "credit" => credit::sums(name, account, until, tables, findings),
        "escrow" => escrow::sums(name, account, until, tables, findings),
        "prepaid" => prepaid::sums(name, account, until, tables, findings),
        "reconciliation" => reconciliation::sums(name, account, until, tables, findings),
        "registry" => registry::sums(name, account, until, tables, findings),
        _ => {
            let _ = (name, account, until, tables, findings);
            Ok(BTreeMap::new())
        }
    }
}
