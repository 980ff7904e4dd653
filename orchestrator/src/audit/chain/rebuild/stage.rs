//! A chain for tests: events are told one after the other, a registry is filled, members sign.
#![allow(clippy::unwrap_used)]
#![allow(clippy::new_without_default, clippy::should_implement_trait)] // of use to tests only
use protocol::{
    registry::{Change, GovernorSignature, Roles},
    signing::{self, Domain, MemberSignature, Purpose},
    AccountId, Lei, Member, Signature, Timestamp,
};
use scale::Encode;
use sp_core::{sr25519, Pair as _};

use super::{registry, scene::Scene};
use crate::audit::chain::{
    findings::Findings,
    tables::{Tables, TablesError},
    Block, Call, Place, Told, MADE,
};

/// What takes an event.
pub type Take = fn(&mut Scene<'_>) -> Result<(), TablesError>;

/// The chain's genesis hash.
pub const GENESIS: [u8; 32] = [7; 32];
/// The registry.
pub const REGISTRY: AccountId = AccountId([1; 32]);
/// When the first block is.
pub const START: Timestamp = 1_000_000;
/// What is signed is good until then.
pub const LATE: Timestamp = 9_000_000;

/// Everything that an audit has.
pub struct Stage {
    pub tables: Tables,
    pub findings: Findings,
    pub place: Place,
    pub block: Block,
    pub epoch: u32,
    index: u32,
    transaction: u32,
    members: u16,
}

impl Stage {
    /// A chain with a registry of one governor, in which one notary signs.
    pub fn new() -> Self {
        let mut stage = Self {
            tables: Tables::in_memory().unwrap(),
            findings: Findings::default(),
            place: Place {
                genesis: GENESIS,
                registry: REGISTRY,
            },
            block: Block {
                number: 1,
                hash: [1; 32],
                time: START,
            },
            epoch: 0,
            index: 0,
            transaction: 0,
            members: 0,
        };
        let governors = vec![governor().public().0];
        let made = call(REGISTRY, account(0), "new", &(GENESIS, &governors, 1u16, 1u16));
        stage.tell(registry::take, REGISTRY, MADE, &(), Some(&made));
        stage.tell(
            registry::take,
            REGISTRY,
            "Created",
            &(&governors, 1u16, 1u16),
            Some(&made),
        );
        stage
    }

    /// A contract tells something.
    pub fn tell(&mut self, take: Take, contract: AccountId, event: &str, fields: &impl Encode, call: Option<&Call>) {
        self.index += 1;
        let fields = fields.encode();
        let told = Told {
            contract,
            block: self.block,
            index: self.index,
            transaction: self.transaction,
            event,
            fields: &fields,
            call,
        };
        take(&mut self.scene(&told)).unwrap();
    }

    /// Something that a contract tells, with what is known by then.
    pub fn scene<'a>(&'a mut self, told: &'a Told<'a>) -> Scene<'a> {
        Scene {
            name: if told.contract == REGISTRY {
                "registry"
            } else {
                "contract"
            },
            told,
            place: &self.place,
            tables: &mut self.tables,
            findings: &mut self.findings,
        }
    }

    /// The next transaction begins.
    pub fn next(&mut self) -> &mut Self {
        self.transaction += 1;
        self
    }

    /// The next block, so many milliseconds later.
    pub fn later(&mut self, milliseconds: u64) -> &mut Self {
        self.block.number += 1;
        self.block.time += milliseconds;
        self.index = 0;
        self.transaction = 0;
        self
    }

    /// A governed change that concerns a member.
    pub fn change(&mut self, member: Option<Member>, change: &Change) {
        let call = self.apply(change);
        self.changed(member, change, Some(&call));
    }

    /// The call of a change that the governor signed.
    pub fn apply(&self, change: &Change) -> Call {
        let domain = self.domain(REGISTRY);
        let payload = signing::payload(&domain, Purpose::Governance, &change.digest(), LATE, &());
        let signed = GovernorSignature {
            governor: 0,
            signature: Signature(governor().sign(&payload).0),
        };
        call(REGISTRY, account(0), "apply", &(change, LATE, vec![signed]))
    }

    /// The registry tells of a change.
    pub fn changed(&mut self, member: Option<Member>, change: &Change, call: Option<&Call>) {
        self.epoch += 1;
        let fields = (self.epoch, member, change);
        self.next().tell(registry::take, REGISTRY, "Changed", &fields, call);
    }

    /// The next member.
    pub fn register(&mut self, roles: Roles) -> Member {
        let member = Member(self.members);
        self.members += 1;
        self.change(Some(member), &registration(member, roles));
        member
    }

    /// Where signatures for a contract are good now.
    pub fn domain(&self, contract: AccountId) -> Domain {
        Domain {
            genesis: GENESIS,
            contract,
            epoch: self.epoch,
        }
    }

    /// What these members sign for a contract now.
    pub fn sign(
        &self,
        contract: AccountId,
        purpose: Purpose,
        id: &[u8; 32],
        body: &impl Encode,
        members: &[Member],
    ) -> Vec<MemberSignature> {
        let payload = signing::payload(&self.domain(contract), purpose, id, LATE, body);
        let signed = |member: &Member| MemberSignature {
            member: *member,
            signature: Signature(key(*member).sign(&payload).0),
        };
        members.iter().map(signed).collect()
    }

    /// The codes of what was found so far.
    pub fn codes(&self) -> Vec<&str> {
        self.findings.first.iter().map(|found| found.code.as_str()).collect()
    }
}

/// The call of a message.
pub fn call(contract: AccountId, signer: AccountId, message: &str, arguments: &impl Encode) -> Call {
    Call {
        signer,
        contract,
        value: 0,
        message: message.to_owned(),
        arguments: arguments.encode(),
    }
}

/// A member's registration.
pub fn registration(member: Member, roles: Roles) -> Change {
    Change::Register {
        lei: lei(member),
        account: account(member.0),
        signing_key: key(member).public().0,
        certificate: [3; 32],
        roles,
    }
}

/// A member's account.
pub fn account(member: u16) -> AccountId {
    let [high, low] = member.to_be_bytes();
    let mut bytes = [9; 32];
    bytes[0] = high;
    bytes[1] = low;
    AccountId(bytes)
}

/// A member's signing key.
pub fn key(member: Member) -> sr25519::Pair {
    sr25519::Pair::from_string(&format!("//Member{}", member.0), None).unwrap()
}

fn governor() -> sr25519::Pair {
    sr25519::Pair::from_string("//Governor", None).unwrap()
}

/// The member's number with the check digits that belong to it.
fn lei(member: Member) -> Lei {
    let base = format!("{:018}", member.0);
    let mut all = (0..100).map(|check| Lei(format!("{base}{check:02}").into_bytes().try_into().unwrap()));
    all.find(Lei::is_valid).unwrap()
}
