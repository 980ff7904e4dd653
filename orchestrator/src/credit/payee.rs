//! The payee's side: whether it takes a payment on credit, by policy or by a person, and its receipt (S1.6, S1.7, S1.10).
use std::{fmt, str::FromStr, sync::Arc};

use protocol::{credit::receipt, settlement::Asset, AccountId, Amount, Member, RequestId, Signature, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    messages::{ArrivalAnswer, ArrivalRequest, ConsentAnswer, ConsentRequest},
    ports::{Clock, PayeeLedger},
    CreditError,
};
use crate::{
    identity::{verify, SigningKey},
    store::{
        credit::{ConsentRow, Decided},
        Page, Store,
    },
};

/// Who decided where a rule did, and what the payer is told where none takes it.
const POLICY: &str = "policy";
const NO_RULE: &str = "no rule of the payee's takes it";
/// How long from now a payer may give the credit node to pay, in milliseconds: thirty days.
const LONGEST: Timestamp = 2_592_000_000;
/// The longest certificate that is taken, in bytes, and the longest reason of a refusal.
const MAX_CERTIFICATE: usize = 16 * 1024;
const MAX_REASON: usize = 1_000;

/// What a payee decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Nothing yet: a person does.
    Pending,
    /// It takes the payment.
    Accepted,
    /// It doesn't.
    Refused,
}

/// A payee that this institution speaks for.
#[derive(Clone, Debug)]
pub struct Payee {
    /// Its account's key: signs consents, refusals and receipts.
    pub key: SigningKey,
    /// Its certificate, PEM, leaf first.
    pub certificate: String,
    /// What is taken without asking a person.
    pub accept: Vec<Rule>,
    /// What becomes of everything else.
    pub otherwise: Otherwise,
}

/// Takes what it describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Of this payer; of any, if it isn't said.
    pub payer: Option<AccountId>,
    /// In this asset of the payee's chain.
    pub asset: Asset,
    /// Up to this amount, in the asset's smallest unit.
    pub up_to: Amount,
}

/// What becomes of what no rule takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Otherwise {
    /// A person decides.
    #[default]
    Ask,
    /// It is refused.
    Refuse,
}

/// What payees are asked.
pub struct Consents {
    payees: Vec<Payee>,
    store: Store,
    ledger: Arc<dyn PayeeLedger>,
    clock: Arc<dyn Clock>,
}

impl Consents {
    /// For the payees that this institution speaks for; their chain is the institution's.
    pub fn new(payees: Vec<Payee>, store: Store, ledger: Arc<dyn PayeeLedger>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            payees,
            store,
            ledger,
            clock,
        })
    }

    /// Answers a credit node (S1.6). A decision stands, however often it is asked for.
    ///
    /// # Errors
    /// The request is wrong, not for a payee here, or another credit node's; nothing is stored.
    pub async fn on_request(&self, from: Member, asked: ConsentRequest) -> Result<ConsentAnswer, CreditError> {
        let id = asked.request.id();
        let row = match self.store.consent(id).await? {
            Some(row) if row.node == from => row,
            Some(_) => return Err(CreditError::UnknownConsent(id)),
            None => self.consider(from, asked).await?,
        };
        self.answer(&row)
    }

    /// Answers a credit node that asks whether its payout arrived (S1.10).
    ///
    /// # Errors
    /// The payee took no such payment from it.
    pub async fn on_arrival(&self, from: Member, asked: &ArrivalRequest) -> Result<ArrivalAnswer, CreditError> {
        let row = self.consent(asked.id).await?;
        if row.node != from || row.decision != Decision::Accepted {
            return Err(CreditError::UnknownConsent(asked.id));
        }
        let request = &row.request;
        let payout = self.ledger.payout(from, asked.id).await?;
        let is_whole = payout.is_some_and(|payout| {
            (payout.payee, payout.asset, payout.amount) == (request.payee, request.payout.asset, request.amount)
        });
        if !is_whole {
            return Ok(ArrivalAnswer::NotSeen);
        }
        let domain = protocol::credit::domain(request.debt.genesis, request.debt.contract);
        let signature = self.payee(request.payee)?.key.sign(&receipt(&domain, &asked.id));
        Ok(ArrivalAnswer::Arrived { signature })
    }

    /// What payees were asked, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn consents(&self, page: &Page) -> Result<Vec<ConsentRow>, CreditError> {
        Ok(self.store.consents(page).await?)
    }

    /// What a payee was asked, and what it decided.
    ///
    /// # Errors
    /// It wasn't asked, or the database failed.
    pub async fn consent(&self, id: RequestId) -> Result<ConsentRow, CreditError> {
        self.store.consent(id).await?.ok_or(CreditError::UnknownConsent(id))
    }

    /// A person takes a payment.
    ///
    /// # Errors
    /// The payee wasn't asked, refused before, or the time to pay is over.
    pub async fn accept(&self, id: RequestId, by: &str) -> Result<ConsentRow, CreditError> {
        let row = self.consent(id).await?;
        if row.decision == Decision::Pending && row.request.pay_by <= self.clock.now() {
            return Err(CreditError::TooLate {
                pay_by: row.request.pay_by,
            });
        }
        self.decide(&row, None, by).await
    }

    /// A person refuses a payment.
    ///
    /// # Errors
    /// The payee wasn't asked, or took it before, or the reason is too long.
    pub async fn refuse(&self, id: RequestId, reason: &str, by: &str) -> Result<ConsentRow, CreditError> {
        if reason.trim().is_empty() || reason.len() > MAX_REASON {
            return Err(CreditError::BadReason { limit: MAX_REASON });
        }
        let row = self.consent(id).await?;
        self.decide(&row, Some(reason), by).await
    }

    /// A request that is in order, kept, and decided if a rule says how.
    async fn consider(&self, from: Member, asked: ConsentRequest) -> Result<ConsentRow, CreditError> {
        let ConsentRequest {
            request,
            payer_signature,
            payer_certificate,
        } = asked;
        let now = self.clock.now();
        let payee = self.payee(request.payee)?;
        // The grace is the contracts' own; everything else can be said without them.
        request.check(0).map_err(CreditError::BadRequest)?;
        if request.payout.genesis != self.ledger.genesis() {
            return Err(CreditError::UnknownChain(request.payout.genesis));
        }
        if self.ledger.credit_of(from) != Some(request.payout.contract) {
            return Err(CreditError::UnknownCreditContract {
                node: from,
                contract: request.payout.contract,
            });
        }
        if request.pay_by <= now {
            return Err(CreditError::TooLate { pay_by: request.pay_by });
        }
        let latest = now.saturating_add(LONGEST);
        if request.pay_by > latest {
            return Err(CreditError::TooFar {
                pay_by: request.pay_by,
                latest,
            });
        }
        if payer_certificate.len() > MAX_CERTIFICATE {
            return Err(CreditError::CertificateTooLong { limit: MAX_CERTIFICATE });
        }
        if !verify(&request.payer.0, &request.payload(), &payer_signature) {
            return Err(CreditError::BadPayerSignature(request.payer));
        }
        let id = request.id();
        let (decision, reason, signature) = match payee.ruling(&request) {
            Decision::Pending => (Decision::Pending, None, None),
            Decision::Accepted => (Decision::Accepted, None, Some(payee.key.sign(&request.payload()))),
            Decision::Refused => (
                Decision::Refused,
                Some(NO_RULE.to_owned()),
                Some(payee.key.sign(&request.refusal(NO_RULE))),
            ),
        };
        let is_decided = signature.is_some();
        let row = ConsentRow {
            id,
            node: from,
            decision,
            request,
            payer_signature,
            payer_certificate,
            reason,
            signature,
            decided_by: is_decided.then(|| POLICY.to_owned()),
            created_at: now,
            decided_at: is_decided.then_some(now),
        };
        // At once: what a rule decides must not wait for a person because the process died in between.
        self.store.keep_consent(&row).await?;
        self.consent(id).await
    }

    /// Signs a decision and keeps it, unless there is one. Asking for the one that there is changes nothing.
    async fn decide(&self, row: &ConsentRow, refusal: Option<&str>, by: &str) -> Result<ConsentRow, CreditError> {
        let key = &self.payee(row.request.payee)?.key;
        let (decision, signature) = match refusal {
            None => (Decision::Accepted, key.sign(&row.request.payload())),
            Some(reason) => (Decision::Refused, key.sign(&row.request.refusal(reason))),
        };
        let decided = Decided {
            decision,
            reason: refusal.map(str::to_owned),
            signature,
            by: by.to_owned(),
            at: self.clock.now(),
        };
        self.store.decide_consent(row.id, &decided).await?;
        let row = self.consent(row.id).await?;
        if row.decision == decision {
            return Ok(row);
        }
        Err(CreditError::DecidedBefore(row.decision))
    }

    fn answer(&self, row: &ConsentRow) -> Result<ConsentAnswer, CreditError> {
        let signed = |signature: Option<Signature>| signature.ok_or(CreditError::UnknownConsent(row.id));
        Ok(match row.decision {
            Decision::Pending => ConsentAnswer::Pending,
            Decision::Accepted => ConsentAnswer::Accepted {
                signature: signed(row.signature)?,
                certificate: self.payee(row.request.payee)?.certificate.clone(),
            },
            Decision::Refused => ConsentAnswer::Refused {
                reason: row.reason.clone().unwrap_or_default(),
                signature: signed(row.signature)?,
            },
        })
    }

    fn payee(&self, account: AccountId) -> Result<&Payee, CreditError> {
        let mut payees = self.payees.iter();
        let found = payees.find(|payee| payee.key.account() == account);
        found.ok_or(CreditError::NotOurPayee(account))
    }
}

impl Payee {
    fn ruling(&self, request: &protocol::credit::CreditRequest) -> Decision {
        let takes = |rule: &Rule| {
            rule.payer.is_none_or(|payer| payer == request.payer)
                && rule.asset == request.payout.asset
                && request.amount <= rule.up_to
        };
        if self.accept.iter().any(takes) {
            return Decision::Accepted;
        }
        match self.otherwise {
            Otherwise::Ask => Decision::Pending,
            Otherwise::Refuse => Decision::Refused,
        }
    }
}

impl Decision {
    const ALL: [Self; 3] = [Self::Pending, Self::Accepted, Self::Refused];

    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Decision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|decision| decision.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is no decision of a payee"))
    }
}

#[cfg(test)]
#[path = "payee_tests.rs"]
mod tests;
