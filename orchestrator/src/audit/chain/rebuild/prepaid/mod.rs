//! A card issuer's contract, rebuilt: cards, merchants, payments, disputes, statements, float (S4.1 to S4.4).
//!
//! What should become of a payment, and what a merchant is told of a cycle, is reckoned by the same rules as in
//! `quittance prepaid verify`; next to that, every signature in the calls is looked at.
mod calls;
mod cards;
mod disputes;
mod merchants;
mod payments;
mod returns;
mod sums;
#[cfg(test)]
mod tests;

use protocol::{
    prepaid::{self, Card, CardNumber, Float, Merchant, MerchantNumber, PaymentKey, Programme},
    settlement::Asset,
    signing::Domain,
    AccountId, Key, KeyComposer, Member,
};
use scale::{Decode, Encode};

pub use self::sums::sums;
use super::case::Case;
use crate::{
    audit::chain::{
        findings::Findings,
        tables::{Tables, TablesError},
        Place, Told, MADE,
    },
    chain::prepaid_events,
    prepaid::past::Event,
};

const CARDS: Key = KeyComposer::from_str("Prepaid::cards");
const MERCHANTS: Key = KeyComposer::from_str("Prepaid::merchants");
const TERMINALS: Key = KeyComposer::from_str("Prepaid::terminals");
const PAYMENTS: Key = KeyComposer::from_str("Prepaid::payments");
const DISPUTES: Key = KeyComposer::from_str("Prepaid::disputes");
const STATEMENTS: Key = KeyComposer::from_str("Prepaid::statements");
const REFERENCES: Key = KeyComposer::from_str("Prepaid::references");

/// The contract's struct without its mappings, in the contract's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Head {
    genesis: [u8; 32],
    registry: AccountId,
    issuer: Member,
    asset: Asset,
    programme: Programme,
    float: Float,
}

/// Takes one event of the contract called `name`, in the order of the chain. What contradicts the rules is a finding.
///
/// # Errors
/// The work file is broken.
pub fn take(
    name: &str,
    told: &Told<'_>,
    place: &Place,
    tables: &mut Tables,
    findings: &mut Findings,
) -> Result<(), TablesError> {
    let mut case = Case {
        name,
        told,
        place,
        tables,
        findings,
    };
    if told.event == MADE {
        return make(&mut case);
    }
    let kind = prepaid_events::KINDS.iter().find(|(name, _)| *name == told.event);
    let Some((_, kind)) = kind else {
        case.found("unreadable-event", format!("no event is called {}", told.event));
        return Ok(());
    };
    match prepaid_events::event(*kind, told.fields) {
        Ok(event) => apply(&mut case, &event),
        Err(error) => {
            case.found("unreadable-event", format!("{}: {error}", told.event));
            Ok(())
        }
    }
}

fn make(case: &mut Case<'_>) -> Result<(), TablesError> {
    case.call();
    let Some((genesis, registry, issuer, asset, programme)) = case.arguments("new") else {
        case.found("unknown", "what the contract was made with can't be seen: nothing of it is rebuilt");
        return Ok(());
    };
    let head = Head {
        genesis,
        registry,
        issuer,
        asset,
        programme,
        float: Float::default(),
    };
    case.at_home(head.genesis, head.registry);
    case.kept().set_head(&head)
}

fn apply(case: &mut Case<'_>, event: &Event) -> Result<(), TablesError> {
    let Some(mut head) = case.kept().head::<Head>()? else {
        case.unknown("the contract itself");
        return Ok(());
    };
    calls::check(case, &head, event)?;
    change(case, &mut head, event)?;
    case.kept().set_head(&head)
}

fn change(case: &mut Case<'_>, head: &mut Head, event: &Event) -> Result<(), TablesError> {
    match event {
        Event::ProgrammeSet(programme) => {
            let is_bad = programme.check().is_err();
            case.forbid(is_bad, "the programme is set", "a period of it is 0 or too long");
            head.programme = *programme;
            Ok(())
        }
        Event::MerchantRegistered {
            merchant,
            acquirer,
            account,
            rules,
        } => merchants::register(case, *merchant, *acquirer, *account, *rules),
        Event::MerchantSwitched { merchant, is_active } => merchants::switch(case, *merchant, *is_active),
        Event::RulesSet { merchant, rules } => merchants::set_rules(case, *merchant, *rules),
        Event::TerminalAdded { merchant, terminal } => merchants::add_terminal(case, *merchant, *terminal),
        Event::TerminalRevoked { merchant, terminal } => merchants::revoke_terminal(case, *merchant, *terminal),
        Event::MerchantFunded {
            merchant,
            amount,
            reference,
            by,
        } => merchants::fund(case, head, *merchant, *amount, (*by, *reference)),
        Event::CycleClosed { merchant, statement } => merchants::close_cycle(case, head, *merchant, statement),
        Event::CardIssued { .. }
        | Event::LimitsSet { .. }
        | Event::Frozen(_)
        | Event::Unfrozen(_)
        | Event::CardReplaced { .. }
        | Event::CardClosed { .. }
        | Event::ToppedUp { .. } => cards::change(case, head, event),
        Event::PaymentsDecided(lines) => payments::decide(case, head, lines),
        Event::Voided { key, amount } => returns::void(case, head, *key, *amount),
        Event::Refunded { key, amount } => returns::refund(case, head, *key, *amount),
        Event::DisputeOpened {
            key,
            amount,
            evidence,
            rule_by,
        } => disputes::open(case, head, *key, *amount, *evidence, *rule_by),
        Event::DisputeAnswered { key, answer, rule_by } => disputes::answer(case, head, *key, *answer, *rule_by),
        Event::DisputeDecided {
            key,
            awarded,
            is_default,
        } => disputes::decide(case, head, *key, *awarded, *is_default),
    }
}

impl Case<'_> {
    /// A card; that there is none is a finding.
    fn card(&mut self, number: CardNumber) -> Result<Option<Card>, TablesError> {
        let found = self.kept().get(CARDS, &number)?;
        if found.is_none() {
            self.unknown(format_args!("card {}", number.0));
        }
        Ok(found)
    }

    /// A merchant; that there is none is a finding.
    fn merchant(&mut self, number: MerchantNumber) -> Result<Option<Merchant>, TablesError> {
        let found = self.kept().get(MERCHANTS, &number)?;
        if found.is_none() {
            self.unknown(format_args!("merchant {}", number.0));
        }
        Ok(found)
    }

    /// Each reference is taken once of each who puts money in.
    fn use_reference(&mut self, reference: (AccountId, [u8; 32]), what: &str) -> Result<(), TablesError> {
        let is_used = self.kept().get::<()>(REFERENCES, &reference)?.is_some();
        self.forbid(is_used, what, "its reference was used before");
        self.kept().put(REFERENCES, &reference, &())
    }

    /// Where what cards, terminals and holders sign is valid.
    fn domain(&self) -> Domain {
        prepaid::domain(self.place.genesis, self.told.contract)
    }
}

/// A payment, in words.
fn named((card, counter): PaymentKey) -> String {
    format!("payment {counter} of card {}", card.0)
}
