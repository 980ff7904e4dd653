//! How a contract's metadata says that its storage is laid out.
use std::collections::BTreeMap;

use serde_json::Value;

/// The names of the fields that have keys of their own, by these.
pub(super) fn mappings(layout: &Value) -> BTreeMap<u32, String> {
    let mut found = BTreeMap::new();
    collect(layout, "", &mut found);
    found
}

fn collect(layout: &Value, name: &str, found: &mut BTreeMap<u32, String>) {
    if let Some(root) = layout.get("root") {
        let key = root.get("root_key").and_then(Value::as_str);
        let key = key.and_then(|key| protocol::text::from_hex(key).ok());
        if let Some(key) = key {
            found.insert(u32::from_le_bytes(key), name.to_owned());
        }
        collect(root.get("layout").unwrap_or(&Value::Null), name, found);
    }
    let fields = layout.pointer("/struct/fields").and_then(Value::as_array);
    for field in fields.into_iter().flatten() {
        let name = field.get("name").and_then(Value::as_str).unwrap_or_default();
        collect(field.get("layout").unwrap_or(&Value::Null), name, found);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mappings_are_found_by_the_keys_that_ink_gives_them() {
        let balances = json!({ "root": { "root_key": "0x01020304", "layout": { "leaf": {} }, "ty": 1 } });
        let owner = json!({ "leaf": { "key": "0x00000000", "ty": 2 } });
        let fields = json!([{ "name": "balances", "layout": balances }, { "name": "owner", "layout": owner }]);
        let layout = json!({ "root": {
            "root_key": "0x00000000", "layout": { "struct": { "name": "Bank", "fields": fields } }, "ty": 3
        } });
        let found = mappings(&layout);
        assert_eq!(found.len(), 2);
        assert_eq!(found.get(&0).map(String::as_str), Some(""));
        assert_eq!(found.get(&0x0403_0201).map(String::as_str), Some("balances"));
    }
}
