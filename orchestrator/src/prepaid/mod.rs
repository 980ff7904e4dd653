//! Prepaid cards (S4.1 to S4.5), at a card issuer and at the acquirers of merchants that take its cards.
//!
//! [`Prepaid`] answers the institution's own people and programs (`desk`), takes terminals' orders as their merchants'
//! acquirer (`acquirer`) and decides them as the issuer (`issuer`); its [`Prepaid::run`] does whatever is due (`runner`), and
//! closes merchants' cycles (`cycles`). What follows from the contract's events alone, for holders, merchants, regulators and
//! auditors, is in [`book`], [`statements`], [`report`] and [`verify`], read through [`past`]. Cards, merchants and payments stand on the chain; what is stored here is only what
//! isn't there yet, and the answers.
mod acquirer;
pub mod book;
mod cycles;
mod desk;
pub mod envelopes;
pub mod fault;
mod issuer;
mod keeping;
pub mod messages;
pub mod past;
pub mod ports;
pub mod programme;
pub mod queries;
pub mod report;
mod runner;
pub mod schedule;
pub mod sealed;
pub mod statements;
pub mod verify;
#[cfg(test)]
pub(crate) mod world;

use std::{collections::HashMap, sync::Arc, time::Duration};

use protocol::{
    prepaid::{Float, Programme},
    settlement::Asset,
    AccountId, Member, Timestamp,
};
use tokio::{
    sync::{watch, Mutex, Notify},
    time::Instant,
};

pub use desk::{Given, PaymentStanding};
pub use fault::PrepaidError;

use crate::store::Store;
use ports::{Check, Clock, Issuers, LedgerError, PrepaidLedger};
use schedule::Schedule;

/// The cards that an institution has to do with: its own, if it issues any, and those that its merchants take.
pub struct Prepaid {
    /// This institution's index in the registry.
    member: Member,
    /// One for each issuer.
    ledgers: Vec<Arc<dyn PrepaidLedger>>,
    issuing: Option<Issuing>,
    issuers: Arc<dyn Issuers>,
    /// To whom terminals seal orders for other issuers, as these said, and when.
    recipients: Mutex<HashMap<Member, (Instant, String)>>,
    store: Store,
    keeping: keeping::Keeping,
    clock: Arc<dyn Clock>,
    /// Something here changed: look what is due.
    changed: Notify,
    /// Counts answers, for those who wait for one.
    moves: watch::Sender<u64>,
}

/// How an institution issues cards.
pub struct Issuing {
    /// Opens what terminals sealed.
    pub identity: age::x25519::Identity,
    /// How long the first payment of a batch waits for others.
    pub batch_wait: Duration,
    /// How long an acquirer that hands an order in waits for the answer, before it is told to ask again.
    pub answer_wait: Duration,
    /// When merchants' cycles are closed.
    pub schedule: Schedule,
}

/// One issuer's programme.
#[derive(Clone, Debug)]
pub struct Site {
    /// The issuer's index in the registry.
    pub issuer: Member,
    /// The chain's genesis hash.
    pub genesis: [u8; 32],
    /// The issuer's contract.
    pub contract: AccountId,
    /// What stands in it; the chain may be out of reach.
    pub standing: Result<Standing, LedgerError>,
}

/// What stands in a prepaid contract, beyond its cards and merchants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What the cards hold.
    pub asset: Asset,
    /// What holds for all cards and merchants.
    pub programme: Programme,
    /// The sums of what cards hold and of what merchants aren't paid yet.
    pub float: Float,
}

impl Prepaid {
    /// Puts the system together, for these issuers' contracts. Nothing happens before [`Prepaid::run`].
    pub fn new(
        member: Member,
        ledgers: Vec<Arc<dyn PrepaidLedger>>,
        issuing: Option<Issuing>,
        issuers: Arc<dyn Issuers>,
        store: Store,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            member,
            ledgers,
            issuing,
            issuers,
            recipients: Mutex::default(),
            keeping: keeping::Keeping::new(store.clone()),
            store,
            clock,
            changed: Notify::new(),
            moves: watch::Sender::new(0),
        })
    }

    /// Each issuer's contract.
    pub fn ledgers(&self) -> &[Arc<dyn PrepaidLedger>] {
        &self.ledgers
    }

    /// This institution's index in the registry.
    pub const fn member(&self) -> Member {
        self.member
    }

    /// Every programme, also those that can't be read now.
    pub async fn sites(&self) -> Vec<Site> {
        futures::future::join_all(self.ledgers.iter().map(|ledger| site(&**ledger))).await
    }

    /// An issuer's programme.
    ///
    /// # Errors
    /// This institution has nothing to do with it.
    pub async fn site(&self, issuer: Member) -> Result<Site, PrepaidError> {
        Ok(site(self.ledger(issuer)?).await)
    }

    /// Whether each contract is the one that it should be.
    pub async fn checks(&self) -> Vec<(Member, Check)> {
        let look = |ledger: &Arc<dyn PrepaidLedger>| {
            let ledger = ledger.clone();
            async move { (ledger.issuer(), ledger.check().await) }
        };
        futures::future::join_all(self.ledgers.iter().map(look)).await
    }

    /// An issuer's contract.
    ///
    /// # Errors
    /// This institution has nothing to do with it.
    pub fn ledger(&self, issuer: Member) -> Result<&dyn PrepaidLedger, PrepaidError> {
        let mut ledgers = self.ledgers.iter();
        let found = ledgers.find(|ledger| ledger.issuer() == issuer);
        found.map(|found| &**found).ok_or(PrepaidError::UnknownIssuer(issuer))
    }

    fn issuing(&self) -> Result<&Issuing, PrepaidError> {
        self.issuing.as_ref().ok_or(PrepaidError::NoIssuer)
    }

    /// The institution's own contract, as a card issuer.
    fn own(&self) -> Result<&dyn PrepaidLedger, PrepaidError> {
        self.ledger(self.member).map_err(|_| PrepaidError::NoIssuer)
    }

    /// Something was kept: look what is due.
    fn changed(&self) {
        self.changed.notify_one();
    }

    /// Something was answered: whoever waits looks again.
    fn moved(&self) {
        self.moves.send_modify(|moves| *moves = moves.wrapping_add(1));
        self.changed();
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

async fn site(ledger: &dyn PrepaidLedger) -> Site {
    Site {
        issuer: ledger.issuer(),
        genesis: ledger.genesis(),
        contract: ledger.contract(),
        standing: standing(ledger).await,
    }
}

async fn standing(ledger: &dyn PrepaidLedger) -> Result<Standing, LedgerError> {
    Ok(Standing {
        asset: ledger.constants().await?.asset,
        programme: ledger.programme().await?,
        float: ledger.float().await?,
    })
}

#[cfg(test)]
pub(crate) mod tests;
