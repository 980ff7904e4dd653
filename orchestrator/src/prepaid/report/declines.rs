//! Declined payments, by code and merchant.
use std::collections::BTreeMap;

use protocol::prepaid::{DeclineCode, MerchantNumber};
use serde::{Deserialize, Serialize};

use super::{Blocks, Span, Sum};
use crate::prepaid::book::Book;

/// How often one merchant's payments were declined for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclineCount {
    /// The merchant that was named. Nobody need have signed that.
    pub merchant: MerchantNumber,
    /// Why.
    pub code: DeclineCode,
    /// How many, and how much was asked for.
    pub declined: Sum,
    /// The blocks of the first and the last.
    pub blocks: Blocks,
}

/// Those of a span, by merchant, then by code.
pub fn of(book: &Book, span: &Span) -> Vec<DeclineCount> {
    let mut counts: BTreeMap<(MerchantNumber, DeclineCode), (Sum, Blocks)> = BTreeMap::new();
    for declined in book.declined().iter().filter(|declined| span.holds(&declined.at)) {
        let block = declined.at.block;
        let first = Blocks {
            first: block,
            last: block,
        };
        let key = (declined.payment.merchant, declined.code);
        let (sum, blocks) = counts.entry(key).or_insert((Sum::default(), first));
        sum.add(declined.payment.amount);
        blocks.last = block;
    }
    let count = |((merchant, code), (declined, blocks))| DeclineCount {
        merchant,
        code,
        declined,
        blocks,
    };
    counts.into_iter().map(count).collect()
}

/// A code in a word, as JSON has it.
pub fn code_name(code: DeclineCode) -> String {
    let value = serde_json::to_value(code).unwrap_or_default();
    value.as_str().unwrap_or("unknown").to_owned()
}
