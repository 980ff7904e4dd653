//! Merchants and their terminals.
use ink::{env::DefaultEnvironment, primitives::AccountId};
use protocol::{
    prepaid::{Error, Merchant, MerchantNumber, Rules, Terminal},
    Amount, Member, Signature,
};

use crate::{
    clock,
    issuer::has_signed,
    money::add,
    prepaid::{
        MerchantFunded, MerchantRegistered, MerchantSwitched, Prepaid, RulesSet, TerminalAdded, TerminalRevoked,
    },
    Result,
};

impl Prepaid {
    pub(crate) fn add_merchant(
        &mut self,
        number: MerchantNumber,
        acquirer: Member,
        account: AccountId,
        rules: Rules,
    ) -> Result<()> {
        rules.check()?;
        if self.merchants.contains(number) {
            return Err(Error::MerchantExists);
        }
        let merchant = Merchant::new(acquirer, account, rules, clock::now());
        self.merchants.insert(number, &merchant);
        ink::env::emit_event::<DefaultEnvironment, _>(MerchantRegistered {
            merchant: number,
            acquirer,
            account,
            rules,
        });
        Ok(())
    }

    pub(crate) fn keep_switch(&mut self, number: MerchantNumber, is_active: bool) -> Result<()> {
        let mut merchant = self.known_merchant(number)?;
        merchant.is_active = is_active;
        self.merchants.insert(number, &merchant);
        ink::env::emit_event::<DefaultEnvironment, _>(MerchantSwitched {
            merchant: number,
            is_active,
        });
        Ok(())
    }

    pub(crate) fn keep_rules(&mut self, number: MerchantNumber, rules: Rules) -> Result<()> {
        rules.check()?;
        let mut merchant = self.known_merchant(number)?;
        merchant.next_rules = rules;
        self.merchants.insert(number, &merchant);
        ink::env::emit_event::<DefaultEnvironment, _>(RulesSet {
            merchant: number,
            rules,
        });
        Ok(())
    }

    pub(crate) fn keep_terminal(&mut self, merchant: MerchantNumber, key: AccountId) -> Result<()> {
        self.known_merchant(merchant)?;
        if self.terminals.contains(key) {
            return Err(Error::TerminalExists);
        }
        let terminal = Terminal {
            merchant,
            is_revoked: false,
        };
        self.terminals.insert(key, &terminal);
        ink::env::emit_event::<DefaultEnvironment, _>(TerminalAdded {
            merchant,
            terminal: key,
        });
        Ok(())
    }

    pub(crate) fn end_terminal(&mut self, key: AccountId) -> Result<()> {
        let mut terminal = self.terminals.get(key).ok_or(Error::UnknownTerminal)?;
        if terminal.is_revoked {
            return Err(Error::TerminalRevoked);
        }
        terminal.is_revoked = true;
        self.terminals.insert(key, &terminal);
        ink::env::emit_event::<DefaultEnvironment, _>(TerminalRevoked {
            merchant: terminal.merchant,
            terminal: key,
        });
        Ok(())
    }

    pub(crate) fn add_to_merchant(
        &mut self,
        number: MerchantNumber,
        amount: Amount,
        reference: [u8; 32],
    ) -> Result<()> {
        if amount == 0 {
            return Err(Error::ZeroAmount);
        }
        self.use_reference(reference)?;
        let mut merchant = self.known_merchant(number)?;
        merchant.fund(amount)?;
        add(&mut self.float.merchants, amount)?;
        self.merchants.insert(number, &merchant);
        ink::env::emit_event::<DefaultEnvironment, _>(MerchantFunded {
            merchant: number,
            amount,
            reference,
            by: ink::env::caller::<DefaultEnvironment>(),
        });
        self.put_in(amount)
    }

    pub(crate) fn known_merchant(&self, number: MerchantNumber) -> Result<Merchant> {
        self.merchants.get(number).ok_or(Error::UnknownMerchant)
    }

    /// A terminal of this merchant, whose key is good, signed.
    pub(crate) fn ensure_terminal(
        &self,
        key: AccountId,
        merchant: MerchantNumber,
        signature: &Signature,
        payload: &[u8; protocol::signing::PAYLOAD_LENGTH],
    ) -> Result<()> {
        let terminal = self.terminals.get(key).ok_or(Error::UnknownTerminal)?;
        if terminal.merchant != merchant {
            return Err(Error::ForeignMerchant);
        }
        if terminal.is_revoked {
            return Err(Error::TerminalRevoked);
        }
        if !has_signed(&key, signature, payload) {
            return Err(Error::BadTerminalSignature);
        }
        Ok(())
    }
}
