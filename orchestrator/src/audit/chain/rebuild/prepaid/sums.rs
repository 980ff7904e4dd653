//! What must hold of a card issuer's contract at the end, however it came there.
use std::collections::BTreeMap;

use protocol::{
    prepaid::{CardState, MerchantNumber, PaymentKey, PaymentRecord},
    settlement::Asset,
    AccountId, Amount,
};

use super::{named, Head, CARDS, DISPUTES, MERCHANTS, PAYMENTS, STATEMENTS};
use crate::audit::chain::{
    findings::Findings,
    tables::{Kept, Tables, TablesError},
    Block,
};

/// What counts of a merchant, added up from all payments and disputes.
#[derive(Default)]
struct Tally {
    /// In the open cycle.
    count: u32,
    gross: Amount,
    /// For all disputes that aren't decided.
    held: Amount,
}

/// What is wrong, a sentence each.
type Wrong = Vec<String>;

/// Whether it all adds up: the float, what is held for disputes, what went back of each payment, each payment in one cycle,
/// each statement. Gives what the contract must have.
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
    let Some(head) = kept.head::<Head>()? else {
        return Ok(BTreeMap::new());
    };
    let mut wrong = Wrong::new();
    float(&kept, &head, &mut wrong)?;
    let tallies = payments(&kept, &mut wrong)?;
    merchants(&kept, &tallies, &mut wrong)?;
    statements(&kept, &mut wrong)?;
    for detail in wrong {
        findings.add("contradiction", name, until, None, detail);
    }
    let float = head.float.cards.saturating_add(head.float.merchants);
    Ok(BTreeMap::from([(head.asset, float)]))
}

/// The float is counted event by event; here, from its parts.
fn float(kept: &Kept<'_>, head: &Head, wrong: &mut Wrong) -> Result<(), TablesError> {
    let (mut cards, mut unpaid): (Amount, Amount) = (0, 0);
    CARDS.each(kept, |number, card| {
        cards = cards.saturating_add(card.balance);
        if card.state == CardState::Closed && card.balance > 0 {
            wrong.push(format!("card {} is closed and holds {}", number.0, card.balance));
        }
    })?;
    MERCHANTS.each(kept, |_, merchant| {
        unpaid = unpaid.saturating_add(merchant.unpaid);
    })?;
    let sums = [
        ("what all cards hold", cards, head.float.cards),
        ("what all merchants aren't paid yet", unpaid, head.float.merchants),
    ];
    for (what, sum, told) in sums {
        if sum != told {
            wrong.push(format!("{what} comes to {sum}, the float says {told}"));
        }
    }
    Ok(())
}

fn payments(kept: &Kept<'_>, wrong: &mut Wrong) -> Result<BTreeMap<MerchantNumber, Tally>, TablesError> {
    let mut open: BTreeMap<MerchantNumber, u32> = BTreeMap::new();
    MERCHANTS.each(kept, |number, merchant| {
        open.insert(number, merchant.cycle.number);
    })?;
    let mut undecided: BTreeMap<PaymentKey, Amount> = BTreeMap::new();
    DISPUTES.each(kept, |key, dispute| {
        if dispute.awarded.is_none() {
            undecided.insert(key, dispute.amount);
        }
    })?;
    let mut tallies: BTreeMap<MerchantNumber, Tally> = BTreeMap::new();
    PAYMENTS.each(kept, |key, record| {
        let PaymentRecord { taken, returned, .. } = record;
        if returned > taken || (record.is_voided && returned != taken) {
            wrong.push(format!("{}: {taken} was taken, and {returned} went back", named(key)));
        }
        let tally = tallies.entry(record.merchant).or_default();
        let cycle = open.get(&record.merchant).copied();
        if cycle == Some(record.cycle) {
            tally.count = tally.count.saturating_add(1);
            tally.gross = tally.gross.saturating_add(taken);
        }
        if cycle.is_none_or(|open| record.cycle > open) {
            wrong.push(format!("{} is in a cycle that never began", named(key)));
        }
        let held = undecided.remove(&key).unwrap_or_default();
        tally.held = tally.held.saturating_add(held);
    })?;
    let strays = undecided.into_keys().map(named);
    wrong.extend(strays.map(|payment| format!("a dispute is over {payment}, which never was")));
    Ok(tallies)
}

fn merchants(kept: &Kept<'_>, tallies: &BTreeMap<MerchantNumber, Tally>, wrong: &mut Wrong) -> Result<(), TablesError> {
    let none = Tally::default();
    MERCHANTS.each(kept, |number, merchant| {
        let tally = tallies.get(&number).unwrap_or(&none);
        let cycle = merchant.cycle;
        let mut expect = |what: &str, told: Amount, sum: Option<Amount>| {
            if sum != Some(told) {
                let sum = sum.map_or_else(|| "nothing that can be".to_owned(), |sum| sum.to_string());
                wrong.push(format!("merchant {}: {what}: {told} is kept, {sum} follows", number.0));
            }
        };
        expect("what is held for disputes", merchant.held, Some(tally.held));
        expect(
            "payments in its open cycle",
            cycle.count.into(),
            Some(tally.count.into()),
        );
        expect("the sum of them", cycle.gross, Some(tally.gross));
        let came = [cycle.opening, cycle.gross, cycle.funded];
        let went = [cycle.voided, cycle.refunded, cycle.awarded];
        expect("what it isn't paid yet", merchant.unpaid, difference(came, went));
    })
}

/// That each begins where the one before ended, was seen when it was drawn up.
fn statements(kept: &Kept<'_>, wrong: &mut Wrong) -> Result<(), TablesError> {
    STATEMENTS.each(kept, |(number, cycle), told| {
        let sums = told.cycle;
        let came = [sums.opening, sums.gross, sums.funded];
        let went = [sums.voided, sums.refunded, sums.awarded];
        let net = difference(came, went).and_then(|unpaid| unpaid.checked_sub(told.fee));
        if net != Some(told.net) || told.net.checked_sub(told.paid) != Some(told.closing) {
            wrong.push(format!(
                "merchant {}: the statement of cycle {cycle} doesn't add up",
                number.0
            ));
        }
    })
}

fn difference(came: [Amount; 3], went: [Amount; 3]) -> Option<Amount> {
    let sum = |parts: [Amount; 3]| parts.into_iter().try_fold(0, Amount::checked_add);
    sum(came)?.checked_sub(sum(went)?)
}
