//! What the user, originator, destinations and whoever they asked signed: before there is a relation.
use protocol::{signing::MemberSignature, text::to_hex};

use super::sheet::Sheet;
use crate::{
    audit::chain::tables::TablesError,
    identity::keys,
    settlement::messages::{
        voucher_payload, Answer, Assistance, Attestation, Confirmation, Refusal, RefusalCode, RetentionRequest,
        SignedPaymentRequest,
    },
};

/// What the user asked for leads to this voucher. Its key isn't in the registry: it is the wallet's own, or the one that its
/// institution knows it by; of a copy that doesn't have it, the signature can't be verified.
pub(super) fn request(sheet: &mut Sheet<'_, '_>, document: SignedPaymentRequest) -> Result<(), TablesError> {
    let SignedPaymentRequest { request, signature } = document;
    let known = sheet.known;
    sheet.filed(known.voucher.originator, 0);
    if let Some(digest) = &known.request {
        sheet.digest(
            *digest == to_hex(&request.digest()),
            "it isn't the request that the payment's row names",
        );
    }
    // What was refused for that is kept as it came.
    let is_asked = request.is_asked_by(&known.voucher) && request.names_beneficiary_rightly();
    sheet.ensure(
        is_asked || known.refusals.contains(&RefusalCode::BadVoucher),
        "other-request",
        "the voucher says something else than the user asked for",
    );
    let payload = request.payload(sheet.desk.place.genesis, sheet.desk.clearing);
    let known_key = known.user_key.filter(|_| known.is_home);
    let candidates = [Some(request.wallet.0), known_key];
    let is_good = candidates
        .iter()
        .flatten()
        .any(|key| keys::verify(key, &payload, &signature));
    if is_good {
        sheet.desk.tally.signatures = sheet.desk.tally.signatures.saturating_add(1);
    } else if known_key.is_none() || known.refusals.contains(&RefusalCode::BadUserSignature) {
        sheet.unseen();
    } else {
        sheet.desk.tally.signatures = sheet.desk.tally.signatures.saturating_add(1);
        sheet.find(
            "bad-signature",
            "it is neither by the wallet's key nor by the one that the user's account has",
        );
    }
    Ok(())
}

/// A party stands by the voucher.
pub(super) fn confirmation(sheet: &mut Sheet<'_, '_>, document: Confirmation) -> Result<(), TablesError> {
    let Confirmation { voucher, epoch, signed } = document;
    sheet.names(voucher);
    sheet.filed(signed.member, epoch);
    ensure_party(sheet, &signed);
    let payload = voucher_payload(&sheet.desk.domain(epoch), &sheet.known.voucher);
    sheet.signed(epoch, &signed, "the co-signature", &[payload])
}

/// A destination told a notary that it stands by the voucher.
pub(super) fn attestation(sheet: &mut Sheet<'_, '_>, document: Attestation) -> Result<(), TablesError> {
    sheet.filed(document.signed.member, document.epoch);
    attested(sheet, &document)
}

/// The same, wherever it stands.
pub(super) fn attested(sheet: &mut Sheet<'_, '_>, document: &Attestation) -> Result<(), TablesError> {
    let Attestation { voucher, epoch, signed } = document;
    sheet.names(*voucher);
    let is_destination = sheet.known.voucher.destinations().contains(&signed.member);
    sheet.ensure(
        is_destination,
        "not-entitled",
        "who attests it is no destination of the voucher",
    );
    let payload = Attestation::payload(&sheet.desk.domain(*epoch), &sheet.known.voucher);
    sheet.signed(*epoch, signed, "the attestation", &[payload])
}

/// Whom a destination asked has nothing against the voucher, or has.
pub(super) fn assistance(sheet: &mut Sheet<'_, '_>, document: Answer<Assistance>) -> Result<(), TablesError> {
    let given = match document {
        Answer::Refused(refused) => return refusal(sheet, refused),
        Answer::Agreed(given) => given,
    };
    let Assistance {
        voucher,
        asked_by,
        epoch,
        signed,
    } = given;
    sheet.names(voucher);
    sheet.filed(signed.member, epoch);
    let payload = Assistance::payload(&sheet.desk.domain(epoch), &sheet.known.voucher, asked_by);
    sheet.signed(epoch, &signed, "the assistance", &[payload])
}

/// A signed no.
pub(super) fn refusal(sheet: &mut Sheet<'_, '_>, document: Refusal) -> Result<(), TablesError> {
    let Refusal {
        voucher,
        code,
        detail,
        refused_at,
        epoch,
        signed,
    } = document;
    sheet.names(voucher);
    sheet.filed(signed.member, epoch);
    let payload = Refusal::payload(&sheet.desk.domain(epoch), &voucher, code, &detail, refused_at);
    sheet.signed(epoch, &signed, "the refusal", &[payload])
}

/// The originator handed a notary everybody's co-signatures.
pub(super) fn retention_request(sheet: &mut Sheet<'_, '_>, document: RetentionRequest) -> Result<(), TablesError> {
    sheet.filed(sheet.known.voucher.originator, document.epoch);
    co_signed(sheet, &document)
}

/// The same, wherever it stands.
pub(super) fn co_signed(sheet: &mut Sheet<'_, '_>, document: &RetentionRequest) -> Result<(), TablesError> {
    let RetentionRequest {
        voucher,
        epoch,
        signatures,
    } = document;
    sheet.names(voucher.id());
    let is_complete = protocol::signing::members(signatures) == sheet.known.voucher.parties();
    sheet.ensure(is_complete, "other-signers", "others signed it than the parties");
    let payload = voucher_payload(&sheet.desk.domain(*epoch), &sheet.known.voucher);
    for signed in signatures {
        let what = format!("member {}'s co-signature", signed.member);
        sheet.signed(*epoch, signed, &what, &[payload])?;
    }
    Ok(())
}

fn ensure_party(sheet: &mut Sheet<'_, '_>, signed: &MemberSignature) {
    let is_party = sheet.known.voucher.involves(signed.member);
    sheet.ensure(is_party, "not-entitled", "who signed it is no party to the voucher");
}
