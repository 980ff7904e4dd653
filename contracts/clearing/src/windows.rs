//! Deferred net settlement: positions add up in the open window, and closing it moves the nets (S0.12, S0.14).
use ink::{
    env::DefaultEnvironment,
    prelude::{collections::BTreeMap, vec::Vec},
};
use protocol::{
    clearing::{Course, Error, Page},
    settlement::{Asset, Obligation, Relation, Source, Voucher},
    windows::{Certificate, CertificateLine, Closing, Position, Shortfall, Window, WindowState, MAX_POSITIONS},
    Member, VoucherId,
};

use crate::{
    clearing::{Clearing, WindowCutOff, WindowSettled, WindowShort},
    records::Balances,
    Result,
};

/// Positions as this call has them.
#[derive(Default)]
pub struct Netting {
    positions: BTreeMap<(Member, Asset), Position>,
    vouchers: u32,
}

impl Netting {
    /// Adds what follows from a voucher to the open window.
    pub fn add(&mut self, contract: &Clearing, obligations: &[Obligation]) -> Result<()> {
        self.vouchers = self.vouchers.checked_add(1).ok_or(Error::Overflow)?;
        for owed in obligations {
            let debtor = self.of(contract, owed.debtor, owed.asset);
            debtor.owes = debtor.owes.checked_add(owed.amount).ok_or(Error::Overflow)?;
            let creditor = self.of(contract, owed.creditor, owed.asset);
            creditor.owed = creditor.owed.checked_add(owed.amount).ok_or(Error::Overflow)?;
        }
        Ok(())
    }

    /// Whoever owes more than before may, over all windows that are not paid.
    pub fn ensure_within_caps(&self, contract: &Clearing, balances: &mut Balances) -> Result<()> {
        for ((member, asset), position) in &self.positions {
            let before = contract.position(contract.open_window, *member, *asset);
            if position.net_debit() <= before.net_debit() {
                continue;
            }
            let balance = balances.of(contract, *member, *asset);
            let needed = balance
                .unsettled
                .checked_add(position.net_debit())
                .ok_or(Error::Overflow)?;
            if needed > balance.cap {
                return Err(Error::CapExceeded {
                    member: *member,
                    cap: balance.cap,
                    needed,
                });
            }
        }
        Ok(())
    }

    /// Stores them.
    pub fn write(self, contract: &mut Clearing) -> Result<()> {
        if self.vouchers == 0 {
            return Ok(());
        }
        let number = contract.open_window;
        let mut window = contract.windows.get(number).unwrap_or_default();
        window.vouchers = window.vouchers.checked_add(self.vouchers).ok_or(Error::Overflow)?;
        for (key, position) in self.positions {
            if !window.positions.contains(&key) {
                if window.positions.len() >= MAX_POSITIONS {
                    return Err(Error::WindowFull);
                }
                window.positions.push(key);
            }
            contract.positions.insert((number, key.0, key.1), &position);
        }
        contract.windows.insert(number, &window);
        Ok(())
    }

    fn of(&mut self, contract: &Clearing, member: Member, asset: Asset) -> &mut Position {
        self.positions
            .entry((member, asset))
            .or_insert_with(|| contract.position(contract.open_window, member, asset))
    }
}

impl Clearing {
    /// The open window takes no more obligations, the next one does. What is owed in it counts against caps until paid.
    pub(crate) fn cut_off(&mut self, number: u32) -> Result<()> {
        if number != self.open_window {
            return Err(Error::WrongWindow { open: self.open_window });
        }
        let block = ink::env::block_number::<DefaultEnvironment>();
        let mut window = self.windows.get(number).unwrap_or_default();
        for (member, asset) in &window.positions {
            let debit = self.position(number, *member, *asset).net_debit();
            self.change_unsettled(*member, *asset, 0, debit)?;
        }
        window.state = WindowState::CutOff;
        window.cut_off_in = Some(block);
        self.windows.insert(number, &window);

        let next = number.checked_add(1).ok_or(Error::Overflow)?;
        self.open_window = next;
        let opened = Window {
            opened_in: block,
            ..Window::default()
        };
        self.windows.insert(next, &opened);
        ink::env::emit_event::<DefaultEnvironment, _>(WindowCutOff { window: number });
        Ok(())
    }

    /// Moves the nets of a window that is cut off: all of them, or none and says who is short.
    pub(crate) fn pay_window(&mut self, number: u32) -> Result<Closing> {
        let mut window = self.ensure_cut_off(number)?;
        let mut balances = Balances::default();
        let (mut shortfalls, mut lines) = (Vec::new(), Vec::with_capacity(window.positions.len()));
        for (member, asset) in window.positions.iter().copied() {
            let position = self.position(number, member, asset);
            let balance = balances.of(self, member, asset);
            lines.push(CertificateLine {
                member,
                asset,
                position,
                cap: balance.cap,
            });
            let (debit, credit) = (position.net_debit(), position.net_credit());
            balance.unsettled = balance.unsettled.checked_sub(debit).ok_or(Error::Overflow)?;
            if balance.spendable() < debit {
                shortfalls.push(Shortfall {
                    member,
                    asset,
                    available: balance.spendable(),
                    needed: debit,
                });
            } else if debit > 0 {
                balances.spend(self, member, asset, debit)?;
            } else if credit > 0 {
                balances.credit(self, member, asset, credit, Source::Window(number))?;
            }
        }
        if !shortfalls.is_empty() {
            ink::env::emit_event::<DefaultEnvironment, _>(WindowShort {
                window: number,
                shortfalls: shortfalls.clone(),
            });
            return Ok(Closing::Short(shortfalls));
        }
        balances.write(self);
        window.state = WindowState::Settled;
        window.settled_in = Some(ink::env::block_number::<DefaultEnvironment>());
        self.windows.insert(number, &window);
        let certificate = Certificate {
            window: number,
            vouchers: window.vouchers,
            lines,
        };
        ink::env::emit_event::<DefaultEnvironment, _>(WindowSettled {
            window: number,
            certificate: certificate.clone(),
        });
        Ok(Closing::Settled(certificate))
    }

    /// Takes vouchers out of a window that is cut off. Their obligations stand, and are paid one by one.
    pub(crate) fn take_from_window(&mut self, number: u32, vouchers: &[Voucher], ids: &[VoucherId]) -> Result<()> {
        let mut window = self.ensure_cut_off(number)?;
        for (voucher, id) in vouchers.iter().zip(ids) {
            let (page_number, slot) = Page::place(voucher.sequence);
            let mut page = self.page(voucher.originator, page_number);
            let kept = page
                .kept
                .iter_mut()
                .find(|kept| kept.slot == slot && kept.voucher == *id)
                .ok_or(Error::UnknownVoucher(*id))?;
            let batch = self.batch.get(kept.batch).ok_or(Error::UnknownVoucher(*id))?;
            if kept.course(batch.window) != Course::InWindow(number) {
                return Err(Error::NotInWindow(*id));
            }
            kept.taken_out = true;
            self.pages.insert((voucher.originator, page_number), &page);
            window.vouchers = window.vouchers.checked_sub(1).ok_or(Error::Overflow)?;

            let schedule = self.schedule(voucher.fees)?;
            let obligations = Relation::obligations_of(voucher, &schedule).ok_or(Error::Overflow)?;
            for owed in &obligations {
                self.change_position(number, owed.debtor, owed.asset, |position| {
                    position.owes = position.owes.checked_sub(owed.amount)?;
                    Some(())
                })?;
                self.change_position(number, owed.creditor, owed.asset, |position| {
                    position.owed = position.owed.checked_sub(owed.amount)?;
                    Some(())
                })?;
            }
        }
        self.windows.insert(number, &window);
        Ok(())
    }

    /// Whether a window was paid.
    pub(crate) fn is_settled(&self, number: u32) -> bool {
        let window = self.windows.get(number);
        window.is_some_and(|window| window.state == WindowState::Settled)
    }

    fn ensure_cut_off(&self, number: u32) -> Result<Window> {
        let window = self.windows.get(number);
        let cut_off = window.filter(|window| window.state == WindowState::CutOff);
        cut_off.ok_or(Error::WrongWindow { open: self.open_window })
    }

    fn change_position(
        &mut self,
        window: u32,
        member: Member,
        asset: Asset,
        change: impl FnOnce(&mut Position) -> Option<()>,
    ) -> Result<()> {
        let mut position = self.position(window, member, asset);
        let before = position.net_debit();
        change(&mut position).ok_or(Error::Overflow)?;
        self.positions.insert((window, member, asset), &position);
        self.change_unsettled(member, asset, before, position.net_debit())
    }

    /// A net debit in a window that is cut off was this much, and is that much now.
    fn change_unsettled(&mut self, member: Member, asset: Asset, before: u128, now: u128) -> Result<()> {
        if before == now {
            return Ok(());
        }
        let mut balance = self.balance(member, asset);
        let without = balance.unsettled.checked_sub(before).ok_or(Error::Overflow)?;
        balance.unsettled = without.checked_add(now).ok_or(Error::Overflow)?;
        self.balances.insert((member, asset), &balance);
        Ok(())
    }
}
