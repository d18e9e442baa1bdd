//! An endpoint that echoes messages: the codec, and the little that a caller must add to it.

use hub_proto::ws::{Close, Config, Decoder, Piece, Role, Violation, encode};

/// The key of every frame that the endpoint sends as a client.
pub(crate) const KEY: [u8; 4] = [0xA5, 0x01, 0xFE, 0x5C];

/// How the connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The peer closed, and was answered.
    Closed,
    /// The peer broke a rule.
    Failed(Violation),
}

pub(crate) struct Echo {
    key: Option<[u8; 4]>,
    decoder: Decoder,
    message: Vec<u8>,
    wire: Vec<u8>,
    end: Option<End>,
}

impl Echo {
    pub(crate) fn new(role: Role) -> Self {
        let key = match role {
            Role::Server => None,
            Role::Client => Some(KEY),
        };
        let decoder = Decoder::new(role, Config::default());
        Self { key, decoder, message: Vec::new(), wire: Vec::new(), end: None }
    }

    /// What one read brought; the endpoint unmasks it in place.
    pub(crate) fn read(&mut self, mut chop: &mut [u8]) {
        while self.end.is_none() {
            match self.decoder.next(&mut chop) {
                Ok(None) => return,
                Ok(Some(Piece::Data { message, payload, fin })) => {
                    self.message.extend_from_slice(payload);
                    if fin {
                        let payload = &self.message;
                        encode::write_frame(
                            &mut self.wire,
                            true,
                            message.into(),
                            payload,
                            self.key,
                        );
                        self.message.clear();
                    }
                }
                Ok(Some(Piece::Ping(payload))) => {
                    self.wire.extend_from_slice(&encode::pong(&payload, self.key));
                }
                Ok(Some(Piece::Pong(_))) => {}
                Ok(Some(Piece::Close(close))) => {
                    self.close(close.map_or(1000, |Close { code, .. }| code), End::Closed);
                }
                Err(violation) => self.close(violation.close_code(), End::Failed(violation)),
            }
        }
    }

    fn close(&mut self, code: u16, end: End) {
        self.wire.extend_from_slice(&encode::close(code, "", self.key));
        self.end = Some(end);
    }

    /// Takes what the endpoint has written since it was last asked.
    pub(crate) fn written(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.wire)
    }

    pub(crate) const fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }
}
