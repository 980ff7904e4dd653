use std::{
    collections::HashMap,
    sync::{
        atomic::{AtomicU64, AtomicUsize, Ordering},
        Mutex,
    },
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use protocol::{registry::Roles, AccountId, InstitutionId, Lei};

use super::*;
use crate::identity::{CertificateRequest, DevelopmentCa};

const A: Member = Member(0);
const B: Member = Member(1);
const MINUTE: Timestamp = 60_000;
const YEAR: Timestamp = 365 * 24 * 60 * MINUTE;

struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.0.load(Ordering::SeqCst)
    }
}

#[derive(Default)]
struct TestDirectory {
    institutions: Mutex<HashMap<Member, Institution>>,
    reads: AtomicUsize,
    fails: Mutex<bool>,
}

#[async_trait]
impl Directory for TestDirectory {
    async fn institution(&self, member: Member) -> Result<Option<Institution>, DirectoryError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if *self.fails.lock().unwrap() {
            return Err(DirectoryError("no node".to_owned()));
        }
        Ok(self.institutions.lock().unwrap().get(&member).cloned())
    }
}

impl TestDirectory {
    fn register(&self, member: Member, certificate: [u8; 32], status: Status) {
        let institution = Institution {
            member,
            id: InstitutionId([0; 32]),
            lei: Lei(*b"5493001KJTIIGC8Y1R12"),
            account: AccountId([0; 32]),
            signing_key: [0; 32],
            certificate,
            roles: Roles::PARTICIPANT,
            status,
        };
        self.institutions.lock().unwrap().insert(member, institution);
    }
}

/// Bank A sends, bank B receives; both are registered and active.
struct World {
    ca: DevelopmentCa,
    clock: Arc<TestClock>,
    directory: Arc<TestDirectory>,
    store: Store,
    a: Sealer,
    b: Verifier,
    _files: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::create(files.path()).unwrap();
        let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
        let clock = Arc::new(TestClock(AtomicU64::new(now / 1000 * 1000)));
        let directory = Arc::new(TestDirectory::default());
        let store = Store::in_memory().await.unwrap();
        let certificate = issue(&ca, "Bank A");
        directory.register(A, certificate.fingerprint(), Status::Active);
        let b = Verifier::new(
            B,
            ca.authorities().unwrap(),
            directory.clone(),
            store.clone(),
            clock.clone(),
        );
        Self {
            a: Sealer::new(A, certificate, clock.clone()),
            b,
            ca,
            clock,
            directory,
            store,
            _files: files,
        }
    }

    async fn signed(&self) -> (Parts, Bytes) {
        self.a.sign(B, request()).await.unwrap().into_parts()
    }

    async fn verify(&self, (parts, body): &(Parts, Bytes)) -> Result<Member, EnvelopeError> {
        self.b.verify(parts, body).await
    }

    /// The code under which a request is refused; its nonce must not have been used up.
    async fn refusal(&self, request: &(Parts, Bytes)) -> &'static str {
        let error = self.verify(request).await.unwrap_err();
        let nonces: i64 = sqlx::query_scalar("SELECT count(*) FROM peer_nonces")
            .fetch_one(&self.store.pool)
            .await
            .unwrap();
        assert_eq!(nonces, 0, "{error}");
        error.code()
    }

    fn advance(&self, by: Timestamp) {
        self.clock.0.fetch_add(by, Ordering::SeqCst);
    }
}

fn issue(ca: &DevelopmentCa, name: &str) -> Certificate {
    let request = CertificateRequest {
        name: name.to_owned(),
        lei: Lei(*b"5493001KJTIIGC8Y1R12"),
        dns: vec![],
        ip: vec![[127, 0, 0, 1].into()],
    };
    let issued = ca.issue(&request).unwrap();
    Certificate::load(&issued.certificate, &issued.key).unwrap()
}

fn request() -> Request<Bytes> {
    Request::post("http://127.0.0.1:8081/peer/v1/proposals")
        .header(CONTENT_TYPE, "application/json")
        .body(Bytes::from_static(b"{\"amount\":\"100\"}"))
        .unwrap()
}

fn client_cert(certificate: &Certificate) -> HeaderValue {
    header_value(format!(":{}:", BASE64.encode(certificate.leaf()))).unwrap()
}

#[tokio::test]
async fn a_signed_request_is_its_senders() {
    let world = World::new().await;
    assert_eq!(world.verify(&world.signed().await).await.unwrap(), A);
    let (mut parts, body) = world.signed().await;
    // What a server sees: the path only, and headers that proxies add.
    parts.uri = "/peer/v1/proposals".parse().unwrap();
    parts
        .headers
        .insert("x-forwarded-for", HeaderValue::from_static("10.0.0.1"));
    assert_eq!(world.verify(&(parts, body)).await.unwrap(), A);
}

#[tokio::test]
async fn a_request_without_one_of_its_headers_is_refused() {
    let world = World::new().await;
    for name in [
        "signature",
        "signature-input",
        "content-digest",
        "content-type",
        "client-cert",
        "quittance-sender",
        "quittance-receiver",
    ] {
        let mut request = world.signed().await;
        request.0.headers.remove(name);
        assert_eq!(world.refusal(&request).await, "missing-signature", "{name}");
    }
}

#[tokio::test]
async fn a_header_that_stands_there_twice_or_makes_no_sense_is_refused() {
    let world = World::new().await;
    for (name, value) in [
        ("quittance-sender", "bank a"),
        ("quittance-receiver", "70000"),
        ("client-cert", "MIIB"),
        ("client-cert", ":not base64:"),
    ] {
        let mut request = world.signed().await;
        request.0.headers.insert(name, HeaderValue::from_static(value));
        assert_eq!(world.refusal(&request).await, "malformed-header", "{name}");
    }
    let mut request = world.signed().await;
    request.0.headers.append(SENDER, HeaderValue::from(B.0));
    assert_eq!(world.refusal(&request).await, "malformed-header");
}

#[tokio::test]
async fn an_altered_body_is_refused() {
    let world = World::new().await;
    let (parts, _) = world.signed().await;
    let body = Bytes::from_static(b"{\"amount\":\"999\"}");
    assert_eq!(world.refusal(&(parts.clone(), body.clone())).await, "bad-digest");

    // With a digest that fits the altered body, the signature doesn't fit any more.
    let other = Request::post("http://b/").header(CONTENT_TYPE, "application/json");
    let other = world.a.sign(B, other.body(body.clone()).unwrap()).await.unwrap();
    let mut parts = parts;
    parts
        .headers
        .insert(CONTENT_DIGEST, other.headers()[CONTENT_DIGEST].clone());
    assert_eq!(world.refusal(&(parts, body)).await, "bad-signature");
}

#[tokio::test]
async fn an_altered_path_query_method_or_header_is_refused() {
    let world = World::new().await;
    let mut path = world.signed().await;
    path.0.uri = "/peer/v1/retentions".parse().unwrap();
    let mut query = world.signed().await;
    query.0.uri = "/peer/v1/proposals?force=true".parse().unwrap();
    let mut method = world.signed().await;
    method.0.method = http::Method::PUT;
    let mut content_type = world.signed().await;
    content_type
        .0
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    let mut receiver = world.a.sign(Member(9), request()).await.unwrap().into_parts();
    receiver.0.headers.insert(RECEIVER, HeaderValue::from(B.0));
    for altered in [path, query, method, content_type, receiver] {
        assert_eq!(world.refusal(&altered).await, "bad-signature");
    }
}

#[tokio::test]
async fn a_member_cannot_pass_for_another() {
    let world = World::new().await;
    let c = issue(&world.ca, "Bank C");
    world.directory.register(Member(2), c.fingerprint(), Status::Active);

    // C claims to be A, with its own certificate.
    let as_a = Sealer::new(A, c.clone(), world.clock.clone());
    let request = as_a.sign(B, request()).await.unwrap().into_parts();
    assert_eq!(world.refusal(&request).await, "certificate-not-registered");

    // C shows A's certificate, which is public, over its own signature.
    let (mut parts, body) = request;
    parts.headers.insert(CLIENT_CERT, client_cert(&world.a.certificate));
    assert_eq!(world.refusal(&(parts, body)).await, "bad-signature");

    // C takes A's signed request for its own.
    let (mut parts, body) = world.signed().await;
    parts.headers.insert(SENDER, HeaderValue::from(2u16));
    parts.headers.insert(CLIENT_CERT, client_cert(&c));
    assert_eq!(world.refusal(&(parts, body)).await, "bad-signature");
}

#[tokio::test]
async fn a_signature_that_leaves_something_out_is_refused() {
    let world = World::new().await;
    for left_out in COVERED {
        let (mut parts, body) = world.signed().await;
        parts.headers.remove(SIGNATURE);
        parts.headers.remove(SIGNATURE_INPUT);
        let mut params = world.a.params().unwrap();
        let left_out = HttpMessageComponentId::try_from(left_out).unwrap();
        params.covered_components.retain(|component| *component != left_out);
        let mut request = Request::from_parts(parts, Full::new(body.clone()));
        request
            .set_message_signature(&params, world.a.certificate.signing_key(), Some(SIGNATURE_NAME))
            .await
            .unwrap();
        let (parts, _) = request.into_parts();
        let error = world.verify(&(parts, body)).await.unwrap_err();
        assert!(
            matches!(&error, EnvelopeError::BadSignature(why) if why.contains(&left_out.to_string())),
            "{error}"
        );
    }
}

#[tokio::test]
async fn signature_parameters_must_be_there_and_right() {
    let world = World::new().await;
    let good = world.a.params().unwrap();
    let mut bad = vec![good.clone(); 6];
    bad[0].nonce = None;
    bad[1].nonce = Some("short".to_owned());
    bad[2].created = None;
    bad[3].keyid = Some(hex::encode([0; 32]));
    bad[4].alg = None;
    bad[5].alg = Some("hmac-sha256".to_owned());
    for params in bad {
        let (mut parts, body) = world.signed().await;
        parts.headers.remove(SIGNATURE);
        parts.headers.remove(SIGNATURE_INPUT);
        let mut request = Request::from_parts(parts, Full::new(body.clone()));
        request
            .set_message_signature(&params, world.a.certificate.signing_key(), Some(SIGNATURE_NAME))
            .await
            .unwrap();
        let (parts, _) = request.into_parts();
        assert_eq!(world.refusal(&(parts, body)).await, "bad-signature", "{params}");
    }
}

#[tokio::test]
async fn hostile_signature_headers_are_refused() {
    let world = World::new().await;
    for (input, signature) in [
        ("", ""),
        ("quittance=()", "quittance=:AAAA:"),
        ("quittance=(\"@bogus\");created=1", "quittance=:AAAA:"),
        ("quittance=(\"@method\");created=-1", "quittance=:AAAA:"),
        ("quittance=(\"@method\";req);created=1", "quittance=:AAAA:"),
        ("a=(\"@method\"), b=(\"@path\")", "a=:AAAA:, b=:AAAA:"),
        ("a=(\"@method\")", "b=:AAAA:"),
    ] {
        let mut request = world.signed().await;
        request
            .0
            .headers
            .insert(SIGNATURE_INPUT, HeaderValue::from_static(input));
        request.0.headers.insert(SIGNATURE, HeaderValue::from_static(signature));
        assert_eq!(world.refusal(&request).await, "bad-signature", "{input}");
    }
}

#[tokio::test]
async fn a_certificate_of_another_ca_is_untrusted() {
    let world = World::new().await;
    let files = tempfile::tempdir().unwrap();
    let foreign = issue(&DevelopmentCa::create(files.path()).unwrap(), "Bank A");
    world.directory.register(A, foreign.fingerprint(), Status::Active);
    let a = Sealer::new(A, foreign, world.clock.clone());
    let request = a.sign(B, request()).await.unwrap().into_parts();
    assert_eq!(world.refusal(&request).await, "untrusted-certificate");
}

#[tokio::test]
async fn an_expired_certificate_is_untrusted() {
    let world = World::new().await;
    world.advance(2 * YEAR);
    assert_eq!(world.refusal(&world.signed().await).await, "untrusted-certificate");
}

#[tokio::test]
async fn members_that_are_unknown_or_not_active_are_refused() {
    let world = World::new().await;
    let stranger = Sealer::new(Member(7), world.a.certificate.clone(), world.clock.clone());
    let request = stranger.sign(B, request()).await.unwrap().into_parts();
    assert_eq!(world.refusal(&request).await, "unknown-member");
    for status in [Status::Suspended, Status::Revoked] {
        world.directory.register(A, world.a.certificate.fingerprint(), status);
        assert_eq!(world.refusal(&world.signed().await).await, "member-not-active");
    }
}

#[tokio::test]
async fn a_request_is_fresh_for_a_minute_either_way() {
    let world = World::new().await;
    let old = world.signed().await;
    world.advance(MINUTE);
    assert_eq!(world.verify(&old).await.unwrap(), A);

    let world = World::new().await;
    let old = world.signed().await;
    world.advance(MINUTE + 1000);
    assert_eq!(world.refusal(&old).await, "stale-request");

    let early = world.signed().await;
    world.clock.0.fetch_sub(MINUTE + 1000, Ordering::SeqCst);
    assert_eq!(world.refusal(&early).await, "stale-request");
}

#[tokio::test]
async fn a_request_to_another_member_is_refused() {
    let world = World::new().await;
    let request = world.a.sign(Member(9), request()).await.unwrap().into_parts();
    assert_eq!(world.refusal(&request).await, "wrong-receiver");
}

#[tokio::test]
async fn a_request_is_accepted_once_also_after_a_restart() {
    let world = World::new().await;
    let request = world.signed().await;
    assert_eq!(world.verify(&request).await.unwrap(), A);
    assert_eq!(world.verify(&request).await.unwrap_err().code(), "replayed-request");
    world.advance(MINUTE);
    assert_eq!(world.verify(&request).await.unwrap_err().code(), "replayed-request");

    let restarted = Verifier::new(
        B,
        world.ca.authorities().unwrap(),
        world.directory.clone(),
        world.store.clone(),
        world.clock.clone(),
    );
    let error = restarted.verify(&request.0, &request.1).await.unwrap_err();
    assert_eq!(error.code(), "replayed-request");
    world.advance(1000);
    assert_eq!(world.verify(&request).await.unwrap_err().code(), "stale-request");
}

#[tokio::test]
async fn the_registry_is_asked_once_in_a_while_and_at_once_when_that_may_help() {
    let world = World::new().await;
    for _ in 0..3 {
        world.verify(&world.signed().await).await.unwrap();
    }
    assert_eq!(world.directory.reads.load(Ordering::SeqCst), 1);

    // A new certificate works at once; the old one stops at once, because the new one is remembered.
    let renewed = issue(&world.ca, "Bank A renewed");
    world.directory.register(A, renewed.fingerprint(), Status::Active);
    let a = Sealer::new(A, renewed, world.clock.clone());
    let request = a.sign(B, request()).await.unwrap().into_parts();
    assert_eq!(world.verify(&request).await.unwrap(), A);
    let error = world.verify(&world.signed().await).await.unwrap_err();
    assert_eq!(error.code(), "certificate-not-registered");

    // What is remembered doesn't outlive its time.
    world.advance(5_000);
    *world.directory.fails.lock().unwrap() = true;
    let request = a.sign(B, super::tests::request()).await.unwrap().into_parts();
    let error = world.verify(&request).await.unwrap_err();
    assert_eq!(error.code(), "registry-unavailable");
    assert!(!error.to_string().contains("no node"), "{error}");
}
