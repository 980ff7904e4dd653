//! Disputes, as they look in JSON.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{decisions::Ruling, Amount, Bytes32, Member, Obligation, Timestamp};

/// A document of 1 to 65,536 bytes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Document {
    /// Word for word.
    Text(String),
    /// What is no plain text.
    Base64(String),
}

described! {
    /// What a party wants back.
    Claim {
        /// The place of the contested obligation in the relation.
        obligation: u8,
        /// How much the obligation's debtor should get back.
        amount: Amount,
        /// sha256 of the document that shows why.
        evidence: Bytes32,
    }

    /// A party's answer to a dispute.
    Response {
        /// Who.
        member: Member,
        /// sha256 of the document that it answers with.
        evidence: Bytes32,
    }

    /// A dispute over one obligation, as the chain shows it.
    Dispute {
        /// Who opened it.
        claimant: Member,
        /// The voucher's originator.
        originator: Member,
        /// The voucher's number there.
        sequence: Amount,
        /// What it wants.
        claim: Claim,
        /// The obligation: its creditor gives back, its debtor gets.
        contested: Obligation,
        /// When it was opened.
        opened_at: Timestamp,
        /// A ruling is valid strictly before; at or after it, the obligation stands.
        rule_by: Timestamp,
        /// The other side's answer.
        response: Option<Response>,
        /// What came of it.
        ruling: Option<Ruling>,
        /// What goes back by the ruling.
        awarded: Amount,
        /// Whether that is owed already: the contested obligation has been paid.
        is_due: bool,
        /// How much of that is paid.
        paid: Amount,
    }

    /// A party's document, for the other institutions of the payment and for the notaries.
    EvidenceLetter {
        /// The voucher.
        voucher: Bytes32,
        /// The place of the contested obligation in its relation.
        obligation: u8,
        /// Claim or answer: the chain shows which, by its sha256.
        document: Document,
    }
}
