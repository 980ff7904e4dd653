//! A file on its way to a reader that reads ahead: at most so much for each record, and which line is where.
use std::{
    collections::VecDeque,
    io::{self, BufRead, Read},
};

use super::super::{source, MAX_LINE};

/// Hands a file on, as much as a record may have.
pub struct Metered<R> {
    source: R,
    /// How many bytes may still be handed on.
    left: usize,
    /// How many were.
    passed: u64,
    /// How many quotes there were among them.
    quotes: u64,
    /// Whether the last one ended a line.
    ends_line: bool,
    /// The ends of lines that no record was behind yet: where they stand, and which byte it is.
    ends: VecDeque<(u64, u8)>,
    /// The line behind those before.
    line: u64,
}

impl<R: BufRead> Metered<R> {
    pub const fn new(source: R) -> Self {
        Self {
            source,
            left: MAX_LINE,
            passed: 0,
            quotes: 0,
            ends_line: true,
            ends: VecDeque::new(),
            line: 1,
        }
    }

    /// As much again may be handed on.
    pub const fn refill(&mut self) {
        self.left = MAX_LINE;
    }

    /// Whether it was too much.
    pub const fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// Whether the file ended with an open quote, as far as that can be told: quotes that aren't closed, and no end of the last
    /// line but in the last column.
    pub fn ends_in_quotes(&self, last: Option<&[u8]>) -> bool {
        let is_swallowed = last.is_some_and(|last| last.contains(&b'\n'));
        self.quotes % 2 == 1 && (is_swallowed || !self.ends_line)
    }

    /// The line of a record that begins at this byte, or behind empty lines that begin there. Asked in the file's order.
    pub fn line_at(&mut self, mut byte: u64) -> u64 {
        while let Some((at, end)) = self.ends.front().copied().filter(|(at, _)| *at <= byte) {
            self.ends.pop_front();
            if at == byte {
                byte = byte.saturating_add(1);
            }
            // Of both together, the second one counts.
            let is_first_half = end == b'\r' && self.ends.front() == Some(&(at.saturating_add(1), b'\n'));
            if !is_first_half {
                self.line = self.line.saturating_add(1);
            }
        }
        self.line
    }

    fn note(&mut self, bytes: &[u8]) {
        for (byte, at) in bytes.iter().zip(self.passed..) {
            match byte {
                b'\n' | b'\r' => self.ends.push_back((at, *byte)),
                b'"' => self.quotes = self.quotes.saturating_add(1),
                _ => {}
            }
        }
        if let Some(last) = bytes.last() {
            self.ends_line = matches!(last, b'\n' | b'\r');
        }
        self.passed = self
            .passed
            .saturating_add(u64::try_from(bytes.len()).unwrap_or_default());
        self.left = self.left.saturating_sub(bytes.len());
    }
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.left);
        let Some(part) = buffer.get_mut(..most).filter(|part| !part.is_empty()) else {
            return match self.source.fill_buf()? {
                [] => Ok(0),
                _ => Err(io::Error::other(source::too_long())),
            };
        };
        let read = self.source.read(part)?;
        self.note(part.get(..read).unwrap_or_default());
        Ok(read)
    }
}
