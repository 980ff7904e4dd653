//! The notaries that don't lead: each verifies all of a retention itself and signs it too (S0.7 to S0.9).
//!
//! A retention takes as many notaries as the registry's threshold says. The one that leads collects the signatures; the
//! others believe nothing that it says: they check the co-signatures, ask every destination themselves, and build the
//! relation again.
use protocol::{clearing::Retention, registry::Roles, signing::members as signers_of, Member};

use super::{
    failpoints,
    fault::Fault,
    members::Members,
    messages::{relation_payload, Answer, Consent, Refusal, RelationDraft, RetentionDraft, RetentionRequest},
    notary::{self, OPEN},
    patience::within,
    runner::{cleared_in, Next, StepError},
    state::{NotaryState, State},
    Settlement,
};
use crate::store::payments::{Document, Effect, PaymentRow};

/// The paper that another notary sent for this one's signature: one for each notary that leads.
pub(super) const DRAFT: &str = "retention-draft";
/// This notary's signatures for another one that leads, kept under that one's index.
pub(super) const CONSENT: &str = "co-consent";

const CONSULTED: State = State::Notary(NotaryState::Consulted);
const DELIVERED: State = State::Notary(NotaryState::Delivered);
const REFUSED: State = State::Notary(NotaryState::Refused);
const EXPIRED: State = State::Notary(NotaryState::Expired);

/// Whether this notary signed a retention that another one leads: then only the chain says how it ends.
pub(super) fn has_signed(papers: &[Document]) -> bool {
    papers.iter().any(|paper| paper.kind == CONSENT)
}

impl Settlement {
    /// A notary that leads asks for this one's signature (S0.7 to S0.9). The same draft is answered the same.
    ///
    /// # Errors
    /// The draft is wrong, and nothing is stored; or a destination didn't answer yet, and the notary asks again.
    pub async fn on_retention_draft(&self, from: Member, draft: RetentionDraft) -> Result<Answer<Consent>, Fault> {
        let voucher = &draft.request.voucher;
        let id = voucher.id();
        let members = self.check_retention_draft(from, &draft).await?;
        if self.store.payment(id).await?.is_none() {
            self.be_consulted(from, &draft, &members).await?;
        }
        let payment = self.store.payment(id).await?.ok_or(Fault::UnknownVoucher(id))?;
        if let Some(refusal) = self.refusal(id).await? {
            return Ok(Answer::Refused(refusal));
        }
        match payment.state {
            state if OPEN.contains(&state) => {}
            EXPIRED => {
                return Err(Fault::Expired {
                    expired_at: voucher.expires_at,
                })
            }
            State::Notary(_) => return Err(Fault::AlreadyRetained(id)),
            State::Originator(_) | State::Home(_) | State::Destination(_) => {
                return Err(Fault::NotaryIsParty(self.member))
            }
        }
        self.ensure_first_draft_of(from, &draft).await?;
        let papers = self.store.documents(id).await?;
        match notary::ask_destinations(self, voucher, &members, &papers).await {
            Ok(None) => {}
            Ok(Some(refusal)) => {
                let paper = Document::new("refusal", refusal.signed.member, refusal.epoch, &refusal)?;
                self.store.keep_document(id, &OPEN, &paper).await?;
                self.wake(id);
                return Ok(Answer::Refused(refusal));
            }
            Err(error) => {
                tracing::info!(voucher = %id, %error, "not every destination stands by the voucher yet");
                return Err(Fault::NotNow(id));
            }
        }
        let epoch = draft.request.epoch;
        let consent = self.consent(voucher, &draft.relation, epoch, draft.expires_at);
        let paper = Document::new(CONSENT, from, epoch, &consent)?;
        let kept = self.store.keep_document(id, &OPEN, &paper).await?;
        let consent = kept.ok_or(Fault::NotNow(id))?.read()?;
        failpoints::reach("notary.draft.signed".into()).await;
        Ok(Answer::Agreed(consent))
    }

    async fn check_retention_draft(&self, from: Member, draft: &RetentionDraft) -> Result<Members, Fault> {
        let voucher = &draft.request.voucher;
        if draft.notary.member != from {
            return Err(Fault::NotSender {
                sender: from,
                named: draft.notary.member,
            });
        }
        if voucher.involves(from) {
            return Err(Fault::NotaryIsParty(from));
        }
        let leading = Members::read(&*self.ledger, &[from]).await?;
        leading.active(from, Roles::NOTARY)?;
        let members = self.check_retention_request(&draft.request).await?;
        leading.ensure_epoch(members.epoch)?;
        let payload = relation_payload(&self.domain(members.epoch), &draft.relation, draft.expires_at);
        leading.ensure_signed(from, &draft.notary, &payload, "relation")?;
        let follows = self.relation_of(voucher, draft.relation.drawn_at).await?;
        if follows.as_ref() != Some(&draft.relation) || draft.expires_at > voucher.expires_at {
            return Err(Fault::Altered("relation"));
        }
        if draft.expires_at <= self.clock.now() {
            return Err(Fault::Expired {
                expired_at: draft.expires_at,
            });
        }
        Ok(members)
    }

    async fn be_consulted(&self, from: Member, draft: &RetentionDraft, members: &Members) -> Result<(), Fault> {
        let request = &draft.request;
        let originator = request.voucher.originator;
        let mut kept = vec![
            Effect::Keep(Document::new("retention-request", originator, request.epoch, request)?),
            Effect::Keep(Document::new(DRAFT, from, 0, draft)?),
        ];
        let (state, detail) = match self.ensure_covered(&request.voucher).await? {
            Ok(()) => (CONSULTED, format!("member {from} leads")),
            Err((code, detail)) => {
                let refusal = self.refuse(&request.voucher, code, &detail, members.epoch);
                kept.push(Effect::Keep(Document::new(
                    "refusal",
                    self.member,
                    members.epoch,
                    &refusal,
                )?));
                (REFUSED, detail)
            }
        };
        self.open(&request.voucher, None, state, &detail, &kept).await?;
        Ok(())
    }

    /// As with a party: a notary that leads gets one relation of a voucher signed. That another one gets its own is as
    /// harmless here as there.
    async fn ensure_first_draft_of(&self, from: Member, draft: &RetentionDraft) -> Result<(), Fault> {
        let id = draft.request.voucher.id();
        let paper = Document::new(DRAFT, from, 0, draft)?;
        let kept = self.store.keep_document(id, &OPEN, &paper).await?;
        let first: RetentionDraft = kept.ok_or(Fault::NotNow(id))?.read()?;
        if (first.relation, first.expires_at) == (draft.relation.clone(), draft.expires_at) {
            return Ok(());
        }
        Err(Fault::Altered("relation"))
    }
}

/// Asks other notaries for their signatures until there are enough. One that is silent, down or wrong is passed over for
/// the next, and asked again at the next look. Returns a refusal that ends the payment.
///
/// # Errors
/// Too few could be had now.
pub(super) async fn ask(
    saga: &Settlement,
    members: &Members,
    papers: &[Document],
    draft: &RelationDraft,
) -> Result<Option<Refusal>, StepError> {
    let (voucher, epoch) = (&draft.voucher, draft.epoch);
    let mut others = saga.able_notaries(voucher, members);
    others.retain(|other| *other != saga.member);
    let (signed, open): (Vec<Member>, Vec<Member>) = others
        .into_iter()
        .partition(|other| notary::has(papers, "consent", *other, epoch));
    // One of them is this notary's own.
    let mut missing = usize::from(members.notary_threshold)
        .saturating_sub(1)
        .saturating_sub(signed.len());
    if missing == 0 {
        return Ok(None);
    }
    let request = papers
        .iter()
        .find(|paper| paper.kind == "retention-request" && paper.epoch == epoch);
    let request: RetentionRequest = match request {
        Some(paper) => paper.read()?,
        // The registry moved: the originator is told at its next question, and has the parties sign again.
        None => return Err(StepError::Missing("originator's request of this epoch")),
    };
    let sent = RetentionDraft {
        request,
        relation: draft.relation.clone(),
        expires_at: draft.expires_at,
        notary: draft.notary,
    };
    let (mut refusals, mut unanswered) = (Vec::new(), None);
    for other in open {
        match ask_one(saga, members, other, draft, &sent).await {
            Ok(None) => missing = missing.saturating_sub(1),
            // A party's no is everybody's.
            Ok(Some(refusal)) if refusal.signed.member != other => return Ok(Some(refusal)),
            Ok(Some(refusal)) => refusals.push(refusal),
            Err(error) => {
                tracing::warn!(notary = %other, %error, "the next notary is asked");
                unanswered = Some(error);
            }
        }
        if missing == 0 {
            return Ok(None);
        }
    }
    match (unanswered, refusals.into_iter().next()) {
        (Some(error), _) => Err(error),
        // Nobody is left to ask.
        (None, Some(refusal)) => Ok(Some(refusal)),
        (None, None) => Err(StepError::NoNotary),
    }
}

async fn ask_one(
    saga: &Settlement,
    members: &Members,
    other: Member,
    draft: &RelationDraft,
    sent: &RetentionDraft,
) -> Result<Option<Refusal>, StepError> {
    // There has to be time for another one in this notary's own turn.
    let patience = saga.share(&draft.voucher) / 2;
    match within(patience, other, saga.peers.co_sign(other, sent)).await? {
        Answer::Agreed(consent) => {
            notary::check_consent(saga, members, other, draft, &consent)?;
            let paper = Document::new("consent", other, draft.epoch, &consent)?;
            let id = draft.voucher.id();
            saga.store.keep_document(id, &OPEN, &paper).await?;
            Ok(None)
        }
        Answer::Refused(refusal) => {
            let mut signers = signers_of(&sent.request.signatures);
            signers.push(other);
            saga.check_refusal(members, &draft.voucher, &signers, &refusal)?;
            Ok(Some(refusal))
        }
    }
}

/// Waits for the chain to show what the notary that leads had retained, or to be past it.
///
/// A crash here is harmless: it only looks.
pub(super) async fn wait(saga: &Settlement, payment: &PaymentRow) -> Result<Next, StepError> {
    if let Some(retention) = saga.retention(payment).await? {
        return retained_by_another(saga, &retention);
    }
    let papers = saga.store.documents(payment.voucher.id()).await?;
    let signed = has_signed(&papers);
    let refused = papers.iter().any(|paper| paper.kind == "refusal");
    let ended = refused && !signed;
    if !ended && !saga.has_expired(payment, signed).await? {
        return Ok(Next::Wait);
    }
    let (state, detail) = match refused {
        true => (REFUSED, "refused, and this notary's signature can't be used any more"),
        false => (EXPIRED, "the voucher expired before it was retained"),
    };
    Ok(Next::To {
        state,
        detail: detail.into(),
        effects: vec![],
        unless_kept: (!signed).then_some(CONSENT),
    })
}

/// The parties have the retention voucher from the notary that led.
pub(super) fn retained_by_another(saga: &Settlement, retention: &Retention) -> Result<Next, StepError> {
    let mut effects = saga.retained(retention)?;
    let detail = format!(
        "retained in block {} under another notary's lead",
        retention.retained_in
    );
    if let Some(block) = cleared_in(retention) {
        effects.push(Effect::Cleared { block });
        return Ok(Next::to(State::Notary(NotaryState::Cleared), detail, effects));
    }
    Ok(Next::to(DELIVERED, detail, effects))
}
