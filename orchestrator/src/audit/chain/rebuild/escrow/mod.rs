//! What the escrow contract should keep (S2.1 to S2.5): every deal in every field, hashlocks, what waits to be paid out.
//!
//! Of an agreement only the digest is on the chain: buyer and seller have what they signed. What they sign for the chain
//! is a cancellation.
mod money;
#[cfg(test)]
mod tests;

use protocol::{
    escrow::{cancellation, Deal, DealState, Secret, Terms},
    signing::Domain,
    text::to_hex,
    AccountId, Amount, DealId, Hashlock, Key, KeyComposer, Signature, Timestamp,
};
use scale::{Decode, Encode};

pub use money::sums;

use super::checks::{value_of, Checks};
use crate::audit::chain::{
    findings::Findings,
    tables::{Kept, Tables, TablesError},
    Place, Told, MADE,
};

const DEALS: Key = KeyComposer::from_str("Escrow::deals");
const HASHLOCKS: Key = KeyComposer::from_str("Escrow::hashlocks");
const DUE: Key = KeyComposer::from_str("Escrow::due");

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
pub fn take(name: &str, told: &Told<'_>, place: &Place, tables: &mut Tables, findings: &mut Findings) -> Done {
    let mut case = Case {
        checks: Checks::new(name, told, findings),
        kept: tables.of(told.contract),
    };
    match told.event {
        MADE => case.made(place),
        "Locked" => case.on(Case::locked),
        "Accepted" => case.on(Case::accepted),
        "Revealed" => case.on(Case::revealed),
        "Settled" => case.on(Case::settled),
        "Refunded" => case.on(Case::refunded),
        "Cancelled" => case.on(|case, id| case.cancelled(id, place)),
        "Disputed" => case.on(Case::disputed),
        "Ruled" => case.on(Case::ruled),
        "Deferred" => case.on(Case::deferred),
        "Withdrawn" => case.on(Case::withdrawn),
        _ => {
            case.checks.unknown_event();
            Ok(())
        }
    }
}

/// One event, and what the contract should have kept before it.
struct Case<'a> {
    checks: Checks<'a>,
    kept: Kept<'a>,
}

impl Case<'_> {
    fn on<V: Decode>(&mut self, act: impl FnOnce(&mut Self, V) -> Done) -> Done {
        match self.checks.fields() {
            Some(fields) => act(self, fields),
            None => Ok(()),
        }
    }

    fn made(&mut self, place: &Place) -> Done {
        let Some((_, head)) = self.checks.arguments::<Head>("new", 0) else {
            return Ok(());
        };
        self.checks.ensure(head.genesis == place.genesis, "other-chain", || {
            format!("it was made for the chain {}", to_hex(&head.genesis))
        });
        self.kept.set_head(&head)
    }

    /// E1.
    fn locked(&mut self, (id, buyer, terms): (DealId, AccountId, Terms)) -> Done {
        // Terms whose sum overflows are told below.
        let stake = terms.buyer_stake().unwrap_or(Amount::MAX);
        let call = self.checks.exact_call("lock", &terms, value_of(terms.asset, stake));
        self.checks.sent_by(call, buyer, "the buyer");
        self.checks.digest(id == DealId::of(buyer, terms.agreement), || {
            format!("deal {id} isn't what {} makes of agreement {}", to_hex(&buyer.0), terms.agreement)
        });
        if let Err(fault) = terms.check(buyer) {
            self.checks
                .wrong("bad-terms", format!("deal {id} has terms that are refused: {fault:?}"));
        }
        let gap = self.kept.head::<Head>()?.map_or(0, |head| head.gap);
        if let Err(fault) = terms.deadlines.check(self.checks.now(), gap) {
            self.checks
                .wrong("bad-deadlines", format!("deal {id} has deadlines that are refused: {fault:?}"));
        }
        let known = self.kept.get::<Deal>(DEALS, &id)?;
        self.checks.ensure(known.is_none(), "deal-exists", || {
            format!("deal {id} was locked before")
        });
        let used = self.kept.get::<DealId>(HASHLOCKS, &terms.hashlock)?;
        self.checks.ensure(used.is_none(), "hashlock-used", || {
            format!("deal {id} is under hashlock {}, as an earlier one is", terms.hashlock)
        });

        self.kept.put(HASHLOCKS, &terms.hashlock, &id)?;
        self.paid_in(terms.asset, stake)?;
        let deal = Deal {
            buyer,
            terms,
            state: DealState::Locked,
            secret: None,
            buyer_evidence: None,
            seller_evidence: None,
            award: None,
        };
        self.kept.put(DEALS, &id, &deal)
    }

    /// E2.
    fn accepted(&mut self, id: DealId) -> Done {
        let Some(mut deal) = self.known(id)? else {
            return Ok(());
        };
        let (asset, bond) = (deal.terms.asset, deal.terms.seller_bond);
        let call = self.checks.exact_call("accept", &id, value_of(asset, bond));
        self.checks.sent_by(call, deal.terms.seller, "the seller");
        self.ensure_state(id, &deal, &[DealState::Locked]);
        self.checks
            .before(deal.terms.deadlines.accept_by, || format!("deal {id} was accepted"));

        deal.state = DealState::Accepted;
        self.kept.put(DEALS, &id, &deal)?;
        self.paid_in(asset, bond)
    }

    /// E3.
    fn revealed(&mut self, (id, secret): (DealId, Secret)) -> Done {
        let Some(mut deal) = self.known(id)? else {
            return Ok(());
        };
        self.checks.exact_call("reveal", &(id, secret), 0);
        self.ensure_state(id, &deal, &[DealState::Accepted]);
        self.checks
            .before(deal.terms.deadlines.reveal_by, || format!("the secret of deal {id} was revealed"));
        self.ensure_opens(id, deal.terms.hashlock, &secret);

        deal.state = DealState::Revealed;
        deal.secret = Some(secret);
        self.kept.put(DEALS, &id, &deal)?;
        self.pays_out(id, &deal, deal.terms.bond, 0)
    }

    /// E4: after a reveal at any time, without one strictly before the reveal's deadline.
    fn settled(&mut self, (id, secret): (DealId, Secret)) -> Done {
        let Some(mut deal) = self.known(id)? else {
            return Ok(());
        };
        self.checks.exact_call("claim", &(id, secret), 0);
        self.ensure_state(id, &deal, &[DealState::Accepted, DealState::Revealed]);
        self.ensure_opens(id, deal.terms.hashlock, &secret);
        let to_buyer = if deal.state == DealState::Revealed {
            0
        } else {
            self.checks
                .before(deal.terms.deadlines.reveal_by, || format!("deal {id} was claimed unrevealed"));
            deal.terms.bond
        };
        let to_seller = held(&deal).saturating_sub(to_buyer);

        deal.state = DealState::Settled;
        deal.secret = Some(secret);
        self.kept.put(DEALS, &id, &deal)?;
        self.pays_out(id, &deal, to_buyer, to_seller)
    }

    fn refunded(&mut self, id: DealId) -> Done {
        let Some(deal) = self.known(id)? else {
            return Ok(());
        };
        self.checks.exact_call("refund", &id, 0);
        self.ensure_state(id, &deal, &[DealState::Locked, DealState::Accepted]);
        let deadlines = deal.terms.deadlines;
        let not_before = if deal.state == DealState::Locked {
            deadlines.accept_by
        } else {
            deadlines.dispute_by
        };
        self.checks.not_before(not_before, || format!("deal {id} was refunded"));
        self.gives_back(id, deal, DealState::Refunded)
    }

    fn cancelled(&mut self, id: DealId, place: &Place) -> Done {
        let Some(deal) = self.known(id)? else {
            return Ok(());
        };
        let open = [DealState::Locked, DealState::Accepted, DealState::Disputed];
        self.ensure_state(id, &deal, &open);
        if let Some((_, arguments)) = self.checks.arguments("cancel", 0) {
            self.ensure_both_want_out(id, &deal, arguments, place)?;
        }
        self.gives_back(id, deal, DealState::Cancelled)
    }

    fn ensure_both_want_out(
        &mut self,
        id: DealId,
        deal: &Deal,
        (asked, expires_at, buyer, seller): (DealId, Timestamp, Signature, Signature),
        place: &Place,
    ) -> Done {
        self.checks.ensure(asked == id, "wrong-call", || {
            format!("deal {id} was cancelled, but the call names {asked}")
        });
        self.checks.before(expires_at, || format!("deal {id} was cancelled"));
        let head = self.kept.head::<Head>()?;
        let domain = Domain {
            genesis: head.map_or(place.genesis, |head| head.genesis),
            contract: self.checks.told.contract,
            // The keys are the deal's, not the registry's.
            epoch: 0,
        };
        let payload = cancellation(&domain, &id, expires_at);
        self.checks.signed(&deal.terms.buyer_key, &payload, &buyer, || {
            format!("the buyer didn't sign the cancellation of deal {id}")
        });
        self.checks.signed(&deal.terms.seller_key, &payload, &seller, || {
            format!("the seller didn't sign the cancellation of deal {id}")
        });
        Ok(())
    }

    fn disputed(&mut self, (id, by, evidence): (DealId, AccountId, [u8; 32])) -> Done {
        let Some(mut deal) = self.known(id)? else {
            return Ok(());
        };
        let call = self.checks.exact_call("dispute", &(id, evidence), 0);
        self.checks.sent_by(call, by, "the party");
        self.ensure_state(id, &deal, &[DealState::Accepted, DealState::Disputed]);
        let (deadlines, what) = (deal.terms.deadlines, || format!("evidence on deal {id} was filed"));
        if deal.state == DealState::Accepted {
            self.checks.not_before(deadlines.reveal_by, what);
            self.checks.before(deadlines.dispute_by, what);
        } else {
            self.checks.before(deadlines.ruling_by, what);
        }
        self.checks.ensure(by == deal.buyer || by == deal.terms.seller, "no-party", || {
            format!("{} filed evidence on deal {id} and is neither buyer nor seller", to_hex(&by.0))
        });
        let filed = if by == deal.buyer {
            &mut deal.buyer_evidence
        } else {
            &mut deal.seller_evidence
        };
        self.checks.ensure(filed.is_none(), "evidence-filed", || {
            format!("{} filed evidence on deal {id} twice", to_hex(&by.0))
        });

        *filed = Some(evidence);
        deal.state = DealState::Disputed;
        self.kept.put(DEALS, &id, &deal)
    }

    fn ruled(&mut self, (id, to_seller, to_buyer, by_default): (DealId, Amount, Amount, bool)) -> Done {
        let Some(mut deal) = self.known(id)? else {
            return Ok(());
        };
        self.ensure_state(id, &deal, &[DealState::Disputed]);
        let (ruling_by, what) = (deal.terms.deadlines.ruling_by, || format!("deal {id} was ruled on"));
        if by_default {
            self.checks.exact_call("rule_by_default", &id, 0);
            self.checks.not_before(ruling_by, what);
            let agreed = deal.terms.default_award;
            self.checks.ensure(to_seller == agreed, "wrong-award", || {
                format!("the arbiter of deal {id} was silent: {agreed} were agreed on for the seller, not {to_seller}")
            });
        } else {
            let call = self.checks.exact_call("rule", &(id, to_seller), 0);
            self.checks.sent_by(call, deal.terms.arbiter, "the arbiter");
            self.checks.before(ruling_by, what);
        }
        let pot = held(&deal);
        self.checks.ensure(to_seller.checked_add(to_buyer) == Some(pot), "wrong-award", || {
            format!("the pot of deal {id} is {pot}; it was split into {to_seller} and {to_buyer}")
        });

        deal.state = DealState::Ruled;
        deal.award = Some(to_seller);
        self.kept.put(DEALS, &id, &deal)?;
        self.pays_out(id, &deal, to_buyer, to_seller)
    }

    /// Ends a deal in which nothing was paid out: each gets what it paid in.
    fn gives_back(&mut self, id: DealId, mut deal: Deal, state: DealState) -> Done {
        let pot = held(&deal);
        let to_buyer = deal.terms.buyer_stake().unwrap_or_default().min(pot);
        let to_seller = pot.saturating_sub(to_buyer);
        deal.state = state;
        self.kept.put(DEALS, &id, &deal)?;
        self.pays_out(id, &deal, to_buyer, to_seller)
    }

    fn known(&mut self, id: DealId) -> Result<Option<Deal>, TablesError> {
        let deal = self.kept.get(DEALS, &id)?;
        let event = self.checks.told.event;
        self.checks.ensure(deal.is_some(), "unknown-deal", || {
            format!("{event} is about deal {id}, which was never locked")
        });
        Ok(deal)
    }

    fn ensure_state(&mut self, id: DealId, deal: &Deal, states: &[DealState]) {
        let event = self.checks.told.event;
        self.checks.ensure(states.contains(&deal.state), "wrong-state", || {
            format!("deal {id} was {:?} when it came to {event}", deal.state)
        });
    }

    fn ensure_opens(&mut self, id: DealId, hashlock: Hashlock, secret: &Secret) {
        self.checks.digest(secret.hashlock() == hashlock, || {
            format!("the sha256 of the secret of deal {id} isn't its hashlock {hashlock}")
        });
    }
}

/// What is in a deal. Terms that overflow are told when they are locked.
fn held(deal: &Deal) -> Amount {
    deal.held().unwrap_or_default()
}
