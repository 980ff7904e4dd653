//! The benchmark's multisig contract does what it is compared for: it pays at the last approval, and not before.
use protocol::{AccountId, Member};
use quittance_tests::{
    contract_chain::Chain,
    institutions::{account, HOME, NOTARY, ORIGINATOR, STRANGER},
};

const SIGNERS: [Member; 3] = [ORIGINATOR, HOME, NOTARY];
const AMOUNT: u128 = 1_000;

fn approve(chain: &mut Chain, contract: AccountId, payment: u32, by: Member) -> Result<(), u8> {
    chain.call(account(by), contract, "approve", payment, 0).output
}

#[test]
fn the_last_approval_pays_and_none_counts_twice() {
    let payee = account(STRANGER);
    let mut chain = Chain::new(&[ORIGINATOR, HOME, NOTARY, STRANGER].map(account));
    let signers = SIGNERS.map(account).to_vec();
    let contract = chain.instantiate::<()>("multisig", signers).unwrap();
    chain.pay(contract, quittance_runtime::UNIT);
    let proposal = (payee, AMOUNT);
    let proposed: Result<u32, u8> = chain.call(account(HOME), contract, "propose", proposal, 0).output;
    let payment = proposed.unwrap();

    let before = chain.native_balance(payee);
    approve(&mut chain, contract, payment, STRANGER).unwrap_err();
    approve(&mut chain, contract, payment, ORIGINATOR).unwrap();
    approve(&mut chain, contract, payment, ORIGINATOR).unwrap_err();
    approve(&mut chain, contract, payment, HOME).unwrap();
    assert_eq!(chain.native_balance(payee), before);
    approve(&mut chain, contract, payment, NOTARY).unwrap();
    assert_eq!(chain.native_balance(payee), before + AMOUNT);
    approve(&mut chain, contract, payment, NOTARY).unwrap_err();
    assert!(chain.call::<bool>(payee, contract, "is_paid", payment, 0).output);
}
