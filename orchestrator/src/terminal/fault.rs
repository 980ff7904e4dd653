//! Why a terminal doesn't do what it is told. Nothing is signed or sent then.
use protocol::{prepaid::PaymentKey, text::to_hex, Amount, Timestamp};

use super::{card::CardError, client::ClientError, disk::DiskError, settings::SettingsError};
use crate::identity::KeyError;

/// Why a terminal doesn't do what it is told.
#[derive(Debug, thiserror::Error)]
pub enum TillError {
    /// A file can't be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// It isn't set up as it must be.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Its key can't be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The way to the acquirer can't be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The card can't be used.
    #[error(transparent)]
    Card(#[from] CardError),
    /// No contract takes such a payment.
    #[error("an amount is above 0, and the least that is taken isn't above it, nor 0")]
    BadAmount,
    /// Another issuer's card.
    #[error("the card {0} belongs to another programme than this terminal: another chain or another contract")]
    OtherProgramme(u64),
    /// Too much to take without asking.
    #[error("offline, this terminal takes at most {floor} at once, not {amount}: take it online")]
    AboveFloor {
        /// What was to be paid.
        amount: Amount,
        /// The most.
        floor: Amount,
    },
    /// Too much waits already.
    #[error(
        "{waiting} wait to be confirmed, and with {amount} more it is above {bound}: run `quittance terminal send` \
         before anything else is taken offline"
    )]
    AboveBound {
        /// What isn't confirmed yet.
        waiting: Amount,
        /// What was to be paid.
        amount: Amount,
        /// The most of both.
        bound: Amount,
    },
    /// The name means something else.
    #[error("the name {name:?} is that of receipt {number}, of another order: an order has a name of its own")]
    OtherOrder {
        /// Which.
        name: String,
        /// Whose it is.
        number: u64,
    },
    /// It isn't known what went before.
    #[error("receipt {number} about the payment {} isn't answered yet: run `quittance terminal send`", key(.payment))]
    StillWaits {
        /// Which.
        number: u64,
        /// Of which payment.
        payment: PaymentKey,
    },
    /// The terminal didn't take it.
    #[error(
        "this terminal has no receipt of a payment {}: name it by card and counter, such as 7/3, if another terminal \
         took it", to_hex(.0)
    )]
    UnknownPayment([u8; 32]),
    /// It was declined.
    #[error("the payment {} was not taken: there is nothing to give back", key(.0))]
    NotTaken(PaymentKey),
    /// All of it went back.
    #[error("nothing is left of the payment {} to be given back", key(.0))]
    NothingLeft(PaymentKey),
    /// Another terminal took it.
    #[error("this terminal didn't take the payment {}: say how much is given back with --amount", key(.0))]
    AmountNeeded(PaymentKey),
    /// No such order waits.
    #[error("no order with the receipt number {0} waits: see `quittance terminal queue`")]
    UnknownOrder(u64),
    /// It may still be carried out.
    #[error(
        "the order of receipt {number} may still be carried out until {expires_at} (milliseconds since 1970), and is \
             asked about until some minutes later"
    )]
    NotExpired {
        /// Which.
        number: u64,
        /// In milliseconds since 1970.
        expires_at: Timestamp,
    },
}

/// A payment as people write it.
pub(super) fn key((card, counter): &PaymentKey) -> String {
    format!("{}/{counter}", card.0)
}
