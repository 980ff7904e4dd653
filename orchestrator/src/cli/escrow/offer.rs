//! `quittance escrow offer` and `withdraw`: what this institution would trade.
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clap::Parser;
use protocol::{
    escrow::{Phases, Side},
    settlement::Asset,
    text::from_hex,
    AccountId, Amount, Member, OfferId, Timestamp,
};

use super::{render, Write};
use crate::{
    chain::deployment::from_ss58,
    cli::render::json,
    http::escrow::offers::{OfferRequest, OfferView},
};

const EXAMPLES: &str = "\
Examples:
  Sell up to 100 kWh in parts of 10 or more, for 30 and a bond of 5 each; members 1 and 3 are told:
    quittance escrow offer --sell --goods 'kWh, 1 December 18:00 to 19:00 UTC' \\
      --quantity 100 --least 10 --unit-price 30 --unit-bond 5 \\
      --delivery 'at point 7; the meter there proves it' --arbiter 2 --tell 1 --tell 3

  Buy one ton, pay with a PSP22 token, the seller puts in a bond too, and an hour for each phase:
    quittance escrow offer --buy --goods 'copper, 1 t' --quantity 1 --token 5F3sa… \\
      --unit-price 9400000 --unit-bond 500000 --unit-seller-bond 500000 \\
      --delivery 'ex works' --arbiter 2 --tell 1 \\
      --accept-seconds 3600 --reveal-seconds 3600 --dispute-seconds 3600 --ruling-seconds 3600

The phases of each deal, one after the other:
  accept   the buyer locks price and bond, the seller accepts; else the buyer gets everything back
  reveal   the goods are delivered and the buyer confirms: its bond comes back, the seller is paid
  dispute  else either party can call the arbiter; if neither does, each gets back what it paid in
  ruling   the arbiter splits the money; if it is silent, the seller gets the default award";

/// Makes an offer, signs it and tells it to others.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// This institution would deliver.
    #[arg(long, required_unless_present = "buy", conflicts_with = "buy")]
    sell: bool,
    /// This institution would pay.
    #[arg(long)]
    buy: bool,
    /// What is traded: kind, time, place.
    #[arg(long, value_name = "TEXT")]
    goods: String,
    /// How many units of it, over all fills.
    #[arg(long, value_name = "NUMBER")]
    quantity: u64,
    /// The fewest units of one fill.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    least: u64,
    /// Pay with this PSP22 token, by its contract's address (SS58 or 0x…); the chain's native token if it isn't said.
    #[arg(long, value_name = "ADDRESS", value_parser = account)]
    token: Option<AccountId>,
    /// The price of one unit, in the asset's smallest unit.
    #[arg(long, value_name = "AMOUNT")]
    unit_price: Amount,
    /// The buyer's bond for one unit; from 1 to the price. It makes the buyer confirm.
    #[arg(long, value_name = "AMOUNT")]
    unit_bond: Amount,
    /// The seller's bond for one unit; from 0 to the price.
    #[arg(long, value_name = "AMOUNT", default_value_t = 0)]
    unit_seller_bond: Amount,
    /// What the seller gets for one unit when the arbiter is silent; at most price and bonds.
    #[arg(long, value_name = "AMOUNT", default_value_t = 0)]
    unit_default_award: Amount,
    /// How, where and when is delivered, and what proves it.
    #[arg(long, value_name = "TEXT")]
    delivery: String,
    /// Who rules in a dispute: a notary, by its index in the registry.
    #[arg(long, value_name = "MEMBER")]
    arbiter: u16,
    #[command(flatten)]
    phases: PhaseSeconds,
    /// How long the offer can be taken.
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    expires_seconds: u64,
    /// Who is told of it, by its index in the registry; can be repeated.
    #[arg(long, value_name = "MEMBER")]
    tell: Vec<u16>,
    #[command(flatten)]
    write: Write,
}

#[derive(Debug, clap::Args)]
struct PhaseSeconds {
    /// From agreement until the seller must be bound.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    accept_seconds: u64,
    /// From there until the buyer must have confirmed: the goods are delivered in it.
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    reveal_seconds: u64,
    /// From there until the arbiter must have been called.
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    dispute_seconds: u64,
    /// From there until the arbiter must have ruled.
    #[arg(long, value_name = "SECONDS", default_value_t = 604_800)]
    ruling_seconds: u64,
}

/// Takes an own offer back.
#[derive(Debug, Parser)]
pub(super) struct Withdraw {
    /// The offer's id.
    offer: OfferId,
    #[command(flatten)]
    write: Write,
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let request = OfferRequest {
            side: if self.buy { Side::Buy } else { Side::Sell },
            goods: self.goods,
            quantity: self.quantity,
            least: self.least,
            asset: self.token.map_or(Asset::Native, Asset::Psp22),
            unit_price: self.unit_price,
            unit_bond: self.unit_bond,
            unit_seller_bond: self.unit_seller_bond,
            unit_default_award: self.unit_default_award,
            delivery: self.delivery,
            arbiter: Member(self.arbiter),
            phases: self.phases.in_milliseconds()?,
            expires_at: from_now(self.expires_seconds)?,
            tell: self.tell.into_iter().map(Member).collect(),
        };
        show(&self.write, &self.write.post("/v1/escrow/offers", &request).await?)
    }
}

impl Withdraw {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = format!("{}/withdraw", super::offer_path(self.offer));
        show(&self.write, &self.write.post(&path, &serde_json::json!({})).await?)
    }
}

impl PhaseSeconds {
    fn in_milliseconds(&self) -> anyhow::Result<Phases> {
        Ok(Phases {
            accept: milliseconds(self.accept_seconds)?,
            reveal: milliseconds(self.reveal_seconds)?,
            dispute: milliseconds(self.dispute_seconds)?,
            ruling: milliseconds(self.ruling_seconds)?,
        })
    }
}

fn show(write: &Write, offer: &OfferView) -> anyhow::Result<()> {
    if write.output.json {
        return json(offer);
    }
    println!("{}", render::offer(offer));
    Ok(())
}

pub(super) fn milliseconds(seconds: u64) -> anyhow::Result<Timestamp> {
    seconds.checked_mul(1_000).context("so many seconds are beyond reason")
}

fn from_now(seconds: u64) -> anyhow::Result<Timestamp> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("this machine's clock is wrong")?;
    Timestamp::try_from(now.as_millis())?
        .checked_add(milliseconds(seconds)?)
        .context("so many seconds are beyond reason")
}

fn account(text: &str) -> Result<AccountId, String> {
    if text.starts_with("0x") {
        return from_hex(text).map(AccountId).map_err(|error| error.to_string());
    }
    from_ss58(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_token_is_named_by_either_form_of_its_address() {
        let alice = account("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY").unwrap();
        assert_eq!(account(&protocol::text::to_hex(&alice.0)).unwrap(), alice);
        assert!(account("0x12").is_err());
        assert!(account("Native").is_err());
    }

    #[test]
    fn an_offer_sells_or_buys() {
        let parse = |sides: &[&str]| {
            let common = "offer --goods g --quantity 1 --unit-price 2 --unit-bond 1 --delivery d --arbiter 2 --url http://localhost";
            Args::try_parse_from(common.split(' ').chain(sides.iter().copied()))
        };
        assert!(parse(&["--sell"]).is_ok() && parse(&["--buy"]).is_ok());
        assert!(parse(&[]).is_err() && parse(&["--sell", "--buy"]).is_err());
        assert_eq!(
            parse(&["--sell"]).unwrap().phases.in_milliseconds().unwrap().accept,
            600_000
        );
    }
}
