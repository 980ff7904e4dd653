//! Contract calls through the runtime API of pallet-contracts: reads at the latest finalized block, dry runs of
//! writes at the best one.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use protocol::AccountId;
use scale::{Decode, Encode};

use super::{
    calls::{Call, Weight},
    runtime::Runtime,
    Chain, ChainError, Follower,
};

const CALL: &str = "ContractsApi_call";
const INSTANTIATE: &str = "ContractsApi_instantiate";
/// Flag of an execution that undid its changes.
const REVERTED: u32 = 1;

/// Why a contract didn't answer as asked. `E` is the contract's own error.
#[derive(Debug, thiserror::Error)]
pub enum CallError<E = Never> {
    /// The contract refuses with an error of its own.
    #[error("the contract refuses: {0:?}")]
    Refused(E),
    /// The chain refuses before or while the contract runs: out of gas, no funds, trapped, no such contract.
    #[error("the chain refuses the call of {message}: {why}")]
    Rejected {
        /// Which message.
        message: String,
        /// The chain's reason.
        why: String,
    },
    /// The contract doesn't know the message, or answers with another type: another version is deployed.
    #[error("the contract at this address isn't the one expected: {message}: {why}")]
    WrongContract {
        /// Which message.
        message: String,
        /// What didn't fit.
        why: String,
    },
    /// The chain couldn't be asked.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// The error of messages that have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Never {}

/// What ink! itself refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum LangError {
    /// The input doesn't decode to any message's arguments.
    #[codec(index = 1)]
    CouldNotReadInput,
}

/// Storage deposit of a call, in the native token's smallest unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Decode, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageDeposit {
    /// Given back to the caller.
    Refund(#[serde(with = "protocol::text::amount")] u128),
    /// Taken from the caller.
    Charge(#[serde(with = "protocol::text::amount")] u128),
}

/// What a call would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DryRun {
    /// The least gas limit that passes.
    pub gas_required: Weight,
    /// What storing costs.
    pub storage_deposit: StorageDeposit,
    /// The contract's output, or the chain's reason against the call.
    pub result: Result<Output, String>,
}

/// What a contract returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Whether all changes were undone: the data is an error then.
    pub reverted: bool,
    /// SCALE of the message's return type.
    pub data: Vec<u8>,
}

/// One contract on the chain, called by one account.
#[derive(Clone, Debug)]
pub struct Contract {
    chain: Chain,
    follower: Follower,
    address: AccountId,
    caller: AccountId,
    looks: Arc<Mutex<Looks>>,
}

/// What was read at the latest finalized block, by input: many payments ask for the same.
#[derive(Debug, Default)]
struct Looks {
    at: [u8; 32],
    answers: HashMap<Vec<u8>, DryRun>,
}

/// The first four bytes of blake2-256 of a message's name.
pub fn selector(message: &str) -> [u8; 4] {
    let [a, b, c, d, ..] = sp_crypto_hashing::blake2_256(message.as_bytes());
    [a, b, c, d]
}

/// A message's input: selector and arguments. A tuple's SCALE is its members' one after the other.
pub fn input(message: &str, arguments: &impl Encode) -> Vec<u8> {
    let mut input = selector(message).to_vec();
    arguments.encode_to(&mut input);
    input
}

impl Contract {
    /// The contract at `address`, called by `caller`.
    pub fn new(chain: Chain, follower: Follower, address: AccountId, caller: AccountId) -> Self {
        Self {
            chain,
            follower,
            address,
            caller,
            looks: Arc::default(),
        }
    }

    /// Its account.
    pub fn address(&self) -> AccountId {
        self.address
    }

    /// Asks a message that can't fail, at the latest finalized block.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn read<T: Decode>(&self, message: &str, arguments: &impl Encode) -> Result<T, CallError> {
        self.read_at(message, arguments, self.follower.head().hash).await
    }

    /// Asks a message that can't fail, at a block.
    ///
    /// # Errors
    /// See [`CallError`]; the node may not keep the block's state any more.
    pub async fn read_at<T: Decode>(
        &self,
        message: &str,
        arguments: &impl Encode,
        at: [u8; 32],
    ) -> Result<T, CallError> {
        let run = self.look(input(message, arguments), at).await?;
        decode(message, &output::<Never>(message, &run)?.data)
    }

    /// Asks a message that returns a `Result`, at the latest finalized block.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn try_read<T: Decode, E: Decode>(
        &self,
        message: &str,
        arguments: &impl Encode,
    ) -> Result<T, CallError<E>> {
        self.try_read_at(message, arguments, self.follower.head().hash).await
    }

    /// Asks a message that returns a `Result`, at a block.
    ///
    /// # Errors
    /// See [`CallError`]; the node may not keep the block's state any more.
    pub async fn try_read_at<T: Decode, E: Decode>(
        &self,
        message: &str,
        arguments: &impl Encode,
        at: [u8; 32],
    ) -> Result<T, CallError<E>> {
        let run = self.look(input(message, arguments), at).await?;
        decode::<Result<T, E>, E>(message, &output::<E>(message, &run)?.data)?.map_err(CallError::Refused)
    }

    /// What a message answers at a block; from memory, if it is the latest finalized one and was asked before.
    async fn look(&self, input: Vec<u8>, at: [u8; 32]) -> Result<DryRun, ChainError> {
        let known = {
            let looks = self.looks();
            (looks.at == at).then(|| looks.answers.get(&input).cloned()).flatten()
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let run = self.dry_run(input.clone(), 0, Some(at)).await?;
        if at == self.follower.head().hash {
            let mut looks = self.looks();
            if looks.at != at {
                looks.at = at;
                looks.answers.clear();
            }
            looks.answers.insert(input, run.clone());
        }
        Ok(run)
    }

    fn looks(&self) -> MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Dry-runs a message at the best block and makes the call that would do it.
    ///
    /// # Errors
    /// See [`CallError`]: the contract's own refusal is named, nothing was submitted.
    pub async fn prepare<T: Decode, E: Decode>(
        &self,
        message: &str,
        arguments: &impl Encode,
        value: u128,
    ) -> Result<Call, CallError<E>> {
        let input = input(message, arguments);
        let run = self.dry_run(input.clone(), value, None).await?;
        decode::<Result<T, E>, E>(message, &output::<E>(message, &run)?.data)?.map_err(CallError::Refused)?;
        let runtime = self.chain.runtime()?;
        Ok(self.call(&runtime, value, run.gas_required, input)?)
    }

    /// The call with a gas limit a tenth above what a dry run needed.
    ///
    /// # Errors
    /// The runtime has no pallet-contracts.
    pub fn call(&self, runtime: &Runtime, value: u128, gas: Weight, input: Vec<u8>) -> Result<Call, ChainError> {
        Call::contract(runtime, &self.address, value, gas.with_margin(), input)
    }

    /// What a call would do at a block; `None` is the best one.
    ///
    /// # Errors
    /// The chain couldn't be asked.
    pub async fn dry_run(&self, input: Vec<u8>, value: u128, at: Option<[u8; 32]>) -> Result<DryRun, ChainError> {
        let no_gas_limit: Option<Weight> = None;
        let no_deposit_limit: Option<u128> = None;
        let arguments = (
            self.caller.0,
            self.address.0,
            value,
            no_gas_limit,
            no_deposit_limit,
            input,
        );
        let bytes = self.chain.runtime_call(CALL, &arguments, at).await?;
        let runtime = self.chain.runtime()?;
        let answer = Answer::read(CALL, &bytes, &runtime, Output::read)?;
        Ok(DryRun {
            gas_required: answer.gas_required,
            storage_deposit: answer.storage_deposit,
            result: answer.result,
        })
    }
}

/// What instantiating a contract would do at the best block: the new contract's account, or the chain's reason.
///
/// # Errors
/// The chain couldn't be asked.
pub async fn dry_run_instantiate(
    chain: &Chain,
    deployer: &AccountId,
    code_hash: [u8; 32],
    input: &[u8],
    salt: &[u8],
) -> Result<(Weight, Result<(Output, AccountId), String>), ChainError> {
    let no_gas_limit: Option<Weight> = None;
    let no_deposit_limit: Option<u128> = None;
    // The code is named by hash: variant 1, `Existing`.
    let arguments = (
        deployer.0,
        0u128,
        no_gas_limit,
        no_deposit_limit,
        (1u8, code_hash),
        input,
        salt,
    );
    let bytes = chain.runtime_call(INSTANTIATE, &arguments, None).await?;
    let runtime = chain.runtime()?;
    let answer = Answer::read(INSTANTIATE, &bytes, &runtime, |result| {
        Ok((Output::read(result)?, AccountId(Decode::decode(result)?)))
    })?;
    Ok((answer.gas_required, answer.result))
}

impl Output {
    fn read(bytes: &mut &[u8]) -> Result<Self, scale::Error> {
        let flags = u32::decode(bytes)?;
        Ok(Self {
            reverted: flags & REVERTED != 0,
            data: Vec::decode(bytes)?,
        })
    }
}

/// `pallet_contracts::ContractResult`, as far as it is of use.
struct Answer<T> {
    gas_required: Weight,
    storage_deposit: StorageDeposit,
    result: Result<T, String>,
}

impl<T> Answer<T> {
    fn read(
        method: &'static str,
        bytes: &[u8],
        runtime: &Runtime,
        success: impl FnOnce(&mut &[u8]) -> Result<T, scale::Error>,
    ) -> Result<Self, ChainError> {
        let refusal = |bytes: &[u8]| runtime.dispatch_error(bytes);
        Self::decode(bytes, refusal, success).map_err(|error| ChainError::Unreadable {
            method,
            why: error.to_string(),
        })
    }

    fn decode(
        mut bytes: &[u8],
        refusal: impl FnOnce(&[u8]) -> String,
        success: impl FnOnce(&mut &[u8]) -> Result<T, scale::Error>,
    ) -> Result<Self, scale::Error> {
        let _gas_consumed = Weight::decode(&mut bytes)?;
        let gas_required = Weight::decode(&mut bytes)?;
        let storage_deposit = StorageDeposit::decode(&mut bytes)?;
        let _debug_message = Vec::<u8>::decode(&mut bytes)?;
        let result = match u8::decode(&mut bytes)? {
            0 => Ok(success(&mut bytes)?),
            1 => Err(refusal(bytes)),
            _ => return Err("the result is neither Ok nor Err".into()),
        };
        Ok(Self {
            gas_required,
            storage_deposit,
            result,
        })
    }
}

fn output<'a, E>(message: &str, run: &'a DryRun) -> Result<&'a Output, CallError<E>> {
    run.result.as_ref().map_err(|why| CallError::Rejected {
        message: message.to_owned(),
        why: why.clone(),
    })
}

/// Decodes what a message returned, ink!'s own error taken off.
fn decode<T: Decode, E>(message: &str, data: &[u8]) -> Result<T, CallError<E>> {
    let wrong = |why: String| CallError::WrongContract {
        message: message.to_owned(),
        why,
    };
    let mut rest = data;
    let answer = Result::<T, LangError>::decode(&mut rest).map_err(|error| wrong(error.to_string()))?;
    if !rest.is_empty() {
        return Err(wrong(format!("{} bytes are left over", rest.len())));
    }
    answer.map_err(|error| wrong(format!("{error:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_those_of_ink() {
        // From ink!'s documentation: the flipper's `flip` and `get`.
        assert_eq!(selector("flip"), [0x63, 0x3a, 0xa5, 0x51]);
        assert_eq!(selector("get"), [0x2f, 0x86, 0x5b, 0xd9]);
    }

    #[test]
    fn arguments_follow_the_selector_one_after_the_other() {
        let mut expected = selector("flip").to_vec();
        expected.extend([7, 0, 1]);
        assert_eq!(input("flip", &(7u16, true)), expected);
    }

    fn answer(result: &[u8]) -> Vec<u8> {
        let weight = Weight {
            ref_time: 1_000_000,
            proof_size: 3,
        };
        let mut bytes = (weight, weight, (1u8, 5u128), b"hello".to_vec()).encode();
        bytes.extend_from_slice(result);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Answer<Output>, scale::Error> {
        Answer::decode(bytes, |rest| format!("refused with {rest:?}"), Output::read)
    }

    #[test]
    fn an_execution_is_read() {
        let answer = read(&answer(&(0u8, 1u32, vec![1u8, 2]).encode())).unwrap();
        assert_eq!(answer.gas_required.ref_time, 1_000_000);
        assert_eq!(answer.storage_deposit, StorageDeposit::Charge(5));
        assert_eq!(
            answer.result,
            Ok(Output {
                reverted: true,
                data: vec![1, 2]
            })
        );
    }

    #[test]
    fn a_refusal_of_the_chain_is_read() {
        let answer = read(&answer(&[1, 3, 8, 5, 0, 0, 0])).unwrap();
        assert_eq!(answer.result, Err("refused with [3, 8, 5, 0, 0, 0]".into()));
        assert!(read(&[0; 3]).is_err());
    }

    #[test]
    fn answers_of_another_type_are_not_taken() {
        type Answered = Result<u32, CallError>;
        assert_eq!((decode("m", &Ok::<u32, LangError>(4).encode()) as Answered).unwrap(), 4);
        let refused = decode("m", &Err::<u32, _>(LangError::CouldNotReadInput).encode()) as Answered;
        assert!(matches!(refused, Err(CallError::WrongContract { .. })));
        let longer = decode("m", &Ok::<u64, LangError>(4).encode()) as Answered;
        assert!(matches!(longer, Err(CallError::WrongContract { .. })));
    }
}
