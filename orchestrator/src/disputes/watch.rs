//! Learns from the finalized chain's events which disputes concern this institution: a claimant may write to nobody.
use std::collections::BTreeMap;

use protocol::disputes::Dispute;
use serde_json::{json, Value};

use super::{
    state::{ruling_name, Over},
    DisputeError, Disputes,
};
use crate::{
    assets::AssetName,
    journal::{Event, Told},
    store::webhooks::{NewEvent, Origin},
};

/// The most blocks that are read at once, and the most that are read again after a restart.
const STRETCH: u32 = 256;

/// How far the chain was read.
#[derive(Debug, Default)]
pub(super) struct Bookmark {
    /// The latest block that was read; `None` before the first look of this process.
    read: Option<u32>,
    /// The latest one that the database knows of. It may be behind: blocks that told nothing tell nothing again.
    stored: u32,
}

impl Disputes {
    /// Reads every block that was finalized since the last look. What a stretch of blocks told, and that it was read, is
    /// stored together: after a crash it is read again, or not.
    pub(super) async fn read_chain(&self, bookmark: &mut Bookmark) -> Result<(), DisputeError> {
        let head = self.journal.head();
        let read = match bookmark.read {
            Some(read) => read,
            None => self.first_block(head, bookmark).await?,
        };
        let mut from = read.saturating_add(1);
        while from <= head {
            let until = head.min(from.saturating_add(STRETCH));
            let told = self.journal.told(from, until).await?;
            let (shown, events) = self.concerning(&told).await?;
            if !shown.is_empty() || until.saturating_sub(bookmark.stored) >= STRETCH {
                let now = self.clock.now();
                self.store.read_disputes(until, now, &shown, &events).await?;
                bookmark.stored = until;
            }
            if !shown.is_empty() {
                self.changed.notify_one();
            }
            bookmark.read = Some(until);
            from = until.saturating_add(1);
        }
        Ok(())
    }

    /// Where the last process stopped; at the first start, the latest block: payments that this institution takes part in
    /// from now on are contested from now on.
    async fn first_block(&self, head: u32, bookmark: &mut Bookmark) -> Result<u32, DisputeError> {
        let read = match self.store.disputes_read_until().await? {
            Some(read) => read,
            None => {
                self.store.read_disputes(head, self.clock.now(), &[], &[]).await?;
                head
            }
        };
        (bookmark.read, bookmark.stored) = (Some(read), read);
        Ok(read)
    }

    /// The disputes that these events are about, as far as they concern this institution, and what others are told of it.
    async fn concerning(&self, told: &[Told]) -> Result<(Vec<(Over, Dispute)>, Vec<NewEvent>), DisputeError> {
        let mut shown: BTreeMap<Over, Dispute> = BTreeMap::new();
        let mut events = Vec::new();
        for told in told {
            let Some(over) = about(&told.event) else { continue };
            let dispute = match shown.get(&over) {
                Some(dispute) => *dispute,
                None if !self.is_concerned(over).await? => continue,
                None => {
                    // As it is now: the event may be older.
                    let dispute = self.ledger.dispute(over.voucher, over.obligation).await?;
                    let dispute = dispute.ok_or(DisputeError::NotShown(over))?;
                    shown.insert(over, dispute);
                    dispute
                }
            };
            events.extend(event(over, &dispute, told));
        }
        Ok((shown.into_iter().collect(), events))
    }
}

/// The dispute that an event of the contract is about.
fn about(event: &Event) -> Option<Over> {
    let (voucher, obligation) = match event {
        Event::DisputeOpened { voucher, dispute } => (*voucher, dispute.claim.obligation),
        Event::DisputeAnswered {
            voucher, obligation, ..
        }
        | Event::DisputeRuled {
            voucher, obligation, ..
        }
        | Event::AwardPaid {
            voucher, obligation, ..
        } => (*voucher, *obligation),
        _ => return None,
    };
    Some(Over { voucher, obligation })
}

/// What others are told of it.
fn event(over: Over, dispute: &Dispute, told: &Told) -> Option<NewEvent> {
    let mut data = json!({
        "voucher": over.voucher,
        "obligation": over.obligation,
        "claimant": dispute.claimant,
        "debtor": dispute.contested.debtor,
        "creditor": dispute.contested.creditor,
        "asset": AssetName(dispute.contested.asset).to_string(),
        "claimed": dispute.claim.amount.to_string(),
    });
    let mut add = |name: &str, value: Value| {
        if let Value::Object(fields) = &mut data {
            fields.insert(name.to_owned(), value);
        }
    };
    let kind = match &told.event {
        Event::DisputeOpened { dispute, .. } => {
            add("rule_by", json!(dispute.rule_by));
            "dispute.opened"
        }
        Event::DisputeAnswered { response, .. } => {
            add("answered_by", json!(response.member));
            "dispute.answered"
        }
        Event::DisputeRuled { ruling, awarded, .. } => {
            add("ruling", json!(ruling_name(*ruling)));
            add("awarded", json!(awarded.to_string()));
            "dispute.ruled"
        }
        Event::AwardPaid { amount, .. } if *amount > 0 => {
            add("paid", json!(amount.to_string()));
            "dispute.paid"
        }
        _ => return None,
    };
    Some(NewEvent {
        kind,
        subject: format!("dispute/{over}"),
        data,
        origin: Some(Origin {
            block: told.block.number,
            found: Some((told.block.hash, told.index)),
        }),
    })
}
