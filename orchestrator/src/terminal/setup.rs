//! Making a terminal: its directory, its key, and what it is set up with.
use std::{
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use age::secrecy::SecretString;
use protocol::{prepaid::MerchantNumber, AccountId, Amount, Member};

use super::{
    client::Acquirer,
    disk::{self, DiskError, Locked},
    fault::TillError,
    queue,
    settings::{Settings, KEY_FILE},
};
use crate::{identity::KeyFile, peers::client::Failure};

/// The name of the CA's file in the terminal's directory.
const CA_FILE: &str = "ca.pem";

/// A terminal can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A file or setting can't be used.
    #[error(transparent)]
    Till(#[from] TillError),
    /// The acquirer doesn't answer as it should.
    #[error("the acquirer at {acquirer} doesn't tell of the card issuer {issuer}: {failure}")]
    Acquirer {
        /// Its address.
        acquirer: String,
        /// Which.
        issuer: Member,
        /// Why.
        failure: Failure,
    },
    /// Signed orders are for the old one.
    #[error("orders still wait that are for another issuer or contract: run `quittance terminal send` first")]
    OrdersWait,
}

/// What a person says of a terminal.
#[derive(Clone, Debug)]
pub struct Choices {
    /// The acquirer's address.
    pub acquirer: String,
    /// The CA that its certificate chains to, PEM; it is copied. Those of the machine without it.
    pub ca: Option<PathBuf>,
    /// The card issuer.
    pub issuer: Member,
    /// The merchant that is paid.
    pub merchant: MerchantNumber,
    /// The most that is taken in one payment offline.
    pub floor_limit: Amount,
    /// The most that all unconfirmed payments may come to.
    pub offline_bound: Amount,
    /// How long a payment that is sent at once is valid, in minutes.
    pub online_minutes: u32,
    /// How long a payment that was taken offline is valid, in days.
    pub offline_days: u32,
    /// How long an answer is waited for, in seconds.
    pub patience_seconds: u32,
}

/// Makes a terminal's key in its directory, which is made if it isn't there. Gives what the issuer registers.
///
/// # Errors
/// There is a key already, or it can't be written.
pub fn make(directory: &Path, password: Option<SecretString>) -> Result<AccountId, TillError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(DiskError::write(directory))?;
    Ok(KeyFile::create(&directory.join(KEY_FILE), password)?.account())
}

/// The public key of the terminal in this directory; needs no password.
///
/// # Errors
/// There is none, or it can't be read.
pub fn public_key(directory: &Path) -> Result<AccountId, TillError> {
    Ok(AccountId(KeyFile::read(&directory.join(KEY_FILE))?.public()))
}

/// Asks the acquirer about the issuer, once, and writes what the terminal needs. Can be done again.
///
/// # Errors
/// Another process uses the terminal, it has no key, the acquirer doesn't answer, something can't be used, or orders for
/// another contract wait.
pub async fn set_up(directory: &Path, choices: Choices) -> Result<Settings, SetupError> {
    let _lock = Locked::take(directory, Duration::ZERO).map_err(TillError::from)?;
    public_key(directory)?;
    let acquirer = Acquirer::new(&choices.acquirer, choices.ca.as_deref()).map_err(TillError::from)?;
    let facts = acquirer
        .issuer(choices.issuer)
        .await
        .map_err(|failure| SetupError::Acquirer {
            acquirer: choices.acquirer.clone(),
            issuer: choices.issuer,
            failure,
        })?;
    let settings = Settings {
        acquirer: choices.acquirer,
        ca: choices.ca.as_ref().map(|_| CA_FILE.into()),
        issuer: choices.issuer,
        genesis: facts.genesis,
        contract: facts.contract,
        recipient: facts.recipient,
        merchant: choices.merchant,
        floor_limit: choices.floor_limit,
        offline_bound: choices.offline_bound,
        online_minutes: choices.online_minutes,
        offline_days: choices.offline_days,
        patience_seconds: choices.patience_seconds,
    };
    let before = Settings::load(directory).ok();
    let is_other = before.is_some_and(|before| (before.issuer, before.domain()) != (settings.issuer, settings.domain()));
    if is_other && !queue::waiting(directory).map_err(TillError::from)?.entries.is_empty() {
        return Err(SetupError::OrdersWait);
    }
    if let Some(ca) = &choices.ca {
        let pem = fs::read(ca).map_err(DiskError::read(ca)).map_err(TillError::from)?;
        disk::replace(&directory.join(CA_FILE), &pem).map_err(TillError::from)?;
    }
    settings.save(directory).map_err(TillError::from)?;
    Ok(settings)
}
