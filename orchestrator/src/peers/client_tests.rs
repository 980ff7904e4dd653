use std::{
    net::SocketAddr,
    sync::{
        atomic::{AtomicUsize, Ordering},
        Arc,
    },
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    middleware::from_fn_with_state,
    response::{IntoResponse, Response as Answered},
    routing::post,
    Extension, Json, Router,
};
use protocol::{
    registry::{Institution, Roles, Status},
    AccountId, InstitutionId, Lei, Timestamp,
};
use tokio::net::TcpListener;

use super::*;
use crate::{
    identity::{CertificateRequest, DevelopmentCa},
    peers::{authenticate, Directory, DirectoryError, Peer, Verifier},
    settlement::ports::Clock,
    store::Store,
};

const A: Member = Member(0);
const B: Member = Member(1);

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        u64::try_from(now.as_millis()).unwrap()
    }
}

/// A registry of bank A only.
struct OnlyA([u8; 32]);

#[async_trait]
impl Directory for OnlyA {
    async fn institution(&self, member: Member) -> Result<Option<Institution>, DirectoryError> {
        Ok((member == A).then_some(Institution {
            member,
            id: InstitutionId([0; 32]),
            lei: Lei(*b"5493001KJTIIGC8Y1R12"),
            account: AccountId([0; 32]),
            signing_key: [0; 32],
            certificate: self.0,
            roles: Roles::PARTICIPANT,
            status: Status::Active,
        }))
    }
}

struct World {
    a: Certificate,
    authorities: Authorities,
    files: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::create(files.path()).unwrap();
        Self {
            a: issue(&ca, "Bank A"),
            authorities: ca.authorities().unwrap(),
            files,
        }
    }

    fn client(&self, url: String) -> HttpPeers {
        self.client_of(A, url)
    }

    fn client_of(&self, me: Member, url: String) -> HttpPeers {
        let peers = [config::Peer { member: B, url }];
        let settings = config::PeerClient {
            retries: 2,
            ..config::PeerClient::default()
        };
        let sealer = Sealer::new(me, self.a.clone(), Arc::new(SystemClock));
        HttpPeers::new(&peers, &settings, &self.a, &self.authorities, sealer).unwrap()
    }

    /// Bank B's routes behind the real layer, nested as a server nests them.
    async fn router(&self, routes: Router) -> Router {
        let verifier = Verifier::new(
            B,
            self.authorities.clone(),
            Arc::new(OnlyA(self.a.fingerprint())),
            Store::in_memory().await.unwrap(),
            Arc::new(SystemClock),
        );
        let routes = routes.layer(from_fn_with_state(Arc::new(verifier), authenticate));
        Router::new().nest("/peer/v1", routes)
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

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

async fn echo(Extension(Peer(member)): Extension<Peer>, Json(text): Json<String>) -> Json<(u16, String)> {
    Json((member.0, text))
}

/// Answers that don't need the layer: `answer` gets the number of the attempt.
async fn serve_answers(
    answer: impl Fn(usize) -> Answered + Clone + Send + Sync + 'static,
) -> (String, Arc<AtomicUsize>) {
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = attempts.clone();
    let handler = move || {
        let attempt = counted.fetch_add(1, Ordering::SeqCst);
        let answer = answer(attempt);
        async move { answer }
    };
    let url = serve(Router::new().route("/peer/v1/echo", post(handler))).await;
    (url, attempts)
}

#[tokio::test]
async fn a_request_arrives_with_its_sender() {
    let world = World::new();
    let router = world.router(Router::new().route("/echo", post(echo))).await;
    // A slash at the end of the configured URL is no matter.
    let client = world.client(format!("{}/", serve(router).await));
    for text in ["one", "two"] {
        let answer: (u16, String) = client.post(B, "echo", text).await.unwrap();
        assert_eq!(answer, (A.0, text.to_owned()));
    }
}

#[tokio::test]
async fn a_request_arrives_over_mutual_tls() {
    let world = World::new();
    let router = world.router(Router::new().route("/echo", post(echo))).await;
    let ca = DevelopmentCa::open(world.files.path()).unwrap();
    let server = tls::server_config(&issue(&ca, "Bank B"), &world.authorities, true).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let server = axum_server::from_tcp_rustls(
        listener,
        axum_server::tls_rustls::RustlsConfig::from_config(Arc::new(server)),
    )
    .unwrap();
    tokio::spawn(server.serve(router.into_make_service()));

    let client = world.client(format!("https://{address}"));
    let answer: (u16, String) = client.post(B, "echo", "hello").await.unwrap();
    assert_eq!(answer, (A.0, "hello".to_owned()));

    // Another CA's institution trusts neither side.
    let stranger = World::new().client(format!("https://{address}"));
    let error = stranger.post::<_, ()>(B, "echo", "hello").await.unwrap_err();
    assert!(matches!(error, PeerError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_refused_envelope_comes_back_with_its_code() {
    let world = World::new();
    let url = serve(world.router(Router::new().route("/echo", post(echo))).await).await;
    let error = world
        .client_of(Member(7), url)
        .post::<_, ()>(B, "echo", "hello")
        .await
        .unwrap_err();
    let PeerError::Rejected { code, detail, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(code, "unknown-member");
    assert!(detail.contains("member 7"), "{detail}");
}

#[tokio::test]
async fn a_body_beyond_the_bound_is_refused() {
    let world = World::new();
    let url = serve(world.router(Router::new().route("/echo", post(echo))).await).await;
    let text = "x".repeat(crate::peers::layer::MAX_REQUEST);
    let error = world.client(url).post::<_, ()>(B, "echo", &text).await.unwrap_err();
    assert!(
        matches!(&error, PeerError::Rejected { code, .. } if code == "body-too-large"),
        "{error}"
    );
}

#[tokio::test]
async fn passing_faults_are_retried_with_a_new_nonce() {
    let world = World::new();
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = attempts.clone();
    // Behind the layer: a repeated nonce would be refused there.
    let handler = move |Json(text): Json<String>| {
        let attempt = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            match attempt {
                0 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
                1 => StatusCode::TOO_MANY_REQUESTS.into_response(),
                _ => Json(text).into_response(),
            }
        }
    };
    let url = serve(world.router(Router::new().route("/echo", post(handler))).await).await;
    let answer: String = world.client(url).post(B, "echo", "hello").await.unwrap();
    assert_eq!(answer, "hello");
    assert_eq!(attempts.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn retries_come_to_an_end() {
    let world = World::new();
    let (url, attempts) = serve_answers(|_| StatusCode::BAD_GATEWAY.into_response()).await;
    let error = world.client(url).post::<_, ()>(B, "echo", "hello").await.unwrap_err();
    assert!(matches!(error, PeerError::Unreachable { .. }), "{error}");
    assert_eq!(attempts.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn what_another_attempt_does_not_change_is_not_repeated() {
    let world = World::new();
    type Case = (fn(usize) -> Answered, bool, &'static str);
    let cases: [Case; 6] = [
        (
            |_| (StatusCode::CONFLICT, r#"{"code":"voucher-used","detail":"it is"}"#).into_response(),
            true,
            "voucher-used",
        ),
        (|_| StatusCode::NOT_FOUND.into_response(), true, "http-404"),
        (|_| StatusCode::INTERNAL_SERVER_ERROR.into_response(), false, "http-500"),
        (
            |_| (StatusCode::FOUND, [("location", "http://127.0.0.1:1/")]).into_response(),
            false,
            "http-302",
        ),
        (|_| "no JSON".into_response(), false, "can't be read"),
        (|_| "x".repeat(MAX_ANSWER + 1).into_response(), false, "longer than"),
    ];
    for (answer, rejected, text) in cases {
        let (url, attempts) = serve_answers(answer).await;
        let error = world.client(url).post::<_, ()>(B, "echo", "hello").await.unwrap_err();
        assert_eq!(matches!(error, PeerError::Rejected { .. }), rejected, "{error}");
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(attempts.load(Ordering::SeqCst), 1, "{error}");
    }
}

#[tokio::test]
async fn no_answer_and_no_url_are_unreachable() {
    let world = World::new();
    // Bound, then released: nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = world.client(format!("http://{address}"));
    let error = client.post::<_, ()>(B, "echo", "hello").await.unwrap_err();
    assert!(matches!(error, PeerError::Unreachable { member: B, .. }), "{error}");

    let error = client.post::<_, ()>(Member(5), "echo", "hello").await.unwrap_err();
    assert!(error.to_string().contains("[[peers]]"), "{error}");
}

#[tokio::test]
async fn an_empty_answer_reads_as_nothing() {
    let world = World::new();
    let (url, _) = serve_answers(|_| StatusCode::NO_CONTENT.into_response()).await;
    world.client(url).post::<_, ()>(B, "echo", "hello").await.unwrap();
}

/// A peer whose first answers wait for `gate`, and which answers several requests in one: each word twice, but for "no".
async fn serve_bulk(gate: Arc<tokio::sync::Semaphore>) -> (String, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let (of_one, of_several) = (requests.clone(), requests.clone());
    let twice = |word: &str| format!("{word}{word}");
    let one = move |Json(word): Json<String>| {
        of_one.fetch_add(1, Ordering::SeqCst);
        let gate = gate.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            Json(twice(&word))
        }
    };
    // Not by axum's extractor, which doesn't read raw values.
    let several = move |body: Bytes| {
        of_several.fetch_add(1, Ordering::SeqCst);
        async move {
            let items: Vec<Item> = serde_json::from_slice(&body).unwrap();
            let answer = |item: &Item| {
                let word: String = serde_json::from_str(item.message.get()).unwrap();
                let (status, body) = match word.as_str() {
                    "no" => (422, r#"{"code":"no-such-word","detail":"it is not said"}"#.to_owned()),
                    word => (200, serde_json::to_string(&twice(word)).unwrap()),
                };
                ItemAnswer {
                    status,
                    body: serde_json::value::RawValue::from_string(body).unwrap(),
                }
            };
            Json(items.iter().map(answer).collect::<Vec<_>>())
        }
    };
    let routes = Router::new()
        .route("/peer/v1/echo", post(one))
        .route("/peer/v1/bulk", post(several));
    (serve(routes).await, requests)
}

#[tokio::test]
async fn what_waits_for_a_peer_goes_together_and_each_gets_its_own_answer() {
    let world = World::new();
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let (url, requests) = serve_bulk(gate.clone()).await;
    let client = world.client(url);
    let say = |word: &'static str| {
        let client = client.clone();
        tokio::spawn(async move { client.post::<_, String>(B, "echo", word).await })
    };
    // As many as may be on their way at a time, then those that wait.
    let mut first = Vec::new();
    for sent in 1..=4 {
        first.push(say("a"));
        while requests.load(Ordering::SeqCst) < sent {
            tokio::task::yield_now().await;
        }
    }
    let later = ["b", "no", "c"].map(say);
    while client.lanes.count(B) < 3 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(4);
    for one in first {
        assert_eq!(one.await.unwrap().unwrap(), "aa");
    }
    let [b, no, c] = later;
    assert_eq!(b.await.unwrap().unwrap(), "bb");
    assert_eq!(c.await.unwrap().unwrap(), "cc");
    let error = no.await.unwrap().unwrap_err();
    assert!(
        matches!(&error, PeerError::Rejected { code, .. } if code == "no-such-word"),
        "{error}"
    );
    assert_eq!(requests.load(Ordering::SeqCst), 5, "four by themselves, three in one");
}
