//! A node as a process: one that seals alone, for development, or a validator's.
use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{bail, Context};
use serde_json::{json, Value};
use tokio::process::{Child, Command};

use super::{free_port, run, tail, until, Options, NODE_LOG};

/// Long enough for a slow machine to compile the runtime.
const PATIENCE: Duration = Duration::from_secs(120);
/// What a chain spec is called that was made for a network.
pub(super) const SPEC: &str = "chain-spec.json";
const LISTENING: &str = "Running JSON-RPC server: addr=";

/// A node, running or not.
pub struct Node {
    /// Its WebSocket address.
    pub url: String,
    /// What it writes.
    pub log: PathBuf,
    options: Options,
    directory: PathBuf,
    /// The chain spec, where the chain isn't `dev`.
    spec: Option<PathBuf>,
    /// What makes it a validator's node, if it is one.
    validator: Option<Validating>,
    port: u16,
    process: Option<Child>,
}

/// How other validators know a node.
#[derive(Clone, Debug)]
pub(super) struct Validating {
    /// The secret key that its peers know it by.
    pub(super) node_key: PathBuf,
    /// Where it listens for them.
    pub(super) port: u16,
}

impl Node {
    /// Starts a node on a free port, with all of its history kept for auditors.
    ///
    /// # Errors
    /// It doesn't start.
    pub async fn start(options: &Options) -> anyhow::Result<Self> {
        Self::start_in(&options.directory, None, None, options).await
    }

    /// Starts a node of another development chain, with another genesis hash, whose files are in `directory`.
    ///
    /// # Errors
    /// It doesn't start.
    pub async fn start_other(options: &Options, directory: &Path) -> anyhow::Result<Self> {
        let spec = other_spec(options, directory).await?;
        Self::start_in(directory, Some(spec), None, options).await
    }

    /// Starts a validator's node, whose files and keys are in `directory`.
    pub(super) async fn start_validator(
        options: &Options,
        directory: &Path,
        spec: &Path,
        validator: Validating,
    ) -> anyhow::Result<Self> {
        Self::start_in(directory, Some(spec.to_owned()), Some(validator), options).await
    }

    async fn start_in(
        directory: &Path,
        spec: Option<PathBuf>,
        validator: Option<Validating>,
        options: &Options,
    ) -> anyhow::Result<Self> {
        let mut node = Self {
            url: String::new(),
            log: directory.join(NODE_LOG),
            options: options.clone(),
            directory: directory.to_owned(),
            spec,
            validator,
            port: free_port()?,
            process: None,
        };
        node.port = node.launch().await?;
        node.url = format!("ws://127.0.0.1:{}", node.port);
        Ok(node)
    }

    /// Ends its process at once, as a power cut would (SIGKILL).
    ///
    /// # Errors
    /// The process can't be ended.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill().await?;
        }
        Ok(())
    }

    /// Has its process end by itself (SIGTERM): then all of its chain is on disk, and other programs may open that.
    ///
    /// # Errors
    /// It doesn't run, or can't be told to end.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        self.signal("-TERM").await?;
        if let Some(mut process) = self.process.take() {
            process.wait().await?;
        }
        Ok(())
    }

    /// Starts it again after [`Node::kill`] or [`Node::stop`]: the same chain at the same address.
    ///
    /// # Errors
    /// It doesn't start, or its address was taken meanwhile.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.kill().await?;
        let port = self.launch().await?;
        if port != self.port {
            bail!("port {} was taken, the node listens at {port}", self.port);
        }
        Ok(())
    }

    /// Stops its process where it is, as if its network were cut: connections stand, nothing comes or goes.
    ///
    /// # Errors
    /// It doesn't run, or can't be stopped.
    pub async fn suspend(&self) -> anyhow::Result<()> {
        self.signal("-STOP").await
    }

    /// Lets it go on after [`Node::suspend`].
    ///
    /// # Errors
    /// As there.
    pub async fn resume(&self) -> anyhow::Result<()> {
        self.signal("-CONT").await
    }

    async fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let process = self.process_id().context("the node doesn't run")?.to_string();
        let mut kill = Command::new("kill");
        kill.args([signal, &process]);
        run(kill).await.map(|_| ())
    }

    /// Ends its process, removes its copy of the chain, and starts it again: it keeps its keys, and has to get the rest from
    /// others.
    ///
    /// # Errors
    /// The copy can't be removed, or as [`Node::restart`].
    pub async fn wipe(&mut self) -> anyhow::Result<()> {
        self.kill().await?;
        let mut purge = Command::new(self.options.programs.join("quittance-node"));
        purge.args(["purge-chain", "-y", "--base-path"]).arg(self.base_path());
        purge.arg("--chain").arg(self.spec.as_deref().unwrap_or("dev".as_ref()));
        run(purge).await?;
        self.restart().await
    }

    /// Its copy of the chain, and its keys.
    pub fn base_path(&self) -> PathBuf {
        self.directory.join("chain")
    }

    /// Its process's number, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().and_then(Child::id)
    }

    /// Starts the process; returns the port that it listens at.
    async fn launch(&mut self) -> anyhow::Result<u16> {
        let log = &self.log;
        let program = self.options.programs.join("quittance-node");
        let output = OpenOptions::new().create(true).append(true).open(log)?;
        let written = usize::try_from(output.metadata()?.len())?;
        let mut command = Command::new(&program);
        match &self.validator {
            None => command.args(["--dev", "--port", "0"]),
            Some(validator) => command
                .arg("--validator")
                .arg("--node-key-file")
                .arg(&validator.node_key)
                .args(["--listen-addr", &format!("/ip4/127.0.0.1/tcp/{}", validator.port)]),
        };
        if let Some(spec) = &self.spec {
            command.arg("--chain").arg(spec);
        }
        let mut process = command
            .arg("--base-path")
            .arg(self.base_path())
            .args(["--rpc-port", &self.port.to_string()])
            .args(["--no-prometheus", "--no-telemetry", "--no-mdns"])
            .args(["--state-pruning", "archive", "--blocks-pruning", "archive"])
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .kill_on_drop(!self.options.keep)
            .spawn()
            .with_context(|| format!("{} can't be started; build it with scripts/demo", program.display()))?;

        let port = until(PATIENCE, async || {
            if let Some(status) = process.try_wait()? {
                bail!("the node ended ({status}); {} ends with:\n{}", log.display(), tail(log));
            }
            let text = std::fs::read_to_string(log)?;
            Ok(text.get(written..).unwrap_or_default().lines().find_map(listening_port))
        })
        .await?;
        let Some(port) = port else {
            bail!("the node doesn't listen; {} ends with:\n{}", log.display(), tail(log));
        };
        self.process = Some(process);
        Ok(port)
    }
}

/// A chain spec like that of `dev` in which one account has a unit more: the genesis hash is another one.
async fn other_spec(options: &Options, directory: &Path) -> anyhow::Result<PathBuf> {
    spec_like(options, directory, "dev", |spec| {
        let balance = spec.pointer_mut("/genesis/runtimeGenesis/patch/balances/balances/0/1");
        let balance = balance.context("the node's chain spec names no balances")?;
        *balance = json!(balance.as_u64().and_then(|units| units.checked_add(1)));
        spec["name"] = json!("Quittance Development, the other chain");
        spec["id"] = json!("quittance_other");
        spec["protocolId"] = json!("quittance-other");
        Ok(())
    })
    .await
}

/// Writes a chain spec like one that the node knows by name, with a change, unless it is there already.
pub(super) async fn spec_like(
    options: &Options,
    directory: &Path,
    name: &str,
    change: impl FnOnce(&mut Value) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let file = |name: &str| directory.join(name);
    let (plain, raw) = (file("plain-spec.json"), file(SPEC));
    if raw.is_file() {
        return Ok(raw);
    }
    let node = options.programs.join("quittance-node");
    let mut export = Command::new(&node);
    export.args(["export-chain-spec", "--chain", name]);
    let mut spec: Value = serde_json::from_slice(&run(export).await?)?;
    change(&mut spec)?;
    // The node adds its code again, and makes the genesis state without compiling that, which would take seconds.
    let genesis = spec
        .pointer_mut("/genesis/runtimeGenesis")
        .and_then(Value::as_object_mut);
    genesis.context("the node's chain spec has no genesis")?.remove("code");
    std::fs::write(&plain, serde_json::to_vec_pretty(&spec)?)?;

    let mut export = Command::new(&node);
    export.args(["export-chain-spec", "--raw", "--chain"]).arg(&plain);
    std::fs::write(&raw, run(export).await?)?;
    Ok(raw)
}

/// The port in the line that a node writes once it listens.
fn listening_port(line: &str) -> Option<u16> {
    let (_, addresses) = line.split_once(LISTENING)?;
    let address = addresses.split([',', ' ']).next()?;
    address.rsplit(':').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::listening_port;

    #[test]
    fn the_port_is_read_from_the_line_that_a_node_writes() {
        let line = "2026-01-01 12:00:00 Running JSON-RPC server: addr=127.0.0.1:40119,[::1]:35363";
        assert_eq!(listening_port(line), Some(40119));
        assert_eq!(listening_port("2026-01-01 12:00:00 Imported #1"), None);
    }
}
