//! One invocation for many connections.

use crate::{Arguments, EncodeError, Encoding, Frame};

/// An invocation without id, encoded at most once per [`Encoding`].
pub struct Prepared<'a> {
    target: &'a str,
    arguments: &'a dyn Arguments,
    /// Few: one for each encoding that somebody uses.
    frames: Vec<(Encoding, Frame)>,
}

impl<'a> Prepared<'a> {
    /// Nothing is encoded yet.
    pub const fn new(target: &'a str, arguments: &'a dyn Arguments) -> Self {
        Self { target, arguments, frames: Vec::new() }
    }

    /// Encodes it in `encoding` unless that is done. The arguments' `Serialize` runs here and only here.
    pub fn encode(&mut self, encoding: Encoding) -> Result<(), EncodeError> {
        if self.frame(encoding).is_none() {
            let frame = Frame::invocation(encoding, None, self.target, self.arguments)?;
            self.frames.push((encoding, frame));
        }
        Ok(())
    }

    /// The frame in `encoding`, if it has been encoded.
    pub fn frame(&self, encoding: Encoding) -> Option<&Frame> {
        self.frames.iter().find(|(known, _)| *known == encoding).map(|(_, frame)| frame)
    }
}
