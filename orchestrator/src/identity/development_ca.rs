//! A certificate authority for development, demos and tests. A production consortium brings its own.
use std::{
    io::ErrorKind,
    net::IpAddr,
    path::{Path, PathBuf},
};

use protocol::{AccountId, Lei, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType,
    SerialNumber, PKCS_ED25519,
};
use rustls::pki_types::{pem::PemObject as _, CertificateRevocationListDer};
use time::{Duration, OffsetDateTime};
use x509_parser::{
    certificate::X509Certificate,
    prelude::FromDer as _,
    revocation_list::{CertificateRevocationList, RevokedCertificate},
};

use super::{
    certificate::{
        certificates_from_pem, leaf_of, parse_signing, timestamp, Authorities, Certificate, CertificateError,
    },
    person,
    private_file::{self, PrivateFileError},
    public_file,
};

const CA_CERTIFICATE: &str = "ca.pem";
const CA_KEY: &str = "ca.key";
/// Also the CA's only memory of what it revoked.
const CA_CRL: &str = "ca.crl";
/// In every subject, so that nobody takes these certificates for anything else.
const ORGANIZATION: &str = "Quittance development, not for production";
/// organizationIdentifier; ETSI EN 319 412-1 writes an LEI as `LEIXG-…`.
const ORGANIZATION_IDENTIFIER: [u64; 4] = [2, 5, 4, 97];
const CA_LIFETIME: Duration = Duration::days(3650);
const LIFETIME: Duration = Duration::days(397);
const CRL_LIFETIME: Duration = Duration::days(30);
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
    /// No country is written so.
    #[error("{0:?} is no country code: write two capital letters, such as DE")]
    BadCountry(String),
    /// The CRL lists what was revoked, and can't be read.
    #[error(
        "{} can't be read, and nothing else tells what was revoked: put its last good copy there. {why}",
        path.display()
    )]
    BadCrl {
        /// The CRL.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The certificate to revoke is another CA's.
    #[error("{} was not issued by this CA: give the directory of the CA that issued it", .0.display())]
    NotIssuedHere(PathBuf),
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

/// The person that a certificate is for, and the account that it binds.
#[derive(Clone, Debug)]
pub struct PersonRequest {
    /// The person's name; the files are called after it.
    pub name: String,
    /// The account that the person signs with.
    pub account: AccountId,
    /// The organization that the person acts for.
    pub organization: Option<String>,
    /// The country, as two capital letters.
    pub country: Option<String>,
    /// When the certificate is valid.
    pub validity: Validity,
}

impl PersonRequest {
    /// For a person of whom no more is known than name and account, for as long as certificates usually are.
    pub fn named(name: &str, account: AccountId) -> Self {
        Self {
            name: name.to_owned(),
            account,
            organization: None,
            country: None,
            validity: Validity::lasting(LIFETIME),
        }
    }
}

/// When something is valid.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// From then on.
    pub not_before: OffsetDateTime,
    /// Until then.
    pub not_after: OffsetDateTime,
}

impl Validity {
    /// For so many days from now.
    pub fn days(days: u16) -> Self {
        Self::lasting(Duration::days(days.into()))
    }

    fn lasting(lifetime: Duration) -> Self {
        let now = OffsetDateTime::now_utc();
        Self {
            not_before: now.saturating_sub(BACKDATED),
            not_after: now.saturating_add(lifetime),
        }
    }

    fn set(self, params: &mut CertificateParams) {
        params.not_before = self.not_before;
        params.not_after = self.not_after;
    }
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

/// A CRL, on disk.
#[derive(Clone, Debug)]
pub struct IssuedCrl {
    /// The CRL's PEM file.
    pub path: PathBuf,
    /// How many certificates it revokes.
    pub revoked: usize,
    /// It tells nothing any more at this time, in milliseconds since the Unix epoch.
    pub next_update: Timestamp,
}

/// A directory with a CA's certificate (`ca.pem`), its key (`ca.key`), its CRL (`ca.crl`) and what it issued.
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
        Validity::lasting(CA_LIFETIME).set(&mut params);
        let certificate = params.self_signed(&key)?;

        private_file::write_new(&directory.join(CA_KEY), &key.serialize_pem())?;
        write(&directory.join(CA_CERTIFICATE), &certificate.pem())?;
        let ca = Self::open(directory)?;
        ca.issue_crl(Vec::new())?;
        Ok(ca)
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

    /// The CRL's PEM file, for `crls` in a configuration.
    pub fn crl_path(&self) -> PathBuf {
        self.directory.join(CA_CRL)
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
        let issued = self.write(&request.name, &request.params()?)?;
        Certificate::load(&issued.certificate, &issued.key)?;
        Ok(issued)
    }

    /// Makes a key and a certificate for a person.
    ///
    /// # Errors
    /// A name is malformed, or a file of that name exists already.
    pub fn issue_person(&self, request: &PersonRequest) -> Result<IssuedCertificate, DevelopmentCaError> {
        self.write(&request.name, &request.params()?)
    }

    /// Revokes a certificate of this CA, for good. Doing it again changes nothing.
    ///
    /// # Errors
    /// The file holds no certificate of this CA, or the CRL can't be read or written.
    pub fn revoke(&self, certificate: &Path) -> Result<IssuedCrl, DevelopmentCaError> {
        let serial = self.serial_of(certificate)?;
        let mut revoked = self.revoked()?;
        if !revoked.iter().any(|earlier| earlier.serial_number == serial) {
            revoked.push(RevokedCertParams {
                serial_number: serial,
                revocation_time: OffsetDateTime::now_utc(),
                reason_code: None,
                invalidity_date: None,
            });
        }
        self.issue_crl(revoked)
    }

    /// Writes the CRL again, with a later end.
    ///
    /// # Errors
    /// The CRL can't be read or written.
    pub fn renew_crl(&self) -> Result<IssuedCrl, DevelopmentCaError> {
        self.issue_crl(self.revoked()?)
    }

    /// A certificate with a new key.
    pub(super) fn sign(&self, params: &CertificateParams) -> Result<(rcgen::Certificate, KeyPair), DevelopmentCaError> {
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        Ok((params.signed_by(&key, &self.issuer)?, key))
    }

    fn write(&self, name: &str, params: &CertificateParams) -> Result<IssuedCertificate, DevelopmentCaError> {
        let name = file_name(name).ok_or_else(|| DevelopmentCaError::BadName(name.to_owned()))?;
        let (certificate, key) = self.sign(params)?;
        let issued = IssuedCertificate {
            certificate: self.directory.join(format!("{name}.pem")),
            key: self.directory.join(format!("{name}.key")),
            fingerprint: sha256(certificate.der()),
        };
        private_file::write_new(&issued.key, &key.serialize_pem())?;
        write(&issued.certificate, &certificate.pem())?;
        Ok(issued)
    }

    /// The serial number of a certificate of this CA. Other development CAs have the same name: the signature tells.
    fn serial_of(&self, path: &Path) -> Result<SerialNumber, DevelopmentCaError> {
        let pem = std::fs::read(path).map_err(|source| io_error(path, source))?;
        let chain = certificates_from_pem(&pem)?;
        let leaf = leaf_of(&chain)?;
        let certificate = parse_signing(leaf)?;
        let when_it_was_valid = timestamp(certificate.validity().not_before);
        self.authorities()?
            .verify_chain(leaf, &[], None, when_it_was_valid)
            .map_err(|_| DevelopmentCaError::NotIssuedHere(path.to_owned()))?;
        Ok(certificate.serial.to_bytes_be().into())
    }

    /// What the CRL lists.
    fn revoked(&self) -> Result<Vec<RevokedCertParams>, DevelopmentCaError> {
        let path = self.crl_path();
        let pem = match std::fs::read(&path) {
            Ok(pem) => pem,
            // The CA was made when there were no CRLs.
            Err(source) if source.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(io_error(&path, source)),
        };
        let bad = |error: &dyn std::fmt::Display| DevelopmentCaError::BadCrl {
            path: path.clone(),
            why: error.to_string(),
        };
        let der = CertificateRevocationListDer::from_pem_slice(&pem).map_err(|error| bad(&error))?;
        let (_, crl) = CertificateRevocationList::from_der(&der).map_err(|error| bad(&error))?;
        let again = |earlier: &RevokedCertificate<'_>| RevokedCertParams {
            serial_number: earlier.serial().to_bytes_be().into(),
            revocation_time: earlier.revocation_date.to_datetime(),
            reason_code: None,
            invalidity_date: None,
        };
        Ok(crl.iter_revoked_certificates().map(again).collect())
    }

    fn issue_crl(&self, revoked_certs: Vec<RevokedCertParams>) -> Result<IssuedCrl, DevelopmentCaError> {
        let validity = Validity::lasting(CRL_LIFETIME);
        let next_update = milliseconds(validity.not_after);
        let params = CertificateRevocationListParams {
            this_update: validity.not_before,
            next_update: validity.not_after,
            // A later CRL has a higher number.
            crl_number: next_update.into(),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let path = self.crl_path();
        let pem = params.signed_by(&self.issuer)?.pem()?;
        public_file::replace(&path, pem.as_bytes()).map_err(|source| io_error(&path, source))?;
        Ok(IssuedCrl {
            path,
            revoked: params.revoked_certs.len(),
            next_update,
        })
    }
}

/// Whether a CA's certificate was made by [`DevelopmentCa::create`].
pub(super) fn made(certificate: &[u8]) -> bool {
    X509Certificate::from_der(certificate).is_ok_and(|(_, ca)| {
        let mut organizations = ca.subject().iter_organization();
        organizations.any(|name| name.as_str().is_ok_and(|name| name == ORGANIZATION))
    })
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
        Validity::lasting(LIFETIME).set(&mut params);
        Ok(params)
    }
}

impl PersonRequest {
    pub(super) fn params(&self) -> Result<CertificateParams, DevelopmentCaError> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(person::account_uri(&self.account).try_into()?)];
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, self.name.as_str());
        if let Some(organization) = &self.organization {
            subject.push(DnType::OrganizationName, organization.as_str());
        }
        subject.push(DnType::OrganizationalUnitName, ORGANIZATION);
        if let Some(country) = &self.country {
            if country.len() != 2 || !country.bytes().all(|letter| letter.is_ascii_uppercase()) {
                return Err(DevelopmentCaError::BadCountry(country.clone()));
            }
            let country = DnValue::PrintableString(country.as_str().try_into()?);
            subject.push(DnType::CountryName, country);
        }
        params.distinguished_name = subject;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        self.validity.set(&mut params);
        Ok(params)
    }
}

fn milliseconds(time: OffsetDateTime) -> Timestamp {
    Timestamp::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
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
        milliseconds(OffsetDateTime::now_utc())
    }

    fn person(name: &str) -> PersonRequest {
        PersonRequest {
            name: name.to_owned(),
            account: AccountId([7; 32]),
            organization: None,
            country: None,
            validity: Validity::days(1),
        }
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

    #[test]
    fn the_crl_keeps_what_was_revoked_and_is_renewed() {
        let dir = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::create(dir.path()).unwrap();
        let anna = ca.issue_person(&person("Anna")).unwrap().certificate;
        let ben = ca.issue_person(&person("Ben")).unwrap().certificate;
        assert_eq!(ca.renew_crl().unwrap().revoked, 0);
        let first = ca.revoke(&anna).unwrap();
        assert_eq!((first.revoked, &first.path), (1, &ca.crl_path()));
        assert_eq!(ca.revoke(&anna).unwrap().revoked, 1);

        let reopened = DevelopmentCa::open(dir.path()).unwrap();
        assert_eq!(reopened.revoke(&ben).unwrap().revoked, 2);
        let renewed = reopened.renew_crl().unwrap();
        assert_eq!(renewed.revoked, 2);
        assert!(renewed.next_update >= first.next_update);
        let in_29_days = now() + 29 * 24 * 3_600_000;
        assert!(renewed.next_update > in_29_days);
    }

    #[test]
    fn an_expired_certificate_can_be_revoked_and_another_ca_s_cannot() {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let ca = DevelopmentCa::create(ours.path()).unwrap();
        let mut expired = person("Anna");
        let yesterday = OffsetDateTime::now_utc() - Duration::days(1);
        expired.validity.not_before = yesterday - Duration::days(1);
        expired.validity.not_after = yesterday;
        let expired = ca.issue_person(&expired).unwrap().certificate;
        assert_eq!(ca.revoke(&expired).unwrap().revoked, 1);

        let foreign = DevelopmentCa::create(theirs.path()).unwrap();
        let foreign = foreign.issue_person(&person("Anna")).unwrap().certificate;
        assert!(matches!(ca.revoke(&foreign), Err(DevelopmentCaError::NotIssuedHere(_))));
        assert_eq!(ca.renew_crl().unwrap().revoked, 1);
    }

    #[test]
    fn a_crl_that_cannot_be_read_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::create(dir.path()).unwrap();
        let anna = ca.issue_person(&person("Anna")).unwrap().certificate;
        std::fs::write(ca.crl_path(), "lost").unwrap();
        assert!(matches!(ca.revoke(&anna), Err(DevelopmentCaError::BadCrl { .. })));
        assert!(matches!(ca.renew_crl(), Err(DevelopmentCaError::BadCrl { .. })));
        assert_eq!(std::fs::read_to_string(ca.crl_path()).unwrap(), "lost");

        // A CA that was made when there were no CRLs.
        std::fs::remove_file(ca.crl_path()).unwrap();
        assert_eq!(ca.renew_crl().unwrap().revoked, 0);
    }

    #[test]
    fn a_person_s_key_is_private_and_the_country_is_a_code() {
        let dir = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::create(dir.path()).unwrap();
        let issued = ca.issue_person(&person("Anna Payer")).unwrap();
        assert_eq!(issued.certificate, dir.path().join("anna-payer.pem"));
        assert!(private_file::read(&issued.key).is_ok(), "mode 0600");
        for country in ["de", "DEU", "D", "D\u{e4}", ""] {
            let mut request = person("Ben");
            request.country = Some(country.to_owned());
            let refused = ca.issue_person(&request);
            assert!(
                matches!(refused, Err(DevelopmentCaError::BadCountry(_))),
                "{country}: {refused:?}"
            );
        }
    }

    #[test]
    fn a_development_ca_is_told_from_others_by_its_organization() {
        let dir = tempfile::tempdir().unwrap();
        let ours = DevelopmentCa::create(dir.path()).unwrap();
        assert!(ours.authorities().unwrap().is_development());

        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let other = params.self_signed(&key).unwrap().pem();
        assert!(!Authorities::from_pem(other.as_bytes()).unwrap().is_development());
        let both = other + &std::fs::read_to_string(ours.certificate_path()).unwrap();
        assert!(Authorities::from_pem(both.as_bytes()).unwrap().is_development());
    }
}
