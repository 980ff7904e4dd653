//! What terminals, a merchant's acquirer and a card issuer write to each other (S4.3). JSON over HTTP; ids and amounts as in
//! [`protocol::text`].
//!
//! What a terminal asks for is encrypted to the issuer ([`super::sealed`]): the acquirer passes it on and learns of it only
//! what the terminal says outside, and what the chain shows later.
use protocol::{
    prepaid::{DeclineCode, RefundOrder, SignedPayment, VoidOrder},
    signing::{self, Domain, Purpose, PAYLOAD_LENGTH},
    AccountId, Amount, Member, Signature, Timestamp,
};
use serde::{Deserialize, Serialize};

/// What a terminal asks the issuer for. Inside the envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum TerminalOrder {
    /// To take a payment.
    Pay {
        /// With the card's and the terminal's signature.
        payment: SignedPayment,
    },
    /// To undo one.
    Void {
        /// What the terminal signed.
        order: VoidOrder,
        /// The terminal's.
        signature: Signature,
    },
    /// To give one back, or a part of it.
    Refund {
        /// What the terminal signed.
        order: RefundOrder,
        /// The terminal's.
        signature: Signature,
    },
}

impl TerminalOrder {
    /// What it is known by: the same order again gets the same answer.
    pub fn reference(&self) -> [u8; 32] {
        match self {
            Self::Pay { payment } => payment.payment.reference(),
            Self::Void { order, .. } => order.reference(),
            Self::Refund { order, .. } => order.reference(),
        }
    }

    /// Which terminal signed it.
    pub const fn terminal(&self) -> AccountId {
        match self {
            Self::Pay { payment } => payment.payment.terminal,
            Self::Void { order, .. } => order.terminal,
            Self::Refund { order, .. } => order.terminal,
        }
    }
}

/// A terminal writes to its merchant's acquirer. The same message again gets the same answer, or the final one where it was
/// pending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalMessage {
    /// The card issuer that it is for.
    pub issuer: Member,
    /// The order's reference: what the answer is kept under.
    #[serde(with = "protocol::text::bytes")]
    pub reference: [u8; 32],
    /// The terminal's sr25519 public key.
    #[serde(with = "protocol::text::account")]
    pub terminal: AccountId,
    /// When it was sent, in milliseconds since 1970.
    pub sent_at: Timestamp,
    /// The order, encrypted to the issuer: an armored age file.
    pub sealed: String,
    /// The terminal's, under all of it.
    pub signature: Signature,
}

impl TerminalMessage {
    /// What the terminal signs, for the contract of the issuer.
    pub fn payload(&self, domain: &Domain) -> [u8; PAYLOAD_LENGTH] {
        let body = (self.issuer, self.terminal, &self.sealed);
        signing::payload(domain, Purpose::TerminalMessage, &self.reference, self.sent_at, &body)
    }
}

/// The acquirer passes an order on to the issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedOrder {
    /// What the terminal called it.
    #[serde(with = "protocol::text::bytes")]
    pub reference: [u8; 32],
    /// As the terminal sealed it.
    pub sealed: String,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OrderAnswer {
    /// It is kept, and will be carried out or declined: ask again with the same order.
    Pending,
    /// A payment is in the merchant's open cycle, in a finalized block.
    Approved {
        /// What was taken: less than the amount where a part was allowed.
        #[serde(with = "protocol::text::amount")]
        taken: Amount,
        /// What the card holds now: for the receipt.
        #[serde(with = "protocol::text::amount")]
        balance: Amount,
        /// The merchant's cycle that it is in.
        cycle: u32,
        /// The number of the block.
        block: u32,
        /// Its hash.
        #[serde(with = "protocol::text::bytes")]
        block_hash: [u8; 32],
    },
    /// A void or refund went back to the card, in a finalized block.
    Returned {
        /// How much.
        #[serde(with = "protocol::text::amount")]
        amount: Amount,
        /// The number of the block.
        block: u32,
        /// Its hash.
        #[serde(with = "protocol::text::bytes")]
        block_hash: [u8; 32],
    },
    /// Nothing was taken, or nothing went back.
    Declined {
        /// Why, for programs.
        code: Decline,
        /// Why, and what to do, for people.
        reason: String,
    },
}

impl OrderAnswer {
    /// Whether asking again can bring another answer.
    pub const fn is_final(&self) -> bool {
        !matches!(self, Self::Pending)
    }
}

/// Why an order came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decline {
    /// The issuer can't decrypt it, or what is in it isn't an order: it was garbled, or sealed to another issuer.
    GarbageCiphertext,
    /// What is in it is known by another reference, or signed by another terminal.
    OtherOrder,
    /// The contract refused a void or refund.
    Refused,
    /// The contract declined a payment.
    #[serde(untagged)]
    Payment(DeclineCode),
}
