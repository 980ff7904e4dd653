//! S0.13: a payment is claimed back, answered, and given back in part. Everybody concerned has both documents, whose digests
//! the chain shows; the money that goes back comes from who was paid.
use protocol::disputes::{evidence_digest, Ruling};
use quittance::http::{
    disputes::{DisputePage, DisputeView},
    statement::StatementView,
};
use time::{format_description::well_known::Iso8601, OffsetDateTime};

use crate::{
    contesting::{available, paid, refund, ruling, settlement_command},
    network::{TestNetwork, AMOUNT},
};

const AWARD: u128 = AMOUNT / 4;
const CLAIM: &str = "order 17 never came";
/// No text.
const ANSWER: [u8; 5] = [0xff, 0, 1, 2, 0xfe];

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_claimed_back_answered_and_given_back_in_part() {
    let test = TestNetwork::start_with(|options| options.others = 1).await;
    let (originator, home, notary) = (&test.network.originator, &test.network.home, &test.network.notary);
    let voucher = paid(&test).await;
    let before = available(&test).await;
    let id = voucher.to_string();
    let claimed = (AMOUNT / 2).to_string();

    let opened = settlement_command(
        &test,
        home,
        &[
            "dispute",
            "open",
            &id,
            "--amount",
            &claimed,
            "--evidence",
            CLAIM,
            "--wait",
            "--json",
        ],
    );
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    let opened: DisputeView = serde_json::from_slice(&opened.stdout).unwrap();
    assert_eq!(opened.summary.state, "opened");
    let has_claim = |seen: &DisputeView| seen.claim_evidence.is_some();
    for institution in [originator, notary] {
        let seen = institution.sees_dispute(voucher, has_claim).await.unwrap();
        assert_eq!(
            seen.claim_evidence.unwrap().text(),
            Some(CLAIM),
            "at {}",
            institution.name
        );
    }

    let file = test.network.options.directory.join("receipt");
    std::fs::write(&file, ANSWER).unwrap();
    let file = file.display().to_string();
    let answered = settlement_command(&test, originator, &["dispute", "answer", &id, "--evidence-file", &file]);
    assert!(
        answered.status.success(),
        "{}",
        String::from_utf8_lossy(&answered.stderr)
    );
    let has_answer = |seen: &DisputeView| seen.answer_evidence.is_some();
    for institution in [home, notary] {
        let seen = institution.sees_dispute(voucher, has_answer).await.unwrap();
        let dispute = seen.summary.dispute.unwrap();
        assert_eq!(seen.answer_evidence.unwrap().bytes(), ANSWER, "at {}", institution.name);
        assert_eq!(dispute.claim.evidence, evidence_digest(CLAIM.as_bytes()));
        assert_eq!(dispute.response.unwrap().evidence, evidence_digest(&ANSWER));
    }

    test.network
        .decide(ruling(voucher, Ruling::Partial(AWARD)))
        .await
        .unwrap();
    for institution in [originator, home, notary] {
        let ended = institution
            .sees_dispute(voucher, |seen| seen.summary.is_final)
            .await
            .unwrap();
        assert_eq!(
            ended.summary.state, "paid",
            "at {}: {:?}",
            institution.name, ended.history
        );
        let dispute = ended.summary.dispute.unwrap();
        assert_eq!((dispute.awarded, dispute.paid), (AWARD, AWARD));
    }
    assert_eq!(available(&test).await, [before[0] - AWARD, before[1] + AWARD]);

    let award = i128::try_from(AWARD).unwrap();
    let date = OffsetDateTime::now_utc().date().format(&Iso8601::DATE).unwrap();
    for (institution, kind, amount) in [(originator, "award-paid", -award), (home, "award-received", award)] {
        let path = format!("/v1/statement?date={date}");
        let statement: StatementView = institution.api().unwrap().get(&path).await.unwrap();
        let [account] = statement.accounts.as_slice() else {
            panic!("one asset: {:?}", statement.accounts);
        };
        assert!(account.adds_up, "{account:?}");
        let mut entries = account.movements.iter();
        assert!(
            entries.any(|entry| (entry.kind.as_str(), entry.available) == (kind, amount)),
            "{account:?}"
        );
    }

    // Who has nothing to do with it knows nothing of it.
    let page: DisputePage = test.network.others[0].api().unwrap().get("/v1/disputes").await.unwrap();
    assert!(page.disputes.is_empty());
    let listed = settlement_command(&test, home, &["disputes", "--csv", "--state", "paid"]);
    let rows = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(rows.lines().count(), 2, "{rows}");
    let saved = test.network.options.directory.join("evidence");
    let folder = saved.display().to_string();
    let shown = settlement_command(&test, notary, &["dispute", "show", &id, "--save", &folder]);
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    assert_eq!(std::fs::read(saved.join("answer")).unwrap(), ANSWER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_and_a_dispute_give_back_no_more_than_was_paid() {
    let test = TestNetwork::start().await;
    let voucher = paid(&test).await;
    let home = &test.network.home;
    home.open_dispute(voucher, CLAIM, serde_json::json!({})).await.unwrap();
    let is_open = |seen: &DisputeView| seen.summary.state == "opened";
    test.network.notary.sees_dispute(voucher, is_open).await.unwrap();
    refund(&test, voucher).await;
    let after = available(&test).await;
    for ruled in [Ruling::Reverse, Ruling::Partial(1)] {
        let refused = test
            .network
            .decide(ruling(voucher, ruled))
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains("AbovePaid"), "{refused}");
    }
    assert_eq!(available(&test).await, after);

    let second = paid(&test).await;
    refund(&test, second).await;
    let refused = home
        .open_dispute(second, CLAIM, serde_json::json!({}))
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("above-paid"), "{refused}");
    test.network.decide(ruling(voucher, Ruling::Uphold)).await.unwrap();
    let ended = home.sees_dispute(voucher, |seen| seen.summary.is_final).await.unwrap();
    assert_eq!(ended.summary.state, "upheld");
}
