//! A development node as a process.
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
    port: u16,
    process: Option<Child>,
}

impl Node {
    /// Starts a node on a free port, with all of its history kept for auditors.
    ///
    /// # Errors
    /// It doesn't start.
    pub async fn start(options: &Options) -> anyhow::Result<Self> {
        Self::start_in(&options.directory, None, options).await
    }

    /// Starts a node of another development chain, with another genesis hash, whose files are in `directory`.
    ///
    /// # Errors
    /// It doesn't start.
    pub async fn start_other(options: &Options, directory: &Path) -> anyhow::Result<Self> {
        let spec = other_spec(options, directory).await?;
        Self::start_in(directory, Some(spec), options).await
    }

    async fn start_in(directory: &Path, spec: Option<PathBuf>, options: &Options) -> anyhow::Result<Self> {
        let mut node = Self {
            url: String::new(),
            log: directory.join(NODE_LOG),
            options: options.clone(),
            directory: directory.to_owned(),
            spec,
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

    /// Starts it again after [`Node::kill`]: the same chain at the same address.
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
        command.arg("--dev");
        if let Some(spec) = &self.spec {
            command.arg("--chain").arg(spec);
        }
        let mut process = command
            .arg("--base-path")
            .arg(self.directory.join("chain"))
            .args(["--rpc-port", &self.port.to_string()])
            .args(["--port", "0", "--no-prometheus", "--no-telemetry", "--no-mdns"])
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
    let file = |name: &str| directory.join(name);
    let (plain, raw) = (file("plain-spec.json"), file("chain-spec.json"));
    if raw.is_file() {
        return Ok(raw);
    }
    let node = options.programs.join("quittance-node");
    let mut export = Command::new(&node);
    export.args(["export-chain-spec", "--chain", "dev"]);
    let mut spec: Value = serde_json::from_slice(&run(export).await?)?;
    let balance = spec.pointer_mut("/genesis/runtimeGenesis/patch/balances/balances/0/1");
    let balance = balance.context("the node's chain spec names no balances")?;
    *balance = json!(balance.as_u64().and_then(|units| units.checked_add(1)));
    spec["name"] = json!("Quittance Development, the other chain");
    spec["id"] = json!("quittance_other");
    spec["protocolId"] = json!("quittance-other");
    std::fs::write(&plain, spec.to_string())?;

    // Raw, because to make a genesis state of a plain one takes seconds at each start.
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
