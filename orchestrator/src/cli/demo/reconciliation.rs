//! A day of what customers paid, in the books of a finance company and of its bank, with breaks of every type planted: found by
//! both, corrected on the chain and in both books, the day closed and paid, its report audited.
use std::collections::BTreeMap;

use anyhow::{bail, Context};
use protocol::{
    ids::TradeId,
    reconciliation::{Kind, Side},
    settlement::Asset,
    Amount,
};
use serde_json::{json, Value};

use super::Show;
use crate::{
    cli::render,
    devnet::{
        reconciliation::{date, yesterday, BookPlan, Keeping, PlantedDay},
        Network,
    },
    http::{
        payments::PaymentView,
        reconciliation::{breaks::BreakView, days::BookDayDetails},
    },
    settlement::ports::Ledger,
};

/// What customers pay on a day: 16 calls to the chain.
const PAYMENTS: usize = 2_048;
/// What the finance company's settlement balance gets, in the smallest unit of the native token.
const DEPOSIT: Amount = 100_000_000_000;

/// Opens a book, has a day matched, corrected, closed and paid.
pub(super) async fn run(network: &mut Network, show: &Show) -> anyhow::Result<Value> {
    let client = network.others.first().context("no other bank")?.member;
    let plan = BookPlan {
        client,
        debit: (network.home.member, Keeping::CSV.by_hand()),
        credit: (network.originator.member, Keeping::CAMT),
    };
    show.step("a book is opened: Bank B owes Bank A what customers pay at Bank 1; both sign its terms");
    let book = network.open_book(plan).await?;
    network.deposit(&network.home, DEPOSIT).await?;
    let had = credit_has(network).await?;
    let day = yesterday()?;
    let planted = PlantedDay::with_every_break(day, PAYMENTS);
    let breaks = planted.planted.len();

    show.step(&format!(
        "Bank 1 records {PAYMENTS} payments of {} on the chain, and tells both sides",
        date(day)
    ));
    book.record(network, &planted.payments).await?;
    show.step(&format!(
        "Bank B imports its books as CSV, Bank A as camt.053: {breaks} of {PAYMENTS} payments are wrong somewhere"
    ));
    for (side, name) in [(Side::Debit, "bank-b.csv"), (Side::Credit, "bank-a.xml")] {
        book.import(network, side, (name, planted.lines(side))).await?;
    }

    show.step("both match the day against the chain: neither believes the other's book or matching");
    for side in [Side::Credit, Side::Debit] {
        book.run(network, side, day).await?;
    }
    let mut found = BTreeMap::new();
    for side in [Side::Debit, Side::Credit] {
        book.day_is(network, side, day, &["correcting"]).await?;
        found = book.breaks(network, side, day).await?;
        ensure_all_found(&planted, &found)?;
    }
    let invented = found
        .keys()
        .filter(|trade| !planted.planted.contains_key(trade))
        .count();
    show.line("");
    show.line(&table(&planted)?);

    show.step("Bank A proposes the corrections; at Bank B a person accepts each; both signatures go to the chain");
    let accepted = book
        .accept_all(network, Side::Debit, day, &["closed", "paying", "paid"])
        .await?;
    show.step("nothing is open any more: both sign the day's closing, and Bank B pays what it comes to");
    let closed = book.day_is(network, Side::Debit, day, &["paid"]).await?;
    book.day_is(network, Side::Credit, day, &["closed", "paid"]).await?;
    let paid = ensure_paid(network, &planted, (&closed, had)).await?;

    show.step("an auditor checks each line of the day's report against the chain, from a node alone");
    let audited = book.audited(network, Side::Debit, day).await?;
    let is_whole = audited["unverified"].as_array().is_some_and(Vec::is_empty);
    if audited["ok"] != json!(true) || audited["is_paid"] != json!(true) || !is_whole {
        bail!("the report doesn't hold: {audited:#}");
    }
    let clean = book.dry_run(network, Side::Credit, day).await?;
    show.line(&format!(
        "    {} entries, {accepted} corrections, {} paid by voucher {}",
        audited["entries"], planted.total, paid.id
    ));
    Ok(json!({
        "status": "ok",
        "book": book.book,
        "date": date(day),
        "finalized_block": audited["block"],
        "entries": audited["entries"],
        "planted_breaks": breaks,
        "found_breaks": found.len() - invented,
        "invented_breaks": invented,
        "accepted_by_hand": accepted,
        "corrections": audited["corrections"],
        "breaks_after_correction": clean.summary.breaks,
        "total": planted.total.to_string(),
        "paid_by": paid.id,
        "paid_block": paid.cleared_in,
        "report": {
            "verified": audited["ok"],
            "proven_entries": audited["proven"],
            "events": audited["events"],
            "is_paid": audited["is_paid"],
            "proven_at": audited["block_hash"],
        },
    }))
}

/// What was found is what was planted, and nothing else.
fn ensure_all_found(planted: &PlantedDay, found: &BTreeMap<TradeId, BreakView>) -> anyhow::Result<()> {
    for (trade, causes) in &planted.planted {
        let told = found.get(trade).map(|found| &found.causes);
        if told != Some(causes) {
            bail!("{trade} has {causes:?}, and {told:?} was found");
        }
    }
    match found.iter().find(|(trade, _)| !planted.planted.contains_key(trade)) {
        Some((trade, found)) => bail!("{trade} is in order, and {:?} was found", found.causes),
        None => Ok(()),
    }
}

/// The total went from one to the other through clearing, once, and is what customers paid.
async fn ensure_paid(
    network: &Network,
    planted: &PlantedDay,
    (day, had): (&BookDayDetails, Amount),
) -> anyhow::Result<PaymentView> {
    let voucher = day.day.voucher.context("no voucher paid the day")?;
    let payment = network.home.payment(voucher, 0).await?;
    let principal = payment.obligations.first().context("nothing is owed for it")?;
    let (debit, credit, total) = (network.home.member, network.originator.member, planted.total);
    let is_right = (principal.debtor, principal.creditor, principal.amount) == (debit, credit, total);
    if payment.state != "cleared" || !is_right {
        bail!(
            "the day comes to {total}, and for it {principal:?} is {}",
            payment.state
        );
    }
    let has = credit_has(network).await?;
    if has != had.saturating_add(total) {
        bail!("Bank A had {had}, and was paid {total}, and has {has}");
    }
    Ok(payment)
}

/// The credit side's settlement balance on the chain.
async fn credit_has(network: &Network) -> anyhow::Result<Amount> {
    let ledger = network.ledger().await?;
    Ok(ledger
        .balance(network.originator.member, Asset::Native)
        .await?
        .available)
}

/// How many of each type were planted at each side.
fn count(planted: &PlantedDay) -> BTreeMap<Kind, [usize; 3]> {
    let mut counts: BTreeMap<Kind, [usize; 3]> = BTreeMap::new();
    for cause in planted.planted.values().flatten() {
        let [debit, credit, chain] = counts.entry(cause.kind).or_default();
        *match cause.side {
            Side::Debit => debit,
            Side::Credit => credit,
            Side::Chain => chain,
        } += 1;
    }
    counts
}

fn table(planted: &PlantedDay) -> anyhow::Result<String> {
    let mut table = render::table(["found wrong", "in Bank B's book", "in Bank A's book", "on the chain"]);
    for (kind, counts) in count(planted) {
        let kind: String = serde_json::from_value(json!(kind))?;
        table.add_row(
            [kind.replace('_', " ")]
                .into_iter()
                .chain(counts.map(|count| count.to_string())),
        );
    }
    Ok(table.to_string())
}
