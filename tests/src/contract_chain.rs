//! The chain, in this process: the native runtime over an in-memory state.
use frame_support::weights::Weight;
use pallet_contracts::{Code, CollectEvents, DebugInfo, Determinism};
use protocol::AccountId;
use quittance_runtime::{Balances, Contracts, Runtime, RuntimeEvent, RuntimeGenesisConfig, System, Timestamp, UNIT};
use scale::{Decode, Encode};
use sp_io::hashing::blake2_256;
use sp_runtime::BuildStorage;

/// Every chain of these tests has this genesis hash: what counts is that signatures bind it.
pub const GENESIS: [u8; 32] = [7; 32];
/// When each chain starts, in milliseconds.
pub const START: u64 = 1_800_000_000_000;
/// Who deploys.
pub const DEPLOYER: AccountId = AccountId([200; 32]);

pub struct Chain {
    state: sp_io::TestExternalities,
}

/// What a call came to.
pub struct Called<T> {
    /// What the message returned.
    pub output: T,
    /// What it would cost.
    pub weight: Weight,
    /// How many events the contract emitted.
    pub events: usize,
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

    /// Instantiates the wasm that `xtask contracts` built; `Err` is what the constructor returned.
    pub fn instantiate<E: Decode>(&mut self, contract: &str, args: impl Encode) -> Result<AccountId, E> {
        let path = crate::target_dir().join("contracts").join(format!("{contract}.wasm"));
        let code = std::fs::read(&path).unwrap_or_else(|error| {
            panic!(
                "{}: {error}; build it with `cargo run -p xtask -- contracts`",
                path.display()
            )
        });
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
        let emitted = |record: &frame_system::EventRecord<RuntimeEvent, _>| {
            matches!(
                record.event,
                RuntimeEvent::Contracts(pallet_contracts::Event::<Runtime>::ContractEmitted { .. })
            )
        };
        let returned = result.result.unwrap();
        let output: Result<T, LangError> = Decode::decode(&mut &returned.data[..]).unwrap();
        Called {
            output: output.unwrap(),
            weight: result.gas_required,
            events: result.events.iter().flatten().filter(|record| emitted(record)).count(),
        }
    }
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
