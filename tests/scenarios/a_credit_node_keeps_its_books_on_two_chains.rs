//! A credit node's desk on two chains, each a node of its own with another genesis: it deploys, funds its pools, sets limits,
//! takes in what payers and payees signed, and sees each on its own chain. While one chain's node is dead, it takes no
//! requests for credit and says which check of which chain fails; its other work goes on.
use std::{
    path::Path,
    process::{Command, Output},
    time::Instant,
};

use protocol::{
    credit::{receipt, Error},
    settlement::Asset,
    text::to_hex,
    AccountId, Amount, RequestId,
};
use quittance::{
    cli::client::Refused,
    credit::ports::{CreditLedger, LedgerError},
    devnet::{CreditNode, CreditSite, Network, Options},
    http::{credit::Acted, health::Ready},
    identity::SigningKey,
};
use reqwest::{Method, StatusCode};
use serde_json::{json, Value};
use tempfile::TempDir;

use crate::network::{restart, LOOK, PATIENCE};

const PAYER: &str = "//Payer";
const PAYEE: &str = "//Payee";
/// What is in the pool of each chain at the end.
const POOLS: [Amount; 2] = [4_000_000_000_000, 7_000_000_000_000];

struct Desk {
    network: Network,
    node: CreditNode,
    directory: TempDir,
}

impl Desk {
    async fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = Options::built(directory.path().to_owned()).unwrap();
        let mut network = Network::start(options, &|_| ()).await.unwrap();
        let node = network.add_credit_node(&|_| ()).await.unwrap();
        Self {
            network,
            node,
            directory,
        }
    }

    fn chain(&self, place: usize) -> String {
        to_hex(&self.node.sites[place].deployment.genesis_hash)
    }

    fn contract(&self, place: usize) -> AccountId {
        let site = &self.node.sites[place];
        site.deployment.credit_of(site.member).unwrap().address
    }

    fn path(&self, place: usize, path: &str) -> String {
        format!("/v1/credit/chains/{}/{path}", self.chain(place))
    }

    async fn read(&self, place: usize, path: &str) -> Value {
        self.node
            .institution
            .api()
            .unwrap()
            .get(&self.path(place, path))
            .await
            .unwrap()
    }

    async fn write(&self, place: usize, path: &str, key: &str, body: &Value) -> anyhow::Result<Acted> {
        let api = self.node.institution.api().unwrap();
        let answer = api.write(Method::POST, &self.path(place, path), key, body).await?;
        Ok(answer.json().await?)
    }

    async fn limits(&self, place: usize) -> Value {
        let (payer, payee) = (to_hex(&account(PAYER).0), to_hex(&account(PAYEE).0));
        self.read(place, &format!("limits?payer={payer}&payee={payee}")).await
    }

    /// Runs `quittance credit` as the credit node's people do.
    fn credit(&self, line: &[&str]) -> Output {
        let token = self.node.institution.directory.join("operator.token");
        let command = ["hand-in", "chains", "raise", "decide", "withdraw"];
        let mut quittance = self.quittance(line);
        if command.contains(&line[0]) {
            quittance
                .args(["--json", "--url", &self.node.institution.url, "--token-file"])
                .arg(token);
        }
        let output = quittance.output().unwrap();
        assert!(
            output.status.success(),
            "{line:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    fn quittance(&self, line: &[&str]) -> Command {
        let mut command = Command::new(self.network.options.programs.join("quittance"));
        command.arg("credit").args(line);
        command
    }

    /// Signs as a payer or payee does, asking nobody, and hands in what was signed.
    fn sign_and_hand_in(&self, place: usize, line: &[&str]) -> Value {
        let (chain, contract) = (self.chain(place), to_hex(&self.contract(place).0));
        let signed = self.credit(&[line, &["--chain", &chain, "--contract", &contract]].concat());
        let file = self.directory.path().join("paper.json");
        std::fs::write(&file, signed.stdout).unwrap();
        self.hand_in(&file)
    }

    fn hand_in(&self, paper: &Path) -> Value {
        serde_json::from_slice(&self.credit(&["hand-in", paper.to_str().unwrap()]).stdout).unwrap()
    }

    async fn ready(&self) -> (StatusCode, Ready) {
        let url = format!("{}/health/ready", self.node.institution.url);
        let answer = reqwest::get(url).await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
}

fn account(key: &str) -> AccountId {
    SigningKey::load(key).unwrap().account()
}

fn node_limit(limit: Amount) -> Value {
    json!({
        "payer": to_hex(&account(PAYER).0),
        "asset": Asset::Native,
        "limit": limit.to_string(),
        "evidence": to_hex(&[4; 32]),
    })
}

#[track_caller]
fn code_of(refusal: &anyhow::Error) -> &str {
    &refusal.downcast_ref::<Refused>().unwrap().0.code
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_pools_and_wishes_stand_on_the_chain_they_were_meant_for() {
    let mut desk = Desk::open().await;
    assert_ne!(desk.chain(0), desk.chain(1), "two genesis hashes");
    assert_ne!(desk.node.sites[0].member, desk.node.sites[1].member, "two registries");

    // Money, chain by chain.
    for (place, pool) in POOLS.into_iter().enumerate() {
        let fund = json!({ "asset": Asset::Native, "amount": (pool + 1).to_string() });
        let funded = desk.write(place, "pool/fund", "fund", &fund).await;
        // One key is one wish: the second chain's is another one.
        if place == 0 {
            funded.unwrap().block.unwrap();
        } else {
            assert_eq!(code_of(&funded.unwrap_err()), "idempotency-key-reused");
            desk.write(place, "pool/fund", "fund-there", &fund).await.unwrap();
        }
        let chain = desk.chain(place);
        desk.credit(&["withdraw", "--chain", &chain, "--amount", "1"]);
    }
    let chains: Value = serde_json::from_slice(&desk.credit(&["chains"]).stdout).unwrap();
    for (place, site) in desk.node.sites.iter().enumerate() {
        assert_eq!(chains[place]["chain"], desk.chain(place));
        assert_eq!(chains[place]["pool"], POOLS[place].to_string());
        assert_eq!(chains[place]["member"], json!(site.member));
        assert_eq!(
            site.credit().await.unwrap().pool(Asset::Native).await.unwrap(),
            POOLS[place]
        );
    }

    // The node's limit and the payee's, on one chain each.
    desk.write(0, "node-limits", "node", &node_limit(5_000))
        .await
        .unwrap()
        .block
        .unwrap();
    let payer = to_hex(&account(PAYER).0);
    let order = [
        "order",
        "--payer",
        &payer,
        "--limit",
        "3000",
        "--sequence",
        "1",
        "--key",
        PAYEE,
    ];
    let handed_in = desk.sign_and_hand_in(0, &order);
    assert!(handed_in["block"].is_object(), "{handed_in}");
    let again = desk.hand_in(&desk.directory.path().join("paper.json"));
    assert!(again["block"].is_null(), "it stands there: {again}");
    let there = [
        "order",
        "--payer",
        &payer,
        "--limit",
        "900",
        "--sequence",
        "7",
        "--key",
        PAYEE,
    ];
    desk.sign_and_hand_in(1, &there);
    let (here, there) = (desk.limits(0).await, desk.limits(1).await);
    assert_eq!(
        (&here["payee"]["limit"], &here["node"]["limit"]),
        (&json!("3000"), &json!("5000"))
    );
    assert_eq!(
        (&there["payee"]["limit"], &there["node"]["limit"]),
        (&json!("900"), &json!("0"))
    );

    // What a payee signed for one chain is void on the other, and what it signed before is void too.
    let mut paper: Value =
        serde_json::from_slice(&std::fs::read(desk.directory.path().join("paper.json")).unwrap()).unwrap();
    paper["order"]["sequence"] = json!(8);
    let forged = json!({ "order": paper["order"], "signature": paper["signature"] });
    let refused = desk.write(1, "payee-limits", "forged", &forged).await.unwrap_err();
    assert_eq!(code_of(&refused), "bad-payee-signature");
    paper["order"]["sequence"] = json!(6);
    let stale = json!({ "order": paper["order"], "signature": paper["signature"] });
    let refused = desk.write(1, "payee-limits", "stale", &stale).await.unwrap_err();
    assert_eq!(code_of(&refused), "stale-sequence");

    // A payer that is frozen, and one that is not any more: each look shows what was done before it.
    let frozen = json!({ "payer": payer });
    for round in 0..3 {
        desk.write(0, "freeze", &format!("freeze-{round}"), &frozen)
            .await
            .unwrap()
            .block
            .unwrap();
        assert_eq!(desk.limits(0).await["is_frozen"], true);
        assert_eq!(desk.limits(1).await["is_frozen"], false);
        desk.write(0, "unfreeze", &format!("unfreeze-{round}"), &frozen)
            .await
            .unwrap()
            .block
            .unwrap();
        assert_eq!(desk.limits(0).await["is_frozen"], false);
    }

    // A higher limit, on evidence.
    let evidence = desk.directory.path().join("accounts.txt");
    std::fs::write(&evidence, "a profit").unwrap();
    let evidence = evidence.to_str().unwrap();
    let wish = [
        "wish",
        "--wanted",
        "9000",
        "--sequence",
        "1",
        "--evidence",
        evidence,
        "--key",
        PAYER,
    ];
    desk.sign_and_hand_in(0, &wish);
    let chain = desk.chain(0);
    let open = desk.credit(&["raise", "--chain", &chain, "--payer", &payer]).stdout;
    let open: Value = serde_json::from_slice(&open).unwrap();
    assert_eq!((&open["wanted"], &open["decision"]), (&json!("9000"), &json!(null)));
    assert_eq!(
        open["evidence"],
        to_hex(&protocol::disputes::evidence_digest(b"a profit"))
    );
    desk.credit(&[
        "decide",
        "--chain",
        &chain,
        "--payer",
        &payer,
        "--grant",
        "8000",
        "--evidence",
        evidence,
    ]);
    assert_eq!(desk.limits(0).await["node"]["limit"], "8000");

    // Nobody owes anything yet, and nobody was paid.
    let id = RequestId([7; 32]);
    let signature = SigningKey::load(PAYEE).unwrap().sign(&receipt(
        &protocol::credit::domain(desk.node.sites[0].deployment.genesis_hash, desk.contract(0)),
        &id,
    ));
    for (act, body) in [
        ("release", json!({})),
        ("repay", json!({ "amount": "1" })),
        ("receipt", json!({ "signature": signature })),
    ] {
        let refused = desk
            .write(0, &format!("debts/{id}/{act}"), act, &body)
            .await
            .unwrap_err();
        assert_eq!(code_of(&refused), "not-found", "{act}");
    }
    let too_much = json!({ "asset": Asset::Native, "amount": (POOLS[0] + 1).to_string() });
    let refused = desk
        .write(0, "pool/withdraw", "all-and-more", &too_much)
        .await
        .unwrap_err();
    assert_eq!(code_of(&refused), "pool-short");

    // A new process knows the same, and a wish repeated under its key is not done again.
    restart(&mut desk.node.institution, &[]).await;
    let fund = json!({ "asset": Asset::Native, "amount": (POOLS[0] + 1).to_string() });
    desk.write(0, "pool/fund", "fund", &fund).await.unwrap();
    assert_eq!(desk.read(0, "pool").await["amount"], POOLS[0].to_string());
    assert_eq!(desk.limits(0).await["node"]["limit"], "8000");
}

#[tokio::test(flavor = "multi_thread")]
async fn deploying_again_finds_the_contracts_of_the_credit_node() {
    let desk = Desk::open().await;
    let CreditSite { url, file, member, .. } = &desk.node.sites[1];
    let before = std::fs::read(file).unwrap();
    let deploy = |more: &[&str]| {
        let governors = ["//Governor1", "//Governor2"].map(|key| to_hex(&SigningKey::load(key).unwrap().public()));
        let mut command = Command::new(desk.network.options.programs.join("quittance"));
        command.args(["deploy", "--url", url, "--key", "//Alice", "--notary-threshold", "1"]);
        command.args([
            "--governor-threshold",
            "2",
            "--escrow-gap-seconds",
            "1",
            "--governor",
            &governors[0],
        ]);
        command
            .args(["--governor", &governors[1], "--out"])
            .arg(file)
            .arg("--bundles");
        command.arg(&desk.network.options.bundles).args(more).output().unwrap()
    };
    let member = member.to_string();
    for more in [&[][..], &["--credit-node", &member, "--credit-grace-seconds", "5"]] {
        let again = deploy(more);
        let said = String::from_utf8_lossy(&again.stdout);
        assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
        assert!(!said.contains("deployed"), "{said}");
        assert!(said.contains(&format!("credit_{member}")), "{said}");
        assert_eq!(std::fs::read(file).unwrap(), before, "the deployment stays as it was");
    }
    // Debts stay where they are: no second contract by accident.
    let other_grace = deploy(&["--credit-node", &member, "--credit-grace-seconds", "6"]);
    let said = String::from_utf8_lossy(&other_grace.stderr);
    assert!(!other_grace.status.success() && said.contains("already"), "{said}");
    assert_eq!(std::fs::read(file).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_chain_is_dead_credit_waits_and_other_work_goes_on() {
    let mut desk = Desk::open().await;
    let (status, ready) = desk.ready().await;
    assert!(status.is_success() && ready.ready);
    let of = |chain: &str| {
        let checks = ready
            .checks
            .iter()
            .filter(|check| check.chain.as_deref() == Some(chain));
        checks.map(|check| check.name.as_str()).collect::<Vec<_>>()
    };
    let names = [
        "genesis",
        "syncing",
        "peers",
        "finality",
        "runtime",
        "contract-code",
        "node-log",
        "credit-contract",
    ];
    assert_eq!(
        (of(&desk.chain(0)), of(&desk.chain(1))),
        (names.to_vec(), names.to_vec())
    );

    desk.node.other_node.kill().await.unwrap();
    let start = Instant::now();
    let failing = loop {
        let (status, ready) = desk.ready().await;
        if status == StatusCode::SERVICE_UNAVAILABLE {
            break ready.checks.into_iter().filter(|check| !check.ok).collect::<Vec<_>>();
        }
        assert!(start.elapsed().as_secs() < PATIENCE, "the dead chain is never noticed");
        tokio::time::sleep(LOOK).await;
    };
    let dead = desk.chain(1);
    assert!(
        failing.iter().all(|check| check.chain.as_ref() == Some(&dead)),
        "{failing:?}"
    );
    assert!(failing.iter().any(|check| check.name == "syncing"), "{failing:?}");

    // Whichever chain it names, a request for credit waits for both.
    let client = reqwest::Client::new();
    let token = std::fs::read_to_string(desk.node.institution.directory.join("operator.token")).unwrap();
    for place in 0..2 {
        let url = format!("{}{}", desk.node.institution.url, desk.path(place, "node-limits"));
        let request = client
            .post(url)
            .bearer_auth(&token)
            .header("Idempotency-Key", format!("k{place}"));
        let answer = request.json(&node_limit(5_000)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], "not-ready");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("\"syncing\"") && detail.contains(&dead), "{detail}");
    }
    let chains: Value = desk
        .node
        .institution
        .api()
        .unwrap()
        .get("/v1/credit/chains")
        .await
        .unwrap();
    assert_eq!(chains[0]["pool"], "0");
    assert!(
        chains[1]["pool"].is_null() && chains[1]["problem"].is_string(),
        "{chains}"
    );
    assert_eq!(desk.limits(0).await["node"]["limit"], "0", "the other chain is read");
    let user = ("4712", PAYER);
    desk.network
        .put_user_at(&desk.node.institution, user, 1_000, 500)
        .await
        .unwrap();

    desk.node.other_node.restart().await.unwrap();
    desk.node.institution.ready().await.unwrap();
    for place in 0..2 {
        let done = desk
            .write(place, "node-limits", &format!("k{place}"), &node_limit(5_000))
            .await
            .unwrap();
        assert!(done.block.is_some());
        assert_eq!(desk.limits(place).await["node"]["limit"], "5000");
    }

    // A fault in its log counts from the node's latest start on.
    let log = desk.node.sites[1].file.with_file_name("node.log");
    let fault = "Essential task `txpool-background` failed. Shutting down service.\n";
    let mut file = std::fs::OpenOptions::new().append(true).open(log).unwrap();
    std::io::Write::write_all(&mut file, fault.as_bytes()).unwrap();
    let start = Instant::now();
    while desk.ready().await.0.is_success() {
        assert!(start.elapsed().as_secs() < PATIENCE, "the fault is never noticed");
        tokio::time::sleep(LOOK).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_contract_refuses_its_handle_names() {
    use quittance::credit::ports::Act;

    let desk = Desk::open().await;
    // By an account that is not the credit node's.
    let stranger = desk.node.sites[1].credit().await.unwrap();
    let payer = account(PAYER);
    let refused = stranger.carry_out("freeze", &Act::Freeze(payer)).await;
    assert!(
        matches!(refused, Err(LedgerError::Refused(Error::NotTheNode))),
        "{refused:?}"
    );
    let refused = stranger.carry_out("expire", &Act::Expire(RequestId([7; 32]))).await;
    assert!(
        matches!(refused, Err(LedgerError::Refused(Error::UnknownDebt))),
        "{refused:?}"
    );
    let refused = stranger
        .carry_out("overdue", &Act::MarkOverdue(RequestId([7; 32])))
        .await;
    assert!(
        matches!(refused, Err(LedgerError::Refused(Error::UnknownDebt))),
        "{refused:?}"
    );
}
