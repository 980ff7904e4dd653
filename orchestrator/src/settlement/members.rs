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
pub(super) struct Members {
    pub(super) epoch: u32,
    signers: BTreeMap<Member, Option<Signer>>,
}

impl Members {
    pub(super) async fn read(ledger: &dyn Ledger, members: &[Member]) -> Result<Self, LedgerError> {
        let SignerSet { epoch, signers, .. } = ledger.signers(members).await?;
        Ok(Self {
            epoch,
            signers: members.iter().copied().zip(signers).collect(),
        })
    }

    /// The member, if it is active and has the role.
    pub(super) fn active(&self, member: Member, role: Roles) -> Result<&Signer, Fault> {
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

    pub(super) fn ensure_epoch(&self, given: u32) -> Result<(), Fault> {
        if given == self.epoch {
            return Ok(());
        }
        Err(Fault::WrongEpoch {
            given,
            current: self.epoch,
        })
    }

    /// Whether `signed` is `signer`'s signature over the payload, and nobody else's.
    pub(super) fn ensure_signed(
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
