//! What the escrow contract must do, said once more and differently: by call, state and time, who gets what.
use std::collections::BTreeSet;

use protocol::{
    escrow::{Deal, DealState, Terms},
    settlement::Asset,
    Hashlock, Member,
};
use quittance_runtime::EXISTENTIAL_DEPOSIT;

use super::{
    calls::{Call, Sent},
    scene::member,
    steps::{Temper, GAP},
    view::{Purse, View},
};
use crate::{
    institutions::account,
    market::{Market, POOR},
};

/// What the outcome of a call depends on, beside its own deal and everybody's money.
pub struct Surroundings {
    /// Under which there was a deal.
    pub hashlocks: BTreeSet<Hashlock>,
    /// Of the hostile token.
    pub temper: Temper,
    /// As in [`Market::assets`].
    pub assets: [Asset; 3],
}

/// What a call must lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Refused,
    /// The deal becomes this, and money changes hands.
    Done {
        deal: Box<Deal>,
        transfers: Vec<Transfer>,
    },
    /// What was due was paid.
    Withdrawn(Member, Asset),
}

/// Between a member and the escrow contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    In(Member, u128),
    Out(Member, u128),
}

impl Surroundings {
    pub fn of(market: &Market) -> Self {
        Self {
            hashlocks: BTreeSet::new(),
            temper: Temper::BeHonest,
            assets: market.assets(),
        }
    }

    pub fn place(&self, asset: Asset) -> usize {
        self.assets.iter().position(|known| *known == asset).unwrap()
    }

    pub fn outcome(&self, sent: &Sent, before: &View) -> Outcome {
        let done = match (&sent.call, &before.deal) {
            (Call::Lock(terms), None) => self.locked(sent, terms, before),
            (Call::Withdraw(whose, asset), _) => return self.withdrawn(sent, *whose, *asset, before),
            (Call::Lock(_), Some(_)) | (_, None) => None,
            (_, Some(deal)) => self.moved(sent, deal, before),
        };
        match done {
            Some((deal, transfers)) => Outcome::Done {
                deal: Box::new(deal),
                transfers,
            },
            None => Outcome::Refused,
        }
    }

    /// Whether the escrow contract can pay a member now.
    pub fn can_pay(&self, member: Member, asset: Asset, amount: u128, before: &View) -> bool {
        match asset {
            Asset::Native => self.purse(asset, before).balance(member) + amount >= EXISTENTIAL_DEPOSIT,
            Asset::Psp22(_) => !self.is_hostile(asset) || !matches!(self.temper, Temper::RefuseOut | Temper::TrapOut),
        }
    }

    fn locked(&self, sent: &Sent, terms: &Terms, before: &View) -> Option<(Deal, Vec<Transfer>)> {
        let buyer = account(sent.by);
        let stake = terms.price.checked_add(terms.bond)?;
        let pot = stake.checked_add(terms.seller_bond)?;
        let parties = [buyer, terms.seller, terms.arbiter];
        let are_three = BTreeSet::from(parties).len() == parties.len();
        let is_fair = terms.price > 0
            && (1..=terms.price).contains(&terms.bond)
            && terms.seller_bond <= terms.price
            && terms.default_award <= pot;
        let deadlines = &terms.deadlines;
        let moments = [
            sent.now,
            deadlines.accept_by,
            deadlines.reveal_by,
            deadlines.dispute_by,
            deadlines.ruling_by,
        ];
        let leaves_time = moments.windows(2).all(|pair| pair[1] >= pair[0] + GAP);
        let is_new = !self.hashlocks.contains(&terms.hashlock);
        if !(are_three && is_fair && leaves_time && is_new && self.pays(sent, terms.asset, stake, before)) {
            return None;
        }
        let deal = Deal {
            buyer,
            terms: terms.clone(),
            state: DealState::Locked,
            secret: None,
            buyer_evidence: None,
            seller_evidence: None,
            award: None,
        };
        Some((deal, vec![Transfer::In(sent.by, stake)]))
    }

    fn moved(&self, sent: &Sent, deal: &Deal, before: &View) -> Option<(Deal, Vec<Transfer>)> {
        use DealState::{Accepted, Cancelled, Disputed, Locked, Refunded, Revealed, Ruled, Settled};
        let (terms, now, by) = (&deal.terms, sent.now, account(sent.by));
        let deadlines = &terms.deadlines;
        let (buyer, seller) = (member(deal.buyer), member(terms.seller));
        let stake = terms.price + terms.bond;
        let pot = stake + terms.seller_bond;
        if sent.value != 0 && !matches!(sent.call, Call::Accept(_)) {
            return None;
        }

        let mut after = deal.clone();
        let transfers = match (&sent.call, deal.state) {
            (Call::Accept(_), Locked)
                if by == terms.seller
                    && now < deadlines.accept_by
                    && self.pays(sent, terms.asset, terms.seller_bond, before) =>
            {
                after.state = Accepted;
                vec![Transfer::In(seller, terms.seller_bond)]
            }
            (Call::Reveal(_, secret), Accepted) if now < deadlines.reveal_by && secret.hashlock() == terms.hashlock => {
                after.state = Revealed;
                after.secret = Some(*secret);
                vec![Transfer::Out(buyer, terms.bond)]
            }
            (Call::Claim(_, secret), Accepted) if now < deadlines.reveal_by && secret.hashlock() == terms.hashlock => {
                after.state = Settled;
                after.secret = Some(*secret);
                vec![
                    Transfer::Out(buyer, terms.bond),
                    Transfer::Out(seller, terms.price + terms.seller_bond),
                ]
            }
            (Call::Claim(_, secret), Revealed) if secret.hashlock() == terms.hashlock => {
                after.state = Settled;
                vec![Transfer::Out(seller, terms.price + terms.seller_bond)]
            }
            (Call::Refund(_), Locked) if now >= deadlines.accept_by => {
                after.state = Refunded;
                vec![Transfer::Out(buyer, stake)]
            }
            (Call::Refund(_), Accepted) if now >= deadlines.dispute_by => {
                after.state = Refunded;
                vec![Transfer::Out(buyer, stake), Transfer::Out(seller, terms.seller_bond)]
            }
            (
                Call::Cancel {
                    expires_at,
                    both_agree: true,
                    ..
                },
                Locked | Accepted | Disputed,
            ) if now < *expires_at => {
                after.state = Cancelled;
                let bond = if deal.state == Locked { 0 } else { terms.seller_bond };
                vec![Transfer::Out(buyer, stake), Transfer::Out(seller, bond)]
            }
            (Call::Dispute(_, evidence), Accepted | Disputed) => {
                let is_open = match deal.state {
                    Accepted => (deadlines.reveal_by..deadlines.dispute_by).contains(&now),
                    _ => now < deadlines.ruling_by,
                };
                let filed = match by {
                    by if by == deal.buyer => &mut after.buyer_evidence,
                    by if by == terms.seller => &mut after.seller_evidence,
                    _ => return None,
                };
                if !is_open || filed.is_some() {
                    return None;
                }
                *filed = Some(*evidence);
                after.state = Disputed;
                Vec::new()
            }
            (Call::Rule(_, award), Disputed) if by == terms.arbiter && now < deadlines.ruling_by && *award <= pot => {
                after.state = Ruled;
                after.award = Some(*award);
                vec![Transfer::Out(buyer, pot - award), Transfer::Out(seller, *award)]
            }
            (Call::RuleByDefault(_), Disputed) if now >= deadlines.ruling_by => {
                let award = terms.default_award;
                after.state = Ruled;
                after.award = Some(award);
                vec![Transfer::Out(buyer, pot - award), Transfer::Out(seller, award)]
            }
            _ => return None,
        };
        Some((after, transfers))
    }

    fn withdrawn(&self, sent: &Sent, whose: Member, asset: Asset, before: &View) -> Outcome {
        let due = self.purse(asset, before).due[usize::from(whose.0)];
        if sent.value == 0 && due > 0 && self.can_pay(whose, asset, due, before) {
            Outcome::Withdrawn(whose, asset)
        } else {
            Outcome::Refused
        }
    }

    /// Whether the caller pays in exactly what is due.
    fn pays(&self, sent: &Sent, asset: Asset, due: u128, before: &View) -> bool {
        let balance = self.purse(asset, before).balance(sent.by);
        match asset {
            // An account must keep enough to exist.
            Asset::Native => sent.value == due && (due == 0 || balance >= due + EXISTENTIAL_DEPOSIT),
            Asset::Psp22(_) => {
                let keeps_what_it_takes = matches!(self.temper, Temper::BeHonest | Temper::RefuseOut | Temper::TrapOut);
                let moves = !self.is_hostile(asset) || keeps_what_it_takes;
                // The poor member can't pay for the storage of an approval.
                sent.value == 0 && (due == 0 || (moves && sent.by != POOR && balance >= due))
            }
        }
    }

    fn purse<'a>(&self, asset: Asset, before: &'a View) -> &'a Purse {
        &before.purses[self.place(asset)]
    }

    fn is_hostile(&self, asset: Asset) -> bool {
        self.place(asset) == 2
    }
}
