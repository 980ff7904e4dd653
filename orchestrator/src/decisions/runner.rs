//! Looks at every open decision whenever something changed: collects signatures, submits, sees how it ended.
use std::{sync::Arc, time::Duration};

use protocol::{
    clearing::Error as Refused,
    decisions::Approval,
    signing::{ascending, MemberSignature},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    messages::{ApprovalAnswer, ApprovalRequest},
    DecisionError, Decisions, Notaries, State,
};
use crate::{
    settlement::{failpoints, ports::LedgerError},
    store::decisions::DecisionRow,
};

/// The longest between two looks: other notaries that were away are asked again.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Blocks may come by the hundred in a second.
const PAUSE: Duration = Duration::from_millis(100);

impl Decisions {
    /// Takes up what hasn't ended, and goes on until `shutdown`. Aborting at any point is harmless: it is the same as a
    /// crash there. Signatures are stored before they are sent, and the contract takes each number once.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let drive = async {
            loop {
                let block = self.ledger.next_block();
                let changed = self.changed.notified();
                if let Err(error) = self.round().await {
                    tracing::warn!(%error, "the decisions can't be looked at; tried again");
                }
                tokio::time::sleep(PAUSE).await;
                tokio::select! {
                    () = block => {}
                    () = changed => {}
                    () = tokio::time::sleep(LONGEST_WAIT) => {}
                }
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = drive => {}
        }
    }

    /// One look at every open decision.
    ///
    /// # Errors
    /// The database failed. What fails with one decision doesn't keep the others waiting.
    pub async fn round(&self) -> Result<(), DecisionError> {
        for row in self.store.open_decisions(None).await? {
            let span = tracing::info_span!("decision", id = %row.draft.id());
            if let Err(error) = self.turn(&row).instrument(span).await {
                tracing::warn!(%error, decision = %row.draft.id(), "the decision is tried again");
            }
        }
        Ok(())
    }

    async fn turn(&self, row: &DecisionRow) -> Result<(), DecisionError> {
        let draft = &row.draft;
        // The time first: every block after it is at least that late, so a number unused afterwards stays unused.
        let time = self.ledger.time().await?;
        let next = self.ledger.current().await?.decisions;
        if next > draft.number {
            return self.ended_on_chain(row).await;
        }
        if time >= draft.expires_at {
            return self
                .end(row, State::Expired, None, "too few notaries agreed in time")
                .await;
        }
        if row.state != State::Agreed || next < draft.number {
            return Ok(());
        }
        let notaries = self.notaries().await?;
        let epoch = notaries.known.epoch;
        if notaries.members.contains(&self.member) {
            self.own_signature(draft, epoch).await?;
        }
        failpoints::reach("decision.agreed.acting".into()).await;
        self.ask(row, &notaries).await?;
        let mut signatures = self.store.decision_signatures(draft.id(), Some(epoch)).await?;
        signatures.retain(|signed| notaries.members.contains(&signed.member));
        signatures.truncate(usize::from(notaries.threshold));
        if signatures.len() < usize::from(notaries.threshold) {
            return Ok(());
        }
        self.submit(row, epoch, signatures).await
    }

    /// Asks every other notary whose signature is missing, all at once: one that is away keeps nobody waiting.
    async fn ask(&self, row: &DecisionRow, notaries: &Notaries) -> Result<(), DecisionError> {
        let (draft, epoch) = (&row.draft, notaries.known.epoch);
        let kept = self.store.decision_signatures(draft.id(), Some(epoch)).await?;
        let Some(own) = kept.iter().find(|signed| signed.member == self.member) else {
            return Ok(());
        };
        let request = ApprovalRequest {
            draft: draft.clone(),
            epoch,
            signed: *own,
        };
        let missing = notaries
            .members
            .iter()
            .filter(|member| !kept.iter().any(|signed| signed.member == **member));
        let request = &request;
        let asked = missing.map(|member| async move { (*member, self.peers.approve(*member, request).await) });
        for (member, answer) in futures::future::join_all(asked).await {
            match answer {
                Ok(ApprovalAnswer::Pending) => {}
                Ok(ApprovalAnswer::Signed(signed)) => {
                    let payload = draft.payload(&self.domain(epoch));
                    match notaries.known.ensure_signed(member, &signed, &payload, "decision") {
                        Ok(()) => {
                            self.store.keep_decision_signature(draft.id(), epoch, &signed).await?;
                        }
                        Err(fault) => tracing::warn!(%member, %fault, "a notary's signature is wrong"),
                    }
                }
                Err(error) => tracing::debug!(%member, %error, "a notary doesn't answer"),
            }
        }
        Ok(())
    }

    /// Every notary that holds enough signatures submits: the contract takes one, and the others see that it is done.
    async fn submit(
        &self,
        row: &DecisionRow,
        epoch: u32,
        signatures: Vec<MemberSignature>,
    ) -> Result<(), DecisionError> {
        debug_assert!(ascending(&signatures), "the database sorts them");
        let draft = &row.draft;
        let approval = Approval {
            number: draft.number,
            epoch,
            expires_at: draft.expires_at,
            signatures,
        };
        let vouchers = self.vouchers(&draft.decision).await?;
        let key = format!("decide/{}", draft.id());
        let done = self.ledger.carry_out(&key, &draft.decision, &vouchers, &approval).await;
        match done {
            Ok(block) => {
                let detail = format!("carried out in block {}", block.number);
                self.end(row, State::CarriedOut, Some(block.number), &detail).await
            }
            Err(LedgerError::Refused(why)) if concerns_approval(&why) => {
                // Another notary was faster, the time is up, or the registry moved: the finalized chain tells soon.
                tracing::debug!(?why, "the approval isn't taken now");
                Ok(())
            }
            Err(LedgerError::Refused(why)) => {
                let detail = format!("the clearing contract refuses: {why:?}");
                self.end(row, State::Refused, None, &detail).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The number is used: by this decision, or by another one.
    async fn ended_on_chain(&self, row: &DecisionRow) -> Result<(), DecisionError> {
        let vouchers = self.vouchers(&row.draft.decision).await.unwrap_or_default();
        if self.shows(&row.draft.decision, &vouchers).await? {
            return self.end(row, State::CarriedOut, None, "the chain shows it").await;
        }
        let detail = format!("the chain shows another decision as number {}", row.draft.number);
        self.end(row, State::Overtaken, None, &detail).await
    }

    async fn end(
        &self,
        row: &DecisionRow,
        state: State,
        block: Option<u32>,
        detail: &str,
    ) -> Result<(), DecisionError> {
        tracing::info!(decision = %row.draft.id(), %state, detail, "ended");
        let at = self.clock.now();
        self.store
            .end_decision(row.draft.id(), state, block, detail, at)
            .await?;
        Ok(())
    }
}

/// Whether the contract refuses the signatures, and not what they are for.
fn concerns_approval(why: &Refused) -> bool {
    matches!(
        why,
        Refused::StaleApproval { .. }
            | Refused::ApprovalExpired
            | Refused::StaleEpoch { .. }
            | Refused::SignersNotAscending
            | Refused::MissingSignature(_)
            | Refused::UnexpectedSigner(_)
            | Refused::NotActive(_)
            | Refused::BadSignature(_)
            | Refused::NotaryThreshold { .. }
            | Refused::RegistryFailed
    )
}
