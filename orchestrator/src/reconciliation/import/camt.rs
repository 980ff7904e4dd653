//! camt.053, the bank statement of ISO 20022, in any version: its entries, one at a time.
//!
//! | there | here |
//! |---|---|
//! | `Ntry` with `Sts` `BOOK` | lines; others are skipped, and so are entries of the other direction: a debit side's book has what is `DBIT`, a credit side's what is `CRDT` |
//! | `TxDtls` | a line each, where each says its id and there are several, its amount |
//! | `NtryDtls/Btch` without such | one line of the whole batch; its id is `PmtInfId`, or `MsgId` |
//! | id | an id as `0x` and 64 hex digits in `RmtInf/Ustrd`, else `EndToEndId`, `TxId`, `AcctSvcrRef`, `NtryRef`: the first that is said |
//! | amount | `TxDtls/Amt`, `TxDtls/AmtDtls/TxAmt/Amt`, or that of the entry; `Ccy` by the configuration's `assets` |
//! | day and time | `BookgDt`; `RltdDts/AccptncDtTm` or `TxDtTm` |
//! | payer | `Dbtr`'s `Othr/Id`, where it has one: names aren't ids |
use std::io::BufRead;

use quick_xml::{
    events::{BytesStart, Event},
    Reader, Writer,
};

use self::elements::{Details, Entry, Money, Transaction};
use super::{
    fields,
    source::{self, Counted, Place},
    BadLine, Item, Reading, Sink, Stopped, MAX_LINE,
};
use crate::{reconciliation::line::Line, store::books::OwnLine};
use protocol::{
    ids::PayerId,
    reconciliation::{Day, Side},
    settlement::Asset,
    Amount, Timestamp,
};

mod elements;

/// What every version's name space has in it.
const NAMESPACE: &str = "camt.053";
/// What banks write where there is no such id.
const NONE: &str = "NOTPROVIDED";

/// An entry while it is read.
struct Gathered {
    at: Place,
    writer: Writer<Vec<u8>>,
    depth: usize,
}

pub(super) fn read(mut source: impl BufRead, reading: &Reading, sink: &mut Sink<'_>) -> Result<(), Stopped> {
    if let Err(bad) = source::begin(&mut source) {
        return sink(Item::Bad(bad));
    }
    let mut reader = Reader::from_reader(Counted::new(source));
    reader.config_mut().expand_empty_elements = true;
    let (mut buffer, mut open, mut is_statement) = (Vec::new(), 0usize, false);
    let mut gathered: Option<Gathered> = None;
    let mut number = 0;
    loop {
        buffer.clear();
        let at = reader.get_ref().place();
        reader.get_mut().refill();
        let event = match reader.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(_) if reader.get_ref().is_spent() => return sink(Item::Bad(at.bad(source::too_long()))),
            Err(error) => {
                return sink(Item::Bad(
                    reader.get_ref().place().bad(format!("this isn't XML: {error}")),
                ))
            }
        };
        match &event {
            Event::Decl(declaration) => {
                if let Err(bad) = ensure_utf8(declaration.encoding(), at) {
                    return sink(Item::Bad(bad));
                }
            }
            Event::Start(start) => {
                open = open.saturating_add(1);
                if start.local_name().as_ref() == b"Document" {
                    is_statement = names(start);
                }
                if start.local_name().as_ref() == b"Ntry" && gathered.is_none() {
                    gathered = Some(Gathered {
                        at,
                        writer: Writer::new(Vec::new()),
                        depth: open,
                    });
                }
            }
            Event::Eof if open > 0 => {
                return sink(Item::Bad(
                    at.bad("the file ends in the middle of the statement: it isn't complete"),
                ));
            }
            Event::Eof if !is_statement => return sink(Item::Bad(Place::start().bad(no_statement()))),
            Event::Eof => return Ok(()),
            _ => {}
        }
        if open > 0 && !is_statement {
            return sink(Item::Bad(at.bad(no_statement())));
        }
        let ends = matches!(event, Event::End(_));
        if let Some(entry) = &mut gathered {
            if let Err(error) = entry.writer.write_event(event) {
                return sink(Item::Bad(at.bad(source::broke_off(&error))));
            }
            if entry.writer.get_ref().len() > MAX_LINE {
                return sink(Item::Bad(entry.at.bad(source::too_long())));
            }
        }
        if ends {
            if let Some(entry) = gathered.take_if(|entry| entry.depth == open) {
                for item in items(&entry.writer.into_inner(), entry.at, &mut number, reading) {
                    sink(item)?;
                }
            }
            open = open.saturating_sub(1);
        }
    }
}

fn ensure_utf8<E>(encoding: Option<Result<std::borrow::Cow<'_, [u8]>, E>>, at: Place) -> Result<(), BadLine> {
    match encoding {
        Some(Ok(name)) if !name.eq_ignore_ascii_case(b"utf-8") => Err(at.bad(format!(
            "the file is written in {}: save it as UTF-8",
            String::from_utf8_lossy(&name)
        ))),
        _ => Ok(()),
    }
}

/// Whether an element is of the message's name space.
fn names(start: &BytesStart<'_>) -> bool {
    start.attributes().flatten().any(|attribute| {
        attribute.key.as_ref().starts_with(b"xmlns") && String::from_utf8_lossy(&attribute.value).contains(NAMESPACE)
    })
}

fn no_statement() -> &'static str {
    "this is no camt.053: the file's first element is `Document`, in a name space of camt.053"
}

/// What an entry is to the book.
fn items(bytes: &[u8], at: Place, number: &mut u64, reading: &Reading) -> Vec<Item> {
    let bad = |bad: BadLine| vec![Item::Bad(bad)];
    let text = match source::text(bytes, at) {
        Ok(text) => text,
        Err(wrong) => return bad(wrong),
    };
    let entry: Entry = match quick_xml::de::from_str(text) {
        Ok(entry) => entry,
        Err(error) => return bad(at.bad(format!("this is no entry of camt.053: {error}"))),
    };
    if let Some(why) = skipped(&entry, reading.side) {
        return vec![Item::Skipped(why)];
    }
    // Where the element of a name begins: what is wrong is told there.
    let find = |name: &str| {
        let start = text.find(&format!("<{name}")).unwrap_or_default();
        let (before, _) = text.split_at_checked(start).unwrap_or_default();
        at.after(before.as_bytes())
    };
    let of_entry = match OfEntry::read(&entry, reading, find) {
        Ok(of_entry) => of_entry,
        Err(wrong) => return bad(wrong),
    };
    let lines = lines(&entry, &of_entry, number, reading);
    match lines {
        Ok(lines) => lines.into_iter().map(Item::Line).collect(),
        Err(why) => bad(at.bad(why)),
    }
}

/// Why an entry is none of a side's book, if so.
fn skipped(entry: &Entry, side: Side) -> Option<&'static str> {
    let status = entry.status.as_ref().and_then(elements::Status::code);
    if status.is_some_and(|status| status != "BOOK") {
        return Some("not booked yet");
    }
    if entry.reverses.as_deref() == Some("true") {
        return Some("a reversal");
    }
    let ours = match side {
        Side::Debit => "DBIT",
        Side::Credit | Side::Chain => "CRDT",
    };
    (entry.direction != ours).then_some("of the other direction")
}

/// What all lines of an entry have from it.
struct OfEntry {
    day: Day,
    time: Option<Timestamp>,
    amount: Amount,
    asset: Asset,
}

impl OfEntry {
    fn read(entry: &Entry, reading: &Reading, find: impl Fn(&str) -> Place) -> Result<Self, BadLine> {
        let (amount, asset) = money(&entry.amount, reading).map_err(|why| find("Amt").bad(why))?;
        let booked = entry.booked.as_ref();
        let date = booked.and_then(|booked| booked.date.as_deref());
        let moment = booked.and_then(|booked| booked.moment.as_deref());
        let (day, time) = match (date, moment) {
            (Some(date), _) => (fields::open_day(date, reading), None),
            (None, Some(moment)) => match fields::moment(moment, reading) {
                Ok(time) => (fields::day_of(time, reading), Some(time)),
                Err(why) => return Err(find("BookgDt").bad(why)),
            },
            (None, None) => return Err(find("Ntry").bad("the entry doesn't say when it was booked: `BookgDt`")),
        };
        Ok(Self {
            day: day.map_err(|why| find("BookgDt").bad(why))?,
            time,
            amount,
            asset,
        })
    }
}

fn lines(entry: &Entry, of: &OfEntry, number: &mut u64, reading: &Reading) -> Result<Vec<OwnLine>, String> {
    let transactions: Vec<&Transaction> = entry.details.iter().flat_map(|details| &details.transactions).collect();
    let are_told = transactions
        .iter()
        .all(|transaction| own_id(transaction).is_some() && transaction.money().is_some());
    if transactions.len() > 1 && are_told {
        return transactions
            .iter()
            .map(|transaction| line(entry, Some(transaction), None, of, number, reading))
            .collect();
    }
    let batch = entry.details.iter().find_map(Details::batch_id);
    match (transactions.as_slice(), batch) {
        ([], batch) => Ok(vec![line(entry, None, batch, of, number, reading)?]),
        ([only], batch) => Ok(vec![line(entry, Some(only), batch, of, number, reading)?]),
        (_, Some(batch)) => Ok(vec![line(entry, None, Some(batch), of, number, reading)?]),
        (_, None) => Err(
            "the entry has several transactions, and not each says its id and its amount; nor is it said by which id it \
             is one batch (`Btch/PmtInfId`)"
                .into(),
        ),
    }
}

fn line(
    entry: &Entry,
    transaction: Option<&Transaction>,
    batch: Option<&str>,
    of: &OfEntry,
    number: &mut u64,
    reading: &Reading,
) -> Result<OwnLine, String> {
    let id = transaction.and_then(own_id).or(batch).or_else(|| {
        let servicer = transaction.and_then(|transaction| transaction.references.as_ref()?.servicer.as_deref());
        [servicer, entry.servicer.as_deref(), entry.reference.as_deref()]
            .into_iter()
            .flatten()
            .find_map(said)
    });
    let id = id.ok_or("the entry has no id: `EndToEndId`, `TxId`, `AcctSvcrRef` or `NtryRef`")?;
    let (amount, asset) = match transaction.and_then(Transaction::money) {
        Some(told) => money(told, reading)?,
        None => (of.amount, of.asset),
    };
    let time = transaction
        .and_then(Transaction::time)
        .map(|time| fields::moment(time, reading));
    *number = number.saturating_add(1);
    Ok(OwnLine {
        line: Line {
            trade: fields::id(id)?,
            number: *number,
            day: of.day,
            amount,
            asset,
            payer: transaction.and_then(payer),
            time: time.transpose()?.or(of.time),
        },
        reference: Some(id.to_owned()),
        import: None,
    })
}

/// The id that a transaction has from whoever ordered it.
fn own_id(transaction: &Transaction) -> Option<&str> {
    let remittance = transaction.remittance.iter().flat_map(|remittance| &remittance.texts);
    let in_full = remittance.map(|text| text.trim()).find(|text| is_whole_id(text));
    in_full.or_else(|| {
        let references = transaction.references.as_ref()?;
        [references.end_to_end.as_deref(), references.transaction.as_deref()]
            .into_iter()
            .flatten()
            .find_map(said)
    })
}

fn is_whole_id(text: &str) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or_default();
    digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

fn said(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty() && text != NONE).then_some(text)
}

fn payer(transaction: &Transaction) -> Option<PayerId> {
    fields::payer(transaction.parties.as_ref()?.debtor.as_ref()?.other_id()?)
}

fn money(money: &Money, reading: &Reading) -> Result<(Amount, Asset), String> {
    let amount = fields::decimal(&money.value, '.', reading.layout.decimals)?;
    Ok((amount, fields::asset(&money.currency, reading)?))
}
