//! The card programme of one issuer: its contract, merchants with terminals, cards and holders.
pub mod books;
mod views;

use protocol::{
    prepaid::{
        domain, CardLimits, CardNumber, CardPayment, DisputeOrder, Error, MerchantNumber, PaymentKey, Programme,
        RefundOrder, Rules, SignedPayment, Statement, Verdict, VoidOrder, DAY,
    },
    registry::{Change, Error as RegistryError, Roles},
    settlement::Asset,
    signing::Domain,
    AccountId, Member, Signature,
};
use quittance_runtime::UNIT;
use scale::{Decode, Encode};
use sp_core::Pair as _;

use crate::{
    contract_chain::{Called, Chain, Fault, RootKey, GENESIS, START},
    institutions::{account, governor, governors_sign, key, registration, sign},
    money::{make_tokens, native_part, Money},
};

pub const ISSUER: Member = Member(0);
pub const ACQUIRER: Member = Member(1);
pub const OTHER_ACQUIRER: Member = Member(2);
// From here on no institutions: whoever has a key has an account.
pub const STRANGER: Member = Member(3);
pub const HOLDER: Member = Member(4);
pub const OTHER_HOLDER: Member = Member(5);
/// Where the shop is paid.
pub const TILL: Member = Member(6);
pub const OTHER_TILL: Member = Member(7);
/// Has no account until somebody pays it enough for one.
pub const POOR: Member = Member(8);
/// Everybody who may have money.
pub const PEOPLE: [Member; 9] = [
    ISSUER,
    ACQUIRER,
    OTHER_ACQUIRER,
    STRANGER,
    HOLDER,
    OTHER_HOLDER,
    TILL,
    OTHER_TILL,
    POOR,
];

pub const CARD: CardNumber = CardNumber(1);
pub const OTHER_CARD: CardNumber = CardNumber(2);
pub const SHOP: MerchantNumber = MerchantNumber(1);
pub const OTHER_SHOP: MerchantNumber = MerchantNumber(2);
/// The keys that the cards were issued with.
pub const CHIP: Member = Member(21);
pub const OTHER_CHIP: Member = Member(22);
/// The key of a card that replaces another.
pub const NEW_CHIP: Member = Member(23);
/// The shop's.
pub const TERMINAL: Member = Member(31);
pub const SECOND_TERMINAL: Member = Member(32);
/// The other shop's.
pub const OTHER_TERMINAL: Member = Member(33);
/// Nobody's yet.
pub const SPARE_TERMINAL: Member = Member(34);

pub const LIMITS: CardLimits = CardLimits {
    balance: 1_000 * UNIT,
    per_payment: 100 * UNIT,
    per_day: 250 * UNIT,
};
pub const PROGRAMME: Programme = Programme {
    limits: CardLimits {
        balance: 2_000 * UNIT,
        per_payment: 200 * UNIT,
        per_day: 400 * UNIT,
    },
    allows_partial: true,
    cycle: 100_000,
    dispute_period: 40_000,
    ruling_period: 20_000,
};
/// 1 % and a tenth of a unit each; a tenth is kept.
pub const RULES: Rules = Rules {
    flat: UNIT / 10,
    parts_per_million: 10_000,
    least_payout: 10 * UNIT,
    reserve_parts_per_million: 100_000,
};
/// What each card is topped up with.
pub const BALANCE: u128 = 500 * UNIT;
pub const AMOUNT: u128 = 50 * UNIT;
/// When the orders that the tests sign expire.
pub const ORDER_EXPIRY: u64 = START + 200_000;
pub const CARD_EXPIRY: u64 = START + 30 * DAY;
/// The first midnight.
pub const MIDNIGHT: u64 = (START / DAY + 1) * DAY;
pub const EVIDENCE: [u8; 32] = [3; 32];
pub const ANSWER: [u8; 32] = [4; 32];

/// The asset of a programme, as [`Money::assets`] counts them.
pub const NATIVE: usize = 0;
pub const TOKEN: usize = 1;
pub const HOSTILE: usize = 2;

/// One chain with the issuer's contract.
pub struct Cards {
    pub chain: Chain,
    pub registry: AccountId,
    pub prepaid: AccountId,
    pub asset: Asset,
    pub money: Money,
    /// The registry's.
    epoch: u32,
    committed_epoch: u32,
    keys: Keys,
}

/// Where the contract keeps what.
#[derive(Clone, Copy)]
struct Keys {
    cards: RootKey,
    merchants: RootKey,
    terminals: RootKey,
    payments: RootKey,
    disputes: RootKey,
    statements: RootKey,
    references: RootKey,
}

impl Default for Cards {
    fn default() -> Self {
        Self::with(NATIVE)
    }
}

impl Cards {
    /// Nothing but the contract, for cards that hold this asset, and three institutions.
    pub fn new(asset: usize) -> Self {
        let rich: Vec<Member> = PEOPLE.into_iter().filter(|member| *member != POOR).collect();
        let mut chain = Chain::new(&rich.iter().copied().map(account).collect::<Vec<_>>());
        let governors: Vec<[u8; 32]> = (0..2).map(|place| governor(place).public().0).collect();
        let registry = chain
            .instantiate::<RegistryError>("registry", (GENESIS, governors, 2u16, 1u16))
            .unwrap();
        let tokens = make_tokens(&mut chain);
        let asset = [Asset::Native, Asset::Psp22(tokens[0]), Asset::Psp22(tokens[1])][asset];
        let prepaid = chain
            .instantiate::<Error>("prepaid", (GENESIS, registry, ISSUER, asset, PROGRAMME))
            .unwrap();
        let money = Money::of(&mut chain, prepaid, &rich, tokens);
        let key = |mapping| RootKey::of("prepaid", mapping);
        let mut cards = Self {
            chain,
            registry,
            prepaid,
            asset,
            money,
            epoch: 0,
            committed_epoch: 0,
            keys: Keys {
                cards: key("cards"),
                merchants: key("merchants"),
                terminals: key("terminals"),
                payments: key("payments"),
                disputes: key("disputes"),
                statements: key("statements"),
                references: key("references"),
            },
        };
        cards.govern(registration(ISSUER, Roles::CARD_ISSUER));
        cards.govern(registration(ACQUIRER, Roles::PARTICIPANT));
        cards.govern(registration(OTHER_ACQUIRER, Roles::PARTICIPANT));
        cards
    }

    /// Two merchants with terminals, two cards that hold something.
    pub fn with(asset: usize) -> Self {
        let mut cards = Self::new(asset);
        for (merchant, acquirer, till) in [(SHOP, ACQUIRER, TILL), (OTHER_SHOP, OTHER_ACQUIRER, OTHER_TILL)] {
            let args = (merchant, acquirer, account(till), RULES);
            cards.order("register_merchant", args).unwrap();
        }
        for (merchant, terminal) in [(SHOP, TERMINAL), (SHOP, SECOND_TERMINAL), (OTHER_SHOP, OTHER_TERMINAL)] {
            cards.order("add_terminal", (merchant, account(terminal))).unwrap();
        }
        for (place, (card, chip, holder)) in (0..).zip([(CARD, CHIP, HOLDER), (OTHER_CARD, OTHER_CHIP, OTHER_HOLDER)]) {
            let args = (card, account(chip), account(holder), LIMITS, CARD_EXPIRY);
            cards.order("issue_card", args).unwrap();
            cards.top_up(card, BALANCE, [place; 32]).unwrap();
        }
        cards
    }

    /// Changes the registry.
    pub fn govern(&mut self, change: Change) {
        let domain = Domain {
            genesis: GENESIS,
            contract: self.registry,
            epoch: self.epoch,
        };
        let never = u64::MAX;
        let signatures = governors_sign(&domain, &change, never);
        let args = (change, never, signatures);
        let applied: Called<Result<(), RegistryError>> =
            self.chain.call(account(STRANGER), self.registry, "apply", args, 0);
        applied.output.unwrap();
        self.money.note(STRANGER, applied.deposit);
        self.epoch += 1;
    }

    /// Makes the present state the one that [`Self::roll_back`] goes back to.
    pub fn commit(&mut self) {
        self.chain.commit();
        self.money.commit();
        self.committed_epoch = self.epoch;
    }

    pub fn roll_back(&mut self) {
        self.chain.roll_back();
        self.money.roll_back();
        self.epoch = self.committed_epoch;
    }

    /// Sends the contract a message that must come to an answer.
    pub fn send<T: Decode>(&mut self, by: Member, message: &str, args: impl Encode, value: u128) -> T {
        self.try_send(by, message, args, value).unwrap().output
    }

    pub fn try_send<T: Decode>(
        &mut self,
        by: Member,
        message: &str,
        args: impl Encode,
        value: u128,
    ) -> Result<Called<T>, Fault> {
        let called = self.chain.try_call(account(by), self.prepaid, message, args, value)?;
        self.money.note(by, called.deposit);
        Ok(called)
    }

    /// The issuer says so.
    pub fn order(&mut self, message: &str, args: impl Encode) -> Result<(), Error> {
        self.send(ISSUER, message, args, 0)
    }

    /// Tells the hostile token what to do from now on.
    pub fn turn(&mut self, message: &str, args: impl Encode) {
        self.money.tell(&mut self.chain, self.money.hostile, message, args);
    }

    pub fn approve(&mut self, by: Member, amount: u128) {
        self.money.approve(&mut self.chain, by, self.asset, amount);
    }

    /// What must be sent along to pay this amount.
    pub fn value(&self, amount: u128) -> u128 {
        native_part(self.asset, amount)
    }

    /// The issuer tops a card up.
    pub fn top_up(&mut self, card: CardNumber, amount: u128, reference: [u8; 32]) -> Result<(), Error> {
        self.approve(ISSUER, amount);
        self.send(ISSUER, "top_up", (card, amount, reference), self.value(amount))
    }

    /// The acquirer puts something in for a merchant.
    pub fn fund(&mut self, merchant: MerchantNumber, amount: u128, reference: [u8; 32]) -> Result<(), Error> {
        self.approve(ACQUIRER, amount);
        let args = (merchant, amount, reference);
        self.send(ACQUIRER, "fund_merchant", args, self.value(amount))
    }

    /// What the card pays the shop under this counter.
    pub fn payment(&self, counter: u64) -> CardPayment {
        CardPayment {
            card: CARD,
            counter,
            merchant: SHOP,
            terminal: account(TERMINAL),
            amount: AMOUNT,
            least: AMOUNT,
            expires_at: ORDER_EXPIRY,
        }
    }

    /// As card and terminal sign it.
    pub fn signed(&self, payment: CardPayment) -> SignedPayment {
        let chip = if payment.card == OTHER_CARD { OTHER_CHIP } else { CHIP };
        self.signed_by(payment, chip, terminal(payment.terminal))
    }

    pub fn signed_by(&self, payment: CardPayment, chip: Member, terminal: Member) -> SignedPayment {
        let payload = payment.payload(&self.domain());
        SignedPayment {
            payment,
            card: sign(&key(chip), &payload),
            terminal: sign(&key(terminal), &payload),
        }
    }

    /// The issuer brings payments.
    pub fn bring(&mut self, payments: &[SignedPayment]) -> Vec<Verdict> {
        let verdicts: Result<Vec<Verdict>, Error> = self.send(ISSUER, "pay_batch", payments, 0);
        verdicts.unwrap()
    }

    /// A payment by itself.
    pub fn pay(&mut self, payment: CardPayment) -> Verdict {
        let signed = self.signed(payment);
        self.bring(&[signed])[0]
    }

    /// A payment of the card to the shop that must be approved.
    pub fn paid(&mut self, counter: u64, amount: u128) -> PaymentKey {
        let payment = CardPayment {
            amount,
            least: amount,
            ..self.payment(counter)
        };
        match self.pay(payment) {
            Verdict::Approved { taken, .. } => assert_eq!(taken, amount),
            Verdict::Declined(code) => panic!("declined: {code:?}"),
        }
        payment.key()
    }

    pub fn void_order(&self, (card, counter): PaymentKey) -> VoidOrder {
        VoidOrder {
            card,
            counter,
            terminal: account(TERMINAL),
            expires_at: ORDER_EXPIRY,
        }
    }

    /// With the signature of its terminal.
    pub fn signed_void(&self, order: VoidOrder) -> (VoidOrder, Signature) {
        let payload = order.payload(&self.domain());
        (order, sign(&key(terminal(order.terminal)), &payload))
    }

    pub fn void(&mut self, key: PaymentKey) -> Result<(), Error> {
        self.order("void", self.signed_void(self.void_order(key)))
    }

    pub fn refund_order(&mut self, (card, counter): PaymentKey, amount: u128) -> RefundOrder {
        RefundOrder {
            card,
            counter,
            terminal: account(TERMINAL),
            amount,
            returned: self.try_record((card, counter)).map_or(0, |record| record.returned),
            expires_at: ORDER_EXPIRY,
        }
    }

    /// With the signature of its terminal.
    pub fn signed_refund(&self, order: RefundOrder) -> (RefundOrder, Signature) {
        let payload = order.payload(&self.domain());
        (order, sign(&key(terminal(order.terminal)), &payload))
    }

    pub fn refund(&mut self, key: PaymentKey, amount: u128) -> Result<(), Error> {
        let order = self.refund_order(key, amount);
        self.order("refund", self.signed_refund(order))
    }

    pub fn dispute_order(&self, (card, counter): PaymentKey, amount: u128) -> DisputeOrder {
        DisputeOrder {
            card,
            counter,
            amount,
            evidence: EVIDENCE,
            expires_at: ORDER_EXPIRY,
        }
    }

    /// With the signature of the card's holder.
    pub fn signed_dispute(&self, order: DisputeOrder) -> (DisputeOrder, Signature) {
        let holder = if order.card == OTHER_CARD { OTHER_HOLDER } else { HOLDER };
        (order, sign(&key(holder), &order.payload(&self.domain())))
    }

    pub fn dispute(&mut self, key: PaymentKey, amount: u128) -> Result<(), Error> {
        let order = self.dispute_order(key, amount);
        self.send(STRANGER, "open_dispute", self.signed_dispute(order), 0)
    }

    /// The issuer closes a merchant's cycle.
    pub fn close(&mut self, merchant: MerchantNumber) -> Statement {
        let statement: Result<Statement, Error> = self.send(ISSUER, "close_cycle", merchant, 0);
        statement.unwrap()
    }

    /// Where what cards, terminals and holders sign for this contract is valid.
    pub fn domain(&self) -> Domain {
        domain(GENESIS, self.prepaid)
    }
}

/// Whose key it is.
pub fn terminal(of: AccountId) -> Member {
    (TERMINAL.0..=SPARE_TERMINAL.0)
        .map(Member)
        .find(|terminal| account(*terminal) == of)
        .unwrap()
}
