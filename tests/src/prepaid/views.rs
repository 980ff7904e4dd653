//! What the contract keeps, as it is stored, whatever its messages say.
use protocol::{
    prepaid::{
        Card, CardNumber, Dispute, Float, Merchant, MerchantNumber, PaymentKey, PaymentRecord, Programme, Statement,
        Terminal,
    },
    settlement::Asset,
    AccountId, Member,
};

use super::Cards;
use crate::institutions::account;

impl Cards {
    pub fn card(&mut self, number: CardNumber) -> Card {
        self.try_card(number).unwrap()
    }

    pub fn try_card(&mut self, number: CardNumber) -> Option<Card> {
        self.chain.stored(self.prepaid, self.keys.cards, number)
    }

    pub fn merchant(&mut self, number: MerchantNumber) -> Merchant {
        self.try_merchant(number).unwrap()
    }

    pub fn try_merchant(&mut self, number: MerchantNumber) -> Option<Merchant> {
        self.chain.stored(self.prepaid, self.keys.merchants, number)
    }

    pub fn try_terminal(&mut self, key: AccountId) -> Option<Terminal> {
        self.chain.stored(self.prepaid, self.keys.terminals, key)
    }

    pub fn record(&mut self, key: PaymentKey) -> PaymentRecord {
        self.try_record(key).unwrap()
    }

    pub fn try_record(&mut self, key: PaymentKey) -> Option<PaymentRecord> {
        self.chain.stored(self.prepaid, self.keys.payments, key)
    }

    pub fn try_dispute(&mut self, key: PaymentKey) -> Option<Dispute> {
        self.chain.stored(self.prepaid, self.keys.disputes, key)
    }

    pub fn statement(&mut self, merchant: MerchantNumber, cycle: u32) -> Option<Statement> {
        self.chain.stored(self.prepaid, self.keys.statements, (merchant, cycle))
    }

    pub fn is_used(&mut self, by: Member, reference: [u8; 32]) -> bool {
        let key = (account(by), reference);
        let used: Option<()> = self.chain.stored(self.prepaid, self.keys.references, key);
        used.is_some()
    }

    /// What holds for all, and all the money.
    pub fn programme_and_float(&mut self) -> (Programme, Float) {
        let (.., programme, float): ([u8; 32], AccountId, Member, Asset, Programme, Float) =
            self.chain.root(self.prepaid);
        (programme, float)
    }

    pub fn float(&mut self) -> Float {
        self.programme_and_float().1
    }

    /// What somebody has, not counting what it paid for storage.
    pub fn balance(&mut self, member: Member) -> u128 {
        self.money.balance(&mut self.chain, member, self.asset)
    }

    /// What the contract holds, not counting what it needs to exist.
    pub fn held(&mut self) -> u128 {
        self.money.held(&mut self.chain, self.asset)
    }
}
