//! A merchant's terminals as processes of their own. Wherever one is killed (SIGKILL), the same command again takes the sale
//! once. What was taken offline is confirmed once, or declined with a code: a copied card, a frozen one.
use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use protocol::{
    prepaid::{CardNumber, PaymentRecord},
    text::{from_hex, to_hex},
    AccountId, Amount,
};
use quittance::{identity::SigningKey, prepaid::ports::PrepaidLedger};
use serde_json::{json, Value};

use crate::{
    network::{LOOK, PATIENCE},
    tills::{Tills, BALANCE, MERCHANT, PRICE},
};

const CARD: u64 = 7;
const HOLDER: &str = "//Holder";

/// What a command said: its exit code, and the receipts.
type Said = (Option<i32>, Vec<Value>);

struct Shop {
    tills: Tills,
}

impl Shop {
    /// With a card, `card.json`, and a terminal, `till`.
    async fn open() -> Self {
        let shop = Self {
            tills: Tills::start().await,
        };
        shop.issue(CARD, "card.json").await;
        shop.add_terminal("till").await;
        shop
    }

    async fn issue(&self, number: u64, file: &str) {
        let cards = &self.tills.cards;
        let (genesis, contract) = (cards.genesis(), to_hex(&cards.contract().unwrap().0));
        let line = format!("card new {file} --number {number} --genesis {genesis} --contract {contract}");
        let (_, made) = self.run(&format!("{line} --unencrypted --json"));
        let holder = SigningKey::load(HOLDER).unwrap().account();
        cards
            .issue(CardNumber(number), account(&made[0]["key"]), holder, BALANCE)
            .await
            .unwrap();
    }

    async fn add_terminal(&self, name: &str) {
        let cards = &self.tills.cards;
        let (_, made) = self.run(&format!("terminal new {name} --unencrypted --json"));
        cards
            .add_terminal(MERCHANT, account(&made[0]["terminal"]))
            .await
            .unwrap();
        let setup = format!(
            "terminal setup --dir {name} --acquirer {} --ca {} --issuer {} --merchant {} --floor-limit {BALANCE} --json",
            cards.terminal_url,
            cards.ca.display(),
            cards.member(),
            MERCHANT.0,
        );
        let (code, set_up) = self.run(&setup);
        assert_eq!((code, &set_up[0]["genesis"]), (Some(0), &json!(cards.genesis())));
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(self.tills.network.options.programs.join("quittance"));
        command.args(line.split(' ')).current_dir(self.directory());
        command
    }

    fn run(&self, line: &str) -> Said {
        let output = self.command(line).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let said = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        eprintln!(
            "{line}: {}\n{text}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        (output.status.code(), said)
    }

    /// Runs it until this holds, and kills it then.
    async fn killed_when(&self, line: &str, failpoints: &str, holds: impl Fn(&Path) -> bool) {
        let log = self.directory().join("killed.log");
        let mut child = Killed(
            self.command(line)
                .env("FAILPOINTS", failpoints)
                .stdout(Stdio::null())
                .stderr(File::create(&log).unwrap())
                .spawn()
                .unwrap(),
        );
        let start = Instant::now();
        while !holds(&log) {
            assert!(
                child.0.try_wait().unwrap().is_none(),
                "{}",
                fs::read_to_string(&log).unwrap()
            );
            assert!(start.elapsed().as_secs() < PATIENCE, "{line} never comes so far");
            tokio::time::sleep(LOOK).await;
        }
    }

    fn directory(&self) -> &Path {
        self.tills.directory()
    }

    async fn balance(&self, number: u64) -> Amount {
        self.tills.cards.card(CardNumber(number)).await.unwrap().balance
    }

    async fn record(&self, receipt: &Value) -> PaymentRecord {
        let ledger = self.tills.network.prepaid(&self.tills.cards).await.unwrap();
        let key = (
            CardNumber(receipt["card"].as_u64().unwrap()),
            receipt["counter"].as_u64().unwrap(),
        );
        ledger.payments(&[key]).await.unwrap().remove(0).unwrap()
    }
}

/// A process that ends with this, by SIGKILL.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn account(text: &Value) -> AccountId {
    AccountId(from_hex(text.as_str().unwrap()).unwrap())
}

fn pay(name: &str) -> String {
    format!("terminal pay --dir till --card card.json --amount {PRICE} --name {name} --json")
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_a_terminal_is_killed_a_sale_is_paid_once() {
    let shop = Shop::open().await;
    let mut paid = 0;
    for point in ["terminal.order.signed", "terminal.order.acting", "terminal.order.acted"] {
        let line = pay(point);
        let reached = format!("reached fail point {point}");
        let says = |log: &Path| fs::read_to_string(log).unwrap().contains(&reached);
        shop.killed_when(&line, &format!("{point}=pause"), says).await;

        let (code, receipts) = shop.run(&line);
        assert_eq!((code, &receipts[0]["state"]), (Some(0), &json!("approved")), "{point}");
        paid += PRICE;
        assert_eq!(shop.balance(CARD).await, BALANCE - paid, "{point}");
        assert_eq!(receipts[0]["balance"], (BALANCE - paid).to_string(), "{point}");
        let record = shop.record(&receipts[0]).await;
        assert_eq!(to_hex(&record.reference), receipts[0]["reference"], "{point}");
        assert_eq!(shop.run(&line), (Some(0), receipts), "{point}");
        assert_eq!(shop.balance(CARD).await, BALANCE - paid, "{point}");
    }

    // A whole shift, killed in the middle, is run again.
    shop.issue(8, "other.json").await;
    let sales: String = (0..10)
        .map(|_| format!("card.json,{PRICE},,\nother.json,{PRICE},,true\n"))
        .collect();
    fs::write(
        shop.directory().join("sales.csv"),
        format!("card,amount,least,offline\n{sales}"),
    )
    .unwrap();
    let shift = "terminal shift --dir till --file sales.csv --name monday --json";
    let before = fs::read_dir(shop.directory().join("till/receipts")).unwrap().count();
    let has_some = |_: &Path| fs::read_dir(shop.directory().join("till/receipts")).unwrap().count() > before + 3;
    shop.killed_when(shift, "", has_some).await;
    let (code, receipts) = shop.run(shift);
    assert_eq!((code, receipts.len()), (Some(0), 20));
    let (code, sent) = shop.run("terminal send --dir till --json");
    assert_eq!((code, sent.len()), (Some(0), 10));
    assert_eq!(shop.balance(CARD).await, BALANCE - paid - 10 * PRICE);
    assert_eq!(shop.balance(8).await, BALANCE - 10 * PRICE);
    shop.tills.float_is_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_offline_is_confirmed_once_or_declined_with_a_code() {
    let shop = Shop::open().await;
    shop.add_terminal("other-till").await;
    let card = shop.directory().join("card.json");
    fs::copy(&card, shop.directory().join("copy.json")).unwrap();
    let offline = |till: &str, card: &str| {
        let line = format!("terminal pay --dir {till} --card {card} --amount {PRICE} --offline --json");
        let (code, receipts) = shop.run(&line);
        assert_eq!((code, &receipts[0]["state"]), (Some(0), &json!("offline")));
    };
    let send = |till: &str| shop.run(&format!("terminal send --dir {till} --json"));
    let state_and_code = |said: &Said| (said.0, said.1[0]["state"].clone(), said.1[0]["code"].clone());

    // Card and copy give the same counter to two payments at two terminals.
    offline("till", "card.json");
    offline("other-till", "copy.json");
    assert_eq!(state_and_code(&send("till")), (Some(0), json!("approved"), json!(null)));
    let copied = send("other-till");
    assert_eq!(
        state_and_code(&copied),
        (Some(4), json!("declined"), json!("counter_used"))
    );
    assert_eq!(shop.balance(CARD).await, BALANCE - PRICE);

    // Frozen while it waits: declined for good, even when the card pays again.
    offline("till", "card.json");
    let cards = &shop.tills.cards;
    cards.write(&cards.issuer, "cards/7/freeze", &json!({})).await.unwrap();
    assert_eq!(
        state_and_code(&send("till")),
        (Some(4), json!("declined"), json!("card_frozen"))
    );
    cards
        .write(&cards.issuer, "cards/7/unfreeze", &json!({}))
        .await
        .unwrap();
    assert_eq!(send("till"), (Some(0), vec![]));
    assert_eq!(shop.balance(CARD).await, BALANCE - PRICE);

    // Nobody answers: the payment is kept, and confirmed later.
    let (code, kept) = {
        let line = format!("{} --wait 0", pay("dark"));
        let acquirer = format!("acquirer = \"{}\"", cards.terminal_url);
        let settings = shop.directory().join("till/terminal.toml");
        let text = fs::read_to_string(&settings).unwrap();
        fs::write(&settings, text.replace(&acquirer, "acquirer = \"https://127.0.0.1:9\"")).unwrap();
        let said = shop.run(&line);
        fs::write(&settings, text).unwrap();
        said
    };
    assert_eq!((code, &kept[0]["state"]), (Some(3), &json!("unanswered")));
    assert_eq!(state_and_code(&send("till")), (Some(0), json!("approved"), json!(null)));

    // What was paid goes back, and the holder disputes the rest of another one.
    let (code, back) = shop.run("terminal refund 7/1 --dir till --json");
    assert_eq!((code, &back[0]["moved"]), (Some(0), &json!(PRICE.to_string())));
    let counter = &kept[0]["counter"];
    let evidence = to_hex(&[5; 32]);
    let dispute = format!("card dispute --card card.json --counter {counter} --amount {PRICE} --evidence {evidence}");
    let (_, paper) = shop.run(&format!("{dispute} --key {HOLDER}"));
    cards.write(&cards.issuer, "disputes", &paper[0]).await.unwrap();
    let (code, refused) = shop.run(&format!("terminal void 7/{counter} --dir till --json"));
    assert_eq!((code, &refused[0]["code"]), (Some(4), &json!("refused")));
    assert_eq!(shop.balance(CARD).await, BALANCE - PRICE);
    shop.tills.float_is_whole().await;
}
