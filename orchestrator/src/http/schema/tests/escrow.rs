//! The same for offers, agreements and letters about them.
use protocol::{escrow as paper, ids, settlement, AccountId, AgreementId, OfferId, Signature as Bytes64};

use super::{agree, signed as member_signature};
use crate::{
    escrow::messages,
    http::schema::{escrow::*, Asset},
    store::escrow::Cancellation as Stored,
};

fn phases() -> paper::Phases {
    paper::Phases {
        accept: 1,
        reveal: 2,
        dispute: 3,
        ruling: 4,
    }
}

fn offer(side: paper::Side) -> paper::Offer {
    paper::Offer {
        nonce: [1; 16],
        maker: ids::Member(0),
        side,
        goods: "kWh".into(),
        quantity: u64::MAX,
        least: 1,
        asset: settlement::Asset::Psp22(AccountId([2; 32])),
        unit_price: u128::MAX,
        unit_bond: 1,
        unit_seller_bond: 0,
        unit_default_award: 2,
        delivery: "meter reading".into(),
        arbiter: ids::Member(2),
        phases: phases(),
        expires_at: 9,
    }
}

fn agreement() -> paper::Agreement {
    let party = |number| paper::Party {
        member: ids::Member(number),
        account: AccountId([3; 32]),
        key: [4; 32],
    };
    paper::Agreement {
        nonce: [1; 16],
        offer: OfferId([5; 32]),
        buyer: party(0),
        seller: party(1),
        arbiter: party(2),
        goods: "kWh".into(),
        quantity: 10,
        asset: settlement::Asset::Native,
        price: u128::MAX,
        bond: 1,
        seller_bond: 0,
        default_award: 2,
        delivery: "meter reading".into(),
        deadlines: phases().from(5).unwrap(),
    }
}

fn signed() -> messages::Signed {
    messages::Signed {
        epoch: 2,
        by: member_signature(),
    }
}

#[test]
fn what_is_offered_and_agreed_on_is_as_described() {
    agree::<_, Asset>(&settlement::Asset::Psp22(AccountId([2; 32])));
    agree::<_, Phases>(&phases());
    agree::<_, Offer>(&offer(paper::Side::Buy));
    agree::<_, Offer>(&offer(paper::Side::Sell));
    agree::<_, Agreement>(&agreement());
    agree::<_, Signed>(&signed());
    agree::<_, Cancellation>(&Stored {
        expires_at: 9,
        signature: Bytes64([6; 64]),
    });
}

#[test]
fn letters_and_replies_are_as_described() {
    use messages::Letter as Sent;
    let id = AgreementId([7; 32]);
    for letter in [
        Sent::Offer {
            offer: offer(paper::Side::Sell),
            signed: signed(),
        },
        Sent::Proposal {
            agreement: agreement(),
            instead_of: None,
            signed: signed(),
        },
        Sent::Proposal {
            agreement: agreement(),
            instead_of: Some(id),
            signed: signed(),
        },
        Sent::Acceptance {
            agreement: id,
            signed: signed(),
        },
        Sent::Decline {
            agreement: id,
            reason: "no".into(),
        },
        Sent::Cancellation {
            agreement: id,
            expires_at: 9,
            signature: Bytes64([6; 64]),
        },
        Sent::Evidence {
            agreement: agreement(),
            buyer: signed(),
            seller: signed(),
            document: "meter 7: 1234.5".into(),
        },
    ] {
        agree::<_, Letter>(&letter);
    }
    agree::<_, Reply>(&messages::Reply::Received);
    agree::<_, Reply>(&messages::Reply::Accepted { signed: signed() });
    agree::<_, Reply>(&messages::Reply::Declined { reason: "no".into() });
}
