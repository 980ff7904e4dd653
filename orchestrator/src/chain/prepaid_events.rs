//! The events of a card issuer's contract, as it lays them out.
use super::{events::decode, ChainError};
use crate::prepaid::past::Event;

/// The events, as the contract names them. All of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    ProgrammeSet,
    MerchantRegistered,
    MerchantSwitched,
    RulesSet,
    TerminalAdded,
    TerminalRevoked,
    CardIssued,
    LimitsSet,
    Frozen,
    Unfrozen,
    CardReplaced,
    CardClosed,
    ToppedUp,
    PaymentsDecided,
    Voided,
    Refunded,
    MerchantFunded,
    DisputeOpened,
    DisputeAnswered,
    DisputeDecided,
    CycleClosed,
}

pub(crate) const KINDS: [(&str, Kind); 21] = [
    ("ProgrammeSet", Kind::ProgrammeSet),
    ("MerchantRegistered", Kind::MerchantRegistered),
    ("MerchantSwitched", Kind::MerchantSwitched),
    ("RulesSet", Kind::RulesSet),
    ("TerminalAdded", Kind::TerminalAdded),
    ("TerminalRevoked", Kind::TerminalRevoked),
    ("CardIssued", Kind::CardIssued),
    ("LimitsSet", Kind::LimitsSet),
    ("Frozen", Kind::Frozen),
    ("Unfrozen", Kind::Unfrozen),
    ("CardReplaced", Kind::CardReplaced),
    ("CardClosed", Kind::CardClosed),
    ("ToppedUp", Kind::ToppedUp),
    ("PaymentsDecided", Kind::PaymentsDecided),
    ("Voided", Kind::Voided),
    ("Refunded", Kind::Refunded),
    ("MerchantFunded", Kind::MerchantFunded),
    ("DisputeOpened", Kind::DisputeOpened),
    ("DisputeAnswered", Kind::DisputeAnswered),
    ("DisputeDecided", Kind::DisputeDecided),
    ("CycleClosed", Kind::CycleClosed),
];

/// Reads an event's fields, in the contract's order.
pub(crate) fn event(kind: Kind, data: &[u8]) -> Result<Event, ChainError> {
    Ok(match kind {
        Kind::ProgrammeSet => Event::ProgrammeSet(decode(data)?),
        Kind::MerchantRegistered => {
            let (merchant, acquirer, account, rules) = decode(data)?;
            Event::MerchantRegistered {
                merchant,
                acquirer,
                account,
                rules,
            }
        }
        Kind::MerchantSwitched => {
            let (merchant, is_active) = decode(data)?;
            Event::MerchantSwitched { merchant, is_active }
        }
        Kind::RulesSet => {
            let (merchant, rules) = decode(data)?;
            Event::RulesSet { merchant, rules }
        }
        Kind::TerminalAdded => {
            let (merchant, terminal) = decode(data)?;
            Event::TerminalAdded { merchant, terminal }
        }
        Kind::TerminalRevoked => {
            let (merchant, terminal) = decode(data)?;
            Event::TerminalRevoked { merchant, terminal }
        }
        Kind::CycleClosed => {
            let (merchant, statement) = decode(data)?;
            Event::CycleClosed {
                merchant,
                statement: Box::new(statement),
            }
        }
        Kind::MerchantFunded => {
            let (merchant, amount, reference, by) = decode(data)?;
            Event::MerchantFunded {
                merchant,
                amount,
                reference,
                by,
            }
        }
        Kind::CardIssued
        | Kind::LimitsSet
        | Kind::Frozen
        | Kind::Unfrozen
        | Kind::CardReplaced
        | Kind::CardClosed
        | Kind::ToppedUp => card_event(kind, data)?,
        Kind::PaymentsDecided => Event::PaymentsDecided(decode(data)?),
        Kind::Voided | Kind::Refunded | Kind::DisputeOpened | Kind::DisputeAnswered | Kind::DisputeDecided => {
            payment_event(kind, data)?
        }
    })
}

fn card_event(kind: Kind, data: &[u8]) -> Result<Event, ChainError> {
    Ok(match kind {
        Kind::CardIssued => {
            let (card, key, holder, limits, expires_at) = decode(data)?;
            Event::CardIssued {
                card,
                key,
                holder,
                limits,
                expires_at,
            }
        }
        Kind::LimitsSet => {
            let (card, limits) = decode(data)?;
            Event::LimitsSet { card, limits }
        }
        Kind::CardReplaced => {
            let (card, key) = decode(data)?;
            Event::CardReplaced { card, key }
        }
        Kind::CardClosed => {
            let (card, holder, amount) = decode(data)?;
            Event::CardClosed { card, holder, amount }
        }
        Kind::ToppedUp => {
            let (card, amount, reference, by) = decode(data)?;
            Event::ToppedUp {
                card,
                amount,
                reference,
                by,
            }
        }
        Kind::Frozen => Event::Frozen(decode(data)?),
        _ => Event::Unfrozen(decode(data)?),
    })
}

fn payment_event(kind: Kind, data: &[u8]) -> Result<Event, ChainError> {
    Ok(match kind {
        Kind::Voided => {
            let (key, amount) = decode(data)?;
            Event::Voided { key, amount }
        }
        Kind::Refunded => {
            let (key, amount) = decode(data)?;
            Event::Refunded { key, amount }
        }
        Kind::DisputeOpened => {
            let (key, amount, evidence, rule_by) = decode(data)?;
            Event::DisputeOpened {
                key,
                amount,
                evidence,
                rule_by,
            }
        }
        Kind::DisputeAnswered => {
            let (key, answer, rule_by) = decode(data)?;
            Event::DisputeAnswered { key, answer, rule_by }
        }
        _ => {
            let (key, awarded, is_default) = decode(data)?;
            Event::DisputeDecided {
                key,
                awarded,
                is_default,
            }
        }
    })
}

#[cfg(test)]
#[path = "prepaid_events_tests.rs"]
mod tests;
