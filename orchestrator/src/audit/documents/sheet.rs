//! One document on the desk: what is wrong with it is told with the payment, the kind and the member that it lies under.
use protocol::{
    settlement::{Relation, Voucher},
    signing::{MemberSignature, PAYLOAD_LENGTH},
    Member, RelationId, Timestamp, VoucherId,
};

use super::desk::{Desk, Seen};
use crate::{
    audit::chain::{rebuild::clearing::Retention, tables::TablesError},
    settlement::messages::RefusalCode,
};

/// What is known of a payment before its documents are looked at.
pub(super) struct Known {
    pub(super) id: VoucherId,
    pub(super) voucher: Voucher,
    /// What the chain retained with it.
    pub(super) retention: Option<Retention>,
    /// Whether the institution is a notary of it.
    pub(super) is_notary: bool,
    /// Whether the user's account is at the institution.
    pub(super) is_home: bool,
    /// The digest of the user's request, by the payment's row.
    pub(super) request: Option<String>,
    /// The key that the institution knows the user by.
    pub(super) user_key: Option<[u8; 32]>,
    /// Relations that the documents draw up, and until when they could be retained.
    pub(super) drafts: Vec<(Relation, Option<Timestamp>)>,
    /// The relations that somebody signed, by its documents.
    pub(super) consented: Vec<RelationId>,
    /// Why the payment was refused, by its documents.
    pub(super) refusals: Vec<RefusalCode>,
}

/// A document, and where it lies.
pub(super) struct Sheet<'a, 'b> {
    pub(super) desk: &'a mut Desk<'b>,
    pub(super) known: &'a Known,
    pub(super) kind: &'a str,
    pub(super) member: Member,
    pub(super) epoch: u32,
}

impl Sheet<'_, '_> {
    /// Something is wrong with it.
    pub(super) fn find(&mut self, code: &str, why: &str) {
        let Self { member, epoch, .. } = *self;
        let detail = format!(
            "payment {}, {} of member {member}, epoch {epoch}: {why}",
            self.known.id, self.kind
        );
        self.desk.find(code, detail);
    }

    /// It is wrong unless `is_so`.
    pub(super) fn ensure(&mut self, is_so: bool, code: &str, why: &str) {
        if !is_so {
            self.find(code, why);
        }
    }

    /// An id or digest was made anew, and `is_same`.
    pub(super) fn digest(&mut self, is_same: bool, why: &str) {
        self.desk.tally.digests = self.desk.tally.digests.saturating_add(1);
        self.ensure(is_same, "wrong-digest", why);
    }

    /// Something can't be proven either way.
    pub(super) fn unseen(&mut self) {
        self.desk.tally.unseen = self.desk.tally.unseen.saturating_add(1);
    }

    /// It names the voucher that it lies with.
    pub(super) fn names(&mut self, voucher: VoucherId) {
        self.digest(voucher == self.known.id, "it names another voucher");
    }

    /// It stands under the member and the epoch that it names.
    pub(super) fn filed(&mut self, member: Member, epoch: u32) {
        let is_right = (member, epoch) == (self.member, self.epoch);
        self.ensure(
            is_right,
            "wrong-place",
            "it names another member or epoch than it lies under",
        );
    }

    /// A member signed one of these payloads.
    pub(super) fn signed(
        &mut self,
        epoch: u32,
        signed: &MemberSignature,
        what: &str,
        payloads: &[[u8; PAYLOAD_LENGTH]],
    ) -> Result<(), TablesError> {
        if let Seen::Bad(why) = self.desk.verify(epoch, signed, payloads)? {
            self.find("bad-signature", &format!("{what}: {why}"));
        }
        Ok(())
    }
}
