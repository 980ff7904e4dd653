//! What the benchmarks run on: one development node, ten institutions, accounts that send transactions.
use std::path::{Path, PathBuf};

use protocol::{
    clearing::{Current, Error},
    decisions::{Approval, Decision},
    settlement::{RetentionBatch, Settlement, SignedClearingVoucher, Source, MAX_PARTIES},
    signing::{Domain, MemberSignature},
    text::to_hex,
    AccountId, Member, Timestamp,
};
use quittance::{
    chain::{
        calls::{Call, Weight},
        contracts::Contract,
        Follower,
    },
    devnet::{Institution, Network, Options},
    identity::SigningKey,
};
use serde_json::json;

use super::{
    members::Members,
    wire::{Sender, Transaction},
    DEPOSIT,
};
use crate::institutions::lei;

/// The banks besides the first two: six are asked about every payment, the last one is the second notary.
const OTHERS: u16 = 7;
/// Notaries that only sign: with them there are enough members for the largest number of signatures.
const FURTHER_NOTARIES: u16 = 10;
/// Accounts that send, with a connection each.
const SENDERS: usize = 20;
/// What each of them gets.
const FUNDS: u128 = 1_000_000_000_000_000;

/// Starts a node and ten institutions. Eight can be parties to a payment, and two are notaries, both of whom sign every
/// retention.
pub async fn start(directory: &Path) -> Network {
    let mut options = Options::built(directory.to_owned()).unwrap();
    options.others = OTHERS;
    let network = Network::start(options, &|step| eprintln!("• {step}")).await.unwrap();
    let second = second_notary(&network).member;
    let roles = json!({ "set_roles": { "member": second, "roles": ["notary"] } });
    network.govern(&roles).await.unwrap();
    network.govern(&json!({ "set_notary_threshold": 2 })).await.unwrap();
    network.deposit(&network.home, DEPOSIT).await.unwrap();
    network
}

/// Every institution.
pub fn everybody(network: &mut Network) -> impl Iterator<Item = &mut Institution> {
    [&mut network.originator, &mut network.home, &mut network.notary]
        .into_iter()
        .chain(&mut network.others)
}

/// Those that can be parties to a payment: the originator, the home institution, the others ascending.
pub fn parties(network: &Network) -> Vec<&Institution> {
    [&network.originator, &network.home]
        .into_iter()
        .chain(&network.others)
        .take(MAX_PARTIES)
        .collect()
}

/// The notary that doesn't lead.
pub fn second_notary(network: &Network) -> &Institution {
    network.others.last().unwrap()
}

/// The node alone, and what speaks to it. Institutions sign for themselves, and their orchestrators are gone.
pub struct Scene {
    /// Sends what institutions signed, and pays for everything.
    pub payer: Sender,
    /// Send for themselves.
    pub senders: Vec<Sender>,
    pub clearing: Contract,
    /// The folder with the contracts' bundles.
    pub bundles: PathBuf,
    members: Members,
    notaries: Vec<Member>,
    parties: Vec<Member>,
    /// What the next decision has to name.
    current: Current,
    follower: Follower,
}

impl Scene {
    /// Ends every orchestrator, and registers further notaries, of which one is enough for a retention from now on.
    pub async fn set_up(network: &mut Network) -> Self {
        for institution in everybody(network) {
            institution.kill().await.unwrap();
        }
        let network = &*network;
        let parties = parties(network);
        let mut notaries = vec![network.notary.member, second_notary(network).member];
        let mut keys: Vec<(Member, String)> = network
            .institutions()
            .map(|institution| (institution.member, institution.signing_key.clone()))
            .collect();
        let registered = u16::try_from(keys.len()).unwrap();
        for member in (registered..registered + FURTHER_NOTARIES).map(Member) {
            let signing_key = format!("//Notary{member}//vouchers");
            register(network, member, &signing_key).await;
            notaries.push(member);
            keys.push((member, signing_key));
        }
        network.govern(&json!({ "set_notary_threshold": 1 })).await.unwrap();

        let mut payer = Sender::connect(&network.url, "//Bob").await;
        let mut senders = Vec::new();
        for number in 0..SENDERS {
            let sender = Sender::connect(&network.url, &format!("//Sender{number}")).await;
            let runtime = payer.chain().runtime().unwrap();
            let funds = Call::transfer(&runtime, &sender.account(), FUNDS).unwrap();
            payer.carry_out(&funds).await;
            senders.push(sender);
        }

        let follower = Follower::start(payer.chain().clone()).await.unwrap();
        let contract = |name: &str| {
            let address = network.deployment.contract(name).unwrap().address;
            Contract::new(payer.chain().clone(), follower.clone(), address, payer.account())
        };
        let (registry, clearing) = (contract("registry"), contract("clearing"));
        let domain = Domain {
            genesis: network.deployment.genesis_hash,
            contract: clearing.address(),
            epoch: registry.read("epoch", &()).await.unwrap(),
        };
        let keys = keys.iter().map(|(member, key)| (*member, key.as_str()));
        Self {
            members: Members::new(domain, keys),
            notaries,
            bundles: network.options.bundles.clone(),
            parties: parties.iter().map(|party| party.member).collect(),
            payer,
            senders,
            current: clearing.read("current", &()).await.unwrap(),
            clearing,
            follower,
        }
    }

    /// The time of the latest block.
    pub fn now(&self) -> Timestamp {
        self.follower.head().timestamp
    }

    /// A contract, called by an account.
    pub fn contract(&self, address: AccountId, caller: AccountId) -> Contract {
        Contract::new(self.payer.chain().clone(), self.follower.clone(), address, caller)
    }

    /// A batch of so many vouchers with as many signatures: of as many parties as there can be, and of notaries.
    pub fn signed_batch(
        &mut self,
        signatures: usize,
        settlement: Settlement,
        vouchers: usize,
    ) -> (RetentionBatch, Vec<MemberSignature>) {
        let now = self.now();
        let (parties, notaries) = signers(signatures);
        let batch = self.members.batch(&self.parties[..parties], settlement, vouchers, now);
        let signed = self.members.sign(&batch, &self.notaries[..notaries]);
        (batch, signed)
    }

    /// The transaction that retains such a batch, ready to be sent.
    pub async fn retention(&mut self, signatures: usize, settlement: Settlement, vouchers: usize) -> Transaction {
        let signed = self.signed_batch(signatures, settlement, vouchers);
        let call = self.clearing.prepare::<u32, Error>("retain_batch", &signed, 0).await;
        self.payer.sign(&call.unwrap())
    }

    /// The debtors' discharges of a batch, one for each voucher.
    pub fn discharges(&self, batch: &RetentionBatch, source: Source) -> Vec<SignedClearingVoucher> {
        let discharge = |voucher| self.members.discharge(batch, voucher, source);
        batch.vouchers.iter().map(discharge).collect()
    }

    /// The home institution: it owes everything.
    pub fn home(&self) -> Member {
        self.parties[1]
    }

    /// The approval of the clearing contract's next decision: what is approved has to be carried out.
    pub fn approve(&mut self, decision: &Decision) -> Approval {
        let number = self.current.decisions;
        self.current.decisions += 1;
        self.members.approve(decision, number, self.notaries[0], self.now())
    }

    /// The open window and the approval of its closing.
    pub fn close_window(&mut self) -> (u32, Approval) {
        let window = self.current.window;
        self.current.window += 1;
        (window, self.approve(&Decision::CloseWindow(window)))
    }
}

/// What a call needs at least.
pub async fn gas_needed(contract: &Contract, input: &[u8]) -> Weight {
    let dry_run = contract.dry_run(input.to_vec(), 0, None).await;
    dry_run.unwrap().gas_required
}

/// How many parties and how many notaries give so many signatures.
fn signers(signatures: usize) -> (usize, usize) {
    let parties = (signatures - 1).min(MAX_PARTIES);
    (parties, signatures - parties)
}

async fn register(network: &Network, member: Member, signing_key: &str) {
    let load = |key: &str| SigningKey::load(key).unwrap();
    let change = json!({ "register": {
        "lei": lei(member),
        "account": load(&format!("//Notary{member}")).ss58_address(),
        "signing_key": to_hex(&load(signing_key).public()),
        "certificate": to_hex(&[u8::try_from(member.0).unwrap(); 32]),
        "roles": ["notary"],
    }});
    network.govern(&change).await.unwrap();
}

#[cfg(test)]
mod tests {
    use super::signers;

    #[test]
    fn a_voucher_has_parties_up_to_its_maximum_and_at_least_one_notary() {
        let expected = [(2, 1), (4, 1), (8, 2), (8, 12)];
        assert_eq!([3, 5, 10, 20].map(signers), expected);
    }
}
