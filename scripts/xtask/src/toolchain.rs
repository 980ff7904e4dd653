//! The Rust toolchain that compiles to wasm. It need not be the one that compiles everything else.
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{ensure, Context as _, Result};

use crate::workspace::Workspace;

/// The wasm target without any extension that pallet-contracts or the runtime's executor wouldn't accept.
pub const TARGET: &str = "wasm32v1-none";
/// Where scripts/setup writes down which toolchain it found, in the target directory.
const CHOICE: &str = "wasm-toolchain";
/// Debian's packaged Rust, as scripts/setup links it where rustup cannot fetch the target.
const SUBSTITUTE: &str = "debian";

pub struct Toolchain {
    /// Its name in rustup; `None` is the active one.
    name: Option<String>,
    pub sysroot: PathBuf,
    /// What `rustc -vV` and `wasm-opt --version` say.
    pub versions: String,
}

impl Toolchain {
    /// The toolchain asked for; else the one scripts/setup chose; else the active one if it can compile to wasm;
    /// else Debian's.
    pub fn find(asked_for: Option<String>, workspace: &Workspace) -> Result<Self> {
        let chosen = || {
            let name = fs::read_to_string(workspace.target.join(CHOICE)).ok()?;
            Some(name.trim().to_owned()).filter(|name| !name.is_empty())
        };
        if let Some(name) = asked_for.filter(|name| !name.is_empty()).or_else(chosen) {
            return Self::named(Some(name));
        }
        Self::named(None).or_else(|_| Self::named(Some(SUBSTITUTE.to_owned())))
    }

    fn named(name: Option<String>) -> Result<Self> {
        let shown = name.clone().unwrap_or_else(|| "active".to_owned());
        let rustc = |argument: &[&str]| {
            let mut command = Command::new("rustc");
            select(&mut command, name.as_deref());
            output(command.args(argument)).with_context(|| {
                format!("the {shown} Rust toolchain doesn't work: run scripts/setup, or set QUITTANCE_WASM_TOOLCHAIN")
            })
        };
        let sysroot = PathBuf::from(rustc(&["--print", "sysroot"])?.trim());
        let rust_lib = sysroot.join("lib/rustlib");
        ensure!(
            rust_lib.join(TARGET).join("lib").is_dir() && std_sources(&sysroot).join("core").is_dir(),
            "the {shown} Rust toolchain lacks the {TARGET} target or rust-src: run scripts/setup"
        );
        let wasm_opt =
            output(Command::new("wasm-opt").arg("--version")).context("wasm-opt is missing: run scripts/setup")?;
        let versions = format!("{}{wasm_opt}", rustc(&["-vV"])?);
        Ok(Self {
            name,
            sysroot,
            versions,
        })
    }

    /// A cargo of this toolchain.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new("cargo");
        select(&mut command, self.name.as_deref());
        command
    }

    /// `rustc 1.95.0`, as contract bundles name their compiler.
    pub fn compiler(&self) -> String {
        let release = self.versions.lines().find_map(|line| line.strip_prefix("release: "));
        format!("rustc {}", release.unwrap_or("unknown"))
    }

    /// Flags that keep this machine's paths out of what is compiled, so that the same sources give the same code
    /// hash everywhere. The last match wins, so a directory comes after those it may lie in. The checkout needs none:
    /// cargo names the files of a workspace relative to its root. Were it in the flags, every clone would compile all
    /// dependencies anew.
    pub fn remapped_paths(&self, workspace: &Workspace) -> Vec<String> {
        let mut paths = Vec::from_iter(cargo_home().map(|home| (home, "/cargo")));
        let sources = std_sources(&self.sysroot);
        paths.extend(sources.canonicalize().ok().map(|real| (real, "/rust-src")));
        paths.push((sources, "/rust-src"));
        paths.push((workspace.target.clone(), "/target"));
        paths
            .iter()
            .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()))
            .collect()
    }
}

fn select(command: &mut Command, toolchain: Option<&str>) {
    if let Some(name) = toolchain {
        command.env("RUSTUP_TOOLCHAIN", name);
    }
}

fn std_sources(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib/src/rust/library")
}

fn cargo_home() -> Option<PathBuf> {
    let default = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(default)
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
