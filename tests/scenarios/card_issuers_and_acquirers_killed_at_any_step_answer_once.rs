//! The card issuer and the acquirer, killed (SIGKILL) before and after each thing that they do with a terminal's order or a
//! merchant's cycle. After a restart it goes on by itself: a payment is taken once, what goes back goes back once, a cycle is
//! closed once, and the terminal gets the one answer.
use protocol::prepaid::DeclineCode;
use quittance::{
    devnet::Institution,
    http::prepaid::merchants::CloseCycleRequest,
    prepaid::messages::{Decline, OrderAnswer, TerminalOrder},
};

use crate::{
    network::{configure, reached, restart},
    tills::{Tills, BALANCE, MERCHANT, PRICE},
};

/// Whose process is killed.
type Who = fn(&mut Tills) -> &mut Institution;

/// The order is on its way when the process is killed at the point, and answered after a restart.
async fn killed_at(tills: &mut Tills, who: Who, point: &str, order: TerminalOrder) -> OrderAnswer {
    restart(who(tills), &[("FAILPOINTS", &format!("{point}=pause"))]).await;
    let message = tills.message(&order);
    // Nobody answers it for now.
    let _ = tokio::time::timeout(std::time::Duration::from_millis(500), tills.send(&message)).await;
    reached(who(tills), point).await;
    restart(who(tills), &[]).await;
    tills.answer(&order).await
}

fn issuer(tills: &mut Tills) -> &mut Institution {
    &mut tills.cards.issuer
}

fn acquirer(tills: &mut Tills) -> &mut Institution {
    &mut tills.cards.acquirer
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_they_are_killed_a_payment_is_taken_once() {
    let mut tills = Tills::start().await;
    let (mut counter, mut paid) = (0, 0);
    let points: [(Who, &str); 9] = [
        (issuer, "prepaid.issuer.order.acting"),
        (issuer, "prepaid.issuer.order.acted"),
        (issuer, "prepaid.issuer.batch.acting"),
        (issuer, "prepaid.issuer.batch.submitted"),
        (issuer, "prepaid.issuer.batch.acted"),
        (acquirer, "prepaid.acquirer.message.acting"),
        (acquirer, "prepaid.acquirer.message.acted"),
        (acquirer, "prepaid.acquirer.forward.acting"),
        (acquirer, "prepaid.acquirer.forward.acted"),
    ];
    for (who, point) in points {
        counter += 1;
        let order = tills.payment(counter, PRICE);
        let answer = killed_at(&mut tills, who, point, order.clone()).await;
        paid += PRICE;
        assert!(
            matches!(answer, OrderAnswer::Approved { taken: PRICE, balance, .. } if balance == BALANCE - paid),
            "{point}: {answer:?}"
        );
        assert_eq!(tills.answer(&order).await, answer, "{point}");
        assert_eq!(tills.balance().await, BALANCE - paid, "{point}");
        assert_eq!(
            tills.record(counter).await.unwrap().reference,
            order.reference(),
            "{point}"
        );
    }
    // One that is declined stays declined for the same reason.
    for point in ["prepaid.issuer.batch.acting", "prepaid.issuer.batch.submitted"] {
        counter += 1;
        let order = tills.payment(counter, 2 * BALANCE);
        let answer = killed_at(&mut tills, issuer, point, order).await;
        let OrderAnswer::Declined { code, .. } = answer else {
            panic!("{point}: {answer:?}");
        };
        assert_eq!(code, Decline::Payment(DeclineCode::InsufficientFunds), "{point}");
    }
    for point in ["acting", "submitted", "acted"] {
        counter += 1;
        let point = format!("prepaid.issuer.return.{point}");
        tills.answer(&tills.payment(counter, PRICE)).await;
        let order = tills.refund(counter, PRICE / 2, 0);
        let answer = killed_at(&mut tills, issuer, &point, order).await;
        paid += PRICE - PRICE / 2;
        assert!(matches!(answer, OrderAnswer::Returned { .. }), "{point}: {answer:?}");
        assert_eq!(tills.balance().await, BALANCE - paid, "{point}");
    }
    tills.float_is_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_issuer_is_killed_a_cycle_is_closed_once() {
    let mut tills = Tills::start().await;
    // Every minute of every hour: there always was a cut-off since the last restart, on banking days.
    let cut_offs: Vec<String> = (0..24)
        .flat_map(|hour| (0..60).map(move |minute| format!("\"{hour:02}:{minute:02}\"")))
        .collect();
    let line = format!("cut_offs = [{}]\n", cut_offs.join(", "));
    let is_banking_day = quittance::windows::Calendar::new([], []).has_banking_day(quittance::http::now());
    for (number, moment) in ["acting", "acted"].into_iter().enumerate() {
        let counter = u64::try_from(number).unwrap() + 1;
        tills.answer(&tills.payment(counter, 10 * PRICE)).await;
        let open = tills.cards.merchant(MERCHANT).await.unwrap().cycle.number;
        let point = format!("prepaid.issuer.cycle.{moment}");
        if is_banking_day {
            configure(&tills.cards.issuer, |text| {
                text.replace("[prepaid.issuer]\n", &format!("[prepaid.issuer]\n{line}"))
            });
            restart(&mut tills.cards.issuer, &[("FAILPOINTS", &format!("{point}=pause"))]).await;
            // At the next full minute.
            let mut waited = 0;
            while !std::fs::read_to_string(tills.cards.issuer.log())
                .unwrap()
                .contains(&format!("reached fail point {point}"))
            {
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                waited += 1;
                assert!(waited < 90, "the cut-off never comes");
            }
            configure(&tills.cards.issuer, |text| text.replace(&line, ""));
            restart(&mut tills.cards.issuer, &[]).await;
        }
        // By hand, whoever was faster: the same cycle.
        let request = CloseCycleRequest { cycle: open };
        let what = format!("merchants/{}/close-cycle", MERCHANT.0);
        tills.cards.write(&tills.cards.issuer, &what, &request).await.unwrap();
        let now_open = tills.cards.merchant(MERCHANT).await.unwrap().cycle.number;
        assert_eq!(now_open, open + 1, "{point}");
        assert_eq!(tills.record(counter).await.unwrap().cycle, open, "{point}");
    }
    tills.float_is_whole().await;
}
