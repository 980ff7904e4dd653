//! What an event of the clearing contract moves on a member's account.
use std::collections::BTreeMap;

use protocol::{
    fees::FeeRule,
    settlement::{Asset, ClearingVoucher, Obligation, Relation, Settlement, Voucher},
    Amount, Member, VoucherId,
};

use super::{Kind, Movement, StatementError};
use crate::journal::{Event, Told};

/// What an event names without saying it.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Fee schedules, by version.
    pub(super) schedules: BTreeMap<u32, Vec<FeeRule>>,
    /// Vouchers that were retained on this day or before.
    pub(super) vouchers: BTreeMap<VoucherId, Voucher>,
    /// Obligations that disputes are over.
    pub(super) contested: BTreeMap<(VoucherId, u8), Obligation>,
}

/// What the event moves on the member's account, in the order of the event.
pub(super) fn of(member: Member, told: &Told, known: &Known) -> Result<Vec<Movement>, StatementError> {
    let page = Page { member, told };
    match &told.event {
        Event::Deposited {
            member: whose,
            asset,
            amount,
            deposit,
        } if *whose == member => {
            let line = page.line(Kind::Deposited, *asset, plus(*amount)?, 0);
            Ok(vec![Movement {
                deposit: Some(*deposit),
                ..line
            }])
        }
        Event::Withdrawn {
            member: whose,
            asset,
            amount,
        } if *whose == member => Ok(vec![page.line(Kind::Withdrawn, *asset, minus(*amount)?, 0)]),
        Event::Retained { drawn_at, vouchers, .. } => {
            let mut lines = Vec::new();
            for voucher in vouchers
                .iter()
                .filter(|voucher| voucher.settlement == Settlement::Gross)
            {
                let rules = known.schedules.get(&voucher.fees);
                let relation = rules.and_then(|rules| Relation::of(voucher, rules, *drawn_at));
                let relation = relation.ok_or(StatementError::UnknownFees(voucher.fees))?;
                for (place, owed) in relation.obligations.iter().enumerate() {
                    if owed.debtor == member {
                        let (kind, amount) = (reserved(place), owed.amount);
                        let line = page.line(kind, owed.asset, minus(amount)?, plus(amount)?);
                        lines.push(line.between(relation.voucher, owed.creditor));
                    }
                }
            }
            Ok(lines)
        }
        Event::Cleared(paid) => page.cleared(paid, known),
        Event::WindowSettled(certificate) => {
            let mut lines = Vec::new();
            for line in certificate.lines.iter().filter(|line| line.member == member) {
                let net = plus(line.position.net_credit())?
                    .checked_sub(plus(line.position.net_debit())?)
                    .ok_or(StatementError::Overflow)?;
                if net != 0 {
                    let line = page.line(Kind::WindowNet, line.asset, net, 0);
                    lines.push(Movement {
                        window: Some(certificate.window),
                        ..line
                    });
                }
            }
            Ok(lines)
        }
        Event::AwardPaid {
            voucher,
            obligation,
            amount,
        } => {
            let contested = known.contested.get(&(*voucher, *obligation));
            let contested = contested.ok_or(StatementError::UnknownVoucher(*voucher))?;
            // What was paid goes back: from who got it to who paid it.
            Ok(if contested.debtor == member {
                let line = page.line(Kind::AwardReceived, contested.asset, plus(*amount)?, 0);
                vec![line.between(*voucher, contested.creditor)]
            } else if contested.creditor == member {
                let line = page.line(Kind::AwardPaid, contested.asset, minus(*amount)?, 0);
                vec![line.between(*voucher, contested.debtor)]
            } else {
                vec![]
            })
        }
        Event::Deposited { .. }
        | Event::Withdrawn { .. }
        | Event::TakenOut { .. }
        | Event::WindowShort { .. }
        | Event::DisputeOpened { .. }
        | Event::DisputeAnswered { .. }
        | Event::DisputeRuled { .. } => Ok(vec![]),
    }
}

/// Whose account, and what is entered.
struct Page<'a> {
    member: Member,
    told: &'a Told,
}

impl Page<'_> {
    fn line(&self, kind: Kind, asset: Asset, available: i128, reserved: i128) -> Movement {
        Movement {
            kind,
            asset,
            available,
            reserved,
            voucher: None,
            counterparty: None,
            window: None,
            deposit: None,
            block: self.told.block,
            event: self.told.index,
        }
    }

    fn cleared(&self, paid: &ClearingVoucher, known: &Known) -> Result<Vec<Movement>, StatementError> {
        let touches = |owed: &Obligation| owed.debtor == self.member || owed.creditor == self.member;
        if !paid.discharged.iter().any(touches) {
            return Ok(vec![]);
        }
        let voucher = known.vouchers.get(&paid.voucher);
        let voucher = voucher.ok_or(StatementError::UnknownVoucher(paid.voucher))?;
        let mut lines = Vec::new();
        for (place, owed) in paid.discharged.iter().enumerate() {
            // The relation has the principal before the fees, and a discharge is in its order.
            let is_principal = place == 0 && *owed == voucher.principal();
            let amount = owed.amount;
            if owed.debtor == self.member {
                let kind = if is_principal { Kind::Paid } else { Kind::FeePaid };
                // What was taken out of a window was never set aside.
                let (available, reserved) = match voucher.settlement {
                    Settlement::Gross => (0, minus(amount)?),
                    Settlement::Net => (minus(amount)?, 0),
                };
                let line = self.line(kind, owed.asset, available, reserved);
                lines.push(line.between(paid.voucher, owed.creditor));
            } else if owed.creditor == self.member {
                let kind = if is_principal {
                    Kind::Received
                } else {
                    Kind::FeeReceived
                };
                let line = self.line(kind, owed.asset, plus(amount)?, 0);
                lines.push(line.between(paid.voucher, owed.debtor));
            }
        }
        Ok(lines)
    }
}

impl Movement {
    fn between(self, voucher: VoucherId, counterparty: Member) -> Self {
        Self {
            voucher: Some(voucher),
            counterparty: Some(counterparty),
            ..self
        }
    }
}

const fn reserved(place: usize) -> Kind {
    match place {
        0 => Kind::Reserved,
        _ => Kind::FeeReserved,
    }
}

fn plus(amount: Amount) -> Result<i128, StatementError> {
    i128::try_from(amount).map_err(|_| StatementError::Overflow)
}

fn minus(amount: Amount) -> Result<i128, StatementError> {
    plus(amount)?.checked_neg().ok_or(StatementError::Overflow)
}
