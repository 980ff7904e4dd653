//! A block's events, one after the other, to the rules of the contracts that they are of.
use std::collections::BTreeMap;

use protocol::AccountId;

use super::{
    contracts::{Audited, Contracts},
    findings::Findings,
    ports::{Content, Happened, Transaction, What},
    rebuild,
    run::Progress,
    tables::{Tables, TablesError},
    Block, Call, Place, Told, MADE,
};

/// The transaction's place of what happened outside of transactions.
const NO_TRANSACTION: u32 = u32::MAX;

/// Hands events to their contracts' rules.
pub(super) struct Taker<'a> {
    contracts: &'a Contracts,
    place: Place,
}

impl<'a> Taker<'a> {
    pub(super) const fn new(contracts: &'a Contracts, place: Place) -> Self {
        Self { contracts, place }
    }

    /// Takes a block's.
    pub(super) fn take(
        &self,
        block: Block,
        content: &Content,
        tables: &mut Tables,
        progress: &mut Progress,
    ) -> Result<(), TablesError> {
        let ours = |one: &&Happened| self.contracts.0.contains_key(&one.contract);
        let calls = self.calls(content);
        let call = |one: &Happened| {
            let call = calls.get(&one.transaction?)?;
            (call.contract == one.contract).then_some(call)
        };
        let made = |one: &&Happened| one.what == What::Made;
        // The chain tells that a contract was made after what its constructor told: here it is told before.
        let mut born: BTreeMap<AccountId, &Happened> = BTreeMap::new();
        for birth in content.events.iter().filter(ours).filter(made) {
            born.insert(birth.contract, birth);
        }
        for happened in content.events.iter().filter(ours) {
            let Some(contract) = self.contracts.0.get(&happened.contract) else {
                continue;
            };
            let told = |one: &Happened| Told {
                contract: one.contract,
                block,
                index: one.index,
                transaction: one.transaction.unwrap_or(NO_TRANSACTION),
                event: MADE,
                fields: &[],
                call: call(one),
            };
            if let Some(birth) = born.remove(&happened.contract) {
                self.told(contract, &told(birth), tables, progress)?;
            }
            match &happened.what {
                What::Made => {}
                What::Emitted { topic, data } => match topic.and_then(|topic| contract.events.get(&topic)) {
                    Some(event) => {
                        let told = Told {
                            event,
                            fields: data,
                            ..told(happened)
                        };
                        self.told(contract, &told, tables, progress)?;
                    }
                    None => found(
                        progress,
                        contract,
                        &told(happened),
                        "unknown-event",
                        "it is none of the contract's",
                    ),
                },
                What::CodeChanged => found(
                    progress,
                    contract,
                    &told(happened),
                    "other-code",
                    "the code was replaced",
                ),
                What::Terminated => found(
                    progress,
                    contract,
                    &told(happened),
                    "no-contract",
                    "the contract is no more",
                ),
            }
        }
        Ok(())
    }

    /// What each transaction asks of the audited contract that it calls, or makes.
    fn calls(&self, content: &Content) -> BTreeMap<u32, Call> {
        // Contracts that others make come first: the last one is the transaction's own.
        let mut made: BTreeMap<u32, AccountId> = BTreeMap::new();
        for one in content.events.iter().filter(|one| one.what == What::Made) {
            if let Some(transaction) = one.transaction {
                made.insert(transaction, one.contract);
            }
        }
        let call = |(place, transaction): (&u32, &Transaction)| {
            let contract = transaction.to.or_else(|| made.get(place).copied())?;
            let known = self.contracts.0.get(&contract)?;
            let (selector, arguments) = transaction.input.split_first_chunk::<4>()?;
            let names = match transaction.to {
                Some(_) => &known.messages,
                None => &known.constructors,
            };
            let call = Call {
                signer: transaction.signer,
                contract,
                value: transaction.value,
                message: names.get(selector)?.clone(),
                arguments: arguments.to_vec(),
            };
            Some((*place, call))
        };
        content.transactions.iter().filter_map(call).collect()
    }

    fn told(
        &self,
        contract: &Audited,
        told: &Told<'_>,
        tables: &mut Tables,
        progress: &mut Progress,
    ) -> Result<(), TablesError> {
        let before = counted(&progress.findings);
        rebuild::take(contract, told, &self.place, tables, &mut progress.findings)?;
        let after = counted(&progress.findings);
        let tally = progress.tallies.entry(contract.name.clone()).or_default();
        tally.events = tally.events.saturating_add(1);
        let parts = [
            &mut tally.findings,
            &mut tally.signatures,
            &mut tally.digests,
            &mut tally.unseen,
        ];
        for (part, (before, after)) in parts.into_iter().zip(before.into_iter().zip(after)) {
            *part = part.saturating_add(after.saturating_sub(before));
        }
        Ok(())
    }
}

const fn counted(findings: &Findings) -> [u64; 4] {
    [findings.count, findings.signatures, findings.digests, findings.unseen]
}

fn found(progress: &mut Progress, contract: &Audited, told: &Told<'_>, code: &str, detail: &str) {
    progress.findings.event(code, &contract.name, told, detail);
    let tally = progress.tallies.entry(contract.name.clone()).or_default();
    tally.findings = tally.findings.saturating_add(1);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::audit::chain::world::{World, CONTRACT, GENESIS, NEW, PAID, PAY};

    const SIGNER: AccountId = AccountId([4; 32]);
    const OTHER: AccountId = AccountId([3; 32]);

    fn transaction(to: Option<AccountId>, selector: [u8; 4]) -> Transaction {
        Transaction {
            signer: SIGNER,
            to,
            value: 5,
            input: [&selector[..], &[1, 2]].concat(),
        }
    }

    fn happened(index: u32, transaction: u32, contract: AccountId, what: What) -> Happened {
        Happened {
            index,
            transaction: Some(transaction),
            contract,
            what,
        }
    }

    fn paid() -> What {
        What::Emitted {
            topic: Some(PAID),
            data: vec![],
        }
    }

    fn place() -> Place {
        Place {
            genesis: GENESIS,
            registry: CONTRACT,
        }
    }

    #[test]
    fn a_call_is_known_by_its_contract_and_selector() {
        let contracts = World::contracts();
        let transactions = [
            (1, transaction(Some(CONTRACT), PAY)),
            (2, transaction(Some(CONTRACT), NEW)),
            (3, transaction(Some(OTHER), PAY)),
            (4, transaction(None, NEW)),
        ];
        let content = Content {
            transactions: transactions.into(),
            // What is made in a constructor comes before what the constructor makes.
            events: vec![happened(0, 4, OTHER, What::Made), happened(1, 4, CONTRACT, What::Made)],
            is_upgrade: false,
        };
        let calls = Taker::new(&contracts, place()).calls(&content);
        let names: Vec<_> = calls
            .iter()
            .map(|(place, call)| (*place, call.message.as_str()))
            .collect();
        assert_eq!(names, [(1, "pay"), (4, "new")]);
        let call = &calls[&4];
        assert_eq!((call.contract, call.signer, call.value), (CONTRACT, SIGNER, 5));
        assert_eq!(call.arguments, [1, 2]);
    }

    #[test]
    fn a_birth_counts_once_and_others_events_never() {
        let contracts = World::contracts();
        let content = Content {
            events: vec![
                happened(0, 1, CONTRACT, paid()),
                happened(1, 1, CONTRACT, What::Made),
                happened(2, 1, OTHER, paid()),
            ],
            ..Content::default()
        };
        let block = Block {
            number: 1,
            hash: [1; 32],
            time: 0,
        };
        let mut progress = Progress::default();
        let mut tables = Tables::in_memory().unwrap();
        let taker = Taker::new(&contracts, place());
        taker.take(block, &content, &mut tables, &mut progress).unwrap();
        assert_eq!(progress.tallies["bank"].events, 2);
        assert_eq!(progress.findings.count, 0);
    }

    #[test]
    fn a_contract_whose_code_is_replaced_or_that_ends_is_found() {
        let contracts = World::contracts();
        let content = Content {
            events: vec![
                happened(0, 1, CONTRACT, What::CodeChanged),
                happened(1, 1, CONTRACT, What::Terminated),
            ],
            ..Content::default()
        };
        let block = Block {
            number: 1,
            hash: [1; 32],
            time: 0,
        };
        let mut progress = Progress::default();
        let mut tables = Tables::in_memory().unwrap();
        let taker = Taker::new(&contracts, place());
        taker.take(block, &content, &mut tables, &mut progress).unwrap();
        let codes: Vec<_> = progress.findings.first.iter().map(|one| one.code.as_str()).collect();
        assert_eq!(codes, ["other-code", "no-contract"]);
        assert_eq!(progress.tallies["bank"].findings, 2);
    }
}
