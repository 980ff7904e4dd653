//! The conventional Substrate command line.
use clap::{Parser, Subcommand};
use sc_cli::{CliConfiguration, NetworkBackendType, SubstrateCli, TransactionPoolType};
use sc_service::PartialComponents;

use crate::{chain_spec, service};

/// A Substrate node for the Quittance chain.
#[derive(Debug, Parser)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    run: sc_cli::RunCmd,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant)] // made once
enum Command {
    /// Key management.
    #[command(subcommand)]
    Key(sc_cli::KeySubcommand),

    /// Export the chain specification, plain or raw.
    ExportChainSpec(sc_cli::ExportChainSpecCmd),

    /// Validate blocks.
    CheckBlock(sc_cli::CheckBlockCmd),

    /// Export blocks.
    ExportBlocks(sc_cli::ExportBlocksCmd),

    /// Export the state of a block as a chain specification.
    ExportState(sc_cli::ExportStateCmd),

    /// Import blocks.
    ImportBlocks(sc_cli::ImportBlocksCmd),

    /// Remove the whole chain.
    PurgeChain(sc_cli::PurgeChainCmd),

    /// Database meta columns.
    ChainInfo(sc_cli::ChainInfoCmd),
}

impl SubstrateCli for Cli {
    fn impl_name() -> String {
        "Quittance Node".into()
    }

    fn impl_version() -> String {
        env!("CARGO_PKG_VERSION").into()
    }

    fn description() -> String {
        env!("CARGO_PKG_DESCRIPTION").into()
    }

    fn author() -> String {
        env!("CARGO_PKG_AUTHORS").into()
    }

    fn support_url() -> String {
        "see README.md".into()
    }

    fn copyright_start_year() -> i32 {
        2026
    }

    fn load_spec(&self, id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
        let wanted = match &self.command {
            Some(Command::ExportChainSpec(cmd)) if !cmd.raw => chain_spec::For::People,
            _ => chain_spec::For::Nodes,
        };
        Ok(Box::new(chain_spec::load(id, wanted)?))
    }
}

/// Parses the command line and does what it says.
pub fn run() -> sc_cli::Result<()> {
    let mut cli = Cli::from_args();
    // What this node speaks. With the command line's default, one without `--validator` would try to listen for WebRTC.
    cli.run.network_params.network_backend = NetworkBackendType::Libp2p;
    if cli.run.is_dev()? {
        // Under instant seal the fork-aware pool loses transactions of a burst: blocks come faster than its views.
        cli.run.pool_config.pool_type = TransactionPoolType::SingleState;
    }

    match &cli.command {
        Some(Command::Key(cmd)) => cmd.run(&cli),
        Some(Command::ExportChainSpec(cmd)) => cmd.run(cli.load_spec(&cmd.chain)?),
        Some(Command::CheckBlock(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
            let PartialComponents {
                client,
                task_manager,
                import_queue,
                ..
            } = service::new_partial(&config)?;
            Ok((cmd.run(client, import_queue), task_manager))
        }),
        Some(Command::ExportBlocks(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
            let PartialComponents {
                client, task_manager, ..
            } = service::new_partial(&config)?;
            Ok((cmd.run(client, config.database), task_manager))
        }),
        Some(Command::ExportState(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
            let PartialComponents {
                client, task_manager, ..
            } = service::new_partial(&config)?;
            Ok((cmd.run(client, config.chain_spec), task_manager))
        }),
        Some(Command::ImportBlocks(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
            let PartialComponents {
                client,
                task_manager,
                import_queue,
                ..
            } = service::new_partial(&config)?;
            Ok((cmd.run(client, import_queue), task_manager))
        }),
        Some(Command::PurgeChain(cmd)) => cli.create_runner(cmd)?.sync_run(|config| cmd.run(config.database)),
        Some(Command::ChainInfo(cmd)) => cli
            .create_runner(cmd)?
            .sync_run(|config| cmd.run::<quittance_runtime::opaque::Block>(&config)),
        None => {
            let runner = cli.create_runner(&cli.run)?;
            runner
                .run_node_until_exit(|config| async move { service::new_full(config).map_err(sc_cli::Error::Service) })
        }
    }
}
