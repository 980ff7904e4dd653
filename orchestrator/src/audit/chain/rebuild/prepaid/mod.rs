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
#[cfg(test)]
mod signed_tests;
mod sums;
#[cfg(test)]
mod tests;

use protocol::{
    prepaid::{
        self, Card, CardNumber, Dispute, Float, Merchant, MerchantNumber, PaymentKey, PaymentRecord, Programme,
        Statement, Terminal,
    },
    settlement::Asset,
    signing::Domain,
    AccountId, Member,
};
use scale::{Decode, Encode};

pub use self::sums::sums;
use super::scene::{Mapping, Scene};
use crate::{
    audit::chain::{tables::TablesError, MADE},
    chain::prepaid_events,
    prepaid::past::Event,
};

const CARDS: Mapping<CardNumber, Card> = Mapping::named("Prepaid::cards");
const MERCHANTS: Mapping<MerchantNumber, Merchant> = Mapping::named("Prepaid::merchants");
const TERMINALS: Mapping<AccountId, Terminal> = Mapping::named("Prepaid::terminals");
const PAYMENTS: Mapping<PaymentKey, PaymentRecord> = Mapping::named("Prepaid::payments");
const DISPUTES: Mapping<PaymentKey, Dispute> = Mapping::named("Prepaid::disputes");
const STATEMENTS: Mapping<(MerchantNumber, u32), Statement> = Mapping::named("Prepaid::statements");
/// Who put money in, and what it knows that by.
const REFERENCES: Mapping<(AccountId, [u8; 32]), ()> = Mapping::named("Prepaid::references");

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

/// Takes one event of a card issuer's contract, in the order of the chain. What contradicts the rules is a finding.
///
/// # Errors
/// The work file is broken.
pub fn take(scene: &mut Scene<'_>) -> Result<(), TablesError> {
    if scene.told.event == MADE {
        return made(scene);
    }
    match scene.event(&prepaid_events::KINDS, prepaid_events::event) {
        Some(event) => apply(scene, &event),
        None => Ok(()),
    }
}

fn made(scene: &mut Scene<'_>) -> Result<(), TablesError> {
    let Some((genesis, registry, issuer, asset, programme)) = scene.made_with()? else {
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
    scene.at_home(genesis, registry);
    scene.kept().set_head(&head)
}

fn apply(scene: &mut Scene<'_>, event: &Event) -> Result<(), TablesError> {
    let Some(mut head) = scene.head::<Head>()? else {
        return Ok(());
    };
    calls::check(scene, &head, event)?;
    change(scene, &mut head, event)?;
    scene.kept().set_head(&head)
}

fn change(scene: &mut Scene<'_>, head: &mut Head, event: &Event) -> Result<(), TablesError> {
    match event {
        Event::ProgrammeSet(programme) => {
            let is_bad = programme.check().is_err();
            scene.forbid(
                is_bad,
                "bad-terms",
                "the programme is set",
                "a period of it is 0 or too long",
            );
            head.programme = *programme;
            Ok(())
        }
        Event::MerchantRegistered {
            merchant,
            acquirer,
            account,
            rules,
        } => merchants::register(scene, *merchant, *acquirer, *account, *rules),
        Event::MerchantSwitched { merchant, is_active } => merchants::switch(scene, *merchant, *is_active),
        Event::RulesSet { merchant, rules } => merchants::set_rules(scene, *merchant, *rules),
        Event::TerminalAdded { merchant, terminal } => merchants::add_terminal(scene, *merchant, *terminal),
        Event::TerminalRevoked { merchant, terminal } => merchants::revoke_terminal(scene, *merchant, *terminal),
        Event::MerchantFunded {
            merchant,
            amount,
            reference,
            by,
        } => merchants::fund(scene, head, *merchant, *amount, (*by, *reference)),
        Event::CycleClosed { merchant, statement } => merchants::close_cycle(scene, head, *merchant, statement),
        Event::CardIssued { .. }
        | Event::LimitsSet { .. }
        | Event::Frozen(_)
        | Event::Unfrozen(_)
        | Event::CardReplaced { .. }
        | Event::CardClosed { .. }
        | Event::ToppedUp { .. } => cards::change(scene, head, event),
        Event::PaymentsDecided(lines) => payments::decide(scene, head, lines),
        Event::Voided { key, amount } => returns::void(scene, head, *key, *amount),
        Event::Refunded { key, amount } => returns::refund(scene, head, *key, *amount),
        Event::DisputeOpened {
            key,
            amount,
            evidence,
            rule_by,
        } => disputes::open(scene, head, *key, *amount, *evidence, *rule_by),
        Event::DisputeAnswered { key, answer, rule_by } => disputes::answer(scene, head, *key, *answer, *rule_by),
        Event::DisputeDecided {
            key,
            awarded,
            is_default,
        } => disputes::decide(scene, head, *key, *awarded, *is_default),
    }
}

impl Scene<'_> {
    /// A card; that there is none is a finding.
    fn card(&mut self, number: CardNumber) -> Result<Option<Card>, TablesError> {
        let found = CARDS.get(self, &number)?;
        if found.is_none() {
            self.unknown(format_args!("card {}", number.0));
        }
        Ok(found)
    }

    /// A merchant; that there is none is a finding.
    fn merchant(&mut self, number: MerchantNumber) -> Result<Option<Merchant>, TablesError> {
        let found = MERCHANTS.get(self, &number)?;
        if found.is_none() {
            self.unknown(format_args!("merchant {}", number.0));
        }
        Ok(found)
    }

    /// Each reference is taken once of each who puts money in.
    fn use_reference(&mut self, reference: (AccountId, [u8; 32]), what: &str) -> Result<(), TablesError> {
        let is_used = REFERENCES.get(self, &reference)?.is_some();
        self.forbid(is_used, "twice", what, "its reference was used before");
        REFERENCES.put(self, &reference, &())
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
