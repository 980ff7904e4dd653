//! What was asked of the contract, held against what it told: the arguments, who sent them, what was sent along.
use protocol::{prepaid::CardState, registry::Roles, AccountId, Amount, Member};
use scale::Encode;

use super::{
    super::{
        checks::value_of,
        registry::{account, acts},
        scene::Scene,
    },
    Head, CARDS, DISPUTES, MERCHANTS, PAYMENTS,
};
use crate::{
    audit::chain::{tables::TablesError, Call},
    prepaid::past::Event,
};

/// Who has to send what leads to an event.
enum Sender {
    Anyone,
    Issuer,
    Acquirer(Member),
    Payer(AccountId),
}

pub(super) fn check(scene: &mut Scene<'_>, head: &Head, event: &Event) -> Result<(), TablesError> {
    scene.follows(due(head, event), |message| arguments(message, head, event));
    let Some(call) = scene.told.call else {
        return Ok(());
    };
    let sender = sender(scene, head, call, event)?;
    check_sender(scene, head, sender)
}

/// The arguments, or what they begin with, with which this message leads to this event; `None` if it can't. What is signed
/// is looked at where it counts.
fn arguments(message: &str, head: &Head, event: &Event) -> Option<Vec<u8>> {
    Some(match (message, event) {
        ("new", Event::ProgrammeSet(programme)) => {
            (head.genesis, head.registry, head.issuer, head.asset, programme).encode()
        }
        ("set_programme", Event::ProgrammeSet(programme)) => programme.encode(),
        (
            "register_merchant",
            Event::MerchantRegistered {
                merchant,
                acquirer,
                account,
                rules,
            },
        ) => (merchant, acquirer, account, rules).encode(),
        ("switch_merchant", Event::MerchantSwitched { merchant, is_active }) => (merchant, is_active).encode(),
        ("set_rules", Event::RulesSet { merchant, rules }) => (merchant, rules).encode(),
        ("add_terminal", Event::TerminalAdded { merchant, terminal }) => (merchant, terminal).encode(),
        ("revoke_terminal", Event::TerminalRevoked { terminal, .. }) => terminal.encode(),
        (
            "issue_card",
            Event::CardIssued {
                card,
                key,
                holder,
                limits,
                expires_at,
            },
        ) => (card, key, holder, limits, expires_at).encode(),
        ("set_limits", Event::LimitsSet { card, limits }) => (card, limits).encode(),
        ("freeze", Event::Frozen(card)) | ("unfreeze", Event::Unfrozen(card)) => card.encode(),
        ("replace_card", Event::CardReplaced { card, key }) => (card, key).encode(),
        ("close_card", Event::CardClosed { card, .. }) => card.encode(),
        (
            "top_up",
            Event::ToppedUp {
                card,
                amount,
                reference,
                ..
            },
        ) => (card, amount, reference).encode(),
        ("pay_batch", Event::PaymentsDecided(_)) => vec![],
        ("void", Event::Voided { key, .. }) | ("refund", Event::Refunded { key, .. }) => key.encode(),
        (
            "fund_merchant",
            Event::MerchantFunded {
                merchant,
                amount,
                reference,
                ..
            },
        ) => (merchant, amount, reference).encode(),
        (
            "open_dispute",
            Event::DisputeOpened {
                key, amount, evidence, ..
            },
        ) => (key, amount, evidence).encode(),
        ("answer_dispute", Event::DisputeAnswered { key, answer, .. }) => (key, answer).encode(),
        (
            "decide_dispute",
            Event::DisputeDecided {
                key,
                awarded,
                is_default: false,
            },
        ) => (key, awarded).encode(),
        (
            "default_dispute",
            Event::DisputeDecided {
                key, is_default: true, ..
            },
        ) => key.encode(),
        ("close_cycle", Event::CycleClosed { merchant, .. }) => merchant.encode(),
        _ => return None,
    })
}

/// What has to be sent along.
const fn due(head: &Head, event: &Event) -> Amount {
    match event {
        Event::ToppedUp { amount, .. } | Event::MerchantFunded { amount, .. } => value_of(head.asset, *amount),
        _ => 0,
    }
}

fn sender(scene: &mut Scene<'_>, head: &Head, call: &Call, event: &Event) -> Result<Sender, TablesError> {
    let now = scene.now();
    Ok(match event {
        Event::ProgrammeSet(_) if call.message == "new" => Sender::Anyone,
        Event::ToppedUp { by, .. } | Event::MerchantFunded { by, .. } => Sender::Payer(*by),
        Event::DisputeOpened { .. } | Event::DisputeDecided { is_default: true, .. } => Sender::Anyone,
        Event::CardClosed { card, .. } => {
            let card = CARDS.get(scene, card)?;
            // Why a card is frozen only the issuer knows.
            match card {
                Some(card) if card.state == CardState::Active && now >= card.expires_at => Sender::Anyone,
                _ => Sender::Issuer,
            }
        }
        Event::CycleClosed { merchant, .. } => {
            let merchant = MERCHANTS.get(scene, merchant)?;
            let opened_at = merchant.map(|merchant| merchant.cycle.opened_at);
            let due = opened_at.and_then(|opened_at| opened_at.checked_add(head.programme.cycle));
            match due {
                Some(due) if now >= due => Sender::Anyone,
                _ => Sender::Issuer,
            }
        }
        Event::DisputeAnswered { key, .. } => {
            let record = PAYMENTS.get(scene, key)?;
            let is_known = DISPUTES.get(scene, key)?.is_some();
            match record.filter(|_| is_known) {
                Some(record) => {
                    let merchant = MERCHANTS.get(scene, &record.merchant)?;
                    merchant.map_or(Sender::Anyone, |merchant| Sender::Acquirer(merchant.acquirer))
                }
                // That there is none is told elsewhere.
                None => Sender::Anyone,
            }
        }
        _ => Sender::Issuer,
    })
}

fn check_sender(scene: &mut Scene<'_>, head: &Head, sender: Sender) -> Result<(), TablesError> {
    match sender {
        Sender::Anyone => {}
        Sender::Payer(by) => scene.sent_by(by, "who paid"),
        Sender::Issuer => {
            acts(scene, head.issuer, Roles::CARD_ISSUER)?;
        }
        // Whatever its status: an answer is for its merchant.
        Sender::Acquirer(acquirer) => match account(scene, acquirer)? {
            Some(account) => scene.sent_by(account, "the merchant's acquirer"),
            None => scene.unknown(format_args!("member {}", acquirer.0)),
        },
    }
    Ok(())
}
