//! The notary that leads: checks a co-signed voucher, asks everybody again, draws up the relation, has it signed by the
//! parties and as many other notaries as it takes, keeps both on chain (S0.6 to S0.9).
use futures::future::join_all;
use protocol::{
    clearing::{Error as Refused, Retention},
    registry::Roles,
    settlement::{Relation, RetentionBatch, TransactionKind, Voucher, MAX_BATCH},
    signing::{ascending, members as signers_of, MemberSignature},
    Member, Timestamp,
};

use super::{
    batches::{self, Common, Ready},
    co_notary,
    discharge::{is_epoch_over, remember_window},
    failpoints,
    fault::{Fault, UNKNOWN_VOUCHER},
    members::Members,
    messages::{
        relation_payload, retention_payload, voucher_payload, Answer, Attestation, AttestationRequest, Consent,
        Refusal, RefusalCode, RelationDraft, RetentionDraft, RetentionProgress, RetentionRequest, RetentionVoucher,
    },
    ports::{LedgerError, PeerError},
    runner::{cleared_in, rejection, Next, StepError},
    state::{NotaryState, State},
    Settlement,
};
use crate::store::{
    payments::{Advance, Document, Effect, Opened, PaymentRow},
    StoreError,
};

const CONSULTED: State = State::Notary(NotaryState::Consulted);
const ACCEPTED: State = State::Notary(NotaryState::Accepted);
const ATTESTED: State = State::Notary(NotaryState::Attested);
const RELATED: State = State::Notary(NotaryState::Related);
const CONSENTED: State = State::Notary(NotaryState::Consented);
const RETAINED: State = State::Notary(NotaryState::Retained);
const DELIVERED: State = State::Notary(NotaryState::Delivered);
const CLEARED: State = State::Notary(NotaryState::Cleared);
const REFUSED: State = State::Notary(NotaryState::Refused);
const EXPIRED: State = State::Notary(NotaryState::Expired);

/// The states in which another notary that leads may be faster.
const LEADING: [State; 3] = [ACCEPTED, ATTESTED, RELATED];
/// The states in which a retention may be signed for.
pub(super) const OPEN: [State; 5] = [CONSULTED, ACCEPTED, ATTESTED, RELATED, CONSENTED];

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
        if let Some(payment) = self.store.payment(id).await? {
            self.take_again(&payment, &request).await?;
        } else {
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

    /// The originator repeats its request, or asks a notary to lead that another one asked for its signature before.
    async fn take_again(&self, payment: &PaymentRow, request: &RetentionRequest) -> Result<(), Fault> {
        let id = payment.voucher.id();
        let papers = self.store.documents(id).await?;
        match payment.state {
            CONSULTED if self.refusal(id).await?.is_none() => {
                self.check_retention_request(request).await?;
                let from = request.voucher.originator;
                let kept = Document::new("retention-request", from, request.epoch, request)?;
                let advance = Advance {
                    from: CONSULTED,
                    to: ACCEPTED,
                    detail: "the originator asks this notary to lead",
                    at: self.clock.now(),
                    effects: &[Effect::Keep(kept)],
                    unless_kept: None,
                };
                self.advance(payment, &advance).await?;
                self.wake(id);
            }
            // Other notaries verify the co-signatures: they must be of the epoch that is signed in.
            ACCEPTED | ATTESTED | RELATED => {
                let members = Members::read(&*self.ledger, &[self.member]).await?;
                let from = request.voucher.originator;
                if members.notary_threshold > 1 && !has(&papers, "retention-request", from, members.epoch) {
                    self.check_retention_request(request).await?;
                    let paper = Document::new("retention-request", from, request.epoch, request)?;
                    self.store.keep_document(id, &LEADING, &paper).await?;
                    self.wake(id);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether this is a voucher that every party co-signed and that can still be retained, and this a notary that can.
    pub(super) async fn check_retention_request(&self, request: &RetentionRequest) -> Result<Members, Fault> {
        let voucher = &request.voucher;
        let id = voucher.id();
        voucher.check().map_err(Fault::BadVoucher)?;
        let parties = voucher.parties();
        if parties.contains(&self.member) {
            return Err(Fault::NotaryIsParty(self.member));
        }
        let members = Members::read(&*self.ledger, &self.involved(voucher)).await?;
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
        if self.ledger.retention(voucher).await?.is_some() {
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
                match papers.iter().find(|paper| paper.kind == "retention-voucher") {
                    Some(paper) => Ok(RetentionProgress::Retained(Box::new(paper.read()?))),
                    // Another notary had it retained, and hands the retention voucher over.
                    None => Ok(RetentionProgress::Pending),
                }
            }
            State::Notary(NotaryState::Expired) => Err(Fault::Expired {
                expired_at: voucher.expires_at,
            }),
            State::Notary(_) => Ok(match self.refusal(id).await? {
                Some(refusal) => RetentionProgress::Refused(refusal),
                None => RetentionProgress::Pending,
            }),
            State::Originator(_) | State::Home(_) | State::Destination(_) => Err(Fault::NotaryIsParty(self.member)),
        }
    }
}

pub(super) async fn step(saga: &Settlement, payment: &PaymentRow, state: NotaryState) -> Result<Next, StepError> {
    if LEADING.contains(&payment.state) {
        if let Some(next) = see_retained(saga, payment).await? {
            return Ok(next);
        }
    }
    match state {
        NotaryState::Consulted => co_notary::wait(saga, payment).await,
        NotaryState::Accepted => collect_attestations(saga, payment).await,
        NotaryState::Attested => draw_up(saga, payment).await,
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
    let papers = saga.store.documents(voucher.id()).await?;
    if let Some(next) = gone(saga, payment, &papers).await? {
        return Ok(next);
    }
    let members = Members::read(&*saga.ledger, &saga.involved(voucher)).await?;
    if let Err(fault) = saga.ensure_active(voucher, &members) {
        let detail = fault.to_string();
        return refuse(
            saga,
            voucher,
            &members,
            &papers,
            RefusalCode::InstitutionNotActive,
            &detail,
        );
    }
    // A notary that may not sign is no reason to refuse the payment: the originator asks the next one.
    members.active(saga.member, Roles::NOTARY)?;
    match ask_destinations(saga, voucher, &members, &papers).await {
        Ok(None) => Ok(Next::to(ATTESTED, "every destination stands by the voucher", vec![])),
        Ok(Some(refusal)) => refused(saga, &papers, &refusal),
        Err(StepError::Peer(error)) => rejected(saga, voucher, &members, &papers, error),
        Err(error) => Err(error),
    }
}

/// Asks every destination at once that hasn't given its word in this epoch, and stores what each says as it comes.
/// Returns a destination's refusal, if one refuses.
pub(super) async fn ask_destinations(
    saga: &Settlement,
    voucher: &Voucher,
    members: &Members,
    papers: &[Document],
) -> Result<Option<Refusal>, StepError> {
    let request = AttestationRequest {
        voucher: voucher.clone(),
    };
    let payload = Attestation::payload(&saga.domain(members.epoch), voucher);
    let destinations = voucher.destinations();
    let open = destinations
        .iter()
        .copied()
        .filter(|destination| !has(papers, "attestation", *destination, members.epoch));
    let (request, payload) = (&request, &payload);
    let answers = open.map(|destination| async move {
        match saga.peers.attest(destination, request).await? {
            Answer::Agreed(attestation) => {
                if attestation.voucher != voucher.id() {
                    return Err(Fault::Altered("voucher id").into());
                }
                members.ensure_epoch(attestation.epoch)?;
                members.ensure_signed(destination, &attestation.signed, payload, "attestation")?;
                let paper = Document::new("attestation", destination, members.epoch, &attestation)?;
                saga.store.keep_document(voucher.id(), &OPEN, &paper).await?;
                Ok(None)
            }
            Answer::Refused(refusal) => {
                saga.check_refusal(members, voucher, &[destination], &refusal)?;
                Ok(Some(refusal))
            }
        }
    });
    first_no(join_all(answers).await)
}

/// A refusal among the answers, or else the first error: a signed no is for good, whatever the others say.
fn first_no(answers: Vec<Result<Option<Refusal>, StepError>>) -> Result<Option<Refusal>, StepError> {
    let mut error = None;
    for answer in answers {
        match answer {
            Ok(Some(refusal)) => return Ok(Some(refusal)),
            Ok(None) => {}
            Err(wrong) => error = error.or(Some(wrong)),
        }
    }
    error.map_or(Ok(None), Err)
}

/// Draws up the relation (S0.8).
///
/// A crash here is harmless: the time of drawing up, the only thing chosen here, is stored with the state. A relation
/// that was drawn up in an earlier epoch stays, and so does the one that this notary signed for another one that led.
async fn draw_up(saga: &Settlement, payment: &PaymentRow) -> Result<Next, StepError> {
    let papers = saga.store.documents(payment.voucher.id()).await?;
    let relation = match papers.iter().find(|paper| paper.kind == co_notary::DRAFT) {
        Some(paper) => Some(paper.read::<RetentionDraft>()?.relation),
        None => {
            saga.relation_of(&payment.voucher, whole_seconds(saga.clock.now()))
                .await?
        }
    };
    let relation = relation.ok_or(Fault::Altered("fee schedule"))?;
    let paper = Effect::Keep(Document::new("relation", saga.member, 0, &relation)?);
    Ok(Next::to(RELATED, "relation drawn up", vec![paper]))
}

/// What is drawn up in the same second can be retained in one call.
const fn whole_seconds(time: Timestamp) -> Timestamp {
    time - time % 1_000
}

/// Asks other notaries, and then every party, to co-sign the relation and its retention (S0.9). The notaries first: as
/// long as too few of them can sign, no party has given a signature that binds it until the chain is past the expiry.
///
/// A crash here is harmless: answers are stored as they come, and everybody co-signs the same relation again.
async fn collect_consents(saga: &Settlement, payment: &PaymentRow) -> Result<Next, StepError> {
    let voucher = &payment.voucher;
    let id = voucher.id();
    let papers = saga.store.documents(id).await?;
    if let Some(next) = gone(saga, payment, &papers).await? {
        return Ok(next);
    }
    let members = Members::read(&*saga.ledger, &saga.involved(voucher)).await?;
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
    if let Some(refusal) = co_notary::ask(saga, &members, &papers, &draft).await? {
        return refused(saga, &papers, &refusal);
    }
    let parties = voucher.parties();
    let open = parties
        .iter()
        .copied()
        .filter(|party| !has(&papers, "consent", *party, epoch));
    let (members_then, draft_sent) = (&members, &draft);
    let answers = open.map(|party| async move {
        match saga.peers.consent(party, draft_sent).await? {
            Answer::Agreed(consent) => {
                check_consent(saga, members_then, party, draft_sent, &consent)?;
                let paper = Document::new("consent", party, epoch, &consent)?;
                saga.store.keep_document(id, &[RELATED], &paper).await?;
                Ok(None)
            }
            Answer::Refused(refusal) => {
                // The originator may hand on what a destination or a notary refused.
                saga.check_refusal(members_then, voucher, &saga.involved(voucher), &refusal)?;
                Ok(Some(refusal))
            }
        }
    });
    match first_no(join_all(answers).await) {
        Ok(None) => {}
        Ok(Some(refusal)) => return refused(saga, &papers, &refusal),
        Err(StepError::Peer(error)) => return rejected(saga, voucher, &members, &papers, error),
        Err(error) => return Err(error),
    }
    // Kept with the state, so that what is submitted is the same to the last byte after a crash.
    let paper = Effect::Keep(Document::new("consent", saga.member, epoch, &own)?);
    Ok(Next::to(CONSENTED, "every party co-signed the relation", vec![paper]))
}

/// What another institution signed is this relation and its retention.
pub(super) fn check_consent(
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
    let payload = retention_payload(&domain, &draft.voucher, &draft.relation, draft.expires_at);
    members.ensure_signed(party, &consent.retention_signature, &payload, "retention")
}

/// Hands voucher and relation to the chain (S0.7), together with others where there are any ([`batches`]).
///
/// A crash here is harmless: the chain is looked at first, the same stored signatures are submitted under the same key,
/// and the contract retains a voucher once, in whatever batch.
async fn retain(saga: &Settlement, payment: &PaymentRow) -> Result<Next, StepError> {
    let voucher = &payment.voucher;
    let id = voucher.id();
    let permit = saga.permits.acquire().await;
    let papers = saga.store.documents(id).await?;
    let own = papers
        .iter()
        .filter(|paper| paper.kind == "consent" && paper.member == saga.member);
    let epoch = own
        .map(|paper| paper.epoch)
        .max()
        .ok_or(StepError::Missing("notary's consent"))?;
    if let Some(retention) = saga.retention(payment).await? {
        return retained(saga, voucher, &papers, &retention);
    }
    if let Some(next) = gone(saga, payment, &papers).await? {
        return Ok(next);
    }
    let relation = stored_relation(&papers)?;
    let refunded = refunded_by(saga, voucher).await?;
    let signatures: Vec<MemberSignature> = consents(&papers, epoch)?
        .iter()
        .map(|consent| consent.retention_signature)
        .collect();
    let common = Common {
        epoch,
        drawn_at: relation.drawn_at,
        notaries: signers_of(&signatures)
            .into_iter()
            .filter(|signer| !voucher.involves(*signer))
            .collect(),
    };
    let ready = Ready {
        voucher: voucher.clone(),
        relation: relation.id(),
        refunded: refunded.clone(),
    };
    drop(permit);
    let call = |ready| batches::retain(saga, &common, ready);
    let outcome = match saga.retentions.join(common.clone(), ready, MAX_BATCH, call).await {
        Some((Some(outcome), _)) => outcome,
        Some((None, _on_its_way)) => {
            let _permit = saga.permits.acquire().await;
            let alone = RetentionBatch {
                epoch,
                drawn_at: relation.drawn_at,
                expires_at: voucher.expires_at,
                vouchers: vec![voucher.clone()],
                refunded,
            };
            saga.ledger.retain(&format!("retain/{id}"), &alone, &signatures).await
        }
        None => return Ok(Next::Wait),
    };
    let why = match outcome {
        // Used: another notary had it retained.
        Ok(_) | Err(LedgerError::Refused(Refused::VoucherUsed(_))) => {
            return match saga.retention(payment).await? {
                Some(retention) => retained(saga, voucher, &papers, &retention),
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
        Refused::UnknownFees(_) | Refused::RefundMismatch(_) | Refused::AbovePaid { .. } => RefusalCode::BadRelation,
        Refused::CapExceeded { .. } => RefusalCode::NetDebitCapExceeded,
        Refused::BadSignature(_) => RefusalCode::BadSignature,
        Refused::BadVoucher(..) => RefusalCode::BadVoucher,
        // Too few notaries, or another fault of this notary's: a person has to look, and the voucher may expire.
        other => return Err(LedgerError::Refused(other).into()),
    };
    let members = Members::read(&*saga.ledger, &saga.involved(voucher)).await?;
    let detail = format!("the clearing contract refuses: {why:?}");
    refuse(saga, voucher, &members, &papers, code, &detail)
}

/// The voucher that a refund gives back, as this notary has it: the contract keeps its digest only, and refuses a refund
/// without it.
async fn refunded_by(saga: &Settlement, refund: &Voucher) -> Result<Vec<Voucher>, StoreError> {
    let TransactionKind::Refund(original) = refund.kind else {
        return Ok(vec![]);
    };
    let known = saga.store.payment(original).await?;
    Ok(known.map(|payment| payment.voucher).into_iter().collect())
}

/// What the chain says while this notary leads: another one that leads may have been faster.
async fn see_retained(saga: &Settlement, payment: &PaymentRow) -> Result<Option<Next>, StepError> {
    let Some(retention) = saga.retention(payment).await? else {
        return Ok(None);
    };
    let papers = saga.store.documents(payment.voucher.id()).await?;
    retained(saga, &payment.voucher, &papers, &retention).map(Some)
}

/// What is on chain is this notary's own work if it holds everybody's signatures under it; its own consent is kept once
/// it does.
fn retained(
    saga: &Settlement,
    voucher: &Voucher,
    papers: &[Document],
    retention: &Retention,
) -> Result<Next, StepError> {
    let mut own = papers
        .iter()
        .filter(|paper| paper.kind == "consent" && paper.member == saga.member)
        .collect::<Vec<_>>();
    own.sort_by_key(|paper| paper.epoch);
    let epoch = match own.last() {
        Some(paper) if paper.read::<Consent>()?.relation == retention.relation_id => paper.epoch,
        _ => return co_notary::retained_by_another(saga, retention),
    };
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

/// Hands the retention voucher to every party until each acknowledged it (S0.9), or said that it won't have it from this
/// notary: it is suspended by now, say, and another one hands over its own.
///
/// A crash here is harmless: a party takes the same retention voucher again.
async fn deliver(saga: &Settlement, payment: &PaymentRow) -> Result<Next, StepError> {
    let voucher = &payment.voucher;
    let papers = saga.store.documents(voucher.id()).await?;
    let paper = papers.iter().find(|paper| paper.kind == "retention-voucher");
    let retention_voucher: RetentionVoucher = paper.ok_or(StepError::Missing("retention voucher"))?.read()?;
    let open = voucher
        .parties()
        .into_iter()
        .filter(|party| !has(&papers, "delivery", *party, 0));
    let retention_voucher = &retention_voucher;
    // One party that is away doesn't keep the others waiting.
    let deliveries = open.map(|party| async move {
        let paper = match saga.peers.deliver(party, retention_voucher).await {
            Ok(()) => Document::new("delivery", party, 0, &saga.clock.now())?,
            Err(error) => match rejection(&error) {
                Some(why) => {
                    tracing::warn!(%party, why, "the retention voucher is not taken");
                    Document::new("delivery", party, 0, &why)?
                }
                None => return Err(error.into()),
            },
        };
        saga.store.keep_document(voucher.id(), &[RETAINED], &paper).await?;
        Ok::<_, StepError>(())
    });
    let missed = join_all(deliveries).await.into_iter().find_map(Result::err);
    match missed {
        Some(error) => Err(error),
        None => Ok(Next::to(
            DELIVERED,
            "every party was handed the retention voucher",
            vec![],
        )),
    }
}

/// Waits for the debtors. A crash here is harmless: it only looks.
async fn see_cleared(saga: &Settlement, payment: &PaymentRow) -> Result<Next, StepError> {
    let id = payment.voucher.id();
    let retention = saga.retention(payment).await?;
    if let Some(retention) = &retention {
        remember_window(saga, id, retention);
    }
    let Some(block) = retention.as_ref().and_then(cleared_in) else {
        return Ok(Next::Wait);
    };
    let detail = format!("every debtor paid by block {block}");
    Ok(Next::to(CLEARED, detail, vec![Effect::Cleared { block }]))
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

pub(super) fn has(papers: &[Document], kind: &str, member: Member, epoch: u32) -> bool {
    let is_it = |paper: &Document| paper.kind == kind && paper.member == member && paper.epoch == epoch;
    papers.iter().any(is_it)
}

fn stored_relation(papers: &[Document]) -> Result<Relation, StepError> {
    let paper = papers.iter().find(|paper| paper.kind == "relation");
    Ok(paper.ok_or(StepError::Missing("relation"))?.read()?)
}

/// The end, once it can't be retained any more. As long as this notary gave nobody its signature, its own clock decides.
async fn gone(saga: &Settlement, payment: &PaymentRow, papers: &[Document]) -> Result<Option<Next>, StepError> {
    let own = |paper: &Document| paper.kind == "consent" && paper.member == saga.member;
    let signed = papers.iter().any(own) || co_notary::has_signed(papers);
    if !saga.has_expired(payment, signed).await? {
        return Ok(None);
    }
    Ok(Some(Next::To {
        state: EXPIRED,
        detail: "the voucher expired before it was retained".into(),
        effects: vec![],
        unless_kept: (!signed).then_some(co_notary::CONSENT),
    }))
}

fn rejected(
    saga: &Settlement,
    voucher: &Voucher,
    members: &Members,
    papers: &[Document],
    error: PeerError,
) -> Result<Next, StepError> {
    let Some(why) = rejection(&error) else {
        return Err(error.into());
    };
    let code = match &error {
        PeerError::Rejected { code, .. } if code == UNKNOWN_VOUCHER => RefusalCode::NotConfirmed,
        _ => RefusalCode::RejectedByPeer,
    };
    refuse(saga, voucher, members, papers, code, &why)
}

fn refuse(
    saga: &Settlement,
    voucher: &Voucher,
    members: &Members,
    papers: &[Document],
    code: RefusalCode,
    detail: &str,
) -> Result<Next, StepError> {
    refused(saga, papers, &saga.refuse(voucher, code, detail, members.epoch))
}

/// The end, unless this notary signed for another one that led before: then the chain decides.
fn refused(saga: &Settlement, papers: &[Document], refusal: &Refusal) -> Result<Next, StepError> {
    if co_notary::has_signed(papers) {
        return saga.refused(CONSULTED, refusal);
    }
    let mut next = saga.refused(REFUSED, refusal)?;
    if let Next::To { unless_kept, .. } = &mut next {
        *unless_kept = Some(co_notary::CONSENT);
    }
    Ok(next)
}
