//! A byte pipe that is read and written through a shared reference.

use std::io;
use std::io::IoSlice;
use std::task::{Context, Poll};

/// A connected, non-blocking byte pipe, both directions through `&self`.
///
/// One task waits on it at a time, though any may write. `try_*` never wait; after `WouldBlock` the matching
/// `poll_*` tells when it is worth another try, also when somebody else has tried in between. What `try_write`
/// has taken leaves without a further call. A socket that has failed goes on failing. A wake-up without cause
/// is harmless.
pub trait Socket: Send + Sync + 'static {
    /// Ready when a read may bring something, or the end, or an error.
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ready when a write may take something, or fails.
    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Reads what is there; 0 is the end.
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes from the slices, in order, as much as fits.
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Ends the writing direction, so that the peer reads the end after the last byte. May be called again.
    fn shutdown(&self);
}
