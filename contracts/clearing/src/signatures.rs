//! Who signed, and whether they may.
use ink::{
    prelude::{collections::BTreeSet, vec::Vec},
    primitives::AccountId,
};
use protocol::{
    clearing::Error,
    decisions::{Approval, Decision},
    registry::{Roles, Signer, SignerSet, Status},
    settlement::{retention_id, RetentionBatch, SignedClearingVoucher},
    signing::{self, Domain, MemberSignature, Purpose, PAYLOAD_LENGTH},
    Member, RelationId, VoucherId,
};

/// Asks the registry for these members. More than it answers at once can't be needed: `RegistryFailed`.
pub fn look_up(registry: AccountId, members: &[Member]) -> Result<SignerSet, Error> {
    calls::registry::look_up(registry, members).ok_or(Error::RegistryFailed)
}

/// The member's entry, if it is active and has the role. `members` is what `set` was asked for.
pub fn ensure_active<'a>(
    member: Member,
    members: &[Member],
    set: &'a SignerSet,
    role: Roles,
) -> Result<&'a Signer, Error> {
    let position = members
        .iter()
        .position(|asked| *asked == member)
        .ok_or(Error::MissingSignature(member))?;
    let signer = set
        .signers
        .get(position)
        .and_then(Option::as_ref)
        .ok_or(Error::UnknownMember(member))?;
    if signer.status != Status::Active {
        return Err(Error::NotActive(member));
    }
    if !signer.roles.contains(role) {
        return Err(Error::MissingRole(member));
    }
    Ok(signer)
}

/// Every party signed what it is a party to, enough notaries signed everything, and nobody else signed. `pairs` are the
/// batch's, in its order.
pub fn ensure_retention(
    genesis: [u8; 32],
    contract: AccountId,
    batch: &RetentionBatch,
    pairs: &[(VoucherId, RelationId)],
    signatures: &[MemberSignature],
    set: &SignerSet,
) -> Result<(), Error> {
    if batch.epoch != set.epoch {
        return Err(Error::StaleEpoch { current: set.epoch });
    }
    if !signing::ascending(signatures) {
        return Err(Error::SignersNotAscending);
    }
    let signers = signing::members(signatures);
    let parties = parties(batch);
    for party in &parties {
        ensure_active(*party, &signers, set, Roles::PARTICIPANT)?;
    }

    let domain = Domain {
        genesis,
        contract,
        epoch: set.epoch,
    };
    let mut notaries: u16 = 0;
    let mut signed_by_notaries = None;
    for signed in signatures {
        let (signer, id) = if parties.contains(&signed.member) {
            let both = batch.vouchers.iter().zip(pairs);
            let theirs: Vec<_> = both
                .filter(|(voucher, _)| voucher.involves(signed.member))
                .map(|(_, pair)| *pair)
                .collect();
            let signer = ensure_active(signed.member, &signers, set, Roles::PARTICIPANT)?;
            (signer, retention_id(&theirs))
        } else {
            notaries = notaries.saturating_add(1);
            let id = signed_by_notaries.get_or_insert_with(|| retention_id(pairs));
            (ensure_notary(signed.member, &signers, set)?, *id)
        };
        let payload = signing::payload(&domain, Purpose::Retention, &id, batch.expires_at, &());
        ensure_signature(signed.member, &signed.signature, &payload, signer)?;
    }
    ensure_threshold(notaries, set)
}

/// Enough notaries signed a decision, and nobody else.
pub fn ensure_approved(
    genesis: [u8; 32],
    contract: AccountId,
    decision: &Decision,
    approval: &Approval,
    set: &SignerSet,
) -> Result<(), Error> {
    if approval.epoch != set.epoch {
        return Err(Error::StaleEpoch { current: set.epoch });
    }
    if !signing::ascending(&approval.signatures) {
        return Err(Error::SignersNotAscending);
    }
    let signers = signing::members(&approval.signatures);
    let domain = Domain {
        genesis,
        contract,
        epoch: set.epoch,
    };
    let id = decision.digest();
    let payload = signing::payload(&domain, Purpose::Decision, &id, approval.expires_at, &approval.number);
    let mut notaries: u16 = 0;
    for signed in &approval.signatures {
        notaries = notaries.saturating_add(1);
        let signer = ensure_notary(signed.member, &signers, set)?;
        ensure_signature(signed.member, &signed.signature, &payload, signer)?;
    }
    ensure_threshold(notaries, set)
}

fn ensure_notary<'a>(member: Member, members: &[Member], set: &'a SignerSet) -> Result<&'a Signer, Error> {
    ensure_active(member, members, set, Roles::NOTARY).map_err(|error| match error {
        Error::MissingRole(member) => Error::UnexpectedSigner(member),
        other => other,
    })
}

fn ensure_threshold(given: u16, set: &SignerSet) -> Result<(), Error> {
    let needed = set.notary_threshold;
    if given < needed {
        return Err(Error::NotaryThreshold { given, needed });
    }
    Ok(())
}

/// The issuer signed its clearing voucher.
pub fn ensure_clearing(
    genesis: [u8; 32],
    contract: AccountId,
    signed: &SignedClearingVoucher,
    issuers: &[Member],
    set: &SignerSet,
) -> Result<(), Error> {
    if signed.epoch != set.epoch {
        return Err(Error::StaleEpoch { current: set.epoch });
    }
    let voucher = &signed.clearing_voucher;
    let signer = ensure_active(voucher.issuer, issuers, set, Roles::PARTICIPANT)?;
    let domain = Domain {
        genesis,
        contract,
        epoch: set.epoch,
    };
    let payload = signing::payload(
        &domain,
        Purpose::ClearingVoucher,
        &voucher.id().0,
        voucher.expires_at,
        &(),
    );
    ensure_signature(voucher.issuer, &signed.signature, &payload, signer)
}

fn ensure_signature(
    member: Member,
    signature: &protocol::Signature,
    payload: &[u8; PAYLOAD_LENGTH],
    signer: &Signer,
) -> Result<(), Error> {
    ink::env::sr25519_verify(&signature.0, payload, &signer.signing_key).map_err(|_| Error::BadSignature(member))
}

/// Every institution involved in the batch.
fn parties(batch: &RetentionBatch) -> BTreeSet<Member> {
    let mut parties = BTreeSet::new();
    for voucher in &batch.vouchers {
        parties.insert(voucher.originator);
        parties.insert(voucher.home);
        parties.extend(voucher.others.iter().copied());
    }
    parties
}
