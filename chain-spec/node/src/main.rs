//! A plain Substrate node for the Quittance chain.
#![forbid(unsafe_code)]
#![allow(clippy::result_large_err)] // sc_service's error type

mod chain_spec;
mod cli;
mod consensus;
mod rpc;
mod service;
mod well_known;

fn main() -> sc_cli::Result<()> {
    cli::run()
}
