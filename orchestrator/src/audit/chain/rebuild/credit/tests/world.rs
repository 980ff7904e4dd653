//! A credit node, a payer and a payee, and what each of them does.
use protocol::{
    credit::{
        domain, receipt, Constants, CreditRequest, Leg, LimitOrder, Payout, PayoutBlock, RaiseDecision, RaiseRequest,
    },
    registry::Roles,
    settlement::Asset,
    AccountId, Amount, Member, RequestId, Timestamp,
};
use scale::Encode;

use super::super::take;
use crate::{
    audit::chain::{
        rebuild::stage::{account, call, Stage, GENESIS, REGISTRY, START},
        Call, MADE,
    },
    identity::SigningKey,
};

pub const CREDIT: AccountId = AccountId([11; 32]);
pub const TOKEN: AccountId = AccountId([13; 32]);
pub const NATIVE: Asset = Asset::Native;
/// When everything begins.
pub const RESERVED_AT: Timestamp = START;
pub const PAY_BY: Timestamp = START + 10_000;
pub const EXPIRES_AT: Timestamp = START + 12_000;
pub const DUE_AT: Timestamp = START + 50_000;
pub const WISHED: Amount = 400;

pub fn payer() -> SigningKey {
    SigningKey::load("//Payer").unwrap()
}

pub fn payee() -> SigningKey {
    SigningKey::load("//Payee").unwrap()
}

pub struct World {
    pub stage: Stage,
    pub node: Member,
    /// Who sends what the credit node sends.
    pub sender: AccountId,
    pub request: CreditRequest,
}

impl World {
    pub fn new() -> Self {
        let mut stage = Stage::new();
        let node = stage.register(Roles::CREDIT_NODE);
        let leg = |genesis, contract| Leg {
            genesis,
            contract,
            asset: NATIVE,
        };
        let request = CreditRequest {
            nonce: [1; 16],
            payer: payer().account(),
            payee: payee().account(),
            debt: leg(GENESIS, CREDIT),
            payout: leg([8; 32], AccountId([14; 32])),
            amount: 100,
            goods: "a lathe".to_owned(),
            pay_by: PAY_BY,
            expires_at: EXPIRES_AT,
            due_at: DUE_AT,
            late_fee: 5,
        };
        let mut world = Self {
            stage,
            node,
            sender: account(node.0),
            request,
        };
        world.make(CREDIT);
        world
    }

    /// With 150 of the payee's and 120 of the credit node's limit.
    pub fn with_limits() -> Self {
        let mut world = Self::new();
        world.set_limit(150, 1, &payee());
        world.set_node_limit(120);
        world
    }

    /// With a debt of 100.
    pub fn owing() -> Self {
        let mut world = Self::with_limits();
        world.reserve();
        world.commit(DUE_AT);
        world
    }

    pub fn make(&mut self, contract: AccountId) {
        let constants = Constants {
            genesis: GENESIS,
            registry: REGISTRY,
            node: self.node,
            grace: 1_000,
        };
        let made = call(contract, account(9), "new", &constants);
        self.stage.tell(take, contract, MADE, &(), Some(&made));
    }

    pub fn tell(&mut self, event: &str, fields: &impl Encode, asked: &Call) {
        self.stage.next().tell(take, CREDIT, event, fields, Some(asked));
    }

    /// Asked for by the credit node.
    fn asked(&self, message: &str, arguments: &impl Encode) -> Call {
        call(CREDIT, self.sender, message, arguments)
    }

    pub fn set_limit(&mut self, limit: Amount, sequence: u64, signer: &SigningKey) {
        let (payee, payer) = (payee().account(), payer().account());
        let order = LimitOrder {
            payee,
            payer,
            asset: NATIVE,
            limit,
            sequence,
        };
        let signature = signer.sign(&order.payload(&domain(GENESIS, CREDIT)));
        let asked = call(CREDIT, account(9), "set_limit", &(order, signature));
        self.tell("LimitSet", &(payer, payee, NATIVE, limit, sequence), &asked);
    }

    pub fn set_node_limit(&mut self, limit: Amount) {
        let fields = (payer().account(), NATIVE, limit, [3u8; 32]);
        let asked = self.asked("set_node_limit", &fields);
        self.tell("NodeLimitSet", &fields, &asked);
    }

    pub fn freeze(&mut self, event: &str, message: &str) {
        let payer = payer().account();
        let asked = self.asked(message, &payer);
        self.tell(event, &payer, &asked);
    }

    pub fn wish(&mut self, wanted: Amount, sequence: u64, signer: &SigningKey) {
        let wish = RaiseRequest {
            payer: payer().account(),
            asset: NATIVE,
            wanted,
            evidence: [2; 32],
            sequence,
        };
        let signature = signer.sign(&wish.payload(&domain(GENESIS, CREDIT)));
        let asked = call(CREDIT, account(9), "request_raise", &(wish, signature));
        // The wish's fields are the event's.
        self.tell("RaiseRequested", &wish, &asked);
    }

    pub fn decide(&mut self, granted: Option<Amount>) {
        let digest = [4; 32];
        let (payer, decision) = (payer().account(), RaiseDecision { granted, digest });
        let asked = self.asked("decide_raise", &(payer, NATIVE, granted, digest));
        self.tell("RaiseDecided", &(payer, NATIVE, decision), &asked);
    }

    pub fn reserve(&mut self) {
        self.reserve_signed(&payer(), &payee());
    }

    pub fn reserve_signed(&mut self, payer: &SigningKey, payee: &SigningKey) {
        let request = self.request.clone();
        let payload = request.payload();
        let signatures = (payer.sign(&payload), payee.sign(&payload));
        let asked = self.asked("reserve", &(&request, signatures.0, signatures.1));
        self.tell("Reserved", &(request.id(), request), &asked);
    }

    pub fn extend(&mut self, until: Timestamp) {
        let fields = (self.request.id(), until);
        let asked = self.asked("extend", &fields);
        self.tell("Extended", &fields, &asked);
    }

    pub fn release(&mut self) {
        let id = self.request.id();
        let asked = self.asked("release", &id);
        self.tell("Released", &id, &asked);
    }

    pub fn expire(&mut self) {
        let id = self.request.id();
        self.tell("Expired", &id, &call(CREDIT, account(9), "expire", &id));
    }

    /// Where the payee was paid.
    pub fn payout(&self) -> PayoutBlock {
        PayoutBlock {
            number: 7,
            hash: [7; 32],
        }
    }

    pub fn commit(&mut self, due_at: Timestamp) {
        let (id, payout) = (self.request.id(), self.payout());
        let asked = self.asked("commit", &(id, payout));
        self.tell("Committed", &(id, payout, due_at), &asked);
    }

    pub fn confirm_receipt(&mut self, signer: &SigningKey) {
        let id = self.request.id();
        let signature = signer.sign(&receipt(&domain(GENESIS, CREDIT), &id));
        let asked = call(CREDIT, account(9), "confirm_receipt", &(id, signature));
        self.tell("ReceiptConfirmed", &id, &asked);
    }

    fn repayment(&self, amount: Amount) -> Call {
        Call {
            value: amount,
            ..call(CREDIT, account(9), "repay", &(self.request.id(), amount))
        }
    }

    pub fn repay(&mut self, principal: Amount, late_fee: Amount) {
        let asked = self.repayment(principal + late_fee);
        let fields = (self.request.id(), account(9), principal, late_fee);
        self.tell("Repaid", &fields, &asked);
    }

    /// Of a debt that falls overdue by that.
    pub fn repay_overdue(&mut self, principal: Amount, overdue: Amount) {
        let (id, asked) = (self.request.id(), self.repayment(principal));
        self.tell("FellOverdue", &(id, overdue, 5u128), &asked);
        self.stage.tell(
            take,
            CREDIT,
            "Repaid",
            &(id, account(9), principal, 0u128),
            Some(&asked),
        );
    }

    pub fn mark_overdue(&mut self, principal: Amount, late_fee: Amount) {
        let id = self.request.id();
        let asked = call(CREDIT, account(9), "mark_overdue", &id);
        self.tell("FellOverdue", &(id, principal, late_fee), &asked);
    }

    pub fn fund(&mut self, asset: Asset, amount: Amount) {
        let asked = match asset {
            Asset::Native => Call {
                value: amount,
                ..self.asked("fund", &())
            },
            Asset::Psp22(token) => self.asked("fund_token", &(token, amount)),
        };
        self.tell("Funded", &(asset, amount), &asked);
    }

    pub fn withdraw(&mut self, amount: Amount, to: AccountId) {
        let asked = self.asked("withdraw", &(NATIVE, amount));
        self.tell("Withdrawn", &(NATIVE, amount, to), &asked);
    }

    /// A request whose payee is paid here.
    pub fn payout_request(&self) -> CreditRequest {
        CreditRequest {
            debt: self.request.payout,
            payout: self.request.debt,
            ..self.request.clone()
        }
    }

    pub fn pay_out(&mut self) {
        let request = self.payout_request();
        let payout = Payout {
            payee: request.payee,
            asset: request.payout.asset,
            amount: request.amount,
            block: self.stage.block.number,
            paid_at: self.stage.block.time,
        };
        self.pay_out_as(request.id(), &request, payout);
    }

    pub fn pay_out_as(&mut self, id: RequestId, request: &CreditRequest, payout: Payout) {
        let asked = self.asked("pay", request);
        self.tell("PaidOut", &(id, payout), &asked);
    }
}
