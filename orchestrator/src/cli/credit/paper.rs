//! `quittance credit order`, `wish`, `receipt` and `hand-in`: what payees and payers sign, on machines of their own.
use anyhow::Context;
use clap::Parser;
use protocol::{
    credit::{domain, receipt, LimitOrder, RaiseRequest},
    signing::Domain,
    text, AccountId, Amount, RequestId, Signature,
};
use serde::{Deserialize, Serialize};

use super::{account, digest, path, read, InAsset, Write};
use crate::{
    cli::render::json,
    http::credit::{debts::ReceiptRequest, limits::PayeeLimitRequest, raises::WishRequest},
    identity::SigningKey,
};

const ORDER_EXAMPLES: &str = "\
Examples:
  The payer 5Grw… may owe up to 3000 on payments to the payee that has the key in payee.json:
    quittance credit order --chain 0x57…8f --contract 5Fz… --payer 5Grw… --limit 3000 --sequence 1 \\
      --key payee.json > order.json
  Anybody hands it in at the credit node:
    quittance credit hand-in order.json

  No more credit: a limit of 0, with the next sequence. What is owed can still be repaid:
    quittance credit order --chain 0x57…8f --contract 5Fz… --payer 5Grw… --limit 0 --sequence 2 --key payee.json

This asks no service and no chain: it works on a machine without a network. Chain and contract are
those of the chain where the payer owes; `quittance credit chains` shows them to the credit node.";

const WISH_EXAMPLES: &str = "\
Examples:
  quittance credit wish --chain 0x57…8f --contract 5Fz… --wanted 9000 --sequence 1 \\
    --evidence accounts.pdf --key payer.json > wish.json
  quittance credit hand-in wish.json

Only the evidence's sha256 goes on the chain; give the credit node the document itself. This asks
no service and no chain.";

/// Signs how much a payer may owe on payments to this payee.
#[derive(Debug, Parser)]
#[command(after_help = ORDER_EXAMPLES)]
pub(super) struct Order {
    #[command(flatten)]
    signing: Signing,
    /// Who may owe: its account, SS58 or 0x…
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    payer: AccountId,
    #[command(flatten)]
    asset: InAsset,
    /// How much, in the asset's smallest unit.
    #[arg(long, value_name = "AMOUNT")]
    limit: Amount,
    /// Above that of every earlier order for this payer and asset, which become void.
    #[arg(long, value_name = "NUMBER")]
    sequence: u64,
}

/// Signs this payer's wish for a higher limit of the credit node's.
#[derive(Debug, Parser)]
#[command(after_help = WISH_EXAMPLES)]
pub(super) struct Wish {
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    asset: InAsset,
    /// The limit wished for, in the asset's smallest unit; above the present one.
    #[arg(long, value_name = "AMOUNT")]
    wanted: Amount,
    /// Above that of every earlier wish in this asset.
    #[arg(long, value_name = "NUMBER")]
    sequence: u64,
    /// What shows this payer's ability to repay: a file, or a digest as 0x and 64 hex digits.
    #[arg(long, value_name = "FILE|HEX")]
    evidence: String,
}

/// Signs that this payee's money arrived.
#[derive(Debug, Parser)]
pub(super) struct Receipt {
    /// The request that it was paid for.
    request: RequestId,
    #[command(flatten)]
    signing: Signing,
}

/// Hands in what a payee or payer signed, at the credit node.
#[derive(Debug, Parser)]
pub(super) struct HandIn {
    /// What `order`, `wish` or `receipt` printed; - reads it from standard input.
    file: String,
    #[command(flatten)]
    write: Write,
}

/// Where a signature is to be valid, and whose it is.
#[derive(Debug, clap::Args)]
pub(super) struct Signing {
    /// The genesis hash of the chain where the payer owes.
    #[arg(long, value_name = "HEX", value_parser = text::from_hex::<32>)]
    pub(super) chain: [u8; 32],
    /// The credit node's contract there: its account, SS58 or 0x…
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    pub(super) contract: AccountId,
    /// Signs: a key file, or //Alice and the like on a development chain. The signer's account is the key's own.
    #[arg(long, value_name = "REF")]
    key: String,
}

/// A signed paper with the chain that it is for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Paper {
    /// Genesis hash.
    #[serde(with = "protocol::text::bytes")]
    chain: [u8; 32],
    #[serde(flatten)]
    said: Said,
    signature: Signature,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Said {
    Order(LimitOrder),
    Wish(RaiseRequest),
    Receipt(RequestId),
}

impl Order {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let key = self.signing.key()?;
        let order = LimitOrder {
            payee: key.account(),
            payer: self.payer,
            asset: self.asset.asset.0,
            limit: self.limit,
            sequence: self.sequence,
        };
        let signature = key.sign(&order.payload(&self.signing.domain()));
        self.signing.print(Said::Order(order), signature)
    }
}

impl Wish {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let key = self.signing.key()?;
        let wish = RaiseRequest {
            payer: key.account(),
            asset: self.asset.asset.0,
            wanted: self.wanted,
            evidence: digest(&self.evidence)?,
            sequence: self.sequence,
        };
        let signature = key.sign(&wish.payload(&self.signing.domain()));
        self.signing.print(Said::Wish(wish), signature)
    }
}

impl Receipt {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let signature = self
            .signing
            .key()?
            .sign(&receipt(&self.signing.domain(), &self.request));
        self.signing.print(Said::Receipt(self.request), signature)
    }
}

impl HandIn {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let paper: Paper = serde_json::from_slice(&read(&self.file)?).with_context(|| {
            format!(
                "{} is no paper that `quittance credit order`, wish or receipt made",
                self.file
            )
        })?;
        let Paper { chain, said, signature } = paper;
        match said {
            Said::Order(order) => {
                let body = PayeeLimitRequest { order, signature };
                self.write.act(&path(&chain, "payee-limits"), &body).await
            }
            Said::Wish(wish) => {
                let body = WishRequest { wish, signature };
                self.write.act(&path(&chain, "raises"), &body).await
            }
            Said::Receipt(id) => {
                let path = path(&chain, &format!("debts/{id}/receipt"));
                self.write.act(&path, &ReceiptRequest { signature }).await
            }
        }
    }
}

impl Signing {
    pub(super) fn key(&self) -> anyhow::Result<SigningKey> {
        SigningKey::load(&self.key).context("the key can't be used")
    }

    fn domain(&self) -> Domain {
        domain(self.chain, self.contract)
    }

    fn print(&self, said: Said, signature: Signature) -> anyhow::Result<()> {
        json(&Paper {
            chain: self.chain,
            said,
            signature,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use protocol::settlement::Asset;

    use super::*;

    #[test]
    fn a_paper_is_read_as_it_was_written() {
        let order = LimitOrder {
            payee: AccountId([1; 32]),
            payer: AccountId([2; 32]),
            asset: Asset::Psp22(AccountId([3; 32])),
            limit: u128::MAX,
            sequence: u64::MAX,
        };
        let wish = RaiseRequest {
            payer: AccountId([2; 32]),
            asset: Asset::Native,
            wanted: u128::MAX,
            evidence: [4; 32],
            sequence: 1,
        };
        for said in [Said::Order(order), Said::Wish(wish), Said::Receipt(RequestId([5; 32]))] {
            let paper = Paper {
                chain: [6; 32],
                said,
                signature: Signature([7; 64]),
            };
            let written = serde_json::to_string(&paper).unwrap();
            assert_eq!(serde_json::from_str::<Paper>(&written).unwrap(), paper, "{written}");
        }
        assert!(serde_json::from_str::<Paper>(r#"{"chain":"0x00"}"#).is_err());
    }

    #[test]
    fn a_key_is_a_reference_and_a_decision_is_one_of_two() {
        use super::super::Args;
        let parse = |line: &str| Args::try_parse_from(line.split(' '));
        let chain = format!("--chain 0x{}", "5".repeat(64));
        let account = format!("0x{}", "6".repeat(64));
        let order = format!("credit order {chain} --contract {account} --payer {account} --limit 3 --sequence 1");
        assert!(parse(&format!("{order} --key payee.json")).is_ok());
        assert!(parse(&order).is_err());
        let decide = format!("credit decide {chain} --payer {account} --evidence e --url http://localhost");
        assert!(parse(&format!("{decide} --grant 5")).is_ok() && parse(&format!("{decide} --deny")).is_ok());
        assert!(parse(&decide).is_err() && parse(&format!("{decide} --grant 5 --deny")).is_err());
    }
}
