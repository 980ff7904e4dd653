//! TLS between institutions: the configured CAs are the only roots, and the institution's certificate is used on both
//! sides of a connection.
use std::sync::Arc;

use rustls::{
    crypto::{ring, CryptoProvider},
    server::{VerifierBuilderError, WebPkiClientVerifier},
    ClientConfig, RootCertStore, ServerConfig,
};

use super::{Authorities, Certificate};

const HTTP_1_1: &[u8] = b"http/1.1";

/// TLS can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate or its key is unusable.
    #[error("TLS can't be set up with the institution's certificate: {0}")]
    Rustls(#[from] rustls::Error),
    /// The CAs are unusable.
    #[error("TLS can't be set up with the configured CA: {0}")]
    Authorities(#[from] VerifierBuilderError),
}

/// For requests to other institutions: shows the own certificate to a server that asks for one.
///
/// # Errors
/// The certificate is unusable.
pub fn client_config(certificate: &Certificate, authorities: &Authorities) -> Result<ClientConfig, TlsError> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(authorities.roots())
        .with_client_auth_cert(certificate.chain(), certificate.private_key())?;
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    Ok(config)
}

/// For requests to servers that are no institutions: no certificate is shown.
///
/// # Errors
/// TLS can't be set up.
pub fn public_client_config(roots: RootCertStore) -> Result<ClientConfig, TlsError> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    Ok(config)
}

/// The CAs that this machine trusts.
pub fn machine_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let (taken, passed_over) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    tracing::debug!(taken, passed_over, "the machine's CAs are read");
    roots
}

/// For the own listener. With `client_certificates`, a connection without a certificate from one of the CAs is refused.
///
/// # Errors
/// The certificate or the CAs are unusable.
pub fn server_config(
    certificate: &Certificate,
    authorities: &Authorities,
    client_certificates: bool,
) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder = if client_certificates {
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(authorities.roots()), provider()).build()?;
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_single_cert(certificate.chain(), certificate.private_key())?;
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    Ok(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
