//! Whether the contract has, after each block, what it holds for others: Σ cards + unpaid merchants by the events, against
//! what the contract says and against what its account has.
use futures::{StreamExt, TryStreamExt};
use protocol::{prepaid::Float, Amount};
use serde::{Deserialize, Serialize};

use crate::prepaid::{
    book::Book,
    past::{Holding, LedgerError, PrepaidPast},
};

/// The blocks that are asked for at once.
const AT_ONCE: usize = 8;

/// The float after a number of blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// How many blocks were looked at.
    pub blocks: u64,
    /// What cards and merchants come to after the last of them, by the events.
    pub float: Float,
    /// What the contract's account had then. More than the float is no shortfall: anyone can send it native tokens, and
    /// the chain makes it keep some to exist.
    #[serde(with = "protocol::text::amount")]
    pub has: Amount,
    /// The blocks after which something was missing, or the contract said something else.
    pub shortfalls: Vec<Shortfall>,
}

/// After a block, the contract said it held something else than the events lead to, or had less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortfall {
    /// The block's number.
    pub block: u32,
    /// By the events.
    pub expected: Float,
    /// As the contract said.
    pub said: Float,
    /// What its account had, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub has: Amount,
}

/// Looks after each of these blocks, the last one being what is told of as it stands. `looked` is called after each.
///
/// # Errors
/// The chain can't be read.
pub async fn check(
    past: &dyn PrepaidPast,
    book: &Book,
    blocks: impl IntoIterator<Item = u32, IntoIter: Send>,
    looked: &(dyn Fn() + Sync),
) -> Result<Coverage, LedgerError> {
    let mut coverage = Coverage {
        blocks: 0,
        float: Float::default(),
        has: 0,
        shortfalls: vec![],
    };
    let mut holdings = futures::stream::iter(blocks)
        .map(|block| past.holding(block))
        .buffered(AT_ONCE);
    while let Some(holding) = holdings.try_next().await? {
        let expected = book.float_after(holding.block.number);
        coverage.blocks = coverage.blocks.saturating_add(1);
        coverage.float = expected;
        coverage.has = holding.has;
        coverage.shortfalls.extend(shortfall(expected, &holding));
        looked();
    }
    Ok(coverage)
}

fn shortfall(expected: Float, holding: &Holding) -> Option<Shortfall> {
    let due = expected.cards.saturating_add(expected.merchants);
    let is_well = holding.float == expected && holding.has >= due;
    (!is_well).then_some(Shortfall {
        block: holding.block.number,
        expected,
        said: holding.float,
        has: holding.has,
    })
}
