//! A payment of the copy: its row against the chain, then each of its documents.
use protocol::{settlement::Voucher, Member};
use serde::{de::DeserializeOwned, Serialize};

use super::{
    copy::{Paper, Payment},
    desk::Desk,
    papers, relations,
    sheet::{Known, Sheet},
};
use crate::{
    audit::chain::tables::TablesError,
    settlement::{
        messages::{Answer, Assistance, Refusal, RefusalCode},
        Role,
    },
};

/// What institutions note for themselves: nobody signed it.
const NOTES: [&str; 3] = ["retention-asked", "notary-rejected", "delivery"];

/// Checks a payment and all that lies with it.
pub(super) fn check(desk: &mut Desk<'_>, payment: &Payment) -> Result<(), TablesError> {
    let Some(known) = known(desk, payment)? else {
        return Ok(());
    };
    check_row(desk, payment, &known);
    for paper in &payment.papers {
        check_paper(desk, paper, &known)?;
    }
    Ok(())
}

/// A document that lies with no payment.
pub(super) fn stray(desk: &mut Desk<'_>, paper: &Paper) {
    desk.tally.events = desk.tally.events.saturating_add(1);
    let Paper {
        voucher, kind, member, ..
    } = paper;
    desk.find(
        "stray-document",
        format!("payment {voucher}, {kind} of member {member}: there is no such payment"),
    );
}

/// What the row's voucher comes to. Of another voucher than the row names no document can be right: that is told once.
fn known(desk: &mut Desk<'_>, payment: &Payment) -> Result<Option<Known>, TablesError> {
    let id = &payment.id;
    let Some(voucher) = decoded::<Voucher>(&payment.body) else {
        desk.find("altered-payment", format!("payment {id}: its voucher can't be read"));
        return Ok(None);
    };
    desk.tally.digests = desk.tally.digests.saturating_add(1);
    let made = voucher.id();
    if made.to_string() != *id {
        let detail = format!("payment {id}: its voucher has the id {made}; its documents are not looked at");
        desk.find("wrong-digest", detail);
        return Ok(None);
    }
    let user_key = payment.user_key.as_deref().and_then(|key| {
        let bytes = hex::decode(key.strip_prefix("0x")?).ok()?;
        <[u8; 32]>::try_from(bytes).ok()
    });
    let is_home = payment.role == Role::Home.as_str()
        || (payment.role == Role::Originator.as_str() && voucher.home == voucher.originator);
    Ok(Some(Known {
        id: made,
        retention: desk.retention(&voucher)?,
        is_notary: payment.role == Role::Notary.as_str(),
        is_home,
        request: payment.request.clone(),
        user_key,
        drafts: relations::drafts(&payment.papers),
        consented: relations::consented(&payment.papers),
        refusals: refusals(&payment.papers),
        voucher,
    }))
}

fn refusals(papers: &[Paper]) -> Vec<RefusalCode> {
    let refused = |paper: &Paper| match base(&paper.kind) {
        "refusal" => decoded::<Refusal>(&paper.body).map(|refusal| refusal.code),
        "assistance" => match decoded::<Answer<Assistance>>(&paper.body) {
            Some(Answer::Refused(refusal)) => Some(refusal.code),
            _ => None,
        },
        _ => None,
    };
    papers.iter().filter_map(refused).collect()
}

/// The row says of the chain what the chain says.
fn check_row(desk: &mut Desk<'_>, payment: &Payment, known: &Known) {
    let id = known.id;
    match (&known.retention, &payment.relation, payment.retained_in) {
        (Some(retention), Some(relation), block) => {
            let kept = retention.relation.id().to_string();
            if kept != *relation {
                let detail = format!("payment {id}: the chain retained relation {kept} with it, not {relation}");
                desk.find("other-relation", detail);
            }
            if block != Some(i64::from(retention.retained_in)) {
                let detail = format!(
                    "payment {id}: the chain retained it in block {}, not {block:?}",
                    retention.retained_in
                );
                desk.find("other-block", detail);
            }
        }
        // The audit ends before that block.
        (None, Some(_), Some(block)) if block > i64::from(desk.until.number) => {
            desk.tally.unseen = desk.tally.unseen.saturating_add(1);
        }
        (None, Some(_), _) => {
            let detail = format!("payment {id}: the chain never retained it, though its row says so");
            desk.find("not-retained", detail);
        }
        // The institution doesn't know yet, or gave up first.
        (_, None, _) => {}
    }
}

fn check_paper(desk: &mut Desk<'_>, paper: &Paper, known: &Known) -> Result<(), TablesError> {
    let kind = base(&paper.kind);
    if NOTES.contains(&kind) {
        return Ok(());
    }
    desk.tally.events = desk.tally.events.saturating_add(1);
    let (Ok(member), Ok(epoch)) = (u16::try_from(paper.member), u32::try_from(paper.epoch)) else {
        let Paper { member, epoch, .. } = paper;
        let detail = format!(
            "payment {}, {} of member {member}, epoch {epoch}: nobody is",
            known.id, paper.kind
        );
        desk.find("altered-document", detail);
        return Ok(());
    };
    let sheet = &mut Sheet {
        desk,
        known,
        kind: &paper.kind,
        member: Member(member),
        epoch,
    };
    let body = &paper.body;
    match kind {
        "payment-request" => read(sheet, body, papers::request),
        "confirmation" => read(sheet, body, papers::confirmation),
        "attestation" => read(sheet, body, papers::attestation),
        "assistance" => read(sheet, body, papers::assistance),
        "refusal" => read(sheet, body, papers::refusal),
        "retention-request" => read(sheet, body, papers::retention_request),
        "retention-draft" => read(sheet, body, relations::retention_draft),
        "relation-draft" => read(sheet, body, relations::relation_draft),
        "relation" => read(sheet, body, relations::relation),
        "consent" | "co-consent" => read(sheet, body, relations::consent),
        "retention-voucher" => read(sheet, body, relations::retention_voucher),
        "clearing-voucher" => read(sheet, body, relations::clearing_voucher),
        _ => {
            sheet.find("altered-document", "there are no documents of this kind");
            Ok(())
        }
    }
}

/// Looks at a document that can be read, and is written as institutions write it.
fn read<T: DeserializeOwned + Serialize>(
    sheet: &mut Sheet<'_, '_>,
    body: &[u8],
    look: impl FnOnce(&mut Sheet<'_, '_>, T) -> Result<(), TablesError>,
) -> Result<(), TablesError> {
    match decoded(body) {
        Some(document) => look(sheet, document),
        None => {
            sheet.find("altered-document", "it can't be read as a document of its kind");
            Ok(())
        }
    }
}

/// A value, if this is JSON of it and of nothing more: what is left out of a message, or is too much, was never written so.
pub(super) fn decoded<T: DeserializeOwned + Serialize>(body: &[u8]) -> Option<T> {
    let stands: serde_json::Value = serde_json::from_slice(body).ok()?;
    let document: T = serde_json::from_value(stands.clone()).ok()?;
    let written = serde_json::to_value(&document).ok()?;
    (written == stands).then_some(document)
}

/// The kind without what tells several of it apart: `clearing-voucher.000001`, `consent/0x…`.
pub(super) fn base(kind: &str) -> &str {
    kind.split(['.', '/']).next().unwrap_or(kind)
}
