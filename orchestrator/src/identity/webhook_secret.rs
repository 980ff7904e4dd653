//! Secrets of webhooks, as Standard Webhooks writes them (<https://www.standardwebhooks.com>): `whsec_` and base64.
use std::path::{Path, PathBuf};

use base64::{engine::general_purpose::STANDARD, Engine};
use standardwebhooks::Webhook;
use zeroize::Zeroizing;

use super::private_file::{self, PrivateFileError};

const PREFIX: &str = "whsec_";
/// What Standard Webhooks asks of a secret, in bytes. An empty one would let everybody in.
const LENGTH: std::ops::RangeInclusive<usize> = 24..=64;

/// The secret of a webhook can't be used.
#[derive(Debug, thiserror::Error)]
pub enum WebhookSecretError {
    /// The file with it can't be used.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// It is none.
    #[error(
        "{} holds no webhook secret: write `whsec_` and 24 to 64 random bytes in base64, such as \
         `echo \"whsec_$(openssl rand -base64 32)\"` prints",
        .0.display()
    )]
    Malformed(PathBuf),
    /// The environment variable isn't there, or holds none.
    #[error("the environment variable {0} holds no webhook secret: set it to `whsec_` and 24 to 64 bytes in base64")]
    Environment(String),
}

/// What signs and verifies with the secret in a file that only its owner can read.
///
/// # Errors
/// The file can't be read, others can read it, or it holds no secret.
pub fn load(path: &Path) -> Result<Webhook, WebhookSecretError> {
    let text = private_file::read(path)?;
    parse(&text).ok_or_else(|| WebhookSecretError::Malformed(path.to_owned()))
}

/// What signs and verifies with the secret in an environment variable.
///
/// # Errors
/// It isn't set, or holds no secret.
pub fn from_env(name: &str) -> Result<Webhook, WebhookSecretError> {
    let text = std::env::var(name).ok().map(Zeroizing::new);
    let parsed = text.and_then(|text| parse(&text));
    parsed.ok_or_else(|| WebhookSecretError::Environment(name.to_owned()))
}

fn parse(text: &str) -> Option<Webhook> {
    let secret = STANDARD.decode(text.trim().strip_prefix(PREFIX)?).ok()?;
    if !LENGTH.contains(&secret.len()) {
        return None;
    }
    Webhook::from_bytes(secret).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_secret_has_its_prefix_and_length() {
        let secret = |bytes: usize| format!("whsec_{}\n", STANDARD.encode(vec![7; bytes]));
        assert!(parse(&secret(24)).is_some());
        assert!(parse(&secret(64)).is_some());
        for wrong in [
            secret(0),
            secret(23),
            secret(65),
            STANDARD.encode([7; 32]),
            "whsec_?".into(),
            String::new(),
        ] {
            assert!(parse(&wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("delivery.secret");
        private_file::write_new(&path, &format!("whsec_{}", STANDARD.encode([7; 32]))).unwrap();
        assert!(load(&path).is_ok());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            load(&path),
            Err(WebhookSecretError::File(PrivateFileError::TooOpen { .. }))
        ));
    }
}
