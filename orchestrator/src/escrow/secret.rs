//! The buyer's secret: made from the system's randomness, stored sealed, opened only to be sent to the chain.
use chacha20poly1305::{
    aead::{Aead, KeyInit, Payload},
    XChaCha20Poly1305, XNonce,
};
use protocol::{escrow::Secret, AgreementId};
use rand::{rngs::OsRng, RngCore};
use zeroize::Zeroizing;

use crate::identity::SigningKey;

const PURPOSE: &[u8] = b"quittance/v1 escrow secrets at rest";
const NONCE: usize = 24;

/// A secret can't be made, sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The system has no randomness to give.
    #[error("the operating system gives no randomness: {0}")]
    Randomness(String),
    /// Another key, another deal, or other bytes than were sealed.
    #[error("the stored secret can't be opened: was the institution's signing key changed? The key that it had when the deal was made opens it")]
    Sealed,
}

/// Seals secrets under a key that follows from the institution's own: a copy of the database alone opens none.
pub struct Safe(XChaCha20Poly1305);

impl Safe {
    /// The institution's safe.
    pub fn new(key: &SigningKey) -> Self {
        let key: Zeroizing<[u8; 32]> = key.derive_symmetric(PURPOSE);
        Self(XChaCha20Poly1305::new((&*key).into()))
    }

    /// A new secret, open and sealed. It opens for this agreement only.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn make(&self, agreement: &AgreementId) -> Result<(Secret, Vec<u8>), SecretError> {
        let mut secret = Zeroizing::new([0u8; 32]);
        let mut nonce = [0u8; NONCE];
        OsRng
            .try_fill_bytes(&mut *secret)
            .and_then(|()| OsRng.try_fill_bytes(&mut nonce))
            .map_err(|error| SecretError::Randomness(error.to_string()))?;
        let payload = Payload {
            msg: &*secret,
            aad: &agreement.0,
        };
        let sealed = self
            .0
            .encrypt(XNonce::from_slice(&nonce), payload)
            .map_err(|_| SecretError::Sealed)?;
        Ok((Secret(*secret), [nonce.as_slice(), &sealed].concat()))
    }

    /// Opens what [`Safe::make`] sealed.
    ///
    /// # Errors
    /// It is another key's or another agreement's.
    pub fn open(&self, agreement: &AgreementId, sealed: &[u8]) -> Result<Secret, SecretError> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE).ok_or(SecretError::Sealed)?;
        let payload = Payload {
            msg: sealed,
            aad: &agreement.0,
        };
        let opened = self.0.decrypt(XNonce::from_slice(nonce), payload);
        let opened = Zeroizing::new(opened.map_err(|_| SecretError::Sealed)?);
        opened
            .as_slice()
            .try_into()
            .map(Secret)
            .map_err(|_| SecretError::Sealed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_sealed_secret_opens_with_its_key_for_its_agreement_only() {
        let (key, other) = (SigningKey::generate(), SigningKey::generate());
        let agreement = AgreementId([1; 32]);
        let (secret, sealed) = Safe::new(&key).make(&agreement).unwrap();
        assert!(Safe::new(&key).open(&agreement, &sealed).unwrap() == secret);
        assert!(Safe::new(&other).open(&agreement, &sealed).is_err());
        assert!(Safe::new(&key).open(&AgreementId([2; 32]), &sealed).is_err());
        assert!(
            !sealed.windows(32).any(|bytes| bytes == secret.0),
            "stored in the clear"
        );
        assert!(!format!("{secret:?}").contains(&hex::encode(secret.0)), "shown");
    }

    #[test]
    fn no_two_secrets_are_the_same() {
        let safe = Safe::new(&SigningKey::generate());
        let agreement = AgreementId([1; 32]);
        assert!(safe.make(&agreement).unwrap().0 != safe.make(&agreement).unwrap().0);
    }
}
