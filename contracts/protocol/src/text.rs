//! How protocol types look in JSON and on a command line: bytes as `0x…`, amounts as decimal strings (JSON numbers
//! lose digits above 2^53), an LEI as itself.
use core::{fmt, str::FromStr};

use crate::{
    AccountId, AgreementId, ClearingVoucherId, DealId, Hashlock, InstitutionId, Lei, Member, OfferId, PayerId,
    RelationId, RequestId, Signature, TradeId, UserId, VoucherId,
};

/// Text that isn't the value it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError(String);

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseError {}

/// `0x` and two lower-case digits a byte.
pub fn to_hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Reads exactly `N` bytes, with or without `0x`.
///
/// # Errors
/// Other characters, or another length.
pub fn from_hex<const N: usize>(text: &str) -> Result<[u8; N], ParseError> {
    let mut bytes = [0u8; N];
    hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes)
        .map_err(|error| ParseError(format!("expected {N} bytes as 0x and {} hex digits: {error}", N * 2)))?;
    Ok(bytes)
}

macro_rules! as_text {
    ($name:ty) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

macro_rules! as_hex {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&to_hex(&self.0))
            }
        }

        impl FromStr for $name {
            type Err = ParseError;
            fn from_str(text: &str) -> Result<Self, ParseError> {
                from_hex(text).map(Self)
            }
        }

        as_text!($name);
    )*};
}

as_hex!(
    InstitutionId,
    VoucherId,
    RelationId,
    ClearingVoucherId,
    AgreementId,
    DealId,
    Hashlock,
    OfferId,
    RequestId,
    TradeId,
    PayerId,
    UserId,
    Signature
);
as_text!(Lei);

impl fmt::Display for Lei {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl FromStr for Lei {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let lei = text
            .as_bytes()
            .try_into()
            .map(Self)
            .map_err(|_| ParseError(format!("an LEI has 20 characters, {text:?} has {}", text.len())))?;
        if lei.is_valid() {
            Ok(lei)
        } else {
            Err(ParseError(format!(
                "{text:?} is no LEI: check the characters and the two check digits at its end"
            )))
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// `#[serde(with = …)]` for byte arrays: `0x…`.
pub mod bytes {
    use serde::{de::Error, Deserialize, Deserializer, Serializer};

    /// Writes `0x…`.
    pub fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::to_hex(bytes))
    }

    /// Reads `0x…`.
    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(deserializer: D) -> Result<[u8; N], D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        super::from_hex(&text).map_err(D::Error::custom)
    }
}

/// `#[serde(with = …)]` for byte arrays that may be left out: `0x…` or `null`.
pub mod optional_bytes {
    use serde::{de::Error, Deserialize, Deserializer, Serializer};

    /// Writes `0x…` or `null`.
    pub fn serialize<S: Serializer, const N: usize>(bytes: &Option<[u8; N]>, serializer: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => serializer.serialize_str(&super::to_hex(bytes)),
            None => serializer.serialize_none(),
        }
    }

    /// Reads `0x…` or `null`.
    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<Option<[u8; N]>, D::Error> {
        let text = Option::<std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.map(|text| super::from_hex(&text).map_err(D::Error::custom))
            .transpose()
    }
}

/// `#[serde(with = …)]` for bytes that are text in ASCII.
pub mod ascii {
    use serde::{de::Error, Deserialize, Deserializer, Serializer};

    /// Writes the text.
    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(bytes))
    }

    /// Reads the text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        if text.is_ascii() {
            Ok(text.into_owned().into_bytes())
        } else {
            Err(D::Error::custom(format!("{text:?} has letters that aren't ASCII")))
        }
    }
}

/// `#[serde(with = …)]` for accounts: `0x…`.
pub mod account {
    use super::AccountId;
    use serde::{Deserializer, Serializer};

    /// Writes `0x…`.
    pub fn serialize<S: Serializer>(account: &AccountId, serializer: S) -> Result<S::Ok, S::Error> {
        super::bytes::serialize(&account.0, serializer)
    }

    /// Reads `0x…`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AccountId, D::Error> {
        super::bytes::deserialize(deserializer).map(AccountId)
    }
}

/// `#[serde(with = …)]` for amounts and other long numbers: a decimal string.
pub mod amount {
    use core::{fmt::Display, str::FromStr};
    use serde::{de::Error, Deserialize, Deserializer, Serializer};

    /// Writes a decimal string.
    pub fn serialize<T: Display, S: Serializer>(amount: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(amount)
    }

    /// Reads a decimal string.
    pub fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(|_| {
            D::Error::custom(format!(
                "{text:?} is no amount: write it as a string of digits, in the smallest unit"
            ))
        })
    }
}

/// `#[serde(with = …)]` for amounts that may be left out: a decimal string or `null`.
pub mod optional_amount {
    use core::{fmt::Display, str::FromStr};
    use serde::{Deserialize, Deserializer, Serializer};

    struct Text<T>(T);

    impl<'de, T: FromStr> Deserialize<'de> for Text<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            super::amount::deserialize(deserializer).map(Text)
        }
    }

    /// Writes a decimal string or `null`.
    pub fn serialize<T: Display, S: Serializer>(amount: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        match amount {
            Some(amount) => serializer.collect_str(amount),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a decimal string or `null`.
    pub fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        Ok(Option::<Text<T>>::deserialize(deserializer)?.map(|Text(amount)| amount))
    }
}
