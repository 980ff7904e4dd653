//! Voids, refunds, and orders that are given up.
use super::*;

#[tokio::test]
async fn a_refund_continues_where_the_last_one_ended() {
    let shop = Shop::answering(|_, order| agreeable(order)).await;
    let mut till = shop.till();
    let paid = till.pay(&shop.card(), &sale(100)).await.unwrap().entry;
    let by_reference = PaymentName::Reference(paid.order.reference());
    let by_key = PaymentName::Key(paid.payment());
    till.refund(by_reference, Some(30), None, None).await.unwrap();
    let rest = till.refund(by_key, None, None, None).await.unwrap().entry;
    assert_eq!(rest.answer(), Some(&returned(70)));
    let TerminalOrder::Refund { order, .. } = rest.order else {
        panic!("{rest:?}");
    };
    assert_eq!((order.amount, order.returned), (70, 30));
    let nothing = till.refund(by_key, None, None, None).await;
    assert!(matches!(nothing, Err(TillError::NothingLeft(_))), "{nothing:?}");
}

#[tokio::test]
async fn another_terminals_payment_is_given_back_when_the_amount_is_said() {
    let shop = Shop::answering(|_, order| agreeable(order)).await;
    let mut till = shop.till();
    let theirs = PaymentName::Key((CardNumber(8), 3));
    let unknown = till.refund(theirs, None, None, None).await;
    assert!(matches!(unknown, Err(TillError::AmountNeeded(_))), "{unknown:?}");
    let sent = till.refund(theirs, Some(10), Some(5), None).await.unwrap();
    let TerminalOrder::Refund { order, .. } = sent.entry.order else {
        panic!("{sent:?}");
    };
    assert_eq!((order.amount, order.returned), (10, 5));
    let unknown = till.void(PaymentName::Reference([3; 32]), None).await;
    assert!(matches!(unknown, Err(TillError::UnknownPayment(_))), "{unknown:?}");
}

#[tokio::test]
async fn what_was_declined_or_is_not_answered_is_not_given_back() {
    let shop = Shop::answering(|attempt, order| match (attempt, order) {
        (0, _) => answer(&declined(DeclineCode::CardFrozen)),
        (_, TerminalOrder::Void { .. }) => problem(StatusCode::FORBIDDEN),
        (_, order) => agreeable(order),
    })
    .await;
    let mut till = shop.till();
    let refused = till.pay(&shop.card(), &sale(100)).await.unwrap().entry.payment();
    let nothing = till.refund(PaymentName::Key(refused), None, None, None).await;
    assert!(matches!(nothing, Err(TillError::NotTaken(_))), "{nothing:?}");

    let paid = till.pay(&shop.card(), &sale(100)).await.unwrap().entry.payment();
    let void = till.void(PaymentName::Key(paid), None).await.unwrap();
    assert!(void.trouble.is_some());
    let unclear = till.refund(PaymentName::Key(paid), None, None, None).await;
    assert!(
        matches!(unclear, Err(TillError::StillWaits { number: 3, .. })),
        "{unclear:?}"
    );
}

#[tokio::test]
async fn an_order_is_given_up_only_after_it_has_expired() {
    let shop = Shop::closed();
    let mut till = shop.till_with(ONCE);
    let waiting = till.pay(&shop.card(), &sale(100)).await.unwrap().entry;
    let early = till.drop_order(waiting.number);
    assert!(matches!(early, Err(TillError::NotExpired { .. })), "{early:?}");
    assert!(matches!(till.drop_order(99), Err(TillError::UnknownOrder(99))));

    let expired = |expires_at: Timestamp| {
        let order = VoidOrder {
            card: CardNumber(7),
            counter: 9,
            terminal: till.terminal(),
            expires_at,
        };
        TerminalOrder::Void {
            order,
            signature: Signature([0; 64]),
        }
    };
    let order = expired(now() - GRACE - 1);
    let kept = till.keep(order, None, false).unwrap();
    let dropped = till.drop_order(kept.number).unwrap();
    assert!(matches!(dropped.outcome, Some(Outcome::Dropped { .. })));
    assert_eq!(till.queue().waiting().len(), 1);
}

#[test]
fn a_payment_is_named_as_on_its_receipt() {
    assert_eq!("7/3".parse(), Ok(PaymentName::Key((CardNumber(7), 3))));
    let reference = protocol::text::to_hex(&[5; 32]);
    assert_eq!(reference.parse(), Ok(PaymentName::Reference([5; 32])));
    for bad in ["7", "7/", "/3", "0x12", "seven/3", "7/-3"] {
        assert!(bad.parse::<PaymentName>().is_err(), "{bad}");
    }
}
