//! The types of credit as they look in JSON.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, Asset, Bytes32, Signature, Timestamp};

/// How far a debt is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub enum DebtState {
    /// Set aside in both limits while the payout is on its way.
    Reserved,
    /// Final: the credit node said that it won't pay.
    Released,
    /// Final: nobody said in time that it paid.
    Expired,
    /// The payee was paid: the payer owes.
    Owed,
    /// Final: all was repaid.
    Settled,
}

/// What a payee's institution says to a credit node.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ConsentAnswer {
    /// A person decides: ask again.
    Pending,
    /// The payee takes it.
    Accepted {
        /// The payee's, under the request.
        signature: Signature,
        /// The payee's certificate, PEM, leaf first.
        certificate: String,
    },
    /// The payee doesn't take it.
    Refused {
        /// Why, for people.
        reason: String,
        /// The payee's, under request and reason.
        signature: Signature,
    },
}

/// What a payee's institution says of a payout.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ArrivalAnswer {
    /// The finalized chain shows it no payout yet: ask again.
    NotSeen,
    /// It arrived.
    Arrived {
        /// The payee's receipt.
        signature: Signature,
    },
}

described! {
    /// Where one side of a payment on credit takes place.
    CreditLeg {
        /// Hash of the chain's genesis block.
        genesis: Bytes32,
        /// The credit node's contract there.
        contract: Bytes32,
        /// What is owed or paid there.
        asset: Asset,
    }

    /// What a payer asks for and the payee accepts.
    CreditRequest {
        /// Makes the id unique: 16 bytes.
        nonce: String,
        /// Who will owe.
        payer: Bytes32,
        /// Who is paid.
        payee: Bytes32,
        /// Where the payer owes.
        debt: CreditLeg,
        /// Where the payee is paid.
        payout: CreditLeg,
        /// In the smallest unit of either asset, one for one.
        amount: Amount,
        /// What is paid for.
        goods: String,
        /// Reserved and paid out strictly before.
        pay_by: Timestamp,
        /// At or after it, a reservation that was not extended can be ended by anyone.
        expires_at: Timestamp,
        /// At or after it, what is still owed is overdue.
        due_at: Timestamp,
        /// Charged once if the debt falls overdue.
        late_fee: Amount,
    }

    /// Who a payer or payee is, by its certificate.
    Person {
        /// The account that the certificate binds.
        account: Bytes32,
        /// sha256 of the certificate's DER encoding.
        fingerprint: Bytes32,
        /// The whole subject.
        subject: String,
        /// The subject's common name.
        common_name: Option<String>,
        /// The subject's organization.
        organization: Option<String>,
        /// The subject's country.
        country: Option<String>,
        /// The CA that issued it.
        issuer: String,
        /// Its number at that CA.
        serial: String,
        /// Valid until then.
        expires_at: Timestamp,
    }

    /// A credit node's question to a payee's institution.
    ConsentRequest {
        /// What the payer asks for.
        request: CreditRequest,
        /// The payer's.
        payer_signature: Signature,
        /// The payer's certificate, PEM, leaf first.
        payer_certificate: String,
    }

    /// A credit node's question whether a payout arrived.
    ArrivalRequest {
        /// The request that was paid.
        id: Bytes32,
    }

    /// Why a payment on credit doesn't come about, or waits.
    CreditRefusal {
        /// Stable: clients act on it.
        code: String,
        /// What is short and by how much, and what can be done.
        detail: String,
        /// The payee's, where it refuses.
        signature: Option<Signature>,
    }

    /// How much a payee lets a payer owe on payments to it.
    LimitOrder {
        /// Who lets.
        payee: Bytes32,
        /// Who may owe.
        payer: Bytes32,
        /// What the debt is in.
        asset: Asset,
        /// In its smallest unit.
        limit: Amount,
        /// Above that of every earlier order of this payee for this payer and asset.
        sequence: u64,
    }

    /// How much of a limit is taken.
    LimitUse {
        /// For payments that are on their way.
        reserved: Amount,
        /// Owed for payments that were made. Late fees are not in it.
        outstanding: Amount,
    }

    /// A payee's limit for a payer.
    PayeeLimit {
        /// How much may be reserved and owed together.
        limit: Amount,
        /// The latest order's.
        sequence: u64,
        /// How much of it is taken.
        used: LimitUse,
    }

    /// The credit node's limit for a payer.
    NodeLimit {
        /// How much may be reserved and owed together, over all payees.
        limit: Amount,
        /// Digest of what the limit was computed or decided from.
        evidence: Bytes32,
        /// How much of it is taken.
        used: LimitUse,
        /// How much of what is owed is overdue. Late fees are not in it.
        overdue: Amount,
    }

    /// Both limits that a payment on credit must keep to, and what else stands in its way.
    CreditLimits {
        /// The payee's for the payer.
        payee: PayeeLimit,
        /// The credit node's for the payer.
        node: NodeLimit,
        /// Whether the credit node takes nothing new of this payer.
        is_frozen: bool,
    }

    /// A block of the payout's chain.
    PayoutBlock {
        /// Its number.
        number: u32,
        /// Its hash.
        hash: Bytes32,
    }

    /// A debt.
    CreditDebt {
        /// Who owes.
        payer: Bytes32,
        /// Who is paid.
        payee: Bytes32,
        /// In what.
        asset: Asset,
        /// The principal.
        amount: Amount,
        /// Charged once if the debt falls overdue.
        late_fee: Amount,
        /// How far it is.
        state: DebtState,
        /// When the reservation was to end, as it was signed.
        expires_at: Timestamp,
        /// When it ends, as it was extended.
        until: Timestamp,
        /// At or after it, what is still owed is overdue.
        due_at: Timestamp,
        /// Where the payee was paid, once that is known.
        payout: Option<PayoutBlock>,
        /// How much of the principal was repaid.
        repaid: Amount,
        /// How much of the late fee was paid.
        fee_paid: Amount,
        /// Whether it fell overdue: the late fee is charged.
        is_overdue: bool,
        /// Whether the payee said that the payout arrived.
        is_received: bool,
    }

    /// A payout.
    CreditPayout {
        /// Who was paid.
        payee: Bytes32,
        /// In what.
        asset: Asset,
        /// In its smallest unit.
        amount: Amount,
        /// The number of the block it was paid in.
        block: u32,
        /// That block's time.
        paid_at: Timestamp,
    }

    /// A payer's wish for a higher limit of the credit node's.
    RaiseRequest {
        /// Whose limit.
        payer: Bytes32,
        /// For debts in what.
        asset: Asset,
        /// The limit wished for, in its smallest unit; above the present one.
        wanted: Amount,
        /// Digest of what shows the payer's ability to repay.
        evidence: Bytes32,
        /// Above that of every earlier wish of this payer for this asset.
        sequence: u64,
    }

    /// What the credit node decided on a wish.
    RaiseDecision {
        /// The limit from then on; `null` if the wish was denied.
        granted: Option<Amount>,
        /// Digest of what it was decided from.
        digest: Bytes32,
    }

    /// A payer's latest wish for a higher limit, and what came of it.
    CreditRaise {
        /// The limit wished for.
        wanted: Amount,
        /// Digest of what shows the payer's ability to repay.
        evidence: Bytes32,
        /// The wish's.
        sequence: u64,
        /// What the credit node decided; `null` while it is open.
        decision: Option<RaiseDecision>,
    }

    /// How a payer's record is judged.
    ScoreParameters {
        /// How far back repayments and payments count, in days of 24 hours.
        window_days: u32,
        /// What a payer without a record may owe.
        base: Amount,
        /// What no payer may owe more than.
        cap: Amount,
        /// How much of what was repaid on time is added.
        on_time_percent: u32,
        /// How much of the payments that were made is added.
        volume_percent: u32,
        /// How much of what was repaid late is subtracted.
        late_percent: u32,
        /// How much of what is overdue is subtracted.
        overdue_percent: u32,
    }

    /// What the chain tells of a payer.
    PayerRecord {
        /// Principal that was repaid before its due time, in the window.
        repaid_on_time: Amount,
        /// Principal that was repaid at or after its due time, in the window.
        repaid_late: Amount,
        /// Principal of the payments that were made on credit, in the window.
        committed: Amount,
        /// Principal that is owed and due.
        overdue: Amount,
        /// Late fees that were charged and not paid.
        fees_unpaid: Amount,
    }

    /// How each part of a record enters a limit.
    Score {
        /// Added: the base.
        base: Amount,
        /// Added: for what was repaid on time.
        on_time: Amount,
        /// Added: for the payments that were made.
        volume: Amount,
        /// Subtracted: for what was repaid late.
        late: Amount,
        /// Subtracted: for what is overdue.
        overdue: Amount,
        /// Subtracted: the late fees that are owed.
        fees: Amount,
        /// What the payer may owe.
        limit: Amount,
    }

    /// Whose limit, for debts in what, by which contract.
    ScoreSubject {
        /// The chain's genesis hash.
        genesis: Bytes32,
        /// The credit node's contract there.
        contract: Bytes32,
        /// Who may owe.
        payer: Bytes32,
        /// In what.
        asset: Asset,
    }

    /// The finalized block that a record is of.
    ScoredBlock {
        /// Its number.
        number: u32,
        /// Its hash.
        hash: Bytes32,
        /// Its time: the window's end.
        time: Timestamp,
    }

    /// All that a limit was computed from, and the limit.
    CreditEvidence {
        /// Of the formula and its layout.
        version: u8,
        /// Whose limit.
        subject: ScoreSubject,
        /// As of when.
        block: ScoredBlock,
        /// How the record is judged.
        parameters: ScoreParameters,
        /// What the chain tells.
        record: PayerRecord,
        /// What comes of it.
        score: Score,
    }
}
