//! The protocol's types as they look in JSON, for the OpenAPI document. The types themselves live in the protocol crate
//! and know nothing of HTTP; a test reads and writes each of them through its description here, so that the two agree.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{
    openapi::{Content, Ref, RefOr, Response, ResponseBuilder},
    IntoResponses, ToSchema,
};

use super::error::PROBLEM_JSON;

/// In the asset's smallest unit, as decimal digits.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(pattern = "^[0-9]{1,39}$", example = "250000")]
pub struct Amount(pub String);

/// 32 bytes: an id, a hash, an account or a public key.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(pattern = "^0x[0-9a-f]{64}$")]
pub struct Bytes32(pub String);

/// 16 random bytes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(pattern = "^0x[0-9a-f]{32}$")]
pub struct Nonce(pub String);

/// An sr25519 signature.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(pattern = "^0x[0-9a-f]{128}$")]
pub struct Signature(pub String);

/// An institution's index in the registry.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Member(pub u16);

/// Milliseconds since the Unix epoch.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Timestamp(pub u64);

macro_rules! described {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type),* }
    )*};
}

pub mod credit;
pub mod decisions;
pub mod disputes;
pub mod escrow;
pub mod prepaid;
pub mod reconciliation;
pub mod windows;

/// What is paid.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub enum Asset {
    /// The chain's native token.
    Native,
    /// A PSP22 token, by its contract's account.
    Psp22(Bytes32),
}

/// A kind of transaction, without whom it concerns.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[allow(missing_docs)]
pub enum Service {
    CashWithdrawal,
    CashDeposit,
    Purchase,
    SecuritiesTransfer,
    CreditTransfer,
    Refund,
}

/// What the user asks for. It decides who owes whom.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub enum TransactionKind {
    /// The home institution owes the originator.
    CashWithdrawal,
    /// The originator owes the home institution.
    CashDeposit,
    /// The home institution owes the originator.
    Purchase,
    /// The home institution owes the originator.
    SecuritiesTransfer,
    /// The home institution owes this institution, whose user is paid.
    CreditTransfer(Member),
    /// The originator owes the home institution what it gives back of an earlier payment, by its voucher.
    Refund(Bytes32),
}

/// How obligations are paid: each by itself, or together with a window's.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[allow(missing_docs)]
pub enum Settlement {
    Gross,
    Net,
}

/// The limit that a voucher's amount was judged by.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[allow(missing_docs)]
pub enum Limit {
    PerTransaction(Amount),
    PerDay(Amount),
}

/// A destination's answer: yes with proof, or a signed no.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ConfirmationAnswer {
    Agreed(Confirmation),
    Refused(Refusal),
}

/// A destination's answer to a notary.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum AttestationAnswer {
    Agreed(Attestation),
    Refused(Refusal),
}

/// An assisting institution's answer to a destination.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum AssistanceAnswer {
    Agreed(Assistance),
    Refused(Refusal),
}

/// A party's answer to a relation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ConsentAnswer {
    Agreed(Consent),
    Refused(Refusal),
}

/// How far the notary is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum RetentionProgress {
    Pending,
    Retained(Box<RetentionVoucher>),
    Refused(Refusal),
}

/// Why a payment was refused.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum RefusalCode {
    InstitutionNotActive,
    InsufficientSettlementBalance,
    UnknownUser,
    UserBlocked,
    BadUserSignature,
    AboveUserLimit,
    AboveDailyLimit,
    UserNotEligible,
    InsufficientFunds,
    UnknownBeneficiary,
    BeneficiaryBlocked,
    NetDebitCapExceeded,
    BadVoucher,
    BadSignature,
    Expired,
    BadRelation,
    NotConfirmed,
    RejectedByPeer,
    BlockedByPolicy,
    AbovePolicyLimit,
    OutsideHours,
    AssistantRefused,
}

/// Where a discharge's assets came from.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub enum Source {
    /// A deposit, by its number.
    Deposit(u64),
    /// A payment that this debtor cleared in the issuer's favour, by its voucher.
    Clearing(Bytes32, Member),
    /// A window that was settled with a net credit for the issuer, by its number.
    Window(u32),
    /// A ruling that gave money back to the issuer: the voucher, and the obligation's place in its relation.
    Ruling(Bytes32, u8),
}

/// Whether an institution may act.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[allow(missing_docs)]
pub enum Status {
    Active,
    Suspended,
    Revoked,
}

described! {
    /// One member's signature.
    MemberSignature {
        /// Who signed.
        member: Member,
        /// Over what, the document says.
        signature: Signature,
    }

    /// What a user asks its originator for.
    PaymentRequest {
        /// Makes the request unique.
        nonce: Nonce,
        /// Who is asked to carry it out.
        originator: Member,
        /// The user's institution.
        home: Member,
        /// The number that the user's institution knows it by.
        user: String,
        /// Where the user's assets are.
        wallet: Bytes32,
        /// What is asked for.
        kind: TransactionKind,
        /// Whom a credit transfer pays: the number that the payee institution knows it by. Absent in other kinds.
        beneficiary: Option<String>,
        /// Further institutions that have to agree, besides originator, home and payee.
        #[serde(default)]
        others: Vec<Member>,
        /// What is paid.
        asset: Asset,
        /// How much.
        amount: Amount,
        /// Void from then on.
        expires_at: Timestamp,
    }

    /// A request with the user's signature.
    SignedPaymentRequest {
        /// What the user wants.
        request: PaymentRequest,
        /// By the user's key, which its institution knows.
        signature: Signature,
    }

    /// A transaction voucher: what is to be paid, by whom, through whom.
    Voucher {
        /// The originator's own number for it, used once.
        sequence: Amount,
        /// Who took the user's request.
        originator: Member,
        /// The user's institution.
        home: Member,
        /// Other destinations, ascending.
        others: Vec<Member>,
        /// The user's id, which doesn't tell who it is.
        user: Bytes32,
        /// Where the user's assets are.
        wallet: Bytes32,
        /// What was asked for.
        kind: TransactionKind,
        /// What is paid.
        asset: Asset,
        /// How much.
        amount: Amount,
        /// The limit that the amount was judged by.
        limit: Limit,
        /// How what follows from it is paid.
        settlement: Settlement,
        /// The version of the published fee schedule that applies.
        fees: u32,
        /// When the originator wrote it.
        issued_at: Timestamp,
        /// A retention is valid strictly before.
        expires_at: Timestamp,
    }

    /// A debtor owes a creditor an amount of an asset.
    Obligation {
        /// Who must pay.
        debtor: Member,
        /// Who is owed.
        creditor: Member,
        /// What.
        asset: Asset,
        /// How much.
        amount: Amount,
    }

    /// The obligations that a voucher creates.
    Relation {
        /// The voucher that it follows from.
        voucher: Bytes32,
        /// Who owes whom what.
        obligations: Vec<Obligation>,
        /// When the notary drew it up.
        drawn_at: Timestamp,
    }

    /// Originator to destination: co-sign this.
    Proposal {
        /// What the user asked for.
        request: SignedPaymentRequest,
        /// What the originator made of it.
        voucher: Voucher,
        /// The registry's epoch at signing.
        epoch: u32,
        /// The originator's.
        signature: Signature,
    }

    /// Destination to assisting institution: have you anything against this?
    AssistanceRequest {
        /// What the destination was asked to co-sign.
        proposal: Proposal,
    }

    /// An assisting institution's word that it has nothing against a voucher.
    Assistance {
        /// Which voucher.
        voucher: Bytes32,
        /// Who asked.
        asked_by: Member,
        /// The registry's epoch at signing.
        epoch: u32,
        /// Who signed, and the signature.
        signed: MemberSignature,
    }

    /// A destination's co-signature under a voucher.
    Confirmation {
        /// Which voucher.
        voucher: Bytes32,
        /// The registry's epoch at signing.
        epoch: u32,
        /// Who signed, and the signature.
        signed: MemberSignature,
    }

    /// A signed refusal.
    Refusal {
        /// Which voucher.
        voucher: Bytes32,
        /// Why, for machines.
        code: RefusalCode,
        /// Why, for people.
        detail: String,
        /// When.
        refused_at: Timestamp,
        /// The registry's epoch at signing.
        epoch: u32,
        /// Who refused.
        signed: MemberSignature,
    }

    /// Originator to notary: keep this co-signed voucher.
    RetentionRequest {
        /// What was co-signed.
        voucher: Voucher,
        /// The registry's epoch at signing.
        epoch: u32,
        /// Every party's, ascending by member.
        signatures: Vec<MemberSignature>,
    }

    /// Notary to destination: do you stand by this voucher?
    AttestationRequest {
        /// What was co-signed.
        voucher: Voucher,
    }

    /// A destination's word to the notary.
    Attestation {
        /// Which voucher.
        voucher: Bytes32,
        /// The registry's epoch at signing.
        epoch: u32,
        /// Who signed, and the signature.
        signed: MemberSignature,
    }

    /// Notary to every party: co-sign this relation.
    RelationDraft {
        /// What was co-signed.
        voucher: Voucher,
        /// What follows from it.
        relation: Relation,
        /// The epoch to sign in.
        epoch: u32,
        /// Until when the retention may be put on chain.
        expires_at: Timestamp,
        /// The notary's signature.
        notary: MemberSignature,
    }

    /// Leading notary to another notary: verify and sign too.
    RetentionDraft {
        /// What the originator sent.
        request: RetentionRequest,
        /// What follows from the voucher.
        relation: Relation,
        /// Until when the retention may be put on chain.
        expires_at: Timestamp,
        /// The leading notary's signature.
        notary: MemberSignature,
    }

    /// One retention of a batch.
    BatchItem {
        /// What is retained.
        voucher: Bytes32,
        /// What follows from it, as everybody co-signed it.
        relation: Bytes32,
    }

    /// Leading notary to every party and other notary: sign once for several retentions.
    BatchDraft {
        /// Those of the batch that the receiver signs for, in the batch's order: 1 to 1,024.
        items: Vec<BatchItem>,
        /// The epoch to sign in.
        epoch: u32,
        /// Until when the batch may be put on chain.
        expires_at: Timestamp,
    }

    /// One request of several.
    BulkItem {
        /// Where it would go by itself: `proposals`, `attestations`…
        resource: String,
        /// What it would say.
        message: serde_json::Value,
    }

    /// One answer of several.
    BulkAnswer {
        /// The HTTP status that it would have by itself.
        status: u16,
        /// The body: an answer, or a problem.
        body: serde_json::Value,
    }

    /// A party's co-signature of a relation and of its retention on chain.
    Consent {
        /// Which relation.
        relation: Bytes32,
        /// Evidence that every party keeps.
        relation_signature: MemberSignature,
        /// What the contract checks.
        retention_signature: MemberSignature,
    }

    /// Notary to every party: the voucher is retained.
    RetentionVoucher {
        /// What was co-signed.
        voucher: Voucher,
        /// The obligations.
        relation: Relation,
        /// The epoch that everything below was signed in.
        epoch: u32,
        /// The destinations' word.
        attestations: Vec<Attestation>,
        /// The notaries' and every party's, ascending by member.
        relation_signatures: Vec<MemberSignature>,
        /// The block that retained it.
        retained_in: u32,
    }

    /// An institution as the registry knows it.
    Institution {
        /// Its index in the registry.
        member: Member,
        /// Derived from the LEI.
        id: Bytes32,
        /// Its Legal Entity Identifier (ISO 17442).
        lei: String,
        /// The account that sends its transactions.
        account: Bytes32,
        /// The sr25519 key that signs its vouchers.
        signing_key: Bytes32,
        /// sha256 of its certificate's DER encoding.
        certificate: Bytes32,
        /// Bits: 1 participant, 2 notary, 4 credit node, 8 card issuer, 16 regulator.
        roles: u8,
        /// Whether it may act.
        status: Status,
    }

    /// What the institution holds of an asset in the clearing contract.
    SettlementBalance {
        /// What is neither reserved nor paid out. What is owed by rulings has to stay in it.
        available: Amount,
        /// Set aside for obligations that are not cleared yet.
        reserved: Amount,
        /// What rulings in disputes say that it has to give back, as far as it is not paid.
        owed: Amount,
        /// How far it may go negative, over all windows that are not paid.
        cap: Amount,
        /// The sum of its net debits in windows that are cut off and not paid.
        unsettled: Amount,
        /// The latest record that credited it.
        last_credit: Option<Source>,
    }
}

/// The problems of every request that reads.
#[derive(Debug)]
pub struct ReadProblems;
/// The problems of every request that writes.
#[derive(Debug)]
pub struct WriteProblems;
/// The problems of a look at the metrics.
#[derive(Debug)]
pub struct ScrapeProblems;
/// The problems of every request of a peer.
#[derive(Debug)]
pub struct PeerProblems;
/// The problems of every webhook.
#[derive(Debug)]
pub struct WebhookProblems;
/// The problems of every request of a terminal.
#[derive(Debug)]
pub struct TerminalProblems;

const READ: [(&str, &str); 7] = [
    ("400", "`malformed-request`: path, query or header can't be read"),
    ("401", "`unauthenticated`: no token, or an unknown one"),
    ("403", "`forbidden`: the token may not do this"),
    ("404", "`not-found`: there is no such thing"),
    (
        "500",
        "`internal`: the reason is in the log, under the problem's instance",
    ),
    ("503", "`chain-unavailable`: repeat the request later"),
    ("504", "`timed-out`: repeat the request"),
];

const SCRAPE: [(&str, &str); 3] = [
    (
        "500",
        "`internal`: the reason is in the log, under the problem's instance",
    ),
    ("503", "`chain-unavailable`: repeat the request later"),
    ("504", "`timed-out`: repeat the request"),
];

const WRITE: [(&str, &str); 10] = [
    ("400", "`malformed-request`, `idempotency-key-missing`"),
    ("401", "`unauthenticated`: no token, or an unknown one"),
    ("403", "`forbidden`, `contract-message-not-allowed`"),
    ("409", "`idempotency-key-reused`, `idempotency-in-progress`"),
    ("413", "`body-too-large`"),
    ("415", "`unsupported-media-type`"),
    ("422", "Refused by a rule; the code names it"),
    (
        "500",
        "`internal`: the reason is in the log, under the problem's instance",
    ),
    (
        "503",
        "`not-ready`, `chain-unavailable`: repeat the request with the same key",
    ),
    (
        "504",
        "`timed-out`: what was begun goes on; repeat the request with the same key",
    ),
];

const PEER: [(&str, &str); 9] = [
    ("400", "`malformed-request`: the body can't be read"),
    (
        "401",
        "The signature, the digest or the certificate doesn't verify; the code says which",
    ),
    (
        "403",
        "The sender may not act, or isn't registered; the code says which",
    ),
    ("413", "The body is too large"),
    ("415", "`unsupported-media-type`"),
    (
        "422",
        "The request is wrong; the code says how. Repeating it changes nothing",
    ),
    ("500", "`internal`"),
    ("503", "`not-ready`, `chain-unavailable`: repeat the request later"),
    ("504", "`timed-out`: repeat the request"),
];

const TERMINAL: [(&str, &str); 8] = [
    ("400", "`malformed-request`: path or body can't be read"),
    ("404", "`not-found`"),
    ("413", "`body-too-large`"),
    ("415", "`unsupported-media-type`"),
    (
        "422",
        "The message isn't in order; the code says how. Repeating it changes nothing",
    ),
    ("500", "`internal`"),
    (
        "503",
        "`not-ready`, `chain-unavailable`, `card-issuer-unreachable`: repeat the request later",
    ),
    ("504", "`timed-out`: repeat the request"),
];

const WEBHOOK: [(&str, &str); 8] = [
    ("400", "`malformed-request`: the body can't be read"),
    (
        "401",
        "`bad-webhook-signature`: a header is missing, or the signature is too old or another's",
    ),
    (
        "404",
        "`not-found`, or `no-such-route` where this institution takes no webhooks",
    ),
    ("413", "`body-too-large`"),
    ("422", "Refused by a rule; the code names it"),
    (
        "500",
        "`internal`: the reason is in the log, under the problem's instance",
    ),
    ("503", "`not-ready`, `chain-unavailable`: repeat the request later"),
    ("504", "`timed-out`: repeat the request"),
];

fn problems(list: &[(&str, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let response = |text: &str| {
        let content = Content::new(Some(Ref::from_schema_name("Problem")));
        ResponseBuilder::new()
            .description(text)
            .content(PROBLEM_JSON, content)
            .build()
    };
    list.iter()
        .map(|(status, text)| ((*status).to_owned(), RefOr::T(response(text))))
        .collect()
}

impl IntoResponses for ReadProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&READ)
    }
}

impl IntoResponses for ScrapeProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&SCRAPE)
    }
}

impl IntoResponses for WriteProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&WRITE)
    }
}

impl IntoResponses for PeerProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&PEER)
    }
}

impl IntoResponses for TerminalProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&TERMINAL)
    }
}

impl IntoResponses for WebhookProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&WEBHOOK)
    }
}

#[cfg(test)]
mod tests;
