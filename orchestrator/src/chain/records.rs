//! What the clearing contract told, read back from the events of finalized blocks.
use async_trait::async_trait;
use protocol::{
    clearing::{Balance, Retained},
    disputes::Dispute,
    fees::FeeRule,
    settlement::{Asset, ClearingVoucher, Obligation},
    windows::{Certificate, Shortfall},
    AccountId, Amount, ClearingVoucherId, Member, Timestamp, VoucherId,
};

use super::{
    bundle::{Bundle, BundleError},
    contracts::Contract,
    events::{decode, ContractEvents, Emitted},
    Chain, ChainError, Follower,
};
use crate::{
    journal::{Event, Journal, Told},
    settlement::ports::{Block, LedgerError},
    windows::ports::{Record, Records},
};

/// The events that are read, as the contract names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Deposited,
    Withdrawn,
    Retained,
    Cleared,
    TakenOut,
    WindowSettled,
    WindowShort,
    DisputeOpened,
    DisputeAnswered,
    DisputeRuled,
    AwardPaid,
}

const KINDS: [(&str, Kind); 11] = [
    ("Deposited", Kind::Deposited),
    ("Withdrawn", Kind::Withdrawn),
    ("Retained", Kind::Retained),
    ("Cleared", Kind::Cleared),
    ("TakenOut", Kind::TakenOut),
    ("WindowSettled", Kind::WindowSettled),
    ("WindowShort", Kind::WindowShort),
    ("DisputeOpened", Kind::DisputeOpened),
    ("DisputeAnswered", Kind::DisputeAnswered),
    ("DisputeRuled", Kind::DisputeRuled),
    ("AwardPaid", Kind::AwardPaid),
];

/// Reads the clearing contract's events.
pub struct ChainRecords {
    chain: Chain,
    follower: Follower,
    clearing: Contract,
    events: ContractEvents<Kind>,
}

/// The fields of `Retained`.
type RetainedEvent = (u32, Timestamp, u32, u32, Vec<Member>, Vec<Retained>);

impl ChainRecords {
    /// The events of `clearing`, whose metadata is in `bundle`.
    ///
    /// # Errors
    /// The bundle is of a version that lacks one of them.
    pub fn new(chain: Chain, follower: Follower, clearing: Contract, bundle: &Bundle) -> Result<Self, BundleError> {
        let events = ContractEvents::new(chain.clone(), clearing.address(), bundle, KINDS)?;
        Ok(Self {
            chain,
            follower,
            clearing,
            events,
        })
    }

    async fn of_blocks(&self, from: u32, to: u32) -> Result<Vec<Told>, ChainError> {
        let told = |emitted: Emitted<Kind>| {
            Ok(Told {
                block: emitted.block,
                index: emitted.index,
                event: read(emitted.kind, &emitted.data)?,
            })
        };
        let emitted = self.events.of_blocks(from, to).await?;
        emitted.into_iter().map(told).collect()
    }
}

fn read(kind: Kind, data: &[u8]) -> Result<Event, ChainError> {
    Ok(match kind {
        Kind::Deposited => {
            let (member, asset, amount, deposit) = decode(data)?;
            Event::Deposited {
                member,
                asset,
                amount,
                deposit,
            }
        }
        Kind::Withdrawn => {
            let (member, asset, amount, _) = decode::<(Member, Asset, Amount, AccountId)>(data)?;
            Event::Withdrawn { member, asset, amount }
        }
        Kind::Retained => {
            let (batch, drawn_at, window, _, _, retained) = decode::<RetainedEvent>(data)?;
            Event::Retained {
                batch,
                drawn_at,
                window,
                vouchers: retained.into_iter().map(|kept| kept.voucher).collect(),
            }
        }
        Kind::Cleared => Event::Cleared(decode::<(VoucherId, ClearingVoucherId, ClearingVoucher)>(data)?.2),
        Kind::TakenOut => {
            let (window, vouchers) = decode(data)?;
            Event::TakenOut { window, vouchers }
        }
        Kind::WindowSettled => Event::WindowSettled(decode::<(u32, Certificate)>(data)?.1),
        Kind::WindowShort => {
            let (window, shortfalls) = decode::<(u32, Vec<Shortfall>)>(data)?;
            Event::WindowShort { window, shortfalls }
        }
        Kind::DisputeOpened => {
            let (voucher, dispute) = decode(data)?;
            Event::DisputeOpened {
                voucher,
                dispute: Box::new(dispute),
            }
        }
        Kind::DisputeAnswered => {
            let (voucher, obligation, response) = decode(data)?;
            Event::DisputeAnswered {
                voucher,
                obligation,
                response,
            }
        }
        Kind::DisputeRuled => {
            let (voucher, obligation, ruling, awarded) = decode(data)?;
            Event::DisputeRuled {
                voucher,
                obligation,
                ruling,
                awarded,
            }
        }
        Kind::AwardPaid => {
            let (voucher, obligation, amount) = decode(data)?;
            Event::AwardPaid {
                voucher,
                obligation,
                amount,
            }
        }
    })
}

#[async_trait]
impl Records for ChainRecords {
    async fn records(&self, from: u32, to: u32) -> Result<Vec<Record>, LedgerError> {
        let told = self.of_blocks(from, to).await?;
        let record = |told: Told| match told.event {
            Event::Retained {
                batch,
                drawn_at,
                window,
                vouchers,
            } => Some(Record::Retained {
                batch,
                drawn_at,
                window,
                vouchers,
            }),
            Event::TakenOut { window, vouchers } => Some(Record::TakenOut { window, vouchers }),
            Event::WindowSettled(certificate) => Some(Record::Settled(certificate)),
            Event::Deposited { .. }
            | Event::Withdrawn { .. }
            | Event::Cleared(_)
            | Event::WindowShort { .. }
            | Event::DisputeOpened { .. }
            | Event::DisputeAnswered { .. }
            | Event::DisputeRuled { .. }
            | Event::AwardPaid { .. } => None,
        };
        Ok(told.into_iter().filter_map(record).collect())
    }

    async fn schedule(&self, version: u32) -> Result<Option<Vec<FeeRule>>, LedgerError> {
        Ok(self.clearing.read("fees", &version).await?)
    }

    async fn cap(&self, member: Member, asset: Asset, block: u32) -> Result<Amount, LedgerError> {
        let hash = self.chain.block_hash(block).await?;
        let balance: Balance = self.clearing.read_at("balance", &(member, asset), hash).await?;
        Ok(balance.cap)
    }
}

#[async_trait]
impl Journal for ChainRecords {
    fn head(&self) -> u32 {
        self.follower.head().number
    }

    async fn next_block(&self) {
        self.follower.next().await;
    }

    async fn block(&self, number: u32) -> Result<Block, LedgerError> {
        let hash = self.chain.block_hash(number).await?;
        Ok(Block { number, hash })
    }

    async fn block_time(&self, number: u32) -> Result<Timestamp, LedgerError> {
        if number == 0 {
            return Ok(0);
        }
        let hash = self.chain.block_hash(number).await?;
        let time = self.chain.block_time(hash).await?;
        time.ok_or_else(|| LedgerError::Rejected(format!("block {number} has no time")))
    }

    async fn told(&self, from: u32, to: u32) -> Result<Vec<Told>, LedgerError> {
        Ok(self.of_blocks(from, to).await?)
    }

    async fn balance_after(&self, member: Member, asset: Asset, block: u32) -> Result<Balance, LedgerError> {
        let hash = self.chain.block_hash(block).await?;
        let contract = (self.clearing.address().0,);
        let deployed = self
            .chain
            .storage("Contracts", "ContractInfoOf", contract, hash)
            .await?;
        if deployed.is_none() {
            return Ok(Balance::default());
        }
        Ok(self.clearing.read_at("balance", &(member, asset), hash).await?)
    }

    async fn fee_schedule(&self, version: u32) -> Result<Option<Vec<FeeRule>>, LedgerError> {
        Ok(self.clearing.read("fees", &version).await?)
    }

    async fn contested(&self, voucher: VoucherId, obligation: u8) -> Result<Option<Obligation>, LedgerError> {
        let dispute: Option<Dispute> = self.clearing.read("dispute", &(voucher, obligation)).await?;
        Ok(dispute.map(|dispute| dispute.contested))
    }
}
