//! Why connections end, and what the peer is told.

use std::io::ErrorKind;

use hub_proto::ws::Violation;
use hub_proto::{Close, DecodeError};

use crate::time::Timer;

/// The text of every Close that reports a fault.
pub const CLOSED_WITH_ERROR: &str = "Connection closed with an error.";

/// Why a connection ended, by who is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The peer broke the protocol.
    Peer(PeerFault),
    /// The peer sent a Close, perhaps with an error text.
    PeerClosed(Option<String>),
    /// A timer ran out.
    Timeout(Timer),
    /// The peer sent more than may wait.
    Overflow,
    /// The peer took too little: its queue of outgoing bytes went over the hard budget.
    SlowConsumer,
    /// The application aborted the connection.
    Aborted,
    /// The application closed the connection from outside.
    Closed {
        /// Whether the client may come back.
        allow_reconnect: bool,
    },
    /// The handshake was refused, with the text that the peer was told.
    Refused(String),
    /// The application refused the connection in `on_connected`; the detail is shown as it is.
    Rejected(Option<String>),
    /// The credentials ran out.
    AuthExpired,
    /// The server is shutting down.
    Shutdown,
    /// The peer finished sending, in good order.
    Ended,
    /// The link broke.
    Lost(ErrorKind),
}

/// What a peer did wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerFault {
    /// A record is no hub message.
    #[error(transparent)]
    Message(#[from] DecodeError),
    /// A message is larger than the limit, in bytes with its framing.
    #[error(
        "The maximum message size of {0}B was exceeded. The message size can be configured in AddHubOptions."
    )]
    TooLarge(usize),
    /// The input ended inside a message.
    #[error("Connection terminated while reading a message.")]
    Truncated,
    /// A Sequence names a number that is not reached yet.
    #[error("Sequence ID greater than amount of messages we've received.")]
    Sequence,
    /// The bytes are no WebSocket frames.
    #[error(transparent)]
    WebSocket(#[from] Violation),
}

impl PeerFault {
    /// The short name of the .NET exception that carries this text.
    pub const fn exception(&self) -> &'static str {
        match self {
            Self::Message(error) => error.exception(),
            Self::TooLarge(_) | Self::Truncated => "InvalidDataException",
            Self::Sequence => "InvalidOperationException",
            Self::WebSocket(_) => "WebSocketException",
        }
    }

    /// A short name without any of the peer's bytes, for logs.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Message(error) => error.kind(),
            Self::TooLarge(_) => "message too large",
            Self::Truncated => "input ended inside a message",
            Self::Sequence => "sequence number too high",
            Self::WebSocket(_) => "bad WebSocket frame",
        }
    }
}

impl CloseReason {
    /// A short name without any of the peer's bytes, for logs.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Peer(fault) => fault.kind(),
            Self::PeerClosed(None) => "closed by the client",
            Self::PeerClosed(Some(_)) => "closed by the client with an error",
            Self::Timeout(Timer::Handshake) => "handshake timeout",
            Self::Timeout(Timer::PeerSilence) => "client timeout",
            Self::Timeout(Timer::Send) => "send timeout",
            Self::Timeout(Timer::Message) => "message timeout",
            Self::Timeout(Timer::Disconnect) => "disconnect timeout",
            Self::Timeout(_) => "timeout",
            Self::Overflow => "too much input",
            Self::SlowConsumer => "slow consumer",
            Self::Aborted => "aborted",
            Self::Closed { .. } => "closed by the application",
            Self::Refused(_) => "handshake refused",
            Self::Rejected(_) => "rejected by on_connected",
            Self::AuthExpired => "authentication expired",
            Self::Shutdown => "server shutting down",
            Self::Ended => "ended by the client",
            Self::Lost(_) => "connection lost",
        }
    }

    /// The .NET exception and its text that a fault carries; with detailed errors the peer sees it.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Peer(fault) => Some(format!("{}: {fault}", fault.exception())),
            Self::Timeout(Timer::PeerSilence) => Some(
                "OperationCanceledException: Client hasn't sent a message/ping within the configured ClientTimeoutInterval."
                    .to_owned(),
            ),
            Self::Timeout(Timer::Send) => {
                Some("IOException: Bytes that wait to be sent made no progress.".to_owned())
            }
            Self::Overflow => Some("InvalidDataException: Too many bytes are waiting to be read.".to_owned()),
            Self::SlowConsumer => Some("IOException: Too many bytes are waiting to be sent.".to_owned()),
            _ => None,
        }
    }
}

/// The Close that tells a peer about `reason`; `None` where there is none to be sent.
///
/// The table is ASP.NET Core's (`HubConnectionHandler`), with `allowReconnect` as it writes it.
pub fn close_message(reason: &CloseReason, detailed: bool) -> Option<Close<'static>> {
    let (error, allow_reconnect) = match reason {
        CloseReason::Refused(_) | CloseReason::Lost(_) | CloseReason::Timeout(Timer::Handshake) => {
            return None;
        }
        CloseReason::Rejected(detail) => (Some(with_detail(detail.as_deref())), false),
        CloseReason::Peer(_)
        | CloseReason::Timeout(_)
        | CloseReason::Overflow
        | CloseReason::SlowConsumer => {
            let detail = reason.detail().filter(|_| detailed);
            (Some(with_detail(detail.as_deref())), true)
        }
        CloseReason::Aborted | CloseReason::PeerClosed(_) => (None, false),
        CloseReason::Closed { allow_reconnect } => (None, *allow_reconnect),
        CloseReason::AuthExpired | CloseReason::Shutdown | CloseReason::Ended => (None, true),
    };
    Some(Close { error: error.map(Into::into), allow_reconnect })
}

fn with_detail(detail: Option<&str>) -> String {
    detail.map_or_else(
        || CLOSED_WITH_ERROR.to_owned(),
        |detail| format!("{CLOSED_WITH_ERROR} {detail}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_told_as_the_table_says() {
        let detail = "Connection closed with an error. InvalidDataException: Connection terminated while reading a message.";
        let silence = CloseReason::Timeout(Timer::PeerSilence);
        let told = |error, allow_reconnect| Some((error, allow_reconnect));
        let table = [
            (CloseReason::Peer(PeerFault::Truncated), false, told(Some(CLOSED_WITH_ERROR), true)),
            (CloseReason::Peer(PeerFault::Truncated), true, told(Some(detail), true)),
            (silence, false, told(Some(CLOSED_WITH_ERROR), true)),
            (CloseReason::Timeout(Timer::Handshake), false, None),
            (CloseReason::PeerClosed(None), true, told(None, false)),
            (CloseReason::PeerClosed(Some("x".into())), true, told(None, false)),
            (CloseReason::Overflow, false, told(Some(CLOSED_WITH_ERROR), true)),
            (CloseReason::SlowConsumer, false, told(Some(CLOSED_WITH_ERROR), true)),
            (CloseReason::Aborted, true, told(None, false)),
            (CloseReason::Closed { allow_reconnect: true }, false, told(None, true)),
            (CloseReason::Closed { allow_reconnect: false }, false, told(None, false)),
            (CloseReason::Refused("x".into()), true, None),
            (CloseReason::Rejected(None), true, told(Some(CLOSED_WITH_ERROR), false)),
            (CloseReason::AuthExpired, true, told(None, true)),
            (CloseReason::Ended, true, told(None, true)),
            (CloseReason::Lost(ErrorKind::ConnectionReset), true, None),
        ];
        for (reason, detailed, wanted) in table {
            let close = close_message(&reason, detailed);
            let seen = close.as_ref().map(|close| (close.error.as_deref(), close.allow_reconnect));
            assert_eq!(seen, wanted, "{reason:?}");
        }
    }
}
