//! Merchants: what they took and gave back, cycle by cycle.
use protocol::{
    prepaid::{Cycle, Merchant, MerchantNumber, PaymentKey, Rules, Statement, Terminal},
    AccountId, Amount, Member, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{add, differences, take_away, At, Book, Missing, Place};
use crate::prepaid::statements::draw::{draw_up, sums, Basis};

/// All of an amount, in millionths.
const WHOLE: u32 = 1_000_000;

/// A merchant and its past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantBook {
    /// When it was registered.
    pub registered: At,
    /// The institution that speaks for it.
    pub acquirer: Member,
    /// Where it is paid.
    pub account: AccountId,
    /// Whether it takes payments.
    pub is_active: bool,
    /// How the open cycle is paid.
    pub rules: Rules,
    /// How the cycles after it are.
    pub next_rules: Rules,
    /// What moved, of all cycles, in order.
    pub entries: Vec<Entry>,
    /// The closed cycles, in order.
    pub closings: Vec<Closing>,
    /// What is held for disputes by now.
    pub held: Amount,
    /// What it isn't paid by now.
    pub unpaid: Amount,
    /// The first entry of the open cycle.
    open_from: usize,
}

/// What moved at a merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// A payment was taken.
    Payment,
    /// One was undone.
    Void,
    /// One, or a part of it, was given back.
    Refund,
    /// A dispute was decided for the holder.
    Award,
    /// Something was put in for refunds.
    Funding,
}

impl EntryKind {
    /// Its stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            EntryKind::Payment => "payment",
            EntryKind::Void => "void",
            EntryKind::Refund => "refund",
            EntryKind::Award => "award",
            EntryKind::Funding => "funding",
        }
    }

    /// Whether it lessens what the merchant is paid.
    pub const fn lessens(self) -> bool {
        matches!(self, EntryKind::Void | EntryKind::Refund | EntryKind::Award)
    }
}

/// A movement at a merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The event that tells of it.
    pub at: At,
    /// Its place in the event.
    pub line: u32,
    /// The cycle that it is in.
    pub cycle: u32,
    /// What moved.
    pub kind: EntryKind,
    /// Which payment it is, or is of; funding is of none.
    pub payment: Option<PaymentKey>,
    /// The payment's reference, or what the one who put something in knows that by.
    pub reference: [u8; 32],
    /// How much, in the asset's smallest unit.
    pub amount: Amount,
}

/// A closed cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The event that tells of it.
    pub at: At,
    /// What the merchant was told.
    pub told: Statement,
    /// What follows from the events.
    pub statement: Statement,
    /// Its first entry, and the first one after it.
    entries: (usize, usize),
}

impl MerchantBook {
    /// The number of the open cycle.
    pub fn open_cycle(&self) -> u32 {
        // Numbers end where the contract's do.
        u32::try_from(self.closings.len()).unwrap_or(u32::MAX)
    }

    /// A closed cycle.
    pub fn closing(&self, cycle: u32) -> Option<&Closing> {
        self.closings.get(usize::try_from(cycle).ok()?)
    }

    /// What moved in a closed cycle, or in the open one.
    pub fn entries_of(&self, cycle: u32) -> &[Entry] {
        let range = match self.closing(cycle) {
            Some(closing) => closing.entries.0..closing.entries.1,
            None if cycle == self.open_cycle() => self.open_from..self.entries.len(),
            None => return &[],
        };
        self.entries.get(range).unwrap_or_default()
    }

    /// As the contract should keep it.
    pub fn state(&self) -> Merchant {
        Merchant {
            acquirer: self.acquirer,
            account: self.account,
            is_active: self.is_active,
            rules: self.rules,
            next_rules: self.next_rules,
            cycle: self.cycle(),
            unpaid: self.unpaid,
            held: self.held,
            fee_due: self.fee_due(),
        }
    }

    /// What happened in the open cycle.
    pub fn cycle(&self) -> Cycle {
        let opening = self.closings.last().map_or(0, |closing| closing.statement.closing);
        sums(
            self.open_cycle(),
            self.opened_at(),
            opening,
            self.entries_of(self.open_cycle()),
        )
    }

    /// The largest sum that a payment adds to, or nothing less.
    pub(super) fn largest_sum(&self) -> Amount {
        let opening = self.closings.last().map_or(0, |closing| closing.statement.closing);
        self.unpaid.max(opening)
    }

    fn opened_at(&self) -> Timestamp {
        self.closings.last().map_or(self.registered, |closing| closing.at).time
    }

    fn fee_due(&self) -> Amount {
        self.closings.last().map_or(0, |closing| closing.statement.fee_due)
    }
}

impl Book {
    pub(super) fn register(
        &mut self,
        at: At,
        number: MerchantNumber,
        acquirer: Member,
        account: AccountId,
        rules: Rules,
    ) {
        let is_known = self.merchants.contains_key(&number);
        let what = || format!("merchant {}: registered", number.0);
        self.forbid(at, is_known, what, "there is a merchant of that number");
        self.check_rules(at, number, &rules);
        self.merchants.entry(number).or_insert(MerchantBook {
            registered: at,
            acquirer,
            account,
            is_active: true,
            rules,
            next_rules: rules,
            entries: vec![],
            closings: vec![],
            held: 0,
            unpaid: 0,
            open_from: 0,
        });
    }

    pub(super) fn check_rules(&mut self, at: At, number: MerchantNumber, rules: &Rules) {
        let is_bad = rules.parts_per_million > WHOLE || rules.reserve_parts_per_million > WHOLE;
        let what = || format!("merchant {}: rules set", number.0);
        self.forbid(at, is_bad, what, "more than a whole is taken");
    }

    pub(super) fn add_terminal(&mut self, at: At, merchant: MerchantNumber, key: AccountId) -> Result<(), Missing> {
        self.merchant_mut(merchant)?;
        let is_known = self.terminals.contains_key(&key);
        let what = || format!("merchant {}: terminal added", merchant.0);
        self.forbid(at, is_known, what, "the key is or was a terminal's");
        self.terminals.entry(key).or_insert(Terminal {
            merchant,
            is_revoked: false,
        });
        Ok(())
    }

    pub(super) fn revoke_terminal(&mut self, at: At, merchant: MerchantNumber, key: AccountId) -> Result<(), Missing> {
        let terminal = self.terminals.get_mut(&key).ok_or(Missing::Terminal(key))?;
        let before = *terminal;
        terminal.is_revoked = true;
        let what = || format!("merchant {}: terminal revoked", merchant.0);
        self.forbid(at, before.is_revoked, what, "it was revoked before");
        self.expect(at, what, merchant.0, before.merchant.0);
        Ok(())
    }

    pub(super) fn fund(
        &mut self,
        at: At,
        number: MerchantNumber,
        amount: Amount,
        reference: (AccountId, [u8; 32]),
    ) -> Result<(), Missing> {
        let what = format!("merchant {}: funded", number.0);
        self.use_reference(at, reference, &what);
        self.forbid(at, amount == 0, || what.clone(), "the amount is 0");
        let merchant = self.merchant_mut(number)?;
        merchant.entries.push(Entry {
            at,
            line: 0,
            cycle: merchant.open_cycle(),
            kind: EntryKind::Funding,
            payment: None,
            reference: reference.1,
            amount,
        });
        add(&mut merchant.unpaid, amount);
        add(&mut self.float.merchants, amount);
        Ok(())
    }

    pub(super) fn close_cycle(&mut self, at: At, number: MerchantNumber, told: &Statement) -> Result<(), Missing> {
        let merchant = self.merchant_mut(number)?;
        let open = merchant.open_cycle();
        let found = told.cycle.number;
        if found > open {
            return Err(Missing::Cycle {
                merchant: number,
                open,
                found,
            });
        }
        let what = format!("merchant {}: cycle {open}", number.0);
        if found < open {
            let why = format!("cycle {found} is closed, the open one has the number {open}");
            self.forbid(at, true, || what.clone(), &why);
            return Ok(());
        }
        let basis = Basis {
            merchant: number,
            account: merchant.account,
            number: open,
            opened_at: merchant.opened_at(),
            closed_at: at.time,
            rules: merchant.rules,
            opening: merchant.closings.last().map_or(0, |closing| closing.statement.closing),
            fee_before: merchant.fee_due(),
            held: merchant.held,
            entries: merchant.entries_of(open),
        };
        let drawn_up = draw_up(&basis);
        let statement = drawn_up.unwrap_or(*told);
        let entries = (merchant.open_from, merchant.entries.len());
        merchant.closings.push(Closing {
            at,
            told: *told,
            statement,
            entries,
        });
        merchant.open_from = entries.1;
        merchant.rules = merchant.next_rules;
        merchant.unpaid = statement.closing;
        let leaves = statement.fee.saturating_add(statement.paid);
        let is_there = take_away(&mut self.float.merchants, leaves);
        let place = Place::Event {
            block: at.block,
            event: at.event,
        };
        self.mismatches.extend(differences(place, &what, told, &statement));
        if drawn_up.is_none() || !is_there {
            self.differs(at, what, "it was closed", "sums beyond what amounts can hold");
        }
        Ok(())
    }

    pub(super) fn merchant_mut(&mut self, number: MerchantNumber) -> Result<&mut MerchantBook, Missing> {
        self.merchants.get_mut(&number).ok_or(Missing::Merchant(number))
    }
}
