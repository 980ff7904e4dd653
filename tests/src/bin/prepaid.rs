//! How many card payments are finalized in a second through one issuer's orchestrator, against balance transfers on the same
//! node in the same run.
#![allow(clippy::unwrap_used)] // a tool for developers: a fault is a panic

use std::time::{Duration, Instant};

use futures::{stream, StreamExt};
use protocol::{
    prepaid::{domain, CardLimits, CardNumber, CardPayment, MerchantNumber, Rules, SignedPayment},
    Amount, Signature,
};
use quittance::{
    chain::calls::Call,
    cli::client::Api,
    devnet::{CardTerms, Cards, Network, Options},
    http::{now, schema::prepaid::CardIssuer},
    identity::SigningKey,
    prepaid::{
        messages::{OrderAnswer, TerminalMessage, TerminalOrder},
        sealed::seal,
    },
};
use quittance_tests::bench::{
    load, number, rate,
    transfers::{Payers, CONNECTIONS, TRANSFERS},
    wire::Sender,
};
use reqwest::Method;

const HELP: &str = "\
Usage: scripts/bench prepaid [--rounds N]

Starts a development node, a card issuer and an acquirer, and sends bursts of what is signed beforehand, in turns:

  card payments      512, of 16 cards at 16 terminals, sealed to the issuer, to the acquirer's TLS listener, 64 at a time;
                     the acquirer passes them on, the issuer puts them on the chain in batches of up to 64; over when each
                     terminal has its final answer
  balance transfers  2048, from as many accounts, 16 at a time, to the node itself; over when all are finalized

  --rounds N  how many bursts of each kind (default 10)";

const CARDS: u64 = 16;
const PAYMENTS: usize = 512;
/// How many terminals wait for an answer at once.
const AT_ONCE: usize = 64;
const MERCHANT: MerchantNumber = MerchantNumber(1);
const PRICE: Amount = 1_000_000;
const PLENTY: Amount = 1_000_000_000_000;
/// What each sender of transfers gets.
const FUNDS: u128 = 1_000_000_000_000_000;
const LOOK: Duration = Duration::from_millis(5);

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
    let rounds = number(&arguments, "--rounds", 10);
    let before = load();
    let directory = tempfile::tempdir().unwrap();
    let options = Options::built(directory.path().to_owned()).unwrap();
    let mut network = Network::start(options, &|step| eprintln!("• {step}")).await.unwrap();
    let mut shop = Shop::open(&mut network).await;
    let mut payer = Sender::connect(&network.url, "//Bob").await;
    let mut senders = senders(&network, &mut payer).await;
    let mut payers = Payers::open(&payer, &mut senders).await;

    eprintln!("• {rounds} bursts of each");
    let (mut payments, mut transfers) = (Vec::new(), Vec::new());
    // One of each that doesn't count.
    for round in 0..=rounds {
        let paid = rate(PAYMENTS, shop.burst().await);
        let moved = rate(TRANSFERS, payers.transfer(&payer, &senders).await);
        if round > 0 {
            payments.push(paid);
            transfers.push(moved);
        }
    }
    println!("| finalized, {rounds} bursts each | per second: least | median | most | median ÷ transfers |");
    println!("|---|--:|--:|--:|--:|");
    let against = median(&mut transfers);
    for (name, mut rates) in [("card payments", payments), ("balance transfers", transfers)] {
        let middle = median(&mut rates);
        let (least, most) = (rates[0], rates[rates.len() - 1]);
        println!(
            "| {name} | {least:.0} | {middle:.0} | {most:.0} | {:.2} |",
            middle / against
        );
    }
    println!("\nload average {before} before and {} after", load());
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    rates[rates.len() / 2]
}

async fn senders(network: &Network, payer: &mut Sender) -> Vec<Sender> {
    let mut senders = Vec::new();
    for number in 0..CONNECTIONS {
        let sender = Sender::connect(&network.url, &format!("//Sender{number}")).await;
        let funds = Call::transfer(&payer.chain().runtime().unwrap(), &sender.account(), FUNDS).unwrap();
        payer.carry_out(&funds).await;
        senders.push(sender);
    }
    senders
}

/// Sixteen cards, each at a terminal of its own.
struct Shop {
    cards: Cards,
    recipient: String,
    /// Each card's key, and its terminal's.
    pairs: Vec<(SigningKey, SigningKey)>,
    /// The next payment's.
    counter: u64,
}

impl Shop {
    async fn open(network: &mut Network) -> Self {
        let limits = CardLimits {
            balance: PLENTY,
            per_payment: PLENTY,
            per_day: PLENTY,
        };
        let terms = CardTerms {
            limits,
            ..CardTerms::default()
        };
        let cards = network.add_cards(terms, &|step| eprintln!("• {step}")).await.unwrap();
        let rules = Rules {
            flat: 0,
            parts_per_million: 0,
            least_payout: 0,
            reserve_parts_per_million: 0,
        };
        let account = SigningKey::generate().account();
        cards.register(MERCHANT, account, rules).await.unwrap();
        let mut pairs = Vec::new();
        for number in 0..CARDS {
            let (card, terminal) = (SigningKey::generate(), SigningKey::generate());
            cards.add_terminal(MERCHANT, terminal.account()).await.unwrap();
            let holder = SigningKey::generate().account();
            let issued = cards.issue(CardNumber(number), card.account(), holder, PLENTY);
            issued.await.unwrap();
            pairs.push((card, terminal));
        }
        let shop = Self {
            recipient: String::new(),
            cards,
            pairs,
            counter: 1,
        };
        let path = format!("/terminal/v1/issuers/{}", shop.cards.member());
        let told: CardIssuer = shop.acquirer().get(&path).await.unwrap();
        Self {
            recipient: told.recipient,
            ..shop
        }
    }

    /// As terminals reach it.
    fn acquirer(&self) -> Api {
        let ca = std::fs::read(&self.cards.ca).unwrap();
        Api::new(self.cards.terminal_url.parse().unwrap(), "none", Some(&ca)).unwrap()
    }

    async fn burst(&mut self) -> Duration {
        let messages: Vec<TerminalMessage> = (0..PAYMENTS).map(|place| self.message(place)).collect();
        let api = &self.acquirer();
        let start = Instant::now();
        stream::iter(&messages)
            .for_each_concurrent(AT_ONCE, |message| answered(api, message))
            .await;
        start.elapsed()
    }

    fn message(&mut self, place: usize) -> TerminalMessage {
        let number = place % self.pairs.len();
        let (card, terminal) = &self.pairs[number];
        let contract = domain(self.cards.deployment.genesis_hash, self.cards.contract().unwrap());
        let payment = CardPayment {
            card: CardNumber(number as u64),
            counter: self.counter,
            merchant: MERCHANT,
            terminal: terminal.account(),
            amount: PRICE,
            least: PRICE,
            expires_at: now() + 600_000,
        };
        self.counter += 1;
        let payload = payment.payload(&contract);
        let order = TerminalOrder::Pay {
            payment: SignedPayment {
                payment,
                card: card.sign(&payload),
                terminal: terminal.sign(&payload),
            },
        };
        let mut message = TerminalMessage {
            issuer: self.cards.member(),
            reference: order.reference(),
            terminal: terminal.account(),
            sent_at: now(),
            sealed: seal(&self.recipient, &order).unwrap(),
            signature: Signature([0; 64]),
        };
        message.signature = terminal.sign(&message.payload(&contract));
        message
    }
}

/// Sends it until the answer is final.
async fn answered(api: &Api, message: &TerminalMessage) {
    loop {
        let answer = api.write(Method::POST, "/terminal/v1/orders", "none", message).await;
        let answer: OrderAnswer = answer.unwrap().json().await.unwrap();
        match answer {
            OrderAnswer::Approved { .. } => return,
            OrderAnswer::Pending => tokio::time::sleep(LOOK).await,
            other => panic!("{other:?}"),
        }
    }
}
