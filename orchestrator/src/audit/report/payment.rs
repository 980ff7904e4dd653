//! The payment of what the day came to: that the debit side's clearing voucher stands in the clearing contract.
use protocol::{settlement::Obligation, AccountId};

use super::{Outcome, Witness};
use crate::{chain::ChainError, reconciliation::report::Report};

pub(super) async fn check(
    report: &Report,
    witness: &dyn Witness,
    clearing: Option<AccountId>,
    outcome: &mut Outcome,
) -> Result<(), ChainError> {
    let head = &report.head;
    let payable = head.closed.payable;
    let voucher = match (payable, head.paid_by) {
        (0, None) => return Ok(()),
        (0, Some(_)) => {
            outcome.flaw("wrong-payment", "nothing was to be paid");
            return Ok(());
        }
        (_, None) => {
            outcome
                .unverified
                .push("that the day was paid: the report names no voucher".into());
            return Ok(());
        }
        (_, Some(voucher)) => voucher,
    };
    let Some(clearing) = clearing else {
        let told = format!("that the day was paid by voucher {voucher}: --deployment tells where payments are cleared");
        outcome.unverified.push(told);
        return Ok(());
    };
    let due = Obligation {
        debtor: head.terms.debit,
        creditor: head.terms.credit,
        asset: head.terms.asset,
        amount: payable,
    };
    let discharge = witness.discharge(clearing, voucher, due.debtor).await?;
    match discharge {
        Some(discharge) if discharge.clearing_voucher.discharged.contains(&due) => outcome.is_paid = true,
        Some(discharge) => outcome.flaw(
            "wrong-payment",
            format!(
                "by voucher {voucher} was paid: {:?}",
                discharge.clearing_voucher.discharged
            ),
        ),
        None => outcome.flaw(
            "not-paid",
            format!(
                "the clearing contract has no clearing voucher of member {} for {voucher}",
                due.debtor
            ),
        ),
    }
    Ok(())
}
