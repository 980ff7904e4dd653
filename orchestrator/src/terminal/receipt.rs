//! What a terminal tells of an order.
use protocol::{
    prepaid::{CardNumber, DeclineCode, MerchantNumber},
    Amount, Timestamp,
};
use serde::Serialize;

use super::{
    desk::Trouble,
    queue::{Entry, Outcome},
    till::Sent,
};
use crate::{
    peers::client::Failure,
    prepaid::messages::{Decline, OrderAnswer, TerminalOrder},
};

/// What became of an order, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The payment is taken.
    Approved,
    /// Money went back to the card.
    Returned,
    /// Nothing was taken, or nothing went back.
    Declined,
    /// Taken without asking; sent later.
    Offline,
    /// Signed and sent, or about to be; not answered.
    Unanswered,
    /// It expired without an answer, and was given up.
    Dropped,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// To take a payment.
    Payment,
    /// To undo one.
    Void,
    /// To give one back, or a part of it.
    Refund,
}

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Each once, ascending.
    pub number: u64,
    /// What the merchant calls it.
    pub name: Option<String>,
    /// What became of it.
    pub state: State,
    /// What was asked for.
    pub kind: Kind,
    /// Who is paid.
    pub merchant: MerchantNumber,
    /// Whose card.
    pub card: CardNumber,
    /// The number that the card gave the payment.
    pub counter: u64,
    /// The order's reference: what the issuer and, for a payment, the chain know it by.
    #[serde(with = "protocol::text::bytes")]
    pub reference: [u8; 32],
    /// What was asked for, in the asset's smallest unit; nothing in a void.
    #[serde(with = "protocol::text::optional_amount")]
    pub amount: Option<Amount>,
    /// What was taken or went back.
    #[serde(with = "protocol::text::optional_amount")]
    pub moved: Option<Amount>,
    /// What the card holds after a payment.
    #[serde(with = "protocol::text::optional_amount")]
    pub balance: Option<Amount>,
    /// The merchant's cycle that a payment is in.
    pub cycle: Option<u32>,
    /// The number of the finalized block.
    pub block: Option<u32>,
    /// Its hash.
    #[serde(with = "protocol::text::optional_bytes")]
    pub block_hash: Option<[u8; 32]>,
    /// Why it was declined, for programs.
    pub code: Option<Decline>,
    /// Why it was declined, or isn't answered.
    pub reason: Option<String>,
    /// What to do now, if it isn't done.
    pub advice: Option<&'static str>,
    /// In milliseconds since 1970.
    pub signed_at: Timestamp,
    /// Carried out strictly before; in milliseconds since 1970.
    pub expires_at: Timestamp,
    /// When the final answer came, in milliseconds since 1970.
    pub answered_at: Option<Timestamp>,
}

impl Receipt {
    fn unanswered(entry: &Entry) -> Self {
        let kind = match entry.order {
            TerminalOrder::Pay { .. } => Kind::Payment,
            TerminalOrder::Void { .. } => Kind::Void,
            TerminalOrder::Refund { .. } => Kind::Refund,
        };
        let (card, counter) = entry.payment();
        Self {
            number: entry.number,
            name: entry.name.clone(),
            state: if entry.is_offline {
                State::Offline
            } else {
                State::Unanswered
            },
            kind,
            merchant: entry.merchant,
            card,
            counter,
            reference: entry.order.reference(),
            amount: entry.amount(),
            moved: None,
            balance: None,
            cycle: None,
            block: None,
            block_hash: None,
            code: None,
            reason: None,
            advice: Some(if entry.is_offline {
                "nobody has confirmed this payment yet: run `quittance terminal send` while it is valid"
            } else {
                "it may still be carried out while it is valid: `quittance terminal send` asks again"
            }),
            signed_at: entry.signed_at,
            expires_at: entry.expires_at(),
            answered_at: None,
        }
    }

    fn decide(&mut self, answer: &OrderAnswer) {
        match answer {
            OrderAnswer::Pending => {}
            OrderAnswer::Approved {
                taken,
                balance,
                cycle,
                block,
                block_hash,
            } => {
                self.state = State::Approved;
                self.moved = Some(*taken);
                self.balance = Some(*balance);
                self.cycle = Some(*cycle);
                self.block = Some(*block);
                self.block_hash = Some(*block_hash);
            }
            OrderAnswer::Returned {
                amount,
                block,
                block_hash,
            } => {
                self.state = State::Returned;
                self.moved = Some(*amount);
                self.block = Some(*block);
                self.block_hash = Some(*block_hash);
            }
            OrderAnswer::Declined { code, reason } => {
                self.state = State::Declined;
                self.code = Some(*code);
                self.reason = Some(reason.clone());
                self.advice = Some(advice(*code));
            }
        }
    }
}

impl From<&Entry> for Receipt {
    fn from(entry: &Entry) -> Self {
        let mut receipt = Self::unanswered(entry);
        match &entry.outcome {
            None => {}
            Some(Outcome::Answered { answer, at }) => {
                receipt.advice = None;
                receipt.answered_at = Some(*at);
                receipt.decide(answer);
            }
            Some(Outcome::Dropped { at }) => {
                receipt.state = State::Dropped;
                receipt.answered_at = Some(*at);
                receipt.advice =
                    Some("ask the acquirer about this reference: the terminal doesn't know what became of it");
            }
        }
        receipt
    }
}

impl From<&Sent> for Receipt {
    fn from(sent: &Sent) -> Self {
        let mut receipt = Self::from(&sent.entry);
        if let Some(trouble) = &sent.trouble {
            receipt.reason = Some(trouble.to_string());
            if let Trouble::Failed(Failure::Rejected { .. }) = trouble {
                receipt.advice = Some(
                    "the acquirer doesn't take it: put that right and run `quittance terminal send`, or drop it once it has expired",
                );
            }
        }
        receipt
    }
}

/// What a cashier can do about a declined order.
const fn advice(code: Decline) -> &'static str {
    let code = match code {
        Decline::GarbageCiphertext => {
            return "set the terminal up again and take the payment again: the issuer's key may have changed"
        }
        Decline::OtherOrder => {
            return "take the payment again; if it happens again, the terminal's directory was changed"
        }
        Decline::Refused => {
            return "see the reason: the payment may be voided, refunded or disputed already, or its cycle closed"
        }
        Decline::Payment(code) => code,
    };
    match code {
        DeclineCode::BadAmount | DeclineCode::Overflow => "take the payment again with another amount",
        DeclineCode::PartialNotAllowed => "take the payment again without --least",
        DeclineCode::PaymentExpired => "take the payment again: it came too late; check this machine's clock",
        DeclineCode::UnknownTerminal => "ask the issuer to register this terminal's key (`quittance terminal show`)",
        DeclineCode::ForeignMerchant => "set the terminal up with its own merchant's number",
        DeclineCode::TerminalRevoked => "ask the issuer: this terminal's key was revoked",
        DeclineCode::MerchantSuspended => "ask the acquirer: the issuer takes no payments for this merchant",
        DeclineCode::BadTerminalSignature | DeclineCode::BadCardSignature => {
            "take another means of payment: the key isn't the registered one (a lost card's no longer is)"
        }
        DeclineCode::UnknownCard | DeclineCode::CardClosed | DeclineCode::CardFrozen | DeclineCode::CardExpired => {
            "take another means of payment; the holder asks the issuer"
        }
        DeclineCode::CounterUsed => {
            "take the payment again; if it happens again, the card was copied: the holder asks the issuer"
        }
        DeclineCode::AbovePaymentLimit => "take a lower amount, or --least if the programme allows parts",
        DeclineCode::AboveDayLimit => "take a lower amount, or another means of payment today",
        DeclineCode::InsufficientFunds => {
            "take a lower amount, --least if the programme allows parts, or have the card topped up"
        }
    }
}

/// A decline's code as programs see it.
pub fn word(code: Decline) -> String {
    let code = serde_json::to_value(code).ok();
    let word = code.as_ref().and_then(|code| code.as_str());
    word.unwrap_or("declined").to_owned()
}
