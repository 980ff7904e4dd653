//! Sending a transaction, and what a node's answers mean.
use futures::{stream::BoxStream, StreamExt};
use subxt::utils::H256;
use subxt_rpcs::methods::legacy::TransactionStatus;

use crate::chain::{Chain, ChainError};

/// What the node tells of a transaction in its pool.
pub(super) type Watch = BoxStream<'static, Result<TransactionStatus<H256>, subxt_rpcs::Error>>;

/// jsonrpsee's code for a request that is larger than the node takes.
const OVERSIZED_REQUEST: i32 = -32007;

/// A node's answer to a transaction.
pub(super) enum Sent {
    /// It is in the pool.
    Taken(Watch),
    /// The node knows it already, or saw it a while ago: not a failure, and no news either.
    Known,
    /// The nonce was used.
    Stale,
    /// Another transaction of the account waits under this nonce.
    Occupied,
    /// Format or signature don't fit the runtime: it was upgraded a moment ago.
    Outdated(String),
    /// The node can't take it now.
    Later(String),
    /// The node will not take it.
    Rejected(String),
}

/// Sends the bytes.
pub(super) async fn send(chain: &Chain, extrinsic: &[u8]) -> Sent {
    let session = match chain.session() {
        Ok(session) => session,
        Err(error) => return Sent::Later(error.to_string()),
    };
    match session.rpc.author_submit_and_watch_extrinsic(extrinsic).await {
        Ok(watch) => Sent::Taken(watch.boxed()),
        Err(error) => classify(ChainError::rpc("author_submitAndWatchExtrinsic", error)),
    }
}

/// Codes of sc-rpc-api's `author` module; the texts are sp-runtime's `InvalidTransaction`.
fn classify(error: ChainError) -> Sent {
    let ChainError::Refused { code, ref message, .. } = error else {
        return Sent::Later(error.to_string());
    };
    let said = |words: &str| message.contains(words);
    match code {
        1010 if said("outdated") => Sent::Stale,
        1010 if said("bad signature") => Sent::Outdated(message.clone()),
        1001 => Sent::Outdated(message.clone()),
        1012 | 1013 => Sent::Known,
        1014 => Sent::Occupied,
        // 1015: a cycle, 1018: can't be propagated or included, 1019: nothing to tell it by.
        1010 | 1015 | 1018 | 1019 | OVERSIZED_REQUEST => Sent::Rejected(message.clone()),
        // 1011: validity unknown, 1016: the pool is full, 1021: it takes no nonces ahead; and whatever else.
        _ => Sent::Later(message.clone()),
    }
}

/// What a watch came to.
pub(super) enum Watched {
    /// In this block, finalized.
    Finalized([u8; 32]),
    /// The node says no more.
    Ended,
}

/// Reads a watch to its end. `in_block` tells whether the transaction is in the best chain at the moment.
pub(super) async fn until_final(watch: &mut Watch, in_block: &mut bool) -> Watched {
    loop {
        match watch.next().await {
            Some(Ok(TransactionStatus::Finalized(hash))) => return Watched::Finalized(hash.0),
            Some(Ok(TransactionStatus::InBlock(_))) => *in_block = true,
            Some(Ok(TransactionStatus::Retracted(_))) => *in_block = false,
            Some(Ok(TransactionStatus::Future | TransactionStatus::Ready | TransactionStatus::Broadcast(_))) => {}
            Some(Ok(ended)) => {
                tracing::debug!(status = ?ended, "the node stopped watching a transaction");
                return Watched::Ended;
            }
            Some(Err(_)) | None => return Watched::Ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: i32, message: &str) -> Sent {
        classify(ChainError::Refused {
            method: "author_submitAndWatchExtrinsic",
            code,
            message: message.into(),
        })
    }

    #[test]
    fn a_node_that_knows_the_transaction_is_no_failure() {
        assert!(matches!(answer(1012, "Transaction is temporarily banned"), Sent::Known));
        assert!(matches!(answer(1013, "Transaction Already Imported"), Sent::Known));
    }

    #[test]
    fn a_used_nonce_is_told_from_other_refusals() {
        assert!(matches!(
            answer(1010, "Invalid Transaction: Transaction is outdated"),
            Sent::Stale
        ));
        assert!(matches!(
            answer(1010, "Invalid Transaction: Transaction has a bad signature"),
            Sent::Outdated(_)
        ));
        assert!(matches!(
            answer(1010, "Invalid Transaction: Inability to pay some fees"),
            Sent::Rejected(_)
        ));
        assert!(matches!(answer(1014, "Priority is too low"), Sent::Occupied));
    }

    #[test]
    fn what_will_never_be_taken_is_not_sent_for_ever() {
        assert!(matches!(answer(-32007, "Request is too big"), Sent::Rejected(_)));
        assert!(matches!(answer(1018, "Transaction is unactionable"), Sent::Rejected(_)));
        assert!(matches!(
            answer(1001, "Extrinsic has invalid format"),
            Sent::Outdated(_)
        ));
    }

    #[test]
    fn a_full_pool_and_a_lost_connection_are_tried_later() {
        assert!(matches!(answer(1016, "Immediately Dropped"), Sent::Later(_)));
        assert!(matches!(
            answer(1021, "Future transactions are refused"),
            Sent::Later(_)
        ));
        assert!(matches!(classify(ChainError::Disconnected), Sent::Later(_)));
    }
}
