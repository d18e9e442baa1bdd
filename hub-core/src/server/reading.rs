//! From bytes to records: what is kept, what is read, and when nothing is.

use std::fmt;

use bytes::{Buf, BytesMut};
use hub_proto::framing::NoRecord;
use hub_proto::handshake::HandshakeRequest;
use hub_proto::{DecodeError, Encoding, TransferFormat};

use super::phase::Phase;
use super::{Connection, Event, HANDSHAKE_CANCELED, HANDSHAKE_FAILED, Queued};
use crate::close::{CloseReason, PeerFault};
use crate::limits::HANDSHAKE;
use crate::time::Timestamp;

/// Input that is not read yet.
pub(super) struct Kept {
    bytes: BytesMut,
    /// How far they have been searched for the end of the first record; zero when that is not known to
    /// be incomplete.
    searched: usize,
    /// Since when their first record is waited for.
    since: Timestamp,
}

impl Kept {
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    #[cfg(test)]
    pub(super) fn as_ptr(&self) -> *const u8 {
        self.bytes.as_ptr()
    }
}

impl fmt::Debug for Kept {
    /// How many bytes, not which: they are the client's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({} bytes)", self.len())
    }
}

/// How far a read came.
#[derive(Clone, Copy, Debug)]
struct Progress {
    /// The bytes of the records that were taken.
    read: usize,
    /// How many of the bytes behind them belong to a record that is not whole.
    searched: usize,
}

impl Connection {
    /// Whether whole records are taken apart now.
    pub(super) fn reads(&self) -> bool {
        self.phase.reads() && !self.is_cut_off()
    }

    /// Whether messages wait.
    pub(super) fn is_blocked(&self) -> bool {
        self.is_undecided() || self.is_stopped()
    }

    /// Whether events have to be taken first. What a message about streams or questions means depends on
    /// what becomes of those before it; otherwise it would depend on how the bytes were cut.
    fn is_undecided(&self) -> bool {
        !self.events.is_empty() && (self.calls.streams_held() > 0 || self.asks.len() > 0)
    }

    /// Whether messages wait because the application is busy, or has had too many cheap ones.
    pub(super) fn is_stopped(&self) -> bool {
        self.is_busy() || self.flood.paused_until().is_some()
    }

    fn is_busy(&self) -> bool {
        let limits = &self.config.limits;
        self.events.len() >= limits.events
            || self.calls.waiting() >= limits.parked_calls + limits.events
            || self.parked() >= self.park()
    }

    /// Whether something has come that is not read before the application is done with what came before:
    /// perhaps an Ack for which that waits.
    pub fn leaves_acks_unread(&self) -> bool {
        let waits = !self.phase.reads() || self.is_busy();
        self.input.is_some() && self.events.is_empty() && waits
    }

    /// How many bytes may be parked: twice as many while an answer may be behind them.
    fn park(&self) -> usize {
        let park = self.config.limits.parked;
        if self.asks.len() > 0 { park.saturating_mul(2) } else { park }
    }

    /// Whether the answer to a question may be behind something for which there is no room.
    pub(super) fn cannot_be_answered(&self) -> bool {
        self.asks.len() > 0 && self.parked() >= self.park() && self.pending_end.is_none()
    }

    /// Whether the next record has begun, and only its end is missing.
    pub(super) fn waits_for_the_rest(&self) -> bool {
        let begun = self.input.as_ref().is_some_and(|kept| kept.searched > 0);
        begun && self.reads() && !self.is_blocked()
    }

    /// Since when that is so.
    pub(super) fn incomplete_since(&self) -> Option<Timestamp> {
        if !self.waits_for_the_rest() {
            return None;
        }
        self.input.as_ref().map(|kept| kept.since)
    }

    /// Nothing was read for a while, which is not the client's doing.
    pub(super) fn reads_on(&mut self) {
        self.last_input = self.now;
        if let Some(kept) = &mut self.input {
            kept.since = self.now;
        }
    }

    /// Reads what came, and keeps the rest.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        if let Some(kept) = &mut self.input {
            kept.bytes.extend_from_slice(bytes);
            return self.read_kept();
        }
        let Progress { read, searched } = self.read(bytes, 0);
        let rest = bytes.get(read..).unwrap_or_default();
        if !rest.is_empty() && !self.is_cut_off() {
            let (bytes, since) = (BytesMut::from(rest), self.now);
            self.input = Some(Box::new(Kept { bytes, searched, since }));
        }
    }

    pub(super) fn read_kept(&mut self) {
        let Some(mut kept) = self.input.take() else { return };
        let Progress { read, searched } = self.read(&kept.bytes, kept.searched);
        if read < kept.bytes.len() && !self.is_cut_off() {
            if read > 0 {
                kept.bytes.advance(read);
                kept.since = self.now;
            }
            kept.searched = searched;
            self.input = Some(kept);
        }
    }

    /// Reads whole records off the front of `input` as long as that is allowed; the first `searched` bytes
    /// are known not to hold one.
    fn read(&mut self, input: &[u8], mut searched: usize) -> Progress {
        let mut read = 0;
        while self.reads() && !self.is_blocked() {
            let rest = input.get(read..).unwrap_or_default();
            let limit = match self.phase {
                Phase::Handshake { .. } => self.config.limits.message.unwrap_or(HANDSHAKE),
                _ => self.config.limits.message.unwrap_or(usize::MAX),
            };
            // The handshake is a record of JSON, and so is the encoding until it is answered.
            let record = match self.encoding.record(rest, searched) {
                Ok(record) if record.size <= limit => record,
                Err(NoRecord::Incomplete { size }) if size <= limit => {
                    return Progress { read, searched: rest.len() };
                }
                Ok(_) | Err(NoRecord::Incomplete { .. }) => {
                    self.too_large(limit);
                    break;
                }
                Err(NoRecord::TooLong) => {
                    self.end_after_calls(CloseReason::Peer(DecodeError::TooLong.into()));
                    break;
                }
            };
            searched = 0;
            read += record.size;
            if matches!(self.phase, Phase::Handshake { .. }) {
                self.handshake(record.body);
            } else {
                self.record(record.body, record.size);
            }
        }
        Progress { read, searched: 0 }
    }

    /// Of what is kept, drops the half of a message whose other half will never come.
    pub(super) fn forget_half_a_message(&mut self) {
        let Some(kept) = &mut self.input else { return };
        let mut whole = 0;
        while let Ok(record) = self.encoding.record(kept.bytes.get(whole..).unwrap_or_default(), 0)
        {
            whole += record.size;
        }
        kept.bytes.truncate(whole);
        kept.searched = 0;
        if whole == 0 {
            self.input = None;
        }
    }

    fn too_large(&mut self, limit: usize) {
        match self.phase {
            Phase::Handshake { .. } => {
                self.refuse_with(HANDSHAKE_CANCELED.to_owned(), TransferFormat::Text);
            }
            _ => self.end_after_calls(CloseReason::Peer(PeerFault::TooLarge(limit))),
        }
    }

    fn handshake(&mut self, record: &[u8]) {
        let Phase::Handshake { until } = self.phase else { return };
        let request = match HandshakeRequest::parse(record) {
            Ok(request) => request,
            Err(error) => {
                let text = self.handshake_failure(&format!("{}: {error}", error.exception()));
                return self.refuse_with(text, TransferFormat::Text);
            }
        };
        let name = &request.protocol;
        let Some(encoding) = Encoding::by_name(name, self.config.protocols) else {
            return self.refuse_with(
                format!("The protocol '{name}' is not supported."),
                TransferFormat::Text,
            );
        };
        let format = encoding.format();
        if request.version > Encoding::MAX_VERSION {
            let version = request.version;
            let text =
                format!("The server does not support version {version} of the '{name}' protocol.");
            return self.refuse_with(text, format);
        }
        if !self.facts.carries(format) {
            let text = format!(
                "Cannot use the '{name}' protocol on the current transport. The transport does not support '{format:?}' transfer format."
            );
            return self.refuse_with(text, TransferFormat::Text);
        }
        self.agree_on_resuming(request.version);
        self.encoding = encoding;
        self.phase = Phase::Deciding { until };
        self.events.push_back(Queued::Event(Event::Handshake(encoding)));
    }

    pub(super) fn handshake_failure(&self, detail: &str) -> String {
        if self.config.detailed_errors {
            format!("{HANDSHAKE_FAILED} {detail}")
        } else {
            HANDSHAKE_FAILED.to_owned()
        }
    }
}
