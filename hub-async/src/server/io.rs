//! Reading and writing one turn's worth through memory that all sessions of a thread share.

use std::cell::RefCell;
use std::io;
use std::io::{ErrorKind, IoSlice};
use std::task::{Context, Poll};

use hub_core::{Batch, Timestamp};

use crate::caught::caught;
use crate::outlet::Outlet;
use crate::socket::Socket;
use crate::sync::thread_local;

/// The most that one turn reads.
const SCRATCH: usize = 64 * 1024;

thread_local! {
    static READ: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static WRITE: RefCell<Batch> = const { RefCell::new(Batch::new()) };
}

/// What an attempt to read came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    /// Bytes that came; 0 is the end.
    pub(super) count: usize,
    /// More can be read at once; if not, the socket will tell.
    pub(super) more: bool,
}

/// Reads once, if there may be something, and hands it on. The bytes are only lent; no foreign code
/// may run while they are.
pub(super) fn read(
    socket: &dyn Socket,
    cx: &mut Context<'_>,
    take: impl FnOnce(&mut [u8]),
) -> Poll<io::Result<Arrival>> {
    READ.with_borrow_mut(|scratch| {
        scratch.resize(SCRATCH, 0);
        loop {
            if let Poll::Ready(ready) = socket.poll_readable(cx) {
                ready?;
            } else {
                return Poll::Pending;
            }
            match socket.try_read(scratch) {
                Ok(count) => {
                    take(scratch.get_mut(..count).unwrap_or_default());
                    let more = count == SCRATCH || socket.poll_readable(cx).is_ready();
                    return Poll::Ready(Ok(Arrival { count, more }));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    })
}

/// What an attempt to write came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flush {
    /// Bytes that left.
    pub(super) written: usize,
    /// Whether what waits has got further.
    pub(super) progress: bool,
    /// More could leave at once.
    pub(super) more: bool,
    /// Whether the queue is empty now.
    pub(super) empty: bool,
    /// Whether more would wait if the client acked what it got.
    pub(super) unacked: bool,
}

/// Writes one batch, as much as the socket takes; none when somebody else is writing, who wakes the
/// session afterwards.
pub(super) fn flush(
    socket: &dyn Socket,
    outlet: &Outlet,
    now: Timestamp,
    cx: &mut Context<'_>,
) -> io::Result<Option<Flush>> {
    let mut room = false;
    let result = WRITE.with_borrow_mut(|batch| {
        // A socket that panicked may have left something here.
        batch.clear();
        let mut queue = outlet.lock();
        if queue.must_wait() {
            return Ok(None);
        }
        queue.next(batch);
        let result = if batch.is_empty() {
            let (unacked, progress) = (queue.waits_for_acks(), queue.made_progress(false));
            drop(queue);
            Ok(Some(Flush { empty: true, unacked, progress, ..Flush::default() }))
        } else {
            drop(queue);
            let written = write(socket, batch, cx);
            if written.is_err() {
                outlet.lock().written(0, now);
            }
            written.map(|written| {
                let mut outbox = outlet.lock();
                outbox.written(written, now);
                room = outbox.takes_more_again();
                let (empty, unacked) = (outbox.is_empty(), outbox.waits_for_acks());
                let progress = outbox.made_progress(written > 0);
                drop(outbox);
                let more = !empty && written == batch.len();
                Some(Flush { written, progress, more, empty, unacked })
            })
        };
        batch.clear();
        result
    });
    if room {
        outlet.tell_room();
    }
    result
}

/// Writes what waits to a socket whose session has nothing else to do; false when the session is to be
/// woken, because something is left or the socket broke.
pub(crate) fn write_through(outlet: &Outlet, now: Timestamp) -> bool {
    let (done, room, socket) = WRITE.with_borrow_mut(|batch| {
        batch.clear();
        let mut queue = outlet.lock();
        // Whoever is at it, or the session on its way out, sees to this as well.
        if queue.is_lent() {
            return (true, false, None);
        }
        let Some(socket) = queue.socket.clone() else { return (false, false, None) };
        queue.next(batch);
        drop(queue);
        if batch.is_empty() {
            return (!outlet.lock().waits_for_acks(), false, Some(socket));
        }
        // An error or a panic of the socket's is for its own session, whose next attempt meets it.
        let written = caught(|| with_slices(batch, |slices| socket.try_write(slices)));
        let written = written.and_then(Result::ok).unwrap_or(0);
        batch.clear();
        let mut queue = outlet.lock();
        queue.written(written, now);
        let room = queue.takes_more_again();
        let asked = queue.was_waited_for();
        let done = queue.is_empty() && !queue.waits_for_acks() && !asked;
        (done, room, Some(socket))
    });
    if room {
        outlet.tell_room();
    }
    // Perhaps the last one.
    drop(socket);
    done
}

/// One vectored write of the whole batch.
fn write(socket: &dyn Socket, batch: &Batch, cx: &mut Context<'_>) -> io::Result<usize> {
    with_slices(batch, |slices| write_slices(socket, slices, batch.len(), cx))
}

fn with_slices<R>(batch: &Batch, act: impl FnOnce(&[IoSlice<'_>]) -> R) -> R {
    // To lay out all the slices there can be costs more than to write a single one.
    match batch.chunks() {
        [chunk] => act(&[IoSlice::new(chunk)]),
        chunks => {
            let mut slices = [IoSlice::new(&[]); Batch::MAX_CHUNKS];
            for (slice, chunk) in slices.iter_mut().zip(chunks) {
                *slice = IoSlice::new(chunk);
            }
            act(slices.get(..chunks.len()).unwrap_or_default())
        }
    }
}

/// Writes once; again only after the socket said that it would block and then that it would not.
fn write_slices(
    socket: &dyn Socket,
    slices: &[IoSlice<'_>],
    length: usize,
    cx: &mut Context<'_>,
) -> io::Result<usize> {
    loop {
        match socket.try_write(slices) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => {
                if count < length && socket.poll_writable(cx).is_ready() {
                    // Either there is room again, or the readiness is stale: the next turn finds out.
                    cx.waker().wake_by_ref();
                }
                return Ok(count);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => match socket.poll_writable(cx) {
                Poll::Pending => return Ok(0),
                Poll::Ready(ready) => ready?,
            },
            Err(error) => return Err(error),
        }
    }
}
