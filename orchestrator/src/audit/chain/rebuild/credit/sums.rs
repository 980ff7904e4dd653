//! What must hold over all debts, limits, payouts and pools together.
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use protocol::{
    credit::{Debt, DebtState},
    settlement::Asset,
    text::to_hex,
    AccountId, Amount,
};

use super::{limits::Weight, pool::OWN, DEBTS, NODE_LIMITS, PAYEE_LIMITS, PAYOUTS, POOLS};
use crate::{
    assets::AssetName,
    audit::chain::{
        findings::Findings,
        tables::{Kept, Tables, TablesError},
        Block,
    },
};

/// About so many debts' limits are added up at a time: all of them need not fit into memory.
const AT_A_TIME: u64 = 50_000;

/// What the contract must have of each asset: the pool. It is what the credit node put in and took out, what was repaid and
/// what payees were paid; and what is taken of each limit is what its debts take of it.
///
/// # Errors
/// The work file is broken.
pub fn sums(
    name: &str,
    contract: AccountId,
    until: Block,
    tables: &mut Tables,
    findings: &mut Findings,
) -> Result<BTreeMap<Asset, Amount>, TablesError> {
    let kept = tables.of(contract);
    let mut wrong = |code: &str, detail: String| findings.add(code, name, until, None, detail);

    let mut flows = BTreeMap::<Asset, Amount>::new();
    OWN.each(&kept, |asset, own| {
        flows.insert(asset, own);
    })?;
    let mut debts = 0u64;
    DEBTS.each(&kept, |id, debt| {
        debts = debts.saturating_add(1);
        let flow = flows.entry(debt.asset).or_default();
        *flow = flow.wrapping_add(debt.repaid).wrapping_add(debt.fee_paid);
        if !is_sound(&debt) {
            wrong(
                "contradiction",
                format!("more was repaid of {id} than was owed, or it is settled too early or too late"),
            );
        }
    })?;
    PAYOUTS.each(&kept, |_, payout| {
        let flow = flows.entry(payout.asset).or_default();
        *flow = flow.wrapping_sub(payout.amount);
    })?;

    let mut pools = BTreeMap::new();
    POOLS.each(&kept, |asset, pool| {
        pools.insert(asset, pool);
    })?;
    for (asset, flow) in flows {
        let pool = pools.get(&asset).copied().unwrap_or_default();
        if flow != pool {
            let asset = AssetName(asset);
            wrong(
                "not-conserved",
                format!("the pool of {asset} is {pool}; what came in less what went out is {flow}"),
            );
        }
    }

    let parts = debts.checked_div(AT_A_TIME).unwrap_or_default().saturating_add(1);
    for part in 0..parts {
        check_limits(&kept, &|line: &Line| line.part_of(parts) == part, &mut |detail| {
            wrong("contradiction", detail);
        })?;
    }
    Ok(pools)
}

/// No more is repaid than is owed, and a debt is settled when nothing is left of it.
fn is_sound(debt: &Debt) -> bool {
    let is_repaid = debt.repaid == debt.amount && (!debt.is_overdue || debt.fee_paid == debt.late_fee);
    match debt.state {
        DebtState::Settled => is_repaid,
        DebtState::Owed => !is_repaid && debt.repaid <= debt.amount && debt.fee_paid <= debt.late_fee,
        DebtState::Reserved | DebtState::Released | DebtState::Expired => (debt.repaid, debt.fee_paid) == (0, 0),
    }
}

/// Whose limit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Line {
    /// A payee's, for a payer.
    Payee(AccountId, AccountId, Asset),
    /// The credit node's, for a payer.
    Node(AccountId, Asset),
}

impl Line {
    fn both(debt: &Debt) -> [Self; 2] {
        [
            Self::Payee(debt.payee, debt.payer, debt.asset),
            Self::Node(debt.payer, debt.asset),
        ]
    }

    fn part_of(&self, parts: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish().checked_rem(parts).unwrap_or_default()
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whose, payer, asset) = match self {
            Self::Payee(payee, payer, asset) => (to_hex(&payee.0), payer, asset),
            Self::Node(payer, asset) => ("the credit node".to_owned(), payer, asset),
        };
        write!(
            f,
            "the limit of {whose} for {} in {}",
            to_hex(&payer.0),
            AssetName(*asset)
        )
    }
}

/// Adds up what debts take of some limits, and holds it against what those say.
fn check_limits(
    kept: &Kept<'_>,
    is_looked_at: &dyn Fn(&Line) -> bool,
    wrong: &mut dyn FnMut(String),
) -> Result<(), TablesError> {
    let mut taken = BTreeMap::<Line, Weight>::new();
    DEBTS.each(kept, |_, debt| {
        for line in Line::both(&debt).into_iter().filter(is_looked_at) {
            let weight = taken.entry(line).or_default();
            *weight = weight.and(Weight::of(&debt));
        }
    })?;
    let mut compare = |line: Line, said: Weight| {
        if is_looked_at(&line) {
            let counted = taken.remove(&line).unwrap_or_default();
            let is_same = match line {
                Line::Payee(..) => said.used == counted.used,
                Line::Node(..) => said == counted,
            };
            if !is_same {
                wrong(format!("of {line}, {said:?} is taken; its debts come to {counted:?}"));
            }
        }
    };
    PAYEE_LIMITS.each(kept, |(payee, payer, asset), limit| {
        let said = Weight {
            used: limit.used,
            overdue: 0,
        };
        compare(Line::Payee(payee, payer, asset), said);
    })?;
    NODE_LIMITS.each(kept, |(payer, asset), limit| {
        let said = Weight {
            used: limit.used,
            overdue: limit.overdue,
        };
        compare(Line::Node(payer, asset), said);
    })?;
    for line in taken.into_keys() {
        wrong(format!("of {line}, nothing is kept, but there are debts"));
    }
    Ok(())
}
