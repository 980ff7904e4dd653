//! Why something isn't done as asked on a credit node's chain. Nothing is changed then.
use protocol::{text::to_hex, RequestId};

use super::ports::LedgerError;

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum CreditError {
    /// The institution gives no credit on this chain.
    #[error("this institution gives no credit on a chain with genesis {}", to_hex(.0))]
    UnknownChain([u8; 32]),
    /// Nothing was reserved under this request on this chain.
    #[error("there is no debt {0} on this chain")]
    UnknownDebt(RequestId),
    /// Nobody was paid for this request on this chain.
    #[error("there is no payout {0} on this chain")]
    UnknownPayout(RequestId),
    /// The payer never wished for a higher limit.
    #[error("this payer has not asked for a higher limit in this asset")]
    UnknownRaise,
    /// The chain doesn't do it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}
