//! A prepaid contract read from the chain, with nothing but a node, the deployment and the contract's bundle.
use std::{path::PathBuf, sync::Arc};

use anyhow::{bail, Context};
use protocol::Member;

use crate::{
    chain::{bundle::Bundle, Chain, ChainPrepaidPast, Deployment, Follower},
    cli::{list, render::bar, Unavailable},
    prepaid::{
        book::Book,
        past::{BookBlock, LedgerError, PrepaidPast},
        report::{Bound, Span},
        statements::Subject,
    },
};

pub(super) mod render;

/// Which contract, and where it is read from.
#[derive(Debug, clap::Args)]
pub(super) struct OnChain {
    /// The node: ws://host:port or wss://host:port. It has to keep all states (--state-pruning archive).
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:9944")]
    url: String,
    /// What `quittance deploy` wrote.
    #[arg(long, value_name = "FILE", default_value = "deployment.json")]
    deployment: PathBuf,
    /// Directory of the contract bundles.
    #[arg(long, value_name = "DIRECTORY", default_value = "target/contracts")]
    bundles: PathBuf,
    /// The card issuer, by its index in the registry.
    #[arg(long, value_name = "MEMBER", value_parser = list::member)]
    issuer: Member,
}

/// A contract, and everything that follows from its events up to a block.
pub(super) struct Programme {
    pub(super) past: ChainPrepaidPast,
    pub(super) subject: Subject,
    pub(super) until: BookBlock,
    pub(super) book: Arc<Book>,
}

impl OnChain {
    /// Reads the contract's events up to the end of a span; up to the latest finalized block, if it has none.
    pub(super) async fn read(&self, to: Option<Bound>) -> anyhow::Result<Programme> {
        let deployment = Deployment::load(&self.deployment)?;
        let address = deployment.prepaid_of(self.issuer)?.address;
        let bundle = Bundle::find(&self.bundles, "prepaid")?;
        let chain = Chain::connect(&self.url).await?;
        deployment.ensure_on(chain.genesis())?;
        let follower = Follower::start(chain.clone()).await?;
        let bar = bar("reading blocks")?;
        let shown = bar.clone();
        let past = ChainPrepaidPast::new(chain, follower, address, &bundle)?.with_progress(move |read, last| {
            shown.set_length(last.into());
            shown.set_position(read.into());
        });
        let programme = read(past, self.issuer, to).await;
        bar.finish_and_clear();
        programme
    }
}

async fn read(past: ChainPrepaidPast, issuer: Member, to: Option<Bound>) -> anyhow::Result<Programme> {
    let number = match to {
        None => None,
        Some(Bound::Block(number)) => Some(number),
        Some(Bound::Time(time)) => {
            let next = past.first_since(time).await.map_err(failed)?;
            next.map(|next| next.saturating_sub(1))
        }
    };
    let constants = past.constants().await.map_err(failed)?;
    if (constants.issuer, constants.genesis) != (issuer, past.genesis()) {
        bail!(
            "the contract is that of member {}, and not of {issuer}: is the deployment the one of this chain?",
            constants.issuer
        );
    }
    let until = past.block(number).await.map_err(failed)?;
    let book = past.book(until).await.map_err(failed)?;
    let subject = Subject {
        genesis: past.genesis(),
        contract: past.contract(),
        issuer,
        asset: constants.asset,
    };
    Ok(Programme {
        past,
        subject,
        until,
        book,
    })
}

/// What part of the past is looked at.
#[derive(Debug, clap::Args)]
pub(super) struct Range {
    /// The begin: a block's number, a day (2026-12-24), or a moment (2026-12-24T18:00:00Z). The first block if it isn't said.
    #[arg(long, value_name = "BLOCK|TIME", value_parser = bound)]
    from: Option<Bound>,
    /// The end: the number of the last block, or the time before which. The latest finalized block if it isn't said.
    #[arg(long, value_name = "BLOCK|TIME", value_parser = bound)]
    to: Option<Bound>,
}

impl Range {
    pub(super) const fn span(&self) -> Span {
        Span {
            from: self.from,
            to: self.to,
        }
    }
}

fn bound(text: &str) -> anyhow::Result<Bound> {
    if let Ok(number) = text.parse() {
        return Ok(Bound::Block(number));
    }
    list::moment(text)
        .map(Bound::Time)
        .with_context(|| format!("{text:?} is no number of a block either"))
}

/// What may pass exits with 3.
pub(super) fn failed(error: LedgerError) -> anyhow::Error {
    match error {
        LedgerError::Unavailable(_) => Unavailable(error.to_string()).into(),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_end_is_a_block_or_a_time() {
        assert_eq!(bound("4711").unwrap(), Bound::Block(4711));
        assert_eq!(bound("1970-01-02").unwrap(), Bound::Time(86_400_000));
        let error = format!("{:#}", bound("yesterday").unwrap_err());
        assert!(
            error.contains("no number of a block") && error.contains("2026-12-24"),
            "{error}"
        );
    }
}
