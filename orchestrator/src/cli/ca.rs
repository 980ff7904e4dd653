//! `quittance ca`: a certificate authority for development. A production consortium brings its own.
use std::{net::IpAddr, path::PathBuf};

use clap::Subcommand;
use protocol::Lei;

use crate::identity::{CertificateRequest, DevelopmentCa};

/// Makes certificates for development.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a CA in a directory: ca.pem for every institution's configuration, and ca.key.
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
            println!("For development only: whoever holds ca.key can pass for any institution.");
        }
        Command::Issue {
            dir,
            name,
            lei,
            dns,
            ip,
        } => {
            let issued = DevelopmentCa::open(&dir)?.issue(&CertificateRequest { name, lei, dns, ip })?;
            println!("certificate  {}", issued.certificate.display());
            println!("key          {}", issued.key.display());
            println!("fingerprint  {}", protocol::text::to_hex(&issued.fingerprint));
        }
    }
    Ok(())
}
