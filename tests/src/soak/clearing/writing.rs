//! Signing what members sign, or not quite.
use protocol::{
    decisions::{Approval, Decision},
    settlement::{ClearingVoucher, RetentionBatch, SignedClearingVoucher, Voucher},
    signing::{self, Domain, MemberSignature, Purpose, PAYLOAD_LENGTH},
    AccountId, Member,
};

use super::steps::{Flaw, DUAL, PARTICIPANTS};
use crate::institutions::{key, sign, Network, NOTARY};

/// Nobody's.
const FORGER: Member = Member(77);

/// What somebody does wrong, if anything.
pub struct Writing<'a> {
    pub network: &'a Network,
    pub now: u64,
    pub flaw: Option<Flaw>,
}

impl Writing<'_> {
    /// A batch with its signatures, and whether they must count.
    pub fn retention(
        &self,
        vouchers: Vec<Voucher>,
        refunded: Vec<Voucher>,
    ) -> (RetentionBatch, Vec<MemberSignature>, bool) {
        let mut parties: Vec<Member> = vouchers.iter().flat_map(Voucher::parties).collect();
        parties.sort_unstable();
        parties.dedup();
        let mut batch = RetentionBatch {
            epoch: self.network.epoch,
            drawn_at: self.now,
            expires_at: self.expires_at(),
            vouchers,
            refunded,
        };
        let mut signers = parties.clone();
        if !signers.contains(&NOTARY) {
            signers.push(NOTARY);
        }
        signers.sort_unstable();
        let sign = |member: Member| {
            let id = self
                .network
                .retention_id(&batch, parties.contains(&member).then_some(member));
            self.payload(Purpose::Retention, &id, batch.expires_at, ())
        };
        let (signatures, mut is_good) = self.signatures(signers, sign);
        match self.flaw {
            Some(Flaw::Altered) => {
                batch.vouchers[0].wallet = AccountId([3; 32]);
                is_good = false;
            }
            Some(Flaw::OtherEpoch) => {
                batch.epoch += 1;
                is_good = false;
            }
            _ => {}
        }
        (batch, signatures, is_good)
    }

    /// A clearing voucher with its signature, and whether it must count.
    pub fn clearing(&self, voucher: &Voucher, clearing_voucher: ClearingVoucher) -> (SignedClearingVoucher, bool) {
        let clearing_voucher = ClearingVoucher {
            expires_at: self.expires_at(),
            ..clearing_voucher
        };
        let (id, expires_at) = (clearing_voucher.id().0, clearing_voucher.expires_at);
        let sign = |_| self.payload(Purpose::ClearingVoucher, &id, expires_at, ());
        let (signatures, are_good) = self.signatures(vec![clearing_voucher.issuer], sign);
        // A clearing voucher has one signature: only some flaws are possible.
        let Some(first) = signatures.first().filter(|_| signatures.len() == 1) else {
            return self.without_flaw().clearing(voucher, clearing_voucher);
        };
        let mut signed = SignedClearingVoucher {
            voucher: voucher.clone(),
            clearing_voucher,
            epoch: self.network.epoch,
            signature: first.signature,
        };
        match self.flaw {
            Some(Flaw::Altered) => signed.clearing_voucher.issued_at += 1,
            Some(Flaw::OtherEpoch) => signed.epoch += 1,
            _ => return (signed, are_good),
        }
        (signed, false)
    }

    /// A decision's approval, and whether it must count.
    pub fn approval(&self, decision: &Decision, by: Member, decisions: u32) -> (Approval, bool) {
        let is_late = self.flaw == Some(Flaw::OtherNumber);
        let number = decisions + u32::from(is_late);
        let id = match self.flaw {
            Some(Flaw::Altered) => [9; 32],
            _ => decision.digest(),
        };
        let expires_at = self.expires_at();
        let sign = |_| self.payload(Purpose::Decision, &id, expires_at, number);
        let (signatures, are_good) = self.signatures(vec![by], sign);
        let has_other_epoch = self.flaw == Some(Flaw::OtherEpoch);
        let approval = Approval {
            number,
            epoch: self.network.epoch + u32::from(has_other_epoch),
            expires_at,
            signatures,
        };
        let is_altered = self.flaw == Some(Flaw::Altered);
        (approval, are_good && !is_late && !has_other_epoch && !is_altered)
    }

    fn without_flaw(&self) -> Self {
        Self { flaw: None, ..*self }
    }

    fn signatures(
        &self,
        mut signers: Vec<Member>,
        payload: impl Fn(Member) -> [u8; PAYLOAD_LENGTH],
    ) -> (Vec<MemberSignature>, bool) {
        if self.flaw == Some(Flaw::Stranger) {
            let others = PARTICIPANTS.iter().filter(|member| **member != DUAL);
            let stranger = others.copied().find(|member| !signers.contains(member));
            signers.push(stranger.unwrap_or(FORGER));
            signers.sort_unstable();
        }
        let signed = |member: &Member| MemberSignature {
            member: *member,
            signature: sign(&key(*member), &payload(*member)),
        };
        let mut signatures: Vec<_> = signers.iter().map(signed).collect();
        let last = signatures.len() - 1;
        match self.flaw {
            Some(Flaw::Missing(place)) => {
                signatures.remove(place % signers.len());
            }
            Some(Flaw::Forged(place)) => {
                let place = place % signers.len();
                signatures[place].signature = sign(&key(FORGER), &payload(signers[place]));
            }
            Some(Flaw::Doubled(place)) => {
                let place = place % signers.len();
                signatures.insert(place, signed(&signers[place]));
            }
            Some(Flaw::OutOfOrder) if last > 0 => signatures.swap(0, last),
            Some(Flaw::Stranger | Flaw::OtherChain | Flaw::OtherContract | Flaw::OtherPurpose | Flaw::Expired) => {}
            Some(Flaw::OutOfOrder | Flaw::Altered | Flaw::OtherEpoch | Flaw::OtherNumber | Flaw::NoSource) | None => {
                return (signatures, true);
            }
        }
        (signatures, false)
    }

    fn payload(
        &self,
        purpose: Purpose,
        id: &[u8; 32],
        expires_at: u64,
        body: impl scale::Encode,
    ) -> [u8; PAYLOAD_LENGTH] {
        let here = self.network.domain();
        let domain = match self.flaw {
            Some(Flaw::OtherChain) => Domain {
                genesis: [8; 32],
                ..here
            },
            Some(Flaw::OtherContract) => Domain {
                contract: self.network.registry,
                ..here
            },
            _ => here,
        };
        let purpose = match self.flaw {
            Some(Flaw::OtherPurpose) => Purpose::Relation,
            _ => purpose,
        };
        signing::payload(&domain, purpose, id, expires_at, &body)
    }

    fn expires_at(&self) -> u64 {
        match self.flaw {
            Some(Flaw::Expired) => self.now,
            _ => self.now + 1,
        }
    }
}
