//! Whether those who would owe something because of a voucher can pay it (S0.1). The contract checks it again.
use protocol::{
    clearing::Balance,
    settlement::{Asset, Obligation, Relation, Settlement as Mode, Voucher},
    windows::Position,
    Amount, Member,
};

use super::{messages::RefusalCode, ports::LedgerError, Settlement, Verdict};

impl Settlement {
    /// Whether every debtor can pay what it would owe, fees included: from its balance if the voucher is settled gross,
    /// within its net debit cap if net. The verdict is what is recorded.
    pub(super) async fn ensure_covered(&self, voucher: &Voucher) -> Result<Verdict, LedgerError> {
        let Some(relation) = self.relation_of(voucher, voucher.issued_at).await? else {
            let detail = format!(
                "fee schedule {} isn't published, or has no fee for this amount",
                voucher.fees
            );
            return Ok(Err((RefusalCode::BadVoucher, detail)));
        };
        let mut accounts: Vec<(Member, Asset)> = relation
            .obligations
            .iter()
            .map(|owed| (owed.debtor, owed.asset))
            .collect();
        accounts.sort_unstable();
        accounts.dedup();
        let window = self.ledger.current().await?.window;
        for (debtor, asset) in accounts {
            let change = change(&relation, debtor, asset);
            let balance = self.ledger.balance(debtor, asset).await?;
            let verdict = match voucher.settlement {
                Mode::Gross => covers(debtor, &balance, change.owes),
                Mode::Net => {
                    let before = self.ledger.position(window, debtor, asset).await?;
                    has_headroom(debtor, &balance, before, change)
                }
            };
            if verdict.is_err() {
                return Ok(verdict);
            }
        }
        Ok(Ok(()))
    }
}

/// Gross: the amount is set aside from what can be spent.
pub(super) fn covers(debtor: Member, balance: &Balance, owes: Amount) -> Verdict {
    if balance.spendable() >= owes {
        return Ok(());
    }
    let detail = format!("member {debtor}'s settlement balance does not cover the amount and its fees");
    Err((RefusalCode::InsufficientSettlementBalance, detail))
}

/// Net: whoever owes more than before may not go below its cap, over all windows that are not paid.
pub(super) fn has_headroom(debtor: Member, balance: &Balance, before: Position, change: Position) -> Verdict {
    let after = Position {
        owed: before.owed.saturating_add(change.owed),
        owes: before.owes.saturating_add(change.owes),
    };
    let needed = balance.unsettled.saturating_add(after.net_debit());
    if after.net_debit() <= before.net_debit() || needed <= balance.cap {
        return Ok(());
    }
    let detail = format!("member {debtor} would owe more than its net debit cap lets it");
    Err((RefusalCode::NetDebitCapExceeded, detail))
}

/// What a relation adds to a member's position.
fn change(relation: &Relation, member: Member, asset: Asset) -> Position {
    let sum = |is_its: &dyn Fn(&Obligation) -> bool| {
        let its = relation
            .obligations
            .iter()
            .filter(|owed| owed.asset == asset && is_its(owed));
        its.fold(0, |sum: Amount, owed| sum.saturating_add(owed.amount))
    };
    Position {
        owed: sum(&|owed| owed.creditor == member),
        owes: sum(&|owed| owed.debtor == member),
    }
}
