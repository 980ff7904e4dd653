//! Disputes: a party contests an obligation, the other side answers.
use protocol::{
    disputes::{Claim, Dispute, Response},
    registry::Roles,
    settlement::Voucher,
    Member, VoucherId,
};
use scale::Decode;

use super::{
    believed,
    state::{Head, Known, DISPUTES},
};
use crate::audit::chain::{
    rebuild::{registry, scene::Scene},
    tables::TablesError,
};

#[derive(Decode)]
struct Answered {
    voucher: VoucherId,
    obligation: u8,
    response: Response,
}

pub(super) fn opened(scene: &mut Scene<'_>, head: &Head) -> Result<(), TablesError> {
    let Some((voucher, told)) = scene.fields::<(VoucherId, Dispute)>() else {
        return Ok(());
    };
    if let Some((member, asked, claim)) = scene.arguments::<(Member, Voucher, Claim)>("open_dispute") {
        let is_asked = (member, claim) == (told.claimant, told.claim);
        scene.ensure(is_asked, "other-arguments", || {
            format!("another dispute was asked for than that over {voucher}")
        });
        believed::learn(scene, &asked)?;
        scene.digest(asked.id() == voucher, || {
            format!("the voucher {voucher} that is contested")
        });
    }
    registry::acts(scene, told.claimant, Roles::PARTICIPANT)?;
    let place = (voucher, told.claim.obligation);
    let is_first = DISPUTES.get(scene, &place)?.is_none();
    scene.ensure(is_first, "twice", || {
        format!("obligation {} of {voucher} is contested again", place.1)
    });
    match Known::of(scene, voucher)? {
        None => believed::unknown(scene, voucher, "contested, and never retained")?,
        Some(known) => ensure_contestable(scene, head, &known, &told),
    }
    DISPUTES.put(scene, &place, &told)
}

/// The dispute is what follows from the claim, and may be opened by this member now.
fn ensure_contestable(scene: &mut Scene<'_>, head: &Head, known: &Known, told: &Dispute) {
    let (claimant, claim, now) = (told.claimant, told.claim, scene.told.block.time);
    let id = known.kept.voucher;
    scene.ensure(known.voucher.involves(claimant), "not-entitled", || {
        format!("member {} contests {id}, and is no party to it", claimant.0)
    });
    let until = known.batch.retained_at.saturating_add(head.dispute_period);
    scene.before(until, format_args!("{id} was contested"));
    let contested = known.relation.obligations.get(usize::from(claim.obligation)).copied();
    let contested = contested
        .filter(|owed| (1..=owed.amount).contains(&claim.amount))
        .filter(|owed| claimant == owed.debtor || (claimant != owed.creditor && claim.amount == owed.amount));
    let Some(contested) = contested else {
        scene.find("bad-terms", format!("member {} can't claim this of {id}", claimant.0));
        return;
    };
    let follows = Dispute {
        claimant,
        originator: known.voucher.originator,
        sequence: known.voucher.sequence,
        claim,
        contested,
        opened_at: now,
        rule_by: now.saturating_add(head.ruling_period),
        response: None,
        ruling: None,
        awarded: 0,
        is_due: false,
        paid: 0,
    };
    scene.ensure(follows == *told, "wrong-value", || {
        format!("the dispute over {id} is told otherwise than it follows from the claim")
    });
}

pub(super) fn answered(scene: &mut Scene<'_>) -> Result<(), TablesError> {
    let Some(told) = scene.fields::<Answered>() else {
        return Ok(());
    };
    let Answered {
        voucher,
        obligation,
        response,
    } = told;
    let member = response.member;
    if let Some(asked) = scene.arguments::<(Member, VoucherId, u8, [u8; 32])>("answer_dispute") {
        let is_asked = asked == (member, voucher, obligation, response.evidence);
        scene.ensure(is_asked, "other-arguments", || {
            format!("another answer was given to the dispute over {voucher}")
        });
    }
    registry::acts(scene, member, Roles::PARTICIPANT)?;
    let Some(mut dispute) = unruled(scene, voucher, obligation)? else {
        return Ok(());
    };
    let is_other_side = [dispute.contested.debtor, dispute.contested.creditor].contains(&member);
    let may_answer = is_other_side && member != dispute.claimant;
    scene.ensure(may_answer, "not-entitled", || {
        format!("member {} answers the dispute over {voucher}", member.0)
    });
    scene.ensure(dispute.response.is_none(), "twice", || {
        format!("the dispute over {voucher} is answered again")
    });
    dispute.response = Some(response);
    DISPUTES.put(scene, &(voucher, obligation), &dispute)
}

/// The dispute, which hasn't ended.
pub(super) fn unruled(
    scene: &mut Scene<'_>,
    voucher: VoucherId,
    obligation: u8,
) -> Result<Option<Dispute>, TablesError> {
    let found = DISPUTES.get(scene, &(voucher, obligation))?;
    scene.ensure(found.is_some(), "unknown", || {
        format!("obligation {obligation} of {voucher} was never contested")
    });
    let is_open = found.is_none_or(|dispute| dispute.ruling.is_none());
    scene.ensure(is_open, "twice", || {
        format!("the dispute over obligation {obligation} of {voucher} had ended")
    });
    Ok(found)
}
