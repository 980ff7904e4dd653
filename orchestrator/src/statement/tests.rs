//! Statements of a bank on a chain whose balances are written down by hand.
use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use protocol::{
    clearing::Balance,
    fees::{FeePayee, FeeRule, Service},
    settlement::{Asset, ClearingVoucher, Limit, Obligation, Relation, Settlement, TransactionKind, Voucher},
    windows::{Certificate, CertificateLine, Position},
    AccountId, Amount, Member, Timestamp, UserId, VoucherId,
};

use super::{Kind, Statement, StatementError, Statements};
use crate::{
    journal::{Event, Journal, Told},
    settlement::{
        ports::{Block, LedgerError},
        state::{HomeState, State},
    },
    store::Store,
};

const BANK: Member = Member(1);
const SHOP: Member = Member(0);
/// 2 January 1970.
const DAY: Timestamp = 86_400_000;
const FEE: FeeRule = FeeRule {
    service: Service::Purchase,
    asset: Asset::Native,
    payee: FeePayee::Originator,
    flat: 3,
    parts_per_million: 0,
    at_most: 3,
};

/// Each block's time, what it told, and what the bank has after it.
struct Chain(Vec<(Timestamp, Vec<Event>, Balance)>);

impl Chain {
    fn at(&self, number: u32) -> &(Timestamp, Vec<Event>, Balance) {
        &self.0[usize::try_from(number).unwrap()]
    }
}

#[async_trait]
impl Journal for Chain {
    fn head(&self) -> u32 {
        u32::try_from(self.0.len() - 1).unwrap()
    }
    async fn next_block(&self) {}
    async fn block(&self, number: u32) -> Result<Block, LedgerError> {
        Ok(Block {
            number,
            hash: [u8::try_from(number).unwrap(); 32],
        })
    }
    async fn block_time(&self, number: u32) -> Result<Timestamp, LedgerError> {
        Ok(self.at(number).0)
    }
    async fn told(&self, from: u32, to: u32) -> Result<Vec<Told>, LedgerError> {
        let mut told = Vec::new();
        for number in from..=to {
            for (event, index) in self.at(number).1.iter().zip(7..) {
                told.push(Told {
                    block: self.block(number).await?,
                    index,
                    event: event.clone(),
                });
            }
        }
        Ok(told)
    }
    async fn balance_after(&self, member: Member, _: Asset, number: u32) -> Result<Balance, LedgerError> {
        assert_eq!(member, BANK);
        Ok(self.at(number).2.clone())
    }
    async fn fee_schedule(&self, version: u32) -> Result<Option<Vec<FeeRule>>, LedgerError> {
        Ok((version == 1).then(|| vec![FEE]))
    }
    async fn contested(&self, voucher: VoucherId, _: u8) -> Result<Option<Obligation>, LedgerError> {
        Ok((voucher == payment(100, Settlement::Gross).id()).then(|| payment(100, Settlement::Gross).principal()))
    }
}

/// A user of the bank pays at the shop; the fee is 3.
fn payment(amount: Amount, settlement: Settlement) -> Voucher {
    Voucher {
        sequence: u64::try_from(amount).unwrap(),
        originator: SHOP,
        home: BANK,
        others: vec![],
        user: UserId::of(BANK, "4711"),
        wallet: AccountId([9; 32]),
        kind: TransactionKind::Purchase,
        asset: Asset::Native,
        amount,
        limit: Limit::PerTransaction(amount),
        settlement,
        fees: 1,
        issued_at: 1,
        expires_at: 2,
    }
}

fn retained(voucher: &Voucher) -> Event {
    Event::Retained {
        batch: 0,
        drawn_at: 5,
        window: 4,
        vouchers: vec![voucher.clone()],
    }
}

fn cleared(voucher: &Voucher) -> Event {
    let relation = Relation::of(voucher, &[FEE], 5).unwrap();
    Event::Cleared(ClearingVoucher {
        voucher: voucher.id(),
        relation: relation.id(),
        issuer: BANK,
        discharged: relation.owed_by(BANK),
        sources: vec![],
        issued_at: 1,
        expires_at: 2,
    })
}

fn has(available: Amount, reserved: Amount) -> Balance {
    Balance {
        available,
        reserved,
        ..Balance::default()
    }
}

fn deposited(member: Member, amount: Amount) -> Event {
    Event::Deposited {
        member,
        asset: Asset::Native,
        amount,
        deposit: 0,
    }
}

async fn statement(chain: Chain, date: &str) -> Result<Statement, StatementError> {
    let store = Store::in_memory().await.unwrap();
    let earlier = payment(50, Settlement::Net);
    let state = State::Home(HomeState::Retained);
    store
        .open_payment(&earlier, None, state, "of another day", 1, &[])
        .await
        .unwrap();
    Statements::new(BANK, Arc::new(chain), store)
        .of(date.parse().unwrap())
        .await
}

fn day() -> Vec<(Timestamp, Vec<Event>, Balance)> {
    let gross = payment(100, Settlement::Gross);
    let position = |owed, owes| Position { owed, owes };
    let certificate = Certificate {
        window: 4,
        vouchers: 2,
        lines: [(SHOP, position(30, 10)), (BANK, position(10, 30))]
            .map(|(member, position)| CertificateLine {
                member,
                asset: Asset::Native,
                position,
                cap: 0,
            })
            .into(),
    };
    let award = Event::AwardPaid {
        voucher: gross.id(),
        obligation: 0,
        amount: 40,
    };
    let withdrawn = Event::Withdrawn {
        member: BANK,
        asset: Asset::Native,
        amount: 5,
    };
    vec![
        (0, vec![], has(0, 0)),
        (DAY - 1, vec![deposited(BANK, 500)], has(500, 0)),
        (DAY, vec![deposited(BANK, 1_000), deposited(SHOP, 9)], has(1_500, 0)),
        (DAY + 1, vec![retained(&gross)], has(1_397, 103)),
        (DAY + 2, vec![cleared(&gross)], has(1_397, 0)),
        (DAY + 3, vec![cleared(&payment(50, Settlement::Net))], has(1_344, 0)),
        (DAY + 4, vec![Event::WindowSettled(certificate), award], has(1_364, 0)),
        (2 * DAY - 1, vec![withdrawn.clone()], has(1_359, 0)),
        (2 * DAY, vec![withdrawn], has(1_354, 0)),
    ]
}

#[tokio::test]
async fn opening_and_movements_come_to_the_closing_balance() {
    let statement = statement(Chain(day()), "1970-01-02").await.unwrap();
    let blocks = statement.blocks.unwrap();
    assert_eq!((blocks.0.number, blocks.1.number), (2, 7));
    assert!(statement.complete);
    let [account] = statement.accounts.as_slice() else {
        panic!("one asset: {:?}", statement.accounts);
    };
    assert_eq!((account.opening.available, account.closing.available), (500, 1_359));
    assert!(account.adds_up);
    let entries: Vec<(Kind, i128, i128, u32, u32)> = account
        .movements
        .iter()
        .map(|entry| {
            (
                entry.kind,
                entry.available,
                entry.reserved,
                entry.block.number,
                entry.event,
            )
        })
        .collect();
    assert_eq!(
        entries,
        [
            (Kind::Deposited, 1_000, 0, 2, 7),
            (Kind::Reserved, -100, 100, 3, 7),
            (Kind::FeeReserved, -3, 3, 3, 7),
            (Kind::Paid, 0, -100, 4, 7),
            (Kind::FeePaid, 0, -3, 4, 7),
            (Kind::Paid, -50, 0, 5, 7),
            (Kind::FeePaid, -3, 0, 5, 7),
            (Kind::WindowNet, -20, 0, 6, 7),
            (Kind::AwardReceived, 40, 0, 6, 8),
            (Kind::Withdrawn, -5, 0, 7, 7),
        ]
    );
    assert_eq!(account.movements[7].window, Some(4));
    assert_eq!(account.movements[1].counterparty, Some(SHOP));
}

#[tokio::test]
async fn a_day_that_isnt_over_ends_with_the_latest_block() {
    let statement = statement(Chain(day()), "1970-01-03").await.unwrap();
    assert!(!statement.complete);
    assert_eq!(statement.blocks.unwrap().1.number, 8);
    let account = &statement.accounts[0];
    assert_eq!((account.opening.available, account.closing.available), (1_359, 1_354));
    assert!(account.adds_up);
}

#[tokio::test]
async fn a_day_without_blocks_opens_and_closes_the_same() {
    let mut blocks = day();
    blocks.push((9 * DAY, vec![], has(1_354, 0)));
    let statement = statement(Chain(blocks), "1970-01-05").await.unwrap();
    assert_eq!((statement.blocks, statement.complete), (None, true));
    let account = &statement.accounts[0];
    assert_eq!(account.opening, account.closing);
    assert!(account.adds_up && account.movements.is_empty());
}

#[tokio::test]
async fn money_that_no_event_tells_of_is_noticed() {
    let mut blocks = day();
    blocks[7].2 = has(1_358, 0);
    let statement = statement(Chain(blocks), "1970-01-02").await.unwrap();
    assert!(!statement.accounts[0].adds_up);
}

#[tokio::test]
async fn there_is_no_statement_of_a_day_to_come_or_of_a_voucher_that_is_lost() {
    let error = statement(Chain(day()), "1970-01-04").await.unwrap_err();
    assert!(matches!(error, StatementError::NotBegun));
    let error = statement(Chain(day()), "1969-12-31").await.unwrap_err();
    assert!(matches!(error, StatementError::NoSuchDay));
    let mut blocks = day();
    let lost = payment(60, Settlement::Net);
    blocks[5].1 = vec![cleared(&lost)];
    let error = statement(Chain(blocks), "1970-01-02").await.unwrap_err();
    assert!(matches!(error, StatementError::UnknownVoucher(id) if id == lost.id()));
}

#[test]
fn a_payee_sees_what_it_received() {
    let gross = payment(100, Settlement::Gross);
    let known = super::movements::Known {
        vouchers: BTreeMap::from([(gross.id(), gross.clone())]),
        ..Default::default()
    };
    let told = Told {
        block: Block {
            number: 1,
            hash: [1; 32],
        },
        index: 2,
        event: cleared(&gross),
    };
    let entries = super::movements::of(SHOP, &told, &known).unwrap();
    let entries: Vec<_> = entries
        .iter()
        .map(|entry| (entry.kind, entry.available, entry.counterparty))
        .collect();
    assert_eq!(
        entries,
        [(Kind::Received, 100, Some(BANK)), (Kind::FeeReceived, 3, Some(BANK))]
    );
}
