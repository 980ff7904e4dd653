//! An institution's certificate and keys in the wrong hands.
use std::sync::Arc;

use protocol::{
    signing::{MemberSignature, PAYLOAD_LENGTH},
    Member, Timestamp,
};
use quittance::{
    config::Config,
    devnet::Institution,
    http::error::PROBLEM_JSON,
    identity::{Certificate, SigningKey},
    peers::Sealer,
    settlement::ports::Clock,
};
use serde_json::Value;

/// Sends what its institution's own orchestrator never would.
pub struct Impostor {
    pub member: Member,
    key: SigningKey,
    certificate: Certificate,
    http: reqwest::Client,
}

struct ThisMachine;

impl Clock for ThisMachine {
    fn now(&self) -> Timestamp {
        quittance::http::now()
    }
}

impl Impostor {
    pub fn of(institution: &Institution) -> Self {
        let keys = Config::load(&institution.config()).unwrap().keys;
        Self {
            member: institution.member,
            key: SigningKey::load(&keys.signing).unwrap(),
            certificate: Certificate::load(&keys.certificate, &keys.certificate_key).unwrap(),
            http: reqwest::Client::new(),
        }
    }

    /// With the same certificate and keys, under another index.
    pub fn posing_as(self, member: Member) -> Self {
        Self { member, ..self }
    }

    pub fn sign(&self, payload: &[u8; PAYLOAD_LENGTH]) -> MemberSignature {
        MemberSignature {
            member: self.member,
            signature: self.key.sign(payload),
        }
    }

    /// The signed HTTP request, ready to be sent; a clone of it is the same to the last byte.
    pub async fn seal(&self, to: &Institution, resource: &str, message: &Value) -> reqwest::Request {
        let request = http::Request::post(format!("{}/peer/v1/{resource}", to.url))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(message).unwrap().into())
            .unwrap();
        let sealer = Sealer::new(self.member, self.certificate.clone(), Arc::new(ThisMachine));
        let sealed = sealer.sign(to.member, request).await.unwrap();
        reqwest::Request::try_from(sealed).unwrap()
    }

    /// The answer, or the stable code of the problem that came back.
    pub async fn deliver(&self, request: &reqwest::Request) -> Result<Value, String> {
        let response = self.http.execute(request.try_clone().unwrap()).await.unwrap();
        let status = response.status();
        let kind = response.headers()["content-type"].clone();
        let body: Value = response.json().await.unwrap();
        if status.is_success() {
            return Ok(body);
        }
        assert!(status.is_client_error(), "{status} {body}");
        assert_eq!(kind, PROBLEM_JSON);
        assert!(!body["detail"].as_str().unwrap().is_empty(), "a reason for people too");
        Err(body["code"].as_str().unwrap().to_owned())
    }

    pub async fn send(&self, to: &Institution, resource: &str, message: &Value) -> Result<Value, String> {
        self.deliver(&self.seal(to, resource, message).await).await
    }
}
