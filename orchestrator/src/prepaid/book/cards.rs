//! Cards: what they hold, and every movement on them.
use protocol::{
    prepaid::{Card, CardLimits, CardNumber, CardState, MerchantNumber},
    AccountId, Amount, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{add, take_away, At, Book, Missing};

/// A card and its past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardBook {
    /// As it follows from the events.
    pub card: Card,
    /// When it was issued.
    pub issued: At,
    /// What moved on it, in order.
    pub movements: Vec<CardMovement>,
    /// Since when it holds more than it may, if it does.
    pub over: Option<Over>,
}

/// What moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardEntry {
    /// It was topped up.
    TopUp,
    /// It paid.
    Payment,
    /// A payment was undone.
    Void,
    /// A merchant gave something back.
    Refund,
    /// A dispute was decided for the holder.
    Award,
    /// It was closed, and its holder paid.
    Payout,
}

impl CardEntry {
    /// Its stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            CardEntry::TopUp => "top-up",
            CardEntry::Payment => "payment",
            CardEntry::Void => "void",
            CardEntry::Refund => "refund",
            CardEntry::Award => "award",
            CardEntry::Payout => "payout",
        }
    }

    /// Whether it lessens what the card holds.
    pub const fn lessens(self) -> bool {
        matches!(self, CardEntry::Payment | CardEntry::Payout)
    }
}

/// A movement on a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardMovement {
    /// The event that tells of it.
    pub at: At,
    /// Its place in the event.
    pub line: u32,
    /// What moved.
    pub kind: CardEntry,
    /// How much, in the asset's smallest unit.
    pub amount: Amount,
    /// What the card held afterwards.
    pub balance: Amount,
    /// Whether it went past the card to its holder, because the card is closed.
    pub to_holder: bool,
    /// The payment's counter.
    pub counter: Option<u64>,
    /// The payment's merchant.
    pub merchant: Option<MerchantNumber>,
    /// The payment's reference, or what the one who topped it up knows that by.
    pub reference: Option<[u8; 32]>,
}

/// A card holds more than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over {
    /// The event after which it did.
    pub since: At,
    /// Why.
    pub cause: OverCause,
}

/// Why a card holds more than it may. A top-up can't be why: it is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverCause {
    /// Its own limit was cut.
    CardCut,
    /// The programme's limit was cut.
    ProgrammeCut,
    /// A payment came back.
    Returned,
    /// It was topped up beyond its limit: the contract broke its rule.
    ToppedUp,
}

impl CardBook {
    /// The most that it may hold.
    pub fn limits(&self, programme: &CardLimits) -> CardLimits {
        self.card.limits.within(programme)
    }
}

impl Book {
    pub(super) fn issue(
        &mut self,
        at: At,
        number: CardNumber,
        key: AccountId,
        holder: AccountId,
        limits: CardLimits,
        expires_at: Timestamp,
    ) {
        let what = || format!("card {}: issued", number.0);
        self.forbid(at, at.time >= expires_at, what, "it would expire at once");
        let card = Card {
            key,
            holder,
            limits,
            expires_at,
            state: CardState::Active,
            balance: 0,
            day: 0,
            paid_that_day: 0,
            counter: 0,
        };
        let is_known = self.cards.contains_key(&number);
        self.forbid(at, is_known, what, "there is a card of that number");
        self.cards.entry(number).or_insert(CardBook {
            card,
            issued: at,
            movements: vec![],
            over: None,
        });
    }

    pub(super) fn set_limits(&mut self, at: At, number: CardNumber, limits: CardLimits) -> Result<(), Missing> {
        self.expect_open(at, number, "limits set")?;
        self.card_mut(number)?.card.limits = limits;
        self.weigh(at, number, OverCause::CardCut)
    }

    pub(super) fn freeze(&mut self, at: At, number: CardNumber, freezes: bool) -> Result<(), Missing> {
        let (from, to, act) = if freezes {
            (CardState::Active, CardState::Frozen, "frozen")
        } else {
            (CardState::Frozen, CardState::Active, "unfrozen")
        };
        let state = self.card_mut(number)?.card.state;
        let what = || format!("card {}: {act}", number.0);
        self.forbid(at, state != from, what, &format!("it was {}", name(state)));
        self.card_mut(number)?.card.state = to;
        Ok(())
    }

    pub(super) fn replace(&mut self, at: At, number: CardNumber, key: AccountId) -> Result<(), Missing> {
        self.expect_open(at, number, "replaced")?;
        let card = &mut self.card_mut(number)?.card;
        let is_same = card.key == key;
        card.key = key;
        card.state = CardState::Active;
        self.forbid(
            at,
            is_same,
            || format!("card {}: replaced", number.0),
            "the key is the same",
        );
        Ok(())
    }

    pub(super) fn close_card(
        &mut self,
        at: At,
        number: CardNumber,
        holder: AccountId,
        amount: Amount,
    ) -> Result<(), Missing> {
        self.expect_open(at, number, "closed")?;
        let card = &mut self.card_mut(number)?.card;
        let (held, whose) = (card.balance, card.holder);
        card.balance = 0;
        card.state = CardState::Closed;
        let what = |part: &str| format!("card {}: closed: {part}", number.0);
        self.expect(at, || what("amount"), amount, held);
        self.expect(at, || what("holder"), text(holder), text(whose));
        take_away(&mut self.float.cards, held);
        self.enter(
            number,
            CardMovement {
                to_holder: true,
                ..movement(at, CardEntry::Payout, held)
            },
        )?;
        self.weigh(at, number, OverCause::CardCut)
    }

    pub(super) fn top_up(
        &mut self,
        at: At,
        number: CardNumber,
        amount: Amount,
        reference: (AccountId, [u8; 32]),
    ) -> Result<(), Missing> {
        let programme = self.the_programme()?;
        let what = format!("card {}: topped up", number.0);
        self.use_reference(at, reference, &what);
        let book = self.card_mut(number)?;
        let (limit, card) = (book.limits(&programme.limits).balance, &mut book.card);
        let before = *card;
        add(&mut card.balance, amount);
        let balance = card.balance;
        let say = || what.clone();
        self.forbid(at, amount == 0, say, "the amount is 0");
        let rule = format!("it was {}", name(before.state));
        self.forbid(at, before.state != CardState::Active, say, &rule);
        self.forbid(at, at.time >= before.expires_at, say, "it had expired");
        let rule = format!("it may hold {limit} and would hold {balance}");
        self.forbid(at, balance > limit, say, &rule);
        add(&mut self.float.cards, amount);
        self.enter(
            number,
            CardMovement {
                reference: Some(reference.1),
                ..movement(at, CardEntry::TopUp, amount)
            },
        )?;
        self.weigh(at, number, OverCause::ToppedUp)
    }

    /// Keeps a movement, with what the card holds by now.
    pub(super) fn enter(&mut self, number: CardNumber, movement: CardMovement) -> Result<(), Missing> {
        let book = self.card_mut(number)?;
        let balance = book.card.balance;
        book.movements.push(CardMovement { balance, ..movement });
        Ok(())
    }

    /// Whether a card holds more than it may by now.
    pub(super) fn weigh(&mut self, at: At, number: CardNumber, cause: OverCause) -> Result<(), Missing> {
        let limits = self.the_programme()?.limits;
        let book = self.card_mut(number)?;
        let is_over = book.card.balance > book.limits(&limits).balance;
        book.over = is_over.then(|| book.over.unwrap_or(Over { since: at, cause }));
        Ok(())
    }

    /// After a change of the programme.
    pub(super) fn weigh_all(&mut self, at: At) {
        let numbers: Vec<CardNumber> = self.cards.keys().copied().collect();
        for number in numbers {
            // Both are there.
            let _ = self.weigh(at, number, OverCause::ProgrammeCut);
        }
    }

    pub(super) fn card_mut(&mut self, number: CardNumber) -> Result<&mut CardBook, Missing> {
        self.cards.get_mut(&number).ok_or(Missing::Card(number))
    }

    fn expect_open(&mut self, at: At, number: CardNumber, act: &str) -> Result<(), Missing> {
        let is_closed = self.card_mut(number)?.card.state == CardState::Closed;
        self.forbid(
            at,
            is_closed,
            || format!("card {}: {act}", number.0),
            "the card was closed",
        );
        Ok(())
    }
}

/// A movement that belongs to no payment.
pub(super) const fn movement(at: At, kind: CardEntry, amount: Amount) -> CardMovement {
    CardMovement {
        at,
        line: 0,
        kind,
        amount,
        balance: 0,
        to_holder: false,
        counter: None,
        merchant: None,
        reference: None,
    }
}

const fn name(state: CardState) -> &'static str {
    match state {
        CardState::Active => "active",
        CardState::Frozen => "frozen",
        CardState::Closed => "closed",
    }
}

fn text(account: AccountId) -> String {
    protocol::text::to_hex(&account.0)
}
