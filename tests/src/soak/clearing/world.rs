//! The clearing contract under test, and what must hold of it after every call.
#![allow(clippy::cast_possible_truncation)] // counts of what a test made
use std::collections::BTreeMap;

use protocol::{
    clearing::{Balance, Discharge, Error, Retained},
    decisions::Decision,
    disputes::{Claim, Dispute},
    fees::{FeePayee, FeeRule, Service},
    registry::Roles,
    settlement::{
        Asset, ClearingVoucher, Limit, Obligation, Relation, Settlement, SignedClearingVoucher, Source,
        TransactionKind, Voucher,
    },
    windows::{Certificate, Closing, Position, Window, WindowState},
    AccountId, Member, UserId, VoucherId,
};
use quittance::windows::{certificate::recompute, ports::Record};
use scale::{Decode, Encode, Output};

use super::{
    book::{Book, Deed, Disputed, Known, Payment, Purse},
    steps::{Act, Draft, Flaw, Kind, Step, DISPUTE_PERIOD, DUAL, FIFTH, MEMBERS, PARTICIPANTS, RULING_PERIOD},
    writing::Writing,
    AWARDED, CLEARED_AFTER_WINDOW, FELL_DUE, FORGED, REFUNDED, SETTLED, SHORT,
};
use crate::{
    contract_chain::{Emitted, EventTopic, RootKey, START},
    institutions::{account, registration, Network, HOME, NOTARY, ORIGINATOR, STRANGER},
    soak::{self, draws::Part, ensure, Check, Tally, ROOT_EVERY},
};

/// What each participant has, and how far it may go negative, at first.
const DEPOSIT: u128 = 10_000;
const CAP: u128 = 3_000;
const TOKEN: Asset = Asset::Psp22(AccountId([5; 32]));
const ASSETS: [Asset; 2] = [Asset::Native, TOKEN];

pub struct World {
    network: Network,
    keys: Keys,
    topics: Topics,
    endowment: u128,
    /// What is known at first.
    first: Book,
    book: Book,
    /// Of the vouchers of a window, what the events told.
    records: Vec<Record>,
    tally: Tally,
}

/// Where the contract keeps what.
struct Keys {
    balances: RootKey,
    discharges: RootKey,
    disputes: RootKey,
    positions: RootKey,
    returned: RootKey,
    windows: RootKey,
}

struct Topics {
    retained: EventTopic,
    taken_out: EventTopic,
    settled: EventTopic,
}

/// A call as it is sent, and what it means.
struct Sent {
    message: &'static str,
    by: Member,
    args: Vec<u8>,
    value: u128,
    deed: Deed,
}

/// Encoded already.
struct Raw(Vec<u8>);

impl Encode for Raw {
    fn encode_to<T: Output + ?Sized>(&self, output: &mut T) {
        output.write(&self.0);
    }
}

impl soak::World for World {
    type Step = Step;

    fn run(&mut self, steps: &[Step]) -> Check {
        self.start_over();
        for (place, step) in steps.iter().enumerate() {
            self.take(step).map_err(|broken| format!("step {place}, {broken}"))?;
        }
        self.check_everything()
    }

    fn tally(&self) -> &Tally {
        &self.tally
    }
}

impl World {
    pub fn new() -> Self {
        let mut network = Network::with_periods(DISPUTE_PERIOD, RULING_PERIOD);
        for (member, roles) in [
            (ORIGINATOR, Roles::PARTICIPANT),
            (HOME, Roles::PARTICIPANT),
            (NOTARY, Roles::NOTARY),
            (STRANGER, Roles::PARTICIPANT),
            (FIFTH, Roles::PARTICIPANT),
            (DUAL, Roles::PARTICIPANT.with(Roles::NOTARY)),
        ] {
            network.govern(registration(member, roles)).unwrap();
        }
        for member in [FIFTH, DUAL] {
            network.chain.pay(account(member), 1_000 * quittance_runtime::UNIT);
        }
        let endowment = network.chain.native_balance(network.clearing);
        // So that most payments can be made.
        let mut first = Book::new(START);
        for member in PARTICIPANTS {
            network.deposit(member, DEPOSIT).unwrap();
            first = first.after(&Deed::Deposit(member, DEPOSIT)).unwrap();
            network.set_cap(member, CAP).unwrap();
            first.account((member, Asset::Native)).cap = CAP;
            first.decisions += 1;
        }
        network.chain.commit();
        let key = |mapping| RootKey::of("clearing", mapping);
        let topic = |event| EventTopic::of("clearing", event);
        Self {
            network,
            keys: Keys {
                balances: key("balances"),
                discharges: key("discharges"),
                disputes: key("disputes"),
                positions: key("positions"),
                returned: key("returned"),
                windows: key("windows"),
            },
            topics: Topics {
                retained: topic("Retained"),
                taken_out: topic("TakenOut"),
                settled: topic("WindowSettled"),
            },
            endowment,
            book: first.clone(),
            first,
            records: Vec::new(),
            tally: Tally::default(),
        }
    }

    fn start_over(&mut self) {
        self.network.chain.roll_back();
        self.network.schedules.truncate(1);
        self.book = self.first.clone();
        self.records.clear();
    }

    fn take(&mut self, step: &Step) -> Check {
        self.book.now += step.wait;
        self.network.chain.set_time(self.book.now);
        let sent = self.sent(step);
        let expected = self.book.after(&sent.deed);
        let is_done = expected.is_some();
        let compares_all = !is_done && self.tally.calls().is_multiple_of(ROOT_EVERY);
        let root_before = compares_all.then(|| self.network.chain.state_root());

        let told = |what: String| format!("{}: {what}\nsent: {:?}", sent.message, sent.deed);
        let answer = self.send(&sent);
        self.tally.count(sent.message, is_done);
        if let Deed::Retain { is_signed: false, .. } | Deed::Decide { is_signed: false, .. } = sent.deed {
            self.tally.note(FORGED);
        }
        ensure(answer.is_ok() == is_done, || {
            let must = if is_done { "done" } else { "refused" };
            told(format!("answered {:?}, must be {must}", answer.as_ref().err()))
        })?;
        if let Some(root_before) = root_before {
            self.tally.count_root();
            let root = self.network.chain.state_root();
            ensure(root == root_before, || {
                told("was refused and changed the state".to_owned())
            })?;
        }
        if let (Some(book), Ok((closing, events))) = (expected, answer) {
            let before = std::mem::replace(&mut self.book, book);
            self.note(&sent.deed, &before);
            if let Deed::Decide {
                decision: Decision::SetFees(rules),
                ..
            } = &sent.deed
            {
                self.network.schedules.push(rules.clone());
            }
            self.check_events(&events).map_err(told)?;
            if let Some(closing) = closing {
                self.check_closing(&sent.deed, &before, &closing).map_err(told)?;
            }
        }
        self.check_money().map_err(told)
    }

    /// What it answered: for a window how it closed, and the events.
    fn send(&mut self, sent: &Sent) -> Result<(Option<Closing>, Vec<Emitted>), Error> {
        let Network { chain, clearing, .. } = &mut self.network;
        let (by, args) = (account(sent.by), Raw(sent.args.clone()));
        match sent.message {
            "close_window" | "settle_window" => {
                let called = chain.call::<Result<Closing, Error>>(by, *clearing, sent.message, args, sent.value);
                Ok((Some(called.output?), called.events))
            }
            message => {
                // What else it tells follows its being done.
                let called = chain.call::<Result<(), Error>>(by, *clearing, message, args, sent.value);
                called.output?;
                Ok((None, called.events))
            }
        }
    }

    fn sent(&mut self, step: &Step) -> Sent {
        match &step.act {
            Act::Deposit(by, amount) => Sent {
                message: "deposit",
                by: *by,
                args: by.encode(),
                value: *amount,
                deed: Deed::Deposit(*by, *amount),
            },
            Act::Withdraw(by, part) => {
                // Who owes an award is tempted by what came in since.
                let owes = |member: &Member| {
                    let account = self.book.accounts.get(&(*member, Asset::Native));
                    account.is_some_and(|account| account.owed > 0 && account.available > 0)
                };
                let tempted = PARTICIPANTS.iter().copied().find(|member| step.is_apt && owes(member));
                let by = tempted.unwrap_or(*by);
                let purse = (by, Asset::Native);
                let whole = match tempted {
                    Some(_) => self.book.accounts[&purse].available,
                    None => self.book.spendable(purse),
                };
                let amount = part.of(whole);
                Sent {
                    message: "withdraw",
                    by,
                    args: (by, Asset::Native, amount).encode(),
                    value: 0,
                    deed: Deed::Withdraw(by, amount),
                }
            }
            Act::Retain(drafts, flaw) => {
                let (mut vouchers, mut refunded) = (Vec::new(), Vec::new());
                for (place, draft) in drafts.iter().enumerate() {
                    let (voucher, original) = self.voucher(draft, place);
                    vouchers.push(voucher);
                    refunded.extend(original);
                }
                let meant: Vec<_> = vouchers
                    .iter()
                    .map(|voucher| (voucher.clone(), self.relation(voucher).obligations))
                    .collect();
                let (batch, signatures, is_signed) = self.writing(*flaw).retention(vouchers, refunded);
                let deed = Deed::Retain {
                    vouchers: meant,
                    is_signed,
                };
                told("retain_batch", (batch, signatures), deed)
            }
            Act::Clear(places, flaw) => {
                let mut flaw = *flaw;
                let (mut all, mut payments) = (Vec::new(), Vec::new());
                for place in places {
                    let suits = |known: &Known| known.window.is_none() && known.paid_by.is_empty();
                    let Some(voucher) = self.choose_voucher(*place, step.is_apt, suits) else {
                        continue;
                    };
                    let (signed, payment) = self.payment(&voucher, flaw.take());
                    all.push(signed);
                    payments.push(payment);
                }
                told("clear_batch", all, Deed::Clear(payments))
            }
            Act::SetFees(flat, flaw) => {
                let rule = |service, payee| FeeRule {
                    service,
                    asset: Asset::Native,
                    payee,
                    flat: *flat,
                    parts_per_million: 10_000,
                    at_most: 50,
                };
                let rules = vec![
                    rule(Service::CashWithdrawal, FeePayee::Originator),
                    rule(Service::CashWithdrawal, FeePayee::Others),
                    rule(Service::CashDeposit, FeePayee::Originator),
                ];
                self.decide("set_fees", rules.clone(), Decision::SetFees(rules), NOTARY, *flaw)
            }
            Act::SetCap(member, cap, flaw) => {
                let asset = ASSETS[usize::from(cap.is_multiple_of(8))];
                let decision = Decision::SetCap {
                    member: *member,
                    asset,
                    cap: *cap,
                };
                self.decide("set_cap", (member, asset, cap), decision, NOTARY, *flaw)
            }
            Act::Close(flaw) => {
                let last = self.book.windows.len() as u32 - 1;
                let window = if step.is_apt { last } else { last.saturating_sub(1) };
                self.decide("close_window", window, Decision::CloseWindow(window), NOTARY, *flaw)
            }
            Act::Settle(place) => {
                let window = self.cut_off(*place, step.is_apt);
                told("settle_window", window, Deed::Settle(window))
            }
            Act::TakeOut(places, flaw) => {
                let window = self.cut_off(0, step.is_apt);
                let inside = |known: &Known| known.window == Some(window as usize);
                let vouchers: Vec<Voucher> = places
                    .iter()
                    .filter_map(|place| self.choose_voucher(*place, step.is_apt, inside))
                    .collect();
                let decision = Decision::TakeOut {
                    window,
                    vouchers: vouchers.iter().map(Voucher::id).collect(),
                };
                self.decide("take_out", (window, &vouchers), decision, NOTARY, *flaw)
            }
            Act::Open {
                by,
                voucher,
                obligation,
                amount,
            } => {
                // Who isn't owed anything can claim only what it is a party to.
                let may_claim = |known: &Known, by: Member| {
                    let contested = known.obligations.get(usize::from(*obligation));
                    known.voucher.parties().contains(&by) && contested.is_some_and(|owed| owed.creditor != by)
                };
                let voucher = self.choose_voucher(*voucher, step.is_apt, |known| {
                    !self.book.disputes.contains_key(&(known.voucher.id(), *obligation))
                        && self.book.now < known.retained_at + DISPUTE_PERIOD
                        && by.is_none_or(|by| may_claim(known, by))
                });
                let voucher = voucher.unwrap_or_else(|| self.voucher_of(ORIGINATOR, HOME));
                let contested = self.relation(&voucher).obligations;
                let contested = contested.get(usize::from(*obligation)).copied();
                let contested = contested.unwrap_or_else(|| voucher.principal());
                let by = by.unwrap_or(contested.debtor);
                // Who owes nothing can only claim all.
                let is_all = step.is_apt && by != contested.debtor;
                let claim = Claim {
                    obligation: *obligation,
                    amount: if is_all { Part::All } else { *amount }.of(contested.amount),
                    evidence: [1; 32],
                };
                Sent {
                    by,
                    ..told(
                        "open_dispute",
                        (by, &voucher, claim),
                        Deed::Open(by, voucher.id(), claim),
                    )
                }
            }
            Act::Answer(by, place) => {
                let (key, dispute) = self.choose_dispute(*place, step.is_apt, |dispute| dispute.response.is_none());
                let by = by.unwrap_or_else(|| dispute.map_or(HOME, |dispute| dispute.contested.creditor));
                let args = (by, key.0, key.1, [2u8; 32]);
                Sent {
                    by,
                    ..told("answer_dispute", args, Deed::Answer(by, key.0, key.1))
                }
            }
            Act::Rule {
                by,
                dispute,
                ruling,
                flaw,
            } => {
                // A notary that is a participant too is tempted by its own claims.
                let is_open = |dispute: &Disputed| dispute.ruling.is_none() && self.book.now < dispute.rule_by;
                let is_own = |dispute: &Disputed| is_open(dispute) && dispute.claimant == *by;
                let tempts = self.book.disputes.values().any(is_own) && dispute.is_multiple_of(2);
                let (key, dispute) = self.choose_dispute(*dispute, step.is_apt, |dispute| {
                    is_open(dispute) && (!tempts || is_own(dispute))
                });
                let ruling = ruling.of(dispute.map_or(10, |dispute| dispute.amount));
                let decision = Decision::Rule {
                    voucher: key.0,
                    obligation: key.1,
                    ruling,
                };
                self.decide("rule", (key.0, key.1, ruling), decision, *by, *flaw)
            }
            Act::RuleByDefault(place) => {
                let suits = |dispute: &Disputed| dispute.ruling.is_none() && self.book.now >= dispute.rule_by;
                let (key, _) = self.choose_dispute(*place, step.is_apt, suits);
                told("rule_by_default", key, Deed::RuleByDefault(key.0, key.1))
            }
            Act::PayAward(place) => {
                let suits = |dispute: &Disputed| dispute.awarded > dispute.paid;
                let (key, _) = self.choose_dispute(*place, step.is_apt, suits);
                told("pay_award", key, Deed::PayAward(key.0, key.1))
            }
        }
    }

    fn decide(
        &self,
        message: &'static str,
        args: impl Encode,
        decision: Decision,
        by: Member,
        flaw: Option<Flaw>,
    ) -> Sent {
        let (approval, is_signed) = self.writing(flaw).approval(&decision, by, self.book.decisions);
        let deed = Deed::Decide {
            decision,
            by,
            is_signed,
        };
        told(message, (args, approval), deed)
    }

    fn writing(&self, flaw: Option<Flaw>) -> Writing<'_> {
        Writing {
            network: &self.network,
            now: self.book.now,
            flaw,
        }
    }

    /// The clearing voucher of whoever is the first to owe something that is not discharged.
    fn payment(&mut self, voucher: &Voucher, flaw: Option<Flaw>) -> (SignedClearingVoucher, Payment) {
        let relation = self.relation(voucher);
        let paid_by = &self.book.vouchers[&voucher.id()].paid_by;
        let debtors = relation.debtors();
        let issuer = debtors.iter().find(|debtor| !paid_by.contains(debtor));
        let issuer = *issuer.unwrap_or(&debtors[0]);
        let discharged = relation.owed_by(issuer);
        let source = self.balance((issuer, discharged[0].asset)).last_credit;
        let source = source.filter(|_| flaw != Some(Flaw::NoSource));
        let clearing_voucher = ClearingVoucher {
            voucher: voucher.id(),
            relation: relation.id(),
            issuer,
            discharged,
            sources: vec![source.unwrap_or(Source::Deposit(u64::MAX))],
            issued_at: self.book.now,
            expires_at: self.book.now,
        };
        let (signed, is_signed) = self.writing(flaw).clearing(voucher, clearing_voucher);
        let payment = Payment {
            voucher: voucher.id(),
            issuer,
            is_sound: is_signed && source.is_some(),
        };
        (signed, payment)
    }

    fn voucher(&self, draft: &Draft, place: usize) -> (Voucher, Option<Voucher>) {
        let Draft { originator, home, .. } = *draft;
        let used = self.book.sequences.iter().find(|(by, _)| *by == originator);
        let sequence = match used {
            Some((_, sequence)) if draft.is_used => *sequence,
            _ => (self.book.order.len() + place) as u64,
        };
        let latest = self.network.schedules.len() as u32 - 1;
        let others = PARTICIPANTS.iter().zip(draft.others);
        let others = others.filter(|(member, is_in)| *is_in && ![originator, home].contains(member));
        let mut voucher = Voucher {
            sequence,
            others: others.map(|(member, _)| *member).collect(),
            amount: draft.amount,
            asset: ASSETS[usize::from(draft.is_token)],
            settlement: if draft.is_net {
                Settlement::Net
            } else {
                Settlement::Gross
            },
            fees: latest.saturating_sub(u32::from(draft.is_under_old_fees)),
            issued_at: self.book.now.saturating_sub(1),
            expires_at: self.book.now + draft.expires_in,
            ..self.voucher_of(originator, home)
        };
        match draft.kind {
            Kind::Withdrawal => {}
            Kind::Deposit => voucher.kind = TransactionKind::CashDeposit,
            Kind::Transfer(payee) if payee == home => {}
            Kind::Transfer(payee) => {
                voucher.kind = TransactionKind::CreditTransfer(payee);
                if ![originator, home].contains(&payee) && !voucher.others.contains(&payee) {
                    voucher.others.push(payee);
                    voucher.others.sort_unstable();
                }
            }
            Kind::Refund(back) => {
                let is_a_payment = |known: &Known| matches!(known.voucher.kind, TransactionKind::CashWithdrawal);
                if let Some(original) = self.choose_voucher(back, true, is_a_payment) {
                    let is_small = draft.amount < 900;
                    voucher = Voucher {
                        kind: TransactionKind::Refund(original.id()),
                        originator: original.originator,
                        home: if is_small { original.home } else { home },
                        asset: original.asset,
                        others: Vec::new(),
                        ..voucher
                    };
                    if !draft.is_used {
                        voucher.sequence = (self.book.order.len() + place) as u64;
                    }
                    return (voucher, Some(original));
                }
            }
        }
        (voucher, None)
    }

    fn voucher_of(&self, originator: Member, home: Member) -> Voucher {
        Voucher {
            sequence: 0,
            originator,
            home,
            others: Vec::new(),
            user: UserId::of(home, "4711"),
            wallet: AccountId([9; 32]),
            kind: TransactionKind::CashWithdrawal,
            asset: Asset::Native,
            amount: 1,
            limit: Limit::PerTransaction(u128::MAX),
            settlement: Settlement::Gross,
            fees: 0,
            issued_at: self.book.now - 1,
            expires_at: self.book.now,
        }
    }

    fn relation(&self, voucher: &Voucher) -> Relation {
        let known = self.book.vouchers.get(&voucher.id());
        let drawn_at = known.map_or(self.book.now, |known| known.retained_at);
        self.network.relation_of(voucher, drawn_at)
    }

    /// Counted back from the youngest.
    fn choose_voucher(&self, place: usize, is_apt: bool, suits: impl Fn(&Known) -> bool) -> Option<Voucher> {
        let all = || self.book.order.iter().map(|id| &self.book.vouchers[id]);
        let apt: Vec<_> = all().filter(|known| is_apt && suits(known)).collect();
        let among = if apt.is_empty() { all().collect() } else { apt };
        chosen(&among, place).map(|known| known.voucher.clone())
    }

    fn choose_dispute(
        &self,
        place: usize,
        is_apt: bool,
        suits: impl Fn(&Disputed) -> bool,
    ) -> ((VoucherId, u8), Option<Disputed>) {
        let all = || self.book.disputes.iter();
        let apt: Vec<_> = all().filter(|(_, dispute)| is_apt && suits(dispute)).collect();
        let among = if apt.is_empty() { all().collect() } else { apt };
        match chosen(&among, place) {
            Some((key, dispute)) => (**key, Some(**dispute)),
            None => ((VoucherId([0; 32]), 0), None),
        }
    }

    fn cut_off(&self, place: u32, is_apt: bool) -> u32 {
        let all = 0..self.book.windows.len() as u32;
        let is_cut_off = |window: &u32| self.book.windows[*window as usize] == WindowState::CutOff;
        let apt: Vec<u32> = all.clone().filter(|window| is_apt && is_cut_off(window)).collect();
        let among = if apt.is_empty() { all.collect() } else { apt };
        *chosen(&among, place as usize).unwrap()
    }

    fn note(&mut self, deed: &Deed, before: &Book) {
        let waited = |key: &(VoucherId, u8)| !before.disputes[key].is_due && self.book.disputes[key].is_due;
        let what = match deed {
            Deed::Retain { vouchers, .. } => {
                let is_refund =
                    |(voucher, _): &(Voucher, Vec<Obligation>)| matches!(voucher.kind, TransactionKind::Refund(_));
                vouchers.iter().any(is_refund).then_some(REFUNDED)
            }
            Deed::Clear(payments) => {
                let is_taken_out = |payment: &Payment| self.book.vouchers[&payment.voucher].is_taken_out;
                payments.iter().any(is_taken_out).then_some(CLEARED_AFTER_WINDOW)
            }
            Deed::PayAward(voucher, obligation) => waited(&(*voucher, *obligation)).then_some(FELL_DUE),
            Deed::Decide {
                decision: Decision::Rule {
                    voucher, obligation, ..
                },
                ..
            } => (self.book.disputes[&(*voucher, *obligation)].awarded > 0).then_some(AWARDED),
            _ => None,
        };
        if let Some(what) = what {
            self.tally.note(what);
        }
    }

    fn check_events(&mut self, events: &[Emitted]) -> Check {
        for event in events {
            let mut data = event.data.as_slice();
            let data = &mut data;
            if event.is(&self.topics.retained) {
                type Fields = (u32, u64, u32, u32, Vec<Member>, Vec<Retained>);
                let (batch, drawn_at, window, _, _, vouchers) = Fields::decode(data).unwrap();
                self.records.push(Record::Retained {
                    batch,
                    drawn_at,
                    window,
                    vouchers: vouchers.into_iter().map(|retained| retained.voucher).collect(),
                });
            } else if event.is(&self.topics.taken_out) {
                let (window, vouchers) = Decode::decode(data).unwrap();
                self.records.push(Record::TakenOut { window, vouchers });
            } else if event.is(&self.topics.settled) {
                let (window, certificate) = <(u32, Certificate)>::decode(data).unwrap();
                self.check_certificate(window, &certificate)?;
            }
        }
        Ok(())
    }

    /// Anyone can work it out from the events before; its nets sum to nothing.
    fn check_certificate(&mut self, window: u32, certificate: &Certificate) -> Check {
        let schedules = (0..).zip(self.network.schedules.iter().cloned()).collect();
        let caps = self.book.accounts.iter().map(|(purse, account)| (*purse, account.cap));
        let recomputed = recompute(window, &self.records, &schedules, &caps.collect());
        ensure(recomputed.as_ref() == Ok(certificate), || {
            format!("certified {certificate:?}, recomputed {recomputed:?}")
        })?;
        let mut sums: BTreeMap<Asset, [u128; 2]> = BTreeMap::new();
        for line in &certificate.lines {
            let [owed, owes] = sums.entry(line.asset).or_default();
            *owed += line.position.owed;
            *owes += line.position.owes;
        }
        self.tally.note(SETTLED);
        ensure(sums.values().all(|[owed, owes]| owed == owes), || {
            format!("{certificate:?} doesn't sum to nothing")
        })
    }

    fn check_closing(&mut self, deed: &Deed, before: &Book, closing: &Closing) -> Check {
        let window = match deed {
            Deed::Settle(window) => *window,
            _ => before.windows.len() as u32 - 1,
        } as usize;
        let is_settled = self.book.windows[window] == WindowState::Settled;
        match closing {
            Closing::Settled(_) => ensure(is_settled, || "settled a window that is short".to_owned()),
            Closing::Short(shortfalls) => {
                self.tally.note(SHORT);
                let told: BTreeMap<Purse, [u128; 2]> = shortfalls
                    .iter()
                    .map(|short| ((short.member, short.asset), [short.available, short.needed]))
                    .collect();
                let positions = self.book.positions(window).into_iter();
                let short: BTreeMap<Purse, [u128; 2]> = positions
                    .map(|(purse, position)| (purse, [self.book.spendable(purse), position.net_debit()]))
                    .filter(|(_, [spendable, debit])| spendable < debit)
                    .collect();
                ensure(!is_settled && told == short, || {
                    format!("named {told:?}, short are {short:?}")
                })
            }
        }
    }

    /// Everybody's money, and that it is all there is.
    fn check_money(&mut self) -> Check {
        let mut sum = 0;
        for purse in ASSETS
            .into_iter()
            .flat_map(|asset| MEMBERS.map(|member| (member, asset)))
        {
            let stored = self.balance(purse);
            if purse.1 == Asset::Native {
                sum += stored.available + stored.reserved;
            }
            let expected = Balance {
                last_credit: stored.last_credit,
                ..self.book.balance(purse)
            };
            ensure(stored == expected, || {
                format!("{purse:?} is {stored:?}, must be {expected:?}")
            })?;
        }
        let (paid_in, held) = (
            self.book.paid_in,
            self.network.chain.native_balance(self.network.clearing),
        );
        ensure(sum == paid_in && held == self.endowment + paid_in, || {
            format!("{paid_in} were paid in, {sum} are booked, {held} are held")
        })
    }

    /// All that is stored, not only what the last call was about.
    fn check_everything(&mut self) -> Check {
        let Network { chain, clearing, .. } = &mut self.network;
        for (number, state) in self.book.windows.iter().enumerate() {
            let positions = self.book.positions(number);
            let key = number as u32;
            let stored: Option<Window> = chain.stored(*clearing, self.keys.windows, key);
            let stored = stored.unwrap_or_default();
            ensure(stored.state == *state, || {
                format!("window {number} is {stored:?}, must be {state:?}")
            })?;
            for purse in stored.positions {
                let stored: Option<Position> = chain.stored(*clearing, self.keys.positions, (key, purse.0, purse.1));
                let (stored, expected) = (stored.unwrap_or_default(), positions.get(&purse).copied());
                let expected = expected.unwrap_or_default();
                ensure(stored == expected, || {
                    format!("{purse:?} in window {number}: {stored:?}, {expected:?}")
                })?;
            }
        }
        for (id, known) in &self.book.vouchers {
            for member in MEMBERS {
                let stored: Option<Discharge> = chain.stored(*clearing, self.keys.discharges, (id, member));
                ensure(stored.is_some() == known.paid_by.contains(&member), || {
                    format!("{member:?} has discharged {known:?}: {}", stored.is_some())
                })?;
            }
        }
        for (key, dispute) in &self.book.disputes {
            let stored: Dispute = chain.stored(*clearing, self.keys.disputes, key).unwrap();
            let same = stored.ruling == dispute.ruling
                && (stored.awarded, stored.is_due, stored.paid) == (dispute.awarded, dispute.is_due, dispute.paid)
                && stored.response.map(|response| response.member) == dispute.response;
            ensure(same, || format!("{stored:?} must be {dispute:?}"))?;
            ensure(dispute.paid <= dispute.awarded, || {
                format!("{dispute:?} gave back too much")
            })?;
        }
        for (key, returned) in &self.book.returned {
            let stored: Option<u128> = chain.stored(*clearing, self.keys.returned, key);
            let paid = self.book.vouchers[&key.0].obligations[usize::from(key.1)].amount;
            ensure(stored.unwrap_or_default() == *returned && *returned <= paid, || {
                format!("{stored:?} went back of {paid}, must be {returned}")
            })?;
        }
        Ok(())
    }

    fn balance(&mut self, purse: Purse) -> Balance {
        let stored = self
            .network
            .chain
            .stored(self.network.clearing, self.keys.balances, purse);
        stored.unwrap_or_default()
    }
}

/// Sent by nobody in particular.
fn told(message: &'static str, args: impl Encode, deed: Deed) -> Sent {
    Sent {
        message,
        by: STRANGER,
        args: args.encode(),
        value: 0,
        deed,
    }
}

fn chosen<T>(among: &[T], back: usize) -> Option<&T> {
    let last = among.len().checked_sub(1)?;
    among.get(last - back % among.len())
}
