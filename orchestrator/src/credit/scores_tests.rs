//! Limits computed from a past that is made up, and set on a chain that keeps its books in memory.
#![allow(clippy::unwrap_used)]
use std::{collections::BTreeMap, sync::Mutex};

use async_trait::async_trait;
use protocol::{Amount, RequestId, Timestamp};

use super::*;
use crate::credit::{
    past::{Event, Past, When},
    ports::{CreditLedger, LedgerError},
    score::{tests::PARAMETERS, Record, ScoredBlock},
    tests::{payer, Books, NATIVE},
};

const HERE: [u8; 32] = [1; 32];
const THERE: [u8; 32] = [2; 32];

/// What a contract told, made up.
pub(crate) struct Story {
    genesis: [u8; 32],
    contract: AccountId,
    told: Mutex<(When, Past)>,
}

impl Story {
    /// Of the contract with these books.
    pub(crate) fn of(books: &Books) -> Arc<Self> {
        let start = When { block: 1, time: 1_000 };
        Arc::new(Self {
            genesis: books.genesis(),
            contract: books.credit(),
            told: Mutex::new((start, Past::default())),
        })
    }

    /// In the next block the payer took up a debt and repaid it on time.
    pub(crate) fn repaid_on_time(&self, amount: Amount) {
        let mut told = self.told.lock().unwrap();
        let (head, past) = &mut *told;
        (head.block, head.time) = (head.block + 1, head.time + 1_000);
        let id = RequestId([u8::try_from(head.block).unwrap(); 32]);
        let reserved = Event::Reserved {
            id,
            payer: payer().account(),
            asset: NATIVE,
            amount,
        };
        let due_at = head.time + 1;
        let repaid = Event::Repaid {
            id,
            principal: amount,
            late_fee: 0,
        };
        for event in [reserved, Event::Committed { id, due_at }, repaid] {
            past.take(*head, event).unwrap();
        }
    }
}

#[async_trait]
impl CreditPast for Story {
    fn genesis(&self) -> [u8; 32] {
        self.genesis
    }
    fn credit(&self) -> AccountId {
        self.contract
    }
    async fn record(
        &self,
        payer: AccountId,
        asset: Asset,
        window: Timestamp,
    ) -> Result<(ScoredBlock, Record), LedgerError> {
        let told = self.told.lock().unwrap();
        let (head, past) = &*told;
        let block = ScoredBlock {
            number: head.block,
            hash: [7; 32],
            time: head.time,
        };
        Ok((block, past.record(payer, asset, *head, window)))
    }
}

/// Limits by the worked example's parameters.
pub(crate) fn scores(credit: Arc<Credit>, stories: Vec<Arc<dyn CreditPast>>, store: Store) -> Arc<Scores> {
    let rules = Rules {
        general: PARAMETERS,
        own: BTreeMap::new(),
    };
    Scores::new(credit, stories, rules, store)
}

struct Desk {
    books: Arc<Books>,
    story: Arc<Story>,
    scores: Arc<Scores>,
    store: Store,
}

impl Desk {
    async fn open() -> Self {
        let books = Books::of(HERE);
        Self::reopen(books.clone(), Story::of(&books), Store::in_memory().await.unwrap())
    }

    /// The same in a new process.
    fn reopen(books: Arc<Books>, story: Arc<Story>, store: Store) -> Self {
        let credit = Credit::new(vec![books.clone()]);
        Self {
            scores: scores(credit, vec![story.clone()], store.clone()),
            books,
            story,
            store,
        }
    }

    async fn compute(&self) -> Evidence {
        self.scores.compute(HERE, payer().account(), NATIVE).await.unwrap()
    }

    async fn set(&self, key: &str) -> (Evidence, Option<Block>) {
        self.scores.set(HERE, key, payer().account(), NATIVE).await.unwrap()
    }

    /// The limit that stands, and its evidence.
    async fn stands(&self) -> (Amount, [u8; 32]) {
        let account = payer().account();
        let node = self.books.limits(account, account, NATIVE).await.unwrap().node;
        (node.limit, node.evidence)
    }
}

#[tokio::test]
async fn a_limit_is_computed_from_what_the_chain_tells_and_nothing_changes() {
    let desk = Desk::open().await;
    assert_eq!(desk.compute().await.score.limit, 1_000);
    desk.story.repaid_on_time(2_000);
    let evidence = desk.compute().await;
    // 1,000 and half of 2,000 and a tenth of 2,000.
    assert_eq!(evidence.score.limit, 2_200);
    assert_eq!((evidence.block.number, evidence.subject.genesis), (2, HERE));
    assert_eq!(desk.books.acts(), 0);
    let kept = desk.scores.kept(evidence.digest()).await.unwrap_err();
    assert!(matches!(kept, ScoreError::UnknownScore(_)), "{kept}");
    let elsewhere = desk.scores.compute(THERE, payer().account(), NATIVE).await.unwrap_err();
    assert!(matches!(
        elsewhere,
        ScoreError::Credit(CreditError::UnknownChain(THERE))
    ));
}

#[tokio::test]
async fn a_limit_that_is_set_stands_on_the_chain_with_its_evidence_which_is_kept() {
    let desk = Desk::open().await;
    desk.story.repaid_on_time(2_000);
    let (evidence, block) = desk.set("wish").await;
    assert!(block.is_some());
    assert_eq!(desk.stands().await, (2_200, evidence.digest()));
    assert_eq!(desk.scores.kept(evidence.digest()).await.unwrap(), evidence);

    // Nothing happened since: the chain shows it, under whichever key.
    assert_eq!(desk.set("another wish").await, (evidence, None));
    desk.story.repaid_on_time(1_000);
    let (later, block) = desk.set("later wish").await;
    assert!(block.is_some());
    assert_eq!(desk.stands().await, (2_800, later.digest()));
    assert_eq!(desk.scores.kept(evidence.digest()).await.unwrap(), evidence);
}

#[tokio::test]
async fn a_wish_that_is_repeated_in_a_new_process_sets_the_limit_of_its_first_evidence() {
    let desk = Desk::open().await;
    let first = desk.compute().await;
    // As if the process had died after it kept the evidence and before it submitted anything.
    desk.store.keep_credit_score("wish", &first).await.unwrap();
    desk.story.repaid_on_time(2_000);
    let desk = Desk::reopen(desk.books, desk.story, desk.store);
    let (evidence, _) = desk.set("wish").await;
    assert_eq!(evidence, first);
    assert_eq!(desk.stands().await, (1_000, first.digest()));
}
