//! What the institution's own database has for a report.
use protocol::{
    ids::TradeId,
    reconciliation::{BookId, Day, Side, Terms},
    AccountId, VoucherId,
};

use super::{Corrected, Place};
use crate::{
    reconciliation::{
        line::{decode_lines, ChainEntry, Line},
        messages::SignedStatement,
    },
    store::{
        books::{KnownClosing, KnownCorrection},
        Store, StoreError,
    },
};

/// What is kept of the books of a contract.
#[derive(Clone, Debug)]
pub struct Kept {
    store: Store,
    contract: AccountId,
}

impl Kept {
    /// Of this contract.
    pub const fn new(store: Store, contract: AccountId) -> Self {
        Self { store, contract }
    }

    /// Up to which finalized block the chain was read; `None` before the first.
    pub(super) async fn read_through(&self) -> Result<Option<u32>, StoreError> {
        self.store.reconciliation_cursor(self.contract).await
    }

    /// What both sides signed.
    pub(super) async fn terms(&self, book: BookId) -> Result<Option<Terms>, StoreError> {
        Ok(self.store.known_book(book).await?.map(|known| known.terms))
    }

    /// How a day was closed; `None` while it isn't.
    pub(super) async fn closing(&self, book: BookId, day: Day) -> Result<Option<KnownClosing>, StoreError> {
        self.store.chain_closing(book, day).await
    }

    /// The chain's entries of a day, those that came to nothing included, ascending by trade, after one.
    pub(super) async fn entries(
        &self,
        book: BookId,
        day: Day,
        after: Option<TradeId>,
        limit: u32,
    ) -> Result<Vec<ChainEntry>, StoreError> {
        self.store.all_chain_entries(book, day, after, limit).await
    }

    /// The chain's entries of other days of which a correction counts on this one, ascending by trade, after one.
    pub(super) async fn corrected_on(
        &self,
        book: BookId,
        day: Day,
        after: Option<TradeId>,
        limit: u32,
    ) -> Result<Vec<ChainEntry>, StoreError> {
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut found: Vec<ChainEntry> = Vec::new();
        // Behind all corrections of that entry.
        let mut after = after.map(|trade| (trade, u32::MAX));
        while found.len() < most {
            let corrections = self.store.chain_corrections(book, day, after, limit).await?;
            let Some(last) = corrections.last() else { break };
            after = Some((last.correction.trade, u32::MAX));
            let mut trades: Vec<TradeId> = corrections.iter().map(|known| known.correction.trade).collect();
            trades.dedup();
            for trade in trades {
                let entry = self.store.chain_entry(book, trade).await?;
                found.extend(entry.filter(|entry| entry.day != day));
            }
        }
        Ok(found)
    }

    /// All corrections of an entry, in order.
    pub(super) async fn corrections(&self, book: BookId, trade: TradeId) -> Result<Vec<Corrected>, StoreError> {
        let mut corrections = Vec::new();
        for number in 0.. {
            let Some(known) = self.store.chain_correction(book, trade, number).await? else {
                break;
            };
            corrections.push(known.into());
        }
        Ok(corrections)
    }

    /// A side's signed statement with this digest.
    pub(super) async fn statement(
        &self,
        book: BookId,
        day: Day,
        side: Side,
        digest: [u8; 32],
    ) -> Result<Option<SignedStatement>, StoreError> {
        let kept = self.store.statement(book, side, day, &digest).await?;
        Ok(kept.and_then(|kept| kept.signed()))
    }

    /// A page of a statement, from 0; `None` behind the last.
    pub(super) async fn page(
        &self,
        book: BookId,
        side: Side,
        digest: [u8; 32],
        page: u64,
    ) -> Result<Option<Vec<Line>>, StoreError> {
        let page = self.store.statement_page(book, side, &digest, page).await?;
        let read = |page: Vec<u8>| {
            decode_lines(&page).map_err(|error| StoreError::Corrupt {
                what: "page of a statement",
                why: error.to_string(),
            })
        };
        page.map(read).transpose()
    }

    /// The voucher that a closed day was paid by, where it is cleared.
    pub(super) async fn paid_by(&self, book: BookId, day: Day) -> Result<Option<VoucherId>, StoreError> {
        Ok(self.store.book_day(book, day).await?.and_then(|row| row.voucher))
    }
}

impl From<KnownCorrection> for Corrected {
    fn from(known: KnownCorrection) -> Self {
        Self {
            correction: known.correction,
            before: known.before,
            at: Place {
                block: known.block,
                block_hash: known.block_hash,
                event: known.event,
            },
        }
    }
}
