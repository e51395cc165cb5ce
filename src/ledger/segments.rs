//! Reading the segments as the one sequence of bytes they are.

use std::io;

use super::{Error, Medium, Position};

/// The folder of the segments.
pub(super) const FOLDER: &str = "ledger";
const CHUNK: usize = 256 * 1024;

/// One segment file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Where its first byte stands in the ledger.
    pub(super) start: u64,
    /// Its length in bytes.
    pub(super) len: u64,
}

impl Segment {
    pub(super) fn name(start: u64) -> String {
        format!("{FOLDER}/{start:020}.log")
    }

    fn end(&self) -> u64 {
        self.start.saturating_add(self.len)
    }
}

/// All segments in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Segments(Vec<Segment>);

impl Segments {
    /// Looks what is there.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] if one is missing or has a wrong length.
    pub(super) fn list(medium: &dyn Medium) -> Result<Self, Error> {
        let mut all: Vec<Segment> = Vec::new();
        for file in medium.list(FOLDER).map_err(Error::io("list", FOLDER))? {
            let start = file.strip_suffix(".log").filter(|digits| digits.len() == 20);
            let Some(start) = start.and_then(|digits| digits.parse().ok()) else { continue };
            let name = Segment::name(start);
            let len = medium.len(&name).map_err(Error::io("look at", &name))?.unwrap_or_default();
            let expected = all.last().map_or(0, Segment::end);
            if start != expected {
                let what = format!("the segment that begins here is missing or cut; the next one is {name}");
                return Err(Error::Corrupt { position: Position(expected), what });
            }
            all.push(Segment { start, len });
        }
        Ok(Self(all))
    }

    /// Where the ledger ends.
    pub(super) fn end(&self) -> u64 {
        self.0.last().map_or(0, Segment::end)
    }

    /// The last segment.
    pub(super) fn last(&self) -> Option<Segment> {
        self.0.last().copied()
    }

    fn holding(&self, position: u64) -> Option<Segment> {
        let after = self.0.partition_point(|segment| segment.start <= position);
        let segment = self.0.get(after.checked_sub(1)?)?;
        (position < segment.end()).then_some(*segment)
    }
}

/// Lines from a position on, oldest first. A line does not cross segments.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    medium: &'a dyn Medium,
    segments: &'a Segments,
    /// Where `buffer` begins.
    position: u64,
    buffer: Vec<u8>,
    /// How much of `buffer` was handed out.
    used: usize,
    chunk: usize,
}

/// What stands at a position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A whole line, without its end.
    Line(Position, Vec<u8>),
    /// Bytes without a line's end, up to the end of a segment.
    Unfinished(Position),
    /// Nothing more.
    End,
}

impl<'a> Lines<'a> {
    /// Reads on from `position`, in large steps.
    pub(super) fn new(medium: &'a dyn Medium, segments: &'a Segments, position: u64) -> Self {
        Self { medium, segments, position, buffer: Vec::new(), used: 0, chunk: CHUNK }
    }

    /// Reads one record: in small steps.
    pub(super) fn one(medium: &'a dyn Medium, segments: &'a Segments, position: u64) -> Self {
        Self { chunk: 4096, ..Self::new(medium, segments, position) }
    }

    /// The next line.
    pub(super) fn next(&mut self) -> Result<Found, Error> {
        let mut searched = 0;
        loop {
            let rest = self.buffer.get(self.used..).unwrap_or_default();
            let fresh = rest.get(searched..).unwrap_or_default();
            if let Some(at) = fresh.iter().position(|byte| *byte == b'\n') {
                let line = rest.get(..searched + at).unwrap_or_default().to_vec();
                let begin = self.here();
                self.used += line.len() + 1;
                return Ok(Found::Line(begin, line));
            }
            searched = rest.len();
            if !self.fill(searched)? {
                return Ok(if searched == 0 { Found::End } else { Found::Unfinished(self.here()) });
            }
        }
    }

    fn here(&self) -> Position {
        Position(self.position.saturating_add(to_u64(self.used)))
    }

    /// Reads more of the segment in which the unread bytes stand; false at its end.
    fn fill(&mut self, unread: usize) -> Result<bool, Error> {
        self.buffer.drain(..self.used);
        self.position = self.position.saturating_add(to_u64(self.used));
        self.used = 0;
        let end = self.position.saturating_add(to_u64(unread));
        let Some(segment) = self.segments.holding(end) else { return Ok(false) };
        if unread > 0 && segment.start == end {
            return Ok(false);
        }
        let name = Segment::name(segment.start);
        self.buffer.resize(unread + self.chunk, 0);
        let room = self.buffer.get_mut(unread..).unwrap_or_default();
        let count = loop {
            match self.medium.read_at(&name, end - segment.start, room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(Error::io("read", &name))?,
            }
        };
        self.buffer.truncate(unread + count);
        Ok(count > 0)
    }
}

fn to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
