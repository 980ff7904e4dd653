//! The metadata of a contract: its messages, events, types and storage, in ink!'s JSON format, version 5.
use std::process::Command;

use anyhow::{ensure, Context as _, Result};
use serde_json::{json, Map, Value};

use crate::{compile, docs, fingerprint::code_hash, report::Line, workspace::Package, Context};

/// Whether a description carries the contract's code or only its hash.
#[derive(PartialEq)]
pub enum Wasm {
    Bundled,
    Hash,
}

/// What the contract's `NAME-metadata` program prints, with docs that read well.
///
/// `--workspace` makes cargo choose features as it does for the whole workspace, and `--examples` (of which there are
/// none) makes it count the features of dev-dependencies in, as `--all-targets` does. So after
/// `cargo build --workspace --all-targets` nothing is compiled here, and before it nothing is compiled in vain.
pub fn of(context: &Context, package: &Package, line: &Line) -> Result<Map<String, Value>> {
    let bin = package.metadata_bin();
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&context.workspace.root)
        .args(["build", "--workspace", "--examples", "--bin", &bin])
        .env("CARGO_TARGET_DIR", &context.workspace.target);
    compile::run(&mut cargo, line).with_context(|| format!("cannot compile `{bin}`"))?;

    let program = context.workspace.target.join("debug").join(&bin);
    let output = Command::new(&program)
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    ensure!(
        output.status.success(),
        "`{bin}` failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut metadata =
        serde_json::from_slice(&output.stdout).with_context(|| format!("`{bin}` didn't print a JSON object"))?;
    docs::make_readable(&mut metadata);
    Ok(metadata)
}

/// A contract as wallets and explorers read it (`.contract` with the code, `.json` without).
pub fn describe(
    context: &Context,
    package: &Package,
    wasm: &[u8],
    metadata: &Map<String, Value>,
    with: Wasm,
) -> Result<String> {
    let mut source = json!({
        "hash": hex_string(&code_hash(wasm)),
        "language": format!("ink! {}", package.ink_version()?),
        "compiler": context.toolchain.compiler(),
    });
    if with == Wasm::Bundled {
        source["wasm"] = hex_string(wasm).into();
    }
    let mut whole = metadata.clone();
    whole.insert("source".to_owned(), source);
    whole.insert(
        "contract".to_owned(),
        json!({ "name": package.name, "version": package.version, "authors": package.authors }),
    );
    whole.insert("image".to_owned(), Value::Null);
    Ok(serde_json::to_string_pretty(&whole)?)
}

fn hex_string(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}
