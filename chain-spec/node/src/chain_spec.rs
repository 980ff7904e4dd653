//! Chain specs: `chain-spec/*.json` without the runtime's code, joined with the wasm that was built from source.
use std::path::{Path, PathBuf};

use quittance_runtime::{RuntimeGenesisConfig, Validator};
use sc_chain_spec::{json_patch, ChainSpec as _, ChainType};
use scale::Decode;
use serde_json::{json, Value};
use sp_core::{bytes::to_hex, storage::well_known_keys::CODE};
use sp_runtime::BuildStorage;

use crate::well_known;

/// A chain spec without extensions.
pub type ChainSpec = sc_service::GenericChainSpec;

const RUNTIME_FILE: &str = "quittance_runtime.wasm";
/// The development chain: well-known keys hold the tokens, one node seals and finalizes each transaction at once.
const DEV: &str = include_str!("../../dev.json");
/// An example of a chain that four institutions run: well-known keys here too, and all nodes on one machine.
const CONSORTIUM: &str = include_str!("../../consortium.json");

/// What a spec is wanted for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// For people to read and change: the genesis as it is written down.
    People,
    /// For nodes: the genesis as the state that it makes.
    Nodes,
}

/// The chain spec of this name, or in this file.
pub fn load(id: &str, wanted: For) -> Result<ChainSpec, String> {
    let text = match id {
        "" | "dev" => DEV.to_owned(),
        "consortium" => CONSORTIUM.to_owned(),
        path => std::fs::read_to_string(path).map_err(|error| format!("{path} can't be read: {error}"))?,
    };
    let spec = parse(&text)?;
    let spec = match wanted {
        _ if !is_without_code(&spec) => ChainSpec::from_json_bytes(text.into_bytes())?,
        For::People => plain(spec, &runtime()?)?,
        For::Nodes => raw(spec, &runtime()?)?,
    };
    if wanted == For::Nodes {
        refuse_known_keys(&spec)?;
    }
    Ok(spec)
}

/// Whoever has a validator's keys takes its part. Where something depends on the chain, they must not be known to everybody.
fn refuse_known_keys(spec: &ChainSpec) -> Result<(), String> {
    if is_for_trying_out(&spec.chain_type()) {
        return Ok(());
    }
    let state = spec.build_storage()?.top;
    let Some(validators) = state.get(&storage_prefix("Consortium", "Validators")) else {
        return Ok(());
    };
    let validators: Vec<Validator> = Decode::decode(&mut &validators[..])
        .map_err(|error| format!("the validators in the chain spec's genesis can't be read: {error}"))?;
    for (number, validator) in (1..).zip(&validators) {
        let keys: [(&str, &[u8]); 3] = [
            ("account", validator.account.as_ref()),
            ("aura", validator.aura.as_ref()),
            ("grandpa", validator.grandpa.as_ref()),
        ];
        for (kind, key) in keys {
            if let Some(uri) = well_known::uri_of(key) {
                return Err(format!(
                    "the {kind} key of validator {number} of chain `{}` is the development key {uri}, which everybody \
                     knows: only a chain of the type `Development` or `Local` may have it",
                    spec.id()
                ));
            }
        }
    }
    Ok(())
}

/// Whether nothing depends on chains of this type.
pub fn is_for_trying_out(kind: &ChainType) -> bool {
    matches!(kind, ChainType::Development | ChainType::Local)
}

/// What the keys of a pallet's stored item start with.
fn storage_prefix(pallet: &str, item: &str) -> Vec<u8> {
    [pallet, item]
        .map(|name| sp_io::hashing::twox_128(name.as_bytes()))
        .concat()
}

/// Whether it is one of those that this program joins with the code.
fn is_without_code(spec: &Value) -> bool {
    spec.pointer("/genesis/runtimeGenesis/patch").is_some() && spec.pointer("/genesis/runtimeGenesis/code").is_none()
}

fn plain(mut spec: Value, code: &[u8]) -> Result<ChainSpec, String> {
    let genesis = spec
        .pointer_mut("/genesis/runtimeGenesis")
        .and_then(Value::as_object_mut);
    let genesis = genesis.ok_or("the chain spec has no genesis.runtimeGenesis")?;
    genesis.insert("code".into(), Value::String(to_hex(code, false)));
    ChainSpec::from_json_bytes(spec.to_string().into_bytes())
}

/// The genesis state is made by this program's own pallets: the same as the runtime's wasm would make, without compiling
/// that for it, which takes seconds.
fn raw(mut spec: Value, code: &[u8]) -> Result<ChainSpec, String> {
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
    use sp_core::crypto::Ss58Codec;

    use super::*;

    /// How many values the spec's genesis state has in a pallet's map.
    fn count(state: &serde_json::Map<String, Value>, pallet: &str, map: &str) -> usize {
        let prefix = to_hex(&storage_prefix(pallet, map), false);
        state.keys().filter(|key| key.starts_with(&prefix)).count()
    }

    #[test]
    fn the_spec_carries_the_code_and_the_balances() {
        let spec = parse(DEV).and_then(|spec| raw(spec, &[1, 2, 3]));
        let spec = spec.expect("the development spec is sound");
        let json: Value = serde_json::from_str(&spec.as_json(true).expect("it serializes")).expect("as JSON");
        assert_eq!(json.pointer("/chainType"), Some(&Value::String("Development".into())));
        let state = json["genesis"]["raw"]["top"].as_object().expect("a raw state");
        assert_eq!(state[&to_hex(CODE, false)], "0x010203");
        assert_eq!(count(state, "System", "Account"), 6);
        assert_eq!(count(state, "Consortium", "Validators"), 0, "it is sealed on demand");
    }

    #[test]
    fn the_consortium_has_validators_and_isn_t_sealed_alone() {
        let spec = parse(CONSORTIUM).and_then(|spec| raw(spec, &[1, 2, 3]));
        let spec = spec.expect("the consortium's spec is sound");
        let json: Value = serde_json::from_str(&spec.as_json(true).expect("it serializes")).expect("as JSON");
        assert_eq!(json.pointer("/chainType"), Some(&Value::String("Local".into())));
        let state = json["genesis"]["raw"]["top"].as_object().expect("a raw state");
        for pallet in ["Aura", "Grandpa"] {
            assert_eq!(count(state, pallet, "Authorities"), 1, "{pallet}");
        }
        assert_eq!(count(state, "Consortium", "Validators"), 1);
    }

    #[test]
    fn where_something_depends_on_the_chain_no_validator_has_a_key_that_everybody_knows() {
        let known = |chain_type: &str, change: &dyn Fn(&mut Value)| {
            let mut spec = parse(CONSORTIUM).expect("JSON");
            spec["chainType"] = json!(chain_type);
            change(&mut spec["genesis"]["runtimeGenesis"]["patch"]["consortium"]["validators"]);
            refuse_known_keys(&raw(spec, &[]).expect("the spec is sound"))
        };
        let own = |validators: &mut Value| {
            for (number, validator) in (100_u8..).zip(validators.as_array_mut().expect("a list")) {
                let key = sp_core::crypto::AccountId32::new([number; 32]).to_ss58check();
                *validator = json!({ "account": key, "aura": key, "grandpa": key });
            }
        };
        assert_eq!(known("Local", &|_| ()), Ok(()));
        assert_eq!(known("Live", &own), Ok(()));
        let refusal = known("Live", &|_| ()).expect_err("all are known");
        assert!(refusal.contains("//Alice"), "{refusal}");
        let alice = parse(CONSORTIUM).expect("JSON")["genesis"]["runtimeGenesis"]["patch"]["consortium"]["validators"]
            [0]
        .clone();
        for kind in ["account", "aura", "grandpa"] {
            let refusal = known("Live", &|validators| {
                own(validators);
                validators[2][kind] = alice[kind].clone();
            });
            let refusal = refusal.expect_err("one is known");
            assert!(refusal.contains(&format!("the {kind} key of validator 3")), "{refusal}");
        }
    }

    #[test]
    fn only_a_spec_without_code_is_joined_with_it() {
        let spec = parse(DEV).expect("JSON");
        assert!(is_without_code(&spec));
        let plain = plain(spec, &[1, 2, 3]).expect("the development spec is sound");
        let json: Value = serde_json::from_str(&plain.as_json(false).expect("it serializes")).expect("as JSON");
        assert!(!is_without_code(&json));
        assert!(!is_without_code(&json!({ "genesis": { "raw": {} } })));
    }

    #[test]
    fn a_spec_without_genesis_is_refused() {
        let refusal = raw(json!({}), &[])
            .map(|_| ())
            .expect_err("nothing to join the code with");
        assert!(refusal.contains("genesis.runtimeGenesis"), "{refusal}");
    }
}
