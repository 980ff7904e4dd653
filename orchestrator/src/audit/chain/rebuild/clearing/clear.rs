//! Gross settlement: a debtor's clearing voucher moves what it owes.
use protocol::{
    clearing::{Course, Discharge},
    registry::Roles,
    settlement::{Asset, ClearingVoucher, Obligation, SignedClearingVoucher, Source, MAX_CLEARING_BATCH, MAX_SOURCES},
    signing::{MemberSignature, Purpose},
    ClearingVoucherId, VoucherId,
};
use scale::Decode;

use super::{
    believed,
    state::{self, Known, BALANCES, BELIEVED, DEPOSITORS, DISCHARGES, DISPUTES, POSITIONS, UNDISCHARGED},
};
use crate::audit::chain::{
    rebuild::{
        registry::{ensure_active, ensure_epoch, present, Signed},
        scene::Scene,
    },
    tables::TablesError,
};

#[derive(Decode)]
struct Cleared {
    voucher: VoucherId,
    id: ClearingVoucherId,
    clearing_voucher: ClearingVoucher,
}

pub(super) fn cleared(scene: &mut Scene<'_>) -> Result<(), TablesError> {
    let Some(told) = scene.fields::<Cleared>() else {
        return Ok(());
    };
    let Cleared {
        voucher,
        id,
        clearing_voucher,
    } = told;
    scene.digest(clearing_voucher.id() == id, || {
        format!("the id of clearing voucher {id}")
    });
    scene.expect(
        format_args!("the voucher that clearing voucher {id} is of"),
        voucher,
        clearing_voucher.voucher,
    );
    scene.in_time(clearing_voucher.expires_at, format_args!("clearing voucher {id}"));
    ensure_signed(scene, &clearing_voucher)?;
    let course = ensure_owed(scene, &clearing_voucher)?;
    ensure_sources(scene, &clearing_voucher)?;

    let issuer = clearing_voucher.issuer;
    for owed in &clearing_voucher.discharged {
        pay(scene, course, owed, Source::Clearing(voucher, issuer))?;
    }
    discharge(scene, course, &clearing_voucher)?;
    let discharge = Discharge {
        clearing_voucher,
        cleared_in: scene.told.block.number,
    };
    DISCHARGES.put(scene, &(voucher, issuer), &discharge)
}

/// The issuer signed it, as it is told.
fn ensure_signed(scene: &mut Scene<'_>, told: &ClearingVoucher) -> Result<(), TablesError> {
    let set = present(scene, &[told.issuer])?;
    ensure_active(scene, told.issuer, &[told.issuer], &set, Roles::PARTICIPANT);
    let Some((asked,)) = scene.arguments::<(Vec<SignedClearingVoucher>,)>("clear_batch") else {
        return Ok(());
    };
    let count = asked.len();
    scene.ensure(count <= MAX_CLEARING_BATCH, "too-many", || {
        format!("a batch of {count} clearing vouchers")
    });
    let (id, issuer) = (told.id(), told.issuer);
    let Some(found) = asked.iter().find(|asked| asked.clearing_voucher == *told) else {
        scene.find("other-arguments", format!("clearing voucher {id} isn't in the call"));
        return Ok(());
    };
    believed::learn(scene, &found.voucher)?;
    scene.digest(found.voucher.id() == told.voucher, || {
        format!("the voucher that clearing voucher {id} is of")
    });
    ensure_epoch(scene, found.epoch, &set);
    let what = Signed {
        epoch: set.epoch,
        purpose: Purpose::ClearingVoucher,
        id: &id.0,
        expires_at: told.expires_at,
        body: &(),
    };
    let by_issuer = MemberSignature {
        member: issuer,
        signature: found.signature,
    };
    what.ensure_by(scene, &by_issuer)
}

/// It discharges exactly what the issuer owes and hasn't discharged. How that is paid.
fn ensure_owed(scene: &mut Scene<'_>, told: &ClearingVoucher) -> Result<Course, TablesError> {
    let (voucher, issuer) = (told.voucher, told.issuer);
    let Some(known) = Known::of(scene, voucher)? else {
        believed::unknown(scene, voucher, "cleared, and never retained")?;
        return Ok(Course::TakenOut);
    };
    scene.digest(known.relation.id() == told.relation, || {
        format!("the relation {} that is discharged", told.relation)
    });
    let course = known.course();
    if let Course::InWindow(window) = course {
        scene.find(
            "wrong-state",
            format!("{voucher} is cleared, and is paid with window {window}"),
        );
    }
    let is_first = DISCHARGES.get(scene, &(voucher, issuer))?.is_none();
    scene.ensure(is_first, "twice", || {
        format!("member {} clears {voucher} again", issuer.0)
    });
    let owed = known.relation.owed_by(issuer);
    let is_owed = !owed.is_empty() && owed == told.discharged;
    scene.ensure(is_owed, "wrong-value", || {
        format!(
            "member {} discharges something else than it owes under {voucher}",
            issuer.0
        )
    });
    Ok(course)
}

fn pay(scene: &mut Scene<'_>, course: Course, owed: &Obligation, source: Source) -> Result<(), TablesError> {
    let Obligation {
        debtor,
        creditor,
        asset,
        amount,
    } = *owed;
    if course == Course::Reserved {
        let mut balance = BALANCES.or_default(scene, &(debtor, asset))?;
        balance.reserved = state::less(scene, balance.reserved, amount, || {
            format!("what member {} has reserved", debtor.0)
        });
        BALANCES.put(scene, &(debtor, asset), &balance)?;
    } else {
        state::spend(scene, debtor, asset, amount)?;
    }
    state::credit(scene, creditor, asset, amount, source)
}

/// Nothing of it is reserved any more.
fn discharge(scene: &mut Scene<'_>, course: Course, paid: &ClearingVoucher) -> Result<(), TablesError> {
    let place = (paid.voucher, paid.issuer);
    let mut kept = scene.kept();
    if UNDISCHARGED.get(&kept, &place)?.is_some() {
        return UNDISCHARGED.remove(&mut kept, &place);
    }
    // Reserved before the audit's first block.
    for owed in paid.discharged.iter().filter(|_| course == Course::Reserved) {
        let key = (owed.debtor, owed.asset);
        let left = BELIEVED.get(&kept, &key)?.unwrap_or(0).saturating_sub(owed.amount);
        BELIEVED.put(&mut kept, &key, &left)?;
    }
    Ok(())
}

/// Each source is an earlier record that credited the issuer in an asset that it discharges now.
fn ensure_sources(scene: &mut Scene<'_>, told: &ClearingVoucher) -> Result<(), TablesError> {
    let (count, id) = (told.sources.len(), told.id());
    scene.ensure((1..=MAX_SOURCES).contains(&count), "too-many", || {
        format!("clearing voucher {id} names {count} sources")
    });
    for source in &told.sources {
        let is_good = credited(scene, told, *source)?;
        scene.ensure(is_good, "bad-source", || {
            format!("{source:?} didn't credit the issuer of clearing voucher {id}")
        });
    }
    Ok(())
}

fn credited(scene: &mut Scene<'_>, told: &ClearingVoucher, source: Source) -> Result<bool, TablesError> {
    let issuer = told.issuer;
    let moves = |asset: Asset| told.discharged.iter().any(|owed| owed.asset == asset);
    Ok(match source {
        Source::Deposit(number) => DEPOSITORS
            .get(scene, &number)?
            .is_some_and(|(member, asset)| member == issuer && moves(asset)),
        Source::Clearing(voucher, debtor) => DISCHARGES.get(scene, &(voucher, debtor))?.is_some_and(|done| {
            let mut paid = done.clearing_voucher.discharged.iter();
            paid.any(|owed| owed.creditor == issuer && moves(owed.asset))
        }),
        Source::Window(number) => {
            let mut has_credit = false;
            for owed in &told.discharged {
                let position = POSITIONS.or_default(scene, &(number, issuer, owed.asset))?;
                has_credit |= position.net_credit() > 0;
            }
            has_credit && state::is_settled(scene, number)?
        }
        Source::Ruling(voucher, obligation) => DISPUTES.get(scene, &(voucher, obligation))?.is_some_and(|dispute| {
            dispute.paid > 0 && dispute.contested.debtor == issuer && moves(dispute.contested.asset)
        }),
    })
}
