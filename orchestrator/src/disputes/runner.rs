//! Looks at every open dispute whenever something changed, and has each one's step done; delivers documents; reads what the
//! chain tells.
use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use protocol::{clearing::Error as Refused, disputes::Claim, Amount, Member, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    fault::is_passing,
    messages::EvidenceLetter,
    ports::{Block, LedgerError, PeerError},
    saga::{self, Look, Step},
    state::{Over, Paper},
    watch::Bookmark,
    DisputeError, Disputes,
};
use crate::{
    retries::{hand_over, Retries},
    settlement::failpoints,
    store::disputes::DisputeRow,
};

/// Blocks may come by the hundred in a second; a look takes a question to the node for each open dispute.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest between two looks: deadlines pass without anything else changing.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// How many disputes are looked at at once: one that waits for finality keeps the others waiting no longer than that.
const AT_ONCE: usize = 16;
/// How long to wait for a chain to make a block by itself before one is asked for, in milliseconds.
const PATIENCE: u64 = 1_000;

impl Disputes {
    /// Resumes every open dispute and letter, and goes on until `shutdown`. Aborting at any point is harmless: it is the
    /// same as a crash there.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.drive() => {}
            () = self.watch() => {}
            () = self.deliver_letters() => {}
        }
    }

    /// One look at what the chain tells, at every dispute and at every letter, one after the other: what [`Disputes::run`]
    /// does all the time. For simulations, which decide when it happens and what fails.
    ///
    /// # Errors
    /// The first one; the rest of the round is left out, as in a crash.
    pub async fn round(&self) -> Result<(), DisputeError> {
        self.read_chain(&mut Bookmark::default()).await?;
        for row in self.store.open_disputes().await? {
            self.turn(&row).await?;
        }
        for (number, to, letter) in self.store.evidence_letters().await? {
            match self.deliver_one(number, to, &letter).await {
                // Not yet: it is tried again in the next round.
                Ok(()) | Err(DisputeError::Peer(PeerError::Rejected { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn drive(&self) {
        loop {
            let block = self.ledger.next_block();
            let changed = self.changed.notified();
            match self.store.open_disputes().await {
                Ok(open) => {
                    let turn = |row: DisputeRow| async move {
                        let span = tracing::info_span!("dispute", over = %row.over);
                        if let Err(error) = self.turn(&row).instrument(span).await {
                            tracing::warn!(%error, dispute = %row.over, "the dispute is looked at again");
                        }
                    };
                    futures::stream::iter(open).for_each_concurrent(AT_ONCE, turn).await;
                }
                Err(error) => tracing::warn!(%error, "the disputes can't be looked at; tried again"),
            }
            tokio::time::sleep(PAUSE).await;
            tokio::select! {
                () = block => {}
                () = changed => {}
                () = tokio::time::sleep(LONGEST_WAIT) => {}
            }
        }
    }

    async fn watch(&self) {
        let mut bookmark = Bookmark::default();
        loop {
            let block = self.journal.next_block();
            if let Err(error) = self.read_chain(&mut bookmark).await {
                tracing::warn!(%error, "what the chain tells of disputes can't be read; tried again");
            }
            tokio::time::sleep(PAUSE).await;
            tokio::select! {
                () = block => {}
                () = tokio::time::sleep(LONGEST_WAIT) => {}
            }
        }
    }

    /// One look at a dispute, and the step that it calls for.
    async fn turn(&self, row: &DisputeRow) -> Result<(), DisputeError> {
        let over = row.over;
        // The time first: what the chain shows is at least that late.
        let time = self.ledger.time().await?;
        let shown = self.ledger.dispute(over.voucher, over.obligation).await?;
        if let Some(dispute) = shown.as_ref().filter(|_| shown != row.shown) {
            self.store.note_dispute(over, dispute, self.clock.now()).await?;
        }
        let step = saga::next(&Look {
            member: self.member,
            state: row.state,
            wanted: row.wanted,
            undone: &row.undone,
            shown: shown.as_ref(),
            time,
            now: self.clock.now(),
        });
        match step {
            Step::Wait => Ok(()),
            Step::Open(amount, evidence) => self.put_claim(over, amount, evidence).await,
            Step::Answer(evidence) => self.put_answer(over, evidence).await,
            Step::Tell(paper, digest) => self.tell(over, paper, digest).await,
            Step::Drop(paper, digest) => {
                self.store.evidence_done(over, paper, digest, &[]).await?;
                self.changed.notify_one();
                Ok(())
            }
            Step::PassTime(due) => self.pass_time(over, due).await,
            Step::RuleByDefault => {
                let key = format!("dispute/{over}/default");
                let ruled = self.ledger.rule_by_default(&key, over.voucher, over.obligation);
                self.seen("default", ruled.await, |why| matches!(why, Refused::AlreadyRuled))
            }
            Step::PayAward => {
                let is_due = shown.is_some_and(|dispute| dispute.is_due);
                let paid = shown.map_or(0, |dispute| dispute.paid);
                self.collect(over, is_due, paid).await
            }
        }
    }

    /// A crash before: the claim is stored, and is put on chain by the next look. A crash after: the look finds it there.
    async fn put_claim(&self, over: Over, amount: Amount, evidence: [u8; 32]) -> Result<(), DisputeError> {
        let voucher = self.own_voucher(over.voucher).await?;
        let claim = Claim {
            obligation: over.obligation,
            amount,
            evidence,
        };
        failpoints::reach("dispute.open.acting".into()).await;
        let key = format!("dispute/{over}/open/{}", hex::encode(evidence));
        let opened = self.ledger.open_dispute(&key, self.member, &voucher, &claim).await;
        failpoints::reach("dispute.open.acted".into()).await;
        if let Err(LedgerError::Refused(why)) = &opened {
            // Where another institution was faster, the finalized chain shows its claim soon.
            if !matches!(why, Refused::AlreadyDisputed) && !may_pass(why) {
                let detail = format!("the clearing contract refuses: {why:?}");
                tracing::warn!(dispute = %over, detail, "refused");
                self.store.refuse_dispute(over, &detail, self.clock.now()).await?;
                return Ok(());
            }
        }
        self.seen("open", opened, |why| matches!(why, Refused::AlreadyDisputed))
    }

    /// As with a claim.
    async fn put_answer(&self, over: Over, evidence: [u8; 32]) -> Result<(), DisputeError> {
        failpoints::reach("dispute.answer.acting".into()).await;
        let key = format!("dispute/{over}/answer/{}", hex::encode(evidence));
        let answered = self
            .ledger
            .answer_dispute(&key, self.member, over.voucher, over.obligation, evidence)
            .await;
        failpoints::reach("dispute.answer.acted".into()).await;
        let moved_on = |why: &Refused| matches!(why, Refused::AlreadyRuled | Refused::NotYoursToAnswer(_));
        self.seen("answer", answered, moved_on)
    }

    /// Writes the letters to everybody concerned. They are stored together with the note that they are, so that a crash
    /// neither leaves one out nor writes it again; what was sent and not acknowledged is sent again.
    async fn tell(&self, over: Over, paper: Paper, digest: [u8; 32]) -> Result<(), DisputeError> {
        let mut to = self.own_voucher(over.voucher).await?.parties();
        to.extend(self.ledger.notaries().await?);
        to.retain(|member| *member != self.member);
        to.sort_unstable();
        to.dedup();
        self.store.evidence_done(over, paper, digest, &to).await?;
        self.letters_changed.notify_one();
        self.changed.notify_one();
        Ok(())
    }

    /// Has an award paid that can be. The key names what was there before: each payment is made once, and the next one is
    /// another step.
    async fn collect(&self, over: Over, is_due: bool, paid: Amount) -> Result<(), DisputeError> {
        let nothing = |why: &Refused| matches!(why, Refused::ZeroAmount | Refused::ObligationUnpaid);
        match self.ledger.try_award(over.voucher, over.obligation).await {
            Ok(_) => {}
            // The obligation isn't paid yet, or there is nothing to pay the award from.
            Err(LedgerError::Refused(why)) if nothing(&why) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        failpoints::reach("dispute.award.acting".into()).await;
        let due = if is_due { "due" } else { "new" };
        let key = format!("dispute/{over}/award/{due}/{paid}");
        let collected = self.ledger.pay_award(&key, over.voucher, over.obligation).await;
        failpoints::reach("dispute.award.acted".into()).await;
        self.seen("award", collected, nothing)
    }

    async fn pass_time(&self, over: Over, due: Timestamp) -> Result<(), DisputeError> {
        if self.clock.now() < due.saturating_add(PATIENCE) {
            tokio::time::sleep(Duration::from_millis(PATIENCE)).await;
        }
        if self.ledger.time().await? < due {
            self.ledger.make_block(&format!("dispute/{over}/time/{due}")).await?;
        }
        Ok(())
    }

    /// What became of a step on chain. Somebody else may have done it, or something else happened: the next look sees
    /// what.
    fn seen(
        &self,
        step: &str,
        done: Result<Block, LedgerError>,
        moved_on: impl FnOnce(&Refused) -> bool,
    ) -> Result<(), DisputeError> {
        match done {
            Ok(block) => tracing::info!(step, block = block.number, "done on chain"),
            Err(LedgerError::Refused(why)) if moved_on(&why) => tracing::info!(step, ?why, "the dispute has moved on"),
            Err(error) => return Err(error.into()),
        }
        self.changed.notify_one();
        Ok(())
    }

    async fn deliver_letters(&self) {
        let mut retries = Retries::default();
        loop {
            let changed = self.letters_changed.notified();
            match self.store.evidence_letters().await {
                Ok(letters) => {
                    hand_over(&mut retries, letters, |to, letters| self.deliver_to(to, letters)).await;
                }
                Err(error) => tracing::warn!(%error, "letters can't be read; tried again"),
            }
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(LONGEST_WAIT) => {}
            }
        }
    }

    /// False where a letter has to be tried again.
    async fn deliver_to(&self, to: Member, letters: Vec<(i64, EvidenceLetter)>) -> bool {
        let mut all = true;
        for (number, letter) in letters {
            let Err(error) = self.deliver_one(number, to, &letter).await else {
                continue;
            };
            tracing::info!(member = %to, voucher = %letter.voucher, %error, "a document is sent again");
            all = false;
            if matches!(error, DisputeError::Peer(PeerError::Unreachable { .. })) {
                break;
            }
        }
        all
    }

    async fn deliver_one(&self, number: i64, to: Member, letter: &EvidenceLetter) -> Result<(), DisputeError> {
        failpoints::reach("dispute.evidence.sending".into()).await;
        match self.peers.deliver(to, letter).await {
            Ok(()) => {}
            Err(PeerError::Rejected { code, detail, .. }) if !is_passing(&code) => {
                tracing::warn!(member = %to, voucher = %letter.voucher, code, detail, "a document was rejected");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(self.store.evidence_letter_answered(number).await?)
    }
}

/// Whether the contract may take the same later: this institution is suspended, or the registry didn't answer.
fn may_pass(why: &Refused) -> bool {
    matches!(
        why,
        Refused::NotActive(_) | Refused::MissingRole(_) | Refused::RegistryFailed
    )
}
