//! A card programme: three merchants with two terminals each, twenty cards, payments on line and off, a void, a refund, a
//! dispute, cycles closed and paid; an auditor recomputes all of it from the chain.
use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

use anyhow::{bail, Context};
use futures::future::try_join_all;
use indicatif::{ProgressBar, ProgressStyle};
use protocol::{
    disputes::evidence_digest,
    prepaid::{CardNumber, MerchantNumber, Rules, Statement},
    Amount,
};
use serde_json::{json, Value};

use super::Show;
use crate::{
    cli::render,
    devnet::{CardTerms, Cards, Network, Terminal},
    http::prepaid::payments::{CardAnswerRequest, CardDecisionRequest},
    identity::SigningKey,
};

const MERCHANTS: u32 = 3;
const TERMINALS: u32 = 2 * MERCHANTS;
const CARDS: u64 = 20;
/// Payments at each terminal, in each of the two rounds.
const PAYMENTS: usize = 26;
/// What a payment begins at, in the smallest unit of the native token.
const AMOUNT: Amount = 1_000_000_000;
/// What a card holds at first.
const TOP_UP: Amount = 400 * AMOUNT;
/// A bit below one per cent, and a part of a cent.
const RULES: Rules = Rules {
    flat: 1_000_000,
    parts_per_million: 8_000,
    least_payout: AMOUNT,
    reserve_parts_per_million: 50_000,
};
/// What the disputed payment's holder wants back, and gets.
const CLAIM: Amount = AMOUNT;
const AWARD: Amount = AMOUNT / 2;
/// The holder of the first card.
const HOLDER: &str = "//Holder1";

/// Starts a card issuer and an acquirer and does all of it; they go on running.
pub(super) async fn run(network: &mut Network, show: &Show) -> anyhow::Result<(Value, Cards)> {
    let cards = network.add_cards(CardTerms::default(), &|step| show.step(step)).await?;
    show.step("the issuer registers three merchants, each with two terminals that are processes of their own");
    let terminals = merchants(network, &cards).await?;
    show.step("it issues twenty cards and tops them up");
    let files = issue(network, &cards).await?;

    show.step(
        "holders pay at the terminals: card and terminal sign, the issuer puts the payments on the chain in batches",
    );
    let paid = shifts(&terminals, &files, show).await?;
    show.step("what was taken offline is sent");
    let sent = try_join_all(terminals.iter().map(|terminal| terminal.done("send", &[]))).await?;
    let sent: usize = sent.iter().map(Vec::len).sum();
    let count = paid.online.saturating_add(paid.offline);
    if sent != paid.offline || paid.declined > 0 {
        bail!("{paid:?}, {sent} were sent later");
    }

    show.step("one payment is voided, one is refunded in part");
    let first = terminals.first().context("there are terminals")?;
    let (voided, refunded, disputed) = (&paid.first[0], &paid.first[1], &paid.first[2]);
    first.done("void", &[voided]).await?;
    let part = (AMOUNT / 4).to_string();
    first.done("refund", &[refunded, "--amount", &part]).await?;
    show.step("a holder disputes a payment; the acquirer answers, the issuer gives back half");
    dispute(network, &cards, &files, disputed).await?;

    show.step("the cycles are closed: each merchant gets a statement and its money, the issuer its fee");
    let statements = try_join_all((1..=MERCHANTS).map(|number| cards.close_cycle(MerchantNumber(number)))).await?;

    show.step("an auditor recomputes statements, balances and the float after every block, from the chain alone");
    let verified = audit(network, &cards, &["verify", "--every-block"]).await?;
    for statement in &statements {
        let (merchant, cycle) = (statement.merchant.0.to_string(), statement.cycle.number.to_string());
        audit(
            network,
            &cards,
            &["statement", "--merchant", &merchant, "--cycle", &cycle],
        )
        .await?;
    }
    show.line(&format!(
        "    {} values follow from the events; the float was whole after each of {} blocks",
        verified["compared"], verified["blocks"]
    ));
    show.line("");
    show.line(&table(&statements));

    let taken: u32 = statements.iter().map(|statement| statement.cycle.count).sum();
    if usize::try_from(taken)? != count {
        bail!("{count} payments were approved, the statements have {taken}");
    }
    let float = cards.float().await?;
    let result = json!({
        "status": "ok",
        "finalized_block": verified["until"]["number"],
        "merchants": MERCHANTS,
        "terminals": TERMINALS,
        "cards": CARDS,
        "payments": count,
        "taken_offline": paid.offline,
        "refunds": 1,
        "voids": 1,
        "disputes": { "wanted": CLAIM.to_string(), "awarded": AWARD.to_string() },
        "statements": statements,
        "statements_recomputed": true,
        "float": { "cards": float.cards.to_string(), "merchants": float.merchants.to_string() },
        "float_whole_after_blocks": verified["blocks"],
    });
    Ok((result, cards))
}

async fn merchants(network: &Network, cards: &Cards) -> anyhow::Result<Vec<Terminal>> {
    for number in 1..=MERCHANTS {
        let account = SigningKey::load(&format!("//Merchant{number}"))?.account();
        cards.register(MerchantNumber(number), account, RULES).await?;
    }
    let make = |number: u32| async move {
        let merchant = MerchantNumber(number % MERCHANTS + 1);
        cards
            .make_terminal(&network.options, &format!("till-{}", number + 1), merchant)
            .await
    };
    try_join_all((0..TERMINALS).map(make)).await
}

async fn issue(network: &Network, cards: &Cards) -> anyhow::Result<Vec<PathBuf>> {
    let make = |number: u64| async move {
        let holder = SigningKey::load(&format!("//Holder{number}"))?.account();
        cards
            .make_card(&network.options, CardNumber(number), holder, TOP_UP)
            .await
    };
    try_join_all((1..=CARDS).map(make)).await
}

/// What came of the payments.
#[derive(Debug)]
struct Paid {
    online: usize,
    offline: usize,
    declined: usize,
    /// The first terminal's payments of the first card, as `card/counter`.
    first: Vec<String>,
}

/// Two rounds, so that every card pays at two merchants at least. A card is in one holder's hand: at one terminal at a time.
async fn shifts(terminals: &[Terminal], files: &[PathBuf], show: &Show) -> anyhow::Result<Paid> {
    let all = u64::try_from(2 * PAYMENTS * terminals.len())?;
    let style = ProgressStyle::with_template("    {bar:40} {pos}/{len} payments")?;
    let bar = show.below(ProgressBar::new(all).with_style(style));
    let mut paid = Paid {
        online: 0,
        offline: 0,
        declined: 0,
        first: Vec::new(),
    };
    for round in 0..2 {
        let work = terminals.iter().enumerate().map(|(place, terminal)| {
            let bar = &bar;
            async move {
                let hands = files
                    .iter()
                    .skip((place + round) % terminals.len())
                    .step_by(terminals.len());
                let file = terminal.directory.join(format!("sales-{round}.csv"));
                std::fs::write(&file, sales(&hands.collect::<Vec<_>>(), round)?)?;
                let file = file.display().to_string();
                let name = format!("round-{round}");
                let said = terminal
                    .run("shift", &["--file", &file, "--name", &name], &|| bar.inc(1))
                    .await?;
                if said.code != Some(0) {
                    bail!("quittance terminal shift: {:?}: {}", said.code, said.errors);
                }
                Ok(said.lines)
            }
        });
        for (place, lines) in try_join_all(work).await?.into_iter().enumerate() {
            paid.add(&lines, place == 0 && round == 0);
        }
    }
    bar.finish_and_clear();
    Ok(paid)
}

/// Each third payment of the second round is taken offline: the line is down now and then.
fn sales(cards: &[&PathBuf], round: usize) -> anyhow::Result<String> {
    let mut text = "card,amount,offline\n".to_owned();
    for (number, card) in (0..PAYMENTS).zip(cards.iter().cycle()) {
        let amount = AMOUNT.saturating_add(Amount::try_from(number)?.saturating_mul(1_000_000));
        let is_offline = round == 1 && number % 3 == 0;
        writeln!(text, "{},{amount},{is_offline}", card.display())?;
    }
    Ok(text)
}

impl Paid {
    fn add(&mut self, lines: &[Value], is_first: bool) {
        let mut states: BTreeMap<&str, usize> = BTreeMap::new();
        for line in lines {
            *states.entry(line["state"].as_str().unwrap_or_default()).or_default() += 1;
            if is_first && line["card"] == json!(1) {
                self.first.push(format!("{}/{}", line["card"], line["counter"]));
            }
        }
        self.online += states.remove("approved").unwrap_or_default();
        self.offline += states.remove("offline").unwrap_or_default();
        self.declined += states.into_values().sum::<usize>();
    }
}

async fn dispute(network: &Network, cards: &Cards, files: &[PathBuf], payment: &str) -> anyhow::Result<()> {
    let (_, counter) = payment.split_once('/').context("a payment has a counter")?;
    let counter: u64 = counter.parse()?;
    let evidence = network.options.directory.join("complaint.txt");
    std::fs::write(&evidence, "half of what I paid for was broken\n")?;
    let card = files.first().context("there are cards")?;
    let paper = cards
        .objection(&network.options, (card, counter), HOLDER, CLAIM, &evidence)
        .await?;
    cards.write(&cards.issuer, "disputes", &paper).await?;
    let answer = CardAnswerRequest {
        answer: evidence_digest(b"we gave the other half"),
    };
    cards
        .write(&cards.acquirer, &format!("disputes/{payment}/answer"), &answer)
        .await?;
    let decision = CardDecisionRequest { awarded: AWARD };
    cards
        .write(&cards.issuer, &format!("disputes/{payment}/decide"), &decision)
        .await?;
    Ok(())
}

async fn audit(network: &Network, cards: &Cards, arguments: &[&str]) -> anyhow::Result<Value> {
    match cards.audit(&network.options, &network.url, arguments).await? {
        Ok(said) => Ok(said),
        Err(differs) => bail!("the chain contradicts itself: {differs}"),
    }
}

fn table(statements: &[Statement]) -> String {
    let mut table = render::table([
        "merchant", "payments", "gross", "voided", "refunded", "awarded", "fee", "paid out", "kept",
    ]);
    for statement in statements {
        let cycle = &statement.cycle;
        table.add_row([
            statement.merchant.0.to_string(),
            cycle.count.to_string(),
            cycle.gross.to_string(),
            cycle.voided.to_string(),
            cycle.refunded.to_string(),
            cycle.awarded.to_string(),
            statement.fee.to_string(),
            statement.paid.to_string(),
            statement.closing.to_string(),
        ]);
    }
    table.to_string()
}
