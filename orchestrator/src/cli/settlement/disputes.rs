//! `quittance settlement disputes` and `dispute`.
use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::{Parser, Subcommand};
use protocol::{Amount, Member, Timestamp, VoucherId};
use reqwest::Method;
use serde::Serialize;
use uuid::Uuid;

use super::Output;
use crate::{
    assets::AssetName,
    cli::{
        list::{member, moment, text, Listing},
        render,
    },
    disputes::{messages::Document, state::ruling_name},
    http::disputes::{AnswerRequest, ClaimRequest, DisputePage, DisputeSummary, DisputeView},
};

const LIST_EXAMPLES: &str = "\
Examples:
  quittance settlement disputes                       all, the newest first
  quittance settlement disputes --state opened        what waits for an answer or a ruling
  quittance settlement disputes --csv > disputes.csv";

const EXAMPLES: &str = "\
Examples:
  quittance settlement dispute open 0x7c…e1 --amount 1200 --evidence 'order 17 never came'
  quittance settlement dispute open 0x7c…e1 --evidence-file complaint.pdf --wait
  quittance settlement dispute answer 0x7c…e1 --evidence-file receipt.pdf
  quittance settlement dispute show 0x7c…e1 --save evidence
  quittance settlement decide rule 0x7c…e1 partial --amount 800       at a notary

An obligation is named by its payment's voucher and its place in the relation: 0 is the principal, then the fees. Its
debtor claims back all of it or a part; another institution of the payment can only claim all of it, for the debtor. The
evidence's sha256 goes on chain, the evidence to the payment's other institutions and to the notaries. What the notaries
don't rule in time stands as it is. What they give back is paid by itself.";

/// How long `--wait` waits at a time, in seconds.
const WAIT_SECONDS: u64 = 60;

/// Shows disputes over this institution's payments, the newest first; at a notary, all that there are.
#[derive(Debug, Parser)]
#[command(after_help = LIST_EXAMPLES)]
pub(super) struct List {
    /// Those in this state: wanted, refused, opened, answered, upheld, awarded or paid.
    #[arg(long)]
    state: Option<String>,
    /// Those in which this member claims, owes or is owed.
    #[arg(long, value_parser = member)]
    member: Option<Member>,
    /// Those over obligations of this voucher.
    #[arg(long)]
    voucher: Option<VoucherId>,
    /// Those first seen here at or after: a day (2026-12-24) or a moment (2026-12-24T18:00:00Z).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Timestamp>,
    /// Those first seen here before.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<Timestamp>,
    #[command(flatten)]
    listing: Listing,
}

/// Opens, answers or shows a dispute over what is owed because of a payment.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Contests an obligation of a retained payment.
    Open {
        #[command(flatten)]
        over: Contested,
        /// How much should go back, in the asset's smallest unit; all that can if it isn't said.
        #[arg(long)]
        amount: Option<Amount>,
        #[command(flatten)]
        wish: Wish,
    },
    /// Answers a dispute. The first answer counts.
    Answer {
        #[command(flatten)]
        over: Contested,
        #[command(flatten)]
        wish: Wish,
    },
    /// Shows a dispute with its evidence.
    Show {
        #[command(flatten)]
        over: Contested,
        /// Write the evidence into this folder: `claim` and `answer`.
        #[arg(long, value_name = "FOLDER")]
        save: Option<PathBuf>,
        #[command(flatten)]
        output: Output,
    },
}

/// What is contested.
#[derive(Clone, Copy, Debug, clap::Args)]
struct Contested {
    /// The payment's voucher.
    voucher: VoucherId,
    /// The place of the obligation in its relation: 0 is the principal, then the fees.
    #[arg(long, default_value_t = 0)]
    obligation: u8,
}

/// What a wish to open or to answer has in common.
#[derive(Debug, clap::Args)]
struct Wish {
    /// What shows why, word for word.
    #[arg(long, value_name = "TEXT", required_unless_present = "evidence_file")]
    evidence: Option<String>,
    /// What shows why: a file of at most 64 KiB.
    #[arg(long, value_name = "FILE", conflicts_with = "evidence")]
    evidence_file: Option<PathBuf>,
    /// Wait up to a minute until the chain shows it.
    #[arg(long)]
    wait: bool,
    /// Names the wish: the same wish under the same key is one dispute. A new key if it isn't said.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    output: Output,
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let filters = vec![
            ("state", self.state),
            ("member", text(self.member)),
            ("voucher", text(self.voucher)),
            ("from", text(self.from)),
            ("to", text(self.to)),
        ];
        let Some(page) = self.listing.page::<DisputePage>("/v1/disputes", filters).await? else {
            return Ok(());
        };
        let mut table = render::table([
            "voucher",
            "obligation",
            "state",
            "claimed",
            "by",
            "rule by",
            "ruling",
            "back",
        ]);
        for dispute in &page.disputes {
            let shown = dispute.dispute.as_ref();
            table.add_row([
                dispute.voucher.to_string(),
                dispute.obligation.to_string(),
                dispute.state.clone(),
                claimed(dispute),
                shown.map_or_else(dash, |shown| shown.claimant.to_string()),
                shown.map_or_else(dash, |shown| render::moment(shown.rule_by)),
                ruling(dispute),
                shown.map_or_else(dash, |shown| format!("{} of {}", shown.paid, shown.awarded)),
            ]);
        }
        println!("{table}");
        Listing::more(page.next.as_deref());
        Ok(())
    }
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self.what {
            What::Open { over, amount, wish } => {
                let request = ClaimRequest {
                    voucher: over.voucher,
                    obligation: over.obligation,
                    amount,
                    evidence: wish.document()?,
                };
                wish.send("/v1/disputes", over, &request).await
            }
            What::Answer { over, wish } => {
                let request = AnswerRequest {
                    evidence: wish.document()?,
                };
                wish.send(&format!("{}/answer", over.path()), over, &request).await
            }
            What::Show { over, save, output } => {
                let dispute: DisputeView = output.service.client()?.get(&over.path()).await?;
                if let Some(folder) = save {
                    save_evidence(&folder, &dispute)?;
                }
                show(&dispute, output.json)
            }
        }
    }
}

impl Contested {
    fn path(self) -> String {
        format!("/v1/disputes/{}/{}", self.voucher, self.obligation)
    }
}

impl Wish {
    fn document(&self) -> anyhow::Result<Document> {
        let bytes = match (&self.evidence_file, &self.evidence) {
            (Some(file), _) => fs::read(file).with_context(|| format!("{} can't be read", file.display()))?,
            (None, Some(text)) => text.clone().into_bytes(),
            (None, None) => anyhow::bail!("give --evidence or --evidence-file"),
        };
        Ok(Document::new(bytes)?)
    }

    async fn send(self, path: &str, over: Contested, request: &impl Serialize) -> anyhow::Result<()> {
        let api = self.output.service.client()?;
        let key = self.idempotency_key.unwrap_or_else(|| Uuid::now_v7().to_string());
        let answer = api.write(Method::POST, path, &key, request).await?;
        let mut dispute: DisputeView = answer.json().await?;
        if self.wait {
            let unless = &dispute.summary.state;
            let path = format!("{}?wait_seconds={WAIT_SECONDS}&unless_state={unless}", over.path());
            dispute = api.get(&path).await?;
        }
        show(&dispute, self.output.json)
    }
}

fn save_evidence(folder: &Path, dispute: &DisputeView) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
    for (name, document) in [("claim", &dispute.claim_evidence), ("answer", &dispute.answer_evidence)] {
        if let Some(document) = document {
            let file = folder.join(name);
            fs::write(&file, document.bytes()).with_context(|| format!("{} can't be written", file.display()))?;
        }
    }
    Ok(())
}

fn show(view: &DisputeView, json: bool) -> anyhow::Result<()> {
    if json {
        return render::json(view);
    }
    let summary = &view.summary;
    let over = format!("{}, obligation {}", summary.voucher, summary.obligation);
    let mut table = render::table(["dispute over", &over]);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("state", summary.state.clone());
    row("claimed", claimed(summary));
    if let Some(dispute) = &summary.dispute {
        let owed = &dispute.contested;
        let asset = AssetName(owed.asset);
        row(
            "contested",
            format!(
                "{} {asset} of member {} to member {}",
                owed.amount, owed.debtor, owed.creditor
            ),
        );
        row("claimed by member", dispute.claimant.to_string());
        row("opened", render::moment(dispute.opened_at));
        row("to be ruled before", render::moment(dispute.rule_by));
        if let Some(response) = dispute.response {
            row("answered by member", response.member.to_string());
        }
        row("ruling", ruling(summary));
        row("awarded", dispute.awarded.to_string());
        row("paid of it", dispute.paid.to_string());
    }
    for (name, document) in [("claim", &view.claim_evidence), ("answer", &view.answer_evidence)] {
        if let Some(document) = document {
            let shown = match document.text() {
                Some(text) => text.to_owned(),
                None => format!("{} bytes that are no text: --save writes them", document.bytes().len()),
            };
            row(&format!("evidence of the {name}"), shown);
        }
    }
    let mut history = render::table(["at", "state", "what happened"]);
    for step in &view.history {
        history.add_row([render::moment(step.at), step.state.clone(), step.detail.clone()]);
    }
    println!("{table}\n{history}");
    Ok(())
}

fn claimed(dispute: &DisputeSummary) -> String {
    let claimed = dispute
        .dispute
        .as_ref()
        .map(|shown| shown.claim.amount)
        .or(dispute.wanted);
    claimed.map_or_else(dash, |amount| amount.to_string())
}

fn ruling(dispute: &DisputeSummary) -> String {
    let ruling = dispute.dispute.as_ref().and_then(|shown| shown.ruling);
    ruling.map_or_else(dash, |ruling| ruling_name(ruling).to_owned())
}

fn dash() -> String {
    "–".to_owned()
}
