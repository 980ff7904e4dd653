//! The registry's view of the institutions involved in one payment.
use std::collections::BTreeMap;

use protocol::{
    registry::{Roles, Signer, SignerSet, Status},
    signing::{MemberSignature, PAYLOAD_LENGTH},
    Member,
};

use super::{
    fault::Fault,
    ports::{Ledger, LedgerError},
};
use crate::identity::verify;

/// Members as registered in one epoch.
pub(crate) struct Members {
    pub(crate) epoch: u32,
    /// How many notaries a retention needs.
    pub(crate) notary_threshold: u16,
    signers: BTreeMap<Member, Option<Signer>>,
}

impl Members {
    pub(super) async fn read(ledger: &dyn Ledger, members: &[Member]) -> Result<Self, LedgerError> {
        Ok(Self::of(members, ledger.signers(members).await?))
    }

    /// The registry's answer for `members`, in their order.
    pub(crate) fn of(members: &[Member], set: SignerSet) -> Self {
        Self {
            epoch: set.epoch,
            notary_threshold: set.notary_threshold,
            signers: members.iter().copied().zip(set.signers).collect(),
        }
    }

    /// The member, if it is active and has the role.
    pub(crate) fn active(&self, member: Member, role: Roles) -> Result<&Signer, Fault> {
        let signer = self.signers.get(&member).and_then(Option::as_ref);
        let signer = signer.ok_or(Fault::UnknownMember(member))?;
        if signer.status != Status::Active {
            return Err(Fault::NotActive(member));
        }
        if !signer.roles.contains(role) {
            return Err(if role == Roles::NOTARY {
                Fault::NotNotary(member)
            } else {
                Fault::NotParticipant(member)
            });
        }
        Ok(signer)
    }

    pub(crate) fn ensure_epoch(&self, given: u32) -> Result<(), Fault> {
        if given == self.epoch {
            return Ok(());
        }
        Err(Fault::WrongEpoch {
            given,
            current: self.epoch,
        })
    }

    /// Whether `signed` is `signer`'s signature over the payload, and nobody else's.
    pub(crate) fn ensure_signed(
        &self,
        signer: Member,
        signed: &MemberSignature,
        payload: &[u8; PAYLOAD_LENGTH],
        what: &'static str,
    ) -> Result<(), Fault> {
        let known = self.signers.get(&signer).and_then(Option::as_ref);
        let key = known.ok_or(Fault::UnknownMember(signer))?.signing_key;
        if signed.member == signer && verify(&key, payload, &signed.signature) {
            return Ok(());
        }
        Err(Fault::BadSignature { signer, what })
    }
}
