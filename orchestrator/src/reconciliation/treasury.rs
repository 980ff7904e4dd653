//! Pays what days come to as a credit transfer of one of the institution's own users, through settlement and clearing (S3.5).
use std::sync::Arc;

use async_trait::async_trait;
use protocol::{ids::content_id, settlement::TransactionKind, AccountId, Member, Timestamp};

use super::ports::{Clock, Paid, PaymentOrder, PeerError, Treasury};
use crate::{
    identity::SigningKey,
    settlement::{
        messages::{PaymentRequest, SignedPaymentRequest},
        Payment, Settlement, SettlementError,
    },
    store::Store,
};

/// How long a payment may take, in milliseconds: one that wasn't retained by then came to nothing.
const LIFETIME: Timestamp = 3_600_000;

/// Who pays.
pub struct UserTreasury {
    /// This institution's index in the registry.
    pub member: Member,
    /// The number of the user whose account is debited.
    pub user: String,
    /// That user's key.
    pub key: SigningKey,
    /// The chain's genesis hash: part of what the user signs.
    pub genesis: [u8; 32],
    /// The clearing contract's account: part of what the user signs.
    pub clearing: AccountId,
    /// Where payments are requested.
    pub settlement: Arc<Settlement>,
    /// Where requests are kept, before they are handed in.
    pub store: Store,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl Treasury for UserTreasury {
    /// A crash at any point is harmless: the signed request is stored first, and the same request is one payment.
    async fn pay(&self, order: &PaymentOrder) -> Result<Paid, PeerError> {
        let later = |why: String| PeerError::Unreachable {
            member: self.member,
            why,
        };
        let kept = self.store.book_payment(&order.closing, order.attempt).await;
        let request = match kept.map_err(|error| later(error.to_string()))? {
            Some(kept) => kept,
            None => {
                let made = self.request(order);
                let kept = self.store.keep_book_payment(&order.closing, order.attempt, &made).await;
                kept.map_err(|error| later(error.to_string()))?
            }
        };
        match self.settlement.request_payment(request).await {
            Ok(payment) => Ok(came_to(&payment)),
            Err(error @ (SettlementError::Ledger(_) | SettlementError::Store(_))) => Err(later(error.to_string())),
            Err(error) => Ok(Paid::Failed(error.to_string())),
        }
    }
}

impl UserTreasury {
    fn request(&self, order: &PaymentOrder) -> SignedPaymentRequest {
        let digest = content_id(b"quittance/book-payment", &(order.closing, order.attempt));
        let mut nonce = [0; 16];
        nonce.iter_mut().zip(digest).for_each(|(byte, of)| *byte = of);
        let request = PaymentRequest {
            nonce,
            originator: self.member,
            home: self.member,
            user: self.user.clone(),
            wallet: self.key.account(),
            kind: TransactionKind::CreditTransfer(order.to),
            beneficiary: Some(order.beneficiary.clone()),
            others: Vec::new(),
            asset: order.asset,
            amount: order.amount,
            expires_at: self.clock.now().saturating_add(LIFETIME),
        };
        let signature = self.key.sign(&request.payload(self.genesis, self.clearing));
        SignedPaymentRequest { request, signature }
    }
}

fn came_to(payment: &Payment) -> Paid {
    if !payment.is_final {
        return Paid::Pending;
    }
    match (&payment.refusal, payment.state.as_str()) {
        (_, "cleared") => Paid::Cleared(payment.id),
        (Some(refusal), _) => Paid::Failed(format!("member {} refused: {}", refusal.signed.member, refusal.detail)),
        (None, state) => Paid::Failed(format!("the payment {} is {state}", payment.id)),
    }
}

/// Nobody: the institution pays nothing for books.
pub struct NoTreasury;

#[async_trait]
impl Treasury for NoTreasury {
    async fn pay(&self, _: &PaymentOrder) -> Result<Paid, PeerError> {
        Ok(Paid::Failed(
            "nobody here pays what days come to: set [reconciliation.treasury] in the configuration, then pay the day again"
                .to_owned(),
        ))
    }
}
