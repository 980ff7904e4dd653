//! What notaries drew up and everybody signed, and how debtors paid.
use protocol::{
    settlement::{Relation, SignedClearingVoucher},
    signing::MemberSignature,
    RelationId, Timestamp,
};

use super::{
    copy::Paper,
    papers,
    payment::{base, decoded},
    sheet::Sheet,
};
use crate::{
    audit::chain::tables::TablesError,
    settlement::{
        messages::{clearing_payload, relation_payload, retention_payload, Consent, RetentionDraft, RetentionVoucher},
        Draft,
    },
};

/// The relations that documents draw up, and until when they could be retained, where they say.
pub(super) fn drafts(papers: &[Paper]) -> Vec<(Relation, Option<Timestamp>)> {
    let draft = |paper: &Paper| match base(&paper.kind) {
        "relation-draft" => decoded::<Draft>(&paper.body).map(|draft| (draft.relation, Some(draft.expires_at))),
        "retention-draft" => {
            decoded::<RetentionDraft>(&paper.body).map(|draft| (draft.relation, Some(draft.expires_at)))
        }
        "relation" => decoded::<Relation>(&paper.body).map(|relation| (relation, None)),
        _ => None,
    };
    papers.iter().filter_map(draft).collect()
}

/// The relations that consents name.
pub(super) fn consented(papers: &[Paper]) -> Vec<RelationId> {
    let consents = papers.iter().filter(|paper| base(&paper.kind) == "consent");
    let named = consents.filter_map(|paper| decoded::<Consent>(&paper.body));
    named.map(|consent| consent.relation).collect()
}

/// The relation that was drawn up. A notary that leads for nothing has one of its own, of another time than the chain's.
pub(super) fn relation(sheet: &mut Sheet<'_, '_>, document: Relation) -> Result<(), TablesError> {
    follows(sheet, &document)?;
    let (id, known) = (document.id(), sheet.known);
    let kept = known.retention.as_ref().map(|kept| kept.relation.id());
    let Some(kept) = kept.filter(|kept| *kept != id) else {
        return Ok(());
    };
    let mut drafted = known.drafts.iter().filter(|(_, until)| until.is_some()).peekable();
    let is_first = known.consented.is_empty() && drafted.peek().is_none();
    let is_signed = known.consented.contains(&id) || drafted.any(|(relation, _)| relation.id() == id);
    let is_notarys = known.is_notary && (is_first || is_signed);
    if is_notarys {
        sheet.unseen();
    } else {
        sheet.find("other-relation", &format!("the chain retained relation {kept}"));
    }
    Ok(())
}

/// A notary asked for a signature under a relation.
pub(super) fn relation_draft(sheet: &mut Sheet<'_, '_>, document: Draft) -> Result<(), TablesError> {
    let is_in_time = document.expires_at <= sheet.known.voucher.expires_at;
    sheet.ensure(is_in_time, "other-request", "it lasts longer than the voucher");
    follows(sheet, &document.relation)
}

/// A notary asked another one for its signature.
pub(super) fn retention_draft(sheet: &mut Sheet<'_, '_>, document: RetentionDraft) -> Result<(), TablesError> {
    let RetentionDraft {
        request,
        relation,
        expires_at,
        notary,
    } = document;
    sheet.filed(notary.member, 0);
    papers::co_signed(sheet, &request)?;
    follows(sheet, &relation)?;
    let payload = relation_payload(&sheet.desk.domain(request.epoch), &relation, expires_at);
    sheet.signed(request.epoch, &notary, "the notary's signature", &[payload])
}

/// A signature under a relation and one under its retention: a party's, or a notary's, kept by itself or by who asked for it.
pub(super) fn consent(sheet: &mut Sheet<'_, '_>, document: Consent) -> Result<(), TablesError> {
    let Consent {
        relation,
        relation_signature,
        retention_signature,
    } = document;
    let is_same = relation_signature.member == retention_signature.member;
    sheet.ensure(is_same, "other-signers", "two members signed it");
    // A notary keeps what it signed for another one under that one.
    if base(sheet.kind) == "consent" {
        sheet.filed(relation_signature.member, sheet.epoch);
    }
    if let Some((_, named)) = sheet.kind.split_once('/') {
        let is_named = named == relation.to_string();
        sheet.ensure(is_named, "wrong-place", "it lies under another relation");
    }
    let Some(drawn) = drawn(sheet, relation) else {
        sheet.find(
            "wrong-digest",
            &format!("no draft of the relation {relation} that it names lies here"),
        );
        return Ok(());
    };
    let (epoch, domain) = (sheet.epoch, sheet.desk.domain(sheet.epoch));
    let expiries = expiries(sheet, relation);
    let voucher = &sheet.known.voucher;
    let over_relation: Vec<_> = expiries
        .iter()
        .map(|until| relation_payload(&domain, &drawn, *until))
        .collect();
    let over_retention: Vec<_> = expiries
        .iter()
        .map(|until| retention_payload(&domain, voucher, &drawn, *until))
        .collect();
    sheet.signed(epoch, &relation_signature, "under the relation", &over_relation)?;
    sheet.signed(epoch, &retention_signature, "under the retention", &over_retention)
}

/// A notary handed over what was retained.
pub(super) fn retention_voucher(sheet: &mut Sheet<'_, '_>, document: RetentionVoucher) -> Result<(), TablesError> {
    let RetentionVoucher {
        voucher,
        relation,
        epoch,
        attestations,
        relation_signatures,
        retained_in,
    } = document;
    sheet.names(voucher.id());
    sheet.filed(sheet.member, epoch);
    follows(sheet, &relation)?;
    let is_kept = sheet
        .known
        .retention
        .as_ref()
        .is_some_and(|kept| kept.relation == relation && kept.retained_in == retained_in);
    if retained_in > sheet.desk.until.number {
        sheet.unseen();
    } else {
        let why = format!("the chain retained no such relation in block {retained_in}");
        sheet.ensure(is_kept, "not-retained", &why);
    }
    let attested: Vec<_> = attestations.iter().map(|word| word.signed.member).collect();
    let is_attested = attested == sheet.known.voucher.destinations();
    sheet.ensure(is_attested, "other-signers", "others attest it than the destinations");
    for attestation in &attestations {
        papers::attested(sheet, attestation)?;
    }
    ensure_signers(sheet, &relation_signatures);
    let domain = sheet.desk.domain(epoch);
    let payloads: Vec<_> = expiries(sheet, relation.id())
        .iter()
        .map(|until| relation_payload(&domain, &relation, *until))
        .collect();
    for signed in &relation_signatures {
        let what = format!("member {}'s under the relation", signed.member);
        sheet.signed(epoch, signed, &what, &payloads)?;
    }
    Ok(())
}

/// A debtor paid, or tried to.
pub(super) fn clearing_voucher(sheet: &mut Sheet<'_, '_>, document: SignedClearingVoucher) -> Result<(), TablesError> {
    let SignedClearingVoucher {
        voucher,
        clearing_voucher,
        epoch,
        signature,
    } = document;
    sheet.names(voucher.id());
    sheet.names(clearing_voucher.voucher);
    let issuer = clearing_voucher.issuer;
    sheet.filed(issuer, epoch);
    // Nothing is paid before the chain shows what is owed.
    let is_owed = sheet.known.retention.as_ref().is_some_and(|kept| {
        let relation = &kept.relation;
        relation.id() == clearing_voucher.relation && relation.owed_by(issuer) == clearing_voucher.discharged
    });
    sheet.ensure(
        is_owed,
        "other-relation",
        "it pays something else than the chain retained",
    );
    let payload = clearing_payload(&sheet.desk.domain(epoch), &clearing_voucher);
    let signed = MemberSignature {
        member: issuer,
        signature,
    };
    sheet.signed(epoch, &signed, "the debtor's signature", &[payload])
}

/// The relation is what follows from the voucher and its fee schedule.
fn follows(sheet: &mut Sheet<'_, '_>, relation: &Relation) -> Result<(), TablesError> {
    let voucher = &sheet.known.voucher;
    let made = sheet.desk.relation(voucher, relation.drawn_at)?;
    sheet.digest(
        made.as_ref() == Some(relation),
        "its relation is not what follows from the voucher and its fee schedule",
    );
    Ok(())
}

/// The relation of this id, as a draft has it that was signed here; a notary that leads has its own, or the chain's.
fn drawn(sheet: &Sheet<'_, '_>, id: RelationId) -> Option<Relation> {
    let known = sheet.known;
    let leads = known.is_notary && base(sheet.kind) == "consent";
    let kept = known.retention.as_ref().map(|kept| &kept.relation).filter(|_| leads);
    let drafted = known.drafts.iter().filter(|(_, until)| leads || until.is_some());
    let mut all = kept.into_iter().chain(drafted.map(|(relation, _)| relation));
    all.find(|relation| relation.id() == id).cloned()
}

/// Until when a relation could be retained: as its draft says. A notary that leads keeps none, and says the voucher's time.
fn expiries(sheet: &Sheet<'_, '_>, id: RelationId) -> Vec<Timestamp> {
    let known = sheet.known;
    let drafted = known.drafts.iter().filter(|(relation, _)| relation.id() == id);
    let own = known.is_notary.then_some(known.voucher.expires_at);
    drafted.filter_map(|(_, until)| *until).chain(own).collect()
}

/// Every party, and notaries besides: the one that handed it over among them.
fn ensure_signers(sheet: &mut Sheet<'_, '_>, signatures: &[MemberSignature]) {
    let members = protocol::signing::members(signatures);
    let parties = sheet.known.voucher.parties();
    let has_all = parties.iter().all(|party| members.contains(party)) && members.contains(&sheet.member);
    let is_sound = has_all && protocol::signing::ascending(signatures) && !parties.contains(&sheet.member);
    sheet.ensure(
        is_sound,
        "other-signers",
        "others signed it than the parties and the notary",
    );
}
