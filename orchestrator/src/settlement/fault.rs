//! What can be wrong with what a peer or a client sends. A fault changes nothing; a business refusal is a record.
use protocol::{settlement::VoucherFault, Member, Timestamp, VoucherId};

use super::ports::LedgerError;
use crate::store::StoreError;

/// The peer's request is wrong. Nothing was changed, here or on chain.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Only the voucher's originator may send this.
    #[error("member {sender} is not the originator of this voucher, member {originator} is")]
    NotOriginator {
        /// Who sent it.
        sender: Member,
        /// Who may.
        originator: Member,
    },
    /// The notary named in the message is not the one who sent it.
    #[error("the message is member {named}'s, but member {sender} sent it")]
    NotSender {
        /// Who sent it.
        sender: Member,
        /// Whose it is.
        named: Member,
    },
    /// The member has no notary role.
    #[error("member {0} is not a notary")]
    NotNotary(Member),
    /// The member has no participant role.
    #[error("member {0} does not take part in payments")]
    NotParticipant(Member),
    /// The registry doesn't know this index.
    #[error("the registry has no member {0}")]
    UnknownMember(Member),
    /// Suspended or revoked.
    #[error("member {0} is suspended or revoked")]
    NotActive(Member),
    /// Sent to an institution that the voucher doesn't involve in this way.
    #[error("member {0} has no such part in this voucher")]
    NotAddressee(Member),
    /// A notary can't keep a voucher that it is a party to.
    #[error("member {0} is a party to this voucher and can't be its notary")]
    NotaryIsParty(Member),
    /// Fewer notaries than a retention needs can keep this voucher.
    #[error("a retention needs {needed} notary signature(s), and of the notaries configured here only {able} can sign: name more in settlement.notaries")]
    TooFewNotaries {
        /// How many it takes.
        needed: u16,
        /// How many are there.
        able: usize,
    },
    /// A signature doesn't verify.
    #[error("member {signer}'s signature under the {what} does not verify: another key, content, chain, contract, epoch or expiry was signed")]
    BadSignature {
        /// Whose it should be.
        signer: Member,
        /// Under what.
        what: &'static str,
    },
    /// The signatures are not exactly the parties', ascending by member.
    #[error("the signatures must be those of all parties, strictly ascending by member")]
    WrongSigners,
    /// Signed in another epoch of the registry.
    #[error("signed in epoch {given}, but the registry is in epoch {current}: read the registry and sign again")]
    WrongEpoch {
        /// Of the message.
        given: u32,
        /// Of the registry.
        current: u32,
    },
    /// The voucher breaks a rule of its own.
    #[error("the voucher breaks a rule: {0:?}")]
    BadVoucher(VoucherFault),
    /// The voucher, the request or the relation is void.
    #[error("expired at {expired_at} (milliseconds since 1970)")]
    Expired {
        /// When.
        expired_at: Timestamp,
    },
    /// The user's request was already turned into another voucher.
    #[error("this request was proposed before as voucher {0}: one request leads to one voucher")]
    RequestUsed(VoucherId),
    /// This institution never saw the voucher, or isn't that far with it.
    #[error("voucher {0} is unknown here, or was not confirmed yet")]
    UnknownVoucher(VoucherId),
    /// This institution is on its way there, or was just now. Ask again.
    #[error("voucher {0} can't be co-signed here now: ask again")]
    NotNow(VoucherId),
    /// Not what this institution co-signed, or not what follows from it.
    #[error("the {0} differs from what was co-signed before, or does not follow from the voucher")]
    Altered(&'static str),
    /// A batch of no retentions, or of more than one call takes.
    #[error("a batch has 1 to {most} retentions")]
    BatchSize {
        /// How many it may have.
        most: usize,
    },
    /// The chain holds the voucher already.
    #[error("voucher {0} is retained already")]
    AlreadyRetained(VoucherId),
    /// The finalized chain doesn't show it yet. Ask again.
    #[error("voucher {0} is not retained in a block that is finalized here: ask again")]
    NotRetained(VoucherId),
    /// The chain can't be read now. Ask again.
    #[error("the chain can't be read now, ask again: {0}")]
    Unavailable(#[from] LedgerError),
    /// The institution's own database failed. Ask again.
    #[error("this institution can't store its answer now, ask again")]
    Store(#[from] StoreError),
}

impl Fault {
    /// Stable: peers act on it.
    pub const fn code(&self) -> &'static str {
        match self {
            Fault::NotOriginator { .. } => "not-originator",
            Fault::NotSender { .. } => "not-sender",
            Fault::NotNotary(_) => "not-a-notary",
            Fault::NotParticipant(_) => "not-a-participant",
            Fault::UnknownMember(_) => "unknown-member",
            Fault::NotActive(_) => "member-not-active",
            Fault::NotAddressee(_) => "not-addressee",
            Fault::NotaryIsParty(_) => "notary-is-party",
            Fault::TooFewNotaries { .. } => "too-few-notaries",
            Fault::BadSignature { .. } => "bad-signature",
            Fault::WrongSigners => "wrong-signers",
            Fault::WrongEpoch { .. } => WRONG_EPOCH,
            Fault::BadVoucher(_) => "bad-voucher",
            Fault::Expired { .. } => EXPIRED,
            Fault::RequestUsed(_) => "request-used",
            Fault::UnknownVoucher(_) => UNKNOWN_VOUCHER,
            Fault::NotNow(_) => NOT_NOW,
            Fault::Altered(_) => "altered-content",
            Fault::BatchSize { .. } => "batch-size",
            Fault::AlreadyRetained(_) => ALREADY_RETAINED,
            Fault::NotRetained(_) => NOT_RETAINED,
            Fault::Unavailable(_) => UNAVAILABLE,
            Fault::Store(_) => STORE_FAILED,
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_passing(&self) -> bool {
        is_passing(self.code())
    }
}

const NOT_NOW: &str = "not-now";
const NOT_RETAINED: &str = "not-retained";
const UNAVAILABLE: &str = "unavailable";
const STORE_FAILED: &str = "store-failed";
pub(super) const WRONG_EPOCH: &str = "wrong-epoch";
pub(super) const EXPIRED: &str = "expired";
pub(super) const ALREADY_RETAINED: &str = "already-retained";
pub(super) const UNKNOWN_VOUCHER: &str = "unknown-voucher";

/// Whether a peer that answers with this code may answer otherwise later.
pub(crate) fn is_passing(code: &str) -> bool {
    matches!(code, NOT_NOW | NOT_RETAINED | UNAVAILABLE | STORE_FAILED | WRONG_EPOCH)
}

/// The institution's own client asked for something impossible.
#[derive(Debug, thiserror::Error)]
pub enum SettlementError {
    /// The request names another originator.
    #[error("the request is for member {named}, this institution is member {me}: send it there")]
    NotOriginator {
        /// Whom it names.
        named: Member,
        /// Who this is.
        me: Member,
    },
    /// A payment between the institution and its own user needs no settlement between institutions. Only a credit
    /// transfer leads to another institution.
    #[error("the user is this institution's own: such a payment needs no settlement between institutions")]
    OwnUser,
    /// A credit transfer without a beneficiary, or a beneficiary in another kind.
    #[error(
        "a credit transfer names the user whom it pays by 1 to {MAX_USER_NUMBER} characters, other kinds name none"
    )]
    BadBeneficiary,
    /// The request can't lead to a valid voucher.
    #[error("the request can't lead to a valid voucher: {0:?}")]
    BadVoucher(VoucherFault),
    /// The amount is 0.
    #[error("the amount is 0: write how much is to be paid, in the asset's smallest unit")]
    ZeroAmount,
    /// The user number is empty or too long.
    #[error("the user number must have 1 to {MAX_USER_NUMBER} characters")]
    BadUserNumber,
    /// A user's new balance or limit can't be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The chain can't be read now.
    #[error("the chain can't be read now, try again: {0}")]
    Ledger(#[from] LedgerError),
    /// `run` was called twice.
    #[error("the settlement runner is running already")]
    AlreadyRunning,
}

/// The most bytes of a user number.
pub const MAX_USER_NUMBER: usize = 64;

/// Whether a text may be a user's number.
pub(crate) fn is_user_number(text: &str) -> bool {
    (1..=MAX_USER_NUMBER).contains(&text.len())
}
