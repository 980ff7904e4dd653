//! What a credit contract should keep (S1.6 to S1.12): limits and what is taken of them, debts, payouts, the pool.
//!
//! Payers and payees sign and are no members: their accounts are their keys. The credit node sends: its account, status and
//! role are the registry's at that event.
mod debts;
mod limits;
mod pool;
mod raises;
mod reservations;
mod sums;
#[cfg(test)]
mod tests;

use protocol::{
    credit::{self, Constants, Debt, DebtState, NodeLimit, PayeeLimit, Payout, Raise},
    registry::Roles,
    settlement::Asset,
    signing::Domain,
    AccountId, Amount, RequestId,
};

pub use sums::sums;

use super::{
    registry::acts,
    scene::{Mapping, Notes, Scene},
};
use crate::audit::chain::{tables::TablesError, MADE};

/// A payee, a payer and an asset.
type PayeeLine = (AccountId, AccountId, Asset);

const PAYEE_LIMITS: Mapping<PayeeLine, PayeeLimit> = Mapping::named("Credit::payee_limits");
const NODE_LIMITS: Mapping<(AccountId, Asset), NodeLimit> = Mapping::named("Credit::node_limits");
const FROZEN: Mapping<AccountId, bool> = Mapping::named("Credit::frozen");
const RAISES: Mapping<(AccountId, Asset), Raise> = Mapping::named("Credit::raises");
const DEBTS: Mapping<RequestId, Debt> = Mapping::named("Credit::debts");
const PAYOUTS: Mapping<RequestId, Payout> = Mapping::named("Credit::payouts");
const POOLS: Mapping<Asset, Amount> = Mapping::named("Credit::pools");

/// Whether a contract is one of credit.
const IS_CREDIT: Notes<(), bool> = Notes::named("is-credit");

type Done = Result<(), TablesError>;

/// Takes one event of the contract called `name`, in the order of the chain.
///
/// # Errors
/// The work file is broken. What contradicts the rules is a finding.
pub fn take(scene: &mut Scene<'_>) -> Done {
    let event = scene.told.event;
    if event == MADE {
        return made(scene);
    }
    if head(scene)?.is_none() {
        return Ok(());
    }
    match event {
        "LimitSet" => scene.on(limits::limit_set),
        "NodeLimitSet" => scene.on(limits::node_limit_set),
        "Frozen" => scene.on(limits::frozen),
        "Unfrozen" => scene.on(limits::unfrozen),
        "RaiseRequested" => scene.on(raises::raise_requested),
        "RaiseDecided" => scene.on(raises::raise_decided),
        "Reserved" => scene.on(reservations::reserved),
        "Extended" => scene.on(reservations::extended),
        "Released" => scene.on(reservations::released),
        "Expired" => scene.on(reservations::expired),
        "Committed" => scene.on(reservations::committed),
        "ReceiptConfirmed" => scene.on(debts::receipt_confirmed),
        "FellOverdue" => scene.on(debts::fell_overdue),
        "Repaid" => scene.on(debts::repaid),
        "Funded" => scene.on(pool::funded),
        "Withdrawn" => scene.on(pool::withdrawn),
        "PaidOut" => scene.on(pool::paid_out),
        _ => {
            scene.unknown_event();
            Ok(())
        }
    }
}

fn made(scene: &mut Scene<'_>) -> Done {
    IS_CREDIT.put(&mut scene.kept(), &(), &true)?;
    let Some(head) = scene.made_with::<Constants>()? else {
        return Ok(());
    };
    scene.at_home(head.genesis, head.registry);
    scene.kept().set_head(&head)
}

fn head(scene: &mut Scene<'_>) -> Result<Option<Constants>, TablesError> {
    scene.head()
}

/// Where what payers and payees sign is valid.
fn domain(scene: &mut Scene<'_>) -> Result<Domain, TablesError> {
    let genesis = head(scene)?.map_or(scene.place.genesis, |head| head.genesis);
    Ok(credit::domain(genesis, scene.told.contract))
}

/// The credit node could do this, and sent it. Gives its account at that event. A contract that asks another registry was
/// told when it was made.
fn by_node(scene: &mut Scene<'_>) -> Result<Option<AccountId>, TablesError> {
    let registry = scene.place.registry;
    let Some(head) = head(scene)?.filter(|head| head.registry == registry) else {
        return Ok(None);
    };
    acts(scene, head.node, Roles::CREDIT_NODE)
}

fn known(scene: &mut Scene<'_>, id: RequestId) -> Result<Option<Debt>, TablesError> {
    let debt = DEBTS.get(scene, &id)?;
    let event = scene.told.event;
    scene.ensure(debt.is_some(), "unknown", || {
        format!("{event} is about request {id}, which was never reserved")
    });
    Ok(debt)
}

/// The debt, which has to be in one of these states.
fn in_state(scene: &mut Scene<'_>, id: RequestId, states: &[DebtState]) -> Result<Option<Debt>, TablesError> {
    let debt = known(scene, id)?;
    if let Some(debt) = &debt {
        let event = scene.told.event;
        scene.ensure(states.contains(&debt.state), "wrong-state", || {
            format!("request {id} was {:?} when it came to {event}", debt.state)
        });
    }
    Ok(debt)
}

/// Keeps a debt after a step, and what both limits have taken of it.
fn keep(scene: &mut Scene<'_>, id: RequestId, before: Option<&Debt>, debt: &Debt) -> Done {
    limits::weigh(scene, id, before, debt)?;
    DEBTS.put(scene, &id, debt)
}
