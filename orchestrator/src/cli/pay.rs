//! `quittance pay`: signs a payment request as a user does, and hands it to the originator.
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{bail, Context};
use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use protocol::{
    settlement::{Asset, TransactionKind},
    text::from_hex,
    AccountId, Amount, Member, Timestamp, VoucherId,
};
use rand::{rngs::OsRng, RngCore};
use reqwest::Method;

use super::{
    client::{Api, Service},
    render,
};
use crate::{
    http::{institutions::Deployment, payments::PaymentView},
    identity::SigningKey,
    settlement::messages::{PaymentRequest, SignedPaymentRequest},
};

const EXAMPLES: &str = "\
Examples:
  A user of bank 1 buys for 250 at bank 0; bank 0's service is asked, and each step is shown:
    quittance pay --url http://127.0.0.1:8080 --token-file teller.token \\
      --user 4711 --user-key user.json --home 1 --kind purchase --amount 250 --wait

  It pays user 0815 of bank 3; bank 4 has to agree, too:
    quittance pay --url http://127.0.0.1:8080 --token-file teller.token \\
      --user 4711 --user-key user.json --home 1 --kind credit-transfer --payee 3 --beneficiary 0815 --other 4 \\
      --amount 250 --wait

  Bank A gives the purchase back (at bank A, by its voucher):
    quittance pay --url http://127.0.0.1:8080 --token-file teller.token \\
      --user 4711 --user-key user.json --home 1 --kind refund --refunds 0x7c…e1 --amount 250 --wait

  The first one for machines; `quittance status` shows how it goes on:
    quittance pay --url http://127.0.0.1:8080 --token-file teller.token \\
      --user 4711 --user-key user.json --home 1 --kind purchase --amount 250 --json

With --wait the exit code is 0 only when the payment is cleared; 1 when it is refused or expires.";

/// How long the user's request holds.
const VALIDITY: Duration = Duration::from_secs(600);
/// How long one look waits for the next step, in seconds.
const LOOK_SECONDS: u64 = 30;

/// Signs a payment request as a user does, and hands it to the originator.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    service: Service,
    /// The user's key: a key file, or a development key such as //Alice.
    #[arg(long, value_name = "REF")]
    user_key: String,
    /// The number that the user's institution knows it by.
    #[arg(long, value_name = "NUMBER")]
    user: String,
    /// The account with the user's assets; that of the key if it isn't said.
    #[arg(long, value_name = "HEX", value_parser = from_hex::<32>)]
    wallet: Option<[u8; 32]>,
    /// The user's institution, by its index in the registry.
    #[arg(long, value_name = "MEMBER")]
    home: u16,
    /// The institution that carries it out; the one whose service is asked if it isn't said.
    #[arg(long, value_name = "MEMBER")]
    originator: Option<u16>,
    /// What is asked for.
    #[arg(long)]
    kind: Kind,
    /// With credit-transfer: the institution whose user is paid.
    #[arg(long, value_name = "MEMBER", required_if_eq("kind", "credit-transfer"))]
    payee: Option<u16>,
    /// With credit-transfer: the number that the payee institution knows the paid user by.
    #[arg(long, value_name = "NUMBER", required_if_eq("kind", "credit-transfer"))]
    beneficiary: Option<String>,
    /// With refund: the payment that is given back, or a part of it.
    #[arg(long, value_name = "VOUCHER", required_if_eq("kind", "refund"))]
    refunds: Option<VoucherId>,
    /// A further institution that has to agree; may be given several times.
    #[arg(long = "other", value_name = "MEMBER")]
    others: Vec<u16>,
    /// How much, in the asset's smallest unit.
    #[arg(long)]
    amount: Amount,
    /// Wait until the payment is final, and show each step.
    #[arg(long)]
    wait: bool,
    /// One line of JSON on standard output; steps still go to standard error.
    #[arg(long)]
    json: bool,
}

/// A kind of payment, as it is written on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Kind {
    Purchase,
    CashWithdrawal,
    CashDeposit,
    SecuritiesTransfer,
    CreditTransfer,
    Refund,
}

impl Kind {
    /// What the user asks for.
    fn transaction(self, payee: Option<u16>, refunds: Option<VoucherId>) -> anyhow::Result<TransactionKind> {
        if refunds.is_some() && !matches!(self, Kind::Refund) {
            bail!("--refunds is for --kind refund only");
        }
        if payee.is_some() && !matches!(self, Kind::CreditTransfer) {
            bail!("--payee is for --kind credit-transfer only");
        }
        Ok(match self {
            Kind::Purchase => TransactionKind::Purchase,
            Kind::CashWithdrawal => TransactionKind::CashWithdrawal,
            Kind::CashDeposit => TransactionKind::CashDeposit,
            Kind::SecuritiesTransfer => TransactionKind::SecuritiesTransfer,
            Kind::CreditTransfer => {
                TransactionKind::CreditTransfer(Member(payee.context("--kind credit-transfer needs --payee")?))
            }
            Kind::Refund => TransactionKind::Refund(refunds.context("--kind refund needs --refunds")?),
        })
    }

    /// The same without whom it concerns.
    pub(super) const fn service(self) -> protocol::fees::Service {
        use protocol::fees::Service;
        match self {
            Kind::Purchase => Service::Purchase,
            Kind::CashWithdrawal => Service::CashWithdrawal,
            Kind::CashDeposit => Service::CashDeposit,
            Kind::SecuritiesTransfer => Service::SecuritiesTransfer,
            Kind::CreditTransfer => Service::CreditTransfer,
            Kind::Refund => Service::Refund,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// The service can't be reached, or the payment is refused.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let api = args.service.client()?;
    let deployment: Deployment = api.get("/v1/deployment").await?;
    let signed = sign(&args, &deployment)?;
    // The request's own nonce names it: a repetition is the same request.
    let key = format!("pay-{}", hex::encode(signed.request.nonce));
    let mut payment: PaymentView = api
        .write(Method::POST, "/v1/payments", &key, &signed)
        .await?
        .json()
        .await?;
    if args.wait {
        payment = follow(&api, payment).await?;
    }
    if args.json {
        render::json(&payment)?;
    } else {
        println!("{}", render::payment(&payment));
    }
    verdict(&payment)
}

fn sign(args: &Args, deployment: &Deployment) -> anyhow::Result<SignedPaymentRequest> {
    let key = SigningKey::load(&args.user_key).context("the user's key can't be used")?;
    let mut nonce = [0u8; 16];
    OsRng.fill_bytes(&mut nonce);
    let request = PaymentRequest {
        nonce,
        originator: args.originator.map_or(deployment.member, Member),
        home: Member(args.home),
        user: args.user.clone(),
        wallet: args.wallet.map_or_else(|| key.account(), AccountId),
        kind: args.kind.transaction(args.payee, args.refunds)?,
        beneficiary: args.beneficiary.clone(),
        others: args.others.iter().copied().map(Member).collect(),
        asset: Asset::Native,
        amount: args.amount,
        expires_at: expiry()?,
    };
    let signature = key.sign(&request.payload(deployment.genesis, deployment.clearing));
    Ok(SignedPaymentRequest { request, signature })
}

fn expiry() -> anyhow::Result<Timestamp> {
    let at = SystemTime::now()
        .checked_add(VALIDITY)
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
        .context("this machine's clock is wrong")?;
    Ok(Timestamp::try_from(at.as_millis())?)
}

/// Shows each step until the last. A voucher expires, so there is a last one.
async fn follow(api: &Api, mut payment: PaymentView) -> anyhow::Result<PaymentView> {
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {msg} ({elapsed})")?);
    bar.enable_steady_tick(Duration::from_millis(100));
    let mut shown = 0;
    loop {
        for step in payment.history.iter().skip(shown) {
            bar.suspend(|| eprintln!("{}", render::step(step)));
        }
        shown = payment.history.len();
        if payment.is_final {
            bar.finish_and_clear();
            return Ok(payment);
        }
        bar.set_message(payment.state.clone());
        let state = super::client::encode(&payment.state);
        let path = format!(
            "/v1/payments/{}?wait_seconds={LOOK_SECONDS}&unless_state={state}",
            payment.id
        );
        payment = api.get(&path).await?;
    }
}

/// The exit code's judgement.
fn verdict(payment: &PaymentView) -> anyhow::Result<()> {
    if let Some(refusal) = &payment.refusal {
        bail!(
            "member {} refuses the payment: {}",
            refusal.signed.member,
            refusal.detail
        );
    }
    if payment.is_final && payment.cleared_in.is_none() {
        bail!("the payment ended without being cleared: {}", payment.state);
    }
    Ok(())
}
