//! Where the contracts are: `deployment.json`, written by `quittance deploy` and read by everybody else.
use std::path::Path;

use protocol::{
    text::{from_hex, to_hex},
    AccountId, Member,
};
use serde::{Deserialize, Serialize};
use sp_core::crypto::{AccountId32, Ss58AddressFormat, Ss58Codec};

use crate::identity::public_file;

/// The prefix of addresses that belong to no particular network, as polkadot.js shows them.
const GENERIC_SUBSTRATE: u16 = 42;
/// The bundle that every credit node's contract is made from.
const CREDIT: &str = "credit";
/// The bundle that every card issuer's contract is made from.
const PREPAID: &str = "prepaid";
/// The contract that keeps all books of the chain, and its bundle.
pub const RECONCILIATION: &str = "reconciliation";

/// A set of contracts on one chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Tells the chain.
    #[serde(with = "protocol::text::bytes")]
    pub genesis_hash: [u8; 32],
    /// In the order of deployment.
    pub contracts: Vec<Deployed>,
}

/// A contract on the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployed {
    /// `registry`, `clearing`…; `credit_3` for the credit node with index 3, `prepaid_4` for the card issuer with index 4.
    pub name: String,
    /// Its account, in SS58.
    #[serde(with = "ss58")]
    pub address: AccountId,
    /// blake2-256 of its code.
    #[serde(with = "protocol::text::bytes")]
    pub code_hash: [u8; 32],
    /// Whose it is, where it is a credit node's: the index in the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit_node: Option<Member>,
    /// Whose it is, where it is a card issuer's: the index in the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_issuer: Option<Member>,
}

impl Deployed {
    /// A credit node's contract (S1.1).
    pub fn credit(node: Member, address: AccountId, code_hash: [u8; 32]) -> Self {
        Self {
            name: format!("{CREDIT}_{node}"),
            address,
            code_hash,
            credit_node: Some(node),
            card_issuer: None,
        }
    }

    /// A card issuer's contract (S4.1).
    pub fn prepaid(issuer: Member, address: AccountId, code_hash: [u8; 32]) -> Self {
        Self {
            name: format!("{PREPAID}_{issuer}"),
            address,
            code_hash,
            credit_node: None,
            card_issuer: Some(issuer),
        }
    }

    /// The name of the bundle that it was made from.
    pub fn bundle(&self) -> &str {
        match (self.credit_node, self.card_issuer) {
            (Some(_), _) => CREDIT,
            (None, Some(_)) => PREPAID,
            (None, None) => &self.name,
        }
    }
}

/// The deployment can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// The file can't be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which file.
        path: String,
        /// What happened.
        error: std::io::Error,
    },
    /// The file holds something else.
    #[error("{path} is no deployment: {error}")]
    Syntax {
        /// Which file.
        path: String,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// The contract isn't part of it.
    #[error("the deployment has no contract {name:?}; it has: {known}; `quittance deploy` puts there what is missing")]
    NoContract {
        /// Asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// No credit contract is this member's.
    #[error(
        "the deployment has no credit contract of member {0}: run `quittance deploy` again with --credit-node {0}"
    )]
    NoCredit(Member),
    /// No prepaid contract is this member's.
    #[error(
        "the deployment has no prepaid contract of member {0}: run `quittance deploy` again with --card-issuer {0}"
    )]
    NoPrepaid(Member),
    /// It was made on another chain.
    #[error(
        "the contracts were deployed on the chain with genesis {}, this one has {}",
        to_hex(.expected),
        to_hex(.found)
    )]
    OtherChain {
        /// As deployed.
        expected: [u8; 32],
        /// The node's.
        found: [u8; 32],
    },
}

impl Deployment {
    /// Reads the file.
    ///
    /// # Errors
    /// It isn't there, or isn't a deployment.
    pub fn load(path: &Path) -> Result<Self, DeploymentError> {
        let text = std::fs::read(path).map_err(|error| DeploymentError::File {
            path: path.display().to_string(),
            error,
        })?;
        serde_json::from_slice(&text).map_err(|error| DeploymentError::Syntax {
            path: path.display().to_string(),
            error,
        })
    }

    /// Writes the file as a whole: a reader sees the old one or the new one.
    ///
    /// # Errors
    /// The directory can't be written.
    pub fn save(&self, path: &Path) -> Result<(), DeploymentError> {
        let failed = |error| DeploymentError::File {
            path: path.display().to_string(),
            error,
        };
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        public_file::replace(path, &text).map_err(failed)
    }

    /// The contract of this name.
    ///
    /// # Errors
    /// There is none: those of an earlier version had fewer.
    pub fn contract(&self, name: &str) -> Result<&Deployed, DeploymentError> {
        self.contracts
            .iter()
            .find(|contract| contract.name == name)
            .ok_or_else(|| DeploymentError::NoContract {
                name: name.to_owned(),
                known: self
                    .contracts
                    .iter()
                    .map(|one| one.name.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }

    /// The contract of a credit node (S1.1).
    ///
    /// # Errors
    /// It has none here.
    pub fn credit_of(&self, node: Member) -> Result<&Deployed, DeploymentError> {
        let mut contracts = self.contracts.iter();
        let found = contracts.find(|contract| contract.credit_node == Some(node));
        found.ok_or(DeploymentError::NoCredit(node))
    }

    /// The contract of a card issuer (S4.1).
    ///
    /// # Errors
    /// It has none here.
    pub fn prepaid_of(&self, issuer: Member) -> Result<&Deployed, DeploymentError> {
        let mut contracts = self.contracts.iter();
        let found = contracts.find(|contract| contract.card_issuer == Some(issuer));
        found.ok_or(DeploymentError::NoPrepaid(issuer))
    }

    /// Whether it was made on the chain with this genesis.
    ///
    /// # Errors
    /// It was not.
    pub fn ensure_on(&self, genesis: [u8; 32]) -> Result<(), DeploymentError> {
        if self.genesis_hash == genesis {
            return Ok(());
        }
        Err(DeploymentError::OtherChain {
            expected: self.genesis_hash,
            found: genesis,
        })
    }
}

/// An account as people read it.
pub fn to_ss58(account: &AccountId) -> String {
    AccountId32::new(account.0).to_ss58check_with_version(Ss58AddressFormat::custom(GENERIC_SUBSTRATE))
}

/// Reads an address of any network.
///
/// # Errors
/// The text is no address, or its check sum is wrong.
pub fn from_ss58(text: &str) -> Result<AccountId, String> {
    AccountId32::from_ss58check_with_version(text)
        .map(|(account, _)| AccountId(account.into()))
        .map_err(|error| format!("{text:?} is no SS58 address: {error:?}"))
}

/// The account of an SS58 address, or of `0x…`.
///
/// # Errors
/// The text is neither.
pub fn account(text: &str) -> Result<AccountId, String> {
    if text.starts_with("0x") {
        return from_hex(text).map(AccountId).map_err(|error| error.to_string());
    }
    from_ss58(text)
}

mod ss58 {
    use super::AccountId;
    use serde::{de::Error, Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(account: &AccountId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::to_ss58(account))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AccountId, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::from_ss58(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment() -> Deployment {
        Deployment {
            genesis_hash: [1; 32],
            contracts: vec![Deployed {
                name: "registry".into(),
                address: AccountId([2; 32]),
                code_hash: [3; 32],
                credit_node: None,
                card_issuer: None,
            }],
        }
    }

    #[test]
    fn a_deployment_survives_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deployment.json");
        deployment().save(&path).unwrap();
        assert_eq!(Deployment::load(&path).unwrap(), deployment());
    }

    #[test]
    fn each_credit_node_has_a_contract_of_its_own_and_those_without_stay_as_they_were() {
        let mut several = deployment();
        let plain = serde_json::to_string(&several).unwrap();
        assert!(!plain.contains("credit"), "{plain}");
        several.contracts.extend([
            Deployed::credit(Member(3), AccountId([4; 32]), [5; 32]),
            Deployed::credit(Member(4), AccountId([6; 32]), [5; 32]),
        ]);
        let again: Deployment = serde_json::from_str(&serde_json::to_string(&several).unwrap()).unwrap();
        assert_eq!(again, several);
        let found = again.credit_of(Member(4)).unwrap();
        assert_eq!((found.name.as_str(), found.bundle()), ("credit_4", "credit"));
        assert_eq!(found.address, AccountId([6; 32]));
        let error = again.credit_of(Member(5)).unwrap_err().to_string();
        assert!(error.contains("--credit-node 5"), "{error}");
        assert_eq!(again.contract("registry").unwrap().bundle(), "registry");
    }

    #[test]
    fn each_card_issuer_has_a_contract_of_its_own() {
        let mut several = deployment();
        several.contracts.extend([
            Deployed::credit(Member(3), AccountId([4; 32]), [5; 32]),
            Deployed::prepaid(Member(3), AccountId([6; 32]), [7; 32]),
        ]);
        let again: Deployment = serde_json::from_str(&serde_json::to_string(&several).unwrap()).unwrap();
        assert_eq!(again, several);
        let found = again.prepaid_of(Member(3)).unwrap();
        assert_eq!((found.name.as_str(), found.bundle()), ("prepaid_3", "prepaid"));
        let error = again.prepaid_of(Member(4)).unwrap_err().to_string();
        assert!(error.contains("--card-issuer 4"), "{error}");
    }

    #[test]
    fn addresses_are_those_of_polkadot_js() {
        // The well-known development account //Alice.
        let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
        assert_eq!(to_ss58(&from_ss58(alice).unwrap()), alice);
        assert!(from_ss58("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQX").is_err());
    }

    #[test]
    fn another_chain_and_a_missing_contract_are_named() {
        assert!(deployment().ensure_on([1; 32]).is_ok());
        assert!(deployment().ensure_on([9; 32]).is_err());
        let error = deployment().contract("clearing").unwrap_err().to_string();
        assert!(error.contains("clearing") && error.contains("registry"), "{error}");
    }
}
