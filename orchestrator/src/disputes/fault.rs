//! Why a dispute isn't opened or answered as asked, or a letter isn't taken. Nothing is changed then.
use protocol::{Amount, Member, Timestamp, VoucherId};

use super::{
    ports::{LedgerError, PeerError},
    state::Over,
};
use crate::store::StoreError;

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum DisputeError {
    /// This institution has no payment under the voucher.
    #[error("this institution has no payment {0}: the institutions of a payment contest what follows from it")]
    UnknownVoucher(VoucherId),
    /// Only retained payments have obligations.
    #[error("payment {0} is not retained in a finalized block: there is nothing to contest yet")]
    NotRetained(VoucherId),
    /// The relation is shorter.
    #[error("payment {voucher} has {obligations} obligation(s), numbered from 0: there is none at {obligation}")]
    NoObligation {
        /// The voucher.
        voucher: VoucherId,
        /// What was asked for.
        obligation: u8,
        /// How many there are.
        obligations: usize,
    },
    /// A notary rules; it contests nothing.
    #[error("member {0} is no party to this payment: its parties contest what follows from it")]
    NotInvolved(Member),
    /// A creditor that wants to give something back refunds it.
    #[error("member {0} is who the obligation is owed to: it gives back by a refund, without a dispute")]
    OwnCredit(Member),
    /// The claim is 0, or above the obligation.
    #[error("the claim has to be from 1 to {most}, what is owed")]
    BadClaim {
        /// The obligation's amount.
        most: Amount,
    },
    /// Who isn't the debtor claims for it.
    #[error("only the debtor, member {debtor}, claims a part; others claim all {amount}: leave the amount out")]
    ClaimNotWhole {
        /// Who owes.
        debtor: Member,
        /// How much.
        amount: Amount,
    },
    /// Refunds gave it back already.
    #[error("refunds gave back the rest already: {left} can be claimed")]
    AbovePaid {
        /// What may still go back.
        left: Amount,
    },
    /// The time for it has passed.
    #[error("a dispute over this payment could be opened before {until} (milliseconds since 1970)")]
    TooLate {
        /// When it had to be opened.
        until: Timestamp,
    },
    /// There is one for each obligation at most.
    #[error("member {claimant} contested this obligation: there is one dispute over each. Answer it, or wait for the ruling")]
    AlreadyDisputed {
        /// Who.
        claimant: Member,
    },
    /// Somebody here was faster, with another claim.
    #[error(
        "this institution is about to open a dispute over this obligation with another claim: the first one counts"
    )]
    AlreadyWanted,
    /// Nobody contests the obligation, as far as this institution knows.
    #[error("there is no dispute over {0} in a finalized block")]
    UnknownDispute(Over),
    /// The dispute has ended.
    #[error("the dispute has ended: nothing can be answered any more")]
    AlreadyRuled,
    /// There is one answer.
    #[error("member {by} answered already: there is one answer to a dispute")]
    AlreadyAnswered {
        /// Who.
        by: Member,
    },
    /// Only who owes or is owed answers, and not its own claim.
    #[error("member {0} can't answer this dispute: who owes or is owed answers another one's claim")]
    NotYoursToAnswer(Member),
    /// The document is too long, or empty.
    #[error("evidence has 1 to {limit} bytes")]
    BadEvidence {
        /// In bytes.
        limit: usize,
    },
    /// The letter is about a dispute that the chain doesn't show here. The sender tries again.
    #[error("there is no dispute over {0} in a block that is finalized here: send it again later")]
    NotShown(Over),
    /// The letter's document isn't what its sender put on chain, as it is finalized here. The sender tries again.
    #[error("the chain shows no such document of member {from}'s in the dispute over {over}: send it again later")]
    WrongEvidence {
        /// Who sent it.
        from: Member,
        /// The dispute.
        over: Over,
    },
    /// The dispute is none of this institution's business.
    #[error("member {0} is neither a party to this payment nor a notary")]
    NotConcerned(Member),
    /// The chain doesn't do it, or can't be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Another institution doesn't answer.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// The institution's own database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DisputeError {
    /// Stable: clients and peers act on it.
    pub const fn code(&self) -> &'static str {
        match self {
            DisputeError::UnknownVoucher(_) => "unknown-voucher",
            DisputeError::NotRetained(_) => "not-retained",
            DisputeError::NoObligation { .. } => "no-such-obligation",
            DisputeError::NotInvolved(_) => "not-involved",
            DisputeError::OwnCredit(_) => "own-credit",
            DisputeError::BadClaim { .. } => "bad-claim",
            DisputeError::ClaimNotWhole { .. } => "claim-not-whole",
            DisputeError::AbovePaid { .. } => "above-paid",
            DisputeError::TooLate { .. } => "dispute-too-late",
            DisputeError::AlreadyDisputed { .. } => "already-disputed",
            DisputeError::AlreadyWanted => "already-wanted",
            DisputeError::UnknownDispute(_) => "unknown-dispute",
            DisputeError::AlreadyRuled => "already-ruled",
            DisputeError::AlreadyAnswered { .. } => "already-answered",
            DisputeError::NotYoursToAnswer(_) => "not-yours-to-answer",
            DisputeError::BadEvidence { .. } => "bad-evidence",
            DisputeError::NotShown(_) => NOT_SHOWN,
            DisputeError::WrongEvidence { .. } => WRONG_EVIDENCE,
            DisputeError::NotConcerned(_) => "not-concerned",
            DisputeError::Ledger(_) => "chain-unavailable",
            DisputeError::Peer(_) => "peer",
            DisputeError::Store(_) => "internal",
        }
    }
}

const NOT_SHOWN: &str = "dispute-not-shown";
const WRONG_EVIDENCE: &str = "wrong-evidence";

/// Whether a peer that rejects a letter with this code may take it later: its node may be behind.
pub(super) fn is_passing(code: &str) -> bool {
    matches!(code, NOT_SHOWN | WRONG_EVIDENCE) || crate::settlement::fault::is_passing(code)
}
