//! Higher limits of the credit node's, on evidence (S1.12).
use protocol::{
    credit::{Raise, RaiseDecision, RaiseRequest},
    settlement::Asset,
    text::to_hex,
    AccountId, Amount, Signature,
};

use super::{Case, Done, RAISES};

impl Case<'_> {
    /// A payer's wish. Anyone may send it.
    pub(super) fn raise_requested(
        &mut self,
        (payer, asset, wanted, evidence, sequence): (AccountId, Asset, Amount, [u8; 32], u64),
    ) -> Done {
        let wish = RaiseRequest {
            payer,
            asset,
            wanted,
            evidence,
            sequence,
        };
        if let Some((_, (asked, signature))) = self.checks.arguments::<(RaiseRequest, Signature)>("request_raise", 0) {
            let what = || format!("{}, number {sequence}", to_hex(&payer.0));
            self.checks.ensure(asked == wish, "wrong-call", || {
                format!("another wish was asked for than that of {}", what())
            });
            let payload = wish.payload(&self.domain()?);
            self.checks.signed(&payer.0, &payload, &signature, || {
                format!("the payer didn't sign the wish of {}", what())
            });
        }
        let earlier: Option<Raise> = self.kept().get(RAISES, &(payer, asset))?;
        self.ensure_later(sequence, earlier.map_or(0, |earlier| earlier.sequence), &payer);
        let is_open = earlier.is_some_and(|earlier| earlier.decision.is_none());
        self.checks.ensure(!is_open, "wrong-state", || {
            format!("a wish of {} was still open when the next one came", to_hex(&payer.0))
        });
        self.ensure_above(payer, asset, wanted)?;
        let raise = Raise {
            wanted,
            evidence,
            sequence,
            decision: None,
        };
        self.kept().put(RAISES, &(payer, asset), &raise)
    }

    /// The credit node's decision. What it granted is its limit from now on.
    pub(super) fn raise_decided(
        &mut self,
        (payer, asset, decision): (AccountId, Asset, RaiseDecision),
    ) -> Done {
        let RaiseDecision { granted, digest } = decision;
        let call = self.checks.exact_call("decide_raise", &(payer, asset, granted, digest), 0);
        self.by_node(call)?;
        if let Some(limit) = granted {
            self.ensure_above(payer, asset, limit)?;
            self.keep_node_limit(payer, asset, limit, digest)?;
        }
        let raise: Option<Raise> = self.kept().get(RAISES, &(payer, asset))?;
        let is_open = raise.is_some_and(|raise| raise.decision.is_none());
        self.checks.ensure(is_open, "wrong-state", || {
            format!("no wish of {} was open when one was decided on", to_hex(&payer.0))
        });
        let Some(mut raise) = raise else {
            return Ok(());
        };
        raise.decision = Some(decision);
        self.kept().put(RAISES, &(payer, asset), &raise)
    }

    fn ensure_above(&mut self, payer: AccountId, asset: Asset, limit: Amount) -> Done {
        let present = self.node_limit(payer, asset)?.limit;
        self.checks.ensure(limit > present, "no-raise", || {
            format!("{limit} is no raise for {}, whose limit is {present}", to_hex(&payer.0))
        });
        Ok(())
    }
}
