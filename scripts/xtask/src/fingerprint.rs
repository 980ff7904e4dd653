//! Whether anything changed since an artifact was built.
use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use blake2::{digest::consts::U32, Blake2b, Digest};

use crate::{
    compile::{Recipe, OPTIMIZE},
    workspace::Package,
    Context,
};

/// The code hash of wasm on chain: blake2b-256.
pub fn code_hash(wasm: &[u8]) -> [u8; 32] {
    Blake2b::<U32>::digest(wasm).into()
}

/// One line beside the artifacts: what they were made from and what came out.
pub struct Fingerprint {
    file: PathBuf,
    inputs: String,
}

impl Fingerprint {
    /// Of a package: its sources and those of this workspace's packages it depends on, the lockfile, the compiler,
    /// the flags, and this program.
    pub fn new(context: &Context, package: &Package, recipe: &Recipe, file: PathBuf) -> Result<Self> {
        let Context {
            workspace, toolchain, ..
        } = context;
        let mut hash = Blake2b::<U32>::new();
        add(&mut hash, toolchain.versions.as_bytes());
        for flag in [recipe.cargo_args, recipe.rustflags, OPTIMIZE].into_iter().flatten() {
            add(&mut hash, flag.as_bytes());
        }
        let mut files = vec![
            workspace.root.join("Cargo.toml"),
            workspace.root.join("Cargo.lock"),
            env::current_exe()?,
        ];
        for directory in workspace.source_directories(package) {
            list(directory, &mut files)?;
        }
        for path in files {
            let name = path.strip_prefix(&workspace.root).unwrap_or(Path::new("xtask"));
            add(&mut hash, name.as_os_str().as_encoded_bytes());
            add(
                &mut hash,
                &fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?,
            );
        }
        Ok(Self {
            file,
            inputs: hex::encode(hash.finalize()),
        })
    }

    /// Whether `wasm` is what the present inputs make.
    pub fn is_of(&self, wasm: &[u8]) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|stored| stored == self.line(wasm))
    }

    /// Forgets the last build. Before a new one, so that one cut short doesn't count.
    pub fn clear(&self) {
        // It may not be there; if it is and stays, `store` will say why.
        let _ = fs::remove_file(&self.file);
    }

    /// Remembers that the present inputs made `wasm`.
    pub fn store(&self, wasm: &[u8]) -> Result<()> {
        fs::write(&self.file, self.line(wasm)).with_context(|| format!("cannot write {}", self.file.display()))
    }

    fn line(&self, wasm: &[u8]) -> String {
        format!("{} {}\n", self.inputs, hex::encode(code_hash(wasm)))
    }
}

/// With its length in front, so that two neighbours cannot pass for two others.
fn add(hash: &mut Blake2b<U32>, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

/// Adds all files under a directory, in order of their names.
fn list(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_hash_is_blake2b_256() {
        let empty = "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8";
        assert_eq!(hex::encode(code_hash(b"")), empty);
    }

    #[test]
    fn only_the_artifact_of_the_same_inputs_counts() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let of = |inputs: &str| Fingerprint {
            file: directory.path().join("a.fingerprint"),
            inputs: inputs.to_owned(),
        };
        assert!(!of("inputs").is_of(b"wasm"), "nothing was built yet");
        of("inputs").store(b"wasm").expect("a writable directory");
        assert!(of("inputs").is_of(b"wasm"));
        assert!(!of("inputs").is_of(b"damaged"));
        assert!(!of("other inputs").is_of(b"wasm"));
        of("inputs").clear();
        assert!(!of("inputs").is_of(b"wasm"));
    }

    #[test]
    fn neighbours_do_not_run_into_each_other() {
        let of = |parts: [&str; 2]| {
            let mut hash = Blake2b::<U32>::new();
            parts.iter().for_each(|part| add(&mut hash, part.as_bytes()));
            hash.finalize()
        };
        assert_ne!(of(["ab", "c"]), of(["a", "bc"]));
    }
}
