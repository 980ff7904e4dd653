//! A book as one of its sides sees it, and who signs for both.
use protocol::{
    reconciliation::{BookId, Day, Side, Terms},
    registry::{Roles, Signer, Status},
    signing::PAYLOAD_LENGTH,
    Member, Signature,
};

use super::{schedule::Clocks, BookSettings, Reconciliation, ReconciliationError};
use crate::identity::verify;

/// A book as this side sees it.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub book: BookId,
    pub settings: BookSettings,
    pub terms: Terms,
    /// Which side this institution is.
    pub side: Side,
    /// The institution on the other side.
    pub other: Member,
    /// When its days begin and end.
    pub clocks: Clocks,
    /// This day and all before it are final, as far as the chain was read.
    pub closed_through: Option<Day>,
}

impl Seat {
    pub fn is_closed(&self, day: Day) -> bool {
        self.closed_through.is_some_and(|through| day <= through)
    }

    /// The side that proposes corrections and closings.
    pub fn leads(&self) -> bool {
        self.side == Side::Credit
    }

    /// The side on which the other institution is.
    pub const fn other_side(&self) -> Side {
        match self.side {
            Side::Debit => Side::Credit,
            Side::Credit | Side::Chain => Side::Debit,
        }
    }

    /// What is this side's and what is the other's, as the debit side's and the credit side's; or the other way round.
    pub fn in_order<T>(&self, own: T, other: T) -> (T, T) {
        match self.side {
            Side::Debit => (own, other),
            Side::Credit | Side::Chain => (other, own),
        }
    }
}

/// With what both sides of a book sign.
pub(super) struct Signers {
    pub epoch: u32,
    members: [Member; 2],
    signers: Vec<Option<Signer>>,
}

impl Signers {
    /// Whether this is the member's signature, and the member may sign.
    pub fn ensure(
        &self,
        member: Member,
        payload: &[u8; PAYLOAD_LENGTH],
        signature: &Signature,
        what: &'static str,
    ) -> Result<(), ReconciliationError> {
        if verify(&self.key(member)?, payload, signature) {
            Ok(())
        } else {
            Err(ReconciliationError::BadSignature { member, what })
        }
    }

    /// The key of a member that may sign.
    pub fn key(&self, member: Member) -> Result<[u8; 32], ReconciliationError> {
        let place = self.members.iter().position(|known| *known == member);
        let signer = place.and_then(|place| self.signers.get(place)).and_then(Option::as_ref);
        let active =
            signer.filter(|signer| signer.status == Status::Active && signer.roles.contains(Roles::PARTICIPANT));
        Ok(active.ok_or(ReconciliationError::NotActive(member))?.signing_key)
    }
}

impl Reconciliation {
    /// A book that this institution is a side of.
    pub(super) async fn seat(&self, book: BookId) -> Result<Seat, ReconciliationError> {
        let known = self.store.known_book(book).await?;
        let known = known.ok_or(ReconciliationError::UnknownBook(book))?;
        let side = known.side_of(self.settings.member);
        let side = side.ok_or(ReconciliationError::NotASide(book))?;
        let other = match side {
            Side::Debit => known.terms.credit,
            Side::Credit | Side::Chain => known.terms.debit,
        };
        Ok(Seat {
            book,
            settings: self.books.settings(book),
            clocks: Clocks::of(&known.terms.zone)?,
            terms: known.terms,
            side,
            other,
            closed_through: known.closed_through,
        })
    }

    /// The same, for the other side.
    pub(super) async fn seat_opposite(&self, book: BookId, from: Member) -> Result<Seat, ReconciliationError> {
        let seat = self.seat(book).await?;
        if seat.other == from {
            Ok(seat)
        } else {
            Err(ReconciliationError::NotTheOtherSide(from, book))
        }
    }

    /// With what both sides sign now.
    pub(super) async fn signers(&self, seat: &Seat) -> Result<Signers, ReconciliationError> {
        let members = [seat.terms.debit, seat.terms.credit];
        let set = self.ledger.signers(&members).await?;
        Ok(Signers {
            epoch: set.epoch,
            members,
            signers: set.signers,
        })
    }
}
