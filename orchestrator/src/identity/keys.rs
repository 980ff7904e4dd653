//! sr25519 keys: an institution's account key and the key that signs its vouchers.
use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

use age::secrecy::SecretString;
use protocol::{AccountId, Signature};
use serde::{Deserialize, Serialize};
use sp_core::{crypto::Ss58Codec as _, sr25519, Pair as _};
use zeroize::{Zeroize as _, Zeroizing};

use super::private_file::{self, PrivateFileError};

/// Where the password of an encrypted key file is looked for before asking the terminal.
pub const PASSWORD_VARIABLE: &str = "QUITTANCE_KEY_PASSWORD";

/// Marks a reference as a path below the well-known development phrase.
const DEVELOPMENT_PREFIX: &str = "//";
const KEY_FILE_VERSION: u32 = 1;

/// A key can't be used or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file with the key can't be used.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The development URI isn't one.
    #[error("{0:?} is no development key: write it like //Alice or //Alice//signing")]
    BadDevelopmentUri(String),
    /// The file isn't a key file of a version that this program knows.
    #[error("{} is no key file (make one with `quittance key new`): {why}", path.display())]
    BadFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it; never its contents.
        why: String,
    },
    /// The file is encrypted, and there is nobody to ask.
    #[error("{} is encrypted: set {variable}, or start this from a terminal", path.display())]
    PasswordNeeded {
        /// Which file.
        path: PathBuf,
        /// Where its password is looked for first.
        variable: &'static str,
    },
    /// The file doesn't open with this password.
    #[error("{} doesn't open with this password", .0.display())]
    WrongPassword(PathBuf),
    /// The terminal gave no password.
    #[error("no password could be read: {0}")]
    Prompt(std::io::Error),
    /// The password is empty, or was not repeated as it was.
    #[error("the password is empty, or the second one differs from the first")]
    UnusablePassword,
    /// Encrypting failed.
    #[error("the key could not be encrypted: {0}")]
    Encrypt(String),
}

/// An sr25519 key pair. Its `Debug` shows the public half only.
#[derive(Clone)]
pub struct SigningKey {
    pair: sr25519::Pair,
    development: bool,
}

impl SigningKey {
    /// Loads the key that a reference from the configuration names: a development URI such as `//Alice`, or else the
    /// path of a key file. An encrypted file's password comes from [`PASSWORD_VARIABLE`] or from the terminal, so this
    /// may block.
    ///
    /// # Errors
    /// The URI is malformed, the file can't be read, others can read it, or its password is missing or wrong.
    pub fn load(reference: &str) -> Result<Self, KeyError> {
        if !is_development_uri(reference) {
            let path = Path::new(reference);
            return KeyFile::read(path)?.unlock(path, || existing_password(path, PASSWORD_VARIABLE));
        }
        let pair = sr25519::Pair::from_string(reference, None)
            .map_err(|_| KeyError::BadDevelopmentUri(reference.to_owned()))?;
        Ok(Self {
            pair,
            development: true,
        })
    }

    /// A new random key that is kept nowhere.
    pub fn generate() -> Self {
        Self {
            pair: sr25519::Pair::generate().0,
            development: false,
        }
    }

    /// Whether everybody knows the secret: it must not guard anything of value.
    pub fn is_development(&self) -> bool {
        self.development
    }

    /// The account that this key controls.
    pub fn account(&self) -> AccountId {
        AccountId(self.public())
    }

    /// The public half.
    pub fn public(&self) -> [u8; 32] {
        self.pair.public().0
    }

    /// The account in Substrate's generic SS58 form, as wallets show it.
    pub fn ss58_address(&self) -> String {
        ss58_address(&self.public())
    }

    /// Signs with the `substrate` context, as contracts verify.
    pub fn sign(&self, payload: &[u8]) -> Signature {
        Signature(self.pair.sign(payload).0)
    }

    /// A symmetric key for one purpose that follows from this key's secret: whoever has the one has the other.
    pub fn derive_symmetric(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        let secret = Zeroizing::new(self.pair.to_raw_vec());
        let preimage = Zeroizing::new([purpose, &secret].concat());
        Zeroizing::new(sp_crypto_hashing::blake2_256(&preimage))
    }

    /// The pair itself, for a chain client that signs transactions with it.
    pub fn pair(&self) -> &sr25519::Pair {
        &self.pair
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", protocol::text::to_hex(&self.public()))
    }
}

/// Whether a key reference names a development key.
pub fn is_development_uri(reference: &str) -> bool {
    reference.starts_with(DEVELOPMENT_PREFIX)
}

/// A public key in Substrate's generic SS58 form.
pub fn ss58_address(public: &[u8; 32]) -> String {
    sr25519::Public::from_raw(*public).to_ss58check()
}

/// Whether `signature` is `public`'s over `payload`.
pub fn verify(public: &[u8; 32], payload: &[u8], signature: &Signature) -> bool {
    sr25519::Pair::verify(
        &sr25519::Signature::from_raw(signature.0),
        payload,
        &sr25519::Public::from_raw(*public),
    )
}

/// A key on disk, as JSON with mode 0600. The public half is readable without the password.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    version: u32,
    scheme: Scheme,
    #[serde(with = "protocol::text::bytes")]
    public_key: [u8; 32],
    secret: Secret,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scheme {
    Sr25519,
}

/// The 32-byte mini secret.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Secret {
    /// `0x…`.
    Clear(String),
    /// The mini secret's bytes, encrypted by passphrase, as armored age text: `age --decrypt` opens it too.
    Age(String),
}

impl Drop for Secret {
    fn drop(&mut self) {
        let (Self::Clear(text) | Self::Age(text)) = self;
        text.zeroize();
    }
}

impl KeyFile {
    /// Makes a new key and writes it into a new file, encrypted when there is a password.
    ///
    /// # Errors
    /// The file exists already or can't be written, or encrypting failed.
    pub fn create(path: &Path, password: Option<SecretString>) -> Result<SigningKey, KeyError> {
        let (file, key) = Self::generate(password)?;
        let text =
            Zeroizing::new(serde_json::to_string_pretty(&file).map_err(|error| KeyError::Encrypt(error.to_string()))?);
        private_file::write_new(path, &text)?;
        Ok(key)
    }

    /// Makes a new key, encrypted when there is a password: for a file that holds more than the key.
    ///
    /// # Errors
    /// Encrypting failed.
    pub fn generate(password: Option<SecretString>) -> Result<(Self, SigningKey), KeyError> {
        let (pair, seed) = sr25519::Pair::generate();
        let seed = Zeroizing::new(seed);
        let secret = match password {
            None => Secret::Clear(protocol::text::to_hex(&*seed)),
            Some(password) => {
                let recipient = age::scrypt::Recipient::new(password);
                age::encrypt_and_armor(&recipient, &*seed)
                    .map(Secret::Age)
                    .map_err(|error| KeyError::Encrypt(error.to_string()))?
            }
        };
        let file = Self {
            version: KEY_FILE_VERSION,
            scheme: Scheme::Sr25519,
            public_key: pair.public().0,
            secret,
        };
        let key = SigningKey {
            pair,
            development: false,
        };
        Ok((file, key))
    }

    /// Reads a key file without opening it.
    ///
    /// # Errors
    /// The file can't be read, others can read it, or it is no key file.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = private_file::read(path)?;
        // serde's own message may quote the text, which holds the secret: say where, not what.
        let file: Self = serde_json::from_str(&text).map_err(|error| {
            bad_file(
                path,
                format!(
                    "no JSON of this shape at line {}, column {}",
                    error.line(),
                    error.column()
                ),
            )
        })?;
        file.ensure_version(path)?;
        Ok(file)
    }

    fn ensure_version(&self, path: &Path) -> Result<(), KeyError> {
        if self.version == KEY_FILE_VERSION {
            return Ok(());
        }
        let why = format!(
            "version {}, this program reads version {KEY_FILE_VERSION}",
            self.version
        );
        Err(bad_file(path, why))
    }

    /// The public half.
    pub fn public(&self) -> [u8; 32] {
        self.public_key
    }

    /// Whether a password is needed.
    pub fn is_encrypted(&self) -> bool {
        matches!(self.secret, Secret::Age(_))
    }

    /// Opens the key; `password` is asked only when the file is encrypted. `path` is named in errors.
    ///
    /// # Errors
    /// The password is missing or wrong, or the secret doesn't belong to the public key.
    pub fn unlock(
        &self,
        path: &Path,
        password: impl FnOnce() -> Result<SecretString, KeyError>,
    ) -> Result<SigningKey, KeyError> {
        self.ensure_version(path)?;
        let seed = match &self.secret {
            Secret::Clear(text) => protocol::text::from_hex::<32>(text)
                .map(|seed| Zeroizing::new(seed.to_vec()))
                .map_err(|_| bad_file(path, "the secret isn't 32 bytes of hex".to_owned()))?,
            Secret::Age(text) => age::decrypt(&age::scrypt::Identity::new(password()?), text.as_bytes())
                .map(Zeroizing::new)
                .map_err(|_| KeyError::WrongPassword(path.to_owned()))?,
        };
        let pair = sr25519::Pair::from_seed_slice(&seed)
            .map_err(|_| bad_file(path, "the secret isn't a mini secret of 32 bytes".to_owned()))?;
        if pair.public().0 != self.public_key {
            return Err(bad_file(path, "the secret doesn't belong to the public key".to_owned()));
        }
        Ok(SigningKey {
            pair,
            development: false,
        })
    }
}

fn bad_file(path: &Path, why: String) -> KeyError {
    KeyError::BadFile {
        path: path.to_owned(),
        why,
    }
}

/// The password for a file with a key that exists: from this environment variable, or from the terminal.
///
/// # Errors
/// There is none.
pub fn existing_password(path: &Path, variable: &'static str) -> Result<SecretString, KeyError> {
    if let Some(password) = password_from_environment(variable) {
        return Ok(password);
    }
    if !std::io::stdin().is_terminal() {
        let path = path.to_owned();
        return Err(KeyError::PasswordNeeded { path, variable });
    }
    rpassword::prompt_password(format!("Password of {}: ", path.display()))
        .map(SecretString::from)
        .map_err(KeyError::Prompt)
}

/// The password for a file with a key to be made: from this environment variable, or twice from the terminal.
///
/// # Errors
/// There is none, or the two differ.
pub fn new_password(variable: &'static str) -> Result<SecretString, KeyError> {
    if let Some(password) = password_from_environment(variable) {
        return Ok(password);
    }
    let first = rpassword::prompt_password("New password: ").map_err(KeyError::Prompt)?;
    let first = Zeroizing::new(first);
    let second = rpassword::prompt_password("The same again: ").map_err(KeyError::Prompt)?;
    let second = Zeroizing::new(second);
    if first.is_empty() || *first != *second {
        return Err(KeyError::UnusablePassword);
    }
    Ok(SecretString::from(first.as_str()))
}

fn password_from_environment(variable: &str) -> Option<SecretString> {
    std::env::var(variable)
        .ok()
        .filter(|password| !password.is_empty())
        .map(SecretString::from)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    fn never_asked() -> Result<SecretString, KeyError> {
        panic!("no password is needed")
    }

    #[test]
    fn development_uris_derive_the_well_known_keys() {
        let alice = SigningKey::load("//Alice").unwrap();
        assert!(alice.is_development());
        assert_eq!(alice.ss58_address(), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
        assert!(matches!(SigningKey::load("//"), Err(KeyError::BadDevelopmentUri(_))));
    }

    #[test]
    fn a_clear_key_file_round_trips_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("account.json");
        let made = KeyFile::create(&path, None).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        let loaded = SigningKey::load(path.to_str().unwrap()).unwrap();
        assert_eq!(loaded.public(), made.public());
        assert!(!loaded.is_development());
        assert!(verify(&made.public(), b"payload", &loaded.sign(b"payload")));
        assert!(!verify(&made.public(), b"other", &loaded.sign(b"payload")));
    }

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("account.json");
        KeyFile::create(&path, None).unwrap();
        assert!(matches!(
            KeyFile::create(&path, None),
            Err(KeyError::File(PrivateFileError::Write { .. }))
        ));
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("account.json");
        KeyFile::create(&path, None).unwrap();
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = SigningKey::load(path.to_str().unwrap()).unwrap_err();
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn an_encrypted_key_opens_with_its_password_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signing.json");
        let made = KeyFile::create(&path, Some(SecretString::from("correct horse"))).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("BEGIN AGE ENCRYPTED FILE"), "{text}");

        let file = KeyFile::read(&path).unwrap();
        assert!(file.is_encrypted());
        assert_eq!(file.public(), made.public());
        let opened = file.unlock(&path, || Ok(SecretString::from("correct horse"))).unwrap();
        assert_eq!(opened.public(), made.public());
        assert!(matches!(
            file.unlock(&path, || Ok(SecretString::from("battery staple"))),
            Err(KeyError::WrongPassword(_))
        ));
    }

    #[test]
    fn errors_and_debug_never_show_the_secret() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("account.json");
        let made = KeyFile::create(&path, None).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let secret = json["secret"]["clear"].as_str().unwrap().to_owned();
        assert!(!format!("{made:?}").contains(&secret[2..]));

        let other = protocol::text::to_hex(&SigningKey::generate().public());
        let public = protocol::text::to_hex(&made.public());
        for broken in [
            text.replace("\"clear\"", "\"plain\""),
            text.replace(&public, &other),
            text.replace("\"version\": 1", "\"version\": 2"),
            text.replace("sr25519", "ed25519"),
            text.replace(&secret, &secret[..40]),
        ] {
            fs::write(&path, broken).unwrap();
            let error = KeyFile::read(&path)
                .and_then(|file| file.unlock(&path, never_asked))
                .unwrap_err();
            assert!(matches!(error, KeyError::BadFile { .. }), "{error}");
            assert!(!error.to_string().contains(&secret[2..12]), "{error}");
        }
    }
}
