//! A chain in memory with the contract's rules for approvals, and a network that loses what it is told to lose.
use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicU64, Ordering},
        Arc, Mutex,
    },
};

use async_trait::async_trait;
use protocol::{
    clearing::{Balance, Current, Error, Retention},
    decisions::{Approval, Decision},
    disputes::Dispute,
    fees::FeeRule,
    registry::{Roles, Signer, SignerSet, Status},
    settlement::{Asset, RetentionBatch, SignedClearingVoucher, Voucher},
    signing::{ascending, Domain, MemberSignature},
    windows::{Position, Window},
    AccountId, Amount, Member, Timestamp, VoucherId,
};

use crate::{
    decisions::{
        messages::{ApprovalAnswer, ApprovalRequest, Draft},
        ports::{DecisionLedger, DecisionPeers},
        DecisionError, Decisions, Wish,
    },
    identity::{verify, SigningKey},
    settlement::ports::{Block, Clock, Ledger, LedgerError, PeerError},
    store::{decisions::DecisionRow, Store},
};

pub const FIRST: Member = Member(0);
pub const SECOND: Member = Member(1);
pub const THIRD: Member = Member(2);
pub const NOTARIES: [Member; 3] = [FIRST, SECOND, THIRD];
pub const BANK: Member = Member(3);
pub const START: Timestamp = 1_700_000_000_000;
const GENESIS: [u8; 32] = [1; 32];
const CLEARING: AccountId = AccountId([2; 32]);

pub fn key(member: Member) -> SigningKey {
    SigningKey::load(&format!("//Notary{member}")).unwrap()
}

pub fn cap(cap: Amount) -> Decision {
    Decision::SetCap {
        member: BANK,
        asset: Asset::Native,
        cap,
    }
}

pub fn wish(decision: Decision) -> Wish {
    Wish {
        decision,
        number: None,
        expires_at: None,
    }
}

#[derive(Default)]
pub struct Chain {
    pub epoch: u32,
    pub signers: Vec<Signer>,
    pub decisions: u32,
    pub window: u32,
    pub cap: Amount,
    pub schedules: Vec<Vec<FeeRule>>,
    /// What was submitted, and whether the contract took it.
    pub submitted: Vec<(String, bool)>,
    /// The contract refuses the next decision itself.
    pub refusal: Option<Error>,
}

pub struct SimChain {
    pub chain: Mutex<Chain>,
    clock: Arc<HandClock>,
}

pub struct HandClock(AtomicU64);

impl HandClock {
    pub fn pass(&self, milliseconds: u64) {
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        self.0.load(Ordering::SeqCst)
    }
}

#[derive(Default)]
pub struct Net {
    houses: Mutex<BTreeMap<Member, Arc<Decisions>>>,
    pub down: Mutex<Vec<Member>>,
    pub lost_answers: Mutex<u32>,
    /// This notary answers with another one's signature.
    pub forger: Mutex<Option<Member>>,
}

struct Line {
    from: Member,
    net: Arc<Net>,
}

pub struct World {
    pub chain: Arc<SimChain>,
    pub clock: Arc<HandClock>,
    pub net: Arc<Net>,
    pub stores: Vec<Store>,
}

impl World {
    pub async fn new() -> Self {
        let clock = Arc::new(HandClock(AtomicU64::new(START)));
        let signer = |member: Member, roles| Signer {
            account: key(member).account(),
            signing_key: key(member).public(),
            roles,
            status: Status::Active,
        };
        let mut signers: Vec<Signer> = NOTARIES.iter().map(|member| signer(*member, Roles::NOTARY)).collect();
        signers.push(signer(BANK, Roles::PARTICIPANT));
        let chain = Chain {
            signers,
            ..Chain::default()
        };
        let mut world = Self {
            chain: Arc::new(SimChain {
                chain: Mutex::new(chain),
                clock: clock.clone(),
            }),
            clock,
            net: Arc::default(),
            stores: vec![],
        };
        for member in NOTARIES {
            world.stores.push(Store::in_memory().await.unwrap());
            world.restart(member);
        }
        world
    }

    /// A new process on the notary's database.
    pub fn restart(&self, member: Member) {
        let house = self.process(member, self.stores[usize::from(member.0)].clone());
        self.net.houses.lock().unwrap().insert(member, house);
    }

    pub fn process(&self, member: Member, store: Store) -> Arc<Decisions> {
        let line = Line {
            from: member,
            net: self.net.clone(),
        };
        Decisions::new(
            member,
            store,
            key(member),
            self.chain.clone(),
            Arc::new(line),
            self.clock.clone(),
        )
    }

    pub fn at(&self, member: Member) -> Arc<Decisions> {
        self.net.houses.lock().unwrap()[&member].clone()
    }

    pub async fn agree(&self, member: Member, decision: Decision) -> Result<DecisionRow, DecisionError> {
        self.at(member).agree(wish(decision), None, "an operator").await
    }

    /// Every notary that is up looks a few times.
    pub async fn settle(&self) {
        for _ in 0..4 {
            for member in NOTARIES {
                let is_down = self.net.down.lock().unwrap().contains(&member);
                if !is_down {
                    self.at(member).round().await.unwrap();
                }
            }
        }
    }

    pub async fn state(&self, member: Member, row: &DecisionRow) -> &'static str {
        let row = self.at(member).decision(row.draft.id()).await.unwrap();
        row.map_or("unknown", |row| row.state.as_str())
    }

    pub async fn states(&self, row: &DecisionRow) -> Vec<&'static str> {
        let mut states = vec![];
        for member in NOTARIES {
            states.push(self.state(member, row).await);
        }
        states
    }

    /// How many decisions the contract took.
    pub fn taken(&self) -> usize {
        let chain = self.chain.chain.lock().unwrap();
        chain.submitted.iter().filter(|(_, taken)| *taken).count()
    }

    pub fn cap(&self) -> Amount {
        self.chain.chain.lock().unwrap().cap
    }

    pub fn govern(&self, change: impl FnOnce(&mut Chain)) {
        let mut chain = self.chain.chain.lock().unwrap();
        change(&mut chain);
        chain.epoch += 1;
    }

    pub fn request(&self, from: Member, draft: Draft) -> ApprovalRequest {
        let epoch = self.chain.chain.lock().unwrap().epoch;
        let payload = draft.payload(&domain(epoch));
        ApprovalRequest {
            draft,
            epoch,
            signed: MemberSignature {
                member: from,
                signature: key(from).sign(&payload),
            },
        }
    }
}

fn domain(epoch: u32) -> Domain {
    Domain {
        genesis: GENESIS,
        contract: CLEARING,
        epoch,
    }
}

impl Chain {
    fn take(&mut self, now: Timestamp, decision: &Decision, approval: &Approval) -> Result<(), Error> {
        if approval.number != self.decisions {
            return Err(Error::StaleApproval { next: self.decisions });
        }
        if now >= approval.expires_at {
            return Err(Error::ApprovalExpired);
        }
        if approval.epoch != self.epoch {
            return Err(Error::StaleEpoch { current: self.epoch });
        }
        if !ascending(&approval.signatures) {
            return Err(Error::SignersNotAscending);
        }
        let draft = Draft {
            decision: decision.clone(),
            number: approval.number,
            expires_at: approval.expires_at,
        };
        for signed in &approval.signatures {
            let signer = &self.signers[usize::from(signed.member.0)];
            if signer.status != Status::Active || !signer.roles.contains(Roles::NOTARY) {
                return Err(Error::UnexpectedSigner(signed.member));
            }
            if !verify(
                &signer.signing_key,
                &draft.payload(&domain(self.epoch)),
                &signed.signature,
            ) {
                return Err(Error::BadSignature(signed.member));
            }
        }
        if approval.signatures.len() < 2 {
            return Err(Error::NotaryThreshold { given: 1, needed: 2 });
        }
        if let Some(refusal) = self.refusal.take() {
            return Err(refusal);
        }
        match decision {
            Decision::SetCap { cap, .. } => self.cap = *cap,
            Decision::SetFees(rules) => self.schedules.push(rules.clone()),
            Decision::CloseWindow(_) => self.window += 1,
            Decision::TakeOut { .. } | Decision::Rule { .. } => {}
        }
        self.decisions += 1;
        Ok(())
    }
}

#[async_trait]
impl DecisionLedger for SimChain {
    async fn notaries(&self) -> Result<Vec<Member>, LedgerError> {
        let chain = self.chain.lock().unwrap();
        let is_notary = |member: &Member| {
            let signer = &chain.signers[usize::from(member.0)];
            signer.status == Status::Active && signer.roles.contains(Roles::NOTARY)
        };
        Ok(NOTARIES.into_iter().filter(is_notary).collect())
    }

    async fn window(&self, _: u32) -> Result<Option<Window>, LedgerError> {
        Ok(Some(Window::default()))
    }

    async fn dispute(&self, _: VoucherId, _: u8) -> Result<Option<Dispute>, LedgerError> {
        Ok(None)
    }

    async fn carry_out(
        &self,
        key: &str,
        decision: &Decision,
        _: &[Voucher],
        approval: &Approval,
    ) -> Result<Block, LedgerError> {
        let now = self.clock.now();
        let mut chain = self.chain.lock().unwrap();
        let taken = chain.take(now, decision, approval);
        chain.submitted.push((key.to_owned(), taken.is_ok()));
        taken.map_err(LedgerError::Refused)?;
        Ok(Block {
            number: 7,
            hash: [7; 32],
        })
    }
}

#[async_trait]
impl Ledger for SimChain {
    fn genesis(&self) -> [u8; 32] {
        GENESIS
    }
    fn clearing(&self) -> AccountId {
        CLEARING
    }
    async fn signers(&self, members: &[Member]) -> Result<SignerSet, LedgerError> {
        let chain = self.chain.lock().unwrap();
        Ok(SignerSet {
            epoch: chain.epoch,
            notary_threshold: 2,
            signers: members
                .iter()
                .map(|member| chain.signers.get(usize::from(member.0)).cloned())
                .collect(),
        })
    }
    async fn balance(&self, _: Member, _: Asset) -> Result<Balance, LedgerError> {
        Ok(Balance {
            cap: self.chain.lock().unwrap().cap,
            ..Balance::default()
        })
    }
    async fn time(&self) -> Result<Timestamp, LedgerError> {
        Ok(self.clock.now())
    }
    async fn retention(&self, _: &Voucher) -> Result<Option<Retention>, LedgerError> {
        Ok(None)
    }
    async fn current(&self) -> Result<Current, LedgerError> {
        let chain = self.chain.lock().unwrap();
        Ok(Current {
            window: chain.window,
            fees: u32::try_from(chain.schedules.len()).unwrap(),
            decisions: chain.decisions,
        })
    }
    async fn schedule(&self, version: u32) -> Result<Option<Vec<FeeRule>>, LedgerError> {
        let place = usize::try_from(version).unwrap().checked_sub(1);
        let chain = self.chain.lock().unwrap();
        Ok(place.and_then(|place| chain.schedules.get(place).cloned()))
    }
    async fn position(&self, _: u32, _: Member, _: Asset) -> Result<Position, LedgerError> {
        Ok(Position::default())
    }
    async fn retain(&self, _: &str, _: &RetentionBatch, _: &[MemberSignature]) -> Result<Block, LedgerError> {
        Err(LedgerError::Unavailable("nothing is retained here".into()))
    }
    async fn clear(&self, _: &str, _: &[SignedClearingVoucher]) -> Result<Block, LedgerError> {
        Err(LedgerError::Unavailable("nothing is cleared here".into()))
    }
    async fn next_block(&self) {
        std::future::pending().await
    }
}

#[async_trait]
impl DecisionPeers for Line {
    async fn approve(&self, to: Member, request: &ApprovalRequest) -> Result<ApprovalAnswer, PeerError> {
        let unreachable = |why: &str| PeerError::Unreachable {
            member: to,
            why: why.into(),
        };
        if self.net.down.lock().unwrap().contains(&to) {
            return Err(unreachable("it is down"));
        }
        let sent = serde_json::to_string(request).unwrap();
        let house = self.net.houses.lock().unwrap()[&to].clone();
        let answer = house.on_approval_request(self.from, serde_json::from_str(&sent).unwrap());
        let answer = answer.await.map_err(|error| unreachable(&error.to_string()))?;
        {
            let mut lost = self.net.lost_answers.lock().unwrap();
            if *lost > 0 {
                *lost -= 1;
                return Err(unreachable("the answer was lost"));
            }
        }
        let is_forger = *self.net.forger.lock().unwrap() == Some(to);
        Ok(match answer {
            ApprovalAnswer::Signed(_) if is_forger => ApprovalAnswer::Signed(MemberSignature {
                member: to,
                signature: request.signed.signature,
            }),
            answer => answer,
        })
    }
}
