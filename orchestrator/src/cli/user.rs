//! `quittance user`: the users of an institution.
use clap::{Parser, Subcommand};
use protocol::{fees::Service, text::from_hex, AccountId, Amount};
use reqwest::Method;
use uuid::Uuid;

use super::{
    client::{encode, Service as Client},
    pay::Kind,
    render,
};
use crate::http::users::{UserRecord, UserView};

const EXAMPLES: &str = "\
Examples:
  quittance user put 4711 --url http://127.0.0.1:8080 --public-key 0x… --balance 1000 --limit 500
  quittance user put 4711 --url http://127.0.0.1:8080 --public-key 0x… --balance 1000 --limit 500 --daily-limit 800
  quittance user put 4711 --url http://127.0.0.1:8080 --public-key 0x… --balance 1000 --limit 500 --blocked
  quittance user list --url http://127.0.0.1:8080
  quittance user show 4711 --url http://127.0.0.1:8080 --json";

/// Creates, changes and shows the users of an institution.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Creates or changes a user.
    Put(Put),
    /// Shows a user.
    Show {
        /// The number that the institution knows the user by.
        number: String,
        #[command(flatten)]
        output: Output,
    },
    /// Shows all users.
    List {
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Debug, clap::Args)]
struct Put {
    /// The number that the institution knows the user by.
    number: String,
    /// The user's sr25519 public key, as `quittance key show` prints it.
    #[arg(long, value_name = "HEX", value_parser = from_hex::<32>)]
    public_key: [u8; 32],
    /// The account with the user's assets; that of the key if it isn't said.
    #[arg(long, value_name = "HEX", value_parser = from_hex::<32>)]
    wallet: Option<[u8; 32]>,
    /// What the account of a new user holds, in the smallest unit; from then on only payments move it.
    #[arg(long)]
    balance: Amount,
    /// The most that one transaction may move.
    #[arg(long, value_name = "AMOUNT")]
    limit: Amount,
    /// The most that payments may take from the account in one day (UTC); no limit if it isn't said.
    #[arg(long, value_name = "AMOUNT")]
    daily_limit: Option<Amount>,
    /// A kind of payment that the user may use; may be given several times; all kinds if it isn't said.
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<Kind>,
    /// Refuse everything that the user asks for.
    #[arg(long)]
    blocked: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
struct Output {
    #[command(flatten)]
    service: Client,
    /// One line of JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// The service can't be reached, or refuses.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Put(put) => put.run().await,
        Command::Show { number, output } => {
            let path = format!("/v1/users/{}", encode(&number));
            let user: UserView = output.service.client()?.get(&path).await?;
            if output.json {
                return render::json(&user);
            }
            show(&[user]);
            Ok(())
        }
        Command::List { output } => {
            let users: Vec<UserView> = output.service.client()?.get("/v1/users").await?;
            if output.json {
                return render::json(&users);
            }
            show(&users);
            Ok(())
        }
    }
}

impl Put {
    async fn run(self) -> anyhow::Result<()> {
        let record = UserRecord {
            public_key: self.public_key,
            wallet: AccountId(self.wallet.unwrap_or(self.public_key)),
            balance: self.balance,
            limit: self.limit,
            daily_limit: self.daily_limit,
            services: (!self.kinds.is_empty()).then(|| self.kinds.iter().map(|kind| kind.service()).collect()),
            blocked: self.blocked,
        };
        let path = format!("/v1/users/{}", encode(&self.number));
        let key = Uuid::now_v7().to_string();
        let api = self.output.service.client()?;
        api.write(Method::PUT, &path, &key, &record).await?;
        let user: UserView = api.get(&path).await?;
        if self.output.json {
            return render::json(&user);
        }
        show(&[user]);
        Ok(())
    }
}

fn kinds(services: &[Service]) -> String {
    let names: Vec<String> = services.iter().map(|service| format!("{service:?}")).collect();
    names.join(", ")
}

fn show(users: &[UserView]) {
    let mut table = render::table([
        "user",
        "balance",
        "limit per transaction",
        "limit per day",
        "kinds",
        "blocked",
        "public key",
        "wallet",
    ]);
    for UserView { number, record } in users {
        table.add_row([
            number.clone(),
            record.balance.to_string(),
            record.limit.to_string(),
            record
                .daily_limit
                .map_or_else(|| "none".to_owned(), |limit| limit.to_string()),
            record.services.as_deref().map_or_else(|| "all".to_owned(), kinds),
            if record.blocked { "yes" } else { "no" }.to_owned(),
            protocol::text::to_hex(&record.public_key),
            protocol::text::to_hex(&record.wallet.0),
        ]);
    }
    println!("{table}");
}
