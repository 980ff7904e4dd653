//! Both sides import their files twice, one after the other and at the same time, under other names too. Each line is booked once.
use protocol::reconciliation::Side;
use quittance::{
    devnet::reconciliation::{camt053, csv, date, yesterday, Keeping, PlantedDay},
    http::reconciliation::imports::ImportPage,
    reconciliation::import::Format,
};

use crate::{network::count, reckoning::Reckoning};

#[tokio::test(flavor = "multi_thread")]
async fn files_that_come_twice_are_booked_once() {
    let reckoning = Reckoning::open(Keeping::CSV, Keeping::CAMT).await;
    let (network, book) = (&reckoning.network, &reckoning.book);
    let had = reckoning.received().await;
    let planted = PlantedDay::clean(yesterday().unwrap(), 300);
    book.record(network, &planted.payments).await.unwrap();
    let files = [
        (Side::Debit, Format::Csv, csv(&planted.debit)),
        (Side::Credit, Format::Camt053, camt053(&planted.credit, "statement")),
    ];
    for (side, format, text) in files {
        let lines = u64::try_from(planted.lines(side).len()).unwrap();
        let upload = |name: &'static str| book.upload(network, side, (name, format, ""), &text);
        // Looked at first: nothing is booked.
        let looked = book.upload(network, side, ("preview", format, "&dry_run=true"), &text);
        let looked = looked.await.unwrap();
        assert_eq!(
            (looked.lines, looked.is_dry_run, looked.import.is_none()),
            (lines, true, true)
        );
        let institution = book.side(network, side).unwrap();
        assert_eq!(count(institution, "book_lines").await, 0);

        let (first, second) = futures::join!(upload("morning"), upload("noon"));
        let third = upload("evening").await.unwrap();
        let numbers = [first.unwrap(), second.unwrap(), third].map(|report| {
            assert_eq!((report.lines, report.problems.len()), (lines, 0));
            report.import.unwrap().import
        });
        assert!(numbers.iter().all(|number| *number == numbers[0]), "{numbers:?}");
        assert_eq!(count(institution, "book_imports").await, 1);
        assert_eq!(u64::try_from(count(institution, "book_lines").await), Ok(lines));
    }
    reckoning.run(planted.day).await;
    reckoning.is_paid(&planted).await;
    assert_eq!(reckoning.received().await, had + planted.total);
    for side in [Side::Debit, Side::Credit] {
        assert_eq!(book.breaks(network, side, planted.day).await.unwrap().len(), 0);
    }

    // What is closed is final: another file for the day is refused, and says why.
    let late = csv(&planted.debit[..1]);
    let refused = book
        .upload(network, Side::Debit, ("late", Format::Csv, ""), &late)
        .await
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains(&format!("{} is closed", date(planted.day))),
        "{refused:#}"
    );
    let page: ImportPage = book.read(network, Side::Debit, "imports").await.unwrap();
    assert_eq!(page.imports.len(), 1, "{page:#?}");
}
