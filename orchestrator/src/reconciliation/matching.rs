//! Matches a day (S3.2): the two books' statements and the chain's entries, page by page, in bounded memory.
use std::collections::HashMap;

use async_trait::async_trait;
use protocol::{
    ids::TradeId,
    reconciliation::{BookId, Side},
};
pub use quittance_matching::{MatchError, Rules, SHOWN};
use quittance_matching::{Matcher, Rest};

use super::{
    findings::{Finding, Summary},
    line::ChainEntry,
    statements::Pages,
};
use crate::store::{Store, StoreError};

/// How many trades of what is left over are judged at once.
const AT_ONCE: usize = 512;

/// Why a day couldn't be matched.
#[derive(Debug, thiserror::Error)]
pub enum MatchFault {
    /// The day can't be matched.
    #[error(transparent)]
    Match(#[from] MatchError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is matched: three kept statements, by their ids.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// Where they are kept.
    pub store: &'a Store,
    /// Of which book.
    pub book: BookId,
    /// What the debit side's book says.
    pub debit: i64,
    /// What the credit side's book says.
    pub credit: i64,
    /// What the chain has.
    pub chain: i64,
}

/// Takes what a run finds, as it finds it: each trade once, ascending, but for what only turns out at the end, which ascends
/// again.
#[async_trait]
pub trait Sink: Send {
    /// Takes some.
    async fn take(&mut self, findings: Vec<Finding>) -> Result<(), StoreError>;
}

#[async_trait]
impl<F: FnMut(Finding) -> Result<(), StoreError> + Send> Sink for F {
    async fn take(&mut self, findings: Vec<Finding>) -> Result<(), StoreError> {
        findings.into_iter().try_for_each(self)
    }
}

/// Matches a day.
///
/// # Errors
/// The statements aren't in order, or the database failed. What the sink took until then means nothing.
pub async fn match_day(inputs: Inputs<'_>, rules: &Rules, sink: &mut impl Sink) -> Result<Summary, MatchFault> {
    let lines = |statement| Pages::lines(inputs.store, statement);
    let (mut debit, mut credit) = (lines(inputs.debit), lines(inputs.credit));
    let mut chain = Pages::entries(inputs.store, inputs.chain);
    let mut matcher = Matcher::new(*rules);
    let mut found = Vec::new();
    while let Some(side) = matcher.merge(&mut found)? {
        match side {
            Side::Debit => matcher.lines(side, debit.next().await?)?,
            Side::Credit => matcher.lines(side, credit.next().await?)?,
            Side::Chain => matcher.entries(chain.next().await?)?,
        }
        if !found.is_empty() {
            sink.take(std::mem::take(&mut found)).await?;
        }
    }
    if !found.is_empty() {
        sink.take(found).await?;
    }

    // Sorting what is left over takes a while where a whole book is.
    let sorted = tokio::task::spawn_blocking(move || matcher.leftovers());
    let mut leftovers = sorted
        .await
        .map_err(|error| MatchError::Spill(std::io::Error::other(error)))??;
    let mut rest = Vec::new();
    loop {
        let is_more = leftovers.next(&mut rest)?;
        if is_more && rest.len() < AT_ONCE {
            continue;
        }
        let mut elsewhere = elsewhere(&inputs, &rest).await?;
        let mut found = Vec::new();
        for left in rest.drain(..) {
            match left {
                Rest::Finding(finding) => found.push(*finding),
                Rest::Loose(loose) => {
                    let entry = elsewhere.remove(&loose.trade);
                    found.extend(leftovers.resolve(loose, entry));
                }
            }
        }
        if !found.is_empty() {
            sink.take(found).await?;
        }
        if !is_more {
            return Ok(leftovers.summary());
        }
    }
}

/// What the chain has of trades that it doesn't have on the day.
async fn elsewhere(inputs: &Inputs<'_>, rest: &[Rest]) -> Result<HashMap<TradeId, ChainEntry>, StoreError> {
    let loose = rest.iter().filter_map(|left| match left {
        Rest::Loose(loose) => Some(loose.trade),
        Rest::Finding(_) => None,
    });
    let trades: Vec<TradeId> = loose.collect();
    if trades.is_empty() {
        return Ok(HashMap::new());
    }
    let entries = inputs.store.chain_entries_of(inputs.book, &trades).await?;
    Ok(entries.into_iter().map(|entry| (entry.entry.trade, entry)).collect())
}
