//! Who runs the chain, and how the institutions that do change that together, or the runtime. No single one can: more
//! than two thirds must say the same, as many as it takes to finalize a block.
// what derive(Encode) makes of a variant's number
#![allow(clippy::cast_possible_truncation)]
use alloc::{boxed::Box, collections::BTreeSet, vec::Vec};

use frame_support::{pallet_prelude::*, Deserialize, Serialize, WeakBoundedVec};
use frame_system::pallet_prelude::*;
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_consensus_grandpa::AuthorityId as GrandpaId;
use sp_runtime::traits::Hash as _;

use crate::{AccountId, Hash, MAX_VALIDATORS};

pub use pallet::*;

/// An institution's part in running the chain.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
#[serde(crate = "frame_support::__private::serde")]
pub struct Validator {
    /// Votes on decisions.
    pub account: AccountId,
    /// Its node signs blocks with this key.
    pub aura: AuraId,
    /// Its node votes for finality with this key.
    pub grandpa: GrandpaId,
}

/// What the validators' institutions decide together.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Decision {
    /// These validators run the chain, from the next block on: who isn't among them has left, who is new has joined, whose
    /// keys are others has changed them.
    Validators(Vec<Validator>),
    /// Code with this blake2-256 hash may become the runtime, once anybody brings it with
    /// `System.apply_authorized_upgrade`: its name must be the same and its version higher.
    Upgrade(Hash),
}

#[frame_support::pallet]
pub mod pallet {
    use super::*;

    #[pallet::config]
    pub trait Config:
        frame_system::Config<AccountId = AccountId, Hash = Hash>
        + pallet_aura::Config<AuthorityId = AuraId>
        + pallet_grandpa::Config
    {
    }

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Who runs the chain. Nobody, where it is sealed on demand.
    #[pallet::storage]
    pub type Validators<T> = StorageValue<_, BoundedVec<Validator, ConstU32<MAX_VALIDATORS>>, ValueQuery>;

    /// How many decisions were carried out. An approval counts for the next one only.
    #[pallet::storage]
    pub type Round<T> = StorageValue<_, u32, ValueQuery>;

    /// What each account approved last: the hash of a round and a decision.
    #[pallet::storage]
    pub type Approvals<T> = StorageMap<_, Blake2_128Concat, AccountId, Hash>;

    #[pallet::event]
    #[pallet::generate_deposit(fn deposit_event)]
    pub enum Event<T: Config> {
        /// A validator's account approves a decision.
        Approved {
            /// Whose approval this is.
            account: AccountId,
            /// The decision's hash in this round.
            decision: Hash,
            /// How many approve it now.
            approvals: u32,
            /// How many it takes.
            needed: u32,
        },
        /// Enough approved it: it is done.
        CarriedOut {
            /// The decision.
            decision: Decision,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// Only the accounts of the present validators decide.
        NotAValidator,
        /// The approval is for a decision that was to follow another one.
        OtherRound,
        /// There must be validators, and no more than the chain can have.
        NumberOfValidators,
        /// Two validators share an account or a key.
        SharedKey,
    }

    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// Who runs the chain at first.
        pub validators: Vec<Validator>,
        #[serde(skip)]
        pub _config: PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            if self.validators.is_empty() {
                return;
            }
            let validators = Pallet::<T>::checked(&self.validators);
            let validators =
                validators.expect("the validators of the genesis have an account and keys of their own each");
            let (aura, grandpa) = keys(&self.validators);
            pallet_aura::Pallet::<T>::initialize_authorities(&aura);
            pallet_grandpa::Authorities::<T>::put(
                WeakBoundedVec::<_, <T as pallet_grandpa::Config>::MaxAuthorities>::force_from(grandpa, None),
            );
            Validators::<T>::put(validators);
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Approves a decision, instead of what this account approved before. The approval that makes more than two
        /// thirds carries it out. `round` is that of [`Round`]: an approval that comes late doesn't count for what
        /// follows.
        #[pallet::call_index(0)]
        // Everybody's approval is read; the writes are those of a change of validators, the most there are.
        #[pallet::weight(
            T::DbWeight::get()
                .reads_writes(u64::from(MAX_VALIDATORS).saturating_add(8), 8)
                .saturating_add(Weight::from_parts(50_000_000, 0))
        )]
        pub fn approve(origin: OriginFor<T>, round: u32, decision: Box<Decision>) -> DispatchResult {
            let account = ensure_signed(origin)?;
            let validators = Validators::<T>::get();
            ensure!(
                validators.iter().any(|validator| validator.account == account),
                Error::<T>::NotAValidator
            );
            ensure!(round == Round::<T>::get(), Error::<T>::OtherRound);
            if let Decision::Validators(next) = &*decision {
                Self::checked(next)?;
            }

            let hash = T::Hashing::hash_of(&(round, &*decision));
            Approvals::<T>::insert(&account, hash);
            let approving = validators
                .iter()
                .filter(|validator| Approvals::<T>::get(&validator.account) == Some(hash));
            let approvals = u32::try_from(approving.count()).unwrap_or(u32::MAX);
            let needed = needed(validators.len());
            Self::deposit_event(Event::Approved {
                account,
                decision: hash,
                approvals,
                needed,
            });
            if approvals < needed {
                return Ok(());
            }
            Round::<T>::put(round.saturating_add(1));
            Self::carry_out(&decision)?;
            Self::deposit_event(Event::CarriedOut { decision: *decision });
            Ok(())
        }
    }

    impl<T: Config> Pallet<T> {
        fn carry_out(decision: &Decision) -> DispatchResult {
            match decision {
                Decision::Validators(next) => {
                    let (aura, grandpa) = keys(next);
                    let aura = BoundedVec::try_from(aura).map_err(|_| Error::<T>::NumberOfValidators)?;
                    // The validators until now finalize the block that this is in, and with it their successors.
                    pallet_grandpa::Pallet::<T>::schedule_change(grandpa, 0u32.into(), None)?;
                    // Nodes count along; one that starts from here (`--sync warp`) reads it.
                    pallet_grandpa::CurrentSetId::<T>::mutate(|set| *set = set.saturating_add(1));
                    pallet_aura::Pallet::<T>::change_authorities(aura);
                    Validators::<T>::put(Self::checked(next)?);
                }
                Decision::Upgrade(code) => frame_system::Pallet::<T>::do_authorize_upgrade(*code, true),
            }
            Ok(())
        }

        /// Validators that can run a chain, each with an account and keys of its own.
        fn checked(validators: &[Validator]) -> Result<BoundedVec<Validator, ConstU32<MAX_VALIDATORS>>, Error<T>> {
            ensure!(!validators.is_empty(), Error::<T>::NumberOfValidators);
            let accounts: BTreeSet<_> = validators.iter().map(|validator| &validator.account).collect();
            let aura: BTreeSet<_> = validators.iter().map(|validator| &validator.aura).collect();
            let grandpa: BTreeSet<_> = validators.iter().map(|validator| &validator.grandpa).collect();
            let distinct = [accounts.len(), aura.len(), grandpa.len()];
            ensure!(distinct == [validators.len(); 3], Error::<T>::SharedKey);
            BoundedVec::try_from(validators.to_vec()).map_err(|_| Error::NumberOfValidators)
        }
    }
}

/// How many of so many validators decide: more than two thirds.
fn needed(validators: usize) -> u32 {
    let validators = u32::try_from(validators).unwrap_or(u32::MAX);
    validators.saturating_sub(validators.saturating_sub(1) / 3)
}

fn keys(validators: &[Validator]) -> (Vec<AuraId>, sp_consensus_grandpa::AuthorityList) {
    let aura = validators.iter().map(|validator| validator.aura.clone());
    let grandpa = validators.iter().map(|validator| (validator.grandpa.clone(), 1));
    (aura.collect(), grandpa.collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed test is a panic

    use frame_support::{assert_noop, assert_ok};
    use sp_core::{ed25519, sr25519};
    use sp_runtime::BuildStorage;

    use super::{Decision, Error, GenesisConfig, Validator};
    use crate::{
        AccountId, Aura, Consortium, Grandpa, Hash, Runtime, RuntimeEvent, RuntimeGenesisConfig, RuntimeOrigin, System,
        Timestamp,
    };

    fn validator(number: u8) -> Validator {
        Validator {
            account: account(number),
            aura: sr25519::Public::from_raw([number; 32]).into(),
            grandpa: ed25519::Public::from_raw([number; 32]).into(),
        }
    }

    fn account(number: u8) -> AccountId {
        [number; 32].into()
    }

    fn validators(numbers: impl IntoIterator<Item = u8>) -> Vec<Validator> {
        numbers.into_iter().map(validator).collect()
    }

    fn chain(numbers: impl IntoIterator<Item = u8>) -> sp_io::TestExternalities {
        let genesis = RuntimeGenesisConfig {
            consortium: GenesisConfig {
                validators: validators(numbers),
                ..Default::default()
            },
            ..Default::default()
        };
        let mut state: sp_io::TestExternalities = genesis.build_storage().unwrap().into();
        state.execute_with(|| System::set_block_number(1));
        state
    }

    fn approve(number: u8, round: u32, decision: &Decision) -> frame_support::dispatch::DispatchResult {
        Consortium::approve(RuntimeOrigin::signed(account(number)), round, decision.clone().into())
    }

    #[test]
    fn the_genesis_gives_aura_and_grandpa_their_authorities() {
        chain(1..=4).execute_with(|| {
            let aura = pallet_aura::Authorities::<Runtime>::get();
            assert_eq!(
                aura.into_inner(),
                validators(1..=4).iter().map(|one| one.aura.clone()).collect::<Vec<_>>()
            );
            let grandpa = Grandpa::grandpa_authorities();
            assert_eq!(grandpa.len(), 4);
            assert_eq!(grandpa[3], (validator(4).grandpa, 1));
        });
    }

    #[test]
    fn three_of_four_change_who_runs_the_chain() {
        chain(1..=4).execute_with(|| {
            let joined = Decision::Validators(validators(1..=5));
            assert_ok!(approve(1, 0, &joined));
            assert_ok!(approve(1, 0, &joined));
            assert_ok!(approve(2, 0, &joined));
            assert_eq!(Aura::authorities_len(), 4, "two, of whom one said it twice");
            assert_ok!(approve(3, 0, &joined));
            assert_eq!(Aura::authorities_len(), 5);
            assert_eq!(super::Validators::<Runtime>::get().into_inner(), validators(1..=5));
            assert_eq!(Grandpa::pending_change().unwrap().next_authorities.len(), 5);
            assert_eq!(Grandpa::current_set_id(), 1, "theirs is another set");

            assert_noop!(approve(4, 0, &joined), Error::<Runtime>::OtherRound);
            assert_ok!(approve(5, 1, &Decision::Upgrade(Hash::zero())));
        });
    }

    #[test]
    fn who_approves_something_else_approves_the_first_no_more() {
        chain(1..=4).execute_with(|| {
            let (first, second) = (
                Decision::Upgrade(Hash::repeat_byte(1)),
                Decision::Upgrade(Hash::repeat_byte(2)),
            );
            let authorized = RuntimeEvent::System(frame_system::Event::UpgradeAuthorized {
                code_hash: Hash::repeat_byte(1),
                check_version: true,
            });
            assert_ok!(approve(1, 0, &first));
            assert_ok!(approve(2, 0, &first));
            assert_ok!(approve(1, 0, &second));
            assert_ok!(approve(3, 0, &first));
            assert!(
                !System::events().iter().any(|record| record.event == authorized),
                "two approve it"
            );
            assert_ok!(approve(4, 0, &first));
            assert!(System::events().iter().any(|record| record.event == authorized));
        });
    }

    #[test]
    fn strangers_and_impossible_validators_are_refused() {
        chain(1..=4).execute_with(|| {
            assert_noop!(
                approve(9, 0, &Decision::Upgrade(Hash::zero())),
                Error::<Runtime>::NotAValidator
            );
            let nobody = Decision::Validators(Vec::new());
            assert_noop!(approve(1, 0, &nobody), Error::<Runtime>::NumberOfValidators);
            let many = Decision::Validators(validators(1..=33));
            assert_noop!(approve(1, 0, &many), Error::<Runtime>::NumberOfValidators);
            let twice = Decision::Validators(validators([1, 2, 2]));
            assert_noop!(approve(1, 0, &twice), Error::<Runtime>::SharedKey);
        });
        chain([]).execute_with(|| {
            let alone = Decision::Validators(validators([1]));
            assert_noop!(approve(1, 0, &alone), Error::<Runtime>::NotAValidator);
        });
    }

    #[test]
    fn more_than_two_thirds_decide() {
        let needed: Vec<u32> = (1..=7).map(super::needed).collect();
        assert_eq!(needed, [1, 2, 3, 3, 4, 5, 5]);
    }

    #[test]
    fn a_chain_without_validators_has_no_slots() {
        chain([]).execute_with(|| Timestamp::set_timestamp(1_800_000_000_000));
    }

    #[test]
    #[should_panic(expected = "Timestamp slot must match")]
    fn a_chain_with_validators_has_slots() {
        chain(1..=4).execute_with(|| Timestamp::set_timestamp(1_800_000_000_000));
    }
}
