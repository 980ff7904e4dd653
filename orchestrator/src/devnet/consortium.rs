//! A chain that several validators run together, all on this machine: each with a node and keys of its own, which find each
//! other by the chain spec's boot nodes.
use std::{
    fs::OpenOptions,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{bail, Context};
use futures::future::try_join_all;
use rand::{rngs::OsRng, RngCore};
use serde_json::{json, Value};
use sp_core::{crypto::Ss58Codec, ed25519, sr25519, Pair};
use tokio::process::Command;

use super::{
    free_port,
    node::{spec_like, Node, Validating, SPEC},
    run, Options,
};
use crate::identity::SigningKey;

/// What a validator has before there is a chain.
struct Founder {
    directory: PathBuf,
    /// The account of its institution, which votes on changes.
    account: String,
    session: SessionKey,
    validating: Validating,
    /// How others find its node.
    address: String,
}

/// Signs blocks and votes; nobody but this process and the node has it.
struct SessionKey([u8; 32]);

impl SessionKey {
    fn new() -> Self {
        let mut seed = [0; 32];
        OsRng.fill_bytes(&mut seed);
        Self(seed)
    }

    fn aura(&self) -> String {
        sr25519::Pair::from_seed(&self.0).public().to_ss58check()
    }

    fn grandpa(&self) -> String {
        ed25519::Pair::from_seed(&self.0).public().to_ss58check()
    }
}

/// Starts a validator's node for each of these account keys.
pub(super) async fn start(options: &Options, account_keys: &[String]) -> anyhow::Result<Vec<Node>> {
    if options.directory.join(SPEC).is_file() {
        bail!(
            "there is a chain in {} already, and the keys of its validators are their nodes' own: take another folder",
            options.directory.display()
        );
    }
    let founders = account_keys.iter().enumerate();
    let founders = founders.map(|(place, account_key)| found(options, place, account_key));
    let founders: Vec<Founder> = try_join_all(founders).await?;
    let spec = spec_like(options, &options.directory, "consortium", |spec| {
        write_into(spec, &founders)
    })
    .await?;
    try_join_all(founders.iter().map(|founder| start_one(options, &spec, founder))).await
}

/// Makes a validator's keys.
async fn found(options: &Options, place: usize, account_key: &str) -> anyhow::Result<Founder> {
    let number = place.checked_add(1).context("too many validators")?;
    let directory = options.directory.join(format!("validator-{number}"));
    std::fs::create_dir_all(&directory)?;
    let node_key = directory.join("node.key");
    let mut make = node(options);
    make.args(["key", "generate-node-key", "--file"]).arg(&node_key);
    run(make).await?;
    let mut inspect = node(options);
    inspect.args(["key", "inspect-node-key", "--file"]).arg(&node_key);
    let peer = String::from_utf8(run(inspect).await?)?;
    let port = free_port()?;
    Ok(Founder {
        directory,
        account: SigningKey::load(account_key)?.ss58_address(),
        session: SessionKey::new(),
        address: format!("/ip4/127.0.0.1/tcp/{port}/p2p/{}", peer.trim()),
        validating: Validating { node_key, port },
    })
}

/// Makes them the validators of a chain spec.
fn write_into(spec: &mut Value, founders: &[Founder]) -> anyhow::Result<()> {
    let validators = founders.iter().map(|founder| {
        json!({
            "account": founder.account,
            "aura": founder.session.aura(),
            "grandpa": founder.session.grandpa(),
        })
    });
    let patch = spec.pointer_mut("/genesis/runtimeGenesis/patch/consortium");
    patch.context("the node's chain spec names no validators")?["validators"] = validators.collect();
    spec["bootNodes"] = founders.iter().map(|founder| json!(founder.address)).collect();
    Ok(())
}

/// Gives a validator's node its keys, and starts it.
async fn start_one(options: &Options, spec: &Path, founder: &Founder) -> anyhow::Result<Node> {
    let secret = founder.directory.join("session.key");
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&secret)?
        .write_all(format!("0x{}", hex::encode(founder.session.0)).as_bytes())?;
    for (kind, scheme) in [("aura", "sr25519"), ("gran", "ed25519")] {
        let mut insert = node(options);
        insert
            .args(["key", "insert", "--key-type", kind, "--scheme", scheme, "--suri"])
            .arg(&secret)
            .arg("--base-path")
            .arg(founder.directory.join("chain"))
            .arg("--chain")
            .arg(spec);
        run(insert).await?;
    }
    // The node's keystore has it now.
    std::fs::remove_file(&secret)?;
    Node::start_validator(options, &founder.directory, spec, founder.validating.clone()).await
}

fn node(options: &Options) -> Command {
    Command::new(options.programs.join("quittance-node"))
}
