//! A statement as camt.053.001.08, the bank statement of ISO 20022, for the merchant's bookkeeping.
//!
//! | here | there |
//! |---|---|
//! | merchant | `Acct/Id/Othr/Id`: `issuer-1-merchant-3`; the contract is the account's name |
//! | cycle | `ElctrncSeqNb`, and the last part of `Id` |
//! | opening, closing | the balances `OPBD`, `CLBD`; what is held and the reserve are proprietary balances beside them |
//! | line | `Ntry`, booked; `NtryRef` is its place on the chain: block, event, line |
//! | kind | `BkTxCd/Prtry/Cd`: `PAYMENT`, `VOID`, `REFUND`, `AWARD`, `FUNDING`, `FEE`, `PAYOUT` |
//! | payment reference | its first 32 hex digits are `EndToEndId` (which takes 35 letters), all 64 are in `RmtInf/Ustrd` |
//! | card and counter | `TxId`: `7-12`; left out where it is longer than 35 letters |
//!
//! An amount is the integer on the chain with a point before its last `decimals` digits: 12345 with 2 is `123.45`. The format
//! takes at most 18 digits, at most 5 of them behind the point: what doesn't fit is refused, nothing is rounded. The same
//! statement is the same document, byte by byte, whoever draws it up.
use std::str::FromStr;

use protocol::{
    prepaid::Statement,
    text::{from_hex, to_hex},
    Amount,
};
use serde::Serialize;

use self::elements::{
    Account, Balance, BalanceKind, Choice, Counted, CountedAll, CountedKind, CurrencyAmount, Details, Document, Entry,
    Header, Id, Message, Moment, Net, Other, Period, ProprietaryCode, References, Remittance, Report, Summary,
    Transaction, TransactionCode,
};
use super::{moment, Line, LineKind, MerchantStatement, StatementError};
use crate::chain::deployment::to_ss58;

mod elements;

/// The message's name space.
pub const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08";
/// Who gives out the codes.
const ISSUER: &str = "quittance";
/// The most digits of an amount, and how many of them may stand behind the point.
const DIGITS: (usize, u8) = (18, 5);
/// The most letters of an identifier.
const SHORT_TEXT: usize = 35;

/// How amounts are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// Of ISO 4217; `XXX` says that there is none.
    pub currency: Currency,
    /// How many digits stand behind the point.
    pub decimals: u8,
}

/// A currency code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Currency(String);

impl Default for Money {
    fn default() -> Self {
        Self {
            currency: Currency("XXX".into()),
            decimals: 2,
        }
    }
}

impl FromStr for Currency {
    type Err = StatementError;
    fn from_str(text: &str) -> Result<Self, StatementError> {
        if text.len() == 3 && text.bytes().all(|letter| letter.is_ascii_uppercase()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(StatementError::BadCurrency(text.to_owned()))
        }
    }
}

impl Money {
    /// An amount in the format's decimals.
    ///
    /// # Errors
    /// `TooLong`.
    pub fn decimal(&self, amount: Amount) -> Result<String, StatementError> {
        let decimals = self.decimals;
        let behind = usize::from(decimals);
        let digits = format!("{amount:0>width$}", width = behind.saturating_add(1));
        if decimals > DIGITS.1 || digits.len() > DIGITS.0 {
            return Err(StatementError::TooLong { amount, decimals });
        }
        let (whole, part) = digits.split_at(digits.len().saturating_sub(behind));
        Ok(if part.is_empty() {
            whole.to_owned()
        } else {
            format!("{whole}.{part}")
        })
    }

    fn amount(&self, amount: Amount) -> Result<CurrencyAmount, StatementError> {
        Ok(CurrencyAmount {
            currency: self.currency.clone(),
            value: self.decimal(amount)?,
        })
    }
}

/// Writes it, and reads it again: balances and entries must come to what they should.
///
/// # Errors
/// `TooLong`, `Overflow`, `Unwritable`.
pub fn write(statement: &MerchantStatement, money: &Money) -> Result<String, StatementError> {
    let failed = |why: String| StatementError::Unwritable(why);
    if !statement.adds_up() {
        return Err(failed("its lines don't come to the closing balance".into()));
    }
    let document = document(statement, money)?;
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut serializer = quick_xml::se::Serializer::new(&mut text);
    serializer.indent(' ', 2);
    let written = document.serialize(serializer);
    written.map_err(|error| failed(error.to_string()))?;
    text.push('\n');
    camt053::SimpleStatements::from_reader(text.as_bytes()).map_err(|error| failed(error.to_string()))?;
    Ok(text)
}

/// What stands in an entry for a payment reference where 35 letters are all there is room for.
pub fn short_reference(reference: &[u8; 32]) -> String {
    let mut short = to_hex(reference);
    short.truncate(34);
    short.split_off(2)
}

/// The payment reference of an entry's remittance information.
pub fn reference_in(remittance: &str) -> Option<[u8; 32]> {
    from_hex(remittance).ok()
}

fn document(statement: &MerchantStatement, money: &Money) -> Result<Document, StatementError> {
    let told = &statement.statement;
    let issuer = statement.subject.issuer;
    let (merchant, cycle) = (told.merchant.0, told.cycle.number);
    let name = format!("{issuer}-{merchant}-{cycle}");
    let created = moment(told.closed_at);
    let entries: Result<Vec<Entry>, StatementError> =
        statement.lines.iter().map(|line| entry(line, money, cycle)).collect();
    Ok(Document {
        namespace: NAMESPACE,
        message: Message {
            header: Header {
                id: name.clone(),
                created: created.clone(),
            },
            statement: Report {
                id: name,
                number: cycle,
                created: created.clone(),
                period: Period {
                    from: moment(told.cycle.opened_at),
                    to: created,
                },
                account: Account {
                    id: Id {
                        other: Other {
                            id: format!("issuer-{issuer}-merchant-{merchant}"),
                        },
                    },
                    currency: money.currency.clone(),
                    name: to_ss58(&statement.subject.contract),
                },
                balances: balances(told, money)?,
                summary: summary(&statement.lines, money)?,
                entries: entries?,
            },
        },
    })
}

fn balances(told: &Statement, money: &Money) -> Result<Vec<Balance>, StatementError> {
    let (opened, closed) = (told.cycle.opened_at, told.closed_at);
    let all = [
        (Choice::code("OPBD"), told.cycle.opening, opened),
        (Choice::code("CLBD"), told.closing, closed),
        (Choice::proprietary("HELD"), told.held, closed),
        (Choice::proprietary("RESERVE"), told.reserve, closed),
    ];
    let balance = |(kind, amount, at)| {
        Ok(Balance {
            kind: BalanceKind { kind },
            amount: money.amount(amount)?,
            side: "CRDT",
            date: Moment { at: moment(at) },
        })
    };
    all.into_iter().map(balance).collect()
}

fn summary(lines: &[Line], money: &Money) -> Result<Summary, StatementError> {
    let sum = |of: &dyn Fn(&&Line) -> bool| {
        let its: Vec<Amount> = lines.iter().filter(of).map(|line| line.amount.unsigned_abs()).collect();
        let sum = its.iter().try_fold(0, |sum: Amount, amount| sum.checked_add(*amount));
        Ok::<_, StatementError>((its.len(), sum.ok_or(StatementError::Overflow)?))
    };
    let counted = |(count, sum): (usize, Amount)| {
        Ok::<_, StatementError>(Counted {
            count,
            sum: money.decimal(sum)?,
        })
    };
    let (all, came, went) = (
        sum(&|_| true)?,
        sum(&|line| line.amount >= 0)?,
        sum(&|line| line.amount < 0)?,
    );
    let kinds = LineKind::ALL.into_iter().filter_map(|kind| {
        let its = sum(&|line| line.kind == kind);
        match its {
            Ok((0, _)) => None,
            its => Some((kind, its)),
        }
    });
    let kind = |(kind, its): (LineKind, Result<(usize, Amount), StatementError>)| {
        let Counted { count, sum } = counted(its?)?;
        Ok(CountedKind {
            count,
            sum,
            code: TransactionCode::of(kind),
        })
    };
    let side = if came.1 >= went.1 { "CRDT" } else { "DBIT" };
    Ok(Summary {
        all: CountedAll {
            count: all.0,
            sum: money.decimal(all.1)?,
            net: Net {
                amount: money.decimal(came.1.abs_diff(went.1))?,
                side,
            },
        },
        credits: counted(came)?,
        debits: counted(went)?,
        kinds: kinds.map(kind).collect::<Result<_, StatementError>>()?,
    })
}

fn entry(line: &Line, money: &Money, cycle: u32) -> Result<Entry, StatementError> {
    let amount = money.amount(line.amount.unsigned_abs())?;
    let side = if line.amount < 0 { "DBIT" } else { "CRDT" };
    let at = line.at;
    let place = match line.kind {
        // One event tells of both.
        LineKind::Fee | LineKind::Payout => format!("{}-{}-{}", at.block, at.event, line.kind.as_str()),
        _ => format!("{}-{}-{}", at.block, at.event, line.line),
    };
    let payment = line.card.zip(line.counter);
    let about = match payment {
        Some((card, counter)) => format!("{} of payment {counter} of card {}", line.kind.as_str(), card.0),
        None => format!("{} of cycle {cycle}", line.kind.as_str()),
    };
    let details = line.reference.map(|reference| Details {
        transaction: Transaction {
            references: References {
                end_to_end: short_reference(&reference),
                transaction: payment
                    .map(|(card, counter)| format!("{}-{counter}", card.0))
                    .filter(|text| text.len() <= SHORT_TEXT),
            },
            amount: amount.clone(),
            side,
            remittance: Remittance {
                text: to_hex(&reference),
            },
        },
    });
    let date = Moment { at: moment(at.time) };
    Ok(Entry {
        reference: place,
        amount,
        side,
        reverses: (line.kind == LineKind::Void).then_some(true),
        status: Choice::code("BOOK"),
        booked: date.clone(),
        value: date,
        code: TransactionCode::of(line.kind),
        details,
        about: format!("{about}, block {} {}, event {}", at.block, to_hex(&at.hash), at.event),
    })
}

impl Choice {
    const fn code(code: &'static str) -> Self {
        Self {
            code: Some(code),
            proprietary: None,
        }
    }

    const fn proprietary(code: &'static str) -> Self {
        Self {
            code: None,
            proprietary: Some(code),
        }
    }
}

impl TransactionCode {
    fn of(kind: LineKind) -> Self {
        Self {
            proprietary: ProprietaryCode {
                code: kind.as_str().to_uppercase(),
                issuer: ISSUER,
            },
        }
    }
}
