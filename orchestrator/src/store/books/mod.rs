//! Books: what the finalized chain has of them, this institution's own lines, and what it records as their client.
mod chain;
mod delivered;
mod entries;
mod feeds;
mod imports;
mod lines;

use protocol::{
    ids::{PayerId, TradeId},
    reconciliation::{BatchId, BookId, Day},
    settlement::Asset,
    Amount, Timestamp,
};
use sqlx::{sqlite::SqliteRow, Row};

pub use self::{
    chain::{KnownBook, KnownClosing, KnownCorrection},
    delivered::Delivered,
    entries::{EntryFilter, EntryRow, EntryState, NewEntry, Queued, Settled},
    feeds::{Answered, CardPayment, Fed},
    imports::{ImportRow, Imported, NewImport, Staging},
    lines::{LineChange, OwnLine, Place as LinePlace},
};
use super::{
    escrow::{integer, natural, word},
    users::corrupt,
    StoreError,
};
use crate::assets::AssetName;

/// The number of a line that was booked as the client delivered it.
pub const DELIVERED: u64 = 0;
/// The number of a line that a correction made.
pub const CORRECTED: u64 = 1;

fn hash(row: &SqliteRow, column: &'static str) -> Result<[u8; 32], StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes.try_into().map_err(|error| corrupt(column, error))
}

fn optional_hash(row: &SqliteRow, column: &'static str) -> Result<Option<[u8; 32]>, StoreError> {
    let bytes: Option<&[u8]> = row.try_get(column)?;
    bytes
        .map(|bytes| bytes.try_into().map_err(|error| corrupt(column, error)))
        .transpose()
}

fn trade(row: &SqliteRow) -> Result<TradeId, StoreError> {
    hash(row, "trade").map(TradeId)
}

fn payer(row: &SqliteRow) -> Result<PayerId, StoreError> {
    hash(row, "payer").map(PayerId)
}

fn batch(row: &SqliteRow) -> Result<Option<BatchId>, StoreError> {
    Ok(optional_hash(row, "batch")?.map(BatchId))
}

fn amount(row: &SqliteRow) -> Result<Amount, StoreError> {
    word(row, "amount")
}

fn asset(row: &SqliteRow) -> Result<Asset, StoreError> {
    word::<AssetName>(row, "asset").map(|name| name.0)
}

fn day(row: &SqliteRow, column: &'static str) -> Result<Day, StoreError> {
    Ok(Day(row.try_get(column)?))
}

fn optional_day(row: &SqliteRow, column: &'static str) -> Result<Option<Day>, StoreError> {
    Ok(row.try_get::<Option<u32>, _>(column)?.map(Day))
}

fn time(row: &SqliteRow, column: &'static str) -> Result<Timestamp, StoreError> {
    natural(row.try_get(column)?)
}

fn optional_time(row: &SqliteRow, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
    row.try_get::<Option<i64>, _>(column)?.map(natural).transpose()
}

fn book(row: &SqliteRow) -> Result<BookId, StoreError> {
    Ok(BookId(row.try_get("book")?))
}

/// What the id of every row of a part of a list is above.
fn above(after: Option<TradeId>) -> Vec<u8> {
    after.map_or_else(Vec::new, |after| after.0.to_vec())
}
