//! The answer to one call.

use serde::Serialize;

use crate::id::Id;
use crate::{EncodeError, Encoding, Frame};

/// Where the answer to a call goes: encodes the finished [`Frame`].
///
/// A call without id wants no answer; then every method gives `None` and encodes nothing.
#[derive(Clone, Debug)]
pub struct Reply {
    encoding: Encoding,
    id: Option<Id>,
}

impl Reply {
    /// The answer to the call `id`.
    pub fn new(encoding: Encoding, id: Option<&str>) -> Self {
        Self { encoding, id: id.map(Id::from) }
    }

    /// How the answer is written, as the call was.
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The id that the caller chose.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether the caller waits for an answer.
    pub const fn is_wanted(&self) -> bool {
        self.id.is_some()
    }

    /// A result. A method without one answers with `()`, which is written as null.
    pub fn result<T: Serialize + ?Sized>(&self, value: &T) -> Result<Option<Frame>, EncodeError> {
        self.id().map(|id| Frame::result(self.encoding, id, value)).transpose()
    }

    /// The end of a stream, or of a call that has neither a result nor an error.
    pub fn void(&self) -> Option<Frame> {
        self.id().map(|id| Frame::void(self.encoding, id))
    }

    /// One item of the stream that answers the call.
    pub fn item<T: Serialize + ?Sized>(&self, item: &T) -> Result<Option<Frame>, EncodeError> {
        self.id().map(|id| Frame::item(self.encoding, id, item)).transpose()
    }

    /// A failure. The text must not be empty: JSON cannot tell that from success.
    pub fn failure(&self, text: &str) -> Option<Frame> {
        self.id().map(|id| Frame::failure(self.encoding, id, text))
    }
}
