//! What isn't as it follows from the events.
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where something stands that doesn't follow from the events before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "in", rename_all = "kebab-case")]
pub enum Place {
    /// In an event.
    Event {
        /// The block's number.
        block: u32,
        /// The event's place among all events of the block.
        event: u32,
    },
    /// In what the contract keeps.
    Storage {
        /// The number of the block after which it does.
        block: u32,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Event { block, event } => write!(f, "block {block}, event {event}"),
            Place::Storage { block } => write!(f, "storage after block {block}"),
        }
    }
}

/// A value that isn't as it follows from the events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mismatch {
    /// Where it stands.
    pub place: Place,
    /// Which: `card 7: balance`.
    pub what: String,
    /// What stands there.
    pub found: String,
    /// What follows from the events.
    pub expected: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mismatch {
            place,
            what,
            found,
            expected,
        } = self;
        write!(
            f,
            "{place}: {what}: {found} is there, {expected} follows from the events"
        )
    }
}

impl Mismatch {
    /// A value that is another.
    pub fn new(place: Place, what: impl Into<String>, found: impl fmt::Display, expected: impl fmt::Display) -> Self {
        Self {
            place,
            what: what.into(),
            found: found.to_string(),
            expected: expected.to_string(),
        }
    }
}

/// Every part of a value that is another: each by its name, such as `merchant 3: cycle.gross`.
pub fn differences<T: Serialize + PartialEq>(place: Place, what: &str, found: &T, expected: &T) -> Vec<Mismatch> {
    if found == expected {
        return vec![];
    }
    let value = |of: &T| serde_json::to_value(of).unwrap_or_default();
    let mut differing = Vec::new();
    compare(place, what, ": ", &value(found), &value(expected), &mut differing);
    differing
}

fn compare(place: Place, what: &str, joint: &str, found: &Value, expected: &Value, to: &mut Vec<Mismatch>) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) if found.keys().eq(expected.keys()) => {
            for (name, found) in found {
                let expected = expected.get(name).unwrap_or(&Value::Null);
                compare(place, &format!("{what}{joint}{name}"), ".", found, expected, to);
            }
        }
        (found, expected) if found == expected => {}
        (found, expected) => to.push(Mismatch::new(place, what, text(found), text(expected))),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "nothing".into(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use protocol::prepaid::{CardLimits, Float};

    use super::*;

    const PLACE: Place = Place::Storage { block: 9 };

    #[test]
    fn each_part_that_differs_is_named_and_no_other() {
        let found = Float { cards: 1, merchants: 2 };
        assert!(differences(PLACE, "float", &found, &found).is_empty());
        let differing = differences(PLACE, "float", &found, &Float { merchants: 3, ..found });
        assert_eq!(differing, [Mismatch::new(PLACE, "float: merchants", 2, 3)]);
        assert_eq!(
            differing[0].to_string(),
            "storage after block 9: float: merchants: 2 is there, 3 follows from the events"
        );
    }

    #[test]
    fn something_that_is_missing_is_named_as_a_whole() {
        let limits = CardLimits {
            balance: 1,
            per_payment: 1,
            per_day: 1,
        };
        let differing = differences(PLACE, "limits", &None, &Some(limits));
        assert_eq!((differing.len(), differing[0].found.as_str()), (1, "nothing"));
    }
}
