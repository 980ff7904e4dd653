//! Reconciliation of an institution that has no books, on a chain that nothing reaches.
use std::sync::Arc;

use async_trait::async_trait;
use protocol::{
    ids::TradeId,
    reconciliation::{Book, BookId, Day, DayRecord, EntryRecord},
    registry::SignerSet,
    AccountId, Member, Timestamp,
};

use crate::{
    audit::state::Nodes,
    identity::SigningKey,
    prepaid::schedule::Schedule,
    reconciliation::{
        line::Line,
        messages::{
            ClosingProposal, CoSigned, CorrectionProposal, Delivery, PageRequest, SignedStatement, StatementRequest,
        },
        ports::{Act, Block, Check, Clock, Happened, LedgerError, Partners, PeerError, ReconciliationLedger},
        report::{ports::Prover, Reports},
        treasury::NoTreasury,
        Reconciliation, Settings,
    },
    store::Store,
};

struct NoBooks;

/// An institution without books.
pub fn reconciliation(store: Store) -> Arc<Reconciliation> {
    let settings = Settings {
        member: Member(0),
        schedule: Schedule::default(),
        grace: 0,
        books: [].into(),
    };
    let key = SigningKey::load("//Alice").unwrap();
    let (ledger, partners) = (Arc::new(NoBooks), Arc::new(NoBooks));
    Reconciliation::new(
        settings,
        store,
        key,
        ledger,
        partners,
        Arc::new(NoTreasury),
        Arc::new(NoBooks),
    )
}

/// Its reports.
pub fn reports(store: Store) -> Arc<Reports> {
    Arc::new(Reports::new(store, &NoBooks, Arc::new(NoBooks)))
}

#[async_trait]
impl Prover for NoBooks {
    async fn header(&self, _: u32) -> Result<Vec<u8>, LedgerError> {
        nowhere()
    }

    async fn prove(&self, _: [u8; 32], _: &[Vec<u8>]) -> Result<Nodes, LedgerError> {
        nowhere()
    }

    async fn prove_child(&self, _: [u8; 32], _: &[u8], _: &[Vec<u8>]) -> Result<Nodes, LedgerError> {
        nowhere()
    }
}

impl Clock for NoBooks {
    fn now(&self) -> Timestamp {
        0
    }
}

fn nowhere<T>() -> Result<T, LedgerError> {
    Err(LedgerError::Unavailable("there is no chain".into()))
}

fn nobody<T>(member: Member) -> Result<T, PeerError> {
    Err(PeerError::Unreachable {
        member,
        why: "nobody is there".into(),
    })
}

#[async_trait]
impl ReconciliationLedger for NoBooks {
    fn genesis(&self) -> [u8; 32] {
        [0; 32]
    }
    fn contract(&self) -> AccountId {
        AccountId([0; 32])
    }
    fn head(&self) -> (u32, Timestamp) {
        (0, 0)
    }
    async fn next_block(&self) {
        std::future::pending().await
    }
    async fn make_block(&self, _: &str) -> Result<(), LedgerError> {
        nowhere()
    }
    async fn check(&self) -> Check {
        Check {
            name: "reconciliation-contract",
            ok: true,
            detail: "no books".into(),
        }
    }
    async fn signers(&self, _: &[Member]) -> Result<SignerSet, LedgerError> {
        nowhere()
    }
    async fn books(&self, _: &[BookId]) -> Result<Vec<Option<Book>>, LedgerError> {
        nowhere()
    }
    async fn book_of(&self, _: [u8; 32]) -> Result<Option<BookId>, LedgerError> {
        nowhere()
    }
    async fn entries(&self, _: BookId, _: &[TradeId]) -> Result<Vec<Option<EntryRecord>>, LedgerError> {
        nowhere()
    }
    async fn days(&self, _: BookId, _: &[Day]) -> Result<Vec<Option<DayRecord>>, LedgerError> {
        nowhere()
    }
    async fn first_block(&self) -> Result<u32, LedgerError> {
        nowhere()
    }
    async fn events(&self, _: u32, _: u32) -> Result<Vec<Happened>, LedgerError> {
        nowhere()
    }
    async fn carry_out(&self, _: &str, _: &Act) -> Result<Block, LedgerError> {
        nowhere()
    }
}

#[async_trait]
impl Partners for NoBooks {
    async fn deliver(&self, to: Member, _: &Delivery) -> Result<(), PeerError> {
        nobody(to)
    }
    async fn statement(&self, to: Member, _: &StatementRequest) -> Result<SignedStatement, PeerError> {
        nobody(to)
    }
    async fn page(&self, to: Member, _: &PageRequest) -> Result<Vec<Line>, PeerError> {
        nobody(to)
    }
    async fn correct(&self, to: Member, _: &CorrectionProposal) -> Result<CoSigned, PeerError> {
        nobody(to)
    }
    async fn close(&self, to: Member, _: &ClosingProposal) -> Result<CoSigned, PeerError> {
        nobody(to)
    }
}
