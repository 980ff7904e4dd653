//! What is owed: receipts, repayments, arrears.
use protocol::{
    credit::{receipt, Debt, DebtState},
    AccountId, Amount, RequestId, Signature,
};

use super::{domain, in_state, keep, pool::puts_in, Done};
use crate::audit::chain::rebuild::{checks::value_of, scene::Scene};

/// The payee's word that the payout arrived (S1.10). Anyone may send it.
pub(super) fn receipt_confirmed(scene: &mut Scene<'_>, id: RequestId) -> Done {
    let arguments = scene.arguments::<(RequestId, Signature)>("confirm_receipt");
    let Some(before) = in_state(scene, id, &[DebtState::Owed, DebtState::Settled])? else {
        return Ok(());
    };
    if let Some((asked, signature)) = arguments {
        scene.ensure(asked == id, "other-arguments", || {
            format!("the receipt of {id} was told, but the call names {asked}")
        });
        let payload = receipt(&domain(scene)?, &id);
        scene.signed(&before.payee.0, &payload, &signature, || {
            format!("the payee's, under the receipt of {id}")
        });
    }
    scene.ensure(!before.is_received, "twice", || {
        format!("the receipt of {id} was confirmed twice")
    });
    let debt = Debt {
        is_received: true,
        ..before
    };
    keep(scene, id, Some(&before), &debt)
}

/// Principal wasn't repaid in time: said by anyone, or by the repayment that came too late.
pub(super) fn fell_overdue(scene: &mut Scene<'_>, (id, principal, late_fee): (RequestId, Amount, Amount)) -> Done {
    // The repayment itself is told next, and its amount held against the call then.
    match scene.call_of("repay").map(|call| call.arguments.starts_with(&id.0)) {
        None => scene.exact_call("mark_overdue", &id, 0),
        Some(is_of_this) => {
            scene.ensure(is_of_this, "other-arguments", || {
                format!("the debt of {id} fell overdue when another was repaid")
            });
        }
    }
    let Some(before) = in_state(scene, id, &[DebtState::Owed])? else {
        return Ok(());
    };
    scene.not_before(before.due_at, format_args!("the debt of {id} fell overdue"));
    scene.ensure(!before.is_overdue, "twice", || {
        format!("the debt of {id} fell overdue twice")
    });
    let owed = (before.principal_owed(), before.late_fee);
    scene.ensure((principal, late_fee) == owed, "wrong-value", || {
        let (owed, fee) = owed;
        format!("{principal} and a fee of {late_fee} are said to be overdue of {id}; it is {owed}, the fee {fee}")
    });
    let debt = Debt {
        is_overdue: true,
        ..before
    };
    keep(scene, id, Some(&before), &debt)
}

/// A repayment, by anyone: principal first, then the late fee. It goes into the pool.
pub(super) fn repaid(
    scene: &mut Scene<'_>,
    (id, by, principal, late_fee): (RequestId, AccountId, Amount, Amount),
) -> Done {
    let Some(before) = in_state(scene, id, &[DebtState::Owed])? else {
        return Ok(());
    };
    let amount = principal.saturating_add(late_fee);
    let value = value_of(before.asset, amount);
    scene.exact_call("repay", &(id, amount), value);
    scene.sent_by(by, "who repaid");
    let now = scene.now();
    scene.ensure(before.is_overdue || now < before.due_at, "wrong-state", || {
        format!(
            "the debt of {id} was due at {}, repaid at {now}, and didn't fall overdue",
            before.due_at
        )
    });
    let (principal_owed, fee_owed) = (before.principal_owed(), before.fee_owed());
    scene.not_zero(amount, format_args!("what was repaid of {id}"));
    let is_right = principal == amount.min(principal_owed) && late_fee <= fee_owed;
    scene.ensure(is_right, "wrong-value", || {
        format!("{principal} and {late_fee} of the fee were repaid of {id}; {principal_owed} and {fee_owed} were owed")
    });

    let mut debt = Debt {
        repaid: before.repaid.saturating_add(principal),
        fee_paid: before.fee_paid.saturating_add(late_fee),
        ..before
    };
    if debt.principal_owed() == 0 && debt.fee_owed() == 0 {
        debt.state = DebtState::Settled;
    }
    keep(scene, id, Some(&before), &debt)?;
    puts_in(scene, debt.asset, amount)
}
