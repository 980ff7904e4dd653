//! Docs in metadata, for programs that show a message's or an event's first line and nothing else.
use serde_json::{Map, Value};

/// Makes one line of each paragraph, in the docs of messages, events, their arguments, and types. In the sources, where
/// a line ends says nothing.
pub fn make_readable(metadata: &mut Map<String, Value>) {
    for (key, value) in metadata {
        match value {
            Value::Array(lines) if key == "docs" => *lines = paragraphs(lines),
            _ => descend(value),
        }
    }
}

fn descend(value: &mut Value) {
    match value {
        Value::Object(map) => make_readable(map),
        Value::Array(values) => values.iter_mut().for_each(descend),
        _ => {}
    }
}

/// Lines joined where they are of one paragraph or of one item of a list. Empty ones stay between paragraphs, so that who
/// joins lines finds the same Markdown.
fn paragraphs(lines: &[Value]) -> Vec<Value> {
    let mut joined: Vec<String> = Vec::new();
    for line in lines.iter().filter_map(Value::as_str).map(readable) {
        match joined.last_mut() {
            Some(last) if continues(last, &line) => {
                last.push(' ');
                last.push_str(&line);
            }
            _ => joined.push(line),
        }
    }
    joined.into_iter().map(Value::String).collect()
}

/// A line without the blank after `///`, and with the names of other items where the source links to them.
fn readable(line: &str) -> String {
    line.trim().replace("[`", "`").replace("`]", "`")
}

fn continues(last: &str, line: &str) -> bool {
    let is_text = |line: &str| !line.is_empty() && !line.starts_with('#');
    is_text(last) && is_text(line) && !is_item(line)
}

/// Whether a line begins an item of a list, or is a row of a table.
fn is_item(line: &str) -> bool {
    let number = line.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let is_numbered = number.len() < line.len() && number.starts_with(". ");
    is_numbered || ["- ", "* ", "|"].iter().any(|mark| line.starts_with(mark))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The docs that a doc comment leads to, as one text.
    fn docs_of(comment: &str) -> String {
        let lines: Vec<Value> = comment.lines().map(Value::from).collect();
        let lines = paragraphs(&lines);
        let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
        lines.join("\n")
    }

    #[test]
    fn a_paragraph_is_one_line() {
        let comment = " Pays what is due, to\n whose it is.\n\n Anyone may\n send it.";
        assert_eq!(
            docs_of(comment),
            "Pays what is due, to whose it is.\n\nAnyone may send it."
        );
    }

    #[test]
    fn headings_stand_alone() {
        let comment = " Closes a\n day.\n # Errors\n `NotOpen`, or\n `TooEarly`.";
        assert_eq!(docs_of(comment), "Closes a day.\n# Errors\n`NotOpen`, or `TooEarly`.");
    }

    #[test]
    fn each_item_of_a_list_is_one_line() {
        let comment = " Gives:\n - what was\n   paid in,\n * what is due.\n 1. First\n 2. Last";
        let docs = "Gives:\n- what was paid in,\n* what is due.\n1. First\n2. Last";
        assert_eq!(docs_of(comment), docs);
    }

    #[test]
    fn each_row_of_a_table_is_one_line() {
        let table = "| step | who |\n|---|---|\n| E1 | buyer |";
        assert_eq!(docs_of(table), table);
    }

    #[test]
    fn a_number_within_a_sentence_begins_no_item() {
        let comment = " It takes at most\n 64 of them, from\n -1 on, or\n 1.5 of one.";
        assert_eq!(
            docs_of(comment),
            "It takes at most 64 of them, from -1 on, or 1.5 of one."
        );
    }

    #[test]
    fn links_are_the_names_that_they_lead_to() {
        let comment = " At most [`MAX_GOODS`] bytes; see [`Error`].";
        assert_eq!(docs_of(comment), "At most `MAX_GOODS` bytes; see `Error`.");
    }

    #[test]
    fn does_nothing_to_its_own_output() {
        let once = docs_of(" A\n sentence.\n\n # Errors\n - `A`\n   and `B`\n\n The end.");
        assert_eq!(docs_of(&once), once);
    }

    #[test]
    fn docs_are_found_wherever_they_are_and_all_else_stays() {
        let of = |docs: &[&str]| {
            let field = json!({ "name": "docs", "type": 3, "docs": docs });
            let variants = json!([{ "name": "Late", "index": 0, "fields": [field], "docs": docs }]);
            json!({
                "spec": {
                    "docs": docs,
                    "messages": [{ "label": "docs", "args": [], "docs": docs }],
                    "events": [{ "label": "Paid", "args": [field], "docs": docs }],
                },
                "types": [{ "id": 0, "type": { "def": { "variant": { "variants": variants } }, "docs": docs } }],
                "lines": ["not", "docs"],
                "version": 5,
            })
        };
        let mut metadata = of(&[" One", " sentence."]);
        descend(&mut metadata);
        assert_eq!(metadata, of(&["One sentence."]));
    }
}
