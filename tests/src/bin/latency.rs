//! How long one payment's last step takes: a clearing call that the orchestrator dry-runs, persists, submits and sees
//! finalized, against raw balance transfers on the same node in the same run, one at a time.
#![allow(clippy::unwrap_used)] // a tool for developers: a fault is a panic

use std::time::{Duration, Instant};

use protocol::{
    settlement::{Asset, Settlement, SignedClearingVoucher, MAX_CLEARING_BATCH},
    signing::Domain,
    AccountId,
};
use quittance::{
    chain::{
        calls::Call,
        contracts::Contract,
        subxt::{self, config::SubstrateConfig, dynamic::Value, OnlineClient},
        Chain, ChainLedger, Follower, Submitter,
    },
    devnet::{Network, Options},
    identity::SigningKey,
    settlement::ports::Ledger,
    store::Store,
};
use quittance_tests::bench::{load, members::Members, number, times::Times, wire::Account, AMOUNT, DEPOSIT};

const HELP: &str = "\
Usage: scripts/bench latency [--rounds N] [--json]

Starts a development node with two banks and a notary, and times one sequential stream of transactions, each to
finality, in these ways:

  clear               ChainLedger::clear: look up, dry run, persist, submit, finalized, persist
  its dry run         the dry run alone, asked once more
  transfer persisted  Submitter::submit of a balance transfer: the same without the dry run and the contract
  transfer presigned  subxt over our transport, signed before the clock starts
  transfer            subxt over our transport, signed on the spot
  transfer, default   subxt with its own client and transport, signed on the spot: what anybody would write

  --rounds N  how many of each (default 224, at least 200 to be worth anything)
  --json      one JSON object instead of a table";

/// Ways take turns in stretches of this length, so that a passing load on the machine falls on all of them.
const STRETCH: usize = MAX_CLEARING_BATCH;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .iter()
        .any(|argument| argument == "--help" || argument == "-h")
    {
        println!("{HELP}");
        return;
    }
    let json = arguments.iter().any(|argument| argument == "--json");
    let rounds = number(&arguments, "--rounds", 224);

    let directory = tempfile::tempdir().unwrap();
    let options = Options::built(directory.path().to_owned()).unwrap();
    let load_before = load();
    let network = Network::start(options, &|step| eprintln!("• {step}")).await.unwrap();
    network.deposit(&network.home, DEPOSIT).await.unwrap();

    let mut bench = Bench::new(&network).await;
    eprintln!("• {rounds} transactions in each of {} ways", Way::ALL.len());
    // One of each that doesn't count: caches, connections.
    bench.stretch(1).await;
    bench.times = Default::default();
    let mut left = rounds;
    while left > 0 {
        let now = left.min(STRETCH);
        bench.stretch(now).await;
        left -= now;
    }
    let report = Report::new(bench.times, [load_before, load()]);
    if json {
        println!("{}", report.json());
    } else {
        report.print();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    DryRun,
    Clear,
    Persisted,
    Presigned,
    OurTransport,
    Default,
}

impl Way {
    const ALL: [Way; 6] = [
        Way::DryRun,
        Way::Clear,
        Way::Persisted,
        Way::Presigned,
        Way::OurTransport,
        Way::Default,
    ];

    fn name(self) -> &'static str {
        match self {
            Way::DryRun => "its dry run",
            Way::Clear => "clear",
            Way::Persisted => "transfer persisted",
            Way::Presigned => "transfer presigned",
            Way::OurTransport => "transfer",
            Way::Default => "transfer, default",
        }
    }
}

struct Bench<'a> {
    network: &'a Network,
    chain: Chain,
    ledger: ChainLedger,
    submitter: Submitter,
    clearing: Contract,
    over_ours: OnlineClient<SubstrateConfig>,
    plain: OnlineClient<SubstrateConfig>,
    /// Sends the persisted transactions.
    account: AccountId,
    /// Sends the presigned transactions, and those over our transport, and the plain ones: a nonce is nobody else's.
    senders: [Account; 3],
    members: Members,
    /// How many retentions were made.
    made: u64,
    times: [Vec<Duration>; 6],
}

impl<'a> Bench<'a> {
    async fn new(network: &'a Network) -> Self {
        let chain = Chain::connect(&network.url).await.unwrap();
        let follower = Follower::start(chain.clone()).await.unwrap();
        let store = Store::open(&network.options.directory.join("bench.sqlite"))
            .await
            .unwrap();
        // Whoever sends it: signatures count.
        let key = SigningKey::load("//Alice").unwrap();
        let account = key.account();
        let submitter = Submitter::start(chain.clone(), follower.clone(), store, key)
            .await
            .unwrap();
        let ledger = ChainLedger::new(chain.clone(), follower.clone(), submitter.clone(), &network.deployment).unwrap();
        let clearing = Contract::new(chain.clone(), follower, ledger.clearing(), account);
        let senders = ["//Bench1", "//Bench2", "//Bench3"].map(|uri| Account(SigningKey::load(uri).unwrap()));
        for sender in &senders {
            let funds = Call::transfer(&chain.runtime().unwrap(), &sender.0.account(), DEPOSIT * 10).unwrap();
            let key = format!("fund/{}", sender.0.ss58_address());
            submitter.submit(&key, funds).await.unwrap();
        }
        let institutions = [&network.originator, &network.home, &network.notary];
        let domain = Domain {
            genesis: ledger.genesis(),
            contract: ledger.clearing(),
            epoch: ledger.signers(&[]).await.unwrap().epoch,
        };
        let keys = institutions.map(|institution| (institution.member, &*institution.signing_key));
        Self {
            network,
            members: Members::new(domain, keys),
            over_ours: OnlineClient::from_rpc_client(chain.rpc_client().unwrap())
                .await
                .unwrap(),
            plain: OnlineClient::from_url(&network.url).await.unwrap(),
            chain,
            ledger,
            submitter,
            clearing,
            account,
            senders,
            made: 0,
            times: Default::default(),
        }
    }

    /// So many of each way, one at a time.
    async fn stretch(&mut self, count: usize) {
        let vouchers = self.retained(count).await;
        for (place, way) in Way::ALL.into_iter().enumerate() {
            for voucher in &vouchers {
                let took = self.once(way, voucher).await;
                self.times[place].push(took);
            }
        }
    }

    async fn once(&mut self, way: Way, voucher: &SignedClearingVoucher) -> Duration {
        let to = Value::unnamed_variant("Id", [Value::from_bytes(self.account.0)]);
        let call = subxt::transactions::dynamic("Balances", "transfer_keep_alive", (to, AMOUNT));
        let [presigned, ours, plain] = &self.senders;
        match way {
            Way::DryRun => {
                let vouchers = std::slice::from_ref(voucher);
                let start = Instant::now();
                let dry = self
                    .clearing
                    .prepare::<(), protocol::clearing::Error>("clear_batch", &vouchers, 0);
                dry.await.unwrap();
                start.elapsed()
            }
            Way::Clear => {
                let key = format!("clear/{}", voucher.clearing_voucher.voucher);
                let start = Instant::now();
                self.ledger.clear(&key, std::slice::from_ref(voucher)).await.unwrap();
                start.elapsed()
            }
            Way::Persisted => {
                let key = format!("transfer/{}", voucher.clearing_voucher.voucher);
                let to = ours.0.account();
                let start = Instant::now();
                let call = Call::transfer(&self.chain.runtime().unwrap(), &to, AMOUNT).unwrap();
                self.submitter.submit(&key, call).await.unwrap();
                start.elapsed()
            }
            Way::Presigned => {
                let at = self.over_ours.at_current_block().await.unwrap();
                let mut transactions = at.transactions();
                let signed = transactions
                    .create_signed(&call, presigned, Default::default())
                    .await
                    .unwrap();
                let start = Instant::now();
                let progress = signed.submit_and_watch().await.unwrap();
                progress.wait_for_finalized_success().await.unwrap();
                start.elapsed()
            }
            Way::OurTransport => signed_on_the_spot(&self.over_ours, &call, ours).await,
            Way::Default => signed_on_the_spot(&self.plain, &call, plain).await,
        }
    }

    /// Retains payments with everybody's signature, and gives the clearing vouchers that discharge them.
    async fn retained(&mut self, count: usize) -> Vec<SignedClearingVoucher> {
        let Network {
            originator,
            home,
            notary,
            ..
        } = self.network;
        let now = self.ledger.time().await.unwrap();
        let parties = [originator.member, home.member];
        let batch = self.members.batch(&parties, Settlement::Gross, count, now);
        let signatures = self.members.sign(&batch, &[notary.member]);
        self.made += 1;
        let key = format!("retain/{}", self.made);
        self.ledger.retain(&key, &batch, &signatures).await.unwrap();

        let balance = self.ledger.balance(home.member, Asset::Native).await.unwrap();
        let source = balance.last_credit.unwrap();
        let discharge = |voucher| self.members.discharge(&batch, voucher, source);
        batch.vouchers.iter().map(discharge).collect()
    }
}

async fn signed_on_the_spot(
    client: &OnlineClient<SubstrateConfig>,
    call: &impl subxt::transactions::Payload,
    sender: &Account,
) -> Duration {
    let start = Instant::now();
    let at = client.at_current_block().await.unwrap();
    let progress = at
        .transactions()
        .sign_and_submit_then_watch_default(call, sender)
        .await
        .unwrap();
    progress.wait_for_finalized_success().await.unwrap();
    start.elapsed()
}

struct Line {
    way: Way,
    p50: f64,
    p95: f64,
    /// How many times as long a clearing call takes, at the median.
    ratio: f64,
}

struct Report {
    rounds: usize,
    lines: Vec<Line>,
    load: [String; 2],
}

impl Report {
    fn new(times: [Vec<Duration>; 6], load: [String; 2]) -> Self {
        let rounds = times[0].len();
        let times = times.map(Times::of);
        let clear = times[1].p50();
        let lines = Way::ALL
            .into_iter()
            .zip(&times)
            .map(|(way, times)| Line {
                way,
                p50: times.p50(),
                p95: times.p95(),
                ratio: clear / times.p50(),
            })
            .collect();
        Self { rounds, lines, load }
    }

    fn print(&self) {
        println!(
            "one at a time, {} of each, load average {} before and {} after",
            self.rounds, self.load[0], self.load[1]
        );
        println!();
        println!("| submitted and finalized | p50 (ms) | p95 (ms) | clear ÷ this, p50 |");
        println!("|---|--:|--:|--:|");
        for line in &self.lines {
            println!(
                "| {} | {:.1} | {:.1} | {:.2} |",
                line.way.name(),
                line.p50,
                line.p95,
                line.ratio
            );
        }
    }

    fn json(&self) -> serde_json::Value {
        let lines = self.lines.iter().map(|line| {
            let figures = serde_json::json!({ "p50_ms": line.p50, "p95_ms": line.p95, "clear_ratio": line.ratio });
            (line.way.name().to_owned(), figures)
        });
        serde_json::json!({
            "rounds": self.rounds,
            "load": self.load,
            "ways": lines.collect::<serde_json::Map<_, _>>(),
        })
    }
}
