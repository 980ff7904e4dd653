//! An auditor's comparison of everything that a prepaid contract keeps with what follows from its events.
use std::future::Future;

use futures::{StreamExt, TryStreamExt};
use protocol::{
    prepaid::{CardNumber, Float, MerchantNumber, PaymentKey, MAX_LISTED},
    AccountId,
};
use serde::Serialize;

use super::{
    book::{differences, Book, Mismatch, Place},
    past::{LedgerError, Storage},
};

/// The lists that are asked for at once.
const AT_ONCE: usize = 8;

/// How many things [`compare`] looks at.
pub fn things(book: &Book) -> u64 {
    let statements: usize = book.merchants().map(|(_, merchant)| merchant.closings.len()).sum();
    let counts = [
        book.cards().count(),
        book.merchants().count(),
        book.terminals().count(),
        book.payments().count(),
        book.disputes().count(),
        book.references().count(),
        statements,
        // Programme and float.
        2,
    ];
    u64::try_from(counts.iter().sum::<usize>()).unwrap_or(u64::MAX)
}

/// Everything that events say otherwise than the events before them, and everything that the contract keeps otherwise after
/// the block that the book was read up to. `looked` is called with how many things were looked at.
///
/// # Errors
/// The chain can't be read.
pub async fn compare(
    book: &Book,
    storage: &dyn Storage,
    block: u32,
    looked: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Mismatch>, LedgerError> {
    let place = Place::Storage { block };
    let mut found = book.mismatches().to_vec();
    let programme = Some(storage.programme().await?);
    found.extend(differences(place, "programme", &programme, &book.programme()));
    found.extend(differences(place, "float", &storage.float().await?, &book.float()));
    found.extend(sums(book, place));
    looked(2);

    let cards = book.cards().map(|(number, card)| (number, card.card));
    let named = |number: &CardNumber| format!("card {}", number.0);
    let read = |numbers: Vec<CardNumber>| async move { storage.cards(&numbers).await };
    found.extend(listed(place, cards.collect(), named, read, looked).await?);

    let merchants = book.merchants().map(|(number, merchant)| (number, merchant.state()));
    let named = |number: &MerchantNumber| format!("merchant {}", number.0);
    let read = |numbers: Vec<MerchantNumber>| async move { storage.merchants(&numbers).await };
    found.extend(listed(place, merchants.collect(), named, read, looked).await?);

    let named = |key: &AccountId| format!("terminal {}", crate::chain::deployment::to_ss58(key));
    let read = |keys: Vec<AccountId>| async move { storage.terminals(&keys).await };
    found.extend(listed(place, book.terminals().collect(), named, read, looked).await?);

    let payments = book.payments().map(|(key, payment)| (key, payment.record));
    let named = |key: &PaymentKey| format!("payment {} of card {}", key.1, key.0 .0);
    let read = |keys: Vec<PaymentKey>| async move { storage.payments(&keys).await };
    found.extend(listed(place, payments.collect(), named, read, looked).await?);

    // That there is a dispute over no other payment, too.
    let disputes = book.payments().map(|(key, _)| (key, book.dispute(key)));
    let named = |key: &PaymentKey| format!("dispute over payment {} of card {}", key.1, key.0 .0);
    let read = |keys: Vec<PaymentKey>| async move {
        let found = storage.disputes(&keys).await?;
        Ok(found.into_iter().map(Some).collect())
    };
    let disputes = listed(place, disputes.collect(), named, read, &|_| ()).await?;
    looked(u64::try_from(book.disputes().count()).unwrap_or(u64::MAX));
    found.extend(disputes);

    found.extend(statements(book, storage, place, looked).await?);
    found.extend(references(book, storage, place, looked).await?);
    Ok(found)
}

/// The float is the sum of its parts: one counted event by event, the other all at once.
fn sums(book: &Book, place: Place) -> Vec<Mismatch> {
    let float = Float {
        cards: book
            .cards()
            .fold(0, |sum, (_, card)| sum.saturating_add(card.card.balance)),
        merchants: book
            .merchants()
            .fold(0, |sum, (_, merchant)| sum.saturating_add(merchant.unpaid)),
    };
    differences(place, "float: Σ cards and unpaid merchants", &book.float(), &float)
}

async fn listed<K: Clone, V: PartialEq + Serialize, F: Future<Output = Result<Vec<Option<V>>, LedgerError>>>(
    place: Place,
    expected: Vec<(K, V)>,
    named: impl Fn(&K) -> String,
    read: impl Fn(Vec<K>) -> F,
    looked: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Mismatch>, LedgerError> {
    let lists: Vec<Vec<K>> = expected
        .chunks(MAX_LISTED)
        .map(|some| some.iter().map(|(key, _)| key.clone()).collect())
        .collect();
    let count = |list: &[Option<V>]| u64::try_from(list.len()).unwrap_or(u64::MAX);
    let mut answers = futures::stream::iter(lists).map(read).buffered(AT_ONCE);
    let mut all: Vec<Option<V>> = Vec::with_capacity(expected.len());
    while let Some(answer) = answers.try_next().await? {
        looked(count(&answer));
        all.extend(answer);
    }
    if all.len() != expected.len() {
        return Err(LedgerError::Rejected(format!(
            "the contract answered {} of {} questions",
            all.len(),
            expected.len()
        )));
    }
    let pairs = expected.into_iter().zip(all);
    let differs = pairs.flat_map(|((key, value), found)| differences(place, &named(&key), &found, &Some(value)));
    Ok(differs.collect())
}

async fn statements(
    book: &Book,
    storage: &dyn Storage,
    place: Place,
    looked: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Mismatch>, LedgerError> {
    let mut found = Vec::new();
    for (number, merchant) in book.merchants() {
        for (cycle, closing) in (0..).zip(&merchant.closings) {
            let kept = storage.statement(number, cycle).await?;
            let what = format!("statement of merchant {}, cycle {cycle}", number.0);
            found.extend(differences(place, &what, &kept, &Some(closing.statement)));
            looked(1);
        }
        // The open one has none.
        let open = merchant.open_cycle();
        let kept = storage.statement(number, open).await?;
        let what = format!("statement of merchant {}, cycle {open}", number.0);
        found.extend(differences(place, &what, &kept, &None));
    }
    Ok(found)
}

async fn references(
    book: &Book,
    storage: &dyn Storage,
    place: Place,
    looked: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Mismatch>, LedgerError> {
    let all: Vec<_> = book.references().collect();
    let ask = |(by, reference)| async move {
        let is_used = storage.is_used(by, reference).await?;
        Ok::<_, LedgerError>((by, reference, is_used))
    };
    let mut answers = futures::stream::iter(all).map(ask).buffered(AT_ONCE);
    let mut found = Vec::new();
    while let Some((by, reference, is_used)) = answers.try_next().await? {
        let by = crate::chain::deployment::to_ss58(&by);
        let what = format!("reference {} of {by}", protocol::text::to_hex(&reference));
        found.extend(differences(place, &what, &is_used, &true));
        looked(1);
    }
    Ok(found)
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
