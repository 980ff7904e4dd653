//! A closed day's report, in every form.
#![allow(clippy::unwrap_used)]
use protocol::reconciliation::{Day, Side};

use super::{
    csv::{Csv, COLUMNS},
    html::Html,
    world::{trade, World, DAY, HEAD},
    Booked, EntryLine, Report, ReportError, Status,
};

fn line(report: &Report, number: u32) -> &EntryLine {
    let mut lines = report.entries.iter().flat_map(|page| &page.entries);
    lines.find(|line| line.entry.entry.trade == trade(number)).unwrap()
}

#[tokio::test]
async fn a_report_tells_of_every_entry_and_of_both_books() {
    let world = World::new().await;
    let report = world.report().await.unwrap();
    assert_eq!(report.head.date, "2026-11-25");
    assert_eq!((report.head.at.block, report.head.record), (HEAD, world.record));
    let sizes: Vec<usize> = report.entries.iter().map(|page| page.entries.len()).collect();
    assert_eq!(sizes, [256, 256, 256, 256, 176]);
    assert_eq!(report.debit.iter().map(Vec::len).sum::<usize>(), 1_199);
    assert_eq!(report.totals.debit, report.totals.credit);

    let plain = line(&report, 5);
    assert_eq!((plain.status, plain.debit.booked), (Status::Matched, Booked::Line));
    assert_eq!((plain.debit.amount, plain.credit.amount), (Some(105), Some(105)));
    let batched = line(&report, 130);
    assert_eq!((batched.credit.booked, batched.credit.amount), (Booked::Batch, None));
    let corrected = line(&report, 1);
    assert_eq!(
        (corrected.status, corrected.corrections[0].before),
        (Status::Corrected, Some(101))
    );
    let void = line(&report, 2);
    assert_eq!((void.status, void.debit.booked), (Status::Void, Booked::Nothing));
    assert_eq!(report.earlier[0].entries[0].entry.entry.trade, trade(9_000));
}

#[tokio::test]
async fn what_was_corrected_after_the_closing_is_told_apart_from_what_the_day_came_to() {
    let world = World::new().await;
    let report = world.report().await.unwrap();
    let later = line(&report, 4);
    assert_eq!((later.entry.entry.amount, later.at_closing(DAY)), (77, 104));
    assert_eq!(report.totals.later, 77 - 104);
    assert_eq!(report.totals.earlier, 150 - 9_100);
    assert_eq!(report.totals.total(), Some(world.record.total));
}

#[tokio::test]
async fn a_book_that_is_not_known_here_is_not_made_up() {
    let world = World::knowing(&[Side::Debit]).await;
    let report = world.report().await.unwrap();
    assert!(report.head.credit.is_none() && report.credit.is_empty());
    assert_eq!(line(&report, 5).credit.booked, Booked::Unknown);
    assert_eq!(line(&report, 5).debit.booked, Booked::Line);
}

#[tokio::test]
async fn an_open_day_has_no_report() {
    let world = World::new().await;
    let error = world.draw(Day(1), &mut Csv::default()).await.unwrap_err();
    assert!(matches!(error, ReportError::NotClosed(Day(1))));
    assert!(error.to_string().contains("1970-01-02"), "{error}");
}

#[tokio::test]
async fn what_the_node_proves_otherwise_is_not_reported() {
    let mut world = World::new().await;
    world.entries.get_mut(&trade(7)).unwrap().entry.amount += 1;
    world.seal();
    assert!(matches!(world.report().await, Err(ReportError::Changed)));
}

#[tokio::test]
async fn a_row_of_csv_stands_for_each_entry() {
    let world = World::new().await;
    let text = world.draw(DAY, &mut Csv::default()).await.unwrap();
    let mut reader = csv::Reader::from_reader(&text[..]);
    assert_eq!(reader.headers().unwrap(), COLUMNS.as_slice());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1_201);
    let corrected = rows.iter().find(|row| row[3] == trade(1).to_string()).unwrap();
    assert_eq!(
        [&corrected[5], &corrected[8], &corrected[14]],
        ["500", "corrected", "101"]
    );
    assert_eq!((&rows[0][1], &rows[0][2]), ("2026-11-25", "2026-11-24"));
}

#[tokio::test]
async fn a_page_of_html_stands_alone() {
    let world = World::new().await;
    let page = String::from_utf8(world.draw(DAY, &mut Html::default()).await.unwrap()).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    assert_eq!(page.matches("<tr class=\"matched\">").count(), 1_197);
    assert_eq!(page.matches("<table>").count(), page.matches("</table>").count());
    for outside in ["<script", "src=", "href=", "http://", "https://", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("Reconciliation of 2026-11-25"));
    assert!(page.contains("another amount at the debit side"));
    assert!(page.contains("counts on 2026-11-26"));
    assert!(page.contains("quittance audit report"));
}
