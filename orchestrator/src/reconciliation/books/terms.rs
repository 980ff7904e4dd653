//! How two institutions open a book: each signs the same terms, and either hands both signatures in.
use protocol::{
    reconciliation::{BookId, Terms},
    Member, Signature, Timestamp,
};

use super::BooksError;
use crate::reconciliation::{
    ports::{Act, Block, LedgerError},
    schedule::Clocks,
    Reconciliation,
};

/// Terms, as one side signed them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTerms {
    /// What is signed.
    pub terms: Terms,
    /// The registry's epoch at signing.
    pub epoch: u32,
    /// Good strictly before, in milliseconds since 1970.
    pub expires_at: Timestamp,
    /// Whose signature it is.
    pub member: Member,
    /// This institution's.
    pub signature: Signature,
    /// The book of these terms, if it is open already.
    pub book: Option<BookId>,
}

/// Terms with both sides' signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreedTerms {
    /// What both signed.
    pub terms: Terms,
    /// The registry's epoch at signing.
    pub epoch: u32,
    /// Good strictly before, in milliseconds since 1970.
    pub expires_at: Timestamp,
    /// The debit side's.
    pub debit: Signature,
    /// The credit side's.
    pub credit: Signature,
}

impl Reconciliation {
    /// Signs a book's terms in this institution's name. Signing is all that happens: nothing is sent.
    ///
    /// # Errors
    /// The terms can't hold, this institution is neither side in them, or the registry can't be read.
    pub async fn sign_terms(&self, terms: Terms, expires_at: Timestamp) -> Result<SignedTerms, BooksError> {
        let member = self.member();
        terms.check().map_err(LedgerError::Refused)?;
        if ![terms.debit, terms.credit].contains(&member) {
            return Err(BooksError::NotInTerms);
        }
        // Who doesn't know the zone can't tell the book's days.
        Clocks::of(&terms.zone)?;
        let set = self.ledger.signers(&[terms.debit, terms.credit, terms.client]).await?;
        let payload = terms.payload(&self.domain(set.epoch), expires_at);
        Ok(SignedTerms {
            epoch: set.epoch,
            expires_at,
            member,
            signature: self.key.sign(&payload),
            book: self.ledger.book_of(terms.id()).await?,
            terms,
        })
    }

    /// Opens a book on chain; `None` instead of the block where it is open already. `key` names the wish.
    ///
    /// # Errors
    /// Contract or chain refuse.
    pub async fn open_book(&self, key: &str, agreed: AgreedTerms) -> Result<(BookId, Option<Block>), BooksError> {
        let id = agreed.terms.id();
        if let Some(book) = self.ledger.book_of(id).await? {
            return Ok((book, None));
        }
        let act = Act::OpenBook {
            terms: agreed.terms,
            epoch: agreed.epoch,
            expires_at: agreed.expires_at,
            debit: agreed.debit,
            credit: agreed.credit,
        };
        let block = self.ledger.carry_out(key, &act).await?;
        let book = self.ledger.book_of(id).await?;
        let book = book.ok_or(BooksError::NotYet("the book isn't on the finalized chain"))?;
        self.books.follow().await?;
        Ok((book, Some(block)))
    }
}
