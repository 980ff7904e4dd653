//! Who this institution is: its sr25519 keys and its X.509 certificate. Who payers and payees are: their certificates.
pub mod certificate;
pub mod crl;
pub mod development_ca;
pub mod keys;
pub mod person;
pub mod private_file;
pub mod public_file;
pub mod tls;
pub mod webhook_secret;

pub use certificate::{Authorities, Certificate, CertificateError, PeerCertificate};
pub use development_ca::{CertificateRequest, DevelopmentCa, IssuedCertificate, PersonRequest, Validity};
pub use keys::{verify, KeyError, KeyFile, SigningKey};
pub use person::{Person, PersonError, Persons, PersonsError};
