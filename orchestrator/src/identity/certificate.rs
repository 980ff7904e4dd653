//! X.509 certificates: this institution's own, and what is asked of another's.
//!
//! An institution has one Ed25519 certificate. It signs the requests to other institutions and, where TLS is used, it
//! is both server and client certificate. The registry holds its fingerprint.
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use httpsig::prelude::{AlgorithmName, PublicKey, SecretKey};
use protocol::Timestamp;
use rustls::pki_types::{
    pem::PemObject as _, CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, TrustAnchor, UnixTime,
};
use sha2::{Digest as _, Sha256};
use webpki::RevocationOptions;
use x509_parser::{oid_registry::OID_SIG_ED25519, prelude::*};

use super::{
    development_ca,
    private_file::{self, PrivateFileError},
};

/// A certificate or its key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file can't be read.
    #[error("{} can't be read: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file with the private key can't be used.
    #[error(transparent)]
    Key(#[from] PrivateFileError),
    /// The PEM text isn't what it should be.
    #[error("no {what} can be read from the PEM text: {why}")]
    BadPem {
        /// What was expected.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The certificate itself is malformed.
    #[error("the certificate is malformed: {0}")]
    Malformed(String),
    /// Only Ed25519 is used between institutions.
    #[error("the certificate's key is not Ed25519: issue one with an Ed25519 key")]
    NotEd25519,
    /// The key is another certificate's.
    #[error(
        "the private key doesn't belong to the certificate: check `certificate` and `certificate_key` under [keys]"
    )]
    KeyMismatch,
    /// The certificate may not sign.
    #[error("the certificate's key usage doesn't permit digital signatures")]
    MayNotSign,
    /// The chain doesn't lead to a configured CA, or isn't valid now.
    #[error("the certificate isn't trusted: {0}")]
    Untrusted(webpki::Error),
}

/// This institution's certificate with its private key. Its `Debug` shows the fingerprint only.
#[derive(Clone)]
pub struct Certificate {
    inner: Arc<Inner>,
}

struct Inner {
    chain: Vec<CertificateDer<'static>>,
    key: PrivatePkcs8KeyDer<'static>,
    signing: SecretKey,
    facts: PeerCertificate,
}

impl Certificate {
    /// Loads the certificate (leaf first, then intermediates, if any) and its Ed25519 key (PKCS#8, mode 0600).
    ///
    /// # Errors
    /// A file can't be read or isn't what it should be, or the key belongs to another certificate.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        Self::from_pem(&read_public(certificate)?, private_file::read(key)?.as_bytes())
    }

    /// The same, from PEM text.
    ///
    /// # Errors
    /// The text isn't what it should be, or the key belongs to another certificate.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let chain = certificates_from_pem(certificate)?;
        let facts = PeerCertificate::read(leaf_of(&chain)?)?;

        let key = PrivatePkcs8KeyDer::from_pem_slice(key).map_err(|error| CertificateError::BadPem {
            what: "PKCS#8 private key",
            why: error.to_string(),
        })?;
        // Checks shape and algorithm before another parser reads the same bytes.
        rustls::crypto::ring::sign::any_eddsa_type(&key).map_err(|_| CertificateError::NotEd25519)?;
        let signing = SecretKey::from_der(&AlgorithmName::Ed25519, key.secret_pkcs8_der())
            .map_err(|_| CertificateError::NotEd25519)?;
        match signing.public_key() {
            PublicKey::Ed25519(public) if public.as_ref() == facts.public_key => {}
            _ => return Err(CertificateError::KeyMismatch),
        }
        let inner = Inner {
            chain,
            key,
            signing,
            facts,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What others see of it.
    pub fn facts(&self) -> &PeerCertificate {
        &self.inner.facts
    }

    /// sha256 of the leaf's DER encoding, as the registry holds it.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.inner.facts.fingerprint
    }

    /// The leaf's DER encoding.
    pub fn leaf(&self) -> &[u8] {
        // `from_pem` refuses an empty chain.
        self.inner.chain.first().map_or(&[], |leaf| leaf.as_ref())
    }

    /// Leaf and intermediates, for TLS.
    pub(super) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.inner.chain.clone()
    }

    /// The private key, for TLS.
    pub(super) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.inner.key.clone_key())
    }

    /// The private key, for HTTP message signatures.
    pub(crate) fn signing_key(&self) -> &SecretKey {
        &self.inner.signing
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({})", hex::encode(self.fingerprint()))
    }
}

/// What a certificate says about its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// sha256 of the DER encoding.
    pub fingerprint: [u8; 32],
    /// The Ed25519 key.
    pub public_key: [u8; 32],
    /// Its subject, for people.
    pub subject: String,
    /// Valid until then, in milliseconds since the Unix epoch.
    pub expires_at: Timestamp,
}

impl PeerCertificate {
    /// Reads a DER certificate without judging whether it can be trusted.
    fn read(der: &[u8]) -> Result<Self, CertificateError> {
        let certificate = parse_signing(der)?;
        let key = certificate.public_key();
        if key.algorithm.algorithm != OID_SIG_ED25519 {
            return Err(CertificateError::NotEd25519);
        }
        Ok(Self {
            fingerprint: Sha256::digest(der).into(),
            public_key: key
                .subject_public_key
                .data
                .as_ref()
                .try_into()
                .map_err(|_| CertificateError::NotEd25519)?,
            subject: certificate.subject().to_string(),
            expires_at: timestamp(certificate.validity().not_after),
        })
    }
}

/// The CAs that certificates must chain to. Every certificate in the file is an anchor, so an intermediate CA that
/// issues to institutions directly is listed there too.
#[derive(Clone, Debug)]
pub struct Authorities {
    anchors: Arc<Vec<TrustAnchor<'static>>>,
    is_development: bool,
}

impl Authorities {
    /// Loads the CA certificates from a PEM file.
    ///
    /// # Errors
    /// The file can't be read, or holds no CA certificate.
    pub fn load(path: &Path) -> Result<Self, CertificateError> {
        Self::from_pem(&read_public(path)?)
    }

    /// The same, from PEM text.
    ///
    /// # Errors
    /// The text holds no CA certificate.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        let certificates = certificates_from_pem(pem)?;
        let anchors = certificates
            .iter()
            .map(|der| webpki::anchor_from_trusted_cert(der).map(|anchor| anchor.to_owned()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| CertificateError::Malformed(error.to_string()))?;
        if anchors.is_empty() {
            return Err(CertificateError::BadPem {
                what: "CA certificate",
                why: "there is none".to_owned(),
            });
        }
        Ok(Self {
            anchors: Arc::new(anchors),
            is_development: certificates.iter().any(|der| development_ca::made(der)),
        })
    }

    /// Whether one of them was made by `quittance ca`. Whoever has its directory can pass for anybody.
    pub fn is_development(&self) -> bool {
        self.is_development
    }

    /// Checks that a DER certificate chains to one of these CAs, is valid at `now`, and may sign as a client.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn verify(&self, der: &[u8], now: Timestamp) -> Result<PeerCertificate, CertificateError> {
        let der = CertificateDer::from(der);
        self.verify_chain(&der, &[], None, now)
            .map_err(CertificateError::Untrusted)?;
        PeerCertificate::read(&der)
    }

    /// Checks that a certificate chains to one of these CAs by way of `intermediates`, that all of them are valid at
    /// `now` and not revoked, and that the leaf may be a client's.
    pub(super) fn verify_chain(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        revocation: Option<RevocationOptions<'_>>,
        now: Timestamp,
    ) -> Result<(), webpki::Error> {
        webpki::EndEntityCert::try_from(leaf)?.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &self.anchors,
            intermediates,
            UnixTime::since_unix_epoch(Duration::from_millis(now)),
            webpki::KeyUsage::client_auth(),
            revocation,
            None,
        )?;
        Ok(())
    }

    /// As the only roots of TLS.
    pub(crate) fn roots(&self) -> rustls::RootCertStore {
        rustls::RootCertStore {
            roots: self.anchors.as_ref().clone(),
        }
    }
}

fn read_public(path: &Path) -> Result<Vec<u8>, CertificateError> {
    std::fs::read(path).map_err(|source| CertificateError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Reads a DER certificate that may sign, without judging whether it can be trusted.
pub(super) fn parse_signing(der: &[u8]) -> Result<X509Certificate<'_>, CertificateError> {
    let malformed = |error: &dyn std::fmt::Display| CertificateError::Malformed(error.to_string());
    let (rest, certificate) = X509Certificate::from_der(der).map_err(|error| malformed(&error))?;
    if !rest.is_empty() {
        return Err(malformed(&"bytes follow it"));
    }
    let usage = certificate.key_usage().map_err(|error| malformed(&error))?;
    if usage.is_some_and(|usage| !usage.value.digital_signature()) {
        return Err(CertificateError::MayNotSign);
    }
    Ok(certificate)
}

/// A certificate's time, which is in seconds.
pub(super) fn timestamp(time: ASN1Time) -> Timestamp {
    u64::try_from(time.timestamp()).unwrap_or_default().saturating_mul(1000)
}

/// The certificate that the others in a PEM text lead from.
pub(super) fn leaf_of<'a>(
    chain: &'a [CertificateDer<'static>],
) -> Result<&'a CertificateDer<'static>, CertificateError> {
    chain.first().ok_or(CertificateError::BadPem {
        what: "certificate",
        why: "there is none".to_owned(),
    })
}

pub(super) fn certificates_from_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| CertificateError::BadPem {
            what: "certificate",
            why: error.to_string(),
        })
}
