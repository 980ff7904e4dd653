//! Parts of lists that begin with the newest row.
use protocol::Timestamp;
use serde::{Deserialize, Serialize};

use super::{users::corrupt, StoreError};

/// A row's place in such a list: when the row was made, and its id. Rows that come later don't move it, so that a list
/// that is read from place to place has every row that was there at the start once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Milliseconds since 1970.
    pub at: Timestamp,
    /// Tells rows of the same millisecond apart.
    pub id: String,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// At most how many rows.
    pub limit: u32,
    /// The last row of the part before; `None` is the start of the list.
    pub after: Option<Place>,
}

impl Page {
    /// The newest rows.
    pub const fn first(limit: u32) -> Self {
        Self { limit, after: None }
    }

    /// What (time, id) of every row is below.
    pub(super) fn bound(&self) -> Result<(i64, &str), StoreError> {
        match &self.after {
            None => Ok((i64::MAX, "")),
            Some(place) => {
                let at = i64::try_from(place.at).map_err(|error| corrupt("place in a list", error))?;
                Ok((at, &place.id))
            }
        }
    }
}
