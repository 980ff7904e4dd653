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
pub struct Institution {
    /// Its index here.
    pub member: Member,
    /// Derived from the LEI.
    pub id: InstitutionId,
    /// Its Legal Entity Identifier.
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
    /// What it may do.
    pub roles: Roles,
    /// Whether it may do it now.
    pub status: Status,
}

/// A set of roles, one bit each.
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
pub enum Status {
    /// It may.
    Active,
    /// Not for the time being.
    Suspended,
    /// Never again: a revoked institution cannot be changed back.
    Revoked,
}

/// What other contracts need of an institution to check its signature.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
pub struct Signer {
    /// The account that sends its transactions and receives its withdrawals.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub account: AccountId,
    /// The sr25519 key that signs its vouchers.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub signing_key: [u8; 32],
    /// What it may do.
    pub roles: Roles,
    /// Whether it may do it now.
    pub status: Status,
}

/// The registry's answer to a batch look-up, in the order asked; `None` for an index that nobody has.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
pub struct SignerSet {
    /// Number of governed changes so far.
    pub epoch: u32,
    /// How many notaries must sign a retention.
    pub notary_threshold: u16,
    /// One for each index asked for.
    pub signers: Vec<Option<Signer>>,
}

/// A governed change of the registry. Each one raises the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo))]
pub enum Change {
    /// A new institution, active from now on.
    Register {
        /// Its Legal Entity Identifier.
        lei: Lei,
        /// Its account.
        account: AccountId,
        /// Its signing key.
        signing_key: [u8; 32],
        /// sha256 of its certificate.
        certificate: [u8; 32],
        /// Its roles.
        roles: Roles,
    },
    /// New keys for an institution.
    SetKeys {
        /// Whose.
        member: Member,
        /// Its account.
        account: AccountId,
        /// Its signing key.
        signing_key: [u8; 32],
        /// sha256 of its certificate.
        certificate: [u8; 32],
    },
    /// New roles for an institution.
    SetRoles {
        /// Whose.
        member: Member,
        /// All of its roles from now on.
        roles: Roles,
    },
    /// Suspends, reinstates or revokes an institution.
    SetStatus {
        /// Whose.
        member: Member,
        /// From now on.
        status: Status,
    },
    /// How many notaries must sign a retention.
    SetNotaryThreshold(
        /// At least 1.
        u16,
    ),
    /// Who governs, and how many of them it takes.
    SetGovernors {
        /// Their sr25519 keys, all different.
        keys: Vec<[u8; 32]>,
        /// At least 1, at most all of them.
        threshold: u16,
    },
}

impl Change {
    /// What governors sign as the id. The epoch in the signing domain makes each signature good for one change only.
    pub fn digest(&self) -> [u8; 32] {
        content_id(b"quittance/change", self)
    }
}

/// A governor's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo))]
pub struct GovernorSignature {
    /// The governor's place in the list.
    pub governor: u16,
    /// With [`crate::signing::Purpose::Governance`].
    pub signature: Signature,
}

/// Why the registry refuses.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
pub enum Error {
    /// The list of governors is empty, too long, or names a key twice; or the threshold is 0 or above their number.
    BadGovernors,
    /// Governors' places do not ascend strictly.
    SignersNotAscending,
    /// No governor has this place.
    UnknownGovernor(u16),
    /// Fewer governors signed than the threshold asks for.
    BelowThreshold {
        /// Signatures given.
        given: u16,
        /// Signatures needed.
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
    /// No role, or an unknown one.
    BadRoles,
    /// No institution has this index.
    UnknownMember(Member),
    /// A revoked institution stays revoked.
    Revoked(Member),
    /// The notary threshold is 0.
    BadThreshold,
    /// More indices asked for than one query answers.
    QueryTooLong,
    /// There is no index left.
    Full,
}
