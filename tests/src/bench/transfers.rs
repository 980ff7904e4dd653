//! Balance transfers, as many at once as a node takes: what everything else is measured against.
use std::time::{Duration, Instant};

use futures::future::join_all;
use quittance::{chain::calls::Call, identity::SigningKey};

use super::{
    wire::{Account, Sender, Transaction},
    AMOUNT,
};

/// How many transfers one burst has. Each is from an account of its own: a node that seals at once can lose one that comes
/// while the one before it, of the same account, goes into a block.
pub const TRANSFERS: usize = 2_048;
/// How many connections they come through, one after the other in each.
pub const CONNECTIONS: usize = 16;
const SHARE: usize = TRANSFERS / CONNECTIONS;
/// What each account gets at first.
const FUNDS: u128 = 100_000_000_000;

/// Accounts that send a transfer in each burst.
pub struct Payers {
    accounts: Vec<Account>,
    /// The next one of each.
    nonce: u64,
}

impl Payers {
    /// Gives each its funds, from the senders', of whom there are [`CONNECTIONS`] at least.
    pub async fn open(payer: &Sender, senders: &mut [Sender]) -> Self {
        let accounts: Vec<_> = (0..TRANSFERS).map(|_| Account(SigningKey::generate())).collect();
        let runtime = payer.chain().runtime().unwrap();
        let mut funding: Vec<Vec<Transaction>> = Vec::new();
        for (sender, accounts) in senders.iter_mut().zip(accounts.chunks(SHARE)) {
            let funds = |account: &Account| Call::transfer(&runtime, &account.0.account(), FUNDS).unwrap();
            funding.push(accounts.iter().map(|account| sender.sign(&funds(account))).collect());
        }
        let send = senders.iter().zip(&funding).map(|(sender, funding)| async move {
            for transaction in funding {
                sender.finalize(transaction).await;
            }
        });
        join_all(send).await;
        Self { accounts, nonce: 0 }
    }

    /// One burst, to the payer.
    pub async fn transfer(&mut self, payer: &Sender, senders: &[Sender]) -> Duration {
        let to = payer.account();
        let call = Call::transfer(&payer.chain().runtime().unwrap(), &to, AMOUNT).unwrap();
        let sign = |account| payer.sign_for(account, self.nonce, &call);
        let burst: Vec<Transaction> = self.accounts.iter().map(sign).collect();
        self.nonce += 1;
        let paid = payer.balance(&to).await + AMOUNT * TRANSFERS as u128;

        let start = Instant::now();
        let shares = senders.iter().zip(burst.chunks(SHARE));
        let send = shares.map(|(sender, share)| async move {
            for transaction in share {
                sender.submit(transaction).await;
            }
        });
        join_all(send).await;
        payer.until_paid(&to, paid).await;
        start.elapsed()
    }
}
