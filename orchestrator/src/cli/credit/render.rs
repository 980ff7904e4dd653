//! Limits, pools and debts as people read them.
use comfy_table::Table;
use protocol::{
    credit::{Leg, Limits, Payout, Raise, Used},
    text::to_hex,
    AccountId, Amount,
};

use crate::{
    assets::AssetName,
    chain::deployment::to_ss58,
    cli::render::{moment, table},
    http::credit::{
        chains::{CreditChainView, PoolAmount},
        consents::ConsentView,
        debts::DebtView,
        payments::CreditPaymentView,
    },
    identity::Person,
};

/// Chains, a row each.
pub(super) fn chains(chains: &[CreditChainView]) -> Table {
    let mut table = table([
        "chain",
        "contract",
        "member there",
        "grace (s)",
        "pool (native)",
        "problem",
    ]);
    let unknown = || "?".to_owned();
    for chain in chains {
        table.add_row([
            chain.chain.clone(),
            chain.address.clone(),
            chain.member.to_string(),
            chain.grace.map_or_else(unknown, |grace| (grace / 1_000).to_string()),
            chain.pool.map_or_else(unknown, |pool| pool.to_string()),
            chain.problem.clone().unwrap_or_default(),
        ]);
    }
    table
}

/// A pool.
pub(super) fn pool(pool: &PoolAmount) -> Table {
    let mut table = table(["asset", "in the pool"]);
    table.add_row([AssetName(pool.asset).to_string(), pool.amount.to_string()]);
    table
}

/// Both limits, a row each.
pub(super) fn limits(limits: &Limits) -> Table {
    let mut table = table(["whose limit", "limit", "reserved", "owed", "left", ""]);
    let mut row = |whose: &str, limit: Amount, used: &Used, remark: String| {
        table.add_row([
            whose.to_owned(),
            limit.to_string(),
            used.reserved.to_string(),
            used.outstanding.to_string(),
            left(limit, used).to_string(),
            remark,
        ]);
    };
    let (payee, node) = (&limits.payee, &limits.node);
    row("payee's", payee.limit, &payee.used, format!("order {}", payee.sequence));
    row("credit node's", node.limit, &node.used, remark(limits));
    table
}

/// After a cut more may be taken than the limit is.
fn left(limit: Amount, used: &Used) -> Amount {
    let taken = used.sum().unwrap_or(Amount::MAX);
    limit.saturating_sub(taken)
}

/// What stands in the way beside the limits.
fn remark(limits: &Limits) -> String {
    match (limits.is_frozen, limits.node.overdue) {
        (true, _) => "frozen: takes nothing new".to_owned(),
        (false, 0) => format!("evidence {}", to_hex(&limits.node.evidence)),
        (false, overdue) => format!("{overdue} overdue: takes nothing new"),
    }
}

/// One debt.
pub(super) fn debt(view: &DebtView) -> Table {
    let debt = &view.debt;
    let mut table = table(["debt", &view.id.to_string()]);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("state", format!("{:?}", debt.state));
    row("payer", to_ss58(&debt.payer));
    row("payee", to_ss58(&debt.payee));
    row("amount", format!("{} {}", debt.amount, AssetName(debt.asset)));
    row("principal owed", view.principal_owed.to_string());
    row("late fee owed", format!("{} of {}", view.fee_owed, debt.late_fee));
    row("reserved until", moment(debt.until));
    row("due", moment(debt.due_at));
    if let Some(block) = debt.payout {
        row("paid in block", format!("{} ({})", block.number, to_hex(&block.hash)));
    }
    row("overdue", yes_or_no(debt.is_overdue));
    row("the payee has it", yes_or_no(debt.is_received));
    table
}

/// One payout.
pub(super) fn payout(payout: &Payout) -> Table {
    let mut table = table(["payee", "amount", "asset", "block", "at"]);
    table.add_row([
        to_ss58(&payout.payee),
        payout.amount.to_string(),
        AssetName(payout.asset).to_string(),
        payout.block.to_string(),
        moment(payout.paid_at),
    ]);
    table
}

/// A wish and what came of it.
pub(super) fn raise(raise: &Raise) -> Table {
    let mut table = table(["wanted", "evidence", "number", "decision", "decided from"]);
    let (decision, from) = match raise.decision {
        None => ("open".to_owned(), String::new()),
        Some(decision) => {
            let granted = decision
                .granted
                .map_or_else(|| "denied".to_owned(), |limit| format!("granted {limit}"));
            (granted, to_hex(&decision.digest))
        }
    };
    table.add_row([
        raise.wanted.to_string(),
        to_hex(&raise.evidence),
        raise.sequence.to_string(),
        decision,
        from,
    ]);
    table
}

/// One payment on credit: what, how far, why not.
pub(super) fn payment(view: &CreditPaymentView) -> Table {
    let request = &view.request;
    let mut table = table(["payment on credit", &view.id.to_string()]);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("stage", view.stage.clone());
    if let Some(refusal) = &view.refusal {
        row(&refusal.code, refusal.detail.clone());
    }
    row("amount", request.amount.to_string());
    row("goods", request.goods.clone());
    row("payer", person(&request.payer, Some(&view.payer)));
    row("owes on", leg(&request.debt));
    row("payee", person(&request.payee, view.payee.as_ref()));
    row("is paid on", leg(&request.payout));
    row("to be paid by", moment(request.pay_by));
    row("due", moment(request.due_at));
    row("late fee", request.late_fee.to_string());
    for step in &view.history {
        row(&moment(step.at), format!("{:<10} {}", step.stage, step.detail));
    }
    table
}

/// Payments on credit, a row each.
pub(super) fn payments(payments: &[CreditPaymentView]) -> Table {
    let mut table = table([
        "payment on credit",
        "stage",
        "amount",
        "payer",
        "payee",
        "goods",
        "taken",
    ]);
    for view in payments {
        table.add_row([
            view.id.to_string(),
            view.stage.clone(),
            view.request.amount.to_string(),
            person(&view.request.payer, Some(&view.payer)),
            person(&view.request.payee, view.payee.as_ref()),
            view.request.goods.clone(),
            moment(view.created_at),
        ]);
    }
    table
}

/// What payees are asked, a row each.
pub(super) fn consents(consents: &[ConsentView]) -> Table {
    let mut table = table([
        "payment on credit",
        "decision",
        "by",
        "amount",
        "goods",
        "payer",
        "payee",
        "pay by",
    ]);
    for view in consents {
        let request = &view.request;
        let decision = match &view.reason {
            Some(reason) => format!("{}: {reason}", view.decision),
            None => view.decision.clone(),
        };
        table.add_row([
            view.id.to_string(),
            decision,
            view.decided_by.clone().unwrap_or_default(),
            request.amount.to_string(),
            request.goods.clone(),
            to_ss58(&request.payer),
            to_ss58(&request.payee),
            moment(request.pay_by),
        ]);
    }
    table
}

/// Account and name.
fn person(account: &AccountId, person: Option<&Person>) -> String {
    let name = person.and_then(|person| person.common_name.as_deref());
    match name {
        Some(name) => format!("{name} ({})", to_ss58(account)),
        None => to_ss58(account),
    }
}

fn leg(leg: &Leg) -> String {
    format!("{} of chain {}", AssetName(leg.asset), to_hex(&leg.genesis))
}

fn yes_or_no(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}

#[cfg(test)]
mod tests {
    use protocol::credit::{NodeLimit, PayeeLimit};

    use super::*;

    #[test]
    fn what_is_left_of_a_limit_is_never_below_nothing_and_what_stands_in_the_way_is_said() {
        let used = Used {
            reserved: 30,
            outstanding: 80,
        };
        assert_eq!((left(120, &used), left(100, &used)), (10, 0));
        let mut shown = Limits {
            payee: PayeeLimit {
                limit: 120,
                sequence: 4,
                used,
            },
            node: NodeLimit {
                limit: 100,
                used,
                overdue: 5,
                ..NodeLimit::default()
            },
            is_frozen: false,
        };
        let text = limits(&shown).to_string();
        assert!(text.contains("order 4") && text.contains("5 overdue"), "{text}");
        shown.is_frozen = true;
        assert!(limits(&shown).to_string().contains("frozen"));
    }
}
