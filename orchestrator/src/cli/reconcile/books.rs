//! `quittance reconcile books`, `book`, `sign-terms` and `open-book`.
use std::path::{Path, PathBuf};

use anyhow::{bail, Context};
use clap::Parser;
use protocol::{reconciliation::Terms, Member, Timestamp};

use super::{render, Output, Write};
use crate::{
    assets::AssetName,
    http::{
        now,
        reconciliation::books::{BookView, OpenBookRequest, OpenedBookView, SignedTermsView, TermsRequest},
    },
};

const HOUR: Timestamp = 3_600_000;

/// Lists the books that the institution takes part in.
#[derive(Debug, Parser)]
pub(super) struct List {
    #[command(flatten)]
    output: Output,
}

/// Shows one book: what both sides signed, its open days, and what isn't done yet.
#[derive(Debug, Parser)]
pub(super) struct Show {
    /// Its number.
    book: u32,
    #[command(flatten)]
    output: Output,
}

/// Signs a book's terms as one of its sides, and prints them with the signature. Nothing is sent: the other side signs the same
/// terms (`--like`), and either opens the book with both (`open-book`).
#[derive(Debug, Parser)]
pub(super) struct Sign {
    /// The same terms as these, as the other side signed them.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["client", "debit", "credit"])]
    like: Option<PathBuf>,
    /// Who records what customers pay, by its index in the registry; it may be one of the sides.
    #[arg(long, value_name = "MEMBER", required_unless_present = "like")]
    client: Option<u16>,
    /// Who owes what they paid, by its index in the registry.
    #[arg(long, value_name = "MEMBER", required_unless_present = "like")]
    debit: Option<u16>,
    /// Who is owed it, by its index in the registry.
    #[arg(long, value_name = "MEMBER", required_unless_present = "like")]
    credit: Option<u16>,
    /// In what: native, or a PSP22 token's contract as 0x…
    #[arg(long, default_value = "native")]
    asset: AssetName,
    /// By whose clocks days begin, such as Europe/Berlin.
    #[arg(long, default_value = "UTC")]
    zone: String,
    /// How many days after a day's end one side alone may close it, if the other doesn't sign.
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    patience_days: u32,
    /// Tells books of the same terms apart.
    #[arg(long, default_value_t = 0)]
    number: u32,
    /// For how many hours the signature is good.
    #[arg(long, value_name = "HOURS", default_value_t = 72)]
    expires_in_hours: u32,
    #[command(flatten)]
    write: Write,
}

/// Opens a book with both sides' signatures, and waits for finality.
#[derive(Debug, Parser)]
pub(super) struct Open {
    /// The terms as one side signed them.
    first: PathBuf,
    /// The same terms as the other side signed them.
    second: PathBuf,
    #[command(flatten)]
    write: Write,
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let table = |books: &Vec<BookView>| render::books(books);
        self.output.show("/v1/reconciliation/books", table).await
    }
}

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = format!("/v1/reconciliation/books/{}", self.book);
        self.output.show(&path, render::book).await
    }
}

impl Sign {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let request = match &self.like {
            Some(file) => {
                let signed = read(file)?;
                TermsRequest {
                    terms: signed.terms,
                    expires_at: signed.expires_at,
                }
            }
            None => self.request()?,
        };
        let signed: SignedTermsView = self.write.send("/v1/reconciliation/books/terms", &request).await?;
        // For the other side, whoever reads it: JSON either way.
        crate::cli::render::json(&signed)
    }

    fn request(&self) -> anyhow::Result<TermsRequest> {
        let member = |given: Option<u16>, what| given.map(Member).with_context(|| format!("say --{what}"));
        let expires = HOUR.saturating_mul(Timestamp::from(self.expires_in_hours));
        Ok(TermsRequest {
            terms: Terms {
                client: member(self.client, "client")?,
                debit: member(self.debit, "debit")?,
                credit: member(self.credit, "credit")?,
                asset: self.asset.0,
                zone: self.zone.clone().into_bytes(),
                patience: HOUR.saturating_mul(24).saturating_mul(self.patience_days.into()),
                number: self.number,
            },
            expires_at: now().saturating_add(expires),
        })
    }
}

impl Open {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (first, second) = (read(&self.first)?, read(&self.second)?);
        let same = |signed: &SignedTermsView| (signed.terms.clone(), signed.epoch, signed.expires_at);
        if same(&first) != same(&second) {
            bail!(
                "{} and {} aren't signatures of the same terms in the same epoch: the second side signs with --like {}",
                self.first.display(),
                self.second.display(),
                self.first.display()
            );
        }
        let of = |member: Member| {
            let mut both = [&first, &second].into_iter();
            let found = both.find(|signed| signed.member == member);
            found.with_context(|| format!("member {member} is a side of the book, and its signature isn't there"))
        };
        let request = OpenBookRequest {
            debit: of(first.terms.debit)?.signature,
            credit: of(first.terms.credit)?.signature,
            terms: first.terms.clone(),
            epoch: first.epoch,
            expires_at: first.expires_at,
        };
        let opened: OpenedBookView = self.write.send("/v1/reconciliation/books", &request).await?;
        if self.write.output.json {
            return crate::cli::render::json(&opened);
        }
        match opened.block {
            Some(block) => println!(
                "book {} is open since the finalized block {} ({})",
                opened.book, block.number, block.hash
            ),
            None => println!("book {} is open: the finalized chain showed it already", opened.book),
        }
        Ok(())
    }
}

fn read(file: &Path) -> anyhow::Result<SignedTermsView> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} isn't what `quittance reconcile sign-terms` printed", file.display()))
}
