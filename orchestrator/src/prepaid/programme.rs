//! What holds for all cards and merchants of a programme, as a file: one TOML file, read by `quittance deploy` and
//! `quittance prepaid set-programme`. Every key is described in the sample.
use std::path::{Path, PathBuf};

use protocol::{
    prepaid::{CardLimits, Programme, MAX_PERIOD},
    Timestamp,
};
use serde::Deserialize;

const SAMPLE: &str = include_str!("../../programme.sample.toml");

/// A programme's file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ProgrammeError {
    /// The file can't be read.
    #[error("{} can't be read: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file isn't TOML of this shape. The message names line and key.
    #[error("{}: {source}", path.display())]
    Parse {
        /// Which file.
        path: PathBuf,
        /// What and where.
        source: Box<toml::de::Error>,
    },
    /// A value is wrong.
    #[error("{}: {advice}", path.display())]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What is wrong and what to write.
        advice: String,
    },
}

/// A programme as its file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgrammeFile {
    limits: CardLimits,
    payments: Payments,
    cycles: Cycles,
    disputes: Disputes,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payments {
    allows_partial: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cycles {
    least_seconds: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Disputes {
    open_seconds: u64,
    ruling_seconds: u64,
}

impl ProgrammeFile {
    /// A complete file with a comment on every key.
    pub fn sample() -> &'static str {
        SAMPLE
    }

    /// Reads a programme that the contract takes.
    ///
    /// # Errors
    /// The file can't be read, isn't of this shape, or values are wrong.
    pub fn load(path: &Path) -> Result<Programme, ProgrammeError> {
        let text = std::fs::read_to_string(path).map_err(|source| ProgrammeError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Programme, ProgrammeError> {
        let file: Self = toml::from_str(text).map_err(|source| ProgrammeError::Parse {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        file.programme().map_err(|advice| ProgrammeError::Invalid {
            path: path.to_owned(),
            advice,
        })
    }

    fn programme(&self) -> Result<Programme, String> {
        let programme = Programme {
            limits: self.limits,
            allows_partial: self.payments.allows_partial,
            cycle: milliseconds("cycles.least_seconds", self.cycles.least_seconds)?,
            dispute_period: milliseconds("disputes.open_seconds", self.disputes.open_seconds)?,
            ruling_period: milliseconds("disputes.ruling_seconds", self.disputes.ruling_seconds)?,
        };
        match programme.check() {
            Ok(()) => Ok(programme),
            Err(_) => Err(format!("each period must be at most {} seconds", MAX_PERIOD / 1_000)),
        }
    }
}

fn milliseconds(key: &str, seconds: u64) -> Result<Timestamp, String> {
    let found = seconds.checked_mul(1_000).filter(|milliseconds| *milliseconds > 0);
    found.ok_or_else(|| format!("{key} must be at least 1, and not beyond reason"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(text: &str) -> Result<Programme, ProgrammeError> {
        ProgrammeFile::parse(text, Path::new("cards.toml"))
    }

    #[test]
    fn the_sample_is_a_programme_that_the_contract_takes() {
        let programme = parse(ProgrammeFile::sample()).unwrap();
        assert_eq!(programme.check(), Ok(()));
        assert_eq!(programme.cycle, 86_400_000);
        assert_eq!(programme.limits.per_payment, 200_000_000_000_000);
        assert!(programme.allows_partial);
    }

    #[test]
    fn wrong_values_and_keys_are_named() {
        for (from, to, named) in [
            ("least_seconds = 86400", "least_seconds = 0", "cycles.least_seconds"),
            (
                "open_seconds = 5184000",
                "open_seconds = 18446744073709551615",
                "open_seconds",
            ),
            ("per_day", "per_week", "per_day"),
            ("least_seconds", "seconds", "seconds"),
            ("balance = \"1000000000000000\"", "balance = 1", "balance"),
        ] {
            assert!(SAMPLE.contains(from), "{from}");
            let error = parse(&SAMPLE.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(named) && error.contains("cards.toml"), "{error}");
        }
        let beyond = format!("open_seconds = {}", i64::MAX);
        let error = parse(&SAMPLE.replacen("open_seconds = 5184000", &beyond, 1)).unwrap_err();
        assert!(error.to_string().contains("disputes.open_seconds"), "{error}");
    }
}
