//! A merchant's statement drawn up from what moved in the cycle: how a cycle is paid, said here a second time. The contract's
//! own arithmetic is not asked.
use protocol::{
    prepaid::{Cycle, MerchantNumber, Rules, Statement},
    AccountId, Amount, Timestamp,
};

use crate::prepaid::book::{Entry, EntryKind};

/// What rates are counted in.
const MILLION: Amount = 1_000_000;

/// What a statement is drawn up from.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// Whose.
    pub merchant: MerchantNumber,
    /// Where it is paid.
    pub account: AccountId,
    /// The cycle's number.
    pub number: u32,
    /// When the cycle before was closed.
    pub opened_at: Timestamp,
    /// When this one was.
    pub closed_at: Timestamp,
    /// How it is paid.
    pub rules: Rules,
    /// What the cycle before left.
    pub opening: Amount,
    /// Fees of earlier cycles that had not been taken.
    pub fee_before: Amount,
    /// What is held for disputes when it is closed.
    pub held: Amount,
    /// What moved in it.
    pub entries: &'a [Entry],
}

/// What a statement is reckoned from once everything that moved is summed up.
#[derive(Clone, Copy, Debug)]
pub struct Reckoning {
    /// Whose.
    pub merchant: MerchantNumber,
    /// Where it is paid.
    pub account: AccountId,
    /// What happened in the cycle.
    pub cycle: Cycle,
    /// When it was closed.
    pub closed_at: Timestamp,
    /// How it is paid.
    pub rules: Rules,
    /// Fees of earlier cycles that had not been taken.
    pub fee_before: Amount,
    /// What is held for disputes when it is closed.
    pub held: Amount,
}

/// The statement; `None` where a sum is beyond what an amount can hold, or below nothing.
pub fn draw_up(basis: &Basis<'_>) -> Option<Statement> {
    let reckoning = Reckoning {
        merchant: basis.merchant,
        account: basis.account,
        cycle: sums(basis.number, basis.opened_at, basis.opening, basis.entries),
        closed_at: basis.closed_at,
        rules: basis.rules,
        fee_before: basis.fee_before,
        held: basis.held,
    };
    reckoning.statement()
}

impl Reckoning {
    /// The statement; `None` where a sum is beyond what an amount can hold, or below nothing.
    pub fn statement(&self) -> Option<Statement> {
        let Self { cycle, rules, held, .. } = *self;
        let sales = cycle.gross.checked_sub(cycle.voided)?;
        let sold = Amount::from(cycle.count.checked_sub(cycle.voided_count)?);
        let part = millionths(sales, rules.parts_per_million)?;
        let due = rules
            .flat
            .checked_mul(sold)?
            .checked_add(part)?
            .checked_add(self.fee_before)?;

        let came = cycle.opening.checked_add(cycle.gross)?.checked_add(cycle.funded)?;
        let went = cycle.voided.checked_add(cycle.refunded)?.checked_add(cycle.awarded)?;
        let unpaid = came.checked_sub(went)?;
        let free = unpaid.saturating_sub(held);
        let fee = if due < free { due } else { free };
        let net = unpaid.checked_sub(fee)?;
        let reserve = millionths(sales, rules.reserve_parts_per_million)?;
        let kept = held.saturating_add(reserve);
        let paid = match net.checked_sub(kept) {
            Some(rest) if rest >= rules.least_payout => rest,
            _ => 0,
        };
        Some(Statement {
            merchant: self.merchant,
            account: self.account,
            cycle,
            closed_at: self.closed_at,
            rules,
            fee_before: self.fee_before,
            fee,
            fee_due: due.checked_sub(fee)?,
            net,
            held,
            reserve,
            paid,
            closing: net.checked_sub(paid)?,
        })
    }
}

/// What moved, kind by kind. Sums stop at the largest amount: the contract lets none come there.
pub fn sums(number: u32, opened_at: Timestamp, opening: Amount, entries: &[Entry]) -> Cycle {
    let of = |kind: EntryKind| {
        let its = entries.iter().filter(move |entry| entry.kind == kind);
        let none: (u32, Amount) = (0, 0);
        its.fold(none, |(count, sum), entry| {
            (count.saturating_add(1), sum.saturating_add(entry.amount))
        })
    };
    let (count, gross) = of(EntryKind::Payment);
    let (voided_count, voided) = of(EntryKind::Void);
    let (refunded_count, refunded) = of(EntryKind::Refund);
    let (awarded_count, awarded) = of(EntryKind::Award);
    let (_, funded) = of(EntryKind::Funding);
    Cycle {
        number,
        opened_at,
        opening,
        count,
        gross,
        voided_count,
        voided,
        refunded_count,
        refunded,
        awarded_count,
        awarded,
        funded,
    }
}

/// So many millionths, rounded down.
fn millionths(of: Amount, parts: u32) -> Option<Amount> {
    let parts = Amount::from(parts);
    match of.checked_mul(parts) {
        Some(product) => product.checked_div(MILLION),
        // Large amounts digit by digit: whole millions first, then the rest.
        None => {
            let whole = of.checked_div(MILLION)?.checked_mul(parts)?;
            let rest = of.checked_rem(MILLION)?.checked_mul(parts)?.checked_div(MILLION)?;
            whole.checked_add(rest)
        }
    }
}
