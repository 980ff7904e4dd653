//! Pays what closed days come to, from the debit side to the credit side, through clearing, once (S3.5).
use super::{
    super::{
        fault::ReconciliationError,
        ports::{Paid, PaymentOrder},
        seat::Seat,
        Reconciliation,
    },
    state::DayState,
    Step,
};
use crate::{settlement::failpoints, store::days::DayRow};

impl Reconciliation {
    /// A closed day, at the debit side. After a payment that came to nothing, a person says when it is tried again.
    pub(super) async fn begin_paying(&self, seat: &Seat, row: &DayRow) -> Result<Step, ReconciliationError> {
        let Some(closed) = row.closed.filter(|_| !seat.leads()) else {
            return Ok(Step::Rests);
        };
        if closed.payable == 0 {
            let paid = DayRow {
                state: DayState::Paid,
                ..row.clone()
            };
            return self.save(&paid, Some("there is nothing to pay")).await;
        }
        if row.attempt > 0 {
            return Ok(Step::Rests);
        }
        self.try_paying(row).await
    }

    /// Under the next number: stored before it is handed in.
    pub(in super::super) async fn try_paying(&self, row: &DayRow) -> Result<Step, ReconciliationError> {
        let attempt = row.attempt.saturating_add(1);
        let paying = DayRow {
            state: DayState::Paying,
            attempt,
            failure: None,
            failures: 0,
            retry_at: 0,
            ..row.clone()
        };
        self.save(&paying, Some(&format!("payment {attempt} is handed in")))
            .await
    }

    /// A crash here is harmless: the closing's id and the attempt name the payment.
    pub(super) async fn pay_step(&self, seat: &Seat, row: &DayRow) -> Result<Step, ReconciliationError> {
        let Some(closed) = row.closed else {
            return Ok(Step::Rests);
        };
        let beneficiary = seat.settings.beneficiary.clone();
        let beneficiary = beneficiary.ok_or(ReconciliationError::NoBeneficiary(seat.other))?;
        let order = PaymentOrder {
            closing: closed.id,
            attempt: row.attempt,
            to: seat.other,
            beneficiary,
            asset: seat.terms.asset,
            amount: closed.payable,
        };
        failpoints::reach("reconciliation.pay.acting".to_owned()).await;
        match self.treasury.pay(&order).await? {
            Paid::Pending => Ok(Step::Rests),
            Paid::Cleared(voucher) => {
                failpoints::reach("reconciliation.pay.acted".to_owned()).await;
                let paid = DayRow {
                    state: DayState::Paid,
                    voucher: Some(voucher),
                    failure: None,
                    ..row.clone()
                };
                self.save(
                    &paid,
                    Some(&format!("{} is paid, by the voucher {voucher}", closed.payable)),
                )
                .await
            }
            Paid::Failed(why) => {
                let failed = DayRow {
                    state: DayState::Closed,
                    failure: Some(why.clone()),
                    ..row.clone()
                };
                let line = format!("payment {} came to nothing: {why}", row.attempt);
                self.save(&failed, Some(&line)).await
            }
        }
    }
}
