//! What `cargo metadata` tells about this workspace.
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{bail, ensure, Context as _, Result};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Workspace {
    #[serde(rename = "workspace_root")]
    pub root: PathBuf,
    #[serde(rename = "target_directory")]
    pub target: PathBuf,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
pub struct Package {
    pub name: String,
    pub version: String,
    pub authors: Vec<String>,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    req: String,
    path: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Workspace {
    /// The workspace around the current directory.
    pub fn load() -> Result<Self> {
        let output = Command::new("cargo")
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("cannot run cargo: install Rust with rustup, then run scripts/setup")?;
        ensure!(
            output.status.success(),
            "cargo metadata failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).context("cannot read what cargo metadata says")
    }

    /// The package of this name.
    pub fn package(&self, name: &str) -> Result<&Package> {
        self.packages
            .iter()
            .find(|package| package.name == name)
            .with_context(|| format!("no package `{name}` in this workspace"))
    }

    /// The contracts, and those that only tests deploy: packages that can tell their metadata.
    pub fn contracts(&self) -> Vec<&Package> {
        let directories = ["contracts", "tests/fixtures"].map(|directory| self.root.join(directory));
        let is_contract = |package: &&Package| {
            let is_in = |directory| package.directory().starts_with(directory);
            directories.iter().any(is_in) && package.has_bin(&package.metadata_bin())
        };
        self.packages.iter().filter(is_contract).collect()
    }

    /// The directories of a package and of every package of this workspace that it is built from.
    pub fn source_directories<'a>(&'a self, package: &'a Package) -> BTreeSet<&'a Path> {
        let mut found = BTreeSet::new();
        let mut open = vec![package.directory()];
        while let Some(directory) = open.pop() {
            if !found.insert(directory) {
                continue;
            }
            let package = self.packages.iter().find(|package| package.directory() == directory);
            open.extend(package.into_iter().flat_map(Package::path_dependencies));
        }
        found
    }
}

impl Package {
    pub fn directory(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }

    /// The name of the binary that prints a contract's metadata.
    pub fn metadata_bin(&self) -> String {
        format!("{}-metadata", self.name)
    }

    /// The file that cargo makes of the library as a cdylib.
    pub fn wasm_file(&self) -> String {
        format!("{}.wasm", self.name.replace('-', "_"))
    }

    /// The version of ink! a contract is written in.
    pub fn ink_version(&self) -> Result<&str> {
        let ink = self.dependencies.iter().find(|dependency| dependency.name == "ink");
        match ink.and_then(|ink| ink.req.strip_prefix('=')) {
            Some(version) => Ok(version),
            None => bail!(
                "`{}` must depend on one exact version of ink, such as `=5.1.1`",
                self.name
            ),
        }
    }

    fn has_bin(&self, name: &str) -> bool {
        self.targets
            .iter()
            .any(|target| target.name == name && target.kind.iter().any(|kind| kind == "bin"))
    }

    fn path_dependencies(&self) -> impl Iterator<Item = &Path> {
        self.dependencies
            .iter()
            .filter_map(|dependency| dependency.path.as_deref())
    }
}
