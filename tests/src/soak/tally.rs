//! What a run came to.
use std::{collections::BTreeMap, fmt};

#[derive(Clone, Debug, Default)]
pub struct Tally {
    messages: BTreeMap<&'static str, Answers>,
    happened: BTreeMap<&'static str, u64>,
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

    pub fn count(&mut self, message: &'static str, is_done: bool) {
        let answers = self.messages.entry(message).or_default();
        if is_done {
            answers.done += 1;
        } else {
            answers.refused += 1;
        }
    }

    /// Something worth counting happened.
    pub fn note(&mut self, what: &'static str) {
        *self.happened.entry(what).or_default() += 1;
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
        for (what, count) in &other.happened {
            *self.happened.entry(what).or_default() += count;
        }
        self.roots += other.roots;
    }

    /// Whether so many messages were done and refused, and all of this happened.
    pub fn is_complete(&self, messages: usize, happenings: &[&'static str]) -> bool {
        let mut answers = self.messages.values();
        let all_done = answers.all(|answers| answers.done > 0 && answers.refused > 0);
        let all_happened = happenings.iter().all(|what| self.happened.contains_key(what));
        all_done && self.messages.len() == messages && all_happened && self.roots > 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} calls (done/refused:", self.calls())?;
        for (message, answers) in &self.messages {
            write!(f, " {message} {}/{}", answers.done, answers.refused)?;
        }
        write!(f, ");")?;
        for (what, count) in &self.happened {
            write!(f, " {what}: {count};")?;
        }
        write!(f, " whole state compared {} times", self.roots)
    }
}
