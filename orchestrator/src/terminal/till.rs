//! The terminal at work (S4.3): takes a card, signs, keeps, sends, and shows what came of it.
use std::{path::Path, str::FromStr, time::Duration};

use futures::{stream, StreamExt as _};
use protocol::{
    prepaid::{CardNumber, PaymentKey, RefundOrder, SignedPayment, VoidOrder},
    text::from_hex,
    AccountId, Amount,
};

use super::{
    card::{Ask, Card},
    client::Acquirer,
    desk::{Desk, Trouble},
    disk::Locked,
    fault::TillError,
    queue::{Draft, Entry, Outcome, Queue},
    settings::{Settings, KEY_FILE},
};
use crate::{
    http::now,
    identity::{keys, KeyFile},
    prepaid::messages::{OrderAnswer, TerminalOrder},
    settlement::failpoints,
};

/// How many orders are on the way at once when the queue is sent.
const TOGETHER: usize = 16;
/// How long after its expiry an order isn't given up: the chain's clock isn't this one.
const GRACE: u64 = 600_000;

/// What a customer is to pay.
#[derive(Clone, Debug)]
pub struct Sale {
    /// What the merchant calls it. The same name again is the same sale: it is paid once.
    pub name: Option<String>,
    /// In the asset's smallest unit.
    pub amount: Amount,
    /// The least that is taken if the card can't cover all; the amount without it.
    pub least: Option<Amount>,
    /// Whether it is taken without asking, and sent later.
    pub is_offline: bool,
}

/// A payment that something is given back of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentName {
    /// By its reference. This terminal took it.
    Reference([u8; 32]),
    /// By its card and counter. Any terminal of the merchant took it.
    Key(PaymentKey),
}

/// What came of an order that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The order, with the final answer if there is one.
    pub entry: Entry,
    /// Why there is none, if it was asked for.
    pub trouble: Option<Trouble>,
}

/// A terminal in use: no other process has it meanwhile.
#[derive(Debug)]
pub struct Till {
    desk: Desk,
    queue: Queue,
    _lock: Locked,
}

impl Till {
    /// Takes the terminal in this directory into use. An encrypted key's password comes from the environment or from the
    /// terminal. `patience`: other than it is set up.
    ///
    /// # Errors
    /// Another process uses it, it isn't set up, or a file can't be used.
    pub fn open(directory: &Path, patience: Option<Duration>) -> Result<Self, TillError> {
        let lock = Locked::take(directory, Duration::ZERO)?;
        let settings = Settings::load(directory)?;
        let acquirer = Acquirer::new(
            &settings.acquirer,
            settings.ca.as_ref().map(|ca| directory.join(ca)).as_deref(),
        )?;
        let path = directory.join(KEY_FILE);
        let password = || keys::existing_password(&path, keys::PASSWORD_VARIABLE);
        let key = KeyFile::read(&path)?.unlock(&path, password)?;
        Ok(Self {
            desk: Desk {
                patience: patience.unwrap_or_else(|| settings.patience()),
                settings,
                key,
                acquirer,
            },
            queue: Queue::open(directory)?,
            _lock: lock,
        })
    }

    /// Takes a payment: at once, or to be sent later.
    ///
    /// # Errors
    /// Nothing is signed: the amount, the card or the name can't be used, or it is too much to take offline. Or what is
    /// signed can't be kept.
    pub async fn pay(&mut self, card: &Card, sale: &Sale) -> Result<Sent, TillError> {
        let least = sale.least.unwrap_or(sale.amount);
        let is_same = |order: &TerminalOrder| match order {
            TerminalOrder::Pay { payment } => {
                let payment = &payment.payment;
                (payment.card, payment.amount, payment.least) == (card.number(), sale.amount, least)
            }
            _ => false,
        };
        if let Some(known) = self.known(sale.name.as_deref(), is_same)? {
            return self.again(known, sale.is_offline).await;
        }
        if sale.amount == 0 || least == 0 || least > sale.amount {
            return Err(TillError::BadAmount);
        }
        if card.domain() != self.desk.settings.domain() {
            return Err(TillError::OtherProgramme(card.number().0));
        }
        if sale.is_offline {
            self.ensure_below_floor(sale.amount)?;
        }
        let settings = &self.desk.settings;
        let (payment, by_card) = card.sign(Ask {
            merchant: settings.merchant,
            terminal: self.terminal(),
            amount: sale.amount,
            least,
            expires_at: settings.expiry(now(), sale.is_offline),
        })?;
        let payment = SignedPayment {
            payment,
            card: by_card,
            terminal: self.desk.key.sign(&payment.payload(&settings.domain())),
        };
        failpoints::reach("terminal.order.signed".into()).await;
        let kept = self.keep(TerminalOrder::Pay { payment }, sale.name.clone(), sale.is_offline)?;
        self.again(kept, sale.is_offline).await
    }

    /// Undoes a payment of a cycle that is still open.
    ///
    /// # Errors
    /// Nothing is signed: the payment isn't known, was not taken, or another order about it waits. Or what is signed can't
    /// be kept.
    pub async fn void(&mut self, payment: PaymentName, name: Option<String>) -> Result<Sent, TillError> {
        let wanted = self.key_of(payment)?;
        let is_same = |order: &TerminalOrder| match order {
            TerminalOrder::Void { order, .. } => (order.card, order.counter) == wanted,
            _ => false,
        };
        if let Some(known) = self.known(name.as_deref(), is_same)? {
            return self.again(known, false).await;
        }
        self.past(wanted)?;
        let order = VoidOrder {
            card: wanted.0,
            counter: wanted.1,
            terminal: self.terminal(),
            expires_at: self.desk.settings.expiry(now(), false),
        };
        let signature = self.desk.key.sign(&order.payload(&self.desk.settings.domain()));
        let kept = self.keep(TerminalOrder::Void { order, signature }, name, false)?;
        self.again(kept, false).await
    }

    /// Gives a payment back, or a part of it, whatever cycle it is in. `returned`: what of it went back before, where
    /// another terminal or a dispute did that.
    ///
    /// # Errors
    /// Nothing is signed: the payment isn't known, was not taken, nothing of it is left, or another order about it waits.
    /// Or what is signed can't be kept.
    pub async fn refund(
        &mut self,
        payment: PaymentName,
        amount: Option<Amount>,
        returned: Option<Amount>,
        name: Option<String>,
    ) -> Result<Sent, TillError> {
        let wanted = self.key_of(payment)?;
        let is_same = |order: &TerminalOrder| match order {
            TerminalOrder::Refund { order, .. } => {
                (order.card, order.counter) == wanted && amount.is_none_or(|amount| amount == order.amount)
            }
            _ => false,
        };
        if let Some(known) = self.known(name.as_deref(), is_same)? {
            return self.again(known, false).await;
        }
        let past = self.past(wanted)?;
        let returned = returned.unwrap_or(past.returned);
        let left = past.taken.map(|taken| taken.saturating_sub(returned));
        let amount = amount.or(left).ok_or(TillError::AmountNeeded(wanted))?;
        if amount == 0 || left == Some(0) {
            return Err(TillError::NothingLeft(wanted));
        }
        let order = RefundOrder {
            card: wanted.0,
            counter: wanted.1,
            terminal: self.terminal(),
            amount,
            returned,
            expires_at: self.desk.settings.expiry(now(), false),
        };
        let signature = self.desk.key.sign(&order.payload(&self.desk.settings.domain()));
        let kept = self.keep(TerminalOrder::Refund { order, signature }, name, false)?;
        self.again(kept, false).await
    }

    /// Asks once about every order that isn't answered though it was sent at once: what a crash or a broken line left.
    ///
    /// # Errors
    /// An answer can't be kept.
    pub async fn catch_up(&mut self) -> Result<Vec<Sent>, TillError> {
        let waiting = self.queue.waiting().values();
        let unanswered = waiting.filter(|entry| !entry.is_offline).cloned().collect();
        self.send_these(unanswered, Duration::ZERO, |_| {}).await
    }

    /// Sends all that waits. `told` hears of each order when there is an answer, or none.
    ///
    /// # Errors
    /// An answer can't be kept.
    pub async fn send(&mut self, told: impl FnMut(&Sent)) -> Result<Vec<Sent>, TillError> {
        let waiting = self.queue.waiting().values().cloned().collect();
        self.send_these(waiting, self.desk.patience, told).await
    }

    /// Gives up an order that expired without a final answer.
    ///
    /// # Errors
    /// There is none of this number, it may still be carried out, or that can't be kept.
    pub fn drop_order(&mut self, number: u64) -> Result<Entry, TillError> {
        let waiting = self.queue.waiting().get(&number);
        let expires_at = waiting.ok_or(TillError::UnknownOrder(number))?.expires_at();
        if now() < expires_at.saturating_add(GRACE) {
            return Err(TillError::NotExpired { number, expires_at });
        }
        let dropped = self.queue.finish(number, Outcome::Dropped { at: now() })?;
        dropped.ok_or(TillError::UnknownOrder(number))
    }

    /// What waits.
    pub const fn queue(&self) -> &Queue {
        &self.queue
    }

    fn terminal(&self) -> AccountId {
        self.desk.key.account()
    }

    /// The order that had this name before.
    fn known(
        &mut self,
        name: Option<&str>,
        is_same: impl FnOnce(&TerminalOrder) -> bool,
    ) -> Result<Option<Entry>, TillError> {
        let Some(name) = name else {
            return Ok(None);
        };
        let known = self.queue.named(name)?;
        match known {
            Some(entry) if !is_same(&entry.order) => Err(TillError::OtherOrder {
                name: name.to_owned(),
                number: entry.number,
            }),
            known => Ok(known),
        }
    }

    /// The same order has the same answer.
    async fn again(&mut self, entry: Entry, later: bool) -> Result<Sent, TillError> {
        if entry.outcome.is_some() || later {
            return Ok(Sent { entry, trouble: None });
        }
        let unanswered = entry.clone();
        let sent = self.send_these(vec![entry], self.desk.patience, |_| {}).await?;
        Ok(sent.into_iter().next().unwrap_or(Sent {
            entry: unanswered,
            trouble: None,
        }))
    }

    /// Signed, and on disk before anybody else has it.
    fn keep(&mut self, order: TerminalOrder, name: Option<String>, is_offline: bool) -> Result<Entry, TillError> {
        let draft = Draft {
            name,
            signed_at: now(),
            is_offline,
            merchant: self.desk.settings.merchant,
            order,
        };
        Ok(self.queue.keep(draft)?.clone())
    }

    async fn send_these(
        &mut self,
        orders: Vec<Entry>,
        patience: Duration,
        mut told: impl FnMut(&Sent),
    ) -> Result<Vec<Sent>, TillError> {
        let desk = &self.desk;
        let mut answers = stream::iter(orders)
            .map(|entry| async move {
                failpoints::reach("terminal.order.acting".into()).await;
                let answer = desk.answer(&entry, patience).await;
                failpoints::reach("terminal.order.acted".into()).await;
                (entry, answer)
            })
            .buffer_unordered(TOGETHER);
        let mut all = Vec::new();
        while let Some((entry, answer)) = answers.next().await {
            let sent = match answer {
                Ok(answer) => {
                    let outcome = Outcome::Answered { answer, at: now() };
                    let finished = self.queue.finish(entry.number, outcome)?;
                    Sent {
                        entry: finished.unwrap_or(entry),
                        trouble: None,
                    }
                }
                Err(trouble) => Sent {
                    entry,
                    trouble: Some(trouble),
                },
            };
            told(&sent);
            all.push(sent);
        }
        all.sort_by_key(|sent| sent.entry.number);
        Ok(all)
    }

    fn ensure_below_floor(&self, amount: Amount) -> Result<(), TillError> {
        let Settings {
            floor_limit: floor,
            offline_bound: bound,
            ..
        } = self.desk.settings;
        if amount > floor {
            return Err(TillError::AboveFloor { amount, floor });
        }
        let waiting = self.queue.waiting().values();
        let payments = waiting.filter(|entry| matches!(entry.order, TerminalOrder::Pay { .. }));
        let waiting = payments.filter_map(Entry::amount).fold(0, Amount::saturating_add);
        if waiting.saturating_add(amount) > bound {
            return Err(TillError::AboveBound { waiting, amount, bound });
        }
        Ok(())
    }

    fn key_of(&self, payment: PaymentName) -> Result<PaymentKey, TillError> {
        let reference = match payment {
            PaymentName::Key(key) => return Ok(key),
            PaymentName::Reference(reference) => reference,
        };
        let receipts = self.queue.receipts()?.entries;
        let mut all = receipts.values().chain(self.queue.waiting().values());
        let found =
            all.find(|entry| matches!(entry.order, TerminalOrder::Pay { .. }) && entry.order.reference() == reference);
        found.map(Entry::payment).ok_or(TillError::UnknownPayment(reference))
    }

    /// What this terminal knows of a payment. It must know all that it asked for.
    fn past(&self, payment: PaymentKey) -> Result<Past, TillError> {
        let waiting = self.queue.waiting().values();
        if let Some(entry) = waiting.into_iter().find(|entry| entry.payment() == payment) {
            let number = entry.number;
            return Err(TillError::StillWaits { number, payment });
        }
        let mut past = Past::default();
        for entry in self.queue.receipts()?.entries.values() {
            if entry.payment() != payment {
                continue;
            }
            match entry.answer() {
                Some(OrderAnswer::Approved { taken, .. }) => past.taken = Some(*taken),
                Some(OrderAnswer::Returned { amount, .. }) => past.returned = past.returned.saturating_add(*amount),
                Some(OrderAnswer::Declined { .. }) if matches!(entry.order, TerminalOrder::Pay { .. }) => {
                    return Err(TillError::NotTaken(payment));
                }
                _ => {}
            }
        }
        Ok(past)
    }
}

#[derive(Default)]
struct Past {
    /// Nothing where another terminal took it.
    taken: Option<Amount>,
    returned: Amount,
}

impl FromStr for PaymentName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let as_key = || {
            let (card, counter) = text.split_once('/')?;
            Some((CardNumber(card.parse().ok()?), counter.parse().ok()?))
        };
        if text.starts_with("0x") {
            let reference = from_hex(text).map_err(|error| error.to_string())?;
            return Ok(Self::Reference(reference));
        }
        as_key().map(Self::Key).ok_or_else(|| {
            "write a payment as on its receipt: its reference 0x…, or card/counter such as 7/3".to_owned()
        })
    }
}

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
