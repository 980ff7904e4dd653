//! `quittance settlement windows`, `window` and `positions`.
use clap::Parser;

use protocol::Member;

use super::Output;
use crate::{
    assets::AssetName,
    cli::{
        list::{member, text, Listing},
        render,
    },
    http::windows::{PositionView, Standings, WindowPage, WindowSummary, WindowView},
};

const WINDOW_EXAMPLES: &str = "\
Examples:
  quittance settlement window 7             its positions, and who is short where it can't be paid
  quittance settlement window 7 --verify    its certificate, worked out again from the chain's events

With --verify the exit code is 1 where the certificate isn't what follows from the events.";

/// Shows all windows, the newest first.
#[derive(Debug, Parser)]
pub(super) struct List {
    /// Only those in this state: open, cut-off or settled.
    #[arg(long)]
    state: Option<String>,
    /// Only those in which this member has a position.
    #[arg(long, value_parser = member)]
    member: Option<Member>,
    /// Only those with positions in this asset: native, or the account of a PSP22 token's contract.
    #[arg(long)]
    asset: Option<AssetName>,
    #[command(flatten)]
    listing: Listing,
}

/// Shows a window with its positions.
#[derive(Debug, Parser)]
#[command(after_help = WINDOW_EXAMPLES)]
pub(super) struct Show {
    /// The window's number.
    number: u32,
    /// Work its certificate out again from the chain's events.
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    output: Output,
}

/// Shows every member's position in a window, and how near it is to its net debit cap.
#[derive(Debug, Parser)]
pub(super) struct Positions {
    /// The window's number; the open one's if it isn't said.
    #[arg(long, value_name = "NUMBER")]
    window: Option<u32>,
    /// Of this member only.
    #[arg(long, value_parser = member)]
    member: Option<Member>,
    /// In this asset only: native, or the account of a PSP22 token's contract.
    #[arg(long)]
    asset: Option<AssetName>,
    #[command(flatten)]
    listing: Listing,
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let filters = vec![
            ("state", self.state),
            ("member", text(self.member)),
            ("asset", text(self.asset)),
        ];
        let Some(page) = self.listing.page::<WindowPage>("/v1/windows", filters).await? else {
            return Ok(());
        };
        let mut table = render::table(["window", "state", "vouchers", "opened in", "cut off in", "paid in"]);
        for window in &page.windows {
            table.add_row(row(window));
        }
        println!("{table}");
        Listing::more(page.next.as_deref());
        Ok(())
    }
}

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let api = self.output.service.client()?;
        let path = format!("/v1/windows/{}?verify={}", self.number, self.verify);
        let window: WindowView = api.get(&path).await?;
        let disagrees = window
            .certificate
            .as_ref()
            .is_some_and(|certificate| !certificate.agrees);
        if self.output.json {
            render::json(&window)?;
        } else {
            show(&window);
        }
        anyhow::ensure!(
            !disagrees,
            "the certificate of window {} is not what follows from the chain's events",
            self.number
        );
        Ok(())
    }
}

impl Positions {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let filters = vec![
            ("window", text(self.window)),
            ("member", text(self.member)),
            ("asset", text(self.asset)),
        ];
        let Some(standings) = self.listing.page::<Standings>("/v1/positions", filters).await? else {
            return Ok(());
        };
        let mut table = render::table(["member", "asset", "owed", "owes", "in unpaid windows", "cap", "used"]);
        for standing in &standings.positions {
            let PositionView {
                member,
                asset,
                owed,
                owes,
                ..
            } = &standing.position;
            let alarm = if standing.alarm { ", near its cap" } else { "" };
            table.add_row([
                member.to_string(),
                format!("{asset:?}"),
                owed.to_string(),
                owes.to_string(),
                standing.unsettled.to_string(),
                standing.cap.to_string(),
                format!("{} %{alarm}", standing.used_percent),
            ]);
        }
        println!("Window {}\n{table}", standings.window);
        Listing::more(standings.next.as_deref());
        Ok(())
    }
}

fn row(window: &WindowSummary) -> [String; 6] {
    let block = |number: Option<u32>| number.map_or_else(|| "–".to_owned(), |number| number.to_string());
    [
        window.number.to_string(),
        window.state.clone(),
        window.vouchers.to_string(),
        window.opened_in.to_string(),
        block(window.cut_off_in),
        block(window.settled_in),
    ]
}

fn show(window: &WindowView) {
    let mut head = render::table(["window", "state", "vouchers", "opened in", "cut off in", "paid in"]);
    head.add_row(row(&window.summary));
    let mut positions = render::table(["member", "asset", "owed", "owes", "pays", "gets"]);
    for position in &window.positions {
        positions.add_row([
            position.member.to_string(),
            format!("{:?}", position.asset),
            position.owed.to_string(),
            position.owes.to_string(),
            position.net_debit.to_string(),
            position.net_credit.to_string(),
        ]);
    }
    println!("{head}\n{positions}");
    for short in &window.shortfalls {
        println!(
            "Member {} is short: it has {} and needs {} ({:?})",
            short.member, short.available, short.needed, short.asset
        );
    }
    if let Some(certificate) = &window.certificate {
        if certificate.agrees {
            println!("The certificate is what follows from the chain's events.");
        }
    }
}
