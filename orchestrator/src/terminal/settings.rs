//! What a terminal is set up with: `terminal.toml` in its directory.
use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    str::FromStr as _,
    time::Duration,
};

use protocol::{
    prepaid::{domain, MerchantNumber},
    signing::Domain,
    AccountId, Amount, Member, Timestamp,
};
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::disk::{self, DiskError};

/// The file with the terminal's key, in its directory.
pub const KEY_FILE: &str = "key.json";
const SETTINGS_FILE: &str = "terminal.toml";
const MINUTE: Timestamp = 60_000;
const DAY: Timestamp = 86_400_000;

/// A terminal isn't set up as it must be.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// There are none.
    #[error("{directory} isn't set up: see `quittance terminal setup --help`", directory = .0.display())]
    NotSetUp(PathBuf),
    /// A file can't be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The address can be listened to, or isn't one.
    #[error("{0:?} is no address of an acquirer: write https://… (http only for this machine, to try things out)")]
    Address(String),
    /// The recipient isn't one.
    #[error("{0:?} is no age recipient: it begins with age1")]
    Recipient(String),
    /// The bound of all is below that of each.
    #[error(
        "the queue may hold {bound} offline, less than one payment of the floor limit {floor}: raise it, or lower that"
    )]
    Bound {
        /// Of one payment.
        floor: Amount,
        /// Of all.
        bound: Amount,
    },
    /// A payment would be over before it can be sent.
    #[error("payments must be valid for a while: set {0} to 1 or more")]
    Validity(&'static str),
}

/// What a terminal is set up with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The address of the merchant's acquirer.
    pub acquirer: String,
    /// The CA that the acquirer's certificate chains to, PEM, in the terminal's directory; those of the machine without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// The card issuer.
    pub issuer: Member,
    /// The hash of the genesis block of its chain.
    #[serde(with = "protocol::text::bytes")]
    pub genesis: [u8; 32],
    /// Its contract there.
    #[serde(with = "protocol::text::account")]
    pub contract: AccountId,
    /// What orders are sealed to: `age1…`.
    pub recipient: String,
    /// The merchant that is paid.
    pub merchant: MerchantNumber,
    /// The most that is taken in one payment offline; 0: nothing is.
    #[serde(with = "protocol::text::amount")]
    pub floor_limit: Amount,
    /// The most that all payments may come to that aren't confirmed yet, for another one to be taken offline.
    #[serde(with = "protocol::text::amount")]
    pub offline_bound: Amount,
    /// How long a payment that is sent at once is valid, in minutes.
    pub online_minutes: u32,
    /// How long a payment that was taken offline is valid, in days.
    pub offline_days: u32,
    /// How long an answer is waited for, in seconds. The payment is kept, and asked about again later.
    pub patience_seconds: u32,
}

impl Settings {
    /// Reads them from a terminal's directory.
    ///
    /// # Errors
    /// There are none, or they can't be used.
    pub fn load(directory: &Path) -> Result<Self, SettingsError> {
        let path = directory.join(SETTINGS_FILE);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(SettingsError::NotSetUp(directory.to_owned()));
            }
            text => text.map_err(DiskError::read(&path))?,
        };
        let settings: Self = toml::from_str(&text).map_err(|error| DiskError::Content {
            why: error.message().to_owned(),
            path,
        })?;
        settings.check()?;
        Ok(settings)
    }

    /// Writes them into a terminal's directory.
    ///
    /// # Errors
    /// They can't be used, or not be written.
    pub fn save(&self, directory: &Path) -> Result<(), SettingsError> {
        self.check()?;
        let path = directory.join(SETTINGS_FILE);
        let text = toml::to_string_pretty(self).map_err(|error| DiskError::Content {
            path: path.clone(),
            why: error.to_string(),
        })?;
        disk::replace(&path, text.as_bytes())?;
        Ok(())
    }

    fn check(&self) -> Result<(), SettingsError> {
        acquirer_url(&self.acquirer)?;
        age::x25519::Recipient::from_str(&self.recipient)
            .map_err(|_| SettingsError::Recipient(self.recipient.clone()))?;
        for (period, name) in [
            (self.online_minutes, "online_minutes"),
            (self.offline_days, "offline_days"),
        ] {
            if period == 0 {
                return Err(SettingsError::Validity(name));
            }
        }
        if self.offline_bound < self.floor_limit {
            return Err(SettingsError::Bound {
                floor: self.floor_limit,
                bound: self.offline_bound,
            });
        }
        Ok(())
    }

    /// Where signatures of cards and of the terminal are valid.
    pub const fn domain(&self) -> Domain {
        domain(self.genesis, self.contract)
    }

    /// When a payment that is signed now is over, in milliseconds since 1970.
    pub fn expiry(&self, now: Timestamp, is_offline: bool) -> Timestamp {
        let (count, unit) = if is_offline {
            (self.offline_days, DAY)
        } else {
            (self.online_minutes, MINUTE)
        };
        now.saturating_add(unit.saturating_mul(count.into()))
    }

    /// How long an answer is waited for.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.patience_seconds.into())
    }
}

/// An acquirer's address: https, except on this machine.
///
/// # Errors
/// It is another one, or none.
pub fn acquirer_url(text: &str) -> Result<Url, SettingsError> {
    let refused = || SettingsError::Address(text.to_owned());
    let url = Url::parse(text).map_err(|_| refused())?;
    let host = url.host_str().ok_or_else(refused)?.trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    // What stands before the host would be a secret in a file that isn't one.
    let is_plain = url.username().is_empty() && url.password().is_none();
    match url.scheme() {
        "https" if is_plain => Ok(url),
        "http" if is_plain && is_here => Ok(url),
        _ => Err(refused()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::terminal) fn settings(acquirer: &str, recipient: &str) -> Settings {
        Settings {
            acquirer: acquirer.to_owned(),
            ca: None,
            issuer: Member(3),
            genesis: [1; 32],
            contract: AccountId([2; 32]),
            recipient: recipient.to_owned(),
            merchant: MerchantNumber(5),
            floor_limit: 100,
            offline_bound: 250,
            online_minutes: 10,
            offline_days: 7,
            patience_seconds: 5,
        }
    }

    fn good() -> Settings {
        let recipient = age::x25519::Identity::generate().to_public().to_string();
        settings("https://acquirer.example", &recipient)
    }

    #[test]
    fn settings_are_read_as_they_were_written() {
        let place = tempfile::tempdir().unwrap();
        assert!(matches!(Settings::load(place.path()), Err(SettingsError::NotSetUp(_))));
        let with_ca = Settings {
            ca: Some("ca.pem".into()),
            floor_limit: Amount::MAX,
            offline_bound: Amount::MAX,
            ..good()
        };
        for settings in [good(), with_ca] {
            settings.save(place.path()).unwrap();
            assert_eq!(Settings::load(place.path()).unwrap(), settings);
        }
    }

    #[test]
    fn settings_that_lead_to_trouble_later_are_refused_at_once() {
        let place = tempfile::tempdir().unwrap();
        let faults: [fn(&mut Settings); 5] = [
            |settings| settings.acquirer = "http://acquirer.example".into(),
            |settings| settings.recipient = "age1nobody".into(),
            |settings| settings.online_minutes = 0,
            |settings| settings.offline_days = 0,
            |settings| settings.offline_bound = settings.floor_limit - 1,
        ];
        for fault in faults {
            let mut faulty = good();
            fault(&mut faulty);
            faulty.save(place.path()).unwrap_err();
        }
        good().save(place.path()).unwrap();
        let path = place.path().join(SETTINGS_FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text + "flor_limit = \"1\"\n").unwrap();
        let error = Settings::load(place.path()).unwrap_err().to_string();
        assert!(error.contains("flor_limit"), "{error}");
    }

    #[test]
    fn an_acquirer_is_reached_by_https_or_on_this_machine() {
        for good in [
            "https://acquirer.example",
            "https://127.0.0.1:8443",
            "http://127.0.0.1:1",
            "http://localhost:1",
            "http://[::1]:1",
        ] {
            acquirer_url(good).unwrap();
        }
        for bad in [
            "http://acquirer.example",
            "http://127.0.0.1.example",
            "ftp://127.0.0.1",
            "acquirer",
            "https://user:word@acquirer.example",
        ] {
            acquirer_url(bad).unwrap_err();
        }
    }

    #[test]
    fn a_payment_is_valid_for_minutes_online_and_for_days_offline() {
        assert_eq!(good().expiry(1, false), 1 + 10 * MINUTE);
        assert_eq!(good().expiry(1, true), 1 + 7 * DAY);
        assert_eq!(good().expiry(Timestamp::MAX, true), Timestamp::MAX);
    }
}
