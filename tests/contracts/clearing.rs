//! Retention and gross clearing: what moves, what is refused, and that a refusal changes nothing.
use protocol::{
    clearing::{Balance, Discharge, Error},
    registry::{Change, Roles, Status},
    settlement::{Limit, RetentionBatch, Source, TransactionKind, Voucher, VoucherFault, MAX_BATCH, MAX_SOURCES},
    signing::{Domain, MemberSignature},
    AccountId, Member,
};
use quittance_tests::{
    contract_chain::{GENESIS, START},
    institutions::{account, purchase, Network, DEPOSIT, EXPIRY, HOME, NOBODY, NOTARY, ORIGINATOR, STRANGER},
};

const AMOUNT: u128 = 250_000_000_000;
const SIGNERS: [Member; 3] = [ORIGINATOR, HOME, NOTARY];
const FIRST_DEPOSIT: Source = Source::Deposit(0);

/// Submits a batch and demands that it is refused and leaves the chain's state as it was.
#[track_caller]
fn refused(network: &mut Network, batch: RetentionBatch, signatures: Vec<MemberSignature>, expected: Error) {
    let before = network.chain.state_root();
    assert_eq!(network.submit(batch, signatures), Err(expected));
    assert_eq!(network.chain.state_root(), before, "a refusal must change nothing");
}

#[track_caller]
fn voucher_refused(network: &mut Network, voucher: Voucher, expected: Error) {
    let batch = network.batch(&[voucher]);
    let signatures = network.sign_batch(&batch, &SIGNERS);
    refused(network, batch, signatures, expected);
}

#[track_caller]
fn clearing_refused(
    network: &mut Network,
    vouchers: Vec<protocol::settlement::SignedClearingVoucher>,
    expected: Error,
) {
    let before = network.chain.state_root();
    assert_eq!(network.clear(vouchers), Err(expected));
    assert_eq!(network.chain.state_root(), before, "a refusal must change nothing");
}

fn free(balance: &Balance) -> (u128, u128) {
    (balance.available, balance.reserved)
}

fn set_status(member: Member, status: Status) -> Change {
    Change::SetStatus { member, status }
}

#[test]
fn a_payment_moves_exactly_its_amount_from_debtor_to_creditor() {
    let mut network = Network::funded();
    let voucher = purchase(1, AMOUNT);

    network.retain(&[voucher.clone()]).unwrap();
    assert_eq!(
        free(&network.balance(HOME)),
        (DEPOSIT - AMOUNT, AMOUNT),
        "set aside at retention"
    );
    assert_eq!(
        free(&network.balance(ORIGINATOR)),
        (0, 0),
        "not spendable before clearing"
    );

    let clearing_voucher = network.clearing_voucher(&voucher, FIRST_DEPOSIT);
    network
        .clear(vec![network.sign_clearing(clearing_voucher.clone(), HOME)])
        .unwrap();
    assert_eq!(free(&network.balance(HOME)), (DEPOSIT - AMOUNT, 0));
    assert_eq!(free(&network.balance(ORIGINATOR)), (AMOUNT, 0));

    let kept = network.relation(&voucher).unwrap();
    assert!(kept.is_cleared());
    assert_eq!(kept.relation.obligations, [voucher.principal()]);
    let stored: Option<Discharge> = network
        .chain
        .call(
            account(STRANGER),
            network.clearing,
            "clearing_voucher",
            (voucher.id(), HOME),
            0,
        )
        .output;
    assert_eq!(stored.unwrap().clearing_voucher, clearing_voucher);
}

#[test]
fn a_cash_deposit_is_owed_by_the_originator() {
    let mut network = Network::funded();
    network.deposit(ORIGINATOR, AMOUNT).unwrap();
    let voucher = Voucher {
        kind: TransactionKind::CashDeposit,
        ..purchase(1, AMOUNT)
    };
    network.retain(&[voucher.clone()]).unwrap();
    let clearing_voucher = network.clearing_voucher(&voucher, Source::Deposit(1));
    assert_eq!(clearing_voucher.issuer, ORIGINATOR);
    network
        .clear(vec![network.sign_clearing(clearing_voucher, ORIGINATOR)])
        .unwrap();
    assert_eq!(free(&network.balance(ORIGINATOR)), (0, 0));
    assert_eq!(free(&network.balance(HOME)), (DEPOSIT + AMOUNT, 0));
}

#[test]
fn what_goes_in_equals_what_is_held_whatever_happens_in_between() {
    let mut network = Network::funded();
    let held_by_contract = network.chain.native_balance(network.clearing);
    let vouchers: Vec<Voucher> = (1..=5)
        .map(|nonce| purchase(nonce, AMOUNT * u128::from(nonce)))
        .collect();
    network.retain(&vouchers).unwrap();
    let discharges = vouchers[..3]
        .iter()
        .map(|voucher| network.sign_clearing(network.clearing_voucher(voucher, FIRST_DEPOSIT), HOME))
        .collect();
    network.clear(discharges).unwrap();
    network.withdraw(ORIGINATOR, AMOUNT).unwrap();

    let (home, originator) = (network.balance(HOME), network.balance(ORIGINATOR));
    assert_eq!(
        home.available + home.reserved + originator.available + originator.reserved,
        DEPOSIT - AMOUNT
    );
    assert_eq!(home.reserved, AMOUNT * (4 + 5), "what is not cleared stays set aside");
    assert_eq!(
        network.chain.native_balance(network.clearing),
        held_by_contract - AMOUNT
    );
}

#[test]
fn cleared_funds_can_be_withdrawn_to_the_members_account_only() {
    let mut network = Network::funded();
    let voucher = purchase(1, AMOUNT);
    network.retain(&[voucher.clone()]).unwrap();
    assert_eq!(
        network.withdraw(ORIGINATOR, 1),
        Err(Error::InsufficientBalance {
            member: ORIGINATOR,
            available: 0,
            needed: 1
        }),
        "unsettled funds are not spendable"
    );
    assert_eq!(
        network.withdraw(HOME, DEPOSIT),
        Err(Error::InsufficientBalance {
            member: HOME,
            available: DEPOSIT - AMOUNT,
            needed: DEPOSIT
        }),
        "what is set aside can't be withdrawn"
    );
    network
        .clear(vec![
            network.sign_clearing(network.clearing_voucher(&voucher, FIRST_DEPOSIT), HOME)
        ])
        .unwrap();

    let before = network.chain.native_balance(account(ORIGINATOR));
    network.withdraw(ORIGINATOR, AMOUNT).unwrap();
    assert_eq!(network.chain.native_balance(account(ORIGINATOR)), before + AMOUNT);

    let args = (HOME, protocol::settlement::Asset::Native, 1u128);
    let other: Result<(), Error> = network
        .chain
        .call(account(STRANGER), network.clearing, "withdraw", args, 0)
        .output;
    assert_eq!(other, Err(Error::NotYourAccount(HOME)));
}

#[test]
fn deposits_are_refused_by_name() {
    let mut network = Network::funded();
    assert_eq!(network.deposit(HOME, 0), Err(Error::ZeroAmount));
    assert_eq!(network.withdraw(HOME, 0), Err(Error::ZeroAmount));
    assert_eq!(network.deposit(NOTARY, 1), Err(Error::MissingRole(NOTARY)));
    let foreign: Result<u64, Error> = network
        .chain
        .call(account(STRANGER), network.clearing, "deposit", HOME, 5)
        .output;
    assert_eq!(foreign, Err(Error::NotYourAccount(HOME)));
    let nobody: Result<u64, Error> = network
        .chain
        .call(account(STRANGER), network.clearing, "deposit", NOBODY, 5)
        .output;
    assert_eq!(nobody, Err(Error::UnknownMember(NOBODY)));
    network.govern(set_status(HOME, Status::Suspended)).unwrap();
    assert_eq!(network.deposit(HOME, 5), Err(Error::NotActive(HOME)));
}

#[test]
fn a_voucher_is_retained_once() {
    let mut network = Network::funded();
    let voucher = purchase(1, AMOUNT);
    let id = voucher.id();
    network.retain(&[voucher.clone()]).unwrap();
    voucher_refused(&mut network, voucher.clone(), Error::VoucherUsed(id));

    let fresh = purchase(2, AMOUNT);
    let twice = network.batch(&[fresh.clone(), fresh.clone()]);
    let signatures = network.sign_batch(&twice, &SIGNERS);
    refused(&mut network, twice, signatures, Error::VoucherUsed(fresh.id()));
}

#[test]
fn an_obligation_is_discharged_once() {
    let mut network = Network::funded();
    let voucher = purchase(1, AMOUNT);
    network.retain(&[voucher.clone()]).unwrap();
    let first = network.sign_clearing(network.clearing_voucher(&voucher, FIRST_DEPOSIT), HOME);
    let already = Error::AlreadyCleared(voucher.id(), HOME);
    clearing_refused(&mut network, vec![first.clone(), first.clone()], already.clone());
    network.clear(vec![first.clone()]).unwrap();
    clearing_refused(&mut network, vec![first], already.clone());

    let mut rewritten = network.clearing_voucher(&voucher, FIRST_DEPOSIT);
    rewritten.issued_at += 1;
    let rewritten = network.sign_clearing(rewritten, HOME);
    clearing_refused(&mut network, vec![rewritten], already);
}

#[test]
fn every_party_and_a_notary_must_sign() {
    let mut network = Network::funded();
    let batch = network.batch(&[purchase(1, AMOUNT)]);
    for (signers, expected) in [
        (vec![HOME, NOTARY], Error::MissingSignature(ORIGINATOR)),
        (vec![ORIGINATOR, NOTARY], Error::MissingSignature(HOME)),
        (vec![ORIGINATOR, HOME], Error::NotaryThreshold { given: 0, needed: 1 }),
        (
            vec![ORIGINATOR, HOME, NOTARY, STRANGER],
            Error::UnexpectedSigner(STRANGER),
        ),
        (vec![HOME, ORIGINATOR, NOTARY], Error::SignersNotAscending),
        (vec![ORIGINATOR, ORIGINATOR, HOME, NOTARY], Error::SignersNotAscending),
    ] {
        let signatures = network.sign_batch(&batch, &signers);
        refused(&mut network, batch.clone(), signatures, expected);
    }
}

#[test]
fn the_other_destinations_of_a_voucher_must_sign_too() {
    let mut network = Network::funded();
    let voucher = Voucher {
        others: vec![STRANGER],
        ..purchase(1, AMOUNT)
    };
    voucher_refused(&mut network, voucher.clone(), Error::MissingSignature(STRANGER));
    network.retain(&[voucher]).unwrap();
}

#[test]
fn as_many_notaries_must_sign_as_the_registry_asks_for() {
    let mut network = Network::funded();
    network.govern(Change::SetNotaryThreshold(2)).unwrap();
    voucher_refused(
        &mut network,
        purchase(1, AMOUNT),
        Error::NotaryThreshold { given: 1, needed: 2 },
    );

    network
        .govern(Change::SetRoles {
            member: STRANGER,
            roles: Roles::NOTARY,
        })
        .unwrap();
    let batch = network.batch(&[purchase(1, AMOUNT)]);
    let signatures = network.sign_batch(&batch, &[ORIGINATOR, HOME, NOTARY, STRANGER]);
    network.submit(batch, signatures).unwrap();
}

#[test]
fn a_party_does_not_count_as_its_own_notary() {
    let mut network = Network::funded();
    let both = Roles::PARTICIPANT.with(Roles::NOTARY);
    network
        .govern(Change::SetRoles {
            member: HOME,
            roles: both,
        })
        .unwrap();
    let batch = network.batch(&[purchase(1, AMOUNT)]);
    let signatures = network.sign_batch(&batch, &[ORIGINATOR, HOME]);
    refused(
        &mut network,
        batch,
        signatures,
        Error::NotaryThreshold { given: 0, needed: 1 },
    );
}

#[test]
fn a_voucher_altered_after_signing_is_refused() {
    let mut network = Network::funded();
    let signed = network.batch(&[purchase(1, AMOUNT)]);
    let signatures = network.sign_batch(&signed, &SIGNERS);
    let altered = network.batch(&[purchase(1, AMOUNT + 1)]);
    refused(&mut network, altered, signatures, Error::BadSignature(ORIGINATOR));
}

#[test]
fn one_members_signature_is_not_anothers() {
    let mut network = Network::funded();
    let batch = network.batch(&[purchase(1, AMOUNT)]);
    let mut signatures = network.sign_batch(&batch, &SIGNERS);
    signatures[1].signature = network.sign_batch(&batch, &[STRANGER])[0].signature;
    refused(&mut network, batch, signatures, Error::BadSignature(HOME));
}

#[test]
fn a_signature_for_another_chain_contract_or_epoch_is_void_here() {
    let mut network = Network::funded();
    let batch = network.batch(&[purchase(1, AMOUNT)]);
    let here = network.domain();
    for elsewhere in [
        Domain {
            genesis: [8; 32],
            ..here
        },
        Domain {
            contract: AccountId([8; 32]),
            ..here
        },
        Domain {
            contract: network.registry,
            ..here
        },
        Domain {
            epoch: here.epoch - 1,
            ..here
        },
    ] {
        assert_ne!(elsewhere, here);
        let signatures = network.sign_batch_in(&elsewhere, &batch, &SIGNERS);
        refused(&mut network, batch.clone(), signatures, Error::BadSignature(ORIGINATOR));
    }
    assert_eq!(here.genesis, GENESIS);
}

#[test]
fn what_was_signed_before_the_registry_changed_must_be_signed_again() {
    let mut network = Network::funded();
    let batch = network.batch(&[purchase(1, AMOUNT)]);
    let signatures = network.sign_batch(&batch, &SIGNERS);
    network.govern(set_status(STRANGER, Status::Suspended)).unwrap();
    let current = network.epoch;
    refused(&mut network, batch, signatures, Error::StaleEpoch { current });
}

#[test]
fn suspended_revoked_and_unknown_members_are_refused() {
    for status in [Status::Suspended, Status::Revoked] {
        let mut network = Network::funded();
        network.govern(set_status(HOME, status)).unwrap();
        voucher_refused(&mut network, purchase(1, AMOUNT), Error::NotActive(HOME));
    }
    let mut network = Network::funded();
    network.govern(set_status(NOTARY, Status::Suspended)).unwrap();
    voucher_refused(&mut network, purchase(1, AMOUNT), Error::NotActive(NOTARY));

    let mut network = Network::funded();
    let batch = network.batch(&[Voucher {
        home: NOBODY,
        ..purchase(1, AMOUNT)
    }]);
    let signatures = network.sign_batch(&batch, &[ORIGINATOR, NOTARY, NOBODY]);
    refused(&mut network, batch, signatures, Error::UnknownMember(NOBODY));
}

#[test]
fn deadlines_hold_to_the_millisecond() {
    let mut network = Network::funded();
    let late = Voucher {
        expires_at: START + 10,
        ..purchase(1, AMOUNT)
    };
    let last = Voucher {
        expires_at: START + 11,
        ..purchase(2, AMOUNT)
    };
    network.chain.set_time(START + 10);
    voucher_refused(&mut network, late.clone(), Error::VoucherExpired(late.id()));
    network.retain(&[last.clone()]).unwrap();

    let mut clearing_voucher = network.clearing_voucher(&last, FIRST_DEPOSIT);
    clearing_voucher.expires_at = START + 10;
    let expired = network.sign_clearing(clearing_voucher.clone(), HOME);
    clearing_refused(&mut network, vec![expired], Error::ClearingVoucherExpired(last.id()));
    clearing_voucher.expires_at = START + 11;
    network
        .clear(vec![network.sign_clearing(clearing_voucher, HOME)])
        .unwrap();

    network.chain.set_time(EXPIRY);
    voucher_refused(&mut network, purchase(3, AMOUNT), Error::BatchExpired);
}

#[test]
fn a_voucher_that_breaks_its_own_rules_is_refused() {
    let mut network = Network::funded();
    for (voucher, fault) in [
        (purchase(1, 0), VoucherFault::ZeroAmount),
        (purchase(1, u128::MAX), VoucherFault::AboveLimit),
        (
            Voucher {
                limit: Limit::PerTransaction(AMOUNT - 1),
                ..purchase(1, AMOUNT)
            },
            VoucherFault::AboveLimit,
        ),
        (
            Voucher {
                limit: Limit::PerDay(AMOUNT - 1),
                ..purchase(1, AMOUNT)
            },
            VoucherFault::AboveLimit,
        ),
        (
            Voucher {
                issued_at: EXPIRY,
                ..purchase(1, AMOUNT)
            },
            VoucherFault::ExpiresBeforeIssue,
        ),
        (
            Voucher {
                others: vec![HOME],
                ..purchase(1, AMOUNT)
            },
            VoucherFault::PartiesNotAscending,
        ),
    ] {
        let id = voucher.id();
        voucher_refused(&mut network, voucher, Error::BadVoucher(id, fault));
    }
    let alone = Voucher {
        home: ORIGINATOR,
        ..purchase(1, AMOUNT)
    };
    let batch = network.batch(&[alone.clone()]);
    let signatures = network.sign_batch(&batch, &[ORIGINATOR, NOTARY]);
    refused(
        &mut network,
        batch,
        signatures,
        Error::BadVoucher(alone.id(), VoucherFault::OneInstitution),
    );
}

#[test]
fn the_largest_amount_overflows_nothing() {
    let mut network = Network::funded();
    let voucher = Voucher {
        limit: Limit::PerTransaction(u128::MAX),
        ..purchase(1, u128::MAX)
    };
    let short = Error::InsufficientBalance {
        member: HOME,
        available: DEPOSIT,
        needed: u128::MAX,
    };
    voucher_refused(&mut network, voucher, short);
}

#[test]
fn a_debtor_without_funds_is_named_with_what_it_lacks() {
    let mut network = Network::funded();
    let short = Error::InsufficientBalance {
        member: HOME,
        available: DEPOSIT,
        needed: DEPOSIT + 1,
    };
    voucher_refused(&mut network, purchase(1, DEPOSIT + 1), short);

    let vouchers = [purchase(1, DEPOSIT), purchase(2, 1)];
    let batch = network.batch(&vouchers);
    let signatures = network.sign_batch(&batch, &SIGNERS);
    let second = Error::InsufficientBalance {
        member: HOME,
        available: 0,
        needed: 1,
    };
    refused(&mut network, batch, signatures, second);
}

#[test]
fn the_relation_must_be_the_one_that_follows_from_the_voucher() {
    let mut network = Network::funded();
    let voucher = purchase(1, AMOUNT);
    let mut less = network.batch(&[voucher.clone()]);
    less.items[0].relation.obligations[0].amount -= 1;
    let mut reversed = network.batch(&[voucher.clone()]);
    reversed.items[0].relation.obligations[0].debtor = ORIGINATOR;
    reversed.items[0].relation.obligations[0].creditor = HOME;
    let mut nothing = network.batch(&[voucher.clone()]);
    nothing.items[0].relation.obligations.clear();
    let mut of_another = network.batch(&[voucher.clone()]);
    of_another.items[0].relation.voucher = purchase(2, AMOUNT).id();
    for batch in [less, reversed, nothing, of_another] {
        let signatures = network.sign_batch(&batch, &SIGNERS);
        refused(&mut network, batch, signatures, Error::RelationMismatch(voucher.id()));
    }
}

#[test]
fn batches_have_bounds() {
    let mut network = Network::funded();
    let empty = network.batch(&[]);
    let signatures = network.sign_batch(&empty, &[NOTARY]);
    refused(&mut network, empty, signatures, Error::EmptyBatch);
    clearing_refused(&mut network, Vec::new(), Error::EmptyBatch);

    let most = u8::try_from(MAX_BATCH).unwrap();
    let vouchers: Vec<Voucher> = (0..=most).map(|nonce| purchase(nonce, 1)).collect();
    let too_many = network.batch(&vouchers);
    let signatures = network.sign_batch(&too_many, &SIGNERS);
    refused(&mut network, too_many, signatures, Error::BatchTooLarge);

    network.retain(&vouchers[..MAX_BATCH]).unwrap();
    let discharge = |network: &Network, voucher: &Voucher| {
        network.sign_clearing(network.clearing_voucher(voucher, FIRST_DEPOSIT), HOME)
    };
    let mut discharges: Vec<_> = vouchers.iter().map(|voucher| discharge(&network, voucher)).collect();
    clearing_refused(&mut network, discharges.clone(), Error::BatchTooLarge);
    discharges.truncate(MAX_BATCH);
    network.clear(discharges).unwrap();
    assert_eq!(network.balance(ORIGINATOR).available, u128::from(most));
}

#[test]
fn in_a_batch_each_party_signs_only_what_it_is_a_party_to() {
    let mut network = Network::funded();
    network.deposit(STRANGER, AMOUNT).unwrap();
    let vouchers = [
        purchase(1, AMOUNT),
        Voucher {
            home: STRANGER,
            ..purchase(2, AMOUNT)
        },
    ];
    let batch = network.batch(&vouchers);
    let signatures = network.sign_batch(&batch, &[ORIGINATOR, HOME, NOTARY, STRANGER]);
    let only_first = network.batch(&vouchers[..1]);
    assert_eq!(batch.retention_id(Some(HOME)), only_first.retention_id(Some(HOME)));
    network.submit(batch, signatures).unwrap();
    assert_eq!(network.balance(STRANGER).reserved, AMOUNT);
}

#[test]
fn only_the_debtor_can_discharge_what_it_owes() {
    let mut network = Network::funded();
    let voucher = purchase(1, AMOUNT);
    network.retain(&[voucher.clone()]).unwrap();
    let genuine = network.clearing_voucher(&voucher, FIRST_DEPOSIT);

    let forged = network.sign_clearing(genuine.clone(), ORIGINATOR);
    clearing_refused(&mut network, vec![forged], Error::BadSignature(HOME));

    let mut by_creditor = genuine.clone();
    by_creditor.issuer = ORIGINATOR;
    let by_creditor = network.sign_clearing(by_creditor, ORIGINATOR);
    clearing_refused(&mut network, vec![by_creditor], Error::DischargeMismatch(voucher.id()));

    let mut less = genuine.clone();
    less.discharged[0].amount -= 1;
    let less = network.sign_clearing(less, HOME);
    clearing_refused(&mut network, vec![less], Error::DischargeMismatch(voucher.id()));

    let mut to_another = genuine.clone();
    to_another.discharged[0].creditor = STRANGER;
    let to_another = network.sign_clearing(to_another, HOME);
    clearing_refused(&mut network, vec![to_another], Error::DischargeMismatch(voucher.id()));

    let mut other_relation = genuine.clone();
    other_relation.relation = protocol::RelationId([1; 32]);
    let other_relation = network.sign_clearing(other_relation, HOME);
    clearing_refused(&mut network, vec![other_relation], Error::WrongRelation(voucher.id()));

    let unknown = network.sign_clearing(network.clearing_voucher(&purchase(9, AMOUNT), FIRST_DEPOSIT), HOME);
    clearing_refused(
        &mut network,
        vec![unknown],
        Error::UnknownVoucher(purchase(9, AMOUNT).id()),
    );

    let mut stale = network.sign_clearing(genuine, HOME);
    stale.epoch -= 1;
    let current = network.epoch;
    clearing_refused(&mut network, vec![stale], Error::StaleEpoch { current });
}

#[test]
fn a_source_must_have_credited_the_issuer() {
    let mut network = Network::funded();
    network.deposit(STRANGER, AMOUNT).unwrap();
    let voucher = purchase(1, AMOUNT);
    network.retain(&[voucher.clone()]).unwrap();
    for source in [Source::Deposit(1), Source::Deposit(77), Source::Clearing(voucher.id())] {
        let signed = network.sign_clearing(network.clearing_voucher(&voucher, source), HOME);
        clearing_refused(&mut network, vec![signed], Error::BadSource(source));
    }
    for sources in [Vec::new(), vec![FIRST_DEPOSIT; MAX_SOURCES + 1]] {
        let mut clearing_voucher = network.clearing_voucher(&voucher, FIRST_DEPOSIT);
        clearing_voucher.sources = sources;
        let signed = network.sign_clearing(clearing_voucher, HOME);
        clearing_refused(&mut network, vec![signed], Error::SourceCount);
    }
}

#[test]
fn money_received_through_clearing_is_a_source_for_the_next_payment() {
    let mut network = Network::funded();
    let first = purchase(1, AMOUNT);
    network.retain(&[first.clone()]).unwrap();
    network
        .clear(vec![
            network.sign_clearing(network.clearing_voucher(&first, FIRST_DEPOSIT), HOME)
        ])
        .unwrap();
    let credit = network.balance(ORIGINATOR).last_credit.unwrap();
    assert_eq!(credit, Source::Clearing(first.id()));

    let back = Voucher {
        kind: TransactionKind::CashDeposit,
        ..purchase(2, AMOUNT)
    };
    network.retain(&[back.clone()]).unwrap();
    network
        .clear(vec![
            network.sign_clearing(network.clearing_voucher(&back, credit), ORIGINATOR)
        ])
        .unwrap();
    assert_eq!(free(&network.balance(HOME)), (DEPOSIT, 0));
}
