//! The runtime to wasm, as substrate-wasm-builder 35 would have it, without its build of wasm-opt.
use std::fs;

use anyhow::{ensure, Context as _, Result};

use crate::{
    compile::{self, Recipe},
    fingerprint::Fingerprint,
    report::Line,
    wasm,
    workspace::Package,
    Artifact, Context,
};

const PACKAGE: &str = "quittance-runtime";
/// The section a node reads the runtime's version from without running it.
const VERSION_SECTION: &str = "runtime_version";

/// The runtime runs the contracts, so unlike them it is made fast rather than small.
const RECIPE: Recipe = Recipe {
    cargo_args: &[
        "--config",
        "profile.wasm.opt-level=3",
        "--config",
        "profile.wasm.lto=\"thin\"",
        "--config",
        "profile.wasm.panic=\"abort\"",
    ],
    rustflags: &[
        "-Clink-arg=--export-table",
        "-Clink-arg=--export=__heap_base",
        "-Clink-arg=--import-memory",
        "--cfg",
        "substrate_runtime",
    ],
    env: &[],
    unstable: false,
};

/// Builds the runtime.
pub fn build(context: &Context) -> Result<()> {
    let package = context.workspace.package(PACKAGE)?;
    context
        .report
        .artifact(PACKAGE, |line| build_one(context, package, line))
}

fn build_one(context: &Context, package: &Package, line: &Line) -> Result<Artifact> {
    let directory = context.workspace.target.join("runtime");
    fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let path = directory.join(package.wasm_file());

    let fingerprint = Fingerprint::new(context, package, &RECIPE, path.with_extension("fingerprint"))?;
    if let Ok(wasm) = fs::read(&path) {
        if fingerprint.is_of(&wasm) {
            return Ok(Artifact {
                path,
                wasm,
                rebuilt: false,
            });
        }
    }
    fingerprint.clear();

    let compiled = compile::to_wasm(context, package, &RECIPE, line)?;
    let wasm = fs::read(&compiled).with_context(|| format!("cannot read {}", compiled.display()))?;
    ensure!(
        wasm::has_custom_section(&wasm, VERSION_SECTION)?,
        "the runtime has no `{VERSION_SECTION}` section: does it have #[sp_version::runtime_version]?"
    );
    fs::write(&path, &wasm).with_context(|| format!("cannot write {}", path.display()))?;
    fingerprint.store(&wasm)?;
    Ok(Artifact {
        path,
        wasm,
        rebuilt: true,
    })
}
