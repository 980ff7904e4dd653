//! How blocks come about where validators make them: with Aura each in its slot, and GRANDPA makes them final.
use std::{sync::Arc, time::Duration};

use quittance_runtime::{opaque::Block, BlockNumber, Hash};
use sc_consensus::DefaultImportQueue;
use sc_consensus_aura::SlotProportion;
use sc_consensus_grandpa::{warp_proof, FinalityProofProvider, GrandpaParams, LinkHalf, SharedVoterState};
use sc_network::{
    config::FullNetworkConfiguration, service::traits::NetworkService, NetworkWorker, NotificationMetrics,
    NotificationService, ProtocolName,
};
use sc_service::{error::Error as ServiceError, Configuration, TaskManager, WarpSyncConfig};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_consensus_aura::{sr25519::AuthorityPair, AuraApi, SlotDuration};

use crate::{
    chain_spec,
    service::{FullBackend, FullClient, FullPool, SelectChain},
};

/// How long a message may take to all other validators before votes are cast without it. Theirs are few, and each is
/// connected to each, so less than on a public network.
const GOSSIP: Duration = Duration::from_millis(200);
/// In how many blocks one has its proof of finality kept. That of the latest is there always.
const JUSTIFICATION_PERIOD: u32 = 512;
/// How much of a slot a block may take to build. The others take as long to carry it out, and should be done before the
/// next slot.
const PROPOSING: f32 = 0.5;

type Import = sc_consensus_grandpa::GrandpaBlockImport<FullBackend, Block, FullClient, SelectChain>;
type Link = LinkHalf<Block, FullClient, SelectChain>;
type Syncing = Arc<sc_network_sync::SyncingService<Block>>;

/// What block import and finality share.
pub struct Consensus {
    import: Import,
    link: Link,
    slot: SlotDuration,
    /// What the voter tells RPC of its rounds.
    voters: SharedVoterState,
}

/// What there is to take part in the network's votes.
pub struct Votes {
    protocol: ProtocolName,
    notifications: Box<dyn NotificationService>,
}

impl Consensus {
    /// Consensus as the genesis has it, and the queue of blocks that come from others.
    pub fn new(
        config: &Configuration,
        client: &Arc<FullClient>,
        select_chain: &SelectChain,
        task_manager: &TaskManager,
    ) -> Result<(Self, DefaultImportQueue<Block>), ServiceError> {
        if let (Some(seed), false) = (
            &config.dev_key_seed,
            chain_spec::is_for_trying_out(&config.chain_spec.chain_type()),
        ) {
            return Err(ServiceError::Other(format!(
                "everybody knows the development key {seed}: only a chain of the type `Development` or `Local` may be run \
                 with it"
            )));
        }
        // Once there are validators there always are, and the genesis state may be pruned.
        let best = client.info().best_hash;
        let validators = client.runtime_api().authorities(best);
        if validators.map_err(sp_blockchain::Error::from)?.is_empty() {
            return Err(ServiceError::Other(format!(
                "the genesis of chain `{}` names no validators (consortium.validators): only a development chain can do \
                 without",
                config.chain_spec.id()
            )));
        }
        let (import, link) = sc_consensus_grandpa::block_import(
            client.clone(),
            JUSTIFICATION_PERIOD,
            client,
            select_chain.clone(),
            None,
        )?;
        let slot = sc_consensus_aura::slot_duration(&**client)?;
        let queue =
            sc_consensus_aura::import_queue::<AuthorityPair, _, _, _, _, _>(sc_consensus_aura::ImportQueueParams {
                block_import: import.clone(),
                justification_import: Some(Box::new(import.clone())),
                client: client.clone(),
                create_inherent_data_providers: move |_, ()| async move { Ok(inherents(slot)) },
                spawner: &task_manager.spawn_essential_handle(),
                registry: config.prometheus_registry(),
                check_for_equivocation: Default::default(),
                telemetry: None,
                compatibility_mode: Default::default(),
            })?;
        let voters = SharedVoterState::empty();
        Ok((
            Self {
                import,
                link,
                slot,
                voters,
            },
            queue,
        ))
    }

    /// Adds the votes' protocol to the network's.
    pub fn join(
        &self,
        config: &Configuration,
        genesis: Hash,
        network: &mut FullNetworkConfiguration<Block, Hash, NetworkWorker<Block, Hash>>,
        metrics: NotificationMetrics,
    ) -> Votes {
        let protocol = sc_consensus_grandpa::protocol_standard_name(&genesis, &config.chain_spec);
        let (set, notifications) = sc_consensus_grandpa::grandpa_peers_set_config::<Block, NetworkWorker<Block, Hash>>(
            protocol.clone(),
            metrics,
            network.peer_store_handle(),
        );
        network.add_notification_protocol(set);
        Votes {
            protocol,
            notifications,
        }
    }

    /// Lets a new node take a proof of finality instead of all blocks (`--sync warp`).
    pub fn warp_sync(&self, backend: &Arc<FullBackend>) -> WarpSyncConfig<Block> {
        let authorities = self.link.shared_authority_set().clone();
        let provider = warp_proof::NetworkProvider::new(backend.clone(), authorities, Vec::new());
        WarpSyncConfig::WithProvider(Arc::new(provider))
    }

    /// `grandpa_*`: who votes how, and proofs that a block is final.
    pub fn rpc(&self, backend: &Arc<FullBackend>) -> crate::rpc::Finality {
        let authorities = self.link.shared_authority_set().clone();
        crate::rpc::Finality {
            voters: self.voters.clone(),
            justifications: self.link.justification_stream(),
            proofs: FinalityProofProvider::new_for_service(backend.clone(), Some(authorities.clone())),
            authorities,
        }
    }

    /// Makes blocks and votes, where this node is a validator's; follows finality anyway.
    pub fn start(self, votes: Votes, node: NodeParts<'_>) -> Result<(), ServiceError> {
        let Settings {
            name,
            role,
            force_authoring,
            disable_grandpa,
        } = node.settings;
        if role.is_authority() {
            let proposer = sc_basic_authorship::ProposerFactory::new(
                node.task_manager.spawn_handle(),
                node.client.clone(),
                node.pool.clone(),
                node.registry.as_ref(),
                None,
            );
            let slot = self.slot;
            let aura = sc_consensus_aura::start_aura::<AuthorityPair, _, _, _, _, _, _, _, _, _, _>(
                sc_consensus_aura::StartAuraParams {
                    slot_duration: slot,
                    client: node.client.clone(),
                    select_chain: node.select_chain.clone(),
                    block_import: self.import,
                    proposer_factory: proposer,
                    sync_oracle: node.sync.clone(),
                    justification_sync_link: node.sync.clone(),
                    create_inherent_data_providers: move |_, ()| async move { Ok(inherents(slot)) },
                    force_authoring,
                    // Without finality blocks come ever slower: what isn't final yet has to be kept, and may be undone.
                    backoff_authoring_blocks: Some(sc_consensus_slots::BackoffAuthoringOnFinalizedHeadLagging::<
                        BlockNumber,
                    >::default()),
                    keystore: node.keystore.clone(),
                    block_proposal_slot_portion: SlotProportion::new(PROPOSING),
                    // Longer where slots before were missed: else a transaction too heavy for this machine to carry
                    // out in time would stop all.
                    max_block_proposal_slot_portion: None,
                    telemetry: None,
                    compatibility_mode: Default::default(),
                },
            )?;
            node.task_manager
                .spawn_essential_handle()
                .spawn_blocking("aura", Some("block-authoring"), aura);
        }
        if disable_grandpa {
            return Ok(());
        }
        let voter = sc_consensus_grandpa::run_grandpa_voter(GrandpaParams {
            config: sc_consensus_grandpa::Config {
                gossip_duration: GOSSIP,
                justification_generation_period: JUSTIFICATION_PERIOD,
                observer_enabled: false,
                keystore: role.is_authority().then(|| node.keystore.clone()),
                local_role: role,
                name: Some(name),
                telemetry: None,
                protocol_name: votes.protocol,
            },
            link: self.link,
            network: node.network.clone(),
            sync: Arc::new(node.sync.clone()),
            notification_service: votes.notifications,
            // For the best block there is, not for one two blocks before: a payment waits for finality twice.
            voting_rule: (),
            prometheus_registry: node.registry.clone(),
            shared_voter_state: self.voters,
            telemetry: None,
            offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(node.pool.clone()),
        })?;
        node.task_manager
            .spawn_essential_handle()
            .spawn_blocking("grandpa-voter", None, voter);
        Ok(())
    }
}

/// The node's part in making blocks, from its command line.
pub struct Settings {
    name: String,
    /// Whether it is a validator's.
    pub role: sc_network::config::Role,
    force_authoring: bool,
    disable_grandpa: bool,
}

impl Settings {
    /// As configured.
    pub fn of(config: &Configuration) -> Self {
        Self {
            name: config.network.node_name.clone(),
            role: config.role,
            force_authoring: config.force_authoring,
            disable_grandpa: config.disable_grandpa,
        }
    }
}

/// What consensus needs of the running node.
pub struct NodeParts<'a> {
    pub settings: Settings,
    pub client: Arc<FullClient>,
    pub pool: Arc<FullPool>,
    pub select_chain: SelectChain,
    pub keystore: sp_keystore::KeystorePtr,
    pub network: Arc<dyn NetworkService>,
    pub sync: Syncing,
    pub registry: Option<substrate_prometheus_endpoint::Registry>,
    pub task_manager: &'a TaskManager,
}

/// A block's time, and the slot that it lies in.
fn inherents(
    slot: SlotDuration,
) -> (
    sp_consensus_aura::inherents::InherentDataProvider,
    sp_timestamp::InherentDataProvider,
) {
    let time = sp_timestamp::InherentDataProvider::from_system_time();
    let slot = sp_consensus_aura::inherents::InherentDataProvider::from_timestamp_and_slot_duration(*time, slot);
    (slot, time)
}
