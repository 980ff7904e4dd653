//! What is signed is bound to the last byte: none can be altered, and no signature stands for another.
//!
//! Alterations are made of the encodings, so that a field that somebody adds is covered by itself.
use protocol::{
    clearing::Error,
    fees::{FeePayee, FeeRule, Service},
    registry::Roles,
    settlement::{
        Asset, ClearingVoucher, RetentionBatch, Settlement, SignedClearingVoucher, Source, TransactionKind, Voucher,
    },
    signing::{self, MemberSignature, Purpose},
    Member,
};
use quittance_tests::{
    contract_chain::START,
    institutions::{key, purchase, registration, sign, Network, EXPIRY, HOME, NOTARY, ORIGINATOR, STRANGER},
};
use scale::{Decode, DecodeAll, Encode};

use super::{clearing_refused, refused, AMOUNT, FIRST_DEPOSIT};

/// A second notary.
pub(super) const SECOND: Member = Member(4);
const ALL: [Member; 5] = [ORIGINATOR, HOME, NOTARY, STRANGER, SECOND];

/// For each byte of the encoding, a value that differs there and nowhere else. Bytes that say how long something is have
/// none.
pub(super) fn altered<T: Encode + Decode + PartialEq>(value: &T) -> Vec<T> {
    let encoded = value.encode();
    let at = |place: usize| {
        let mut flips = (0..8).map(|bit| 1u8 << bit);
        flips.find_map(|flip| {
            let mut bytes = encoded.clone();
            bytes[place] ^= flip;
            T::decode_all(&mut bytes.as_slice()).ok()
        })
    };
    let others: Vec<T> = (0..encoded.len()).filter_map(at).collect();
    assert!(others.iter().all(|other| other != value));
    let (covered, all) = (others.len(), encoded.len());
    assert!(covered + 2 + all / 20 >= all, "{covered} of {all} bytes can be altered");
    others
}

/// A list with each of its items left out, doubled, and moved.
pub(super) fn rearranged<T: Clone + PartialEq>(list: &[T]) -> Vec<Vec<T>> {
    let mut others = Vec::new();
    for place in 0..list.len() {
        let (mut without, mut doubled, mut moved) = (list.to_vec(), list.to_vec(), list.to_vec());
        without.remove(place);
        doubled.insert(place, list[place].clone());
        moved.rotate_left(place);
        others.extend([without, doubled, moved]);
    }
    others.retain(|other| other != list);
    others
}

/// Two purchases at the originator, of which one involves another institution, and a refund of a third, all before two
/// notaries.
struct Scene {
    network: Network,
    batch: RetentionBatch,
    signatures: Vec<MemberSignature>,
}

fn scene() -> Scene {
    let mut network = Network::funded();
    network.govern(registration(SECOND, Roles::NOTARY)).unwrap();
    network.deposit(ORIGINATOR, AMOUNT).unwrap();
    let original = purchase(1, AMOUNT);
    network.retain(&[original.clone()]).unwrap();
    network
        .govern(protocol::registry::Change::SetNotaryThreshold(2))
        .unwrap();
    let vouchers = [
        purchase(2, AMOUNT),
        Voucher {
            others: vec![STRANGER],
            ..purchase(3, AMOUNT)
        },
        Voucher {
            kind: TransactionKind::Refund(original.id()),
            ..purchase(4, 1)
        },
    ];
    let batch = RetentionBatch {
        refunded: vec![original],
        ..network.batch(&vouchers)
    };
    let signatures = network.sign_batch(&batch, &ALL);
    Scene {
        network,
        batch,
        signatures,
    }
}

fn is_party(batch: &RetentionBatch, member: Member) -> bool {
    batch.vouchers.iter().any(|voucher| voucher.involves(member))
}

/// Why a batch is refused that isn't quite what everybody signed.
fn why(network: &Network, signed: &RetentionBatch, sent: &RetentionBatch) -> Error {
    if sent.vouchers.is_empty() {
        return Error::EmptyBatch;
    }
    if START >= sent.expires_at {
        return Error::BatchExpired;
    }
    if let Some(voucher) = sent.vouchers.iter().find(|voucher| voucher.fees != 0) {
        return Error::UnknownFees(voucher.fees);
    }
    if sent.epoch != network.epoch {
        return Error::StaleEpoch { current: network.epoch };
    }
    let mut parties: Vec<Member> = sent.vouchers.iter().flat_map(Voucher::parties).collect();
    parties.sort_unstable();
    for party in parties {
        if !ALL.contains(&party) {
            return Error::MissingSignature(party);
        }
        if [NOTARY, SECOND].contains(&party) {
            return Error::MissingRole(party);
        }
    }
    for member in ALL {
        let (was, is) = (is_party(signed, member), is_party(sent, member));
        if was && !is {
            return Error::UnexpectedSigner(member);
        }
        let id = |batch, is_party: bool| network.retention_id(batch, is_party.then_some(member));
        if id(signed, was) != id(sent, is) || signed.expires_at != sent.expires_at {
            return Error::BadSignature(member);
        }
    }
    // All of it was signed, but for what the refund is compared with.
    assert_ne!(signed.refunded, sent.refunded);
    Error::RefundMismatch(sent.vouchers[2].id())
}

#[test]
fn no_byte_of_a_retention_can_be_altered() {
    let Scene {
        mut network,
        batch,
        signatures,
    } = scene();
    for other in altered(&batch) {
        let expected = why(&network, &batch, &other);
        assert_eq!(network.submit(other, signatures.clone()), Err(expected));
    }
    network.submit(batch, signatures).unwrap();
}

#[test]
fn no_voucher_of_a_retention_can_be_added_left_out_doubled_or_moved() {
    let Scene {
        mut network,
        batch,
        signatures,
    } = scene();
    let mut all = rearranged(&batch.vouchers);
    let mut vouchers = batch.vouchers.clone();
    vouchers.push(purchase(9, 1));
    all.push(vouchers);
    let longer = |change: fn(&mut Voucher)| {
        let mut vouchers = batch.vouchers.clone();
        change(&mut vouchers[0]);
        vouchers
    };
    all.push(longer(|voucher| voucher.others = vec![STRANGER]));
    all.push(longer(|voucher| {
        voucher.asset = Asset::Psp22(protocol::AccountId([1; 32]))
    }));
    all.push(longer(|voucher| {
        voucher.kind = TransactionKind::CreditTransfer(ORIGINATOR)
    }));
    all.push(longer(|voucher| voucher.settlement = Settlement::Net));
    assert_eq!(all.len(), 13);
    for vouchers in all {
        let other = RetentionBatch {
            vouchers,
            ..batch.clone()
        };
        let expected = why(&network, &batch, &other);
        refused(&mut network, other, signatures.clone(), expected);
    }
    let stray = RetentionBatch {
        refunded: vec![batch.refunded[0].clone(); 2],
        ..batch.clone()
    };
    let expected = Error::RefundMismatch(batch.refunded[0].id());
    refused(&mut network, stray, signatures.clone(), expected);
    network.submit(batch, signatures).unwrap();
}

#[test]
fn nobody_can_be_left_out_doubled_moved_or_stood_in_for() {
    let Scene {
        mut network,
        batch,
        signatures,
    } = scene();
    for (place, member) in ALL.into_iter().enumerate() {
        let is_notary = [NOTARY, SECOND].contains(&member);
        let missing = match is_notary {
            true => Error::NotaryThreshold { given: 1, needed: 2 },
            false => Error::MissingSignature(member),
        };
        let mut without = signatures.clone();
        without.remove(place);
        refused(&mut network, batch.clone(), without, missing);

        // Made anew: sr25519 signatures of the same thing differ.
        let mut doubled = signatures.clone();
        doubled.insert(place, network.sign_batch(&batch, &[member])[0]);
        refused(&mut network, batch.clone(), doubled, Error::SignersNotAscending);

        if place > 0 {
            let mut moved = signatures.clone();
            moved.swap(place - 1, place);
            refused(&mut network, batch.clone(), moved, Error::SignersNotAscending);
        }
        for other in ALL.into_iter().filter(|other| *other != member) {
            let mut stood_in = signatures.clone();
            stood_in[place].signature = signatures[ALL.iter().position(|one| *one == other).unwrap()].signature;
            refused(&mut network, batch.clone(), stood_in, Error::BadSignature(member));
        }
        for signature in altered(&signatures[place].signature) {
            let mut altered = signatures.clone();
            altered[place].signature = signature;
            refused(&mut network, batch.clone(), altered, Error::BadSignature(member));
        }
    }
    network.submit(batch, signatures).unwrap();
}

/// Every purpose but this one.
pub(super) fn other_purposes(purpose: Purpose) -> Vec<Purpose> {
    let all = (0..=u8::MAX).map_while(|number| Purpose::decode(&mut &[number][..]).ok());
    let others: Vec<_> = all.filter(|other| *other != purpose).collect();
    assert!(others.len() > 10);
    others
}

#[test]
fn a_retention_signed_for_elsewhere_or_for_something_else_is_void() {
    let Scene {
        mut network,
        batch,
        signatures,
    } = scene();
    let here = network.domain();
    let first = Error::BadSignature(ORIGINATOR);
    for domain in altered(&here) {
        let elsewhere = network.sign_batch_in(&domain, &batch, &ALL);
        refused(&mut network, batch.clone(), elsewhere, first.clone());
    }
    let id = network.retention_id(&batch, Some(ORIGINATOR));
    for purpose in other_purposes(Purpose::Retention) {
        let mut other = signatures.clone();
        other[0].signature = sign(
            &key(ORIGINATOR),
            &signing::payload(&here, purpose, &id, batch.expires_at, &()),
        );
        refused(&mut network, batch.clone(), other, first.clone());
    }
    network.submit(batch, signatures).unwrap();
}

#[test]
fn no_byte_of_a_clearing_voucher_can_be_altered() {
    let mut network = Network::funded();
    let voucher = purchase(1, AMOUNT);
    network.retain(&[voucher.clone()]).unwrap();
    let genuine = network.sign_clearing(&voucher, network.clearing_voucher(&voucher, FIRST_DEPOSIT), HOME);
    let issued_by = |issuer| match issuer {
        NOTARY => Error::MissingRole(NOTARY),
        ORIGINATOR | HOME | STRANGER => Error::BadSignature(issuer),
        nobody => Error::UnknownMember(nobody),
    };
    for clearing_voucher in altered(&genuine.clearing_voucher) {
        let expected = issued_by(clearing_voucher.issuer);
        let other = SignedClearingVoucher {
            clearing_voucher,
            ..genuine.clone()
        };
        assert_eq!(network.clear(vec![other]), Err(expected));
    }
    for voucher in altered(&voucher) {
        let other = SignedClearingVoucher {
            voucher,
            ..genuine.clone()
        };
        clearing_refused(
            &mut network,
            vec![other],
            Error::UnknownVoucher(purchase(1, AMOUNT).id()),
        );
    }
    for signature in altered(&genuine.signature) {
        let other = SignedClearingVoucher {
            signature,
            ..genuine.clone()
        };
        clearing_refused(&mut network, vec![other], Error::BadSignature(HOME));
    }
    let current = network.epoch;
    for epoch in altered(&genuine.epoch) {
        let other = SignedClearingVoucher {
            epoch,
            ..genuine.clone()
        };
        clearing_refused(&mut network, vec![other], Error::StaleEpoch { current });
    }
    network.clear(vec![genuine]).unwrap();
}

#[test]
fn a_clearing_voucher_signed_for_elsewhere_or_for_something_else_is_void() {
    let mut network = Network::funded();
    let voucher = purchase(1, AMOUNT);
    network.retain(&[voucher.clone()]).unwrap();
    let genuine = network.sign_clearing(&voucher, network.clearing_voucher(&voucher, FIRST_DEPOSIT), HOME);
    let here = network.domain();
    let elsewhere = altered(&here)
        .into_iter()
        .map(|domain| (domain, Purpose::ClearingVoucher));
    let otherwise = other_purposes(Purpose::ClearingVoucher)
        .into_iter()
        .map(|purpose| (here, purpose));
    for (domain, purpose) in elsewhere.chain(otherwise) {
        let id = genuine.clearing_voucher.id().0;
        let payload = signing::payload(&domain, purpose, &id, EXPIRY, &());
        let other = SignedClearingVoucher {
            signature: sign(&key(HOME), &payload),
            ..genuine.clone()
        };
        clearing_refused(&mut network, vec![other], Error::BadSignature(HOME));
    }
    network.clear(vec![genuine]).unwrap();
}

#[test]
fn no_item_of_a_clearing_voucher_can_be_added_left_out_doubled_or_moved() {
    let mut network = Network::funded();
    let second = Source::Deposit(network.deposit(HOME, 1).unwrap());
    let third = Source::Deposit(network.deposit(HOME, 1).unwrap());
    let fee = FeeRule {
        service: Service::Purchase,
        asset: Asset::Native,
        payee: FeePayee::Originator,
        flat: 1,
        parts_per_million: 0,
        at_most: 1,
    };
    let fees = network.set_fees(&[fee]).unwrap();
    let voucher = Voucher {
        fees,
        ..purchase(1, AMOUNT)
    };
    network.retain(&[voucher.clone()]).unwrap();
    let mut signed = network.clearing_voucher(&voucher, FIRST_DEPOSIT);
    signed.sources.push(second);
    assert_eq!(signed.discharged.len(), 2, "principal and fee");
    let genuine = network.sign_clearing(&voucher, signed.clone(), HOME);

    let discharged = rearranged(&signed.discharged);
    let mut sources = rearranged(&signed.sources);
    sources.push(vec![FIRST_DEPOSIT, second, third]);
    let less_or_more = discharged.into_iter().map(|discharged| ClearingVoucher {
        discharged,
        ..signed.clone()
    });
    let from_elsewhere = sources.into_iter().map(|sources| ClearingVoucher {
        sources,
        ..signed.clone()
    });
    let others: Vec<_> = less_or_more.chain(from_elsewhere).collect();
    assert_eq!(others.len(), 11);
    for clearing_voucher in others {
        let other = SignedClearingVoucher {
            clearing_voucher,
            ..genuine.clone()
        };
        clearing_refused(&mut network, vec![other], Error::BadSignature(HOME));
    }
    network.clear(vec![genuine]).unwrap();
}
