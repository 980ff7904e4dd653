//! `quittance credit request`: what a payer signs to be paid for, on a machine of its own (S1.3 to S1.5).
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use protocol::{
    credit::{CreditRequest, Leg},
    text, AccountId, Amount, Member, Timestamp,
};
use rand::{rngs::OsRng, RngCore};

use super::{account, paper::Signing, InAsset};
use crate::{
    assets::AssetName,
    cli::render::json,
    http::{credit::payments::CreditPaymentRequest, now},
};

const EXAMPLES: &str = "\
Example:
  The payee 5FHn… gets 4000 on its chain, this payer owes 4000 on its own, due in 30 days:
    quittance credit request --chain 0x57…8f --contract 5Fz… --payout-chain 0x9a…01 \\
      --payout-contract 5Gy… --payee 5FHn… --payee-institution 2 --amount 4000 --goods \"a lathe\" \\
      --key payer.json --certificate payer.pem > request.json
  Anybody hands it in at the credit node:
    quittance credit pay request.json --wait 60

`quittance credit chains` shows chains and contracts to the credit node. This asks no service and
no chain: it works on a machine without a network.";

/// Signs a request to be paid for on credit.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Request {
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    asset: InAsset,
    /// The genesis hash of the payee's chain.
    #[arg(long, value_name = "HEX", value_parser = text::from_hex::<32>)]
    payout_chain: [u8; 32],
    /// The credit node's contract there: its account, SS58 or 0x…
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    payout_contract: AccountId,
    /// What the payee gets: `native`, or the account of a PSP22 token's contract, 0x…
    #[arg(long, value_name = "ASSET", default_value = "native")]
    payout_asset: AssetName,
    /// Who is paid: its account, SS58 or 0x…
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    payee: AccountId,
    /// The payee's institution, by its index in the registry of the payee's chain.
    #[arg(long, value_name = "MEMBER")]
    payee_institution: u16,
    /// How much, in the smallest unit of either asset, one for one.
    #[arg(long)]
    amount: Amount,
    /// What is paid for.
    #[arg(long, value_name = "TEXT")]
    goods: String,
    /// How long from now the payee may take to answer and the credit node to pay, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pay_within: u64,
    /// How long after that the reservation lasts, in seconds: at least the contracts' grace.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    hold: u64,
    /// How long from now until the debt is due, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 2_592_000)]
    term: u64,
    /// Charged once if the debt falls overdue.
    #[arg(long, value_name = "AMOUNT", default_value_t = 0)]
    late_fee: Amount,
    /// The payer's certificate, PEM, leaf first; it binds the key's account.
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
}

impl Request {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let key = self.signing.key()?;
        let certificate = std::fs::read_to_string(&self.certificate)
            .with_context(|| format!("{} can't be read", self.certificate.display()))?;
        let request = self.request(key.account(), now())?;
        let signature = key.sign(&request.payload());
        json(&CreditPaymentRequest {
            request,
            signature,
            certificate,
            payee_institution: Member(self.payee_institution),
        })
    }

    fn request(&self, payer: AccountId, now: Timestamp) -> anyhow::Result<CreditRequest> {
        let mut nonce = [0u8; 16];
        OsRng.fill_bytes(&mut nonce);
        let after = |start: Timestamp, seconds: u64| {
            let later = seconds.checked_mul(1_000).and_then(|time| start.checked_add(time));
            later.context("a time is beyond reason")
        };
        let pay_by = after(now, self.pay_within)?;
        let request = CreditRequest {
            nonce,
            payer,
            payee: self.payee,
            debt: Leg {
                genesis: self.signing.chain,
                contract: self.signing.contract,
                asset: self.asset.asset.0,
            },
            payout: Leg {
                genesis: self.payout_chain,
                contract: self.payout_contract,
                asset: self.payout_asset.0,
            },
            amount: self.amount,
            goods: self.goods.clone(),
            pay_by,
            expires_at: after(pay_by, self.hold)?,
            due_at: after(now, self.term)?,
            late_fee: self.late_fee,
        };
        let refusal = |error| anyhow::anyhow!("no credit contract takes such a request: {error:?}");
        request.check(0).map_err(refusal)?;
        Ok(request)
    }
}
