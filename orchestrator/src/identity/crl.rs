//! Certificate revocation lists (CRLs): files that are replaced while the service runs.
use std::{
    collections::HashMap,
    fs::{File, Metadata},
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rustls::pki_types::{pem::PemObject as _, CertificateRevocationListDer};
use webpki::{CertRevocationList, OwnedCertRevocationList};

/// A CRL's file can't be used. What it would have revoked isn't known then.
#[derive(Debug, thiserror::Error)]
pub enum CrlError {
    /// The file can't be read.
    #[error("the CRL {} can't be read: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{} holds no CRL in PEM or DER: {why}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Two CRLs tell of the same certificates. Only one would be looked at.
    #[error(
        "{} and {} both have a CRL of the same CA: configure its current one only",
        earlier.display(),
        later.display()
    )]
    Twice {
        /// The file with the first.
        earlier: PathBuf,
        /// The file with the second.
        later: PathBuf,
    },
}

/// The CRLs of a configuration. A file that changed is read anew.
#[derive(Debug)]
pub struct Crls {
    files: Vec<CrlFile>,
}

/// A CRL that was read.
type Crl = Arc<CertRevocationList<'static>>;

impl Crls {
    /// Reads the files.
    ///
    /// # Errors
    /// A file can't be read or holds no CRL, or two CRLs are of the same CA.
    pub fn load(paths: &[PathBuf]) -> Result<Self, CrlError> {
        let files = paths.iter().cloned().map(CrlFile::new).collect();
        let crls = Self { files };
        crls.current()?;
        Ok(crls)
    }

    /// What stands in the files now: of each at least one CRL.
    ///
    /// # Errors
    /// As for [`Crls::load`].
    pub fn current(&self) -> Result<Vec<Crl>, CrlError> {
        let mut found: HashMap<(Vec<u8>, Option<Vec<u8>>), &Path> = HashMap::new();
        let mut all = Vec::new();
        for file in &self.files {
            for crl in file.current()? {
                // A CA may divide its certificates among several CRLs, each with its own distribution point.
                let about = (
                    crl.issuer().to_vec(),
                    crl.issuing_distribution_point().map(<[u8]>::to_vec),
                );
                if let Some(earlier) = found.insert(about, &file.path) {
                    return Err(CrlError::Twice {
                        earlier: earlier.to_owned(),
                        later: file.path.clone(),
                    });
                }
                all.push(crl);
            }
        }
        Ok(all)
    }
}

#[derive(Debug)]
struct CrlFile {
    path: PathBuf,
    latest: Mutex<Option<(Stamp, Vec<Crl>)>>,
}

/// Tells whether a file is the one that was read: device, inode, length, time of modification.
type Stamp = (u64, u64, u64, i64, i64);

impl CrlFile {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            latest: Mutex::default(),
        }
    }

    fn current(&self) -> Result<Vec<Crl>, CrlError> {
        let now = stamp(&std::fs::metadata(&self.path).map_err(|source| self.unreadable(source))?);
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read, crls)) = &*latest {
            if *read == now {
                return Ok(crls.clone());
            }
        }
        let (read, bytes) = self.read().map_err(|source| self.unreadable(source))?;
        let crls = parse(&bytes).map_err(|why| CrlError::Malformed {
            path: self.path.clone(),
            why,
        })?;
        *latest = Some((read, crls.clone()));
        Ok(crls)
    }

    /// The stamp is older than the bytes, never younger: a change meanwhile is noticed the next time.
    fn read(&self) -> std::io::Result<(Stamp, Vec<u8>)> {
        let mut file = File::open(&self.path)?;
        let stamp = stamp(&file.metadata()?);
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok((stamp, bytes))
    }

    fn unreadable(&self, source: std::io::Error) -> CrlError {
        CrlError::Read {
            path: self.path.clone(),
            source,
        }
    }
}

fn stamp(file: &Metadata) -> Stamp {
    (file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec())
}

fn parse(bytes: &[u8]) -> Result<Vec<Crl>, String> {
    let mut ders = CertificateRevocationListDer::pem_slice_iter(bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    if ders.is_empty() {
        ders.push(CertificateRevocationListDer::from(bytes));
    }
    let read = |der: &CertificateRevocationListDer<'_>| match OwnedCertRevocationList::from_der(der) {
        Ok(crl) => Ok(Arc::new(crl.into())),
        Err(error) => Err(error.to_string()),
    };
    ders.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::DevelopmentCa;

    #[test]
    fn crls_are_read_in_pem_and_in_der() {
        let files = tempfile::tempdir().unwrap();
        let pem = DevelopmentCa::create(files.path()).unwrap().crl_path();
        let der = files.path().join("ca.der");
        let bytes = CertificateRevocationListDer::from_pem_file(&pem).unwrap();
        std::fs::write(&der, &*bytes).unwrap();
        for path in [pem, der] {
            let crls = Crls::load(&[path]).unwrap().current().unwrap();
            assert_eq!(crls.len(), 1);
        }
        assert!(Crls::load(&[]).unwrap().current().unwrap().is_empty());
    }

    #[test]
    fn a_file_without_a_crl_is_refused_by_its_name() {
        let files = tempfile::tempdir().unwrap();
        let pem = std::fs::read_to_string(DevelopmentCa::create(files.path()).unwrap().crl_path()).unwrap();
        let path = files.path().join("other.crl");
        let half = &pem[..pem.len() / 2];
        for wrong in ["", "no CRL", half] {
            std::fs::write(&path, wrong).unwrap();
            let error = Crls::load(std::slice::from_ref(&path)).unwrap_err();
            assert!(matches!(error, CrlError::Malformed { .. }), "{error}");
            assert!(error.to_string().contains("other.crl"), "{error}");
        }
        std::fs::remove_file(&path).unwrap();
        let error = Crls::load(&[path]).unwrap_err();
        assert!(matches!(error, CrlError::Read { .. }), "{error}");
        assert!(error.to_string().contains("other.crl"), "{error}");
    }

    #[test]
    fn two_crls_of_the_same_ca_are_refused_because_only_one_would_count() {
        let files = tempfile::tempdir().unwrap();
        let path = DevelopmentCa::create(files.path()).unwrap().crl_path();
        let old = files.path().join("old.crl");
        std::fs::copy(&path, &old).unwrap();
        let error = Crls::load(&[path, old]).unwrap_err().to_string();
        assert!(error.contains("ca.crl and ") && error.contains("old.crl"), "{error}");
    }
}
