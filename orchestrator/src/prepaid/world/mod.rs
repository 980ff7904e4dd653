//! A programme for tests: the contract's rules by the protocol's own arithmetic (`Merchant::take`, `Card::authorise`…), with
//! the events that the contract would emit and the storage that it would keep.
#![allow(clippy::unwrap_used)]
use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    prepaid::{
        Card, CardLimits, CardNumber, CardPayment, CardState, Dispute, Error, Float, Merchant, MerchantNumber,
        PaymentKey, PaymentRecord, Programme, Rules, Statement, Terminal, DAY,
    },
    settlement::Asset,
    AccountId, Amount, Member, Timestamp,
};

use super::{
    book::Book,
    past::{At, BookBlock, Event},
    statements::Subject,
};

mod chain;
mod payments;

pub(crate) const RULES: Rules = Rules {
    flat: 2,
    parts_per_million: 10_000,
    least_payout: 50,
    reserve_parts_per_million: 100_000,
};
pub(crate) const LIMITS: CardLimits = CardLimits {
    balance: 1_000,
    per_payment: 300,
    per_day: 500,
};
/// Who tops cards up, and puts money in for merchants.
pub(crate) const PAYER: AccountId = AccountId([60; 32]);
pub(crate) const HOUR: Timestamp = DAY / 24;
/// A midnight.
pub(crate) const START: Timestamp = 20_000 * DAY;
/// When cards expire, unless it is said.
pub(crate) const LATER: Timestamp = START + 1_000 * DAY;

pub(crate) fn programme() -> Programme {
    Programme {
        limits: CardLimits {
            balance: 900,
            per_payment: 250,
            per_day: 600,
        },
        allows_partial: true,
        cycle: DAY,
        dispute_period: 5 * DAY,
        ruling_period: 2 * DAY,
    }
}

pub(crate) fn subject() -> Subject {
    Subject {
        genesis: [1; 32],
        contract: AccountId([9; 32]),
        issuer: Member(2),
        asset: Asset::Native,
    }
}

/// The account that the `n`th card signs with; its holder; a merchant's terminal.
pub(crate) fn key(n: u8) -> AccountId {
    AccountId([100 + n; 32])
}
pub(crate) fn holder(n: u8) -> AccountId {
    AccountId([150 + n; 32])
}
pub(crate) fn terminal(n: u8) -> AccountId {
    AccountId([200 + n; 32])
}

/// What the contract keeps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    pub(crate) programme: Option<Programme>,
    pub(crate) float: Float,
    pub(crate) cards: BTreeMap<CardNumber, Card>,
    pub(crate) merchants: BTreeMap<MerchantNumber, Merchant>,
    pub(crate) terminals: BTreeMap<AccountId, Terminal>,
    pub(crate) payments: BTreeMap<PaymentKey, PaymentRecord>,
    pub(crate) disputes: BTreeMap<PaymentKey, Dispute>,
    pub(crate) statements: BTreeMap<(MerchantNumber, u32), Statement>,
    pub(crate) references: BTreeSet<(AccountId, [u8; 32])>,
    pub(crate) has: Amount,
}

/// The programme, and what it told so far.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) kept: Kept,
    pub(crate) told: Vec<(At, Event)>,
    pub(crate) block: u32,
    pub(crate) now: Timestamp,
    events: u32,
    /// What was kept after each block that is over.
    pub(crate) past: BTreeMap<u32, Kept>,
}

type Done = Result<(), Error>;

impl World {
    /// A programme without cards or merchants, in block 1.
    pub(crate) fn new() -> Self {
        let mut world = Self {
            kept: Kept::default(),
            told: vec![],
            block: 1,
            now: START,
            events: 0,
            past: BTreeMap::new(),
        };
        world.set_programme(programme());
        world
    }

    /// With card 7 of holder 1 and merchant 3 with terminal 1; the card holds 800.
    pub(crate) fn small() -> Self {
        let mut world = Self::new();
        world.merchant(3, RULES).unwrap();
        world.terminal(3, 1).unwrap();
        world.issue(7, 1, LATER).unwrap();
        world.top_up(7, 800, 1).unwrap();
        world.next(HOUR);
        world
    }

    /// Another block, so much later.
    pub(crate) fn next(&mut self, later: Timestamp) {
        self.past.insert(self.block, self.kept.clone());
        self.block += 1;
        self.now += later;
        self.events = 0;
    }

    /// The block as it stands.
    pub(crate) fn here(&self) -> BookBlock {
        BookBlock {
            number: self.block,
            hash: hash(self.block),
            time: self.now,
        }
    }

    /// What follows from what was told.
    pub(crate) fn book(&self) -> Book {
        let mut book = Book::default();
        for (at, event) in &self.told {
            book.take(*at, event).unwrap();
        }
        book
    }

    fn tell(&mut self, event: Event) {
        // Other events of the block lie in between.
        self.events += 2;
        let at = At {
            block: self.block,
            event: self.events,
            hash: hash(self.block),
            time: self.now,
        };
        self.told.push((at, event));
    }

    /// Does something, or changes nothing.
    fn attempt(&mut self, act: impl FnOnce(&mut Self) -> Done) -> Done {
        let before = self.clone();
        let done = act(self);
        if done.is_err() {
            *self = before;
        }
        done
    }

    pub(crate) fn set_programme(&mut self, programme: Programme) {
        self.kept.programme = Some(programme);
        self.tell(Event::ProgrammeSet(programme));
    }

    pub(crate) fn programme(&self) -> Programme {
        self.kept.programme.unwrap()
    }

    pub(crate) fn merchant(&mut self, number: u32, rules: Rules) -> Done {
        let merchant = MerchantNumber(number);
        if self.kept.merchants.contains_key(&merchant) {
            return Err(Error::MerchantExists);
        }
        let (acquirer, account) = (Member(5), AccountId([50; 32]));
        let new = Merchant::new(acquirer, account, rules, self.now);
        self.kept.merchants.insert(merchant, new);
        self.tell(Event::MerchantRegistered {
            merchant,
            acquirer,
            account,
            rules,
        });
        Ok(())
    }

    pub(crate) fn switch(&mut self, number: u32, is_active: bool) -> Done {
        let merchant = MerchantNumber(number);
        self.known_merchant(merchant)?.is_active = is_active;
        self.tell(Event::MerchantSwitched { merchant, is_active });
        Ok(())
    }

    pub(crate) fn set_rules(&mut self, number: u32, rules: Rules) -> Done {
        let merchant = MerchantNumber(number);
        self.known_merchant(merchant)?.next_rules = rules;
        self.tell(Event::RulesSet { merchant, rules });
        Ok(())
    }

    pub(crate) fn terminal(&mut self, number: u32, n: u8) -> Done {
        let merchant = MerchantNumber(number);
        self.known_merchant(merchant)?;
        if self.kept.terminals.contains_key(&terminal(n)) {
            return Err(Error::TerminalExists);
        }
        let new = Terminal {
            merchant,
            is_revoked: false,
        };
        self.kept.terminals.insert(terminal(n), new);
        self.tell(Event::TerminalAdded {
            merchant,
            terminal: terminal(n),
        });
        Ok(())
    }

    pub(crate) fn revoke(&mut self, n: u8) -> Done {
        let known = self.kept.terminals.get_mut(&terminal(n));
        let known = known.ok_or(Error::UnknownTerminal)?;
        if known.is_revoked {
            return Err(Error::TerminalRevoked);
        }
        known.is_revoked = true;
        let merchant = known.merchant;
        self.tell(Event::TerminalRevoked {
            merchant,
            terminal: terminal(n),
        });
        Ok(())
    }

    pub(crate) fn issue(&mut self, number: u64, whose: u8, expires_at: Timestamp) -> Done {
        let card = CardNumber(number);
        if self.kept.cards.contains_key(&card) {
            return Err(Error::CardExists);
        }
        if self.now >= expires_at {
            return Err(Error::CardExpired { expires_at });
        }
        let new = Card {
            key: key(whose),
            holder: holder(whose),
            limits: LIMITS,
            expires_at,
            state: CardState::Active,
            balance: 0,
            day: 0,
            paid_that_day: 0,
            counter: 0,
        };
        self.kept.cards.insert(card, new);
        self.tell(Event::CardIssued {
            card,
            key: new.key,
            holder: new.holder,
            limits: LIMITS,
            expires_at,
        });
        Ok(())
    }

    pub(crate) fn set_limits(&mut self, number: u64, limits: CardLimits) -> Done {
        let card = CardNumber(number);
        self.open_card(card)?.limits = limits;
        self.tell(Event::LimitsSet { card, limits });
        Ok(())
    }

    pub(crate) fn freeze(&mut self, number: u64, freezes: bool) -> Done {
        let card = CardNumber(number);
        let (from, to) = if freezes {
            (CardState::Active, CardState::Frozen)
        } else {
            (CardState::Frozen, CardState::Active)
        };
        let known = self.known_card(card)?;
        if known.state != from {
            return Err(Error::WrongCardState(known.state));
        }
        known.state = to;
        self.tell(if freezes {
            Event::Frozen(card)
        } else {
            Event::Unfrozen(card)
        });
        Ok(())
    }

    pub(crate) fn replace(&mut self, number: u64, n: u8) -> Done {
        let card = CardNumber(number);
        let known = self.open_card(card)?;
        if known.key == key(n) {
            return Err(Error::SameKey);
        }
        known.key = key(n);
        known.state = CardState::Active;
        self.tell(Event::CardReplaced { card, key: key(n) });
        Ok(())
    }

    pub(crate) fn close_card(&mut self, number: u64) -> Done {
        let card = CardNumber(number);
        let known = self.open_card(card)?;
        let (amount, holder) = (known.balance, known.holder);
        known.balance = 0;
        known.state = CardState::Closed;
        self.kept.float.cards -= amount;
        self.kept.has -= amount;
        self.tell(Event::CardClosed { card, holder, amount });
        Ok(())
    }

    pub(crate) fn top_up(&mut self, number: u64, amount: Amount, reference: u8) -> Done {
        let (card, now, limits) = (CardNumber(number), self.now, self.programme().limits);
        self.attempt(|world| {
            world.put_in(amount, reference)?;
            let known = world.known_card(card)?;
            if known.state != CardState::Active {
                return Err(Error::WrongCardState(known.state));
            }
            if now >= known.expires_at {
                return Err(Error::CardExpired {
                    expires_at: known.expires_at,
                });
            }
            let (limit, balance) = (known.limits.within(&limits).balance, known.balance);
            known.balance += amount;
            if known.balance > limit {
                return Err(Error::AboveBalanceLimit { limit, balance });
            }
            world.kept.float.cards += amount;
            world.tell(Event::ToppedUp {
                card,
                amount,
                reference: [reference; 32],
                by: PAYER,
            });
            Ok(())
        })
    }

    pub(crate) fn fund(&mut self, number: u32, amount: Amount, reference: u8) -> Done {
        let merchant = MerchantNumber(number);
        self.attempt(|world| {
            world.put_in(amount, reference)?;
            world.known_merchant(merchant)?.fund(amount)?;
            world.kept.float.merchants += amount;
            world.tell(Event::MerchantFunded {
                merchant,
                amount,
                reference: [reference; 32],
                by: PAYER,
            });
            Ok(())
        })
    }

    fn put_in(&mut self, amount: Amount, reference: u8) -> Done {
        if amount == 0 {
            return Err(Error::ZeroAmount);
        }
        if !self.kept.references.insert((PAYER, [reference; 32])) {
            return Err(Error::ReferenceUsed);
        }
        self.kept.has += amount;
        Ok(())
    }

    fn known_card(&mut self, card: CardNumber) -> Result<&mut Card, Error> {
        self.kept.cards.get_mut(&card).ok_or(Error::UnknownCard)
    }

    fn open_card(&mut self, card: CardNumber) -> Result<&mut Card, Error> {
        let known = self.known_card(card)?;
        match known.state {
            CardState::Closed => Err(Error::WrongCardState(known.state)),
            CardState::Active | CardState::Frozen => Ok(known),
        }
    }

    fn known_merchant(&mut self, merchant: MerchantNumber) -> Result<&mut Merchant, Error> {
        self.kept.merchants.get_mut(&merchant).ok_or(Error::UnknownMerchant)
    }
}

/// A payment of merchant 3's terminal 1, all or nothing.
pub(crate) fn payment(card: u64, counter: u64, amount: Amount) -> CardPayment {
    CardPayment {
        card: CardNumber(card),
        counter,
        merchant: MerchantNumber(3),
        terminal: terminal(1),
        amount,
        least: amount,
        expires_at: LATER,
    }
}

pub(crate) fn hash(block: u32) -> [u8; 32] {
    let mut hash = [0xb0; 32];
    hash[..4].copy_from_slice(&block.to_be_bytes());
    hash
}
