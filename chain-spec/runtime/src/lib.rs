//! The chain's runtime: accounts, the native token, fees, pallet-contracts, and who runs the chain. Everything that is
//! Quittance's own lives in contracts, so that they deploy to any chain with pallet-contracts.
//!
//! One runtime for two kinds of chain. One whose genesis names validators has slots and GRANDPA. One without is sealed
//! on demand by a single node, for development.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod apis;
mod consortium;
mod contracts;

use alloc::vec::Vec;

use frame_support::{
    derive_impl, parameter_types,
    traits::{ConstBool, ConstU128, ConstU32, ConstU64, ConstU8, OnTimestampSet, VariantCountOf},
    weights::{
        constants::{ParityDbWeight, WEIGHT_REF_TIME_PER_SECOND},
        IdentityFee, Weight,
    },
};
use pallet_transaction_payment::{ConstFeeMultiplier, FungibleAdapter, Multiplier};
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_runtime::{
    generic, impl_opaque_keys,
    traits::{BlakeTwo256, IdentifyAccount, One, Verify},
    MultiAddress, MultiSignature, Perbill,
};
use sp_version::{runtime_version, RuntimeVersion};

pub use apis::{RuntimeApi, RUNTIME_API_VERSIONS};
pub use consortium::{Decision, Validator};
pub use frame_system::Call as SystemCall;

/// A block's height.
pub type BlockNumber = u32;
/// A transaction's signature.
pub type Signature = MultiSignature;
/// An account's public key.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// A number of the native token's smallest unit.
pub type Balance = u128;
/// How many transactions an account has sent.
pub type Nonce = u32;
/// A block's or a value's hash.
pub type Hash = sp_core::H256;
/// How a transaction names an account.
pub type Address = MultiAddress<AccountId, ()>;
/// A block's header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;
/// What every transaction carries besides its call.
pub type TxExtension = (
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckEra<Runtime>,
    frame_system::CheckNonce<Runtime>,
    frame_system::CheckWeight<Runtime>,
    pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
);
/// A transaction.
pub type UncheckedExtrinsic = generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// Runs blocks.
pub type Executive =
    frame_executive::Executive<Runtime, Block, frame_system::ChainContext<Runtime>, Runtime, AllPalletsWithSystem>;

/// What the node works with: it knows blocks, not their contents, and so outlives runtime upgrades.
pub mod opaque {
    use super::{generic, BlakeTwo256, BlockNumber};
    /// An encoded transaction.
    pub use sp_runtime::OpaqueExtrinsic as UncheckedExtrinsic;
    /// A block's header.
    pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
    /// A block.
    pub type Block = generic::Block<Header, UncheckedExtrinsic>;
}

impl_opaque_keys! {
    /// What a validator's node signs with: its blocks, and its votes for finality.
    pub struct SessionKeys {
        pub aura: Aura,
        pub grandpa: Grandpa,
    }
}

/// The version of this runtime.
#[runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: alloc::borrow::Cow::Borrowed("quittance"),
    impl_name: alloc::borrow::Cow::Borrowed("quittance"),
    authoring_version: 1,
    spec_version: 1,
    impl_version: 1,
    apis: RUNTIME_API_VERSIONS,
    transaction_version: 1,
    system_version: 1,
};

/// One token in its smallest unit.
pub const UNIT: Balance = 1_000_000_000_000;
/// An account that would hold less is removed.
pub const EXISTENTIAL_DEPOSIT: Balance = UNIT / 1_000;

/// How often there is a block, where there are validators, in milliseconds. A payment takes two blocks, so short; but a block
/// has to be built, sent and carried out by all others before the next one is due: half of a slot for each.
pub const SLOT_DURATION: u64 = 2_000;
/// The most validators that there can be.
pub const MAX_VALIDATORS: u32 = 32;

const NORMAL_DISPATCH_RATIO: Perbill = Perbill::from_percent(75);

parameter_types! {
    pub const Version: RuntimeVersion = VERSION;
    /// Two seconds of computation for each block.
    pub BlockWeights: frame_system::limits::BlockWeights = frame_system::limits::BlockWeights::with_sensible_defaults(
        Weight::from_parts(2u64.saturating_mul(WEIGHT_REF_TIME_PER_SECOND), u64::MAX),
        NORMAL_DISPATCH_RATIO,
    );
    pub FeeMultiplier: Multiplier = Multiplier::one();
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type AccountData = pallet_balances::AccountData<Balance>;
    type AccountId = AccountId;
    type Block = Block;
    type BlockHashCount = ConstU32<2400>;
    type BlockWeights = BlockWeights;
    type DbWeight = ParityDbWeight;
    type Hash = Hash;
    type MaxConsumers = ConstU32<16>;
    type Nonce = Nonce;
    type SS58Prefix = SubstratePrefix;
    type Version = Version;
}

parameter_types! {
    /// The prefix of generic Substrate addresses.
    pub const SubstratePrefix: u8 = 42;
}

impl pallet_timestamp::Config for Runtime {
    /// Blocks that are sealed on demand can follow each other within a millisecond.
    type MinimumPeriod = ConstU64<1>;
    type Moment = u64;
    type OnTimestampSet = InItsSlot;
    type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

/// Where there are validators, a block's time must lie in the slot that its author signed for: so nobody dates a block
/// to reach a deadline. Where there are none, there are no slots.
pub struct InItsSlot;

impl OnTimestampSet<u64> for InItsSlot {
    fn on_timestamp_set(moment: u64) {
        if Aura::authorities_len() > 0 {
            <Aura as OnTimestampSet<u64>>::on_timestamp_set(moment);
        }
    }
}

impl pallet_aura::Config for Runtime {
    type AllowMultipleBlocksPerSlot = ConstBool<false>;
    type AuthorityId = AuraId;
    type DisabledValidators = ();
    type MaxAuthorities = ConstU32<MAX_VALIDATORS>;
    type SlotDuration = ConstU64<SLOT_DURATION>;
}

impl pallet_grandpa::Config for Runtime {
    type EquivocationReportSystem = ();
    /// Nobody is punished by the chain: nodes log who voted twice, and the institutions remove it. So nobody can prove
    /// anything here either.
    type KeyOwnerProof = sp_core::Void;
    type MaxAuthorities = ConstU32<MAX_VALIDATORS>;
    type MaxNominators = ConstU32<0>;
    type MaxSetIdSessionEntries = ConstU64<0>;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = ();
}

impl consortium::Config for Runtime {}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Runtime {
    type AccountStore = System;
    type Balance = Balance;
    type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
    type MaxLocks = ConstU32<50>;
    type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
}

impl pallet_transaction_payment::Config for Runtime {
    type FeeMultiplierUpdate = ConstFeeMultiplier<FeeMultiplier>;
    type LengthToFee = IdentityFee<Balance>;
    type OnChargeTransaction = FungibleAdapter<Balances, ()>;
    type OperationalFeeMultiplier = ConstU8<5>;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
    type WeightToFee = IdentityFee<Balance>;
}

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;

    #[runtime::pallet_index(1)]
    pub type Timestamp = pallet_timestamp;

    #[runtime::pallet_index(2)]
    pub type Balances = pallet_balances;

    #[runtime::pallet_index(3)]
    pub type TransactionPayment = pallet_transaction_payment;

    #[runtime::pallet_index(4)]
    pub type Contracts = pallet_contracts;

    #[runtime::pallet_index(5)]
    pub type Aura = pallet_aura;

    #[runtime::pallet_index(6)]
    pub type Grandpa = pallet_grandpa;

    #[runtime::pallet_index(7)]
    pub type Consortium = consortium;
}
