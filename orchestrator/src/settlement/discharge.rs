//! A debtor pays what it owes under a relation (S0.11, S0.12). The same for an originator and a home institution.
use protocol::{
    clearing::{Error as Refused, Retention},
    settlement::{ClearingVoucher, SignedClearingVoucher},
    signing::Purpose,
};

use super::{
    members::Members,
    ports::LedgerError,
    runner::{cleared_in, Next, StepError},
    state::State,
    Settlement,
};
use crate::store::payments::{Document, Effect, PaymentRow};

const KIND: &str = "clearing-voucher";

/// The states between which a debtor's payment moves, and what it books at the end.
pub(super) struct Discharging {
    pub(super) owing: State,
    pub(super) signed: State,
    pub(super) cleared: State,
    pub(super) bookings: Vec<Effect>,
}

/// Writes the clearing voucher, or waits for the debtors.
///
/// A crash here is harmless: nothing leaves the institution before the voucher is stored.
pub(super) async fn sign(saga: &Settlement, payment: &PaymentRow, way: Discharging) -> Result<Next, StepError> {
    let retention = saga
        .retention(payment)
        .await?
        .ok_or(StepError::Missing("retention on chain"))?;
    if let Some(next) = cleared(&retention, &way) {
        return Ok(next);
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
        voucher: payment.voucher.id(),
        relation: retention.relation_id,
        issuer: saga.member,
        discharged,
        sources: vec![balance.last_credit.ok_or(StepError::NoSource)?],
        issued_at: now,
        expires_at: now.saturating_add(saga.voucher_lifetime),
    };
    let payload = protocol::signing::payload(
        &saga.domain(epoch),
        Purpose::ClearingVoucher,
        &clearing_voucher.id().0,
        clearing_voucher.expires_at,
        &(),
    );
    let signed = SignedClearingVoucher {
        clearing_voucher,
        epoch,
        signature: saga.key.sign(&payload),
    };
    // Each attempt is a paper of its own. Numbered, because the clock may be set back between two of them.
    let papers = saga.store.documents(payment.voucher.id()).await?;
    let earlier = papers.iter().filter(|paper| paper.kind.starts_with(KIND)).count();
    let kind = format!("{KIND}.{earlier:06}");
    let paper = Effect::Keep(Document::new(&kind, saga.member, epoch, &signed)?);
    Ok(Next::to(way.signed, "clearing voucher signed", vec![paper]))
}

/// Hands the stored clearing voucher to the chain.
///
/// A crash here is harmless: the chain is looked at first, the same stored bytes are submitted under the same key, and
/// the contract lets each debtor discharge a relation once.
pub(super) async fn submit(saga: &Settlement, payment: &PaymentRow, way: Discharging) -> Result<Next, StepError> {
    let retention = saga
        .retention(payment)
        .await?
        .ok_or(StepError::Missing("retention on chain"))?;
    if let Some(next) = cleared(&retention, &way) {
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
    match saga.ledger.clear(&format!("clear/{id}"), &[signed]).await {
        Ok(_) | Err(LedgerError::Refused(Refused::AlreadyCleared(..))) => {
            let retention = saga.retention(payment).await?;
            let next = retention.and_then(|retention| cleared(&retention, &way));
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

fn cleared(retention: &Retention, way: &Discharging) -> Option<Next> {
    let block = cleared_in(retention)?;
    let mut effects = way.bookings.clone();
    effects.push(Effect::Cleared { block });
    Some(Next::to(
        way.cleared,
        format!("every debtor paid by block {block}"),
        effects,
    ))
}

fn has_paid(saga: &Settlement, retention: &Retention) -> bool {
    let paid = |done: &protocol::clearing::Discharge| done.clearing_voucher.issuer == saga.member;
    retention.discharges.iter().any(paid)
}
