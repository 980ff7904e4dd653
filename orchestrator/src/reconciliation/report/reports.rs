//! Reports as they are asked for: drawn up into a file that nobody else sees, and handed out from there. Who asks is told of a
//! failure before the first byte.
use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    sync::Arc,
};

use async_trait::async_trait;
use protocol::{
    reconciliation::{BookId, Day},
    AccountId,
};

use super::{csv::Csv, draw_up, html::Html, json::Json, ports::Prover, Form, Kept, ReportError, Sink};
use crate::{reconciliation::ports::ReconciliationLedger, store::Store};

/// How many bytes are handed out at once.
const CHUNK: usize = 64 * 1024;
/// How often a report is begun anew because an entry was corrected meanwhile.
const ATTEMPTS: u32 = 3;

/// How a report looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// With all proofs.
    Json,
    /// A row for each entry.
    Csv,
    /// A page that a person reads.
    Html,
}

/// Draws up reports of the books of a contract.
pub struct Reports {
    kept: Kept,
    prover: Arc<dyn Prover>,
    genesis: [u8; 32],
    contract: AccountId,
}

/// A report that is drawn up.
#[derive(Debug)]
pub struct Drawn(File);

impl Reports {
    /// Of what is kept in the store of the ledger's contract, proven by the node.
    pub fn new(store: Store, ledger: &dyn ReconciliationLedger, prover: Arc<dyn Prover>) -> Self {
        Self {
            kept: Kept::new(store, ledger.contract()),
            prover,
            genesis: ledger.genesis(),
            contract: ledger.contract(),
        }
    }

    /// Draws up the report of a closed day.
    ///
    /// # Errors
    /// See [`ReportError`].
    pub async fn draw(&self, book: BookId, day: Day, shape: Shape) -> Result<Drawn, ReportError> {
        let mut attempt = 1;
        loop {
            match self.try_draw(book, day, shape).await {
                Err(ReportError::Changed) if attempt < ATTEMPTS => attempt = attempt.saturating_add(1),
                drawn => return drawn,
            }
        }
    }

    async fn try_draw(&self, book: BookId, day: Day, shape: Shape) -> Result<Drawn, ReportError> {
        let mut form: Box<dyn Form + Send> = match shape {
            Shape::Json => Box::<Json>::default(),
            Shape::Csv => Box::<Csv>::default(),
            Shape::Html => Box::<Html>::default(),
        };
        let file = blocking(tempfile::tempfile).await?;
        let mut spool = Spool(Arc::new(file));
        let of = (self.genesis, self.contract);
        draw_up(&self.kept, &*self.prover, of, (book, day), &mut *form, &mut spool).await?;
        let begun = blocking(move || {
            let mut file = spool.0.try_clone()?;
            file.rewind().map(|()| file)
        });
        Ok(Drawn(begun.await?))
    }
}

impl Drawn {
    /// The next bytes; nothing behind the last.
    ///
    /// # Errors
    /// The file can't be read.
    pub async fn next(self) -> io::Result<Option<(Vec<u8>, Self)>> {
        blocking(move || {
            let mut bytes = vec![0; CHUNK];
            let mut file = self.0;
            let read = file.read(&mut bytes)?;
            bytes.truncate(read);
            Ok((read > 0).then_some((bytes, Self(file))))
        })
        .await
    }
}

/// A file without a name.
struct Spool(Arc<File>);

#[async_trait]
impl Sink for Spool {
    async fn put(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        let file = self.0.clone();
        blocking(move || (&*file).write_all(&bytes)).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
