//! A book between two institutions of a network (S3.1 to S3.5).
mod files;
mod planted;

pub use files::{camt053, csv, date};
pub use planted::{Booked, Payment, PlantedDay};
