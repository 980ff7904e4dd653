//! Files that hold secrets: mode 0600 on writing, and refused on reading when others can read them.
use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

/// Bits of a file's mode that let somebody else than its owner in.
const OTHERS: u32 = 0o077;

/// A file with a secret can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// It can't be read.
    #[error("{} can't be read: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others can read it.
    #[error("{0} holds a secret but has mode {mode:04o}: run `chmod 600 {0}`", path.display())]
    TooOpen {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It can't be written; an existing file is never overwritten.
    #[error("{} can't be written: {source}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Reads a secret text.
///
/// # Errors
/// The file can't be read, isn't text, or can be read by group or others.
pub fn read(path: &Path) -> Result<Zeroizing<String>, PrivateFileError> {
    let failed = |source| PrivateFileError::Read {
        path: path.to_owned(),
        source,
    };
    // Permissions of the opened file, not of the path: nobody can swap it in between.
    let mut file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(PrivateFileError::TooOpen {
            path: path.to_owned(),
            mode,
        });
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Writes a secret text into a new file that only its owner can read, and waits until it is on disk.
///
/// # Errors
/// The file exists already, or can't be written.
pub fn write_new(path: &Path, text: &str) -> Result<(), PrivateFileError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|source| PrivateFileError::Write {
        path: path.to_owned(),
        source,
    })
}
