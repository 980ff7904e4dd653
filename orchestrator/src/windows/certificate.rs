//! A window's certificate, worked out from the events alone: anybody can.
use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    fees::FeeRule,
    settlement::{Asset, Relation, Settlement},
    windows::{Certificate, CertificateLine, Position},
    Amount, Member, VoucherId,
};

use super::ports::Record;

/// What the events can't lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecomputeError {
    /// A voucher names a schedule that isn't handed along.
    #[error("voucher {0} names fee schedule {1}, which is not published")]
    UnknownFees(VoucherId, u32),
    /// A sum is beyond what an amount can hold, or below 0.
    #[error("the sums of window {0} are beyond what amounts can hold")]
    Overflow(u32),
    /// A voucher was taken out that was not in the window.
    #[error("voucher {0} was taken out of a window that it was not in")]
    NotInWindow(VoucherId),
}

/// Positions as they add up.
struct Sums {
    window: u32,
    /// In the order of their first obligation, as the contract keeps them.
    order: Vec<(Member, Asset)>,
    positions: BTreeMap<(Member, Asset), Position>,
    relations: BTreeMap<VoucherId, Relation>,
    /// The batch that is being read, and whom it touched for the first time.
    batch: Option<u32>,
    touched: BTreeSet<(Member, Asset)>,
}

/// The certificate of a window from what happened between the block that opened it and the one that paid it. `schedules`
/// are the fee schedules that its vouchers name, `caps` what members' caps were when it was paid.
///
/// # Errors
/// The events contradict each other: a contract that keeps its rules emits no such.
pub fn recompute(
    window: u32,
    records: &[Record],
    schedules: &BTreeMap<u32, Vec<FeeRule>>,
    caps: &BTreeMap<(Member, Asset), Amount>,
) -> Result<Certificate, RecomputeError> {
    let mut sums = Sums {
        window,
        order: vec![],
        positions: BTreeMap::new(),
        relations: BTreeMap::new(),
        batch: None,
        touched: BTreeSet::new(),
    };
    for record in records {
        match record {
            Record::Retained {
                batch,
                drawn_at,
                window: its,
                vouchers,
            } if *its == window => {
                if sums.batch != Some(*batch) {
                    sums.end_batch();
                    sums.batch = Some(*batch);
                }
                for voucher in vouchers.iter().filter(|voucher| voucher.settlement == Settlement::Net) {
                    let unknown = || RecomputeError::UnknownFees(voucher.id(), voucher.fees);
                    let rules = schedules.get(&voucher.fees).ok_or_else(unknown)?;
                    let relation = Relation::of(voucher, rules, *drawn_at);
                    sums.add(relation.ok_or(RecomputeError::Overflow(window))?)?;
                }
            }
            Record::TakenOut { window: its, vouchers } if *its == window => {
                for id in vouchers {
                    sums.take_out(*id)?;
                }
            }
            Record::Retained { .. } | Record::TakenOut { .. } | Record::Settled(_) => {}
        }
    }
    sums.end_batch();
    let line = |key: &(Member, Asset)| CertificateLine {
        member: key.0,
        asset: key.1,
        position: sums.positions.get(key).copied().unwrap_or_default(),
        cap: caps.get(key).copied().unwrap_or_default(),
    };
    Ok(Certificate {
        window,
        vouchers: u32::try_from(sums.relations.len()).map_err(|_| RecomputeError::Overflow(window))?,
        lines: sums.order.iter().map(line).collect(),
    })
}

impl Sums {
    fn add(&mut self, relation: Relation) -> Result<(), RecomputeError> {
        for owed in &relation.obligations {
            let overflow = RecomputeError::Overflow(self.window);
            let (debtor, creditor) = ((owed.debtor, owed.asset), (owed.creditor, owed.asset));
            self.touched.extend([debtor, creditor]);
            let position = self.positions.entry(debtor).or_default();
            position.owes = position.owes.checked_add(owed.amount).ok_or(overflow)?;
            let position = self.positions.entry(creditor).or_default();
            position.owed = position.owed.checked_add(owed.amount).ok_or(overflow)?;
        }
        self.relations.insert(relation.voucher, relation);
        Ok(())
    }

    fn take_out(&mut self, id: VoucherId) -> Result<(), RecomputeError> {
        self.end_batch();
        let relation = self.relations.remove(&id).ok_or(RecomputeError::NotInWindow(id))?;
        for owed in &relation.obligations {
            let overflow = RecomputeError::Overflow(self.window);
            let position = self.positions.entry((owed.debtor, owed.asset)).or_default();
            position.owes = position.owes.checked_sub(owed.amount).ok_or(overflow)?;
            let position = self.positions.entry((owed.creditor, owed.asset)).or_default();
            position.owed = position.owed.checked_sub(owed.amount).ok_or(overflow)?;
        }
        Ok(())
    }

    /// The contract appends a batch's new positions in their own order.
    fn end_batch(&mut self) {
        for key in std::mem::take(&mut self.touched) {
            if !self.order.contains(&key) {
                self.order.push(key);
            }
        }
    }
}
