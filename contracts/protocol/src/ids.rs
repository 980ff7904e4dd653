//! Identifiers. Each is a newtype, so that one cannot be passed for another.
use alloc::vec::Vec;
use ink::env::hash::Sha2x256;
use scale::{Decode, Encode};

/// sha256 of a domain tag and a value's SCALE encoding: the id of everything content-addressed.
pub fn content_id<T: Encode + ?Sized>(tag: &[u8], value: &T) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(tag.len().saturating_add(value.encoded_size()));
    bytes.extend_from_slice(tag);
    value.encode_to(&mut bytes);
    let mut digest = [0u8; 32];
    // The chain's host function, or in Rust.
    ink::env::hash_bytes::<Sha2x256>(&bytes, &mut digest);
    digest
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
        #[cfg_attr(feature = "std", derive(scale_info::TypeInfo, ink::storage::traits::StorageLayout))]
        #[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
        pub struct $name(pub [u8; 32]);

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
    };
}

id!(
    /// The id of an institution: sha256 of a domain tag and its LEI.
    InstitutionId
);
id!(
    /// The id of a voucher: sha256 of a domain tag and its SCALE encoding (S0.2).
    VoucherId
);
id!(
    /// The id of a clearing relation: sha256 of a domain tag and its SCALE encoding (S0.8).
    RelationId
);
id!(
    /// The id of a clearing voucher: sha256 of a domain tag and its SCALE encoding (S0.11).
    ClearingVoucherId
);
id!(
    /// The id of what buyer and seller signed: sha256 of a domain tag and its SCALE encoding (S2.0).
    AgreementId
);
id!(
    /// The id of a deal in escrow: sha256 of a domain tag, the buyer and the agreement.
    DealId
);
id!(
    /// The sha256 of a deal's secret.
    Hashlock
);
id!(
    /// The id of an offer to trade: sha256 of a domain tag and its SCALE encoding (S2.0).
    OfferId
);
id!(
    /// The id of a request to pay on credit: sha256 of a domain tag and its SCALE encoding (S1.5). The debt on one
    /// chain and the payout on the other are known by it.
    RequestId
);
id!(
    /// What a payment, its voucher, its statement line and its entries in books are all known by (S3.1).
    TradeId
);
id!(
    /// The id of who paid, as books tell payers apart, without telling who it is.
    PayerId
);
id!(
    /// The id of an institution's user, without telling who it is: sha256 of a domain tag, the institution and the user
    /// number that the institution knows the user by.
    UserId
);

impl InstitutionId {
    /// The id of the institution that holds this LEI.
    pub fn of(lei: &Lei) -> Self {
        Self(content_id(b"quittance/institution", lei))
    }
}

impl UserId {
    /// The id of user `number` of the institution at `home`.
    pub fn of(home: Member, number: &str) -> Self {
        Self(content_id(b"quittance/user", &(home, number)))
    }
}

/// An institution's compact index in the registry, given out in the order of registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
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
pub struct Member(pub u16);

/// An sr25519 signature over a payload made by [`crate::signing::payload`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Signature(pub [u8; 64]);

/// A Legal Entity Identifier (ISO 17442): 18 letters or digits and two check digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, ink::storage::traits::StorageLayout))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Lei(pub [u8; 20]);

impl Lei {
    /// Whether the characters are permitted and the check digits are right (ISO 7064 MOD 97-10).
    pub fn is_valid(&self) -> bool {
        let mut rest: u32 = 0;
        for (position, byte) in self.0.iter().enumerate() {
            let value = match byte {
                b'0'..=b'9' => u32::from(*byte).saturating_sub(u32::from(b'0')),
                b'A'..=b'Z' if position < 18 => u32::from(*byte).saturating_sub(u32::from(b'A')).saturating_add(10),
                _ => return false,
            };
            let shift: u32 = if value > 9 { 100 } else { 10 };
            rest = (rest.saturating_mul(shift).saturating_add(value)) % 97;
        }
        rest == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_lei_is_judged_by_its_check_digits_and_characters() {
        assert!(Lei(*b"529900T8BM49AURSDO55").is_valid());
        assert!(Lei(*b"5493001KJTIIGC8Y1R12").is_valid());
        assert!(!Lei(*b"529900T8BM49AURSDO56").is_valid(), "a wrong check digit");
        assert!(!Lei(*b"529900T8BM94AURSDO55").is_valid(), "two digits swapped");
        assert!(!Lei(*b"529900t8BM49AURSDO55").is_valid(), "a small letter");
        assert!(!Lei(*b"529900T8BM49AURSDOA5").is_valid(), "a letter as a check digit");
    }

    #[test]
    fn ids_are_sha256_of_a_tag_and_the_encoding() {
        // sha256("quittance/institution529900T8BM49AURSDO55"), made with sha256sum: the ids may never change.
        let id = InstitutionId::of(&Lei(*b"529900T8BM49AURSDO55"));
        assert_eq!(
            id.to_string(),
            "0x0d363c11aa316527b33ff4b606456e3daaba2f155657465e0ec15136e2a43936"
        );
        assert_ne!(
            UserId::of(Member(1), "4711"),
            UserId::of(Member(2), "4711"),
            "user numbers are each bank's own"
        );
    }
}
