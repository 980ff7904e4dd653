//! `quittance prepaid`: cards.
use anyhow::Context;
use clap::Parser;
use protocol::{
    prepaid::{Card, CardLimits, CardNumber, DAY},
    text, AccountId, Amount, Timestamp,
};

use super::{account, render, Listed, Output, Write};
use crate::http::{
    now,
    prepaid::{
        cards::{CardPage, IssueRequest, ReplaceRequest, TopUpRequest},
        programmes::CardProgrammeView,
    },
};

/// A card's own limits.
#[derive(Clone, Copy, Debug, clap::Args)]
struct LimitsArgs {
    /// The most that a top-up may bring it to, in the asset's smallest unit; the programme's limit if it isn't said.
    #[arg(long, value_name = "AMOUNT")]
    max_balance: Option<Amount>,
    /// The most in one payment; the programme's limit if it isn't said.
    #[arg(long, value_name = "AMOUNT")]
    per_payment: Option<Amount>,
    /// The most in one day; the programme's limit if it isn't said.
    #[arg(long, value_name = "AMOUNT")]
    per_day: Option<Amount>,
}

/// Issues a card: `quittance card new` makes one, and shows its public key.
#[derive(Debug, Parser)]
pub(super) struct Issue {
    /// Its number in the programme; never given out before.
    card: u64,
    /// The card's sr25519 public key, SS58 or 0x…
    #[arg(long, value_name = "KEY", value_parser = account)]
    key: AccountId,
    /// Whose it is: who is paid when it is closed, and who disputes. An account, SS58 or 0x…
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    holder: AccountId,
    #[command(flatten)]
    limits: LimitsArgs,
    /// It can be used for so many days of 24 hours.
    #[arg(long, value_name = "DAYS", default_value_t = 1_095)]
    expires_in_days: u32,
    #[command(flatten)]
    write: Write,
}

/// Shows a card.
#[derive(Debug, Parser)]
pub(super) struct Show {
    /// Its number.
    card: u64,
    #[command(flatten)]
    output: Output,
}

/// Lists the cards that the institution issued, the newest first.
#[derive(Debug, Parser)]
pub(super) struct List {
    #[command(flatten)]
    listed: Listed,
}

/// Tops a card up with the institution's money.
#[derive(Debug, Parser)]
pub(super) struct TopUp {
    /// Its number.
    card: u64,
    /// By how much, in the asset's smallest unit.
    #[arg(long)]
    amount: Amount,
    /// What it is known by on the chain, where each is taken once, as 0x and 64 hex digits; it follows from the idempotency key
    /// if it isn't said.
    #[arg(long, value_name = "HEX", value_parser = text::from_hex::<32>)]
    reference: Option<[u8; 32]>,
    #[command(flatten)]
    write: Write,
}

/// Gives a card other limits of its own; the programme's hold too.
#[derive(Debug, Parser)]
pub(super) struct Limits {
    /// Its number.
    card: u64,
    #[command(flatten)]
    limits: LimitsArgs,
    #[command(flatten)]
    write: Write,
}

/// Stops a card, lets it be used again, or closes it.
#[derive(Debug, Parser)]
pub(super) struct OnCard {
    /// Its number.
    card: u64,
    #[command(flatten)]
    write: Write,
}

/// Replaces a lost card: number, holder, balance, limits and expiry stay, nothing that the lost one signed is taken any more.
#[derive(Debug, Parser)]
pub(super) struct Replace {
    /// Its number.
    card: u64,
    /// The new card's sr25519 public key, SS58 or 0x…
    #[arg(long, value_name = "KEY", value_parser = account)]
    key: AccountId,
    #[command(flatten)]
    write: Write,
}

impl LimitsArgs {
    /// What isn't said is as the programme says.
    async fn limits(&self, output: &Output) -> anyhow::Result<CardLimits> {
        if let (Some(balance), Some(per_payment), Some(per_day)) = (self.max_balance, self.per_payment, self.per_day) {
            return Ok(CardLimits {
                balance,
                per_payment,
                per_day,
            });
        }
        let programme: CardProgrammeView = output.service.client()?.get(&output.path("").await?).await?;
        let programme = programme
            .programme
            .context("the programme can't be read now: give all three limits")?;
        Ok(CardLimits {
            balance: self.max_balance.unwrap_or(programme.limits.balance),
            per_payment: self.per_payment.unwrap_or(programme.limits.per_payment),
            per_day: self.per_day.unwrap_or(programme.limits.per_day),
        })
    }
}

impl Issue {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let lasts = DAY.saturating_mul(Timestamp::from(self.expires_in_days));
        let body = IssueRequest {
            card: CardNumber(self.card),
            key: self.key,
            holder: self.holder,
            limits: self.limits.limits(&self.write.output).await?,
            expires_at: now().saturating_add(lasts),
        };
        self.write.act("cards", &body).await
    }
}

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = self.output.path(&format!("cards/{}", self.card)).await?;
        let show = |card: &Card| render::card(self.card, card);
        self.output.show(&path, show).await
    }
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = self.listed.output.path("cards").await?;
        self.listed
            .show(&path, |page: &CardPage| render::cards(&page.cards))
            .await
    }
}

impl TopUp {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let body = TopUpRequest {
            amount: self.amount,
            reference: self.reference,
        };
        self.write.act(&format!("cards/{}/top-up", self.card), &body).await
    }
}

impl Limits {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let limits = self.limits.limits(&self.write.output).await?;
        self.write.act(&format!("cards/{}/limits", self.card), &limits).await
    }
}

impl OnCard {
    pub(super) async fn run(self, what: &str) -> anyhow::Result<()> {
        self.write.act(&format!("cards/{}/{what}", self.card), &()).await
    }
}

impl Replace {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let body = ReplaceRequest { key: self.key };
        self.write.act(&format!("cards/{}/replace", self.card), &body).await
    }
}
