//! What notaries sign of a decision is bound to the last byte, and so is who signs it.
use protocol::{
    clearing::Error,
    decisions::{Approval, Decision},
    disputes::Ruling,
    fees::{FeePayee, FeeRule, Service},
    registry::{Change, Roles},
    settlement::{Asset, Settlement, Voucher},
    signing::{self, MemberSignature, Purpose},
};
use quittance_tests::{
    contract_chain::START,
    institutions::{key, purchase, registration, sign, Network, EXPIRY, HOME, NOTARY, ORIGINATOR, STRANGER},
};
use scale::Decode;

use super::{
    signatures::{altered, other_purposes, rearranged, SECOND},
    AMOUNT,
};

/// A decision of each kind. `net` is a voucher to be taken out.
fn decisions(net: &Voucher) -> Vec<Decision> {
    let rule = FeeRule {
        service: Service::Purchase,
        asset: Asset::Native,
        payee: FeePayee::Originator,
        flat: 1,
        parts_per_million: 2,
        at_most: 3,
    };
    let all = vec![
        Decision::SetFees(vec![rule, rule]),
        Decision::SetCap {
            member: HOME,
            asset: Asset::Native,
            cap: 7,
        },
        Decision::CloseWindow(0),
        Decision::TakeOut {
            window: 0,
            vouchers: vec![net.id()],
        },
        Decision::Rule {
            voucher: net.id(),
            obligation: 0,
            ruling: Ruling::Partial(7),
        },
    ];
    // There is no other kind.
    assert!(Decision::decode(&mut &[u8::try_from(all.len()).unwrap(); 64][..]).is_err());
    all
}

fn send(network: &mut Network, decision: &Decision, net: &Voucher, approval: &Approval) -> Result<(), Error> {
    match decision {
        Decision::SetFees(rules) => network.tell("set_fees", (rules, approval)),
        Decision::SetCap { member, asset, cap } => network.tell("set_cap", (member, asset, cap, approval)),
        Decision::CloseWindow(window) => network.tell("close_window", (window, approval)),
        Decision::TakeOut { window, .. } => network.tell("take_out", (window, vec![net], approval)),
        Decision::Rule {
            voucher,
            obligation,
            ruling,
        } => network.tell("rule", (voucher, obligation, ruling, approval)),
    }
}

#[test]
fn no_byte_of_a_decision_or_its_approval_can_be_altered() {
    let net = Voucher {
        settlement: Settlement::Net,
        ..purchase(1, AMOUNT)
    };
    let mut network = Network::funded();
    for decision in decisions(&net) {
        let genuine = network.approval(&decision);
        let mut refused = |decision: &Decision, net: &Voucher, approval: &Approval, expected: Error| {
            assert_eq!(send(&mut network, decision, net, approval), Err(expected));
        };
        let forged = Error::BadSignature(NOTARY);
        let others = altered(&decision)
            .into_iter()
            .filter(|other| std::mem::discriminant(other) == std::mem::discriminant(&decision));
        for other in others {
            // The ids of what is taken out follow from the vouchers.
            if !matches!((&other, &decision), (Decision::TakeOut { window: a, .. }, Decision::TakeOut { window: b, .. }) if a == b)
            {
                refused(&other, &net, &genuine, forged.clone());
            }
        }
        if let Decision::TakeOut { .. } = decision {
            for other in altered(&net) {
                refused(&decision, &other, &genuine, forged.clone());
            }
        }
        let Approval { number, epoch, .. } = genuine;
        for other in altered(&genuine) {
            let expected = match &other {
                other if other.number != number => Error::StaleApproval { next: number },
                other if START >= other.expires_at => Error::ApprovalExpired,
                other if other.epoch != epoch => Error::StaleEpoch { current: epoch },
                other => match other.signatures.first().map(|signed| signed.member) {
                    Some(NOTARY) => forged.clone(),
                    Some(member @ (ORIGINATOR | HOME | STRANGER)) => Error::UnexpectedSigner(member),
                    Some(nobody) => Error::UnknownMember(nobody),
                    None => Error::NotaryThreshold { given: 0, needed: 1 },
                },
            };
            refused(&decision, &net, &other, expected);
        }
    }
}

#[test]
fn a_decision_signed_for_elsewhere_or_for_something_else_is_void() {
    let mut network = Network::funded();
    let decision = Decision::CloseWindow(0);
    let genuine = network.approval(&decision);
    let here = network.domain();
    let elsewhere = altered(&here).into_iter().map(|domain| (domain, Purpose::Decision));
    let otherwise = other_purposes(Purpose::Decision)
        .into_iter()
        .map(|purpose| (here, purpose));
    for (domain, purpose) in elsewhere.chain(otherwise) {
        let payload = signing::payload(&domain, purpose, &decision.digest(), EXPIRY, &genuine.number);
        let mut other = genuine.clone();
        other.signatures[0].signature = sign(&key(NOTARY), &payload);
        let net = purchase(1, AMOUNT);
        assert_eq!(
            send(&mut network, &decision, &net, &other),
            Err(Error::BadSignature(NOTARY))
        );
    }
    assert_eq!(send(&mut network, &decision, &purchase(1, AMOUNT), &genuine), Ok(()));
    let again = send(&mut network, &decision, &purchase(1, AMOUNT), &genuine);
    assert_eq!(
        again,
        Err(Error::StaleApproval { next: 1 }),
        "each approval is good for one decision"
    );
}

#[test]
fn no_fee_of_a_schedule_can_be_left_out_doubled_or_moved() {
    let mut network = Network::funded();
    let rule = |flat| FeeRule {
        service: Service::Purchase,
        asset: Asset::Native,
        payee: FeePayee::Originator,
        flat,
        parts_per_million: 0,
        at_most: flat,
    };
    let rules = [rule(1), rule(2)];
    let net = purchase(1, AMOUNT);
    let genuine = network.approval(&Decision::SetFees(rules.to_vec()));
    for others in rearranged(&rules) {
        let refused = send(&mut network, &Decision::SetFees(others), &net, &genuine);
        assert_eq!(refused, Err(Error::BadSignature(NOTARY)));
    }
    assert_eq!(
        send(&mut network, &Decision::SetFees(rules.to_vec()), &net, &genuine),
        Ok(())
    );
}

#[test]
fn no_notary_of_a_decision_can_be_left_out_doubled_moved_or_stood_in_for() {
    let mut network = Network::funded();
    network.govern(registration(SECOND, Roles::NOTARY)).unwrap();
    network.govern(Change::SetNotaryThreshold(2)).unwrap();
    let (decision, net) = (Decision::CloseWindow(0), purchase(1, AMOUNT));
    let domain = network.domain();
    let genuine = network.approval_in(&domain, &decision, 0, &[NOTARY, SECOND]);
    let [first, second] = genuine.signatures[..] else {
        unreachable!("two signed")
    };
    let [stranger] = network.approval_in(&domain, &decision, 0, &[STRANGER]).signatures[..] else {
        unreachable!("one signed")
    };
    let instead = |member, signed: MemberSignature| MemberSignature { member, ..signed };
    let too_few = Error::NotaryThreshold { given: 1, needed: 2 };
    for (signatures, expected) in [
        (vec![], Error::NotaryThreshold { given: 0, needed: 2 }),
        (vec![first], too_few.clone()),
        (vec![second], too_few),
        (vec![first, first, second], Error::SignersNotAscending),
        (vec![first, second, second], Error::SignersNotAscending),
        (vec![second, first], Error::SignersNotAscending),
        (vec![first, stranger, second], Error::UnexpectedSigner(STRANGER)),
        (vec![instead(NOTARY, second), second], Error::BadSignature(NOTARY)),
        (vec![first, instead(SECOND, first)], Error::BadSignature(SECOND)),
        (vec![first, instead(SECOND, stranger)], Error::BadSignature(SECOND)),
    ] {
        let approval = Approval {
            signatures,
            ..genuine.clone()
        };
        let before = network.chain.state_root();
        assert_eq!(send(&mut network, &decision, &net, &approval), Err(expected));
        assert_eq!(network.chain.state_root(), before, "a refusal must change nothing");
    }
    assert_eq!(send(&mut network, &decision, &net, &genuine), Ok(()));
}
