//! Contract bundles (`.contract`, or the metadata alone as `.json`): what a contract's messages are called, and text
//! for its bytes.
use std::{collections::BTreeMap, path::Path};

use contract_transcode::{ink_metadata::InkProject, ContractMessageTranscoder, Value as Scon};
use serde::Serialize;
use serde_json::{json, Value};

use super::layout;

/// A contract's metadata, and its code where the bundle has it.
pub struct Bundle {
    name: String,
    code_hash: [u8; 32],
    code: Option<Vec<u8>>,
    mappings: BTreeMap<u32, String>,
    transcoder: ContractMessageTranscoder,
}

/// A message as its metadata tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// What it is called.
    pub name: String,
    /// Its arguments, in order.
    pub arguments: Vec<Argument>,
    /// Whether it can change state.
    pub mutates: bool,
    /// Whether it takes native tokens.
    pub payable: bool,
    /// Its documentation.
    pub docs: String,
}

/// An argument of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Argument {
    /// What it is called.
    pub name: String,
    /// Its type as written in the contract.
    #[serde(rename = "type")]
    pub type_name: String,
}

/// The bundle can't be used as asked.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// There is no bundle of this contract.
    #[error("no bundle of contract {name:?} in {directory}: expected {name}.contract or {name}.json")]
    Missing {
        /// Which contract.
        name: String,
        /// Where it was looked for.
        directory: String,
    },
    /// The file can't be read.
    #[error("{path} can't be read: {error}")]
    File {
        /// Which file.
        path: String,
        /// What happened.
        error: std::io::Error,
    },
    /// The file isn't a bundle.
    #[error("{path} is no contract bundle: {why}")]
    Syntax {
        /// Which file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// The bundle has metadata only.
    #[error("the bundle of {0:?} has no code: take the .contract file")]
    NoCode(String),
    /// The contract has no such message.
    #[error("{contract} has no message {message:?}; it has: {known}")]
    NoMessage {
        /// Which contract.
        contract: String,
        /// Asked for.
        message: String,
        /// What there is.
        known: String,
    },
    /// The contract has no such event.
    #[error("{contract} has no event {event:?}: take the bundle of the version that is deployed")]
    NoEvent {
        /// Which contract.
        contract: String,
        /// Asked for.
        event: String,
    },
    /// The arguments don't fit the message.
    #[error("the arguments don't fit {message}: {why}")]
    Arguments {
        /// Which message.
        message: String,
        /// What doesn't fit.
        why: String,
    },
    /// The bytes don't decode by this metadata: another version is deployed.
    #[error("what the chain returned isn't {what} of this contract version: {why}")]
    Undecodable {
        /// What was expected.
        what: String,
        /// What didn't fit.
        why: String,
    },
}

impl Bundle {
    /// The bundle of a contract in a directory.
    ///
    /// # Errors
    /// There is none, or it is broken.
    pub fn find(directory: &Path, name: &str) -> Result<Self, BundleError> {
        let plain = !name.is_empty()
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter));
        let path = ["contract", "json"]
            .iter()
            .map(|extension| directory.join(format!("{name}.{extension}")))
            .find(|path| plain && path.is_file())
            .ok_or_else(|| BundleError::Missing {
                name: name.to_owned(),
                directory: directory.display().to_string(),
            })?;
        Self::load(name, &path)
    }

    fn load(name: &str, path: &Path) -> Result<Self, BundleError> {
        let text = std::fs::read(path).map_err(|error| BundleError::File {
            path: path.display().to_string(),
            error,
        })?;
        Self::parse(name, &text).map_err(|why| BundleError::Syntax {
            path: path.display().to_string(),
            why,
        })
    }

    fn parse(name: &str, text: &[u8]) -> Result<Self, String> {
        let bundle: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let field = |pointer: &str| bundle.pointer(pointer).and_then(Value::as_str);
        let hash = field("/source/hash").ok_or("source.hash is missing")?;
        let code_hash = protocol::text::from_hex(hash).map_err(|error| format!("source.hash: {error}"))?;
        let code = field("/source/wasm")
            .map(|code| hex::decode(code.trim_start_matches("0x")))
            .transpose()
            .map_err(|error| format!("source.wasm: {error}"))?;
        if code
            .as_ref()
            .is_some_and(|code| sp_crypto_hashing::blake2_256(code) != code_hash)
        {
            return Err("source.hash isn't the hash of source.wasm".into());
        }
        let mappings = bundle.get("storage").map(layout::mappings).unwrap_or_default();
        let project: InkProject = serde_json::from_value(bundle).map_err(|error| error.to_string())?;
        Ok(Self {
            name: name.to_owned(),
            code_hash,
            code,
            mappings,
            transcoder: ContractMessageTranscoder::new(project),
        })
    }

    /// What the contract is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// blake2-256 of its code.
    pub fn code_hash(&self) -> [u8; 32] {
        self.code_hash
    }

    /// Its wasm.
    ///
    /// # Errors
    /// The bundle has metadata only.
    pub fn code(&self) -> Result<&[u8], BundleError> {
        self.code
            .as_deref()
            .ok_or_else(|| BundleError::NoCode(self.name.clone()))
    }

    /// Every message, in the contract's order.
    pub fn messages(&self) -> Vec<Message> {
        let spec = self.transcoder.metadata().spec();
        let argument = |label: &String, display: String| Argument {
            name: label.clone(),
            type_name: display,
        };
        spec.messages()
            .iter()
            .map(|message| Message {
                name: message.label().clone(),
                arguments: message
                    .args()
                    .iter()
                    .map(|arg| argument(arg.label(), arg.ty().display_name().to_string()))
                    .collect(),
                mutates: message.mutates(),
                payable: message.payable(),
                docs: message.docs().join("\n").trim().to_owned(),
            })
            .collect()
    }

    /// The message of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn message(&self, name: &str) -> Result<Message, BundleError> {
        let messages = self.messages();
        let known = || {
            messages
                .iter()
                .map(|message| message.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        messages
            .iter()
            .find(|message| message.name == name)
            .cloned()
            .ok_or_else(|| BundleError::NoMessage {
                contract: self.name.clone(),
                message: name.to_owned(),
                known: known(),
            })
    }

    /// A message's input from text, one for each argument: `4711`, `true`, `0x…`, an SS58 address, `Native`,
    /// `Some(1)`, `{ field: 1 }`, `[1, 2]`.
    ///
    /// # Errors
    /// No such message, or the text doesn't fit.
    pub fn encode(&self, message: &str, arguments: &[String]) -> Result<Vec<u8>, BundleError> {
        self.message(message)?;
        self.transcoder
            .encode(message, arguments)
            .map_err(|error| BundleError::Arguments {
                message: message.to_owned(),
                why: format!("{error:#}"),
            })
    }

    /// What a message returned, as JSON. Integers are strings of digits: JSON numbers lose digits above 2^53.
    ///
    /// # Errors
    /// The bytes are of another type.
    pub fn decode_result(&self, message: &str, mut data: &[u8]) -> Result<Value, BundleError> {
        let decoded = self.transcoder.decode_message_return(message, &mut data);
        decoded
            .map(|value| to_json(&value))
            .map_err(|error| BundleError::Undecodable {
                what: format!("the result of {message}"),
                why: format!("{error:#}"),
            })
    }

    /// The first topic of an event, by the event's name; `None` where the contract has no such event.
    pub fn event_topic(&self, name: &str) -> Option<[u8; 32]> {
        let mut events = self.transcoder.metadata().spec().events().iter();
        let event = events.find(|event| event.label() == name)?;
        event.signature_topic().as_ref()?.as_bytes().try_into().ok()
    }

    /// Every event that has a signature topic, by that.
    pub fn events(&self) -> BTreeMap<[u8; 32], String> {
        let events = self.transcoder.metadata().spec().events().iter();
        let named = events.filter_map(|event| {
            let topic = event.signature_topic().as_ref()?.as_bytes().try_into().ok()?;
            Some((topic, event.label().clone()))
        });
        named.collect()
    }

    /// Every message, by its selector.
    pub fn selectors(&self) -> BTreeMap<[u8; 4], String> {
        let messages = self.transcoder.metadata().spec().messages().iter();
        by_selector(messages.map(|message| (message.selector().to_bytes(), message.label())))
    }

    /// Every constructor, by its selector.
    pub fn constructors(&self) -> BTreeMap<[u8; 4], String> {
        let constructors = self.transcoder.metadata().spec().constructors().iter();
        by_selector(constructors.map(|constructor| (constructor.selector().to_bytes(), constructor.label())))
    }

    /// What the contract calls its mappings, by what their keys begin with.
    pub const fn mappings(&self) -> &BTreeMap<u32, String> {
        &self.mappings
    }

    /// An event, by its signature topic and its data as the chain's event holds it (with its length before it).
    ///
    /// # Errors
    /// No event has this topic, or the bytes are of another type.
    pub fn decode_event(&self, topic: &[u8; 32], mut data: &[u8]) -> Result<Value, BundleError> {
        self.transcoder
            .decode_contract_event(topic, &mut data)
            .map(|value| to_json(&value))
            .map_err(|error| BundleError::Undecodable {
                what: "an event".into(),
                why: format!("{error:#}"),
            })
    }
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bundle({}, {})", self.name, protocol::text::to_hex(&self.code_hash))
    }
}

fn by_selector<'a>(named: impl Iterator<Item = (&'a [u8], &'a String)>) -> BTreeMap<[u8; 4], String> {
    named
        .filter_map(|(selector, name)| Some((selector.try_into().ok()?, name.clone())))
        .collect()
}

/// A decoded value as JSON: `{"Variant": …}` for names with content, `"Variant"` for bare ones.
fn to_json(value: &Scon) -> Value {
    let named = |name: Option<String>, content: Value| match name {
        Some(name) if !name.is_empty() => json!({ name: content }),
        _ => content,
    };
    match value {
        Scon::Bool(flag) => json!(flag),
        Scon::Char(letter) => json!(letter.to_string()),
        Scon::UInt(number) => json!(number.to_string()),
        Scon::Int(number) => json!(number.to_string()),
        Scon::String(text) | Scon::Literal(text) => json!(text),
        Scon::Hex(bytes) => json!(protocol::text::to_hex(bytes.bytes())),
        Scon::Unit => Value::Null,
        Scon::Seq(elements) => elements.elems().iter().map(to_json).collect(),
        Scon::Map(map) => {
            let key = |key: &Scon| match key {
                Scon::String(text) | Scon::Literal(text) => text.clone(),
                other => other.to_string(),
            };
            let fields = map.iter().map(|(name, field)| (key(name), to_json(field))).collect();
            named(map.ident(), Value::Object(fields))
        }
        Scon::Tuple(tuple) => {
            let members: Vec<Value> = tuple.values().map(to_json).collect();
            match (
                tuple.ident().filter(|name| !name.is_empty()),
                <[Value; 1]>::try_from(members),
            ) {
                (Some(name), Ok([single])) => json!({ name: single }),
                (None, Ok([single])) => single,
                (Some(name), Err(members)) if members.is_empty() => json!(name),
                (name, Err(members)) => named(name, Value::Array(members)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract_transcode::{Map, Tuple};

    #[test]
    fn values_become_json_without_losing_digits() {
        let amount = Scon::Tuple(Tuple::new(Some("Ok"), vec![Scon::UInt(u128::MAX)]));
        assert_eq!(to_json(&amount), json!({ "Ok": u128::MAX.to_string() }));
        let none = Scon::Tuple(Tuple::new(Some("None"), Vec::new()));
        assert_eq!(to_json(&none), json!("None"));
        let member = Scon::Tuple(Tuple::new(None, vec![Scon::UInt(3)]));
        let fields = [(Scon::String("member".into()), member)].into_iter().collect();
        assert_eq!(
            to_json(&Scon::Map(Map::new(Some("Signer"), fields))),
            json!({ "Signer": { "member": "3" } })
        );
    }

    #[test]
    fn a_name_can_not_leave_the_directory() {
        let error = Bundle::find(Path::new("."), "../Cargo").unwrap_err();
        assert!(matches!(error, BundleError::Missing { .. }));
    }
}
