//! The clearing house: what members hold, which vouchers were retained, how they were paid, and what came of disputes.
use std::collections::BTreeMap;

use protocol::{settlement::Asset, AccountId, Amount};

mod awaited;
mod believed;
mod clear;
mod decisions;
mod disputes;
mod kept;
mod money;
mod netting;
mod retain;
mod rulings;
mod signed;
mod state;
mod sums;
mod windows;

pub use kept::{dispute, relation, retention, Retention};
#[cfg(test)]
pub use kept::{keep, keep_dispute};

use self::{awaited::Awaited, state::Head};
use super::scene::Scene;
use crate::audit::chain::{
    findings::Findings,
    tables::{Tables, TablesError},
    Block, MADE,
};

/// Takes one event of the clearing house.
///
/// # Errors
/// The work file is broken. What contradicts the rules is a finding.
pub fn take(scene: &mut Scene<'_>) -> Result<(), TablesError> {
    let event = scene.told.event;
    if event == MADE {
        return made(scene);
    }
    let Some(head) = scene.head::<Head>()? else {
        return Ok(());
    };
    believed::begin(&mut scene.kept())?;
    let awaited = Awaited::take(scene)?;
    match event {
        "Retained" => return retain::retained(scene, head, awaited),
        "WindowShort" => return windows::short(scene, awaited),
        "WindowSettled" => return windows::settled(scene, awaited),
        "AwardPaid" => return rulings::paid(scene, awaited),
        _ => Awaited::missed(scene, awaited)?,
    }
    match event {
        "Deposited" => money::deposited(scene, head),
        "Withdrawn" => money::withdrawn(scene),
        "Cleared" => clear::cleared(scene),
        "FeesPublished" => decisions::fees_published(scene, head),
        "CapSet" => decisions::cap_set(scene, head),
        "WindowCutOff" => windows::cut_off(scene, head),
        "TakenOut" => windows::taken_out(scene, head),
        "DisputeOpened" => disputes::opened(scene, &head),
        "DisputeAnswered" => disputes::answered(scene),
        "DisputeRuled" => rulings::ruled(scene, head),
        _ => {
            scene.unknown_event();
            Ok(())
        }
    }
}

/// What must hold of everything that is kept, and what the contract must have of each asset.
///
/// # Errors
/// The work file is broken.
pub fn sums(
    name: &str,
    contract: AccountId,
    until: Block,
    tables: &mut Tables,
    findings: &mut Findings,
) -> Result<BTreeMap<Asset, Amount>, TablesError> {
    let mut find = |code: &str, detail: String| findings.add(code, name, until, None, detail);
    let mut kept = tables.of(contract);
    believed::begin(&mut kept)?;
    sums::check(&kept, &mut find)
}

fn made(scene: &mut Scene<'_>) -> Result<(), TablesError> {
    let place = *scene.place;
    let arguments: Option<([u8; 32], AccountId, u64, u64)> = scene.arguments("new");
    // Unseen periods are told by the comparison with storage.
    let (genesis, registry, dispute_period, ruling_period) = arguments.unwrap_or((place.genesis, place.registry, 0, 0));
    scene.at_home(genesis, registry);
    believed::made(&mut scene.kept())?;
    scene.kept().set_head(&Head {
        genesis,
        registry,
        dispute_period,
        ruling_period,
        deposits: 0,
        batches: 0,
        decisions: 0,
        fee_version: 0,
        open_window: 0,
    })
}

#[cfg(test)]
mod tests;
