//! Decisions of the notaries: fee schedules, net debit caps, closing windows, taking vouchers out of them, rulings.
//!
//! Each notary's own people, or its schedule, agree at their own orchestrator. Who agreed signs, tells the other
//! notaries, and gets the signatures of those who agreed too. Whoever holds enough of them submits.
//!
//! Nobody signs what nobody here agreed to. While an approval of this notary's is good, it signs nothing else under the
//! same number.
mod fault;
pub mod messages;
pub mod ports;
mod possible;
mod runner;
pub mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use protocol::{
    decisions::Decision,
    registry::Roles,
    settlement::Voucher,
    signing::{Domain, MemberSignature},
    Member, Timestamp,
};
use tokio::sync::Notify;

pub use fault::DecisionError;
pub use state::State;

use crate::{
    identity::SigningKey,
    settlement::{members::Members, ports::Clock},
    store::{
        decisions::{Agreement, DecisionRow, Step},
        Page, Store,
    },
};
use messages::{ApprovalAnswer, ApprovalRequest, DecisionId, Draft};
use ports::{DecisionLedger, DecisionPeers};

/// The most open proposals that are kept of one notary.
const MAX_PROPOSALS: u32 = 16;
/// An approval without a wish for its expiry is good until the end of the next full hour: notaries who decide the same
/// at about the same time sign the same.
const HOUR: Timestamp = 3_600_000;

/// What somebody at this notary wants decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What.
    pub decision: Decision,
    /// The number of decisions before it; the next one where it isn't said.
    pub number: Option<u32>,
    /// Until when the approval is good. Where it isn't said: as another notary proposed, else an hour or two.
    pub expires_at: Option<Timestamp>,
}

/// The decisions of one notary.
pub struct Decisions {
    member: Member,
    store: Store,
    key: SigningKey,
    ledger: Arc<dyn DecisionLedger>,
    peers: Arc<dyn DecisionPeers>,
    clock: Arc<dyn Clock>,
    changed: Notify,
}

/// The notaries as the registry has them.
struct Notaries {
    members: Vec<Member>,
    known: Members,
    threshold: u16,
}

impl Decisions {
    /// Puts it together. Nothing is submitted before [`Decisions::run`].
    pub fn new(
        member: Member,
        store: Store,
        key: SigningKey,
        ledger: Arc<dyn DecisionLedger>,
        peers: Arc<dyn DecisionPeers>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            member,
            store,
            key,
            ledger,
            peers,
            clock,
            changed: Notify::new(),
        })
    }

    /// Agrees, signs, and has it carried out once enough notaries agreed. The same wish again finds what it led to.
    /// `request` names the wish, `by` is who wishes.
    ///
    /// # Errors
    /// See [`DecisionError`]; nothing is stored.
    pub async fn agree(&self, wish: Wish, request: Option<&str>, by: &str) -> Result<DecisionRow, DecisionError> {
        if let Some(request) = request {
            if let Some(row) = self.store.decision_for(request).await? {
                return Ok(row);
            }
        }
        let notaries = self.notaries().await?;
        if !notaries.members.contains(&self.member) {
            return Err(DecisionError::NotNotary(self.member));
        }
        let next = self.ledger.current().await?.decisions;
        let number = wish.number.unwrap_or(next);
        if number != next {
            return Err(DecisionError::WrongNumber { next });
        }
        let now = self.clock.now();
        let open = self.store.open_decisions(Some(number)).await?;
        let mut same = open.iter().filter(|row| {
            row.draft.decision == wish.decision
                && row.draft.expires_at > now
                && wish.expires_at.is_none_or(|at| at == row.draft.expires_at)
        });
        let same = same
            .clone()
            .find(|row| row.state == State::Agreed)
            .or_else(|| same.next());
        if let Some(row) = same.filter(|row| row.state == State::Agreed) {
            return Ok(row.clone());
        }
        let vouchers = self.vouchers(&wish.decision).await?;
        self.ensure_possible(&wish.decision, &vouchers).await?;
        let expires_at = same.map(|row| row.draft.expires_at).or(wish.expires_at);
        let draft = Draft {
            decision: wish.decision,
            number,
            expires_at: expires_at.unwrap_or_else(|| round_up(now, HOUR)),
        };
        if draft.expires_at <= now {
            return Err(DecisionError::Expired {
                expires_at: draft.expires_at,
            });
        }
        let agreement = Agreement {
            request,
            by,
            epoch: notaries.known.epoch,
            signed: self.sign(&draft, notaries.known.epoch),
            at: now,
        };
        if let Some(other) = self.store.agree_decision(&draft, &agreement).await? {
            return Err(DecisionError::Busy {
                id: other.draft.id(),
                expires_at: other.draft.expires_at,
            });
        }
        tracing::info!(decision = %draft.id(), number, by, "agreed");
        self.changed.notify_one();
        let missing = || crate::store::StoreError::Corrupt {
            what: "decision",
            why: format!("{} is gone", draft.id()),
        };
        Ok(self.store.decision(draft.id()).await?.ok_or_else(missing)?)
    }

    /// Another notary agreed, and asks whether this one did.
    ///
    /// # Errors
    /// The request is wrong; nothing is stored.
    pub async fn on_approval_request(
        &self,
        from: Member,
        request: ApprovalRequest,
    ) -> Result<ApprovalAnswer, DecisionError> {
        let mut asked = vec![from, self.member];
        asked.sort_unstable();
        let members = Members::of(&asked, self.ledger.signers(&asked).await?);
        members.active(from, Roles::NOTARY)?;
        if members.active(self.member, Roles::NOTARY).is_err() {
            return Err(DecisionError::NotNotary(self.member));
        }
        members.ensure_epoch(request.epoch)?;
        let draft = &request.draft;
        let payload = draft.payload(&self.domain(request.epoch));
        members.ensure_signed(from, &request.signed, &payload, "decision")?;
        let id = draft.id();
        let row = self.store.decision(id).await?;
        if row.as_ref().is_some_and(|row| row.state.is_final()) {
            return Ok(ApprovalAnswer::Pending);
        }
        if row.is_none() {
            if draft.expires_at <= self.clock.now() {
                return Err(DecisionError::Expired {
                    expires_at: draft.expires_at,
                });
            }
            let next = self.ledger.current().await?.decisions;
            if draft.number != next {
                return Err(DecisionError::WrongNumber { next });
            }
            if self.store.open_proposals(from).await? >= MAX_PROPOSALS {
                return Err(DecisionError::TooManyProposals {
                    from,
                    most: MAX_PROPOSALS,
                });
            }
        }
        let at = self.clock.now();
        self.store
            .propose_decision(draft, from, request.epoch, &request.signed, at)
            .await?;
        self.changed.notify_one();
        if row.is_none_or(|row| row.state != State::Agreed) && !self.agrees_as_well(&request, at).await? {
            return Ok(ApprovalAnswer::Pending);
        }
        let own = self.own_signature(draft, request.epoch).await?;
        Ok(ApprovalAnswer::Signed(own))
    }

    /// Whether this notary agreed to the same decision under the same number, for at least as long: then two notaries
    /// agreed without knowing of each other, and this one signs the other's draft too.
    async fn agrees_as_well(&self, request: &ApprovalRequest, at: Timestamp) -> Result<bool, DecisionError> {
        let draft = &request.draft;
        let open = self.store.open_decisions(Some(draft.number)).await?;
        let own = open.iter().find(|own| {
            own.state == State::Agreed
                && own.draft.decision == draft.decision
                && own.draft.expires_at >= draft.expires_at
        });
        let Some(by) = own.and_then(|own| own.agreed_by.as_deref()) else {
            return Ok(false);
        };
        let agreement = Agreement {
            request: None,
            by,
            epoch: request.epoch,
            signed: self.sign(draft, request.epoch),
            at,
        };
        Ok(self.store.agree_decision(draft, &agreement).await?.is_none())
    }

    /// One decision.
    ///
    /// # Errors
    /// The database failed.
    pub async fn decision(&self, id: DecisionId) -> Result<Option<DecisionRow>, DecisionError> {
        Ok(self.store.decision(id).await?)
    }

    /// Decisions, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn decisions(&self, page: &Page) -> Result<Vec<DecisionRow>, DecisionError> {
        Ok(self.store.decisions(page).await?)
    }

    /// Who signed a decision in the latest epoch that anybody signed it in, ascending.
    ///
    /// # Errors
    /// The database failed.
    pub async fn signers(&self, id: DecisionId) -> Result<Vec<Member>, DecisionError> {
        let signatures = self.store.decision_signatures(id, None).await?;
        Ok(signatures.iter().map(|signed| signed.member).collect())
    }

    /// Every step of a decision so far.
    ///
    /// # Errors
    /// The database failed.
    pub async fn history(&self, id: DecisionId) -> Result<Vec<Step>, DecisionError> {
        Ok(self.store.decision_history(id).await?)
    }

    /// The chain that the decisions are about.
    pub fn ledger(&self) -> &dyn DecisionLedger {
        &*self.ledger
    }

    async fn notaries(&self) -> Result<Notaries, DecisionError> {
        let mut members = self.ledger.notaries().await?;
        let set = self.ledger.signers(&members).await?;
        let threshold = set.notary_threshold;
        let known = Members::of(&members, set);
        // Read one after the other: who isn't active any more by the second look is none.
        members.retain(|member| known.active(*member, Roles::NOTARY).is_ok());
        Ok(Notaries {
            members,
            known,
            threshold,
        })
    }

    /// The vouchers that a decision is about, as this notary keeps them.
    async fn vouchers(&self, decision: &Decision) -> Result<Vec<Voucher>, DecisionError> {
        let Decision::TakeOut { vouchers: ids, .. } = decision else {
            return Ok(vec![]);
        };
        let mut vouchers = Vec::with_capacity(ids.len());
        for id in ids {
            let payment = self.store.payment(*id).await?;
            vouchers.push(payment.ok_or(DecisionError::UnknownVoucher(*id))?.voucher);
        }
        Ok(vouchers)
    }

    fn domain(&self, epoch: u32) -> Domain {
        Domain {
            genesis: self.ledger.genesis(),
            contract: self.ledger.clearing(),
            epoch,
        }
    }

    fn sign(&self, draft: &Draft, epoch: u32) -> MemberSignature {
        MemberSignature {
            member: self.member,
            signature: self.key.sign(&draft.payload(&self.domain(epoch))),
        }
    }

    /// This notary's signature in this epoch: the first one that was made. Only for what it agreed to.
    async fn own_signature(&self, draft: &Draft, epoch: u32) -> Result<MemberSignature, DecisionError> {
        let signed = self.sign(draft, epoch);
        Ok(self.store.keep_decision_signature(draft.id(), epoch, &signed).await?)
    }
}

/// The end of the unit after the one that is running.
pub(crate) const fn round_up(now: Timestamp, unit: Timestamp) -> Timestamp {
    match now.checked_div(unit) {
        Some(units) => units.saturating_add(2).saturating_mul(unit),
        None => now,
    }
}
