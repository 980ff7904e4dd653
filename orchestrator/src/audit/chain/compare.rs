//! What contracts keep, and what they have, against what their events lead to.
use std::collections::BTreeMap;

use protocol::{settlement::Asset, text::to_hex, AccountId, Amount};

use super::{
    blocks::Checked,
    contracts::Audited,
    findings::Findings,
    ports::Archive,
    storage::{own_key, Storage},
    tables::{Kept, Tables},
    AuditError,
};
use crate::{
    audit::state::ProofError,
    chain::{deployment::to_ss58, ChainError},
};

/// As many keys are looked at at once.
const PAGE: usize = 256;
/// Of longer values, only the begin is told.
const SHOWN: usize = 96;

/// The contract that is looked at, and after which block.
pub(super) struct Subject<'a> {
    pub(super) archive: &'a dyn Archive,
    pub(super) at: &'a Checked,
    pub(super) account: AccountId,
    pub(super) contract: &'a Audited,
    /// Whether it has to be there: it told something, or no block comes later in which it could be made.
    pub(super) is_due: bool,
}

impl Subject<'_> {
    /// Holds everything that the contract keeps against the tables; gives how many values were compared. `None` for a contract
    /// that isn't made yet: the chain doesn't have it, nothing that happened says that it should, and more blocks come.
    pub(super) async fn compare(
        &self,
        tables: &mut Tables,
        findings: &mut Findings,
        watch: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Option<u64>, AuditError> {
        let kept = tables.of(self.account);
        match self.against(&kept, findings, watch).await {
            Err(AuditError::Proof(ProofError::NoContract(account))) => {
                if !self.is_due && kept.count()? == 0 {
                    return Ok(None);
                }
                let detail = format!("there is no contract {}", to_ss58(&account));
                self.found(findings, "no-contract", detail);
                Ok(Some(0))
            }
            Err(AuditError::Proof(error)) => {
                self.found(findings, "unproven", error.to_string());
                Ok(Some(0))
            }
            other => other.map(Some),
        }
    }

    async fn against(
        &self,
        kept: &Kept<'_>,
        findings: &mut Findings,
        watch: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<u64, AuditError> {
        let mut storage = Storage::open(self.archive, self.at, &self.account).await?;
        if storage.code_hash() != self.contract.code_hash {
            let detail = format!(
                "the contract's code is {}, that of its bundle {}",
                to_hex(&storage.code_hash()),
                to_hex(&self.contract.code_hash)
            );
            self.found(findings, "other-code", detail);
        }
        let (mut compared, mut known) = (0u64, 0u64);
        loop {
            let page = storage.page().await?;
            if page.is_empty() {
                break;
            }
            for (key, value) in &page {
                known = known.saturating_add(self.value(key, value, kept, findings)?.into());
            }
            let looked = u64::try_from(page.len()).unwrap_or_default();
            compared = compared.saturating_add(looked);
            watch(looked);
        }
        // Each key that the contract has was looked up: where as many are kept, none is missing.
        if kept.count()? != known {
            self.missing(&storage, kept, findings).await?;
        }
        Ok(compared)
    }

    /// Whether the tables know the key at all.
    fn value(&self, key: &[u8], value: &[u8], kept: &Kept<'_>, findings: &mut Findings) -> Result<bool, AuditError> {
        let own = own_key(key);
        let expected = own.map(|own| kept.bytes(own)).transpose()?.flatten();
        let name = || own.map_or_else(|| to_hex(key), |own| self.contract.key(own));
        match &expected {
            Some(expected) if expected == value => {}
            Some(expected) => {
                let detail = format!(
                    "{}: the contract keeps {}, its events lead to {}",
                    name(),
                    shown(value),
                    shown(expected)
                );
                self.found(findings, "other-state", detail);
            }
            None => {
                let detail = format!(
                    "{}: the contract keeps {}, no event leads to that",
                    name(),
                    shown(value)
                );
                self.found(findings, "stray-state", detail);
            }
        }
        Ok(expected.is_some())
    }

    async fn missing(&self, storage: &Storage<'_>, kept: &Kept<'_>, findings: &mut Findings) -> Result<(), AuditError> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let keys = kept.keys_after(after.as_deref(), PAGE)?;
            let Some(last) = keys.last() else { return Ok(()) };
            let values = storage.values(&keys).await?;
            for (key, value) in keys.iter().zip(values) {
                if value.is_none() {
                    let expected = kept.bytes(key)?.unwrap_or_default();
                    let detail = format!(
                        "{}: the contract keeps nothing, its events lead to {}",
                        self.contract.key(key),
                        shown(&expected)
                    );
                    self.found(findings, "missing-state", detail);
                }
            }
            after = Some(last.clone());
        }
    }

    /// Holds what the contract has against what it must have, by its own books.
    pub(super) async fn funds(
        &self,
        least: &BTreeMap<Asset, Amount>,
        findings: &mut Findings,
    ) -> Result<(), AuditError> {
        let hash = self.at.block.hash;
        for (asset, least) in least {
            let (what, has) = match asset {
                Asset::Native => (
                    "the native token".to_owned(),
                    self.archive.native(&self.account, hash).await,
                ),
                Asset::Psp22(token) => (
                    format!("token {}", to_ss58(token)),
                    self.archive.token(*token, &self.account, hash).await,
                ),
            };
            match has {
                Ok(has) if has >= *least => {}
                Ok(has) => {
                    let detail = format!("the contract owes {least} of {what} and has {has}");
                    self.found(findings, "short-of-funds", detail);
                }
                // A token that doesn't answer may be no token at all.
                Err(ChainError::Runtime(why)) => {
                    let detail = format!("the contract owes {least} of {what}, which doesn't say what it has: {why}");
                    self.found(findings, "short-of-funds", detail);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn found(&self, findings: &mut Findings, code: &str, detail: String) {
        findings.add(code, &self.contract.name, self.at.block, None, detail);
    }
}

fn shown(bytes: &[u8]) -> String {
    match bytes.get(..SHOWN) {
        Some(begin) if bytes.len() > SHOWN => format!("{}… ({} bytes)", to_hex(begin), bytes.len()),
        _ => to_hex(bytes),
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
