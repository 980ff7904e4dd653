//! What the institution's own people and programs do and see. Every act may be repeated: it is done once.
use protocol::{
    prepaid::{
        Card, CardNumber, CardState, Dispute, Merchant, MerchantNumber, PaymentKey, PaymentRecord, Statement, Terminal,
        MAX_LISTED,
    },
    AccountId, Member, Timestamp,
};

use super::{
    ports::{Act, Block, PrepaidLedger},
    Prepaid, PrepaidError,
};
use crate::store::{
    prepaid::{Given as Kind, GivenRow, Key, MessageRow, OrderRow},
    Page,
};

/// Something that this institution gave out as a card issuer, as the finalized chain shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given<I, T> {
    /// Its number or key.
    pub id: I,
    /// When it was given out here.
    pub created_at: Timestamp,
    /// As it stands; nothing, as long as the chain doesn't show it.
    pub standing: Option<T>,
}

/// A payment that was taken, with the dispute over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentStanding {
    /// As the contract keeps it.
    pub record: PaymentRecord,
    /// The dispute over it, if there is one.
    pub dispute: Option<Dispute>,
}

impl Prepaid {
    /// Carries an act out; `None` where the finalized chain shows already what it would lead to. `key` names the wish: the
    /// same wish under the same key is carried out once, also after a restart. A crash at any point is harmless: what was
    /// submitted is taken up by the submitter, and the wish, repeated, finds it there or on the chain.
    ///
    /// # Errors
    /// The issuer is unknown here, or contract or chain refuse.
    pub async fn act(&self, issuer: Member, key: &str, act: &Act) -> Result<Option<Block>, PrepaidError> {
        let ledger = self.ledger(issuer)?;
        if stands(ledger, act).await? {
            return Ok(None);
        }
        let now = self.now();
        // Before anything is submitted: what is on the chain can be listed.
        match act {
            Act::IssueCard { card, .. } => self.store.give_out(issuer, Kind::Card, &card.0, now).await?,
            Act::RegisterMerchant { merchant, .. } => {
                self.store.give_out(issuer, Kind::Merchant, &merchant.0, now).await?;
            }
            Act::AddTerminal { terminal, .. } => {
                self.store
                    .give_out(issuer, Kind::Terminal, &Key(*terminal), now)
                    .await?;
            }
            _ => {}
        }
        if let Act::CloseCycle { merchant, cycle } = act {
            // The contract closes whatever cycle is open. One name for all who want this one closed.
            return Ok(Some(ledger.carry_out(&closing(issuer, *merchant, *cycle), act).await?));
        }
        Ok(Some(ledger.carry_out(key, act).await?))
    }

    /// A card.
    ///
    /// # Errors
    /// There is none, or the chain can't be read.
    pub async fn card(&self, issuer: Member, card: CardNumber) -> Result<Card, PrepaidError> {
        card_of(self.ledger(issuer)?, card).await
    }

    /// A merchant.
    ///
    /// # Errors
    /// There is none, or the chain can't be read.
    pub async fn merchant(&self, issuer: Member, merchant: MerchantNumber) -> Result<Merchant, PrepaidError> {
        merchant_of(self.ledger(issuer)?, merchant).await
    }

    /// A terminal.
    ///
    /// # Errors
    /// There is none, or the chain can't be read.
    pub async fn terminal(&self, issuer: Member, terminal: AccountId) -> Result<Terminal, PrepaidError> {
        terminal_of(self.ledger(issuer)?, terminal).await
    }

    /// A payment that was taken.
    ///
    /// # Errors
    /// There is none, or the chain can't be read.
    pub async fn payment(&self, issuer: Member, key: PaymentKey) -> Result<PaymentStanding, PrepaidError> {
        let ledger = self.ledger(issuer)?;
        let record = ledger.payments(&[key]).await?.into_iter().flatten().next();
        let record = record.ok_or(PrepaidError::UnknownPayment(key))?;
        let dispute = ledger.disputes(&[key]).await?.into_iter().flatten().next();
        Ok(PaymentStanding { record, dispute })
    }

    /// The dispute over a payment.
    ///
    /// # Errors
    /// There is none, or the chain can't be read.
    pub async fn dispute(&self, issuer: Member, key: PaymentKey) -> Result<Dispute, PrepaidError> {
        dispute_of(self.ledger(issuer)?, key).await
    }

    /// What a merchant was told of a cycle.
    ///
    /// # Errors
    /// The cycle isn't closed, or the chain can't be read.
    pub async fn statement(
        &self,
        issuer: Member,
        merchant: MerchantNumber,
        cycle: u32,
    ) -> Result<Statement, PrepaidError> {
        let found = self.ledger(issuer)?.statement(merchant, cycle).await?;
        found.ok_or(PrepaidError::NoStatement(merchant, cycle))
    }

    /// The cards that this institution issued, the newest first.
    ///
    /// # Errors
    /// The issuer is unknown here, or the database or the chain failed.
    pub async fn cards(&self, issuer: Member, page: &Page) -> Result<Vec<Given<CardNumber, Card>>, PrepaidError> {
        let ledger = self.ledger(issuer)?;
        let given: Vec<GivenRow<u64>> = self.store.given_out(issuer, Kind::Card, page).await?;
        let mut all = Vec::with_capacity(given.len());
        for some in given.chunks(MAX_LISTED) {
            let ids: Vec<CardNumber> = some.iter().map(|row| CardNumber(row.id)).collect();
            all.extend(standing(some, &ids, ledger.cards(&ids).await?));
        }
        Ok(all)
    }

    /// The merchants that this institution registered, the newest first.
    ///
    /// # Errors
    /// The issuer is unknown here, or the database or the chain failed.
    pub async fn merchants(
        &self,
        issuer: Member,
        page: &Page,
    ) -> Result<Vec<Given<MerchantNumber, Merchant>>, PrepaidError> {
        let ledger = self.ledger(issuer)?;
        let given: Vec<GivenRow<u32>> = self.store.given_out(issuer, Kind::Merchant, page).await?;
        let mut all = Vec::with_capacity(given.len());
        for some in given.chunks(MAX_LISTED) {
            let ids: Vec<MerchantNumber> = some.iter().map(|row| MerchantNumber(row.id)).collect();
            all.extend(standing(some, &ids, ledger.merchants(&ids).await?));
        }
        Ok(all)
    }

    /// The terminals that this institution added, the newest first.
    ///
    /// # Errors
    /// The issuer is unknown here, or the database or the chain failed.
    pub async fn terminals(
        &self,
        issuer: Member,
        page: &Page,
    ) -> Result<Vec<Given<AccountId, Terminal>>, PrepaidError> {
        let ledger = self.ledger(issuer)?;
        let given: Vec<GivenRow<Key>> = self.store.given_out(issuer, Kind::Terminal, page).await?;
        let mut all = Vec::with_capacity(given.len());
        for some in given.chunks(MAX_LISTED) {
            let ids: Vec<AccountId> = some.iter().map(|row| row.id.0).collect();
            all.extend(standing(some, &ids, ledger.terminals(&ids).await?));
        }
        Ok(all)
    }

    /// What terminals ordered, as the card issuer has it.
    ///
    /// # Errors
    /// There is no such order, or the database failed.
    pub async fn order(&self, reference: &[u8; 32]) -> Result<OrderRow, PrepaidError> {
        let found = self.store.card_order(reference).await?;
        found.ok_or(PrepaidError::UnknownOrder(*reference))
    }

    /// What terminals ordered, as the card issuer has it, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn orders(&self, page: &Page) -> Result<Vec<OrderRow>, PrepaidError> {
        Ok(self.store.card_orders(page).await?)
    }

    /// What terminals sent to this institution as their merchants' acquirer, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn terminal_messages(&self, page: &Page) -> Result<Vec<MessageRow>, PrepaidError> {
        Ok(self.store.terminal_messages(page).await?)
    }
}

/// What the closing of a merchant's cycle is called, whoever wants it.
pub(super) fn closing(issuer: Member, merchant: MerchantNumber, cycle: u32) -> String {
    format!("prepaid/{issuer}/cycle/{}/{cycle}", merchant.0)
}

fn standing<I: Copy, R, T>(rows: &[GivenRow<R>], ids: &[I], found: Vec<Option<T>>) -> Vec<Given<I, T>> {
    let each = rows.iter().zip(ids).zip(found);
    each.map(|((row, id), standing)| Given {
        id: *id,
        created_at: row.created_at,
        standing,
    })
    .collect()
}

pub(super) async fn card_of(ledger: &dyn PrepaidLedger, card: CardNumber) -> Result<Card, PrepaidError> {
    let found = ledger.cards(&[card]).await?.into_iter().flatten().next();
    found.ok_or(PrepaidError::UnknownCard(card))
}

pub(super) async fn merchant_of(
    ledger: &dyn PrepaidLedger,
    merchant: MerchantNumber,
) -> Result<Merchant, PrepaidError> {
    let found = ledger.merchants(&[merchant]).await?.into_iter().flatten().next();
    found.ok_or(PrepaidError::UnknownMerchant(merchant))
}

pub(super) async fn terminal_of(ledger: &dyn PrepaidLedger, terminal: AccountId) -> Result<Terminal, PrepaidError> {
    let found = ledger.terminals(&[terminal]).await?.into_iter().flatten().next();
    found.ok_or(PrepaidError::UnknownTerminal(terminal))
}

async fn dispute_of(ledger: &dyn PrepaidLedger, key: PaymentKey) -> Result<Dispute, PrepaidError> {
    let found = ledger.disputes(&[key]).await?.into_iter().flatten().next();
    found.ok_or(PrepaidError::NotDisputed(key))
}

/// Whether the finalized chain shows what an act would lead to. Money that was moved before doesn't show that it was by
/// this act: there only the key, and the contract by the reference, tell.
async fn stands(ledger: &dyn PrepaidLedger, act: &Act) -> Result<bool, PrepaidError> {
    Ok(match act {
        Act::SetProgramme(programme) => ledger.programme().await? == *programme,
        Act::RegisterMerchant {
            merchant,
            acquirer,
            account,
            rules,
        } => {
            let kept = ledger.merchants(&[*merchant]).await?.into_iter().flatten().next();
            kept.is_some_and(|kept| (kept.acquirer, kept.account, kept.next_rules) == (*acquirer, *account, *rules))
        }
        Act::SwitchMerchant { merchant, is_active } => merchant_of(ledger, *merchant).await?.is_active == *is_active,
        Act::SetRules { merchant, rules } => merchant_of(ledger, *merchant).await?.next_rules == *rules,
        Act::AddTerminal { merchant, terminal } => {
            let kept = ledger.terminals(&[*terminal]).await?.into_iter().flatten().next();
            kept.is_some_and(|kept| kept.merchant == *merchant && !kept.is_revoked)
        }
        Act::RevokeTerminal(terminal) => terminal_of(ledger, *terminal).await?.is_revoked,
        Act::IssueCard {
            card,
            key,
            holder,
            limits,
            expires_at,
        } => {
            let kept = ledger.cards(&[*card]).await?.into_iter().flatten().next();
            kept.is_some_and(|kept| {
                (kept.key, kept.holder, kept.limits, kept.expires_at) == (*key, *holder, *limits, *expires_at)
            })
        }
        Act::SetLimits { card, limits } => card_of(ledger, *card).await?.limits == *limits,
        Act::Freeze(card) => card_of(ledger, *card).await?.state == CardState::Frozen,
        Act::Unfreeze(card) => card_of(ledger, *card).await?.state == CardState::Active,
        Act::ReplaceCard { card, key } => {
            let kept = card_of(ledger, *card).await?;
            (kept.key, kept.state) == (*key, CardState::Active)
        }
        Act::CloseCard(card) => card_of(ledger, *card).await?.state == CardState::Closed,
        Act::OpenDispute { order, .. } => {
            let key = (order.card, order.counter);
            let kept = ledger.disputes(&[key]).await?.into_iter().flatten().next();
            kept.is_some_and(|kept| (kept.amount, kept.evidence) == (order.amount, order.evidence))
        }
        Act::AnswerDispute { payment, answer } => dispute_of(ledger, *payment).await?.answer == Some(*answer),
        Act::DecideDispute { payment, awarded } => dispute_of(ledger, *payment).await?.awarded == Some(*awarded),
        Act::DefaultDispute(payment) => dispute_of(ledger, *payment).await?.awarded.is_some(),
        Act::CloseCycle { merchant, cycle } => {
            let open = merchant_of(ledger, *merchant).await?.cycle.number;
            if open < *cycle {
                return Err(PrepaidError::OtherCycle {
                    number: *merchant,
                    open,
                    asked: *cycle,
                });
            }
            open > *cycle
        }
        Act::TopUp { .. } | Act::FundMerchant { .. } | Act::Void { .. } | Act::Refund { .. } => false,
    })
}
