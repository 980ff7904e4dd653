//! Who this institution is: its sr25519 keys and its X.509 certificate.
pub mod certificate;
pub mod development_ca;
pub mod keys;
pub mod private_file;
pub mod public_file;
pub mod tls;
pub mod webhook_secret;

pub use certificate::{Authorities, Certificate, CertificateError, PeerCertificate};
pub use development_ca::{CertificateRequest, DevelopmentCa, IssuedCertificate};
pub use keys::{verify, KeyError, KeyFile, SigningKey};
