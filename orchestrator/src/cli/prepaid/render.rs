//! Prepaid cards as people read them.
use comfy_table::Table;
use protocol::{
    prepaid::{Card, Cycle, Dispute, Merchant, Rules, Statement, Terminal},
    text::to_hex,
    AccountId,
};

use crate::{
    assets::AssetName,
    chain::deployment::to_ss58,
    cli::render::{moment, table},
    http::prepaid::{
        cards::CardView,
        merchants::{MerchantView, TerminalView},
        orders::{outcome, CardOrderView, TerminalMessageView},
        payments::CardPaymentView,
        programmes::CardProgrammeView,
    },
};

/// Programmes, a row each.
pub(super) fn programmes(programmes: &[CardProgrammeView]) -> Table {
    let mut table = table([
        "issuer",
        "contract",
        "asset",
        "cards hold",
        "merchants are due",
        "problem",
    ]);
    let unknown = || "?".to_owned();
    for programme in programmes {
        let own = if programme.is_own { " (here)" } else { "" };
        table.add_row([
            format!("{}{own}", programme.issuer),
            programme.address.clone(),
            programme
                .asset
                .map_or_else(unknown, |asset| AssetName(asset).to_string()),
            programme.float.map_or_else(unknown, |float| float.cards.to_string()),
            programme
                .float
                .map_or_else(unknown, |float| float.merchants.to_string()),
            programme.problem.clone().unwrap_or_default(),
        ]);
    }
    table
}

/// One programme.
pub(super) fn programme(view: &CardProgrammeView) -> Table {
    let mut table = table(["programme of", &view.issuer.to_string()]);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("contract", view.address.clone());
    row("chain", view.genesis.clone());
    if let Some(asset) = view.asset {
        row("asset", AssetName(asset).to_string());
    }
    if let Some(programme) = &view.programme {
        row("most on a card", programme.limits.balance.to_string());
        row("most in a payment", programme.limits.per_payment.to_string());
        row("most in a day", programme.limits.per_day.to_string());
        row("payments in part", yes(programme.allows_partial));
        row("cycles last at least", seconds(programme.cycle));
        row("disputes within", seconds(programme.dispute_period));
        row("rulings within", seconds(programme.ruling_period));
    }
    if let Some(float) = &view.float {
        row("cards hold", float.cards.to_string());
        row("merchants are due", float.merchants.to_string());
    }
    if let Some(problem) = &view.problem {
        row("problem", problem.clone());
    }
    table
}

/// One card.
pub(super) fn card(number: u64, card: &Card) -> Table {
    let mut table = table(["card", &number.to_string()]);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("state", state(card));
    row("balance", card.balance.to_string());
    row("holder", to_ss58(&card.holder));
    row("key", to_hex(&card.key.0));
    row("most on it", card.limits.balance.to_string());
    row("most in a payment", card.limits.per_payment.to_string());
    row("most in a day", card.limits.per_day.to_string());
    row("expires", moment(card.expires_at));
    row("highest counter", card.counter.to_string());
    table
}

/// Cards, a row each.
pub(super) fn cards(cards: &[CardView]) -> Table {
    let mut table = table(["card", "state", "balance", "holder", "expires"]);
    for view in cards {
        let shown = view.standing.as_ref();
        table.add_row([
            view.card.0.to_string(),
            shown.map_or_else(not_there, state),
            shown.map(|card| card.balance.to_string()).unwrap_or_default(),
            shown.map(|card| to_ss58(&card.holder)).unwrap_or_default(),
            shown.map(|card| moment(card.expires_at)).unwrap_or_default(),
        ]);
    }
    table
}

/// One merchant, with its open cycle.
pub(super) fn merchant(number: u32, merchant: &Merchant) -> Table {
    let mut table = table(["merchant", &number.to_string()]);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("takes payments", yes(merchant.is_active));
    row("acquirer", format!("member {}", merchant.acquirer));
    row("account", to_ss58(&merchant.account));
    row("rules", rules(&merchant.rules));
    if merchant.next_rules != merchant.rules {
        row("rules from the next cycle on", rules(&merchant.next_rules));
    }
    for (name, value) in cycle(&merchant.cycle) {
        row(name, value);
    }
    row("not paid yet", merchant.unpaid.to_string());
    row("held for disputes", merchant.held.to_string());
    row("fees due from before", merchant.fee_due.to_string());
    table
}

/// Merchants, a row each.
pub(super) fn merchants(merchants: &[MerchantView]) -> Table {
    let mut table = table([
        "merchant",
        "acquirer",
        "takes payments",
        "cycle",
        "payments",
        "gross",
        "not paid yet",
    ]);
    for view in merchants {
        let shown = view.standing.as_ref();
        table.add_row([
            view.merchant.0.to_string(),
            shown.map(|merchant| merchant.acquirer.to_string()).unwrap_or_default(),
            shown.map_or_else(not_there, |merchant| yes(merchant.is_active)),
            shown
                .map(|merchant| merchant.cycle.number.to_string())
                .unwrap_or_default(),
            shown
                .map(|merchant| merchant.cycle.count.to_string())
                .unwrap_or_default(),
            shown
                .map(|merchant| merchant.cycle.gross.to_string())
                .unwrap_or_default(),
            shown.map(|merchant| merchant.unpaid.to_string()).unwrap_or_default(),
        ]);
    }
    table
}

/// A terminal.
pub(super) fn terminal(key: &AccountId, terminal: &Terminal) -> Table {
    let mut table = table(["terminal", "merchant", "key is good"]);
    table.add_row([
        to_hex(&key.0),
        terminal.merchant.0.to_string(),
        yes(!terminal.is_revoked),
    ]);
    table
}

/// Terminals, a row each.
pub(super) fn terminals(terminals: &[TerminalView]) -> Table {
    let mut table = table(["terminal", "merchant", "key is good"]);
    for view in terminals {
        let shown = view.standing.as_ref();
        table.add_row([
            to_hex(&view.terminal.0),
            shown
                .map(|terminal| terminal.merchant.0.to_string())
                .unwrap_or_default(),
            shown.map_or_else(not_there, |terminal| yes(!terminal.is_revoked)),
        ]);
    }
    table
}

/// What a merchant was told of a cycle.
pub(super) fn statement(statement: &Statement) -> Table {
    let mut table = table(["merchant", &statement.merchant.0.to_string()]);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    for (name, value) in cycle(&statement.cycle) {
        row(name, value);
    }
    row("closed", moment(statement.closed_at));
    row("rules", rules(&statement.rules));
    row("fee", statement.fee.to_string());
    row("fees due later", statement.fee_due.to_string());
    row("net", statement.net.to_string());
    row("held for disputes", statement.held.to_string());
    row("reserve", statement.reserve.to_string());
    row("paid out", statement.paid.to_string());
    row("to", to_ss58(&statement.account));
    row("carried", statement.closing.to_string());
    table
}

/// A payment, and the dispute over it.
pub(super) fn payment(view: &CardPaymentView) -> Table {
    let mut table = table(["payment", &format!("{}/{}", view.card.0, view.counter)]);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    let record = &view.record;
    row("reference", to_hex(&record.reference));
    row("merchant", record.merchant.0.to_string());
    row("cycle", record.cycle.to_string());
    row("taken", record.taken.to_string());
    row("at", moment(record.paid_at));
    row("went back", record.returned.to_string());
    row("can still go back", view.returnable.to_string());
    if record.is_voided {
        row("voided", yes(true));
    }
    for (name, value) in view.dispute.iter().flat_map(disputed) {
        row(name, value);
    }
    table
}

/// A dispute.
pub(super) fn dispute(dispute: &Dispute) -> Table {
    let mut table = table(["dispute", ""]);
    for (name, value) in disputed(dispute) {
        table.add_row([name.to_owned(), value]);
    }
    table
}

/// Terminals' orders, a row each.
pub(super) fn orders(orders: &[CardOrderView]) -> Table {
    let mut table = table([
        "order", "kind", "payment", "acquirer", "at", "outcome", "amount", "block", "reason",
    ]);
    for order in orders {
        let [outcome, amount, block, reason] = outcome(&order.answer);
        let payment = order.card.zip(order.counter);
        table.add_row([
            order.reference.clone(),
            order.kind.clone().unwrap_or_else(|| "?".to_owned()),
            payment
                .map(|(card, counter)| format!("{card}/{counter}"))
                .unwrap_or_default(),
            order.acquirer.to_string(),
            moment(order.created_at),
            outcome,
            amount,
            block,
            reason,
        ]);
    }
    table
}

/// What terminals sent, a row each.
pub(super) fn messages(messages: &[TerminalMessageView]) -> Table {
    let mut table = table([
        "order", "issuer", "merchant", "terminal", "at", "outcome", "amount", "block", "reason",
    ]);
    for message in messages {
        let [outcome, amount, block, reason] = outcome(&message.answer);
        table.add_row([
            message.reference.clone(),
            message.issuer.to_string(),
            message.merchant.to_string(),
            message.terminal.clone(),
            moment(message.created_at),
            outcome,
            amount,
            block,
            reason,
        ]);
    }
    table
}

fn cycle(cycle: &Cycle) -> Vec<(&'static str, String)> {
    vec![
        ("cycle", cycle.number.to_string()),
        ("opened", moment(cycle.opened_at)),
        ("carried from before", cycle.opening.to_string()),
        ("payments", format!("{} for {}", cycle.count, cycle.gross)),
        ("voided", format!("{} for {}", cycle.voided_count, cycle.voided)),
        ("refunded", format!("{} for {}", cycle.refunded_count, cycle.refunded)),
        (
            "awarded in disputes",
            format!("{} for {}", cycle.awarded_count, cycle.awarded),
        ),
        ("put in for refunds", cycle.funded.to_string()),
    ]
}

fn disputed(dispute: &Dispute) -> Vec<(&'static str, String)> {
    let answer = dispute
        .answer
        .as_ref()
        .map_or_else(|| "none yet".to_owned(), |answer| to_hex(answer));
    let decision = match dispute.awarded {
        Some(awarded) => format!("{awarded} went back"),
        None => format!("not before {} by default", moment(dispute.rule_by)),
    };
    vec![
        ("holder wants back", dispute.amount.to_string()),
        ("evidence", to_hex(&dispute.evidence)),
        ("disputed", moment(dispute.opened_at)),
        ("acquirer's answer", answer),
        ("decided", decision),
    ]
}

fn rules(rules: &Rules) -> String {
    format!(
        "{} and {} ppm of sales as a fee, at least {} paid out, {} ppm kept",
        rules.flat, rules.parts_per_million, rules.least_payout, rules.reserve_parts_per_million
    )
}

fn state(card: &Card) -> String {
    format!("{:?}", card.state).to_lowercase()
}

fn not_there() -> String {
    "not on the chain".to_owned()
}

fn yes(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}

fn seconds(milliseconds: u64) -> String {
    format!("{} s", milliseconds / 1_000)
}
