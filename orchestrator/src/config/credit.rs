//! Credit: a credit node's chains, terms and limits, and the payees that an institution speaks for.
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use protocol::{AccountId, Amount, Member};
use serde::Deserialize;

use super::{is_origin, is_url, resolve_key, Peer, Problems};
use crate::{
    assets::AssetName,
    chain::deployment::account,
    credit::{
        payee::Otherwise,
        score::{Parameters, Rules},
    },
};

/// Credit for longer is no payment any more.
const CREDIT_TERM_DAYS: std::ops::RangeInclusive<u32> = 1..=3_650;
/// Ten years: a record that goes back further says little.
const SCORE_WINDOW_DAYS: std::ops::RangeInclusive<u32> = 1..=3_650;
/// A hundredfold.
const MAX_SCORE_PERCENT: u32 = 10_000;

/// Credit, at a credit node (S1.1).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credit {
    /// The chains that it gives credit on; each is known by its deployment's genesis hash.
    #[serde(default)]
    pub chains: Vec<CreditChain>,
    /// How its limits are computed.
    #[serde(default)]
    pub score: CreditScore,
    /// Who says who payers and payees are. Without it, none of their certificates is accepted.
    pub persons: Option<CreditPersons>,
    /// What it lends on.
    #[serde(default)]
    pub terms: CreditTerms,
    /// The payees that the institution speaks for, on the chain that settles.
    #[serde(default)]
    pub payees: Vec<CreditPayee>,
}

/// What a credit node lends on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditTerms {
    /// The longest from a payer's request to the day that the debt is due, in days.
    #[serde(default = "default::longest_term_days")]
    pub longest_term_days: u32,
    /// The least late fee, in percent of the amount.
    #[serde(default)]
    pub late_fee_percent: u8,
    /// The least time from the end of a reservation to the day that the debt is due, in seconds.
    #[serde(default = "default::room_seconds")]
    pub room_seconds: u64,
    /// What is paid for a debt in what.
    #[serde(default)]
    pub offered: Vec<CreditOffered>,
}

impl Default for CreditTerms {
    fn default() -> Self {
        Self {
            longest_term_days: default::longest_term_days(),
            late_fee_percent: 0,
            room_seconds: default::room_seconds(),
            offered: Vec::new(),
        }
    }
}

/// An asset that is paid, one for one, for a debt in another one.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditOffered {
    /// The payer's chain, by its genesis hash.
    #[serde(with = "protocol::text::bytes")]
    pub debt_chain: [u8; 32],
    /// What is owed there.
    #[serde(default = "default::native")]
    pub debt_asset: AssetName,
    /// The payee's chain, by its genesis hash.
    #[serde(with = "protocol::text::bytes")]
    pub payout_chain: [u8; 32],
    /// What is paid there.
    #[serde(default = "default::native")]
    pub payout_asset: AssetName,
}

/// A payee that the institution speaks for (S1.6).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditPayee {
    /// Reference of its account's key.
    pub key: String,
    /// Its certificate, PEM, leaf first.
    pub certificate: PathBuf,
    /// What it takes without asking a person.
    #[serde(default)]
    pub accept: Vec<CreditRule>,
    /// What becomes of everything else.
    #[serde(default)]
    pub otherwise: Otherwise,
}

/// A kind of payment on credit that a payee takes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditRule {
    /// Of this payer; of any, if it isn't said. SS58 or `0x…`.
    #[serde(default, deserialize_with = "some_account")]
    pub payer: Option<AccountId>,
    /// In this asset of the payee's chain.
    #[serde(default = "default::native")]
    pub asset: AssetName,
    /// Up to this amount, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub up_to: Amount,
}

/// Who says who payers and payees are (S1.4).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditPersons {
    /// The CA certificates that persons' certificates chain to, PEM.
    pub ca: PathBuf,
    /// What these CAs, and those below them, revoked, PEM or DER. With none, nothing counts as revoked: that must be said.
    pub crls: Vec<PathBuf>,
}

/// A chain that a credit node gives credit on. The one that settles may be one of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditChain {
    /// A node's WebSocket URL.
    pub url: String,
    /// What `quittance deploy` wrote for that chain.
    pub deployment: PathBuf,
    /// The institution's index in the registry there, if it is another one than `institution.member`.
    pub member: Option<Member>,
    /// The payees' institutions there.
    #[serde(default)]
    pub peers: Vec<Peer>,
    /// The node's log, if it is on this machine.
    pub log: Option<PathBuf>,
}

/// How a credit node's limits are computed from payers' records (S1.8).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditScore {
    /// How far back repayments and payments count, in days of 24 hours.
    #[serde(default = "default::window_days")]
    pub window_days: u32,
    /// What a payer without a record may owe, in the asset's smallest unit.
    #[serde(default, with = "protocol::text::amount")]
    pub base: Amount,
    /// What no payer may owe more than.
    #[serde(default = "default::cap", with = "protocol::text::amount")]
    pub cap: Amount,
    /// How much of what was repaid on time is added.
    #[serde(default = "default::on_time_percent")]
    pub on_time_percent: u32,
    /// How much of the payments that were made is added.
    #[serde(default = "default::volume_percent")]
    pub volume_percent: u32,
    /// How much of what was repaid late is subtracted.
    #[serde(default = "default::late_percent")]
    pub late_percent: u32,
    /// How much of what is overdue is subtracted.
    #[serde(default = "default::overdue_percent")]
    pub overdue_percent: u32,
    /// Assets whose unit is another one.
    #[serde(default)]
    pub assets: Vec<ScoreOfAsset>,
}

impl Default for CreditScore {
    fn default() -> Self {
        Self {
            window_days: default::window_days(),
            base: 0,
            cap: default::cap(),
            on_time_percent: default::on_time_percent(),
            volume_percent: default::volume_percent(),
            late_percent: default::late_percent(),
            overdue_percent: default::overdue_percent(),
            assets: Vec::new(),
        }
    }
}

/// An asset with a base and a cap of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreOfAsset {
    /// Which.
    pub asset: AssetName,
    /// What a payer without a record may owe, in its smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub base: Amount,
    /// What no payer may owe more than.
    #[serde(with = "protocol::text::amount")]
    pub cap: Amount,
}

impl CreditScore {
    /// The same as the credit system takes it.
    pub fn rules(&self) -> Rules {
        let general = Parameters {
            window_days: self.window_days,
            base: self.base,
            cap: self.cap,
            on_time_percent: self.on_time_percent,
            volume_percent: self.volume_percent,
            late_percent: self.late_percent,
            overdue_percent: self.overdue_percent,
        };
        let own = |of: &ScoreOfAsset| {
            let (base, cap) = (of.base, of.cap);
            (of.asset.0, Parameters { base, cap, ..general })
        };
        Rules {
            general,
            own: self.assets.iter().map(own).collect(),
        }
    }
}

mod default {
    pub(super) fn room_seconds() -> u64 {
        86_400
    }

    pub(super) fn longest_term_days() -> u32 {
        90
    }

    pub(super) fn native() -> crate::assets::AssetName {
        crate::assets::AssetName(protocol::settlement::Asset::Native)
    }

    pub(super) fn window_days() -> u32 {
        90
    }

    /// A thousand units of a token with twelve decimals, as the native one has.
    pub(super) fn cap() -> protocol::Amount {
        1_000_000_000_000_000
    }

    pub(super) fn on_time_percent() -> u32 {
        50
    }

    pub(super) fn volume_percent() -> u32 {
        10
    }

    pub(super) fn late_percent() -> u32 {
        100
    }

    pub(super) fn overdue_percent() -> u32 {
        200
    }
}

/// An account in either form.
fn some_account<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<AccountId>, D::Error> {
    let text = String::deserialize(deserializer)?;
    account(&text).map(Some).map_err(serde::de::Error::custom)
}

impl Credit {
    pub(super) fn resolve(&mut self, directory: &Path) {
        for chain in &mut self.chains {
            chain.deployment = directory.join(&chain.deployment);
            if let Some(log) = &mut chain.log {
                *log = directory.join(&*log);
            }
        }
        for payee in &mut self.payees {
            payee.certificate = directory.join(&payee.certificate);
            resolve_key(&mut payee.key, directory);
        }
        if let Some(persons) = &mut self.persons {
            for path in persons.crls.iter_mut().chain([&mut persons.ca]) {
                *path = directory.join(&*path);
            }
        }
    }

    pub(super) fn validate(&self, problems: &mut Problems) {
        for (place, chain) in self.chains.iter().enumerate() {
            problems.check(
                is_url(&chain.url, &["ws", "wss"]),
                format!("credit.chains[{place}].url"),
                "is no WebSocket URL: write it like \"ws://127.0.0.1:9944\"",
            );
            for (number, peer) in chain.peers.iter().enumerate() {
                problems.check(
                    is_origin(&peer.url),
                    format!("credit.chains[{place}].peers[{number}].url"),
                    "must be scheme, host and port only, like \"https://bank-b.example:8443\"",
                );
            }
        }
        problems.check(
            CREDIT_TERM_DAYS.contains(&self.terms.longest_term_days),
            "credit.terms.longest_term_days",
            format!(
                "must be between {} and {}",
                CREDIT_TERM_DAYS.start(),
                CREDIT_TERM_DAYS.end()
            ),
        );
        problems.check(
            self.terms.room_seconds <= u64::from(self.terms.longest_term_days).saturating_mul(86_400),
            "credit.terms.room_seconds",
            "must be at most longest_term_days: no term is longer",
        );
        problems.check(
            self.terms.late_fee_percent <= 100,
            "credit.terms.late_fee_percent",
            "must be at most 100: the late fee is at most the amount",
        );
        self.validate_score(problems);
    }

    fn validate_score(&self, problems: &mut Problems) {
        let score = &self.score;
        problems.check(
            SCORE_WINDOW_DAYS.contains(&score.window_days),
            "credit.score.window_days",
            format!(
                "must be between {} and {}",
                SCORE_WINDOW_DAYS.start(),
                SCORE_WINDOW_DAYS.end()
            ),
        );
        for (key, percent) in [
            ("on_time_percent", score.on_time_percent),
            ("volume_percent", score.volume_percent),
            ("late_percent", score.late_percent),
            ("overdue_percent", score.overdue_percent),
        ] {
            problems.check(
                percent <= MAX_SCORE_PERCENT,
                format!("credit.score.{key}"),
                format!("must be at most {MAX_SCORE_PERCENT}"),
            );
        }
        let within_cap = "is above the cap: no payer could ever owe that much";
        problems.check(score.base <= score.cap, "credit.score.base", within_cap);
        let mut named = BTreeSet::new();
        for (place, of) in score.assets.iter().enumerate() {
            let key = |field: &str| format!("credit.score.assets[{place}].{field}");
            problems.check(
                named.insert(of.asset.0),
                key("asset"),
                "stands there twice: one entry per asset",
            );
            problems.check(of.base <= of.cap, key("base"), within_cap);
        }
    }
}
