//! Windows of deferred net settlement, as they look in JSON.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, Asset, Member};

described! {
    /// What a member is owed and owes in a window.
    Position {
        /// The sum of what it is owed.
        owed: Amount,
        /// The sum of what it owes.
        owes: Amount,
    }

    /// One position of a certificate.
    CertificateLine {
        /// Whose.
        member: Member,
        /// In what.
        asset: Asset,
        /// What it was owed and owed.
        position: Position,
        /// How far it might go negative when the window was paid.
        cap: Amount,
    }

    /// What was netted and paid: per asset, what members were owed is what members owed.
    Certificate {
        /// The window's number.
        window: u32,
        /// The vouchers in it.
        vouchers: u32,
        /// Every position, in the order of the window.
        lines: Vec<CertificateLine>,
    }

    /// A member that can't pay its net debit.
    Shortfall {
        /// Who.
        member: Member,
        /// In what.
        asset: Asset,
        /// What it can spend.
        available: Amount,
        /// What it has to pay.
        needed: Amount,
    }
}
