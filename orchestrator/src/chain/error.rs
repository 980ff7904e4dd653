//! Why the chain couldn't be read.
use protocol::text::to_hex;

/// The chain couldn't be asked, or its answer couldn't be used.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The configured address isn't one.
    #[error("{url:?} is no WebSocket address (ws://host:port or wss://host:port): {why}")]
    BadUrl {
        /// What was configured.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// No connection could be made.
    #[error("no node answers at {url}: {why}")]
    Unreachable {
        /// Where.
        url: String,
        /// What happened.
        why: String,
    },
    /// The connection was lost and is being made again: try later.
    #[error("the connection to the node is lost; it is being made again")]
    Disconnected,
    /// The node now serves another chain.
    #[error(
        "the node serves a chain with genesis {}, expected {}",
        to_hex(.found),
        to_hex(.expected)
    )]
    OtherChain {
        /// Genesis of the chain first connected to.
        expected: [u8; 32],
        /// Genesis of the chain found.
        found: [u8; 32],
    },
    /// The node answered with an error of its own.
    #[error("the node refuses {method}: {message} ({code})")]
    Refused {
        /// What was asked.
        method: &'static str,
        /// JSON-RPC code.
        code: i32,
        /// The node's words.
        message: String,
    },
    /// The node's answer isn't what this call returns.
    #[error("the node's answer to {method} can't be read: {why}")]
    Unreadable {
        /// What was asked.
        method: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The block isn't there: pruned, or on a fork that was dropped.
    #[error("the node doesn't have block {0}")]
    NoBlock(String),
    /// The runtime lacks something that is needed.
    #[error("the chain's runtime doesn't fit: {0}")]
    Runtime(String),
}

impl ChainError {
    /// Sorts the RPC client's errors.
    pub(crate) fn rpc(method: &'static str, error: subxt_rpcs::Error) -> Self {
        match error {
            subxt_rpcs::Error::User(user) => Self::Refused {
                method,
                code: user.code,
                message: match user.data {
                    Some(data) => format!("{}: {}", user.message, data.get().trim_matches('"')),
                    None => user.message,
                },
            },
            subxt_rpcs::Error::Client(_) | subxt_rpcs::Error::DisconnectedWillReconnect(_) => Self::Disconnected,
            other => Self::Unreadable {
                method,
                why: other.to_string(),
            },
        }
    }

    /// Whether the same question may be answered later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Disconnected)
    }
}
