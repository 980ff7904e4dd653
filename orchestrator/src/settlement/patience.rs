//! How long a notary may keep others waiting before they turn to the next one.
use std::{future::Future, time::Duration};

use protocol::{settlement::Voucher, Member, Timestamp};

use super::{ports::PeerError, Settlement};

/// What an answer may take at least: a clock near the end of a turn is no reason not to listen.
const LEAST: Duration = Duration::from_secs(1);

impl Settlement {
    /// A notary's share of a voucher's lifetime, in milliseconds.
    pub(super) fn share(&self, voucher: &Voucher) -> Timestamp {
        let lifetime = voucher.expires_at.saturating_sub(voucher.issued_at);
        let share = lifetime.saturating_mul(self.notary_patience_percent.into()) / 100;
        share.max(1)
    }
}

/// A notary's answer, waited for so many milliseconds: one that accepts connections and says nothing is as good as dead.
/// What it was asked goes on, and asking again does no harm.
pub(super) async fn within<T>(
    patience: Timestamp,
    notary: Member,
    answer: impl Future<Output = Result<T, PeerError>>,
) -> Result<T, PeerError> {
    let patience = Duration::from_millis(patience).max(LEAST);
    let silent = |_| PeerError::Unreachable {
        member: notary,
        why: format!("no answer in {} ms: the next notary is asked", patience.as_millis()),
    };
    tokio::time::timeout(patience, answer)
        .await
        .map_err(silent)
        .and_then(std::convert::identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_says_nothing_is_not_waited_for() {
        let silent = std::future::pending::<Result<(), PeerError>>();
        let answer = within(0, Member(1), silent).await;
        assert!(matches!(answer, Err(PeerError::Unreachable { member: Member(1), .. })));
    }

    #[tokio::test]
    async fn an_answer_is_handed_on_as_it_is() {
        let answered = within(0, Member(1), std::future::ready(Ok(7))).await;
        assert!(matches!(answered, Ok(7)));
    }
}
