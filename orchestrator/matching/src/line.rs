//! Lines of books: what a side's book says of a payment, whatever it came from.
use protocol::{
    ids::{content_id, PayerId, TradeId},
    reconciliation::{BatchId, Day, Entry},
    settlement::Asset,
    Amount, Timestamp,
};
use scale::{Decode, DecodeAll, Encode};
use serde::{Deserialize, Serialize};

/// One line of a side's book.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Line {
    /// What it is known by: a trade's id, or that of a batch where several entries were booked as one line.
    pub trade: TradeId,
    /// The side's own number of the line: tells duplicates apart, and says where it came from.
    pub number: u64,
    /// On which day the side booked it.
    pub day: Day,
    /// In the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub amount: Amount,
    /// In what.
    pub asset: Asset,
    /// Who paid; nothing where the book doesn't say.
    pub payer: Option<PayerId>,
    /// When; nothing where the book says the day only.
    pub time: Option<Timestamp>,
}

/// A bilateral entry as the finalized chain has it, and where it was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ChainEntry {
    /// What is known of it.
    pub entry: Entry,
    /// For which day.
    pub day: Day,
    /// What it may be booked under as one line, with others.
    pub batch: Option<BatchId>,
    /// How often it was corrected.
    pub corrections: u32,
    /// The finalized block of the event that made it, or changed it last.
    pub block: u32,
    /// That block's hash.
    #[serde(with = "protocol::text::bytes")]
    pub block_hash: [u8; 32],
    /// The event's place among all events of the block.
    pub event: u32,
}

/// What a book comes to be known by, page by page: whoever has the same lines in the same pages has the same digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of a book without lines.
    pub const EMPTY: Self = Self([0; 32]);

    /// With another page, encoded.
    #[must_use]
    pub fn with(self, page: &[u8]) -> Self {
        Self(content_id(b"quittance/book-page", &(self.0, Encoded(page))))
    }

    /// The bytes.
    pub const fn bytes(self) -> [u8; 32] {
        self.0
    }
}

/// What is encoded already.
struct Encoded<'a>(&'a [u8]);

impl Encode for Encoded<'_> {
    fn size_hint(&self) -> usize {
        self.0.len()
    }

    fn encode_to<T: scale::Output + ?Sized>(&self, output: &mut T) {
        output.write(self.0);
    }
}

// Pages are encoded and decoded here, and not where they are read, because this crate is the one that is optimised.

/// A page of a book, as it is digested and kept.
pub fn encode_lines(page: &[Line]) -> Vec<u8> {
    page.encode()
}

/// What [`encode_lines`] made.
///
/// # Errors
/// It is something else.
pub fn decode_lines(page: &[u8]) -> Result<Vec<Line>, scale::Error> {
    Vec::decode_all(&mut &*page)
}

/// A page of the chain's entries, as it is digested and kept.
pub fn encode_entries(page: &[ChainEntry]) -> Vec<u8> {
    page.encode()
}

/// What [`encode_entries`] made.
///
/// # Errors
/// It is something else.
pub fn decode_entries(page: &[u8]) -> Result<Vec<ChainEntry>, scale::Error> {
    Vec::decode_all(&mut &*page)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::slice::from_ref;

    use super::*;

    fn line(number: u64) -> Line {
        Line {
            trade: TradeId([7; 32]),
            number,
            day: Day(20_783),
            amount: 100,
            asset: Asset::Native,
            payer: None,
            time: Some(1),
        }
    }

    #[test]
    fn a_page_that_is_encoded_comes_back_and_nothing_else_passes_for_one() {
        let page = vec![line(0), line(1)];
        let encoded = encode_lines(&page);
        assert_eq!(decode_lines(&encoded).unwrap(), page);
        assert!(decode_lines(&encoded[1..]).is_err());
        let longer: Vec<u8> = encoded.iter().copied().chain([0]).collect();
        assert!(decode_lines(&longer).is_err(), "something is behind the last line");
    }

    #[test]
    fn books_have_the_same_digest_only_with_the_same_lines_in_the_same_pages() {
        let of = |pages: &[&[Line]]| {
            let pages = pages.iter().map(|page| encode_lines(page));
            pages.fold(Digest::EMPTY, |digest, page| digest.with(&page))
        };
        let (first, second) = (line(0), line(1));
        let both = [first.clone(), second.clone()];
        assert_eq!(of(&[&both]), of(&[&both.clone()]));
        assert_ne!(of(&[&both]), of(&[from_ref(&first), from_ref(&second)]));
        assert_ne!(
            of(&[from_ref(&first), from_ref(&second)]),
            of(&[from_ref(&second), from_ref(&first)])
        );
        assert_eq!(
            of(&[&both]).bytes(),
            content_id(b"quittance/book-page", &([0u8; 32], both.to_vec())),
            "sha256 of the digest before and the page's encoding"
        );
    }
}
