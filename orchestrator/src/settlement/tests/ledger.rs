//! A ledger in memory. Its rules are the clearing contract's; its blocks are finalized at once unless finality is held.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use protocol::{
    clearing::{Balance, Course, Current, Discharge, Error, Retention},
    fees::FeeRule,
    registry::{Roles, Signer, SignerSet, Status},
    settlement::{
        retention_id, Asset, ClearingVoucher, Relation, RetentionBatch, Settlement, SignedClearingVoucher, Source,
        TransactionKind, Voucher,
    },
    signing::{ascending, members, payload, Domain, MemberSignature, Purpose},
    windows::Position,
    AccountId, Amount, Member, Timestamp, VoucherId,
};
use tokio::sync::watch;

use super::world::ManualClock;
use crate::{
    identity::verify,
    settlement::ports::{Block, Clock, Ledger, LedgerError},
};

pub const GENESIS: [u8; 32] = [0x11; 32];
pub const CLEARING: AccountId = AccountId([0x22; 32]);

/// Everything on chain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chain {
    pub epoch: u32,
    pub notary_threshold: u16,
    pub signers: Vec<Signer>,
    pub number: u32,
    pub time: Timestamp,
    pub deposits: Vec<Member>,
    pub balances: BTreeMap<Member, Balance>,
    pub retentions: BTreeMap<VoucherId, Retention>,
    /// Published fee schedules; the first is version 1.
    pub schedules: Vec<Vec<FeeRule>>,
    /// The open window.
    pub window: u32,
    pub positions: BTreeMap<(u32, Member), Position>,
    /// The business steps that were carried out, in order.
    pub calls: Vec<String>,
}

/// What happens to the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It never reaches the chain.
    CallLost,
    /// It is carried out, and nobody hears of it.
    AnswerLost,
    /// A bug strikes.
    Panic,
}

#[derive(Debug, Default)]
struct Inside {
    best: Chain,
    finalized: Chain,
    is_held: bool,
    trouble: Vec<Trouble>,
}

#[derive(Debug)]
pub struct SimLedger {
    clock: Arc<ManualClock>,
    inside: Mutex<Inside>,
    blocks: watch::Sender<u32>,
}

impl SimLedger {
    pub fn new(clock: Arc<ManualClock>) -> Self {
        Self {
            clock,
            inside: Mutex::default(),
            blocks: watch::Sender::new(0),
        }
    }

    /// What the finalized chain holds.
    pub fn chain(&self) -> Chain {
        self.inside.lock().unwrap().finalized.clone()
    }

    pub fn available(&self, member: Member) -> Amount {
        self.chain()
            .balances
            .get(&member)
            .map_or(0, |balance| balance.available)
    }

    pub fn reserved(&self, member: Member) -> Amount {
        self.chain().balances.get(&member).map_or(0, |balance| balance.reserved)
    }

    pub fn register(&self, signing_key: [u8; 32], roles: Roles) -> Member {
        self.govern(|chain| {
            chain.signers.push(Signer {
                account: AccountId(signing_key),
                signing_key,
                roles,
                status: Status::Active,
            });
        });
        Member(u16::try_from(self.chain().signers.len() - 1).unwrap())
    }

    pub fn set_status(&self, member: Member, status: Status) {
        self.govern(|chain| chain.signers[usize::from(member.0)].status = status);
    }

    pub fn set_roles(&self, member: Member, roles: Roles) {
        self.govern(|chain| chain.signers[usize::from(member.0)].roles = roles);
    }

    pub fn set_key(&self, member: Member, key: [u8; 32]) {
        self.govern(|chain| chain.signers[usize::from(member.0)].signing_key = key);
    }

    /// How many notaries a retention takes from now on.
    pub fn set_notary_threshold(&self, threshold: u16) {
        self.govern(|chain| chain.notary_threshold = threshold);
    }

    /// A change of the registry that touches nobody in the payment.
    pub fn raise_epoch(&self) {
        self.govern(|_| {});
    }

    fn govern(&self, change: impl FnOnce(&mut Chain)) {
        self.block(|chain| {
            change(chain);
            chain.epoch += 1;
            Ok(())
        })
        .expect("nothing refuses");
    }

    pub fn deposit(&self, member: Member, amount: Amount) {
        self.block(|chain| {
            let number = chain.deposits.len() as u64;
            chain.deposits.push(member);
            let balance = chain.balances.entry(member).or_default();
            balance.available += amount;
            balance.last_credit = Some(Source::Deposit(number));
            Ok(())
        })
        .expect("nothing refuses");
    }

    pub fn withdraw(&self, member: Member, amount: Amount) {
        self.block(|chain| {
            chain.balances.get_mut(&member).expect("has a balance").available -= amount;
            Ok(())
        })
        .expect("nothing refuses");
    }

    /// The notaries publish a fee schedule.
    pub fn publish_fees(&self, rules: Vec<FeeRule>) {
        self.block(|chain| {
            chain.schedules.push(rules);
            Ok(())
        })
        .expect("nothing refuses");
    }

    /// The notaries say how far a member may go negative.
    pub fn set_cap(&self, member: Member, cap: Amount) {
        self.block(|chain| {
            chain.balances.entry(member).or_default().cap = cap;
            Ok(())
        })
        .expect("nothing refuses");
    }

    /// The notaries close the open window. Whoever can't pay is named, and nothing moves.
    pub fn close_window(&self) -> Vec<Member> {
        let mut closed = 0;
        self.block(|chain| {
            closed = chain.window;
            chain.window += 1;
            for ((_, member), position) in chain.positions.range((closed, Member(0))..(closed + 1, Member(0))) {
                chain.balances.entry(*member).or_default().unsettled += position.net_debit();
            }
            Ok(())
        })
        .expect("nothing refuses");
        self.settle_window(closed)
    }

    /// Pays a window that is closed.
    pub fn settle_window(&self, window: u32) -> Vec<Member> {
        let mut short = vec![];
        self.block(|chain| {
            short = chain.settle_window(window);
            Ok(())
        })
        .expect("nothing refuses");
        short
    }

    /// The notaries take a voucher out of a window that could not be paid.
    pub fn take_out(&self, voucher: VoucherId) {
        self.block(|chain| {
            let kept = chain.retentions.get_mut(&voucher).expect("is retained");
            let Course::InWindow(window) = std::mem::replace(&mut kept.course, Course::TakenOut) else {
                panic!("{voucher} is in no window");
            };
            for owed in kept.relation.obligations.clone() {
                for (member, owes, is_owed) in [(owed.debtor, owed.amount, 0), (owed.creditor, 0, owed.amount)] {
                    let position = chain.positions.get_mut(&(window, member)).expect("has a position");
                    let before = position.net_debit();
                    position.owes -= owes;
                    position.owed -= is_owed;
                    let balance = chain.balances.entry(member).or_default();
                    balance.unsettled = balance.unsettled - before + position.net_debit();
                }
            }
            Ok(())
        })
        .expect("nothing refuses");
    }

    /// A block without calls.
    pub fn seal(&self) {
        self.block(|_| Ok(())).expect("nothing refuses");
    }

    /// From now on blocks are made and not finalized.
    pub fn hold_finality(&self) {
        self.inside.lock().unwrap().is_held = true;
    }

    pub fn finalize(&self) {
        let mut inside = self.inside.lock().unwrap();
        inside.is_held = false;
        inside.finalized = inside.best.clone();
        self.blocks.send_replace(inside.finalized.number);
    }

    pub fn trouble(&self, trouble: Trouble) {
        self.inside.lock().unwrap().trouble.push(trouble);
    }

    pub fn has_trouble(&self) -> bool {
        !self.inside.lock().unwrap().trouble.is_empty()
    }

    /// All of it or nothing, as a contract call.
    fn block(&self, change: impl FnOnce(&mut Chain) -> Result<(), Error>) -> Result<u32, Error> {
        let mut inside = self.inside.lock().unwrap();
        let mut next = inside.best.clone();
        next.number += 1;
        next.time = next.time.max(self.clock.now());
        change(&mut next)?;
        inside.best = next;
        if !inside.is_held {
            inside.finalized = inside.best.clone();
            self.blocks.send_replace(inside.finalized.number);
        }
        Ok(inside.best.number)
    }

    /// As the submitter: a step that was carried out isn't carried out again, one in flight is waited for.
    fn submit(&self, key: &str, change: impl FnOnce(&mut Chain) -> Result<(), Error>) -> Result<Block, LedgerError> {
        let unavailable = |why: &str| Err(LedgerError::Unavailable(why.into()));
        let (trouble, chain, best) = {
            let mut inside = self.inside.lock().unwrap();
            (inside.trouble.pop(), inside.finalized.clone(), inside.best.clone())
        };
        assert_ne!(trouble, Some(Trouble::Panic), "a bug in the ledger");
        if trouble == Some(Trouble::CallLost) {
            return unavailable("the call was lost");
        }
        let is_done = |chain: &Chain| chain.calls.iter().any(|call| call == key);
        if is_done(&chain) {
            return Ok(block(chain.number));
        }
        if is_done(&best) {
            return unavailable("in flight");
        }
        let number = self
            .block(|chain| {
                change(chain)?;
                chain.calls.push(key.to_owned());
                Ok(())
            })
            .map_err(LedgerError::Refused)?;
        if trouble == Some(Trouble::AnswerLost) {
            return unavailable("the answer was lost");
        }
        if self.inside.lock().unwrap().is_held {
            return unavailable("not finalized yet");
        }
        Ok(block(number))
    }
}

fn block(number: u32) -> Block {
    Block { number, hash: [7; 32] }
}

#[async_trait]
impl Ledger for SimLedger {
    fn genesis(&self) -> [u8; 32] {
        GENESIS
    }

    fn clearing(&self) -> AccountId {
        CLEARING
    }

    async fn signers(&self, members: &[Member]) -> Result<SignerSet, LedgerError> {
        let chain = self.chain();
        let signer = |member: &Member| chain.signers.get(usize::from(member.0)).cloned();
        Ok(SignerSet {
            epoch: chain.epoch,
            notary_threshold: chain.notary_threshold,
            signers: members.iter().map(signer).collect(),
        })
    }

    async fn balance(&self, member: Member, _: Asset) -> Result<Balance, LedgerError> {
        Ok(self.chain().balances.get(&member).cloned().unwrap_or_default())
    }

    async fn time(&self) -> Result<Timestamp, LedgerError> {
        Ok(self.chain().time)
    }

    async fn retention(&self, voucher: &Voucher) -> Result<Option<Retention>, LedgerError> {
        Ok(self.chain().retentions.get(&voucher.id()).cloned())
    }

    async fn current(&self) -> Result<Current, LedgerError> {
        let chain = self.chain();
        Ok(Current {
            window: chain.window,
            fees: u32::try_from(chain.schedules.len()).expect("few"),
            decisions: 0,
        })
    }

    async fn schedule(&self, version: u32) -> Result<Option<Vec<FeeRule>>, LedgerError> {
        Ok(self.chain().rules(version).ok())
    }

    async fn position(&self, window: u32, member: Member, _: Asset) -> Result<Position, LedgerError> {
        Ok(self
            .chain()
            .positions
            .get(&(window, member))
            .copied()
            .unwrap_or_default())
    }

    async fn retain(
        &self,
        key: &str,
        batch: &RetentionBatch,
        signatures: &[MemberSignature],
    ) -> Result<Block, LedgerError> {
        self.submit(key, |chain| chain.retain(batch, signatures))
    }

    async fn clear(&self, key: &str, vouchers: &[SignedClearingVoucher]) -> Result<Block, LedgerError> {
        // Each institution has a submitter of its own: the same step of two debtors is two steps.
        let others =
            |signed: &&SignedClearingVoucher| signed.clearing_voucher.issuer != signed.voucher.principal().debtor;
        let key = match vouchers.iter().find(others) {
            Some(signed) => format!("{key}/{}", signed.clearing_voucher.issuer),
            None => key.to_owned(),
        };
        self.submit(&key, |chain| vouchers.iter().try_for_each(|signed| chain.clear(signed)))
    }

    async fn next_block(&self) {
        // The sender lives as long as the ledger.
        let _ = self.blocks.subscribe().changed().await;
    }
}

impl Chain {
    fn domain(&self) -> Domain {
        Domain {
            genesis: GENESIS,
            contract: CLEARING,
            epoch: self.epoch,
        }
    }

    fn active(&self, member: Member, role: Roles) -> Result<&Signer, Error> {
        let signer = self.signers.get(usize::from(member.0));
        let signer = signer.ok_or(Error::UnknownMember(member))?;
        match signer.status {
            Status::Active if signer.roles.contains(role) => Ok(signer),
            Status::Active => Err(Error::MissingRole(member)),
            _ => Err(Error::NotActive(member)),
        }
    }

    fn retain(&mut self, batch: &RetentionBatch, signatures: &[MemberSignature]) -> Result<(), Error> {
        if self.time >= batch.expires_at {
            return Err(Error::BatchExpired);
        }
        self.ensure_retention(batch, signatures)?;
        for voucher in &batch.vouchers {
            let id = voucher.id();
            voucher.check().map_err(|fault| Error::BadVoucher(id, fault))?;
            if self.time >= voucher.expires_at {
                return Err(Error::VoucherExpired(id));
            }
            if self.retentions.contains_key(&id) {
                return Err(Error::VoucherUsed(id));
            }
            if let TransactionKind::Refund(original) = voucher.kind {
                let handed_along = batch.refunded.iter().any(|voucher| voucher.id() == original);
                if !handed_along || !self.retentions.contains_key(&original) {
                    return Err(Error::RefundMismatch(id));
                }
            }
            let rules = self.rules(voucher.fees)?;
            let relation = Relation::of(voucher, &rules, batch.drawn_at).ok_or(Error::Overflow)?;
            let course = match voucher.settlement {
                Settlement::Gross => Course::Reserved,
                Settlement::Net => {
                    self.add_to_window(&relation)?;
                    Course::InWindow(self.window)
                }
            };
            for owed in relation.obligations.iter().filter(|_| course == Course::Reserved) {
                let balance = self.balances.entry(owed.debtor).or_default();
                let (member, available, needed) = (owed.debtor, balance.available, owed.amount);
                let rest = available.checked_sub(needed).ok_or(Error::InsufficientBalance {
                    member,
                    available,
                    needed,
                })?;
                balance.available = rest;
                balance.reserved = balance.reserved.checked_add(needed).ok_or(Error::Overflow)?;
            }
            let kept = Retention {
                relation_id: relation.id(),
                relation,
                batch: 0,
                retained_in: self.number,
                retained_at: self.time,
                course,
                discharges: vec![],
                cleared_in: None,
            };
            self.retentions.insert(id, kept);
        }
        Ok(())
    }

    fn rules(&self, version: u32) -> Result<Vec<FeeRule>, Error> {
        let Some(place) = version.checked_sub(1) else {
            return Ok(vec![]);
        };
        let rules = usize::try_from(place).ok().and_then(|place| self.schedules.get(place));
        rules.cloned().ok_or(Error::UnknownFees(version))
    }

    fn add_to_window(&mut self, relation: &Relation) -> Result<(), Error> {
        for owed in &relation.obligations {
            self.positions.entry((self.window, owed.creditor)).or_default().owed += owed.amount;
            let position = self.positions.entry((self.window, owed.debtor)).or_default();
            position.owes += owed.amount;
            let needed = position.net_debit();
            let balance = self.balances.entry(owed.debtor).or_default();
            let (member, cap) = (owed.debtor, balance.cap);
            if balance.unsettled + needed > cap {
                return Err(Error::CapExceeded { member, cap, needed });
            }
        }
        Ok(())
    }

    fn settle_window(&mut self, window: u32) -> Vec<Member> {
        let of_it = self.positions.range((window, Member(0))..(window + 1, Member(0)));
        let nets: Vec<(Member, Position)> = of_it.map(|((_, member), position)| (*member, *position)).collect();
        let is_short = |(member, position): &&(Member, Position)| {
            self.balances.get(member).map_or(0, |balance| balance.available) < position.net_debit()
        };
        let short: Vec<Member> = nets.iter().filter(is_short).map(|(member, _)| *member).collect();
        if !short.is_empty() {
            return short;
        }
        for (member, position) in nets {
            let balance = self.balances.entry(member).or_default();
            balance.available = balance.available + position.net_credit() - position.net_debit();
            balance.unsettled -= position.net_debit();
            if position.net_credit() > 0 {
                balance.last_credit = Some(Source::Window(window));
            }
        }
        for kept in self
            .retentions
            .values_mut()
            .filter(|kept| kept.course == Course::InWindow(window))
        {
            kept.cleared_in = Some(self.number);
        }
        vec![]
    }

    fn ensure_retention(&self, batch: &RetentionBatch, signatures: &[MemberSignature]) -> Result<(), Error> {
        if batch.epoch != self.epoch {
            return Err(Error::StaleEpoch { current: self.epoch });
        }
        if !ascending(signatures) {
            return Err(Error::SignersNotAscending);
        }
        let parties: Vec<Member> = batch.vouchers.iter().flat_map(Voucher::parties).collect();
        let signers = members(signatures);
        for party in &parties {
            if !signers.contains(party) {
                return Err(Error::MissingSignature(*party));
            }
        }
        let mut notaries = 0;
        for signed in signatures {
            let is_party = parties.contains(&signed.member);
            let role = if is_party { Roles::PARTICIPANT } else { Roles::NOTARY };
            notaries += u16::from(!is_party);
            let signer = self.active(signed.member, role)?;
            let theirs = batch
                .vouchers
                .iter()
                .filter(|voucher| !is_party || voucher.involves(signed.member));
            let pairs = theirs.filter_map(|voucher| {
                let rules = self.rules(voucher.fees).ok()?;
                let relation = Relation::of(voucher, &rules, batch.drawn_at)?;
                Some((voucher.id(), relation.id()))
            });
            let id = retention_id(&pairs.collect::<Vec<_>>());
            let expected = payload(&self.domain(), Purpose::Retention, &id, batch.expires_at, &());
            if !verify(&signer.signing_key, &expected, &signed.signature) {
                return Err(Error::BadSignature(signed.member));
            }
        }
        let needed = self.notary_threshold;
        if notaries < needed {
            return Err(Error::NotaryThreshold {
                given: notaries,
                needed,
            });
        }
        Ok(())
    }

    fn clear(&mut self, signed: &SignedClearingVoucher) -> Result<(), Error> {
        let paper = &signed.clearing_voucher;
        let (voucher, issuer) = (paper.voucher, paper.issuer);
        if signed.epoch != self.epoch {
            return Err(Error::StaleEpoch { current: self.epoch });
        }
        let signer = self.active(issuer, Roles::PARTICIPANT)?;
        let expected = payload(
            &self.domain(),
            Purpose::ClearingVoucher,
            &paper.id().0,
            paper.expires_at,
            &(),
        );
        if !verify(&signer.signing_key, &expected, &signed.signature) {
            return Err(Error::BadSignature(issuer));
        }
        if self.time >= paper.expires_at {
            return Err(Error::ClearingVoucherExpired(voucher));
        }
        self.ensure_sources(paper)?;
        let kept = self
            .retentions
            .get_mut(&voucher)
            .ok_or(Error::UnknownVoucher(voucher))?;
        if kept.relation_id != paper.relation {
            return Err(Error::WrongRelation(voucher));
        }
        if kept
            .discharges
            .iter()
            .any(|done| done.clearing_voucher.issuer == issuer)
        {
            return Err(Error::AlreadyCleared(voucher, issuer));
        }
        if let Course::InWindow(_) = kept.course {
            return Err(Error::SettledNet(voucher));
        }
        let was_reserved = kept.course == Course::Reserved;
        let owed = kept.relation.owed_by(issuer);
        if owed.is_empty() || owed != paper.discharged {
            return Err(Error::DischargeMismatch(voucher));
        }
        kept.discharges.push(Discharge {
            clearing_voucher: paper.clone(),
            cleared_in: self.number,
        });
        if kept.discharges.len() == kept.relation.debtors().len() {
            kept.cleared_in = Some(self.number);
        }
        for owed in owed {
            let debtor = self.balances.entry(owed.debtor).or_default();
            if was_reserved {
                debtor.reserved = debtor.reserved.checked_sub(owed.amount).ok_or(Error::Overflow)?;
            } else {
                let (available, needed) = (debtor.available, owed.amount);
                debtor.available = available.checked_sub(needed).ok_or(Error::InsufficientBalance {
                    member: issuer,
                    available,
                    needed,
                })?;
            }
            let creditor = self.balances.entry(owed.creditor).or_default();
            creditor.available = creditor.available.checked_add(owed.amount).ok_or(Error::Overflow)?;
            creditor.last_credit = Some(Source::Clearing(voucher, issuer));
        }
        Ok(())
    }

    fn ensure_sources(&self, paper: &ClearingVoucher) -> Result<(), Error> {
        if paper.sources.is_empty() {
            return Err(Error::SourceCount);
        }
        let credited = |source: &Source| match source {
            Source::Deposit(number) => {
                usize::try_from(*number).is_ok_and(|number| self.deposits.get(number) == Some(&paper.issuer))
            }
            Source::Clearing(voucher, _) => self.retentions.get(voucher).is_some_and(|kept| {
                let paid = kept
                    .discharges
                    .iter()
                    .flat_map(|done| &done.clearing_voucher.discharged);
                paid.into_iter().any(|owed| owed.creditor == paper.issuer)
            }),
            Source::Window(window) => {
                let position = self.positions.get(&(*window, paper.issuer));
                position.is_some_and(|position| position.net_credit() > 0)
            }
            Source::Ruling(..) => false,
        };
        match paper.sources.iter().find(|source| !credited(source)) {
            Some(source) => Err(Error::BadSource(*source)),
            None => Ok(()),
        }
    }
}
