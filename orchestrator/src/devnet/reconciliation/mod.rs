//! A book between two institutions of a network (S3.1 to S3.5).
mod files;
mod planted;

use std::{collections::BTreeMap, time::Duration};

use anyhow::{bail, Context};
use protocol::{
    ids::TradeId,
    reconciliation::{Day, Side, Terms},
    settlement::Asset,
    Amount, Member, Timestamp,
};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{json, Value};

pub use files::{camt053, csv, date};
pub use planted::{Booked, Payment, PlantedDay};

use super::{fresh_key, now, quittance, until, Institution, Network};
use crate::{
    chain::{bundle::Bundle, ChainReconciliation},
    http::reconciliation::{
        books::{BookView, OpenBookRequest, OpenedBookView, SignedTermsView, TermsRequest},
        breaks::{BreakPage, BreakView},
        days::{BookDayDetails, DryRunView},
        entries::{NewEntryView, RecordRequest},
        imports::ImportReport,
    },
    reconciliation::import::Format,
};

/// Long enough for a slow machine, and for statements of thousands of lines.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long the sides have to sign a book's terms, in milliseconds.
const SIGNING: Timestamp = 600_000;
/// In milliseconds.
const DAY: Timestamp = 86_400_000;
/// How many entries one request may have.
const AT_ONCE: usize = 128;
/// Who pays what days come to, at the debit side; its key; and who is paid at the credit side.
const TREASURY: &str = "treasury";
const TREASURY_KEY: &str = "//Treasury";
const COLLECTIONS: &str = "collections";
const COLLECTIONS_KEY: &str = "//Collections";
/// What the treasury has.
const FUNDS: Amount = 1_000_000_000_000;

/// How a side keeps its book.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// `imported` or `delivered`.
    pub own: &'static str,
    /// `chain` or `by_hand`.
    pub accept: &'static str,
    /// How its own files are written.
    pub format: Format,
}

/// What is agreed of a book.
#[derive(Clone, Copy, Debug)]
pub struct BookPlan {
    /// Who records what customers paid.
    pub client: Member,
    /// Who owes it, and how it keeps its book.
    pub debit: (Member, Keeping),
    /// Who is owed it.
    pub credit: (Member, Keeping),
}

/// A book that is open, with both sides configured for it.
#[derive(Clone, Copy, Debug)]
pub struct SharedBook {
    /// Its number.
    pub book: u32,
    /// Who does what in it.
    pub plan: BookPlan,
}

impl Keeping {
    /// Files that a finance company exports, and a correction as the chain has it needs nobody.
    pub const CSV: Self = Self {
        own: "imported",
        accept: "chain",
        format: Format::Csv,
    };
    /// A bank's statements.
    pub const CAMT: Self = Self {
        format: Format::Camt053,
        ..Self::CSV
    };

    /// A person accepts corrections.
    #[must_use]
    pub const fn by_hand(self) -> Self {
        Self {
            accept: "by_hand",
            ..self
        }
    }

    fn configuration(self, book: u32, more: &str) -> String {
        format!(
            "[[reconciliation.books]]\nbook = {book}\nown = \"{}\"\naccept = \"{}\"\n{more}\n{}",
            self.own,
            self.accept,
            files::LAYOUT
        )
    }
}

impl Network {
    /// The institution with this index.
    ///
    /// # Errors
    /// There is none.
    pub fn member(&self, member: Member) -> anyhow::Result<&Institution> {
        let found = self.institutions().find(|institution| institution.member == member);
        found.with_context(|| format!("the network has no member {member}"))
    }

    /// The institution with this index, to be killed or started.
    ///
    /// # Errors
    /// There is none.
    pub fn member_mut(&mut self, member: Member) -> anyhow::Result<&mut Institution> {
        let mut institutions = self.institutions_mut();
        let found = institutions.find(|institution| institution.member == member);
        found.with_context(|| format!("the network has no member {member}"))
    }

    /// Has both sides sign a book's terms and open it, gives the debit side a treasury and the credit side the account that is
    /// paid, and starts both again, configured for the book.
    ///
    /// # Errors
    /// A step failed.
    pub async fn open_book(&mut self, plan: BookPlan) -> anyhow::Result<SharedBook> {
        let ((debit, debit_keeps), (credit, credit_keeps)) = (plan.debit, plan.credit);
        let terms = Terms {
            client: plan.client,
            debit,
            credit,
            asset: Asset::Native,
            zone: b"UTC".to_vec(),
            patience: 7 * DAY,
            // On a chain that has had a demo before, too.
            number: u32::try_from(now()? % u64::from(u32::MAX))?,
        };
        let book = self.sign_and_open(terms).await?;
        self.put_user_at(self.member(debit)?, (TREASURY, TREASURY_KEY), FUNDS, FUNDS)
            .await?;
        self.put_user_at(self.member(credit)?, (COLLECTIONS, COLLECTIONS_KEY), 0, 0)
            .await?;
        let pays = format!("beneficiary = \"{COLLECTIONS}\"\n");
        let treasury = format!("[reconciliation.treasury]\nuser = \"{TREASURY}\"\nkey = \"{TREASURY_KEY}\"\n\n");
        let configurations = [
            (
                debit,
                format!("[reconciliation]\n{treasury}{}", debit_keeps.configuration(book, &pays)),
            ),
            (
                credit,
                format!("[reconciliation]\n{}", credit_keeps.configuration(book, "")),
            ),
        ];
        for (member, configuration) in configurations {
            let institution = self.member_mut(member)?;
            institution.kill().await?;
            institution.configure_more(&configuration)?;
            institution.start(&[])?;
            institution.ready().await?;
        }
        Ok(SharedBook { book, plan })
    }

    /// A connection that reads what the reconciliation contract itself says.
    ///
    /// # Errors
    /// The node can't be reached, or the bundle is missing.
    pub async fn reconciliation(&self) -> anyhow::Result<ChainReconciliation> {
        let (chain, follower, submitter) = self.deployer().await?;
        let bundle = Bundle::find(&self.options.bundles, "reconciliation")?;
        let deployment = self.deployment.clone();
        Ok(ChainReconciliation::new(
            chain, follower, submitter, deployment, &bundle,
        )?)
    }

    async fn sign_and_open(&self, terms: Terms) -> anyhow::Result<u32> {
        let expires_at = now()?.saturating_add(SIGNING);
        let wish = TermsRequest {
            terms: terms.clone(),
            expires_at,
        };
        let mut signed = Vec::new();
        for member in [terms.debit, terms.credit] {
            let api = self.member(member)?.api()?;
            let answer = api
                .write(Method::POST, "/v1/reconciliation/books/terms", &fresh_key(), &wish)
                .await?;
            signed.push(answer.json::<SignedTermsView>().await?);
        }
        let [debit, credit] = signed.as_slice() else {
            bail!("both sides should have signed");
        };
        let agreed = OpenBookRequest {
            terms,
            epoch: debit.epoch,
            expires_at,
            debit: debit.signature,
            credit: credit.signature,
        };
        let api = self.member(credit.member)?.api()?;
        let answer = api
            .write(Method::POST, "/v1/reconciliation/books", &fresh_key(), &agreed)
            .await?;
        let opened: OpenedBookView = answer.json().await?;
        Ok(opened.book)
    }
}

impl SharedBook {
    /// The institution of a side.
    ///
    /// # Errors
    /// The network doesn't have it.
    pub fn side<'a>(&self, network: &'a Network, side: Side) -> anyhow::Result<&'a Institution> {
        network.member(self.of(side))
    }

    /// Whose side it is; the chain's is the client.
    pub const fn of(&self, side: Side) -> Member {
        match side {
            Side::Debit => self.plan.debit.0,
            Side::Credit => self.plan.credit.0,
            Side::Chain => self.plan.client,
        }
    }

    /// Records what customers paid, as the client, and waits until it is on the chain and both sides were told.
    ///
    /// # Errors
    /// It is refused, or takes too long.
    pub async fn record(&self, network: &Network, payments: &[Payment]) -> anyhow::Result<()> {
        self.hand_in(network, payments).await?;
        self.recorded(network).await
    }

    /// Hands in what customers paid, as the client.
    ///
    /// # Errors
    /// It is refused.
    pub async fn hand_in(&self, network: &Network, payments: &[Payment]) -> anyhow::Result<()> {
        let api = network.member(self.plan.client)?.api()?;
        for some in payments.chunks(AT_ONCE) {
            let entries = some.iter().map(|payment| NewEntryView {
                id: payment.reference.clone(),
                payer: payment.payer.clone(),
                amount: payment.amount,
                time: Some(payment.time),
                day: None,
                batch: payment.batch.clone(),
            });
            let request = RecordRequest {
                entries: entries.collect(),
            };
            let path = self.path("entries");
            api.write(Method::POST, &path, &fresh_key(), &request).await?;
        }
        Ok(())
    }

    /// Waits until everything that was handed in is on the chain, and both sides were told.
    ///
    /// # Errors
    /// It takes too long.
    pub async fn recorded(&self, network: &Network) -> anyhow::Result<()> {
        let api = network.member(self.plan.client)?.api()?;
        let told = until(PATIENCE, async || {
            let book: BookView = api.get(&self.path("")).await?;
            let backlog = book.backlog.context("who records isn't the book's client")?;
            if backlog.refused > 0 {
                bail!("{} entries are refused", backlog.refused);
            }
            Ok((backlog.waiting == 0 && backlog.undelivered == 0).then_some(()))
        });
        told.await?.context("the entries aren't recorded and delivered in time")
    }

    /// Imports a side's own lines, as it keeps them.
    ///
    /// # Errors
    /// They are refused.
    pub async fn import(
        &self,
        network: &Network,
        side: Side,
        (name, lines): (&str, &[Booked]),
    ) -> anyhow::Result<ImportReport> {
        let (_, keeping) = match side {
            Side::Debit => self.plan.debit,
            Side::Credit | Side::Chain => self.plan.credit,
        };
        let text = match keeping.format {
            Format::Camt053 => camt053(lines, name),
            Format::Csv | Format::JsonLines => csv(lines),
        };
        self.upload(network, side, (name, keeping.format, ""), &text).await
    }

    /// Imports a file; `more` is what else the query says.
    ///
    /// # Errors
    /// It is refused.
    pub async fn upload(
        &self,
        network: &Network,
        side: Side,
        (name, format, more): (&str, Format, &str),
        text: &str,
    ) -> anyhow::Result<ImportReport> {
        let institution = self.side(network, side)?;
        let file = institution.directory.join(name);
        std::fs::write(&file, text)?;
        let path = self.path(&format!("imports?format={format}&name={name}{more}"));
        let answer = institution.api()?.upload(&path, &fresh_key(), &file).await?;
        Ok(answer.json().await?)
    }

    /// Has a side match a day; what comes of it is kept.
    ///
    /// # Errors
    /// It is refused.
    pub async fn run(&self, network: &Network, side: Side, day: Day) -> anyhow::Result<()> {
        self.write(network, side, &format!("days/{}/run", date(day)), &json!({}))
            .await?;
        Ok(())
    }

    /// Has a side match a day to see what would come of it.
    ///
    /// # Errors
    /// It is refused.
    pub async fn dry_run(&self, network: &Network, side: Side, day: Day) -> anyhow::Result<DryRunView> {
        let what = format!("days/{}/run?dry_run=true", date(day));
        Ok(serde_json::from_value(
            self.write(network, side, &what, &json!({})).await?,
        )?)
    }

    /// A day, as a side sees it.
    ///
    /// # Errors
    /// It can't be reached.
    pub async fn day(&self, network: &Network, side: Side, day: Day) -> anyhow::Result<BookDayDetails> {
        self.read(network, side, &format!("days/{}", date(day))).await
    }

    /// Waits until a day is in one of these states at a side.
    ///
    /// # Errors
    /// It never is.
    pub async fn day_is(
        &self,
        network: &Network,
        side: Side,
        day: Day,
        states: &[&str],
    ) -> anyhow::Result<BookDayDetails> {
        let found = until(PATIENCE, async || {
            // A side that was started again isn't there at once.
            let now = self.day(network, side, day).await.ok();
            Ok(now.filter(|now| states.contains(&now.day.state.as_str())))
        });
        if let Some(found) = found.await? {
            return Ok(found);
        }
        let now = self.day(network, side, day).await?;
        bail!("{} is {states:?} at the {side:?} side at no time: {now:#?}", date(day))
    }

    /// Every break of a day that a side found.
    ///
    /// # Errors
    /// It can't be reached.
    pub async fn breaks(
        &self,
        network: &Network,
        side: Side,
        day: Day,
    ) -> anyhow::Result<BTreeMap<TradeId, BreakView>> {
        let mut found = BTreeMap::new();
        let mut cursor = String::new();
        loop {
            let what = format!("breaks?day={}&limit=100{cursor}", date(day));
            let page: BreakPage = self.read(network, side, &what).await?;
            found.extend(page.breaks.into_iter().map(|view| (view.trade, view)));
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(found),
            }
        }
    }

    /// Does something with a break: `accept`, `assign`, `comment`, `propose`, `reject`.
    ///
    /// # Errors
    /// It is refused.
    pub async fn act(
        &self,
        network: &Network,
        side: Side,
        (trade, act): (TradeId, &str),
        body: &Value,
    ) -> anyhow::Result<Value> {
        self.write(network, side, &format!("breaks/{trade}/{act}"), body).await
    }

    /// Has a person at a side accept whatever is proposed on a day, until the day is in one of these states there. Returns how
    /// many corrections were accepted.
    ///
    /// # Errors
    /// Something is refused, or it takes too long.
    pub async fn accept_all(&self, network: &Network, side: Side, day: Day, states: &[&str]) -> anyhow::Result<usize> {
        let mut accepted = 0_usize;
        let done = until(PATIENCE, async || {
            for (trade, found) in self.breaks(network, side, day).await? {
                if found.state == "proposed" {
                    self.act(network, side, (trade, "accept"), &json!({})).await?;
                    accepted = accepted.saturating_add(1);
                }
            }
            let now = self.day(network, side, day).await?;
            Ok(states.contains(&now.day.state.as_str()).then_some(()))
        });
        done.await?
            .with_context(|| format!("{} isn't {states:?} in time", date(day)))?;
        Ok(accepted)
    }

    /// The report of a closed day, by the command that people use, and what an auditor's command says of it, who asks the node
    /// alone.
    ///
    /// # Errors
    /// It can't be drawn up, or doesn't hold.
    pub async fn audited(&self, network: &Network, side: Side, day: Day) -> anyhow::Result<Value> {
        let options = &network.options;
        let institution = self.side(network, side)?;
        let (book, date) = (self.book.to_string(), date(day));
        let mut draw = quittance(options);
        draw.args(["reconcile", "report", &book, &date, "--json", "--url", &institution.url]);
        draw.arg("--token-file")
            .arg(institution.directory.join("operator.token"));
        let file = options.directory.join(format!("report-{book}-{date}.json"));
        std::fs::write(&file, super::run(draw).await?)?;
        let mut audit = quittance(options);
        audit
            .args(["audit", "report"])
            .arg(&file)
            .args(["--url", &network.url, "--json"]);
        audit.arg("--deployment").arg(options.directory.join("deployment.json"));
        Ok(serde_json::from_slice(&super::run(audit).await?)?)
    }

    /// Reads something of the book, as a side shows it.
    ///
    /// # Errors
    /// It can't be reached, or refuses.
    pub async fn read<T: DeserializeOwned>(&self, network: &Network, side: Side, what: &str) -> anyhow::Result<T> {
        self.side(network, side)?.api()?.get(&self.path(what)).await
    }

    async fn write(&self, network: &Network, side: Side, what: &str, body: &Value) -> anyhow::Result<Value> {
        let api = self.side(network, side)?.api()?;
        let answer = api.write(Method::POST, &self.path(what), &fresh_key(), body).await?;
        Ok(answer.json().await?)
    }

    fn path(&self, what: &str) -> String {
        let slash = if what.is_empty() { "" } else { "/" };
        format!("/v1/reconciliation/books/{}{slash}{what}", self.book)
    }
}

/// The day before this one, by the clocks of UTC.
///
/// # Errors
/// The clock is wrong.
pub fn yesterday() -> anyhow::Result<Day> {
    let today = u32::try_from(now()? / DAY)?;
    Ok(Day(today.saturating_sub(1)))
}
