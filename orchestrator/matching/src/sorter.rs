//! Sorts what doesn't fit into memory: whenever there is too much of it, what there is goes to a temporary file as a sorted
//! run; then all runs are merged. What does fit never leaves memory.
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
    ops::Range,
    os::unix::fs::FileExt,
    sync::Arc,
};

use scale::{Decode, Encode, IoReader};

/// How much of each run is in memory while they are merged, in bytes.
const CHUNK: usize = 16 * 1024;

/// Something that is sorted.
pub trait Record: Encode + Decode + Clone {
    /// By what. Records of one key come in any order.
    type Key: Ord;
    /// Its own.
    fn key(&self) -> Self::Key;
}

/// Takes records in any order.
pub struct Sorter<T> {
    /// The most records in memory.
    room: usize,
    kept: Vec<T>,
    spilled: Option<Spilled>,
}

/// Runs that were written, one behind the other.
struct Spilled {
    file: Arc<File>,
    runs: Vec<Range<u64>>,
}

/// Gives them back in order, as often as they are asked for.
pub struct Sorted<T> {
    kept: Arc<Vec<T>>,
    spilled: Option<Spilled>,
}

impl<T: Record> Sorter<T> {
    /// With room for so many records in memory.
    pub const fn new(room: usize) -> Self {
        Self {
            room,
            kept: Vec::new(),
            spilled: None,
        }
    }

    /// Takes one.
    pub fn push(&mut self, record: T) -> io::Result<()> {
        if self.kept.len() >= self.room {
            self.spill()?;
        }
        self.kept.push(record);
        Ok(())
    }

    /// No more will come.
    pub fn sorted(mut self) -> io::Result<Sorted<T>> {
        if self.spilled.is_some() {
            self.spill()?;
        }
        self.kept.sort_unstable_by_key(Record::key);
        Ok(Sorted {
            kept: Arc::new(self.kept),
            spilled: self.spilled,
        })
    }

    fn spill(&mut self) -> io::Result<()> {
        self.kept.sort_unstable_by_key(Record::key);
        let mut spilled = match self.spilled.take() {
            Some(spilled) => spilled,
            None => Spilled {
                file: Arc::new(tempfile::tempfile()?),
                runs: Vec::new(),
            },
        };
        let start = spilled.runs.last().map_or(0, |run| run.end);
        let mut writer = BufWriter::with_capacity(CHUNK, &*spilled.file);
        let mut end = start;
        for record in self.kept.drain(..) {
            let encoded = record.encode();
            end = end.saturating_add(encoded.len() as u64);
            writer.write_all(&encoded)?;
        }
        writer.flush()?;
        drop(writer);
        spilled.runs.push(start..end);
        self.spilled = Some(spilled);
        Ok(())
    }
}

impl<T: Record> Sorted<T> {
    /// All of them, in order.
    pub fn records(&self) -> io::Result<Records<T>> {
        let mut records = Records {
            kept: Arc::clone(&self.kept),
            next: 0,
            runs: Vec::new(),
            heads: BinaryHeap::new(),
        };
        if let Some(Spilled { file, runs }) = &self.spilled {
            records.runs.extend(runs.iter().map(|run| Run::new(file, run)));
        }
        for (place, run) in records.runs.iter_mut().enumerate() {
            if let Some(key) = run.advance()? {
                records.heads.push(Reverse((key, place)));
            }
        }
        Ok(records)
    }
}

/// Records in order.
pub struct Records<T: Record> {
    /// All of them, where there are no runs.
    kept: Arc<Vec<T>>,
    next: usize,
    runs: Vec<Run<T>>,
    /// Which of the runs have what next.
    heads: BinaryHeap<Reverse<(T::Key, usize)>>,
}

impl<T: Record> Records<T> {
    /// The next one.
    pub fn next(&mut self) -> io::Result<Option<T>> {
        if let Some(record) = self.kept.get(self.next) {
            self.next = self.next.saturating_add(1);
            return Ok(Some(record.clone()));
        }
        let Some(Reverse((_, place))) = self.heads.pop() else {
            return Ok(None);
        };
        let Some(run) = self.runs.get_mut(place) else {
            return Ok(None);
        };
        let record = run.head.take();
        if let Some(key) = run.advance()? {
            self.heads.push(Reverse((key, place)));
        }
        Ok(record)
    }
}

/// A run, and its next record.
struct Run<T> {
    reader: BufReader<Part>,
    head: Option<T>,
}

impl<T: Record> Run<T> {
    fn new(file: &Arc<File>, rest: &Range<u64>) -> Self {
        let part = Part {
            file: Arc::clone(file),
            rest: rest.clone(),
        };
        Self {
            reader: BufReader::with_capacity(CHUNK, part),
            head: None,
        }
    }

    /// Reads the next record, and returns its key.
    fn advance(&mut self) -> io::Result<Option<T::Key>> {
        if self.reader.buffer().is_empty() && self.reader.get_ref().rest.is_empty() {
            return Ok(None);
        }
        let record = T::decode(&mut IoReader(&mut self.reader)).map_err(io::Error::other)?;
        let key = record.key();
        self.head = Some(record);
        Ok(Some(key))
    }
}

/// A part of a file, whatever else reads the file.
struct Part {
    file: Arc<File>,
    rest: Range<u64>,
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.rest.end.saturating_sub(self.rest.start);
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self
            .file
            .read_at(buffer.get_mut(..most).unwrap_or_default(), self.rest.start)?;
        if read == 0 && most > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.rest.start = self.rest.start.saturating_add(read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
    struct Number(u16, Vec<u8>);

    impl Record for Number {
        type Key = Self;
        fn key(&self) -> Self {
            self.clone()
        }
    }

    fn all(sorted: &Sorted<Number>) -> Vec<Number> {
        let mut records = sorted.records().unwrap();
        std::iter::from_fn(|| records.next().unwrap()).collect()
    }

    proptest! {
        #[test]
        fn what_is_spilled_comes_back_in_order_and_as_often_as_asked(
            numbers in proptest::collection::vec((any::<u16>(), proptest::collection::vec(any::<u8>(), 0..5)), 0..300),
            room in 1usize..40,
        ) {
            let mut sorter = Sorter::new(room);
            let mut expected = Vec::new();
            for (number, bytes) in numbers {
                sorter.push(Number(number, bytes.clone())).unwrap();
                prop_assert!(sorter.kept.len() <= room);
                expected.push(Number(number, bytes));
            }
            expected.sort();
            let sorted = sorter.sorted().unwrap();
            prop_assert_eq!(all(&sorted), expected.clone());
            prop_assert_eq!(all(&sorted), expected);
        }
    }
}
