//! Transactions' calls, encoded once by the connected chain's metadata and kept as bytes: what was signed can be
//! signed again after a restart, byte for byte.
use protocol::AccountId;
use scale::{Decode, Encode};
use subxt::{
    dynamic::Value,
    ext::{
        scale_encode::{EncodeAsFields, Error as EncodeError, FieldIter},
        scale_type_resolver::TypeResolver,
    },
    transactions::Payload,
    utils::{AccountId32, MultiAddress},
};

use super::{
    runtime::{account_id, Runtime},
    ChainError,
};

/// Computation that a call may use: pallet-contracts counts it in two dimensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, serde::Serialize)]
pub struct Weight {
    /// Picoseconds on reference hardware.
    #[codec(compact)]
    pub ref_time: u64,
    /// Bytes of state proof.
    #[codec(compact)]
    pub proof_size: u64,
}

impl Weight {
    /// A tenth more: the state that a dry run saw may have moved by the time of execution.
    #[must_use]
    pub fn with_margin(self) -> Self {
        let raise = |weight: u64| weight.saturating_add(weight / 10);
        Self {
            ref_time: raise(self.ref_time),
            proof_size: raise(self.proof_size),
        }
    }

    fn value(self) -> Value {
        Value::named_composite([
            ("ref_time", Value::u128(self.ref_time.into())),
            ("proof_size", Value::u128(self.proof_size.into())),
        ])
    }
}

/// A call of one of the chain's pallets.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Call {
    pallet: String,
    name: String,
    fields: RawFields,
}

/// SCALE-encoded arguments.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RawFields(Vec<u8>);

impl Call {
    /// Any call, its arguments encoded by the runtime's metadata.
    ///
    /// # Errors
    /// The runtime has no such call, or with other arguments.
    pub fn new(
        runtime: &Runtime,
        pallet: &str,
        name: &str,
        arguments: impl EncodeAsFields,
    ) -> Result<Self, ChainError> {
        let payload = subxt::transactions::dynamic(pallet, name, arguments);
        let bytes = runtime
            .client()
            .transactions()
            .call_data(&payload)
            .map_err(|error| ChainError::Runtime(format!("{pallet}.{name}: {error}")))?;
        // Two bytes name pallet and call; an upgrade may number them anew, so the names are kept instead.
        let fields = bytes.get(2..).unwrap_or_default().to_vec();
        Ok(Self {
            pallet: pallet.to_owned(),
            name: name.to_owned(),
            fields: RawFields(fields),
        })
    }

    /// Does nothing but fill a place in a block.
    ///
    /// # Errors
    /// The runtime has no frame-system.
    pub fn remark(runtime: &Runtime, text: &str) -> Result<Self, ChainError> {
        Self::new(runtime, "System", "remark", (text.as_bytes().to_vec(),))
    }

    /// Moves native tokens and keeps the sender's account alive.
    ///
    /// # Errors
    /// The runtime has no pallet-balances.
    pub fn transfer(runtime: &Runtime, to: &AccountId, amount: u128) -> Result<Self, ChainError> {
        let to: MultiAddress<AccountId32, ()> = MultiAddress::Id(account_id(to));
        Self::new(runtime, "Balances", "transfer_keep_alive", (to, amount))
    }

    /// Calls a contract. The storage deposit is bounded by the chain's own default.
    ///
    /// # Errors
    /// The runtime has no pallet-contracts.
    pub fn contract(
        runtime: &Runtime,
        contract: &AccountId,
        value: u128,
        gas: Weight,
        input: Vec<u8>,
    ) -> Result<Self, ChainError> {
        let contract: MultiAddress<AccountId32, ()> = MultiAddress::Id(account_id(contract));
        let arguments = (contract, value, gas.value(), None::<u128>, input);
        Self::new(runtime, "Contracts", "call", arguments)
    }

    /// Puts a contract's code on the chain.
    ///
    /// # Errors
    /// The runtime has no pallet-contracts.
    pub fn upload_code(runtime: &Runtime, code: Vec<u8>) -> Result<Self, ChainError> {
        let enforced = Value::unnamed_variant("Enforced", []);
        Self::new(runtime, "Contracts", "upload_code", (code, None::<u128>, enforced))
    }

    /// Makes a contract of code that is on the chain.
    ///
    /// # Errors
    /// The runtime has no pallet-contracts.
    pub fn instantiate(
        runtime: &Runtime,
        gas: Weight,
        code_hash: [u8; 32],
        input: Vec<u8>,
        salt: Vec<u8>,
    ) -> Result<Self, ChainError> {
        let arguments = (0u128, gas.value(), None::<u128>, code_hash, input, salt);
        Self::new(runtime, "Contracts", "instantiate", arguments)
    }

    /// blake2-256 of the call: tells two calls apart.
    pub fn digest(&self) -> [u8; 32] {
        sp_crypto_hashing::blake2_256(&self.encode())
    }
}

impl Payload for Call {
    type CallData = RawFields;

    fn pallet_name(&self) -> &str {
        &self.pallet
    }

    fn call_name(&self) -> &str {
        &self.name
    }

    fn call_data(&self) -> &RawFields {
        &self.fields
    }
}

impl EncodeAsFields for RawFields {
    fn encode_as_fields_to<R: TypeResolver>(
        &self,
        _fields: &mut dyn FieldIter<'_, R::TypeId>,
        _types: &R,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        out.extend_from_slice(&self.0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_never_overflows() {
        let most = Weight {
            ref_time: u64::MAX,
            proof_size: 10,
        };
        assert_eq!(
            most.with_margin(),
            Weight {
                ref_time: u64::MAX,
                proof_size: 11
            }
        );
    }
}
