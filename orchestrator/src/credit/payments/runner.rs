//! Looks at every open payment whenever something changed, and has each payment's step done.
use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};

use futures::future::{join_all, select_all};
use protocol::{
    credit::{receipt, Debt, Error, Payout, PayoutBlock, MAX_ASKED},
    text::to_hex,
    Amount, RequestId, Timestamp,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    saga::{self, Look, Seen, Side, Step, CONFIRMED, OWED, PAID, RESERVED},
    state::{Refusal, Stage},
    Entry, Payments,
};
use crate::{
    credit::{
        fault::ends_the_question,
        messages::{ArrivalAnswer, ConsentAnswer, ConsentRequest},
        ports::{Act, CreditLedger, LedgerError, PeerError},
        CreditError,
    },
    identity::verify,
    settlement::{failpoints, ports::refusal_code},
    steps::{needs_block, Steps},
    store::credit::PaymentRow,
};

/// Blocks may come by the hundred in a second; a look at all payments costs some milliseconds.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest between two looks: deadlines pass without anything else changing.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// The most steps of a payment in a row, before others are looked at again.
const IN_A_ROW: usize = 16;
/// How long a chain may take to show what concerns a payment. One that says nothing is like one that can't be reached.
const LOOKING: Duration = Duration::from_secs(5);
/// How long a step waits for the payee's chain to finalize; the next look extends the reservation, if it must, and waits on.
const WAITING: Duration = Duration::from_millis(if cfg!(test) { 100 } else { 5_000 });
/// The most bytes that are kept of what another institution says for people.
const MAX_DETAIL: usize = 1_000;

/// What a chain shows of the payments that concern it.
struct Shown {
    time: Timestamp,
    grace: Timestamp,
    debts: HashMap<RequestId, Debt>,
    payouts: HashMap<RequestId, Payout>,
}

impl Payments {
    /// Resumes every open payment, and goes on until `shutdown`. Aborting a step at any point is harmless: it is the same
    /// as a crash there.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.clone().drive() => {}
        }
    }

    /// One look at every payment, and each payment's step, one after the other: what [`Payments::run`] does all the time.
    /// For simulations, which decide when it happens and what fails.
    ///
    /// # Errors
    /// The first one; the rest of the round is left out, as in a crash.
    pub async fn round(&self) -> Result<(), CreditError> {
        for (row, step) in self.look().await? {
            match self.take_step(&row, step).await {
                // That holds up no other.
                Ok(()) | Err(CreditError::NotYet(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn drive(self: Arc<Self>) {
        let mut steps = Steps::new();
        loop {
            // A change here during the look isn't missed: `Notify` keeps it. A block may be, for at most LONGEST_WAIT.
            let changed = self.changed.notified();
            let block = self.next_block();
            match self.look().await {
                Ok(due) => {
                    for (row, step) in due {
                        steps.begin(row.id, || self.clone().go_on(row, step));
                    }
                }
                Err(error) => tracing::warn!(%error, "the payments on credit can't be looked at; tried again"),
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

    /// Returns when any chain has a new block; never without a chain.
    async fn next_block(&self) {
        let chains = self.credit.ledgers();
        if chains.is_empty() {
            return std::future::pending().await;
        }
        select_all(chains.iter().map(|ledger| ledger.next_block())).await;
    }

    /// Every open payment that calls for something.
    async fn look(&self) -> Result<Vec<(PaymentRow, Step)>, CreditError> {
        let open = self.store.unfinished_credit_payments().await?;
        self.look_at(open).await
    }

    /// Those of these payments that call for something.
    async fn look_at(&self, open: Vec<PaymentRow>) -> Result<Vec<(PaymentRow, Step)>, CreditError> {
        if open.is_empty() {
            return Ok(Vec::new());
        }
        let looks = self.credit.ledgers().iter().map(|ledger| async {
            let chain = ledger.genesis();
            match timeout(LOOKING, self.shown(&**ledger, &open)).await {
                Ok(Ok(shown)) => Some((chain, shown)),
                Ok(Err(error)) => {
                    tracing::debug!(chain = %to_hex(&chain), %error, "can't be read now");
                    None
                }
                Err(_) => {
                    tracing::warn!(chain = %to_hex(&chain), "says nothing");
                    None
                }
            }
        });
        let chains: HashMap<[u8; 32], Shown> = join_all(looks).await.into_iter().flatten().collect();
        let mut due = Vec::new();
        for payment in open {
            // Without a word of the payer's chain nothing can be done, nor with another contract there.
            let debts = chains.get(&payment.request.debt.genesis);
            let Some(debts) = debts.filter(|_| self.ensure_own(&payment.request.debt).is_ok()) else {
                continue;
            };
            let payouts = chains.get(&payment.request.payout.genesis);
            let look = Look {
                payment: &payment,
                debt: debts.debts.get(&payment.id),
                debt_time: debts.time,
                payout: match payouts {
                    None => Seen::Unknown,
                    Some(shown) if shown.payouts.contains_key(&payment.id) => Seen::Paid,
                    Some(shown) => Seen::NotUntil(shown.time),
                },
                room: self.room(&payment).await,
                now: self.now(),
                grace: payouts.map_or(debts.grace, |payouts| debts.grace.max(payouts.grace)),
            };
            let step = saga::next(&look);
            if step != Step::Wait {
                due.push((payment, step));
            }
        }
        Ok(due)
    }

    /// How much the credit node's limit leaves a payer that waits for a higher one.
    async fn room(&self, payment: &PaymentRow) -> Option<Amount> {
        if payment.stage != Stage::Short {
            return None;
        }
        let request = &payment.request;
        let ledger = self.credit.ledger(request.debt.genesis).ok()?;
        let limits = ledger
            .limits(request.payer, request.payee, request.debt.asset)
            .await
            .ok()?;
        Some(limits.node.limit.saturating_sub(limits.node.used.sum().ok()?))
    }

    /// Takes a payment as far as it goes now. False where a step failed.
    async fn go_on(self: Arc<Self>, row: PaymentRow, step: Step) -> bool {
        let id = row.id;
        let span = tracing::info_span!("credit", payment = %id);
        let gone = self.steps_in_a_row(row, step).instrument(span).await;
        match &gone {
            Ok(()) => {}
            Err(CreditError::NotYet(what)) => tracing::debug!(payment = %id, what, "not yet"),
            Err(error) => tracing::warn!(payment = %id, %error, "the step is tried again"),
        }
        gone.is_ok()
    }

    async fn steps_in_a_row(&self, mut row: PaymentRow, mut step: Step) -> Result<(), CreditError> {
        for _ in 0..IN_A_ROW {
            self.take_step(&row, step).await?;
            let open = self.store.credit_payment(row.id).await?;
            let open = open.into_iter().filter(|row| !row.stage.is_final()).collect();
            let Some(next) = self.look_at(open).await?.pop() else {
                break;
            };
            (row, step) = next;
        }
        self.changed.notify_one();
        Ok(())
    }

    async fn take_step(&self, row: &PaymentRow, step: Step) -> Result<(), CreditError> {
        let name = match &step {
            Step::Wait => return Ok(()),
            Step::Enter(..) => "see",
            Step::Ask => "ask",
            Step::Reserve => "reserve",
            Step::Pay => "pay",
            Step::Commit => "commit",
            Step::Extend(_) => "extend",
            Step::Release => "release",
            Step::AskReceipt => "receipt",
            Step::PassTime(..) => "pass-time",
        };
        failpoints::reach(format!("credit.node.{name}.acting")).await;
        let (debt, payout) = (
            self.credit.ledger(row.request.debt.genesis)?,
            self.credit.ledger(row.request.payout.genesis)?,
        );
        match step {
            Step::Wait => {}
            Step::Enter(stage, why) => self.enter(row, stage, Entry::because(why)).await?,
            Step::Ask => self.ask(row).await?,
            Step::Reserve => self.reserve(debt, row).await?,
            Step::Pay => {
                let act = Act::Pay(Box::new(row.request.clone()));
                if in_time(carry_out(payout, row.id, &act)).await? {
                    self.enter(row, Stage::Paid, Entry::because(PAID)).await?;
                }
            }
            Step::Commit => {
                let paid = self.credit.payout(row.request.payout.genesis, row.id).await?;
                let block = payout.block(paid.block).await?;
                let payout = PayoutBlock {
                    number: block.number,
                    hash: block.hash,
                };
                if carry_out(debt, row.id, &Act::Commit { id: row.id, payout }).await? {
                    self.enter(row, Stage::Owed, Entry::because(OWED)).await?;
                }
            }
            Step::Extend(until) => {
                carry_out(debt, row.id, &Act::Extend { id: row.id, until }).await?;
            }
            Step::Release => {
                carry_out(debt, row.id, &Act::Release(row.id)).await?;
            }
            Step::AskReceipt => self.ask_receipt(debt, row).await?,
            Step::PassTime(side, due) => {
                let ledger = match side {
                    Side::Debt => debt,
                    Side::Payout => payout,
                };
                let head = ledger.time();
                if needs_block(&*self.clock, due, || ledger.time()).await {
                    // A block that came too early doesn't count: another head, another wish.
                    let key = format!("credit/{}/time/{head}/{due}", row.id);
                    in_time(async { Ok(ledger.make_block(&key).await?) }).await?;
                }
            }
        }
        failpoints::reach(format!("credit.node.{name}.acted")).await;
        Ok(())
    }

    /// A crash at any point asks again: the payee's institution answers the same.
    async fn ask(&self, row: &PaymentRow) -> Result<(), CreditError> {
        let request = &row.request;
        let question = ConsentRequest {
            request: request.clone(),
            payer_signature: row.payer_signature,
            payer_certificate: row.payer_certificate.clone(),
        };
        let asked = self
            .payees
            .ask(&request.payout.genesis, row.payee_institution, &question);
        let refusal = match asked.await {
            Ok(ConsentAnswer::Pending) => {
                return Err(CreditError::NotYet("a person at the payee's institution decides"))
            }
            Ok(ConsentAnswer::Accepted { signature, certificate }) => {
                if !verify(&request.payee.0, &request.payload(), &signature) {
                    return Err(CreditError::BadPayeeSignature(request.payee));
                }
                match self.identify(&certificate, request.payee).await? {
                    Ok(person) => {
                        let entry = Entry {
                            detail: "the payee takes it".to_owned(),
                            consent: Some((signature, person)),
                            refusal: None,
                        };
                        return self.enter(row, Stage::Accepted, entry).await;
                    }
                    Err(error) if error.may_pass() => return Err(error.into()),
                    Err(error) => Refusal {
                        code: error.code().to_owned(),
                        detail: format!("the payee's certificate: {error}"),
                        signature: None,
                    },
                }
            }
            Ok(ConsentAnswer::Refused { reason, signature }) => {
                if reason.len() > MAX_DETAIL || !verify(&request.payee.0, &request.refusal(&reason), &signature) {
                    return Err(CreditError::BadPayeeSignature(request.payee));
                }
                Refusal {
                    code: "payee-refused".to_owned(),
                    detail: reason,
                    signature: Some(signature),
                }
            }
            Err(PeerError::Rejected { code, detail, .. }) if ends_the_question(&code) => Refusal {
                code,
                detail: format!("the payee's institution: {}", cut(&detail)),
                signature: None,
            },
            Err(error) => return Err(error.into()),
        };
        self.enter(row, Stage::Refused, Entry::refused(refusal)).await
    }

    async fn reserve(&self, ledger: &dyn CreditLedger, row: &PaymentRow) -> Result<(), CreditError> {
        self.mark_overdue(ledger, row).await?;
        // Time may have passed since it was asked for.
        match self.identify(&row.payer_certificate, row.request.payer).await? {
            Ok(_) => {}
            Err(error) if error.may_pass() => return Err(error.into()),
            Err(error) => {
                let refusal = Refusal {
                    code: error.code().to_owned(),
                    detail: format!("the payer's certificate: {error}"),
                    signature: None,
                };
                return self.enter(row, Stage::Refused, Entry::refused(refusal)).await;
            }
        }
        let payee = row.payee_signature.ok_or(CreditError::NotAccepted(row.id))?;
        let act = Act::Reserve {
            request: Box::new(row.request.clone()),
            payer: row.payer_signature,
            payee,
        };
        match ledger.carry_out(&key(row.id, &act), &act).await {
            Ok(_) => self.enter(row, Stage::Reserved, Entry::because(RESERVED)).await,
            // It was before: the next look sees what became of it.
            Err(LedgerError::Refused(Error::RequestUsed)) => Ok(()),
            Err(LedgerError::Refused(refusal)) if !may_change(&refusal) => {
                if !self.stands(ledger, row, &refusal).await? {
                    return Err(CreditError::NotYet(
                        "what stands in the way isn't final, or may be given back",
                    ));
                }
                let why = refused(&refusal);
                let stage = match refusal {
                    Error::AboveNodeLimit { .. } => Stage::Short,
                    _ => Stage::Refused,
                };
                if stage == row.stage {
                    return Ok(());
                }
                self.enter(row, stage, Entry::refused(why)).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the finalized chain says the same as the refusal, which may come of a later block; and whether it will as long as
    /// neither payer nor payee does anything: what is reserved for other payments may come back.
    async fn stands(&self, ledger: &dyn CreditLedger, row: &PaymentRow, refusal: &Error) -> Result<bool, CreditError> {
        let request = &row.request;
        let limits = ledger.limits(request.payer, request.payee, request.debt.asset).await?;
        let is_short = |limit: Amount, owed: Amount| limit < owed.saturating_add(request.amount);
        Ok(match refusal {
            Error::AbovePayeeLimit { .. } => is_short(limits.payee.limit, limits.payee.used.outstanding),
            Error::AboveNodeLimit { .. } => is_short(limits.node.limit, limits.node.used.outstanding),
            Error::Frozen => limits.is_frozen,
            Error::Overdue { .. } => limits.node.overdue > 0,
            _ => true,
        })
    }

    /// Who doesn't repay gets nothing new: what fell due is marked so before the limits are looked at.
    async fn mark_overdue(&self, ledger: &dyn CreditLedger, row: &PaymentRow) -> Result<(), CreditError> {
        let taken = self.store.credit_taken(row.request.payer, ledger.genesis()).await?;
        let now = self.now();
        for ids in taken.chunks(MAX_ASKED) {
            let debts = ledger.debts(ids).await?;
            for (id, debt) in ids.iter().zip(debts) {
                let is_late = |debt: &Debt| debt.principal_owed() > 0 && !debt.is_overdue && debt.due_at <= now;
                let Some(debt) = debt.filter(is_late) else {
                    continue;
                };
                let head = ledger.time();
                if head < debt.due_at {
                    ledger
                        .make_block(&format!("credit/{id}/due/{head}/{}", debt.due_at))
                        .await?;
                }
                carry_out(ledger, *id, &Act::MarkOverdue(*id)).await?;
            }
        }
        Ok(())
    }

    async fn ask_receipt(&self, ledger: &dyn CreditLedger, row: &PaymentRow) -> Result<(), CreditError> {
        let request = &row.request;
        let asked = self
            .payees
            .ask_arrival(&request.payout.genesis, row.payee_institution, row.id);
        let ArrivalAnswer::Arrived { signature } = asked.await? else {
            return Err(CreditError::NotYet("the payee's institution doesn't see the payout"));
        };
        let domain = protocol::credit::domain(request.debt.genesis, request.debt.contract);
        if !verify(&request.payee.0, &receipt(&domain, &row.id), &signature) {
            return Err(CreditError::BadPayeeSignature(request.payee));
        }
        if carry_out(ledger, row.id, &Act::ConfirmReceipt { id: row.id, signature }).await? {
            self.enter(row, Stage::Confirmed, Entry::because(CONFIRMED)).await?;
        }
        Ok(())
    }

    async fn shown(&self, ledger: &dyn CreditLedger, open: &[PaymentRow]) -> Result<Shown, CreditError> {
        let grace = self.credit.grace(ledger.genesis()).await?;
        Ok(shown(ledger, grace, open).await?)
    }
}

async fn shown(ledger: &dyn CreditLedger, grace: Timestamp, open: &[PaymentRow]) -> Result<Shown, LedgerError> {
    let genesis = ledger.genesis();
    // The time first: what the chain shows is at least that late.
    let time = ledger.time();
    let (mut debts, mut payouts) = (HashMap::new(), HashMap::new());
    let ids = |of: fn(&PaymentRow) -> [u8; 32]| {
        let its = open.iter().filter(move |row| of(row) == genesis);
        its.map(|row| row.id).collect::<Vec<_>>()
    };
    for some in ids(|row| row.request.debt.genesis).chunks(MAX_ASKED) {
        let found = ledger.debts(some).await?;
        debts.extend(some.iter().zip(found).filter_map(|(id, debt)| Some((*id, debt?))));
    }
    for some in ids(|row| row.request.payout.genesis).chunks(MAX_ASKED) {
        let found = ledger.payouts(some).await?;
        payouts.extend(some.iter().zip(found).filter_map(|(id, payout)| Some((*id, payout?))));
    }
    Ok(Shown {
        time,
        grace,
        debts,
        payouts,
    })
}

/// Does it once. False where something else happened meanwhile: the next look sees what.
async fn carry_out(ledger: &dyn CreditLedger, id: RequestId, act: &Act) -> Result<bool, CreditError> {
    match ledger.carry_out(&key(id, act), act).await {
        Ok(block) => {
            tracing::info!(message = act.message(), block = block.number, "done on chain");
            Ok(true)
        }
        Err(LedgerError::Refused(
            refusal @ (Error::WrongState(_)
            | Error::RequestUsed
            | Error::DeadlinePassed { .. }
            | Error::AlreadyReceived
            | Error::AlreadyOverdue
            | Error::NotLater { .. }),
        )) => {
            tracing::info!(message = act.message(), ?refusal, "the chain has moved on");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// What waits for the payee's chain to finalize. What was sent stays on its way: the same key joins it later.
async fn in_time<T>(waits: impl Future<Output = Result<T, CreditError>>) -> Result<T, CreditError> {
    let waited = timeout(WAITING, waits).await;
    waited.unwrap_or(Err(CreditError::NotYet("the payee's chain hasn't finalized it")))
}

/// As much of a text as is kept.
fn cut(text: &str) -> &str {
    let ends = (0..=MAX_DETAIL.min(text.len())).rev();
    let end = ends.into_iter().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// The business step. An extension is another one for each new end.
fn key(id: RequestId, act: &Act) -> String {
    match act {
        Act::Extend { until, .. } => format!("credit/{id}/extend/{until}"),
        act => format!("credit/{id}/{}", act.message()),
    }
}

/// Whether the contract may say otherwise although neither payer nor payee does anything.
const fn may_change(refusal: &Error) -> bool {
    matches!(
        refusal,
        Error::NodeNotActive | Error::RegistryFailed | Error::NotTheNode | Error::DeadlinePassed { .. }
    )
}

/// Which limit was short, and by how much (S1.11, S1.12).
fn refused(refusal: &Error) -> Refusal {
    let missing = |limit: Amount, used: Amount, amount: Amount| {
        let left = limit.saturating_sub(used);
        (left, amount.saturating_sub(left))
    };
    let detail = match *refusal {
        Error::AbovePayeeLimit { limit, used, amount } => {
            let (left, short) = missing(limit, used, amount);
            format!(
                "the payee lets this payer owe {limit} on payments to it, {used} of it is taken: {left} is left, {short} is \
                 missing. Only the payee can raise it"
            )
        }
        Error::AboveNodeLimit { limit, used, amount } => {
            let (left, short) = missing(limit, used, amount);
            format!(
                "the credit node lets this payer owe {limit}, {used} of it is taken: {left} is left, {short} is missing. Ask for \
                 at least {} with evidence of what you can repay (`quittance credit wish`); the payment goes on by itself once \
                 that is granted, until its pay_by",
                used.saturating_add(amount)
            )
        }
        Error::Overdue { principal } => {
            format!("the payer must first repay what is overdue: {principal}")
        }
        Error::Frozen => "the credit node takes nothing new of this payer".to_owned(),
        ref other => format!("the contract refuses: {other:?}"),
    };
    Refusal {
        code: refusal_code(refusal),
        detail,
        signature: None,
    }
}
