//! Builds what the chain runs: the runtime and the contracts, as wasm.
mod compile;
mod contracts;
mod docs;
mod fingerprint;
mod metadata;
mod report;
mod runtime;
mod toolchain;
mod wasm;
mod workspace;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{report::Report, toolchain::Toolchain, workspace::Workspace};

/// Build the runtime and the contracts to wasm.
///
/// Only what changed is built again. Needs what scripts/setup installs: a Rust toolchain that compiles to
/// wasm32v1-none, and wasm-opt.
#[derive(Parser)]
#[command(name = "xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print one JSON object per artifact and nothing else.
    #[arg(long, global = true)]
    json: bool,
    /// The rustup toolchain that compiles to wasm [default: the one scripts/setup found].
    #[arg(long, global = true, env = "QUITTANCE_WASM_TOOLCHAIN", value_name = "NAME")]
    toolchain: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Build contracts into <target dir>/contracts: NAME.contract, NAME.json (its metadata) and NAME.wasm.
    Contracts {
        /// Which ones [default: all in contracts/ and tests/fixtures/].
        names: Vec<String>,
    },
    /// Build the wasm of contracts and nothing else: for contracts that are tested and thrown away.
    Wasm {
        /// Which ones [default: all in contracts/ and tests/fixtures/].
        names: Vec<String>,
        /// The directory for NAME.wasm.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Build the runtime into <target dir>/runtime/quittance_runtime.wasm.
    Runtime,
    /// Build the runtime and all contracts.
    All,
}

/// What every step works with.
struct Context {
    workspace: Workspace,
    toolchain: Toolchain,
    report: Report,
}

/// Something that was built, or was there already.
struct Artifact {
    /// The file a person wants: the bundle of a contract, the wasm of the runtime.
    path: PathBuf,
    wasm: Vec<u8>,
    /// False: nothing had changed since the last build.
    rebuilt: bool,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    let workspace = Workspace::load()?;
    let toolchain = Toolchain::find(cli.toolchain, &workspace)?;
    let context = Context {
        workspace,
        toolchain,
        report: Report::new(cli.json),
    };
    match cli.command {
        Command::Contracts { names } => contracts::build(&context, &names),
        Command::Wasm { names, out } => contracts::build_wasm(&context, &names, &out),
        Command::Runtime => runtime::build(&context),
        Command::All => {
            runtime::build(&context)?;
            contracts::build(&context, &[])
        }
    }
}
