//! The types of prepaid cards as they look in JSON.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, Asset, Bytes32, Member, Signature, Timestamp};

/// Whether a card can be used.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub enum CardState {
    /// It pays until it expires.
    Active,
    /// The issuer stopped it.
    Frozen,
    /// Final: its balance went to the holder.
    Closed,
}

/// What became of an order.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OrderAnswer {
    /// It is kept, and will be carried out or declined: ask again with the same order.
    Pending,
    /// A payment is in the merchant's open cycle, in a finalized block.
    Approved {
        /// What was taken: less than the amount where a part was allowed.
        taken: Amount,
        /// What the card holds now.
        balance: Amount,
        /// The merchant's cycle that it is in.
        cycle: u32,
        /// The number of the block.
        block: u32,
        /// Its hash.
        block_hash: Bytes32,
    },
    /// A void or refund went back to the card, in a finalized block.
    Returned {
        /// How much.
        amount: Amount,
        /// The number of the block.
        block: u32,
        /// Its hash.
        block_hash: Bytes32,
    },
    /// Nothing was taken, or nothing went back.
    Declined {
        /// Why, for programs: `garbage_ciphertext`, `other_order`, `refused`, or the contract's code.
        #[schema(example = "insufficient_funds")]
        code: String,
        /// Why, and what to do, for people.
        reason: String,
    },
}

described! {
    /// How much a card may hold and pay, in the asset's smallest unit.
    CardLimits {
        /// The most that a top-up may bring it to.
        balance: Amount,
        /// The most in one payment.
        per_payment: Amount,
        /// The most in one day, midnight to midnight UTC.
        per_day: Amount,
    }

    /// What holds for all cards and merchants of a programme.
    CardProgramme {
        /// What no card may exceed, whatever its own limits say.
        limits: CardLimits,
        /// Whether a payment may be taken in part where the card can't cover all of it.
        allows_partial: bool,
        /// How long a cycle lasts at least until anyone may close it, in milliseconds.
        cycle: Timestamp,
        /// How long after a payment its holder can dispute it, in milliseconds.
        dispute_period: Timestamp,
        /// How long after that the issuer can decide, in milliseconds.
        ruling_period: Timestamp,
    }

    /// All the money that the contract holds for others.
    CardFloat {
        /// The sum of all cards' balances, in the asset's smallest unit.
        cards: Amount,
        /// The sum of what merchants are not paid yet, in the asset's smallest unit.
        merchants: Amount,
    }

    /// A card, as the chain shows it.
    Card {
        /// The sr25519 public key that it signs with.
        key: Bytes32,
        /// Whose it is.
        holder: Bytes32,
        /// Its own limits; the programme's hold too.
        limits: CardLimits,
        /// Pays and is topped up strictly before.
        expires_at: Timestamp,
        /// Whether it can be used.
        state: CardState,
        /// What it holds, in the asset's smallest unit.
        balance: Amount,
        /// The day it last paid on, counted from 1970.
        day: u64,
        /// What it paid on that day.
        paid_that_day: Amount,
        /// The highest counter of its payments so far.
        counter: u64,
    }

    /// How a merchant is paid.
    MerchantRules {
        /// The issuer's fee for each payment that wasn't voided, in the asset's smallest unit.
        flat: Amount,
        /// And so many millionths of a cycle's sales; at most a million.
        parts_per_million: u32,
        /// Less is not paid out but carried to the next cycle.
        least_payout: Amount,
        /// So many millionths of a cycle's sales are kept for refunds until the next cycle is closed; at most a million.
        reserve_parts_per_million: u32,
    }

    /// What happened so far in a merchant's cycle. Amounts are in the asset's smallest unit.
    MerchantCycle {
        /// Counted from 0 for each merchant.
        number: u32,
        /// When the cycle before was closed.
        opened_at: Timestamp,
        /// What the cycle before left.
        opening: Amount,
        /// How many payments were taken.
        count: u32,
        /// Their sum.
        gross: Amount,
        /// How many of them were voided.
        voided_count: u32,
        /// Their sum.
        voided: Amount,
        /// How many refunds there were.
        refunded_count: u32,
        /// Their sum.
        refunded: Amount,
        /// How many disputes were decided for holders.
        awarded_count: u32,
        /// What they got back.
        awarded: Amount,
        /// What was put in for refunds.
        funded: Amount,
    }

    /// A merchant, as the chain shows it.
    Merchant {
        /// The institution that speaks for it.
        acquirer: Member,
        /// Where it is paid.
        account: Bytes32,
        /// Whether it takes payments.
        is_active: bool,
        /// How the open cycle is paid.
        rules: MerchantRules,
        /// How the cycles after it are.
        next_rules: MerchantRules,
        /// The open cycle.
        cycle: MerchantCycle,
        /// What it isn't paid yet, fees not taken off, in the asset's smallest unit.
        unpaid: Amount,
        /// How much of it is held for disputes.
        held: Amount,
        /// Fees of earlier cycles that could not be taken.
        fee_due: Amount,
    }

    /// What a merchant is told of a closed cycle, and paid. Amounts are in the asset's smallest unit.
    MerchantStatement {
        /// Whose.
        merchant: u32,
        /// Where it was paid.
        account: Bytes32,
        /// What happened in the cycle.
        cycle: MerchantCycle,
        /// When it was closed.
        closed_at: Timestamp,
        /// How it was reckoned.
        rules: MerchantRules,
        /// Fees of earlier cycles that had not been taken.
        fee_before: Amount,
        /// The fee that was taken.
        fee: Amount,
        /// Fees that could not be taken.
        fee_due: Amount,
        /// opening + gross + funded − voided − refunded − awarded − fee.
        net: Amount,
        /// How much of it is held for disputes.
        held: Amount,
        /// How much of it is kept for refunds.
        reserve: Amount,
        /// What was paid out to the merchant.
        paid: Amount,
        /// What the next cycle begins with.
        closing: Amount,
    }

    /// A merchant's terminal, as the chain shows it.
    CardTerminal {
        /// Whose it is.
        merchant: u32,
        /// Whether its key is no longer good.
        is_revoked: bool,
    }

    /// A payment that was taken, as the chain shows it.
    CardPaymentRecord {
        /// The payment reference.
        reference: Bytes32,
        /// Who took it.
        merchant: u32,
        /// The merchant's cycle that it is in.
        cycle: u32,
        /// What was taken, in the asset's smallest unit.
        taken: Amount,
        /// What went back to the card.
        returned: Amount,
        /// Whether it was voided.
        is_voided: bool,
        /// When it was taken.
        paid_at: Timestamp,
    }

    /// A dispute over a payment with a card, as the chain shows it.
    CardDispute {
        /// What the holder wants back, in the asset's smallest unit.
        amount: Amount,
        /// Digest of what shows why.
        evidence: Bytes32,
        /// When it was opened.
        opened_at: Timestamp,
        /// The issuer decides strictly before; at or after it, whoever didn't say a word loses.
        rule_by: Timestamp,
        /// Digest of what the acquirer answered.
        answer: Option<Bytes32>,
        /// What went back to the card; nothing while it isn't decided.
        awarded: Option<Amount>,
    }

    /// A holder's objection to a payment.
    CardDisputeOrder {
        /// Whose.
        card: u64,
        /// Which payment.
        counter: u64,
        /// What the holder wants back, in the asset's smallest unit.
        amount: Amount,
        /// Digest of what shows why.
        evidence: Bytes32,
        /// Accepted strictly before.
        expires_at: Timestamp,
    }

    /// What a terminal sends to its merchant's acquirer.
    TerminalMessage {
        /// The card issuer that it is for.
        issuer: Member,
        /// The order's reference: what the answer is kept under.
        reference: Bytes32,
        /// The terminal's sr25519 public key.
        terminal: Bytes32,
        /// When it was sent.
        sent_at: Timestamp,
        /// The order, encrypted to the issuer: an armored age file.
        sealed: String,
        /// The terminal's, under all of it.
        signature: Signature,
    }

    /// An order that an acquirer passes on to the card issuer.
    SealedOrder {
        /// What the terminal called it.
        reference: Bytes32,
        /// Which terminal that is: the acquirer made sure of it.
        terminal: Bytes32,
        /// As the terminal sealed it.
        sealed: String,
    }
}

/// What a terminal has to know of a card issuer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CardIssuer {
    /// Its index in the registry.
    pub issuer: Member,
    /// The chain's genesis hash: part of what cards and terminals sign.
    pub genesis: Bytes32,
    /// The account of its contract: part of what cards and terminals sign.
    pub contract: Bytes32,
    /// To whom orders are sealed: an age recipient.
    #[schema(example = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p")]
    pub recipient: String,
    /// What its cards hold.
    pub asset: Asset,
}

/// What a holder asks about its card.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CardQuestion {
    /// The card's number.
    pub card: u64,
    /// When it was asked, in milliseconds since 1970: good for some minutes before and after.
    pub asked_at: u64,
}

/// A holder asks about its card, as `quittance card query` makes it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SignedCardQuery {
    /// Which card, and when.
    pub query: CardQuestion,
    /// The holder's.
    pub signature: Signature,
}
