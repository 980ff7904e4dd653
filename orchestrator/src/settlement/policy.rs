//! What an institution co-signs as a destination, and whom it asks before (S0.4): one TOML file, read at the start. Every
//! key is described in the sample.
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    str::FromStr,
};

use protocol::{
    fees::Service,
    settlement::{Asset, Voucher},
    AccountId, Amount, Member, Timestamp,
};
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    messages::{PaymentRequest, RefusalCode},
    Verdict,
};
use crate::{
    config::each,
    windows::calendar::{Calendar, Day, TimeOfDay},
};

const SAMPLE: &str = include_str!("../../policy.sample.toml");

/// A policy can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
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

/// What a destination co-signs. The default is everything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    hours: Option<Hours>,
    #[serde(default)]
    blocked: Blocked,
    #[serde(default)]
    limits: Vec<Limit>,
    #[serde(default)]
    assistants: Vec<Assistant>,
}

/// When it co-signs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hours {
    #[serde(deserialize_with = "one")]
    from: TimeOfDay,
    #[serde(deserialize_with = "one")]
    until: TimeOfDay,
    #[serde(default)]
    banking_days_only: bool,
    #[serde(default, deserialize_with = "each")]
    holidays: Vec<Day>,
}

/// With whom it has nothing to do.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Blocked {
    #[serde(default)]
    institutions: BTreeSet<Member>,
    #[serde(default)]
    users: BTreeSet<UserOf>,
    #[serde(default)]
    wallets: Vec<Wallet>,
}

/// A user, by the number that its institution knows it by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct UserOf {
    home: Member,
    number: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Wallet(#[serde(with = "protocol::text::account")] AccountId);

/// Payments of a kind. What isn't given doesn't matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Scope {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserOf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset: Option<Asset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<Service>,
    /// Any other institution that is a party.
    #[serde(skip_serializing_if = "Option::is_none")]
    counterparty: Option<Member>,
}

/// How much it co-signs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    #[serde(default)]
    of: Scope,
    #[serde(default, deserialize_with = "amount")]
    per_payment: Option<Amount>,
    #[serde(default, deserialize_with = "amount")]
    per_day: Option<Amount>,
}

/// Whom it asks before.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Assistant {
    member: Member,
    #[serde(default)]
    about: Scope,
    /// Only payments of at least this amount.
    #[serde(default, deserialize_with = "amount")]
    from_amount: Option<Amount>,
}

/// A limit for a day (UTC) that a payment counts against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayLimit {
    /// What is counted together.
    pub scope: String,
    /// The most, in the asset's smallest unit.
    pub most: Amount,
}

impl Policy {
    /// A policy with a comment on every key.
    pub fn sample() -> &'static str {
        SAMPLE
    }

    /// Reads and checks a policy.
    ///
    /// # Errors
    /// The file can't be read, isn't of this shape, or values are wrong.
    pub fn load(path: &Path) -> Result<Self, PolicyError> {
        let text = std::fs::read_to_string(path).map_err(|source| PolicyError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, PolicyError> {
        let policy: Self = toml::from_str(text).map_err(|source| PolicyError::Parse {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        match policy.problem() {
            None => Ok(policy),
            Some(advice) => Err(PolicyError::Invalid {
                path: path.to_owned(),
                advice,
            }),
        }
    }

    fn problem(&self) -> Option<String> {
        if self.hours.as_ref().is_some_and(|hours| hours.from == hours.until) {
            return Some("hours.from and hours.until are the same: leave [hours] out to co-sign at any time".into());
        }
        for (place, limit) in self.limits.iter().enumerate() {
            if limit.per_payment.is_none() && limit.per_day.is_none() {
                return Some(format!(
                    "limits[{place}] limits nothing: write per_payment, per_day or both"
                ));
            }
            if limit.per_day.is_some() && limit.of.asset.is_none() {
                return Some(format!(
                    "limits[{place}] adds up amounts of different assets over a day: write of.asset"
                ));
            }
            let earlier = self.limits.get(..place).unwrap_or_default();
            if earlier.iter().any(|other| other.of == limit.of) {
                return Some(format!(
                    "limits[{place}] limits the same payments as an earlier one: keep one of them"
                ));
            }
        }
        None
    }

    /// Everybody who may be asked before.
    pub fn assistants(&self) -> BTreeSet<Member> {
        self.assistants.iter().map(|assistant| assistant.member).collect()
    }

    /// Whom to ask about this payment, ascending: nobody who is a party to it anyway.
    pub(super) fn assistants_for(&self, me: Member, voucher: &Voucher, request: &PaymentRequest) -> Vec<Member> {
        let asked = self.assistants.iter().filter(|assistant| {
            !voucher.involves(assistant.member)
                && assistant.about.covers(me, voucher, request)
                && assistant.from_amount.is_none_or(|least| voucher.amount >= least)
        });
        let asked: BTreeSet<Member> = asked.map(|assistant| assistant.member).collect();
        asked.into_iter().collect()
    }

    /// Whether this payment may be co-signed, but for what is counted over a day.
    pub(super) fn judge(&self, me: Member, voucher: &Voucher, request: &PaymentRequest, now: Timestamp) -> Verdict {
        let refuse = |code, detail: &str| Err((code, detail.to_owned()));
        if self.hours.as_ref().is_some_and(|hours| !hours.include(now)) {
            return refuse(
                RefusalCode::OutsideHours,
                "this institution does not co-sign at this time",
            );
        }
        if self.blocked.names(me, voucher, request) {
            return refuse(
                RefusalCode::BlockedByPolicy,
                "this institution does not co-sign for an institution, user or wallet that is involved",
            );
        }
        let above = |limit: &&Limit| limit.per_payment.is_some_and(|most| voucher.amount > most);
        let limits = || self.limits.iter().filter(|limit| limit.of.covers(me, voucher, request));
        if limits().any(|limit| above(&limit)) {
            return refuse(
                RefusalCode::AbovePolicyLimit,
                "the amount is above what this institution co-signs in one payment",
            );
        }
        Ok(())
    }

    /// What this payment counts against.
    pub(super) fn day_limits(&self, me: Member, voucher: &Voucher, request: &PaymentRequest) -> Vec<DayLimit> {
        let limits = self.limits.iter().filter(|limit| limit.of.covers(me, voucher, request));
        limits
            .filter_map(|limit| {
                Some(DayLimit {
                    scope: serde_json::to_string(&limit.of).ok()?,
                    most: limit.per_day?,
                })
            })
            .collect()
    }
}

impl Hours {
    /// From the first minute on, strictly before the last. Past midnight where `until` is the earlier one.
    fn include(&self, now: Timestamp) -> bool {
        let Some(time) = TimeOfDay::of(now) else {
            return false;
        };
        let is_open = if self.from < self.until {
            self.from <= time && time < self.until
        } else {
            self.from <= time || time < self.until
        };
        let calendar = Calendar::new([], self.holidays.clone());
        is_open && (!self.banking_days_only || calendar.has_banking_day(now))
    }
}

impl Blocked {
    fn names(&self, me: Member, voucher: &Voucher, request: &PaymentRequest) -> bool {
        let blocked = |party: &Member| *party != me && self.institutions.contains(party);
        voucher.parties().iter().any(blocked)
            || self.users.iter().any(|user| user.asks(request))
            || self.wallets.iter().any(|wallet| wallet.0 == voucher.wallet)
    }
}

impl UserOf {
    fn asks(&self, request: &PaymentRequest) -> bool {
        self.home == request.home && self.number == request.user
    }
}

impl Scope {
    fn covers(&self, me: Member, voucher: &Voucher, request: &PaymentRequest) -> bool {
        self.user.as_ref().is_none_or(|user| user.asks(request))
            && self.asset.is_none_or(|asset| asset == voucher.asset)
            && self.kind.is_none_or(|kind| kind == Service::from(voucher.kind))
            && self
                .counterparty
                .is_none_or(|party| party != me && voucher.involves(party))
    }
}

fn one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeOfDay, D::Error> {
    let text = String::deserialize(deserializer)?;
    TimeOfDay::from_str(&text).map_err(serde::de::Error::custom)
}

fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Amount>, D::Error> {
    protocol::text::amount::deserialize(deserializer).map(Some)
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
