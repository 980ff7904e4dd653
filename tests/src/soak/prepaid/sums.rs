//! What follows from all that happened: what is kept of each card, merchant and payment, and how much money there is.
use protocol::{
    prepaid::{
        Card, CardNumber, Cycle, Dispute, Float, Merchant, MerchantNumber, PaymentKey, PaymentRecord, Returned,
        Statement, Terminal, DAY,
    },
    AccountId,
};

use super::rules::{Ledger, Plastic, Return, Shop, Story};

impl Ledger {
    /// As the contract must have it.
    pub fn card(&self, number: CardNumber) -> Option<Card> {
        let plastic = self.cards.get(&number)?;
        let last = self.of_card(number).map(|story| story.at / DAY).max().unwrap_or(0);
        let counters = self.of_card(number).map(|story| story.payment.counter);
        Some(Card {
            key: plastic.key,
            holder: plastic.holder,
            limits: plastic.limits,
            expires_at: plastic.expires_at,
            state: plastic.state,
            balance: self.balance_of(number),
            day: last,
            paid_that_day: self.paid_on(number, last),
            counter: counters.max().unwrap_or(0),
        })
    }

    pub fn merchant(&self, number: MerchantNumber) -> Option<Merchant> {
        let shop = self.shops.get(&number)?;
        Some(Merchant {
            acquirer: shop.acquirer,
            account: shop.till,
            is_active: shop.is_active,
            rules: shop.rules,
            next_rules: shop.next_rules,
            cycle: self.cycle(number, shop),
            unpaid: self.unpaid(number),
            held: self.held(number),
            fee_due: fee_left(shop),
        })
    }

    pub fn terminal(&self, key: AccountId) -> Option<Terminal> {
        let (merchant, is_revoked) = *self.terminals.get(&key)?;
        Some(Terminal { merchant, is_revoked })
    }

    pub fn record(&self, key: PaymentKey) -> Option<PaymentRecord> {
        let story = self.stories.get(&key)?;
        Some(PaymentRecord {
            reference: story.payment.reference(),
            merchant: story.payment.merchant,
            cycle: story.cycle,
            taken: story.taken,
            returned: story.returned(),
            is_voided: story.is_voided(),
            paid_at: story.at,
        })
    }

    pub fn dispute(&self, key: PaymentKey) -> Option<Dispute> {
        let quarrel = self.stories.get(&key)?.quarrel?;
        Some(Dispute {
            amount: quarrel.amount,
            evidence: quarrel.evidence,
            opened_at: quarrel.opened_at,
            rule_by: quarrel.rule_by,
            answer: quarrel.answer,
            awarded: quarrel.awarded,
        })
    }

    pub fn float(&self) -> Float {
        let cards = self.cards.values();
        let loaded: u128 = cards.map(|plastic| plastic.loaded - plastic.closed_with).sum();
        let stories = self.stories.values();
        let spent: u128 = stories.map(|story| story.taken - back_on_card(story)).sum();
        Float {
            cards: loaded - spent,
            merchants: self.shops.keys().map(|number| self.unpaid(*number)).sum(),
        }
    }

    pub fn balance_of(&self, number: CardNumber) -> u128 {
        let Some(plastic) = self.cards.get(&number) else {
            return 0;
        };
        let Plastic {
            loaded, closed_with, ..
        } = plastic;
        let spent: u128 = self
            .of_card(number)
            .map(|story| story.taken - back_on_card(story))
            .sum();
        loaded - spent - closed_with
    }

    /// How much a card may pay now: at once, today, and of what it holds.
    pub fn room(&self, number: CardNumber, now: u64) -> [u128; 3] {
        let Some(plastic) = self.cards.get(&number) else {
            return [0; 3];
        };
        let (own, all) = (plastic.limits, self.programme.limits);
        let per_day = own.per_day.min(all.per_day);
        [
            own.per_payment.min(all.per_payment),
            per_day.saturating_sub(self.paid_on(number, now / DAY)),
            self.balance_of(number),
        ]
    }

    /// What a card paid on a day, but for what was undone while the card was open.
    fn paid_on(&self, number: CardNumber, day: u64) -> u128 {
        let counts = |story: &&Story| {
            let is_undone = |back: &Return| back.why == Returned::Void && !back.to_holder;
            story.at / DAY == day && !story.returns.iter().any(is_undone)
        };
        self.of_card(number).filter(counts).map(|story| story.taken).sum()
    }

    /// All that a merchant took and was given, less what went back and what was paid out.
    pub fn unpaid(&self, number: MerchantNumber) -> u128 {
        let Some(shop) = self.shops.get(&number) else { return 0 };
        let taken: u128 = self.of_shop(number).map(Story::left).sum();
        let funds: u128 = shop.funds.iter().map(|(_, amount)| amount).sum();
        let paid = shop.statements.iter().map(|statement| statement.fee + statement.paid);
        taken + funds - paid.sum::<u128>()
    }

    /// What is disputed of its payments.
    pub fn held(&self, number: MerchantNumber) -> u128 {
        let quarrels = self.of_shop(number).filter_map(|story| story.quarrel);
        quarrels
            .filter(|quarrel| quarrel.is_open())
            .map(|quarrel| quarrel.amount)
            .sum()
    }

    /// The open cycle of a merchant.
    fn cycle(&self, number: MerchantNumber, shop: &Shop) -> Cycle {
        let open = shop.cycle();
        let taken = self.of_shop(number).filter(|story| story.cycle == open);
        let (count, gross) = numbered(taken.map(|story| story.taken));
        let back = |why| {
            let all = self.of_shop(number).flat_map(|story| story.returns.iter());
            let these = all.filter(move |back| back.why == why && back.cycle == open);
            numbered(these.map(|back| back.amount))
        };
        let (voided_count, voided) = back(Returned::Void);
        let (refunded_count, refunded) = back(Returned::Refund);
        let (awarded_count, awarded) = back(Returned::Award);
        let funds = shop.funds.iter().filter(|(cycle, _)| *cycle == open);
        Cycle {
            number: open,
            opened_at: shop.opened_at(),
            opening: shop.statements.last().map_or(0, |statement| statement.closing),
            count,
            gross,
            voided_count,
            voided,
            refunded_count,
            refunded,
            awarded_count,
            awarded,
            funded: funds.map(|(_, amount)| amount).sum(),
        }
    }

    /// What a merchant must be told if its cycle is closed now.
    pub fn statement(&self, number: MerchantNumber, now: u64) -> Option<Statement> {
        let shop = self.shops.get(&number)?;
        let (unpaid, held) = (self.unpaid(number), self.held(number));
        let sales = self.of_shop(number).filter(|story| story.cycle == shop.cycle());
        let (count, sold) = numbered(sales.filter(|story| !story.is_voided()).map(|story| story.taken));
        let millionths = |rate: u32| sold * u128::from(rate) / 1_000_000;
        let fee_before = fee_left(shop);
        let owed = fee_before + shop.rules.flat * u128::from(count) + millionths(shop.rules.parts_per_million);
        let fee = owed.min(unpaid.saturating_sub(held));
        let net = unpaid - fee;
        let reserve = millionths(shop.rules.reserve_parts_per_million);
        let free = net.saturating_sub(held + reserve);
        let paid = if free >= shop.rules.least_payout { free } else { 0 };
        Some(Statement {
            merchant: number,
            account: shop.till,
            cycle: self.cycle(number, shop),
            closed_at: now,
            rules: shop.rules,
            fee_before,
            fee,
            fee_due: owed - fee,
            net,
            held,
            reserve,
            paid,
            closing: net - paid,
        })
    }

    fn of_card(&self, number: CardNumber) -> impl Iterator<Item = &Story> {
        let stories = self.stories.range((number, 0)..=(number, u64::MAX));
        stories.map(|(_, story)| story)
    }

    fn of_shop(&self, number: MerchantNumber) -> impl Iterator<Item = &Story> {
        self.stories
            .values()
            .filter(move |story| story.payment.merchant == number)
    }
}

impl Story {
    pub fn is_voided(&self) -> bool {
        self.returns.iter().any(|back| back.why == Returned::Void)
    }
}

/// What of a payment went back to its card.
fn back_on_card(story: &Story) -> u128 {
    let back = story.returns.iter().filter(|back| !back.to_holder);
    back.map(|back| back.amount).sum()
}

/// Fees of closed cycles that could not be taken.
fn fee_left(shop: &Shop) -> u128 {
    shop.statements.last().map_or(0, |statement| statement.fee_due)
}

fn numbered(amounts: impl Iterator<Item = u128>) -> (u32, u128) {
    amounts.fold((0, 0), |(count, sum), amount| (count + 1, sum + amount))
}
