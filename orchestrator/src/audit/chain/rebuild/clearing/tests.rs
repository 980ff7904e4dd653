#![allow(clippy::unwrap_used)]
//! A clearing house for tests: each call as members would make it, each event as the contract would tell it.
use protocol::{
    clearing::{Balance, Retained},
    decisions::{Approval, Decision},
    registry::Roles,
    settlement::{
        retention_id, ClearingVoucher, Limit, Obligation, Relation, RetentionBatch, Settlement, SignedClearingVoucher,
        Source, TransactionKind, Voucher,
    },
    signing::{MemberSignature, Purpose},
    Member, RelationId, UserId, VoucherId,
};

use super::*;
use crate::audit::chain::{
    rebuild::stage::{account, call, Stage, GENESIS, LATE, REGISTRY},
    Call,
};

mod disputes;
mod gross;
mod net;

const CLEARING: AccountId = AccountId([2; 32]);
const DISPUTE_PERIOD: u64 = 100_000;
const RULING_PERIOD: u64 = 50_000;

/// Two banks and three notaries, of which two have to sign.
struct House {
    stage: Stage,
    shop: Member,
    home: Member,
    notaries: [Member; 3],
    deposits: u64,
    batches: u32,
    decisions: u32,
    window: u32,
}

impl House {
    fn new() -> Self {
        let mut stage = Stage::new();
        let shop = stage.register(Roles::PARTICIPANT);
        let home = stage.register(Roles::PARTICIPANT);
        let notaries = [Roles::NOTARY, Roles::NOTARY, Roles::NOTARY.with(Roles::PARTICIPANT)];
        let notaries = notaries.map(|roles| stage.register(roles));
        stage.change(None, &protocol::registry::Change::SetNotaryThreshold(2));
        let periods = (GENESIS, REGISTRY, DISPUTE_PERIOD, RULING_PERIOD);
        let made = call(CLEARING, account(9), "new", &periods);
        stage.next().tell(take, CLEARING, MADE, &(), Some(&made));
        Self {
            stage,
            shop,
            home,
            notaries,
            deposits: 0,
            batches: 0,
            decisions: 0,
            window: 0,
        }
    }

    fn tell(&mut self, event: &str, fields: &impl scale::Encode, call: Option<&Call>) {
        self.stage.tell(take, CLEARING, event, fields, call);
    }

    fn deposit(&mut self, member: Member, amount: Amount) {
        let mut asked = call(CLEARING, account(member.0), "deposit", &member);
        asked.value = amount;
        let fields = (member, Asset::Native, amount, self.deposits);
        self.deposits += 1;
        self.stage.next();
        self.tell("Deposited", &fields, Some(&asked));
    }

    /// The home institution owes the shop.
    fn purchase(&self, sequence: u64, settlement: Settlement, amount: Amount) -> Voucher {
        Voucher {
            sequence,
            originator: self.shop,
            home: self.home,
            others: Vec::new(),
            user: UserId([5; 32]),
            wallet: account(77),
            kind: TransactionKind::Purchase,
            asset: Asset::Native,
            amount,
            limit: Limit::PerDay(1_000_000),
            settlement,
            fees: 0,
            issued_at: 1,
            expires_at: LATE,
        }
    }

    fn batch(&self, vouchers: Vec<Voucher>) -> RetentionBatch {
        RetentionBatch {
            epoch: self.stage.epoch,
            drawn_at: self.stage.block.time,
            expires_at: LATE,
            vouchers,
            refunded: Vec::new(),
        }
    }

    fn co_signed(&self, batch: &RetentionBatch) -> Vec<MemberSignature> {
        let id = retention_id(&pairs(batch));
        let [one, two, _] = self.notaries;
        self.stage.sign(
            CLEARING,
            Purpose::Retention,
            &id,
            &(),
            &[self.shop, self.home, one, two],
        )
    }

    /// Every party signed, and two notaries.
    fn retain(&mut self, batch: &RetentionBatch) {
        let signatures = self.co_signed(batch);
        let asked = call(CLEARING, account(1), "retain_batch", &(batch, &signatures));
        self.retained(batch, &signatures, Some(&asked));
    }

    /// The contract tells of a batch.
    fn retained(&mut self, batch: &RetentionBatch, signatures: &[MemberSignature], asked: Option<&Call>) {
        let told = pairs(batch).into_iter().zip(&batch.vouchers);
        let told: Vec<Retained> = told
            .map(|((id, relation), voucher)| Retained {
                id,
                relation,
                voucher: voucher.clone(),
            })
            .collect();
        let signers = protocol::signing::members(signatures);
        let (number, window) = (self.batches, self.window);
        self.batches += 1;
        self.stage.next();
        for some in told.chunks(48) {
            let fields = (number, batch.drawn_at, window, batch.epoch, &signers, some);
            self.tell("Retained", &fields, asked);
        }
    }

    fn approve(&mut self, decision: &Decision) -> Approval {
        let [one, two, _] = self.notaries;
        self.approve_by(decision, &[one, two])
    }

    fn approve_by(&mut self, decision: &Decision, notaries: &[Member]) -> Approval {
        let number = self.decisions;
        self.decisions += 1;
        let id = decision.digest();
        Approval {
            number,
            epoch: self.stage.epoch,
            expires_at: LATE,
            signatures: self.stage.sign(CLEARING, Purpose::Decision, &id, &number, notaries),
        }
    }

    fn clearing_voucher(&self, voucher: &Voucher, issuer: Member, source: Source) -> ClearingVoucher {
        let relation = Relation::of(voucher, &[], self.stage.block.time).unwrap();
        ClearingVoucher {
            voucher: voucher.id(),
            relation: relation.id(),
            issuer,
            discharged: relation.owed_by(issuer),
            sources: vec![source],
            issued_at: 1,
            expires_at: LATE,
        }
    }

    /// A debtor's clearing voucher, signed by a member.
    fn clear(&mut self, voucher: &Voucher, clearing_voucher: ClearingVoucher, by: Member) {
        let id = clearing_voucher.id();
        let signed = self.stage.sign(CLEARING, Purpose::ClearingVoucher, &id.0, &(), &[by]);
        let signed = SignedClearingVoucher {
            voucher: voucher.clone(),
            clearing_voucher,
            epoch: self.stage.epoch,
            signature: signed[0].signature,
        };
        let fields = (voucher.id(), id, &signed.clearing_voucher);
        let asked = call(CLEARING, account(1), "clear_batch", &vec![&signed]);
        self.stage.next().tell(take, CLEARING, "Cleared", &fields, Some(&asked));
    }

    fn balance(&mut self, member: Member) -> Balance {
        let balances = protocol::KeyComposer::from_str("Clearing::balances");
        let kept = self.stage.tables.of(CLEARING);
        kept.get(balances, &(member, Asset::Native))
            .unwrap()
            .unwrap_or_default()
    }

    /// What must hold at the end, and what the contract must have.
    fn sums(&mut self) -> Amount {
        let stage = &mut self.stage;
        let held = sums(
            "contract",
            CLEARING,
            stage.block,
            &mut stage.tables,
            &mut stage.findings,
        );
        held.unwrap().get(&Asset::Native).copied().unwrap_or(0)
    }

    #[track_caller]
    fn ensure_found(&mut self, codes: &[&str]) {
        self.sums();
        assert_eq!(self.stage.codes(), codes, "{:#?}", self.stage.findings.first);
    }
}

fn pairs(batch: &RetentionBatch) -> Vec<(VoucherId, RelationId)> {
    let relations = batch
        .vouchers
        .iter()
        .map(|voucher| Relation::of(voucher, &[], batch.drawn_at));
    relations
        .map(|relation| relation.map(|relation| (relation.voucher, relation.id())).unwrap())
        .collect()
}

fn owed(debtor: Member, creditor: Member, amount: Amount) -> Obligation {
    Obligation {
        debtor,
        creditor,
        asset: Asset::Native,
        amount,
    }
}
