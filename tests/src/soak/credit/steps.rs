//! What may happen, before it is known what requests there will be.
use proptest::{bool::weighted, option, prelude::*};
use protocol::Member;
use quittance_runtime::EXISTENTIAL_DEPOSIT;

use crate::{
    credit::{MEMBERS, NODE, OTHER_PAYEE, OTHER_PAYER, PAYEE, PAYER, POOR},
    soak::draws::{of, Part},
};

pub const PAYERS: [Member; 2] = [PAYER, OTHER_PAYER];
pub const PAYEES: [Member; 3] = [PAYEE, OTHER_PAYEE, POOR];

/// The least time from the end of paying to the end of a reservation, in milliseconds. The two clocks never differ by as
/// much.
pub const GRACE: u64 = 10;

/// A few payments' worth.
pub const SOME: u128 = 10 * EXISTENTIAL_DEPOSIT;

/// One call, and what happens right before it.
#[derive(Clone, Debug)]
pub struct Step {
    pub when: When,
    /// How far the called chain's clock is behind.
    pub lag: u64,
    /// What the hostile token on the called chain becomes before the call.
    pub temper: Option<Temper>,
    /// Whether the credit node is active from now on, by the called chain's registry.
    pub is_active: Option<bool>,
    /// Counted back from the youngest.
    pub request: usize,
    /// Only of the requests that the act suits, if it suits any.
    pub is_apt: bool,
    /// On the chain where it makes no sense.
    pub is_astray: bool,
    pub by: By,
    pub money: Money,
    pub act: Act,
}

/// Time never goes back: a moment that is over is now.
#[derive(Clone, Copy, Debug)]
pub enum When {
    Now,
    Later(u64),
    /// One of the request's deadlines, a millisecond before it, or after.
    Deadline(usize, i64),
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
    pub fn message(self) -> &'static str {
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
    pub fn takes(self) -> bool {
        matches!(self, Self::BeHonest | Self::RefuseOut | Self::TrapOut)
    }

    /// Whether what is paid out goes.
    pub fn gives(self) -> bool {
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

/// Whose limit, in which asset.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub payer: Member,
    pub payee: Member,
    pub asset: usize,
}

#[derive(Clone, Debug)]
pub enum Act {
    SetLimit(Line, u128, Turn, Consent),
    SetNodeLimit(Line, u128),
    Freeze(Member),
    Unfreeze(Member),
    RequestRaise(Line, u128, Turn, Consent),
    DecideRaise(Line, Option<u128>),
    /// A new request, or an old one again.
    Reserve(Option<Draft>, [Consent; 2]),
    /// A request that there is, or one that nobody reserved.
    Pay(Option<Draft>),
    Extend(i64),
    Release,
    Expire,
    Commit,
    ConfirmReceipt(Consent),
    Repay(Part),
    MarkOverdue,
    Fund(u128),
    FundToken(usize, u128),
    Withdraw(usize, Part),
}

/// Which number in turn an order or wish has.
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    Next,
    Same,
    Earlier,
}

/// A party's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    Given,
    /// For another amount, or another request.
    ForAnother,
    /// It is somebody else's.
    Forged,
    OnAnotherChain,
}

/// A request to be.
#[derive(Clone, Debug)]
pub struct Draft {
    pub line: Line,
    /// What the payee is paid in.
    pub payout_asset: usize,
    /// The debt is on the second chain, and the payout on the first.
    pub is_turned: bool,
    pub amount: u128,
    pub late_fee: Part,
    /// From now to the end of paying.
    pub pay_in: u64,
    /// From then, and the grace, to the end of the reservation.
    pub spare: i64,
    /// From then until it is due.
    pub term: u64,
    pub flaw: Option<Flaw>,
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug)]
pub enum Flaw {
    SameParty,
    SameLeg,
    OtherGenesis,
    OtherContract,
    LongGoods,
}

pub fn step() -> impl Strategy<Value = Step> {
    let request = (0..4usize, weighted(0.92), weighted(0.03));
    let world = (temper(), active());
    ((when(), lag()), world, request, by(), money(), act()).prop_map(
        |((when, lag), (temper, is_active), (request, is_apt, is_astray), by, money, act)| Step {
            when,
            lag,
            temper,
            is_active,
            request,
            is_apt,
            is_astray,
            by,
            money,
            act,
        },
    )
}

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        30 => Just(When::Now),
        2 => (0..2 * GRACE).prop_map(When::Later),
        3 => (0..3usize, -1..=1i64).prop_map(|(place, offset)| When::Deadline(place, offset)),
    ]
}

fn lag() -> impl Strategy<Value = u64> {
    prop_oneof![3 => Just(0), 1 => 0..GRACE, 1 => Just(GRACE - 1)]
}

fn temper() -> impl Strategy<Value = Option<Temper>> {
    use Temper::{BeHonest, KeepFee, Lie, RefuseIn, RefuseOut, TrapOut};
    prop_oneof![
        30 => Just(None),
        2 => Just(Some(BeHonest)),
        1 => of(&[RefuseIn, KeepFee, Lie, RefuseOut, TrapOut]).prop_map(Some),
    ]
}

fn active() -> impl Strategy<Value = Option<bool>> {
    prop_oneof![400 => Just(None), 1 => Just(Some(false)), 20 => Just(Some(true))]
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![12 => Just(By::Expected), 1 => of(&MEMBERS).prop_map(By::Anyone), 1 => Just(By::Anyone(NODE))]
}

fn money() -> impl Strategy<Value = Money> {
    prop_oneof![30 => Just(Money::Due), 1 => Just(Money::More), 1 => Just(Money::Less)]
}

fn act() -> impl Strategy<Value = Act> {
    let limits = prop_oneof![
        5 => (line(), limit(), turn(), consent()).prop_map(|(line, limit, turn, consent)| {
            Act::SetLimit(line, limit, turn, consent)
        }),
        4 => (line(), limit()).prop_map(|(line, limit)| Act::SetNodeLimit(line, limit)),
        1 => of(&PAYERS).prop_map(Act::Freeze),
        4 => of(&PAYERS).prop_map(Act::Unfreeze),
        2 => (line(), higher(), turn(), consent()).prop_map(|(line, wanted, turn, consent)| {
            Act::RequestRaise(line, wanted, turn, consent)
        }),
        2 => (line(), option::weighted(0.8, higher())).prop_map(|(line, granted)| Act::DecideRaise(line, granted)),
    ];
    let on_its_way = prop_oneof![
        9 => (option::weighted(0.93, draft()), consent(), consent()).prop_map(|(draft, payer, payee)| {
            Act::Reserve(draft, [payer, payee])
        }),
        7 => option::weighted(0.03, draft()).prop_map(Act::Pay),
        1 => (-1..4 * GRACE as i64).prop_map(Act::Extend),
        1 => Just(Act::Release),
        2 => Just(Act::Expire),
        6 => Just(Act::Commit),
    ];
    let owed = prop_oneof![
        2 => consent().prop_map(Act::ConfirmReceipt),
        6 => part().prop_map(Act::Repay),
        2 => Just(Act::MarkOverdue),
    ];
    let pool = prop_oneof![
        2 => amount().prop_map(|amount| Act::Fund(3 * amount)),
        4 => (0..4usize, amount()).prop_map(|(token, amount)| Act::FundToken(token, 3 * amount)),
        1 => (0..3usize, part()).prop_map(|(asset, part)| Act::Withdraw(asset, part)),
    ];
    prop_oneof![4 => limits, 14 => on_its_way, 7 => owed, 2 => pool]
}

/// Of few, so that they meet.
fn line() -> impl Strategy<Value = Line> {
    (of(&PAYERS), of(&PAYEES), 0..3usize).prop_map(|(payer, payee, asset)| Line { payer, payee, asset })
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![14 => Just(Turn::Next), 1 => Just(Turn::Same), 1 => Just(Turn::Earlier)]
}

fn consent() -> impl Strategy<Value = Consent> {
    use Consent::{ForAnother, Forged, Given, OnAnotherChain};
    prop_oneof![20 => Just(Given), 1 => of(&[ForAnother, Forged, OnAnotherChain])]
}

fn draft() -> impl Strategy<Value = Draft> {
    let money = (amount(), part());
    let spare = prop_oneof![30 => 0..8 * GRACE as i64, 1 => -(GRACE as i64) - 1..0];
    let term = prop_oneof![30 => 1..30 * GRACE, 1 => Just(0)];
    let times = (prop_oneof![1 => 0..GRACE, 3 => 0..60 * GRACE], spare, term);
    let flaw = option::weighted(
        0.03,
        of(&[
            Flaw::SameParty,
            Flaw::SameLeg,
            Flaw::OtherGenesis,
            Flaw::OtherContract,
            Flaw::LongGoods,
        ]),
    );
    let payout_asset = (0..3usize, weighted(0.8));
    (line(), payout_asset, weighted(0.2), money, times, flaw).prop_map(
        |(line, (payout_asset, is_same), is_turned, (amount, late_fee), (pay_in, spare, term), flaw)| Draft {
            line,
            payout_asset: if is_same { line.asset } else { payout_asset },
            is_turned,
            amount,
            late_fee,
            pay_in,
            spare,
            term,
            flaw,
        },
    )
}

fn amount() -> impl Strategy<Value = u128> {
    prop_oneof![
        20 => 1..=4 * EXISTENTIAL_DEPOSIT,
        4 => of(&[1, 2, EXISTENTIAL_DEPOSIT - 1, EXISTENTIAL_DEPOSIT]),
        1 => Just(0),
    ]
}

fn limit() -> impl Strategy<Value = u128> {
    prop_oneof![
        10 => SOME / 2..=2 * SOME,
        2 => 0..=SOME / 4,
        1 => of(&[0, u128::MAX]),
    ]
}

fn higher() -> impl Strategy<Value = u128> {
    prop_oneof![20 => SOME..=4 * SOME, 1 => limit()]
}

fn part() -> impl Strategy<Value = Part> {
    use Part::{Above, All, Half, Nothing, One};
    prop_oneof![12 => of(&[One, Half]), 14 => Just(All), 1 => of(&[Nothing, Above])]
}
