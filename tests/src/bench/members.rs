//! Members of a deployment that sign for themselves, without their orchestrators.
use std::collections::BTreeMap;

use protocol::{
    decisions::{Approval, Decision},
    settlement::{
        retention_id, Asset, ClearingVoucher, Limit, Relation, RetentionBatch, Settlement, SignedClearingVoucher,
        Source, TransactionKind, Voucher,
    },
    signing::{self, Domain, MemberSignature, Purpose, PAYLOAD_LENGTH},
    AccountId, Member, Timestamp, UserId,
};
use quittance::{devnet::USER, identity::SigningKey};

use super::AMOUNT;

/// How long everything that they sign is good, in milliseconds.
const HOUR: Timestamp = 3_600_000;

/// Who signs what. No fees were published where they are.
pub struct Members {
    domain: Domain,
    keys: BTreeMap<Member, SigningKey>,
    /// The next voucher's number, whoever originates it.
    sequence: u64,
}

impl Members {
    /// They sign with these development keys.
    pub fn new<'a>(domain: Domain, keys: impl IntoIterator<Item = (Member, &'a str)>) -> Self {
        let load = |(member, key): (Member, &str)| (member, SigningKey::load(key).unwrap());
        Self {
            domain,
            keys: keys.into_iter().map(load).collect(),
            sequence: 0,
        }
    }

    /// So many purchases by a user of the second party at the first one; the others, ascending, are asked too.
    pub fn batch(
        &mut self,
        parties: &[Member],
        settlement: Settlement,
        count: usize,
        now: Timestamp,
    ) -> RetentionBatch {
        let [originator, home, others @ ..] = parties else {
            panic!("a payment has two parties");
        };
        let numbers = self.sequence..self.sequence + count as u64;
        self.sequence = numbers.end;
        let voucher = |sequence| Voucher {
            sequence,
            originator: *originator,
            home: *home,
            others: others.to_vec(),
            user: UserId::of(*home, USER),
            wallet: AccountId([9; 32]),
            kind: TransactionKind::Purchase,
            asset: Asset::Native,
            amount: AMOUNT,
            limit: Limit::PerTransaction(AMOUNT),
            settlement,
            fees: 0,
            issued_at: now,
            expires_at: now + HOUR,
        };
        RetentionBatch {
            epoch: self.domain.epoch,
            drawn_at: now,
            expires_at: now + HOUR,
            vouchers: numbers.map(voucher).collect(),
            refunded: Vec::new(),
        }
    }

    /// What its parties and these notaries sign of a batch, all of whose vouchers have the same parties: so all sign the
    /// same.
    pub fn sign(&self, batch: &RetentionBatch, notaries: &[Member]) -> Vec<MemberSignature> {
        let pair = |voucher: &Voucher| (voucher.id(), relation(voucher, batch.drawn_at).id());
        let pairs: Vec<_> = batch.vouchers.iter().map(pair).collect();
        let id = retention_id(&pairs);
        let payload = signing::payload(&self.domain, Purpose::Retention, &id, batch.expires_at, &());
        let parties = batch.vouchers[0].parties();
        self.signatures(parties.into_iter().chain(notaries.iter().copied()), &payload)
    }

    /// The debtor's discharge of what a voucher of a batch led to.
    pub fn discharge(&self, batch: &RetentionBatch, voucher: &Voucher, source: Source) -> SignedClearingVoucher {
        let relation = relation(voucher, batch.drawn_at);
        let issuer = voucher.principal().debtor;
        let clearing_voucher = ClearingVoucher {
            voucher: voucher.id(),
            relation: relation.id(),
            issuer,
            discharged: relation.owed_by(issuer),
            sources: vec![source],
            issued_at: batch.drawn_at,
            expires_at: batch.expires_at,
        };
        let id = clearing_voucher.id().0;
        let payload = signing::payload(&self.domain, Purpose::ClearingVoucher, &id, batch.expires_at, &());
        SignedClearingVoucher {
            voucher: voucher.clone(),
            clearing_voucher,
            epoch: self.domain.epoch,
            signature: self.keys[&issuer].sign(&payload),
        }
    }

    /// One notary's signature under a decision, which is the clearing contract's next one if this is its number.
    pub fn approve(&self, decision: &Decision, number: u32, notary: Member, now: Timestamp) -> Approval {
        let expires_at = now + HOUR;
        let digest = decision.digest();
        let payload = signing::payload(&self.domain, Purpose::Decision, &digest, expires_at, &number);
        Approval {
            number,
            epoch: self.domain.epoch,
            expires_at,
            signatures: self.signatures([notary], &payload),
        }
    }

    /// Ascending by member, as the contract wants them.
    fn signatures(
        &self,
        signers: impl IntoIterator<Item = Member>,
        payload: &[u8; PAYLOAD_LENGTH],
    ) -> Vec<MemberSignature> {
        let signed = |member: Member| MemberSignature {
            member,
            signature: self.keys[&member].sign(payload),
        };
        let mut signatures: Vec<_> = signers.into_iter().map(signed).collect();
        signatures.sort_unstable_by_key(|signed| signed.member);
        signatures
    }
}

fn relation(voucher: &Voucher, drawn_at: Timestamp) -> Relation {
    Relation::of(voucher, &[], drawn_at).unwrap()
}
