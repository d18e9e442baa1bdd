//! What is written at once.

use std::fmt;

use bytes::Bytes;

/// Bytes to be written at once, in order. Its `Debug` does not show them.
pub struct Batch {
    chunks: Vec<Bytes>,
    bytes: usize,
    most: u16,
}

impl Batch {
    /// At most this many chunks go into one batch that is written as they are.
    pub const MAX_CHUNKS: usize = 64;
    /// No chunk is added to a batch of this many bytes.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// An empty one.
    pub const fn new() -> Self {
        Self { chunks: Vec::new(), bytes: 0, most: Self::MAX_CHUNKS as u16 }
    }

    /// An empty one for chunks that are put together, and so may be many.
    pub const fn whole() -> Self {
        Self { chunks: Vec::new(), bytes: 0, most: u16::MAX }
    }

    /// The chunks; none of them is empty.
    pub fn chunks(&self) -> &[Bytes] {
        &self.chunks
    }

    /// The sum of their lengths.
    pub const fn len(&self) -> usize {
        self.bytes
    }

    /// Whether there is nothing to write.
    pub const fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Empties it; its memory is kept for the next use.
    pub fn clear(&mut self) {
        self.chunks.clear();
        self.bytes = 0;
    }

    pub(super) fn push(&mut self, chunk: Bytes) -> bool {
        self.bytes += chunk.len();
        self.chunks.push(chunk);
        self.chunks.len() < usize::from(self.most) && self.bytes < Self::MAX_BYTES
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("chunks", &self.chunks.len())
            .field("bytes", &self.bytes)
            .finish()
    }
}
