//! What the institution's own people and programs do. Every act may be repeated: it is done once.
use protocol::{
    credit::{Debt, DebtState},
    settlement::Asset,
    AccountId, Amount, RequestId,
};

use super::{
    ports::{Act, Block, CreditLedger},
    Credit, CreditError,
};

impl Credit {
    /// Carries an act out on a chain; `None` where the finalized chain shows already what it would lead to. `key` names the
    /// wish: the same wish under the same key is carried out once, also after a restart. A crash at any point is harmless:
    /// what was submitted is taken up by the submitter, and the wish, repeated, finds it there or on the chain.
    ///
    /// # Errors
    /// No credit is given there, or contract or chain refuse.
    pub async fn act(&self, genesis: [u8; 32], key: &str, act: &Act) -> Result<Option<Block>, CreditError> {
        let ledger = self.ledger(genesis)?;
        if stands(ledger, act).await? {
            return Ok(None);
        }
        Ok(Some(ledger.carry_out(key, act).await?))
    }

    /// Repays a debt, or a part of it, with the credit node's own money: the payer settled with it elsewhere. `key` as above.
    ///
    /// # Errors
    /// There is no such debt, less is owed, or the chain refuses.
    pub async fn repay(
        &self,
        genesis: [u8; 32],
        key: &str,
        id: RequestId,
        amount: Amount,
    ) -> Result<Option<Block>, CreditError> {
        let asset = self.debt(genesis, id).await?.asset;
        self.act(genesis, key, &Act::Repay { id, asset, amount }).await
    }
}

/// A debt by the request that it came from.
pub(super) async fn debt(ledger: &dyn CreditLedger, id: RequestId) -> Result<Debt, CreditError> {
    let found = ledger.debts(&[id]).await?;
    found.into_iter().flatten().next().ok_or(CreditError::UnknownDebt(id))
}

/// Whether the finalized chain shows what an act would lead to. Money that was moved before doesn't show that it was by
/// this act: there only the key tells.
async fn stands(ledger: &dyn CreditLedger, act: &Act) -> Result<bool, CreditError> {
    Ok(match act {
        Act::SetLimit { order, .. } => {
            let kept = ledger.limits(order.payer, order.payee, order.asset).await?.payee;
            (kept.sequence, kept.limit) == (order.sequence, order.limit)
        }
        Act::SetNodeLimit {
            payer,
            asset,
            limit,
            evidence,
        } => {
            // It is the same whoever the payee is.
            let kept = ledger.limits(*payer, *payer, *asset).await?.node;
            (kept.limit, kept.evidence) == (*limit, *evidence)
        }
        Act::Freeze(payer) => is_frozen(ledger, *payer).await?,
        Act::Unfreeze(payer) => !is_frozen(ledger, *payer).await?,
        Act::RequestRaise { wish, .. } => {
            let kept = ledger.raise(wish.payer, wish.asset).await?;
            kept.is_some_and(|kept| {
                (kept.sequence, kept.wanted, kept.evidence) == (wish.sequence, wish.wanted, wish.evidence)
            })
        }
        Act::DecideRaise { payer, asset, decision } => {
            let kept = ledger.raise(*payer, *asset).await?;
            kept.is_some_and(|kept| kept.decision == Some(*decision))
        }
        Act::Reserve { request, .. } => ledger.debts(&[request.id()]).await?.iter().any(Option::is_some),
        Act::Extend { id, until } => debt(ledger, *id).await?.until >= *until,
        Act::Pay(request) => ledger.payouts(&[request.id()]).await?.iter().any(Option::is_some),
        Act::Commit { id, .. } => debt(ledger, *id).await?.payout.is_some(),
        Act::Release(id) => debt(ledger, *id).await?.state == DebtState::Released,
        Act::Expire(id) => debt(ledger, *id).await?.state == DebtState::Expired,
        Act::MarkOverdue(id) => debt(ledger, *id).await?.is_overdue,
        Act::ConfirmReceipt { id, .. } => debt(ledger, *id).await?.is_received,
        Act::Repay { .. } | Act::Fund { .. } | Act::Withdraw { .. } => false,
    })
}

async fn is_frozen(ledger: &dyn CreditLedger, payer: AccountId) -> Result<bool, CreditError> {
    let limits = ledger.limits(payer, payer, Asset::Native).await?;
    Ok(limits.is_frozen)
}
