//! What the node consists of. On a development chain an authority seals and finalizes a block for each transaction; on any
//! other, validators take turns and vote.
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use quittance_runtime::{opaque::Block, RuntimeApi};
use sc_executor::{HeapAllocStrategy, WasmExecutor, DEFAULT_HEAP_ALLOC_STRATEGY};
use sc_network::{config::FullNetworkConfiguration, NetworkBackend, NetworkWorker};
use sc_service::{error::Error as ServiceError, ChainType, Configuration, TaskManager};
use sp_blockchain::HeaderBackend;
use sp_runtime::traits::Block as BlockT;

use crate::consensus::{Consensus, NodeParts, Settings};

type Hash = <Block as BlockT>::Hash;
/// The client that executes the runtime's wasm.
pub type FullClient = sc_service::TFullClient<Block, RuntimeApi, WasmExecutor<sp_io::SubstrateHostFunctions>>;
/// The transaction pool.
pub type FullPool = sc_transaction_pool::TransactionPoolHandle<Block, FullClient>;
/// What is on disk.
pub type FullBackend = sc_service::TFullBackend<Block>;
/// Of several chains the longest is the best.
pub type SelectChain = sc_consensus::LongestChain<FullBackend, Block>;
type Service = sc_service::PartialComponents<
    FullClient,
    FullBackend,
    SelectChain,
    sc_consensus::DefaultImportQueue<Block>,
    FullPool,
    Option<Consensus>,
>;

/// The parts that sub-commands need too.
pub fn new_partial(config: &Configuration) -> Result<Service, ServiceError> {
    let executor = new_executor(config);
    // Blocks that prove who the validators were are kept, also where old blocks aren't (`--blocks-pruning`): with them
    // other nodes start.
    let kept: Arc<dyn sc_service::PruningFilter> = Arc::new(sc_consensus_grandpa::GrandpaPruningFilter);
    let (client, backend, keystore_container, task_manager) =
        sc_service::new_full_parts::<Block, RuntimeApi, _>(config, None, executor, vec![kept])?;
    let client = Arc::new(client);
    let select_chain = sc_consensus::LongestChain::new(backend.clone());
    let transaction_pool = Arc::from(
        sc_transaction_pool::Builder::new(
            task_manager.spawn_essential_handle(),
            client.clone(),
            config.role.is_authority().into(),
        )
        .with_options(config.transaction_pool.clone())
        .with_prometheus(config.prometheus_registry())
        .build(),
    );
    let (consensus, import_queue) = if config.chain_spec.chain_type() == ChainType::Development {
        let queue = sc_consensus_manual_seal::import_queue(
            Box::new(client.clone()),
            &task_manager.spawn_essential_handle(),
            config.prometheus_registry(),
        );
        (None, queue)
    } else {
        let (consensus, queue) = Consensus::new(config, &client, &select_chain, &task_manager)?;
        (Some(consensus), queue)
    };

    Ok(sc_service::PartialComponents {
        client,
        backend,
        task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other: consensus,
    })
}

/// As `sc_service::new_wasm_executor` makes it, but what it compiles is kept for the next start: compiling the runtime
/// takes seconds.
fn new_executor(config: &Configuration) -> WasmExecutor<sp_io::SubstrateHostFunctions> {
    let strategy = config
        .executor
        .default_heap_pages
        .map_or(DEFAULT_HEAP_ALLOC_STRATEGY, |extra_pages| HeapAllocStrategy::Static {
            extra_pages: u32::try_from(extra_pages).unwrap_or(u32::MAX),
        });
    WasmExecutor::builder()
        .with_execution_method(config.executor.wasm_method)
        .with_onchain_heap_alloc_strategy(strategy)
        .with_offchain_heap_alloc_strategy(strategy)
        .with_max_runtime_instances(config.executor.max_runtime_instances)
        .with_runtime_cache_size(config.executor.runtime_cache_size)
        .with_cache_path(compiled(config.base_path.path()))
        .build()
}

/// Where compiled runtimes are kept: beside this program, for all chains, where this user may write there (who else may,
/// can change the program too); else under the base path.
fn compiled(base_path: &Path) -> PathBuf {
    const NAME: &str = "compiled-runtimes";
    let beside = std::env::current_exe()
        .ok()
        .and_then(|program| program.parent().map(|folder| folder.join(NAME)));
    let is_writable = |folder: &PathBuf| {
        let probe = folder.join(std::process::id().to_string());
        std::fs::create_dir_all(&probe)
            .and_then(|()| std::fs::remove_dir(&probe))
            .is_ok()
    };
    beside.filter(is_writable).unwrap_or_else(|| base_path.join(NAME))
}

/// A running node.
pub fn new_full(config: Configuration) -> Result<TaskManager, ServiceError> {
    let sc_service::PartialComponents {
        client,
        backend,
        mut task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other: consensus,
    } = new_partial(&config)?;

    let metrics = <NetworkWorker<Block, Hash> as NetworkBackend<Block, Hash>>::register_notification_metrics(
        config.prometheus_registry(),
    );
    let mut net_config = FullNetworkConfiguration::<Block, Hash, NetworkWorker<Block, Hash>>::new(
        &config.network,
        config.prometheus_registry().cloned(),
    );
    let votes = consensus
        .as_ref()
        .map(|consensus| consensus.join(&config, client.info().genesis_hash, &mut net_config, metrics.clone()));
    let (network, system_rpc_tx, tx_handler_controller, sync_service, _bitswap) =
        sc_service::build_network(sc_service::BuildNetworkParams {
            config: &config,
            net_config,
            client: client.clone(),
            transaction_pool: transaction_pool.clone(),
            spawn_handle: task_manager.spawn_handle(),
            spawn_essential_handle: task_manager.spawn_essential_handle(),
            import_queue,
            block_announce_validator_builder: None,
            warp_sync_config: consensus.as_ref().map(|consensus| consensus.warp_sync(&backend)),
            block_relay: None,
            metrics,
            gap_sync_body_policy: None,
        })?;

    let settings = Settings::of(&config);
    let prometheus_registry = config.prometheus_registry().cloned();
    let rpc_builder = {
        let (client, pool) = (client.clone(), transaction_pool.clone());
        let finality = consensus.as_ref().map(|consensus| consensus.rpc(&backend));
        Box::new(move |executor| {
            crate::rpc::create(client.clone(), pool.clone(), finality.clone(), executor).map_err(Into::into)
        })
    };
    sc_service::spawn_tasks(sc_service::SpawnTasksParams {
        config,
        client: client.clone(),
        backend,
        task_manager: &mut task_manager,
        keystore: keystore_container.keystore(),
        transaction_pool: transaction_pool.clone(),
        rpc_builder,
        network: network.clone(),
        system_rpc_tx,
        tx_handler_controller,
        sync_service: sync_service.clone(),
        telemetry: None,
        tracing_execute_block: None,
    })?;

    if let (Some(consensus), Some(votes)) = (consensus, votes) {
        let node = NodeParts {
            settings,
            client,
            pool: transaction_pool,
            select_chain,
            keystore: keystore_container.keystore(),
            network,
            sync: sync_service,
            registry: prometheus_registry,
            task_manager: &task_manager,
        };
        consensus.start(votes, node)?;
    } else if settings.role.is_authority() {
        let proposer = sc_basic_authorship::ProposerFactory::new(
            task_manager.spawn_handle(),
            client.clone(),
            transaction_pool.clone(),
            prometheus_registry.as_ref(),
            None,
        );
        let seal =
            sc_consensus_manual_seal::run_instant_seal_and_finalize(sc_consensus_manual_seal::InstantSealParams {
                block_import: client.clone(),
                env: proposer,
                client,
                pool: transaction_pool,
                select_chain,
                consensus_data_provider: None,
                create_inherent_data_providers: |_, ()| async {
                    Ok(sp_timestamp::InherentDataProvider::from_system_time())
                },
            });
        task_manager
            .spawn_essential_handle()
            .spawn_blocking("instant-seal", Some("block-authoring"), seal);
    }
    Ok(task_manager)
}
