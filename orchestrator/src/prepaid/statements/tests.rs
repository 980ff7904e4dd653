//! Statements that add up, in every form.
#![allow(clippy::unwrap_used)]
use proptest::prelude::*;
use protocol::{
    fees::share,
    prepaid::{CardNumber, MerchantNumber, Rules, DAY},
    text::to_hex,
    AccountId, Amount,
};

use super::{
    camt::{self, Money},
    csv,
    draw::{draw_up, Basis},
    LineKind, MerchantStatement, StatementError,
};
use crate::prepaid::{
    book::{Entry, EntryKind},
    past::At,
    world::{payment, subject, World, HOUR, RULES},
};

const MERCHANT: MerchantNumber = MerchantNumber(3);

/// One of each kind of line, in cycle 0.
pub(crate) fn full() -> World {
    let mut world = World::small();
    world.pay_all(&[
        (payment(7, 1, 150), true, true),
        (payment(7, 2, 50), true, true),
        (payment(7, 3, 200), true, true),
    ]);
    world.next(HOUR);
    world.void(7, 2).unwrap();
    world.refund(7, 1, 30).unwrap();
    world.fund(3, 500, 2).unwrap();
    world.dispute(7, 3, 70).unwrap();
    world.next(HOUR);
    world.rule(7, 3, Some(20)).unwrap();
    world.next(DAY);
    world.close_cycle(3).unwrap();
    world
}

pub(crate) fn statement() -> MerchantStatement {
    MerchantStatement::of(&full().book(), subject(), MERCHANT, 0).unwrap()
}

#[test]
fn a_statement_has_a_line_for_everything_that_moved_and_adds_up() {
    let statement = statement();
    assert_eq!(statement.differences, []);
    assert!(statement.adds_up());
    let lines: Vec<(LineKind, i128)> = statement.lines.iter().map(|line| (line.kind, line.amount)).collect();
    // 1 % of 350 and 2 for each of two payments; 35 stay.
    assert_eq!(
        lines,
        [
            (LineKind::Payment, 150),
            (LineKind::Payment, 50),
            (LineKind::Payment, 200),
            (LineKind::Void, -50),
            (LineKind::Refund, -30),
            (LineKind::Funding, 500),
            (LineKind::Award, -20),
            (LineKind::Fee, -7),
            (LineKind::Payout, -758),
        ]
    );
    let references: Vec<_> = statement.lines.iter().map(|line| line.reference).collect();
    assert_eq!(
        references[3],
        Some(payment(7, 2, 50).reference()),
        "a void is known by its payment"
    );
    assert_eq!(
        references[5],
        Some([2; 32]),
        "funding by what the one who paid knows it by"
    );
    assert_eq!(references[7..], [None, None]);
    let mut one_less = statement.clone();
    one_less.lines.pop();
    assert!(!one_less.adds_up());
}

#[test]
fn only_closed_cycles_of_known_merchants_have_statements() {
    let book = full().book();
    let of = |merchant, cycle| MerchantStatement::of(&book, subject(), MerchantNumber(merchant), cycle);
    assert_eq!(
        of(4, 0).unwrap_err(),
        StatementError::UnknownMerchant(MerchantNumber(4))
    );
    let open = of(3, 1).unwrap_err();
    assert!(open.to_string().contains("the open one has the number 1"), "{open}");
}

#[test]
fn what_the_merchant_was_told_otherwise_is_in_its_statement() {
    let mut world = full();
    if let Some((_, crate::prepaid::past::Event::CycleClosed { statement, .. })) = world.told.last_mut() {
        statement.paid -= 1;
    }
    let statement = MerchantStatement::of(&world.book(), subject(), MERCHANT, 0).unwrap();
    assert_eq!(statement.differences.len(), 1);
    assert_eq!(statement.differences[0].what, "merchant 3: cycle 0: paid");
    assert!(statement.adds_up(), "what follows still does");
}

#[test]
fn csv_always_has_the_same_columns_and_adds_up_to_the_closing_balance() {
    let text = csv::write(&statement()).unwrap();
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    assert_eq!(
        reader.headers().unwrap().iter().collect::<Vec<_>>().join(","),
        "row,merchant,cycle,card,counter,reference,terminal,amount,time,block,block_hash,event,line"
    );
    let rows: Vec<Vec<String>> = reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect();
    let closing = rows.iter().position(|row| row[0] == "closing").unwrap();
    let sum: i128 = rows[..closing].iter().map(|row| row[7].parse::<i128>().unwrap()).sum();
    assert_eq!(sum, rows[closing][7].parse::<i128>().unwrap());
    let payment_row = &rows[1];
    assert_eq!(payment_row[..5], ["payment", "3", "0", "7", "1"]);
    assert_eq!(payment_row[5], to_hex(&payment(7, 1, 150).reference()));
    assert_eq!(payment_row[9], "2");
    assert_eq!(payment_row[10], to_hex(&crate::prepaid::world::hash(2)));
    let total = |name: &str| rows.iter().find(|row| row[0] == name).unwrap()[7].clone();
    let named = [
        "count", "gross", "voided", "refunded", "awarded", "fee", "net", "paid", "reserve",
    ];
    let totals = named.map(|name| total(&format!("total-{name}")));
    assert_eq!(totals, ["3", "400", "50", "30", "20", "7", "793", "758", "35"]);
}

#[test]
fn json_is_read_as_it_is_written() {
    let text = serde_json::to_string(&statement()).unwrap();
    assert!(text.contains("\"amount\":\"-758\""), "{text}");
    assert_eq!(serde_json::from_str::<MerchantStatement>(&text).unwrap(), statement());
}

#[test]
fn camt_read_back_is_the_statement() {
    let statement = statement();
    let text = camt::write(&statement, &Money::default()).unwrap();
    let document = camt053::Document::from_reader(text.as_bytes()).unwrap();
    let read = &document.statements()[0];
    assert_eq!(read.identification, "2-3-0");
    assert_eq!(read.identification().unwrap(), "issuer-2-merchant-3");
    assert_eq!(read.opening().unwrap().amount().to_string(), "0.00");
    assert_eq!(read.closing().unwrap().amount().to_string(), "0.35");
    assert_eq!(read.entry.len(), statement.lines.len());
    for (entry, line) in read.entry.iter().zip(&statement.lines) {
        assert_eq!(entry.amount().mantissa(), line.amount);
        let code = &entry
            .bank_transaction_code
            .as_ref()
            .unwrap()
            .proprietary
            .as_ref()
            .unwrap()
            .code;
        assert_eq!(*code, line.kind.as_str().to_uppercase());
        assert_eq!(entry.reversal_indicator, (line.kind == LineKind::Void).then_some(true));
        let details = entry.details.first().map(|details| &details.transaction_details[0]);
        let Some(reference) = line.reference else {
            assert!(details.is_none());
            continue;
        };
        let details = details.unwrap();
        let remittance = &details.remittance_information.as_ref().unwrap().unstructured[0];
        assert_eq!(camt::reference_in(remittance), Some(reference));
        let references = details.references.as_ref().unwrap();
        let short = references.end_to_end_identification.clone().unwrap();
        assert_eq!((short.len(), short), (32, to_hex(&reference)[2..34].to_owned()));
        let transaction = line
            .card
            .zip(line.counter)
            .map(|(card, counter)| format!("{}-{counter}", card.0));
        assert_eq!(references.transaction_identification, transaction);
    }
    let mut places: Vec<&String> = read.entry.iter().filter_map(|entry| entry.reference.as_ref()).collect();
    places.sort();
    places.dedup();
    assert_eq!(places.len(), statement.lines.len(), "each entry has a place of its own");
    let summary = read.transactions_summary.as_ref().unwrap();
    assert_eq!(summary.total_entries.as_ref().unwrap().number_of_entries, Some(9));
    let kinds = &summary.total_entries_per_bank_transaction_code;
    assert_eq!(
        (kinds[0].number_of_entries, kinds[0].sum.unwrap().to_string()),
        (Some(3), "4.00".into())
    );
    assert_eq!(
        text,
        camt::write(&statement, &Money::default()).unwrap(),
        "it is the same every time"
    );
}

#[test]
fn amounts_have_as_many_decimals_as_are_said_and_are_never_rounded() {
    let decimal = |amount, decimals| {
        let money = Money {
            decimals,
            ..Money::default()
        };
        money.decimal(amount)
    };
    for (amount, decimals, text) in [
        (0, 2, "0.00"),
        (5, 2, "0.05"),
        (12_345, 2, "123.45"),
        (12_345, 0, "12345"),
        (1, 5, "0.00001"),
        (999_999_999_999_999_999, 5, "9999999999999.99999"),
    ] {
        assert_eq!(decimal(amount, decimals).unwrap(), text);
    }
    let long = decimal(1_000_000_000_000_000_000, 2).unwrap_err();
    assert!(long.to_string().contains("take CSV or JSON"), "{long}");
    assert!(decimal(1, 6).is_err());
}

#[test]
fn currencies_are_three_capital_letters() {
    assert!("EUR".parse::<camt::Currency>().is_ok());
    for text in ["eur", "EURO", "", "E1R", "€"] {
        assert!(text.parse::<camt::Currency>().is_err(), "{text}");
    }
}

fn entry(kind: EntryKind, amount: Amount) -> Entry {
    Entry {
        at: At {
            block: 1,
            event: 1,
            hash: [0; 32],
            time: 0,
        },
        line: 0,
        cycle: 0,
        kind,
        payment: Some((CardNumber(7), 1)),
        reference: [0; 32],
        amount,
    }
}

fn basis(rules: Rules, held: Amount, entries: &[Entry]) -> Basis<'_> {
    Basis {
        merchant: MERCHANT,
        account: AccountId([1; 32]),
        number: 0,
        opened_at: 0,
        closed_at: DAY,
        rules,
        opening: 0,
        fee_before: 0,
        held,
        entries,
    }
}

#[test]
fn a_fee_never_takes_what_is_held_and_the_rest_is_due_later() {
    let entries = [entry(EntryKind::Payment, 1_000)];
    let drawn = draw_up(&basis(RULES, 995, &entries)).unwrap();
    assert_eq!(
        (drawn.fee, drawn.fee_due, drawn.net, drawn.paid, drawn.closing),
        (5, 7, 995, 0, 995)
    );
}

#[test]
fn sums_that_cannot_be_have_no_statement() {
    let more_voided = [entry(EntryKind::Payment, 1), entry(EntryKind::Void, 2)];
    assert_eq!(draw_up(&basis(RULES, 0, &more_voided)), None);
    let beyond = [entry(EntryKind::Payment, Amount::MAX)];
    let flat = Rules {
        flat: Amount::MAX,
        ..RULES
    };
    assert_eq!(draw_up(&basis(flat, 0, &beyond)), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fee_and_reserve_of_any_sales_are_the_protocols(
        sales in any::<Amount>(), parts in 0_u32..=1_000_000, reserve in 0_u32..=1_000_000,
    ) {
        let rules = Rules { flat: 0, parts_per_million: parts, least_payout: 0, reserve_parts_per_million: reserve };
        let entries = [entry(EntryKind::Payment, sales)];
        let drawn = draw_up(&basis(rules, 0, &entries)).unwrap();
        prop_assert_eq!(Some(drawn.fee), share(sales, parts));
        prop_assert_eq!(Some(drawn.reserve), share(sales, reserve));
        prop_assert_eq!(drawn.fee + drawn.paid + drawn.closing, sales);
    }

    #[test]
    fn any_amount_that_fits_is_read_back_as_it_was(amount in 0_u128..1_000_000_000_000_000_000, decimals in 0_u8..=5) {
        let text = Money { decimals, ..Money::default() }.decimal(amount).unwrap();
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        prop_assert_eq!(digits.parse::<Amount>().unwrap(), amount);
        prop_assert_eq!(text.split_once('.').map_or(0, |(_, part)| part.len()), usize::from(decimals));
    }
}
