//! How long ten institutions take to co-sign a payment, beyond the slowest of them.
use std::time::Duration;

use protocol::{
    settlement::{TransactionKind, MAX_PARTIES},
    Member, Timestamp,
};
use quittance::{
    devnet::{Network, USER_KEY},
    http::payments::PaymentView,
    identity::SigningKey,
    settlement::messages::SignedPaymentRequest,
};

use super::{
    relay::{Exchange, Relay},
    scene::{everybody, parties, second_notary},
    times::Times,
    AMOUNT,
};

/// How much later the slow institution answers.
const SLOW: Duration = Duration::from_millis(250);
/// Settings take turns in stretches of this length, so that a passing load on the machine falls on both.
const STRETCH: usize = 5;
/// How long a payment may take, in seconds: much longer than it does.
const PATIENCE: u64 = 60;

/// The co-signing of one payment, piece by piece.
struct Sample([Piece; 4]);

/// How long it took, and how long the slowest institution took to answer in it, each time that all were asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    took: Duration,
    slowest: Duration,
}

impl Sample {
    const PIECES: [&'static str; 4] = [
        "voucher: the originator asks 7 destinations",
        "attestation: the notary asks 7 destinations",
        "relation: the second notary asks 7 destinations, then the notary 8 parties",
        "all of it, from the user's request on: ten have signed",
    ];
}

/// Prints the table. Every party is behind a relay, so that it is known when it answered.
pub async fn measure(network: &mut Network, payments: usize) {
    let mut relays = Vec::new();
    for party in parties(network) {
        relays.push(Relay::start(&party.url).await);
    }
    rewire(network, &relays).await;
    // Two that don't count: caches, connections.
    for _ in 0..2 {
        co_sign(network, &relays).await;
    }

    let settings = [("nobody", Duration::ZERO), ("one by 250 ms", SLOW)];
    let mut samples: [Vec<Sample>; 2] = Default::default();
    while samples[0].len() < payments {
        let now = STRETCH.min(payments - samples[0].len());
        for ((_, delay), samples) in settings.iter().zip(&mut samples) {
            slow_one(&relays).set_delay(*delay);
            for _ in 0..now {
                samples.push(co_sign(network, &relays).await);
            }
        }
    }

    println!(
        "| delayed | {payments} payments each | p50 (ms) | slowest institution, p50 (ms) | beyond it, p50 (ms) | \
         p95 (ms) |"
    );
    println!("|---|---|--:|--:|--:|--:|");
    for ((setting, _), samples) in settings.iter().zip(&samples) {
        for (place, name) in Sample::PIECES.iter().enumerate() {
            let of = |figure: fn(Piece) -> Duration| {
                Times::of(samples.iter().map(|sample| figure(sample.0[place])).collect())
            };
            let took = of(|piece| piece.took);
            let slowest = of(|piece| piece.slowest);
            let beyond = of(|piece| piece.took.saturating_sub(piece.slowest));
            println!(
                "| {setting} | {name} | {:.0} | {:.0} | {:.0} | {:.0} |",
                took.p50(),
                slowest.p50(),
                beyond.p50(),
                beyond.p95()
            );
        }
    }
}

/// A destination that is neither originator nor home institution.
fn slow_one(relays: &[Relay]) -> &Relay {
    relays.last().unwrap()
}

/// Has everybody ask the relays instead of the parties, and both notaries keep every payment.
async fn rewire(network: &mut Network, relays: &[Relay]) {
    let urls: Vec<_> = parties(network).iter().map(|party| party.url.clone()).collect();
    let (first, second) = (network.notary.member, second_notary(network).member);
    for institution in everybody(network) {
        let mut text = std::fs::read_to_string(institution.config()).unwrap();
        for (url, relay) in urls.iter().zip(relays) {
            text = text.replace(&format!("\"{url}\""), &format!("\"{}\"", relay.url));
        }
        let text = text.replace(
            &format!("notaries = [{first}]"),
            &format!("notaries = [{first}, {second}]"),
        );
        std::fs::write(institution.config(), text).unwrap();
        institution.kill().await.unwrap();
        institution.start(&[]).unwrap();
    }
    for institution in network.institutions() {
        institution.ready().await.unwrap();
    }
}

/// One payment, to its end.
async fn co_sign(network: &Network, relays: &[Relay]) -> Sample {
    let others = parties(network)[2..].iter().map(|party| party.member).collect();
    let payment = network.pay(&request(network, others)).await.unwrap();
    let originator = network.originator.payment(payment.id, PATIENCE).await.unwrap();
    let notary = network.notary.payment(payment.id, PATIENCE).await.unwrap();
    assert_eq!((&*originator.state, &*notary.state), ("cleared", "cleared"));
    let signatures = notary.documents.iter().filter(|paper| paper.kind == "consent");
    assert_eq!(signatures.count(), MAX_PARTIES + 2, "eight parties and two notaries");

    let exchanges: Vec<_> = relays.iter().map(Relay::take).collect();
    let voucher = slowest(&exchanges, "proposals", 0);
    let attestation = slowest(&exchanges, "attestations", 0);
    let relation = slowest(&exchanges, "attestations", 1) + slowest(&exchanges, "relations", 0);
    let piece = |took, slowest| Piece { took, slowest };
    Sample([
        piece(between(&originator, "audited", "confirmed"), voucher),
        piece(between(&notary, "accepted", "attested"), attestation),
        piece(between(&notary, "related", "consented"), relation),
        piece(
            Duration::from_millis(entered(&notary, "consented") - originator.created_at),
            voucher + attestation + relation,
        ),
    ])
}

/// What a user of the home institution signs to pay at the originator, when these others are asked too.
fn request(network: &Network, others: Vec<Member>) -> SignedPaymentRequest {
    let mut signed = network.request(TransactionKind::Purchase, AMOUNT).unwrap();
    signed.request.others = others;
    let clearing = network.deployment.contract("clearing").unwrap().address;
    let payload = signed.request.payload(network.deployment.genesis_hash, clearing);
    signed.signature = SigningKey::load(USER_KEY).unwrap().sign(&payload);
    signed
}

/// How long the slowest one took to answer what it was asked, for the first time (0) or the second (1).
fn slowest(exchanges: &[Vec<Exchange>], resource: &str, time: usize) -> Duration {
    let answers = exchanges.iter().filter_map(|of_one| {
        let mut answers = of_one.iter().filter(|exchange| exchange.resource == resource);
        answers.nth(time)
    });
    answers.map(|exchange| exchange.took).max().unwrap()
}

fn between(payment: &PaymentView, from: &str, to: &str) -> Duration {
    Duration::from_millis(entered(payment, to) - entered(payment, from))
}

/// When a payment came into a state.
fn entered(payment: &PaymentView, state: &str) -> Timestamp {
    let line = payment.history.iter().find(|line| line.state == state);
    line.unwrap_or_else(|| panic!("never {state}: {:?}", payment.history))
        .at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_is_looked_for_among_those_who_were_asked() {
        let exchange = |resource: &str, millis| Exchange {
            resource: resource.to_owned(),
            took: Duration::from_millis(millis),
        };
        let exchanges = [
            vec![exchange("relations", 9)],
            vec![exchange("attestations", 5), exchange("attestations", 1)],
            vec![exchange("attestations", 3), exchange("attestations", 7)],
        ];
        let millis = |resource, time| slowest(&exchanges, resource, time).as_millis();
        assert_eq!([0, 1].map(|time| millis("attestations", time)), [5, 7]);
        assert_eq!(millis("relations", 0), 9);
    }
}
