//! Payments are signed, kept, sent and answered.
use super::*;

#[tokio::test]
async fn a_payment_is_signed_by_card_and_terminal_sealed_to_the_issuer_and_sent() {
    let shop = Shop::answering(|_, order| agreeable(order)).await;
    let mut till = shop.till();
    let before = now();
    let sent = till.pay(&shop.card(), &sale(100)).await.unwrap();
    assert_eq!(sent.entry.answer(), Some(&approved(100)));
    assert!(till.queue().waiting().is_empty());

    let (message, order) = shop.heard().remove(0);
    let settings = shop.settings("");
    let terminal = setup::public_key(&shop.till_directory()).unwrap();
    assert!(verify(
        &terminal.0,
        &message.payload(&settings.domain()),
        &message.signature
    ));
    assert_eq!((message.issuer, message.terminal), (settings.issuer, terminal));
    assert_eq!(message.reference, order.reference());
    let TerminalOrder::Pay { payment: signed } = order else {
        panic!("{order:?}");
    };
    let payment = signed.payment;
    let card = card::facts(&shop.place.path().join("card.json")).unwrap().key;
    assert!(verify(&card.0, &payment.payload(&settings.domain()), &signed.card));
    assert!(verify(
        &terminal.0,
        &payment.payload(&settings.domain()),
        &signed.terminal
    ));
    assert_eq!(
        (payment.merchant, payment.amount, payment.least),
        (MerchantNumber(5), 100, 100)
    );
    assert!((before + 600_000..=now() + 600_000).contains(&payment.expires_at));
}

#[tokio::test]
async fn a_pending_payment_is_asked_about_with_the_same_order_until_it_is_final() {
    let shop = Shop::answering(|attempt, order| match attempt {
        0..3 => answer(&OrderAnswer::Pending),
        _ => agreeable(order),
    })
    .await;
    let sent = shop.till().pay(&shop.card(), &sale(100)).await.unwrap();
    assert_eq!(sent.entry.answer(), Some(&approved(100)));
    let heard = shop.heard();
    assert_eq!(heard.len(), 4);
    let same = |(message, order): &(TerminalMessage, TerminalOrder)| (message.reference, order.clone());
    assert!(heard.iter().all(|message| same(message) == same(&heard[0])));
}

#[tokio::test]
async fn a_declined_payment_stays_declined_and_the_next_sale_has_another_counter() {
    let shop = Shop::answering(|attempt, order| match attempt {
        0 => answer(&declined(DeclineCode::InsufficientFunds)),
        _ => agreeable(order),
    })
    .await;
    let mut till = shop.till();
    for _ in 0..2 {
        let sent = till.pay(&shop.card(), &named(100)).await.unwrap();
        assert_eq!(sent.entry.answer(), Some(&declined(DeclineCode::InsufficientFunds)));
    }
    assert_eq!(shop.heard().len(), 1);
    let next = till.pay(&shop.card(), &sale(100)).await.unwrap();
    assert_eq!((next.entry.payment().1, next.entry.answer()), (2, Some(&approved(100))));
}

#[tokio::test]
async fn a_name_belongs_to_one_order() {
    let shop = Shop::answering(|_, order| agreeable(order)).await;
    let mut till = shop.till();
    till.pay(&shop.card(), &named(100)).await.unwrap();
    let other = till.pay(&shop.card(), &named(99)).await;
    assert!(
        matches!(other, Err(TillError::OtherOrder { number: 1, .. })),
        "{other:?}"
    );
    let refund = till.refund(PaymentName::Key((CardNumber(7), 1)), None, None, Some("basket".into()));
    assert!(matches!(refund.await, Err(TillError::OtherOrder { .. })));
    assert_eq!(shop.next_counter(), 2);
}

#[tokio::test]
async fn offline_payments_are_taken_up_to_the_floor_and_the_bound_and_sent_later() {
    let shop = Shop::answering(|_, order| match order {
        TerminalOrder::Pay { payment } if payment.payment.counter == 2 => answer(&declined(DeclineCode::CardFrozen)),
        order => agreeable(order),
    })
    .await;
    let card = shop.card();
    let mut till = shop.till();
    let above = till.pay(&card, &offline(101)).await;
    assert!(
        matches!(above, Err(TillError::AboveFloor { floor: 100, .. })),
        "{above:?}"
    );
    for _ in 0..2 {
        let sent = till.pay(&card, &offline(100)).await.unwrap();
        assert_eq!((sent.entry.outcome, sent.trouble), (None, None));
    }
    let above = till.pay(&card, &offline(51)).await;
    assert!(
        matches!(
            above,
            Err(TillError::AboveBound {
                waiting: 200,
                bound: 250,
                ..
            })
        ),
        "{above:?}"
    );
    let last = till.pay(&card, &offline(50)).await.unwrap();
    let days = last.entry.expires_at().saturating_sub(last.entry.signed_at);
    assert!((7 * 86_400_000 - 60_000..=7 * 86_400_000).contains(&days), "{days}");
    assert!(shop.heard().is_empty(), "nobody is asked");
    assert_eq!(shop.next_counter(), 4, "what is refused uses no counter");

    drop(till);
    let mut till = shop.till();
    assert!(
        till.catch_up().await.unwrap().is_empty(),
        "they are sent when somebody says so"
    );
    let mut told = 0;
    let sent = till.send(|_| told += 1).await.unwrap();
    let answers: Vec<_> = sent.iter().map(|sent| sent.entry.answer().cloned().unwrap()).collect();
    assert_eq!(
        answers,
        [approved(100), declined(DeclineCode::CardFrozen), approved(50)]
    );
    assert_eq!((told, shop.heard().len()), (3, 3));
    assert!(till.send(|_| {}).await.unwrap().is_empty(), "each once");
    till.pay(&card, &offline(100)).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_a_payment_is_not_signed() {
    let shop = Shop::closed();
    let mut till = shop.till_with(ONCE);
    let least = |least| Sale {
        least: Some(least),
        ..sale(100)
    };
    for bad in [sale(0), least(0), least(101)] {
        assert!(matches!(till.pay(&shop.card(), &bad).await, Err(TillError::BadAmount)));
    }
    assert_eq!(shop.next_counter(), 1);

    let shop = Shop::closed();
    let foreign = shop.card_of([8; 32]);
    let refused = shop.till_with(ONCE).pay(&foreign, &sale(100)).await;
    assert!(matches!(refused, Err(TillError::OtherProgramme(7))), "{refused:?}");
    assert_eq!(shop.next_counter(), 1);
}

#[tokio::test]
async fn one_process_at_a_time_uses_a_terminal() {
    let shop = Shop::closed();
    let till = shop.till();
    let second = Till::open(&shop.till_directory(), None);
    assert!(matches!(second, Err(TillError::Disk(DiskError::Busy(_)))), "{second:?}");
    drop(till);
    shop.till();
}
