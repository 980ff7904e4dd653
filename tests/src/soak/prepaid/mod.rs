//! Random calls to an issuer's contract, in native tokens and in a token that may be hostile, by everyone.
mod calls;
mod orders;
mod rules;
mod scene;
mod steps;
mod sums;
mod world;

use protocol::prepaid::DeclineCode;

pub use self::{steps::step, world::World};

/// How many messages change the state.
pub const MESSAGES: usize = 22;
/// What must happen in a run that tells anything.
pub const HAPPENINGS: [&str; 29] = [
    IN_PART,
    "bad amount",
    "partial not allowed",
    "payment expired",
    "unknown terminal",
    "foreign merchant",
    "terminal revoked",
    "merchant suspended",
    "bad terminal signature",
    "unknown card",
    "bad card signature",
    "counter used",
    "card closed",
    "card frozen",
    "card expired",
    "above payment limit",
    "above day limit",
    "insufficient funds",
    VOIDED,
    REFUNDED,
    REFUNDED_LATER,
    TO_HOLDER,
    AWARDED,
    DEFAULTED,
    CONTESTED,
    SHORT,
    PAID_OUT,
    CARRIED,
    FEE_LEFT,
];

const APPROVED: &str = "payments approved";
const IN_PART: &str = "in part";
const VOIDED: &str = "voided";
const REFUNDED: &str = "refunds";
const REFUNDED_LATER: &str = "refunds in a later cycle";
const TO_HOLDER: &str = "returns to holders of closed cards";
const AWARDED: &str = "disputes won";
const DEFAULTED: &str = "disputes that nobody decided";
const CONTESTED: &str = "refunds that a dispute stopped";
const SHORT: &str = "awards that a merchant was short for";
const PAID_OUT: &str = "cycles paid out";
const CARRIED: &str = "cycles carried over";
const FEE_LEFT: &str = "fees that could not be taken";

/// What a declined payment is counted under.
const fn declined(code: DeclineCode) -> &'static str {
    match code {
        DeclineCode::BadAmount => "bad amount",
        DeclineCode::PartialNotAllowed => "partial not allowed",
        DeclineCode::PaymentExpired => "payment expired",
        DeclineCode::UnknownTerminal => "unknown terminal",
        DeclineCode::ForeignMerchant => "foreign merchant",
        DeclineCode::TerminalRevoked => "terminal revoked",
        DeclineCode::MerchantSuspended => "merchant suspended",
        DeclineCode::BadTerminalSignature => "bad terminal signature",
        DeclineCode::UnknownCard => "unknown card",
        DeclineCode::BadCardSignature => "bad card signature",
        DeclineCode::CounterUsed => "counter used",
        DeclineCode::CardClosed => "card closed",
        DeclineCode::CardFrozen => "card frozen",
        DeclineCode::CardExpired => "card expired",
        DeclineCode::AbovePaymentLimit => "above payment limit",
        DeclineCode::AboveDayLimit => "above day limit",
        DeclineCode::InsufficientFunds => "insufficient funds",
        DeclineCode::Overflow => "overflow",
    }
}
