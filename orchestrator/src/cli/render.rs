//! What people read: tables on standard output.
use comfy_table::{presets::UTF8_FULL_CONDENSED, Table};
use indicatif::{ProgressBar, ProgressStyle};
use protocol::Timestamp;
use serde::Serialize;
use time::{format_description::well_known::Rfc3339, OffsetDateTime};

use crate::http::payments::{HistoryView, PaymentView};

/// One line of JSON, for machines.
///
/// # Errors
/// The value isn't representable.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(value)?);
    Ok(())
}

/// An empty table with these columns.
pub fn table<const N: usize>(columns: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header(columns);
    table
}

/// How far something is, on standard error; nothing where that is no terminal.
///
/// # Errors
/// Never: the style is one.
pub fn bar(what: &'static str) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} ({elapsed})")?;
    Ok(ProgressBar::new(0).with_style(style).with_message(what))
}

/// A time in UTC.
pub fn moment(at: Timestamp) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at).saturating_mul(1_000_000))
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| at.to_string())
}

/// A step on one line.
pub fn step(step: &HistoryView) -> String {
    format!("{}  {:<20} {}", moment(step.at), step.state, step.detail)
}

/// One payment: what, how far, why not.
pub fn payment(payment: &PaymentView) -> Table {
    let voucher = &payment.voucher;
    let mut table = table(["payment", &payment.id.to_string()]);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("state", payment.state.clone());
    row("role here", payment.role.clone());
    row("kind", format!("{:?}", voucher.kind));
    row("amount", format!("{} {:?}", voucher.amount, voucher.asset));
    row("settled", format!("{:?}", voucher.settlement));
    for fee in payment.obligations.iter().skip(1) {
        let line = format!(
            "{} {:?} of member {} to member {}",
            fee.amount, fee.asset, fee.debtor, fee.creditor
        );
        row("fee", line);
    }
    row("originator", voucher.originator.to_string());
    row("home institution", voucher.home.to_string());
    row("expires", moment(voucher.expires_at));
    if let Some(block) = payment.retained_in {
        row("retained in block", block.to_string());
    }
    if let Some(block) = payment.cleared_in {
        row("cleared in block", block.to_string());
    }
    if let Some(refusal) = &payment.refusal {
        let code = serde_json::to_value(refusal.code).ok();
        let code = code.as_ref().and_then(|code| code.as_str()).unwrap_or("refused");
        row("refused by member", refusal.signed.member.to_string());
        row("reason", format!("{code}: {}", refusal.detail));
        row("signature", refusal.signed.signature.to_string());
    }
    table
}

/// The documents that were signed, and the steps.
pub fn documents_and_history(payment: &PaymentView) -> (Table, Table) {
    let mut documents = table(["document", "member", "epoch", "content"]);
    for document in &payment.documents {
        documents.add_row([
            document.kind.clone(),
            document.member.to_string(),
            document.epoch.to_string(),
            document.content.to_string(),
        ]);
    }
    let mut history = table(["at", "state", "what happened"]);
    for step in &payment.history {
        history.add_row([moment(step.at), step.state.clone(), step.detail.clone()]);
    }
    (documents, history)
}

/// Many payments, a row each.
pub fn payments(payments: &[PaymentView]) -> Table {
    let mut table = table(["payment", "role here", "kind", "amount", "originator", "home", "state"]);
    for payment in payments {
        let voucher = &payment.voucher;
        table.add_row([
            payment.id.to_string(),
            payment.role.clone(),
            format!("{:?}", voucher.kind),
            voucher.amount.to_string(),
            voucher.originator.to_string(),
            voucher.home.to_string(),
            payment.state.clone(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_moment_is_utc() {
        assert_eq!(super::moment(0), "1970-01-01T00:00:00Z");
        assert_eq!(super::moment(1_500), "1970-01-01T00:00:01.5Z");
    }
}
