//! The audit from its first block to its last: read, taken, kept; then compared.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::StreamExt;
use protocol::AccountId;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::{
    blocks::check,
    compare::Subject,
    contracts::Contracts,
    findings::Findings,
    ports::{Archive, RawBlock},
    rebuild,
    tables::Tables,
    take::Taker,
    AuditError, Block, Place,
};
use crate::chain::ChainError;

mod begin;

/// The blocks that are asked for at once: the way to the node and back is what takes time.
const AT_ONCE: usize = 16;
/// The blocks that are read and wait.
const AHEAD: usize = 32;
/// The blocks after which the work is kept.
const PORTION: u32 = 256;

/// Under what name findings about the chain itself are told.
pub(super) const CHAIN: &str = "chain";

/// The work's layout: with another one, the audit begins anew.
const WORK_VERSION: u32 = 2;

/// Which blocks are audited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Scope {
    /// The first one: what contracts kept before it is believed. From the beginning, if it isn't said.
    pub from: Option<u32>,
    /// The last one; the latest finalized one, if it isn't said.
    #[serde(skip)]
    pub to: Option<u32>,
}

/// How far the audit is, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A block was looked at, of before the first one.
    Past,
    /// Believed values were taken over.
    Believed(u64),
    /// A block was read.
    Block {
        /// Which.
        number: u32,
        /// The last one.
        last: u32,
    },
    /// Values were compared.
    Compared(u64),
}

/// What was done for one contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Events that were taken.
    pub events: u64,
    /// Signatures that were verified.
    pub signatures: u64,
    /// Ids and digests that were made anew.
    pub digests: u64,
    /// Events whose documents couldn't be seen.
    pub unseen: u64,
    /// Values of its storage that were compared.
    pub compared: u64,
    /// What was found.
    pub findings: u64,
}

/// How far the audit is, in the work file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Progress {
    pub(super) block: u32,
    #[serde(with = "protocol::text::bytes")]
    pub(super) hash: [u8; 32],
    pub(super) findings: Findings,
    pub(super) tallies: BTreeMap<String, Tally>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The first block that was audited.
    pub from: u32,
    /// Whether what was kept before that was believed.
    pub is_partial: bool,
    /// The last block.
    pub until: Block,
    /// What was done for each contract, by its name; for the chain itself, too.
    pub tallies: BTreeMap<String, Tally>,
    /// What was found.
    pub findings: Findings,
    /// The contracts that weren't made yet.
    pub unmade: BTreeSet<String>,
    /// Whether it was believed who the institutions were before the first block: their signatures of then are unseen.
    pub is_registry_believed: bool,
}

/// Whose work it is, in the work file.
#[derive(Serialize)]
struct Whose {
    tool: &'static str,
    work: u32,
    #[serde(with = "protocol::text::bytes")]
    genesis: [u8; 32],
    contracts: BTreeMap<String, String>,
    from: Option<u32>,
}

/// An audit of a chain's contracts.
pub struct Audit {
    archive: Arc<dyn Archive>,
    contracts: Contracts,
    place: Place,
    watch: Box<dyn Fn(Step) + Send + Sync>,
}

impl Audit {
    /// Of these contracts, `registry` among them; `watch` is told how far it is.
    pub fn new(
        archive: Arc<dyn Archive>,
        contracts: Contracts,
        registry: AccountId,
        watch: impl Fn(Step) + Send + Sync + 'static,
    ) -> Self {
        let place = Place {
            genesis: archive.genesis(),
            registry,
        };
        Self {
            archive,
            contracts,
            place,
            watch: Box::new(watch),
        }
    }

    /// What everything that is audited has in common.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// The latest finalized block.
    ///
    /// # Errors
    /// The node can't be asked.
    pub async fn finalized(&self) -> Result<u32, AuditError> {
        Ok(self.archive.finalized().await?)
    }

    /// What a work file is begun for: it is continued for nothing else.
    pub fn whose(&self, scope: Scope) -> impl Serialize {
        let contract = |(account, one): (&AccountId, &super::contracts::Audited)| {
            let code = protocol::text::to_hex(&one.code_hash);
            let address = crate::chain::deployment::to_ss58(account);
            (one.name.clone(), format!("{address} {code}"))
        };
        Whose {
            tool: env!("CARGO_PKG_VERSION"),
            work: WORK_VERSION,
            genesis: self.place.genesis,
            contracts: self.contracts.0.iter().map(contract).collect(),
            from: scope.from,
        }
    }

    /// Reads all blocks of the scope that weren't read yet, then compares.
    ///
    /// # Errors
    /// The node can't be asked, or the work file can't be used. What is wrong with the chain is no error.
    pub async fn run(&self, scope: Scope, tables: &mut Tables) -> Result<Outcome, AuditError> {
        let finalized = self.archive.finalized().await?;
        let to = scope.to.unwrap_or(finalized);
        if to > finalized {
            return Err(AuditError::NotFinal { to, finalized });
        }
        let first = scope.from.unwrap_or_default().max(1);
        if first > to {
            return Err(AuditError::Empty { from: first, to });
        }
        let mut progress = match tables.progress()? {
            Some(progress) => progress,
            None => self.begin(first, tables).await?,
        };
        if progress.block > to {
            return Err(AuditError::Beyond { at: progress.block, to });
        }
        self.read(to, tables, &mut progress).await?;
        let (until, unmade) = self.finish(to == finalized, tables, &mut progress).await?;
        Ok(Outcome {
            from: first,
            is_partial: first > 1,
            until,
            tallies: progress.tallies,
            findings: progress.findings,
            unmade,
            is_registry_believed: !rebuild::registry::is_known(&self.place, tables, 0)?,
        })
    }

    async fn read(&self, to: u32, tables: &mut Tables, progress: &mut Progress) -> Result<(), AuditError> {
        let from = progress.block.saturating_add(1);
        if from > to {
            return Ok(());
        }
        let mut reader = self.archive.reader(progress.hash).await?;
        let (sender, mut blocks) = mpsc::channel(AHEAD);
        let _ahead = AbortOnDropHandle::new(tokio::spawn(ahead(self.archive.clone(), from, to, sender)));
        let taker = Taker::new(&self.contracts, self.place);
        while let Some(raw) = blocks.recv().await {
            let raw = raw.map_err(|error| AuditError::of_block(from, error))?;
            let parent = progress.hash;
            progress.block = raw.number;
            progress.hash = raw.hash;
            let mut flaws = Flaws::new(&raw, progress);
            let checked = check(&raw, Some(parent), &mut |flaw| flaws.add(flaw));
            if let Some(checked) = checked {
                let content = reader.read(&raw.extrinsics, checked.events).await?;
                taker.take(checked.block, &content, tables, progress)?;
                if content.is_upgrade {
                    reader = self.archive.reader(raw.hash).await?;
                }
            }
            if raw.number % PORTION == 0 || raw.number == to {
                tables.commit(progress)?;
            }
            (self.watch)(Step::Block {
                number: raw.number,
                last: to,
            });
        }
        Ok(())
    }

    /// Looks at what all contracts keep and have. None of that is written to the work file: a later audit goes on after it.
    async fn finish(
        &self,
        is_latest: bool,
        tables: &mut Tables,
        progress: &mut Progress,
    ) -> Result<(Block, BTreeSet<String>), AuditError> {
        let mut unmade = BTreeSet::new();
        let raw = self.archive.block(progress.block).await?;
        // Its flaws were told when it was read.
        let Some(at) = check(&raw, None, &mut |_| {}) else {
            let block = Block {
                number: raw.number,
                hash: raw.hash,
                time: 0,
            };
            return Ok((block, unmade));
        };
        for (account, contract) in &self.contracts.0 {
            let tally = progress.tallies.entry(contract.name.clone()).or_default();
            let subject = Subject {
                archive: &*self.archive,
                at: &at,
                account: *account,
                contract,
                is_due: is_latest || tally.events > 0,
            };
            let findings = &mut progress.findings;
            let before = findings.count;
            let watch = |count| (self.watch)(Step::Compared(count));
            let Some(compared) = subject.compare(tables, findings, &watch).await? else {
                unmade.insert(contract.name.clone());
                continue;
            };
            let least = rebuild::sums(contract, *account, at.block, tables, findings)?;
            subject.funds(&least, findings).await?;
            tally.compared = compared;
            let found = findings.count.saturating_sub(before);
            tally.findings = tally.findings.saturating_add(found);
        }
        Ok((at.block, unmade))
    }
}

/// Reads blocks in order, some at once, as long as somebody takes them.
async fn ahead(archive: Arc<dyn Archive>, from: u32, to: u32, sender: mpsc::Sender<Result<RawBlock, ChainError>>) {
    let blocks = futures::stream::iter(from..=to).map(|number| {
        let archive = archive.clone();
        async move { archive.block(number).await }
    });
    let mut blocks = std::pin::pin!(blocks.buffered(AT_ONCE));
    while let Some(block) = blocks.next().await {
        if sender.send(block).await.is_err() {
            return;
        }
    }
}

/// What is wrong with a block.
struct Flaws<'a> {
    block: Block,
    progress: &'a mut Progress,
}

impl<'a> Flaws<'a> {
    fn new(raw: &RawBlock, progress: &'a mut Progress) -> Self {
        let block = Block {
            number: raw.number,
            hash: raw.hash,
            time: 0,
        };
        Self { block, progress }
    }

    fn add(&mut self, detail: String) {
        self.progress
            .findings
            .add("altered-block", CHAIN, self.block, None, detail);
        let tally = self.progress.tallies.entry(CHAIN.to_owned()).or_default();
        tally.findings = tally.findings.saturating_add(1);
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
