//! Whether a decision could be carried out now, and whether the chain shows it.
use protocol::{
    clearing::Course,
    decisions::Decision,
    fees::MAX_FEE_RULES,
    settlement::Voucher,
    windows::{WindowState, MAX_TAKEN_OUT},
};

use super::{DecisionError, Decisions};
use crate::settlement::ports::LedgerError;

/// The latest fee schedules that are looked at: between a decision and the look there are hardly as many.
const SCHEDULES: u32 = 8;

impl Decisions {
    /// Whether the contract would take it now. What it can't take isn't signed.
    pub(super) async fn ensure_possible(&self, decision: &Decision, vouchers: &[Voucher]) -> Result<(), DecisionError> {
        match decision {
            Decision::SetFees(rules) if rules.len() > MAX_FEE_RULES => {
                Err(DecisionError::TooManyRules { most: MAX_FEE_RULES })
            }
            Decision::SetFees(_) => Ok(()),
            Decision::SetCap { member, .. } => {
                let set = self.ledger.signers(&[*member]).await?;
                if set.signers.first().is_none_or(Option::is_none) {
                    return Err(DecisionError::UnknownMember(*member));
                }
                Ok(())
            }
            Decision::CloseWindow(window) => {
                let open = self.ledger.current().await?.window;
                if open != *window {
                    return Err(DecisionError::WrongWindow { open });
                }
                Ok(())
            }
            Decision::TakeOut { window, .. } => {
                if vouchers.is_empty() || vouchers.len() > MAX_TAKEN_OUT {
                    return Err(DecisionError::VoucherCount { most: MAX_TAKEN_OUT });
                }
                let found = self.ledger.window(*window).await?;
                if found.is_none_or(|found| found.state != WindowState::CutOff) {
                    return Err(DecisionError::NotCutOff(*window));
                }
                for voucher in vouchers {
                    let retention = self.ledger.retention(voucher).await?;
                    if retention.is_none_or(|kept| kept.course != Course::InWindow(*window)) {
                        return Err(DecisionError::NotInWindow(voucher.id()));
                    }
                }
                Ok(())
            }
            Decision::Rule {
                voucher, obligation, ..
            } => {
                let dispute = self.ledger.dispute(*voucher, *obligation).await?;
                if dispute.is_none_or(|dispute| dispute.ruling.is_some()) {
                    return Err(DecisionError::NoDispute {
                        voucher: *voucher,
                        obligation: *obligation,
                    });
                }
                Ok(())
            }
        }
    }

    /// Whether the chain is as it would be if the decision was carried out.
    pub(super) async fn shows(&self, decision: &Decision, vouchers: &[Voucher]) -> Result<bool, LedgerError> {
        match decision {
            Decision::SetFees(rules) => {
                let latest = self.ledger.current().await?.fees;
                for version in (1..=latest).rev().take(usize::try_from(SCHEDULES).unwrap_or(1)) {
                    if self.ledger.schedule(version).await?.as_ref() == Some(rules) {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Decision::SetCap { member, asset, cap } => Ok(self.ledger.balance(*member, *asset).await?.cap == *cap),
            Decision::CloseWindow(window) => Ok(self.ledger.current().await?.window > *window),
            Decision::TakeOut { .. } => {
                for voucher in vouchers {
                    let retention = self.ledger.retention(voucher).await?;
                    if retention.is_none_or(|kept| kept.course != Course::TakenOut) {
                        return Ok(false);
                    }
                }
                // None here: this notary doesn't keep them, and can't tell.
                Ok(!vouchers.is_empty())
            }
            Decision::Rule {
                voucher,
                obligation,
                ruling,
            } => {
                let dispute = self.ledger.dispute(*voucher, *obligation).await?;
                Ok(dispute.is_some_and(|dispute| dispute.ruling == Some(*ruling)))
            }
        }
    }
}
