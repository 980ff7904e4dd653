//! Prints ARCHITECTURE.md's table: each contract's code size, and each message's weight on the real runtime.
#![allow(clippy::unwrap_used)] // a tool for developers: a fault is a panic

use protocol::{
    registry::{Change, Institution, Roles, SignerSet, Status},
    settlement::{Asset, Source, Voucher, MAX_BATCH},
    AccountId, InstitutionId, Member,
};
use quittance_tests::{
    contract_chain::Called,
    institutions::{account, lei, purchase, registration, Network, EXPIRY, HOME, NOTARY, ORIGINATOR, STRANGER},
};

const AMOUNT: u128 = 1_000_000;

fn main() {
    println!("| contract | message | ref_time (µs) | proof size (bytes) |");
    println!("|---|---|--:|--:|");
    registry();
    clearing();
    println!();
    println!("| contract | code size (bytes) |");
    println!("|---|--:|");
    for contract in ["registry", "clearing"] {
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

    let most = u8::try_from(MAX_BATCH).unwrap();
    for (first, count) in [(1u8, 1u8), (100, most)] {
        let vouchers: Vec<Voucher> = (first..first + count).map(|nonce| purchase(nonce, AMOUNT)).collect();
        let batch = network.batch(&vouchers);
        let signatures = network.sign_batch(&batch, &[ORIGINATOR, HOME, NOTARY]);
        let called = network.submit_measured(batch, signatures);
        assert_eq!(called.output, Ok(()));
        row("clearing", &format!("`retain_batch` of {count}"), &called);

        let discharges = vouchers
            .iter()
            .map(|voucher| network.sign_clearing(network.clearing_voucher(voucher, Source::Deposit(0)), HOME))
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
    let called: Called<Option<protocol::clearing::Retention>> =
        network.chain.call(caller, clearing, "relation", voucher.id(), 0);
    row("clearing", "`relation`", &called);
    let called: Called<Option<protocol::clearing::Discharge>> =
        network
            .chain
            .call(caller, clearing, "clearing_voucher", (voucher.id(), HOME), 0);
    row("clearing", "`clearing_voucher`", &called);
    let called: Called<AccountId> = network.chain.call(caller, clearing, "registry", (), 0);
    row("clearing", "`registry`", &called);
}
