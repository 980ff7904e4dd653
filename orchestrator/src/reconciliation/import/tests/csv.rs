use protocol::PayerId;

use super::*;

const HEADER: &str = "Reference;Amount;Currency;Booked;Time;Customer;Note\n";

fn file(lines: &str) -> String {
    format!("{HEADER}{lines}")
}

#[test]
fn a_file_is_read_by_the_map_of_its_columns() {
    let text = file("INV-1;12,50;EUR;25.11.2026;10:30;4711;\"paid; \"\"cash\"\"\"\n\nINV-2;3;native;25.11.2026;;;\n");
    let marked = [&[0xef, 0xbb, 0xbf], text.as_bytes()].concat();
    for source in [text.as_bytes(), &marked, text.replace('\n', "\r\n").as_bytes()] {
        let [first, second] = lines(source, Format::Csv).try_into().unwrap();
        assert_eq!((first.trade, first.number, first.amount), (trade("INV-1"), 2, 1_250));
        assert_eq!((first.day, first.asset), (day("2026-11-25"), EURO));
        assert_eq!(first.time, Some(at("2026-11-25T09:30:00Z")));
        assert_eq!(first.payer, Some(PayerId::of("4711")));
        assert_eq!((second.amount, second.asset), (300, Asset::Native));
        assert_eq!((second.number, second.time, second.payer), (4, None, None));
    }
}

#[test]
fn a_column_that_is_missing_is_named() {
    let wanted = HEADER.replace("Amount", "Betrag");
    wrong(wanted, Format::Csv, (1, 1), "no column \"Amount\"");
    wrong("", Format::Csv, (1, 1), "the file is empty");
    // Another delimiter: all of it is one column.
    wrong(HEADER.replace(';', ","), Format::Csv, (1, 1), "no column \"Reference\"");
}

#[test]
fn a_header_that_is_there_twice_is_refused() {
    wrong(
        HEADER.replace("Note", "Amount"),
        Format::Csv,
        (1, 7),
        "is there twice, as column 2 before",
    );
    // Of others it doesn't matter.
    let text = file("INV-1;12,50;EUR;25.11.2026;10:30;4711;;\n").replace("Note", "Note;Note");
    assert_eq!(lines(text, Format::Csv).len(), 1);
}

#[test]
fn a_truncated_line_is_refused() {
    wrong(file("INV-1;12,50;EUR;25.11"), Format::Csv, (2, 4), "has 4 columns");
    wrong(
        file("INV-1;12,50;EUR;25.11.2026;10:30;4711;x;y\n"),
        Format::Csv,
        (2, 7),
        "has 8 columns",
    );
}

#[test]
fn a_quote_that_is_never_closed_is_refused() {
    let begun = "INV-1;12,50;EUR;25.11.2026;10:30;4711;ok\nINV-2;1;EUR;25.11.2026;10:30;4711;\"never closed";
    wrong(file(begun), Format::Csv, (3, 7), "a quote isn't closed");
    wrong(file(&format!("{begun}\n")), Format::Csv, (3, 7), "a quote isn't closed");
    // A quote in the middle of a column is a letter.
    let inch = "INV-1;12,50;EUR;25.11.2026;10:30;4711;a screen of 27\"\n";
    assert_eq!(lines(file(inch), Format::Csv).len(), 1);
}

#[test]
fn another_encoding_is_refused() {
    let mut latin = file("INV-1;12,50;EUR;25.11.2026;10:30;M").into_bytes();
    latin.extend(b"\xfcller;\n");
    wrong(latin, Format::Csv, (2, 6), "save the file as UTF-8");
    let mut wide = vec![0xff, 0xfe];
    wide.extend(file("").encode_utf16().flat_map(u16::to_le_bytes));
    wrong(wide, Format::Csv, (1, 1), "UTF-16");
    let mut header = HEADER.as_bytes().to_vec();
    header[0] = 0xff;
    wrong(header, Format::Csv, (1, 1), "save the file as UTF-8");
}

#[test]
fn wrong_amounts_are_refused_and_none_is_rounded() {
    for (amount, says) in [
        ("", "is no amount"),
        ("12.50", "is no amount"),
        ("1.200,50", "is no amount"),
        ("12,", "is no amount"),
        (",5", "is no amount"),
        ("+5", "is no amount"),
        ("1e3", "is no amount"),
        ("١٢", "is no amount"),
        ("12,505", "3 digits behind the point"),
        ("-12,50", "below 0"),
        ("3402823669209384634633746074317682114,56", "more than an amount can be"),
    ] {
        let line = format!("INV-1;{amount};EUR;25.11.2026;10:30;4711;\n");
        wrong(file(&line), Format::Csv, (2, 2), says);
    }
    let line = "INV-1;3402823669209384634633746074317682114,550;EUR;25.11.2026;10:30;4711;\n";
    assert_eq!(lines(file(line), Format::Csv)[0].amount, u128::MAX);
}

#[test]
fn ids_days_times_and_assets_that_are_none_are_refused() {
    for (line, column, says) in [
        (" ;12,50;EUR;25.11.2026;10:30;4711;", 1, "the id is empty"),
        ("INV-1;12,50;USD;25.11.2026;10:30;4711;", 3, "\"USD\" is no asset"),
        ("INV-1;12,50;EUR;2026-11-25;10:30;4711;", 4, "is no date"),
        ("INV-1;12,50;EUR;31.11.2026;10:30;4711;", 4, "is no date"),
        ("INV-1;12,50;EUR;31.12.1969;10:30;4711;", 4, "is no day"),
        ("INV-1;12,50;EUR;20.11.2026;10:30;4711;", 4, "2026-11-20 is closed"),
        ("INV-1;12,50;EUR;25.11.2026;25:30;4711;", 5, "is no time"),
    ] {
        wrong(file(&format!("{line}\n")), Format::Csv, (2, column), says);
    }
}

#[test]
fn every_line_that_is_wrong_is_told() {
    let text = file("INV-1;x;EUR;25.11.2026;10:30;4711;\nINV-2;1;EUR;25.11.2026;;;\nINV-3;1;EUR;x;;;\nINV-4;1;EUR\n");
    let items = all(text.as_bytes(), Format::Csv);
    let bad: Vec<_> = items
        .iter()
        .filter_map(|item| match item {
            Item::Bad(bad) => Some((bad.line, bad.column)),
            _ => None,
        })
        .collect();
    assert_eq!(bad, [(2, 2), (4, 4), (5, 3)]);
    assert_eq!(items.len(), 4);
}

#[test]
fn a_line_of_a_gigabyte_is_an_error_after_a_megabyte() {
    let read = too_long(&file("INV-1;"), Format::Csv, (2, 1));
    assert!(read < 3 << 20, "{read}");
    // In quotes, too.
    let read = too_long(&file("INV-1;1;EUR;25.11.2026;;;\""), Format::Csv, (2, 1));
    assert!(read < 3 << 20, "{read}");
    too_long("", Format::Csv, (1, 1));
}
