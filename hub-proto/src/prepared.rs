//! One invocation for many connections.

use crate::{Arguments, EncodeError, Encoding, Frame};

/// An invocation without id, encoded at most once per [`Encoding`].
pub struct Prepared<'a> {
    target: &'a str,
    arguments: &'a dyn Arguments,
    frames: [Option<Frame>; Encoding::COUNT],
}

impl<'a> Prepared<'a> {
    /// Nothing is encoded yet.
    pub const fn new(target: &'a str, arguments: &'a dyn Arguments) -> Self {
        Self { target, arguments, frames: [const { None }; Encoding::COUNT] }
    }

    /// Encodes it in `encoding` unless that is done. The arguments' `Serialize` runs here and only here.
    pub fn encode(&mut self, encoding: Encoding) -> Result<(), EncodeError> {
        if let Some(slot) = self.frames.get_mut(encoding.index())
            && slot.is_none()
        {
            *slot = Some(Frame::invocation(encoding, None, self.target, self.arguments)?);
        }
        Ok(())
    }

    /// The frame in `encoding`, if it has been encoded.
    pub fn frame(&self, encoding: Encoding) -> Option<&Frame> {
        self.frames.get(encoding.index())?.as_ref()
    }
}
