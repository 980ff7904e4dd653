//! Assets as a word: in queries, in CSV, in columns of the database and on the command line.
use std::{fmt, str::FromStr};

use protocol::{
    settlement::Asset,
    text::{from_hex, to_hex},
    AccountId,
};
use serde::{Deserialize, Deserializer};

/// The word for the chain's own token.
const NATIVE: &str = "native";

/// `native`, or the contract's account of a PSP22 token as `0x…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssetName(pub Asset);

/// No asset is called so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no asset: write \"native\", or the account of a PSP22 token's contract as 0x and 64 hex digits")]
pub struct UnknownAsset(String);

impl fmt::Display for AssetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Asset::Native => f.write_str(NATIVE),
            Asset::Psp22(contract) => f.write_str(&to_hex(&contract.0)),
        }
    }
}

impl FromStr for AssetName {
    type Err = UnknownAsset;
    fn from_str(text: &str) -> Result<Self, UnknownAsset> {
        if text == NATIVE {
            return Ok(Self(Asset::Native));
        }
        let contract = from_hex(text).map_err(|_| UnknownAsset(text.to_owned()))?;
        Ok(Self(Asset::Psp22(AccountId(contract))))
    }
}

impl<'de> Deserialize<'de> for AssetName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_is_read_as_it_is_written() {
        for asset in [Asset::Native, Asset::Psp22(AccountId([7; 32]))] {
            assert_eq!(AssetName(asset).to_string().parse(), Ok(AssetName(asset)));
        }
        assert!("gold".parse::<AssetName>().is_err());
        assert!("".parse::<AssetName>().is_err());
    }
}
