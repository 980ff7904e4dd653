//! Retention: co-signed vouchers are kept, and what follows from them is set aside or netted.
use protocol::{
    clearing::{Batch, Kept, Page, Retained as RetainedVoucher},
    settlement::{Obligation, Relation, RetentionBatch, Settlement, TransactionKind, Voucher, MAX_BATCH, MAX_REFUNDS},
    signing::{self, MemberSignature},
    Member, VoucherId,
};
use scale::Decode;

use super::{
    awaited::Awaited,
    believed,
    netting::Retaining,
    signed,
    state::{self, Head, Known, BALANCES, BATCHES, PAGES, UNDISCHARGED, VOUCHERS},
};
use crate::audit::chain::{
    rebuild::{
        registry::{ensure_epoch, present},
        scene::Scene,
    },
    tables::TablesError,
    Call,
};

/// The vouchers of one event at most: fewer are the batch's last ones.
const EVENT_VOUCHERS: usize = 48;

#[derive(Decode)]
struct Retained {
    batch: u32,
    drawn_at: u64,
    window: u32,
    epoch: u32,
    signers: Vec<Member>,
    vouchers: Vec<RetainedVoucher>,
}

type Arguments = (RetentionBatch, Vec<MemberSignature>);

pub(super) fn retained(scene: &mut Scene<'_>, head: Head, awaited: Option<Awaited>) -> Result<(), TablesError> {
    let Some(told) = scene.fields::<Retained>() else {
        return Awaited::missed(scene, awaited);
    };
    let mut retaining = match awaited {
        Some(Awaited::Vouchers(retaining)) if retaining.batch == told.batch => retaining,
        other => {
            Awaited::missed(scene, other)?;
            begin(scene, head, &told)?
        }
    };
    ensure_told_as_asked(scene, &told, &retaining);
    for retained in &told.vouchers {
        keep(scene, &told, retained, &mut retaining)?;
        retaining.told = retaining.told.saturating_add(1);
    }
    let is_last = match retaining.total {
        Some(total) => retaining.told >= total,
        None => told.vouchers.len() < EVENT_VOUCHERS,
    };
    let awaited = Awaited::Vouchers(retaining);
    if is_last {
        Awaited::missed(scene, Some(awaited))
    } else {
        awaited.put(scene)
    }
}

/// Keeps what the vouchers have in common, and checks who signed.
fn begin(scene: &mut Scene<'_>, head: Head, told: &Retained) -> Result<Retaining, TablesError> {
    let number = told.batch;
    scene.expect("the batch's number", number, head.batches);
    scene.expect(
        format_args!("the window of batch {number}"),
        told.window,
        head.open_window,
    );
    let head = Head {
        batches: number.saturating_add(1),
        ..head
    };
    scene.kept().set_head(&head)?;
    let block = scene.told.block;
    let common = Batch {
        drawn_at: told.drawn_at,
        retained_at: block.time,
        retained_in: block.number,
        window: told.window,
    };
    BATCHES.put(scene, &number, &common)?;
    let set = present(scene, &[])?;
    ensure_epoch(scene, told.epoch, &set);
    let mut total = None;
    if let Some((batch, signatures)) = scene.arguments::<Arguments>("retain_batch") {
        total = u32::try_from(batch.vouchers.len()).ok();
        ensure_acceptable(scene, &batch);
        for original in &batch.refunded {
            believed::learn(scene, original)?;
        }
        scene.ensure(signing::members(&signatures) == told.signers, "other-arguments", || {
            format!("others signed batch {number} than is told")
        });
        signed::ensure_retention(scene, &batch, &signatures)?;
    } else {
        signed::ensure_signers(scene, &told.signers)?;
    }
    Retaining::begin(scene, number, told.window, total)
}

/// Its size and time are right, and it brings along what its refunds name.
fn ensure_acceptable(scene: &mut Scene<'_>, batch: &RetentionBatch) {
    let (vouchers, refunds) = (batch.vouchers.len(), batch.refunded.len());
    let fits = (1..=MAX_BATCH).contains(&vouchers) && refunds <= MAX_REFUNDS;
    scene.ensure(fits, "too-many", || {
        format!("a batch of {vouchers} vouchers and {refunds} refunds")
    });
    scene.in_time(batch.expires_at, "the batch");
    let named = batch.vouchers.iter().filter_map(|voucher| match voucher.kind {
        TransactionKind::Refund(original) => Some(original),
        _ => None,
    });
    let is_along = named.eq(batch.refunded.iter().map(Voucher::id));
    scene.ensure(is_along, "bad-terms", || {
        "the batch brings along others than its refunds name".to_owned()
    });
}

/// The event tells the next vouchers that were asked for, and what they were asked for with.
fn ensure_told_as_asked(scene: &mut Scene<'_>, told: &Retained, retaining: &Retaining) {
    let asked = scene.call_of("retain_batch").and_then(Call::read::<Arguments>);
    let Some((batch, _)) = asked else { return };
    let from = usize::try_from(retaining.told).unwrap_or(usize::MAX);
    let next = batch.vouchers.iter().skip(from).take(told.vouchers.len());
    let is_next = next.eq(told.vouchers.iter().map(|retained| &retained.voucher));
    let is_same = (batch.epoch, batch.drawn_at, retaining.window) == (told.epoch, told.drawn_at, told.window);
    scene.ensure(is_next && is_same, "other-arguments", || {
        format!("batch {} was asked for with other vouchers than are told", told.batch)
    });
}

fn keep(
    scene: &mut Scene<'_>,
    told: &Retained,
    retained: &RetainedVoucher,
    retaining: &mut Retaining,
) -> Result<(), TablesError> {
    let (id, voucher) = (retained.id, &retained.voucher);
    scene.digest(voucher.id() == id, || format!("the id of voucher {id}"));
    ensure_voucher(scene, told, id, voucher);
    keep_in_page(scene, told.batch, id, voucher)?;
    if let TransactionKind::Refund(original) = voucher.kind {
        give_back(scene, told.batch, voucher, original)?;
    }
    VOUCHERS.put(&mut scene.kept(), &id, voucher)?;

    let schedule = state::schedule(scene, voucher.fees)?;
    scene.ensure(schedule.is_some(), "unknown", || {
        format!(
            "voucher {id} names the fee schedule {}, which was never published",
            voucher.fees
        )
    });
    let relation = Relation::of(voucher, &schedule.unwrap_or_default(), told.drawn_at);
    let is_same = relation
        .as_ref()
        .is_some_and(|relation| relation.id() == retained.relation);
    scene.digest(is_same, || {
        format!("the relation {} of voucher {id}", retained.relation)
    });
    let Some(relation) = relation else { return Ok(()) };
    match voucher.settlement {
        Settlement::Gross => set_aside(scene, id, &relation),
        Settlement::Net => retaining.add(scene, &relation.obligations),
    }
}

fn ensure_voucher(scene: &mut Scene<'_>, told: &Retained, id: VoucherId, voucher: &Voucher) {
    if let Err(fault) = voucher.check() {
        scene.find("bad-terms", format!("voucher {id}: {fault:?}"));
    }
    scene.in_time(voucher.expires_at, format_args!("voucher {id}"));
    let parties = voucher.parties();
    let missing = parties.iter().find(|party| !told.signers.contains(party));
    scene.ensure(missing.is_none(), "missing-signature", || {
        format!("not every party signed voucher {id}")
    });
}

fn keep_in_page(scene: &mut Scene<'_>, batch: u32, id: VoucherId, voucher: &Voucher) -> Result<(), TablesError> {
    let (number, slot) = Page::place(voucher.sequence);
    let mut page = PAGES.or_default(scene, &(voucher.originator, number))?;
    let is_free = page.take(slot);
    scene.ensure(is_free, "twice", || {
        let (sequence, originator) = (voucher.sequence, voucher.originator.0);
        format!("member {originator}'s number {sequence} is used again, for voucher {id}")
    });
    page.kept.push(Kept {
        slot,
        voucher: id,
        batch,
        settlement: voucher.settlement,
        taken_out: false,
    });
    PAGES.put(scene, &(voucher.originator, number), &page)
}

/// A refund gives back no more than is left of what was paid, to who paid it.
fn give_back(scene: &mut Scene<'_>, batch: u32, refund: &Voucher, named: VoucherId) -> Result<(), TablesError> {
    let original = Known::of(scene, named)?.filter(|known| known.kept.batch != batch);
    let Some(Known { voucher: original, .. }) = original else {
        return believed::unknown(scene, named, "refunded, and retained in no earlier batch");
    };
    let (paid, back) = (original.principal(), refund.principal());
    let is_same = original.originator == refund.originator
        && original.home == refund.home
        && original.user == refund.user
        && original.wallet == refund.wallet
        && original.asset == refund.asset
        && paid.debtor == back.creditor
        && paid.creditor == back.debtor;
    scene.ensure(is_same, "bad-terms", || {
        format!("the refund of voucher {named} involves others")
    });
    state::take_back(scene, named, 0, paid.amount, refund.amount)
}

/// The debtors' money is kept for the creditors.
fn set_aside(scene: &mut Scene<'_>, id: VoucherId, relation: &Relation) -> Result<(), TablesError> {
    for Obligation {
        debtor, asset, amount, ..
    } in relation.obligations.iter().copied()
    {
        state::spend(scene, debtor, asset, amount)?;
        let mut balance = BALANCES.or_default(scene, &(debtor, asset))?;
        balance.reserved = balance.reserved.saturating_add(amount);
        BALANCES.put(scene, &(debtor, asset), &balance)?;
    }
    for debtor in relation.debtors() {
        UNDISCHARGED.put(&mut scene.kept(), &(id, debtor), &relation.owed_by(debtor))?;
    }
    Ok(())
}
