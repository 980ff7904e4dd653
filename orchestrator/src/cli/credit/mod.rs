//! `quittance credit`: what a credit node keeps on each of its chains.
use std::io::Read;

use anyhow::Context;
use clap::{Parser, Subcommand};
use protocol::text;
use reqwest::Method;
use serde::{de::DeserializeOwned, Serialize};
use uuid::Uuid;

use super::client::Service;
use crate::{
    assets::AssetName,
    chain::deployment::account,
    http::{credit::Acted, ports::BlockInfo},
};

mod consents;
mod debts;
mod limits;
mod paper;
mod payments;
mod pool;
mod raises;
mod render;
mod request;
mod score;
mod verify;

const EXAMPLES: &str = "\
A credit node pays payees on one chain, and payers owe it on another. Its money and limits, chain by chain:
  quittance credit chains                                    each chain: genesis hash, contract, pool
  quittance credit fund --chain 0x57…8f --amount 1000000     puts money into the pool there
  quittance credit set-limit --chain 0x57…8f --payer 5Grw… --limit 5000 --evidence score.json
  quittance credit limits --chain 0x57…8f --payer 5Grw… --payee 5FHn…

Its limit by the payer's record on the chain, which an auditor recomputes without it:
  quittance credit score --chain 0x57…8f --payer 5Grw… --explain
  quittance credit score --chain 0x57…8f --payer 5Grw… --set
  quittance credit evidence 0x6b…d0 > evidence.json
  quittance credit verify-score evidence.json --node ws://127.0.0.1:9944

The payee says how much the payer may owe on payments to it. It signs on a machine of its own, anybody hands it in:
  quittance credit order --chain 0x57…8f --contract 5Fz… --payer 5Grw… --limit 3000 --sequence 1 --key payee.json > order
  quittance credit hand-in order

The payer asks the credit node for more, with evidence:
  quittance credit wish --chain 0x57…8f --contract 5Fz… --wanted 9000 --sequence 1 --evidence accounts.pdf \\
    --key payer.json > wish
  quittance credit hand-in wish
  quittance credit raise --chain 0x57…8f --payer 5Grw…
  quittance credit decide --chain 0x57…8f --payer 5Grw… --grant 8000 --evidence minutes.txt

A payer buys on credit, by a request that it signs and the certificate that binds its account:
  quittance credit request --chain 0x57…8f --contract 5Fz… --payout-chain 0x9a…01 --payout-contract 5Gy… \\
    --payee 5FHn… --payee-institution 2 --amount 4000 --goods \"a lathe\" --key payer.json \\
    --certificate payer.pem > request
  quittance credit pay request --wait 60
  quittance credit payments

At the payee's institution, a person decides what no rule does:
  quittance credit consents
  quittance credit accept 0x3c…71

Each command explains itself: quittance credit order --help";

/// Limits, pools and debts of a credit node, on each of its chains.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows the chains that the institution gives credit on, and its pools there.
    Chains(pool::Chains),
    /// Shows what payees can be paid from on a chain, in any asset.
    Pool(pool::Pool),
    /// Puts the institution's money into a pool.
    Fund(pool::Fund),
    /// Takes money out of a pool, to the institution's account.
    Withdraw(pool::Withdraw),
    /// Shows both limits for a payer, and how much of them is taken.
    Limits(limits::Show),
    /// Says how much a payer may owe to the institution, over all payees.
    SetLimit(limits::Set),
    /// Computes a payer's limit from its record on the chain, and sets it if told to.
    Score(score::Show),
    /// Prints the evidence of a limit that was computed and set, for an auditor.
    Evidence(score::ShowEvidence),
    /// As an auditor, recomputes a limit from the chain alone. Asks no service.
    VerifyScore(verify::Args),
    /// Takes nothing new of a payer; what it owes can be repaid.
    Freeze(limits::Freeze),
    /// Takes requests of a payer again.
    Unfreeze(limits::Freeze),
    /// As a payee, signs how much a payer may owe on payments to it. Asks no service.
    Order(paper::Order),
    /// As a payer, signs a wish for a higher limit of the credit node's. Asks no service.
    Wish(paper::Wish),
    /// As a payee, signs that its money arrived. Asks no service.
    Receipt(paper::Receipt),
    /// Hands in what a payee or payer signed.
    HandIn(paper::HandIn),
    /// As a payer, signs a request to be paid for on credit. Asks no service.
    Request(Box<request::Request>),
    /// Hands in a payer's request: the payee is paid, the payer owes.
    Pay(payments::Pay),
    /// Lists payments on credit.
    Payments(payments::List),
    /// Shows a payment on credit.
    Payment(payments::Show),
    /// Lists what payees of the institution were asked to take.
    Consents(consents::List),
    /// Takes a payment on credit in the payee's name.
    Accept(consents::Accept),
    /// Refuses a payment on credit in the payee's name.
    Refuse(consents::Refuse),
    /// Shows a debt.
    Debt(debts::Show),
    /// Shows what a payee was paid.
    Payout(debts::ShowPayout),
    /// Ends a reservation that the institution won't pay.
    Release(debts::OnDebt),
    /// Ends a reservation whose time is over.
    Expire(debts::OnDebt),
    /// Charges the late fee of a debt that was not repaid in time.
    Overdue(debts::OnDebt),
    /// Repays a debt, or a part of it, with the institution's money: the payer settled with it elsewhere.
    Repay(debts::Repay),
    /// Shows a payer's latest wish for a higher limit, and what came of it.
    Raise(raises::Show),
    /// Grants a payer's open wish, or denies it.
    Decide(raises::Decide),
}

/// Which service is asked, and how it is shown.
#[derive(Debug, clap::Args)]
struct Output {
    #[command(flatten)]
    service: Service,
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

/// A chain, as `quittance credit chains` shows it.
#[derive(Clone, Copy, Debug, clap::Args)]
struct OnChain {
    /// The chain's genesis hash.
    #[arg(long, value_name = "HEX", value_parser = text::from_hex::<32>)]
    chain: [u8; 32],
}

/// An asset.
#[derive(Clone, Copy, Debug, clap::Args)]
struct InAsset {
    /// `native`, or the account of a PSP22 token's contract, 0x…
    #[arg(long, default_value = "native")]
    asset: AssetName,
}

/// Runs the command.
///
/// # Errors
/// The service can't be reached, or refuses; a key or a file can't be read.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Chains(args) => args.run().await,
        Command::Pool(args) => args.run().await,
        Command::Fund(args) => args.run().await,
        Command::Withdraw(args) => args.run().await,
        Command::Limits(args) => args.run().await,
        Command::SetLimit(args) => args.run().await,
        Command::Score(args) => args.run().await,
        Command::Evidence(args) => args.run().await,
        Command::VerifyScore(args) => args.run().await,
        Command::Freeze(args) => args.run("freeze").await,
        Command::Unfreeze(args) => args.run("unfreeze").await,
        Command::Order(args) => args.run(),
        Command::Wish(args) => args.run(),
        Command::Receipt(args) => args.run(),
        Command::HandIn(args) => args.run().await,
        Command::Request(args) => args.run(),
        Command::Pay(args) => args.run().await,
        Command::Payments(args) => args.run().await,
        Command::Payment(args) => args.run().await,
        Command::Consents(args) => args.run().await,
        Command::Accept(args) => args.run().await,
        Command::Refuse(args) => args.run().await,
        Command::Debt(args) => args.run().await,
        Command::Payout(args) => args.run().await,
        Command::Release(args) => args.run("release").await,
        Command::Expire(args) => args.run("expire").await,
        Command::Overdue(args) => args.run("overdue").await,
        Command::Repay(args) => args.run().await,
        Command::Raise(args) => args.run().await,
        Command::Decide(args) => args.run().await,
    }
}

impl OnChain {
    fn path(&self, what: &str) -> String {
        path(&self.chain, what)
    }
}

fn path(chain: &[u8; 32], what: &str) -> String {
    format!("/v1/credit/chains/{}/{what}", text::to_hex(chain))
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
}

impl Write {
    /// Has something done, and says where that was.
    async fn act(&self, path: &str, body: &impl Serialize) -> anyhow::Result<()> {
        let acted: Acted = self.send(path, body).await?;
        if self.output.json {
            return super::render::json(&acted);
        }
        say_where(acted.block.as_ref());
        Ok(())
    }

    /// Has something done, and gives the answer.
    async fn send<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        let key = match &self.idempotency_key {
            Some(key) => key.clone(),
            None => Uuid::now_v7().to_string(),
        };
        let api = self.output.service.client()?;
        Ok(api.write(Method::POST, path, &key, body).await?.json().await?)
    }
}

fn say_where(block: Option<&BlockInfo>) {
    match block {
        Some(block) => println!("done in the finalized block {} ({})", block.number, block.hash),
        None => println!("nothing to do: the finalized chain shows it already"),
    }
}

/// The digest of a document, or of what a file holds.
pub(super) fn digest(evidence: &str) -> anyhow::Result<[u8; 32]> {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_account_is_named_by_either_form_of_its_address() {
        let alice = account("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY").unwrap();
        assert_eq!(account(&text::to_hex(&alice.0)).unwrap(), alice);
        assert!(account("0x12").is_err());
        assert!(account("alice").is_err());
    }

    #[test]
    fn evidence_is_a_digest_or_a_file_with_one() {
        assert_eq!(digest(&text::to_hex(&[7; 32])).unwrap(), [7; 32]);
        assert!(digest("0x12").is_err());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "score: 7").unwrap();
        let expected = protocol::disputes::evidence_digest(b"score: 7");
        assert_eq!(digest(file.path().to_str().unwrap()).unwrap(), expected);
        assert!(digest("/nowhere/score.json").is_err());
    }
}
