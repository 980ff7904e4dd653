//! Calls, as they are sent.
use protocol::{
    credit::{CreditRequest, Error, LimitOrder, RaiseRequest},
    settlement::Asset,
    AccountId, Member, RequestId, Signature,
};

use crate::{
    contract_chain::{Called, Fault},
    credit::{Side, BLOCK},
};

/// A message with all that it needs. A signature comes with whether it is the right party's under exactly this.
#[derive(Clone, Debug)]
pub enum Call {
    SetLimit(LimitOrder, Signature, bool),
    SetNodeLimit(AccountId, Asset, u128),
    Freeze(AccountId),
    Unfreeze(AccountId),
    RequestRaise(RaiseRequest, Signature, bool),
    DecideRaise(AccountId, Asset, Option<u128>),
    Reserve {
        request: CreditRequest,
        payer: Signature,
        payee: Signature,
        both_agree: bool,
    },
    Extend(RequestId, u64),
    Release(RequestId),
    Expire(RequestId),
    Commit(RequestId),
    ConfirmReceipt(RequestId, Signature, bool),
    Repay(RequestId, u128),
    MarkOverdue(RequestId),
    Fund,
    FundToken(AccountId, u128),
    Withdraw(Asset, u128),
    Pay(CreditRequest),
}

#[derive(Clone, Debug)]
pub struct Sent {
    /// 0 and 1, as the chains are numbered.
    pub side: usize,
    pub call: Call,
    pub by: Member,
    /// Native tokens sent along.
    pub value: u128,
    /// By this chain's clock.
    pub now: u64,
}

/// What a limit of this size is said to have been computed from.
pub fn evidence(limit: u128) -> [u8; 32] {
    [limit.to_le_bytes()[0]; 32]
}

impl Sent {
    /// Whether the contract did it. What refused it, contract or chain, doesn't matter.
    pub fn is_done(&self, side: &mut Side) -> bool {
        let (by, message, value) = (self.by, self.call.message(), self.value);
        // What it answers beside that it is done doesn't matter either.
        let answer: Result<Called<Result<(), Error>>, Fault> = match &self.call {
            Call::SetLimit(order, signature, _) => side.try_send(by, message, (order, signature), value),
            Call::SetNodeLimit(payer, asset, limit) => {
                side.try_send(by, message, (payer, asset, limit, evidence(*limit)), value)
            }
            Call::Freeze(payer) | Call::Unfreeze(payer) => side.try_send(by, message, payer, value),
            Call::RequestRaise(wish, signature, _) => side.try_send(by, message, (wish, signature), value),
            Call::DecideRaise(payer, asset, granted) => {
                let digest = evidence(granted.unwrap_or_default());
                side.try_send(by, message, (payer, asset, granted, digest), value)
            }
            Call::Reserve {
                request, payer, payee, ..
            } => side.try_send(by, message, (request, payer, payee), value),
            Call::Extend(id, until) => side.try_send(by, message, (id, until), value),
            Call::Release(id) | Call::Expire(id) | Call::MarkOverdue(id) => side.try_send(by, message, id, value),
            Call::Commit(id) => side.try_send(by, message, (id, BLOCK), value),
            Call::ConfirmReceipt(id, signature, _) => side.try_send(by, message, (id, signature), value),
            Call::Repay(id, amount) => side.try_send(by, message, (id, amount), value),
            Call::Fund => side.try_send(by, message, (), value),
            Call::FundToken(token, amount) => side.try_send(by, message, (token, amount), value),
            Call::Withdraw(asset, amount) => side.try_send(by, message, (asset, amount), value),
            Call::Pay(request) => side.try_send(by, message, request, value),
        };
        answer.is_ok_and(|called| called.output.is_ok())
    }
}

impl Call {
    pub fn message(&self) -> &'static str {
        match self {
            Self::SetLimit(..) => "set_limit",
            Self::SetNodeLimit(..) => "set_node_limit",
            Self::Freeze(_) => "freeze",
            Self::Unfreeze(_) => "unfreeze",
            Self::RequestRaise(..) => "request_raise",
            Self::DecideRaise(..) => "decide_raise",
            Self::Reserve { .. } => "reserve",
            Self::Extend(..) => "extend",
            Self::Release(_) => "release",
            Self::Expire(_) => "expire",
            Self::Commit(_) => "commit",
            Self::ConfirmReceipt(..) => "confirm_receipt",
            Self::Repay(..) => "repay",
            Self::MarkOverdue(_) => "mark_overdue",
            Self::Fund => "fund",
            Self::FundToken(..) => "fund_token",
            Self::Withdraw(..) => "withdraw",
            Self::Pay(_) => "pay",
        }
    }

    /// The request that it is about, if it is about one.
    pub fn request(&self) -> Option<RequestId> {
        match self {
            Self::Reserve { request, .. } | Self::Pay(request) => Some(request.id()),
            Self::Extend(id, _)
            | Self::Release(id)
            | Self::Expire(id)
            | Self::Commit(id)
            | Self::ConfirmReceipt(id, ..)
            | Self::Repay(id, _)
            | Self::MarkOverdue(id) => Some(*id),
            _ => None,
        }
    }
}
