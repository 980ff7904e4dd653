//! What the registry contract keeps.
use alloc::vec::Vec;
use scale::{Decode, Encode};

use crate::{ids::content_id, AccountId, InstitutionId, Lei, Member, Signature};

/// The most members one `members` query answers.
pub const MAX_QUERY: usize = 64;
/// The most governors.
pub const MAX_GOVERNORS: usize = 16;

/// An institution as the registry knows it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Institution {
    /// Its index in the registry.
    pub member: Member,
    /// Its id, derived from the LEI.
    pub id: InstitutionId,
    /// Its Legal Entity Identifier (ISO 17442).
    pub lei: Lei,
    /// The account that sends its transactions and receives its withdrawals.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub account: AccountId,
    /// The sr25519 key that signs its vouchers.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub signing_key: [u8; 32],
    /// sha256 of the DER encoding of its X.509 certificate.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub certificate: [u8; 32],
    /// What it may do: a sum of 1 participant, 2 notary, 4 credit node, 8 card issuer, 16 regulator.
    pub roles: Roles,
    /// Whether it may act now.
    pub status: Status,
}

/// A set of roles, one bit each: the sum of 1 participant, 2 notary, 4 credit node, 8 card issuer, 16 regulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Roles(pub u8);

impl Roles {
    /// Takes part in payments.
    pub const PARTICIPANT: Roles = Roles(1);
    /// The neutral third party.
    pub const NOTARY: Roles = Roles(1 << 1);
    /// Pays on a payer's behalf.
    pub const CREDIT_NODE: Roles = Roles(1 << 2);
    /// Issues prepaid cards.
    pub const CARD_ISSUER: Roles = Roles(1 << 3);
    /// Reads everything.
    pub const REGULATOR: Roles = Roles(1 << 4);
    const ALL: u8 = 0b1_1111;

    /// These roles and those.
    pub const fn with(self, other: Roles) -> Roles {
        Roles(self.0 | other.0)
    }

    /// Whether every role of `other` is among these.
    pub const fn contains(self, other: Roles) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether at least one role is set, and only known ones.
    pub const fn is_valid(self) -> bool {
        self.0 != 0 && self.0 & !Self::ALL == 0
    }
}

/// Whether an institution may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub enum Status {
    /// It may act.
    Active,
    /// It may not act for the time being.
    Suspended,
    /// It may never act again: a revoked institution cannot be changed back.
    Revoked,
}

/// What other contracts need of an institution to check its signature.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Signer {
    /// The account that sends its transactions and receives its withdrawals.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub account: AccountId,
    /// The sr25519 key that signs its vouchers.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub signing_key: [u8; 32],
    /// What it may do: a sum of 1 participant, 2 notary, 4 credit node, 8 card issuer, 16 regulator.
    pub roles: Roles,
    /// Whether it may act now.
    pub status: Status,
}

/// The registry's answer to a batch look-up, in the order asked; `None` for an index that nobody has.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct SignerSet {
    /// The registry's epoch: the number of governed changes so far.
    pub epoch: u32,
    /// How many notaries must sign a retention.
    pub notary_threshold: u16,
    /// What is known of each index asked for, in that order; nothing of an index that nobody has.
    pub signers: Vec<Option<Signer>>,
}

/// A governed change of the registry. Each one raises the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub enum Change {
    /// A new institution, active from now on.
    Register {
        /// Its Legal Entity Identifier.
        lei: Lei,
        /// The account that sends its transactions and receives its withdrawals.
        account: AccountId,
        /// The sr25519 key that signs its vouchers.
        signing_key: [u8; 32],
        /// sha256 of the DER encoding of its X.509 certificate.
        certificate: [u8; 32],
        /// What it may do: a sum of 1 participant, 2 notary, 4 credit node, 8 card issuer, 16 regulator.
        roles: Roles,
    },
    /// An institution has a new account, signing key and certificate, or some of them.
    SetKeys {
        /// The institution's index.
        member: Member,
        /// Its account from now on.
        account: AccountId,
        /// The sr25519 key that signs its vouchers from now on.
        signing_key: [u8; 32],
        /// sha256 of the DER encoding of its X.509 certificate from now on.
        certificate: [u8; 32],
    },
    /// An institution has other roles.
    SetRoles {
        /// The institution's index.
        member: Member,
        /// All of its roles from now on: a sum of 1 participant, 2 notary, 4 credit node, 8 card issuer, 16 regulator.
        roles: Roles,
    },
    /// Suspends, reinstates or revokes an institution.
    SetStatus {
        /// The institution's index.
        member: Member,
        /// Its status from now on.
        status: Status,
    },
    /// Another number of notaries must sign a retention.
    SetNotaryThreshold(
        /// How many notaries must sign from now on; at least 1.
        u16,
    ),
    /// There are other governors, or another number of them must sign a change.
    SetGovernors {
        /// The governors' sr25519 public keys, all different.
        keys: Vec<[u8; 32]>,
        /// How many of them must sign a change: at least 1, at most all of them.
        threshold: u16,
    },
}

impl Change {
    /// What governors sign as the id. The epoch in the signing domain makes each signature good for one change only.
    pub fn digest(&self) -> [u8; 32] {
        content_id(b"quittance/change", self)
    }
}

/// A governor's signature under a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct GovernorSignature {
    /// The governor's place in the list of governors, counted from 0.
    pub governor: u16,
    /// Its sr25519 signature over the change's digest, for the purpose `Governance`.
    pub signature: Signature,
}

/// Why the registry refuses. Nothing is changed when it does.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub enum Error {
    /// The list of governors is empty, too long, or names a key twice; or the threshold is 0 or above their number.
    BadGovernors,
    /// The signatures do not ascend strictly by the governors' places.
    SignersNotAscending,
    /// No governor has this place in the list.
    UnknownGovernor(u16),
    /// Fewer governors signed than the threshold asks for.
    BelowThreshold {
        /// How many signatures were given.
        given: u16,
        /// How many signatures are needed.
        needed: u16,
    },
    /// The signature at this place doesn't verify: another key, change, chain, contract, epoch or expiry was signed.
    BadSignature(u16),
    /// The signed expiry has passed.
    Expired,
    /// The LEI's characters or check digits are wrong.
    BadLei,
    /// An institution with this LEI is registered already.
    LeiTaken(Member),
    /// An institution with this account is registered already.
    AccountTaken(Member),
    /// An institution with this signing key is registered already.
    SigningKeyTaken(Member),
    /// The institution would have no role, or an unknown one.
    BadRoles,
    /// No institution has this index.
    UnknownMember(Member),
    /// A revoked institution stays revoked.
    Revoked(Member),
    /// The notary threshold is 0.
    BadThreshold,
    /// More indices are asked for than the 64 that one query answers.
    QueryTooLong,
    /// The registry is full: there is no index left for another institution.
    Full,
}
