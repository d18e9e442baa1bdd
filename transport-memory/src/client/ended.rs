//! How connections end, and what that means for those who wait.

use std::fmt;

use http::StatusCode;

/// How the connection of a [`Client`](crate::Client) ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// The Close message of the server, when there was one.
    pub close: Option<Close>,
    /// The code with which the server closed the WebSocket; without one the link was lost, or cut.
    pub code: Option<u16>,
}

/// The Close message of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Close {
    /// What went wrong, if anything did.
    pub error: Option<String>,
    /// Whether a client with automatic reconnect may come back.
    pub allow_reconnect: bool,
}

impl Ended {
    /// Whether nobody has closed it: the link broke.
    pub const fn is_lost(&self) -> bool {
        self.close.is_none() && self.code.is_none()
    }

    /// What went wrong, as the server has told it.
    pub fn error(&self) -> Option<&str> {
        self.close.as_ref()?.error.as_deref()
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_lost() {
            return f.write_str("the link is lost");
        }
        match self.error() {
            Some(error) => write!(f, "closed: {error}")?,
            None => f.write_str("closed")?,
        }
        self.code.map_or(Ok(()), |code| write!(f, " (code {code})"))
    }
}

/// Why a call came to no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The server has answered with an error.
    Error(String),
    /// The connection ended before the answer.
    Ended(Ended),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(text) => f.write_str(text),
            Self::Ended(ended) => write!(f, "no answer: {ended}"),
        }
    }
}

impl std::error::Error for CallError {}

/// Equal to the text with which the server has answered.
impl PartialEq<&str> for CallError {
    fn eq(&self, text: &&str) -> bool {
        matches!(self, Self::Error(error) if error == text)
    }
}

/// Why a client could not connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The request was answered with that status.
    Status(StatusCode),
    /// The handshake was answered with that error.
    Handshake(String),
    /// The connection ended during the handshake.
    Ended(Ended),
    /// The hub does not allow stateful reconnects, and the client wants one.
    Stateless,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the request was answered with {status}"),
            Self::Handshake(error) => write!(f, "the handshake failed: {error}"),
            Self::Ended(ended) => write!(f, "the connection ended in the handshake: {ended}"),
            Self::Stateless => f.write_str("the hub does not allow stateful reconnects"),
        }
    }
}

impl std::error::Error for Refused {}
