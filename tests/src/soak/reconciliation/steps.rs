//! What may happen, before it is known what books and entries there will be.
use proptest::{bool::weighted, collection::vec, option, prelude::*};
use protocol::{
    reconciliation::{Kind, DAY},
    Amount, Member,
};

use super::rules::MOST;
use crate::{
    reconciliation::{CLIENT, CREDIT, DEBIT, MEMBERS},
    soak::draws::{of, Part},
};

/// One call, and what happens right before it.
#[derive(Clone, Debug)]
pub struct Step {
    pub when: When,
    /// Who is active from now on, or isn't.
    pub switch: Option<(Member, bool)>,
    /// Counted from the first.
    pub book: usize,
    pub by: By,
    /// Whether money is sent along.
    pub pays: bool,
    pub act: Act,
}

/// Time never goes back: a moment that is over is now.
#[derive(Clone, Copy, Debug)]
pub enum When {
    Now,
    Later(u64),
    /// When the next day begins somewhere, or a moment before or after it.
    Begins(i64),
    /// When the book's oldest open day can be closed by both sides.
    Ends(i64),
    /// When it can be closed by one.
    Alone(i64),
}

#[derive(Clone, Copy, Debug)]
pub enum By {
    /// Whose turn it is.
    Expected,
    Anyone(Member),
}

#[derive(Clone, Debug)]
pub enum Act {
    Open {
        client: Member,
        sides: [Member; 2],
        fault: Option<Fault>,
        /// Whether there may be a book of these terms.
        is_again: bool,
        seals: Seals,
    },
    Record {
        day: Which,
        batch: Option<u8>,
        payments: Vec<Payment>,
        size: Size,
    },
    Correct {
        drafts: Vec<Draft>,
        size: Size,
    },
    Close {
        day: Which,
        lie: Option<Lie>,
        /// Which sides sign.
        signs: [bool; 2],
        seals: Seals,
    },
}

/// What is wrong with terms.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    NoPatience,
    TooPatient,
    NoZone,
    LongZone,
    OddZone,
}

/// The signatures of both sides.
#[derive(Clone, Copy, Debug)]
pub struct Seals {
    pub consents: [Consent; 2],
    /// Of the registry's epoch before.
    pub is_stale: bool,
    /// How long they are good.
    pub expires_in: i64,
}

/// A side's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    Given,
    /// Under something else.
    ForAnother,
    /// The other side's, or a stranger's.
    Forged(Member),
    InAnotherContract,
    OnAnotherChain,
}

/// A day.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    Today,
    Tomorrow,
    Ago(u32),
    /// The oldest one that is open.
    Oldest,
    /// The one after that.
    Second,
    /// The last one that was closed.
    Closed,
    /// The entry's own, while that is open; else today.
    Right,
    Last,
}

/// How many entries or corrections come together.
#[derive(Clone, Copy, Debug)]
pub enum Size {
    AsDrawn,
    None,
    Most,
    TooMany,
}

/// What a customer paid.
#[derive(Clone, Copy, Debug)]
pub struct Payment {
    /// Counted back: one that stands in some book already.
    pub again: Option<usize>,
    pub amount: Amount,
    pub time: i64,
}

/// A correction to be.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Counted back; `None`: of a payment that nobody knows.
    pub trade: Option<usize>,
    pub amount: Becomes,
    pub day: Which,
    /// Added to how often it was corrected.
    pub number: u32,
    pub causes: Vec<(Kind, usize)>,
    pub are_sorted: bool,
    /// Whether payer and time are corrected too.
    pub is_thorough: bool,
    /// Whether it says another book.
    pub is_foreign: bool,
    pub seals: Seals,
}

#[derive(Clone, Copy, Debug)]
pub enum Becomes {
    Part(Part),
    This(Amount),
}

/// What a closing says that isn't so.
#[derive(Clone, Copy, Debug)]
pub enum Lie {
    Matched,
    Breaks,
    Total,
    Book,
}

pub fn step() -> impl Strategy<Value = Step> {
    let book = prop_oneof![12 => Just(0), 3 => Just(1), 3 => Just(2), 1 => 3..6usize];
    (when(), switch(), book, by(), weighted(0.01), act()).prop_map(|(when, switch, book, by, pays, act)| Step {
        when,
        switch,
        book,
        by,
        pays,
        act,
    })
}

fn when() -> impl Strategy<Value = When> {
    let near = || -1..=1i64;
    prop_oneof![
        60 => Just(When::Now),
        6 => (0..DAY / 8).prop_map(When::Later),
        3 => near().prop_map(When::Begins),
        6 => near().prop_map(When::Ends),
        2 => near().prop_map(When::Alone),
    ]
}

fn switch() -> impl Strategy<Value = Option<(Member, bool)>> {
    let who = || of(&[CLIENT, DEBIT, CREDIT]);
    prop_oneof![
        200 => Just(None),
        1 => who().prop_map(|who| Some((who, false))),
        8 => who().prop_map(|who| Some((who, true))),
    ]
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![14 => Just(By::Expected), 1 => of(&MEMBERS).prop_map(By::Anyone)]
}

fn act() -> impl Strategy<Value = Act> {
    let fault = of(&[
        Fault::NoPatience,
        Fault::TooPatient,
        Fault::NoZone,
        Fault::LongZone,
        Fault::OddZone,
    ]);
    let sides = prop_oneof![10 => Just([DEBIT, CREDIT]), 2 => Just([CREDIT, DEBIT]), 1 => [of(&MEMBERS), of(&MEMBERS)]];
    let open = (
        of(&MEMBERS),
        sides,
        option::weighted(0.2, fault),
        weighted(0.2),
        seals(),
    )
        .prop_map(|(client, sides, fault, is_again, seals)| Act::Open {
            client,
            sides,
            fault,
            is_again,
            seals,
        });
    let payments = prop_oneof![3 => vec(payment(), 1..=3), 1 => vec(payment(), 4..=8)];
    let batch = option::weighted(0.3, any::<u8>());
    let record = (recorded_on(), batch, payments, size()).prop_map(|(day, batch, payments, size)| Act::Record {
        day,
        batch,
        payments,
        size,
    });
    let drafts = prop_oneof![4 => vec(draft(), 1..=1), 1 => vec(draft(), 2..=4)];
    let correct = (drafts, size()).prop_map(|(drafts, size)| Act::Correct { drafts, size });
    prop_oneof![1 => open, 14 => record, 14 => correct, 12 => close()]
}

fn close() -> impl Strategy<Value = Act> {
    let day = prop_oneof![20 => Just(Which::Oldest), 2 => of(&[Which::Second, Which::Closed, Which::Today])];
    let lie = of(&[Lie::Matched, Lie::Breaks, Lie::Total, Lie::Book]);
    let signs = prop_oneof![
        12 => Just([true, true]),
        3 => Just([true, false]),
        3 => Just([false, true]),
        1 => Just([false, false]),
    ];
    (day, option::weighted(0.1, lie), signs, seals()).prop_map(|(day, lie, signs, seals)| Act::Close {
        day,
        lie,
        signs,
        seals,
    })
}

fn seals() -> impl Strategy<Value = Seals> {
    let expires_in = prop_oneof![20 => 1..2_000i64, 1 => -1..=1i64];
    ([consent(), consent()], weighted(0.03), expires_in).prop_map(|(consents, is_stale, expires_in)| Seals {
        consents,
        is_stale,
        expires_in,
    })
}

fn consent() -> impl Strategy<Value = Consent> {
    use Consent::{ForAnother, Forged, Given, InAnotherContract, OnAnotherChain};
    prop_oneof![
        60 => Just(Given),
        1 => of(&[ForAnother, InAnotherContract, OnAnotherChain]),
        1 => of(&MEMBERS).prop_map(Forged),
    ]
}

fn recorded_on() -> impl Strategy<Value = Which> {
    prop_oneof![
        12 => Just(Which::Today),
        6 => (1..4u32).prop_map(Which::Ago),
        4 => Just(Which::Oldest),
        2 => of(&[Which::Tomorrow, Which::Closed]),
        1 => (4..90u32).prop_map(Which::Ago),
        1 => Just(Which::Last),
    ]
}

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![150 => Just(Size::AsDrawn), 1 => Just(Size::None), 1 => Just(Size::Most), 1 => Just(Size::TooMany)]
}

fn payment() -> impl Strategy<Value = Payment> {
    (option::weighted(0.03, 0..6usize), amount(), -1_000..1_000i64).prop_map(|(again, amount, time)| Payment {
        again,
        amount,
        time,
    })
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![200 => 1..=1_000u128, 2 => Just(0), 1 => of(&[MOST, MOST + 1, Amount::MAX])]
}

fn draft() -> impl Strategy<Value = Draft> {
    use Part::{Above, All, Half, Nothing, One};
    let becomes = prop_oneof![
        12 => of(&[Nothing, One, Half, All, Above]).prop_map(Becomes::Part),
        6 => Just(Becomes::Part(Nothing)),
        6 => amount().prop_map(Becomes::This),
    ];
    let day = prop_oneof![
        24 => Just(Which::Right),
        1 => of(&[Which::Today, Which::Tomorrow, Which::Oldest, Which::Closed]),
        1 => (1..4u32).prop_map(Which::Ago),
    ];
    let number = prop_oneof![20 => Just(0), 1 => Just(1), 1 => Just(u32::MAX)];
    let kinds = of(&[
        Kind::Missing,
        Kind::Amount,
        Kind::Asset,
        Kind::Payer,
        Kind::Duplicate,
        Kind::WrongDay,
        Kind::AlteredId,
    ]);
    let one = (kinds, 0..3usize);
    let causes = prop_oneof![20 => vec(one.clone(), 1..=3), 1 => vec(one.clone(), 6..=16), 1 => Just(Vec::new())];
    let trade = option::weighted(0.85, 0..40usize);
    let kind = (weighted(0.97), weighted(0.3), weighted(0.02));
    (trade, becomes, day, number, causes, kind, seals()).prop_map(
        |(trade, amount, day, number, causes, (are_sorted, is_thorough, is_foreign), seals)| Draft {
            trade,
            amount,
            day,
            number,
            causes,
            are_sorted,
            is_thorough,
            is_foreign,
            seals,
        },
    )
}
