use protocol::{reconciliation as paper, settlement::Asset, Member, PayerId, Signature, TradeId};

use super::{super::reconciliation, agree};
use crate::reconciliation::{
    breaks::state::{Proposed, Refused},
    findings,
    line::{ChainEntry, Line},
    messages,
};

#[test]
fn terms_of_books() {
    agree::<_, reconciliation::BookTerms>(&paper::Terms {
        client: Member(3),
        debit: Member(1),
        credit: Member(2),
        asset: Asset::Native,
        zone: b"Europe/Berlin".to_vec(),
        patience: 86_400_000,
        number: 7,
    });
}

fn entry() -> paper::Entry {
    paper::Entry {
        trade: TradeId([1; 32]),
        payer: PayerId([2; 32]),
        amount: u128::MAX,
        time: 3,
    }
}

fn cause() -> paper::Cause {
    paper::Cause {
        kind: paper::Kind::WrongDay,
        side: paper::Side::Credit,
    }
}

fn line(payer: Option<PayerId>) -> Line {
    Line {
        trade: TradeId([1; 32]),
        number: u64::MAX,
        day: paper::Day(20_783),
        amount: 5,
        asset: Asset::Native,
        payer,
        time: payer.map(|_| 6),
    }
}

fn correction() -> paper::Correction {
    paper::Correction {
        book: paper::BookId(1),
        trade: TradeId([1; 32]),
        number: 2,
        day: paper::Day(3),
        causes: vec![cause()],
        debit: Some(4),
        credit: None,
        amount: 5,
        payer: PayerId([6; 32]),
        time: 7,
        evidence: [8; 32],
        expires_at: 9,
    }
}

fn closing() -> paper::Closing {
    paper::Closing {
        book: paper::BookId(1),
        day: paper::Day(2),
        matched: 3,
        breaks: 4,
        total: -5,
        debit_book: [6; 32],
        credit_book: [7; 32],
        expires_at: 8,
    }
}

#[test]
fn lines_statements_and_what_is_asked_of_them() {
    agree::<_, reconciliation::BookLine>(&line(Some(PayerId([2; 32]))));
    agree::<_, reconciliation::BookLine>(&line(None));
    let statement = messages::Statement {
        book: paper::BookId(1),
        side: paper::Side::Debit,
        day: paper::Day(2),
        lines: 3,
        total: 4,
        digest: [5; 32],
        at: 6,
    };
    agree::<_, reconciliation::BookStatement>(&statement);
    agree::<_, reconciliation::SignedBookStatement>(&messages::SignedStatement {
        statement,
        epoch: 7,
        signature: Signature([8; 64]),
    });
    agree::<_, reconciliation::BookStatementRequest>(&messages::StatementRequest {
        book: paper::BookId(1),
        day: paper::Day(2),
        block: 3,
    });
    agree::<_, reconciliation::BookPageRequest>(&messages::PageRequest {
        book: paper::BookId(1),
        digest: [2; 32],
        page: 3,
    });
    agree::<_, reconciliation::BookDelivery>(&messages::Delivery {
        book: paper::BookId(1),
        side: paper::Side::Credit,
        day: paper::Day(2),
        batch: Some(paper::BatchId([3; 32])),
        entries: vec![entry()],
    });
}

#[test]
fn findings_and_what_is_counted() {
    let known = ChainEntry {
        entry: entry(),
        day: paper::Day(4),
        batch: None,
        corrections: 5,
        block: 6,
        block_hash: [7; 32],
        event: 8,
    };
    agree::<_, reconciliation::BreakFinding>(&findings::Finding {
        trade: TradeId([1; 32]),
        day: paper::Day(4),
        causes: vec![cause()],
        entry: Some(known),
        batch: Some(findings::Sums {
            debit: Some(1),
            credit: None,
        }),
        debit: vec![line(None)],
        credit: vec![],
        is_expected: false,
    });
    agree::<_, reconciliation::RunSummary>(&findings::Summary {
        entries: 1,
        total: 2,
        matched: 3,
        rounded: 4,
        in_batches: 5,
        debit_lines: 6,
        credit_lines: 7,
        breaks: 8,
        expected: 9,
    });
}

#[test]
fn corrections_closings_and_the_answers_to_them() {
    agree::<_, reconciliation::CorrectionProposal>(&messages::CorrectionProposal {
        correction: correction(),
        epoch: 1,
        signature: Signature([2; 64]),
        comment: Some("see the receipt".into()),
    });
    agree::<_, reconciliation::ProposedCorrection>(&Proposed {
        correction: correction(),
        epoch: 1,
        debit: None,
        credit: Some(Signature([2; 64])),
        is_ours: true,
        comment: None,
    });
    agree::<_, reconciliation::ClosingProposal>(&messages::ClosingProposal {
        closing: closing(),
        epoch: 1,
        signature: Signature([2; 64]),
    });
    agree::<_, reconciliation::DayClosed>(&paper::Closed {
        id: [1; 32],
        payable: 0,
        carried: -2,
        at: 3,
        is_default: true,
    });
    use messages::RefusalCode::{BreaksOpen, Differs, NoSuchBreak, Rejected, Stale, StaleEpoch, TooEarly};
    for code in [StaleEpoch, Stale, NoSuchBreak, Rejected, BreaksOpen, Differs, TooEarly] {
        agree::<_, reconciliation::RefusedCorrection>(&Refused {
            code,
            reason: "no".into(),
            correction: [1; 32],
            is_ours: false,
        });
        let reason = "no".to_owned();
        agree::<_, reconciliation::CoSigned>(&messages::CoSigned::Refused { code, reason });
    }
    agree::<_, reconciliation::CoSigned>(&messages::CoSigned::Pending);
    agree::<_, reconciliation::CoSigned>(&messages::CoSigned::Signed {
        signature: Signature([2; 64]),
    });
}
