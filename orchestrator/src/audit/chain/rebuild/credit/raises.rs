//! Higher limits of the credit node's, on evidence (S1.12).
use protocol::{
    credit::{Raise, RaiseDecision, RaiseRequest},
    settlement::Asset,
    text::to_hex,
    AccountId, Amount, Signature,
};

use super::{
    by_node, domain,
    limits::{ensure_later, keep_node_limit, node_limit},
    Done, RAISES,
};
use crate::audit::chain::rebuild::scene::Scene;

/// A payer's wish. Anyone may send it.
pub(super) fn raise_requested(
    scene: &mut Scene<'_>,
    (payer, asset, wanted, evidence, sequence): (AccountId, Asset, Amount, [u8; 32], u64),
) -> Done {
    let wish = RaiseRequest {
        payer,
        asset,
        wanted,
        evidence,
        sequence,
    };
    if let Some((asked, signature)) = scene.arguments::<(RaiseRequest, Signature)>("request_raise") {
        let what = || format!("{}, number {sequence}", to_hex(&payer.0));
        scene.ensure(asked == wish, "other-arguments", || {
            format!("another wish was asked for than that of {}", what())
        });
        let payload = wish.payload(&domain(scene)?);
        scene.signed(&payer.0, &payload, &signature, || {
            format!("the payer's, under the wish of {}", what())
        });
    }
    let earlier = RAISES.get(scene, &(payer, asset))?;
    ensure_later(scene, sequence, earlier.map_or(0, |earlier| earlier.sequence), &payer);
    let is_open = earlier.is_some_and(|earlier| earlier.decision.is_none());
    scene.ensure(!is_open, "wrong-state", || {
        format!("a wish of {} was still open when the next one came", to_hex(&payer.0))
    });
    ensure_above(scene, payer, asset, wanted)?;
    let raise = Raise {
        wanted,
        evidence,
        sequence,
        decision: None,
    };
    RAISES.put(scene, &(payer, asset), &raise)
}

/// The credit node's decision. What it granted is its limit from now on.
pub(super) fn raise_decided(
    scene: &mut Scene<'_>,
    (payer, asset, decision): (AccountId, Asset, RaiseDecision),
) -> Done {
    let RaiseDecision { granted, digest } = decision;
    scene.exact_call("decide_raise", &(payer, asset, granted, digest), 0);
    by_node(scene)?;
    if let Some(limit) = granted {
        ensure_above(scene, payer, asset, limit)?;
        keep_node_limit(scene, payer, asset, limit, digest)?;
    }
    let raise = RAISES.get(scene, &(payer, asset))?;
    let is_open = raise.is_some_and(|raise| raise.decision.is_none());
    scene.ensure(is_open, "wrong-state", || {
        format!("no wish of {} was open when one was decided on", to_hex(&payer.0))
    });
    let Some(mut raise) = raise else {
        return Ok(());
    };
    raise.decision = Some(decision);
    RAISES.put(scene, &(payer, asset), &raise)
}

fn ensure_above(scene: &mut Scene<'_>, payer: AccountId, asset: Asset, limit: Amount) -> Done {
    let present = node_limit(scene, payer, asset)?.limit;
    scene.ensure(limit > present, "bad-terms", || {
        format!("{limit} is no raise for {}, whose limit is {present}", to_hex(&payer.0))
    });
    Ok(())
}
