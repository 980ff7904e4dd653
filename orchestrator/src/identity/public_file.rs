//! Files that everybody may read, and that are replaced while others read them.
use std::{fs::Permissions, io::Write, os::unix::fs::PermissionsExt, path::Path};

/// Writes a file as a whole: a reader sees the old one or the new one.
///
/// # Errors
/// The directory can't be written.
pub fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    // It holds no secret, and other users' tools read it.
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
