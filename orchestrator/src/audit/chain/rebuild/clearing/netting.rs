//! Retention in a window: positions add up, and nobody goes further negative than it may.
use protocol::{
    settlement::{Asset, Obligation},
    windows::{Position, MAX_POSITIONS},
    Member,
};
use scale::{Decode, Encode};

use super::state::{BALANCES, POSITIONS, WINDOWS};
use crate::audit::chain::{
    rebuild::scene::Scene,
    tables::{Kept, TablesError},
};

/// A batch that is being told.
#[derive(Encode, Decode)]
pub(super) struct Retaining {
    /// Its number.
    pub(super) batch: u32,
    /// The open window.
    pub(super) window: u32,
    /// How many vouchers it has, where the call tells.
    pub(super) total: Option<u32>,
    /// How many were told.
    pub(super) told: u32,
    /// How many positions the window had before.
    pub(super) positions: u32,
    /// The positions that it touches, as they were before.
    before: Vec<((Member, Asset), Position)>,
}

impl Retaining {
    /// None of its vouchers is told.
    pub(super) fn begin(
        scene: &mut Scene<'_>,
        batch: u32,
        window: u32,
        total: Option<u32>,
    ) -> Result<Self, TablesError> {
        let positions = WINDOWS.or_default(scene, &window)?.positions.len();
        Ok(Self {
            batch,
            window,
            total,
            told: 0,
            positions: u32::try_from(positions).unwrap_or(u32::MAX),
            before: Vec::new(),
        })
    }

    /// Adds what follows from a voucher to the open window.
    pub(super) fn add(&mut self, scene: &mut Scene<'_>, obligations: &[Obligation]) -> Result<(), TablesError> {
        let number = self.window;
        let mut window = WINDOWS.or_default(scene, &number)?;
        window.vouchers = window.vouchers.saturating_add(1);
        for owed in obligations {
            for (member, is_owed, owes) in [(owed.debtor, 0, owed.amount), (owed.creditor, owed.amount, 0)] {
                let mut position = POSITIONS.or_default(scene, &(number, member, owed.asset))?;
                self.remember((member, owed.asset), position);
                position.owes = position.owes.saturating_add(owes);
                position.owed = position.owed.saturating_add(is_owed);
                POSITIONS.put(scene, &(number, member, owed.asset), &position)?;
                if !window.positions.contains(&(member, owed.asset)) {
                    window.positions.push((member, owed.asset));
                }
            }
        }
        // New ones of a batch are in their own order, behind those before.
        let before = usize::try_from(self.positions).unwrap_or(usize::MAX);
        if let Some(new) = window.positions.get_mut(before..) {
            new.sort_unstable();
        }
        let count = window.positions.len();
        scene.ensure(count <= MAX_POSITIONS, "too-many", || {
            format!("window {number} has {count} positions")
        });
        WINDOWS.put(scene, &number, &window)
    }

    /// All vouchers were told: whoever owes more than before may, over all windows that are not paid.
    pub(super) fn end(self, kept: &Kept<'_>) -> Result<Vec<(&'static str, String)>, TablesError> {
        let mut faults = Vec::new();
        let Self { batch, told, .. } = self;
        if let Some(total) = self.total.filter(|total| *total != told) {
            faults.push((
                "not-told",
                format!("batch {batch} has {total} vouchers, {told} were told"),
            ));
        }
        for ((member, asset), before) in self.before {
            let position = POSITIONS
                .within(kept, &(self.window, member, asset))?
                .unwrap_or_default();
            if position.net_debit() <= before.net_debit() {
                continue;
            }
            let balance = BALANCES.within(kept, &(member, asset))?.unwrap_or_default();
            let needed = balance.unsettled.saturating_add(position.net_debit());
            if needed > balance.cap {
                let (cap, member) = (balance.cap, member.0);
                let detail = format!("member {member} owes {needed} after batch {batch}, and may owe {cap}");
                faults.push(("above-limit", detail));
            }
        }
        Ok(faults)
    }

    fn remember(&mut self, key: (Member, Asset), position: Position) {
        if !self.before.iter().any(|(known, _)| *known == key) {
            self.before.push((key, position));
        }
    }
}
