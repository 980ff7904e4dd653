//! Institutions, governors, and payments between them, as the tests need them.
use std::{cell::RefCell, collections::BTreeMap};

use protocol::{
    clearing::{Balance, Error, Retention},
    fees::FeeRule,
    registry::{Change, Error as RegistryError, GovernorSignature, Roles},
    settlement::{
        retention_id, Asset, ClearingVoucher, Limit, Relation, RetentionBatch, Settlement, SignedClearingVoucher,
        Source, TransactionKind, Voucher,
    },
    signing::{self, Domain, MemberSignature, Purpose},
    AccountId, Lei, Member, Signature, UserId,
};
use sp_core::{sr25519, Pair};

use crate::contract_chain::{Called, Chain, GENESIS, START};

pub const ORIGINATOR: Member = Member(0);
pub const HOME: Member = Member(1);
pub const NOTARY: Member = Member(2);
pub const STRANGER: Member = Member(3);
pub const NOBODY: Member = Member(99);
/// When everything that the tests sign expires.
pub const EXPIRY: u64 = START + 60_000;
/// How long disputes may be opened, and ruled.
pub const DISPUTE_PERIOD: u64 = 40_000;
pub const RULING_PERIOD: u64 = 20_000;
/// What the home institution deposits.
pub const DEPOSIT: u128 = 1_000_000_000_000_000;

/// A registry with two governors and four institutions, and a clearing contract that trusts it.
pub struct Network {
    pub chain: Chain,
    pub registry: AccountId,
    pub clearing: AccountId,
    /// The registry's epoch.
    pub epoch: u32,
    /// The fee schedules, by version.
    pub schedules: Vec<Vec<FeeRule>>,
}

/// Kept, because deriving it takes a thousand times as long as signing.
pub fn key(member: Member) -> sr25519::Pair {
    thread_local! {
        static KEYS: RefCell<BTreeMap<Member, sr25519::Pair>> = const { RefCell::new(BTreeMap::new()) };
    }
    let derive = || sr25519::Pair::from_string(&format!("//institution{}", member.0), None).unwrap();
    KEYS.with_borrow_mut(|keys| keys.entry(member).or_insert_with(derive).clone())
}

pub fn account(member: Member) -> AccountId {
    AccountId(key(member).public().0)
}

pub fn governor(place: u16) -> sr25519::Pair {
    sr25519::Pair::from_string(&format!("//governor{place}"), None).unwrap()
}

/// What both governors sign to change a registry.
pub fn governors_sign(registry: &Domain, change: &Change, expires_at: u64) -> Vec<GovernorSignature> {
    let payload = signing::payload(registry, Purpose::Governance, &change.digest(), expires_at, &());
    (0..2)
        .map(|place| GovernorSignature {
            governor: place,
            signature: sign(&governor(place), &payload),
        })
        .collect()
}

/// One that nobody else has, with the right check digits.
pub fn lei(member: Member) -> Lei {
    let candidate = |check| {
        Lei(format!("529900QUITTANCE{:03}{check:02}", member.0)
            .into_bytes()
            .try_into()
            .unwrap())
    };
    (2..=98u8).map(candidate).find(Lei::is_valid).unwrap()
}

pub fn registration(member: Member, roles: Roles) -> Change {
    Change::Register {
        lei: lei(member),
        account: account(member),
        signing_key: key(member).public().0,
        certificate: [u8::try_from(member.0).unwrap(); 32],
        roles,
    }
}

impl Network {
    /// Governors and contracts, no institution yet.
    pub fn empty() -> Self {
        Self::with_periods(DISPUTE_PERIOD, RULING_PERIOD)
    }

    /// As [`Self::empty`], where disputes may be opened, and ruled, for so long.
    pub fn with_periods(dispute: u64, ruling: u64) -> Self {
        let members = [ORIGINATOR, HOME, NOTARY, STRANGER];
        let mut chain = Chain::new(&members.map(account));
        let governors: Vec<[u8; 32]> = (0..2).map(|place| governor(place).public().0).collect();
        let registry = chain
            .instantiate::<RegistryError>("registry", (GENESIS, governors, 2u16, 1u16))
            .unwrap();
        let clearing = chain
            .instantiate::<Error>("clearing", (GENESIS, registry, dispute, ruling))
            .unwrap();
        Self {
            chain,
            registry,
            clearing,
            epoch: 0,
            schedules: vec![Vec::new()],
        }
    }

    /// Four institutions, of which the home institution has made a deposit.
    pub fn funded() -> Self {
        let mut network = Self::empty();
        for (member, roles) in [
            (ORIGINATOR, Roles::PARTICIPANT),
            (HOME, Roles::PARTICIPANT),
            (NOTARY, Roles::NOTARY),
            (STRANGER, Roles::PARTICIPANT),
        ] {
            network.govern(registration(member, roles)).unwrap();
        }
        assert_eq!(network.deposit(HOME, DEPOSIT), Ok(0));
        network
    }

    /// Applies a change that both governors sign.
    pub fn govern(&mut self, change: Change) -> Result<(), RegistryError> {
        let signatures = self.governors_sign(&change, EXPIRY);
        let result = self.apply(change, EXPIRY, signatures);
        if result.is_ok() {
            self.epoch += 1;
        }
        result
    }

    pub fn governors_sign(&self, change: &Change, expires_at: u64) -> Vec<GovernorSignature> {
        let domain = Domain {
            genesis: GENESIS,
            contract: self.registry,
            epoch: self.epoch,
        };
        governors_sign(&domain, change, expires_at)
    }

    pub fn apply(
        &mut self,
        change: Change,
        expires_at: u64,
        signatures: Vec<GovernorSignature>,
    ) -> Result<(), RegistryError> {
        // Whoever sends it: the signatures count.
        self.chain
            .call(
                account(STRANGER),
                self.registry,
                "apply",
                (change, expires_at, signatures),
                0,
            )
            .output
    }

    pub fn deposit(&mut self, member: Member, amount: u128) -> Result<u64, Error> {
        self.chain
            .call(account(member), self.clearing, "deposit", member, amount)
            .output
    }

    pub fn withdraw(&mut self, member: Member, amount: u128) -> Result<(), Error> {
        self.chain
            .call(
                account(member),
                self.clearing,
                "withdraw",
                (member, Asset::Native, amount),
                0,
            )
            .output
    }

    pub fn balance(&mut self, member: Member) -> Balance {
        self.chain
            .call(account(STRANGER), self.clearing, "balance", (member, Asset::Native), 0)
            .output
    }

    pub fn relation(&mut self, voucher: &Voucher) -> Option<Retention> {
        self.chain
            .call(account(STRANGER), self.clearing, "retention", voucher.clone(), 0)
            .output
    }

    pub fn domain(&self) -> Domain {
        Domain {
            genesis: GENESIS,
            contract: self.clearing,
            epoch: self.epoch,
        }
    }

    pub fn batch(&self, vouchers: &[Voucher]) -> RetentionBatch {
        RetentionBatch {
            epoch: self.epoch,
            drawn_at: START,
            expires_at: EXPIRY,
            vouchers: vouchers.to_vec(),
            refunded: Vec::new(),
        }
    }

    /// What `signers` sign of a batch: notaries all of it, parties what concerns them.
    pub fn sign_batch(&self, batch: &RetentionBatch, signers: &[Member]) -> Vec<MemberSignature> {
        self.sign_batch_in(&self.domain(), batch, signers)
    }

    pub fn sign_batch_in(&self, domain: &Domain, batch: &RetentionBatch, signers: &[Member]) -> Vec<MemberSignature> {
        let signed = |member: &Member| {
            let is_party = batch.vouchers.iter().any(|voucher| voucher.involves(*member));
            let id = self.retention_id(batch, is_party.then_some(*member));
            let payload = signing::payload(domain, Purpose::Retention, &id, batch.expires_at, &());
            MemberSignature {
                member: *member,
                signature: sign(&key(*member), &payload),
            }
        };
        signers.iter().map(signed).collect()
    }

    /// What a member signs of a batch: a party what it is a party to, a notary (`None`) all.
    pub fn retention_id(&self, batch: &RetentionBatch, signer: Option<Member>) -> [u8; 32] {
        let theirs = batch
            .vouchers
            .iter()
            .filter(|voucher| signer.is_none_or(|member| voucher.involves(member)));
        let pairs: Vec<_> = theirs
            .map(|voucher| (voucher.id(), self.relation_of(voucher, batch.drawn_at).id()))
            .collect();
        retention_id(&pairs)
    }

    /// What follows from a voucher.
    pub fn relation_of(&self, voucher: &Voucher, drawn_at: u64) -> Relation {
        Relation::of(voucher, &self.schedules[voucher.fees as usize], drawn_at).unwrap()
    }

    pub fn submit(&mut self, batch: RetentionBatch, signatures: Vec<MemberSignature>) -> Result<u32, Error> {
        self.submit_measured(batch, signatures).output
    }

    pub fn submit_measured(
        &mut self,
        batch: RetentionBatch,
        signatures: Vec<MemberSignature>,
    ) -> Called<Result<u32, Error>> {
        self.chain
            .call(account(STRANGER), self.clearing, "retain_batch", (batch, signatures), 0)
    }

    /// Retains vouchers with everybody's signature.
    pub fn retain(&mut self, vouchers: &[Voucher]) -> Result<u32, Error> {
        self.retain_measured(self.batch(vouchers)).output
    }

    /// As [`Self::retain`], of a batch as it is.
    pub fn retain_measured(&mut self, batch: RetentionBatch) -> Called<Result<u32, Error>> {
        let parties = batch.vouchers.iter().flat_map(Voucher::parties);
        let mut signers: Vec<Member> = parties.chain([NOTARY]).collect();
        signers.sort_unstable();
        signers.dedup();
        let signatures = self.sign_batch(&batch, &signers);
        self.submit_measured(batch, signatures)
    }

    /// The debtor's discharge of what a voucher led to.
    pub fn clearing_voucher(&self, voucher: &Voucher, source: Source) -> ClearingVoucher {
        let relation = self.relation_of(voucher, START);
        let issuer = voucher.principal().debtor;
        ClearingVoucher {
            voucher: voucher.id(),
            relation: relation.id(),
            issuer,
            discharged: relation.owed_by(issuer),
            sources: vec![source],
            issued_at: START,
            expires_at: EXPIRY,
        }
    }

    pub fn sign_clearing(
        &self,
        voucher: &Voucher,
        clearing_voucher: ClearingVoucher,
        signer: Member,
    ) -> SignedClearingVoucher {
        let id = clearing_voucher.id().0;
        let payload = signing::payload(
            &self.domain(),
            Purpose::ClearingVoucher,
            &id,
            clearing_voucher.expires_at,
            &(),
        );
        SignedClearingVoucher {
            voucher: voucher.clone(),
            clearing_voucher,
            epoch: self.epoch,
            signature: sign(&key(signer), &payload),
        }
    }

    pub fn clear(&mut self, vouchers: Vec<SignedClearingVoucher>) -> Result<(), Error> {
        self.clear_measured(vouchers).output
    }

    pub fn clear_measured(&mut self, vouchers: Vec<SignedClearingVoucher>) -> Called<Result<(), Error>> {
        self.chain
            .call(account(STRANGER), self.clearing, "clear_batch", vouchers, 0)
    }
}

/// A purchase at the originator by a user of the home institution.
pub fn purchase(sequence: u64, amount: u128) -> Voucher {
    Voucher {
        sequence,
        originator: ORIGINATOR,
        home: HOME,
        others: Vec::new(),
        user: UserId::of(HOME, "4711"),
        wallet: AccountId([9; 32]),
        kind: TransactionKind::Purchase,
        asset: Asset::Native,
        amount,
        limit: Limit::PerTransaction(1_000_000_000_000_000_000),
        settlement: Settlement::Gross,
        fees: 0,
        issued_at: START,
        expires_at: EXPIRY,
    }
}

pub fn sign(key: &sr25519::Pair, payload: &[u8]) -> Signature {
    Signature(key.sign(payload).0)
}
