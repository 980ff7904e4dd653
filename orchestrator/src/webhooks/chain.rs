//! What endpoints are told of the chain: where events of payments stand, and what became of windows.
use std::time::Duration;

use protocol::windows::Certificate;
use serde_json::{json, Value};

use super::{Webhooks, LOOK};
use crate::{
    journal::{Event, Told},
    settlement::ports::LedgerError,
    store::{
        webhooks::{NewEvent, Origin, Unlocated},
        StoreError,
    },
};

/// The most blocks that are read before what they told is stored.
const STRETCH: u32 = 256;
/// How long to wait for a chain that can't be read.
const PAUSE: Duration = Duration::from_secs(2);

/// The chain or the database can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChainError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Webhooks {
    /// Goes on until it is aborted.
    pub(super) async fn follow_chain(&self) {
        loop {
            // Payments' events wait here for their places, with or without a new block.
            let pause = match self.look_at_chain().await {
                Ok(()) => LOOK,
                Err(error) => {
                    tracing::warn!(%error, "the webhooks can't follow the chain; tried again");
                    PAUSE
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    pub(super) async fn look_at_chain(&self) -> Result<(), ChainError> {
        while let Some(event) = self.store.unlocated_event().await? {
            if let Err(error) = self.locate(&event).await {
                // What a node doesn't keep any more must not hold up everything after it.
                if self.clock.now() < self.give_up_at(event.at) {
                    return Err(error);
                }
                tracing::error!(%error, subject = event.subject, "told without its place on the chain");
                self.store.locate_event(event.number, None, None).await?;
            }
        }
        let head = self.journal.head();
        let Some(told_until) = self.store.told_until().await? else {
            // Whoever is told begins with what happens from now on.
            return Ok(self.store.tell_of_blocks(head, self.clock.now(), &[]).await?);
        };
        let mut from = told_until.saturating_add(1);
        while from <= head {
            let until = head.min(from.saturating_add(STRETCH));
            let told = self.journal.told(from, until).await?;
            let events: Vec<NewEvent> = told.iter().filter_map(of_window).collect();
            self.store.tell_of_blocks(until, self.clock.now(), &events).await?;
            from = until.saturating_add(1);
        }
        Ok(())
    }

    async fn locate(&self, event: &Unlocated) -> Result<(), ChainError> {
        let block = self.journal.block(event.block).await?;
        let told = self.journal.told(event.block, event.block).await?;
        let place = told
            .iter()
            .rev()
            .find(|told| tells_of(told, event))
            .map(|told| told.index);
        if place.is_none() {
            tracing::warn!(
                subject = event.subject,
                block = event.block,
                "the block tells of no such event"
            );
        }
        Ok(self.store.locate_event(event.number, Some(block.hash), place).await?)
    }
}

/// Whether this is what the payment's event is about.
fn tells_of(told: &Told, event: &Unlocated) -> bool {
    match &told.event {
        Event::Retained { vouchers, .. } => {
            let its = |voucher: &protocol::settlement::Voucher| voucher.id().to_string() == event.subject;
            event.kind == "payment.retained" && vouchers.iter().any(its)
        }
        Event::Cleared(paid) => event.kind == "payment.cleared" && paid.voucher.to_string() == event.subject,
        Event::WindowSettled(certificate) => {
            event.kind == "payment.cleared" && event.window == Some(certificate.window)
        }
        _ => false,
    }
}

fn of_window(told: &Told) -> Option<NewEvent> {
    let (kind, window, data) = match &told.event {
        Event::WindowSettled(certificate) => ("window.settled", certificate.window, settled(certificate)),
        Event::WindowShort { window, shortfalls } => {
            let data = json!({ "window": window, "shortfalls": shortfalls });
            ("window.short", *window, data)
        }
        _ => return None,
    };
    Some(NewEvent {
        kind,
        subject: format!("window/{window}"),
        data,
        origin: Some(Origin {
            block: told.block.number,
            found: Some((told.block.hash, told.index)),
        }),
    })
}

fn settled(certificate: &Certificate) -> Value {
    json!({ "window": certificate.window, "certificate": certificate })
}
