//! From a step to a call: what it means for the requests there are.
use protocol::{
    credit::{domain, receipt, CreditRequest, LimitOrder, RaiseRequest, MAX_GOODS},
    settlement::Asset,
    signing::Domain,
    AccountId, Member, RequestId, Signature,
};

use super::{
    calls::{evidence, Call, Sent},
    rules::{side_of, Ledger, Story},
    steps::{Act, By, Consent, Draft, Flaw, Line, Money, Step, Turn, GRACE},
};
use crate::{
    contract_chain::GENESIS,
    credit::{member, Side, NODE, OTHER_GENESIS, POOR, STRANGER},
    institutions::{account, key, sign},
    money::native_part,
};

/// Has no part in anything.
const FORGER: Member = Member(99);

/// When, on which chain and of which request a step is taken.
pub struct Scene<'a> {
    pub sides: [&'a Side; 2],
    pub ledgers: &'a [Ledger; 2],
    /// The called chain.
    pub side: usize,
    /// By its clock.
    pub now: u64,
    pub request: Option<&'a CreditRequest>,
    /// How many requests there were: makes the next one new.
    pub count: usize,
}

impl Scene<'_> {
    pub fn sent(&self, step: &Step) -> Sent {
        let call = self.call(&step.act);
        let due = self.due(&step.act, &call);
        let by = match step.by {
            By::Expected => expected_caller(&call, self.story(&call)),
            By::Anyone(member) => member,
        };
        Sent {
            side: self.side,
            // The poor member couldn't pay for what is stored.
            by: if by == POOR { STRANGER } else { by },
            call,
            value: match step.money {
                Money::Due => due,
                Money::More => due.saturating_add(1),
                Money::Less => due.saturating_sub(1),
            },
            now: self.now,
        }
    }

    fn call(&self, act: &Act) -> Call {
        let id = self.request.map_or(RequestId([0; 32]), CreditRequest::id);
        match act {
            Act::SetLimit(line, limit, turn, consent) => self.order(*line, *limit, *turn, *consent),
            Act::SetNodeLimit(line, limit) => Call::SetNodeLimit(account(line.payer), self.asset(line.asset), *limit),
            Act::Freeze(payer) => Call::Freeze(account(*payer)),
            Act::Unfreeze(payer) => Call::Unfreeze(account(*payer)),
            Act::RequestRaise(line, wanted, turn, consent) => self.wish(*line, *wanted, *turn, *consent),
            Act::DecideRaise(line, granted) => Call::DecideRaise(account(line.payer), self.asset(line.asset), *granted),
            Act::Reserve(draft, consents) => self.reserve(&self.drafted(draft.as_ref()), *consents),
            Act::Pay(draft) => Call::Pay(self.drafted(draft.as_ref())),
            Act::Extend(by) => {
                let until = self.ledgers[self.side]
                    .stories
                    .get(&id)
                    .map_or(self.now, |story| story.until);
                Call::Extend(id, until.saturating_add_signed(*by))
            }
            Act::Release => Call::Release(id),
            Act::Expire => Call::Expire(id),
            Act::Commit => Call::Commit(id),
            Act::ConfirmReceipt(consent) => {
                let payee = self.request.map_or(STRANGER, |request| member(request.payee));
                let other = RequestId([1; 32]);
                let payloads = [id, other].map(|id| move |domain: &Domain| receipt(domain, &id));
                let (signature, is_genuine) = self.signature(*consent, payee, payloads);
                Call::ConfirmReceipt(id, signature, is_genuine)
            }
            Act::Repay(part) => {
                let left = self.ledgers[self.side].stories.get(&id).map_or(0, |story| {
                    let falls = !story.fell_overdue && self.now >= story.due_at();
                    story.left() + if falls { story.request.late_fee } else { 0 }
                });
                Call::Repay(id, part.of(left))
            }
            Act::MarkOverdue => Call::MarkOverdue(id),
            Act::Fund(_) => Call::Fund,
            Act::FundToken(token, amount) => {
                let token = match self.ledgers[self.side].assets.get(*token) {
                    Some(Asset::Psp22(token)) => *token,
                    // No token.
                    Some(Asset::Native) => account(STRANGER),
                    None => self.sides[self.side].credit,
                };
                Call::FundToken(token, *amount)
            }
            Act::Withdraw(asset, part) => {
                let asset = self.asset(*asset);
                Call::Withdraw(asset, part.of(self.ledgers[self.side].pool(asset)))
            }
        }
    }

    fn order(&self, line: Line, limit: u128, turn: Turn, consent: Consent) -> Call {
        let (payer, payee, asset) = (account(line.payer), account(line.payee), self.asset(line.asset));
        let kept = self.ledgers[self.side].payee_limit(payer, payee, asset);
        let order = LimitOrder {
            payee,
            payer,
            asset,
            limit,
            sequence: turn.after(kept.sequence),
        };
        let other = LimitOrder {
            limit: limit ^ 1,
            ..order
        };
        let payloads = [order, other].map(|order| move |domain: &Domain| order.payload(domain));
        let (signature, is_genuine) = self.signature(consent, line.payee, payloads);
        Call::SetLimit(order, signature, is_genuine)
    }

    fn wish(&self, line: Line, wanted: u128, turn: Turn, consent: Consent) -> Call {
        let (payer, asset) = (account(line.payer), self.asset(line.asset));
        let latest = self.ledgers[self.side].raises.get(&(payer, asset));
        let wish = RaiseRequest {
            payer,
            asset,
            wanted,
            evidence: evidence(wanted),
            sequence: turn.after(latest.map_or(0, |latest| latest.sequence)),
        };
        let other = RaiseRequest {
            wanted: wanted ^ 1,
            ..wish
        };
        let payloads = [wish, other].map(|wish| move |domain: &Domain| wish.payload(domain));
        let (signature, is_genuine) = self.signature(consent, line.payer, payloads);
        Call::RequestRaise(wish, signature, is_genuine)
    }

    /// A new request, or the one that the step is about.
    fn drafted(&self, draft: Option<&Draft>) -> CreditRequest {
        match (draft, self.request) {
            (Some(draft), _) => self.request_of(draft),
            (None, Some(request)) => request.clone(),
            (None, None) => self.sides_request(),
        }
    }

    /// Where there is no request to be about.
    fn sides_request(&self) -> CreditRequest {
        CreditRequest {
            nonce: [255; 16],
            payer: account(STRANGER),
            payee: account(NODE),
            debt: self.sides[0].leg(0),
            payout: self.sides[1].leg(0),
            amount: 1,
            goods: String::new(),
            pay_by: self.now,
            expires_at: self.now,
            due_at: self.now,
            late_fee: 0,
        }
    }

    fn request_of(&self, draft: &Draft) -> CreditRequest {
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&(self.count as u64).to_le_bytes());
        let [here, there] = if draft.is_turned { [1, 0] } else { [0, 1] };
        let pay_by = self.now + draft.pay_in;
        let expires_at = (pay_by + GRACE).saturating_add_signed(draft.spare);
        let mut request = CreditRequest {
            nonce,
            payer: account(draft.line.payer),
            payee: account(draft.line.payee),
            debt: self.sides[here].leg(draft.line.asset),
            payout: self.sides[there].leg(draft.payout_asset),
            amount: draft.amount,
            goods: "goods".into(),
            pay_by,
            expires_at,
            due_at: expires_at + draft.term,
            late_fee: draft.late_fee.of(draft.amount),
        };
        match draft.flaw {
            None => {}
            Some(Flaw::SameParty) => request.payee = request.payer,
            Some(Flaw::SameLeg) => request.payout = request.debt,
            Some(Flaw::OtherGenesis) => {
                std::mem::swap(&mut request.debt.genesis, &mut request.payout.genesis);
            }
            Some(Flaw::OtherContract) => {
                std::mem::swap(&mut request.debt.contract, &mut request.payout.contract);
            }
            Some(Flaw::LongGoods) => request.goods = "x".repeat(MAX_GOODS + 1),
        }
        request
    }

    fn reserve(&self, request: &CreditRequest, consents: [Consent; 2]) -> Call {
        let other = CreditRequest {
            amount: request.amount ^ 1,
            ..request.clone()
        };
        let mut elsewhere = request.clone();
        elsewhere.debt.genesis = other_genesis(elsewhere.debt.genesis);
        let signed = |consent, party: AccountId| match consent {
            Consent::Given => sign(&key(member(party)), &request.payload()),
            Consent::ForAnother => sign(&key(member(party)), &other.payload()),
            Consent::OnAnotherChain => sign(&key(member(party)), &elsewhere.payload()),
            Consent::Forged => sign(&key(FORGER), &request.payload()),
        };
        Call::Reserve {
            payer: signed(consents[0], request.payer),
            payee: signed(consents[1], request.payee),
            request: request.clone(),
            both_agree: consents == [Consent::Given; 2],
        }
    }

    /// A party's signature under the first of the payloads, or not quite.
    fn signature<P: AsRef<[u8]>>(
        &self,
        consent: Consent,
        party: Member,
        [payload, other]: [impl Fn(&Domain) -> P; 2],
    ) -> (Signature, bool) {
        let side = self.sides[self.side];
        let here = side.domain();
        let elsewhere = domain(other_genesis(side.genesis), side.credit);
        let signature = match consent {
            Consent::Given => sign(&key(party), payload(&here).as_ref()),
            Consent::ForAnother => sign(&key(party), other(&here).as_ref()),
            Consent::OnAnotherChain => sign(&key(party), payload(&elsewhere).as_ref()),
            Consent::Forged => sign(&key(FORGER), payload(&here).as_ref()),
        };
        (signature, consent == Consent::Given)
    }

    /// The native tokens that the call must bring.
    fn due(&self, act: &Act, call: &Call) -> u128 {
        match (act, call) {
            (Act::Fund(amount), _) => *amount,
            (_, Call::Repay(_, amount)) => self
                .story(call)
                .map_or(0, |story| native_part(story.request.debt.asset, *amount)),
            _ => 0,
        }
    }

    fn story(&self, call: &Call) -> Option<&Story> {
        self.ledgers[self.side].stories.get(&call.request()?)
    }

    fn asset(&self, place: usize) -> Asset {
        self.ledgers[self.side].assets[place]
    }
}

impl Turn {
    fn after(self, latest: u64) -> u64 {
        match self {
            Self::Next => latest + 1,
            Self::Same => latest,
            Self::Earlier => latest.saturating_sub(1),
        }
    }
}

fn other_genesis(genesis: [u8; 32]) -> [u8; 32] {
    if genesis == GENESIS {
        OTHER_GENESIS
    } else {
        GENESIS
    }
}

fn expected_caller(call: &Call, story: Option<&Story>) -> Member {
    match call {
        Call::SetLimit(..) | Call::RequestRaise(..) | Call::Expire(_) | Call::MarkOverdue(_) => STRANGER,
        Call::ConfirmReceipt(..) => STRANGER,
        Call::Repay(..) => story.map_or(STRANGER, |story| member(story.request.payer)),
        _ => NODE,
    }
}

/// Which chain a step is about, if it makes sense there.
pub fn natural_side(act: &Act, request: Option<&CreditRequest>, fallback: usize) -> usize {
    let of_debt = |request: Option<&CreditRequest>| request.map_or(0, |request| side_of(&request.debt));
    let turned = |draft: &Draft| usize::from(draft.is_turned);
    match act {
        Act::Reserve(Some(draft), _) => turned(draft),
        Act::Pay(Some(draft)) => 1 - turned(draft),
        Act::Pay(None) => request.map_or(1, |request| side_of(&request.payout)),
        Act::Reserve(None, _)
        | Act::Extend(_)
        | Act::Release
        | Act::Expire
        | Act::Commit
        | Act::ConfirmReceipt(_)
        | Act::Repay(_)
        | Act::MarkOverdue => of_debt(request),
        _ => fallback,
    }
}
