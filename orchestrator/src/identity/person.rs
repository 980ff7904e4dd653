//! Payers and payees: persons, each known by an X.509 certificate of a configured CA (S1.4).
//!
//! A person's certificate binds the account that the person signs with: one URI among its subject alternative names is
//! `urn:quittance:account:0x` and the account's 64 hex digits. Nothing is proved with the certificate's own key, so it
//! may be of any kind.
use std::path::{Path, PathBuf};

use protocol::{
    text::{self, to_hex},
    AccountId, Timestamp,
};
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use webpki::{
    CertRevocationList, ExpirationPolicy, RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy,
};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, x509::AttributeTypeAndValue};

use super::{
    certificate::{certificates_from_pem, leaf_of, parse_signing, timestamp, Authorities, CertificateError},
    crl::{CrlError, Crls},
};

const ACCOUNT_URI: &str = "urn:quittance:account:";
/// A person's certificate and those between it and the CA.
const MAX_CERTIFICATES: usize = 4;
/// Of PEM text, in bytes.
const MAX_TEXT: usize = 16 * 1024;

/// The CAs of persons can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PersonsError {
    /// Their certificates can't be used.
    #[error(transparent)]
    Ca(#[from] CertificateError),
    /// What they revoked can't be read.
    #[error(transparent)]
    Crl(#[from] CrlError),
}

/// A person's certificate isn't accepted.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// It, or one between it and the CA, isn't what it should be.
    #[error("the certificate is malformed: {0}")]
    Malformed(String),
    /// It, or one between it and the CA, is valid no more.
    #[error("the certificate, or one between it and the CA, has expired: present a renewed one")]
    Expired,
    /// It, or one between it and the CA, isn't valid yet.
    #[error("the certificate, or one between it and the CA, isn't valid yet: present it later")]
    NotYetValid,
    /// It doesn't lead to a configured CA.
    #[error(
        "the certificate isn't trusted ({0}): present one of a CA that is accepted here, and those between the two"
    )]
    Untrusted(webpki::Error),
    /// The CA revoked it, or one between it and the CA.
    #[error("the certificate, or one between it and the CA, is revoked: present another one")]
    Revoked,
    /// It is for something else.
    #[error("the certificate may not be used to identify a person: {0}")]
    Usage(&'static str),
    /// It binds no account.
    #[error(
        "the certificate binds no account: its subject alternative names need a URI {}0x…",
        ACCOUNT_URI
    )]
    WithoutAccount,
    /// It binds several accounts.
    #[error("the certificate binds several accounts: present one for each account")]
    SeveralAccounts,
    /// It binds another account than the one that signs.
    #[error(
        "the certificate is for account {}, but {} signs: present the certificate of the one that signs",
        to_hex(bound.as_ref()),
        to_hex(signing.as_ref())
    )]
    OfAnotherAccount {
        /// The account in the certificate.
        bound: AccountId,
        /// The account that signs.
        signing: AccountId,
    },
    /// A configured CRL can't be used.
    #[error("whether the certificate is revoked can't be told: {0}")]
    Crl(#[from] CrlError),
    /// The CRL is too old.
    #[error("whether the certificate is revoked can't be told: its CA's CRL has expired, so the CA must renew it")]
    CrlExpired,
    /// No configured CRL tells.
    #[error(
        "whether the certificate is revoked can't be told ({0}): the CRLs of all CAs that issue must be configured"
    )]
    RevocationUnknown(webpki::Error),
}

impl PersonError {
    /// Whether the same certificate may hold later: what is revoked isn't known now, or its time hasn't come.
    pub const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Crl(_) | Self::CrlExpired | Self::RevocationUnknown(_) | Self::NotYetValid
        )
    }

    /// For programs. It never changes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "certificate-malformed",
            Self::Expired => "certificate-expired",
            Self::NotYetValid => "certificate-not-yet-valid",
            Self::Untrusted(_) => "certificate-untrusted",
            Self::Revoked => "certificate-revoked",
            Self::Usage(_) => "certificate-usage",
            Self::WithoutAccount => "certificate-without-account",
            Self::SeveralAccounts => "certificate-of-several-accounts",
            Self::OfAnotherAccount { .. } => "certificate-of-another-account",
            Self::Crl(_) | Self::CrlExpired | Self::RevocationUnknown(_) => "revocation-unknown",
        }
    }
}

impl From<webpki::Error> for PersonError {
    fn from(error: webpki::Error) -> Self {
        use webpki::Error as Fault;
        match error {
            Fault::CertExpired { .. } => Self::Expired,
            Fault::CertNotValidYet { .. } => Self::NotYetValid,
            Fault::CertRevoked => Self::Revoked,
            Fault::CrlExpired { .. } => Self::CrlExpired,
            Fault::UnknownRevocationStatus
            | Fault::InvalidCrlSignatureForPublicKey
            | Fault::IssuerNotCrlSigner
            | Fault::UnsupportedCrlSignatureAlgorithmContext(_)
            | Fault::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => Self::RevocationUnknown(error),
            Fault::RequiredEkuNotFoundContext(_) | Fault::EmptyEkuExtension => {
                Self::Usage("its extended key usage doesn't permit client authentication")
            }
            Fault::CaUsedAsEndEntity => Self::Usage("it is a CA's"),
            Fault::BadDer
            | Fault::BadDerTime
            | Fault::ExtensionValueInvalid
            | Fault::InvalidCertValidity
            | Fault::InvalidSerialNumber
            | Fault::MalformedExtensions
            | Fault::SignatureAlgorithmMismatch
            | Fault::TrailingData(_)
            | Fault::UnsupportedCertVersion
            | Fault::UnsupportedCriticalExtension => Self::Malformed(error.to_string()),
            _ => Self::Untrusted(error),
        }
    }
}

/// A certificate that was read from what a person presents.
impl From<CertificateError> for PersonError {
    fn from(error: CertificateError) -> Self {
        match error {
            CertificateError::MayNotSign => Self::Usage("its key usage doesn't permit digital signatures"),
            CertificateError::Malformed(why) => Self::Malformed(why),
            other => Self::Malformed(other.to_string()),
        }
    }
}

/// The CAs that identify persons, and what they revoked. A CA counts as long as its certificate stands in the file,
/// whatever dates are in that.
#[derive(Debug)]
pub struct Persons {
    authorities: Authorities,
    crls: Crls,
}

impl Persons {
    /// Loads the CAs' certificates (PEM) and their CRLs (PEM or DER). A CRL's file is read anew when it changed.
    ///
    /// With CRLs, there must be one of every CA that issued a certificate of a chain, also of those between a person's
    /// certificate and the configured CA. Without any, nothing counts as revoked.
    ///
    /// # Errors
    /// A file can't be read or isn't what it should be, or two CRLs are of the same CA.
    pub fn load(ca: &Path, crls: &[PathBuf]) -> Result<Self, PersonsError> {
        Ok(Self {
            authorities: Authorities::load(ca)?,
            crls: Crls::load(crls)?,
        })
    }

    /// Whether one of the CAs was made by `quittance ca`. Whoever has its directory can pass for anybody.
    pub fn is_development(&self) -> bool {
        self.authorities.is_development()
    }

    /// Checks what a person presents (PEM: its certificate first, then those between it and the CA) against the account
    /// that the person signs with, at `now`. Looks at the CRLs' files, so it may block for a moment.
    ///
    /// # Errors
    /// The first thing that is wrong with it, or a CRL can't be used.
    pub fn verify(&self, pem: &str, account: &AccountId, now: Timestamp) -> Result<Person, PersonError> {
        let chain = read_chain(pem)?;
        let (leaf, intermediates) = (leaf_of(&chain)?, chain.get(1..).unwrap_or_default());
        let crls = self.crls.current()?;
        let crls: Vec<&CertRevocationList<'_>> = crls.iter().map(|crl| &**crl).collect();
        // It is `Err` only without any CRL, and then none is configured.
        let revocation = RevocationOptionsBuilder::new(&crls).ok().map(|options| {
            options
                .with_depth(RevocationCheckDepth::Chain)
                .with_status_policy(UnknownStatusPolicy::Deny)
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .build()
        });
        self.authorities.verify_chain(leaf, intermediates, revocation, now)?;
        let person = Person::read(leaf)?;
        if person.account != *account {
            return Err(PersonError::OfAnotherAccount {
                bound: person.account,
                signing: *account,
            });
        }
        Ok(person)
    }
}

fn read_chain(pem: &str) -> Result<Vec<CertificateDer<'static>>, PersonError> {
    if pem.len() > MAX_TEXT {
        return Err(PersonError::Malformed(format!("it is longer than {MAX_TEXT} bytes")));
    }
    let chain = certificates_from_pem(pem.as_bytes())?;
    if chain.len() > MAX_CERTIFICATES {
        return Err(PersonError::Malformed(format!(
            "more than {MAX_CERTIFICATES} certificates are presented"
        )));
    }
    Ok(chain)
}

/// A person, as the certificate says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The account that the person signs with.
    #[serde(with = "text::account")]
    pub account: AccountId,
    /// sha256 of the certificate's DER encoding.
    #[serde(with = "text::bytes")]
    pub fingerprint: [u8; 32],
    /// The whole subject, for people.
    pub subject: String,
    /// The subject's common name.
    pub common_name: Option<String>,
    /// The subject's organization.
    pub organization: Option<String>,
    /// The subject's country.
    pub country: Option<String>,
    /// The CA that issued the certificate, for people.
    pub issuer: String,
    /// The certificate's number at its CA: `0x…`.
    pub serial: String,
    /// Valid until then, in milliseconds since the Unix epoch.
    pub expires_at: Timestamp,
}

impl Person {
    /// Reads a DER certificate without judging whether it can be trusted.
    fn read(der: &[u8]) -> Result<Self, PersonError> {
        let certificate = parse_signing(der)?;
        let subject = certificate.subject();
        Ok(Self {
            account: bound_account(&certificate)?,
            fingerprint: Sha256::digest(der).into(),
            subject: subject.to_string(),
            common_name: first_text(subject.iter_common_name()),
            organization: first_text(subject.iter_organization()),
            country: first_text(subject.iter_country()),
            issuer: certificate.issuer().to_string(),
            serial: to_hex(&certificate.serial.to_bytes_be()),
            expires_at: timestamp(certificate.validity().not_after),
        })
    }
}

fn first_text<'a>(mut attributes: impl Iterator<Item = &'a AttributeTypeAndValue<'a>>) -> Option<String> {
    attributes.next()?.as_str().ok().map(str::to_owned)
}

fn bound_account(certificate: &X509Certificate<'_>) -> Result<AccountId, PersonError> {
    let names = certificate
        .subject_alternative_name()
        .map_err(|error| PersonError::Malformed(error.to_string()))?;
    let names = names.map_or(&[][..], |names| &names.value.general_names);
    let mut bound = names.iter().filter_map(account_in);
    let account = bound.next().ok_or(PersonError::WithoutAccount)?;
    if bound.next().is_some() {
        return Err(PersonError::SeveralAccounts);
    }
    let read = account
        .starts_with("0x")
        .then(|| text::from_hex(account).ok())
        .flatten();
    read.map(AccountId).ok_or_else(|| {
        PersonError::Malformed(format!(
            "{ACCOUNT_URI}{account} is no account: it needs 0x and 64 hex digits"
        ))
    })
}

/// What stands for the account in such a URI, well-formed or not. The beginning of a URN may be in capitals.
fn account_in<'a>(name: &'a GeneralName<'_>) -> Option<&'a str> {
    let GeneralName::URI(uri) = name else { return None };
    let (beginning, account) = uri.split_at_checked(ACCOUNT_URI.len())?;
    beginning.eq_ignore_ascii_case(ACCOUNT_URI).then_some(account)
}

/// How a certificate binds an account.
pub(super) fn account_uri(account: &AccountId) -> String {
    format!("{ACCOUNT_URI}{}", to_hex(account.as_ref()))
}

#[cfg(test)]
#[path = "person_tests.rs"]
mod tests;
