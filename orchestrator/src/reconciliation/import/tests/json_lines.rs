use protocol::PayerId;

use super::*;

const GOOD: &str = "{\"id\":\"INV-1\",\"amount\":\"1250\",\"date\":\"2026-11-25\"}\n";

#[test]
fn each_line_is_an_object() {
    let full = "{\"id\":\"INV-2\",\"amount\":\"3\",\"date\":\"2026-11-26\",\"time\":\"2026-11-25T23:30:00Z\",\"payer\":\"4711\",\
                \"asset\":\"EUR\"}";
    let [first, second, third] = lines(format!("{GOOD}\r\n{full}\n{}", GOOD.trim()), Format::JsonLines)
        .try_into()
        .unwrap();
    assert_eq!((first.trade, first.number, first.amount), (trade("INV-1"), 1, 1_250));
    assert_eq!((first.asset, first.payer, first.time), (Asset::Native, None, None));
    assert_eq!((second.number, second.day, second.asset), (3, day("2026-11-26"), EURO));
    assert_eq!(second.time, Some(at("2026-11-25T23:30:00Z")));
    assert_eq!(second.payer, Some(PayerId::of("4711")));
    assert_eq!(third.number, 4);
}

#[test]
fn a_time_without_an_offset_is_by_the_books_clocks() {
    let text = GOOD.replace('}', ",\"time\":\"2026-11-25T10:30:00\"}");
    assert_eq!(lines(text, Format::JsonLines)[0].time, Some(at("2026-11-25T09:30:00Z")));
}

#[test]
fn a_truncated_object_is_refused_where_it_breaks_off() {
    wrong(
        format!("{GOOD}{{\"id\":\"INV"),
        Format::JsonLines,
        (2, 10),
        "EOF while parsing",
    );
}

#[test]
fn another_encoding_is_refused() {
    let mut latin = GOOD.as_bytes().to_vec();
    latin.extend(b"{\"id\":\"M\xfcller\"}");
    wrong(latin, Format::JsonLines, (2, 9), "isn't UTF-8");
    let wide: Vec<u8> = [0xfe, 0xff]
        .into_iter()
        .chain(GOOD.encode_utf16().flat_map(u16::to_be_bytes))
        .collect();
    wrong(wide, Format::JsonLines, (1, 1), "UTF-16");
}

#[test]
fn wrong_amounts_are_refused() {
    for (amount, column, says) in [
        ("\"12.50\"", 15, "is no amount"),
        ("\"-1\"", 15, "is no amount"),
        ("\"\"", 15, "is no amount"),
        ("\"340282366920938463463374607431768211456\"", 15, "is no amount"),
    ] {
        let text = format!("{{\"id\":\"INV-1\",\"amount\":{amount},\"date\":\"2026-11-25\"}}");
        wrong(text, Format::JsonLines, (1, column), says);
    }
    // A number loses digits in other programs.
    wrong(
        GOOD.replace("\"1250\"", "1250"),
        Format::JsonLines,
        (1, 27),
        "expected a string",
    );
}

#[test]
fn names_that_are_missing_twice_or_unknown_are_refused() {
    wrong(
        "{\"id\":\"a\",\"amount\":\"1\"}",
        Format::JsonLines,
        (1, 23),
        "missing field `date`",
    );
    wrong(
        GOOD.replace("date", "amount"),
        Format::JsonLines,
        (1, 38),
        "duplicate field `amount`",
    );
    wrong(
        GOOD.replace("date", "day"),
        Format::JsonLines,
        (1, 35),
        "unknown field `day`",
    );
    wrong("[1]", Format::JsonLines, (1, 2), "this is no line of a book");
}

#[test]
fn what_is_closed_takes_no_more_lines() {
    wrong(
        GOOD.replace("11-25", "11-20"),
        Format::JsonLines,
        (1, 31),
        "2026-11-20 is closed",
    );
}

#[test]
fn a_line_of_a_gigabyte_is_an_error_and_passed_over() {
    let read = too_long(&format!("{GOOD}{{\"id\":\""), Format::JsonLines, (2, 1));
    assert!(read > 1 << 30, "{read}");
}
