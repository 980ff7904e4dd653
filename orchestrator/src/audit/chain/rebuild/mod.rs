//! What each contract should keep, event by event. One file for each contract; which one an event is of, [`take`] tells.
use std::collections::BTreeMap;

use protocol::{settlement::Asset, AccountId, Amount};

use self::scene::Scene;
use super::{
    contracts::{Audited, Kind},
    findings::Findings,
    tables::{Tables, TablesError},
    Block, Place, Told,
};

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
    let scene = &mut Scene {
        name: &contract.name,
        told,
        place,
        tables,
        findings,
    };
    match contract.kind {
        Kind::Clearing => clearing::take(scene),
        Kind::Credit => credit::take(scene),
        Kind::Escrow => escrow::take(scene),
        Kind::Prepaid => prepaid::take(scene),
        Kind::Reconciliation => reconciliation::take(scene),
        Kind::Registry => registry::take(scene),
        #[cfg(test)]
        Kind::Bare => Ok(()),
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
    match contract.kind {
        Kind::Clearing => clearing::sums(name, account, until, tables, findings),
        Kind::Credit => credit::sums(name, account, until, tables, findings),
        Kind::Escrow => escrow::sums(name, account, until, tables, findings),
        Kind::Prepaid => prepaid::sums(name, account, until, tables, findings),
        Kind::Reconciliation => reconciliation::sums(name, account, until, tables, findings),
        Kind::Registry => registry::sums(name, account, until, tables, findings),
        #[cfg(test)]
        Kind::Bare => Ok(BTreeMap::new()),
    }
}
