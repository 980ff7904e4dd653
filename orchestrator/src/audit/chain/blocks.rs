//! Whether a block is what its hash says, before anything in it is looked at.
use protocol::text::to_hex;
use scale::Decode;
use sp_core::Blake2Hasher;
use sp_trie::{LayoutV0, LayoutV1, TrieConfiguration};

use super::{ports::RawBlock, Block};
use crate::audit::state::{item_key, Header, State};

/// A block that is what its hash says, as far as it was told otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The block.
    pub block: Block,
    /// The hash of the one before it.
    pub parent: [u8; 32],
    /// What the chain's state comes to after it.
    pub state_root: [u8; 32],
    /// SCALE of its events.
    pub events: Vec<u8>,
}

/// Reads a block, `parent` being the hash of the one before it where that is known. What contradicts a hash is told to
/// `flaw`; `None` if nothing can be read.
pub fn check(raw: &RawBlock, parent: Option<[u8; 32]>, flaw: &mut dyn FnMut(String)) -> Option<Checked> {
    let header = match Header::read(&raw.header) {
        Ok(header) => header,
        Err(error) => {
            flaw(error.to_string());
            return None;
        }
    };
    if header.hash != raw.hash {
        flaw(format!(
            "the header of block {} hashes to {}, not to {}",
            raw.number,
            to_hex(&header.hash),
            to_hex(&raw.hash)
        ));
    }
    if header.number != raw.number {
        flaw(format!("block {} says that it is block {}", raw.number, header.number));
    }
    if parent.is_some_and(|parent| parent != header.parent) {
        flaw(format!(
            "block {} comes after {}, and not after the block before it",
            raw.number,
            to_hex(&header.parent)
        ));
    }
    if !is_root(&header.extrinsics_root, &raw.extrinsics) {
        flaw(format!(
            "the transactions of block {} don't come to the root in its header",
            raw.number
        ));
    }
    let state = State::new(header.state_root, &raw.proof);
    let value = |pallet, item, what| state.value(&item_key(pallet, item), what);
    let shown = value("System", "Events", "the events")
        .and_then(|events| Ok((events.unwrap_or_default(), value("Timestamp", "Now", "the time")?)));
    let (events, time) = match shown {
        Ok(shown) => shown,
        Err(error) => {
            flaw(format!("block {}: {error}", raw.number));
            return None;
        }
    };
    let time = time.and_then(|time| u64::decode(&mut &time[..]).ok());
    Some(Checked {
        block: Block {
            number: raw.number,
            hash: raw.hash,
            time: time.unwrap_or_default(),
        },
        parent: header.parent,
        state_root: header.state_root,
        events,
    })
}

/// By the layout that the runtime takes: an older one, or the present one.
fn is_root(root: &[u8; 32], extrinsics: &[Vec<u8>]) -> bool {
    LayoutV0::<Blake2Hasher>::ordered_trie_root(extrinsics).0 == *root
        || LayoutV1::<Blake2Hasher>::ordered_trie_root(extrinsics).0 == *root
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::audit::chain::world::{World, TIME};

    fn flaws(raw: &RawBlock, parent: [u8; 32]) -> Vec<String> {
        let mut found = Vec::new();
        check(raw, Some(parent), &mut |flaw| found.push(flaw));
        found
    }

    fn raw() -> RawBlock {
        let extrinsics = vec![vec![1u8; 40], vec![2u8; 10]];
        World::default().seal(7, [3; 32], extrinsics, vec![4, 0])
    }

    #[test]
    fn a_block_is_what_its_hash_says() {
        let raw = raw();
        let checked = check(&raw, Some([3; 32]), &mut |flaw| panic!("{flaw}")).unwrap();
        assert_eq!(checked.events, [4, 0]);
        assert_eq!((checked.block.number, checked.block.time), (7, TIME));
        assert_eq!(checked.block.hash, raw.hash);
    }

    #[test]
    fn an_altered_byte_of_a_transaction_is_found() {
        let mut raw = raw();
        raw.extrinsics[0][20] ^= 1;
        let found = flaws(&raw, [3; 32]);
        assert!(found.len() == 1 && found[0].contains("transactions"), "{found:?}");
    }

    #[test]
    fn an_altered_header_is_found() {
        let mut raw = raw();
        let last = raw.header.len() - 1;
        raw.header[last] ^= 1;
        let found = flaws(&raw, [3; 32]);
        assert!(found.len() == 1 && found[0].contains("hashes to"), "{found:?}");
    }

    #[test]
    fn a_block_of_another_chain_is_found() {
        let found = flaws(&raw(), [5; 32]);
        assert!(found.len() == 1 && found[0].contains("comes after"), "{found:?}");
        let mut other = raw();
        other.number = 8;
        assert_eq!(flaws(&other, [3; 32]).len(), 1);
    }

    #[test]
    fn events_that_are_not_in_the_state_are_found() {
        let mut raw = raw();
        raw.proof = World::default().seal(7, [3; 32], vec![], vec![4, 1]).proof;
        let found = flaws(&raw, [3; 32]);
        assert!(found.len() == 1 && found[0].contains("the events"), "{found:?}");
    }
}
