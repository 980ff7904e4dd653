//! A chain that counts, and a settlement system that nothing reaches.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use protocol::{
    clearing::{Balance, Retention},
    escrow::Deal,
    registry::{Institution, Roles, Signer, SignerSet, Status},
    settlement::{Asset, RetentionBatch, SignedClearingVoucher},
    signing::{Domain, MemberSignature},
    AccountId, Amount, DealId, Member, Timestamp, VoucherId,
};
use tokio::sync::watch;

use crate::{
    escrow::{
        messages::{Letter, Reply},
        ports::{Act, EscrowLedger, EscrowPeers, LedgerError as EscrowLedgerError},
        Escrow,
    },
    http::{
        health::Check,
        ports::{CallError, ChainApi, ContractCall, ContractInfo, DryRun, Executed},
    },
    identity::SigningKey,
    settlement::{
        messages::{
            Answer, Attestation, AttestationRequest, Confirmation, Consent, Proposal, RelationDraft, RetentionProgress,
            RetentionRequest, RetentionVoucher,
        },
        ports::{Block, Clock, Ledger, LedgerError, PeerError, Peers},
        Settlement, SettlementConfig,
    },
    store::Store,
};

const BLOCK: Block = Block {
    number: 7,
    hash: [7; 32],
};

fn unavailable() -> LedgerError {
    LedgerError::Unavailable("there is no chain in this test".into())
}

/// What the chain does with a deposit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mood {
    #[default]
    Answers,
    Holds,
    Lost,
}

/// Does each key once, as the submitter does.
#[derive(Debug, Default)]
pub struct CountingChain {
    done: Mutex<HashMap<String, Amount>>,
    mood: watch::Sender<Mood>,
    inside: watch::Sender<bool>,
    failing: Mutex<Option<String>>,
}

impl CountingChain {
    pub fn deposits(&self) -> usize {
        self.done.lock().unwrap().len()
    }

    pub fn hold(&self) {
        self.mood.send_replace(Mood::Holds);
    }

    pub fn lose(&self) {
        self.mood.send_replace(Mood::Lost);
    }

    pub fn release(&self) {
        self.mood.send_replace(Mood::Answers);
    }

    /// Until a deposit has arrived.
    pub async fn entered(&self) {
        self.inside.subscribe().wait_for(|inside| *inside).await.unwrap();
    }

    pub fn fail_check(&self, name: &str) {
        *self.failing.lock().unwrap() = Some(name.into());
    }
}

#[async_trait]
impl ChainApi for CountingChain {
    fn genesis(&self) -> [u8; 32] {
        [1; 32]
    }
    fn clearing(&self) -> AccountId {
        AccountId([2; 32])
    }
    fn member(&self) -> Member {
        Member(0)
    }
    fn finalized(&self) -> u32 {
        7
    }
    async fn submissions_in_flight(&self) -> Result<u32, LedgerError> {
        Ok(0)
    }
    async fn checks(&self) -> Vec<Check> {
        let failing = self.failing.lock().unwrap().clone();
        let check = |name| Check {
            name,
            ok: false,
            detail: "stalled".into(),
        };
        failing.into_iter().map(check).collect()
    }
    async fn balance(&self, _: Asset) -> Result<Balance, LedgerError> {
        Ok(Balance::default())
    }
    async fn deposit(&self, key: &str, _: Asset, amount: Amount) -> Result<Block, LedgerError> {
        self.done.lock().unwrap().insert(key.into(), amount);
        self.inside.send_replace(true);
        let mood = *self
            .mood
            .subscribe()
            .wait_for(|mood| *mood != Mood::Holds)
            .await
            .unwrap();
        match mood {
            Mood::Lost => Err(unavailable()),
            _ => Ok(BLOCK),
        }
    }
    async fn withdraw(&self, _: &str, _: Asset, _: Amount) -> Result<Block, LedgerError> {
        Ok(BLOCK)
    }
    async fn institutions(&self) -> Result<Vec<Institution>, LedgerError> {
        Ok(Vec::new())
    }
    fn contracts(&self) -> Vec<ContractInfo> {
        Vec::new()
    }
    async fn dry_run(&self, _: &ContractCall) -> Result<DryRun, CallError> {
        Ok(DryRun {
            result: "tried".into(),
            ref_time: 1,
            proof_size: 2,
            storage_deposit: -3,
        })
    }
    async fn execute(&self, _: &str, call: &ContractCall) -> Result<Executed, CallError> {
        Ok(Executed {
            dry_run: Some(self.dry_run(call).await?),
            block: BLOCK,
        })
    }
}

/// A settlement system on its own store, with nobody around it.
pub fn settlement(store: Store) -> Arc<Settlement> {
    let config = SettlementConfig {
        member: Member(0),
        notary: Member(2),
        voucher_lifetime: 60_000,
    };
    let key = SigningKey::load("//Alice").unwrap();
    Settlement::new(config, store, key, Arc::new(Nobody), Arc::new(Nobody), Arc::new(Nobody))
}

/// An escrow system on its own store, with a registry that never changes and a chain that nothing reaches.
pub fn escrow(store: Store) -> Arc<Escrow> {
    let registry = Arc::new(ThreeMembers);
    Escrow::new(
        Member(0),
        store,
        key_of(Member(0)),
        registry,
        Arc::new(Nobody),
        Arc::new(Nobody),
    )
}

/// What members sign with.
pub fn key_of(member: Member) -> SigningKey {
    SigningKey::load(&format!("//{member}")).unwrap()
}

/// What members sign under.
pub const DOMAIN: Domain = Domain {
    genesis: [1; 32],
    contract: AccountId([3; 32]),
    epoch: 4,
};

/// Two banks and a notary.
struct ThreeMembers;

#[async_trait]
impl EscrowLedger for ThreeMembers {
    fn genesis(&self) -> [u8; 32] {
        DOMAIN.genesis
    }
    fn escrow(&self) -> AccountId {
        DOMAIN.contract
    }
    async fn gap(&self) -> Result<Timestamp, EscrowLedgerError> {
        Ok(1_000)
    }
    async fn signers(&self, members: &[Member]) -> Result<SignerSet, EscrowLedgerError> {
        let signer = |member: &Member| {
            let roles = match member.0 {
                0 | 1 => Roles::PARTICIPANT,
                2 => Roles::NOTARY,
                _ => return None,
            };
            Some(Signer {
                account: key_of(*member).account(),
                signing_key: key_of(*member).public(),
                roles,
                status: Status::Active,
            })
        };
        Ok(SignerSet {
            epoch: DOMAIN.epoch,
            notary_threshold: 1,
            signers: members.iter().map(signer).collect(),
        })
    }
    fn time(&self) -> Timestamp {
        0
    }
    async fn deals(&self, ids: &[DealId]) -> Result<Vec<Option<Deal>>, EscrowLedgerError> {
        Ok(ids.iter().map(|_| None).collect())
    }
    async fn carry_out(&self, _: &str, _: DealId, _: &Act) -> Result<Block, EscrowLedgerError> {
        Ok(BLOCK)
    }
    async fn make_block(&self, _: &str) -> Result<(), EscrowLedgerError> {
        Ok(())
    }
    async fn next_block(&self) {
        std::future::pending().await
    }
}

#[async_trait]
impl EscrowPeers for Nobody {
    async fn deliver(&self, to: Member, _: &Letter) -> Result<Reply, PeerError> {
        Err(nobody(to))
    }
}

struct Nobody;

impl Clock for Nobody {
    fn now(&self) -> Timestamp {
        0
    }
}

#[async_trait]
impl Ledger for Nobody {
    fn genesis(&self) -> [u8; 32] {
        [1; 32]
    }
    fn clearing(&self) -> AccountId {
        AccountId([2; 32])
    }
    async fn signers(&self, _: &[Member]) -> Result<SignerSet, LedgerError> {
        Err(unavailable())
    }
    async fn balance(&self, _: Member, _: Asset) -> Result<Balance, LedgerError> {
        Err(unavailable())
    }
    async fn retention(&self, _: VoucherId) -> Result<Option<Retention>, LedgerError> {
        Err(unavailable())
    }
    async fn retain(&self, _: &str, _: &RetentionBatch, _: &[MemberSignature]) -> Result<Block, LedgerError> {
        Err(unavailable())
    }
    async fn clear(&self, _: &str, _: &[SignedClearingVoucher]) -> Result<Block, LedgerError> {
        Err(unavailable())
    }
    async fn time(&self) -> Result<Timestamp, LedgerError> {
        Err(unavailable())
    }
    async fn next_block(&self) {
        std::future::pending().await
    }
}

fn nobody(member: Member) -> PeerError {
    PeerError::Unreachable {
        member,
        why: "there is nobody in this test".into(),
    }
}

#[async_trait]
impl Peers for Nobody {
    async fn propose(&self, to: Member, _: &Proposal) -> Result<Answer<Confirmation>, PeerError> {
        Err(nobody(to))
    }
    async fn request_retention(&self, to: Member, _: &RetentionRequest) -> Result<RetentionProgress, PeerError> {
        Err(nobody(to))
    }
    async fn attest(&self, to: Member, _: &AttestationRequest) -> Result<Answer<Attestation>, PeerError> {
        Err(nobody(to))
    }
    async fn consent(&self, to: Member, _: &RelationDraft) -> Result<Answer<Consent>, PeerError> {
        Err(nobody(to))
    }
    async fn deliver(&self, to: Member, _: &RetentionVoucher) -> Result<(), PeerError> {
        Err(nobody(to))
    }
}
