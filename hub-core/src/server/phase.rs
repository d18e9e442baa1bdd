//! Where a connection stands between its first byte and its last.

use crate::close::CloseReason;
use crate::time::Timestamp;

/// The life of a connection; it only ever moves down this list.
///
/// ```text
/// Handshake ──request──▶ Deciding ──welcome──▶ Greeting ──accept──▶ Open
///     │                     │                      │                  │
///     └──────── timeout, refuse, fault, close, disconnect ────────────┤
///                                                                     ▼
///                           Closing ──last frame taken──▶ Closed
/// ```
#[derive(Debug)]
pub(super) enum Phase {
    /// The request is not whole yet.
    Handshake { until: Timestamp },
    /// The application decides about the request.
    Deciding { until: Timestamp },
    /// The handshake is answered; the application's `on_connected` runs and no message is read.
    Greeting,
    /// Messages are read.
    Open,
    /// The last frames wait to be taken.
    Closing(Box<CloseReason>),
    /// It is over and was reported.
    Closed,
}

impl Phase {
    /// Whether nothing that comes in matters any more.
    pub(super) const fn is_ending(&self) -> bool {
        matches!(self, Self::Closing(_) | Self::Closed)
    }

    /// Whether records are read.
    pub(super) const fn reads(&self) -> bool {
        matches!(self, Self::Handshake { .. } | Self::Open)
    }

    /// Whether the handshake was answered with yes.
    pub(super) const fn is_connected(&self) -> bool {
        matches!(self, Self::Greeting | Self::Open)
    }

    /// When the handshake must be done.
    pub(super) const fn handshake_until(&self) -> Option<Timestamp> {
        match self {
            Self::Handshake { until } | Self::Deciding { until } => Some(*until),
            Self::Greeting | Self::Open | Self::Closing(_) | Self::Closed => None,
        }
    }
}
