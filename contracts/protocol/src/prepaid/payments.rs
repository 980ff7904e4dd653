//! Payments with cards, and what can be done about them later (S4.3).
use scale::{Decode, Encode};

use super::{CardNumber, MerchantNumber};
use crate::{
    ids::content_id,
    signing::{self, Domain, Purpose, PAYLOAD_LENGTH},
    AccountId, Amount, Signature, Timestamp,
};

/// What a payment is known by: its card, and the number that the card gave it.
pub type PaymentKey = (CardNumber, u64);

/// A payment, as the card and the merchant's terminal both sign it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct CardPayment {
    /// The number of the card that pays.
    pub card: CardNumber,
    /// The card's own number for the payment, each used once. Payments may arrive in another order: some terminals are
    /// offline.
    pub counter: u64,
    /// The number of the merchant that is paid.
    pub merchant: MerchantNumber,
    /// The terminal's sr25519 public key.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub terminal: AccountId,
    /// How much is to be paid, in the asset's smallest unit; never 0.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub amount: Amount,
    /// The least that the merchant takes if the card can't cover all, in the asset's smallest unit: the amount itself
    /// for all or nothing. Never 0.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub least: Amount,
    /// Accepted strictly before this time, in block time; in milliseconds since 1970.
    pub expires_at: Timestamp,
}

impl CardPayment {
    /// What the contract knows it by.
    pub const fn key(&self) -> PaymentKey {
        (self.card, self.counter)
    }

    /// The payment reference: what a statement line and a receipt carry.
    pub fn reference(&self) -> [u8; 32] {
        content_id(b"quittance/card-payment", self)
    }

    /// What card and terminal sign.
    pub fn payload(&self, domain: &Domain) -> [u8; PAYLOAD_LENGTH] {
        signing::payload(domain, Purpose::CardPayment, &self.reference(), self.expires_at, &())
    }
}

/// A payment with both signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct SignedPayment {
    /// What is paid.
    pub payment: CardPayment,
    /// The card's signature.
    pub card: Signature,
    /// The terminal's signature.
    pub terminal: Signature,
}

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
pub enum Verdict {
    /// It was taken, and is in the merchant's open cycle.
    Approved {
        /// What was taken, in the asset's smallest unit: less than the amount where a part was allowed.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        taken: Amount,
        /// What the card holds now, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        balance: Amount,
        /// The number of the merchant's cycle that it is in.
        cycle: u32,
    },
    /// Nothing was taken, and the card's number for the payment isn't used.
    Declined(DeclineCode),
}

/// Why a payment was declined: the first rule that it breaks, in this order. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
pub enum DeclineCode {
    /// The amount is 0, or the least is 0 or above the amount.
    BadAmount,
    /// The programme doesn't allow payments in part.
    PartialNotAllowed,
    /// The payment came at or after its expiry.
    PaymentExpired,
    /// No terminal has this key.
    UnknownTerminal,
    /// The terminal is another merchant's.
    ForeignMerchant,
    /// The terminal's key was revoked.
    TerminalRevoked,
    /// The issuer takes no payments for this merchant.
    MerchantSuspended,
    /// The terminal's signature doesn't verify: it isn't its key's, or what was signed was altered.
    BadTerminalSignature,
    /// No card has this number.
    UnknownCard,
    /// The card's signature doesn't verify: it isn't its key's (a lost card's no longer is), or what was signed was altered.
    BadCardSignature,
    /// The card used its number for this payment before.
    CounterUsed,
    /// The card is closed.
    CardClosed,
    /// The card is frozen.
    CardFrozen,
    /// The card has expired.
    CardExpired,
    /// It is more than the card may pay at once.
    AbovePaymentLimit,
    /// It is more than the card may pay on one day.
    AboveDayLimit,
    /// It is more than the card holds.
    InsufficientFunds,
    /// A sum is beyond what an amount can hold.
    Overflow,
}

/// A payment, and what became of it, as events tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct PaymentLine {
    /// What was to be paid. Whether card and terminal really signed it, the verdict tells.
    pub payment: CardPayment,
    /// What became of it.
    pub verdict: Verdict,
}

/// A payment that was taken, as the contract keeps it, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct PaymentRecord {
    /// The payment reference, which tells it from another payment under the same number of the card.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub reference: [u8; 32],
    /// The number of the merchant that took it.
    pub merchant: MerchantNumber,
    /// The number of the merchant's cycle that it is in.
    pub cycle: u32,
    /// What was taken, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub taken: Amount,
    /// What went back to the card by void, refunds and disputes together, in the asset's smallest unit; never above
    /// what was taken.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub returned: Amount,
    /// Whether it was voided.
    pub is_voided: bool,
    /// When it was taken, in milliseconds since 1970.
    pub paid_at: Timestamp,
}

impl PaymentRecord {
    /// What can still go back, in the asset's smallest unit.
    pub const fn returnable(&self) -> Amount {
        // No more goes back than was taken.
        self.taken.saturating_sub(self.returned)
    }
}

/// Undoes a payment whose cycle is still open, as if it hadn't been: no fee. Signed by a terminal of its merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct VoidOrder {
    /// The number of the card that paid.
    pub card: CardNumber,
    /// The card's own number for the payment.
    pub counter: u64,
    /// The terminal's sr25519 public key.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub terminal: AccountId,
    /// Accepted strictly before this time; in milliseconds since 1970.
    pub expires_at: Timestamp,
}

impl VoidOrder {
    /// What the order is known by.
    pub fn reference(&self) -> [u8; 32] {
        content_id(b"quittance/card-void", self)
    }

    /// What the terminal signs.
    pub fn payload(&self, domain: &Domain) -> [u8; PAYLOAD_LENGTH] {
        signing::payload(domain, Purpose::CardVoid, &self.reference(), self.expires_at, &())
    }
}

/// Gives back a payment or a part of it, whatever cycle it is in. Signed by a terminal of its merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct RefundOrder {
    /// The number of the card that paid.
    pub card: CardNumber,
    /// The card's own number for the payment.
    pub counter: u64,
    /// The terminal's sr25519 public key.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub terminal: AccountId,
    /// How much goes back, in the asset's smallest unit; never 0.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub amount: Amount,
    /// What of the payment went back before, in the asset's smallest unit. So the order is good once.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub returned: Amount,
    /// Accepted strictly before this time; in milliseconds since 1970.
    pub expires_at: Timestamp,
}

impl RefundOrder {
    /// What the order is known by.
    pub fn reference(&self) -> [u8; 32] {
        content_id(b"quittance/card-refund", self)
    }

    /// What the terminal signs.
    pub fn payload(&self, domain: &Domain) -> [u8; PAYLOAD_LENGTH] {
        signing::payload(domain, Purpose::CardRefund, &self.reference(), self.expires_at, &())
    }
}

/// A holder's objection to a payment. Signed by the holder. One for each payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct DisputeOrder {
    /// The number of the card that paid.
    pub card: CardNumber,
    /// The card's own number for the payment.
    pub counter: u64,
    /// What the holder wants back, in the asset's smallest unit; never 0, nor more than what didn't go back yet.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub amount: Amount,
    /// Digest of what shows why the holder objects.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub evidence: [u8; 32],
    /// Accepted strictly before this time; in milliseconds since 1970.
    pub expires_at: Timestamp,
}

impl DisputeOrder {
    /// What the holder signs.
    pub fn payload(&self, domain: &Domain) -> [u8; PAYLOAD_LENGTH] {
        let id = content_id(b"quittance/card-dispute", self);
        signing::payload(domain, Purpose::CardDispute, &id, self.expires_at, &())
    }
}

/// A holder asks its issuer what its card holds and paid (S4.5). Signed by the holder; never on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct CardQuery {
    /// Which card.
    pub card: CardNumber,
    /// Good for some minutes before and after; in milliseconds since 1970.
    pub asked_at: Timestamp,
}

impl CardQuery {
    /// What the holder signs.
    pub fn payload(&self, domain: &Domain) -> [u8; PAYLOAD_LENGTH] {
        let id = content_id(b"quittance/card-query", self);
        signing::payload(domain, Purpose::CardQuery, &id, self.asked_at, &())
    }
}

/// A dispute as the contract keeps it, for good. While it isn't decided, the amount isn't paid out to the merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Dispute {
    /// What the holder wants back, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub amount: Amount,
    /// Digest of what shows why the holder objects.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub evidence: [u8; 32],
    /// When it was opened, in milliseconds since 1970.
    pub opened_at: Timestamp,
    /// The issuer decides strictly before, the default holds at or after it; in milliseconds since 1970.
    pub rule_by: Timestamp,
    /// Digest of what the acquirer answered; nothing until then.
    #[cfg_attr(feature = "std", serde(with = "crate::text::optional_bytes"))]
    pub answer: Option<[u8; 32]>,
    /// What went back to the card, in the asset's smallest unit; nothing while it isn't decided.
    #[cfg_attr(feature = "std", serde(with = "crate::text::optional_amount"))]
    pub awarded: Option<Amount>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Domain {
        super::super::domain([1; 32], AccountId([2; 32]))
    }

    fn payment() -> CardPayment {
        CardPayment {
            card: CardNumber(7),
            counter: 1,
            merchant: MerchantNumber(3),
            terminal: AccountId([4; 32]),
            amount: 100,
            least: 100,
            expires_at: 1_000,
        }
    }

    #[test]
    fn every_field_of_a_payment_makes_another_reference_and_payload() {
        let changes: [fn(&mut CardPayment); 7] = [
            |payment| payment.card = CardNumber(8),
            |payment| payment.counter += 1,
            |payment| payment.merchant = MerchantNumber(4),
            |payment| payment.terminal = AccountId([9; 32]),
            |payment| payment.amount += 1,
            |payment| payment.least -= 1,
            |payment| payment.expires_at += 1,
        ];
        for change in changes {
            let mut changed = payment();
            change(&mut changed);
            assert_ne!(changed.reference(), payment().reference());
            assert_ne!(changed.payload(&here()), payment().payload(&here()));
        }
    }

    #[test]
    fn a_payments_reference_never_changes() {
        // What sha256sum makes of "quittance/card-payment" and the encoding.
        let mut bytes = b"quittance/card-payment".to_vec();
        bytes.extend(7u64.to_le_bytes());
        bytes.extend(1u64.to_le_bytes());
        bytes.extend(3u32.to_le_bytes());
        bytes.extend([4; 32]);
        bytes.extend(100u128.to_le_bytes());
        bytes.extend(100u128.to_le_bytes());
        bytes.extend(1_000u64.to_le_bytes());
        assert_eq!(payment().reference(), crate::disputes::evidence_digest(&bytes));
    }

    #[test]
    fn what_is_signed_for_one_purpose_or_place_is_void_for_another() {
        let elsewhere = [
            super::super::domain([9; 32], AccountId([2; 32])),
            super::super::domain([1; 32], AccountId([9; 32])),
        ];
        let void = VoidOrder {
            card: CardNumber(7),
            counter: 1,
            terminal: AccountId([4; 32]),
            expires_at: 1_000,
        };
        let refund = RefundOrder {
            card: CardNumber(7),
            counter: 1,
            terminal: AccountId([4; 32]),
            amount: 10,
            returned: 0,
            expires_at: 1_000,
        };
        let dispute = DisputeOrder {
            card: CardNumber(7),
            counter: 1,
            amount: 10,
            evidence: [5; 32],
            expires_at: 1_000,
        };
        let payloads = |domain: &Domain| {
            [
                payment().payload(domain),
                void.payload(domain),
                refund.payload(domain),
                dispute.payload(domain),
            ]
        };
        let mut all: Vec<_> = elsewhere.iter().flat_map(payloads).chain(payloads(&here())).collect();
        all.push(RefundOrder { returned: 1, ..refund }.payload(&here()));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
