//! A debtor pays what it owes under a relation (S0.11, S0.12). The same for an originator and a home institution.
use protocol::{
    clearing::{Course, Error as Refused, Retention},
    settlement::{ClearingVoucher, SignedClearingVoucher, MAX_CLEARING_BATCH},
    VoucherId,
};

use super::{
    batches,
    members::Members,
    messages::clearing_payload,
    ports::LedgerError,
    runner::{cleared_in, Next, StepError},
    state::State,
    Settlement,
};
use crate::store::payments::{Document, Effect, PaymentRow};

const KIND: &str = "clearing-voucher";

/// The states between which a debtor's payment moves.
#[derive(Clone, Copy)]
pub(super) struct Discharging {
    pub(super) owing: State,
    pub(super) signed: State,
    pub(super) cleared: State,
}

/// Writes the clearing voucher, or waits for the debtors. What is settled net is paid with its window, unless the
/// notaries took it out: then its debtors pay it as if it were gross.
///
/// A crash here is harmless: nothing leaves the institution before the voucher is stored.
pub(super) async fn sign(saga: &Settlement, payment: &PaymentRow, way: Discharging) -> Result<Next, StepError> {
    let id = payment.voucher.id();
    let retention = saga
        .retention(payment)
        .await?
        .ok_or(StepError::Missing("retention on chain"))?;
    remember_window(saga, id, &retention);
    if let Some(next) = cleared(saga, payment, &retention, way).await? {
        return Ok(next);
    }
    if let Course::InWindow(_) = retention.course {
        return Ok(Next::Wait);
    }
    let discharged = retention.relation.owed_by(saga.member);
    let Some(first) = discharged.first().filter(|_| !has_paid(saga, &retention)) else {
        return Ok(Next::Wait);
    };
    let balance = saga.ledger.balance(saga.member, first.asset).await?;
    let epoch = Members::read(&*saga.ledger, &[saga.member]).await?.epoch;
    // The chain judges by its own clock: what is signed by a slower one could be void at once.
    let now = saga.clock.now().max(saga.ledger.time().await?);
    let clearing_voucher = ClearingVoucher {
        voucher: id,
        relation: retention.relation_id,
        issuer: saga.member,
        discharged,
        sources: vec![balance.last_credit.ok_or(StepError::NoSource)?],
        issued_at: now,
        expires_at: now.saturating_add(saga.voucher_lifetime),
    };
    let payload = clearing_payload(&saga.domain(epoch), &clearing_voucher);
    let signed = SignedClearingVoucher {
        voucher: payment.voucher.clone(),
        clearing_voucher,
        epoch,
        signature: saga.key.sign(&payload),
    };
    // Each attempt is a paper of its own. Numbered, because the clock may be set back between two of them.
    let papers = saga.store.documents(id).await?;
    let earlier = papers.iter().filter(|paper| paper.kind.starts_with(KIND)).count();
    let kind = format!("{KIND}.{earlier:06}");
    let paper = Effect::Keep(Document::new(&kind, saga.member, epoch, &signed)?);
    Ok(Next::to(way.signed, "clearing voucher signed", vec![paper]))
}

/// Whether the payment is known to wait in the window that is open. Until that is closed nothing can happen to it, and
/// hundreds of payments needn't each be read at each block.
pub(super) async fn is_in_open_window(saga: &Settlement, id: VoucherId) -> Result<bool, LedgerError> {
    let known = saga.in_window().get(&id).copied();
    match known {
        Some(window) => Ok(saga.ledger.current().await?.window == window),
        None => Ok(false),
    }
}

/// Keeps in mind which window an unpaid payment is in.
pub(super) fn remember_window(saga: &Settlement, id: VoucherId, retention: &Retention) {
    match retention.course {
        Course::InWindow(window) if retention.cleared_in.is_none() => saga.in_window().insert(id, window),
        _ => saga.in_window().remove(&id),
    };
}

/// Hands the stored clearing voucher to the chain, together with others where there are any ([`batches`]).
///
/// A crash here is harmless: the chain is looked at first, the same stored bytes are submitted under the same key, and
/// the contract lets each debtor discharge a relation once.
pub(super) async fn submit(saga: &Settlement, payment: &PaymentRow, way: Discharging) -> Result<Next, StepError> {
    let permit = saga.permits.acquire().await;
    let retention = saga
        .retention(payment)
        .await?
        .ok_or(StepError::Missing("retention on chain"))?;
    if let Some(next) = cleared(saga, payment, &retention, way).await? {
        return Ok(next);
    }
    if has_paid(saga, &retention) {
        return Ok(Next::Wait);
    }
    let id = payment.voucher.id();
    let papers = saga.store.documents(id).await?;
    let latest = papers.iter().rfind(|paper| paper.kind.starts_with(KIND));
    let signed: SignedClearingVoucher = latest.ok_or(StepError::Missing("clearing voucher"))?.read()?;
    let epoch = signed.epoch;
    drop(permit);
    let call = |signed| batches::clear(saga, signed);
    let together = saga.discharges.join(epoch, signed.clone(), MAX_CLEARING_BATCH, call);
    let outcome = match together.await {
        Some((Some(outcome), _)) => outcome,
        Some((None, _on_its_way)) => {
            let _permit = saga.permits.acquire().await;
            saga.ledger.clear(&format!("clear/{id}"), &[signed]).await
        }
        None => return Ok(Next::Wait),
    };
    match outcome {
        Ok(_) | Err(LedgerError::Refused(Refused::AlreadyCleared(..))) => {
            let next = match saga.retention(payment).await? {
                Some(retention) => cleared(saga, payment, &retention, way).await?,
                None => None,
            };
            Ok(next.unwrap_or(Next::Wait))
        }
        Err(LedgerError::Refused(Refused::StaleEpoch { .. })) if !is_epoch_over(saga, epoch).await? => Ok(Next::Wait),
        Err(LedgerError::Refused(why @ (Refused::StaleEpoch { .. } | Refused::ClearingVoucherExpired(_)))) => {
            Ok(Next::to(
                way.owing,
                format!("the clearing voucher has to be signed again: {why:?}"),
                vec![],
            ))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the finalized registry is past this epoch. Before that, signing again would be signing the same again.
pub(super) async fn is_epoch_over(saga: &Settlement, epoch: u32) -> Result<bool, LedgerError> {
    Ok(Members::read(&*saga.ledger, &[saga.member]).await?.epoch != epoch)
}

/// Where every debtor paid. Users' accounts are booked in the same transaction as the last state.
async fn cleared(
    saga: &Settlement,
    payment: &PaymentRow,
    retention: &Retention,
    way: Discharging,
) -> Result<Option<Next>, StepError> {
    let Some(block) = cleared_in(retention) else {
        return Ok(None);
    };
    let how = match retention.course {
        Course::InWindow(window) => format!("paid with window {window} in block {block}"),
        Course::Reserved | Course::TakenOut => format!("every debtor paid by block {block}"),
    };
    let mut effects = saga.bookings(&payment.voucher).await?;
    effects.push(Effect::Cleared { block });
    Ok(Some(Next::to(way.cleared, how, effects)))
}

fn has_paid(saga: &Settlement, retention: &Retention) -> bool {
    let paid = |done: &protocol::clearing::Discharge| done.clearing_voucher.issuer == saga.member;
    retention.discharges.iter().any(paid)
}
