//! `quittance terminal pay`, `send`, `void`, `refund` and `drop`.
use std::path::{Path, PathBuf};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use protocol::Amount;

use super::{judge, Asking, At};
use crate::{
    identity::keys,
    terminal::{card::CARD_PASSWORD_VARIABLE, Card, CardError, PaymentName, Receipt, Sale},
};

const PAY_EXAMPLES: &str = "\
Examples:
  250 of the card's money, or nothing:
    quittance terminal pay --dir till-1 --card card.json --amount 250

  What the card has, if it is 100 or more (where the programme allows parts):
    quittance terminal pay --dir till-1 --card card.json --amount 250 --least 100

  The line is down; up to the floor limit, confirmed by nobody until `quittance terminal send`:
    quittance terminal pay --dir till-1 --card card.json --amount 30 --offline

  A script that may be repeated: the same name is the same sale, and is paid once:
    quittance terminal pay --dir till-1 --card card.json --amount 250 --name basket-4711 --json

If no answer comes in time (exit code 3), the payment may still be taken while it is valid: don't take it again
under another name, run `quittance terminal send`.";

const REFUND_EXAMPLES: &str = "\
Examples:
  All that is left of the payment 7/3 (card/counter, as on the receipt):
    quittance terminal refund 7/3 --dir till-1

  100 of it:
    quittance terminal refund 7/3 --dir till-1 --amount 100

  Another terminal of the merchant took it, and gave 20 back before:
    quittance terminal refund 7/3 --dir till-1 --amount 100 --returned 20";

/// Takes a payment.
#[derive(Debug, Parser)]
#[command(after_help = PAY_EXAMPLES)]
pub(super) struct Pay {
    #[command(flatten)]
    asking: Asking,
    /// The customer's card.
    #[arg(long, value_name = "FILE")]
    card: PathBuf,
    /// What is to be paid, in the asset's smallest unit.
    #[arg(long)]
    amount: Amount,
    /// The least that is taken if the card can't cover all; all or nothing if it isn't said.
    #[arg(long, value_name = "AMOUNT")]
    least: Option<Amount>,
    /// Take it without asking, up to the floor limit.
    #[arg(long)]
    offline: bool,
    /// What you call this sale: the same name again is the same sale, and is paid once.
    #[arg(long)]
    name: Option<String>,
}

/// Sends what waits.
#[derive(Debug, Parser)]
pub(super) struct Send {
    #[command(flatten)]
    asking: Asking,
}

/// Undoes a payment.
#[derive(Debug, Parser)]
pub(super) struct Void {
    /// The payment: its reference 0x…, or card/counter such as 7/3.
    payment: PaymentName,
    #[command(flatten)]
    asking: Asking,
    /// What you call this: the same name again is the same order.
    #[arg(long)]
    name: Option<String>,
}

/// Gives a payment back.
#[derive(Debug, Parser)]
#[command(after_help = REFUND_EXAMPLES)]
pub(super) struct Refund {
    /// The payment: its reference 0x…, or card/counter such as 7/3.
    payment: PaymentName,
    #[command(flatten)]
    asking: Asking,
    /// How much, in the asset's smallest unit; all that is left if it isn't said.
    #[arg(long)]
    amount: Option<Amount>,
    /// What went back before; as this terminal's receipts say if it isn't said.
    #[arg(long, value_name = "AMOUNT")]
    returned: Option<Amount>,
    /// What you call this: the same name again is the same refund, and is given back once.
    #[arg(long)]
    name: Option<String>,
}

/// Gives up an order.
#[derive(Debug, Parser)]
pub(super) struct DropOrder {
    /// The receipt's number, as `quittance terminal queue` shows it.
    number: u64,
    #[command(flatten)]
    at: At,
}

impl Pay {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        // Offline, nobody is asked about anything.
        let mut till = if self.offline {
            self.asking.open()?
        } else {
            self.asking.open_and_catch_up().await?
        };
        let sale = Sale {
            name: self.name,
            amount: self.amount,
            least: self.least,
            is_offline: self.offline,
        };
        let sent = till.pay(&unlock(&self.card)?, &sale).await?;
        self.asking.end(&sent)
    }
}

impl Send {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let mut till = self.asking.open()?;
        let bar = bar(till.queue().waiting().len())?;
        let sent = till.send(|_| bar.inc(1)).await?;
        bar.finish_and_clear();
        for sent in &sent {
            self.asking.at.print(&sent.into())?;
        }
        if sent.is_empty() {
            eprintln!("nothing waits");
        }
        judge(&sent)
    }
}

impl Void {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let mut till = self.asking.open_and_catch_up().await?;
        let sent = till.void(self.payment, self.name).await?;
        self.asking.end(&sent)
    }
}

impl Refund {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let mut till = self.asking.open_and_catch_up().await?;
        let sent = till.refund(self.payment, self.amount, self.returned, self.name).await?;
        self.asking.end(&sent)
    }
}

impl DropOrder {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let dropped = self.at.open(None)?.drop_order(self.number)?;
        self.at.print(&Receipt::from(&dropped))
    }
}

/// The customer types the password, if there is one.
pub(super) fn unlock(file: &Path) -> Result<Card, CardError> {
    Card::unlock(file, || keys::existing_password(file, CARD_PASSWORD_VARIABLE))
}

/// Progress for people, on standard error.
pub(super) fn bar(length: usize) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} ({elapsed})")?;
    Ok(ProgressBar::new(u64::try_from(length)?).with_style(style))
}
