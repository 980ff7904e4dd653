//! What a holder sees of its card, and a merchant of what it took (S4.5). From the same book as everything else.
use protocol::{
    prepaid::{Card, CardNumber, DeclineCode, Dispute, Merchant, MerchantNumber},
    Amount,
};
use serde::{Deserialize, Serialize};

use crate::{
    chain::deployment::to_ss58,
    prepaid::{
        book::{Book, CardEntry, CardMovement, Declined, PaymentBook},
        past::At,
        statements::{signed, StatementError},
    },
};

/// A movement on a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderLine {
    /// What moved.
    pub kind: CardEntry,
    /// What it changes of what the card holds, in the asset's smallest unit; below 0 it lessens it. Nothing, where it went
    /// past a closed card to its holder.
    #[serde(with = "protocol::text::amount")]
    pub amount: i128,
    /// What was paid to the holder's account instead: the card is, or was, closed.
    #[serde(with = "protocol::text::amount")]
    pub to_holder: Amount,
    /// What the card held afterwards.
    #[serde(with = "protocol::text::amount")]
    pub balance: Amount,
    /// The payment's counter.
    pub counter: Option<u64>,
    /// The payment's merchant.
    pub merchant: Option<MerchantNumber>,
    /// The payment's reference; of a top-up, what the one who paid knows it by.
    #[serde(with = "protocol::text::optional_bytes")]
    pub reference: Option<[u8; 32]>,
    /// The event that tells of it.
    pub at: At,
    /// Its place in the event.
    pub line: u32,
}

/// A payment that was declined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclinedLine {
    /// Whose card was named.
    pub card: CardNumber,
    /// The counter it was given. It isn't used by that.
    pub counter: u64,
    /// The merchant that was to be paid.
    pub merchant: MerchantNumber,
    /// The terminal that was named.
    pub terminal: String,
    /// What was to be paid, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub amount: Amount,
    /// The payment's reference.
    #[serde(with = "protocol::text::bytes")]
    pub reference: [u8; 32],
    /// Why.
    pub code: DeclineCode,
    /// The event that tells of it.
    pub at: At,
    /// Its place in the event.
    pub line: u32,
}

/// A card as its holder sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderView {
    /// Its number.
    pub number: CardNumber,
    /// As it stands.
    pub card: Card,
    /// What moved on it, in order.
    pub movements: Vec<HolderLine>,
    /// What was declined.
    pub declined: Vec<DeclinedLine>,
}

impl HolderView {
    /// A card's; `None` where there is no such card.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn of(book: &Book, number: CardNumber) -> Result<Option<Self>, StatementError> {
        let Some(card) = book.card(number) else {
            return Ok(None);
        };
        let line = |movement: &CardMovement| {
            let moved = signed(movement.kind.lessens(), movement.amount)?;
            // A payout empties the card; what comes back to a closed one never touches it.
            let past = movement.to_holder && movement.kind != CardEntry::Payout;
            Ok(HolderLine {
                kind: movement.kind,
                amount: if past { 0 } else { moved },
                to_holder: if movement.to_holder { movement.amount } else { 0 },
                balance: movement.balance,
                counter: movement.counter,
                merchant: movement.merchant,
                reference: movement.reference,
                at: movement.at,
                line: movement.line,
            })
        };
        let movements: Result<Vec<HolderLine>, StatementError> = card.movements.iter().map(line).collect();
        let its = book.declined().iter().filter(|one| one.payment.card == number);
        Ok(Some(Self {
            number,
            card: card.card,
            movements: movements?,
            declined: its.map(declined).collect(),
        }))
    }
}

/// A payment that a merchant took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenLine {
    /// Whose card.
    pub card: CardNumber,
    /// The counter it was given.
    pub counter: u64,
    /// The payment's reference.
    #[serde(with = "protocol::text::bytes")]
    pub reference: [u8; 32],
    /// The terminal that took it.
    pub terminal: String,
    /// What was asked for, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub asked: Amount,
    /// What was taken.
    #[serde(with = "protocol::text::amount")]
    pub taken: Amount,
    /// What of it went back.
    #[serde(with = "protocol::text::amount")]
    pub returned: Amount,
    /// Whether it was voided.
    pub is_voided: bool,
    /// The cycle that it is in.
    pub cycle: u32,
    /// The holder's objection, if there is one.
    pub dispute: Option<Dispute>,
    /// The event that tells of it.
    pub at: At,
    /// Its place in the event.
    pub line: u32,
}

/// A merchant as it sees itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerchantView {
    /// Its number.
    pub number: MerchantNumber,
    /// As it stands, with the open cycle.
    pub merchant: Merchant,
    /// Its terminals, and whether their keys are good.
    pub terminals: Vec<TerminalLine>,
    /// What it took, in order.
    pub payments: Vec<TakenLine>,
    /// What was declined.
    pub declined: Vec<DeclinedLine>,
}

/// A merchant's terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalLine {
    /// Its public key, as an address.
    pub terminal: String,
    /// Whether its key is no longer good.
    pub is_revoked: bool,
}

impl MerchantView {
    /// A merchant's; `None` where there is no such merchant. Only what was taken in this cycle, if one is said.
    pub fn of(book: &Book, number: MerchantNumber, cycle: Option<u32>) -> Option<Self> {
        let merchant = book.merchant(number)?;
        let its = book.terminals().filter(|(_, terminal)| terminal.merchant == number);
        let terminals = its.map(|(key, terminal)| TerminalLine {
            terminal: to_ss58(&key),
            is_revoked: terminal.is_revoked,
        });
        let its = book.payments().filter(|(_, taken)| taken.record.merchant == number);
        let its = its.filter(|(_, taken)| cycle.is_none_or(|cycle| taken.record.cycle == cycle));
        let taken = |((card, counter), taken): ((CardNumber, u64), &PaymentBook)| TakenLine {
            card,
            counter,
            reference: taken.record.reference,
            terminal: to_ss58(&taken.payment.terminal),
            asked: taken.payment.amount,
            taken: taken.record.taken,
            returned: taken.record.returned,
            is_voided: taken.record.is_voided,
            cycle: taken.record.cycle,
            dispute: book.dispute((card, counter)),
            at: taken.at,
            line: taken.line,
        };
        let refused = book.declined().iter().filter(|one| one.payment.merchant == number);
        let mut payments: Vec<TakenLine> = its.map(taken).collect();
        payments.sort_by_key(|line| (line.at, line.line));
        Some(Self {
            number,
            merchant: merchant.state(),
            terminals: terminals.collect(),
            payments,
            declined: refused.map(declined).collect(),
        })
    }
}

fn declined(one: &Declined) -> DeclinedLine {
    DeclinedLine {
        card: one.payment.card,
        counter: one.payment.counter,
        merchant: one.payment.merchant,
        terminal: to_ss58(&one.payment.terminal),
        amount: one.payment.amount,
        reference: one.payment.reference(),
        code: one.code,
        at: one.at,
        line: one.line,
    }
}
