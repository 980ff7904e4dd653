//! What the tests share.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)] // a failed test is a panic

pub mod bench;
pub mod contract_chain;
pub mod credit;
pub mod impostor;
pub mod institutions;
pub mod market;
pub mod money;
pub mod notaries;
pub mod prepaid;
pub mod reconciliation;
pub mod soak;

use std::path::PathBuf;

/// The folder that cargo builds into: two above the folder of test binaries.
pub fn target_dir() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let profile = program.ancestors().find(|folder| folder.join("deps").is_dir()).unwrap();
    profile.parent().unwrap().to_path_buf()
}
