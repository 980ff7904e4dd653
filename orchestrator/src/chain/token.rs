//! PSP22 tokens, as far as contracts are paid in them.
use std::fmt::Debug;

use protocol::{AccountId, Amount};

use super::{
    contracts::{CallError, Contract},
    Submitter,
};
use crate::settlement::ports::LedgerError;

/// What a PSP22 token answers where it refuses.
#[derive(Debug, scale::Decode)]
#[allow(dead_code)] // its texts are shown, by `Debug`
enum TokenError {
    Custom(String),
    InsufficientBalance,
    InsufficientAllowance,
    ZeroRecipientAddress,
    ZeroSenderAddress,
    SafeTransferCheckFailed(String),
}

/// Lets a contract take that much more of the submitter's tokens, once for each `key`. The allowance is added to, because
/// several payments may be under way.
///
/// # Errors
/// The token refuses, or the chain.
pub(super) async fn allow<E: Debug>(
    submitter: &Submitter,
    key: &str,
    token: &Contract,
    spender: AccountId,
    amount: Amount,
) -> Result<(), LedgerError<E>> {
    if submitter.find(key).await?.is_some() {
        return Ok(());
    }
    let call = token
        .prepare::<(), TokenError>("PSP22::increase_allowance", &(spender, amount), 0)
        .await
        .map_err(|error| match error {
            CallError::Refused(refusal) => LedgerError::Rejected(format!("the token refuses: {refusal:?}")),
            CallError::Chain(error) => error.into(),
            other => LedgerError::Rejected(other.to_string()),
        })?;
    submitter.submit(key, call).await?;
    Ok(())
}
