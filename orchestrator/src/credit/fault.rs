//! Why something isn't done as asked on a credit node's chain. Nothing is changed then.
use protocol::{credit::Error, text::to_hex, AccountId, Amount, Member, RequestId, Timestamp};

use super::{
    payee::Decision,
    ports::{LedgerError, PeerError},
};
use crate::{
    assets::AssetName, chain::deployment::to_ss58, identity::PersonError, settlement::ports::refusal_code,
    store::StoreError,
};

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum CreditError {
    /// The institution gives no credit on this chain.
    #[error("this institution gives no credit on a chain with genesis {}", to_hex(.0))]
    UnknownChain([u8; 32]),
    /// Nothing was reserved under this request on this chain.
    #[error("there is no debt {0} on this chain")]
    UnknownDebt(RequestId),
    /// Nobody was paid for this request on this chain.
    #[error("there is no payout {0} on this chain")]
    UnknownPayout(RequestId),
    /// The payer never wished for a higher limit.
    #[error("this payer has not asked for a higher limit in this asset")]
    UnknownRaise,
    /// No payer asked for such a payment here.
    #[error("there is no payment on credit {0} here")]
    UnknownPayment(RequestId),
    /// No payee here was asked, or took it.
    #[error("no payee here took a payment on credit {0}")]
    UnknownConsent(RequestId),
    /// The contract would refuse this request.
    #[error("the credit contract would refuse this request: {0:?}")]
    BadRequest(Error),
    /// The request names another contract than this credit node's.
    #[error(
        "the request names the contract {}, this credit node's there is {}: see `quittance credit chains`",
        to_ss58(contract),
        to_ss58(ours)
    )]
    NotOurContract {
        /// As it is named.
        contract: AccountId,
        /// As it would be right.
        ours: AccountId,
    },
    /// There is no time to pay.
    #[error(
        "pay_by is {pay_by}, and must be later than {least} (milliseconds since 1970): ask again with later deadlines"
    )]
    TooShort {
        /// As it is signed.
        pay_by: Timestamp,
        /// The contracts' grace from now.
        least: Timestamp,
    },
    /// The credit node doesn't lend that long.
    #[error("the debt would be due at {due_at}, and must be by {latest} (milliseconds since 1970): ask again with a shorter term")]
    TermTooLong {
        /// As it is signed.
        due_at: Timestamp,
        /// By the credit node's terms.
        latest: Timestamp,
    },
    /// The credit node wants a higher late fee.
    #[error("the late fee is {late_fee}, and must be at least {least}: ask again with that")]
    LateFeeTooLow {
        /// As it is signed.
        late_fee: Amount,
        /// By the credit node's terms.
        least: Amount,
    },
    /// The payer didn't sign this.
    #[error("the payer {} didn't sign this request for this chain and contract", to_ss58(.0))]
    BadPayerSignature(AccountId),
    /// The payee didn't sign what its institution says.
    #[error("the payee {} didn't sign what its institution says", to_ss58(.0))]
    BadPayeeSignature(AccountId),
    /// Nobody vouches for payers and payees.
    #[error("this credit node has no authorities for payers and payees: set credit.persons in its configuration")]
    NoAuthorities,
    /// Payer or payee isn't who it must be.
    #[error(transparent)]
    Person(#[from] PersonError),
    /// The payee's institution can't be reached.
    #[error("the payee's institution {0} is not known here: add it to the peers of the payee's chain under [[credit.chains]]")]
    UnknownInstitution(Member),
    /// Its payment goes on by itself.
    #[error(
        "the payment {0} is under way: its reservation is released by itself once the payee can't be paid any more"
    )]
    UnderWay(RequestId),
    /// The payee's consent is missing.
    #[error("the payee has not taken the payment {0}")]
    NotAccepted(RequestId),
    /// The account is no payee that this institution speaks for.
    #[error("this institution doesn't speak for the account {}", to_ss58(.0))]
    NotOurPayee(AccountId),
    /// The payee's institution doesn't know this contract as that credit node's.
    #[error(
        "{} is not known as the credit contract of member {node}: deployment.json must list it",
        to_ss58(contract)
    )]
    UnknownCreditContract {
        /// Who asks.
        node: Member,
        /// As it is named.
        contract: AccountId,
    },
    /// The time to pay is over.
    #[error("the time to pay was over at {pay_by} (milliseconds since 1970)")]
    TooLate {
        /// When.
        pay_by: Timestamp,
    },
    /// Nobody keeps a question open for so long.
    #[error("pay_by is {pay_by}, and must be by {latest} (milliseconds since 1970): ask again with earlier deadlines")]
    TooFar {
        /// As it is signed.
        pay_by: Timestamp,
        /// The latest.
        latest: Timestamp,
    },
    /// The certificate is longer than any is.
    #[error("the payer's certificate may have at most {limit} bytes")]
    CertificateTooLong {
        /// In bytes.
        limit: usize,
    },
    /// A refusal needs a reason.
    #[error("say why, in 1 to {limit} bytes")]
    BadReason {
        /// In bytes.
        limit: usize,
    },
    /// The payee decided otherwise, and its word is out.
    #[error("the payee's decision is made: {0}")]
    DecidedBefore(Decision),
    /// The chain doesn't do it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The other institution doesn't answer as asked.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It can't be done now, and there is nothing wrong with that.
    #[error("not yet: {0}")]
    NotYet(&'static str),
    /// The payer can't choose what is lent against what.
    #[error(
        "this credit node doesn't pay {payout} on the chain {} for a debt of {debt}: ask it what it does",
        to_hex(chain)
    )]
    NotOffered {
        /// What would be owed.
        debt: AssetName,
        /// What would be paid.
        payout: AssetName,
        /// Where.
        chain: [u8; 32],
    },
    /// A reservation couldn't be extended for long.
    #[error(
        "the debt would be due at {due_at}, and must not be before {least} (milliseconds since 1970): ask again with a longer term"
    )]
    TermTooShort {
        /// As it is signed.
        due_at: Timestamp,
        /// By the credit node's terms.
        least: Timestamp,
    },
    /// The same request was handed in for another institution.
    #[error("this request was handed in before, for the payee's institution {0}: it goes on there")]
    OtherInstitution(Member),
    /// The process goes down.
    #[error("the process is going down")]
    Stopping,
}

/// Whether a payee's institution that rejects a question with this code will never answer it otherwise. Whatever else stands
/// in the way (clocks, registries, a busy node) may be mended before the time to pay is over.
pub(super) fn ends_the_question(code: &str) -> bool {
    matches!(
        code,
        NOT_OUR_PAYEE | UNKNOWN_CHAIN | BAD_PAYER_SIGNATURE | TOO_FAR | CERTIFICATE_TOO_LONG
    )
}

const NOT_OUR_PAYEE: &str = "not-our-payee";
const UNKNOWN_CHAIN: &str = "unknown-chain";
const UNKNOWN_CREDIT_CONTRACT: &str = "unknown-credit-contract";
const BAD_PAYER_SIGNATURE: &str = "bad-payer-signature";
const TOO_LATE: &str = "too-late";
const TOO_FAR: &str = "too-far";
const CERTIFICATE_TOO_LONG: &str = "certificate-too-long";

impl CreditError {
    /// A stable code for machines, where a rule refuses.
    pub fn code(&self) -> String {
        match self {
            Self::UnknownChain(_) => UNKNOWN_CHAIN,
            Self::UnknownDebt(_) => "unknown-debt",
            Self::UnknownPayout(_) => "unknown-payout",
            Self::UnknownRaise => "unknown-raise",
            Self::UnknownPayment(_) => "unknown-payment",
            Self::UnknownConsent(_) => "unknown-consent",
            Self::BadRequest(error) | Self::Ledger(LedgerError::Refused(error)) => return refusal_code(error),
            Self::NotOurContract { .. } => "not-our-contract",
            Self::TooShort { .. } => "deadline-too-close",
            Self::TermTooLong { .. } => "term-too-long",
            Self::LateFeeTooLow { .. } => "late-fee-too-low",
            Self::BadPayerSignature(_) => BAD_PAYER_SIGNATURE,
            Self::BadPayeeSignature(_) => "bad-payee-signature",
            Self::NoAuthorities => "no-authorities",
            Self::Person(error) => error.code(),
            Self::UnknownInstitution(_) => "unknown-institution",
            Self::UnderWay(_) => "under-way",
            Self::NotAccepted(_) => "not-accepted",
            Self::NotOurPayee(_) => NOT_OUR_PAYEE,
            Self::UnknownCreditContract { .. } => UNKNOWN_CREDIT_CONTRACT,
            Self::TooLate { .. } => TOO_LATE,
            Self::TooFar { .. } => TOO_FAR,
            Self::CertificateTooLong { .. } => CERTIFICATE_TOO_LONG,
            Self::BadReason { .. } => "bad-reason",
            Self::DecidedBefore(_) => "decided-before",
            Self::Ledger(_) => "chain-rejected",
            Self::Peer(_) => "peer-failed",
            Self::NotYet(_) => "not-yet",
            Self::NotOffered { .. } => "not-offered",
            Self::TermTooShort { .. } => "term-too-short",
            Self::OtherInstitution(_) => "other-institution",
            Self::Store(_) | Self::Stopping => "internal",
        }
        .to_owned()
    }
}
