//! What the institution's own people and programs do.
use protocol::{
    escrow::{cancellation, Agreement, Error, Offer, Phases, Side},
    settlement::Asset,
    AgreementId, Amount, Member, OfferId, Timestamp,
};

use super::{
    messages::{offer_payload, Letter, Signed},
    Escrow, EscrowError, Role, Stage, Trade, MAX_EVIDENCE,
};
use crate::store::{
    escrow::{Begun, Cancellation, Move, NewTrade, Note, OfferRow, TradeRow},
    Page,
};

/// How long a signature under a cancellation is good for, in milliseconds.
const CANCELLATION_LIFETIME: Timestamp = 3_600_000;
const NONCES: &[u8] = b"quittance/v1 escrow nonces";
/// The longest text of goods or delivery terms, in bytes.
const MAX_TEXT: usize = 2_000;

/// What an institution would trade. Amounts are for one unit, in the asset's smallest unit.
#[derive(Clone, Debug)]
pub struct NewOffer {
    /// What the institution would be.
    pub side: Side,
    /// What is traded.
    pub goods: String,
    /// How many units, over all fills.
    pub quantity: u64,
    /// The fewest units of one fill.
    pub least: u64,
    /// What is paid with.
    pub asset: Asset,
    /// For one unit.
    pub unit_price: Amount,
    /// The buyer's bond for one unit.
    pub unit_bond: Amount,
    /// The seller's bond for one unit; may be 0.
    pub unit_seller_bond: Amount,
    /// What the seller gets for one unit when the arbiter is silent.
    pub unit_default_award: Amount,
    /// How, where and when is delivered, and what proves it.
    pub delivery: String,
    /// Who rules in a dispute.
    pub arbiter: Member,
    /// How long each phase of a deal lasts.
    pub phases: Phases,
    /// Can be taken strictly before.
    pub expires_at: Timestamp,
}

/// Terms that differ from the offer's. Amounts are for all units of the fill.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The price.
    pub price: Option<Amount>,
    /// The buyer's bond.
    pub bond: Option<Amount>,
    /// The seller's bond.
    pub seller_bond: Option<Amount>,
    /// What the seller gets when the arbiter is silent.
    pub default_award: Option<Amount>,
    /// How, where and when is delivered.
    pub delivery: Option<String>,
    /// How long each phase lasts.
    pub phases: Option<Phases>,
}

impl Escrow {
    /// Makes an offer and tells it to others. `request` names the wish: the same again gives the same offer.
    ///
    /// # Errors
    /// The offer breaks a rule, or chain or database can't be read; nothing is stored.
    pub async fn make_offer(&self, new: NewOffer, tell: &[Member], request: [u8; 32]) -> Result<OfferRow, EscrowError> {
        if let Some(made) = self.store.offer_for(request).await? {
            return Ok(made);
        }
        let offer = self.checked(new, request).await?;
        let epoch = self.members(&[self.member]).await?.epoch;
        let signed = self.sign(epoch, &offer_payload(&self.domain(epoch), &offer));
        let letter = |to: &Member| {
            let offer = offer.clone();
            (*to, Letter::Offer { offer, signed })
        };
        let letters: Vec<_> = tell.iter().filter(|to| **to != self.member).map(letter).collect();
        self.store
            .keep_offer(&offer, &signed, Some(request), self.clock.now(), &letters)
            .await?;
        self.letters_changed.notify_one();
        self.known_offer(offer.id()).await
    }

    /// The same wish has the same nonce, and nobody else can tell which: the digest on chain must tell nothing.
    fn nonce(&self, request: [u8; 32]) -> [u8; 16] {
        let digest = self.key.derive_symmetric(&[NONCES, &request].concat());
        let [n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15, ..] = *digest;
        [n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15]
    }

    async fn checked(&self, new: NewOffer, request: [u8; 32]) -> Result<Offer, EscrowError> {
        let now = self.clock.now();
        let bad = |why| Err(EscrowError::BadOffer(why));
        if new.goods.is_empty() || new.goods.len() > MAX_TEXT || new.delivery.len() > MAX_TEXT {
            return bad("goods need 1 to 2000 bytes of text, delivery terms have at most 2000");
        }
        if new.least == 0 || new.least > new.quantity || i64::try_from(new.quantity).is_err() {
            return bad("the least fill is at least one unit and at most the quantity");
        }
        if new.expires_at <= now {
            return bad("it would have expired already");
        }
        let gap = self.gap().await?;
        if new.phases.accept < gap.saturating_mul(2) {
            return bad("the phase of acceptance must be twice the contract's shortest phase or longer: the buyer locks in it, and then the seller accepts");
        }
        let offer = Offer {
            nonce: self.nonce(request),
            maker: self.member,
            side: new.side,
            goods: new.goods,
            quantity: new.quantity,
            least: new.least,
            asset: new.asset,
            unit_price: new.unit_price,
            unit_bond: new.unit_bond,
            unit_seller_bond: new.unit_seller_bond,
            unit_default_award: new.unit_default_award,
            delivery: new.delivery,
            arbiter: new.arbiter,
            phases: new.phases,
            expires_at: new.expires_at,
        };
        // The largest fill must be possible; the rules for amounts are the same for every part of it.
        let (_, parties) = self.parties(self.member, self.member, new.arbiter).await?;
        let mut whole = offer
            .fill(offer.nonce, &parties, offer.quantity, now)
            .ok_or(EscrowError::BadTerms(Error::Overflow))?;
        let other = match offer.side {
            Side::Buy => &mut whole.seller,
            Side::Sell => &mut whole.buyer,
        };
        // Nobody yet; any account that is neither party's.
        other.account = protocol::AccountId([0; 32]);
        whole.check(now, gap).map_err(EscrowError::BadTerms)?;
        Ok(offer)
    }

    /// An offer, this institution's own or another's.
    ///
    /// # Errors
    /// The database failed.
    pub async fn offer(&self, id: OfferId) -> Result<Option<OfferRow>, EscrowError> {
        Ok(self.store.offer(id).await?)
    }

    /// Offers, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn offers(&self, page: &Page) -> Result<Vec<OfferRow>, EscrowError> {
        Ok(self.store.offers(page).await?)
    }

    /// Takes an own offer back. What was signed stands.
    ///
    /// # Errors
    /// There is no such offer, or it is another's.
    pub async fn withdraw_offer(&self, id: OfferId) -> Result<OfferRow, EscrowError> {
        if self.known_offer(id).await?.offer.maker != self.member {
            return Err(EscrowError::NotYourOffer(id));
        }
        self.store.withdraw_offer(id).await?;
        self.known_offer(id).await
    }

    /// Takes units of another's offer as it stands, or proposes other terms for them. The maker signs the former by
    /// itself as long as units are left; of the latter a person there decides. `instead_of`: a proposal that the maker
    /// made, which this one answers. The maker of an offer answers a proposal the same way.
    ///
    /// # Errors
    /// The proposal can't lead to a deal; nothing is stored.
    pub async fn propose(
        &self,
        offer: OfferId,
        quantity: u64,
        changes: Changes,
        instead_of: Option<AgreementId>,
        request: [u8; 32],
    ) -> Result<Trade, EscrowError> {
        if let Some(made) = self.store.trade_for(request).await? {
            return self.with_history(made).await;
        }
        let known = self.known_offer(offer).await?;
        let answered = match instead_of {
            Some(id) => Some(self.received(id).await?),
            None => None,
        };
        let taker = match &answered {
            Some(row) if row.agreement.offer != offer => return Err(EscrowError::Altered("offer")),
            Some(row) if known.offer.maker == self.member => {
                let other = row.agreement.counterparty(self.member);
                other.ok_or(EscrowError::Altered("offer"))?.member
            }
            None if known.offer.maker == self.member => return Err(EscrowError::OwnOffer(offer)),
            _ => self.member,
        };
        let (epoch, agreement) = self.draft(&known, taker, quantity, changes, request).await?;
        let signed = self.sign_agreement(epoch, &agreement);
        let role = self.role_in(&agreement);
        let (buyer_signed, seller_signed) = by_role(role, signed);
        let to = if known.offer.maker == self.member {
            taker
        } else {
            known.offer.maker
        };
        let letter = Letter::Proposal {
            agreement: agreement.clone(),
            instead_of,
            signed,
        };
        let new = NewTrade {
            request: Some(request),
            role,
            stage: Stage::Proposed,
            agreement: &agreement,
            buyer_signed,
            seller_signed,
            reserve: (known.offer.maker == self.member).then_some((offer, quantity)),
            instead_of,
            letters: vec![(to, letter)],
            detail: "proposed to the other party",
            at: self.clock.now(),
        };
        match self.store.begin_trade(&new).await? {
            Begun::New | Begun::Existing => {}
            Begun::NotEnough { remaining } => return Err(EscrowError::NotEnough { remaining }),
        }
        self.changed();
        let made = self.store.trade_for(request).await?;
        self.with_history(made.ok_or(EscrowError::UnknownTrade(agreement.id()))?)
            .await
    }

    async fn draft(
        &self,
        known: &OfferRow,
        taker: Member,
        quantity: u64,
        changes: Changes,
        request: [u8; 32],
    ) -> Result<(u32, Agreement), EscrowError> {
        let (id, offer, now) = (known.id, &known.offer, self.clock.now());
        if known.withdrawn || offer.expires_at <= now {
            return Err(EscrowError::OfferClosed(id));
        }
        if quantity < offer.least {
            return Err(EscrowError::BelowLeast { least: offer.least });
        }
        if quantity > offer.quantity {
            return Err(EscrowError::NotEnough {
                remaining: offer.quantity,
            });
        }
        let (epoch, parties) = self.parties(offer.maker, taker, offer.arbiter).await?;
        let nonce = self.nonce(request);
        let overflow = || EscrowError::BadTerms(Error::Overflow);
        let mut agreement = offer.fill(nonce, &parties, quantity, now).ok_or_else(overflow)?;
        agreement.price = changes.price.unwrap_or(agreement.price);
        agreement.bond = changes.bond.unwrap_or(agreement.bond);
        agreement.seller_bond = changes.seller_bond.unwrap_or(agreement.seller_bond);
        agreement.default_award = changes.default_award.unwrap_or(agreement.default_award);
        if let Some(delivery) = changes.delivery {
            if delivery.len() > MAX_TEXT {
                return Err(EscrowError::BadOffer("delivery terms have at most 2000 bytes"));
            }
            agreement.delivery = delivery;
        }
        if let Some(phases) = changes.phases {
            agreement.deadlines = phases.from(now).ok_or_else(overflow)?;
        }
        agreement.check(now, self.gap().await?).map_err(EscrowError::BadTerms)?;
        Ok((epoch, agreement))
    }

    /// Signs a proposal that was received: it is an agreement then.
    ///
    /// # Errors
    /// There is no such proposal any more, the time is over, or fewer units are left; nothing is changed.
    pub async fn accept(&self, id: AgreementId) -> Result<Trade, EscrowError> {
        let row = self.row(id).await?;
        if row.role != Role::Arbiter && row.buyer_signed.is_some() && row.seller_signed.is_some() {
            // A repetition after a crash: both have signed.
            return self.with_history(row).await;
        }
        let row = self.received(id).await?;
        let (now, gap) = (self.clock.now(), self.gap().await?);
        row.agreement
            .deadlines
            .check(now, gap)
            .map_err(|_| EscrowError::TooLate {
                deadline: row.agreement.deadlines.accept_by.saturating_sub(gap),
            })?;
        let epoch = self.members(&[self.member]).await?.epoch;
        let own = self.sign_agreement(epoch, &row.agreement);
        let (buyer, seller) = match row.role {
            Role::Buyer => (Some(own), row.seller_signed),
            _ => (row.buyer_signed, Some(own)),
        };
        let (Some(buyer), Some(seller)) = (buyer, seller) else {
            return Err(EscrowError::WrongStage(row.stage));
        };
        let offer = self.known_offer(row.agreement.offer).await?;
        let reserve = (offer.offer.maker == self.member).then_some((offer.id, row.agreement.quantity));
        let to = self.other(&row)?;
        let letters = [(
            to,
            Letter::Acceptance {
                agreement: id,
                signed: own,
            },
        )];
        match self.store.agree(&row, buyer, seller, reserve, &letters, now).await? {
            Begun::New | Begun::Existing => {}
            Begun::NotEnough { remaining } => return Err(EscrowError::NotEnough { remaining }),
        }
        self.changed();
        self.with_history(self.row(id).await?).await
    }

    /// Says no to a proposal that was received.
    ///
    /// # Errors
    /// There is no such proposal any more.
    pub async fn decline(&self, id: AgreementId, reason: String) -> Result<Trade, EscrowError> {
        let row = self.row(id).await?;
        if row.stage == Stage::Declined {
            return self.with_history(row).await;
        }
        let row = self.received(id).await?;
        let letters = [(
            self.other(&row)?,
            Letter::Decline {
                agreement: id,
                reason: reason.clone(),
            },
        )];
        let step = Move {
            from: Stage::Received,
            to: Stage::Declined,
            detail: &format!("declined here: {reason}"),
            at: self.clock.now(),
        };
        self.store.move_trade(id, &step, &letters).await?;
        self.changed();
        self.with_history(self.row(id).await?).await
    }

    /// The buyer says that it has the goods: the secret is revealed as soon as the seller is bound. The seller says that
    /// it delivered, with what proves it: its evidence if the buyer doesn't reveal. The first time counts.
    ///
    /// # Errors
    /// The trade is not agreed on, or over; the seller gives no evidence; the reveal's deadline has passed.
    pub async fn confirm(&self, id: AgreementId, evidence: Option<String>) -> Result<Trade, EscrowError> {
        let row = self.row(id).await?;
        match (row.role, &evidence) {
            (Role::Arbiter, _) => return Err(not_your_part(&row, "buyer or the seller")),
            (Role::Buyer, None) => {}
            (_, evidence) => ensure_evidence(evidence.as_deref().unwrap_or_default())?,
        }
        if row.confirmed_at.is_some() {
            return self.with_history(row).await;
        }
        if !matches!(row.stage, Stage::Agreed | Stage::Locked | Stage::Accepted) {
            return Err(EscrowError::WrongStage(row.stage));
        }
        let (deadline, now) = (row.agreement.deadlines.reveal_by, self.clock.now());
        if row.role == Role::Buyer && now >= deadline {
            return Err(EscrowError::TooLate { deadline });
        }
        self.noted(&row, &Note::Confirmed(evidence)).await
    }

    /// Has the arbiter called, with this evidence, once the reveal's deadline has passed; or answers the other side's.
    ///
    /// # Errors
    /// The trade isn't bound, or is over; the evidence is empty or too long; the dispute's deadline has passed.
    pub async fn dispute(&self, id: AgreementId, evidence: String) -> Result<Trade, EscrowError> {
        let row = self.row(id).await?;
        if row.role == Role::Arbiter {
            return Err(not_your_part(&row, "buyer or the seller"));
        }
        ensure_evidence(&evidence)?;
        if row.evidence.as_ref().is_some_and(|kept| *kept != evidence) {
            return Err(EscrowError::Altered("evidence"));
        }
        let deadlines = row.agreement.deadlines;
        let deadline = match row.stage {
            Stage::Accepted => deadlines.dispute_by,
            Stage::Disputed => deadlines.ruling_by,
            stage => return Err(EscrowError::WrongStage(stage)),
        };
        if self.clock.now() >= deadline {
            return Err(EscrowError::TooLate { deadline });
        }
        self.noted(&row, &Note::WantsDispute(Some(evidence))).await
    }

    /// Signs that this party would call the deal off. Once both did, each gets back what it paid in.
    ///
    /// # Errors
    /// The trade is not agreed on, the secret is out, or it is over.
    pub async fn cancel(&self, id: AgreementId) -> Result<Trade, EscrowError> {
        let row = self.row(id).await?;
        if row.role == Role::Arbiter {
            return Err(not_your_part(&row, "buyer or the seller"));
        }
        if !matches!(
            row.stage,
            Stage::Agreed | Stage::Locked | Stage::Accepted | Stage::Disputed
        ) {
            return Err(EscrowError::WrongStage(row.stage));
        }
        let now = self.clock.now();
        // The contract wants both signatures over the same expiry.
        let open = row.other_cancellation.filter(|other| other.expires_at > now);
        let expires_at = open.map_or(now.saturating_add(CANCELLATION_LIFETIME), |other| other.expires_at);
        self.sign_cancellation(&row, expires_at).await?;
        self.with_history(self.row(id).await?).await
    }

    pub(super) async fn sign_cancellation(&self, row: &TradeRow, expires_at: Timestamp) -> Result<(), EscrowError> {
        let signature = self.key.sign(&cancellation(&self.domain(0), &row.deal, expires_at));
        let own = Cancellation { expires_at, signature };
        let letter = Letter::Cancellation {
            agreement: row.id,
            expires_at,
            signature,
        };
        let letters = [(self.other(row)?, letter)];
        self.store
            .note_trade(row.id, &Note::OwnCancellation(own), &letters, self.clock.now())
            .await?;
        self.changed();
        Ok(())
    }

    /// The arbiter's decision: what the seller gets of the pot (price and both bonds); the buyer gets the rest.
    ///
    /// # Errors
    /// This institution isn't the arbiter, the deal is not disputed, the time is over, it was decided otherwise before,
    /// or the award is above the pot.
    pub async fn rule(&self, id: AgreementId, to_seller: Amount) -> Result<Trade, EscrowError> {
        let row = self.row(id).await?;
        if row.role != Role::Arbiter {
            return Err(not_your_part(&row, "arbiter"));
        }
        if row.award.is_some_and(|award| award != to_seller) {
            return Err(EscrowError::RuledBefore);
        }
        if row.award.is_some() {
            return self.with_history(row).await;
        }
        if row.stage != Stage::Disputed {
            return Err(EscrowError::WrongStage(row.stage));
        }
        let deadline = row.agreement.deadlines.ruling_by;
        if self.clock.now() >= deadline {
            return Err(EscrowError::TooLate { deadline });
        }
        let terms = row.agreement.terms(protocol::Hashlock([0; 32]));
        let pot = terms.pot().map_err(EscrowError::BadTerms)?;
        if to_seller > pot {
            return Err(EscrowError::AwardAbovePot { pot });
        }
        self.noted(&row, &Note::Award(to_seller)).await
    }

    async fn noted(&self, row: &TradeRow, note: &Note) -> Result<Trade, EscrowError> {
        self.store.note_trade(row.id, note, &[], self.clock.now()).await?;
        self.changed();
        self.with_history(self.row(row.id).await?).await
    }

    pub(super) fn changed(&self) {
        self.trades_changed.notify_one();
        self.letters_changed.notify_one();
    }

    pub(super) async fn known_offer(&self, id: OfferId) -> Result<OfferRow, EscrowError> {
        self.store.offer(id).await?.ok_or(EscrowError::UnknownOffer(id))
    }

    /// A proposal that a person here decides on.
    async fn received(&self, id: AgreementId) -> Result<TradeRow, EscrowError> {
        let row = self.row(id).await?;
        if row.stage == Stage::Received {
            Ok(row)
        } else {
            Err(EscrowError::WrongStage(row.stage))
        }
    }

    pub(super) fn role_in(&self, agreement: &Agreement) -> Role {
        if agreement.buyer.member == self.member {
            Role::Buyer
        } else {
            Role::Seller
        }
    }

    /// The other party of a trade that this institution is a party to.
    pub(super) fn other(&self, row: &TradeRow) -> Result<Member, EscrowError> {
        let other = row.agreement.counterparty(self.member);
        Ok(other.ok_or_else(|| not_your_part(row, "buyer or the seller"))?.member)
    }
}

/// A signature in its place: the buyer's, the seller's.
pub(super) fn by_role(role: Role, signed: Signed) -> (Option<Signed>, Option<Signed>) {
    match role {
        Role::Buyer => (Some(signed), None),
        Role::Seller | Role::Arbiter => (None, Some(signed)),
    }
}

fn not_your_part(row: &TradeRow, needed: &'static str) -> EscrowError {
    EscrowError::NotYourPart { role: row.role, needed }
}

fn ensure_evidence(document: &str) -> Result<(), EscrowError> {
    if (1..=MAX_EVIDENCE).contains(&document.len()) {
        Ok(())
    } else {
        Err(EscrowError::BadEvidence { limit: MAX_EVIDENCE })
    }
}
