//! What this institution answers to the others of a book. Every question may be repeated.
use std::time::Duration;

use protocol::Member;

use super::{
    line::{self, Line},
    messages::{
        ClosingProposal, CoSigned, CorrectionProposal, Delivery, PageRequest, SignedStatement, StatementRequest,
    },
    Reconciliation, ReconciliationError,
};
use crate::store::StoreError;

/// How long who asks for a statement waits for this side to see the block that it is of.
const BLOCK_WAIT: Duration = Duration::from_secs(5);

impl Reconciliation {
    /// Takes what a book's client tells of (S3.1), each entry once.
    ///
    /// # Errors
    /// It isn't the client's to tell, or it told otherwise before.
    pub async fn on_delivery(&self, from: Member, delivery: &Delivery) -> Result<(), ReconciliationError> {
        self.books.on_delivery(from, delivery).await?;
        self.changed();
        Ok(())
    }

    /// What this side's book says of a day (S3.2), once it has seen the block and booked what was corrected by then.
    ///
    /// # Errors
    /// Who asks isn't the other side, the block isn't seen in time, or the database failed.
    pub async fn on_statement(
        &self,
        from: Member,
        request: &StatementRequest,
    ) -> Result<SignedStatement, ReconciliationError> {
        self.ensure_known(request.book).await?;
        self.seat_opposite(request.book, from).await?;
        let seen = tokio::time::timeout(BLOCK_WAIT, async {
            loop {
                let next = self.ledger.next_block();
                if self.catch_up().await? >= request.block {
                    return Ok::<_, ReconciliationError>(());
                }
                next.await;
            }
        });
        seen.await
            .map_err(|_| ReconciliationError::NotYet("this side hasn't seen the block"))??;
        let seat = self.seat_opposite(request.book, from).await?;
        self.note_asked(&seat, request.day).await?;
        self.own_statement(&seat, request.day).await
    }

    /// A page of a statement that this side signed.
    ///
    /// # Errors
    /// Who asks isn't the other side, there is no such page, or the database failed.
    pub async fn on_page(&self, from: Member, request: &PageRequest) -> Result<Vec<Line>, ReconciliationError> {
        let seat = self.seat_opposite(request.book, from).await?;
        let page = self
            .store
            .statement_page(seat.book, seat.side, &request.digest, request.page)
            .await?;
        let page = page.ok_or(ReconciliationError::UnknownPage)?;
        let lines = line::decode_lines(&page).map_err(|error| StoreError::Corrupt {
            what: "page of a book",
            why: error.to_string(),
        })?;
        Ok(lines)
    }

    /// The other side proposes a correction (S3.4).
    ///
    /// # Errors
    /// Who asks isn't the other side or didn't sign, or the chain or the database failed. What speaks against the correction is
    /// in the answer.
    pub async fn on_correction(
        &self,
        from: Member,
        proposal: &CorrectionProposal,
    ) -> Result<CoSigned, ReconciliationError> {
        let book = proposal.correction.book;
        self.ensure_known(book).await?;
        self.catch_up().await?;
        let seat = self.seat_opposite(book, from).await?;
        self.judge_correction(&seat, proposal).await
    }

    /// The credit side proposes to close a day (S3.5).
    ///
    /// # Errors
    /// As [`Reconciliation::on_correction`].
    pub async fn on_closing(&self, from: Member, proposal: &ClosingProposal) -> Result<CoSigned, ReconciliationError> {
        let book = proposal.closing.book;
        self.ensure_known(book).await?;
        self.catch_up().await?;
        let seat = self.seat_opposite(book, from).await?;
        if seat.leads() {
            return Err(ReconciliationError::NotTheOtherSide(from, book));
        }
        self.judge_closing(&seat, proposal).await
    }

    /// A book that was opened a moment ago may not have been read.
    async fn ensure_known(&self, book: protocol::reconciliation::BookId) -> Result<(), ReconciliationError> {
        if self.store.known_book(book).await?.is_none() {
            self.books.follow().await?;
        }
        Ok(())
    }
}
