//! A book between two banks of a network, whose client is a third one: real node, real orchestrators.
use protocol::{
    reconciliation::{BookId, Day, DayRecord, Side},
    settlement::Asset,
    Amount,
};
use quittance::{
    devnet::{
        reconciliation::{BookPlan, Keeping, PlantedDay, SharedBook},
        Institution, Network, Options,
    },
    reconciliation::ports::ReconciliationLedger,
    settlement::ports::Ledger,
};
use tempfile::TempDir;

use crate::network::DEPOSIT;

pub struct Reckoning {
    pub network: Network,
    pub book: SharedBook,
    _directory: TempDir,
}

impl Reckoning {
    /// A book that is open: the home bank owes the originator what customers pay at a third bank.
    pub async fn open(debit: Keeping, credit: Keeping) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut options = Options::built(directory.path().to_owned()).unwrap();
        options.others = 1;
        let mut network = Network::start(options, &|_| ()).await.unwrap();
        network.deposit(&network.home, DEPOSIT).await.unwrap();
        let plan = BookPlan {
            client: network.others[0].member,
            debit: (network.home.member, debit),
            credit: (network.originator.member, credit),
        };
        let book = network.open_book(plan).await.unwrap();
        Self {
            network,
            book,
            _directory: directory,
        }
    }

    /// Everything of a day: on the chain and in both books, as it was planted.
    pub async fn fill(&self, planted: &PlantedDay) {
        self.book.record(&self.network, &planted.payments).await.unwrap();
        self.import(planted).await;
    }

    /// Both books of a day, as they were planted.
    pub async fn import(&self, planted: &PlantedDay) {
        for side in [Side::Debit, Side::Credit] {
            let name = format!("day-{}", planted.day.0);
            let lines = planted.lines(side);
            self.book.import(&self.network, side, (&name, lines)).await.unwrap();
        }
    }

    /// Both sides match a day.
    pub async fn run(&self, day: Day) {
        for side in [Side::Credit, Side::Debit] {
            self.book.run(&self.network, side, day).await.unwrap();
        }
    }

    /// Whoever does this in the book.
    pub fn who(&mut self, side: Side) -> &mut Institution {
        let member = self.book.of(side);
        self.network.member_mut(member).unwrap()
    }

    /// What the finalized chain keeps of a day, read from the node itself.
    pub async fn record(&self, day: Day) -> DayRecord {
        let ledger = self.network.reconciliation().await.unwrap();
        let book = BookId(self.book.book);
        ledger.days(book, &[day]).await.unwrap().remove(0).unwrap()
    }

    /// What the credit side was paid so far, by its settlement balance on the chain.
    pub async fn received(&self) -> Amount {
        let ledger = self.network.ledger().await.unwrap();
        let credit = self.book.of(Side::Credit);
        ledger.balance(credit, Asset::Native).await.unwrap().available
    }

    /// Waits until a day is paid; then everybody has the same, and the total is what it should be.
    pub async fn is_paid(&self, planted: &PlantedDay) {
        let day = planted.day;
        self.book
            .day_is(&self.network, Side::Debit, day, &["paid"])
            .await
            .unwrap();
        self.book
            .day_is(&self.network, Side::Credit, day, &["closed", "paid"])
            .await
            .unwrap();
        let record = self.record(day).await;
        let closed = record.closed.unwrap();
        assert_eq!((closed.payable, closed.is_default), (planted.total, false));
        for side in [Side::Debit, Side::Credit] {
            let dry = self.book.dry_run(&self.network, side, day).await.unwrap();
            let found = &dry.findings;
            assert_eq!((dry.summary.breaks, dry.summary.expected), (0, 0), "{found:#?}");
            assert_eq!(dry.summary.matched, u64::from(record.entries), "{found:#?}");
            assert_eq!(dry.summary.total, planted.total);
        }
    }
}
