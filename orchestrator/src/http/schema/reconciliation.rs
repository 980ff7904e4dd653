//! The types of reconciliation as they look in JSON.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Asset, Member, Timestamp};

described! {
    /// What both sides of a book sign.
    BookTerms {
        /// Who records what customers paid.
        client: Member,
        /// Who owes what the entries say.
        debit: Member,
        /// Who is owed it.
        credit: Member,
        /// In what.
        asset: Asset,
        /// By whose clocks days begin: the name of a time zone, such as `Europe/Berlin`.
        zone: String,
        /// How long after a day's end one side alone may close it, in milliseconds.
        patience: Timestamp,
        /// Tells books of the same terms apart.
        number: u32,
    }
}
