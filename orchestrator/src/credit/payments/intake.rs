//! Payers' requests: what is checked before anybody else hears of them (S1.3 to S1.5).
use protocol::{
    credit::{CreditRequest, Leg},
    settlement::Asset,
    Member, Signature, Timestamp,
};

use super::{Payment, Payments};
use crate::{assets::AssetName, credit::CreditError, identity::verify, store::credit::NewPayment};

/// A day, in milliseconds.
const DAY: Timestamp = 86_400_000;

/// What the credit node lends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What it pays for a debt in what; nothing else, because amounts are one for one.
    pub offered: Vec<Offered>,
    /// The least time from the end of a reservation, as it is signed, to the day that the debt is due, in milliseconds: a
    /// reservation can be extended by so much while the payee's chain is away.
    pub room: Timestamp,
    /// The longest from the payer's request to the day that the debt is due, in days.
    pub longest_term_days: u32,
    /// The least late fee, in percent of the amount, rounded up.
    pub late_fee_percent: u8,
}

/// An asset that is paid for a debt in another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The payer's chain, by its genesis hash, and what is owed there.
    pub debt: ([u8; 32], Asset),
    /// The payee's chain, and what is paid there.
    pub payout: ([u8; 32], Asset),
}

/// What a payer hands in.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// What it asks for.
    pub request: CreditRequest,
    /// The payer's signature under it.
    pub signature: Signature,
    /// The payer's certificate, PEM, leaf first.
    pub certificate: String,
    /// The payee's institution, by its index in the registry of the payee's chain.
    pub payee_institution: Member,
}

impl Payments {
    /// Takes a request that is in order; the same one again changes nothing.
    ///
    /// # Errors
    /// What is wrong with it; nothing is stored, and the payee doesn't hear of it.
    pub async fn request(&self, new: NewRequest) -> Result<Payment, CreditError> {
        let id = new.request.id();
        match self.store.credit_payment(id).await? {
            None => self.take(&new).await?,
            Some(row) if row.payee_institution != new.payee_institution => {
                return Err(CreditError::OtherInstitution(row.payee_institution));
            }
            Some(_) => {}
        }
        self.payment(id).await
    }

    async fn take(&self, new: &NewRequest) -> Result<(), CreditError> {
        let request = &new.request;
        let mut grace = 0;
        for leg in [&request.debt, &request.payout] {
            self.ensure_own(leg)?;
            grace = self.credit.grace(leg.genesis).await?.max(grace);
        }
        let now = self.now();
        request.check(grace).map_err(CreditError::BadRequest)?;
        self.terms.check(request, now)?;
        if request.pay_by <= now.saturating_add(grace) {
            return Err(CreditError::TooShort {
                pay_by: request.pay_by,
                least: now.saturating_add(grace),
            });
        }
        if !verify(&request.payer.0, &request.payload(), &new.signature) {
            return Err(CreditError::BadPayerSignature(request.payer));
        }
        let person = self.identify(&new.certificate, request.payer).await??;
        if !self.payees.reaches(&request.payout.genesis, new.payee_institution) {
            return Err(CreditError::UnknownInstitution(new.payee_institution));
        }
        let payment = NewPayment {
            request,
            payer_signature: new.signature,
            payer_certificate: &new.certificate,
            payer_person: &person,
            payee_institution: new.payee_institution,
            at: now,
        };
        self.store.begin_credit_payment(&payment).await?;
        self.changed();
        Ok(())
    }

    /// That the contract is this credit node's on that chain.
    pub(super) fn ensure_own(&self, leg: &Leg) -> Result<(), CreditError> {
        let ours = self.credit.ledger(leg.genesis)?.credit();
        if ours == leg.contract {
            return Ok(());
        }
        Err(CreditError::NotOurContract {
            contract: leg.contract,
            ours,
        })
    }
}

impl Terms {
    pub(super) fn check(&self, request: &CreditRequest, now: Timestamp) -> Result<(), CreditError> {
        let wanted = Offered {
            debt: (request.debt.genesis, request.debt.asset),
            payout: (request.payout.genesis, request.payout.asset),
        };
        if !self.offered.contains(&wanted) {
            return Err(CreditError::NotOffered {
                debt: AssetName(request.debt.asset),
                payout: AssetName(request.payout.asset),
                chain: request.payout.genesis,
            });
        }
        let least = request.expires_at.saturating_add(self.room);
        if request.due_at < least {
            return Err(CreditError::TermTooShort {
                due_at: request.due_at,
                least,
            });
        }
        let latest = now.saturating_add(DAY.saturating_mul(self.longest_term_days.into()));
        if request.due_at > latest {
            return Err(CreditError::TermTooLong {
                due_at: request.due_at,
                latest,
            });
        }
        // A percentage of an amount is at most the amount: only the product may be too large, and then both parts aren't.
        let (whole, rest) = (request.amount / 100, request.amount % 100);
        let percent = u128::from(self.late_fee_percent.min(100));
        let least = whole
            .saturating_mul(percent)
            .saturating_add(rest.saturating_mul(percent).div_ceil(100));
        if request.late_fee < least {
            return Err(CreditError::LateFeeTooLow {
                late_fee: request.late_fee,
                least,
            });
        }
        Ok(())
    }
}
