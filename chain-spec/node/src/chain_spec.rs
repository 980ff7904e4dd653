//! Chain specs: `chain-spec/*.json` without the runtime's code, joined with the wasm that was built from source.
use std::path::{Path, PathBuf};

use quittance_runtime::RuntimeGenesisConfig;
use sc_chain_spec::json_patch;
use serde_json::{json, Value};
use sp_core::{bytes::to_hex, storage::well_known_keys::CODE};
use sp_runtime::BuildStorage;

/// A chain spec without extensions.
pub type ChainSpec = sc_service::GenericChainSpec;

const RUNTIME_FILE: &str = "quittance_runtime.wasm";
const DEV: &str = include_str!("../../dev.json");

/// The development chain: well-known keys hold the tokens, one node seals and finalizes each transaction at once.
///
/// Its genesis state is made by this program's own pallets: the same as the runtime's wasm would make, without compiling
/// that for it, which takes seconds.
pub fn development() -> Result<ChainSpec, String> {
    raw(DEV, &runtime()?)
}

/// The development chain as it is written down, for people to read and change.
pub fn plain_development() -> Result<ChainSpec, String> {
    let mut spec = parse(DEV)?;
    let genesis = spec
        .pointer_mut("/genesis/runtimeGenesis")
        .and_then(Value::as_object_mut);
    let genesis = genesis.ok_or("the chain spec has no genesis.runtimeGenesis")?;
    genesis.insert("code".into(), Value::String(to_hex(&runtime()?, false)));
    ChainSpec::from_json_bytes(spec.to_string().into_bytes())
}

fn raw(spec: &str, code: &[u8]) -> Result<ChainSpec, String> {
    let mut spec = parse(spec)?;
    let patch = spec.pointer("/genesis/runtimeGenesis/patch").cloned();
    let patch = patch.ok_or("the chain spec has no genesis.runtimeGenesis.patch")?;
    let unfit = |error: serde_json::Error| format!("the chain spec's genesis doesn't fit the runtime: {error}");
    let mut genesis = serde_json::to_value(RuntimeGenesisConfig::default()).map_err(unfit)?;
    json_patch::merge(&mut genesis, patch);
    let genesis: RuntimeGenesisConfig = serde_json::from_value(genesis).map_err(unfit)?;

    let mut state = genesis.build_storage()?.top;
    state.insert(CODE.to_vec(), code.to_vec());
    let state: serde_json::Map<String, Value> = state
        .iter()
        .map(|(key, value)| (to_hex(key, false), Value::String(to_hex(value, false))))
        .collect();
    spec["genesis"] = json!({ "raw": { "top": state, "childrenDefault": {} } });
    ChainSpec::from_json_bytes(spec.to_string().into_bytes())
}

fn parse(spec: &str) -> Result<Value, String> {
    serde_json::from_str(spec).map_err(|error| format!("the chain spec is not JSON: {error}"))
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
    fn the_spec_carries_the_code_and_the_balances() {
        let spec = raw(DEV, &[1, 2, 3]).expect("the development spec is sound");
        let json: Value = serde_json::from_str(&spec.as_json(true).expect("it serializes")).expect("as JSON");
        assert_eq!(json.pointer("/chainType"), Some(&Value::String("Development".into())));
        let state = json["genesis"]["raw"]["top"].as_object().expect("a raw state");
        assert_eq!(state[&to_hex(CODE, false)], "0x010203");
        let accounts = [
            sp_io::hashing::twox_128(b"System"),
            sp_io::hashing::twox_128(b"Account"),
        ]
        .concat();
        let accounts = to_hex(&accounts, false);
        assert_eq!(state.keys().filter(|key| key.starts_with(&accounts)).count(), 6);
    }

    #[test]
    fn a_spec_without_genesis_is_refused() {
        let refusal = raw("{}", &[]).map(|_| ()).expect_err("nothing to join the code with");
        assert!(refusal.contains("genesis.runtimeGenesis"), "{refusal}");
    }
}
