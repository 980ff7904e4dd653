//! Running cargo and wasm-opt.
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{bail, ensure, Context as _, Result};

use crate::{report::Line, toolchain::TARGET, workspace::Package, Context};

/// The profile in the workspace's manifest that everything here is compiled with.
const PROFILE: &str = "wasm";

/// How a package is compiled to wasm.
pub struct Recipe {
    pub cargo_args: &'static [&'static str],
    pub rustflags: &'static [&'static str],
    pub env: &'static [(&'static str, &'static str)],
    /// Use features of cargo and rustc that the stable channel keeps to itself.
    pub unstable: bool,
}

/// Compiles a package's library to a wasm module, without its default features.
pub fn to_wasm(context: &Context, package: &Package, recipe: &Recipe, line: &Line) -> Result<PathBuf> {
    let Context {
        workspace, toolchain, ..
    } = context;
    let mut rustflags: Vec<_> = recipe.rustflags.iter().map(|flag| (*flag).to_owned()).collect();
    rustflags.extend(toolchain.remapped_paths(workspace));
    let mut cargo = toolchain.cargo();
    cargo
        .current_dir(&workspace.root)
        .args(["rustc", "--lib", "--crate-type", "cdylib", "--no-default-features"])
        .args(["--package", &package.name, "--target", TARGET, "--profile", PROFILE])
        .args(recipe.cargo_args)
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags.join("\u{1f}"))
        .env("CARGO_TARGET_DIR", &workspace.target)
        .envs(recipe.env.iter().copied());
    if recipe.unstable {
        cargo.env("RUSTC_BOOTSTRAP", "1");
    }
    run(&mut cargo, line).with_context(|| format!("cannot compile `{}` to wasm", package.name))?;
    Ok(workspace.target.join(TARGET).join(PROFILE).join(package.wasm_file()))
}

/// Makes a contract smaller, keeping to what pallet-contracts accepts.
pub fn optimize(from: &Path, to: &Path) -> Result<()> {
    let output = Command::new("wasm-opt")
        .args(OPTIMIZE)
        .args([from, Path::new("--output"), to])
        .output()
        .context("cannot run wasm-opt: run scripts/setup")?;
    ensure!(
        output.status.success(),
        "wasm-opt failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// `--zero-filled-memory`: memory starts as zeros, so zeros (ink!'s static buffer) need no place in the file.
pub const OPTIMIZE: &[&str] = &[
    "-Oz",
    "--mvp-features",
    "--enable-mutable-globals",
    "--zero-filled-memory",
];

/// Runs cargo to its end, showing what it is at. What it complained of becomes the error if it fails.
pub fn run(cargo: &mut Command, line: &Line) -> Result<()> {
    let mut child = cargo
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run cargo: install Rust with rustup, then run scripts/setup")?;
    let mut complaints = String::new();
    let stderr = child.stderr.take().context("cargo has no standard error")?;
    for text in BufReader::new(stderr).lines() {
        let text = text?;
        if PROGRESS.iter().any(|verb| text.trim_start().starts_with(verb)) {
            line.step(text.trim());
        } else {
            complaints.push_str(&text);
            complaints.push('\n');
        }
    }
    if !child.wait()?.success() {
        bail!("cargo failed:\n{complaints}");
    }
    Ok(())
}

/// How cargo's lines begin that only tell how far it is.
const PROGRESS: &[&str] = &[
    "Blocking ",
    "Compiling ",
    "Downloaded ",
    "Downloading ",
    "Locking ",
    "Updating ",
];
