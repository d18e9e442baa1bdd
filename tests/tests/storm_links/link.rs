//! Links, of which both ends are watched.

use std::collections::VecDeque;
use std::future::{pending, poll_fn};
use std::io;
use std::io::{ErrorKind, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hub_async::Socket;
use hub_async::server::Service;
use hub_proto::ws::{Config, Decoder, Opcode, Piece, Role, encode};
use serde_json::Value;
use tests::memory::{read, write};
use transport_memory::{Pipe, pipe};

use super::Dice;

/// The server's end of a pipe, which is counted.
pub(super) struct Counted {
    pipe: Pipe,
    shut: AtomicUsize,
    counts: Arc<Counts>,
}

#[derive(Default)]
pub(super) struct Counts {
    pub(super) made: AtomicUsize,
    pub(super) alive: AtomicUsize,
    /// Those that were dropped without having been shut down.
    pub(super) forgotten: AtomicUsize,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.counts.alive.fetch_sub(1, Ordering::SeqCst);
        if self.shut.load(Ordering::SeqCst) == 0 {
            self.counts.forgotten.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Socket for Counted {
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe.poll_readable(cx)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe.poll_writable(cx)
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.pipe.try_read(buffer)
    }

    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        // Others get the time to come in between.
        std::thread::yield_now();
        self.pipe.try_write(slices)
    }

    fn shutdown(&self) {
        self.shut.fetch_add(1, Ordering::SeqCst);
        self.pipe.shutdown();
    }
}

/// What all clients of a storm share.
pub(super) struct Storm {
    pub(super) service: Service,
    pub(super) counts: Arc<Counts>,
}

impl Storm {
    /// Opens a link; an error when it is refused.
    pub(super) fn open(&self, uri: &str, dice: &mut Dice) -> Result<Link, http::StatusCode> {
        let (ours, theirs) = pipe([64, 500, 4_000, 64 * 1024][dice.roll(4)]);
        self.counts.made.fetch_add(1, Ordering::SeqCst);
        self.counts.alive.fetch_add(1, Ordering::SeqCst);
        let counts = Arc::clone(&self.counts);
        let socket = Counted { pipe: theirs, shut: AtomicUsize::new(0), counts };
        let request = http::Request::get(uri).body(()).unwrap();
        match self.service.serve_socket(&request, Arc::new(socket), b"") {
            Ok(()) => Ok(Link::over(ours)),
            Err(status) => {
                self.counts.forgotten.fetch_sub(1, Ordering::SeqCst);
                Err(status)
            }
        }
    }

    pub(super) async fn negotiate(&self) -> String {
        let (ours, theirs) = pipe(8_000);
        tokio::spawn(self.service.clone().serve_connection(theirs, pending()));
        write(&ours, b"POST /hub/negotiate?negotiateVersion=1&useStatefulReconnect=true HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n").await;
        let mut answer = Vec::new();
        while !String::from_utf8_lossy(&answer).contains("}]}") {
            assert!(read(&ours, &mut answer).await);
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let token = answer.split(r#""connectionToken":""#).nth(1).unwrap().split('"').next();
        format!("/hub?id={}", token.unwrap())
    }
}

/// One WebSocket.
pub(super) struct Link {
    pub(super) pipe: Pipe,
    pub(super) decoder: Decoder,
    pub(super) partial: Vec<u8>,
    pub(super) out: VecDeque<u8>,
    pub(super) over: bool,
}

impl Link {
    pub(super) fn over(pipe: Pipe) -> Self {
        let decoder = Decoder::new(Role::Client, Config::default());
        Self { pipe, decoder, partial: Vec::new(), out: VecDeque::new(), over: false }
    }

    pub(super) fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        let mut bytes = Vec::new();
        encode::write_frame(&mut bytes, true, opcode, payload, Some([1, 2, 3, 4]));
        self.out.extend(bytes);
    }

    pub(super) fn send(&mut self, record: &str) {
        self.frame(Opcode::Text, format!("{record}\x1e").as_bytes());
    }

    /// Writes up to so many bytes of what waits.
    pub(super) fn write(&mut self, most: usize) {
        while !self.out.is_empty() {
            let (front, _) = self.out.as_slices();
            let front = &front[..front.len().min(most)];
            match self.pipe.try_write(&[IoSlice::new(front)]) {
                Ok(count) => drop(self.out.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.out.clear(),
            }
            if most < usize::MAX {
                return;
            }
        }
    }

    /// The records that have come.
    pub(super) fn read(&mut self) -> Vec<Value> {
        let (mut records, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let count = match self.pipe.try_read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return records,
                Err(error) => panic!("{error}"),
            };
            if count == 0 {
                self.over = true;
                return records;
            }
            let mut bytes = &mut buffer[..count];
            while let Some(piece) = self.decoder.next(&mut bytes).expect("frames") {
                match piece {
                    Piece::Data { payload, .. } => self.partial.extend_from_slice(payload),
                    Piece::Close(_) => {}
                    other => panic!("{other:?}"),
                }
            }
            while let Some(end) = self.partial.iter().position(|byte| *byte == 0x1e) {
                let record: Vec<u8> = self.partial.drain(..=end).collect();
                records.push(serde_json::from_slice(&record[..end]).expect("JSON"));
            }
        }
    }

    /// Waits until something can be read or written, or for a moment.
    pub(super) async fn ready(&self, moment: Duration) {
        let ready = poll_fn(|cx| {
            let readable = !self.over && self.pipe.poll_readable(cx).is_ready();
            if readable || !self.out.is_empty() && self.pipe.poll_writable(cx).is_ready() {
                return Poll::Ready(());
            }
            Poll::Pending
        });
        tokio::time::timeout(moment, ready).await.ok();
    }
}
