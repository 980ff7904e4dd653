//! `quittance deploy`: puts the contracts on a chain. Running it again finds them and does nothing.
use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::{bail, ensure, Context};
use protocol::{text, AccountId, Member};
use scale::{Decode, Encode};

use crate::{
    assets::AssetName,
    chain::{
        bundle::Bundle,
        calls::Call,
        contracts::{dry_run_instantiate, selector, LangError},
        deployment::{to_ss58, Deployed, RECONCILIATION},
        health::{code_hash, has_code},
        Chain, Deployment, Follower, Submitter,
    },
    identity::SigningKey,
    prepaid::programme::ProgrammeFile,
    store::Store,
};

/// Every deployment of the same code with the same arguments by the same account is the same one.
const SALT: &[u8] = b"quittance/v1";

/// Puts the contracts on a chain, once.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The node: ws://host:port or wss://host:port.
    #[arg(long)]
    url: String,
    /// Directory of the contract bundles (registry.contract, clearing.contract, escrow.contract, reconciliation.contract;
    /// credit.contract for a credit node, prepaid.contract for a card issuer).
    #[arg(long)]
    bundles: PathBuf,
    /// Where to write the deployment.
    #[arg(long, default_value = "deployment.json")]
    out: PathBuf,
    /// Pays and submits: a key file, or //Alice and the like on a development chain.
    #[arg(long)]
    key: String,
    /// A governor's sr25519 public key (0x and 64 digits); once for each, in the order of their places.
    #[arg(long = "governor", required = true, value_name = "HEX")]
    governors: Vec<String>,
    /// How many governors must sign a change of the registry.
    #[arg(long)]
    governor_threshold: u16,
    /// How many notaries must sign a retention.
    #[arg(long)]
    notary_threshold: u16,
    /// The shortest that a phase of an escrow deal may be, in seconds: longer than finality and a party's reaction.
    #[arg(long, default_value_t = 600)]
    escrow_gap_seconds: u64,
    /// How long after its retention a payment can be disputed, in seconds.
    #[arg(long, default_value_t = 5_184_000)]
    dispute_seconds: u64,
    /// How long after a dispute was opened the notaries may rule, in seconds; then the payment stands.
    #[arg(long, default_value_t = 1_209_600)]
    ruling_seconds: u64,
    /// A credit node that gets a contract of its own, by its index in the registry, where it is registered as one before or
    /// after; may be given several times. Contracts that credit nodes got before stay in the deployment.
    #[arg(long = "credit-node", value_name = "MEMBER")]
    credit_nodes: Vec<u16>,
    /// The least time from the end of paying out on one chain to the end of a reservation on the other, in seconds: longer
    /// than finality, a call and the difference of the chains' clocks together. The same on all of a credit node's chains.
    #[arg(long, alias = "credit-grace", default_value_t = 3_600)]
    credit_grace_seconds: u64,
    /// A card issuer that gets a contract of its own for prepaid cards, by its index in the registry, where it is registered
    /// as one before or after. Contracts that card issuers got before stay in the deployment.
    #[arg(long, value_name = "MEMBER", requires = "programme")]
    card_issuer: Option<u16>,
    /// What holds for all of that issuer's cards and merchants: a file like the one that `quittance prepaid sample` prints.
    #[arg(long, value_name = "FILE", requires = "card_issuer")]
    programme: Option<PathBuf>,
    /// What those cards hold: `native`, or the account of a PSP22 token's contract, 0x…
    #[arg(long, value_name = "ASSET", default_value = "native")]
    card_asset: AssetName,
    /// Print the deployment as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// The chain doesn't fit, or refuses.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let governors = args
        .governors
        .iter()
        .map(|key| text::from_hex::<32>(key).with_context(|| format!("--governor {key}")))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let registry = Bundle::find(&args.bundles, "registry")?;
    let clearing = Bundle::find(&args.bundles, "clearing")?;
    let escrow = Bundle::find(&args.bundles, "escrow")?;
    let reconciliation = Bundle::find(&args.bundles, RECONCILIATION)?;
    let milliseconds = |seconds: u64, option: &str| {
        let milliseconds = seconds.checked_mul(1_000);
        milliseconds.with_context(|| format!("--{option} is beyond reason"))
    };
    let gap = milliseconds(args.escrow_gap_seconds, "escrow-gap-seconds")?;
    let disputes = milliseconds(args.dispute_seconds, "dispute-seconds")?;
    let rulings = milliseconds(args.ruling_seconds, "ruling-seconds")?;
    let grace = milliseconds(args.credit_grace_seconds, "credit-grace-seconds")?;
    let programme = args.programme.as_deref().map(ProgrammeFile::load).transpose()?;
    let client = OneShot::connect(&args.url, &args.key).await?;
    let genesis = client.chain.genesis();

    let constructor = selector("new");
    let input = (
        constructor,
        genesis,
        governors,
        args.governor_threshold,
        args.notary_threshold,
    );
    let (registry, new_registry) = client.deploy(&registry, input.encode()).await?;
    let input = (constructor, genesis, registry.address.0, disputes, rulings);
    let (clearing, new_clearing) = client.deploy(&clearing, input.encode()).await?;

    let input = (constructor, genesis, gap);
    let (escrow, new_escrow) = client.deploy(&escrow, input.encode()).await?;

    let input = (constructor, genesis, registry.address.0);
    let (reconciliation, new_reconciliation) = client.deploy(&reconciliation, input.encode()).await?;

    let mut own = client.own_contracts(&args.out, &registry).await?;
    for node in args.credit_nodes.into_iter().map(Member) {
        let input = (constructor, genesis, registry.address.0, node, grace);
        let owner = Owner::CreditNode(node);
        client
            .deploy_own(&args.bundles, owner, input.encode(), &mut own)
            .await?;
    }
    if let Some((issuer, programme)) = args.card_issuer.map(Member).zip(programme) {
        let asset = args.card_asset.0;
        let input = (constructor, genesis, registry.address.0, issuer, asset, programme);
        let owner = Owner::CardIssuer(issuer);
        client
            .deploy_own(&args.bundles, owner, input.encode(), &mut own)
            .await?;
    }

    let mut deployed = vec![
        (registry, new_registry),
        (clearing, new_clearing),
        (escrow, new_escrow),
        (reconciliation, new_reconciliation),
    ];
    deployed.extend(own);
    let deployment = Deployment {
        genesis_hash: genesis,
        contracts: deployed.iter().map(|(contract, _)| contract.clone()).collect(),
    };
    deployment.save(&args.out)?;
    if args.json {
        println!("{}", serde_json::to_string(&deployment)?);
        return Ok(());
    }
    let mut table = comfy_table::Table::new();
    table.set_header(["contract", "address", "code hash", ""]);
    for (contract, new) in deployed {
        table.add_row([
            contract.name,
            to_ss58(&contract.address),
            text::to_hex(&contract.code_hash),
            if new { "deployed" } else { "was there" }.to_owned(),
        ]);
    }
    println!("{table}\nwritten to {}", args.out.display());
    Ok(())
}

/// Who gets a contract of its own.
#[derive(Clone, Copy)]
enum Owner {
    CreditNode(Member),
    CardIssuer(Member),
}

impl Owner {
    const fn bundle(self) -> &'static str {
        match self {
            Self::CreditNode(_) => "credit",
            Self::CardIssuer(_) => "prepaid",
        }
    }

    /// What another contract of the same owner can differ in.
    const fn arguments(self) -> &'static str {
        match self {
            Self::CreditNode(_) => "with another grace",
            Self::CardIssuer(_) => "with another programme or asset",
        }
    }

    fn has(self, contract: &Deployed) -> bool {
        match self {
            Self::CreditNode(node) => contract.credit_node == Some(node),
            Self::CardIssuer(issuer) => contract.card_issuer == Some(issuer),
        }
    }

    fn deployed(self, made: &Deployed) -> Deployed {
        match self {
            Self::CreditNode(node) => Deployed::credit(node, made.address, made.code_hash),
            Self::CardIssuer(issuer) => Deployed::prepaid(issuer, made.address, made.code_hash),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreditNode(node) => write!(f, "member {node} has a credit contract"),
            Self::CardIssuer(issuer) => write!(f, "member {issuer} has a prepaid contract"),
        }
    }
}

/// A connection and a submitter for one command. What it submits needs no store that outlives it: the chain itself is
/// looked at first.
pub(super) struct OneShot {
    pub(super) chain: Chain,
    pub(super) follower: Follower,
    pub(super) submitter: Submitter,
    _store: tempfile::TempDir,
}

impl OneShot {
    /// Connects, checks that the chain has pallet-contracts and that the key may be used on it.
    pub(super) async fn connect(url: &str, key: &str) -> anyhow::Result<Self> {
        let key = SigningKey::load(key)?;
        let chain = Chain::connect(url).await?;
        ensure!(
            chain.runtime()?.has_pallet("Contracts"),
            "the chain at {url} has no pallet Contracts: ink! 5 contracts need one"
        );
        let kind = chain.kind().await?;
        ensure!(
            !key.is_development() || matches!(kind.as_str(), "Development" | "Local"),
            "everybody knows development keys, and {url} is a {kind} chain: use a key file"
        );
        let follower = Follower::start(chain.clone()).await?;
        let directory = tempfile::tempdir()?;
        let store = Store::open(&directory.path().join("submissions.sqlite")).await?;
        let submitter = Submitter::start(chain.clone(), follower.clone(), store, key).await?;
        Ok(Self {
            chain,
            follower,
            submitter,
            _store: directory,
        })
    }

    /// The contracts of credit nodes and card issuers that an earlier run wrote down for this registry, as far as they are on
    /// the chain.
    async fn own_contracts(&self, file: &Path, registry: &Deployed) -> anyhow::Result<Vec<(Deployed, bool)>> {
        let mut found = Vec::new();
        if !file.exists() {
            return Ok(found);
        }
        let earlier = Deployment::load(file)?;
        if earlier.ensure_on(self.chain.genesis()).is_err() || !earlier.contracts.contains(registry) {
            return Ok(found);
        }
        let at = self.follower.head().hash;
        for contract in earlier.contracts {
            let is_own = contract.credit_node.is_some() || contract.card_issuer.is_some();
            let is_there = code_hash(&self.chain, &contract.address, at).await? == Some(contract.code_hash);
            if is_own && is_there {
                found.push((contract, false));
            }
        }
        Ok(found)
    }

    /// Gives an institution its contract, unless it has it: one for each, because debts and cards stay where they are.
    async fn deploy_own(
        &self,
        bundles: &Path,
        owner: Owner,
        input: Vec<u8>,
        own: &mut Vec<(Deployed, bool)>,
    ) -> anyhow::Result<()> {
        let bundle = Bundle::find(bundles, owner.bundle())?;
        let mut all = own.iter();
        let Some((earlier, _)) = all.find(|(contract, _)| owner.has(contract)) else {
            let (made, is_new) = self.deploy(&bundle, input).await?;
            own.push((owner.deployed(&made), is_new));
            return Ok(());
        };
        ensure!(
            earlier.address == address(&self.submitter.account(), &bundle.code_hash(), &input),
            "{owner} at {} already, made by another account, {} or from another bundle: take it out of the deployment if \
             it shall have a new one",
            to_ss58(&earlier.address),
            owner.arguments()
        );
        Ok(())
    }

    /// Uploads the code where it isn't there, instantiates where that wasn't done; whether it did.
    async fn deploy(&self, bundle: &Bundle, input: Vec<u8>) -> anyhow::Result<(Deployed, bool)> {
        let name = bundle.name();
        let hash = bundle.code_hash();
        let runtime = self.chain.runtime()?;
        let at = self.follower.head().hash;
        let deployed = |address: AccountId| Deployed {
            name: name.to_owned(),
            address,
            code_hash: hash,
            credit_node: None,
            card_issuer: None,
        };

        let expected = address(&self.submitter.account(), &hash, &input);
        if code_hash(&self.chain, &expected, at).await? == Some(hash) {
            return Ok((deployed(expected), false));
        }
        if !has_code(&self.chain, hash, at).await? {
            let call = Call::upload_code(&runtime, bundle.code()?.to_vec())?;
            let key = format!("upload {}", text::to_hex(&hash));
            self.submitter
                .submit(&key, call)
                .await
                .with_context(|| format!("uploading the code of {name}"))?;
        }

        let account = self.submitter.account();
        let (gas, result) = dry_run_instantiate(&self.chain, &account, hash, &input, SALT).await?;
        let (output, address) = match result {
            Ok(made) => made,
            Err(why) => bail!("the chain refuses to instantiate {name}: {why}"),
        };
        if output.reverted {
            type Constructed = Result<Result<(), protocol::registry::Error>, LangError>;
            match Constructed::decode(&mut &output.data[..]) {
                Ok(Ok(Err(error))) => bail!("{name} refuses its arguments: {error:?}"),
                _ => bail!("{name} refuses its arguments: {}", text::to_hex(&output.data)),
            }
        }
        let call = Call::instantiate(&runtime, gas.with_margin(), hash, input, SALT.to_vec())?;
        let key = format!("instantiate {}", to_ss58(&address));
        let done = self
            .submitter
            .submit(&key, call)
            .await
            .with_context(|| format!("instantiating {name}"))?;
        let found = code_hash(&self.chain, &address, done.block.hash).await?;
        ensure!(
            found == Some(hash),
            "{name} isn't at {} after its instantiation in block {}",
            to_ss58(&address),
            done.block.number
        );
        Ok((deployed(address), true))
    }
}

/// Where pallet-contracts puts a contract: the address follows from who makes it of what.
fn address(deployer: &AccountId, code_hash: &[u8; 32], input: &[u8]) -> AccountId {
    let preimage = (*b"contract_addr_v1", deployer.0, code_hash, input, SALT);
    AccountId(preimage.using_encoded(sp_crypto_hashing::blake2_256))
}
