//! A payment between a payer, a payee's institution and two chains in memory: whatever is lost or killed, it is paid once.
#![allow(clippy::unwrap_used)]
use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use protocol::{credit::Leg, settlement::Asset, AccountId, Amount, Member, Signature};

use super::*;
use crate::{
    credit::{
        messages::{ArrivalAnswer, ArrivalRequest, ConsentAnswer, ConsentRequest},
        payee::{Consents, Otherwise, Payee, Rule},
        ports::{Act, CreditLedger, PeerError},
        tests::{order, payee, payer, Books, GRACE, HERE, NATIVE, THERE},
    },
    identity::development_ca::{DevelopmentCa, PersonRequest},
};

const START: Timestamp = 1_800_000_000_000;
const HOUR: Timestamp = 3_600_000;

struct Now(AtomicU64);

impl Clock for Now {
    fn now(&self) -> Timestamp {
        self.0.load(Ordering::SeqCst)
    }
}

/// The way to the payee's institution: it may lose a question, or an answer.
struct Way {
    consents: Arc<Consents>,
    asked: AtomicUsize,
    lose: Option<usize>,
}

impl Way {
    fn lost(&self, member: Member) -> Result<(), PeerError> {
        if self.lose == Some(self.asked.fetch_add(1, Ordering::SeqCst)) {
            return Err(PeerError::Unreachable {
                member,
                why: "as the test says".into(),
            });
        }
        Ok(())
    }
}

fn answered<T>(member: Member, answer: Result<T, CreditError>) -> Result<T, PeerError> {
    answer.map_err(|error| PeerError::Rejected {
        member,
        code: error.code(),
        detail: error.to_string(),
    })
}

#[async_trait]
impl Payees for Way {
    fn reaches(&self, chain: &[u8; 32], institution: Member) -> bool {
        (*chain, institution) == (THERE, Member(1))
    }
    async fn ask(&self, _: &[u8; 32], to: Member, request: &ConsentRequest) -> Result<ConsentAnswer, PeerError> {
        self.lost(to)?;
        let answer = answered(to, self.consents.on_request(Member(0), request.clone()).await);
        self.lost(to)?;
        answer
    }
    async fn ask_arrival(&self, _: &[u8; 32], to: Member, id: RequestId) -> Result<ArrivalAnswer, PeerError> {
        self.lost(to)?;
        let answer = answered(to, self.consents.on_arrival(Member(0), &ArrivalRequest { id }).await);
        self.lost(to)?;
        answer
    }
}

/// A payee's institution that rejects every question with this code.
struct Rejecting(&'static str);

impl Rejecting {
    fn no<T>(&self, member: Member) -> Result<T, PeerError> {
        Err(PeerError::Rejected {
            member,
            code: self.0.into(),
            detail: "as the test says".into(),
        })
    }
}

#[async_trait]
impl Payees for Rejecting {
    fn reaches(&self, _: &[u8; 32], _: Member) -> bool {
        true
    }
    async fn ask(&self, _: &[u8; 32], to: Member, _: &ConsentRequest) -> Result<ConsentAnswer, PeerError> {
        self.no(to)
    }
    async fn ask_arrival(&self, _: &[u8; 32], to: Member, _: RequestId) -> Result<ArrivalAnswer, PeerError> {
        self.no(to)
    }
}

struct World {
    here: Arc<Books>,
    there: Arc<Books>,
    clock: Arc<Now>,
    store: Store,
    persons: Arc<Persons>,
    certificate: String,
    consents: Arc<Consents>,
    payments: Arc<Payments>,
}

impl World {
    async fn new(accept: Amount, otherwise: Otherwise) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::create(directory.path()).unwrap();
        let certify = |name: &str, account: AccountId| {
            let person = ca.issue_person(&PersonRequest::named(name, account)).unwrap();
            std::fs::read_to_string(person.certificate).unwrap()
        };
        let certificate = certify("Anna Payer", payer().account());
        let payees = vec![Payee {
            key: payee(),
            certificate: certify("Paul Payee", payee().account()),
            accept: vec![Rule {
                payer: None,
                asset: NATIVE,
                up_to: accept,
            }],
            otherwise,
        }];
        let persons = Arc::new(Persons::load(&ca.certificate_path(), &[]).unwrap());
        let (here, there) = (Books::of(HERE), Books::of(THERE));
        let clock = Arc::new(Now(AtomicU64::new(START)));
        for books in [&here, &there] {
            books.pass_time(START);
        }
        let consents = Consents::new(payees, Store::in_memory().await.unwrap(), there.clone(), clock.clone());
        let store = Store::in_memory().await.unwrap();
        let (order, signature) = order(&here, 1_000, 1);
        let acts = [
            Act::SetLimit { order, signature },
            Act::SetNodeLimit {
                payer: payer().account(),
                asset: NATIVE,
                limit: 500,
                evidence: [4; 32],
            },
        ];
        for act in acts {
            here.carry_out(act.message(), &act).await.unwrap();
        }
        there
            .carry_out(
                "fund",
                &Act::Fund {
                    asset: NATIVE,
                    amount: 10_000,
                },
            )
            .await
            .unwrap();
        let mut world = Self {
            payments: Payments::new(
                Credit::new(vec![]),
                store.clone(),
                Arc::new(Way {
                    consents: consents.clone(),
                    asked: AtomicUsize::new(0),
                    lose: None,
                }),
                None,
                terms(),
                clock.clone(),
            ),
            here,
            there,
            clock,
            store,
            persons,
            certificate,
            consents,
        };
        world.restart(None);
        world
    }

    /// A new process on the same database; one question or answer is lost.
    fn restart(&mut self, lose: Option<usize>) {
        self.restart_with(Way {
            consents: self.consents.clone(),
            asked: AtomicUsize::new(0),
            lose,
        });
    }

    fn restart_with(&mut self, way: impl Payees + 'static) {
        self.payments = Payments::new(
            Credit::new(vec![self.here.clone(), self.there.clone()]),
            self.store.clone(),
            Arc::new(way),
            Some(self.persons.clone()),
            terms(),
            self.clock.clone(),
        );
    }

    fn request(&self, amount: Amount) -> CreditRequest {
        let leg = |books: &Books| Leg {
            genesis: CreditLedger::genesis(books),
            contract: books.credit(),
            asset: NATIVE,
        };
        CreditRequest {
            nonce: rand::random(),
            payer: payer().account(),
            payee: payee().account(),
            debt: leg(&self.here),
            payout: leg(&self.there),
            amount,
            goods: "a lathe".into(),
            pay_by: START + 2 * HOUR,
            expires_at: START + 4 * HOUR,
            due_at: START + 24 * HOUR,
            late_fee: amount.div_ceil(20),
        }
    }

    fn signed(&self, request: &CreditRequest) -> NewRequest {
        NewRequest {
            request: request.clone(),
            signature: payer().sign(&request.payload()),
            certificate: self.certificate.clone(),
            payee_institution: Member(1),
        }
    }

    async fn hand_in(&self, request: &CreditRequest) -> Result<Payment, CreditError> {
        self.payments.request(self.signed(request)).await
    }

    /// As many as anything here takes.
    async fn rounds(&self) {
        for _ in 0..12 {
            self.payments.round().await.unwrap();
        }
    }

    async fn stage(&self, request: &CreditRequest) -> Stage {
        self.payments.payment(request.id()).await.unwrap().row.stage
    }

    fn go_to(&self, time: Timestamp) {
        self.clock.0.store(time, Ordering::SeqCst);
        for books in [&self.here, &self.there] {
            books.pass_time(time);
        }
    }

    async fn pool(&self) -> Amount {
        self.there.pool(NATIVE).await.unwrap()
    }
}

fn terms() -> Terms {
    Terms {
        offered: vec![Offered {
            debt: (HERE, NATIVE),
            payout: (THERE, NATIVE),
        }],
        room: HOUR,
        longest_term_days: 2,
        late_fee_percent: 5,
    }
}

#[tokio::test]
async fn a_payment_within_both_limits_is_paid_owed_and_confirmed() {
    let world = World::new(1_000, Otherwise::Refuse).await;
    let request = world.request(200);
    let taken = world.hand_in(&request).await.unwrap();
    assert_eq!(taken.row.stage, Stage::Asked);
    world.rounds().await;
    let done = world.payments.payment(request.id()).await.unwrap();
    let stages: Vec<Stage> = done.history.iter().map(|line| line.stage).collect();
    assert_eq!(
        stages,
        [
            Stage::Asked,
            Stage::Accepted,
            Stage::Reserved,
            Stage::Paid,
            Stage::Owed,
            Stage::Confirmed
        ]
    );
    assert_eq!(done.row.payer_person.common_name.as_deref(), Some("Anna Payer"));
    assert_eq!(
        done.row.payee_person.unwrap().common_name.as_deref(),
        Some("Paul Payee")
    );
    assert_eq!(world.pool().await, 9_800);
}

#[tokio::test]
async fn whatever_question_or_answer_is_lost_the_payee_is_paid_once() {
    for lost in 0..4 {
        let mut world = World::new(1_000, Otherwise::Refuse).await;
        let request = world.request(200);
        world.hand_in(&request).await.unwrap();
        world.restart(Some(lost));
        for _ in 0..14 {
            // What a round leaves out, the next one does.
            let _ = world.payments.round().await;
        }
        assert_eq!(world.stage(&request).await, Stage::Confirmed, "message {lost}");
        assert_eq!(world.pool().await, 9_800);
        world.restart(None);
        world.hand_in(&request).await.unwrap();
        world.rounds().await;
        assert_eq!(world.pool().await, 9_800, "the same request again pays nothing");
    }
}

#[tokio::test]
async fn a_bank_that_rejects_the_question_for_now_is_asked_again_and_one_that_speaks_for_nobody_ends_it() {
    let mut world = World::new(1_000, Otherwise::Refuse).await;
    let request = world.request(200);
    world.hand_in(&request).await.unwrap();
    world.restart_with(Rejecting("stale-request"));
    assert!(world.payments.round().await.is_err());
    assert_eq!(world.stage(&request).await, Stage::Asked);
    world.restart_with(Rejecting("not-our-payee"));
    world.payments.round().await.unwrap();
    let row = world.payments.payment(request.id()).await.unwrap().row;
    assert_eq!(
        (row.stage, row.refusal.unwrap().code.as_str()),
        (Stage::Refused, "not-our-payee")
    );
}

#[tokio::test]
async fn a_payout_that_is_not_final_for_long_keeps_its_reservation_alive() {
    let world = World::new(1_000, Otherwise::Refuse).await;
    world.there.hang("pay");
    let request = world.request(200);
    world.hand_in(&request).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(world.payments.clone().run(stop.clone()));
    let until = async || {
        let debt = world.here.debts(&[request.id()]).await.unwrap()[0];
        debt.map_or(0, |debt| debt.until)
    };
    while until().await == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The payer's chain goes on; the payee's holds the payout in a block that isn't final.
    world.clock.0.store(request.expires_at - GRACE, Ordering::SeqCst);
    world.here.pass_time(request.expires_at - GRACE);
    while until().await <= request.expires_at {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(world.stage(&request).await, Stage::Reserved);
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn the_same_request_for_another_institution_is_refused() {
    let world = World::new(1_000, Otherwise::Refuse).await;
    let request = world.request(200);
    world.hand_in(&request).await.unwrap();
    let mut another = world.signed(&request);
    another.payee_institution = Member(7);
    assert_eq!(
        world.payments.request(another).await.unwrap_err().code(),
        "other-institution"
    );
}

#[tokio::test]
async fn a_person_decides_what_no_rule_takes_and_its_word_stands() {
    let world = World::new(100, Otherwise::Ask).await;
    let (taken, refused) = (world.request(150), world.request(160));
    for request in [&taken, &refused] {
        world.hand_in(request).await.unwrap();
    }
    world.rounds().await;
    assert_eq!(world.stage(&taken).await, Stage::Asked);
    world.consents.accept(taken.id(), "chief").await.unwrap();
    world
        .consents
        .refuse(refused.id(), "not from this payer", "chief")
        .await
        .unwrap();
    let again = world.consents.accept(refused.id(), "teller").await.unwrap_err();
    assert_eq!(again.code(), "decided-before");
    world.rounds().await;
    assert_eq!(world.stage(&taken).await, Stage::Confirmed);
    let row = world.payments.payment(refused.id()).await.unwrap().row;
    let refusal = row.refusal.unwrap();
    assert_eq!((row.stage, refusal.code.as_str()), (Stage::Refused, "payee-refused"));
    assert_eq!(refusal.detail, "not from this payer");
    let payload = refused.refusal(&refusal.detail);
    assert!(crate::identity::verify(
        &payee().public(),
        &payload,
        &refusal.signature.unwrap()
    ));
}

#[tokio::test]
async fn a_payee_that_never_answers_leaves_nothing_behind() {
    let world = World::new(100, Otherwise::Ask).await;
    let request = world.request(150);
    world.hand_in(&request).await.unwrap();
    world.rounds().await;
    world.go_to(request.pay_by);
    world.rounds().await;
    assert_eq!(world.stage(&request).await, Stage::Lapsed);
    let late = world.consents.accept(request.id(), "chief").await.unwrap_err();
    assert_eq!(late.code(), "too-late");
    assert_eq!(world.pool().await, 10_000);
}

#[tokio::test]
async fn above_the_payees_limit_it_is_refused_and_above_the_nodes_a_raise_is_invited_after_which_it_goes_on() {
    let world = World::new(10_000, Otherwise::Refuse).await;
    let (too_much, short) = (world.request(1_200), world.request(600));
    for request in [&too_much, &short] {
        world.hand_in(request).await.unwrap();
    }
    world.rounds().await;
    let refused = world.payments.payment(too_much.id()).await.unwrap().row;
    assert_eq!(refused.stage, Stage::Refused);
    let refusal = refused.refusal.unwrap();
    assert_eq!(refusal.code, "above-payee-limit");
    assert!(refusal.detail.contains("200 is missing"), "{}", refusal.detail);
    let waiting = world.payments.payment(short.id()).await.unwrap().row;
    assert_eq!(waiting.stage, Stage::Short);
    let refusal = waiting.refusal.unwrap();
    assert_eq!(refusal.code, "above-node-limit");
    assert!(
        refusal.detail.contains("100 is missing") && refusal.detail.contains("at least 600"),
        "{}",
        refusal.detail
    );
    let raised = Act::SetNodeLimit {
        payer: payer().account(),
        asset: NATIVE,
        limit: 600,
        evidence: [5; 32],
    };
    world.here.carry_out("raised", &raised).await.unwrap();
    world.rounds().await;
    assert_eq!(world.stage(&short).await, Stage::Confirmed);
    assert_eq!(world.pool().await, 9_400);
}

#[tokio::test]
async fn a_pool_that_is_short_until_the_end_of_paying_gives_the_reservation_back() {
    let world = World::new(10_000, Otherwise::Refuse).await;
    let all = Act::Withdraw {
        asset: NATIVE,
        amount: 10_000,
    };
    world.there.carry_out("withdraw", &all).await.unwrap();
    let request = world.request(200);
    world.hand_in(&request).await.unwrap();
    for _ in 0..6 {
        let _ = world.payments.round().await;
    }
    assert_eq!(world.stage(&request).await, Stage::Reserved);
    let by_hand = world.payments.ensure_over(request.id()).await.unwrap_err();
    assert_eq!(by_hand.code(), "under-way", "a payout may be on its way");
    world.go_to(request.pay_by);
    world.rounds().await;
    assert_eq!(world.stage(&request).await, Stage::Lapsed);
    let debt = world.here.debts(&[request.id()]).await.unwrap()[0].unwrap();
    assert_eq!(debt.state, protocol::credit::DebtState::Released);
    world.payments.ensure_over(request.id()).await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_and_nobody_hears_of_it() {
    let world = World::new(1_000, Otherwise::Refuse).await;
    let good = world.request(200);
    type Fault = (fn(&mut NewRequest), &'static str);
    let faults: [Fault; 14] = [
        (|new| new.request.amount = 0, "zero-amount"),
        (|new| new.request.payee = new.request.payer, "same-party"),
        (
            |new| new.request.expires_at = new.request.pay_by + GRACE - 1,
            "deadlines-too-close",
        ),
        (|new| new.request.pay_by = START + GRACE, "deadline-too-close"),
        (|new| new.request.due_at = START + 48 * HOUR + 1, "term-too-long"),
        (|new| new.request.late_fee = 9, "late-fee-too-low"),
        (|new| new.request.debt.genesis = [3; 32], "unknown-chain"),
        (
            |new| new.request.payout.contract = AccountId([8; 32]),
            "not-our-contract",
        ),
        (|new| new.signature = Signature([1; 64]), "bad-payer-signature"),
        (|new| new.request.goods.push('!'), "bad-payer-signature"),
        (|new| new.certificate = "no certificate".into(), "certificate-malformed"),
        (|new| new.payee_institution = Member(2), "unknown-institution"),
        (
            |new| new.request.due_at = new.request.expires_at + HOUR - 1,
            "term-too-short",
        ),
        (
            |new| new.request.payout.asset = Asset::Psp22(AccountId([5; 32])),
            "not-offered",
        ),
    ];
    for (fault, code) in faults {
        let mut new = world.signed(&good);
        fault(&mut new);
        // Whoever changes the request signs it again, but where the signature is what is wrong.
        if code != "bad-payer-signature" {
            new.signature = payer().sign(&new.request.payload());
        }
        let id = new.request.id();
        let error = world.payments.request(new).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(world.store.credit_payment(id).await.unwrap().is_none());
    }
    assert!(world.store.consents(&Page::first(1)).await.unwrap().is_empty());
    // The certificate of another account.
    let mut anothers = good.clone();
    anothers.payer = payee().account();
    anothers.payee = payer().account();
    let mut new = world.signed(&anothers);
    new.signature = payee().sign(&anothers.payload());
    let error = world.payments.request(new).await.unwrap_err();
    assert_eq!(error.code(), "certificate-of-another-account");
}

#[tokio::test]
async fn a_late_fee_is_asked_for_to_the_last_unit_of_any_amount() {
    let least = |amount| {
        let mut request = CreditRequest {
            late_fee: 0,
            ..World::blank(amount)
        };
        match terms().check(&request, START) {
            Err(CreditError::LateFeeTooLow { least, .. }) => {
                request.late_fee = least;
                terms().check(&request, START).unwrap();
                least
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(least(1), 1);
    assert_eq!(least(20), 1);
    assert_eq!(least(21), 2);
    assert_eq!(least(u128::MAX), u128::MAX / 20 + 1);
}

impl World {
    fn blank(amount: Amount) -> CreditRequest {
        let leg = |number: u8| Leg {
            genesis: [number; 32],
            contract: AccountId([number; 32]),
            asset: NATIVE,
        };
        CreditRequest {
            nonce: [0; 16],
            payer: payer().account(),
            payee: payee().account(),
            debt: leg(1),
            payout: leg(2),
            amount,
            goods: String::new(),
            pay_by: 0,
            expires_at: 0,
            due_at: HOUR,
            late_fee: 0,
        }
    }
}
