#![allow(clippy::unwrap_used)]
use protocol::{
    registry::{Roles, Status},
    signing::MemberSignature,
    Signature,
};
use sp_core::Pair as _;

use super::{epochs::epoch_at, *};
use crate::audit::chain::{
    rebuild::stage::{self, account, key, registration, Stage, GENESIS, REGISTRY},
    Told,
};

fn sums_of(stage: &mut Stage) -> BTreeMap<Asset, Amount> {
    sums(
        "registry",
        REGISTRY,
        stage.block,
        &mut stage.tables,
        &mut stage.findings,
    )
    .unwrap()
}

#[test]
fn a_registry_is_rebuilt_as_its_contract_lays_it_out() {
    let mut stage = Stage::new();
    let first = stage.register(Roles::PARTICIPANT);
    let second = stage.register(Roles::NOTARY);
    let change = Change::SetKeys {
        member: first,
        account: account(40),
        signing_key: key(Member(40)).public().0,
        certificate: [4; 32],
    };
    stage.change(Some(first), &change);
    stage.change(None, &Change::SetNotaryThreshold(2));
    assert!(sums_of(&mut stage).is_empty());
    assert_eq!(stage.codes(), Vec::<&str>::new());
    assert_eq!((stage.findings.signatures, stage.findings.unseen), (4, 0));

    let kept = stage.tables.of(REGISTRY);
    let head = kept.head::<Head>().unwrap().unwrap();
    assert_eq!(
        (head.genesis, head.epoch, head.notary_threshold, head.count),
        (GENESIS, 4, 2, 2)
    );
    let institution = kept.get::<Institution>(protocol::KeyComposer::from_str("Registry::institutions"), &first);
    assert_eq!(institution.unwrap().unwrap().account, account(40));
    let by_account = protocol::KeyComposer::from_str("Registry::by_account");
    assert_eq!(kept.get::<Member>(by_account, &account(40)).unwrap(), Some(first));
    assert_eq!(kept.get::<Member>(by_account, &account(0)).unwrap(), None);
    assert_eq!(kept.get::<Member>(by_account, &account(1)).unwrap(), Some(second));
}

#[test]
fn members_are_known_as_they_were_in_each_epoch() {
    let mut stage = Stage::new();
    let member = stage.register(Roles::PARTICIPANT);
    stage.later(1_000);
    let status = Status::Suspended;
    stage.change(Some(member), &Change::SetStatus { member, status });
    stage.change(None, &Change::SetNotaryThreshold(3));

    let place = stage.place;
    let mut in_epoch = |epoch| {
        let set = signers(&place, &mut stage.tables, epoch, &[member, Member(9)]).unwrap();
        set.map(|set| {
            let status = set.signers[0].as_ref().map(|signer| signer.status);
            (status, set.signers[1].is_some(), set.notary_threshold)
        })
    };
    assert_eq!(in_epoch(0), Some((None, false, 1)));
    assert_eq!(in_epoch(1), Some((Some(Status::Active), false, 1)));
    assert_eq!(in_epoch(2), Some((Some(Status::Suspended), false, 1)));
    assert_eq!(in_epoch(3), Some((Some(Status::Suspended), false, 3)));
    assert_eq!(in_epoch(4), None, "it hasn't begun");

    let mut at = |block, index| epoch_at(&place, &mut stage.tables, block, index).unwrap();
    assert_eq!(at(1, 2), 0, "before the first change");
    assert_eq!(at(1, 9), 1);
    assert_eq!(at(2, 1), 1, "the event that begins an epoch is of the one before");
    assert_eq!(at(2, 2), 2);
    assert_eq!(at(7, 0), 3);
}

#[test]
fn a_change_that_the_governors_did_not_sign_is_found() {
    let mut stage = Stage::new();
    let change = registration(Member(0), Roles::PARTICIPANT);
    let other = registration(Member(0), Roles::NOTARY);
    let call = stage.apply(&other);
    stage.changed(Some(Member(0)), &change, Some(&call));
    assert_eq!(stage.codes(), ["other-arguments", "bad-signature"]);
}

#[test]
fn a_change_that_nobody_signed_is_found() {
    let mut stage = Stage::new();
    let change = Change::SetNotaryThreshold(2);
    let none = Vec::<GovernorSignature>::new();
    let call = stage::call(REGISTRY, account(0), "apply", &(&change, stage.block.time, none));
    stage.changed(None, &change, Some(&call));
    assert_eq!(stage.codes(), ["expired", "below-threshold"]);
}

#[test]
fn what_the_registry_has_to_refuse_is_found() {
    let mut stage = Stage::new();
    let member = stage.register(Roles::PARTICIPANT);
    stage.change(Some(Member(1)), &registration(member, Roles(0)));
    assert_eq!(
        stage.codes(),
        ["bad-terms", "twice", "twice", "twice"],
        "its roles; its LEI, account and key"
    );
    sums_of(&mut stage);
    assert!(
        stage.codes().contains(&"contradiction"),
        "the first one's indices are gone"
    );

    let mut stage = Stage::new();
    let member = stage.register(Roles::PARTICIPANT);
    let revoked = Change::SetStatus {
        member,
        status: Status::Revoked,
    };
    stage.change(Some(member), &revoked);
    let status = Status::Active;
    stage.change(Some(member), &Change::SetStatus { member, status });
    stage.change(Some(Member(5)), &Change::SetStatus { member, status });
    stage.epoch += 1;
    stage.change(
        None,
        &Change::SetGovernors {
            keys: Vec::new(),
            threshold: 0,
        },
    );
    assert_eq!(
        stage.codes(),
        [
            "wrong-state",
            "wrong-value",
            "wrong-value",
            "bad-signature",
            "bad-terms"
        ],
        "the signature is good for the epoch that was skipped"
    );
}

#[test]
fn a_members_signature_is_good_by_its_key_of_the_epoch_and_by_no_other() {
    let mut stage = Stage::new();
    let contract = AccountId([2; 32]);
    let member = stage.register(Roles::PARTICIPANT);
    let old = stage.sign(contract, Purpose::Attestation, &[5; 32], &(), &[member]);
    let change = Change::SetKeys {
        member,
        account: account(40),
        signing_key: key(Member(40)).public().0,
        certificate: [4; 32],
    };
    stage.change(Some(member), &change);
    let told = Told {
        contract,
        block: stage.block,
        index: 9,
        transaction: 9,
        event: "Attested",
        fields: &[],
        call: None,
    };
    let mut check = |epoch, signed: &MemberSignature| {
        let before = stage.findings.count;
        let what = Signed {
            epoch,
            purpose: Purpose::Attestation,
            id: &[5; 32],
            expires_at: stage::LATE,
            body: &(),
        };
        what.ensure_by(&mut stage.scene(&told), signed).unwrap();
        stage.findings.count == before
    };
    let by_member = *old.first().unwrap();
    assert!(check(1, &by_member), "as it was signed");
    assert!(!check(2, &by_member), "in the epoch after, it has another key");
    let stranger = MemberSignature {
        member: Member(7),
        ..by_member
    };
    assert!(!check(1, &stranger), "nobody is this member");
    let forged = MemberSignature {
        signature: Signature([1; 64]),
        ..by_member
    };
    assert!(!check(1, &forged));
}
