//! A credit node's limit is computed from what the chain tells of the payer, and an auditor gets the same from the chain alone;
//! evidence that was altered is contradicted. Who owes what is overdue gets nothing new.
use quittance::{
    devnet::{Wanted, BASE},
    http::credit::debts::RepayRequest,
};

use crate::{
    lending::{Lending, AMOUNT},
    network::over,
};

impl Lending {
    async fn repay(&self, id: protocol::RequestId, amount: u128) {
        let repay = RepayRequest { amount };
        self.node.write(0, &format!("debts/{id}/repay"), &repay).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_term_is_what_the_chain_tells_and_an_auditor_finds_the_same() {
    let lending = Lending::start().await;
    let on_time = lending.pay().await;
    // Due some seconds from now.
    let brief = Wanted {
        pay_within: 10_000,
        hold: 5_000,
        term: 1,
        ..Wanted::of(AMOUNT)
    };
    let (late, never) = (lending.pay_as(brief).await, lending.pay_as(brief).await);
    for id in [on_time, late, never] {
        lending.confirmed(id, "before anything is due").await;
    }
    lending.repay(on_time, AMOUNT).await;
    let due = lending.debt(never).await.unwrap().due_at;
    over(due.max(lending.debt(late).await.unwrap().due_at)).await;

    let more = lending.pay().await;
    let refused = lending.sees(more, "refused").await.refusal.unwrap();
    assert_eq!(refused.code, "overdue", "{}", refused.detail);
    assert!(
        lending.debt(never).await.unwrap().is_overdue,
        "marked before it was looked at"
    );
    lending.repay(late, AMOUNT / 2).await;

    let scored = lending.node.score().await.unwrap().score;
    let (record, score) = (scored.evidence.record, scored.evidence.score);
    assert_eq!(record.repaid_on_time, AMOUNT);
    assert_eq!(record.repaid_late, AMOUNT / 2);
    assert_eq!(record.committed, 3 * AMOUNT);
    assert_eq!(record.overdue, AMOUNT + AMOUNT / 2);
    let expected = BASE + score.on_time + score.volume - score.late - score.overdue;
    assert_eq!(score.limit, expected);
    assert!(
        score.on_time > 0 && score.volume > 0 && score.late > 0 && score.overdue > 0,
        "{score:?}"
    );

    let options = &lending.network.options;
    let audited = lending.node.verify_score(options, &scored).await.unwrap();
    assert!(audited.is_ok(), "{audited:?}");
    let mut altered = scored.clone();
    altered.evidence.record.repaid_on_time += 1;
    let contradicted = lending.node.verify_score(options, &altered).await.unwrap();
    let said = contradicted.unwrap_err();
    assert!(said.contains("record.repaid_on_time"), "{said}");
}
