//! What institutions handed in to disputes: the chain keeps the documents' digests.
use protocol::{
    disputes::{evidence_digest, Dispute},
    text::to_hex,
};

use super::{copy::Evidence, desk::Desk, payment::decoded};
use crate::{
    audit::chain::tables::TablesError,
    disputes::state::{Over, Paper},
};

/// Checks one document: its digest, and that the dispute on the chain names it.
pub(super) fn check(desk: &mut Desk<'_>, evidence: &Evidence) -> Result<(), TablesError> {
    let Evidence {
        dispute,
        paper,
        document,
        ..
    } = evidence;
    desk.tally.events = desk.tally.events.saturating_add(1);
    desk.tally.digests = desk.tally.digests.saturating_add(1);
    let place = format!("dispute {dispute}, {paper}");
    let digest = evidence_digest(document);
    if to_hex(&digest) != evidence.digest {
        let detail = format!(
            "{place}: the document's sha256 is {}, not {}",
            to_hex(&digest),
            evidence.digest
        );
        desk.find("wrong-digest", detail);
        return Ok(());
    }
    let (Ok(over), Ok(paper)) = (dispute.parse::<Over>(), paper.parse::<Paper>()) else {
        desk.find("altered-document", format!("{place}: there are no such documents"));
        return Ok(());
    };
    if !evidence.is_done {
        return Ok(());
    }
    let on_chain = desk.dispute(over.voucher, over.obligation)?;
    if on_chain.is_some_and(|dispute| names(&dispute, paper, digest)) {
        return Ok(());
    }
    // The institution's own may have come too late; another's is kept only once the chain shows it.
    let shown = evidence.shown.as_deref().and_then(decoded::<Dispute>);
    if !evidence.is_own || shown.is_some_and(|dispute| names(&dispute, paper, digest)) {
        let detail = format!(
            "{place}: the dispute on the chain names no document {}",
            to_hex(&digest)
        );
        desk.find("unknown-evidence", detail);
    } else {
        desk.tally.unseen = desk.tally.unseen.saturating_add(1);
    }
    Ok(())
}

fn names(dispute: &Dispute, paper: Paper, digest: [u8; 32]) -> bool {
    match paper {
        Paper::Claim => dispute.claim.evidence == digest,
        Paper::Answer => dispute.response.is_some_and(|response| response.evidence == digest),
    }
}
