//! The signed envelope around a request from one institution to another.
use std::sync::Arc;

use base64::{engine::general_purpose::STANDARD as BASE64, Engine as _};
use bytes::Bytes;
use http::{header::CONTENT_TYPE, request::Parts, HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::Full;
use httpsig_hyper::{
    prelude::{
        message_component::HttpMessageComponentId, AlgorithmName, HttpSignatureBase, HttpSignatureHeaders,
        HttpSignatureParams, PublicKey,
    },
    ContentDigest as _, ContentDigestType, MessageSignatureReq as _, RequestContentDigest as _,
};
use protocol::{
    registry::{Institution, Status},
    Member, Timestamp,
};

use super::directory::{CachedDirectory, Directory, DirectoryError};
use crate::{
    identity::{Authorities, Certificate, CertificateError, PeerCertificate},
    settlement::ports::Clock,
    store::{Store, StoreError},
};

/// The sender's certificate, as RFC 9440 writes it.
const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");
/// The sender's member index.
const SENDER: HeaderName = HeaderName::from_static("quittance-sender");
/// The receiver's member index: a request to one institution is worthless at another.
const RECEIVER: HeaderName = HeaderName::from_static("quittance-receiver");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const SIGNATURE: HeaderName = HeaderName::from_static("signature");
const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");

/// What every signature covers. Not `@authority`: a proxy may call the receiver by another name.
const COVERED: [&str; 8] = [
    "@method",
    "@path",
    "@query",
    "content-digest",
    "content-type",
    "client-cert",
    "quittance-sender",
    "quittance-receiver",
];
const SIGNATURE_NAME: &str = "quittance";

/// How far a request's time may be from the receiver's, in milliseconds.
pub const CLOCK_SKEW: Timestamp = 60_000;
/// Accepted lengths of a nonce; [`Sealer`] sends 32 random bytes in base64.
const NONCE_LENGTH: std::ops::RangeInclusive<usize> = 16..=128;

/// A request between institutions can't be accepted, or can't be signed.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// A header of the envelope is missing.
    #[error("the {0} header is missing: sign the request with the institution's certificate key (RFC 9421)")]
    MissingSignature(HeaderName),
    /// A header of the envelope can't be read, or stands there twice.
    #[error("the {0} header can't be read: {1}")]
    MalformedHeader(HeaderName, &'static str),
    /// The body isn't the one that the digest was made of.
    #[error("the Content-Digest header doesn't match the body: {0}")]
    BadDigest(httpsig_hyper::HyperDigestError),
    /// The certificate isn't good for signing requests to this institution.
    #[error("{0}: use a certificate that the consortium's CA issued and that is valid now")]
    UntrustedCertificate(CertificateError),
    /// No institution has the claimed index.
    #[error("no institution is registered as member {0}: check the member index in the sender's configuration")]
    UnknownMember(Member),
    /// The registry holds another certificate for the claimed member.
    #[error(
        "the registry doesn't hold this certificate (fingerprint {fingerprint}) for member {member}: register it, or use the one that is registered"
    )]
    CertificateNotRegistered {
        /// The claimed sender.
        member: Member,
        /// Of the certificate presented.
        fingerprint: String,
    },
    /// The claimed member may not act.
    #[error("member {0} is suspended or revoked in the registry")]
    MemberNotActive(Member),
    /// The signature isn't the certificate key's, or doesn't cover what it must.
    #[error("the signature is not acceptable: {0}")]
    BadSignature(String),
    /// The request is too old, or from the future.
    #[error(
        "the request was signed at {created} s, this institution's clock says {now} s: set the clocks, the difference may be 60 s"
    )]
    StaleRequest {
        /// Seconds since the Unix epoch.
        created: u64,
        /// Seconds since the Unix epoch.
        now: u64,
    },
    /// The request is for another institution.
    #[error(
        "the request is for member {meant}, this is member {me}: check the URL of the peer's entry under [[peers]]"
    )]
    WrongReceiver {
        /// Whom it is for.
        meant: Member,
        /// Who got it.
        me: Member,
    },
    /// The request came before.
    #[error("this request was received before: sign every attempt anew, with its own nonce")]
    ReplayedRequest,
    /// The registry can't be read now.
    #[error("the sender can't be looked up now, try again later")]
    RegistryUnavailable(#[source] DirectoryError),
    /// The own database fails.
    #[error("the request can't be recorded now, try again later")]
    StoreUnavailable(#[source] StoreError),
    /// Signing failed.
    #[error("the request can't be signed: {0}")]
    Sealing(String),
}

impl EnvelopeError {
    /// A stable code for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingSignature(_) => "missing-signature",
            Self::MalformedHeader(..) => "malformed-header",
            Self::BadDigest(_) => "bad-digest",
            Self::UntrustedCertificate(_) => "untrusted-certificate",
            Self::UnknownMember(_) => "unknown-member",
            Self::CertificateNotRegistered { .. } => "certificate-not-registered",
            Self::MemberNotActive(_) => "member-not-active",
            Self::BadSignature(_) => "bad-signature",
            Self::StaleRequest { .. } => "stale-request",
            Self::WrongReceiver { .. } => "wrong-receiver",
            Self::ReplayedRequest => "replayed-request",
            Self::RegistryUnavailable(_) => "registry-unavailable",
            Self::StoreUnavailable(_) => "store-unavailable",
            Self::Sealing(_) => "sealing-failed",
        }
    }

    /// The HTTP status to answer with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::MissingSignature(_)
            | Self::BadDigest(_)
            | Self::UntrustedCertificate(_)
            | Self::BadSignature(_)
            | Self::StaleRequest { .. }
            | Self::ReplayedRequest => StatusCode::UNAUTHORIZED,
            Self::UnknownMember(_)
            | Self::CertificateNotRegistered { .. }
            | Self::MemberNotActive(_)
            | Self::WrongReceiver { .. } => StatusCode::FORBIDDEN,
            Self::MalformedHeader(..) => StatusCode::BAD_REQUEST,
            Self::RegistryUnavailable(_) | Self::StoreUnavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Sealing(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Puts this institution's requests into envelopes.
#[derive(Clone)]
pub struct Sealer {
    me: Member,
    certificate: Certificate,
    clock: Arc<dyn Clock>,
}

impl Sealer {
    /// For the institution `me`, whose certificate is in the registry.
    pub fn new(me: Member, certificate: Certificate, clock: Arc<dyn Clock>) -> Self {
        Self { me, certificate, clock }
    }

    /// Signs a request to `receiver`. Every call takes a new nonce: sign each attempt anew.
    ///
    /// # Errors
    /// The request has no content type, or a header that can't be signed.
    pub async fn sign(&self, receiver: Member, request: Request<Bytes>) -> Result<Request<Bytes>, EnvelopeError> {
        let (mut parts, body) = request.into_parts();
        if !parts.headers.contains_key(CONTENT_TYPE) {
            return Err(EnvelopeError::Sealing("it has no content type".to_owned()));
        }
        let digest = ContentDigestType::Sha256;
        let (body, encoded) = Full::new(body)
            .into_bytes_with_digest(&digest)
            .await
            .map_err(|never| match never {})?;
        parts
            .headers
            .insert(CONTENT_DIGEST, header_value(format!("{digest}=:{encoded}:"))?);
        let certificate = BASE64.encode(self.certificate.leaf());
        parts
            .headers
            .insert(CLIENT_CERT, header_value(format!(":{certificate}:"))?);
        parts.headers.insert(SENDER, HeaderValue::from(self.me.0));
        parts.headers.insert(RECEIVER, HeaderValue::from(receiver.0));

        let mut request = Request::from_parts(parts, Full::new(body.clone()));
        request
            .set_message_signature(&self.params()?, self.certificate.signing_key(), Some(SIGNATURE_NAME))
            .await
            .map_err(|error| EnvelopeError::Sealing(error.to_string()))?;
        Ok(request.map(|_| body))
    }

    fn params(&self) -> Result<HttpSignatureParams, EnvelopeError> {
        let mut params =
            HttpSignatureParams::try_new(&covered()?).map_err(|error| EnvelopeError::Sealing(error.to_string()))?;
        params
            .set_created(self.clock.now() / 1000)
            .set_random_nonce()
            .set_alg(&AlgorithmName::Ed25519)
            .set_keyid(&hex::encode(self.certificate.fingerprint()));
        Ok(params)
    }
}

/// Opens the envelopes of other institutions' requests.
pub struct Verifier {
    me: Member,
    authorities: Authorities,
    directory: CachedDirectory,
    store: Store,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// For the institution `me`. Nonces are kept in `store`.
    pub fn new(
        me: Member,
        authorities: Authorities,
        directory: Arc<dyn Directory>,
        store: Store,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            me,
            authorities,
            directory: CachedDirectory::new(directory),
            store,
            clock,
        }
    }

    /// Says which member sent this request.
    ///
    /// # Errors
    /// In this order: a header is missing, the digest isn't the body's, the certificate isn't trusted, or not
    /// registered for an active member, the signature is wrong, the request is stale, for somebody else, or was here
    /// before. A nonce is used up only by a request that is good in every other respect.
    pub async fn verify(&self, parts: &Parts, body: &Bytes) -> Result<Member, EnvelopeError> {
        let now = self.clock.now();
        let headers = Headers::read(&parts.headers)?;

        let request = Request::from_parts(parts.clone(), Full::new(body.clone()))
            .verify_content_digest()
            .await
            .map_err(EnvelopeError::BadDigest)?;

        let certificate = self
            .authorities
            .verify(&headers.certificate, now)
            .map_err(EnvelopeError::UntrustedCertificate)?;
        self.ensure_registered(headers.sender, &certificate, now).await?;

        let signatures = request
            .extract_signatures()
            .map_err(|error| EnvelopeError::BadSignature(error.to_string()))?;
        let mut signatures = signatures.into_values();
        let (Some((base, signed)), None) = (signatures.next(), signatures.next()) else {
            return Err(EnvelopeError::BadSignature(
                "one signature is expected, over components that the request has".to_owned(),
            ));
        };
        let signed = Signed::verify(&base, &signed, &certificate)?;

        if signed.created.abs_diff(now) > CLOCK_SKEW {
            return Err(EnvelopeError::StaleRequest {
                created: signed.created / 1000,
                now: now / 1000,
            });
        }
        if headers.receiver != self.me {
            return Err(EnvelopeError::WrongReceiver {
                meant: headers.receiver,
                me: self.me,
            });
        }
        let fresh_until = signed.created.saturating_add(CLOCK_SKEW);
        let new = self
            .store
            .remember_nonce(headers.sender, &signed.nonce, fresh_until, now)
            .await
            .map_err(EnvelopeError::StoreUnavailable)?;
        if new {
            Ok(headers.sender)
        } else {
            Err(EnvelopeError::ReplayedRequest)
        }
    }

    async fn ensure_registered(
        &self,
        member: Member,
        certificate: &PeerCertificate,
        now: Timestamp,
    ) -> Result<(), EnvelopeError> {
        let good = |institution: &Institution| {
            institution.certificate == certificate.fingerprint && institution.status == Status::Active
        };
        let institution = self
            .directory
            .institution(member, now, good)
            .await
            .map_err(EnvelopeError::RegistryUnavailable)?
            .ok_or(EnvelopeError::UnknownMember(member))?;
        if institution.certificate != certificate.fingerprint {
            return Err(EnvelopeError::CertificateNotRegistered {
                member,
                fingerprint: hex::encode(certificate.fingerprint),
            });
        }
        if institution.status != Status::Active {
            return Err(EnvelopeError::MemberNotActive(member));
        }
        Ok(())
    }
}

/// The envelope's own headers.
struct Headers {
    sender: Member,
    receiver: Member,
    certificate: Vec<u8>,
}

impl Headers {
    fn read(headers: &HeaderMap) -> Result<Self, EnvelopeError> {
        for name in [SIGNATURE, SIGNATURE_INPUT, CONTENT_DIGEST, CONTENT_TYPE] {
            single(headers, &name)?;
        }
        Ok(Self {
            certificate: certificate(single(headers, &CLIENT_CERT)?)?,
            sender: member(SENDER, single(headers, &SENDER)?)?,
            receiver: member(RECEIVER, single(headers, &RECEIVER)?)?,
        })
    }
}

/// The one value of a header. Two would leave open which of them counts.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, EnvelopeError> {
    let mut values = headers.get_all(name).iter();
    let value = values
        .next()
        .ok_or_else(|| EnvelopeError::MissingSignature(name.clone()))?;
    if values.next().is_some() {
        return Err(EnvelopeError::MalformedHeader(name.clone(), "it stands there twice"));
    }
    value
        .to_str()
        .map_err(|_| EnvelopeError::MalformedHeader(name.clone(), "it isn't ASCII"))
}

fn member(name: HeaderName, text: &str) -> Result<Member, EnvelopeError> {
    text.parse()
        .map(Member)
        .map_err(|_| EnvelopeError::MalformedHeader(name, "it isn't a member index"))
}

fn certificate(text: &str) -> Result<Vec<u8>, EnvelopeError> {
    text.strip_prefix(':')
        .and_then(|text| text.strip_suffix(':'))
        .and_then(|text| BASE64.decode(text).ok())
        .ok_or(EnvelopeError::MalformedHeader(
            CLIENT_CERT,
            "it isn't a certificate's DER encoding in base64 between colons (RFC 9440)",
        ))
}

/// What a verified signature says about itself.
struct Signed {
    /// Milliseconds since the Unix epoch.
    created: Timestamp,
    nonce: String,
}

impl Signed {
    fn verify(
        base: &HttpSignatureBase,
        headers: &HttpSignatureHeaders,
        certificate: &PeerCertificate,
    ) -> Result<Self, EnvelopeError> {
        let bad = |why: &str| EnvelopeError::BadSignature(why.to_owned());
        let params = headers.signature_params();
        let uncovered = covered()?
            .into_iter()
            .find(|component| !base.covered_components().contains(component));
        if let Some(component) = uncovered {
            return Err(EnvelopeError::BadSignature(format!("it doesn't cover {component}")));
        }
        if params.alg.as_deref() != Some(AlgorithmName::Ed25519.as_str()) {
            return Err(bad("its algorithm isn't ed25519"));
        }
        if params.keyid.as_deref() != Some(hex::encode(certificate.fingerprint).as_str()) {
            return Err(bad("its keyid isn't the certificate's sha256 fingerprint in hex"));
        }
        let nonce = params
            .nonce
            .clone()
            .filter(|nonce| NONCE_LENGTH.contains(&nonce.len()))
            .ok_or_else(|| bad("its nonce is missing, or not of 16 to 128 characters"))?;
        let created = params
            .created
            .ok_or_else(|| bad("it doesn't say when it was created"))?;

        let key = PublicKey::from_bytes(&AlgorithmName::Ed25519, &certificate.public_key)
            .map_err(|error| EnvelopeError::BadSignature(error.to_string()))?;
        base.verify_signature_headers(&key, headers)
            .map_err(|error| EnvelopeError::BadSignature(error.to_string()))?;
        Ok(Self {
            created: created.saturating_mul(1000),
            nonce,
        })
    }
}

fn covered() -> Result<Vec<HttpMessageComponentId>, EnvelopeError> {
    COVERED
        .iter()
        .map(|name| HttpMessageComponentId::try_from(*name))
        .collect::<Result<_, _>>()
        .map_err(|error| EnvelopeError::Sealing(error.to_string()))
}

fn header_value(text: String) -> Result<HeaderValue, EnvelopeError> {
    HeaderValue::try_from(text).map_err(|error| EnvelopeError::Sealing(error.to_string()))
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
