//! Gross settlement: a debtor's clearing voucher moves what it owes (S0.11).
use ink::env::DefaultEnvironment;
use protocol::{
    clearing::{Course, Discharge, Error},
    settlement::{Asset, ClearingVoucher, SignedClearingVoucher, Source, MAX_SOURCES},
};

use crate::{
    clearing::{Cleared, Clearing},
    records::Balances,
    Result,
};

impl Clearing {
    /// Executes one clearing voucher.
    pub(crate) fn clear(&mut self, signed: SignedClearingVoucher, balances: &mut Balances) -> Result<()> {
        let SignedClearingVoucher {
            voucher: original,
            clearing_voucher,
            ..
        } = signed;
        let (voucher, issuer) = (clearing_voucher.voucher, clearing_voucher.issuer);
        if ink::env::block_timestamp::<DefaultEnvironment>() >= clearing_voucher.expires_at {
            return Err(Error::ClearingVoucherExpired(voucher));
        }
        let known = (original.id() == voucher)
            .then(|| self.retention_of(&original))
            .flatten();
        let kept = known.ok_or(Error::UnknownVoucher(voucher))?;
        if kept.relation_id != clearing_voucher.relation {
            return Err(Error::WrongRelation(voucher));
        }
        if let Course::InWindow(_) = kept.course {
            return Err(Error::SettledNet(voucher));
        }
        if self.discharges.contains((voucher, issuer)) {
            return Err(Error::AlreadyCleared(voucher, issuer));
        }
        let owed = kept.relation.owed_by(issuer);
        if owed.is_empty() || owed != clearing_voucher.discharged {
            return Err(Error::DischargeMismatch(voucher));
        }
        self.ensure_sources(&clearing_voucher)?;

        for owed in &owed {
            if kept.course == Course::Reserved {
                let debtor = balances.of(self, owed.debtor, owed.asset);
                debtor.reserved = debtor.reserved.checked_sub(owed.amount).ok_or(Error::Overflow)?;
            } else {
                balances.spend(self, owed.debtor, owed.asset, owed.amount)?;
            }
            let source = Source::Clearing(voucher, issuer);
            balances.credit(self, owed.creditor, owed.asset, owed.amount, source)?;
        }
        let discharge = Discharge {
            clearing_voucher,
            cleared_in: ink::env::block_number::<DefaultEnvironment>(),
        };
        self.discharges.insert((voucher, issuer), &discharge);
        ink::env::emit_event::<DefaultEnvironment, _>(Cleared {
            voucher,
            id: discharge.clearing_voucher.id(),
            clearing_voucher: discharge.clearing_voucher,
        });
        Ok(())
    }

    /// Each source is an earlier record that credited the issuer in an asset that it discharges now.
    fn ensure_sources(&self, clearing_voucher: &ClearingVoucher) -> Result<()> {
        let ClearingVoucher {
            issuer,
            discharged,
            sources,
            ..
        } = clearing_voucher;
        if sources.is_empty() || sources.len() > MAX_SOURCES {
            return Err(Error::SourceCount);
        }
        let moves = |asset: Asset| discharged.iter().any(|owed| owed.asset == asset);
        for source in sources {
            let credited = match source {
                Source::Deposit(number) => self
                    .depositors
                    .get(number)
                    .is_some_and(|(member, asset)| member == *issuer && moves(asset)),
                Source::Clearing(voucher, debtor) => self.discharges.get((voucher, debtor)).is_some_and(|done| {
                    let mut paid = done.clearing_voucher.discharged.iter();
                    paid.any(|owed| owed.creditor == *issuer && moves(owed.asset))
                }),
                Source::Window(number) => {
                    let mut assets = discharged.iter().map(|owed| owed.asset);
                    self.is_settled(*number)
                        && assets.any(|asset| self.position(*number, *issuer, asset).net_credit() > 0)
                }
                Source::Ruling(voucher, obligation) => {
                    self.disputes.get((voucher, obligation)).is_some_and(|dispute| {
                        dispute.paid > 0 && dispute.contested.debtor == *issuer && moves(dispute.contested.asset)
                    })
                }
            };
            if !credited {
                return Err(Error::BadSource(*source));
            }
        }
        Ok(())
    }
}
