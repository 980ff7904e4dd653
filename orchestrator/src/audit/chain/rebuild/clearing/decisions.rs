//! What the notaries decide: fees and caps here; windows and rulings where they are.
use protocol::{
    decisions::{Approval, Decision},
    fees::{FeeRule, MAX_FEE_RULES},
    settlement::Asset,
    Amount, Member,
};

use super::{
    signed,
    state::{Head, BALANCES, SCHEDULES},
};
use crate::audit::chain::{
    rebuild::{registry, scene::Scene},
    tables::TablesError,
};

/// Counts a decision, which enough notaries approved as the next one. Where the approval isn't seen, it is `None`.
pub(super) fn decided(
    scene: &mut Scene<'_>,
    head: &mut Head,
    decision: &Decision,
    approval: Option<&Approval>,
) -> Result<(), TablesError> {
    if let Some(approval) = approval {
        signed::ensure_approved(scene, head.decisions, decision, approval)?;
    }
    head.decisions = head.decisions.saturating_add(1);
    scene.kept().set_head(head)
}

pub(super) fn fees_published(scene: &mut Scene<'_>, mut head: Head) -> Result<(), TablesError> {
    let Some((version, rules)) = scene.fields::<(u32, Vec<FeeRule>)>() else {
        return Ok(());
    };
    scene.expect(
        "the fee schedule's version",
        version,
        head.fee_version.saturating_add(1),
    );
    scene.ensure(rules.len() <= MAX_FEE_RULES, "too-many", || {
        format!("fee schedule {version} has {} rules", rules.len())
    });
    let asked = scene.arguments::<(Vec<FeeRule>, Approval)>("set_fees");
    let is_asked = asked.as_ref().is_none_or(|(asked, _)| *asked == rules);
    scene.ensure(is_asked, "other-arguments", || {
        format!("fee schedule {version} was asked for with other rules")
    });
    head.fee_version = version;
    SCHEDULES.put(scene, &version, &rules)?;
    let approval = asked.map(|(_, approval)| approval);
    decided(scene, &mut head, &Decision::SetFees(rules), approval.as_ref())
}

pub(super) fn cap_set(scene: &mut Scene<'_>, mut head: Head) -> Result<(), TablesError> {
    let Some((member, asset, cap)) = scene.fields::<(Member, Asset, Amount)>() else {
        return Ok(());
    };
    let asked = scene.arguments::<(Member, Asset, Amount, Approval)>("set_cap");
    let is_asked = asked
        .as_ref()
        .is_none_or(|(whose, of, most, _)| (*whose, *of, *most) == (member, asset, cap));
    scene.ensure(is_asked, "other-arguments", || {
        format!("another cap was asked for than member {}'s {cap}", member.0)
    });
    let is_member = registry::account(scene, member)?.is_some();
    scene.ensure(is_member, "unknown", || {
        format!("nobody is member {}, and gets a cap", member.0)
    });
    let mut balance = BALANCES.or_default(scene, &(member, asset))?;
    balance.cap = cap;
    BALANCES.put(scene, &(member, asset), &balance)?;
    let approval = asked.map(|(_, _, _, approval)| approval);
    decided(
        scene,
        &mut head,
        &Decision::SetCap { member, asset, cap },
        approval.as_ref(),
    )
}
