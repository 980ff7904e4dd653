//! Disputes: what is open, since when, and for how long the issuer has left it alone.
use protocol::{
    prepaid::{CardNumber, MerchantNumber},
    Amount, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{Span, Sum};
use crate::prepaid::book::Book;

/// A dispute that isn't decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenDispute {
    /// Whose payment.
    pub card: CardNumber,
    /// Which.
    pub counter: u64,
    /// Who took it.
    pub merchant: MerchantNumber,
    /// What the holder wants back, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub amount: Amount,
    /// The block that it was opened in.
    pub opened_in: u32,
    /// When, in milliseconds since 1970.
    pub opened_at: Timestamp,
    /// The issuer decides strictly before.
    pub rule_by: Timestamp,
    /// Whether the acquirer answered.
    pub is_answered: bool,
    /// Whether the issuer's time is over: anyone can have the default hold.
    pub is_overdue: bool,
}

/// Disputes: those that are open after the last block, and what became of those decided within the span.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disputes {
    /// Those that aren't decided.
    pub open: Vec<OpenDispute>,
    /// How many were opened, and how much was wanted.
    pub opened: Sum,
    /// How many the issuer decided, and how much went back.
    pub ruled: Sum,
    /// How many were decided for lack of a decision in time, and how much went back.
    pub defaulted: Sum,
}

/// The programme's.
pub fn of(book: &Book, span: &Span, now: Timestamp) -> Disputes {
    let mut disputes = Disputes::default();
    for ((card, counter), book) in book.disputes() {
        let dispute = book.dispute;
        if span.holds(&book.opened) {
            disputes.opened.add(dispute.amount);
        }
        match book.decided {
            Some((at, is_default)) if span.holds(&at) => {
                let sum = if is_default {
                    &mut disputes.defaulted
                } else {
                    &mut disputes.ruled
                };
                sum.add(dispute.awarded.unwrap_or_default());
            }
            Some(_) => {}
            None => disputes.open.push(OpenDispute {
                card,
                counter,
                merchant: book.merchant,
                amount: dispute.amount,
                opened_in: book.opened.block,
                opened_at: dispute.opened_at,
                rule_by: dispute.rule_by,
                is_answered: dispute.answer.is_some(),
                is_overdue: now >= dispute.rule_by,
            }),
        }
    }
    disputes
}
