//! What matching finds (S3.2 to S3.4).
use protocol::{
    ids::{content_id, PayerId, TradeId},
    reconciliation::{BookId, Cause, Correction, Day, Kind, Side, MAX_CAUSES},
    Amount, Timestamp,
};
use scale::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::line::{ChainEntry, Line};

/// How long a day is, in milliseconds.
const DAY: Timestamp = 86_400_000;

/// How exactly books must agree with the chain. By default: to the unit, on the day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tolerance {
    /// By how much an amount may differ, in the asset's smallest unit, because a book rounds.
    pub amount: Amount,
    /// A line of another day is on the right one if its time is within so many milliseconds of the entry's. 0: it isn't.
    pub time: Timestamp,
}

/// What is wrong with one trade: all of it that was found in one run, at both sides. It is traced: who is off, by how much,
/// since which finalized block the chain has the entry, and the lines that show it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Finding {
    /// Which trade: the chain's id, where the chain has an entry; the line's, where it has none; the batch's, where a batch
    /// was booked as one line and its sum is off.
    pub trade: TradeId,
    /// On which day.
    pub day: Day,
    /// What is wrong and where, ascending, each once.
    pub causes: Vec<Cause>,
    /// The chain's entry, if there is one; of a batch, the first of those that the line stands for.
    pub entry: Option<ChainEntry>,
    /// Of a batch: what the chain's entries come to that a side's line stands for.
    pub batch: Option<Sums>,
    /// The debit side's lines of it: none, one, or duplicates, of which not all are here if there are more than
    /// [`crate::SHOWN`]; under another id with `AlteredId`; that of the whole batch, where one was booked as one line.
    pub debit: Vec<Line>,
    /// The credit side's.
    pub credit: Vec<Line>,
    /// Whether it isn't time yet to call it missing: everything else about it is in order.
    pub is_expected: bool,
}

/// What the chain's entries of a batch come to that have no line of their own at a side, in the asset's smallest unit; nothing
/// for a side whose book isn't off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Sums {
    /// At the debit side.
    #[serde(with = "protocol::text::optional_amount")]
    pub debit: Option<Amount>,
    /// At the credit side.
    #[serde(with = "protocol::text::optional_amount")]
    pub credit: Option<Amount>,
}

impl Finding {
    /// The lines of a side.
    pub fn lines(&self, side: Side) -> &[Line] {
        match side {
            Side::Debit => &self.debit,
            Side::Credit => &self.credit,
            Side::Chain => &[],
        }
    }

    /// What a side's book should say, by the chain, in the asset's smallest unit.
    pub fn due(&self, side: Side) -> Amount {
        match (self.batch, side) {
            (Some(sums), Side::Debit) => sums.debit.unwrap_or(0),
            (Some(sums), Side::Credit) => sums.credit.unwrap_or(0),
            _ => self.entry.map_or(0, |entry| entry.entry.amount),
        }
    }

    /// By how much a side's book is off, in the asset's smallest unit: what it says less what the chain says.
    pub fn off(&self, side: Side) -> i128 {
        let signed = |amount: Amount| i128::try_from(amount).unwrap_or(i128::MAX);
        let says = said(self.lines(side)).unwrap_or(0);
        signed(says).saturating_sub(signed(self.due(side)))
    }

    /// Whether this is wrong, there.
    pub fn has(&self, kind: Kind, side: Side) -> bool {
        self.causes.contains(&Cause { kind, side })
    }
}

/// What a run counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Entries of the chain, without those that came to nothing.
    pub entries: u64,
    /// What they come to, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub total: Amount,
    /// Entries on which all three agree, those of batches included.
    pub matched: u64,
    /// Of these, how many agree only within the tolerance.
    pub rounded: u64,
    /// Of these, how many a side booked as one line with others.
    pub in_batches: u64,
    /// Lines of the debit side.
    pub debit_lines: u64,
    /// Lines of the credit side.
    pub credit_lines: u64,
    /// Trades with something wrong.
    pub breaks: u64,
    /// Trades that may still come.
    pub expected: u64,
}

/// What is right, by a finding alone: both sides come to the same (S3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The chain's entry that is corrected or made: the finding's trade, but of a batch its first entry.
    pub trade: TradeId,
    /// What was wrong: as much of it as a correction can name.
    pub causes: Vec<Cause>,
    /// What the debit side's book said.
    pub debit: Option<Amount>,
    /// What the credit side's book said.
    pub credit: Option<Amount>,
    /// What is right; 0: there was no such payment.
    pub amount: Amount,
    /// Who paid.
    pub payer: PayerId,
    /// When.
    pub time: Timestamp,
    /// Digest of the finding.
    pub evidence: [u8; 32],
}

impl Proposal {
    /// As both sides sign it: the number of corrections that the chain has of the entry, the open day that it counts on, and
    /// until when it is good.
    pub fn correction(self, book: BookId, number: u32, day: Day, expires_at: Timestamp) -> Correction {
        Correction {
            book,
            trade: self.trade,
            number,
            day,
            causes: self.causes,
            debit: self.debit,
            credit: self.credit,
            amount: self.amount,
            payer: self.payer,
            time: self.time,
            evidence: self.evidence,
            expires_at,
        }
    }
}

/// What a finding proposes. The chain's entry is right, where there is one. Where there is none but both books say the same,
/// they are right; else there was no such payment. A batch's entries are right, too: its first one is confirmed, as the place
/// where the chain says that the line was wrong.
pub fn proposal(finding: &Finding) -> Proposal {
    let nobody = || PayerId::of("");
    let (amount, payer, time) = match (finding.entry, unrecorded(finding)) {
        (Some(entry), _) => (entry.entry.amount, entry.entry.payer, entry.entry.time),
        (None, Some((debit, credit))) => (
            debit.amount,
            debit.payer.or(credit.payer).unwrap_or_else(nobody),
            first_time(finding),
        ),
        (None, None) => {
            let payer = finding.debit.iter().chain(&finding.credit).find_map(|line| line.payer);
            (0, payer.unwrap_or_else(nobody), first_time(finding))
        }
    };
    Proposal {
        trade: finding.entry.map_or(finding.trade, |entry| entry.entry.trade),
        causes: finding.causes.iter().copied().take(MAX_CAUSES).collect(),
        debit: said(&finding.debit),
        credit: said(&finding.credit),
        amount,
        payer,
        time,
        evidence: evidence(finding),
    }
}

/// Digest of what shows a break: of the finding, but for whether it was time to call it missing, because clocks differ.
pub fn evidence(finding: &Finding) -> [u8; 32] {
    let Finding {
        trade,
        day,
        causes,
        entry,
        batch,
        debit,
        credit,
        is_expected: _,
    } = finding;
    content_id(b"quittance/finding", &(trade, day, causes, entry, batch, debit, credit))
}

/// The lines by which the chain lacks an entry: each side has exactly one, and they say the same.
fn unrecorded(finding: &Finding) -> Option<(&Line, &Line)> {
    let ([debit], [credit]) = (finding.debit.as_slice(), finding.credit.as_slice()) else {
        return None;
    };
    let agree = debit.amount == credit.amount
        && debit.asset == credit.asset
        && (debit.payer == credit.payer || debit.payer.is_none() || credit.payer.is_none());
    let in_asset = !finding.causes.iter().any(|cause| cause.kind == Kind::Asset);
    (agree && in_asset).then_some((debit, credit))
}

/// The earliest time that a line says, or the day's begin in UTC.
fn first_time(finding: &Finding) -> Timestamp {
    let times = finding.debit.iter().chain(&finding.credit).filter_map(|line| line.time);
    let begin = Timestamp::from(finding.day.0).saturating_mul(DAY);
    times.min().unwrap_or(begin)
}

/// What lines say together, if there are any. Amounts that don't add up are as good as the most.
fn said(lines: &[Line]) -> Option<Amount> {
    let sum = |sum: Amount, line: &Line| sum.saturating_add(line.amount);
    (!lines.is_empty()).then(|| lines.iter().fold(0, sum))
}

#[cfg(test)]
mod tests {
    use protocol::{reconciliation::Entry, settlement::Asset, AccountId};

    use super::*;

    fn line(amount: Amount) -> Line {
        Line {
            trade: TradeId([1; 32]),
            number: 0,
            day: Day(20_783),
            amount,
            asset: Asset::Native,
            payer: Some(PayerId([2; 32])),
            time: Some(1_795_700_000_000),
        }
    }

    /// Lines of which the chain has no entry.
    fn unrecorded(debit: &[Line], credit: &[Line]) -> Finding {
        Finding {
            trade: TradeId([1; 32]),
            day: Day(20_783),
            causes: vec![Cause {
                kind: Kind::Missing,
                side: Side::Chain,
            }],
            entry: None,
            batch: None,
            debit: debit.to_vec(),
            credit: credit.to_vec(),
            is_expected: false,
        }
    }

    fn entry() -> ChainEntry {
        ChainEntry {
            entry: Entry {
                trade: TradeId([3; 32]),
                payer: PayerId([4; 32]),
                amount: 70,
                time: 5,
            },
            day: Day(20_783),
            batch: None,
            corrections: 1,
            block: 7,
            block_hash: [7; 32],
            event: 3,
        }
    }

    #[test]
    fn the_chains_entry_is_what_is_right_and_where_there_is_none_what_both_books_say_alike() {
        let right = proposal(&Finding {
            entry: Some(entry()),
            ..unrecorded(&[line(100), line(100)], &[])
        });
        assert_eq!(
            (right.trade, right.amount, right.payer, right.time),
            (TradeId([3; 32]), 70, PayerId([4; 32]), 5)
        );
        assert_eq!((right.debit, right.credit), (Some(200), None));

        let (mut nameless, mut later) = (line(100), line(100));
        nameless.payer = None;
        later.time = Some(1_795_700_000_001);
        for credit in [line(100), nameless.clone(), later] {
            let right = proposal(&unrecorded(&[line(100)], &[credit]));
            assert_eq!((right.trade, right.amount), (TradeId([1; 32]), 100));
            assert_eq!((right.payer, right.time), (PayerId([2; 32]), 1_795_700_000_000));
        }
        nameless.time = None;
        let right = proposal(&unrecorded(&[nameless.clone()], &[nameless]));
        assert_eq!((right.amount, right.payer), (100, PayerId::of("")));
        assert_eq!(right.time, 20_783 * 86_400_000, "the day's begin");
    }

    #[test]
    fn what_the_books_dont_say_alike_and_the_chain_doesnt_have_was_no_payment() {
        let (mut payer, mut asset) = (line(100), line(100));
        payer.payer = Some(PayerId([9; 32]));
        asset.asset = Asset::Psp22(AccountId([9; 32]));
        let twice = [line(100), Line { number: 1, ..line(100) }];
        let differing: [(&[Line], &[Line]); 7] = [
            (&[line(100)], &[]),
            (&[], &[line(100)]),
            (&[line(100)], &[line(101)]),
            (&[line(100)], &[payer]),
            (&[line(100)], &[asset.clone()]),
            (&twice, &[line(100)]),
            (&[line(100)], &twice),
        ];
        for (debit, credit) in differing {
            let right = proposal(&unrecorded(debit, credit));
            assert_eq!((right.amount, right.payer), (0, PayerId([2; 32])));
        }
        // In an asset that isn't the book's, it can't be recorded.
        let mut both = unrecorded(&[asset.clone()], &[asset]);
        both.causes.extend([Side::Debit, Side::Credit].map(|side| Cause {
            kind: Kind::Asset,
            side,
        }));
        assert_eq!(proposal(&both).amount, 0);
    }

    #[test]
    fn a_batch_whose_sum_is_off_confirms_its_first_entry_and_tells_what_the_line_should_say() {
        let mut finding = Finding {
            entry: Some(entry()),
            batch: Some(Sums {
                debit: Some(120),
                credit: None,
            }),
            ..unrecorded(&[line(100)], &[])
        };
        assert_eq!((finding.due(Side::Debit), finding.off(Side::Debit)), (120, -20));
        assert_eq!((finding.due(Side::Credit), finding.off(Side::Credit)), (0, 0));
        let right = proposal(&finding);
        assert_eq!((right.trade, right.amount), (TradeId([3; 32]), 70));
        let before = evidence(&finding);
        finding.batch = Some(Sums {
            debit: Some(121),
            credit: None,
        });
        assert_ne!(evidence(&finding), before);
    }

    #[test]
    fn a_correction_names_as_many_causes_as_it_can() {
        let kinds = [Kind::Amount, Kind::Asset, Kind::Payer, Kind::Duplicate, Kind::WrongDay];
        let causes = kinds
            .into_iter()
            .flat_map(|kind| [Side::Debit, Side::Credit].map(|side| Cause { kind, side }));
        let finding = Finding {
            causes: causes.collect(),
            entry: Some(entry()),
            ..unrecorded(&[line(1)], &[line(1)])
        };
        assert_eq!(finding.causes.len(), 10);
        let correction = proposal(&finding).correction(BookId(0), 1, Day(20_783), 9);
        assert_eq!(correction.check(), Ok(()));
        assert_eq!(correction.causes, finding.causes[..MAX_CAUSES]);
        assert_eq!(
            (correction.number, correction.expires_at, correction.evidence),
            (1, 9, evidence(&finding))
        );
    }
}
