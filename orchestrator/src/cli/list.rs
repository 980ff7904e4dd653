//! What commands that show lists have in common: filters, pages, JSON and CSV.
use std::io::Write;

use anyhow::Context;
use protocol::{Member, Timestamp};
use serde::{de::DeserializeOwned, Serialize};
use time::{format_description::well_known::Rfc3339, OffsetDateTime};

use super::{
    client::{encode, Service},
    render,
};
use crate::{assets::AssetName, windows::calendar::Day};

/// Which service is asked for a list, and how it is shown.
#[derive(Debug, clap::Args)]
pub struct Listing {
    #[command(flatten)]
    service: Service,
    /// Where the list goes on, as the page before said.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// One line of JSON.
    #[arg(long)]
    json: bool,
    /// The whole list as CSV.
    #[arg(long, conflicts_with_all = ["json", "cursor"])]
    csv: bool,
}

/// A filter's name in the query, and what is looked for.
pub type Filter = (&'static str, Option<String>);

impl Listing {
    /// A page of the list, to be shown to people; `None` where it was printed for machines.
    ///
    /// # Errors
    /// The service can't be reached, or refuses.
    pub async fn page<T: Serialize + DeserializeOwned>(
        &self,
        path: &str,
        mut filters: Vec<Filter>,
    ) -> anyhow::Result<Option<T>> {
        let api = self.service.client()?;
        filters.push(("cursor", self.cursor.clone()));
        let path = with_query(path, &filters);
        if self.csv {
            let text = api.export(&path).await?;
            std::io::stdout().write_all(text.as_bytes())?;
            return Ok(None);
        }
        let page: T = api.get(&path).await?;
        if self.json {
            render::json(&page)?;
            return Ok(None);
        }
        Ok(Some(page))
    }

    /// One entry, to be shown to people; `None` where it was printed for machines.
    ///
    /// # Errors
    /// The service can't be reached, or refuses; there is no CSV of a single entry.
    pub async fn one<T: Serialize + DeserializeOwned>(&self, path: &str) -> anyhow::Result<Option<T>> {
        anyhow::ensure!(!self.csv && self.cursor.is_none(), "--csv and --cursor are for lists");
        let entry: T = self.service.client()?.get(path).await?;
        if self.json {
            render::json(&entry)?;
            return Ok(None);
        }
        Ok(Some(entry))
    }

    /// Says how the list goes on.
    pub fn more(next: Option<&str>) {
        if let Some(cursor) = next {
            println!("There is more: the same command with --cursor {cursor}");
        }
    }
}

/// Which payments.
#[derive(Debug, clap::Args)]
pub struct Payments {
    /// Of the list: those in this state, such as retained, cleared, refused.
    #[arg(long)]
    state: Option<String>,
    /// Of the list: those in which this institution is originator, home, destination or notary.
    #[arg(long)]
    role: Option<String>,
    /// Of the list: those that this institution is a party to.
    #[arg(long, value_name = "MEMBER", value_parser = member)]
    counterparty: Option<Member>,
    /// Of the list: those in this asset: native, or the account of a PSP22 token's contract.
    #[arg(long)]
    asset: Option<AssetName>,
    /// Of the list: those of this user: the number that this institution knows it by, or the user's id.
    #[arg(long, value_name = "NUMBER")]
    user: Option<String>,
    /// Of the list: those that are settled in this window.
    #[arg(long, value_name = "NUMBER")]
    window: Option<u32>,
    /// Of the list: those first seen here at or after: a day (2026-12-24) or a moment (2026-12-24T18:00:00Z).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Timestamp>,
    /// Of the list: those first seen here before.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<Timestamp>,
}

impl Payments {
    /// As the query names them.
    pub fn filters(&self) -> Vec<Filter> {
        vec![
            ("state", self.state.clone()),
            ("role", self.role.clone()),
            ("counterparty", text(self.counterparty)),
            ("asset", text(self.asset)),
            ("user", self.user.clone()),
            ("window", text(self.window)),
            ("from", text(self.from)),
            ("to", text(self.to)),
        ]
    }
}

/// A filter's value.
pub fn text<T: ToString>(value: Option<T>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// A member's index.
///
/// # Errors
/// It is no number below 65,536.
pub fn member(text: &str) -> Result<Member, std::num::ParseIntError> {
    text.parse().map(Member)
}

/// A day's first millisecond, or a moment.
///
/// # Errors
/// It is neither.
pub fn moment(text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(day) = text.parse::<Day>() {
        return day.begin().with_context(|| format!("{text:?} is before 1970"));
    }
    let moment = OffsetDateTime::parse(text, &Rfc3339)
        .with_context(|| format!("{text:?} is no time: write it like 2026-12-24 or 2026-12-24T18:00:00Z"))?;
    let milliseconds = moment.unix_timestamp_nanos().checked_div(1_000_000).unwrap_or_default();
    Timestamp::try_from(milliseconds).with_context(|| format!("{text:?} is before 1970"))
}

fn with_query(path: &str, filters: &[Filter]) -> String {
    let pairs = filters.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    if pairs.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", pairs.join("&"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_time_is_a_day_or_a_moment() {
        assert_eq!(moment("1970-01-02").unwrap(), 86_400_000);
        assert_eq!(moment("1970-01-01T01:00:01.5+01:00").unwrap(), 1_500);
        assert!(moment("yesterday").is_err());
        assert!(moment("1969-12-31").is_err());
    }

    #[test]
    fn only_what_is_said_is_in_the_query() {
        assert_eq!(with_query("/v1/x", &[("a", None)]), "/v1/x");
        let filters = [("a", Some("1 2".into())), ("b", None), ("c", Some("d".into()))];
        assert_eq!(with_query("/v1/x", &filters), "/v1/x?a=1%202&c=d");
    }
}
