//! From a step to a call: what it means for the cards, merchants and payments there are.
use std::collections::BTreeMap;

use protocol::{
    prepaid::{CardNumber, CardState, DisputeOrder, MerchantNumber, PaymentKey, RefundOrder, VoidOrder},
    signing::Domain,
    AccountId, Member,
};

use super::{
    calls::{Brought, Call, Sent},
    rules::{Ledger, Plastic, Quarrel, Story},
    steps::{Act, By, Money, Step, Turn, CARDS, HOLDERS, SHOPS, TERMINALS},
};
use crate::{
    institutions::account,
    prepaid::{Cards, ACQUIRER, ISSUER, POOR, STRANGER},
};

/// What cards and callers count by themselves.
#[derive(Clone, Default)]
pub struct Counts {
    /// The highest counter that each card gave.
    pub highest: BTreeMap<CardNumber, u64>,
    /// Counters that were given and not used yet.
    pub skipped: Vec<(CardNumber, u64)>,
    /// References under which money was put in.
    pub references: u64,
}

/// When, and concerning what, a step is taken.
pub struct Scene<'a> {
    pub cards: &'a Cards,
    pub ledger: &'a Ledger,
    pub now: u64,
    pub key: Option<PaymentKey>,
    pub counts: &'a mut Counts,
    /// All payments that were brought, approved or not.
    pub brought: &'a [Brought],
}

impl Scene<'_> {
    pub fn sent(&mut self, step: &Step) -> Sent {
        let call = self.call(step);
        let due = match &call {
            Call::TopUp(_, amount, _) | Call::FundMerchant(_, amount, _) => self.cards.value(*amount),
            _ => 0,
        };
        let by = match step.by {
            By::Expected => self.expected_caller(&call),
            By::Anyone(member) => member,
        };
        Sent {
            // The poor member couldn't pay for what is stored.
            by: if by == POOR { STRANGER } else { by },
            call,
            value: match step.money {
                Money::Due => due,
                Money::More => due + 1,
                Money::Less => due.saturating_sub(1),
            },
            now: self.now,
        }
    }

    fn call(&mut self, step: &Step) -> Call {
        let is_apt = step.is_apt;
        match &step.act {
            Act::SetProgramme(programme) => Call::SetProgramme(*programme),
            Act::RegisterMerchant(number, acquirer, till, rules) => {
                let unknown = SHOPS.into_iter().find(|shop| !self.ledger.shops.contains_key(shop));
                let number = unknown.filter(|_| is_apt).unwrap_or(*number);
                Call::RegisterMerchant(number, *acquirer, account(*till), *rules)
            }
            Act::SwitchMerchant(number, is_active) => Call::SwitchMerchant(*number, *is_active),
            Act::SetRules(number, rules) => Call::SetRules(*number, *rules),
            Act::AddTerminal(number, terminal) => {
                let mut keys = TERMINALS.map(account).into_iter();
                let unknown = keys.find(|key| !self.ledger.terminals.contains_key(key));
                let key = unknown.filter(|_| is_apt).unwrap_or_else(|| account(*terminal));
                Call::AddTerminal(*number, key)
            }
            Act::RevokeTerminal(terminal) => Call::RevokeTerminal(account(*terminal)),
            Act::IssueCard(card, chip, holder, limits, life) => {
                let number = self.card(*card, is_apt, |plastic| plastic.is_none());
                let expires_at = self.now.saturating_add_signed(*life);
                Call::IssueCard(number, account(*chip), account(*holder), *limits, expires_at)
            }
            Act::SetLimits(card, limits) => Call::SetLimits(self.open_card(*card, is_apt), *limits),
            Act::Freeze(card) => Call::Freeze(self.card_in(*card, is_apt, CardState::Active)),
            Act::Unfreeze(card) => Call::Unfreeze(self.card_in(*card, is_apt, CardState::Frozen)),
            Act::ReplaceCard(card, chip) => Call::ReplaceCard(self.open_card(*card, is_apt), account(*chip)),
            Act::CloseCard(card) => Call::CloseCard(self.open_card(*card, is_apt)),
            Act::TopUp(card, amount, turn) => {
                let number = self.card_in(*card, is_apt, CardState::Active);
                Call::TopUp(number, *amount, self.reference(*turn))
            }
            Act::PayBatch(drafts, size) => self.batch(drafts, *size),
            Act::FundMerchant(number, amount, turn) => Call::FundMerchant(*number, *amount, self.reference(*turn)),
            Act::CloseCycle(number) => Call::CloseCycle(*number),
            _ => self.call_about_payment(&step.act),
        }
    }

    fn call_about_payment(&self, act: &Act) -> Call {
        let key = self.key.unwrap_or((CARDS[0], 0));
        let (card, counter) = key;
        let story = self.ledger.stories.get(&key);
        let left = story.map_or(1, Story::left);
        let claim = story
            .and_then(|story| story.quarrel)
            .map_or(left, |quarrel: Quarrel| quarrel.amount);
        let expiry = |lasting: i64| self.now.saturating_add_signed(lasting);
        match act {
            Act::Void(how) => {
                let terminal = self.terminal(how.terminal, self.shop_of(story));
                let order = |lasting| VoidOrder {
                    card,
                    counter,
                    terminal: account(terminal),
                    expires_at: expiry(lasting),
                };
                let (order, other) = (order(how.expires_in), order(how.expires_in + 1));
                let payloads = [order, other].map(|order| move |domain: &Domain| order.payload(domain));
                let (signature, is_genuine) = self.signature(how.consent, terminal, payloads);
                Call::Void(order, signature, is_genuine)
            }
            Act::Refund(part, is_fresh, how) => {
                let terminal = self.terminal(how.terminal, self.shop_of(story));
                let returned = story.map_or(0, Story::returned);
                let last = story
                    .and_then(|story| story.returns.last())
                    .map_or(1, |back| back.amount);
                let order = RefundOrder {
                    card,
                    counter,
                    terminal: account(terminal),
                    amount: part.of(left),
                    returned: if *is_fresh { returned } else { returned.abs_diff(last) },
                    expires_at: expiry(how.expires_in),
                };
                let other = RefundOrder {
                    amount: order.amount ^ 1,
                    ..order
                };
                let payloads = [order, other].map(|order| move |domain: &Domain| order.payload(domain));
                let (signature, is_genuine) = self.signature(how.consent, terminal, payloads);
                Call::Refund(order, signature, is_genuine)
            }
            Act::OpenDispute(part, consent, lasting) => {
                let holder = self.ledger.cards.get(&card).map(|plastic| plastic.holder);
                let holder = HOLDERS.into_iter().find(|member| Some(account(*member)) == holder);
                let order = DisputeOrder {
                    card,
                    counter,
                    amount: part.of(left),
                    evidence: [part.of(left).to_le_bytes()[0]; 32],
                    expires_at: expiry(*lasting),
                };
                let other = DisputeOrder {
                    amount: order.amount ^ 1,
                    ..order
                };
                let payloads = [order, other].map(|order| move |domain: &Domain| order.payload(domain));
                let (signature, is_genuine) = self.signature(*consent, holder.unwrap_or(STRANGER), payloads);
                Call::OpenDispute(order, signature, is_genuine)
            }
            Act::AnswerDispute => Call::AnswerDispute(key, [counter.to_le_bytes()[0]; 32]),
            Act::DecideDispute(part) => Call::DecideDispute(key, part.of(claim)),
            _ => Call::DefaultDispute(key),
        }
    }

    /// One of the cards that it suits, or just one.
    fn card(&self, place: usize, is_apt: bool, suits: impl Fn(Option<&Plastic>) -> bool) -> CardNumber {
        let apt: Vec<_> = CARDS
            .into_iter()
            .filter(|number| suits(self.ledger.cards.get(number)))
            .collect();
        if is_apt && !apt.is_empty() {
            apt[place % apt.len()]
        } else {
            CARDS[place]
        }
    }

    pub fn card_in(&self, place: usize, is_apt: bool, state: CardState) -> CardNumber {
        self.card(place, is_apt, |plastic| {
            plastic.is_some_and(|plastic| plastic.state == state)
        })
    }

    fn open_card(&self, place: usize, is_apt: bool) -> CardNumber {
        self.card(place, is_apt, |plastic| {
            plastic.is_some_and(|plastic| plastic.state != CardState::Closed)
        })
    }

    fn reference(&mut self, turn: Turn) -> [u8; 32] {
        if matches!(turn, Turn::New) {
            self.counts.references += 1;
        }
        let mut reference = [0; 32];
        reference[..8].copy_from_slice(&self.counts.references.to_le_bytes());
        reference
    }

    fn shop_of(&self, story: Option<&Story>) -> MerchantNumber {
        story.map_or(SHOPS[0], |story| story.payment.merchant)
    }

    /// The merchant, or the first, if that has no terminal that is good.
    pub fn open_shop(&self, shop: MerchantNumber) -> MerchantNumber {
        let mut good = self.ledger.terminals.values();
        if good.any(|whose| *whose == (shop, false)) {
            shop
        } else {
            SHOPS[0]
        }
    }

    /// One of the merchant's that is good, if no other is wanted.
    pub fn terminal(&self, wanted: Option<Member>, merchant: MerchantNumber) -> Member {
        let is_good = |key: AccountId| self.ledger.terminals.get(&key) == Some(&(merchant, false));
        let good = TERMINALS.into_iter().find(|terminal| is_good(account(*terminal)));
        wanted.or(good).unwrap_or(TERMINALS[0])
    }

    fn expected_caller(&self, call: &Call) -> Member {
        match call {
            Call::TopUp(..) | Call::OpenDispute(..) | Call::DefaultDispute(_) => STRANGER,
            Call::FundMerchant(..) => ACQUIRER,
            Call::AnswerDispute(key, _) => {
                let story = self.ledger.stories.get(key);
                let shop = story.and_then(|story| self.ledger.shops.get(&story.payment.merchant));
                shop.map_or(ACQUIRER, |shop| shop.acquirer)
            }
            // Once it has expired, anyone: the issuer too, but that would tell nothing.
            Call::CloseCard(number) => {
                let plastic = self.ledger.cards.get(number);
                let has_expired = plastic.is_some_and(|plastic| self.now >= plastic.expires_at);
                if has_expired {
                    STRANGER
                } else {
                    ISSUER
                }
            }
            _ => ISSUER,
        }
    }
}
