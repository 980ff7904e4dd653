//! A relay before an institution: hands on what others ask of it, as late as it is told to, and notes how long each answer
//! took.
use std::{
    net::Ipv4Addr,
    sync::{
        atomic::{AtomicU64, Ordering},
        Arc, Mutex,
    },
    time::{Duration, Instant},
};

use axum::{
    body::{to_bytes, Body},
    extract::{Request, State},
    http::StatusCode,
    response::Response,
    serve::ListenerExt,
    Router,
};
use tokio::net::TcpListener;

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What was asked: `proposals` and the like.
    pub resource: String,
    /// From the request to the end of the answer, the delay included.
    pub took: Duration,
}

/// A relay. It works until the program ends.
pub struct Relay {
    /// Where it listens.
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    to: String,
    client: reqwest::Client,
    delay_millis: AtomicU64,
    exchanges: Mutex<Vec<Exchange>>,
}

impl Relay {
    /// Listens for an institution at this URL.
    pub async fn start(to: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            to: to.to_owned(),
            client: reqwest::Client::new(),
            delay_millis: AtomicU64::new(0),
            exchanges: Mutex::default(),
        });
        let router = Router::new().fallback(hand_on).with_state(inner.clone());
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner }
    }

    /// Hands requests on so much later from now on.
    pub fn set_delay(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).unwrap();
        self.inner.delay_millis.store(millis, Ordering::SeqCst);
    }

    /// What was asked since the last time, in the order of the answers.
    pub fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.inner.exchanges.lock().unwrap())
    }
}

async fn hand_on(State(relay): State<Arc<Inner>>, request: Request) -> Response {
    let start = Instant::now();
    let (parts, body) = request.into_parts();
    let delay = relay.delay_millis.load(Ordering::SeqCst);
    if delay > 0 {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    let url = format!("{}{}", relay.to, parts.uri);
    let asked = relay.client.request(parts.method, url).headers(parts.headers);
    let answer = asked.body(to_bytes(body, usize::MAX).await.unwrap()).send().await;
    // Whoever asks tries again.
    let (status, body) = match answer {
        Ok(answer) => (answer.status(), answer.bytes().await.unwrap_or_default()),
        Err(_) => (StatusCode::BAD_GATEWAY, Default::default()),
    };
    let resource = parts.uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let took = start.elapsed();
    relay.exchanges.lock().unwrap().push(Exchange { resource, took });
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
}
