//! Who acts here: the client by sending, both sides by signing.
use ink::{env::DefaultEnvironment, primitives::AccountId};
use protocol::{
    reconciliation::{self, Error},
    registry::{Roles, Signer, SignerSet, Status},
    signing::{Domain, PAYLOAD_LENGTH},
    Member, Signature,
};

use crate::{reconciliation::Reconciliation, Result};

/// The two sides of a book, as the registry has them now.
pub struct Sides {
    set: SignerSet,
    members: [Member; 2],
    domain: Domain,
}

impl Reconciliation {
    /// The two sides, whatever they are, if what they sign with is what it was at `epoch`.
    pub(crate) fn sides(&self, debit: Member, credit: Member, epoch: u32) -> Result<Sides> {
        let members = [debit, credit];
        let set = self.look_up(&members)?;
        if set.epoch != epoch {
            return Err(Error::StaleEpoch { current: set.epoch });
        }
        let domain = reconciliation::domain(self.genesis, ink::env::account_id::<DefaultEnvironment>(), set.epoch);
        Ok(Sides { set, members, domain })
    }

    /// The caller is the account of this institution, and it is an active participant.
    pub(crate) fn ensure_client(&self, client: Member) -> Result<()> {
        let set = self.look_up(&[client])?;
        let signer = ensure_active(set.signers.first().and_then(Option::as_ref), client)?;
        if signer.account == caller() {
            Ok(())
        } else {
            Err(Error::NotTheClient)
        }
    }

    fn look_up(&self, members: &[Member]) -> Result<SignerSet> {
        calls::registry::look_up(self.registry, members).ok_or(Error::RegistryFailed)
    }
}

impl Sides {
    /// What is signed by the sides of a book is valid here.
    pub const fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Both signed, and both are active.
    pub fn ensure_both(&self, payload: &[u8; PAYLOAD_LENGTH], debit: &Signature, credit: &Signature) -> Result<()> {
        let [of_debit, of_credit] = self.members;
        self.ensure(of_debit, payload, debit)?;
        self.ensure(of_credit, payload, credit)
    }

    /// This side signed, is active, and sends the call itself.
    pub fn ensure_alone(&self, member: Member, payload: &[u8; PAYLOAD_LENGTH], signature: &Signature) -> Result<()> {
        if self.signer(member)?.account != caller() {
            return Err(Error::NotASide);
        }
        self.ensure(member, payload, signature)
    }

    fn ensure(&self, member: Member, payload: &[u8; PAYLOAD_LENGTH], signature: &Signature) -> Result<()> {
        let signer = self.signer(member)?;
        ink::env::sr25519_verify(&signature.0, payload, &signer.signing_key).map_err(|_| Error::BadSignature(member))
    }

    fn signer(&self, member: Member) -> Result<&Signer> {
        let place = self.members.iter().position(|side| *side == member);
        let signer = place
            .and_then(|place| self.set.signers.get(place))
            .and_then(Option::as_ref);
        ensure_active(signer, member)
    }
}

fn ensure_active(signer: Option<&Signer>, member: Member) -> Result<&Signer> {
    signer
        .filter(|signer| signer.status == Status::Active && signer.roles.contains(Roles::PARTICIPANT))
        .ok_or(Error::NotActive(member))
}

fn caller() -> AccountId {
    ink::env::caller::<DefaultEnvironment>()
}
