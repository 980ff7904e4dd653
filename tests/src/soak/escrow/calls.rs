//! Calls, as they are sent.
use protocol::{
    escrow::{Error, Secret, Terms},
    settlement::Asset,
    DealId, Member, Signature,
};

use crate::{
    contract_chain::{Called, Fault},
    institutions::account,
    market::Market,
};

/// A message with all that it needs.
#[derive(Clone, Debug)]
pub enum Call {
    Lock(Terms),
    Accept(DealId),
    Reveal(DealId, Secret),
    Claim(DealId, Secret),
    Refund(DealId),
    Cancel {
        id: DealId,
        expires_at: u64,
        buyer: Signature,
        seller: Signature,
        /// Whether both signed exactly this.
        both_agree: bool,
    },
    Dispute(DealId, [u8; 32]),
    Rule(DealId, u128),
    RuleByDefault(DealId),
    Withdraw(Member, Asset),
}

#[derive(Clone, Debug)]
pub struct Sent {
    pub call: Call,
    pub by: Member,
    /// Native tokens sent along.
    pub value: u128,
    pub now: u64,
}

impl Sent {
    /// Whether the contract did it. What refused it, contract or chain, doesn't matter.
    pub fn is_done(&self, market: &mut Market) -> bool {
        let (by, message, value) = (self.by, self.call.message(), self.value);
        let answer: Result<Called<Result<(), Error>>, Fault> = match &self.call {
            Call::Lock(terms) => market.try_send(by, message, terms, value),
            Call::Accept(id) | Call::Refund(id) | Call::RuleByDefault(id) => market.try_send(by, message, id, value),
            Call::Reveal(id, secret) | Call::Claim(id, secret) => market.try_send(by, message, (id, secret), value),
            Call::Cancel {
                id,
                expires_at,
                buyer,
                seller,
                ..
            } => market.try_send(by, message, (id, expires_at, buyer, seller), value),
            Call::Dispute(id, evidence) => market.try_send(by, message, (id, evidence), value),
            Call::Rule(id, to_seller) => market.try_send(by, message, (id, to_seller), value),
            Call::Withdraw(whose, asset) => market.try_send(by, message, (account(*whose), asset), value),
        };
        answer.is_ok_and(|called| called.output.is_ok())
    }
}

impl Call {
    pub fn message(&self) -> &'static str {
        match self {
            Self::Lock(_) => "lock",
            Self::Accept(_) => "accept",
            Self::Reveal(..) => "reveal",
            Self::Claim(..) => "claim",
            Self::Refund(_) => "refund",
            Self::Cancel { .. } => "cancel",
            Self::Dispute(..) => "dispute",
            Self::Rule(..) => "rule",
            Self::RuleByDefault(_) => "rule_by_default",
            Self::Withdraw(..) => "withdraw",
        }
    }

    /// The deal that it is about, if it is about one. A lock by `by` makes it.
    pub fn deal(&self, by: Member) -> Option<DealId> {
        match self {
            Self::Lock(terms) => Some(DealId::of(account(by), terms.agreement)),
            Self::Accept(id)
            | Self::Reveal(id, _)
            | Self::Claim(id, _)
            | Self::Refund(id)
            | Self::Cancel { id, .. }
            | Self::Dispute(id, _)
            | Self::Rule(id, _)
            | Self::RuleByDefault(id) => Some(*id),
            Self::Withdraw(..) => None,
        }
    }
}
