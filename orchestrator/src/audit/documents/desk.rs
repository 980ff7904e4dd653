//! What all documents are held against: the chain, as it was rebuilt.
use protocol::{
    disputes::Dispute,
    settlement::{Relation, Voucher},
    signing::{Domain, MemberSignature, PAYLOAD_LENGTH},
    AccountId, Timestamp, VoucherId,
};

use super::DOCUMENTS;
use crate::{
    audit::chain::{
        findings::Findings,
        rebuild::{
            clearing::{self, Retention},
            registry,
        },
        run::Tally,
        tables::{Tables, TablesError},
        Block, Place,
    },
    identity::keys,
};

/// The chain after its last block, and what was found so far.
pub(super) struct Desk<'a> {
    pub(super) clearing: AccountId,
    pub(super) place: Place,
    pub(super) until: Block,
    pub(super) tables: &'a mut Tables,
    pub(super) findings: &'a mut Findings,
    pub(super) tally: Tally,
}

/// What becomes of a signature.
pub(super) enum Seen {
    /// It is the member's, over one of the payloads.
    Good,
    /// The audit doesn't reach back to its epoch.
    Unseen,
    /// It isn't, for this reason.
    Bad(String),
}

impl Desk<'_> {
    /// Something isn't as it should be.
    pub(super) fn find(&mut self, code: &str, detail: impl Into<String>) {
        self.findings.add(code, DOCUMENTS, self.until, None, detail);
    }

    /// Where members of that epoch sign for the clearing contract.
    pub(super) const fn domain(&self, epoch: u32) -> Domain {
        Domain {
            genesis: self.place.genesis,
            contract: self.clearing,
            epoch,
        }
    }

    /// Verifies a member's signature over one of these payloads, by its key in the epoch.
    pub(super) fn verify(
        &mut self,
        epoch: u32,
        signed: &MemberSignature,
        payloads: &[[u8; PAYLOAD_LENGTH]],
    ) -> Result<Seen, TablesError> {
        let (place, tables, member) = (&self.place, &mut *self.tables, signed.member);
        if !registry::is_known(place, tables, epoch)? {
            self.tally.unseen = self.tally.unseen.saturating_add(1);
            return Ok(Seen::Unseen);
        }
        self.tally.signatures = self.tally.signatures.saturating_add(1);
        if registry::signers(place, tables, epoch, &[])?.is_none() {
            return Ok(Seen::Bad(format!("epoch {epoch} has not begun")));
        }
        let Some(signer) = registry::institution(place, tables, epoch, member)? else {
            return Ok(Seen::Bad(format!("nobody was member {member} in epoch {epoch}")));
        };
        let is_good = payloads
            .iter()
            .any(|payload| keys::verify(&signer.signing_key, payload, &signed.signature));
        Ok(match is_good {
            true => Seen::Good,
            false => Seen::Bad(format!(
                "it is not member {member}'s, by its key of epoch {epoch}, over what stands here"
            )),
        })
    }

    /// What the chain retained with a voucher, if it did.
    pub(super) fn retention(&mut self, voucher: &Voucher) -> Result<Option<Retention>, TablesError> {
        self.tally.compared = self.tally.compared.saturating_add(1);
        clearing::retention(self.clearing, self.tables, voucher)
    }

    /// What follows from a voucher by the fee schedule that it names.
    pub(super) fn relation(&mut self, voucher: &Voucher, drawn_at: Timestamp) -> Result<Option<Relation>, TablesError> {
        clearing::relation(self.clearing, self.tables, voucher, drawn_at)
    }

    /// The dispute over an obligation, if there is one.
    pub(super) fn dispute(&mut self, voucher: VoucherId, obligation: u8) -> Result<Option<Dispute>, TablesError> {
        self.tally.compared = self.tally.compared.saturating_add(1);
        clearing::dispute(self.clearing, self.tables, voucher, obligation)
    }
}
