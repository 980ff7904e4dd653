use protocol::{
    prepaid::{CardNumber, CardPayment, MerchantNumber, SignedPayment},
    AccountId, Signature,
};

use super::*;
use crate::{
    cli::exit_code,
    prepaid::messages::{Decline, TerminalOrder},
    terminal::queue::{Entry, Outcome},
};

fn sent(outcome: Option<OrderAnswer>, trouble: Option<Trouble>) -> Sent {
    let payment = CardPayment {
        card: CardNumber(7),
        counter: 3,
        merchant: MerchantNumber(5),
        terminal: AccountId([4; 32]),
        amount: 100,
        least: 100,
        expires_at: 1,
    };
    let entry = Entry {
        number: 17,
        name: None,
        signed_at: 0,
        is_offline: false,
        merchant: MerchantNumber(5),
        order: TerminalOrder::Pay {
            payment: SignedPayment {
                payment,
                card: Signature([5; 64]),
                terminal: Signature([6; 64]),
            },
        },
        outcome: outcome.map(|answer| Outcome::Answered { answer, at: 1 }),
    };
    Sent { entry, trouble }
}

fn code(all: &[Sent]) -> u8 {
    judge(all).map_or_else(|error| exit_code(&error), |()| 0)
}

#[test]
fn the_exit_code_tells_the_worst_that_came_of_any_order() {
    let fine = || sent(None, None);
    let declined = || {
        let answer = OrderAnswer::Declined {
            code: Decline::Refused,
            reason: "no".into(),
        };
        sent(Some(answer), None)
    };
    let unanswered = || sent(None, Some(Trouble::Pending));
    let refused = || {
        let failure = Failure::Rejected {
            code: "not-our-terminal".into(),
            detail: "no".into(),
        };
        sent(None, Some(failure.into()))
    };
    assert_eq!(code(&[]), 0);
    assert_eq!(code(&[fine(), fine()]), 0);
    assert_eq!(code(&[fine(), declined()]), 4);
    assert_eq!(code(&[declined(), unanswered()]), 3);
    assert_eq!(code(&[unanswered(), refused(), declined()]), 1);
    let error = judge(&[declined(), declined()]).unwrap_err().to_string();
    assert_eq!(error, "receipt 17: declined, refused: no (and 1 more)");
}

#[test]
fn no_secret_can_be_given_on_the_command_line() {
    for line in [
        "terminal new till --password x",
        "terminal pay --dir till --card c --amount 1 --password x",
        "terminal pay --dir till --card c --amount 1 --pin 1",
    ] {
        assert!(Args::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
    assert!(Args::try_parse_from("terminal pay --dir till --card c --amount 1".split(' ')).is_ok());
}
