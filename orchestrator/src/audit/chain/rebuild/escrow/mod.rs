//! What the escrow contract should keep (S2.1 to S2.5): every deal in every field, hashlocks, what waits to be paid out.
//!
//! Of an agreement only the digest is on the chain: buyer and seller have what they signed. What they sign for the chain
//! is a cancellation.
mod money;
#[cfg(test)]
mod tests;

use protocol::{
    escrow::{cancellation, Deal, DealState, Secret, Terms},
    settlement::Asset,
    signing::Domain,
    text::to_hex,
    AccountId, Amount, DealId, Hashlock, Signature, Timestamp,
};
use scale::{Decode, Encode};

pub use money::sums;
use money::{paid_in, pays_out};

use super::{
    checks::value_of,
    scene::{Mapping, Scene},
};
use crate::audit::chain::{tables::TablesError, MADE};

const DEALS: Mapping<DealId, Deal> = Mapping::named("Escrow::deals");
const HASHLOCKS: Mapping<Hashlock, DealId> = Mapping::named("Escrow::hashlocks");
const DUE: Mapping<(AccountId, Asset), Amount> = Mapping::named("Escrow::due");

/// What the contract was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Head {
    /// The chain's genesis hash.
    genesis: [u8; 32],
    /// The shortest that a phase of a deal may be, in milliseconds.
    gap: Timestamp,
}

type Done = Result<(), TablesError>;

/// Takes one event of the contract called `name`, in the order of the chain.
///
/// # Errors
/// The work file is broken. What contradicts the rules is a finding.
pub fn take(scene: &mut Scene<'_>) -> Done {
    let event = scene.told.event;
    if event == MADE {
        return made(scene);
    }
    let Some(head) = scene.head::<Head>()? else {
        return Ok(());
    };
    match event {
        "Locked" => scene.on(|scene, fields| locked(scene, head, fields)),
        "Accepted" => scene.on(accepted),
        "Revealed" => scene.on(revealed),
        "Settled" => scene.on(settled),
        "Refunded" => scene.on(refunded),
        "Cancelled" => scene.on(|scene, id| cancelled(scene, head, id)),
        "Disputed" => scene.on(disputed),
        "Ruled" => scene.on(ruled),
        "Deferred" => scene.on(money::deferred),
        "Withdrawn" => scene.on(money::withdrawn),
        _ => {
            scene.unknown_event();
            Ok(())
        }
    }
}

fn made(scene: &mut Scene<'_>) -> Done {
    let Some(head) = scene.made_with::<Head>()? else {
        return Ok(());
    };
    scene.at_home(head.genesis, scene.place.registry);
    scene.kept().set_head(&head)
}

/// E1.
fn locked(scene: &mut Scene<'_>, head: Head, (id, buyer, terms): (DealId, AccountId, Terms)) -> Done {
    // Terms whose sum overflows are told below.
    let stake = terms.buyer_stake().unwrap_or(Amount::MAX);
    scene.exact_call("lock", &terms, value_of(terms.asset, stake));
    scene.sent_by(buyer, "the buyer");
    scene.digest(id == DealId::of(buyer, terms.agreement), || {
        format!(
            "deal {id} isn't what {} makes of agreement {}",
            to_hex(&buyer.0),
            terms.agreement
        )
    });
    if let Err(fault) = terms.check(buyer) {
        scene.find("bad-terms", format!("deal {id} has terms that are refused: {fault:?}"));
    }
    if let Err(fault) = terms.deadlines.check(scene.now(), head.gap) {
        scene.find(
            "bad-terms",
            format!("deal {id} has deadlines that are refused: {fault:?}"),
        );
    }
    let known = DEALS.get(scene, &id)?;
    scene.ensure(known.is_none(), "twice", || format!("deal {id} was locked before"));
    let used = HASHLOCKS.get(scene, &terms.hashlock)?;
    scene.ensure(used.is_none(), "twice", || {
        format!("deal {id} is under hashlock {}, as an earlier one is", terms.hashlock)
    });

    HASHLOCKS.put(scene, &terms.hashlock, &id)?;
    paid_in(scene, terms.asset, stake)?;
    let deal = Deal {
        buyer,
        terms,
        state: DealState::Locked,
        secret: None,
        buyer_evidence: None,
        seller_evidence: None,
        award: None,
    };
    DEALS.put(scene, &id, &deal)
}

/// E2.
fn accepted(scene: &mut Scene<'_>, id: DealId) -> Done {
    let Some(mut deal) = known(scene, id)? else {
        return Ok(());
    };
    let (asset, bond) = (deal.terms.asset, deal.terms.seller_bond);
    scene.exact_call("accept", &id, value_of(asset, bond));
    scene.sent_by(deal.terms.seller, "the seller");
    ensure_state(scene, id, &deal, &[DealState::Locked]);
    scene.before(deal.terms.deadlines.accept_by, format_args!("deal {id} was accepted"));

    deal.state = DealState::Accepted;
    DEALS.put(scene, &id, &deal)?;
    paid_in(scene, asset, bond)
}

/// E3.
fn revealed(scene: &mut Scene<'_>, (id, secret): (DealId, Secret)) -> Done {
    let Some(mut deal) = known(scene, id)? else {
        return Ok(());
    };
    scene.exact_call("reveal", &(id, secret), 0);
    ensure_state(scene, id, &deal, &[DealState::Accepted]);
    scene.before(
        deal.terms.deadlines.reveal_by,
        format_args!("the secret of deal {id} was revealed"),
    );
    ensure_opens(scene, id, deal.terms.hashlock, &secret);

    deal.state = DealState::Revealed;
    deal.secret = Some(secret);
    DEALS.put(scene, &id, &deal)?;
    pays_out(scene, id, &deal, deal.terms.bond, 0)
}

/// E4: after a reveal at any time, without one strictly before the reveal's deadline.
fn settled(scene: &mut Scene<'_>, (id, secret): (DealId, Secret)) -> Done {
    let Some(mut deal) = known(scene, id)? else {
        return Ok(());
    };
    scene.exact_call("claim", &(id, secret), 0);
    ensure_state(scene, id, &deal, &[DealState::Accepted, DealState::Revealed]);
    ensure_opens(scene, id, deal.terms.hashlock, &secret);
    let to_buyer = if deal.state == DealState::Revealed {
        0
    } else {
        scene.before(
            deal.terms.deadlines.reveal_by,
            format_args!("deal {id} was claimed unrevealed"),
        );
        deal.terms.bond
    };
    let to_seller = held(&deal).saturating_sub(to_buyer);

    deal.state = DealState::Settled;
    deal.secret = Some(secret);
    DEALS.put(scene, &id, &deal)?;
    pays_out(scene, id, &deal, to_buyer, to_seller)
}

fn refunded(scene: &mut Scene<'_>, id: DealId) -> Done {
    let Some(deal) = known(scene, id)? else {
        return Ok(());
    };
    scene.exact_call("refund", &id, 0);
    ensure_state(scene, id, &deal, &[DealState::Locked, DealState::Accepted]);
    let deadlines = deal.terms.deadlines;
    let not_before = if deal.state == DealState::Locked {
        deadlines.accept_by
    } else {
        deadlines.dispute_by
    };
    scene.not_before(not_before, format_args!("deal {id} was refunded"));
    gives_back(scene, id, deal, DealState::Refunded)
}

fn cancelled(scene: &mut Scene<'_>, head: Head, id: DealId) -> Done {
    let Some(deal) = known(scene, id)? else {
        return Ok(());
    };
    let open = [DealState::Locked, DealState::Accepted, DealState::Disputed];
    ensure_state(scene, id, &deal, &open);
    if let Some(arguments) = scene.arguments("cancel") {
        ensure_both_want_out(scene, head, (id, &deal), arguments);
    }
    gives_back(scene, id, deal, DealState::Cancelled)
}

fn ensure_both_want_out(
    scene: &mut Scene<'_>,
    head: Head,
    (id, deal): (DealId, &Deal),
    (asked, expires_at, buyer, seller): (DealId, Timestamp, Signature, Signature),
) {
    scene.ensure(asked == id, "other-arguments", || {
        format!("deal {id} was cancelled, but the call names {asked}")
    });
    scene.in_time(expires_at, format_args!("the cancellation of deal {id}"));
    let domain = Domain {
        genesis: head.genesis,
        contract: scene.told.contract,
        // The keys are the deal's, not the registry's.
        epoch: 0,
    };
    let payload = cancellation(&domain, &id, expires_at);
    scene.signed(&deal.terms.buyer_key, &payload, &buyer, || {
        format!("the buyer's, under the cancellation of deal {id}")
    });
    scene.signed(&deal.terms.seller_key, &payload, &seller, || {
        format!("the seller's, under the cancellation of deal {id}")
    });
}

fn disputed(scene: &mut Scene<'_>, (id, by, evidence): (DealId, AccountId, [u8; 32])) -> Done {
    let Some(mut deal) = known(scene, id)? else {
        return Ok(());
    };
    scene.exact_call("dispute", &(id, evidence), 0);
    scene.sent_by(by, "the party");
    ensure_state(scene, id, &deal, &[DealState::Accepted, DealState::Disputed]);
    let (deadlines, what) = (deal.terms.deadlines, format!("evidence on deal {id} was filed"));
    if deal.state == DealState::Accepted {
        scene.not_before(deadlines.reveal_by, &what);
        scene.before(deadlines.dispute_by, what);
    } else {
        scene.before(deadlines.ruling_by, what);
    }
    scene.ensure(by == deal.buyer || by == deal.terms.seller, "not-entitled", || {
        format!(
            "{} filed evidence on deal {id} and is neither buyer nor seller",
            to_hex(&by.0)
        )
    });
    let filed = if by == deal.buyer {
        &mut deal.buyer_evidence
    } else {
        &mut deal.seller_evidence
    };
    scene.ensure(filed.is_none(), "twice", || {
        format!("{} filed evidence on deal {id} twice", to_hex(&by.0))
    });

    *filed = Some(evidence);
    deal.state = DealState::Disputed;
    DEALS.put(scene, &id, &deal)
}

fn ruled(scene: &mut Scene<'_>, (id, to_seller, to_buyer, by_default): (DealId, Amount, Amount, bool)) -> Done {
    let Some(mut deal) = known(scene, id)? else {
        return Ok(());
    };
    ensure_state(scene, id, &deal, &[DealState::Disputed]);
    let (ruling_by, what) = (deal.terms.deadlines.ruling_by, format!("deal {id} was ruled on"));
    if by_default {
        scene.exact_call("rule_by_default", &id, 0);
        scene.not_before(ruling_by, what);
        let agreed = deal.terms.default_award;
        scene.ensure(to_seller == agreed, "wrong-value", || {
            format!("the arbiter of deal {id} was silent: {agreed} were agreed on for the seller, not {to_seller}")
        });
    } else {
        scene.exact_call("rule", &(id, to_seller), 0);
        scene.sent_by(deal.terms.arbiter, "the arbiter");
        scene.before(ruling_by, what);
    }
    let pot = held(&deal);
    scene.ensure(to_seller.checked_add(to_buyer) == Some(pot), "wrong-value", || {
        format!("the pot of deal {id} is {pot}; it was split into {to_seller} and {to_buyer}")
    });

    deal.state = DealState::Ruled;
    deal.award = Some(to_seller);
    DEALS.put(scene, &id, &deal)?;
    pays_out(scene, id, &deal, to_buyer, to_seller)
}

/// Ends a deal in which nothing was paid out: each gets what it paid in.
fn gives_back(scene: &mut Scene<'_>, id: DealId, mut deal: Deal, state: DealState) -> Done {
    let pot = held(&deal);
    let to_buyer = deal.terms.buyer_stake().unwrap_or_default().min(pot);
    let to_seller = pot.saturating_sub(to_buyer);
    deal.state = state;
    DEALS.put(scene, &id, &deal)?;
    pays_out(scene, id, &deal, to_buyer, to_seller)
}

fn known(scene: &mut Scene<'_>, id: DealId) -> Result<Option<Deal>, TablesError> {
    let deal = DEALS.get(scene, &id)?;
    let event = scene.told.event;
    scene.ensure(deal.is_some(), "unknown", || {
        format!("{event} is about deal {id}, which was never locked")
    });
    Ok(deal)
}

fn ensure_state(scene: &mut Scene<'_>, id: DealId, deal: &Deal, states: &[DealState]) {
    let event = scene.told.event;
    scene.ensure(states.contains(&deal.state), "wrong-state", || {
        format!("deal {id} was {:?} when it came to {event}", deal.state)
    });
}

fn ensure_opens(scene: &mut Scene<'_>, id: DealId, hashlock: Hashlock, secret: &Secret) {
    scene.digest(secret.hashlock() == hashlock, || {
        format!("the sha256 of the secret of deal {id} isn't its hashlock {hashlock}")
    });
}

/// What is in a deal. Terms that overflow are told when they are locked.
fn held(deal: &Deal) -> Amount {
    deal.held().unwrap_or_default()
}
