//! Envelopes that only a card issuer can open (S4.3): age files, armored, to the issuer's X25519 key.
use std::str::FromStr;

use age::x25519::{Identity, Recipient};
use serde::{de::DeserializeOwned, Serialize};

/// The largest envelope that is opened, in bytes: an order takes less than two thousand.
pub const MAX_SEALED: usize = 16_384;

/// An envelope can't be made or opened. No more is told: what is inside is nobody's business.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The recipient's text isn't one.
    #[error("{0:?} is no age recipient: it begins with age1")]
    Recipient(String),
    /// It couldn't be made.
    #[error("the envelope can't be sealed: {0}")]
    Seal(String),
    /// It is garbled, or sealed to somebody else.
    #[error("the envelope can't be opened: it is garbled, or sealed to somebody else")]
    Open,
    /// It opens, and holds something else.
    #[error("what is in the envelope can't be read")]
    Content,
}

/// Seals a value, as JSON, to whoever has the key of this recipient (`age1…`).
///
/// # Errors
/// The text is no recipient, or there is no randomness.
pub fn seal<T: Serialize>(recipient: &str, value: &T) -> Result<String, SealError> {
    let recipient = Recipient::from_str(recipient).map_err(|_| SealError::Recipient(recipient.to_owned()))?;
    let bytes = serde_json::to_vec(value).map_err(|error| SealError::Seal(error.to_string()))?;
    age::encrypt_and_armor(&recipient, &bytes).map_err(|error| SealError::Seal(error.to_string()))
}

/// Opens what was sealed to this key.
///
/// # Errors
/// `Open`, `Content`.
pub fn open<T: DeserializeOwned>(identity: &Identity, sealed: &str) -> Result<T, SealError> {
    if sealed.len() > MAX_SEALED {
        return Err(SealError::Open);
    }
    let bytes = age::decrypt(identity, sealed.as_bytes()).map_err(|_| SealError::Open)?;
    serde_json::from_slice(&bytes).map_err(|_| SealError::Content)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_whoever_it_is_sealed_to_can_open_an_envelope() {
        let (issuer, other) = (Identity::generate(), Identity::generate());
        let sealed = seal(&issuer.to_public().to_string(), &"ten".to_owned()).unwrap();
        assert!(!sealed.contains("ten"));
        assert_eq!(open::<String>(&issuer, &sealed).unwrap(), "ten");
        assert_eq!(open::<String>(&other, &sealed), Err(SealError::Open));
        assert_eq!(open::<u32>(&issuer, &sealed), Err(SealError::Content));
    }

    #[test]
    fn what_is_garbled_or_too_long_is_not_opened() {
        let issuer = Identity::generate();
        let sealed = seal(&issuer.to_public().to_string(), &1).unwrap();
        let middle = sealed.len() / 2;
        let garbled = format!("{}{}", &sealed[..middle], &sealed[middle + 1..]);
        assert_eq!(open::<u32>(&issuer, &garbled), Err(SealError::Open));
        assert_eq!(open::<u32>(&issuer, "garbage"), Err(SealError::Open));
        let long = sealed + &" ".repeat(MAX_SEALED);
        assert_eq!(open::<u32>(&issuer, &long), Err(SealError::Open));
        assert!(matches!(seal("age1nobody", &1), Err(SealError::Recipient(_))));
    }
}
