//! Books as institutions keep them: files from other programs.
use std::fmt::Write as _;

use jiff::{civil, Timestamp as Moment};
use protocol::{reconciliation::Day, Amount, Timestamp};

use super::planted::Booked;

/// How [`csv`] and [`camt053`] write, as the configuration of an institution says it.
pub(super) const LAYOUT: &str = "\
[reconciliation.books.files]
decimals = 2
assets = { EUR = \"native\", USD = \"0x0101010101010101010101010101010101010101010101010101010101010101\" }
delimiter = \";\"
id = \"Reference\"
amount = \"Amount\"
decimal_point = \",\"
date = \"Booked\"
date_format = \"%d.%m.%Y\"
time = \"Time\"
payer = \"Customer\"
asset = \"Currency\"
";

/// A date, as the API takes it.
pub fn date(day: Day) -> String {
    clock(Timestamp::from(day.0) * 86_400_000).date().to_string()
}

/// What the clocks of UTC show.
fn clock(time: Timestamp) -> civil::DateTime {
    let moment = i64::try_from(time)
        .ok()
        .and_then(|time| Moment::from_millisecond(time).ok());
    moment.unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC).datetime()
}

/// As a finance company's own program exports it: `Reference;Amount;Booked;Time;Customer;Currency`.
pub fn csv(lines: &[Booked]) -> String {
    let mut text = "Reference;Amount;Booked;Time;Customer;Currency\n".to_owned();
    for line in lines {
        let clock = clock(line.time);
        let _ = writeln!(
            text,
            "{};{};{};{};{};{}",
            line.reference,
            decimal(line.amount, ','),
            clock.strftime("%d.%m.%Y"),
            clock.strftime("%H:%M:%S"),
            line.payer,
            line.currency
        );
    }
    text
}

/// As a bank's statement tells it: camt.053.001.08.
pub fn camt053(lines: &[Booked], name: &str) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\">\
         <BkToCstmrStmt><GrpHdr><MsgId>{name}</MsgId><CreDtTm>2026-01-01T00:00:00Z</CreDtTm></GrpHdr>\
         <Stmt><Id>{name}</Id><Acct><Id><Othr><Id>collections</Id></Othr></Id></Acct>\n"
    );
    for line in lines {
        let amount = decimal(line.amount, '.');
        let Booked {
            reference,
            payer,
            currency,
            ..
        } = line;
        let date = clock(line.time).date();
        let payer = match payer.as_str() {
            "" => String::new(),
            payer => format!("<RltdPties><Dbtr><Pty><Id><PrvtId><Othr><Id>{payer}</Id></Othr></PrvtId></Id></Pty></Dbtr></RltdPties>"),
        };
        let _ = writeln!(
            text,
            "<Ntry><Amt Ccy=\"{currency}\">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
             <BookgDt><Dt>{date}</Dt></BookgDt><AcctSvcrRef>{reference}</AcctSvcrRef><BkTxCd><Prtry><Cd>PAYMENT</Cd></Prtry></BkTxCd>\
             <NtryDtls><TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs><Amt Ccy=\"{currency}\">{amount}</Amt>\
             <CdtDbtInd>CRDT</CdtDbtInd>{payer}</TxDtls></NtryDtls></Ntry>"
        );
    }
    text.push_str("</Stmt></BkToCstmrStmt></Document>\n");
    text
}

/// Cents, with a point before the last two digits.
fn decimal(amount: Amount, point: char) -> String {
    format!("{}{point}{:02}", amount / 100, amount % 100)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const LINE: Booked = Booked {
        reference: String::new(),
        payer: String::new(),
        amount: 1_205,
        currency: "EUR",
        time: 20_783 * 86_400_000 + 3_723_000,
    };

    #[test]
    fn a_line_is_written_as_each_side_does() {
        let line = Booked {
            reference: "INV-1".into(),
            payer: "customer-1".into(),
            ..LINE
        };
        let text = csv(std::slice::from_ref(&line));
        assert_eq!(
            text.lines().nth(1).unwrap(),
            "INV-1;12,05;26.11.2026;01:02:03;customer-1;EUR"
        );
        let text = camt053(&[line, LINE], "a");
        for part in [
            "<Amt Ccy=\"EUR\">12.05</Amt>",
            "<Dt>2026-11-26</Dt>",
            "<Id>customer-1</Id>",
            "<EndToEndId>INV-1<",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(text.matches("<Dbtr>").count(), 1);
        assert_eq!(date(Day(20_783)), "2026-11-26");
    }
}
