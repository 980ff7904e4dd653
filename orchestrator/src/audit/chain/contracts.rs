//! The contracts that are audited, and what their metadata says of them.
use std::{collections::BTreeMap, path::Path};

use protocol::{AccountId, Key};

use crate::chain::{
    bundle::{Bundle, BundleError},
    Deployment,
};

/// A contract that is audited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// As the deployment calls it: `credit_3`.
    pub name: String,
    /// What it was made from.
    pub kind: Kind,
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

/// A kind of contract: each has its own rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What members hold, vouchers, windows, disputes.
    Clearing,
    /// What a credit node lends.
    Credit,
    /// Deals.
    Escrow,
    /// A card issuer's cards.
    Prepaid,
    /// Books of two institutions.
    Reconciliation,
    /// Who the institutions are.
    Registry,
    /// One without rules, for tests of all that is the same for every kind.
    #[cfg(test)]
    Bare,
}

/// All of them, by their accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contracts(pub BTreeMap<AccountId, Audited>);

/// The deployment's contracts can't be audited.
#[derive(Debug, thiserror::Error)]
pub enum ContractsError {
    /// A bundle is missing, or broken.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// What the contract should keep is unknown.
    #[error("there are no rules for {name}, made from {bundle:?}: take the version of quittance that deployed it")]
    NoRules {
        /// As the deployment calls it.
        name: String,
        /// What it was made from.
        bundle: String,
    },
}

impl Kind {
    /// What is made from the bundle of this name.
    fn of(bundle: &str) -> Option<Self> {
        Some(match bundle {
            "clearing" => Self::Clearing,
            "credit" => Self::Credit,
            "escrow" => Self::Escrow,
            "prepaid" => Self::Prepaid,
            "reconciliation" => Self::Reconciliation,
            "registry" => Self::Registry,
            _ => return None,
        })
    }
}

impl Contracts {
    /// Those of a deployment.
    ///
    /// # Errors
    /// A bundle is missing, or broken, or there are no rules for what is made from it.
    pub fn of(deployment: &Deployment, bundles: &Path) -> Result<Self, ContractsError> {
        let mut found = BTreeMap::new();
        for contract in &deployment.contracts {
            let kind = Kind::of(contract.bundle()).ok_or_else(|| ContractsError::NoRules {
                name: contract.name.clone(),
                bundle: contract.bundle().to_owned(),
            })?;
            let bundle = Bundle::find(bundles, contract.bundle())?;
            found.insert(
                contract.address,
                Audited {
                    name: contract.name.clone(),
                    kind,
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
    use crate::{
        audit::chain::world::{World, CONTRACT},
        chain::deployment::Deployed,
    };

    #[test]
    fn a_key_is_told_by_its_mapping() {
        let contract = &World::contracts().0[&CONTRACT];
        assert_eq!(contract.key(&[0; 4]), "its own struct");
        assert_eq!(contract.key(&[5, 0, 0, 0, 7, 0]), "balances 0x0700");
        assert_eq!(contract.key(&[6, 0, 0, 0, 7]), "0x0600000007");
        assert_eq!(contract.key(&[6]), "0x06");
    }

    #[test]
    fn a_contract_without_rules_is_not_left_out() {
        let deployment = Deployment {
            genesis_hash: [1; 32],
            contracts: vec![Deployed {
                name: "lottery".into(),
                address: CONTRACT,
                code_hash: [2; 32],
                credit_node: None,
                card_issuer: None,
            }],
        };
        let refused = Contracts::of(&deployment, Path::new("nowhere"));
        assert!(
            matches!(&refused, Err(ContractsError::NoRules { name, .. }) if name == "lottery"),
            "{refused:?}"
        );
    }
}
