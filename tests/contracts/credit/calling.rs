//! Who may send what, and what anyone can ask.
use protocol::{
    credit::{Constants, CreditRequest, Debt, Error, Payout, MAX_ASKED},
    registry::{Change, Roles, Status},
    settlement::Asset,
    RequestId,
};
use quittance_tests::{
    contract_chain::GENESIS,
    credit::{
        wish, with_signatures, Side, TwoChains, AMOUNT, BLOCK, DUE_AT, EVIDENCE, GRACE, LIMIT, NODE, NODE_LIMIT, PAYER,
        STRANGER,
    },
    institutions::{account, key},
};
use scale::Encode;
use sp_core::Pair as _;

use super::{done, refused};

/// Every message that only the credit node may send, as it would be done on the payer's chain, or the payee's.
fn nodes_own(chains: &mut TwoChains) -> (Vec<Message>, Vec<Message>) {
    let [new, reserved, payout] = [1, 2, 3].map(|number| chains.request(0, number));
    let id = chains.debt.reserve(&reserved).unwrap();
    chains
        .debt
        .request_raise(&wish(PAYER, Asset::Native, NODE_LIMIT + 1, 1))
        .unwrap();
    let (payer, native) = (account(PAYER), Asset::Native);
    let message = |name, args: &dyn ErasedArgs, value| Message {
        name,
        args: args.encoded(),
        value,
    };
    let debt = vec![
        message("set_node_limit", &(payer, native, LIMIT, EVIDENCE), 0),
        message("freeze", &payer, 0),
        message("unfreeze", &payer, 0),
        message("decide_raise", &(payer, native, None::<u128>, EVIDENCE), 0),
        message("reserve", &with_signatures(&new), 0),
        message("extend", &(id, DUE_AT), 0),
        message("release", &id, 0),
        message("commit", &(id, BLOCK), 0),
        message("fund", &(), AMOUNT),
        message("fund_token", &(chains.debt.money.token, AMOUNT), 0),
        message("withdraw", &(native, AMOUNT), 0),
    ];
    (debt, vec![message("pay", &payout, 0)])
}

struct Message {
    name: &'static str,
    args: Vec<u8>,
    value: u128,
}

/// What has an encoding, whatever its type.
trait ErasedArgs {
    fn encoded(&self) -> Vec<u8>;
}

impl<T: Encode> ErasedArgs for T {
    fn encoded(&self) -> Vec<u8> {
        self.encode()
    }
}

/// Bytes as they are, without their length.
struct Raw<'a>(&'a [u8]);

impl Encode for Raw<'_> {
    fn encode_to<O: scale::Output + ?Sized>(&self, to: &mut O) {
        to.write(self.0);
    }
}

#[track_caller]
fn all_refused(side: &mut Side, messages: &[Message], by: protocol::Member, expected: Error) {
    for Message { name, args, value } in messages {
        refused(side, by, name, Raw(args), *value, expected);
    }
}

#[test]
fn only_the_credit_nodes_account_sends_what_is_the_credit_nodes() {
    let mut chains = TwoChains::default();
    let (debt, payout) = nodes_own(&mut chains);
    for other in [PAYER, STRANGER] {
        all_refused(&mut chains.debt, &debt, other, Error::NotTheNode);
        all_refused(&mut chains.payout, &payout, other, Error::NotTheNode);
    }
}

#[test]
fn a_suspended_or_revoked_node_or_one_without_the_role_does_nothing() {
    let changes = [
        Change::SetStatus {
            member: NODE,
            status: Status::Suspended,
        },
        Change::SetStatus {
            member: NODE,
            status: Status::Revoked,
        },
        Change::SetRoles {
            member: NODE,
            roles: Roles::PARTICIPANT.with(Roles::NOTARY),
        },
    ];
    for change in changes {
        let mut chains = TwoChains::default();
        let (debt, payout) = nodes_own(&mut chains);
        chains.debt.govern(change.clone());
        chains.payout.govern(change);
        all_refused(&mut chains.debt, &debt, NODE, Error::NodeNotActive);
        all_refused(&mut chains.payout, &payout, NODE, Error::NodeNotActive);
    }
}

#[test]
fn without_the_node_payers_and_payees_are_not_stuck() {
    let mut chains = TwoChains::default();
    let [owed, reserved] = [1, 2].map(|number| chains.request(0, number));
    let owed = chains.owed(&owed);
    let reserved = chains.debt.reserve(&reserved).unwrap();
    chains.debt.govern(Change::SetStatus {
        member: NODE,
        status: Status::Revoked,
    });
    chains.debt.repay(PAYER, owed, AMOUNT).unwrap();
    let receipt = chains.debt.receipt(quittance_tests::credit::PAYEE, owed);
    done(&mut chains.debt, STRANGER, "confirm_receipt", (owed, receipt));
    chains.debt.chain.set_time(DUE_AT);
    done(&mut chains.debt, STRANGER, "expire", reserved);
}

#[test]
fn a_suspended_node_that_is_reinstated_goes_on_where_it_was() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    let id = chains.debt.reserve(&request).unwrap();
    for status in [Status::Suspended, Status::Active] {
        chains.debt.govern(Change::SetStatus { member: NODE, status });
    }
    done(&mut chains.debt, NODE, "commit", (id, BLOCK));
}

#[test]
fn a_node_with_a_new_account_acts_from_that_one() {
    let mut chains = TwoChains::default();
    chains.debt.govern(Change::SetKeys {
        member: NODE,
        account: account(STRANGER),
        signing_key: key(NODE).public().0,
        certificate: [9; 32],
    });
    let payer = account(PAYER);
    refused(&mut chains.debt, NODE, "freeze", payer, 0, Error::NotTheNode);
    done(&mut chains.debt, STRANGER, "freeze", payer);
}

#[test]
fn a_node_that_the_registry_does_not_have_or_a_registry_that_is_none_lends_nothing() {
    let mut chains = TwoChains::new(GRACE);
    let side = &mut chains.debt;
    let nobody = protocol::Member(99);
    for (registry, node, expected) in [
        (side.registry, nobody, Error::NodeNotActive),
        (side.money.token, NODE, Error::RegistryFailed),
        (account(STRANGER), NODE, Error::RegistryFailed),
    ] {
        side.credit = side
            .chain
            .instantiate::<()>("credit", (GENESIS, registry, node, GRACE))
            .unwrap();
        refused(side, NODE, "freeze", account(PAYER), 0, expected);
    }
}

#[test]
fn a_contract_tells_what_it_was_made_with() {
    let mut chains = TwoChains::new(GRACE);
    let registry = chains.debt.registry;
    let constants: Constants = chains.debt.send(STRANGER, "constants", (), 0);
    let expected = Constants {
        genesis: GENESIS,
        registry,
        node: NODE,
        grace: GRACE,
    };
    assert_eq!(constants, expected);
}

#[test]
fn queries_answer_in_the_order_asked_for_and_no_more_than_64_at_once() {
    let mut chains = TwoChains::default();
    let [first, second, third] = [1, 2, 3].map(|number| chains.request(0, number));
    for request in [&first, &second] {
        chains.owed(request);
    }
    let ids = vec![second.id(), third.id(), first.id()];
    let debts: Result<Vec<Option<Debt>>, Error> = chains.debt.send(STRANGER, "debts", &ids, 0);
    let payouts: Result<Vec<Option<Payout>>, Error> = chains.payout.send(STRANGER, "payouts", &ids, 0);
    let stored: Vec<_> = ids.iter().map(|id| chains.debt.try_debt(*id)).collect();
    assert_eq!(debts, Ok(stored));
    let stored: Vec<_> = ids.iter().map(|id| chains.payout.payout(*id)).collect();
    assert_eq!(payouts, Ok(stored));

    let most = vec![first.id(); MAX_ASKED];
    let debts: Result<Vec<Option<Debt>>, Error> = chains.debt.send(STRANGER, "debts", &most, 0);
    assert_eq!(debts.map(|debts| debts.len()), Ok(MAX_ASKED));
    let payouts: Result<Vec<Option<Payout>>, Error> = chains.payout.send(STRANGER, "payouts", &most, 0);
    assert_eq!(payouts.map(|payouts| payouts.len()), Ok(MAX_ASKED));
    let beyond: Vec<RequestId> = vec![first.id(); MAX_ASKED + 1];
    for message in ["debts", "payouts"] {
        refused(&mut chains.debt, STRANGER, message, &beyond, 0, Error::TooManyAsked);
    }
}

#[test]
fn the_two_contracts_are_two_though_the_code_is_one() {
    let chains = TwoChains::new(GRACE);
    assert_ne!(chains.debt.credit, chains.payout.credit);
    // A request tells both sides; what is signed is for the debt's.
    let request = chains.request(0, 1);
    let turned = CreditRequest {
        debt: request.payout,
        payout: request.debt,
        ..request.clone()
    };
    assert_ne!(turned.id(), request.id());
}
