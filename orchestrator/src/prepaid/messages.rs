//! What terminals, a merchant's acquirer and a card issuer write to each other (S4.3). JSON over HTTP; ids and amounts as in
//! [`protocol::text`].
//!
//! What a terminal asks for is encrypted to the issuer ([`super::sealed`]): the acquirer passes it on and learns of it only
//! what the terminal says outside, and what the chain shows later.
use protocol::{
    prepaid::{CardQuery, DeclineCode, RefundOrder, SignedPayment, VoidOrder},
    settlement::Asset,
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

/// What a terminal has to know of a card issuer. Its acquirer tells it once, as `GET /terminal/v1/issuers/{member}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerFacts {
    /// Which.
    pub issuer: Member,
    /// The hash of the genesis block of its chain.
    #[serde(with = "protocol::text::bytes")]
    pub genesis: [u8; 32],
    /// Its contract there.
    #[serde(with = "protocol::text::account")]
    pub contract: AccountId,
    /// What orders are sealed to: `age1…`.
    pub recipient: String,
    /// What its cards hold.
    pub asset: Asset,
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
    /// Which terminal that is: the acquirer made sure of it.
    #[serde(with = "protocol::text::account")]
    pub terminal: AccountId,
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

/// A holder asks about its card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedQuery {
    /// Which card, and when.
    pub query: CardQuery,
    /// The holder's.
    pub signature: Signature,
}

#[cfg(test)]
mod tests {
    use protocol::prepaid::{CardNumber, CardPayment, MerchantNumber};

    use super::*;

    fn payment() -> SignedPayment {
        SignedPayment {
            payment: CardPayment {
                card: CardNumber(u64::MAX),
                counter: u64::MAX,
                merchant: MerchantNumber(u32::MAX),
                terminal: AccountId([4; 32]),
                amount: u128::MAX,
                least: 1,
                expires_at: u64::MAX,
            },
            card: Signature([5; 64]),
            terminal: Signature([6; 64]),
        }
    }

    #[test]
    fn an_order_is_read_as_it_was_written() {
        let void = VoidOrder {
            card: CardNumber(7),
            counter: 1,
            terminal: AccountId([4; 32]),
            expires_at: 1,
        };
        let refund = RefundOrder {
            card: CardNumber(7),
            counter: 1,
            terminal: AccountId([4; 32]),
            amount: u128::MAX,
            returned: 0,
            expires_at: 1,
        };
        let signature = Signature([8; 64]);
        for order in [
            TerminalOrder::Pay { payment: payment() },
            TerminalOrder::Void { order: void, signature },
            TerminalOrder::Refund {
                order: refund,
                signature,
            },
        ] {
            let text = serde_json::to_string(&order).unwrap();
            assert_eq!(serde_json::from_str::<TerminalOrder>(&text).unwrap(), order, "{text}");
        }
        assert!(serde_json::from_str::<TerminalOrder>(r#"{"kind":"steal"}"#).is_err());
    }

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        let declined = |code| OrderAnswer::Declined {
            code,
            reason: "because".into(),
        };
        for (answer, word) in [
            (OrderAnswer::Pending, "pending"),
            (
                OrderAnswer::Approved {
                    taken: u128::MAX,
                    balance: 0,
                    cycle: u32::MAX,
                    block: u32::MAX,
                    block_hash: [9; 32],
                },
                "approved",
            ),
            (
                OrderAnswer::Returned {
                    amount: 1,
                    block: 2,
                    block_hash: [9; 32],
                },
                "returned",
            ),
            (declined(Decline::GarbageCiphertext), "garbage_ciphertext"),
            (declined(Decline::Refused), "refused"),
            (
                declined(Decline::Payment(DeclineCode::InsufficientFunds)),
                "insufficient_funds",
            ),
        ] {
            let text = serde_json::to_string(&answer).unwrap();
            assert!(text.contains(&format!("\"{word}\"")), "{text}");
            assert_eq!(serde_json::from_str::<OrderAnswer>(&text).unwrap(), answer, "{text}");
        }
    }

    #[test]
    fn a_terminal_signs_all_of_its_message() {
        let domain = protocol::prepaid::domain([1; 32], AccountId([2; 32]));
        let message = TerminalMessage {
            issuer: Member(3),
            reference: [4; 32],
            terminal: AccountId([5; 32]),
            sent_at: 6,
            sealed: "sealed".into(),
            signature: Signature([0; 64]),
        };
        let changes: [fn(&mut TerminalMessage); 5] = [
            |message| message.issuer = Member(9),
            |message| message.reference = [9; 32],
            |message| message.terminal = AccountId([9; 32]),
            |message| message.sent_at = 9,
            |message| message.sealed.push('9'),
        ];
        for change in changes {
            let mut changed = message.clone();
            change(&mut changed);
            assert_ne!(changed.payload(&domain), message.payload(&domain));
        }
    }
}
