//! A certificate authority for development, demos and tests. A production consortium brings its own.
use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use protocol::Lei;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, PKCS_ED25519,
};
use time::{Duration, OffsetDateTime};

use super::{
    certificate::{Authorities, Certificate, CertificateError},
    private_file::{self, PrivateFileError},
};

const CA_CERTIFICATE: &str = "ca.pem";
const CA_KEY: &str = "ca.key";
/// In every subject, so that nobody takes these certificates for anything else.
const ORGANIZATION: &str = "Quittance development, not for production";
/// organizationIdentifier; ETSI EN 319 412-1 writes an LEI as `LEIXG-…`.
const ORGANIZATION_IDENTIFIER: [u64; 4] = [2, 5, 4, 97];
const CA_LIFETIME: Duration = Duration::days(3650);
const LIFETIME: Duration = Duration::days(397);
/// Tolerates a machine whose clock is behind.
const BACKDATED: Duration = Duration::hours(1);

/// The development CA can't do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DevelopmentCaError {
    /// A directory or certificate can't be written or read.
    #[error("{}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A private key can't be written or read.
    #[error(transparent)]
    Key(#[from] PrivateFileError),
    /// Making a certificate failed.
    #[error("the certificate could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// What was made can't be read back.
    #[error(transparent)]
    Unusable(#[from] CertificateError),
    /// The name leaves nothing to call the files.
    #[error("the name {0:?} has no letter or digit to name the files by")]
    BadName(String),
}

/// Whom a certificate is for.
#[derive(Clone, Debug)]
pub struct CertificateRequest {
    /// The institution's name; the files are called after it.
    pub name: String,
    /// The institution's LEI.
    pub lei: Lei,
    /// DNS names that its orchestrator is reached by.
    pub dns: Vec<String>,
    /// IP addresses that its orchestrator is reached by.
    pub ip: Vec<IpAddr>,
}

/// An issued certificate, on disk.
#[derive(Clone, Debug)]
pub struct IssuedCertificate {
    /// The certificate's PEM file.
    pub certificate: PathBuf,
    /// The private key's PEM file, mode 0600.
    pub key: PathBuf,
    /// sha256 of the certificate's DER encoding, for the registry.
    pub fingerprint: [u8; 32],
}

/// A directory with a CA's certificate (`ca.pem`), its key (`ca.key`) and what it issued.
pub struct DevelopmentCa {
    directory: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl DevelopmentCa {
    /// Makes a new CA in a directory, which is made where there is none.
    ///
    /// # Errors
    /// There is a CA already, or the directory can't be written.
    pub fn create(directory: &Path) -> Result<Self, DevelopmentCaError> {
        std::fs::create_dir_all(directory).map_err(|source| io_error(directory, source))?;
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, "Quittance development CA");
        params.distinguished_name.push(DnType::OrganizationName, ORGANIZATION);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        set_validity(&mut params, CA_LIFETIME);
        let certificate = params.self_signed(&key)?;

        private_file::write_new(&directory.join(CA_KEY), &key.serialize_pem())?;
        write(&directory.join(CA_CERTIFICATE), &certificate.pem())?;
        Self::open(directory)
    }

    /// Opens a CA made by [`DevelopmentCa::create`].
    ///
    /// # Errors
    /// There is none, or its files can't be used.
    pub fn open(directory: &Path) -> Result<Self, DevelopmentCaError> {
        let path = directory.join(CA_CERTIFICATE);
        let certificate = std::fs::read_to_string(&path).map_err(|source| io_error(&path, source))?;
        let key = KeyPair::from_pem(&private_file::read(&directory.join(CA_KEY))?)?;
        Ok(Self {
            directory: directory.to_owned(),
            issuer: Issuer::from_ca_cert_pem(&certificate, key)?,
        })
    }

    /// The CA certificate's PEM file, for `ca` in a configuration.
    pub fn certificate_path(&self) -> PathBuf {
        self.directory.join(CA_CERTIFICATE)
    }

    /// The CA as others are configured to trust it.
    ///
    /// # Errors
    /// The certificate's file can't be read any more.
    pub fn authorities(&self) -> Result<Authorities, CertificateError> {
        Authorities::load(&self.certificate_path())
    }

    /// Makes a key and a certificate that is good for HTTP message signatures and for both sides of TLS.
    ///
    /// # Errors
    /// A name is malformed, or a file of that name exists already.
    pub fn issue(&self, request: &CertificateRequest) -> Result<IssuedCertificate, DevelopmentCaError> {
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        let certificate = request.params()?.signed_by(&key, &self.issuer)?;

        let name = file_name(&request.name).ok_or_else(|| DevelopmentCaError::BadName(request.name.clone()))?;
        let issued = IssuedCertificate {
            certificate: self.directory.join(format!("{name}.pem")),
            key: self.directory.join(format!("{name}.key")),
            fingerprint: sha256(certificate.der()),
        };
        private_file::write_new(&issued.key, &key.serialize_pem())?;
        write(&issued.certificate, &certificate.pem())?;
        Certificate::load(&issued.certificate, &issued.key)?;
        Ok(issued)
    }
}

impl CertificateRequest {
    fn params(&self) -> Result<CertificateParams, rcgen::Error> {
        let mut params = CertificateParams::new(self.dns.clone())?;
        params
            .subject_alt_names
            .extend(self.ip.iter().copied().map(SanType::IpAddress));
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, self.name.as_str());
        params.distinguished_name.push(DnType::OrganizationName, ORGANIZATION);
        params.distinguished_name.push(
            DnType::CustomDnType(ORGANIZATION_IDENTIFIER.to_vec()),
            format!("LEIXG-{}", self.lei),
        );
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, LIFETIME);
        Ok(params)
    }
}

fn set_validity(params: &mut CertificateParams, lifetime: Duration) {
    let now = OffsetDateTime::now_utc();
    params.not_before = now.saturating_sub(BACKDATED);
    params.not_after = now.saturating_add(lifetime);
}

/// `Bank A` becomes `bank-a`.
fn file_name(name: &str) -> Option<String> {
    let words: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    (!words.is_empty()).then(|| words.join("-"))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}

fn write(path: &Path, text: &str) -> Result<(), DevelopmentCaError> {
    std::fs::write(path, text).map_err(|source| io_error(path, source))
}

fn io_error(path: &Path, source: std::io::Error) -> DevelopmentCaError {
    DevelopmentCaError::Io {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The year 2096: every certificate that these tests make has expired.
    const FAR_FUTURE: u64 = 4_000_000_000_000;

    fn request(name: &str) -> CertificateRequest {
        CertificateRequest {
            name: name.to_owned(),
            lei: "5493001KJTIIGC8Y1R12".parse().unwrap(),
            dns: vec!["localhost".to_owned()],
            ip: vec![[127, 0, 0, 1].into()],
        }
    }

    fn now() -> u64 {
        u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap() * 1000
    }

    #[test]
    fn an_issued_certificate_is_trusted_and_carries_name_and_lei() {
        let dir = tempfile::tempdir().unwrap();
        let issued = DevelopmentCa::create(dir.path())
            .unwrap()
            .issue(&request("Bank A"))
            .unwrap();
        assert_eq!(issued.certificate, dir.path().join("bank-a.pem"));

        let own = Certificate::load(&issued.certificate, &issued.key).unwrap();
        assert_eq!(own.fingerprint(), issued.fingerprint);
        let authorities = DevelopmentCa::open(dir.path()).unwrap().authorities().unwrap();
        let seen = authorities.verify(own.leaf(), now()).unwrap();
        assert_eq!(&seen, own.facts());
        assert!(
            seen.subject.contains("Bank A") && seen.subject.contains("not for production"),
            "{}",
            seen.subject
        );
        assert!(seen.subject.contains("LEIXG-5493001KJTIIGC8Y1R12"), "{}", seen.subject);
    }

    #[test]
    fn expired_foreign_and_malformed_certificates_are_untrusted() {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let ca = DevelopmentCa::create(ours.path()).unwrap();
        let authorities = ca.authorities().unwrap();
        let good = ca.issue(&request("Bank A")).unwrap();
        let good = Certificate::load(&good.certificate, &good.key).unwrap();
        let foreign = DevelopmentCa::create(theirs.path())
            .unwrap()
            .issue(&request("Bank A"))
            .unwrap();
        let foreign = Certificate::load(&foreign.certificate, &foreign.key).unwrap();

        for (der, time) in [
            (good.leaf(), FAR_FUTURE),
            (good.leaf(), 1),
            (foreign.leaf(), now()),
            (b"\x30\x00", now()),
        ] {
            assert!(matches!(
                authorities.verify(der, time),
                Err(CertificateError::Untrusted(_))
            ));
        }
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::create(dir.path()).unwrap();
        let (a, b) = (
            ca.issue(&request("Bank A")).unwrap(),
            ca.issue(&request("Bank B")).unwrap(),
        );
        assert!(matches!(
            Certificate::load(&a.certificate, &b.key),
            Err(CertificateError::KeyMismatch)
        ));
        assert!(matches!(ca.issue(&request("bank a")), Err(DevelopmentCaError::Key(_))));
        assert!(matches!(ca.issue(&request("–")), Err(DevelopmentCaError::BadName(_))));
        assert!(matches!(
            DevelopmentCa::create(dir.path()),
            Err(DevelopmentCaError::Key(_))
        ));
    }

    #[test]
    fn tls_configurations_accept_the_certificate() {
        let dir = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::create(dir.path()).unwrap();
        let issued = ca.issue(&request("Bank A")).unwrap();
        let own = Certificate::load(&issued.certificate, &issued.key).unwrap();
        let authorities = ca.authorities().unwrap();
        crate::identity::tls::client_config(&own, &authorities).unwrap();
        crate::identity::tls::server_config(&own, &authorities, true).unwrap();
    }
}
