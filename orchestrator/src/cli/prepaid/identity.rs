//! `quittance prepaid identity`: the key that opens terminals' orders.
use std::path::PathBuf;

use clap::Parser;
use serde_json::json;

use crate::prepaid::envelopes;

const EXAMPLES: &str = "\
Example:
  quittance prepaid identity keys/cards.age

The file belongs to the card issuer only: [prepaid.issuer] in its configuration names it. Terminals
learn the public half, which is printed, from their merchants' acquirers. The file is one of age's.";

/// Makes the key that opens terminals' orders, in a new file.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The file to make; one that exists is never written over.
    file: PathBuf,
    /// One line of JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let recipient = envelopes::create(&self.file)?;
        if self.json {
            return crate::cli::render::json(&json!({ "recipient": recipient }));
        }
        println!("{recipient}\nwritten to {}", self.file.display());
        Ok(())
    }
}
