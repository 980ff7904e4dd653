//! Statements: what moved on this institution's account in the clearing contract on a day (UTC), from the contract's
//! finalized events, between the balances that the chain shows before and after.
mod movements;
#[cfg(test)]
mod tests;

use std::{
    collections::{btree_map::Entry, BTreeSet},
    sync::Arc,
};

use protocol::{
    clearing::Balance,
    settlement::{Asset, Voucher},
    Member, Timestamp, VoucherId,
};

use crate::{
    journal::{Event, Journal, Told},
    settlement::ports::{Block, LedgerError},
    store::{Store, StoreError},
    windows::calendar::Day,
};
use movements::Known;

const DAY: Timestamp = 24 * 60 * 60 * 1_000;

/// There is no statement.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// The day has not begun on the chain.
    #[error("the chain has no block after that day's begin yet: ask for an earlier day, or later")]
    NotBegun,
    /// The day is before 1970, or too far off.
    #[error("there is no such day")]
    NoSuchDay,
    /// An event names a voucher that this institution's database lacks.
    #[error("voucher {0} moved money of this institution and isn't in its database: was it set back?")]
    UnknownVoucher(VoucherId),
    /// A voucher names a fee schedule that the chain doesn't hold.
    #[error("fee schedule {0} isn't published")]
    UnknownFees(u32),
    /// A sum is beyond what a statement can show.
    #[error("an amount is beyond what a statement can show")]
    Overflow,
    /// The chain can't be read at the day's blocks.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Paid in.
    Deposited,
    /// Paid out.
    Withdrawn,
    /// Set aside for a payment.
    Reserved,
    /// Set aside for a payment's fee.
    FeeReserved,
    /// Paid for a payment.
    Paid,
    /// Paid as a payment's fee.
    FeePaid,
    /// Got of a payment.
    Received,
    /// Got as a payment's fee.
    FeeReceived,
    /// The net of a window; fees are in it.
    WindowNet,
    /// Given back by a ruling.
    AwardPaid,
    /// Got back by a ruling.
    AwardReceived,
}

impl Kind {
    /// Its stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Deposited => "deposited",
            Kind::Withdrawn => "withdrawn",
            Kind::Reserved => "reserved",
            Kind::FeeReserved => "fee-reserved",
            Kind::Paid => "paid",
            Kind::FeePaid => "fee-paid",
            Kind::Received => "received",
            Kind::FeeReceived => "fee-received",
            Kind::WindowNet => "window-net",
            Kind::AwardPaid => "award-paid",
            Kind::AwardReceived => "award-received",
        }
    }
}

/// One entry. Amounts are in the asset's smallest unit; below 0 they lessen the balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// What was entered.
    pub kind: Kind,
    /// In what.
    pub asset: Asset,
    /// What it changes of what is available.
    pub available: i128,
    /// What it changes of what is set aside.
    pub reserved: i128,
    /// The payment's voucher.
    pub voucher: Option<VoucherId>,
    /// The institution on the other side.
    pub counterparty: Option<Member>,
    /// The window whose net it is.
    pub window: Option<u32>,
    /// The deposit's number.
    pub deposit: Option<u64>,
    /// The finalized block.
    pub block: Block,
    /// The event's place among all events of the block.
    pub event: u32,
}

/// What an account holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Neither set aside nor paid out.
    pub available: i128,
    /// Set aside for payments.
    pub reserved: i128,
}

/// What moved in one asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// In what.
    pub asset: Asset,
    /// As the chain shows it before the day.
    pub opening: Holding,
    /// In the order of the chain.
    pub movements: Vec<Movement>,
    /// As the chain shows it after the day, or now.
    pub closing: Holding,
    /// Whether opening and movements come to the closing balance.
    pub adds_up: bool,
}

/// A day of an institution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Whose.
    pub member: Member,
    /// The day's first and last finalized block; `None` where there was none.
    pub blocks: Option<(Block, Block)>,
    /// Whether the day is over on the chain.
    pub complete: bool,
    /// By asset; the native token is always there.
    pub accounts: Vec<Account>,
}

/// Draws up statements of one institution.
pub struct Statements {
    member: Member,
    journal: Arc<dyn Journal>,
    store: Store,
}

impl Statements {
    /// Puts it together.
    pub fn new(member: Member, journal: Arc<dyn Journal>, store: Store) -> Arc<Self> {
        Arc::new(Self { member, journal, store })
    }

    /// The statement of a day.
    ///
    /// # Errors
    /// See [`StatementError`]; the node may not keep the day's blocks any more.
    pub async fn of(&self, day: Day) -> Result<Statement, StatementError> {
        let begin = day.begin().ok_or(StatementError::NoSuchDay)?;
        let end = begin.checked_add(DAY).ok_or(StatementError::NoSuchDay)?;
        let head = self.journal.head();
        if self.journal.block_time(head).await? < begin {
            return Err(StatementError::NotBegun);
        }
        let first = self.first_since(begin, 0, head).await?.unwrap_or(head);
        let next = self.first_since(end, first, head).await?;
        let last = next
            .map_or(Some(head), |next| next.checked_sub(1))
            .filter(|last| *last >= first);
        let told = match last {
            Some(last) => self.journal.told(first, last).await?,
            None => vec![],
        };
        let before = first.saturating_sub(1);
        Ok(Statement {
            member: self.member,
            blocks: match last {
                Some(last) => Some((self.journal.block(first).await?, self.journal.block(last).await?)),
                None => None,
            },
            complete: next.is_some(),
            accounts: self.accounts(&told, before, last.unwrap_or(before)).await?,
        })
    }

    /// The first block of a time or later, among these.
    async fn first_since(&self, time: Timestamp, from: u32, head: u32) -> Result<Option<u32>, StatementError> {
        let (mut low, mut high) = (from, head.saturating_add(1));
        while low < high {
            let middle = low.midpoint(high);
            if self.journal.block_time(middle).await? < time {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        Ok((low <= head).then_some(low))
    }

    async fn accounts(&self, told: &[Told], before: u32, last: u32) -> Result<Vec<Account>, StatementError> {
        let known = self.known(told).await?;
        let mut movements = Vec::new();
        for told in told {
            movements.extend(movements::of(self.member, told, &known)?);
        }
        let mut assets: BTreeSet<Asset> = movements.iter().map(|movement| movement.asset).collect();
        assets.insert(Asset::Native);
        let mut accounts = Vec::with_capacity(assets.len());
        for asset in assets {
            let opening = holding(&self.journal.balance_after(self.member, asset, before).await?)?;
            let closing = holding(&self.journal.balance_after(self.member, asset, last).await?)?;
            let its = movements.iter().filter(|movement| movement.asset == asset);
            let its: Vec<Movement> = its.cloned().collect();
            accounts.push(Account {
                asset,
                opening,
                closing,
                adds_up: sum(opening, &its)? == closing,
                movements: its,
            });
        }
        Ok(accounts)
    }

    /// What the events name without saying it.
    async fn known(&self, told: &[Told]) -> Result<Known, StatementError> {
        let mut known = Known::default();
        for told in told {
            match &told.event {
                Event::Retained { vouchers, .. } => {
                    for voucher in vouchers {
                        self.learn_fees(&mut known, voucher).await?;
                        known.vouchers.insert(voucher.id(), voucher.clone());
                    }
                }
                Event::Cleared(paid) if !known.vouchers.contains_key(&paid.voucher) => {
                    if let Some(payment) = self.store.payment(paid.voucher).await? {
                        known.vouchers.insert(paid.voucher, payment.voucher);
                    }
                }
                Event::AwardPaid {
                    voucher, obligation, ..
                } => {
                    if let Some(contested) = self.journal.contested(*voucher, *obligation).await? {
                        known.contested.insert((*voucher, *obligation), contested);
                    }
                }
                _ => {}
            }
        }
        Ok(known)
    }

    async fn learn_fees(&self, known: &mut Known, voucher: &Voucher) -> Result<(), StatementError> {
        if let Entry::Vacant(place) = known.schedules.entry(voucher.fees) {
            if let Some(rules) = self.journal.fee_schedule(voucher.fees).await? {
                place.insert(rules);
            }
        }
        Ok(())
    }
}

fn holding(balance: &Balance) -> Result<Holding, StatementError> {
    let signed = |amount| i128::try_from(amount).map_err(|_| StatementError::Overflow);
    Ok(Holding {
        available: signed(balance.available)?,
        reserved: signed(balance.reserved)?,
    })
}

fn sum(opening: Holding, movements: &[Movement]) -> Result<Holding, StatementError> {
    movements.iter().try_fold(opening, |sum, movement| {
        let available = sum.available.checked_add(movement.available);
        let reserved = sum.reserved.checked_add(movement.reserved);
        match (available, reserved) {
            (Some(available), Some(reserved)) => Ok(Holding { available, reserved }),
            _ => Err(StatementError::Overflow),
        }
    })
}
