//! A chain that counts, and a settlement system that nothing reaches.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use protocol::{
    clearing::{Balance, Current, Retention},
    decisions::{Approval, Decision},
    disputes::{Claim, Dispute},
    escrow::Deal,
    fees::FeeRule,
    registry::{Institution, Roles, Signer, SignerSet, Status},
    settlement::{Asset, Obligation, RetentionBatch, SignedClearingVoucher, Voucher},
    signing::{Domain, MemberSignature},
    windows::{Closing, Position, Window},
    AccountId, Amount, DealId, Member, RequestId, Timestamp, VoucherId,
};
use tokio::sync::watch;

use crate::{
    credit::{
        messages::{ArrivalAnswer, ConsentAnswer, ConsentRequest},
        payee::{Otherwise, Payee},
        payments::Terms,
        ports::{PayeeLedger, Payees},
        Consents, Credit, Payments,
    },
    decisions::{
        messages::{ApprovalAnswer, ApprovalRequest},
        ports::{DecisionLedger, DecisionPeers},
        Decisions,
    },
    disputes::{
        messages::EvidenceLetter,
        ports::{DisputeLedger, DisputePeers},
        Disputes,
    },
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
    journal::{Journal, Told},
    prepaid::{tests::Books, Prepaid},
    settlement::{
        messages::{
            Answer, Assistance, AssistanceRequest, Attestation, AttestationRequest, BatchDraft, Confirmation, Consent,
            Proposal, RelationDraft, RetentionDraft, RetentionProgress, RetentionRequest, RetentionVoucher,
        },
        policy::Policy,
        ports::{Block, Clock, Ledger, LedgerError, PeerError, Peers},
        Settlement, SettlementConfig,
    },
    statement::Statements,
    store::Store,
    webhooks::{Endpoint, Webhooks, WebhooksConfig},
    windows::{
        ports::{Record, Records, WindowLedger},
        Calendar, Windows, WindowsConfig,
    },
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
            chain: None,
            issuer: None,
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

/// The chains that the bank gives credit on.
pub const CREDIT_CHAINS: [[u8; 32]; 2] = [[21; 32], [22; 32]];

/// A settlement system on its own store, with nobody around it.
pub fn settlement(store: Store) -> Arc<Settlement> {
    let config = SettlementConfig {
        member: Member(0),
        notaries: vec![Member(2)],
        notary_patience_percent: 10,
        voucher_lifetime: 60_000,
        mode: protocol::settlement::Settlement::Gross,
        policy: Policy::default(),
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

/// Payments on credit that nobody vouches for.
pub fn credit_payments(store: Store, credit: Arc<Credit>) -> Arc<Payments> {
    let terms = Terms {
        offered: vec![],
        room: 0,
        longest_term_days: 90,
        late_fee_percent: 0,
    };
    Payments::new(credit, store, Arc::new(Nobody), None, terms, Arc::new(Nobody))
}

/// A bank that speaks for [`crate::credit::tests::payee`], who decides everything in person.
pub fn consents(store: Store, chain: Arc<dyn PayeeLedger>) -> Arc<Consents> {
    let payee = Payee {
        key: crate::credit::tests::payee(),
        certificate: "PEM".into(),
        accept: vec![],
        otherwise: Otherwise::Ask,
    };
    Consents::new(vec![payee], store, chain, Arc::new(Nobody))
}

/// A card issuer's contract.
pub fn cards() -> Arc<Books> {
    Books::of(Member(0), crate::prepaid::tests::START)
}

/// The bank as a card issuer, and as the acquirer of its own merchants.
pub fn prepaid(store: Store, cards: Arc<Books>) -> Arc<Prepaid> {
    let identity = age::x25519::Identity::generate();
    crate::prepaid::tests::issuer(cards, store, Arc::new(Nobody), identity)
}

#[async_trait]
impl Payees for Nobody {
    fn reaches(&self, _: &[u8; 32], _: Member) -> bool {
        false
    }
    async fn ask(&self, _: &[u8; 32], member: Member, _: &ConsentRequest) -> Result<ConsentAnswer, PeerError> {
        Err(PeerError::Unreachable {
            member,
            why: "nobody is there".into(),
        })
    }
    async fn ask_arrival(&self, _: &[u8; 32], member: Member, _: RequestId) -> Result<ArrivalAnswer, PeerError> {
        Err(PeerError::Unreachable {
            member,
            why: "nobody is there".into(),
        })
    }
}

/// The notaries' decisions on its own store, where nobody is a notary.
pub fn decisions(store: Store) -> Arc<Decisions> {
    let nobody = Arc::new(Nobody);
    Decisions::new(
        Member(0),
        store,
        key_of(Member(0)),
        nobody.clone(),
        nobody.clone(),
        nobody,
    )
}

#[async_trait]
impl DecisionLedger for Nobody {
    async fn notaries(&self) -> Result<Vec<Member>, LedgerError> {
        Err(unavailable())
    }
    async fn window(&self, _: u32) -> Result<Option<Window>, LedgerError> {
        Err(unavailable())
    }
    async fn dispute(&self, _: VoucherId, _: u8) -> Result<Option<Dispute>, LedgerError> {
        Err(unavailable())
    }
    async fn carry_out(&self, _: &str, _: &Decision, _: &[Voucher], _: &Approval) -> Result<Block, LedgerError> {
        Err(unavailable())
    }
}

/// Disputes on its own store, with a chain that nothing reaches.
pub fn disputes(store: Store) -> Arc<Disputes> {
    let nobody = Arc::new(Nobody);
    Disputes::new(Member(0), store, nobody.clone(), nobody.clone(), nobody.clone(), nobody)
}

#[async_trait]
impl DisputeLedger for Nobody {
    async fn dispute_periods(&self) -> Result<(Timestamp, Timestamp), LedgerError> {
        Err(unavailable())
    }
    async fn returned(&self, _: VoucherId, _: u8) -> Result<Amount, LedgerError> {
        Err(unavailable())
    }
    async fn open_dispute(&self, _: &str, _: Member, _: &Voucher, _: &Claim) -> Result<Block, LedgerError> {
        Err(unavailable())
    }
    async fn answer_dispute(&self, _: &str, _: Member, _: VoucherId, _: u8, _: [u8; 32]) -> Result<Block, LedgerError> {
        Err(unavailable())
    }
    async fn rule_by_default(&self, _: &str, _: VoucherId, _: u8) -> Result<Block, LedgerError> {
        Err(unavailable())
    }
    async fn try_award(&self, _: VoucherId, _: u8) -> Result<Amount, LedgerError> {
        Err(unavailable())
    }
    async fn pay_award(&self, _: &str, _: VoucherId, _: u8) -> Result<Block, LedgerError> {
        Err(unavailable())
    }
    async fn make_block(&self, _: &str) -> Result<(), LedgerError> {
        Err(unavailable())
    }
}

#[async_trait]
impl DisputePeers for Nobody {
    async fn deliver(&self, to: Member, _: &EvidenceLetter) -> Result<(), PeerError> {
        Err(nobody(to))
    }
}

/// Windows that nobody closes.
pub fn windows(store: Store, decisions: Arc<Decisions>) -> Arc<Windows> {
    let config = WindowsConfig {
        member: Member(0),
        calendar: Calendar::default(),
        alarm_percent: 80,
    };
    let nobody = Arc::new(Nobody);
    Windows::new(config, store, nobody.clone(), nobody.clone(), decisions, nobody)
}

#[async_trait]
impl WindowLedger for Nobody {
    async fn members(&self) -> Result<Vec<Member>, LedgerError> {
        Err(unavailable())
    }
    async fn try_settling(&self, _: u32) -> Result<Closing, LedgerError> {
        Err(unavailable())
    }
    async fn settle(&self, _: &str, _: u32) -> Result<Block, LedgerError> {
        Err(unavailable())
    }
    async fn time_of(&self, _: u32) -> Result<Option<Timestamp>, LedgerError> {
        Err(unavailable())
    }
}

#[async_trait]
impl Records for Nobody {
    async fn records(&self, _: u32, _: u32) -> Result<Vec<Record>, LedgerError> {
        Err(unavailable())
    }
    async fn schedule(&self, _: u32) -> Result<Option<Vec<FeeRule>>, LedgerError> {
        Err(unavailable())
    }
    async fn cap(&self, _: Member, _: Asset, _: u32) -> Result<Amount, LedgerError> {
        Err(unavailable())
    }
}

/// Statements of a chain that nothing reaches.
pub fn statements(store: Store) -> Arc<Statements> {
    Statements::new(Member(0), Arc::new(Nobody), store)
}

/// One endpoint, which nothing is sent to.
pub fn webhooks(store: Store) -> Arc<Webhooks> {
    let config = WebhooksConfig {
        endpoints: vec![Endpoint {
            name: "books".into(),
            url: "http://127.0.0.1:9/".parse().unwrap(),
            signer: standardwebhooks::Webhook::from_bytes(vec![7; 32]).unwrap(),
        }],
        timeout: std::time::Duration::from_secs(1),
        give_up_after: std::time::Duration::from_secs(60),
        ca: None,
    };
    Webhooks::new(config, store, Arc::new(Nobody), Arc::new(Nobody)).unwrap()
}

#[async_trait]
impl Journal for Nobody {
    fn head(&self) -> u32 {
        0
    }
    async fn next_block(&self) {
        std::future::pending().await
    }
    async fn block(&self, _: u32) -> Result<Block, LedgerError> {
        Err(unavailable())
    }
    async fn block_time(&self, _: u32) -> Result<Timestamp, LedgerError> {
        Err(unavailable())
    }
    async fn told(&self, _: u32, _: u32) -> Result<Vec<Told>, LedgerError> {
        Err(unavailable())
    }
    async fn balance_after(&self, _: Member, _: Asset, _: u32) -> Result<Balance, LedgerError> {
        Err(unavailable())
    }
    async fn fee_schedule(&self, _: u32) -> Result<Option<Vec<FeeRule>>, LedgerError> {
        Err(unavailable())
    }
    async fn contested(&self, _: VoucherId, _: u8) -> Result<Option<Obligation>, LedgerError> {
        Err(unavailable())
    }
}

#[async_trait]
impl DecisionPeers for Nobody {
    async fn approve(&self, to: Member, _: &ApprovalRequest) -> Result<ApprovalAnswer, PeerError> {
        Err(nobody(to))
    }
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
    async fn current(&self) -> Result<Current, LedgerError> {
        Ok(Current::default())
    }
    async fn schedule(&self, _: u32) -> Result<Option<Vec<FeeRule>>, LedgerError> {
        Ok(Some(vec![]))
    }
    async fn position(&self, _: u32, _: Member, _: Asset) -> Result<Position, LedgerError> {
        Err(unavailable())
    }
    async fn retention(&self, _: &Voucher) -> Result<Option<Retention>, LedgerError> {
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
    async fn assist(&self, to: Member, _: &AssistanceRequest) -> Result<Answer<Assistance>, PeerError> {
        Err(nobody(to))
    }
    async fn request_retention(&self, to: Member, _: &RetentionRequest) -> Result<RetentionProgress, PeerError> {
        Err(nobody(to))
    }
    async fn attest(&self, to: Member, _: &AttestationRequest) -> Result<Answer<Attestation>, PeerError> {
        Err(nobody(to))
    }
    async fn co_sign(&self, to: Member, _: &RetentionDraft) -> Result<Answer<Consent>, PeerError> {
        Err(nobody(to))
    }
    async fn consent(&self, to: Member, _: &RelationDraft) -> Result<Answer<Consent>, PeerError> {
        Err(nobody(to))
    }
    async fn sign_batch(&self, to: Member, _: &BatchDraft) -> Result<MemberSignature, PeerError> {
        Err(nobody(to))
    }
    async fn deliver(&self, to: Member, _: &RetentionVoucher) -> Result<(), PeerError> {
        Err(nobody(to))
    }
}
