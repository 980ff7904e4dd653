//! `quittance credit score` and `evidence`: a payer's limit by its record on the chain (S1.8).
use clap::Parser;
use comfy_table::Table;
use protocol::{
    text::{from_hex, to_hex},
    AccountId, Amount,
};

use super::{account, say_where, InAsset, OnChain, Output, Write};
use crate::{
    assets::AssetName,
    chain::deployment::to_ss58,
    cli::render::{self, moment, table},
    credit::score::Evidence,
    http::credit::scores::{ScoreRequest, ScoreSet, ScoreView},
};

const EXAMPLES: &str = "\
Examples:
  quittance credit score --chain 0x57…8f --payer 5Grw… --explain      each term, and how it enters the sum
  quittance credit score --chain 0x57…8f --payer 5Grw… --set          makes it the institution's limit there
  quittance credit score --chain 0x57…8f --payer 5Grw… --json > evidence.json

How a record is judged stands in the service's configuration, [credit.score], and in the evidence. A
chain that the service reads for the first time may take longer than it answers within: ask again, it
goes on where it was.";

/// Computes a payer's limit from its record on a chain up to the latest finalized block.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Show {
    #[command(flatten)]
    chain: OnChain,
    /// Whose: its account, SS58 or 0x…
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    payer: AccountId,
    #[command(flatten)]
    asset: InAsset,
    /// Each term, and how it enters the sum.
    #[arg(long)]
    explain: bool,
    /// Make it the institution's limit, with the evidence's digest beside it on the chain.
    #[arg(long)]
    set: bool,
    #[command(flatten)]
    write: Write,
}

/// Prints the evidence of a limit that the institution computed and set, as JSON.
#[derive(Debug, Parser)]
pub(super) struct ShowEvidence {
    /// Its digest, as `quittance credit limits` shows it: 0x and 64 hex digits.
    #[arg(value_name = "DIGEST", value_parser = from_hex::<32>)]
    digest: [u8; 32],
    #[command(flatten)]
    output: Output,
}

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let asset = self.asset.asset;
        if self.set {
            let body = ScoreRequest {
                payer: self.payer,
                asset: asset.0,
            };
            let set: ScoreSet = self.write.send(&self.chain.path("scores"), &body).await?;
            if self.write.output.json {
                return render::json(&set);
            }
            self.print(&set.score);
            say_where(set.block.as_ref());
            return Ok(());
        }
        let payer = to_hex(&self.payer.0);
        let path = self.chain.path(&format!("score?payer={payer}&asset={asset}"));
        let found: ScoreView = self.write.output.service.client()?.get(&path).await?;
        if self.write.output.json {
            return render::json(&found);
        }
        self.print(&found);
        Ok(())
    }

    fn print(&self, view: &ScoreView) {
        println!("{}", summary(view));
        if self.explain {
            println!("{}", terms(&view.evidence));
        }
    }
}

impl ShowEvidence {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = format!("/v1/credit/scores/{}", to_hex(&self.digest));
        let found: ScoreView = self.output.service.client()?.get(&path).await?;
        if self.output.json {
            return render::json(&found);
        }
        println!("{}", serde_json::to_string_pretty(&found)?);
        Ok(())
    }
}

fn summary(view: &ScoreView) -> Table {
    let Evidence {
        subject, block, score, ..
    } = &view.evidence;
    let mut table = table(["payer", &to_ss58(&subject.payer)]);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("limit", format!("{} {}", score.limit, AssetName(subject.asset)));
    row("block", format!("{} ({})", block.number, to_hex(&block.hash)));
    row("at", moment(block.time));
    row("evidence", to_hex(&view.digest));
    table
}

/// The sum, a row for each term.
fn terms(evidence: &Evidence) -> Table {
    let Evidence {
        parameters,
        record,
        score,
        ..
    } = evidence;
    let days = parameters.window_days;
    let mut table = table(["term", "on the chain", "counts", "enters as"]);
    let mut row = |term: String, found: Option<Amount>, percent: Option<u32>, enters: String| {
        let found = found.map(|amount| amount.to_string()).unwrap_or_default();
        let percent = percent.map(|percent| format!("{percent} %")).unwrap_or_default();
        table.add_row([term, found, percent, enters]);
    };
    let in_window = |what: &str| format!("{what}, in {days} days");
    row("base".into(), None, None, format!("+ {}", score.base));
    row(
        in_window("repaid before it was due"),
        Some(record.repaid_on_time),
        Some(parameters.on_time_percent),
        format!("+ {}", score.on_time),
    );
    row(
        in_window("payments made"),
        Some(record.committed),
        Some(parameters.volume_percent),
        format!("+ {}", score.volume),
    );
    row(
        in_window("repaid late"),
        Some(record.repaid_late),
        Some(parameters.late_percent),
        format!("- {}", score.late),
    );
    row(
        "overdue".into(),
        Some(record.overdue),
        Some(parameters.overdue_percent),
        format!("- {}", score.overdue),
    );
    row(
        "late fees owed".into(),
        Some(record.fees_unpaid),
        None,
        format!("- {}", score.fees),
    );
    row("from 0 to".into(), None, None, parameters.cap.to_string());
    row("limit".into(), None, None, format!("= {}", score.limit));
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credit::score::tests::evidence;

    #[test]
    fn each_term_is_explained_with_what_the_chain_tells_and_how_it_enters() {
        let text = terms(&evidence()).to_string();
        for (term, found, counts, enters) in [
            ("base", "", "", "+ 1000"),
            ("repaid before it was due, in 90 days", "10000", "50 %", "+ 5000"),
            ("payments made, in 90 days", "12000", "10 %", "+ 1200"),
            ("repaid late, in 90 days", "1500", "100 %", "- 1500"),
            ("overdue", "500", "200 %", "- 1000"),
            ("late fees owed", "20", "", "- 20"),
            ("from 0 to", "", "", "10000"),
            ("limit", "", "", "= 4680"),
        ] {
            let mut lines = text.lines();
            let is_it = |line: &&str| {
                line.split('┆')
                    .next()
                    .is_some_and(|cell| cell.trim_matches(['│', ' ']) == term)
            };
            let line = lines.find(is_it);
            let line = line.unwrap_or_else(|| panic!("{term} isn't in\n{text}"));
            let cells: Vec<&str> = line.split('┆').map(|cell| cell.trim_matches(['│', ' '])).collect();
            assert_eq!(cells, [term, found, counts, enters]);
        }
    }

    #[test]
    fn the_summary_names_limit_block_and_digest() {
        let view = ScoreView::from(evidence());
        let text = summary(&view).to_string();
        assert!(
            text.contains("4680 native") && text.contains(&to_hex(&view.digest)),
            "{text}"
        );
        assert!(text.contains(&format!("4 ({})", to_hex(&[5; 32]))), "{text}");
    }
}
