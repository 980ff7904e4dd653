//! Rulings: how disputes end, and what goes back.
use protocol::{
    clearing::{Course, Page},
    decisions::{Approval, Decision},
    disputes::{Dispute, Ruling},
    settlement::{Obligation, Source},
    signing, Amount, VoucherId,
};
use scale::Decode;

use super::{
    awaited::Awaited,
    decisions::decided,
    disputes::unruled,
    state::{self, Head, BALANCES, BATCHES, DISCHARGES, DISPUTES, PAGES},
};
use crate::audit::chain::{rebuild::scene::Scene, tables::TablesError};

#[derive(Clone, Copy, Decode)]
struct Ruled {
    voucher: VoucherId,
    obligation: u8,
    ruling: Ruling,
    awarded: Amount,
}

pub(super) fn ruled(scene: &mut Scene<'_>, mut head: Head) -> Result<(), TablesError> {
    let Some(told) = scene.fields::<Ruled>() else {
        return Ok(());
    };
    let (voucher, obligation) = (told.voucher, told.obligation);
    let found = unruled(scene, voucher, obligation)?;
    // Either can be told from the other by its time.
    let now = scene.told.block.time;
    let is_default = scene.call_of("rule_by_default").is_some()
        || (scene.told.call.is_none() && found.is_some_and(|dispute| now >= dispute.rule_by));
    if is_default {
        by_default(scene, &told, found.as_ref());
    } else {
        by_notaries(scene, &mut head, &told, found.as_ref())?;
    }
    let Some(mut dispute) = found else { return Ok(()) };
    dispute.ruling = Some(told.ruling);
    dispute.awarded = told.awarded;
    DISPUTES.put(scene, &(voucher, obligation), &dispute)?;
    if told.awarded > 0 {
        state::take_back(scene, voucher, obligation, dispute.contested.amount, told.awarded)?;
        if is_paid(scene, voucher, &dispute)? {
            Awaited::Award { voucher, obligation }.put(scene)?;
        }
    }
    Ok(())
}

/// The obligation stands, as nobody ruled in time.
fn by_default(scene: &mut Scene<'_>, told: &Ruled, dispute: Option<&Dispute>) {
    if let Some(asked) = scene.arguments::<(VoucherId, u8)>("rule_by_default") {
        ensure_asked(scene, asked, told);
    }
    if let Some(dispute) = dispute {
        scene.not_before(
            dispute.rule_by,
            format_args!("{} was ruled on by default", told.voucher),
        );
    }
    let stands = (told.ruling, told.awarded) == (Ruling::Uphold, 0);
    scene.ensure(stands, "wrong-value", || {
        format!("nobody ruled over {}, and {:?} is told", told.voucher, told.ruling)
    });
}

/// Enough notaries, whom it doesn't concern, ruled in time.
fn by_notaries(
    scene: &mut Scene<'_>,
    head: &mut Head,
    told: &Ruled,
    dispute: Option<&Dispute>,
) -> Result<(), TablesError> {
    let Ruled {
        voucher,
        obligation,
        ruling,
        awarded,
    } = *told;
    let asked = scene.arguments::<(VoucherId, u8, Ruling, Approval)>("rule");
    if let Some((asked_voucher, asked_obligation, asked_ruling, _)) = &asked {
        ensure_asked(scene, (*asked_voucher, *asked_obligation), told);
        scene.ensure(*asked_ruling == ruling, "other-arguments", || {
            format!("{asked_ruling:?} was ruled over {voucher}, {ruling:?} is told")
        });
    }
    let approval = asked.map(|(.., approval)| approval);
    let decision = Decision::Rule {
        voucher,
        obligation,
        ruling,
    };
    decided(scene, head, &decision, approval.as_ref())?;
    let Some(dispute) = dispute else { return Ok(()) };
    let concerned = [dispute.claimant, dispute.contested.debtor, dispute.contested.creditor];
    let signers = approval.map_or_else(Vec::new, |approval| signing::members(&approval.signatures));
    if let Some(notary) = signers.iter().find(|signer| concerned.contains(signer)) {
        scene.find(
            "not-entitled",
            format!("member {} ruled over {voucher}, which concerns it", notary.0),
        );
    }
    scene.before(dispute.rule_by, format_args!("the notaries ruled over {voucher}"));
    let claimed = dispute.claim.amount;
    let follows = match ruling {
        Ruling::Uphold => Some(0),
        Ruling::Reverse => Some(claimed),
        Ruling::Partial(amount) => Some(amount).filter(|amount| (1..claimed).contains(amount)),
    };
    scene.ensure(follows == Some(awarded), "wrong-value", || {
        format!("{ruling:?} of {claimed} can't give back {awarded} of {voucher}")
    });
    Ok(())
}

/// What a ruling gave back is owed, and paid as far as the balance reaches.
pub(super) fn paid(scene: &mut Scene<'_>, awaited: Option<Awaited>) -> Result<(), TablesError> {
    let Some((voucher, obligation, told)) = scene.fields::<(VoucherId, u8, Amount)>() else {
        return Awaited::missed(scene, awaited);
    };
    let is_at_once = matches!(&awaited, Some(Awaited::Award { voucher: of, obligation: place })
        if (*of, *place) == (voucher, obligation));
    if !is_at_once {
        Awaited::missed(scene, awaited)?;
        if let Some(asked) = scene.arguments::<(VoucherId, u8)>("pay_award") {
            scene.ensure(asked == (voucher, obligation), "other-arguments", || {
                format!("another award was to be paid than that of {voucher}")
            });
        }
    }
    let Some(dispute) = DISPUTES.get(scene, &(voucher, obligation))? else {
        scene.find(
            "unknown",
            format!("{voucher} was never contested, and its award is paid"),
        );
        return Ok(());
    };
    let is_paid = is_paid(scene, voucher, &dispute)?;
    scene.ensure(dispute.is_due || is_paid, "unpaid", || {
        format!("what goes back of {voucher} is paid before it was paid itself")
    });
    let unpaid = dispute.awarded.saturating_sub(dispute.paid);
    let Obligation {
        debtor: to,
        creditor: from,
        asset,
        ..
    } = dispute.contested;
    let mut balance = BALANCES.or_default(scene, &(from, asset))?;
    let follows = unpaid.min(balance.available);
    let is_right = follows == told && unpaid > 0 && (told > 0 || !dispute.is_due);
    scene.ensure(is_right, "wrong-value", || {
        format!("{told} goes back of {voucher}; {unpaid} is owed, {follows} there")
    });
    if !dispute.is_due {
        balance.owed = balance.owed.saturating_add(unpaid);
    }
    balance.available = balance.available.saturating_sub(told);
    balance.owed = state::less(scene, balance.owed, told, || {
        format!("what member {} gives back", from.0)
    });
    BALANCES.put(scene, &(from, asset), &balance)?;
    if told > 0 {
        state::credit(scene, to, asset, told, Source::Ruling(voucher, obligation))?;
    }
    let dispute = Dispute {
        is_due: true,
        paid: dispute.paid.saturating_add(told),
        ..dispute
    };
    DISPUTES.put(scene, &(voucher, obligation), &dispute)
}

/// Whether what is contested was paid, with its window or by a clearing voucher.
fn is_paid(scene: &mut Scene<'_>, voucher: VoucherId, dispute: &Dispute) -> Result<bool, TablesError> {
    let (number, slot) = Page::place(dispute.sequence);
    let page = PAGES.or_default(scene, &(dispute.originator, number))?;
    let Some(kept) = page.get(slot, voucher).copied() else {
        return Ok(false);
    };
    let batch = BATCHES.get(scene, &kept.batch)?;
    match batch.map(|batch| kept.course(batch.window)) {
        Some(Course::InWindow(window)) => state::is_settled(scene, window),
        Some(Course::Reserved | Course::TakenOut) => {
            let debtor = dispute.contested.debtor;
            Ok(DISCHARGES.get(scene, &(voucher, debtor))?.is_some())
        }
        None => Ok(false),
    }
}

fn ensure_asked(scene: &mut Scene<'_>, asked: (VoucherId, u8), told: &Ruled) {
    let is_asked = asked == (told.voucher, told.obligation);
    scene.ensure(is_asked, "other-arguments", || {
        format!("another dispute was to end than that over {}", told.voucher)
    });
}
