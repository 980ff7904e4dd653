//! What the contracts' metadata says in words. Wallets and explorers show the first line, so that has to be a sentence.
use quittance_tests::contract_chain::metadata;
use serde_json::Value;

const CONTRACTS: [&str; 6] = ["registry", "clearing", "escrow", "credit", "prepaid", "reconciliation"];

#[test]
fn the_first_line_about_everything_is_a_sentence() {
    for contract in CONTRACTS {
        let metadata = metadata(contract);
        let described = described(&metadata);
        assert!(described.len() > 50, "{contract} describes next to nothing");
        for item in described {
            let first = item["docs"][0].as_str().unwrap_or_default();
            assert!(first.ends_with(['.', '?']), "{contract} says {first:?} of {item:#}");
        }
    }
}

/// What needs docs: messages and events, the protocol's types, and their fields.
fn described(metadata: &Value) -> Vec<&Value> {
    let spec = &metadata["spec"];
    let mut described = vec![spec];
    described.extend(list(&spec["constructors"]));
    described.extend(list(&spec["messages"]));
    for event in list(&spec["events"]) {
        described.push(event);
        described.extend(list(&event["args"]));
    }
    let types = list(&metadata["types"]).map(|entry| &entry["type"]);
    for described_type in types.filter(|entry| entry["path"][0] == "quittance_protocol") {
        described.push(described_type);
        described.extend(named_fields(&described_type["def"]["composite"]));
        for variant in list(&described_type["def"]["variant"]["variants"]) {
            described.push(variant);
            described.extend(named_fields(variant));
        }
    }
    described
}

fn named_fields(of: &Value) -> impl Iterator<Item = &Value> {
    list(&of["fields"]).filter(|field| field["name"].is_string())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
