//! Who may change the registry, and what it keeps.
use protocol::{
    registry::{Change, Error, Institution, Roles, SignerSet, Status},
    AccountId, InstitutionId, Lei, Member,
};
use quittance_tests::{
    contract_chain::{Chain, GENESIS, START},
    institutions::{
        account, governor, key, lei, registration, Network, EXPIRY, HOME, NOBODY, NOTARY, ORIGINATOR, STRANGER,
    },
};
use sp_core::Pair;

/// Applies a change and demands that it is refused and leaves the chain's state as it was.
#[track_caller]
fn refused(network: &mut Network, change: Change, expected: Error) {
    let signatures = network.governors_sign(&change, EXPIRY);
    refused_with(network, change, EXPIRY, signatures, expected);
}

#[track_caller]
fn refused_with(
    network: &mut Network,
    change: Change,
    expires_at: u64,
    signatures: Vec<protocol::registry::GovernorSignature>,
    expected: Error,
) {
    let before = network.chain.state_root();
    assert_eq!(network.apply(change, expires_at, signatures), Err(expected));
    assert_eq!(network.chain.state_root(), before, "a refusal must change nothing");
}

fn institution(network: &mut Network, member: Member) -> Option<Institution> {
    network
        .chain
        .call(account(STRANGER), network.registry, "institution", member, 0)
        .output
}

fn set_status(member: Member, status: Status) -> Change {
    Change::SetStatus { member, status }
}

#[test]
fn registering_gives_out_indices_in_order_and_keeps_what_was_signed() {
    let mut network = Network::empty();
    network.govern(registration(ORIGINATOR, Roles::PARTICIPANT)).unwrap();
    network
        .govern(registration(HOME, Roles::PARTICIPANT.with(Roles::CARD_ISSUER)))
        .unwrap();

    let home = institution(&mut network, HOME).unwrap();
    assert_eq!(home.member, HOME);
    assert_eq!(home.id, InstitutionId::of(&lei(HOME)));
    assert_eq!(home.signing_key, key(HOME).public().0);
    assert!(home.roles.contains(Roles::CARD_ISSUER));
    assert_eq!(home.status, Status::Active);

    let caller = account(STRANGER);
    let page: Vec<Institution> = network
        .chain
        .call(caller, network.registry, "institutions", ORIGINATOR, 0)
        .output;
    assert_eq!(
        page.iter().map(|found| found.member).collect::<Vec<_>>(),
        [ORIGINATOR, HOME]
    );
    let by_account: Option<Member> = network
        .chain
        .call(caller, network.registry, "member_of", account(HOME), 0)
        .output;
    assert_eq!(by_account, Some(HOME));
    let by_id: Option<Member> = network
        .chain
        .call(caller, network.registry, "member_by_id", home.id, 0)
        .output;
    assert_eq!(by_id, Some(HOME));
}

#[test]
fn every_change_raises_the_epoch_and_emits_one_event() {
    let mut network = Network::empty();
    for change in [
        registration(ORIGINATOR, Roles::PARTICIPANT),
        Change::SetRoles {
            member: ORIGINATOR,
            roles: Roles::NOTARY,
        },
        set_status(ORIGINATOR, Status::Suspended),
        Change::SetNotaryThreshold(2),
        Change::SetGovernors {
            keys: vec![governor(0).public().0, governor(1).public().0],
            threshold: 1,
        },
    ] {
        let signatures = network.governors_sign(&change, EXPIRY);
        let called = network.chain.call::<Result<(), Error>>(
            account(STRANGER),
            network.registry,
            "apply",
            (change, EXPIRY, signatures),
            0,
        );
        called.output.unwrap();
        assert_eq!(called.events.len(), 1);
        network.epoch += 1;
        let epoch: u32 = network
            .chain
            .call(account(STRANGER), network.registry, "epoch", (), 0)
            .output;
        assert_eq!(epoch, network.epoch);
    }
}

#[test]
fn one_governor_alone_changes_nothing() {
    let mut network = Network::empty();
    let change = registration(ORIGINATOR, Roles::PARTICIPANT);
    let mut signatures = network.governors_sign(&change, EXPIRY);
    signatures.truncate(1);
    refused_with(
        &mut network,
        change,
        EXPIRY,
        signatures,
        Error::BelowThreshold { given: 1, needed: 2 },
    );
}

#[test]
fn one_governor_twice_is_not_two_governors() {
    let mut network = Network::empty();
    let change = registration(ORIGINATOR, Roles::PARTICIPANT);
    let once = network.governors_sign(&change, EXPIRY)[0];
    let again = network.governors_sign(&change, EXPIRY)[0];
    refused_with(
        &mut network,
        change,
        EXPIRY,
        vec![once, again],
        Error::SignersNotAscending,
    );
}

#[test]
fn a_place_without_a_governor_cannot_sign() {
    let mut network = Network::empty();
    let change = registration(ORIGINATOR, Roles::PARTICIPANT);
    let mut signatures = network.governors_sign(&change, EXPIRY);
    signatures[1].governor = 5;
    refused_with(&mut network, change, EXPIRY, signatures, Error::UnknownGovernor(5));
}

#[test]
fn a_signature_under_one_change_is_void_for_another() {
    let mut network = Network::empty();
    let signatures = network.governors_sign(&registration(ORIGINATOR, Roles::PARTICIPANT), EXPIRY);
    let other = registration(ORIGINATOR, Roles::NOTARY);
    refused_with(&mut network, other, EXPIRY, signatures, Error::BadSignature(0));
}

#[test]
fn a_change_cannot_be_replayed_because_the_epoch_has_moved_on() {
    let mut network = Network::funded();
    let suspend = set_status(HOME, Status::Suspended);
    let signatures = network.governors_sign(&suspend, EXPIRY);
    network.apply(suspend.clone(), EXPIRY, signatures.clone()).unwrap();
    refused_with(&mut network, suspend, EXPIRY, signatures, Error::BadSignature(0));
}

#[test]
fn a_change_expires_at_its_deadline_not_before() {
    let mut network = Network::empty();
    let change = registration(ORIGINATOR, Roles::PARTICIPANT);
    let signatures = network.governors_sign(&change, START + 10);
    network.chain.set_time(START + 10);
    refused_with(&mut network, change.clone(), START + 10, signatures, Error::Expired);

    let signatures = network.governors_sign(&change, START + 11);
    network.apply(change, START + 11, signatures).unwrap();
}

#[test]
fn lei_account_and_signing_key_belong_to_one_institution_only() {
    let mut network = Network::funded();
    refused(
        &mut network,
        registration(HOME, Roles::PARTICIPANT),
        Error::LeiTaken(HOME),
    );

    let taken = |account, signing_key| Change::SetKeys {
        member: HOME,
        account,
        signing_key,
        certificate: [1; 32],
    };
    refused(
        &mut network,
        taken(account(ORIGINATOR), key(HOME).public().0),
        Error::AccountTaken(ORIGINATOR),
    );
    refused(
        &mut network,
        taken(account(HOME), key(ORIGINATOR).public().0),
        Error::SigningKeyTaken(ORIGINATOR),
    );
}

#[test]
fn keys_can_be_rotated_and_the_old_ones_are_free_again() {
    let mut network = Network::funded();
    let rotated = Change::SetKeys {
        member: HOME,
        account: AccountId([50; 32]),
        signing_key: [51; 32],
        certificate: [52; 32],
    };
    network.govern(rotated).unwrap();
    let home = institution(&mut network, HOME).unwrap();
    assert_eq!(
        (home.account, home.signing_key, home.certificate),
        (AccountId([50; 32]), [51; 32], [52; 32])
    );

    let back = Change::SetKeys {
        member: STRANGER,
        account: account(HOME),
        signing_key: key(HOME).public().0,
        certificate: [3; 32],
    };
    network.govern(back).unwrap();
}

#[test]
fn bad_values_are_refused_by_name() {
    let mut network = Network::funded();
    let mut bad_lei = registration(STRANGER, Roles::PARTICIPANT);
    if let Change::Register { lei, .. } = &mut bad_lei {
        *lei = Lei(*b"529900T8BM49AURSDO56");
    }
    refused(&mut network, bad_lei, Error::BadLei);
    refused(
        &mut network,
        Change::SetRoles {
            member: HOME,
            roles: Roles(0),
        },
        Error::BadRoles,
    );
    refused(
        &mut network,
        Change::SetRoles {
            member: HOME,
            roles: Roles(1 << 7),
        },
        Error::BadRoles,
    );
    refused(&mut network, Change::SetNotaryThreshold(0), Error::BadThreshold);
    refused(
        &mut network,
        set_status(NOBODY, Status::Suspended),
        Error::UnknownMember(NOBODY),
    );
    let governors = |keys, threshold| Change::SetGovernors { keys, threshold };
    refused(&mut network, governors(Vec::new(), 1), Error::BadGovernors);
    refused(&mut network, governors(vec![[1; 32], [1; 32]], 1), Error::BadGovernors);
    refused(&mut network, governors(vec![[1; 32]], 2), Error::BadGovernors);
    refused(&mut network, governors(vec![[1; 32]], 0), Error::BadGovernors);
    refused(
        &mut network,
        governors((0..17).map(|place| [place; 32]).collect(), 1),
        Error::BadGovernors,
    );
}

#[test]
fn a_revoked_institution_stays_revoked() {
    let mut network = Network::funded();
    network.govern(set_status(HOME, Status::Revoked)).unwrap();
    refused(&mut network, set_status(HOME, Status::Active), Error::Revoked(HOME));
}

#[test]
fn the_batch_query_answers_in_the_order_asked_and_has_a_bound() {
    let mut network = Network::funded();
    let caller = account(STRANGER);
    let asked = vec![NOTARY, NOBODY, HOME];
    let set: Result<SignerSet, Error> = network.chain.call(caller, network.registry, "members", asked, 0).output;
    let set = set.unwrap();
    assert_eq!(set.epoch, network.epoch);
    assert_eq!(set.notary_threshold, 1);
    let accounts: Vec<_> = set
        .signers
        .iter()
        .map(|found| found.as_ref().map(|signer| signer.account))
        .collect();
    assert_eq!(accounts, [Some(account(NOTARY)), None, Some(account(HOME))]);

    let most: Result<SignerSet, Error> = network
        .chain
        .call(caller, network.registry, "members", vec![HOME; 64], 0)
        .output;
    assert_eq!(most.unwrap().signers.len(), 64);
    let more: Result<SignerSet, Error> = network
        .chain
        .call(caller, network.registry, "members", vec![HOME; 65], 0)
        .output;
    assert_eq!(more, Err(Error::QueryTooLong));
}

#[test]
fn a_registry_that_nobody_could_govern_cannot_be_made() {
    let mut chain = Chain::new(&[]);
    let nobody = chain.instantiate::<Error>("registry", (GENESIS, Vec::<[u8; 32]>::new(), 1u16, 1u16));
    assert_eq!(nobody, Err(Error::BadGovernors));
    let no_notary = chain.instantiate::<Error>("registry", (GENESIS, vec![[1u8; 32]], 1u16, 0u16));
    assert_eq!(no_notary, Err(Error::BadThreshold));
}
