//! The desk on a chain that keeps its books in memory.
#![allow(clippy::unwrap_used)]
use std::{collections::BTreeMap, sync::Mutex};

use async_trait::async_trait;
use protocol::{
    credit::{
        domain, receipt, Constants, DebtState, Error, LimitOrder, NodeLimit, PayeeLimit, RaiseDecision, RaiseRequest,
    },
    signing::PAYLOAD_LENGTH,
    Signature,
};

use super::{
    ports::{Act, Block, Check, PayeeLedger},
    *,
};
use crate::identity::{verify, SigningKey};

pub const GRACE: Timestamp = 3_600_000;
/// What all of it is in.
pub const NATIVE: Asset = Asset::Native;

/// A credit contract for native tokens, as far as a desk uses it. Each key is carried out once, as by a submitter.
pub struct Books {
    genesis: [u8; 32],
    kept: Mutex<Kept>,
}

/// As the payee's institution sees the contract of the only credit node.
#[async_trait]
impl PayeeLedger for Books {
    fn genesis(&self) -> [u8; 32] {
        self.genesis
    }
    fn credit_of(&self, node: Member) -> Option<AccountId> {
        (node == Member(0)).then_some(CONTRACT)
    }
    async fn payout(&self, _: Member, id: RequestId) -> Result<Option<Payout>, LedgerError> {
        Ok(self.kept.lock().unwrap().payouts.get(&id).copied())
    }
}

#[derive(Default)]
struct Kept {
    payees: BTreeMap<([u8; 32], [u8; 32]), PayeeLimit>,
    nodes: BTreeMap<[u8; 32], NodeLimit>,
    frozen: BTreeMap<[u8; 32], bool>,
    raises: BTreeMap<[u8; 32], Raise>,
    debts: BTreeMap<RequestId, Debt>,
    payouts: BTreeMap<RequestId, Payout>,
    pool: Amount,
    time: Timestamp,
    done: BTreeMap<String, Block>,
    failing: Option<&'static str>,
    hanging: Option<&'static str>,
}

impl Books {
    pub fn of(genesis: [u8; 32]) -> Arc<Self> {
        Arc::new(Self {
            genesis,
            kept: Mutex::default(),
        })
    }

    /// How many acts were carried out.
    pub fn acts(&self) -> usize {
        self.kept.lock().unwrap().done.len()
    }

    pub fn fail_check(&self, name: &'static str) {
        self.kept.lock().unwrap().failing = Some(name);
    }

    /// As if the saga had made it.
    pub fn keep(&self, id: RequestId, debt: Debt) {
        self.kept.lock().unwrap().debts.insert(id, debt);
    }

    /// This act is sent, and nothing is final from then on.
    pub fn hang(&self, message: &'static str) {
        self.kept.lock().unwrap().hanging = Some(message);
    }

    /// A block is finalized at this time.
    pub fn pass_time(&self, to: Timestamp) {
        self.kept.lock().unwrap().time = to;
    }

    pub fn domain(&self) -> protocol::signing::Domain {
        domain(self.genesis, self.credit())
    }

    fn perform(&self, kept: &mut Kept, act: &Act) -> Result<(), Error> {
        let signed = |by: &AccountId, signature: &Signature, payload: &[u8; PAYLOAD_LENGTH], otherwise| {
            if verify(&by.0, payload, signature) {
                Ok(())
            } else {
                Err(otherwise)
            }
        };
        match act {
            Act::SetLimit { order, signature } => {
                let line = kept.payees.entry((order.payee.0, order.payer.0)).or_default();
                if order.sequence <= line.sequence {
                    return Err(Error::StaleSequence { latest: line.sequence });
                }
                let payload = order.payload(&self.domain());
                signed(&order.payee, signature, &payload, Error::BadPayeeSignature)?;
                (line.limit, line.sequence) = (order.limit, order.sequence);
            }
            Act::SetNodeLimit {
                payer, limit, evidence, ..
            } => {
                let line = kept.nodes.entry(payer.0).or_default();
                (line.limit, line.evidence) = (*limit, *evidence);
            }
            Act::Freeze(payer) => drop(kept.frozen.insert(payer.0, true)),
            Act::Unfreeze(payer) => drop(kept.frozen.insert(payer.0, false)),
            Act::RequestRaise { wish, signature } => {
                let payload = wish.payload(&self.domain());
                signed(&wish.payer, signature, &payload, Error::BadPayerSignature)?;
                let raise = Raise {
                    wanted: wish.wanted,
                    evidence: wish.evidence,
                    sequence: wish.sequence,
                    decision: None,
                };
                kept.raises.insert(wish.payer.0, raise);
            }
            Act::DecideRaise { payer, decision, .. } => {
                let raise = kept.raises.get_mut(&payer.0).filter(|raise| raise.decision.is_none());
                raise.ok_or(Error::NoRaiseOpen)?.decision = Some(*decision);
            }
            Act::Reserve { request, .. } => {
                let id = request.id();
                let (payee, node) = (
                    kept.payees
                        .get(&(request.payee.0, request.payer.0))
                        .copied()
                        .unwrap_or_default(),
                    kept.nodes.entry(request.payer.0).or_default(),
                );
                let amount = request.amount;
                let used = node.used.sum()?;
                if kept.debts.contains_key(&id) {
                    return Err(Error::RequestUsed);
                }
                if payee.limit < used.saturating_add(amount) {
                    let limit = payee.limit;
                    return Err(Error::AbovePayeeLimit { limit, used, amount });
                }
                if node.limit < used.saturating_add(amount) {
                    let limit = node.limit;
                    return Err(Error::AboveNodeLimit { limit, used, amount });
                }
                node.used.reserved += amount;
                kept.debts.insert(id, Debt::reserved(request));
            }
            Act::Extend { id, until } => kept.debts.get_mut(id).unwrap().until = *until,
            Act::Pay(request) => {
                let (available, needed) = (kept.pool, request.amount);
                kept.pool = available
                    .checked_sub(needed)
                    .ok_or(Error::PoolShort { available, needed })?;
                let payout = Payout {
                    payee: request.payee,
                    asset: request.payout.asset,
                    amount: request.amount,
                    block: 7,
                    paid_at: kept.time,
                };
                if kept.payouts.insert(request.id(), payout).is_some() {
                    return Err(Error::RequestUsed);
                }
            }
            Act::Commit { id, payout } => {
                let debt = kept.debts.get_mut(id).unwrap();
                if debt.state != DebtState::Reserved {
                    return Err(Error::WrongState(debt.state));
                }
                (debt.state, debt.payout) = (DebtState::Owed, Some(*payout));
                let node = kept.nodes.entry(debt.payer.0).or_default();
                node.used.reserved -= debt.amount;
                node.used.outstanding += debt.amount;
            }
            Act::Release(id) => kept.debts.get_mut(id).unwrap().state = DebtState::Released,
            Act::Expire(id) => kept.debts.get_mut(id).unwrap().state = DebtState::Expired,
            Act::MarkOverdue(id) => kept.debts.get_mut(id).unwrap().is_overdue = true,
            Act::ConfirmReceipt { id, signature } => {
                let debt = kept.debts.get_mut(id).unwrap();
                let payload = receipt(&domain(self.genesis, CONTRACT), id);
                signed(&debt.payee, signature, &payload, Error::BadPayeeSignature)?;
                debt.is_received = true;
            }
            Act::Repay { id, amount, .. } => {
                kept.debts.get_mut(id).unwrap().repaid += amount;
                kept.pool += amount;
            }
            Act::Fund { amount, .. } => kept.pool += amount,
            Act::Withdraw { amount, .. } => {
                let (available, needed) = (kept.pool, *amount);
                let left = available.checked_sub(needed);
                kept.pool = left.ok_or(Error::PoolShort { available, needed })?;
            }
        }
        Ok(())
    }
}

const CONTRACT: AccountId = AccountId([9; 32]);

#[async_trait]
impl CreditLedger for Books {
    fn genesis(&self) -> [u8; 32] {
        self.genesis
    }
    fn credit(&self) -> AccountId {
        CONTRACT
    }
    fn node(&self) -> Member {
        Member(0)
    }
    fn time(&self) -> Timestamp {
        self.kept.lock().unwrap().time
    }
    async fn next_block(&self) {
        std::future::pending().await
    }
    async fn make_block(&self, key: &str) -> Result<(), LedgerError> {
        let is_stalled = self.kept.lock().unwrap().hanging.is_some();
        if is_stalled {
            std::future::pending::<()>().await;
        }
        let due = key.rsplit('/').next().and_then(|due| due.parse().ok());
        self.pass_time(due.unwrap_or_default());
        Ok(())
    }
    async fn block(&self, number: u32) -> Result<Block, LedgerError> {
        Ok(Block { number, hash: [7; 32] })
    }
    async fn checks(&self) -> Vec<Check> {
        let failing = self.kept.lock().unwrap().failing;
        let check = |name| Check {
            name,
            ok: failing != Some(name),
            detail: "as the test says".into(),
        };
        ["syncing", "finality"].map(check).into()
    }
    async fn constants(&self) -> Result<Constants, LedgerError> {
        if self.kept.lock().unwrap().failing.is_some() {
            return Err(LedgerError::Unavailable("as the test says".into()));
        }
        Ok(Constants {
            genesis: self.genesis,
            registry: AccountId([8; 32]),
            node: Member(0),
            grace: GRACE,
        })
    }
    async fn limits(&self, payer: AccountId, payee: AccountId, _: Asset) -> Result<Limits, LedgerError> {
        let kept = self.kept.lock().unwrap();
        Ok(Limits {
            payee: kept.payees.get(&(payee.0, payer.0)).copied().unwrap_or_default(),
            node: kept.nodes.get(&payer.0).copied().unwrap_or_default(),
            is_frozen: kept.frozen.get(&payer.0).copied().unwrap_or_default(),
        })
    }
    async fn debts(&self, ids: &[RequestId]) -> Result<Vec<Option<Debt>>, LedgerError> {
        let kept = self.kept.lock().unwrap();
        Ok(ids.iter().map(|id| kept.debts.get(id).copied()).collect())
    }
    async fn payouts(&self, ids: &[RequestId]) -> Result<Vec<Option<Payout>>, LedgerError> {
        let kept = self.kept.lock().unwrap();
        Ok(ids.iter().map(|id| kept.payouts.get(id).copied()).collect())
    }
    async fn pool(&self, _: Asset) -> Result<Amount, LedgerError> {
        Ok(self.kept.lock().unwrap().pool)
    }
    async fn raise(&self, payer: AccountId, _: Asset) -> Result<Option<Raise>, LedgerError> {
        Ok(self.kept.lock().unwrap().raises.get(&payer.0).copied())
    }
    async fn carry_out(&self, key: &str, act: &Act) -> Result<Block, LedgerError> {
        let hanging = self.kept.lock().unwrap().hanging;
        if hanging == Some(act.message()) {
            std::future::pending::<()>().await;
        }
        let mut kept = self.kept.lock().unwrap();
        if let Some(done) = kept.done.get(key) {
            return Ok(*done);
        }
        self.perform(&mut kept, act).map_err(LedgerError::Refused)?;
        let number = u32::try_from(kept.done.len() + 1).unwrap();
        let block = Block { number, hash: [7; 32] };
        kept.done.insert(key.into(), block);
        Ok(block)
    }
}

pub const HERE: [u8; 32] = [1; 32];
pub const THERE: [u8; 32] = [2; 32];

pub fn payer() -> SigningKey {
    SigningKey::load("//Payer").unwrap()
}

pub fn payee() -> SigningKey {
    SigningKey::load("//Payee").unwrap()
}

/// What the payee signs for a chain.
pub fn order(books: &Books, limit: Amount, sequence: u64) -> (LimitOrder, Signature) {
    let order = LimitOrder {
        payee: payee().account(),
        payer: payer().account(),
        asset: NATIVE,
        limit,
        sequence,
    };
    (order, payee().sign(&order.payload(&books.domain())))
}

/// A debt of the payer to the payee that was paid out.
pub fn owed() -> Debt {
    Debt {
        payer: payer().account(),
        payee: payee().account(),
        asset: NATIVE,
        amount: 100,
        late_fee: 5,
        state: DebtState::Owed,
        expires_at: 1,
        until: 1,
        due_at: 2,
        payout: None,
        repaid: 0,
        fee_paid: 0,
        is_overdue: false,
        is_received: false,
    }
}

fn two_chains() -> (Arc<Books>, Arc<Books>, Arc<Credit>) {
    let (here, there) = (Books::of(HERE), Books::of(THERE));
    let credit = Credit::new(vec![here.clone(), there.clone()]);
    (here, there, credit)
}

#[tokio::test]
async fn each_chain_has_books_of_its_own() {
    let (here, there, credit) = two_chains();
    let (asset, amount) = (NATIVE, 70);
    let fund = Act::Fund { asset, amount };
    assert!(credit.act(HERE, "k", &fund).await.unwrap().is_some());
    assert_eq!(credit.pool(HERE, NATIVE).await.unwrap(), 70);
    assert_eq!(credit.pool(THERE, NATIVE).await.unwrap(), 0);
    assert_eq!((here.acts(), there.acts()), (1, 0));
    let elsewhere = credit.act([3; 32], "k", &fund).await.unwrap_err();
    assert!(matches!(elsewhere, CreditError::UnknownChain(genesis) if genesis == [3; 32]));
}

#[tokio::test]
async fn a_chain_out_of_reach_hides_no_other() {
    let (_, there, credit) = two_chains();
    there.fail_check("syncing");
    let sites = credit.sites().await;
    assert_eq!(sites[0].standing.as_ref().unwrap().grace, GRACE);
    assert!(sites[1].standing.is_err());
    assert_eq!(sites[1].genesis, THERE);
}

#[tokio::test]
async fn what_the_chain_shows_already_is_not_done_again_under_another_key() {
    let (here, _, credit) = two_chains();
    let (order, signature) = order(&here, 100, 1);
    let wish = RaiseRequest {
        payer: payer().account(),
        asset: NATIVE,
        wanted: 200,
        evidence: [5; 32],
        sequence: 1,
    };
    let decision = RaiseDecision {
        granted: Some(150),
        digest: [6; 32],
    };
    let payer_account = payer().account();
    let (reserved, released, arrived, overdue) = ([1; 32], [2; 32], [3; 32], [4; 32]);
    for id in [reserved, released, arrived, overdue] {
        here.keep(RequestId(id), owed());
    }
    let acts = [
        Act::SetLimit { order, signature },
        Act::SetNodeLimit {
            payer: payer_account,
            asset: NATIVE,
            limit: 120,
            evidence: [4; 32],
        },
        Act::Freeze(payer_account),
        Act::Unfreeze(payer_account),
        Act::RequestRaise {
            wish,
            signature: payer().sign(&wish.payload(&here.domain())),
        },
        Act::DecideRaise {
            payer: payer_account,
            asset: NATIVE,
            decision,
        },
        Act::Expire(RequestId(reserved)),
        Act::Release(RequestId(released)),
        Act::MarkOverdue(RequestId(overdue)),
        Act::ConfirmReceipt {
            id: RequestId(arrived),
            signature: payee().sign(&receipt(&here.domain(), &RequestId(arrived))),
        },
    ];
    for (number, act) in acts.iter().enumerate() {
        let first = credit.act(HERE, &format!("first {number}"), act).await.unwrap();
        assert!(first.is_some(), "{act:?}");
        let again = credit.act(HERE, &format!("again {number}"), act).await.unwrap();
        assert_eq!(again, None, "{act:?}");
    }
    assert_eq!(here.acts(), acts.len());
}

#[tokio::test]
async fn money_moves_once_for_each_key_and_again_for_another() {
    let (here, _, credit) = two_chains();
    here.keep(RequestId([1; 32]), owed());
    for key in ["a", "a", "b"] {
        let repaid = credit.repay(HERE, key, RequestId([1; 32]), 30).await.unwrap();
        assert!(repaid.is_some());
    }
    assert_eq!(credit.debt(HERE, RequestId([1; 32])).await.unwrap().repaid, 60);
    assert_eq!(credit.pool(HERE, NATIVE).await.unwrap(), 60);
}

#[tokio::test]
async fn what_nobody_signed_or_nobody_owes_is_refused() {
    let (here, there, credit) = two_chains();
    // Signed for the other chain.
    let (order, signature) = order(&there, 100, 1);
    let refused = credit.act(HERE, "k", &Act::SetLimit { order, signature }).await;
    assert!(matches!(
        refused,
        Err(CreditError::Ledger(LedgerError::Refused(Error::BadPayeeSignature)))
    ));
    let id = RequestId([1; 32]);
    let unknown = credit.act(HERE, "k", &Act::Release(id)).await;
    assert!(matches!(unknown, Err(CreditError::UnknownDebt(named)) if named == id));
    let unknown = credit.repay(HERE, "k", id, 1).await;
    assert!(matches!(unknown, Err(CreditError::UnknownDebt(_))));
    let unpaid = credit.payout(HERE, id).await;
    assert!(matches!(unpaid, Err(CreditError::UnknownPayout(_))));
    let no_wish = credit.raise(HERE, payer().account(), NATIVE).await;
    assert!(matches!(no_wish, Err(CreditError::UnknownRaise)));
    assert_eq!(here.acts(), 0);
}
