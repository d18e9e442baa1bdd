//! What comes in by POSTs, in order.

use std::collections::VecDeque;

use bytes::Bytes;
use hub_proto::TransferFormat;

use crate::limits::POSTED;
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
#[derive(Debug)]
pub struct Input {
    chunks: VecDeque<Bytes>,
    format: TransferFormat,
    made_room: bool,
}

impl Input {
    /// The bytes, in order, cut as they came.
    pub fn runs(&self) -> impl Iterator<Item = Run<'_>> {
        self.chunks.iter().map(|bytes| Run { bytes, format: self.format, fin: true })
    }

    /// Whether some POST may have waited for the room.
    pub const fn made_room(&self) -> bool {
        self.made_room
    }
}

/// Bytes on their way from POSTs to whoever reads.
#[derive(Debug, Default)]
pub(super) struct Posts {
    chunks: VecDeque<Bytes>,
    bytes: usize,
    line: VecDeque<Place>,
    next: u64,
    closed: bool,
}

impl Posts {
    pub(super) fn line_up(&mut self) -> Place {
        let place = Place(self.next);
        self.next += 1;
        self.line.push_back(place);
        place
    }

    /// Takes the bytes out of `chunk`, unless they have to wait.
    pub(super) fn put(&mut self, place: Place, chunk: &mut Bytes) -> Posted {
        if self.line.front() != Some(&place) || self.bytes >= POSTED {
            return Posted::Waits;
        }
        self.put_first(std::mem::take(chunk));
        Posted::Taken
    }

    /// Takes bytes, whoever is in line.
    pub(super) fn put_first(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.bytes += chunk.len();
            self.chunks.push_back(chunk);
        }
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
        let made_room = self.bytes >= POSTED;
        self.bytes = 0;
        Input { chunks: std::mem::take(&mut self.chunks), format, made_room }
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Nothing comes in any more; what is here may still be taken.
    pub(super) const fn close(&mut self) {
        self.closed = true;
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }
}
