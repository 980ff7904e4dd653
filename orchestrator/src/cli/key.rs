//! `quittance key`: makes key files and shows their public halves.
use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::identity::keys::{self, is_development_uri, KeyFile, SigningKey};

/// Makes and shows sr25519 keys.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a key and writes it into a new file that only its owner can read.
    New {
        /// The file to make.
        file: PathBuf,
        /// Encrypt it with a password, from QUITTANCE_KEY_PASSWORD or asked for on the terminal.
        #[arg(long)]
        password: bool,
    },
    /// Prints the public key and the address; needs no password.
    Show {
        /// A key file, or a development URI such as //Alice.
        key: String,
    },
}

/// Runs it.
///
/// # Errors
/// The key can't be made, written or read.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::New { file, password } => {
            let password = password
                .then(|| keys::new_password(keys::PASSWORD_VARIABLE))
                .transpose()?;
            let key = KeyFile::create(&file, password)?;
            println!("{} written: keep it secret and keep a copy.", file.display());
            print_public(&key.public());
        }
        Command::Show { key } if is_development_uri(&key) => print_public(&SigningKey::load(&key)?.public()),
        Command::Show { key } => print_public(&KeyFile::read(Path::new(&key))?.public()),
    }
    Ok(())
}

fn print_public(public: &[u8; 32]) {
    println!("public key  {}", protocol::text::to_hex(public));
    println!("address     {}", keys::ss58_address(public));
}
