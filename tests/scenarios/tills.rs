//! A card issuer, an acquirer, and what a merchant's terminal sends: real node, real orchestrators.
use std::time::{Duration, Instant};

use protocol::{
    prepaid::{
        domain, CardNumber, CardPayment, MerchantNumber, PaymentKey, PaymentRecord, RefundOrder, Rules, SignedPayment,
        VoidOrder,
    },
    signing::{Domain, PAYLOAD_LENGTH},
    Amount, Signature,
};
use quittance::{
    cli::client::Api,
    devnet::{CardTerms, Cards, Network, Options},
    http::{now, schema::prepaid::CardIssuer},
    identity::SigningKey,
    prepaid::{
        messages::{OrderAnswer, TerminalMessage, TerminalOrder},
        ports::PrepaidLedger,
        sealed::seal,
    },
};
use reqwest::Method;
use tempfile::TempDir;

use crate::network::{LOOK, PATIENCE};

pub const CARD: CardNumber = CardNumber(4711);
pub const MERCHANT: MerchantNumber = MerchantNumber(12);
/// What the card holds at first, in native tokens.
pub const BALANCE: Amount = 100_000_000_000;
/// What an ordinary payment is.
pub const PRICE: Amount = 1_000_000_000;
/// A cycle with one payment is carried over: what it pays wouldn't keep a new account (less than the existential deposit).
pub const RULES: Rules = Rules {
    flat: 1_000,
    parts_per_million: 10_000,
    least_payout: PRICE,
    reserve_parts_per_million: 0,
};
const CARD_KEY: &str = "//Card4711";
const HOLDER: &str = "//Holder";
const TERMINAL: &str = "//Terminal";
const SHOP: &str = "//Shop";

pub struct Tills {
    pub network: Network,
    pub cards: Cards,
    domain: Domain,
    recipient: String,
    directory: TempDir,
}

impl Tills {
    /// Started, with a card and a merchant that has a terminal.
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = Options::built(directory.path().to_owned()).unwrap();
        let mut network = Network::start(options, &|_| ()).await.unwrap();
        let cards = network.add_cards(CardTerms::default(), &|_| ()).await.unwrap();
        cards.register(MERCHANT, key(SHOP).account(), RULES).await.unwrap();
        cards.add_terminal(MERCHANT, key(TERMINAL).account()).await.unwrap();
        cards
            .issue(CARD, key(CARD_KEY).account(), key(HOLDER).account(), BALANCE)
            .await
            .unwrap();
        let tills = Self {
            domain: domain(cards.deployment.genesis_hash, cards.contract().unwrap()),
            network,
            cards,
            recipient: String::new(),
            directory,
        };
        let path = format!("/terminal/v1/issuers/{}", tills.cards.member());
        let told: CardIssuer = tills.acquirer().get(&path).await.unwrap();
        Self {
            recipient: told.recipient,
            ..tills
        }
    }

    /// The acquirer, as terminals reach it: by TLS, with nothing but its CA.
    fn acquirer(&self) -> Api {
        let ca = std::fs::read(&self.cards.ca).unwrap();
        Api::new(self.cards.terminal_url.parse().unwrap(), "none", Some(&ca)).unwrap()
    }

    /// A payment that card and terminal sign.
    pub fn payment(&self, counter: u64, amount: Amount) -> TerminalOrder {
        let payment = CardPayment {
            card: CARD,
            counter,
            merchant: MERCHANT,
            terminal: key(TERMINAL).account(),
            amount,
            least: amount,
            expires_at: now() + 600_000,
        };
        let payload = payment.payload(&self.domain);
        TerminalOrder::Pay {
            payment: SignedPayment {
                payment,
                card: key(CARD_KEY).sign(&payload),
                terminal: sign(&payload),
            },
        }
    }

    pub fn void(&self, counter: u64) -> TerminalOrder {
        let order = VoidOrder {
            card: CARD,
            counter,
            terminal: key(TERMINAL).account(),
            expires_at: now() + 600_000,
        };
        let signature = sign(&order.payload(&self.domain));
        TerminalOrder::Void { order, signature }
    }

    pub fn refund(&self, counter: u64, amount: Amount, returned: Amount) -> TerminalOrder {
        let order = RefundOrder {
            card: CARD,
            counter,
            terminal: key(TERMINAL).account(),
            amount,
            returned,
            expires_at: now() + 600_000,
        };
        let signature = sign(&order.payload(&self.domain));
        TerminalOrder::Refund { order, signature }
    }

    /// What the terminal sends.
    pub fn message(&self, order: &TerminalOrder) -> TerminalMessage {
        let mut message = TerminalMessage {
            issuer: self.cards.member(),
            reference: order.reference(),
            terminal: key(TERMINAL).account(),
            sent_at: now(),
            sealed: seal(&self.recipient, order).unwrap(),
            signature: Signature([0; 64]),
        };
        message.signature = sign(&message.payload(&self.domain));
        message
    }

    /// Sends it once.
    pub async fn send(&self, message: &TerminalMessage) -> anyhow::Result<OrderAnswer> {
        let answer = self
            .acquirer()
            .write(Method::POST, "/terminal/v1/orders", "none", message)
            .await?;
        Ok(answer.json().await?)
    }

    /// Sends it until the answer is final, whoever is away meanwhile.
    pub async fn answer(&self, order: &TerminalOrder) -> OrderAnswer {
        let message = self.message(order);
        let start = Instant::now();
        loop {
            match self.send(&message).await {
                Ok(answer) if answer.is_final() => return answer,
                Ok(_) => {}
                Err(error) => assert!(start.elapsed().as_secs() < PATIENCE, "{error:#}"),
            }
            assert!(start.elapsed() < Duration::from_secs(2 * PATIENCE), "never answered");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What the finalized chain keeps of a payment, read from the node itself.
    pub async fn record(&self, counter: u64) -> Option<PaymentRecord> {
        let ledger = self.network.prepaid(&self.cards).await.unwrap();
        let key: PaymentKey = (CARD, counter);
        ledger.payments(&[key]).await.unwrap().remove(0)
    }

    pub async fn balance(&self) -> Amount {
        self.cards.card(CARD).await.unwrap().balance
    }

    /// What the contract holds is what its cards hold and merchants are due.
    pub async fn float_is_whole(&self) {
        let chain = self.network.chain().await.unwrap();
        let ledger = self.network.prepaid(&self.cards).await.unwrap();
        let float = ledger.float().await.unwrap();
        let head = ledger.block(ledger.head().0).await.unwrap();
        let held = chain
            .native_balance(&self.cards.contract().unwrap(), head.hash)
            .await
            .unwrap();
        // A contract keeps the existential deposit beside.
        assert!(held >= float.cards + float.merchants, "{held} {float:?}");
    }

    /// Where logs and databases are.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }
}

/// The shop's account.
pub fn shop() -> protocol::AccountId {
    key(SHOP).account()
}

fn key(reference: &str) -> SigningKey {
    SigningKey::load(reference).unwrap()
}

fn sign(payload: &[u8; PAYLOAD_LENGTH]) -> Signature {
    key(TERMINAL).sign(payload)
}
