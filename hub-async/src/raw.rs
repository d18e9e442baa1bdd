//! Connections without the hub protocol: bytes, as they come and go.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use hub_core::endpoint::Transports;
use hub_core::{CloseReason, Pushed};
use hub_proto::TransferFormat;
use hub_proto::ws::encode::header;
use hub_proto::ws::{MessageType, Opcode};

use crate::facts::RequestFacts;
use crate::inlet::Inlet;
use crate::items::Items;
use crate::member::Member;
use crate::signal::Aborted;

/// What a raw endpoint runs for each connection.
pub(crate) type RawHandler =
    Arc<dyn Fn(RawConnection) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Bytes of one message from the client; on a stream, where there are no messages, bytes as they came, each
/// chunk as if it were a binary message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The bytes; never from two messages, but a message may come in several chunks. They share the memory
    /// of everything that was read at once, up to 64 KiB: copy what is to be kept for long.
    pub bytes: Bytes,
    /// Whether the client sent them as text or as binary. Text is not checked to be UTF-8.
    pub format: TransferFormat,
    /// Whether the message ends with them.
    pub fin: bool,
}

/// A connection without the hub protocol. It is closed once the handler that got it has returned.
///
/// ```
/// use hub_async::RawConnection;
///
/// async fn echo(mut connection: RawConnection) {
///     while let Some(chunk) = connection.receive().await {
///         if connection.send(chunk.format, &chunk.bytes).await.is_err() {
///             return;
///         }
///     }
/// }
/// ```
pub struct RawConnection {
    member: Arc<Member>,
    inlet: Arc<Inlet>,
    /// Whether its messages have WebSocket headers.
    framed: bool,
}

/// Nothing can be sent any more: the connection is over, or is being closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection is over")]
pub struct Disconnected;

impl RawConnection {
    pub(crate) const fn new(member: Arc<Member>, inlet: Arc<Inlet>, framed: bool) -> Self {
        Self { member, inlet, framed }
    }

    /// The public id of the connection.
    pub fn connection_id(&self) -> &str {
        &self.member.id
    }

    /// The request that opened the connection.
    pub fn request(&self) -> &RequestFacts {
        &self.member.facts
    }

    /// What carries the connection; none of them on a plain stream.
    pub fn transport(&self) -> Transports {
        self.member.transport()
    }

    /// What handlers keep with the connection.
    pub fn items(&self) -> &Items {
        &self.member.items
    }

    /// The next bytes from the client; `None` once it has closed or is gone.
    ///
    /// Up to 64 KiB wait for this; then the client has to. Dropping the future loses nothing.
    pub async fn receive(&mut self) -> Option<Chunk> {
        let (chunk, room) = poll_fn(|cx| self.inlet.poll(cx)).await;
        if room {
            self.member.waker.wake();
        }
        chunk
    }

    /// Sends one message, on a stream these bytes, and waits while the queue is over its soft budget. Over
    /// the hard one the connection is closed.
    ///
    /// What is queued when the handler returns has 15 s to leave (`transport_send_timeout` and
    /// `close_timeout` together), and 5 s (`close_timeout`) if the client has closed.
    pub async fn send(&self, format: TransferFormat, message: &[u8]) -> Result<(), Disconnected> {
        let message = match self.framed {
            true => frame(format, message),
            false => Bytes::copy_from_slice(message),
        };
        let push = self.member.outlet.push_raw(message);
        if push.wake {
            self.member.wake_writer();
        }
        match push.pushed {
            Pushed::Queued | Pushed::Dropped => Ok(()),
            Pushed::Waiting => {
                let mut listener = None;
                poll_fn(|cx| self.member.outlet.poll_room(&mut listener, cx)).await;
                Ok(())
            }
            Pushed::Overflow => {
                self.member.close(CloseReason::SlowConsumer);
                Err(Disconnected)
            }
            Pushed::Refused => Err(Disconnected),
        }
    }

    /// Ready once the connection is over. That a client has gone is noticed by reading or sending: a handler
    /// that does neither, but keeps this, may wait long.
    pub fn aborted(&self) -> Aborted {
        let member: Arc<Member> = Arc::clone(&self.member);
        Aborted::new(member)
    }
}

impl Drop for RawConnection {
    fn drop(&mut self) {
        if self.inlet.abandon() {
            self.member.waker.wake();
        }
    }
}

/// A whole message with its header, in one allocation.
fn frame(format: TransferFormat, message: &[u8]) -> Bytes {
    let kind = match format {
        TransferFormat::Text => MessageType::Text,
        TransferFormat::Binary => MessageType::Binary,
    };
    let header = header(true, Opcode::from(kind), message.len(), None);
    let mut bytes = BytesMut::with_capacity(header.len() + message.len());
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(message);
    bytes.freeze()
}

impl fmt::Debug for RawConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawConnection").field("id", &self.member.id).finish_non_exhaustive()
    }
}
