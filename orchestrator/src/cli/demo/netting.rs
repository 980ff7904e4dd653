//! A window of deferred net settlement: what six banks owe each other for hundreds of payments comes to six amounts.
use std::{collections::BTreeMap, time::Duration};

use anyhow::{bail, Context};
use futures::{stream, StreamExt, TryStreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use protocol::{
    decisions::Decision,
    settlement::{Asset, TransactionKind},
    windows::Position,
    Amount, Member,
};
use serde_json::{json, Value};

use super::Show;
use crate::{
    cli::render,
    devnet::{until, Institution, Network},
    http::windows::WindowView,
    settlement::ports::Ledger,
};

/// How many payments are netted.
const PAYMENTS: u32 = 204;
/// How many are under way at once.
const AT_ONCE: usize = 24;
/// The smallest one.
const UNIT: Amount = 100_000_000;
/// Long enough for a chain that finalizes late.
const PATIENCE: Duration = Duration::from_secs(60);
/// How far each bank may go negative.
const CAP: Amount = 1_000_000_000_000;

/// Pays, closes the window while one bank is short, and again when it has paid in.
pub(super) async fn run(network: &Network, show: &Show) -> anyhow::Result<Value> {
    let banks: Vec<&Institution> = [&network.originator, &network.home]
        .into_iter()
        .chain(&network.others)
        .collect();
    show.step("the notary sets each bank a net debit cap");
    for bank in &banks {
        let (member, asset) = (bank.member, Asset::Native);
        network
            .decide(Decision::SetCap {
                member,
                asset,
                cap: CAP,
            })
            .await?;
    }
    let number = network.ledger().await?.current().await?.window;
    show.step(&format!(
        "users of six banks make {PAYMENTS} payments, which the banks settle net"
    ));
    pay(network, &banks, show).await?;
    let open = window(network, number, false).await?;

    let short = fund_all_but_one(network, &banks, &open).await?;
    show.step("the notary closes the window: one bank is short, nothing moves");
    network.decide(Decision::CloseWindow(number)).await?;
    let unpaid = window_is(network, number, "cut-off").await?;
    let shortfall = match unpaid.shortfalls.as_slice() {
        [shortfall] if shortfall.member == short.member => *shortfall,
        others => bail!("{} should be short, and nobody else: {others:?}", short.name),
    };
    show.line(&format!(
        "    {} has {} and needs {}",
        short.name, shortfall.available, shortfall.needed
    ));
    show.step(&format!("{} pays in, and the window is settled", short.name));
    let lacks = shortfall.needed.saturating_sub(shortfall.available);
    network.deposit(short, lacks).await?;
    window_is(network, number, "settled").await?;

    show.step("the netting certificate is worked out again from the chain's events");
    let settled = window(network, number, true).await?;
    let certificate = settled.certificate.context("the window has no certificate")?;
    if !certificate.agrees || certificate.recomputed.vouchers != PAYMENTS {
        bail!("the certificate is another one than the events lead to: {certificate:?}");
    }
    let positions = || certificate.recomputed.lines.iter().map(|line| line.position);
    let gross: Amount = positions().map(|position| position.owes).sum();
    let net: Amount = positions().map(|position| position.net_debit()).sum();
    if net != positions().map(|position| position.net_credit()).sum::<Amount>() {
        bail!("what is paid and what is got differ");
    }
    let mut table = render::table(["", "is owed", "owes", "pays", "gets"]);
    for line in &certificate.recomputed.lines {
        let bank = banks.iter().find(|bank| bank.member == line.member);
        let Position { owed, owes } = line.position;
        table.add_row([
            bank.map_or_else(String::new, |bank| bank.name.clone()),
            owed.to_string(),
            owes.to_string(),
            line.position.net_debit().to_string(),
            line.position.net_credit().to_string(),
        ]);
    }
    show.line("");
    show.line(&table.to_string());
    show.line(&format!(
        "gross {gross}, net {net}: {}% of it moved",
        percent(net, gross)
    ));
    Ok(json!({
        "number": number,
        "payments": PAYMENTS,
        "institutions": banks.len(),
        "gross": gross.to_string(),
        "net": net.to_string(),
        "net_to_gross_percent": percent(net, gross),
        "short": shortfall,
        "settled_block": settled.summary.settled_in,
        "certificate_recomputed_and_equal": certificate.agrees,
    }))
}

/// Users of all banks pay at those that settle net; returns when each payment is in the window.
async fn pay(network: &Network, banks: &[&Institution], show: &Show) -> anyhow::Result<()> {
    let style = ProgressStyle::with_template("  {bar:40} {pos} of {len} payments in the window ({elapsed})")?;
    let progress = show.below(ProgressBar::new(PAYMENTS.into()).with_style(style));
    let payments = (0..PAYMENTS).map(|payment| {
        let progress = &progress;
        async move {
            let place = usize::try_from(payment)?;
            let originators = &network.others;
            let originator = originators.get(place % originators.len()).context("no originator")?;
            // Users of the last bank pay most often, which makes it a debtor; nobody's own bank is the originator.
            let homes: Vec<_> = banks.iter().filter(|bank| bank.member != originator.member).collect();
            let around = place / originators.len();
            let home = match around % 2 {
                0 => homes.last(),
                _ => homes.get(around / 2 % homes.len()),
            };
            let home = home.context("no home bank")?;
            let amount = UNIT.saturating_mul((payment % 7 + 1).into());
            let request = network.request_at(originator, home, TransactionKind::Purchase, amount)?;
            let mut paid = network.pay_at(originator, &request).await?;
            while paid.state != "executed" {
                if paid.is_final {
                    bail!("a payment is {}: {:?}", paid.state, paid.refusal);
                }
                let path = format!("/v1/payments/{}?wait_seconds=60&unless_state={}", paid.id, paid.state);
                paid = originator.api()?.get(&path).await?;
            }
            progress.inc(1);
            Ok::<_, anyhow::Error>(())
        }
    });
    stream::iter(payments)
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    progress.finish_and_clear();
    Ok(())
}

/// Every bank that has to pay can, but the one that has to pay most and more than it has.
async fn fund_all_but_one<'a>(
    network: &Network,
    banks: &[&'a Institution],
    open: &WindowView,
) -> anyhow::Result<&'a Institution> {
    let ledger = network.ledger().await?;
    let mut lacking: BTreeMap<Member, Amount> = BTreeMap::new();
    for position in &open.positions {
        let has = ledger.balance(position.member, position.asset).await?.spendable();
        let lacks = position.net_debit.saturating_sub(has);
        if lacks > 0 {
            lacking.insert(position.member, lacks);
        }
    }
    let most = lacking.iter().max_by_key(|(_, lacks)| **lacks);
    let (short, _) = most.context("every bank can pay what it owes")?;
    let bank = |member: &Member| banks.iter().find(|bank| bank.member == *member);
    for (member, lacks) in &lacking {
        if member != short {
            network
                .deposit(bank(member).context("a stranger is in the window")?, *lacks)
                .await?;
        }
    }
    bank(short).copied().context("a stranger is in the window")
}

async fn window(network: &Network, number: u32, verify: bool) -> anyhow::Result<WindowView> {
    let path = format!("/v1/windows/{number}?verify={verify}");
    network.notary.api()?.get(&path).await
}

async fn window_is(network: &Network, number: u32, state: &str) -> anyhow::Result<WindowView> {
    let found = until(PATIENCE, async || {
        let now = window(network, number, false).await?;
        Ok((now.summary.state == state).then_some(now))
    });
    found
        .await?
        .with_context(|| format!("window {number} is not {state} in time"))
}

fn percent(part: Amount, whole: Amount) -> Amount {
    part.saturating_mul(100).checked_div(whole).unwrap_or_default()
}
