//! What becomes of a payment whose second destination is late, silent, or answers the notary otherwise than the
//! originator. A late one is waited for. Any other ends the payment: a refusal is on record with its signature, nothing
//! moved, and what was reserved is free again.
mod stand_in;

use std::time::{Duration, Instant};

use protocol::clearing::Balance;
use quittance::{
    http::payments::PaymentView,
    identity::{verify, SigningKey},
    settlement::messages::Refusal,
};

use self::stand_in::{Instead, Manner, Question, StandIn};
use crate::network::{configure, count, over, restart, TestNetwork, AMOUNT, PATIENCE};

/// Of a voucher that is not retained, in milliseconds.
const SHORT: u64 = 20_000;
/// Of one that is.
const LONG: u64 = 300_000;
const LOOK: Duration = Duration::from_millis(50);

struct Scene {
    test: TestNetwork,
    destination: StandIn,
}

impl Scene {
    /// Originator and notary wait a second for an answer. Another bank's orchestrator has a stand-in.
    async fn start() -> Self {
        let mut test = TestNetwork::start_with(|options| options.others = 1).await;
        let network = &mut test.network;
        for asking in [&mut network.originator, &mut network.notary] {
            configure(asking, |text| text + "\n[peer_client]\ntimeout_seconds = 1\n");
            restart(asking, &[]).await;
        }
        network.others[0].kill().await.unwrap();
        let domain = test.domain().await;
        let destination = StandIn::of(&test.network.others[0], domain).await;
        Self { test, destination }
    }

    /// A purchase by a user of the home bank that the other destination has to agree to, and answers about like this.
    async fn pay(&self, manner: Manner, lifetime: u64) -> PaymentView {
        let request = self.test.request(|request| {
            request.others = vec![self.test.network.others[0].member];
            request.expires_at = quittance::http::now() + lifetime;
        });
        let payment = self.test.network.pay(&request).await.unwrap();
        self.destination.answer_about(payment.id, manner);
        payment
    }

    async fn is_asked(&self, payment: &PaymentView, question: Question) {
        let start = Instant::now();
        while self.destination.times_asked(payment.id, question) == 0 {
            let patience = Duration::from_secs(PATIENCE);
            assert!(start.elapsed() < patience, "nobody asks for the {question:?}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How a payment ended in which the destination did something else than saying yes to a question.
    async fn has_ended(&self, payment: &PaymentView, question: Question, instead: Instead) {
        let network = &self.test.network;
        let case = format!("{question:?}, {instead:?}");
        // It isn't told of refusals, and its own word is good until the expiry.
        let home = self.test.finished(&network.home, payment).await;
        assert_eq!(home.state, "expired", "at the home bank: {case}");
        let mut concerned = vec![self.test.finished(&network.originator, payment).await];
        if question == Question::Proposal {
            let unknown = network.notary.payment(payment.id, 0).await;
            assert!(unknown.is_err(), "the notary never hears of it: {case}");
        } else {
            concerned.push(self.test.finished(&network.notary, payment).await);
        }
        for ended in concerned {
            let is_refused = instead == Instead::Refusal;
            let expected = if is_refused { "refused" } else { "expired" };
            assert_eq!(ended.state, expected, "at the {}: {case}", ended.role);
            assert_eq!(ended.refusal.is_some(), is_refused, "at the {}: {case}", ended.role);
            if let Some(refusal) = &ended.refusal {
                self.is_signed_by_the_destination(refusal).await;
            }
        }
    }

    async fn is_signed_by_the_destination(&self, refusal: &Refusal) {
        let destination = &self.test.network.others[0];
        assert_eq!(refusal.signed.member, destination.member);
        let domain = self.test.domain().await;
        let (voucher, detail) = (&refusal.voucher, &refusal.detail);
        let payload = Refusal::payload(&domain, voucher, refusal.code, detail, refusal.refused_at);
        let key = SigningKey::load(&destination.signing_key).unwrap().public();
        assert!(verify(&key, &payload, &refusal.signed.signature));
    }

    /// What was paid out, what was booked on users' accounts, and what is set aside on them.
    async fn books(&self) -> [i64; 3] {
        let network = &self.test.network;
        [
            count(&network.originator, "payouts").await,
            count(&network.home, "account_entries").await,
            count(&network.home, "holds WHERE state = 'placed'").await,
        ]
    }
}

fn free((originator, home): &(Balance, Balance)) -> (u128, u128) {
    assert_eq!((originator.reserved, home.reserved), (0, 0));
    (originator.available, home.available)
}

async fn a_late_destination_is_waited_for(scene: &Scene) {
    let before = free(&scene.test.balances().await);
    let payment = scene.pay(Manner::Late, LONG).await;
    let network = &scene.test.network;
    for institution in [&network.originator, &network.home, &network.notary] {
        let done = scene.test.finished(institution, &payment).await;
        assert_eq!(done.state, "cleared", "at {}", institution.name);
    }
    for question in Question::ALL {
        let times = scene.destination.times_asked(payment.id, question);
        assert!(times > 1, "the {question:?} was answered at once");
    }
    let after = free(&scene.test.balances().await);
    assert_eq!(after, (before.0 + AMOUNT, before.1 - AMOUNT), "moved once");
}

async fn without_its_word_nothing_moves(scene: &Scene) {
    let (before, books) = (free(&scene.test.balances().await), scene.books().await);
    let mut payments = Vec::new();
    for question in Question::ALL {
        for instead in Instead::ALL {
            let payment = scene.pay(Manner::But(question, instead), SHORT).await;
            payments.push((payment, question, instead));
        }
    }
    for (payment, question, _) in &payments {
        scene.is_asked(payment, *question).await;
    }
    let latest = payments.iter().map(|(payment, ..)| payment.voucher.expires_at).max();
    over(latest.unwrap()).await;
    // Where signatures were given, only a block says that it is too late.
    let network = &scene.test.network;
    network.deposit(&network.originator, 1).await.unwrap();

    for (payment, question, instead) in &payments {
        scene.has_ended(payment, *question, *instead).await;
    }
    assert_eq!(free(&scene.test.balances().await), (before.0 + 1, before.1));
    assert_eq!(scene.books().await, books);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_destination_is_waited_for_and_without_its_word_nothing_moves() {
    let scene = Scene::start().await;
    a_late_destination_is_waited_for(&scene).await;
    without_its_word_nothing_moves(&scene).await;
}
