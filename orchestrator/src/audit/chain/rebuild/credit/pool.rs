//! The credit node's own money: what payees are paid from, and where repayments go (S1.9).
use protocol::{
    credit::{CreditRequest, Payout},
    settlement::Asset,
    text::to_hex,
    AccountId, Amount, RequestId,
};

use super::{Case, Done, PAYOUTS, POOLS};
use crate::{assets::AssetName, audit::chain::tables::TablesError};

/// What the credit node put in less what it took out, by asset. It wraps around: more may be taken out than was put in.
pub(super) const OWN: &str = "own";

impl Case<'_> {
    /// The credit node put something in.
    pub(super) fn funded(&mut self, (asset, amount): (Asset, Amount)) -> Done {
        let call = match asset {
            Asset::Native => self.checks.exact_call("fund", &(), amount),
            Asset::Psp22(token) => self.checks.exact_call("fund_token", &(token, amount), 0),
        };
        self.by_node(call)?;
        self.ensure_not_zero(amount);
        self.own(asset, |own| own.wrapping_add(amount))?;
        self.puts_in(asset, amount)
    }

    /// The credit node took something out, to its registered account.
    pub(super) fn withdrawn(&mut self, (asset, amount, to): (Asset, Amount, AccountId)) -> Done {
        let call = self.checks.exact_call("withdraw", &(asset, amount), 0);
        if let Some(account) = self.by_node(call)? {
            self.checks.ensure(to == account, "wrong-recipient", || {
                format!("{} was paid; the credit node's account is {}", to_hex(&to.0), to_hex(&account.0))
            });
        }
        self.ensure_not_zero(amount);
        self.own(asset, |own| own.wrapping_sub(amount))?;
        self.draws(asset, amount)
    }

    /// A request's payee was paid (S1.9), once.
    pub(super) fn paid_out(&mut self, (id, payout): (RequestId, Payout)) -> Done {
        let block = self.checks.told.block;
        let arguments = self.checks.arguments::<CreditRequest>("pay", 0);
        self.by_node(arguments.as_ref().map(|(call, _)| *call))?;
        if let Some((_, request)) = arguments {
            self.ensure_sound(id, &request, &request.payout)?;
            self.checks
                .before(request.pay_by, || format!("the payee of {id} was paid"));
            let paid = (payout.payee, payout.asset, payout.amount);
            let asked = (request.payee, request.payout.asset, request.amount);
            self.checks.ensure(paid == asked, "wrong-payout", || {
                format!("the payout of {id} isn't what the request asks for")
            });
        }
        let at = (payout.block, payout.paid_at);
        self.checks.ensure(at == (block.number, block.time), "wrong-payout", || {
            let (number, time) = at;
            format!("the payout of {id} is said to be of block {number} at {time}, another than it is in")
        });
        let earlier = self.kept().get::<Payout>(PAYOUTS, &id)?;
        self.checks.ensure(earlier.is_none(), "request-used", || {
            format!("the payee of {id} was paid before")
        });
        self.kept().put(PAYOUTS, &id, &payout)?;
        self.draws(payout.asset, payout.amount)
    }

    /// The pool grows.
    pub(super) fn puts_in(&mut self, asset: Asset, amount: Amount) -> Done {
        let sum = self.pool(asset)?.checked_add(amount);
        self.checks.ensure(sum.is_some(), "overflow", || {
            format!("the pool of {} is beyond what an amount can hold", AssetName(asset))
        });
        self.kept().put(POOLS, &asset, &sum.unwrap_or(Amount::MAX))
    }

    fn draws(&mut self, asset: Asset, needed: Amount) -> Done {
        let available = self.pool(asset)?;
        let left = available.checked_sub(needed);
        self.checks.ensure(left.is_some(), "pool-short", || {
            format!("{needed} of {} left the pool, in which {available} were", AssetName(asset))
        });
        self.kept().put(POOLS, &asset, &left.unwrap_or_default())
    }

    fn pool(&mut self, asset: Asset) -> Result<Amount, TablesError> {
        Ok(self.kept().get(POOLS, &asset)?.unwrap_or_default())
    }

    fn own(&mut self, asset: Asset, change: impl FnOnce(Amount) -> Amount) -> Done {
        let own = self.kept().note(OWN, &asset)?.unwrap_or_default();
        self.kept().put_note(OWN, &asset, &change(own))
    }

    fn ensure_not_zero(&mut self, amount: Amount) {
        let event = self.checks.told.event;
        self.checks
            .ensure(amount > 0, "wrong-amount", || format!("{event} is about nothing"));
    }
}
