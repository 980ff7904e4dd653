//! Four validators run the chain. One gets new keys: two institutions that agree change nothing, three do. From then on the new
//! keys count, and the old ones no more. The same three authorize a runtime.
use std::path::Path;

use quittance::{
    chain::{calls::Call, subxt::dynamic::Value, Chain, Follower, Submitter},
    devnet::{Institution, Node},
    identity::SigningKey,
    store::Store,
};
use quittance_runtime::Validator;
use scale::Decode;
use serde_json::json;
use sp_core::bytes::{from_hex, to_hex};
use sp_io::hashing::twox_128;

use crate::consortium::{goes_on, start, HOME_BANKS, THIRD_BANKS};

#[tokio::test(flavor = "multi_thread")]
async fn one_validator_changes_its_keys_with_the_consent_of_two_others() {
    let (_alone, mut test) = start().await;
    let directory = test.network.options.directory.clone();
    let network = &mut test.network;
    let mut next = validators(&network.validators[0]).await;
    let old = next[THIRD_BANKS].clone();
    let keys = new_keys(&network.validators[THIRD_BANKS]).await;
    next[THIRD_BANKS].aura = Decode::decode(&mut &keys[..32]).unwrap();
    next[THIRD_BANKS].grandpa = Decode::decode(&mut &keys[32..]).unwrap();

    let change = Value::unnamed_variant("Validators", [Value::unnamed_composite(next.iter().map(value))]);
    let agreeing = [&network.originator, &network.home, &network.notary];
    for institution in &agreeing[..2] {
        approve(&network.validators[0], institution, &directory, 0, &change).await;
    }
    assert_eq!(
        validators(&network.validators[0]).await[THIRD_BANKS],
        old,
        "two of four agree"
    );
    approve(&network.validators[0], agreeing[2], &directory, 0, &change).await;
    assert_eq!(validators(&network.validators[0]).await, next, "three of four agree");

    // With one of the others gone, nothing is final without the new keys' votes.
    goes_on(&network.validators[0], 2).await;
    network.validators[HOME_BANKS].kill().await.unwrap();
    goes_on(&network.validators[0], 3).await;
    network.validators[HOME_BANKS].restart().await.unwrap();

    let code = [7; 32];
    let upgrade = Value::unnamed_variant("Upgrade", [Value::from_bytes(code)]);
    for institution in [&network.originator, &network.notary, &network.others[0]] {
        approve(&network.validators[0], institution, &directory, 1, &upgrade).await;
    }
    let authorized = stored(&network.validators[0], "System", "AuthorizedUpgrade").await;
    assert_eq!(
        authorized,
        [&code[..], &[1]].concat(),
        "with a look at its name and version"
    );
}

/// Who runs the chain.
async fn validators(node: &Node) -> Vec<Validator> {
    Decode::decode(&mut &stored(node, "Consortium", "Validators").await[..]).unwrap()
}

/// What a pallet stores, at the finalized head.
async fn stored(node: &Node, pallet: &str, item: &str) -> Vec<u8> {
    let key = [pallet, item].map(|name| twox_128(name.as_bytes())).concat();
    let head = rpc(node, "chain_getFinalizedHead", json!([])).await;
    bytes(&rpc(node, "state_getStorage", json!([to_hex(&key, false), head])).await)
}

/// Has a node make new keys for blocks and votes, as its operator would.
async fn new_keys(node: &Node) -> Vec<u8> {
    bytes(&rpc(node, "author_rotateKeys", json!([])).await)
}

async fn rpc(node: &Node, method: &str, params: serde_json::Value) -> serde_json::Value {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let url = node.url.replace("ws://", "http://");
    let answer = reqwest::Client::new().post(url).json(&request).send().await.unwrap();
    let answer: serde_json::Value = answer.json().await.unwrap();
    assert!(answer["error"].is_null(), "{method}: {answer}");
    answer["result"].clone()
}

fn bytes(value: &serde_json::Value) -> Vec<u8> {
    from_hex(value.as_str().unwrap()).unwrap()
}

fn value(validator: &Validator) -> Value {
    let bytes = |bytes: &[u8]| Value::from_bytes(bytes);
    Value::named_composite([
        ("account", bytes(validator.account.as_ref())),
        ("aura", bytes(validator.aura.as_ref())),
        ("grandpa", bytes(validator.grandpa.as_ref())),
    ])
}

/// Approves a decision with an institution's account.
async fn approve(node: &Node, institution: &Institution, directory: &Path, round: u32, decision: &Value) {
    let chain = Chain::connect(&node.url).await.unwrap();
    let follower = Follower::start(chain.clone()).await.unwrap();
    let store = Store::open(&directory.join("approvals.sqlite")).await.unwrap();
    let key = SigningKey::load(&institution.account_key).unwrap();
    let submitter = Submitter::start(chain.clone(), follower, store, key).await.unwrap();
    let arguments = (round, decision.clone());
    let call = Call::new(&chain.runtime().unwrap(), "Consortium", "approve", arguments).unwrap();
    submitter.submit(&format!("approve/{round}"), call).await.unwrap();
}
