//! Files that are replaced as a whole, and that one process at a time uses.
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How often a busy file is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// A file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// Another process has it.
    #[error("{} is in use by another process: one at a time; try again when it is done", .0.display())]
    Busy(PathBuf),
    /// It can't be read.
    #[error("{} can't be read: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It can't be written.
    #[error("{} can't be written: {source}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is in it can't be.
    #[error("{} can't be read: {why}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it; never its contents.
        why: String,
    },
}

impl DiskError {
    pub(super) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Read {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Write {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn json(path: &Path) -> impl FnOnce(serde_json::Error) -> Self + '_ {
        // serde's own message may quote the text: say where, not what.
        move |error| Self::Content {
            path: path.to_owned(),
            why: format!(
                "no JSON of this shape at line {}, column {}",
                error.line(),
                error.column()
            ),
        }
    }
}

/// A file or directory that no other process uses while this lives.
#[derive(Debug)]
pub(super) struct Locked {
    file: File,
    path: PathBuf,
}

impl Locked {
    /// Waits until nobody else has it, but no longer than this.
    pub(super) fn take(path: &Path, patience: Duration) -> Result<Self, DiskError> {
        let began = Instant::now();
        loop {
            let file = File::open(path).map_err(DiskError::read(path))?;
            match file.try_lock() {
                Ok(()) => {
                    let present = fs::metadata(path).map_err(DiskError::read(path))?;
                    let mine = file.metadata().map_err(DiskError::read(path))?;
                    // Else it was replaced while this waited: the lock is on what isn't there any more.
                    if (mine.dev(), mine.ino()) == (present.dev(), present.ino()) {
                        let path = path.to_owned();
                        return Ok(Self { file, path });
                    }
                }
                Err(TryLockError::WouldBlock) if began.elapsed() < patience => thread::sleep(LOOK),
                Err(TryLockError::WouldBlock) => return Err(DiskError::Busy(path.to_owned())),
                Err(TryLockError::Error(source)) => return Err(DiskError::read(path)(source)),
            }
        }
    }

    /// Writes the file anew. It stays locked.
    pub(super) fn replace(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        self.file = write_whole(&self.path, bytes).map_err(DiskError::write(&self.path))?;
        Ok(())
    }
}

/// Writes a file as a whole: who reads it, even after the power failed at any moment, finds what was there before or all of
/// the new. For files that only one process writes at a time. Only the owner can read it.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    write_whole(path, bytes).map_err(DiskError::write(path))?;
    Ok(())
}

/// The new file comes locked.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Always the same name: what a crash leaves is written over by the next.
    let draft = directory.join(format!(".{}.new", name.to_string_lossy()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.lock()?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(directory)?.sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn a_file_is_used_by_one_at_a_time_even_after_it_was_replaced() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        fs::write(&path, "old").unwrap();
        let mut first = Locked::take(&path, NOW).unwrap();
        assert!(matches!(Locked::take(&path, NOW), Err(DiskError::Busy(_))));
        first.replace(b"new").unwrap();
        assert!(matches!(Locked::take(&path, NOW), Err(DiskError::Busy(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        drop(first);
        Locked::take(&path, NOW).unwrap();
    }

    #[test]
    fn who_waits_for_a_file_gets_the_one_that_is_there_then() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        fs::write(&path, "0").unwrap();
        let add = || {
            let mut locked = Locked::take(&path, Duration::from_secs(60)).unwrap();
            let count: u32 = fs::read_to_string(&path).unwrap().parse().unwrap();
            locked.replace((count + 1).to_string().as_bytes()).unwrap();
        };
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..10).for_each(|_| add()));
            }
        });
        assert_eq!(fs::read_to_string(&path).unwrap(), "80");
    }

    #[test]
    fn what_a_crash_left_is_no_hindrance() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        fs::write(place.path().join(".file.new"), "half of what was to be written").unwrap();
        replace(&path, b"all").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "all");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_the_owner_can_read_what_is_written() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        replace(&path, b"x").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o077, 0);
    }
}
