//! Letters from other institutions.
use protocol::{
    escrow::{cancellation, evidence_digest, Agreement, Offer},
    AgreementId, Member, Signature, Timestamp,
};

use super::{
    desk::by_role,
    messages::{offer_payload, Letter, Reply, Signed},
    Escrow, EscrowError, Role, Stage,
};
use crate::{
    identity::verify,
    settlement::fault::Fault,
    store::escrow::{Begun, Cancellation, Move, NewTrade, Note, OfferRow, TradeRow},
};

/// How far the clock of who makes a proposal may be ahead of this institution's, in milliseconds.
const SKEW: Timestamp = 60_000;

/// A proposal as it came.
struct Proposed {
    agreement: Agreement,
    instead_of: Option<AgreementId>,
    signed: Signed,
    role: Role,
}

impl Escrow {
    /// Takes a letter. The same letter again gets the same reply and changes nothing.
    ///
    /// # Errors
    /// It is wrong, or can't be checked now; nothing is stored.
    pub async fn on_letter(&self, from: Member, letter: Letter) -> Result<Reply, EscrowError> {
        match letter {
            Letter::Offer { offer, signed } => self.on_offer(from, &offer, &signed).await,
            Letter::Proposal {
                agreement,
                instead_of,
                signed,
            } => self.on_proposal(from, agreement, instead_of, signed).await,
            Letter::Acceptance { agreement, signed } => self.on_acceptance(from, agreement, signed).await,
            Letter::Decline { agreement, reason } => self.on_decline(from, agreement, &reason).await,
            Letter::Cancellation {
                agreement,
                expires_at,
                signature,
            } => self.on_cancellation(from, agreement, expires_at, signature).await,
            Letter::Evidence {
                agreement,
                buyer,
                seller,
                document,
            } => self.on_evidence(from, agreement, buyer, seller, document).await,
        }
    }

    async fn on_offer(&self, from: Member, offer: &Offer, signed: &Signed) -> Result<Reply, EscrowError> {
        if offer.maker != from {
            return Err(EscrowError::NotItsPart(from));
        }
        let members = self.members(&[from]).await?;
        members.ensure_epoch(signed.epoch)?;
        let payload = offer_payload(&self.domain(signed.epoch), offer);
        members.ensure_signed(from, &signed.by, &payload, "offer")?;
        self.store
            .keep_offer(offer, signed, None, self.clock.now(), &[])
            .await?;
        Ok(Reply::Received)
    }

    async fn on_proposal(
        &self,
        from: Member,
        agreement: Agreement,
        instead_of: Option<AgreementId>,
        signed: Signed,
    ) -> Result<Reply, EscrowError> {
        let role = match agreement.counterparty(from) {
            Some(me) if me.member == self.member => self.role_in(&agreement),
            _ => return Err(EscrowError::NotItsPart(from)),
        };
        if let Some(row) = self.store.trade(agreement.id()).await? {
            return self.reply_again(&row).await;
        }
        let offer = self.known_offer(agreement.offer).await?;
        if offer.offer.maker != self.member && offer.offer.maker != from {
            return Err(EscrowError::Altered("offer"));
        }
        let taker = if offer.offer.maker == self.member {
            from
        } else {
            self.member
        };
        if let Some(old) = instead_of {
            let replaced = self.of_party(from, old).await?;
            if replaced.agreement.offer != agreement.offer {
                return Err(EscrowError::Altered("proposal that it replaces"));
            }
        }
        let (epoch, parties) = self.parties(offer.offer.maker, taker, offer.offer.arbiter).await?;
        let registered = [parties.maker, parties.taker];
        if !registered.contains(&agreement.buyer)
            || !registered.contains(&agreement.seller)
            || agreement.arbiter != parties.arbiter
        {
            return Err(EscrowError::Altered("parties"));
        }
        if signed.epoch != epoch {
            return Err(Fault::WrongEpoch {
                given: signed.epoch,
                current: epoch,
            }
            .into());
        }
        let sender = if role == Role::Buyer {
            agreement.seller
        } else {
            agreement.buyer
        };
        self.ensure_party_signed(sender, &signed, &agreement)?;
        agreement
            .check(self.clock.now(), self.gap().await?)
            .map_err(EscrowError::BadTerms)?;
        let proposed = Proposed {
            agreement,
            instead_of,
            signed,
            role,
        };
        if self.is_as_offered(&offer, &proposed) {
            self.take(&offer, proposed, epoch).await
        } else {
            self.keep(proposed).await
        }
    }

    /// Whether the proposal takes this institution's own offer word for word. When it was made says the proposer: a
    /// letter may have been on its way for long, and whether what is left of the deadlines is enough was checked.
    fn is_as_offered(&self, offer: &OfferRow, proposed: &Proposed) -> bool {
        let latest = self.clock.now().saturating_add(SKEW);
        let made_at = offer.offer.taken_at(&proposed.agreement);
        offer.offer.maker == self.member && proposed.instead_of.is_none() && made_at.is_some_and(|at| at <= latest)
    }

    /// Signs a take of an own offer, if units are left.
    async fn take(&self, offer: &OfferRow, proposed: Proposed, epoch: u32) -> Result<Reply, EscrowError> {
        let now = self.clock.now();
        if offer.withdrawn || offer.offer.expires_at <= now {
            return self.turn_down(proposed, "the offer is not open any more").await;
        }
        let own = self.sign_agreement(epoch, &proposed.agreement);
        let (buyer_signed, seller_signed) = match proposed.role {
            Role::Buyer => (Some(own), Some(proposed.signed)),
            _ => (Some(proposed.signed), Some(own)),
        };
        let new = NewTrade {
            request: None,
            role: proposed.role,
            stage: Stage::Agreed,
            agreement: &proposed.agreement,
            buyer_signed,
            seller_signed,
            reserve: Some((offer.id, proposed.agreement.quantity)),
            instead_of: None,
            letters: vec![],
            detail: "takes this institution's offer: both signed",
            at: now,
        };
        match self.store.begin_trade(&new).await? {
            Begun::New => {
                self.changed();
                Ok(Reply::Accepted { signed: own })
            }
            Begun::Existing => {
                let id = proposed.agreement.id();
                let row = self.store.trade(id).await?.ok_or(EscrowError::UnknownTrade(id))?;
                self.reply_again(&row).await
            }
            Begun::NotEnough { remaining } => {
                let why = format!("the offer has {remaining} units left");
                self.turn_down(proposed, &why).await
            }
        }
    }

    /// Keeps a proposal of other terms for a person to decide.
    async fn keep(&self, proposed: Proposed) -> Result<Reply, EscrowError> {
        self.write_down(&proposed, Stage::Received, "proposed by the other party")
            .await?;
        Ok(Reply::Received)
    }

    async fn turn_down(&self, proposed: Proposed, why: &str) -> Result<Reply, EscrowError> {
        self.write_down(&proposed, Stage::Declined, why).await?;
        Ok(Reply::Declined { reason: why.to_owned() })
    }

    async fn write_down(&self, proposed: &Proposed, stage: Stage, detail: &str) -> Result<(), EscrowError> {
        let other = match proposed.role {
            Role::Buyer => Role::Seller,
            _ => Role::Buyer,
        };
        let (buyer_signed, seller_signed) = by_role(other, proposed.signed);
        let new = NewTrade {
            request: None,
            role: proposed.role,
            stage,
            agreement: &proposed.agreement,
            buyer_signed,
            seller_signed,
            reserve: None,
            instead_of: proposed.instead_of,
            letters: vec![],
            detail,
            at: self.clock.now(),
        };
        self.store.begin_trade(&new).await?;
        self.changed();
        Ok(())
    }

    async fn reply_again(&self, row: &TradeRow) -> Result<Reply, EscrowError> {
        let own = match row.role {
            Role::Buyer => row.buyer_signed,
            _ => row.seller_signed,
        };
        match (row.stage, own) {
            (Stage::Declined, _) => {
                let history = self.store.trade_history(row.id).await?;
                let reason = history.last().map_or_else(String::new, |line| line.detail.clone());
                Ok(Reply::Declined { reason })
            }
            (_, Some(signed)) => Ok(Reply::Accepted { signed }),
            (_, None) => Ok(Reply::Received),
        }
    }

    async fn on_acceptance(&self, from: Member, id: AgreementId, signed: Signed) -> Result<Reply, EscrowError> {
        let row = self.of_party(from, id).await?;
        if row.stage == Stage::Proposed {
            self.conclude(&row, signed).await?;
        }
        Ok(Reply::Received)
    }

    /// The other party signed what this one proposed.
    pub(super) async fn conclude(&self, row: &TradeRow, signed: Signed) -> Result<(), EscrowError> {
        let other = row.agreement.counterparty(self.member);
        let other = other.ok_or(EscrowError::Altered("parties"))?;
        self.ensure_party_signed(other, &signed, &row.agreement)?;
        let (buyer, seller) = match row.role {
            Role::Buyer => (row.buyer_signed, Some(signed)),
            _ => (Some(signed), row.seller_signed),
        };
        let (Some(buyer), Some(seller)) = (buyer, seller) else {
            return Err(EscrowError::Altered("signatures"));
        };
        self.store
            .agree(row, buyer, seller, None, &[], self.clock.now())
            .await?;
        self.changed();
        Ok(())
    }

    async fn on_decline(&self, from: Member, id: AgreementId, reason: &str) -> Result<Reply, EscrowError> {
        let row = self.of_party(from, id).await?;
        self.declined(&row, reason).await?;
        Ok(Reply::Received)
    }

    /// The other party doesn't want what this one proposed.
    pub(super) async fn declined(&self, row: &TradeRow, reason: &str) -> Result<(), EscrowError> {
        let step = Move {
            from: Stage::Proposed,
            to: Stage::Declined,
            detail: &format!("declined by the other party: {reason}"),
            at: self.clock.now(),
        };
        self.store.move_trade(row.id, &step, &[]).await?;
        Ok(())
    }

    async fn on_cancellation(
        &self,
        from: Member,
        id: AgreementId,
        expires_at: Timestamp,
        signature: Signature,
    ) -> Result<Reply, EscrowError> {
        let row = self.of_party(from, id).await?;
        let other = row.agreement.counterparty(self.member);
        let other = other.ok_or(EscrowError::NotItsPart(from))?;
        let payload = cancellation(&self.domain(0), &row.deal, expires_at);
        if !verify(&other.key, &payload, &signature) {
            return Err(Fault::BadSignature {
                signer: from,
                what: "cancellation",
            }
            .into());
        }
        if row.stage.is_final() {
            return Ok(Reply::Received);
        }
        let note = Note::OtherCancellation(Cancellation { expires_at, signature });
        self.store.note_trade(id, &note, &[], self.clock.now()).await?;
        // Both want out, and each signed an expiry of its own: the later one counts.
        if row.own_cancellation.is_some_and(|own| own.expires_at < expires_at) {
            self.sign_cancellation(&row, expires_at).await?;
        }
        self.changed();
        Ok(Reply::Received)
    }

    async fn on_evidence(
        &self,
        from: Member,
        agreement: Agreement,
        buyer: Signed,
        seller: Signed,
        document: String,
    ) -> Result<Reply, EscrowError> {
        let id = agreement.id();
        if agreement.counterparty(from).is_none() {
            return Err(EscrowError::NotItsPart(from));
        }
        let is_party = agreement.counterparty(self.member).is_some();
        if !is_party && agreement.arbiter.member != self.member {
            return Err(EscrowError::NotItsPart(self.member));
        }
        self.ensure_party_signed(agreement.buyer, &buyer, &agreement)?;
        self.ensure_party_signed(agreement.seller, &seller, &agreement)?;
        let deals = self.ledger.deals(&[agreement.deal()]).await?;
        let deal = deals.into_iter().next().flatten();
        let deal = deal.ok_or(EscrowError::WrongEvidence)?;
        let from_buyer = from == agreement.buyer.member;
        let filed = if from_buyer {
            deal.buyer_evidence
        } else {
            deal.seller_evidence
        };
        if filed != Some(evidence_digest(&document)) {
            return Err(EscrowError::WrongEvidence);
        }
        if !is_party {
            let new = NewTrade {
                request: None,
                role: Role::Arbiter,
                stage: Stage::Disputed,
                agreement: &agreement,
                buyer_signed: Some(buyer),
                seller_signed: Some(seller),
                reserve: None,
                instead_of: None,
                letters: vec![],
                detail: "a party called this arbiter",
                at: self.clock.now(),
            };
            self.store.begin_trade(&new).await?;
        }
        let note = if !is_party && from_buyer {
            Note::Evidence(document)
        } else {
            Note::OtherEvidence(document)
        };
        self.store.note_trade(id, &note, &[], self.clock.now()).await?;
        self.changed();
        Ok(Reply::Received)
    }

    /// A trade that the sender is the other party of.
    async fn of_party(&self, from: Member, id: AgreementId) -> Result<TradeRow, EscrowError> {
        let row = self.store.trade(id).await?.ok_or(EscrowError::UnknownTrade(id))?;
        match row.agreement.counterparty(from) {
            Some(me) if me.member == self.member => Ok(row),
            _ => Err(EscrowError::NotItsPart(from)),
        }
    }
}
