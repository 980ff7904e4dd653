//! Windows of deferred net settlement: what they hold, how near members are to their caps, and the certificate that
//! anybody can recompute (S0.12, S0.14).
pub mod calendar;
pub mod certificate;
pub mod ports;
mod schedule;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use protocol::{
    settlement::{Asset, Settlement},
    windows::{Certificate, Closing, Position, Shortfall, Window, WindowState},
    Amount, Member,
};

pub use calendar::Calendar;
use certificate::RecomputeError;
use ports::{Record, Records, WindowLedger};
pub(crate) use schedule::CAP_USED;

use crate::{
    decisions::Decisions,
    settlement::ports::{Clock, LedgerError},
    store::{Store, StoreError},
};

/// What can go wrong with a look at windows.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// The chain can't be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The events contradict each other.
    #[error("the window's events contradict each other: {0}")]
    Recompute(#[from] RecomputeError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How windows are watched.
#[derive(Clone, Debug)]
pub struct WindowsConfig {
    /// This institution's index in the registry.
    pub member: Member,
    /// When this notary agrees to cut windows off.
    pub calendar: Calendar,
    /// Members that use at least this part of their cap are named, in percent.
    pub alarm_percent: u8,
}

/// The windows, as one institution watches them.
pub struct Windows {
    config: WindowsConfig,
    store: Store,
    ledger: Arc<dyn WindowLedger>,
    records: Arc<dyn Records>,
    decisions: Arc<Decisions>,
    clock: Arc<dyn Clock>,
    /// Who was named for its cap already.
    named: Mutex<BTreeSet<(Member, Asset)>>,
}

/// How far a member is from its cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Who.
    pub member: Member,
    /// In what.
    pub asset: Asset,
    /// In the window that was asked for.
    pub position: Position,
    /// What it would have to pay for the open window.
    pub open_debit: Amount,
    /// Its net debits in windows that are cut off and not paid.
    pub unsettled: Amount,
    /// How far it may go negative, over all of them.
    pub cap: Amount,
    /// How far it is, in percent of the cap, rounded down. 100 where it owes something without a cap.
    pub used_percent: u8,
    /// Whether that is at or above the percentage that is configured here.
    pub alarm: bool,
}

impl Standing {
    /// How far it is negative: in windows that are cut off and not paid, and in the open one.
    pub const fn used(&self) -> Amount {
        self.unsettled.saturating_add(self.open_debit)
    }
}

/// A certificate beside what follows from the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// As the contract emitted it.
    pub emitted: Option<Certificate>,
    /// As the events before lead to it.
    pub recomputed: Certificate,
}

impl Verified {
    /// Whether the contract emitted what follows from the events.
    pub fn agrees(&self) -> bool {
        self.emitted.as_ref() == Some(&self.recomputed)
    }
}

impl Windows {
    /// Puts it together. Nothing is closed or paid before [`Windows::run`].
    pub fn new(
        config: WindowsConfig,
        store: Store,
        ledger: Arc<dyn WindowLedger>,
        records: Arc<dyn Records>,
        decisions: Arc<Decisions>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            config,
            store,
            ledger,
            records,
            decisions,
            clock,
            named: Mutex::default(),
        })
    }

    /// The number of the open window.
    ///
    /// # Errors
    /// The chain can't be read.
    pub async fn open(&self) -> Result<u32, WindowError> {
        Ok(self.ledger.current().await?.window)
    }

    /// A window, by number.
    ///
    /// # Errors
    /// The chain can't be read.
    pub async fn window(&self, number: u32) -> Result<Option<Window>, WindowError> {
        Ok(self.ledger.window(number).await?)
    }

    /// What a member is owed and owes in a window.
    ///
    /// # Errors
    /// The chain can't be read.
    pub async fn position(&self, number: u32, member: Member, asset: Asset) -> Result<Position, WindowError> {
        Ok(self.ledger.position(number, member, asset).await?)
    }

    /// Who lacks how much, where a window that is cut off can't be paid.
    ///
    /// # Errors
    /// The chain can't be read.
    pub async fn shortfalls(&self, number: u32, window: &Window) -> Result<Vec<Shortfall>, WindowError> {
        if window.state != WindowState::CutOff {
            return Ok(vec![]);
        }
        match self.ledger.try_settling(number).await {
            Ok(Closing::Short(shortfalls)) => Ok(shortfalls),
            Ok(Closing::Settled(_)) => Ok(vec![]),
            // Paid since it was read.
            Err(LedgerError::Refused(protocol::clearing::Error::WrongWindow { .. })) => Ok(vec![]),
            Err(error) => Err(error.into()),
        }
    }

    /// The positions of a window, and how far their members are from their caps now. `None` where there is no such window.
    ///
    /// # Errors
    /// The chain can't be read.
    pub async fn standings_in(&self, number: u32) -> Result<Option<Vec<Standing>>, WindowError> {
        let open = self.ledger.current().await?.window;
        let Some(window) = self.ledger.window(number).await? else {
            return Ok(None);
        };
        let mut standings = Vec::with_capacity(window.positions.len());
        for (member, asset) in window.positions {
            let position = self.ledger.position(number, member, asset).await?;
            let standing = self.standing(open, member, asset).await?;
            standings.push(Standing { position, ..standing });
        }
        Ok(Some(standings))
    }

    /// How far every member that has a cap or owes something is from it, with its position in the open window.
    ///
    /// # Errors
    /// The chain can't be read.
    pub async fn standings(&self) -> Result<Vec<Standing>, WindowError> {
        let open = self.ledger.current().await?.window;
        let window = self.ledger.window(open).await?.unwrap_or_default();
        let mut keys: BTreeSet<(Member, Asset)> = window.positions.iter().copied().collect();
        keys.extend(
            self.ledger
                .members()
                .await?
                .into_iter()
                .map(|member| (member, Asset::Native)),
        );
        let mut standings = Vec::with_capacity(keys.len());
        for (member, asset) in keys {
            let standing = self.standing(open, member, asset).await?;
            if standing.cap > 0 || standing.position != Position::default() || standing.unsettled > 0 {
                standings.push(standing);
            }
        }
        Ok(standings)
    }

    async fn standing(&self, open: u32, member: Member, asset: Asset) -> Result<Standing, WindowError> {
        let balance = self.ledger.balance(member, asset).await?;
        let position = self.ledger.position(open, member, asset).await?;
        let open_debit = position.net_debit();
        let used = balance.unsettled.saturating_add(open_debit);
        let used_percent = percent(used, balance.cap);
        Ok(Standing {
            member,
            asset,
            position,
            open_debit,
            unsettled: balance.unsettled,
            cap: balance.cap,
            used_percent,
            alarm: used > 0 && used_percent >= self.config.alarm_percent,
        })
    }

    /// The certificate of a window that is paid, beside what follows from the events before. `None` where it isn't paid.
    ///
    /// # Errors
    /// The node doesn't keep the events any more, or they contradict each other.
    pub async fn verify(&self, number: u32, window: &Window) -> Result<Option<Verified>, WindowError> {
        let Some(settled_in) = window.settled_in else {
            return Ok(None);
        };
        let records = self.records.records(window.opened_in, settled_in).await?;
        let mut schedules = BTreeMap::new();
        for voucher in records.iter().flat_map(vouchers) {
            if let std::collections::btree_map::Entry::Vacant(place) = schedules.entry(voucher) {
                if let Some(rules) = self.records.schedule(voucher).await? {
                    place.insert(rules);
                }
            }
        }
        let mut caps = BTreeMap::new();
        for (member, asset) in &window.positions {
            let cap = self.records.cap(*member, *asset, settled_in).await?;
            caps.insert((*member, *asset), cap);
        }
        let emitted = records.iter().find_map(|record| match record {
            Record::Settled(certificate) if certificate.window == number => Some(certificate.clone()),
            _ => None,
        });
        Ok(Some(Verified {
            emitted,
            recomputed: certificate::recompute(number, &records, &schedules, &caps)?,
        }))
    }
}

/// The fee schedules that a record's net vouchers name.
fn vouchers(record: &Record) -> Vec<u32> {
    match record {
        Record::Retained { vouchers, .. } => {
            let net = vouchers.iter().filter(|voucher| voucher.settlement == Settlement::Net);
            net.map(|voucher| voucher.fees).collect()
        }
        Record::TakenOut { .. } | Record::Settled(_) => vec![],
    }
}

/// Rounded down, at most 255; 100 of nothing.
fn percent(used: Amount, cap: Amount) -> u8 {
    if used == 0 {
        return 0;
    }
    // Divided first where the product is beyond what an amount can hold.
    let percent = match used.checked_mul(100) {
        Some(product) => product.checked_div(cap),
        None => used.checked_div((cap / 100).max(1)),
    };
    u8::try_from(percent.unwrap_or(100)).unwrap_or(u8::MAX)
}
