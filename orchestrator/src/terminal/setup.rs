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
    let is_other =
        before.is_some_and(|before| (before.issuer, before.domain()) != (settings.issuer, settings.domain()));
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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::{extract::Path as At, http::StatusCode, routing::get, Json, Router};
    use tokio::net::TcpListener;

    use super::*;
    use crate::{prepaid::messages::IssuerFacts, terminal::queue::Queue};

    /// An acquirer that knows issuer 3, with this contract.
    async fn acquirer(contract: u8) -> String {
        let recipient = age::x25519::Identity::generate().to_public().to_string();
        let tell = move |At(issuer): At<u16>| async move {
            let facts = IssuerFacts {
                issuer: Member(3),
                genesis: [1; 32],
                contract: AccountId([contract; 32]),
                recipient,
                asset: protocol::settlement::Asset::Native,
            };
            match issuer {
                3 | 4 => Ok(Json(facts)),
                _ => Err(StatusCode::NOT_FOUND),
            }
        };
        let router = Router::new().route("/terminal/v1/issuers/{member}", get(tell));
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        format!("http://{address}")
    }

    fn choices(acquirer: String, issuer: u16) -> Choices {
        Choices {
            acquirer,
            ca: None,
            issuer: Member(issuer),
            merchant: MerchantNumber(12),
            floor_limit: 50,
            offline_bound: 500,
            online_minutes: 10,
            offline_days: 7,
            patience_seconds: 30,
        }
    }

    #[tokio::test]
    async fn a_terminal_is_set_up_with_what_its_acquirer_tells() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("till");
        let url = acquirer(2).await;
        set_up(&directory, choices(url.clone(), 3)).await.unwrap_err();
        let key = make(&directory, None).unwrap();
        assert_eq!(public_key(&directory).unwrap(), key);
        let settings = set_up(&directory, choices(url, 3)).await.unwrap();
        assert_eq!(
            (settings.contract, settings.merchant),
            (AccountId([2; 32]), MerchantNumber(12))
        );
        assert_eq!(Settings::load(&directory).unwrap(), settings);
        make(&directory, None).unwrap_err();
    }

    #[tokio::test]
    async fn an_acquirer_that_does_not_know_the_issuer_or_tells_of_another_sets_up_nothing() {
        let place = tempfile::tempdir().unwrap();
        make(place.path(), None).unwrap();
        for issuer in [4, 5] {
            let refused = set_up(place.path(), choices(acquirer(2).await, issuer)).await;
            assert!(matches!(refused, Err(SetupError::Acquirer { .. })), "{refused:?}");
        }
        Settings::load(place.path()).unwrap_err();
    }

    #[tokio::test]
    async fn a_terminal_with_waiting_orders_keeps_to_the_contract_that_they_are_for() {
        let place = tempfile::tempdir().unwrap();
        make(place.path(), None).unwrap();
        set_up(place.path(), choices(acquirer(2).await, 3)).await.unwrap();
        let mut queue = Queue::open(place.path()).unwrap();
        queue.keep(queue::tests::draft(1)).unwrap();
        set_up(place.path(), choices(acquirer(2).await, 3)).await.unwrap();
        let refused = set_up(place.path(), choices(acquirer(9).await, 3)).await;
        assert!(matches!(refused, Err(SetupError::OrdersWait)), "{refused:?}");
        queue.finish(1, queue::tests::approved()).unwrap();
        set_up(place.path(), choices(acquirer(9).await, 3)).await.unwrap();
    }
}
