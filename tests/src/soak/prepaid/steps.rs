//! What may happen, before it is known what payments there will be.
use proptest::{bool::weighted, collection::vec, option, prelude::*};
use protocol::{
    prepaid::{CardLimits, CardNumber, MerchantNumber, Programme, Rules, DAY},
    Member,
};
use quittance_runtime::EXISTENTIAL_DEPOSIT;

use crate::{
    prepaid::{ACQUIRER, HOLDER, ISSUER, OTHER_ACQUIRER, OTHER_HOLDER, OTHER_TILL, PEOPLE, POOR, TILL},
    soak::draws::{of, Part},
};

/// A payment's worth.
pub const SOME: u128 = 10 * EXISTENTIAL_DEPOSIT;
pub const CARDS: [CardNumber; 7] = [
    CardNumber(1),
    CardNumber(2),
    CardNumber(3),
    CardNumber(4),
    CardNumber(5),
    CardNumber(6),
    CardNumber(7),
];
pub const SHOPS: [MerchantNumber; 4] = [
    MerchantNumber(1),
    MerchantNumber(2),
    MerchantNumber(3),
    MerchantNumber(4),
];
/// The keys of cards, in turn.
pub const CHIPS: [Member; 9] = [
    Member(21),
    Member(22),
    Member(23),
    Member(24),
    Member(25),
    Member(26),
    Member(27),
    Member(28),
    Member(29),
];
/// The keys of terminals.
pub const TERMINALS: [Member; 8] = [
    Member(31),
    Member(32),
    Member(33),
    Member(34),
    Member(35),
    Member(36),
    Member(37),
    Member(38),
];
pub const HOLDERS: [Member; 3] = [HOLDER, OTHER_HOLDER, POOR];
pub const TILLS: [Member; 3] = [TILL, OTHER_TILL, POOR];

pub const LIMITS: CardLimits = CardLimits {
    balance: 40 * SOME,
    per_payment: 4 * SOME,
    per_day: 24 * SOME,
};
pub const PROGRAMME: Programme = Programme {
    limits: LIMITS,
    allows_partial: true,
    cycle: 400,
    dispute_period: 200,
    ruling_period: 100,
};
pub const RULES: Rules = Rules {
    flat: EXISTENTIAL_DEPOSIT / 10,
    parts_per_million: 20_000,
    least_payout: SOME,
    reserve_parts_per_million: 100_000,
};
/// How long cards last.
pub const LIFE: u64 = 12 * DAY;

/// One call, and what happens right before it.
#[derive(Clone, Debug)]
pub struct Step {
    /// Whether the cards hold a token that may be hostile. The first step of a sequence says so for all.
    pub in_tokens: bool,
    pub when: When,
    /// What the token becomes before the call.
    pub temper: Option<Temper>,
    /// Whether the issuer is active from now on.
    pub is_active: Option<bool>,
    /// Which payment, counted back from the youngest.
    pub payment: usize,
    /// Only what the act suits, if it suits anything.
    pub is_apt: bool,
    pub by: By,
    pub money: Money,
    pub act: Act,
}

/// Time never goes back: a moment that is over is now.
#[derive(Clone, Copy, Debug)]
pub enum When {
    Now,
    Later(u64),
    /// One of the deadlines of what the step is about, a millisecond before it, or after.
    Deadline(usize, i64),
    /// The next midnight, a millisecond before it, or after.
    Midnight(i64),
}

/// What a hostile token does. Each is the name of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temper {
    BeHonest,
    RefuseIn,
    KeepFee,
    Lie,
    RefuseOut,
    TrapOut,
}

impl Temper {
    pub const fn message(self) -> &'static str {
        match self {
            Self::BeHonest => "be_honest",
            Self::RefuseIn => "refuse_in",
            Self::KeepFee => "keep_fee",
            Self::Lie => "lie",
            Self::RefuseOut => "refuse_out",
            Self::TrapOut => "trap_out",
        }
    }

    /// Whether what is paid in arrives.
    pub const fn takes(self) -> bool {
        matches!(self, Self::BeHonest | Self::RefuseOut | Self::TrapOut)
    }

    /// Whether what is paid out goes.
    pub const fn gives(self) -> bool {
        !matches!(self, Self::RefuseOut | Self::TrapOut)
    }
}

#[derive(Clone, Copy, Debug)]
pub enum By {
    /// Whose turn it is.
    Expected,
    Anyone(Member),
}

/// What is sent along.
#[derive(Clone, Copy, Debug)]
pub enum Money {
    Due,
    More,
    Less,
}

#[derive(Clone, Debug)]
pub enum Act {
    SetProgramme(Programme),
    RegisterMerchant(MerchantNumber, Member, Member, Rules),
    SwitchMerchant(MerchantNumber, bool),
    SetRules(MerchantNumber, Rules),
    AddTerminal(MerchantNumber, Member),
    RevokeTerminal(Member),
    IssueCard(usize, Member, Member, CardLimits, i64),
    SetLimits(usize, CardLimits),
    Freeze(usize),
    Unfreeze(usize),
    ReplaceCard(usize, Member),
    CloseCard(usize),
    TopUp(usize, u128, Turn),
    PayBatch(Vec<Draft>, Size),
    Void(Order),
    Refund(Part, bool, Order),
    FundMerchant(MerchantNumber, u128, Turn),
    OpenDispute(Part, Consent, i64),
    AnswerDispute,
    DecideDispute(Part),
    DefaultDispute,
    CloseCycle(MerchantNumber),
}

/// Which reference money is put in under.
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    New,
    Again,
}

/// How many payments come together.
#[derive(Clone, Copy, Debug)]
pub enum Size {
    AsDrawn,
    None,
    TooMany,
}

/// Somebody's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    Given,
    /// For another amount or time.
    ForAnother,
    /// It is somebody else's.
    Forged,
    InAnotherContract,
}

/// A payment to be.
#[derive(Clone, Debug)]
pub enum Draft {
    New {
        card: usize,
        shop: MerchantNumber,
        /// One of the shop's that is good, or any.
        terminal: Option<Member>,
        amount: u128,
        least: Part,
        count: Count,
        expires_in: i64,
        consents: [Consent; 2],
    },
    /// One that was brought before, counted back.
    Again(usize),
}

/// Which counter a payment has.
#[derive(Clone, Copy, Debug)]
pub enum Count {
    Next,
    /// Some terminals are offline: the others' come first.
    Skip,
    Skipped,
    Used,
}

/// A terminal's order concerning a payment.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// One of the shop's that is good, or any.
    pub terminal: Option<Member>,
    pub consent: Consent,
    pub expires_in: i64,
}

pub fn step() -> impl Strategy<Value = Step> {
    let world = (weighted(0.4), temper(), active());
    let payment = (0..5usize, weighted(0.9));
    (when(), world, payment, by(), money(), act()).prop_map(
        |(when, (in_tokens, temper, is_active), (payment, is_apt), by, money, act)| Step {
            in_tokens,
            when,
            temper,
            is_active,
            payment,
            is_apt,
            by,
            money,
            act,
        },
    )
}

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        120 => Just(When::Now),
        12 => (0..20u64).prop_map(When::Later),
        16 => (0..4usize, -1..=1i64).prop_map(|(place, offset)| When::Deadline(place, offset)),
        1 => (-1..=1i64).prop_map(When::Midnight),
    ]
}

fn temper() -> impl Strategy<Value = Option<Temper>> {
    use Temper::{BeHonest, KeepFee, Lie, RefuseIn, RefuseOut, TrapOut};
    prop_oneof![
        40 => Just(None),
        2 => Just(Some(BeHonest)),
        1 => of(&[RefuseIn, KeepFee, Lie, RefuseOut, TrapOut]).prop_map(Some),
    ]
}

fn active() -> impl Strategy<Value = Option<bool>> {
    prop_oneof![400 => Just(None), 1 => Just(Some(false)), 20 => Just(Some(true))]
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![14 => Just(By::Expected), 1 => of(&PEOPLE).prop_map(By::Anyone), 1 => Just(By::Anyone(ISSUER))]
}

fn money() -> impl Strategy<Value = Money> {
    prop_oneof![40 => Just(Money::Due), 1 => Just(Money::More), 1 => Just(Money::Less)]
}

fn act() -> impl Strategy<Value = Act> {
    let merchants = prop_oneof![
        1 => (shop(), of(&[ACQUIRER, OTHER_ACQUIRER]), of(&TILLS), rules())
            .prop_map(|(shop, acquirer, till, rules)| Act::RegisterMerchant(shop, acquirer, till, rules)),
        2 => (shop(), weighted(0.8)).prop_map(|(shop, is_active)| Act::SwitchMerchant(shop, is_active)),
        2 => (shop(), rules()).prop_map(|(shop, rules)| Act::SetRules(shop, rules)),
        2 => (shop(), of(&TERMINALS)).prop_map(|(shop, terminal)| Act::AddTerminal(shop, terminal)),
        1 => of(&TERMINALS).prop_map(Act::RevokeTerminal),
        5 => shop().prop_map(Act::CloseCycle),
    ];
    let cards = prop_oneof![
        2 => (card(), of(&CHIPS), of(&HOLDERS), limits(), life())
            .prop_map(|(card, chip, holder, limits, life)| Act::IssueCard(card, chip, holder, limits, life)),
        1 => (card(), limits()).prop_map(|(card, limits)| Act::SetLimits(card, limits)),
        1 => card().prop_map(Act::Freeze),
        3 => card().prop_map(Act::Unfreeze),
        1 => (card(), of(&CHIPS)).prop_map(|(card, chip)| Act::ReplaceCard(card, chip)),
        1 => card().prop_map(Act::CloseCard),
        8 => (card(), amount(), turn()).prop_map(|(card, amount, turn)| Act::TopUp(card, 4 * amount, turn)),
    ];
    let size = prop_oneof![60 => Just(Size::AsDrawn), 1 => Just(Size::None), 1 => Just(Size::TooMany)];
    let paying = (prop_oneof![3 => vec(draft(), 1..=2), 1 => vec(draft(), 3..=6)], size)
        .prop_map(|(drafts, size)| Act::PayBatch(drafts, size));
    let returns = prop_oneof![
        3 => order().prop_map(Act::Void),
        4 => (part(), weighted(0.93), order()).prop_map(|(part, is_fresh, order)| Act::Refund(part, is_fresh, order)),
        1 => (shop(), amount(), turn()).prop_map(|(shop, amount, turn)| Act::FundMerchant(shop, amount, turn)),
    ];
    let disputes = prop_oneof![
        4 => (part(), consent(), lasting()).prop_map(|(part, consent, until)| Act::OpenDispute(part, consent, until)),
        1 => Just(Act::AnswerDispute),
        2 => part().prop_map(Act::DecideDispute),
        2 => Just(Act::DefaultDispute),
    ];
    let programme = programme().prop_map(Act::SetProgramme);
    prop_oneof![18 => paying, 8 => returns, 7 => disputes, 5 => merchants, 7 => cards, 1 => programme]
}

fn card() -> impl Strategy<Value = usize> {
    0..CARDS.len()
}

/// Most of what happens is at the first of them.
fn shop() -> impl Strategy<Value = MerchantNumber> + Clone {
    of(&[SHOPS[0], SHOPS[0], SHOPS[0], SHOPS[1], SHOPS[1], SHOPS[2], SHOPS[3]])
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![16 => Just(Turn::New), 1 => Just(Turn::Again)]
}

fn consent() -> impl Strategy<Value = Consent> {
    use Consent::{ForAnother, Forged, Given, InAnotherContract};
    prop_oneof![40 => Just(Given), 1 => of(&[ForAnother, Forged, InAnotherContract])]
}

fn draft() -> impl Strategy<Value = Draft> {
    let count = prop_oneof![
        20 => Just(Count::Next),
        2 => Just(Count::Skip),
        2 => Just(Count::Skipped),
        1 => Just(Count::Used),
    ];
    let least =
        prop_oneof![16 => Just(Part::All), 6 => of(&[Part::One, Part::Half]), 1 => of(&[Part::Nothing, Part::Above])];
    let new = (
        (0..4usize, prop::bool::weighted(0.15)),
        shop(),
        terminal(),
        amount(),
        least,
        count,
        lasting(),
        [consent(), consent()],
    )
        .prop_map(
            |((card, is_any), shop, terminal, amount, least, count, expires_in, consents)| Draft::New {
                // Of few, so that they come to something.
                card: if is_any { card + 3 } else { card },
                shop,
                terminal,
                amount,
                least,
                count,
                expires_in,
                consents,
            },
        );
    prop_oneof![12 => new, 1 => (0..8usize).prop_map(Draft::Again)]
}

fn order() -> impl Strategy<Value = Order> {
    (terminal(), consent(), lasting()).prop_map(|(terminal, consent, expires_in)| Order {
        terminal,
        consent,
        expires_in,
    })
}

fn terminal() -> impl Strategy<Value = Option<Member>> {
    option::weighted(0.06, of(&TERMINALS))
}

/// How long something is good.
fn lasting() -> impl Strategy<Value = i64> {
    prop_oneof![30 => 1..2_000i64, 1 => -1..=1i64]
}

fn life() -> impl Strategy<Value = i64> {
    prop_oneof![12 => Just(LIFE.cast_signed()), 3 => 1..1_000i64, 1 => -1..=1i64]
}

fn amount() -> impl Strategy<Value = u128> {
    prop_oneof![
        20 => 1..=3 * SOME,
        3 => of(&[1, 2, EXISTENTIAL_DEPOSIT - 1, EXISTENTIAL_DEPOSIT]),
        2 => 3 * SOME..=6 * SOME,
        1 => Just(0),
    ]
}

fn limits() -> impl Strategy<Value = CardLimits> {
    let bound = |usual: u128| prop_oneof![8 => Just(usual), 2 => 0..=usual, 1 => of(&[0, u128::MAX])];
    (bound(LIMITS.balance), bound(LIMITS.per_payment), bound(LIMITS.per_day)).prop_map(
        |(balance, per_payment, per_day)| CardLimits {
            balance,
            per_payment,
            per_day,
        },
    )
}

fn programme() -> impl Strategy<Value = Programme> {
    let period = |usual: u64| prop_oneof![16 => Just(usual), 4 => 1..=2 * usual, 1 => of(&[0, u64::MAX])];
    let periods = (
        period(PROGRAMME.cycle),
        period(PROGRAMME.dispute_period),
        period(PROGRAMME.ruling_period),
    );
    (limits(), weighted(0.8), periods).prop_map(|(limits, allows_partial, (cycle, dispute_period, ruling_period))| {
        Programme {
            limits,
            allows_partial,
            cycle,
            dispute_period,
            ruling_period,
        }
    })
}

fn rules() -> impl Strategy<Value = Rules> {
    let rate = || prop_oneof![10 => 0..=200_000u32, 2 => of(&[0, 1_000_000]), 1 => Just(1_000_001)];
    let flat = prop_oneof![6 => 0..=EXISTENTIAL_DEPOSIT, 1 => Just(2 * SOME)];
    (flat, rate(), 0..=2 * SOME, rate()).prop_map(
        |(flat, parts_per_million, least_payout, reserve_parts_per_million)| Rules {
            flat,
            parts_per_million,
            least_payout,
            reserve_parts_per_million,
        },
    )
}

fn part() -> impl Strategy<Value = Part> {
    use Part::{Above, All, Half, Nothing, One};
    prop_oneof![10 => of(&[One, Half]), 10 => Just(All), 1 => of(&[Nothing, Above])]
}
