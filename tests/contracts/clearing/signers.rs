//! Who must sign a retention.
use protocol::{
    clearing::Error,
    registry::{Change, Roles, Status},
    settlement::Voucher,
    signing::Domain,
    AccountId,
};
use quittance_tests::{
    contract_chain::GENESIS,
    institutions::{purchase, Network, HOME, NOTARY, ORIGINATOR, STRANGER},
};

use super::{refused, set_status, voucher_refused, AMOUNT, SIGNERS};

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
