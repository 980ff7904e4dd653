//! `quittance prepaid`: what a card issuer and the acquirers of its merchants do.
use std::io::Read;

use anyhow::{bail, Context};
use clap::{Parser, Subcommand};
use protocol::{text, Member};
use reqwest::Method;
use serde::{de::DeserializeOwned, Serialize};
use uuid::Uuid;

use super::client::Service;
use crate::{
    chain::deployment::account,
    http::{credit::Acted, prepaid::programmes::CardProgrammeView},
};

mod cards;
mod disputes;
mod identity;
mod merchants;
mod orders;
mod programmes;
mod render;

const EXAMPLES: &str = "\
A card issuer's programme is a contract of its own:
  quittance prepaid sample > cards.toml                      what holds for all cards and merchants; edit it
  quittance deploy --card-issuer 3 --programme cards.toml …
  quittance prepaid identity keys/cards.age                  what opens terminals' orders; for [prepaid.issuer]
  quittance prepaid programmes                               each programme: contract, asset, what it holds

Merchants, with the institution that speaks for each, and their terminals:
  quittance prepaid register-merchant 12 --acquirer 1 --account 5FHn… --fee-ppm 8000 --fee-flat 100
  quittance prepaid add-terminal 12 --terminal 0x3c…71
  quittance prepaid merchant 12
  quittance prepaid close-cycle 12                           pays the merchant; by itself at [prepaid.issuer] cut_offs

Cards:
  quittance prepaid issue 4711 --key 0x57…8f --holder 5Grw… --expires-in-days 365
  quittance prepaid top-up 4711 --amount 50000
  quittance prepaid card 4711
  quittance prepaid freeze 4711                              and unfreeze, replace, limits, close

What terminals ordered, and what came of it:
  quittance prepaid orders
  quittance prepaid payment 4711 1

A holder objects to a payment, on paper that it signed; the acquirer answers, the issuer decides:
  quittance prepaid hand-in paper
  quittance prepaid answer 4711 1 --evidence receipt.pdf
  quittance prepaid decide 4711 1 --award 500

With several programmes, --issuer says whose. Each command explains itself: quittance prepaid issue --help";

/// Prepaid cards: programmes, merchants, terminals, cards, payments, disputes.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints a complete programme with a comment on every key. Asks no service.
    Sample,
    /// Makes the key that opens terminals' orders, in a new file. Asks no service.
    Identity(identity::Args),
    /// Shows the programmes that the institution has to do with.
    Programmes(programmes::List),
    /// Shows one programme: what holds for all its cards and merchants, and what the contract holds.
    Programme(programmes::Show),
    /// Says what holds for all cards and merchants from now on.
    SetProgramme(programmes::Set),
    /// Registers a merchant.
    RegisterMerchant(merchants::Register),
    /// Shows a merchant, with its open cycle.
    Merchant(merchants::Show),
    /// Lists the merchants that the institution registered.
    Merchants(merchants::List),
    /// Takes no more payments for a merchant.
    SuspendMerchant(merchants::OnMerchant),
    /// Takes payments for a merchant again.
    ResumeMerchant(merchants::OnMerchant),
    /// Says how a merchant is paid from its next cycle on.
    SetRules(merchants::SetRules),
    /// Puts the institution's money in for a merchant's refunds.
    FundMerchant(merchants::Fund),
    /// Closes a merchant's open cycle, and pays the merchant.
    CloseCycle(merchants::CloseCycle),
    /// Shows what a merchant was told of a closed cycle.
    Cycle(merchants::ShowCycle),
    /// Gives a merchant another terminal.
    AddTerminal(merchants::AddTerminal),
    /// Takes nothing more that a terminal signed, for good.
    RevokeTerminal(merchants::OnTerminal),
    /// Shows a terminal.
    Terminal(merchants::ShowTerminal),
    /// Lists the terminals that the institution added.
    Terminals(merchants::ListTerminals),
    /// Issues a card.
    Issue(cards::Issue),
    /// Shows a card.
    Card(cards::Show),
    /// Lists the cards that the institution issued.
    Cards(cards::List),
    /// Tops a card up with the institution's money.
    TopUp(cards::TopUp),
    /// Gives a card other limits of its own.
    Limits(cards::Limits),
    /// Stops a card: it neither pays nor is topped up.
    Freeze(cards::OnCard),
    /// Lets a card be used again.
    Unfreeze(cards::OnCard),
    /// Replaces a lost card by one with another key.
    Replace(cards::Replace),
    /// Closes a card for good, and pays what it holds to its holder.
    Close(cards::OnCard),
    /// Shows a payment that was taken, and the dispute over it.
    Payment(disputes::ShowPayment),
    /// Hands in a holder's objection to a payment.
    HandIn(disputes::HandIn),
    /// Shows the dispute over a payment.
    Dispute(disputes::Show),
    /// Answers a dispute for the merchant, as its acquirer.
    Answer(disputes::Answer),
    /// Decides a dispute, as the card issuer.
    Decide(disputes::Decide),
    /// Has a dispute decided whose time is over: whoever didn't say a word loses.
    Default(disputes::Default),
    /// Lists what terminals ordered of the institution as the card issuer.
    Orders(orders::List),
    /// Shows what a terminal ordered, and what came of it.
    Order(orders::Show),
    /// Lists what terminals sent to the institution as their merchants' acquirer.
    Messages(orders::Messages),
}

/// Which service is asked, about whose cards, and how it is shown.
#[derive(Debug, clap::Args)]
struct Output {
    #[command(flatten)]
    service: Service,
    /// The card issuer, by its index in the registry; the only one that the institution has to do with, if it isn't said.
    #[arg(long, value_name = "MEMBER")]
    issuer: Option<u16>,
    /// One line of JSON.
    #[arg(long)]
    json: bool,
}

/// A write.
#[derive(Debug, clap::Args)]
struct Write {
    #[command(flatten)]
    output: Output,
    /// Names the wish: the same wish under the same key is carried out once. A new key if it isn't said.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

/// A page of a list.
#[derive(Debug, clap::Args)]
struct Listed {
    /// At most how many, 1 to 100.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// The whole list as CSV.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    output: Output,
}

/// Runs the command.
///
/// # Errors
/// The service can't be reached, or refuses; a key or a file can't be read.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Sample => {
            print!("{}", crate::prepaid::programme::ProgrammeFile::sample());
            Ok(())
        }
        Command::Identity(args) => args.run(),
        Command::Programmes(args) => args.run().await,
        Command::Programme(args) => args.run().await,
        Command::SetProgramme(args) => args.run().await,
        Command::RegisterMerchant(args) => args.run().await,
        Command::Merchant(args) => args.run().await,
        Command::Merchants(args) => args.run().await,
        Command::SuspendMerchant(args) => args.run(false).await,
        Command::ResumeMerchant(args) => args.run(true).await,
        Command::SetRules(args) => args.run().await,
        Command::FundMerchant(args) => args.run().await,
        Command::CloseCycle(args) => args.run().await,
        Command::Cycle(args) => args.run().await,
        Command::AddTerminal(args) => args.run().await,
        Command::RevokeTerminal(args) => args.run().await,
        Command::Terminal(args) => args.run().await,
        Command::Terminals(args) => args.run().await,
        Command::Issue(args) => args.run().await,
        Command::Card(args) => args.run().await,
        Command::Cards(args) => args.run().await,
        Command::TopUp(args) => args.run().await,
        Command::Limits(args) => args.run().await,
        Command::Freeze(args) => args.run("freeze").await,
        Command::Unfreeze(args) => args.run("unfreeze").await,
        Command::Replace(args) => args.run().await,
        Command::Close(args) => args.run("close").await,
        Command::Payment(args) => args.run().await,
        Command::HandIn(args) => args.run().await,
        Command::Dispute(args) => args.run().await,
        Command::Answer(args) => args.run().await,
        Command::Decide(args) => args.run().await,
        Command::Default(args) => args.run().await,
        Command::Orders(args) => args.run().await,
        Command::Order(args) => args.run().await,
        Command::Messages(args) => args.run().await,
    }
}

impl Output {
    /// Reads a resource and shows it.
    async fn show<T: Serialize + DeserializeOwned>(
        &self,
        path: &str,
        table: impl Fn(&T) -> comfy_table::Table,
    ) -> anyhow::Result<()> {
        let found: T = self.service.client()?.get(path).await?;
        if self.json {
            return super::render::json(&found);
        }
        println!("{}", table(&found));
        Ok(())
    }

    /// A path below the programme's.
    async fn path(&self, what: &str) -> anyhow::Result<String> {
        let slash = if what.is_empty() { "" } else { "/" };
        Ok(format!("/v1/prepaid/programmes/{}{slash}{what}", self.issuer().await?))
    }

    async fn issuer(&self) -> anyhow::Result<Member> {
        if let Some(issuer) = self.issuer {
            return Ok(Member(issuer));
        }
        let known: Vec<CardProgrammeView> = self.service.client()?.get("/v1/prepaid/programmes").await?;
        match known.as_slice() {
            [only] => Ok(only.issuer),
            [] => bail!("the institution has nothing to do with prepaid cards: set [prepaid] in its configuration"),
            several => {
                let several: Vec<String> = several.iter().map(|one| one.issuer.to_string()).collect();
                bail!("say whose cards: --issuer {}", several.join(", or --issuer "))
            }
        }
    }
}

impl Listed {
    /// Reads a list and shows it.
    async fn show<T: Serialize + DeserializeOwned>(
        &self,
        path: &str,
        table: impl Fn(&T) -> comfy_table::Table,
    ) -> anyhow::Result<()> {
        if self.csv {
            print!(
                "{}",
                self.output
                    .service
                    .client()?
                    .export(&format!("{path}?limit=100"))
                    .await?
            );
            return Ok(());
        }
        self.output.show(&format!("{path}?limit={}", self.limit), table).await
    }
}

impl Write {
    /// Has something done with a programme, and says where that was.
    async fn act(&self, what: &str, body: &impl Serialize) -> anyhow::Result<()> {
        let key = match &self.idempotency_key {
            Some(key) => key.clone(),
            None => Uuid::now_v7().to_string(),
        };
        let path = self.output.path(what).await?;
        let api = self.output.service.client()?;
        let acted: Acted = api.write(Method::POST, &path, &key, body).await?.json().await?;
        if self.output.json {
            return super::render::json(&acted);
        }
        match acted.block {
            Some(block) => println!("done in the finalized block {} ({})", block.number, block.hash),
            None => println!("nothing to do: the finalized chain shows it already"),
        }
        Ok(())
    }
}

/// The digest of a document, or of what a file holds.
fn digest(evidence: &str) -> anyhow::Result<[u8; 32]> {
    if evidence.starts_with("0x") {
        return text::from_hex(evidence).context("the evidence is neither a digest nor a file");
    }
    let document = std::fs::read(evidence).with_context(|| format!("{evidence} can't be read"))?;
    Ok(protocol::disputes::evidence_digest(&document))
}

/// What a file holds, or standard input.
fn read(file: &str) -> anyhow::Result<Vec<u8>> {
    if file == "-" {
        let mut all = Vec::new();
        std::io::stdin().read_to_end(&mut all)?;
        return Ok(all);
    }
    std::fs::read(file).with_context(|| format!("{file} can't be read"))
}
