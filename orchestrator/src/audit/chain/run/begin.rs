//! What an audit begins with: nothing, or what was kept before its first block.
use protocol::AccountId;

use super::{Audit, Flaws, Progress, Step};
use crate::audit::{
    chain::{
        blocks::{check, Checked},
        past::Past,
        ports::Content,
        rebuild,
        storage::{own_key, Storage},
        tables::Tables,
        take::Taker,
        AuditError, Block,
    },
    state::ProofError,
};

impl Audit {
    /// The state before the first block: of the chain's own first one, none.
    pub(super) async fn begin(&self, first: u32, tables: &mut Tables) -> Result<Progress, AuditError> {
        let mut progress = Progress {
            block: first.saturating_sub(1),
            hash: self.place.genesis,
            ..Progress::default()
        };
        if progress.block == 0 {
            return Ok(progress);
        }
        let raw = self.archive.block(progress.block).await?;
        progress.hash = raw.hash;
        let mut flaws = Flaws::new(&raw, &mut progress);
        let checked = check(&raw, None, &mut |flaw| flaws.add(flaw));
        if let Some(before) = checked {
            let registry = self.place.registry;
            for account in self.contracts.0.keys().filter(|account| **account != registry) {
                self.believe(&before, account, tables).await?;
            }
            let past = Past {
                archive: &*self.archive,
                registry,
                watch: &|| (self.watch)(Step::Past),
            };
            match past.told(&before).await? {
                Some(told) => self.relive(&told, tables, &mut progress)?,
                None => {
                    self.believe(&before, &registry, tables).await?;
                    rebuild::registry::believe(&self.place, tables, before.block.number)?;
                }
            }
        }
        tables.commit(&progress)?;
        Ok(progress)
    }

    /// Takes what the registry told in blocks before the first one, and nothing else of them.
    fn relive(
        &self,
        told: &[(Block, Content)],
        tables: &mut Tables,
        progress: &mut Progress,
    ) -> Result<(), AuditError> {
        let mut contracts = self.contracts.clone();
        contracts.0.retain(|account, _| *account == self.place.registry);
        let taker = Taker::new(&contracts, self.place);
        for (block, content) in told {
            taker.take(*block, content, tables, progress)?;
        }
        Ok(())
    }

    /// Takes over what a contract keeps.
    async fn believe(&self, before: &Checked, account: &AccountId, tables: &mut Tables) -> Result<(), AuditError> {
        let mut storage = match Storage::open(&*self.archive, before, account).await {
            // It is made later.
            Err(AuditError::Proof(ProofError::NoContract(_))) => return Ok(()),
            other => other?,
        };
        loop {
            let page = storage.page().await?;
            if page.is_empty() {
                return Ok(());
            }
            let mut kept = tables.of(*account);
            for (key, value) in &page {
                if let Some(own) = own_key(key) {
                    kept.put_bytes(own, value)?;
                }
            }
            (self.watch)(Step::Believed(u64::try_from(page.len()).unwrap_or_default()));
        }
    }
}
