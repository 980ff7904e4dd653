//! The key that opens terminals' envelopes: an age identity in a file of its own.
use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use age::{secrecy::ExposeSecret, x25519::Identity};

use crate::identity::private_file::{self, PrivateFileError};

/// The key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file with it can't be used.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// It is none.
    #[error(
        "{} holds no age identity: `quittance prepaid identity FILE` makes one, as `age-keygen` does",
        .0.display()
    )]
    Malformed(PathBuf),
}

/// The identity in a file that only its owner can read. Lines that begin with `#` are comments, as `age-keygen` writes them.
///
/// # Errors
/// The file can't be read, others can read it, or it holds no identity.
pub fn load(path: &Path) -> Result<Identity, IdentityError> {
    let text = private_file::read(path)?;
    let mut lines = text.lines().map(str::trim);
    let key = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    key.and_then(|key| Identity::from_str(key).ok())
        .ok_or_else(|| IdentityError::Malformed(path.to_owned()))
}

/// Makes one in a new file that only its owner can read; returns the recipient that terminals seal to.
///
/// # Errors
/// The file exists already, or can't be written.
pub fn create(path: &Path) -> Result<String, IdentityError> {
    let identity = Identity::generate();
    let recipient = identity.to_public().to_string();
    let secret = identity.to_string();
    private_file::write_new(
        path,
        &format!("# public key: {recipient}\n{}\n", secret.expose_secret()),
    )?;
    Ok(recipient)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_identity_survives_its_file_and_what_is_none_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cards.age");
        let recipient = create(&path).unwrap();
        assert!(recipient.starts_with("age1"), "{recipient}");
        assert_eq!(load(&path).unwrap().to_public().to_string(), recipient);
        assert!(create(&path).is_err(), "it isn't overwritten");

        let other = directory.path().join("other.age");
        private_file::write_new(&other, "# no key here\n").unwrap();
        let error = load(&other).err().unwrap().to_string();
        assert!(
            error.contains("other.age") && error.contains("quittance prepaid identity"),
            "{error}"
        );
    }
}
