//! A development node as a process.
use std::{fs::File, path::PathBuf, process::Stdio, time::Duration};

use anyhow::{bail, Context};
use tokio::process::{Child, Command};

use super::{tail, until, Options};

/// Long enough for a slow machine to compile the runtime.
const PATIENCE: Duration = Duration::from_secs(120);
const LISTENING: &str = "Running JSON-RPC server: addr=";

/// A running node.
pub struct Node {
    /// Its WebSocket address.
    pub url: String,
    /// Its process.
    pub process: Child,
    /// What it writes.
    pub log: PathBuf,
}

impl Node {
    /// Starts a node on a free port, with all of its history kept for auditors.
    ///
    /// # Errors
    /// It doesn't start.
    pub async fn start(options: &Options) -> anyhow::Result<Self> {
        let log = options.directory.join("node.log");
        let program = options.programs.join("quittance-node");
        let output = File::create(&log)?;
        let mut process = Command::new(&program)
            .arg("--dev")
            .arg("--base-path")
            .arg(options.directory.join("chain"))
            .args([
                "--rpc-port",
                "0",
                "--port",
                "0",
                "--no-prometheus",
                "--no-telemetry",
                "--no-mdns",
            ])
            .args(["--state-pruning", "archive", "--blocks-pruning", "archive"])
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .kill_on_drop(!options.keep)
            .spawn()
            .with_context(|| format!("{} can't be started; build it with scripts/demo", program.display()))?;

        let port = until(PATIENCE, async || {
            if let Some(status) = process.try_wait()? {
                bail!(
                    "the node ended ({status}); {} ends with:\n{}",
                    log.display(),
                    tail(&log)
                );
            }
            let text = std::fs::read_to_string(&log)?;
            Ok(text.lines().find_map(listening_port))
        })
        .await?;
        let Some(port) = port else {
            bail!("the node doesn't listen; {} ends with:\n{}", log.display(), tail(&log));
        };
        Ok(Self {
            url: format!("ws://127.0.0.1:{port}"),
            process,
            log,
        })
    }
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
