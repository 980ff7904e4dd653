//! Prints ARCHITECTURE.md's table: each contract's code size, and each message's weight on the real runtime.
#![allow(clippy::unwrap_used)] // a tool for developers: a fault is a panic

mod prepaid;
mod reconciliation;

use frame_support::weights::Weight;
use protocol::{
    clearing::{Batch, Current, Page, Retention},
    credit::{self, Constants, CreditRequest, Debt, Limits, Payout, Raise, MAX_ASKED},
    decisions::Decision,
    disputes::{Claim, Dispute, Ruling},
    escrow::{Deal, Error, Terms, MAX_DEALS},
    fees::{FeePayee, FeeRule, Service},
    registry::{Change, Institution, Roles, SignerSet, Status, MAX_QUERY},
    settlement::{Asset, Settlement, Source, Voucher, MAX_CLEARING_BATCH},
    windows::{Closing, Position, Window},
    AccountId, DealId, InstitutionId, Member,
};
use quittance_tests::{
    contract_chain::{Called, Chain, START},
    credit::{
        order, wish, with_signatures, Side, TwoChains, BLOCK, DUE_AT, EVIDENCE, EXPIRES_AT, GRACE, NODE, PAYEE, PAYER,
    },
    institutions::{
        account, key, lei, purchase, registration, sign, Network, EXPIRY, HOME, NOTARY, ORIGINATOR, RULING_PERIOD,
        STRANGER,
    },
    market::{
        native_part, secret, terms, Market, ARBITER, BUYER, DEADLINES, MEMBERS, POOR, PRICE, SELLER, SELLER_BOND,
    },
};
use scale::{Decode, Encode};

const AMOUNT: u128 = 1_000_000;

fn main() {
    println!("| contract | message | ref_time (µs) | proof size (bytes) |");
    println!("|---|---|--:|--:|");
    registry();
    clearing();
    decisions();
    disputes();
    escrow();
    credit();
    prepaid::messages();
    reconciliation::messages();
    println!();
    deals();
    println!();
    prepaid::payments();
    println!();
    println!("| contract | code size (bytes) |");
    println!("|---|--:|");
    for contract in [
        "registry",
        "clearing",
        "escrow",
        "credit",
        "prepaid",
        "reconciliation",
        "hashlock",
    ] {
        let wasm = quittance_tests::target_dir()
            .join("contracts")
            .join(format!("{contract}.wasm"));
        println!("| {contract} | {} |", std::fs::metadata(wasm).unwrap().len());
    }
}

fn row<T>(contract: &str, message: &str, called: &Called<T>) {
    let micros = called.weight.ref_time() / 1_000_000;
    println!("| {contract} | {message} | {micros} | {} |", called.weight.proof_size());
}

fn registry() {
    let mut network = Network::funded();
    let (caller, registry) = (account(STRANGER), network.registry);
    for (what, change) in [
        (
            "`apply` set status",
            Change::SetStatus {
                member: STRANGER,
                status: Status::Suspended,
            },
        ),
        (
            "`apply` set roles",
            Change::SetRoles {
                member: STRANGER,
                roles: Roles::PARTICIPANT,
            },
        ),
        ("`apply` set notary threshold", Change::SetNotaryThreshold(1)),
    ] {
        apply(&mut network, what, change);
    }
    let keys = (AccountId([50; 32]), [51; 32], [52; 32]);
    let (account_id, signing_key, certificate) = keys;
    apply(
        &mut network,
        "`apply` set keys",
        Change::SetKeys {
            member: STRANGER,
            account: account_id,
            signing_key,
            certificate,
        },
    );
    let mut empty = Network::empty();
    apply(
        &mut empty,
        "`apply` register",
        registration(ORIGINATOR, Roles::PARTICIPANT),
    );

    for members in [1usize, 64] {
        let asked = vec![HOME; members];
        let called: Called<Result<SignerSet, protocol::registry::Error>> =
            network.chain.call(caller, registry, "members", asked, 0);
        row("registry", &format!("`members` of {members}"), &called);
    }
    let called: Called<Option<Institution>> = network.chain.call(caller, registry, "institution", HOME, 0);
    row("registry", "`institution`", &called);
    let called: Called<Vec<Institution>> = network.chain.call(caller, registry, "institutions", ORIGINATOR, 0);
    row("registry", "`institutions`, a page of 4", &called);
    let called: Called<Option<Member>> = network.chain.call(caller, registry, "member_of", account(HOME), 0);
    row("registry", "`member_of`", &called);
    let id = InstitutionId::of(&lei(HOME));
    let called: Called<Option<Member>> = network.chain.call(caller, registry, "member_by_id", id, 0);
    row("registry", "`member_by_id`", &called);
    let called: Called<(Vec<[u8; 32]>, u16)> = network.chain.call(caller, registry, "governors", (), 0);
    row("registry", "`governors`", &called);
    let called: Called<u32> = network.chain.call(caller, registry, "epoch", (), 0);
    row("registry", "`epoch`", &called);
}

fn apply(network: &mut Network, what: &str, change: Change) {
    let signatures = network.governors_sign(&change, EXPIRY);
    let called: Called<Result<(), protocol::registry::Error>> = network.chain.call(
        account(STRANGER),
        network.registry,
        "apply",
        (change, EXPIRY, signatures),
        0,
    );
    assert_eq!(called.output, Ok(()));
    network.epoch += 1;
    row("registry", what, &called);
}

fn clearing() {
    let mut network = Network::funded();
    let (caller, clearing) = (account(STRANGER), network.clearing);
    let called: Called<Result<u64, protocol::clearing::Error>> =
        network.chain.call(account(HOME), clearing, "deposit", HOME, AMOUNT);
    row("clearing", "`deposit`", &called);
    let called: Called<Result<(), protocol::clearing::Error>> =
        network
            .chain
            .call(account(HOME), clearing, "withdraw", (HOME, Asset::Native, AMOUNT), 0);
    row("clearing", "`withdraw`", &called);

    for (first, count) in [(1, 1), (100, MAX_CLEARING_BATCH as u64)] {
        let vouchers: Vec<Voucher> = (first..first + count).map(|nonce| purchase(nonce, AMOUNT)).collect();
        let batch = network.batch(&vouchers);
        let signatures = network.sign_batch(&batch, &[ORIGINATOR, HOME, NOTARY]);
        let called = network.submit_measured(batch, signatures);
        called.output.as_ref().unwrap();
        row("clearing", &format!("`retain_batch` of {count}"), &called);

        let discharges = vouchers
            .iter()
            .map(|voucher| network.sign_clearing(voucher, network.clearing_voucher(voucher, Source::Deposit(0)), HOME))
            .collect();
        let called = network.clear_measured(discharges);
        assert_eq!(called.output, Ok(()));
        row("clearing", &format!("`clear_batch` of {count}"), &called);
    }
    let voucher = purchase(1, AMOUNT);
    let called: Called<protocol::clearing::Balance> =
        network
            .chain
            .call(caller, clearing, "balance", (HOME, Asset::Native), 0);
    row("clearing", "`balance`", &called);
    let called: Called<Option<Retention>> = network.chain.call(caller, clearing, "retention", voucher.clone(), 0);
    row("clearing", "`retention`", &called);
    let called: Called<Option<protocol::clearing::Discharge>> =
        network
            .chain
            .call(caller, clearing, "clearing_voucher", (voucher.id(), HOME), 0);
    row("clearing", "`clearing_voucher`", &called);
    let called: Called<AccountId> = network.chain.call(caller, clearing, "registry", (), 0);
    row("clearing", "`registry`", &called);
    let called: Called<Vec<Option<Retention>>> =
        network
            .chain
            .call(caller, clearing, "retentions", vec![voucher; MAX_QUERY], 0);
    row("clearing", &format!("`retentions` of {MAX_QUERY}"), &called);
    let called: Called<Page> = network.chain.call(caller, clearing, "page", (ORIGINATOR, 0u64), 0);
    row("clearing", "`page`", &called);
    let called: Called<Option<Batch>> = network.chain.call(caller, clearing, "batch", 0u32, 0);
    row("clearing", "`batch`", &called);
}

/// What the notaries decide, and what follows from it.
fn decisions() {
    let mut network = Network::funded();
    network.deposit(ORIGINATOR, AMOUNT).unwrap();
    let rules = vec![FeeRule {
        service: Service::Purchase,
        asset: Asset::Native,
        payee: FeePayee::Originator,
        flat: 10,
        parts_per_million: 2_500,
        at_most: 1_000,
    }];
    let approval = network.approval(&Decision::SetFees(rules.clone()));
    told::<u32>(&mut network, "set_fees", (&rules, approval));
    network.schedules.push(rules);
    let (member, asset, cap) = (HOME, Asset::Native, 100 * AMOUNT);
    let approval = network.approval(&Decision::SetCap { member, asset, cap });
    told::<()>(&mut network, "set_cap", (member, asset, cap, approval));

    let net = |sequence| Voucher {
        settlement: Settlement::Net,
        ..purchase(sequence, 2 * AMOUNT)
    };
    network.retain(&[net(1), net(2)]).unwrap();
    let available = network.balance(HOME).available;
    network.withdraw(HOME, available).unwrap();
    let window = 0u32;
    let approval = network.approval(&Decision::CloseWindow(window));
    told::<Closing>(&mut network, "close_window", (window, approval));
    let vouchers = vec![net(2)];
    let approval = network.approval(&Decision::TakeOut {
        window,
        vouchers: vouchers.iter().map(Voucher::id).collect(),
    });
    told::<()>(&mut network, "take_out", (window, vouchers, approval));
    network.deposit(HOME, 10 * AMOUNT).unwrap();
    told::<Closing>(&mut network, "settle_window", window);

    let mut queries = Queries(&mut network);
    queries.row::<Option<Vec<FeeRule>>>("fees", 1u32);
    queries.row::<Current>("current", ());
    queries.row::<Option<Window>>("window", window);
    queries.row::<Position>("position", (window, HOME, Asset::Native));
    queries.row::<(u64, u64)>("dispute_periods", ());
}

fn disputes() {
    let mut network = Network::funded();
    let vouchers = [purchase(1, AMOUNT), purchase(2, AMOUNT), purchase(3, AMOUNT)];
    network.retain(&vouchers).unwrap();
    let [ruled, late, unpaid] = vouchers;
    let paid: Vec<_> = [&ruled, &late]
        .map(|voucher| {
            let discharge = network.clearing_voucher(voucher, Source::Deposit(0));
            network.sign_clearing(voucher, discharge, HOME)
        })
        .into();
    network.clear(paid).unwrap();
    let claim = Claim {
        obligation: 0,
        amount: AMOUNT,
        evidence: [1; 32],
    };
    let (home, clearing) = (account(HOME), network.clearing);
    let opened: Called<Result<(), protocol::clearing::Error>> =
        network
            .chain
            .call(home, clearing, "open_dispute", (HOME, &ruled, claim), 0);
    assert_eq!(opened.output, Ok(()));
    row("clearing", "`open_dispute`", &opened);
    for voucher in [&late, &unpaid] {
        network.open_dispute(HOME, voucher, AMOUNT).unwrap();
    }
    let answer = (ORIGINATOR, ruled.id(), 0u8, [2u8; 32]);
    let answered: Called<Result<(), protocol::clearing::Error>> =
        network
            .chain
            .call(account(ORIGINATOR), clearing, "answer_dispute", answer, 0);
    assert_eq!(answered.output, Ok(()));
    row("clearing", "`answer_dispute`", &answered);
    let decision = |voucher: &Voucher| Decision::Rule {
        voucher: voucher.id(),
        obligation: 0,
        ruling: Ruling::Reverse,
    };
    let approval = network.approval(&decision(&ruled));
    told::<()>(&mut network, "rule", (ruled.id(), 0u8, Ruling::Reverse, approval));
    network.rule(unpaid.id(), Ruling::Reverse).unwrap();
    let discharge = network.clearing_voucher(&unpaid, Source::Deposit(0));
    let discharge = network.sign_clearing(&unpaid, discharge, HOME);
    network.clear(vec![discharge]).unwrap();
    told::<u128>(&mut network, "pay_award", (unpaid.id(), 0u8));
    network.chain.set_time(START + RULING_PERIOD);
    told::<()>(&mut network, "rule_by_default", (late.id(), 0u8));

    let mut queries = Queries(&mut network);
    queries.row::<Option<Dispute>>("dispute", (ruled.id(), 0u8));
    queries.row::<u128>("returned", (ruled.id(), 0u8));
}

/// A message that anybody may send.
fn told<T: Decode + std::fmt::Debug>(network: &mut Network, message: &str, arguments: impl Encode) {
    let called: Called<Result<T, protocol::clearing::Error>> =
        network
            .chain
            .call(account(STRANGER), network.clearing, message, arguments, 0);
    called.output.as_ref().unwrap();
    row("clearing", &format!("`{message}`"), &called);
}

struct Queries<'a>(&'a mut Network);

impl Queries<'_> {
    fn row<T: Decode>(&mut self, message: &str, arguments: impl Encode) {
        let Self(network) = self;
        let called: Called<T> = network
            .chain
            .call(account(STRANGER), network.clearing, message, arguments, 0);
        row("clearing", &format!("`{message}`"), &called);
    }
}

fn escrow() {
    let [native, token, hostile] = Market::default().assets();
    for (asset, name) in [(native, "native"), (token, "PSP22")] {
        let mut market = Market::default();
        let terms = terms(asset, 1);
        let stake = terms.buyer_stake().unwrap();
        market.approve(BUYER, asset, stake);
        let locked = market.try_send::<Result<DealId, Error>>(BUYER, "lock", &terms, native_part(asset, stake));
        let locked = locked.unwrap();
        row("escrow", &format!("`lock`, {name}"), &locked);
        let id = locked.output.unwrap();
        market.approve(SELLER, asset, SELLER_BOND);
        let value = native_part(asset, SELLER_BOND);
        deal_row(&mut market, &format!("`accept`, {name}"), SELLER, "accept", id, value);
        let opened = (id, secret(1));
        deal_row(&mut market, &format!("`reveal`, {name}"), BUYER, "reveal", opened, 0);
        deal_row(&mut market, &format!("`claim`, {name}"), SELLER, "claim", opened, 0);
    }

    let mut market = Market::default();
    let locked = market.lock(&terms(native, 1)).unwrap();
    let [claimed, refunded, cancelled, ruled, defaulted] =
        [2, 3, 4, 5, 6].map(|number| market.accepted(&terms(native, number)));
    let deferred = market.lock(&terms(hostile, 7)).unwrap();
    let claim = (claimed, secret(2));
    deal_row(&mut market, "`claim` without a reveal", SELLER, "claim", claim, 0);
    let expires_at = DEADLINES.accept_by;
    let [buyer, seller] = [BUYER, SELLER].map(|party| market.consent(party, cancelled, expires_at));
    let cancel = (cancelled, expires_at, buyer, seller);
    deal_row(&mut market, "`cancel`", STRANGER, "cancel", cancel, 0);
    market.chain.set_time(DEADLINES.accept_by);
    deal_row(&mut market, "`refund` of a locked deal", BUYER, "refund", locked, 0);
    market.tell(market.hostile, "refuse_out", ());
    deal_row(&mut market, "`refund`, deferred", BUYER, "refund", deferred, 0);
    market.tell(market.hostile, "be_honest", ());
    let withdraw = (account(BUYER), hostile);
    deal_row(&mut market, "`withdraw`, PSP22", BUYER, "withdraw", withdraw, 0);
    market.chain.set_time(DEADLINES.reveal_by);
    let evidence = [1u8; 32];
    deal_row(&mut market, "`dispute`", BUYER, "dispute", (ruled, evidence), 0);
    deal_row(
        &mut market,
        "`dispute`, answered",
        SELLER,
        "dispute",
        (ruled, evidence),
        0,
    );
    deal_row(&mut market, "`rule`", ARBITER, "rule", (ruled, PRICE), 0);
    market
        .send::<Result<(), Error>>(BUYER, "dispute", (defaulted, evidence), 0)
        .unwrap();
    market.chain.set_time(DEADLINES.dispute_by);
    deal_row(
        &mut market,
        "`refund` of an accepted deal",
        BUYER,
        "refund",
        refunded,
        0,
    );
    market.chain.set_time(DEADLINES.ruling_by);
    deal_row(
        &mut market,
        "`rule_by_default`",
        STRANGER,
        "rule_by_default",
        defaulted,
        0,
    );

    let read: Called<Option<Deal>> = market.try_send(STRANGER, "deal", ruled, 0).unwrap();
    row("escrow", "`deal`", &read);
    let asked = vec![ruled; MAX_DEALS];
    let read: Called<Result<Vec<Option<Deal>>, Error>> = market.try_send(STRANGER, "deals", asked, 0).unwrap();
    row("escrow", &format!("`deals` of {MAX_DEALS}"), &read);
    let hashlock = secret(1).hashlock();
    let read: Called<Option<DealId>> = market.try_send(STRANGER, "deal_under", hashlock, 0).unwrap();
    row("escrow", "`deal_under`", &read);
    let read: Called<u128> = market.try_send(STRANGER, "due", (account(BUYER), native), 0).unwrap();
    row("escrow", "`due`", &read);
    let read: Called<u64> = market.try_send(STRANGER, "gap", (), 0).unwrap();
    row("escrow", "`gap`", &read);
}

fn deal_row(market: &mut Market, what: &str, by: Member, message: &str, args: impl Encode, value: u128) {
    row(
        "escrow",
        what,
        &done(market.try_send(by, message, args, value).unwrap()),
    );
}

fn done(called: Called<Result<(), Error>>) -> Called<Result<(), Error>> {
    assert_eq!(called.output, Ok(()));
    called
}

fn credit() {
    for (asset, name) in [(0, "native"), (1, "PSP22")] {
        credit_payment(asset, name);
    }
    credit_limits();
    credit_ends();

    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    let id = chains.owed(&request);
    let (payer, payee, asset) = (account(PAYER), account(PAYEE), request.debt.asset);
    chains.debt.request_raise(&wish(PAYER, asset, u128::MAX, 1)).unwrap();
    let ids = vec![id; MAX_ASKED];
    let TwoChains { debt, payout } = &mut chains;
    asked::<Result<Vec<Option<Debt>>, credit::Error>>(debt, "`debts` of 1", "debts", vec![id]);
    asked::<Result<Vec<Option<Debt>>, credit::Error>>(debt, &format!("`debts` of {MAX_ASKED}"), "debts", &ids);
    asked::<Result<Vec<Option<Payout>>, credit::Error>>(payout, &format!("`payouts` of {MAX_ASKED}"), "payouts", &ids);
    asked::<Limits>(debt, "`limits`", "limits", (payer, payee, asset));
    asked::<u128>(debt, "`pool`", "pool", asset);
    asked::<Option<Raise>>(debt, "`raise`", "raise", (payer, asset));
    asked::<Constants>(debt, "`constants`", "constants", ());
}

/// One payment on credit, from its request to its end.
fn credit_payment(asset: usize, name: &str) {
    let mut chains = TwoChains::default();
    let request: CreditRequest = chains.request(asset, 1);
    let (id, amount) = (request.id(), request.amount);
    let (owed, paid) = (request.debt.asset, request.payout.asset);
    let TwoChains { debt, payout } = &mut chains;
    payout.approve(NODE, paid, amount);
    match paid {
        Asset::Native => told_credit(payout, "`fund`", NODE, "fund", (), amount),
        Asset::Psp22(token) => told_credit(payout, "`fund_token`", NODE, "fund_token", (token, amount), 0),
    }
    told_credit(
        debt,
        &format!("`reserve`, {name}"),
        NODE,
        "reserve",
        with_signatures(&request),
        0,
    );
    told_credit(payout, &format!("`pay`, {name}"), NODE, "pay", &request, 0);
    told_credit(debt, &format!("`commit`, {name}"), NODE, "commit", (id, BLOCK), 0);
    debt.approve(PAYER, owed, amount);
    let (half, value) = (amount / 2, native_part(owed, amount / 2));
    told_credit(
        debt,
        &format!("`repay` a part, {name}"),
        PAYER,
        "repay",
        (id, half),
        value,
    );
    told_credit(
        debt,
        &format!("`repay` the rest, {name}"),
        PAYER,
        "repay",
        (id, half),
        value,
    );
    told_credit(debt, &format!("`withdraw`, {name}"), NODE, "withdraw", (owed, half), 0);
}

fn credit_limits() {
    let mut chains = TwoChains::new(GRACE);
    let side = &mut chains.debt;
    let (payer, asset) = (account(PAYER), Asset::Native);
    let domain = side.domain();
    let order = order(PAYER, PAYEE, asset, AMOUNT, 1);
    let signature = sign(&key(PAYEE), &order.payload(&domain));
    told_credit(side, "`set_limit`", STRANGER, "set_limit", (order, signature), 0);
    told_credit(
        side,
        "`set_node_limit`",
        NODE,
        "set_node_limit",
        (payer, asset, AMOUNT, EVIDENCE),
        0,
    );
    let wish = wish(PAYER, asset, 2 * AMOUNT, 1);
    let signature = sign(&key(PAYER), &wish.payload(&domain));
    told_credit(side, "`request_raise`", STRANGER, "request_raise", (wish, signature), 0);
    let granted = (payer, asset, Some(2 * AMOUNT), EVIDENCE);
    told_credit(side, "`decide_raise`", NODE, "decide_raise", granted, 0);
    told_credit(side, "`freeze`", NODE, "freeze", payer, 0);
    told_credit(side, "`unfreeze`", NODE, "unfreeze", payer, 0);
}

fn credit_ends() {
    let mut chains = TwoChains::default();
    let [owed, released, expired] = [1, 2, 3].map(|number| chains.request(0, number));
    let owed = chains.owed(&owed);
    let side = &mut chains.debt;
    let [released, expired] = [released, expired].map(|request| side.reserve(&request).unwrap());
    let receipt = side.receipt(PAYEE, owed);
    told_credit(
        side,
        "`confirm_receipt`",
        STRANGER,
        "confirm_receipt",
        (owed, receipt),
        0,
    );
    told_credit(side, "`extend`", NODE, "extend", (expired, EXPIRES_AT + 1), 0);
    told_credit(side, "`release`", NODE, "release", released, 0);
    side.chain.set_time(DUE_AT);
    told_credit(side, "`expire`", STRANGER, "expire", expired, 0);
    told_credit(side, "`mark_overdue`", STRANGER, "mark_overdue", owed, 0);
}

fn told_credit(side: &mut Side, what: &str, by: Member, message: &str, args: impl Encode, value: u128) {
    // Whatever it answers beside that it is done.
    let called = side
        .try_send::<Result<(), credit::Error>>(by, message, args, value)
        .unwrap();
    assert_eq!(called.output, Ok(()));
    row("credit", what, &called);
}

fn asked<T: Decode>(side: &mut Side, what: &str, message: &str, args: impl Encode) {
    let called: Called<T> = side.try_send(STRANGER, message, args, 0).unwrap();
    row("credit", what, &called);
}

/// What a bond and everything else cost: one deal without a dispute, against the plainest hashlock contract.
fn deals() {
    let (ours, plain) = (escrow_deal(), hashlock_deal());
    println!("| one deal: `lock`, `accept`, `reveal`, `claim` | ref_time (µs) | proof size (bytes) |");
    println!("|---|--:|--:|");
    for (contract, sum) in [("escrow, native", ours), ("tests/fixtures/hashlock", plain)] {
        println!("| {contract} | {} | {} |", sum.ref_time() / 1_000_000, sum.proof_size());
    }
    let times = |ours: u64, plain: u64| ours as f64 / plain as f64;
    println!(
        "| ratio | {:.2} | {:.2} |",
        times(ours.ref_time(), plain.ref_time()),
        times(ours.proof_size(), plain.proof_size())
    );
}

fn escrow_deal() -> Weight {
    let mut market = Market::default();
    let terms: Terms = terms(Asset::Native, 1);
    let id = DealId::of(account(BUYER), terms.agreement);
    let opened = (id, secret(1));
    let stake = terms.buyer_stake().unwrap();
    [
        done(market.try_send(BUYER, "lock", &terms, stake).unwrap()),
        done(market.try_send(SELLER, "accept", id, SELLER_BOND).unwrap()),
        done(market.try_send(BUYER, "reveal", opened, 0).unwrap()),
        done(market.try_send(SELLER, "claim", opened, 0).unwrap()),
    ]
    .iter()
    .fold(Weight::zero(), |sum, called| sum.saturating_add(called.weight))
}

fn hashlock_deal() -> Weight {
    let members = MEMBERS.into_iter().filter(|member| *member != POOR);
    let mut chain = Chain::new(&members.map(account).collect::<Vec<_>>());
    let contract = chain.instantiate::<()>("hashlock", ()).unwrap();
    let (buyer, seller) = (account(BUYER), account(SELLER));
    let hashlock = secret(1).hashlock();
    let opened = (hashlock, secret(1));
    let lock = (seller, hashlock, DEADLINES.reveal_by);
    // Its errors are its own; done is done.
    let called: [Called<Result<(), u8>>; 4] = [
        chain.call(buyer, contract, "lock", lock, PRICE),
        chain.call(seller, contract, "accept", hashlock, 0),
        chain.call(buyer, contract, "reveal", opened, 0),
        chain.call(seller, contract, "claim", opened, 0),
    ];
    assert!(called.iter().all(|called| called.output.is_ok()));
    called
        .iter()
        .fold(Weight::zero(), |sum, called| sum.saturating_add(called.weight))
}
