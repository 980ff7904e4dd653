//! What may happen, before it is known what vouchers there will be.
use proptest::{bool::weighted, collection::vec, option, prelude::*};
use protocol::{disputes::Ruling, Member};

use crate::{
    institutions::{HOME, NOTARY, ORIGINATOR, STRANGER},
    soak::draws::{of, Part},
};

/// Another participant.
pub const FIFTH: Member = Member(4);
/// A participant that is a notary too.
pub const DUAL: Member = Member(5);
pub const PARTICIPANTS: [Member; 5] = [ORIGINATOR, HOME, STRANGER, FIFTH, DUAL];
pub const MEMBERS: [Member; 6] = [ORIGINATOR, HOME, NOTARY, STRANGER, FIFTH, DUAL];

/// How long disputes may be opened, and ruled.
pub const DISPUTE_PERIOD: u64 = 400;
pub const RULING_PERIOD: u64 = 200;

/// One call, and how long before it nothing happens.
#[derive(Clone, Debug)]
pub struct Step {
    pub wait: u64,
    /// Only of what the act suits, if it suits any.
    pub is_apt: bool,
    pub act: Act,
}

#[derive(Clone, Debug)]
pub enum Act {
    Deposit(Member, u128),
    Withdraw(Member, Part),
    Retain(Vec<Draft>, Option<Flaw>),
    /// Counted back from the youngest.
    Clear(Vec<usize>, Option<Flaw>),
    SetFees(u128, Option<Flaw>),
    SetCap(Member, u128, Option<Flaw>),
    Close(Option<Flaw>),
    Settle(u32),
    TakeOut(Vec<usize>, Option<Flaw>),
    Open {
        by: Option<Member>,
        voucher: usize,
        obligation: u8,
        amount: Part,
    },
    Answer(Option<Member>, usize),
    Rule {
        by: Member,
        dispute: usize,
        ruling: Draw,
        flaw: Option<Flaw>,
    },
    RuleByDefault(usize),
    PayAward(usize),
}

/// A voucher to be.
#[derive(Clone, Debug)]
pub struct Draft {
    pub originator: Member,
    pub home: Member,
    pub others: [bool; 5],
    pub kind: Kind,
    pub is_net: bool,
    /// In a token that nobody can deposit: it can only be netted.
    pub is_token: bool,
    pub amount: u128,
    /// The version before the latest, if there is one.
    pub is_under_old_fees: bool,
    /// Under a number that was used.
    pub is_used: bool,
    pub expires_in: u64,
}

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Withdrawal,
    Deposit,
    Transfer(Member),
    /// Of what was paid, counted back from the youngest voucher.
    Refund(usize),
}

/// What is wrong with a call that members sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The signer at this place doesn't sign.
    Missing(usize),
    /// Somebody else's key signs for the one at this place.
    Forged(usize),
    /// One signs twice.
    Doubled(usize),
    /// The first and the last change places.
    OutOfOrder,
    /// One signs who has no part in it.
    Stranger,
    /// What was signed is altered by one.
    Altered,
    OtherEpoch,
    OtherChain,
    OtherContract,
    OtherPurpose,
    Expired,
    /// Decisions only.
    OtherNumber,
    /// Clearing vouchers only: the source that they name never credited the issuer.
    NoSource,
}

#[derive(Clone, Copy, Debug)]
pub enum Draw {
    Uphold,
    Reverse,
    Partial(Part),
}

impl Draw {
    pub fn of(self, claimed: u128) -> Ruling {
        match self {
            Self::Uphold => Ruling::Uphold,
            Self::Reverse => Ruling::Reverse,
            Self::Partial(part) => Ruling::Partial(part.of(claimed)),
        }
    }
}

pub fn step() -> impl Strategy<Value = Step> {
    let wait = prop_oneof![6 => Just(0), 3 => 1..40u64, 1 => of(&[RULING_PERIOD - 1, RULING_PERIOD, DISPUTE_PERIOD])];
    (wait, weighted(0.85), act()).prop_map(|(wait, is_apt, act)| Step { wait, is_apt, act })
}

fn act() -> impl Strategy<Value = Act> {
    let place = || 0..6usize;
    prop_oneof![
        6 => (member(), prop_oneof![1 => Just(0), 20 => 1..4_000u128]).prop_map(|(by, amount)| Act::Deposit(by, amount)),
        5 => (member(), part()).prop_map(|(by, part)| Act::Withdraw(by, part)),
        24 => (prop_oneof![2 => vec(draft(), 1..=1), 1 => vec(draft(), 2..5)], flaw()).prop_map(|(drafts, flaw)| Act::Retain(drafts, flaw)),
        14 => (vec(place(), 1..4), flaw()).prop_map(|(vouchers, flaw)| Act::Clear(vouchers, flaw)),
        1 => (0..20u128, flaw()).prop_map(|(flat, flaw)| Act::SetFees(flat, flaw)),
        4 => (member(), 0..3_000u128, flaw()).prop_map(|(member, cap, flaw)| Act::SetCap(member, cap, flaw)),
        4 => flaw().prop_map(Act::Close),
        3 => (0..3u32).prop_map(Act::Settle),
        3 => (vec(place(), 1..4), flaw()).prop_map(|(vouchers, flaw)| Act::TakeOut(vouchers, flaw)),
        8 => (claimant(), place(), prop_oneof![6 => Just(0u8), 1 => 1..4u8], part())
            .prop_map(|(by, voucher, obligation, amount)| Act::Open { by, voucher, obligation, amount }),
        2 => (option::weighted(0.2, member()), place()).prop_map(|(by, dispute)| Act::Answer(by, dispute)),
        7 => (prop_oneof![4 => Just(NOTARY), 1 => Just(DUAL)], place(), draw(), flaw())
            .prop_map(|(by, dispute, ruling, flaw)| Act::Rule { by, dispute, ruling, flaw }),
        2 => place().prop_map(Act::RuleByDefault),
        5 => place().prop_map(Act::PayAward),
    ]
}

fn draft() -> impl Strategy<Value = Draft> {
    let parties = prop_oneof![
        12 => Just(PARTICIPANTS.to_vec()).prop_shuffle().prop_map(|members| [members[0], members[1]]),
        1 => [of(&PARTICIPANTS), of(&PARTICIPANTS)],
    ];
    let others = [
        weighted(0.15),
        weighted(0.15),
        weighted(0.15),
        weighted(0.15),
        weighted(0.15),
    ];
    let kind = prop_oneof![
        5 => Just(Kind::Withdrawal),
        2 => Just(Kind::Deposit),
        2 => of(&PARTICIPANTS).prop_map(Kind::Transfer),
        2 => (0..6usize).prop_map(Kind::Refund),
    ];
    let amount = prop_oneof![1 => of(&[0, u128::MAX]), 60 => 1..1_000u128];
    let ways = (weighted(0.5), weighted(0.02), weighted(0.1), weighted(0.02));
    (
        parties,
        others,
        kind,
        ways,
        amount,
        prop_oneof![1 => 0..2u64, 60 => 2..5_000u64],
    )
        .prop_map(|([originator, home], others, kind, ways, amount, expires_in)| {
            let (is_net, is_token, is_under_old_fees, is_used) = ways;
            Draft {
                originator,
                home,
                others,
                kind,
                is_net,
                is_token,
                amount,
                is_under_old_fees,
                is_used,
                expires_in,
            }
        })
}

fn flaw() -> impl Strategy<Value = Option<Flaw>> {
    use Flaw::{
        Altered, Doubled, Expired, Forged, Missing, NoSource, OtherChain, OtherContract, OtherEpoch, OtherNumber,
        OtherPurpose, OutOfOrder, Stranger,
    };
    let flaw = prop_oneof![
        3 => (0..6usize).prop_map(Missing),
        3 => (0..6usize).prop_map(Forged),
        1 => (0..6usize).prop_map(Doubled),
        8 => of(&[
            OutOfOrder, Stranger, Altered, OtherEpoch, OtherChain, OtherContract, OtherPurpose, Expired, OtherNumber,
            NoSource,
        ]),
    ];
    option::weighted(0.12, flaw)
}

/// Mostly the debtor; sometimes anyone; sometimes the notary that is a participant too.
fn claimant() -> impl Strategy<Value = Option<Member>> {
    prop_oneof![7 => Just(None), 2 => member().prop_map(Some), 2 => Just(Some(DUAL))]
}

fn member() -> impl Strategy<Value = Member> {
    prop_oneof![30 => of(&PARTICIPANTS), 1 => of(&MEMBERS)]
}

fn part() -> impl Strategy<Value = Part> {
    use Part::{Above, All, Half, Nothing, One};
    prop_oneof![12 => of(&[One, Half, All]), 1 => of(&[Nothing, Above])]
}

fn draw() -> impl Strategy<Value = Draw> {
    prop_oneof![1 => Just(Draw::Uphold), 2 => Just(Draw::Reverse), 3 => part().prop_map(Draw::Partial)]
}
