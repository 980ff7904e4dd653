//! What notaries say to each other about a decision, and what they sign.
use std::{fmt, str::FromStr};

use protocol::{
    decisions::Decision,
    ids::content_id,
    signing::{Domain, MemberSignature, Purpose, PAYLOAD_LENGTH},
    text::{from_hex, to_hex, ParseError},
    Timestamp,
};
use serde::{de::Error, Deserialize, Deserializer, Serialize, Serializer};

/// A decision as it is signed: content, number and expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DecisionId(pub [u8; 32]);

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl FromStr for DecisionId {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        from_hex(text).map(Self)
    }
}

impl Serialize for DecisionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DecisionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// What a notary signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// What is decided.
    pub decision: Decision,
    /// The number of decisions before it on chain.
    pub number: u32,
    /// The approval is valid strictly before.
    pub expires_at: Timestamp,
}

impl Draft {
    /// What it is called.
    pub fn id(&self) -> DecisionId {
        let content = (self.decision.digest(), self.number, self.expires_at);
        DecisionId(content_id(b"quittance/approval", &content))
    }

    /// What a notary signs.
    pub fn payload(&self, domain: &Domain) -> [u8; PAYLOAD_LENGTH] {
        let id = self.decision.digest();
        protocol::signing::payload(domain, Purpose::Decision, &id, self.expires_at, &self.number)
    }
}

/// Notary to notary: I agreed to this; did you?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRequest {
    /// What the sender agreed to.
    pub draft: Draft,
    /// The registry's epoch at signing.
    pub epoch: u32,
    /// The sender's, [`Purpose::Decision`].
    pub signed: MemberSignature,
}

/// A notary's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalAnswer {
    /// Nobody here agreed, or it has ended here.
    Pending,
    /// It agreed too: its signature, in the epoch of the request.
    Signed(MemberSignature),
}
