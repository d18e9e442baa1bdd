//! Sets of transports.

use std::fmt;
use std::ops::{BitAnd, BitOr};

/// A set of transports.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Transports(u8);

impl Transports {
    /// No transport.
    pub const NONE: Self = Self(0);
    /// WebSockets.
    pub const WEB_SOCKETS: Self = Self(1);
    /// Server-Sent Events.
    pub const SERVER_SENT_EVENTS: Self = Self(2);
    /// Long polling.
    pub const LONG_POLLING: Self = Self(4);
    /// All three.
    pub const ALL: Self = Self(7);

    /// Every transport with its name on the wire, in the order in which negotiation offers them.
    const NAMED: [(Self, &'static str); 3] = [
        (Self::WEB_SOCKETS, "WebSockets"),
        (Self::SERVER_SENT_EVENTS, "ServerSentEvents"),
        (Self::LONG_POLLING, "LongPolling"),
    ];

    /// Whether this set has everything that `other` has.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether this set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The first of the [names](Self::names), of a set of one its only one: `WebSockets`, `ServerSentEvents` or
    /// `LongPolling`.
    pub fn name(self) -> Option<&'static str> {
        self.names().next()
    }

    /// The names on the wire, in the order of negotiation.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMED.into_iter().filter(move |(one, _)| self.contains(*one)).map(|(_, name)| name)
    }
}

impl BitOr for Transports {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Transports {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl fmt::Debug for Transports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_in_the_order_of_negotiation() {
        let all =
            Transports::LONG_POLLING | Transports::SERVER_SENT_EVENTS | Transports::WEB_SOCKETS;
        assert_eq!(
            all.names().collect::<Vec<_>>(),
            ["WebSockets", "ServerSentEvents", "LongPolling"]
        );
        assert_eq!(format!("{:?}", all & Transports::LONG_POLLING), r#"{"LongPolling"}"#);
        assert_eq!(Transports::NONE.names().count(), 0);
    }

    #[test]
    fn containment() {
        let two = Transports::WEB_SOCKETS | Transports::LONG_POLLING;
        assert!(two.contains(Transports::LONG_POLLING) && two.contains(Transports::NONE));
        assert!(!two.contains(Transports::SERVER_SENT_EVENTS));
        assert!((two & Transports::SERVER_SENT_EVENTS).is_empty());
    }
}
