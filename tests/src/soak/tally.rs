//! What a run came to.
use std::{collections::BTreeMap, fmt};

use protocol::escrow::DealState;

use super::rules::Outcome;

#[derive(Clone, Debug, Default)]
pub struct Tally {
    messages: BTreeMap<&'static str, Answers>,
    finals: BTreeMap<DealState, u64>,
    deferred: u64,
    roots: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Answers {
    done: u64,
    refused: u64,
}

impl Tally {
    pub fn calls(&self) -> u64 {
        self.messages
            .values()
            .map(|answers| answers.done + answers.refused)
            .sum()
    }

    pub fn count(&mut self, message: &'static str, outcome: &Outcome) {
        let answers = self.messages.entry(message).or_default();
        match outcome {
            Outcome::Refused => answers.refused += 1,
            Outcome::Done { .. } | Outcome::Withdrawn(..) => answers.done += 1,
        }
        if let Outcome::Done { deal, .. } = outcome {
            if deal.state.is_final() {
                *self.finals.entry(deal.state).or_default() += 1;
            }
        }
    }

    /// A payout had to wait.
    pub fn count_deferred(&mut self) {
        self.deferred += 1;
    }

    /// The whole state was compared.
    pub fn count_root(&mut self) {
        self.roots += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (message, answers) in &other.messages {
            let sum = self.messages.entry(message).or_default();
            sum.done += answers.done;
            sum.refused += answers.refused;
        }
        for (state, count) in &other.finals {
            *self.finals.entry(*state).or_default() += count;
        }
        self.deferred += other.deferred;
        self.roots += other.roots;
    }

    /// Whether everything that can happen did.
    pub fn is_complete(&self) -> bool {
        let all_done = self
            .messages
            .values()
            .all(|answers| answers.done > 0 && answers.refused > 0);
        all_done && self.messages.len() == 10 && self.finals.len() == 4 && self.deferred > 0 && self.roots > 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} calls (done/refused:", self.calls())?;
        for (message, answers) in &self.messages {
            write!(f, " {message} {}/{}", answers.done, answers.refused)?;
        }
        write!(f, "); deals ended:")?;
        for (state, count) in &self.finals {
            write!(f, " {count} {state:?}")?;
        }
        write!(
            f,
            "; {} payouts deferred; whole state compared {} times",
            self.deferred, self.roots
        )
    }
}
