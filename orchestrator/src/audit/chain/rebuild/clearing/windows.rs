//! Deferred net settlement: a window is cut off, is short or paid, and vouchers are taken out of it.
use protocol::{
    clearing::{Course, Kept, Page},
    decisions::{Approval, Decision},
    settlement::{Asset, Source, Voucher},
    windows::{Certificate, CertificateLine, Position, Shortfall, Window, WindowState, MAX_TAKEN_OUT},
    Amount, Member, VoucherId,
};

use super::{
    awaited::Awaited,
    believed,
    decisions::decided,
    state::{self, Head, Known, BALANCES, PAGES, POSITIONS, WINDOWS},
};
use crate::audit::chain::{rebuild::scene::Scene, tables::TablesError};

pub(super) fn cut_off(scene: &mut Scene<'_>, mut head: Head) -> Result<(), TablesError> {
    let Some(number) = scene.fields::<u32>() else {
        return Ok(());
    };
    scene.expect("the window that is cut off", number, head.open_window);
    let asked = scene.arguments::<(u32, Approval)>("close_window");
    let is_asked = asked.as_ref().is_none_or(|(asked, _)| *asked == number);
    scene.ensure(is_asked, "other-arguments", || {
        format!("another window was to be closed than {number}")
    });
    let approval = asked.map(|(_, approval)| approval);
    let next = number.saturating_add(1);
    head.open_window = next;
    decided(scene, &mut head, &Decision::CloseWindow(number), approval.as_ref())?;

    let block = scene.told.block.number;
    let mut window = WINDOWS.or_default(scene, &number)?;
    for (member, asset) in window.positions.iter().copied() {
        let position = POSITIONS.or_default(scene, &(number, member, asset))?;
        change_unsettled(scene, member, asset, 0, position.net_debit())?;
    }
    window.state = WindowState::CutOff;
    window.cut_off_in = Some(block);
    WINDOWS.put(scene, &number, &window)?;
    let opened = Window {
        opened_in: block,
        ..Window::default()
    };
    WINDOWS.put(scene, &next, &opened)?;
    Awaited::Payment { window: number }.put(scene)
}

pub(super) fn short(scene: &mut Scene<'_>, awaited: Option<Awaited>) -> Result<(), TablesError> {
    let Some((number, told)) = scene.fields::<(u32, Vec<Shortfall>)>() else {
        return Awaited::missed(scene, awaited);
    };
    ensure_asked(scene, number, awaited)?;
    let window = cut_off_window(scene, number)?;
    let reckoned = reckon(scene, number, &window)?;
    let is_same = !told.is_empty() && reckoned.shortfalls == told;
    scene.ensure(is_same, "wrong-value", || {
        let (found, said) = (reckoned.shortfalls.len(), told.len());
        format!("window {number} tells {said} shortfalls; {found} follow, or others")
    });
    Ok(())
}

pub(super) fn settled(scene: &mut Scene<'_>, awaited: Option<Awaited>) -> Result<(), TablesError> {
    let Some((number, told)) = scene.fields::<(u32, Certificate)>() else {
        return Awaited::missed(scene, awaited);
    };
    ensure_asked(scene, number, awaited)?;
    let mut window = cut_off_window(scene, number)?;
    let reckoned = reckon(scene, number, &window)?;
    let certificate = Certificate {
        window: number,
        vouchers: window.vouchers,
        lines: reckoned.lines,
    };
    scene.digest(certificate == told, || format!("the certificate of window {number}"));
    scene.ensure(reckoned.shortfalls.is_empty(), "overspent", || {
        let short: Vec<u16> = reckoned.shortfalls.iter().map(|short| short.member.0).collect();
        format!("window {number} was paid, but members {short:?} couldn't")
    });
    for line in &certificate.lines {
        pay(scene, number, line)?;
    }
    window.state = WindowState::Settled;
    window.settled_in = Some(scene.told.block.number);
    WINDOWS.put(scene, &number, &window)
}

pub(super) fn taken_out(scene: &mut Scene<'_>, mut head: Head) -> Result<(), TablesError> {
    let Some((number, ids)) = scene.fields::<(u32, Vec<VoucherId>)>() else {
        return Ok(());
    };
    let asked = scene.arguments::<(u32, Vec<Voucher>, Approval)>("take_out");
    if let Some((window, vouchers, _)) = &asked {
        for voucher in vouchers {
            believed::learn(scene, voucher)?;
        }
        let is_asked = *window == number && vouchers.iter().map(Voucher::id).eq(ids.iter().copied());
        scene.digest(is_asked, || {
            format!("the vouchers that were to be taken out of window {number}")
        });
    }
    let approval = asked.map(|(_, _, approval)| approval);
    let decision = Decision::TakeOut {
        window: number,
        vouchers: ids.clone(),
    };
    decided(scene, &mut head, &decision, approval.as_ref())?;
    scene.ensure((1..=MAX_TAKEN_OUT).contains(&ids.len()), "too-many", || {
        format!("{} vouchers are taken out at once", ids.len())
    });
    let mut window = cut_off_window(scene, number)?;
    for id in ids {
        if take_out(scene, number, id)? {
            window.vouchers = window.vouchers.saturating_sub(1);
        }
    }
    WINDOWS.put(scene, &number, &window)
}

/// What comes of a window.
struct Reckoned {
    lines: Vec<CertificateLine>,
    shortfalls: Vec<Shortfall>,
}

fn reckon(scene: &mut Scene<'_>, number: u32, window: &Window) -> Result<Reckoned, TablesError> {
    let mut reckoned = Reckoned {
        lines: Vec::new(),
        shortfalls: Vec::new(),
    };
    for (member, asset) in window.positions.iter().copied() {
        let position = POSITIONS.or_default(scene, &(number, member, asset))?;
        let balance = BALANCES.or_default(scene, &(member, asset))?;
        reckoned.lines.push(CertificateLine {
            member,
            asset,
            position,
            cap: balance.cap,
        });
        let (available, needed) = (balance.spendable(), position.net_debit());
        if available < needed {
            reckoned.shortfalls.push(Shortfall {
                member,
                asset,
                available,
                needed,
            });
        }
    }
    Ok(reckoned)
}

/// Moves the net of one position. The contract writes every balance, changed or not.
fn pay(scene: &mut Scene<'_>, window: u32, line: &CertificateLine) -> Result<(), TablesError> {
    let (member, asset) = (line.member, line.asset);
    let (debit, credit) = (line.position.net_debit(), line.position.net_credit());
    let mut balance = BALANCES.or_default(scene, &(member, asset))?;
    balance.unsettled = state::less(scene, balance.unsettled, debit, || {
        format!("what member {} owes in windows", member.0)
    });
    // Who can't pay was found already.
    balance.available = balance.available.saturating_sub(debit).saturating_add(credit);
    if credit > 0 {
        balance.last_credit = Some(Source::Window(window));
    }
    BALANCES.put(scene, &(member, asset), &balance)
}

/// A window is paid when it is closed, or when somebody asks for it.
fn ensure_asked(scene: &mut Scene<'_>, number: u32, awaited: Option<Awaited>) -> Result<(), TablesError> {
    match awaited {
        Some(Awaited::Payment { window }) if window == number => return Ok(()),
        other => Awaited::missed(scene, other)?,
    }
    if let Some(asked) = scene.arguments::<u32>("settle_window") {
        scene.ensure(asked == number, "other-arguments", || {
            format!("window {asked} was to be paid, {number} is told")
        });
    }
    Ok(())
}

fn cut_off_window(scene: &mut Scene<'_>, number: u32) -> Result<Window, TablesError> {
    let window = WINDOWS.or_default(scene, &number)?;
    scene.ensure(window.state == WindowState::CutOff, "wrong-state", || {
        format!("window {number} is {:?}, not cut off", window.state)
    });
    Ok(window)
}

/// Takes a voucher out of a window; whether it was in it.
fn take_out(scene: &mut Scene<'_>, number: u32, id: VoucherId) -> Result<bool, TablesError> {
    let known = Known::of(scene, id)?.filter(|known| known.course() == Course::InWindow(number));
    let Some(known) = known else {
        let what = format!("taken out of window {number}, and not in it");
        believed::unknown(scene, id, &what)?;
        return Ok(false);
    };
    let voucher = &known.voucher;
    let (page_number, slot) = Page::place(voucher.sequence);
    let mut page = PAGES.or_default(scene, &(voucher.originator, page_number))?;
    let its = |kept: &&mut Kept| kept.slot == slot && kept.voucher == id;
    if let Some(kept) = page.kept.iter_mut().find(its) {
        kept.taken_out = true;
    }
    PAGES.put(scene, &(voucher.originator, page_number), &page)?;
    for owed in &known.relation.obligations {
        let (asset, amount) = (owed.asset, owed.amount);
        change_position(scene, number, (owed.debtor, asset), |scene, position| {
            position.owes = state::less(scene, position.owes, amount, || {
                format!("what is owed in window {number}")
            });
        })?;
        change_position(scene, number, (owed.creditor, asset), |scene, position| {
            position.owed = state::less(scene, position.owed, amount, || {
                format!("what is owed in window {number}")
            });
        })?;
    }
    Ok(true)
}

fn change_position(
    scene: &mut Scene<'_>,
    window: u32,
    (member, asset): (Member, Asset),
    change: impl FnOnce(&mut Scene<'_>, &mut Position),
) -> Result<(), TablesError> {
    let mut position = POSITIONS.or_default(scene, &(window, member, asset))?;
    let before = position.net_debit();
    change(scene, &mut position);
    POSITIONS.put(scene, &(window, member, asset), &position)?;
    change_unsettled(scene, member, asset, before, position.net_debit())
}

/// A net debit in a window that is cut off was this much, and is that much now.
fn change_unsettled(
    scene: &mut Scene<'_>,
    member: Member,
    asset: Asset,
    before: Amount,
    now: Amount,
) -> Result<(), TablesError> {
    if before == now {
        return Ok(());
    }
    let mut balance = BALANCES.or_default(scene, &(member, asset))?;
    let without = state::less(scene, balance.unsettled, before, || {
        format!("what member {} owes in windows", member.0)
    });
    balance.unsettled = without.saturating_add(now);
    BALANCES.put(scene, &(member, asset), &balance)
}
