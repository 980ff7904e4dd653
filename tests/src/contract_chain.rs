//! The chain, in this process: the native runtime over an in-memory state.
use std::{collections::BTreeMap, path::PathBuf};

use frame_support::weights::Weight;
use pallet_contracts::{Code, CollectEvents, DebugInfo, Determinism, StorageDeposit};
use protocol::AccountId;
use quittance_runtime::{
    Balances, Contracts, Runtime, RuntimeEvent, RuntimeGenesisConfig, RuntimeOrigin, System, Timestamp, UNIT,
};
use scale::{Decode, Encode};
use sp_io::hashing::blake2_256;
use sp_runtime::{BuildStorage, DispatchError};

/// Every chain of these tests has this genesis hash: what counts is that signatures bind it.
pub const GENESIS: [u8; 32] = [7; 32];
/// When each chain starts, in milliseconds.
pub const START: u64 = 1_800_000_000_000;
/// Who deploys.
pub const DEPLOYER: AccountId = AccountId([200; 32]);

pub struct Chain {
    state: sp_io::TestExternalities,
}

/// Why a call was not even answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// The contract trapped, or the caller can't pay.
    Chain(DispatchError),
    /// The contract can't read its input.
    Input,
}

/// What a call came to.
pub struct Called<T> {
    /// What the message returned.
    pub output: T,
    /// What it would cost.
    pub weight: Weight,
    /// What the caller paid for storage, or got back.
    pub deposit: i128,
    /// What the contracts emitted, in order.
    pub events: Vec<Emitted>,
}

/// A contract's event.
pub struct Emitted {
    topics: Vec<[u8; 32]>,
    /// Its fields.
    pub data: Vec<u8>,
}

impl Emitted {
    /// Whether it is this one of the contract's events.
    pub fn is(&self, topic: &EventTopic) -> bool {
        self.topics.first() == Some(&topic.0)
    }

    /// Its name, of those.
    pub fn name<'a>(&self, names: &'a EventNames) -> Option<&'a str> {
        names.0.get(self.topics.first()?).map(String::as_str)
    }
}

/// What all events of a contract are known by.
#[derive(Clone)]
pub struct EventNames(BTreeMap<[u8; 32], String>);

impl EventNames {
    /// As the contract's metadata has them.
    pub fn of(contract: &str) -> Self {
        let metadata = metadata(contract);
        let events = metadata["spec"]["events"].as_array().unwrap();
        let named = |event: &serde_json::Value| {
            let topic = event["signature_topic"].as_str().unwrap();
            let label = event["label"].as_str().unwrap();
            (protocol::text::from_hex(topic).unwrap(), label.to_owned())
        };
        Self(events.iter().map(named).collect())
    }
}

/// What an event of a contract is known by.
pub struct EventTopic([u8; 32]);

impl EventTopic {
    /// As the contract's metadata has it.
    pub fn of(contract: &str, event: &str) -> Self {
        let metadata = metadata(contract);
        let mut events = metadata["spec"]["events"].as_array().unwrap().iter();
        let found = events.find(|described| described["label"] == event);
        let found = found.unwrap_or_else(|| panic!("{contract} has no event {event}"));
        Self(protocol::text::from_hex(found["signature_topic"].as_str().unwrap()).unwrap())
    }
}

impl Chain {
    pub fn new(accounts: &[AccountId]) -> Self {
        let balances = accounts
            .iter()
            .chain([&DEPLOYER])
            .map(|account| (native(*account), 1_000_000 * UNIT))
            .collect();
        let genesis = RuntimeGenesisConfig {
            balances: pallet_balances::GenesisConfig {
                balances,
                ..Default::default()
            },
            ..Default::default()
        };
        let mut chain = Self {
            state: genesis.build_storage().unwrap().into(),
        };
        chain.state.execute_with(|| System::set_block_number(1));
        chain.set_time(START);
        chain
    }

    pub fn set_time(&mut self, now: u64) {
        self.state.execute_with(|| Timestamp::set_timestamp(now));
    }

    /// A digest of the whole state but the block's events: equal before and after means that nothing changed.
    pub fn state_root(&mut self) -> Vec<u8> {
        self.state.execute_with(|| {
            System::reset_events();
            sp_io::storage::root(sp_runtime::StateVersion::V1)
        })
    }

    pub fn native_balance(&mut self, account: AccountId) -> u128 {
        self.state.execute_with(|| Balances::free_balance(native(account)))
    }

    /// Gives an account native tokens.
    pub fn pay(&mut self, account: AccountId, amount: u128) {
        let origin = RuntimeOrigin::signed(native(DEPLOYER));
        let moved = self
            .state
            .execute_with(|| Balances::transfer_allow_death(origin, native(account).into(), amount));
        moved.unwrap();
    }

    /// Sends all that an account has elsewhere, so that it no longer exists.
    pub fn close(&mut self, account: AccountId) {
        let origin = RuntimeOrigin::signed(native(account));
        let moved = self
            .state
            .execute_with(|| Balances::transfer_all(origin, native(DEPLOYER).into(), false));
        moved.unwrap();
    }

    /// What a contract stores in a mapping, read without calling it.
    pub fn stored<T: Decode>(&mut self, contract: AccountId, mapping: RootKey, key: impl Encode) -> Option<T> {
        let key = [mapping.0.as_slice(), &key.encode()].concat();
        let bytes = self
            .state
            .execute_with(|| Contracts::get_storage(native(contract), key).unwrap());
        bytes.map(|bytes| T::decode(&mut &bytes[..]).unwrap())
    }

    /// The beginning of what a contract stores beside its mappings, read without calling it.
    pub fn root<T: Decode>(&mut self, contract: AccountId) -> T {
        let bytes = self
            .state
            .execute_with(|| Contracts::get_storage(native(contract), vec![0; 4]).unwrap());
        T::decode(&mut &bytes.unwrap()[..]).unwrap()
    }

    /// Proves what a contract keeps, or doesn't keep, under these keys: the state's root, and nodes of its trie. The present state
    /// is then the one that [`Self::roll_back`] goes back to.
    pub fn proof(&mut self, contract: AccountId, keys: &[Vec<u8>]) -> ([u8; 32], Vec<Vec<u8>>) {
        self.commit();
        let ((), proof) = self.state.execute_and_prove(|| {
            for key in keys {
                Contracts::get_storage(native(contract), key.clone()).unwrap();
            }
        });
        (self.state.backend.root().0, proof.into_iter_nodes().collect())
    }

    /// Makes the present state the one that [`Self::roll_back`] goes back to.
    pub fn commit(&mut self) {
        self.state.commit_all().unwrap();
    }

    pub fn roll_back(&mut self) {
        self.state.reset_overlay();
    }

    /// Instantiates the wasm that `xtask contracts` built; `Err` is what the constructor returned.
    pub fn instantiate<E: Decode>(&mut self, contract: &str, args: impl Encode) -> Result<AccountId, E> {
        let code = artifact(contract, "wasm");
        let data = [selector("new").as_slice(), &args.encode()].concat();
        let result = self.state.execute_with(|| {
            Contracts::bare_instantiate(
                native(DEPLOYER),
                0,
                Weight::MAX,
                None,
                Code::Upload(code),
                data,
                Vec::new(),
                DebugInfo::Skip,
                CollectEvents::Skip,
            )
        });
        let instantiated = result.result.unwrap();
        if instantiated.result.did_revert() {
            let returned: Result<Result<(), E>, LangError> =
                Decode::decode(&mut &instantiated.result.data[..]).unwrap();
            return Err(returned.unwrap().err().unwrap());
        }
        Ok(AccountId(instantiated.account_id.into()))
    }

    /// Calls a message and decodes what it returns.
    pub fn call<T: Decode>(
        &mut self,
        caller: AccountId,
        contract: AccountId,
        message: &str,
        args: impl Encode,
        value: u128,
    ) -> Called<T> {
        self.try_call(caller, contract, message, args, value).unwrap()
    }

    /// As [`Self::call`], for calls that may not come to an answer.
    pub fn try_call<T: Decode>(
        &mut self,
        caller: AccountId,
        contract: AccountId,
        message: &str,
        args: impl Encode,
        value: u128,
    ) -> Result<Called<T>, Fault> {
        let data = [selector(message).as_slice(), &args.encode()].concat();
        let result = self.state.execute_with(|| {
            System::reset_events();
            Contracts::bare_call(
                native(caller),
                native(contract),
                value,
                Weight::from_parts(u64::MAX, u64::MAX),
                None,
                data,
                DebugInfo::UnsafeDebug,
                CollectEvents::UnsafeCollect,
                Determinism::Enforced,
            )
        });
        let emitted = |record: &frame_system::EventRecord<RuntimeEvent, sp_core::H256>| match &record.event {
            RuntimeEvent::Contracts(pallet_contracts::Event::<Runtime>::ContractEmitted { data, .. }) => {
                Some(Emitted {
                    topics: record.topics.iter().map(|topic| topic.0).collect(),
                    data: data.clone(),
                })
            }
            _ => None,
        };
        let returned = result.result.map_err(Fault::Chain)?;
        let output: Result<T, LangError> = Decode::decode(&mut &returned.data[..]).unwrap();
        Ok(Called {
            output: output.map_err(|LangError::CouldNotReadInput| Fault::Input)?,
            weight: result.gas_required,
            deposit: match result.storage_deposit {
                StorageDeposit::Charge(amount) => i128::try_from(amount).unwrap(),
                StorageDeposit::Refund(amount) => -i128::try_from(amount).unwrap(),
            },
            events: result.events.iter().flatten().filter_map(emitted).collect(),
        })
    }
}

/// Where a contract keeps a mapping: what the keys of its entries begin with.
#[derive(Clone, Copy)]
pub struct RootKey([u8; 4]);

impl RootKey {
    /// As the contract's metadata has it.
    pub fn of(contract: &str, mapping: &str) -> Self {
        let metadata = metadata(contract);
        let key = find(&metadata["storage"], mapping).unwrap_or_else(|| panic!("{contract} has no mapping {mapping}"));
        let number = u32::from_str_radix(key.trim_start_matches("0x"), 16).unwrap();
        Self(number.to_be_bytes())
    }
}

/// The root key of the mapping of this name, however deep in a layout.
fn find<'a>(layout: &'a serde_json::Value, mapping: &str) -> Option<&'a str> {
    if layout["name"] == mapping {
        return layout["layout"]["root"]["root_key"].as_str();
    }
    match layout {
        serde_json::Value::Object(fields) => fields.values().find_map(|field| find(field, mapping)),
        serde_json::Value::Array(items) => items.iter().find_map(|item| find(item, mapping)),
        _ => None,
    }
}

/// A contract's metadata.
pub fn metadata(contract: &str) -> serde_json::Value {
    serde_json::from_slice(&artifact(contract, "json")).unwrap()
}

/// What `xtask contracts` made of a contract; of another build if QUITTANCE_CONTRACTS names its folder.
fn artifact(contract: &str, extension: &str) -> Vec<u8> {
    let built = || crate::target_dir().join("contracts");
    let folder = std::env::var_os("QUITTANCE_CONTRACTS").map_or_else(built, PathBuf::from);
    let path = folder.join(format!("{contract}.{extension}"));
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; build it with `cargo run -p xtask -- contracts`",
            path.display()
        )
    })
}

/// What ink! wraps around every message's return value.
#[derive(Debug, Decode)]
enum LangError {
    #[codec(index = 1)]
    CouldNotReadInput,
}

/// The first four bytes of a message name's hash.
pub fn selector(message: &str) -> [u8; 4] {
    let hash = blake2_256(message.as_bytes());
    [hash[0], hash[1], hash[2], hash[3]]
}

fn native(account: AccountId) -> sp_runtime::AccountId32 {
    account.0.into()
}
