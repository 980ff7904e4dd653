//! `quittance settlement decisions`.
use clap::Parser;

use crate::{
    cli::{list::Listing, render},
    decisions::messages::DecisionId,
    http::decisions::{DecisionPage, DecisionView},
};

const EXAMPLES: &str = "\
Examples:
  quittance settlement decisions                  all, the newest first
  quittance settlement decisions 0x7c…e1          one, with its history

What another notary proposes is carried out once enough notaries agree: `quittance settlement decide` the same.";

/// Shows what this notary agreed to and what others propose.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The decision's id.
    decision: Option<DecisionId>,
    #[command(flatten)]
    listing: Listing,
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        if let Some(id) = self.decision {
            let path = format!("/v1/decisions/{id}");
            return match self.listing.one::<DecisionView>(&path).await? {
                Some(decision) => show(&decision, false),
                None => Ok(()),
            };
        }
        let page: Option<DecisionPage> = self.listing.page("/v1/decisions", vec![]).await?;
        let Some(page) = page else { return Ok(()) };
        let mut table = render::table(["decision", "number", "what", "state", "signed by", "expires"]);
        for decision in &page.decisions {
            table.add_row([
                decision.id.to_string(),
                decision.number.to_string(),
                what(decision)?,
                decision.state.clone(),
                members(decision),
                render::moment(decision.expires_at),
            ]);
        }
        println!("{table}");
        Listing::more(page.next.as_deref());
        Ok(())
    }
}

/// One decision with its history.
pub(super) fn show(decision: &DecisionView, json: bool) -> anyhow::Result<()> {
    if json {
        return render::json(decision);
    }
    let mut table = render::table(["decision", &decision.id.to_string()]);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("what", what(decision)?);
    row("state", decision.state.clone());
    row("number", decision.number.to_string());
    row("signed by members", members(decision));
    if let Some(by) = &decision.agreed_by {
        row("agreed here", by.clone());
    }
    row("expires", render::moment(decision.expires_at));
    if let Some(block) = decision.block {
        row("carried out in block", block.to_string());
    }
    let mut history = render::table(["at", "state", "what happened"]);
    for step in &decision.history {
        history.add_row([render::moment(step.at), step.state.clone(), step.detail.clone()]);
    }
    println!("{table}\n{history}");
    Ok(())
}

fn what(decision: &DecisionView) -> anyhow::Result<String> {
    Ok(serde_json::to_string(&decision.decision)?)
}

fn members(decision: &DecisionView) -> String {
    let members: Vec<String> = decision.signed_by.iter().map(ToString::to_string).collect();
    members.join(", ")
}
