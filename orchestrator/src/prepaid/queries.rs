//! Who may ask what (S4.5): the holder about its own card, by its signature; a merchant about what it took; the regulator
//! about everything. Answered from the chain, not from the issuer's database. Knows no HTTP.
use std::{collections::BTreeMap, sync::Arc};

use protocol::{
    prepaid::{self, CardNumber, CardQuery, MerchantNumber},
    signing::Domain,
    Member, Signature, Timestamp,
};

use super::{
    book::Book,
    past::{BookBlock, LedgerError, PrepaidPast},
    report::{
        coverage,
        views::{HolderView, MerchantView},
        Parameters, Report, Span,
    },
    statements::{MerchantStatement, StatementError, Subject},
};
use crate::{chain::deployment::to_ss58, identity::keys::verify};

/// How old a holder's question may be, or how far ahead its clock, in milliseconds.
pub const QUERY_MARGIN: Timestamp = 5 * 60 * 1_000;

/// There is no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// This institution has nothing to do with its cards.
    #[error("this institution has nothing to do with the cards of member {0}")]
    UnknownIssuer(Member),
    /// No such card.
    #[error("there is no card {}", .0.0)]
    UnknownCard(CardNumber),
    /// The question is too old, or of another time.
    #[error("the question was asked at {asked_at}, and it is {now} (milliseconds since 1970): ask again")]
    Stale {
        /// As it is signed.
        asked_at: Timestamp,
        /// By this clock.
        now: Timestamp,
    },
    /// The holder didn't sign it.
    #[error("the holder of card {} didn't sign this question for the contract {}", card.0, to_ss58(contract))]
    BadHolderSignature {
        /// Which card.
        card: CardNumber,
        /// The contract that the answer would be from.
        contract: protocol::AccountId,
    },
    /// There is no such statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The chain can't be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Answers from the pasts of the issuers' contracts that an institution has to do with.
#[derive(Clone, Default)]
pub struct CardBooks(Arc<BTreeMap<Member, Queries>>);

impl CardBooks {
    /// By each issuer's index in the registry, what its contract told.
    pub fn new(pasts: BTreeMap<Member, Arc<dyn PrepaidPast>>) -> Self {
        let queries = pasts.into_iter().map(|(issuer, past)| (issuer, Queries::new(past)));
        Self(Arc::new(queries.collect()))
    }

    /// An issuer's.
    ///
    /// # Errors
    /// `UnknownIssuer`.
    pub fn of(&self, issuer: Member) -> Result<&Queries, QueryError> {
        self.0.get(&issuer).ok_or(QueryError::UnknownIssuer(issuer))
    }
}

/// Answers from one contract's past.
#[derive(Clone)]
pub struct Queries {
    past: Arc<dyn PrepaidPast>,
}

impl Queries {
    /// Of this contract.
    pub fn new(past: Arc<dyn PrepaidPast>) -> Self {
        Self { past }
    }

    /// A card, for its holder, who signed the question. `now` is by the clock on the wall.
    ///
    /// # Errors
    /// `Stale`, `UnknownCard`, `BadHolderSignature`, `Statement`, `Ledger`.
    pub async fn holder(
        &self,
        query: &CardQuery,
        signature: &Signature,
        now: Timestamp,
    ) -> Result<(BookBlock, HolderView), QueryError> {
        let asked_at = query.asked_at;
        if now.abs_diff(asked_at) > QUERY_MARGIN {
            return Err(QueryError::Stale { asked_at, now });
        }
        let (block, book) = self.book().await?;
        let card = book.card(query.card).ok_or(QueryError::UnknownCard(query.card))?;
        let payload = query.payload(&self.domain());
        if !verify(&card.card.holder.0, &payload, signature) {
            return Err(QueryError::BadHolderSignature {
                card: query.card,
                contract: self.past.contract(),
            });
        }
        let view = HolderView::of(&book, query.card)?;
        Ok((block, view.ok_or(QueryError::UnknownCard(query.card))?))
    }

    /// What a merchant took, in one cycle or in all. Whoever asks for it speaks for the merchant: that is for the caller to
    /// make sure of.
    ///
    /// # Errors
    /// `Statement` (`UnknownMerchant`), `Ledger`.
    pub async fn merchant(
        &self,
        merchant: MerchantNumber,
        cycle: Option<u32>,
    ) -> Result<(BookBlock, MerchantView), QueryError> {
        let (block, book) = self.book().await?;
        let view = MerchantView::of(&book, merchant, cycle);
        Ok((block, view.ok_or(StatementError::UnknownMerchant(merchant))?))
    }

    /// A merchant's statement of a closed cycle, with what was told otherwise on the chain.
    ///
    /// # Errors
    /// `Statement`, `Ledger`.
    pub async fn statement(&self, merchant: MerchantNumber, cycle: u32) -> Result<MerchantStatement, QueryError> {
        let (_, book) = self.book().await?;
        Ok(MerchantStatement::of(&book, self.subject().await?, merchant, cycle)?)
    }

    /// The regulator's report up to the latest finalized block. The float is looked up after that block, and after each
    /// block of the span that changed it, if `covers_span`.
    ///
    /// # Errors
    /// `Ledger`.
    pub async fn report(&self, span: Span, parameters: Parameters, covers_span: bool) -> Result<Report, QueryError> {
        let (until, book) = self.book().await?;
        let mut blocks: Vec<u32> = if covers_span { book.float_changes(&span) } else { vec![] };
        blocks.retain(|block| *block < until.number);
        blocks.push(until.number);
        let coverage = coverage::check(&*self.past, &book, blocks, &|| ()).await?;
        let subject = self.subject().await?;
        Ok(Report::of(&book, subject, until, span, parameters, coverage))
    }

    /// Whose programme it is.
    ///
    /// # Errors
    /// The chain can't be read.
    pub async fn subject(&self) -> Result<Subject, LedgerError> {
        let constants = self.past.constants().await?;
        Ok(Subject {
            genesis: self.past.genesis(),
            contract: self.past.contract(),
            issuer: constants.issuer,
            asset: constants.asset,
        })
    }

    async fn book(&self) -> Result<(BookBlock, Arc<Book>), LedgerError> {
        let block = self.past.block(None).await?;
        Ok((block, self.past.book(block).await?))
    }

    fn domain(&self) -> Domain {
        prepaid::domain(self.past.genesis(), self.past.contract())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        identity::SigningKey,
        prepaid::{
            statements::tests::full,
            world::{payment, World},
        },
    };

    /// Card 7 is the holder's whose key this is.
    pub(crate) fn world(holder: &SigningKey) -> World {
        let mut world = full();
        for (_, event) in &mut world.told {
            if let crate::prepaid::past::Event::CardIssued { holder: whose, .. } = event {
                *whose = holder.account();
            }
        }
        world
    }

    pub(crate) fn signed(key: &SigningKey, card: u64, asked_at: Timestamp, world: &World) -> (CardQuery, Signature) {
        let query = CardQuery {
            card: CardNumber(card),
            asked_at,
        };
        let domain = prepaid::domain(world.genesis(), world.contract());
        let signature = key.sign(&query.payload(&domain));
        (query, signature)
    }

    #[tokio::test]
    async fn only_the_holder_sees_a_card_and_only_for_some_minutes() {
        let (ours, other) = (SigningKey::generate(), SigningKey::generate());
        let world = world(&ours);
        let queries = Queries::new(Arc::new(world.clone()));
        let now = 1_000_000_000;
        let ask = |key: &SigningKey, card, asked_at| {
            let (query, signature) = signed(key, card, asked_at, &world);
            let queries = queries.clone();
            async move { queries.holder(&query, &signature, now).await }
        };
        let (block, view) = ask(&ours, 7, now - QUERY_MARGIN).await.unwrap();
        assert_eq!((block.number, view.card.balance), (world.block, 500));
        let stranger = ask(&other, 7, now).await.unwrap_err();
        assert!(matches!(stranger, QueryError::BadHolderSignature { .. }), "{stranger}");
        for asked_at in [now - QUERY_MARGIN - 1, now + QUERY_MARGIN + 1] {
            let stale = ask(&ours, 7, asked_at).await.unwrap_err();
            assert!(matches!(stale, QueryError::Stale { .. }), "{stale}");
        }
        let unknown = ask(&ours, 8, now).await.unwrap_err();
        assert!(matches!(unknown, QueryError::UnknownCard(CardNumber(8))), "{unknown}");
    }

    #[tokio::test]
    async fn merchants_and_regulators_are_answered_from_the_same_book() {
        let mut world = full();
        world.pay(payment(7, 8, 20));
        let queries = Queries::new(Arc::new(world.clone()));
        let (_, view) = queries.merchant(MerchantNumber(3), None).await.unwrap();
        let statement = queries.statement(MerchantNumber(3), 0).await.unwrap();
        let report = queries
            .report(Span::default(), Parameters::default(), true)
            .await
            .unwrap();
        assert_eq!((view.payments.len(), statement.lines.len()), (4, 9));
        assert_eq!(report.totals.payments.count, 4);
        assert_eq!((report.coverage.blocks, report.findings()), (5, 0));
        assert!(queries.merchant(MerchantNumber(4), None).await.is_err());
        assert!(queries.statement(MerchantNumber(3), 1).await.is_err());
    }
}
