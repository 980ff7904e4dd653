//! Receipts as text, as a terminal prints them.
use std::fmt::Write as _;

use protocol::text::to_hex;

use crate::{
    cli::render::moment,
    terminal::{
        receipt::{word, Kind},
        Receipt, State,
    },
};

/// What became of an order, for people.
pub(super) const fn state(state: State) -> &'static str {
    match state {
        State::Approved => "approved",
        State::Returned => "returned",
        State::Declined => "declined",
        State::Offline => "offline, not confirmed",
        State::Unanswered => "not confirmed",
        State::Dropped => "given up",
    }
}

/// What is asked for.
pub(super) const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Payment => "payment",
        Kind::Void => "void",
        Kind::Refund => "refund",
    }
}

/// A receipt, some lines of text.
pub(super) fn receipt(receipt: &Receipt) -> String {
    let mut text = format!(
        "receipt {}: {} {}\n",
        receipt.number,
        kind(receipt.kind),
        state(receipt.state).to_uppercase()
    );
    let mut line = |name: &str, value: String| {
        // Writing to a string doesn't fail.
        let _ = writeln!(text, "  {name:<10} {value}");
    };
    if let Some(name) = &receipt.name {
        line("name", name.clone());
    }
    line("merchant", receipt.merchant.0.to_string());
    line("payment", format!("{}/{}", receipt.card.0, receipt.counter));
    if let Some(amount) = receipt.amount {
        line("amount", amount.to_string());
    }
    if let Some(moved) = receipt.moved {
        let name = match receipt.state {
            State::Approved => "taken",
            _ => "given back",
        };
        line(name, moved.to_string());
    }
    if let Some(balance) = receipt.balance {
        line("card holds", balance.to_string());
    }
    line("reference", to_hex(&receipt.reference));
    if let Some(cycle) = receipt.cycle {
        line("cycle", cycle.to_string());
    }
    if let (Some(block), Some(hash)) = (receipt.block, &receipt.block_hash) {
        line("block", format!("{block} ({})", to_hex(hash)));
    }
    if let Some(code) = receipt.code {
        line("code", word(code));
    }
    if let Some(reason) = &receipt.reason {
        line("reason", reason.clone());
    }
    line("at", moment(receipt.answered_at.unwrap_or(receipt.signed_at)));
    if receipt.answered_at.is_none() {
        line("valid till", moment(receipt.expires_at));
    }
    if let Some(advice) = receipt.advice {
        line("now", advice.to_owned());
    }
    text
}

#[cfg(test)]
mod tests {
    use protocol::{
        prepaid::{CardNumber, CardPayment, DeclineCode, MerchantNumber, SignedPayment},
        AccountId, Signature,
    };

    use super::*;
    use crate::{
        peers::client::Failure,
        prepaid::messages::{Decline, OrderAnswer, TerminalOrder},
        terminal::{
            queue::{Entry, Outcome},
            Sent, Trouble,
        },
    };

    fn entry(is_offline: bool, answer: Option<OrderAnswer>) -> Entry {
        let payment = CardPayment {
            card: CardNumber(7),
            counter: 3,
            merchant: MerchantNumber(5),
            terminal: AccountId([4; 32]),
            amount: 100,
            least: 60,
            expires_at: 600_000,
        };
        Entry {
            number: 17,
            name: Some("till 2/4711".into()),
            signed_at: 0,
            is_offline,
            merchant: MerchantNumber(5),
            order: TerminalOrder::Pay {
                payment: SignedPayment {
                    payment,
                    card: Signature([5; 64]),
                    terminal: Signature([6; 64]),
                },
            },
            outcome: answer.map(|answer| Outcome::Answered { answer, at: 1_000 }),
        }
    }

    fn declined(code: DeclineCode) -> OrderAnswer {
        OrderAnswer::Declined {
            code: Decline::Payment(code),
            reason: "the card holds 20".into(),
        }
    }

    #[track_caller]
    fn assert_tells(receipt: &Receipt, what: &[&str]) {
        let text = super::receipt(receipt);
        for part in what {
            assert!(text.contains(part), "{part:?} isn't in\n{text}");
        }
    }

    #[test]
    fn a_receipt_tells_what_was_taken_and_what_the_card_holds() {
        let approved = OrderAnswer::Approved {
            taken: 80,
            balance: 0,
            cycle: 2,
            block: 12,
            block_hash: [9; 32],
        };
        let entry = entry(false, Some(approved));
        let receipt = Receipt::from(&entry);
        let reference = to_hex(&entry.order.reference());
        assert_tells(
            &receipt,
            &[
                "receipt 17: payment APPROVED",
                "till 2/4711",
                "payment    7/3",
                "amount     100",
                "taken      80",
                "card holds 0",
                &reference,
                "block      12 (0x0909",
                "1970-01-01T00:00:01Z",
            ],
        );
        assert_eq!(receipt.advice, None);
        let json = serde_json::to_value(&receipt).unwrap();
        assert_eq!(json["state"], "approved");
        assert_eq!((&json["moved"], &json["balance"]), (&"80".into(), &"0".into()));
        assert_eq!(json["reference"], reference);
    }

    #[test]
    fn a_declined_receipt_tells_the_code_and_what_to_do() {
        let receipt = Receipt::from(&entry(false, Some(declined(DeclineCode::InsufficientFunds))));
        assert_tells(
            &receipt,
            &["DECLINED", "insufficient_funds", "the card holds 20", "topped up"],
        );
        assert_eq!(receipt.moved, None);
        assert_eq!(serde_json::to_value(&receipt).unwrap()["code"], "insufficient_funds");
    }

    #[test]
    fn an_offline_receipt_says_that_nobody_confirmed_the_payment() {
        let receipt = Receipt::from(&entry(true, None));
        assert_tells(
            &receipt,
            &[
                "OFFLINE, NOT CONFIRMED",
                "terminal send",
                "valid till 1970-01-01T00:10:00Z",
            ],
        );
        assert_eq!(
            (receipt.state, receipt.moved, receipt.block),
            (State::Offline, None, None)
        );
    }

    #[test]
    fn an_unanswered_receipt_tells_why_and_until_when_it_may_still_be_paid() {
        let sent = Sent {
            entry: entry(false, None),
            trouble: Some(Trouble::Pending),
        };
        assert_tells(
            &Receipt::from(&sent),
            &[
                "NOT CONFIRMED",
                "the issuer has it",
                "it may still be carried out",
                "valid till",
            ],
        );
        let refused = Failure::Rejected {
            code: "not-our-terminal".into(),
            detail: "the issuer adds it".into(),
        };
        let sent = Sent {
            trouble: Some(refused.into()),
            ..sent
        };
        assert_tells(
            &Receipt::from(&sent),
            &["not-our-terminal: the issuer adds it", "put that right"],
        );
    }
}
