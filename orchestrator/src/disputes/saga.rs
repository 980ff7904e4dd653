//! What a dispute calls for, from what is known of it: one pure function.
//!
//! Nothing else is remembered between two looks, so a crash at any point is the same as a look that didn't happen: what a
//! client wants is stored, what was submitted is found again by its key, and what the finalized chain shows decides.
//! ARCHITECTURE.md argues it step by step.
use protocol::{disputes::Dispute, Amount, Member, Timestamp};

use super::state::{Paper, State};

/// A dispute, seen now.
#[derive(Debug)]
pub(super) struct Look<'a> {
    /// This institution.
    pub(super) member: Member,
    /// What is stored.
    pub(super) state: State,
    /// How much somebody here wants back.
    pub(super) wanted: Option<Amount>,
    /// This institution's own documents, by their digests, with which something is still to be done.
    pub(super) undone: &'a [(Paper, [u8; 32])],
    /// What the finalized chain shows.
    pub(super) shown: Option<&'a Dispute>,
    /// The time of that block or of an earlier one.
    pub(super) time: Timestamp,
    /// This machine's time.
    pub(super) now: Timestamp,
}

/// What a dispute calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing, until something changes.
    Wait,
    /// It goes on chain: this much is claimed, for what this document shows.
    Open(Amount, [u8; 32]),
    /// The answer goes on chain.
    Answer([u8; 32]),
    /// The chain shows this institution's document: everybody concerned gets it.
    Tell(Paper, [u8; 32]),
    /// Another one's claim or answer counts, or the dispute has ended: nobody needs the document.
    Drop(Paper, [u8; 32]),
    /// The chain's time must come to this: something waits for it.
    PassTime(Timestamp),
    /// The notaries were silent.
    RuleByDefault,
    /// What was awarded goes back, as far as it can.
    PayAward,
}

/// What the dispute calls for.
pub(super) fn next(look: &Look<'_>) -> Step {
    let Some(dispute) = look.shown else {
        let claim = look.undone.iter().find(|(paper, _)| *paper == Paper::Claim);
        return match (look.state, look.wanted, claim) {
            (State::Wanted, Some(amount), Some((_, evidence))) => Step::Open(amount, *evidence),
            _ => Step::Wait,
        };
    };
    if let Some(step) = with_own_papers(look, dispute) {
        return step;
    }
    match dispute.ruling {
        None if look.time >= dispute.rule_by && is_party(look.member, dispute) => Step::RuleByDefault,
        None if look.now >= dispute.rule_by && is_party(look.member, dispute) => Step::PassTime(dispute.rule_by),
        Some(_) if dispute.paid < dispute.awarded && look.member == dispute.contested.debtor => Step::PayAward,
        None | Some(_) => Step::Wait,
    }
}

/// What is to be done with this institution's own documents.
fn with_own_papers(look: &Look<'_>, dispute: &Dispute) -> Option<Step> {
    let step = |(paper, evidence): &(Paper, [u8; 32])| {
        let (paper, evidence) = (*paper, *evidence);
        let is_there = on_chain(dispute, paper) == Some((look.member, evidence));
        let may_come = paper == Paper::Answer && dispute.response.is_none() && dispute.ruling.is_none();
        match (is_there, may_come) {
            (true, _) => Some(Step::Tell(paper, evidence)),
            // From `rule_by` on, nobody would look at it any more: the default ruling comes first.
            (false, true) => (look.time < dispute.rule_by).then_some(Step::Answer(evidence)),
            (false, false) => Some(Step::Drop(paper, evidence)),
        }
    };
    look.undone.iter().find_map(step)
}

/// Whose document the chain shows, and its digest.
pub(super) fn on_chain(dispute: &Dispute, paper: Paper) -> Option<(Member, [u8; 32])> {
    match paper {
        Paper::Claim => Some((dispute.claimant, dispute.claim.evidence)),
        Paper::Answer => dispute.response.map(|response| (response.member, response.evidence)),
    }
}

fn is_party(member: Member, dispute: &Dispute) -> bool {
    [dispute.claimant, dispute.contested.debtor, dispute.contested.creditor].contains(&member)
}

#[cfg(test)]
mod tests {
    use protocol::{
        disputes::{Claim, Response, Ruling},
        settlement::{Asset, Obligation},
    };

    use super::*;

    const DEBTOR: Member = Member(1);
    const CREDITOR: Member = Member(0);
    const NOTARY: Member = Member(2);
    const OURS: [u8; 32] = [1; 32];
    const THEIRS: [u8; 32] = [2; 32];

    fn opened() -> Dispute {
        Dispute {
            claimant: DEBTOR,
            originator: CREDITOR,
            sequence: 1,
            claim: Claim {
                obligation: 0,
                amount: 50,
                evidence: OURS,
            },
            contested: Obligation {
                debtor: DEBTOR,
                creditor: CREDITOR,
                asset: Asset::Native,
                amount: 100,
            },
            opened_at: 10,
            rule_by: 100,
            response: None,
            ruling: None,
            awarded: 0,
            is_due: false,
            paid: 0,
        }
    }

    fn at(member: Member, time: Timestamp, undone: &[(Paper, [u8; 32])], shown: Option<&Dispute>) -> Step {
        next(&Look {
            member,
            state: shown.map_or(State::Wanted, State::of),
            wanted: Some(50),
            undone,
            shown,
            time,
            now: time,
        })
    }

    #[test]
    fn a_claim_goes_on_chain_before_anybody_is_told() {
        let claim = [(Paper::Claim, OURS)];
        assert_eq!(at(DEBTOR, 5, &claim, None), Step::Open(50, OURS));
        assert_eq!(at(DEBTOR, 15, &claim, Some(&opened())), Step::Tell(Paper::Claim, OURS));
        assert_eq!(at(DEBTOR, 15, &[], Some(&opened())), Step::Wait);
    }

    #[test]
    fn a_document_that_came_too_late_is_dropped() {
        let others = [(Paper::Claim, THEIRS)];
        assert_eq!(
            at(DEBTOR, 15, &others, Some(&opened())),
            Step::Drop(Paper::Claim, THEIRS)
        );
        let answer = [(Paper::Answer, THEIRS)];
        assert_eq!(at(CREDITOR, 15, &answer, Some(&opened())), Step::Answer(THEIRS));
        let ruled = Dispute {
            ruling: Some(Ruling::Uphold),
            ..opened()
        };
        assert_eq!(
            at(CREDITOR, 15, &answer, Some(&ruled)),
            Step::Drop(Paper::Answer, THEIRS)
        );
        let answered = Dispute {
            response: Some(Response {
                member: CREDITOR,
                evidence: THEIRS,
            }),
            ..ruled
        };
        // Also where the ruling was faster than this institution's look.
        assert_eq!(
            at(CREDITOR, 15, &answer, Some(&answered)),
            Step::Tell(Paper::Answer, THEIRS)
        );
    }

    #[test]
    fn a_silent_notarys_default_is_the_parties_business() {
        let dispute = opened();
        let look = |member, time, now| {
            next(&Look {
                member,
                state: State::Opened,
                wanted: None,
                undone: &[],
                shown: Some(&dispute),
                time,
                now,
            })
        };
        assert_eq!(look(CREDITOR, 99, 99), Step::Wait);
        assert_eq!(look(CREDITOR, 99, 100), Step::PassTime(100));
        assert_eq!(look(CREDITOR, 100, 100), Step::RuleByDefault);
        assert_eq!(look(DEBTOR, 100, 100), Step::RuleByDefault);
        assert_eq!(look(NOTARY, 200, 200), Step::Wait);
        // An answer that nobody would look at any more doesn't hold it up.
        assert_eq!(
            at(CREDITOR, 100, &[(Paper::Answer, THEIRS)], Some(&dispute)),
            Step::RuleByDefault
        );
    }

    #[test]
    fn an_award_is_paid_by_who_gets_it() {
        let awarded = Dispute {
            ruling: Some(Ruling::Reverse),
            awarded: 50,
            paid: 20,
            ..opened()
        };
        assert_eq!(at(DEBTOR, 15, &[], Some(&awarded)), Step::PayAward);
        assert_eq!(at(CREDITOR, 15, &[], Some(&awarded)), Step::Wait);
        let paid = Dispute { paid: 50, ..awarded };
        assert_eq!(at(DEBTOR, 15, &[], Some(&paid)), Step::Wait);
    }
}
