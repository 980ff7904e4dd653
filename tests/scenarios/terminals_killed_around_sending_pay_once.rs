//! A terminal's process, killed (SIGKILL) between signing and sending, and between sending and the answer. Started again, it
//! sends the same order: the card pays once.
use std::process::Stdio;

use tokio::process::Child;

use crate::{
    network::{reached, restart},
    shops::{waits, Shops, BALANCE, CARD, PRICE},
};

/// A payment that is on its way.
fn begin(shops: &Shops) -> Child {
    let mut command = shops.terminals[0].command("pay");
    command
        .arg("--card")
        .arg(&shops.card)
        .args(["--amount", &PRICE.to_string()]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The order is sent by a new process, and the card has paid so often.
async fn sends(shops: &Shops, counter: u64) {
    let said = shops.send(0).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.lines.len(), 1, "{said:?}");
    assert_eq!(said.lines[0]["state"], "approved");
    assert_eq!(said.lines[0]["counter"], counter);
    let paid = u128::from(counter) * PRICE;
    assert_eq!(shops.balance().await, BALANCE - paid);
    assert_eq!(shops.record(CARD, counter).await.unwrap().taken, PRICE);

    let again = shops.send(0).await;
    assert_eq!((again.code, again.lines.len()), (Some(0), 0), "nothing waits any more");
    assert_eq!(shops.balance().await, BALANCE - paid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_killed_between_signing_and_sending_pays_once() {
    let mut shops = Shops::start().await;
    shops.cards.acquirer.kill().await.unwrap();
    let mut paying = begin(&shops);
    waits(&shops.terminals[0], 1).await;
    paying.kill().await.unwrap();
    restart(&mut shops.cards.acquirer, &[]).await;
    assert!(shops.record(CARD, 1).await.is_none(), "it was never sent");
    sends(&shops, 1).await;
    shops.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_killed_after_sending_gets_the_same_answer_and_pays_once() {
    let mut shops = Shops::start().await;
    // The issuer has it, and hasn't decided; then it has decided, and nobody was there to hear.
    for (counter, point) in [(1, "prepaid.issuer.batch.acting"), (2, "prepaid.issuer.batch.acted")] {
        restart(&mut shops.cards.issuer, &[("FAILPOINTS", &format!("{point}=pause"))]).await;
        let mut paying = begin(&shops);
        reached(&shops.cards.issuer, point).await;
        paying.kill().await.unwrap();
        waits(&shops.terminals[0], 1).await;
        restart(&mut shops.cards.issuer, &[]).await;
        sends(&shops, counter).await;
    }
    shops.verified().await;
}
