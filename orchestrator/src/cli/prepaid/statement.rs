//! `quittance prepaid statement`: a merchant's statement, drawn up from the chain alone (S4.4).
use std::io::Write;

use clap::Parser;
use protocol::prepaid::MerchantNumber;

use super::onchain::{render, OnChain, Programme};
use crate::{
    cli::render::json,
    prepaid::statements::{
        camt::{self, Currency, Money},
        csv, MerchantStatement,
    },
};

const EXAMPLES: &str = "\
Examples:
  quittance prepaid statement --issuer 2 --merchant 3 --cycle 0
  quittance prepaid statement --issuer 2 --merchant 3 --cycle 0 --csv > statement.csv
  quittance prepaid statement --issuer 2 --merchant 3 --cycle 0 --camt053 --currency EUR --decimals 2 > statement.xml

Every line has the payment's reference, as it is on receipts, and the block and event that tell of it. Amounts are integers
in the asset's smallest unit, below 0 where they lessen what the merchant is paid; in camt.053 they have a point before their
last --decimals digits.

The exit code is 1 where the merchant was told something else on the chain than its events lead to.";

/// Draws up a merchant's statement of a closed cycle.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    chain: OnChain,
    /// Whose: the merchant's number.
    #[arg(long, value_name = "NUMBER", value_parser = merchant)]
    merchant: MerchantNumber,
    /// Which: the first one has the number 0.
    #[arg(long, value_name = "NUMBER")]
    cycle: u32,
    #[command(flatten)]
    form: Form,
    /// With --camt053: the currency, three letters as in ISO 4217; XXX says that there is none.
    #[arg(long, value_name = "CODE", default_value = "XXX", requires = "camt053")]
    currency: Currency,
    /// With --camt053: how many digits stand behind the point, at most 5.
    #[arg(long, value_name = "COUNT", default_value_t = 2, requires = "camt053",
        value_parser = clap::value_parser!(u8).range(..=5))]
    decimals: u8,
}

/// How it is shown.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct Form {
    /// One line of JSON.
    #[arg(long)]
    json: bool,
    /// A row for each line and each total.
    #[arg(long)]
    csv: bool,
    /// A bank statement in XML: camt.053.001.08.
    #[arg(long)]
    camt053: bool,
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Programme { subject, book, .. } = self.chain.read(None).await?;
        let statement = MerchantStatement::of(&book, subject, self.merchant, self.cycle)?;
        let mut out = std::io::stdout();
        if self.form.json {
            json(&statement)?;
        } else if self.form.csv {
            out.write_all(csv::write(&statement)?.as_bytes())?;
        } else if self.form.camt053 {
            let money = Money {
                currency: self.currency,
                decimals: self.decimals,
            };
            out.write_all(camt::write(&statement, &money)?.as_bytes())?;
        } else {
            render::statement(&statement);
        }
        for difference in &statement.differences {
            eprintln!("{difference}");
        }
        anyhow::ensure!(
            statement.differences.is_empty() && statement.adds_up(),
            "the merchant was told something else on the chain than its events lead to"
        );
        Ok(())
    }
}

pub(super) fn merchant(text: &str) -> Result<MerchantNumber, std::num::ParseIntError> {
    text.parse().map(MerchantNumber)
}
