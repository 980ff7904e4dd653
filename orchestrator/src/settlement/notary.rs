//! The notary: checks a co-signed voucher, asks everybody again, draws up the relation, keeps both on chain (S0.6 to S0.9).
use protocol::{
    clearing::{Error as Refused, Retention},
    registry::Roles,
    settlement::{Relation, RetentionBatch, RetentionItem, Voucher},
    signing::{ascending, members as signers_of, MemberSignature, Purpose},
    Member,
};

use super::{
    discharge::is_epoch_over,
    failpoints,
    fault::{Fault, UNKNOWN_VOUCHER},
    members::Members,
    messages::{
        relation_payload, voucher_payload, Answer, Attestation, AttestationRequest, Consent, RefusalCode,
        RelationDraft, RetentionProgress, RetentionRequest, RetentionVoucher,
    },
    ports::{LedgerError, PeerError},
    runner::{cleared_in, rejection, Next, StepError},
    state::{NotaryState, State},
    Settlement,
};
use crate::store::payments::{Document, Effect, Opened, PaymentRow};

const ACCEPTED: State = State::Notary(NotaryState::Accepted);
const ATTESTED: State = State::Notary(NotaryState::Attested);
const RELATED: State = State::Notary(NotaryState::Related);
const CONSENTED: State = State::Notary(NotaryState::Consented);
const RETAINED: State = State::Notary(NotaryState::Retained);
const DELIVERED: State = State::Notary(NotaryState::Delivered);
const CLEARED: State = State::Notary(NotaryState::Cleared);
const REFUSED: State = State::Notary(NotaryState::Refused);
const EXPIRED: State = State::Notary(NotaryState::Expired);

impl Settlement {
    /// An originator asks for a retention (S0.6). The same voucher is answered from what is stored.
    ///
    /// # Errors
    /// The request is wrong; nothing is stored.
    pub async fn on_retention_request(
        &self,
        from: Member,
        request: RetentionRequest,
    ) -> Result<RetentionProgress, Fault> {
        let voucher = &request.voucher;
        let id = voucher.id();
        if from != voucher.originator {
            return Err(Fault::NotOriginator {
                sender: from,
                originator: voucher.originator,
            });
        }
        if self.store.payment(id).await?.is_none() {
            let members = self.check_retention_request(&request).await?;
            let kept = [Effect::Keep(Document::new(
                "retention-request",
                from,
                request.epoch,
                &request,
            )?)];
            let opened = match self.ensure_covered(voucher).await? {
                Ok(()) => self.open(voucher, None, ACCEPTED, "every check passed", &kept).await?,
                Err((code, detail)) => {
                    let refusal = self.refuse(voucher, code, &detail, members.epoch);
                    let [request] = kept;
                    let kept = [
                        request,
                        Effect::Keep(Document::new("refusal", self.member, members.epoch, &refusal)?),
                    ];
                    self.open(voucher, None, REFUSED, &detail, &kept).await?
                }
            };
            debug_assert!(opened != Opened::NotCovered, "no hold is placed here");
        }
        let progress = self.progress(voucher).await?;
        failpoints::reach("notary.retention.answered".into()).await;
        Ok(progress)
    }

    async fn check_retention_request(&self, request: &RetentionRequest) -> Result<Members, Fault> {
        let voucher = &request.voucher;
        let id = voucher.id();
        voucher.check().map_err(Fault::BadVoucher)?;
        let parties = voucher.parties();
        if parties.contains(&self.member) {
            return Err(Fault::NotaryIsParty(self.member));
        }
        let mut asked = parties.clone();
        asked.push(self.member);
        let members = Members::read(&*self.ledger, &asked).await?;
        members.active(self.member, Roles::NOTARY)?;
        for party in &parties {
            members.active(*party, Roles::PARTICIPANT)?;
        }
        members.ensure_epoch(request.epoch)?;
        if !ascending(&request.signatures) || signers_of(&request.signatures) != parties {
            return Err(Fault::WrongSigners);
        }
        let payload = voucher_payload(&self.domain(request.epoch), voucher);
        for signed in &request.signatures {
            members.ensure_signed(signed.member, signed, &payload, "voucher")?;
        }
        if voucher.expires_at <= self.clock.now() {
            return Err(Fault::Expired {
                expired_at: voucher.expires_at,
            });
        }
        if self.ledger.retention(id).await?.is_some() {
            return Err(Fault::AlreadyRetained(id));
        }
        Ok(members)
    }

    async fn progress(&self, voucher: &Voucher) -> Result<RetentionProgress, Fault> {
        let id = voucher.id();
        let payment = self.store.payment(id).await?.ok_or(Fault::UnknownVoucher(id))?;
        match payment.state {
            State::Notary(NotaryState::Retained | NotaryState::Delivered | NotaryState::Cleared) => {
                let papers = self.store.documents(id).await?;
                let paper = papers.iter().find(|paper| paper.kind == "retention-voucher");
                let paper = paper.ok_or(Fault::UnknownVoucher(id))?;
                Ok(RetentionProgress::Retained(paper.read()?))
            }
            State::Notary(NotaryState::Refused) => {
                let refusal = self.refusal(id).await?.ok_or(Fault::UnknownVoucher(id))?;
                Ok(RetentionProgress::Refused(refusal))
            }
            State::Notary(NotaryState::Expired) => Err(Fault::Expired {
                expired_at: voucher.expires_at,
            }),
            State::Notary(_) => Ok(RetentionProgress::Pending),
            State::Originator(_) | State::Home(_) => Err(Fault::NotaryIsParty(self.member)),
        }
    }
}

pub(super) async fn step(saga: &Settlement, payment: &PaymentRow, state: NotaryState) -> Result<Next, StepError> {
    match state {
        NotaryState::Accepted => collect_attestations(saga, payment).await,
        NotaryState::Attested => draw_up(saga, payment),
        NotaryState::Related => collect_consents(saga, payment).await,
        NotaryState::Consented => retain(saga, payment).await,
        NotaryState::Retained => deliver(saga, payment).await,
        NotaryState::Delivered => see_cleared(saga, payment).await,
        NotaryState::Cleared | NotaryState::Refused | NotaryState::Expired => Ok(Next::Wait),
    }
}

/// Asks every destination whether it stands by the voucher (S0.7).
///
/// A crash here is harmless: answers are stored as they come, and a destination answers the same voucher the same.
async fn collect_attestations(saga: &Settlement, payment: &PaymentRow) -> Result<Next, StepError> {
    let voucher = &payment.voucher;
    if saga.has_expired(payment, false).await? {
        return Ok(expired());
    }
    let members = Members::read(&*saga.ledger, &saga.involved(voucher)).await?;
    if let Err(fault) = saga.ensure_active(voucher, &members) {
        return refuse(
            saga,
            voucher,
            &members,
            RefusalCode::InstitutionNotActive,
            &fault.to_string(),
        );
    }
    let papers = saga.store.documents(voucher.id()).await?;
    let request = AttestationRequest {
        voucher: voucher.clone(),
    };
    let payload = Attestation::payload(&saga.domain(members.epoch), voucher);
    for destination in voucher.destinations() {
        if has(&papers, "attestation", destination, members.epoch) {
            continue;
        }
        match saga.peers.attest(destination, &request).await {
            Ok(Answer::Agreed(attestation)) => {
                if attestation.voucher != voucher.id() {
                    return Err(Fault::Altered("voucher id").into());
                }
                members.ensure_epoch(attestation.epoch)?;
                members.ensure_signed(destination, &attestation.signed, &payload, "attestation")?;
                let paper = Document::new("attestation", destination, members.epoch, &attestation)?;
                saga.store.keep_document(voucher.id(), &[ACCEPTED], &paper).await?;
            }
            Ok(Answer::Refused(refusal)) => {
                saga.check_refusal(&members, voucher, &[destination], &refusal)?;
                return saga.refused(REFUSED, &refusal);
            }
            Err(error) => return rejected(saga, voucher, &members, error),
        }
    }
    Ok(Next::to(ATTESTED, "every destination stands by the voucher", vec![]))
}

/// Draws up the relation (S0.8).
///
/// A crash here is harmless: the time of drawing up, the only thing chosen here, is stored with the state. A relation
/// that was drawn up in an earlier epoch stays.
fn draw_up(saga: &Settlement, payment: &PaymentRow) -> Result<Next, StepError> {
    let relation = Relation::of(&payment.voucher, saga.clock.now());
    let paper = Effect::Keep(Document::new("relation", saga.member, 0, &relation)?);
    Ok(Next::to(RELATED, "relation drawn up", vec![paper]))
}

/// Asks every party to co-sign the relation and its retention (S0.9).
///
/// A crash here is harmless: answers are stored as they come, and a party co-signs the same relation again.
async fn collect_consents(saga: &Settlement, payment: &PaymentRow) -> Result<Next, StepError> {
    let voucher = &payment.voucher;
    let id = voucher.id();
    if saga.has_expired(payment, false).await? {
        return Ok(expired());
    }
    let members = Members::read(&*saga.ledger, &saga.involved(voucher)).await?;
    let papers = saga.store.documents(id).await?;
    let epoch = members.epoch;
    let is_attested = |destination: &Member| has(&papers, "attestation", *destination, epoch);
    if !voucher.destinations().iter().all(is_attested) {
        return Ok(Next::to(
            ACCEPTED,
            format!("the registry moved to epoch {epoch}: asking again"),
            vec![],
        ));
    }
    let relation = stored_relation(&papers)?;
    let own = saga.consent(voucher, &relation, epoch, voucher.expires_at);
    let draft = RelationDraft {
        voucher: voucher.clone(),
        relation: relation.clone(),
        epoch,
        expires_at: voucher.expires_at,
        notary: own.relation_signature,
    };
    for party in voucher.parties() {
        if has(&papers, "consent", party, epoch) {
            continue;
        }
        match saga.peers.consent(party, &draft).await {
            Ok(Answer::Agreed(consent)) => {
                check_consent(saga, &members, party, &draft, &consent)?;
                let paper = Document::new("consent", party, epoch, &consent)?;
                saga.store.keep_document(id, &[RELATED], &paper).await?;
            }
            Ok(Answer::Refused(refusal)) => {
                // The originator may hand on what a destination refused.
                saga.check_refusal(&members, voucher, &saga.involved(voucher), &refusal)?;
                return saga.refused(REFUSED, &refusal);
            }
            Err(error) => return rejected(saga, voucher, &members, error),
        }
    }
    // Kept with the state, so that what is submitted is the same to the last byte after a crash.
    let paper = Effect::Keep(Document::new("consent", saga.member, epoch, &own)?);
    Ok(Next::to(CONSENTED, "every party co-signed the relation", vec![paper]))
}

fn check_consent(
    saga: &Settlement,
    members: &Members,
    party: Member,
    draft: &RelationDraft,
    consent: &Consent,
) -> Result<(), Fault> {
    if consent.relation != draft.relation.id() {
        return Err(Fault::Altered("relation id"));
    }
    let domain = saga.domain(draft.epoch);
    let payload = relation_payload(&domain, &draft.relation, draft.expires_at);
    members.ensure_signed(party, &consent.relation_signature, &payload, "relation")?;
    let batch = batch_of(
        draft.voucher.clone(),
        draft.relation.clone(),
        draft.epoch,
        draft.expires_at,
    );
    let id = batch.retention_id(Some(party));
    let payload = protocol::signing::payload(&domain, Purpose::Retention, &id, batch.expires_at, &());
    members.ensure_signed(party, &consent.retention_signature, &payload, "retention")
}

/// Hands voucher and relation to the chain (S0.7).
///
/// A crash here is harmless: the chain is looked at first, the same stored signatures are submitted under the same key,
/// and the contract retains a voucher once.
async fn retain(saga: &Settlement, payment: &PaymentRow) -> Result<Next, StepError> {
    let voucher = &payment.voucher;
    let id = voucher.id();
    let papers = saga.store.documents(id).await?;
    let own = papers
        .iter()
        .filter(|paper| paper.kind == "consent" && paper.member == saga.member);
    let epoch = own
        .map(|paper| paper.epoch)
        .max()
        .ok_or(StepError::Missing("notary's consent"))?;
    if let Some(retention) = saga.retention(payment).await? {
        return retained(saga, voucher, &papers, epoch, &retention);
    }
    if saga.has_expired(payment, true).await? {
        return Ok(expired());
    }
    let batch = batch_of(voucher.clone(), stored_relation(&papers)?, epoch, voucher.expires_at);
    let consents = consents(&papers, epoch)?;
    let signatures: Vec<MemberSignature> = consents.iter().map(|consent| consent.retention_signature).collect();
    let outcome = saga.ledger.retain(&format!("retain/{id}"), &batch, &signatures).await;
    let why = match outcome {
        Ok(_) | Err(LedgerError::Refused(Refused::VoucherUsed(_))) => {
            return match saga.retention(payment).await? {
                Some(retention) => retained(saga, voucher, &papers, epoch, &retention),
                None => Ok(Next::Wait),
            }
        }
        Err(LedgerError::Refused(why)) => why,
        Err(error) => return Err(error.into()),
    };
    let code = match why {
        Refused::StaleEpoch { .. } if !is_epoch_over(saga, epoch).await? => return Ok(Next::Wait),
        Refused::StaleEpoch { current } => {
            let detail = format!("the registry moved to epoch {current}: asking again");
            return Ok(Next::to(ACCEPTED, detail, vec![]));
        }
        // Its time passes: the next look at the chain says so. Nor does the registry's silence mean no.
        Refused::BatchExpired | Refused::VoucherExpired(_) | Refused::RegistryFailed => return Ok(Next::Wait),
        Refused::InsufficientBalance { .. } | Refused::Overflow => RefusalCode::InsufficientSettlementBalance,
        Refused::UnknownMember(_) | Refused::NotActive(_) | Refused::MissingRole(_) => {
            RefusalCode::InstitutionNotActive
        }
        Refused::RelationMismatch(_) => RefusalCode::BadRelation,
        Refused::BadSignature(_) => RefusalCode::BadSignature,
        Refused::BadVoucher(..) => RefusalCode::BadVoucher,
        // Too few notaries, or another fault of this notary's: a person has to look, and the voucher may expire.
        other => return Err(LedgerError::Refused(other).into()),
    };
    let members = Members::read(&*saga.ledger, &saga.involved(voucher)).await?;
    refuse(
        saga,
        voucher,
        &members,
        code,
        &format!("the clearing contract refuses: {why:?}"),
    )
}

fn retained(
    saga: &Settlement,
    voucher: &Voucher,
    papers: &[Document],
    epoch: u32,
    retention: &Retention,
) -> Result<Next, StepError> {
    let mut attestations = Vec::new();
    for paper in papers
        .iter()
        .filter(|paper| paper.kind == "attestation" && paper.epoch == epoch)
    {
        attestations.push(paper.read()?);
    }
    let consents = consents(papers, epoch)?;
    let retention_voucher = RetentionVoucher {
        voucher: voucher.clone(),
        relation: retention.relation.clone(),
        epoch,
        attestations,
        relation_signatures: consents.iter().map(|consent| consent.relation_signature).collect(),
        retained_in: retention.retained_in,
    };
    let mut effects = saga.retained(retention)?;
    let paper = Document::new("retention-voucher", saga.member, epoch, &retention_voucher)?;
    effects.push(Effect::Keep(paper));
    let detail = format!("retained in block {}", retention.retained_in);
    Ok(Next::to(RETAINED, detail, effects))
}

/// Hands the retention voucher to every party until each acknowledged it (S0.9).
///
/// A crash here is harmless: a party takes the same retention voucher again.
async fn deliver(saga: &Settlement, payment: &PaymentRow) -> Result<Next, StepError> {
    let voucher = &payment.voucher;
    let papers = saga.store.documents(voucher.id()).await?;
    let paper = papers.iter().find(|paper| paper.kind == "retention-voucher");
    let retention_voucher: RetentionVoucher = paper.ok_or(StepError::Missing("retention voucher"))?.read()?;
    let mut missed = None;
    for party in voucher.parties() {
        if has(&papers, "delivery", party, 0) {
            continue;
        }
        // One party that is away doesn't keep the others waiting.
        match saga.peers.deliver(party, &retention_voucher).await {
            Ok(()) => {
                let paper = Document::new("delivery", party, 0, &saga.clock.now())?;
                saga.store.keep_document(voucher.id(), &[RETAINED], &paper).await?;
            }
            Err(error) => missed = Some(error),
        }
    }
    match missed {
        Some(error) => Err(error.into()),
        None => Ok(Next::to(DELIVERED, "every party has the retention voucher", vec![])),
    }
}

/// Waits for the debtors. A crash here is harmless: it only looks.
async fn see_cleared(saga: &Settlement, payment: &PaymentRow) -> Result<Next, StepError> {
    let retention = saga.retention(payment).await?;
    let Some(block) = retention.as_ref().and_then(cleared_in) else {
        return Ok(Next::Wait);
    };
    let detail = format!("every debtor paid by block {block}");
    Ok(Next::to(CLEARED, detail, vec![Effect::Cleared { block }]))
}

pub(super) fn batch_of(voucher: Voucher, relation: Relation, epoch: u32, expires_at: u64) -> RetentionBatch {
    RetentionBatch {
        epoch,
        expires_at,
        items: vec![RetentionItem { voucher, relation }],
    }
}

/// The parties' and the notary's, ascending by member.
fn consents(papers: &[Document], epoch: u32) -> Result<Vec<Consent>, StepError> {
    let mut consents = Vec::new();
    for paper in papers
        .iter()
        .filter(|paper| paper.kind == "consent" && paper.epoch == epoch)
    {
        consents.push(paper.read::<Consent>()?);
    }
    consents.sort_by_key(|consent| consent.retention_signature.member);
    Ok(consents)
}

fn has(papers: &[Document], kind: &str, member: Member, epoch: u32) -> bool {
    let is_it = |paper: &Document| paper.kind == kind && paper.member == member && paper.epoch == epoch;
    papers.iter().any(is_it)
}

fn stored_relation(papers: &[Document]) -> Result<Relation, StepError> {
    let paper = papers.iter().find(|paper| paper.kind == "relation");
    Ok(paper.ok_or(StepError::Missing("relation"))?.read()?)
}

fn expired() -> Next {
    Next::to(EXPIRED, "the voucher expired before it was retained", vec![])
}

fn rejected(saga: &Settlement, voucher: &Voucher, members: &Members, error: PeerError) -> Result<Next, StepError> {
    let Some(why) = rejection(&error) else {
        return Err(error.into());
    };
    let code = match &error {
        PeerError::Rejected { code, .. } if code == UNKNOWN_VOUCHER => RefusalCode::NotConfirmed,
        _ => RefusalCode::RejectedByPeer,
    };
    refuse(saga, voucher, members, code, &why)
}

fn refuse(
    saga: &Settlement,
    voucher: &Voucher,
    members: &Members,
    code: RefusalCode,
    detail: &str,
) -> Result<Next, StepError> {
    saga.refused(REFUSED, &saga.refuse(voucher, code, detail, members.epoch))
}
