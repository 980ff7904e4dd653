//! Who is there: an issuer with a card and a merchant, and the merchant's acquirer.
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use protocol::{
    prepaid::{CardLimits, CardNumber, CardPayment, MerchantNumber, RefundOrder, Rules, SignedPayment, VoidOrder},
    AccountId, Amount, Member, Timestamp,
};

use super::Books;
use crate::{
    identity::SigningKey,
    prepaid::{
        messages::{OrderAnswer, SealedOrder, TerminalMessage, TerminalOrder},
        ports::{Act, Clock, Issuers, PeerError},
        schedule::Schedule,
        sealed::seal,
        Issuing, Prepaid,
    },
    store::Store,
    windows::Calendar,
};

pub const GENESIS: [u8; 32] = [1; 32];
pub const CONTRACT: AccountId = AccountId([9; 32]);
pub const ISSUER: Member = Member(0);
pub const ACQUIRER: Member = Member(1);
pub const CARD: CardNumber = CardNumber(4711);
pub const MERCHANT: MerchantNumber = MerchantNumber(12);
/// 2026-12-23T12:00:00Z, a Wednesday.
pub const START: Timestamp = 1_798_027_200_000;
const HOUR: Timestamp = 3_600_000;

pub fn card_key() -> SigningKey {
    SigningKey::load("//Card").unwrap()
}

pub fn holder() -> SigningKey {
    SigningKey::load("//Holder").unwrap()
}

pub fn terminal_key() -> SigningKey {
    SigningKey::load("//Terminal").unwrap()
}

pub fn limits(each: Amount) -> CardLimits {
    CardLimits {
        balance: each,
        per_payment: each,
        per_day: each,
    }
}

pub const fn rules() -> Rules {
    Rules {
        flat: 1,
        parts_per_million: 0,
        least_payout: 0,
        reserve_parts_per_million: 0,
    }
}

/// A clock that stands still until it is told.
pub struct Hand(Mutex<Timestamp>);

impl Hand {
    pub fn set(&self, to: Timestamp) {
        *self.0.lock().unwrap() = to;
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// The acquirer's way to the issuer.
pub struct Way {
    issuer: Arc<Prepaid>,
    is_open: Mutex<bool>,
}

impl Way {
    pub fn open(&self, is_open: bool) {
        *self.is_open.lock().unwrap() = is_open;
    }

    fn ensure_open(&self, member: Member) -> Result<(), PeerError> {
        if *self.is_open.lock().unwrap() {
            return Ok(());
        }
        Err(PeerError::Unreachable {
            member,
            why: "as the test says".into(),
        })
    }
}

#[async_trait]
impl Issuers for Way {
    async fn hand_in(&self, issuer: Member, order: &SealedOrder) -> Result<OrderAnswer, PeerError> {
        self.ensure_open(issuer)?;
        self.issuer
            .on_order(ACQUIRER, order)
            .await
            .map_err(|error| PeerError::Rejected {
                member: issuer,
                code: error.code(),
                detail: error.to_string(),
            })
    }

    async fn recipient(&self, issuer: Member) -> Result<String, PeerError> {
        self.ensure_open(issuer)?;
        Ok(self.issuer.recipient().unwrap())
    }
}

/// Nobody else issues cards.
pub struct NoWay;

#[async_trait]
impl Issuers for NoWay {
    async fn hand_in(&self, member: Member, _: &SealedOrder) -> Result<OrderAnswer, PeerError> {
        let why = "nobody is there".into();
        Err(PeerError::Unreachable { member, why })
    }
    async fn recipient(&self, member: Member) -> Result<String, PeerError> {
        let why = "nobody is there".into();
        Err(PeerError::Unreachable { member, why })
    }
}

/// A payment that card and terminal signed.
pub fn payment(counter: u64, amount: Amount) -> SignedPayment {
    let payment = CardPayment {
        card: CARD,
        counter,
        merchant: MERCHANT,
        terminal: terminal_key().account(),
        amount,
        least: amount,
        expires_at: START + HOUR,
    };
    let payload = payment.payload(&protocol::prepaid::domain(GENESIS, CONTRACT));
    SignedPayment {
        payment,
        card: card_key().sign(&payload),
        terminal: terminal_key().sign(&payload),
    }
}

/// A card issuer that nobody can be reached by, whose cut-off is at 22:00.
pub fn issuer(books: Arc<Books>, store: Store, clock: Arc<dyn Clock>, identity: age::x25519::Identity) -> Arc<Prepaid> {
    let issuing = Issuing {
        identity,
        batch_wait: Duration::ZERO,
        answer_wait: Duration::ZERO,
        schedule: Schedule::new(Calendar::new(["22:00".parse().unwrap()], []), "UTC".parse().unwrap()),
    };
    Prepaid::new(ISSUER, vec![books], Some(issuing), Arc::new(NoWay), store, clock)
}

pub struct World {
    pub books: Arc<Books>,
    pub clock: Arc<Hand>,
    pub issuer: Arc<Prepaid>,
    pub acquirer: Arc<Prepaid>,
    pub way: Arc<Way>,
    pub recipient: String,
    stores: [Store; 2],
    identity: age::x25519::Identity,
}

impl World {
    /// The card holds 500, the merchant has a terminal; nothing was paid.
    pub async fn open() -> Self {
        let books = Books::of(ISSUER, START);
        let clock = Arc::new(Hand(Mutex::new(START)));
        let stores = [Store::in_memory().await.unwrap(), Store::in_memory().await.unwrap()];
        let identity = age::x25519::Identity::generate();
        let world = Self::with(books, clock, stores, identity);
        let acts = [
            Act::RegisterMerchant {
                merchant: MERCHANT,
                acquirer: ACQUIRER,
                account: AccountId([3; 32]),
                rules: rules(),
            },
            Act::AddTerminal {
                merchant: MERCHANT,
                terminal: terminal_key().account(),
            },
            Act::IssueCard {
                card: CARD,
                key: card_key().account(),
                holder: holder().account(),
                limits: limits(1_000),
                expires_at: START + 1_000 * HOUR,
            },
            Act::TopUp {
                card: CARD,
                amount: 500,
                reference: [1; 32],
            },
        ];
        for (number, act) in acts.iter().enumerate() {
            let key = format!("open/{number}");
            world.issuer.act(ISSUER, &key, act).await.unwrap().unwrap();
        }
        world
    }

    fn with(books: Arc<Books>, clock: Arc<Hand>, stores: [Store; 2], identity: age::x25519::Identity) -> Self {
        let issuer = issuer(books.clone(), stores[0].clone(), clock.clone(), identity.clone());
        let way = Arc::new(Way {
            issuer: issuer.clone(),
            is_open: Mutex::new(true),
        });
        let acquirer = Prepaid::new(
            ACQUIRER,
            vec![books.clone()],
            None,
            way.clone(),
            stores[1].clone(),
            clock.clone(),
        );
        Self {
            recipient: issuer.recipient().unwrap(),
            books,
            clock,
            issuer,
            acquirer,
            way,
            stores,
            identity,
        }
    }

    /// Both in new processes.
    pub fn restart(self) -> Self {
        Self::with(self.books, self.clock, self.stores, self.identity)
    }

    /// A payment that card and terminal signed.
    pub fn payment(&self, counter: u64, amount: Amount) -> TerminalOrder {
        let payment = self.signed(counter, amount);
        TerminalOrder::Pay { payment }
    }

    pub fn signed(&self, counter: u64, amount: Amount) -> SignedPayment {
        payment(counter, amount)
    }

    pub fn void(&self, counter: u64) -> TerminalOrder {
        let order = VoidOrder {
            card: CARD,
            counter,
            terminal: terminal_key().account(),
            expires_at: START + HOUR,
        };
        let signature = terminal_key().sign(&order.payload(&protocol::prepaid::domain(GENESIS, CONTRACT)));
        TerminalOrder::Void { order, signature }
    }

    pub fn refund(&self, counter: u64, amount: Amount, returned: Amount) -> TerminalOrder {
        let order = RefundOrder {
            card: CARD,
            counter,
            terminal: terminal_key().account(),
            amount,
            returned,
            expires_at: START + HOUR,
        };
        let signature = terminal_key().sign(&order.payload(&protocol::prepaid::domain(GENESIS, CONTRACT)));
        TerminalOrder::Refund { order, signature }
    }

    pub fn sealed(&self, order: &TerminalOrder) -> SealedOrder {
        SealedOrder {
            reference: order.reference(),
            terminal: order.terminal(),
            sealed: seal(&self.recipient, order).unwrap(),
        }
    }

    /// As the terminal sends it.
    pub fn message(&self, order: &TerminalOrder) -> TerminalMessage {
        let SealedOrder { reference, sealed, .. } = self.sealed(order);
        signed(TerminalMessage {
            issuer: ISSUER,
            reference,
            terminal: terminal_key().account(),
            sent_at: START,
            sealed,
            signature: protocol::Signature([0; 64]),
        })
    }

    /// Both look and do what is due, until nothing is.
    pub async fn rounds(&self) {
        for _ in 0..6 {
            let _ = self.acquirer.round().await;
            let _ = self.issuer.round().await;
        }
    }

    /// What a terminal is answered in the end.
    pub async fn answer(&self, order: &TerminalOrder) -> OrderAnswer {
        let message = self.message(order);
        let first = self.acquirer.on_message(&message).await.unwrap();
        if first.is_final() {
            return first;
        }
        self.rounds().await;
        self.acquirer.on_message(&message).await.unwrap()
    }

    pub async fn balance(&self) -> Amount {
        self.issuer.card(ISSUER, CARD).await.unwrap().balance
    }
}

/// With the terminal's signature under what stands there.
pub fn signed(mut message: TerminalMessage) -> TerminalMessage {
    let payload = message.payload(&protocol::prepaid::domain(GENESIS, CONTRACT));
    message.signature = terminal_key().sign(&payload);
    message
}
