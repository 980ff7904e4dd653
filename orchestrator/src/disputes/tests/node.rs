//! The chain as one institution's node shows it, and the way to the others: both lose what a test wants lost.
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
    disputes::{Claim, Dispute},
    fees::FeeRule,
    registry::SignerSet,
    settlement::{Asset, Obligation, RetentionBatch, SignedClearingVoucher, Voucher},
    signing::MemberSignature,
    windows::{Position, Window},
    AccountId, Amount, Member, Timestamp, VoucherId,
};

use super::{
    contract::{Chain, DISPUTE_PERIOD, RULING_PERIOD},
    world::{NOTARY, OTHER_NOTARY, START},
};
use crate::{
    decisions::ports::DecisionLedger,
    disputes::{
        messages::EvidenceLetter,
        ports::{DisputeLedger, DisputePeers},
        Disputes, Over,
    },
    journal::{Event, Journal, Told},
    settlement::ports::{Block, Clock, Ledger, LedgerError, PeerError},
};

const BLOCK: Block = Block {
    number: 7,
    hash: [7; 32],
};

pub struct HandClock(pub AtomicU64);

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

/// Which of all calls and letters, counted from now on, is lost: before it does something, or its answer.
#[derive(Clone, Copy)]
pub struct Loss {
    pub left: u32,
    pub answer_only: bool,
}

#[derive(Default)]
pub struct Net {
    pub houses: Mutex<BTreeMap<Member, Arc<Disputes>>>,
    /// Nodes of these see no dispute yet.
    pub behind: Mutex<Vec<Member>>,
    pub down: Mutex<Vec<Member>>,
    pub loss: Mutex<Option<Loss>>,
    /// Letters that arrived, by their receivers.
    pub arrived: Mutex<Vec<Member>>,
}

impl Net {
    /// Whether this is the one that is lost, and how.
    fn lost(&self) -> Option<Loss> {
        let mut loss = self.loss.lock().unwrap();
        let now = loss.filter(|loss| loss.left == 0);
        *loss = loss.and_then(|loss| {
            Some(Loss {
                left: loss.left.checked_sub(1)?,
                ..loss
            })
        });
        now
    }
}

/// The chain as one institution's node shows it, and the way to the others.
pub struct Node {
    pub member: Member,
    pub chain: Arc<Mutex<Chain>>,
    pub net: Arc<Net>,
    pub clock: Arc<HandClock>,
}

fn lost() -> LedgerError {
    LedgerError::Unavailable("lost".into())
}

impl Node {
    fn chain<T>(&self, look: impl FnOnce(&Chain) -> T) -> T {
        look(&self.chain.lock().unwrap())
    }

    /// Carries a step out once, as the submitter does.
    fn act(&self, key: &str, step: impl FnOnce(&mut Chain) -> Result<Vec<Event>, Error>) -> Result<Block, LedgerError> {
        let loss = self.net.lost();
        if loss.is_some_and(|loss| !loss.answer_only) {
            return Err(lost());
        }
        let mut chain = self.chain.lock().unwrap();
        let key = (self.member, key.to_owned());
        if !chain.done.contains(&key) {
            if let Some(refusal) = chain.refusal.take() {
                return Err(LedgerError::Refused(refusal));
            }
            let events = step(&mut chain).map_err(LedgerError::Refused)?;
            chain.seal(self.clock.now(), events);
            chain.done.insert(key);
        }
        match loss {
            Some(_) => Err(lost()),
            None => Ok(BLOCK),
        }
    }
}

#[async_trait]
impl DisputeLedger for Node {
    async fn dispute_periods(&self) -> Result<(Timestamp, Timestamp), LedgerError> {
        Ok((DISPUTE_PERIOD, RULING_PERIOD))
    }
    async fn returned(&self, voucher: VoucherId, obligation: u8) -> Result<Amount, LedgerError> {
        let over = Over { voucher, obligation };
        Ok(self.chain(|chain| chain.returned.get(&over).copied().unwrap_or_default()))
    }
    async fn open_dispute(
        &self,
        key: &str,
        member: Member,
        voucher: &Voucher,
        claim: &Claim,
    ) -> Result<Block, LedgerError> {
        self.act(key, |chain| chain.open(member, voucher, *claim))
    }
    async fn answer_dispute(
        &self,
        key: &str,
        member: Member,
        voucher: VoucherId,
        obligation: u8,
        evidence: [u8; 32],
    ) -> Result<Block, LedgerError> {
        self.act(key, |chain| {
            chain.answer(member, Over { voucher, obligation }, evidence)
        })
    }
    async fn rule_by_default(&self, key: &str, voucher: VoucherId, obligation: u8) -> Result<Block, LedgerError> {
        self.act(key, |chain| chain.rule_by_default(Over { voucher, obligation }))
    }
    async fn try_award(&self, voucher: VoucherId, obligation: u8) -> Result<Amount, LedgerError> {
        let over = Over { voucher, obligation };
        let dispute = self.chain(|chain| chain.disputes[&over]);
        let (is_paid, has) = self.chain(|chain| {
            let has = chain.held[&dispute.contested.creditor];
            (chain.cleared.contains(&voucher), has)
        });
        match (dispute.is_due, is_paid) {
            (false, false) => Err(LedgerError::Refused(Error::ObligationUnpaid)),
            (true, _) if has == 0 => Err(LedgerError::Refused(Error::ZeroAmount)),
            _ => Ok(has.min(dispute.awarded - dispute.paid)),
        }
    }
    async fn pay_award(&self, key: &str, voucher: VoucherId, obligation: u8) -> Result<Block, LedgerError> {
        self.act(key, |chain| chain.pay_award(Over { voucher, obligation }))
    }
    async fn make_block(&self, key: &str) -> Result<(), LedgerError> {
        self.act(key, |_| Ok(vec![])).map(|_| ())
    }
}

#[async_trait]
impl DecisionLedger for Node {
    async fn notaries(&self) -> Result<Vec<Member>, LedgerError> {
        Ok(vec![NOTARY, OTHER_NOTARY])
    }
    async fn window(&self, _: u32) -> Result<Option<Window>, LedgerError> {
        Ok(None)
    }
    async fn dispute(&self, voucher: VoucherId, obligation: u8) -> Result<Option<Dispute>, LedgerError> {
        if self.net.behind.lock().unwrap().contains(&self.member) {
            return Ok(None);
        }
        let over = Over { voucher, obligation };
        Ok(self.chain(|chain| chain.disputes.get(&over).copied()))
    }
    async fn carry_out(&self, _: &str, _: &Decision, _: &[Voucher], _: &Approval) -> Result<Block, LedgerError> {
        Err(LedgerError::Unavailable("nothing is decided here".into()))
    }
}

#[async_trait]
impl Ledger for Node {
    fn genesis(&self) -> [u8; 32] {
        [1; 32]
    }
    fn clearing(&self) -> AccountId {
        AccountId([2; 32])
    }
    async fn signers(&self, _: &[Member]) -> Result<SignerSet, LedgerError> {
        Err(LedgerError::Unavailable("nothing is signed here".into()))
    }
    async fn balance(&self, _: Member, _: Asset) -> Result<Balance, LedgerError> {
        Ok(Balance::default())
    }
    async fn time(&self) -> Result<Timestamp, LedgerError> {
        Ok(self.chain(|chain| chain.time))
    }
    async fn retention(&self, voucher: &Voucher) -> Result<Option<Retention>, LedgerError> {
        Ok(self.chain(|chain| chain.retention(voucher)))
    }
    async fn current(&self) -> Result<Current, LedgerError> {
        Ok(Current::default())
    }
    async fn schedule(&self, _: u32) -> Result<Option<Vec<FeeRule>>, LedgerError> {
        Ok(Some(vec![]))
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
impl Journal for Node {
    fn head(&self) -> u32 {
        self.chain(|chain| u32::try_from(chain.blocks.len()).unwrap() - 1)
    }
    async fn next_block(&self) {
        std::future::pending().await
    }
    async fn block(&self, number: u32) -> Result<Block, LedgerError> {
        Ok(Block { number, ..BLOCK })
    }
    async fn block_time(&self, _: u32) -> Result<Timestamp, LedgerError> {
        Ok(START)
    }
    async fn told(&self, from: u32, to: u32) -> Result<Vec<Told>, LedgerError> {
        let range = usize::try_from(from).unwrap()..=usize::try_from(to).unwrap();
        let told = |chain: &Chain| {
            let blocks = chain.blocks[range].iter().zip(from..);
            let told = blocks.flat_map(|(events, number)| {
                events.iter().zip(0..).map(move |(event, index)| Told {
                    block: Block { number, ..BLOCK },
                    index,
                    event: event.clone(),
                })
            });
            told.collect()
        };
        Ok(self.chain(told))
    }
    async fn balance_after(&self, _: Member, _: Asset, _: u32) -> Result<Balance, LedgerError> {
        Ok(Balance::default())
    }
    async fn fee_schedule(&self, _: u32) -> Result<Option<Vec<FeeRule>>, LedgerError> {
        Ok(None)
    }
    async fn contested(&self, _: VoucherId, _: u8) -> Result<Option<Obligation>, LedgerError> {
        Ok(None)
    }
}

#[async_trait]
impl DisputePeers for Node {
    async fn deliver(&self, to: Member, letter: &EvidenceLetter) -> Result<(), PeerError> {
        let unreachable = |why: &str| PeerError::Unreachable {
            member: to,
            why: why.into(),
        };
        let loss = self.net.lost();
        if self.net.down.lock().unwrap().contains(&to) || loss.is_some_and(|loss| !loss.answer_only) {
            return Err(unreachable("it is down"));
        }
        let sent = serde_json::to_string(letter).unwrap();
        let house = self.net.houses.lock().unwrap()[&to].clone();
        let taken = house.on_evidence(self.member, serde_json::from_str(&sent).unwrap());
        taken.await.map_err(|error| PeerError::Rejected {
            member: to,
            code: error.code().into(),
            detail: error.to_string(),
        })?;
        self.net.arrived.lock().unwrap().push(to);
        match loss {
            Some(_) => Err(unreachable("the answer was lost")),
            None => Ok(()),
        }
    }
}
