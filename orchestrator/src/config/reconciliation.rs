//! Reconciliation: when days are matched, and how the institution keeps its side of each book.
use std::{collections::BTreeSet, path::Path};

use jiff::civil;
use protocol::{reconciliation::BookId, Amount, Member};
use serde::Deserialize;

use super::{each, is_development_uri, parsed, some_parsed, Config, Problems};
use crate::{
    prepaid::schedule::{Schedule, Zone},
    reconciliation::{
        findings::Tolerance,
        import::Layout,
        settings::{Accept, BookSettings, Feed, OwnBook, Settings},
    },
    settlement::fault::is_user_number,
    windows::{
        calendar::{Day, TimeOfDay},
        Calendar,
    },
};

/// A week: whoever is later than that lost the payment.
const MAX_GRACE_MINUTES: u64 = 10_080;
/// A line that is off by more isn't of the same day by any clock.
const MAX_TIME_TOLERANCE_SECONDS: u64 = 86_400;
/// What a token with the most digits has.
const MAX_DECIMALS: u8 = 18;
const DECIMAL_POINTS: [char; 2] = ['.', ','];
/// Each field differs: whoever mixes two of them up is found out.
const EXAMPLE: civil::DateTime = civil::date(2026, 11, 25).at(14, 30, 15, 0);

/// Reconciliation (S3.1 to S3.5).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconciliation {
    /// When days that are over are matched: a time of day, on Mondays to Fridays. Without it, on demand only.
    #[serde(default, deserialize_with = "some_parsed")]
    pub at: Option<TimeOfDay>,
    /// Whose clocks show that.
    #[serde(default, deserialize_with = "parsed")]
    pub time_zone: Zone,
    /// Days on which nothing is matched by itself.
    #[serde(default, deserialize_with = "each")]
    pub holidays: Vec<Day>,
    /// What is younger isn't missing yet, in minutes.
    #[serde(default = "grace_minutes")]
    pub grace_minutes: u64,
    /// Who pays what days come to, where the institution is a book's debit side.
    pub treasury: Option<ReconciliationTreasury>,
    /// How it keeps its side of books; those that aren't here are kept as [`ReconciliationBook`] says by default.
    #[serde(default)]
    pub books: Vec<ReconciliationBook>,
}

/// Whose account pays what days come to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconciliationTreasury {
    /// Its number among the institution's own users.
    pub user: String,
    /// Reference of its key, which signs the payments.
    pub key: String,
}

/// How the institution keeps its side of a book.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconciliationBook {
    /// The book's number on the chain.
    pub book: u32,
    /// What its own book comes from.
    #[serde(default)]
    pub own: OwnBook,
    /// Who accepts corrections.
    #[serde(default)]
    pub accept: Accept,
    /// The number that the credit side knows the account by that is paid.
    pub beneficiary: Option<String>,
    /// By how much an amount may differ, in the asset's smallest unit.
    #[serde(default, with = "protocol::text::amount")]
    pub amount_tolerance: Amount,
    /// A line of another day is on the right one if its time is within so many seconds of the entry's.
    #[serde(default)]
    pub time_tolerance_seconds: u64,
    /// Which of its own payments the institution records in it, as the book's client.
    #[serde(default)]
    pub feed: Vec<Feed>,
    /// How its own files look.
    #[serde(default)]
    pub files: Layout,
}

const fn grace_minutes() -> u64 {
    60
}

impl Default for Reconciliation {
    fn default() -> Self {
        Self {
            at: None,
            time_zone: Zone::default(),
            holidays: Vec::new(),
            grace_minutes: grace_minutes(),
            treasury: None,
            books: Vec::new(),
        }
    }
}

impl Reconciliation {
    /// When days that are over are matched.
    pub fn schedule(&self) -> Schedule {
        Schedule::new(Calendar::new(self.at, self.holidays.clone()), self.time_zone.clone())
    }

    /// What reconciliation is told of all this.
    pub fn settings(&self, member: Member) -> Settings {
        let books = self.books.iter().map(|book| (BookId(book.book), book.settings()));
        Settings {
            member,
            schedule: self.schedule(),
            grace: self.grace_minutes.saturating_mul(60_000),
            books: books.collect(),
        }
    }

    pub(super) fn resolve(&mut self, directory: &Path) {
        if let Some(treasury) = &mut self.treasury {
            if !is_development_uri(&treasury.key) {
                treasury.key = directory.join(&treasury.key).to_string_lossy().into_owned();
            }
        }
    }

    pub(super) fn validate(&self, config: &Config, problems: &mut Problems) {
        problems.check(
            self.grace_minutes <= MAX_GRACE_MINUTES,
            "reconciliation.grace_minutes",
            format!("must be at most {MAX_GRACE_MINUTES}, a week: what comes later is missing"),
        );
        if let Some(treasury) = &self.treasury {
            problems.check(
                is_user_number(&treasury.user),
                "reconciliation.treasury.user",
                "is no user's number: write the number of one of this institution's users",
            );
        }
        let (mut numbers, mut feeds) = (BTreeSet::new(), BTreeSet::new());
        for (place, book) in self.books.iter().enumerate() {
            let key = |field: &str| format!("reconciliation.books[{place}].{field}");
            problems.check(
                numbers.insert(book.book),
                key("book"),
                format!("{} stands there twice: one entry per book", book.book),
            );
            problems.check(
                book.feed.iter().all(|feed| feeds.insert(*feed)),
                key("feed"),
                "names payments that become entries already: each kind is recorded in one book, once",
            );
            let has_cards = config.prepaid.issuer.is_some() || !config.prepaid.issuers.is_empty();
            problems.check(
                !book.feed.contains(&Feed::Prepaid) || has_cards,
                key("feed"),
                "names card payments, with which this institution has nothing to do: see [prepaid]",
            );
            problems.check(
                !book.feed.contains(&Feed::Credit) || !config.credit.chains.is_empty(),
                key("feed"),
                "names payments on credit, but this institution is no credit node: see [[credit.chains]]",
            );
            if let Some(beneficiary) = &book.beneficiary {
                problems.check(
                    is_user_number(beneficiary),
                    key("beneficiary"),
                    "is no user's number: write what the credit side knows the paid account by",
                );
                problems.check(
                    self.treasury.is_some(),
                    key("beneficiary"),
                    "says who is paid, but nobody pays: add [reconciliation.treasury]",
                );
            }
            problems.check(
                book.time_tolerance_seconds <= MAX_TIME_TOLERANCE_SECONDS,
                key("time_tolerance_seconds"),
                format!("must be at most {MAX_TIME_TOLERANCE_SECONDS}, a day"),
            );
            validate_files(&book.files, |field| key(&format!("files.{field}")), problems);
        }
    }
}

impl ReconciliationBook {
    fn settings(&self) -> BookSettings {
        BookSettings {
            own: self.own,
            accept: self.accept,
            beneficiary: self.beneficiary.clone(),
            tolerance: Tolerance {
                amount: self.amount_tolerance,
                time: self.time_tolerance_seconds.saturating_mul(1_000),
            },
            feeds: self.feed.clone(),
            files: self.files.clone(),
        }
    }
}

fn validate_files(files: &Layout, key: impl Fn(&str) -> String, problems: &mut Problems) {
    let is_separator = files.delimiter.is_ascii() && !files.delimiter.is_ascii_alphanumeric();
    problems.check(
        is_separator && !['"', '\n', '\r', '-', '.'].contains(&files.delimiter),
        key("delimiter"),
        "must be one character that is no part of a field, such as \",\", \";\" or \"\\t\"",
    );
    problems.check(
        DECIMAL_POINTS.contains(&files.decimal_point),
        key("decimal_point"),
        "must be \".\" or \",\"",
    );
    problems.check(
        files.decimals <= MAX_DECIMALS,
        key("decimals"),
        format!("must be at most {MAX_DECIMALS}"),
    );
    let columns = [
        ("id", Some(&files.id)),
        ("amount", Some(&files.amount)),
        ("date", Some(&files.date)),
        ("time", files.time.as_ref()),
        ("payer", files.payer.as_ref()),
        ("asset", files.asset.as_ref()),
    ];
    let mut named = BTreeSet::new();
    for (field, column) in columns {
        problems.check(
            column.is_none_or(|column| !column.trim().is_empty() && named.insert(column)),
            key(field),
            "is empty, or another field's column too: name the column of the file's first line that says it",
        );
    }
    problems.check(
        tells(&files.date_format, |written| {
            civil::Date::strptime(&files.date_format, written).is_ok_and(|read| read == EXAMPLE.date())
        }),
        key("date_format"),
        "doesn't tell one day from another: write it like \"%Y-%m-%d\" or \"%d.%m.%Y\"",
    );
    problems.check(
        tells(&files.time_format, |written| {
            civil::Time::strptime(&files.time_format, written)
                .is_ok_and(|read| (read.hour(), read.minute()) == (EXAMPLE.hour(), EXAMPLE.minute()))
        }),
        key("time_format"),
        "tells no time of day: write it like \"%H:%M:%S\" or \"%H:%M\"",
    );
}

/// Whether what is written in this format can be read again.
fn tells(format: &str, is_read: impl Fn(&str) -> bool) -> bool {
    jiff::fmt::strtime::format(format, EXAMPLE).is_ok_and(|written| is_read(&written))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use protocol::settlement::Asset;

    use super::{
        super::{Config, ConfigError},
        *,
    };
    use crate::assets::AssetName;

    const GOOD: &str = r#"
[reconciliation]
at = "06:00"
time_zone = "Europe/Berlin"
holidays = ["2026-12-25"]
grace_minutes = 30

[reconciliation.treasury]
user = "treasury"
key = "keys/treasury.json"

[[reconciliation.books]]
book = 0
own = "imported"
accept = "chain"
beneficiary = "4711"
amount_tolerance = "1"
time_tolerance_seconds = 60
feed = ["settlement"]

[reconciliation.books.files]
decimals = 2
assets = { EUR = "native" }
delimiter = ";"
id = "Reference"
amount = "Amount"
decimal_point = ","
date = "Booked"
date_format = "%d.%m.%Y"
time = "Time"
time_format = "%H:%M"
payer = "Customer"
asset = "Currency"

[[reconciliation.books]]
book = 7
"#;

    /// The sample with another section of reconciliation.
    fn with(text: &str) -> Result<Config, ConfigError> {
        let (before, rest) = Config::sample().split_once("[reconciliation]\n").unwrap();
        let (_, after) = rest.split_once("\n\n").unwrap();
        Config::parse(
            &format!("{before}\n{after}\n{text}"),
            Path::new("/etc/quittance/bank-a.toml"),
        )
    }

    #[test]
    fn nothing_is_matched_by_itself_by_default() {
        let reconciliation = with("").unwrap().reconciliation;
        assert!(reconciliation.at.is_none() && reconciliation.books.is_empty() && reconciliation.treasury.is_none());
        assert_eq!(reconciliation.schedule().latest(1_798_060_000_000), None);
        assert_eq!(reconciliation.grace_minutes, 60);
    }

    #[test]
    fn books_are_configured_each_for_itself() {
        let reconciliation = with(GOOD).unwrap().reconciliation;
        // A Wednesday in winter: 06:00 in Berlin.
        assert_eq!(
            reconciliation.schedule().latest(1_798_006_000_000),
            Some(1_798_002_000_000)
        );
        assert_eq!(
            reconciliation.treasury.unwrap().key,
            "/etc/quittance/keys/treasury.json"
        );
        let [first, second] = reconciliation.books.as_slice() else {
            panic!("{:?}", reconciliation.books);
        };
        assert_eq!((first.own, first.accept), (OwnBook::Imported, Accept::Chain));
        assert_eq!((first.amount_tolerance, first.time_tolerance_seconds), (1, 60));
        assert_eq!(first.files.assets.get("EUR"), Some(&AssetName(Asset::Native)));
        assert_eq!(first.files.delimiter, ';');
        assert_eq!((second.own, second.accept), (OwnBook::Imported, Accept::ByHand));
        assert!(second.feed.is_empty() && second.files == Layout::default());
        let development = GOOD.replace("keys/treasury.json", "//Treasury");
        let treasury = with(&development).unwrap().reconciliation.treasury.unwrap();
        assert_eq!(treasury.key, "//Treasury");
    }

    #[test]
    fn wrong_values_are_named_with_advice() {
        for (from, to, key) in [
            ("grace_minutes = 30", "grace_minutes = 10081", "grace_minutes"),
            ("user = \"treasury\"", "user = \"\"", "treasury.user"),
            ("book = 7", "book = 0", "books[1].book"),
            ("book = 7", "book = 7\nfeed = [\"settlement\"]", "books[1].feed"),
            ("[\"settlement\"]", "[\"prepaid\"]", "books[0].feed"),
            ("[\"settlement\"]", "[\"credit\"]", "books[0].feed"),
            ("\"4711\"", "\"\"", "books[0].beneficiary"),
            (
                "[reconciliation.treasury]\nuser = \"treasury\"\nkey = \"keys/treasury.json\"\n",
                "",
                "books[0].beneficiary",
            ),
            ("seconds = 60", "seconds = 86401", "books[0].time_tolerance_seconds"),
            ("decimals = 2", "decimals = 19", "books[0].files.decimals"),
            ("\";\"", "\"x\"", "books[0].files.delimiter"),
            ("\";\"", "\"\u{a7}\"", "books[0].files.delimiter"),
            (
                "decimal_point = \",\"",
                "decimal_point = \"'\"",
                "books[0].files.decimal_point",
            ),
            ("\"Reference\"", "\" \"", "books[0].files.id"),
            ("\"Customer\"", "\"Reference\"", "books[0].files.payer"),
            ("%d.%m.%Y", "%d.%m.", "books[0].files.date_format"),
            ("%d.%m.%Y", "%d.%d.%Y", "books[0].files.date_format"),
            ("%H:%M", "%H", "books[0].files.time_format"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let Err(ConfigError::Invalid { problems, .. }) = with(&GOOD.replacen(from, to, 1)) else {
                panic!("{to}");
            };
            let key = format!("reconciliation.{key}");
            assert!(problems.iter().any(|problem| problem.key == key), "{key}: {problems:?}");
        }
        for (from, to, named) in [
            ("Europe/Berlin", "Europe/Atlantis", "Atlantis"),
            ("06:00", "24:00", "24:00"),
            ("2026-12-25", "2026-25-12", "2026-25-12"),
            ("\"imported\"", "\"exported\"", "exported"),
            ("\"chain\"", "\"anyone\"", "anyone"),
            ("\"settlement\"", "\"escrow\"", "escrow"),
            ("\"native\"", "\"gold\"", "gold"),
            ("book = 7", "number = 7", "number"),
        ] {
            let error = with(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(matches!(error, ConfigError::Parse { .. }), "{error}");
            assert!(error.to_string().contains(named), "{error}");
        }
    }

    #[test]
    fn the_sample_s_sections_can_be_taken_as_they_stand() {
        let (before, after) = Config::sample().split_once("#[reconciliation.treasury]").unwrap();
        let (sections, rest) = after.split_once("\n# Who is told what happens").unwrap();
        let taken: String = sections
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(key) if !key.starts_with(' ') => format!("{key}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let text = format!("{before}[reconciliation.treasury]{taken}\n#{rest}");
        let config = Config::parse(&text, Path::new("/etc/quittance/bank-a.toml")).unwrap();
        let book = config.reconciliation.books.first().unwrap();
        assert!(config.reconciliation.treasury.is_some() && book.files.payer.is_some());
    }
}
