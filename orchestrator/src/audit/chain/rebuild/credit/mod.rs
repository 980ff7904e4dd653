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
    credit::{self, Constants, Debt, DebtState},
    registry::{Roles, Status},
    signing::Domain,
    text::to_hex,
    AccountId, Key, KeyComposer, RequestId,
};
use scale::Decode;

pub use sums::sums;

use super::{checks::Checks, registry};
use crate::audit::chain::{
    findings::Findings,
    tables::{Kept, Tables, TablesError},
    Call, Place, Told, MADE,
};

const PAYEE_LIMITS: Key = KeyComposer::from_str("Credit::payee_limits");
const NODE_LIMITS: Key = KeyComposer::from_str("Credit::node_limits");
const FROZEN: Key = KeyComposer::from_str("Credit::frozen");
const RAISES: Key = KeyComposer::from_str("Credit::raises");
const DEBTS: Key = KeyComposer::from_str("Credit::debts");
const PAYOUTS: Key = KeyComposer::from_str("Credit::payouts");
const POOLS: Key = KeyComposer::from_str("Credit::pools");

type Done = Result<(), TablesError>;

/// Takes one event of the contract called `name`, in the order of the chain.
///
/// # Errors
/// The work file is broken. What contradicts the rules is a finding.
pub fn take(name: &str, told: &Told<'_>, place: &Place, tables: &mut Tables, findings: &mut Findings) -> Done {
    let mut case = Case {
        checks: Checks::new(name, told, findings),
        place,
        tables,
    };
    match told.event {
        MADE => case.made(),
        "LimitSet" => case.on(Case::limit_set),
        "NodeLimitSet" => case.on(Case::node_limit_set),
        "Frozen" => case.on(Case::frozen),
        "Unfrozen" => case.on(Case::unfrozen),
        "RaiseRequested" => case.on(Case::raise_requested),
        "RaiseDecided" => case.on(Case::raise_decided),
        "Reserved" => case.on(Case::reserved),
        "Extended" => case.on(Case::extended),
        "Released" => case.on(Case::released),
        "Expired" => case.on(Case::expired),
        "Committed" => case.on(Case::committed),
        "ReceiptConfirmed" => case.on(Case::receipt_confirmed),
        "FellOverdue" => case.on(Case::fell_overdue),
        "Repaid" => case.on(Case::repaid),
        "Funded" => case.on(Case::funded),
        "Withdrawn" => case.on(Case::withdrawn),
        "PaidOut" => case.on(Case::paid_out),
        _ => {
            case.checks.unknown_event();
            Ok(())
        }
    }
}

/// One event, and what contracts should have kept before it.
struct Case<'a> {
    checks: Checks<'a>,
    place: &'a Place,
    tables: &'a mut Tables,
}

impl Case<'_> {
    fn on<V: Decode>(&mut self, act: impl FnOnce(&mut Self, V) -> Done) -> Done {
        match self.checks.fields() {
            Some(fields) => act(self, fields),
            None => Ok(()),
        }
    }

    fn made(&mut self) -> Done {
        let Some((_, head)) = self.checks.arguments::<Constants>("new", 0) else {
            return Ok(());
        };
        self.checks.ensure(head.genesis == self.place.genesis, "other-chain", || {
            format!("it was made for the chain {}", to_hex(&head.genesis))
        });
        self.checks
            .ensure(head.registry == self.place.registry, "other-registry", || {
                format!("it asks the registry {}", to_hex(&head.registry.0))
            });
        self.kept().set_head(&head)
    }

    fn kept(&mut self) -> Kept<'_> {
        self.tables.of(self.checks.told.contract)
    }

    fn head(&mut self) -> Result<Option<Constants>, TablesError> {
        self.kept().head()
    }

    /// Where what payers and payees sign is valid.
    fn domain(&mut self) -> Result<Domain, TablesError> {
        let genesis = self.head()?.map_or(self.place.genesis, |head| head.genesis);
        Ok(credit::domain(genesis, self.checks.told.contract))
    }

    /// The credit node could do this, and sent it. Gives its account at that event. One that asks another registry, or whose
    /// constructor wasn't seen, was told when it was made.
    fn by_node(&mut self, call: Option<&Call>) -> Result<Option<AccountId>, TablesError> {
        let Some(head) = self.head()?.filter(|head| head.registry == self.place.registry) else {
            return Ok(None);
        };
        let told = self.checks.told;
        let epoch = registry::epoch_at(self.place, self.tables, told.block.number, told.index)?;
        let node = registry::institution(self.place, self.tables, epoch, head.node)?;
        let is_active = node
            .as_ref()
            .is_some_and(|node| node.status == Status::Active && node.roles.contains(Roles::CREDIT_NODE));
        self.checks.ensure(is_active, "node-not-active", || {
            let (member, event) = (head.node, told.event);
            format!("member {member} was no active credit node in epoch {epoch}, when it came to {event}")
        });
        if let Some(node) = &node {
            self.checks.sent_by(call, node.account, "the credit node");
        }
        Ok(node.map(|node| node.account))
    }

    fn known(&mut self, id: RequestId) -> Result<Option<Debt>, TablesError> {
        let debt = self.kept().get(DEBTS, &id)?;
        let event = self.checks.told.event;
        self.checks.ensure(debt.is_some(), "unknown-debt", || {
            format!("{event} is about request {id}, which was never reserved")
        });
        Ok(debt)
    }

    /// The debt, which has to be in one of these states.
    fn in_state(&mut self, id: RequestId, states: &[DebtState]) -> Result<Option<Debt>, TablesError> {
        let debt = self.known(id)?;
        if let Some(debt) = &debt {
            let event = self.checks.told.event;
            self.checks.ensure(states.contains(&debt.state), "wrong-state", || {
                format!("request {id} was {:?} when it came to {event}", debt.state)
            });
        }
        Ok(debt)
    }

    /// Keeps a debt after a step, and what both limits have taken of it.
    fn keep(&mut self, id: RequestId, before: Option<&Debt>, debt: &Debt) -> Done {
        self.weigh(id, before, debt)?;
        self.kept().put(DEBTS, &id, debt)
    }
}
