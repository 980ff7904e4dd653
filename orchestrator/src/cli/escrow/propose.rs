//! `quittance escrow accept` and `counter`: what leads to an agreement.
use anyhow::bail;
use clap::Parser;
use protocol::{escrow::Phases, AgreementId, Amount, OfferId};
use serde_json::json;

use super::{acts::show, offer::milliseconds, Write};
use crate::http::escrow::{
    offers::OfferView,
    trades::{ProposalRequest, TradeView},
};

const ACCEPT_EXAMPLES: &str = "\
Examples:
  Takes 40 units of another's offer as it stands; its maker signs by itself:
    quittance escrow accept 0xOFFER --quantity 40

  Signs a proposal that was received:
    quittance escrow accept 0xTRADE

Both institutions have signed then. The buyer's service locks price and bond by itself, and the
seller's accepts the deal. `quittance escrow show 0xTRADE --wait` shows how it goes.";

const COUNTER_EXAMPLES: &str = "\
Examples:
  Other terms for 40 units of another's offer:
    quittance escrow counter 0xOFFER --quantity 40 --price 1100

  The maker of the offer answers with terms of its own; so does the other one again:
    quittance escrow counter 0xOFFER --quantity 40 --price 1150 --instead-of 0xTRADE

What isn't said is as in the offer. Amounts are for all units together.";

/// Takes units of an offer as it stands, or signs a proposal that was received.
#[derive(Debug, Parser)]
#[command(after_help = ACCEPT_EXAMPLES)]
pub(super) struct Accept {
    /// The id of an offer, or of a received proposal.
    #[arg(value_name = "OFFER|TRADE")]
    id: AgreementId,
    /// How many units of the offer.
    #[arg(long, value_name = "NUMBER")]
    quantity: Option<u64>,
    #[command(flatten)]
    write: Write,
}

/// Proposes other terms than an offer's.
#[derive(Debug, Parser)]
#[command(after_help = COUNTER_EXAMPLES)]
pub(super) struct Counter {
    /// The offer's id.
    offer: OfferId,
    /// How many units of it.
    #[arg(long, value_name = "NUMBER")]
    quantity: u64,
    /// Another price, for all units.
    #[arg(long, value_name = "AMOUNT")]
    price: Option<Amount>,
    /// Another bond of the buyer, for all units.
    #[arg(long, value_name = "AMOUNT")]
    bond: Option<Amount>,
    /// Another bond of the seller, for all units.
    #[arg(long, value_name = "AMOUNT")]
    seller_bond: Option<Amount>,
    /// Another award for the seller when the arbiter is silent, for all units.
    #[arg(long, value_name = "AMOUNT")]
    default_award: Option<Amount>,
    /// Other terms of delivery.
    #[arg(long, value_name = "TEXT")]
    delivery: Option<String>,
    #[command(flatten)]
    phases: OtherPhases,
    /// The received proposal that this one answers.
    #[arg(long, value_name = "TRADE")]
    instead_of: Option<AgreementId>,
    #[command(flatten)]
    write: Write,
}

/// All four or none: see `quittance escrow offer --help`.
#[derive(Debug, clap::Args)]
struct OtherPhases {
    /// Other phases, all four: until the seller must be bound.
    #[arg(long, value_name = "SECONDS", requires_all = ["reveal_seconds", "dispute_seconds", "ruling_seconds"])]
    accept_seconds: Option<u64>,
    /// From there until the buyer must have confirmed.
    #[arg(long, value_name = "SECONDS", requires = "accept_seconds")]
    reveal_seconds: Option<u64>,
    /// From there until the arbiter must have been called.
    #[arg(long, value_name = "SECONDS", requires = "accept_seconds")]
    dispute_seconds: Option<u64>,
    /// From there until the arbiter must have ruled.
    #[arg(long, value_name = "SECONDS", requires = "accept_seconds")]
    ruling_seconds: Option<u64>,
}

impl OtherPhases {
    fn in_milliseconds(&self) -> anyhow::Result<Option<Phases>> {
        let (Some(accept), Some(reveal), Some(dispute), Some(ruling)) = (
            self.accept_seconds,
            self.reveal_seconds,
            self.dispute_seconds,
            self.ruling_seconds,
        ) else {
            return Ok(None);
        };
        Ok(Some(Phases {
            accept: milliseconds(accept)?,
            reveal: milliseconds(reveal)?,
            dispute: milliseconds(dispute)?,
            ruling: milliseconds(ruling)?,
        }))
    }
}

impl Accept {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let trade = match self.quantity {
            Some(quantity) => self.take(quantity).await?,
            None => self.sign().await?,
        };
        show(&self.write.output, &trade)
    }

    async fn take(&self, quantity: u64) -> anyhow::Result<TradeView> {
        let request = ProposalRequest {
            offer: OfferId(self.id.0),
            quantity,
            price: None,
            bond: None,
            seller_bond: None,
            default_award: None,
            delivery: None,
            phases: None,
            instead_of: None,
        };
        self.write.post("/v1/escrow/trades", &request).await
    }

    async fn sign(&self) -> anyhow::Result<TradeView> {
        let path = format!("{}/accept", super::trade_path(self.id));
        match self.write.post(&path, &json!({})).await {
            Err(error) if super::is_not_found(&error) => {
                let api = self.write.output.service.client()?;
                let offer: Option<OfferView> = super::find(&api, &super::offer_path(OfferId(self.id.0))).await?;
                if let Some(offer) = offer {
                    bail!(
                        "{} is an offer of {} units: say with --quantity how many of them are taken, at least {}",
                        offer.id,
                        offer.offer.quantity,
                        offer.offer.least
                    );
                }
                Err(error)
            }
            answer => answer,
        }
    }
}

impl Counter {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let request = ProposalRequest {
            offer: self.offer,
            quantity: self.quantity,
            price: self.price,
            bond: self.bond,
            seller_bond: self.seller_bond,
            default_award: self.default_award,
            delivery: self.delivery,
            phases: self.phases.in_milliseconds()?,
            instead_of: self.instead_of,
        };
        let trade = self.write.post("/v1/escrow/trades", &request).await?;
        show(&self.write.output, &trade)
    }
}
