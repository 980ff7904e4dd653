//! The contracts that are audited, and what their metadata says of them.
use std::{collections::BTreeMap, path::Path};

use protocol::{AccountId, Key};

use super::rebuild;
use crate::chain::{
    bundle::{Bundle, BundleError},
    Deployment,
};

/// A contract that is audited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audited {
    /// As the deployment calls it: `credit_3`.
    pub name: String,
    /// What it was made from: `credit`.
    pub bundle: String,
    /// blake2-256 of the code that it should have.
    pub code_hash: [u8; 32],
    /// Its events, by their topics.
    pub events: BTreeMap<[u8; 32], String>,
    /// Its messages, by their selectors.
    pub messages: BTreeMap<[u8; 4], String>,
    /// Its constructors, by their selectors.
    pub constructors: BTreeMap<[u8; 4], String>,
    /// Its mappings, by what their keys begin with.
    pub mappings: BTreeMap<Key, String>,
}

/// All of them, by their accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contracts(pub BTreeMap<AccountId, Audited>);

impl Contracts {
    /// Those of a deployment.
    ///
    /// # Errors
    /// A bundle is missing, or broken.
    pub fn of(deployment: &Deployment, bundles: &Path) -> Result<Self, BundleError> {
        let mut found = BTreeMap::new();
        let known = deployment.contracts.iter();
        for contract in known.filter(|contract| rebuild::knows(contract.bundle())) {
            let bundle = Bundle::find(bundles, contract.bundle())?;
            found.insert(
                contract.address,
                Audited {
                    name: contract.name.clone(),
                    bundle: contract.bundle().to_owned(),
                    code_hash: bundle.code_hash(),
                    events: bundle.events(),
                    messages: bundle.selectors(),
                    constructors: bundle.constructors(),
                    mappings: bundle.mappings().clone(),
                },
            );
        }
        Ok(Self(found))
    }
}

impl Audited {
    /// A key of the contract's storage in words: the mapping's name, then the rest as hex.
    pub fn key(&self, key: &[u8]) -> String {
        let Some((root, rest)) = key.split_first_chunk::<4>() else {
            return protocol::text::to_hex(key);
        };
        match self.mappings.get(&Key::from_le_bytes(*root)).map(String::as_str) {
            Some("") if rest.is_empty() => "its own struct".into(),
            Some(name) => format!("{name} {}", protocol::text::to_hex(rest)),
            None => protocol::text::to_hex(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_by_its_mapping() {
        let contract = Audited {
            mappings: [(0, String::new()), (5, "balances".into())].into(),
            ..Audited::default()
        };
        assert_eq!(contract.key(&[0; 4]), "its own struct");
        assert_eq!(contract.key(&[5, 0, 0, 0, 7, 0]), "balances 0x0700");
        assert_eq!(contract.key(&[6, 0, 0, 0, 7]), "0x0600000007");
        assert_eq!(contract.key(&[6]), "0x06");
    }
}
