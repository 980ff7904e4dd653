//! Higher limits of the credit node's, on evidence (S1.12).
use ink::{env::DefaultEnvironment, primitives::AccountId};
use protocol::{
    credit::{Error, Raise, RaiseDecision, RaiseRequest},
    settlement::Asset,
    Amount, Signature,
};

use crate::{
    credit::{Credit, RaiseDecided, RaiseRequested},
    node::has_signed,
    Result,
};

impl Credit {
    /// Takes a payer's wish.
    pub(crate) fn open_raise(&mut self, wish: &RaiseRequest, signature: &Signature) -> Result<()> {
        let RaiseRequest {
            payer,
            asset,
            wanted,
            evidence,
            sequence,
        } = *wish;
        let earlier = self.raises.get((payer, asset));
        let latest = earlier.map_or(0, |earlier| earlier.sequence);
        if sequence <= latest {
            return Err(Error::StaleSequence { latest });
        }
        if !has_signed(&payer, signature, &wish.payload(&self.domain())) {
            return Err(Error::BadPayerSignature);
        }
        if earlier.is_some_and(|earlier| earlier.decision.is_none()) {
            return Err(Error::RaiseOpen);
        }
        self.ensure_above(payer, asset, wanted)?;
        let raise = Raise {
            wanted,
            evidence,
            sequence,
            decision: None,
        };
        self.raises.insert((payer, asset), &raise);
        ink::env::emit_event::<DefaultEnvironment, _>(RaiseRequested {
            payer,
            asset,
            wanted,
            evidence,
            sequence,
        });
        Ok(())
    }

    /// Decides on the open wish.
    pub(crate) fn close_raise(&mut self, payer: AccountId, asset: Asset, decision: RaiseDecision) -> Result<()> {
        let raise = self.raises.get((payer, asset));
        let mut raise = raise
            .filter(|raise| raise.decision.is_none())
            .ok_or(Error::NoRaiseOpen)?;
        if let Some(limit) = decision.granted {
            self.ensure_above(payer, asset, limit)?;
            self.keep_node_limit(payer, asset, limit, decision.digest);
        }
        raise.decision = Some(decision);
        self.raises.insert((payer, asset), &raise);
        ink::env::emit_event::<DefaultEnvironment, _>(RaiseDecided { payer, asset, decision });
        Ok(())
    }

    fn ensure_above(&self, payer: AccountId, asset: Asset, limit: Amount) -> Result<()> {
        let present = self.node_limits.get((payer, asset)).unwrap_or_default().limit;
        if limit > present {
            Ok(())
        } else {
            Err(Error::NotARaise { limit: present })
        }
    }
}
