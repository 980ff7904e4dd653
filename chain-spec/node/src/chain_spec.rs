//! Chain specs: `chain-spec/*.json` without the runtime's code, joined with the wasm that was built from source.
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A chain spec without extensions.
pub type ChainSpec = sc_service::GenericChainSpec;

const RUNTIME_FILE: &str = "quittance_runtime.wasm";
const DEV: &str = include_str!("../../dev.json");

/// The development chain: well-known keys hold the tokens, one node seals and finalizes each transaction at once.
pub fn development() -> Result<ChainSpec, String> {
    with_code(DEV, &runtime()?)
}

fn with_code(spec: &str, code: &[u8]) -> Result<ChainSpec, String> {
    let mut spec: Value = serde_json::from_str(spec).map_err(|error| format!("the chain spec is not JSON: {error}"))?;
    let genesis = spec
        .pointer_mut("/genesis/runtimeGenesis")
        .and_then(Value::as_object_mut)
        .ok_or("the chain spec has no genesis.runtimeGenesis")?;
    genesis.insert("code".into(), Value::String(sp_core::bytes::to_hex(code, false)));
    ChainSpec::from_json_bytes(spec.to_string().into_bytes())
}

/// The runtime's wasm: where `QUITTANCE_RUNTIME` says, beside this program, or where `xtask runtime` puts it.
fn runtime() -> Result<Vec<u8>, String> {
    let program = std::env::current_exe().map_err(|error| format!("where this program is can't be told: {error}"))?;
    let folder = program.parent().unwrap_or(Path::new("."));
    let candidates: Vec<PathBuf> = std::env::var_os("QUITTANCE_RUNTIME")
        .map(PathBuf::from)
        .into_iter()
        .chain([folder.join(RUNTIME_FILE), folder.join("../runtime").join(RUNTIME_FILE)])
        .collect();
    candidates
        .iter()
        .find_map(|path| std::fs::read(path).ok())
        .ok_or_else(|| {
            format!(
            "the runtime {RUNTIME_FILE} was not found beside {}: build it with `cargo run -p xtask -- runtime`, or say \
             where it is in QUITTANCE_RUNTIME",
            program.display()
        )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spec_carries_the_code_it_was_given() {
        let spec = with_code(DEV, &[1, 2, 3]).expect("the development spec is sound");
        let json: Value = serde_json::from_str(&spec.as_json(false).expect("it serializes")).expect("as JSON");
        assert_eq!(
            json.pointer("/genesis/runtimeGenesis/code"),
            Some(&Value::String("0x010203".into()))
        );
        assert_eq!(json.pointer("/chainType"), Some(&Value::String("Development".into())));
    }

    #[test]
    fn a_spec_without_genesis_is_refused() {
        let refusal = with_code("{}", &[])
            .map(|_| ())
            .expect_err("nothing to join the code with");
        assert!(refusal.contains("genesis.runtimeGenesis"), "{refusal}");
    }
}
