//! Files as they are read: bounded, and with the place of what is wrong.
use std::io::{self, BufRead, Read};

use super::{BadLine, MAX_LINE};

/// What a file begins with, that says how its letters are written.
const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];
const UTF16_MARKS: [&[u8]; 2] = [&[0xff, 0xfe], &[0xfe, 0xff]];

/// Where something stands in a file, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The byte's place in the line.
    pub column: u64,
}

impl Place {
    pub const fn start() -> Self {
        Self { line: 1, column: 1 }
    }

    /// After these bytes.
    pub fn after(self, bytes: &[u8]) -> Self {
        bytes.iter().fold(self, |place, byte| match byte {
            b'\n' => Self {
                line: place.line.saturating_add(1),
                column: 1,
            },
            // A letter of several bytes is one.
            0x80..=0xbf => place,
            _ => Self {
                column: place.column.saturating_add(1),
                ..place
            },
        })
    }

    /// Something is wrong here.
    pub fn bad(self, problem: impl Into<String>) -> BadLine {
        BadLine {
            line: self.line,
            column: self.column,
            problem: problem.into(),
        }
    }
}

/// What is said of whatever is longer than [`MAX_LINE`].
pub fn too_long() -> String {
    format!(
        "this is longer than {MAX_LINE} bytes: no line of a book is. Is a quote not closed, or is it another format?"
    )
}

/// What is said where the file itself can't be read.
pub fn broke_off(error: &io::Error) -> String {
    format!("the file can't be read here: {error}")
}

/// Passes a mark over that says UTF-8.
///
/// # Errors
/// The mark says another encoding, or the file can't be read.
pub fn begin(source: &mut impl BufRead) -> Result<(), BadLine> {
    let start = Place::start();
    let first = source.fill_buf().map_err(|error| start.bad(broke_off(&error)))?;
    if UTF16_MARKS.iter().any(|mark| first.starts_with(mark)) {
        return Err(start.bad("the file is written in UTF-16: save it as UTF-8"));
    }
    if first.starts_with(UTF8_MARK) {
        source.consume(UTF8_MARK.len());
    }
    Ok(())
}

/// Bytes as text.
///
/// # Errors
/// They aren't UTF-8: where they begin not to be.
pub fn text(bytes: &[u8], at: Place) -> Result<&str, BadLine> {
    std::str::from_utf8(bytes).map_err(|error| {
        let (before, _) = bytes.split_at_checked(error.valid_up_to()).unwrap_or_default();
        at.after(before).bad("this isn't UTF-8: save the file as UTF-8")
    })
}

/// What came of looking for the next line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Got {
    /// It is there, without its end.
    Line,
    /// It is too long, and passed over.
    TooLong,
    /// There is none.
    End,
}

/// The next line of a file.
///
/// # Errors
/// The file can't be read.
pub fn next_line(source: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Got> {
    line.clear();
    let most = u64::try_from(MAX_LINE).unwrap_or(u64::MAX).saturating_add(1);
    if source.by_ref().take(most).read_until(b'\n', line)? == 0 {
        return Ok(Got::End);
    }
    if line.ends_with(b"\n") {
        line.pop();
        if line.ends_with(b"\r") {
            line.pop();
        }
    } else if line.len() > MAX_LINE {
        source.skip_until(b'\n')?;
        return Ok(Got::TooLong);
    }
    Ok(Got::Line)
}

/// Hands a file on, and knows how far it is; at most so much at a time.
pub struct Counted<R> {
    source: R,
    /// Where the next byte stands.
    place: Place,
    /// How many bytes may still be handed on.
    left: usize,
}

impl<R: BufRead> Counted<R> {
    pub const fn new(source: R) -> Self {
        Self {
            source,
            place: Place::start(),
            left: MAX_LINE,
        }
    }

    /// Where the next byte stands.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// As much again may be handed on.
    pub const fn refill(&mut self) {
        self.left = MAX_LINE;
    }

    /// Whether it was too much.
    pub const fn is_spent(&self) -> bool {
        self.left == 0
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let available = self.source.fill_buf()?;
        if self.left == 0 && !available.is_empty() {
            return Err(io::Error::other(too_long()));
        }
        Ok(available.get(..self.left).unwrap_or(available))
    }

    fn consume(&mut self, amount: usize) {
        if let Some(passed) = self
            .source
            .fill_buf()
            .ok()
            .and_then(|available| available.get(..amount))
        {
            self.place = self.place.after(passed);
        }
        self.left = self.left.saturating_sub(amount);
        self.source.consume(amount);
    }
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let read = available.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}
