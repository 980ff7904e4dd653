//! Everything that happened, audited from the chain alone: what every contract keeps is rebuilt from the blocks; then the
//! documents of a bank's database, of which one is altered by a byte, and named.
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{bail, Context};
use protocol::AccountId;
use serde_json::{json, Value};
use sqlx::{sqlite::SqliteConnectOptions, Connection, Row, SqliteConnection};

use super::Show;
use crate::{
    audit::{
        chain::{
            contracts::Contracts,
            run::{Audit, Outcome, Scope, Step, Tally},
            tables::Tables,
            AuditError,
        },
        documents::{self, Copy, DOCUMENTS},
    },
    chain::{Chain, ChainArchive, ChainError, Deployment},
    cli::render,
    devnet::{CreditNode, Institution, Network, Options},
};

/// What a node that doesn't keep all states is sure to keep: so many blocks.
const KEPT: u32 = 200;

/// Audits both chains, and the home bank's documents.
pub(super) async fn run(network: &Network, credit: &CreditNode, show: &Show) -> anyhow::Result<Value> {
    let options = &network.options;
    show.step("an auditor rebuilds what every contract keeps from the chain's blocks, and compares it value by value");
    let mut auditor = Auditor::new((&network.url, "audit"), &network.deployment, options, show).await?;
    let whole = auditor.audit(None, show).await?;
    let [_, other] = &credit.sites;
    let mut abroad = Auditor::new((&other.url, "audit-other-chain"), &other.deployment, options, show).await?;
    let second = abroad.audit(None, show).await?;
    ensure_well(&second)?;
    show.line("");
    show.line(&table(&whole));
    ensure_well(&whole)?;

    let bank = &network.home;
    show.step(&format!(
        "it verifies each document in a copy of {}'s database by the chain",
        bank.name
    ));
    let copy = copy_of(bank, &options.directory.join("audited.sqlite")).await?;
    let well = auditor.audit(Some(&copy), show).await?;
    ensure_well(&well)?;
    let checked = documents_of(&well);

    show.step("one digit of one signature in the copy is altered");
    let altered = alter(&copy, bank).await?;
    let found = auditor.audit(Some(&copy), show).await?;
    match &found.findings.first[..] {
        [one] if one.code == "bad-signature" && one.detail.contains(&altered) => {
            show.line(&format!("    {}: {}", one.code, one.detail));
        }
        other => bail!("{altered} was altered, and this is found: {other:#?}"),
    }
    let sum = |count: fn(&Tally) -> u64| well.tallies.values().map(count).sum::<u64>();
    Ok(json!({
        "status": "ok",
        "blocks": well.until.number.saturating_sub(well.from).saturating_add(1),
        "from": well.from,
        "finalized_block": well.until.number,
        "events": sum(|tally| tally.events).saturating_sub(checked.events),
        "signatures": well.findings.signatures,
        "digests": well.findings.digests,
        "compared": sum(|tally| tally.compared),
        "documents": checked.events,
        "findings": well.findings.count,
        "altered": altered,
        "second_chain": {
            "blocks": second.until.number,
            "events": second.tallies.values().map(|tally| tally.events).sum::<u64>(),
            "compared": second.tallies.values().map(|tally| tally.compared).sum::<u64>(),
            "findings": second.findings.count,
        },
    }))
}

/// An audit that goes on where it ended.
struct Auditor {
    audit: Audit,
    clearing: AccountId,
    scope: Scope,
    work: PathBuf,
}

impl Auditor {
    async fn new(
        (url, name): (&str, &str),
        deployment: &Deployment,
        options: &Options,
        show: &Show,
    ) -> anyhow::Result<Self> {
        let contracts = Contracts::of(deployment, &options.bundles)?;
        let registry = deployment.contract("registry")?.address;
        let archive = ChainArchive::new(Chain::connect(url).await?);
        let bar = show.0.clone();
        let audit = Audit::new(Arc::new(archive), contracts, registry, move |step| {
            bar.set_message(match step {
                Step::Block { number, last } => format!("reading block {number} of {last}"),
                Step::Past => "looking up who the institutions were".into(),
                Step::Believed(_) => "taking over what is believed".into(),
                Step::Compared(_) => "comparing what is kept".into(),
            });
        });
        Ok(Self {
            audit,
            clearing: deployment.contract("clearing")?.address,
            scope: Scope::default(),
            work: options.directory.join(format!("{name}.work")),
        })
    }

    /// From the first block on; where the node has forgotten that, from the first one that it is sure to keep.
    async fn audit(&mut self, copy: Option<&Path>, show: &Show) -> anyhow::Result<Outcome> {
        let mut outcome = match self.chain().await {
            Err(AuditError::Forgotten { .. } | AuditError::Chain(ChainError::Refused { .. }))
                if self.scope.from.is_none() =>
            {
                show.line("    the node keeps the latest states only: what contracts kept before is believed");
                let to = self.audit.finalized().await?;
                self.scope.from = Some(to.saturating_sub(KEPT).max(1));
                self.work.set_extension("latest.work");
                self.chain().await?
            }
            outcome => outcome?,
        };
        if let Some(copy) = copy {
            let mut copy = Copy::open(copy).await?;
            let mut tables = self.tables()?;
            let chain = (self.clearing, self.audit.place());
            documents::check(&mut copy, chain, &mut tables, &mut outcome, &|| ()).await?;
        }
        Ok(outcome)
    }

    async fn chain(&self) -> Result<Outcome, AuditError> {
        self.audit.run(self.scope, &mut self.tables()?).await
    }

    fn tables(&self) -> Result<Tables, AuditError> {
        Ok(Tables::open(Some(&self.work), &self.audit.whose(self.scope))?)
    }
}

fn documents_of(outcome: &Outcome) -> Tally {
    outcome.tallies.get(DOCUMENTS).copied().unwrap_or_default()
}

fn ensure_well(outcome: &Outcome) -> anyhow::Result<()> {
    match outcome.findings.count {
        0 => Ok(()),
        count => bail!(
            "{count} thing(s) are not as they should be: {:#?}",
            outcome.findings.first
        ),
    }
}

/// A copy of an institution's database as it is now.
async fn copy_of(bank: &Institution, to: &Path) -> anyhow::Result<PathBuf> {
    if to.exists() {
        std::fs::remove_file(to)?;
    }
    let options = SqliteConnectOptions::new().filename(bank.database());
    let mut database = SqliteConnection::connect_with(&options).await?;
    let into = to.to_str().context("the folder's name is no text")?;
    sqlx::query("VACUUM INTO ?").bind(into).execute(&mut database).await?;
    database.close().await?;
    Ok(to.to_owned())
}

/// Alters one digit of the latest signature that the bank gave under a voucher, and says which document that is in.
async fn alter(copy: &Path, bank: &Institution) -> anyhow::Result<String> {
    let options = SqliteConnectOptions::new().filename(copy);
    let mut database = SqliteConnection::connect_with(&options).await?;
    let row = sqlx::query(
        "SELECT rowid, voucher, body FROM payment_documents WHERE kind = 'confirmation' AND member = ? \
         ORDER BY epoch DESC, rowid DESC LIMIT 1",
    )
    .bind(bank.member.0)
    .fetch_one(&mut database)
    .await?;
    let body: String = row.try_get("body")?;
    let (before, after) = body.split_once("\"signature\":\"0x").context("it isn't signed")?;
    let mut digits = after.chars();
    let digit = if digits.next() == Some('0') { '1' } else { '0' };
    let altered = format!("{before}\"signature\":\"0x{digit}{}", digits.as_str());
    sqlx::query("UPDATE payment_documents SET body = ? WHERE rowid = ?")
        .bind(altered)
        .bind(row.try_get::<i64, _>("rowid")?)
        .execute(&mut database)
        .await?;
    database.close().await?;
    let voucher: String = row.try_get("voucher")?;
    Ok(format!("payment {voucher}, confirmation of member {}", bank.member))
}

fn table(outcome: &Outcome) -> String {
    let mut table = render::table(["contract", "events", "signatures", "values compared", "findings"]);
    for (name, tally) in &outcome.tallies {
        let counts = [tally.events, tally.signatures, tally.compared, tally.findings];
        table.add_row(std::iter::once(name.clone()).chain(counts.map(|count| count.to_string())));
    }
    table.to_string()
}
