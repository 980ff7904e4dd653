//! A plain Substrate node for the Quittance chain.
#![forbid(unsafe_code)]

mod chain_spec;
mod cli;
mod rpc;
mod service;

fn main() -> sc_cli::Result<()> {
    cli::run()
}
