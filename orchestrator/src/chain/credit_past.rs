//! What a credit node's contract told of payers, read back from the events of finalized blocks (S1.8).
use async_trait::async_trait;
use protocol::{
    credit::{CreditRequest, Limits, NodeLimit, PayoutBlock},
    settlement::Asset,
    AccountId, Amount, RequestId, Timestamp,
};
use tokio::sync::Mutex;

use super::{
    bundle::{Bundle, BundleError},
    contracts::Contract,
    events::{decode, time_of, ContractEvents, Emitted},
    Chain, ChainError, Follower,
};
use crate::credit::{
    past::{CreditPast, Event, Past, When},
    ports::LedgerError,
    score::{Record, ScoredBlock},
};

/// The blocks whose events are in memory at once. What was read stays read when the reader is interrupted between two
/// portions: a request that takes too long is shorter the next time.
const PORTION: u32 = 512;

/// The events that are read, as the contract names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Reserved,
    Released,
    Expired,
    Committed,
    FellOverdue,
    Repaid,
}

const KINDS: [(&str, Kind); 6] = [
    ("Reserved", Kind::Reserved),
    ("Released", Kind::Released),
    ("Expired", Kind::Expired),
    ("Committed", Kind::Committed),
    ("FellOverdue", Kind::FellOverdue),
    ("Repaid", Kind::Repaid),
];

/// Reads a credit contract's events, each block's once.
pub struct ChainCreditPast {
    chain: Chain,
    follower: Follower,
    credit: Contract,
    events: ContractEvents<Kind>,
    read: Mutex<Read>,
}

/// What was read.
#[derive(Default)]
struct Read {
    /// Up to this block, which is finalized.
    through: u32,
    past: Past,
}

impl ChainCreditPast {
    /// The events of the contract at `credit`, whose metadata is in `bundle`.
    ///
    /// # Errors
    /// The bundle is of a version that lacks one of them.
    pub fn new(chain: Chain, follower: Follower, credit: AccountId, bundle: &Bundle) -> Result<Self, BundleError> {
        let events = ContractEvents::new(chain.clone(), credit, bundle, KINDS)?;
        Ok(Self {
            chain: chain.clone(),
            follower: follower.clone(),
            // A question needs no key: the contract asks itself.
            credit: Contract::new(chain, follower, credit, credit),
            events,
            read: Mutex::default(),
        })
    }

    /// A finalized block by its number.
    ///
    /// # Errors
    /// It isn't finalized, or the chain can't be read.
    pub async fn block(&self, number: u32) -> Result<ScoredBlock, LedgerError> {
        let head = self.follower.head().number;
        if number > head {
            return Err(LedgerError::Rejected(format!(
                "block {number} isn't finalized: the latest block that is has the number {head}"
            )));
        }
        let hash = self.chain.block_hash(number).await?;
        let time = time_of(&self.chain, number, hash).await?;
        Ok(ScoredBlock { number, hash, time })
    }

    /// A payer's record at a finalized block, with a window of so many milliseconds before it.
    ///
    /// # Errors
    /// The contract wasn't there yet, or the chain can't be read.
    pub async fn record_at(
        &self,
        block: &ScoredBlock,
        payer: AccountId,
        asset: Asset,
        window: Timestamp,
    ) -> Result<Record, LedgerError> {
        let until = When {
            block: block.number,
            time: block.time,
        };
        let mut read = self.read.lock().await;
        self.read_through(&mut read, block.number).await?;
        Ok(read.past.record(payer, asset, until, window))
    }

    /// The credit node's limit for a payer, as it stands at a block.
    ///
    /// # Errors
    /// The chain can't be read.
    pub async fn node_limit_at(
        &self,
        block: &ScoredBlock,
        payer: AccountId,
        asset: Asset,
    ) -> Result<NodeLimit, LedgerError> {
        // It is the same whoever the payee is.
        let limits: Limits = self
            .credit
            .read_at("limits", &(payer, payer, asset), block.hash)
            .await?;
        Ok(limits.node)
    }

    /// Reads what wasn't read yet, up to a finalized block.
    async fn read_through(&self, read: &mut Read, last: u32) -> Result<(), LedgerError> {
        if read.through == 0 {
            read.through = self.events.first_block(last).await?.saturating_sub(1);
        }
        while read.through < last {
            let from = read.through.saturating_add(1);
            let to = read.through.saturating_add(PORTION).min(last);
            for (when, event) in self.told(from, to).await? {
                if let Err(gap) = read.past.take(when, event) {
                    // Half of the portion is taken in: the next reader begins anew.
                    *read = Read::default();
                    return Err(LedgerError::Rejected(gap.to_string()));
                }
            }
            read.through = to;
        }
        Ok(())
    }

    async fn told(&self, from: u32, to: u32) -> Result<Vec<(When, Event)>, LedgerError> {
        let told = |(one, time): (Emitted<Kind>, Timestamp)| {
            let when = When {
                block: one.block.number,
                time,
            };
            Ok((when, event(one.kind, &one.data)?))
        };
        self.events.timed(from, to).await?.into_iter().map(told).collect()
    }
}

fn event(kind: Kind, data: &[u8]) -> Result<Event, ChainError> {
    Ok(match kind {
        Kind::Reserved => {
            let (id, request) = decode::<(RequestId, CreditRequest)>(data)?;
            Event::Reserved {
                id,
                payer: request.payer,
                asset: request.debt.asset,
                amount: request.amount,
            }
        }
        Kind::Released | Kind::Expired => Event::Ended(decode(data)?),
        Kind::Committed => {
            let (id, _, due_at) = decode::<(RequestId, PayoutBlock, Timestamp)>(data)?;
            Event::Committed { id, due_at }
        }
        Kind::FellOverdue => {
            let (id, _, late_fee) = decode::<(RequestId, Amount, Amount)>(data)?;
            Event::FellOverdue { id, late_fee }
        }
        Kind::Repaid => {
            let (id, _, principal, late_fee) = decode::<(RequestId, AccountId, Amount, Amount)>(data)?;
            Event::Repaid {
                id,
                principal,
                late_fee,
            }
        }
    })
}

#[async_trait]
impl CreditPast for ChainCreditPast {
    fn genesis(&self) -> [u8; 32] {
        self.chain.genesis()
    }

    fn credit(&self) -> AccountId {
        self.credit.address()
    }

    async fn record(
        &self,
        payer: AccountId,
        asset: Asset,
        window: Timestamp,
    ) -> Result<(ScoredBlock, Record), LedgerError> {
        let head = self.follower.head();
        let block = ScoredBlock {
            number: head.number,
            hash: head.hash,
            time: head.timestamp,
        };
        Ok((block, self.record_at(&block, payer, asset, window).await?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use protocol::credit::Leg;
    use scale::Encode;

    use super::*;

    const ID: RequestId = RequestId([1; 32]);

    /// What the contract's events hold, field by field.
    #[test]
    fn events_are_read_as_the_contract_lays_them_out() {
        let leg = |number, asset| Leg {
            genesis: [number; 32],
            contract: AccountId([9; 32]),
            asset,
        };
        let token = Asset::Psp22(AccountId([5; 32]));
        let request = CreditRequest {
            nonce: [0; 16],
            payer: AccountId([3; 32]),
            payee: AccountId([4; 32]),
            debt: leg(1, token),
            payout: leg(2, Asset::Native),
            amount: 100,
            goods: "tyres".into(),
            pay_by: 1,
            expires_at: 2,
            due_at: 3,
            late_fee: 7,
        };
        let reserved = Event::Reserved {
            id: ID,
            payer: AccountId([3; 32]),
            asset: token,
            amount: 100,
        };
        let payout = PayoutBlock {
            number: 8,
            hash: [8; 32],
        };
        let repaid = Event::Repaid {
            id: ID,
            principal: 60,
            late_fee: 7,
        };
        for (kind, data, expected) in [
            (Kind::Reserved, (ID, request).encode(), reserved),
            (Kind::Released, ID.encode(), Event::Ended(ID)),
            (Kind::Expired, ID.encode(), Event::Ended(ID)),
            (
                Kind::Committed,
                (ID, payout, 9_u64).encode(),
                Event::Committed { id: ID, due_at: 9 },
            ),
            (
                Kind::FellOverdue,
                (ID, 100_u128, 7_u128).encode(),
                Event::FellOverdue { id: ID, late_fee: 7 },
            ),
            (Kind::Repaid, (ID, AccountId([3; 32]), 60_u128, 7_u128).encode(), repaid),
        ] {
            assert_eq!(event(kind, &data).unwrap(), expected);
            assert!(event(kind, &data[1..]).is_err(), "{kind:?} without its first byte");
        }
    }
}
