//! What may happen, before it is known what deals there will be.
use proptest::{bool::weighted, prelude::*};
use protocol::{
    escrow::{Deal, DealState},
    Member,
};
use quittance_runtime::EXISTENTIAL_DEPOSIT;

use crate::{
    market::{ARBITER, BUYER, MEMBERS, POOR, SELLER, STRANGER},
    soak::draws::{of, Part},
};

/// The shortest phase of a deal, in milliseconds.
pub const GAP: u64 = 10;

/// One call, and what happens right before it.
#[derive(Clone, Debug)]
pub struct Step {
    pub when: When,
    /// What the hostile token becomes before the call.
    pub temper: Option<Temper>,
    /// Counted back from the youngest.
    pub deal: usize,
    /// Only of the deals that the act suits, if it suits any.
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
    /// One of the deadlines that the act must keep or wait for, a millisecond before it, or after.
    Deadline(usize, i64),
}

/// What the hostile token does. Each is the name of its message.
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
    Lock(Draft),
    Accept,
    Reveal(Guess),
    Claim(Guess),
    Refund,
    Cancel {
        /// From now.
        expires_in: u64,
        buyer: Consent,
        seller: Consent,
    },
    Dispute(u8),
    Rule(Part),
    RuleByDefault,
    Withdraw(Member, usize),
}

impl Act {
    /// Whether somebody can do it to this deal, now or later.
    pub fn suits(&self, deal: &Deal, now: u64) -> bool {
        use DealState::{Accepted, Disputed, Locked, Revealed};
        let deadlines = &deal.terms.deadlines;
        match (self, deal.state) {
            (Self::Accept, Locked) => now < deadlines.accept_by,
            (Self::Reveal(_) | Self::Claim(_), Accepted) => now < deadlines.reveal_by,
            (Self::Dispute(_), Accepted) => now < deadlines.dispute_by,
            (Self::Dispute(_) | Self::Rule(_), Disputed) => now < deadlines.ruling_by,
            (Self::Claim(_), Revealed)
            | (Self::Refund, Locked | Accepted)
            | (Self::Cancel { .. }, Locked | Accepted | Disputed)
            | (Self::RuleByDefault, Disputed) => true,
            _ => false,
        }
    }

    /// From when on, or until when, it can be done to this deal.
    pub fn deadlines(&self, deal: &Deal) -> Vec<u64> {
        let deadlines = &deal.terms.deadlines;
        let is_disputed = deal.state == DealState::Disputed;
        match self {
            Self::Accept => vec![deadlines.accept_by],
            Self::Reveal(_) | Self::Claim(_) => vec![deadlines.reveal_by],
            Self::Refund if deal.state == DealState::Locked => vec![deadlines.accept_by],
            Self::Refund => vec![deadlines.dispute_by],
            Self::Dispute(_) if !is_disputed => vec![deadlines.reveal_by, deadlines.dispute_by],
            Self::Dispute(_) | Self::Rule(_) | Self::RuleByDefault => vec![deadlines.ruling_by],
            Self::Lock(_) | Self::Cancel { .. } | Self::Withdraw(..) => Vec::new(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Draft {
    pub buyer: Member,
    pub seller: Member,
    pub arbiter: Member,
    pub asset: usize,
    pub price: u128,
    pub bond: Part,
    pub seller_bond: Part,
    pub default_award: Part,
    /// How long each phase is. Not always long enough.
    pub phases: [i64; 4],
    pub secret: u8,
    pub agreement: u8,
}

#[derive(Clone, Copy, Debug)]
pub enum Guess {
    Right,
    Other(u8),
}

/// A party's signature under a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    Given,
    /// To calling it off a moment later than the message says.
    ForAnotherTime,
    ForAnotherDeal,
    /// It is somebody else's.
    Forged,
}

pub fn step() -> impl Strategy<Value = Step> {
    let deal = (0..4usize, weighted(0.8));
    (when(), temper(), deal, by(), money(), act()).prop_map(|(when, temper, (deal, is_apt), by, money, act)| Step {
        when,
        temper,
        deal,
        is_apt,
        by,
        money,
        act,
    })
}

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        8 => Just(When::Now),
        1 => (0..GAP).prop_map(When::Later),
        2 => (0..2usize, -1..=1i64).prop_map(|(place, offset)| When::Deadline(place, offset)),
    ]
}

fn temper() -> impl Strategy<Value = Option<Temper>> {
    use Temper::{BeHonest, KeepFee, Lie, RefuseIn, RefuseOut, TrapOut};
    prop_oneof![
        30 => Just(None),
        2 => of(&[BeHonest, RefuseOut, TrapOut]).prop_map(Some),
        1 => of(&[RefuseIn, KeepFee, Lie]).prop_map(Some),
    ]
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![4 => Just(By::Expected), 1 => of(&MEMBERS).prop_map(By::Anyone)]
}

fn money() -> impl Strategy<Value = Money> {
    prop_oneof![20 => Just(Money::Due), 1 => Just(Money::More), 1 => Just(Money::Less)]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        14 => draft().prop_map(Act::Lock),
        8 => Just(Act::Accept),
        3 => guess().prop_map(Act::Reveal),
        4 => guess().prop_map(Act::Claim),
        3 => Just(Act::Refund),
        2 => cancel(),
        5 => any::<u8>().prop_map(Act::Dispute),
        2 => part().prop_map(Act::Rule),
        2 => Just(Act::RuleByDefault),
        2 => (of(&MEMBERS), 0..3usize).prop_map(|(whose, asset)| Act::Withdraw(whose, asset)),
    ]
}

fn draft() -> impl Strategy<Value = Draft> {
    let bond = prop_oneof![1 => part(), 9 => of(&[Part::One, Part::Half, Part::All])];
    let amounts = (price(), bond, part(), part());
    let phases = [phase(), phase(), phase(), phase()];
    // Few secrets and agreements: some are taken twice.
    (parties(), 0..3usize, amounts, phases, any::<u8>(), any::<u8>()).prop_map(
        |([buyer, seller, arbiter], asset, amounts, phases, secret, agreement)| {
            let (price, bond, seller_bond, default_award) = amounts;
            Draft {
                buyer,
                seller,
                arbiter,
                asset,
                price,
                bond,
                seller_bond,
                default_award,
                phases,
                secret,
                agreement,
            }
        },
    )
}

fn parties() -> impl Strategy<Value = [Member; 3]> {
    let rich = [BUYER, SELLER, ARBITER, STRANGER];
    let different = Just(rich.to_vec()).prop_shuffle();
    prop_oneof![
        8 => different.clone().prop_map(|members| [members[0], members[1], members[2]]),
        2 => different.prop_map(|members| [members[0], POOR, members[1]]),
        1 => [of(&rich), of(&rich), of(&rich)],
    ]
}

fn price() -> impl Strategy<Value = u128> {
    prop_oneof![
        20 => 1..=4 * EXISTENTIAL_DEPOSIT,
        4 => of(&[1, 2, EXISTENTIAL_DEPOSIT - 1, EXISTENTIAL_DEPOSIT]),
        1 => of(&[0, u128::MAX]),
    ]
}

fn part() -> impl Strategy<Value = Part> {
    use Part::{Above, All, Half, Nothing, One};
    prop_oneof![30 => of(&[Nothing, One, Half, All]), 1 => Just(Above)]
}

fn phase() -> impl Strategy<Value = i64> {
    let gap = GAP as i64;
    prop_oneof![60 => gap..200 * gap, 1 => of(&[-1, 0, gap - 1])]
}

fn guess() -> impl Strategy<Value = Guess> {
    prop_oneof![5 => Just(Guess::Right), 1 => any::<u8>().prop_map(Guess::Other)]
}

fn cancel() -> impl Strategy<Value = Act> {
    (0..3u64, consent(), consent()).prop_map(|(expires_in, buyer, seller)| Act::Cancel {
        expires_in,
        buyer,
        seller,
    })
}

fn consent() -> impl Strategy<Value = Consent> {
    use Consent::{ForAnotherDeal, ForAnotherTime, Forged, Given};
    prop_oneof![6 => Just(Given), 1 => of(&[ForAnotherTime, ForAnotherDeal, Forged])]
}
