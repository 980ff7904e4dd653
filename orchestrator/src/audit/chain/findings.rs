//! What an audit found, and what it could not look at.
use serde::{Deserialize, Serialize};

use super::{Block, Told};

/// Something that isn't as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// For machines: `bad-signature`, `other-state`…
    pub code: String,
    /// Where: `clearing`, `prepaid_4`…
    pub contract: String,
    /// In which block.
    pub block: u32,
    /// The event's place among all events of the block, where it is about one.
    pub event: Option<u32>,
    /// In a sentence.
    pub detail: String,
}

/// Everything that was found, counted even where it is not kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Findings {
    /// The first ones.
    pub first: Vec<Finding>,
    /// How many there are.
    pub count: u64,
    /// Signatures that were verified.
    pub signatures: u64,
    /// Ids and digests that were made anew.
    pub digests: u64,
    /// What couldn't be verified, as the transaction doesn't show it: calls that other contracts made.
    pub unseen: u64,
}

/// As many findings are kept.
const KEPT: usize = 1_000;

impl Findings {
    /// Something isn't as it should be.
    pub fn add(&mut self, code: &str, contract: &str, block: Block, event: Option<u32>, detail: impl Into<String>) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < KEPT {
            self.first.push(Finding {
                code: code.to_owned(),
                contract: contract.to_owned(),
                block: block.number,
                event,
                detail: detail.into(),
            });
        }
    }

    /// The same, about an event.
    pub fn event(&mut self, code: &str, contract: &str, told: &Told<'_>, detail: impl Into<String>) {
        self.add(code, contract, told.block, Some(told.index), detail);
    }

    /// An id or digest was made anew: `is_same` whether it came to what the chain says.
    pub fn digest(&mut self, contract: &str, told: &Told<'_>, is_same: bool, what: impl FnOnce() -> String) {
        self.digests = self.digests.saturating_add(1);
        if !is_same {
            self.event("wrong-digest", contract, told, what());
        }
    }

    /// A signature was looked at: `is_good` whether it is one over `payload` by that key.
    pub fn signature(&mut self, contract: &str, told: &Told<'_>, is_good: bool, what: impl FnOnce() -> String) {
        self.signatures = self.signatures.saturating_add(1);
        if !is_good {
            self.event("bad-signature", contract, told, what());
        }
    }

    /// A call by another contract, or from a batch, whose documents can't be seen.
    pub fn unseen(&mut self) {
        self.unseen = self.unseen.saturating_add(1);
    }
}
