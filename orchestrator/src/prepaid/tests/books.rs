//! A prepaid contract for native tokens, as far as the orchestrators use it. Each key is carried out once, as by a submitter.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use protocol::{
    prepaid::{
        day, Card, CardNumber, CardState, Constants, DeclineCode, Dispute, Error, Float, Merchant, MerchantNumber,
        PaymentKey, PaymentRecord, Programme, Returned, SignedPayment, Statement, Terminal, Verdict, MAX_PAYMENTS,
    },
    settlement::Asset,
    signing::Domain,
    AccountId, Amount, Member, Timestamp,
};

use super::world::{limits, CONTRACT, GENESIS};
use crate::{
    identity::verify,
    prepaid::ports::{Act, Block, Check, Decided, LedgerError, PrepaidLedger},
};

pub struct Books {
    issuer: Member,
    kept: Mutex<Kept>,
}

struct Kept {
    programme: Programme,
    cards: BTreeMap<CardNumber, Card>,
    merchants: BTreeMap<MerchantNumber, Merchant>,
    terminals: BTreeMap<[u8; 32], Terminal>,
    payments: BTreeMap<PaymentKey, PaymentRecord>,
    disputes: BTreeMap<PaymentKey, Dispute>,
    statements: BTreeMap<(MerchantNumber, u32), Statement>,
    references: BTreeSet<[u8; 32]>,
    time: Timestamp,
    done: BTreeMap<String, (Block, Vec<Verdict>)>,
    /// Answers of calls that are carried out and not told.
    to_lose: usize,
    /// More payments in one call are too much for a block.
    most: usize,
    /// Blocks don't tell verdicts.
    forgetful: bool,
    /// What the latest block says isn't final.
    unsettled: bool,
    failing: bool,
}

impl Books {
    pub fn of(issuer: Member, time: Timestamp) -> Arc<Self> {
        let programme = Programme {
            limits: limits(1_000),
            allows_partial: true,
            cycle: 1,
            dispute_period: 1_000,
            ruling_period: 1_000,
        };
        Arc::new(Self {
            issuer,
            kept: Mutex::new(Kept {
                programme,
                cards: BTreeMap::new(),
                merchants: BTreeMap::new(),
                terminals: BTreeMap::new(),
                payments: BTreeMap::new(),
                disputes: BTreeMap::new(),
                statements: BTreeMap::new(),
                references: BTreeSet::new(),
                time,
                done: BTreeMap::new(),
                to_lose: 0,
                most: MAX_PAYMENTS,
                forgetful: false,
                unsettled: false,
                failing: false,
            }),
        })
    }

    /// How many calls were carried out.
    pub fn acts(&self) -> usize {
        self.kept.lock().unwrap().done.len()
    }

    /// The names of the calls that were carried out.
    pub fn keys(&self) -> Vec<String> {
        self.kept.lock().unwrap().done.keys().cloned().collect()
    }

    /// A block is finalized at this time.
    pub fn pass_time(&self, to: Timestamp) {
        self.kept.lock().unwrap().time = to;
    }

    /// So many calls from now on are carried out, and nobody hears of it.
    pub fn lose(&self, answers: usize) {
        self.kept.lock().unwrap().to_lose = answers;
    }

    pub fn take_at_most(&self, payments: usize) {
        self.kept.lock().unwrap().most = payments;
    }

    pub fn forget_events(&self) {
        self.kept.lock().unwrap().forgetful = true;
    }

    pub fn leave_unsettled(&self, is_so: bool) {
        self.kept.lock().unwrap().unsettled = is_so;
    }

    pub fn fail_check(&self) {
        self.kept.lock().unwrap().failing = true;
    }

    /// As if it had been brought in a call that the issuer's orchestrator doesn't know of.
    pub fn bring(&self, payment: &SignedPayment) -> Verdict {
        let mut kept = self.kept.lock().unwrap();
        decide(&mut kept, payment).unwrap_or_else(Verdict::Declined)
    }

    fn finish(kept: &mut Kept, key: &str, verdicts: Vec<Verdict>) -> Result<Block, LedgerError> {
        let number = u32::try_from(kept.done.len() + 1).unwrap();
        let block = Block { number, hash: [7; 32] };
        kept.done.insert(key.to_owned(), (block, verdicts));
        if kept.to_lose > 0 {
            kept.to_lose -= 1;
            return Err(LedgerError::Unavailable("the answer is lost".into()));
        }
        Ok(block)
    }
}

fn domain() -> Domain {
    protocol::prepaid::domain(GENESIS, CONTRACT)
}

fn decide(kept: &mut Kept, signed: &SignedPayment) -> Result<Verdict, DeclineCode> {
    let payment = &signed.payment;
    if kept.time >= payment.expires_at {
        return Err(DeclineCode::PaymentExpired);
    }
    let terminal = kept
        .terminals
        .get(&payment.terminal.0)
        .ok_or(DeclineCode::UnknownTerminal)?;
    if terminal.merchant != payment.merchant {
        return Err(DeclineCode::ForeignMerchant);
    }
    if terminal.is_revoked {
        return Err(DeclineCode::TerminalRevoked);
    }
    let payload = payment.payload(&domain());
    if !verify(&payment.terminal.0, &payload, &signed.terminal) {
        return Err(DeclineCode::BadTerminalSignature);
    }
    let mut card = *kept.cards.get(&payment.card).ok_or(DeclineCode::UnknownCard)?;
    if !verify(&card.key.0, &payload, &signed.card) {
        return Err(DeclineCode::BadCardSignature);
    }
    if kept.payments.contains_key(&payment.key()) {
        return Err(DeclineCode::CounterUsed);
    }
    let taken = card.authorise(&kept.programme, kept.time, payment.amount, payment.least)?;
    let merchant = kept.merchants.get_mut(&payment.merchant).unwrap();
    merchant.take(taken).unwrap();
    card.paid_that_day = card.paid_on_day_of(kept.time) + taken;
    card.day = day(kept.time);
    card.counter = card.counter.max(payment.counter);
    card.balance -= taken;
    let cycle = merchant.cycle.number;
    let record = PaymentRecord {
        reference: payment.reference(),
        merchant: payment.merchant,
        cycle,
        taken,
        returned: 0,
        is_voided: false,
        paid_at: kept.time,
    };
    kept.cards.insert(payment.card, card);
    kept.payments.insert(payment.key(), record);
    Ok(Verdict::Approved {
        taken,
        balance: card.balance,
        cycle,
    })
}

fn give_back(kept: &mut Kept, key: PaymentKey, why: Returned, amount: Amount) -> Result<(), Error> {
    let record = kept.payments.get_mut(&key).unwrap();
    let left = record.returnable();
    if amount > left {
        return Err(Error::AboveReturnable { left });
    }
    kept.merchants
        .get_mut(&record.merchant)
        .unwrap()
        .give_back(why, amount)?;
    record.returned += amount;
    kept.cards.get_mut(&key.0).unwrap().balance += amount;
    Ok(())
}

fn perform(kept: &mut Kept, act: &Act) -> Result<(), Error> {
    let card = |kept: &Kept, number: &CardNumber| kept.cards.get(number).copied().ok_or(Error::UnknownCard);
    match act {
        Act::SetProgramme(programme) => kept.programme = *programme,
        Act::RegisterMerchant {
            merchant,
            acquirer,
            account,
            rules,
        } => {
            if kept.merchants.contains_key(merchant) {
                return Err(Error::MerchantExists);
            }
            let made = Merchant::new(*acquirer, *account, *rules, kept.time);
            kept.merchants.insert(*merchant, made);
        }
        Act::SwitchMerchant { merchant, is_active } => {
            let merchant = kept.merchants.get_mut(merchant).ok_or(Error::UnknownMerchant)?;
            merchant.is_active = *is_active;
        }
        Act::SetRules { merchant, rules } => {
            let merchant = kept.merchants.get_mut(merchant).ok_or(Error::UnknownMerchant)?;
            merchant.next_rules = *rules;
        }
        Act::AddTerminal { merchant, terminal } => {
            let terminal_of = Terminal {
                merchant: *merchant,
                is_revoked: false,
            };
            if kept.terminals.insert(terminal.0, terminal_of).is_some() {
                return Err(Error::TerminalExists);
            }
        }
        Act::RevokeTerminal(terminal) => {
            let terminal = kept.terminals.get_mut(&terminal.0).ok_or(Error::UnknownTerminal)?;
            terminal.is_revoked = true;
        }
        Act::IssueCard {
            card: number,
            key,
            holder,
            limits,
            expires_at,
        } => {
            if kept.cards.contains_key(number) {
                return Err(Error::CardExists);
            }
            let made = Card {
                key: *key,
                holder: *holder,
                limits: *limits,
                expires_at: *expires_at,
                state: CardState::Active,
                balance: 0,
                day: 0,
                paid_that_day: 0,
                counter: 0,
            };
            kept.cards.insert(*number, made);
        }
        Act::SetLimits { card: number, limits } => {
            let mut changed = card(kept, number)?;
            changed.limits = *limits;
            kept.cards.insert(*number, changed);
        }
        Act::Freeze(number) | Act::Unfreeze(number) | Act::CloseCard(number) => {
            let mut changed = card(kept, number)?;
            changed.state = match act {
                Act::Freeze(_) => CardState::Frozen,
                Act::Unfreeze(_) => CardState::Active,
                _ => CardState::Closed,
            };
            kept.cards.insert(*number, changed);
        }
        Act::ReplaceCard { card: number, key } => {
            let mut changed = card(kept, number)?;
            (changed.key, changed.state) = (*key, CardState::Active);
            kept.cards.insert(*number, changed);
        }
        Act::TopUp {
            card: number,
            amount,
            reference,
        } => {
            if !kept.references.insert(*reference) {
                return Err(Error::ReferenceUsed);
            }
            let mut changed = card(kept, number)?;
            changed.balance += amount;
            kept.cards.insert(*number, changed);
        }
        Act::FundMerchant {
            merchant,
            amount,
            reference,
        } => {
            if !kept.references.insert(*reference) {
                return Err(Error::ReferenceUsed);
            }
            let merchant = kept.merchants.get_mut(merchant).ok_or(Error::UnknownMerchant)?;
            merchant.fund(*amount)?;
        }
        Act::Void { order, signature } => {
            if kept.time >= order.expires_at {
                return Err(Error::DeadlinePassed {
                    deadline: order.expires_at,
                });
            }
            let key = (order.card, order.counter);
            let record = kept.payments.get(&key).copied().ok_or(Error::UnknownPayment)?;
            if !verify(&order.terminal.0, &order.payload(&domain()), signature) {
                return Err(Error::BadTerminalSignature);
            }
            if record.is_voided {
                return Err(Error::AlreadyVoided);
            }
            if kept.merchants.get(&record.merchant).unwrap().cycle.number != record.cycle {
                return Err(Error::CycleClosed);
            }
            give_back(kept, key, Returned::Void, record.taken)?;
            kept.payments.get_mut(&key).unwrap().is_voided = true;
        }
        Act::Refund { order, .. } => {
            let key = (order.card, order.counter);
            let record = kept.payments.get(&key).copied().ok_or(Error::UnknownPayment)?;
            if record.returned != order.returned {
                return Err(Error::StaleOrder {
                    returned: record.returned,
                });
            }
            give_back(kept, key, Returned::Refund, order.amount)?;
        }
        Act::OpenDispute { order, .. } => {
            let dispute = Dispute {
                amount: order.amount,
                evidence: order.evidence,
                opened_at: kept.time,
                rule_by: kept.time + kept.programme.ruling_period,
                answer: None,
                awarded: None,
            };
            let key = (order.card, order.counter);
            if !kept.payments.contains_key(&key) {
                return Err(Error::UnknownPayment);
            }
            if kept.disputes.insert(key, dispute).is_some() {
                return Err(Error::AlreadyDisputed);
            }
        }
        Act::AnswerDispute { payment, answer } => {
            let dispute = kept.disputes.get_mut(payment).ok_or(Error::NotDisputed)?;
            dispute.answer = Some(*answer);
        }
        Act::DecideDispute { payment, awarded } => {
            let dispute = kept.disputes.get_mut(payment).ok_or(Error::NotDisputed)?;
            dispute.awarded = Some(*awarded);
            give_back(kept, *payment, Returned::Award, *awarded)?;
        }
        Act::DefaultDispute(payment) => {
            let rule_by = kept.disputes.get(payment).ok_or(Error::NotDisputed)?.rule_by;
            if kept.time < rule_by {
                return Err(Error::TooEarly { not_before: rule_by });
            }
            kept.disputes.get_mut(payment).unwrap().awarded = Some(0);
        }
        Act::CloseCycle { merchant, .. } => {
            let number = *merchant;
            let merchant = kept.merchants.get_mut(merchant).ok_or(Error::UnknownMerchant)?;
            let statement = merchant.close_cycle(number, kept.time)?;
            kept.statements.insert((number, statement.cycle.number), statement);
        }
    }
    Ok(())
}

#[async_trait]
impl PrepaidLedger for Books {
    fn issuer(&self) -> Member {
        self.issuer
    }
    fn genesis(&self) -> [u8; 32] {
        GENESIS
    }
    fn contract(&self) -> AccountId {
        CONTRACT
    }
    fn head(&self) -> (u32, Timestamp) {
        let kept = self.kept.lock().unwrap();
        (u32::try_from(kept.done.len()).unwrap(), kept.time)
    }
    async fn next_block(&self) {
        std::future::pending().await
    }
    async fn make_block(&self, key: &str) -> Result<(), LedgerError> {
        let due = key.rsplit('/').next().and_then(|due| due.parse().ok());
        self.pass_time(due.unwrap_or_default());
        Ok(())
    }
    async fn block(&self, number: u32) -> Result<Block, LedgerError> {
        Ok(Block { number, hash: [7; 32] })
    }
    async fn check(&self) -> Check {
        Check {
            name: "prepaid-contract",
            ok: !self.kept.lock().unwrap().failing,
            detail: "as the test says".into(),
        }
    }
    async fn constants(&self) -> Result<Constants, LedgerError> {
        Ok(Constants {
            genesis: GENESIS,
            registry: AccountId([8; 32]),
            issuer: self.issuer,
            asset: Asset::Native,
        })
    }
    async fn programme(&self) -> Result<Programme, LedgerError> {
        Ok(self.kept.lock().unwrap().programme)
    }
    async fn float(&self) -> Result<Float, LedgerError> {
        let kept = self.kept.lock().unwrap();
        Ok(Float {
            cards: kept.cards.values().map(|card| card.balance).sum(),
            merchants: kept.merchants.values().map(|merchant| merchant.unpaid).sum(),
        })
    }
    async fn cards(&self, numbers: &[CardNumber]) -> Result<Vec<Option<Card>>, LedgerError> {
        let kept = self.kept.lock().unwrap();
        Ok(numbers.iter().map(|number| kept.cards.get(number).copied()).collect())
    }
    async fn merchants(&self, numbers: &[MerchantNumber]) -> Result<Vec<Option<Merchant>>, LedgerError> {
        let kept = self.kept.lock().unwrap();
        Ok(numbers
            .iter()
            .map(|number| kept.merchants.get(number).copied())
            .collect())
    }
    async fn terminals(&self, keys: &[AccountId]) -> Result<Vec<Option<Terminal>>, LedgerError> {
        let kept = self.kept.lock().unwrap();
        Ok(keys.iter().map(|key| kept.terminals.get(&key.0).copied()).collect())
    }
    async fn payments(&self, keys: &[PaymentKey]) -> Result<Vec<Option<PaymentRecord>>, LedgerError> {
        let kept = self.kept.lock().unwrap();
        Ok(keys.iter().map(|key| kept.payments.get(key).copied()).collect())
    }
    async fn disputes(&self, keys: &[PaymentKey]) -> Result<Vec<Option<Dispute>>, LedgerError> {
        let kept = self.kept.lock().unwrap();
        Ok(keys.iter().map(|key| kept.disputes.get(key).copied()).collect())
    }
    async fn statement(&self, merchant: MerchantNumber, cycle: u32) -> Result<Option<Statement>, LedgerError> {
        Ok(self.kept.lock().unwrap().statements.get(&(merchant, cycle)).copied())
    }
    async fn tried(&self, act: &Act) -> Result<Result<(), Error>, LedgerError> {
        let kept = self.kept.lock().unwrap();
        if kept.unsettled {
            return Ok(Ok(()));
        }
        let mut copy = Kept {
            programme: kept.programme,
            cards: kept.cards.clone(),
            merchants: kept.merchants.clone(),
            terminals: kept.terminals.clone(),
            payments: kept.payments.clone(),
            disputes: kept.disputes.clone(),
            statements: kept.statements.clone(),
            references: kept.references.clone(),
            done: BTreeMap::new(),
            ..*kept
        };
        Ok(perform(&mut copy, act))
    }
    async fn carry_out(&self, key: &str, act: &Act) -> Result<Block, LedgerError> {
        let mut kept = self.kept.lock().unwrap();
        if let Some((block, _)) = kept.done.get(key) {
            return Ok(*block);
        }
        perform(&mut kept, act).map_err(LedgerError::Refused)?;
        Self::finish(&mut kept, key, vec![])
    }
    async fn pay(&self, key: &str, payments: &[SignedPayment]) -> Result<Decided, LedgerError> {
        let mut kept = self.kept.lock().unwrap();
        let known = kept.done.get(key).cloned();
        let (block, verdicts) = match known {
            Some(known) => known,
            None => {
                if payments.len() > kept.most {
                    return Err(LedgerError::Rejected("it exhausts the block".into()));
                }
                let mut verdicts = Vec::new();
                for payment in payments {
                    verdicts.push(decide(&mut kept, payment).unwrap_or_else(Verdict::Declined));
                }
                let block = Self::finish(&mut kept, key, verdicts.clone())?;
                (block, verdicts)
            }
        };
        Ok(Decided {
            block,
            verdicts: (!kept.forgetful).then_some(verdicts),
        })
    }
}
