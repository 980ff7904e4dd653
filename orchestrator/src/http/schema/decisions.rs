//! What the notaries decide, as it looks in JSON.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, Asset, Bytes32, Member, MemberSignature, Timestamp};

/// A decision of the notaries.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[allow(missing_docs)]
pub enum Decision {
    /// Publishes the next fee schedule: at most 32 rules.
    SetFees(Vec<FeeRule>),
    /// Says how far a member may go negative in an asset, over all windows that are not paid.
    SetCap { member: Member, asset: Asset, cap: Amount },
    /// Closes the open window, by its number, and opens the next.
    CloseWindow(u32),
    /// Takes 1 to 64 vouchers out of a window that could not be paid.
    TakeOut { window: u32, vouchers: Vec<Bytes32> },
    /// Ends a dispute over an obligation, by its place in the relation.
    Rule {
        voucher: Bytes32,
        obligation: u8,
        ruling: Ruling,
    },
}

/// How a dispute ends.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub enum Ruling {
    /// The obligation stands.
    Uphold,
    /// All that is claimed goes back.
    Reverse,
    /// This much goes back: at least 1, less than what is claimed.
    Partial(Amount),
}

/// A kind of payment.
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

/// Who gets a fee of the home institution.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub enum FeePayee {
    /// The institution that took the user's request.
    Originator,
    /// Each of the other destinations.
    Others,
}

described! {
    /// A fee: `flat` + `amount` × `parts_per_million` / 1,000,000, rounded down, and never more than `at_most`.
    FeeRule {
        /// For which payments.
        service: Service,
        /// In which asset; the fee is in it too.
        asset: Asset,
        /// Who gets it.
        payee: FeePayee,
        /// In the asset's smallest unit.
        flat: Amount,
        /// Of the payment's amount.
        parts_per_million: u32,
        /// In the asset's smallest unit.
        at_most: Amount,
    }

    /// What counts up in the clearing contract.
    Current {
        /// The number of the open window.
        window: u32,
        /// The version of the latest fee schedule; 0 is the empty one.
        fees: u32,
        /// The number of decisions so far.
        decisions: u32,
    }

    /// What a notary signs of a decision.
    Draft {
        /// What is decided.
        decision: Decision,
        /// The number of decisions before it on chain.
        number: u32,
        /// The approval is valid strictly before.
        expires_at: Timestamp,
    }

    /// Notary to notary: I agreed to this; did you?
    ApprovalRequest {
        /// What the sender agreed to.
        draft: Draft,
        /// The registry's epoch at signing.
        epoch: u32,
        /// The sender's.
        signed: MemberSignature,
    }
}

/// A notary's answer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalAnswer {
    /// Nobody there agreed, or it has ended there.
    Pending,
    /// It agreed too: its signature.
    Signed(MemberSignature),
}
