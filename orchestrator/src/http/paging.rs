//! How lists are handed out: page by page with opaque cursors, as JSON or as CSV.
use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts, HeaderValue, Uri},
    response::{IntoResponse, Response},
};
use base64::{engine::general_purpose::URL_SAFE_NO_PAD, Engine};
use reqwest::Url;
use serde::{de::DeserializeOwned, Deserialize, Serialize};
use utoipa::IntoParams;

use super::{error::ApiError, extractor::Json};
use crate::store::{Page, Place};

/// The most entries of one page.
pub const MAX_PAGE: u32 = 100;
const USUAL_PAGE: u32 = 50;
const CSV: &str = "text/csv";

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// At most how many, 1 to 100; 50 if it isn't said.
    limit: Option<u32>,
    /// Where the page before said that this one begins; the start of the list if it isn't said.
    cursor: Option<String>,
}

impl PageQuery {
    /// The page of a list with the newest first.
    ///
    /// # Errors
    /// The cursor is of no such list.
    pub fn page(&self) -> Result<Page, ApiError> {
        page(self.limit, self.cursor.as_deref())
    }
}

/// How many entries a page has.
pub fn limit(asked: Option<u32>) -> u32 {
    asked.unwrap_or(USUAL_PAGE).clamp(1, MAX_PAGE)
}

/// The page of a list with the newest first.
///
/// # Errors
/// The cursor is of no such list.
pub fn page(asked: Option<u32>, cursor: Option<&str>) -> Result<Page, ApiError> {
    Ok(Page {
        limit: limit(asked),
        after: after(cursor)?,
    })
}

/// The entry that a cursor stands behind; `None` at the start of the list.
///
/// # Errors
/// The cursor is of no such list.
pub fn after<K: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<K>, ApiError> {
    let read = |text: &str| {
        let key = URL_SAFE_NO_PAD.decode(text).ok()?;
        serde_json::from_slice(&key).ok()
    };
    let wrong = || ApiError::Malformed("the cursor is of no page of this list: leave it out to begin anew".into());
    cursor.map(|text| read(text).ok_or_else(wrong)).transpose()
}

/// The cursor that stands behind an entry.
///
/// # Errors
/// The key can't be written as JSON.
pub fn cursor<K: Serialize>(key: &K) -> Result<String, ApiError> {
    let json = serde_json::to_vec(key).map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

/// The cursor of the next page, if this one is full.
///
/// # Errors
/// As [`cursor`].
pub fn next<T>(page: &Page, found: &[T], place: impl FnOnce(&T) -> Place) -> Result<Option<String>, ApiError> {
    let is_full = found.len() >= usize::try_from(page.limit).unwrap_or(usize::MAX);
    let last = found.last().filter(|_| is_full);
    last.map(|last| cursor(&place(last))).transpose()
}

/// The part of a list that is in memory: what the key of which is behind the cursor, and the next page's cursor.
///
/// # Errors
/// As [`cursor`].
pub fn cut<T, K: Ord + Serialize>(
    mut list: Vec<T>,
    key: impl Fn(&T) -> K,
    after: Option<&K>,
    limit: u32,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    list.retain(|entry| after.is_none_or(|after| key(entry) > *after));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = list.len() > limit;
    list.truncate(limit);
    let next = list
        .last()
        .filter(|_| more)
        .map(|last| cursor(&key(last)))
        .transpose()?;
    Ok((list, next))
}

/// A row of CSV.
pub trait Line {
    /// What the columns are called.
    const COLUMNS: &'static [&'static str];
    /// One value for each column; empty where there is none.
    fn cells(&self) -> Vec<String>;
}

/// What stands in a cell for something that may be missing.
pub fn cell<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// How the client wants a list, and under which address it asked for it.
#[derive(Debug)]
pub struct Shown {
    csv: bool,
    uri: Uri,
}

impl<S: Send + Sync> FromRequestParts<S> for Shown {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let accepted = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let kinds = accepted.unwrap_or_default().split(',');
        let kinds = kinds.filter_map(|kind| kind.split(';').next()).map(str::trim);
        // The first one named that there is: who wants CSV says so.
        let named = kinds.filter(|kind| *kind == CSV || *kind == "application/json" || kind.ends_with("/*"));
        Ok(Self {
            csv: named.take(1).any(|kind| kind == CSV),
            uri: parts.uri.clone(),
        })
    }
}

impl Shown {
    /// Answers with a page: the JSON as it is, or its rows. The `Link` header leads to the next page, if there is one.
    ///
    /// # Errors
    /// The rows can't be written.
    pub fn answer<T: Serialize, L: Line>(
        &self,
        page: T,
        next: Option<&str>,
        lines: impl FnOnce(&T) -> Vec<L>,
    ) -> Result<Response, ApiError> {
        let mut response = if self.csv {
            csv(&lines(&page))?
        } else {
            Json(page).into_response()
        };
        if let Some(link) = next.and_then(|cursor| self.link(cursor)) {
            response.headers_mut().insert(header::LINK, link);
        }
        Ok(response)
    }

    fn link(&self, cursor: &str) -> Option<HeaderValue> {
        // Only the path and the query are of use: the host may be a proxy's.
        let base = Url::parse("http://service").ok()?;
        let mut url = base.join(self.uri.path_and_query()?.as_str()).ok()?;
        let kept: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| name != "cursor")
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        url.query_pairs_mut()
            .clear()
            .extend_pairs(kept)
            .append_pair("cursor", cursor);
        let link = format!("<{}?{}>; rel=\"next\"", url.path(), url.query()?);
        HeaderValue::from_str(&link).ok()
    }
}

fn csv<L: Line>(lines: &[L]) -> Result<Response, ApiError> {
    let failed = |error: csv::Error| ApiError::Internal(format!("CSV can't be written: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(L::COLUMNS).map_err(failed)?;
    for line in lines {
        writer.write_record(line.cells()).map_err(failed)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| ApiError::Internal(format!("CSV can't be written: {error}")))?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], bytes).into_response())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_place_and_to_no_other_list() {
        let place = Place {
            at: 5,
            id: "0x12".into(),
        };
        let text = cursor(&place).unwrap();
        assert!(text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(after(Some(&text)).unwrap(), Some(place));
        assert!(after::<u32>(Some(&text)).is_err());
        assert!(after::<Place>(Some("?")).is_err());
        assert_eq!(after::<Place>(None).unwrap(), None);
    }

    #[test]
    fn a_list_in_memory_is_cut_into_pages_that_have_every_entry_once() {
        let list: Vec<u32> = (0..7).collect();
        let (mut seen, mut behind) = (Vec::new(), None);
        loop {
            let (part, next) = cut(list.clone(), |entry| *entry, behind.as_ref(), 3).unwrap();
            assert!(part.len() <= 3);
            seen.extend(part);
            match next {
                Some(cursor) => behind = after(Some(&cursor)).unwrap(),
                None => break,
            }
        }
        assert_eq!(seen, list);
    }

    #[test]
    fn the_link_to_the_next_page_keeps_the_filter() {
        let shown = Shown {
            csv: true,
            uri: "/v1/payments?state=cleared&cursor=old&limit=2".parse().unwrap(),
        };
        let link = shown.link("new").unwrap();
        assert_eq!(link, "</v1/payments?state=cleared&limit=2&cursor=new>; rel=\"next\"");
    }
}
