//! Why the prepaid contract refuses.
use scale::{Decode, Encode};

use super::CardState;
use crate::{Amount, Timestamp};

/// Why the prepaid contract refuses. Nothing is changed when it does. A payment that breaks a rule is not refused but
/// declined, with a [`super::DeclineCode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub enum Error {
    /// A period of the programme is 0, or longer than 3,650 days.
    BadProgramme,
    /// More than a whole is to be taken as a fee or held as a reserve.
    BadRules,
    /// The caller isn't the issuer's account.
    NotTheIssuer,
    /// The registry has the issuer as suspended or revoked, without that role, or not at all.
    IssuerNotActive,
    /// The registry did not answer.
    RegistryFailed,
    /// The caller isn't the account of the merchant's acquirer.
    NotTheAcquirer,
    /// The number is another card's.
    CardExists,
    /// No card has this number.
    UnknownCard,
    /// The card isn't in a state in which this can be done.
    WrongCardState(CardState),
    /// The card has expired, or would as soon as it is issued.
    CardExpired {
        /// When it expires, in milliseconds since 1970.
        expires_at: Timestamp,
    },
    /// The card has this key already.
    SameKey,
    /// The card may not hold that much.
    AboveBalanceLimit {
        /// How much it may hold, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        limit: Amount,
        /// How much it holds already, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        balance: Amount,
    },
    /// The number is another merchant's.
    MerchantExists,
    /// No merchant has this number.
    UnknownMerchant,
    /// The key is, or was, a terminal's.
    TerminalExists,
    /// No terminal has this key.
    UnknownTerminal,
    /// The terminal's key was revoked.
    TerminalRevoked,
    /// The terminal is another merchant's.
    ForeignMerchant,
    /// The terminal's signature doesn't verify.
    BadTerminalSignature,
    /// The holder's signature doesn't verify.
    BadHolderSignature,
    /// There is no payment, or more than the 64 that one call takes.
    PaymentCount,
    /// The amount is 0.
    ZeroAmount,
    /// The caller put money in under the same reference before.
    ReferenceUsed,
    /// No such payment was taken.
    UnknownPayment,
    /// The payment's cycle is closed: the payment can only be refunded.
    CycleClosed,
    /// The payment was voided before.
    AlreadyVoided,
    /// A part of the payment went back already, or is disputed: it can't be voided.
    NotWhole,
    /// The payment is disputed: what goes back is decided there.
    Disputed,
    /// What the order says went back of the payment before isn't what did: the order was carried out, or something else
    /// happened since it was signed.
    StaleOrder {
        /// What went back before, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        returned: Amount,
    },
    /// More is to go back than is left of the payment.
    AboveReturnable {
        /// How much is left, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        left: Amount,
    },
    /// What the merchant isn't paid yet doesn't suffice, without what is held for disputes. More can be put in.
    MerchantShort {
        /// How much there is, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        available: Amount,
        /// How much is needed.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        needed: Amount,
    },
    /// The payment was disputed before.
    AlreadyDisputed,
    /// The payment isn't disputed.
    NotDisputed,
    /// The merchant's acquirer answered before.
    AlreadyAnswered,
    /// The dispute is decided already.
    AlreadyDecided,
    /// More is to be awarded than the holder wants back.
    AboveClaim {
        /// What the holder wants back, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        claim: Amount,
    },
    /// The time for this is over.
    DeadlinePassed {
        /// When it ended, in milliseconds since 1970.
        deadline: Timestamp,
    },
    /// The time for this has not come.
    TooEarly {
        /// When it begins, in milliseconds since 1970.
        not_before: Timestamp,
    },
    /// Another amount of native tokens was sent along than is due.
    WrongValue {
        /// How much is due, in the native token's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        due: Amount,
    },
    /// The token contract refused to move the tokens: are there enough, and is this contract approved for them?
    TokenRefused,
    /// The token contract moved another amount than it was asked for.
    TokenShort,
    /// The payout failed.
    TransferFailed,
    /// The sum is beyond what an amount can hold.
    Overflow,
    /// More is asked for than the 64 that one query answers.
    TooManyAsked,
}
