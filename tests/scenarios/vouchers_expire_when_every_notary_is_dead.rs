//! Every notary dies, at another step of each of three payments. The vouchers expire everywhere, and all that they
//! reserved is free again: the same money, the same day and the same limits suffice for three other payments.
use protocol::Amount;
use quittance::{
    devnet::USER_KEY,
    http::{
        limits::UserLimitPage,
        payments::{PaymentPage, PaymentView},
        users::{UserRecord, UserView},
    },
    identity::SigningKey,
};
use reqwest::Method;

use crate::{
    network::{configure, count, over, reached, restart, AMOUNT},
    several_notaries::Notaries,
};

/// The notary that leads asks the destinations, asks the parties, and is about to submit.
const POINTS: [&str; 3] = [
    "notary.accepted.acting",
    "notary.related.acting",
    "notary.consented.acting",
];
/// Of a voucher, in milliseconds. The first notary leads for half of it.
const LIFETIME: u64 = 30_000;
const USER: &str = "thrifty";
/// What the user has, what it may pay in a day, and what each destination co-signs in a day.
const ENOUGH_FOR_THREE: Amount = 3 * AMOUNT;

#[derive(Debug, PartialEq, Eq)]
struct Reserved {
    /// Holds on the user's account.
    holds: i64,
    /// What the user paid that day, or will.
    spent_today: Amount,
    /// Payments that count against what the home bank, and the other destination, co-sign in a day.
    counted: [i64; 2],
}

const NOTHING: Reserved = Reserved {
    holds: 0,
    spent_today: 0,
    counted: [0, 0],
};

async fn start() -> Notaries {
    let mut notaries = Notaries::start(1, "notary_patience_percent = 50").await;
    let network = &mut notaries.test.network;
    for destination in [&mut network.home, &mut network.others[2]] {
        let limit = format!("[[limits]]\nof = {{ asset = \"Native\" }}\nper_day = \"{ENOUGH_FOR_THREE}\"\n");
        std::fs::write(destination.directory.join("policy.toml"), limit).unwrap();
        configure(destination, |text| {
            text.replace("[settlement]\n", "[settlement]\npolicy = \"policy.toml\"\n")
        });
        restart(destination, &[]).await;
    }
    let key = SigningKey::load(USER_KEY).unwrap();
    let record = UserRecord {
        public_key: key.public(),
        wallet: key.account(),
        balance: ENOUGH_FOR_THREE,
        limit: AMOUNT,
        daily_limit: Some(ENOUGH_FOR_THREE),
        services: None,
        blocked: false,
    };
    let api = network.home.api().unwrap();
    let path = format!("/v1/users/{USER}");
    api.write(Method::PUT, &path, "a-thrifty-user", &record).await.unwrap();
    notaries
}

/// A purchase that the other bank has to agree to, too.
async fn pay(notaries: &Notaries, lifetime: u64) -> PaymentView {
    let request = notaries.test.request(|request| {
        request.user = USER.into();
        request.others = vec![notaries.bank().member];
        request.expires_at = quittance::http::now() + lifetime;
    });
    notaries.test.network.pay(&request).await.unwrap()
}

async fn reserved(notaries: &Notaries) -> Reserved {
    let home = &notaries.test.network.home;
    let page: UserLimitPage = home.api().unwrap().get("/v1/limits/users").await.unwrap();
    let limit = page.limits.iter().find(|limit| limit.user == USER).unwrap();
    Reserved {
        holds: count(home, "holds WHERE state = 'placed'").await,
        spent_today: limit.spent_today,
        counted: [
            count(home, "policy_uses").await,
            count(notaries.bank(), "policy_uses").await,
        ],
    }
}

/// What is on the user's account.
async fn savings(notaries: &Notaries) -> Amount {
    let api = notaries.test.network.home.api().unwrap();
    let user: UserView = api.get(&format!("/v1/users/{USER}")).await.unwrap();
    user.record.balance
}

async fn all_are(notaries: &Notaries, payments: &[PaymentView], state: &str) {
    let network = &notaries.test.network;
    for institution in [&network.originator, &network.home, notaries.bank()] {
        for (payment, place) in payments.iter().zip(0..) {
            let ended = notaries.test.finished(institution, payment).await;
            assert_eq!(ended.state, state, "payment {place} at {}", institution.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_every_notary_is_dead_vouchers_expire_and_all_that_they_reserved_is_free_again() {
    let mut notaries = start().await;
    let before = notaries.test.balances().await;
    // Each payment stands still where none did before it.
    let once_each = POINTS.map(|point| format!("{point}=1*pause")).join(";");
    restart(notaries.notary(0), &[("FAILPOINTS", &once_each)]).await;
    let mut payments = Vec::new();
    for point in POINTS {
        payments.push(pay(&notaries, LIFETIME).await);
        reached(notaries.notary(0), point).await;
    }
    for place in 0..3 {
        notaries.notary(place).kill().await.unwrap();
    }
    for payment in &payments {
        for destination in [&notaries.test.network.home, notaries.bank()] {
            let held = destination.payment(payment.id, 0).await.unwrap();
            assert_eq!(held.state, "confirmed", "at {}", destination.name);
        }
    }
    let everything = Reserved {
        holds: 3,
        spent_today: ENOUGH_FOR_THREE,
        counted: [3, 3],
    };
    assert_eq!(reserved(&notaries).await, everything);

    let latest = payments.iter().map(|payment| payment.voucher.expires_at).max();
    over(latest.unwrap()).await;
    // Where signatures were given, only a block says that it is too late.
    let network = &notaries.test.network;
    network.deposit(&network.originator, 1).await.unwrap();
    all_are(&notaries, &payments, "expired").await;
    assert_eq!(reserved(&notaries).await, NOTHING);
    assert_eq!(savings(&notaries).await, ENOUGH_FOR_THREE);
    let after = notaries.test.balances().await;
    assert_eq!((after.0.reserved, after.1.reserved), (0, 0));
    assert_eq!(
        (after.0.available, after.1.available),
        (before.0.available + 1, before.1.available)
    );

    let mut known = Vec::new();
    for place in 0..3 {
        restart(notaries.notary(place), &[]).await;
        let api = notaries.notary(place).api().unwrap();
        let page: PaymentPage = api.get("/v1/payments").await.unwrap();
        known.push(page.payments.len());
        let network = &notaries.test.network;
        let notary = [&network.notary, &network.others[0], &network.others[1]][place];
        for payment in &page.payments {
            let ended = notaries.test.finished(notary, payment).await;
            assert_eq!(ended.state, "expired", "at {}", notary.name);
        }
    }
    assert_eq!(known, [3, 1, 0], "the second one signed the last payment");

    let mut others = Vec::new();
    for _ in POINTS {
        others.push(pay(&notaries, 10 * LIFETIME).await);
    }
    all_are(&notaries, &others, "cleared").await;
    assert_eq!(savings(&notaries).await, 0);
}
