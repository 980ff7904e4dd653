//! Everything that a message could change.
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use protocol::{clearing::Balance, text::to_hex};
use quittance::{
    chain::{Follower, Head},
    devnet::Institution,
    settlement::ports::Ledger,
};
use serde_json::{json, Value};
use sqlx::{Connection, SqliteConnection};

use crate::network::{TestNetwork, PATIENCE};

const MONEY: [&str; 4] = ["users", "holds", "payouts", "account_entries"];
const PAPERS: [&str; 3] = ["payments", "payment_documents", "payment_history"];
const LOOK: Duration = Duration::from_millis(10);

/// Every row of some tables, by institution and table.
type Rows = BTreeMap<(String, &'static str), Vec<String>>;

#[derive(Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The finalized block. As long as it is the same one, no contract's storage changed and no event was emitted.
    pub head: Head,
    /// Of originator and home bank, in the clearing contract.
    pub balances: (Balance, Balance),
    /// What each institution's users have, what is on hold, paid out, booked.
    pub money: Rows,
    /// What each institution knows of payments, and who signed what.
    pub papers: Rows,
}

impl Snapshot {
    /// Now, whatever `follower` and the ledger have heard of so far.
    pub async fn take(test: &TestNetwork, follower: &Follower) -> Self {
        let finalized = finalized(&test.network.url).await;
        let start = Instant::now();
        while to_hex(&follower.head().hash) != finalized
            || test.ledger.time().await.unwrap() != follower.head().timestamp
        {
            assert!(
                start.elapsed() < Duration::from_secs(PATIENCE),
                "nobody hears of {finalized}"
            );
            tokio::time::sleep(LOOK).await;
        }
        Self {
            head: follower.head(),
            balances: test.balances().await,
            money: rows(test, &MONEY).await,
            papers: rows(test, &PAPERS).await,
        }
    }

    /// How many rows an institution has in a table.
    pub fn count(&self, institution: &Institution, table: &'static str) -> usize {
        let of_it = (institution.name.clone(), table);
        self.money
            .get(&of_it)
            .or_else(|| self.papers.get(&of_it))
            .unwrap()
            .len()
    }
}

/// The hash of the finalized block, from the node itself.
async fn finalized(node: &str) -> String {
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "chain_getFinalizedHead", "params": [] });
    let url = node.replace("ws://", "http://");
    let response = reqwest::Client::new().post(url).json(&call).send().await.unwrap();
    let answer: Value = response.json().await.unwrap();
    answer["result"].as_str().unwrap().to_owned()
}

async fn rows(test: &TestNetwork, tables: &[&'static str]) -> Rows {
    let mut all = Rows::new();
    for institution in [&test.network.originator, &test.network.home, &test.network.notary] {
        let database = format!("sqlite:{}?mode=ro", institution.database().display());
        let mut connection = SqliteConnection::connect(&database).await.unwrap();
        for table in tables {
            let rows = rows_of(&mut connection, table).await;
            all.insert((institution.name.clone(), *table), rows);
        }
        connection.close().await.unwrap();
    }
    all
}

async fn rows_of(connection: &mut SqliteConnection, table: &str) -> Vec<String> {
    let columns: Vec<(String,)> = sqlx::query_as("SELECT 'quote(' || name || ')' FROM pragma_table_info(?)")
        .bind(table)
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    let columns: Vec<String> = columns.into_iter().map(|(column,)| column).collect();
    let query = format!("SELECT {} FROM {table} ORDER BY 1", columns.join(" || ' ' || "));
    let rows: Vec<(String,)> = sqlx::query_as(&query).fetch_all(connection).await.unwrap();
    rows.into_iter().map(|(row,)| row).collect()
}
