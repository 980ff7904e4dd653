//! Cards: issued, topped up, stopped, replaced, closed (S4.1, S4.2).
use ink::{env::DefaultEnvironment, primitives::AccountId};
use protocol::{
    prepaid::{Card, CardLimits, CardNumber, CardState, Error},
    Amount,
};

use crate::{
    clock,
    money::{add, subtract},
    prepaid::{CardClosed, CardIssued, CardReplaced, Frozen, LimitsSet, Prepaid, ToppedUp, Unfrozen},
    Result,
};

impl Prepaid {
    pub(crate) fn add_card(
        &mut self,
        number: CardNumber,
        key: AccountId,
        holder: AccountId,
        limits: CardLimits,
        expires_at: u64,
    ) -> Result<()> {
        if self.cards.contains(number) {
            return Err(Error::CardExists);
        }
        if clock::now() >= expires_at {
            return Err(Error::CardExpired { expires_at });
        }
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
        self.cards.insert(number, &card);
        ink::env::emit_event::<DefaultEnvironment, _>(CardIssued {
            card: number,
            key,
            holder,
            limits,
            expires_at,
        });
        Ok(())
    }

    pub(crate) fn keep_limits(&mut self, number: CardNumber, limits: CardLimits) -> Result<()> {
        let mut card = self.open_card(number)?;
        card.limits = limits;
        self.cards.insert(number, &card);
        ink::env::emit_event::<DefaultEnvironment, _>(LimitsSet { card: number, limits });
        Ok(())
    }

    pub(crate) fn stop_card(&mut self, number: CardNumber) -> Result<()> {
        self.change_state(number, CardState::Active, CardState::Frozen)?;
        ink::env::emit_event::<DefaultEnvironment, _>(Frozen { card: number });
        Ok(())
    }

    pub(crate) fn let_card_go_on(&mut self, number: CardNumber) -> Result<()> {
        self.change_state(number, CardState::Frozen, CardState::Active)?;
        ink::env::emit_event::<DefaultEnvironment, _>(Unfrozen { card: number });
        Ok(())
    }

    pub(crate) fn give_new_key(&mut self, number: CardNumber, key: AccountId) -> Result<()> {
        let mut card = self.open_card(number)?;
        if card.key == key {
            return Err(Error::SameKey);
        }
        card.key = key;
        card.state = CardState::Active;
        self.cards.insert(number, &card);
        ink::env::emit_event::<DefaultEnvironment, _>(CardReplaced { card: number, key });
        Ok(())
    }

    /// Closes a card for the issuer, or for anyone if it has expired.
    pub(crate) fn pay_holder_out(&mut self, number: CardNumber) -> Result<()> {
        let mut card = self.open_card(number)?;
        // Why a card is frozen only the issuer knows.
        let is_left = card.state == CardState::Active && clock::now() >= card.expires_at;
        if !is_left {
            self.ensure_issuer()?;
        }
        let amount = card.balance;
        subtract(&mut self.float.cards, amount)?;
        card.balance = 0;
        card.state = CardState::Closed;
        self.cards.insert(number, &card);
        ink::env::emit_event::<DefaultEnvironment, _>(CardClosed {
            card: number,
            holder: card.holder,
            amount,
        });
        self.pay(card.holder, amount)
    }

    pub(crate) fn add_to_card(&mut self, number: CardNumber, amount: Amount, reference: [u8; 32]) -> Result<()> {
        if amount == 0 {
            return Err(Error::ZeroAmount);
        }
        self.use_reference(reference)?;
        let mut card = self.known_card(number)?;
        if card.state != CardState::Active {
            return Err(Error::WrongCardState(card.state));
        }
        if clock::now() >= card.expires_at {
            return Err(Error::CardExpired {
                expires_at: card.expires_at,
            });
        }
        let limit = card.limits.within(&self.programme.limits).balance;
        let balance = card.balance;
        add(&mut card.balance, amount)?;
        if card.balance > limit {
            return Err(Error::AboveBalanceLimit { limit, balance });
        }
        add(&mut self.float.cards, amount)?;
        self.cards.insert(number, &card);
        ink::env::emit_event::<DefaultEnvironment, _>(ToppedUp {
            card: number,
            amount,
            reference,
            by: ink::env::caller::<DefaultEnvironment>(),
        });
        self.put_in(amount)
    }

    pub(crate) fn known_card(&self, number: CardNumber) -> Result<Card> {
        self.cards.get(number).ok_or(Error::UnknownCard)
    }

    fn open_card(&self, number: CardNumber) -> Result<Card> {
        let card = self.known_card(number)?;
        match card.state {
            CardState::Active | CardState::Frozen => Ok(card),
            CardState::Closed => Err(Error::WrongCardState(card.state)),
        }
    }

    fn change_state(&mut self, number: CardNumber, from: CardState, to: CardState) -> Result<()> {
        let mut card = self.known_card(number)?;
        if card.state != from {
            return Err(Error::WrongCardState(card.state));
        }
        card.state = to;
        self.cards.insert(number, &card);
        Ok(())
    }
}
