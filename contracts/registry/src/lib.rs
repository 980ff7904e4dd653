//! The registry: who the institutions are, with which keys, in which roles, and which notaries it takes.
//!
//! It is changed by a t-of-n of its governors' signatures, never by one key and never by whoever sends the transaction.
//! Each change raises the epoch, which is part of every payload that an institution signs: what was signed for one set
//! of signers is void for the next.
#![cfg_attr(not(feature = "std"), no_std, no_main)]
// ink!'s generated dispatch code: exported symbols, unchecked arithmetic on constants
#![allow(unsafe_code, clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

/// The registry: who the institutions are, with which keys and in which roles, and how many notaries must sign.
#[ink::contract]
mod registry {
    use ink::{prelude::vec::Vec, storage::Mapping};
    use protocol::{
        registry::{
            Change, Error, GovernorSignature, Institution, Signer, SignerSet, Status, MAX_GOVERNORS, MAX_QUERY,
        },
        signing::{self, Domain, Purpose},
        InstitutionId, Member,
    };

    /// What a message that may refuse returns.
    pub type Result<T> = core::result::Result<T, Error>;

    /// How many institutions one page holds.
    const PAGE: u16 = 32;

    #[ink(storage)]
    pub struct Registry {
        /// The chain's genesis hash: part of what governors sign.
        genesis: [u8; 32],
        /// Number of changes so far.
        epoch: u32,
        /// How many notaries must sign a retention.
        notary_threshold: u16,
        /// How many governors must sign a change.
        governor_threshold: u16,
        /// The governors' sr25519 keys.
        governors: Vec<[u8; 32]>,
        /// Number of institutions; also the next index.
        count: u16,
        /// The institutions.
        institutions: Mapping<Member, Institution>,
        /// Their indices by id.
        by_id: Mapping<InstitutionId, Member>,
        /// Their indices by account.
        by_account: Mapping<AccountId, Member>,
        /// Their indices by signing key, so that one key never speaks for two institutions.
        by_signing_key: Mapping<[u8; 32], Member>,
    }

    /// The registry was made. With the `Changed` events after it, it tells the whole state.
    #[ink(event)]
    pub struct Created {
        /// The sr25519 public keys of the governors.
        governors: Vec<[u8; 32]>,
        /// How many governors must sign a change.
        governor_threshold: u16,
        /// How many notaries must sign a retention.
        notary_threshold: u16,
    }

    /// The governors changed something: an institution, the number of notaries that must sign, or the governors.
    #[ink(event)]
    pub struct Changed {
        /// The registry's epoch from this change on: the number of changes so far.
        #[ink(topic)]
        epoch: u32,
        /// The index of the institution that the change concerns, if it concerns one.
        member: Option<Member>,
        /// What changed, as the governors signed it.
        change: Change,
    }

    impl Registry {
        /// Makes a registry without institutions. `genesis`: the chain's genesis hash; `governors`: their sr25519
        /// public keys; `governor_threshold`: how many of them must sign a change; `notary_threshold`: how many
        /// notaries must sign a retention.
        ///
        /// # Errors
        /// `BadGovernors`, `BadThreshold`.
        #[ink(constructor)]
        pub fn new(
            genesis: [u8; 32],
            governors: Vec<[u8; 32]>,
            governor_threshold: u16,
            notary_threshold: u16,
        ) -> Result<Self> {
            ensure_governors(&governors, governor_threshold)?;
            ensure_threshold(notary_threshold)?;
            Self::env().emit_event(Created {
                governors: governors.clone(),
                governor_threshold,
                notary_threshold,
            });
            Ok(Self {
                genesis,
                epoch: 0,
                notary_threshold,
                governor_threshold,
                governors,
                count: 0,
                institutions: Mapping::new(),
                by_id: Mapping::new(),
                by_account: Mapping::new(),
                by_signing_key: Mapping::new(),
            })
        }

        /// Applies a change that enough governors signed for the present epoch, strictly before `expires_at`, in
        /// milliseconds since 1970. Anyone may send it.
        ///
        /// # Errors
        /// Every variant of [`Error`] but `QueryTooLong`; nothing is changed then.
        #[ink(message)]
        pub fn apply(&mut self, change: Change, expires_at: u64, signatures: Vec<GovernorSignature>) -> Result<()> {
            self.ensure_governed(&change, expires_at, &signatures)?;
            let member = self.carry_out(&change)?;
            // One change a second lasts 136 years.
            self.epoch = self.epoch.checked_add(1).ok_or(Error::Full)?;
            self.env().emit_event(Changed {
                epoch: self.epoch,
                member,
                change,
            });
            Ok(())
        }

        /// Tells other contracts what they need to check signatures, at most 64 institutions at once: account, signing
        /// key, roles and status for each index, in the order asked.
        ///
        /// # Errors
        /// `QueryTooLong`.
        #[ink(message)]
        pub fn members(&self, members: Vec<Member>) -> Result<SignerSet> {
            if members.len() > MAX_QUERY {
                return Err(Error::QueryTooLong);
            }
            let signer = |member: &Member| {
                self.institutions.get(member).map(|found| Signer {
                    account: found.account,
                    signing_key: found.signing_key,
                    roles: found.roles,
                    status: found.status,
                })
            };
            Ok(SignerSet {
                epoch: self.epoch,
                notary_threshold: self.notary_threshold,
                signers: members.iter().map(signer).collect(),
            })
        }

        /// An institution by its index: LEI, account, signing key, certificate, roles and status.
        #[ink(message)]
        pub fn institution(&self, member: Member) -> Option<Institution> {
            self.institutions.get(member)
        }

        /// Up to 32 institutions, in the order of their indices, from the index `from` on.
        #[ink(message)]
        pub fn institutions(&self, from: Member) -> Vec<Institution> {
            let until = from.0.saturating_add(PAGE).min(self.count);
            (from.0..until)
                .filter_map(|index| self.institutions.get(Member(index)))
                .collect()
        }

        /// The index of the institution that has this account.
        #[ink(message)]
        pub fn member_of(&self, account: AccountId) -> Option<Member> {
            self.by_account.get(account)
        }

        /// The index of the institution that has this id, which is derived from its LEI.
        #[ink(message)]
        pub fn member_by_id(&self, id: InstitutionId) -> Option<Member> {
            self.by_id.get(id)
        }

        /// The governors' sr25519 public keys, and how many of them must sign a change.
        #[ink(message)]
        pub fn governors(&self) -> (Vec<[u8; 32]>, u16) {
            (self.governors.clone(), self.governor_threshold)
        }

        /// The registry's epoch: the number of changes so far.
        #[ink(message)]
        pub fn epoch(&self) -> u32 {
            self.epoch
        }

        fn carry_out(&mut self, change: &Change) -> Result<Option<Member>> {
            match change {
                Change::Register {
                    lei,
                    account,
                    signing_key,
                    certificate,
                    roles,
                } => {
                    if !lei.is_valid() {
                        return Err(Error::BadLei);
                    }
                    ensure_roles(*roles)?;
                    let id = InstitutionId::of(lei);
                    if let Some(holder) = self.by_id.get(id) {
                        return Err(Error::LeiTaken(holder));
                    }
                    let member = Member(self.count);
                    self.count = self.count.checked_add(1).ok_or(Error::Full)?;
                    self.by_id.insert(id, &member);
                    self.take_keys(member, account, signing_key)?;
                    self.institutions.insert(
                        member,
                        &Institution {
                            member,
                            id,
                            lei: *lei,
                            account: *account,
                            signing_key: *signing_key,
                            certificate: *certificate,
                            roles: *roles,
                            status: Status::Active,
                        },
                    );
                    Ok(Some(member))
                }
                Change::SetKeys {
                    member,
                    account,
                    signing_key,
                    certificate,
                } => {
                    let mut institution = self.ensure_member(*member)?;
                    self.by_account.remove(institution.account);
                    self.by_signing_key.remove(institution.signing_key);
                    self.take_keys(*member, account, signing_key)?;
                    institution.account = *account;
                    institution.signing_key = *signing_key;
                    institution.certificate = *certificate;
                    self.institutions.insert(member, &institution);
                    Ok(Some(*member))
                }
                Change::SetRoles { member, roles } => {
                    ensure_roles(*roles)?;
                    let mut institution = self.ensure_member(*member)?;
                    institution.roles = *roles;
                    self.institutions.insert(member, &institution);
                    Ok(Some(*member))
                }
                Change::SetStatus { member, status } => {
                    let mut institution = self.ensure_member(*member)?;
                    institution.status = *status;
                    self.institutions.insert(member, &institution);
                    Ok(Some(*member))
                }
                Change::SetNotaryThreshold(threshold) => {
                    ensure_threshold(*threshold)?;
                    self.notary_threshold = *threshold;
                    Ok(None)
                }
                Change::SetGovernors { keys, threshold } => {
                    ensure_governors(keys, *threshold)?;
                    self.governors = keys.clone();
                    self.governor_threshold = *threshold;
                    Ok(None)
                }
            }
        }

        /// Makes account and signing key the member's, if nobody else has them.
        fn take_keys(&mut self, member: Member, account: &AccountId, signing_key: &[u8; 32]) -> Result<()> {
            if let Some(holder) = self.by_account.get(account) {
                return Err(Error::AccountTaken(holder));
            }
            if let Some(holder) = self.by_signing_key.get(signing_key) {
                return Err(Error::SigningKeyTaken(holder));
            }
            self.by_account.insert(account, &member);
            self.by_signing_key.insert(signing_key, &member);
            Ok(())
        }

        /// The institution, unless it was revoked.
        fn ensure_member(&self, member: Member) -> Result<Institution> {
            let institution = self.institutions.get(member).ok_or(Error::UnknownMember(member))?;
            if institution.status == Status::Revoked {
                return Err(Error::Revoked(member));
            }
            Ok(institution)
        }

        fn ensure_governed(&self, change: &Change, expires_at: u64, signatures: &[GovernorSignature]) -> Result<()> {
            if self.env().block_timestamp() >= expires_at {
                return Err(Error::Expired);
            }
            let ascending =
                |pair: &[GovernorSignature]| matches!(pair, [left, right] if left.governor < right.governor);
            if !signatures.windows(2).all(ascending) {
                return Err(Error::SignersNotAscending);
            }
            let given = u16::try_from(signatures.len()).unwrap_or(u16::MAX);
            if given < self.governor_threshold {
                return Err(Error::BelowThreshold {
                    given,
                    needed: self.governor_threshold,
                });
            }
            let domain = Domain {
                genesis: self.genesis,
                contract: self.env().account_id(),
                epoch: self.epoch,
            };
            let payload = signing::payload(&domain, Purpose::Governance, &change.digest(), expires_at, &());
            for signed in signatures {
                let key = self
                    .governors
                    .get(usize::from(signed.governor))
                    .ok_or(Error::UnknownGovernor(signed.governor))?;
                ink::env::sr25519_verify(&signed.signature.0, &payload, key)
                    .map_err(|_| Error::BadSignature(signed.governor))?;
            }
            Ok(())
        }
    }

    fn ensure_roles(roles: protocol::registry::Roles) -> Result<()> {
        if roles.is_valid() {
            Ok(())
        } else {
            Err(Error::BadRoles)
        }
    }

    fn ensure_threshold(threshold: u16) -> Result<()> {
        if threshold == 0 {
            Err(Error::BadThreshold)
        } else {
            Ok(())
        }
    }

    fn ensure_governors(keys: &[[u8; 32]], threshold: u16) -> Result<()> {
        let mut distinct = keys.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let sound = distinct.len() == keys.len()
            && keys.len() <= MAX_GOVERNORS
            && threshold > 0
            && usize::from(threshold) <= keys.len();
        if sound {
            Ok(())
        } else {
            Err(Error::BadGovernors)
        }
    }
}
