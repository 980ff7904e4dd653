//! What an institution's own people do in a trade, over its API.
use std::time::Duration;

use anyhow::Context;
use protocol::{AccountId, Amount};
use reqwest::Method;
use serde_json::{json, Value};

use super::{fresh_key, until, Institution};
use crate::chain::{costs::Costs, Chain, Follower};

/// How long anything may take, much longer than it does: chains may finalize late, machines may be busy.
const PATIENCE: Duration = Duration::from_secs(180);

impl Institution {
    /// Sends a wish of its own.
    ///
    /// # Errors
    /// It can't be reached, or refuses.
    pub async fn write(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self.api()?.write(Method::POST, path, &fresh_key(), body).await?;
        Ok(answer.json().await?)
    }

    /// Makes an offer; returns its id.
    ///
    /// # Errors
    /// As [`Institution::write`].
    pub async fn make_offer(&self, offer: &Value) -> anyhow::Result<String> {
        text(&self.write("/v1/escrow/offers", offer).await?, "id")
    }

    /// Takes units of an offer, with `changes` of its terms; returns the trade's id.
    ///
    /// # Errors
    /// As [`Institution::write`].
    pub async fn propose(&self, offer: &str, quantity: u64, changes: Value) -> anyhow::Result<String> {
        let mut body = json!({ "offer": offer, "quantity": quantity });
        if let (Some(body), Value::Object(changes)) = (body.as_object_mut(), changes) {
            body.extend(changes);
        }
        text(&self.write("/v1/escrow/trades", &body).await?, "id")
    }

    /// Does something to a trade: `accept`, `confirm`, `cancel`…
    ///
    /// # Errors
    /// As [`Institution::write`].
    pub async fn act(&self, trade: &str, what: &str, body: Value) -> anyhow::Result<Value> {
        self.write(&format!("/v1/escrow/trades/{trade}/{what}"), &body).await
    }

    /// Waits until it has an offer.
    ///
    /// # Errors
    /// It never has.
    pub async fn has_offer(&self, offer: &str) -> anyhow::Result<Value> {
        self.wait_for(&format!("/v1/escrow/offers/{offer}"), |_| true).await
    }

    /// Waits until it sees a trade in one of these stages.
    ///
    /// # Errors
    /// It never does; the message tells how it saw it last.
    pub async fn sees(&self, trade: &str, stages: &[&str]) -> anyhow::Result<Value> {
        let path = format!("/v1/escrow/trades/{trade}");
        let wanted = |found: &Value| found["stage"].as_str().is_some_and(|stage| stages.contains(&stage));
        self.wait_for(&path, wanted)
            .await
            .with_context(|| format!("waiting for {stages:?}"))
    }

    /// Waits until it has what is looked for at this path.
    pub(super) async fn wait_for(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let api = self.api()?;
        let mut last = Value::Null;
        let found = until(PATIENCE, async || {
            let found: Result<Value, _> = api.get(path).await;
            let found = found.map_err(|error| last = json!(error.to_string())).ok();
            last = found.clone().unwrap_or_else(|| last.take());
            Ok(found.filter(|found| wanted(found)))
        })
        .await?;
        found.with_context(|| format!("{} has {path} as {last}", self.name))
    }
}

/// What accounts hold at a block, to be compared with a later one to the unit.
pub struct Books {
    chain: Chain,
    accounts: Vec<AccountId>,
    /// The block.
    pub block: u32,
    /// Native tokens that each account can move.
    pub balances: Vec<Amount>,
}

impl Books {
    /// Accounts at the node's finalized head. It is asked for: a follower may learn of a block later than an institution
    /// did.
    ///
    /// # Errors
    /// The node doesn't answer.
    pub async fn of(chain: &Chain, accounts: &[AccountId]) -> anyhow::Result<Self> {
        let head = Follower::start(chain.clone()).await?.head();
        let mut balances = Vec::new();
        for account in accounts {
            balances.push(chain.native_balance(account, head.hash).await?);
        }
        Ok(Self {
            chain: chain.clone(),
            accounts: accounts.to_vec(),
            block: head.number,
            balances,
        })
    }

    /// What each account paid for its transactions until `later`, and what it would hold then, had it neither paid nor
    /// received anything else.
    ///
    /// # Errors
    /// The node doesn't answer, or the costs exceed a balance.
    pub async fn less_costs(&self, later: &Self) -> anyhow::Result<Vec<(Amount, Costs)>> {
        let costs = Costs::of(&self.chain, &self.accounts, self.block, later.block).await?;
        let left = |(balance, costs): (&Amount, Costs)| {
            let left = costs.taken_from(*balance).context("the costs exceed what was there")?;
            Ok((left, costs))
        };
        self.balances.iter().zip(costs).map(left).collect()
    }
}

fn text(value: &Value, field: &str) -> anyhow::Result<String> {
    let text = value[field].as_str();
    Ok(text
        .with_context(|| format!("the answer has no {field}: {value}"))?
        .to_owned())
}
