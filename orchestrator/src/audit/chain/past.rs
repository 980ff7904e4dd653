//! What the registry told before the audit's first block: members' signatures are verified by the keys of the epoch that they
//! were given in, and that may be an old one. Each of its few changes begins an epoch, and every block's state says which one
//! it is: the blocks that began one are found by halving, and what they tell is taken as everything else is.
use protocol::AccountId;
use scale::Encode;

use super::{
    blocks::{check, Checked},
    ports::{Archive, Content, RawBlock},
    rebuild::registry,
    storage::Storage,
    tables::HEAD,
    AuditError, Block,
};
use crate::{audit::state::ProofError, chain::ChainError};

/// A registry, asked for its past.
pub(super) struct Past<'a> {
    pub(super) archive: &'a dyn Archive,
    pub(super) registry: AccountId,
    /// Is told of each block that is looked at.
    pub(super) watch: &'a (dyn Fn() + Send + Sync),
}

/// A block, and what the registry's epoch is after it; `None` before the registry was made.
type Seen = (u32, Option<u32>);

impl Past<'_> {
    /// The blocks in which the registry changed, or was made, up to this one, in order; `None` if the node has forgotten them.
    pub(super) async fn told(&self, until: &Checked) -> Result<Option<Vec<(Block, Content)>>, AuditError> {
        match self.changes(until).await {
            Ok(changes) => Ok(Some(changes)),
            Err(AuditError::Chain(ChainError::Refused { .. } | ChainError::NoBlock(_))) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn changes(&self, until: &Checked) -> Result<Vec<(Block, Content)>, AuditError> {
        let mut changes = Vec::new();
        let before: Seen = (0, None);
        let mut spans = vec![(before, (until.block.number, self.epoch(until).await?))];
        // The earliest is the last: what is found comes in the chain's order.
        while let Some((from, to)) = spans.pop() {
            if from.1 == to.1 {
                continue;
            }
            let middle = from.0.midpoint(to.0);
            if middle == from.0 {
                changes.push(self.content(to.0).await?);
                continue;
            }
            let (_, at) = self.block(middle).await?;
            let middle = (middle, self.epoch(&at).await?);
            spans.extend([(middle, to), (from, middle)]);
        }
        Ok(changes)
    }

    async fn epoch(&self, at: &Checked) -> Result<Option<u32>, AuditError> {
        let storage = match Storage::open(self.archive, at, &self.registry).await {
            Err(AuditError::Proof(ProofError::NoContract(_))) => return Ok(None),
            other => other?,
        };
        let kept = storage.values(&[HEAD.encode()]).await?.into_iter().next().flatten();
        Ok(kept.and_then(|head| registry::epoch_in(&head)))
    }

    async fn content(&self, number: u32) -> Result<(Block, Content), AuditError> {
        let (raw, at) = self.block(number).await?;
        let reader = self.archive.reader(at.parent).await?;
        Ok((at.block, reader.read(&raw.extrinsics, at.events).await?))
    }

    /// A block that is what its hash says.
    async fn block(&self, number: u32) -> Result<(RawBlock, Checked), AuditError> {
        let raw = self.archive.block(number).await?;
        let mut flaw = None;
        let checked = check(&raw, None, &mut |why| {
            flaw.get_or_insert(why);
        });
        (self.watch)();
        match (checked, flaw) {
            (Some(checked), None) => Ok((raw, checked)),
            (_, flaw) => Err(AuditError::Altered {
                number,
                why: flaw.unwrap_or_default(),
            }),
        }
    }
}

#[cfg(test)]
#[path = "past_tests.rs"]
mod tests;
