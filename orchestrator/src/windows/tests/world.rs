//! A notary with its schedule, on a chain that has windows and nothing else.
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
    signing::MemberSignature,
    windows::{Certificate, Closing, Position, Shortfall, Window, WindowState},
    AccountId, Amount, Member, Timestamp, VoucherId,
};

use crate::{
    decisions::{
        messages::{ApprovalAnswer, ApprovalRequest},
        ports::{DecisionLedger, DecisionPeers},
        Decisions,
    },
    identity::SigningKey,
    settlement::ports::{Block, Clock, Ledger, LedgerError, PeerError},
    store::Store,
    windows::{
        ports::{Record, Records, WindowLedger},
        Calendar, Windows, WindowsConfig,
    },
};

pub const NOTARY: Member = Member(0);
pub const BANK: Member = Member(1);
/// Wednesday, 23 December 2026, 12:00 UTC.
pub const NOON: Timestamp = 1_798_027_200_000;
pub const HOUR: Timestamp = 3_600_000;
const BLOCK: Block = Block {
    number: 9,
    hash: [9; 32],
};

#[derive(Default)]
pub struct Chain {
    pub decisions: u32,
    pub windows: Vec<Window>,
    /// When each block was made, by number.
    pub times: BTreeMap<u32, Timestamp>,
    pub short: bool,
    pub owes: Amount,
    pub unsettled: Amount,
    pub cap: Amount,
    pub closed: Vec<u32>,
    pub settled: Vec<u32>,
    pub records: Vec<Record>,
}

pub struct World {
    pub chain: Arc<Sim>,
    pub clock: Arc<HandClock>,
    pub windows: Arc<Windows>,
    pub decisions: Arc<Decisions>,
    pub store: Store,
}

pub struct Sim(pub Mutex<Chain>);

pub struct HandClock(AtomicU64);

impl HandClock {
    pub fn set(&self, to: Timestamp) {
        self.0.store(to, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        self.0.load(Ordering::SeqCst)
    }
}

impl World {
    /// One window is open and holds payments. Cut-off is at 16:00.
    pub async fn new() -> Self {
        let chain = Chain {
            windows: vec![Window {
                vouchers: 3,
                positions: vec![(BANK, Asset::Native)],
                ..Window::default()
            }],
            ..Chain::default()
        };
        let clock = Arc::new(HandClock(AtomicU64::new(NOON)));
        let store = Store::in_memory().await.unwrap();
        Self::on(Arc::new(Sim(Mutex::new(chain))), clock, store)
    }

    /// A new process on the same database.
    pub fn restart(self) -> Self {
        Self::on(self.chain, self.clock, self.store)
    }

    fn on(chain: Arc<Sim>, clock: Arc<HandClock>, store: Store) -> Self {
        let key = SigningKey::load("//Notary").unwrap();
        let decisions = Decisions::new(
            NOTARY,
            store.clone(),
            key,
            chain.clone(),
            Arc::new(Alone),
            clock.clone(),
        );
        let config = WindowsConfig {
            member: NOTARY,
            calendar: Calendar::new(["16:00".parse().unwrap()], []),
            alarm_percent: 80,
        };
        let windows = Windows::new(
            config,
            store.clone(),
            chain.clone(),
            chain.clone(),
            decisions.clone(),
            clock.clone(),
        );
        Self {
            chain,
            clock,
            windows,
            decisions,
            store,
        }
    }

    /// The notary looks at windows and decisions.
    pub async fn round(&self) {
        for _ in 0..3 {
            self.windows.round().await.unwrap();
            self.decisions.round().await.unwrap();
        }
    }

    pub fn change(&self, change: impl FnOnce(&mut Chain)) {
        change(&mut self.chain.0.lock().unwrap());
    }

    pub fn closed(&self) -> Vec<u32> {
        self.chain.0.lock().unwrap().closed.clone()
    }

    pub fn settled(&self) -> Vec<u32> {
        self.chain.0.lock().unwrap().settled.clone()
    }
}

struct Alone;

#[async_trait]
impl DecisionPeers for Alone {
    async fn approve(&self, to: Member, _: &ApprovalRequest) -> Result<ApprovalAnswer, PeerError> {
        Err(PeerError::Unreachable {
            member: to,
            why: "there is nobody else".into(),
        })
    }
}

impl Sim {
    fn closing(&self, window: u32) -> Result<Closing, LedgerError> {
        let chain = self.0.lock().unwrap();
        let open = u32::try_from(chain.windows.len() - 1).unwrap();
        let found = chain.windows.get(usize::try_from(window).unwrap());
        if found.is_none_or(|found| found.state != WindowState::CutOff) {
            return Err(LedgerError::Refused(Error::WrongWindow { open }));
        }
        Ok(if chain.short {
            Closing::Short(vec![Shortfall {
                member: BANK,
                asset: Asset::Native,
                available: 0,
                needed: 1,
            }])
        } else {
            Closing::Settled(Certificate {
                window,
                vouchers: 3,
                lines: vec![],
            })
        })
    }
}

#[async_trait]
impl WindowLedger for Sim {
    async fn members(&self) -> Result<Vec<Member>, LedgerError> {
        Ok(vec![NOTARY, BANK])
    }
    async fn try_settling(&self, window: u32) -> Result<Closing, LedgerError> {
        self.closing(window)
    }
    async fn settle(&self, _: &str, window: u32) -> Result<Block, LedgerError> {
        if let Closing::Settled(_) = self.closing(window)? {
            let mut chain = self.0.lock().unwrap();
            chain.windows[usize::try_from(window).unwrap()].state = WindowState::Settled;
            chain.settled.push(window);
        }
        Ok(BLOCK)
    }
    async fn time_of(&self, block: u32) -> Result<Option<Timestamp>, LedgerError> {
        Ok(self.0.lock().unwrap().times.get(&block).copied())
    }
}

#[async_trait]
impl DecisionLedger for Sim {
    async fn notaries(&self) -> Result<Vec<Member>, LedgerError> {
        Ok(vec![NOTARY])
    }
    async fn window(&self, number: u32) -> Result<Option<Window>, LedgerError> {
        Ok(self
            .0
            .lock()
            .unwrap()
            .windows
            .get(usize::try_from(number).unwrap())
            .cloned())
    }
    async fn dispute(&self, _: VoucherId, _: u8) -> Result<Option<Dispute>, LedgerError> {
        Ok(None)
    }
    async fn carry_out(&self, _: &str, decision: &Decision, _: &[Voucher], _: &Approval) -> Result<Block, LedgerError> {
        let Decision::CloseWindow(window) = decision else {
            panic!("nothing else is decided here");
        };
        let mut chain = self.0.lock().unwrap();
        chain.decisions += 1;
        chain.closed.push(*window);
        chain.windows[usize::try_from(*window).unwrap()].state = WindowState::CutOff;
        chain.windows.push(Window::default());
        Ok(BLOCK)
    }
}

#[async_trait]
impl Ledger for Sim {
    fn genesis(&self) -> [u8; 32] {
        [1; 32]
    }
    fn clearing(&self) -> AccountId {
        AccountId([2; 32])
    }
    async fn signers(&self, members: &[Member]) -> Result<SignerSet, LedgerError> {
        let key = SigningKey::load("//Notary").unwrap();
        let signer = Signer {
            account: key.account(),
            signing_key: key.public(),
            roles: Roles::NOTARY,
            status: Status::Active,
        };
        Ok(SignerSet {
            epoch: 0,
            notary_threshold: 1,
            signers: members.iter().map(|_| Some(signer.clone())).collect(),
        })
    }
    async fn balance(&self, member: Member, _: Asset) -> Result<Balance, LedgerError> {
        let chain = self.0.lock().unwrap();
        if member != BANK {
            return Ok(Balance::default());
        }
        Ok(Balance {
            cap: chain.cap,
            unsettled: chain.unsettled,
            ..Balance::default()
        })
    }
    async fn time(&self) -> Result<Timestamp, LedgerError> {
        Ok(0)
    }
    async fn retention(&self, _: &Voucher) -> Result<Option<Retention>, LedgerError> {
        Ok(None)
    }
    async fn current(&self) -> Result<Current, LedgerError> {
        let chain = self.0.lock().unwrap();
        Ok(Current {
            window: u32::try_from(chain.windows.len() - 1).unwrap(),
            fees: 0,
            decisions: chain.decisions,
        })
    }
    async fn schedule(&self, _: u32) -> Result<Option<Vec<FeeRule>>, LedgerError> {
        Ok(None)
    }
    async fn position(&self, _: u32, member: Member, _: Asset) -> Result<Position, LedgerError> {
        let owes = self.0.lock().unwrap().owes;
        Ok(if member == BANK {
            Position { owed: 0, owes }
        } else {
            Position::default()
        })
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
impl Records for Sim {
    async fn records(&self, _: u32, _: u32) -> Result<Vec<Record>, LedgerError> {
        Ok(self.0.lock().unwrap().records.clone())
    }
    async fn schedule(&self, version: u32) -> Result<Option<Vec<FeeRule>>, LedgerError> {
        Ok((version == 0).then(Vec::new))
    }
    async fn cap(&self, _: Member, _: Asset, _: u32) -> Result<Amount, LedgerError> {
        Ok(self.0.lock().unwrap().cap)
    }
}
