//! Two merchants with a terminal each, and a holder with a card: terminals and card are the programs that people use.
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use protocol::{
    prepaid::{CardNumber, MerchantNumber, PaymentRecord},
    AccountId, Amount,
};
use quittance::{
    devnet::{CardTerms, Cards, Network, Options, Said, Terminal, FLOOR_LIMIT},
    identity::SigningKey,
    prepaid::ports::PrepaidLedger,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    network::{LOOK, PATIENCE},
    tills::RULES,
};

pub const CARD: CardNumber = CardNumber(1);
pub const MERCHANTS: [MerchantNumber; 2] = [MerchantNumber(1), MerchantNumber(2)];
/// What a card holds at first.
pub const BALANCE: Amount = 400_000_000_000;
/// What an ordinary payment is; it may be taken offline.
pub const PRICE: Amount = FLOOR_LIMIT / 10;

pub struct Shops {
    pub network: Network,
    pub cards: Cards,
    /// One of each merchant.
    pub terminals: [Terminal; 2],
    /// The holder's card.
    pub card: PathBuf,
    _directory: TempDir,
}

impl Shops {
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = Options::built(directory.path().to_owned()).unwrap();
        let mut network = Network::start(options, &|_| ()).await.unwrap();
        let cards = network.add_cards(CardTerms::default(), &|_| ()).await.unwrap();
        for merchant in MERCHANTS {
            let account = account(&format!("//Shop{}", merchant.0));
            cards.register(merchant, account, RULES).await.unwrap();
        }
        let options = &network.options;
        let make =
            |merchant| cards.make_terminal(options, ["", "first", "second"][usize::from(merchant)], place(merchant));
        let terminals = [make(1).await.unwrap(), make(2).await.unwrap()];
        let card = cards
            .make_card(options, CARD, account("//Holder"), BALANCE)
            .await
            .unwrap();
        Self {
            network,
            cards,
            terminals,
            card,
            _directory: directory,
        }
    }

    /// Another holder's card.
    pub async fn another_card(&self, number: u64) -> PathBuf {
        let holder = account(&format!("//Holder{number}"));
        let made = self
            .cards
            .make_card(&self.network.options, CardNumber(number), holder, BALANCE);
        made.await.unwrap()
    }

    /// Pays an ordinary amount at a terminal.
    pub async fn pay(&self, terminal: usize, card: &Path, more: &[&str]) -> Said {
        let (card, price) = (card.display().to_string(), PRICE.to_string());
        let arguments = [&["--card", card.as_str(), "--amount", price.as_str()], more].concat();
        self.terminals[terminal].run("pay", &arguments, &|| ()).await.unwrap()
    }

    /// Sends what waits at a terminal.
    pub async fn send(&self, terminal: usize) -> Said {
        self.terminals[terminal].run("send", &[], &|| ()).await.unwrap()
    }

    pub async fn balance(&self) -> Amount {
        self.cards.card(CARD).await.unwrap().balance
    }

    /// What the finalized chain keeps of a payment, read from the node itself.
    pub async fn record(&self, card: CardNumber, counter: u64) -> Option<PaymentRecord> {
        let ledger = self.network.prepaid(&self.cards).await.unwrap();
        ledger.payments(&[(card, counter)]).await.unwrap().remove(0)
    }

    /// An auditor, who asks the chain alone, finds nothing wrong; what it says.
    pub async fn verified(&self) -> Value {
        let said = self
            .cards
            .audit(&self.network.options, &self.network.url, &["verify", "--every-block"]);
        said.await.unwrap().unwrap_or_else(|differs| panic!("{differs}"))
    }
}

/// Waits until so many orders are kept on a terminal's disk.
pub async fn waits(terminal: &Terminal, orders: usize) {
    let start = Instant::now();
    let queue = terminal.directory.join("queue");
    loop {
        let kept = std::fs::read_dir(&queue).map_or(0, |files| files.filter(is_kept).count());
        if kept == orders {
            return;
        }
        assert!(start.elapsed().as_secs() < PATIENCE, "{kept} orders wait, not {orders}");
        tokio::time::sleep(LOOK).await;
    }
}

fn is_kept(file: &std::io::Result<std::fs::DirEntry>) -> bool {
    file.as_ref()
        .is_ok_and(|file| file.path().extension().is_some_and(|extension| extension == "json"))
}

pub fn account(key: &str) -> AccountId {
    SigningKey::load(key).unwrap().account()
}

fn place(merchant: u8) -> MerchantNumber {
    MerchantNumber(merchant.into())
}
