//! What comes in by POSTs, in order.

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;
use hub_proto::TransferFormat;

use crate::limits::{LINED_UP, POSTED};
use crate::link::Run;

/// The place of a POST in the line of those of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(u64);

/// What became of the next bytes of a POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// They are taken.
    Taken,
    /// They wait for their turn, or for room.
    Waits,
    /// Nobody wants them any more.
    Gone,
}

/// What was taken of the POSTs of one connection.
pub struct Input {
    bytes: Vec<u8>,
    format: TransferFormat,
    made_room: bool,
}

impl Input {
    /// The bytes, in order; none if there are none.
    pub fn run(&self) -> Option<Run<'_>> {
        let run = Run { bytes: &self.bytes, format: self.format, fin: true };
        (!self.bytes.is_empty()).then_some(run)
    }

    /// Whether some POST may have waited for the room.
    pub const fn made_room(&self) -> bool {
        self.made_room
    }
}

/// Bytes on their way from POSTs to whoever reads.
#[derive(Default)]
pub(super) struct Posts {
    /// Copied, so that a few of them do not keep the memory that many were read into.
    bytes: Vec<u8>,
    line: VecDeque<Place>,
    next: u64,
    closed: bool,
}

impl Posts {
    pub(super) fn line_up(&mut self) -> Option<Place> {
        if self.line.len() >= LINED_UP {
            return None;
        }
        let place = Place(self.next);
        self.next += 1;
        self.line.push_back(place);
        Some(place)
    }

    /// Takes the bytes out of `chunk`, unless they have to wait.
    pub(super) fn put(&mut self, place: Place, chunk: &mut Bytes) -> Posted {
        if self.line.front() != Some(&place) || self.bytes.len() >= POSTED {
            return Posted::Waits;
        }
        self.put_first(&std::mem::take(chunk));
        Posted::Taken
    }

    /// Takes bytes, whoever is in line.
    pub(super) fn put_first(&mut self, chunk: &[u8]) {
        self.bytes.extend_from_slice(chunk);
    }

    pub(super) fn leave(&mut self, place: Place) -> bool {
        let was_first = self.line.front() == Some(&place);
        self.line.retain(|other| *other != place);
        if self.line.is_empty() {
            // An idle connection keeps none of it.
            self.line = VecDeque::new();
        }
        was_first && !self.line.is_empty()
    }

    pub(super) fn take(&mut self, format: TransferFormat) -> Input {
        let made_room = self.bytes.len() >= POSTED;
        Input { bytes: std::mem::take(&mut self.bytes), format, made_room }
    }

    pub(super) const fn unread(&self) -> usize {
        self.bytes.len()
    }

    /// Nothing comes in any more; what is here may still be taken.
    pub(super) const fn close(&mut self) {
        self.closed = true;
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }
}

/// Without the bytes, which are the client's.
impl fmt::Debug for Posts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Posts")
            .field("unread", &self.unread())
            .field("line", &self.line)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("len", &self.bytes.len())
            .field("format", &self.format)
            .field("made_room", &self.made_room)
            .finish()
    }
}
