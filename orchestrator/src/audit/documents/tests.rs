#![allow(clippy::unwrap_used)]
//! Documents that institutions really wrote, on a simulated chain, held against tables that say what it kept.
use protocol::{
    disputes::{evidence_digest, Claim, Dispute},
    registry::{Change, Roles},
    settlement::{Obligation, TransactionKind},
    text::to_hex,
    Member, VoucherId,
};
use tempfile::TempDir;

use super::{copy::Payment, *};
use crate::{
    audit::chain::{
        rebuild::{
            clearing::{keep, keep_dispute},
            stage::{Stage, REGISTRY},
        },
        Block,
    },
    settlement::tests::{
        ledger::{CLEARING, GENESIS},
        world::{World, BYSTANDER, HOME, LIMIT, NOTARY, ORIGINATOR, SECOND, THIRD},
    },
    store::Store,
};

const LAST: u32 = 1_000_000;

/// Institutions that settle payments, and an auditor.
struct Case {
    world: World,
    stage: Stage,
    folder: TempDir,
}

impl Case {
    /// A purchase that was cleared, one that was refused, and a transfer that the payee's bank was asked about.
    async fn new() -> Self {
        let mut world = World::with_three_notaries().await;
        let mut stage = Stage::new();
        for member in [ORIGINATOR, HOME, NOTARY, BYSTANDER, SECOND, THIRD] {
            let is_notary = [NOTARY, SECOND, THIRD].contains(&member);
            let role = if is_notary { Roles::NOTARY } else { Roles::PARTICIPANT };
            assert_eq!(stage.register(role), member);
        }
        let epoch = world.ledger.chain().epoch;
        while stage.domain(REGISTRY).epoch < epoch {
            stage.change(None, &Change::SetNotaryThreshold(1));
        }
        world.set_policy(HOME, "[[assistants]]\nmember = 3");
        world.order(TransactionKind::Purchase).await;
        world.settle().await;
        let mut greedy = world.request(TransactionKind::Purchase);
        greedy.amount = LIMIT + 1;
        let greedy = world.signed(greedy);
        world.house(ORIGINATOR).request_payment(greedy).await.unwrap();
        world.settle().await;
        for kept in world.ledger.chain().retentions.values() {
            let voucher = kept.relation.voucher;
            let row = world.store(ORIGINATOR).payment(voucher).await.unwrap().unwrap();
            let drawn_at = kept.relation.drawn_at;
            keep(CLEARING, &mut stage.tables, &row.voucher, drawn_at, kept.retained_in);
        }
        Self {
            world,
            stage,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Everything that a member's copy holds.
    async fn copy(&self, member: Member) -> Copy {
        let path = self.folder.path().join(format!("{}.sqlite", rand::random::<u64>()));
        let store: &Store = self.world.store(member);
        // Copied from memory, it would stay there without being told.
        let into = format!("file:{}?mode=rwc", path.display());
        sqlx::query("VACUUM INTO ?")
            .bind(into)
            .execute(&store.pool)
            .await
            .unwrap();
        Copy::open(&path).await.unwrap()
    }

    async fn payments(&self, member: Member) -> Vec<Payment> {
        let (mut copy, mut last, mut found) = (self.copy(member).await, None, Vec::new());
        while let Some((row, payment)) = copy.payment_after(last).await.unwrap() {
            last = Some(row);
            found.push(payment);
        }
        found
    }

    fn desk(&mut self) -> Desk<'_> {
        let place = Place {
            genesis: GENESIS,
            registry: REGISTRY,
        };
        let until = Block {
            number: LAST,
            ..self.stage.block
        };
        Desk {
            clearing: CLEARING,
            place,
            until,
            tables: &mut self.stage.tables,
            findings: &mut self.stage.findings,
            tally: Tally::default(),
        }
    }

    /// What is found of a payment.
    fn found(&mut self, payment: &Payment) -> Vec<String> {
        payment::check(&mut self.desk(), payment).unwrap();
        let found = std::mem::take(&mut self.stage.findings).first;
        found
            .into_iter()
            .map(|one| format!("{}: {}", one.code, one.detail))
            .collect()
    }
}

#[tokio::test]
async fn documents_as_institutions_wrote_them_are_right() {
    let mut case = Case::new().await;
    assert_eq!(case.stage.findings.first, []);
    let mut kinds = std::collections::BTreeSet::new();
    for member in [ORIGINATOR, HOME, NOTARY, SECOND, BYSTANDER] {
        for payment in case.payments(member).await {
            assert_eq!(case.found(&payment), Vec::<String>::new(), "member {member}");
            kinds.extend(payment.papers.iter().map(|paper| payment::base(&paper.kind).to_owned()));
        }
    }
    for kind in [
        "assistance",
        "attestation",
        "clearing-voucher",
        "co-consent",
        "confirmation",
        "consent",
        "payment-request",
        "refusal",
        "relation",
        "relation-draft",
        "retention-draft",
        "retention-request",
        "retention-voucher",
    ] {
        assert!(kinds.contains(kind), "{kind} of {kinds:?}");
    }
}

#[tokio::test]
async fn one_altered_byte_of_any_document_is_found() {
    let mut case = Case::new().await;
    for member in [HOME, NOTARY, SECOND] {
        for mut payment in case.payments(member).await {
            for place in 0..payment.papers.len() {
                let paper = payment.papers[place].clone();
                if ["retention-asked", "notary-rejected", "delivery"].contains(&paper.kind.as_str()) {
                    continue;
                }
                let length = paper.body.len();
                for at in (0..length).step_by(length / 12 + 1) {
                    payment.papers[place].body[at] ^= 1;
                    let found = case.found(&payment);
                    let said = String::from_utf8_lossy(&payment.papers[place].body).into_owned();
                    assert!(!found.is_empty(), "member {member}, {}, byte {at}: {said}", paper.kind);
                    payment.papers[place].body[at] ^= 1;
                }
            }
        }
    }
}

#[tokio::test]
async fn an_altered_signature_is_told_with_payment_kind_and_member() {
    let mut case = Case::new().await;
    let mut payment = case.payments(HOME).await.remove(0);
    let paper = payment
        .papers
        .iter_mut()
        .find(|paper| paper.kind == "confirmation")
        .unwrap();
    let body = String::from_utf8(paper.body.clone()).unwrap();
    let digit = body.find("\"signature\":\"0x").unwrap() + "\"signature\":\"0x".len();
    paper.body[digit] = if paper.body[digit] == b'0' { b'1' } else { b'0' };
    let place = format!("payment {}, confirmation of member {}", payment.id, paper.member);
    let found = case.found(&payment);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with(&format!("bad-signature: {place}")), "{found:?}");
}

#[tokio::test]
async fn a_row_that_says_otherwise_than_the_chain_is_found() {
    let mut case = Case::new().await;
    let payments = case.payments(HOME).await;
    let mut payment = payments.into_iter().find(|payment| payment.relation.is_some()).unwrap();
    payment.retained_in = payment.retained_in.map(|block| block + 1);
    assert!(case.found(&payment)[0].starts_with("other-block"));
    payment.retained_in = payment.retained_in.map(|block| block - 1);
    let relation = payment.relation.replace(to_hex(&[1; 32]));
    assert!(case.found(&payment)[0].starts_with("other-relation"));
    payment.relation = relation;
    payment.id = VoucherId([1; 32]).to_string();
    assert!(case.found(&payment)[0].starts_with("wrong-digest"));
    payment.body.pop();
    assert!(case.found(&payment)[0].starts_with("altered-payment"));
}

#[tokio::test]
async fn evidence_has_its_digest_and_stands_on_the_chain() {
    let mut case = Case::new().await;
    let document = b"a receipt".to_vec();
    let voucher = VoucherId([5; 32]);
    let mut evidence = copy::Evidence {
        dispute: format!("{voucher}/0"),
        paper: "claim".into(),
        digest: to_hex(&evidence_digest(&document)),
        document,
        is_own: false,
        is_done: true,
        shown: None,
    };
    let found = |case: &mut Case, evidence: &copy::Evidence| {
        disputes::check(&mut case.desk(), evidence).unwrap();
        let found = std::mem::take(&mut case.stage.findings).first;
        found.into_iter().map(|one| one.code).collect::<Vec<_>>()
    };
    assert_eq!(found(&mut case, &evidence), ["unknown-evidence"]);
    let dispute = Dispute {
        claimant: HOME,
        originator: ORIGINATOR,
        sequence: 0,
        claim: Claim {
            obligation: 0,
            amount: 1,
            evidence: evidence_digest(&evidence.document),
        },
        contested: Obligation {
            debtor: HOME,
            creditor: ORIGINATOR,
            asset: protocol::settlement::Asset::Native,
            amount: 1,
        },
        opened_at: 0,
        rule_by: 1,
        response: None,
        ruling: None,
        awarded: 0,
        is_due: false,
        paid: 0,
    };
    keep_dispute(CLEARING, &mut case.stage.tables, voucher, &dispute);
    assert_eq!(found(&mut case, &evidence), Vec::<String>::new());
    evidence.document[0] ^= 1;
    assert_eq!(found(&mut case, &evidence), ["wrong-digest"]);
}

#[tokio::test]
async fn what_is_no_institutions_database_is_refused_and_never_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing.sqlite");
    let refused = Copy::open(&path).await.unwrap_err();
    assert!(
        refused.to_string().contains("no copy of an institution's database"),
        "{refused}"
    );
    assert!(!path.exists());
    std::fs::write(&path, "a text").unwrap();
    assert!(Copy::open(&path).await.is_err());
    assert_eq!(std::fs::read(&path).unwrap(), b"a text");
}
