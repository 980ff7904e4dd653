//! `quittance ca`: a certificate authority for development. A production consortium brings its own.
use std::{net::IpAddr, path::PathBuf};

use clap::{Parser, Subcommand};
use protocol::{AccountId, Lei};

use super::render::moment;
use crate::{
    chain::deployment::account,
    identity::{
        development_ca::IssuedCrl, CertificateRequest, DevelopmentCa, IssuedCertificate, PersonRequest, Validity,
    },
};

const EXAMPLES: &str = "\
A CA for institutions, and a certificate for one:
  quittance ca new ca
  quittance ca issue ca --name \"Bank A\" --lei 529900T8BM49AURSDO55 --dns localhost --ip 127.0.0.1

Certificates of payers and payees bind the account that each signs with. A credit node's configuration names ca.pem and
ca.crl under [credit.persons]:
  quittance ca new persons
  quittance ca person persons --name \"Anna Payer\" --account 5Grw… --organization \"Payer Ltd\" --country DE
  quittance ca revoke persons persons/anna-payer.pem    counts where ca.crl is configured, or a copy of it
  quittance ca crl persons                              a new ca.crl, before the old one is 30 days old

`quittance serve` refuses these CAs unless the chain calls itself Development or Local.";

/// Makes certificates for development.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a CA in a directory: ca.pem and ca.crl for configurations, and ca.key.
    New {
        /// The CA's directory.
        dir: PathBuf,
    },
    /// Makes a certificate and its key for an institution, in the CA's directory.
    Issue {
        /// The CA's directory.
        dir: PathBuf,
        /// The institution's name; the files are called after it.
        #[arg(long)]
        name: String,
        /// The institution's LEI.
        #[arg(long)]
        lei: Lei,
        /// A DNS name that its orchestrator is reached by; may be repeated.
        #[arg(long)]
        dns: Vec<String>,
        /// An IP address that its orchestrator is reached by; may be repeated.
        #[arg(long)]
        ip: Vec<IpAddr>,
    },
    /// Makes a certificate and its key for a payer or payee, in the CA's directory.
    Person {
        /// The CA's directory.
        dir: PathBuf,
        /// The person's name; the files are called after it.
        #[arg(long)]
        name: String,
        /// The account that the person signs with: an address, or 0x and 64 hex digits.
        #[arg(long, value_parser = account)]
        account: AccountId,
        /// The organization that the person acts for.
        #[arg(long)]
        organization: Option<String>,
        /// The country, as two capital letters.
        #[arg(long)]
        country: Option<String>,
        /// For how many days the certificate is valid.
        #[arg(long, default_value_t = 397, value_parser = clap::value_parser!(u16).range(1..=3650))]
        days: u16,
    },
    /// Revokes a certificate for good, and writes ca.crl again.
    Revoke {
        /// The CA's directory.
        dir: PathBuf,
        /// The certificate's PEM file.
        certificate: PathBuf,
    },
    /// Writes ca.crl again, good for another 30 days.
    Crl {
        /// The CA's directory.
        dir: PathBuf,
    },
}

/// Runs it.
///
/// # Errors
/// A file exists already or can't be written, or there is no CA in the directory.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::New { dir } => {
            let ca = DevelopmentCa::create(&dir)?;
            println!("ca           {}", ca.certificate_path().display());
            println!("crl          {}", ca.crl_path().display());
            println!("For development only: whoever holds ca.key can pass for any institution and any person.");
        }
        Command::Issue {
            dir,
            name,
            lei,
            dns,
            ip,
        } => print_issued(&DevelopmentCa::open(&dir)?.issue(&CertificateRequest { name, lei, dns, ip })?),
        Command::Person {
            dir,
            name,
            account,
            organization,
            country,
            days,
        } => print_issued(&DevelopmentCa::open(&dir)?.issue_person(&PersonRequest {
            name,
            account,
            organization,
            country,
            validity: Validity::days(days),
        })?),
        Command::Revoke { dir, certificate } => print_crl(&DevelopmentCa::open(&dir)?.revoke(&certificate)?),
        Command::Crl { dir } => print_crl(&DevelopmentCa::open(&dir)?.renew_crl()?),
    }
    Ok(())
}

fn print_issued(issued: &IssuedCertificate) {
    println!("certificate  {}", issued.certificate.display());
    println!("key          {}", issued.key.display());
    println!("fingerprint  {}", protocol::text::to_hex(&issued.fingerprint));
}

fn print_crl(crl: &IssuedCrl) {
    println!("crl          {}", crl.path.display());
    println!("revoked      {}", crl.revoked);
    println!("good until   {}", moment(crl.next_update));
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{http::now, identity::Persons};

    async fn ca(line: &[&str], dir: &Path) -> anyhow::Result<()> {
        let line = line.iter().map(|word| word.replace("DIR", &dir.display().to_string()));
        run(Args::try_parse_from(["ca".to_owned()].into_iter().chain(line))?).await
    }

    #[tokio::test]
    async fn a_person_is_issued_a_certificate_which_is_revoked_later() {
        let files = tempfile::tempdir().unwrap();
        let dir = files.path();
        let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
        ca(&["new", "DIR"], dir).await.unwrap();
        let person = ["person", "DIR", "--name", "Anna Payer", "--account", alice];
        let more = ["--organization", "Payer Ltd", "--country", "DE", "--days", "10"];
        ca(&[&person[..], &more].concat(), dir).await.unwrap();

        let certificate = dir.join("anna-payer.pem");
        let pem = std::fs::read_to_string(&certificate).unwrap();
        let persons = Persons::load(&dir.join("ca.pem"), &[dir.join("ca.crl")]).unwrap();
        let account = account(alice).unwrap();
        let anna = persons.verify(&pem, &account, now()).unwrap();
        assert_eq!(anna.common_name.as_deref(), Some("Anna Payer"));
        assert_eq!(anna.organization.as_deref(), Some("Payer Ltd"));
        assert_eq!(anna.country.as_deref(), Some("DE"));
        let days = (anna.expires_at - now()).div_ceil(24 * 3_600_000);
        assert_eq!(days, 10);

        ca(&["crl", "DIR"], dir).await.unwrap();
        assert!(persons.verify(&pem, &account, now()).is_ok());
        ca(&["revoke", "DIR", "DIR/anna-payer.pem"], dir).await.unwrap();
        ca(&["crl", "DIR"], dir).await.unwrap();
        let refused = persons.verify(&pem, &account, now()).unwrap_err();
        assert_eq!(refused.code(), "certificate-revoked");
    }

    #[tokio::test]
    async fn what_cannot_be_in_a_certificate_is_refused() {
        let files = tempfile::tempdir().unwrap();
        let dir = files.path();
        ca(&["new", "DIR"], dir).await.unwrap();
        let hex = protocol::text::to_hex(&[7; 32]);
        let good = ["person", "DIR", "--name", "Ben", "--account", hex.as_str()];
        for (from, to, named) in [
            (hex.as_str(), "0x07", "--account"),
            (hex.as_str(), "Ben", "--account"),
            ("Ben", "–", "letter or digit"),
        ] {
            let wrong = good.map(|word| if word == from { to } else { word });
            let error = ca(&wrong, dir).await.unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
        for (option, value) in [("--days", "0"), ("--days", "3651"), ("--country", "Germany")] {
            let error = ca(&[&good[..], &[option, value]].concat(), dir).await.unwrap_err();
            assert!(error.to_string().contains(value), "{error}");
        }
        ca(&good, dir).await.unwrap();
        assert!(ca(&good, dir).await.is_err(), "nothing is overwritten");
    }
}
