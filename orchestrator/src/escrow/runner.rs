//! Looks at every open trade whenever something changed, and has each trade's step done; delivers letters.
use std::{collections::HashMap, sync::Arc, time::Duration};

use protocol::{
    escrow::{Deal, Error, MAX_DEALS},
    DealId, Member,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    fault::is_passing,
    messages::{Letter, Reply},
    ports::{Act, LedgerError, PeerError},
    saga::{self, Look, Step},
    Escrow, EscrowError,
};
use crate::{
    retries::{hand_over, Retries},
    settlement::failpoints,
    steps::{needs_block, Steps},
    store::escrow::{Move, Note, TradeRow},
};

/// Blocks may come by the hundred in a second; a look at all trades costs some milliseconds.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest between two looks: deadlines pass without anything else changing.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

impl Escrow {
    /// Resumes every open trade and letter, and goes on until `shutdown`. Aborting a step at any point is harmless: it is
    /// the same as a crash there.
    ///
    /// # Errors
    /// None so far: what fails is tried again.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) -> Result<(), EscrowError> {
        let trades = self.clone().drive_trades();
        let letters = self.deliver_letters();
        tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            () = trades => Ok(()),
            () = letters => Ok(()),
        }
    }

    /// One look at every letter and every trade, one after the other: what [`Escrow::run`] does all the time. For
    /// simulations, which decide when it happens and what fails.
    ///
    /// # Errors
    /// The first one; the rest of the round is left out, as in a crash.
    pub async fn round(&self) -> Result<(), EscrowError> {
        for (number, to, letter) in self.store.letters().await? {
            match self.deliver_one(number, to, &letter).await {
                // Not yet: it is tried again in the next round, whatever this one does for the trades.
                Ok(()) | Err(EscrowError::Peer(PeerError::Rejected { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        for (row, step) in self.look().await? {
            self.take_step(&row, step).await?;
        }
        Ok(())
    }

    async fn drive_trades(self: Arc<Self>) {
        let mut steps = Steps::new();
        loop {
            // A change here during the look isn't missed: `Notify` keeps it. A block may be, for at most LONGEST_WAIT.
            let block = self.ledger.next_block();
            let changed = self.trades_changed.notified();
            match self.look().await {
                Ok(due) => {
                    for (row, step) in due {
                        steps.begin(row.id, || self.clone().try_step(row, step));
                    }
                }
                Err(error) => tracing::warn!(%error, "the trades can't be looked at; tried again"),
            }
            tokio::time::sleep(PAUSE).await;
            tokio::select! {
                () = block => {}
                () = changed => {}
                () = tokio::time::sleep(LONGEST_WAIT) => {}
                () = steps.ended() => {}
            }
            steps.sweep();
        }
    }

    async fn try_step(self: Arc<Self>, row: TradeRow, step: Step) -> bool {
        let span = tracing::info_span!("trade", agreement = %row.id);
        let taken = self.take_step(&row, step).instrument(span).await;
        if let Err(error) = &taken {
            tracing::warn!(agreement = %row.id, %error, "the step is tried again");
        }
        taken.is_ok()
    }

    /// Every open trade that calls for something.
    async fn look(&self) -> Result<Vec<(TradeRow, Step)>, EscrowError> {
        let open = self.store.unfinished_trades().await?;
        if open.is_empty() {
            return Ok(Vec::new());
        }
        let gap = self.gap().await?;
        // The time first: what the deals show is at least that late.
        let (time, now) = (self.ledger.time(), self.clock.now());
        let mut deals: HashMap<DealId, Deal> = HashMap::new();
        for some in open.chunks(MAX_DEALS) {
            let ids: Vec<DealId> = some.iter().map(|row| row.deal).collect();
            let found = self.ledger.deals(&ids).await?;
            deals.extend(ids.into_iter().zip(found).filter_map(|(id, deal)| Some((id, deal?))));
        }
        let step = |row: TradeRow| {
            let look = Look {
                trade: &row,
                deal: deals.get(&row.deal),
                time,
                now,
                gap,
            };
            let step = saga::next(&look);
            (step != Step::Wait).then_some((row, step))
        };
        Ok(open.into_iter().filter_map(step).collect())
    }

    async fn take_step(&self, row: &TradeRow, step: Step) -> Result<(), EscrowError> {
        let name = match &step {
            Step::Wait => return Ok(()),
            Step::Enter(..) => "enter",
            Step::Lock => "lock",
            Step::Reveal => "reveal",
            Step::File(_) => "dispute",
            Step::Do(act) => act.message(),
            Step::PassTime(_) => "pass-time",
        };
        failpoints::reach(format!("escrow.{}.{name}.acting", row.role)).await;
        match step {
            Step::Wait => {}
            Step::Enter(stage, detail) => {
                let step = Move {
                    from: row.stage,
                    to: stage,
                    detail: &detail,
                    at: self.clock.now(),
                };
                if self.store.move_trade(row.id, &step, &[]).await? {
                    tracing::info!(role = %row.role, from = %row.stage, to = %stage, detail, "moved");
                }
                self.trades_changed.notify_one();
            }
            Step::Lock => self.lock(row).await?,
            Step::Reveal => self.reveal(row).await?,
            Step::File(digest) => {
                let letters = self.evidence_letters(row)?;
                self.store
                    .note_trade(row.id, &Note::EvidenceSent, &letters, self.clock.now())
                    .await?;
                self.letters_changed.notify_one();
                self.carry_out(row, &Act::Dispute(digest)).await?;
            }
            Step::Do(act) => self.carry_out(row, &act).await?,
            Step::PassTime(due) => {
                if needs_block(&*self.clock, due, || self.ledger.time()).await {
                    self.ledger
                        .make_block(&format!("escrow/{}/time/{due}", row.deal))
                        .await?;
                }
            }
        }
        failpoints::reach(format!("escrow.{}.{name}.acted", row.role)).await;
        Ok(())
    }

    async fn carry_out(&self, row: &TradeRow, act: &Act) -> Result<(), EscrowError> {
        let key = format!("escrow/{}/{}", row.deal, act.message());
        match self.ledger.carry_out(&key, row.deal, act).await {
            Ok(block) => {
                tracing::info!(message = act.message(), block = block.number, "done on chain");
                Ok(())
            }
            // Somebody else did it, or something else happened: the next look sees what.
            Err(LedgerError::Refused(Error::WrongState(state))) => {
                tracing::info!(message = act.message(), ?state, "the deal has moved on");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A crash before the secret is stored: another one is made. A crash after it: the same one is used. In between there
    /// is nothing on chain.
    async fn lock(&self, row: &TradeRow) -> Result<(), EscrowError> {
        let secret = match self.secret(row.id, None).await? {
            Some(secret) => secret,
            None => self.make_secret(row.id).await?,
        };
        let hashlock = secret.hashlock();
        failpoints::reach("escrow.buyer.secret.stored".to_owned()).await;
        let act = Act::Lock(Box::new(row.agreement.terms(hashlock)));
        let key = format!("escrow/{}/lock/{hashlock}", row.deal);
        match self.ledger.carry_out(&key, row.deal, &act).await {
            Ok(block) => {
                tracing::info!(block = block.number, "locked");
                Ok(())
            }
            // The contract looks for the deal before it looks for the hashlock: this deal isn't locked. Somebody saw the
            // transaction and took its hashlock.
            Err(LedgerError::Refused(Error::HashlockUsed)) => {
                self.make_secret(row.id).await?;
                Err(EscrowError::Ledger(LedgerError::Refused(Error::HashlockUsed)))
            }
            Err(LedgerError::Refused(Error::DealExists)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn reveal(&self, row: &TradeRow) -> Result<(), EscrowError> {
        let deals = self.ledger.deals(&[row.deal]).await?;
        let Some(deal) = deals.into_iter().next().flatten() else {
            return Ok(());
        };
        let Some(secret) = self.secret(row.id, Some(deal.terms.hashlock)).await? else {
            return Err(EscrowError::Altered("stored secret"));
        };
        self.carry_out(row, &Act::Reveal(secret)).await
    }

    fn evidence_letters(&self, row: &TradeRow) -> Result<Vec<(Member, Letter)>, EscrowError> {
        let (Some(buyer), Some(seller), Some(document)) = (row.buyer_signed, row.seller_signed, row.evidence.clone())
        else {
            return Err(EscrowError::Altered("signatures"));
        };
        let letter = Letter::Evidence {
            agreement: row.agreement.clone(),
            buyer,
            seller,
            document,
        };
        let other = self.other(row)?;
        Ok(vec![(row.agreement.arbiter.member, letter.clone()), (other, letter)])
    }

    async fn deliver_letters(&self) {
        let mut retries = Retries::default();
        loop {
            let changed = self.letters_changed.notified();
            match self.store.letters().await {
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

    /// In order, because a letter may need the one before it. False where one has to be tried again.
    async fn deliver_to(&self, to: Member, letters: Vec<(i64, Letter)>) -> bool {
        for (number, letter) in letters {
            if let Err(error) = self.deliver_one(number, to, &letter).await {
                tracing::info!(member = %to, letter = letter.kind(), %error, "a letter is tried again");
                return false;
            }
        }
        true
    }

    async fn deliver_one(&self, number: i64, to: Member, letter: &Letter) -> Result<(), EscrowError> {
        failpoints::reach(format!("escrow.letter.{}.sending", letter.kind())).await;
        if matches!(letter, Letter::Offer { offer, .. } if offer.expires_at <= self.clock.now()) {
            return Ok(self.store.letter_answered(number).await?);
        }
        match self.peers.deliver(to, letter).await {
            Ok(reply) => self.on_reply(letter, reply).await?,
            Err(PeerError::Rejected { code, detail, .. }) if !is_passing(&code) => {
                tracing::warn!(member = %to, letter = letter.kind(), code, detail, "a letter was rejected");
                self.on_rejection(letter, &detail).await?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(self.store.letter_answered(number).await?)
    }

    async fn on_reply(&self, letter: &Letter, reply: Reply) -> Result<(), EscrowError> {
        let Letter::Proposal { agreement, .. } = letter else {
            return Ok(());
        };
        let row = self.row(agreement.id()).await?;
        match reply {
            Reply::Received => Ok(()),
            Reply::Accepted { signed } if row.stage == super::Stage::Proposed => self.conclude(&row, signed).await,
            Reply::Accepted { .. } => Ok(()),
            Reply::Declined { reason } => self.declined(&row, &reason).await,
        }
    }

    async fn on_rejection(&self, letter: &Letter, why: &str) -> Result<(), EscrowError> {
        if let Letter::Proposal { agreement, .. } = letter {
            let row = self.row(agreement.id()).await?;
            self.declined(&row, why).await?;
        }
        Ok(())
    }
}
