//! `quittance card`: a prepaid card as a file, and what its holder signs.
use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};
use protocol::{
    prepaid::{domain, CardNumber, CardQuery, DisputeOrder},
    signing::Domain,
    text::{from_hex, to_hex},
    AccountId, Amount, Timestamp,
};

use super::{credit::digest, render};
use crate::{
    chain::deployment::{account, to_ss58},
    http::{now, prepaid::payments::CardDisputeRequest},
    identity::{keys, SigningKey},
    prepaid::messages::SignedQuery,
    terminal::{
        card::{self, CARD_PASSWORD_VARIABLE, FIRST_COUNTER},
        CardFacts, NewCard,
    },
};

const EXAMPLES: &str = "\
A card is a file that stands for the chip: a key of its own, and a counter that numbers its payments.
  quittance card new card.json --number 7 --genesis 0x57…8f --contract 5Fz…
                                     prints the public key that the issuer issues the card with
  quittance card show card.json      what the card tells everybody; needs no password
  quittance terminal pay …           pays with it at a merchant's terminal

The holder has another key, which is registered as the card's holder (make one with `quittance key new`):
  quittance card dispute --card card.json --counter 3 --amount 50 --evidence letter.txt --key holder.json > dispute.json
  quittance card query --card card.json --key holder.json > query.json

The card's password (PIN) comes from QUITTANCE_CARD_PASSWORD or is asked for; that of the holder's key
comes from QUITTANCE_KEY_PASSWORD. Neither is ever given on the command line.";

const NEW_EXAMPLES: &str = "\
Examples:
  Card 7 of the programme whose contract is 5Fz… on the chain with this genesis hash:
    quittance card new card.json --number 7 --genesis 0x57…8f --contract 5Fz…

  It was lost after its payment 41. The new card has the same number, another key, and goes on above:
    quittance card new replacement.json --number 7 --genesis 0x57…8f --contract 5Fz… --first-counter 42

The issuer shows genesis hash and contract, and registers the key that is printed.";

const DISPUTE_EXAMPLES: &str = "\
Examples:
  The holder of card 7 wants 50 of its third payment back:
    quittance card dispute --card card.json --counter 3 --amount 50 --evidence letter.txt --key holder.json > dispute.json

  The card was lost:
    quittance card dispute --number 7 --genesis 0x57…8f --contract 5Fz… --counter 3 --amount 50 \\
      --evidence letter.txt --key holder.json > dispute.json

Prints JSON that anybody hands in with `quittance prepaid hand-in`. Only the evidence's sha256 goes there; give the issuer the
document itself. This asks no service and no chain.";

const QUERY_EXAMPLES: &str = "\
Example:
  quittance card query --card card.json --key holder.json > query.json

Prints JSON that the issuer answers with what the card holds and paid. It is good for some minutes.";

/// Makes a prepaid card, and signs for its holder.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a card with a new key, in a new file.
    New(New),
    /// Shows what a card tells everybody; needs no password.
    Show {
        /// The card's file.
        file: PathBuf,
        /// One line of JSON.
        #[arg(long)]
        json: bool,
    },
    /// As the holder, signs an objection to a payment.
    Dispute(Dispute),
    /// As the holder, signs a question about the card.
    Query(Query),
}

#[derive(Debug, Parser)]
#[command(after_help = NEW_EXAMPLES)]
struct New {
    /// The file to make; one that exists is never written over.
    file: PathBuf,
    /// The card's number in the programme.
    #[arg(long, value_name = "NUMBER")]
    number: u64,
    /// The genesis hash of the issuer's chain.
    #[arg(long, value_name = "HEX", value_parser = from_hex::<32>)]
    genesis: [u8; 32],
    /// The issuer's contract there: its account, SS58 or 0x…
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    contract: AccountId,
    /// The number of its first payment: above every payment of a card that it replaces.
    #[arg(long, value_name = "NUMBER", default_value_t = FIRST_COUNTER)]
    first_counter: u64,
    /// Write the key without a password: whoever reads the file can pay with the card.
    #[arg(long)]
    unencrypted: bool,
    /// One line of JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Parser)]
#[command(after_help = DISPUTE_EXAMPLES)]
struct Dispute {
    #[command(flatten)]
    which: Which,
    /// The number that the card gave the payment.
    #[arg(long, value_name = "NUMBER")]
    counter: u64,
    /// What the holder wants back, in the asset's smallest unit.
    #[arg(long)]
    amount: Amount,
    /// What shows why: a file, or a digest as 0x and 64 hex digits.
    #[arg(long, value_name = "FILE|HEX")]
    evidence: String,
    /// How long the paper can be handed in, in minutes.
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    valid: u32,
}

#[derive(Debug, Parser)]
#[command(after_help = QUERY_EXAMPLES)]
struct Query {
    #[command(flatten)]
    which: Which,
}

/// Whose card, and who signs.
#[derive(Debug, clap::Args)]
struct Which {
    /// The card's file.
    #[arg(long, value_name = "FILE", required_unless_present = "number", conflicts_with_all = ["number", "genesis", "contract"])]
    card: Option<PathBuf>,
    /// Instead of the file: the card's number…
    #[arg(long, value_name = "NUMBER", requires_all = ["genesis", "contract"])]
    number: Option<u64>,
    /// … the genesis hash of the issuer's chain…
    #[arg(long, value_name = "HEX", value_parser = from_hex::<32>, requires = "number")]
    genesis: Option<[u8; 32]>,
    /// … and the issuer's contract there: its account, SS58 or 0x…
    #[arg(long, value_name = "ACCOUNT", value_parser = account, requires = "number")]
    contract: Option<AccountId>,
    /// The holder's key: a key file, or //Alice and the like on a development chain.
    #[arg(long, value_name = "REF")]
    key: String,
}

/// Runs the command.
///
/// # Errors
/// A file or a key can't be read or written.
pub fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::New(args) => args.run(),
        Command::Show { file, json } => show(&card::facts(&file)?, json),
        Command::Dispute(args) => render::json(&args.sign(now())?),
        Command::Query(args) => render::json(&args.sign(now())?),
    }
}

impl New {
    fn run(self) -> anyhow::Result<()> {
        let password = (!self.unencrypted).then(|| keys::new_password(CARD_PASSWORD_VARIABLE));
        let card = NewCard {
            number: CardNumber(self.number),
            genesis: self.genesis,
            contract: self.contract,
            first_counter: self.first_counter,
        };
        show(&card::make(&self.file, card, password.transpose()?)?, self.json)
    }
}

impl Dispute {
    fn sign(&self, now: Timestamp) -> anyhow::Result<CardDisputeRequest> {
        let (card, domain) = self.which.card()?;
        let order = DisputeOrder {
            card,
            counter: self.counter,
            amount: self.amount,
            evidence: digest(&self.evidence)?,
            expires_at: now.saturating_add(Timestamp::from(self.valid).saturating_mul(60_000)),
        };
        let signature = self.which.holder()?.sign(&order.payload(&domain));
        Ok(CardDisputeRequest { order, signature })
    }
}

impl Query {
    fn sign(&self, now: Timestamp) -> anyhow::Result<SignedQuery> {
        let (card, domain) = self.which.card()?;
        let query = CardQuery { card, asked_at: now };
        let signature = self.which.holder()?.sign(&query.payload(&domain));
        Ok(SignedQuery { query, signature })
    }
}

impl Which {
    fn card(&self) -> anyhow::Result<(CardNumber, Domain)> {
        if let Some(file) = &self.card {
            let facts = card::facts(file)?;
            return Ok((facts.number, domain(facts.genesis, facts.contract)));
        }
        let told = self.number.zip(self.genesis).zip(self.contract);
        let ((number, genesis), contract) = told.context("give --card, or --number, --genesis and --contract")?;
        Ok((CardNumber(number), domain(genesis, contract)))
    }

    fn holder(&self) -> anyhow::Result<SigningKey> {
        SigningKey::load(&self.key).context("the holder's key can't be used")
    }
}

fn show(card: &CardFacts, json: bool) -> anyhow::Result<()> {
    if json {
        return render::json(card);
    }
    println!("card          {}", card.number.0);
    println!("public key    {}", to_hex(&card.key.0));
    println!("genesis       {}", to_hex(&card.genesis));
    println!("contract      {}", to_ss58(&card.contract));
    println!("next counter  {}", card.next_counter);
    println!("password      {}", if card.is_encrypted { "yes" } else { "no" });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::verify;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Args::try_parse_from(line.split(' ')).map(|args| args.command)
    }

    fn told() -> String {
        format!(
            "--number 7 --genesis 0x{} --contract 0x{}",
            "1".repeat(64),
            "2".repeat(64)
        )
    }

    #[test]
    fn a_holder_signs_for_the_card_in_a_file_as_for_one_that_was_lost() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("card.json");
        let card = NewCard {
            number: CardNumber(7),
            genesis: [0x11; 32],
            contract: AccountId([0x22; 32]),
            first_counter: 1,
        };
        card::make(&file, card, None).unwrap();
        let holder = SigningKey::load("//Alice").unwrap();
        let domain = domain([0x11; 32], AccountId([0x22; 32]));
        for which in [format!("--card {}", file.display()), told()] {
            let evidence = to_hex(&[5; 32]);
            let line = format!("card dispute {which} --counter 3 --amount 50 --evidence {evidence} --key //Alice");
            let Ok(Command::Dispute(dispute)) = parse(&line) else {
                panic!("{line}");
            };
            let CardDisputeRequest { order, signature } = dispute.sign(1_000).unwrap();
            let expected = DisputeOrder {
                card: CardNumber(7),
                counter: 3,
                amount: 50,
                evidence: [5; 32],
                expires_at: 1_000 + 3_600_000,
            };
            assert_eq!(order, expected);
            assert!(verify(&holder.public(), &order.payload(&domain), &signature));

            let Ok(Command::Query(query)) = parse(&format!("card query {which} --key //Alice")) else {
                panic!("{which}");
            };
            let SignedQuery { query, signature } = query.sign(1_000).unwrap();
            assert_eq!((query.card, query.asked_at), (CardNumber(7), 1_000));
            assert!(verify(&holder.public(), &query.payload(&domain), &signature));
        }
    }

    #[test]
    fn a_card_is_named_by_its_file_or_by_all_that_is_in_it() {
        assert!(parse("card query --key //Alice").is_err());
        assert!(parse("card query --number 7 --key //Alice").is_err());
        assert!(parse(&format!("card query --card card.json {} --key //Alice", told())).is_err());
        assert!(parse("card query --card card.json").is_err(), "somebody signs");
    }
}
