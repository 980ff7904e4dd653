//! Keys that everybody knows: those of `//Alice` and her like, with which anybody can try out a chain.
use sp_core::{crypto::ByteArray, ed25519, sr25519, Pair};

/// In whose names `--alice` and its like sign.
const NAMES: [&str; 8] = ["Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie", "One", "Two"];

/// The URI that makes this public key, where that is known to everybody.
pub fn uri_of(key: &[u8]) -> Option<String> {
    let mut uris = NAMES
        .iter()
        .flat_map(|name| [format!("//{name}"), format!("//{name}//stash")]);
    uris.find(|uri| keys_of(uri).any(|known| known == key))
}

/// The public keys of a URI: one of each kind that validators use.
fn keys_of(uri: &str) -> impl Iterator<Item = Vec<u8>> {
    let sr25519 = sr25519::Pair::from_string(uri, None).map(|pair| pair.public().to_raw_vec());
    let ed25519 = ed25519::Pair::from_string(uri, None).map(|pair| pair.public().to_raw_vec());
    sr25519.into_iter().chain(ed25519)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alice_is_known_by_each_of_her_keys_and_a_stranger_by_none() {
        for key in keys_of("//Alice").chain(keys_of("//Ferdie//stash")) {
            assert!(uri_of(&key).is_some());
        }
        assert_eq!(
            keys_of("//Bob").next().and_then(|key| uri_of(&key)),
            Some("//Bob".into())
        );
        assert_eq!(uri_of(&[7; 32]), None);
        assert_eq!(uri_of(&[]), None);
    }
}
