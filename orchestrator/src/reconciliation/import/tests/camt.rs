use protocol::PayerId;

use super::*;

const BEGIN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-26T01:00:00</CreDtTm></GrpHdr>
<Stmt><Id>S1</Id><CreDtTm>2026-11-26T01:00:00</CreDtTm>
<Acct><Id><IBAN>DE02120300000000202051</IBAN></Id></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">0.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-25</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">12.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-25</Dt></Dt></Bal>
"#;
const END: &str = "</Stmt></BkToCstmrStmt></Document>\n";
const ENTRY: &str = r#"<Ntry><NtryRef>7</NtryRef><Amt Ccy="EUR">12.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-11-25</Dt></BookgDt><ValDt><Dt>2026-11-25</Dt></ValDt>
<BkTxCd><Prtry><Cd>PAYMENT</Cd></Prtry></BkTxCd>
<NtryDtls><TxDtls><Refs><EndToEndId>INV-1</EndToEndId></Refs><Amt Ccy="EUR">12.50</Amt><CdtDbtInd>CRDT</CdtDbtInd></TxDtls></NtryDtls></Ntry>
"#;

fn file(entries: &str) -> String {
    format!("{BEGIN}{entries}{END}")
}

fn one(entry: &str) -> Line {
    let [line] = lines(file(entry), Format::Camt053).try_into().unwrap();
    line
}

#[test]
fn entries_are_lines() {
    let [first, second] = lines(
        file(&(ENTRY.to_owned() + &ENTRY.replace("INV-1", "INV-2"))),
        Format::Camt053,
    )
    .try_into()
    .unwrap();
    assert_eq!((first.trade, first.number, first.amount), (trade("INV-1"), 1, 1_250));
    assert_eq!((first.day, first.asset), (day("2026-11-25"), EURO));
    assert_eq!((first.time, first.payer), (None, None));
    assert_eq!((second.trade, second.number), (trade("INV-2"), 2));
    // Another reader takes the same file.
    assert!(camt053::SimpleStatements::from_reader(file(ENTRY).as_bytes()).is_ok());
}

#[test]
fn older_versions_and_prefixes_are_read_alike() {
    let old = file(&ENTRY.replace("<Sts><Cd>BOOK</Cd></Sts>", "<Sts>BOOK</Sts>")).replace("001.08", "001.02");
    assert_eq!(lines(&old, Format::Camt053).len(), 1);
    let mut prefixed = file(ENTRY).replace("xmlns=", "xmlns:c=");
    for name in [
        "Document",
        "BkToCstmrStmt",
        "Stmt",
        "Ntry",
        "NtryDtls",
        "TxDtls",
        "Refs",
        "EndToEndId",
        "Amt",
    ] {
        prefixed = prefixed.replace(&format!("<{name}>"), &format!("<c:{name}>"));
        prefixed = prefixed.replace(&format!("<{name} "), &format!("<c:{name} "));
        prefixed = prefixed.replace(&format!("</{name}>"), &format!("</c:{name}>"));
    }
    assert_eq!(lines(&prefixed, Format::Camt053)[0].trade, trade("INV-1"));
}

#[test]
fn a_moment_of_booking_says_day_and_time() {
    let entry = ENTRY.replace(
        "<BookgDt><Dt>2026-11-25</Dt>",
        "<BookgDt><DtTm>2026-11-25T23:30:00Z</DtTm>",
    );
    let line = one(&entry);
    assert_eq!(
        (line.day, line.time),
        (day("2026-11-26"), Some(at("2026-11-25T23:30:00Z")))
    );
    let dated = "</Refs><RltdDts><AccptncDtTm>2026-11-25T10:30:00</AccptncDtTm></RltdDts>";
    let line = one(&ENTRY.replace("</Refs>", dated));
    assert_eq!(line.time, Some(at("2026-11-25T09:30:00Z")));
}

#[test]
fn a_payer_is_known_by_a_number_not_by_a_name() {
    let party = |party: &str| {
        one(&ENTRY.replace(
            "</Refs>",
            &format!("</Refs><RltdPties><Dbtr>{party}</Dbtr></RltdPties>"),
        ))
        .payer
    };
    assert_eq!(party("<Nm>Ada</Nm>"), None);
    let known = "<Nm>Ada</Nm><Id><PrvtId><Othr><Id>4711</Id></Othr></PrvtId></Id>";
    assert_eq!(party(known), Some(PayerId::of("4711")));
    assert_eq!(party(&format!("<Pty>{known}</Pty>")), Some(PayerId::of("4711")));
}

#[test]
fn an_id_is_the_first_that_is_said() {
    let id = |refs: &str| one(&ENTRY.replace("<EndToEndId>INV-1</EndToEndId>", refs)).trade;
    assert_eq!(id("<EndToEndId>NOTPROVIDED</EndToEndId><TxId>T-9</TxId>"), trade("T-9"));
    assert_eq!(id("<AcctSvcrRef>A-9</AcctSvcrRef>"), trade("A-9"));
    assert_eq!(id(""), trade("7"));
    let whole = format!("0x{}", "ab".repeat(32));
    let entry = ENTRY.replace(
        "</TxDtls>",
        &format!("<RmtInf><Ustrd>{whole}</Ustrd></RmtInf></TxDtls>"),
    );
    assert_eq!(one(&entry).trade.0, [0xab; 32]);
}

#[test]
fn transactions_that_say_id_and_amount_are_lines_and_others_one_batch() {
    let transaction =
        |id: &str, amount: &str| format!("<TxDtls><Refs><EndToEndId>{id}</EndToEndId></Refs>{amount}</TxDtls>");
    let entry = |batch: &str, transactions: &str| {
        let (before, _) = ENTRY.split_once("<NtryDtls>").unwrap();
        file(&format!("{before}<NtryDtls>{batch}{transactions}</NtryDtls></Ntry>"))
    };
    let both = transaction("A", "<Amt Ccy=\"EUR\">10.00</Amt>")
        + &transaction("B", "<AmtDtls><TxAmt><Amt Ccy=\"EUR\">2.50</Amt></TxAmt></AmtDtls>");
    let [first, second] = lines(entry("", &both), Format::Camt053).try_into().unwrap();
    assert_eq!((first.trade, first.amount, first.number), (trade("A"), 1_000, 1));
    assert_eq!((second.trade, second.amount, second.number), (trade("B"), 250, 2));

    let batch = "<Btch><MsgId>M-1</MsgId><PmtInfId>BATCH-1</PmtInfId><NbOfTxs>2</NbOfTxs></Btch>";
    let untold = transaction("A", "") + &transaction("B", "");
    for transactions in ["", &untold] {
        let [line] = lines(entry(batch, transactions), Format::Camt053).try_into().unwrap();
        assert_eq!((line.trade, line.amount), (trade("BATCH-1"), 1_250));
    }
    wrong(entry("", &untold), Format::Camt053, (8, 1), "several transactions");
}

#[test]
fn what_is_none_of_the_books_is_skipped_and_counted() {
    let mut report = Report::new("s.xml".into(), Format::Camt053, true);
    let text = file(
        &(ENTRY.replace("BOOK", "PDNG")
            + &ENTRY.replace("CRDT", "DBIT")
            + &ENTRY.replace("<Sts>", "<RvslInd>true</RvslInd><Sts>")
            + ENTRY),
    );
    let read = read(text.as_bytes(), Format::Camt053, &reading(), &mut |item| {
        report.note(&item);
        Ok(())
    });
    assert!(read.is_ok());
    assert_eq!(report.lines, 1);
    assert_eq!(report.skipped.values().sum::<u64>(), 3);
    assert_eq!(report.skipped.len(), 3);
}

#[test]
fn a_truncated_file_is_refused() {
    let text = file(ENTRY);
    let (cut, _) = text.split_once("<TxDtls>").unwrap();
    wrong(cut, Format::Camt053, (11, 11), "isn't complete");
    // In the middle of an element's name.
    wrong(format!("{cut}<TxD"), Format::Camt053, (11, 15), "isn't XML");
    wrong(format!("{BEGIN}{ENTRY}"), Format::Camt053, (12, 1), "isn't complete");
}

#[test]
fn what_is_no_statement_is_refused() {
    wrong("", Format::Camt053, (1, 1), "no camt.053");
    wrong("INV-1;12,50", Format::Camt053, (1, 1), "no camt.053");
    wrong("<html><body/></html>", Format::Camt053, (1, 1), "no camt.053");
    wrong(
        file(ENTRY).replace("camt.053", "pain.001"),
        Format::Camt053,
        (2, 1),
        "no camt.053",
    );
    wrong(file("<Ntry></Stmt>"), Format::Camt053, (8, 14), "isn't XML");
}

#[test]
fn another_encoding_is_refused() {
    let declared = file(ENTRY).replace("UTF-8", "ISO-8859-1");
    wrong(declared, Format::Camt053, (1, 1), "ISO-8859-1: save it as UTF-8");
    let mut latin = file(ENTRY).into_bytes();
    let at = latin.windows(5).position(|some| some == b"INV-1").unwrap();
    latin[at] = 0xfc;
    wrong(latin, Format::Camt053, (11, 37), "isn't UTF-8");
    let wide: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(file(ENTRY).encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    wrong(wide, Format::Camt053, (1, 1), "UTF-16");
}

#[test]
fn wrong_amounts_are_refused() {
    let (place, of_entry) = ((8, 27), |amount: &str| file(&ENTRY.replacen("12.50", amount, 1)));
    for (amount, says) in [
        ("12,50", "is no amount"),
        ("-12.50", "below 0"),
        ("12.505", "3 digits behind the point"),
        ("", "is no amount"),
        ("<b/>", "is no amount"),
    ] {
        wrong(of_entry(amount), Format::Camt053, place, says);
    }
    wrong(
        file(&ENTRY.replacen("EUR", "USD", 1)),
        Format::Camt053,
        place,
        "\"USD\" is no asset",
    );
    wrong(
        file(&ENTRY.replacen(" Ccy=\"EUR\"", "", 1)),
        Format::Camt053,
        (8, 1),
        "no entry of camt.053",
    );
}

#[test]
fn an_entry_that_says_too_little_or_too_much_is_refused() {
    let cut = |name: &str| ENTRY.replace(name, "");
    wrong(
        file(&cut("<CdtDbtInd>CRDT</CdtDbtInd>")),
        Format::Camt053,
        (8, 1),
        "missing field `CdtDbtInd`",
    );
    wrong(
        file(&cut("<BookgDt><Dt>2026-11-25</Dt></BookgDt>")),
        Format::Camt053,
        (8, 1),
        "when it was booked",
    );
    let twice = ENTRY.replacen("<NtryRef>", "<NtryRef>8</NtryRef><NtryRef>", 1);
    wrong(file(&twice), Format::Camt053, (8, 1), "duplicate field `NtryRef`");
    let nameless = cut("<EndToEndId>INV-1</EndToEndId>").replace("<NtryRef>7</NtryRef>", "");
    wrong(file(&nameless), Format::Camt053, (8, 1), "has no id");
    wrong(
        file(&ENTRY.replace("11-25", "11-20")),
        Format::Camt053,
        (9, 1),
        "2026-11-20 is closed",
    );
}

#[test]
fn an_element_or_entry_of_a_gigabyte_is_an_error_after_a_megabyte() {
    let read = too_long(&format!("{BEGIN}<Ntry><NtryRef>"), Format::Camt053, (8, 16));
    assert!(read < 3 << 20, "{read}");
    let read = too_long("<", Format::Camt053, (1, 1));
    assert!(read < 3 << 20, "{read}");
    let elements = "<A>1</A>".repeat(200_000);
    wrong(
        format!("{BEGIN}<Ntry>{elements}</Ntry>{END}"),
        Format::Camt053,
        (8, 1),
        "longer than",
    );
}
