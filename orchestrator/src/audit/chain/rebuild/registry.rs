//! The registry: who the members are, and were in every epoch, by changes that enough governors signed.
use std::collections::BTreeMap;

use protocol::{
    registry::{Change, GovernorSignature, Institution, MAX_GOVERNORS},
    settlement::Asset,
    signing::{self, Domain, Purpose},
    AccountId, Amount, InstitutionId, Member, Timestamp,
};
use scale::{Decode, Encode};

mod believed;
mod changes;
mod epochs;
mod signed;

pub use believed::believe;
pub use epochs::{institution, is_known, signers};
pub use signed::{account, active, acts, ensure_active, ensure_epoch, present, Signed};

use super::scene::{all, Mapping, Scene};
use crate::{
    audit::chain::{
        findings::Findings,
        tables::{Tables, TablesError},
        Block, MADE,
    },
    identity::keys,
};

const INSTITUTIONS: Mapping<Member, Institution> = Mapping::named("Registry::institutions");
const BY_ID: Mapping<InstitutionId, Member> = Mapping::named("Registry::by_id");
const BY_ACCOUNT: Mapping<AccountId, Member> = Mapping::named("Registry::by_account");
const BY_SIGNING_KEY: Mapping<[u8; 32], Member> = Mapping::named("Registry::by_signing_key");

/// The contract's struct without its mappings, in the order of its fields.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct Head {
    genesis: [u8; 32],
    epoch: u32,
    notary_threshold: u16,
    governor_threshold: u16,
    governors: Vec<[u8; 32]>,
    count: u16,
}

/// The fields of `Created`.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
struct Created {
    governors: Vec<[u8; 32]>,
    governor_threshold: u16,
    notary_threshold: u16,
}

/// The fields of `Changed`.
#[derive(Debug, Encode, Decode)]
struct Changed {
    epoch: u32,
    member: Option<Member>,
    change: Change,
}

/// Takes one event of the registry.
///
/// # Errors
/// The work file is broken. What contradicts the rules is a finding.
pub fn take(scene: &mut Scene<'_>) -> Result<(), TablesError> {
    match scene.told.event {
        MADE => made(scene),
        "Created" => scene.on(created),
        "Changed" => scene.on(changed),
        _ => {
            scene.unknown_event();
            Ok(())
        }
    }
}

/// The epoch that a registry's own struct says; `None` if that is laid out otherwise.
pub fn epoch_in(head: &[u8]) -> Option<u32> {
    all::<Head>(head).map(|head| head.epoch)
}

/// Everybody has one id, one account and one key, and nobody else has them. The registry holds no money.
///
/// # Errors
/// The work file is broken.
pub fn sums(
    name: &str,
    contract: AccountId,
    until: Block,
    tables: &mut Tables,
    findings: &mut Findings,
) -> Result<BTreeMap<Asset, Amount>, TablesError> {
    let kept = tables.of(contract);
    let mut ids: BTreeMap<Member, InstitutionId> = BTreeMap::new();
    let mut accounts: BTreeMap<Member, AccountId> = BTreeMap::new();
    let mut signing_keys: BTreeMap<Member, [u8; 32]> = BTreeMap::new();
    BY_ID.each(&kept, |id, member| {
        ids.insert(member, id);
    })?;
    BY_ACCOUNT.each(&kept, |account, member| {
        accounts.insert(member, account);
    })?;
    BY_SIGNING_KEY.each(&kept, |key, member| {
        signing_keys.insert(member, key);
    })?;
    let mut count = 0usize;
    INSTITUTIONS.each(&kept, |member, institution| {
        count = count.saturating_add(1);
        let is_sound = member == institution.member
            && institution.id == InstitutionId::of(&institution.lei)
            && ids.get(&member) == Some(&institution.id)
            && accounts.get(&member) == Some(&institution.account)
            && signing_keys.get(&member) == Some(&institution.signing_key);
        if !is_sound {
            let detail = format!("the indices of member {} lead elsewhere", member.0);
            findings.add("contradiction", name, until, None, detail);
        }
    })?;
    let counted = kept.head::<Head>()?.map_or(0, |head| usize::from(head.count));
    if [count, ids.len(), accounts.len(), signing_keys.len()] != [counted; 4] {
        let detail = format!("{count} institutions are kept, {counted} counted");
        findings.add("contradiction", name, until, None, detail);
    }
    Ok(BTreeMap::new())
}

fn made(scene: &mut Scene<'_>) -> Result<(), TablesError> {
    let place = *scene.place;
    let arguments: Option<Arguments> = scene.arguments("new");
    // What isn't seen of it, `Created` tells.
    let (genesis, governors, governor_threshold, notary_threshold) =
        arguments.unwrap_or_else(|| (place.genesis, Vec::new(), 0, 0));
    scene.at_home(genesis, place.registry);
    let head = Head {
        genesis,
        epoch: 0,
        notary_threshold,
        governor_threshold,
        governors,
        count: 0,
    };
    scene.kept().set_head(&head)?;
    epochs::begin(scene, 0, notary_threshold)
}

fn created(scene: &mut Scene<'_>, created: Created) -> Result<(), TablesError> {
    let Some(head) = scene.head::<Head>()? else {
        return Ok(());
    };
    ensure_governors(scene, &created.governors, created.governor_threshold);
    scene.ensure(created.notary_threshold > 0, "bad-terms", || {
        "no notary has to sign".to_owned()
    });
    let asked = Created {
        governors: head.governors.clone(),
        governor_threshold: head.governor_threshold,
        notary_threshold: head.notary_threshold,
    };
    let is_asked = scene.told.call.is_none() || asked == created;
    scene.ensure(is_asked, "other-arguments", || {
        "the registry was asked for with other governors or thresholds".to_owned()
    });
    epochs::begin(scene, 0, created.notary_threshold)?;
    scene.kept().set_head(&Head {
        governors: created.governors,
        governor_threshold: created.governor_threshold,
        notary_threshold: created.notary_threshold,
        ..head
    })
}

fn changed(scene: &mut Scene<'_>, told: Changed) -> Result<(), TablesError> {
    let Some(mut head) = scene.head::<Head>()? else {
        return Ok(());
    };
    let epoch = told.epoch;
    scene.expect("the epoch that begins", epoch, head.epoch.saturating_add(1));
    ensure_governed(scene, &head, &told.change);
    changes::carry_out(scene, &mut head, &told)?;
    head.epoch = epoch;
    scene.kept().set_head(&head)?;
    epochs::begin(scene, epoch, head.notary_threshold)
}

/// Of the constructor: the chain's genesis hash, the governors' keys, how many of them and of the notaries must sign.
type Arguments = ([u8; 32], Vec<[u8; 32]>, u16, u16);

/// Enough governors signed this change, for the epoch that it ends, in time.
fn ensure_governed(scene: &mut Scene<'_>, head: &Head, change: &Change) {
    let Some((asked, expires_at, signatures)) = scene.arguments::<(Change, Timestamp, Vec<GovernorSignature>)>("apply")
    else {
        return;
    };
    scene.ensure(asked == *change, "other-arguments", || {
        "another change was asked for".to_owned()
    });
    scene.in_time(expires_at, "the change");
    let is_ascending = signatures
        .windows(2)
        .all(|pair| matches!(pair, [left, right] if left.governor < right.governor));
    scene.ensure(is_ascending, "signers-not-ascending", || {
        "the governors' places don't ascend".to_owned()
    });
    let (given, needed) = (signatures.len(), head.governor_threshold);
    scene.ensure(given >= usize::from(needed), "below-threshold", || {
        format!("{given} governors signed, it takes {needed}")
    });
    let domain = Domain {
        genesis: scene.place.genesis,
        contract: scene.told.contract,
        epoch: head.epoch,
    };
    let payload = signing::payload(&domain, Purpose::Governance, &change.digest(), expires_at, &());
    for signed in &signatures {
        let key = head.governors.get(usize::from(signed.governor));
        let is_good = key.is_some_and(|key| keys::verify(key, &payload, &signed.signature));
        scene.findings.signature(scene.name, scene.told, is_good, || {
            format!(
                "governor {}'s under the change to epoch {}",
                signed.governor,
                head.epoch.saturating_add(1)
            )
        });
    }
}

fn ensure_governors(scene: &mut Scene<'_>, governors: &[[u8; 32]], threshold: u16) {
    let mut distinct = governors.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let is_sound = distinct.len() == governors.len()
        && governors.len() <= MAX_GOVERNORS
        && (1..=governors.len()).contains(&usize::from(threshold));
    scene.ensure(is_sound, "bad-terms", || {
        format!("{} governors, of which {threshold} have to sign", governors.len())
    });
}

#[cfg(test)]
mod tests;
