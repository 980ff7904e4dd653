//! sr25519 keys.
use protocol::{AccountId, Signature};
use sp_core::{sr25519, Pair as _};

/// An sr25519 key pair. Its `Debug` shows the public half only.
#[derive(Clone)]
pub struct SigningKey(sr25519::Pair);

/// The key can't be had.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(String);

impl SigningKey {
    /// Reads a development key (`//Alice`).
    ///
    /// # Errors
    /// It is none.
    pub fn load(reference: &str) -> Result<Self, KeyError> {
        sr25519::Pair::from_string(reference, None)
            .map(Self)
            .map_err(|_| KeyError("no such key".into()))
    }

    /// Whether everybody knows this key.
    pub fn is_development(&self) -> bool {
        true
    }

    /// The account that this key controls.
    pub fn account(&self) -> AccountId {
        AccountId(self.public())
    }

    /// The public half.
    pub fn public(&self) -> [u8; 32] {
        self.0.public().0
    }

    /// Signs with the `substrate` context, as contracts verify.
    pub fn sign(&self, payload: &[u8]) -> Signature {
        Signature(self.0.sign(payload).0)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", protocol::text::to_hex(&self.public()))
    }
}

/// Whether `signature` is `public`'s over `payload`.
pub fn verify(public: &[u8; 32], payload: &[u8], signature: &Signature) -> bool {
    sr25519::Pair::verify(
        &sr25519::Signature::from_raw(signature.0),
        payload,
        &sr25519::Public::from_raw(*public),
    )
}
