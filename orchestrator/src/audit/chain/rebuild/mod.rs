//! What each contract should keep, event by event. One file for each contract; which one an event is of, [`take`] tells.
mod acts;
pub mod prepaid;
pub mod reconciliation;
pub mod registry;
pub mod scene;
#[cfg(test)]
pub mod stage;

//
// Interface, for each contract (`registry`, `clearing`, `escrow`, `credit`, `prepaid`, `reconciliation`):
//
//     /// Takes one event (or MADE) of the contract called `name` (`credit_3`), in the order of the chain.
//     /// What contradicts the rules is a finding, never an error; TablesError is for a broken work file.
//     pub fn take(name: &str, told: &Told<'_>, place: &Place, tables: &mut Tables, findings: &mut Findings) -> Result<(), TablesError>;
//
//     /// At the end, after block `until`: invariants over all that is kept (conservation, limits, float, windows).
//     /// Gives what the contract must have of each asset at least, by its own books: the core asks the chain for its balance.
//     pub fn sums(name: &str, contract: AccountId, until: Block, tables: &mut Tables, findings: &mut Findings) -> Result<BTreeMap<Asset, Amount>, TablesError>;
//
// registry.rs also gives the others (it keeps notes of every epoch):
//
//     /// What the registry said of these members in an epoch (`None` for an epoch that hasn't begun).
//     pub fn signers(place: &Place, tables: &mut Tables, epoch: u32, members: &[Member]) -> Result<Option<SignerSet>, TablesError>;
//     /// The institution as it was in an epoch.
//     pub fn institution(place, tables, epoch: u32, member: Member) -> Result<Option<Institution>, TablesError>;
//     /// The epoch that a block's event `index` saw: the latest that began before it.
//     pub fn epoch_at(place, tables, block: u32, index: u32) -> Result<u32, TablesError>;
//     /// Counts and checks one member's signature: key of the registry in that epoch.
//     pub fn member_signature(name, told, place, tables, findings, epoch, purpose, id/digest: &[u8;32], expires_at, body: &impl Encode, signed: &MemberSignature) -> Result<(), TablesError>;
