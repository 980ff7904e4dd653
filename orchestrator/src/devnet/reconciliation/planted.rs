//! A day of customers' payments, and two institutions' books of it in which every type of break was planted.
use std::collections::BTreeMap;

use protocol::{
    ids::TradeId,
    reconciliation::{Cause, Day, Kind, Side},
    Amount, Timestamp,
};

/// How many breaks of each type are planted at each side.
const OF_EACH: usize = 2;
/// How many payments a batch has.
const BATCH: usize = 5;
/// In milliseconds.
const DAY: Timestamp = 86_400_000;
/// The smallest payment, in cents.
const LEAST: Amount = 1_000;
/// The first reference's number.
const FIRST: usize = 100_001;
/// A currency that isn't the book's.
pub const OTHER_CURRENCY: &str = "USD";
/// The book's currency.
pub const CURRENCY: &str = "EUR";

/// What a customer paid: it becomes a bilateral entry.
#[derive(Clone, Debug)]
pub struct Payment {
    /// What it is known by.
    pub reference: String,
    /// Who paid.
    pub payer: String,
    /// In cents.
    pub amount: Amount,
    /// When, in milliseconds since 1970; by the full second.
    pub time: Timestamp,
    /// What it may be booked under as one line.
    pub batch: Option<String>,
}

/// A line of a side's own book.
#[derive(Clone, Debug)]
pub struct Booked {
    /// What the side knows it by.
    pub reference: String,
    /// Who paid.
    pub payer: String,
    /// In cents.
    pub amount: Amount,
    /// In which currency.
    pub currency: &'static str,
    /// When, in milliseconds since 1970.
    pub time: Timestamp,
}

/// A day, the books of both sides, and what is wrong with them.
#[derive(Clone, Debug)]
pub struct PlantedDay {
    /// Which day.
    pub day: Day,
    /// What the client records.
    pub payments: Vec<Payment>,
    /// The debit side's book.
    pub debit: Vec<Booked>,
    /// The credit side's.
    pub credit: Vec<Booked>,
    /// What was planted: each trade's causes, ascending.
    pub planted: BTreeMap<TradeId, Vec<Cause>>,
    /// What the day comes to once everything is corrected.
    pub total: Amount,
}

impl PlantedDay {
    /// A day without a fault, but with two batches: the first of five is one line at the debit side.
    pub fn clean(day: Day, count: usize) -> Self {
        let payments: Vec<Payment> = (0..count).map(|place| payment(day, place, count)).collect();
        let mut planted = Self {
            day,
            debit: payments.iter().map(booked).collect(),
            credit: payments.iter().map(booked).collect(),
            total: payments.iter().map(|payment| payment.amount).sum(),
            payments,
            planted: BTreeMap::new(),
        };
        planted.batch(Side::Debit, 0);
        planted
    }

    /// A day with breaks of every type at each side. At least a hundred payments, so that all have room.
    pub fn with_every_break(day: Day, count: usize) -> Self {
        let mut planted = Self::clean(day, count);
        // Not among the first, which are a batch, nor the last, which become one; far from each other.
        let room = count.saturating_sub(2 * BATCH) / 40;
        let mut free = (0..40).map(|place| BATCH + place * room.max(1));
        let kinds = [
            Kind::Missing,
            Kind::Amount,
            Kind::Asset,
            Kind::Payer,
            Kind::Duplicate,
            Kind::WrongDay,
            Kind::AlteredId,
        ];
        for side in [Side::Debit, Side::Credit] {
            for kind in kinds {
                for place in free.by_ref().take(OF_EACH) {
                    planted.plant(place, &[(kind, side)]);
                }
            }
        }
        // More than one thing is wrong.
        for causes in [
            [(Kind::Missing, Side::Debit), (Kind::Missing, Side::Credit)],
            [(Kind::Amount, Side::Debit), (Kind::Payer, Side::Credit)],
        ] {
            for place in free.by_ref().take(1) {
                planted.plant(place, &causes);
            }
        }
        // Not on the chain: at both sides, so it was paid; at one, so it wasn't.
        for (number, sides) in [&[Side::Debit, Side::Credit][..], &[Side::Debit], &[Side::Credit]]
            .iter()
            .enumerate()
        {
            planted.stray(number, sides);
        }
        // A line for a batch whose sum is off.
        planted.batch(Side::Credit, count.saturating_sub(BATCH));
        if let Some(line) = planted.credit.last_mut() {
            line.amount += 1;
            planted.planted.insert(
                TradeId::of(&line.reference),
                vec![Cause {
                    kind: Kind::Amount,
                    side: Side::Credit,
                }],
            );
        }
        planted
    }

    /// The lines of a side.
    pub fn lines(&self, side: Side) -> &[Booked] {
        match side {
            Side::Debit => &self.debit,
            Side::Credit => &self.credit,
            Side::Chain => &[],
        }
    }

    fn lines_mut(&mut self, side: Side) -> &mut Vec<Booked> {
        match side {
            Side::Debit => &mut self.debit,
            Side::Credit | Side::Chain => &mut self.credit,
        }
    }

    /// Has one payment be wrong in these ways. Of two on a wrong day, one is early and one is late.
    pub fn plant(&mut self, place: usize, causes: &[(Kind, Side)]) {
        let is_late = self.planted.len().is_multiple_of(2);
        let Some(payment) = self.payments.get(place).cloned() else {
            return;
        };
        for (kind, side) in causes {
            let lines = self.lines_mut(*side);
            let Some(at) = lines.iter().position(|line| line.reference == payment.reference) else {
                return;
            };
            let line = &mut lines[at];
            match kind {
                Kind::Missing => {
                    lines.remove(at);
                }
                Kind::Amount => line.amount += 90,
                Kind::Asset => line.currency = OTHER_CURRENCY,
                Kind::Payer => line.payer = "customer-999".into(),
                Kind::Duplicate => {
                    let twice = line.clone();
                    lines.push(twice);
                }
                Kind::WrongDay if is_late => line.time += DAY,
                Kind::WrongDay => line.time -= DAY,
                Kind::AlteredId => line.reference = payment.reference.replace("INV-", "lNV-"),
            }
        }
        let mut causes: Vec<Cause> = causes.iter().map(|&(kind, side)| Cause { kind, side }).collect();
        causes.sort_unstable();
        self.planted.insert(TradeId::of(&payment.reference), causes);
    }

    /// Something that these sides booked and the client didn't record.
    fn stray(&mut self, number: usize, sides: &[Side]) {
        let count = self.payments.len();
        let stray = Payment {
            reference: format!("STRAY-{number}"),
            ..payment(self.day, count + number, count + 100)
        };
        for side in sides {
            self.lines_mut(*side).push(booked(&stray));
        }
        if sides.len() > 1 {
            self.total += stray.amount;
        }
        let cause = Cause {
            kind: Kind::Missing,
            side: Side::Chain,
        };
        self.planted.insert(TradeId::of(&stray.reference), vec![cause]);
    }

    /// Makes five payments a batch, which this side books as one line: its last.
    fn batch(&mut self, side: Side, first: usize) {
        let name = format!("BATCH-{first}");
        let mut payments = Vec::new();
        for payment in self.payments.iter_mut().skip(first).take(BATCH) {
            payment.batch = Some(name.clone());
            payments.push(payment.clone());
        }
        let Some(last) = payments.last() else {
            return;
        };
        let line = Booked {
            reference: name,
            amount: payments.iter().map(|payment| payment.amount).sum(),
            // Nobody alone paid it.
            payer: String::new(),
            ..booked(last)
        };
        let lines = self.lines_mut(side);
        lines.retain(|line| payments.iter().all(|payment| payment.reference != line.reference));
        lines.push(line);
    }
}

/// Spread over the day; no two are of the same amount, so an altered id has one payment that it can be of.
fn payment(day: Day, place: usize, count: usize) -> Payment {
    let number = place as u64;
    let second = number.saturating_mul(86_400) / count.max(1) as u64;
    Payment {
        reference: format!("INV-{}-{}", day.0, FIRST + place),
        payer: format!("customer-{}", place % 97),
        amount: LEAST + 7 * Amount::from(number),
        time: Timestamp::from(day.0) * DAY + second * 1_000,
        batch: None,
    }
}

fn booked(payment: &Payment) -> Booked {
    Booked {
        reference: payment.reference.clone(),
        payer: payment.payer.clone(),
        amount: payment.amount,
        currency: CURRENCY,
        time: payment.time,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_clean_day_comes_to_the_same_in_both_books() {
        let day = PlantedDay::clean(Day(20_783), 200);
        for side in [Side::Debit, Side::Credit] {
            let sum: Amount = day.lines(side).iter().map(|line| line.amount).sum();
            assert_eq!(sum, day.total);
        }
        assert_eq!((day.debit.len(), day.credit.len()), (196, 200));
        assert!(day.planted.is_empty());
    }

    #[test]
    fn every_type_of_break_is_planted_at_each_side() {
        let day = PlantedDay::with_every_break(Day(20_783), 200);
        let causes: BTreeSet<Cause> = day.planted.values().flatten().copied().collect();
        assert_eq!(causes.len(), 15, "seven at each side, and one on the chain: {causes:?}");
        assert_eq!(day.planted.len(), 7 * 2 * OF_EACH + 2 + 3 + 1);
        let amounts: BTreeSet<Amount> = day.payments.iter().map(|payment| payment.amount).collect();
        assert_eq!(amounts.len(), day.payments.len());
        let times = day.payments.iter().map(|payment| payment.time / DAY);
        assert!(times.into_iter().all(|day| day == 20_783));
    }

    #[test]
    fn lines_of_wrong_days_are_early_and_late() {
        let day = PlantedDay::with_every_break(Day(20_783), 2_048);
        let days: BTreeSet<Timestamp> = day
            .debit
            .iter()
            .chain(&day.credit)
            .map(|line| line.time / DAY)
            .collect();
        assert_eq!(days, BTreeSet::from([20_782, 20_783, 20_784]));
    }
}
