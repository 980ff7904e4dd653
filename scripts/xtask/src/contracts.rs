//! Contracts to wasm, with the bundle that wallets and block explorers read.
use std::{fs, path::Path};

use anyhow::{ensure, Context as _, Result};

use crate::{
    compile::{self, Recipe},
    fingerprint::Fingerprint,
    metadata::{self, Wasm},
    report::Line,
    wasm,
    workspace::Package,
    Artifact, Context,
};

/// core and alloc are compiled anew, with panics that trap at once: that leaves out all panic messages and more than
/// halves a contract. The chain links the memory, and gives a contract 16 pages, one of which is enough stack, and four
/// the buffer that a call's input has to fit in. Cargo doesn't see that ink! reads that size from the environment: the
/// cfg says it a second time, so that a change is compiled.
const RECIPE: Recipe = Recipe {
    cargo_args: &[
        "-Zbuild-std=core,alloc",
        "-Zpanic-immediate-abort",
        "--config",
        "profile.wasm.panic=\"immediate-abort\"",
    ],
    rustflags: &[
        "-Clink-arg=-zstack-size=65536",
        "-Clink-arg=--import-memory",
        "-Zunstable-options",
        "-Cpanic=immediate-abort",
        "--cfg=ink_static_buffer=\"262144\"",
    ],
    env: &[("INK_STATIC_BUFFER_SIZE", "262144")],
    unstable: true,
};

/// Builds the named contracts, or all.
pub fn build(context: &Context, names: &[String]) -> Result<()> {
    for package in select(context.workspace.contracts(), names)? {
        context
            .report
            .artifact(&package.name, |line| build_one(context, package, line))?;
    }
    Ok(())
}

/// Builds nothing but the wasm of the named contracts, or of all, into a directory.
pub fn build_wasm(context: &Context, names: &[String], directory: &Path) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    for package in select(context.workspace.contracts(), names)? {
        let path = directory.join(format!("{}.wasm", package.name));
        context.report.artifact(&package.name, |line| {
            let wasm = wasm_of(context, package, &path, line)?;
            fs::write(&path, &wasm)?;
            Ok(Artifact {
                path: path.clone(),
                wasm,
                rebuilt: true,
            })
        })?;
    }
    Ok(())
}

fn select<'a>(all: Vec<&'a Package>, names: &[String]) -> Result<Vec<&'a Package>> {
    let known = all.iter().map(|package| package.name.as_str()).collect::<Vec<_>>();
    for name in names {
        ensure!(
            known.contains(&name.as_str()),
            "no contract `{name}`; there are: {}",
            known.join(", ")
        );
    }
    Ok(all
        .into_iter()
        .filter(|package| names.is_empty() || names.contains(&package.name))
        .collect())
}

fn build_one(context: &Context, package: &Package, line: &Line) -> Result<Artifact> {
    let directory = context.workspace.target.join("contracts");
    fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let file = |extension: &str| directory.join(format!("{}.{extension}", package.name));
    let (bundle, plain, code) = (file("contract"), file("json"), file("wasm"));

    let fingerprint = Fingerprint::new(context, package, &RECIPE, file("fingerprint"))?;
    if let Ok(wasm) = fs::read(&code) {
        if fingerprint.is_of(&wasm) && bundle.is_file() && plain.is_file() {
            return Ok(Artifact {
                path: bundle,
                wasm,
                rebuilt: false,
            });
        }
    }
    fingerprint.clear();

    let wasm = wasm_of(context, package, &code, line)?;
    let metadata = metadata::of(context, package, line)?;
    fs::write(&code, &wasm)?;
    fs::write(
        &plain,
        metadata::describe(context, package, &wasm, &metadata, Wasm::Hash)?,
    )?;
    fs::write(
        &bundle,
        metadata::describe(context, package, &wasm, &metadata, Wasm::Bundled)?,
    )?;
    fingerprint.store(&wasm)?;
    Ok(Artifact {
        path: bundle,
        wasm,
        rebuilt: true,
    })
}

/// Compiles a contract. Leaves what the optimizer makes in `scratch`.
fn wasm_of(context: &Context, package: &Package, scratch: &Path, line: &Line) -> Result<Vec<u8>> {
    let compiled = compile::to_wasm(context, package, &RECIPE, line)?;
    line.step("optimizing");
    compile::optimize(&compiled, scratch)?;
    wasm::for_chain(&fs::read(scratch)?)
        .with_context(|| format!("`{}` isn't a contract that the chain would accept", package.name))
}
