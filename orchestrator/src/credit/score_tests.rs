//! The formula and its evidence.
#![allow(clippy::unwrap_used)]
use protocol::text::to_hex;
use serde_json::{json, Value};

use super::*;

/// The worked example of ARCHITECTURE.md.
pub(crate) const PARAMETERS: Parameters = Parameters {
    window_days: 90,
    base: 1_000,
    cap: 10_000,
    on_time_percent: 50,
    volume_percent: 10,
    late_percent: 100,
    overdue_percent: 200,
};

const RECORD: Record = Record {
    repaid_on_time: 10_000,
    repaid_late: 1_500,
    committed: 12_000,
    overdue: 500,
    fees_unpaid: 20,
};

pub(crate) fn evidence() -> Evidence {
    let subject = Subject {
        genesis: [1; 32],
        contract: AccountId([2; 32]),
        payer: AccountId([3; 32]),
        asset: Asset::Native,
    };
    let block = ScoredBlock {
        number: 4,
        hash: [5; 32],
        time: 6,
    };
    Evidence::new(subject, block, PARAMETERS, RECORD)
}

fn limit(change: impl FnOnce(&mut Parameters, &mut Record)) -> Amount {
    let (mut parameters, mut record) = (PARAMETERS, RECORD);
    change(&mut parameters, &mut record);
    parameters.score(&record).limit
}

#[test]
fn the_worked_example_comes_out_as_it_is_described() {
    let expected = Score {
        base: 1_000,
        on_time: 5_000,
        volume: 1_200,
        late: 1_500,
        overdue: 1_000,
        fees: 20,
        limit: 4_680,
    };
    assert_eq!(PARAMETERS.score(&RECORD), expected);
    let described = include_str!("../../../ARCHITECTURE.md");
    assert!(described.contains("1,000 + 5,000 + 1,200 − 1,500 − 1,000 − 20 = 4,680"));
}

#[test]
fn each_part_of_the_record_moves_the_limit_its_way() {
    assert_eq!(limit(|_, record| record.repaid_on_time += 100), 4_680 + 50);
    assert_eq!(limit(|_, record| record.committed += 100), 4_680 + 10);
    assert_eq!(limit(|_, record| record.repaid_late += 100), 4_680 - 100);
    assert_eq!(limit(|_, record| record.overdue += 100), 4_680 - 200);
    assert_eq!(limit(|_, record| record.fees_unpaid += 100), 4_680 - 100);
    assert_eq!(limit(|parameters, _| parameters.base += 1), 4_680 + 1);
    assert_eq!(limit(|parameters, _| parameters.on_time_percent += 1), 4_680 + 100);
    assert_eq!(limit(|parameters, _| parameters.volume_percent += 1), 4_680 + 120);
    assert_eq!(limit(|parameters, _| parameters.late_percent += 1), 4_680 - 15);
    assert_eq!(limit(|parameters, _| parameters.overdue_percent += 1), 4_680 - 5);
}

#[test]
fn no_limit_is_above_the_cap_or_below_nothing() {
    assert_eq!(limit(|_, record| record.repaid_on_time = 1_000_000), 10_000);
    assert_eq!(limit(|parameters, _| parameters.cap = 4_679), 4_679);
    assert_eq!(limit(|parameters, _| parameters.cap = 0), 0);
    assert_eq!(limit(|_, record| record.overdue = 1_000_000), 0);
    assert_eq!(
        PARAMETERS.score(&Record::default()).limit,
        1_000,
        "nothing but the base"
    );
}

#[test]
fn percents_are_exact_and_rounded_down() {
    assert_eq!((percent(199, 50), percent(1, 99), percent(7, 0)), (99, 0, 0));
    assert_eq!(percent(Amount::MAX, 100), Amount::MAX);
    assert_eq!(percent(Amount::MAX, 50), Amount::MAX / 2);
    assert_eq!(
        percent(Amount::MAX, 101),
        Amount::MAX,
        "where it would be more, it stops"
    );
    assert_eq!(
        percent(Amount::MAX / 1_000 - 1, 100_000),
        (Amount::MAX / 1_000 - 1) * 1_000
    );
}

#[test]
fn the_largest_amounts_do_no_harm() {
    let largest = Record {
        repaid_on_time: Amount::MAX,
        repaid_late: Amount::MAX,
        committed: Amount::MAX,
        overdue: Amount::MAX,
        fees_unpaid: Amount::MAX,
    };
    let parameters = Parameters {
        window_days: u32::MAX,
        base: Amount::MAX,
        cap: Amount::MAX,
        on_time_percent: u32::MAX,
        volume_percent: u32::MAX,
        late_percent: u32::MAX,
        overdue_percent: u32::MAX,
    };
    assert_eq!(
        parameters.score(&largest).limit,
        0,
        "what speaks against stops where the other does"
    );
    assert_eq!(parameters.score(&Record::default()).limit, Amount::MAX);
    assert_eq!(parameters.window(), Timestamp::from(u32::MAX) * 86_400_000);
}

#[test]
fn an_asset_may_have_parameters_of_its_own() {
    let token = Asset::Psp22(AccountId([7; 32]));
    let rules = Rules {
        general: PARAMETERS,
        own: [(token, Parameters { cap: 9, ..PARAMETERS })].into(),
    };
    assert_eq!((rules.of(token).cap, rules.of(Asset::Native).cap), (9, 10_000));
}

#[test]
fn the_digest_is_sha256_of_a_tag_and_the_encoding() {
    // Made with Python's hashlib from the fields in their order: digests on chains may never change.
    assert_eq!(
        to_hex(&evidence().digest()),
        "0xaaf7d88a08950ca84ca555b93f5cbaf30327122e9a01c73261b0f4177137c28a"
    );
}

#[test]
fn evidence_is_read_as_it_is_written() {
    let text = serde_json::to_string(&evidence()).unwrap();
    assert_eq!(serde_json::from_str::<Evidence>(&text).unwrap(), evidence());
    let unknown = text.replacen('{', "{\"more\":1,", 1);
    assert!(serde_json::from_str::<Evidence>(&unknown).is_err());
}

/// Every value that isn't made of others, where it stands.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                leaves(value, &format!("{path}/{name}"), found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

fn another(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_u64().unwrap() + 1),
        Value::String(text) if text == "Native" => json!({ "Psp22": to_hex(&[9; 32]) }),
        Value::String(text) if text.starts_with("0x") => json!(format!("0xff{}", &text[4..])),
        Value::String(text) => json!(format!("{text}1")),
        other => panic!("what is this: {other}"),
    }
}

#[test]
fn every_field_of_the_evidence_changes_its_digest() {
    let written = serde_json::to_value(evidence()).unwrap();
    let mut paths = Vec::new();
    leaves(&written, "", &mut paths);
    assert_eq!(paths.len(), 1 + 4 + 3 + 7 + 5 + 7, "{paths:?}");
    for path in paths {
        let mut changed = written.clone();
        let field = changed.pointer_mut(&path).unwrap();
        *field = another(field);
        let changed: Evidence = serde_json::from_value(changed).unwrap();
        assert_ne!(changed.digest(), evidence().digest(), "{path}");
    }
}
