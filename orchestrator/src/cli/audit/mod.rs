//! `quittance audit`: checks what institutions hand out, and the contracts themselves, against the chain, and believes nobody
//! else.
use clap::{Parser, Subcommand};

mod chain;
mod report;

const EXAMPLES: &str = "\
Examples:
  quittance audit --url ws://127.0.0.1:9944 --deployment deployment.json
  quittance audit --url ws://127.0.0.1:9944 --work audit.work --to 4711
  quittance audit --url ws://127.0.0.1:9944 --from 100000 --json
  quittance audit --url ws://127.0.0.1:9944 --work audit.work --documents bank-a.sqlite
  quittance audit report 2026-11-25.json --url ws://127.0.0.1:9944 --deployment deployment.json

Without a subcommand, everything is audited that the deployment's contracts ever did. From each block's events alone, by rules
written a second time, what each contract should keep is rebuilt: ids and digests are made anew, signatures verified against the
registry as it was at that block, sums, limits, floats, windows and certificates checked. In the end, everything that each
contract keeps after the last block is held against that, value by value, and what it has against what it owes.

What is proven:
  headers and transactions   by the block's hash, and each hash by the block after it
  events, times              against the block's state root
  what contracts keep        each value against the last block's state root, and each code by its hash

What is believed of the node: ask two, if you don't trust one.
  which blocks are final
  what contracts have of the native token and of PSP22 tokens
  that no key is left out where it lists a contract's storage
  what the runtime calls its events and transactions (its metadata)

The node has to keep all states (--state-pruning archive). That takes time: the work is kept in --work, where it goes on when the
same command is started again. Without --work it is in a temporary file.

With --to, a contract that is made after that block is told as not made yet, and nothing else is said of it.

With --from, what contracts kept before that block is believed, proven against the state root of the block before it. Not so the
registry's: its changes are looked up in the blocks that they were in, from its making on, so that signatures of all epochs are
verified; that these blocks are the chain's is believed. If the node has forgotten them, what members signed in earlier epochs
counts as unseen.

Documents are seen in the transaction that hands them in; those that one contract hands to another are not: such events are
counted as unseen, and still lead to the state that is compared.

With --documents, each document that an institution keeps is looked at, too, in a copy of its database (made with VACUUM INTO, and
no younger than the last block audited): the payment's id is made anew and looked up on the chain, with its relation; every
signature is verified with the key that the registry had in its epoch; the digests of what was handed in to disputes are held
against the chain's. The copy is believed in nothing, and never written. A user's key is in no registry: it is the wallet's, or the
one that the user's account has in the home institution's copy; signatures by others can't be seen. The line `documents` counts
documents as events, and what was looked up on the chain for them as compared.

Prints a table of what was looked at and exits with 0, or everything that isn't as it should be, a line each, and exits with 1.

A merchant's statements and a card programme's books are audited by `quittance prepaid verify`.";

/// Checks the contracts, or a document, against the chain.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES, arg_required_else_help = true, args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    chain: chain::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks the report of a closed day of a book.
    Report(report::Args),
}

/// Runs it.
///
/// # Errors
/// The document can't be read, the chain can't be reached, or something is not as it should be.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Some(Command::Report(args)) => args.run().await,
        None => args.chain.run().await,
    }
}
