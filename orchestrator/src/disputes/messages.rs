//! Documents that show why, and how institutions hand them to each other.
use base64::{engine::general_purpose::STANDARD, Engine};
use protocol::{disputes::evidence_digest, VoucherId};
use serde::{Deserialize, Serialize};

use super::DisputeError;

/// The longest document, in bytes. As JSON it takes twice as much at most, and has to fit into a request.
pub const MAX_EVIDENCE: usize = 64 * 1024;

/// A document: any bytes, text or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Document(Vec<u8>);

/// A document as JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    /// Word for word.
    Text(String),
    /// What is no plain text.
    Base64(String),
}

impl Document {
    /// A document of these bytes.
    ///
    /// # Errors
    /// It is empty, or too long.
    pub fn new(bytes: Vec<u8>) -> Result<Self, DisputeError> {
        if (1..=MAX_EVIDENCE).contains(&bytes.len()) {
            return Ok(Self(bytes));
        }
        Err(DisputeError::BadEvidence { limit: MAX_EVIDENCE })
    }

    /// What goes on chain of it.
    pub fn digest(&self) -> [u8; 32] {
        evidence_digest(&self.0)
    }

    /// Byte for byte.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As text, if it is plain text.
    pub fn text(&self) -> Option<&str> {
        // Other control characters would take six times their room as JSON.
        let is_plain = |text: &&str| text.chars().all(|c| !c.is_control() || "\n\r\t".contains(c));
        std::str::from_utf8(&self.0).ok().filter(is_plain)
    }
}

impl From<Document> for Written {
    fn from(document: Document) -> Self {
        match document.text() {
            Some(text) => Written::Text(text.to_owned()),
            None => Written::Base64(STANDARD.encode(&document.0)),
        }
    }
}

impl TryFrom<Written> for Document {
    type Error = String;
    fn try_from(written: Written) -> Result<Self, String> {
        let bytes = match written {
            Written::Text(text) => text.into_bytes(),
            Written::Base64(text) => STANDARD
                .decode(text)
                .map_err(|error| format!("the document is no base64: {error}"))?,
        };
        Self::new(bytes).map_err(|error| error.to_string())
    }
}

/// A party's document, for the other institutions of the payment and for the notaries. Its digest stands on chain.
/// Delivered at least once: the same letter again changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceLetter {
    /// The voucher.
    pub voucher: VoucherId,
    /// The place of the contested obligation in its relation.
    pub obligation: u8,
    /// Claim or answer: the chain shows which, by its digest.
    pub document: Document,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn again(bytes: &[u8]) -> (String, Document) {
        let document = Document::new(bytes.to_vec()).unwrap();
        let json = serde_json::to_string(&document).unwrap();
        let read: Document = serde_json::from_str(&json).unwrap();
        assert_eq!(read, document);
        (json, read)
    }

    #[test]
    fn a_document_stays_the_same_byte_for_byte() {
        let (json, _) = again("a receipt:\n\t250 €".as_bytes());
        assert!(json.starts_with("{\"text\":"), "{json}");
        for bytes in [&[0xff, 0][..], &[1; MAX_EVIDENCE]] {
            let (json, document) = again(bytes);
            assert!(json.starts_with("{\"base64\":"), "{json}");
            assert_eq!(document.text(), None);
        }
        let (json, _) = again(&[b'"'; MAX_EVIDENCE]);
        assert!(json.len() < crate::http::MAX_BODY, "it fits into a request");
    }

    #[test]
    fn a_document_is_neither_empty_nor_too_long() {
        for bytes in [vec![], vec![b'a'; MAX_EVIDENCE + 1]] {
            assert!(Document::new(bytes.clone()).is_err());
            let json = serde_json::json!({ "text": String::from_utf8(bytes).unwrap() });
            assert!(serde_json::from_value::<Document>(json).is_err());
        }
        assert!(serde_json::from_str::<Document>(r#"{"base64":"?"}"#).is_err());
    }
}
