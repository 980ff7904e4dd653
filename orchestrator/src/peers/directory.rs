//! What the registry says about another institution, remembered for a moment.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use protocol::{registry::Institution, Member, Timestamp};

/// How long an answer of the registry is used, in milliseconds: so long may a suspended institution go on asking.
/// Whatever it asks for, the contracts check its status again.
const LIFETIME: Timestamp = 5_000;

/// The registry can't be read now.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the registry can't be read: {0}")]
pub struct DirectoryError(pub String);

/// The registry, at the latest finalized block.
#[async_trait]
pub trait Directory: Send + Sync {
    /// The institution with this index, if there is one.
    async fn institution(&self, member: Member) -> Result<Option<Institution>, DirectoryError>;
}

/// A directory with a short memory.
pub(super) struct CachedDirectory {
    directory: Arc<dyn Directory>,
    known: Mutex<HashMap<Member, (Institution, Timestamp)>>,
}

impl CachedDirectory {
    pub(super) fn new(directory: Arc<dyn Directory>) -> Self {
        Self {
            directory,
            known: Mutex::default(),
        }
    }

    /// The institution. What is remembered is used only when `acceptable`: a changed certificate or status that makes
    /// a request good takes effect at once.
    pub(super) async fn institution(
        &self,
        member: Member,
        now: Timestamp,
        acceptable: impl Fn(&Institution) -> bool,
    ) -> Result<Option<Institution>, DirectoryError> {
        if let Some(known) = self.remembered(member, now).filter(acceptable) {
            return Ok(Some(known));
        }
        let found = self.directory.institution(member).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match &found {
            Some(institution) => known.insert(member, (institution.clone(), now)),
            None => known.remove(&member),
        };
        Ok(found)
    }

    fn remembered(&self, member: Member, now: Timestamp) -> Option<Institution> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (institution, read_at) = known.get(&member)?;
        (now.abs_diff(*read_at) < LIFETIME).then(|| institution.clone())
    }
}
