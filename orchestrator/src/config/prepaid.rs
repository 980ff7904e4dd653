//! Prepaid cards: at a card issuer, and at the acquirers of merchants that take its cards.
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use protocol::Member;
use serde::Deserialize;

use super::{each, parsed, Config, Problems};
use crate::{
    prepaid::schedule::{Schedule, Zone},
    windows::{
        calendar::{Day, TimeOfDay},
        Calendar,
    },
};

/// The first payment waits at most a second for others: somebody stands at the till.
const MAX_BATCH_WAIT: u64 = 1_000;
/// Longer, and other institutions' requests that came together with it are answered without it.
const MAX_ANSWER_WAIT: u64 = 1_500;

/// Prepaid cards (S4.1 to S4.5).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prepaid {
    /// Where this institution issues cards.
    pub issuer: Option<PrepaidIssuer>,
    /// The card issuers whose cards the merchants take that this institution speaks for.
    #[serde(default)]
    pub issuers: Vec<PrepaidAcquirer>,
    /// Where terminals reach it.
    pub terminals: Option<PrepaidTerminals>,
}

/// How an institution issues cards.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrepaidIssuer {
    /// The age identity that opens what terminals sealed.
    pub identity: PathBuf,
    /// How long the first payment of a batch waits for others, in milliseconds.
    #[serde(default = "batch_wait_milliseconds")]
    pub batch_wait_milliseconds: u64,
    /// How long an acquirer waits for the answer before it is told to ask again, in milliseconds.
    #[serde(default = "answer_wait_milliseconds")]
    pub answer_wait_milliseconds: u64,
    /// When merchants' cycles are closed: times of day, on Mondays to Fridays.
    #[serde(default, deserialize_with = "each")]
    pub cut_offs: Vec<TimeOfDay>,
    /// Whose clocks show these times.
    #[serde(default, deserialize_with = "parsed")]
    pub time_zone: Zone,
    /// Days without cut-offs.
    #[serde(default, deserialize_with = "each")]
    pub holidays: Vec<Day>,
}

/// A card issuer whose cards the institution's merchants take.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrepaidAcquirer {
    /// Its index in the registry.
    pub member: Member,
}

/// Where terminals reach their merchants' acquirer.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrepaidTerminals {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
}

const fn batch_wait_milliseconds() -> u64 {
    20
}

const fn answer_wait_milliseconds() -> u64 {
    500
}

impl PrepaidIssuer {
    /// When merchants' cycles are closed.
    pub fn schedule(&self) -> Schedule {
        let calendar = Calendar::new(self.cut_offs.clone(), self.holidays.clone());
        Schedule::new(calendar, self.time_zone.clone())
    }
}

impl Prepaid {
    /// The issuers whose contracts the institution has to do with: itself first, if it issues cards.
    pub fn issuers(&self, member: Member) -> Vec<Member> {
        let own = self.issuer.iter().map(|_| member);
        let others = self.issuers.iter().map(|issuer| issuer.member);
        let mut seen = BTreeSet::new();
        own.chain(others).filter(|issuer| seen.insert(*issuer)).collect()
    }

    pub(super) fn resolve(&mut self, directory: &Path) {
        if let Some(issuer) = &mut self.issuer {
            issuer.identity = directory.join(&issuer.identity);
        }
    }

    pub(super) fn validate(&self, config: &Config, problems: &mut Problems) {
        if let Some(issuer) = &self.issuer {
            problems.check(
                issuer.batch_wait_milliseconds <= MAX_BATCH_WAIT,
                "prepaid.issuer.batch_wait_milliseconds",
                format!("must be at most {MAX_BATCH_WAIT}: somebody stands at the till"),
            );
            problems.check(
                issuer.answer_wait_milliseconds <= MAX_ANSWER_WAIT,
                "prepaid.issuer.answer_wait_milliseconds",
                format!("must be at most {MAX_ANSWER_WAIT}: an acquirer asks again by itself"),
            );
        }
        let mut named = BTreeSet::new();
        for (place, issuer) in self.issuers.iter().enumerate() {
            let key = format!("prepaid.issuers[{place}].member");
            let member = issuer.member;
            let is_itself = member == config.institution.member;
            let is_known = is_itself || config.peers.iter().any(|peer| peer.member == member);
            problems.check(
                is_known,
                key.clone(),
                format!("names member {member}, who can't be reached: add a [[peers]] entry with member = {member}"),
            );
            problems.check(
                !is_itself || self.issuer.is_some(),
                key.clone(),
                "is this institution itself, which issues no cards: add [prepaid.issuer]",
            );
            problems.check(
                named.insert(member),
                key,
                format!("{member} stands there twice: one entry per issuer"),
            );
        }
        problems.check(
            self.terminals.is_none() || !self.issuers(config.institution.member).is_empty(),
            "prepaid.terminals",
            "is of no use without issuers whose cards terminals take: add [[prepaid.issuers]], or leave it out",
        );
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::super::{Config, ConfigError};
    use protocol::Member;

    const GOOD: &str = "\n[prepaid.issuer]\nidentity = \"keys/cards.age\"\ncut_offs = [\"22:00\"]\n\
                        time_zone = \"Europe/Berlin\"\nholidays = [\"2026-12-25\"]\n\
                        [[prepaid.issuers]]\nmember = 1\n[prepaid.terminals]\nlisten = \"0.0.0.0:8444\"\n";

    fn with(text: &str) -> Result<Config, ConfigError> {
        let text = format!("{}\n{text}", Config::sample());
        Config::parse(&text, Path::new("/etc/quittance/bank-a.toml"))
    }

    #[test]
    fn an_institution_has_no_cards_by_default() {
        let config = with("").unwrap();
        assert!(config.prepaid.issuer.is_none() && config.prepaid.terminals.is_none());
        assert!(config.prepaid.issuers(Member(0)).is_empty());
    }

    #[test]
    fn a_card_issuer_that_is_an_acquirer_too_is_configured() {
        let config = with(GOOD).unwrap();
        let issuer = config.prepaid.issuer.as_ref().unwrap();
        assert_eq!(issuer.identity, Path::new("/etc/quittance/keys/cards.age"));
        assert_eq!(
            (issuer.batch_wait_milliseconds, issuer.answer_wait_milliseconds),
            (20, 500)
        );
        assert_eq!(config.prepaid.issuers(Member(0)), [Member(0), Member(1)]);
        // A Wednesday in winter: 22:00 in Berlin.
        assert_eq!(issuer.schedule().latest(1_798_060_000_000), Some(1_798_059_600_000));
        let itself = GOOD.replace("member = 1", "member = 0");
        assert_eq!(with(&itself).unwrap().prepaid.issuers(Member(0)), [Member(0)]);
    }

    #[test]
    fn wrong_values_are_named_with_advice() {
        let alone = "\n[[prepaid.issuers]]\nmember = 0\n";
        for (text, key) in [
            (GOOD.replace("member = 1", "member = 7"), "prepaid.issuers[0].member"),
            (alone.to_owned(), "prepaid.issuers[0].member"),
            (
                GOOD.replace("member = 1\n", "member = 1\n[[prepaid.issuers]]\nmember = 1\n"),
                "prepaid.issuers[1].member",
            ),
            (
                GOOD.replace("cut_offs", "batch_wait_milliseconds = 1001\ncut_offs"),
                "prepaid.issuer.batch_wait_milliseconds",
            ),
            (
                GOOD.replace("cut_offs", "answer_wait_milliseconds = 1501\ncut_offs"),
                "prepaid.issuer.answer_wait_milliseconds",
            ),
            (
                "\n[prepaid.terminals]\nlisten = \"127.0.0.1:0\"\n".to_owned(),
                "prepaid.terminals",
            ),
        ] {
            let Err(ConfigError::Invalid { problems, .. }) = with(&text) else {
                panic!("{key}: {text}");
            };
            assert!(problems.iter().any(|problem| problem.key == key), "{key}: {problems:?}");
        }
        for (from, to, named) in [
            ("Europe/Berlin", "Europe/Atlantis", "Atlantis"),
            ("22:00", "24:00", "24:00"),
            ("identity", "key", "key"),
            ("listen", "address", "address"),
        ] {
            let error = with(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(matches!(error, ConfigError::Parse { .. }), "{error}");
            assert!(error.to_string().contains(named), "{error}");
        }
    }

    #[test]
    fn the_sample_s_sections_can_be_taken_as_they_stand() {
        for header in ["[prepaid.issuer]", "[[prepaid.issuers]]"] {
            let (before, after) = Config::sample().split_once(&format!("#{header}")).unwrap();
            let (section, rest) = after.split_once("\n\n").unwrap();
            let taken: String = section
                .lines()
                .map(|line| match line.strip_prefix('#') {
                    Some(key) if !key.starts_with(' ') => format!("{key}\n"),
                    _ => format!("{line}\n"),
                })
                .collect();
            let text = format!("{before}{header}{taken}\n{rest}");
            let config = Config::parse(&text, Path::new("/etc/quittance/bank-a.toml")).unwrap();
            assert!(!config.prepaid.issuers(Member(0)).is_empty(), "{header}");
        }
    }
}
