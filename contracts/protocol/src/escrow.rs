//! Escrow: what two parties agree on, what the contract keeps of it, and why it refuses (S2.0 to S2.5).
use alloc::string::String;
use scale::{Decode, Encode};

use crate::{
    ids::{content_id, Hashlock},
    settlement::Asset,
    signing::{self, Domain, Purpose, PAYLOAD_LENGTH},
    AccountId, AgreementId, Amount, DealId, Member, OfferId, Timestamp,
};

/// The most deals that one query answers.
pub const MAX_DEALS: usize = 32;

/// The 32 bytes that unlock a deal. Exactly 32 everywhere: a preimage of another length would open the lock on one side
/// only.
///
/// It has no `Debug` and no serde: it goes nowhere but to the chain.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, ink::storage::traits::StorageLayout))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Secret(pub [u8; 32]);

impl Secret {
    /// sha256 of the secret.
    pub fn hashlock(&self) -> Hashlock {
        let mut hash = [0u8; 32];
        ink::env::hash_bytes::<ink::env::hash::Sha2x256>(&self.0, &mut hash);
        Hashlock(hash)
    }
}

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// When each phase of a deal ends, in milliseconds since 1970. An act is valid strictly before its deadline; what
/// follows on a missed one is valid at or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Deadlines {
    /// The seller accepts strictly before; from then on the buyer gets everything back.
    pub accept_by: Timestamp,
    /// The buyer reveals strictly before; from then on either side may dispute.
    pub reveal_by: Timestamp,
    /// Either side disputes strictly before; from then on the buyer gets everything back.
    pub dispute_by: Timestamp,
    /// The arbiter rules strictly before; from then on the default that the parties agreed on holds.
    pub ruling_by: Timestamp,
}

impl Deadlines {
    /// Whether the deadlines lie ahead, ascend, and leave `gap` milliseconds for each phase: time to see a block
    /// finalized and to react.
    ///
    /// # Errors
    /// `DeadlinePassed`, `DeadlinesUnordered`, `DeadlinesTooClose`.
    pub fn check(&self, now: Timestamp, gap: Timestamp) -> Result<(), Error> {
        if self.accept_by <= now {
            return Err(Error::DeadlinePassed {
                deadline: self.accept_by,
            });
        }
        let mut start = now;
        for end in [self.accept_by, self.reveal_by, self.dispute_by, self.ruling_by] {
            let length = end.checked_sub(start).ok_or(Error::DeadlinesUnordered)?;
            if length < gap {
                return Err(Error::DeadlinesTooClose { gap });
            }
            start = end;
        }
        Ok(())
    }
}

/// What the buyer locks money under.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Terms {
    /// Digest of what both parties signed.
    pub agreement: AgreementId,
    /// The account of who is paid for the goods.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub seller: AccountId,
    /// The buyer's sr25519 key, for a cancellation by both.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub buyer_key: [u8; 32],
    /// The seller's sr25519 key, for a cancellation by both.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub seller_key: [u8; 32],
    /// The account of who rules in a dispute.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub arbiter: AccountId,
    /// The asset that is paid and put in.
    pub asset: Asset,
    /// What the goods cost, in the asset's smallest unit; never 0.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub price: Amount,
    /// What the buyer gets back by revealing, in the asset's smallest unit; from 1 to the price.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub bond: Amount,
    /// What the seller puts in, in the asset's smallest unit; from 0 to the price.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub seller_bond: Amount,
    /// What the seller gets of the pot when the arbiter is silent, in the asset's smallest unit; the buyer gets the
    /// rest.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub default_award: Amount,
    /// When each phase ends.
    pub deadlines: Deadlines,
    /// sha256 of the buyer's secret.
    pub hashlock: Hashlock,
}

impl Terms {
    /// What the buyer pays in: price and bond.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn buyer_stake(&self) -> Result<Amount, Error> {
        self.price.checked_add(self.bond).ok_or(Error::Overflow)
    }

    /// All that is in an accepted deal: price and both bonds.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn pot(&self) -> Result<Amount, Error> {
        self.buyer_stake()?.checked_add(self.seller_bond).ok_or(Error::Overflow)
    }

    /// What can be wrong with terms whoever looks at them: parties and amounts.
    ///
    /// A bond of 0 would leave the buyer no reason to reveal. A bond above the price would put more at an arbiter's
    /// disposal than the trade is worth; the source calls it small.
    ///
    /// # Errors
    /// The first rule that they break.
    pub fn check(&self, buyer: AccountId) -> Result<(), Error> {
        if self.seller == buyer {
            return Err(Error::SameParty);
        }
        if self.arbiter == buyer || self.arbiter == self.seller {
            return Err(Error::ArbiterIsParty);
        }
        if self.price == 0 {
            return Err(Error::ZeroPrice);
        }
        if self.bond == 0 {
            return Err(Error::ZeroBond);
        }
        if self.bond > self.price || self.seller_bond > self.price {
            return Err(Error::BondAbovePrice);
        }
        let pot = self.pot()?;
        if self.default_award > pot {
            return Err(Error::AwardAbovePot { pot });
        }
        Ok(())
    }
}

/// How far a deal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub enum DealState {
    /// The buyer paid price and bond in (E1).
    Locked,
    /// The seller accepted: the bond is now return money under the same hashlock as the price (E2).
    Accepted,
    /// The secret is out and the buyer has its bond back; the price waits for the seller (E3).
    Revealed,
    /// A party called the arbiter.
    Disputed,
    /// Final: the seller has the price, the buyer its bond (E4).
    Settled,
    /// Final: each has what it paid in.
    Refunded,
    /// Final: both wanted out, and each has what it paid in.
    Cancelled,
    /// Final: the arbiter, or the default for its silence, split the pot.
    Ruled,
}

impl DealState {
    /// Whether nothing can happen any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Settled | Self::Refunded | Self::Cancelled | Self::Ruled)
    }
}

/// A deal as the contract keeps it, for good.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, ink::storage::traits::StorageLayout))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Deal {
    /// The account of who locked the money.
    pub buyer: AccountId,
    /// The terms that the money is locked under.
    pub terms: Terms,
    /// How far it is.
    pub state: DealState,
    /// The secret, once it is out.
    pub secret: Option<Secret>,
    /// Digest of the buyer's evidence, once it disputed.
    pub buyer_evidence: Option<[u8; 32]>,
    /// Digest of the seller's evidence, once it disputed.
    pub seller_evidence: Option<[u8; 32]>,
    /// What the seller got of the pot, once ruled, in the asset's smallest unit.
    pub award: Option<Amount>,
}

impl Deal {
    /// What the contract holds for this deal.
    ///
    /// # Errors
    /// `Overflow`, which terms that passed their check can't have.
    pub fn held(&self) -> Result<Amount, Error> {
        match self.state {
            DealState::Locked => self.terms.buyer_stake(),
            DealState::Accepted | DealState::Disputed => self.terms.pot(),
            DealState::Revealed => self
                .terms
                .price
                .checked_add(self.terms.seller_bond)
                .ok_or(Error::Overflow),
            DealState::Settled | DealState::Refunded | DealState::Cancelled | DealState::Ruled => Ok(0),
        }
    }
}

impl DealId {
    /// The deal that this buyer makes of an agreement. The buyer is in it, so that nobody else can take the id.
    pub fn of(buyer: AccountId, agreement: AgreementId) -> Self {
        Self(content_id(b"quittance/deal", &(buyer, agreement)))
    }
}

/// Why the escrow contract refuses. Nothing is changed when it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub enum Error {
    /// There is no deal of this id.
    UnknownDeal,
    /// This buyer made a deal of this agreement before.
    DealExists,
    /// A deal was made under this hashlock before: make a new secret.
    HashlockUsed,
    /// Buyer and seller are the same account.
    SameParty,
    /// The arbiter is a party to the deal.
    ArbiterIsParty,
    /// The price is 0.
    ZeroPrice,
    /// The bond is 0: the buyer would have no reason to reveal.
    ZeroBond,
    /// A bond is above the price.
    BondAbovePrice,
    /// The award is above what is in the deal.
    AwardAbovePot {
        /// The price and both bonds, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        pot: Amount,
    },
    /// The time for this is over.
    DeadlinePassed {
        /// When it ended, in milliseconds since 1970.
        deadline: Timestamp,
    },
    /// The time for this has not come.
    TooEarly {
        /// When it begins, in milliseconds since 1970.
        not_before: Timestamp,
    },
    /// A later phase would end before an earlier one.
    DeadlinesUnordered,
    /// A phase would be shorter than the contract permits.
    DeadlinesTooClose {
        /// The shortest that a phase may be, in milliseconds.
        gap: Timestamp,
    },
    /// Another amount of native tokens was sent along than is due.
    WrongValue {
        /// How much is due, in the native token's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        due: Amount,
    },
    /// The caller isn't the party of the deal that may do this.
    NotYourPart,
    /// The deal isn't in a state in which this can be done.
    WrongState(DealState),
    /// The secret is another's: its sha256 isn't the deal's hashlock.
    WrongSecret,
    /// This party filed its evidence before.
    EvidenceFiled,
    /// The buyer's signature under the cancellation doesn't verify.
    BadBuyerSignature,
    /// The seller's signature under the cancellation doesn't verify.
    BadSellerSignature,
    /// The token contract refused to move the tokens: are there enough, and is this contract approved for them?
    TokenRefused,
    /// The token contract moved another amount than it was asked for.
    TokenShort,
    /// Nothing waits to be paid out to this account in this asset.
    NothingDue,
    /// The payout failed.
    TransferFailed,
    /// More deals are asked for than the 32 that one query answers.
    TooManyDeals,
    /// The sum is beyond what an amount can hold.
    Overflow,
}

/// What stands on chain of a party's evidence.
pub fn evidence_digest(document: &str) -> [u8; 32] {
    content_id(b"quittance/evidence", document)
}

/// What a party signs to call a deal off.
pub fn cancellation(domain: &Domain, deal: &DealId, expires_at: Timestamp) -> [u8; PAYLOAD_LENGTH] {
    signing::payload(domain, Purpose::Cancellation, &deal.0, expires_at, &())
}

/// Which side of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
#[cfg_attr(feature = "std", serde(rename_all = "lowercase"))]
pub enum Side {
    /// Pays.
    Buy,
    /// Delivers.
    Sell,
}

impl Side {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// What an institution would trade, with anyone it tells (S2.0). Can be filled in parts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Offer {
    /// Makes the id unique.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub nonce: [u8; 16],
    /// Who offers.
    pub maker: Member,
    /// What the maker would be.
    pub side: Side,
    /// What is traded: `kWh, 2026-12-01 18:00/19:00 UTC, feed-in point 7`.
    pub goods: String,
    /// How many units of it, over all fills.
    pub quantity: u64,
    /// The fewest units of one fill.
    pub least: u64,
    /// What is paid with.
    pub asset: Asset,
    /// For one unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub unit_price: Amount,
    /// The buyer's bond for one unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub unit_bond: Amount,
    /// The seller's bond for one unit; may be 0.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub unit_seller_bond: Amount,
    /// What the seller gets of the pot for one unit when the arbiter is silent.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
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

/// How long each phase of a deal lasts, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Phases {
    /// From agreement until the seller must have accepted: the buyer locks in it.
    pub accept: Timestamp,
    /// From there until the buyer must have revealed: the goods are delivered in it.
    pub reveal: Timestamp,
    /// From there until a dispute must be opened.
    pub dispute: Timestamp,
    /// From there until the arbiter must have ruled.
    pub ruling: Timestamp,
}

impl Phases {
    /// The deadlines of a deal agreed on at `now`; `None` beyond the end of time.
    pub fn from(&self, now: Timestamp) -> Option<Deadlines> {
        let accept_by = now.checked_add(self.accept)?;
        let reveal_by = accept_by.checked_add(self.reveal)?;
        let dispute_by = reveal_by.checked_add(self.dispute)?;
        Some(Deadlines {
            accept_by,
            reveal_by,
            dispute_by,
            ruling_by: dispute_by.checked_add(self.ruling)?,
        })
    }
}

impl Offer {
    /// Globally unique: the nonce is in it.
    pub fn id(&self) -> OfferId {
        OfferId(content_id(b"quittance/offer", self))
    }

    /// What the agreement of a fill is, if `taker` takes `quantity` units now; `None` where an amount or a time
    /// overflows.
    pub fn fill(&self, nonce: [u8; 16], parties: &Parties, quantity: u64, now: Timestamp) -> Option<Agreement> {
        let Parties { maker, taker, arbiter } = *parties;
        let (buyer, seller) = match self.side {
            Side::Buy => (maker, taker),
            Side::Sell => (taker, maker),
        };
        let times = |unit: Amount| unit.checked_mul(Amount::from(quantity));
        Some(Agreement {
            nonce,
            offer: self.id(),
            buyer,
            seller,
            arbiter,
            goods: self.goods.clone(),
            quantity,
            asset: self.asset,
            price: times(self.unit_price)?,
            bond: times(self.unit_bond)?,
            seller_bond: times(self.unit_seller_bond)?,
            default_award: times(self.unit_default_award)?,
            delivery: self.delivery.clone(),
            deadlines: self.phases.from(now)?,
        })
    }

    /// When this agreement was made, if it is a fill of this offer word for word.
    pub fn taken_at(&self, agreement: &Agreement) -> Option<Timestamp> {
        let (maker, taker) = match self.side {
            Side::Buy => (agreement.buyer, agreement.seller),
            Side::Sell => (agreement.seller, agreement.buyer),
        };
        let parties = Parties {
            maker,
            taker,
            arbiter: agreement.arbiter,
        };
        let made_at = agreement.deadlines.accept_by.checked_sub(self.phases.accept)?;
        let fill = self.fill(agreement.nonce, &parties, agreement.quantity, made_at)?;
        let is_fill = fill == *agreement && maker.member == self.maker && agreement.quantity >= self.least;
        is_fill.then_some(made_at)
    }
}

/// What buyer and seller both signed (S2.0, NEGO_CONFIRM). Its digest stands on chain, nothing else of it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Agreement {
    /// Makes the id unique, and its digest on chain tell nothing.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub nonce: [u8; 16],
    /// The offer that it fills in part.
    pub offer: OfferId,
    /// Who pays.
    pub buyer: Party,
    /// Who delivers.
    pub seller: Party,
    /// Who rules in a dispute.
    pub arbiter: Party,
    /// What is traded.
    pub goods: String,
    /// How many units of it.
    pub quantity: u64,
    /// What is paid with.
    pub asset: Asset,
    /// For all units.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub price: Amount,
    /// The buyer's.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub bond: Amount,
    /// The seller's; may be 0.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub seller_bond: Amount,
    /// What the seller gets of the pot when the arbiter is silent.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub default_award: Amount,
    /// How, where and when is delivered, and what proves it.
    pub delivery: String,
    /// When each phase ends.
    pub deadlines: Deadlines,
}

/// An institution with its account and key as the registry has them at signing: a later change of keys leaves the deal
/// as it was agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Party {
    /// Its index in the registry.
    pub member: Member,
    /// Pays and is paid.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub account: AccountId,
    /// Signs.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub key: [u8; 32],
}

/// Who is involved in a fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parties {
    /// Who made the offer.
    pub maker: Party,
    /// Who takes it.
    pub taker: Party,
    /// Who rules in a dispute.
    pub arbiter: Party,
}

impl Agreement {
    /// Globally unique: the nonce is in it.
    pub fn id(&self) -> AgreementId {
        AgreementId(content_id(b"quittance/agreement", self))
    }

    /// The deal that the buyer makes of it.
    pub fn deal(&self) -> DealId {
        DealId::of(self.buyer.account, self.id())
    }

    /// What the buyer locks money under. The one place where an agreement becomes terms: the seller accepts nothing
    /// else.
    pub fn terms(&self, hashlock: Hashlock) -> Terms {
        Terms {
            agreement: self.id(),
            seller: self.seller.account,
            buyer_key: self.buyer.key,
            seller_key: self.seller.key,
            arbiter: self.arbiter.account,
            asset: self.asset,
            price: self.price,
            bond: self.bond,
            seller_bond: self.seller_bond,
            default_award: self.default_award,
            deadlines: self.deadlines,
            hashlock,
        }
    }

    /// What can be wrong with an agreement whoever looks at it: the contract's rules for its terms.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, now: Timestamp, gap: Timestamp) -> Result<(), Error> {
        self.terms(Hashlock([0; 32])).check(self.buyer.account)?;
        self.deadlines.check(now, gap)
    }

    /// The other one of buyer and seller; `None` for anyone else.
    pub fn counterparty(&self, of: Member) -> Option<Party> {
        if of == self.buyer.member {
            Some(self.seller)
        } else if of == self.seller.member {
            Some(self.buyer)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(number: u8) -> Party {
        Party {
            member: Member(u16::from(number)),
            account: AccountId([number; 32]),
            key: [number; 32],
        }
    }

    fn offer(side: Side) -> Offer {
        Offer {
            nonce: [1; 16],
            maker: Member(1),
            side,
            goods: "kWh".into(),
            quantity: 10,
            least: 2,
            asset: Asset::Native,
            unit_price: 100,
            unit_bond: 10,
            unit_seller_bond: 5,
            unit_default_award: 50,
            delivery: String::new(),
            arbiter: Member(3),
            phases: Phases {
                accept: 10,
                reveal: 20,
                dispute: 30,
                ruling: 40,
            },
            expires_at: 1_000,
        }
    }

    fn fill(side: Side, quantity: u64) -> Option<Agreement> {
        let parties = Parties {
            maker: party(1),
            taker: party(2),
            arbiter: party(3),
        };
        offer(side).fill([9; 16], &parties, quantity, 500)
    }

    #[test]
    fn a_fill_word_for_word_tells_when_it_was_made() {
        for side in [Side::Buy, Side::Sell] {
            let fill = fill(side, 2);
            assert_eq!(fill.and_then(|fill| offer(side).taken_at(&fill)), Some(500));
        }
    }

    #[test]
    fn what_differs_from_the_offer_is_no_fill() {
        let changes: [fn(&mut Agreement); 8] = [
            |fill| fill.price -= 1,
            |fill| fill.bond -= 1,
            |fill| fill.seller_bond -= 1,
            |fill| fill.quantity += 1,
            |fill| fill.goods.push('!'),
            |fill| fill.delivery.push('!'),
            |fill| fill.deadlines.reveal_by -= 1,
            |fill| core::mem::swap(&mut fill.buyer, &mut fill.seller),
        ];
        for change in changes {
            for side in [Side::Buy, Side::Sell] {
                let changed = fill(side, 2).map(|mut fill| {
                    change(&mut fill);
                    fill
                });
                assert_eq!(changed.and_then(|fill| offer(side).taken_at(&fill)), None);
            }
        }
        let too_few = fill(Side::Sell, 1);
        assert_eq!(too_few.and_then(|fill| offer(Side::Sell).taken_at(&fill)), None);
    }
}
