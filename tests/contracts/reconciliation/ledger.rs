//! The contract as orchestrators reach it: what they tell it is done, and they learn of what others did.
use protocol::{
    reconciliation::{Day, Error, DAY},
    TradeId,
};
use quittance::reconciliation::ports::{Act, Event, LedgerError, ReconciliationLedger};
use quittance_tests::{
    contract_chain::{GENESIS, START},
    institutions::key,
    reconciliation::{
        entries, entry,
        ledger::{hash, OfficeChain, OfficeLedger},
        terms, trade, Office, AMOUNT, BOOK, CLIENT, CREDIT, DEBIT, EXPIRY, TODAY, YESTERDAY,
    },
};
use sp_core::Pair as _;

async fn record(ledger: &OfficeLedger, number: u32) -> Result<protocol::Timestamp, LedgerError> {
    let act = Act::Record {
        book: BOOK,
        day: YESTERDAY,
        batch: None,
        entries: vec![entry(number, AMOUNT)],
    };
    let block = ledger.carry_out("record", &act).await?;
    assert_eq!(ledger.head().0, block.number);
    Ok(ledger.head().1)
}

#[tokio::test]
async fn a_book_is_opened_recorded_in_corrected_and_closed_through_the_port() {
    let chain = OfficeChain::start(Office::new);
    let [client, debit, credit] = [CLIENT, DEBIT, CREDIT].map(|member| chain.of(member));
    assert_eq!(client.genesis(), GENESIS);
    assert_eq!(client.first_block().await.unwrap(), 1);
    let set = client.signers(&[DEBIT, CREDIT]).await.unwrap();
    assert_eq!(set.signers[1].as_ref().unwrap().signing_key, key(CREDIT).public().0);

    let (terms, epoch, expires_at, of_debit, of_credit) = chain.run(|office| office.signed_terms(&terms(0)));
    assert_eq!(set.epoch, epoch);
    assert_eq!(debit.book_of(terms.id()).await.unwrap(), None);
    let open = Act::OpenBook {
        terms: terms.clone(),
        epoch,
        expires_at,
        debit: of_debit,
        credit: of_credit,
    };
    debit.carry_out("open", &open).await.unwrap();
    assert_eq!(credit.book_of(terms.id()).await.unwrap(), Some(BOOK));

    let recorded = Act::Record {
        book: BOOK,
        day: YESTERDAY,
        batch: None,
        entries: entries(3),
    };
    let block = client.carry_out("record", &recorded).await.unwrap();
    assert_eq!((block.number, block.hash), (3, hash(3)));

    let correction = chain.run(|office| {
        let correction = office.correction(trade(1), 400);
        office.signed(correction)
    });
    let correct = Act::Correct {
        book: BOOK,
        corrections: vec![correction.clone()],
    };
    credit.carry_out("correct", &correct).await.unwrap();
    let found = debit.entries(BOOK, &[trade(1), TradeId([0; 32])]).await.unwrap();
    assert_eq!(found[0].unwrap().amount, 400);
    assert_eq!(found[1], None);

    let (closing, epoch, of_debit, of_credit) = chain.run(|office| {
        let closing = office.closing(YESTERDAY);
        office.signed_closing(closing, &[DEBIT, CREDIT])
    });
    let close = Act::CloseDay {
        closing,
        epoch,
        debit: of_debit,
        credit: of_credit,
    };
    credit.carry_out("close", &close).await.unwrap();
    let days = debit.days(BOOK, &[YESTERDAY, TODAY]).await.unwrap();
    let closed = days[0].unwrap().closed.unwrap();
    assert_eq!((closed.payable, days[1]), (2_400, None));
    let books = debit.books(&[BOOK]).await.unwrap();
    assert_eq!(books[0].as_ref().unwrap().closed_through, Some(YESTERDAY));

    let told = debit.events(1, debit.head().0).await.unwrap();
    let expected = [
        Event::BookOpened { book: BOOK, terms },
        Event::Recorded {
            book: BOOK,
            day: YESTERDAY,
            batch: None,
            entries: entries(3),
        },
        Event::Corrected {
            book: BOOK,
            before: Some(AMOUNT),
            correction: correction.correction,
        },
        Event::DayClosed {
            book: BOOK,
            closing,
            closed,
        },
    ];
    assert_eq!(told.iter().map(|one| one.what.clone()).collect::<Vec<_>>(), expected);
    assert_eq!(
        told.iter().map(|one| one.block.number).collect::<Vec<_>>(),
        [2, 3, 4, 5]
    );
    assert_eq!(debit.events(3, 3).await.unwrap(), told[1..2]);
}

#[tokio::test]
async fn what_the_contract_refuses_is_told_with_its_reason_and_makes_no_block() {
    let chain = OfficeChain::start(Office::default);
    let stranger = chain.of(DEBIT);
    let refused = record(&stranger, 1).await;
    assert!(
        matches!(refused, Err(LedgerError::Refused(Error::NotTheClient))),
        "{refused:?}"
    );
    assert_eq!(stranger.head(), (1, START));
    let asked = stranger.days(BOOK, &[Day(0); 129]).await;
    assert!(
        matches!(asked, Err(LedgerError::Refused(Error::TooManyAsked))),
        "{asked:?}"
    );
}

#[tokio::test]
async fn time_passes_on_chain_with_the_next_block() {
    let chain = OfficeChain::start(Office::default);
    let client = chain.of(CLIENT);
    chain.pass_time(DAY);
    assert_eq!(client.head(), (1, START));
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.next_block().await }
    });
    tokio::task::yield_now().await;
    client.make_block("tick").await.unwrap();
    waiting.await.unwrap();
    assert_eq!(client.head(), (2, START + DAY));
    assert_eq!(record(&client, 1).await.unwrap(), START + DAY);
    const { assert!(START + DAY < EXPIRY) };
}
