//! A card pays, is declined, gets its money back by void and refund; the merchant's cycle is closed and the merchant paid.
//! By the contract itself, on a real node, through the acquirer's and the issuer's orchestrators.
use protocol::prepaid::DeclineCode;
use quittance::prepaid::messages::{Decline, OrderAnswer};

use crate::tills::{shop, Tills, BALANCE, MERCHANT, PRICE};

fn code(answer: &OrderAnswer) -> Decline {
    match answer {
        OrderAnswer::Declined { code, .. } => *code,
        other => panic!("{other:?} isn't declined"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_pays_and_the_merchant_is_paid_by_cycle() {
    let tills = Tills::start().await;
    let first = tills.payment(1, 3 * PRICE);
    let answer = tills.answer(&first).await;
    let OrderAnswer::Approved {
        taken, balance, cycle, ..
    } = answer
    else {
        panic!("{answer:?}");
    };
    assert_eq!((taken, balance, cycle), (3 * PRICE, BALANCE - 3 * PRICE, 0));
    assert_eq!(tills.answer(&first).await, answer, "the same order, the same answer");
    assert_eq!(tills.balance().await, BALANCE - 3 * PRICE);

    let used = tills.answer(&tills.payment(1, PRICE)).await;
    assert_eq!(code(&used), Decline::Payment(DeclineCode::CounterUsed));
    let more = tills.answer(&tills.payment(2, BALANCE)).await;
    assert_eq!(code(&more), Decline::Payment(DeclineCode::InsufficientFunds));
    let mut garbage = tills.message(&tills.payment(3, PRICE));
    garbage.sealed = "garbage".to_owned();
    let unsigned = tills.send(&garbage).await.unwrap_err().to_string();
    assert!(unsigned.contains("bad-terminal-signature"), "{unsigned}");

    for counter in [4, 5] {
        tills.answer(&tills.payment(counter, PRICE)).await;
    }
    let voided = tills.answer(&tills.void(4)).await;
    assert!(
        matches!(voided, OrderAnswer::Returned { amount: PRICE, .. }),
        "{voided:?}"
    );
    let refunded = tills.answer(&tills.refund(5, PRICE / 2, 0)).await;
    assert!(matches!(refunded, OrderAnswer::Returned { .. }), "{refunded:?}");
    let again = tills.answer(&tills.refund(5, PRICE, 0)).await;
    assert_eq!(code(&again), Decline::Refused);
    assert_eq!(tills.balance().await, BALANCE - 3 * PRICE - PRICE / 2);
    tills.float_is_whole().await;

    let statement = tills.cards.close_cycle(MERCHANT).await.unwrap();
    assert_eq!((statement.cycle.count, statement.cycle.voided_count), (3, 1));
    // 1 % of what was sold, and 1,000 for each of two.
    let fee = 4 * PRICE / 100 + 2_000;
    assert_eq!((statement.fee, statement.paid), (fee, 3 * PRICE + PRICE / 2 - fee));
    let chain = tills.network.chain().await.unwrap();
    let head = quittance::chain::Follower::start(chain.clone()).await.unwrap().head();
    let has = chain.native_balance(&shop(), head.hash).await.unwrap();
    assert_eq!(has, statement.paid);
    tills.float_is_whole().await;
}
