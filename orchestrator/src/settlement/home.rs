//! The home institution: judges what its user is said to want, and books (S0.4, S0.12). How it answers is in
//! [`super::destination`].
use protocol::{fees::Service, settlement::Voucher};

use super::{
    destination,
    discharge::{self, Discharging},
    messages::{RefusalCode, SignedPaymentRequest},
    runner::{Next, StepError},
    state::{HomeState, State},
    Settlement, Verdict,
};
use crate::{
    identity::verify,
    store::{payments::PaymentRow, StoreError},
};

const RETAINED: State = State::Home(HomeState::Retained);
const SIGNED: State = State::Home(HomeState::DischargeSigned);
const CLEARED: State = State::Home(HomeState::Cleared);
const EXPIRED: State = State::Home(HomeState::Expired);
const WAY: Discharging = Discharging {
    owing: RETAINED,
    signed: SIGNED,
    cleared: CLEARED,
};

impl Settlement {
    /// Whether a user of this institution may ask for this. What its account holds and what it paid that day are judged
    /// where the money is set aside.
    pub(super) async fn judge_own_user(
        &self,
        voucher: &Voucher,
        signed: &SignedPaymentRequest,
    ) -> Result<Verdict, StoreError> {
        let request = &signed.request;
        let refuse = |code, detail: &str| Ok(Err((code, detail.to_owned())));
        let Some(user) = self.store.user(&request.user).await? else {
            return refuse(RefusalCode::UnknownUser, "no user has this number");
        };
        if user.wallet != request.wallet {
            return refuse(RefusalCode::UnknownUser, "the user has another wallet");
        }
        let payload = request.payload(self.ledger.genesis(), self.ledger.clearing());
        if !verify(&user.public_key, &payload, &signed.signature) {
            return refuse(
                RefusalCode::BadUserSignature,
                "the user's signature under the request does not verify",
            );
        }
        if user.blocked {
            return refuse(RefusalCode::UserBlocked, "the user is blocked");
        }
        let service = Service::from(voucher.kind);
        if user.services.is_some_and(|services| !services.contains(&service)) {
            return refuse(
                RefusalCode::UserNotEligible,
                "the user may not use this kind of payment",
            );
        }
        if voucher.amount > user.limit {
            return refuse(
                RefusalCode::AboveUserLimit,
                "the amount is above the user's limit for one transaction",
            );
        }
        Ok(Ok(()))
    }
}

pub(super) async fn step(saga: &Settlement, payment: &PaymentRow, state: HomeState) -> Result<Next, StepError> {
    match state {
        HomeState::Confirmed => destination::see_retained(saga, payment, RETAINED, EXPIRED).await,
        HomeState::Retained => discharge::sign(saga, payment, WAY).await,
        HomeState::DischargeSigned => discharge::submit(saga, payment, WAY).await,
        HomeState::Cleared | HomeState::Refused | HomeState::Expired => Ok(Next::Wait),
    }
}
