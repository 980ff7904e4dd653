//! What institutions say to each other about a payment. JSON over HTTP; ids and amounts as in [`protocol::text`].
use protocol::{
    settlement::{Asset, ClearingVoucher, Relation, TransactionKind, Voucher},
    signing::{Domain, MemberSignature, Purpose, PAYLOAD_LENGTH},
    AccountId, Amount, Member, RelationId, Signature, Timestamp, UserId, VoucherId,
};
use serde::{Deserialize, Serialize};

use super::fault::is_user_number;

/// A user's request to the originator (S0.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, scale::Encode)]
pub struct PaymentRequest {
    /// Made by the user; makes the request unique.
    #[serde(with = "protocol::text::bytes")]
    pub nonce: [u8; 16],
    /// Who is asked to carry it out.
    pub originator: Member,
    /// The user's institution.
    pub home: Member,
    /// The number that the user's institution knows it by.
    pub user: String,
    /// Where the user's assets are.
    #[serde(with = "protocol::text::account")]
    pub wallet: AccountId,
    /// What is asked for.
    pub kind: TransactionKind,
    /// Who is paid by a credit transfer: the number that the payee institution knows its user by. `None` in every other
    /// kind.
    #[serde(default)]
    pub beneficiary: Option<String>,
    /// Further institutions that have to agree, besides originator, home and payee.
    #[serde(default)]
    pub others: Vec<Member>,
    /// What is paid.
    pub asset: Asset,
    /// In the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub amount: Amount,
    /// Void from then on.
    pub expires_at: Timestamp,
}

impl PaymentRequest {
    /// The voucher's other destinations: those that the user names and the payee, ascending, without originator and home.
    pub fn other_destinations(&self) -> Vec<Member> {
        let mut others = self.others.clone();
        if let TransactionKind::CreditTransfer(payee) = self.kind {
            others.push(payee);
        }
        others.retain(|member| *member != self.originator && *member != self.home);
        others.sort_unstable();
        others.dedup();
        others
    }

    /// Whether this is what the voucher says: nobody but the user decides who is paid how much, and who is asked.
    pub fn is_asked_by(&self, voucher: &Voucher) -> bool {
        voucher.originator == self.originator
            && voucher.home == self.home
            && voucher.others == self.other_destinations()
            && voucher.user == UserId::of(self.home, &self.user)
            && voucher.wallet == self.wallet
            && voucher.kind == self.kind
            && voucher.asset == self.asset
            && voucher.amount == self.amount
            && voucher.expires_at <= self.expires_at
    }

    /// Whether a credit transfer, and nothing else, names the user that it pays.
    pub fn names_beneficiary_rightly(&self) -> bool {
        match (&self.kind, &self.beneficiary) {
            (TransactionKind::CreditTransfer(_), Some(number)) => is_user_number(number),
            (TransactionKind::CreditTransfer(_), None) | (_, Some(_)) => false,
            (_, None) => true,
        }
    }

    /// The request's id: one request leads to one voucher.
    pub fn digest(&self) -> [u8; 32] {
        protocol::ids::content_id(b"quittance/payment-request", self)
    }

    /// What the user signs. Epoch 0: users are not in the registry.
    pub fn payload(&self, genesis: [u8; 32], clearing: AccountId) -> [u8; PAYLOAD_LENGTH] {
        let id = self.digest();
        let domain = Domain {
            genesis,
            contract: clearing,
            epoch: 0,
        };
        protocol::signing::payload(&domain, Purpose::PaymentRequest, &id, self.expires_at, &())
    }
}

/// A request with the user's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedPaymentRequest {
    /// What the user wants.
    pub request: PaymentRequest,
    /// By the user's sr25519 key, which its institution knows.
    pub signature: Signature,
}

/// Originator → destination: co-sign this (S0.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// What the user asked for.
    pub request: SignedPaymentRequest,
    /// What the originator made of it.
    pub voucher: Voucher,
    /// The registry's epoch at signing.
    pub epoch: u32,
    /// The originator's, [`Purpose::Voucher`].
    pub signature: Signature,
}

/// Destination → assisting institution: have you anything against this? (S0.4)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssistanceRequest {
    /// What the destination was asked to co-sign.
    pub proposal: Proposal,
}

/// An assisting institution's word that it has nothing against a voucher (S0.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assistance {
    /// Which voucher.
    pub voucher: VoucherId,
    /// Who asked.
    pub asked_by: Member,
    /// The epoch it was signed in.
    pub epoch: u32,
    /// [`Purpose::Assistance`].
    pub signed: MemberSignature,
}

impl Assistance {
    /// What an assisting institution signs for a destination.
    pub fn payload(domain: &Domain, voucher: &Voucher, asked_by: Member) -> [u8; PAYLOAD_LENGTH] {
        let id = voucher.id().0;
        protocol::signing::payload(domain, Purpose::Assistance, &id, voucher.expires_at, &asked_by)
    }
}

/// Yes with proof, or a signed no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer<T> {
    /// Agreed.
    Agreed(T),
    /// Not agreed, for good.
    Refused(Refusal),
}

/// A destination's co-signature under a voucher (S0.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Which voucher.
    pub voucher: VoucherId,
    /// The epoch it was signed in.
    pub epoch: u32,
    /// [`Purpose::Voucher`].
    pub signed: MemberSignature,
}

/// Why a payment was refused. Stable: clients act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, scale::Encode)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCode {
    /// An institution involved is unknown, suspended or revoked.
    InstitutionNotActive,
    /// An institution's settlement balance doesn't cover the payment.
    InsufficientSettlementBalance,
    /// The home institution has no such user, or not at this wallet.
    UnknownUser,
    /// The user is blocked.
    UserBlocked,
    /// The user's signature doesn't verify.
    BadUserSignature,
    /// The amount is above the user's limit for one transaction.
    AboveUserLimit,
    /// With what it paid that day, the amount is above the user's limit for a day.
    AboveDailyLimit,
    /// The user may not use this kind of payment.
    UserNotEligible,
    /// The user's account doesn't cover the amount.
    InsufficientFunds,
    /// The payee institution has no such user.
    UnknownBeneficiary,
    /// The user who would be paid is blocked.
    BeneficiaryBlocked,
    /// The debtor may not go further negative in windows that are not paid.
    NetDebitCapExceeded,
    /// The voucher breaks a rule, or isn't what the user asked for.
    BadVoucher,
    /// An institution's signature doesn't verify.
    BadSignature,
    /// The voucher or request expired.
    Expired,
    /// The relation isn't the one that follows from the voucher.
    BadRelation,
    /// This institution has not confirmed the voucher.
    NotConfirmed,
    /// A party rejected a message about the voucher as wrong.
    RejectedByPeer,
    /// The destination's policy blocks an institution, user or wallet that is involved.
    BlockedByPolicy,
    /// The payment is above a limit of the destination's policy, by itself or with what it co-signed that day.
    AbovePolicyLimit,
    /// The destination doesn't co-sign at this time.
    OutsideHours,
    /// An institution that the destination asked before has something against it.
    AssistantRefused,
}

/// A signed refusal: a record like any other (S0.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Which voucher.
    pub voucher: VoucherId,
    /// Why, for machines.
    pub code: RefusalCode,
    /// Why, for people. No secrets: everybody involved reads it.
    pub detail: String,
    /// When.
    pub refused_at: Timestamp,
    /// The epoch it was signed in.
    pub epoch: u32,
    /// Who refused. [`Purpose::Refusal`].
    pub signed: MemberSignature,
}

impl Refusal {
    /// What the refusing institution signs.
    pub fn payload(
        domain: &Domain,
        voucher: &VoucherId,
        code: RefusalCode,
        detail: &str,
        refused_at: Timestamp,
    ) -> [u8; PAYLOAD_LENGTH] {
        protocol::signing::payload(domain, Purpose::Refusal, &voucher.0, refused_at, &(code, detail))
    }
}

/// Originator → notary: keep this co-signed voucher (S0.6). Repeated until the answer is final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionRequest {
    /// What was co-signed.
    pub voucher: Voucher,
    /// The epoch the co-signatures were made in.
    pub epoch: u32,
    /// Every party's, ascending by member, [`Purpose::Voucher`].
    pub signatures: Vec<MemberSignature>,
}

/// How far the notary is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetentionProgress {
    /// Accepted, not done yet: ask again.
    Pending,
    /// Retained on chain.
    Retained(Box<RetentionVoucher>),
    /// Refused by the notary or by a destination it asked.
    Refused(Refusal),
}

/// Notary → destination: do you stand by this voucher? (S0.7)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttestationRequest {
    /// What was co-signed.
    pub voucher: Voucher,
}

/// A destination's word to the notary (S0.7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// Which voucher.
    pub voucher: VoucherId,
    /// The epoch it was signed in.
    pub epoch: u32,
    /// [`Purpose::Attestation`].
    pub signed: MemberSignature,
}

impl Attestation {
    /// What a destination signs for the notary.
    pub fn payload(domain: &Domain, voucher: &Voucher) -> [u8; PAYLOAD_LENGTH] {
        protocol::signing::payload(domain, Purpose::Attestation, &voucher.id().0, voucher.expires_at, &())
    }
}

/// Notary → every party: co-sign this relation (S0.9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelationDraft {
    /// What was co-signed.
    pub voucher: Voucher,
    /// What follows from it.
    pub relation: Relation,
    /// The epoch to sign in.
    pub epoch: u32,
    /// Until when the retention may be put on chain.
    pub expires_at: Timestamp,
    /// The notary's, [`Purpose::Relation`].
    pub notary: MemberSignature,
}

/// Leading notary → another notary: verify all of it yourself, and sign too (S0.7 to S0.9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionDraft {
    /// What the originator sent: the voucher and its co-signatures, of the epoch to sign in.
    pub request: RetentionRequest,
    /// What follows from the voucher.
    pub relation: Relation,
    /// Until when the retention may be put on chain.
    pub expires_at: Timestamp,
    /// The leading notary's, [`Purpose::Relation`].
    pub notary: MemberSignature,
}

/// A party's or another notary's co-signature of the relation (S0.9) and of its retention on chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Which relation.
    pub relation: RelationId,
    /// [`Purpose::Relation`]: evidence that every party keeps.
    pub relation_signature: MemberSignature,
    /// [`Purpose::Retention`]: what the contract checks.
    pub retention_signature: MemberSignature,
}

/// One retention of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchItem {
    /// What is retained.
    pub voucher: VoucherId,
    /// What follows from it, as everybody co-signed it.
    pub relation: RelationId,
}

/// Leading notary → every party and other notary: sign once for several retentions that you signed for by themselves
/// (S0.9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchDraft {
    /// Those of the batch that the receiver signs for, in the batch's order.
    pub items: Vec<BatchItem>,
    /// The epoch to sign in.
    pub epoch: u32,
    /// Until when the batch may be put on chain.
    pub expires_at: Timestamp,
}

impl BatchDraft {
    /// The id that is signed under.
    pub fn id(&self) -> [u8; 32] {
        let pairs: Vec<_> = self.items.iter().map(|item| (item.voucher, item.relation)).collect();
        protocol::settlement::retention_id(&pairs)
    }

    /// What is signed, [`Purpose::Retention`]: what the contract checks.
    pub fn payload(&self, domain: &Domain) -> [u8; PAYLOAD_LENGTH] {
        protocol::signing::payload(domain, Purpose::Retention, &self.id(), self.expires_at, &())
    }
}

/// Notary → every party: the voucher is retained, and this is what was (S0.9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionVoucher {
    /// What was co-signed.
    pub voucher: Voucher,
    /// The obligations.
    pub relation: Relation,
    /// The epoch that everything below was signed in.
    pub epoch: u32,
    /// The destinations' word.
    pub attestations: Vec<Attestation>,
    /// The notaries' and every party's, ascending by member, [`Purpose::Relation`].
    pub relation_signatures: Vec<MemberSignature>,
    /// The block that retained it.
    pub retained_in: u32,
}

/// What a party signs under a relation, with the retention's expiry.
pub fn relation_payload(domain: &Domain, relation: &Relation, expires_at: Timestamp) -> [u8; PAYLOAD_LENGTH] {
    protocol::signing::payload(domain, Purpose::Relation, &relation.id().0, expires_at, &())
}

/// What parties and notary alike sign for the retention of one voucher by itself.
pub fn retention_payload(
    domain: &Domain,
    voucher: &Voucher,
    relation: &Relation,
    expires_at: Timestamp,
) -> [u8; PAYLOAD_LENGTH] {
    let id = protocol::settlement::retention_id(&[(voucher.id(), relation.id())]);
    protocol::signing::payload(domain, Purpose::Retention, &id, expires_at, &())
}

/// What a debtor signs to pay what it owes.
pub fn clearing_payload(domain: &Domain, clearing_voucher: &ClearingVoucher) -> [u8; PAYLOAD_LENGTH] {
    let (id, until) = (clearing_voucher.id().0, clearing_voucher.expires_at);
    protocol::signing::payload(domain, Purpose::ClearingVoucher, &id, until, &())
}

/// What the parties sign under a voucher.
pub fn voucher_payload(domain: &Domain, voucher: &Voucher) -> [u8; PAYLOAD_LENGTH] {
    protocol::signing::payload(domain, Purpose::Voucher, &voucher.id().0, voucher.expires_at, &())
}
