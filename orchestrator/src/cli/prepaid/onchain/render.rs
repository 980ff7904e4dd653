//! What people read of a card programme.
use protocol::{
    prepaid::{CardNumber, MerchantNumber},
    text::to_hex,
};

use super::super::verify::shortfall;
use crate::{
    assets::AssetName,
    chain::deployment::to_ss58,
    cli::render::{moment, table},
    prepaid::{
        report::{
            declines::code_name,
            state_name,
            views::{HolderView, MerchantView},
            Report,
        },
        statements::MerchantStatement,
    },
};

pub(in super::super) fn report(report: &Report) {
    let subject = &report.subject;
    println!(
        "Card programme of member {} ({}), in {}, up to block {} ({})",
        subject.issuer,
        to_ss58(&subject.contract),
        AssetName(subject.asset),
        report.until.number,
        moment(report.until.time)
    );
    let mut totals = table(["what", "how many", "amount"]);
    for (name, sum) in report.totals.named() {
        totals.add_row([name.to_owned(), sum.count.to_string(), sum.amount.to_string()]);
    }
    println!("{totals}");
    let coverage = &report.coverage;
    println!(
        "Float: {} on cards and {} of merchants; the contract has {}; looked at after {} block(s)",
        coverage.float.cards, coverage.float.merchants, coverage.has, coverage.blocks
    );
    for short in &coverage.shortfalls {
        println!("NOT COVERED: {}", shortfall(short));
    }
    println!("{}", findings(report));
    if !report.declines.is_empty() {
        let mut declines = table(["declined", "merchant", "how many", "amount", "blocks"]);
        for count in &report.declines {
            declines.add_row([
                code_name(count.code),
                count.merchant.0.to_string(),
                count.declined.count.to_string(),
                count.declined.amount.to_string(),
                format!("{} to {}", count.blocks.first, count.blocks.last),
            ]);
        }
        println!("{declines}");
    }
    for mismatch in &report.mismatches {
        println!("{mismatch}");
    }
}

fn findings(report: &Report) -> comfy_table::Table {
    let mut found = table([
        "calls for a look",
        "card",
        "merchant",
        "amount",
        "limit",
        "blocks",
        "holder",
    ]);
    for fast in &report.velocity {
        found.add_row([
            format!("{} payments within a short time", fast.payments),
            fast.card.0.to_string(),
            merchants(&fast.merchants),
            fast.amount.to_string(),
            String::new(),
            format!("{} to {}", fast.blocks.first, fast.blocks.last),
            to_ss58(&fast.holder),
        ]);
    }
    for split in &report.structuring {
        found.add_row([
            format!("{} {} just below the threshold", split.count, split.of.as_str()),
            cards(&split.cards),
            merchants(&split.merchants),
            split.amount.to_string(),
            split.threshold.to_string(),
            format!("{} to {}", split.blocks.first, split.blocks.last),
            to_ss58(&split.holder),
        ]);
    }
    for over in &report.over_limits {
        found.add_row([
            format!("over its limit ({})", over.limit_of),
            over.card.0.to_string(),
            String::new(),
            over.amount.to_string(),
            over.limit.to_string(),
            over.since_block
                .map(|block| format!("since {block}"))
                .unwrap_or_default(),
            to_ss58(&over.holder),
        ]);
    }
    for open in &report.disputes.open {
        let state = if open.is_overdue { "overdue" } else { "open" };
        found.add_row([
            format!(
                "{state} dispute over payment {}, by {}",
                open.counter,
                moment(open.rule_by)
            ),
            open.card.0.to_string(),
            open.merchant.0.to_string(),
            open.amount.to_string(),
            String::new(),
            format!("since {}", open.opened_in),
            String::new(),
        ]);
    }
    found
}

pub(in super::super) fn statement(statement: &MerchantStatement) {
    let told = &statement.statement;
    println!(
        "Merchant {}, cycle {}, {} to {}, paid to {}",
        told.merchant.0,
        told.cycle.number,
        moment(told.cycle.opened_at),
        moment(told.closed_at),
        to_ss58(&told.account)
    );
    let mut lines = table(["what", "card", "payment", "amount", "reference", "block", "event"]);
    lines.add_row(["opening", "", "", &told.cycle.opening.to_string()]);
    for line in &statement.lines {
        lines.add_row([
            line.kind.as_str().to_owned(),
            line.card.map(|card| card.0.to_string()).unwrap_or_default(),
            line.counter.map(|counter| counter.to_string()).unwrap_or_default(),
            format!("{:+}", line.amount),
            line.reference.map(|reference| to_hex(&reference)).unwrap_or_default(),
            line.at.block.to_string(),
            line.at.event.to_string(),
        ]);
    }
    lines.add_row(["closing", "", "", &told.closing.to_string()]);
    println!("{lines}");
    let mut totals = table(["total", "value"]);
    for (name, total) in statement.totals() {
        totals.add_row([name.to_owned(), total.to_string()]);
    }
    println!("{totals}");
}

pub(in super::super) fn holder(view: &HolderView) {
    println!(
        "Card {}, {}, of {}, holds {}, expires {}",
        view.number.0,
        state_name(view.card.state),
        to_ss58(&view.card.holder),
        view.card.balance,
        moment(view.card.expires_at)
    );
    let mut lines = table([
        "what",
        "payment",
        "merchant",
        "amount",
        "to the holder",
        "balance",
        "at",
        "block",
    ]);
    for line in &view.movements {
        lines.add_row([
            line.kind.as_str().to_owned(),
            line.counter.map(|counter| counter.to_string()).unwrap_or_default(),
            line.merchant.map(|merchant| merchant.0.to_string()).unwrap_or_default(),
            format!("{:+}", line.amount),
            line.to_holder.to_string(),
            line.balance.to_string(),
            moment(line.at.time),
            line.at.block.to_string(),
        ]);
    }
    println!("{lines}");
    declined(&view.declined);
}

pub(in super::super) fn merchant(view: &MerchantView) {
    let merchant = &view.merchant;
    println!(
        "Merchant {}, {}, of acquirer {}, isn't paid {} yet, of which {} are disputed; cycle {} is open",
        view.number.0,
        if merchant.is_active { "active" } else { "suspended" },
        merchant.acquirer,
        merchant.unpaid,
        merchant.held,
        merchant.cycle.number
    );
    let mut lines = table([
        "card", "payment", "asked", "taken", "returned", "cycle", "at", "block", "terminal",
    ]);
    for line in &view.payments {
        let returned = if line.is_voided {
            "voided".to_owned()
        } else {
            line.returned.to_string()
        };
        lines.add_row([
            line.card.0.to_string(),
            line.counter.to_string(),
            line.asked.to_string(),
            line.taken.to_string(),
            returned,
            line.cycle.to_string(),
            moment(line.at.time),
            line.at.block.to_string(),
            line.terminal.clone(),
        ]);
    }
    println!("{lines}");
    declined(&view.declined);
}

fn declined(lines: &[crate::prepaid::report::views::DeclinedLine]) {
    if lines.is_empty() {
        return;
    }
    let mut table = table(["declined", "card", "payment", "merchant", "amount", "at", "block"]);
    for line in lines {
        table.add_row([
            code_name(line.code),
            line.card.0.to_string(),
            line.counter.to_string(),
            line.merchant.0.to_string(),
            line.amount.to_string(),
            moment(line.at.time),
            line.at.block.to_string(),
        ]);
    }
    println!("{table}");
}

fn cards(numbers: &[CardNumber]) -> String {
    let numbers: Vec<String> = numbers.iter().map(|number| number.0.to_string()).collect();
    numbers.join(", ")
}

fn merchants(numbers: &[MerchantNumber]) -> String {
    let numbers: Vec<String> = numbers.iter().map(|number| number.0.to_string()).collect();
    numbers.join(", ")
}
