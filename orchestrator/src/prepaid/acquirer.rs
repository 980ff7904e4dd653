//! The acquirer's side of a terminal's order (S4.3): kept, passed on to the card issuer until it is answered for good.
use std::time::Duration;

use protocol::{
    prepaid::{self, MerchantNumber},
    AccountId, Member,
};
use tokio::time::Instant;

use super::{
    desk::merchant_of,
    messages::{IssuerFacts, OrderAnswer, SealedOrder, TerminalMessage},
    ports::PrepaidLedger,
    sealed::MAX_SEALED,
    Prepaid, PrepaidError,
};
use crate::{
    identity::verify,
    settlement::failpoints,
    store::prepaid::{MessageAnswer, MessageRow},
};

/// How long a terminal waits for the final answer, before it is told to ask again.
const TERMINAL_WAIT: Duration = Duration::from_secs(if cfg!(test) { 0 } else { 5 });
/// How long an issuer's word counts on to whom its orders are sealed.
const FRESH: Duration = Duration::from_secs(60);

impl Prepaid {
    /// What a terminal has to know of a card issuer.
    ///
    /// # Errors
    /// The issuer is unknown here, or neither it nor the chain can be reached.
    pub async fn issuer_facts(&self, issuer: Member) -> Result<IssuerFacts, PrepaidError> {
        let ledger = self.ledger(issuer)?;
        Ok(IssuerFacts {
            issuer,
            genesis: ledger.genesis(),
            contract: ledger.contract(),
            recipient: self.recipient_of(issuer).await?,
            asset: ledger.constants().await?.asset,
        })
    }

    async fn recipient_of(&self, issuer: Member) -> Result<String, PrepaidError> {
        if issuer == self.member {
            return self.recipient();
        }
        // One question at a time: who waits finds the answer.
        let mut known = self.recipients.lock().await;
        if let Some((asked, recipient)) = known.get(&issuer) {
            if asked.elapsed() < FRESH {
                return Ok(recipient.clone());
            }
        }
        match self.issuers.recipient(issuer).await {
            Ok(recipient) => {
                known.insert(issuer, (Instant::now(), recipient.clone()));
                Ok(recipient)
            }
            // It doesn't change often; with another key it would decline.
            Err(error) => match known.get(&issuer) {
                Some((_, recipient)) => Ok(recipient.clone()),
                None => Err(error.into()),
            },
        }
    }

    /// Takes what a terminal sends, and waits a moment for what becomes of it. The same order again gets the same answer, or
    /// the final one where it was pending.
    ///
    /// # Errors
    /// The message isn't in order, the issuer is unknown here, or the database or the chain failed. What becomes of the order
    /// itself is in the answer.
    pub async fn on_message(&self, message: &TerminalMessage) -> Result<OrderAnswer, PrepaidError> {
        let ledger = self.ledger(message.issuer)?;
        if message.sealed.len() > MAX_SEALED {
            return Err(PrepaidError::OrderTooLong { limit: MAX_SEALED });
        }
        let payload = message.payload(&prepaid::domain(ledger.genesis(), ledger.contract()));
        if !verify(&message.terminal.0, &payload, &message.signature) {
            return Err(PrepaidError::BadTerminalSignature(message.terminal));
        }
        let (issuer, reference, terminal) = (message.issuer, message.reference, message.terminal);
        if self
            .store
            .terminal_message(issuer, &reference, terminal)
            .await?
            .is_none()
        {
            let merchant = self.merchant_with(ledger, terminal).await?;
            self.pass_on(message, merchant).await?;
        }
        let look = || async move {
            let row = self.store.terminal_message(issuer, &reference, terminal).await?;
            Ok::<_, PrepaidError>(row.and_then(|row| row.answer))
        };
        self.wait_for(TERMINAL_WAIT, look).await
    }

    /// Whose terminal it is; revoked ones too, whose orders are declined by the contract.
    async fn merchant_with(
        &self,
        ledger: &dyn PrepaidLedger,
        terminal: AccountId,
    ) -> Result<MerchantNumber, PrepaidError> {
        let not_ours = || PrepaidError::NotOurTerminal(terminal);
        let known = ledger.terminals(&[terminal]).await?.into_iter().flatten().next();
        let merchant = known.ok_or_else(not_ours)?.merchant;
        if merchant_of(ledger, merchant).await?.acquirer != self.member {
            return Err(not_ours());
        }
        Ok(merchant)
    }

    /// A crash before it is kept is a message that was lost; after it, an order that goes on by itself.
    async fn pass_on(&self, message: &TerminalMessage, merchant: MerchantNumber) -> Result<(), PrepaidError> {
        failpoints::reach("prepaid.acquirer.message.acting".to_owned()).await;
        let row = MessageRow {
            issuer: message.issuer,
            reference: message.reference,
            terminal: message.terminal,
            merchant,
            sealed: message.sealed.clone(),
            answer: None,
            created_at: self.now(),
            answered_at: None,
        };
        self.keeping.message(row).await?;
        failpoints::reach("prepaid.acquirer.message.acted".to_owned()).await;
        self.changed();
        Ok(())
    }

    /// Passes an order on to its issuer, again and again until the answer is final. Every question may be repeated.
    pub(super) async fn forward(&self, row: MessageRow) -> Result<(), PrepaidError> {
        failpoints::reach("prepaid.acquirer.forward.acting".to_owned()).await;
        let order = SealedOrder {
            reference: row.reference,
            terminal: row.terminal,
            sealed: row.sealed,
        };
        let answer = if row.issuer == self.member {
            self.on_order(self.member, &order).await?
        } else {
            self.issuers.hand_in(row.issuer, &order).await?
        };
        if !answer.is_final() {
            return Err(PrepaidError::NotYet("the issuer hasn't decided"));
        }
        failpoints::reach("prepaid.acquirer.forward.acted".to_owned()).await;
        let answered = MessageAnswer {
            issuer: row.issuer,
            reference: row.reference,
            terminal: row.terminal,
            answer,
            at: self.now(),
        };
        self.keeping.answer(answered).await?;
        self.moved();
        Ok(())
    }
}
