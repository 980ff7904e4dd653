//! From a signed request to a debt, or to nothing. A reservation is resolved once.
use protocol::{
    credit::{CreditRequest, Debt, DebtState, Leg, PayoutBlock},
    text::to_hex,
    AccountId, RequestId, Signature, Timestamp,
};

use super::{
    by_node, head, in_state, keep,
    limits::{is_frozen, node_limit},
    Done, DEBTS, IS_CREDIT, PAYOUTS,
};
use crate::audit::chain::rebuild::scene::{Notes, Scene};

/// Where a request's payee is to be paid, if that is on this chain.
const PAYOUT_HERE: Notes<RequestId, AccountId> = Notes::named("payout-here");

/// A request that payer and payee signed counts against both limits (S1.3, S1.6).
pub(super) fn reserved(scene: &mut Scene<'_>, (id, request): (RequestId, CreditRequest)) -> Done {
    by_node(scene)?;
    if let Some((asked, payer, payee)) = scene.arguments::<(CreditRequest, Signature, Signature)>("reserve") {
        scene.ensure(asked == request, "other-arguments", || {
            format!("another request was to be reserved than {id}")
        });
        let payload = request.payload();
        scene.signed(&request.payer.0, &payload, &payer, || {
            format!("the payer's, under request {id}")
        });
        scene.signed(&request.payee.0, &payload, &payee, || {
            format!("the payee's, under request {id}")
        });
    }
    ensure_sound(scene, id, &request, &request.debt)?;
    let earlier = DEBTS.get(scene, &id)?;
    scene.ensure(earlier.is_none(), "twice", || {
        format!("request {id} was reserved before")
    });
    scene.before(request.pay_by, format_args!("request {id} was reserved"));
    let is_frozen = is_frozen(scene, request.payer)?;
    scene.ensure(!is_frozen, "wrong-state", || {
        format!(
            "request {id} was reserved for {}, which is frozen",
            to_hex(&request.payer.0)
        )
    });
    let overdue = node_limit(scene, request.payer, request.debt.asset)?.overdue;
    scene.ensure(overdue == 0, "wrong-state", || {
        format!("request {id} was reserved for a payer of whose debts {overdue} are overdue")
    });

    if request.payout.genesis == scene.place.genesis {
        PAYOUT_HERE.put(&mut scene.kept(), &id, &request.payout.contract)?;
    }
    keep(scene, id, earlier.as_ref(), &Debt::reserved(&request))
}

/// A request that this contract may act on, as a debt's or a payout's side.
pub(super) fn ensure_sound(scene: &mut Scene<'_>, id: RequestId, request: &CreditRequest, here: &Leg) -> Done {
    scene.digest(request.id() == id, || {
        format!("request {id} has another id by what is in it: {}", request.id())
    });
    let head = head(scene)?;
    if let Err(fault) = request.check(head.map_or(0, |head| head.grace)) {
        scene.find("bad-terms", format!("request {id} is to be refused: {fault:?}"));
    }
    let genesis = head.map_or(scene.place.genesis, |head| head.genesis);
    let is_here = (here.genesis, here.contract) == (genesis, scene.told.contract);
    scene.ensure(is_here, "other-chain", || {
        format!("request {id} is for another chain or contract")
    });
    Ok(())
}

/// A reservation ends later, at most when the debt would be due.
pub(super) fn extended(scene: &mut Scene<'_>, (id, until): (RequestId, Timestamp)) -> Done {
    scene.exact_call("extend", &(id, until), 0);
    by_node(scene)?;
    let Some(before) = in_state(scene, id, &[DebtState::Reserved])? else {
        return Ok(());
    };
    let is_between = until > before.until && until <= before.due_at;
    scene.ensure(is_between, "bad-terms", || {
        let Debt {
            until: present, due_at, ..
        } = before;
        format!("the reservation of {id} until {present}, due at {due_at}, was extended until {until}")
    });
    keep(scene, id, Some(&before), &Debt { until, ..before })
}

/// The credit node won't pay.
pub(super) fn released(scene: &mut Scene<'_>, id: RequestId) -> Done {
    scene.exact_call("release", &id, 0);
    by_node(scene)?;
    let before = in_state(scene, id, &[DebtState::Reserved])?;
    ends(scene, id, before, DebtState::Released)
}

/// Nobody said in time that it paid. Anyone may send it.
pub(super) fn expired(scene: &mut Scene<'_>, id: RequestId) -> Done {
    scene.exact_call("expire", &id, 0);
    let before = in_state(scene, id, &[DebtState::Reserved])?;
    if let Some(debt) = &before {
        scene.not_before(debt.until, format_args!("the reservation of {id} expired"));
    }
    ends(scene, id, before, DebtState::Expired)
}

fn ends(scene: &mut Scene<'_>, id: RequestId, before: Option<Debt>, state: DebtState) -> Done {
    match before {
        Some(before) => keep(scene, id, Some(&before), &Debt { state, ..before }),
        None => Ok(()),
    }
}

/// The payee was paid: the payer owes. As much as this comes after the reservation's signed end, so much later the debt
/// is due.
pub(super) fn committed(scene: &mut Scene<'_>, (id, payout, due_at): (RequestId, PayoutBlock, Timestamp)) -> Done {
    scene.exact_call("commit", &(id, payout), 0);
    by_node(scene)?;
    let Some(before) = in_state(scene, id, &[DebtState::Reserved])? else {
        return Ok(());
    };
    let late_by = scene.now().saturating_sub(before.expires_at);
    let due = before.due_at.checked_add(late_by);
    scene.ensure(due == Some(due_at), "wrong-value", || {
        let signed = before.due_at;
        format!("the debt of {id}, signed as due at {signed} and committed {late_by} late, is due at {due_at}")
    });
    ensure_paid(scene, id, payout)?;
    let debt = Debt {
        state: DebtState::Owed,
        payout: Some(payout),
        due_at,
        ..before
    };
    keep(scene, id, Some(&before), &debt)
}

/// If the payee was to be paid on this chain, by a contract that is audited too, that must have paid, in that block.
fn ensure_paid(scene: &mut Scene<'_>, id: RequestId, payout: PayoutBlock) -> Done {
    let Some(contract) = PAYOUT_HERE.get(&scene.kept(), &id)? else {
        return Ok(());
    };
    let paying = scene.tables.of(contract);
    let is_audited = IS_CREDIT.get(&paying, &())?.is_some();
    let paid = PAYOUTS.within(&paying, &id)?;
    let number = payout.number;
    let is_paid = paid.is_some_and(|paid| paid.block == number);
    scene.ensure(!is_audited || is_paid, "unpaid", || {
        format!("request {id} was committed as paid in block {number} of this chain, where it wasn't paid")
    });
    Ok(())
}
