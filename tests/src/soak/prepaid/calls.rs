//! Calls, as they are sent.
use protocol::{
    prepaid::{
        CardLimits, CardNumber, DisputeOrder, Error, MerchantNumber, PaymentKey, Programme, RefundOrder, Rules,
        SignedPayment, Verdict, VoidOrder,
    },
    AccountId, Member, Signature,
};

use crate::{
    contract_chain::{Called, Emitted, Fault},
    prepaid::Cards,
};

/// A message with all that it needs. A signature comes with whether it is the right party's under exactly this.
#[derive(Clone, Debug)]
pub enum Call {
    SetProgramme(Programme),
    RegisterMerchant(MerchantNumber, Member, AccountId, Rules),
    SwitchMerchant(MerchantNumber, bool),
    SetRules(MerchantNumber, Rules),
    AddTerminal(MerchantNumber, AccountId),
    RevokeTerminal(AccountId),
    IssueCard(CardNumber, AccountId, AccountId, CardLimits, u64),
    SetLimits(CardNumber, CardLimits),
    Freeze(CardNumber),
    Unfreeze(CardNumber),
    ReplaceCard(CardNumber, AccountId),
    CloseCard(CardNumber),
    TopUp(CardNumber, u128, [u8; 32]),
    PayBatch(Vec<Brought>),
    Void(VoidOrder, Signature, bool),
    Refund(RefundOrder, Signature, bool),
    FundMerchant(MerchantNumber, u128, [u8; 32]),
    OpenDispute(DisputeOrder, Signature, bool),
    AnswerDispute(PaymentKey, [u8; 32]),
    DecideDispute(PaymentKey, u128),
    DefaultDispute(PaymentKey),
    CloseCycle(MerchantNumber),
}

/// A payment, and whose signatures under exactly this it really has.
#[derive(Clone, Copy, Debug)]
pub struct Brought {
    pub signed: SignedPayment,
    /// The card's key that signed.
    pub chip: Option<AccountId>,
    /// Whether the terminal that it names did.
    pub is_terminals: bool,
}

#[derive(Clone, Debug)]
pub struct Sent {
    pub call: Call,
    pub by: Member,
    /// Native tokens sent along.
    pub value: u128,
    pub now: u64,
}

/// What a call came to. What refused it, contract or chain, doesn't matter.
#[derive(Default)]
pub struct Answer {
    pub is_done: bool,
    pub verdicts: Vec<Verdict>,
    pub events: Vec<Emitted>,
}

impl Sent {
    pub fn answer(&self, cards: &mut Cards) -> Answer {
        let (by, message, value) = (self.by, self.call.message(), self.value);
        // What most answer beside that it is done is read elsewhere.
        let answer: Result<Called<Result<(), Error>>, Fault> = match &self.call {
            Call::PayBatch(brought) => {
                let signed: Vec<SignedPayment> = brought.iter().map(|brought| brought.signed).collect();
                return answered(cards.try_send(by, message, signed, value), |verdicts| verdicts);
            }
            Call::SetProgramme(programme) => cards.try_send(by, message, programme, value),
            Call::RegisterMerchant(merchant, acquirer, till, rules) => {
                cards.try_send(by, message, (merchant, acquirer, till, rules), value)
            }
            Call::SwitchMerchant(merchant, is_active) => cards.try_send(by, message, (merchant, is_active), value),
            Call::SetRules(merchant, rules) => cards.try_send(by, message, (merchant, rules), value),
            Call::AddTerminal(merchant, terminal) => cards.try_send(by, message, (merchant, terminal), value),
            Call::RevokeTerminal(terminal) => cards.try_send(by, message, terminal, value),
            Call::IssueCard(card, key, holder, limits, expires_at) => {
                cards.try_send(by, message, (card, key, holder, limits, expires_at), value)
            }
            Call::SetLimits(card, limits) => cards.try_send(by, message, (card, limits), value),
            Call::Freeze(card) | Call::Unfreeze(card) | Call::CloseCard(card) => {
                cards.try_send(by, message, card, value)
            }
            Call::ReplaceCard(card, key) => cards.try_send(by, message, (card, key), value),
            Call::TopUp(card, amount, reference) => cards.try_send(by, message, (card, amount, reference), value),
            Call::FundMerchant(merchant, amount, reference) => {
                cards.try_send(by, message, (merchant, amount, reference), value)
            }
            Call::Void(order, signature, _) => cards.try_send(by, message, (order, signature), value),
            Call::Refund(order, signature, _) => cards.try_send(by, message, (order, signature), value),
            Call::OpenDispute(order, signature, _) => cards.try_send(by, message, (order, signature), value),
            Call::AnswerDispute(key, answer) => cards.try_send(by, message, (key, answer), value),
            Call::DecideDispute(key, awarded) => cards.try_send(by, message, (key, awarded), value),
            Call::DefaultDispute(key) => cards.try_send(by, message, key, value),
            Call::CloseCycle(merchant) => cards.try_send(by, message, merchant, value),
        };
        answered(answer, |()| Vec::new())
    }
}

fn answered<T>(answer: Result<Called<Result<T, Error>>, Fault>, verdicts: impl Fn(T) -> Vec<Verdict>) -> Answer {
    match answer {
        Ok(Called {
            output: Ok(output),
            events,
            ..
        }) => Answer {
            is_done: true,
            verdicts: verdicts(output),
            events,
        },
        _ => Answer::default(),
    }
}

impl Call {
    pub const fn message(&self) -> &'static str {
        match self {
            Self::SetProgramme(_) => "set_programme",
            Self::RegisterMerchant(..) => "register_merchant",
            Self::SwitchMerchant(..) => "switch_merchant",
            Self::SetRules(..) => "set_rules",
            Self::AddTerminal(..) => "add_terminal",
            Self::RevokeTerminal(_) => "revoke_terminal",
            Self::IssueCard(..) => "issue_card",
            Self::SetLimits(..) => "set_limits",
            Self::Freeze(_) => "freeze",
            Self::Unfreeze(_) => "unfreeze",
            Self::ReplaceCard(..) => "replace_card",
            Self::CloseCard(_) => "close_card",
            Self::TopUp(..) => "top_up",
            Self::PayBatch(_) => "pay_batch",
            Self::Void(..) => "void",
            Self::Refund(..) => "refund",
            Self::FundMerchant(..) => "fund_merchant",
            Self::OpenDispute(..) => "open_dispute",
            Self::AnswerDispute(..) => "answer_dispute",
            Self::DecideDispute(..) => "decide_dispute",
            Self::DefaultDispute(_) => "default_dispute",
            Self::CloseCycle(_) => "close_cycle",
        }
    }

    /// The payments that it is about.
    pub fn keys(&self) -> Vec<PaymentKey> {
        match self {
            Self::PayBatch(brought) => brought.iter().map(|brought| brought.signed.payment.key()).collect(),
            Self::Void(VoidOrder { card, counter, .. }, ..)
            | Self::Refund(RefundOrder { card, counter, .. }, ..)
            | Self::OpenDispute(DisputeOrder { card, counter, .. }, ..) => vec![(*card, *counter)],
            Self::AnswerDispute(key, _) | Self::DecideDispute(key, _) | Self::DefaultDispute(key) => vec![*key],
            _ => Vec::new(),
        }
    }

    /// The card that it is about, if it isn't about payments.
    pub const fn card(&self) -> Option<CardNumber> {
        match self {
            Self::IssueCard(card, ..)
            | Self::SetLimits(card, _)
            | Self::Freeze(card)
            | Self::Unfreeze(card)
            | Self::ReplaceCard(card, _)
            | Self::CloseCard(card)
            | Self::TopUp(card, ..) => Some(*card),
            _ => None,
        }
    }

    /// The merchant that it is about, if it isn't about payments.
    pub const fn merchant(&self) -> Option<MerchantNumber> {
        match self {
            Self::RegisterMerchant(merchant, ..)
            | Self::SwitchMerchant(merchant, _)
            | Self::SetRules(merchant, _)
            | Self::AddTerminal(merchant, _)
            | Self::FundMerchant(merchant, ..)
            | Self::CloseCycle(merchant) => Some(*merchant),
            _ => None,
        }
    }
}
