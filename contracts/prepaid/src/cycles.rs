//! What merchants are paid by cycle (S4.4).
use ink::env::DefaultEnvironment;
use protocol::prepaid::{MerchantNumber, Statement};

use crate::{
    clock,
    issuer::ensure_acts,
    money::subtract,
    prepaid::{CycleClosed, Prepaid},
    Result,
};

impl Prepaid {
    /// Closes a merchant's cycle for the issuer, or for anyone if its time has come.
    pub(crate) fn pay_merchant_out(&mut self, number: MerchantNumber) -> Result<Statement> {
        let mut merchant = self.known_merchant(number)?;
        let now = clock::now();
        let is_due = merchant
            .cycle
            .opened_at
            .checked_add(self.programme.cycle)
            .is_some_and(|due| now >= due);
        let issuer = self.issuer()?;
        if !is_due {
            ensure_acts(&issuer)?;
        }
        let statement = merchant.close_cycle(number, now)?;
        subtract(&mut self.float.merchants, statement.fee)?;
        subtract(&mut self.float.merchants, statement.paid)?;
        self.merchants.insert(number, &merchant);
        self.statements.insert((number, statement.cycle.number), &statement);
        ink::env::emit_event::<DefaultEnvironment, _>(CycleClosed {
            merchant: number,
            statement,
        });
        self.pay(statement.account, statement.paid)?;
        self.pay(issuer.account, statement.fee)?;
        Ok(statement)
    }
}
